//! The venues of a file (会場マスタ): held against the venue master, told as if typed by hand, and taken back.
//!
//! What looking through saw of each venue is kept by the stretch (`import_seen`): of a venue of which anything was told since,
//! the line is left alone, and that is said.

mod telling;
mod undoing;

use std::collections::{BTreeMap, BTreeSet};

use domain::access::{OrganisationId, Permit};
use domain::calendar::{Day, Instant};
use domain::languages::both;
use domain::venues::FacilityCode;
use domain::venues::codes::{CodeHistory, holder};
use domain::venues::files::{self, Area, FileDoubt, FileFault, FileRow, Plan, Supplier};
use domain::venues::record::{Section, Source, Told};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

pub(super) use undoing::undo;

use self::telling::Telling;
use super::work::{Applied, advance, stretch_key};
use super::{Desk, Done, Found, InHand, Place, Remark, from_json, remarks};
use crate::audit::{self, Change};
use crate::db::{Db, Tx, sql, transact};
use crate::error::Result;
use crate::recorder::json;
use crate::venues::{Stands, first_circle, of_codes, of_names, of_venues};

/// A good line of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its number, the header being 1.
    pub line: u64,
    /// What it says.
    pub row: FileRow,
}

/// What earlier lines of the file named, while it is looked through.
#[derive(Clone, Debug, Default)]
pub(super) struct Named {
    /// Codes of venues that the file founds.
    founded: BTreeSet<FacilityCode>,
    /// Venues that are known, with the line that is about each.
    venues: BTreeMap<OrganisationId, u64>,
}

/// What was seen of the venue of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Seen(
    /// The line.
    u64,
    /// The venue; none if there was none.
    Option<Uuid>,
    /// How often anything had been told of it.
    i64,
    /// Whether the line changes something.
    bool,
);

/// The venues that the lines of a stretch are about, and those they name, as they stand.
struct Book {
    stands: BTreeMap<OrganisationId, Stands>,
    /// Who ever had a code.
    of_code: BTreeMap<FacilityCode, BTreeSet<OrganisationId>>,
}

/// What a line comes to.
struct Meant {
    /// The venue; none if there is none yet.
    venue: Option<OrganisationId>,
    plan: Plan,
}

impl Meant {
    /// Whether the venue could come to supply itself: nobody is supplied by a venue that was not there.
    fn could_close_a_circle(&self) -> bool {
        let names_one = |told: &Told| matches!(told, Told::Source(Source { supplier: Some(_) }));
        self.venue.is_some() && self.plan.told.iter().any(|(_, told)| names_one(told))
    }
}

impl Book {
    /// All that the lines may be about.
    async fn of(tx: &mut Tx, lines: &[&Line]) -> Result<Self> {
        let mut codes = BTreeSet::new();
        for Line { row, .. } in lines {
            codes.insert(row.code);
            codes.extend(row.former);
            if let Some(Supplier::Venue(code)) = row.supplier {
                codes.insert(code);
            }
        }
        let mut venues = of_codes(tx, &codes).await?;
        let names = lines
            .iter()
            .map(|one| (one.row.city.as_str().to_owned(), one.row.name.clone()));
        venues.extend(of_names(tx, &names.collect()).await?);
        let mut book = Self {
            stands: of_venues(tx, &venues).await?,
            of_code: BTreeMap::new(),
        };
        for (venue, stands) in &book.stands {
            for one in stands.known.codes.all() {
                book.of_code.entry(one.code).or_default().insert(*venue);
            }
        }
        Ok(book)
    }

    /// Remembers what a line made of a venue, for the lines after it.
    fn note(&mut self, venue: OrganisationId, stands: Stands) {
        for one in stands.known.codes.all() {
            self.of_code.entry(one.code).or_default().insert(venue);
        }
        self.stands.insert(venue, stands);
    }

    fn histories(&self, code: FacilityCode) -> Vec<(OrganisationId, CodeHistory)> {
        let venues = self.of_code.get(&code).into_iter().flatten();
        venues
            .filter_map(|id| Some((*id, self.stands.get(id)?.known.codes.clone())))
            .collect()
    }

    fn holder(&self, code: FacilityCode, day: Day) -> Option<OrganisationId> {
        holder(&self.histories(code), code, day)
    }

