//! The people a city is responsible for (接種対象者), and the coupon numbers issued to them.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use domain::access::CityPermit;
use domain::addresses::Address;
use domain::calendar::{Day, Instant};
use domain::coupons::CouponNumber;
use domain::people::{BirthDate, Names, ResidentStanding, Sex};
use domain::places::MunicipalityCode;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::audit::{self, Change};
use crate::coupons;
use crate::db::{Db, Table, Tx, sql, transact};
use crate::error::{Error, Result};
use crate::imports::former_addresses;
use crate::recorder::{RecordError, Recorder, lock_chains};

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
    /// The names beside it.
    pub other_names: OtherNames,
    /// Birth date.
    pub birth: BirthDate,
    /// Sex.
    pub sex: Sex,
    /// Whether the person lives in the city.
    pub standing: ResidentStanding,
    /// Protected from being looked up (支援措置).
    pub protected: bool,
    /// Where letters reach the person, if it is known. Invariant: the register keeps none of a protected
    /// person, so that there is nothing to be told.
    pub address: Option<Address>,
}

/// Whether people who are handed in come with their addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Addresses {
    /// They do; who has none is known to have none.
    Told,
    /// Nothing is said of them, and what the register has stays.
    NotTold,
}

/// What a person is called beside the registered name; empty where there is none.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OtherNames {
    /// The former family name (旧氏, 旧姓).
    #[serde(skip_serializing_if = "String::is_empty")]
    pub former_name: String,
    /// Its kana.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub former_kana: String,
    /// The name a person from elsewhere goes by (通称).
    #[serde(skip_serializing_if = "String::is_empty")]
    pub alias: String,
    /// Its kana.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub alias_kana: String,
    /// The name in Latin letters (ローマ字).
    #[serde(skip_serializing_if = "String::is_empty")]
    pub romaji: String,
}

impl std::fmt::Debug for OtherNames {
    /// Nothing that identifies a person reaches a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OtherNames(..)")
    }
}

impl OtherNames {
    fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

impl Resident {
    fn names(&self) -> Names<'_> {
        let OtherNames {
            former_name,
            former_kana,
            alias,
            alias_kana,
            romaji,
        } = &self.other_names;
        Names {
            name: &self.name,
            kana: &self.kana,
            former_name,
            former_kana,
            alias,
            alias_kana,
            romaji,
        }
    }
}

impl std::fmt::Debug for Resident {
    /// Nothing that identifies a person reaches a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Resident(..)")
    }
}

#[derive(sqlx::FromRow)]
pub(crate) struct ResidentRow {
    pub resident_no: String,
    number: String,
    name: String,
    kana: String,
    birth: String,
    sex: String,
    standing: String,
    standing_since: Option<String>,
    protected: i64,
    other_names: Option<String>,
    address: Option<String>,
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
            other_names: match &row.other_names {
                None => OtherNames::default(),
                Some(text) => serde_json::from_str(text).map_err(|_| bad("other_names"))?,
            },
            address: address(row.address.as_deref())?,
        })
    }
}

/// An address as it is kept.
pub(crate) fn address(kept: Option<&str>) -> Result<Option<Address>> {
    kept.map(|text| serde_json::from_str(text).map_err(|_| bad("address")))
        .transpose()
}

/// The part of a resident that judging needs.
#[derive(sqlx::FromRow)]
pub(crate) struct PersonRow {
    municipality: String,
    number: String,
    voided_at: Option<i64>,
    birth: String,
    sex: String,
    standing: String,
    standing_since: Option<String>,
    several: i64,
}

impl PersonRow {
    /// Whether the person has, or had, another number too.
    pub fn has_others(&self) -> bool {
        self.several == 1
    }

