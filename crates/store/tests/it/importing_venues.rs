//! Files of venues: looked through, approved, told, gone on with after a restart and taken back, on both engines.

use domain::access::{
    self, Action, Actor, OrganisationId, OrganisationKind, Permit, Role, Territory, UserId,
};
use domain::calendar::Instant;
use domain::places::Prefecture;
use domain::venues::FacilityCode;
use domain::venues::files::{FileRow, FileSections, Supplier};
use domain::venues::record::{Contact, Section, Standing, Told, VenueType};
use store::imports::venues::{self as files, Line};
use store::imports::{self, Became, Decided, Import, InHand, Kind, NewImport, Place, Rows, State};
use store::venues::{self, Kept, Question};
use uuid::Uuid;

use crate::world::{CHIYODA, SAPPORO, World, city, day, desk, on_each_engine};

const WORKER: Uuid = Uuid::from_u128(0xA);
const BASIC: &str = "1310000015";
const LINKED: &str = "1310000023";
const OTHER: &str = "1391000013";
const SAPPORO_CODE: &str = "0110113719";

fn permit(territory: Territory, user: u128, action: Action) -> Permit {
    let kind = match territory {
        Territory::Nation => OrganisationKind::Nation,
        Territory::Prefecture(_) => OrganisationKind::Prefecture,
        _ => OrganisationKind::City,
    };
    let actor = Actor {
        user: UserId(Uuid::from_u128(user)),
        organisation: OrganisationId(Uuid::from_u128(20)),
        kind,
        role: Role::Administrator,
        territory,
    };
    access::permit(&actor, action, territory.place()).unwrap()
}

fn chiyoda() -> Permit {
    permit(Territory::City(city(CHIYODA)), 1, Action::LoadVenues)
}

fn keeper() -> Permit {
    permit(Territory::City(city(CHIYODA)), 1, Action::KeepVenues)
}

fn tokyo() -> Permit {
    let own = Prefecture::new(13).unwrap();
    permit(Territory::Prefecture(own), 2, Action::LoadVenues)
}

fn nation() -> Permit {
    permit(Territory::Nation, 3, Action::LoadVenues)
}

fn code(text: &str) -> FacilityCode {
    FacilityCode::parse(text).unwrap()
}

fn row(digits: &str, name: &str) -> FileRow {
    FileRow {
        code: code(digits),
        kind: None,
        former: None,
        city: city(CHIYODA),
        from: day("2021-06-01"),
        closed_from: None,
        name: name.into(),
        kana: None,
        venue_type: VenueType::Basic,
        address: Some(format!("千代田区{name}1-1")),
        phone: None,
        supplier: None,
        sections: FileSections::default(),
    }
}

/// One that supplies, and one that is supplied by it.
fn two() -> Vec<FileRow> {
    let linked = FileRow {
        venue_type: VenueType::Linked,
        supplier: Some(Supplier::Venue(code(BASIC))),
        sections: FileSections {
            booking_phone: Some("03-0000-0000".into()),
            ..FileSections::default()
        },
        ..row(LINKED, "連携医院")
    };
    vec![row(BASIC, "基本病院"), linked]
}

