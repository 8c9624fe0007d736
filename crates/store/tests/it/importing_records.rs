//! Files of doses typed from paper: recorded once, whatever happens in between, and taken back, on
//! both engines.

use domain::access::{self, Action, Actor, CityPermit, UserId};
use domain::amendments::Order;
use domain::approvals::{Matter, Wanted};
use domain::coupons::CouponLine;
use domain::doses::{DoseId, InputWay, Standing};
use domain::findings::FindingCode;
use domain::people::Sex;
use store::approvals::{How, set_wanted};
use store::doses::Record;
use store::imports::records::Line;
use store::imports::{self, Became, Decided, Import, InHand, Kind, NewImport, Place, Rows, State};
use store::recorder::{Authority, Correction, Decision};
use uuid::Uuid;

use crate::world::{CHIYODA, World, city, day, desk, number, on_each_engine, resident};

const WORKER: Uuid = Uuid::from_u128(0xA);

/// A line of the file: which dose of whom, and when.
fn line(line: u64, turn: u8, person: u64, on: &str) -> Line {
    let digits = format!("2{turn}{CHIYODA}{person:010}");
    Line {
        line,
        digits: CouponLine::parse(&digits).unwrap(),
        number: number(&digits[8..]),
        given_on: day(on),
        product: "comirnaty_12_mono".into(),
        lot: "EY2173".into(),
        doctor: "鈴木".into(),
        venue_name: "千代田会場".into(),
        order: Order::Record,
    }
}

/// A line that corrects or takes back what the other one says.
fn amending(order: Order, at: u64, said: &Line) -> Line {
    Line {
        line: at,
        order,
        ..said.clone()
    }
}

fn end(lines: &[Line]) -> Place {
    Place {
        line: lines.last().map_or(1, |one| one.line),
        bytes: 100,
    }
}

fn decided(world: &World) -> Decided {
    Decided {
        audit: world.id(),
        at: world.now(),
    }
}

async fn found(world: &World, permit: &CityPermit, id: Uuid) -> Import {
    let import = imports::import(&world.db, permit, id).await.unwrap();
    import.unwrap()
}

async fn in_hand(world: &World) -> InHand {
    let hand = imports::take_in_hand(&world.db, WORKER, world.now());
    hand.await.unwrap().unwrap()
}

/// Hands the lines in, and has them looked through.
async fn looked_through(world: &World, permit: &CityPermit, lines: &[Line]) -> Import {
    let new = NewImport {
        id: world.id(),
        kind: Kind::Records,
        file_name: "records.csv".into(),
        encoding: "utf-8".into(),
    };
    imports::begin(&world.db, permit, &new, world.now())
        .await
        .unwrap();
    imports::complete(&world.db, permit, new.id).await.unwrap();
    let mut hand = in_hand(world).await;
    imports::start_checking(&world.db, &mut hand).await.unwrap();
    let rows = Rows::Records(lines.to_vec());
    let place = end(lines);
    imports::check(
        &world.db,
        &mut hand,
        &rows,
        Vec::new(),
        0,
        place,
        world.now(),
    )
    .await
    .unwrap();
    imports::checked(&world.db, &hand).await.unwrap();
    let import = found(world, permit, new.id).await;
    assert_eq!((import.kind, import.state), (Kind::Records, State::Ready));
    import
}

async fn apply(world: &World, permit: &CityPermit, hand: &mut InHand, lines: &[Line]) {
    apply_up_to(world, permit, hand, lines, end(lines)).await;
}

async fn apply_up_to(
    world: &World,
    permit: &CityPermit,
    hand: &mut InHand,
    lines: &[Line],
    place: Place,
) {
    let rows = Rows::Records(lines.to_vec());
    let id = || world.id();
    imports::apply(
        &world.db,
        &world.recorder,
        None,
        permit,
        hand,
        &rows,
        place,
        world.now(),
        &id,
    )
    .await
    .unwrap();
}

async fn approved(world: &World, permit: &CityPermit, id: Uuid) -> InHand {
    let moved = imports::approve(&world.db, permit, id, decided(world)).await;
    assert_eq!(moved.unwrap(), Became::Moved);
    in_hand(world).await
}

