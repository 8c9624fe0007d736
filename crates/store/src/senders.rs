//! In whose name a city's papers are sent (差出人): the mayor, the desk that answers, where letters come
//! back to. Each from a day on; a paper bears what holds on the day it is printed.

use domain::access::CityPermit;
use domain::addresses::PostalCode;
use domain::calendar::Day;

use crate::audit::{self, Change};
use crate::db::{Db, sql, transact};
use crate::error::{Error, Result};
use crate::imports::Decided;

/// Senders on a city's list at most: a mayor is elected every four years.
const LISTED_MAX: i64 = 50;

/// What stands on a city's papers beside its own name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sender {
    /// From which day on.
    pub valid_from: Day,
    /// The mayor's office (首長の職名): 千代田区長.
    pub office: String,
    /// The mayor's name.
    pub mayor: String,
    /// The desk that answers questions: 健康推進課 予防接種係.
    pub desk: String,
    /// Its telephone.
    pub phone: String,
    /// The postal code that letters come back to.
    pub postal_code: PostalCode,
    /// The address that they come back to (返送先).
    pub address: String,
}

type Row = (String, String, String, String, String, String, String);

fn bad(column: &'static str) -> Error {
    Error::Inconsistent {
        table: "sender",
        column,
    }
}

fn sender((valid_from, office, mayor, desk, phone, postal_code, address): Row) -> Result<Sender> {
    Ok(Sender {
        valid_from: Day::parse(&valid_from).ok_or_else(|| bad("valid_from"))?,
        office,
        mayor,
        desk,
        phone,
        postal_code: PostalCode::parse(&postal_code).map_err(|_| bad("postal_code"))?,
        address,
    })
}

/// The sender that holds on a day; none if the city never said one for it.
///
/// # Errors
/// The database's.
pub async fn on(db: &Db, permit: &CityPermit, day: Day) -> Result<Option<Sender>> {
    let found: Option<Row> = db
        .query(sql!(
            "SELECT valid_from, office, mayor, desk, phone, postal_code, address FROM sender
             WHERE municipality = $1 AND valid_from <= $2
             ORDER BY valid_from DESC LIMIT 1"
        ))
        .bind(permit.city().as_str().to_owned())
        .bind(day.to_string())
        .optional()
        .await?;
    found.map(sender).transpose()
}

/// Every sender the city said, the latest first, those to come among them.
///
/// # Errors
/// The database's.
pub async fn list(db: &Db, permit: &CityPermit) -> Result<Vec<Sender>> {
    let rows: Vec<Row> = db
        .query(sql!(
            "SELECT valid_from, office, mayor, desk, phone, postal_code, address FROM sender
             WHERE municipality = $1 ORDER BY valid_from DESC LIMIT $2"
        ))
        .bind(permit.city().as_str().to_owned())
        .bind(LISTED_MAX)
        .all()
        .await?;
    rows.into_iter().map(sender).collect()
}

/// Says the sender from a day on, in place of one that was said for the same day.
///
/// # Errors
/// The database's.
pub async fn set(db: &Db, permit: &CityPermit, sender: &Sender, how: Decided) -> Result<()> {
    let valid_from = sender.valid_from.to_string();
    transact!(db, |tx| {
        tx.query(sql!(
            "INSERT INTO sender (municipality, valid_from, office, mayor, desk, phone, postal_code, address,
                                 set_by, set_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
             ON CONFLICT (municipality, valid_from) DO UPDATE SET
                 office = excluded.office, mayor = excluded.mayor, desk = excluded.desk, phone = excluded.phone,
                 postal_code = excluded.postal_code, address = excluded.address,
                 set_by = excluded.set_by, set_at = excluded.set_at"
        ))
        .bind(permit.city().as_str().to_owned())
        .bind(valid_from.clone())
        .bind(sender.office.clone())
        .bind(sender.mayor.clone())
        .bind(sender.desk.clone())
        .bind(sender.phone.clone())
        .bind(sender.postal_code.as_str().to_owned())
        .bind(sender.address.clone())
        .bind(permit.actor().user.0.as_bytes().to_vec())
        .bind(how.at.micros())
        .expect(1)
        .await?;
        // Office and name are printed on every paper: no secret, and what was said is told by the audit.
        let said = serde_json::json!({
            "office": sender.office, "mayor": sender.mayor, "desk": sender.desk, "phone": sender.phone,
            "postal_code": sender.postal_code, "address": sender.address,
        })
        .to_string();
        let change = Change {
            id: how.audit,
            at: how.at,
            municipality: Some(permit.city()),
            action: "set-sender",
            subject: &valid_from,
            detail: &said,
        };
        audit::write(&mut tx, permit.actor(), &change).await?;
    })
}
