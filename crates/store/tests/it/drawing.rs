//! Figures drawn from the books: what a venue has, got and used, for its city and those above, and what
//! somebody stated instead.

use domain::access::{
    self, Action, OrganisationId, OrganisationKind as Kind, Permit, Role, Territory,
};
use domain::allocation::Entered;
use domain::calendar::Instant;
use domain::cycles::{Stated, Terms};
use domain::people::Sex;
use domain::places::Prefecture;
use domain::vaccines::ProductKey;
use domain::venues::record::{Storage, Told};
use store::accounts::NewOrganisation;
use store::cycles::Cycle;
use store::figures::{self, Figure, Forgotten, StatedFigure, Stating};
use store::venues::{self, Kept};
use store::{allocations, demand};

use crate::stock::{PRODUCT, actor, organisation};
use crate::world::{CHIYODA, World, city, day, on_each_engine, resident};

fn giver(kind: Kind) -> Permit {
    let territory = match kind {
        Kind::Nation => Territory::Nation,
        Kind::Prefecture => Territory::Prefecture(Prefecture::new(13).unwrap()),
        _ => Territory::City(city(CHIYODA)),
    };
    let giver = actor(40, kind, Role::Administrator, territory);
    access::permit(&giver, Action::Allocate, territory.place()).unwrap()
}

/// Six doses to a vial.
fn cycle(world: &World, first_day: &str) -> Cycle {
    Cycle {
        id: world.id(),
        product: ProductKey::parse(PRODUCT).unwrap(),
        terms: Terms::usual(9, day(first_day), (1_170, 195)),
        revision: 0,
    }
}

async fn draw(world: &World, kind: Kind, cycle: &Cycle) {
    let act = (world.id(), world.now());
    figures::draw(&world.db, &giver(kind), cycle, act)
        .await
        .unwrap();
}

async fn told(world: &World, kind: Kind, cycle: &Cycle) -> Vec<Figure> {
    figures::figures(&world.db, &giver(kind), cycle)
        .await
        .unwrap()
}

fn value(figures: &[Figure], seat: &str, figure: Stated) -> Option<u64> {
    let found = figures
        .iter()
        .find(|one| one.seat == seat && one.figure == figure)?;
    let stated = found.stated.as_ref().map(|one| one.value);
    stated.or(found.drawn.map(|one| one.value))
}

fn first_venue() -> String {
    let OrganisationId(id) = organisation(1);
    id.to_string()
}

/// Twenty vials came, seven doses were given out of two of them.
async fn seven_doses_given(world: &World) {
    world.stocked(20).await;
    for person in 1..=7 {
        world.dose(person).await;
    }
    world.settle().await;
}

#[test]
fn stock_supply_and_usage_are_drawn_from_the_books_at_every_level() {
    on_each_engine(async |world| {
        seven_doses_given(&world).await;
        let july = cycle(&world, "2021-07-05");
        let venue = first_venue();
        for (kind, seats) in [
            (Kind::City, vec![venue.as_str()]),
            (Kind::Prefecture, vec![venue.as_str(), CHIYODA]),
            (Kind::Nation, vec![CHIYODA]),
        ] {
            draw(&world, kind, &july).await;
            let told = told(&world, kind, &july).await;
            for seat in seats {
                let of = |figure| value(&told, seat, figure);
                assert_eq!(of(Stated::StockDoses), Some(18 * 6), "{kind:?} {seat}");
                assert_eq!(of(Stated::SuppliedDoses), Some(20 * 6));
                assert_eq!(of(Stated::UsedDoses), Some(7));
                assert_eq!(of(Stated::WeekDoses), Some(7));
                assert_eq!(of(Stated::ExpiringDoses), Some(0));
            }
        }
        let nodes = allocations::nodes(&world.db, &giver(Kind::City), &july).await;
        let nodes = nodes.unwrap();
        let node = nodes.iter().find(|one| one.node.code == venue).unwrap();
        assert_eq!(node.node.stock_doses, Some(108));
        let today = Entered {
            days_ago: 0,
            doses: 7,
        };
        assert_eq!(node.node.entered, [today]);
        // The lot ends in August: in September it is of no use.
        let september = cycle(&world, "2021-09-13");
        draw(&world, Kind::City, &september).await;
        let told = told(&world, Kind::City, &september).await;
        assert_eq!(value(&told, &venue, Stated::ExpiringDoses), Some(108));
    });
}

