//! What is due next for a person, from when, recommended when, overdue since.

use super::evaluate::{Walk, in_order};
use super::fit::{Fit, View, misfit};
use super::model::{Conflict, Given, Permit, Person, ProductId, Programme, Schedules};
use crate::calendar::Day;

/// How a series stands for a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// The next dose can be given.
    Due,
    /// The next dose can be given later.
    Later,
    /// The next dose should have been given by now.
    Overdue,
    /// Every dose was given.
    Complete,
    /// Too old for what is left.
    AgedOut,
    /// The programme is over, or no vaccine for it is in use any more.
    Ended,
    /// The person is not of those for whom it is meant.
    NotEligible,
    /// Something known of the person forbids it.
    Contraindicated,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 8] = [
        Self::Due,
        Self::Later,
        Self::Overdue,
        Self::Complete,
        Self::AgedOut,
        Self::Ended,
        Self::NotEligible,
        Self::Contraindicated,
    ];

    /// The word in files and in the output of the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Due => "due",
            Self::Later => "later",
            Self::Overdue => "overdue",
            Self::Complete => "complete",
            Self::AgedOut => "aged_out",
            Self::Ended => "ended",
            Self::NotEligible => "not_eligible",
            Self::Contraindicated => "contraindicated",
        }
    }
}

/// What comes next in a series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Next<'s> {
    /// The series.
    pub series: &'s str,
    /// How it stands.
    pub status: Status,
    /// The next dose, if there is one to come.
    pub dose: Option<NextDose<'s>>,
}

/// The dose to come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NextDose<'s> {
    /// The programme.
    pub programme: &'s str,
    /// Which dose of it, from 1.
    pub turn: u8,
    /// The rule that opens first.
    pub rule: &'s str,
    /// The products possible on the first day that is not past, in the order of the files.
    pub products: Vec<ProductId>,
    /// The first day on which it can be given, in the past if it could have been.
    pub earliest: Day,
    /// The day it is recommended.
    pub recommended: Day,
    /// The first day on which it is late, if there is one.
    pub overdue: Option<Day>,
    /// The last day on which it can be given, if there is one.
    pub latest: Option<Day>,
}

/// A rule, a product and the days on which both are possible.
struct Possible<'s> {
    programme_at: u16,
    programme: &'s Programme,
    turn: u8,
    permit: &'s Permit,
    product: Option<ProductId>,
    first: Day,
    last: Day,
    recommended: Option<Day>,
    overdue: Option<Day>,
}

impl Possible<'_> {
    /// The first day that is not past.
    fn begins(&self, on: Day) -> Day {
        self.first.max(on)
    }
}

