//! What misreads are, told by examples and laws.

use std::collections::BTreeSet;

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::coupons::CouponLine;
use crate::doses::InputWay;

fn number(text: &str) -> CouponNumber {
    CouponNumber::parse(text).unwrap()
}

#[test]
fn the_schedules_say_ages_and_gap() {
    let on = Day::parse("2021-07-10").unwrap();
    let (ages, gap) = demands("comirnaty_12_mono", 2, on);
    assert_eq!(ages, Some(Ages { from: 12, to: None }));
    assert_eq!(gap, Some(19), "D+19: eighteen days between");
    assert_eq!(demands("comirnaty_12_mono", 1, on).1, None);
    assert_eq!(demands("nobody_knows_it", 2, on), (None, None));
}

fn day(text: &str) -> Day {
    Day::parse(text).unwrap()
}

fn venue(id: u128) -> OrganisationId {
    OrganisationId(Uuid::from_u128(id))
}

fn session() -> Session {
    Session {
        turn: 2,
        given_on: day("2021-07-10"),
        product: "comirnaty_12_mono".into(),
        ages: Some(Ages { from: 12, to: None }),
        gap_days_min: Some(19),
        venue: venue(1),
        venue_is_in_city: true,
        read_around: vec![],
    }
}

fn candidate() -> Candidate {
    Candidate {
        number: number("0000000014"),
        slip: Slip::Confused {
            position: 10,
            likeness: Likeness::Often,
        },
        void_since: None,
        birth: BirthDate::parse("1946-05-03").unwrap(),
        standing: ResidentStanding::Resident,
        doses: vec![dose(1, "2021-06-19")],
        bookings: vec![],
    }
}

fn dose(turn: u8, on: &str) -> CandidateDose {
    CandidateDose {
        turn,
        given_on: day(on),
        product: "comirnaty_12_mono".into(),
        venue: venue(1),
    }
}

fn check(candidate: &Candidate, session: &Session, expected: &str) {
    let score = fit(candidate, session);
    let reasons: Vec<_> = score.reasons.iter().map(|reason| reason.code()).collect();
    assert_eq!(format!("{}: {}", score.points, reasons.join(" ")), expected);
}

/// What changing the candidate or the session adds to the reasons, and what it takes away.
fn check_change(change: impl FnOnce(&mut Candidate, &mut Session), expected: &str) {
    let before: BTreeSet<_> = fit(&candidate(), &session()).reasons.into_iter().collect();
    let (mut candidate, mut session) = (candidate(), session());
    change(&mut candidate, &mut session);
    let after: BTreeSet<_> = fit(&candidate, &session).reasons.into_iter().collect();
    let signed = |sign: char, reason: &Reason| format!("{sign}{}", reason.code());
    let added = after.difference(&before).map(|reason| signed('+', reason));
    let taken = before.difference(&after).map(|reason| signed('-', reason));
    assert_eq!(added.chain(taken).collect::<Vec<_>>().join(" "), expected);
}

#[test]
fn the_numbers_one_slip_away_are_those_of_the_table_and_of_hands() {
    let all = |text: &str, way| -> Vec<_> {
        neighbours(&number(text), way)
            .map(|(number, slip)| format!("{} {}", number.as_str(), slip.code()))
            .collect()
    };
    let confused = all("2222222214", InputWay::Ocr);
    assert_eq!(confused.len(), 8 + 2 + 2);
    assert!(confused.contains(&"2222222244 digit_confused".to_owned()));
    assert!(confused.contains(&"2222222211 digit_confused".to_owned()));
    let keyed = all("2222222214", InputWay::Keyed);
    assert!(keyed.contains(&"2222222124 digits_swapped".to_owned()));
    assert!(keyed.contains(&"2222222241 digits_swapped".to_owned()));
    assert_eq!(keyed.len(), confused.len() + 2);
    assert!(all("2222222214", InputWay::Qr).is_empty());
}

#[test]
fn a_line_with_a_wrong_check_digit_is_mended_by_its_neighbours() {
    // 131016 read as 131018.
    let line = CouponLine::parse("211310180000012345").unwrap();
    let mended: Vec<_> = line_neighbours(&line, InputWay::Ocr).collect();
    let right = CouponLine::parse("211310160000012345").unwrap();
    let slip = Slip::Confused {
        position: 8,
        likeness: Likeness::Seldom,
    };
    assert!(mended.contains(&(right, slip)));
    assert!(mended.iter().all(|(line, _)| line.coupon().is_ok()));
}

#[test]
fn who_lacks_the_dose_and_had_the_first_in_time_fits() {
    check(
        &candidate(),
        &session(),
        "115: often_confused lacks_the_dose follows_the_last same_venue_before same_product_before age_fits venue_in_city",
    );
}

