//! The people a city is responsible for (接種対象者), and the coupon numbers issued to them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use domain::access::CityPermit;
use domain::calendar::{Day, Instant};
use domain::coupons::CouponNumber;
use domain::people::{BirthDate, ResidentStanding, Sex, search_key};
use domain::places::MunicipalityCode;
use serde::Serialize;
use uuid::Uuid;

use crate::audit::{self, Change};
use crate::db::{Db, Tx, sql, transact};
use crate::error::{Error, Result};
use crate::recorder::{RecordError, Recorder, json, lock_chains};

/// Residents written in one transaction, so that reports beside an import never wait long.
const CHUNK: usize = 1000;

/// A person of a city's register.
#[derive(Clone, PartialEq, Eq)]
pub struct Resident {
    /// The city's own number for the person (個別宛名番号).
    pub resident_no: String,
    /// The coupon number in force.
    pub number: CouponNumber,
    /// Name as registered.
    pub name: String,
    /// Name in kana; may be empty.
    pub kana: String,
    /// Birth date.
    pub birth: BirthDate,
    /// Sex.
    pub sex: Sex,
    /// Whether the person lives in the city.
    pub standing: ResidentStanding,
    /// Protected from being looked up (支援措置).
    pub protected: bool,
}

impl std::fmt::Debug for Resident {
    /// Nothing that identifies a person reaches a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Resident(..)")
    }
}

#[derive(sqlx::FromRow)]
pub(crate) struct ResidentRow {
    resident_no: String,
    number: String,
    name: String,
    kana: String,
    birth: String,
    sex: String,
    standing: String,
    standing_since: Option<String>,
    protected: i64,
}

fn bad(column: &'static str) -> Error {
    Error::Inconsistent {
        table: "resident",
        column,
    }
}

fn standing(word: &str, since: Option<&str>) -> Result<ResidentStanding> {
    let since = match since {
        Some(text) => Some(Day::parse(text).ok_or_else(|| bad("standing_since"))?),
        None => None,
    };
    ResidentStanding::parse(word, since).ok_or_else(|| bad("standing"))
}

impl TryFrom<ResidentRow> for Resident {
    type Error = Error;

    fn try_from(row: ResidentRow) -> Result<Self> {
        Ok(Self {
            standing: standing(&row.standing, row.standing_since.as_deref())?,
            resident_no: row.resident_no,
            number: CouponNumber::parse(&row.number).map_err(|_| bad("number"))?,
            name: row.name,
            kana: row.kana,
            birth: BirthDate::parse(&row.birth).ok_or_else(|| bad("birth"))?,
            sex: Sex::from_open_data(&row.sex).ok_or_else(|| bad("sex"))?,
            protected: row.protected == 1,
        })
    }
}

/// The part of a resident that judging needs.
#[derive(sqlx::FromRow)]
pub(crate) struct PersonRow {
    municipality: String,
    number: String,
    birth: String,
    sex: String,
    standing: String,
    standing_since: Option<String>,
}

impl PersonRow {
    pub fn person(self) -> Result<(MunicipalityCode, CouponNumber, domain::doses::Person)> {
        Ok((
            MunicipalityCode::parse(&self.municipality).map_err(|_| bad("municipality"))?,
            CouponNumber::parse(&self.number).map_err(|_| bad("number"))?,
            person(
                &self.birth,
                &self.sex,
                &self.standing,
                self.standing_since.as_deref(),
            )?,
        ))
    }
}

/// What the rules know of a person, from the columns of the register.
pub(crate) fn person(
    birth: &str,
    sex: &str,
    state: &str,
    since: Option<&str>,
) -> Result<domain::doses::Person> {
    Ok(domain::doses::Person {
        birth: BirthDate::parse(birth).ok_or_else(|| bad("birth"))?,
        sex: Sex::from_open_data(sex).ok_or_else(|| bad("sex"))?,
        standing: standing(state, since)?,
    })
}

/// What an import did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Loaded {
    /// People who were not in the register.
    pub new: u64,
    /// People whose data is another now.
    pub changed: u64,
    /// People as they were.
    pub unchanged: u64,
    /// Rows not taken because their coupon number belongs to somebody else: their positions.
    pub taken: Vec<usize>,
    /// Records that found their person, or were judged again.
    pub matched: u64,
}

