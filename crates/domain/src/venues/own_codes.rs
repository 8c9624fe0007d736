//! The codes under which wholesalers and makers know venues (自社コード): in the real system a company in between
//! converted them (domain paper §3.5); here each keeps its own.

use std::collections::{BTreeMap, BTreeSet};

use thiserror::Error;

use super::FacilityCode;
use crate::access::OrganisationId;
use crate::calendar::Day;

/// Characters of an own code at most.
pub const OWN_CODE_LENGTH_MAX: usize = 20;

/// A venue by its code, and the own code from a day on; an empty one is none from then on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnCode {
    /// The venue's code on that day.
    pub code: FacilityCode,
    /// The venue's name, for people; it is not needed to tell.
    pub name: String,
    /// From which day on.
    pub from: Day,
    /// The own code.
    pub own: String,
}

/// Why an own code leads to no venue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum OwnCodeRefusal {
    /// No venue has it on the day.
    #[error("no venue has this own code on that day")]
    Unknown,
    /// Several venues have it on the day.
    #[error("several venues have this own code on that day")]
    Several,
}

/// All own codes of one company: which venue it means on a day, and what it calls a venue.
#[derive(Clone, Debug, Default)]
pub struct OwnCodeBook {
    venues: BTreeMap<OrganisationId, Told>,
    by_own: BTreeMap<String, BTreeSet<OrganisationId>>,
}

/// What is told of one venue, each from a day on.
#[derive(Clone, Debug, Default)]
struct Told {
    codes: BTreeMap<Day, FacilityCode>,
    own: BTreeMap<Day, String>,
}

fn on<T>(timeline: &BTreeMap<Day, T>, day: Day) -> Option<&T> {
    timeline.range(..=day).next_back().map(|(_, told)| told)
}

impl OwnCodeBook {
    /// Takes in which code a venue has from a day on. Of two from the same day the later told one holds.
    pub fn tell_code(&mut self, venue: OrganisationId, from: Day, code: FacilityCode) {
        let told = self.venues.entry(venue).or_default();
        told.codes.insert(from, code);
    }

    /// Takes in what the company calls a venue from a day on; nothing is no name from then on. Of two from the same day
    /// the later told one holds.
    pub fn tell_own(&mut self, venue: OrganisationId, from: Day, own: &str) {
        let told = self.venues.entry(venue).or_default();
        told.own.insert(from, own.to_owned());
        self.by_own.entry(own.to_owned()).or_default().insert(venue);
    }

    /// The code of the venue that the company means on a day.
    ///
    /// # Errors
    /// [`OwnCodeRefusal`] if that is not exactly one.
    pub fn facility(&self, own: &str, day: Day) -> Result<FacilityCode, OwnCodeRefusal> {
        let ever = self.by_own.get(own).into_iter().flatten();
        let told = ever.filter_map(|venue| self.venues.get(venue));
        let mut meant = told.filter(|one| on(&one.own, day).is_some_and(|name| name == own));
        match (meant.next(), meant.next()) {
            (Some(one), None) => on(&one.codes, day).copied().ok_or(OwnCodeRefusal::Unknown),
            (Some(_), Some(_)) => Err(OwnCodeRefusal::Several),
            (None, _) => Err(OwnCodeRefusal::Unknown),
        }
    }

    /// What the company calls a venue on a day; empty if nothing.
    #[must_use]
    pub fn own(&self, venue: OrganisationId, day: Day) -> &str {
        let told = self.venues.get(&venue);
        told.and_then(|one| on(&one.own, day))
            .map_or("", String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn venue(number: u8) -> OrganisationId {
        OrganisationId(Uuid::from_u128(u128::from(number)))
    }

    fn code(number: u8) -> FacilityCode {
        FacilityCode::parse(&format!("13100000{number:02}")).unwrap()
    }

    fn day(days: i64) -> Day {
        Day::parse("2021-06-01").unwrap().plus_days(days)
    }

    #[test]
    fn a_venue_keeps_its_own_code_when_its_code_changes() {
        let mut book = OwnCodeBook::default();
        book.tell_code(venue(1), day(0), code(1));
        book.tell_code(venue(1), day(30), code(9));
        book.tell_own(venue(1), day(0), "A-001");
        assert_eq!(book.facility("A-001", day(29)), Ok(code(1)));
        assert_eq!(book.facility("A-001", day(30)), Ok(code(9)));
        assert_eq!(book.own(venue(1), day(30)), "A-001");
        assert_eq!(
            book.facility("A-001", day(-1)),
            Err(OwnCodeRefusal::Unknown)
        );
    }

    #[test]
    fn an_own_code_that_went_to_another_venue_means_that_one() {
        let mut book = OwnCodeBook::default();
        for number in [1, 2] {
            book.tell_code(venue(number), day(0), code(number));
        }
        book.tell_own(venue(1), day(0), "A-001");
        book.tell_own(venue(2), day(10), "A-001");
        assert_eq!(
            book.facility("A-001", day(10)),
            Err(OwnCodeRefusal::Several)
        );
        book.tell_own(venue(1), day(10), "");
        assert_eq!(book.facility("A-001", day(9)), Ok(code(1)));
        assert_eq!(book.facility("A-001", day(10)), Ok(code(2)));
        assert_eq!(book.own(venue(1), day(10)), "");
    }

    proptest! {
        /// What the list of orders calls a venue is taken back as that venue, unless two are called so.
        #[test]
        fn what_a_venue_is_called_leads_back_to_it(
            told in proptest::collection::vec((0..6_u8, 0..20_i64, 0..4_u8), 0..30), asked in 0..25_i64,
        ) {
            let mut book = OwnCodeBook::default();
            for number in 0..6 {
                book.tell_code(venue(number), day(0), code(number));
            }
            for (number, from, own) in told {
                let own = if own == 0 { String::new() } else { format!("A-{own}") };
                book.tell_own(venue(number), day(from), &own);
            }
            let called: Vec<&str> = (0..6).map(|number| book.own(venue(number), day(asked))).collect();
            for number in 0..6_u8 {
                let own = called[usize::from(number)];
                if own.is_empty() { continue; }
                let alike = called.iter().filter(|other| **other == own).count();
                let expected = if alike == 1 { Ok(code(number)) } else { Err(OwnCodeRefusal::Several) };
                prop_assert_eq!(book.facility(own, day(asked)), expected);
            }
        }
    }
}
