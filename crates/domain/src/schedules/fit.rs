//! How a dose fits a rule: every demand as a first or a last day.

use super::model::{
    Ages, Condition, Flags, Permit, Person, ProductId, Programme, Schedules, Season,
};
use super::period::Period;
use super::raw::Previous;
use crate::calendar::Day;
use crate::people::{BirthDate, Sex};

/// What does not fit, a bit each; a higher bit weighs more than all lower ones together, so that
/// the smallest number is the rule that comes nearest.
pub(super) mod misfit {
    pub const SOON: u16 = 1;
    pub const LATE: u16 = 1 << 1;
    pub const MIXED: u16 = 1 << 2;
    /// What is weighed after the distance in time from when the rule held.
    pub const SMALL: u16 = SOON | LATE | MIXED;
    /// An external dose on a day on which the rule did not hold here: no fault, but a reason to look
    /// for a nearer rule. As is the next.
    pub const FOREIGN_DAY: u16 = 1 << 3;
    pub const CONTRAINDICATED: u16 = 1 << 4;
    pub const NOT_ELIGIBLE: u16 = 1 << 5;
    pub const AGE: u16 = 1 << 6;
    pub const FOREIGN_PRODUCT: u16 = 1 << 7;
    pub const OVER: u16 = 1 << 8;
    pub const OVER_LIMIT: u16 = 1 << 9;
    pub const EARLIER_MISSING: u16 = 1 << 10;
    pub const NOT_OPEN: u16 = 1 << 11;
    pub const PRODUCT: u16 = 1 << 12;
    /// Who has begun the stage before goes on with it, even by a wrong product.
    pub const EARLIER_BEGUN: u16 = 1 << 13;
}

/// A dose that has its place among the turns already.
#[derive(Clone, Copy, Debug)]
pub(super) struct Taken {
    pub series: u16,
    pub programme: u16,
    /// From 1.
    pub turn: u8,
    /// Unknown for a dose that must have been, because a later one told its turn.
    pub day: Option<Day>,
    pub product: Option<ProductId>,
    pub counted: bool,
}

/// What rules look back at.
pub(super) struct View<'s, 'v> {
    pub schedules: &'s Schedules,
    pub person: &'v Person,
    pub taken: &'v [Taken],
    pub programme_at: u16,
    pub programme: &'s Programme,
    /// The first counted dose of the programme.
    first: Option<&'v Taken>,
    /// The last counted dose of the programme.
    pub last_here: Option<&'v Taken>,
    /// The last counted dose of the series.
    last: Option<&'v Taken>,
    /// The counted dose of the series before that.
    last_but_one: Option<&'v Taken>,
    /// The last day in the series with any dose, counted or not: the body counts them all.
    last_day: Option<Day>,
    given: u8,
}

/// The days a rule allows, demand by demand.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fit {
    /// What no day can mend.
    pub bits: u16,
    pub open: Day,
    pub over: Day,
    pub young: Day,
    pub young_absolute: Day,
    pub old: Day,
    pub soon: Day,
    pub soon_absolute: Day,
    pub late: Day,
}

impl Fit {
    fn free() -> Self {
        Self {
            bits: 0,
            open: Day::FIRST,
            over: Day::LAST,
            young: Day::FIRST,
            young_absolute: Day::FIRST,
            old: Day::LAST,
            soon: Day::FIRST,
            soon_absolute: Day::FIRST,
            late: Day::LAST,
        }
    }

    /// What does not fit on a day.
    pub fn on(&self, day: Day) -> u16 {
        let mut bits = self.bits;
        if day < self.open {
            bits |= misfit::NOT_OPEN;
        }
        if day > self.over {
            bits |= misfit::OVER;
        }
        if day < self.young_absolute || day > self.old {
            bits |= misfit::AGE;
        }
        if day < self.soon_absolute {
            bits |= misfit::SOON;
        }
        if day > self.late {
            bits |= misfit::LATE;
        }
        bits
    }

    /// How many days lie between a day and those of the rule and of the age it asks for.
    pub fn days_off(&self, day: Day) -> i64 {
        let off = |from: Day, to: Day| {
            if day < from {
                day.days_until(from)
            } else if day > to {
                to.days_until(day)
            } else {
                0
            }
        };
        off(self.open, self.over) + off(self.young_absolute, self.old)
    }

    /// The first day on which everything fits that days can mend, forgiving nothing.
    pub fn earliest(&self) -> Day {
        self.open.max(self.young).max(self.soon)
    }

    /// The last such day.
    pub fn latest(&self) -> Day {
        self.over.min(self.old).min(self.late)
    }
}

