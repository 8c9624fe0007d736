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
    /// The coupon's city is not the venue's (住所地外).
    OutOfResidence,
    /// The coupon leaves the turn open; it was counted on from the doses known.
    TurnOpen,
    /// Reported on a later day than it was given.
    LateEntry,
    /// The same id came with other content; both are kept.
    Contested,
}

impl FindingCode {
    /// Every code, for the texts' test.
    pub const ALL: [Self; 20] = [
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
        Self::OutOfResidence,
        Self::TurnOpen,
        Self::LateEntry,
        Self::Contested,
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
            Self::OutOfResidence => "out_of_residence",
            Self::TurnOpen => "turn_open",
            Self::LateEntry => "late_entry",
            Self::Contested => "contested",
        }
    }

    /// Reads that word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.as_str() == text)
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
            | Self::ProductEnded
            | Self::ProductUnknown
            | Self::LotMissing
            | Self::KindLocal => Severity::Warn,
            Self::NotRegistered | Self::OutOfResidence | Self::TurnOpen | Self::LateEntry => {
                Severity::Info
            }
        }
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
    pub(crate) fn bare(code: FindingCode) -> Self {
        Self { code, day: None }
    }

    pub(crate) fn with(code: FindingCode, day: Day) -> Self {
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
