//! One giver's units divided among those below, part by part, and the whole tree from the top down.

use serde::Serialize;

use super::formulas::{Demand, Facts, braked, demand, figures_of, rate};
use super::plan::{Item, Override, PERMILLE, Part, Per, Plan, Quota, Refusals, Rule, Step, Wrong};
use super::reasons::{How, Input, Kept, PartWhy, Rounding, Why};
use super::shares::{Claim, Cut, Granted, Portion, Ranked, apportion, grant};
use super::tree::{Bounds, Figure, Id, Limit, PerNode, Tree};

/// What is proposed for a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Proposed {
    /// The node's code.
    pub code: String,
    /// The node above.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// Its level.
    pub level: String,
    /// Units it gets.
    pub units: u64,
    /// Doses in them.
    pub doses: u64,
    /// Units that stay with it: what it does not give to those below.
    pub kept: u64,
    /// Why they stay; nothing if none do, or nobody below it was to get any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kept_because: Option<Kept>,
    /// Which step gave to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<usize>,
    /// Needles, syringes and the like, in the order of the plan's items.
    pub items: Vec<u64>,
    /// Why.
    pub why: Why,
}

/// A node while the tree is worked through.
#[derive(Clone)]
struct Worked {
    units: u64,
    kept: u64,
    kept_because: Option<Kept>,
    why: Why,
    items: Vec<u64>,
}

/// One who is to get something.
#[derive(Clone)]
struct Receiver {
    id: Id,
    bounds: Bounds,
    given: u64,
    parts: Vec<PartWhy>,
}

impl Receiver {
    fn room(&self) -> u64 {
        self.bounds.room.saturating_sub(self.given)
    }

    /// The smallest amount that can be added.
    fn first(&self) -> u64 {
        if self.given == 0 {
            self.bounds.first
        } else {
            self.bounds.pack
        }
    }
}

/// Works a tree through, from the top down.
pub(super) fn work(plan: &Plan, tree: &Tree<'_>, refusals: &mut Refusals) -> Vec<Proposed> {
    let nothing = Worked {
        units: 0,
        kept: 0,
        kept_because: None,
        why: Why::NotReached,
        items: Vec::new(),
    };
    let mut worked = PerNode::filled(tree, nothing);
    let Some(top) = tree.top else {
        return Vec::new();
    };
    worked[top].units = plan.supply;
    worked[top].kept = plan.supply;
    worked[top].why = Why::Top;
    let set = overrides(plan, tree);
    let mut givers = vec![top];
    for (at, step) in plan.steps.iter().enumerate() {
        let mut next = Vec::new();
        for giver in givers {
            let all = receivers(tree, giver, &step.level);
            let (barred, receivers): (Vec<Id>, Vec<Id>) = all
                .into_iter()
                .partition(|id| tree.nodes[*id].node.without_contract);
            for id in barred {
                worked[id].why = Why::NoContract;
                if let Some((at, _)) = set[id].filter(|(_, one)| one.units > 0) {
                    refusals.add(format!("overrides[{at}].units"), Wrong::NoContract);
                }
            }
            let supply = worked[giver].units;
            let hand = Hand { plan, tree, step };
            let divided = hand.with_overrides(supply, &receivers, &set, refusals);
            let given = divided.iter().map(|(receiver, _)| receiver.given).sum();
            worked[giver].kept = supply.saturating_sub(given);
            worked[giver].kept_because = hand.kept(supply, &divided);
            for (receiver, instead_of) in divided {
                let to = &mut worked[receiver.id];
                to.units = receiver.given;
                to.kept = receiver.given;
                to.why = match set[receiver.id] {
                    Some((_, by)) => Why::Set {
                        by: by.by.clone(),
                        reason: by.reason.clone(),
                        instead_of,
                    },
                    None => Why::Formula {
                        parts: receiver.parts,
                    },
                };
            }
            next.extend(receivers);
        }
        let is_last = at + 1 == plan.steps.len();
        givers = if is_last { Vec::new() } else { next };
    }
    sum_up(plan, tree, &mut worked);
    tell(plan, tree, worked)
}

/// Numbers that were set, by node, with their place in the plan.
type Set<'p> = PerNode<Option<(usize, &'p Override)>>;

fn overrides<'p>(plan: &'p Plan, tree: &Tree<'_>) -> Set<'p> {
    let mut set = PerNode::filled(tree, None);
    for (at, one) in plan.overrides.iter().enumerate() {
        if let Some(id) = tree.find(&one.node) {
            set[id] = Some((at, one));
        }
    }
    set
}

