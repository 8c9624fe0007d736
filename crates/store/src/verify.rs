//! The proof (検証): walks every chain, holds every record and every count against it.
//!
//! Everything is read in one transaction, so that a running server does not disturb the picture.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use domain::calendar::{Day, Instant};
use domain::doses::{DoseId, Facts, Standing};
use domain::findings::FindingCode;
use domain::ledger::{Act, Break, Entry, Head, Sha, content, follow};
use domain::places::MunicipalityCode;
use domain::statistics::Effect;
use serde::Serialize;
use uuid::Uuid;

use crate::db::{Db, Tx, sql};
use crate::doses::{DoseRow, Record};
use crate::error::{Error, Result};
use crate::ledger::{Walk, heads};
use crate::recorder::{json, said_by_correction, severity};

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

/// What the entries add up to, and what was seen on the way.
#[derive(Default)]
struct Sums {
    nation: BTreeMap<NationCell, i64>,
    cities: BTreeMap<(String, i64), i64>,
    receipts: BTreeMap<String, i64>,
}

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
    let mut sums = Sums::default();
    for (city, head) in heads(tx).await? {
        let counted = position(tx, city).await?;
        if counted > head.seq {
            report.difference = Some(Difference {
                municipality: Some(city),
                seq: Some(counted),
                what: "progress",
                detail: "more entries are counted than there are".to_owned(),
            });
            return Ok(report);
        }
        report.lag += (head.seq - counted).unsigned_abs();
        let found = chain(tx, city, head, counted, &mut report, &mut sums).await?;
        if found.is_some() {
            report.difference = found;
            return Ok(report);
        }
        // A row that was made only to be locked is no chain yet.
        report.chains += u64::from(head.seq > 0);
    }
    report.difference = match loose(tx, &sums).await? {
        None => cells(tx, sums, &mut report).await?,
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
    sums: &mut Sums,
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
    let mut marks = Marks::default();
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
            marks.note(entry);
            let personal = entry.personal.iter();
            for effect in personal.flat_map(|personal| &personal.effects) {
                if entry.body.seq <= counted {
                    add(sums, city, effect);
                }
                effects.push(*effect);
            }
        }
        report.entries += entries.len() as u64;
        match compare(tx, city, &entries).await? {
            Ok(checked) => records += checked,
            Err((seq, detail)) => return at(Some(seq), "record", detail),
        }
        if let Some(seq) = missing_receipt(tx, city, &entries, report, sums).await? {
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
    if marks != Marks::kept(tx, city).await? {
        return at(
            None,
            "record",
            "a record is confirmed or contested otherwise than its entries say",
        );
    }
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

fn add(sums: &mut Sums, city: MunicipalityCode, effect: &Effect) {
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
    *sums.nation.entry(cell).or_default() += effect.n;
    *sums
        .cities
        .entry((city.to_string(), i64::from(effect.turn)))
        .or_default() += effect.n;
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
        let kept = Kept {
            last_seq: row.last_seq,
            number: row.number.clone(),
            severity: row.severity,
        };
        let record = Record::try_from(row)?;
        records.insert(record.id, (kept, record));
    }
    let mut checked = 0;
    for entry in entries {
        let seq = entry.body.seq;
        let Some((kept, record)) = records.get(&entry.body.dose) else {
            return Ok(Err((seq, "the entry's record is missing")));
        };
        if seq > kept.last_seq {
            return Ok(Err((seq, "the record does not know this entry")));
        }
        let recorded = (record.seq, record.recorded_at.micros(), record.input);
        if entry.body.act == Act::Recorded
            && recorded != (seq, entry.body.at_micros, entry.body.input)
        {
            return Ok(Err((
                seq,
                "the record tells another story of its first entry",
            )));
        }
        if seq == kept.last_seq {
            checked += 1;
            if let Some(why) = contradiction(entry, record, kept) {
                return Ok(Err((seq, why)));
            }
        }
    }
    Ok(Ok(checked))
}

/// What a row says beside its record.
struct Kept {
    last_seq: i64,
    number: Option<String>,
    severity: i64,
}

fn contradiction(entry: &Entry, record: &Record, kept: &Kept) -> Option<&'static str> {
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
    if kept.severity != severity(&personal.findings, record.standing == Standing::Void) {
        return Some("the record is on the wrong work list");
    }
    if kept
        .number
        .as_ref()
        .is_some_and(|number| !record.line.as_str().ends_with(number))
    {
        return Some("the record hangs on another coupon than its digits say");
    }
    None
}

#[derive(Serialize)]
struct ReceiptKey {
    o: String,
    i: String,
    seq: i64,
    act: Act,
    day: Day,
    /// None where the personal part is erased: then it cannot be computed again.
    content: Option<String>,
}

/// What the sender of an entry said, computed again from what was entered.
fn said(entry: &Entry) -> Option<Sha> {
    let personal = entry.personal.as_ref()?;
    let facts = &personal.facts;
    // The turn was counted on where the coupon leaves it open; what was sent is the coupon's own digit.
    let sent = Facts {
        turn: facts.line.turn_digit(),
        ..facts.clone()
    };
    let reason = personal.reason.as_deref();
    Some(match entry.body.act {
        Act::Recorded => content(Act::Recorded, entry.body.dose, Some(&sent), None),
        Act::Corrected => {
            let words = [
                facts.product.as_str(),
                &facts.lot,
                &facts.doctor,
                reason.unwrap_or_default(),
            ];
            said_by_correction(entry.body.dose, facts.given_on, facts.turn, words)
        }
        act @ (Act::Voided | Act::Reopened) => {
            content(act, entry.body.dose, None, Some(reason.unwrap_or_default()))
        }
        act => content(act, entry.body.dose, None, None),
    })
}

