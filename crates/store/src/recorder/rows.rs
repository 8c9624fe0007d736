//! Loading what a batch of acts needs: a handful of statements, however many acts there are.

use std::collections::{BTreeMap, BTreeSet};

use domain::access::OrganisationId;
use domain::calendar::{Day, Instant};
use domain::coupons::CouponNumber;
use domain::doses::{DoseId, Person, Route, answer_of};
use domain::doses::{Held, Standing};
use domain::findings::is_blocked;
use domain::ledger::{Act, Head, Personal, Sha};
use domain::places::MunicipalityCode;
use serde::Serialize;
use uuid::Uuid;

use super::batch::{Batch, Group, Kept, Key, Line, said};
use super::{Command, Receipt, What};
use crate::db::{LedgerWriter, Table, Tx, sql};
use crate::doses::{DoseRow, Record};
use crate::error::{Error, Result};
use crate::lots;
use crate::opening_days;
use crate::residents::{PersonRow, person};

/// Begins a transaction, locks the chains of the cities concerned and loads the rest.
pub(super) async fn load(
    db: &LedgerWriter,
    commands: &[Command],
    now: Instant,
) -> Result<(Tx, Batch)> {
    let mut acts = acts(commands);
    let asked = db.begin_asking(LOOK, &mut acts).await?;
    let (mut tx, rows) = match asked {
        Some(begun) => begun,
        None => {
            let mut tx = db.begin().await?;
            let cities = commands.iter().map(|command| command.city).collect();
            lock_chains(&mut tx, &cities).await?;
            let rows = tx.many(LOOK, acts).all().await?;
            (tx, rows)
        }
    };
    let mut batch = Batch::new(now);
    let seen = see(rows, commands, &mut batch)?;
    load_the_rest(&mut tx, commands, seen, &mut batch).await?;
    Ok((tx, batch))
}

async fn load_the_rest(
    tx: &mut Tx,
    commands: &[Command],
    seen: Seen,
    batch: &mut Batch,
) -> Result<()> {
    load_receipts(tx, &seen.answered, batch).await?;
    let mut named = BTreeSet::new();
    for command in commands {
        if matches!(
            command.what,
            What::Correct { .. } | What::Void { .. } | What::Confirm { .. } | What::Reopen { .. }
        ) {
            named.insert((command.city, command.dose));
        }
    }
    load_conflicts(tx, commands, batch, &mut named).await?;
    let mut coupons = load_named(tx, batch, &named).await?;
    let mut several = load_people(tx, batch, &coupons).await?;
    several.extend(seen.several);
    coupons.extend(seen.recorded);
    coupons.extend(load_kin(tx, batch, &several).await?);
    load_records(tx, batch, &coupons).await?;
    load_closed(tx, commands, batch).await
}

/// Asks whether the venues of records that are to be dated on another day work on that one; of new
/// records [`LOOK`] asks.
async fn load_closed(tx: &mut Tx, commands: &[Command], batch: &mut Batch) -> Result<()> {
    let asked = commands.iter().filter_map(|command| match &command.what {
        What::Correct { correction, .. } => {
            let facts = batch.facts(command.city, command.dose)?;
            (facts.given_on != correction.given_on).then_some((facts.venue, correction.given_on))
        }
        _ => None,
    });
    let asked = asked.collect();
    batch.closed.extend(opening_days::closed(tx, &asked).await?);
    Ok(())
}

/// Loads what acts would need, for a look that changes nothing; their ids are new.
pub(super) async fn load_reading(tx: &mut Tx, commands: &[Command], now: Instant) -> Result<Batch> {
    let mut batch = Batch::new(now);
    // What comes first counts, so the new numbers follow on those that are there.
    let cities = commands.iter().map(|command| command.city).collect();
    load_heads(tx, &cities, &mut batch).await?;
    let named = commands
        .iter()
        .map(|command| (command.city, command.dose))
        .collect();
    let mut coupons = load_named(tx, &mut batch, &named).await?;
    coupons.extend(commands.iter().filter_map(coupon));
    let several = load_people(tx, &mut batch, &coupons).await?;
    coupons.extend(load_kin(tx, &mut batch, &several).await?);
    load_records(tx, &mut batch, &coupons).await?;
    Ok(batch)
}

