//! What is known of a person: sex, birth, standing, numbers; names in `people/names.rs`.

mod names;
mod question;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use thiserror::Error;

use crate::calendar::{Day, compact_parts};
use crate::digits::{Digits, DigitsRefusal};

pub use names::{Names, is_reading, search_key, sound_key};
pub use question::{QUESTION_LENGTH_MAX, Question, QuestionRefusal};

/// Sex as registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Sex {
    /// 男.
    #[serde(rename = "M")]
    Male,
    /// 女.
    #[serde(rename = "F")]
    Female,
    /// Not registered, or not said.
    #[serde(rename = "U")]
    Unknown,
}

impl Sex {
    /// Every sex, in the order the forms have them.
    pub const ALL: [Self; 3] = [Self::Male, Self::Female, Self::Unknown];

    /// The letter of the open data: `M`, `F`, `U`.
    #[must_use]
    pub fn open_data(self) -> &'static str {
        match self {
            Self::Male => "M",
            Self::Female => "F",
            Self::Unknown => "U",
        }
    }

    /// Reads the letter of the open data.
    #[must_use]
    pub fn from_open_data(letter: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|sex| sex.open_data() == letter)
    }

    /// Reads the digit of the forms: `1` 男, `2` 女, `0` or `9` 不明.
    #[must_use]
    pub fn from_form_digit(digit: &str) -> Option<Self> {
        match digit {
            "1" => Some(Self::Male),
            "2" => Some(Self::Female),
            "0" | "9" => Some(Self::Unknown),
            _ => None,
        }
    }
}

/// A birth date (生年月日) of which the day, or the month and the day, may be unknown.
///
/// It names a person, so `Debug` hides it and there is no `Display`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BirthDate {
    year: i16,
    /// Invariant: without a month there is no day.
    month: Option<i8>,
    day: Option<i8>,
}

impl BirthDate {
    /// The birth date with these parts; `None` where they fit no calendar or leave the month open
    /// and tell the day.
    #[must_use]
    pub fn new(year: i16, month: Option<i8>, day: Option<i8>) -> Option<Self> {
        Day::new(year, month.unwrap_or(1), day.unwrap_or(1))?;
        (month.is_some() || day.is_none()).then_some(Self { year, month, day })
    }

    /// Reads `YYYYMMDD`, where `00` stands for an unknown day, or month and day.
    #[must_use]
    pub fn parse_compact(text: &str) -> Option<Self> {
        let (year, month, day) = compact_parts(text)?;
        let known = |part: i8| (part != 0).then_some(part);
        Self::new(year, known(month), known(day))
    }

    /// Reads `YYYY-MM-DD`, where `00` stands for an unknown day, or month and day.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let shape = |(index, byte): (usize, u8)| (byte == b'-') == (index == 4 || index == 7);
        let is_shaped = text.len() == 10 && text.bytes().enumerate().all(shape);
        if is_shaped {
            Self::parse_compact(&text.replace('-', ""))
        } else {
            None
        }
    }

    /// The year of the common era.
    #[must_use]
    pub fn year(&self) -> i16 {
        self.year
    }

    /// The month, if it is known.
    #[must_use]
    pub fn month(&self) -> Option<i8> {
        self.month
    }

    /// The day of the month, if it is known.
    #[must_use]
    pub fn day(&self) -> Option<i8> {
        self.day
    }

    /// The first day the person may have been born on.
    #[must_use]
    pub fn earliest(&self) -> Day {
        Day::new(self.year, self.month.unwrap_or(1), self.day.unwrap_or(1)).unwrap_or(Day::FIRST)
    }

    /// The last day the person may have been born on.
    #[must_use]
    pub fn latest(&self) -> Day {
        match (self.month, self.day) {
            (Some(_), Some(_)) => self.earliest(),
            (Some(_), None) => self.earliest().plus_months(1).plus_days(-1),
            (None, _) => Day::new(self.year, 12, 31).unwrap_or(Day::LAST),
        }
    }

    /// The day, if all of it is known.
    #[must_use]
    pub fn exact(&self) -> Option<Day> {
        Day::new(self.year, self.month?, self.day?)
    }

    /// Writes `YYYY-MM-DD`, with `00` for what is unknown.
    #[must_use]
    pub fn iso(&self) -> String {
        format!(
            "{:04}-{:02}-{:02}",
            self.year,
            self.month.unwrap_or(0),
            self.day.unwrap_or(0)
        )
    }

    /// Writes `YYYYMMDD`, with `00` for what is unknown.
    #[must_use]
    pub fn compact(&self) -> String {
        format!(
            "{:04}{:02}{:02}",
            self.year,
            self.month.unwrap_or(0),
            self.day.unwrap_or(0)
        )
    }

    /// Writes the birth date for people: `1946年5月3日`, `1946年5月(日不明)`, `1946年(月日不明)`.
    #[must_use]
    pub fn japanese(&self) -> String {
        match (self.month, self.day) {
            (Some(month), Some(day)) => format!("{}年{month}月{day}日", self.year),
            (Some(month), None) => format!("{}年{month}月(日不明)", self.year),
            (None, _) => format!("{}年(月日不明)", self.year),
        }
    }
}

