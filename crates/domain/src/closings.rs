//! The end of a venue's day (閉場): vials opened, doses recorded, and a named reason for every dose between.
//!
//! Vials are conserved; doses follow from them by a rate that depends on product, purpose and day
//! (`data/vial_doses.csv`). What was drawn from the vials opened must be what was recorded, plus what
//! was thrown away, less what came from elsewhere. A difference without a reason is not closed: it is
//! a record that was forgotten, or one too many, and tomorrow nobody knows any more.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::calendar::Day;

/// Vials of one lot on one day at most: a mass venue of ten thousand doses opens less than this.
pub const VIALS_MAX: i64 = 5_000;
/// Doses under one reason at most.
pub const DIFFERENCE_MAX: i64 = 50_000;
/// Lots of one day at most.
pub const LINES_MAX: usize = 40;
/// Longest explanation, in characters.
pub const WORDS_LENGTH_MAX: usize = 100;

/// For which doses a vial was opened: some products give more booster doses than first ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// First and second doses (初回).
    Primary,
    /// All later ones (追加).
    Booster,
}

impl Purpose {
    /// Every purpose.
    pub const ALL: [Self; 2] = [Self::Primary, Self::Booster];
    /// The last turn of the first series, counted through.
    pub const PRIMARY_TURN_MAX: u8 = 2;

    /// For what a dose of this turn is given.
    #[must_use]
    pub fn of_turn(turn: u8) -> Self {
        if turn > Self::PRIMARY_TURN_MAX {
            Self::Booster
        } else {
            Self::Primary
        }
    }

    /// The word in files, tables and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Primary => "primary",
            Self::Booster => "booster",
        }
    }

    /// Reads that word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == text)
    }
}

#[derive(Deserialize)]
struct Rate {
    product: String,
    purpose: String,
    valid_from: Day,
    valid_to: Option<Day>,
    doses: i64,
}

/// Doses drawn from one vial of the product on a day; none if the table does not know.
#[must_use]
pub fn doses_per_vial(product: &str, purpose: Purpose, on: Day) -> Option<i64> {
    static RATES: LazyLock<Vec<Rate>> =
        LazyLock::new(|| crate::tables::bundled(include_str!("../../../data/vial_doses.csv")));
    RATES
        .iter()
        .filter(|rate| rate.product == product)
        .filter(|rate| rate.purpose == "any" || rate.purpose == purpose.as_str())
        .find(|rate| rate.valid_from <= on && rate.valid_to.is_none_or(|last| on <= last))
        .map(|rate| rate.doses)
}

/// Why doses drawn and doses recorded differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Left in an open vial when nobody came any more (余り).
    LeftOver,
    /// Dropped, contaminated, a broken syringe (破損・汚染).
    Spoiled,
    /// The vial gave fewer than it should (規定回数を採取できず).
    NotDrawn,
    /// Given, and not recorded yet: it waits on paper (記録の入力待ち).
    NotRecorded,
    /// Anything else that makes fewer records; needs words.
    OtherFewer,
    /// The vial gave one more than it should (規定回数より多く採取).
    DrawnMore,
    /// Recorded here, drawn from a vial that was opened elsewhere (他の会場のバイアル).
    OtherVial,
    /// Anything else that makes more records; needs words.
    OtherMore,
}

impl Reason {
    /// Every reason: first those that make fewer records than doses drawn.
    pub const ALL: [Self; 8] = [
        Self::LeftOver,
        Self::Spoiled,
        Self::NotDrawn,
        Self::NotRecorded,
        Self::OtherFewer,
        Self::DrawnMore,
        Self::OtherVial,
        Self::OtherMore,
    ];

    /// The word in tables and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LeftOver => "left_over",
            Self::Spoiled => "spoiled",
            Self::NotDrawn => "not_drawn",
            Self::NotRecorded => "not_recorded",
            Self::OtherFewer => "other_fewer",
            Self::DrawnMore => "drawn_more",
            Self::OtherVial => "other_vial",
            Self::OtherMore => "other_more",
        }
    }

    /// Reads that word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == text)
    }

    /// Whether it explains more records than doses drawn, and not fewer.
    #[must_use]
    pub fn explains_more(self) -> bool {
        matches!(self, Self::DrawnMore | Self::OtherVial | Self::OtherMore)
    }

    /// Whether it says nothing without words.
    #[must_use]
    pub fn needs_words(self) -> bool {
        matches!(self, Self::OtherFewer | Self::OtherMore)
    }
}