/// Loads what reports of new doses need without any lock, and says where their chains stood before
/// anything else was looked at. None if there is more to one of them, or a chain is not begun.
pub(super) async fn load_unlocked(
    tx: &mut Tx,
    commands: &[Command],
    now: Instant,
) -> Result<Option<(Batch, Places)>> {
    let are_reports = commands
        .iter()
        .all(|command| matches!(command.what, What::Report { .. }));
    if !are_reports {
        return Ok(None);
    }
    let mut batch = Batch::new(now);
    let rows = tx.many(LOOK, acts(commands)).all().await?;
    let seen = see(rows, commands, &mut batch)?;
    let begun = commands
        .iter()
        .all(|command| seen.places.contains_key(&command.city));
    if !begun || !seen.answered.is_empty() {
        return Ok(None);
    }
    // Later than the places were seen: what has changed since makes the save fail.
    let mut coupons = seen.recorded;
    coupons.extend(load_kin(tx, &mut batch, &seen.several).await?);
    load_records(tx, &mut batch, &coupons).await?;
    Ok(Some((batch, seen.places)))
}

/// Where a chain stood for someone who looked without its lock.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub seq: i64,
    pub taken: i64,
}

/// Where the chains of some cities stood.
pub(super) type Places = BTreeMap<MunicipalityCode, Place>;

type Coupon = (MunicipalityCode, CouponNumber);

/// What a look at the acts of a batch showed, for the questions that few batches have to ask.
#[derive(Default)]
struct Seen {
    /// Acts whose id was answered before.
    answered: Vec<(OrganisationId, Uuid)>,
    /// Coupons that have records.
    recorded: BTreeSet<Coupon>,
    /// Coupons whose person has, or had, other numbers too.
    several: BTreeSet<Coupon>,
    /// Where the chains stand that are begun.
    places: Places,
}

#[derive(sqlx_macros::FromRow)]
struct SeenRow {
    place: i64,
    head_seq: Option<i64>,
    head_hash: Option<Vec<u8>>,
    head_taken: Option<i64>,
    birth: Option<String>,
    sex: Option<String>,
    standing: Option<String>,
    standing_since: Option<String>,
    voided_at: Option<i64>,
    answered: i64,
    recorded: i64,
    lot: Option<String>,
    opening: Option<String>,
    several: i64,
}

/// The heads of the chains and the persons of the coupons that the acts are about, and what else
/// there is to ask for.
///
/// Whether there are records is asked by `LIMIT 1` and not by `EXISTS`, for which PostgreSQL may
/// plan to read all coupons of the nation once instead of one.
const LOOK: &str = sql!(
    "WITH k (place, organisation, id, municipality, number, product, lot, venue, given_on)
     AS ({rows: bigint, bytea, bytea, text, text, text, text, bytea, text})
     SELECT k.place, h.seq AS head_seq, h.hash AS head_hash, h.taken AS head_taken,
            p.birth, p.sex, p.standing, p.standing_since, c.voided_at,
            CAST(CASE WHEN r.seq IS NULL THEN 0 ELSE 1 END AS BIGINT) AS answered,
            CAST(COALESCE((
                SELECT 1 FROM dose AS d
                WHERE d.municipality = k.municipality AND d.number = k.number
                LIMIT 1
            ), 0) AS BIGINT) AS recorded,
            (SELECT v.expires || ' ' || COALESCE(v.recalled_since, '') FROM vaccine_lot AS v
             WHERE v.product = k.product AND v.lot = k.lot
             ORDER BY v.revision DESC LIMIT 1) AS lot,
            (SELECT w.days FROM venue_opening AS w
             WHERE w.venue = k.venue AND w.valid_from <= k.given_on
             ORDER BY w.valid_from DESC LIMIT 1) AS opening,
            CAST(COALESCE((
                SELECT 1 FROM coupon AS o
                WHERE o.municipality = c.municipality AND o.resident_no = c.resident_no AND o.number <> c.number
                LIMIT 1
            ), 0) AS BIGINT) AS several
     FROM k
     LEFT JOIN chain AS h ON h.municipality = k.municipality
     LEFT JOIN receipt AS r ON r.organisation = k.organisation AND r.id = k.id
     LEFT JOIN coupon AS c ON c.municipality = k.municipality AND c.number = k.number
     LEFT JOIN resident AS p ON p.municipality = c.municipality AND p.resident_no = c.resident_no"
);

