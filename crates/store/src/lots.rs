//! The register of lots (ロット台帳) and of packages: the nation writes, everybody reads.
//!
//! Nothing here is about a person. What the register says of a lot is never overwritten: a new row
//! says what holds from then on.

use domain::access::{Action, Permit};
use domain::calendar::{Day, Instant};
use domain::lot_seals::Gtin;
use domain::lots::{Package, Recall, RegisteredLot};
use domain::vaccines::{Lot, ProductKey};
use serde_json::json;
use uuid::Uuid;

use crate::audit::{self, Change};
use crate::db::{Db, Tx, sql, transact};
use crate::error::{Error, Result};

/// Lots on one page at most; the real programme had some hundred of each product.
pub const LOTS_MAX: i64 = 500;
/// Packages at most: some for each product.
pub const PACKAGES_MAX: i64 = 500;

/// A lot as the register says now, and how often it has said something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entered {
    /// The lot.
    pub lot: RegisteredLot,
    /// 1 when it was entered, one more with each change.
    pub revision: i64,
    /// When the last of them was.
    pub at: Instant,
}

/// What became of a lot that was handed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// It is in the register, by this revision.
    As(i64),
    /// The register says this already.
    AsItIs(i64),
    /// Somebody changed it since it was looked at; it has this revision now.
    ChangedMeanwhile(i64),
}

#[derive(sqlx_macros::FromRow)]
struct LotRow {
    product: String,
    lot: String,
    revision: i64,
    expires: String,
    recalled_since: Option<String>,
    reason: String,
    at_micros: i64,
}

fn bad(column: &'static str) -> Error {
    Error::Inconsistent {
        table: "vaccine_lot",
        column,
    }
}

impl TryFrom<LotRow> for Entered {
    type Error = Error;

    fn try_from(row: LotRow) -> Result<Self> {
        let recall = match row.recalled_since {
            Some(since) => Some(Recall {
                since: Day::parse(&since).ok_or_else(|| bad("recalled_since"))?,
                reason: row.reason,
            }),
            None => None,
        };
        Ok(Self {
            lot: RegisteredLot {
                product: ProductKey::parse(&row.product).ok_or_else(|| bad("product"))?,
                lot: Lot::parse(&row.lot).map_err(|_| bad("lot"))?,
                expires: Day::parse(&row.expires).ok_or_else(|| bad("expires"))?,
                recall,
            },
            revision: row.revision,
            at: Instant::from_micros(row.at_micros),
        })
    }
}

/// What the recorder asks of a lot: the last printed day, and since when it is recalled, in one text.
pub(crate) fn said(text: &str) -> Result<(Day, Option<Day>)> {
    let (expires, recalled) = text.split_once(' ').ok_or_else(|| bad("expires"))?;
    let expires = Day::parse(expires).ok_or_else(|| bad("expires"))?;
    match recalled {
        "" => Ok((expires, None)),
        since => Ok((
            expires,
            Some(Day::parse(since).ok_or_else(|| bad("recalled_since"))?),
        )),
    }
}

/// The lots of the register, recalled ones first, then by product and lot; only those of one number
/// if it is given, and after one if there were more.
///
/// # Errors
/// The database's.
pub async fn lots(db: &Db, lot: Option<&Lot>) -> Result<Vec<Entered>> {
    let rows: Vec<LotRow> = db
        .query(sql!(
            "SELECT v.product, v.lot, v.revision, v.expires, v.recalled_since, v.reason, v.at_micros
             FROM vaccine_lot AS v
             WHERE ($1 = '' OR v.lot = $1)
               AND v.revision = (
                   SELECT MAX(n.revision) FROM vaccine_lot AS n
                   WHERE n.product = v.product AND n.lot = v.lot)
             ORDER BY CASE WHEN v.recalled_since IS NULL THEN 1 ELSE 0 END, v.product, v.lot
             LIMIT $2"
        ))
        .bind(lot.map_or(String::new(), |lot| lot.as_str().to_owned()))
        .bind(LOTS_MAX)
        .all()
        .await?;
    rows.into_iter().map(Entered::try_from).collect()
}

/// All lots of a product, by lot: for whoever has to know which of them may be given.
///
/// # Errors
/// The database's.
pub(crate) async fn of_product(tx: &mut Tx, product: &str) -> Result<Vec<RegisteredLot>> {
    let rows: Vec<LotRow> = tx
        .query(sql!(
            "SELECT v.product, v.lot, v.revision, v.expires, v.recalled_since, v.reason, v.at_micros
             FROM vaccine_lot AS v
             WHERE v.product = $1
               AND v.revision = (
                   SELECT MAX(n.revision) FROM vaccine_lot AS n
                   WHERE n.product = v.product AND n.lot = v.lot)
             ORDER BY v.lot"
        ))
        .bind(product.to_owned())
        .all()
        .await?;
    rows.into_iter()
        .map(|row| Entered::try_from(row).map(|one| one.lot))
        .collect()
}

/// What the register says of a lot.
///
/// # Errors
/// The database's.
pub async fn lot(db: &Db, product: &str, lot: &str) -> Result<Option<Entered>> {
    let mut tx = db.begin_reading().await?;
    found(&mut tx, product, lot).await
}

