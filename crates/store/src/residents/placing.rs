//! How people come into the register, are changed there and taken out again, with their numbers.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use domain::calendar::Instant;
use domain::coupons::CouponNumber;
use domain::places::MunicipalityCode;

use super::looking::{known, owners, waiting, waiting_for_new};
use super::search_keys::{Keys, drop_other_keys, write_other_keys};
use super::{Addresses, Resident, keys};
use crate::coupons;
use crate::db::{Table, Tx, sql};
use crate::error::Result;
use crate::imports::former_addresses;
use crate::recorder::lock_chains;

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
/// [`Error::Exists`](crate::error::Error::Exists) if one of them or of their numbers is there already. Then nothing of this
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
