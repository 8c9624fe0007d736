//! Inquiries about people who moved in (転入者の照会): who is answered about, and what an answer holds.
//!
//! A record stays in the ledger of the city the person lived in when the dose was given; a move takes
//! nothing along (domain paper §2.6, §8 no. 12). The city somebody moved to asks the others with the
//! Individual Number (個人番号, 番号法19条), and is answered with doses only: neither name nor address.
//!
//! \[O\] A birth date must fit beside the number, so that a mistyped number meets nobody. Whether the
//! person is unknown or has no dose is the same answer: the asking city need not learn who lived where.
//! Of a person under 支援措置 in any of the registers no city, coupon number, venue or doctor is told.

use serde::{Deserialize, Serialize};

use crate::calendar::{Day, Instant};
use crate::coupons::{CouponKind, CouponLine, CouponNumber};
use crate::doses::{Facts, Standing};
use crate::people::{BirthDate, Sex};
use crate::places::MunicipalityCode;
use crate::schedules::{Flags, Given, Next, Person, Schedules};

/// What is asked: about whom, so that only the right person is answered about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question {
    /// The city that asks.
    pub asking: MunicipalityCode,
    /// The birth date that must fit.
    pub birth: BirthDate,
    /// The one city that is asked; `None` for all.
    pub asked: Option<MunicipalityCode>,
}

/// What a city's register and ledger hold of the person of a number.
#[derive(Clone, PartialEq, Eq)]
pub struct Holding {
    /// The city.
    pub city: MunicipalityCode,
    /// The person's coupon number there.
    pub number: CouponNumber,
    /// The birth date in that register.
    pub birth: BirthDate,
    /// Whether the person is protected there (支援措置).
    pub protected: bool,
    /// The records under the person's coupons there.
    pub records: Vec<(Facts, Standing)>,
}

impl std::fmt::Debug for Holding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Holding({}, ..)", self.city)
    }
}

/// Where a dose is recorded: what tells where somebody was.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Whereabouts {
    /// The city whose ledger has it.
    pub city: MunicipalityCode,
    /// The coupon's number in that city.
    pub number: CouponNumber,
    /// The venue.
    pub venue_name: String,
    /// The doctor.
    pub doctor: String,
}

/// A dose that is told to the city that asks.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToldDose {
    /// Which dose it was.
    pub turn: u8,
    /// What the coupon was for.
    pub kind: CouponKind,
    /// The day it was given.
    pub given_on: Day,
    /// The product's key.
    pub product: String,
    /// The lot.
    pub lot: String,
    /// Where it is recorded; `None` for a protected person.
    pub whereabouts: Option<Whereabouts>,
}

impl std::fmt::Debug for ToldDose {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ToldDose(..)")
    }
}

/// The answer to a question.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// The doses, in order of the day.
    pub doses: Vec<ToldDose>,
    /// The holdings that were answered from, by their place in the list: these cities are told that
    /// their person was asked about, with how many doses were told.
    pub answered_from: Vec<(usize, usize)>,
    /// The holding of the asking city itself, if the person stands in its register.
    pub own: Option<usize>,
    /// Whether where the doses were given is withheld (支援措置).
    pub is_withheld: bool,
}

/// Answers a question from what the cities hold.
#[must_use]
pub fn answer(question: &Question, holdings: &[Holding]) -> Answer {
    let right = || {
        let numbered = holdings.iter().enumerate();
        numbered.filter(|(_, held)| may_be_same(question.birth, held.birth))
    };
    let is_withheld = right().any(|(_, held)| held.protected);
    // To ask one city after the other would tell where a protected person was.
    let asked = question.asked.filter(|_| !is_withheld);
    let mut answer = Answer {
        is_withheld,
        ..Answer::default()
    };
    for (place, held) in right() {
        if held.city == question.asking {
            answer.own = answer.own.or(Some(place));
            continue;
        }
        if asked.is_some_and(|asked| asked != held.city) {
            continue;
        }
        let before = answer.doses.len();
        let counted = held
            .records
            .iter()
            .filter(|(_, standing)| *standing == Standing::Counted);
        answer
            .doses
            .extend(counted.map(|(facts, _)| told(facts, held, is_withheld)));
        answer
            .answered_from
            .push((place, answer.doses.len() - before));
    }
    answer
        .doses
        .sort_by(|one, other| order(one).cmp(&order(other)));
    answer
}

/// In order of the day; what is of one day, in an order that does not depend on who was asked first.
fn order(dose: &ToldDose) -> (Day, u8, &str, &str) {
    (dose.given_on, dose.turn, &dose.product, &dose.lot)
}

fn told(facts: &Facts, held: &Holding, is_withheld: bool) -> ToldDose {
    let whereabouts = || Whereabouts {
        city: held.city,
        number: number_of(&facts.line).unwrap_or(held.number),
        venue_name: facts.venue_name.clone(),
        doctor: facts.doctor.clone(),
    };
    ToldDose {
        turn: facts.turn,
        kind: facts.line.kind(),
        given_on: facts.given_on,
        product: facts.product.clone(),
        lot: facts.lot.clone(),
        whereabouts: (!is_withheld).then(whereabouts),
    }
}