#[test]
fn a_figure_stated_by_hand_holds_until_it_is_taken_back() {
    on_each_engine(async |world| {
        seven_doses_given(&world).await;
        let july = cycle(&world, "2021-07-05");
        let venue = first_venue();
        let stated = StatedFigure {
            seat: venue.clone(),
            figure: Stated::StockDoses,
            value: 60,
            reason: "棚卸し前".to_owned(),
        };
        let by = giver(Kind::City);
        let act = || (world.id(), world.now());
        figures::state_figures(&world.db, &by, &july, &[stated], 0, act())
            .await
            .unwrap();
        let seen = figures::number(&world.db, &by, &july).await.unwrap();
        draw(&world, Kind::City, &july).await;
        let before = told(&world, Kind::City, &july).await;
        assert_eq!(value(&before, &venue, Stated::StockDoses), Some(60));
        let one = before
            .iter()
            .find(|one| one.figure == Stated::StockDoses)
            .unwrap();
        assert_eq!(one.drawn.map(|drawn| drawn.value), Some(108));
        assert_eq!(one.stated.as_ref().unwrap().reason, "棚卸し前");
        let of = (venue.as_str(), Stated::StockDoses, seen);
        let forget = async || {
            figures::forget(&world.db, &by, &july, of, act())
                .await
                .unwrap()
        };
        assert_eq!(forget().await, Forgotten::Now);
        assert_eq!(forget().await, Forgotten::NotFound);
        let after = told(&world, Kind::City, &july).await;
        assert_eq!(value(&after, &venue, Stated::StockDoses), Some(108));
    });
}

#[test]
fn nobody_replaces_a_figure_that_somebody_else_stated_meanwhile() {
    on_each_engine(async |world| {
        seven_doses_given(&world).await;
        let july = cycle(&world, "2021-07-05");
        let venue = first_venue();
        let by = giver(Kind::City);
        let stated = |figure, value, reason: &str| StatedFigure {
            seat: venue.clone(),
            figure,
            value,
            reason: reason.to_owned(),
        };
        let act = || (world.id(), world.now());
        let state = async |one: StatedFigure, seen| {
            figures::state_figures(&world.db, &by, &july, &[one], seen, act())
                .await
                .unwrap()
        };
        // Two clerks open the page before anything is stated.
        let first = stated(Stated::DueDoses, 300, "予約");
        assert_eq!(state(first.clone(), 0).await, Stating::Kept(1));
        let second = stated(Stated::DueDoses, 250, "名簿");
        let Stating::Changed(words) = state(second.clone(), 0).await else {
            panic!("the second clerk was not told");
        };
        assert_eq!(
            (words[0].value, words[0].reason.as_str(), words[0].number),
            (Some(300), "予約", 1)
        );
        let told_of = told(&world, Kind::City, &july).await;
        assert_eq!(value(&told_of, &venue, Stated::DueDoses), Some(300));
        // What says the same changes nothing, and another figure is nobody's matter.
        assert_eq!(state(first.clone(), 0).await, Stating::Kept(1));
        assert_eq!(
            state(stated(Stated::Cap, 2, "実測"), 0).await,
            Stating::Kept(2)
        );
        // Whoever has seen it may decide; what was said before stays.
        assert_eq!(state(second, 2).await, Stating::Kept(3));
        // Of a file only what was stated meanwhile is left alone.
        let file = [
            stated(Stated::DueDoses, 280, "再集計"),
            stated(Stated::Minimum, 1, "契約"),
        ];
        let loaded = figures::load_figures(&world.db, &by, &july, &file, 2, act()).await;
        let loaded = loaded.unwrap();
        assert_eq!(loaded.changed.len(), 1);
        let told_of = told(&world, Kind::City, &july).await;
        assert_eq!(value(&told_of, &venue, Stated::DueDoses), Some(250));
        assert_eq!(value(&told_of, &venue, Stated::Minimum), Some(1));
        // Taking back is an answer to what was seen, too, and whoever states again is told of it.
        let forget = async |seen| {
            let of = (venue.as_str(), Stated::DueDoses, seen);
            figures::forget(&world.db, &by, &july, of, act())
                .await
                .unwrap()
        };
        assert!(matches!(forget(2).await, Forgotten::Changed(_)));
        assert_eq!(forget(4).await, Forgotten::Now);
        let Stating::Changed(words) = state(first, 4).await else {
            panic!("nobody was told that it was taken back");
        };
        assert_eq!(words[0].value, None);
    });
}

