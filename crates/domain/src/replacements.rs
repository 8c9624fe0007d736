//! What takes the place of vials that a recall stopped (代替の案).
//!
//! Every venue gets as many vials of the product as were stopped there: first from what it has itself and does not need
//! soon, then from its neighbours', and the rest by a new order. The rule is ours \[O\]: the real programme published none.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use crate::access::OrganisationId;
use crate::places::{MunicipalityCode, Prefecture};

/// Days of use that a venue keeps for itself before it has something to spare: two cycles (クール) of two weeks, since
/// what is ordered now comes with the next but one at the latest.
pub const KEPT_DAYS: i64 = 28;

/// Vials of a product at a venue: stopped there, or to spare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct At {
    /// The venue.
    pub venue: OrganisationId,
    /// Where it stands.
    pub city: MunicipalityCode,
    /// How many; none and fewer count for nothing.
    pub vials: i64,
}

/// Where replacing vials come from, the nearest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// Other lots that the venue has already.
    Itself,
    /// A venue of the same city.
    SameCity(OrganisationId),
    /// A venue of the same prefecture.
    SamePrefecture(OrganisationId),
    /// Nobody near has them: an order.
    Order,
}

/// Vials that a venue gets in place of stopped ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replacement {
    /// Who gets them.
    pub to: OrganisationId,
    /// Where from.
    pub source: Source,
    /// How many, 1 or more.
    pub vials: i64,
}

/// Vials to spare of a product: what may still be given for [`KEPT_DAYS`], less what is used in that time at the pace of
/// the last `days`.
#[must_use]
pub fn to_spare(on_hand: i64, used: i64, days: i64) -> i64 {
    // Rounded up: whoever gives keeps a vial too many rather than one too few.
    let kept = (used.max(0) * KEPT_DAYS + days - 1) / days.max(1);
    (on_hand - kept).max(0)
}

/// Who gets what from whom, for one product: exactly as many vials as were stopped, and from nobody more than they have to
/// spare. Everybody is served by themselves first, then by their city, then by their prefecture; within each, venues in
/// the order of their ids get from whoever has most.
#[must_use]
pub fn replacements(stopped: &[At], spare: &[At]) -> Vec<Replacement> {
    let mut needs = by_venue(stopped);
    let mut left = by_venue(spare);
    let mut found = Vec::new();
    let mut give = |to, source, vials| found.push(Replacement { to, source, vials });
    for (to, (_, missing)) in &mut needs {
        if let Some((_, vials)) = left.get_mut(to) {
            let given = (*vials).min(*missing);
            *vials -= given;
            *missing -= given;
            give(*to, Source::Itself, given);
        }
    }
    // Whoever lacks something still has nothing left, nor has their city after the first of these: nobody is their own
    // neighbour here.
    let mut of_city: BTreeMap<MunicipalityCode, Givers> = BTreeMap::new();
    for (from, (city, vials)) in left {
        let givers = of_city.entry(city).or_default();
        givers.push((vials, Reverse(from)));
    }
    for (to, (city, missing)) in &mut needs {
        if let Some(givers) = of_city.get_mut(city) {
            serve(givers, missing, |from, vials| {
                give(*to, Source::SameCity(from), vials);
            });
        }
    }
    let mut of_prefecture: BTreeMap<Option<Prefecture>, Givers> = BTreeMap::new();
    for (city, givers) in of_city {
        let all = of_prefecture.entry(city.prefecture()).or_default();
        all.extend(givers);
    }
    for (to, (city, missing)) in &mut needs {
        if let Some(givers) = of_prefecture.get_mut(&city.prefecture()) {
            serve(givers, missing, |from, vials| {
                give(*to, Source::SamePrefecture(from), vials);
            });
        }
    }
    for (to, (_, missing)) in needs {
        give(to, Source::Order, missing);
    }
    found.retain(|one| one.vials > 0);
    found.sort_by_key(|one| (one.to, one.source));
    found
}

/// Venues that have something left, whoever has most on top; of two, the lower id.
type Givers = BinaryHeap<(i64, Reverse<OrganisationId>)>;