fn number_of(line: &CouponLine) -> Option<CouponNumber> {
    line.coupon().ok().map(|coupon| coupon.number)
}

/// Whether two registers may mean one birth date: what one of them does not know fits.
#[must_use]
pub fn may_be_same(one: BirthDate, other: BirthDate) -> bool {
    let fits = |one: Option<i8>, other: Option<i8>| match (one, other) {
        (Some(one), Some(other)) => one == other,
        _ => true,
    };
    one.year() == other.year() && fits(one.month(), other.month()) && fits(one.day(), other.day())
}

/// What comes next for somebody with these doses of one's own city and those that others told.
///
/// A dose that stands in both (the same turn on the same day) counts once.
#[must_use]
pub fn forecast<'s>(
    schedules: &'s Schedules,
    birth: BirthDate,
    sex: Sex,
    own: &[Facts],
    told: &[ToldDose],
    on: Day,
) -> Vec<Next<'s>> {
    let person = Person {
        birth: Some(birth),
        sex,
        // What only a stay abroad, an illness or an occupation opens is not proposed: no register knows
        // of it, as in `doses::due_next`.
        flags: Flags::Known(schedules.flags(&[]).0),
    };
    let given = |turn: u8, day: Day, product: &str, lot| Given {
        on: day,
        turn: Some(turn).filter(|turn| *turn > 0),
        // A product nobody knows is a dose all the same.
        product: schedules
            .product(product)
            .or_else(|| schedules.unspecified()),
        external: false,
        lot,
        expires: None,
    };
    let is_new = |dose: &&ToldDose| {
        !own.iter()
            .any(|facts| (facts.turn, facts.given_on) == (dose.turn, dose.given_on))
    };
    let own = own
        .iter()
        .map(|facts| given(facts.turn, facts.given_on, &facts.product, &facts.lot));
    let from_others = told
        .iter()
        .filter(is_new)
        .map(|dose| given(dose.turn, dose.given_on, &dose.product, &dose.lot));
    let history: Vec<Given<'_>> = own.chain(from_others).collect();
    schedules.forecast(&person, &history, on)
}

/// The hour in Japan at which the night's inquiries begin, when the desks are empty. \[O\]
pub const NIGHT_HOUR: u8 = 22;

