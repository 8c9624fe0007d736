//! Receipts (受領番号) held against the ledger.

use domain::access::CityPermit;
use domain::calendar::Instant;
use domain::doses::{DoseId, Facts};
use domain::ledger::{Act, Entry, Head, Sha, follow};
use domain::places::MunicipalityCode;
use domain::receipts::ReceiptNumber;

use crate::db::{Db, Tx, sql};
use crate::doses::Record;
use crate::error::{Error, Result};
use crate::ledger::EntryRow;
use crate::residents::is_protected;

/// What a receipt proves. Nothing in it names a person: no coupon number, no doctor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// The receipt.
    pub number: ReceiptNumber,
    /// What was done.
    pub act: Act,
    /// When the server took it.
    pub at: Instant,
    /// What was entered; none if it was erased after the retention period, or is withheld.
    pub entered: Option<EnteredDose>,
    /// That the person is under protection (支援措置): where and what is then told to nobody here.
    pub withheld: bool,
    /// What was done to the record since, oldest first.
    pub since: Vec<(Act, Instant)>,
}

/// What was entered, as far as a stranger may know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnteredDose {
    /// The facts, of which only day, turn, product, lot and the venue's name are to be shown.
    pub facts: Facts,
    /// The organisation that entered it.
    pub organisation: String,
    /// From which device.
    pub device: String,
}

/// What became of a question about a receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proved {
    /// The ledger holds the entry, and it is the one the receipt was given for.
    Genuine(Box<Proof>),
    /// No entry of that ledger has this receipt.
    NotOurs,
    /// The ledger holds the entry, but its content does not fit its hash any more: somebody changed the
    /// database from outside.
    Broken,
}

/// Holds a receipt against the ledger: finds the entry, computes its hash again from what is kept
/// and from the entry before it, and compares.
///
/// Open to everybody who has the receipt, so nothing is told of who the person is.
///
/// # Errors
/// The database's.
pub async fn prove(db: &Db, number: ReceiptNumber) -> Result<Proved> {
    let mut tx = db.begin_reading().await?;
    let (city, seq) = (number.city(), number.seq());
    let rows: Vec<EntryRow> = tx
        .query(sql!(
            "SELECT * FROM ledger WHERE municipality = $1 AND seq = $2"
        ))
        .bind(city.as_str().to_owned())
        .bind(seq)
        .all()
        .await?;
    let Some(row) = rows.into_iter().next() else {
        return Ok(Proved::NotOurs);
    };
    let before = hash_at(&mut tx, city, seq - 1).await?;
    let entry = row.entry(before)?;
    if !number.proves(&entry.hash) {
        return Ok(Proved::NotOurs);
    }
    let head = Head {
        seq: seq - 1,
        hash: before,
    };
    if follow(&head, &entry).is_err() {
        return Ok(Proved::Broken);
    }
    let since = since(&mut tx, city, entry.body.dose, seq).await?;
    let (entered, withheld) = entered(&mut tx, &entry).await?;
    Ok(Proved::Genuine(Box::new(Proof {
        number,
        act: entry.body.act,
        at: Instant::from_micros(entry.body.at_micros),
        entered,
        withheld,
        since,
    })))
}

/// The receipt of each of these records of the city, in their order: that of the entry that recorded it.
///
/// # Errors
/// The database's.
pub async fn of_records(
    db: &Db,
    permit: &CityPermit,
    records: &[&Record],
) -> Result<Vec<ReceiptNumber>> {
    let mut tx = db.begin_reading().await?;
    let mut numbers = Vec::with_capacity(records.len());
    for record in records {
        // Of another city's record nothing is certified here.
        let city = permit.city();
        let hash = hash_at(&mut tx, city, record.seq).await?;
        numbers.push(ReceiptNumber::of(city, record.seq, &hash));
    }
    Ok(numbers)
}

/// The hash of an entry; zeros before the first.
async fn hash_at(tx: &mut Tx, city: MunicipalityCode, seq: i64) -> Result<Sha> {
    let row: Option<(Vec<u8>,)> = tx
        .query(sql!(
            "SELECT hash FROM ledger WHERE municipality = $1 AND seq = $2"
        ))
        .bind(city.as_str().to_owned())
        .bind(seq)
        .optional()
        .await?;
    row.map_or(Ok(Sha::ZERO), |(hash,)| {
        Sha::from_bytes(&hash).ok_or(Error::Inconsistent {
            table: "ledger",
            column: "hash",
        })
    })
}

async fn entered(tx: &mut Tx, entry: &Entry) -> Result<(Option<EnteredDose>, bool)> {
    let Some(personal) = &entry.personal else {
        return Ok((None, false));
    };
    if let Ok(coupon) = personal.facts.line.coupon()
        && is_protected(tx, entry.body.municipality, coupon.number).await?
    {
        return Ok((None, true));
    }
    let organisation: Option<(String,)> = tx
        .query(sql!("SELECT name FROM organisation WHERE id = $1"))
        .bind(entry.body.organisation.0.as_bytes().to_vec())
        .optional()
        .await?;
    let dose = EnteredDose {
        facts: personal.facts.clone(),
        organisation: organisation.map_or(String::new(), |(name,)| name),
        device: entry.body.device.clone(),
    };
    Ok((Some(dose), false))
}

/// What people did to the record after the entry; that it was judged again is no act of theirs.
async fn since(
    tx: &mut Tx,
    city: MunicipalityCode,
    dose: DoseId,
    seq: i64,
) -> Result<Vec<(Act, Instant)>> {
    let rows: Vec<(String, i64)> = tx
        .query(sql!(
            "SELECT act, at_micros FROM ledger
             WHERE municipality = $1 AND dose_id = $2 AND seq > $3
               AND act <> 'recorded' AND act <> 'matched' AND act <> 'contested'
             ORDER BY seq"
        ))
        .bind(city.as_str().to_owned())
        .bind(dose.0.as_bytes().to_vec())
        .bind(seq)
        .all()
        .await?;
    rows.into_iter()
        .map(|(act, at)| {
            let act = Act::parse(&act).ok_or(Error::Inconsistent {
                table: "ledger",
                column: "act",
            })?;
            Ok((act, Instant::from_micros(at)))
        })
        .collect()
}