impl<'s, 'v> View<'s, 'v> {
    pub fn new(
        schedules: &'s Schedules,
        person: &'v Person,
        taken: &'v [Taken],
        programme_at: u16,
        programme: &'s Programme,
    ) -> Self {
        let mut view = Self {
            schedules,
            person,
            taken,
            programme_at,
            programme,
            first: None,
            last_here: None,
            last: None,
            last_but_one: None,
            last_day: None,
            given: 0,
        };
        for one in taken {
            if one.series != programme.series {
                continue;
            }
            view.last_day = one.day.or(view.last_day);
            if !one.counted {
                continue;
            }
            view.last_but_one = view.last;
            view.last = Some(one);
            if one.programme == programme_at {
                view.first = view.first.or(Some(one));
                view.last_here = Some(one);
                view.given = view.given.saturating_add(1);
            }
        }
        view
    }

    /// Whether another programme of the same stage has been begun.
    pub fn is_excluded(&self) -> bool {
        self.taken.iter().any(|one| {
            one.counted
                && one.programme != self.programme_at
                && one.series == self.programme.series
                && self
                    .schedules
                    .programmes
                    .get(usize::from(one.programme))
                    .is_some_and(|other| other.stage == self.programme.stage)
        })
    }

    pub fn is_begun(&self) -> bool {
        self.first.is_some()
    }

    /// The place of the turn that comes next on a day, and its number; `None` when all were given
    /// or are not needed.
    pub fn next_turn(&self, day: Day) -> Option<(usize, u8)> {
        let turns = &self.programme.turns;
        let mut at = self.last_here.map_or(0, |last| usize::from(last.turn));
        while let Some(turn) = turns.get(at) {
            if !turn.skip.iter().any(|skip| self.holds(skip, day)) {
                return Some((at, number(at)));
            }
            at += 1;
        }
        let again = self.programme.repeat && self.is_begun();
        again.then(|| (turns.len().saturating_sub(1), number(at)))
    }

    /// Whether every turn was given or is not needed.
    pub fn is_complete(&self, day: Day) -> bool {
        self.is_begun() && (self.programme.repeat || self.next_turn(day).is_none())
    }

    /// Whether the stage that has to come before is complete.
    pub fn is_ready(&self, day: Day) -> bool {
        let required = self.programme.requires;
        required.is_none_or(|stage| self.is_stage_complete_on(stage, day))
    }

    /// Of a stage one programme is begun at most, so the last dose taken in it says which.
    fn is_stage_complete_on(&self, stage: u16, day: Day) -> bool {
        let programme = |one: &Taken| {
            let of = self.schedules.programmes.get(usize::from(one.programme));
            of.filter(|of| one.counted && of.stage == stage && of.series == self.programme.series)
        };
        let last = self.taken.iter().rev();
        last.filter_map(|one| Some((one.programme, programme(one)?)))
            .take(1)
            .any(|(at, of)| {
                Self::new(self.schedules, self.person, self.taken, at, of).is_complete(day)
            })
    }

    /// Whether a stage that has to come before, or one before that, was begun and not finished.
    pub fn is_amid_earlier(&self, day: Day) -> bool {
        let begun = |stage: u16| {
            self.taken.iter().any(|one| {
                let of = self.schedules.programmes.get(usize::from(one.programme));
                one.counted && of.is_some_and(|of| of.stage == stage)
            })
        };
        let mut required = self.programme.requires;
        // Never more steps than stages: a ring of requirements would not end.
        for _ in &self.schedules.programmes {
            let Some(stage) = required.filter(|stage| !begun(*stage)) else {
                break;
            };
            let mut of_stage = self.schedules.programmes.iter();
            required = of_stage
                .find(|one| one.stage == stage)
                .and_then(|one| one.requires);
        }
        required.is_some_and(|stage| !self.is_stage_complete_on(stage, day))
    }

    /// What a rule demands; `None` if it is not meant for this course of doses at all.
    pub fn fit(&self, permit: &Permit, product: Option<ProductId>) -> Option<Fit> {
        let mut fit = Fit::free();
        fit.open = permit.valid_from;
        fit.over = permit.valid_to;
        for condition in &permit.conditions {
            self.demand(condition, &mut fit)?;
        }
        if let Flags::Known(flags) = self.person.flags
            && flags.0 & self.programme.contraindicated_by != 0
        {
            fit.bits |= misfit::CONTRAINDICATED;
        }
        if !self.allows_after_last(permit.previous, product) {
            fit.bits |= misfit::MIXED;
        }
        let grace_days = -self.programme.grace_days;
        fit.young_absolute = match (permit.age_absolute, &self.person.birth) {
            (Some(age), Some(birth)) => age.reached(birth.earliest(), self.programme.eve),
            _ => earlier(fit.young, grace_days),
        };
        if let Some(last) = self.last_day {
            if let Some(min) = permit.interval_min {
                fit.soon = min.after(last);
                fit.soon_absolute = permit
                    .interval_absolute
                    .map_or_else(|| earlier(fit.soon, grace_days), |least| least.after(last));
            }
            if let Some(max) = permit.interval_max {
                fit.late = max.after(last);
            }
        }
        for since in &permit.since {
            if let (Some(min), Some(day)) = (since.min, self.day_of(since.turn)) {
                let soon = min.after(day);
                let absolute = since
                    .absolute
                    .map_or_else(|| earlier(soon, grace_days), |least| least.after(day));
                fit.soon = fit.soon.max(soon);
                fit.soon_absolute = fit.soon_absolute.max(absolute);
            }
        }
        Some(fit)
    }