/// Doses under one reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// The reason.
    pub reason: Reason,
    /// How many doses, never negative.
    pub doses: i64,
}

/// One lot of the day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// The product's key.
    pub product: String,
    /// The lot.
    pub lot: String,
    /// For which doses.
    pub purpose: Purpose,
    /// Vials opened.
    pub vials_opened: i64,
    /// Vials thrown away unopened; those are no doses, but they leave the stock.
    pub vials_discarded: i64,
    /// Doses that the ledger holds of it when the day is closed.
    pub doses_recorded: i64,
    /// Why the two differ.
    pub differences: Vec<Difference>,
    /// In words, what the reasons leave open.
    pub words: String,
}

/// What is wrong with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum LineRefusal {
    /// How many doses a vial gives is not known for this product, purpose and day.
    #[error(
        "この製品の1バイアルあたりの回数が登録されていません。市町村に連絡してください。/ How many doses a vial of this product gives is not known. Tell your city."
    )]
    NoRate,
    /// A number is negative or larger than any day's.
    #[error(
        "数が正しくありません。入力し直してください。/ A number cannot be right. Enter it again."
    )]
    Number,
    /// Fewer doses are accounted for than the opened vials gave.
    #[error(
        "開封したバイアルの回数に対して{doses}回分の説明がありません。理由ごとに回数を入力してください。/ {doses} doses of the opened vials are not accounted for. Enter them under a reason."
    )]
    Missing {
        /// How many.
        doses: i64,
    },
    /// More doses are accounted for than the opened vials gave.
    #[error(
        "開封したバイアルの回数より{doses}回分多くなっています。バイアル数と理由を確認してください。/ {doses} doses more than the opened vials gave. Check the vials and the reasons."
    )]
    TooMany {
        /// How many.
        doses: i64,
    },
    /// A reason that says nothing by itself has no words.
    #[error("「その他」の理由を言葉で入力してください。/ Say in words what the other reason is.")]
    WordsMissing,
    /// The words are too long.
    #[error("説明は100文字以内で入力してください。/ Use at most 100 characters.")]
    WordsLong,
}

impl LineRefusal {
    /// The stable word for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoRate => "closing_no_rate",
            Self::Number => "closing_number",
            Self::Missing { .. } => "closing_missing",
            Self::TooMany { .. } => "closing_too_many",
            Self::WordsMissing => "closing_words_missing",
            Self::WordsLong => "closing_words_long",
        }
    }

    /// Every code, for the texts' test.
    pub const CODES: [&'static str; 6] = [
        "closing_no_rate",
        "closing_number",
        "closing_missing",
        "closing_too_many",
        "closing_words_missing",
        "closing_words_long",
    ];
}

impl Line {
    /// Doses that the opened vials gave by the rate of the day.
    #[must_use]
    pub fn doses_drawn(&self, on: Day) -> Option<i64> {
        doses_per_vial(&self.product, self.purpose, on)?.checked_mul(self.vials_opened)
    }

    /// Everything that is wrong with the line; closed it may be if that is nothing.
    #[must_use]
    pub fn refusals(&self, on: Day) -> Vec<LineRefusal> {
        let in_range = (0..=VIALS_MAX).contains(&self.vials_opened)
            && (0..=VIALS_MAX).contains(&self.vials_discarded)
            && self
                .differences
                .iter()
                .all(|one| (0..=DIFFERENCE_MAX).contains(&one.doses));
        if !in_range {
            return vec![LineRefusal::Number];
        }
        let mut refusals = Vec::new();
        match self.unexplained(on) {
            None => refusals.push(LineRefusal::NoRate),
            Some(0) => {}
            Some(doses @ 1..) => refusals.push(LineRefusal::Missing { doses }),
            Some(doses) => refusals.push(LineRefusal::TooMany { doses: -doses }),
        }
        let wants_words = self
            .differences
            .iter()
            .any(|one| one.reason.needs_words() && one.doses > 0);
        if wants_words && self.words.trim().is_empty() {
            refusals.push(LineRefusal::WordsMissing);
        }
        if self.words.chars().count() > WORDS_LENGTH_MAX {
            refusals.push(LineRefusal::WordsLong);
        }
        refusals
    }

