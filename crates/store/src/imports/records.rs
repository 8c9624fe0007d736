//! The doses of a file (接種記録, typed from paper): held against the ledger, recorded as ordinary
//! reports of the city, and taken back.
//!
//! Exactly once: a line's record and the act that takes it back have ids that follow from the import
//! and the line, so that whoever goes on after a restart sends the same again, and the recorder
//! answers the same again.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use domain::access::CityPermit;
use domain::amendments::Order;
use domain::calendar::Day;
use domain::coupons::{CouponKind, CouponLine, CouponNumber};
use domain::doses::{DoseId, InputWay, Standing};
use domain::findings::Severity;
use domain::places::MunicipalityCode;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::amendments::{self, Act};
use super::work::stretch_key;
use super::{Done, Found, InHand, Place, Remark, from_json};
use crate::db::{Db, Table, Tx, sql, transact};
use crate::doses::{DoseRow, Record};
use crate::error::{Error, Result};
use crate::recorder::{RecordError, Recorder, Report, Withdrawal, json};

/// The reason in the ledger for taking back what an import did.
pub(super) const UNDONE: &str = "取込の取消";

/// A good line of the file.
#[derive(Clone, PartialEq, Eq)]
pub struct Line {
    /// Its number, the header being 1.
    pub line: u64,
    /// The coupon's 18 digits.
    pub digits: CouponLine,
    /// The coupon number among them.
    pub number: CouponNumber,
    /// The day it was given.
    pub given_on: Day,
    /// The product's key; empty where the paper names none.
    pub product: String,
    /// The lot; empty where the paper names none.
    pub lot: String,
    /// Who gave it.
    pub doctor: String,
    /// The venue's name.
    pub venue_name: String,
    /// What is to be done.
    pub order: Order,
}

impl std::fmt::Debug for Line {
    /// Nothing that identifies a person reaches a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Line({})", self.line)
    }
}

impl Line {
    /// Whether a record of the same person tells the same dose: coupon, day, turn, product and lot. Under
    /// another number of the person the digits differ by nothing but that number.
    fn is(&self, record: &Record) -> bool {
        let same_kind_and_turn = record.line.kind() == self.digits.kind()
            && record.line.turn_digit() == self.digits.turn_digit();
        let same_digits = record.line == self.digits
            || (record.number != Some(self.number) && same_kind_and_turn);
        same_digits
            && record.standing != Standing::Void
            && record.given_on == self.given_on
            && record.product == self.product
            && record.lot == self.lot
    }

    /// Whether a record is of the same turn of the same person, and counts.
    fn is_rivalled_by(&self, record: &Record) -> bool {
        record.standing == Standing::Counted
            && self.digits.kind() != CouponKind::InterviewOnly
            && record.turn == self.digits.turn_digit()
    }

    fn report(&self, import: Uuid) -> Report {
        Report {
            id: DoseId(derived(import, self.line, "record")),
            line: self.digits,
            given_on: self.given_on,
            product: self.product.clone(),
            lot: self.lot.clone(),
            doctor: self.doctor.clone(),
            venue_name: self.venue_name.clone(),
            // By which the ledger leads back to the file.
            device: import.to_string(),
            input: InputWay::Csv,
        }
    }
}

/// The id of what an import does with a line (UUID version 8): the import's own time in front, so that
/// the ids of a file lie together, and then what only this import, line and act give.
pub(super) fn derived(import: Uuid, line: u64, act: &str) -> Uuid {
    let hash = Sha256::new()
        .chain_update(import.as_bytes())
        .chain_update(line.to_be_bytes())
        .chain_update(act)
        .finalize();
    let mut bytes = [0; 16];
    for (to, from) in bytes.iter_mut().zip(hash) {
        *to = from;
    }
    for (to, from) in bytes.iter_mut().zip(import.as_bytes()).take(6) {
        *to = *from;
    }
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

fn keys<'a>(city: MunicipalityCode, numbers: impl Iterator<Item = &'a CouponNumber>) -> Table {
    let numbers: BTreeSet<&str> = numbers.map(CouponNumber::as_str).collect();
    Table::default()
        .text(numbers.iter().map(|_| city.as_str()))
        .text(numbers.iter().copied())
}

