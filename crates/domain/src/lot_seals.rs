//! The seal of a vaccine (ワクチン接種シール): what the codes on vial, box and seal say in the language of GS1.
//!
//! A code carries *elements*: an application identifier of two to four digits, then its value. Some
//! values have a fixed length, the others end with the separator FNC1 or with the text (GS1 General
//! Specifications, sections 3 and 7.8). On Japanese prescription drugs they are `(01)` the package's
//! number (GTIN), `(17)` the last day and `(10)` the lot (gs1jp; domain paper §1.8).
//!
//! What decoders and hand scanners send differs: with the prefix that names the symbol (`]d2`, `]C1`,
//! `]e0`, `]Q3`), with the separator as the control character GS or as a printable stand-in, or in
//! brackets as printed for people. All of it is read here. Nothing is guessed: a scanner that swallows
//! separators is found out and told.

use serde::{Deserialize, Deserializer, Serialize, de};
use thiserror::Error;
use unicode_normalization::UnicodeNormalization;

use crate::calendar::Day;
use crate::coupons::CouponLine;
use crate::vaccines::{Lot, LotRefusal};

/// What a seal says.
///
/// Invariant: it tells the package or the lot, or both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LotSeal {
    /// `(01)` The number of the package, by which the product is known.
    pub gtin: Option<Gtin>,
    /// `(10)` The lot.
    pub lot: Option<Lot>,
    /// `(17)` The last day as printed; extensions are not on any seal.
    pub expires: Option<Day>,
    /// `(11)` The day it was made.
    pub made_on: Option<Day>,
    /// `(21)` The number of this one package.
    pub serial: Option<String>,
}

/// The number of a package (GTIN, 商品コード): fourteen digits, the last of them a check digit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Gtin(String);

/// Why a text is no seal. The text of the seal is not in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SealRefusal {
    /// Nothing was read.
    #[error(
        "コードが読み取られていません。シールのコードを読み取るか、手で入力してください。/ Nothing was read. Read the code on the seal, or type the lot."
    )]
    Empty,
    /// Longer than any code on a seal.
    #[error(
        "コードが長すぎます。ワクチンのシールのコードを読み取ってください。/ The code is too long. Read the code on the vaccine's seal."
    )]
    TooLong,
    /// The eighteen digits of a coupon.
    #[error(
        "これは接種券の番号です。ワクチンのシールのコードを読み取ってください。/ These are the digits of a coupon. Read the code on the vaccine's seal."
    )]
    Coupon,
    /// An element begins with an identifier that GS1 does not have, or that does not stand on drugs.
    #[error(
        "コードの形式が違います({at}文字目)。ワクチンのシールのコードを読み取ってください。/ This is no code of a vaccine's seal (at character {at}). Read the code on the seal."
    )]
    NotGs1 {
        /// The character at which it ceases to be one, from 1.
        at: usize,
    },
    /// The value of an element is shorter or longer than its identifier says, or no digits.
    #[error(
        "コードの項目({identifier})が正しくありません。もう一度読み取ってください。/ The element ({identifier}) of the code cannot be right. Read it again."
    )]
    Element {
        /// The identifier.
        identifier: Identifier,
    },
    /// The last digit of the package's number does not fit the others.
    #[error(
        "商品コードの検査数字が合いません。もう一度読み取ってください。/ The check digit of the package's number is wrong. Read it again."
    )]
    CheckDigit {
        /// What it should be.
        expected: char,
    },
    /// The same element stands twice, and says something else.
    #[error(
        "コードに同じ項目({identifier})が2つあり、内容が違います。シールを1枚だけ読み取ってください。/ The element ({identifier}) is there twice and says two things. Read one seal only."
    )]
    Twice {
        /// The identifier.
        identifier: Identifier,
    },
    /// The scanner swallowed the separators: where the lot ends cannot be told.
    #[error(
        "読み取り機が区切り文字(FNC1)を送っていないため、ロット番号の終わりが分かりません。読み取り機の設定を直すか、手で入力してください。/ The scanner does not send the separator (FNC1), so where the lot ends cannot be told. Set the scanner to send it, or type the lot."
    )]
    SeparatorLost,
    /// The lot cannot be one.
    #[error("{0}")]
    Lot(LotRefusal),
    /// Neither package nor lot is told.
    #[error(
        "このコードに商品コードもロット番号もありません。ワクチンのシールのコードを読み取ってください。/ The code tells neither package nor lot. Read the code on the vaccine's seal."
    )]
    NothingTold,
}