fn lines(rows: &[FileRow]) -> Vec<Line> {
    let numbered = (2..).zip(rows.iter().cloned());
    numbered.map(|(line, row)| Line { line, row }).collect()
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

fn later(world: &World, seconds: i64) -> Instant {
    Instant::from_micros(world.now().micros() + seconds * 1_000_000)
}

async fn now(world: &World, permit: &Permit, id: Uuid) -> Import {
    let import = imports::import(&world.db, permit, id).await.unwrap();
    import.unwrap()
}

async fn in_hand(world: &World) -> InHand {
    let hand = imports::take_in_hand(&world.db, WORKER, world.now()).await;
    hand.unwrap().unwrap()
}

/// A file that was handed in and looked through, a stretch for each of these.
async fn looked_through(world: &World, permit: &Permit, stretches: &[Vec<Line>]) -> Import {
    let new = NewImport {
        id: world.id(),
        kind: Kind::Venues,
        file_name: "venues.csv".into(),
        encoding: "utf-8".into(),
    };
    imports::begin(&world.db, permit, &new, world.now())
        .await
        .unwrap();
    assert!(imports::complete(&world.db, permit, new.id).await.unwrap());
    let mut hand = in_hand(world).await;
    imports::start_checking(&world.db, &mut hand).await.unwrap();
    for lines in stretches {
        let rows = Rows::Venues(lines.clone());
        imports::check(
            &world.db,
            &mut hand,
            &rows,
            Vec::new(),
            0,
            end(lines),
            world.now(),
        )
        .await
        .unwrap();
    }
    imports::checked(&world.db, &hand).await.unwrap();
    now(world, permit, new.id).await
}

async fn approve(world: &World, permit: &Permit, id: Uuid) {
    let became = imports::approve(&world.db, permit, id, decided(world)).await;
    assert_eq!(became.unwrap(), Became::Moved);
}

async fn apply(world: &World, permit: &Permit, hand: &mut InHand, lines: &[Line]) {
    let id = || world.id();
    let rows = Rows::Venues(lines.to_vec());
    imports::apply(
        &world.db,
        &world.recorder,
        None,
        permit,
        hand,
        &rows,
        end(lines),
        world.now(),
        &id,
    )
    .await
    .unwrap();
}

async fn loaded(world: &World, permit: &Permit, rows: &[FileRow]) -> Import {
    let lines = lines(rows);
    let import = looked_through(world, permit, std::slice::from_ref(&lines)).await;
    approve(world, permit, import.id).await;
    let mut hand = in_hand(world).await;
    apply(world, permit, &mut hand, &lines).await;
    imports::applied(&world.db, &hand).await.unwrap();
    now(world, permit, import.id).await
}

async fn undone(world: &World, permit: &Permit, id: Uuid) -> Import {
    let became = imports::undo(&world.db, permit, id, decided(world)).await;
    assert_eq!(became.unwrap(), Became::Moved);
    let mut hand = in_hand(world).await;
    let fresh = || world.id();
    while imports::undo_stretch(
        &world.db,
        &world.recorder,
        permit,
        &mut hand,
        world.now(),
        &fresh,
    )
    .await
    .unwrap()
    {}
    now(world, permit, id).await
}

async fn venue(world: &World, digits: &str, on: &str) -> Option<OrganisationId> {
    venues::of_code(&world.db, &keeper(), code(digits), day(on))
        .await
        .unwrap()
}

async fn told(world: &World, digits: &str, section: Section) -> Option<Told> {
    let today = world.now().day_in_japan();
    let id = venue(world, digits, &today.to_string()).await?;
    let sections = venues::sections(&world.db, &keeper(), id, today).await;
    let all = sections.unwrap().remove(&section)?;
    all.into_iter().next().map(|one| one.told)
}

async fn codes_said(world: &World, permit: &Permit, id: Uuid) -> Vec<(u64, String)> {
    let remarks = imports::remarks(&world.db, permit, id, 0).await.unwrap();
    remarks
        .into_iter()
        .map(|one| (one.line, one.code))
        .collect()
}

async fn listed(world: &World) -> Vec<String> {
    let see = permit(Territory::City(city(CHIYODA)), 1, Action::SeeVenues);
    let today = world.now().day_in_japan();
    let all = venues::list(&world.db, &see, &Question::default(), today).await;
    all.unwrap().into_iter().map(|one| one.name).collect()
}

async fn tell_booking(world: &World, digits: &str, phone: &str, seen: i64) -> Kept {
    let today = world.now().day_in_japan();
    let id = venue(world, digits, &today.to_string()).await.unwrap();
    let told = Told::Contact(Contact {
        phone: phone.into(),
        ..Contact::default()
    });
    let act = (world.id(), later(world, 1));
    venues::tell(&world.db, &keeper(), id, (&told, today), seen, act)
        .await
        .unwrap()
}

#[test]
fn a_file_changes_nothing_until_it_is_approved_and_the_same_file_again_changes_nothing() {
    on_each_engine(async |world| {
        let import = looked_through(&world, &chiyoda(), &[lines(&two())]).await;
        assert_eq!((import.state, import.found.new), (State::Ready, 2));
        assert!(listed(&world).await.is_empty());
        let done = loaded(&world, &chiyoda(), &two()).await.done;
        assert_eq!((done.new, done.changed, done.taken), (2, 0, 0));
        assert_eq!(listed(&world).await, ["基本病院", "連携医院"]);
        let supplied = told(&world, LINKED, Section::Source).await;
        let supplier = venue(&world, BASIC, "2021-06-01").await;
        assert!(matches!(supplied, Some(Told::Source(source)) if source.supplier == supplier));
        let again = looked_through(&world, &chiyoda(), &[lines(&two())]).await;
        assert_eq!(again.found.unchanged, 2);
    });
}

#[test]
fn a_code_that_changes_keeps_the_venue_and_a_closed_one_is_closed_on_its_day() {
    on_each_engine(async |world| {
        loaded(&world, &chiyoda(), &two()).await;
        let before = venue(&world, BASIC, "2021-06-01").await;
        world.set_day("2021-10-01");
        let incorporated = FileRow {
            code: code(OTHER),
            former: Some(code(BASIC)),
            from: day("2021-10-01"),
            ..row(OTHER, "基本病院")
        };
        let closing = FileRow {
            closed_from: Some(day("2021-11-01")),
            ..two().remove(1)
        };
        let closing = FileRow {
            supplier: None,
            from: day("2021-10-01"),
            ..closing
        };
        let rows = [incorporated, closing];
        let import = loaded(&world, &chiyoda(), &rows).await;
        let found = import.found;
        assert_eq!((found.changed, found.recoded, found.closed), (2, 1, 1));
        assert_eq!(import.found.absent, 0);
        assert_eq!(venue(&world, OTHER, "2021-10-01").await, before);
        assert_eq!(venue(&world, BASIC, "2021-09-30").await, before);
        assert_eq!(venue(&world, BASIC, "2021-10-01").await, None);
        assert!(venue(&world, LINKED, "2021-10-01").await.is_some());
        world.set_day("2021-11-01");
        assert_eq!(venues::turn(&world.db, day("2021-11-01")).await.unwrap(), 1);
        assert_eq!(venue(&world, LINKED, "2021-11-01").await, None);
        // The same lines again are as it stands.
        let again = looked_through(&world, &chiyoda(), &[lines(&rows)]).await;
        assert_eq!((again.found.unchanged, again.found.rejected), (2, 0));
    });
}

#[test]
fn a_venue_that_somebody_changed_after_the_preview_is_left_alone_and_that_is_said() {
    on_each_engine(async |world| {
        loaded(&world, &chiyoda(), &two()).await;
        let mut rows = two();
        rows[0].phone = Some("03-9999-0000".into());
        rows[1].sections.booking_phone = Some("03-9999-0001".into());
        let lines = lines(&rows);
        let import = looked_through(&world, &chiyoda(), std::slice::from_ref(&lines)).await;
        assert_eq!(import.found.changed, 2);
        let kept = tell_booking(&world, LINKED, "03-1111-1111", 1).await;
        assert_eq!(kept, Kept::As(2));
        approve(&world, &chiyoda(), import.id).await;
        let mut hand = in_hand(&world).await;
        apply(&world, &chiyoda(), &mut hand, &lines).await;
        imports::applied(&world.db, &hand).await.unwrap();
        let done = now(&world, &chiyoda(), import.id).await.done;
        assert_eq!((done.changed, done.overtaken), (1, 1));
        let contact = told(&world, LINKED, Section::Contact).await.unwrap();
        assert!(matches!(contact, Told::Contact(told) if told.phone == "03-1111-1111"));
        assert_eq!(
            codes_said(&world, &chiyoda(), import.id).await,
            [(3, "venue_changed_meanwhile".to_owned())]
        );
    });
}

#[test]
fn work_that_was_cut_off_goes_on_where_it_was_and_nothing_is_told_twice() {
    on_each_engine(async |world| {
        let all = lines(&two());
        let stretches = [all[..1].to_vec(), all[1..].to_vec()];
        let import = looked_through(&world, &chiyoda(), &stretches).await;
        assert_eq!((import.found.new, import.found.rejected), (2, 0));
        approve(&world, &chiyoda(), import.id).await;
        let mut silent = in_hand(&world).await;
        apply(&world, &chiyoda(), &mut silent, &stretches[0]).await;
        // The server falls silent; another takes the work over once its time is up.
        let taken = imports::take_in_hand(&world.db, Uuid::from_u128(0xB), later(&world, 60)).await;
        let mut hand = taken.unwrap().unwrap();
        assert_eq!(hand.import.lines, 2);
        apply(&world, &chiyoda(), &mut hand, &stretches[1]).await;
        imports::applied(&world.db, &hand).await.unwrap();
        assert!(imports::applied(&world.db, &silent).await.is_err());
        let done = now(&world, &chiyoda(), import.id).await.done;
        assert_eq!(done.new, 2);
        assert_eq!(listed(&world).await.len(), 2);
    });
}

#[test]
fn undoing_puts_back_what_nobody_changed_since_and_tells_the_rest() {
    on_each_engine(async |world| {
        let first = loaded(&world, &chiyoda(), &two()).await;
        let mut rows = two();
        rows[0].name = "基本病院新館".into();
        rows[1].sections.url = Some("https://example.jp/".into());
        let second = loaded(&world, &chiyoda(), &rows).await;
        assert_eq!(second.done.changed, 2);
        assert_eq!(
            tell_booking(&world, LINKED, "03-2222-2222", 2).await,
            Kept::As(3)
        );
        let undone_once = undone(&world, &chiyoda(), second.id).await;
        assert_eq!(undone_once.state, State::Undone);
        assert_eq!((undone_once.done.put_back, undone_once.done.left), (1, 1));
        assert_eq!(
            codes_said(&world, &chiyoda(), second.id).await,
            [(3, "venue_changed_since".to_owned())]
        );
        let standing = told(&world, BASIC, Section::Standing).await;
        assert!(
            matches!(standing, Some(Told::Standing(Standing { name, .. })) if name == "基本病院")
        );
        assert_eq!(listed(&world).await, ["基本病院", "連携医院"]);
        // The first file's venues were told of since, so they stay too.
        let undone_first = undone(&world, &chiyoda(), first.id).await;
        assert_eq!((undone_first.done.put_back, undone_first.done.left), (0, 2));
    });
}

#[test]
fn a_venue_that_a_file_founded_goes_away_unless_it_supplies_one_that_stays() {
    on_each_engine(async |world| {
        let import = loaded(&world, &chiyoda(), &two()).await;
        let undone_all = undone(&world, &chiyoda(), import.id).await;
        assert_eq!((undone_all.done.put_back, undone_all.done.left), (2, 0));
        assert!(listed(&world).await.is_empty());
        // Its code is free again.
        let again = loaded(&world, &chiyoda(), &two()).await;
        assert_eq!(again.done.new, 2);
        tell_booking(&world, LINKED, "03-3333-3333", 1).await;
        let undone_none = undone(&world, &chiyoda(), again.id).await;
        assert_eq!((undone_none.done.put_back, undone_none.done.left), (0, 2));
        let said = codes_said(&world, &chiyoda(), again.id).await;
        let said: Vec<&str> = said.iter().map(|(_, code)| code.as_str()).collect();
        assert_eq!(said, ["venue_in_use", "venue_changed_since"]);
    });
}

#[test]
fn every_line_that_cannot_be_is_rejected_with_why() {
    on_each_engine(async |world| {
        loaded(&world, &chiyoda(), &two()).await;
        let elsewhere = FileRow {
            city: city(SAPPORO),
            address: None,
            ..row(SAPPORO_CODE, "札幌病院")
        };
        let founded = loaded(&world, &nation(), std::slice::from_ref(&elsewhere)).await;
        assert_eq!(founded.done.new, 1);
        let rows = [
            elsewhere,
            row(SAPPORO_CODE, "札幌病院"),
            FileRow {
                former: Some(code(OTHER)),
                ..row("1310000098", "知らない病院")
            },
            FileRow {
                supplier: Some(Supplier::Venue(code("1310000098"))),
                ..row("1310000099", "行き場のない医院")
            },
            FileRow {
                supplier: Some(Supplier::Venue(code(LINKED))),
                ..two().remove(0)
            },
            FileRow {
                former: Some(code(BASIC)),
                from: day("2021-07-01"),
                ..row(LINKED, "基本病院")
            },
            // The same name and address under another code: taken, and asked about.
            FileRow {
                address: Some("千代田区基本病院1-1".into()),
                ..row(OTHER, "基本病院")
            },
        ];
        let import = looked_through(&world, &chiyoda(), &[lines(&rows)]).await;
        let said = codes_said(&world, &chiyoda(), import.id).await;
        let said: Vec<(u64, &str)> = said
            .iter()
            .map(|(line, code)| (*line, code.as_str()))
            .collect();
        assert_eq!(
            said,
            [
                (2, "venue_outside"),
                (3, "venue_other_city"),
                (4, "venue_former_unknown"),
                (5, "venue_supplier_unknown"),
                (6, "venue_circle"),
                (7, "venue_code_taken"),
                (8, "venue_same_name_and_address"),
            ]
        );
        let found = import.found;
        assert_eq!((found.new, found.rejected, found.suspicious), (1, 6, 1));
        // None of its own two venues is in the file but by lines that were left out.
        assert_eq!(found.absent, 2);
    });
}

#[test]
fn a_file_lies_at_the_desk_of_its_area_and_nobody_else_reaches_it() {
    on_each_engine(async |world| {
        let import = looked_through(&world, &tokyo(), &[lines(&two())]).await;
        for other in [chiyoda(), nation()] {
            assert_eq!(
                imports::import(&world.db, &other, import.id).await.unwrap(),
                None
            );
            let became = imports::approve(&world.db, &other, import.id, decided(&world)).await;
            assert_eq!(became.unwrap(), Became::TooLate);
            assert!(
                !imports::discard(&world.db, &other, import.id, decided(&world))
                    .await
                    .unwrap()
            );
        }
        // Nor do those who work with the people of a city.
        let people = desk(CHIYODA);
        let own = looked_through(&world, &chiyoda(), &[lines(&two())]).await;
        assert_eq!(
            imports::import(&world.db, &people, own.id).await.unwrap(),
            None
        );
        assert!(
            imports::list(&world.db, &people, None)
                .await
                .unwrap()
                .is_empty()
        );
        assert_eq!(
            imports::list(&world.db, &chiyoda(), None)
                .await
                .unwrap()
                .len(),
            1
        );
        // A permit for anything else opens no file.
        assert!(imports::list(&world.db, &keeper(), None).await.is_err());
        let new = NewImport {
            id: world.id(),
            kind: Kind::Residents,
            file_name: "residents.csv".into(),
            encoding: "utf-8".into(),
        };
        let begun = imports::begin(&world.db, &chiyoda(), &new, world.now()).await;
        assert!(begun.is_err());
    });
}

#[test]
fn an_area_that_wants_a_second_person_gets_one() {
    on_each_engine(async |world| {
        let first = chiyoda();
        let other = permit(Territory::City(city(CHIYODA)), 8, Action::LoadVenues);
        files::set_second_person(&world.db, &first, true, decided(&world))
            .await
            .unwrap();
        let rows = lines(&two());
        let import = looked_through(&world, &first, std::slice::from_ref(&rows)).await;
        let waits = imports::waits_for_another(&world.db, &first, &import).await;
        assert!(waits.unwrap());
        let own = imports::approve(&world.db, &first, import.id, decided(&world)).await;
        assert_eq!(own.unwrap(), Became::OwnProposal);
        approve(&world, &other, import.id).await;
        let mut hand = in_hand(&world).await;
        apply(&world, &other, &mut hand, &rows).await;
        imports::applied(&world.db, &hand).await.unwrap();
        let asked = imports::undo(&world.db, &first, import.id, decided(&world)).await;
        assert_eq!(asked.unwrap(), Became::Asked);
        let own = imports::undo(&world.db, &first, import.id, decided(&world)).await;
        assert_eq!(own.unwrap(), Became::OwnProposal);
        let undone = imports::undo(&world.db, &other, import.id, decided(&world)).await;
        assert_eq!(undone.unwrap(), Became::Moved);
        // Another area goes by its own word.
        assert!(!files::second_person(&world.db, &tokyo()).await.unwrap());
    });
}

#[test]
fn what_goes_out_of_an_area_comes_in_again_without_a_change() {
    on_each_engine(async |world| {
        loaded(&world, &chiyoda(), &two()).await;
        let see = permit(Territory::City(city(CHIYODA)), 1, Action::SeeVenues);
        let mut export = venues::Export::begin(&world.db, &see, day("2021-06-02")).unwrap();
        let mut rows = Vec::new();
        while let Some(page) = export.page().await.unwrap() {
            rows.extend(page);
        }
        let codes: Vec<&str> = rows.iter().map(|row| row.code.as_str()).collect();
        assert_eq!(codes, [BASIC, LINKED], "who supplies comes first");
        let import = looked_through(&world, &chiyoda(), &[lines(&rows)]).await;
        assert_eq!((import.found.unchanged, import.found.lines), (2, 2));
    });
}

#[test]
fn a_database_of_before_keeps_its_files() {
    on_each_engine(async |world| {
        // As it was before files of venues.
        world
            .spoil(
                "ALTER TABLE import RENAME COLUMN desk TO municipality;
                 ALTER TABLE import_piece RENAME COLUMN desk TO municipality;
                 ALTER TABLE import_remark RENAME COLUMN desk TO municipality;
                 ALTER TABLE import_stretch RENAME COLUMN desk TO municipality;
                 DROP INDEX import_of_venues;
                 DROP INDEX organisation_by_name;
                 DROP INDEX venue_section_of_source;
                 DROP INDEX venue_own_code_of_venue;
                 ALTER TABLE venue_code DROP COLUMN import;
                 ALTER TABLE venue_section DROP COLUMN import;
                 DROP TABLE import_seen;
                 DROP TABLE venue_undone;
                 DROP TABLE venue_file_setting;
                 DELETE FROM migration WHERE version IN (53, 54);
                 INSERT INTO import (municipality, id, file_name, encoding, bytes, state, lines, read_bytes, found, done,
                                     by_user, organisation, created_at, leased_until, kind)
                 VALUES ('131016', unhex('0190000000007000800000000000abcd'), 'old.csv', 'utf-8', 3, 'done', 0, 0,
                         '{\"lines\":1,\"new\":1,\"changed\":0,\"moved_out\":0,\"dead\":0,\"unchanged\":0,\"rejected\":0,\"suspicious\":0}',
                         '{\"new\":1,\"changed\":0,\"unchanged\":0,\"taken\":0,\"matched\":0,\"put_back\":0,\"left\":0}',
                         unhex('00000000000000000000000000000009'), unhex('00000000000000000000000000000014'), 5, 0,
                         'residents');",
            )
            .await;
        store::migrations::migrate(&world.db).await.unwrap();
        let all = imports::list(&world.db, &desk(CHIYODA), None)
            .await
            .unwrap();
        assert_eq!(all.len(), 1);
        assert_eq!(
            (all[0].file_name.as_str(), all[0].found.new),
            ("old.csv", 1)
        );
        assert_eq!(loaded(&world, &chiyoda(), &two()).await.done.new, 2);
    });
}
