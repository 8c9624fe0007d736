//! A venue's day: lots in the register, checks before the shot, receipts, and the closing.

use domain::access::{
    self, Action, Actor, OrganisationId, OrganisationKind, Role, Territory, UserId,
};
use domain::checks::Colour;
use domain::closings::{Difference, Line, Purpose, Reason};
use domain::doses::Facts;
use domain::findings::{Class, Finding, FindingCode};
use domain::ledger::Sha;
use domain::lot_seals::Gtin;
use domain::lots::{Package, Recall, RegisteredLot};
use domain::opening_days::{OpeningDays, Weekdays};
use domain::people::Sex;
use domain::receipts::ReceiptNumber;
use domain::vaccines::{Lot, ProductKey};
use store::checks::{self, Asked, Asking};
use store::closings::{self, Closed};
use store::lots::{self, Kept};
use store::opening_days::{self, Told};
use store::receipts::{Proved, prove};
use store::recorder::{Authority, Correction, Decision, Receipt};
use store::worklists;
use uuid::Uuid;

use crate::world::{CHIYODA, SAPPORO, World, day, desk, number, on_each_engine, resident, venue};

const FIRST: &str = "211310160000000001";
const SECOND: &str = "221310160000000001";

fn keeper() -> access::Permit {
    let actor = Actor {
        user: UserId(Uuid::from_u128(300)),
        organisation: OrganisationId(Uuid::from_u128(30)),
        kind: OrganisationKind::Nation,
        role: Role::Operator,
        territory: Territory::Nation,
    };
    access::permit(&actor, Action::KeepLots, access::Place::Nation).unwrap()
}

fn lot(expires: &str, recalled: Option<&str>) -> RegisteredLot {
    RegisteredLot {
        product: ProductKey::parse("comirnaty_12_mono").unwrap(),
        lot: Lot::parse("EY2173").unwrap(),
        expires: day(expires),
        recall: recalled.map(|since| Recall {
            since: day(since),
            reason: "異物混入".to_owned(),
        }),
    }
}

async fn keep(world: &World, lot: &RegisteredLot, seen: Option<i64>) -> Kept {
    lots::keep(&world.db, &keeper(), lot, seen, (world.id(), world.now()))
        .await
        .unwrap()
}

fn facts(world: &World, digits: &str) -> Facts {
    let report = world.report(digits);
    Facts {
        doctor: report.doctor,
        given_on: report.given_on,
        line: report.line,
        lot: report.lot,
        product: report.product,
        turn: report.line.turn_digit(),
        venue: venue(1, CHIYODA).venue(),
        venue_name: report.venue_name,
    }
}

async fn ask(world: &World, digits: &str) -> Asked {
    let asking = Asking {
        id: world.id(),
        at: world.now(),
        facts: facts(world, digits),
        printed: None,
    };
    checks::ask(&world.db, &venue(1, CHIYODA), &asking)
        .await
        .unwrap()
}

#[test]
fn the_register_says_what_was_said_last_and_nobody_is_overwritten_unseen() {
    on_each_engine(async |world| {
        assert_eq!(
            keep(&world, &lot("2021-09-30", None), Some(0)).await,
            Kept::As(1)
        );
        assert_eq!(
            keep(&world, &lot("2021-09-30", None), Some(0)).await,
            Kept::AsItIs(1)
        );
        let recalled = lot("2021-09-30", Some("2021-08-26"));
        assert_eq!(
            keep(&world, &recalled, Some(0)).await,
            Kept::ChangedMeanwhile(1)
        );
        assert_eq!(keep(&world, &recalled, Some(1)).await, Kept::As(2));
        let all = lots::lots(&world.db, None).await.unwrap();
        assert_eq!(all.len(), 1);
        assert_eq!((&all[0].lot, all[0].revision), (&recalled, 2));
        let other = Lot::parse("FC9880").unwrap();
        assert_eq!(lots::lots(&world.db, Some(&other)).await.unwrap(), []);
        let wrong = crate::world::nation();
        let refused = lots::keep(
            &world.db,
            &wrong,
            &recalled,
            None,
            (world.id(), world.now()),
        );
        assert!(refused.await.is_err(), "a permit for counts keeps no lots");
    });
}