/// Looked through, approved and applied at once.
async fn loaded(world: &World, permit: &CityPermit, lines: &[Line]) -> Import {
    let import = looked_through(world, permit, lines).await;
    let mut hand = approved(world, permit, import.id).await;
    apply(world, permit, &mut hand, lines).await;
    imports::applied(&world.db, &hand).await.unwrap();
    found(world, permit, import.id).await
}

async fn undone(world: &World, permit: &CityPermit, id: Uuid) -> Import {
    let moved = imports::undo(&world.db, permit, id, decided(world)).await;
    assert_eq!(moved.unwrap(), Became::Moved);
    let mut hand = in_hand(world).await;
    undo_stretches(world, permit, &mut hand).await;
    found(world, permit, id).await
}

async fn undo_stretches(world: &World, permit: &CityPermit, hand: &mut InHand) {
    let (db, recorder, fresh) = (&world.db, &world.recorder, || world.id());
    while imports::undo_stretch(db, recorder, permit, hand, world.now(), &fresh)
        .await
        .unwrap()
    {}
}

async fn records(world: &World, permit: &CityPermit, person: u64) -> Vec<Record> {
    let found = store::doses::person(&world.db, permit, number(&format!("{person:010}")));
    let found = found.await.unwrap();
    found.map_or_else(Vec::new, |person| person.records)
}

async fn entries(world: &World, permit: &CityPermit) -> i64 {
    let desk = store::doses::desk(&world.db, permit).await.unwrap();
    desk.entries
}

#[test]
fn a_file_of_doses_is_recorded_judged_and_counted_like_every_report() {
    on_each_engine(async |world| {
        let permit = desk(CHIYODA);
        world
            .load(
                CHIYODA,
                &[resident("1", "0000000001", "19500101", Sex::Female)],
            )
            .await;
        let lines = [
            line(2, 1, 1, "2021-05-10"),
            // Too soon after the first.
            line(3, 2, 1, "2021-05-12"),
            // Not in the register.
            line(4, 1, 7, "2021-05-10"),
            // After today.
            line(5, 1, 8, "2021-08-01"),
        ];
        let import = looked_through(&world, &permit, &lines).await;
        assert_eq!((import.found.lines, import.found.new), (4, 4));
        assert_eq!((import.found.pending, import.found.rejected), (2, 0));
        assert_eq!(entries(&world, &permit).await, 0);

        let mut hand = approved(&world, &permit, import.id).await;
        apply(&world, &permit, &mut hand, &lines).await;
        imports::applied(&world.db, &hand).await.unwrap();
        let done = found(&world, &permit, import.id).await.done;
        assert_eq!((done.new, done.unchanged, done.to_check), (4, 0, 2));
        let of_1 = records(&world, &permit, 1).await;
        let standing: Vec<_> = of_1.iter().map(|one| (one.turn, one.standing)).collect();
        assert_eq!(standing, [(1, Standing::Counted), (2, Standing::Counted)]);
        assert_eq!(of_1[0].input, InputWay::Csv);
        assert_eq!(of_1[0].venue, permit.actor().organisation);
        let codes: Vec<_> = of_1[1].findings.iter().map(|one| one.code).collect();
        assert!(codes.contains(&FindingCode::TooSoon), "{codes:?}");
        assert!(records(&world, &permit, 7).await[0].pending);
        let of_8 = records(&world, &permit, 8).await;
        assert_eq!(of_8[0].standing, Standing::Quarantined);
        world.verified().await;
    });
}

