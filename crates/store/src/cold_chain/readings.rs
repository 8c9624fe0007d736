//! What displays and loggers said. Of one minute there is one reading that holds; another value for it is a question,
//! and a correction says which it corrects.

use std::collections::BTreeMap;

use domain::access::{OrganisationId, VenuePermit};
use domain::calendar::Instant;
use domain::cold_chain::{Reading, Temperature, is_outside, minute, moment};
use uuid::Uuid;

use super::{Cooler, bad, cooler_within, coolers_within, excursions, id_in};
use crate::db::{Db, Table, Tx, sql, transact};
use crate::error::Result;
use crate::stock::{Act, Claimed, allowed, claim, may_see};

/// Lines of a file in one transaction.
pub const FILE_LINES: usize = 500;
/// Readings told at most, the newest.
const READINGS_MAX: i64 = 1_000;
/// Readings of one cooler looked at for gaps at most: a week by the minute.
const GAP_READINGS_MAX: i64 = 10_080;

/// By which way a reading came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Typed on a page.
    Page,
    /// Read off a photograph of the display, and confirmed on a page.
    Photo,
    /// A line of a file.
    File,
    /// Sent by a program.
    Api,
}

impl Way {
    /// The word in tables, texts and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Photo => "photo",
            Self::File => "file",
            Self::Api => "api",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        let all = [Self::Page, Self::Photo, Self::File, Self::Api];
        all.into_iter().find(|one| one.as_str() == word)
    }
}

/// What somebody says of a cooler at a minute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// Which cooler.
    pub cooler: Uuid,
    /// When it was read.
    pub at: Instant,
    /// What; none only where a reading is taken back.
    pub temperature: Option<Temperature>,
    /// Which revision of the minute's reading it corrects, and why.
    pub corrects: Option<(i64, String)>,
}

/// The reading of a minute that holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// What; none if it was taken back.
    pub temperature: Option<Temperature>,
    /// Which word of the minute it is, from 1.
    pub revision: i64,
}

/// What became of a reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entered {
    /// It is entered.
    Now {
        /// Whether the cooler was too warm or too cold.
        is_outside: bool,
    },
    /// It was there already.
    Before,
    /// Its id was used for something else.
    OtherContent,
    /// The minute has another reading: nothing was done.
    Differs(Kept),
    /// The venue has no such cooler, or there is nothing to correct.
    NotFound,
}

/// Enters a reading, or corrects one; an excursion that it shows is opened with it.
///
/// # Errors
/// The database's.
pub async fn enter(
    db: &Db,
    permit: &VenuePermit,
    word: &Word,
    way: Way,
    act: Act,
) -> Result<Entered> {
    allowed(permit)?;
    let venue = permit.venue();
    let minute = minute(word.at);
    let content = format!("temperature {word:?}");
    transact!(db, |tx| {
        match claim(&mut tx, venue, act.id, &content).await? {
            Claimed::First => {}
            Claimed::Before => return Ok(Entered::Before),
            Claimed::OtherContent => return Ok(Entered::OtherContent),
        }
        let Some(cooler) = cooler_within(&mut tx, venue, word.cooler).await? else {
            return Ok(Entered::NotFound);
        };
        let kept = kept(&mut tx, word.cooler, minute).await?;
        let revision = match (kept, &word.corrects) {
            (None, None) if word.temperature.is_some() => 1,
            (None, _) => return Ok(Entered::NotFound),
            (Some(kept), None) if kept.temperature == word.temperature => {
                return Ok(Entered::Before);
            }
            (Some(kept), Some((seen, _))) if kept.revision == *seen => seen + 1,
            (Some(kept), _) => return Ok(Entered::Differs(kept)),
        };
        let row = Row {
            minute,
            revision,
            temperature: word.temperature,
            reason: word.corrects.as_ref().map_or("", |(_, reason)| reason),
        };
        let is_outside = write(&mut tx, permit, &cooler, (vec![row], way), act.at).await?;
        excursions::follow(&mut tx, venue, cooler.id, (minute, minute), act.at).await?;
        Entered::Now { is_outside }
    })
}