/// An application identifier, for telling which element is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identifier(&'static str);

impl std::fmt::Display for Identifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

impl SealRefusal {
    /// Every code, for the texts' test.
    pub const CODES: [&'static str; 10] = [
        "seal_empty",
        "seal_too_long",
        "seal_coupon",
        "seal_not_gs1",
        "seal_element",
        "seal_check_digit",
        "seal_twice",
        "seal_separator_lost",
        "seal_lot",
        "seal_nothing_told",
    ];

    /// The stable word for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Empty => "seal_empty",
            Self::TooLong => "seal_too_long",
            Self::Coupon => "seal_coupon",
            Self::NotGs1 { .. } => "seal_not_gs1",
            Self::Element { .. } => "seal_element",
            Self::CheckDigit { .. } => "seal_check_digit",
            Self::Twice { .. } => "seal_twice",
            Self::SeparatorLost => "seal_separator_lost",
            Self::Lot(_) => "seal_lot",
            Self::NothingTold => "seal_nothing_told",
        }
    }
}

/// Longest text of a code, in characters: a DataMatrix of GS1 holds far less than this in practice,
/// and brackets make it longer.
pub const SEAL_LENGTH_MAX: usize = 200;

/// The separator FNC1 as decoders give it.
const GS: char = '\u{1d}';
/// What hand scanners that type send in its place, since a text field takes no control characters.
/// None of them may stand in a value of GS1 (character set 82).
const STAND_INS: [char; 4] = ['|', '^', '~', '\u{241d}'];
/// Prefixes by which a decoder names a symbol that holds elements of GS1 (ISO/IEC 15424): DataMatrix,
/// GS1-128, QR.
const OF_ELEMENTS: [&str; 4] = ["]d2", "]C1", "]Q3", "]J1"];
/// Prefixes of symbols that may also hold the number alone: DataBar and composite, the codes of shops.
const OF_NUMBERS: [&str; 3] = ["]e0", "]e1", "]E0"];

/// An identifier and how long its value may be.
struct Known {
    identifier: &'static str,
    /// Digits only.
    digits: bool,
    length_min: usize,
    length_max: usize,
}

const fn fixed(identifier: &'static str, length: usize) -> Known {
    Known {
        identifier,
        digits: true,
        length_min: length,
        length_max: length,
    }
}

const fn text(identifier: &'static str, length_max: usize) -> Known {
    Known {
        identifier,
        digits: false,
        length_min: 1,
        length_max,
    }
}

/// The identifiers that may stand on a package of a drug; the longer one of two that begin alike
/// comes first.
const KNOWN: &[Known] = &[
    fixed("01", 14),
    fixed("02", 14),
    text("10", 20),
    fixed("11", 6),
    fixed("13", 6),
    fixed("15", 6),
    fixed("16", 6),
    fixed("17", 6),
    fixed("20", 2),
    text("21", 20),
    text("240", 30),
    text("241", 30),
    text("250", 30),
    text("251", 30),
    text("30", 8),
    text("37", 8),
    text("400", 30),
    fixed("7003", 10),
    text("91", 90),
    text("92", 90),
    text("99", 90),
];