#[test]
fn the_same_file_twice_changes_nothing() {
    on_each_engine(async |world| {
        let permit = desk(CHIYODA);
        let lines = [line(2, 1, 1, "2021-05-10"), line(3, 1, 2, "2021-05-10")];
        loaded(&world, &permit, &lines).await;
        let before = entries(&world, &permit).await;
        let again = loaded(&world, &permit, &lines).await;
        assert_eq!((again.found.new, again.found.unchanged), (0, 2));
        assert_eq!((again.done.new, again.done.unchanged), (0, 2));
        assert_eq!(entries(&world, &permit).await, before);
        // The same doses in other lines of another file, and a dose that a venue reported.
        world
            .record(world.report(&format!("21{CHIYODA}0000000003")))
            .await
            .unwrap();
        let mut venues = line(9, 1, 3, "2021-06-01");
        venues.venue_name = "別の書き方".into();
        let third = loaded(&world, &permit, &[line(8, 1, 2, "2021-05-10"), venues]).await;
        assert_eq!((third.done.new, third.done.unchanged), (0, 2));
        world.verified().await;
    });
}

#[test]
fn whoever_goes_on_after_a_cut_records_no_dose_twice() {
    on_each_engine(async |world| {
        let permit = desk(CHIYODA);
        let lines = [
            line(2, 1, 1, "2021-05-10"),
            line(3, 2, 1, "2021-05-31"),
            line(4, 1, 2, "2021-05-10"),
        ];
        let import = looked_through(&world, &permit, &lines).await;
        let mut cut_off = approved(&world, &permit, import.id).await;
        let mut again = cut_off.clone();
        // The first two lines came into the ledger, then the server ended.
        let mut early = cut_off.clone();
        apply_up_to(&world, &permit, &mut early, &lines[..2], end(&lines)).await;
        apply(&world, &permit, &mut cut_off, &lines).await;
        let before = entries(&world, &permit).await;
        // The whole stretch did, and the server ended before it could say so.
        apply(&world, &permit, &mut again, &lines).await;
        assert_eq!(again.import.done, cut_off.import.done);
        assert_eq!((again.import.done.new, again.import.done.unchanged), (3, 0));
        assert_eq!(entries(&world, &permit).await, before);
        imports::applied(&world.db, &again).await.unwrap();

        let done = undone(&world, &permit, import.id).await.done;
        assert_eq!(done.put_back, 3);
        for record in records(&world, &permit, 1).await {
            assert_eq!(record.standing, Standing::Void);
        }
        world.verified().await;
    });
}

#[test]
fn undoing_takes_back_what_is_as_it_was_and_leaves_what_somebody_changed() {
    on_each_engine(async |world| {
        let permit = desk(CHIYODA);
        let lines: Vec<Line> = (1..=5)
            .map(|person| line(person + 1, 1, person, "2021-05-10"))
            .chain([line(7, 2, 5, "2021-05-31")])
            .collect();
        let import = loaded(&world, &permit, &lines).await;
        let dose = async |person| records(&world, &permit, person).await[0].id;
        let by = Authority::City(permit.clone());
        let decision = async |dose: DoseId| Decision {
            id: world.id(),
            dose,
            city: city(CHIYODA),
            reason: "確認した".into(),
            device: "desk".into(),
            seen: None,
        };
        let corrected = Correction {
            id: world.id(),
            dose: dose(1).await,
            city: city(CHIYODA),
            given_on: day("2021-05-11"),
            turn: 1,
            product: "comirnaty_12_mono".into(),
            lot: "EY2173".into(),
            doctor: "鈴木".into(),
            reason: "転記の誤り".into(),
            device: "desk".into(),
            seen: None,
        };
        world.recorder.correct(&by, corrected).await.unwrap();
        let confirmed = decision(dose(2).await).await;
        world.recorder.confirm(&permit, confirmed).await.unwrap();
        let voided = decision(dose(3).await).await;
        world.recorder.void(&by, voided).await.unwrap();
        // Its person arrives: judged again, but by nobody changed.
        world
            .load(
                CHIYODA,
                &[resident("4", "0000000004", "19500101", Sex::Female)],
            )
            .await;

        let import = undone(&world, &permit, import.id).await;
        assert_eq!(import.state, State::Undone);
        assert_eq!((import.done.put_back, import.done.left), (3, 3));
        let mut void = Vec::new();
        for person in 1..=5 {
            let records = records(&world, &permit, person).await;
            void.push(records.iter().all(|one| one.standing == Standing::Void));
        }
        assert_eq!(void, [false, false, true, true, true]);
        // What was undone can be loaded again: a void record says nothing.
        let again = loaded(&world, &permit, &lines).await;
        assert_eq!((again.done.new, again.done.unchanged), (5, 1));
        world.verified().await;
    });
}

