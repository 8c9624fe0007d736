//! The way of a dose through the store, on both engines.

use crate::world::{
    CHIYODA, SAPPORO, World, city, day, desk, nation, number, on_each_engine, resident, venue,
};
use domain::doses::{Answer, ChangeRefusal, Standing};
use domain::findings::FindingCode;
use domain::ledger::Act;
use domain::people::Sex;
use domain::statistics::AgeBand;
use store::doses::Filter;
use store::recorder::{Authority, Correction, Decision, Pace, RecordError, Recorder};

const FIRST: &str = "211310160000012345";
const SECOND: &str = "221310160000012345";

fn found(findings: &[domain::findings::Finding]) -> Vec<FindingCode> {
    findings.iter().map(|finding| finding.code).collect()
}

fn decision(world: &World, receipt: &store::recorder::Receipt, reason: &str) -> Decision {
    Decision {
        id: world.id(),
        dose: receipt.dose,
        city: receipt.municipality,
        reason: reason.into(),
        device: "desk-1".into(),
        seen: None,
    }
}

async fn counted(world: &World) -> Vec<(String, Sex, AgeBand, u8, i64)> {
    store::statistics::project(&world.db, &store::Recent::default())
        .await
        .unwrap();
    let counts = store::statistics::counts(&world.db, &nation(), &Default::default())
        .await
        .unwrap();
    counts
        .iter()
        .map(|one| (one.day.to_string(), one.sex, one.age, one.turn, one.count))
        .collect()
}

#[test]
fn a_dose_of_a_known_person_is_normal_and_counted() {
    on_each_engine(async |world| {
        world
            .load(
                CHIYODA,
                &[resident("1", "0000012345", "19460503", Sex::Female)],
            )
            .await;
        let receipt = world.record(world.report(FIRST)).await.unwrap();
        assert_eq!(receipt.answer, Answer::Normal);
        assert_eq!(receipt.municipality, city(CHIYODA));
        assert_eq!((receipt.seq, receipt.findings.len()), (1, 0));
        let cell = ("2021-06-01".to_owned(), Sex::Female, AgeBand::From65, 1, 1);
        assert_eq!(counted(&world).await, [cell]);
        assert_eq!(world.verified().await.entries, 1);
    });
}

#[test]
fn the_same_report_twice_gets_the_first_answer_again() {
    on_each_engine(async |world| {
        let report = world.report(FIRST);
        let first = world.record(report.clone()).await.unwrap();
        world.set_day("2021-06-02");
        let again = world.record(report).await.unwrap();
        assert!(again.replayed);
        assert_eq!(
            (again.seq, again.at, again.hash),
            (first.seq, first.at, first.hash)
        );
        assert_eq!(
            (again.answer, again.findings),
            (first.answer, first.findings)
        );
        assert_eq!(world.verified().await.entries, 1);
    });
}

#[test]
fn the_same_id_with_other_content_is_a_conflict_that_is_kept_once() {
    on_each_engine(async |world| {
        let report = world.report(FIRST);
        let first = world.record(report.clone()).await.unwrap();
        let mut other = report.clone();
        other.lot = "FA5765".into();
        for _ in 0..2 {
            match world.record(other.clone()).await {
                Err(RecordError::Conflict { first: kept }) => assert_eq!(kept.seq, first.seq),
                answer => panic!("{answer:?}"),
            }
        }
        let story = store::ledger::story(&world.db, &desk(CHIYODA), first.dose)
            .await
            .unwrap();
        let acts: Vec<_> = story.iter().map(|told| told.act).collect();
        assert_eq!(acts, [Act::Recorded, Act::Contested]);
        assert_eq!(story[1].personal.as_ref().unwrap().facts.lot, "FA5765");
        let record = store::doses::record(&world.db, &desk(CHIYODA), first.dose)
            .await
            .unwrap()
            .unwrap();
        assert_eq!((record.lot.as_str(), record.contested), ("EY2173", true));
        world.verified().await;
    });
}

