//! A stretch of time as the notices write it: `6 weeks`, `5 years`, `27 days between`.

use serde::{Deserialize, Deserializer, de};

use crate::calendar::Day;

const MONTHS_PER_YEAR: i32 = 12;
const DAYS_PER_WEEK: i64 = 7;
/// No rule looks further than a long life; more is a slip of the pen.
const COUNT_MAX: i32 = 10_000;

/// Months and then days, each forward or back.
///
/// Months are counted as the field counts them (see [`Day::plus_months`]): where the month is too
/// short, the 1st of the next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Period {
    months: i32,
    days: i64,
}

impl Period {
    /// Reads counted units with signs, such as `2 years 6 months`, `14 weeks 6 days`,
    /// `19 years - 1 day`.
    ///
    /// `18 days between` is 「18日以上の間隔をおいて」: 18 full days lie between, so the dose may follow
    /// on the 19th day after (`QA-0036`). The word stands at the end and only after days or weeks:
    /// months are counted by the calendar and have no such trap.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (counted, between) = match text.trim().strip_suffix(" between") {
            Some(rest) => (rest, true),
            None => (text, false),
        };
        let mut period = Self::default();
        let mut sign = 1_i32;
        let mut words = counted.split_whitespace().peekable();
        words.peek()?;
        while let Some(word) = words.next() {
            let number = match word {
                "-" => {
                    sign = -1;
                    words.next()?
                }
                "+" => {
                    sign = 1;
                    words.next()?
                }
                number => number,
            };
            if !number.bytes().all(|byte| byte.is_ascii_digit()) {
                return None;
            }
            let count: i32 = number.parse().ok().filter(|count| *count <= COUNT_MAX)?;
            let signed = sign * count;
            match words.next()? {
                "day" | "days" => period.days += i64::from(signed),
                "week" | "weeks" => period.days += i64::from(signed) * DAYS_PER_WEEK,
                "month" | "months" => period.months += signed,
                "year" | "years" => period.months += signed * MONTHS_PER_YEAR,
                _ => return None,
            }
        }
        if between && period.months != 0 {
            return None;
        }
        period.days += i64::from(between);
        Some(period)
    }

    /// The day so much later.
    #[must_use]
    pub fn after(self, day: Day) -> Day {
        let moved = match self.months {
            0 => day,
            months => day.plus_months(months),
        };
        match self.days {
            0 => moved,
            days => moved.plus_days(days),
        }
    }

    /// The day on which an age is reached.
    ///
    /// By Japanese law (`eve`) an age in years or months is reached on the day *before* the
    /// birthday (年齢計算ニ関スル法律). An age told in weeks or days alone, such as 「生後6週0日後」, is
    /// counted from birth and has no eve.
    #[must_use]
    pub(super) fn reached(self, birth: Day, eve: bool) -> Day {
        let day = self.after(birth);
        if eve && self.months != 0 {
            day.plus_days(-1)
        } else {
            day
        }
    }
}

impl<'de> Deserialize<'de> for Period {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| {
            de::Error::custom(format!(
                "{text:?} is no period; write \"6 weeks\", \"2 years 6 months\", \"19 years - 1 day\" or \"18 days between\""
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::calendar::age_on;

    fn later(from: &str, period: &str) -> String {
        let day = Day::parse(from).unwrap();
        Period::parse(period).unwrap().after(day).to_string()
    }

    #[test]
    fn periods_are_read_as_the_notices_write_them() {
        for (from, period, to) in [
            ("2021-04-01", "18 days between", "2021-04-20"),
            ("2021-04-01", "2 weeks between", "2021-04-16"),
            ("2021-04-01", "19 days", "2021-04-20"),
            ("2021-04-01", "14 weeks 6 days", "2021-07-14"),
            ("2022-11-30", "3 months", "2023-03-01"),
            ("2020-02-29", "1 year", "2021-03-01"),
            ("2020-01-10", "2 years 6 months", "2022-07-10"),
            ("2020-01-10", "19 years - 1 day", "2039-01-09"),
            ("2020-01-10", "6 weeks - 4 days", "2020-02-17"),
            ("2020-01-10", "1 year - 2 days + 1 month", "2021-02-08"),
            ("2020-01-10", "0 days", "2020-01-10"),
        ] {
            assert_eq!(later(from, period), to, "{from} + {period}");
        }
    }

    #[test]
    fn what_is_no_period_is_not_read() {
        for text in [
            "",
            "between",
            "18",
            "days",
            "18 dayz",
            "-3 days",
            "3 months between",
            "3 days -",
            "99999 days",
            "１８ days",
            "18days",
            "1.5 years",
        ] {
            assert_eq!(Period::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn an_age_is_reached_when_the_calendar_says_so(days in 0..30_000_i64, years in 1..110_i32) {
            let birth = Day::parse("1935-01-01").unwrap().plus_days(days);
            let age = Period::parse(&format!("{years} years")).unwrap();
            let reached = age.reached(birth, true);
            prop_assert_eq!(age_on(birth, reached), i64::from(years));
            prop_assert_eq!(age_on(birth, reached.plus_days(-1)), i64::from(years) - 1);
        }

        #[test]
        fn no_text_makes_reading_a_period_fail_badly(text in ".{0,24}") {
            let _ = Period::parse(&text);
        }
    }
}
