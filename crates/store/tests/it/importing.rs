//! Files that are looked through, approved, applied and undone, on both engines.

use domain::access::CityPermit;
use domain::addresses::Address;
use domain::calendar::Instant;
use domain::doses::Answer;
use domain::people::{Question, Sex};
use store::imports::residents::Line;
use store::imports::{self, Became, Decided, InHand, Kind, NewImport, Place, Remark, Rows, State};
use store::people;
use store::residents::{Addresses, OtherNames, Resident};
use uuid::Uuid;

use crate::world::{CHIYODA, SAPPORO, World, desk, number, on_each_engine, resident};

const WORKER: Uuid = Uuid::from_u128(0xA);
const OTHER: Uuid = Uuid::from_u128(0xB);

fn later(world: &World, seconds: i64) -> Instant {
    Instant::from_micros(world.now().micros() + seconds * 1_000_000)
}

fn decided(world: &World, seconds: i64) -> Decided {
    Decided {
        audit: world.id(),
        at: later(world, seconds),
    }
}

fn lines(residents: &[Resident]) -> Vec<Line> {
    let numbered = (2..).zip(residents);
    numbered
        .map(|(line, resident)| Line {
            line,
            resident: resident.clone(),
            number: None,
            addresses: Addresses::Told,
            keys: None,
        })
        .collect()
}

fn end(people: &[Line]) -> Place {
    Place {
        line: people.last().map_or(1, |one| one.line),
        bytes: 100,
    }
}

async fn handed_in(world: &World, permit: &CityPermit) -> Uuid {
    let new = NewImport {
        id: world.id(),
        kind: Kind::Residents,
        file_name: "residents.csv".into(),
        encoding: "utf-8".into(),
    };
    imports::begin(&world.db, permit, &new, world.now())
        .await
        .unwrap();
    imports::take_piece(
        &world.db,
        None,
        permit,
        (new.id, 0),
        &[b'x'; 100],
        world.now(),
    )
    .await
    .unwrap();
    assert!(imports::complete(&world.db, permit, new.id).await.unwrap());
    new.id
}

async fn in_hand(world: &World, seconds: i64) -> InHand {
    imports::take_in_hand(&world.db, WORKER, later(world, seconds))
        .await
        .unwrap()
        .unwrap()
}

async fn looked_through(world: &World, id: Uuid, people: &[Line], remarks: Vec<Remark>) {
    let mut hand = in_hand(world, 1).await;
    assert_eq!(hand.import.id, id);
    imports::start_checking(&world.db, &mut hand).await.unwrap();
    imports::check(
        &world.db,
        &mut hand,
        &Rows::Residents(people.to_vec()),
        remarks,
        0,
        end(people),
        later(world, 2),
    )
    .await
    .unwrap();
    imports::checked(&world.db, &hand).await.unwrap();
}

async fn apply(world: &World, permit: &CityPermit, hand: &mut InHand, people: &[Line]) {
    let id = || world.id();
    imports::apply(
        &world.db,
        &world.recorder,
        None,
        permit,
        hand,
        &Rows::Residents(people.to_vec()),
        end(people),
        later(world, 4),
        &id,
    )
    .await
    .unwrap();
}

async fn found(world: &World, permit: &CityPermit, id: Uuid) -> imports::Import {
    imports::import(&world.db, permit, id)
        .await
        .unwrap()
        .unwrap()
}

/// The numbers of the people whom a clerk finds who types this.
async fn found_by_name(world: &World, permit: &CityPermit, typed: &str) -> String {
    let question = Question::read(typed).unwrap();
    let found = people::search(&world.db, permit, &question, None, 10).await;
    let people = found.unwrap().by_name.items;
    let numbers: Vec<String> = people.into_iter().map(|one| one.resident_no).collect();
    numbers.join(" ")
}

async fn undo_all(world: &World, permit: &CityPermit, id: Uuid) {
    assert_eq!(
        imports::undo(&world.db, permit, id, decided(world, 10))
            .await
            .unwrap(),
        Became::Moved
    );
    let mut hand = in_hand(world, 11).await;
    let fresh = || world.id();
    while imports::undo_stretch(
        &world.db,
        &world.recorder,
        permit,
        &mut hand,
        later(world, 12),
        &fresh,
    )
    .await
    .unwrap()
    {}
}

