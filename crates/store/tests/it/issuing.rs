//! Coupons issued by cohort, issued again, made void, on both engines.

use domain::access::OrganisationId;
use domain::addresses::{Address, PostalCode};
use domain::calendar::Instant;
use domain::doses::{Answer, Facts};
use domain::findings::{Class, FindingCode};
use domain::issues::{Cohort, CouponState, Form, IssueRefusal, Order, ReissueReason, VoidReason};
use domain::people::{ResidentStanding, Sex};
use store::coupons::{self, Counts, FILE_PEOPLE_MAX, InHand, State, Wanted};
use store::imports::Decided;
use store::residents::Resident;
use store::senders::{self, Sender};
use store::worklists;
use uuid::Uuid;

use crate::world::{CHIYODA, SAPPORO, World, day, desk, number, on_each_engine, resident, venue};

const WORKER: Uuid = Uuid::from_u128(0xA);
const OTHER: Uuid = Uuid::from_u128(0xB);

fn later(world: &World, seconds: i64) -> Instant {
    Instant::from_micros(world.now().micros() + seconds * 1_000_000)
}

fn decided(world: &World) -> Decided {
    Decided {
        audit: world.id(),
        at: world.now(),
    }
}

fn cohort() -> Cohort {
    Cohort {
        base_date: day("2021-06-01"),
        age_from: Some(65),
        age_to: None,
        programme: Some("primary".into()),
        elapsed_days_min: None,
        turns: 2,
        form: Form::Seals,
        order: Order::Birth,
    }
}

async fn begun(world: &World, cohort: &Cohort) -> Uuid {
    let id = world.id();
    coupons::begin(&world.db, &desk(CHIYODA), id, cohort, world.now())
        .await
        .unwrap();
    id
}

async fn in_hand(world: &World, worker: Uuid, seconds: i64) -> InHand {
    coupons::take_in_hand(&world.db, worker, later(world, seconds))
        .await
        .unwrap()
        .unwrap()
}

/// Works until nothing is to be done.
async fn work(world: &World, seconds: i64) {
    let now = later(world, seconds);
    while let Some(mut hand) = coupons::take_in_hand(&world.db, WORKER, now).await.unwrap() {
        while coupons::stretch(&world.db, &mut hand, now).await.unwrap() {}
    }
}

async fn batch(world: &World, id: Uuid) -> coupons::Batch {
    let found = coupons::batch(&world.db, &desk(CHIYODA), id).await;
    found.unwrap().unwrap()
}

async fn issued(world: &World, cohort: &Cohort) -> Uuid {
    let id = begun(world, cohort).await;
    work(world, 1).await;
    let permit = desk(CHIYODA);
    let how = decided(world);
    assert!(coupons::approve(&world.db, &permit, id, how).await.unwrap());
    work(world, 2).await;
    id
}

/// Under one of seven postal codes; every seventh lives nowhere.
fn lives(serial: u32) -> Option<Address> {
    let code = PostalCode::parse(&format!("10{:05}", 90_000 - serial % 7)).unwrap();
    let place = "千代田区千代田1-1".to_owned();
    (!serial.is_multiple_of(7)).then(|| Address::of(Some(code), place, String::new()))?
}

fn many(count: u32) -> Vec<Resident> {
    (1..=count)
        .map(|serial| {
            let birth = format!("{}0401", 1930 + serial % 20);
            let digits = format!("{serial:010}");
            Resident {
                address: lives(serial),
                ..resident(&serial.to_string(), &digits, &birth, Sex::Female)
            }
        })
        .collect()
}

async fn reissued(
    world: &World,
    digits: &str,
    reason: ReissueReason,
    turn: u8,
) -> Result<String, IssueRefusal> {
    let wanted = Wanted {
        reason,
        turn,
        form: Form::Questionnaire,
    };
    let permit = desk(CHIYODA);
    let how = decided(world);
    coupons::reissue(&world.db, &permit, number(digits), wanted, how)
        .await
        .unwrap()
        .map(|number| number.as_str().to_owned())
}