    /// Which venue a line is about: that which has the code, or had the former one the day before.
    fn venue_of(&self, row: &FileRow) -> std::result::Result<Option<OrganisationId>, FileFault> {
        let venue = match row.former {
            None => self.holder(row.code, row.from),
            Some(former) => {
                let before = self.holder(former, row.from.plus_days(-1));
                // The same line again: the code has changed by now.
                let by_now = || self.holder(row.code, row.from);
                Some(before.or_else(by_now).ok_or(FileFault::FormerUnknown)?)
            }
        };
        let city = venue.and_then(|id| Some(self.stands.get(&id)?.city));
        if city.is_some_and(|city| city != row.city) {
            return Err(FileFault::OtherCity);
        }
        Ok(venue)
    }

    /// Who a line says supplies its venue. Of one that the file founds in an earlier stretch nothing is known yet.
    fn source_of(
        &self,
        row: &FileRow,
        founded: &BTreeSet<FacilityCode>,
    ) -> std::result::Result<Option<Source>, FileFault> {
        let code = match row.supplier {
            None => return Ok(None),
            Some(Supplier::Nobody) => return Ok(Some(Source::default())),
            Some(Supplier::Venue(code)) => code,
        };
        if code == row.code {
            return Err(FileFault::Circle { day: row.from });
        }
        let known = self.holder(code, row.from);
        let is_open = |id: &OrganisationId| self.stands.get(id).is_some_and(|one| one.active);
        let supplier = known.filter(is_open).or_else(|| {
            let is_new = known.is_none() && founded.contains(&code);
            is_new.then_some(OrganisationId(Uuid::nil()))
        });
        match supplier {
            Some(_) => Ok(Some(Source { supplier })),
            None => Err(FileFault::SupplierUnknown),
        }
    }

    /// What a line comes to, or everything that is wrong with it.
    fn meant(
        &self,
        row: &FileRow,
        area: Area,
        founded: &BTreeSet<FacilityCode>,
    ) -> std::result::Result<Meant, Vec<FileFault>> {
        let mut wrong = files::faults(row, area);
        let venue = self.venue_of(row).map_err(|fault| wrong.push(fault)).ok();
        let source = self
            .source_of(row, founded)
            .map_err(|fault| wrong.push(fault))
            .ok();
        let is_clear = venue.is_some();
        let venue = venue.flatten();
        let known = venue.and_then(|id| self.stands.get(&id));
        let known = known.map(|stands| &stands.known);
        let planned = files::plan(row, source.flatten().as_ref(), known);
        let mut plan = planned.unwrap_or_else(|faults| {
            wrong.extend(faults);
            Plan::default()
        });
        let others = self.histories(row.code);
        let others = others.iter().filter(|(id, _)| Some(*id) != venue);
        if let Some(since) = plan.code.filter(|_| is_clear) {
            let own = known.map_or(&[][..], |known| known.codes.all());
            let becomes = CodeHistory::told(own.iter().copied().chain([since]));
            let mut others = others.peekable();
            if venue.is_none() && others.peek().is_some() {
                plan.doubts.push(FileDoubt::CodeGivenBack);
            }
            if others.any(|(_, other)| becomes.shared_with(other).is_some()) {
                wrong.push(FileFault::CodeTaken);
            }
        }
        plan.doubts.extend(self.like(row, venue));
        if wrong.is_empty() {
            Ok(Meant { venue, plan })
        } else {
            Err(wrong)
        }
    }

    /// Another venue that is called the same and stands at the same place; only where the line founds one.
    fn like(&self, row: &FileRow, venue: Option<OrganisationId>) -> Option<FileDoubt> {
        let address = row.address.as_ref().filter(|one| !one.is_empty())?;
        if venue.is_some() {
            return None;
        }
        let is_like = |stands: &&Stands| {
            let standing = stands.known.on(Section::Standing, row.from);
            let same = matches!(standing, Some(Told::Standing(told)) if told.address == *address);
            same && stands.city == row.city && stands.name == row.name
        };
        let code = self
            .stands
            .values()
            .find(is_like)?
            .known
            .codes
            .on(row.from)?;
        Some(FileDoubt::SameNameAndAddress { code: code.code })
    }
}

/// Whether a venue would supply itself by what a line tells.
async fn circle(tx: &mut Tx, meant: &Meant) -> Result<Option<FileFault>> {
    let Some(venue) = meant.venue else {
        return Ok(None);
    };
    for (from, told) in &meant.plan.told {
        if let Told::Source(Source {
            supplier: Some(supplier),
        }) = told
            && let Some(day) = first_circle(tx, venue, *supplier, *from).await?
        {
            return Ok(Some(FileFault::Circle { day }));
        }
    }
    Ok(None)
}

