//! The people of a file (接種対象者): held against the register, put into it, and put back.

use std::collections::{BTreeSet, HashMap};

use domain::access::CityPermit;
use domain::addresses::Address;
use domain::calendar::{Day, Instant};
use domain::coupons::CouponNumber;
use domain::people::{BirthDate, MyNumber, ResidentStanding, Sex};
use domain::places::MunicipalityCode;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::work::{Applied, advance, stretch_key};
use super::{Done, Found, InHand, Place, Remark, bad, former_addresses, from_json};
use crate::db::{Db, Tx, sql, transact};
use crate::error::{Error, Result};
use crate::recorder::{Recorder, json};
use crate::residents::{self, Addresses, Before, Keys, OtherNames, Placed, Resident};
use crate::seals::Seals;

/// A good line of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its number, the header being 1.
    pub line: u64,
    /// The person in it.
    pub resident: Resident,
    /// The person's Individual Number (個人番号), to be sealed or dropped.
    pub number: Option<MyNumber>,
    /// Whether the file says where people live: the same in all its lines.
    pub addresses: Addresses,
    /// How the person will be searched for, if whoever read the line had the time to find out.
    pub keys: Option<Keys>,
}

/// What a stretch says of addresses. One without lines says nothing.
fn addresses(people: &[Line]) -> Addresses {
    people
        .first()
        .map_or(Addresses::NotTold, |one| one.addresses)
}

impl Line {
    /// With the keys made, so that whoever writes the line need not.
    #[must_use]
    pub fn with_keys(mut self) -> Self {
        self.keys = Some(Keys::of(&self.resident));
        self
    }

    fn keys(&self) -> Keys {
        let made = self.keys.clone();
        made.unwrap_or_else(|| Keys::of(&self.resident))
    }
}

/// Holds the people of a stretch against the register; adds what is to be said of them.
pub(super) async fn look(
    db: &Db,
    city: MunicipalityCode,
    people: &[Line],
    remarks: &mut Vec<Remark>,
) -> Result<Found> {
    let residents: Vec<Resident> = people.iter().map(|one| one.resident.clone()).collect();
    let mut tx = db.begin_reading().await?;
    let (mut known, mut owners) = (HashMap::new(), HashMap::new());
    if !residents::is_empty(&mut tx, city).await? {
        known = residents::known(&mut tx, city, &residents).await?;
        owners = residents::owners(&mut tx, city, &residents).await?;
    }
    tx.commit().await?;
    let looked_at: BTreeSet<u64> = remarks
        .iter()
        .filter(|one| one.kept)
        .map(|one| one.line)
        .collect();
    let mut found = Found::default();
    let with_addresses = residents::addressed(&residents, addresses(people), &known);
    for (Line { line, .. }, resident) in people.iter().zip(&*with_addresses) {
        let owner = owners.get(&resident.number);
        if owner.is_some_and(|owner| *owner != resident.resident_no) {
            found.rejected += 1;
            remarks.push(coupon_of_another(*line));
            continue;
        }
        match known.get(&resident.resident_no) {
            None => found.new += 1,
            Some(was) if was == resident => found.unchanged += 1,
            Some(was) => {
                match resident.standing {
                    standing if standing == was.standing => found.changed += 1,
                    ResidentStanding::Dead { .. } => found.dead += 1,
                    ResidentStanding::Resident => found.changed += 1,
                    _ => found.moved_out += 1,
                }
                if let Some(remark) = another_person(*line, was, resident) {
                    found.suspicious += u64::from(!looked_at.contains(line));
                    remarks.push(remark);
                }
            }
        }
    }
    Ok(found)
}

fn coupon_of_another(line: u64) -> Remark {
    Remark {
        line,
        column: Some("券番号".to_owned()),
        code: "coupon_taken".to_owned(),
        ja:
            "この券番号は、すでに別の人に発行されています。券番号か個別宛名番号を確かめてください。"
                .to_owned(),
        en: "This coupon number is issued to somebody else. Check it and the person's number."
            .to_owned(),
        kept: false,
    }
}

