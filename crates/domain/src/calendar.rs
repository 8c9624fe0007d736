//! Days, instants and ages, as the field counts them.
//!
//! The clock is never read here: whoever asks brings the time along.

use jiff::civil::Date;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A civil day, from 0001-01-01 to 9999-12-31.
///
/// Written `YYYY-MM-DD` everywhere but in the old file formats, which write `YYYYMMDD`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(Date);

impl Day {
    /// The first day that can be written with four digits of a year.
    pub const FIRST: Self = Self(Date::constant(1, 1, 1));
    /// The last such day.
    pub const LAST: Self = Self(Date::constant(9999, 12, 31));
    /// Where computers begin to count.
    const EPOCH: Self = Self(Date::constant(1970, 1, 1));

    /// The day with this year, month and day of the month, if the calendar has it.
    #[must_use]
    pub fn new(year: i16, month: i8, day: i8) -> Option<Self> {
        Date::new(year, month, day)
            .ok()
            .map(Self)
            .filter(|day| *day >= Self::FIRST)
    }

    /// Reads `YYYY-MM-DD`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (year, rest) = text.split_once('-')?;
        let (month, day) = rest.split_once('-')?;
        Self::new(number(year, 4)?, narrow(month)?, narrow(day)?)
    }

    /// Reads `YYYYMMDD`.
    #[must_use]
    pub fn parse_compact(text: &str) -> Option<Self> {
        let (year, month, day) = compact_parts(text)?;
        Self::new(year, month, day)
    }

    /// Writes `YYYYMMDD`.
    #[must_use]
    pub fn compact(self) -> String {
        format!("{:04}{:02}{:02}", self.year(), self.month(), self.day())
    }

    /// Writes the day for people: `2021年4月12日`.
    #[must_use]
    pub fn japanese(self) -> String {
        format!("{}年{}月{}日", self.year(), self.month(), self.day())
    }

    /// The year of the common era.
    #[must_use]
    pub fn year(self) -> i16 {
        self.0.year()
    }

    /// The month, 1 to 12.
    #[must_use]
    pub fn month(self) -> i8 {
        self.0.month()
    }

    /// The day of the month, from 1.
    #[must_use]
    pub fn day(self) -> i8 {
        self.0.day()
    }

    /// The day of the week, 0 for Monday to 6 for Sunday.
    #[must_use]
    pub fn weekday(self) -> u8 {
        self.0.weekday().to_monday_zero_offset().unsigned_abs()
    }

    /// So many days later, or earlier; stops at [`Day::FIRST`] and [`Day::LAST`].
    ///
    /// "18日以上の間隔をおいて" leaves 18 full days between and therefore means `plus_days(19)`
    /// (`QA-0036`).
    #[must_use]
    pub fn plus_days(self, days: i64) -> Self {
        let moved = jiff::Span::new()
            .try_days(days)
            .and_then(|span| self.0.checked_add(span))
            .map_or(if days < 0 { Self::FIRST } else { Self::LAST }, Self);
        moved.max(Self::FIRST)
    }

    /// How many days from this day to the other; negative when the other is earlier.
    #[must_use]
    pub fn days_until(self, other: Self) -> i64 {
        const HOURS_PER_DAY: i64 = 24;
        self.0.duration_until(other.0).as_hours() / HOURS_PER_DAY
    }

    /// Days since 1970-01-01; negative before it.
    #[must_use]
    pub fn since_epoch(self) -> i64 {
        Self::EPOCH.days_until(self)
    }

    /// The day so many days after 1970-01-01; stops as [`Day::plus_days`] does.
    #[must_use]
    pub fn from_epoch(days: i64) -> Self {
        Self::EPOCH.plus_days(days)
    }

    /// The moment at which it begins in Japan.
    #[must_use]
    pub fn begins(self) -> Instant {
        let seconds = self.since_epoch() * SECONDS_PER_DAY - JAPAN_OFFSET_SECONDS;
        Instant::from_micros(seconds * MICROS_PER_SECOND)
    }

    /// The same day of the month so many months later (or earlier); where that month is too short,
    /// the 1st of the month after it: three months after 2022-11-30 is 2023-03-01 (京都市 0000307615).
    ///
    /// Stops at [`Day::FIRST`] and [`Day::LAST`].
    #[must_use]
    pub fn plus_months(self, months: i32) -> Self {
        let months_since_zero = i64::from(self.year()) * 12 + i64::from(self.month()) - 1;
        let target = months_since_zero + i64::from(months);
        let day_in = |month: i64, day: i8| {
            let year = i16::try_from(month.div_euclid(12)).ok()?;
            Self::new(year, i8::try_from(month.rem_euclid(12) + 1).ok()?, day)
        };
        day_in(target, self.day())
            .or_else(|| day_in(target, 1).and_then(|_| day_in(target + 1, 1)))
            .unwrap_or(if months < 0 { Self::FIRST } else { Self::LAST })
    }
}

