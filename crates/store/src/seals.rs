//! Individual Numbers (個人番号, マイナンバー) under seal.
//!
//! Each number is sealed with its city's data key and bound to its row; data keys are wrapped by a
//! master key, which is in a file of the office's own and never in the database. Whoever has the
//! database alone has no number, nor any way to try them all: the lookup is a hash under a key of
//! its own, wrapped like the others.
//!
//! Nothing here hands out a number but [`Seals::open`], which writes the look down first.

mod cipher;
mod ring;
mod rotation;

pub use ring::{KeyId, KeyRing, MasterKey, RingRefusal};
pub use rotation::{Checked, CityChecked, KeyUse, Resealed, Resealing};

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use domain::access::{Action, CityPermit, Denied, NumberPermit};
use domain::calendar::Instant;
use domain::coupons::CouponNumber;
use domain::people::MyNumber;
use domain::places::MunicipalityCode;
use serde::Serialize;
use thiserror::Error;
use uuid::Uuid;
use zeroize::Zeroizing;

use self::cipher::Key;
use crate::audit::{self, Change, View};
use crate::db::{Db, Table, Tx, sql, transact};
use crate::error::{Error, Result};
use crate::imports::Desk;
use crate::recorder::lock_chains;

/// Numbers sealed in one transaction: some milliseconds, so that reports beside an import never wait long.
const CHUNK: usize = 1000;
/// People that one number finds at most. One person may be known to every city they lived in; more
/// than this is no person.
const FOUND_MAX: usize = 100;
/// The name of the office's secret: lookups came first.
const LOOKUP_PURPOSE: &str = "individual-number";

/// Why numbers cannot be sealed or opened.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SealFault {
    /// A master key that wraps something is not among those that were given.
    #[error(
        "個人番号の鍵 {key} が鍵ファイルにありません。控えから戻してください。/ The key {key} is not in the key file; put it back from its copy."
    )]
    KeyMissing {
        /// Its name.
        key: KeyId,
    },
    /// Something sealed was changed, or moved to another row.
    #[error(
        "封をした個人番号が開きません。書き換えられたか、別の行に移されています。sesshu keys check で調べてください。/ A sealed Individual Number does not open: it was changed, or moved to another row. Look with `sesshu keys check`."
    )]
    DoesNotOpen,
    /// The keys themselves cannot be read.
    #[error("{0}")]
    Keys(String),
    /// Something is under seal, and this server was given no keys.
    #[error(
        "封をしたファイルがありますが、鍵が設定されていません。設定ファイルの individual_number_keys を戻してください。/ A file is under seal and no keys are configured: put individual_number_keys back into the configuration."
    )]
    NoKeys,
    /// The permit is for something else.
    #[error(transparent)]
    Denied(#[from] Denied),
}

impl SealFault {
    /// The stable word for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::KeyMissing { .. } => "seal_key_missing",
            Self::DoesNotOpen => "seal_does_not_open",
            Self::Keys(_) => "seal_keys_unreadable",
            Self::NoKeys => "seal_no_keys",
            Self::Denied(denied) => denied.code(),
        }
    }
}

/// Where the master keys come from, or why they do not, in words for the operator.
pub type KeySource = Arc<dyn Fn() -> std::result::Result<KeyRing, String> + Send + Sync>;

/// What seals and opens.
///
/// The keys are asked for at each use: they are in memory no longer than that, and a server needs
/// no restart when they change.
#[derive(Clone)]
pub struct Seals {
    keys: KeySource,
    random: Arc<dyn Fn() -> [u8; 16] + Send + Sync>,
}

/// What became of numbers that were handed in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Kept {
    /// Numbers of people who had none here.
    pub new: u64,
    /// Numbers in place of another one.
    pub changed: u64,
    /// Numbers that were here already.
    pub unchanged: u64,
    /// Numbers of people who are not in the register; not kept.
    pub unknown: u64,
}

impl Kept {
    /// Numbers that are under seal now.
    #[must_use]
    pub fn sealed(&self) -> u64 {
        self.new + self.changed + self.unchanged
    }

