//! Lines of a file that correct records or take them back (取消区分 1, 2): what they mean when the file is
//! looked through, done once it is approved, and put back.
//!
//! What a record said when the file was looked through is kept with the line. If it says something else
//! when the line's turn comes, somebody was quicker, and the line does nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use domain::access::CityPermit;
use domain::amendments::{Amendment, Order, Said, amend};
use domain::approvals::replacing;
use domain::coupons::CouponNumber;
use domain::doses::{DoseId, Facts, Held, Standing, Version};
use domain::places::MunicipalityCode;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::records::{Line, UNDONE, derived, interrupted, of_doses, recorded};
use super::{Done, Found, InHand, Remark};
use crate::accounts::uuid;
use crate::db::{Db, Table, Tx, sql};
use crate::doses::Record;
use crate::error::{Error, Result};
use crate::recorder::{
    Authority, Correction, Entering, Receipt, RecordError, Recorder, Withdrawal, json,
};

/// The reason in the ledger for a correction by a file.
const CORRECTED: &str = "接種記録CSVの訂正行";
/// The reason for taking a record back by a file.
const VOIDED: &str = "接種記録CSVの削除行";

fn bad(column: &'static str) -> Error {
    Error::Inconsistent {
        table: "import_act",
        column,
    }
}

/// A line that changes a record, and what it means.
pub(super) struct Act {
    line: u64,
    amendment: Amendment,
}

fn held(record: &Record) -> Held {
    Held {
        id: record.id,
        seq: record.seq,
        facts: record.facts(),
        voided: record.standing == Standing::Void,
        confirmed: record.confirmed,
        blocked: record.standing == Standing::Quarantined,
    }
}

/// What the lines of a stretch mean that change records; adds what is to be said of them. Gives, too, the
/// records that will have been taken back.
pub(super) fn look(
    lines: &[Line],
    recorded: &HashMap<CouponNumber, Vec<Record>>,
    remarks: &mut Vec<Remark>,
    found: &mut Found,
) -> (Vec<Act>, HashSet<DoseId>) {
    let mut acts = Vec::new();
    let mut named: BTreeSet<DoseId> = BTreeSet::new();
    let mut gone = HashSet::new();
    for line in lines.iter().filter(|one| one.order != Order::Record) {
        let records = recorded.get(&line.number).map_or(&[][..], Vec::as_slice);
        let records: Vec<Held> = records.iter().map(held).collect();
        let said = Said {
            digits: &line.digits,
            given_on: line.given_on,
            product: &line.product,
            lot: &line.lot,
            doctor: &line.doctor,
        };
        let meant = match amend(line.order, &said, &records) {
            Ok(Some(amendment)) if !named.insert(amendment.dose) => Err("record_named_twice"),
            Ok(meant) => Ok(meant),
            Err(refusal) => Err(refusal.code()),
        };
        match meant {
            Ok(None) => found.unchanged += 1,
            Ok(Some(amendment)) => {
                if amendment.becomes.is_some() {
                    found.corrected += 1;
                } else {
                    found.voided += 1;
                    gone.insert(amendment.dose);
                }
                acts.push(Act {
                    line: line.line,
                    amendment,
                });
            }
            Err(code) => {
                found.rejected += 1;
                remarks.push(left(line.line, code));
            }
        }
    }
    (acts, gone)
}

/// Why a line is left to somebody who sees the records.
fn left(line: u64, code: &'static str) -> Remark {
    let (column, ja, en) = match code {
        "no_record" => (
            "券番号",
            "訂正・削除する記録がありません。券番号・券種・回数を予診票で確かめてください。",
            "There is no record to correct or void. Check coupon number, kind and dose on the questionnaire.",
        ),
        "several_records" => (
            "回数",
            "この人の同じ回に記録が複数あり、どれのことか決められません。画面で二つを見比べて直してください。",
            "The person has several records of this dose. Compare them on the screen and change the right one.",
        ),
        "record_says_otherwise" => (
            "接種日",
            "同じ回の記録はありますが、接種日・製品・ロットのどれかが違います。画面で記録を開き、理由を付けて取り消してください。",
            "There is a record of this dose, but day, product or lot differ. Open it on the screen, and void it with a \
             reason.",
        ),
        "record_confirmed" => (
            "取消区分",
            "市町村が確定した記録です。直すときは、画面で確定を解いてから行ってください。",
            "The city has confirmed this record. To change it, open it again on the screen first.",
        ),
        _ => (
            "券番号",
            "前の行が同じ記録を直します。1つの記録は1つの行で直してください。",
            "An earlier line changes the same record. Change a record by one line.",
        ),
    };
    Remark {
        line,
        column: Some(column.to_owned()),
        code: code.to_owned(),
        ja: ja.to_owned(),
        en: en.to_owned(),
        kept: false,
    }
}