/// Puts people into the register; waiting records find their persons by themselves.
///
/// Loading the same rows again changes nothing. `id` makes the ids of the entries.
///
/// # Errors
/// The database's; what was loaded before it failed stays, and loading again goes on.
pub async fn load(
    db: &Db,
    recorder: &Recorder,
    permit: &CityPermit,
    residents: &[Resident],
    at: Instant,
    id: &(dyn Fn() -> Uuid + Send + Sync),
) -> Result<Loaded> {
    let mut loaded = Loaded::default();
    for (chunk, residents) in residents.chunks(CHUNK).enumerate() {
        let first = chunk * CHUNK;
        let changes = save(db, permit, residents, at, first, id()).await?;
        loaded.new += changes.new;
        loaded.changed += changes.changed;
        loaded.unchanged += changes.unchanged;
        loaded.taken.extend(changes.taken);
        for number in changes.waiting {
            match recorder.rematch(permit, id(), number).await {
                Ok(_) => loaded.matched += 1,
                // Nothing of the coupon's records changed.
                Err(RecordError::NotFound) => {}
                Err(RecordError::Store(error)) => return Err(error),
                Err(error) => return Err(Error::Unavailable(error.to_string())),
            }
        }
    }
    Ok(loaded)
}

#[derive(Default)]
struct Changes {
    new: u64,
    changed: u64,
    unchanged: u64,
    taken: Vec<usize>,
    /// Coupons of new or changed people that have records.
    waiting: Vec<CouponNumber>,
}

async fn save(
    db: &Db,
    permit: &CityPermit,
    residents: &[Resident],
    at: Instant,
    first: usize,
    audit_id: Uuid,
) -> Result<Changes> {
    let city = permit.city();
    // Under the chain's lock: a dose that is recorded meanwhile sees these people, or is seen here.
    transact!(db, begin_locking, |tx| {
        lock_chains(&mut tx, &BTreeSet::from([city])).await?;
        let known = known(&mut tx, city, residents).await?;
        let owners = owners(&mut tx, city, residents).await?;
        let mut changes = Changes::default();
        let mut rows: BTreeMap<&str, &Resident> = BTreeMap::new();
        for (position, resident) in residents.iter().enumerate() {
            let owner = owners.get(&resident.number);
            if owner.is_some_and(|owner| *owner != resident.resident_no) {
                changes.taken.push(first + position);
                continue;
            }
            match known.get(&resident.resident_no) {
                None => changes.new += 1,
                Some(before) if before == resident => {
                    changes.unchanged += 1;
                    continue;
                }
                Some(_) => changes.changed += 1,
            }
            rows.insert(&resident.resident_no, resident);
        }
        let rows: Vec<&Resident> = rows.into_values().collect();
        write(&mut tx, city, &rows, at).await?;
        changes.waiting = waiting(&mut tx, city, &rows, residents).await?;
        let detail = format!(
            "{{\"new\":{},\"changed\":{},\"unchanged\":{},\"taken\":{}}}",
            changes.new,
            changes.changed,
            changes.unchanged,
            changes.taken.len()
        );
        let change = Change {
            id: audit_id,
            at,
            municipality: Some(city),
            action: "load-residents",
            subject: "residents",
            detail: &detail,
        };
        audit::write(&mut tx, permit.actor(), &change).await?;
        changes
    })
}

#[derive(Serialize)]
struct Key<'a> {
    m: MunicipalityCode,
    k: &'a str,
}

fn keys<'a>(m: MunicipalityCode, keys: impl Iterator<Item = &'a str>) -> String {
    json(&keys.map(|k| Key { m, k }).collect::<Vec<_>>())
}

async fn known(
    tx: &mut Tx,
    city: MunicipalityCode,
    residents: &[Resident],
) -> Result<HashMap<String, Resident>> {
    let rows: Vec<ResidentRow> = tx
        .query(sql!(
            "SELECT p.* FROM json_each($1) AS k CROSS JOIN resident AS p
             WHERE p.municipality = k.value->>'m' AND p.resident_no = k.value->>'k'"
        ))
        .bind(keys(
            city,
            residents
                .iter()
                .map(|resident| resident.resident_no.as_str()),
        ))
        .all()
        .await?;
    rows.into_iter()
        .map(|row| Resident::try_from(row).map(|one| (one.resident_no.clone(), one)))
        .collect()
}

