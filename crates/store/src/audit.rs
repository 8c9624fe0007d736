//! What people changed outside the ledgers, and who looked at whose record (閲覧記録).
//!
//! The ledger is its own audit. Everything else that changes writes a row here in the same
//! transaction, so that there is no change without one.

use domain::access::{Actor, CityPermit, VenuePermit};
use domain::calendar::Instant;
use domain::coupons::CouponNumber;
use domain::places::MunicipalityCode;
use uuid::Uuid;

use crate::db::{Db, Tx, sql, transact};
use crate::error::{Error, Result};

/// Views of the access log on one page at most.
pub const VIEWS_MAX: i64 = 500;

/// A change, as it is written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change<'a> {
    /// Made by whoever makes the change, in order of time.
    pub id: Uuid,
    /// When.
    pub at: Instant,
    /// In which city's affairs, if in one's.
    pub municipality: Option<MunicipalityCode>,
    /// What was done, in kebab-case: `create-account`.
    pub action: &'a str,
    /// To what: an id or a login, never a person's name.
    pub subject: &'a str,
    /// What else an auditor asks for, as JSON without personal data.
    pub detail: &'a str,
}

/// Writes a change down, within the transaction that makes it.
///
/// # Errors
/// The database's own.
pub async fn write(tx: &mut Tx, by: &Actor, change: &Change<'_>) -> Result<()> {
    tx.query(sql!(
        "INSERT INTO audit (id, at_micros, municipality, organisation, by_user, action, subject, detail)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
    ))
    .bind(change.id.as_bytes().to_vec())
    .bind(change.at.micros())
    .bind(change.municipality.map(|code| code.as_str().to_owned()))
    .bind(by.organisation.0.as_bytes().to_vec())
    .bind(by.user.0.as_bytes().to_vec())
    .bind(change.action.to_owned())
    .bind(change.subject.to_owned())
    .bind(change.detail.to_owned())
    .expect(1)
    .await
}

/// One look at a person's record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// In order of time.
    pub id: Uuid,
    /// When.
    pub at: Instant,
    /// Whose record; none for a list.
    pub number: Option<CouponNumber>,
    /// Which page or call: `person`, `ledger`, `export`.
    pub view: String,
    /// What for, in the words of the person who looked.
    pub purpose: String,
}

/// Writes down that somebody of the city looks at a person's record; call it before showing.
///
/// # Errors
/// The database's own; then nothing may be shown.
pub async fn looked(db: &Db, permit: &CityPermit, view: &View) -> Result<()> {
    transact!(db, |tx| {
        look(&mut tx, permit.actor(), permit.city(), view).await?;
    })
}

/// Writes down in its city's access log that a venue takes something along that was made of the city's records; call it
/// before handing it out.
///
/// # Errors
/// The database's own; then nothing may be handed out.
pub async fn carried(db: &Db, permit: &VenuePermit, view: &View) -> Result<()> {
    transact!(db, |tx| {
        look(&mut tx, permit.actor(), permit.city(), view).await?;
    })
}

/// Writes a look down in the access log of the city whose person it is, whoever looked.
pub(crate) async fn look(
    tx: &mut Tx,
    actor: &Actor,
    city: MunicipalityCode,
    view: &View,
) -> Result<()> {
    look_from(tx, actor, city, view, false).await
}

/// Writes down a look from another city; `is_withheld` if the person is protected (支援措置) in any
/// register, so that this city's readers are not told which city it was.
pub(crate) async fn look_from(
    tx: &mut Tx,
    actor: &Actor,
    city: MunicipalityCode,
    view: &View,
    is_withheld: bool,
) -> Result<()> {
    tx.query(sql!(
        "INSERT INTO access_log (municipality, id, at_micros, by_user, organisation, number, view, purpose,
                                 withheld)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
    ))
    .bind(city.as_str().to_owned())
    .bind(view.id.as_bytes().to_vec())
    .bind(view.at.micros())
    .bind(actor.user.0.as_bytes().to_vec())
    .bind(actor.organisation.0.as_bytes().to_vec())
    .bind(view.number.as_ref().map(|number| number.as_str().to_owned()))
    .bind(view.view.clone())
    .bind(view.purpose.clone())
    .bind(i64::from(is_withheld))
    .expect(1)
    .await
}

/// A look at a record, as the city's administrator reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Looked {
    /// What was looked at.
    pub view: View,
    /// Who looked; empty if the account is gone.
    pub by_name: String,
    /// For which organisation.
    pub organisation_name: String,
    /// Somebody outside the city looked at a protected person (支援措置): neither name is told, for
    /// they would say where the person lives now. The log itself has both.
    pub is_withheld: bool,
}

type LookedRow = (
    Vec<u8>,
    i64,
    Option<String>,
    String,
    String,
    Option<String>,
    Option<String>,
    i64,
);