#[test]
fn every_reason_is_given_when_it_holds() {
    check_change(
        |c, s| c.void_since = Some(s.given_on.plus_days(-1)),
        "+number_void",
    );
    // On the day it became void the paper may still have been read.
    check_change(|c, s| c.void_since = Some(s.given_on), "");
    check_change(
        |c, _| c.slip = Slip::Swapped { position: 1 },
        "+swapped -often_confused",
    );
    check_change(
        |c, _| {
            c.slip = Slip::Confused {
                position: 1,
                likeness: Likeness::Seldom,
            }
        },
        "+seldom_confused -often_confused",
    );
    check_change(
        |c, _| c.doses.push(dose(2, "2021-07-11")),
        "+has_the_dose -lacks_the_dose",
    );
    check_change(
        |c, _| c.doses.clear(),
        "+lacks_the_dose_before -follows_the_last -same_venue_before -same_product_before",
    );
    check_change(|c, _| c.doses[0] = dose(1, "2021-06-21"), "");
    check_change(
        |c, _| c.doses[0] = dose(1, "2021-06-22"),
        "+too_soon_after_the_last -follows_the_last",
    );
    check_change(
        |c, _| c.doses.push(dose(3, "2021-07-09")),
        "+later_dose_is_earlier",
    );
    check_change(|c, _| c.doses[0].venue = venue(2), "-same_venue_before");
    check_change(
        |c, _| c.doses[0].product = "vaxzevria".into(),
        "-same_product_before",
    );
    check_change(
        |_, s| {
            s.ages = Some(Ages {
                from: 5,
                to: Some(11),
            })
        },
        "+age_does_not_fit -age_fits",
    );
    check_change(|_, s| s.ages = None, "-age_fits");
    check_change(
        |c, _| c.birth = BirthDate::parse("2021-07-11").unwrap(),
        "+not_born -age_fits",
    );
    check_change(|_, s| s.venue_is_in_city = false, "-venue_in_city");
    check_change(
        |_, s| s.read_around = vec![number("0000000019")],
        "+number_near_session",
    );
    check_change(|_, s| s.read_around = vec![number("0000000020")], "");
    check_change(
        |_, s| s.read_around = vec![number("0000000014"), number("0000000015")],
        "+read_in_session",
    );
    check_change(
        |c, _| c.standing = ResidentStanding::Dead(day("2021-07-09")),
        "+person_gone",
    );
    check_change(
        |c, _| c.standing = ResidentStanding::MovedOut(day("2021-07-10")),
        "",
    );
}

#[test]
fn a_booking_here_and_then_says_most() {
    let booked = |on: &str, at| {
        let booking = Booking {
            on: day(on),
            venue: venue(at),
        };
        move |c: &mut Candidate, _: &mut Session| c.bookings.push(booking)
    };
    check_change(booked("2021-07-10", 1), "+booked_here");
    check_change(booked("2021-07-10", 2), "+booked_elsewhere");
    check_change(booked("2021-07-17", 1), "+booked_here_about_then");
    check_change(booked("2021-07-18", 1), "");
    check_change(booked("2021-07-09", 2), "");
}

#[test]
fn an_unknown_day_of_birth_fits_if_any_day_would() {
    let ages = Some(Ages {
        from: 12,
        to: Some(15),
    });
    let born = |text: &str| {
        let birth = BirthDate::parse(text).unwrap();
        move |c: &mut Candidate, s: &mut Session| (c.birth, s.ages) = (birth, ages)
    };
    check_change(born("2009-00-00"), "");
    check_change(born("2009-08-00"), "+age_does_not_fit -age_fits");
    check_change(born("2005-00-00"), "");
    check_change(born("2021-00-00"), "+age_does_not_fit -age_fits");
}

#[test]
fn a_void_number_is_shown_only_if_nothing_else_is_left() {
    let void = Candidate {
        number: number("0000000041"),
        void_since: Some(day("2021-07-09")),
        ..candidate()
    };
    let shown = |candidates: &[Candidate]| {
        let worth = worth_showing(rank(candidates, &session()));
        worth.into_iter().map(|(one, _)| one).collect::<Vec<_>>()
    };
    let in_force = candidate();
    assert_eq!(shown(&[void.clone(), in_force.clone()]), [in_force.number]);
    assert_eq!(shown(std::slice::from_ref(&void)), [void.number]);
    // Whoever has the dose already is nobody else.
    let has_it = Candidate {
        doses: vec![dose(2, "2021-07-01")],
        ..in_force
    };
    assert_eq!(shown(&[void, has_it]), [number("0000000041")]);
}

