//! What a clerk types into the one search box, and what it means: a coupon number, a number of the
//! city's own (個別宛名番号), a birth date, a name, or a birth date and a name.

use thiserror::Error;
use unicode_normalization::UnicodeNormalization;

use super::BirthDate;
use crate::coupons::{CouponLine, CouponNumber};
use crate::places::MunicipalityCode;

/// Characters of a question at most: longer than any name with a date beside it.
pub const QUESTION_LENGTH_MAX: usize = 100;
/// The longest number of the city's own (個別宛名番号, `domain` §2.4 item 2).
const RESIDENT_NO_LENGTH_MAX: usize = 15;
/// Digits of an Individual Number (個人番号).
const MY_NUMBER_LENGTH: usize = 12;

/// A question for people of one city. Digits can mean two things at once: both are asked for.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Question {
    /// The coupon number: ten digits, or the end of the eighteen.
    pub coupon: Option<CouponNumber>,
    /// Whose coupon it is, if the eighteen digits told.
    pub coupon_city: Option<MunicipalityCode>,
    /// The city's own number of the person.
    pub resident_no: Option<String>,
    /// The birth date, by whichever calendar it was told.
    pub birth: Option<BirthDate>,
    /// The beginning of a name, as typed.
    pub name: Option<String>,
}

/// Why nothing can be looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum QuestionRefusal {
    /// More than [`QUESTION_LENGTH_MAX`] characters.
    #[error(
        "検索の文字が長すぎます。100文字以内にしてください。/ The search is too long. Keep it within 100 characters."
    )]
    TooLong,
    /// Twelve digits: an Individual Number, which nobody may be looked for by here.
    #[error(
        "12桁の個人番号では、ここからは探せません。券番号、宛名番号、生年月日、氏名で探してください。/ Nobody is searched here by a 12-digit Individual Number. Use the coupon number, the city's number, the birth date or the name."
    )]
    IndividualNumber,
    /// Digits that are no number of ours and no day.
    #[error(
        "数字を読み取れません。券番号は10桁か18桁、生年月日はS25.3.1や19500301のように入力してください。/ The digits cannot be read. A coupon number has 10 or 18; write a birth date like S25.3.1 or 19500301."
    )]
    Digits,
}

impl QuestionRefusal {
    /// The stable word for programs.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::TooLong => "question_too_long",
            Self::IndividualNumber => "question_individual_number",
            Self::Digits => "question_digits",
        }
    }
}

impl std::fmt::Debug for Question {
    /// Who is looked for reaches no log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Question(..)")
    }
}

