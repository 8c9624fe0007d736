//! Cycles (クール), and who may act again after a cut-off. Nothing is overwritten: a new row says what holds
//! from then on.

use domain::access::{Action, Permit, Place};
use domain::calendar::{Day, Instant};
use domain::cycles::{Act, Terms, Tier, seat};
use domain::vaccines::ProductKey;
use serde_json::json;
use uuid::Uuid;

use crate::audit::{self, Change};
use crate::db::{Db, Tx, sql, transact};
use crate::error::{Error, Result};

/// Cycles on one page at most: two products, two a month, for some years.
pub const CYCLES_MAX: i64 = 200;

/// A cycle as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cycle {
    /// Its id.
    pub id: Uuid,
    /// Of which product.
    pub product: ProductKey,
    /// What it is.
    pub terms: Terms,
    /// 1 when it was set up, one more with each change.
    pub revision: i64,
}

/// What became of a cycle that was handed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// It stands, by this revision.
    As(i64),
    /// It stands so already.
    AsItIs(i64),
    /// It was changed since it was looked at, and has this revision now.
    ChangedMeanwhile(i64),
    /// Another cycle of the product has this number.
    NumberTaken,
}

#[derive(sqlx_macros::FromRow)]
struct Row {
    id: Vec<u8>,
    revision: i64,
    product: String,
    terms: String,
}

fn bad(column: &'static str) -> Error {
    Error::Inconsistent {
        table: "cycle",
        column,
    }
}

impl TryFrom<Row> for Cycle {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            id: crate::accounts::uuid(&row.id, "cycle", "id")?,
            product: ProductKey::parse(&row.product).ok_or_else(|| bad("product"))?,
            terms: serde_json::from_str(&row.terms).map_err(|_| bad("terms"))?,
            revision: row.revision,
        })
    }
}

/// The cycles, the latest first.
///
/// # Errors
/// The database's.
pub async fn cycles(db: &Db) -> Result<Vec<Cycle>> {
    let rows: Vec<Row> = db
        .query(sql!(
            "SELECT c.id, c.revision, c.product, c.terms FROM cycle AS c
             WHERE c.revision = (SELECT MAX(n.revision) FROM cycle AS n WHERE n.id = c.id)
             ORDER BY c.first_day DESC, c.product, c.number LIMIT $1"
        ))
        .bind(CYCLES_MAX)
        .all()
        .await?;
    rows.into_iter().map(Cycle::try_from).collect()
}

/// A cycle.
///
/// # Errors
/// The database's.
pub async fn cycle(db: &Db, id: Uuid) -> Result<Option<Cycle>> {
    let mut tx = db.begin_reading().await?;
    found(&mut tx, id).await
}

/// The same within a transaction.
pub(crate) async fn found(tx: &mut Tx, id: Uuid) -> Result<Option<Cycle>> {
    let row: Option<Row> = tx
        .query(sql!(
            "SELECT id, revision, product, terms FROM cycle
             WHERE id = $1 ORDER BY revision DESC LIMIT 1"
        ))
        .bind(id.as_bytes().to_vec())
        .optional()
        .await?;
    row.map(Cycle::try_from).transpose()
}

/// Sets a cycle up, or changes what holds of it from now on; its `revision` is the one that whoever
/// changes it had before them, 0 for a new one. `act` names the audit row and the time.
///
/// # Errors
/// The database's.
pub async fn keep(
    db: &Db,
    permit: &Permit,
    cycle: &Cycle,
    (audit_id, at): (Uuid, Instant),
) -> Result<Kept> {
    if permit.action() != Action::KeepCycles {
        return Err(Error::Unavailable(
            "the permit is for something else".to_owned(),
        ));
    }
    transact!(db, |tx| {
        let known = found(&mut tx, cycle.id).await?;
        let revision = known.as_ref().map_or(0, |known| known.revision);
        let is_same =
            known.is_some_and(|known| known.terms == cycle.terms && known.product == cycle.product);
        if is_same {
            Kept::AsItIs(revision)
        } else if cycle.revision != revision {
            Kept::ChangedMeanwhile(revision)
        } else if is_taken(&mut tx, cycle).await? {
            Kept::NumberTaken
        } else {
            write(&mut tx, permit, cycle, at).await?;
            let change = Change {
                id: audit_id,
                at,
                municipality: None,
                action: "keep-cycle",
                subject: &cycle.id.to_string(),
                detail: &json!({ "number": cycle.terms.number, "revision": revision + 1 })
                    .to_string(),
            };
            audit::write(&mut tx, permit.actor(), &change).await?;
            Kept::As(revision + 1)
        }
    })
}