/// The acts as [`LOOK`] asks for them, each with its place in the batch.
fn acts(commands: &[Command]) -> Table {
    let coupons = || commands.iter().map(coupon);
    Table::default()
        .whole((0..).take(commands.len()))
        .bytes(commands.iter().map(|one| *one.by.organisation.0.as_bytes()))
        .bytes(commands.iter().map(|one| *one.id.as_bytes()))
        .text(commands.iter().map(|one| one.city.as_str()))
        .text_or_null(coupons().map(|one| one.map(|(_, number)| number.as_str().to_owned())))
        .text_or_null(
            commands
                .iter()
                .map(|one| lot(one).map(|(product, _)| product)),
        )
        .text_or_null(commands.iter().map(|one| lot(one).map(|(_, lot)| lot)))
        .bytes_or_null(
            commands
                .iter()
                .map(|one| day_at(one).map(|(venue, _)| *venue.0.as_bytes())),
        )
        .text_or_null(
            commands
                .iter()
                .map(|one| day_at(one).map(|(_, day)| day.to_string())),
        )
}

/// The venue and day of a new record.
fn day_at(command: &Command) -> Option<(OrganisationId, Day)> {
    match &command.what {
        What::Report { facts, .. } => Some((facts.venue, facts.given_on)),
        What::Correct { .. }
        | What::Void { .. }
        | What::Confirm { .. }
        | What::Reopen { .. }
        | What::Match { .. } => None,
    }
}

/// The product and lot that an act writes into a record: those the register of lots is asked about.
fn lot(command: &Command) -> Option<(&str, &str)> {
    match &command.what {
        What::Report { facts, .. } => Some((&facts.product, &facts.lot)),
        What::Correct { correction, .. } => Some((&correction.product, &correction.lot)),
        What::Void { .. } | What::Confirm { .. } | What::Reopen { .. } | What::Match { .. } => None,
    }
}

/// Takes what a look showed into the batch, and gives what there is beside it.
fn see(rows: Vec<SeenRow>, commands: &[Command], batch: &mut Batch) -> Result<Seen> {
    let mut seen = Seen::default();
    for row in rows {
        let place = usize::try_from(row.place).unwrap_or(usize::MAX);
        let Some(command) = commands.get(place) else {
            continue;
        };
        if let (Some(seq), Some(hash)) = (row.head_seq, row.head_hash) {
            let hash = sha("chain", "hash", &hash)?;
            batch.heads.insert(command.city, Head { seq, hash });
            let place = row.head_taken.map(|taken| Place { seq, taken });
            seen.places.extend(place.map(|place| (command.city, place)));
        }
        if row.answered == 1 {
            seen.answered.push((command.by.organisation, command.id));
        }
        if let (Some((product, lot)), Some(said)) = (lot(command), row.lot) {
            let said = lots::said(&said)?;
            batch
                .lots
                .insert((product.to_owned(), lot.to_owned()), said);
        }
        if let (Some((venue, day)), Some(opening)) = (day_at(command), row.opening)
            && !opening_days::days(&opening)?.works_on(day)
        {
            batch.closed.insert((venue, day));
        }
        let Some((city, number)) = coupon(command) else {
            continue;
        };
        if row.recorded == 1 {
            seen.recorded.insert((city, number));
        }
        if let (Some(birth), Some(sex), Some(standing)) = (row.birth, row.sex, row.standing) {
            let person = person(&birth, &sex, &standing, row.standing_since.as_deref())?;
            let group = batch.groups.entry(Key::Coupon(city, number)).or_default();
            group.person = Some(person);
            let void_at = row.voided_at.map(Instant::from_micros);
            group.void_at.extend(void_at.map(|at| (number, at)));
            if row.several == 1 {
                seen.several.insert((city, number));
            }
        }
    }
    Ok(seen)
}

/// The coupon that an act names; acts on a record find theirs by the record.
fn coupon(command: &Command) -> Option<Coupon> {
    match &command.what {
        What::Report {
            route: Route::Coupon { city, number },
            ..
        } => Some((*city, *number)),
        What::Match { number } => Some((command.city, *number)),
        What::Report {
            route: Route::Astray { .. },
            ..
        }
        | What::Correct { .. }
        | What::Void { .. }
        | What::Confirm { .. }
        | What::Reopen { .. } => None,
    }
}