#[test]
fn everybody_of_the_register_is_counted_once_and_only_the_cohort_gets_coupons() {
    on_each_engine(async |world| {
        let moved = Resident {
            standing: ResidentStanding::MovedOut(day("2021-05-01")),
            ..resident("3", "0000000003", "19400101", Sex::Male)
        };
        let hidden = Resident {
            protected: true,
            ..resident("4", "0000000004", "19400101", Sex::Female)
        };
        let people = [
            resident("1", "0000000001", "19400101", Sex::Male),
            resident("2", "0000000002", "19900101", Sex::Female),
            moved,
            hidden,
            resident("5", "0000000005", "19410101", Sex::Male),
        ];
        world.load(CHIYODA, &people).await;
        let other = resident("9", "0000000009", "19400101", Sex::Male);
        world.load(SAPPORO, &[other]).await;
        let permit = desk(CHIYODA);
        let gone = VoidReason::GivenBack;
        let how = decided(&world);
        coupons::void(&world.db, &permit, number("0000000005"), gone, how)
            .await
            .unwrap()
            .unwrap();

        let id = begun(&world, &cohort()).await;
        work(&world, 1).await;
        let counted = batch(&world, id).await;
        let expected = Counts {
            looked: 5,
            people: 2,
            coupons: 4,
            protected: 1,
            unaddressed: 1,
            gone: 1,
            age: 1,
            number_void: 1,
            ..Counts::default()
        };
        assert_eq!((counted.state, counted.found), (State::Ready, expected));
        let (_, papers) = coupons::of_person(&world.db, &permit, number("0000000001"))
            .await
            .unwrap();
        assert_eq!(papers, [], "a preview issues nothing");

        let how = decided(&world);
        assert!(coupons::approve(&world.db, &permit, id, how).await.unwrap());
        work(&world, 2).await;
        let done = batch(&world, id).await;
        let with_cut = Counts { cut: 1, ..expected };
        assert_eq!((done.state, done.done), (State::Done, with_cut));
        let printed = coupons::papers(&world.db, &permit, id, 1).await.unwrap();
        let printed: Vec<(&str, &[u8])> = printed
            .iter()
            .map(|one| (one.number.as_str(), one.turns.as_slice()))
            .collect();
        assert_eq!(printed, [("0000000001", &[1, 2][..])]);
        let apart = coupons::apart(&world.db, &permit, id).await.unwrap();
        assert_eq!(apart, [number("0000000004")]);

        // The same cohort again finds everything out already.
        let again = begun(&world, &cohort()).await;
        work(&world, 3).await;
        let again = batch(&world, again).await.found;
        assert_eq!((again.people, again.issued), (0, 2));
        world.verified().await;
    });
}

#[test]
fn files_hold_everybody_once_in_the_order_of_the_mailing() {
    on_each_engine(async |world| {
        let count = 2 * u32::try_from(FILE_PEOPLE_MAX).unwrap() + 50;
        world.load(CHIYODA, &many(count)).await;
        for order in Order::ALL {
            let cohort = Cohort {
                order,
                form: Form::Questionnaire,
                turns: match order {
                    Order::ResidentNumber => 1,
                    Order::Birth => 2,
                    Order::Address => 3,
                },
                ..cohort()
            };
            let id = issued(&world, &cohort).await;
            let permit = desk(CHIYODA);
            let files = coupons::files(&world.db, &permit, id).await.unwrap();
            let people: Vec<i64> = files.iter().map(|file| file.people).collect();
            let full = FILE_PEOPLE_MAX;
            // The first batch took the first dose of all; the second has the second dose of all.
            assert_eq!(people, [full, full, 50]);
            let mut printed = Vec::new();
            for file in &files {
                let papers = coupons::papers(&world.db, &permit, id, file.file).await;
                printed.extend(papers.unwrap());
            }
            let mut expected = many(count);
            match order {
                Order::ResidentNumber => {}
                Order::Birth => expected.sort_by_key(|one| one.birth.earliest()),
                Order::Address => expected.sort_by_key(|one| {
                    let code = one.address.as_ref().and_then(|at| at.postal_code.clone());
                    code.map_or("~".to_owned(), |code| code.as_str().to_owned())
                }),
            }
            let expected: Vec<&str> = expected.iter().map(|one| one.number.as_str()).collect();
            let printed: Vec<&str> = printed.iter().map(|one| one.number.as_str()).collect();
            assert_eq!(printed, expected);
        }
    });
}

