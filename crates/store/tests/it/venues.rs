//! What is told of venues: codes, sections, new codes, wholesalers' own codes.

use domain::access::{
    self, Action, Actor, OrganisationId, OrganisationKind as Kind, Permit, Place, Role, Territory,
    UserId,
};
use domain::places::Prefecture;
use domain::venues::FacilityCode;
use domain::venues::codes::{Category, CodeKind, CodeSince};
use domain::venues::own_codes::OwnCode;
use domain::venues::record::{Contact, Section, Source, Standing, Told, VenueType};
use store::accounts::{self, NewOrganisation};
use store::venues::{self, Applied, Decided, Kept, Question};
use uuid::Uuid;

use crate::world::{CHIYODA, SAPPORO, World, city, day, on_each_engine};

const OLD: &str = "0110113719";
const NEW: &str = "1310000015";

fn organisation(number: u128) -> OrganisationId {
    OrganisationId(Uuid::from_u128(number))
}

fn code(text: &str) -> FacilityCode {
    FacilityCode::parse(text).unwrap()
}

fn permit(kind: Kind, action: Action) -> Permit {
    let (organisation, territory) = match kind {
        Kind::Nation => (organisation(30), Territory::Nation),
        Kind::Prefecture => (
            organisation(31),
            Territory::Prefecture(Prefecture::new(13).unwrap()),
        ),
        Kind::City => (organisation(20), Territory::City(city(CHIYODA))),
        Kind::Venue => (
            organisation(1),
            Territory::Venue {
                id: organisation(1),
                city: city(CHIYODA),
            },
        ),
        _ => (organisation(9), Territory::Company(organisation(9))),
    };
    let actor = Actor {
        user: UserId(Uuid::from_u128(9)),
        organisation,
        kind,
        role: Role::Administrator,
        territory,
    };
    access::permit(&actor, action, territory.place()).unwrap()
}

fn of_city() -> Permit {
    permit(Kind::City, Action::KeepVenues)
}

async fn found(world: &World, number: u128, city_code: &str, code: Option<&str>) -> OrganisationId {
    let id = organisation(number);
    let territory = Territory::City(city(city_code));
    let keeper = Actor {
        territory,
        kind: Kind::City,
        ..*of_city().actor()
    };
    let place = Place::Venue {
        id,
        city: city(city_code),
    };
    let permit = access::permit(&keeper, Action::ManageAccounts, place).unwrap();
    let new = NewOrganisation {
        id,
        kind: Kind::Venue,
        name: format!("会場{number}"),
        facility_code: code.map(|text| FacilityCode::parse(text).unwrap()),
    };
    accounts::found_organisation(&world.db, &permit, &new, world.id(), world.now())
        .await
        .unwrap();
    id
}

fn since(from: &str, text: &str) -> CodeSince {
    CodeSince {
        from: day(from),
        code: code(text),
        kind: CodeKind::Medical,
    }
}

async fn tell_code(world: &World, number: u128, told: CodeSince, seen: i64) -> Kept {
    let act = (world.id(), world.now());
    venues::tell_code(
        &world.db,
        &of_city(),
        organisation(number),
        (told, "法人化"),
        seen,
        act,
    )
    .await
    .unwrap()
}

async fn tell(
    world: &World,
    by: &Permit,
    number: u128,
    told: &Told,
    from: &str,
    seen: i64,
) -> Kept {
    let act = (world.id(), world.now());
    venues::tell(
        &world.db,
        by,
        organisation(number),
        (told, day(from)),
        seen,
        act,
    )
    .await
    .unwrap()
}

async fn name_and_code(world: &World, id: OrganisationId) -> (String, Option<FacilityCode>) {
    let found = accounts::organisation(&world.db, id)
        .await
        .unwrap()
        .unwrap();
    (found.name, found.facility_code)
}