#[derive(sqlx_macros::FromRow)]
struct RecordedRow {
    asked: String,
    #[sqlx(flatten)]
    dose: DoseRow,
}

/// The records of the people of these coupons, those that were taken back among them, under whichever of
/// their numbers.
pub(super) async fn recorded(
    tx: &mut Tx,
    city: MunicipalityCode,
    numbers: Vec<CouponNumber>,
) -> Result<HashMap<CouponNumber, Vec<Record>>> {
    let rows: Vec<RecordedRow> = tx
        .many(
            sql!(
                "WITH k (municipality, number) AS ({rows: text, text}),
                 n (municipality, asked, number) AS (
                     SELECT municipality, number, number FROM k
                     UNION
                     SELECT c.municipality, c.number, o.number
                     FROM k CROSS JOIN coupon AS c CROSS JOIN coupon AS o
                     WHERE c.municipality = k.municipality AND c.number = k.number
                       AND o.municipality = c.municipality AND o.resident_no = c.resident_no)
                 SELECT n.asked, d.* FROM n CROSS JOIN dose AS d
                 WHERE d.municipality = n.municipality AND d.number = n.number"
            ),
            keys(city, numbers.iter()),
        )
        .all()
        .await?;
    let mut found: HashMap<CouponNumber, Vec<Record>> = HashMap::new();
    for row in rows {
        let asked = CouponNumber::parse(&row.asked).map_err(|_| Error::Inconsistent {
            table: "dose",
            column: "number",
        })?;
        let record = Record::try_from(row.dose)?;
        found.entry(asked).or_default().push(record);
    }
    Ok(found)
}

/// Those of these coupons that were issued to somebody.
async fn issued(
    tx: &mut Tx,
    city: MunicipalityCode,
    lines: &[Line],
) -> Result<HashSet<CouponNumber>> {
    let rows: Vec<(String,)> = tx
        .many(
            sql!(
                "WITH k (municipality, number) AS ({rows: text, text})
                 SELECT c.number FROM k CROSS JOIN coupon AS c
                 WHERE c.municipality = k.municipality AND c.number = k.number"
            ),
            keys(city, lines.iter().map(|one| &one.number)),
        )
        .all()
        .await?;
    let bad = |_| Error::Inconsistent {
        table: "coupon",
        column: "number",
    };
    rows.iter()
        .map(|(number,)| CouponNumber::parse(number).map_err(bad))
        .collect()
}

/// Holds the doses of a stretch against the ledger; adds what is to be said of them.
pub(super) async fn look(
    db: &Db,
    city: MunicipalityCode,
    lines: &[Line],
    remarks: &mut Vec<Remark>,
) -> Result<(Found, Vec<Act>)> {
    let mut tx = db.begin_reading().await?;
    let recorded = recorded(&mut tx, city, numbers(lines)).await?;
    let issued = issued(&mut tx, city, lines).await?;
    tx.commit().await?;
    let kept = remarks.iter().filter(|one| one.kept);
    let looked_at: BTreeSet<u64> = kept.map(|one| one.line).collect();
    let mut found = Found::default();
    let (acts, gone) = amendments::look(lines, &recorded, remarks, &mut found);
    for line in lines.iter().filter(|one| one.order == Order::Record) {
        let records = recorded.get(&line.number).into_iter().flatten();
        // What the same file takes back makes room.
        let records: Vec<&Record> = records.filter(|one| !gone.contains(&one.id)).collect();
        if records.iter().any(|record| line.is(record)) {
            found.unchanged += 1;
            continue;
        }
        found.new += 1;
        found.pending += u64::from(!issued.contains(&line.number));
        if records.iter().any(|record| line.is_rivalled_by(record)) {
            found.suspicious += u64::from(!looked_at.contains(&line.line));
            remarks.push(another_record(line.line));
        }
    }
    Ok((found, acts))
}