#[test]
fn a_conflict_finds_its_record_even_when_the_other_digits_lead_to_another_city() {
    on_each_engine(async |world| {
        let report = world.report(FIRST);
        world.record(report.clone()).await.unwrap();
        let mut other = report;
        other.line = domain::coupons::CouponLine::parse("210110020000000001").unwrap();
        assert!(matches!(
            world.record(other).await,
            Err(RecordError::Conflict { .. })
        ));
        world.verified().await;
    });
}

#[test]
fn a_dose_waits_for_its_person_and_is_counted_anew_when_the_person_arrives() {
    on_each_engine(async |world| {
        let receipt = world.record(world.report(FIRST)).await.unwrap();
        assert_eq!(receipt.answer, Answer::Pending);
        let unknown = (
            "2021-06-01".to_owned(),
            Sex::Unknown,
            AgeBand::Unknown,
            1,
            1,
        );
        assert_eq!(counted(&world).await, [unknown]);
        let loaded = world
            .load(
                CHIYODA,
                &[resident("1", "0000012345", "19460503", Sex::Female)],
            )
            .await;
        assert_eq!((loaded.new, loaded.matched), (1, 1));
        let known = ("2021-06-01".to_owned(), Sex::Female, AgeBand::From65, 1, 1);
        assert_eq!(counted(&world).await, [known]);
        let record = store::doses::record(&world.db, &desk(CHIYODA), receipt.dose)
            .await
            .unwrap();
        assert!(!record.unwrap().pending);
        let again = world
            .load(
                CHIYODA,
                &[resident("1", "0000012345", "19460503", Sex::Female)],
            )
            .await;
        assert_eq!((again.unchanged, again.matched), (1, 0));
        world.verified().await;
    });
}

#[test]
fn a_dose_that_still_waits_finds_its_person_when_the_same_file_is_loaded_again() {
    on_each_engine(async |world| {
        let person = resident("1", "0000012345", "19460503", Sex::Female);
        world.load(CHIYODA, std::slice::from_ref(&person)).await;
        let receipt = world.record(world.report(FIRST)).await.unwrap();
        // As if the import had been cut off after the register and before the records: the person is
        // out of sight while a dose comes in, and there again afterwards, with nothing judged anew.
        let hide = async |meddle: &'static str| {
            let mut tx = world.db.begin().await.unwrap();
            tx.query(meddle).expect(1).await.unwrap();
            tx.commit().await.unwrap();
        };
        hide("UPDATE resident SET resident_no = 'hidden'").await;
        let late = world.record(world.report(SECOND)).await.unwrap();
        assert!(found(&late.findings).contains(&FindingCode::NotRegistered));
        hide("UPDATE resident SET resident_no = '1'").await;
        let again = world.load(CHIYODA, &[person]).await;
        assert_eq!((again.unchanged, again.matched), (1, 1));
        for dose in [receipt.dose, late.dose] {
            let record = store::doses::record(&world.db, &desk(CHIYODA), dose)
                .await
                .unwrap();
            assert!(!record.unwrap().pending);
        }
        world.verified().await;
    });
}

#[test]
fn a_dose_of_another_city_lands_there_and_says_so() {
    on_each_engine(async |world| {
        world
            .load(
                SAPPORO,
                &[resident("1", "0000000001", "19900101", Sex::Male)],
            )
            .await;
        let receipt = world
            .record(world.report("210110020000000001"))
            .await
            .unwrap();
        assert_eq!(receipt.answer, Answer::OutOfResidence);
        assert_eq!(receipt.municipality, city(SAPPORO));
        let there = store::doses::page(&world.db, &desk(SAPPORO), &Filter::default(), 10)
            .await
            .unwrap();
        assert_eq!(there.items.len(), 1);
        let here = store::doses::page(&world.db, &desk(CHIYODA), &Filter::default(), 10)
            .await
            .unwrap();
        assert_eq!(here.items.len(), 0);
        world.verified().await;
    });
}