/// Chiyoda with its register: two people of the programme, one of them on the way to the second dose, and a child.
async fn register_of_chiyoda(world: &World) {
    let prefecture = Territory::Prefecture(Prefecture::new(13).unwrap());
    let by = actor(41, Kind::Prefecture, Role::Administrator, prefecture);
    let place = access::Place::City(city(CHIYODA));
    let permit = access::permit(&by, Action::ManageAccounts, place).unwrap();
    let new = NewOrganisation {
        id: organisation(30),
        kind: Kind::City,
        name: "千代田区".to_owned(),
        facility_code: None,
    };
    store::accounts::found_organisation(&world.db, &permit, &new, world.id(), world.now())
        .await
        .unwrap();
    let people = [
        resident("1", "0000000001", "19460503", Sex::Female),
        resident("2", "0000000002", "19500101", Sex::Male),
        resident("3", "0000000008", "20190101", Sex::Male),
    ];
    world.load(CHIYODA, &people).await;
}

async fn count_all(world: &World) -> usize {
    let mut cities = 0;
    while let Some(mut hand) = demand::take_in_hand(&world.db, world.id(), world.now())
        .await
        .unwrap()
    {
        cities += 1;
        while demand::stretch(&world.db, &mut hand, world.now())
            .await
            .unwrap()
        {}
    }
    cities
}

#[test]
fn people_and_what_is_due_for_them_are_counted_in_the_registers() {
    on_each_engine(async |world| {
        seven_doses_given(&world).await;
        register_of_chiyoda(&world).await;
        // The first person had a dose on June 1, the second too: the second doses are due on June 20.
        let june = cycle(&world, "2021-06-02");
        draw(&world, Kind::Nation, &june).await;
        let of = async |cycle, figure| {
            let told = told(&world, Kind::Nation, cycle).await;
            value(&told, CHIYODA, figure)
        };
        assert_eq!(of(&june, Stated::DueDoses).await, None, "not counted yet");
        let progress = async |cycle| {
            demand::progress(&world.db, &giver(Kind::Nation), cycle)
                .await
                .unwrap()
        };
        assert_eq!(progress(&june).await, (0, 1));
        // A server that fell silent: another one takes the count over when the lease has run out, and it not before.
        let silent = demand::take_in_hand(&world.db, world.id(), world.now()).await;
        let mut silent = silent.unwrap().unwrap();
        assert_eq!(count_all(&world).await, 0);
        let later = Instant::from_micros(world.now().micros() + 60_000_000);
        let taken = demand::take_in_hand(&world.db, world.id(), later).await;
        let mut taken = taken.unwrap().unwrap();
        assert!(
            demand::stretch(&world.db, &mut silent, later)
                .await
                .is_err()
        );
        while demand::stretch(&world.db, &mut taken, later).await.unwrap() {}
        assert_eq!(progress(&june).await, (1, 1));
        assert_eq!(of(&june, Stated::Population).await, Some(3));
        assert_eq!(of(&june, Stated::DueDoses).await, Some(0));
        // In a later cycle both are due, and the earlier count stands until the new one has come to its end.
        let july = cycle(&world, "2021-07-05");
        draw(&world, Kind::Prefecture, &july).await;
        assert_eq!(of(&july, Stated::DueDoses).await, Some(0));
        assert_eq!(count_all(&world).await, 1);
        assert_eq!(of(&july, Stated::DueDoses).await, Some(2));
        // Asked for again while nothing is counted, it is counted again.
        draw(&world, Kind::Nation, &july).await;
        assert_eq!(progress(&july).await, (0, 1));
        assert_eq!(count_all(&world).await, 1);
    });
}

#[test]
fn room_is_what_the_coolers_hold_less_what_stands_in_them() {
    on_each_engine(async |world| {
        seven_doses_given(&world).await;
        let july = cycle(&world, "2021-07-05");
        let venue = first_venue();
        let room = async |kind, seat: &str| {
            draw(&world, kind, &july).await;
            let told = told(&world, kind, &july).await;
            value(&told, seat, Stated::Cap)
        };
        assert_eq!(room(Kind::City, &venue).await, None, "nobody told");
        let storage = Told::Storage(Storage {
            deep_frozen_units: 3,
            refrigerated_units: 1,
            ..Storage::default()
        });
        let own = Territory::City(city(CHIYODA));
        let by = actor(42, Kind::City, Role::Administrator, own);
        let permit = access::permit(&by, Action::KeepVenues, own.place()).unwrap();
        let act = (world.id(), world.now());
        let told = (&storage, day("2021-05-01"));
        let kept = venues::tell(&world.db, &permit, organisation(1), told, 0, act).await;
        assert!(matches!(kept.unwrap(), Kept::As(_)));
        // Eighteen vials are a begun box.
        assert_eq!(room(Kind::City, &venue).await, Some(3));
        assert_eq!(room(Kind::Nation, CHIYODA).await, Some(3));
    });
}