#[test]
fn a_package_is_known_by_its_number() {
    on_each_engine(async |world| {
        let gtin = Gtin::parse("04987123456784").unwrap();
        assert_eq!(lots::package(&world.db, &gtin).await.unwrap(), None);
        for product in ["comirnaty_5_11", "comirnaty_12_mono"] {
            let package = Package {
                gtin: gtin.clone(),
                product: ProductKey::parse(product).unwrap(),
            };
            lots::keep_package(&world.db, &keeper(), &package, (world.id(), world.now()))
                .await
                .unwrap();
            assert_eq!(
                lots::package(&world.db, &gtin).await.unwrap(),
                Some(package)
            );
        }
        assert_eq!(lots::packages(&world.db).await.unwrap().len(), 1);
    });
}

#[test]
fn a_dose_of_a_recalled_lot_is_recorded_with_a_finding_and_an_older_one_is_left_alone() {
    on_each_engine(async |world| {
        world
            .load(
                CHIYODA,
                &[resident("1", "0000000001", "19500101", Sex::Female)],
            )
            .await;
        keep(&world, &lot("2021-09-30", None), None).await;
        let before = world.record(world.report(FIRST)).await.unwrap();
        assert_eq!(before.findings, []);
        keep(&world, &lot("2021-09-30", Some("2021-06-01")), None).await;
        world.set_day("2021-06-22");
        let after = world.record(world.report(SECOND)).await.unwrap();
        let codes: Vec<_> = after.findings.iter().map(|one| one.code).collect();
        assert_eq!(codes, [FindingCode::LotRecalled]);
        // The person changes, so that both are judged again: each as of its own day.
        world
            .load(
                CHIYODA,
                &[resident("1", "0000000001", "19510101", Sex::Female)],
            )
            .await;
        let found = async |dose| {
            let record = store::doses::of_venue(&world.db, &venue(1, CHIYODA), dose).await;
            record.unwrap().unwrap().findings
        };
        assert_eq!(found(before.dose).await, []);
        assert_eq!(found(after.dose).await, after.findings);
        // Another lot, another word of the register.
        let correction = Correction {
            id: world.id(),
            dose: after.dose,
            city: after.municipality,
            given_on: day("2021-06-22"),
            turn: 2,
            product: "comirnaty_12_mono".into(),
            lot: "FC9880".into(),
            doctor: "鈴木".into(),
            reason: "ロットの読み違い".into(),
            device: String::new(),
            seen: None,
        };
        let authority = Authority::Venue(venue(1, CHIYODA));
        let corrected = world
            .recorder
            .correct(&authority, correction)
            .await
            .unwrap();
        assert_eq!(corrected.findings, []);
        world.verified().await;
    });
}

#[test]
fn a_lot_past_its_printed_day_and_its_extensions_is_found() {
    on_each_engine(async |world| {
        keep(&world, &lot("2021-05-31", None), None).await;
        let receipt = world.record(world.report(FIRST)).await.unwrap();
        let found = |code| receipt.findings.iter().find(|one| one.code == code);
        let expired = found(FindingCode::LotExpired).unwrap();
        assert_eq!(expired.day, Some(day("2021-05-31")));
    });
}

async fn tell(world: &World, valid_from: &str, weekdays: &str, not: &[&str]) {
    let told = Told {
        valid_from: day(valid_from),
        days: OpeningDays {
            weekdays: Weekdays::parse(weekdays).unwrap(),
            not: not.iter().map(|one| day(one)).collect(),
            ..OpeningDays::default()
        },
    };
    let how = (world.id(), world.now());
    opening_days::tell(&world.db, &venue(1, CHIYODA), &told, how)
        .await
        .unwrap();
}