#[test]
fn what_excludes_outweighs_all_that_speaks_for() {
    let speaks: i32 = Reason::ALL
        .iter()
        .map(|reason| reason.points().max(0))
        .sum();
    for reason in Reason::ALL {
        let score = Score {
            points: reason.points(),
            reasons: vec![reason],
        };
        let excludes = reason.points() + speaks < 0;
        assert_eq!(score.is_possible(), !excludes, "{reason:?}");
        assert!(reason.text_ja().ends_with('。') && reason.text_en().ends_with('.'));
    }
}

#[test]
fn nothing_of_a_person_shows_in_debug() {
    let session = Session {
        read_around: vec![number("0000000014")],
        ..session()
    };
    let shown = format!("{:?} {session:?}", candidate());
    for secret in ["0000000014", "1946", "comirnaty"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

fn any_way() -> impl Strategy<Value = InputWay> {
    prop::sample::select(InputWay::ALL.to_vec())
}

fn any_candidate() -> impl Strategy<Value = Candidate> {
    let dose = (1..4_u8, 0..200_i64, 0..2_u128).prop_map(|(turn, days, at)| CandidateDose {
        turn,
        given_on: day("2021-03-01").plus_days(days),
        product: if at == 0 {
            "comirnaty_12_mono"
        } else {
            "vaxzevria"
        }
        .into(),
        venue: venue(at),
    });
    let booking = (125..140_i64, 0..2_u128).prop_map(|(days, at)| Booking {
        on: day("2021-03-01").plus_days(days),
        venue: venue(at),
    });
    let doses = prop::collection::vec(dose, 0..4);
    let bookings = prop::collection::vec(booking, 0..3);
    (0..20_u64, any::<bool>(), 1930..2022_i16, doses, bookings).prop_map(
        |(serial, gone, year, doses, bookings)| Candidate {
            number: number(&format!("{serial:010}")),
            slip: if serial % 2 == 0 {
                Slip::Swapped { position: 3 }
            } else {
                Slip::Confused {
                    position: 2,
                    likeness: Likeness::Often,
                }
            },
            birth: BirthDate::new(year, None, None).unwrap(),
            void_since: (serial % 5 == 0).then(|| day("2021-07-09")),
            standing: if gone {
                ResidentStanding::Dead(day("2021-07-01"))
            } else {
                ResidentStanding::Resident
            },
            doses,
            bookings,
        },
    )
}

proptest! {
    #[test]
    fn whoever_is_a_neighbour_has_one(digits in "[0-9]{10}", way in any_way()) {
        let own = number(&digits);
        let all: Vec<_> = neighbours(&own, way).collect();
        let distinct: BTreeSet<_> = all.iter().map(|(number, _)| *number).collect();
        prop_assert_eq!(distinct.len(), all.len());
        prop_assert!(!distinct.contains(&own));
        for (neighbour, _) in all {
            let differing = neighbour.as_str().bytes().zip(digits.bytes()).filter(|(one, other)| one != other).count();
            prop_assert!((1..=2).contains(&differing));
            prop_assert!(neighbours(&neighbour, way).any(|(back, _)| back == own));
        }
    }

    #[test]
    fn a_neighbour_of_a_line_is_a_coupon(digits in "[0-9]{18}", way in any_way()) {
        let line = CouponLine::parse(&digits).unwrap();
        for (neighbour, _) in line_neighbours(&line, way) {
            prop_assert!(neighbour.coupon().is_ok() && neighbour != line);
        }
    }

    #[test]
    fn points_are_the_sum_of_reasons_that_stand_once(candidate in any_candidate()) {
        let score = fit(&candidate, &session());
        prop_assert_eq!(score.points, score.reasons.iter().map(|reason| reason.points()).sum::<i32>());
        prop_assert!(score.reasons.is_sorted_by(|one, other| one < other));
        prop_assert_eq!(&score, &fit(&candidate, &session()));
    }

    #[test]
    fn the_order_of_the_candidates_makes_no_difference(candidates in prop::collection::vec(any_candidate(), 0..8)) {
        let ranked = rank(&candidates, &session());
        let turned: Vec<_> = candidates.iter().rev().cloned().collect();
        prop_assert_eq!(&rank(&turned, &session()), &ranked);
        prop_assert!(ranked.is_sorted_by(|one, other| one.1.points >= other.1.points));
    }

    #[test]
    fn a_booking_here_never_lowers_a_candidate(candidate in any_candidate()) {
        let mut booked = candidate.clone();
        booked.bookings.push(Booking { on: session().given_on, venue: session().venue });
        prop_assert!(fit(&booked, &session()).points >= fit(&candidate, &session()).points);
    }
}