    /// The days on which a dose is recommended and from which it is overdue, if the rule says so.
    pub fn advice(&self, permit: &Permit) -> (Option<Day>, Option<Day>) {
        let eve = self.programme.eve;
        let birth = self.person.birth.as_ref().map(BirthDate::earliest);
        let at_age = |age: Option<Period>| Some(age?.reached(birth?, eve));
        let after_last = |period: Option<Period>| Some(period?.after(self.last_day?));
        let in_school = permit
            .school_year_recommended
            .and_then(|age| Some(school_year(age.reached(birth?, eve)).0));
        let mut recommended = [
            at_age(permit.age_recommended),
            after_last(permit.interval_recommended),
            in_school,
        ]
        .into_iter()
        .flatten()
        .max();
        let mut overdue = [
            at_age(permit.age_overdue),
            after_last(permit.interval_overdue),
        ]
        .into_iter()
        .flatten()
        .max();
        for since in &permit.since {
            let day = self.day_of(since.turn);
            let then = |period: Option<Period>| Some(period?.after(day?));
            recommended = recommended.max(then(since.recommended));
            overdue = overdue.max(then(since.overdue));
        }
        (recommended, overdue)
    }

    fn day_of(&self, turn: u8) -> Option<Day> {
        let of_turn = self
            .taken
            .iter()
            .find(|one| one.counted && one.programme == self.programme_at && one.turn == turn);
        of_turn.and_then(|one| one.day)
    }

    fn allows_after_last(&self, previous: Previous, product: Option<ProductId>) -> bool {
        let named = |id: Option<ProductId>| {
            id.filter(|id| {
                let product = self.schedules.at(*id);
                product.is_some_and(|product| !product.unspecified)
            })
        };
        let last = self.last_here.and_then(|last| named(last.product));
        match (previous, last, named(product)) {
            (Previous::Any, _, _) | (_, None, _) | (_, _, None) => true,
            (Previous::Same, Some(last), Some(now)) => last == now,
            (Previous::Different, Some(last), Some(now)) => last != now,
        }
    }

    /// Adds what a condition demands; `None` if it speaks of other courses of doses.
    fn demand(&self, condition: &Condition, fit: &mut Fit) -> Option<()> {
        let is_of = |list: &[ProductId], one: Option<&Taken>| {
            list.is_empty()
                || one.is_some_and(|one| one.product.is_none_or(|product| list.contains(&product)))
        };
        let selected = is_of(&condition.first_products, self.first)
            && is_of(&condition.last_products, self.last)
            && (condition.given_min..=condition.given_max).contains(&self.given)
            && self.has_gap(condition)
            && self.had_age(&condition.last_age, self.last, false)
            && self.had_age(&condition.first_age, self.first, true);
        if !selected {
            return None;
        }
        if !self.is_meant(condition) {
            fit.bits |= misfit::NOT_ELIGIBLE;
        }
        let Some(birth) = &self.person.birth else {
            return Some(());
        };
        let eve = self.programme.eve;
        let (from, to) = days_of(&condition.age, birth, eve);
        fit.young = fit.young.max(from);
        fit.old = fit.old.min(to);
        if self.first.is_none() {
            let (from, to) = days_of(&condition.first_age, birth, eve);
            fit.young = fit.young.max(from);
            fit.old = fit.old.min(to);
        }
        if let Some(age) = condition.school_year_from {
            let (from, _) = school_year(age.reached(birth.earliest(), eve));
            fit.young = fit.young.max(from);
        }
        if let Some(age) = condition.school_year_to {
            let (_, to) = school_year(age.reached(birth.latest(), eve));
            fit.old = fit.old.min(to);
        }
        Some(())
    }

    /// Whether the gap between the last two doses is as told.
    fn has_gap(&self, condition: &Condition) -> bool {
        if condition.gap_from.is_none() && condition.gap_below.is_none() {
            return true;
        }
        let days = self.last_but_one.zip(self.last);
        let Some((one, two)) = days.and_then(|(one, two)| one.day.zip(two.day)) else {
            return false;
        };
        condition.gap_from.is_none_or(|gap| gap.after(one) <= two)
            && condition.gap_below.is_none_or(|gap| two < gap.after(one))
    }

