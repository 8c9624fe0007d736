//! Who supplies whom: a 基本型 its 連携型 and サテライト, from a day on (domain paper §3.3).

use std::collections::{BTreeMap, BTreeSet};

use crate::access::OrganisationId;
use crate::calendar::Day;

/// Who supplies a venue, from each day on; `None` if nobody does from then on.
pub type Timeline = BTreeMap<Day, Option<OrganisationId>>;

fn on(timeline: &Timeline, day: Day) -> Option<OrganisationId> {
    timeline.range(..=day).next_back().and_then(|(_, who)| *who)
}

/// The first day from `from` on on which a venue would supply itself, by way of others or not. `all` has the timelines of
/// all who stand above the venue, as they would be.
#[must_use]
pub fn first_circle(
    all: &BTreeMap<OrganisationId, Timeline>,
    venue: OrganisationId,
    from: Day,
) -> Option<Day> {
    let mut days: BTreeSet<Day> = all
        .values()
        .flat_map(|timeline| timeline.range(from..).map(|(day, _)| *day))
        .collect();
    days.insert(from);
    days.into_iter().find(|day| is_in_circle(all, venue, *day))
}

fn is_in_circle(all: &BTreeMap<OrganisationId, Timeline>, venue: OrganisationId, day: Day) -> bool {
    let above = |one: OrganisationId| all.get(&one).and_then(|timeline| on(timeline, day));
    let mut at = above(venue);
    // Nobody is passed twice without a circle, if not through this venue then through others.
    for _ in 0..=all.len() {
        match at {
            None => return false,
            Some(one) if one == venue => return true,
            Some(one) => at = above(one),
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn venue(number: u8) -> OrganisationId {
        OrganisationId(Uuid::from_u128(u128::from(number)))
    }

    fn day(days: i64) -> Day {
        Day::parse("2021-03-01").unwrap().plus_days(days)
    }

    #[test]
    fn a_basic_venue_may_hand_its_part_over_but_nobody_supplies_themselves() {
        let mut all = BTreeMap::from([(venue(2), Timeline::from([(day(0), Some(venue(1)))]))]);
        assert_eq!(first_circle(&all, venue(2), day(0)), None);
        all.insert(venue(1), Timeline::from([(day(10), Some(venue(2)))]));
        assert_eq!(first_circle(&all, venue(1), day(10)), Some(day(10)));
        // From the day on which the second is supplied by a third, the two may stand the other way round.
        let handed_over = Timeline::from([(day(0), Some(venue(1))), (day(10), Some(venue(3)))]);
        all.insert(venue(2), handed_over);
        assert_eq!(first_circle(&all, venue(1), day(10)), None);
    }

    #[test]
    fn a_circle_that_begins_later_is_found_too() {
        let all = BTreeMap::from([
            (venue(1), Timeline::from([(day(0), Some(venue(2)))])),
            (venue(2), Timeline::from([(day(30), Some(venue(1)))])),
        ]);
        assert_eq!(first_circle(&all, venue(1), day(0)), Some(day(30)));
    }

    proptest! {
        /// Whatever is told in whatever order: if each was refused that would close a circle, there is none on any day.
        #[test]
        fn what_is_let_in_never_has_a_circle(
            told in proptest::collection::vec((0..6_u8, 0..20_i64, proptest::option::of(0..6_u8)), 0..40),
        ) {
            let mut all: BTreeMap<OrganisationId, Timeline> = BTreeMap::new();
            for (who, from, source) in told {
                let mut next = all.clone();
                next.entry(venue(who)).or_default().insert(day(from), source.map(venue));
                if first_circle(&next, venue(who), day(from)).is_none() {
                    all = next;
                }
            }
            for on_day in 0..21 {
                for start in 0..6 {
                    let mut at = venue(start);
                    for step in 0.. {
                        let above = all.get(&at).and_then(|line| on(line, day(on_day)));
                        let Some(above) = above else { break };
                        at = above;
                        prop_assert!(step < 6, "venue {} on day {}", start, on_day);
                    }
                }
            }
        }
    }
}