fn numbers(lines: &[Line]) -> Vec<CouponNumber> {
    lines.iter().map(|one| one.number).collect()
}

fn another_record(line: u64) -> Remark {
    Remark {
        line,
        column: Some("回数".to_owned()),
        code: "another_record".to_owned(),
        ja: "この人の同じ回に、内容の違う記録がすでにあります。承認すると両方が残り、要確認の一覧に載ります。"
            .to_owned(),
        en: "There is another record of this person's same dose that says something else. Both will stand, and \
             be on the list of what is to be checked."
            .to_owned(),
        kept: true,
    }
}

/// Does what the lines of a stretch ask for: takes back and corrects, then records the doses that are not
/// in the ledger yet.
pub(super) async fn apply(
    db: &Db,
    recorder: &Recorder,
    permit: &CityPermit,
    hand: &InHand,
    lines: &[Line],
    place: Place,
) -> Result<Done> {
    let (city, import) = (hand.import.desk.city()?, hand.import.id);
    let mut done = Done::default();
    let tried = amendments::apply(db, recorder, permit, hand, lines, &mut done).await?;
    let mut tx = db.begin_reading().await?;
    let recorded = recorded(&mut tx, city, numbers(lines)).await?;
    tx.commit().await?;
    let mut reports = Vec::new();
    let mut numbers = Vec::new();
    for line in lines.iter().filter(|one| one.order == Order::Record) {
        let report = line.report(import);
        let mut records = recorded.get(&line.number).into_iter().flatten();
        // What this import recorded before it was cut off is answered as it was then.
        if records.any(|record| line.is(record) && record.id != report.id) {
            done.unchanged += 1;
        } else {
            reports.push(report);
            numbers.push(line.line);
        }
    }
    for answer in recorder.enter(permit, reports).await {
        let receipt = answer.map_err(interrupted)?;
        done.new += 1;
        let worst = receipt.findings.iter().map(|one| one.code.severity()).max();
        done.to_check += u64::from(worst >= Some(Severity::Warn));
    }
    let key = stretch_key(hand, place);
    transact!(db, |tx| {
        amendments::conclude(&mut tx, city, key, &tried).await?;
        tx.query(sql!(
            "INSERT INTO import_stretch (desk, import, upto_line, before, done) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (desk, import, upto_line) DO UPDATE SET before = excluded.before, done = excluded.done"
        ))
        .bind(city.as_str().to_owned())
        .bind(import.as_bytes().to_vec())
        .bind(key.1)
        .bind(json(&numbers))
        .bind(json(&done))
        .expect(1)
        .await?;
    })?;
    Ok(done)
}

/// An act that was not done ends the stretch; the next turn sends the whole stretch again.
pub(super) fn interrupted(error: RecordError) -> Error {
    match error {
        RecordError::Store(error) => error,
        error => Error::Unavailable(error.to_string()),
    }
}

/// Takes the doses of a stretch back, but those that somebody corrected, confirmed or took back since; then
/// puts back what the stretch itself corrected or took back.
pub(super) async fn undo(
    db: &Db,
    recorder: &Recorder,
    permit: &CityPermit,
    hand: &InHand,
    upto_line: i64,
) -> Result<Done> {
    let (city, import) = (hand.import.desk.city()?, hand.import.id);
    let (kept,): (String,) = db
        .query(sql!(
            "SELECT before FROM import_stretch WHERE desk = $1 AND import = $2 AND upto_line = $3"
        ))
        .bind(city.as_str().to_owned())
        .bind(import.as_bytes().to_vec())
        .bind(upto_line)
        .one()
        .await?;
    let numbers: Vec<u64> = from_json(&kept, "before")?;
    let lines: BTreeMap<DoseId, u64> = numbers
        .iter()
        .map(|line| (DoseId(derived(import, *line, "record")), *line))
        .collect();
    let mut tx = db.begin_reading().await?;
    let standing = of_doses(&mut tx, city, lines.keys().copied()).await?;
    let touched = touched(&mut tx, city, import, &lines).await?;
    tx.commit().await?;
    let mut done = Done::default();
    let mut withdrawals = Vec::new();
    for record in standing {
        let Some(line) = lines.get(&record.id) else {
            continue;
        };
        if touched.contains(&record.id) {
            done.left += 1;
            continue;
        }
        withdrawals.push(Withdrawal {
            id: derived(import, *line, "withdraw"),
            dose: record.id,
            seen: record.version(),
            reason: UNDONE.to_owned(),
            device: import.to_string(),
        });
    }
    for answer in recorder.withdraw(permit, withdrawals).await {
        match answer {
            Ok(_) => done.put_back += 1,
            // Somebody changed it between our look and the act.
            Err(RecordError::NotFound | RecordError::Refused(_)) => done.left += 1,
            Err(error) => return Err(interrupted(error)),
        }
    }
    amendments::undo(db, recorder, permit, hand, upto_line, &mut done).await?;
    Ok(done)
}

