//! The register of lots (ロット台帳): what the nation says of each lot, and of the packages that carry it.
//!
//! A lot that nobody has entered is still a lot: the register never keeps a dose from being recorded.
//! What it says goes with a record as it was known when the dose was reported, so that judging again
//! gives the same; a recall of tomorrow is held against nobody today.

use serde::{Deserialize, Serialize};

use crate::calendar::Day;
use crate::findings::{Finding, FindingCode};
use crate::lot_seals::Gtin;
use crate::schedules::{Given, Schedules};
use crate::vaccines::{Lot, ProductKey};

/// Longest reason of a recall, in characters: a sentence that venues read on a red page.
pub const RECALL_REASON_LENGTH_MAX: usize = 200;

/// A lot as the register says now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegisteredLot {
    /// Of which product.
    pub product: ProductKey,
    /// The lot.
    pub lot: Lot,
    /// The last day as printed. Extensions are data of their own (`schedules`, domain paper §4.7).
    pub expires: Day,
    /// That it must not be given any more (使用中止・回収).
    pub recall: Option<Recall>,
}

/// That a lot must not be given any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recall {
    /// From which day on.
    pub since: Day,
    /// Why, in the nation's words.
    pub reason: String,
}

/// A package by its number (商品コード): which product is in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Package {
    /// The number.
    pub gtin: Gtin,
    /// The product.
    pub product: ProductKey,
}

/// How a lot stands on a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LotState {
    /// In the register, in date, not recalled.
    Good {
        /// The last day, extensions included.
        last_day: Day,
    },
    /// Nobody has entered it: compare with the delivery note.
    Unknown,
    /// Past its last day, extensions included.
    Expired {
        /// That day.
        last_day: Day,
    },
    /// It must not be given.
    Recalled(Recall),
    /// The venue's own vials of it stood too warm or too cold, and nobody has decided yet (隔離).
    Quarantined(Quarantine),
}

/// That vials of a lot at one venue wait for a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quarantine {
    /// Since which day.
    pub since: Day,
    /// Whether all that the venue has on hand do; else the others may be given.
    pub is_whole: bool,
}

impl LotState {
    /// The word in the API.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Good { .. } => "good",
            Self::Unknown => "unknown",
            Self::Expired { .. } => "expired",
            Self::Recalled(_) => "recalled",
            Self::Quarantined(_) => "quarantined",
        }
    }

    /// Whether it may be given.
    #[must_use]
    pub fn may_be_given(&self) -> bool {
        match self {
            Self::Good { .. } | Self::Unknown => true,
            Self::Quarantined(quarantine) => !quarantine.is_whole,
            Self::Expired { .. } | Self::Recalled(_) => false,
        }
    }

    /// The same with what the venue's own cold chain says of its vials. What holds for every venue goes before it.
    #[must_use]
    pub fn at_venue(self, quarantine: Option<Quarantine>) -> Self {
        match (self, quarantine) {
            (Self::Good { .. } | Self::Unknown, Some(quarantine)) => Self::Quarantined(quarantine),
            (state, _) => state,
        }
    }
}

/// How a lot stands on the day it is to be given. `printed` is the last day on the seal before one's
/// eyes; the register's own goes before it, since a seal may be of any age.
#[must_use]
pub fn state(
    product: &str,
    lot: &str,
    registered: Option<&RegisteredLot>,
    printed: Option<Day>,
    on: Day,
) -> LotState {
    if let Some(recall) = registered.and_then(|one| one.recall.as_ref())
        && recall.since <= on
    {
        return LotState::Recalled(recall.clone());
    }
    let expires = registered.map(|one| one.expires).or(printed);
    match last_day(product, lot, expires, on) {
        Some(last_day) if last_day < on => LotState::Expired { last_day },
        Some(last_day) if registered.is_some() => LotState::Good { last_day },
        _ => LotState::Unknown,
    }
}

/// The last day of a lot as decided by `on`, `expires` being the day printed; `None` if nothing is known
/// of it.
#[must_use]
pub fn last_day(product: &str, lot: &str, expires: Option<Day>, on: Day) -> Option<Day> {
    let schedules = Schedules::covid19();
    let extended = schedules.last_day(&Given {
        on,
        turn: None,
        product: schedules.product(product),
        external: false,
        lot,
        expires,
    });
    // A product without a schedule has no extensions.
    extended.or(expires)
}

/// What the register held against a dose when it was reported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// The lot's last day, if the dose was given after it.
    expired: Option<Day>,
    /// Since when the lot was not to be given, if the dose was given then.
    recalled: Option<Day>,
}