#[test]
fn an_interview_is_kept_but_never_counted() {
    on_each_engine(async |world| {
        world
            .load(
                CHIYODA,
                &[resident("1", "0000012345", "19460503", Sex::Female)],
            )
            .await;
        let receipt = world
            .record(world.report("111310160000012345"))
            .await
            .unwrap();
        assert_eq!(receipt.answer, Answer::InterviewOnly);
        assert_eq!(counted(&world).await, []);
        world.verified().await;
    });
}

#[test]
fn digits_that_lead_nowhere_are_quarantined_with_the_venues_city() {
    on_each_engine(async |world| {
        // 131017 breaks the check digit; 999997 holds it but is no city.
        for digits in [
            "211310170000012345",
            "219999970000012345",
            "911310160000012345",
        ] {
            let receipt = world.record(world.report(digits)).await.unwrap();
            assert_eq!(receipt.answer, Answer::Quarantined, "{digits}");
            assert_eq!(receipt.municipality, city(CHIYODA));
        }
        assert_eq!(counted(&world).await, []);
        world.verified().await;
    });
}

#[test]
fn a_date_in_the_future_or_before_the_product_is_kept_in_quarantine() {
    on_each_engine(async |world| {
        for (on, code) in [
            ("2021-06-02", FindingCode::FutureDate),
            ("2020-12-31", FindingCode::BeforeProduct),
        ] {
            let mut report = world.report(FIRST);
            report.given_on = day(on);
            let receipt = world.record(report).await.unwrap();
            assert_eq!(receipt.answer, Answer::Quarantined);
            assert!(
                found(&receipt.findings).contains(&code),
                "{on}: {:?}",
                receipt.findings
            );
        }
        assert_eq!(counted(&world).await, []);
        world.verified().await;
    });
}

#[test]
fn a_second_story_of_the_same_dose_clashes_until_one_is_taken_back() {
    on_each_engine(async |world| {
        world
            .load(
                CHIYODA,
                &[resident("1", "0000012345", "19460503", Sex::Female)],
            )
            .await;
        let first = world.record(world.report(FIRST)).await.unwrap();
        let mut other = world.report(FIRST);
        other.given_on = day("2021-05-30");
        let second = world
            .recorder
            .report(&venue(2, CHIYODA), other)
            .await
            .unwrap();
        assert_eq!(second.answer, Answer::Clash);
        assert_eq!(second.findings[0].day, Some(day("2021-06-01")));
        let by = Authority::City(desk(CHIYODA));
        world
            .recorder
            .void(&by, decision(&world, &first, "別人の記録"))
            .await
            .unwrap();
        let record = store::doses::record(&world.db, &desk(CHIYODA), second.dose)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(record.standing, Standing::Counted);
        assert!(!found(&record.findings).contains(&FindingCode::SameTurnDiffers));
        let cell = ("2021-05-30".to_owned(), Sex::Female, AgeBand::From65, 1, 1);
        assert_eq!(counted(&world).await, [cell]);
        world.verified().await;
    });
}

#[test]
fn the_same_dose_told_by_two_tablets_is_already_recorded() {
    on_each_engine(async |world| {
        world.record(world.report(FIRST)).await.unwrap();
        let again = world.record(world.report(FIRST)).await.unwrap();
        assert_eq!(again.answer, Answer::AlreadyRecorded);
        assert_eq!(counted(&world).await.len(), 1);
        world.verified().await;
    });
}

#[test]
fn a_second_dose_before_its_day_is_warned_with_the_earliest_one() {
    on_each_engine(async |world| {
        world.record(world.report(FIRST)).await.unwrap();
        world.set_day("2021-06-19");
        let early = world.record(world.report(SECOND)).await.unwrap();
        let too_soon = early
            .findings
            .iter()
            .find(|one| one.code == FindingCode::TooSoon)
            .unwrap();
        assert_eq!(too_soon.day, Some(day("2021-06-20")));
        world.verified().await;
    });
}

