//! The report of a suspected adverse reaction (副反応疑い報告): the items of the ministry's form
//! (`W15995/7`, domain paper §2.14), and which symptoms must be reported within which time.
//!
//! A reaction in time is reported whether or not the vaccine is thought to be its cause; what is
//! beyond, or in no list, is for the doctor to judge.

use std::sync::LazyLock;

use serde::Deserialize;

use crate::calendar::Day;
use crate::people::{BirthDate, Sex};

/// The vaccines a form has room for (①–④).
pub const VACCINES_MAX: usize = 4;

/// A report as it stands on the form. A text that was not filled in is empty.
#[derive(Clone, PartialEq, Eq)]
pub struct Report {
    /// 報告番号: the city's own.
    pub number: String,
    /// 報告日.
    pub reported_on: Day,
    /// 定期・臨時 (`true`) or 任意. A voluntary vaccination is reported with initials instead of
    /// the name; whoever fills in the report writes them.
    pub is_public: bool,
    /// Who fell ill.
    pub patient: Patient,
    /// Who reports.
    pub reporter: Reporter,
    /// 接種場所の名称.
    pub place_name: String,
    /// 接種場所の住所.
    pub place_address: String,
    /// ワクチン①–④; what is beyond [`VACCINES_MAX`] needs a second form.
    pub vaccines: Vec<GivenVaccine>,
    /// What was known before the dose.
    pub background: Background,
    /// What happened.
    pub event: Event,
}

/// The person (患者).
#[derive(Clone, PartialEq, Eq)]
pub struct Patient {
    /// 氏名, or initials.
    pub name: String,
    /// フリガナ.
    pub kana: String,
    /// 性別.
    pub sex: Sex,
    /// 住所.
    pub address: String,
    /// 生年月日.
    pub birth: BirthDate,
    /// 接種時年齢: full months.
    pub age_months: i64,
}

/// The reporter (報告者).
#[derive(Clone, PartialEq, Eq)]
pub struct Reporter {
    /// In which part.
    pub role: ReporterRole,
    /// 氏名.
    pub name: String,
    /// 電話番号.
    pub phone: String,
    /// 医療機関等の名称.
    pub institution: String,
    /// 住所.
    pub address: String,
}

/// The reporter's part (報告者の区分).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReporterRole {
    /// 1 接種者(医師).
    GaveAsDoctor,
    /// 2 接種者(医師以外).
    GaveAsOther,
    /// 3 主治医.
    TreatingDoctor,
    /// 4 その他.
    Other,
}

/// A vaccine that was given.
#[derive(Clone, PartialEq, Eq)]
pub struct GivenVaccine {
    /// 種類.
    pub product: String,
    /// ロット番号.
    pub lot: String,
    /// 製造販売業者.
    pub maker: String,
    /// 接種回数.
    pub turn: u8,
    /// 接種日.
    pub given_on: Day,
    /// 接種時刻, if it was told.
    pub given_at: Option<TimeOfDay>,
}

/// What was known before the dose (接種の状況).
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Background {
    /// 出生体重, grams; asked of infants.
    pub birth_weight_grams: Option<u32>,
    /// 接種前の体温, tenths of a degree.
    pub temperature_tenths: Option<u32>,
    /// 家族歴.
    pub family_history: String,
    /// 予診票での留意点; `None` for 無.
    pub to_note: Option<String>,
}

/// What happened (症状の概要).
#[derive(Clone, PartialEq, Eq)]
pub struct Event {
    /// 症状.
    pub symptoms: String,
    /// 発生日.
    pub began_on: Day,
    /// 発生時刻, if it was told.
    pub began_at: Option<TimeOfDay>,
    /// 接種との因果関係.
    pub causality: Causality,
    /// 他要因の可能性; `None` for 無.
    pub other_cause: Option<String>,
    /// 概要.
    pub summary: String,
    /// 程度: why it is grave; `None` for 重くない.
    pub gravity: Option<Gravity>,
    /// 入院した病院.
    pub hospital: String,
    /// 入院日.
    pub admitted_on: Option<Day>,
    /// 退院日.
    pub discharged_on: Option<Day>,
    /// 転帰.
    pub outcome: Outcome,
    /// 転帰日.
    pub outcome_on: Option<Day>,
}

/// Whether the vaccine was the cause, as the reporter thinks (因果関係).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Causality {
    /// 1 関連あり.
    Related,
    /// 2 関連なし.
    Unrelated,
    /// 3 評価不能.
    Unassessable,
}

