//! Loading what a batch of acts needs and saving what it made: a handful of statements, however
//! many acts there are.

use std::collections::BTreeSet;

use domain::access::OrganisationId;
use domain::calendar::Instant;
use domain::coupons::CouponNumber;
use domain::doses::{DoseId, Person, Route, answer_of};
use domain::doses::{Held, Standing};
use domain::findings::is_blocked;
use domain::ledger::{Act, Entry, Head, Personal, Sha};
use domain::places::MunicipalityCode;
use serde::Serialize;
use uuid::Uuid;

use super::batch::{Batch, Group, Issued, Kept, Key, Line, said};
use super::{Command, Receipt, What};
use crate::db::{Tx, sql};
use crate::doses::{DoseRow, Record};
use crate::error::{Error, Result};
use crate::residents::PersonRow;

/// Locks the chains of the cities concerned and loads the rest.
pub(super) async fn load(tx: &mut Tx, commands: &[Command], now: Instant) -> Result<Batch> {
    let mut batch = Batch::new(now);
    lock(
        tx,
        commands.iter().map(|command| command.city).collect(),
        &mut batch,
    )
    .await?;
    load_receipts(tx, commands, &mut batch).await?;
    let mut wanted = Wanted::default();
    for command in commands {
        wanted.add(command);
    }
    load_conflicts(tx, commands, &mut batch, &mut wanted).await?;
    load_named(tx, &mut batch, &mut wanted).await?;
    load_coupons(tx, &mut batch, &wanted.coupons).await?;
    Ok(batch)
}

/// Which rows the acts are about.
#[derive(Default)]
struct Wanted {
    coupons: BTreeSet<(MunicipalityCode, CouponNumber)>,
    doses: BTreeSet<(MunicipalityCode, DoseId)>,
}

impl Wanted {
    fn add(&mut self, command: &Command) {
        match &command.what {
            What::Report {
                route: Route::Coupon { city, number },
                ..
            } => {
                self.coupons.insert((*city, *number));
            }
            What::Report {
                route: Route::Astray { .. },
                ..
            } => {}
            What::Match { number } => {
                self.coupons.insert((command.city, *number));
            }
            What::Correct { .. } | What::Void { .. } | What::Confirm | What::Reopen { .. } => {
                self.doses.insert((command.city, command.dose));
            }
        }
    }
}

#[derive(Serialize)]
struct CityKey {
    m: MunicipalityCode,
}

#[derive(sqlx::FromRow)]
struct HeadRow {
    municipality: String,
    seq: i64,
    hash: Vec<u8>,
}

async fn lock(tx: &mut Tx, cities: BTreeSet<MunicipalityCode>, batch: &mut Batch) -> Result<()> {
    batch.heads.extend(lock_chains(tx, cities).await?);
    Ok(())
}

/// Takes the heads of the chains, in the order of the codes: the row is the lock under which
/// records, and the people they are judged by, are changed.
pub(crate) async fn lock_chains(
    tx: &mut Tx,
    cities: BTreeSet<MunicipalityCode>,
) -> Result<Vec<(MunicipalityCode, Head)>> {
    let keys: Vec<CityKey> = cities.into_iter().map(|m| CityKey { m }).collect();
    let rows: Vec<HeadRow> = tx
        .query(sql!(
            "INSERT INTO chain (municipality, seq, hash)
             SELECT value->>'m', 0, unhex('0000000000000000000000000000000000000000000000000000000000000000')
             FROM json_each($1) WHERE true
             ON CONFLICT (municipality) DO UPDATE SET seq = chain.seq
             RETURNING municipality, seq, hash"
        ))
        .bind(json(&keys))
        .all()
        .await?;
    rows.into_iter()
        .map(|row| {
            let hash = sha("chain", "hash", &row.hash)?;
            Ok((
                city("chain", &row.municipality)?,
                Head { seq: row.seq, hash },
            ))
        })
        .collect()
}

#[derive(Serialize)]
struct ReceiptKey {
    o: String,
    i: String,
}

#[derive(sqlx::FromRow)]
struct ReceiptRow {
    organisation: Vec<u8>,
    id: Vec<u8>,
    municipality: String,
    dose_id: Vec<u8>,
    seq: i64,
    act: String,
    content: Vec<u8>,
    at_micros: i64,
    hash: Vec<u8>,
    personal: Option<String>,
}