#[test]
fn who_becomes_protected_is_printed_singly_and_no_key_says_where_they_lived() {
    on_each_engine(async |world| {
        let home = |place: &str| {
            let code = PostalCode::parse("1000001").unwrap();
            Address::of(Some(code), place.to_owned(), String::new())
        };
        let mut people = many(3);
        for (one, place) in people.iter_mut().zip(["麹町1-1", "番町2-2", "富士見3-3"]) {
            one.address = home(place);
        }
        world.load(CHIYODA, &people).await;
        let cohort = Cohort {
            order: Order::Address,
            ..cohort()
        };
        let permit = desk(CHIYODA);
        let keys = async || {
            let rows: Vec<(String,)> = world
                .db
                .query(
                    "SELECT sort_key FROM coupon_issue UNION ALL SELECT upto_key FROM coupon_file
                     UNION ALL SELECT position FROM coupon_batch",
                )
                .all()
                .await
                .unwrap();
            let texts: Vec<String> = rows.into_iter().map(|(text,)| text).collect();
            texts.join("\n")
        };
        let hide = async |at: usize| {
            let hidden = Resident {
                protected: true,
                ..people[at].clone()
            };
            world.load(CHIYODA, &[hidden]).await;
        };
        // The first one while the coupons are being issued, before the files are cut.
        let id = begun(&world, &cohort).await;
        work(&world, 1).await;
        let how = decided(&world);
        assert!(coupons::approve(&world.db, &permit, id, how).await.unwrap());
        let mut hand = in_hand(&world, WORKER, 2).await;
        let now = later(&world, 2);
        while coupons::stretch(&world.db, &mut hand, now).await.unwrap() {}
        assert!(keys().await.contains("麹町"), "until the files are cut");
        hide(0).await;
        assert!(!keys().await.contains("麹町"));
        work(&world, 3).await;
        assert_eq!(batch(&world, id).await.state, State::Done);
        let left = keys().await;
        assert!(!left.contains("町") && !left.contains("富士見"), "{left}");
        let printed = async || {
            let papers = coupons::papers(&world.db, &permit, id, 1).await.unwrap();
            let numbers = papers.iter().map(|one| one.number.as_str().to_owned());
            numbers.collect::<Vec<_>>()
        };
        let apart = async || {
            let numbers = coupons::apart(&world.db, &permit, id).await.unwrap();
            let numbers = numbers.iter().map(|one| one.as_str().to_owned());
            numbers.collect::<Vec<_>>()
        };
        assert_eq!(
            printed().await,
            ["0000000003", "0000000002"],
            "富士見 is before 番町"
        );
        assert_eq!(apart().await, ["0000000001"]);
        // The second one when all is printed, and for good.
        hide(1).await;
        assert_eq!(printed().await, ["0000000003"]);
        assert_eq!(apart().await, ["0000000001", "0000000002"]);
        world.load(CHIYODA, &people).await;
        assert_eq!(printed().await, ["0000000003"]);
        assert_eq!(apart().await, ["0000000001", "0000000002"]);
    });
}

#[test]
fn whom_no_letter_reaches_is_counted_and_told_in_the_order_of_the_mailing() {
    on_each_engine(async |world| {
        let hidden = Resident {
            protected: true,
            ..many(1).remove(0)
        };
        let mut people = many(1_000);
        people[0] = hidden;
        world.load(CHIYODA, &people).await;
        let id = issued(
            &world,
            &Cohort {
                order: Order::Address,
                ..cohort()
            },
        )
        .await;
        let counts = batch(&world, id).await.done;
        assert_eq!(
            (counts.people, counts.protected, counts.unaddressed),
            (1_000, 1, 142)
        );
        let (mut pieces, mut after) = (Vec::new(), String::new());
        loop {
            let some = coupons::pieces(&world.db, &desk(CHIYODA), id, &after)
                .await
                .unwrap();
            let Some(last) = some.last() else { break };
            after.clone_from(&last.key);
            pieces.extend(some);
        }
        assert_eq!(pieces.len(), 999);
        let unknown: Vec<bool> = pieces.iter().map(|one| one.address.is_none()).collect();
        assert!(unknown.is_sorted(), "they are the last");
        assert_eq!(unknown.iter().filter(|one| **one).count(), 142);
    });
}