    /// When the number became void, if it is.
    pub fn void_at(&self) -> Option<Instant> {
        self.voided_at.map(Instant::from_micros)
    }

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

/// Whether the person of a coupon is under protection (支援措置).
pub(crate) async fn is_protected(
    tx: &mut Tx,
    city: MunicipalityCode,
    number: CouponNumber,
) -> Result<bool> {
    let row: Option<(i64,)> = tx
        .query(sql!(
            "SELECT p.protected FROM coupon AS c
             JOIN resident AS p ON p.municipality = c.municipality AND p.resident_no = c.resident_no
             WHERE c.municipality = $1 AND c.number = $2"
        ))
        .bind(city.as_str().to_owned())
        .bind(number.as_str().to_owned())
        .optional()
        .await?;
    Ok(row.is_some_and(|(protected,)| protected == 1))
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
    (residents, addresses): (&[Resident], Addresses),
    at: Instant,
    id: &(dyn Fn() -> Uuid + Send + Sync),
) -> Result<Loaded> {
    let mut loaded = Loaded::default();
    for (chunk, residents) in residents.chunks(CHUNK).enumerate() {
        let first = chunk * CHUNK;
        let people = (residents, addresses);
        let changes = save(db, permit, people, at, first, id()).await?;
        loaded.new += changes.new;
        loaded.changed += changes.changed;
        loaded.unchanged += changes.unchanged;
        loaded.taken.extend(changes.taken);
        loaded.matched += judge_again(recorder, permit, &changes.waiting, id).await?;
    }
    Ok(loaded)
}

/// Judges the records of coupons again whose persons came, changed or went; says how many changed.
pub(crate) async fn judge_again(
    recorder: &Recorder,
    permit: &CityPermit,
    numbers: &[CouponNumber],
    id: &(dyn Fn() -> Uuid + Send + Sync),
) -> Result<u64> {
    let mut matched = 0;
    for number in numbers {
        match recorder.rematch(permit, id(), *number).await {
            Ok(_) => matched += 1,
            // Nothing of the coupon's records changed.
            Err(RecordError::NotFound) => {}
            Err(RecordError::Store(error)) => return Err(error),
            Err(error) => return Err(Error::Unavailable(error.to_string())),
        }
    }
    Ok(matched)
}

/// What placing people in the register came to.
#[derive(Default)]
pub(crate) struct Placed {
    pub new: u64,
    pub changed: u64,
    pub unchanged: u64,
    /// Positions of those whose coupon number belongs to somebody else.
    pub taken: Vec<usize>,
    /// How those who are new or changed stood before.
    pub before: Vec<Before>,
    /// Coupons that have records to be judged again.
    pub waiting: Vec<CouponNumber>,
}

/// How a person stood before a change.
#[derive(Clone)]
pub(crate) struct Before {
    pub resident_no: String,
    /// As the register had the person, if it did.
    pub was: Option<Resident>,
    /// The coupon number that was issued by this change, if it was not there before.
    pub issued: Option<CouponNumber>,
}

async fn save(
    db: &Db,
    permit: &CityPermit,
    people: (&[Resident], Addresses),
    at: Instant,
    first: usize,
    audit_id: Uuid,
) -> Result<Placed> {
    let city = permit.city();
    // Under the chain's lock: a dose that is recorded meanwhile sees these people, or is seen here.
    transact!(db, begin_locking, |tx| {
        let mut placed = place(&mut tx, city, people, at).await?;
        placed.taken.iter_mut().for_each(|one| *one += first);
        let detail = format!(
            "{{\"new\":{},\"changed\":{},\"unchanged\":{},\"taken\":{}}}",
            placed.new,
            placed.changed,
            placed.unchanged,
            placed.taken.len()
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
        placed
    })
}

/// Puts people into the register under the lock of the city's chain.
pub(crate) async fn place(
    tx: &mut Tx,
    city: MunicipalityCode,
    (residents, addresses): (&[Resident], Addresses),
    at: Instant,
) -> Result<Placed> {
    lock_chains(tx, &BTreeSet::from([city])).await?;
    let mut known = known(tx, city, residents).await?;
    let with_addresses = addressed(residents, addresses, &known);
    let residents = &*with_addresses;
    let mut owners = owners(tx, city, residents).await?;
    let in_force = in_force(tx, city, residents, &known, &owners).await?;
    let residents = in_force.as_deref().unwrap_or(residents);
    let mut placed = Placed::default();
    let mut at_hand: HashMap<&str, usize> = HashMap::new();
    let mut rows: BTreeMap<&str, &Resident> = BTreeMap::new();
    let mut had_other_names: Vec<&str> = Vec::new();
    for (position, resident) in residents.iter().enumerate() {
        let owner = owners.get(&resident.number);
        if owner.is_some_and(|owner| *owner != resident.resident_no) {
            placed.taken.push(position);
            continue;
        }
        let issued = owner.is_none().then_some(resident.number);
        let was = known.insert(resident.resident_no.clone(), resident.clone());
        if was.as_ref() == Some(resident) {
            placed.unchanged += 1;
            continue;
        }
        match &was {
            None => placed.new += 1,
            Some(_) => placed.changed += 1,
        }
        if was.as_ref().is_some_and(|was| !was.other_names.is_none()) {
            had_other_names.push(&resident.resident_no);
        }
        owners.insert(resident.number, resident.resident_no.clone());
        rows.insert(&resident.resident_no, resident);
        match at_hand.get(resident.resident_no.as_str()) {
            // The person stands twice: the later row counts, and before is before both.
            Some(index) => {
                if let Some(before) = placed.before.get_mut(*index) {
                    before.issued = issued;
                }
            }
            None => {
                at_hand.insert(resident.resident_no.as_str(), placed.before.len());
                placed.before.push(Before {
                    resident_no: resident.resident_no.clone(),
                    was,
                    issued,
                });
            }
        }
    }
    let rows: Vec<&Resident> = rows.into_values().collect();
    if !had_other_names.is_empty() {
        drop_other_keys(tx, city, had_other_names.into_iter()).await?;
    }
    write(tx, city, &rows, at).await?;
    let changed: BTreeSet<&str> = rows.iter().map(|one| one.resident_no.as_str()).collect();
    let all = residents.iter().map(|one| one.resident_no.as_str());
    let others = all.filter(|one| !changed.contains(one));
    placed.waiting = waiting(tx, city, changed.iter().copied(), others).await?;
    Ok(placed)
}

/// These people with the addresses that the register is to keep: what it has where nothing is said, and
/// none of whoever is protected (支援措置).
pub(crate) fn addressed<'a>(
    residents: &'a [Resident],
    addresses: Addresses,
    known: &HashMap<String, Resident>,
) -> Cow<'a, [Resident]> {
    let to_keep = |one: &Resident| match addresses {
        _ if one.protected => None,
        Addresses::Told => one.address.clone(),
        Addresses::NotTold => known
            .get(&one.resident_no)
            .and_then(|was| was.address.clone()),
    };
    if residents.iter().all(|one| one.address == to_keep(one)) {
        return Cow::Borrowed(residents);
    }
    let with = |one: &Resident| Resident {
        address: to_keep(one),
        ..one.clone()
    };
    Cow::Owned(residents.iter().map(with).collect())
}