#[test]
fn a_code_changes_on_its_day_and_the_old_one_still_finds_what_was_before() {
    on_each_engine(async |world| {
        let id = found(&world, 1, CHIYODA, Some(OLD)).await;
        assert_eq!(
            tell_code(&world, 1, since("2021-10-01", NEW), 0).await,
            Kept::ChangedMeanwhile(1)
        );
        assert_eq!(
            tell_code(&world, 1, since("2021-10-01", NEW), 1).await,
            Kept::As(2)
        );
        assert_eq!(
            tell_code(&world, 1, since("2021-10-01", NEW), 1).await,
            Kept::AsItIs
        );
        assert_eq!(name_and_code(&world, id).await.1, Some(code(OLD)));
        world.set_day("2021-10-01");
        let today = day("2021-10-01");
        assert_eq!(venues::turn(&world.db, today).await.unwrap(), 1);
        assert_eq!(venues::turn(&world.db, today).await.unwrap(), 0);
        assert_eq!(name_and_code(&world, id).await.1, Some(code(NEW)));
        let of = async |text, on| {
            venues::of_code(&world.db, &of_city(), code(text), day(on))
                .await
                .unwrap()
        };
        assert_eq!(of(OLD, "2021-09-30").await, Some(id));
        assert_eq!(of(OLD, "2021-10-01").await, None);
        assert_eq!(of(NEW, "2021-10-01").await, Some(id));
        let told = venues::codes(&world.db, &of_city(), id).await.unwrap();
        let reasons: Vec<&str> = told.iter().map(|one| one.reason.as_str()).collect();
        assert_eq!(reasons, ["", "法人化"]);
    });
}

#[test]
fn two_venues_never_have_one_code_at_the_same_time() {
    on_each_engine(async |world| {
        found(&world, 1, CHIYODA, Some(OLD)).await;
        found(&world, 2, CHIYODA, None).await;
        assert_eq!(
            tell_code(&world, 2, since("2021-07-01", OLD), 0).await,
            Kept::CodeTaken
        );
        assert_eq!(
            tell_code(&world, 1, since("2021-07-01", NEW), 1).await,
            Kept::As(2)
        );
        assert_eq!(
            tell_code(&world, 2, since("2021-07-01", OLD), 0).await,
            Kept::As(1)
        );
        let elsewhere = found(&world, 3, SAPPORO, None).await;
        assert_eq!(
            tell_code(&world, 3, since("2021-07-01", "1391000013"), 0).await,
            Kept::NotFound
        );
        assert_eq!(name_and_code(&world, elsewhere).await.1, None);
    });
}

fn standing(name: &str) -> Told {
    Told::Standing(Standing {
        name: name.to_owned(),
        kana: String::new(),
        venue_type: VenueType::Satellite,
        address: "千代田区神田1-1".to_owned(),
        phone: String::new(),
    })
}

fn contact(phone: &str) -> Told {
    Told::Contact(Contact {
        phone: phone.to_owned(),
        ..Contact::default()
    })
}

#[test]
fn nothing_told_is_overwritten_unseen_and_the_story_has_all_of_it() {
    on_each_engine(async |world| {
        let id = found(&world, 1, CHIYODA, Some(OLD)).await;
        let venue = permit(Kind::Venue, Action::KeepVenue);
        assert_eq!(
            tell(&world, &venue, 1, &contact("03-0000-0001"), "2021-06-01", 0).await,
            Kept::As(1)
        );
        assert_eq!(
            tell(&world, &venue, 1, &contact("03-0000-0001"), "2021-06-01", 0).await,
            Kept::AsItIs
        );
        let unseen = tell(
            &world,
            &of_city(),
            1,
            &contact("03-0000-0002"),
            "2021-06-01",
            0,
        )
        .await;
        assert_eq!(unseen, Kept::ChangedMeanwhile(1));
        assert_eq!(
            tell(
                &world,
                &of_city(),
                1,
                &contact("03-0000-0002"),
                "2021-07-01",
                1
            )
            .await,
            Kept::As(2)
        );
        assert_eq!(
            tell(&world, &venue, 1, &standing("神田医院"), "2021-06-01", 0).await,
            Kept::NotYours
        );
        assert_eq!(
            tell(
                &world,
                &of_city(),
                1,
                &standing("神田医院"),
                "2021-07-01",
                0
            )
            .await,
            Kept::As(1)
        );
        assert_eq!(name_and_code(&world, id).await.0, "会場1");
        assert_eq!(venues::turn(&world.db, day("2021-07-01")).await.unwrap(), 1);
        assert_eq!(name_and_code(&world, id).await.0, "神田医院");

        let sections = venues::sections(&world.db, &venue, id, day("2021-06-15"))
            .await
            .unwrap();
        let contacts: Vec<&Told> = sections[&Section::Contact]
            .iter()
            .map(|one| &one.told)
            .collect();
        assert_eq!(
            contacts,
            [&contact("03-0000-0001"), &contact("03-0000-0002")]
        );
        let story = venues::story(&world.db, &venue, id).await.unwrap();
        let changed: Vec<(&str, &str)> = story
            .iter()
            .filter(|one| one.section == Section::Contact)
            .flat_map(|one| &one.changes)
            .map(|change| (change.before.as_str(), change.after.as_str()))
            .collect();
        assert_eq!(
            changed,
            [("03-0000-0001", "03-0000-0002"), ("", "03-0000-0001")]
        );
        // Another city's venue is nobody's here.
        found(&world, 3, SAPPORO, None).await;
        assert_eq!(
            tell(&world, &of_city(), 3, &contact("011"), "2021-06-01", 0).await,
            Kept::NotFound
        );
    });
}