/// Everybody of a level below a giver, in the order of codes.
fn receivers(tree: &Tree<'_>, giver: Id, level: &str) -> Vec<Id> {
    let mut found = Vec::new();
    let mut open: Vec<Id> = tree.nodes[giver].children.clone();
    while let Some(id) = open.pop() {
        let placed = &tree.nodes[id];
        if placed.node.level == level {
            found.push(id);
        } else {
            open.extend_from_slice(&placed.children);
        }
    }
    found.sort_unstable();
    found
}

/// The hand that divides what one giver has, at one step.
struct Hand<'p, 't> {
    plan: &'p Plan,
    tree: &'t Tree<'p>,
    step: &'p Step,
}

impl Hand<'_, '_> {
    /// What everybody gets, and what the formula would have given to those whose number was set.
    ///
    /// Set numbers go first; the formula divides the rest among the others, its quotas cut in proportion.
    fn with_overrides(
        &self,
        supply: u64,
        receivers: &[Id],
        set: &Set<'_>,
        refusals: &mut Refusals,
    ) -> Vec<(Receiver, u64)> {
        let (fixed, free): (Vec<Id>, Vec<Id>) =
            receivers.iter().copied().partition(|id| set[*id].is_some());
        if fixed.is_empty() {
            let given = self.divide(supply, supply, &free);
            return given.into_iter().map(|one| (one, 0)).collect();
        }
        let would_be = self.divide(supply, supply, receivers);
        let (mut left, mut all) = (supply, Vec::new());
        for mut receiver in would_be {
            let Some((at, one)) = set[receiver.id] else {
                continue;
            };
            let instead_of = receiver.given;
            if let Some(why) = wrong_override(one, receiver.bounds, left) {
                refusals.add(format!("overrides[{at}].units"), why);
            }
            receiver.given = one.units;
            left = left.saturating_sub(one.units);
            all.push((receiver, instead_of));
        }
        let others = self.divide(left, supply, &free);
        all.extend(others.into_iter().map(|one| (one, 0)));
        all.sort_by_key(|(receiver, _)| receiver.id);
        all
    }

    /// Divides `supply` by the formula. `whole` is what the giver had before numbers were set: quotas in
    /// units are cut by supply ÷ whole, rounded down.
    fn divide(&self, supply: u64, whole: u64, receivers: &[Id]) -> Vec<Receiver> {
        let mut receivers: Vec<Receiver> = receivers
            .iter()
            .map(|id| Receiver {
                id: *id,
                bounds: self.tree.nodes[*id].bounds,
                given: 0,
                parts: Vec::new(),
            })
            .collect();
        let mut left = supply;
        for (at, part) in self.step.parts.iter().enumerate() {
            let quota = quota(part.quota, supply, whole).min(left);
            let given: u64 = self.give_part((at, part, quota), &mut receivers);
            left -= given;
        }
        receivers
    }