impl std::fmt::Display for Day {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{:04}-{:02}-{:02}",
            self.year(),
            self.month(),
            self.day()
        )
    }
}

impl std::fmt::Debug for Day {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Day({self})")
    }
}

impl Serialize for Day {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom("not a day written YYYY-MM-DD"))
    }
}

/// A moment, to the microsecond, as microseconds since 1970-01-01 00:00 UTC.
///
/// Invariant: in Japan it lies on a [`Day`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant {
    micros: i64,
}

const MICROS_PER_SECOND: i64 = 1_000_000;
const SECONDS_PER_DAY: i64 = 86_400;
/// Japan has one clock, nine hours ahead, and no summer time.
const JAPAN_OFFSET_SECONDS: i64 = 9 * 3_600;
/// 0001-01-01T00:00:00+09:00.
const INSTANT_MICROS_MIN: i64 = -62_135_629_200_000_000;
/// 9999-12-31T23:59:59.999999+09:00.
const INSTANT_MICROS_MAX: i64 = 253_402_268_399_999_999;

impl Instant {
    /// From microseconds since 1970-01-01 00:00 UTC; what no calendar can write is brought to the
    /// nearest moment it can.
    #[must_use]
    pub fn from_micros(micros: i64) -> Self {
        Self {
            micros: micros.clamp(INSTANT_MICROS_MIN, INSTANT_MICROS_MAX),
        }
    }

    /// Microseconds since 1970-01-01 00:00 UTC.
    #[must_use]
    pub fn micros(self) -> i64 {
        self.micros
    }

    /// Reads an RFC 3339 date and time with any offset.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let timestamp: jiff::Timestamp = text.parse().ok()?;
        Some(Self::from_micros(timestamp.as_microsecond()))
    }

    /// Which day it is in Japan.
    #[must_use]
    pub fn day_in_japan(self) -> Day {
        Day::EPOCH.plus_days(self.seconds_in_japan().div_euclid(SECONDS_PER_DAY))
    }

    /// Which hour it is in Japan, 0 to 23.
    #[must_use]
    pub fn hour_in_japan(self) -> i64 {
        self.clock_in_japan().0
    }

    /// Writes the moment for people, on Japan's clock: `2021-04-12 18:05`.
    #[must_use]
    pub fn japanese(self) -> String {
        let (hour, minute, _) = self.clock_in_japan();
        format!("{} {hour:02}:{minute:02}", self.day_in_japan())
    }

    /// Writes the moment as the old file formats do, on Japan's clock: `20210412180500`.
    #[must_use]
    pub fn compact_japanese(self) -> String {
        let (hour, minute, second) = self.clock_in_japan();
        let day = self.day_in_japan().compact();
        format!("{day}{hour:02}{minute:02}{second:02}")
    }

    /// Writes the moment for programs, on Japan's clock: `2021-04-12T18:05:00.000000+09:00`.
    #[must_use]
    pub fn rfc3339(self) -> String {
        let (hour, minute, second) = self.clock_in_japan();
        let fraction = self.micros.rem_euclid(MICROS_PER_SECOND);
        format!(
            "{}T{hour:02}:{minute:02}:{second:02}.{fraction:06}+09:00",
            self.day_in_japan()
        )
    }

    fn seconds_in_japan(self) -> i64 {
        self.micros.div_euclid(MICROS_PER_SECOND) + JAPAN_OFFSET_SECONDS
    }

    fn clock_in_japan(self) -> (i64, i64, i64) {
        let seconds = self.seconds_in_japan().rem_euclid(SECONDS_PER_DAY);
        (seconds / 3_600, seconds / 60 % 60, seconds % 60)
    }
}