impl LotSeal {
    /// Reads what a decoder or a hand scanner gave. `today` tells the century of a year of two digits.
    ///
    /// # Errors
    /// The first thing that keeps the text from being a seal.
    pub fn read(text: &str, today: Day) -> Result<Self, SealRefusal> {
        let text: String = text.nfkc().collect();
        let text = text.trim_matches(|one: char| one.is_whitespace() && one != GS);
        if text.is_empty() {
            return Err(SealRefusal::Empty);
        }
        if text.chars().count() > SEAL_LENGTH_MAX {
            return Err(SealRefusal::TooLong);
        }
        let after = |names: &[&str]| names.iter().find_map(|name| text.strip_prefix(name));
        let elements_only = after(&OF_ELEMENTS);
        let bare = elements_only.or(after(&OF_NUMBERS)).unwrap_or(text);
        if bare.starts_with('(') {
            return read_bracketed(bare, today);
        }
        let spaced = bare.replace("{GS}", "\u{1d}").replace(STAND_INS, "\u{1d}");
        let spaced = spaced.trim_matches(GS);
        if bare.len() == text.len() {
            let coupon = CouponLine::parse(spaced).and_then(|line| line.coupon());
            if coupon.is_ok() {
                return Err(SealRefusal::Coupon);
            }
        }
        let is_number =
            matches!(spaced.len(), 13 | 14) && spaced.bytes().all(|one| one.is_ascii_digit());
        if elements_only.is_none() && is_number {
            let number = format!("{spaced:0>14}");
            return Elements::default().with("01", &number, today)?.seal();
        }
        read_spaced(spaced, today)
    }
}

/// Elements one after the other, separated by GS where a value has no fixed length.
fn read_spaced(text: &str, today: Day) -> Result<LotSeal, SealRefusal> {
    let mut found = Elements::default();
    let separators = text.contains(GS);
    let mut rest = text;
    while !rest.is_empty() {
        let at = text.len() - rest.len() + 1;
        let known = KNOWN
            .iter()
            .find(|known| rest.starts_with(known.identifier));
        let known = known.ok_or(SealRefusal::NotGs1 { at })?;
        let after = rest.get(known.identifier.len()..).unwrap_or_default();
        let (value, further) = if known.length_min == known.length_max {
            let value = after.get(..known.length_max);
            let value = value.ok_or(SealRefusal::Element {
                identifier: Identifier(known.identifier),
            })?;
            let further = after.get(known.length_max..).unwrap_or_default();
            (value, further.strip_prefix(GS).unwrap_or(further))
        } else {
            after.split_once(GS).unwrap_or((after, ""))
        };
        found = found.with(known.identifier, value, today)?;
        rest = further;
    }
    if !separators && found.may_have_swallowed_a_separator(today) {
        return Err(SealRefusal::SeparatorLost);
    }
    found.seal()
}

/// Elements as printed for people: `(01)…(17)…(10)…`.
fn read_bracketed(text: &str, today: Day) -> Result<LotSeal, SealRefusal> {
    let mut found = Elements::default();
    let mut rest = text;
    while let Some(opened) = rest.strip_prefix('(') {
        let at = text.len() - rest.len() + 1;
        let (identifier, after) = opened.split_once(')').ok_or(SealRefusal::NotGs1 { at })?;
        let known = KNOWN.iter().find(|known| known.identifier == identifier);
        let known = known.ok_or(SealRefusal::NotGs1 { at })?;
        // A bracket may stand in a lot; only one that opens an identifier ends the value.
        let end = after
            .char_indices()
            .filter(|(_, one)| *one == '(')
            .map(|(place, _)| place)
            .find(|place| opens_an_identifier(after.get(*place..).unwrap_or_default()))
            .unwrap_or(after.len());
        let (value, further) = after.split_at_checked(end).unwrap_or((after, ""));
        found = found.with(known.identifier, value.trim_matches(GS).trim(), today)?;
        rest = further;
    }
    found.seal()
}

fn opens_an_identifier(text: &str) -> bool {
    text.strip_prefix('(')
        .and_then(|opened| opened.split_once(')'))
        .is_some_and(|(name, _)| KNOWN.iter().any(|known| known.identifier == name))
}

/// The elements read so far that we keep.
#[derive(Default)]
struct Elements {
    gtin: Option<Gtin>,
    lot: Option<Lot>,
    expires: Option<Day>,
    made_on: Option<Day>,
    serial: Option<String>,
}