/// The same number of a person, but hardly the same person: name and birth date are both others.
fn another_person(line: u64, was: &Resident, is: &Resident) -> Option<Remark> {
    let other = was.birth != is.birth && was.name != is.name && was.kana != is.kana;
    other.then(|| Remark {
        line,
        column: Some("個別宛名番号".to_owned()),
        code: "another_person".to_owned(),
        ja: "同じ個別宛名番号の人と、氏名も生年月日も違います。別の人の行でないか確かめてから承認してください。"
            .to_owned(),
        en: "Name and birth date both differ from those of the person who has this number. Make sure it is not \
             somebody else before you approve."
            .to_owned(),
        kept: true,
    })
}

/// A person as the register had them, as it is kept for undoing.
#[derive(Serialize, Deserialize)]
struct KeptBefore {
    no: String,
    was: Option<KeptResident>,
    issued: Option<CouponNumber>,
}

#[derive(Serialize, Deserialize)]
struct KeptResident {
    number: CouponNumber,
    name: String,
    kana: String,
    birth: BirthDate,
    sex: Sex,
    standing: String,
    since: Option<Day>,
    protected: bool,
    /// Not there in what was kept before names beside the first were.
    #[serde(default)]
    other_names: OtherNames,
}

impl KeptBefore {
    fn of(before: &Before) -> Self {
        Self {
            no: before.resident_no.clone(),
            was: before.was.as_ref().map(|was| KeptResident {
                number: was.number,
                name: was.name.clone(),
                kana: was.kana.clone(),
                birth: was.birth,
                sex: was.sex,
                standing: was.standing.as_str().to_owned(),
                since: was.standing.gone_since(),
                protected: was.protected,
                other_names: was.other_names.clone(),
            }),
            issued: before.issued,
        }
    }
}

impl KeptResident {
    fn resident(self, no: String, address: Option<Address>) -> Result<Resident> {
        Ok(Resident {
            resident_no: no,
            number: self.number,
            name: self.name,
            kana: self.kana,
            birth: self.birth,
            sex: self.sex,
            standing: ResidentStanding::parse(&self.standing, self.since)
                .ok_or_else(|| bad("before"))?,
            protected: self.protected,
            other_names: self.other_names,
            address,
        })
    }
}

/// Applies a stretch: its people into the register, how they stood before beside them, their
/// Individual Numbers under seal (undoing takes a number away with its person only), and the records of
/// their coupons judged again. A stretch that was applied before it could be said so is
/// not applied twice.
///
/// Where no record has to be judged, how far the work is is said in the same transaction: each commit
/// waits for the disk.
///
/// # Errors
/// As [`super::apply`].
pub(super) async fn apply(
    db: &Db,
    (recorder, seals): (&Recorder, Option<&Seals>),
    permit: &CityPermit,
    hand: &InHand,
    people: &[Line],
    (place, now): (Place, Instant),
    id: &(dyn Fn() -> Uuid + Send + Sync),
) -> Result<Applied> {
    let mut only_new = hand.import.found.is_only_new();
    let (mut done, waiting) = loop {
        let applied = transact!(db, begin_locking, |tx| {
            let (done, waiting) =
                apply_within(&mut tx, seals, hand, people, place, only_new).await?;
            if waiting.is_empty() {
                let so_far = hand.import.done.with(done);
                advance(&mut tx, hand, place, hand.import.found, so_far, now).await?;
            }
            (done, waiting)
        });
        match applied {
            // Somebody of the file came into the register since it was looked through.
            Err(Error::Exists) if only_new => only_new = false,
            applied => break applied?,
        }
    };
    let is_told = waiting.is_empty();
    done.matched = residents::judge_again(recorder, permit, &waiting, id).await?;
    Ok(Applied { done, is_told })
}

