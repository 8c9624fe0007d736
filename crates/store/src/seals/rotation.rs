//! New keys for old: wrapping the data keys anew, sealing the numbers anew, and looking whether all opens.
//!
//! Each step is one transaction that leaves everything readable, so a rotation that is cut off at
//! any place goes on where it was: a row says itself by which key it is sealed. What touches a city's
//! numbers does so under the lock of its chain, as an import does. None of it shows a
//! number to anybody; it is the operator's work on the machine, as `verify` is.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use domain::calendar::Instant;
use domain::places::MunicipalityCode;
use serde::Serialize;

use super::cipher::Key;
use super::{
    AROUND_LOOKUP, FIRST_KEY, KeyId, KeyRing, KeyRow, LOOKUP_PURPOSE, SealFault, Seals, around_key,
    around_number, lookup_key_of, lookup_secret, master, newest_key, number_of,
};
use crate::db::{Db, Table, Tx, sql, transact};
use crate::error::{Error, Result};
use crate::recorder::lock_chains;

/// Data keys wrapped in one transaction.
const KEYS_AT_ONCE: i64 = 200;
/// Numbers sealed anew in one transaction: short enough for those who wait beside it.
const ROWS_AT_ONCE: i64 = 500;
/// Numbers looked at in one transaction that only reads.
const CHECKED_AT_ONCE: i64 = 1000;

/// Where the sealing anew of a city's numbers has come to.
pub struct Resealing {
    city: MunicipalityCode,
    /// The data key under which all shall be.
    key_no: i64,
    /// The resident after whom it goes on.
    after: String,
}

/// What one step did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Resealed {
    /// Numbers sealed anew.
    pub resealed: u64,
    /// Numbers that do not open and were left as they are.
    pub unopened: u64,
    /// Whether there are none left.
    pub finished: bool,
}

/// What a look at all keys and numbers showed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// The master keys that are in the file or in use, by name.
    pub keys: Vec<KeyUse>,
    /// Data keys, wrapped.
    pub data_keys: u64,
    /// Whether the secret of lookups opens; true where nothing was sealed yet.
    pub lookup_opens: bool,
    /// Numbers under seal.
    pub numbers: u64,
    /// Numbers that do not open.
    pub unopened: u64,
    /// Numbers that open and would not be found by their lookup.
    pub misfiled: u64,
    /// The cities that have numbers of the last two kinds.
    pub cities: Vec<CityChecked>,
}

impl Checked {
    /// Whether everything opens and is found.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.lookup_opens
            && self.unopened == 0
            && self.misfiled == 0
            && self.keys.iter().all(|key| key.in_file || key.wraps == 0)
    }
}

/// How a master key is used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KeyUse {
    /// Its name.
    pub key: String,
    /// Whether it is in the file.
    pub in_file: bool,
    /// Whether it is the one that seals.
    pub newest: bool,
    /// How many keys it wraps, the secret of lookups among them.
    pub wraps: u64,
}

/// A city that has numbers which do not open or are not found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CityChecked {
    /// The city.
    pub municipality: MunicipalityCode,
    /// Numbers that do not open.
    pub unopened: u64,
    /// Numbers that would not be found.
    pub misfiled: u64,
}

type WrappedRow = (String, i64, String, Vec<u8>);

impl Seals {
    /// The cities that have numbers under seal.
    ///
    /// # Errors
    /// The database's.
    pub async fn cities(db: &Db) -> Result<Vec<MunicipalityCode>> {
        let rows: Vec<(String,)> = db
            .query(sql!(
                "SELECT DISTINCT municipality FROM seal_key ORDER BY municipality"
            ))
            .all()
            .await?;
        rows.into_iter().map(|(code,)| city_of(&code)).collect()
    }

    /// How many numbers are under seal.
    ///
    /// # Errors
    /// The database's.
    pub async fn count(db: &Db) -> Result<u64> {
        let (count,): (i64,) = db
            .query(sql!("SELECT COUNT(*) FROM individual_number"))
            .one()
            .await?;
        Ok(count.unsigned_abs())
    }

