//! The hours in which a venue sees patients (診療時間), by the day of the week: they decide which doses are outside of them
//! (domain paper §3.9).

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::calendar::Day;

/// Spans of one day at most: morning, afternoon, evening.
pub const SPANS_MAX: usize = 3;
/// Minutes of a day.
const DAY_MINUTES: u16 = 24 * 60;
/// Sunday, where Monday is 0.
const SUNDAY: u8 = 6;

/// A time of day in minutes from midnight; 24:00 is the end of the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Clock(u16);

impl Clock {
    /// Reads `9:00` or `09:00`, at most `24:00`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (hours, minutes) = text.split_once(':')?;
        let digits = |part: &str, most: usize| {
            let fits =
                (1..=most).contains(&part.len()) && part.bytes().all(|one| one.is_ascii_digit());
            fits.then(|| part.parse::<u16>().ok()).flatten()
        };
        let minutes = digits(minutes, 2).filter(|one| *one < 60 && minutes.len() == 2)?;
        let all = digits(hours, 2)? * 60 + minutes;
        (all <= DAY_MINUTES).then_some(Self(all))
    }
}

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

/// The hours of one day of the week: spans that begin before they end, one after the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DayHours(Vec<(Clock, Clock)>);

impl DayHours {
    /// Reads `09:00-12:00 14:00-17:30`; nothing is a day on which the venue is closed.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let spans: Option<Vec<_>> = text
            .split([' ', '\u{3000}', ',', '、'])
            .filter(|part| !part.is_empty())
            .map(|part| {
                let (from, to) = part.split_once(['-', '～', '~', '–'])?;
                let (from, to) = (Clock::parse(from)?, Clock::parse(to)?);
                (from < to).then_some((from, to))
            })
            .collect();
        let spans = spans?;
        let in_order = spans
            .iter()
            .zip(spans.iter().skip(1))
            .all(|(one, next)| one.1 <= next.0);
        (in_order && spans.len() <= SPANS_MAX).then_some(Self(spans))
    }

    fn has(&self, time: Clock) -> bool {
        self.0.iter().any(|(from, to)| *from <= time && time < *to)
    }
}

impl fmt::Display for DayHours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (from, to)) in self.0.iter().enumerate() {
            let blank = if at == 0 { "" } else { " " };
            write!(f, "{blank}{from}-{to}")?;
        }
        Ok(())
    }
}

impl Serialize for DayHours {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for DayHours {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom("no hours like 09:00-12:00 14:00-17:30"))
    }
}

/// The hours of a week, Monday first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Hours {
    /// Of each day of the week.
    pub week: [DayHours; 7],
}

/// Which add-on the time of a dose asks for; never more than one (domain paper §3.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeOfDay {
    /// Within the hours: none.
    Within,
    /// 時間外.
    OutsideHours,
    /// 休日.
    Holiday,
}

/// The days of the week as files write them, Monday first.
pub const WEEK_LETTERS: [char; 7] = ['月', '火', '水', '木', '金', '土', '日'];
/// How a file says that a venue is closed all week.
const CLOSED_ALL_WEEK: &str = "なし";

impl Hours {
    /// Reads the form of files: `月火木金 09:00-12:00 14:00-17:30; 土 09:00-12:00`, and `なし` for a week without hours. A
    /// day that is not named is one on which the venue is closed.
    #[must_use]
    pub fn parse_week(text: &str) -> Option<Self> {
        let mut hours = Self::default();
        if text.trim() == CLOSED_ALL_WEEK {
            return Some(hours);
        }
        let mut named = [false; 7];
        for part in text.split([';', '；', '/']) {
            let part = part.trim_matches([' ', '\u{3000}']);
            let spans = part.trim_start_matches(WEEK_LETTERS);
            let letters = part.strip_suffix(spans)?;
            let told = DayHours::parse(spans.trim_start_matches(['曜', ':', '：']))?;
            if letters.is_empty() || told == DayHours::default() {
                return None;
            }
            for letter in letters.chars() {
                let day = WEEK_LETTERS.iter().position(|one| *one == letter)?;
                let (is_named, of_day) = (named.get_mut(day)?, hours.week.get_mut(day)?);
                if std::mem::replace(is_named, true) {
                    return None;
                }
                *of_day = told.clone();
            }
        }
        Some(hours)
    }

    /// The form that [`Hours::parse_week`] reads; days of the same hours stand together.
    #[must_use]
    pub fn week_text(&self) -> String {
        let mut parts: Vec<(&DayHours, String)> = Vec::new();
        let open = |(_, hours): &(char, &DayHours)| **hours != DayHours::default();
        for (letter, hours) in WEEK_LETTERS.into_iter().zip(&self.week).filter(open) {
            match parts.iter_mut().find(|(same, _)| *same == hours) {
                Some((_, letters)) => letters.push(letter),
                None => parts.push((hours, letter.to_string())),
            }
        }
        if parts.is_empty() {
            return CLOSED_ALL_WEEK.to_owned();
        }
        let parts = parts
            .into_iter()
            .map(|(hours, letters)| format!("{letters} {hours}"));
        parts.collect::<Vec<_>>().join("; ")
    }