/// Takes the chains of the cities, in the order of their codes: the row is the lock under which
/// records, and the people they are judged by, are changed.
pub(crate) async fn lock_chains(tx: &mut Tx, cities: &BTreeSet<MunicipalityCode>) -> Result<()> {
    if tx.writes_alone() {
        return Ok(());
    }
    let start = Head::START;
    let chains = Table::default()
        .text(cities.iter().map(MunicipalityCode::as_str))
        .whole(cities.iter().map(|_| start.seq))
        .bytes(cities.iter().map(|_| *start.hash.as_bytes()));
    tx.many(
        sql!(
            "INSERT INTO chain (municipality, seq, hash) {rows: text, bigint, bytea}
             ON CONFLICT (municipality) DO UPDATE SET taken = chain.taken + 1"
        ),
        chains,
    )
    .expect_each()
    .await
}

/// Where the chains of more cities stand, once they are locked or only looked at.
async fn load_heads(
    tx: &mut Tx,
    cities: &BTreeSet<MunicipalityCode>,
    batch: &mut Batch,
) -> Result<()> {
    let codes = Table::default().text(cities.iter().map(MunicipalityCode::as_str));
    let rows: Vec<(String, i64, Vec<u8>)> = tx
        .many(
            sql!(
                "WITH k (municipality) AS ({rows: text})
                 SELECT h.municipality, h.seq, h.hash FROM k CROSS JOIN chain AS h
                 WHERE h.municipality = k.municipality"
            ),
            codes,
        )
        .all()
        .await?;
    for (code, seq, hash) in rows {
        let hash = sha("chain", "hash", &hash)?;
        batch
            .heads
            .insert(city("chain", &code)?, Head { seq, hash });
    }
    Ok(())
}

#[derive(Serialize)]
struct ReceiptKey {
    o: String,
    i: String,
}

#[derive(sqlx_macros::FromRow)]
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

/// The answers given before to these ids.
async fn load_receipts(
    tx: &mut Tx,
    answered: &[(OrganisationId, Uuid)],
    batch: &mut Batch,
) -> Result<()> {
    if answered.is_empty() {
        return Ok(());
    }
    let keys: Vec<ReceiptKey> = answered
        .iter()
        .map(|(organisation, id)| ReceiptKey {
            o: organisation.0.simple().to_string(),
            i: id.simple().to_string(),
        })
        .collect();
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
    named: &mut BTreeSet<(MunicipalityCode, DoseId)>,
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
        named.insert((city, dose));
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
        lock_chains(tx, &cities).await?;
        load_heads(tx, &cities, batch).await?;
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

/// The records that acts name by id, and the coupons of those that have one.
async fn load_named(
    tx: &mut Tx,
    batch: &mut Batch,
    named: &BTreeSet<(MunicipalityCode, DoseId)>,
) -> Result<BTreeSet<Coupon>> {
    let mut coupons = BTreeSet::new();
    if named.is_empty() {
        return Ok(coupons);
    }
    let keys: Vec<DoseKey> = named
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
                coupons.insert((record.municipality, number));
            }
            None => place(batch, &record, line),
        }
    }
    Ok(coupons)
}

fn coupon_keys(coupons: &BTreeSet<Coupon>) -> Table {
    Table::default()
        .text(coupons.iter().map(|(city, _)| city.as_str()))
        .text(coupons.iter().map(|(_, number)| number.as_str()))
}

/// The persons of the coupons; gives the coupons whose person has, or had, other numbers too.
async fn load_people(
    tx: &mut Tx,
    batch: &mut Batch,
    coupons: &BTreeSet<Coupon>,
) -> Result<BTreeSet<Coupon>> {
    let mut several = BTreeSet::new();
    if coupons.is_empty() {
        return Ok(several);
    }
    let people: Vec<PersonRow> = tx
        .many(
            sql!(
                "WITH k (municipality, number) AS ({rows: text, text})
                 SELECT c.municipality, c.number, c.voided_at, p.birth, p.sex, p.standing, p.standing_since,
                        CAST(COALESCE((
                            SELECT 1 FROM coupon AS o
                            WHERE o.municipality = c.municipality AND o.resident_no = c.resident_no
                              AND o.number <> c.number
                            LIMIT 1
                        ), 0) AS BIGINT) AS several
                 FROM k CROSS JOIN coupon AS c CROSS JOIN resident AS p
                 WHERE c.municipality = k.municipality AND c.number = k.number
                   AND p.municipality = c.municipality AND p.resident_no = c.resident_no"
            ),
            coupon_keys(coupons),
        )
        .all()
        .await?;
    for row in people {
        let (void_at, has_others) = (row.void_at(), row.has_others());
        let (city, number, person): (_, _, Person) = row.person()?;
        let group = batch.groups.entry(Key::Coupon(city, number)).or_default();
        group.person = Some(person);
        group.void_at.extend(void_at.map(|at| (number, at)));
        if has_others {
            several.insert((city, number));
        }
    }
    Ok(several)
}