/// The part of applying that is one transaction; gives the coupons whose records have to be judged again.
async fn apply_within(
    tx: &mut Tx,
    seals: Option<&Seals>,
    hand: &InHand,
    people: &[Line],
    place: Place,
    only_new: bool,
) -> Result<(Done, Vec<CouponNumber>)> {
    let city = hand.import.desk.city()?;
    let at = hand.import.approved_at.ok_or_else(|| bad("approved_at"))?;
    let key = stretch_key(hand, place);
    if let Some((done, before)) = applied_before(tx, city, key).await? {
        let all = people.iter().map(|one| one.resident.resident_no.as_str());
        let changed = before.iter().map(|one| one.no.as_str());
        let waiting = residents::waiting(tx, city, changed, all).await?;
        return Ok((done, waiting));
    }
    let placed: Placed = if only_new {
        let people = people.iter().map(|one| (&one.resident, one.keys()));
        residents::place_new(tx, city, people.collect(), at).await?
    } else {
        let residents: Vec<Resident> = people.iter().map(|one| one.resident.clone()).collect();
        residents::place(tx, city, (&residents, addresses(people)), at).await?
    };
    let hidden: BTreeSet<&str> = people
        .iter()
        .filter(|one| one.resident.protected)
        .map(|one| one.resident.resident_no.as_str())
        .collect();
    let mut done = Done {
        new: placed.new,
        changed: placed.changed,
        unchanged: placed.unchanged,
        taken: placed.taken.len() as u64,
        ..Done::default()
    };
    let numbers = numbers(people, &placed.taken);
    match seals {
        Some(seals) => {
            let kept = seals.keep_within(tx, city, &numbers, at).await?;
            done.numbers_sealed = kept.sealed();
        }
        None => done.numbers_dropped = numbers.len() as u64,
    }
    // Placing them has forgotten where those lived who are protected from now on.
    let told = placed
        .before
        .iter()
        .filter(|one| !hidden.contains(&one.resident_no.as_str()));
    let told: Vec<Before> = told.cloned().collect();
    former_addresses::keep(tx, city, hand.import.id, &told).await?;
    let before: Vec<KeptBefore> = placed.before.iter().map(KeptBefore::of).collect();
    keep_before(tx, city, key, &before, done).await?;
    Ok((done, placed.waiting))
}

/// The numbers of the people who were placed.
fn numbers(people: &[Line], taken: &[usize]) -> Vec<(String, MyNumber)> {
    let placed = people
        .iter()
        .enumerate()
        .filter(|(position, _)| !taken.contains(position));
    placed
        .filter_map(|(_, one)| Some((one.resident.resident_no.clone(), one.number.clone()?)))
        .collect()
}

async fn applied_before(
    tx: &mut Tx,
    city: MunicipalityCode,
    (import, upto_line): (Uuid, i64),
) -> Result<Option<(Done, Vec<KeptBefore>)>> {
    let found: Option<(String, String)> = tx
        .query(sql!(
            "SELECT done, before FROM import_stretch WHERE desk = $1 AND import = $2 AND upto_line = $3"
        ))
        .bind(city.as_str().to_owned())
        .bind(import.as_bytes().to_vec())
        .bind(upto_line)
        .optional()
        .await?;
    found
        .map(|(done, before)| Ok((from_json(&done, "done")?, from_json(&before, "before")?)))
        .transpose()
}

async fn keep_before(
    tx: &mut Tx,
    city: MunicipalityCode,
    (import, upto_line): (Uuid, i64),
    before: &[KeptBefore],
    done: Done,
) -> Result<()> {
    tx.query(sql!(
        "INSERT INTO import_stretch (desk, import, upto_line, before, done) VALUES ($1, $2, $3, $4, $5)"
    ))
    .bind(city.as_str().to_owned())
    .bind(import.as_bytes().to_vec())
    .bind(upto_line)
    .bind(json(before))
    .bind(json(&done))
    .expect(1)
    .await
}

/// A stretch whose people stand as before again, while its records are not yet judged again.
#[derive(Default, Serialize, Deserialize)]
struct PutBack {
    done: Done,
    waiting: Vec<CouponNumber>,
}

