//! The days on which a venue vaccinates (開設日), as it tells them from a day on: its days of the week, and
//! single days beside them.
//!
//! A venue that told nothing may work on any day. What it told goes with a record as it was known when
//! the dose was reported, as with the register of [lots](crate::lots): judging again gives the same.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::calendar::Day;
use crate::findings::{Finding, FindingCode};

/// Single days that are told at most, of those that are added and of those that are left out: the
/// holidays of some years.
pub const SINGLE_DAYS_MAX: usize = 100;

/// Which days of the week, Monday first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Weekdays([bool; 7]);

impl Weekdays {
    /// Those that are said, Monday first.
    #[must_use]
    pub fn of(days: [bool; 7]) -> Self {
        Self(days)
    }

    /// Reads seven digits, Monday first: `1` for a day on which the venue works.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut days = [false; 7];
        let mut digits = text.bytes();
        for day in &mut days {
            *day = match digits.next()? {
                b'0' => false,
                b'1' => true,
                _ => return None,
            };
        }
        digits.next().is_none().then_some(Self(days))
    }

    /// Each day of the week, Monday first.
    pub fn each(self) -> impl Iterator<Item = bool> {
        self.0.into_iter()
    }

    fn has(self, day: Day) -> bool {
        self.0
            .get(usize::from(day.weekday()))
            .copied()
            .unwrap_or_default()
    }
}

impl std::fmt::Display for Weekdays {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.each()
            .try_for_each(|works| f.write_str(if works { "1" } else { "0" }))
    }
}

impl Serialize for Weekdays {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Weekdays {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let wrong = || serde::de::Error::custom("not seven digits 0 or 1, Monday first");
        Self::parse(&text).ok_or_else(wrong)
    }
}

/// The days on which a venue works, until it tells others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpeningDays {
    /// The days of the week.
    pub weekdays: Weekdays,
    /// Days on which it works beside them.
    #[serde(default)]
    pub also: BTreeSet<Day>,
    /// Days on which it does not work all the same; they go before [`Self::also`].
    #[serde(default)]
    pub not: BTreeSet<Day>,
}

/// Why opening days are not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpeningDaysRefusal {
    /// More than [`SINGLE_DAYS_MAX`] single days.
    TooMany,
    /// A day is said to be both.
    Both {
        /// That day.
        day: Day,
    },
}

impl OpeningDays {
    /// Whether the venue works on that day.
    #[must_use]
    pub fn works_on(&self, day: Day) -> bool {
        !self.not.contains(&day) && (self.also.contains(&day) || self.weekdays.has(day))
    }

    /// Whether they can be kept.
    ///
    /// # Errors
    /// [`OpeningDaysRefusal`].
    pub fn check(&self) -> Result<(), OpeningDaysRefusal> {
        if self.also.len() > SINGLE_DAYS_MAX || self.not.len() > SINGLE_DAYS_MAX {
            return Err(OpeningDaysRefusal::TooMany);
        }
        match self.also.intersection(&self.not).next() {
            Some(day) => Err(OpeningDaysRefusal::Both { day: *day }),
            None => Ok(()),
        }
    }
}

/// Whether a record was found to be of a day on which its venue did not work: what was known then holds
/// when it is judged again.
#[must_use]
pub fn found_closed(findings: &[Finding]) -> bool {
    findings
        .iter()
        .any(|finding| finding.code == FindingCode::VenueClosed)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day(text: &str) -> Day {
        Day::parse(text).unwrap()
    }

    /// Monday to Friday, the holidays of May 2021 left out, a Sunday added.
    fn clinic() -> OpeningDays {
        OpeningDays {
            weekdays: Weekdays::parse("1111100").unwrap(),
            also: BTreeSet::from([day("2021-05-23")]),
            not: BTreeSet::from(["2021-05-03", "2021-05-04", "2021-05-05"].map(day)),
        }
    }

    #[test]
    fn a_clinic_works_on_its_weekdays_but_its_holidays_and_on_days_added() {
        let clinic = clinic();
        assert!(clinic.works_on(day("2021-05-06")), "a Thursday");
        assert!(!clinic.works_on(day("2021-05-08")), "a Saturday");
        assert!(!clinic.works_on(day("2021-05-05")), "Children's Day");
        assert!(
            clinic.works_on(day("2021-05-23")),
            "a Sunday for mass vaccination"
        );
    }

    #[test]
    fn one_day_is_not_told_twice_and_nobody_tells_years_of_single_days() {
        assert_eq!(clinic().check(), Ok(()));
        let both = OpeningDays {
            also: BTreeSet::from([day("2021-05-05")]),
            ..clinic()
        };
        let refused = OpeningDaysRefusal::Both {
            day: day("2021-05-05"),
        };
        assert_eq!(both.check(), Err(refused));
        let first = day("2021-01-01");
        let many = OpeningDays {
            not: (0..101).map(|days| first.plus_days(days)).collect(),
            ..OpeningDays::default()
        };
        assert_eq!(many.check(), Err(OpeningDaysRefusal::TooMany));
    }

    #[test]
    fn what_is_no_week_is_not_read() {
        for wrong in ["", "111110", "11111000", "111110x"] {
            assert_eq!(Weekdays::parse(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn a_week_is_the_same_a_week_later_and_reads_back(days in any::<[bool; 7]>(), from in 0..20_000_i64) {
            let told = OpeningDays { weekdays: Weekdays::of(days), ..OpeningDays::default() };
            let on = day("1990-01-01").plus_days(from);
            prop_assert_eq!(told.works_on(on), told.works_on(on.plus_days(7)));
            let open = (0..7).filter(|add| told.works_on(on.plus_days(*add))).count();
            prop_assert_eq!(open, days.into_iter().filter(|works| *works).count());
            prop_assert_eq!(Weekdays::parse(&told.weekdays.to_string()), Some(told.weekdays));
        }
    }
}
