//! Places: prefectures, municipalities, wards, and what became of them.

use std::sync::LazyLock;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use thiserror::Error;

use crate::calendar::Day;
use crate::digits::{Digits, DigitsRefusal};
use crate::people::search_key;

/// Every place of the country with the days it was there.
///
/// Invariant: `places` is sorted by code, then by its first day; no two of one code share a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    places: Vec<Place>,
    /// The search keys of the place at the same index: name, kana, prefecture and name together.
    keys: Vec<[String; 3]>,
    /// The names of the prefectures, `01` first.
    prefecture_names: Vec<String>,
}

/// A place as it was between two days.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its code.
    pub code: MunicipalityCode,
    /// What it is.
    pub kind: PlaceKind,
    /// Its name (港区).
    pub name: String,
    /// Its name in hiragana (みなとく).
    pub kana: String,
    /// The prefecture it lies in.
    pub prefecture: Prefecture,
    /// The city a ward belongs to.
    pub parent: Option<MunicipalityCode>,
    /// The first day, if it is known to have begun.
    pub valid_from: Option<Day>,
    /// The last day, if it is over.
    pub valid_to: Option<Day>,
    /// Which code stands for its area after the last day (for a renaming, the same one).
    pub successor: Option<MunicipalityCode>,
}

/// What a place is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlaceKind {
    /// A prefecture (都道府県).
    Prefecture,
    /// A city, town, village or special ward (市町村・特別区): these issue coupons.
    Municipality,
    /// A ward of a designated city (政令市の行政区): its city issues the coupons.
    Ward,
    /// One of the six villages of the Northern Territories: it has a code and no office.
    NorthernVillage,
}

/// A local government code (全国地方公共団体コード): six digits, the last one a check digit.
///
/// Invariant: the check digit is right. Whether such a place exists is for [`Places`] to say.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MunicipalityCode(Digits<6>);

/// Why a text is no local government code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CodeRefusal {
    /// Something in it is no digit.
    #[error(
        "自治体コードに数字でない文字があります。数字6桁で入力してください。/ The municipality code holds something that is no digit. Enter 6 digits."
    )]
    NotDigits,
    /// Not six digits.
    #[error(
        "自治体コードが{got}桁です。検査数字を含む6桁で入力してください。/ The municipality code has {got} digits. Enter 6, with the check digit."
    )]
    Length {
        /// How many there are.
        got: usize,
    },
    /// The check digit does not fit the first five.
    #[error(
        "自治体コードが正しくありません。6桁目は{expected}のはずです。/ The municipality code is wrong: the 6th digit should be {expected}."
    )]
    CheckDigit {
        /// What the first five digits ask for.
        expected: char,
    },
}

/// A prefecture (都道府県) by its number, 1 to 47 (JIS X 0401).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Prefecture(u8);

/// How many prefectures there are.
const PREFECTURES: u8 = 47;
/// Most places a search answers with, whatever is asked: a list to choose from, not an export.
const SEARCH_LIMIT_MAX: usize = 100;