#[test]
fn a_file_changes_nothing_until_it_is_approved_and_nothing_once_it_is_undone() {
    on_each_engine(async |world| {
        let permit = desk(CHIYODA);
        let before = [
            resident("1", "0000000001", "19500101", Sex::Female),
            resident("2", "0000000002", "19600101", Sex::Male),
        ];
        world.load(CHIYODA, &before).await;
        let waits = world
            .record(world.report(&format!("21{CHIYODA}0000000003")))
            .await;
        assert_eq!(waits.unwrap().answer, Answer::Pending);
        let mut married = before[0].clone();
        married.name = "鈴木 1".into();
        let people = lines(&[
            married,
            before[1].clone(),
            resident("3", "0000000003", "19700101", Sex::Female),
            // Somebody else's number.
            resident("4", "0000000002", "19800101", Sex::Male),
        ]);
        let id = handed_in(&world, &permit).await;
        looked_through(&world, id, &people, Vec::new()).await;
        let import = found(&world, &permit, id).await;
        assert_eq!(import.state, State::Ready);
        let counts = import.found;
        assert_eq!(
            (
                counts.new,
                counts.changed,
                counts.unchanged,
                counts.rejected
            ),
            (1, 1, 1, 1)
        );
        let remarks = imports::remarks(&world.db, &permit, id, 0).await.unwrap();
        assert_eq!(
            (remarks[0].line, remarks[0].code.as_str()),
            (5, "coupon_taken")
        );
        let desk_before = store::doses::desk(&world.db, &permit).await.unwrap();
        assert_eq!((desk_before.pending, desk_before.residents), (1, 2));

        assert_eq!(
            imports::approve(&world.db, &permit, id, decided(&world, 3))
                .await
                .unwrap(),
            Became::Moved
        );
        assert_eq!(
            imports::approve(&world.db, &permit, id, decided(&world, 3))
                .await
                .unwrap(),
            Became::TooLate
        );
        let mut hand = in_hand(&world, 4).await;
        apply(&world, &permit, &mut hand, &people).await;
        imports::applied(&world.db, &hand).await.unwrap();
        let import = found(&world, &permit, id).await;
        let done = import.done;
        assert_eq!(import.state, State::Done);
        assert_eq!(
            (done.new, done.changed, done.taken, done.matched),
            (1, 1, 1, 1)
        );
        assert!(
            imports::piece(&world.db, None, &permit, (id, 0))
                .await
                .unwrap()
                .is_none()
        );
        let desk_after = store::doses::desk(&world.db, &permit).await.unwrap();
        assert_eq!((desk_after.pending, desk_after.residents), (0, 3));

        undo_all(&world, &permit, id).await;
        let import = found(&world, &permit, id).await;
        assert_eq!(import.state, State::Undone);
        assert_eq!((import.done.put_back, import.done.left), (2, 0));
        let desk_again = store::doses::desk(&world.db, &permit).await.unwrap();
        assert_eq!((desk_again.pending, desk_again.residents), (1, 2));
        // The dose found its person and lost it again: the ledger tells both.
        assert_eq!(desk_again.entries, desk_before.entries + 2);
        let person = store::doses::person(&world.db, &permit, number("0000000001"));
        assert_eq!(person.await.unwrap().unwrap().resident.unwrap(), before[0]);
        world.verified().await;
    });
}

/// A city's first file: so many people that no engine is sent them in one piece.
fn first_file() -> Vec<Resident> {
    let each = (1..=1100).map(|n| {
        let digits = format!("{n:010}");
        resident(&n.to_string(), &digits, "19500101", Sex::Female)
    });
    each.collect()
}

#[test]
fn a_citys_first_file_finds_the_doses_that_waited_for_it_and_can_be_undone() {
    on_each_engine(async |world| {
        let permit = desk(CHIYODA);
        let waits = world
            .record(world.report(&format!("21{CHIYODA}0000000700")))
            .await;
        assert_eq!(waits.unwrap().answer, Answer::Pending);
        let mut people = first_file();
        people[1].other_names = OtherNames {
            alias_kana: "ヤマモト".into(),
            ..OtherNames::default()
        };
        let people = lines(&people);
        let id = handed_in(&world, &permit).await;
        looked_through(&world, id, &people, Vec::new()).await;
        let import = found(&world, &permit, id).await;
        assert_eq!((import.found.new, import.found.lines), (1100, 1100));
        imports::approve(&world.db, &permit, id, decided(&world, 3))
            .await
            .unwrap();
        let mut hand = in_hand(&world, 4).await;
        // Whoever read the file may have made the keys already; it is the same then.
        let ahead: Vec<Line> = people.iter().cloned().map(Line::with_keys).collect();
        apply(&world, &permit, &mut hand, &ahead).await;
        let import = found(&world, &permit, id).await;
        assert_eq!((import.done.new, import.done.matched), (1100, 1));
        assert_eq!(import.lines, 1101);
        imports::applied(&world.db, &hand).await.unwrap();
        let desk_after = store::doses::desk(&world.db, &permit).await.unwrap();
        assert_eq!((desk_after.pending, desk_after.residents), (0, 1100));
        let person = store::doses::person(&world.db, &permit, number("0000000002"));
        let person = person.await.unwrap().unwrap().resident.unwrap();
        assert_eq!(person, people[1].resident);
        assert_eq!(found_by_name(&world, &permit, "やまもと").await, "2");

        undo_all(&world, &permit, id).await;
        let desk_again = store::doses::desk(&world.db, &permit).await.unwrap();
        assert_eq!((desk_again.pending, desk_again.residents), (1, 0));
        world.verified().await;
    });
}

