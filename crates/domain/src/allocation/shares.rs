//! One giver, many claims: whole units out of exact shares.
//!
//! Three steps, each with integers alone. *Level*: the one rate at which weight times rate, held between
//! each claim's floor and room, uses the supply up. *Choose*: a claim whose share is below its minimum
//! shipment gets that shipment or nothing; those with the fullest share come first. *Round*: what a share
//! leaves beyond whole packs is ranked, and the largest fractions are rounded up until the supply is used
//! (最大剰余法). A tie goes to the claim that stands first, and claims stand in the order of their codes.
//!
//! Stated objective, against which `tests/allocation_oracle.rs` holds a solver: the units that lie within
//! each claim's exact share, Σ min(units, share).

use std::cmp::Ordering;

/// What one claimant may get.
///
/// The products below stay under 2^127: supply, floors and rooms are at most `FIGURE_MAX` (10^10),
/// weights 10^11, and there are at most `NODES_MAX` (2 × 10^5) of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Claim {
    /// By what is shared; nothing goes to a weight of zero.
    pub weight: u128,
    /// The smallest amount that is sent at all; a multiple of `pack`.
    pub first: u64,
    /// What goes beyond comes in multiples of this; not zero.
    pub pack: u64,
    /// The most it may get; a multiple of `pack`.
    pub room: u64,
}

/// A share as a fraction: `weight` × `units` ÷ `weights`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Rate {
    /// Units that were shared among those whom no limit stopped.
    pub units: u128,
    /// The sum of their weights.
    pub weights: u128,
}

/// How a claim came to its whole number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// Its weight is zero.
    NoWeight,
    /// Its room is smaller than the smallest shipment.
    NoRoom,
    /// It got all the room it has.
    Full,
    /// Its share is below the minimum shipment, and others were nearer to theirs.
    BelowFirst {
        /// Its place among those below.
        place: u32,
        /// How many of them were chosen.
        chosen: u32,
    },
    /// Lifted to the minimum shipment.
    First,
    /// The share rounded down, at this place among the fractions of which `up` were rounded up.
    Down {
        /// Its place among the fractions.
        place: u32,
        /// How many were rounded up.
        up: u32,
    },
    /// The share rounded up.
    Up {
        /// Its place among the fractions.
        place: u32,
        /// How many were rounded up.
        up: u32,
    },
    /// The share was whole.
    Whole,
    /// Got packs beyond its share that were too small for anybody else.
    Beyond,
}

/// What a claim got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Portion {
    /// Units.
    pub units: u64,
    /// The rate its share was computed by.
    pub rate: Rate,
    /// The share in whole packs, before anything was rounded up.
    pub whole: u64,
    /// How the units came from the share.
    pub cut: Cut,
}

/// A claim while it is worked on.
struct Item {
    at: usize,
    weight: u128,
    floor: u64,
    first: u64,
    pack: u64,
    room: u64,
    units: u64,
    rate: Rate,
    whole: u64,
    cut: Cut,
}

impl Item {
    /// The share, times the rate's `weights`.
    fn share(&self, rate: Rate) -> u128 {
        self.weight * rate.units
    }

    /// Whether the share is no shipment yet, though packs are smaller than shipments.
    fn is_below_first(&self, rate: Rate) -> bool {
        self.first > self.pack && self.share(rate) < u128::from(self.first) * rate.weights
    }
}

/// Shares a supply out; the portions stand in the order of the claims. They never add up to more than
/// the supply, and to less only if every claim is full or smaller than what is left.
pub(super) fn apportion(supply: u64, claims: &[Claim]) -> Vec<Portion> {
    let mut out = Vec::new();
    let mut items = Vec::new();
    for (at, claim) in claims.iter().enumerate() {
        let nothing = if claim.weight == 0 {
            Some(Cut::NoWeight)
        } else if claim.room < claim.first.max(claim.pack) {
            Some(Cut::NoRoom)
        } else {
            None
        };
        let item = Item {
            at,
            weight: claim.weight,
            floor: 0,
            first: claim.first.max(claim.pack),
            pack: claim.pack,
            room: claim.room,
            units: 0,
            rate: Rate::default(),
            whole: 0,
            cut: nothing.unwrap_or(Cut::Whole),
        };
        if nothing.is_some() {
            out.push(item);
        } else {
            items.push(item);
        }
    }
    let (chosen, left_out) = choose(supply, items);
    let mut rounded = round(supply, chosen);
    give_what_is_left(supply, &mut rounded, left_out);
    out.append(&mut rounded);
    out.sort_by_key(|item| item.at);
    out.into_iter()
        .map(|item| Portion {
            units: item.units,
            rate: item.rate,
            whole: item.whole,
            cut: item.cut,
        })
        .collect()
}

fn sum(items: &[Item], of: impl Fn(&Item) -> u64) -> u128 {
    items.iter().map(|item| u128::from(of(item))).sum()
}

