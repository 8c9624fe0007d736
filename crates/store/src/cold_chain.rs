//! The cold chain (コールドチェーン): coolers, what was read off them, and the vials in quarantine because of it.
//!
//! Readings are only ever added; excursions follow from them in the same transaction. Which vials are in doubt is not
//! kept anywhere: it is worked out anew from readings, movements and decisions, so it cannot contradict them.

mod area;
mod decisions;
mod excursions;
mod readings;
mod rooms;
mod unread;

use std::collections::BTreeMap;

use domain::access::{OrganisationId, VenuePermit};
use domain::calendar::{Day, Instant};
use domain::cold_chain::CoolerKind;
use domain::lots::Quarantine;
use domain::stock::{Account, Goods, Shelf};
use serde_json::json;
use uuid::Uuid;

use crate::audit::{self, Change};
use crate::db::{Db, Tx, sql, transact};
use crate::error::{Error, Result};
use crate::stock::{allowed, may_see};

pub use area::{Somewhere, of_area};
pub use decisions::{
    Decided, Deciding, DecidingMany, Decision, LOTS_AT_ONCE_MAX, ManyDecided, decide, decide_many,
};
pub use excursions::{Listed, PAST_MAX, State, Told, one, open, past};
pub use readings::{
    Entered, FILE_LINES, Kept as KeptReading, Line, ReadingTold, Way, Word, enter, latest,
    readings, take_in, told_since,
};
pub(crate) use rooms::units_taken;
pub use rooms::{Near, ROOMS_MAX, Room, rooms};
pub use unread::{UNREAD_MAX, Unread, unread_in_area};

/// Coolers of one venue at most: the largest hospitals have some dozens.
pub const COOLERS_MAX: i64 = 60;

/// A cooler of a venue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cooler {
    /// Its id.
    pub id: Uuid,
    /// What the venue calls it, as in the files of its logger.
    pub name: String,
    /// What kind it is.
    pub kind: CoolerKind,
    /// The longest time between two readings that is expected, in minutes.
    pub every_minutes: i64,
    /// Whether it is in use.
    pub is_in_use: bool,
    /// Which telling it was, from 1.
    pub revision: i64,
    /// When.
    pub at: Instant,
}

/// What became of what was told of a cooler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CoolerKept {
    /// It stands.
    Now,
    /// It stands so already.
    AsItIs,
    /// It was told anew since it was looked at.
    ChangedMeanwhile,
    /// Another cooler of the venue has this name.
    NameTaken,
    /// The venue has [`COOLERS_MAX`].
    TooMany,
    /// The venue has no such cooler.
    NotFound,
}

#[derive(sqlx_macros::FromRow)]
struct CoolerRow {
    id: Vec<u8>,
    name: String,
    kind: String,
    every_minutes: i64,
    in_use: i64,
    revision: i64,
    at_micros: i64,
}

fn bad(table: &'static str, column: &'static str) -> Error {
    Error::Inconsistent { table, column }
}

fn id_in(bytes: &[u8], table: &'static str, column: &'static str) -> Result<Uuid> {
    Uuid::from_slice(bytes).map_err(|_| bad(table, column))
}

fn kind_in(word: &str, table: &'static str) -> Result<CoolerKind> {
    CoolerKind::parse(word).ok_or_else(|| bad(table, "kind"))
}

impl TryFrom<CoolerRow> for Cooler {
    type Error = Error;

    fn try_from(row: CoolerRow) -> Result<Self> {
        Ok(Self {
            id: id_in(&row.id, "cooler", "id")?,
            name: row.name,
            kind: kind_in(&row.kind, "cooler")?,
            every_minutes: row.every_minutes,
            is_in_use: row.in_use == 1,
            revision: row.revision,
            at: Instant::from_micros(row.at_micros),
        })
    }
}

/// The coolers of the venue by name, those in use first.
///
/// # Errors
/// The database's.
pub async fn coolers(db: &Db, permit: &VenuePermit) -> Result<Vec<Cooler>> {
    may_see(permit)?;
    let mut tx = db.begin_reading().await?;
    coolers_within(&mut tx, permit.venue()).await
}

async fn coolers_within(tx: &mut Tx, venue: OrganisationId) -> Result<Vec<Cooler>> {
    let rows: Vec<CoolerRow> = tx
        .query(sql!(
            "SELECT c.id, c.name, c.kind, c.every_minutes, c.in_use, c.revision, c.at_micros FROM cooler AS c
             WHERE c.venue = $1 AND c.revision = (
                 SELECT MAX(n.revision) FROM cooler AS n WHERE n.venue = c.venue AND n.id = c.id)
             ORDER BY c.in_use DESC, c.name, c.id LIMIT $2"
        ))
        .bind(venue.0.as_bytes().to_vec())
        .bind(COOLERS_MAX)
        .all()
        .await?;
    rows.into_iter().map(Cooler::try_from).collect()
}

async fn cooler_within(tx: &mut Tx, venue: OrganisationId, id: Uuid) -> Result<Option<Cooler>> {
    let row: Option<CoolerRow> = tx
        .query(sql!(
            "SELECT id, name, kind, every_minutes, in_use, revision, at_micros FROM cooler
             WHERE venue = $1 AND id = $2 ORDER BY revision DESC LIMIT 1"
        ))
        .bind(venue.0.as_bytes().to_vec())
        .bind(id.as_bytes().to_vec())
        .optional()
        .await?;
    row.map(Cooler::try_from).transpose()
}

