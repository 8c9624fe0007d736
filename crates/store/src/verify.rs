//! The proof (検証): walks every chain, holds every record and every count against it.
//!
//! Everything is read in one transaction, so that a running server does not disturb the picture.

use std::collections::{BTreeMap, HashMap};

use domain::doses::{DoseId, Standing};
use domain::findings::FindingCode;
use domain::ledger::{Act, Break, Entry, Head, follow};
use domain::places::MunicipalityCode;
use domain::statistics::Effect;
use serde::Serialize;

use crate::db::{Db, Tx, sql};
use crate::doses::{DoseRow, Record};
use crate::error::Result;
use crate::ledger::{Walk, heads};
use crate::recorder::json;

/// What was checked, and the first thing that does not hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Chains walked.
    pub chains: u64,
    /// Entries whose hash, place and commitment were computed again.
    pub entries: u64,
    /// Records held against their last entry.
    pub records: u64,
    /// Receipts that lead to their entry.
    pub receipts: u64,
    /// Cells of the statistics added up again.
    pub cells: u64,
    /// Entries not counted yet; no fault.
    pub lag: u64,
    /// The first difference, if any.
    pub difference: Option<Difference>,
}

impl Report {
    /// Whether everything holds.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.difference.is_none()
    }
}

/// Where the data contradicts itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// In whose ledger; empty for the nation's counts.
    pub municipality: Option<MunicipalityCode>,
    /// At which entry.
    pub seq: Option<i64>,
    /// What it is, in a stable word.
    pub what: &'static str,
    /// More, for the person who looks for the cause; no personal data.
    pub detail: String,
}

type NationCell = (String, i64, String, String, i64);

/// Checks everything.
///
/// # Errors
/// The database's; a difference is no error but the report's content.
pub async fn verify(db: &Db) -> Result<Report> {
    let mut tx = db.begin_reading().await?;
    let report = verify_in(&mut tx).await?;
    tx.commit().await?;
    Ok(report)
}

/// Checks everything as a transaction sees it.
///
/// # Errors
/// As [`verify`].
pub async fn verify_in(tx: &mut Tx) -> Result<Report> {
    let mut report = Report::default();
    let mut counts: BTreeMap<NationCell, i64> = BTreeMap::new();
    for (city, head) in heads(tx).await? {
        let counted = position(tx, city).await?;
        report.lag += (head.seq - counted).unsigned_abs();
        let found = chain(tx, city, head, counted, &mut report, &mut counts).await?;
        if found.is_some() {
            report.difference = found;
            return Ok(report);
        }
        report.chains += 1;
    }
    report.difference = match loose(tx).await? {
        None => cells(tx, counts, &mut report).await?,
        found => found,
    };
    Ok(report)
}

async fn position(tx: &mut Tx, city: MunicipalityCode) -> Result<i64> {
    let row: Option<(i64,)> = tx
        .query(sql!(
            "SELECT seq FROM progress WHERE projection = 'tally' AND municipality = $1"
        ))
        .bind(city.to_string())
        .optional()
        .await?;
    Ok(row.map_or(0, |(seq,)| seq))
}

/// One chain: hashes, numbers, commitments; the records; the effects up to where they are counted.
async fn chain(
    tx: &mut Tx,
    city: MunicipalityCode,
    kept: Head,
    counted: i64,
    report: &mut Report,
    counts: &mut BTreeMap<NationCell, i64>,
) -> Result<Option<Difference>> {
    let at = |seq, what, detail: &str| {
        Ok(Some(Difference {
            municipality: Some(city),
            seq,
            what,
            detail: detail.to_owned(),
        }))
    };
    let mut walk = Walk::start(city);
    let mut head = Head::START;
    let mut effects: Vec<Effect> = Vec::new();
    let mut records = 0_u64;
    loop {
        let entries = walk.next(tx).await?;
        if entries.is_empty() {
            break;
        }
        for entry in &entries {
            head = match follow(&head, entry) {
                Ok(head) => head,
                Err(broken) => return at(Some(head.seq + 1), word(broken), &broken.to_string()),
            };
            let personal = entry.personal.iter();
            for effect in personal.flat_map(|personal| &personal.effects) {
                if entry.body.seq <= counted {
                    add(counts, city, effect);
                }
                effects.push(*effect);
            }
        }
        report.entries += entries.len() as u64;
        match compare(tx, city, &entries).await? {
            Ok(checked) => records += checked,
            Err((seq, detail)) => return at(Some(seq), "record", detail),
        }
        if let Some(seq) = missing_receipt(tx, city, &entries, report).await? {
            return at(Some(seq), "receipt", "no receipt leads to this entry");
        }
    }
    if head != kept {
        return at(
            Some(kept.seq),
            "head",
            "the chain does not end where its head says",
        );
    }
    report.records += records;
    tally_of_records(tx, city, records, &effects).await
}