/// These people with the numbers that are in force, if that is not what the file says: a register that
/// has not heard of a reissue yet brings the void number back.
async fn in_force(
    tx: &mut Tx,
    city: MunicipalityCode,
    residents: &[Resident],
    known: &HashMap<String, Resident>,
    owners: &HashMap<CouponNumber, String>,
) -> Result<Option<Vec<Resident>>> {
    let was = |one: &Resident| known.get(&one.resident_no).map(|was| was.number);
    let comes_back = |one: &&Resident| {
        was(one).is_some_and(|number| number != one.number)
            && owners.get(&one.number) == Some(&one.resident_no)
    };
    let coming: Vec<&str> = residents
        .iter()
        .filter(comes_back)
        .map(|one| one.number.as_str())
        .collect();
    if coming.is_empty() {
        return Ok(None);
    }
    let void: Vec<(String,)> = tx
        .many(
            sql!(
                "WITH k (municipality, number) AS ({rows: text, text})
                 SELECT c.number FROM k CROSS JOIN coupon AS c
                 WHERE c.municipality = k.municipality AND c.number = k.number AND c.voided_at IS NOT NULL"
            ),
            keys(city, coming.into_iter()),
        )
        .all()
        .await?;
    let void: BTreeSet<String> = void.into_iter().map(|(number,)| number).collect();
    let mut residents = residents.to_vec();
    for one in &mut residents {
        if void.contains(one.number.as_str())
            && let Some(number) = was(one)
        {
            one.number = number;
        }
    }
    Ok(Some(residents))
}

fn keys<'a>(city: MunicipalityCode, keys: impl Iterator<Item = &'a str>) -> Table {
    let keys: BTreeSet<&str> = keys.collect();
    Table::default()
        .text(keys.iter().map(|_| city.as_str()))
        .text(keys.iter().copied())
}