impl Places {
    /// The places that are part of the program, from `data/municipalities.csv` and
    /// `data/municipality_changes.csv`.
    #[must_use]
    pub fn bundled() -> &'static Self {
        static PLACES: LazyLock<Places> = LazyLock::new(|| {
            Places::new(
                crate::tables::bundled(include_str!("../../../data/municipalities.csv")),
                crate::tables::bundled(include_str!("../../../data/municipality_changes.csv")),
            )
        });
        &PLACES
    }

    /// The place with this code on a day.
    #[must_use]
    pub fn find(&self, code: MunicipalityCode, on: Day) -> Option<&Place> {
        self.periods(code).iter().find(|place| place.stands(on))
    }

    /// The place with this code, whatever the day: as it was last.
    #[must_use]
    pub fn any(&self, code: MunicipalityCode) -> Option<&Place> {
        self.periods(code).last()
    }

    /// The place with this code on a day, if it is one that issues coupons.
    #[must_use]
    pub fn issuer(&self, code: MunicipalityCode, on: Day) -> Option<&Place> {
        self.find(code, on).filter(|place| place.issues_coupons())
    }

    /// Whether the place with this code issues coupons or did: its ledger outlives a merger.
    #[must_use]
    pub fn ever_issued(&self, code: MunicipalityCode) -> bool {
        self.any(code).is_some_and(Place::issues_coupons)
    }

    /// The name of a prefecture (東京都).
    #[must_use]
    pub fn prefecture_name(&self, prefecture: Prefecture) -> &str {
        let index = usize::from(prefecture.number()).saturating_sub(1);
        self.prefecture_names.get(index).map_or("", String::as_str)
    }

    /// The municipalities that issue coupons on a day, by code.
    pub fn municipalities(&self, on: Day) -> impl Iterator<Item = &Place> {
        self.places
            .iter()
            .filter(move |place| place.issues_coupons() && place.stands(on))
    }

    /// The municipalities of a day that a person may mean: by name, kana, prefecture and name, or the
    /// beginning of the code. Names that are the text come first, then those that begin with it, then
    /// those that hold it; an empty text finds nothing. Never more than 100.
    #[must_use]
    pub fn search(&self, text: &str, on: Day, limit: usize) -> Vec<&Place> {
        let wanted = search_key(text);
        if wanted.is_empty() {
            return Vec::new();
        }
        let mut found: Vec<(Nearness, &Place)> = self
            .places
            .iter()
            .zip(&self.keys)
            .filter(|(place, _)| place.issues_coupons() && place.stands(on))
            .filter_map(|(place, keys)| Some((nearness(&wanted, place, keys)?, place)))
            .collect();
        found.sort_by_key(|(nearness, place)| (*nearness, place.code));
        let limit = limit.min(SEARCH_LIMIT_MAX);
        found
            .into_iter()
            .take(limit)
            .map(|(_, place)| place)
            .collect()
    }

    /// What the code meant, from the oldest period to the latest.
    fn periods(&self, code: MunicipalityCode) -> &[Place] {
        let first = self.places.partition_point(|place| place.code < code);
        let rest = self.places.get(first..).unwrap_or_default();
        // One or two; the rest of the list is somebody else's.
        let periods = rest.iter().take_while(|place| place.code == code);
        rest.get(..periods.count()).unwrap_or_default()
    }

    fn new(today: Vec<TodayRow>, changes: Vec<ChangeRow>) -> Self {
        let mut places: Vec<Place> = today.into_iter().filter_map(TodayRow::place).collect();
        for change in &changes {
            if change.kind != ChangeKind::Absorbed {
                let new = places
                    .iter_mut()
                    .find(|place| place.code == change.new_code);
                if let Some(place) = new {
                    place.valid_from = Some(change.date);
                }
            }
        }
        places.extend(changes.into_iter().filter_map(ChangeRow::place));
        places.sort_by_key(|place| (place.code, place.valid_from, place.valid_to.is_none()));
        let prefecture_names: Vec<String> = places
            .iter()
            .filter(|place| place.kind == PlaceKind::Prefecture)
            .map(|place| place.name.clone())
            .collect();
        let keys = places
            .iter()
            .map(|place| keys_of(place, &prefecture_names))
            .collect();
        Self {
            places,
            keys,
            prefecture_names,
        }
    }
}

fn keys_of(place: &Place, prefecture_names: &[String]) -> [String; 3] {
    let index = usize::from(place.prefecture.number()).saturating_sub(1);
    let prefecture = prefecture_names.get(index).map_or("", String::as_str);
    [
        search_key(&place.name),
        search_key(&place.kana),
        search_key(&format!("{prefecture}{}", place.name)),
    ]
}

/// How near a place is to what was asked: nearest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Nearness {
    Same,
    Begins,
    Holds,
}