impl From<Day> for BirthDate {
    fn from(day: Day) -> Self {
        Self {
            year: day.year(),
            month: Some(day.month()),
            day: Some(day.day()),
        }
    }
}

impl std::fmt::Debug for BirthDate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("BirthDate(..)")
    }
}

impl Serialize for BirthDate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.iso())
    }
}

impl<'de> Deserialize<'de> for BirthDate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom("not a birth date written YYYY-MM-DD"))
    }
}

/// Whether a person lives in the city (異動), and since when not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "standing", content = "on")]
pub enum ResidentStanding {
    /// Lives in the city.
    Resident,
    /// Moved out on that day (転出).
    MovedOut(Day),
    /// Died on that day (死亡).
    Dead(Day),
    /// Taken out of the register on that day by the office (職権消除) or for another reason.
    Removed(Day),
}

impl ResidentStanding {
    /// The day the person went, if the person is gone.
    #[must_use]
    pub fn gone_since(self) -> Option<Day> {
        match self {
            Self::Resident => None,
            Self::MovedOut(day) | Self::Dead(day) | Self::Removed(day) => Some(day),
        }
    }

    /// The word in files, tables and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Resident => "resident",
            Self::MovedOut(_) => "moved_out",
            Self::Dead(_) => "dead",
            Self::Removed(_) => "removed",
        }
    }

    /// Reads that word and the day; who is gone has a day, a resident has none.
    #[must_use]
    pub fn parse(word: &str, gone_since: Option<Day>) -> Option<Self> {
        match (word, gone_since) {
            ("resident", None) => Some(Self::Resident),
            ("moved_out", Some(day)) => Some(Self::MovedOut(day)),
            ("dead", Some(day)) => Some(Self::Dead(day)),
            ("removed", Some(day)) => Some(Self::Removed(day)),
            _ => None,
        }
    }
}

/// An Individual Number (個人番号, マイナンバー): 12 digits, the last one a check digit.
///
/// `Debug` hides it, there is no `Display` and it never travels by serde: who needs the digits asks
/// for them by name. Memory that held one is wiped.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct MyNumber(Digits<12>);

impl Drop for MyNumber {
    fn drop(&mut self) {
        self.0.wipe();
    }
}

/// Why a text is no Individual Number. Says nothing that would help to guess one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum MyNumberRefusal {
    /// The character at this place (from 1) is no digit.
    #[error(
        "個人番号の{position}文字目が数字ではありません。数字12桁で入力してください。/ Character {position} of the Individual Number is not a digit. Enter 12 digits."
    )]
    NotDigits {
        /// Which character, from 1.
        position: usize,
    },
    /// Not twelve digits.
    #[error(
        "個人番号が{got}桁です。数字12桁で入力してください。/ The Individual Number has {got} digits. Enter 12."
    )]
    Length {
        /// How many there are.
        got: usize,
    },
    /// The check digit does not fit.
    #[error(
        "個人番号の検査数字が合いません。番号を確認してください。/ The check digit of the Individual Number does not fit. Check the number."
    )]
    CheckDigit,
}

impl MyNumberRefusal {
    /// The stable word for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotDigits { .. } => "my_number_not_digits",
            Self::Length { .. } => "my_number_length",
            Self::CheckDigit => "my_number_check_digit",
        }
    }
}

impl MyNumber {
    /// Reads twelve digits with a right check digit; full-width digits, blanks and hyphens are
    /// understood.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, MyNumberRefusal> {
        let digits = Digits::<12>::read(text).map_err(|refusal| match refusal {
            DigitsRefusal::NotDigits { position } => MyNumberRefusal::NotDigits { position },
            DigitsRefusal::Length { got } => MyNumberRefusal::Length { got },
        })?;
        let [first @ .., check] = digits.values();
        if check == my_number_check_digit(first) {
            Ok(Self(digits))
        } else {
            Err(MyNumberRefusal::CheckDigit)
        }
    }

    /// The twelve digits, for the one who must write them.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

/// The last digit of an Individual Number (総務省令85号第5条): weights 2 to 7, then 2 to 6, from the
/// right.
fn my_number_check_digit(first: [u8; 11]) -> u8 {
    let weights = [2_u16, 3, 4, 5, 6, 7, 2, 3, 4, 5, 6];
    let sum: u16 = first
        .iter()
        .rev()
        .zip(weights)
        .map(|(digit, weight)| u16::from(*digit) * weight)
        .sum();
    // A remainder of 1 asks for 10, which is no digit: the law gives 0, as for a remainder of 0.
    let check = (11 - sum % 11) % 11 % 10;
    u8::try_from(check).unwrap_or(0)
}