    fn add(&mut self, more: Self) {
        self.new += more.new;
        self.changed += more.changed;
        self.unchanged += more.unchanged;
        self.unknown += more.unknown;
    }
}

/// A register in which a person of that number stands. Nothing else is told: what the city has
/// recorded is asked for by a permit of its own.
#[derive(Clone, PartialEq, Eq)]
pub struct Holder {
    /// The city.
    pub municipality: MunicipalityCode,
    /// The city's own number for the person (個別宛名番号).
    pub resident_no: String,
}

impl std::fmt::Debug for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Holder({}, ..)", self.municipality.as_str())
    }
}

/// Who was found by a number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The registers, by city and the city's own number.
    pub holders: Vec<Holder>,
    /// Rows that the lookup led to and whose seal does not open to that number: they are never
    /// taken for the person's.
    pub unopened: u64,
}

/// An id for each row that is written, in order of time.
pub type Ids<'i> = &'i (dyn Fn() -> Uuid + Send + Sync);

impl Seals {
    /// What seals with these keys, drawing from this randomness.
    #[must_use]
    pub fn new(keys: KeySource, random: Arc<dyn Fn() -> [u8; 16] + Send + Sync>) -> Self {
        Self { keys, random }
    }

    /// The keys as they are now.
    ///
    /// # Errors
    /// [`SealFault::Keys`].
    pub fn ring(&self) -> Result<KeyRing> {
        (self.keys)().map_err(|words| SealFault::Keys(words).into())
    }

    /// Seals the numbers of residents of the permit's city, named by 個別宛名番号. The same again
    /// changes nothing; who stands there twice has the last one.
    ///
    /// # Errors
    /// The database's and [`SealFault`]; what was sealed before stays, and doing it again goes on.
    pub async fn keep(
        &self,
        db: &Db,
        permit: &CityPermit,
        numbers: &[(String, MyNumber)],
        at: Instant,
        id: Ids<'_>,
    ) -> Result<Kept> {
        let city = permit.city();
        let mut kept = Kept::default();
        for chunk in numbers.chunks(CHUNK) {
            let done = transact!(db, begin_locking, |tx| {
                lock_chains(&mut tx, &BTreeSet::from([city])).await?;
                let done = self.keep_within(&mut tx, city, chunk, at).await?;
                if done.new + done.changed > 0 {
                    let detail = format!("{{\"new\":{},\"changed\":{}}}", done.new, done.changed);
                    let change = Change {
                        id: id(),
                        at,
                        municipality: Some(city),
                        action: "keep-individual-numbers",
                        subject: "residents",
                        detail: &detail,
                    };
                    audit::write(&mut tx, permit.actor(), &change).await?;
                }
                done
            })?;
            kept.add(done);
        }
        Ok(kept)
    }

    /// The same for at most some thousands, within a transaction that holds the lock of the city's
    /// chain. That lock also keeps a rotation from taking the data key away meanwhile.
    ///
    /// # Errors
    /// As [`Self::keep`].
    pub(crate) async fn keep_within(
        &self,
        tx: &mut Tx,
        city: MunicipalityCode,
        numbers: &[(String, MyNumber)],
        at: Instant,
    ) -> Result<Kept> {
        let numbers: BTreeMap<&str, &MyNumber> =
            numbers.iter().map(|(no, one)| (no.as_str(), one)).collect();
        if numbers.is_empty() {
            return Ok(Kept::default());
        }
        let ring = self.ring()?;
        let lookup = self.lookup_key(tx, &ring, at).await?;
        let known = known(tx, city, numbers.keys().copied()).await?;
        let mut kept = Kept::default();
        let mut rows: Vec<(&str, &MyNumber, [u8; 16])> = Vec::new();
        for (resident_no, number) in numbers {
            let hash = lookup.lookup(number.as_str().as_bytes());
            match known.get(resident_no) {
                None => {
                    kept.unknown += 1;
                    continue;
                }
                Some(Some(before)) if before.as_slice() == hash => {
                    kept.unchanged += 1;
                    continue;
                }
                Some(Some(_)) => kept.changed += 1,
                Some(None) => kept.new += 1,
            }
            rows.push((resident_no, number, hash));
        }
        if rows.is_empty() {
            return Ok(kept);
        }
        let (key_no, key) = self.data_key(tx, &ring, city, at).await?;
        let sealed = rows.iter().map(|(resident_no, number, _)| {
            let around = around_number(city, resident_no, key_no);
            key.seal(&*self.random, &around, number.as_str().as_bytes())
        });
        let table = Table::default()
            .text(rows.iter().map(|_| city.as_str()))
            .text(rows.iter().map(|(resident_no, _, _)| *resident_no))
            .bytes(rows.iter().map(|(_, _, hash)| *hash))
            .whole(rows.iter().map(|_| key_no))
            .bytes(sealed)
            .whole(rows.iter().map(|_| at.micros()));
        tx.many(
            sql!(
                "INSERT INTO individual_number (municipality, resident_no, lookup, key_no, sealed, kept_at)
                 {rows: text, text, bytea, bigint, bytea, bigint}
                 ON CONFLICT (municipality, resident_no) DO UPDATE SET
                     lookup = excluded.lookup, key_no = excluded.key_no, sealed = excluded.sealed,
                     kept_at = excluded.kept_at"
            ),
            table,
        )
        .expect_each()
        .await?;
        Ok(kept)
    }

