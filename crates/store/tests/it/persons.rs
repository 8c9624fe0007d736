//! One person with several coupon numbers: judged as one, whichever number a dose is read under, on
//! both engines.

use domain::access::OrganisationId;
use domain::calendar::Day;
use domain::doses::{Answer, DoseId, Facts, Standing, Verdict};
use domain::findings::{Finding, FindingCode};
use domain::people::Sex;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use store::checks::Asking;
use store::doses::Record;
use store::recorder::{Authority, Decision, Receipt};
use store::worklists;
use uuid::Uuid;

use crate::world::{
    CHIYODA, World, city, day, desk, nation, number, on_each_engine, resident, venue,
};

/// Somebody with these numbers, the last of which is in force.
async fn with_numbers(world: &World, no: &str, numbers: &[&str]) {
    for digits in numbers {
        let person = resident(no, digits, "19400101", Sex::Male);
        world.load(CHIYODA, &[person]).await;
    }
}

async fn dose(world: &World, turn: u8, digits: &str, on: Day) -> Receipt {
    let mut report = world.report(&format!("2{turn}{CHIYODA}{digits}"));
    report.given_on = on;
    world.record(report).await.unwrap()
}

async fn looked_at(world: &World, turn: u8, digits: &str) -> Verdict {
    let report = world.report(&format!("2{turn}{CHIYODA}{digits}"));
    let facts = Facts {
        doctor: report.doctor,
        given_on: report.given_on,
        line: report.line,
        lot: report.lot,
        product: report.product,
        turn: report.line.turn_digit(),
        venue: OrganisationId(Uuid::from_u128(1)),
        venue_name: report.venue_name,
    };
    let asking = Asking {
        id: world.id(),
        at: world.now(),
        facts,
        printed: None,
    };
    let asked = store::checks::ask(&world.db, &venue(1, CHIYODA), &asking).await;
    asked.unwrap().check.verdict
}

async fn record(world: &World, dose: DoseId) -> Record {
    let found = store::doses::record(&world.db, &desk(CHIYODA), dose).await;
    found.unwrap().unwrap()
}

fn found(findings: &[Finding], code: FindingCode) -> Option<Option<Day>> {
    let found = findings.iter().find(|one| one.code == code);
    found.map(|one| one.day)
}

async fn counted(world: &World) -> i64 {
    store::statistics::project(&world.db, &store::Recent::default())
        .await
        .unwrap();
    let all = store::statistics::counts(&world.db, &nation(), &Default::default())
        .await
        .unwrap();
    all.iter().map(|one| one.count).sum()
}

#[test]
fn a_dose_under_the_number_before_is_seen_on_reading_and_on_recording() {
    on_each_engine(async |world| {
        with_numbers(&world, "1", &["0000000011", "0000000022"]).await;
        let first = world.now().day_in_japan();
        assert_eq!(
            dose(&world, 1, "0000000011", first).await.answer,
            Answer::Normal
        );

        world.set_day("2021-06-11");
        let verdict = looked_at(&world, 2, "0000000022").await;
        let earliest = Some(Some(first.plus_days(19)));
        assert_eq!(found(&verdict.findings, FindingCode::TooSoon), earliest);
        assert_eq!(
            found(&verdict.findings, FindingCode::EarlierTurnMissing),
            None
        );
        let verdict = looked_at(&world, 1, "0000000022").await;
        assert_eq!(verdict.answer, Answer::Clash);
        let told = dose(&world, 1, "0000000022", first).await;
        assert_eq!(told.answer, Answer::AlreadyRecorded);
        let other = dose(&world, 1, "0000000022", first.plus_days(1)).await;
        assert_eq!(other.answer, Answer::Clash);
        let clashing = record(&world, other.dose).await;
        let rival = worklists::rival(&world.db, &desk(CHIYODA), &clashing)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(rival.number, Some(number("0000000011")));
        let soon = dose(&world, 2, "0000000022", world.now().day_in_japan()).await;
        assert_eq!(found(&soon.findings, FindingCode::TooSoon), earliest);
        // A stranger's number stays a stranger's.
        with_numbers(&world, "2", &["0000000033"]).await;
        assert_eq!(
            dose(&world, 1, "0000000033", first).await.answer,
            Answer::Normal
        );
        assert_eq!(counted(&world).await, 3);
        world.verified().await;
    });
}