#[test]
fn undoing_that_was_cut_off_takes_nothing_back_twice() {
    on_each_engine(async |world| {
        let permit = desk(CHIYODA);
        let lines = [line(2, 1, 1, "2021-05-10"), line(3, 1, 2, "2021-05-10")];
        let import = loaded(&world, &permit, &lines).await;
        imports::undo(&world.db, &permit, import.id, decided(&world))
            .await
            .unwrap();
        let mut cut_off = in_hand(&world).await;
        let mut again = cut_off.clone();
        // Another server took the import over, and the first one did not know.
        again.worker = Uuid::from_u128(0xB);
        let (db, recorder, fresh) = (&world.db, &world.recorder, || world.id());
        let late =
            imports::undo_stretch(db, recorder, &permit, &mut again, world.now(), &fresh).await;
        assert!(matches!(late, Err(store::Error::Busy)), "{late:?}");
        let before = entries(&world, &permit).await;
        undo_stretches(&world, &permit, &mut cut_off).await;
        assert_eq!(entries(&world, &permit).await, before);
        let done = found(&world, &permit, import.id).await.done;
        assert_eq!((done.put_back, done.left), (2, 0));
        world.verified().await;
    });
}

#[test]
fn another_record_of_the_same_dose_is_told_before_anything_is_done() {
    on_each_engine(async |world| {
        let permit = desk(CHIYODA);
        world
            .record(world.report(&format!("21{CHIYODA}0000000001")))
            .await
            .unwrap();
        let import = looked_through(&world, &permit, &[line(2, 1, 1, "2021-05-10")]).await;
        assert_eq!((import.found.new, import.found.suspicious), (1, 1));
        let remarks = imports::remarks(&world.db, &permit, import.id, 0).await;
        let remarks = remarks.unwrap();
        assert_eq!(remarks[0].code, "another_record");
        assert!(remarks[0].kept);
    });
}