#[test]
fn a_missing_first_dose_that_arrives_later_settles_the_second() {
    on_each_engine(async |world| {
        let second = world.record(world.report(SECOND)).await.unwrap();
        assert!(found(&second.findings).contains(&FindingCode::EarlierTurnMissing));
        let mut late = world.report(FIRST);
        late.given_on = day("2021-05-01");
        world.record(late).await.unwrap();
        let record = store::doses::record(&world.db, &desk(CHIYODA), second.dose)
            .await
            .unwrap()
            .unwrap();
        assert!(!found(&record.findings).contains(&FindingCode::EarlierTurnMissing));
        world.verified().await;
    });
}

#[test]
fn a_venue_corrects_on_the_same_day_only_and_never_what_the_city_confirmed() {
    on_each_engine(async |world| {
        let receipt = world.record(world.report(FIRST)).await.unwrap();
        let here = Authority::Venue(venue(1, CHIYODA));
        let correction = |lot: &str| Correction {
            id: world.id(),
            dose: receipt.dose,
            city: receipt.municipality,
            given_on: day("2021-06-01"),
            turn: 1,
            product: "comirnaty_12_mono".into(),
            lot: lot.into(),
            doctor: "佐藤".into(),
            reason: "ロットの選び間違い".into(),
            device: "tablet-1".into(),
            seen: None,
        };
        world
            .recorder
            .correct(&here, correction("FA5765"))
            .await
            .unwrap();
        let elsewhere = Authority::Venue(venue(2, CHIYODA));
        assert!(matches!(
            world.recorder.correct(&elsewhere, correction("X")).await,
            Err(RecordError::NotFound)
        ));
        let city = desk(CHIYODA);
        world
            .recorder
            .confirm(&city, decision(&world, &receipt, ""))
            .await
            .unwrap();
        assert!(matches!(
            world
                .recorder
                .void(&here, decision(&world, &receipt, "x"))
                .await,
            Err(RecordError::Refused(ChangeRefusal::Confirmed))
        ));
        world
            .recorder
            .reopen(&city, decision(&world, &receipt, "確認"))
            .await
            .unwrap();
        world.set_day("2021-06-02");
        assert!(matches!(
            world
                .recorder
                .void(&here, decision(&world, &receipt, "x"))
                .await,
            Err(RecordError::Refused(ChangeRefusal::NotToday { .. }))
        ));
        let another = Authority::City(desk(SAPPORO));
        assert!(matches!(
            world
                .recorder
                .void(&another, decision(&world, &receipt, "x"))
                .await,
            Err(RecordError::NotFound)
        ));
        let record = store::doses::record(&world.db, &city, receipt.dose)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(record.lot, "FA5765");
        assert_eq!(record.line.as_str(), FIRST);
        assert_eq!(world.verified().await.entries, 4);
    });
}

#[test]
fn many_at_once_share_commits_and_each_has_its_own_answer() {
    on_each_engine(async |world| {
        let mut tasks = tokio::task::JoinSet::new();
        for person in 0..400_u32 {
            let mut report = world.report(&format!("21{CHIYODA}{person:010}"));
            if person % 10 == 0 {
                report.given_on = day("2030-01-01");
            }
            let recorder = world.recorder.clone();
            tasks.spawn(async move { (person, recorder.report(&venue(1, CHIYODA), report).await) });
        }
        while let Some(done) = tasks.join_next().await {
            let (person, answer) = done.unwrap();
            let expected = if person % 10 == 0 {
                Answer::Quarantined
            } else {
                Answer::Pending
            };
            assert_eq!(answer.unwrap().answer, expected);
        }
        let report = world.verified().await;
        assert_eq!((report.entries, report.records), (400, 400));
        assert_eq!(counted(&world).await[0].4, 360);
    });
}

#[test]
fn counting_again_from_the_first_entry_gives_the_same() {
    on_each_engine(async |world| {
        for person in 0..30_u32 {
            world
                .record(world.report(&format!("21{CHIYODA}{:010}", person % 20)))
                .await
                .unwrap();
            if person % 7 == 0 {
                store::statistics::project(&world.db, world.recorder.recent())
                    .await
                    .unwrap();
            }
        }
        let before = counted(&world).await;
        store::statistics::rebuild(&world.db).await.unwrap();
        assert_eq!(counted(&world).await, before);
        assert_eq!(before[0].4, 20);
        assert_eq!(world.verified().await.lag, 0);
    });
}

