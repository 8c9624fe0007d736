//! The cold chain (コールドチェーン): temperatures of a venue's coolers, and the vials that may have suffered.
//!
//! A cooler (保冷庫) is read by people morning and evening, or by a logger every few minutes. Nobody knows what was
//! between two readings, so the rules are cautious: what lies between two readings outside is outside, and it may
//! have begun right after the last good reading. What is in doubt waits in quarantine (隔離) until a person decides.

mod ranges;
mod risk;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::calendar::Instant;
use crate::stock::Shelf;

pub use ranges::{Range, is_kept_in, range};
pub use risk::{Event, Fate, Outcome, fate};

/// Characters of a cooler's name at most.
pub const COOLER_NAME_LENGTH_MAX: usize = 40;
/// The longest time between two readings that can be expected, in minutes: a week.
pub const EVERY_MINUTES_MAX: i64 = 7 * 24 * 60;
/// The time between two readings that is expected unless something else is told, in minutes: from the evening's to the
/// morning's, with an hour to spare \[O\].
pub const EVERY_MINUTES_USUAL: i64 = 16 * 60;
/// How far back a reading may be entered, in days: the cards of loggers hold no longer \[O\].
pub const READING_DAYS_MAX: i64 = 92;

/// Millionths of a second in a minute.
const MICROS_PER_MINUTE: i64 = 60_000_000;

/// A temperature in tenths of a degree Celsius.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Temperature(i64);

/// Why a text is no temperature of a cooler.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum TemperatureRefusal {
    /// Nothing there.
    #[error("温度を入力してください。/ Enter the temperature.")]
    Empty,
    /// A comma where a point should be.
    #[error(
        "小数点はカンマではなくピリオドで入力してください(例 -75.2)。/ Use a point, not a comma: -75.2"
    )]
    Comma,
    /// Something else than a number.
    #[error(
        "温度は-75.2のように数字で入力してください。/ Enter the temperature as a number: -75.2"
    )]
    NotANumber,
    /// More than one place after the point.
    #[error("小数点以下は1桁で入力してください。/ Enter one place after the point at most.")]
    Places,
    /// Hotter or colder than any cooler.
    #[error(
        "-120℃から60℃の間で入力してください。表示をもう一度確認してください。/ Enter -120 to 60 °C. Look at the display again."
    )]
    Beyond,
}

impl TemperatureRefusal {
    /// The stable word for programs.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Empty => "temperature_empty",
            Self::Comma => "temperature_comma",
            Self::NotANumber => "temperature_not_a_number",
            Self::Places => "temperature_places",
            Self::Beyond => "temperature_beyond",
        }
    }
}

impl Temperature {
    /// Colder than any cooler of the programme, in tenths of a degree.
    pub const LOWEST_TENTHS: i64 = -1_200;
    /// Hotter than any room with a cooler in it, in tenths of a degree.
    pub const HIGHEST_TENTHS: i64 = 600;

    /// A temperature in tenths of a degree.
    ///
    /// # Errors
    /// [`TemperatureRefusal::Beyond`].
    pub fn of_tenths(tenths: i64) -> Result<Self, TemperatureRefusal> {
        if (Self::LOWEST_TENTHS..=Self::HIGHEST_TENTHS).contains(&tenths) {
            Ok(Self(tenths))
        } else {
            Err(TemperatureRefusal::Beyond)
        }
    }

    /// Reads what a person typed off a display, or a logger wrote: full-width digits are digits, every kind of dash is
    /// a minus, `℃` may follow.
    ///
    /// # Errors
    /// [`TemperatureRefusal`].
    pub fn parse(text: &str) -> Result<Self, TemperatureRefusal> {
        let plain: String = text.trim().chars().map(plain).collect();
        let plain = plain.strip_suffix('℃').unwrap_or(&plain);
        let plain = plain.strip_suffix("°C").unwrap_or(plain).trim_end();
        if plain.is_empty() {
            return Err(TemperatureRefusal::Empty);
        }
        if plain.contains([',', '、', '，']) {
            return Err(TemperatureRefusal::Comma);
        }
        let (is_below, size) = match plain.strip_prefix('-') {
            Some(size) => (true, size),
            None => (false, plain.strip_prefix('+').unwrap_or(plain)),
        };
        let (degrees, place) = size.split_once('.').unwrap_or((size, "0"));
        let is_number =
            |text: &str| !text.is_empty() && text.bytes().all(|one| one.is_ascii_digit());
        if !is_number(degrees) || !is_number(place) {
            return Err(TemperatureRefusal::NotANumber);
        }
        if place.len() > 1 {
            return Err(TemperatureRefusal::Places);
        }
        let beyond = |_| TemperatureRefusal::Beyond;
        let degrees: i32 = degrees.parse().map_err(beyond)?;
        let place: i64 = place.parse().map_err(beyond)?;
        let tenths = i64::from(degrees) * 10 + place;
        Self::of_tenths(if is_below { -tenths } else { tenths })
    }

    /// Tenths of a degree.
    #[must_use]
    pub fn tenths(self) -> i64 {
        self.0
    }
}

/// The half-width form of what keyboards write for a digit, a minus, a plus or a point.
fn plain(character: char) -> char {
    match character {
        '０'..='９' => char::from_u32(u32::from(character) - u32::from('０') + u32::from('0'))
            .unwrap_or(character),
        '−' | '－' | '‐' | '–' | '—' | 'ー' | 'ｰ' => '-',
        '＋' => '+',
        '．' | '。' => '.',
        _ => character,
    }
}

impl std::fmt::Display for Temperature {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let size = self.0.unsigned_abs();
        write!(f, "{sign}{}.{}", size / 10, size % 10)
    }
}