    fn facts(&self, receiver: &Receiver) -> Facts<'_> {
        Facts {
            figures: &self.tree.nodes[receiver.id].figures,
            given: receiver.given,
            doses_per_unit: self.plan.doses_per_unit,
        }
    }

    /// Gives one part out; answers how many units it gave.
    fn give_part(&self, (at, part, quota): (usize, &Part, u64), receivers: &mut [Receiver]) -> u64 {
        let (mut claims, mut limits, mut ranked) = (Vec::new(), Vec::new(), Vec::new());
        for receiver in &*receivers {
            match demand(part.rule, &self.facts(receiver)) {
                Demand::Shares { weight, ceiling } => {
                    let (claim, limit) = claim(receiver, weight, ceiling);
                    claims.push(claim);
                    limits.push(limit);
                }
                Demand::Ranks { rank, want } => ranked.push(Ranked {
                    rank,
                    want,
                    first: receiver.first(),
                    pack: receiver.bounds.pack,
                    room: receiver.room(),
                }),
            }
        }
        let hows: Vec<(u64, How)> = if ranked.is_empty() {
            let portions = apportion(quota, &claims);
            let all = portions.iter().zip(&claims).zip(limits);
            all.map(|((portion, claim), limit)| (portion.units, shared(portion, claim, limit)))
                .collect()
        } else {
            let granted = grant(quota, &ranked, places(part.rule));
            let all = granted.iter().zip(&ranked);
            all.map(|(granted, claim)| (granted.units, granted_how(*granted, claim, part.rule)))
                .collect()
        };
        let figures = figures_of(part.rule, part.brake);
        let mut all = 0;
        for (receiver, (units, how)) in receivers.iter_mut().zip(hows) {
            let facts = self.facts(receiver);
            let braked = part.brake.map_or(0, |brake| braked(brake, &facts, units));
            let braked = in_packs(receiver, units, braked);
            let inputs = figures.iter().map(|figure| Input {
                figure: *figure,
                value: match figure {
                    Figure::Given => receiver.given,
                    figure => facts.figures.get(*figure),
                },
            });
            let inputs = inputs.collect();
            let units = units - braked;
            receiver.given += units;
            all += units;
            receiver.parts.push(PartWhy {
                part: at,
                quota,
                units,
                inputs,
                how,
                braked,
            });
        }
        all
    }

    /// Why units stayed with the giver, if any did.
    fn kept(&self, supply: u64, divided: &[(Receiver, u64)]) -> Option<Kept> {
        let given: u64 = divided.iter().map(|(receiver, _)| receiver.given).sum();
        let kept = supply.saturating_sub(given);
        if kept == 0 {
            return None;
        }
        let has_room = |receiver: &Receiver| receiver.room() >= receiver.first();
        let takes_rest = |part: &Part| matches!(part.quota, Quota::Rest);
        let has_weight = |receiver: &Receiver| {
            let mut parts = receiver.parts.iter();
            parts.any(|part| match part.how {
                How::Shared { weight, .. } => weight > 0,
                How::Ranked { want, .. } => want > 0,
            })
        };
        let is_below_pack = |receiver: &Receiver| kept < receiver.first();
        let mut all = divided.iter().map(|(receiver, _)| receiver);
        Some(if divided.is_empty() {
            Kept::Nobody
        } else if !all.clone().any(has_room) {
            Kept::Full
        } else if !all.clone().any(has_weight) {
            Kept::NoClaims
        } else if !self.step.parts.iter().any(takes_rest) {
            Kept::Quotas
        } else if all.all(|receiver| !has_room(receiver) || is_below_pack(receiver)) {
            Kept::Packs
        } else {
            // Those who have room lack nothing by the rule.
            Kept::Full
        })
    }
}

fn quota(quota: Quota, supply: u64, whole: u64) -> u64 {
    match quota {
        Quota::Rest => supply,
        Quota::Permille(part) => supply * part / PERMILLE,
        Quota::Units(units) if supply == whole || whole == 0 => units,
        Quota::Units(units) => {
            let cut = u128::from(units) * u128::from(supply) / u128::from(whole);
            // Not more than the units.
            u64::try_from(cut).unwrap_or(units)
        }
    }
}

fn wrong_override(one: &Override, bounds: Bounds, left: u64) -> Option<Wrong> {
    let Bounds {
        pack, first, room, ..
    } = bounds;
    if one.units > left {
        Some(Wrong::MoreThanGiver { units: left })
    } else if one.units > room {
        Some(Wrong::MoreThanRoom { units: room })
    } else if !one.units.is_multiple_of(pack) {
        Some(Wrong::NotPacks { units: pack })
    } else if one.units > 0 && one.units < first {
        Some(Wrong::LessThanMinimum { units: first })
    } else {
        None
    }
}

/// A claim, and what limits it.
fn claim(receiver: &Receiver, weight: u128, ceiling: Option<u64>) -> (Claim, Option<Limit>) {
    let (pack, first, room) = (receiver.bounds.pack, receiver.first(), receiver.room());
    let (mut most, mut limit) = (room, receiver.bounds.limit);
    // What is lacking comes in whole packs, and not below the smallest shipment.
    let lacking = ceiling.map(|ceiling| match ceiling {
        0 => 0,
        ceiling => (ceiling.div_ceil(pack) * pack).max(first),
    });
    if let Some(lacking) = lacking.filter(|lacking| *lacking < room) {
        (most, limit) = (lacking, Some(Limit::Lacking));
    }
    let claim = Claim {
        weight,
        first,
        pack,
        room: most,
    };
    (claim, limit)
}

/// Figures below `FIGURE_MAX` times `NODES_MAX` are u64.
fn small(figure: u128) -> u64 {
    u64::try_from(figure).unwrap_or(u64::MAX)
}

