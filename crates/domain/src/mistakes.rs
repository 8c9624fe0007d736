//! Vaccination errors (間違い接種) and their report, drafted from what was found about a dose
//! (domain paper §4.5, `TB/121`).
//!
//! A dose given by mistake is still a dose: it stays in the record and counts. What is reported is
//! how it came about, so that it does not happen again; nobody is named.

use serde::{Deserialize, Serialize};

use crate::calendar::Day;
use crate::findings::{Finding, FindingCode};

/// What went wrong, as the ministry's tables count it (`iimono`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MistakeClass {
    /// 血液感染を起こしうるもの: a needle used again.
    BloodBorne,
    /// 接種量の誤り.
    Amount,
    /// 接種部位・方法.
    Route,
    /// 期限切れ.
    Expired,
    /// 不適切な保管.
    Storage,
    /// ワクチン種類の取り違え.
    Product,
    /// 対象者の誤認.
    Person,
    /// 対象年齢外.
    Age,
    /// 不必要な接種.
    Unnecessary,
    /// 接種間隔の誤り.
    Interval,
    /// 接種器具の取扱い.
    Instrument,
    /// その他.
    Other,
}

/// How soon a mistake is reported, and on which form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Urgency {
    /// At once through the prefecture (様式4-10-2).
    AtOnce,
    /// With the month's (様式4-10-3), by the 15th.
    Monthly,
}

/// What a report can say before anybody wrote a word of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MistakeDraft {
    /// The gravest class; it decides the form.
    pub class: MistakeClass,
    /// Every class that the findings point to, the gravest first, without repetition.
    pub classes: Vec<MistakeClass>,
    /// The findings behind them.
    pub findings: Vec<Finding>,
    /// 接種日.
    pub given_on: Day,
    /// Which form.
    pub urgency: Urgency,
    /// The last day to report.
    pub due_on: Day,
}

impl MistakeClass {
    /// Every class, the gravest first.
    pub const ALL: [Self; 12] = [
        Self::BloodBorne,
        Self::Amount,
        Self::Route,
        Self::Expired,
        Self::Storage,
        Self::Product,
        Self::Person,
        Self::Age,
        Self::Unnecessary,
        Self::Interval,
        Self::Instrument,
        Self::Other,
    ];

    /// The word in files, tables and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BloodBorne => "blood_borne",
            Self::Amount => "amount",
            Self::Route => "route",
            Self::Expired => "expired",
            Self::Storage => "storage",
            Self::Product => "product",
            Self::Person => "person",
            Self::Age => "age",
            Self::Unnecessary => "unnecessary",
            Self::Interval => "interval",
            Self::Instrument => "instrument",
            Self::Other => "other",
        }
    }

    /// Reads that word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.as_str() == text)
    }

    /// As the ministry's form calls it.
    #[must_use]
    pub fn japanese(self) -> &'static str {
        match self {
            Self::BloodBorne => "血液感染を起こしうるもの",
            Self::Amount => "接種量の誤り",
            Self::Route => "接種部位・方法の誤り",
            Self::Expired => "期限切れのワクチンの使用",
            Self::Storage => "不適切な保管",
            Self::Product => "ワクチン種類の取り違え",
            Self::Person => "対象者の誤認",
            Self::Age => "対象年齢外の接種",
            Self::Unnecessary => "不必要な接種",
            Self::Interval => "接種間隔の誤り",
            Self::Instrument => "接種器具の取扱いの誤り",
            Self::Other => "その他",
        }
    }

    /// How soon it is reported: at once where health may be at risk (wrong dose or route, expired,
    /// blood-borne, `TB/121`).
    #[must_use]
    pub fn urgency(self) -> Urgency {
        match self {
            Self::BloodBorne | Self::Amount | Self::Route | Self::Expired => Urgency::AtOnce,
            Self::Storage
            | Self::Product
            | Self::Person
            | Self::Age
            | Self::Unnecessary
            | Self::Interval
            | Self::Instrument
            | Self::Other => Urgency::Monthly,
        }
    }

    /// The class a finding points to, if it may be a mistake at the arm; most findings are mistakes
    /// of writing, and which of the two it is, a person decides.
    #[must_use]
    pub fn of(code: FindingCode) -> Option<Self> {
        match code {
            FindingCode::TooSoon | FindingCode::OtherVaccineTooSoon => Some(Self::Interval),
            FindingCode::TooYoung | FindingCode::TooOld => Some(Self::Age),
            FindingCode::ProductMixed
            | FindingCode::ProductNotForTurn
            | FindingCode::ProductEnded => Some(Self::Product),
            FindingCode::OverLimit | FindingCode::SameDay | FindingCode::NotEligible => {
                Some(Self::Unnecessary)
            }
            FindingCode::LotExpired => Some(Self::Expired),
            FindingCode::Contraindicated | FindingCode::LotRecalled => Some(Self::Other),
            FindingCode::FutureDate
            | FindingCode::BeforeProduct
            | FindingCode::BeforeBirth
            | FindingCode::UnknownMunicipality
            | FindingCode::KindUnknown
            | FindingCode::OrderReversed
            | FindingCode::SameTurnDiffers
            | FindingCode::SameTurnAgain
            | FindingCode::EarlierTurnMissing
            | FindingCode::PersonGone
            | FindingCode::ProductUnknown
            | FindingCode::LotMissing
            | FindingCode::KindLocal
            | FindingCode::VenueClosed
            | FindingCode::NotRegistered
            | FindingCode::OutOfResidence
            | FindingCode::TurnOpen
            | FindingCode::LateEntry
            | FindingCode::Contested
            | FindingCode::TooLate
            | FindingCode::ProgrammeNotOpen
            | FindingCode::ProgrammeOver
            | FindingCode::WithinGrace
            | FindingCode::CouponVoid
            | FindingCode::External => None,
        }
    }
}