/// The answers given before to any of these ids.
async fn load_receipts(tx: &mut Tx, commands: &[Command], batch: &mut Batch) -> Result<()> {
    let keys: Vec<ReceiptKey> = commands
        .iter()
        .filter(|command| !matches!(command.what, What::Match { .. }))
        .map(|command| ReceiptKey {
            o: command.by.organisation.0.simple().to_string(),
            i: command.id.simple().to_string(),
        })
        .collect();
    if keys.is_empty() {
        return Ok(());
    }
    for row in receipt_rows(tx, &keys).await? {
        let organisation = OrganisationId(uuid("receipt", "organisation", &row.organisation)?);
        let content = sha("receipt", "content", &row.content)?;
        let receipt = row.receipt()?;
        batch
            .kept
            .insert((organisation, receipt.id), Kept { receipt, content });
    }
    Ok(())
}

/// The answer given to one id, if any.
pub(super) async fn receipt(
    tx: &mut Tx,
    organisation: OrganisationId,
    id: Uuid,
) -> Result<Option<Receipt>> {
    let key = ReceiptKey {
        o: organisation.0.simple().to_string(),
        i: id.simple().to_string(),
    };
    let row = receipt_rows(tx, &[key]).await?.into_iter().next();
    row.map(ReceiptRow::receipt).transpose()
}

async fn receipt_rows(tx: &mut Tx, keys: &[ReceiptKey]) -> Result<Vec<ReceiptRow>> {
    tx.query(sql!(
        "SELECT r.organisation, r.id, r.municipality, r.dose_id, r.seq, r.act, r.content,
                    l.at_micros, l.hash, l.personal
             FROM json_each($1) AS k
             CROSS JOIN receipt AS r
             CROSS JOIN ledger AS l
             WHERE r.organisation = unhex(k.value->>'o') AND r.id = unhex(k.value->>'i')
               AND l.municipality = r.municipality AND l.seq = r.seq"
    ))
    .bind(json(keys))
    .all()
    .await
}

impl ReceiptRow {
    /// The first answer again, from what was entered then.
    fn receipt(self) -> Result<Receipt> {
        let personal: Option<Personal> = match self.personal {
            Some(text) => Some(
                serde_json::from_str(&text).map_err(|_| Error::Inconsistent {
                    table: "ledger",
                    column: "personal",
                })?,
            ),
            None => None,
        };
        let (standing, findings) = personal.map_or((Standing::Void, Vec::new()), |personal| {
            (personal.standing, personal.findings)
        });
        Ok(Receipt {
            dose: DoseId(uuid("receipt", "dose_id", &self.dose_id)?),
            id: uuid("receipt", "id", &self.id)?,
            act: Act::parse(&self.act).ok_or(Error::Inconsistent {
                table: "receipt",
                column: "act",
            })?,
            municipality: city("receipt", &self.municipality)?,
            seq: self.seq,
            hash: sha("ledger", "hash", &self.hash)?,
            at: Instant::from_micros(self.at_micros),
            answer: answer_of(standing, &findings),
            standing,
            findings,
            replayed: true,
        })
    }
}

#[derive(Serialize)]
struct DoseKey {
    m: MunicipalityCode,
    d: String,
}

/// For ids that came again with other content: the record they name, and the contents kept already.
async fn load_conflicts(
    tx: &mut Tx,
    commands: &[Command],
    batch: &mut Batch,
    wanted: &mut Wanted,
) -> Result<()> {
    let mut cities = BTreeSet::new();
    let mut keys = Vec::new();
    for command in commands {
        let Some(kept) = batch.kept.get(&(command.by.organisation, command.id)) else {
            continue;
        };
        if kept.content == said(command) {
            continue;
        }
        let (city, dose) = (kept.receipt.municipality, kept.receipt.dose);
        wanted.doses.insert((city, dose));
        keys.push(DoseKey {
            m: city,
            d: dose.0.simple().to_string(),
        });
        if !batch.heads.contains_key(&city) {
            cities.insert(city);
        }
    }
    if keys.is_empty() {
        return Ok(());
    }
    if !cities.is_empty() {
        lock(tx, cities, batch).await?;
    }
    let rows: Vec<(Vec<u8>, Option<String>)> = tx
        .query(sql!(
            "SELECT l.dose_id, l.personal
             FROM json_each($1) AS k
             CROSS JOIN ledger AS l
             WHERE l.municipality = k.value->>'m' AND l.dose_id = unhex(k.value->>'d')
               AND l.act <> 'recorded' AND l.act = 'contested'"
        ))
        .bind(json(&keys))
        .all()
        .await?;
    for (dose, personal) in rows {
        let dose = DoseId(uuid("ledger", "dose_id", &dose)?);
        let said = personal
            .and_then(|text| serde_json::from_str::<Personal>(&text).ok())
            .and_then(|personal| personal.said);
        batch.contested.extend(said.map(|said| (dose, said)));
    }
    Ok(())
}

