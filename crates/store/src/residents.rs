//! The people a city is responsible for (接種対象者), and the coupon numbers issued to them.

mod loading;
mod looking;
mod placing;
mod search_keys;

pub(crate) use loading::judge_again;
pub use loading::{Loaded, load};
pub(crate) use looking::{changed_at, is_empty, known, owners, waiting};
pub(crate) use placing::{Before, Placed, addressed, place, place_new, take_out, write};
pub(crate) use search_keys::drop_other_keys;
pub use search_keys::{Keys, make_keys};

use std::collections::BTreeSet;

use domain::addresses::Address;
use domain::calendar::{Day, Instant};
use domain::coupons::CouponNumber;
use domain::people::{BirthDate, Names, ResidentStanding, Sex};
use domain::places::MunicipalityCode;
use serde::{Deserialize, Serialize};

use crate::db::{Table, Tx, sql};
use crate::error::{Error, Result};

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

#[derive(sqlx_macros::FromRow)]
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
#[derive(sqlx_macros::FromRow)]
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

fn keys<'a>(city: MunicipalityCode, keys: impl Iterator<Item = &'a str>) -> Table {
    let keys: BTreeSet<&str> = keys.collect();
    Table::default()
        .text(keys.iter().map(|_| city.as_str()))
        .text(keys.iter().copied())
}