impl Elements {
    fn with(
        mut self,
        identifier: &'static str,
        value: &str,
        today: Day,
    ) -> Result<Self, SealRefusal> {
        let wrong = || SealRefusal::Element {
            identifier: Identifier(identifier),
        };
        let known = KNOWN.iter().find(|known| known.identifier == identifier);
        let fits = known.is_some_and(|known| {
            let length = value.chars().count();
            (known.length_min..=known.length_max).contains(&length)
                && (!known.digits || value.bytes().all(|one| one.is_ascii_digit()))
                && value.chars().all(is_in_set_82)
        });
        if !fits {
            return Err(wrong());
        }
        match identifier {
            "01" => keep(&mut self.gtin, Gtin::parse(value)?, identifier)?,
            "10" => {
                let lot = Lot::parse(value).map_err(SealRefusal::Lot)?;
                keep(&mut self.lot, lot, identifier)?;
            }
            "17" => {
                let day = day_of(value, today).ok_or_else(wrong)?;
                keep(&mut self.expires, day, identifier)?;
            }
            "11" => {
                let day = day_of(value, today).ok_or_else(wrong)?;
                keep(&mut self.made_on, day, identifier)?;
            }
            "21" => keep(&mut self.serial, value.to_owned(), identifier)?,
            _ => {}
        }
        Ok(self)
    }

    fn seal(self) -> Result<LotSeal, SealRefusal> {
        if self.gtin.is_none() && self.lot.is_none() {
            return Err(SealRefusal::NothingTold);
        }
        let Self {
            gtin,
            lot,
            expires,
            made_on,
            serial,
        } = self;
        Ok(LotSeal {
            gtin,
            lot,
            expires,
            made_on,
            serial,
        })
    }

    /// Whether the end of the lot reads like the next element: vaccines must carry their last day
    /// (interop paper §4), so a lot that ends in one where none was told has swallowed it.
    fn may_have_swallowed_a_separator(&self, today: Day) -> bool {
        /// Digits of an identifier and a day.
        const DAY_ELEMENT: usize = 8;
        let Some(lot) = self.lot.as_ref().filter(|_| self.expires.is_none()) else {
            return false;
        };
        let lot = lot.as_str();
        (0..lot.len()).any(|from| {
            let element = lot.get(from..from + DAY_ELEMENT);
            let value = element.and_then(|element| element.strip_prefix("17"));
            value.is_some_and(|value| day_of(value, today).is_some())
        })
    }
}

/// Composites and several codes of one package may tell the same twice.
fn keep<T: PartialEq>(
    place: &mut Option<T>,
    value: T,
    identifier: &'static str,
) -> Result<(), SealRefusal> {
    match place {
        Some(known) if *known != value => Err(SealRefusal::Twice {
            identifier: Identifier(identifier),
        }),
        _ => {
            *place = Some(value);
            Ok(())
        }
    }
}

/// The characters that may stand in a value (GS1 character set 82).
fn is_in_set_82(one: char) -> bool {
    one.is_ascii_alphanumeric() || "!\"%&'()*+,-./:;<=>?_".contains(one)
}

/// A day of six digits; day `00` is the last of the month. The century is the one in which the year
/// is nearest to today: up to 50 years ahead, 49 back (GS1 General Specifications 7.12).
fn day_of(value: &str, today: Day) -> Option<Day> {
    let number = |range: std::ops::Range<usize>| value.get(range)?.parse::<i16>().ok();
    let (year, month, day) = (number(0..2)?, number(2..4)?, number(4..6)?);
    let this_year = today.year();
    let century = this_year - this_year.rem_euclid(100);
    let ahead = year - this_year.rem_euclid(100);
    let century = match ahead {
        51.. => century - 100,
        ..=-50 => century + 100,
        _ => century,
    };
    let month = i8::try_from(month).ok()?;
    match i8::try_from(day).ok()? {
        0 => Some(
            Day::new(century + year, month, 1)?
                .plus_months(1)
                .plus_days(-1),
        ),
        day => Day::new(century + year, month, day),
    }
}

