//! The codes of a venue in the course of time, and the codes that are newly issued (類似コード).
//!
//! A venue is one venue however often its code changes, as when a clinic is incorporated: what was delivered, dosed and
//! billed under an earlier code stays its own (domain paper §3.5).

use serde::{Deserialize, Serialize};

use super::FacilityCode;
use crate::calendar::Day;
use crate::places::Prefecture;

/// Whose number a code is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CodeKind {
    /// 保険医療機関番号.
    Medical,
    /// 介護保険事業所番号.
    Care,
    /// 類似コード: newly issued, for venues that have neither.
    LookAlike,
}

impl CodeKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Medical, Self::Care, Self::LookAlike];

    /// The word in tables, forms and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Medical => "medical",
            Self::Care => "care",
            Self::LookAlike => "look-alike",
        }
    }

    /// Reads that word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// What a code most likely is when nobody said: no 点数表 has the digit 9, which is ours for new codes.
    #[must_use]
    pub fn guessed(code: FacilityCode) -> Self {
        match code.as_str().as_bytes().get(2) {
            Some(b'9') => Self::LookAlike,
            _ => Self::Medical,
        }
    }
}

/// A code that a venue has from a day on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeSince {
    /// From which day on.
    pub from: Day,
    /// The code.
    pub code: FacilityCode,
    /// Whose number it is.
    pub kind: CodeKind,
}

/// The codes of one venue, each until the next begins.
///
/// Invariant: in order of days, no day twice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CodeHistory(Vec<CodeSince>);

impl CodeHistory {
    /// The history of what was told in this order: of two codes from the same day on, the one told later mends the other.
    #[must_use]
    pub fn told(told: impl IntoIterator<Item = CodeSince>) -> Self {
        let mut kept: Vec<CodeSince> = Vec::new();
        for one in told {
            kept.retain(|earlier| earlier.from != one.from);
            kept.push(one);
        }
        kept.sort_by_key(|one| one.from);
        Self(kept)
    }

    /// All codes, the first one first.
    #[must_use]
    pub fn all(&self) -> &[CodeSince] {
        &self.0
    }

    /// The code on a day; none before the first one.
    #[must_use]
    pub fn on(&self, day: Day) -> Option<&CodeSince> {
        self.0.iter().rev().find(|one| one.from <= day)
    }

    /// From when until before when the venue has this code, each time.
    fn periods(&self, code: FacilityCode) -> impl Iterator<Item = (Day, Option<Day>)> {
        self.0
            .iter()
            .enumerate()
            .filter(move |(_, one)| one.code == code)
            .map(|(at, one)| (one.from, self.0.get(at + 1).map(|next| next.from)))
    }

    /// A code that both venues would have on the same day.
    #[must_use]
    pub fn shared_with(&self, other: &Self) -> Option<FacilityCode> {
        let is_shared = |code: &FacilityCode| {
            self.periods(*code)
                .any(|own| other.periods(*code).any(|its| overlap(own, its)))
        };
        self.0.iter().map(|one| one.code).find(is_shared)
    }
}

/// Whether two stretches of days, each until before its second day or for ever, have a day in common.
fn overlap(one: (Day, Option<Day>), other: (Day, Option<Day>)) -> bool {
    let begins_in_time = |begin: Day, end: Option<Day>| end.is_none_or(|end| begin < end);
    begins_in_time(one.0, other.1) && begins_in_time(other.0, one.1)
}

/// Which venue a code means on a day: the one that has it then. Of a day on which none has it, the only one whose first
/// code it is: papers are older than the day a venue was registered.
#[must_use]
pub fn holder<V: Copy>(histories: &[(V, CodeHistory)], code: FacilityCode, day: Day) -> Option<V> {
    let has_it =
        |(_, history): &&(V, CodeHistory)| history.on(day).is_some_and(|one| one.code == code);
    if let Some((venue, _)) = histories.iter().find(has_it) {
        return Some(*venue);
    }
    let mut before = histories.iter().filter(|(_, history)| {
        let first = history.all().first();
        first.is_some_and(|first| first.code == code && day < first.from)
    });
    match (before.next(), before.next()) {
        (Some((venue, _)), None) => Some(*venue),
        _ => None,
    }
}

/// For what a new code is asked: its second part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Category {
    /// Mass vaccination of a city (市町村の大規模会場).
    City,
    /// Mass vaccination of a prefecture or the defence forces (都道府県・自衛隊).
    Prefecture,
    /// A workplace or university (職域).
    Workplace,
    /// A health centre or anything else (保健所・その他).
    Other,
}

impl Category {
    /// Every category, in the order of their digits.
    pub const ALL: [Self; 4] = [Self::City, Self::Prefecture, Self::Workplace, Self::Other];

    /// The word in tables, forms and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::City => "city",
            Self::Prefecture => "prefecture",
            Self::Workplace => "workplace",
            Self::Other => "other",
        }
    }

    /// Reads that word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == word)
    }

    /// The digit in the code.
    #[must_use]
    pub fn digit(self) -> u8 {
        match self {
            Self::City => 1,
            Self::Prefecture => 2,
            Self::Workplace => 3,
            Self::Other => 4,
        }
    }
}

/// Codes of one category in one prefecture at most: the serial number has five digits.
pub const SERIAL_MAX: u32 = 99_999;