/// Tells of a cooler: a new one by revision 0, or another word about one, by the revision that was looked at. Whoever
/// takes one out of use says that it is empty: an excursion that lasted is over then.
///
/// # Errors
/// The database's.
pub async fn tell_cooler(
    db: &Db,
    permit: &VenuePermit,
    told: &Cooler,
    (audit, at): (Uuid, Instant),
) -> Result<CoolerKept> {
    allowed(permit)?;
    let venue = permit.venue();
    transact!(db, |tx| {
        let all = coolers_within(&mut tx, venue).await?;
        let known = all.iter().find(|one| one.id == told.id);
        match known {
            None if told.revision > 0 => return Ok(CoolerKept::NotFound),
            None if i64::try_from(all.len()).is_ok_and(|count| count >= COOLERS_MAX) => {
                return Ok(CoolerKept::TooMany);
            }
            Some(known) if is_said(known, told) => return Ok(CoolerKept::AsItIs),
            // What a cooler was made for never changes: its readings were judged by it.
            Some(known) if known.revision != told.revision || known.kind != told.kind => {
                return Ok(CoolerKept::ChangedMeanwhile);
            }
            _ => {}
        }
        let others = all.iter().filter(|one| one.id != told.id && one.is_in_use);
        if told.is_in_use && others.clone().any(|one| one.name == told.name) {
            return Ok(CoolerKept::NameTaken);
        }
        write_cooler(&mut tx, permit, told, at).await?;
        let now = domain::cold_chain::minute(at);
        excursions::follow(&mut tx, venue, told.id, (now, now), at).await?;
        let detail = json!({
            "name": told.name, "kind": told.kind, "every_minutes": told.every_minutes, "in_use": told.is_in_use,
        });
        let change = Change {
            id: audit,
            at,
            municipality: Some(permit.city()),
            action: "tell-cooler",
            subject: &told.id.to_string(),
            detail: &detail.to_string(),
        };
        audit::write(&mut tx, permit.actor(), &change).await?;
        CoolerKept::Now
    })
}

fn is_said(known: &Cooler, told: &Cooler) -> bool {
    let said = |one: &Cooler| {
        let name = one.name.clone();
        (name, one.kind, one.every_minutes, one.is_in_use)
    };
    said(known) == said(told)
}

async fn write_cooler(tx: &mut Tx, permit: &VenuePermit, told: &Cooler, at: Instant) -> Result<()> {
    tx.query(sql!(
        "INSERT INTO cooler (venue, id, revision, name, kind, every_minutes, in_use, at_micros, by_user)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
    ))
    .bind(permit.venue().0.as_bytes().to_vec())
    .bind(told.id.as_bytes().to_vec())
    .bind(told.revision + 1)
    .bind(told.name.clone())
    .bind(told.kind.as_str().to_owned())
    .bind(told.every_minutes)
    .bind(i64::from(told.is_in_use))
    .bind(at.micros())
    .bind(permit.actor().user.0.as_bytes().to_vec())
    .expect(1)
    .await
}

/// Vials of a lot on a shelf that wait for a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Held {
    /// How many.
    pub(crate) vials: i64,
    /// Since when.
    pub(crate) since: Day,
}

/// What of the venue's vials is in quarantine (隔離) now.
pub(crate) async fn held(
    tx: &mut Tx,
    venue: OrganisationId,
    now: Instant,
) -> Result<BTreeMap<(Goods, Shelf), Held>> {
    let mut held: BTreeMap<(Goods, Shelf), Held> = BTreeMap::new();
    for (row, fates) in excursions::open_within(tx, venue, now).await? {
        let since = row.excursion.first.day_in_japan();
        for (goods, fate) in fates.into_iter().filter(|(_, fate)| fate.undecided > 0) {
            let one = held
                .entry((goods, row.kind.shelf()))
                .or_insert(Held { vials: 0, since });
            // One vial may be in doubt by two excursions: whoever calls knows how many there are at all.
            one.vials += fate.undecided;
            one.since = one.since.min(since);
        }
    }
    Ok(held)
}

/// How many vials of a lot may leave a shelf: those that are not in quarantine.
pub(crate) async fn free(
    tx: &mut Tx,
    venue: OrganisationId,
    (goods, shelf): (&Goods, Shelf),
    now: Instant,
) -> Result<Option<i64>> {
    let held = held(tx, venue, now).await?;
    let Some(held) = held.get(&(goods.clone(), shelf)) else {
        return Ok(None);
    };
    let there = crate::stock::balance(tx, venue, goods, Account::Shelf(shelf)).await?;
    Ok(Some((there - held.vials).max(0)))
}

/// Whether the venue's vials of a lot are in quarantine, and whether all of them.
///
/// # Errors
/// The database's.
pub async fn quarantine(
    db: &Db,
    permit: &VenuePermit,
    goods: &Goods,
    now: Instant,
) -> Result<Option<Quarantine>> {
    let mut tx = db.begin_reading().await?;
    quarantine_within(&mut tx, permit.venue(), goods, now).await
}

pub(crate) async fn quarantine_within(
    tx: &mut Tx,
    venue: OrganisationId,
    goods: &Goods,
    now: Instant,
) -> Result<Option<Quarantine>> {
    let held = held(tx, venue, now).await?;
    let of_lot = held.iter().filter(|((one, _), _)| one == goods);
    let Some(since) = of_lot.clone().map(|(_, held)| held.since).min() else {
        return Ok(None);
    };
    let mut free = 0;
    for shelf in Shelf::ALL {
        let there = crate::stock::balance(tx, venue, goods, Account::Shelf(shelf)).await?;
        let on_shelf = held.get(&(goods.clone(), shelf));
        free += (there - on_shelf.map_or(0, |held| held.vials)).max(0);
    }
    Ok(Some(Quarantine {
        since,
        is_whole: free == 0,
    }))
}