/// The same within a transaction.
pub(crate) async fn found(tx: &mut Tx, product: &str, lot: &str) -> Result<Option<Entered>> {
    let row: Option<LotRow> = tx
        .query(sql!(
            "SELECT product, lot, revision, expires, recalled_since, reason, at_micros
             FROM vaccine_lot WHERE product = $1 AND lot = $2
             ORDER BY revision DESC LIMIT 1"
        ))
        .bind(product.to_owned())
        .bind(lot.to_owned())
        .optional()
        .await?;
    row.map(Entered::try_from).transpose()
}

fn allowed(permit: &Permit) -> Result<()> {
    if permit.action() == Action::KeepLots {
        Ok(())
    } else {
        Err(Error::Unavailable(
            "the permit is for something else".to_owned(),
        ))
    }
}

/// Enters a lot, or what the register says of it from now on; `seen` is the revision that whoever
/// changes it had before them, 0 for a new lot. `act` names the audit row and the time.
///
/// # Errors
/// The database's.
pub async fn keep(
    db: &Db,
    permit: &Permit,
    lot: &RegisteredLot,
    seen: Option<i64>,
    act: (Uuid, Instant),
) -> Result<Kept> {
    allowed(permit)?;
    transact!(db, |tx| {
        let known = found(&mut tx, lot.product.as_str(), lot.lot.as_str()).await?;
        let revision = known.as_ref().map_or(0, |known| known.revision);
        if known.is_some_and(|known| known.lot == *lot) {
            Kept::AsItIs(revision)
        } else if seen.is_some_and(|seen| seen != revision) {
            Kept::ChangedMeanwhile(revision)
        } else {
            write(&mut tx, permit, lot, revision + 1, act).await?;
            Kept::As(revision + 1)
        }
    })
}

async fn write(
    tx: &mut Tx,
    permit: &Permit,
    lot: &RegisteredLot,
    revision: i64,
    (audit, at): (Uuid, Instant),
) -> Result<()> {
    let (since, reason) = match &lot.recall {
        Some(recall) => (Some(recall.since.to_string()), recall.reason.clone()),
        None => (None, String::new()),
    };
    tx.query(sql!(
        "INSERT INTO vaccine_lot
             (product, lot, revision, expires, recalled_since, reason, at_micros, by_user, organisation)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
    ))
    .bind(lot.product.as_str().to_owned())
    .bind(lot.lot.as_str().to_owned())
    .bind(revision)
    .bind(lot.expires.to_string())
    .bind(since.clone())
    .bind(reason)
    .bind(at.micros())
    .bind(permit.actor().user.0.as_bytes().to_vec())
    .bind(permit.actor().organisation.0.as_bytes().to_vec())
    .expect(1)
    .await?;
    let detail = json!({ "expires": lot.expires, "recalled_since": since, "revision": revision });
    let subject = format!("{}/{}", lot.product, lot.lot);
    let change = Change {
        id: audit,
        at,
        municipality: None,
        action: "keep-lot",
        subject: &subject,
        detail: &detail.to_string(),
    };
    audit::write(tx, permit.actor(), &change).await
}

/// The packages of the register, by product.
///
/// # Errors
/// The database's.
pub async fn packages(db: &Db) -> Result<Vec<Package>> {
    let rows: Vec<(String, String)> = db
        .query(sql!(
            "SELECT gtin, product FROM vaccine_package ORDER BY product, gtin LIMIT $1"
        ))
        .bind(PACKAGES_MAX)
        .all()
        .await?;
    rows.into_iter().map(package_of).collect()
}

/// What is in a package, if the register knows its number.
///
/// # Errors
/// The database's.
pub async fn package(db: &Db, gtin: &Gtin) -> Result<Option<Package>> {
    let row: Option<(String, String)> = db
        .query(sql!(
            "SELECT gtin, product FROM vaccine_package WHERE gtin = $1"
        ))
        .bind(gtin.as_str().to_owned())
        .optional()
        .await?;
    row.map(package_of).transpose()
}

fn package_of((gtin, product): (String, String)) -> Result<Package> {
    let wrong = |column| Error::Inconsistent {
        table: "vaccine_package",
        column,
    };
    Ok(Package {
        gtin: Gtin::parse(&gtin).map_err(|_| wrong("gtin"))?,
        product: ProductKey::parse(&product).ok_or_else(|| wrong("product"))?,
    })
}

/// Enters which product is in a package, in place of what was said before.
///
/// # Errors
/// The database's.
pub async fn keep_package(
    db: &Db,
    permit: &Permit,
    package: &Package,
    (audit, at): (Uuid, Instant),
) -> Result<()> {
    allowed(permit)?;
    transact!(db, |tx| {
        tx.query(sql!(
            "INSERT INTO vaccine_package (gtin, product, at_micros, by_user, organisation)
             VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (gtin) DO UPDATE SET
                 product = excluded.product, at_micros = excluded.at_micros,
                 by_user = excluded.by_user, organisation = excluded.organisation"
        ))
        .bind(package.gtin.as_str().to_owned())
        .bind(package.product.as_str().to_owned())
        .bind(at.micros())
        .bind(permit.actor().user.0.as_bytes().to_vec())
        .bind(permit.actor().organisation.0.as_bytes().to_vec())
        .expect(1)
        .await?;
        let change = Change {
            id: audit,
            at,
            municipality: None,
            action: "keep-package",
            subject: package.gtin.as_str(),
            detail: &json!({ "product": package.product }).to_string(),
        };
        audit::write(&mut tx, permit.actor(), &change).await?;
    })
}
