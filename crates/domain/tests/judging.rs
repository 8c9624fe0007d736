//! What is thought of a dose: one fact for each test, and the laws for all.
#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

use domain::access::OrganisationId;
use domain::calendar::Day;
use domain::coupons::CouponLine;
use domain::doses::{
    Answer, ChangeRefusal, Circumstances, DoseId, Editor, Facts, Held, History, Person, Standing,
    contribution, due_next, judge, may_change, route, settle, turn_of,
};
use domain::findings::{Class, Finding, FindingCode};
use domain::lots::Known;
use domain::people::{BirthDate, ResidentStanding, Sex};
use domain::places::{MunicipalityCode, Places};
use domain::statistics::Effect;
use domain::vaccines::Vaccines;
use proptest::prelude::*;
use uuid::Uuid;

const PRODUCT: &str = "comirnaty_12_mono";

fn day(text: &str) -> Day {
    Day::parse(text).unwrap()
}

fn held(seq: i64, digits: &str, given_on: &str) -> Held {
    let line = CouponLine::parse(digits).unwrap();
    let facts = Facts {
        doctor: "鈴木".into(),
        given_on: day(given_on),
        line,
        lot: "EY2173".into(),
        product: PRODUCT.into(),
        turn: line.turn_digit(),
        venue: OrganisationId(Uuid::from_u128(1)),
        venue_name: "会場".into(),
    };
    let id = DoseId(Uuid::from_u128(seq.unsigned_abs().into()));
    Held {
        id,
        seq,
        facts,
        voided: false,
        confirmed: false,
        blocked: false,
    }
}

fn turn(seq: i64, turn: u8, given_on: &str) -> Held {
    held(seq, &format!("2{turn}1310160000012345"), given_on)
}

fn person(birth: &str) -> Person {
    Person {
        birth: BirthDate::parse_compact(birth).unwrap(),
        sex: Sex::Female,
        standing: ResidentStanding::Resident,
    }
}

fn check(history: &History, candidate: &Held, today: &str) -> (Answer, Vec<FindingCode>) {
    let venue_city = MunicipalityCode::parse("131016").unwrap();
    let route = route(&candidate.facts.line, venue_city, Places::bundled());
    let around = Circumstances {
        today: day(today),
        route,
        venue_city,
        void_since: None,
        lot: Known::default(),
        venue_closed: false,
    };
    let verdict = judge(history, candidate, &around, Vaccines::bundled());
    (
        verdict.answer,
        verdict.findings.iter().map(|one| one.code).collect(),
    )
}

fn known(records: Vec<Held>) -> History {
    History {
        person: Some(person("19460503")),
        records,
    }
}

#[test]
fn a_first_dose_on_its_day_has_nothing_against_it() {
    let found = check(&known(vec![]), &turn(1, 1, "2021-06-01"), "2021-06-01");
    assert_eq!(found, (Answer::Normal, vec![]));
}

#[test]
fn a_void_number_finds_its_person_counts_and_is_told_with_its_day() {
    let candidate = turn(1, 1, "2021-06-01");
    let venue_city = MunicipalityCode::parse("131016").unwrap();
    let around = Circumstances {
        today: day("2021-06-01"),
        route: route(&candidate.facts.line, venue_city, Places::bundled()),
        venue_city,
        void_since: Some(day("2021-05-20")),
        lot: Known::default(),
        venue_closed: false,
    };
    let verdict = judge(&known(vec![]), &candidate, &around, Vaccines::bundled());
    let void = Finding::with(FindingCode::CouponVoid, day("2021-05-20"));
    assert_eq!(verdict.findings, [void]);
    assert_eq!(
        (verdict.answer, verdict.standing),
        (Answer::Normal, Standing::Counted)
    );
}

#[test]
fn a_day_on_which_the_venue_does_not_work_is_told_and_the_dose_counts() {
    let candidate = turn(1, 1, "2021-06-01");
    let venue_city = MunicipalityCode::parse("131016").unwrap();
    let around = Circumstances {
        today: day("2021-06-01"),
        route: route(&candidate.facts.line, venue_city, Places::bundled()),
        venue_city,
        void_since: None,
        lot: Known::default(),
        venue_closed: true,
    };
    let verdict = judge(&known(vec![]), &candidate, &around, Vaccines::bundled());
    assert_eq!(verdict.findings, [Finding::bare(FindingCode::VenueClosed)]);
    assert_eq!(verdict.standing, Standing::Counted);
    assert_eq!(
        FindingCode::VenueClosed.class().map(Class::letter),
        Some('l')
    );
}