/// The records that acts name by id; those of a coupon bring the whole coupon.
async fn load_named(tx: &mut Tx, batch: &mut Batch, wanted: &mut Wanted) -> Result<()> {
    if wanted.doses.is_empty() {
        return Ok(());
    }
    let keys: Vec<DoseKey> = wanted
        .doses
        .iter()
        .map(|(m, dose)| DoseKey {
            m: *m,
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
    for row in rows {
        let (record, line) = line(row)?;
        match record.number {
            Some(number) => {
                wanted.coupons.insert((record.municipality, number));
            }
            None => place(batch, &record, line),
        }
    }
    Ok(())
}

#[derive(Serialize)]
struct CouponKey {
    m: MunicipalityCode,
    n: CouponNumber,
}

/// The persons and all records of the coupons concerned.
async fn load_coupons(
    tx: &mut Tx,
    batch: &mut Batch,
    coupons: &BTreeSet<(MunicipalityCode, CouponNumber)>,
) -> Result<()> {
    if coupons.is_empty() {
        return Ok(());
    }
    let keys: Vec<CouponKey> = coupons
        .iter()
        .map(|(m, n)| CouponKey { m: *m, n: *n })
        .collect();
    let keys = json(&keys);
    let people: Vec<PersonRow> = tx
        .query(sql!(
            "SELECT c.municipality, c.number, p.birth, p.sex, p.standing, p.standing_since
             FROM json_each($1) AS k CROSS JOIN coupon AS c CROSS JOIN resident AS p
             WHERE c.municipality = k.value->>'m' AND c.number = k.value->>'n'
               AND p.municipality = c.municipality AND p.resident_no = c.resident_no"
        ))
        .bind(keys.clone())
        .all()
        .await?;
    for row in people {
        let (city, number, person): (_, _, Person) = row.person()?;
        batch
            .groups
            .entry(Key::Coupon(city, number))
            .or_default()
            .person = Some(person);
    }
    let rows: Vec<DoseRow> = tx
        .query(sql!(
            "SELECT d.* FROM json_each($1) AS k CROSS JOIN dose AS d
             WHERE d.municipality = k.value->>'m' AND d.number = k.value->>'n'
             ORDER BY d.municipality, d.number, d.seq"
        ))
        .bind(keys)
        .all()
        .await?;
    for row in rows {
        let (record, line) = line(row)?;
        place(batch, &record, line);
    }
    Ok(())
}

/// What is known of one coupon, for a look that changes nothing.
pub(super) async fn group(
    tx: &mut Tx,
    city: MunicipalityCode,
    number: CouponNumber,
) -> Result<Group> {
    let mut batch = Batch::new(Instant::from_micros(0));
    load_coupons(tx, &mut batch, &BTreeSet::from([(city, number)])).await?;
    Ok(batch
        .groups
        .remove(&Key::Coupon(city, number))
        .unwrap_or_default())
}

fn place(batch: &mut Batch, record: &Record, line: Line) {
    let key = Key::new(record.municipality, record.number, record.id);
    batch.home.insert((record.municipality, record.id), key);
    batch.groups.entry(key).or_default().lines.push(line);
}

fn line(row: DoseRow) -> Result<(Record, Line)> {
    let last_seq = row.last_seq;
    let cell = row.cell()?;
    let venue_city = city("dose", &row.venue_city)?;
    let record = Record::try_from(row)?;
    let line = Line {
        held: Held {
            id: record.id,
            seq: record.seq,
            facts: record.facts(),
            voided: record.standing == Standing::Void,
            confirmed: record.confirmed,
            blocked: is_blocked(&record.findings),
        },
        recorded_at: record.recorded_at,
        venue_city,
        input: record.input,
        findings: record.findings.clone(),
        standing: record.standing,
        cell,
        contested: record.contested,
        last_seq,
        entered: (record.standing, record.findings.clone()),
        changed: false,
    };
    Ok((record, line))
}

/// Writes entries, records, receipts and the new heads.
pub(super) async fn save(tx: &mut Tx, batch: Batch) -> Result<()> {
    if batch.entries.is_empty() {
        return Ok(());
    }
    save_entries(tx, &batch.entries).await?;
    save_doses(tx, &batch).await?;
    save_receipts(tx, &batch.issued).await?;
    save_heads(tx, &batch).await
}

#[derive(Serialize)]
struct EntryOut<'a> {
    m: MunicipalityCode,
    seq: i64,
    id: String,
    dose: String,
    act: Act,
    at: i64,
    by: String,
    org: String,
    device: &'a str,
    input: &'static str,
    personal: Option<String>,
    salt: Option<&'a str>,
    commitment: Sha,
    hash: Sha,
}

async fn save_entries(tx: &mut Tx, entries: &[Entry]) -> Result<()> {
    let rows: Vec<EntryOut<'_>> = entries
        .iter()
        .map(
            |Entry {
                 body,
                 hash,
                 personal,
                 salt,
             }| EntryOut {
                m: body.municipality,
                seq: body.seq,
                id: body.id.simple().to_string(),
                dose: body.dose.0.simple().to_string(),
                act: body.act,
                at: body.at_micros,
                by: body.by.0.simple().to_string(),
                org: body.organisation.0.simple().to_string(),
                device: &body.device,
                input: body.input.as_str(),
                personal: personal.as_ref().map(Personal::canonical),
                salt: salt.as_deref(),
                commitment: body.commitment,
                hash: *hash,
            },
        )
        .collect();
    tx.query(sql!(
        "WITH k AS MATERIALIZED (SELECT value AS v FROM json_each($1))
         INSERT INTO ledger (municipality, seq, id, dose_id, act, at_micros, by_user, organisation,
                             device, input, personal, salt, commitment, hash)
         SELECT v->>'m', CAST(v->>'seq' AS BIGINT), unhex(v->>'id'), unhex(v->>'dose'),
                v->>'act', CAST(v->>'at' AS BIGINT), unhex(v->>'by'), unhex(v->>'org'),
                v->>'device', v->>'input', v->>'personal', unhex(v->>'salt'),
                unhex(v->>'commitment'), unhex(v->>'hash')
         FROM k"
    ))
    .bind(json(&rows))
    .expect(rows.len() as u64)
    .await
}

#[derive(Serialize)]
struct DoseOut<'a> {
    m: MunicipalityCode,
    id: String,
    number: Option<CouponNumber>,
    seq: i64,
    last: i64,
    at: i64,
    line: &'a str,
    turn: u8,
    given: String,
    product: &'a str,
    lot: &'a str,
    doctor: &'a str,
    venue: String,
    vname: &'a str,
    vcity: MunicipalityCode,
    input: &'static str,
    standing: &'static str,
    sex: &'static str,
    age: &'static str,
    findings: String,
    severity: i64,
    pending: i64,
    confirmed: i64,
    contested: i64,
}