fn shared(portion: &Portion, claim: &Claim, limit: Option<Limit>) -> How {
    let minimum = claim.first;
    let rounding = match portion.cut {
        Cut::NoWeight => Rounding::NoWeight,
        Cut::NoRoom => Rounding::NoRoom { limit },
        Cut::Full => Rounding::Full { limit },
        Cut::BelowFirst { place, chosen } => Rounding::BelowMinimum {
            minimum,
            place,
            chosen,
        },
        Cut::First => Rounding::Minimum { minimum },
        Cut::Down { place, up } => Rounding::Down { place, up },
        Cut::Up { place, up } => Rounding::Up { place, up },
        Cut::Whole => Rounding::Whole,
        Cut::Beyond => Rounding::Beyond,
    };
    How::Shared {
        weight: small(claim.weight),
        units_shared: small(portion.rate.units),
        weights: small(portion.rate.weights),
        whole: portion.whole,
        rounding,
    }
}

/// To how many a ranked rule gives.
fn places(rule: Rule) -> u32 {
    match rule {
        Rule::HighestUsage { nodes, .. } => nodes,
        _ => u32::MAX,
    }
}

fn granted_how(granted: Granted, claim: &Ranked, rule: Rule) -> How {
    let (over, under) = rate(rule, claim.rank);
    How::Ranked {
        rate: (small(over), small(under)),
        place: granted.place,
        want: claim.want,
        left: granted.left,
        places: places(rule),
    }
}

/// What the brake takes, in whole packs, leaving the smallest shipment or nothing less than it.
fn in_packs(receiver: &Receiver, units: u64, braked: u64) -> u64 {
    let keeps = if receiver.given == 0 {
        receiver.bounds.first
    } else {
        0
    };
    let braked = braked.min(units.saturating_sub(keeps));
    braked - braked % receiver.bounds.pack
}

/// From the bottom up: levels that were passed over, and what goes along with the doses.
fn sum_up(plan: &Plan, tree: &Tree<'_>, worked: &mut PerNode<Worked>) {
    let last = plan.steps.len().checked_sub(1);
    for id in tree.downwards.iter().rev() {
        let placed = &tree.nodes[*id];
        let step = tree.step_of(*id);
        let is_end = step.is_some() && step == last;
        let below = || placed.children.iter().map(|child| &worked[*child]);
        let is_reached = below().any(|child| child.why != Why::NotReached);
        if step.is_none() && placed.parent.is_some() && is_reached {
            let units = below().map(|child| child.units).sum();
            worked[*id].units = units;
            worked[*id].why = Why::Sum;
        }
        let items = plan.items.iter().enumerate().map(|(at, item)| {
            if is_end {
                count(plan, item, worked[*id].units)
            } else {
                let of_child = |child: &Id| worked[*child].items.get(at).copied();
                placed.children.iter().filter_map(of_child).sum()
            }
        });
        let items = items.collect();
        worked[*id].items = items;
    }
}

/// How many of an item go along with units: for each dose or vial, with some to spare, in whole packs.
fn count(plan: &Plan, item: &Item, units: u64) -> u64 {
    let per_unit = match item.per {
        Per::Dose => plan.doses_per_unit,
        Per::Vial => plan.vials_per_unit.unwrap_or(0),
    };
    let each = u128::from(units) * u128::from(per_unit) * u128::from(item.each);
    let permille = u128::from(PERMILLE);
    let spared = (each * (permille + u128::from(item.spare_permille))).div_ceil(permille);
    let packs = spared.div_ceil(u128::from(item.pack));
    small(packs * u128::from(item.pack))
}

fn tell(plan: &Plan, tree: &Tree<'_>, worked: PerNode<Worked>) -> Vec<Proposed> {
    let mut told = Vec::with_capacity(tree.downwards.len());
    let in_order = tree.in_order();
    for ((id, placed), worked) in in_order.zip(worked.into_iter()) {
        let is_reached = worked.why != Why::NotReached;
        told.push(Proposed {
            code: placed.node.code.clone(),
            parent: placed.node.parent.clone(),
            level: placed.node.level.clone(),
            units: worked.units,
            doses: worked.units.saturating_mul(plan.doses_per_unit),
            kept: worked.kept,
            kept_because: worked.kept_because,
            step: tree.step_of(id).filter(|_| is_reached),
            items: worked.items,
            why: worked.why,
        });
    }
    told
}