#[test]
fn lines_that_correct_and_take_back_are_shown_first_then_done_and_undone() {
    on_each_engine(async |world| {
        let permit = desk(CHIYODA);
        let people: Vec<_> = (1..=4)
            .map(|no| {
                resident(
                    &no.to_string(),
                    &format!("{no:010}"),
                    "19500101",
                    Sex::Female,
                )
            })
            .collect();
        world.load(CHIYODA, &people).await;
        let was: Vec<Line> = (1..=4)
            .map(|person| line(person + 1, 1, person, "2021-05-10"))
            .collect();
        loaded(&world, &permit, &was).await;
        let before = entries(&world, &permit).await;
        let mut corrects = amending(Order::Correct, 2, &was[0]);
        corrects.given_on = day("2021-05-12");
        corrects.lot = String::new();
        let lines = [
            corrects,
            amending(Order::Void, 3, &was[1]),
            // In the place of what is taken back.
            line(4, 1, 2, "2021-05-20"),
            // Nobody's.
            amending(Order::Void, 5, &line(0, 1, 9, "2021-05-10")),
            // Says so already.
            amending(Order::Correct, 6, &was[2]),
            // Another day than the record's.
            amending(Order::Void, 7, &line(0, 1, 4, "2021-05-11")),
        ];
        let import = looked_through(&world, &permit, &lines).await;
        let found_was = import.found;
        assert_eq!((found_was.corrected, found_was.voided), (1, 1));
        assert_eq!((found_was.new, found_was.unchanged), (1, 1));
        assert_eq!((found_was.rejected, found_was.suspicious), (2, 0));
        let remarks = imports::remarks(&world.db, &permit, import.id, 0).await;
        let told: Vec<_> = remarks
            .unwrap()
            .into_iter()
            .map(|one| (one.line, one.code, one.kept))
            .collect();
        let otherwise = "record_says_otherwise".to_owned();
        assert_eq!(
            told,
            [(5, "no_record".to_owned(), false), (7, otherwise, false)]
        );
        assert_eq!(
            entries(&world, &permit).await,
            before,
            "nothing is done yet"
        );

        let mut hand = approved(&world, &permit, import.id).await;
        let mut again = hand.clone();
        apply(&world, &permit, &mut hand, &lines).await;
        let done = hand.import.done;
        assert_eq!((done.corrected, done.voided, done.new), (1, 1, 1));
        assert_eq!(done.overtaken, 0);
        let after = entries(&world, &permit).await;
        // The server ended before it could say how far it was.
        apply(&world, &permit, &mut again, &lines).await;
        assert_eq!(again.import.done, done);
        assert_eq!(entries(&world, &permit).await, after, "once");
        imports::applied(&world.db, &again).await.unwrap();
        let first = &records(&world, &permit, 1).await[0];
        assert_eq!(
            (first.given_on, first.lot.as_str()),
            (day("2021-05-12"), "EY2173")
        );
        let standing = async |person| {
            let records = records(&world, &permit, person).await;
            records
                .iter()
                .map(|one| (one.given_on.to_string(), one.standing))
                .collect::<Vec<_>>()
        };
        let (void, counted) = (Standing::Void, Standing::Counted);
        let (old, new) = ("2021-05-10".to_owned(), "2021-05-20".to_owned());
        assert_eq!(
            standing(2).await,
            [(old.clone(), void), (new.clone(), counted)]
        );
        assert_eq!(standing(4).await, [(old.clone(), counted)]);
        // The same file a second time asks for nothing.
        let second = loaded(&world, &permit, &lines).await;
        assert_eq!(second.found.corrected + second.found.voided, 0);
        assert_eq!(entries(&world, &permit).await, after);
        world.verified().await;

        let done = undone(&world, &permit, import.id).await.done;
        assert_eq!((done.put_back, done.left), (3, 0));
        assert_eq!(
            records(&world, &permit, 1).await[0].given_on,
            day("2021-05-10")
        );
        let back = standing(2).await;
        // Entered again, since void stays void.
        assert_eq!(back, [(old.clone(), void), (old, counted), (new, void)]);
        world.verified().await;
    });
}

#[test]
fn a_line_does_nothing_to_a_record_that_somebody_changed_or_confirmed_since() {
    on_each_engine(async |world| {
        let permit = desk(CHIYODA);
        let was: Vec<Line> = (1..=3)
            .map(|person| line(person + 1, 1, person, "2021-05-10"))
            .collect();
        loaded(&world, &permit, &was).await;
        let mut lines = [
            amending(Order::Void, 2, &was[0]),
            amending(Order::Correct, 3, &was[1]),
            amending(Order::Void, 4, &was[2]),
        ];
        lines[1].given_on = day("2021-05-12");
        let import = looked_through(&world, &permit, &lines).await;
        assert_eq!((import.found.corrected, import.found.voided), (1, 2));
        let decision = async |person| Decision {
            id: world.id(),
            dose: records(&world, &permit, person).await[0].id,
            city: city(CHIYODA),
            reason: "確認した".into(),
            device: "desk".into(),
            seen: None,
        };
        for person in [1, 2] {
            let confirmed = decision(person).await;
            world.recorder.confirm(&permit, confirmed).await.unwrap();
        }
        let mut hand = approved(&world, &permit, import.id).await;
        apply(&world, &permit, &mut hand, &lines).await;
        imports::applied(&world.db, &hand).await.unwrap();
        let done = hand.import.done;
        assert_eq!((done.corrected, done.voided, done.overtaken), (0, 1, 2));
        let overtaken = imports::amendments::overtaken(&world.db, &permit, import.id).await;
        assert_eq!(overtaken.unwrap(), [2, 3]);
        assert_eq!(
            records(&world, &permit, 2).await[0].given_on,
            day("2021-05-10")
        );
        // A confirmed record is refused already when the file is looked through.
        let again = looked_through(&world, &permit, &lines[..2]).await;
        assert_eq!((again.found.rejected, again.found.corrected), (2, 0));
        let remarks = imports::remarks(&world.db, &permit, again.id, 0).await;
        assert!(
            remarks
                .unwrap()
                .iter()
                .all(|one| one.code == "record_confirmed")
        );
        // Somebody entered the third dose again by hand: undoing leaves it at that.
        loaded(&world, &permit, &was[2..]).await;
        let done = undone(&world, &permit, import.id).await.done;
        assert_eq!((done.put_back, done.left), (0, 1));
        world.verified().await;
    });
}