fn rejected(line: u64, fault: &FileFault) -> Remark {
    let words = fault.to_string();
    let (ja, en) = both(&words);
    Remark {
        line,
        column: Some(fault.column().to_owned()),
        code: fault.code().to_owned(),
        ja: ja.to_owned(),
        en: en.to_owned(),
        kept: false,
    }
}

fn doubted(line: u64, doubt: &FileDoubt) -> Remark {
    let words = doubt.to_string();
    let (ja, en) = both(&words);
    Remark {
        line,
        column: Some(doubt.column().to_owned()),
        code: doubt.code().to_owned(),
        ja: ja.to_owned(),
        en: en.to_owned(),
        kept: true,
    }
}

/// Holds the venues of a stretch against the venue master; adds what is to be said of them.
pub(super) async fn look(
    db: &Db,
    hand: &mut InHand,
    lines: &[Line],
    remarks: &mut Vec<Remark>,
) -> Result<(Found, Vec<Seen>)> {
    let area = hand.import.desk.area()?;
    let looked_at: BTreeSet<u64> = remarks
        .iter()
        .filter(|one| one.kept)
        .map(|one| one.line)
        .collect();
    let mut tx = db.begin_reading().await?;
    let book = Book::of(&mut tx, &lines.iter().collect::<Vec<_>>()).await?;
    let (mut found, mut seen) = (Found::default(), Vec::new());
    for Line { line, row } in lines {
        let mut meant = book.meant(row, area, &hand.named.founded);
        if let Ok(one) = &meant
            && let Some(fault) = circle(&mut tx, one).await?
        {
            meant = Err(vec![fault]);
        }
        if let Ok(Meant {
            venue: Some(venue), ..
        }) = meant
        {
            let first_line = *hand.named.venues.entry(venue).or_insert(*line);
            if first_line != *line {
                meant = Err(vec![FileFault::SameVenue { first_line }]);
            }
        }
        let Meant { venue, plan } = match meant {
            Ok(meant) => meant,
            Err(faults) => {
                found.rejected += 1;
                remarks.extend(faults.iter().map(|fault| rejected(*line, fault)));
                continue;
            }
        };
        hand.named.founded.extend(plan.code.map(|one| one.code));
        count(&mut found, venue, &plan);
        if !plan.doubts.is_empty() {
            found.suspicious += u64::from(!looked_at.contains(line));
            remarks.extend(plan.doubts.iter().map(|doubt| doubted(*line, doubt)));
        }
        let stands = venue.and_then(|id| book.stands.get(&id));
        let tellings = stands.map_or(0, |stands| stands.tellings);
        let venue = venue.map(|id| id.0);
        seen.push(Seen(*line, venue, tellings, !plan.is_nothing()));
    }
    tx.commit().await?;
    Ok((found, seen))
}

fn count(found: &mut Found, venue: Option<OrganisationId>, plan: &Plan) {
    match venue {
        None => found.new += 1,
        Some(_) if plan.is_nothing() => found.unchanged += 1,
        Some(_) => {
            found.changed += 1;
            found.recoded += u64::from(plan.code.is_some());
            found.closed += u64::from(plan.closes());
        }
    }
}

/// Keeps how the venues of a stretch stood.
pub(super) async fn keep_seen(
    tx: &mut Tx,
    desk: Desk,
    (import, upto_line): (Uuid, i64),
    seen: &[Seen],
) -> Result<()> {
    tx.query(sql!(
        "INSERT INTO import_seen (desk, import, upto_line, seen) VALUES ($1, $2, $3, $4)
         ON CONFLICT (desk, import, upto_line) DO UPDATE SET seen = excluded.seen"
    ))
    .bind(desk.key())
    .bind(import.as_bytes().to_vec())
    .bind(upto_line)
    .bind(json(seen))
    .expect(1)
    .await
}

async fn seen_of(
    tx: &mut Tx,
    desk: Desk,
    (import, upto_line): (Uuid, i64),
) -> Result<BTreeMap<u64, Seen>> {
    let (kept,): (String,) = tx
        .query(sql!(
            "SELECT seen FROM import_seen WHERE desk = $1 AND import = $2 AND upto_line = $3"
        ))
        .bind(desk.key())
        .bind(import.as_bytes().to_vec())
        .bind(upto_line)
        .one()
        .await?;
    let seen: Vec<Seen> = from_json(&kept, "seen")?;
    Ok(seen.into_iter().map(|one| (one.0, one)).collect())
}