    /// Finds the registers, of any city, in which the person of a number stands. The search is in
    /// the access log of the city that asks, the find in that of each city that has the person.
    ///
    /// # Errors
    /// The database's and [`SealFault`]; then nothing was found and nothing may be shown.
    pub async fn find(
        &self,
        db: &Db,
        permit: &NumberPermit,
        number: &MyNumber,
        at: Instant,
        id: Ids<'_>,
    ) -> Result<Found> {
        permit
            .allows(Action::FindByNumber)
            .map_err(SealFault::from)?;
        let ring = self.ring()?;
        transact!(db, |tx| {
            log(
                &mut tx,
                permit,
                Action::FindByNumber,
                permit.city(),
                None,
                at,
                id(),
            )
            .await?;
            let lookup = lookup_key_of(&mut tx, &ring).await?;
            // Without the secret nothing was ever sealed, and a search is no reason to make one.
            let lookups = lookup.map(|key| key.lookup(number.as_str().as_bytes()).to_vec());
            let lookups: Vec<Vec<u8>> = lookups.into_iter().collect();
            let mut found = self
                .holders(&mut tx, &lookups)
                .await?
                .pop()
                .unwrap_or_default();
            found.holders.truncate(FOUND_MAX);
            for holder in &found.holders {
                let city = holder.municipality;
                let coupon = coupon_of(&mut tx, city, &holder.resident_no).await?;
                log(
                    &mut tx,
                    permit,
                    Action::FindByNumber,
                    city,
                    coupon,
                    at,
                    id(),
                )
                .await?;
            }
            found
        })
    }

    /// A piece of a file under seal while the file waits for its approval. It opens at its own
    /// place only, and after master keys have changed, too.
    ///
    /// # Errors
    /// The database's and [`SealFault`].
    pub(crate) async fn seal_piece(
        &self,
        tx: &mut Tx,
        place: PieceOf,
        bytes: &[u8],
        at: Instant,
    ) -> Result<Vec<u8>> {
        let ring = self.ring()?;
        let key = file_key_from(&self.secret(tx, &ring, at).await?);
        Ok(key.seal(&*self.random, &around_piece(place), bytes))
    }

