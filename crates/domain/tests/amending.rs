//! Lines of paper that correct or take back: they change the one record they can mean, or nothing.

#![expect(
    clippy::unwrap_used,
    reason = "the whole file is a test, its helpers too"
)]

use domain::access::OrganisationId;
use domain::amendments::{AmendRefusal, Amendment, Order, Said, amend};
use domain::calendar::Day;
use domain::coupons::CouponLine;
use domain::doses::{DoseId, Facts, Held};
use proptest::prelude::*;
use uuid::Uuid;

fn day(text: &str) -> Day {
    Day::parse(text).unwrap()
}

fn held(id: u128, digits: &str, given_on: &str) -> Held {
    let line = CouponLine::parse(digits).unwrap();
    Held {
        id: DoseId(Uuid::from_u128(id)),
        seq: i64::try_from(id).unwrap(),
        facts: Facts {
            doctor: "鈴木".into(),
            given_on: day(given_on),
            line,
            lot: "EY2173".into(),
            product: "comirnaty_12_mono".into(),
            turn: line.turn_digit(),
            venue: OrganisationId(Uuid::from_u128(2)),
            venue_name: "千代田会場".into(),
        },
        voided: false,
        confirmed: false,
        blocked: false,
    }
}

const FIRST: &str = "211310160000000001";
const SECOND: &str = "221310160000000001";
const TALK: &str = "111310160000000001";

/// What a line with this lot means; it names nothing else but the day.
fn asked(
    order: Order,
    digits: &str,
    given_on: &str,
    lot: &str,
    records: &[Held],
) -> Result<Option<Amendment>, AmendRefusal> {
    let digits = CouponLine::parse(digits).unwrap();
    let said = Said {
        digits: &digits,
        given_on: day(given_on),
        product: "",
        lot,
        doctor: "",
    };
    amend(order, &said, records)
}

#[test]
fn a_correction_means_the_one_record_of_its_turn_and_keeps_what_it_leaves_open() {
    let records = [
        held(1, FIRST, "2021-06-01"),
        held(2, SECOND, "2021-06-22"),
        held(3, TALK, "2021-06-01"),
    ];
    let amendment = asked(Order::Correct, FIRST, "2021-06-02", "EY5420", &records);
    let amendment = amendment.unwrap().unwrap();
    assert_eq!(amendment.dose, records[0].id);
    let becomes = amendment.becomes.unwrap();
    assert_eq!(
        (becomes.given_on, becomes.lot.as_str()),
        (day("2021-06-02"), "EY5420")
    );
    assert_eq!(becomes.product, "comirnaty_12_mono");
    assert_eq!(becomes.doctor, "鈴木");
}

#[test]
fn what_is_said_already_changes_nothing_even_if_it_is_confirmed() {
    let mut records = [held(1, FIRST, "2021-06-01")];
    records[0].confirmed = true;
    let same = asked(Order::Correct, FIRST, "2021-06-01", "EY2173", &records);
    assert_eq!(same, Ok(None));
    records[0].confirmed = false;
    records[0].voided = true;
    let gone = asked(Order::Void, FIRST, "2021-06-01", "", &records);
    assert_eq!(gone, Ok(None), "the same file a second time");
}

#[test]
fn only_what_says_the_same_is_taken_back() {
    let records = [held(1, FIRST, "2021-06-01")];
    let void = |on, lot| asked(Order::Void, FIRST, on, lot, &records);
    let amendment = void("2021-06-01", "EY2173").unwrap().unwrap();
    assert_eq!((amendment.dose, amendment.becomes), (records[0].id, None));
    assert!(void("2021-06-01", "").unwrap().is_some());
    let otherwise = Err(AmendRefusal::SaysOtherwise);
    assert_eq!(void("2021-06-02", ""), otherwise);
    assert_eq!(void("2021-06-01", "FC9880"), otherwise);
}

#[test]
fn what_is_open_or_confirmed_is_left_to_somebody_who_sees_it() {
    let none = asked(Order::Void, FIRST, "2021-06-01", "", &[]);
    assert_eq!(none, Err(AmendRefusal::NoRecord));
    let twice = [held(1, FIRST, "2021-06-01"), held(2, FIRST, "2021-06-03")];
    let several = asked(Order::Correct, FIRST, "2021-06-02", "", &twice);
    assert_eq!(several, Err(AmendRefusal::Several));
    // Of two stories the one is taken back that the line tells.
    let second = asked(Order::Void, FIRST, "2021-06-03", "", &twice);
    assert_eq!(second.unwrap().unwrap().dose, twice[1].id);
    let mut confirmed = [held(1, FIRST, "2021-06-01")];
    confirmed[0].confirmed = true;
    for order in [Order::Correct, Order::Void] {
        let refused = asked(order, FIRST, "2021-06-01", "", &confirmed);
        match order {
            Order::Void => assert_eq!(refused, Err(AmendRefusal::Confirmed)),
            _ => assert_eq!(refused, Ok(None)),
        }
    }
    let refused = asked(Order::Correct, FIRST, "2021-06-09", "", &confirmed);
    assert_eq!(refused, Err(AmendRefusal::Confirmed));
}

#[test]
fn a_record_that_was_corrected_to_another_turn_is_of_that_turn() {
    let mut records = [held(1, FIRST, "2021-06-01")];
    records[0].facts.turn = 2;
    let first = asked(Order::Void, FIRST, "2021-06-01", "", &records);
    assert_eq!(first, Err(AmendRefusal::NoRecord));
    let second = asked(Order::Void, SECOND, "2021-06-01", "", &records);
    assert!(second.unwrap().is_some());
}

#[test]
fn the_digits_of_orders_are_read_back() {
    for (order, code) in Order::ALL.into_iter().zip(Order::CODES) {
        assert_eq!((order.code(), Order::of_code(code)), (*code, Some(order)));
    }
    assert_eq!(Order::of_code("3"), None);
}

proptest! {
    /// Once done, the same line asks for nothing; and never is anything confirmed or taken back changed.
    #[test]
    fn a_line_is_done_once(
        records in prop::collection::vec((0..3_u8, 1..3_u8, 1..4_i8, any::<bool>(), any::<bool>()), 0..5),
        order in prop::sample::select(Order::ALL.to_vec()),
        (turn, on, lot) in (1..3_u8, 1..4_i8, prop::sample::select(vec!["", "EY2173", "FC9880"])),
    ) {
        let digits = |kind: u8, turn: u8| format!("{}{turn}1310160000000001", kind.clamp(1, 2));
        let mut all: Vec<Held> = (1..).zip(&records).map(|(id, (kind, turn, on, voided, confirmed))| Held {
            voided: *voided,
            confirmed: *confirmed,
            ..held(id, &digits(*kind, *turn), &format!("2021-06-0{on}"))
        }).collect();
        let digits = digits(2, turn);
        let on = format!("2021-06-0{on}");
        if let Ok(Some(amendment)) = asked(order, &digits, &on, lot, &all) {
            let meant = all.iter_mut().find(|held| held.id == amendment.dose).unwrap();
            prop_assert!(!meant.voided && !meant.confirmed);
            prop_assert_eq!(&meant.facts, &amendment.was);
            match amendment.becomes {
                Some(facts) => {
                    prop_assert_eq!(facts.line, meant.facts.line);
                    meant.facts = facts;
                }
                None => meant.voided = true,
            }
            // Another story of the same dose may be left, and then the line does not mean it by itself.
            let again = asked(order, &digits, &on, lot, &all);
            prop_assert!(!matches!(&again, Ok(Some(more)) if more.dose == amendment.dose), "{again:?}");
        }
    }
}