async fn owners(
    tx: &mut Tx,
    city: MunicipalityCode,
    residents: &[Resident],
) -> Result<HashMap<CouponNumber, String>> {
    let rows: Vec<(String, String)> = tx
        .query(sql!(
            "SELECT c.number, c.resident_no FROM json_each($1) AS k CROSS JOIN coupon AS c
             WHERE c.municipality = k.value->>'m' AND c.number = k.value->>'k'"
        ))
        .bind(keys(
            city,
            residents.iter().map(|resident| resident.number.as_str()),
        ))
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

#[derive(Serialize)]
struct ResidentOut<'a> {
    m: MunicipalityCode,
    no: &'a str,
    number: CouponNumber,
    name: &'a str,
    kana: &'a str,
    nkey: String,
    kkey: String,
    birth: String,
    sex: &'static str,
    standing: &'static str,
    since: Option<Day>,
    protected: i64,
    at: i64,
}

async fn write(
    tx: &mut Tx,
    city: MunicipalityCode,
    residents: &[&Resident],
    at: Instant,
) -> Result<()> {
    let rows: Vec<ResidentOut<'_>> = residents
        .iter()
        .map(|resident| ResidentOut {
            m: city,
            no: &resident.resident_no,
            number: resident.number,
            name: &resident.name,
            kana: &resident.kana,
            nkey: search_key(&resident.name),
            kkey: search_key(&resident.kana),
            birth: resident.birth.iso(),
            sex: resident.sex.open_data(),
            standing: resident.standing.as_str(),
            since: resident.standing.gone_since(),
            protected: i64::from(resident.protected),
            at: at.micros(),
        })
        .collect();
    let rows_json = json(&rows);
    tx.query(sql!(
        "INSERT INTO resident (municipality, resident_no, number, name, kana, name_key, kana_key, birth, sex,
                               standing, standing_since, protected, changed_at)
         SELECT value->>'m', value->>'no', value->>'number', value->>'name', value->>'kana', value->>'nkey',
                value->>'kkey', value->>'birth', value->>'sex', value->>'standing', value->>'since',
                CAST(value->>'protected' AS BIGINT), CAST(value->>'at' AS BIGINT)
         FROM json_each($1) WHERE true
         ON CONFLICT (municipality, resident_no) DO UPDATE SET
             number = excluded.number, name = excluded.name, kana = excluded.kana,
             name_key = excluded.name_key, kana_key = excluded.kana_key, birth = excluded.birth,
             sex = excluded.sex, standing = excluded.standing, standing_since = excluded.standing_since,
             protected = excluded.protected, changed_at = excluded.changed_at"
    ))
    .bind(rows_json.clone())
    .expect(rows.len() as u64)
    .await?;
    tx.query(sql!(
        "INSERT INTO coupon (municipality, number, resident_no)
         SELECT value->>'m', value->>'number', value->>'no' FROM json_each($1) WHERE true
         ON CONFLICT (municipality, number) DO NOTHING"
    ))
    .bind(rows_json)
    .run()
    .await?;
    Ok(())
}

/// The coupons (also former ones) whose records must be judged again: all of those of people who
/// are new or changed, and of all others those that still wait, as after an import that was cut off.
async fn waiting(
    tx: &mut Tx,
    city: MunicipalityCode,
    changed: &[&Resident],
    all: &[Resident],
) -> Result<Vec<CouponNumber>> {
    let of_changed: Vec<(Option<String>,)> = tx
        .query(sql!(
            "SELECT DISTINCT d.number FROM json_each($1) AS k
             CROSS JOIN coupon AS c CROSS JOIN dose AS d
             WHERE c.municipality = k.value->>'m' AND c.resident_no = k.value->>'k'
               AND d.municipality = c.municipality AND d.number = c.number"
        ))
        .bind(keys(
            city,
            changed.iter().map(|resident| resident.resident_no.as_str()),
        ))
        .all()
        .await?;
    let still_waiting: Vec<(Option<String>,)> = tx
        .query(sql!(
            "SELECT DISTINCT d.number FROM json_each($1) AS k
             CROSS JOIN coupon AS c CROSS JOIN dose AS d
             WHERE c.municipality = k.value->>'m' AND c.resident_no = k.value->>'k'
               AND d.municipality = c.municipality AND d.number = c.number AND d.pending = 1"
        ))
        .bind(keys(
            city,
            all.iter().map(|resident| resident.resident_no.as_str()),
        ))
        .all()
        .await?;
    let rows = of_changed.into_iter().chain(still_waiting);
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
