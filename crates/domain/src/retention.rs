//! How long the register of vaccinations (予防接種台帳) is kept.
//!
//! A city keeps the record of a vaccination for five years from when it was given (予防接種法施行令6条の2,
//! domain paper §2.11). The day itself does not count (民法140条), and a period whose last month lacks the
//! day ends with that month (民法143条2項). That the time is over is told; nothing here erases anything.

use crate::calendar::Day;

/// Years for which a record must be kept.
pub const RETENTION_YEARS: i32 = 5;

/// The last day on which the record of a dose of that day must be kept.
#[must_use]
pub fn kept_until(given_on: Day) -> Day {
    // The period begins on the morning after, and ends on the eve of the day that answers to it.
    given_on
        .plus_days(1)
        .plus_months(RETENTION_YEARS * 12)
        .plus_days(-1)
}

/// Whether the time of keeping is over.
#[must_use]
pub fn is_past(given_on: Day, today: Day) -> bool {
    kept_until(given_on) < today
}

/// The last day of giving whose time of keeping is over.
#[must_use]
pub fn last_past(today: Day) -> Day {
    // A leap day moves the end by a day at most.
    let near = today.plus_months(-RETENTION_YEARS * 12).plus_days(1);
    (0..4)
        .map(|days| near.plus_days(-days))
        .find(|day| is_past(*day, today))
        .unwrap_or(Day::FIRST)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day(text: &str) -> Day {
        Day::parse(text).unwrap()
    }

    #[test]
    fn a_record_is_kept_to_the_end_of_the_same_day_five_years_later() {
        for (given_on, until) in [
            ("2021-04-12", "2026-04-12"),
            ("2021-12-31", "2026-12-31"),
            // The period begins on a leap day; its last month has none.
            ("2024-02-28", "2029-02-28"),
            ("2024-02-29", "2029-02-28"),
            ("2023-02-28", "2028-02-29"),
        ] {
            assert_eq!(kept_until(day(given_on)), day(until), "{given_on}");
            assert!(!is_past(day(given_on), day(until)));
            assert!(is_past(day(given_on), day(until).plus_days(1)));
        }
    }

    proptest! {
        #[test]
        fn up_to_the_last_past_day_all_is_past_and_nothing_after(days in 0_i64..4000) {
            let today = day("2024-01-01").plus_days(days);
            let last = last_past(today);
            prop_assert!(is_past(last, today));
            prop_assert!(!is_past(last.plus_days(1), today));
        }
    }
}
