//! How many doses of a product are due in a cycle (接種見込み): what the need-based formula of the allocation divides by
//! (domain paper §3.6).
//!
//! A person counts once: no two doses are less than eighteen days apart, and a cycle has fourteen days.

use serde::{Deserialize, Serialize};

use crate::calendar::Day;
use crate::doses::{Facts, Person, due_next};
use crate::schedules::{Schedules, Status};

/// What was counted of a city's register.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Demand {
    /// People who live there.
    pub people: u64,
    /// Of them, those for whom a dose of the product is due.
    pub due: u64,
}

impl Demand {
    /// Counts a person of the register: who lives there on the day, and whether a dose of the product is due by then.
    pub fn count(&mut self, person: &Person, counted: &[Facts], product: &str, by: Day) {
        if !lives(person, by) {
            return;
        }
        self.people += 1;
        self.due += u64::from(is_due(person, counted, product, by));
    }
}

/// Born by then, and not gone.
fn lives(person: &Person, on: Day) -> bool {
    let is_gone = person.standing.gone_since().is_some_and(|day| day <= on);
    person.birth.earliest() <= on && !is_gone
}

/// Whether a dose of this product is due for somebody on the day, or late, by the doses that count. Where the
/// schedule leaves several products open, it is due of each of them.
#[must_use]
pub fn is_due(person: &Person, counted: &[Facts], product: &str, on: Day) -> bool {
    let Some(product) = Schedules::covid19().product(product) else {
        return false;
    };
    let by_then = counted.iter().filter(|dose| dose.given_on <= on);
    due_next(person, by_then, on).into_iter().any(|next| {
        let is_open = matches!(next.status, Status::Due | Status::Overdue);
        let names = |dose: crate::schedules::NextDose<'_>| dose.products.contains(&product);
        is_open && next.dose.is_some_and(names)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::OrganisationId;
    use crate::coupons::CouponLine;
    use crate::people::{BirthDate, ResidentStanding, Sex};
    use proptest::prelude::*;
    use uuid::Uuid;

    const MONO: &str = "comirnaty_12_mono";

    fn day(text: &str) -> Day {
        Day::parse(text).unwrap()
    }

    fn person(birth: &str, standing: ResidentStanding) -> Person {
        Person {
            birth: BirthDate::parse_compact(birth).unwrap(),
            sex: Sex::Female,
            standing,
        }
    }

    fn dose(turn: u8, on: Day) -> Facts {
        Facts {
            doctor: "鈴木".into(),
            given_on: on,
            line: CouponLine::parse(&format!("2{turn}1310160000012345")).unwrap(),
            lot: "EY2173".into(),
            product: MONO.into(),
            turn,
            venue: OrganisationId(Uuid::from_u128(1)),
            venue_name: "会場".into(),
        }
    }

    #[test]
    fn somebody_without_a_dose_needs_one_and_not_again_within_the_interval() {
        let somebody = person("19460503", ResidentStanding::Resident);
        let by = day("2021-07-18");
        assert!(is_due(&somebody, &[], MONO, by));
        // The first was given in the week before the cycle: the second is due nineteen days later.
        let first = dose(1, day("2021-06-30"));
        assert!(!is_due(&somebody, std::slice::from_ref(&first), MONO, by));
        assert!(is_due(&somebody, &[first], MONO, day("2021-07-21")));
        // A child of four has no product yet.
        let child = person("20170501", ResidentStanding::Resident);
        assert!(!is_due(&child, &[], MONO, by));
        assert!(!is_due(&somebody, &[], "nobody_knows_it", by));
    }

    #[test]
    fn who_is_gone_or_not_yet_born_is_not_counted() {
        let by = day("2021-07-18");
        let mut demand = Demand::default();
        for (birth, standing) in [
            ("19460503", ResidentStanding::Resident),
            ("20170501", ResidentStanding::Resident),
            ("19460503", ResidentStanding::Dead(day("2021-07-01"))),
            ("19460503", ResidentStanding::MovedOut(day("2021-08-01"))),
            ("20210801", ResidentStanding::Resident),
        ] {
            demand.count(&person(birth, standing), &[], MONO, by);
        }
        assert_eq!(demand, Demand { people: 3, due: 2 });
    }

    proptest! {
        /// A dose takes its person out of the demand of the days right after it, whenever it was given.
        #[test]
        fn a_dose_given_is_a_dose_not_needed(years in 1930_u32..2000, after in 0_i64..18, given in 0_i64..60) {
            let somebody = person(&format!("{years}0401"), ResidentStanding::Resident);
            let on = day("2021-06-01").plus_days(given);
            prop_assert!(is_due(&somebody, &[], MONO, on));
            prop_assert!(!is_due(&somebody, &[dose(1, on)], MONO, on.plus_days(after)));
        }
    }
}