#[derive(sqlx_macros::FromRow)]
struct KinRow {
    municipality: String,
    asked: String,
    number: String,
    voided_at: Option<i64>,
}

/// All numbers of the persons of these coupons, which are judged together from here on.
async fn load_kin(
    tx: &mut Tx,
    batch: &mut Batch,
    several: &BTreeSet<Coupon>,
) -> Result<BTreeSet<Coupon>> {
    if several.is_empty() {
        return Ok(BTreeSet::new());
    }
    let rows: Vec<KinRow> = tx
        .many(
            sql!(
                "WITH k (municipality, number) AS ({rows: text, text})
                 SELECT c.municipality, c.number AS asked, o.number, o.voided_at
                 FROM k CROSS JOIN coupon AS c CROSS JOIN coupon AS x CROSS JOIN coupon AS o
                 WHERE c.municipality = k.municipality AND c.number = k.number
                   AND x.municipality = c.municipality AND x.resident_no = c.resident_no
                   AND o.municipality = x.municipality AND o.number = x.number"
            ),
            coupon_keys(several),
        )
        .all()
        .await?;
    let mut numbers: BTreeMap<Coupon, Vec<(CouponNumber, Option<Instant>)>> = BTreeMap::new();
    for row in rows {
        let wrong = |_| Error::Inconsistent {
            table: "coupon",
            column: "number",
        };
        let asked = CouponNumber::parse(&row.asked).map_err(wrong)?;
        let number = CouponNumber::parse(&row.number).map_err(wrong)?;
        let void_at = row.voided_at.map(Instant::from_micros);
        let asked = (city("coupon", &row.municipality)?, asked);
        numbers.entry(asked).or_default().push((number, void_at));
    }
    let mut all = BTreeSet::new();
    for ((city, asked), numbers) in numbers {
        // Another number of the same person may have been asked about.
        if !batch.kin.contains_key(&(city, asked)) {
            batch.relate(city, &numbers);
        }
        all.extend(numbers.iter().map(|(number, _)| (city, *number)));
    }
    Ok(all)
}

/// All records of the coupons, those of a person in the order of arrival.
async fn load_records(tx: &mut Tx, batch: &mut Batch, coupons: &BTreeSet<Coupon>) -> Result<()> {
    if coupons.is_empty() {
        return Ok(());
    }
    let rows: Vec<DoseRow> = tx
        .many(
            sql!(
                "WITH k (municipality, number) AS ({rows: text, text})
                 SELECT d.* FROM k CROSS JOIN dose AS d
                 WHERE d.municipality = k.municipality AND d.number = k.number
                 ORDER BY d.municipality, d.number, d.seq"
            ),
            coupon_keys(coupons),
        )
        .all()
        .await?;
    for row in rows {
        let (record, line) = line(row)?;
        place(batch, &record, line);
    }
    let kin: BTreeSet<Key> = batch.kin.values().copied().collect();
    for key in kin {
        if let Some(group) = batch.groups.get_mut(&key) {
            group.lines.sort_by_key(|line| line.held.seq);
        }
    }
    Ok(())
}

/// What is known of the person of a coupon, for a look that changes nothing.
pub(super) async fn group(
    tx: &mut Tx,
    city: MunicipalityCode,
    number: CouponNumber,
) -> Result<Group> {
    let mut batch = Batch::new(Instant::from_micros(0));
    let mut coupons = BTreeSet::from([(city, number)]);
    let several = load_people(tx, &mut batch, &coupons).await?;
    coupons.extend(load_kin(tx, &mut batch, &several).await?);
    load_records(tx, &mut batch, &coupons).await?;
    let key = batch.key_of(city, number);
    Ok(batch.groups.remove(&key).unwrap_or_default())
}

fn place(batch: &mut Batch, record: &Record, line: Line) {
    let key = batch.key(record.municipality, record.number, record.id);
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
        number: record.number,
        recorded_at: record.recorded_at,
        venue_city,
        input: record.input,
        findings: record.findings.clone(),
        standing: record.standing,
        cell,
        contested: record.contested,
        last_seq,
        entered: (record.standing, record.findings.clone()),
        is_new: false,
        changed: false,
    };
    Ok((record, line))
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