#[test]
fn an_open_turn_counts_on_from_the_doses_under_all_numbers() {
    on_each_engine(async |world| {
        with_numbers(&world, "1", &["0000000011", "0000000022"]).await;
        let first = dose(&world, 1, "0000000011", day("2021-05-01")).await;
        assert_eq!(first.answer, Answer::Normal);
        let next = dose(&world, 0, "0000000022", day("2021-06-01")).await;
        assert_eq!(record(&world, next.dose).await.turn, 2);
        world.verified().await;
    });
}

#[test]
fn what_waited_under_a_number_is_judged_with_the_rest_when_its_person_gets_it() {
    on_each_engine(async |world| {
        with_numbers(&world, "1", &["0000000011"]).await;
        let first = dose(&world, 1, "0000000011", day("2021-05-30")).await;
        let again = dose(&world, 1, "0000000022", day("2021-05-30")).await;
        let second = dose(&world, 2, "0000000022", day("2021-06-01")).await;
        assert_eq!(again.answer, Answer::Pending);
        assert_eq!(counted(&world).await, 3, "nobody knows yet who that is");

        with_numbers(&world, "1", &["0000000022"]).await;
        let stands = async |dose| record(&world, dose).await.standing;
        assert_eq!(stands(first.dose).await, Standing::Counted);
        assert_eq!(stands(again.dose).await, Standing::Duplicate);
        let second = record(&world, second.dose).await;
        assert!(!second.pending);
        assert_eq!(
            found(&second.findings, FindingCode::TooSoon),
            Some(Some(day("2021-06-18")))
        );
        assert_eq!(counted(&world).await, 2);
        world.verified().await;

        // Taking back the one that counted makes the other count.
        let decision = Decision {
            id: world.id(),
            dose: first.dose,
            city: city(CHIYODA),
            reason: "誤登録".into(),
            device: "desk".into(),
            seen: None,
        };
        let by = Authority::City(desk(CHIYODA));
        world.recorder.void(&by, decision).await.unwrap();
        assert_eq!(stands(again.dose).await, Standing::Counted);
        assert_eq!(counted(&world).await, 2);
        world.verified().await;
    });
}

#[test]
fn two_reports_of_one_dose_under_two_numbers_in_one_commit_count_once() {
    on_each_engine(async |world| {
        with_numbers(&world, "1", &["0000000011", "0000000022"]).await;
        let on = world.now().day_in_japan();
        let (one, other) = tokio::join!(
            dose(&world, 1, "0000000011", on),
            dose(&world, 1, "0000000022", on)
        );
        let mut answers = [one.answer.as_str(), other.answer.as_str()];
        answers.sort_unstable();
        assert_eq!(answers, ["already_recorded", "normal"]);
        assert_eq!(counted(&world).await, 1);
        world.verified().await;
    });
}

/// Lives compared on each engine.
const LIVES: u32 = 40;

/// Doses as they come in: turn, days before today, and which of three numbers is read.
fn doses() -> impl Strategy<Value = Vec<(u8, i64, usize)>> {
    prop::collection::vec((0..=3_u8, 0..60_i64, 0..3_usize), 1..7)
}

#[test]
fn under_which_number_a_dose_was_read_makes_no_difference() {
    on_each_engine(async |world| {
        let mut runner = TestRunner::deterministic();
        let today = world.now().day_in_japan();
        for life in 0..LIVES {
            let lived = doses().new_tree(&mut runner).unwrap().current();
            let one = format!("1{life:09}");
            let several = [2, 3, 4].map(|kind| format!("{kind}{life:09}"));
            with_numbers(&world, &format!("A{life}"), &[&one]).await;
            let numbers = several.each_ref().map(String::as_str);
            with_numbers(&world, &format!("B{life}"), &numbers).await;
            for (turn, days, which) in &lived {
                let on = today.plus_days(-days);
                let plain = dose(&world, *turn, &one, on).await;
                let scattered = dose(&world, *turn, numbers[*which], on).await;
                assert_eq!(plain.answer, scattered.answer, "{lived:?}");
                assert_eq!(plain.findings, scattered.findings, "{lived:?}");
            }
            let all = async |digits: &str| {
                let person = store::doses::person(&world.db, &desk(CHIYODA), number(digits)).await;
                let mut records = person.unwrap().unwrap().records;
                records.sort_by_key(|one| one.seq);
                records
                    .into_iter()
                    .map(|one| (one.turn, one.given_on, one.standing, one.findings))
                    .collect::<Vec<_>>()
            };
            assert_eq!(all(&one).await, all(numbers[0]).await, "{lived:?}");
        }
        assert_eq!(counted(&world).await % 2, 0, "twice the same");
        world.verified().await;
    });
}