#[test]
fn interview_only_coupons_are_out_beside_those_for_the_dose() {
    on_each_engine(async |world| {
        world.load(CHIYODA, &many(1)).await;
        issued(&world, &cohort()).await;
        let permit = desk(CHIYODA);
        let digits = number("0000000001");
        let wanted = |reason, form| Wanted {
            reason,
            turn: 1,
            form,
        };
        let used = wanted(ReissueReason::InterviewsUsed, Form::Interview);
        for _ in 0..2 {
            let how = decided(&world);
            let done = coupons::reissue(&world.db, &permit, digits, used, how).await;
            assert_eq!(done.unwrap(), Ok(digits));
        }
        let out = async |digits| {
            let (_, issued) = coupons::of_person(&world.db, &permit, digits)
                .await
                .unwrap();
            let out = issued
                .into_iter()
                .filter(|one| one.state == CouponState::Issued);
            let mut out: Vec<(u8, Form)> = out.map(|one| (one.turn, one.form)).collect();
            out.sort();
            out
        };
        let both = [(1, Form::Seals), (1, Form::Interview), (2, Form::Seals)];
        assert_eq!(out(digits).await, both);
        // Lost with everything else in the envelope: all of it is issued again under another number.
        let lost = wanted(ReissueReason::Lost, Form::Seals);
        let how = decided(&world);
        let new = coupons::reissue(&world.db, &permit, digits, lost, how).await;
        let new = new.unwrap().unwrap();
        assert_ne!(new, digits);
        assert_eq!(out(new).await, both);
        // A mailing of interview-only coupons passes over whoever has one, and nobody else.
        let interviews = Cohort {
            form: Form::Interview,
            turns: 1,
            ..cohort()
        };
        let id = issued(&world, &interviews).await;
        assert_eq!(batch(&world, id).await.done.issued, 1);
    });
}

#[test]
fn a_sender_holds_from_its_day_until_the_next() {
    on_each_engine(async |world| {
        let permit = desk(CHIYODA);
        let said = |from: &str, mayor: &str| Sender {
            valid_from: day(from),
            office: "千代田区長".into(),
            mayor: mayor.into(),
            desk: "予防接種係".into(),
            phone: "03-0000-0000".into(),
            postal_code: PostalCode::parse("1028688").unwrap(),
            address: "千代田区九段南1-2-1".into(),
        };
        for one in [
            said("2021-04-01", "一"),
            said("2023-04-01", "二"),
            said("2021-04-01", "三"),
        ] {
            senders::set(&world.db, &permit, &one, decided(&world))
                .await
                .unwrap();
        }
        let on = async |on: &str| {
            let found = senders::on(&world.db, &permit, day(on)).await.unwrap();
            found.map(|one| one.mayor)
        };
        assert_eq!(on("2021-03-31").await, None);
        assert_eq!(on("2023-03-31").await.as_deref(), Some("三"));
        assert_eq!(on("2023-04-01").await.as_deref(), Some("二"));
        assert_eq!(senders::list(&world.db, &permit).await.unwrap().len(), 2);
        let elsewhere = senders::on(&world.db, &desk(SAPPORO), day("2024-01-01")).await;
        assert_eq!(elsewhere.unwrap(), None);
    });
}

#[test]
fn a_batch_goes_on_where_another_server_stopped() {
    on_each_engine(async |world| {
        world.load(CHIYODA, &many(1_200)).await;
        let id = begun(&world, &cohort()).await;
        work(&world, 1).await;
        let permit = desk(CHIYODA);
        let how = decided(&world);
        coupons::approve(&world.db, &permit, id, how).await.unwrap();
        let mut dead = in_hand(&world, OTHER, 2).await;
        assert!(
            coupons::stretch(&world.db, &mut dead, later(&world, 2))
                .await
                .unwrap()
        );
        assert!(batch(&world, id).await.percent() < 50);
        let nothing = coupons::take_in_hand(&world.db, WORKER, later(&world, 3)).await;
        assert!(nothing.unwrap().is_none(), "the other still has it");
        work(&world, 60).await;
        let late = coupons::stretch(&world.db, &mut dead, later(&world, 61)).await;
        assert!(matches!(late, Err(store::Error::Busy)));
        let done = batch(&world, id).await;
        assert_eq!(done.state, State::Done);
        let counts = (done.done.people, done.done.coupons, done.done.cut);
        assert_eq!(counts, (1_200, 2_400, 1_200));
    });
}