#[test]
fn nobody_supplies_themselves_by_way_of_others() {
    on_each_engine(async |world| {
        for number in 1..=3 {
            found(&world, number, CHIYODA, None).await;
        }
        let from = |number: Option<u128>| {
            Told::Source(Source {
                supplier: number.map(organisation),
            })
        };
        let by = of_city();
        assert_eq!(
            tell(&world, &by, 2, &from(Some(1)), "2021-06-01", 0).await,
            Kept::As(1)
        );
        assert_eq!(
            tell(&world, &by, 3, &from(Some(2)), "2021-06-01", 0).await,
            Kept::As(1)
        );
        let circle = tell(&world, &by, 1, &from(Some(3)), "2021-07-01", 0).await;
        assert_eq!(circle, Kept::Circle(day("2021-07-01")));
        assert_eq!(
            tell(&world, &by, 1, &from(Some(1)), "2021-06-01", 0).await,
            Kept::Circle(day("2021-06-01"))
        );
        assert_eq!(
            tell(&world, &by, 1, &from(Some(77)), "2021-06-01", 0).await,
            Kept::NoSupplier
        );
        // Once the chain is cut from that day on, it may run the other way round.
        assert_eq!(
            tell(&world, &by, 2, &from(None), "2021-07-01", 1).await,
            Kept::As(2)
        );
        assert_eq!(
            tell(&world, &by, 1, &from(Some(3)), "2021-07-01", 0).await,
            Kept::As(1)
        );
    });
}

#[test]
fn a_prefecture_issues_each_new_code_once() {
    on_each_engine(async |world| {
        for number in 1..=3 {
            found(&world, number, CHIYODA, None).await;
        }
        // A code like ours came in from outside before we issued any.
        assert_eq!(
            tell_code(&world, 3, since("2021-02-17", "1391000013"), 0).await,
            Kept::As(1)
        );
        let apply = async |number, id| {
            let told = (Category::City, day("2021-06-10"), "集団接種会場");
            venues::apply(
                &world.db,
                &of_city(),
                organisation(number),
                told,
                (id, world.now()),
            )
            .await
            .unwrap()
        };
        let (first, second) = (world.id(), world.id());
        assert_eq!(apply(1, first).await, Applied::Now);
        assert_eq!(apply(1, world.id()).await, Applied::Waiting);
        assert_eq!(apply(2, second).await, Applied::Now);
        assert_eq!(apply(77, world.id()).await, Applied::NotFound);
        let prefecture = permit(Kind::Prefecture, Action::IssueCodes);
        let decide = async |id, refused| {
            let act = (world.id(), world.now());
            venues::decide(&world.db, &prefecture, id, refused, act)
                .await
                .unwrap()
        };
        assert_eq!(
            decide(first, None).await,
            Decided::Issued(code("1391000021"))
        );
        assert_eq!(decide(first, None).await, Decided::TooLate);
        assert_eq!(
            decide(second, Some("既存のコードがある")).await,
            Decided::Refused
        );
        assert_eq!(
            name_and_code(&world, organisation(1)).await.1,
            None,
            "its day is to come"
        );
        assert_eq!(venues::turn(&world.db, day("2021-06-10")).await.unwrap(), 1);
        assert_eq!(
            name_and_code(&world, organisation(1)).await.1,
            Some(code("1391000021"))
        );
        let list = venues::applications(&world.db, &of_city()).await.unwrap();
        let states: Vec<&str> = list.iter().map(|one| one.state.as_str()).collect();
        assert_eq!(states, ["refused", "issued"]);
    });
}