    /// The bytes of a piece.
    ///
    /// # Errors
    /// The database's and [`SealFault`].
    pub(crate) async fn open_piece(
        &self,
        tx: &mut Tx,
        place: PieceOf,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>> {
        let ring = self.ring()?;
        let secret = lookup_secret(tx, &ring).await?;
        secret
            .and_then(|secret| file_key_from(&secret).open(&around_piece(place), sealed))
            .ok_or_else(|| SealFault::DoesNotOpen.into())
    }

    /// What leads to the people of these numbers, in their order, so that they can be asked about later
    /// without being kept. Tells nothing of a number to whoever has the database alone.
    ///
    /// # Errors
    /// The database's and [`SealFault`].
    pub(crate) async fn lookups(
        &self,
        tx: &mut Tx,
        numbers: impl Iterator<Item = &MyNumber>,
        at: Instant,
    ) -> Result<Vec<Vec<u8>>> {
        let ring = self.ring()?;
        let key = self.lookup_key(tx, &ring, at).await?;
        let lookup = |number: &MyNumber| key.lookup(number.as_str().as_bytes()).to_vec();
        Ok(numbers.map(lookup).collect())
    }

    /// What leads to the person of a resident's sealed number, if one is kept. The number is opened
    /// to see that the lookup is its own, and shown to nobody.
    ///
    /// # Errors
    /// The database's and [`SealFault`].
    pub(crate) async fn lookup_of_resident(
        &self,
        tx: &mut Tx,
        city: MunicipalityCode,
        resident_no: &str,
    ) -> Result<Option<Vec<u8>>> {
        let row: Option<(Vec<u8>,)> = tx
            .query(sql!(
                "SELECT lookup FROM individual_number WHERE municipality = $1 AND resident_no = $2"
            ))
            .bind(city.as_str().to_owned())
            .bind(resident_no.to_owned())
            .optional()
            .await?;
        let Some((lookup,)) = row else {
            return Ok(None);
        };
        let found = self.holders(tx, std::slice::from_ref(&lookup)).await?;
        let own = Holder {
            municipality: city,
            resident_no: resident_no.to_owned(),
        };
        if found.iter().any(|found| found.holders.contains(&own)) {
            Ok(Some(lookup))
        } else {
            Err(SealFault::DoesNotOpen.into())
        }
    }

    /// The registers in which the people of these lookups stand, in their order. A row is believed only if
    /// its seal opens to a number of that very lookup.
    ///
    /// # Errors
    /// The database's and [`SealFault`].
    pub(crate) async fn holders(&self, tx: &mut Tx, lookups: &[Vec<u8>]) -> Result<Vec<Found>> {
        let mut found: Vec<Found> = lookups.iter().map(|_| Found::default()).collect();
        let ring = self.ring()?;
        let Some(lookup) = lookup_key_of(tx, &ring).await? else {
            return Ok(found);
        };
        let mut rows = rows_of(tx, lookups).await?;
        rows.sort_by(|one, other| {
            let order =
                |row: &FoundRow| (row.row.municipality.clone(), row.row.resident_no.clone());
            order(one).cmp(&order(other))
        });
        for FoundRow { lookup: led, row } in rows {
            let opened = row.opened(tx, &ring).await?;
            let is_right = opened
                .is_some_and(|number| lookup.lookup(number.as_str().as_bytes()).as_slice() == led);
            let municipality = row.municipality()?;
            let asked = lookups.iter().zip(&mut found);
            for (_, found) in asked.filter(|(asked, _)| **asked == led) {
                if is_right {
                    found.holders.push(Holder {
                        municipality,
                        resident_no: row.resident_no.clone(),
                    });
                } else {
                    found.unopened += 1;
                }
            }
        }
        Ok(found)
    }

    /// The number of a resident of the permit's city, if one is kept. The look is in the city's
    /// access log before the number is there to be shown.
    ///
    /// # Errors
    /// The database's and [`SealFault`].
    pub async fn open(
        &self,
        db: &Db,
        permit: &NumberPermit,
        resident_no: &str,
        at: Instant,
        id: Ids<'_>,
    ) -> Result<Option<MyNumber>> {
        permit.allows(Action::OpenNumber).map_err(SealFault::from)?;
        let city = permit.city();
        let ring = self.ring()?;
        transact!(db, |tx| {
            let row: Option<SealedRow> = tx
                .query(sql!(
                    "SELECT municipality, resident_no, key_no, sealed FROM individual_number
                     WHERE municipality = $1 AND resident_no = $2"
                ))
                .bind(city.as_str().to_owned())
                .bind(resident_no.to_owned())
                .optional()
                .await?;
            match row {
                None => None,
                Some(row) => {
                    let coupon = coupon_of(&mut tx, city, resident_no).await?;
                    log(&mut tx, permit, Action::OpenNumber, city, coupon, at, id()).await?;
                    let number = row.opened(&mut tx, &ring).await?;
                    Some(number.ok_or(SealFault::DoesNotOpen)?)
                }
            }
        })
    }

    /// Takes the number of a resident of the permit's city away; says whether there was one.
    ///
    /// # Errors
    /// The database's.
    pub async fn erase(
        db: &Db,
        permit: &CityPermit,
        resident_no: &str,
        at: Instant,
        id: Uuid,
    ) -> Result<bool> {
        let city = permit.city();
        transact!(db, |tx| {
            let erased = tx
                .query(sql!(
                    "DELETE FROM individual_number WHERE municipality = $1 AND resident_no = $2"
                ))
                .bind(city.as_str().to_owned())
                .bind(resident_no.to_owned())
                .run()
                .await?;
            if erased > 0 {
                let change = Change {
                    id,
                    at,
                    municipality: Some(city),
                    action: "erase-individual-number",
                    subject: resident_no,
                    detail: "{}",
                };
                audit::write(&mut tx, permit.actor(), &change).await?;
            }
            erased > 0
        })
    }

    /// The key of lookups; its secret is made at the first use.
    async fn lookup_key(&self, tx: &mut Tx, ring: &KeyRing, at: Instant) -> Result<Key> {
        Ok(lookup_from(&self.secret(tx, ring, at).await?))
    }

    /// The office's secret, from which a key for each use is derived; made at the first use.
    async fn secret(&self, tx: &mut Tx, ring: &KeyRing, at: Instant) -> Result<Key> {
        if let Some(secret) = lookup_secret(tx, ring).await? {
            return Ok(secret);
        }
        let secret = Key::random(&*self.random);
        let master = ring.newest();
        let made = tx
            .query(sql!(
            "INSERT INTO seal_lookup (purpose, master, wrapped, made_at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (purpose) DO NOTHING"
        ))
            .bind(LOOKUP_PURPOSE.to_owned())
            .bind(master.id().as_str().to_owned())
            .bind(master.wrap(&*self.random, AROUND_LOOKUP, &secret))
            .bind(at.micros())
            .run()
            .await?;
        if made == 1 {
            return Ok(secret);
        }
        // Another city's import was first; its secret is everybody's.
        lookup_secret(tx, ring).await?.ok_or(Error::Busy)
    }

    /// The data key that seals for a city, with its number; made at the first use.
    async fn data_key(
        &self,
        tx: &mut Tx,
        ring: &KeyRing,
        city: MunicipalityCode,
        at: Instant,
    ) -> Result<(i64, Key)> {
        match newest_key(tx, city).await? {
            Some(row) => Ok((row.key_no, row.key(ring, city)?)),
            None => self.new_data_key(tx, ring, city, FIRST_KEY, at).await,
        }
    }

    /// Under the lock of the city's chain, so that no two have the same number.
    async fn new_data_key(
        &self,
        tx: &mut Tx,
        ring: &KeyRing,
        city: MunicipalityCode,
        key_no: i64,
        at: Instant,
    ) -> Result<(i64, Key)> {
        let key = Key::random(&*self.random);
        let master = ring.newest();
        let around = around_key(city, key_no);
        tx.query(sql!(
            "INSERT INTO seal_key (municipality, key_no, master, wrapped, born_under, made_at)
             VALUES ($1, $2, $3, $4, $5, $6)"
        ))
        .bind(city.as_str().to_owned())
        .bind(key_no)
        .bind(master.id().as_str().to_owned())
        .bind(master.wrap(&*self.random, &around, &key))
        .bind(master.id().as_str().to_owned())
        .bind(at.micros())
        .expect(1)
        .await?;
        Ok((key_no, key))
    }
}

/// The number of a city's first data key.
const FIRST_KEY: i64 = 1;
/// The words around the wrapped secret of lookups.
const AROUND_LOOKUP: &[u8] = b"sesshu/lookup/1";

/// The words around a sealed number: it opens at its own row only. The parts before the last have
/// fixed lengths, so no two rows have the same words.
fn around_number(city: MunicipalityCode, resident_no: &str, key_no: i64) -> Vec<u8> {
    [
        b"sesshu/individual-number/1".as_slice(),
        city.as_str().as_bytes(),
        &key_no.to_be_bytes(),
        resident_no.as_bytes(),
    ]
    .concat()
}

/// The words around a wrapped data key.
fn around_key(city: MunicipalityCode, key_no: i64) -> Vec<u8> {
    [
        b"sesshu/data-key/1".as_slice(),
        city.as_str().as_bytes(),
        &key_no.to_be_bytes(),
    ]
    .concat()
}

/// Which piece of which file at whose desk.
pub(crate) type PieceOf = (Desk, Uuid, i64);

/// The words around a sealed piece of a file. No two places have the same: only the desk is not of a fixed length, and
/// what follows it is.
fn around_piece((desk, import, piece): PieceOf) -> Vec<u8> {
    [
        b"sesshu/import-piece/1".as_slice(),
        desk.key().as_bytes(),
        import.as_bytes(),
        &piece.to_be_bytes(),
    ]
    .concat()
}

fn file_key_from(secret: &Key) -> Key {
    secret.derived(b"sesshu/import-files/1")
}

fn lookup_from(secret: &Key) -> Key {
    secret.derived(b"sesshu/lookup-by-number/1")
}

/// The master key of that name, as it stands in a row.
fn master<'r>(ring: &'r KeyRing, name: &str) -> Result<&'r MasterKey> {
    let id = KeyId::stored(name.to_owned());
    match ring.key(&id) {
        Some(key) => Ok(key),
        None => Err(SealFault::KeyMissing { key: id }.into()),
    }
}

