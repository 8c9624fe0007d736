//! The check before the shot: one fact for each test, and what must hold beside recording.
#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

use domain::access::OrganisationId;
use domain::calendar::Day;
use domain::checks::{Check, Colour, Question, check};
use domain::coupons::CouponLine;
use domain::doses::{Circumstances, DoseId, Facts, Held, History, Person, judge, route, turn_of};
use domain::findings::FindingCode;
use domain::lots::{Known, LotState, Quarantine, Recall};
use domain::people::{BirthDate, ResidentStanding, Sex};
use domain::places::{MunicipalityCode, Places};
use domain::schedules::Status;
use domain::vaccines::Vaccines;
use proptest::prelude::*;
use uuid::Uuid;

const PRODUCT: &str = "comirnaty_12_mono";

fn day(text: &str) -> Day {
    Day::parse(text).unwrap()
}

fn held(seq: i64, digits: &str, given_on: &str) -> Held {
    let line = CouponLine::parse(digits).unwrap();
    Held {
        id: DoseId(Uuid::from_u128(seq.unsigned_abs().into())),
        seq,
        facts: Facts {
            doctor: "鈴木".into(),
            given_on: day(given_on),
            line,
            lot: "EY2173".into(),
            product: PRODUCT.into(),
            turn: line.turn_digit(),
            venue: OrganisationId(Uuid::from_u128(1)),
            venue_name: "会場".into(),
        },
        voided: false,
        confirmed: false,
        blocked: false,
    }
}

fn known(birth: &str, records: Vec<Held>) -> History {
    History {
        person: Some(Person {
            birth: BirthDate::parse_compact(birth).unwrap(),
            sex: Sex::Female,
            standing: ResidentStanding::Resident,
        }),
        records,
    }
}

fn good() -> LotState {
    LotState::Good {
        last_day: day("2021-12-31"),
    }
}

fn around(dose: &Held, today: &str) -> Circumstances {
    let venue_city = MunicipalityCode::parse("131016").unwrap();
    Circumstances {
        today: day(today),
        route: route(&dose.facts.line, venue_city, Places::bundled()),
        venue_city,
        void_since: None,
        lot: Known::default(),
        venue_closed: false,
    }
}

/// Asks on a day with a lot.
fn ask(history: &History, digits: &str, today: &str, lot: LotState) -> Check {
    let mut dose = held(i64::MAX, digits, today);
    dose.facts.turn = turn_of(&dose.facts.line, history);
    let question = Question {
        history,
        protected: false,
        dose: &dose,
        around: around(&dose, today),
        lot,
    };
    check(question, Vaccines::bundled())
}

fn worst(check: &Check) -> (Colour, Option<FindingCode>) {
    let first = check.reasons.first();
    (check.colour, first.map(|reason| reason.finding.code))
}

const FIRST: &str = "211310160000012345";
const SECOND: &str = "221310160000012345";

#[test]
fn a_first_dose_in_its_time_is_green_and_due() {
    let check = ask(&known("19460503", vec![]), FIRST, "2021-06-01", good());
    assert_eq!(worst(&check), (Colour::Green, None));
    let due = check.due.unwrap();
    assert_eq!((due.status, due.turn), (Status::Due, Some(1)));
    assert!(due.products.contains(&PRODUCT.to_owned()));
    assert_eq!(check.age_years, Some(75));
}

#[test]
fn too_early_is_red_and_tells_the_first_day() {
    let history = known("19460503", vec![held(1, FIRST, "2021-06-01")]);
    let early = ask(&history, SECOND, "2021-06-19", good());
    assert_eq!(worst(&early), (Colour::Red, Some(FindingCode::TooSoon)));
    assert_eq!(early.earliest, Some(day("2021-06-20")));
    assert_eq!(early.due.unwrap().turn, Some(2));
    let in_time = ask(&history, SECOND, "2021-06-20", good());
    assert_eq!(in_time.colour, Colour::Green);
    assert_eq!(in_time.given.len(), 1);
}

#[test]
fn a_dose_given_already_is_red() {
    let history = known("19460503", vec![held(1, FIRST, "2021-05-10")]);
    let again = ask(&history, FIRST, "2021-06-01", good());
    assert_eq!(
        worst(&again),
        (Colour::Red, Some(FindingCode::SameTurnDiffers))
    );
}

#[test]
fn a_person_too_young_for_the_product_is_red() {
    let check = ask(&known("20160510", vec![]), FIRST, "2021-06-10", good());
    assert_eq!(worst(&check), (Colour::Red, Some(FindingCode::TooYoung)));
}

#[test]
fn a_coupon_nobody_registered_is_to_be_asked_about() {
    let check = ask(&History::default(), FIRST, "2021-06-01", good());
    assert_eq!(
        worst(&check),
        (Colour::Amber, Some(FindingCode::NotRegistered))
    );
    assert_eq!((check.due, check.age_years), (None, None));
}

#[test]
fn a_lot_decides_too() {
    let history = known("19460503", vec![]);
    let colour = |lot| ask(&history, FIRST, "2021-06-01", lot).colour;
    assert_eq!(colour(LotState::Unknown), Colour::Amber);
    let last_day = day("2021-05-31");
    assert_eq!(colour(LotState::Expired { last_day }), Colour::Red);
    let recall = Recall {
        since: day("2021-05-31"),
        reason: "異物混入".into(),
    };
    assert_eq!(colour(LotState::Recalled(recall)), Colour::Red);
    let quarantined = |is_whole| {
        let since = day("2021-05-31");
        LotState::Quarantined(Quarantine { since, is_whole })
    };
    assert_eq!(colour(quarantined(true)), Colour::Red);
    assert_eq!(colour(quarantined(false)), Colour::Amber);
    // An interview takes nothing out of a vial.
    let talk = ask(
        &history,
        "111310160000012345",
        "2021-06-01",
        LotState::Unknown,
    );
    assert_eq!(talk.colour, Colour::Green);
}

#[test]
fn a_coupon_of_another_city_is_no_reason_to_wait() {
    let history = known("19460503", vec![]);
    let check = ask(&history, "210110020000012345", "2021-06-01", good());
    assert_eq!(
        worst(&check),
        (Colour::Green, Some(FindingCode::OutOfResidence))
    );
}

#[test]
fn of_a_protected_person_the_age_is_not_told() {
    let history = known("19460503", vec![]);
    let dose = held(i64::MAX, FIRST, "2021-06-01");
    let question = Question {
        history: &history,
        protected: true,
        dose: &dose,
        around: around(&dose, "2021-06-01"),
        lot: good(),
    };
    assert_eq!(check(question, Vaccines::bundled()).age_years, None);
}

proptest! {
    /// What the check says is what recording says: the same verdict, and green only without a finding
    /// that somebody has to look at.
    #[test]
    fn the_check_says_what_recording_would(first in 0_i64..60, second in 0_i64..60, turn in 1_u8..4) {
        let start = day("2021-05-01");
        let first = held(1, FIRST, &start.plus_days(first).to_string());
        let history = known("19460503", vec![first]);
        let today = start.plus_days(second).to_string();
        let digits = format!("2{turn}1310160000012345");
        let asked = ask(&history, &digits, &today, good());
        let dose = held(i64::MAX, &digits, &today);
        let recorded = judge(&history, &dose, &around(&dose, &today), Vaccines::bundled());
        prop_assert_eq!(&asked.verdict, &recorded);
        let worst = recorded.findings.iter().map(|one| Colour::of(one.code)).max();
        prop_assert_eq!(asked.colour, worst.unwrap_or(Colour::Green));
    }
}