    /// Wraps some more keys by the newest master key, the secret of lookups first; says how many.
    /// None means that the older master keys wrap nothing any more.
    ///
    /// # Errors
    /// The database's, and [`SealFault`] if an older master key is not in the ring.
    pub async fn rewrap_some(&self, db: &Db) -> Result<u64> {
        let ring = self.ring()?;
        let newest = ring.newest();
        transact!(db, |tx| {
            let mut done = 0;
            if let Some(secret) = outdated_lookup(&mut tx, &ring).await? {
                tx.query(sql!(
                    "UPDATE seal_lookup SET master = $1, wrapped = $2 WHERE purpose = $3"
                ))
                .bind(newest.id().as_str().to_owned())
                .bind(newest.wrap(&*self.random, AROUND_LOOKUP, &secret))
                .bind(LOOKUP_PURPOSE.to_owned())
                .expect(1)
                .await?;
                done += 1;
            }
            let rows: Vec<WrappedRow> = tx
                .query(sql!(
                    "SELECT municipality, key_no, master, wrapped FROM seal_key
                     WHERE master <> $1 ORDER BY municipality, key_no LIMIT $2"
                ))
                .bind(newest.id().as_str().to_owned())
                .bind(KEYS_AT_ONCE)
                .all()
                .await?;
            let mut wrapped = Vec::with_capacity(rows.len());
            for (code, key_no, name, old) in &rows {
                let around = around_key(city_of(code)?, *key_no);
                let key = master(&ring, name)?.unwrap(&around, old);
                let key = key.ok_or(SealFault::DoesNotOpen)?;
                wrapped.push(newest.wrap(&*self.random, &around, &key));
            }
            done += rows.len() as u64;
            let table = Table::default()
                .text(rows.iter().map(|row| row.0.as_str()))
                .whole(rows.iter().map(|row| row.1))
                .bytes(wrapped)
                .text(rows.iter().map(|_| newest.id().as_str()));
            tx.many(
                sql!(
                    "WITH k (municipality, key_no, wrapped, master) AS ({rows: text, bigint, bytea, text})
                     UPDATE seal_key SET wrapped = k.wrapped, master = k.master
                     FROM k WHERE seal_key.municipality = k.municipality AND seal_key.key_no = k.key_no"
                ),
                table,
            )
            .expect_each()
            .await?;
            done
        })
    }

    /// Begins to seal a city's numbers anew, with a data key that was made under the newest master
    /// key; one is made if there is none yet, so that beginning again goes on with the same.
    ///
    /// # Errors
    /// The database's and [`SealFault`].
    pub async fn reseal(&self, db: &Db, city: MunicipalityCode, at: Instant) -> Result<Resealing> {
        let ring = self.ring()?;
        let key_no = transact!(db, begin_locking, |tx| {
            lock_chains(&mut tx, &BTreeSet::from([city])).await?;
            let newest = newest_key(&mut tx, city).await?;
            match newest {
                Some(row) if row.born_under == ring.newest().id().as_str() => row.key_no,
                older => {
                    let key_no = older.map_or(FIRST_KEY, |row| row.key_no + 1);
                    let made = self.new_data_key(&mut tx, &ring, city, key_no, at).await?;
                    made.0
                }
            }
        })?;
        Ok(Resealing {
            city,
            key_no,
            after: String::new(),
        })
    }

    /// Seals some more of a city's numbers anew.
    ///
    /// # Errors
    /// The database's and [`SealFault`].
    pub async fn reseal_some(&self, db: &Db, at: &mut Resealing) -> Result<Resealed> {
        let ring = self.ring()?;
        let (city, key_no) = (at.city, at.key_no);
        let (done, last) = transact!(db, begin_locking, |tx| {
            lock_chains(&mut tx, &BTreeSet::from([city])).await?;
            let keys = data_keys(&mut tx, city).await?;
            let rows: Vec<(String, i64, Vec<u8>)> = tx
                .query(sql!(
                    "SELECT resident_no, key_no, sealed FROM individual_number
                     WHERE municipality = $1 AND resident_no > $2 AND key_no <> $3
                     ORDER BY resident_no LIMIT $4"
                ))
                .bind(city.as_str().to_owned())
                .bind(at.after.clone())
                .bind(key_no)
                .bind(ROWS_AT_ONCE)
                .all()
                .await?;
            let opened = open_keys(&keys, &ring, city)?;
            let newest = opened.get(&key_no).ok_or(SealFault::DoesNotOpen)?;
            let mut anew = Vec::with_capacity(rows.len());
            for (resident_no, old_no, sealed) in &rows {
                let number = opened
                    .get(old_no)
                    .and_then(|key| key.open(&around_number(city, resident_no, *old_no), sealed));
                let Some(number) = number else { continue };
                let around = around_number(city, resident_no, key_no);
                let sealed = newest.seal(&*self.random, &around, &number);
                anew.push((resident_no.as_str(), sealed));
            }
            let done = Resealed {
                resealed: anew.len() as u64,
                unopened: (rows.len() - anew.len()) as u64,
                finished: rows.is_empty(),
            };
            write_anew(&mut tx, city, key_no, anew).await?;
            let last = rows.into_iter().next_back().map(|row| row.0);
            (done, last)
        })?;
        at.after = last.unwrap_or_default();
        Ok(done)
    }