fn nearness(wanted: &str, place: &Place, keys: &[String; 3]) -> Option<Nearness> {
    if keys.iter().any(|key| key == wanted) {
        Some(Nearness::Same)
    } else if keys.iter().any(|key| key.starts_with(wanted))
        || place.code.as_str().starts_with(wanted)
    {
        Some(Nearness::Begins)
    } else if keys.iter().any(|key| key.contains(wanted)) {
        Some(Nearness::Holds)
    } else {
        None
    }
}

impl Place {
    /// Whether the place was there on a day.
    #[must_use]
    pub fn stands(&self, on: Day) -> bool {
        self.valid_from.is_none_or(|first| first <= on)
            && self.valid_to.is_none_or(|last| on <= last)
    }

    /// Whether the place is of the kind that issues coupons.
    #[must_use]
    pub fn issues_coupons(&self) -> bool {
        self.kind == PlaceKind::Municipality
    }
}

/// A row of `data/municipalities.csv`: a place of today.
#[derive(Debug, Deserialize)]
struct TodayRow {
    code: MunicipalityCode,
    r#type: PlaceKind,
    name: String,
    kana_hira: String,
    parent_city_code: Option<MunicipalityCode>,
    note: String,
}

impl TodayRow {
    /// The place, unless its code lies in no prefecture.
    fn place(self) -> Option<Place> {
        let kind = if self.note == "northern-territories" {
            PlaceKind::NorthernVillage
        } else {
            self.r#type
        };
        Some(Place {
            prefecture: self.code.prefecture()?,
            code: self.code,
            kind,
            name: self.name,
            kana: self.kana_hira,
            parent: self.parent_city_code,
            valid_from: None,
            valid_to: None,
            successor: None,
        })
    }
}

/// A row of `data/municipality_changes.csv`: a code or a name that is no more.
#[derive(Debug, Deserialize)]
struct ChangeRow {
    date: Day,
    kind: ChangeKind,
    old_code: MunicipalityCode,
    old_type: PlaceKind,
    old_name: String,
    old_kana_hira: String,
    old_parent_city_code: Option<MunicipalityCode>,
    new_code: MunicipalityCode,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ChangeKind {
    /// The new code began on that day.
    CodeChanged,
    /// The new code was there before, or another row tells when it began.
    Absorbed,
    /// The code stayed, the name changed.
    Renamed,
}

impl ChangeRow {
    /// The place as it was until the day before.
    fn place(self) -> Option<Place> {
        Some(Place {
            prefecture: self.old_code.prefecture()?,
            code: self.old_code,
            kind: self.old_type,
            name: self.old_name,
            kana: self.old_kana_hira,
            parent: self.old_parent_city_code,
            valid_from: None,
            valid_to: Some(self.date.plus_days(-1)),
            successor: Some(self.new_code),
        })
    }
}

impl MunicipalityCode {
    /// Reads six digits with a right check digit; full-width digits, blanks and hyphens are
    /// understood.
    ///
    /// # Errors
    /// What is wrong with it; for a wrong check digit also the right one.
    pub fn parse(text: &str) -> Result<Self, CodeRefusal> {
        let digits = Digits::<6>::read(text).map_err(|refusal| match refusal {
            DigitsRefusal::NotDigits { .. } => CodeRefusal::NotDigits,
            DigitsRefusal::Length { got } => CodeRefusal::Length { got },
        })?;
        let [first @ .., check] = digits.values();
        let expected = check_digit(first);
        if check == expected {
            Ok(Self(digits))
        } else {
            Err(CodeRefusal::CheckDigit {
                expected: char::from(b'0' + expected),
            })
        }
    }

    /// The six digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The code without its check digit, as a number.
    pub(crate) fn first_five(self) -> u32 {
        let [first @ .., _] = self.0.values();
        first
            .iter()
            .fold(0, |sum, digit| sum * 10 + u32::from(*digit))
    }