/// Those of these people who are in the register, by their number there.
pub(crate) async fn known(
    tx: &mut Tx,
    city: MunicipalityCode,
    residents: &[Resident],
) -> Result<HashMap<String, Resident>> {
    let numbers = residents.iter().map(|one| one.resident_no.as_str());
    let rows: Vec<ResidentRow> = tx
        .many(
            sql!(
                "WITH k (municipality, resident_no) AS ({rows: text, text})
                 SELECT p.* FROM k CROSS JOIN resident AS p
                 WHERE p.municipality = k.municipality AND p.resident_no = k.resident_no"
            ),
            keys(city, numbers),
        )
        .all()
        .await?;
    rows.into_iter()
        .map(|row| Resident::try_from(row).map(|one| (one.resident_no.clone(), one)))
        .collect()
}

/// Whether the city has nobody in its register and no coupon was ever issued, as before its first file.
pub(crate) async fn is_empty(tx: &mut Tx, city: MunicipalityCode) -> Result<bool> {
    // In the order of the keys, so that no engine looks at another city's rows.
    let first_person: Option<(String,)> = tx
        .query(sql!(
            "SELECT resident_no FROM resident WHERE municipality = $1 ORDER BY resident_no LIMIT 1"
        ))
        .bind(city.as_str().to_owned())
        .optional()
        .await?;
    let first_number: Option<(String,)> = tx
        .query(sql!(
            "SELECT number FROM coupon WHERE municipality = $1 ORDER BY number LIMIT 1"
        ))
        .bind(city.as_str().to_owned())
        .optional()
        .await?;
    Ok(first_person.is_none() && first_number.is_none())
}

/// To whom the coupon numbers of these people belong, where they are issued.
pub(crate) async fn owners(
    tx: &mut Tx,
    city: MunicipalityCode,
    residents: &[Resident],
) -> Result<HashMap<CouponNumber, String>> {
    let numbers = residents.iter().map(|one| one.number.as_str());
    let rows: Vec<(String, String)> = tx
        .many(
            sql!(
                "WITH k (municipality, number) AS ({rows: text, text})
                 SELECT c.number, c.resident_no FROM k CROSS JOIN coupon AS c
                 WHERE c.municipality = k.municipality AND c.number = k.number"
            ),
            keys(city, numbers),
        )
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

/// How a person is searched for: by the first name in the row itself, by all others beside it.
#[derive(Clone, PartialEq, Eq)]
pub struct Keys {
    written: Vec<String>,
    sounds: Vec<String>,
}

impl std::fmt::Debug for Keys {
    /// They are names.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys(..)")
    }
}

impl Keys {
    /// The keys of a person's names.
    #[must_use]
    pub fn of(resident: &Resident) -> Self {
        let names = resident.names();
        Self {
            written: names.search_keys(),
            sounds: names.sound_keys(),
        }
    }

    fn name_key(&self) -> &str {
        self.written.first().map_or("", String::as_str)
    }

    fn kana_key(&self) -> &str {
        self.sounds.first().map_or("", String::as_str)
    }

    /// The keys of all names but the first, each with its kind.
    fn others(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let written = self.written.iter().map(|key| ("written", key.as_str()));
        let sounds = self.sounds.iter().map(|key| ("sound", key.as_str()));
        written.skip(1).chain(sounds.skip(1))
    }
}

/// Writes the keys of names beside the first, which had none here before.
async fn write_other_keys(
    tx: &mut Tx,
    city: MunicipalityCode,
    residents: &[&Resident],
    keys: &[Keys],
) -> Result<()> {
    let each = || {
        let each = residents.iter().zip(keys);
        each.flat_map(|(resident, keys)| {
            keys.others()
                .map(|(kind, key)| (resident.resident_no.as_str(), kind, key))
        })
    };
    if each().next().is_none() {
        return Ok(());
    }
    let rows = Table::default()
        .text(each().map(|_| city.as_str()))
        .text(each().map(|(no, _, _)| no))
        .text(each().map(|(_, kind, _)| kind))
        .text(each().map(|(_, _, key)| key));
    tx.many(
        sql!(
            "INSERT INTO resident_key (municipality, resident_no, kind, key)
             {rows: text, text, text, text}"
        ),
        rows,
    )
    .expect_each()
    .await
}

/// Takes away the keys of these people's other names.
pub(crate) async fn drop_other_keys<'a>(
    tx: &mut Tx,
    city: MunicipalityCode,
    residents: impl Iterator<Item = &'a str>,
) -> Result<()> {
    tx.many(
        sql!(
            "WITH k (municipality, resident_no) AS ({rows: text, text})
             DELETE FROM resident_key
             WHERE (municipality, resident_no) IN (SELECT municipality, resident_no FROM k)"
        ),
        keys(city, residents),
    )
    .run()
    .await?;
    Ok(())
}

