//! The files as they are written. Every field is told in `docs/rules.md`.

use serde::Deserialize;
use serde::de::IgnoredAny;
use toml::Spanned;

use super::period::Period;
use crate::calendar::Day;
use crate::people::Sex;

/// A file: any of these tables, in any order.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    #[serde(default)]
    pub file: Header,
    #[serde(default)]
    pub series: Vec<Series>,
    #[serde(default)]
    pub product: Vec<Product>,
    #[serde(default)]
    pub programme: Vec<Programme>,
    #[serde(default)]
    pub conflict: Vec<Conflict>,
    #[serde(default)]
    pub shelf_life: Vec<ShelfLife>,
    #[serde(default)]
    pub lot: Vec<Lot>,
    #[serde(default)]
    pub example: Vec<Example>,
}

/// What holds for a whole file.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Header {
    /// When an age is reached.
    #[serde(default)]
    pub age_reached: AgeReached,
    /// Where the rules were read, unless a rule says otherwise.
    #[serde(default)]
    pub source: String,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum AgeReached {
    /// On the day before the birthday, as in Japan.
    #[default]
    Eve,
    /// On the birthday.
    Birthday,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Series {
    pub id: Spanned<String>,
    pub name_ja: String,
    pub name_en: String,
    /// The doses are counted through, so a dose that tells its turn tells of those before it.
    #[serde(default)]
    pub counted_through: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Product {
    pub key: Spanned<String>,
    pub name_ja: String,
    pub name_en: String,
    /// The series it is a dose of; none for a vaccine that only matters by the gap to others.
    #[serde(default)]
    pub series: Vec<String>,
    #[serde(default)]
    pub cvx: Vec<String>,
    #[serde(default)]
    pub classes: Vec<String>,
    pub used_from: Option<Day>,
    pub used_to: Option<Day>,
    /// Nobody told which product it was: it is taken for any.
    #[serde(default)]
    pub unspecified: bool,
    // For the reader of the file, as in some tables below.
    #[serde(default, rename = "source")]
    _source: IgnoredAny,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Programme {
    pub id: Spanned<String>,
    pub series: String,
    pub name_ja: String,
    pub name_en: String,
    /// Programmes of one stage are alternatives: who has begun one goes on with it.
    #[serde(default)]
    pub stage: String,
    /// A stage that has to be complete.
    #[serde(default)]
    pub requires: String,
    /// Who comes first where two programmes are open from the same day.
    #[serde(default)]
    pub rank: i32,
    pub valid_from: Option<Day>,
    pub valid_to: Option<Day>,
    /// Who may take part: any of these.
    #[serde(default)]
    pub eligible: Vec<Condition>,
    /// Flags that forbid it.
    #[serde(default)]
    pub contraindicated_by: Vec<String>,
    /// Days that a dose may be early and still count.
    #[serde(default)]
    pub grace_days: i64,
    /// Findings with which a dose does not count.
    #[serde(default)]
    pub does_not_count: Vec<String>,
    /// After the last turn it comes again and again.
    #[serde(default)]
    pub repeat: bool,
    /// One dose for each season of the year.
    pub season: Option<Season>,
    pub turn: Vec<Turn>,
    #[serde(default)]
    pub source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Season {
    /// `MM-DD`, both included; the end may lie in the next year.
    pub from: Spanned<String>,
    pub to: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Turn {
    /// The turn is not needed if any of these holds.
    #[serde(default)]
    pub skip: Vec<Condition>,
    pub rule: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rule {
    pub id: Spanned<String>,
    pub valid_from: Option<Day>,
    pub valid_to: Option<Day>,
    #[serde(default)]
    pub when: Condition,
    /// Any product of the series if empty.
    #[serde(default)]
    pub products: Vec<String>,
    /// Whether the product must be that of the dose before in this programme.
    #[serde(default)]
    pub previous: Previous,
    /// Judged by, but proposed only where nothing else is possible.
    #[serde(default)]
    pub exceptional: bool,
    pub interval_min: Option<Period>,
    pub interval_absolute: Option<Period>,
    pub interval_recommended: Option<Period>,
    pub interval_overdue: Option<Period>,
    pub interval_max: Option<Period>,
    pub age_absolute: Option<Period>,
    pub age_recommended: Option<Period>,
    pub age_overdue: Option<Period>,
    /// Recommended from the start of the Japanese school year in which this age is reached.
    pub school_year_recommended: Option<i32>,
    /// Intervals to other turns of the programme than the one before.
    #[serde(default)]
    pub since: Vec<Since>,
    #[serde(default)]
    pub source: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Previous {
    #[default]
    Any,
    Same,
    Different,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Since {
    pub turn: u8,
    pub min: Option<Period>,
    pub absolute: Option<Period>,
    pub recommended: Option<Period>,
    pub overdue: Option<Period>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Condition {
    pub valid_from: Option<Day>,
    pub valid_to: Option<Day>,
    pub born_from: Option<Day>,
    pub born_to: Option<Day>,
    pub age_from: Option<Period>,
    pub age_below: Option<Period>,
    pub age_until: Option<Period>,
    pub first_age_from: Option<Period>,
    pub first_age_below: Option<Period>,
    pub first_age_until: Option<Period>,
    pub last_age_from: Option<Period>,
    pub last_age_below: Option<Period>,
    pub school_year_from: Option<i32>,
    pub school_year_to: Option<i32>,
    pub sex: Option<Sex>,
    #[serde(default)]
    pub flags: Vec<String>,
    #[serde(default)]
    pub without_flags: Vec<String>,
    #[serde(default)]
    pub first_products: Vec<String>,
    #[serde(default)]
    pub last_products: Vec<String>,
    pub given_min: Option<u8>,
    pub given_max: Option<u8>,
    pub gap_from: Option<Period>,
    pub gap_below: Option<Period>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Conflict {
    pub id: Spanned<String>,
    /// The vaccine that was given first, and the one that follows.
    pub first: Selector,
    pub then: Selector,
    #[serde(default)]
    pub either_order: bool,
    /// Between two of these it does not hold, nor between one of these and another.
    #[serde(default)]
    pub except: Selector,
    pub interval: Period,
    #[serde(default)]
    pub same_day_allowed: bool,
    /// Days that the second may be early and still count.
    #[serde(default)]
    pub grace_days: i64,
    /// The second does not count if it came too soon.
    #[serde(default)]
    pub does_not_count: bool,
    pub valid_from: Option<Day>,
    pub valid_to: Option<Day>,
    #[serde(default, rename = "source")]
    _source: IgnoredAny,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Selector {
    #[serde(default)]
    pub series: Vec<String>,
    #[serde(default)]
    pub classes: Vec<String>,
    #[serde(default)]
    pub products: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ShelfLife {
    pub product: Spanned<String>,
    pub months: i32,
    pub decided_on: Day,
    #[serde(default)]
    pub except_lots: Vec<String>,
    #[serde(default, rename = "source")]
    _source: IgnoredAny,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Lot {
    pub number: Spanned<String>,
    pub product: String,
    /// The last day, as printed.
    pub expires: Day,
    /// The shelf life by which it was printed, in months.
    pub printed_months: Option<i32>,
    #[serde(default, rename = "source")]
    _source: IgnoredAny,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Example {
    pub id: Spanned<String>,
    /// The fact in one sentence.
    pub says: String,
    pub birth: String,
    pub sex: Option<Sex>,
    #[serde(default)]
    pub flags: Vec<String>,
    pub on: Day,
    #[serde(default)]
    pub doses: Vec<String>,
    #[serde(default)]
    pub expect: Vec<String>,
    #[serde(default)]
    pub next: Vec<String>,
}