/// Forgets how venues stood.
pub(super) async fn forget(tx: &mut Tx, desk: Desk, import: Uuid) -> Result<()> {
    tx.query(sql!(
        "DELETE FROM import_seen WHERE desk = $1 AND import = $2"
    ))
    .bind(desk.key())
    .bind(import.as_bytes().to_vec())
    .run()
    .await?;
    Ok(())
}

/// Counts the venues of the area of which the file says nothing, once all of it was looked through.
pub(super) async fn count_absent(tx: &mut Tx, hand: &InHand, area: Area) -> Result<()> {
    let (prefecture, city) = match area {
        Area::Nation => (None, None),
        Area::Prefecture(own) => (Some(i64::from(own.number())), None),
        Area::City(own) => (None, Some(own.as_str().to_owned())),
    };
    let (all,): (i64,) = tx
        .query(sql!(
            "SELECT COUNT(*) FROM organisation AS o
             WHERE o.kind = 'venue' AND o.active = 1
               AND (CAST($1 AS BIGINT) IS NULL OR o.prefecture = $1)
               AND (CAST($2 AS TEXT) IS NULL OR o.municipality = $2)"
        ))
        .bind(prefecture)
        .bind(city)
        .one()
        .await?;
    let named = hand.named.venues.len() as u64;
    let found = Found {
        absent: all.unsigned_abs().saturating_sub(named),
        ..hand.import.found
    };
    tx.query(sql!(
        "UPDATE import SET found = $3 WHERE desk = $1 AND id = $2"
    ))
    .bind(hand.import.desk.key())
    .bind(hand.import.id.as_bytes().to_vec())
    .bind(json(&found))
    .expect(1)
    .await
}

/// Tells what the lines of a stretch say, and says in the same transaction how far the work is.
///
/// # Errors
/// As [`super::apply`].
pub(super) async fn apply(
    db: &Db,
    permit: &Permit,
    hand: &InHand,
    lines: &[Line],
    (place, now): (Place, Instant),
    id: &(dyn Fn() -> Uuid + Send + Sync),
) -> Result<Applied> {
    let key = stretch_key(hand, place);
    let done = transact!(db, |tx| {
        let done = apply_within(&mut tx, permit, hand, (lines, key), (now, id)).await?;
        let so_far = hand.import.done.with(done);
        advance(&mut tx, hand, place, hand.import.found, so_far, now).await?;
        done
    })?;
    Ok(Applied {
        done,
        is_told: true,
    })
}

async fn apply_within(
    tx: &mut Tx,
    permit: &Permit,
    hand: &InHand,
    (lines, key): (&[Line], (Uuid, i64)),
    (now, id): (Instant, &(dyn Fn() -> Uuid + Send + Sync)),
) -> Result<Done> {
    let (desk, area) = (hand.import.desk, hand.import.desk.area()?);
    let seen = seen_of(tx, desk, key).await?;
    let mut done = Done::default();
    let mut todo = Vec::new();
    for line in lines {
        match seen.get(&line.line) {
            Some(Seen(_, venue, tellings, true)) => todo.push((line, *venue, *tellings)),
            Some(_) => done.unchanged += 1,
            // It was rejected when the file was looked through.
            None => {}
        }
    }
    let about: Vec<&Line> = todo.iter().map(|(line, ..)| *line).collect();
    let mut book = Book::of(tx, &about).await?;
    let mut telling = Telling::new(permit, &hand.import, now);
    let mut said = Vec::new();
    for (line, venue, tellings) in todo {
        let meant = match book.meant(&line.row, area, &BTreeSet::new()) {
            Ok(meant) => meant,
            Err(faults) => {
                done.taken += 1;
                said.extend(faults.iter().map(|fault| rejected(line.line, fault)));
                continue;
            }
        };
        let stands = meant.venue.and_then(|id| book.stands.get(&id)).cloned();
        let now_told = stands.as_ref().map_or(0, |stands| stands.tellings);
        if meant.venue.map(|id| id.0) != venue || now_told != tellings {
            done.overtaken += 1;
            said.push(changed_meanwhile(line.line));
            continue;
        }
        if meant.could_close_a_circle() {
            // What earlier lines told must be there to be seen.
            telling.flush(tx).await?;
            if let Some(fault) = circle(tx, &meant).await? {
                done.taken += 1;
                said.push(rejected(line.line, &fault));
                continue;
            }
        }
        let known = meant.venue.zip(stands);
        let fresh = || OrganisationId(id());
        let (venue, becomes) = telling.put(line, &meant.plan, known, fresh);
        match meant.venue {
            None => done.new += 1,
            Some(_) => done.changed += 1,
        }
        book.note(venue, becomes);
    }
    telling.flush(tx).await?;
    keep_before(tx, desk, key, (telling.kept(), done)).await?;
    remarks::add(tx, desk, key, said).await?;
    let detail = serde_json::json!({
        "upto_line": key.1, "founded": done.new, "changed": done.changed, "overtaken": done.overtaken,
    });
    audited(tx, permit, hand, ("load-venues", &detail), (id(), now)).await?;
    Ok(done)
}