impl Urgency {
    /// The ministry's form.
    #[must_use]
    pub fn form(self) -> &'static str {
        match self {
            Self::AtOnce => "様式4-10-2",
            Self::Monthly => "様式4-10-3",
        }
    }

    /// The last day to report what was found on a day: that day, or the 15th of the month after it.
    #[must_use]
    pub fn due(self, found_on: Day) -> Day {
        match self {
            Self::AtOnce => found_on,
            Self::Monthly => found_on
                .plus_days(1 - i64::from(found_on.day()))
                .plus_months(1)
                .plus_days(i64::from(MONTHLY_DAY) - 1),
        }
    }
}

/// The day of the month by which the month before is reported (`TB/121`).
const MONTHLY_DAY: i8 = 15;

impl MistakeDraft {
    /// Drafts the report of a dose; `None` if nothing found about it points to a mistake.
    #[must_use]
    pub fn of(given_on: Day, findings: &[Finding], found_on: Day) -> Option<Self> {
        let findings: Vec<Finding> = findings
            .iter()
            .filter(|finding| MistakeClass::of(finding.code).is_some())
            .copied()
            .collect();
        let mut classes: Vec<MistakeClass> = findings
            .iter()
            .filter_map(|finding| MistakeClass::of(finding.code))
            .collect();
        classes.sort_unstable();
        classes.dedup();
        let class = classes.first().copied()?;
        Some(Self {
            class,
            classes,
            findings,
            given_on,
            urgency: class.urgency(),
            due_on: class.urgency().due(found_on),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day(text: &str) -> Day {
        Day::parse(text).unwrap()
    }

    fn draft(codes: &[FindingCode]) -> Option<MistakeDraft> {
        let findings: Vec<Finding> = codes.iter().copied().map(Finding::bare).collect();
        MistakeDraft::of(day("2021-06-12"), &findings, day("2021-06-20"))
    }

    #[test]
    fn too_soon_a_dose_is_reported_with_the_months() {
        let draft = draft(&[FindingCode::TooSoon, FindingCode::LateEntry]).unwrap();
        assert_eq!(draft.class, MistakeClass::Interval);
        assert_eq!(
            (draft.urgency, draft.due_on),
            (Urgency::Monthly, day("2021-07-15"))
        );
        assert_eq!(draft.findings, [Finding::bare(FindingCode::TooSoon)]);
    }

    #[test]
    fn the_gravest_class_decides_and_the_others_are_kept() {
        let draft = draft(&[
            FindingCode::TooSoon,
            FindingCode::LotExpired,
            FindingCode::TooSoon,
        ])
        .unwrap();
        assert_eq!(
            draft.classes,
            [MistakeClass::Expired, MistakeClass::Interval]
        );
        assert_eq!(
            (draft.urgency, draft.due_on),
            (Urgency::AtOnce, day("2021-06-20"))
        );
        assert_eq!(draft.urgency.form(), "様式4-10-2");
    }

    #[test]
    fn a_slip_of_the_pen_is_no_mistake_at_the_arm() {
        assert_eq!(
            draft(&[FindingCode::OrderReversed, FindingCode::LotMissing]),
            None
        );
        assert_eq!(draft(&[]), None);
    }

    #[test]
    fn what_was_found_in_december_is_due_in_january() {
        assert_eq!(Urgency::Monthly.due(day("2021-12-31")), day("2022-01-15"));
        assert_eq!(Urgency::Monthly.due(day("2022-01-31")), day("2022-02-15"));
    }

    #[test]
    fn classes_are_in_the_order_of_their_list_and_read_back() {
        assert!(MistakeClass::ALL.is_sorted());
        for class in MistakeClass::ALL {
            assert_eq!(MistakeClass::parse(class.as_str()), Some(class));
        }
    }

    proptest! {
        #[test]
        fn the_order_of_findings_changes_nothing(
            codes in prop::collection::vec(prop::sample::select(FindingCode::ALL.to_vec()), 0..8),
        ) {
            let mut reversed = codes.clone();
            reversed.reverse();
            let classes = |draft: Option<MistakeDraft>| draft.map(|draft| (draft.classes, draft.due_on));
            prop_assert_eq!(classes(draft(&codes)), classes(draft(&reversed)));
        }
    }
}
