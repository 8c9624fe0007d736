//! The same random life on both engines must get the same answers, and hold at its end.

use crate::world::{CHIYODA, SAPPORO, World, desk, empty_postgres, nation, resident, venue};
use domain::doses::DoseId;
use domain::people::Sex;
use domain::statistics::Count;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use store::doses::{Filter, Record};
use store::recorder::{Authority, Correction, Decision, Receipt, RecordError};
use store::{Db, Location};

/// Random lives in one run; each takes two fresh databases.
const LIVES: u32 = 24;
/// Acts in one life.
const ACTS: usize = 24;

/// Something that happens. Persons and records are few, so that acts meet.
#[derive(Clone, Debug)]
enum Act {
    Report {
        person: u32,
        city: bool,
        kind: u8,
        turn: u8,
        days: i64,
        venue: u8,
    },
    Resend {
        of: usize,
    },
    Contest {
        of: usize,
    },
    Correct {
        of: usize,
        days: i64,
        turn: u8,
        city: bool,
    },
    Void {
        of: usize,
        city: bool,
    },
    Confirm {
        of: usize,
    },
    Reopen {
        of: usize,
    },
    Arrive {
        person: u32,
        /// The coupon number, so that a person comes to have several.
        number: u32,
        city: bool,
        year: u32,
        sex: bool,
    },
    NextDay,
    Count,
}

fn act() -> impl Strategy<Value = Act> {
    let of = 0..ACTS;
    prop_oneof![
        6 => (0..4_u32, any::<bool>(), 1..=3_u8, 0..=3_u8, -30..3_i64, 1..=2_u8).prop_map(
            |(person, city, kind, turn, days, venue)| Act::Report { person, city, kind, turn, days, venue }),
        1 => of.clone().prop_map(|of| Act::Resend { of }),
        1 => of.clone().prop_map(|of| Act::Contest { of }),
        2 => (of.clone(), -30..3_i64, 1..=3_u8, any::<bool>()).prop_map(
            |(of, days, turn, city)| Act::Correct { of, days, turn, city }),
        2 => (of.clone(), any::<bool>()).prop_map(|(of, city)| Act::Void { of, city }),
        1 => of.clone().prop_map(|of| Act::Confirm { of }),
        1 => of.prop_map(|of| Act::Reopen { of }),
        2 => (0..4_u32, 0..4_u32, any::<bool>(), 1930..2015_u32, any::<bool>()).prop_map(
            |(person, number, city, year, sex)| Act::Arrive { person, number, city, year, sex }),
        1 => Just(Act::NextDay),
        1 => Just(Act::Count),
    ]
}

/// What is told to the sender; entries and hashes included, for the salts of the test are fixed.
fn told(answer: Result<Receipt, RecordError>) -> (String, Option<DoseId>) {
    match answer {
        Ok(receipt) => (format!("{receipt:?}"), Some(receipt.dose)),
        Err(RecordError::Conflict { first }) => (format!("conflict {first:?}"), None),
        Err(error) => (format!("{error:?}"), None),
    }
}

/// Lives the acts, one after the other, and tells everything that can be seen.
async fn live(world: &World, acts: &[Act]) -> Vec<String> {
    let mut seen = Vec::new();
    let mut sent = Vec::new();
    let mut day = domain::calendar::Day::new(2021, 6, 1).unwrap();
    for act in acts {
        let line = match act.clone() {
            Act::Report {
                person,
                city,
                kind,
                turn,
                days,
                venue: from,
            } => {
                let city = if city { CHIYODA } else { SAPPORO };
                let mut report = world.report(&format!("{kind}{turn}{city}{person:010}"));
                report.given_on = report.given_on.plus_days(days);
                sent.push((report.clone(), from, None));
                let (line, dose) = told(
                    world
                        .recorder
                        .report(&venue(from.into(), CHIYODA), report)
                        .await,
                );
                sent.last_mut().unwrap().2 = dose;
                line
            }
            Act::NextDay => {
                day = day.plus_days(1);
                world.set_day(&day.to_string());
                String::new()
            }
            Act::Count => format!(
                "{}",
                store::statistics::project(&world.db, world.recorder.recent())
                    .await
                    .unwrap()
            ),
            Act::Arrive {
                person,
                number,
                city,
                year,
                sex,
            } => {
                let sex = if sex { Sex::Female } else { Sex::Male };
                let city = if city { CHIYODA } else { SAPPORO };
                let number = format!("{number:010}");
                let someone = resident(&person.to_string(), &number, &format!("{year}0503"), sex);
                format!("{:?}", world.load(city, &[someone]).await)
            }
            other => follow_up(world, &sent, other).await,
        };
        seen.push(line);
    }
    seen.extend(everything(world).await);
    seen
}