/// The key of lookups, if its secret was ever made.
async fn lookup_key_of(tx: &mut Tx, ring: &KeyRing) -> Result<Option<Key>> {
    Ok(lookup_secret(tx, ring)
        .await?
        .map(|secret| lookup_from(&secret)))
}

async fn lookup_secret(tx: &mut Tx, ring: &KeyRing) -> Result<Option<Key>> {
    let row: Option<(String, Vec<u8>)> = tx
        .query(sql!(
            "SELECT master, wrapped FROM seal_lookup WHERE purpose = $1"
        ))
        .bind(LOOKUP_PURPOSE.to_owned())
        .optional()
        .await?;
    let Some((name, wrapped)) = row else {
        return Ok(None);
    };
    let secret = master(ring, &name)?.unwrap(AROUND_LOOKUP, &wrapped);
    secret
        .map(Some)
        .ok_or_else(|| SealFault::DoesNotOpen.into())
}

/// A wrapped data key.
#[derive(sqlx_macros::FromRow)]
struct KeyRow {
    key_no: i64,
    master: String,
    wrapped: Vec<u8>,
    born_under: String,
}

impl KeyRow {
    fn key(&self, ring: &KeyRing, city: MunicipalityCode) -> Result<Key> {
        master(ring, &self.master)?
            .unwrap(&around_key(city, self.key_no), &self.wrapped)
            .ok_or_else(|| SealFault::DoesNotOpen.into())
    }
}