/// Why an event is grave (重い).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Gravity {
    /// 1 死亡.
    Death,
    /// 2 障害.
    Disability,
    /// 3 死亡につながるおそれ.
    MayLeadToDeath,
    /// 4 障害につながるおそれ.
    MayLeadToDisability,
    /// 5 入院.
    Hospital,
    /// 6 1–5に準じて重い. \[U\]
    AsGrave,
    /// 7 後世代における先天性の疾病又は異常. \[U\]
    NextGeneration,
}

/// How it ended (転帰).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// 1 回復.
    Recovered,
    /// 2 軽快.
    Improving,
    /// 3 未回復.
    NotRecovered,
    /// 4 後遺症.
    Aftereffects,
    /// 5 死亡.
    Died,
    /// 6 不明.
    Unknown,
}

impl std::fmt::Debug for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Report")
            .field("reported_on", &self.reported_on)
            .finish_non_exhaustive()
    }
}

/// A time of the day, to the minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimeOfDay {
    /// Invariant: less than [`MINUTES_PER_DAY`].
    minutes: u16,
}

const MINUTES_PER_HOUR: u16 = 60;
const MINUTES_PER_DAY: u16 = 24 * MINUTES_PER_HOUR;

impl TimeOfDay {
    /// Reads `HH:MM`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (hour, minute) = text.split_once(':')?;
        let part = |digits: &str, limit: u16| {
            let is_plain = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
            let number = is_plain.then(|| digits.parse::<u16>().ok()).flatten()?;
            (number < limit).then_some(number)
        };
        let minutes = part(hour, 24)? * MINUTES_PER_HOUR + part(minute, MINUTES_PER_HOUR)?;
        Some(Self { minutes })
    }
}

impl std::fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (hour, minute) = (
            self.minutes / MINUTES_PER_HOUR,
            self.minutes % MINUTES_PER_HOUR,
        );
        write!(f, "{hour:02}:{minute:02}")
    }
}

/// A symptom with the time in which it must be reported, a row of `data/adverse_windows.csv`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Window {
    /// The word for programs.
    pub key: String,
    /// 症状.
    pub symptom_ja: String,
    /// The symptom in English.
    pub symptom_en: String,
    /// The first day of vaccination the rule holds for.
    pub valid_from: Day,
    /// The last one, if it is over.
    pub valid_to: Option<Day>,
    /// Within so many hours after the dose; for symptoms that come at once.
    pub within_hours: Option<u16>,
    /// Within so many days after the day of the dose.
    pub within_days: Option<u16>,
    /// Where that is written.
    pub source: String,
}

/// How a reaction lies to the time in which it must be reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Timing {
    /// It began before the dose.
    Before,
    /// It must be reported.
    Within,
    /// The times of the day are not known well enough to tell: report it.
    Unclear,
    /// For the doctor to judge.
    Beyond,
}

/// A moment as a form tells it.
pub type Told = (Day, Option<TimeOfDay>);

impl Window {
    /// How a reaction that began then lies to a dose given then.
    ///
    /// Where a time of the day is not told, it may have been any: the answer is sure only if it is
    /// the same for all of them.
    #[must_use]
    pub fn timing(&self, given: Told, began: Told) -> Timing {
        let days = given.0.days_until(began.0);
        let [earliest, latest] = minutes_between(days, given.1, began.1);
        if latest < 0 {
            return Timing::Before;
        }
        match (self.within_hours, self.within_days) {
            (Some(hours), _) => {
                let limit = i64::from(hours) * i64::from(MINUTES_PER_HOUR);
                if earliest > limit {
                    Timing::Beyond
                } else if earliest >= 0 && latest <= limit {
                    Timing::Within
                } else {
                    Timing::Unclear
                }
            }
            (None, Some(limit)) if days <= i64::from(limit) => Timing::Within,
            (None, Some(_) | None) => Timing::Beyond,
        }
    }
}

/// The shortest and the longest time there may be between two moments, in minutes.
fn minutes_between(days: i64, from: Option<TimeOfDay>, to: Option<TimeOfDay>) -> [i64; 2] {
    let range = |time: Option<TimeOfDay>| {
        let all_day = (0, i64::from(MINUTES_PER_DAY) - 1);
        time.map_or(all_day, |time| {
            (i64::from(time.minutes), i64::from(time.minutes))
        })
    };
    let ((from_first, from_last), (to_first, to_last)) = (range(from), range(to));
    let base = days.saturating_mul(i64::from(MINUTES_PER_DAY));
    [base + to_first - from_last, base + to_last - from_first]
}

