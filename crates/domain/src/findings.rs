//! What may be wrong with a record (指摘): stable words, how bad each is, and the day to act on.
//!
//! A finding travels with the record it is about and puts it on somebody's work list. The texts for
//! people live with the pages; here are the words that others script against.

use serde::{Deserialize, Serialize};

use crate::calendar::Day;

/// How bad a finding is (domain paper §4.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// To be checked (要確認).
    Warn,
    /// To be corrected (要修正).
    Error,
    /// Cannot be right; kept in quarantine, not counted, not lost.
    Block,
}

/// What may be wrong with a record. The words are stable: others script against them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingCode {
    /// The date lies after the day it was reported.
    FutureDate,
    /// The date lies before the product was used in Japan.
    BeforeProduct,
    /// The date lies before the person's birth.
    BeforeBirth,
    /// The 18 digits name no municipality that issues coupons, or break its check digit.
    UnknownMunicipality,
    /// The kind digit (券種) means nothing.
    KindUnknown,
    /// A dose with a higher number is dated earlier, or the other way round.
    OrderReversed,
    /// Another record of the same dose says something else (同じ接種回の別の記録).
    SameTurnDiffers,
    /// The same dose is recorded already, with the same day and product.
    SameTurnAgain,
    /// Sooner after the last dose than the product allows; carries the earliest day.
    TooSoon,
    /// A dose with a lower number is missing.
    EarlierTurnMissing,
    /// The person had died, moved out or been removed before the day.
    PersonGone,
    /// The product was no longer used on the day.
    ProductEnded,
    /// The product is not in the list.
    ProductUnknown,
    /// No lot was told.
    LotMissing,
    /// A locally used coupon kind (その他の券種).
    KindLocal,
    /// The number is not in the city's register yet (登録待ち).
    NotRegistered,
    /// The number was void when it was used: lost, replaced, given back; carries the day it became so.
    CouponVoid,
    /// The coupon's city is not the venue's (住所地外).
    OutOfResidence,
    /// The coupon leaves the turn open; it was counted on from the doses known.
    TurnOpen,
    /// Reported on a later day than it was given.
    LateEntry,
    /// The same id came with other content; both are kept.
    Contested,
    /// Younger than any rule for the dose allows; carries the first day allowed.
    TooYoung,
    /// Older than any rule for the dose allows; carries the last day that was allowed.
    TooOld,
    /// Later after the last dose than the rules allow; carries the last day that was allowed.
    TooLate,
    /// Another product than the dose before, where the programme asks for the same (交互接種).
    ProductMixed,
    /// The product is in use, but not for this dose.
    ProductNotForTurn,
    /// The programme had not begun; carries its first day.
    ProgrammeNotOpen,
    /// The programme, or its rule for this person, was over; carries its last day.
    ProgrammeOver,
    /// The person is not of those for whom the dose is meant.
    NotEligible,
    /// Something known of the person forbids the dose.
    Contraindicated,
    /// One dose more than the programme has (不必要な接種).
    OverLimit,
    /// Too soon after another vaccine; carries the earliest day.
    OtherVaccineTooSoon,
    /// A second dose against the same on the same day.
    SameDay,
    /// The lot was past its last day, extensions included; carries that day.
    LotExpired,
    /// The lot was not to be given any more when it was given (使用中止・回収); carries the day from which.
    LotRecalled,
    /// The venue had told that it does not work on that day.
    VenueClosed,
    /// A few days early, within what the schedule forgives; carries the day it was due.
    WithinGrace,
    /// Given abroad, at a base or in a trial: it counts, the rules of here do not bind it.
    External,
}

impl FindingCode {
    /// Every code, for the texts' test.
    pub const ALL: [Self; 38] = [
        Self::FutureDate,
        Self::BeforeProduct,
        Self::BeforeBirth,
        Self::UnknownMunicipality,
        Self::KindUnknown,
        Self::OrderReversed,
        Self::SameTurnDiffers,
        Self::SameTurnAgain,
        Self::TooSoon,
        Self::EarlierTurnMissing,
        Self::PersonGone,
        Self::ProductEnded,
        Self::ProductUnknown,
        Self::LotMissing,
        Self::KindLocal,
        Self::NotRegistered,
        Self::CouponVoid,
        Self::OutOfResidence,
        Self::TurnOpen,
        Self::LateEntry,
        Self::Contested,
        Self::TooYoung,
        Self::TooOld,
        Self::TooLate,
        Self::ProductMixed,
        Self::ProductNotForTurn,
        Self::ProgrammeNotOpen,
        Self::ProgrammeOver,
        Self::NotEligible,
        Self::Contraindicated,
        Self::OverLimit,
        Self::OtherVaccineTooSoon,
        Self::SameDay,
        Self::LotExpired,
        Self::LotRecalled,
        Self::VenueClosed,
        Self::WithinGrace,
        Self::External,
    ];