/// The latest looks at a person's record, or at any of the city if no number is given; newest first.
///
/// # Errors
/// The database's own.
pub async fn looks(
    db: &Db,
    permit: &CityPermit,
    number: Option<&CouponNumber>,
) -> Result<Vec<Looked>> {
    let city = permit.city().as_str().to_owned();
    let rows: Vec<LookedRow> = match number {
        Some(number) => {
            db.query(sql!(
                "SELECT access_log.id, at_micros, access_log.number, view, purpose, account.name, organisation.name,
                        CAST(CASE WHEN organisation.municipality <> access_log.municipality
                                   AND (access_log.withheld = 1 OR p.protected = 1) THEN 1 ELSE 0 END AS BIGINT) AS hidden
                 FROM access_log
                 LEFT JOIN account ON account.id = by_user
                 LEFT JOIN organisation ON organisation.id = access_log.organisation
                 LEFT JOIN coupon AS c ON c.municipality = access_log.municipality AND c.number = access_log.number
                 LEFT JOIN resident AS p ON p.municipality = c.municipality AND p.resident_no = c.resident_no
                 WHERE access_log.municipality = $1 AND access_log.number = $2
                 ORDER BY access_log.id DESC LIMIT $3"
            ))
            .bind(city)
            .bind(number.as_str().to_owned())
            .bind(VIEWS_MAX)
            .all()
            .await?
        }
        None => {
            db.query(sql!(
                "SELECT access_log.id, at_micros, access_log.number, view, purpose, account.name, organisation.name,
                        CAST(CASE WHEN organisation.municipality <> access_log.municipality
                                   AND (access_log.withheld = 1 OR p.protected = 1) THEN 1 ELSE 0 END AS BIGINT) AS hidden
                 FROM access_log
                 LEFT JOIN account ON account.id = by_user
                 LEFT JOIN organisation ON organisation.id = access_log.organisation
                 LEFT JOIN coupon AS c ON c.municipality = access_log.municipality AND c.number = access_log.number
                 LEFT JOIN resident AS p ON p.municipality = c.municipality AND p.resident_no = c.resident_no
                 WHERE access_log.municipality = $1
                 ORDER BY access_log.id DESC LIMIT $2"
            ))
            .bind(city)
            .bind(VIEWS_MAX)
            .all()
            .await?
        }
    };
    rows.into_iter().map(looked_of).collect()
}

/// The looks at a person under any coupon number they ever had, newest first, before one of them;
/// at most [`VIEWS_MAX`].
///
/// # Errors
/// The database's own.
pub async fn looks_at_person(
    db: &Db,
    permit: &CityPermit,
    number: CouponNumber,
    before: Option<Uuid>,
) -> Result<Vec<Looked>> {
    let rows: Vec<LookedRow> = db
        .query(sql!(
            "SELECT access_log.id, at_micros, access_log.number, view, purpose, account.name, organisation.name,
                    CAST(CASE WHEN organisation.municipality <> access_log.municipality
                               AND (access_log.withheld = 1 OR p.protected = 1) THEN 1 ELSE 0 END AS BIGINT) AS hidden
             FROM access_log
             LEFT JOIN account ON account.id = by_user
             LEFT JOIN organisation ON organisation.id = access_log.organisation
             LEFT JOIN coupon AS c ON c.municipality = access_log.municipality AND c.number = access_log.number
             LEFT JOIN resident AS p ON p.municipality = c.municipality AND p.resident_no = c.resident_no
             WHERE access_log.municipality = $1 AND access_log.id < $3
               AND access_log.number IN (
                   SELECT $2 UNION
                   SELECT b.number FROM coupon AS a
                   JOIN coupon AS b ON b.municipality = a.municipality AND b.resident_no = a.resident_no
                   WHERE a.municipality = $1 AND a.number = $2)
             ORDER BY access_log.id DESC LIMIT $4"
        ))
        .bind(permit.city().as_str().to_owned())
        .bind(number.as_str().to_owned())
        .bind(before.unwrap_or(Uuid::max()).as_bytes().to_vec())
        .bind(VIEWS_MAX)
        .all()
        .await?;
    rows.into_iter().map(looked_of).collect()
}

fn looked_of(
    (id, at, number, view, purpose, by_name, organisation_name, hidden): LookedRow,
) -> Result<Looked> {
    let wrong = |column| Error::Inconsistent {
        table: "access_log",
        column,
    };
    let number = number
        .map(|number| CouponNumber::parse(&number).map_err(|_| wrong("number")))
        .transpose()?;
    let is_withheld = hidden == 1;
    let told = |name: Option<String>| name.filter(|_| !is_withheld).unwrap_or_default();
    Ok(Looked {
        view: View {
            id: Uuid::from_slice(&id).map_err(|_| wrong("id"))?,
            at: Instant::from_micros(at),
            number,
            view,
            purpose,
        },
        by_name: told(by_name),
        organisation_name: told(organisation_name),
        is_withheld,
    })
}