    /// The code with that number, if it lies in a prefecture.
    pub(crate) fn from_first_five(number: u32) -> Option<Self> {
        let text = format!("{number:05}");
        let digits = Digits::<5>::from_ascii(text.as_bytes())?.values();
        let code = format!("{text}{}", check_digit(digits));
        let code = Self(Digits::from_ascii(code.as_bytes())?);
        code.prefecture().is_some().then_some(code)
    }

    /// The prefecture the code lies in, if its first two digits name one.
    #[must_use]
    pub fn prefecture(&self) -> Option<Prefecture> {
        let [tens, ones, ..] = self.0.values();
        Prefecture::new(tens * 10 + ones)
    }
}

/// The last digit of a local government code: 11 less the weighted sum modulo 11, its last digit.
fn check_digit(first: [u8; 5]) -> u8 {
    let weighted = |(digit, weight): (&u8, u8)| digit * weight;
    let sum: u8 = first.iter().zip([6, 5, 4, 3, 2]).map(weighted).sum();
    (11 - sum % 11) % 10
}

impl CodeRefusal {
    /// The stable word for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotDigits => "municipality_not_digits",
            Self::Length { .. } => "municipality_length",
            Self::CheckDigit { .. } => "municipality_check_digit",
        }
    }
}

impl std::fmt::Display for MunicipalityCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::fmt::Debug for MunicipalityCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MunicipalityCode({self})")
    }
}

impl Serialize for MunicipalityCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for MunicipalityCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

impl Prefecture {
    /// The prefecture with this number, 1 to 47.
    #[must_use]
    pub fn new(number: u8) -> Option<Self> {
        (1..=PREFECTURES).contains(&number).then_some(Self(number))
    }

    /// Reads `01` to `47`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_plain = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        if is_plain {
            Self::new(text.parse().ok()?)
        } else {
            None
        }
    }

    /// Every prefecture, from north to south.
    pub fn all() -> impl Iterator<Item = Self> {
        (1..=PREFECTURES).map(Self)
    }

    /// The number, 1 to 47.
    #[must_use]
    pub fn number(self) -> u8 {
        self.0
    }
}

impl std::fmt::Display for Prefecture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:02}", self.0)
    }
}

impl std::fmt::Debug for Prefecture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Prefecture({self})")
    }
}

impl Serialize for Prefecture {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Prefecture {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom("not a prefecture from 01 to 47"))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn code(text: &str) -> MunicipalityCode {
        MunicipalityCode::parse(text).unwrap()
    }

    fn day(text: &str) -> Day {
        Day::parse(text).unwrap()
    }

    fn names(found: &[&Place]) -> Vec<String> {
        found.iter().map(|place| place.name.clone()).collect()
    }

    #[test]
    fn the_codes_of_the_paper_have_right_check_digits() {
        for text in [
            "010006", "011002", "130001", "131016", "131041", "221309", "261009", "271004",
            "473821",
        ] {
            assert_eq!(code(text).as_str(), text);
        }
    }

    #[test]
    fn a_wrong_code_says_what_is_wrong() {
        let refusal = |text| MunicipalityCode::parse(text).unwrap_err();
        assert_eq!(refusal("131017"), CodeRefusal::CheckDigit { expected: '6' });
        assert_eq!(refusal("13101"), CodeRefusal::Length { got: 5 });
        assert_eq!(refusal("13l016"), CodeRefusal::NotDigits);
    }