fn word(broken: Break) -> &'static str {
    match broken {
        Break::Sequence => "sequence",
        Break::Previous => "previous",
        Break::Hash => "hash",
        Break::Commitment => "commitment",
    }
}

fn add(counts: &mut BTreeMap<NationCell, i64>, city: MunicipalityCode, effect: &Effect) {
    let Some(prefecture) = city.prefecture() else {
        return;
    };
    let cell = (
        effect.day.to_string(),
        i64::from(prefecture.number()),
        effect.sex.open_data().to_owned(),
        effect.age.open_data().to_owned(),
        i64::from(effect.turn),
    );
    *counts.entry(cell).or_default() += effect.n;
}

#[derive(Serialize)]
struct DoseKey {
    m: MunicipalityCode,
    d: String,
}

/// Holds the records against their last entries; says how many had theirs among `entries`, or
/// which entry is contradicted and how.
async fn compare(
    tx: &mut Tx,
    city: MunicipalityCode,
    entries: &[Entry],
) -> Result<std::result::Result<u64, (i64, &'static str)>> {
    let mut doses: Vec<DoseId> = entries.iter().map(|entry| entry.body.dose).collect();
    doses.sort_unstable();
    doses.dedup();
    let keys: Vec<DoseKey> = doses
        .iter()
        .map(|dose| DoseKey {
            m: city,
            d: dose.0.simple().to_string(),
        })
        .collect();
    let rows: Vec<DoseRow> = tx
        .query(sql!(
            "SELECT d.* FROM json_each($1) AS k CROSS JOIN dose AS d
             WHERE d.municipality = k.value->>'m' AND d.dose_id = unhex(k.value->>'d')"
        ))
        .bind(json(&keys))
        .all()
        .await?;
    let mut records = HashMap::new();
    for row in rows {
        let (last_seq, number) = (row.last_seq, row.number.clone());
        let record = Record::try_from(row)?;
        records.insert(record.id, (last_seq, number, record));
    }
    let mut checked = 0;
    for entry in entries {
        let seq = entry.body.seq;
        let Some((last_seq, number, record)) = records.get(&entry.body.dose) else {
            return Ok(Err((seq, "the entry's record is missing")));
        };
        if seq > *last_seq {
            return Ok(Err((seq, "the record does not know this entry")));
        }
        if entry.body.act == Act::Recorded && record.seq != seq {
            return Ok(Err((seq, "the record names another first entry")));
        }
        if seq == *last_seq {
            checked += 1;
            if let Some(why) = contradiction(entry, record, number.as_deref()) {
                return Ok(Err((seq, why)));
            }
        }
    }
    Ok(Ok(checked))
}

fn contradiction(entry: &Entry, record: &Record, number: Option<&str>) -> Option<&'static str> {
    let personal = entry.personal.as_ref()?;
    if entry.body.act != Act::Contested && personal.facts != record.facts() {
        return Some("the record says something else than its last entry");
    }
    if personal.standing != record.standing {
        return Some("the record stands otherwise than its last entry says");
    }
    if personal.findings != record.findings {
        return Some("the record has other findings than its last entry");
    }
    let waits = record.standing != Standing::Void
        && personal
            .findings
            .iter()
            .any(|one| one.code == FindingCode::NotRegistered);
    if record.pending != waits {
        return Some("the record is on the wrong side of the pending list");
    }
    if number.is_some_and(|number| !record.line.as_str().ends_with(number)) {
        return Some("the record hangs on another coupon than its digits say");
    }
    None
}

#[derive(Serialize)]
struct ReceiptKey {
    o: String,
    i: String,
    seq: i64,
}