    /// The word in files, tables and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FutureDate => "future_date",
            Self::BeforeProduct => "before_product",
            Self::BeforeBirth => "before_birth",
            Self::UnknownMunicipality => "unknown_municipality",
            Self::KindUnknown => "kind_unknown",
            Self::OrderReversed => "order_reversed",
            Self::SameTurnDiffers => "same_turn_differs",
            Self::SameTurnAgain => "same_turn_again",
            Self::TooSoon => "too_soon",
            Self::EarlierTurnMissing => "earlier_turn_missing",
            Self::PersonGone => "person_gone",
            Self::ProductEnded => "product_ended",
            Self::ProductUnknown => "product_unknown",
            Self::LotMissing => "lot_missing",
            Self::KindLocal => "kind_local",
            Self::NotRegistered => "not_registered",
            Self::CouponVoid => "coupon_void",
            Self::OutOfResidence => "out_of_residence",
            Self::TurnOpen => "turn_open",
            Self::LateEntry => "late_entry",
            Self::Contested => "contested",
            Self::TooYoung => "too_young",
            Self::TooOld => "too_old",
            Self::TooLate => "too_late",
            Self::ProductMixed => "product_mixed",
            Self::ProductNotForTurn => "product_not_for_turn",
            Self::ProgrammeNotOpen => "programme_not_open",
            Self::ProgrammeOver => "programme_over",
            Self::NotEligible => "not_eligible",
            Self::Contraindicated => "contraindicated",
            Self::OverLimit => "over_limit",
            Self::OtherVaccineTooSoon => "other_vaccine_too_soon",
            Self::SameDay => "same_day",
            Self::LotExpired => "lot_expired",
            Self::LotRecalled => "lot_recalled",
            Self::VenueClosed => "venue_closed",
            Self::WithinGrace => "within_grace",
            Self::External => "external",
        }
    }

    /// Reads that word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.as_str() == text)
    }

    /// The class of wrong records it belongs to; none for what is only worth knowing.
    #[must_use]
    pub fn class(self) -> Option<Class> {
        Some(match self {
            Self::FutureDate => Class::FutureDate,
            Self::BeforeProduct | Self::BeforeBirth => Class::BeforeStart,
            Self::OrderReversed => Class::Order,
            Self::TooSoon | Self::OtherVaccineTooSoon | Self::SameDay => Class::Interval,
            Self::EarlierTurnMissing => Class::EarlierMissing,
            Self::SameTurnDiffers | Self::SameTurnAgain | Self::Contested => Class::Twice,
            Self::NotRegistered | Self::CouponVoid => Class::NotIssued,
            Self::UnknownMunicipality | Self::KindUnknown | Self::KindLocal => Class::Misread,
            Self::ProductUnknown | Self::LotMissing | Self::LotExpired | Self::LotRecalled => {
                Class::Lot
            }
            Self::ProductEnded
            | Self::TooYoung
            | Self::TooOld
            | Self::TooLate
            | Self::ProductMixed
            | Self::ProductNotForTurn
            | Self::ProgrammeNotOpen
            | Self::ProgrammeOver
            | Self::NotEligible
            | Self::Contraindicated
            | Self::OverLimit => Class::NotAllowed,
            Self::PersonGone => Class::PersonGone,
            Self::VenueClosed => Class::VenueClosed,
            Self::OutOfResidence
            | Self::TurnOpen
            | Self::LateEntry
            | Self::WithinGrace
            | Self::External => return None,
        })
    }

    /// How bad it is.
    #[must_use]
    pub fn severity(self) -> Severity {
        match self {
            Self::FutureDate
            | Self::BeforeProduct
            | Self::BeforeBirth
            | Self::UnknownMunicipality
            | Self::KindUnknown => Severity::Block,
            Self::OrderReversed | Self::SameTurnDiffers | Self::Contested => Severity::Error,
            Self::SameTurnAgain
            | Self::TooSoon
            | Self::EarlierTurnMissing
            | Self::PersonGone
            | Self::CouponVoid
            | Self::ProductEnded
            | Self::ProductUnknown
            | Self::LotMissing
            | Self::KindLocal
            | Self::TooYoung
            | Self::TooOld
            | Self::TooLate
            | Self::ProductMixed
            | Self::ProductNotForTurn
            | Self::ProgrammeNotOpen
            | Self::ProgrammeOver
            | Self::NotEligible
            | Self::Contraindicated
            | Self::OverLimit
            | Self::OtherVaccineTooSoon
            | Self::SameDay
            | Self::LotExpired
            | Self::LotRecalled
            | Self::VenueClosed => Severity::Warn,
            Self::NotRegistered
            | Self::OutOfResidence
            | Self::TurnOpen
            | Self::LateEntry
            | Self::WithinGrace
            | Self::External => Severity::Info,
        }
    }
}

