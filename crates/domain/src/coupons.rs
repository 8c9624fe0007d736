//! The coupon (接種券): 18 digits `K D MMMMMM NNNNNNNNNN` (`TB/130`).
//!
//! Kind, turn, municipality, number. Only the municipality carries a check digit, so a misread
//! number is found by nobody but the register of the city.

use std::sync::LazyLock;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use thiserror::Error;

use crate::digits::{Digits, DigitsRefusal};
use crate::places::{CodeRefusal, MunicipalityCode};

/// The 18 digits of a coupon exactly as read, whatever they mean.
///
/// They name a person, so `Debug` hides the number and there is no `Display`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CouponLine(Digits<18>);

/// What the 18 digits say.
///
/// The person is `(municipality, number)`; the dose is that and the turn.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Coupon {
    /// What the kind digit means.
    pub kind: CouponKind,
    /// The kind digit (券種) as printed.
    pub kind_digit: u8,
    /// The turn digit (回数): which dose, counted through; `0` where the print leaves it open.
    pub turn_digit: u8,
    /// The city that issued the coupon and keeps the ledger. Whether there is such a city is for
    /// [`crate::places::Places`] to say.
    pub municipality: MunicipalityCode,
    /// The person's number in that city.
    pub number: CouponNumber,
}

/// A coupon number (券番号): ten digits without a check digit, unique in one municipality only.
///
/// The same number serves every dose of a person there (`bnck`, saichat). It names a person, so
/// `Debug` hides it and there is no `Display`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CouponNumber(Digits<10>);

/// What a coupon is for, by its kind digit (券種).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CouponKind {
    /// Interview only, nothing injected (予診のみ).
    InterviewOnly,
    /// A dose (接種).
    Dose,
    /// A kind a city made for itself (その他の券種).
    Local,
    /// The digit means nothing we know.
    Unknown,
}

/// Why a text is no coupon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CouponRefusal {
    /// The character at this place (from 1) is no digit.
    #[error(
        "{position}文字目が数字ではありません。接種券の数字を確認してください。/ Character {position} is not a digit. Check the digits on the coupon."
    )]
    NotDigits {
        /// Which character of the text, from 1.
        position: usize,
    },
    /// Too few or too many digits.
    #[error(
        "数字が{got}桁です。接種券の下段の18桁(券番号だけなら10桁)を入力してください。/ There are {got} digits. Enter the 18 digits at the foot of the coupon (10 for the number alone)."
    )]
    Length {
        /// How many there are.
        got: usize,
    },
    /// The municipality code's check digit does not fit.
    #[error(
        "自治体コードが正しくありません。8桁目は{expected}のはずです。もう一度読み取ってください。/ The municipality code is wrong: the 8th digit should be {expected}. Read the coupon again."
    )]
    CheckDigit {
        /// What the first five digits of the code ask for.
        expected: char,
    },
}

impl CouponRefusal {
    /// The stable word for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotDigits { .. } => "coupon_not_digits",
            Self::Length { .. } => "coupon_length",
            Self::CheckDigit { .. } => "coupon_check_digit",
        }
    }
}

impl From<DigitsRefusal> for CouponRefusal {
    fn from(refusal: DigitsRefusal) -> Self {
        match refusal {
            DigitsRefusal::NotDigits { position } => Self::NotDigits { position },
            DigitsRefusal::Length { got } => Self::Length { got },
        }
    }
}

impl CouponLine {
    /// Reads 18 digits; full-width digits, blanks and hyphens are understood.
    ///
    /// # Errors
    /// Only when they are not 18 digits: what they mean is asked with [`CouponLine::coupon`].
    pub fn parse(text: &str) -> Result<Self, CouponRefusal> {
        Ok(Self(Digits::read(text)?))
    }

    /// The 18 digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The digits as people compare them: `2 1 131016 0000012345`.
    #[must_use]
    pub fn grouped(&self) -> String {
        let (kind, turn, municipality, number) = self.parts();
        format!("{kind} {turn} {municipality} {number}")
    }

    /// What the kind digit (券種) means.
    #[must_use]
    pub fn kind(&self) -> CouponKind {
        CouponKind::of(self.kind_digit())
    }

    /// The kind digit (券種).
    #[must_use]
    pub fn kind_digit(&self) -> u8 {
        let [kind, ..] = self.0.values();
        kind
    }

    /// The turn digit (回数).
    #[must_use]
    pub fn turn_digit(&self) -> u8 {
        let [_, turn, ..] = self.0.values();
        turn
    }