    #[test]
    fn every_code_of_the_tables_has_a_right_check_digit() {
        let tables = [
            (
                include_str!("../../../data/municipalities.csv"),
                vec![0, 4, 5],
            ),
            (
                include_str!("../../../data/municipality_changes.csv"),
                vec![2, 6, 7],
            ),
            (
                include_str!("../../../data/municipality_populations.csv"),
                vec![0],
            ),
        ];
        for (table, columns) in tables {
            let mut rows = csv::Reader::from_reader(table.as_bytes());
            for row in rows.records().map(Result::unwrap) {
                for cell in columns.iter().map(|column| &row[*column]) {
                    assert!(
                        cell.is_empty() || MunicipalityCode::parse(cell).is_ok(),
                        "{row:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn there_are_47_prefectures_and_1741_issuers() {
        let places = Places::bundled();
        let is_prefecture = |place: &&Place| place.kind == PlaceKind::Prefecture;
        assert_eq!(places.places.iter().filter(is_prefecture).count(), 47);
        for on in ["2021-04-12", "2023-12-31", "2024-01-01", "2026-04-01"] {
            assert_eq!(places.municipalities(day(on)).count(), 1_741, "{on}");
        }
        for prefecture in Prefecture::all() {
            assert!(!places.prefecture_name(prefecture).is_empty());
        }
        assert_eq!(
            places.prefecture_name(Prefecture::new(13).unwrap()),
            "東京都"
        );
    }

    #[test]
    fn every_prefecture_has_issuers_and_every_ward_a_city() {
        let places = Places::bundled();
        let on = day("2021-04-12");
        let prefectures: BTreeSet<_> = places
            .municipalities(on)
            .map(|one| one.prefecture)
            .collect();
        assert_eq!(prefectures.len(), 47);
        for ward in places
            .places
            .iter()
            .filter(|place| place.kind == PlaceKind::Ward)
        {
            assert!(
                places.issuer(ward.parent.unwrap(), on).is_some(),
                "{ward:?}"
            );
        }
    }

    #[test]
    fn no_two_periods_of_a_code_share_a_day_and_every_successor_is_there() {
        let places = Places::bundled();
        for pair in places
            .places
            .windows(2)
            .filter(|pair| pair[0].code == pair[1].code)
        {
            assert!(
                pair[0].valid_to.unwrap() < pair[1].valid_from.unwrap(),
                "{pair:?}"
            );
        }
        for place in &places.places {
            let next = place.valid_to.map(|last| last.plus_days(1));
            assert_eq!(place.successor.is_some(), next.is_some(), "{place:?}");
            if let (Some(successor), Some(next)) = (place.successor, next) {
                assert!(places.find(successor, next).is_some(), "{place:?}");
            }
        }
    }

    #[test]
    fn wards_prefectures_and_the_northern_villages_issue_nothing() {
        let places = Places::bundled();
        let on = day("2021-04-12");
        for text in ["011011", "130001", "016951"] {
            assert!(places.find(code(text), on).is_some(), "{text}");
            assert_eq!(places.issuer(code(text), on), None, "{text}");
            assert!(!places.ever_issued(code(text)), "{text}");
        }
        assert_eq!(places.issuer(code("131016"), on).unwrap().name, "千代田区");
        assert_eq!(places.any(code("999997")), None);
    }

    #[test]
    fn the_wards_of_hamamatsu_changed_with_the_year_2024() {
        let places = Places::bundled();
        let (last, first) = (day("2023-12-31"), day("2024-01-01"));
        let north = places.find(code("221368"), last).unwrap();
        assert_eq!(
            (north.name.as_str(), north.successor),
            ("浜北区", Some(code("221392")))
        );
        assert_eq!(places.find(code("221368"), first), None);
        assert_eq!(places.find(code("221392"), last), None);
        assert_eq!(places.find(code("221392"), first).unwrap().name, "浜名区");
        assert!(places.issuer(code("221309"), last).is_some());
    }

    #[test]
    fn a_town_that_became_a_city_keeps_its_old_ledger() {
        let places = Places::bundled();
        let (town, city) = (code("403059"), code("402311"));
        let on = day("2018-09-30");
        assert_eq!(places.issuer(town, on).unwrap().name, "那珂川町");
        assert_eq!(places.issuer(city, on), None);
        assert_eq!(places.issuer(town, on.plus_days(1)), None);
        assert_eq!(
            places.issuer(city, on.plus_days(1)).unwrap().name,
            "那珂川市"
        );
        assert!(places.ever_issued(town));
        assert_eq!(places.any(town).unwrap().successor, Some(city));
    }

    #[test]
    fn a_city_that_only_changed_its_name_has_one_code_and_two_names() {
        let places = Places::bundled();
        let name = |on| places.find(code("282219"), day(on)).unwrap().name.as_str();
        assert_eq!(name("2019-04-30"), "篠山市");
        assert_eq!(name("2019-05-01"), "丹波篠山市");
        assert_eq!(places.any(code("282219")).unwrap().name, "丹波篠山市");
    }

    #[test]
    fn a_place_is_found_by_name_kana_prefecture_or_code() {
        let places = Places::bundled();
        let search = |text| names(&places.search(text, day("2021-04-12"), 5));
        assert_eq!(search("港区"), ["港区"]);
        assert_eq!(search("みなとく"), ["港区"]);
        assert_eq!(search("東京都港区"), ["港区"]);
        assert_eq!(search("１３１０３２"), ["港区"]);
        assert_eq!(search("龍ヶ崎"), ["龍ケ崎市"]);
        assert_eq!(search("府中"), ["府中市", "府中市", "府中町"]);
        assert_eq!(search(""), Vec::<String>::new());
        assert_eq!(
            places.search("市", day("2021-04-12"), usize::MAX).len(),
            100
        );
    }

    #[test]
    fn prefectures_are_two_digits() {
        assert_eq!(Prefecture::parse("01").map(Prefecture::number), Some(1));
        for text in ["00", "48", "1", "+1", "１３", ""] {
            assert_eq!(Prefecture::parse(text), None, "{text}");
        }
        let tokyo = Prefecture::new(13).unwrap();
        assert_eq!(serde_json::to_string(&tokyo).unwrap(), "\"13\"");
        assert_eq!(code("131016").prefecture(), Some(tokyo));
        assert_eq!(code("999997").prefecture(), None);
    }

    fn checked(first: &str) -> Option<MunicipalityCode> {
        (0..10).find_map(|check| MunicipalityCode::parse(&format!("{first}{check}")).ok())
    }

    proptest! {
        #[test]
        fn one_check_digit_of_ten_fits(first in "[0-9]{5}") {
            let fits = |check: &u8| MunicipalityCode::parse(&format!("{first}{check}")).is_ok();
            prop_assert_eq!((0..10).filter(fits).count(), 1);
        }

        #[test]
        fn a_code_read_back_is_itself(first in "[0-9]{5}") {
            let code = checked(&first).unwrap();
            prop_assert_eq!(MunicipalityCode::parse(code.as_str()), Ok(code));
            let json = serde_json::to_string(&code).unwrap();
            prop_assert_eq!(serde_json::from_str::<MunicipalityCode>(&json).unwrap(), code);
        }
    }

    #[test]
    fn one_misread_digit_mostly_breaks_a_code_and_seldom_makes_another_city() {
        let places = Places::bundled();
        let (mut misread, mut passed, mut astray) = (0_u32, 0_u32, 0_u32);
        for place in places.municipalities(day("2021-04-12")) {
            for position in 0..6 {
                for digit in '0'..='9' {
                    let mut text: Vec<char> = place.code.as_str().chars().collect();
                    if text[position] == digit {
                        continue;
                    }
                    text[position] = digit;
                    misread += 1;
                    if let Ok(other) = MunicipalityCode::parse(&String::from_iter(text)) {
                        passed += 1;
                        astray += u32::from(places.ever_issued(other));
                    }
                }
            }
        }
        assert!(
            passed * 50 < misread,
            "{passed} of {misread} pass the check digit"
        );
        assert!(astray <= passed);
    }
}