impl std::fmt::Debug for Instant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Instant({})", self.rfc3339())
    }
}

impl Serialize for Instant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.rfc3339())
    }
}

impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom("not an RFC 3339 date and time"))
    }
}

/// Full years of age on a day; `-1` before birth.
///
/// Age is reached at the end of the day **before** the birthday, and that day counts already
/// (年齢計算ニ関スル法律): who was born on 1 April is a year older on 31 March.
#[must_use]
pub fn age_on(birth: Day, on: Day) -> i64 {
    if on < birth {
        return -1;
    }
    let tomorrow = on.plus_days(1);
    let years = i64::from(tomorrow.year()) - i64::from(birth.year());
    let birthday_is_to_come = (tomorrow.month(), tomorrow.day()) < (birth.month(), birth.day());
    years - i64::from(birthday_is_to_come)
}

/// Year, month and day of eight digits, in the calendar or not.
pub(crate) fn compact_parts(text: &str) -> Option<(i16, i8, i8)> {
    if text.len() != 8 {
        return None;
    }
    Some((
        number(text.get(..4)?, 4)?,
        narrow(text.get(4..6)?)?,
        narrow(text.get(6..)?)?,
    ))
}

fn narrow(text: &str) -> Option<i8> {
    i8::try_from(number(text, 2)?).ok()
}

