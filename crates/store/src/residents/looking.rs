//! What the register holds of people, asked for many at once.

use std::collections::{BTreeSet, HashMap};

use domain::calendar::Instant;
use domain::coupons::CouponNumber;
use domain::places::MunicipalityCode;

use super::{Resident, ResidentRow, keys};
use crate::db::{Tx, sql};
use crate::error::{Error, Result};

/// Those of these people who are in the register, by their number there.
pub(crate) async fn known(
    tx: &mut Tx,
    city: MunicipalityCode,
    residents: &[Resident],
) -> Result<HashMap<String, Resident>> {
    let numbers = residents.iter().map(|one| one.resident_no.as_str());
    let rows: Vec<ResidentRow> = tx
        .many(
            sql!(
                "WITH k (municipality, resident_no) AS ({rows: text, text})
                 SELECT p.* FROM k CROSS JOIN resident AS p
                 WHERE p.municipality = k.municipality AND p.resident_no = k.resident_no"
            ),
            keys(city, numbers),
        )
        .all()
        .await?;
    rows.into_iter()
        .map(|row| Resident::try_from(row).map(|one| (one.resident_no.clone(), one)))
        .collect()
}

/// Whether the city has nobody in its register and no coupon was ever issued, as before its first file.
pub(crate) async fn is_empty(tx: &mut Tx, city: MunicipalityCode) -> Result<bool> {
    // In the order of the keys, so that no engine looks at another city's rows.
    let first_person: Option<(String,)> = tx
        .query(sql!(
            "SELECT resident_no FROM resident WHERE municipality = $1 ORDER BY resident_no LIMIT 1"
        ))
        .bind(city.as_str().to_owned())
        .optional()
        .await?;
    let first_number: Option<(String,)> = tx
        .query(sql!(
            "SELECT number FROM coupon WHERE municipality = $1 ORDER BY number LIMIT 1"
        ))
        .bind(city.as_str().to_owned())
        .optional()
        .await?;
    Ok(first_person.is_none() && first_number.is_none())
}

/// To whom the coupon numbers of these people belong, where they are issued.
pub(crate) async fn owners(
    tx: &mut Tx,
    city: MunicipalityCode,
    residents: &[Resident],
) -> Result<HashMap<CouponNumber, String>> {
    let numbers = residents.iter().map(|one| one.number.as_str());
    let rows: Vec<(String, String)> = tx
        .many(
            sql!(
                "WITH k (municipality, number) AS ({rows: text, text})
                 SELECT c.number, c.resident_no FROM k CROSS JOIN coupon AS c
                 WHERE c.municipality = k.municipality AND c.number = k.number"
            ),
            keys(city, numbers),
        )
        .all()
        .await?;
    rows.into_iter()
        .map(|(number, owner)| {
            CouponNumber::parse(&number)
                .map(|number| (number, owner))
                .map_err(|_| Error::Inconsistent {
                    table: "coupon",
                    column: "number",
                })
        })
        .collect()
}

/// Those of these people who stand as they were written at that time.
pub(crate) async fn changed_at<'a>(
    tx: &mut Tx,
    city: MunicipalityCode,
    residents: impl Iterator<Item = &'a str>,
    at: Instant,
) -> Result<BTreeSet<String>> {
    let rows: Vec<(String, i64)> = tx
        .many(
            sql!(
                "WITH k (municipality, resident_no) AS ({rows: text, text})
                 SELECT p.resident_no, p.changed_at FROM k CROSS JOIN resident AS p
                 WHERE p.municipality = k.municipality AND p.resident_no = k.resident_no"
            ),
            keys(city, residents),
        )
        .all()
        .await?;
    let there = rows.into_iter().filter(|(_, when)| *when == at.micros());
    Ok(there.map(|(no, _)| no).collect())
}

/// The coupons (also former ones) whose records must be judged again: all of those of people who
/// are new or changed, and of all others those that still wait, as after an import that was cut off.
pub(crate) async fn waiting<'a>(
    tx: &mut Tx,
    city: MunicipalityCode,
    changed: impl Iterator<Item = &'a str>,
    all: impl Iterator<Item = &'a str>,
) -> Result<Vec<CouponNumber>> {
    let of_changed: Vec<(Option<String>,)> = tx
        .many(
            sql!(
                "WITH k (municipality, resident_no) AS ({rows: text, text})
                 SELECT DISTINCT d.number FROM k CROSS JOIN coupon AS c CROSS JOIN dose AS d
                 WHERE c.municipality = k.municipality AND c.resident_no = k.resident_no
                   AND d.municipality = c.municipality AND d.number = c.number"
            ),
            keys(city, changed),
        )
        .all()
        .await?;
    let still_waiting: Vec<(Option<String>,)> = tx
        .many(
            sql!(
                "WITH k (municipality, resident_no) AS ({rows: text, text})
                 SELECT DISTINCT d.number FROM k CROSS JOIN coupon AS c CROSS JOIN dose AS d
                 WHERE c.municipality = k.municipality AND c.resident_no = k.resident_no
                   AND d.municipality = c.municipality AND d.number = c.number AND d.pending = 1"
            ),
            keys(city, all),
        )
        .all()
        .await?;
    numbers_of_doses(of_changed.into_iter().chain(still_waiting))
}

/// The coupons of people who have just come whose doses were there before them (登録待ち). They have
/// no coupon but the one they came with.
pub(super) async fn waiting_for_new(
    tx: &mut Tx,
    city: MunicipalityCode,
    residents: &[&Resident],
) -> Result<Vec<CouponNumber>> {
    // A register is mostly filled before the first dose is given.
    let any: Option<(String,)> = tx
        .query(sql!(
            "SELECT municipality FROM dose WHERE municipality = $1 LIMIT 1"
        ))
        .bind(city.as_str().to_owned())
        .optional()
        .await?;
    if any.is_none() {
        return Ok(Vec::new());
    }
    let numbers = residents.iter().map(|one| one.number.as_str());
    let rows: Vec<(Option<String>,)> = tx
        .many(
            sql!(
                "WITH k (municipality, number) AS ({rows: text, text})
                 SELECT DISTINCT d.number FROM k CROSS JOIN dose AS d
                 WHERE d.municipality = k.municipality AND d.number = k.number"
            ),
            keys(city, numbers),
        )
        .all()
        .await?;
    numbers_of_doses(rows.into_iter())
}

fn numbers_of_doses(rows: impl Iterator<Item = (Option<String>,)>) -> Result<Vec<CouponNumber>> {
    let numbers: BTreeSet<String> = rows.filter_map(|(number,)| number).collect();
    numbers
        .iter()
        .map(|number| {
            CouponNumber::parse(number).map_err(|_| Error::Inconsistent {
                table: "dose",
                column: "number",
            })
        })
        .collect()
}