struct Row<'a> {
    minute: i64,
    revision: i64,
    temperature: Option<Temperature>,
    reason: &'a str,
}

/// Writes readings, and says whether one of them is outside.
async fn write(
    tx: &mut Tx,
    permit: &VenuePermit,
    cooler: &Cooler,
    (rows, way): (Vec<Row<'_>>, Way),
    at: Instant,
) -> Result<bool> {
    let outside = |row: &Row<'_>| {
        row.temperature.is_some_and(|temperature| {
            let at = moment(row.minute);
            is_outside(cooler.kind, Reading { at, temperature })
        })
    };
    for row in &rows {
        tx.query(sql!(
            "INSERT INTO cooler_reading
                 (cooler, minute, revision, tenths, outside, way, reason, at_micros, by_user)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
        ))
        .bind(cooler.id.as_bytes().to_vec())
        .bind(row.minute)
        .bind(row.revision)
        .bind(row.temperature.map(Temperature::tenths))
        .bind(i64::from(outside(row)))
        .bind(way.as_str().to_owned())
        .bind(row.reason.to_owned())
        .bind(at.micros())
        .bind(permit.actor().user.0.as_bytes().to_vec())
        .expect(1)
        .await?;
    }
    Ok(rows.iter().any(outside))
}

fn temperature_in(tenths: i64) -> Result<Temperature> {
    Temperature::of_tenths(tenths).map_err(|_| bad("cooler_reading", "tenths"))
}

async fn kept(tx: &mut Tx, cooler: Uuid, minute: i64) -> Result<Option<Kept>> {
    let row: Option<(Option<i64>, i64)> = tx
        .query(sql!(
            "SELECT tenths, revision FROM cooler_reading
             WHERE cooler = $1 AND minute = $2 ORDER BY revision DESC LIMIT 1"
        ))
        .bind(cooler.as_bytes().to_vec())
        .bind(minute)
        .optional()
        .await?;
    row.map(|(tenths, revision)| {
        Ok(Kept {
            temperature: tenths.map(temperature_in).transpose()?,
            revision,
        })
    })
    .transpose()
}

/// A line of a logger's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The cooler's name.
    pub cooler: String,
    /// When.
    pub at: Instant,
    /// What.
    pub temperature: Temperature,
}

/// Takes in lines of a file, at most [`FILE_LINES`]: what each became, in their order. What stands there already
/// changes nothing.
///
/// # Errors
/// The database's.
pub async fn take_in(
    db: &Db,
    permit: &VenuePermit,
    lines: &[Line],
    at: Instant,
) -> Result<Vec<Entered>> {
    allowed(permit)?;
    let venue = permit.venue();
    transact!(db, |tx| {
        let coolers = coolers_within(&mut tx, venue).await?;
        let mut became = vec![Entered::NotFound; lines.len()];
        for cooler in &coolers {
            // Of two coolers with one name the one in use is meant, which comes first.
            let first = coolers.iter().find(|one| one.name == cooler.name);
            if first.is_some_and(|first| first.id == cooler.id) {
                take_in_of(&mut tx, permit, cooler, (lines, &mut became), at).await?;
            }
        }
        became
    })
}