#[test]
fn a_lost_coupon_gets_another_number_and_the_old_one_is_told_at_the_venue() {
    on_each_engine(async |world| {
        world
            .load(
                CHIYODA,
                &[resident("1", "0000012345", "19400101", Sex::Male)],
            )
            .await;
        // Somebody's misread dose waits under the next number: it is passed over.
        let astray = world.record(world.report("211310160000012346")).await;
        assert_eq!(astray.unwrap().answer, Answer::Pending);
        issued(&world, &cohort()).await;
        world.set_day("2021-06-10");
        let new = reissued(&world, "0000012345", ReissueReason::Lost, 1).await;
        assert_eq!(new.as_deref(), Ok("0000012347"));

        let told = world.record(world.report("211310160000012345")).await;
        let told = told.unwrap();
        assert_eq!(told.answer, Answer::Normal, "it still finds its person");
        let codes: Vec<_> = told
            .findings
            .iter()
            .map(|one| (one.code, one.day))
            .collect();
        let void = (FindingCode::CouponVoid, Some(day("2021-06-10")));
        assert!(codes.contains(&void), "{codes:?}");
        let city = desk(CHIYODA);
        let not_issued = worklists::page_of_class(&world.db, &city, Class::NotIssued, 0, 9).await;
        let listed = not_issued.unwrap().items;
        let listed: Vec<_> = listed.iter().map(|one| one.record.number).collect();
        let both = ["0000012346", "0000012345"].map(|digits| Some(number(digits)));
        assert_eq!(listed, both, "one that was never issued, and a void one");
        let classes = worklists::classes(&world.db, &city).await.unwrap();
        let counted = classes.iter().find(|one| one.class == Class::NotIssued);
        assert_eq!(counted.map(|one| one.count), Some(2));
        let second = world.report("221310160000012345");
        let facts = Facts {
            doctor: second.doctor,
            given_on: second.given_on,
            line: second.line,
            lot: second.lot,
            product: second.product,
            turn: 2,
            venue: OrganisationId(Uuid::from_u128(1)),
            venue_name: second.venue_name,
        };
        let asking = store::checks::Asking {
            id: world.id(),
            at: world.now(),
            facts,
            printed: None,
        };
        let asked = store::checks::ask(&world.db, &venue(1, CHIYODA), &asking).await;
        assert!(
            asked
                .unwrap()
                .check
                .verdict
                .findings
                .iter()
                .any(|one| one.code == FindingCode::CouponVoid)
        );

        let permit = desk(CHIYODA);
        let (numbers, papers) = coupons::of_person(&world.db, &permit, number("0000012347"))
            .await
            .unwrap();
        let old = numbers.iter().find(|one| one.voided_at.is_some()).unwrap();
        assert_eq!(old.number, number("0000012345"));
        assert_eq!(old.replaced_by, Some(number("0000012347")));
        assert_eq!(old.void_reason.as_deref(), Some("lost"));
        let stand =
            |paper: &coupons::Issue| (paper.number.as_str().to_owned(), paper.turn, paper.state);
        let stands: Vec<_> = papers.iter().map(stand).collect();
        let (old, new) = ("0000012345".to_owned(), "0000012347".to_owned());
        assert_eq!(
            stands,
            [
                (old.clone(), 1, CouponState::Reissued),
                (old, 2, CouponState::Reissued),
                (new.clone(), 1, CouponState::Issued),
                (new, 2, CouponState::Issued),
            ],
            "everything under a void number is issued again"
        );
        world.verified().await;
    });
}

#[test]
fn what_was_recorded_before_a_number_became_void_stays_as_it_was_judged() {
    on_each_engine(async |world| {
        let person = resident("1", "0000012345", "19400101", Sex::Male);
        world.load(CHIYODA, std::slice::from_ref(&person)).await;
        let before = world.record(world.report("211310160000012345")).await;
        assert_eq!(before.unwrap().findings, []);
        world.set_day("2021-06-10");
        let new = reissued(&world, "0000012345", ReissueReason::Lost, 2).await;
        assert!(new.is_ok());
        // Its person changes, so its records are judged again.
        let changed = Resident {
            name: "山本 一".into(),
            ..person
        };
        let loaded = world.load(CHIYODA, &[changed]).await;
        assert_eq!((loaded.changed, loaded.matched), (1, 0));
        world.verified().await;
    });
}