/// Makes the search keys of some people whose keys are of an earlier kind; says how many they were.
///
/// Called until it says none, it leaves everybody with keys of today's kind. Two servers may do it at
/// once, and imports go on beside it.
///
/// # Errors
/// The database's.
pub async fn make_keys(db: &Db) -> Result<usize> {
    let first: Option<(String,)> = db
        .query(sql!(
            "SELECT municipality FROM resident WHERE keyed = 0 ORDER BY municipality LIMIT 1"
        ))
        .optional()
        .await?;
    let Some((city,)) = first else {
        return Ok(0);
    };
    let city = MunicipalityCode::parse(&city).map_err(|_| bad("municipality"))?;
    transact!(db, begin_locking, |tx| make_keys_of(&mut tx, city).await?)
}

async fn make_keys_of(tx: &mut Tx, city: MunicipalityCode) -> Result<usize> {
    lock_chains(tx, &BTreeSet::from([city])).await?;
    let rows: Vec<ResidentRow> = tx
        .query(sql!(
            "SELECT * FROM resident WHERE municipality = $1 AND keyed = 0
             ORDER BY resident_no LIMIT $2"
        ))
        .bind(city.as_str().to_owned())
        .bind(CHUNK as i64)
        .all()
        .await?;
    let residents: Vec<Resident> = rows
        .into_iter()
        .map(Resident::try_from)
        .collect::<Result<_>>()?;
    let of: Vec<Keys> = residents.iter().map(Keys::of).collect();
    let each = || residents.iter();
    let rows = Table::default()
        .text(each().map(|_| city.as_str()))
        .text(each().map(|one| one.resident_no.as_str()))
        .text(of.iter().map(Keys::name_key))
        .text(of.iter().map(Keys::kana_key));
    tx.many(
        sql!(
            "WITH k (municipality, resident_no, name_key, kana_key) AS ({rows: text, text, text, text})
             UPDATE resident SET name_key = k.name_key, kana_key = k.kana_key, keyed = 1
             FROM k
             WHERE resident.municipality = k.municipality AND resident.resident_no = k.resident_no"
        ),
        rows,
    )
    .run()
    .await?;
    let residents: Vec<&Resident> = residents.iter().collect();
    drop_other_keys(
        tx,
        city,
        residents.iter().map(|one| one.resident_no.as_str()),
    )
    .await?;
    write_other_keys(tx, city, &residents, &of).await?;
    Ok(residents.len())
}

/// Writes people as they are to stand, and the numbers issued to them. Keys of other names that they
/// had are to be taken away before. Whoever is protected by now is in no mailing, and nothing is left of
/// where they lived.
pub(crate) async fn write(
    tx: &mut Tx,
    city: MunicipalityCode,
    residents: &[&Resident],
    at: Instant,
) -> Result<()> {
    let searched: Vec<Keys> = residents.iter().copied().map(Keys::of).collect();
    tx.many(
        sql!(
            "INSERT INTO resident (municipality, resident_no, number, name, kana, name_key, kana_key, birth, sex,
                                   standing, standing_since, protected, changed_at, other_names, keyed, address)
             {rows: text, text, text, text, text, text, text, text, text, text, text, bigint, bigint, text, bigint,
                    text}
             ON CONFLICT (municipality, resident_no) DO UPDATE SET
                 number = excluded.number, name = excluded.name, kana = excluded.kana,
                 name_key = excluded.name_key, kana_key = excluded.kana_key, birth = excluded.birth,
                 sex = excluded.sex, standing = excluded.standing, standing_since = excluded.standing_since,
                 protected = excluded.protected, changed_at = excluded.changed_at,
                 other_names = excluded.other_names, keyed = excluded.keyed, address = excluded.address"
        ),
        rows_of_people(city, residents, &searched, at),
    )
    .expect_each()
    .await?;
    write_other_keys(tx, city, residents, &searched).await?;
    let protected = residents.iter().filter(|one| one.protected);
    let protected: Vec<&str> = protected.map(|one| one.resident_no.as_str()).collect();
    if !protected.is_empty() {
        coupons::set_apart(tx, city, &protected).await?;
        former_addresses::forget(tx, city, &protected).await?;
    }
    tx.many(
        sql!(
            "INSERT INTO coupon (municipality, number, resident_no) {rows: text, text, text}
             ON CONFLICT (municipality, number) DO NOTHING"
        ),
        rows_of_coupons(city, residents),
    )
    .run()
    .await?;
    Ok(())
}