async fn take_in_of(
    tx: &mut Tx,
    permit: &VenuePermit,
    cooler: &Cooler,
    (lines, became): (&[Line], &mut Vec<Entered>),
    at: Instant,
) -> Result<()> {
    let own = || lines.iter().filter(|line| line.cooler == cooler.name);
    let Some(from) = own().map(|line| minute(line.at)).min() else {
        return Ok(());
    };
    let to = own().map(|line| minute(line.at)).max().unwrap_or(from);
    let mut there = kept_of(tx, cooler.id, own().map(|line| minute(line.at))).await?;
    let mut new = Vec::new();
    for (line, became) in lines.iter().zip(became.iter_mut()) {
        if line.cooler != cooler.name {
            continue;
        }
        let (minute, temperature) = (minute(line.at), line.temperature);
        *became = match there.get(&minute) {
            Some(kept) if kept.temperature == Some(temperature) => Entered::Before,
            Some(kept) => Entered::Differs(*kept),
            None => {
                let kept = Kept {
                    temperature: Some(temperature),
                    revision: 1,
                };
                there.insert(minute, kept);
                new.push(Row {
                    minute,
                    revision: 1,
                    temperature: Some(temperature),
                    reason: "",
                });
                let at = line.at;
                Entered::Now {
                    is_outside: is_outside(cooler.kind, Reading { at, temperature }),
                }
            }
        };
    }
    if new.is_empty() {
        return Ok(());
    }
    write(tx, permit, cooler, (new, Way::File), at).await?;
    excursions::follow(tx, permit.venue(), cooler.id, (from, to), at).await
}

/// The readings that hold at these minutes.
async fn kept_of(
    tx: &mut Tx,
    cooler: Uuid,
    minutes: impl Iterator<Item = i64> + Clone,
) -> Result<BTreeMap<i64, Kept>> {
    let rows: Vec<(i64, Option<i64>, i64)> = tx
        .many(
            sql!(
                "WITH k (cooler, minute) AS ({rows: bytea, bigint})
                 SELECT r.minute, r.tenths, r.revision FROM k CROSS JOIN cooler_reading AS r
                 WHERE r.cooler = k.cooler AND r.minute = k.minute"
            ),
            Table::default()
                .bytes(minutes.clone().map(|_| cooler.as_bytes().to_vec()))
                .whole(minutes),
        )
        .all()
        .await?;
    let mut kept: BTreeMap<i64, Kept> = BTreeMap::new();
    for (minute, tenths, revision) in rows {
        if kept.get(&minute).is_some_and(|one| one.revision > revision) {
            continue;
        }
        let temperature = tenths.map(temperature_in).transpose()?;
        kept.insert(
            minute,
            Kept {
                temperature,
                revision,
            },
        );
    }
    Ok(kept)
}

/// The readings of a cooler that hold, from one minute to another, in order.
pub(super) async fn holding(
    tx: &mut Tx,
    cooler: Uuid,
    (from, to): (i64, i64),
) -> Result<Vec<Reading>> {
    let rows: Vec<(i64, i64)> = tx
        .query(sql!(
            "SELECT r.minute, r.tenths FROM cooler_reading AS r
             WHERE r.cooler = $1 AND r.minute >= $2 AND r.minute <= $3 AND r.tenths IS NOT NULL
               AND r.revision = (SELECT MAX(n.revision) FROM cooler_reading AS n
                                 WHERE n.cooler = r.cooler AND n.minute = r.minute)
             ORDER BY r.minute"
        ))
        .bind(cooler.as_bytes().to_vec())
        .bind(from)
        .bind(to)
        .all()
        .await?;
    let reading = |(minute, tenths)| {
        Ok(Reading {
            at: moment(minute),
            temperature: temperature_in(tenths)?,
        })
    };
    rows.into_iter().map(reading).collect()
}

/// The readings of a cooler since a moment that hold, for gaps.
///
/// # Errors
/// The database's.
pub async fn readings(
    db: &Db,
    permit: &VenuePermit,
    cooler: Uuid,
    since: Instant,
) -> Result<Vec<Reading>> {
    may_see(permit)?;
    let mut tx = db.begin_reading().await?;
    if cooler_within(&mut tx, permit.venue(), cooler)
        .await?
        .is_none()
    {
        return Ok(Vec::new());
    }
    let from = minute(since);
    let mut found = holding(&mut tx, cooler, (from, from + GAP_READINGS_MAX)).await?;
    // The one before, so that a gap that began earlier is one.
    let before: Option<(i64,)> = tx
        .query(sql!(
            "SELECT minute FROM cooler_reading WHERE cooler = $1 AND minute < $2 AND tenths IS NOT NULL
             ORDER BY minute DESC LIMIT 1"
        ))
        .bind(cooler.as_bytes().to_vec())
        .bind(from)
        .optional()
        .await?;
    if let Some((before,)) = before {
        found.extend(holding(&mut tx, cooler, (before, before)).await?);
    }
    Ok(found)
}