/// The 類似コード of a serial number from 1: prefecture 2 + `9` + category 1 + serial 5 + check digit. The real structure was
/// never published; this one is ours, and no 点数表 has the digit 9 \[O\] (domain paper §3.5). None once the serials are
/// used up.
#[must_use]
pub fn look_alike(prefecture: Prefecture, category: Category, serial: u32) -> Option<FacilityCode> {
    if !(1..=SERIAL_MAX).contains(&serial) {
        return None;
    }
    let nine = format!("{:02}9{}{serial:05}", prefecture.number(), category.digit());
    (0..10)
        .filter_map(|digit| FacilityCode::parse(&format!("{nine}{digit}")).ok())
        .find(FacilityCode::check_digit_holds)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day(text: &str) -> Day {
        Day::parse(text).unwrap()
    }

    fn since(from: &str, code: &str) -> CodeSince {
        CodeSince {
            from: day(from),
            code: FacilityCode::parse(code).unwrap(),
            kind: CodeKind::Medical,
        }
    }

    const OLD: &str = "0110113719";
    const NEW: &str = "0110211111";

    fn incorporated() -> CodeHistory {
        CodeHistory::told([since("2021-02-17", OLD), since("2021-10-01", NEW)])
    }

    #[test]
    fn a_clinic_that_is_incorporated_keeps_what_went_under_its_old_code() {
        let history = [(1, incorporated())];
        let code = |text| FacilityCode::parse(text).unwrap();
        assert_eq!(holder(&history, code(OLD), day("2021-09-30")), Some(1));
        assert_eq!(holder(&history, code(OLD), day("2021-10-01")), None);
        assert_eq!(holder(&history, code(NEW), day("2021-10-01")), Some(1));
        assert_eq!(holder(&history, code(NEW), day("2021-09-30")), None);
        // Before it was registered at all it had no other code that anybody knows of.
        assert_eq!(holder(&history, code(OLD), day("2021-01-05")), Some(1));
    }

    #[test]
    fn a_code_that_was_mistyped_is_mended_from_the_same_day_on() {
        let told = CodeHistory::told([since("2021-02-17", NEW), since("2021-02-17", OLD)]);
        assert_eq!(told.all(), [since("2021-02-17", OLD)]);
    }

    #[test]
    fn a_code_given_back_may_be_another_s_but_not_at_the_same_time() {
        let old = FacilityCode::parse(OLD).unwrap();
        let later = CodeHistory::told([since("2021-10-01", OLD)]);
        assert_eq!(incorporated().shared_with(&later), None);
        let too_early = CodeHistory::told([since("2021-09-30", OLD)]);
        assert_eq!(incorporated().shared_with(&too_early), Some(old));
        // Of a day before either had it in writing, each has its own claim.
        let both = [(1, incorporated()), (2, later)];
        assert_eq!(holder(&both, old, day("2021-09-30")), Some(1));
        assert_eq!(holder(&both, old, day("2021-10-01")), Some(2));
        assert_eq!(holder(&both, old, day("2021-01-05")), None);
    }

    #[test]
    fn the_first_municipal_venue_of_tokyo_gets_the_code_of_the_example() {
        let tokyo = Prefecture::new(13).unwrap();
        let code = look_alike(tokyo, Category::City, 1).unwrap();
        assert_eq!(code.as_str(), "1391000013");
        assert_eq!(look_alike(tokyo, Category::City, 0), None);
        assert_eq!(look_alike(tokyo, Category::Other, SERIAL_MAX + 1), None);
    }

    fn history() -> impl Strategy<Value = CodeHistory> {
        let told = (0..40_i64, 0..4_u32).prop_map(|(days, code)| CodeSince {
            from: day("2021-01-01").plus_days(days),
            code: look_alike(Prefecture::new(13).unwrap(), Category::City, code + 1).unwrap(),
            kind: CodeKind::LookAlike,
        });
        proptest::collection::vec(told, 0..6).prop_map(CodeHistory::told)
    }

    proptest! {
        #[test]
        fn new_codes_differ_and_their_check_digits_hold(
            prefecture in 1..=47_u8, one in 1..=SERIAL_MAX, other in 1..=SERIAL_MAX,
        ) {
            let prefecture = Prefecture::new(prefecture).unwrap();
            for category in Category::ALL {
                let first = look_alike(prefecture, category, one).unwrap();
                prop_assert!(first.check_digit_holds());
                let second = look_alike(prefecture, category, other).unwrap();
                prop_assert_eq!(first == second, one == other);
            }
        }

        /// Day by day, which is what the stretches stand for.
        #[test]
        fn two_venues_share_a_code_if_there_is_a_day_on_which_both_have_it(
            one in history(), other in history(),
        ) {
            let both = (0..50_i64).map(|days| day("2021-01-01").plus_days(days)).any(|day| {
                let code = |history: &CodeHistory| history.on(day).map(|since| since.code);
                code(&one).is_some() && code(&one) == code(&other)
            });
            prop_assert_eq!(one.shared_with(&other).is_some(), both);
            prop_assert_eq!(other.shared_with(&one).is_some(), both);
        }

        #[test]
        fn on_every_day_a_venue_is_found_by_the_code_it_has(one in history(), days in 0..50_i64) {
            let day = day("2021-01-01").plus_days(days);
            if let Some(since) = one.on(day).copied() {
                prop_assert_eq!(holder(&[(7, one)], since.code, day), Some(7));
            }
        }
    }
}