    /// Whether an age was within bounds at a dose; without the dose, as `without` says.
    fn had_age(&self, ages: &Ages, dose: Option<&Taken>, without: bool) -> bool {
        if ages.from.is_none() && ages.below.is_none() && ages.until.is_none() {
            return true;
        }
        let Some(dose) = dose else { return without };
        match (&self.person.birth, dose.day) {
            (Some(birth), Some(day)) => {
                let (from, to) = days_of(ages, birth, self.programme.eve);
                from <= day && day <= to
            }
            _ => true,
        }
    }

    /// Whether a condition is about people like this one.
    fn is_meant(&self, condition: &Condition) -> bool {
        let by_sex = condition
            .sex
            .is_none_or(|sex| self.person.sex == Sex::Unknown || self.person.sex == sex);
        let by_birth = self.person.birth.is_none_or(|birth| {
            condition.born_from <= birth.latest() && birth.earliest() <= condition.born_to
        });
        let by_flags = match self.person.flags {
            Flags::Unknown => true,
            Flags::Known(flags) => {
                (condition.flags == 0 || flags.0 & condition.flags != 0)
                    && flags.0 & condition.without_flags == 0
            }
        };
        by_sex && by_birth && by_flags
    }

    /// Whether all of a condition holds on a day.
    fn holds(&self, condition: &Condition, day: Day) -> bool {
        let mut fit = Fit::free();
        fit.open = condition.valid_from;
        fit.over = condition.valid_to;
        if self.demand(condition, &mut fit).is_none() {
            return false;
        }
        fit.young_absolute = fit.young;
        fit.on(day) == 0
    }

    /// Where a season governs, brings a first day into one without a dose, with that season's end.
    pub fn season_from(&self, from: Day) -> (Day, Day) {
        let Some(season) = &self.programme.season else {
            return (from, Day::LAST);
        };
        let (begin, end) = season.at_or_after(from);
        if self.has_dose_within(begin, end) {
            season.at_or_after(end.plus_days(1))
        } else {
            (begin.max(from), end)
        }
    }

    /// Whether a dose of the programme was given from one day to another.
    pub fn has_dose_within(&self, begin: Day, end: Day) -> bool {
        self.taken.iter().any(|one| {
            one.counted
                && one.programme == self.programme_at
                && one.day.is_some_and(|day| begin <= day && day <= end)
        })
    }
}

impl Season {
    /// The season that goes on or comes next: its first and its last day.
    pub fn at_or_after(&self, day: Day) -> (Day, Day) {
        let in_year = |year: i16, (month, of_month): (i8, i8)| {
            // The 29th of February is the 1st of March where there is none.
            Day::new(year, month, of_month)
                .or_else(|| Day::new(year, month.saturating_add(1), 1))
                .unwrap_or(Day::LAST)
        };
        let years_on = i16::from(self.to < self.from);
        let year = day.year();
        (year - 1..=year + 1)
            .map(|begin| {
                (
                    in_year(begin, self.from),
                    in_year(begin.saturating_add(years_on), self.to),
                )
            })
            .find(|(_, end)| day <= *end)
            .unwrap_or((Day::LAST, Day::LAST))
    }
}

/// The first and the last day of an age; in doubt about the birth, the wider span.
fn days_of(ages: &Ages, birth: &BirthDate, eve: bool) -> (Day, Day) {
    let from = ages
        .from
        .map_or(Day::FIRST, |age| age.reached(birth.earliest(), eve));
    let below = ages.below.map_or(Day::LAST, |age| {
        age.reached(birth.latest(), eve).plus_days(-1)
    });
    let until = ages
        .until
        .map_or(Day::LAST, |age| age.reached(birth.latest(), eve));
    (from, below.min(until))
}

/// The first and the last day of the Japanese school year a day lies in: 1 April to 31 March.
fn school_year(day: Day) -> (Day, Day) {
    const APRIL: i8 = 4;
    let year = if day.month() >= APRIL {
        day.year()
    } else {
        day.year().saturating_sub(1)
    };
    let begin = Day::new(year, APRIL, 1).unwrap_or(Day::FIRST);
    let end = Day::new(year.saturating_add(1), 3, 31).unwrap_or(Day::LAST);
    (begin, end)
}

fn earlier(day: Day, days: i64) -> Day {
    if days == 0 { day } else { day.plus_days(days) }
}

fn number(at: usize) -> u8 {
    u8::try_from(at + 1).unwrap_or(u8::MAX)
}