impl<'a> DoseOut<'a> {
    fn new(key: Key, line: &'a Line) -> Self {
        let (m, number) = match key {
            Key::Coupon(city, number) => (city, Some(number)),
            Key::Astray(city, _) => (city, None),
        };
        let facts = &line.held.facts;
        Self {
            m,
            id: line.held.id.0.simple().to_string(),
            number,
            seq: line.held.seq,
            last: line.last_seq,
            at: line.recorded_at.micros(),
            line: facts.line.as_str(),
            turn: facts.turn,
            given: facts.given_on.to_string(),
            product: &facts.product,
            lot: &facts.lot,
            doctor: &facts.doctor,
            venue: facts.venue.0.simple().to_string(),
            vname: &facts.venue_name,
            vcity: line.venue_city,
            input: line.input.as_str(),
            standing: line.standing.as_str(),
            sex: line.cell.map_or("", |(sex, _)| sex.open_data()),
            age: line.cell.map_or("", |(_, age)| age.open_data()),
            findings: json(&line.findings),
            severity: line.severity(),
            pending: i64::from(line.pending()),
            confirmed: i64::from(line.held.confirmed),
            contested: i64::from(line.contested),
        }
    }
}

async fn save_doses(tx: &mut Tx, batch: &Batch) -> Result<()> {
    let mut rows: Vec<DoseOut<'_>> = batch
        .groups
        .iter()
        .flat_map(|(key, group)| {
            let changed = group.lines.iter().filter(|line| line.changed);
            changed.map(|line| DoseOut::new(*key, line))
        })
        .collect();
    rows.sort_by_key(|row| (row.m, row.seq));
    tx.query(sql!(
        "WITH k AS MATERIALIZED (SELECT value AS v FROM json_each($1))
         INSERT INTO dose (municipality, dose_id, number, seq, last_seq, recorded_at, line, turn, given_on,
                           product, lot, doctor, venue, venue_name, venue_city, input, standing, sex, age,
                           findings, severity, pending, confirmed, contested)
         SELECT v->>'m', unhex(v->>'id'), v->>'number', CAST(v->>'seq' AS BIGINT),
                CAST(v->>'last' AS BIGINT), CAST(v->>'at' AS BIGINT), v->>'line',
                CAST(v->>'turn' AS BIGINT), v->>'given', v->>'product', v->>'lot',
                v->>'doctor', unhex(v->>'venue'), v->>'vname', v->>'vcity',
                v->>'input', v->>'standing', v->>'sex', v->>'age', v->>'findings',
                CAST(v->>'severity' AS BIGINT), CAST(v->>'pending' AS BIGINT),
                CAST(v->>'confirmed' AS BIGINT), CAST(v->>'contested' AS BIGINT)
         FROM k WHERE true
         ON CONFLICT (municipality, dose_id) DO UPDATE SET
             last_seq = excluded.last_seq, turn = excluded.turn, given_on = excluded.given_on,
             product = excluded.product, lot = excluded.lot, doctor = excluded.doctor,
             standing = excluded.standing, sex = excluded.sex, age = excluded.age,
             findings = excluded.findings, severity = excluded.severity, pending = excluded.pending,
             confirmed = excluded.confirmed, contested = excluded.contested"
    ))
    .bind(json(&rows))
    .expect(rows.len() as u64)
    .await
}

