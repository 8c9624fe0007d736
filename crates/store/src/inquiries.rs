//! Inquiries about people who moved in (転入者の照会): asked of all cities at once, answered with doses,
//! and written down with both sides.
//!
//! The asking city keeps who asked what for and how many doses were told; each city that answered
//! keeps that its person was asked about. Both access logs have it in the transaction that answers.
//! An Individual Number is not kept here at all: what leads to the person is its keyed lookup.

pub mod files;

use std::collections::{BTreeMap, BTreeSet};

use domain::access::{Action, CityPermit, NumberPermit, NumberPurpose};
use domain::calendar::Instant;
use domain::coupons::CouponNumber;
use domain::doses::Standing;
use domain::inquiries::{self, Answer, Holding, Question};
use domain::people::{BirthDate, MyNumber};
use domain::places::MunicipalityCode;
use uuid::Uuid;

use crate::accounts::uuid;
use crate::audit::{self, View};
use crate::db::{Db, Table, Tx, sql, transact};
use crate::doses::{DoseRow, Record};
use crate::error::{Error, Result};
use crate::seals::{Found, Holder, Ids, SealFault, Seals};

/// Inquiries on one page at most.
pub const LISTED_MAX: i64 = 100;
/// The word of an inquiry in the access logs.
pub const VIEW: &str = "inquiry";

/// Whose number was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// That of one's own resident, from under its seal.
    Resident,
    /// One that was typed.
    Number,
    /// One in a file.
    File,
}

impl Way {
    const ALL: [Self; 3] = [Self::Resident, Self::Number, Self::File];

    /// The word in tables and texts.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Resident => "resident",
            Self::Number => "number",
            Self::File => "file",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|way| way.as_str() == word)
    }
}

/// An inquiry and its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// The inquiry's id.
    pub id: Uuid,
    /// What the other cities told.
    pub answer: Answer,
    /// The person's coupon number in the asking city, if in its register.
    pub own: Option<CouponNumber>,
    /// How many cities answered: none as well where none may be told.
    pub cities: usize,
}

/// What came of asking about one's own resident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OfResident {
    /// The answer.
    Answered(Box<Answered>),
    /// There is no such coupon number here.
    NotRegistered,
    /// No Individual Number is kept of this resident.
    NoNumber,
}

/// Asks all cities about a resident of one's own, whose sealed number is taken and not shown.
///
/// # Errors
/// The database's and [`SealFault`]; then nothing was told.
pub async fn ask_of_resident(
    db: &Db,
    seals: &Seals,
    permit: &NumberPermit,
    number: CouponNumber,
    at: Instant,
    id: Ids<'_>,
) -> Result<OfResident> {
    permit
        .allows(Action::FindByNumber)
        .map_err(SealFault::from)?;
    let city = permit.city();
    transact!(db, |tx| {
        let resident: Option<(String, String)> = tx
            .query(sql!(
                "SELECT p.resident_no, p.birth FROM coupon AS c
                 JOIN resident AS p ON p.municipality = c.municipality AND p.resident_no = c.resident_no
                 WHERE c.municipality = $1 AND c.number = $2"
            ))
            .bind(city.as_str().to_owned())
            .bind(number.as_str().to_owned())
            .optional()
            .await?;
        match resident {
            None => OfResident::NotRegistered,
            Some((resident_no, birth)) => {
                let birth = birth_date(&birth)?;
                match seals
                    .lookup_of_resident(&mut tx, city, &resident_no)
                    .await?
                {
                    None => OfResident::NoNumber,
                    Some(lookup) => {
                        let put = Put {
                            id: id(),
                            lookup,
                            birth,
                            asked: None,
                        };
                        let mut all =
                            answer(&mut tx, seals, permit, &[put], Way::Resident, at, id).await?;
                        OfResident::Answered(Box::new(all.pop().ok_or(Error::Busy)?))
                    }
                }
            }
        }
    })
}

/// Asks all cities about the person of a number and a birth date.
///
/// # Errors
/// As [`ask_of_resident`].
pub async fn ask_by_number(
    db: &Db,
    seals: &Seals,
    permit: &NumberPermit,
    (number, birth): (&MyNumber, BirthDate),
    at: Instant,
    id: Ids<'_>,
) -> Result<Answered> {
    permit
        .allows(Action::FindByNumber)
        .map_err(SealFault::from)?;
    transact!(db, |tx| {
        let mut lookups = seals.lookups(&mut tx, std::iter::once(number), at).await?;
        let put = Put {
            id: id(),
            lookup: lookups.pop().ok_or(Error::Busy)?,
            birth,
            asked: None,
        };
        let mut all = answer(&mut tx, seals, permit, &[put], Way::Number, at, id).await?;
        all.pop().ok_or(Error::Busy)?
    })
}