fn moved(world: &World, receipt: &Receipt, given_on: &str, lot: &str) -> Correction {
    Correction {
        id: world.id(),
        dose: receipt.dose,
        city: receipt.municipality,
        given_on: day(given_on),
        turn: 1,
        product: "comirnaty_12_mono".into(),
        lot: lot.into(),
        doctor: "鈴木".into(),
        reason: "予診票のとおり".into(),
        device: String::new(),
        seen: None,
    }
}

#[test]
fn a_dose_dated_on_a_day_without_work_is_found_and_on_the_citys_list() {
    on_each_engine(async |world| {
        world
            .load(
                CHIYODA,
                &[resident("1", "0000000001", "19500101", Sex::Female)],
            )
            .await;
        // 2021-06-01 was a Tuesday: worked until May, holidays alone since.
        tell(&world, "2021-01-01", "1111100", &[]).await;
        tell(&world, "2021-06-01", "1011100", &["2021-06-09"]).await;
        assert_eq!(
            ask(&world, FIRST).await.check.colour,
            Colour::Amber,
            "the check says what recording would"
        );
        let receipt = world.record(world.report(FIRST)).await.unwrap();
        let codes =
            |findings: &[Finding]| -> Vec<_> { findings.iter().map(|one| one.code).collect() };
        assert_eq!(codes(&receipt.findings), [FindingCode::VenueClosed]);
        let listed = async |class| {
            let city = desk(CHIYODA);
            let page = worklists::page_of_class(&world.db, &city, class, 0, 10).await;
            page.unwrap().items.len()
        };
        assert_eq!(listed(Class::VenueClosed).await, 1);
        assert_eq!(listed(Class::PersonGone).await, 0);
        let classes = worklists::classes(&world.db, &desk(CHIYODA)).await.unwrap();
        let counted = classes.iter().find(|one| one.class == Class::VenueClosed);
        assert_eq!(counted.map(|one| one.count), Some(1));
        let correct = async |given_on, lot| {
            let correction = moved(&world, &receipt, given_on, lot);
            let by = Authority::City(desk(CHIYODA));
            let corrected = world.recorder.correct(&by, correction).await.unwrap();
            codes(&corrected.findings)
        };
        // What was known when it was reported stays, whatever is told afterwards.
        tell(&world, "2021-06-01", "1111100", &[]).await;
        let same_day = correct("2021-06-01", "FC9880").await;
        assert_eq!(same_day, [FindingCode::VenueClosed]);
        // Another day is another question: a Saturday in May, and the Friday before it.
        assert!(
            correct("2021-05-29", "FC9880")
                .await
                .contains(&FindingCode::VenueClosed)
        );
        assert_eq!(
            correct("2021-05-28", "FC9880").await,
            [FindingCode::LateEntry]
        );
        assert_eq!(listed(Class::VenueClosed).await, 0);
        world.verified().await;
    });
}

#[test]
fn a_venue_that_told_nothing_may_work_on_any_day_and_one_tells_for_itself_alone() {
    on_each_engine(async |world| {
        tell(&world, "2021-06-02", "0000000", &[]).await;
        let receipt = world.record(world.report(FIRST)).await.unwrap();
        let closed = |one: &Finding| one.code == FindingCode::VenueClosed;
        assert!(!receipt.findings.iter().any(closed), "before it tells");
        world.set_day("2021-06-02");
        let report = world.report("211310160000000002");
        let elsewhere = venue(2, CHIYODA);
        let receipt = world.recorder.report(&elsewhere, report).await.unwrap();
        assert!(!receipt.findings.iter().any(closed), "another venue");
        let list = opening_days::list(&world.db, &venue(1, CHIYODA))
            .await
            .unwrap();
        assert_eq!(list.len(), 1);
        assert_eq!(list[0].valid_from, day("2021-06-02"));
        let none = opening_days::list(&world.db, &elsewhere).await.unwrap();
        assert_eq!(none, []);
    });
}