impl Question {
    /// Understands what was typed, in any width; empty text is an empty question.
    ///
    /// # Errors
    /// Why nothing can be looked for.
    pub fn read(typed: &str) -> Result<Self, QuestionRefusal> {
        if typed.chars().count() > QUESTION_LENGTH_MAX {
            return Err(QuestionRefusal::TooLong);
        }
        let text: Vec<char> = typed
            .nfkc()
            .map(|one| if one.is_control() { ' ' } else { one })
            .collect();
        let grouping = |one: &char| one.is_whitespace() || is_hyphen(*one);
        let digits: String = text.iter().filter(|one| !grouping(one)).collect();
        let has_groups = text.iter().any(grouping);
        let date = find_date(&text);
        if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return match date {
                // Written with its parts apart, it can only be a day.
                Some((birth, from, to)) if has_groups && is_blank(&text, from, to) => {
                    Ok(Self::born(birth))
                }
                _ => Self::of_digits(&digits),
            };
        }
        let Some((birth, from, to)) = date else {
            return Self::of_words(&text.iter().collect::<String>());
        };
        let rest: String = text.iter().take(from).chain(text.iter().skip(to)).collect();
        let mut question = Self::of_words(&rest)?;
        if question.resident_no.is_some() {
            return Err(QuestionRefusal::Digits);
        }
        question.birth = Some(birth);
        Ok(question)
    }

    /// Whether nothing was asked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn born(birth: BirthDate) -> Self {
        Self {
            birth: Some(birth),
            ..Self::default()
        }
    }

    fn of_digits(digits: &str) -> Result<Self, QuestionRefusal> {
        let mut question = Self::default();
        match digits.len() {
            18 => {
                let read = CouponLine::parse(digits).and_then(|line| line.coupon());
                let coupon = read.map_err(|_| QuestionRefusal::Digits)?;
                question.coupon = Some(coupon.number);
                question.coupon_city = Some(coupon.municipality);
                return Ok(question);
            }
            MY_NUMBER_LENGTH => return Err(QuestionRefusal::IndividualNumber),
            10 => question.coupon = CouponNumber::parse(digits).ok(),
            8 => question.birth = BirthDate::parse_compact(digits),
            length if length > RESIDENT_NO_LENGTH_MAX => return Err(QuestionRefusal::Digits),
            _ => {}
        }
        question.resident_no = Some(digits.to_owned());
        Ok(question)
    }

    /// What is left when the date is taken out: a name, or a city's number with letters in it.
    fn of_words(text: &str) -> Result<Self, QuestionRefusal> {
        let text = text.trim_matches(|one: char| {
            one.is_whitespace() || matches!(one, ',' | '、' | '・' | '(' | ')')
        });
        let has_digit = text.chars().any(|one| one.is_ascii_digit());
        let is_code = text
            .chars()
            .all(|one| one.is_ascii_alphanumeric() || is_hyphen(one));
        let count = text.chars().count();
        let mut question = Self::default();
        match (has_digit, is_code) {
            _ if text.is_empty() => {}
            (true, true) if count <= RESIDENT_NO_LENGTH_MAX => {
                question.resident_no = Some(text.to_owned());
            }
            // A day that is in no calendar, most likely; looked for as a name it finds nobody.
            (true, _) => return Err(QuestionRefusal::Digits),
            (false, _) => question.name = Some(text.to_owned()),
        }
        Ok(question)
    }
}

fn is_hyphen(one: char) -> bool {
    matches!(one, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}')
}

fn is_blank(text: &[char], from: usize, to: usize) -> bool {
    let outside = text.iter().take(from).chain(text.iter().skip(to));
    outside.into_iter().all(|one| one.is_whitespace())
}

/// The first date in a text, with where it begins and ends.
fn find_date(text: &[char]) -> Option<(BirthDate, usize, usize)> {
    (0..text.len()).find_map(|from| {
        let before = from.checked_sub(1).and_then(|at| text.get(at));
        // Neither the middle of a number nor the last letter of a name begins a date.
        if before.is_some_and(char::is_ascii_alphanumeric) {
            return None;
        }
        let mut cursor = Cursor { text, at: from };
        let birth = cursor.date()?;
        Some((birth, from, cursor.at))
    })
}

/// An era (元号) with its marks, the year of the common era before its first, and its last year.
struct Era {
    marks: [&'static str; 3],
    year_before: i16,
    years: i16,
}

/// The eras anybody alive was born in, and the one before.
const ERAS: [Era; 5] = [
    Era {
        marks: ["明治", "明", "M"],
        year_before: 1867,
        years: 45,
    },
    Era {
        marks: ["大正", "大", "T"],
        year_before: 1911,
        years: 15,
    },
    Era {
        marks: ["昭和", "昭", "S"],
        year_before: 1925,
        years: 64,
    },
    Era {
        marks: ["平成", "平", "H"],
        year_before: 1988,
        years: 31,
    },
    Era {
        marks: ["令和", "令", "R"],
        year_before: 2018,
        years: 99,
    },
];

struct Cursor<'t> {
    text: &'t [char],
    at: usize,
}