    /// Takes the data keys of a city away that seal nothing any more; says how many. What was
    /// sealed with them, in any copy of the database, opens no more.
    ///
    /// # Errors
    /// The database's.
    pub async fn forget_unused(db: &Db, city: MunicipalityCode) -> Result<u64> {
        transact!(db, begin_locking, |tx| {
            lock_chains(&mut tx, &BTreeSet::from([city])).await?;
            tx.query(sql!(
                "DELETE FROM seal_key
                 WHERE municipality = $1
                   AND key_no < (SELECT MAX(s.key_no) FROM seal_key AS s WHERE s.municipality = $1)
                   AND NOT EXISTS (SELECT 1 FROM individual_number AS n
                                   WHERE n.municipality = seal_key.municipality AND n.key_no = seal_key.key_no)"
            ))
            .bind(city.as_str().to_owned())
            .run()
            .await?
        })
    }

    /// Opens every number and every key, and counts those that do not open; shows none.
    /// `progress` is told how many numbers were looked at.
    ///
    /// # Errors
    /// The database's, and [`SealFault::Keys`].
    pub async fn check(&self, db: &Db, progress: &(dyn Fn(u64) + Send + Sync)) -> Result<Checked> {
        let ring = self.ring()?;
        let mut checked = Checked::default();
        let mut tx = db.begin_reading().await?;
        let lookup = match lookup_key_of(&mut tx, &ring).await {
            Ok(lookup) => {
                checked.lookup_opens = true;
                lookup
            }
            Err(Error::Sealed(_)) => None,
            Err(error) => return Err(error),
        };
        let (keys, data_keys) = uses(&mut tx, &ring).await?;
        (checked.keys, checked.data_keys) = (keys, data_keys);
        tx.commit().await?;
        let (mut city, mut after) = (String::new(), String::new());
        loop {
            let mut tx = db.begin_reading().await?;
            let page: Vec<CheckRow> = tx
                .query(sql!(
                    "SELECT municipality, resident_no, lookup, key_no, sealed FROM individual_number
                     WHERE (municipality, resident_no) > ($1, $2)
                     ORDER BY municipality, resident_no LIMIT $3"
                ))
                .bind(city.clone())
                .bind(after.clone())
                .bind(CHECKED_AT_ONCE)
                .all()
                .await?;
            let Some(last) = page.last() else {
                tx.commit().await?;
                break;
            };
            (city, after) = (last.municipality.clone(), last.resident_no.clone());
            check_page(&mut tx, &ring, lookup.as_ref(), &page, &mut checked).await?;
            tx.commit().await?;
            progress(checked.numbers);
        }
        Ok(checked)
    }
}

fn city_of(code: &str) -> Result<MunicipalityCode> {
    MunicipalityCode::parse(code).map_err(|_| Error::Inconsistent {
        table: "seal_key",
        column: "municipality",
    })
}

/// The secret of lookups, if an older master key wraps it.
async fn outdated_lookup(tx: &mut Tx, ring: &KeyRing) -> Result<Option<Key>> {
    let rows: Vec<(String,)> = tx
        .query(sql!(
            "SELECT master FROM seal_lookup WHERE purpose = $1 AND master <> $2"
        ))
        .bind(LOOKUP_PURPOSE.to_owned())
        .bind(ring.newest().id().as_str().to_owned())
        .all()
        .await?;
    if rows.is_empty() {
        return Ok(None);
    }
    lookup_secret(tx, ring).await
}

async fn data_keys(tx: &mut Tx, city: MunicipalityCode) -> Result<Vec<KeyRow>> {
    tx.query(sql!(
        "SELECT key_no, master, wrapped, born_under FROM seal_key
         WHERE municipality = $1 ORDER BY key_no"
    ))
    .bind(city.as_str().to_owned())
    .all()
    .await
}