    /// Doses drawn that neither a record nor a reason accounts for; negative if there are too many.
    #[must_use]
    pub fn unexplained(&self, on: Day) -> Option<i64> {
        let drawn = self.doses_drawn(on)?;
        let explained: i64 = self
            .differences
            .iter()
            .map(|one| {
                if one.reason.explains_more() {
                    -one.doses
                } else {
                    one.doses
                }
            })
            .sum();
        Some(drawn - self.doses_recorded - explained)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::vaccines::Vaccines;

    fn day(text: &str) -> Day {
        Day::parse(text).unwrap()
    }

    fn line(vials_opened: i64, doses_recorded: i64, differences: &[(Reason, i64)]) -> Line {
        Line {
            product: "comirnaty_12_mono".to_owned(),
            lot: "EY2173".to_owned(),
            purpose: Purpose::Primary,
            vials_opened,
            vials_discarded: 0,
            doses_recorded,
            differences: differences
                .iter()
                .map(|&(reason, doses)| Difference { reason, doses })
                .collect(),
            words: String::new(),
        }
    }

    #[test]
    fn a_vial_of_one_product_gives_five_doses_then_six() {
        let rate = |on| doses_per_vial("comirnaty_12_mono", Purpose::Primary, day(on));
        assert_eq!(rate("2021-04-12"), Some(5));
        assert_eq!(rate("2021-06-01"), Some(6));
        assert_eq!(rate("2021-02-16"), None);
    }

    #[test]
    fn a_vial_may_give_more_booster_doses_than_first_ones() {
        let rate = |purpose| doses_per_vial("spikevax_mono", purpose, day("2022-01-10"));
        assert_eq!(rate(Purpose::of_turn(2)), Some(10));
        assert_eq!(rate(Purpose::of_turn(3)), Some(15));
    }

    #[test]
    fn every_product_has_a_rate_on_each_day_it_is_used() {
        for product in Vaccines::bundled().all() {
            for on in [Some(product.used_from), product.used_to]
                .into_iter()
                .flatten()
            {
                let rate = doses_per_vial(product.key.as_str(), Purpose::Primary, on);
                assert!(
                    rate.is_some_and(|doses| (1..=20).contains(&doses)),
                    "{product:?}"
                );
            }
        }
    }

    #[test]
    fn a_day_without_a_difference_closes_by_itself() {
        assert_eq!(line(10, 60, &[]).refusals(day("2021-06-01")), []);
        assert_eq!(line(0, 0, &[]).refusals(day("2021-06-01")), []);
    }

    #[test]
    fn every_dose_between_vials_and_records_wants_a_reason() {
        let on = day("2021-06-01");
        let missing = [LineRefusal::Missing { doses: 4 }];
        assert_eq!(line(10, 56, &[]).refusals(on), missing);
        let reasons = [(Reason::LeftOver, 3), (Reason::Spoiled, 1)];
        assert_eq!(line(10, 56, &reasons).refusals(on), []);
        let too_many = [LineRefusal::TooMany { doses: 2 }];
        assert_eq!(line(10, 62, &[]).refusals(on), too_many);
        assert_eq!(line(10, 62, &[(Reason::DrawnMore, 2)]).refusals(on), []);
    }

    #[test]
    fn another_reason_needs_words() {
        let on = day("2021-06-01");
        let mut line = line(1, 5, &[(Reason::OtherFewer, 1)]);
        assert_eq!(line.refusals(on), [LineRefusal::WordsMissing]);
        line.words = "停電".to_owned();
        assert_eq!(line.refusals(on), []);
        line.words = "あ".repeat(WORDS_LENGTH_MAX + 1);
        assert_eq!(line.refusals(on), [LineRefusal::WordsLong]);
    }

    #[test]
    fn numbers_of_no_day_are_refused() {
        let on = day("2021-06-01");
        assert_eq!(line(-1, 0, &[]).refusals(on), [LineRefusal::Number]);
        assert_eq!(
            line(VIALS_MAX + 1, 0, &[]).refusals(on),
            [LineRefusal::Number]
        );
        assert_eq!(
            line(1, 5, &[(Reason::Spoiled, -1)]).refusals(on),
            [LineRefusal::Number]
        );
    }

    proptest! {
        /// What is closed adds up: doses drawn are those recorded and those with a reason.
        #[test]
        fn a_closed_line_adds_up(
            vials in 0_i64..50, recorded in 0_i64..400, fewer in 0_i64..100, more in 0_i64..100,
        ) {
            let on = day("2021-06-01");
            let line = line(vials, recorded, &[(Reason::LeftOver, fewer), (Reason::DrawnMore, more)]);
            let adds_up = vials * 6 == recorded + fewer - more;
            prop_assert_eq!(line.refusals(on).is_empty(), adds_up);
        }
    }
}