/// Keeps what the lines of a stretch mean, until the file is approved.
pub(super) async fn keep(
    tx: &mut Tx,
    city: MunicipalityCode,
    import: Uuid,
    acts: &[Act],
) -> Result<()> {
    if acts.is_empty() {
        return Ok(());
    }
    let of = || acts.iter().map(|act| &act.amendment);
    let line = |act: &Act| i64::try_from(act.line).unwrap_or(i64::MAX);
    let rows = Table::default()
        .text(of().map(|_| city.as_str()))
        .bytes(of().map(|_| *import.as_bytes()))
        .whole(acts.iter().map(line))
        .bytes(of().map(|one| *one.dose.0.as_bytes()))
        .text(of().map(|one| json(&one.was)))
        .text_or_null(of().map(|one| one.becomes.as_ref().map(json)))
        .text(of().map(|_| "waiting"));
    tx.many(
        sql!(
            "INSERT INTO import_act (municipality, import, line, dose_id, was, becomes, outcome)
             {rows: text, bytea, bigint, bytea, text, text, text}"
        ),
        rows,
    )
    .expect_each()
    .await
}

/// Forgets what the lines of a file mean: it is looked through again, or thrown away.
pub(super) async fn forget(tx: &mut Tx, city: MunicipalityCode, import: Uuid) -> Result<()> {
    tx.query(sql!(
        "DELETE FROM import_act WHERE municipality = $1 AND import = $2"
    ))
    .bind(city.as_str().to_owned())
    .bind(import.as_bytes().to_vec())
    .run()
    .await?;
    Ok(())
}

type ActRow = (i64, Vec<u8>, String, Option<String>);

fn act((line, dose, was, becomes): ActRow) -> Result<Act> {
    let facts = |text: &str, column| serde_json::from_str(text).map_err(|_| bad(column));
    Ok(Act {
        line: line.unsigned_abs(),
        amendment: Amendment {
            dose: DoseId(uuid(&dose, "import_act", "dose_id")?),
            was: facts(&was, "was")?,
            becomes: becomes.map(|text| facts(&text, "becomes")).transpose()?,
        },
    })
}

