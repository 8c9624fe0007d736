//! What takes the place of a recalled lot, asked for: venues that pass vials on, orders, and that nobody is served twice.

use domain::access::{self, Action, OrganisationKind, Permit, Place, Role, Territory, VenuePermit};
use domain::contracts::NoContract;
use domain::deliveries::Delivery;
use domain::stock::Shelf;
use domain::vaccines::{Lot, ProductKey};
use domain::venues::FacilityCode;
use store::accounts::NewOrganisation;
use store::deliveries::{self, PutInCharge, Receipt};
use store::recalls;
use store::replacements::{self, NotOrdered, Requested};
use store::stock::Done;
use store::transfers::{self, Side};

use crate::stock::{
    LOT, PRODUCT, actor, clerk, code, delivery, enter_lot, first, goods, organisation, second,
    wholesaler,
};
use crate::world::{CHIYODA, World, city, on_each_engine};

const GOOD: &str = "GOOD1";

fn keeper(action: Action) -> Permit {
    let nation = actor(
        30,
        OrganisationKind::Nation,
        Role::Administrator,
        Territory::Nation,
    );
    access::permit(&nation, action, Place::Nation).unwrap()
}

/// The neighbour of the first venue.
fn third() -> VenuePermit {
    let territory = Territory::Venue {
        id: organisation(3),
        city: city(CHIYODA),
    };
    let nurse = actor(3, OrganisationKind::Venue, Role::Operator, territory);
    access::venue(&nurse, Action::KeepStock).unwrap()
}

/// Twenty vials of a lot that is recalled at the first venue, eight of a good one at its neighbour's.
async fn with_neighbour(world: &World) {
    world.stocked(20).await;
    let place = Place::Venue {
        id: organisation(3),
        city: city(CHIYODA),
    };
    let territory = Territory::City(city(CHIYODA));
    let keeper = actor(20, OrganisationKind::City, Role::Administrator, territory);
    let permit = access::permit(&keeper, Action::ManageAccounts, place).unwrap();
    let facility = FacilityCode::parse("1391000013").unwrap();
    let new = NewOrganisation {
        id: organisation(3),
        kind: OrganisationKind::Venue,
        name: "隣の診療所".to_owned(),
        facility_code: Some(facility),
    };
    store::accounts::found_organisation(&world.db, &permit, &new, world.id(), world.now())
        .await
        .unwrap();
    enter_lot(world, GOOD, "2021-08-31", None).await;
    let told = Delivery {
        lot: Lot::parse(GOOD).unwrap(),
        facility,
        ..delivery("D-1", 1, 8)
    };
    world.register(&told).await;
    let open = deliveries::open_at_venue(&world.db, &third())
        .await
        .unwrap();
    let receipt = Receipt {
        delivery: open.first().unwrap().id,
        vials: 8,
        shelf: Shelf::Frozen,
        began: None,
        note: String::new(),
    };
    let received = deliveries::receive(&world.db, &third(), &receipt, world.act()).await;
    assert_eq!(received.unwrap(), Done::Now);
}

async fn press(world: &World) -> Requested {
    let permit = keeper(Action::KeepLots);
    let lot = Lot::parse(LOT).unwrap();
    let found = recalls::whereabouts(&world.db, &permit, &lot)
        .await
        .unwrap();
    let act = (world.id(), world.now());
    replacements::request(&world.db, &permit, (&lot, &found.vials), act)
        .await
        .unwrap()
}

#[test]
fn a_press_asks_and_orders_once_and_a_second_one_changes_nothing() {
    on_each_engine(async |world| {
        with_neighbour(&world).await;
        // Nobody may order for a venue without contract, nor where nobody delivers: the neighbour is asked all the same.
        let waits = |why| vec![(organisation(1), PRODUCT.to_owned(), why)];
        let came = press(&world).await;
        assert_eq!((came.transfers, came.orders), (1, 0));
        assert_eq!(
            came.waiting,
            waits(NotOrdered::NoContract(NoContract::Never))
        );
        assert!(press(&world).await.is_nothing());
        world.join_contract(organisation(1), CHIYODA).await;
        let came = press(&world).await;
        assert!(came.is_nothing());
        assert_eq!(came.waiting, waits(NotOrdered::Nobody));
        let product = ProductKey::parse(PRODUCT).unwrap();
        let act = (world.id(), world.now());
        let who = (&product, organisation(9));
        let charge = clerk(Action::OrderVials, CHIYODA);
        let put = deliveries::put_in_charge(&world.db, &charge, who, act).await;
        assert_eq!(put.unwrap(), PutInCharge::Now(0));
        let came = press(&world).await;
        assert_eq!((came.transfers, came.orders), (0, 1));
        assert_eq!(press(&world).await, Requested::default());
        let orders = deliveries::open_orders(&world.db, &wholesaler()).await;
        let orders = orders.unwrap();
        assert_eq!(orders.len(), 1);
        assert_eq!((orders[0].venue_id, orders[0].vials), (organisation(1), 12));
        let permit = keeper(Action::KeepLots);
        let lot = Lot::parse(LOT).unwrap();
        let asked = replacements::requested(&world.db, &permit, &lot).await;
        let asked = asked.unwrap();
        let told: Vec<_> = asked
            .iter()
            .map(|one| (one.from.as_str(), one.vials, one.order.is_some()))
            .collect();
        assert_eq!(told, [("", 12, true), ("隣の診療所", 8, false)]);
        let reader = keeper(Action::SeeStatistics);
        let wrong = replacements::requested(&world.db, &reader, &lot).await;
        assert!(wrong.is_err(), "a permit for counts recalls nothing");
        let wrong =
            replacements::request(&world.db, &reader, (&lot, &[]), (world.id(), world.now()));
        assert!(wrong.await.is_err(), "nor asks for anything");
    });
}

#[test]
fn both_venues_see_what_is_still_to_be_passed_on() {
    on_each_engine(async |world| {
        with_neighbour(&world).await;
        press(&world).await;
        let open = async |permit: VenuePermit| {
            let open = replacements::asked_of_venue(&world.db, &permit).await;
            let open = open.unwrap();
            open.into_iter()
                .map(|one| (one.is_giver, one.other, one.vials))
                .collect::<Vec<_>>()
        };
        assert_eq!(open(first()).await, [(false, "隣の診療所".to_owned(), 8)]);
        assert_eq!(open(third()).await, [(true, "会場1".to_owned(), 8)]);
        assert_eq!(open(second()).await, []);
        let pass_on = async |vials| {
            let word = transfers::Word {
                other: code(1),
                goods: goods(GOOD),
                shelf: Shelf::Frozen,
                vials,
                began: None,
                note: String::new(),
            };
            transfers::begin(&world.db, &third(), Side::Gives, &word, world.act())
                .await
                .unwrap()
        };
        assert_eq!(pass_on(5).await, Done::Now);
        assert_eq!(open(third()).await, [(true, "会場1".to_owned(), 3)]);
        assert_eq!(pass_on(3).await, Done::Now);
        assert_eq!(open(first()).await, []);
        world.proven().await;
    });
}