#[test]
fn how_far_a_stretch_without_doses_is_is_said_together_with_it() {
    on_each_engine(async |world| {
        let permit = desk(CHIYODA);
        let people = lines(&first_file());
        let id = handed_in(&world, &permit).await;
        looked_through(&world, id, &people, Vec::new()).await;
        imports::approve(&world.db, &permit, id, decided(&world, 3))
            .await
            .unwrap();
        let mut silent = in_hand(&world, 4).await;
        let taken_over = imports::take_in_hand(&world.db, OTHER, later(&world, 60)).await;
        assert_eq!(taken_over.unwrap().unwrap().import.id, id);
        let fresh = || world.id();
        let late = imports::apply(
            &world.db,
            &world.recorder,
            None,
            &permit,
            &mut silent,
            &Rows::Residents(people.clone()),
            end(&people),
            later(&world, 61),
            &fresh,
        )
        .await;
        assert!(matches!(late, Err(store::Error::Busy)), "{late:?}");
        // Nobody came into the register by the hand of a server that has the file no more.
        let desk = store::doses::desk(&world.db, &permit).await.unwrap();
        assert_eq!(desk.residents, 0);
    });
}

#[test]
fn who_came_after_a_first_file_was_looked_through_is_not_taken_for_new() {
    on_each_engine(async |world| {
        let permit = desk(CHIYODA);
        let people = lines(&first_file());
        let id = handed_in(&world, &permit).await;
        looked_through(&world, id, &people, Vec::new()).await;
        assert!(found(&world, &permit, id).await.found.is_only_new());
        // One of the file as it says, one with another name, and one with somebody else's number.
        let mut married = people[4].resident.clone();
        married.name = "鈴木 5".into();
        let came = [
            people[2].resident.clone(),
            married,
            resident("9999", "0000000009", "19800101", Sex::Male),
        ];
        world.load(CHIYODA, &came).await;
        imports::approve(&world.db, &permit, id, decided(&world, 3))
            .await
            .unwrap();
        let mut hand = in_hand(&world, 4).await;
        apply(&world, &permit, &mut hand, &people).await;
        let done = found(&world, &permit, id).await.done;
        assert_eq!(
            (done.new, done.changed, done.unchanged, done.taken),
            (1097, 1, 1, 1)
        );
        imports::applied(&world.db, &hand).await.unwrap();
        undo_all(&world, &permit, id).await;
        let desk = store::doses::desk(&world.db, &permit).await.unwrap();
        assert_eq!(desk.residents, 3);
    });
}

#[test]
fn a_file_without_addresses_leaves_them_and_a_protected_person_has_none() {
    on_each_engine(async |world| {
        let permit = desk(CHIYODA);
        let living = |no: &str, place: &str| Resident {
            address: Address::of(None, place.into(), String::new()),
            ..resident(no, &format!("{no:0>10}"), "19500101", Sex::Female)
        };
        world
            .load(
                CHIYODA,
                &[living("1", "千代田1-1"), living("2", "千代田2-2")],
            )
            .await;
        let place = async |digits: &str| {
            let found = store::doses::person(&world.db, &permit, number(digits)).await;
            let resident = found.unwrap().unwrap().resident.unwrap();
            resident.address.map(|address| address.place)
        };
        let [one, two] = ["0000000001", "0000000002"];
        // The first married, the second is protected now; the file has no addresses, or has another.
        let mut married = living("1", "");
        married.name = "鈴木".into();
        let mut people = lines(&[
            married,
            Resident {
                protected: true,
                ..living("2", "千代田3-3")
            },
        ]);
        people
            .iter_mut()
            .for_each(|line| line.addresses = Addresses::NotTold);
        let id = handed_in(&world, &permit).await;
        looked_through(&world, id, &people, Vec::new()).await;
        let found = found(&world, &permit, id).await.found;
        assert_eq!((found.changed, found.unchanged), (2, 0));
        imports::approve(&world.db, &permit, id, decided(&world, 3))
            .await
            .unwrap();
        let mut hand = in_hand(&world, 4).await;
        apply(&world, &permit, &mut hand, &people).await;
        imports::applied(&world.db, &hand).await.unwrap();
        assert_eq!(place(one).await.as_deref(), Some("千代田1-1"));
        assert_eq!(place(two).await, None);
        undo_all(&world, &permit, id).await;
        assert_eq!(place(one).await.as_deref(), Some("千代田1-1"));
        // Nobody knows any more where a person lived who was protected.
        assert_eq!(place(two).await, None);
        // A file that has the columns and leaves them empty says that it is not known.
        world.load(CHIYODA, &[living("1", "")]).await;
        assert_eq!(place(one).await, None);
    });
}