async fn newest_key(tx: &mut Tx, city: MunicipalityCode) -> Result<Option<KeyRow>> {
    tx.query(sql!(
        "SELECT key_no, master, wrapped, born_under FROM seal_key
         WHERE municipality = $1 ORDER BY key_no DESC LIMIT 1"
    ))
    .bind(city.as_str().to_owned())
    .optional()
    .await
}

/// A sealed number at its row.
#[derive(sqlx_macros::FromRow)]
struct SealedRow {
    municipality: String,
    resident_no: String,
    key_no: i64,
    sealed: Vec<u8>,
}

impl SealedRow {
    fn municipality(&self) -> Result<MunicipalityCode> {
        MunicipalityCode::parse(&self.municipality).map_err(|_| Error::Inconsistent {
            table: "individual_number",
            column: "municipality",
        })
    }

    /// The number, if it opens: none if it or its data key was changed, moved or taken away.
    async fn opened(&self, tx: &mut Tx, ring: &KeyRing) -> Result<Option<MyNumber>> {
        let city = self.municipality()?;
        let row: Option<KeyRow> = tx
            .query(sql!(
                "SELECT key_no, master, wrapped, born_under FROM seal_key
                 WHERE municipality = $1 AND key_no = $2"
            ))
            .bind(city.as_str().to_owned())
            .bind(self.key_no)
            .optional()
            .await?;
        let key = match row.map(|row| row.key(ring, city)) {
            Some(Ok(key)) => key,
            None | Some(Err(Error::Sealed(SealFault::DoesNotOpen))) => return Ok(None),
            Some(Err(error)) => return Err(error),
        };
        let around = around_number(city, &self.resident_no, self.key_no);
        Ok(number_of(key.open(&around, &self.sealed)))
    }
}