    /// How a time stands to the hours. Outside of them a Sunday or public holiday goes before 時間外; who is open on a Sunday
    /// has no add-on within the hours told.
    #[must_use]
    pub fn time_of_day(&self, day: Day, time: Clock, is_public_holiday: bool) -> TimeOfDay {
        let weekday = day.weekday();
        let hours = self.week.get(usize::from(weekday));
        if hours.is_some_and(|hours| hours.has(time)) {
            TimeOfDay::Within
        } else if is_public_holiday || weekday == SUNDAY {
            TimeOfDay::Holiday
        } else {
            TimeOfDay::OutsideHours
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn clinic() -> Hours {
        let day = |text| DayHours::parse(text).unwrap();
        let full = day("09:00-12:00 14:00-17:30");
        Hours {
            week: [
                full.clone(),
                full.clone(),
                full.clone(),
                day("09:00-12:00"),
                full,
                day("9:00-13:00"),
                day(""),
            ],
        }
    }

    fn at(day: &str, time: &str, is_holiday: bool) -> TimeOfDay {
        let (day, time) = (Day::parse(day).unwrap(), Clock::parse(time).unwrap());
        clinic().time_of_day(day, time, is_holiday)
    }

    #[test]
    fn the_add_on_follows_from_the_hours_told() {
        assert_eq!(
            at("2021-06-07", "11:59", false),
            TimeOfDay::Within,
            "a Monday"
        );
        assert_eq!(
            at("2021-06-07", "12:00", false),
            TimeOfDay::OutsideHours,
            "at noon"
        );
        assert_eq!(
            at("2021-06-10", "15:00", false),
            TimeOfDay::OutsideHours,
            "a Thursday afternoon"
        );
        assert_eq!(
            at("2021-06-13", "10:00", false),
            TimeOfDay::Holiday,
            "a Sunday"
        );
        assert_eq!(
            at("2021-05-05", "19:00", true),
            TimeOfDay::Holiday,
            "Children's Day, in the evening"
        );
        assert_eq!(
            at("2021-05-05", "10:00", true),
            TimeOfDay::Within,
            "open all the same"
        );
    }

    #[test]
    fn what_is_no_span_is_not_read() {
        for wrong in [
            "9-12",
            "09:00",
            "12:00-09:00",
            "09:00-09:00",
            "09:00-24:01",
            "09:60-10:00",
            "9:0-10:00",
            "09:00-12:00 11:00-13:00",
            "14:00-15:00 09:00-10:00",
            "1:00-2:00 3:00-4:00 5:00-6:00 7:00-8:00",
        ] {
            assert_eq!(DayHours::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_file_says_a_week_in_one_item() {
        assert_eq!(
            clinic().week_text(),
            "月火水金 09:00-12:00 14:00-17:30; 木 09:00-12:00; 土 09:00-13:00"
        );
        let read =
            Hours::parse_week("月火水金9:00-12:00 14:00-17:30；木 09:00-12:00;土 9:00-13:00");
        assert_eq!(read, Some(clinic()));
        assert_eq!(Hours::parse_week("なし"), Some(Hours::default()));
        for wrong in [
            "",
            "09:00-12:00",
            "月",
            "月 9-12",
            "月月 9:00-12:00",
            "月 9:00-12:00; 月 13:00-14:00",
            "祝 9:00-12:00",
        ] {
            assert_eq!(Hours::parse_week(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn a_week_reads_back_as_it_is_written(days in proptest::collection::vec(0..4_usize, 7)) {
            let kinds = ["", "09:00-12:00", "09:00-12:00 14:00-17:30", "00:00-24:00"];
            let mut hours = Hours::default();
            for (day, kind) in hours.week.iter_mut().zip(days) {
                *day = DayHours::parse(kinds[kind]).unwrap();
            }
            prop_assert_eq!(Hours::parse_week(&hours.week_text()), Some(hours));
        }

        #[test]
        fn hours_read_back_as_they_are_written(cuts in proptest::collection::btree_set(0..=DAY_MINUTES, 0..=6)) {
            let cuts: Vec<Clock> = cuts.into_iter().map(Clock).collect();
            let spans = cuts.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect();
            let hours = DayHours(spans);
            prop_assert_eq!(DayHours::parse(&hours.to_string()), Some(hours));
        }

        #[test]
        fn no_text_makes_reading_fail(text in "\\PC{0,30}") {
            let _ = DayHours::parse(&text);
        }
    }
}