#[test]
fn nothing_of_what_imports_keep_says_where_a_protected_person_lived() {
    on_each_engine(async |world| {
        let permit = desk(CHIYODA);
        let living = |no: &str, place: &str| Resident {
            address: Address::of(None, place.into(), String::new()),
            ..resident(no, &format!("{no:0>10}"), "19500101", Sex::Female)
        };
        world
            .load(CHIYODA, &[living("1", "麹町1-1"), living("2", "番町2-2")])
            .await;
        // Both move within the city, by a file; so it keeps where they lived.
        let moved = lines(&[living("1", "神田3-3"), living("2", "神田4-4")]);
        let first = applied(&world, &permit, &moved, 0).await;
        let kept = async || {
            let rows: Vec<(String,)> = world
                .db
                .query(
                    "SELECT before FROM import_stretch UNION ALL SELECT address FROM import_address
                     UNION ALL SELECT COALESCE(address, '') FROM resident",
                )
                .all()
                .await
                .unwrap();
            let texts: Vec<String> = rows.into_iter().map(|(text,)| text).collect();
            texts.join("\n")
        };
        assert!(kept().await.contains("麹町1-1"));
        let hidden = lines(&[Resident {
            protected: true,
            ..living("1", "神田3-3")
        }]);
        let second = applied(&world, &permit, &hidden, 10).await;
        let left = kept().await;
        assert!(
            !left.contains("麹町") && !left.contains("神田3-3"),
            "{left}"
        );
        assert!(left.contains("番町2-2"), "the other's is kept: {left}");
        // Undone in their order, from the last: of the protected person nothing comes back.
        undo_all(&world, &permit, second).await;
        undo_all(&world, &permit, first).await;
        let left = kept().await;
        assert!(!left.contains("麹町") && left.contains("番町2-2"), "{left}");
    });
}

/// Hands a file in and has it applied, from so many seconds on.
async fn applied(world: &World, permit: &CityPermit, people: &[Line], seconds: i64) -> Uuid {
    let id = handed_in(world, permit).await;
    looked_through(world, id, people, Vec::new()).await;
    imports::approve(&world.db, permit, id, decided(world, 3 + seconds))
        .await
        .unwrap();
    let mut hand = in_hand(world, 4 + seconds).await;
    apply(world, permit, &mut hand, people).await;
    imports::applied(&world.db, &hand).await.unwrap();
    id
}

#[test]
fn people_are_found_by_the_names_they_have_before_and_after_undoing() {
    on_each_engine(async |world| {
        let permit = desk(CHIYODA);
        let called = |alias_kana: &str| Resident {
            other_names: OtherNames {
                alias_kana: alias_kana.into(),
                ..OtherNames::default()
            },
            ..resident("1", "0000000001", "19500101", Sex::Female)
        };
        let newcomer = Resident {
            resident_no: "2".into(),
            number: number("0000000002"),
            ..called("カネコ")
        };
        let found = async |typed: &str| found_by_name(&world, &permit, typed).await;
        world.load(CHIYODA, &[called("ヤマモト")]).await;
        assert_eq!(found("やまもと").await, "1");

        let id = handed_in(&world, &permit).await;
        let people = lines(&[called("カネコ"), newcomer]);
        looked_through(&world, id, &people, Vec::new()).await;
        assert_eq!(
            imports::approve(&world.db, &permit, id, decided(&world, 3))
                .await
                .unwrap(),
            Became::Moved
        );
        let mut hand = in_hand(&world, 4).await;
        apply(&world, &permit, &mut hand, &people).await;
        imports::applied(&world.db, &hand).await.unwrap();
        assert_eq!(found("やまもと").await, "");
        assert_eq!(found("かねこ").await, "1 2");
        assert_eq!(found("かねこ 1950-1-1").await, "1 2");

        undo_all(&world, &permit, id).await;
        assert_eq!(found("やまもと").await, "1");
        assert_eq!(found("かねこ").await, "");
        assert_eq!(found("0000000002").await, "");
    });
}