fn dose_keys(city: MunicipalityCode, doses: impl Iterator<Item = DoseId>) -> Table {
    let doses: Vec<DoseId> = doses.collect();
    Table::default()
        .text(doses.iter().map(|_| city.as_str()))
        .bytes(doses.iter().map(|id| id.0.as_bytes().to_vec()))
}

/// These records, in the order in which they were made.
pub(super) async fn of_doses(
    tx: &mut Tx,
    city: MunicipalityCode,
    doses: impl Iterator<Item = DoseId>,
) -> Result<Vec<Record>> {
    let rows: Vec<DoseRow> = tx
        .many(
            sql!(
                "WITH k (municipality, dose_id) AS ({rows: text, bytea})
                 SELECT d.* FROM k CROSS JOIN dose AS d
                 WHERE d.municipality = k.municipality AND d.dose_id = k.dose_id"
            ),
            dose_keys(city, doses),
        )
        .all()
        .await?;
    let mut records = rows
        .into_iter()
        .map(Record::try_from)
        .collect::<Result<Vec<_>>>()?;
    records.sort_by_key(|record| record.seq);
    Ok(records)
}

/// Those of these records that somebody did something to; that the import itself took one back
/// before it was cut off does not count.
async fn touched(
    tx: &mut Tx,
    city: MunicipalityCode,
    import: Uuid,
    lines: &BTreeMap<DoseId, u64>,
) -> Result<BTreeSet<DoseId>> {
    let rows: Vec<(Vec<u8>, Vec<u8>)> = tx
        .many(
            sql!(
                "WITH k (municipality, dose_id) AS ({rows: text, bytea})
                 SELECT x.dose_id, x.id FROM k CROSS JOIN ledger AS x
                 WHERE x.municipality = k.municipality AND x.dose_id = k.dose_id AND x.act <> 'recorded'
                   AND x.act <> 'matched'"
            ),
            dose_keys(city, lines.keys().copied()),
        )
        .all()
        .await?;
    let bad = |_| Error::Inconsistent {
        table: "ledger",
        column: "id",
    };
    let mut touched = BTreeSet::new();
    for (dose, act) in rows {
        let dose = DoseId(Uuid::from_slice(&dose).map_err(bad)?);
        let act = Uuid::from_slice(&act).map_err(bad)?;
        let ours = lines
            .get(&dose)
            .map(|line| derived(import, *line, "withdraw"));
        if ours != Some(act) {
            touched.insert(dose);
        }
    }
    Ok(touched)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_of_a_line_is_always_the_same_and_no_other_lines() {
        let import = Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0001);
        let other = Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0002);
        let ids = [
            derived(import, 2, "record"),
            derived(import, 3, "record"),
            derived(import, 2, "withdraw"),
            derived(other, 2, "record"),
        ];
        assert_eq!(ids.iter().collect::<HashSet<_>>().len(), 4);
        assert_eq!(ids[0], derived(import, 2, "record"));
        assert!(ids.iter().all(|id| id.get_version_num() == 8));
        assert!(
            ids.iter()
                .all(|id| id.as_bytes()[..6] == import.as_bytes()[..6])
        );
    }
}