fn number_of(opened: Option<Zeroizing<Vec<u8>>>) -> Option<MyNumber> {
    MyNumber::parse(std::str::from_utf8(&opened?).ok()?).ok()
}

/// A sealed number, and the lookup that led there.
#[derive(sqlx_macros::FromRow)]
struct FoundRow {
    lookup: Vec<u8>,
    #[sqlx(flatten)]
    row: SealedRow,
}

/// The rows that these lookups lead to, in all cities.
async fn rows_of(tx: &mut Tx, lookups: &[Vec<u8>]) -> Result<Vec<FoundRow>> {
    let once: BTreeSet<&Vec<u8>> = lookups.iter().collect();
    // Neither ordered nor joined to another table here: either would lead an engine that knows little
    // of its tables to walk them from end to end.
    tx.many(
        sql!(
            "WITH k (lookup) AS ({rows: bytea})
             SELECT n.lookup, n.municipality, n.resident_no, n.key_no, n.sealed
             FROM k CROSS JOIN individual_number AS n WHERE n.lookup = k.lookup"
        ),
        Table::default().bytes(once.into_iter().cloned()),
    )
    .all()
    .await
}

/// The coupon number of a resident, by which the access log knows the person.
async fn coupon_of(
    tx: &mut Tx,
    city: MunicipalityCode,
    resident_no: &str,
) -> Result<Option<CouponNumber>> {
    let row: Option<(String,)> = tx
        .query(sql!(
            "SELECT number FROM resident WHERE municipality = $1 AND resident_no = $2"
        ))
        .bind(city.as_str().to_owned())
        .bind(resident_no.to_owned())
        .optional()
        .await?;
    let number = row.map(|(number,)| CouponNumber::parse(&number));
    number.transpose().map_err(|_| Error::Inconsistent {
        table: "resident",
        column: "number",
    })
}

/// Of those who are in the register: the lookup that stands there already, if any.
async fn known<'n>(
    tx: &mut Tx,
    city: MunicipalityCode,
    numbers: impl Iterator<Item = &'n str>,
) -> Result<HashMap<String, Option<Vec<u8>>>> {
    let numbers: Vec<&str> = numbers.collect();
    let keys = Table::default()
        .text(numbers.iter().map(|_| city.as_str()))
        .text(numbers.iter().copied());
    let rows: Vec<(String, Option<Vec<u8>>)> = tx
        .many(
            sql!(
                "WITH k (municipality, resident_no) AS ({rows: text, text})
                 SELECT r.resident_no, n.lookup
                 FROM k CROSS JOIN resident AS r
                 LEFT JOIN individual_number AS n
                     ON n.municipality = r.municipality AND n.resident_no = r.resident_no
                 WHERE r.municipality = k.municipality AND r.resident_no = k.resident_no"
            ),
            keys,
        )
        .all()
        .await?;
    Ok(rows.into_iter().collect())
}

/// Writes a look down in a city's access log, whoever looked.
async fn log(
    tx: &mut Tx,
    permit: &NumberPermit,
    action: Action,
    city: MunicipalityCode,
    number: Option<CouponNumber>,
    at: Instant,
    id: Uuid,
) -> Result<()> {
    let view = View {
        id,
        at,
        number,
        view: action.as_str().to_owned(),
        purpose: permit.purpose().as_str().to_owned(),
    };
    audit::look(tx, permit.actor(), city, &view).await
}