/// The data keys of a city, by number; every one must open, for a rotation does not go half way.
fn open_keys(rows: &[KeyRow], ring: &KeyRing, city: MunicipalityCode) -> Result<HashMap<i64, Key>> {
    rows.iter()
        .map(|row| Ok((row.key_no, row.key(ring, city)?)))
        .collect()
}

async fn write_anew(
    tx: &mut Tx,
    city: MunicipalityCode,
    key_no: i64,
    anew: Vec<(&str, Vec<u8>)>,
) -> Result<()> {
    let table = Table::default()
        .text(anew.iter().map(|_| city.as_str()))
        .text(anew.iter().map(|(resident_no, _)| *resident_no))
        .whole(anew.iter().map(|_| key_no))
        .bytes(anew.into_iter().map(|(_, sealed)| sealed));
    tx.many(
        sql!(
            "WITH k (municipality, resident_no, key_no, sealed) AS ({rows: text, text, bigint, bytea})
             UPDATE individual_number SET key_no = k.key_no, sealed = k.sealed
             FROM k WHERE individual_number.municipality = k.municipality
               AND individual_number.resident_no = k.resident_no"
        ),
        table,
    )
    .expect_each()
    .await
}

/// The master keys of the file and of the tables, and how many data keys there are.
async fn uses(tx: &mut Tx, ring: &KeyRing) -> Result<(Vec<KeyUse>, u64)> {
    let rows: Vec<(String, i64)> = tx
        .query(sql!(
            "SELECT master, COUNT(*) FROM seal_key GROUP BY master ORDER BY master"
        ))
        .all()
        .await?;
    let data_keys = rows.iter().map(|(_, count)| count.unsigned_abs()).sum();
    let secrets: Vec<(String,)> = tx
        .query(sql!("SELECT master FROM seal_lookup ORDER BY purpose"))
        .all()
        .await?;
    let mut wraps: BTreeMap<String, u64> =
        ring.ids().map(|id| (id.as_str().to_owned(), 0)).collect();
    let secrets = secrets.into_iter().map(|(name,)| (name, 1));
    for (name, count) in rows.into_iter().chain(secrets) {
        *wraps.entry(name).or_default() += count.unsigned_abs();
    }
    let uses = wraps
        .into_iter()
        .map(|(key, wraps)| {
            let id = KeyId::stored(key);
            KeyUse {
                in_file: ring.key(&id).is_some(),
                newest: *ring.newest().id() == id,
                key: id.as_str().to_owned(),
                wraps,
            }
        })
        .collect();
    Ok((uses, data_keys))
}

#[derive(sqlx_macros::FromRow)]
struct CheckRow {
    municipality: String,
    resident_no: String,
    lookup: Vec<u8>,
    key_no: i64,
    sealed: Vec<u8>,
}

async fn check_page(
    tx: &mut Tx,
    ring: &KeyRing,
    lookup: Option<&Key>,
    page: &[CheckRow],
    checked: &mut Checked,
) -> Result<()> {
    let mut keys: HashMap<(&str, i64), Key> = HashMap::new();
    let mut cities: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for row in page {
        if !cities.contains_key(row.municipality.as_str()) {
            let city = city_of(&row.municipality)?;
            for key in data_keys(tx, city).await? {
                // One that does not open leaves its numbers unopened, which is what is counted.
                if let Ok(opened) = key.key(ring, city) {
                    keys.insert((row.municipality.as_str(), key.key_no), opened);
                }
            }
        }
        let found = cities.entry(row.municipality.as_str()).or_default();
        let around = around_number(city_of(&row.municipality)?, &row.resident_no, row.key_no);
        let opened = keys
            .get(&(row.municipality.as_str(), row.key_no))
            .and_then(|key| key.open(&around, &row.sealed));
        match (number_of(opened), lookup) {
            (None, _) => found.0 += 1,
            (Some(number), Some(key)) if key.lookup(number.as_str().as_bytes()) == *row.lookup => {}
            (Some(_), _) => found.1 += 1,
        }
    }
    checked.numbers += page.len() as u64;
    for (code, (unopened, misfiled)) in cities {
        checked.unopened += unopened;
        checked.misfiled += misfiled;
        if unopened + misfiled == 0 {
            continue;
        }
        let municipality = city_of(code)?;
        match checked.cities.last_mut() {
            Some(last) if last.municipality == municipality => {
                last.unopened += unopened;
                last.misfiled += misfiled;
            }
            _ => checked.cities.push(CityChecked {
                municipality,
                unopened,
                misfiled,
            }),
        }
    }
    Ok(())
}