/// A question as it is put.
struct Put {
    id: Uuid,
    lookup: Vec<u8>,
    birth: BirthDate,
    asked: Option<MunicipalityCode>,
}

/// Answers questions in their order, and writes each down with both sides and in both access logs.
async fn answer(
    tx: &mut Tx,
    seals: &Seals,
    permit: &NumberPermit,
    puts: &[Put],
    way: Way,
    at: Instant,
    id: Ids<'_>,
) -> Result<Vec<Answered>> {
    let lookups: Vec<Vec<u8>> = puts.iter().map(|put| put.lookup.clone()).collect();
    let found = seals.holders(tx, &lookups).await?;
    let held = holdings(tx, &found).await?;
    let mut answered = Vec::with_capacity(puts.len());
    for (put, found) in puts.iter().zip(&found) {
        let holders = found
            .holders
            .iter()
            .filter_map(|holder| Some((holder, held.get(&key(holder))?)));
        let (holders, holdings): (Vec<&Holder>, Vec<Holding>) =
            holders.map(|(holder, held)| (holder, held.clone())).unzip();
        let question = Question {
            asking: permit.city(),
            birth: put.birth,
            asked: put.asked,
        };
        let answer = inquiries::answer(&question, &holdings);
        let own = answer
            .own
            .and_then(|place| Some((*holders.get(place)?, holdings.get(place)?.number)));
        let told = Told {
            permit,
            way,
            at,
            put,
            answer: &answer,
        };
        told.write_asked(tx, own, id()).await?;
        for (place, doses) in &answer.answered_from {
            if let (Some(holder), Some(held)) = (holders.get(*place), holdings.get(*place)) {
                told.write_answered(tx, holder, held.number, *doses, id)
                    .await?;
            }
        }
        answered.push(Answered {
            id: put.id,
            cities: told.cities(),
            own: own.map(|(_, number)| number),
            answer,
        });
    }
    Ok(answered)
}

/// An answer that is being written down.
struct Told<'a> {
    permit: &'a NumberPermit,
    way: Way,
    at: Instant,
    put: &'a Put,
    answer: &'a Answer,
}

impl Told<'_> {
    /// How many cities told a dose. Of a protected person not even that is told.
    fn cities(&self) -> usize {
        let with_doses = self.answer.answered_from.iter();
        match self.answer.is_withheld {
            true => 0,
            false => with_doses.filter(|(_, doses)| *doses > 0).count(),
        }
    }

    async fn write_asked(
        &self,
        tx: &mut Tx,
        own: Option<(&Holder, CouponNumber)>,
        log_id: Uuid,
    ) -> Result<()> {
        let city = self.permit.city();
        let number = own.map(|(_, number)| number);
        self.log(tx, city, number, log_id).await?;
        tx.query(sql!(
            "INSERT INTO inquiry (municipality, id, at_micros, by_user, organisation, purpose, way, resident_no,
                                  number, doses, cities)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
        ))
        .bind(city.as_str().to_owned())
        .bind(self.put.id.as_bytes().to_vec())
        .bind(self.at.micros())
        .bind(self.permit.actor().user.0.as_bytes().to_vec())
        .bind(self.permit.actor().organisation.0.as_bytes().to_vec())
        .bind(self.permit.purpose().as_str().to_owned())
        .bind(self.way.as_str().to_owned())
        .bind(own.map(|(holder, _)| holder.resident_no.clone()))
        .bind(number.map(|number| number.as_str().to_owned()))
        .bind(whole(self.answer.doses.len()))
        .bind(whole(self.cities()))
        .expect(1)
        .await
    }

    async fn write_answered(
        &self,
        tx: &mut Tx,
        holder: &Holder,
        number: CouponNumber,
        doses: usize,
        id: Ids<'_>,
    ) -> Result<()> {
        let city = holder.municipality;
        self.log(tx, city, Some(number), id()).await?;
        tx.query(sql!(
            "INSERT INTO inquiry_answer (municipality, id, inquiry, asking, at_micros, by_user, purpose, way,
                                         resident_no, number, doses, withheld)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
        ))
        .bind(city.as_str().to_owned())
        .bind(id().as_bytes().to_vec())
        .bind(self.put.id.as_bytes().to_vec())
        .bind(self.permit.city().as_str().to_owned())
        .bind(self.at.micros())
        .bind(self.permit.actor().user.0.as_bytes().to_vec())
        .bind(self.permit.purpose().as_str().to_owned())
        .bind(self.way.as_str().to_owned())
        .bind(holder.resident_no.clone())
        .bind(number.as_str().to_owned())
        .bind(whole(doses))
        .bind(i64::from(self.answer.is_withheld))
        .expect(1)
        .await
    }

    async fn log(
        &self,
        tx: &mut Tx,
        city: MunicipalityCode,
        number: Option<CouponNumber>,
        id: Uuid,
    ) -> Result<()> {
        let view = View {
            id,
            at: self.at,
            number,
            view: VIEW.to_owned(),
            purpose: self.permit.purpose().as_str().to_owned(),
        };
        let is_withheld = self.answer.is_withheld;
        audit::look_from(tx, self.permit.actor(), city, &view, is_withheld).await
    }
}

