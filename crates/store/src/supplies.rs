//! What makers say they can ship (ワクチン供給量): units by lot and day. Nothing is overwritten: a new row
//! says what holds from then on, none (0) included.

use domain::access::{Action, OrganisationKind, Permit};
use domain::calendar::{Day, Instant};
use domain::vaccines::{Lot, ProductKey};
use serde_json::json;
use uuid::Uuid;

use crate::audit::{self, Change};
use crate::db::{Db, Tx, sql, transact};
use crate::error::{Error, Result};

/// Supplies on one page at most: some hundred lots a year.
pub const SUPPLIES_MAX: i64 = 500;

/// Units of a lot that can be shipped from a day on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Supply {
    /// Of which product.
    pub product: ProductKey,
    /// Of which lot.
    pub lot: Lot,
    /// From which day on.
    pub available_on: Day,
    /// How many units.
    pub units: u64,
    /// Why it was changed; empty the first time.
    pub reason: String,
}

/// A supply as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The supply.
    pub supply: Supply,
    /// 1 when it was told first, one more with each change.
    pub revision: i64,
    /// When it was last told.
    pub at: Instant,
}

/// What became of a supply that was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// It stands, by this revision.
    As(i64),
    /// It stands so already.
    AsItIs(i64),
    /// It was changed since it was looked at, and has this revision now.
    ChangedMeanwhile(i64),
    /// Another organisation told of this lot; that one or the nation changes it.
    OfAnother,
}

#[derive(sqlx_macros::FromRow)]
struct Row {
    product: String,
    lot: String,
    available_on: String,
    revision: i64,
    units: i64,
    reason: String,
    at_micros: i64,
    organisation: Vec<u8>,
}

fn bad(column: &'static str) -> Error {
    Error::Inconsistent {
        table: "supply",
        column,
    }
}

impl TryFrom<Row> for Told {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            supply: Supply {
                product: ProductKey::parse(&row.product).ok_or_else(|| bad("product"))?,
                lot: Lot::parse(&row.lot).map_err(|_| bad("lot"))?,
                available_on: Day::parse(&row.available_on).ok_or_else(|| bad("available_on"))?,
                units: u64::try_from(row.units).map_err(|_| bad("units"))?,
                reason: row.reason,
            },
            revision: row.revision,
            at: Instant::from_micros(row.at_micros),
        })
    }
}

/// What was told last of each lot and day, the latest day first. A maker sees its own, the nation all.
///
/// # Errors
/// The database's.
pub async fn supplies(db: &Db, permit: &Permit) -> Result<Vec<Told>> {
    allowed(permit)?;
    let own = (permit.actor().kind == OrganisationKind::Maker)
        .then(|| permit.actor().organisation.0.as_bytes().to_vec());
    let rows: Vec<Row> = db
        .query(sql!(
            "SELECT s.product, s.lot, s.available_on, s.revision, s.units, s.reason, s.at_micros, s.organisation
             FROM supply AS s
             WHERE s.revision = (
                   SELECT MAX(n.revision) FROM supply AS n
                   WHERE n.product = s.product AND n.lot = s.lot AND n.available_on = s.available_on)
               AND (s.organisation = $1 OR $1 IS NULL)
             ORDER BY s.available_on DESC, s.product, s.lot LIMIT $2"
        ))
        .bind(own)
        .bind(SUPPLIES_MAX)
        .all()
        .await?;
    rows.into_iter().map(Told::try_from).collect()
}

/// Units of a product that can be shipped up to a day, by what was told last.
pub(crate) async fn until(tx: &mut Tx, product: &str, day: Day) -> Result<i64> {
    let (units,): (i64,) = tx
        .query(sql!(
            "SELECT CAST(COALESCE(SUM(s.units), 0) AS BIGINT)
             FROM supply AS s
             WHERE s.product = $1 AND s.available_on <= $2 AND s.revision = (
                   SELECT MAX(n.revision) FROM supply AS n
                   WHERE n.product = s.product AND n.lot = s.lot AND n.available_on = s.available_on)"
        ))
        .bind(product.to_owned())
        .bind(day.to_string())
        .one()
        .await?;
    Ok(units)
}

fn allowed(permit: &Permit) -> Result<()> {
    if permit.action() == Action::KeepSupply {
        Ok(())
    } else {
        Err(Error::Unavailable(
            "the permit is for something else".to_owned(),
        ))
    }
}

/// Tells of a supply, or what holds of it from now on; `seen` is the revision that whoever changes it had
/// before them. `act` names the audit row and the time.
///
/// # Errors
/// The database's.
pub async fn tell(
    db: &Db,
    permit: &Permit,
    supply: &Supply,
    seen: Option<i64>,
    act: (Uuid, Instant),
) -> Result<Kept> {
    allowed(permit)?;
    transact!(db, |tx| {
        let known = found(&mut tx, supply).await?;
        let own = permit.actor().organisation.0.as_bytes().to_vec();
        let is_nation = permit.actor().kind == OrganisationKind::Nation;
        match known {
            Some(row) if row.organisation != own && !is_nation => Kept::OfAnother,
            Some(row) if u64::try_from(row.units) == Ok(supply.units) => Kept::AsItIs(row.revision),
            Some(row) if seen.is_some_and(|seen| seen != row.revision) => {
                Kept::ChangedMeanwhile(row.revision)
            }
            known => {
                // Whose it is does not change when the nation mends it.
                let owner = known.as_ref().map_or(own, |row| row.organisation.clone());
                let revision = known.map_or(0, |row| row.revision) + 1;
                write(&mut tx, permit, (supply, owner), revision, act).await?;
                Kept::As(revision)
            }
        }
    })
}

async fn found(tx: &mut Tx, supply: &Supply) -> Result<Option<Row>> {
    tx.query(sql!(
        "SELECT product, lot, available_on, revision, units, reason, at_micros, organisation
         FROM supply WHERE product = $1 AND lot = $2 AND available_on = $3
         ORDER BY revision DESC LIMIT 1"
    ))
    .bind(supply.product.as_str().to_owned())
    .bind(supply.lot.as_str().to_owned())
    .bind(supply.available_on.to_string())
    .optional()
    .await
}

async fn write(
    tx: &mut Tx,
    permit: &Permit,
    (supply, owner): (&Supply, Vec<u8>),
    revision: i64,
    (audit, at): (Uuid, Instant),
) -> Result<()> {
    tx.query(sql!(
        "INSERT INTO supply
             (product, lot, available_on, revision, units, reason, at_micros, by_user, organisation)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
    ))
    .bind(supply.product.as_str().to_owned())
    .bind(supply.lot.as_str().to_owned())
    .bind(supply.available_on.to_string())
    .bind(revision)
    .bind(i64::try_from(supply.units).map_err(|_| bad("units"))?)
    .bind(supply.reason.clone())
    .bind(at.micros())
    .bind(permit.actor().user.0.as_bytes().to_vec())
    .bind(owner)
    .expect(1)
    .await?;
    let change = Change {
        id: audit,
        at,
        municipality: None,
        action: "tell-supply",
        subject: &format!("{}/{}/{}", supply.product, supply.lot, supply.available_on),
        detail: &json!({ "units": supply.units, "revision": revision }).to_string(),
    };
    audit::write(tx, permit.actor(), &change).await
}