fn colleague() -> CityPermit {
    let actor = *desk(CHIYODA).actor();
    let other = Actor {
        user: UserId(Uuid::from_u128(201)),
        ..actor
    };
    access::city(&other, Action::CorrectRecord, city(CHIYODA)).unwrap()
}

async fn want(world: &World, matters: &[Matter]) {
    let wanted = Wanted::for_matters(matters.iter().copied());
    let how = How {
        audit: world.id(),
        at: world.now(),
    };
    set_wanted(&world.db, &desk(CHIYODA), &wanted, how)
        .await
        .unwrap();
}

#[test]
fn where_a_second_person_is_wanted_nobody_approves_or_undoes_a_file_alone() {
    on_each_engine(async |world| {
        let (first, second) = (desk(CHIYODA), colleague());
        want(&world, &[Matter::File]).await;
        let lines = [line(2, 1, 1, "2021-05-10")];
        let import = looked_through(&world, &first, &lines).await;
        let approve = async |permit: &CityPermit| {
            imports::approve(&world.db, permit, import.id, decided(&world))
                .await
                .unwrap()
        };
        let waits = async |permit: &CityPermit| {
            let import = found(&world, permit, import.id).await;
            imports::waits_for_another(&world.db, permit, &import)
                .await
                .unwrap()
        };
        assert_eq!(approve(&first).await, Became::OwnProposal);
        assert_eq!((waits(&first).await, waits(&second).await), (true, false));
        assert_eq!(approve(&second).await, Became::Moved);
        let mut hand = in_hand(&world).await;
        apply(&world, &second, &mut hand, &lines).await;
        imports::applied(&world.db, &hand).await.unwrap();

        let undo = async |permit: &CityPermit| {
            imports::undo(&world.db, permit, import.id, decided(&world))
                .await
                .unwrap()
        };
        let waiting = async || {
            let today = world.now().day_in_japan();
            let counts = store::worklists::counts(&world.db, &first, today).await;
            counts.unwrap()[0].count
        };
        assert_eq!(waiting().await, 0);
        assert_eq!(undo(&second).await, Became::Asked);
        assert_eq!(undo(&second).await, Became::OwnProposal);
        assert_eq!(waiting().await, 1, "on the list of what waits");
        let kept = imports::keep(&world.db, &first, import.id, decided(&world)).await;
        assert!(kept.unwrap());
        assert_eq!(waiting().await, 0);
        assert_eq!(undo(&first).await, Became::Asked);
        assert_eq!(undo(&second).await, Became::Moved);
        let mut hand = in_hand(&world).await;
        undo_stretches(&world, &second, &mut hand).await;
        assert_eq!(records(&world, &first, 1).await[0].standing, Standing::Void);
        world.verified().await;
    });
}

#[test]
fn a_file_is_no_way_around_the_second_person_that_a_change_by_hand_needs() {
    on_each_engine(async |world| {
        let first = desk(CHIYODA);
        let was = line(2, 1, 1, "2021-05-10");
        loaded(&world, &first, std::slice::from_ref(&was)).await;
        want(&world, &[Matter::Void]).await;
        let voids = [amending(Order::Void, 2, &was)];
        let import = looked_through(&world, &first, &voids).await;
        let how = decided(&world);
        let became = imports::approve(&world.db, &first, import.id, how).await;
        assert_eq!(became.unwrap(), Became::OwnProposal);
        // One that only records needs nobody else.
        let import = looked_through(&world, &first, &[line(2, 1, 2, "2021-05-10")]).await;
        let how = decided(&world);
        let became = imports::approve(&world.db, &first, import.id, how).await;
        assert_eq!(became.unwrap(), Became::Moved);
    });
}