#[test]
fn a_register_that_missed_the_reissue_does_not_bring_the_void_number_back() {
    on_each_engine(async |world| {
        let person = resident("1", "0000012345", "19400101", Sex::Male);
        world.load(CHIYODA, std::slice::from_ref(&person)).await;
        let new = reissued(&world, "0000012345", ReissueReason::NotDelivered, 1).await;
        assert_eq!(new.as_deref(), Ok("0000012346"));
        let loaded = world.load(CHIYODA, &[person]).await;
        assert_eq!((loaded.unchanged, loaded.changed), (1, 0));
        let permit = desk(CHIYODA);
        let found = store::doses::person(&world.db, &permit, number("0000012345")).await;
        let resident = found.unwrap().unwrap().resident.unwrap();
        assert_eq!(resident.number, number("0000012346"));
    });
}

#[test]
fn a_damaged_coupon_keeps_its_number_and_replaces_one_dose_only() {
    on_each_engine(async |world| {
        world
            .load(
                CHIYODA,
                &[resident("1", "0000012345", "19400101", Sex::Male)],
            )
            .await;
        issued(&world, &cohort()).await;
        let same = reissued(&world, "0000012345", ReissueReason::Damaged, 2).await;
        assert_eq!(same.as_deref(), Ok("0000012345"));
        let permit = desk(CHIYODA);
        let (numbers, papers) = coupons::of_person(&world.db, &permit, number("0000012345"))
            .await
            .unwrap();
        assert!(numbers.iter().all(|one| one.voided_at.is_none()));
        let mut stands: Vec<_> = papers
            .iter()
            .map(|paper| (paper.turn, paper.nth, paper.state))
            .collect();
        stands.sort_by_key(|(turn, nth, _)| (*turn, *nth));
        assert_eq!(
            stands,
            [
                (1, 0, CouponState::Issued),
                (2, 0, CouponState::Reissued),
                (2, 1, CouponState::Issued),
            ]
        );
    });
}

#[test]
fn what_cannot_be_issued_again_is_refused_with_its_reason() {
    on_each_engine(async |world| {
        let moved = Resident {
            standing: ResidentStanding::MovedOut(day("2021-05-01")),
            ..resident("2", "0000000002", "19400101", Sex::Male)
        };
        let here = resident("1", "0000000001", "19400101", Sex::Male);
        world.load(CHIYODA, &[here, moved]).await;
        world
            .record(world.report("211310160000000001"))
            .await
            .unwrap();
        let lost = ReissueReason::Lost;
        for (digits, turn, refusal) in [
            ("0000000003", 1, IssueRefusal::NotRegistered),
            ("0000000002", 1, IssueRefusal::Gone),
            ("0000000001", 1, IssueRefusal::TurnGiven),
            ("0000000001", 8, IssueRefusal::TurnUnknown),
        ] {
            let told = reissued(&world, digits, lost, turn).await;
            assert_eq!(told, Err(refusal), "{digits} {turn}");
        }
        let permit = desk(CHIYODA);
        let void = async |digits: &str| {
            let how = decided(&world);
            coupons::void(&world.db, &permit, number(digits), VoidReason::Mistake, how)
                .await
                .unwrap()
        };
        assert_eq!(void("0000000001").await, Ok(()));
        assert_eq!(void("0000000001").await, Err(IssueRefusal::AlreadyVoid));
        assert_eq!(void("0000000003").await, Err(IssueRefusal::NotRegistered));
        // Whatever the reason, a void number is not printed again.
        let next = reissued(&world, "0000000001", ReissueReason::Damaged, 2).await;
        assert_eq!(next.as_deref(), Ok("0000000003"));
    });
}

#[test]
fn no_number_is_given_after_the_last() {
    on_each_engine(async |world| {
        world
            .load(
                CHIYODA,
                &[resident("1", "9999999999", "19400101", Sex::Male)],
            )
            .await;
        let told = reissued(&world, "9999999999", ReissueReason::Lost, 1).await;
        assert_eq!(told, Err(IssueRefusal::NumbersExhausted));
    });
}