fn serve(givers: &mut Givers, missing: &mut i64, mut give: impl FnMut(OrganisationId, i64)) {
    while *missing > 0
        && let Some((vials, Reverse(from))) = givers.pop()
    {
        let given = vials.min(*missing);
        *missing -= given;
        give(from, given);
        if vials > given {
            givers.push((vials - given, Reverse(from)));
        }
    }
}

fn by_venue(all: &[At]) -> BTreeMap<OrganisationId, (MunicipalityCode, i64)> {
    let mut venues = BTreeMap::new();
    for one in all.iter().filter(|one| one.vials > 0) {
        venues.entry(one.venue).or_insert((one.city, 0)).1 += one.vials;
    }
    venues
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    const CITIES: [&str; 3] = ["131016", "131032", "271004"];

    fn venue(number: u8) -> OrganisationId {
        OrganisationId(Uuid::from_u128(u128::from(number)))
    }

    /// Two venues in Chiyoda, one in Minato, one in Osaka.
    fn at(number: u8, vials: i64) -> At {
        let city = CITIES[usize::from(number.saturating_sub(1)).min(2)];
        At {
            venue: venue(number),
            city: MunicipalityCode::parse(city).unwrap(),
            vials,
        }
    }

    #[test]
    fn the_nearest_gives_first_and_what_nobody_has_is_ordered() {
        let found = replacements(&[at(0, 20)], &[at(0, 3), at(1, 5), at(2, 4), at(3, 100)]);
        let told: Vec<_> = found.iter().map(|one| (one.source, one.vials)).collect();
        assert_eq!(
            told,
            [
                (Source::Itself, 3),
                (Source::SameCity(venue(1)), 5),
                (Source::SamePrefecture(venue(2)), 4),
                (Source::Order, 8),
            ]
        );
    }

    #[test]
    fn a_venue_keeps_what_it_uses_in_four_weeks() {
        assert_eq!(to_spare(30, 10, 14), 10);
        assert_eq!(to_spare(30, 0, 14), 30);
        assert_eq!(to_spare(10, 10, 14), 0);
        assert_eq!(to_spare(-3, 0, 14), 0);
        // A third of a vial a day is kept as a whole one more.
        assert_eq!(to_spare(30, 1, 3), 20);
    }

    proptest! {
        #[test]
        fn every_stopped_vial_is_replaced_once_and_nobody_gives_more_than_they_have(
            stopped in proptest::collection::vec((0..6_u8, -2..50_i64), 0..8),
            spare in proptest::collection::vec((0..6_u8, -2..50_i64), 0..8),
        ) {
            let stopped: Vec<At> = stopped.into_iter().map(|(number, vials)| at(number, vials)).collect();
            let spare: Vec<At> = spare.into_iter().map(|(number, vials)| at(number, vials)).collect();
            let found = replacements(&stopped, &spare);
            let sum = |all: &[At], venue| -> i64 {
                all.iter().filter(|one| one.venue == venue).map(|one| one.vials.max(0)).sum()
            };
            for number in 0..6 {
                let venue = venue(number);
                let got: i64 = found.iter().filter(|one| one.to == venue).map(|one| one.vials).sum();
                prop_assert_eq!(got, sum(&stopped, venue));
                let gave: i64 = found.iter().filter(|one| match one.source {
                    Source::Itself => one.to == venue,
                    Source::SameCity(from) | Source::SamePrefecture(from) => from == venue,
                    Source::Order => false,
                }).map(|one| one.vials).sum();
                prop_assert!(gave <= sum(&spare, venue));
            }
            prop_assert!(found.iter().all(|one| one.vials > 0));
        }

        #[test]
        fn the_order_in_which_venues_are_told_does_not_matter(
            stopped in proptest::collection::vec((0..6_u8, 0..50_i64), 0..8),
            spare in proptest::collection::vec((0..6_u8, 0..50_i64), 0..8),
        ) {
            let of = |all: &[(u8, i64)]| all.iter().map(|(number, vials)| at(*number, *vials)).collect::<Vec<_>>();
            let found = replacements(&of(&stopped), &of(&spare));
            let (mut stopped, mut spare) = (stopped, spare);
            stopped.reverse();
            spare.reverse();
            prop_assert_eq!(found, replacements(&of(&stopped), &of(&spare)));
        }
    }
}