#[test]
fn a_round_of_counting_reaches_every_city() {
    on_each_engine(async |world| {
        let cities = domain::places::Places::bundled()
            .municipalities(day("2021-06-01"))
            .take(600);
        for place in cities {
            let report = world.report(&format!("21{}0000000001", place.code));
            world.record(report).await.unwrap();
        }
        assert_eq!(
            store::statistics::project(&world.db, &store::Recent::default())
                .await
                .unwrap(),
            600
        );
        assert_eq!(store::statistics::lag(&world.db).await.unwrap(), 0);
    });
}

#[test]
fn an_id_of_another_organisation_is_refused_and_overwrites_nothing() {
    on_each_engine(async |world| {
        let first = world.report(FIRST);
        let id = first.id;
        world.record(first).await.unwrap();
        let mut taken = world.report(&format!("21{CHIYODA}0000000002"));
        taken.id = id;
        taken.lot = "FAKE1".to_owned();
        let neighbour = world.report(&format!("21{CHIYODA}0000000003"));
        let other_venue = venue(2, CHIYODA);
        let (refused, recorded) = tokio::join!(
            world.recorder.report(&other_venue, taken.clone()),
            world.recorder.report(&other_venue, neighbour)
        );
        for refused in [refused, world.recorder.report(&other_venue, taken).await] {
            assert!(matches!(
                refused,
                Err(RecordError::Store(store::Error::Exists))
            ));
        }
        recorded.unwrap();
        let kept = store::recorder::receipt(&world.db, &venue(1, CHIYODA), id).await;
        assert_eq!(kept.unwrap().unwrap().seq, 1);
        assert_eq!(counted(&world).await[0].4, 2);
        let verified = world.verified().await;
        assert_eq!(verified.entries, 2);
    });
}

/// A lone report looks without a lock: a person who arrives at that moment must not be missed.
#[test]
fn a_dose_and_its_person_that_come_at_once_find_each_other() {
    on_each_engine(async |world| {
        world.record(world.report(FIRST)).await.unwrap();
        for person in 0..60_u32 {
            let digits = format!("{person:010}");
            let report = world.report(&format!("21{CHIYODA}{digits}"));
            let people = [resident(
                &format!("{person}"),
                &digits,
                "19500101",
                Sex::Female,
            )];
            let (recorded, loaded) =
                tokio::join!(world.record(report), world.load(CHIYODA, &people));
            recorded.unwrap();
            assert_eq!(loaded.new, 1);
        }
        let counts = store::doses::desk(&world.db, &desk(CHIYODA)).await.unwrap();
        // The very first coupon has nobody.
        assert_eq!((counts.pending, counts.residents), (1, 60));
        world.verified().await;
    });
}

#[test]
fn two_servers_that_record_in_the_same_cities_come_between_each_other_and_lose_nothing() {
    on_each_engine(async |world| {
        let (other, other_writers) =
            Recorder::start(&world.db, &world.outside, Pace::default()).unwrap();
        let mut tasks = tokio::task::JoinSet::new();
        for person in 0..240_u32 {
            let city = [CHIYODA, SAPPORO][usize::from(person % 3 == 0)];
            let report = world.report(&format!("21{city}{person:010}"));
            let server = if person % 2 == 0 {
                world.recorder.clone()
            } else {
                other.clone()
            };
            tasks.spawn(async move {
                server.report(&venue(1, CHIYODA), report).await.unwrap();
            });
        }
        while let Some(done) = tasks.join_next().await {
            done.unwrap();
        }
        drop(other);
        other_writers.finish().await;
        assert_eq!(
            counted(&world).await.iter().map(|cell| cell.4).sum::<i64>(),
            240
        );
        assert_eq!(world.verified().await.entries, 240);
    });
}