/// The classes of wrong records that the real system's cleansing looked for (domain paper §2.7): a
/// clerk works through one class at a time, since each is mended in its own way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// (a) The date lies in the future.
    FutureDate,
    /// (b) Before the product was used, or before birth.
    BeforeStart,
    /// (c) The n-th dose is dated after the next one.
    Order,
    /// (d) Too soon after another dose.
    Interval,
    /// (e) An earlier dose is missing.
    EarlierMissing,
    /// (f) The same dose twice, with other words.
    Twice,
    /// (g) The coupon number was never issued, or is void.
    NotIssued,
    /// (h) Municipality, kind or turn cannot be as read.
    Misread,
    /// (i) Product and lot do not belong together, or are not known.
    Lot,
    /// (j) The product was not for this age, turn or day.
    NotAllowed,
    /// (k) The person had died or left.
    PersonGone,
    /// (l) The venue does not work on that day.
    VenueClosed,
}

impl Class {
    /// Every class, in the paper's order.
    pub const ALL: [Self; 12] = [
        Self::FutureDate,
        Self::BeforeStart,
        Self::Order,
        Self::Interval,
        Self::EarlierMissing,
        Self::Twice,
        Self::NotIssued,
        Self::Misread,
        Self::Lot,
        Self::NotAllowed,
        Self::PersonGone,
        Self::VenueClosed,
    ];

    /// The word in addresses and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FutureDate => "future_date",
            Self::BeforeStart => "before_start",
            Self::Order => "order",
            Self::Interval => "interval",
            Self::EarlierMissing => "earlier_missing",
            Self::Twice => "twice",
            Self::NotIssued => "not_issued",
            Self::Misread => "misread",
            Self::Lot => "lot",
            Self::NotAllowed => "not_allowed",
            Self::PersonGone => "person_gone",
            Self::VenueClosed => "venue_closed",
        }
    }

    /// Reads that word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.as_str() == text)
    }

    /// The paper's letter.
    #[must_use]
    pub fn letter(self) -> char {
        let letters = ('a'..).zip(Self::ALL);
        letters
            .into_iter()
            .find(|(_, class)| *class == self)
            .map_or('?', |(letter, _)| letter)
    }

    /// The findings that belong to it.
    #[must_use]
    pub fn codes(self) -> Vec<FindingCode> {
        let belongs = |code: &FindingCode| code.class() == Some(self);
        FindingCode::ALL.into_iter().filter(belongs).collect()
    }
}

/// One thing found about a record, with the day a person needs to act on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Finding {
    /// What it is.
    pub code: FindingCode,
    /// The other record's day, the earliest day allowed, the product's first day: as the code says.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub day: Option<Day>,
}

impl Finding {
    /// A finding that needs no day.
    #[must_use]
    pub fn bare(code: FindingCode) -> Self {
        Self { code, day: None }
    }

    /// A finding with the day to act on.
    #[must_use]
    pub fn with(code: FindingCode, day: Day) -> Self {
        Self {
            code,
            day: Some(day),
        }
    }
}

/// Whether any finding is a block.
#[must_use]
pub fn is_blocked(findings: &[Finding]) -> bool {
    findings
        .iter()
        .any(|finding| finding.code.severity() == Severity::Block)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_somebody_must_look_at_is_of_a_class() {
        for code in FindingCode::ALL {
            let wanted = code.severity() > Severity::Info || code == FindingCode::NotRegistered;
            assert_eq!(code.class().is_some(), wanted, "{code:?}");
        }
    }

    #[test]
    fn classes_have_the_papers_letters_and_their_words_are_read_back() {
        let letters: String = Class::ALL.into_iter().map(Class::letter).collect();
        assert_eq!(letters, "abcdefghijkl");
        for class in Class::ALL {
            assert_eq!(Class::parse(class.as_str()), Some(class));
            assert!(!class.codes().is_empty());
        }
    }
}