impl Cursor<'_> {
    /// Reads a date and the words that people put behind it.
    fn date(&mut self) -> Option<BirthDate> {
        let birth = match self.era() {
            Some(era) => self.of_era(era)?,
            None => self.of_common_era()?,
        };
        if self.peek().is_some_and(|one| one.is_ascii_digit()) {
            return None;
        }
        for word in ["生まれ", "うまれ", "生"] {
            let at = self.at;
            self.blanks();
            if self.word(word) {
                break;
            }
            self.at = at;
        }
        Some(birth)
    }

    fn era(&mut self) -> Option<&'static Era> {
        ERAS.iter()
            .find(|era| era.marks.into_iter().any(|mark| self.word(mark)))
    }

    fn of_era(&mut self, era: &Era) -> Option<BirthDate> {
        self.blanks();
        let (year, month, day) = if self.word("元") {
            let (month, day) = self.month_and_day()?;
            (1, month, day)
        } else {
            match self.digits()? {
                (all, 6) => (all / 10_000, all / 100 % 100, all % 100),
                (year, 1 | 2) => {
                    let (month, day) = self.month_and_day()?;
                    (year, month, day)
                }
                _ => return None,
            }
        };
        let year = i16::try_from(year).ok()?;
        let is_of_era = (1..=era.years).contains(&year);
        is_of_era
            .then(|| born(era.year_before + year, month, day))
            .flatten()
    }

    fn of_common_era(&mut self) -> Option<BirthDate> {
        match self.digits()? {
            (all, 8) => born(
                i16::try_from(all / 10_000).ok()?,
                all / 100 % 100,
                all % 100,
            ),
            (year, 4) => {
                let (month, day) = self.month_and_day()?;
                born(i16::try_from(year).ok()?, month, day)
            }
            _ => None,
        }
    }

    fn month_and_day(&mut self) -> Option<(u32, u32)> {
        self.separator(&['年'])?;
        let (month, 1 | 2) = self.digits()? else {
            return None;
        };
        self.separator(&['月'])?;
        let (day, 1 | 2) = self.digits()? else {
            return None;
        };
        self.word("日");
        Some((month, day))
    }

    /// A point, a stroke, a hyphen, a blank or the word; blanks around it are no matter.
    fn separator(&mut self, words: &[char]) -> Option<()> {
        let from = self.at;
        self.blanks();
        let is_one = |one: char| {
            matches!(one, '.' | '/' | '\u{30fb}' | ',') || is_hyphen(one) || words.contains(&one)
        };
        if self.peek().is_some_and(is_one) {
            self.at += 1;
            self.blanks();
        }
        (self.at > from).then_some(())
    }

    /// A whole number with how many digits it has; at most eight.
    fn digits(&mut self) -> Option<(u32, usize)> {
        let from = self.at;
        let mut value: u32 = 0;
        while let Some(digit) = self.peek().and_then(|one| one.to_digit(10)) {
            value = value.checked_mul(10)?.checked_add(digit)?;
            self.at += 1;
        }
        let count = self.at - from;
        (1..=8).contains(&count).then_some((value, count))
    }

    fn blanks(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.at += 1;
        }
    }

    /// Goes behind a word if it stands here; capital and small letters are one.
    fn word(&mut self, word: &str) -> bool {
        let mut at = self.at;
        for one in word.chars() {
            if !self
                .text
                .get(at)
                .is_some_and(|here| here.eq_ignore_ascii_case(&one))
            {
                return false;
            }
            at += 1;
        }
        self.at = at;
        true
    }

    fn peek(&self) -> Option<char> {
        self.text.get(self.at).copied()
    }
}