/// Puts people into the register none of whom was ever in it, as a city's first file does. Nothing is
/// asked before it is written: what the engine's own keys refuse is the answer.
///
/// # Errors
/// [`Error::Exists`] if one of them or of their numbers is there already. Then nothing of this
/// transaction can be kept, and [`place`] is how to put them in.
pub(crate) async fn place_new(
    tx: &mut Tx,
    city: MunicipalityCode,
    people: Vec<(&Resident, Keys)>,
    at: Instant,
) -> Result<Placed> {
    lock_chains(tx, &BTreeSet::from([city])).await?;
    let mut people = people;
    // In the order of the register, so that neighbours fall onto the same page.
    people.sort_by(|(one, _), (other, _)| one.resident_no.cmp(&other.resident_no));
    let (residents, searched): (Vec<&Resident>, Vec<Keys>) = people.into_iter().unzip();
    tx.many(
        sql!(
            "INSERT INTO resident (municipality, resident_no, number, name, kana, name_key, kana_key, birth, sex,
                                   standing, standing_since, protected, changed_at, other_names, keyed, address)
             {rows: text, text, text, text, text, text, text, text, text, text, text, bigint, bigint, text, bigint,
                    text}"
        ),
        rows_of_people(city, &residents, &searched, at),
    )
    .expect_each()
    .await?;
    write_other_keys(tx, city, &residents, &searched).await?;
    tx.many(
        sql!("INSERT INTO coupon (municipality, number, resident_no) {rows: text, text, text}"),
        rows_of_coupons(city, &residents),
    )
    .expect_each()
    .await?;
    let before = residents.iter().map(|one| Before {
        resident_no: one.resident_no.clone(),
        was: None,
        issued: Some(one.number),
    });
    Ok(Placed {
        new: residents.len() as u64,
        before: before.collect(),
        waiting: waiting_for_new(tx, city, &residents).await?,
        ..Placed::default()
    })
}

fn rows_of_people(
    city: MunicipalityCode,
    residents: &[&Resident],
    searched: &[Keys],
    at: Instant,
) -> Table {
    let of = || residents.iter().copied();
    let other_names = |one: &Resident| {
        let names = &one.other_names;
        (!names.is_none()).then(|| serde_json::json!(names).to_string())
    };
    // None of a protected person, whatever way they come: putting an import back is one.
    let address = |one: &Resident| {
        let address = one.address.as_ref().filter(|_| !one.protected);
        address.map(|address| serde_json::json!(address).to_string())
    };
    let since = |one: &Resident| one.standing.gone_since().map(|day| day.to_string());
    Table::default()
        .text(of().map(|_| city.as_str()))
        .text(of().map(|one| one.resident_no.as_str()))
        .text(of().map(|one| one.number.as_str()))
        .text(of().map(|one| one.name.as_str()))
        .text(of().map(|one| one.kana.as_str()))
        .text(searched.iter().map(Keys::name_key))
        .text(searched.iter().map(Keys::kana_key))
        .text(of().map(|one| one.birth.iso()))
        .text(of().map(|one| one.sex.open_data()))
        .text(of().map(|one| one.standing.as_str()))
        .text_or_null(of().map(since))
        .whole(of().map(|one| i64::from(one.protected)))
        .whole(of().map(|_| at.micros()))
        .text_or_null(of().map(other_names))
        .whole(of().map(|_| 1))
        .text_or_null(of().map(address))
}

fn rows_of_coupons(city: MunicipalityCode, residents: &[&Resident]) -> Table {
    Table::default()
        .text(residents.iter().map(|_| city.as_str()))
        .text(residents.iter().map(|one| one.number.as_str()))
        .text(residents.iter().map(|one| one.resident_no.as_str()))
}

/// Those of these people who stand as they were written at that time.
pub(crate) async fn changed_at<'a>(
    tx: &mut Tx,
    city: MunicipalityCode,
    residents: impl Iterator<Item = &'a str>,
    at: Instant,
) -> Result<BTreeSet<String>> {
    let rows: Vec<(String, i64)> = tx
        .many(
            sql!(
                "WITH k (municipality, resident_no) AS ({rows: text, text})
                 SELECT p.resident_no, p.changed_at FROM k CROSS JOIN resident AS p
                 WHERE p.municipality = k.municipality AND p.resident_no = k.resident_no"
            ),
            keys(city, residents),
        )
        .all()
        .await?;
    let there = rows.into_iter().filter(|(_, when)| *when == at.micros());
    Ok(there.map(|(no, _)| no).collect())
}