/// What came of the acts of a stretch, line by line.
#[derive(Default)]
pub(super) struct Tried(BTreeMap<u64, &'static str>);

/// Takes back and corrects what the lines of a stretch name: first out, so that a record that takes the
/// place of another one comes in where there is none.
pub(super) async fn apply(
    db: &Db,
    recorder: &Recorder,
    permit: &CityPermit,
    hand: &InHand,
    lines: &[Line],
    done: &mut Done,
) -> Result<Tried> {
    let (city, import) = (hand.import.desk.city()?, hand.import.id);
    let amending: Vec<&Line> = lines
        .iter()
        .filter(|one| one.order != Order::Record)
        .collect();
    let mut tried = Tried::default();
    if amending.is_empty() {
        return Ok(tried);
    }
    let keys = Table::default()
        .text(amending.iter().map(|_| city.as_str()))
        .bytes(amending.iter().map(|_| *import.as_bytes()))
        .whole(
            amending
                .iter()
                .map(|one| i64::try_from(one.line).unwrap_or(i64::MAX)),
        );
    let mut tx = db.begin_reading().await?;
    let rows: Vec<ActRow> = tx
        .many(
            sql!(
                "WITH k (municipality, import, line) AS ({rows: text, bytea, bigint})
                 SELECT a.line, a.dose_id, a.was, a.becomes FROM k CROSS JOIN import_act AS a
                 WHERE a.municipality = k.municipality AND a.import = k.import AND a.line = k.line"
            ),
            keys,
        )
        .all()
        .await?;
    tx.commit().await?;
    let mut acts = rows.into_iter().map(act).collect::<Result<Vec<Act>>>()?;
    acts.sort_by_key(|act| act.line);
    let (corrections, voids): (Vec<Act>, Vec<Act>) = acts
        .into_iter()
        .partition(|act| act.amendment.becomes.is_some());
    let withdrawals = voids.iter().map(|act| Withdrawal {
        id: derived(import, act.line, "void"),
        dose: act.amendment.dose,
        seen: version(&act.amendment, &act.amendment.was),
        reason: VOIDED.to_owned(),
        device: import.to_string(),
    });
    let answers = recorder.withdraw(permit, withdrawals.collect()).await;
    for (act, answer) in voids.iter().zip(answers) {
        let outcome = outcome(answer)?;
        done.voided += u64::from(outcome == "done");
        done.overtaken += u64::from(outcome != "done");
        tried.0.insert(act.line, outcome);
    }
    let wanted = corrections.iter().filter_map(|act| {
        let becomes = act.amendment.becomes.as_ref()?;
        Some((
            act.line,
            correction(
                (city, import),
                act,
                becomes,
                &act.amendment.was,
                ("correct", CORRECTED),
            ),
        ))
    });
    for (line, outcome) in correct(recorder, permit, wanted.collect()).await? {
        done.corrected += u64::from(outcome == "done");
        done.overtaken += u64::from(outcome != "done");
        tried.0.insert(line, outcome);
    }
    Ok(tried)
}

fn version(amendment: &Amendment, facts: &Facts) -> Version {
    Version::of(amendment.dose, facts, false, false)
}

fn correction(
    (city, import): (MunicipalityCode, Uuid),
    act: &Act,
    becomes: &Facts,
    was: &Facts,
    (word, reason): (&str, &str),
) -> Correction {
    Correction {
        id: derived(import, act.line, word),
        dose: act.amendment.dose,
        city,
        given_on: becomes.given_on,
        turn: becomes.turn,
        product: becomes.product.clone(),
        lot: becomes.lot.clone(),
        doctor: becomes.doctor.clone(),
        reason: reason.to_owned(),
        device: import.to_string(),
        seen: Some(version(&act.amendment, was)),
    }
}

/// Corrects all at once, so that they share commits; gives what came of each, by its line.
async fn correct(
    recorder: &Recorder,
    permit: &CityPermit,
    corrections: Vec<(u64, Correction)>,
) -> Result<Vec<(u64, &'static str)>> {
    let mut at_work = JoinSet::new();
    for (line, correction) in corrections {
        let (recorder, by) = (recorder.clone(), Authority::City(permit.clone()));
        at_work.spawn(async move { (line, recorder.correct(&by, correction).await) });
    }
    let mut outcomes = Vec::with_capacity(at_work.len());
    while let Some(ended) = at_work.join_next().await {
        let (line, answer) = ended.map_err(|error| Error::Unavailable(error.to_string()))?;
        outcomes.push((line, outcome(answer)?));
    }
    Ok(outcomes)
}

/// The word for what came of an act; what is no refusal ends the stretch.
fn outcome(answer: std::result::Result<Receipt, RecordError>) -> Result<&'static str> {
    match answer {
        Ok(_) => Ok("done"),
        Err(RecordError::NotFound | RecordError::Refused(_) | RecordError::Conflict { .. }) => {
            Ok("overtaken")
        }
        Err(error) => Err(interrupted(error)),
    }
}