#[test]
fn eighteen_days_between_means_the_nineteenth_day_after() {
    let history = known(vec![turn(1, 1, "2021-06-01")]);
    let early = check(&history, &turn(2, 2, "2021-06-19"), "2021-06-19");
    assert_eq!(early.1, [FindingCode::TooSoon]);
    let due = check(&history, &turn(2, 2, "2021-06-20"), "2021-06-20");
    assert_eq!(due.1, []);
}

fn of(product: &str, held: Held) -> Held {
    let facts = Facts {
        product: product.into(),
        ..held.facts
    };
    Held { facts, ..held }
}

fn child(records: Vec<Held>) -> History {
    History {
        person: Some(person("20100510")),
        records,
    }
}

#[test]
fn a_booster_follows_the_months_of_its_day() {
    let two = || vec![turn(1, 1, "2022-06-20"), turn(2, 2, "2022-07-20")];
    let before = check(&known(two()), &turn(3, 3, "2022-10-20"), "2022-10-20");
    assert_eq!(before.1, [FindingCode::TooSoon]);
    let after = check(&known(two()), &turn(3, 3, "2022-10-21"), "2022-10-21");
    assert_eq!(after.1, []);
}

#[test]
fn a_childs_second_dose_is_of_the_product_of_the_first() {
    let first = || of("comirnaty_5_11", turn(1, 1, "2022-04-25"));
    let same = of("comirnaty_5_11", turn(2, 2, "2022-05-16"));
    let found = check(&child(vec![first()]), &same, "2022-05-16");
    assert_eq!(found.1, []);
    let other = turn(2, 2, "2022-05-16");
    let found = check(&child(vec![first()]), &other, "2022-05-16");
    assert_eq!(found.1, [FindingCode::ProductMixed]);
}

#[test]
fn a_dose_below_its_age_is_found_and_stays() {
    let found = check(&child(vec![]), &turn(1, 1, "2022-05-01"), "2022-05-01");
    assert_eq!(found, (Answer::Normal, vec![FindingCode::TooYoung]));
}

#[test]
fn a_second_dose_of_one_season_is_one_too_many() {
    let records = vec![
        turn(1, 1, "2021-06-01"),
        turn(2, 2, "2021-06-22"),
        of("comirnaty_ba1", turn(3, 3, "2022-10-05")),
    ];
    let again = of("comirnaty_ba45", turn(4, 4, "2023-02-01"));
    let found = check(&known(records), &again, "2023-02-01");
    assert_eq!(found, (Answer::Normal, vec![FindingCode::OverLimit]));
}

#[test]
fn a_gap_is_held_against_the_record_that_counts() {
    // Two stories of the first dose: the confirmed one is earlier, so the second is in time.
    let wrong = turn(1, 1, "2021-06-10");
    let confirmed = Held {
        confirmed: true,
        ..turn(2, 1, "2021-06-01")
    };
    let history = known(vec![wrong, confirmed]);
    let found = check(&history, &turn(3, 2, "2021-06-22"), "2021-06-22");
    assert_eq!(found.1, []);
}

#[test]
fn a_third_dose_alone_is_judged_as_the_third() {
    let found = check(&known(vec![]), &turn(1, 3, "2022-03-01"), "2022-03-01");
    assert_eq!(found.1, [FindingCode::EarlierTurnMissing]);
}

#[test]
fn a_product_nobody_knows_is_a_dose_all_the_same() {
    let first = of("unknown", turn(1, 1, "2021-06-01"));
    let found = check(&known(vec![first]), &turn(2, 2, "2021-06-10"), "2021-06-10");
    assert_eq!(found.1, [FindingCode::TooSoon]);
}

#[test]
fn what_nobody_told_of_a_person_is_held_against_nobody() {
    // A fourth dose of somebody of 40, who may have an illness.
    let adult = History {
        person: Some(person("19820602")),
        records: vec![
            turn(1, 1, "2021-05-01"),
            turn(2, 2, "2021-05-22"),
            turn(3, 3, "2022-01-22"),
        ],
    };
    let found = check(&adult, &turn(4, 4, "2022-07-01"), "2022-07-01");
    assert_eq!(found.1, []);
}