#[test]
fn a_stretch_that_was_applied_is_not_applied_twice() {
    on_each_engine(async |world| {
        let permit = desk(CHIYODA);
        let people = lines(&[
            resident("1", "0000000001", "19500101", Sex::Female),
            resident("2", "0000000002", "19600101", Sex::Male),
        ]);
        let id = handed_in(&world, &permit).await;
        looked_through(&world, id, &people, Vec::new()).await;
        imports::approve(&world.db, &permit, id, decided(&world, 3))
            .await
            .unwrap();
        let mut cut_off = in_hand(&world, 4).await;
        let before_it = cut_off.clone();
        apply(&world, &permit, &mut cut_off, &people).await;
        // The server ended before it could say so: the next one knows what the first knew.
        let mut again = before_it;
        apply(&world, &permit, &mut again, &people).await;
        assert_eq!(again.import.done, cut_off.import.done);
        assert_eq!(again.import.done.new, 2);
        imports::applied(&world.db, &again).await.unwrap();
        undo_all(&world, &permit, id).await;
        let desk = store::doses::desk(&world.db, &permit).await.unwrap();
        assert_eq!(desk.residents, 0);
    });
}

#[test]
fn whoever_was_changed_since_is_left_alone_by_undoing() {
    on_each_engine(async |world| {
        let permit = desk(CHIYODA);
        let people = lines(&[
            resident("1", "0000000001", "19500101", Sex::Female),
            resident("2", "0000000002", "19600101", Sex::Male),
        ]);
        let id = handed_in(&world, &permit).await;
        looked_through(&world, id, &people, Vec::new()).await;
        imports::approve(&world.db, &permit, id, decided(&world, 3))
            .await
            .unwrap();
        let mut hand = in_hand(&world, 4).await;
        apply(&world, &permit, &mut hand, &people).await;
        imports::applied(&world.db, &hand).await.unwrap();
        let mut corrected = people[0].resident.clone();
        corrected.kana = "タダシイ".into();
        world.load(CHIYODA, &[corrected]).await;
        undo_all(&world, &permit, id).await;
        let done = found(&world, &permit, id).await.done;
        assert_eq!((done.put_back, done.left), (1, 1));
        let desk = store::doses::desk(&world.db, &permit).await.unwrap();
        assert_eq!(desk.residents, 1);
    });
}

#[test]
fn a_silent_server_loses_the_import_to_another() {
    on_each_engine(async |world| {
        let permit = desk(CHIYODA);
        let id = handed_in(&world, &permit).await;
        let mut silent = in_hand(&world, 0).await;
        let at = |seconds| later(&world, seconds);
        let take = async |seconds| {
            imports::take_in_hand(&world.db, OTHER, at(seconds))
                .await
                .unwrap()
        };
        assert!(take(29).await.is_none());
        let other = take(31).await.unwrap();
        assert_eq!(other.import.id, id);
        let place = Place {
            line: 2,
            bytes: 100,
        };
        let late = imports::check(
            &world.db,
            &mut silent,
            &Rows::Residents(Vec::new()),
            Vec::new(),
            1,
            place,
            at(32),
        )
        .await;
        assert!(matches!(late, Err(store::Error::Busy)), "{late:?}");
        assert!(matches!(
            imports::checked(&world.db, &silent).await,
            Err(store::Error::Busy)
        ));
        imports::checked(&world.db, &other).await.unwrap();
    });
}

#[test]
fn a_file_is_seen_by_its_own_city_only() {
    on_each_engine(async |world| {
        let permit = desk(CHIYODA);
        let id = handed_in(&world, &permit).await;
        let other = desk(SAPPORO);
        assert!(
            imports::import(&world.db, &other, id)
                .await
                .unwrap()
                .is_none()
        );
        assert!(
            imports::list(&world.db, &other, None)
                .await
                .unwrap()
                .is_empty()
        );
        assert!(
            imports::piece(&world.db, None, &other, (id, 0))
                .await
                .unwrap()
                .is_none()
        );
        assert!(
            !imports::discard(&world.db, &other, id, decided(&world, 1))
                .await
                .unwrap()
        );
        assert_eq!(
            imports::list(&world.db, &permit, None).await.unwrap().len(),
            1
        );
        assert!(
            imports::discard(&world.db, &permit, id, decided(&world, 1))
                .await
                .unwrap()
        );
        assert!(
            imports::piece(&world.db, None, &permit, (id, 0))
                .await
                .unwrap()
                .is_none()
        );
    });
}