#[test]
fn two_servers_that_count_at_once_count_each_dose_once() {
    on_each_engine(async |world| {
        let mut tasks = tokio::task::JoinSet::new();
        for person in 0..200_u32 {
            let report = world.report(&format!("21{CHIYODA}{person:010}"));
            let (recorder, db) = (world.recorder.clone(), world.db.clone());
            tasks.spawn(async move {
                recorder.report(&venue(1, CHIYODA), report).await.unwrap();
                // One counts what it recorded itself, the other reads it.
                let read = store::Recent::default();
                let recent = if person % 2 == 0 {
                    recorder.recent()
                } else {
                    &read
                };
                match store::statistics::project(&db, recent).await {
                    Ok(_) | Err(store::Error::Busy) => {}
                    Err(error) => panic!("{error}"),
                }
            });
        }
        while let Some(done) = tasks.join_next().await {
            done.unwrap();
        }
        assert_eq!(counted(&world).await[0].4, 200);
        world.verified().await;
    });
}

#[test]
fn the_proof_finds_what_was_changed_behind_the_ledgers_back() {
    on_each_engine(async |world| {
        for person in 0..5_u32 {
            world
                .record(world.report(&format!("21{CHIYODA}{person:010}")))
                .await
                .unwrap();
        }
        store::statistics::project(&world.db, &store::Recent::default())
            .await
            .unwrap();
        for (meddle, what) in [
            ("UPDATE ledger SET device = 'x' WHERE seq = 3", "hash"),
            ("UPDATE dose SET lot = 'x' WHERE seq = 2", "record"),
            ("UPDATE tally SET doses = doses + 1", "tally"),
            ("DELETE FROM receipt", "receipt"),
            (
                "UPDATE receipt SET day = '2021-06-02' WHERE seq = 3",
                "receipt",
            ),
            (
                "UPDATE receipt SET content = commitment FROM ledger WHERE receipt.seq = ledger.seq",
                "receipt",
            ),
            (
                "INSERT INTO receipt SELECT organisation, hash, municipality, dose_id, seq, act, commitment, '2021-06-01' FROM ledger",
                "receipt",
            ),
            ("UPDATE tally_city SET doses = doses - 1", "tally_city"),
            ("UPDATE progress SET seq = seq + 1", "progress"),
            ("UPDATE dose SET confirmed = 1 WHERE seq = 1", "record"),
            ("UPDATE dose SET severity = 2 WHERE seq = 1", "record"),
            ("UPDATE dose SET recorded_at = 0 WHERE seq = 1", "record"),
            ("DELETE FROM dose WHERE seq = 5", "record"),
            ("UPDATE chain SET seq = seq + 1", "head"),
            (
                "UPDATE ledger SET personal = REPLACE(personal, 'EY2173', 'EY2174') WHERE seq = 4",
                "commitment",
            ),
            ("DELETE FROM ledger WHERE seq = 1", "sequence"),
        ] {
            let mut tx = world.db.begin().await.unwrap();
            tx.query(meddle).run().await.unwrap();
            // What is not committed is undone when `tx` goes; so each is tried alone, seen through `tx`.
            let report = store::verify::verify_in(&mut tx).await.unwrap();
            assert_eq!(
                report.difference.map(|one| one.what),
                Some(what),
                "{meddle}"
            );
        }
        world.verified().await;
    });
}

