//! The cumulative reports of the original (累計報告, V-SYS ❽ ❾): what each venue had to type in every evening.
//! Here nobody is asked for it: it follows from the ledgers and the books of the stock, for those who need
//! that shape.
//!
//! Every figure is a total up to a day. A day ends at 17:00, and what is told on a weekend counts on the next
//! weekday (domain paper 3.8); of holidays the paper says nothing, so they are weekdays like others. What
//! decides is when it was told, not when it happened: the original had no other time.

use std::collections::BTreeMap;

use crate::calendar::{Day, Instant};

/// The hour at which a day of the reports ends, on Japan's clock (17時時点).
pub const CUT_OFF_HOUR: i64 = 17;
const MICROS_IN_AN_HOUR: i64 = 3_600_000_000;
/// As [`Day::weekday`] counts.
const SATURDAY: u8 = 5;
const SUNDAY: u8 = 6;

/// On which day of the reports something counts that is told at this moment.
#[must_use]
pub fn counts_on(told: Instant) -> Day {
    let day = told.day_in_japan();
    let after_hours = told.hour_in_japan() >= CUT_OFF_HOUR;
    weekday_from(if after_hours { day.plus_days(1) } else { day })
}

/// The first weekday from this day on.
fn weekday_from(day: Day) -> Day {
    match day.weekday() {
        SATURDAY => day.plus_days(2),
        SUNDAY => day.plus_days(1),
        _ => day,
    }
}

/// The first moment that no longer counts on this day or an earlier one.
#[must_use]
pub fn cut_off(day: Day) -> Instant {
    let last = match day.weekday() {
        SATURDAY => day.plus_days(-1),
        SUNDAY => day.plus_days(-2),
        _ => day,
    };
    Instant::from_micros(last.begins().micros() + CUT_OFF_HOUR * MICROS_IN_AN_HOUR)
}

/// Doses that came to the ledgers, or were taken back (−), by the day on which they count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dated {
    /// The day of the reports.
    pub day: Day,
    /// The product's key.
    pub product: String,
    /// Which dose of the person (回数).
    pub turn: u8,
    /// How many.
    pub doses: i64,
}

/// The doses of a report (接種実績), by product and turn: all that count up to and with the day.
#[must_use]
pub fn cumulative(dated: &[Dated], day: Day) -> BTreeMap<(String, u8), i64> {
    let mut totals = BTreeMap::new();
    for one in dated.iter().filter(|one| one.day <= day) {
        *totals.entry((one.product.clone(), one.turn)).or_insert(0) += one.doses;
    }
    totals.retain(|_, doses| *doses != 0);
    totals
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Instant {
        Instant::parse(&format!("{text}+09:00")).unwrap()
    }

    fn day(text: &str) -> Day {
        Day::parse(text).unwrap()
    }

    #[track_caller]
    fn check(told: &str, counts: &str) {
        assert_eq!(counts_on(at(told)), day(counts), "{told}");
    }

    #[test]
    fn a_day_ends_at_five_in_the_afternoon() {
        // A Tuesday.
        check("2021-06-01T00:00:00", "2021-06-01");
        check("2021-06-01T16:59:59.999999", "2021-06-01");
        check("2021-06-01T17:00:00", "2021-06-02");
    }

    #[test]
    fn a_friday_evening_and_the_weekend_count_on_monday() {
        check("2021-06-04T16:59:00", "2021-06-04");
        check("2021-06-04T17:00:00", "2021-06-07");
        check("2021-06-05T10:00:00", "2021-06-07");
        check("2021-06-05T18:00:00", "2021-06-07");
        check("2021-06-06T23:59:00", "2021-06-07");
        check("2021-06-07T16:59:00", "2021-06-07");
        check("2021-06-07T17:00:00", "2021-06-08");
    }

    #[test]
    fn a_holiday_is_a_weekday_like_others() {
        // 2021-05-03, Constitution Day, was a Monday.
        check("2021-05-01T12:00:00", "2021-05-03");
        check("2021-05-03T12:00:00", "2021-05-03");
    }

    #[test]
    fn a_weekend_ends_with_its_friday() {
        let friday = at("2021-06-04T17:00:00");
        for on in ["2021-06-04", "2021-06-05", "2021-06-06"] {
            assert_eq!(cut_off(day(on)), friday, "{on}");
        }
        assert_eq!(cut_off(day("2021-06-07")), at("2021-06-07T17:00:00"));
    }

    fn dated(on: &str, turn: u8, doses: i64) -> Dated {
        Dated {
            day: day(on),
            product: "comirnaty_12_mono".to_owned(),
            turn,
            doses,
        }
    }

    #[test]
    fn every_figure_is_the_total_up_to_the_day() {
        let all = [
            dated("2021-06-01", 1, 30),
            dated("2021-06-02", 1, 12),
            dated("2021-06-02", 2, 5),
            dated("2021-06-03", 1, -2),
        ];
        let first = |on| {
            let totals = cumulative(&all, day(on));
            let of = |turn| totals.get(&("comirnaty_12_mono".to_owned(), turn)).copied();
            (of(1), of(2))
        };
        assert_eq!(first("2021-05-31"), (None, None));
        assert_eq!(first("2021-06-01"), (Some(30), None));
        assert_eq!(first("2021-06-02"), (Some(42), Some(5)));
        // Two were taken back: the total falls, and says so.
        assert_eq!(first("2021-06-03"), (Some(40), Some(5)));
    }

    fn any_dated(least: i64) -> impl Strategy<Value = Vec<Dated>> {
        let one = (0_i64..30, 1_u8..4, least..50).prop_map(|(days, turn, doses)| Dated {
            day: Day::from_epoch(days),
            product: "comirnaty_12_mono".to_owned(),
            turn,
            doses,
        });
        proptest::collection::vec(one, 0..60)
    }

    fn total(totals: &BTreeMap<(String, u8), i64>) -> i64 {
        totals.values().sum()
    }

    proptest! {
        #[test]
        fn a_total_falls_only_where_something_was_taken_back(all in any_dated(0), on in 0_i64..30) {
            let here = cumulative(&all, Day::from_epoch(on));
            let next = cumulative(&all, Day::from_epoch(on + 1));
            for (key, doses) in &here {
                prop_assert!(next.get(key).is_some_and(|later| later >= doses));
            }
        }

        #[test]
        fn the_days_add_up_to_the_total(all in any_dated(-20)) {
            let last = Day::from_epoch(30);
            let by_day = (0..=30).map(|on| {
                let upto = |days| total(&cumulative(&all, Day::from_epoch(days)));
                upto(on) - upto(on - 1)
            });
            prop_assert_eq!(by_day.sum::<i64>(), total(&cumulative(&all, last)));
            prop_assert_eq!(total(&cumulative(&all, last)), all.iter().map(|one| one.doses).sum::<i64>());
        }

        #[test]
        fn every_moment_counts_on_a_weekday_not_before_it_and_three_days_later_at_most(
            micros in 1_600_000_000_000_000_i64..1_700_000_000_000_000, more in 0_i64..1_000_000_000_000,
        ) {
            let told = Instant::from_micros(micros);
            let counts = counts_on(told);
            prop_assert!(!matches!(counts.weekday(), SATURDAY | SUNDAY));
            prop_assert!((0..=3).contains(&told.day_in_japan().days_until(counts)));
            prop_assert!(counts_on(Instant::from_micros(micros + more)) >= counts);
            for day in (-3..=3).map(|days| counts.plus_days(days)) {
                prop_assert_eq!(counts_on(told) <= day, told < cut_off(day));
            }
        }
    }
}