/// The symptoms that must be reported after a dose of a day.
#[must_use]
pub fn windows(given_on: Day) -> Vec<&'static Window> {
    static WINDOWS: LazyLock<Vec<Window>> =
        LazyLock::new(|| crate::tables::bundled(include_str!("../../../data/adverse_windows.csv")));
    WINDOWS
        .iter()
        .filter(|window| {
            window.valid_from <= given_on && window.valid_to.is_none_or(|last| given_on <= last)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::option;
    use proptest::prelude::*;

    use super::*;

    fn day(text: &str) -> Day {
        Day::parse(text).unwrap()
    }

    fn told(text: &str) -> Told {
        let (on, at) = text.split_once(' ').unwrap_or((text, ""));
        (day(on), TimeOfDay::parse(at))
    }

    fn window(key: &str) -> &'static Window {
        windows(day("2022-01-10"))
            .into_iter()
            .find(|window| window.key == key)
            .unwrap()
    }

    fn check(key: &str, given: &str, began: &str, expected: Timing) {
        let timing = window(key).timing(told(given), told(began));
        assert_eq!(timing, expected, "{key}: {given} to {began}");
    }

    #[test]
    fn anaphylaxis_must_be_reported_for_four_hours() {
        check(
            "anaphylaxis",
            "2022-01-10 10:00",
            "2022-01-10 14:00",
            Timing::Within,
        );
        check(
            "anaphylaxis",
            "2022-01-10 10:00",
            "2022-01-10 14:01",
            Timing::Beyond,
        );
        check(
            "anaphylaxis",
            "2022-01-10 22:00",
            "2022-01-11 01:30",
            Timing::Within,
        );
        check(
            "anaphylaxis",
            "2022-01-10 10:00",
            "2022-01-10 09:59",
            Timing::Before,
        );
    }

    #[test]
    fn without_the_time_of_the_day_four_hours_are_unclear_and_two_days_are_not() {
        check("anaphylaxis", "2022-01-10", "2022-01-10", Timing::Unclear);
        check(
            "anaphylaxis",
            "2022-01-10 23:00",
            "2022-01-11",
            Timing::Unclear,
        );
        check("anaphylaxis", "2022-01-10", "2022-01-12", Timing::Beyond);
    }

    #[test]
    fn myocarditis_must_be_reported_for_28_days() {
        check("myocarditis", "2022-01-10", "2022-02-07", Timing::Within);
        check("myocarditis", "2022-01-10", "2022-02-08", Timing::Beyond);
        check("myocarditis", "2022-01-10", "2022-01-10", Timing::Within);
        check("myocarditis", "2022-01-10", "2022-01-09", Timing::Before);
    }

    #[test]
    fn anything_else_is_the_doctors_to_judge() {
        check(
            "other",
            "2022-01-10 10:00",
            "2022-01-10 10:01",
            Timing::Beyond,
        );
    }

    #[test]
    fn a_symptom_is_on_the_list_from_its_day_on() {
        let keys = |on: &str| -> Vec<&str> {
            windows(day(on))
                .iter()
                .map(|window| window.key.as_str())
                .collect()
        };
        assert_eq!(keys("2021-07-31"), ["anaphylaxis", "other"]);
        assert!(!keys("2021-12-05").contains(&"myocarditis"));
        assert!(keys("2021-12-06").contains(&"myocarditis"));
    }

    #[test]
    fn a_time_is_four_digits_of_a_clock() {
        assert_eq!(TimeOfDay::parse("09:05").unwrap().to_string(), "09:05");
        for text in ["9:05", "24:00", "12:60", "12", "+1:00", ""] {
            assert_eq!(TimeOfDay::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_sure_without_a_time_is_so_at_every_time(
            days in -3..40_i64,
            from in option::of(0..MINUTES_PER_DAY),
            to in option::of(0..MINUTES_PER_DAY),
            guess in (0..MINUTES_PER_DAY, 0..MINUTES_PER_DAY),
            key in prop::sample::select(vec!["anaphylaxis", "myocarditis"]),
        ) {
            let time = |minutes| TimeOfDay { minutes };
            let given = day("2022-01-10");
            let began = given.plus_days(days);
            let vague = window(key).timing((given, from.map(time)), (began, to.map(time)));
            let exact = window(key).timing(
                (given, Some(time(from.unwrap_or(guess.0)))),
                (began, Some(time(to.unwrap_or(guess.1)))),
            );
            // Counted in days, only the clock can tell that it began before the dose of the same day.
            let before_it = days == 0 && exact == Timing::Before;
            prop_assert!(vague == exact || vague == Timing::Unclear || before_it);
        }
    }
}
