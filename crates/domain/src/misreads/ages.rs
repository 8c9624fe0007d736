//! Whose age a dose fits: what the schedules ask of the person.

use crate::calendar::{Day, age_on};
use crate::findings::FindingCode;
use crate::people::{BirthDate, Sex};
use crate::schedules::{Flags, Given, Person, Schedules};

/// Ages a product is for, in full years.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ages {
    /// The youngest.
    pub from: i64,
    /// The oldest, if there is a limit.
    pub to: Option<i64>,
}

/// What the schedules ask of a dose: the ages its product is for, and the gap to the dose before.
///
/// Three people are made up and asked about: one just born, one older than anybody, and one who had
/// the dose before on the day before. What is found wrong with them says the day from which, or up
/// to which, it would be right.
#[must_use]
pub fn demands(product: &str, turn: u8, given_on: Day) -> (Option<Ages>, Option<i64>) {
    let rules = Schedules::covid19();
    let Some(product) = rules.product(product) else {
        return (None, None);
    };
    let dose = |on: Day, turn: u8| Given {
        on,
        turn: Some(turn).filter(|turn| *turn > 0),
        product: Some(product),
        external: false,
        lot: "",
        expires: None,
    };
    let found = |birth: Day, before: &[Given<'_>], code: FindingCode| {
        let person = Person {
            birth: BirthDate::new(birth.year(), Some(birth.month()), Some(birth.day())),
            sex: Sex::Unknown,
            flags: Flags::Unknown,
        };
        let all = rules.findings_after(&person, before, &dose(given_on, turn));
        let day = all.into_iter().find(|one| one.code == code)?.day;
        Some((birth, day?))
    };
    let born_long_ago = given_on.plus_months(-12 * OLDEST_YEARS);
    let from = found(given_on, &[], FindingCode::TooYoung);
    let to = found(born_long_ago, &[], FindingCode::TooOld);
    let ages = (from.is_some() || to.is_some()).then(|| Ages {
        from: from.map_or(0, |(birth, first)| age_on(birth, first)),
        to: to.map(|(birth, last)| age_on(birth, last)),
    });
    let yesterday = given_on.plus_days(-1);
    let before = [dose(yesterday, turn.saturating_sub(1))];
    let grown_up = given_on.plus_months(-12 * ages.map_or(PROBED_YEARS, between));
    let gap = (turn > 1)
        .then(|| found(grown_up, &before, FindingCode::TooSoon))
        .flatten()
        .map(|(_, earliest)| yesterday.days_until(earliest));
    (ages, gap)
}

/// Older than anybody; an age to ask by where the product is for every age, or from one on.
const OLDEST_YEARS: i32 = 130;

const PROBED_YEARS: i32 = 40;

/// An age that the product is for.
fn between(ages: Ages) -> i32 {
    let middle = match ages.to {
        Some(to) => (ages.from + to) / 2,
        None => ages.from.max(i64::from(PROBED_YEARS)),
    };
    i32::try_from(middle).unwrap_or(PROBED_YEARS)
}