    /// What the digits say.
    ///
    /// # Errors
    /// [`CouponRefusal::CheckDigit`], when the municipality code cannot be one.
    pub fn coupon(&self) -> Result<Coupon, CouponRefusal> {
        let (_, _, municipality, number) = self.parts();
        let municipality =
            MunicipalityCode::parse(municipality).map_err(|refusal| match refusal {
                CodeRefusal::CheckDigit { expected } => CouponRefusal::CheckDigit { expected },
                CodeRefusal::NotDigits => CouponRefusal::NotDigits { position: 3 },
                CodeRefusal::Length { got } => CouponRefusal::Length { got },
            })?;
        Ok(Coupon {
            kind: self.kind(),
            kind_digit: self.kind_digit(),
            turn_digit: self.turn_digit(),
            municipality,
            number: CouponNumber::parse(number)?,
        })
    }

    /// The same coupon issued again (再発行) under another number: kind, turn and city stay.
    ///
    /// # Errors
    /// Never, since the digits of both were read before.
    pub fn reissued(&self, number: CouponNumber) -> Result<Self, CouponRefusal> {
        let (kind, turn, municipality, _) = self.parts();
        Self::parse(&format!("{kind}{turn}{municipality}{}", number.as_str()))
    }

    fn parts(&self) -> (&str, &str, &str, &str) {
        let (kind, rest) = self.as_str().split_at(1);
        let (turn, rest) = rest.split_at(1);
        let (municipality, number) = rest.split_at(6);
        (kind, turn, municipality, number)
    }
}

impl std::fmt::Debug for CouponLine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (kind, turn, municipality, _) = self.parts();
        write!(f, "CouponLine({kind} {turn} {municipality} ..)")
    }
}

impl Serialize for CouponLine {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for CouponLine {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

impl Coupon {
    /// The 18 digits that say this.
    #[must_use]
    #[expect(clippy::expect_used, reason = "1 + 1 + 6 + 10 digits are 18 digits")]
    pub fn line(&self) -> CouponLine {
        // A coupon put together by hand may hold a two-digit "digit"; its last one is printed.
        let mut text = String::with_capacity(18);
        text.push(char::from(b'0' + self.kind_digit % 10));
        text.push(char::from(b'0' + self.turn_digit % 10));
        text.push_str(self.municipality.as_str());
        text.push_str(self.number.as_str());
        Digits::from_ascii(text.as_bytes())
            .map(CouponLine)
            .expect("18 digits")
    }
}

impl CouponNumber {
    /// Reads ten digits; full-width digits, blanks and hyphens are understood.
    ///
    /// # Errors
    /// When they are not ten digits.
    pub fn parse(text: &str) -> Result<Self, CouponRefusal> {
        Ok(Self(Digits::read(text)?))
    }

    /// The ten digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl std::fmt::Debug for CouponNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CouponNumber(..)")
    }
}

impl Serialize for CouponNumber {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for CouponNumber {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

impl CouponKind {
    /// What a kind digit means, by `data/coupon_kinds.csv`.
    #[must_use]
    pub fn of(digit: u8) -> Self {
        kinds()
            .iter()
            .find(|row| row.digit == digit)
            .map_or(Self::Unknown, |row| row.kind)
    }
}

/// A row of `data/coupon_kinds.csv`: a kind digit (券種) that means something.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct KindMeaning {
    /// The digit.
    pub digit: u8,
    /// What programs make of it.
    pub kind: CouponKind,
    /// What it means, in Japanese.
    pub meaning_ja: String,
    /// What it means, in English.
    pub meaning_en: String,
    /// Where that is written.
    pub source: String,
}

/// A row of `data/coupon_turns.csv`: a turn digit (回数) that means something.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct TurnMeaning {
    /// The digit.
    pub digit: u8,
    /// What it means, in Japanese.
    pub meaning_ja: String,
    /// What it means, in English.
    pub meaning_en: String,
    /// Where that is written.
    pub source: String,
}

/// The kind digits that mean something.
#[must_use]
pub fn kinds() -> &'static [KindMeaning] {
    static KINDS: LazyLock<Vec<KindMeaning>> =
        LazyLock::new(|| crate::tables::bundled(include_str!("../../../data/coupon_kinds.csv")));
    &KINDS
}