/// Keeps what came of the acts of a stretch.
pub(super) async fn conclude(
    tx: &mut Tx,
    city: MunicipalityCode,
    (import, upto_line): (Uuid, i64),
    tried: &Tried,
) -> Result<()> {
    if tried.0.is_empty() {
        return Ok(());
    }
    let of = || tried.0.iter();
    let rows = Table::default()
        .text(of().map(|_| city.as_str()))
        .bytes(of().map(|_| *import.as_bytes()))
        .whole(of().map(|(line, _)| i64::try_from(*line).unwrap_or(i64::MAX)))
        .text(of().map(|(_, outcome)| *outcome))
        .whole(of().map(|_| upto_line));
    tx.many(
        sql!(
            "WITH k (municipality, import, line, outcome, upto_line) AS ({rows: text, bytea, bigint, text, bigint})
             UPDATE import_act SET outcome = k.outcome, upto_line = k.upto_line
             FROM k
             WHERE import_act.municipality = k.municipality AND import_act.import = k.import
               AND import_act.line = k.line"
        ),
        rows,
    )
    .run()
    .await?;
    Ok(())
}

/// Puts back what the lines of a stretch changed, where nobody changed it since: a correction by the
/// opposite one; a record that was taken back by another one that says the same and names it, since what
/// is void stays void.
pub(super) async fn undo(
    db: &Db,
    recorder: &Recorder,
    permit: &CityPermit,
    hand: &InHand,
    upto_line: i64,
    done: &mut Done,
) -> Result<()> {
    let (city, import) = (hand.import.desk.city()?, hand.import.id);
    let rows: Vec<ActRow> = db
        .query(sql!(
            "SELECT line, dose_id, was, becomes FROM import_act
             WHERE municipality = $1 AND import = $2 AND upto_line = $3 AND outcome = 'done' ORDER BY line"
        ))
        .bind(city.as_str().to_owned())
        .bind(import.as_bytes().to_vec())
        .bind(upto_line)
        .all()
        .await?;
    let acts = rows.into_iter().map(act).collect::<Result<Vec<Act>>>()?;
    let back = acts.iter().filter_map(|act| {
        let said = act.amendment.becomes.as_ref()?;
        Some((
            act.line,
            correction(
                (city, import),
                act,
                &act.amendment.was,
                said,
                ("correct back", UNDONE),
            ),
        ))
    });
    for (_, outcome) in correct(recorder, permit, back.collect()).await? {
        done.put_back += u64::from(outcome == "done");
        done.left += u64::from(outcome != "done");
    }
    let voided: Vec<&Act> = acts
        .iter()
        .filter(|act| act.amendment.becomes.is_none())
        .collect();
    let mut tx = db.begin_reading().await?;
    let doses = voided.iter().map(|act| act.amendment.dose);
    let records = of_doses(&mut tx, city, doses).await?;
    let numbers = records.iter().filter_map(|one| one.number);
    let people = recorded(&mut tx, city, numbers.collect()).await?;
    tx.commit().await?;
    for act in voided {
        let record = records.iter().find(|one| one.id == act.amendment.dose);
        let record = record.ok_or_else(|| bad("dose_id"))?;
        let id = DoseId(derived(import, act.line, "enter again"));
        // Somebody has entered that dose since: a second one would only clash with it.
        let of_person = record.number.and_then(|number| people.get(&number));
        let is_there = |one: &Record| {
            one.id != id && one.turn == record.turn && one.standing == Standing::Counted
        };
        if of_person.is_some_and(|all| all.iter().any(is_there)) {
            done.left += 1;
            continue;
        }
        let entering = Entering {
            id,
            facts: act.amendment.was.clone(),
            venue_city: record.venue_city,
            reason: replacing(UNDONE, record.id),
            device: import.to_string(),
        };
        match outcome(recorder.replace(permit, entering).await)? {
            "done" => done.put_back += 1,
            _ => done.left += 1,
        }
    }
    Ok(())
}

/// Lines of an import that did nothing, since somebody changed their records after it was looked through.
///
/// # Errors
/// The database's.
pub async fn overtaken(db: &Db, permit: &CityPermit, import: Uuid) -> Result<Vec<u64>> {
    let rows: Vec<(i64,)> = db
        .query(sql!(
            "SELECT line FROM import_act
             WHERE municipality = $1 AND import = $2 AND outcome = 'overtaken' ORDER BY line LIMIT 200"
        ))
        .bind(permit.city().as_str().to_owned())
        .bind(import.as_bytes().to_vec())
        .all()
        .await?;
    Ok(rows
        .into_iter()
        .map(|(line,)| line.unsigned_abs())
        .collect())
}