/// What kind of cooler it is (domain paper §3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CoolerKind {
    /// ディープフリーザー, −75 °C.
    DeepFreezer,
    /// 冷凍庫, −20 °C.
    Freezer,
    /// 冷蔵庫, 2–8 °C.
    Refrigerator,
}

impl CoolerKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::DeepFreezer, Self::Freezer, Self::Refrigerator];

    /// The word in tables, forms and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DeepFreezer => "deep_freezer",
            Self::Freezer => "freezer",
            Self::Refrigerator => "refrigerator",
        }
    }

    /// Reads that word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == word)
    }

    /// The shelf of the books whose vials stand in it. The books do not know which of two freezers: then the vials of
    /// both are in doubt, and whoever looks keeps those that stood in the other.
    #[must_use]
    pub fn shelf(self) -> Shelf {
        match self {
            Self::DeepFreezer | Self::Freezer => Shelf::Frozen,
            Self::Refrigerator => Shelf::Thawed,
        }
    }
}

/// What a cooler's display or logger said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reading {
    /// When, to the minute.
    pub at: Instant,
    /// What.
    pub temperature: Temperature,
}

/// The minute of a moment, from the epoch: of two readings of one minute one is wrong.
#[must_use]
pub fn minute(at: Instant) -> i64 {
    at.micros().div_euclid(MICROS_PER_MINUTE)
}

/// The moment at which a minute begins.
#[must_use]
pub fn moment(minute: i64) -> Instant {
    Instant::from_micros(minute.saturating_mul(MICROS_PER_MINUTE))
}

/// Whether a reading of a cooler is outside what its kind is to hold on that day.
#[must_use]
pub fn is_outside(kind: CoolerKind, reading: Reading) -> bool {
    range(None, kind, reading.at.day_in_japan())
        .is_some_and(|range| !range.holds(reading.temperature))
}

/// A time in which a cooler was too warm or too cold (温度逸脱).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Excursion {
    /// The last good reading before it, since when it may have been; the first one outside if there was none.
    pub since: Instant,
    /// The first reading outside.
    pub first: Instant,
    /// The last reading outside.
    pub last: Instant,
    /// The first good reading after it; none while it lasts.
    pub over: Option<Instant>,
    /// The lowest reading of it.
    pub lowest: Temperature,
    /// The highest.
    pub highest: Temperature,
}

impl Excursion {
    /// As long as it can have been, in minutes; until now if it lasts.
    #[must_use]
    pub fn minutes(&self, now: Instant) -> i64 {
        minute(self.over.unwrap_or(now)) - minute(self.since)
    }

    /// Whether vials of a product that stood there the whole time are in doubt (使用可否の確認が必要).
    #[must_use]
    pub fn puts_in_doubt(&self, product: &str, kind: CoolerKind, now: Instant) -> bool {
        let Some(range) = range(Some(product), kind, self.first.day_in_japan()) else {
            return true;
        };
        let is_broken = !range.holds(self.lowest) || !range.holds(self.highest);
        is_broken && self.minutes(now) > range.minutes
    }
}

/// The times in which a cooler was outside, by its readings in whatever order, the oldest first.
#[must_use]
pub fn excursions(kind: CoolerKind, readings: &[Reading]) -> Vec<Excursion> {
    let mut readings = readings.to_vec();
    readings.sort_unstable();
    let mut excursions = Vec::new();
    let mut open: Option<Excursion> = None;
    let mut good: Option<Instant> = None;
    for reading in readings {
        let Reading { at, temperature } = reading;
        if is_outside(kind, reading) {
            let one = open.get_or_insert(Excursion {
                since: good.unwrap_or(at),
                first: at,
                last: at,
                over: None,
                lowest: temperature,
                highest: temperature,
            });
            one.last = at;
            one.lowest = one.lowest.min(temperature);
            one.highest = one.highest.max(temperature);
        } else {
            good = Some(at);
            excursions.extend(open.take().map(|one| Excursion {
                over: Some(at),
                ..one
            }));
        }
    }
    excursions.extend(open);
    excursions
}

/// A time without a reading, longer than was to be expected (記録なし).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The last reading before it.
    pub from: Instant,
    /// The next one; none while it lasts.
    pub to: Option<Instant>,
}

/// The times without a reading, the oldest first. Before the first reading nothing was to be expected.
#[must_use]
pub fn gaps(every_minutes: i64, readings: &[Reading], now: Instant) -> Vec<Gap> {
    let mut times: Vec<Instant> = readings.iter().map(|one| one.at).collect();
    times.sort_unstable();
    let is_long = |from: Instant, to: Instant| minute(to) - minute(from) > every_minutes;
    let between = times.iter().zip(times.iter().skip(1));
    let mut gaps: Vec<Gap> = between
        .filter(|(from, to)| is_long(**from, **to))
        .map(|(from, to)| Gap {
            from: *from,
            to: Some(*to),
        })
        .collect();
    let last = times.last().copied();
    gaps.extend(
        last.filter(|last| is_long(*last, now))
            .map(|from| Gap { from, to: None }),
    );
    gaps
}

/// Since when a cooler has not been read though it should have been: since its last reading, or since it was put in use
/// (使用開始) if that was later; none while the next reading may still be waited for.
#[must_use]
pub fn unread_since(
    every_minutes: i64,
    in_use_since: Instant,
    last: Option<Instant>,
    now: Instant,
) -> Option<Instant> {
    let since = last.map_or(in_use_since, |last| last.max(in_use_since));
    (minute(now) - minute(since) > every_minutes).then_some(since)
}

#[cfg(test)]
#[path = "cold_chain/tests.rs"]
mod tests;