/// Puts the people of a stretch back, and has the records of their coupons judged again.
pub(super) async fn undo(
    db: &Db,
    recorder: &Recorder,
    permit: &CityPermit,
    hand: &InHand,
    upto_line: i64,
    now: Instant,
    id: &(dyn Fn() -> Uuid + Send + Sync),
) -> Result<Done> {
    let (city, import) = (hand.import.desk.city()?, hand.import.id);
    let at = hand.import.approved_at.ok_or_else(|| bad("approved_at"))?;
    let put_back = transact!(db, begin_locking, |tx| {
        put_back_once(&mut tx, city, (import, upto_line), at, now).await?
    })?;
    let mut done = put_back.done;
    done.matched = residents::judge_again(recorder, permit, &put_back.waiting, id).await?;
    Ok(done)
}

/// Puts the people of a stretch back; one that was put back before it could be said so is not put
/// back twice, and says again which records have to be judged.
async fn put_back_once(
    tx: &mut Tx,
    city: MunicipalityCode,
    (import, upto_line): (Uuid, i64),
    at: Instant,
    now: Instant,
) -> Result<PutBack> {
    crate::recorder::lock_chains(tx, &BTreeSet::from([city])).await?;
    let (before, done): (String, String) = tx
        .query(sql!(
            "SELECT before, done FROM import_stretch WHERE desk = $1 AND import = $2 AND upto_line = $3"
        ))
        .bind(city.as_str().to_owned())
        .bind(import.as_bytes().to_vec())
        .bind(upto_line)
        .one()
        .await?;
    if before.is_empty() {
        return from_json(&done, "done");
    }
    let before: Vec<KeptBefore> = from_json(&before, "before")?;
    let put_back = put_back(tx, (city, import), before, at, now).await?;
    tx.query(sql!(
        "UPDATE import_stretch SET before = '', done = $4
         WHERE desk = $1 AND import = $2 AND upto_line = $3"
    ))
    .bind(city.as_str().to_owned())
    .bind(import.as_bytes().to_vec())
    .bind(upto_line)
    .bind(json(&put_back))
    .expect(1)
    .await?;
    Ok(put_back)
}

/// Puts people back as they stood, but those whom somebody changed after `at`; gives the coupons
/// whose records have to be judged again.
async fn put_back(
    tx: &mut Tx,
    (city, import): (MunicipalityCode, Uuid),
    before: Vec<KeptBefore>,
    at: Instant,
    now: Instant,
) -> Result<PutBack> {
    let numbers = before.iter().map(|one| one.no.as_str());
    let untouched = residents::changed_at(tx, city, numbers, at).await?;
    let numbers: Vec<&str> = before.iter().map(|one| one.no.as_str()).collect();
    let mut lived = former_addresses::take(tx, city, import, &numbers).await?;
    let mut done = Done::default();
    let (mut gone, mut issued, mut back) = (Vec::new(), Vec::new(), Vec::new());
    for one in before {
        if !untouched.contains(&one.no) {
            done.left += 1;
            continue;
        }
        done.put_back += 1;
        issued.extend(one.issued);
        match one.was {
            None => gone.push(one.no),
            Some(was) => {
                let address = lived.remove(&one.no);
                back.push(was.resident(one.no, address)?);
            }
        }
    }
    let touched = || {
        let back = back.iter().map(|one: &Resident| one.resident_no.as_str());
        gone.iter().map(String::as_str).chain(back)
    };
    let waiting = residents::waiting(tx, city, touched(), std::iter::empty()).await?;
    let gone: Vec<&str> = gone.iter().map(String::as_str).collect();
    residents::take_out(tx, city, &gone, &issued).await?;
    let back: Vec<&Resident> = back.iter().collect();
    let named = back.iter().map(|one| one.resident_no.as_str());
    residents::drop_other_keys(tx, city, named).await?;
    residents::write(tx, city, &back, now).await?;
    Ok(PutBack { done, waiting })
}