/// The first entry a sender was answered for whose receipt is gone.
async fn missing_receipt(
    tx: &mut Tx,
    city: MunicipalityCode,
    entries: &[Entry],
    report: &mut Report,
    sums: &mut Sums,
) -> Result<Option<i64>> {
    let keys: Vec<ReceiptKey> = entries
        .iter()
        .filter(|entry| !matches!(entry.body.act, Act::Matched | Act::Contested))
        .map(|entry| ReceiptKey {
            o: entry.body.organisation.0.simple().to_string(),
            i: entry.body.id.simple().to_string(),
            seq: entry.body.seq,
            act: entry.body.act,
            day: Instant::from_micros(entry.body.at_micros).day_in_japan(),
            content: said(entry).map(|content| content.to_string()),
        })
        .collect();
    report.receipts += keys.len() as u64;
    *sums.receipts.entry(city.to_string()).or_default() += keys.len() as i64;
    let missing: Option<(i64,)> = tx
        .query(sql!(
            "SELECT CAST(k.value->>'seq' AS BIGINT) FROM json_each($1) AS k
             WHERE NOT EXISTS (
                 SELECT 1 FROM receipt AS r
                 WHERE r.organisation = unhex(k.value->>'o') AND r.id = unhex(k.value->>'i')
                   AND r.municipality = $2 AND r.seq = CAST(k.value->>'seq' AS BIGINT)
                   AND r.act = k.value->>'act' AND r.day = k.value->>'day'
                   AND (k.value->>'content' IS NULL OR r.content = unhex(k.value->>'content')))
             ORDER BY 1 LIMIT 1"
        ))
        .bind(json(&keys))
        .bind(city.to_string())
        .optional()
        .await?;
    Ok(missing.map(|(seq,)| seq))
}

/// Which records the acts of a chain leave confirmed, and which ever were contested.
#[derive(Default, PartialEq, Eq)]
struct Marks {
    confirmed: BTreeSet<DoseId>,
    contested: BTreeSet<DoseId>,
}

impl Marks {
    fn note(&mut self, entry: &Entry) {
        match entry.body.act {
            Act::Confirmed => drop(self.confirmed.insert(entry.body.dose)),
            Act::Reopened => drop(self.confirmed.remove(&entry.body.dose)),
            Act::Contested => drop(self.contested.insert(entry.body.dose)),
            Act::Recorded | Act::Corrected | Act::Voided | Act::Matched => {}
        }
    }

    /// As the records' rows have it.
    async fn kept(tx: &mut Tx, city: MunicipalityCode) -> Result<Self> {
        let rows: Vec<(Vec<u8>, i64, i64)> = tx
            .query(sql!(
                "SELECT dose_id, confirmed, contested FROM dose
                 WHERE municipality = $1 AND (confirmed = 1 OR contested = 1)"
            ))
            .bind(city.to_string())
            .all()
            .await?;
        let mut marks = Self::default();
        for (id, confirmed, contested) in rows {
            let id = Uuid::from_slice(&id).map_err(|_| Error::Inconsistent {
                table: "dose",
                column: "dose_id",
            })?;
            if confirmed == 1 {
                marks.confirmed.insert(DoseId(id));
            }
            if contested == 1 {
                marks.contested.insert(DoseId(id));
            }
        }
        Ok(marks)
    }
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

/// Rows that hang on no chain, and receipts that no entry stands behind.
async fn loose(tx: &mut Tx, sums: &Sums) -> Result<Option<Difference>> {
    let different = |city: &str, what, detail: &str| {
        let municipality = MunicipalityCode::parse(city).ok();
        Ok(Some(Difference {
            municipality,
            seq: None,
            what,
            detail: detail.to_owned(),
        }))
    };
    let row: Option<(String,)> = tx
        .query(sql!(
            "SELECT d.municipality FROM dose AS d
             WHERE NOT EXISTS (SELECT 1 FROM chain AS c WHERE c.municipality = d.municipality)
             LIMIT 1"
        ))
        .optional()
        .await?;
    if let Some((city,)) = row {
        return different(
            &city,
            "records",
            "there are records of a city without a chain",
        );
    }
    let rows: Vec<(String, i64)> = tx
        .query(sql!(
            "SELECT municipality, COUNT(*) FROM receipt GROUP BY municipality ORDER BY municipality"
        ))
        .all()
        .await?;
    let invented = rows
        .iter()
        .find(|(city, count)| sums.receipts.get(city) != Some(count));
    match invented {
        Some((city, _)) => different(city, "receipt", "there are receipts without an entry"),
        None => Ok(None),
    }
}

/// The nation's counts must be the sums of the effects counted.
async fn cells(tx: &mut Tx, sums: Sums, report: &mut Report) -> Result<Option<Difference>> {
    let Sums {
        nation: mut counts,
        mut cities,
        ..
    } = sums;
    counts.retain(|_, n| *n != 0);
    cities.retain(|_, n| *n != 0);
    let rows: Vec<(String, i64, i64)> = tx
        .query(sql!(
            "SELECT municipality, turn, doses FROM tally_city WHERE doses <> 0 ORDER BY municipality, turn"
        ))
        .all()
        .await?;
    let kept: BTreeMap<(String, i64), i64> = rows
        .into_iter()
        .map(|(city, turn, n)| ((city, turn), n))
        .collect();
    let all = kept.keys().chain(cities.keys());
    if let Some((city, turn)) = all
        .filter(|cell| kept.get(*cell) != cities.get(*cell))
        .min()
    {
        let municipality = MunicipalityCode::parse(city).ok();
        let detail = format!("turn {turn}");
        return Ok(Some(Difference {
            municipality,
            seq: None,
            what: "tally_city",
            detail,
        }));
    }
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