/// The rate at which all the supply is used; none if everybody's room is smaller than it.
///
/// Invariant of the walk: at the rate reached, those between floor and room have `weights` together, and
/// all others hold `fixed`.
fn level(supply: u64, items: &[Item]) -> Option<Rate> {
    let supply = u128::from(supply);
    if sum(items, |item| item.room) <= supply {
        return None;
    }
    // At `at ÷ by` a claim leaves its floor or comes to its room.
    let mut turns: Vec<(u128, u128, bool)> = Vec::with_capacity(items.len() * 2);
    let (mut fixed, mut weights) = (0_u128, 0_u128);
    for item in items {
        turns.push((u128::from(item.room), item.weight, false));
        if item.floor == 0 {
            weights += item.weight;
        } else {
            fixed += u128::from(item.floor);
            turns.push((u128::from(item.floor), item.weight, true));
        }
    }
    // Who leaves the floor comes before who is full at the same rate, so that no weight goes below zero.
    turns.sort_unstable_by(|one, other| {
        (one.0 * other.1)
            .cmp(&(other.0 * one.1))
            .then(other.2.cmp(&one.2))
    });
    for (at, by, leaves_floor) in turns {
        if fixed * by + weights * at >= supply * by {
            return Some(if weights == 0 {
                Rate {
                    units: at,
                    weights: by,
                }
            } else {
                Rate {
                    units: supply.saturating_sub(fixed),
                    weights,
                }
            });
        }
        if leaves_floor {
            fixed -= at;
            weights += by;
        } else {
            fixed += at;
            weights -= by;
        }
    }
    None
}

/// Leaves out those whose share is below their minimum shipment, but for as many as their shares
/// together are good for; the fullest come first.
fn choose(supply: u64, items: Vec<Item>) -> (Vec<Item>, Vec<Item>) {
    let Some(rate) = level(supply, &items) else {
        return (items, Vec::new());
    };
    let (mut small, mut chosen): (Vec<Item>, Vec<Item>) = items
        .into_iter()
        .partition(|item| item.is_below_first(rate));
    for item in &mut chosen {
        if item.first > item.pack {
            item.floor = item.first;
        }
    }
    if small.is_empty() {
        return (chosen, Vec::new());
    }
    small.sort_by(|one, other| {
        let fullness =
            (other.weight * u128::from(one.first)).cmp(&(one.weight * u128::from(other.first)));
        fullness.then(one.at.cmp(&other.at))
    });
    let pool = small.iter().map(|item| item.share(rate)).sum::<u128>();
    let floors = sum(&chosen, |item| item.floor);
    let mut rooms = sum(&chosen, |item| item.room);
    let (mut taken, mut count, mut left_out) = (0_u128, 0_u32, Vec::new());
    for (mut item, place) in small.into_iter().zip(1_u32..) {
        let first = u128::from(item.first);
        let fits = floors + taken + first <= u128::from(supply);
        // One more shipment may cost the others less than this share would be lost.
        let is_worth_it = (taken + first) * rate.weights < pool + item.share(rate);
        // What no room is left for elsewhere would stay with the giver.
        let is_left_anyway = rooms + first <= u128::from(supply);
        if fits && (is_worth_it || is_left_anyway) {
            taken += first;
            rooms += u128::from(item.room);
            count += 1;
            item.floor = item.first;
            chosen.push(item);
        } else {
            item.rate = rate;
            item.cut = Cut::BelowFirst { place, chosen: 0 };
            left_out.push(item);
        }
    }
    for item in &mut left_out {
        if let Cut::BelowFirst { chosen, .. } = &mut item.cut {
            *chosen = count;
        }
    }
    chosen.sort_by_key(|item| item.at);
    (chosen, left_out)
}

/// Whole packs out of the shares of those who are sent something.
fn round(supply: u64, mut items: Vec<Item>) -> Vec<Item> {
    let Some(rate) = level(supply, &items) else {
        for item in &mut items {
            item.units = item.room;
            item.whole = item.room;
            item.cut = Cut::Full;
        }
        return items;
    };
    for item in &mut items {
        set_whole(item, rate);
    }
    let mut left = u128::from(supply).saturating_sub(sum(&items, |item| item.units));
    // A fraction is a part of a pack: what the share has beyond the units, divided by the pack.
    items.sort_by(|one, other| by_fraction(one, other, rate));
    let mut places = Vec::new();
    let (mut up, mut place) = (0_u32, 0_u32);
    for item in &mut items {
        if fraction(item, rate).0 <= 0 || item.units >= item.room {
            continue;
        }
        place += 1;
        let goes_up = u128::from(item.pack) <= left;
        if goes_up {
            left -= u128::from(item.pack);
            item.units += item.pack;
            up += 1;
        }
        places.push((item.at, place, goes_up));
    }
    items.sort_by_key(|item| item.at);
    places.sort_unstable();
    let mut places = places.into_iter().peekable();
    for item in &mut items {
        if let Some((_, place, goes_up)) = places.next_if(|(at, ..)| *at == item.at) {
            item.cut = if goes_up {
                Cut::Up { place, up }
            } else {
                Cut::Down { place, up }
            };
        }
    }
    items
}