#[test]
fn the_ledger_is_searched_by_number_name_and_kana_and_paged_by_key() {
    on_each_engine(async |world| {
        world
            .load(
                CHIYODA,
                &[resident("1", "0000000003", "19460503", Sex::Female)],
            )
            .await;
        for person in 0..25_u32 {
            world
                .record(world.report(&format!("21{CHIYODA}{person:010}")))
                .await
                .unwrap();
        }
        let desk = desk(CHIYODA);
        let mut seen = Vec::new();
        let mut filter = Filter::default();
        loop {
            let page = store::doses::page(&world.db, &desk, &filter, 10)
                .await
                .unwrap();
            seen.extend(page.items.iter().map(|listed| listed.record.seq));
            match page.next {
                Some(next) => filter.before_seq = Some(next),
                None => break,
            }
        }
        assert_eq!(seen, (1..=25).rev().collect::<Vec<_>>());
        for text in ["0000000003", "山田", "やまだ", "ﾔﾏﾀﾞ"] {
            let filter = Filter {
                text: Some(text.into()),
                ..Filter::default()
            };
            let page = store::doses::page(&world.db, &desk, &filter, 10)
                .await
                .unwrap();
            assert_eq!(page.items.len(), 1, "{text}");
            assert_eq!(page.items[0].name.as_deref(), Some("山田 1"));
        }
        let waiting = Filter {
            pending: true,
            ..Filter::default()
        };
        assert_eq!(
            store::doses::page(&world.db, &desk, &waiting, 200)
                .await
                .unwrap()
                .items
                .len(),
            24
        );
        let counts = store::doses::desk(&world.db, &desk).await.unwrap();
        assert_eq!(
            (counts.pending, counts.entries, counts.residents),
            (24, 25, 1)
        );
        let person = store::doses::person(&world.db, &desk, number("0000000003"))
            .await
            .unwrap();
        assert_eq!(person.unwrap().records.len(), 1);
    });
}

#[test]
fn a_venues_list_of_the_day_is_its_own() {
    on_each_engine(async |world| {
        world.record(world.report(FIRST)).await.unwrap();
        let other = world.report("210110020000000001");
        world
            .recorder
            .report(&venue(2, CHIYODA), other)
            .await
            .unwrap();
        let mine = venue(1, CHIYODA);
        let today = store::doses::today_of_venue(&world.db, &mine, day("2021-06-01"), None, 50);
        assert_eq!(today.await.unwrap().len(), 1);
        let counts = store::doses::count_of_venue(&world.db, &mine, day("2021-06-01"))
            .await
            .unwrap();
        assert_eq!(counts, [(Standing::Counted, 1)]);
        let tomorrow = store::doses::today_of_venue(&world.db, &mine, day("2021-06-02"), None, 50);
        assert_eq!(tomorrow.await.unwrap().len(), 0);
    });
}

#[test]
fn a_database_that_cannot_be_written_says_so() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let location = store::Location::Sqlite(folder.path().join("test.db"));
        let world = World::new(store::Db::open(&location).await.unwrap()).await;
        let report = world.report(FIRST);
        let reading = store::Db::open_reading(&location).await.unwrap();
        let outside = store::recorder::Outside {
            now: std::sync::Arc::new(|| domain::calendar::Instant::from_micros(0)),
            salt: std::sync::Arc::new(|| [0; 16]),
        };
        let (recorder, _writers) =
            store::recorder::Recorder::start(&reading, &outside, Pace::default()).unwrap();
        let answer = recorder.report(&venue(1, CHIYODA), report.clone()).await;
        assert!(
            matches!(
                answer,
                Err(RecordError::Store(store::Error::Unavailable(_)))
            ),
            "{answer:?}"
        );
        // The sender kept it and sends it again, elsewhere or later.
        assert!(!world.record(report).await.unwrap().replayed);
        world.verified().await;
    });
}

#[test]
fn work_that_is_given_up_in_the_middle_locks_nobody_out() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("test.db");
        let location = store::Location::Sqlite(path.clone());
        let world = World::new(store::Db::open(&location).await.unwrap()).await;
        let mut tx = world.db.begin().await.unwrap();
        tx.query("DELETE FROM chain").run().await.unwrap();
        drop(tx);
        // Another program; it waits for a lock as long as its own patience lasts.
        use sqlx::Connection;
        let url = format!("sqlite:{}", path.display());
        let mut other = sqlx::SqliteConnection::connect(&url).await.unwrap();
        let begun = sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await;
        assert!(begun.is_ok(), "{begun:?}");
        sqlx::query("ROLLBACK").execute(&mut other).await.unwrap();
        world.record(world.report(FIRST)).await.unwrap();
        world.verified().await;
    });
}