async fn is_taken(tx: &mut Tx, cycle: &Cycle) -> Result<bool> {
    let other: Option<(Vec<u8>,)> = tx
        .query(sql!(
            "SELECT c.id FROM cycle AS c
             WHERE c.product = $1 AND c.number = $2 AND c.id <> $3
               AND c.revision = (SELECT MAX(n.revision) FROM cycle AS n WHERE n.id = c.id)
             LIMIT 1"
        ))
        .bind(cycle.product.as_str().to_owned())
        .bind(i64::from(cycle.terms.number))
        .bind(cycle.id.as_bytes().to_vec())
        .optional()
        .await?;
    Ok(other.is_some())
}

async fn write(tx: &mut Tx, permit: &Permit, cycle: &Cycle, at: Instant) -> Result<()> {
    let terms = serde_json::to_string(&cycle.terms).map_err(|_| bad("terms"))?;
    tx.query(sql!(
        "INSERT INTO cycle (id, revision, product, number, first_day, terms, at_micros, by_user)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
    ))
    .bind(cycle.id.as_bytes().to_vec())
    .bind(cycle.revision + 1)
    .bind(cycle.product.as_str().to_owned())
    .bind(i64::from(cycle.terms.number))
    .bind(cycle.terms.first_day.to_string())
    .bind(terms)
    .bind(at.micros())
    .bind(permit.actor().user.0.as_bytes().to_vec())
    .expect(1)
    .await
}

/// Lets a level act again until a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reopening {
    /// In which cycle.
    pub cycle: Uuid,
    /// Whom.
    pub place: Place,
    /// To do what.
    pub act: Act,
    /// Until which day, that day included.
    pub until: Day,
    /// Why.
    pub reason: String,
}

/// Lets a level act again after its cut-off: the nation whomever it likes, a prefecture its cities, a city
/// its venues. Answers whether whoever asks may.
///
/// # Errors
/// The database's.
pub async fn reopen(
    db: &Db,
    permit: &Permit,
    reopening: &Reopening,
    (id, at): (Uuid, Instant),
) -> Result<bool> {
    if permit.action() != Action::Allocate || !is_above(permit.place(), &reopening.place) {
        return Ok(false);
    }
    let Some(place) = seat(&reopening.place) else {
        return Ok(false);
    };
    transact!(db, |tx| {
        tx.query(sql!(
            "INSERT INTO cycle_reopening (cycle, place, act, id, until, reason, at_micros, by_user, organisation)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
        ))
        .bind(reopening.cycle.as_bytes().to_vec())
        .bind(place.clone())
        .bind(reopening.act.as_str().to_owned())
        .bind(id.as_bytes().to_vec())
        .bind(reopening.until.to_string())
        .bind(reopening.reason.clone())
        .bind(at.micros())
        .bind(permit.actor().user.0.as_bytes().to_vec())
        .bind(permit.actor().organisation.0.as_bytes().to_vec())
        .expect(1)
        .await?;
        let detail = json!({ "place": place, "act": reopening.act, "until": reopening.until });
        let change = Change {
            id,
            at,
            municipality: None,
            action: "reopen-cycle",
            subject: &reopening.cycle.to_string(),
            detail: &detail.to_string(),
        };
        audit::write(&mut tx, permit.actor(), &change).await?;
    })?;
    Ok(true)
}

fn is_above(giver: &Place, place: &Place) -> bool {
    match (giver, place) {
        (Place::Nation, _) => Tier::of(place).is_some(),
        (Place::Prefecture(own), Place::City(city)) => city.prefecture() == Some(*own),
        (Place::City(own), Place::Venue { city, .. }) => own == city,
        _ => false,
    }
}

/// Until which day a place was let act again, if it was.
pub(crate) async fn reopened(
    tx: &mut Tx,
    cycle: Uuid,
    place: &str,
    act: Act,
) -> Result<Option<Day>> {
    let (until,): (Option<String>,) = tx
        .query(sql!(
            "SELECT MAX(until) FROM cycle_reopening WHERE cycle = $1 AND place = $2 AND act = $3"
        ))
        .bind(cycle.as_bytes().to_vec())
        .bind(place.to_owned())
        .bind(act.as_str().to_owned())
        .one()
        .await?;
    until
        .map(|until| {
            Day::parse(&until).ok_or(Error::Inconsistent {
                table: "cycle_reopening",
                column: "until",
            })
        })
        .transpose()
}

/// Whether a place may act today in a cycle, and until which day.
pub(crate) async fn open_until(
    tx: &mut Tx,
    cycle: &Cycle,
    place: &Place,
    act: Act,
    today: Day,
) -> Result<(bool, Option<Day>)> {
    let (Some(tier), Some(seat)) = (Tier::of(place), seat(place)) else {
        return Ok((false, None));
    };
    let again = reopened(tx, cycle.id, &seat, act).await?;
    let until = cycle.terms.until(act, tier);
    let until = until.map(|until| again.map_or(until, |again| again.max(until)));
    Ok((cycle.terms.is_open(act, tier, again, today), until))
}