/// What is told to somebody who asks for the next dose.
fn next(birth: &str, doses: &[Held], on: &str) -> String {
    let facts = doses.iter().map(|held| &held.facts);
    let next = due_next(&person(birth), facts, day(on));
    let told = |next: &domain::schedules::Next<'_>| {
        let dose = next.dose.as_ref();
        let dose = dose.map(|dose| format!(" {} {} {}", dose.programme, dose.turn, dose.earliest));
        format!("{}{}", next.status.as_str(), dose.unwrap_or_default())
    };
    next.iter().map(told).collect::<Vec<_>>().join(", ")
}

#[test]
fn the_next_dose_is_told_from_the_doses_that_count_and_the_age_alone() {
    let first = [turn(1, 1, "2021-06-03")];
    let both = [turn(1, 1, "2021-06-03"), turn(2, 2, "2021-06-24")];
    let three = [
        turn(1, 1, "2021-06-03"),
        turn(2, 2, "2021-06-24"),
        turn(3, 3, "2022-02-01"),
    ];
    for (birth, doses, on, told) in [
        (
            "19460503",
            &first[..],
            "2021-06-04",
            "later primary 2 2021-06-22",
        ),
        (
            "19460503",
            &first[..],
            "2021-06-30",
            "overdue primary 2 2021-06-22",
        ),
        // Seven months later it is January, but for the elderly that rule came in February.
        (
            "19460503",
            &both[..],
            "2021-10-01",
            "later booster_1 1 2022-02-01",
        ),
        // The fourth was for the old and the ill, and nobody told of an illness.
        (
            "19760701",
            &three[..],
            "2022-07-10",
            "later autumn_2022 1 2022-09-20",
        ),
        // Nobody is told of a vaccine that was used abroad alone. Whom the routine dose is meant for is
        // the city's list, not the rules'.
        ("19760701", &[], "2026-11-27", "due routine 1 2025-10-01"),
        (
            "19460503",
            &both[..],
            "2026-11-27",
            "due routine 1 2025-10-01",
        ),
    ] {
        assert_eq!(next(birth, doses, on), told, "{birth} on {on}");
    }
}

#[test]
fn a_second_dose_dated_before_the_first_is_reversed() {
    let history = known(vec![turn(1, 1, "2021-06-01")]);
    let found = check(&history, &turn(2, 2, "2021-05-01"), "2021-06-02");
    assert_eq!(
        found.1,
        [FindingCode::OrderReversed, FindingCode::LateEntry]
    );
}

#[test]
fn a_dose_before_birth_or_after_death_is_found() {
    let unborn = History {
        person: Some(person("20210701")),
        records: vec![],
    };
    let found = check(&unborn, &turn(1, 1, "2021-06-01"), "2021-06-01");
    assert_eq!(found, (Answer::Quarantined, vec![FindingCode::BeforeBirth]));
    let dead = Person {
        standing: ResidentStanding::Dead(day("2021-05-31")),
        ..person("19460503")
    };
    let gone = History {
        person: Some(dead),
        records: vec![],
    };
    let found = check(&gone, &turn(1, 1, "2021-06-01"), "2021-06-01");
    assert_eq!(found, (Answer::Normal, vec![FindingCode::PersonGone]));
}

#[test]
fn a_mistyped_century_is_quarantined_even_for_a_product_nobody_knows() {
    let mut candidate = turn(1, 1, "2021-06-01");
    candidate.facts.product = "unknown".into();
    candidate.facts.given_on = day("1921-06-01");
    let found = check(&known(vec![]), &candidate, "2021-06-01");
    assert_eq!(found.0, Answer::Quarantined);
}

#[test]
fn an_open_turn_counts_on_from_the_doses_known() {
    let line = CouponLine::parse("201310160000012345").unwrap();
    assert_eq!(turn_of(&line, &known(vec![])), 1);
    let two = known(vec![turn(1, 1, "2021-06-01"), turn(2, 2, "2021-06-22")]);
    assert_eq!(turn_of(&line, &two), 3);
}

#[test]
fn an_infants_coupon_of_another_city_is_out_of_residence() {
    let history = known(vec![]);
    let found = check(
        &history,
        &held(1, "210110020000000001", "2021-06-01"),
        "2021-06-01",
    );
    assert_eq!(
        found,
        (Answer::OutOfResidence, vec![FindingCode::OutOfResidence])
    );
}