#[test]
fn a_check_is_in_the_citys_access_log_and_changes_no_record() {
    on_each_engine(async |world| {
        world
            .load(
                CHIYODA,
                &[resident("1", "0000000001", "19500101", Sex::Female)],
            )
            .await;
        keep(&world, &lot("2021-09-30", None), None).await;
        let asked = ask(&world, FIRST).await;
        assert_eq!((asked.check.colour, asked.turn), (Colour::Green, 1));
        assert_eq!(asked.check.age_years, Some(71));
        let looks = store::audit::looks(&world.db, &desk(CHIYODA), Some(&number("0000000001")))
            .await
            .unwrap();
        let told: Vec<_> = looks
            .iter()
            .map(|look| (look.view.view.as_str(), look.view.purpose.as_str()))
            .collect();
        assert_eq!(told, [("check", "before-shot")]);
        world.record(world.report(FIRST)).await.unwrap();
        let again = ask(&world, FIRST).await;
        assert_eq!(again.check.colour, Colour::Red);
        let early = ask(&world, SECOND).await;
        assert_eq!(early.check.earliest, Some(day("2021-06-20")));
        assert_eq!(world.verified().await.entries, 1);
    });
}

#[test]
fn of_a_protected_person_the_check_tells_no_age() {
    on_each_engine(async |world| {
        let mut person = resident("1", "0000000001", "19500101", Sex::Female);
        person.protected = true;
        world.load(CHIYODA, &[person]).await;
        assert_eq!(ask(&world, FIRST).await.check.age_years, None);
    });
}

#[test]
fn a_coupon_that_leads_nowhere_is_red_and_in_nobodys_log() {
    on_each_engine(async |world| {
        let asked = ask(&world, "219999990000000001").await;
        assert_eq!(asked.check.colour, Colour::Red);
        let looks = store::audit::looks(&world.db, &desk(CHIYODA), None).await;
        assert_eq!(looks.unwrap().len(), 0);
    });
}

#[test]
fn who_was_checked_waits_until_a_dose_is_recorded_here() {
    on_each_engine(async |world| {
        let (here, today) = (venue(1, CHIYODA), world.now().day_in_japan());
        let waiting = async || closings::waiting(&world.db, &here, today).await.unwrap();
        assert_eq!(waiting().await, []);
        ask(&world, FIRST).await;
        ask(&world, FIRST).await;
        assert_eq!(waiting().await, [(Colour::Amber, 1)]);
        let elsewhere = closings::waiting(&world.db, &venue(2, CHIYODA), today).await;
        assert_eq!(elsewhere.unwrap(), []);
        world.record(world.report(FIRST)).await.unwrap();
        assert_eq!(waiting().await, []);
        // Yesterday's people are forgotten by the first check of the day.
        ask(&world, "211310160000000002").await;
        world.set_day("2021-06-02");
        ask(&world, "211310160000000003").await;
        assert_eq!(
            closings::waiting(&world.db, &here, today).await.unwrap(),
            []
        );
    });
}

#[test]
fn a_receipt_proves_its_entry_and_what_became_of_the_record() {
    on_each_engine(async |world| {
        world
            .load(
                CHIYODA,
                &[resident("1", "0000000001", "19500101", Sex::Female)],
            )
            .await;
        world
            .record(world.report("211310160000000002"))
            .await
            .unwrap();
        let receipt = world.record(world.report(FIRST)).await.unwrap();
        let number = ReceiptNumber::of(receipt.municipality, receipt.seq, &receipt.hash);
        let Proved::Genuine(proof) = prove(&world.db, number).await.unwrap() else {
            panic!("not genuine")
        };
        let entered = proof.entered.unwrap();
        assert_eq!(
            (proof.at, entered.device.as_str()),
            (world.now(), "tablet-1")
        );
        assert_eq!(
            (entered.facts.lot.as_str(), proof.since),
            ("EY2173", vec![])
        );
        let made_up = ReceiptNumber::of(receipt.municipality, receipt.seq, &Sha::of(b"another"));
        assert_eq!(prove(&world.db, made_up).await.unwrap(), Proved::NotOurs);
        let beyond = ReceiptNumber::of(receipt.municipality, 99, &receipt.hash);
        assert_eq!(prove(&world.db, beyond).await.unwrap(), Proved::NotOurs);
        let decision = Decision {
            id: world.id(),
            dose: receipt.dose,
            city: receipt.municipality,
            reason: "二重".into(),
            device: String::new(),
            seen: None,
        };
        let authority = Authority::Venue(venue(1, CHIYODA));
        world.recorder.void(&authority, decision).await.unwrap();
        let Proved::Genuine(proof) = prove(&world.db, number).await.unwrap() else {
            panic!("not genuine")
        };
        let acts: Vec<_> = proof.since.iter().map(|(act, _)| act.as_str()).collect();
        assert_eq!(acts, ["voided"]);
    });
}

