//! The disaster pack (災害用一式): whom a city or a venue may expect on a day, and when packs are made
//! (`users.md` "paper twin").

use std::ops::Range;

use crate::calendar::{Day, Instant};
use crate::doses::{Facts, due_next};
use crate::issues::{Candidate, TURN_ON_COUPON_MAX, next_turn};
use crate::schedules::Status;

/// People on one pack at most: more than one line of doctors gives doses in a day, and a pile that one
/// person can still carry. Who is left out is counted, and the blank forms are there for them.
pub const PEOPLE_MAX: u16 = 300;
/// Blank forms of a pack, for whoever comes without being expected.
pub const BLANK_FORMS: u16 = 30;
/// Packs kept of one place: the last is the one to use, the one before is there if it failed.
pub const KEPT_MAX: u16 = 3;
/// How long a pack is kept, in days. It names people, and an older one says little that is still true.
pub const KEPT_DAYS: i64 = 3;
/// The hours in Japan in which packs are made by themselves: after midnight, so that they are of the
/// day, and before the first venue opens, whose servers are not to be disturbed.
const NIGHT_HOURS: Range<i64> = 1..5;

/// The day whose packs are to be made by themselves now, if it is night.
#[must_use]
pub fn night_of(now: Instant) -> Option<Day> {
    NIGHT_HOURS
        .contains(&now.hour_in_japan())
        .then(|| now.day_in_japan())
}

/// The first moment whose packs are kept still; older ones are shown to nobody.
#[must_use]
pub fn kept_since(now: Instant) -> Instant {
    const DAY_MICROS: i64 = 86_400_000_000;
    Instant::from_micros(now.micros().saturating_sub(KEPT_DAYS * DAY_MICROS))
}

/// A dose somebody may come for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// Which dose, counted through; `0` beyond the last that a coupon can name.
    pub turn: u8,
    /// The day of the dose before, if there was one.
    pub last: Option<Day>,
    /// Who comes first when there is no room for all: the text sorts before those of others. Whoever
    /// has waited longest since the dose before is first, then the oldest.
    pub rank: String,
}

/// Whether somebody may be expected on a day, and for which dose: one is due by the schedules, and
/// either a coupon for it is out or there was a dose before. Others have nothing to come with.
#[must_use]
pub fn expected(candidate: &Candidate<'_>, on: Day) -> Option<Expected> {
    let Candidate { person, doses, .. } = candidate;
    if candidate.number_is_void || person.standing.gone_since().is_some_and(|day| day <= on) {
        return None;
    }
    let by_then = || doses.iter().filter(|dose: &&Facts| dose.given_on <= on);
    let is_due = due_next(person, by_then(), on)
        .iter()
        .any(|next| next.dose.is_some() && matches!(next.status, Status::Due | Status::Overdue));
    let turn = match next_turn(by_then()) {
        turn if turn > TURN_ON_COUPON_MAX => 0,
        turn => turn,
    };
    let last = by_then().map(|dose| dose.given_on).max();
    let has_coupon = candidate.issued.iter().any(|out| [turn, 0].contains(out));
    let rank = match last {
        Some(last) => format!("0{last}"),
        None => format!("1{}", person.birth.earliest()),
    };
    (is_due && (has_coupon || last.is_some())).then_some(Expected { turn, last, rank })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::OrganisationId;
    use crate::coupons::CouponLine;
    use crate::doses::Person;
    use crate::people::{BirthDate, ResidentStanding, Sex};

    const ON: &str = "2021-06-01";

    fn day(text: &str) -> Day {
        Day::parse(text).unwrap()
    }

    fn person(birth: &str) -> Person {
        Person {
            birth: BirthDate::parse_compact(birth).unwrap(),
            sex: Sex::Female,
            standing: ResidentStanding::Resident,
        }
    }

    fn first_dose(on: &str) -> Facts {
        Facts {
            doctor: "鈴木".to_owned(),
            given_on: day(on),
            line: CouponLine::parse("211310160000012345").unwrap(),
            lot: "EY2173".to_owned(),
            product: "comirnaty_12_mono".to_owned(),
            turn: 1,
            venue: OrganisationId(uuid::Uuid::nil()),
            venue_name: String::new(),
        }
    }

    fn turn(person: Person, doses: &[Facts], issued: &[u8], void: bool) -> Option<u8> {
        let candidate = Candidate {
            person,
            doses,
            issued,
            number_is_void: void,
        };
        expected(&candidate, day(ON)).map(|found| found.turn)
    }

    #[test]
    fn whoever_has_a_coupon_for_a_due_dose_or_had_the_one_before_is_expected() {
        let old = || person("19400101");
        assert_eq!(turn(old(), &[], &[1], false), Some(1));
        assert_eq!(turn(old(), &[], &[], false), None, "nothing to come with");
        assert_eq!(turn(old(), &[], &[1], true), None, "a void number");
        let before = [first_dose("2021-05-01")];
        assert_eq!(turn(old(), &before, &[], false), Some(2));
        let yesterday = [first_dose("2021-05-31")];
        assert_eq!(turn(old(), &yesterday, &[2], false), None, "not due yet");
        assert_eq!(
            turn(person("20200101"), &[], &[1], false),
            None,
            "too young"
        );
        let gone = Person {
            standing: ResidentStanding::MovedOut(day("2021-05-01")),
            ..old()
        };
        assert_eq!(turn(gone, &[], &[1], false), None);
    }

    #[test]
    fn who_has_waited_longest_since_a_dose_comes_first_and_then_the_oldest() {
        let rank = |birth: &str, doses: &[Facts]| {
            let candidate = Candidate {
                person: person(birth),
                doses,
                issued: &[1],
                number_is_void: false,
            };
            expected(&candidate, day(ON)).unwrap().rank
        };
        let ranks = [
            rank("19700101", &[first_dose("2021-04-12")]),
            rank("19300101", &[first_dose("2021-05-01")]),
            rank("19310101", &[]),
            rank("19400101", &[]),
        ];
        assert!(ranks.is_sorted(), "{ranks:?}");
    }

    #[test]
    fn packs_are_made_at_night() {
        let at = |text: &str| night_of(Instant::parse(text).unwrap());
        assert_eq!(at("2021-06-01T00:59:59+09:00"), None);
        assert_eq!(at("2021-06-01T01:00:00+09:00"), Some(day(ON)));
        assert_eq!(at("2021-06-01T04:59:59+09:00"), Some(day(ON)));
        assert_eq!(at("2021-06-01T05:00:00+09:00"), None);
    }
}