/// A word about a minute of a cooler, as it is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadingTold {
    /// Which cooler.
    pub cooler: Uuid,
    /// When it was read.
    pub at: Instant,
    /// Which word of the minute, from 1.
    pub revision: i64,
    /// Whether it holds: no later word corrects it.
    pub is_holding: bool,
    /// What; none if the reading was taken back.
    pub temperature: Option<Temperature>,
    /// Whether that is outside.
    pub is_outside: bool,
    /// By which way it came.
    pub way: Way,
    /// Why it corrects the one before.
    pub reason: String,
    /// When it was entered.
    pub entered: Instant,
    /// By whom.
    pub by: String,
}

#[derive(sqlx_macros::FromRow)]
struct ToldRow {
    cooler: Vec<u8>,
    minute: i64,
    revision: i64,
    newest: i64,
    tenths: Option<i64>,
    outside: i64,
    way: String,
    reason: String,
    at_micros: i64,
    by_name: Option<String>,
}

impl TryFrom<ToldRow> for ReadingTold {
    type Error = crate::error::Error;

    fn try_from(row: ToldRow) -> Result<Self> {
        Ok(Self {
            cooler: id_in(&row.cooler, "cooler_reading", "cooler")?,
            at: moment(row.minute),
            revision: row.revision,
            is_holding: row.revision == row.newest,
            temperature: row.tenths.map(temperature_in).transpose()?,
            is_outside: row.outside == 1,
            way: Way::parse(&row.way).ok_or_else(|| bad("cooler_reading", "way"))?,
            reason: row.reason,
            entered: Instant::from_micros(row.at_micros),
            by: row.by_name.unwrap_or_default(),
        })
    }
}

/// Every word about the venue's coolers since a moment, corrected ones too: the newest reading first, a correction
/// before what it corrects.
///
/// # Errors
/// The database's.
pub async fn told_since(db: &Db, permit: &VenuePermit, since: Instant) -> Result<Vec<ReadingTold>> {
    told(db, permit, minute(since), READINGS_MAX).await
}

/// The last words about the venue's coolers, at most so many.
///
/// # Errors
/// The database's.
pub async fn latest(db: &Db, permit: &VenuePermit, count: i64) -> Result<Vec<ReadingTold>> {
    told(db, permit, 0, count.min(READINGS_MAX)).await
}

async fn told(db: &Db, permit: &VenuePermit, from: i64, count: i64) -> Result<Vec<ReadingTold>> {
    may_see(permit)?;
    let venue: OrganisationId = permit.venue();
    let rows: Vec<ToldRow> = db
        .query(sql!(
            "SELECT r.cooler, r.minute, r.revision, r.tenths, r.outside, r.way, r.reason, r.at_micros,
                    a.name AS by_name,
                    (SELECT MAX(n.revision) FROM cooler_reading AS n
                     WHERE n.cooler = r.cooler AND n.minute = r.minute) AS newest
             FROM (SELECT DISTINCT id FROM cooler WHERE venue = $1) AS c
             JOIN cooler_reading AS r ON r.cooler = c.id
             LEFT JOIN account AS a ON a.id = r.by_user
             WHERE r.minute >= $2
             ORDER BY r.minute DESC, r.cooler, r.revision DESC LIMIT $3"
        ))
        .bind(venue.0.as_bytes().to_vec())
        .bind(from)
        .bind(count)
        .all()
        .await?;
    rows.into_iter().map(ReadingTold::try_from).collect()
}
