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

    /// Writes the moment for people, on Japan's clock: `2021-04-12 18:05`.
    #[must_use]
    pub fn japanese(self) -> String {
        let (hour, minute, _) = self.clock_in_japan();
        format!("{} {hour:02}:{minute:02}", self.day_in_japan())
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