#[test]
fn a_confirmed_record_counts_before_an_earlier_one() {
    let first = turn(1, 1, "2021-06-01");
    let confirmed = Held {
        confirmed: true,
        ..turn(2, 1, "2021-06-03")
    };
    assert_eq!(
        settle(&[first, confirmed]),
        [Standing::Clash, Standing::Counted]
    );
}

#[test]
fn who_may_change_a_record_and_when() {
    let record = turn(1, 1, "2021-06-01");
    let (own, other) = (
        Editor::Venue(OrganisationId(Uuid::from_u128(1))),
        OrganisationId(Uuid::from_u128(2)),
    );
    let (then, later) = (day("2021-06-01"), day("2021-06-02"));
    assert_eq!(may_change(&record, then, own, then), Ok(()));
    assert_eq!(
        may_change(&record, then, own, later),
        Err(ChangeRefusal::NotToday { recorded_on: then })
    );
    assert_eq!(
        may_change(&record, then, Editor::Venue(other), then),
        Err(ChangeRefusal::NotYours)
    );
    assert_eq!(may_change(&record, then, Editor::City, later), Ok(()));
    let locked = Held {
        confirmed: true,
        ..record.clone()
    };
    assert_eq!(
        may_change(&locked, then, own, then),
        Err(ChangeRefusal::Confirmed)
    );
    assert_eq!(may_change(&locked, then, Editor::City, later), Ok(()));
    let void = Held {
        voided: true,
        ..record
    };
    assert_eq!(
        may_change(&void, then, Editor::City, then),
        Err(ChangeRefusal::Voided)
    );
}

fn any_held(seq: i64) -> impl Strategy<Value = Held> {
    (
        1..=3_u8,
        0..60_i64,
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(move |(number, days, voided, confirmed, blocked)| {
            let mut one = turn(seq, number, "2021-06-01");
            one.facts.given_on = one.facts.given_on.plus_days(days);
            Held {
                voided,
                confirmed,
                blocked,
                ..one
            }
        })
}

fn any_history() -> impl Strategy<Value = Vec<Held>> {
    prop::collection::vec(any::<()>(), 0..8)
        .prop_flat_map(|slots| (1..=slots.len() as i64).map(any_held).collect::<Vec<_>>())
}

proptest! {
    /// One dose of a turn counts at most, and one does if any stands.
    #[test]
    fn of_each_turn_exactly_one_standing_record_counts(records in any_history()) {
        let standings = settle(&records);
        for number in 1..=3_u8 {
            let of_turn = || records.iter().zip(&standings).filter(|(held, _)| held.facts.turn == number);
            let counted = of_turn().filter(|(_, one)| **one == Standing::Counted).count();
            let stands = of_turn().any(|(held, _)| !held.voided && !held.blocked);
            prop_assert_eq!(counted, usize::from(stands));
        }
    }

    /// The ledger's numbers decide, not the order in which rows happen to be read.
    #[test]
    fn the_order_of_reading_does_not_matter(records in any_history(), turned in 0..8_usize) {
        let mut other = records.clone();
        other.rotate_left(turned % records.len().max(1));
        let mut a: Vec<_> = records.iter().map(|one| one.id).zip(settle(&records)).collect();
        let mut b: Vec<_> = other.iter().map(|one| one.id).zip(settle(&other)).collect();
        a.sort_by_key(|one| one.0);
        b.sort_by_key(|one| one.0);
        prop_assert_eq!(a, b);
    }

    /// Adding up the differences of every step gives what stands in the end.
    #[test]
    fn effects_add_up_to_what_is_counted(records in any_history()) {
        let mut sum: Vec<Effect> = Vec::new();
        for upto in 0..=records.len() {
            let now = contribution(&known(records[..upto].to_vec()));
            sum.extend(Effect::between(&sum.clone(), &now));
        }
        let end = contribution(&known(records));
        prop_assert_eq!(Effect::between(&[], &sum), Effect::between(&[], &end));
    }

    /// Whatever is reported gets a verdict, and the same one again.
    #[test]
    fn a_report_is_never_refused(digits in "[0-9]{18}", days in -800..800_i64, records in any_history()) {
        let mut candidate = held(99, &digits, "2021-06-01");
        candidate.facts.given_on = candidate.facts.given_on.plus_days(days);
        let history = known(records);
        let first = check(&history, &candidate, "2021-06-01");
        prop_assert_eq!(first, check(&history, &candidate, "2021-06-01"));
    }
}