type Sent = (store::recorder::Report, u8, Option<DoseId>);

/// An act on something that was sent before; nothing if nothing was.
async fn follow_up(world: &World, sent: &[Sent], act: Act) -> String {
    let (Act::Resend { of }
    | Act::Contest { of }
    | Act::Correct { of, .. }
    | Act::Void { of, .. }
    | Act::Confirm { of }
    | Act::Reopen { of }) = act
    else {
        return String::new();
    };
    let Some((report, from, _)) = sent.get(of % sent.len().max(1)) else {
        return String::new();
    };
    let from = venue((*from).into(), CHIYODA);
    let here =
        domain::doses::route(&report.line, from.city(), domain::places::Places::bundled()).city();
    let decision = Decision {
        id: world.id(),
        dose: report.id,
        city: here,
        reason: "理由".into(),
        device: "desk".into(),
        seen: None,
    };
    let by = |city: bool| {
        if city {
            Authority::City(desk(here.as_str()))
        } else {
            Authority::Venue(from.clone())
        }
    };
    let answer = match act {
        Act::Resend { .. } => world.recorder.report(&from, report.clone()).await,
        Act::Contest { .. } => {
            let mut other = report.clone();
            other.lot.push('X');
            world.recorder.report(&from, other).await
        }
        Act::Correct {
            days, turn, city, ..
        } => {
            let correction = Correction {
                id: decision.id,
                dose: report.id,
                city: here,
                given_on: report.given_on.plus_days(days),
                turn,
                product: report.product.clone(),
                lot: "FA5765".into(),
                doctor: report.doctor.clone(),
                reason: "理由".into(),
                device: "desk".into(),
                seen: None,
            };
            world.recorder.correct(&by(city), correction).await
        }
        Act::Void { city, .. } => world.recorder.void(&by(city), decision).await,
        Act::Confirm { .. } => world.recorder.confirm(&desk(here.as_str()), decision).await,
        _ => world.recorder.reopen(&desk(here.as_str()), decision).await,
    };
    told(answer).0
}

/// Every page that the store can show.
async fn everything(world: &World) -> Vec<String> {
    let mut seen = Vec::new();
    store::statistics::project(&world.db, &store::Recent::default())
        .await
        .unwrap();
    let counts: Vec<Count> = store::statistics::counts(&world.db, &nation(), &Default::default())
        .await
        .unwrap();
    seen.push(format!("{counts:?}"));
    assert!(counts.iter().all(|one| one.count > 0), "a count below zero");
    for city in [CHIYODA, SAPPORO] {
        let page = store::doses::page(&world.db, &desk(city), &Filter::default(), 200)
            .await
            .unwrap();
        let told = |record: &Record| {
            format!(
                "{:?} {:?} {:?}",
                record.id, record.standing, record.findings
            )
        };
        seen.extend(page.items.iter().map(|listed| told(&listed.record)));
        seen.push(format!(
            "{:?}",
            store::doses::desk(&world.db, &desk(city)).await.unwrap()
        ));
    }
    seen.push(format!("{:?}", world.verified().await));
    seen
}

#[test]
fn both_engines_answer_alike() {
    let Ok(server) = std::env::var("SESSHU_TEST_POSTGRES") else {
        assert!(
            std::env::var("SESSHU_TEST_REQUIRE").is_err(),
            "PostgreSQL is missing"
        );
        return;
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let mut runner = TestRunner::new(Config {
        cases: LIVES,
        ..Config::default()
    });
    let lives = prop::collection::vec(act(), 1..ACTS);
    runner
        .run(&lives, |acts| {
            let (sqlite, postgres) = runtime.block_on(async {
                let folder = tempfile::tempdir().unwrap();
                let db = Db::open(&Location::Sqlite(folder.path().join("test.db")))
                    .await
                    .unwrap();
                let sqlite = live(&World::new(db).await, &acts).await;
                let url = empty_postgres(&server).await;
                let db = Db::open(&Location::Postgres(url)).await.unwrap();
                let world = World::new(db).await;
                let postgres = live(&world, &acts).await;
                world.db.close().await;
                (sqlite, postgres)
            });
            prop_assert_eq!(sqlite, postgres);
            Ok(())
        })
        .unwrap();
}