/// The first entry a sender was answered for whose receipt is gone.
async fn missing_receipt(
    tx: &mut Tx,
    city: MunicipalityCode,
    entries: &[Entry],
    report: &mut Report,
) -> Result<Option<i64>> {
    let keys: Vec<ReceiptKey> = entries
        .iter()
        .filter(|entry| !matches!(entry.body.act, Act::Matched | Act::Contested))
        .map(|entry| ReceiptKey {
            o: entry.body.organisation.0.simple().to_string(),
            i: entry.body.id.simple().to_string(),
            seq: entry.body.seq,
        })
        .collect();
    report.receipts += keys.len() as u64;
    let missing: Option<(i64,)> = tx
        .query(sql!(
            "SELECT CAST(k.value->>'seq' AS BIGINT) FROM json_each($1) AS k
             WHERE NOT EXISTS (
                 SELECT 1 FROM receipt AS r
                 WHERE r.organisation = unhex(k.value->>'o') AND r.id = unhex(k.value->>'i')
                   AND r.municipality = $2 AND r.seq = CAST(k.value->>'seq' AS BIGINT))
             ORDER BY 1 LIMIT 1"
        ))
        .bind(json(&keys))
        .bind(city.to_string())
        .optional()
        .await?;
    Ok(missing.map(|(seq,)| seq))
}

/// The city's records by cell must be what the effects of its entries add up to.
async fn tally_of_records(
    tx: &mut Tx,
    city: MunicipalityCode,
    records: u64,
    effects: &[Effect],
) -> Result<Option<Difference>> {
    let different = |detail: &str| {
        let detail = detail.to_owned();
        Some(Difference {
            municipality: Some(city),
            seq: None,
            what: "records",
            detail,
        })
    };
    let (kept,): (i64,) = tx
        .query(sql!("SELECT COUNT(*) FROM dose WHERE municipality = $1"))
        .bind(city.to_string())
        .one()
        .await?;
    if kept.unsigned_abs() != records {
        return Ok(different("there are records without an entry"));
    }
    let mut folded: BTreeMap<(String, String, String, i64), i64> = BTreeMap::new();
    for effect in effects {
        let (day, sex) = (effect.day.to_string(), effect.sex.open_data().to_owned());
        let cell = (
            day,
            sex,
            effect.age.open_data().to_owned(),
            i64::from(effect.turn),
        );
        *folded.entry(cell).or_default() += effect.n;
    }
    folded.retain(|_, n| *n != 0);
    let rows: Vec<(String, String, String, i64, i64)> = tx
        .query(sql!(
            "SELECT given_on, sex, age, turn, COUNT(*) FROM dose
             WHERE municipality = $1 AND standing = 'counted'
             GROUP BY given_on, sex, age, turn"
        ))
        .bind(city.to_string())
        .all()
        .await?;
    let recounted: BTreeMap<_, _> = rows
        .into_iter()
        .map(|(day, sex, age, turn, n)| ((day, sex, age, turn), n))
        .collect();
    if folded == recounted {
        Ok(None)
    } else {
        Ok(different(
            "the effects of the entries do not add up to the records",
        ))
    }
}

/// Rows that hang on no chain at all.
async fn loose(tx: &mut Tx) -> Result<Option<Difference>> {
    let row: Option<(String,)> = tx
        .query(sql!(
            "SELECT d.municipality FROM dose AS d
             WHERE NOT EXISTS (SELECT 1 FROM chain AS c WHERE c.municipality = d.municipality)
             LIMIT 1"
        ))
        .optional()
        .await?;
    Ok(row.map(|(city,)| Difference {
        municipality: MunicipalityCode::parse(&city).ok(),
        seq: None,
        what: "records",
        detail: "there are records of a city without a chain".to_owned(),
    }))
}

/// The nation's counts must be the sums of the effects counted.
async fn cells(
    tx: &mut Tx,
    mut counts: BTreeMap<NationCell, i64>,
    report: &mut Report,
) -> Result<Option<Difference>> {
    counts.retain(|_, n| *n != 0);
    let rows: Vec<(String, i64, String, String, i64, i64)> = tx
        .query(sql!(
            "SELECT day, prefecture, sex, age, turn, doses FROM tally WHERE doses <> 0
             ORDER BY day, prefecture, sex, age, turn"
        ))
        .all()
        .await?;
    report.cells = rows.len() as u64;
    let kept: BTreeMap<NationCell, i64> = rows
        .into_iter()
        .map(|(day, prefecture, sex, age, turn, n)| ((day, prefecture, sex, age, turn), n))
        .collect();
    let different = kept
        .keys()
        .chain(counts.keys())
        .filter(|cell| kept.get(*cell) != counts.get(*cell))
        .min();
    Ok(
        different.map(|(day, prefecture, sex, age, turn)| Difference {
            municipality: None,
            seq: None,
            what: "tally",
            detail: format!("{day}, prefecture {prefecture:02}, {sex}, {age}, turn {turn}"),
        }),
    )
}
