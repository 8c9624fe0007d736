//! The published formulas (domain paper §3.6): what each rule makes of a node's figures.

use super::plan::{Brake, PERMILLE, Rule};
use super::tree::{Figure, Figures};

/// What a rule sees of a node while a part is divided.
pub(super) struct Facts<'t> {
    pub figures: &'t Figures,
    /// Units that the parts before gave it.
    pub given: u64,
    pub doses_per_unit: u64,
}

/// What a rule makes of it.
pub(super) enum Demand {
    /// It shares by weight, up to a ceiling if there is one.
    Shares { weight: u128, ceiling: Option<u64> },
    /// It is ranked by a fraction, largest first, and wants so many units.
    Ranks { rank: (u128, u128), want: u64 },
}

impl Facts<'_> {
    fn get(&self, figure: Figure) -> u64 {
        self.figures.get(figure)
    }

    /// Whole units for so many doses; a begun unit is one.
    fn units(&self, doses: u64) -> u64 {
        doses.div_ceil(self.doses_per_unit)
    }

    fn given_doses(&self) -> u64 {
        self.given.saturating_mul(self.doses_per_unit)
    }

    /// What is still open of the request.
    fn open(&self) -> u64 {
        self.get(Figure::Request).saturating_sub(self.given)
    }

    fn late(&self, figure: Figure, corrected: bool) -> u64 {
        if corrected { self.get(figure) } else { 0 }
    }

    fn used(&self, corrected: bool) -> u64 {
        self.get(Figure::Used) + self.late(Figure::Late, corrected)
    }

    fn week(&self, corrected: bool) -> u64 {
        self.get(Figure::Week) + self.late(Figure::LateWeek, corrected)
    }

    fn stock(&self, corrected: bool) -> u64 {
        let late = self.late(Figure::LateInStock, corrected);
        self.get(Figure::Stock).saturating_sub(late)
    }

    /// Shares by doses that are lacking, never beyond them.
    fn lacking(&self, doses: u64) -> Demand {
        let doses = doses.saturating_sub(self.given_doses());
        Demand::Shares {
            weight: u128::from(doses),
            ceiling: Some(self.units(doses)),
        }
    }
}

/// What a rule makes of a node.
pub(super) fn demand(rule: Rule, facts: &Facts<'_>) -> Demand {
    match rule {
        Rule::Population => Demand::Shares {
            weight: u128::from(facts.get(Figure::Population)),
            ceiling: None,
        },
        Rule::Requests => Demand::Shares {
            weight: u128::from(facts.get(Figure::Request)),
            ceiling: Some(facts.open()),
        },
        Rule::HighestUsage { corrected, .. } => {
            let supplied = facts.get(Figure::Supplied);
            // Who was never supplied has used nothing of it.
            let used = if supplied == 0 {
                0
            } else {
                facts.used(corrected)
            };
            Demand::Ranks {
                rank: (u128::from(used), u128::from(supplied.max(1))),
                want: facts.open(),
            }
        }
        Rule::LowestStockRate {
            doses_each,
            corrected,
        } => {
            let supplied = facts.get(Figure::Supplied);
            let left = supplied.saturating_sub(facts.used(corrected));
            let people = facts.get(Figure::Population) * doses_each;
            let want = facts.units(facts.week(corrected)).min(facts.open());
            Demand::Ranks {
                rank: lowest_first(left, people),
                // Nobody lives there, so there is no rate.
                want: if people == 0 { 0 } else { want },
            }
        }
        Rule::Coverage {
            target_permille,
            doses_each,
        } => {
            let people = facts.get(Figure::Population) * target_permille / PERMILLE;
            let supplied = facts.get(Figure::Supplied) + facts.get(Figure::Elsewhere);
            facts.lacking((people * doses_each).saturating_sub(supplied))
        }
        Rule::Need { corrected } => {
            // A dose that is given and not entered is no longer due, and no longer in a stock that is
            // computed from records.
            let late = facts.late(Figure::Late, corrected);
            let due = facts.get(Figure::Due).saturating_sub(late);
            let expiring = facts.get(Figure::Expiring);
            let usable = facts.stock(corrected).saturating_sub(expiring);
            facts.lacking(due.saturating_sub(usable))
        }
    }
}

/// A rank that is the larger the lower `left ÷ people` is, without dividing by nothing: 1 ÷ (1 + rate).
fn lowest_first(left: u64, people: u64) -> (u128, u128) {
    let (left, people) = (u128::from(left), u128::from(people));
    (people, (people + left).max(1))
}

/// The rate as people know it, out of the rank.
pub(super) fn rate(rule: Rule, (over, under): (u128, u128)) -> (u128, u128) {
    match rule {
        Rule::LowestStockRate { .. } => (under.saturating_sub(over), over),
        _ => (over, under),
    }
}

/// The figures a rule and its brake use, in the order they are told.
pub(super) fn figures_of(rule: Rule, brake: Option<Brake>) -> Vec<Figure> {
    use Figure as F;
    let mut figures = match rule {
        Rule::Population => vec![F::Population],
        Rule::Requests => vec![F::Request, F::Given],
        Rule::HighestUsage { corrected, .. } => {
            let late = corrected.then_some(F::Late);
            let used = [F::Supplied, F::Used].into_iter().chain(late);
            used.chain([F::Request, F::Given]).collect()
        }
        Rule::LowestStockRate { corrected, .. } => {
            let late: &[F] = if corrected {
                &[F::Late, F::LateWeek]
            } else {
                &[]
            };
            let rate = [F::Population, F::Supplied, F::Used, F::Week];
            let all = rate.into_iter().chain(late.iter().copied());
            all.chain([F::Request, F::Given]).collect()
        }
        Rule::Coverage { .. } => vec![F::Population, F::Supplied, F::Elsewhere, F::Given],
        Rule::Need { corrected } => {
            let late: &[F] = if corrected {
                &[F::Late, F::LateInStock]
            } else {
                &[]
            };
            let need = [F::Due, F::Stock, F::Expiring];
            need.into_iter()
                .chain(late.iter().copied())
                .chain([F::Given])
                .collect()
        }
    };
    if let Some(brake) = brake {
        let late: &[F] = if brake.corrected {
            &[F::LateInStock, F::LateWeek]
        } else {
            &[]
        };
        for figure in [F::Stock, F::Week].iter().chain(late) {
            if !figures.contains(figure) {
                figures.push(*figure);
            }
        }
    }
    figures
}

/// How many of a part's units the brake takes back: a part of them if the stock is good for more weeks
/// than it says. Rounded down, so that a begun unit is not cut.
pub(super) fn braked(brake: Brake, facts: &Facts<'_>, units: u64) -> u64 {
    let weeks = facts.week(brake.corrected).saturating_mul(brake.weeks);
    if facts.stock(brake.corrected) > weeks {
        units * brake.cut_permille / PERMILLE
    } else {
        0
    }
}