#[test]
fn a_wholesaler_s_own_codes_are_told_by_line_and_the_same_again_changes_nothing() {
    on_each_engine(async |world| {
        found(&world, 1, CHIYODA, Some(OLD)).await;
        found(&world, 2, SAPPORO, Some(NEW)).await;
        let wholesaler = permit(Kind::Wholesaler, Action::KeepOwnCodes);
        let line = |text: &str, from: &str, own: &str| OwnCode {
            code: code(text),
            name: String::new(),
            from: day(from),
            own: own.to_owned(),
        };
        let tell = async |lines: &[OwnCode]| {
            let act = (world.id(), world.now());
            venues::tell_own_codes(&world.db, &wholesaler, lines, act)
                .await
                .unwrap()
        };
        let lines = [
            line(OLD, "2021-06-01", "A-001"),
            line("1391000013", "2021-06-01", "A-002"),
            line(OLD, "2021-07-01", "A-101"),
        ];
        let told = tell(&lines).await;
        assert_eq!((told.kept, told.as_it_is, told.unknown), (2, 0, vec![1]));
        let told = tell(&lines).await;
        assert_eq!((told.kept, told.as_it_is), (0, 2));
        let on = async |on: &str| {
            let all = venues::own_codes(&world.db, &wholesaler, day(on))
                .await
                .unwrap();
            all.into_iter().map(|one| one.own).collect::<Vec<_>>()
        };
        assert_eq!(on("2021-05-31").await, ["", ""]);
        assert_eq!(on("2021-06-30").await, ["A-001", ""]);
        assert_eq!(on("2021-07-01").await, ["A-101", ""]);
        let sender = permit(Kind::Wholesaler, Action::RegisterDelivery);
        let book = venues::own_code_book(&world.db, &sender).await.unwrap();
        assert_eq!(book.facility("A-001", day("2021-06-30")), Ok(code(OLD)));
        assert_eq!(book.facility("A-101", day("2021-07-01")), Ok(code(OLD)));
        assert!(book.facility("A-001", day("2021-07-01")).is_err());
        assert_eq!(book.own(organisation(1), day("2021-07-01")), "A-101");
        assert!(
            venues::own_code_book(&world.db, &wholesaler).await.is_err(),
            "for files of deliveries only"
        );
        assert_eq!(tell(&[line(OLD, "2021-07-01", "")]).await.kept, 1);
        assert_eq!(on("2021-07-01").await, ["", ""]);
    });
}

#[test]
fn a_list_is_read_page_by_page_and_each_area_sees_its_own() {
    on_each_engine(async |world| {
        for number in 1..=(venues::PAGE_ROWS as u128 + 5) {
            found(&world, number, CHIYODA, None).await;
        }
        found(&world, 900, CHIYODA, Some(NEW)).await;
        found(&world, 901, SAPPORO, Some(OLD)).await;
        world.join_contract(organisation(900), CHIYODA).await;
        let list = async |by: Kind, question: Question| {
            let permit = permit(by, Action::SeeVenues);
            venues::list(&world.db, &permit, &question, day("2021-06-01"))
                .await
                .unwrap()
        };
        let mut all = list(Kind::City, Question::default()).await;
        assert_eq!(all.len() as i64, venues::PAGE_ROWS);
        let last = all.last().map(|one| (one.code.clone(), one.id));
        let next = Question {
            after: last,
            ..Question::default()
        };
        all.extend(list(Kind::City, next).await);
        let names: std::collections::BTreeSet<&str> =
            all.iter().map(|one| one.name.as_str()).collect();
        assert_eq!((all.len(), names.len()), (56, 56));
        let asked = |text: &str, lacking| Question {
            text: text.to_owned(),
            lacking,
            after: None,
        };
        let found = list(Kind::Nation, asked("場90", false)).await;
        let short: Vec<(&str, bool)> = found
            .iter()
            .map(|one| (one.name.as_str(), one.is_party))
            .collect();
        assert_eq!(short, [("会場901", false), ("会場900", true)]);
        assert_eq!(list(Kind::Prefecture, asked("13100", false)).await.len(), 1);
        assert_eq!(list(Kind::Prefecture, asked("01101", false)).await.len(), 0);
        assert_eq!(list(Kind::Nation, asked("会場90", true)).await.len(), 1);
    });
}