#[test]
fn a_receipt_of_a_protected_person_tells_neither_place_nor_dose() {
    on_each_engine(async |world| {
        let mut person = resident("1", "0000000001", "19500101", Sex::Female);
        person.protected = true;
        world.load(CHIYODA, &[person]).await;
        let receipt = world.record(world.report(FIRST)).await.unwrap();
        let number = ReceiptNumber::of(receipt.municipality, receipt.seq, &receipt.hash);
        let Proved::Genuine(proof) = prove(&world.db, number).await.unwrap() else {
            panic!("not genuine")
        };
        assert_eq!((proof.entered, proof.withheld), (None, true));
    });
}

fn line(vials: i64, recorded: i64, left_over: i64) -> Line {
    Line {
        product: "comirnaty_12_mono".into(),
        lot: "EY2173".into(),
        purpose: Purpose::Primary,
        vials_opened: vials,
        vials_discarded: 0,
        doses_recorded: recorded,
        differences: vec![Difference {
            reason: Reason::LeftOver,
            doses: left_over,
        }],
        words: String::new(),
    }
}

#[test]
fn a_day_is_closed_by_what_the_ledgers_hold_and_again_if_that_changes() {
    on_each_engine(async |world| {
        let (here, today) = (venue(1, CHIYODA), world.now().day_in_japan());
        world.record(world.report(FIRST)).await.unwrap();
        world
            .record(world.report("210110020000000002"))
            .await
            .unwrap();
        // Told twice, and an interview: neither came out of a vial.
        world.record(world.report(FIRST)).await.unwrap();
        world
            .record(world.report("111310160000000003"))
            .await
            .unwrap();
        let sums = closings::sums(&world.db, &here, today).await.unwrap();
        let told: Vec<_> = sums
            .iter()
            .map(|sum| (sum.lot.as_str(), sum.doses))
            .collect();
        assert_eq!(told, [("EY2173", 2)]);
        let close = async |line: Line, seen| {
            let act = (world.id(), world.now());
            closings::close(&world.db, &here, today, &[line], seen, act)
                .await
                .unwrap()
        };
        assert_eq!(close(line(1, 1, 5), 0).await, Closed::RecordsChanged);
        assert_eq!(close(line(1, 2, 4), 0).await, Closed::As(1));
        assert_eq!(close(line(1, 2, 4), 0).await, Closed::ClosedMeanwhile);
        world
            .record(world.report("211310160000000004"))
            .await
            .unwrap();
        assert_eq!(close(line(1, 3, 3), 1).await, Closed::As(2));
        let last = closings::latest(&world.db, &here, today)
            .await
            .unwrap()
            .unwrap();
        assert_eq!((last.revision, &last.lines), (2, &vec![line(1, 3, 3)]));
        let elsewhere = venue(2, SAPPORO);
        let other = closings::latest(&world.db, &elsewhere, today)
            .await
            .unwrap();
        assert_eq!(other, None);
        let none = closings::sums(&world.db, &elsewhere, today).await.unwrap();
        assert_eq!(none, []);
    });
}