fn set_whole(item: &mut Item, rate: Rate) {
    let share = item.share(rate);
    item.rate = rate;
    if share >= u128::from(item.room) * rate.weights {
        (item.units, item.cut) = (item.room, Cut::Full);
    } else if share <= u128::from(item.floor) * rate.weights && item.floor > 0 {
        (item.units, item.cut) = (item.floor, Cut::First);
    } else {
        let units = share / rate.weights;
        // Below the room, which is a u64.
        let units = u64::try_from(units).unwrap_or(item.room);
        (item.units, item.cut) = (units - units % item.pack, Cut::Whole);
    }
    item.whole = item.units;
}

/// What the share has beyond the units, in parts of a pack: numerator (below zero if it has less) and
/// denominator, both over the rate's weights.
fn fraction(item: &Item, rate: Rate) -> (i128, u128) {
    let (share, units) = (item.share(rate), u128::from(item.units) * rate.weights);
    let beyond = |more: u128| i128::try_from(more).unwrap_or(i128::MAX);
    let numerator = if share >= units {
        beyond(share - units)
    } else {
        -beyond(units - share)
    };
    (numerator, u128::from(item.pack))
}

/// The largest fraction first, then the first in order.
fn by_fraction(one: &Item, other: &Item, rate: Rate) -> Ordering {
    let ((a, a_pack), (b, b_pack)) = (fraction(one, rate), fraction(other, rate));
    let signed = |pack: u128| i128::try_from(pack).unwrap_or(i128::MAX);
    let larger = (b * signed(a_pack)).cmp(&(a * signed(b_pack)));
    larger.then(one.at.cmp(&other.at))
}

/// Packs and shipments of different sizes leave something that is smaller than the next one in line: it
/// goes to those whose own are small enough, as evenly as can be. Each turn gives a pack at least, fills
/// somebody up, or leaves less than somebody's pack; so there are few.
fn give_what_is_left(supply: u64, items: &mut Vec<Item>, left_out: Vec<Item>) {
    let mut left = u128::from(supply).saturating_sub(sum(items, |item| item.units));
    let rate = items.first().map_or(Rate::default(), |item| item.rate);
    for mut item in left_out {
        if u128::from(item.first) <= left {
            left -= u128::from(item.first);
            (item.units, item.cut) = (item.first, Cut::Beyond);
        }
        items.push(item);
    }
    let takes = |item: &Item, left: u128| {
        let is_sent_something = item.units > 0 || item.first == item.pack;
        is_sent_something && item.units < item.room && u128::from(item.pack) <= left
    };
    while items.iter().any(|item| takes(item, left)) {
        items.sort_by(|one, other| by_fraction(one, other, rate));
        let takers = items.iter().filter(|item| takes(item, left));
        let packs: u128 = takers.map(|item| u128::from(item.pack)).sum();
        let each = u64::try_from(left / packs.max(1))
            .unwrap_or(u64::MAX)
            .max(1);
        for item in &mut *items {
            if takes(item, left) {
                let room = (item.room - item.units) / item.pack;
                let units = item.pack * each.min(room);
                left -= u128::from(units);
                item.units += units;
                item.cut = Cut::Beyond;
            }
        }
    }
}

/// A claim that is ranked: it gets what it wants, while there is any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ranked {
    /// By what it is ranked, largest first: numerator and denominator, the latter not zero.
    pub rank: (u128, u128),
    /// What it wants.
    pub want: u64,
    /// As in [`Claim`].
    pub first: u64,
    /// As in [`Claim`].
    pub pack: u64,
    /// As in [`Claim`].
    pub room: u64,
}

/// What a ranked claim got.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Granted {
    /// Units.
    pub units: u64,
    /// Its place, from 1.
    pub place: u32,
    /// What was left when its turn came.
    pub left: u64,
}

/// Grants in the order of rank, to the first `nodes_max` claims: each gets what it wants in whole packs,
/// a begun pack being a pack, as far as its room and what is left go.
pub(super) fn grant(supply: u64, claims: &[Ranked], nodes_max: u32) -> Vec<Granted> {
    let mut order: Vec<(usize, &Ranked)> = claims.iter().enumerate().collect();
    order.sort_by(|(one_at, one), (other_at, other)| {
        (other.rank.0 * one.rank.1)
            .cmp(&(one.rank.0 * other.rank.1))
            .then(one_at.cmp(other_at))
    });
    let mut left = supply;
    let mut granted: Vec<(usize, Granted)> = Vec::with_capacity(claims.len());
    for ((at, claim), place) in order.into_iter().zip(1_u32..) {
        let units = if place <= nodes_max {
            fitting(claim, left)
        } else {
            0
        };
        granted.push((at, Granted { units, place, left }));
        left -= units;
    }
    granted.sort_unstable_by_key(|(at, _)| *at);
    granted.into_iter().map(|(_, granted)| granted).collect()
}

fn fitting(claim: &Ranked, left: u64) -> u64 {
    if claim.want == 0 {
        return 0;
    }
    let most = claim.room.min(left);
    let most = most - most % claim.pack;
    let want = claim.want.div_ceil(claim.pack) * claim.pack;
    let units = want.max(claim.first).min(most);
    if units >= claim.first { units } else { 0 }
}