/// When the night's inquiries begin: today, or now if it is night already.
#[must_use]
pub fn tonight(now: Instant) -> Instant {
    let evening = Instant::parse(&format!(
        "{}T{NIGHT_HOUR:02}:00:00+09:00",
        now.day_in_japan()
    ));
    evening.map_or(now, |evening| evening.max(now))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::access::OrganisationId;

    const CHIYODA: &str = "131016";
    const MINATO: &str = "131032";
    const SAPPORO: &str = "011002";

    fn city(code: &str) -> MunicipalityCode {
        MunicipalityCode::parse(code).unwrap()
    }

    fn day(text: &str) -> Day {
        Day::parse(text).unwrap()
    }

    fn birth(text: &str) -> BirthDate {
        BirthDate::parse(text).unwrap()
    }

    fn facts(code: &str, turn: u8, given_on: &str) -> Facts {
        Facts {
            doctor: "山田".into(),
            given_on: day(given_on),
            line: CouponLine::parse(&format!("2{turn}{code}0000000077")).unwrap(),
            lot: "EY0573".into(),
            product: "comirnaty_12_mono".into(),
            turn,
            venue: OrganisationId(Uuid::from_u128(1)),
            venue_name: "会場".into(),
        }
    }

    fn holding(code: &str, doses: &[(u8, &str)]) -> Holding {
        let records = doses.iter().map(|(turn, on)| facts(code, *turn, on));
        Holding {
            city: city(code),
            number: CouponNumber::parse("0000000077").unwrap(),
            birth: birth("1946-05-03"),
            protected: false,
            records: records.map(|facts| (facts, Standing::Counted)).collect(),
        }
    }

    fn asks(code: &str) -> Question {
        Question {
            asking: city(code),
            birth: birth("1946-05-03"),
            asked: None,
        }
    }

    fn days(answer: &Answer) -> Vec<String> {
        let told = answer.doses.iter().map(|dose| dose.given_on.to_string());
        told.collect()
    }

    #[test]
    fn the_other_cities_answer_and_ones_own_does_not() {
        let holdings = [
            holding(CHIYODA, &[(3, "2022-02-01")]),
            holding(SAPPORO, &[(2, "2021-07-05")]),
            holding(MINATO, &[(1, "2021-06-12")]),
        ];
        let answer = answer(&asks(CHIYODA), &holdings);
        assert_eq!(days(&answer), ["2021-06-12", "2021-07-05"]);
        assert_eq!(answer.answered_from, [(1, 1), (2, 1)]);
        assert_eq!(answer.own, Some(0));
        let from = |dose: &ToldDose| dose.whereabouts.as_ref().map(|one| one.city);
        assert_eq!(from(&answer.doses[0]), Some(city(MINATO)));
    }

    #[test]
    fn only_doses_that_count_are_told() {
        let mut held = holding(SAPPORO, &[(1, "2021-06-12"), (2, "2021-07-05")]);
        for standing in Standing::ALL {
            held.records[0].1 = standing;
            let told = answer(&asks(CHIYODA), std::slice::from_ref(&held)).doses;
            let expected = if standing == Standing::Counted { 2 } else { 1 };
            assert_eq!(told.len(), expected, "{standing:?}");
        }
    }

    #[test]
    fn a_number_with_another_birth_date_meets_nobody() {
        let holdings = [holding(SAPPORO, &[(1, "2021-06-12")])];
        let question = Question {
            birth: birth("1946-05-04"),
            ..asks(CHIYODA)
        };
        assert_eq!(answer(&question, &holdings), Answer::default());
    }

    #[test]
    fn what_a_register_does_not_know_of_a_birth_date_fits() {
        for (other, fits) in [
            ("1946-05-03", true),
            ("1946-05-00", true),
            ("1946-00-00", true),
            ("1946-06-00", false),
            ("1947-00-00", false),
        ] {
            assert_eq!(
                may_be_same(birth("1946-05-03"), birth(other)),
                fits,
                "{other}"
            );
            assert_eq!(may_be_same(birth(other), birth("1946-05-03")), fits);
        }
    }

    #[test]
    fn of_a_person_protected_anywhere_doses_are_told_and_no_place() {
        for protected in 0..3 {
            let mut holdings = [
                holding(CHIYODA, &[]),
                holding(SAPPORO, &[(1, "2021-06-12")]),
                holding(MINATO, &[(2, "2021-07-05")]),
            ];
            holdings[protected].protected = true;
            // To ask one city only tells nothing about that city either.
            for asked in [None, Some(city(SAPPORO))] {
                let question = Question {
                    asked,
                    ..asks(CHIYODA)
                };
                let answer = answer(&question, &holdings);
                assert!(answer.is_withheld);
                assert_eq!(days(&answer), ["2021-06-12", "2021-07-05"]);
                assert!(answer.doses.iter().all(|dose| dose.whereabouts.is_none()));
            }
        }
    }

    #[test]
    fn one_city_can_be_asked_alone() {
        let holdings = [
            holding(SAPPORO, &[(1, "2021-06-12")]),
            holding(MINATO, &[(2, "2021-07-05")]),
        ];
        let question = Question {
            asked: Some(city(MINATO)),
            ..asks(CHIYODA)
        };
        let answer = answer(&question, &holdings);
        assert_eq!(days(&answer), ["2021-07-05"]);
        assert_eq!(answer.answered_from, [(1, 1)]);
    }

    #[test]
    fn the_next_dose_counts_those_of_other_cities_and_each_once() {
        let schedules = Schedules::covid19();
        let next = |own: &[Facts], told: &[ToldDose]| {
            let on = day("2021-06-20");
            let next = forecast(schedules, birth("1946-05-03"), Sex::Female, own, told, on);
            next[0].dose.as_ref().map(|dose| (dose.turn, dose.earliest))
        };
        let moved = answer(&asks(CHIYODA), &[holding(SAPPORO, &[(1, "2021-06-12")])]);
        assert_eq!(next(&[], &[]).map(|(turn, _)| turn), Some(1));
        let second = next(&[], &moved.doses);
        // 18日以上の間隔: on the nineteenth day after the first.
        assert_eq!(second, Some((2, day("2021-07-01"))));
        assert_eq!(
            next(&[facts(CHIYODA, 1, "2021-06-12")], &moved.doses),
            second
        );
    }

    #[test]
    fn a_course_that_only_a_stay_abroad_opens_is_not_proposed() {
        let schedules = Schedules::covid19();
        let mut dose = facts(SAPPORO, 1, "2026-11-22");
        dose.product = "comirnaty_lp81".into();
        let (birth, on) = (birth("1990-05-05"), day("2026-11-27"));
        for next in forecast(schedules, birth, Sex::Female, &[dose], &[], on) {
            let programme = next.dose.map(|dose| dose.programme);
            assert_ne!(programme, Some("primary_single"));
        }
    }

    #[test]
    fn the_night_begins_in_the_evening_of_japan() {
        let at = |text: &str| Instant::parse(text).unwrap();
        let evening = at("2022-03-01T22:00:00+09:00");
        assert_eq!(tonight(at("2022-03-01T09:00:00+09:00")), evening);
        let late = at("2022-03-01T23:10:00+09:00");
        assert_eq!(tonight(late), late);
    }
}