/// Takes people, their coupon numbers, their keys and what is sealed for them out of the register again.
pub(crate) async fn take_out(
    tx: &mut Tx,
    city: MunicipalityCode,
    residents: &[&str],
    numbers: &[CouponNumber],
) -> Result<()> {
    let numbers = numbers.iter().map(CouponNumber::as_str);
    tx.many(
        sql!(
            "WITH k (municipality, number) AS ({rows: text, text})
             DELETE FROM coupon WHERE (municipality, number) IN (SELECT municipality, number FROM k)"
        ),
        keys(city, numbers),
    )
    .run()
    .await?;
    tx.many(
        sql!(
            "WITH k (municipality, resident_no) AS ({rows: text, text})
             DELETE FROM individual_number
             WHERE (municipality, resident_no) IN (SELECT municipality, resident_no FROM k)"
        ),
        keys(city, residents.iter().copied()),
    )
    .run()
    .await?;
    drop_other_keys(tx, city, residents.iter().copied()).await?;
    tx.many(
        sql!(
            "WITH k (municipality, resident_no) AS ({rows: text, text})
             DELETE FROM resident WHERE (municipality, resident_no) IN (SELECT municipality, resident_no FROM k)"
        ),
        keys(city, residents.iter().copied()),
    )
    .run()
    .await?;
    Ok(())
}

/// The coupons (also former ones) whose records must be judged again: all of those of people who
/// are new or changed, and of all others those that still wait, as after an import that was cut off.
pub(crate) async fn waiting<'a>(
    tx: &mut Tx,
    city: MunicipalityCode,
    changed: impl Iterator<Item = &'a str>,
    all: impl Iterator<Item = &'a str>,
) -> Result<Vec<CouponNumber>> {
    let of_changed: Vec<(Option<String>,)> = tx
        .many(
            sql!(
                "WITH k (municipality, resident_no) AS ({rows: text, text})
                 SELECT DISTINCT d.number FROM k CROSS JOIN coupon AS c CROSS JOIN dose AS d
                 WHERE c.municipality = k.municipality AND c.resident_no = k.resident_no
                   AND d.municipality = c.municipality AND d.number = c.number"
            ),
            keys(city, changed),
        )
        .all()
        .await?;
    let still_waiting: Vec<(Option<String>,)> = tx
        .many(
            sql!(
                "WITH k (municipality, resident_no) AS ({rows: text, text})
                 SELECT DISTINCT d.number FROM k CROSS JOIN coupon AS c CROSS JOIN dose AS d
                 WHERE c.municipality = k.municipality AND c.resident_no = k.resident_no
                   AND d.municipality = c.municipality AND d.number = c.number AND d.pending = 1"
            ),
            keys(city, all),
        )
        .all()
        .await?;
    numbers_of_doses(of_changed.into_iter().chain(still_waiting))
}

/// The coupons of people who have just come whose doses were there before them (登録待ち). They have
/// no coupon but the one they came with.
async fn waiting_for_new(
    tx: &mut Tx,
    city: MunicipalityCode,
    residents: &[&Resident],
) -> Result<Vec<CouponNumber>> {
    // A register is mostly filled before the first dose is given.
    let any: Option<(String,)> = tx
        .query(sql!(
            "SELECT municipality FROM dose WHERE municipality = $1 LIMIT 1"
        ))
        .bind(city.as_str().to_owned())
        .optional()
        .await?;
    if any.is_none() {
        return Ok(Vec::new());
    }
    let numbers = residents.iter().map(|one| one.number.as_str());
    let rows: Vec<(Option<String>,)> = tx
        .many(
            sql!(
                "WITH k (municipality, number) AS ({rows: text, text})
                 SELECT DISTINCT d.number FROM k CROSS JOIN dose AS d
                 WHERE d.municipality = k.municipality AND d.number = k.number"
            ),
            keys(city, numbers),
        )
        .all()
        .await?;
    numbers_of_doses(rows.into_iter())
}

fn numbers_of_doses(rows: impl Iterator<Item = (Option<String>,)>) -> Result<Vec<CouponNumber>> {
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