impl Gtin {
    /// Reads fourteen digits with a right check digit; shorter numbers of shops are filled with zeros.
    ///
    /// # Errors
    /// [`SealRefusal::Element`] if it is no such number, [`SealRefusal::CheckDigit`] with the right digit.
    pub fn parse(text: &str) -> Result<Self, SealRefusal> {
        let wrong = SealRefusal::Element {
            identifier: Identifier("01"),
        };
        let text: String = text.nfkc().collect();
        let text = text.trim();
        let is_number =
            matches!(text.len(), 8 | 12 | 13 | 14) && text.bytes().all(|one| one.is_ascii_digit());
        if !is_number {
            return Err(wrong);
        }
        let filled = format!("{text:0>14}");
        let (first, check) = filled.split_at_checked(13).ok_or(wrong)?;
        // From the left of fourteen: three times, once, three times …
        let sum: u32 = first
            .bytes()
            .zip([3, 1].into_iter().cycle())
            .map(|(digit, weight)| u32::from(digit - b'0') * weight)
            .sum();
        let expected = char::from_digit((10 - sum % 10) % 10, 10).ok_or(wrong)?;
        if check.starts_with(expected) {
            Ok(Self(filled))
        } else {
            Err(SealRefusal::CheckDigit { expected })
        }
    }