impl Known {
    /// What the register says against a dose of this product and lot, given on that day. `expires` and
    /// `recalled_since` are its words on the lot at the time of the report.
    #[must_use]
    pub fn of(
        (product, lot): (&str, &str),
        given_on: Day,
        expires: Day,
        recalled_since: Option<Day>,
    ) -> Self {
        let last = last_day(product, lot, Some(expires), given_on);
        Self {
            expired: last.filter(|last| *last < given_on),
            recalled: recalled_since.filter(|since| *since <= given_on),
        }
    }

    /// The same again, out of what was found then: a record is judged again by what was known when it
    /// was reported.
    #[must_use]
    pub fn found(findings: &[Finding]) -> Self {
        let day = |code| {
            let found = findings.iter().find(|finding| finding.code == code);
            found.and_then(|finding| finding.day)
        };
        Self {
            expired: day(FindingCode::LotExpired),
            recalled: day(FindingCode::LotRecalled),
        }
    }

    /// Adds what it holds against the dose.
    pub(crate) fn judge(self, findings: &mut Vec<Finding>) {
        let recalled = self
            .recalled
            .map(|day| Finding::with(FindingCode::LotRecalled, day));
        let expired = self
            .expired
            .map(|day| Finding::with(FindingCode::LotExpired, day));
        findings.extend(recalled.into_iter().chain(expired));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Day {
        Day::parse(text).unwrap()
    }

    fn registered(expires: &str, recalled: Option<&str>) -> RegisteredLot {
        RegisteredLot {
            product: ProductKey::parse("comirnaty_12_mono").unwrap(),
            lot: Lot::parse("EY2173").unwrap(),
            expires: day(expires),
            recall: recalled.map(|since| Recall {
                since: day(since),
                reason: "異物混入".to_owned(),
            }),
        }
    }

    fn word(registered: Option<&RegisteredLot>, printed: Option<&str>, on: &str) -> LotState {
        state(
            "comirnaty_12_mono",
            "EY2173",
            registered,
            printed.map(day),
            day(on),
        )
    }

    #[test]
    fn a_lot_is_good_to_its_last_day_and_expired_the_day_after() {
        let lot = registered("2021-08-31", None);
        let good = LotState::Good {
            last_day: day("2021-08-31"),
        };
        assert_eq!(word(Some(&lot), None, "2021-08-31"), good);
        let expired = LotState::Expired {
            last_day: day("2021-08-31"),
        };
        assert_eq!(word(Some(&lot), None, "2021-09-01"), expired);
    }

    #[test]
    fn a_venue_holds_back_its_own_vials_of_a_good_lot_and_what_holds_for_all_goes_before_it() {
        let lot = registered("2021-08-31", None);
        let since = day("2021-06-01");
        let quarantine = |is_whole| Some(Quarantine { since, is_whole });
        let at_venue = |on, quarantine| word(Some(&lot), None, on).at_venue(quarantine);
        assert!(!at_venue("2021-06-01", quarantine(true)).may_be_given());
        assert!(at_venue("2021-06-01", quarantine(false)).may_be_given());
        assert!(at_venue("2021-06-01", None).may_be_given());
        assert_eq!(
            at_venue("2021-06-01", quarantine(false)).as_str(),
            "quarantined"
        );
        assert_eq!(at_venue("2021-09-01", quarantine(true)).as_str(), "expired");
    }

    #[test]
    fn an_extension_counts_from_the_day_it_was_decided() {
        // 6 months became 9 on 2021-09-10 (`QA-0112`).
        let lot = registered("2021-08-31", None);
        let good = LotState::Good {
            last_day: day("2021-11-30"),
        };
        assert_eq!(word(Some(&lot), None, "2021-09-10"), good);
    }

    #[test]
    fn a_lot_nobody_entered_is_unknown_but_its_print_still_ends() {
        assert_eq!(word(None, None, "2021-06-01"), LotState::Unknown);
        assert_eq!(
            word(None, Some("2021-08-31"), "2021-06-01"),
            LotState::Unknown
        );
        let late = word(None, Some("2021-05-31"), "2021-06-01");
        assert!(!late.may_be_given(), "{late:?}");
    }

    #[test]
    fn a_recall_stops_from_its_day_on_whatever_the_date_on_the_vial() {
        let lot = registered("2021-08-31", Some("2021-08-26"));
        assert_eq!(word(Some(&lot), None, "2021-08-25").as_str(), "good");
        assert_eq!(word(Some(&lot), None, "2021-08-26").as_str(), "recalled");
        assert_eq!(word(Some(&lot), None, "2021-12-01").as_str(), "recalled");
    }
}