/// Exactly `length` ASCII digits as a number: no sign, no blank.
fn number(text: &str, length: usize) -> Option<i16> {
    let is_plain = text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_plain { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day(text: &str) -> Day {
        Day::parse(text).unwrap()
    }

    #[test]
    fn the_old_formats_write_a_moment_as_fourteen_digits() {
        let moment = Instant::parse("2021-04-12T15:05:09Z").unwrap();
        assert_eq!(moment.compact_japanese(), "20210413000509");
    }

    #[test]
    fn eighteen_days_between_mean_the_nineteenth_day() {
        // A Thursday, and the Tuesday of the third week (京都市 0000307615).
        assert_eq!(day("2021-04-01").plus_days(19), day("2021-04-20"));
    }

    #[test]
    fn months_later_is_the_same_day_of_the_month() {
        assert_eq!(day("2022-10-21").plus_months(3), day("2023-01-21"));
        assert_eq!(day("2023-01-21").plus_months(-3), day("2022-10-21"));
        assert_eq!(day("2022-05-31").plus_months(-12), day("2021-05-31"));
    }

    #[test]
    fn months_later_in_a_month_too_short_is_the_first_of_the_next() {
        assert_eq!(day("2022-11-30").plus_months(3), day("2023-03-01"));
        assert_eq!(day("2023-11-30").plus_months(3), day("2024-03-01"));
        assert_eq!(day("2023-11-29").plus_months(3), day("2024-02-29"));
        assert_eq!(day("2022-08-31").plus_months(1), day("2022-10-01"));
        assert_eq!(day("2022-10-31").plus_months(-1), day("2022-10-01"));
    }

    #[test]
    fn months_and_days_stop_where_years_have_no_four_digits() {
        assert_eq!(Day::LAST.plus_months(1), Day::LAST);
        assert_eq!(Day::FIRST.plus_months(-1), Day::FIRST);
        assert_eq!(Day::LAST.plus_months(i32::MAX), Day::LAST);
        assert_eq!(Day::FIRST.plus_months(i32::MIN), Day::FIRST);
        assert_eq!(Day::LAST.plus_days(i64::MAX), Day::LAST);
        assert_eq!(Day::FIRST.plus_days(-1), Day::FIRST);
        assert_eq!(Day::FIRST.plus_days(i64::MIN), Day::FIRST);
    }

    #[test]
    fn a_year_of_age_is_reached_the_day_before_the_birthday() {
        let cases = [
            ("1956-05-03", "2021-05-01", 64),
            ("1956-05-03", "2021-05-02", 65),
            ("2000-01-01", "2020-12-30", 20),
            ("2000-01-01", "2020-12-31", 21),
            ("2000-02-29", "2001-02-27", 0),
            ("2000-02-29", "2001-02-28", 1),
            ("2000-02-29", "2004-02-28", 4),
            ("2021-04-12", "2021-04-12", 0),
            ("2021-04-12", "2021-04-11", -1),
        ];
        for (birth, on, age) in cases {
            assert_eq!(age_on(day(birth), day(on)), age, "born {birth}, on {on}");
        }
    }

    #[test]
    fn days_that_no_calendar_has_are_not_read() {
        for text in [
            "2021-02-29",
            "2021-13-01",
            "2021-4-12",
            "2021-04-1２",
            "+021-04-12",
            "0000-01-01",
            "2021-04-12 ",
            "",
        ] {
            assert_eq!(Day::parse(text), None, "{text}");
        }
        for text in ["20210229", "2021041", "2021-412", "２０２１", "20210412 "] {
            assert_eq!(Day::parse_compact(text), None, "{text}");
        }
        assert_eq!(Day::new(-1, 1, 1), None);
    }

    #[test]
    fn a_day_is_written_for_people_and_for_files() {
        let day = day("2021-04-02");
        assert_eq!(day.japanese(), "2021年4月2日");
        assert_eq!(day.compact(), "20210402");
        assert_eq!(serde_json::to_string(&day).unwrap(), "\"2021-04-02\"");
    }

    #[test]
    fn the_day_turns_in_japan_and_not_in_greenwich() {
        let evening = Instant::parse("2021-04-12T14:59:59.999999Z").unwrap();
        assert_eq!(evening.day_in_japan(), day("2021-04-12"));
        assert_eq!(evening.rfc3339(), "2021-04-12T23:59:59.999999+09:00");
        let midnight = Instant::from_micros(evening.micros() + 1);
        assert_eq!(midnight.day_in_japan(), day("2021-04-13"));
        assert_eq!(midnight.japanese(), "2021-04-13 00:00");
    }

    #[test]
    fn the_first_and_the_last_moment_lie_on_the_first_and_the_last_day() {
        let (first, last) = (
            Instant::from_micros(i64::MIN),
            Instant::from_micros(i64::MAX),
        );
        assert_eq!(first.rfc3339(), "0001-01-01T00:00:00.000000+09:00");
        assert_eq!(last.rfc3339(), "9999-12-31T23:59:59.999999+09:00");
    }

    prop_compose! {
        fn any_day()(days in 0..=Day::FIRST.days_until(Day::LAST)) -> Day {
            Day::FIRST.plus_days(days)
        }
    }

    proptest! {
        #[test]
        fn a_day_written_and_read_is_itself(day in any_day()) {
            prop_assert_eq!(Day::parse(&day.to_string()), Some(day));
            prop_assert_eq!(Day::parse_compact(&day.compact()), Some(day));
            let json = serde_json::to_string(&day).unwrap();
            prop_assert_eq!(serde_json::from_str::<Day>(&json).unwrap(), day);
        }

        #[test]
        fn going_as_many_days_as_there_are_between_arrives(one in any_day(), other in any_day()) {
            prop_assert_eq!(one.plus_days(one.days_until(other)), other);
            prop_assert_eq!(one.days_until(other), -other.days_until(one));
            prop_assert_eq!(one < other, one.days_until(other) > 0);
        }

        #[test]
        fn a_month_later_is_never_earlier_than_28_days(day in any_day(), months in 1..240_i32) {
            let later = day.plus_months(months);
            prop_assert!(later == Day::LAST || day.days_until(later) >= 28 * i64::from(months));
        }

        #[test]
        fn a_moment_written_and_read_is_itself(micros in any::<i64>()) {
            let moment = Instant::from_micros(micros / 64);
            prop_assert_eq!(Instant::parse(&moment.rfc3339()), Some(moment));
            prop_assert!(moment.rfc3339().starts_with(&moment.day_in_japan().to_string()));
        }

        #[test]
        fn age_never_falls(birth in any_day(), days in 0..40_000_i64) {
            let on = birth.plus_days(days);
            prop_assert!(age_on(birth, on) <= age_on(birth, on.plus_days(1)));
        }

        #[test]
        fn no_text_makes_reading_a_day_fail_badly(text in ".{0,12}") {
            let _ = (Day::parse(&text), Day::parse_compact(&text), Instant::parse(&text));
        }
    }
}