    /// The fourteen digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Gtin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Gtin {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn today() -> Day {
        Day::parse("2021-06-01").unwrap()
    }

    fn read(text: &str) -> Result<LotSeal, SealRefusal> {
        LotSeal::read(text, today())
    }

    /// The seal in one line, or the refusal's code.
    fn told(text: &str) -> String {
        match read(text) {
            Err(refusal) => refusal.code().to_owned(),
            Ok(seal) => {
                let or = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
                [
                    or(seal.gtin.map(|one| one.to_string())),
                    or(seal.lot.map(|one| one.to_string())),
                    or(seal.expires.map(|one| one.to_string())),
                ]
                .join(" ")
            }
        }
    }

    #[test]
    fn every_way_of_writing_the_same_seal_says_the_same() {
        let expected = "04987123456784 EY2173 2021-09-30";
        for text in [
            "]d20104987123456784172109301 0EY2173"
                .replace(' ', "")
                .as_str(),
            "]C1010498712345678410EY2173\u{1d}17210930",
            "]e0010498712345678410EY2173\u{1d}17210930",
            "\u{1d}010498712345678417210930 10EY2173"
                .replace(' ', "")
                .as_str(),
            "010498712345678410EY2173|17210930",
            "010498712345678410EY2173{GS}17210930",
            "10EY2173\u{1d}01049871234567841721093021ABC123",
            "(01)04987123456784(17)210930(10)EY2173",
            " (17)210930 (10)ey2173 (01)04987123456784\n",
            "(01)04987123456784(17)210900(10)EY2173",
        ] {
            assert_eq!(told(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_linear_code_tells_the_package_alone() {
        assert_eq!(told("04987123456784"), "04987123456784 - -");
        assert_eq!(told("4987123456784"), "04987123456784 - -");
        assert_eq!(told("]e004987123456784"), "04987123456784 - -");
        assert_eq!(told("]E04987123456784"), "04987123456784 - -");
        assert_eq!(told("]d217210930101234"), "- 1234 2021-09-30");
        assert_eq!(told("0104987123456784"), "04987123456784 - -");
    }

    #[test]
    fn the_end_of_a_month_is_written_as_its_day_nought() {
        let day = |text| day_of(text, today()).map(|day| day.to_string());
        assert_eq!(day("220200").as_deref(), Some("2022-02-28"));
        assert_eq!(day("240200").as_deref(), Some("2024-02-29"));
        assert_eq!(day("211200").as_deref(), Some("2021-12-31"));
        assert_eq!(day("211300"), None);
        assert_eq!(day("210931"), None);
    }

    #[test]
    fn a_year_of_two_digits_is_the_nearest_one() {
        let year = |text| day_of(text, today()).map(Day::year);
        assert_eq!(year("710101"), Some(2071));
        assert_eq!(year("720101"), Some(1972));
        let late = Day::parse("2098-01-01").unwrap();
        assert_eq!(day_of("020101", late).map(Day::year), Some(2102));
    }

    #[test]
    fn a_wrong_check_digit_is_refused_with_the_right_one() {
        let refused = read("(01)04987123456788(17)210930(10)EY2173");
        assert_eq!(refused, Err(SealRefusal::CheckDigit { expected: '4' }));
        assert_eq!(told("04987123456788"), "seal_check_digit");
    }

    #[test]
    fn a_scanner_that_swallows_separators_is_found_out() {
        assert_eq!(
            told("010498712345678410EY217317210930"),
            "seal_separator_lost"
        );
        assert_eq!(
            told("010498712345678410EY21731721093021A"),
            "seal_separator_lost"
        );
        // The last element needs none.
        assert_eq!(
            told("01049871234567841721093010EY2173"),
            "04987123456784 EY2173 2021-09-30"
        );
    }

    #[test]
    fn what_is_no_seal_is_refused_with_its_reason() {
        for (text, code) in [
            ("", "seal_empty"),
            ("\u{1d}", "seal_nothing_told"),
            (" 　", "seal_empty"),
            ("211310160000012345", "seal_coupon"),
            ("https://example.org/", "seal_not_gs1"),
            ("17210930", "seal_nothing_told"),
            ("(17)21093", "seal_element"),
            ("0104987123", "seal_element"),
            ("10", "seal_element"),
            ("10123456789012345678901", "seal_element"),
            ("(10)A(10)B", "seal_twice"),
            ("(88)A", "seal_not_gs1"),
            ("(01", "seal_not_gs1"),
        ] {
            assert_eq!(told(text), code, "{text:?}");
        }
        assert_eq!(told(&"1".repeat(201)), "seal_too_long");
    }

    #[test]
    fn every_code_is_in_the_list_of_the_texts() {
        let refusals = [
            SealRefusal::Empty,
            SealRefusal::TooLong,
            SealRefusal::Coupon,
            SealRefusal::NotGs1 { at: 1 },
            SealRefusal::Element {
                identifier: Identifier("01"),
            },
            SealRefusal::CheckDigit { expected: '0' },
            SealRefusal::Twice {
                identifier: Identifier("01"),
            },
            SealRefusal::SeparatorLost,
            SealRefusal::Lot(LotRefusal::Empty),
            SealRefusal::NothingTold,
        ];
        assert_eq!(refusals.map(|one| one.code()), SealRefusal::CODES);
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,60}") {
            let _ = read(&text);
        }

        #[test]
        fn a_seal_written_down_is_read_back(
            body in "[0-9]{13}", lot in "[A-Z0-9]{1,8}", year in 20_i16..60, month in 1_i8..=12, day in 0_i8..=28,
        ) {
            let digit = ('0'..='9').find(|one| Gtin::parse(&format!("{body}{one}")).is_ok()).unwrap();
            let written = format!("{body}{digit}");
            let first = read(&format!("]d201{written}17{year:02}{month:02}{day:02}10{lot}")).unwrap();
            let again = read(&format!("10{lot}\u{1d}17{year:02}{month:02}{day:02}01{written}")).unwrap();
            prop_assert_eq!(first.gtin.as_ref().unwrap().as_str(), written);
            prop_assert_eq!(first.lot.as_ref().unwrap().as_str(), lot);
            prop_assert_eq!(first, again);
        }

        #[test]
        fn one_wrong_digit_of_a_package_is_always_found(body in "[0-9]{13}", at in 0_usize..14, by in 1_u8..10) {
            let digit = ('0'..='9').find(|one| Gtin::parse(&format!("{body}{one}")).is_ok()).unwrap();
            let mut digits = format!("{body}{digit}").into_bytes();
            digits[at] = (digits[at] - b'0' + by) % 10 + b'0';
            let wrong = String::from_utf8(digits).unwrap();
            let refused = matches!(Gtin::parse(&wrong), Err(SealRefusal::CheckDigit { .. }));
            prop_assert!(refused);
        }
    }
}