impl std::fmt::Debug for MyNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MyNumber(..)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day(text: &str) -> Day {
        Day::parse(text).unwrap()
    }

    #[test]
    fn the_forms_write_sex_as_a_digit_and_the_open_data_as_a_letter() {
        let read = ["1", "2", "0", "9", "3", ""].map(Sex::from_form_digit);
        let (male, female, unknown) = (Some(Sex::Male), Some(Sex::Female), Some(Sex::Unknown));
        assert_eq!(read, [male, female, unknown, unknown, None, None]);
        for sex in Sex::ALL {
            assert_eq!(Sex::from_open_data(sex.open_data()), Some(sex));
            assert_eq!(serde_json::to_value(sex).unwrap(), sex.open_data());
        }
    }

    #[test]
    fn an_unknown_day_of_birth_leaves_a_month_open() {
        let birth = BirthDate::parse_compact("19560200").unwrap();
        assert_eq!(
            (birth.earliest(), birth.latest()),
            (day("1956-02-01"), day("1956-02-29"))
        );
        assert_eq!(birth.exact(), None);
        assert_eq!(birth.japanese(), "1956年2月(日不明)");
    }

    #[test]
    fn an_unknown_month_of_birth_leaves_a_year_open() {
        let birth = BirthDate::parse_compact("19560000").unwrap();
        assert_eq!(
            (birth.earliest(), birth.latest()),
            (day("1956-01-01"), day("1956-12-31"))
        );
        assert_eq!(birth.japanese(), "1956年(月日不明)");
    }

    #[test]
    fn a_known_birth_date_is_one_day() {
        let birth = BirthDate::parse("1956-05-03").unwrap();
        assert_eq!(birth, BirthDate::from(day("1956-05-03")));
        assert_eq!(
            (birth.earliest(), birth.latest()),
            (day("1956-05-03"), day("1956-05-03"))
        );
        assert_eq!(birth.japanese(), "1956年5月3日");
    }

    #[test]
    fn a_birth_date_of_no_calendar_is_not_read() {
        for text in [
            "19560003",
            "19561301",
            "19570229",
            "00000000",
            "1956050",
            "１９５６０５０３",
        ] {
            assert_eq!(BirthDate::parse_compact(text), None, "{text}");
        }
        for text in ["1956-5-03", "19-56-0503", "1956/05/03", "1956-05-0３"] {
            assert_eq!(BirthDate::parse(text), None, "{text}");
        }
    }

    #[test]
    fn who_is_gone_has_a_day_and_a_resident_has_none() {
        let gone = day("2021-06-30");
        assert_eq!(ResidentStanding::Resident.gone_since(), None);
        assert_eq!(ResidentStanding::MovedOut(gone).gone_since(), Some(gone));
        assert_eq!(ResidentStanding::parse("dead", None), None);
        assert_eq!(ResidentStanding::parse("resident", Some(gone)), None);
        for standing in [
            ResidentStanding::Resident,
            ResidentStanding::MovedOut(gone),
            ResidentStanding::Dead(gone),
            ResidentStanding::Removed(gone),
        ] {
            let read = ResidentStanding::parse(standing.as_str(), standing.gone_since());
            assert_eq!(read, Some(standing));
        }
    }

    #[test]
    fn an_individual_number_has_a_check_digit() {
        assert_eq!(
            MyNumber::parse("983205673214").unwrap().as_str(),
            "983205673214"
        );
        assert_eq!(
            MyNumber::parse("９８３２－０５６７－３２１４"),
            MyNumber::parse("983205673214")
        );
        assert_eq!(
            MyNumber::parse("983205673215"),
            Err(MyNumberRefusal::CheckDigit)
        );
        assert_eq!(
            MyNumber::parse("98320567321"),
            Err(MyNumberRefusal::Length { got: 11 })
        );
        assert_eq!(
            MyNumber::parse("9832o5673214"),
            Err(MyNumberRefusal::NotDigits { position: 5 })
        );
    }

    #[test]
    fn the_log_learns_nobody() {
        assert_eq!(
            format!("{:?}", MyNumber::parse("983205673214").unwrap()),
            "MyNumber(..)"
        );
        assert_eq!(
            format!("{:?}", BirthDate::parse("1956-05-03").unwrap()),
            "BirthDate(..)"
        );
    }

    proptest! {
        #[test]
        fn a_birth_date_written_and_read_is_itself(
            year in 1..=9999_i16, month in 0..=12_i8, day in 0..=31_i8,
        ) {
            let text = format!("{year:04}{month:02}{day:02}");
            if let Some(birth) = BirthDate::parse_compact(&text) {
                prop_assert_eq!(birth.compact(), text);
                prop_assert_eq!(BirthDate::parse(&birth.iso()), Some(birth));
                prop_assert!(birth.earliest() <= birth.latest());
                let json = serde_json::to_string(&birth).unwrap();
                prop_assert_eq!(serde_json::from_str::<BirthDate>(&json).unwrap(), birth);
            }
        }

        #[test]
        fn one_last_digit_of_ten_makes_an_individual_number(first in "[0-9]{11}") {
            let right = (0..10).filter(|last| MyNumber::parse(&format!("{first}{last}")).is_ok());
            prop_assert_eq!(right.count(), 1);
        }
    }
}