/// The turn digits that mean something.
#[must_use]
pub fn turns() -> &'static [TurnMeaning] {
    static TURNS: LazyLock<Vec<TurnMeaning>> =
        LazyLock::new(|| crate::tables::bundled(include_str!("../../../data/coupon_turns.csv")));
    &TURNS
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn line(text: &str) -> CouponLine {
        CouponLine::parse(text).unwrap()
    }

    #[test]
    fn a_coupon_says_kind_turn_municipality_and_number() {
        let coupon = line("211310160000012345").coupon().unwrap();
        assert_eq!(coupon.kind, CouponKind::Dose);
        assert_eq!((coupon.kind_digit, coupon.turn_digit), (2, 1));
        assert_eq!(coupon.municipality.as_str(), "131016");
        assert_eq!(coupon.number.as_str(), "0000012345");
    }

    #[test]
    fn leading_zeros_of_code_and_number_stay() {
        let coupon = line("110110020000000001").coupon().unwrap();
        assert_eq!(coupon.kind, CouponKind::InterviewOnly);
        assert_eq!(coupon.municipality.as_str(), "011002");
        assert_eq!(coupon.number.as_str(), "0000000001");
    }

    #[test]
    fn a_wrong_check_digit_is_told_with_the_right_one() {
        let refusal = line("211310170000012345").coupon();
        assert_eq!(refusal, Err(CouponRefusal::CheckDigit { expected: '6' }));
    }

    #[test]
    fn digits_are_read_however_people_type_them() {
        for text in [
            "2 1 131016 0000012345",
            "21-131016-0000012345",
            "２１１３１０１６０００００１２３４５",
            " ２１　１３１０１６ー００００－０１２３４５\n",
        ] {
            assert_eq!(line(text).as_str(), "211310160000012345", "{text}");
        }
    }

    #[test]
    fn what_is_no_digit_is_told_by_its_place() {
        assert_eq!(
            CouponLine::parse("21131O160000012345"),
            Err(CouponRefusal::NotDigits { position: 6 })
        );
    }

    #[test]
    fn too_few_and_too_many_digits_are_told_by_their_number() {
        assert_eq!(CouponLine::parse(""), Err(CouponRefusal::Length { got: 0 }));
        assert_eq!(
            CouponLine::parse("2113101600000123456"),
            Err(CouponRefusal::Length { got: 19 })
        );
        assert_eq!(
            CouponNumber::parse("123"),
            Err(CouponRefusal::Length { got: 3 })
        );
    }

    #[test]
    fn a_kind_that_nobody_knows_is_still_a_coupon() {
        let coupon = line("911310160000012345").coupon().unwrap();
        assert_eq!((coupon.kind, coupon.kind_digit), (CouponKind::Unknown, 9));
        assert_eq!(CouponKind::of(3), CouponKind::Local);
    }

    #[test]
    fn the_tables_hold_each_digit_once() {
        let kinds: Vec<u8> = kinds().iter().map(|row| row.digit).collect();
        let turns: Vec<u8> = turns().iter().map(|row| row.digit).collect();
        assert_eq!(kinds, [1, 2, 3]);
        assert_eq!(turns, [0, 1, 2, 3, 4, 5, 6, 7]);
    }

    #[test]
    fn the_log_does_not_learn_the_number() {
        let line = line("211310160000012345");
        assert_eq!(format!("{line:?}"), "CouponLine(2 1 131016 ..)");
        assert!(!format!("{:?}", line.coupon()).contains("12345"));
    }

    proptest! {
        #[test]
        fn a_line_read_back_is_itself(digits in "[0-9]{18}") {
            let line = CouponLine::parse(&digits).unwrap();
            prop_assert_eq!(line.as_str(), &digits);
            prop_assert_eq!(CouponLine::parse(&line.grouped()).unwrap(), line);
            let json = serde_json::to_string(&line).unwrap();
            prop_assert_eq!(serde_json::from_str::<CouponLine>(&json).unwrap(), line);
        }

        #[test]
        fn a_coupon_printed_and_read_is_itself(head in "[0-9]{7}", number in "[0-9]{10}") {
            let code = (0..10).find_map(|check| {
                MunicipalityCode::parse(&format!("{}{check}", &head[2..])).ok()
            });
            let line = format!("{}{}{number}", &head[..2], code.unwrap());
            let coupon = CouponLine::parse(&line).unwrap().coupon().unwrap();
            let printed = coupon.line();
            prop_assert_eq!(printed.as_str(), &line);
            prop_assert_eq!(printed.coupon().unwrap(), coupon);
        }

        #[test]
        fn no_text_makes_reading_a_coupon_fail_badly(text in ".{0,40}") {
            if let Ok(line) = CouponLine::parse(&text) {
                prop_assert_eq!(line.as_str().len(), 18);
            }
        }
    }
}