fn changed_meanwhile(line: u64) -> Remark {
    Remark {
        line,
        column: Some("会場コード".to_owned()),
        code: "venue_changed_meanwhile".to_owned(),
        ja: "確認の後にほかの人がこの会場を変えたため、反映しませんでした。画面で会場を確かめて、必要ならもう一度取り込んでください。".to_owned(),
        en: "Somebody changed this venue after the file was looked through, so the line was left out. See the venue's page, \
             and load the line again if it is still needed."
            .to_owned(),
        kept: false,
    }
}

async fn audited(
    tx: &mut Tx,
    permit: &Permit,
    hand: &InHand,
    (action, detail): (&str, &Value),
    (id, at): (Uuid, Instant),
) -> Result<()> {
    let change = Change {
        id,
        at,
        municipality: hand.import.desk.audited(),
        action,
        subject: &hand.import.id.to_string(),
        detail: &detail.to_string(),
    };
    audit::write(tx, permit.actor(), &change).await
}

async fn keep_before(
    tx: &mut Tx,
    desk: Desk,
    (import, upto_line): (Uuid, i64),
    (before, done): (&[telling::Kept], Done),
) -> Result<()> {
    tx.query(sql!(
        "INSERT INTO import_stretch (desk, import, upto_line, before, done) VALUES ($1, $2, $3, $4, $5)"
    ))
    .bind(desk.key())
    .bind(import.as_bytes().to_vec())
    .bind(upto_line)
    .bind(json(before))
    .bind(json(&done))
    .expect(1)
    .await
}

/// Whether the desk wants a second person to approve its files.
pub(super) async fn wants_second(tx: &mut Tx, desk: Desk) -> Result<bool> {
    let row: Option<(i64,)> = tx
        .query(sql!(
            "SELECT second_person FROM venue_file_setting WHERE desk = $1"
        ))
        .bind(desk.key())
        .optional()
        .await?;
    Ok(row.is_some_and(|(second,)| second == 1))
}

/// Whether the area wants a second person to approve its files of venues.
///
/// # Errors
/// The database's.
pub async fn second_person(db: &Db, permit: &Permit) -> Result<bool> {
    let desk = super::Right::from(permit).desk()?;
    let mut tx = db.begin_reading().await?;
    wants_second(&mut tx, desk).await
}

/// Says whether the area wants a second person to approve its files of venues.
///
/// # Errors
/// The database's.
pub async fn set_second_person(
    db: &Db,
    permit: &Permit,
    second: bool,
    how: super::Decided,
) -> Result<()> {
    let desk = super::Right::from(permit).desk()?;
    transact!(db, |tx| {
        tx.query(sql!(
            "INSERT INTO venue_file_setting (desk, second_person, changed_at, changed_by) VALUES ($1, $2, $3, $4)
             ON CONFLICT (desk) DO UPDATE SET second_person = excluded.second_person,
                 changed_at = excluded.changed_at, changed_by = excluded.changed_by"
        ))
        .bind(desk.key())
        .bind(i64::from(second))
        .bind(how.at.micros())
        .bind(permit.actor().user.0.as_bytes().to_vec())
        .expect(1)
        .await?;
        let change = Change {
            id: how.audit,
            at: how.at,
            municipality: desk.audited(),
            action: "set-venue-file-approval",
            subject: &desk.key(),
            detail: if second {
                "{\"second_person\":true}"
            } else {
                "{\"second_person\":false}"
            },
        };
        audit::write(&mut tx, permit.actor(), &change).await?;
    })
}