#[derive(Serialize)]
struct ReceiptOut {
    o: String,
    i: String,
    m: MunicipalityCode,
    d: String,
    seq: i64,
    act: Act,
    content: Sha,
    day: String,
}

async fn save_receipts(tx: &mut Tx, issued: &[Issued]) -> Result<()> {
    if issued.is_empty() {
        return Ok(());
    }
    let rows: Vec<ReceiptOut> = issued
        .iter()
        .map(
            |Issued {
                 organisation,
                 receipt,
                 content,
             }| ReceiptOut {
                o: organisation.0.simple().to_string(),
                i: receipt.id.simple().to_string(),
                m: receipt.municipality,
                d: receipt.dose.0.simple().to_string(),
                seq: receipt.seq,
                act: receipt.act,
                content: *content,
                day: receipt.at.day_in_japan().to_string(),
            },
        )
        .collect();
    tx.query(sql!(
        "WITH k AS MATERIALIZED (SELECT value AS v FROM json_each($1))
         INSERT INTO receipt (organisation, id, municipality, dose_id, seq, act, content, day)
         SELECT unhex(v->>'o'), unhex(v->>'i'), v->>'m', unhex(v->>'d'),
                CAST(v->>'seq' AS BIGINT), v->>'act', unhex(v->>'content'), v->>'day'
         FROM k"
    ))
    .bind(json(&rows))
    .expect(rows.len() as u64)
    .await
}

#[derive(Serialize)]
struct HeadOut {
    m: MunicipalityCode,
    seq: i64,
    hash: Sha,
}

async fn save_heads(tx: &mut Tx, batch: &Batch) -> Result<()> {
    let rows: Vec<HeadOut> = batch
        .heads
        .iter()
        .map(|(m, head)| HeadOut {
            m: *m,
            seq: head.seq,
            hash: head.hash,
        })
        .collect();
    tx.query(sql!(
        "UPDATE chain SET seq = CAST(h.value->>'seq' AS BIGINT), hash = unhex(h.value->>'hash')
         FROM json_each($1) AS h
         WHERE chain.municipality = h.value->>'m'"
    ))
    .bind(json(&rows))
    .expect(rows.len() as u64)
    .await
}

#[expect(
    clippy::expect_used,
    reason = "rows of strings and integers always have a JSON form"
)]
pub(crate) fn json<T: Serialize + ?Sized>(rows: &T) -> String {
    serde_json::to_string(rows).expect("rows of strings and integers have a JSON form")
}

fn uuid(table: &'static str, column: &'static str, bytes: &[u8]) -> Result<Uuid> {
    Uuid::from_slice(bytes).map_err(|_| Error::Inconsistent { table, column })
}

fn sha(table: &'static str, column: &'static str, bytes: &[u8]) -> Result<Sha> {
    Sha::from_bytes(bytes).ok_or(Error::Inconsistent { table, column })
}

fn city(table: &'static str, text: &str) -> Result<MunicipalityCode> {
    MunicipalityCode::parse(text).map_err(|_| Error::Inconsistent {
        table,
        column: "municipality",
    })
}