fn whole(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

type Key = (MunicipalityCode, String);

fn key(holder: &Holder) -> Key {
    (holder.municipality, holder.resident_no.clone())
}

fn bad(table: &'static str, column: &'static str) -> Error {
    Error::Inconsistent { table, column }
}

fn birth_date(text: &str) -> Result<BirthDate> {
    BirthDate::parse(text).ok_or_else(|| bad("resident", "birth"))
}

fn city_of(text: &str, table: &'static str) -> Result<MunicipalityCode> {
    MunicipalityCode::parse(text).map_err(|_| bad(table, "municipality"))
}

fn number_of(text: &str, table: &'static str) -> Result<CouponNumber> {
    CouponNumber::parse(text).map_err(|_| bad(table, "number"))
}

#[derive(sqlx_macros::FromRow)]
struct RegisterRow {
    municipality: String,
    resident_no: String,
    number: String,
    birth: String,
    protected: i64,
}

/// A record, and whose.
#[derive(sqlx_macros::FromRow)]
struct HeldRow {
    holder: String,
    #[sqlx(flatten)]
    dose: DoseRow,
}

/// What the cities hold of the people who were found.
async fn holdings(tx: &mut Tx, found: &[Found]) -> Result<BTreeMap<Key, Holding>> {
    let keys: BTreeSet<Key> = found
        .iter()
        .flat_map(|found| found.holders.iter().map(key))
        .collect();
    let table = || {
        Table::default()
            .text(keys.iter().map(|(city, _)| city.as_str()))
            .text(keys.iter().map(|(_, no)| no.as_str()))
    };
    let people: Vec<RegisterRow> = tx
        .many(
            sql!(
                "WITH k (municipality, resident_no) AS ({rows: text, text})
                 SELECT p.municipality, p.resident_no, p.number, p.birth, p.protected
                 FROM k CROSS JOIN resident AS p
                 WHERE p.municipality = k.municipality AND p.resident_no = k.resident_no"
            ),
            table(),
        )
        .all()
        .await?;
    let mut held = BTreeMap::new();
    for row in people {
        let city = city_of(&row.municipality, "resident")?;
        let holding = Holding {
            city,
            number: number_of(&row.number, "resident")?,
            birth: birth_date(&row.birth)?,
            protected: row.protected == 1,
            records: Vec::new(),
        };
        held.insert((city, row.resident_no), holding);
    }
    let doses: Vec<HeldRow> = tx
        .many(
            sql!(
                "WITH k (municipality, resident_no) AS ({rows: text, text})
                 SELECT c.resident_no AS holder, d.* FROM k CROSS JOIN coupon AS c CROSS JOIN dose AS d
                 WHERE c.municipality = k.municipality AND c.resident_no = k.resident_no
                   AND d.municipality = c.municipality AND d.number = c.number"
            ),
            table(),
        )
        .all()
        .await?;
    for HeldRow { holder, dose } in doses {
        let record = Record::try_from(dose)?;
        if let Some(held) = held.get_mut(&(record.municipality, holder)) {
            let standing: Standing = record.standing;
            held.records.push((record.facts(), standing));
        }
    }
    Ok(held)
}

/// An inquiry in the asking city's list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inquiry {
    /// Its id.
    pub id: Uuid,
    /// When.
    pub at: Instant,
    /// Who asked; empty if the account is gone.
    pub by_name: String,
    /// What for.
    pub purpose: NumberPurpose,
    /// Whose number was taken.
    pub way: Way,
    /// The person's coupon number in the city, if in its register then.
    pub number: Option<CouponNumber>,
    /// Doses that were told.
    pub doses: i64,
    /// Cities that told one; none of a protected person.
    pub cities: i64,
}