/// A whole birth date; a question with an unknown day asks for nobody.
fn born(year: i16, month: u32, day: u32) -> Option<BirthDate> {
    let part = |part: u32| i8::try_from(part).ok();
    let birth = BirthDate::new(year, Some(part(month)?), Some(part(day)?))?;
    (1850..2150).contains(&year).then_some(birth)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What is understood, in one line.
    fn read(typed: &str) -> String {
        match Question::read(typed) {
            Err(refusal) => refusal.code().to_owned(),
            Ok(question) => {
                let parts = [
                    question
                        .coupon
                        .map(|one| format!("coupon {}", one.as_str())),
                    question.coupon_city.map(|one| format!("of {one}")),
                    question.resident_no.map(|one| format!("no {one}")),
                    question.birth.map(|one| format!("born {}", one.iso())),
                    question.name.map(|one| format!("name {one}")),
                ];
                parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
            }
        }
    }

    #[test]
    fn a_birth_date_is_understood_however_it_is_written() {
        for typed in [
            "S25.3.1",
            "s25.03.01",
            "Ｓ２５．３．１",
            "S250301",
            "昭和25年3月1日",
            "昭和 25年 3月 1日生まれ",
            "昭25/3/1",
            "㍼25年3月1日",
            "1950-03-01",
            "1950/3/1",
            "1950.3.1",
            "1950年3月1日生",
            "1950 3 1",
        ] {
            assert_eq!(read(typed), "born 1950-03-01", "{typed}");
        }
        assert_eq!(read("19500301"), "no 19500301, born 1950-03-01");
        assert_eq!(read("平成元年1月8日"), "born 1989-01-08");
        assert_eq!(read("R1.5.1"), "born 2019-05-01");
        assert_eq!(read("M45.7.29"), "born 1912-07-29");
    }

    #[test]
    fn a_name_and_a_birth_date_are_told_apart() {
        for (typed, means) in [
            (
                "サトウ　ハナコ　S25.3.1",
                "born 1950-03-01, name サトウ ハナコ",
            ),
            ("19500301 さとう", "born 1950-03-01, name さとう"),
            (
                "Sato Hanako 1950-03-01",
                "born 1950-03-01, name Sato Hanako",
            ),
            ("ｻﾄｳ 昭和25年3月1日", "born 1950-03-01, name サトウ"),
            ("佐藤 花子", "name 佐藤 花子"),
            ("大山 昭子", "name 大山 昭子"),
            ("平 成子", "name 平 成子"),
            ("  ", ""),
        ] {
            assert_eq!(read(typed), means, "{typed}");
        }
    }

    #[test]
    fn digits_are_a_coupon_or_a_number_of_the_city() {
        for (typed, means) in [
            ("0000012345", "coupon 0000012345, no 0000012345"),
            ("００００－０１２３４５", "coupon 0000012345, no 0000012345"),
            ("211310160000012345", "coupon 0000012345, of 131016"),
            ("21 131016 0000012345", "coupon 0000012345, of 131016"),
            ("100000123", "no 100000123"),
            ("A-77", "no A-77"),
            ("983205673214", "question_individual_number"),
            ("9832-0567-3214", "question_individual_number"),
            ("1234567890123456", "question_digits"),
            ("サトウ 1950年13月1日", "question_digits"),
            ("S25.13.1 サトウ", "question_digits"),
        ] {
            assert_eq!(read(typed), means, "{typed}");
        }
        assert_eq!(read(&"あ".repeat(101)), "question_too_long");
        assert_eq!(
            format!("{:?}", Question::read("佐藤").unwrap()),
            "Question(..)"
        );
    }

    proptest! {
        #[test]
        fn anything_can_be_typed(typed in "\\PC{0,120}|[S昭和年月日0-9. /-]{0,24}") {
            let read = Question::read(&typed);
            let blank = typed.chars().all(|one| one.is_whitespace() || one.is_control());
            prop_assert!(!blank || read == Ok(Question::default()) || read == Err(QuestionRefusal::TooLong));
        }

        #[test]
        fn every_day_is_read_by_its_era(year in 1_i16..=63, month in 1_i8..=12, day in 1_i8..=28) {
            let born = BirthDate::new(1925 + year, Some(month), Some(day));
            for typed in [
                format!("S{year}.{month}.{day}"),
                format!("昭和{year}年{month}月{day}日"),
                format!("S{year:02}{month:02}{day:02}"),
                format!("サトウ {}-{month}-{day}", 1925 + year),
            ] {
                prop_assert_eq!(Question::read(&typed).unwrap().birth, born);
            }
        }
    }
}