impl Schedules {
    /// What comes next in every series, in the order of the files, by the doses given up to `on`.
    ///
    /// A series without a programme is left out.
    #[must_use]
    pub fn forecast<'s>(
        &'s self,
        person: &Person,
        history: &[Given<'_>],
        on: Day,
    ) -> Vec<Next<'s>> {
        let mut walk = Walk::new(self, person);
        for (_, given) in in_order(history) {
            if given.on <= on {
                walk.judge(given, on);
            }
        }
        (0_u16..)
            .zip(&self.series)
            .filter_map(|(at, series)| self.next(&walk, person, at, &series.id, on))
            .collect()
    }

    fn next<'s>(
        &'s self,
        walk: &Walk<'s, '_>,
        person: &Person,
        series: u16,
        id: &'s str,
        on: Day,
    ) -> Option<Next<'s>> {
        let mut possible: Vec<Possible<'s>> = Vec::new();
        let mut standing = None;
        let mut standing_stage = None;
        for (at, programme) in (0_u16..).zip(&self.programmes) {
            if programme.series != series {
                continue;
            }
            let view = View::new(self, person, &walk.taken, at, programme);
            if view.is_excluded() || !view.is_ready(on) {
                continue;
            }
            let why = match view.next_turn(on) {
                None => Status::Complete,
                Some(turn) => self.open(walk, &view, turn, on, &mut possible),
            };
            // The last stage that is open to the person says how the series stands; of several
            // programmes of one stage, the one that says most.
            standing = match standing {
                Some(known) if standing_stage == Some(programme.stage) => Some(telling(known, why)),
                _ => Some(why),
            };
            standing_stage = Some(programme.stage);
        }
        let best = possible.iter().min_by_key(|one| {
            (
                one.begins(on),
                std::cmp::Reverse(one.programme.rank),
                one.programme_at,
                one.first,
            )
        });
        let Some(best) = best else {
            return standing.map(|status| Next {
                series: id,
                status,
                dose: None,
            });
        };
        let dose = next_dose(best, &possible, on);
        let status = if dose.overdue.is_some_and(|day| day <= on) {
            Status::Overdue
        } else if dose.earliest <= on {
            Status::Due
        } else {
            Status::Later
        };
        Some(Next {
            series: id,
            status,
            dose: Some(dose),
        })
    }

    /// Adds what is possible for the next turn of a programme; says why not if nothing is.
    fn open<'s>(
        &'s self,
        walk: &Walk<'s, '_>,
        view: &View<'s, '_>,
        (turn_at, turn): (usize, u8),
        on: Day,
        possible: &mut Vec<Possible<'s>>,
    ) -> Status {
        let mut why = Status::Ended;
        // A turn that is skipped by the day it could be given makes way for the next one.
        let mut tried = (turn_at, turn);
        for _ in 0..=view.programme.turns.len() {
            let before = possible.len();
            let mut instead = None;
            let permits = view.programme.turns.get(tried.0).map(|one| &one.permits);
            for permit in permits.into_iter().flatten() {
                for product in self.products_for(permit, view.programme.series) {
                    let Some(fit) = view.fit(permit, product) else {
                        continue;
                    };
                    match self.days(walk, view, &fit, product, on) {
                        Err(status) => why = telling(why, status),
                        Ok((first, last)) => {
                            let then = view.next_turn(first.max(on));
                            if then != Some(tried) {
                                instead = instead.or(then);
                                continue;
                            }
                            let (recommended, overdue) = view.advice(permit);
                            possible.push(Possible {
                                programme_at: view.programme_at,
                                programme: view.programme,
                                turn: tried.1,
                                permit,
                                product,
                                first,
                                last,
                                recommended,
                                overdue,
                            });
                        }
                    }
                }
            }
            // What is possible only by way of exception is proposed only if nothing else is.
            let usual = possible
                .iter()
                .skip(before)
                .any(|one| !one.permit.exceptional);
            if usual {
                possible
                    .retain(|one| one.programme_at != view.programme_at || !one.permit.exceptional);
            }
            match instead {
                Some(next) if possible.len() == before => tried = next,
                _ => break,
            }
        }
        why
    }

    /// The first and the last day for a rule and a product, as seen from `on`.
    fn days(
        &self,
        walk: &Walk<'_, '_>,
        view: &View<'_, '_>,
        fit: &Fit,
        product: Option<ProductId>,
        on: Day,
    ) -> Result<(Day, Day), Status> {
        if fit.bits & misfit::CONTRAINDICATED != 0 {
            return Err(Status::Contraindicated);
        }
        if fit.bits & misfit::NOT_ELIGIBLE != 0 {
            return Err(Status::NotEligible);
        }
        if fit.bits != 0 {
            return Err(Status::Ended);
        }
        let born = view
            .person
            .birth
            .map_or(Day::FIRST, |birth| birth.earliest());
        let mut first = fit.earliest().max(born);
        let mut last = fit.latest();
        let used = product.and_then(|id| self.at(id));
        if let Some(used) = used {
            first = first.max(used.used_from);
            last = last.min(used.used_to);
        }
        if let Some(used) = used {
            // First as things stand now, then as they stood on a first day that is past. Each turn
            // moves to a later day, and there are only so many vaccines before.
            while let Some(found) = walk.other_vaccine(used, first.max(on)) {
                first = free_of(found);
            }
            while let Some(found) = walk.other_vaccine(used, first) {
                first = free_of(found);
            }
        }
        if view.programme.season.is_some() {
            let (begin, end) = view.season_from(first.max(on));
            first = if first.max(on) == begin {
                first.max(season_begin(view, begin))
            } else {
                begin
            };
            last = last.min(end);
        }
        if fit.old < first.max(on) {
            return Err(Status::AgedOut);
        }
        if last < first.max(on) {
            return Err(Status::Ended);
        }
        Ok((first, last))
    }

    /// The products a rule names, or all of its series; those nobody can name only where no other is.
    fn products_for(&self, permit: &Permit, series: u16) -> Vec<Option<ProductId>> {
        if !permit.products.is_empty() {
            return permit.products.iter().copied().map(Some).collect();
        }
        let of_series = || {
            (0_u16..)
                .zip(&self.products)
                .filter(|(_, product)| product.series.contains(&series))
        };
        let named: Vec<_> = of_series()
            .filter(|(_, product)| !product.unspecified)
            .map(|(at, _)| Some(ProductId(at)))
            .collect();
        if named.is_empty() {
            vec![of_series().next().map(|(at, _)| ProductId(at))]
        } else {
            named
        }
    }
}

/// The first day on which a conflict with another vaccine is over: its interval has passed, or its
/// rule is no longer in force, whichever comes first.
fn free_of((interval_over, conflict): (Day, &Conflict)) -> Day {
    interval_over.min(conflict.valid_to.plus_days(1))
}

/// The first day of the season a day lies in.
fn season_begin(view: &View<'_, '_>, day: Day) -> Day {
    let season = view.programme.season.as_ref();
    season.map_or(day, |season| season.at_or_after(day).0)
}

fn next_dose<'s>(best: &Possible<'s>, possible: &[Possible<'s>], on: Day) -> NextDose<'s> {
    let day = best.begins(on);
    let alike = || {
        possible
            .iter()
            .filter(|one| one.programme_at == best.programme_at)
    };
    let mut products: Vec<ProductId> = alike()
        .filter(|one| one.first <= day && day <= one.last)
        .filter_map(|one| one.product)
        .collect();
    products.sort_unstable();
    products.dedup();
    let latest = alike().map(|one| one.last).max();
    let recommended = best
        .recommended
        .map_or(best.first, |day| day.max(best.first));
    NextDose {
        programme: &best.programme.id,
        turn: best.turn,
        rule: &best.permit.rule,
        products,
        earliest: best.first,
        recommended: recommended.min(best.last),
        overdue: best.overdue.map(|day| day.max(best.first)),
        latest: latest.filter(|day| *day != Day::LAST),
    }
}

/// Of two reasons why there is no dose to come, the one that tells a person more.
fn telling(one: Status, other: Status) -> Status {
    let weight = |status| match status {
        Status::Contraindicated => 3,
        Status::AgedOut => 2,
        Status::NotEligible => 1,
        _ => 0,
    };
    if weight(other) > weight(one) {
        other
    } else {
        one
    }
}