#[derive(sqlx_macros::FromRow)]
struct InquiryRow {
    id: Vec<u8>,
    at_micros: i64,
    by_name: Option<String>,
    purpose: String,
    way: String,
    number: Option<String>,
    doses: i64,
    cities: i64,
}

/// The city's inquiries that were not put by a file, the latest first.
///
/// # Errors
/// The database's.
pub async fn list(db: &Db, permit: &CityPermit) -> Result<Vec<Inquiry>> {
    let rows: Vec<InquiryRow> = db
        .query(sql!(
            "SELECT i.id, i.at_micros, a.name AS by_name, i.purpose, i.way, i.number, i.doses, i.cities
             FROM inquiry AS i LEFT JOIN account AS a ON a.id = i.by_user
             WHERE i.municipality = $1 AND i.way <> 'file' ORDER BY i.id DESC LIMIT $2"
        ))
        .bind(permit.city().as_str().to_owned())
        .bind(LISTED_MAX)
        .all()
        .await?;
    let inquiry = |row: InquiryRow| {
        Ok(Inquiry {
            id: uuid(&row.id, "inquiry", "id")?,
            at: Instant::from_micros(row.at_micros),
            by_name: row.by_name.unwrap_or_default(),
            purpose: purpose_of(&row.purpose, "inquiry")?,
            way: Way::parse(&row.way).ok_or_else(|| bad("inquiry", "way"))?,
            number: row
                .number
                .map(|number| number_of(&number, "inquiry"))
                .transpose()?,
            doses: row.doses,
            cities: row.cities,
        })
    };
    rows.into_iter().map(inquiry).collect()
}

fn purpose_of(word: &str, table: &'static str) -> Result<NumberPurpose> {
    NumberPurpose::parse(word).ok_or_else(|| bad(table, "purpose"))
}

/// That a person of the city was asked about by another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskedAbout {
    /// Its id, for the next page.
    pub id: Uuid,
    /// When.
    pub at: Instant,
    /// The person's coupon number in the city.
    pub number: CouponNumber,
    /// What for.
    pub purpose: NumberPurpose,
    /// Whether a file asked, and not somebody at a desk.
    pub by_file: bool,
    /// Doses that were told.
    pub doses: i64,
    /// The city that asked and who there; none for a protected person (支援措置), whose new city it may
    /// be.
    pub asking: Option<(MunicipalityCode, String)>,
}

#[derive(sqlx_macros::FromRow)]
struct AskedRow {
    id: Vec<u8>,
    at_micros: i64,
    number: String,
    purpose: String,
    way: String,
    doses: i64,
    asking: Option<String>,
    by_name: Option<String>,
}

/// Who asked about the city's people, the latest first; `before` is the last id of the page before.
///
/// # Errors
/// The database's.
pub async fn asked_about(
    db: &Db,
    permit: &CityPermit,
    before: Option<Uuid>,
) -> Result<Vec<AskedAbout>> {
    let rows: Vec<AskedRow> = db
        .query(sql!(
            "SELECT i.id, i.at_micros, i.number, i.purpose, i.way, i.doses,
                    CASE WHEN i.withheld = 1 OR p.protected = 1 THEN NULL ELSE i.asking END AS asking,
                    CASE WHEN i.withheld = 1 OR p.protected = 1 THEN NULL ELSE a.name END AS by_name
             FROM inquiry_answer AS i
             LEFT JOIN account AS a ON a.id = i.by_user
             LEFT JOIN resident AS p ON p.municipality = i.municipality AND p.resident_no = i.resident_no
             WHERE i.municipality = $1 AND i.id < $2 ORDER BY i.id DESC LIMIT $3"
        ))
        .bind(permit.city().as_str().to_owned())
        .bind(before.unwrap_or(Uuid::max()).as_bytes().to_vec())
        .bind(LISTED_MAX)
        .all()
        .await?;
    let asked = |row: AskedRow| {
        let asking = row
            .asking
            .map(|code| city_of(&code, "inquiry_answer"))
            .transpose()?;
        Ok(AskedAbout {
            id: uuid(&row.id, "inquiry_answer", "id")?,
            at: Instant::from_micros(row.at_micros),
            number: number_of(&row.number, "inquiry_answer")?,
            purpose: purpose_of(&row.purpose, "inquiry_answer")?,
            by_file: Way::parse(&row.way) == Some(Way::File),
            doses: row.doses,
            asking: asking.map(|city| (city, row.by_name.unwrap_or_default())),
        })
    };
    rows.into_iter().map(asked).collect()
}
