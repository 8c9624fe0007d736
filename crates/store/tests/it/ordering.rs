//! Orders that follow from an allocation: what a city gives its venues is what its supplier has to deliver.

use domain::access::{
    self, Action, Actor, CityPermit, OrganisationId, OrganisationKind as Kind, Permit, Place, Role,
    Territory, UserId,
};
use domain::allocation::Override;
use domain::cycles::{Act, Stated};
use store::accounts::{self, NewOrganisation};
use store::allocations::{Asked, Published};
use store::cycles::{self, Cycle, Reopening};
use store::deliveries::{self, Charge, Ordered, PutInCharge};
use uuid::Uuid;

use crate::allocating::{ask, begin, chiyoda, found_venues, permit, publish, state, venue_id};
use crate::world::{CHIYODA, World, day, on_each_engine};

fn wholesaler(number: u128) -> OrganisationId {
    OrganisationId(Uuid::from_u128(900 + number))
}

fn actor(kind: Kind, organisation: OrganisationId, territory: Territory) -> Actor {
    Actor {
        user: UserId(Uuid::from_u128(400)),
        organisation,
        kind,
        role: Role::Administrator,
        territory,
    }
}

async fn found_wholesalers(world: &World, count: u128) {
    let nation = actor(
        Kind::Nation,
        OrganisationId(Uuid::from_u128(40)),
        Territory::Nation,
    );
    for number in 1..=count {
        let id = wholesaler(number);
        let may = access::permit(&nation, Action::ManageAccounts, Place::Company(id)).unwrap();
        let new = NewOrganisation {
            id,
            kind: Kind::Wholesaler,
            name: format!("卸{number}"),
            facility_code: None,
        };
        accounts::found_organisation(&world.db, &may, &new, world.id(), world.now())
            .await
            .unwrap();
    }
}

fn clerk() -> CityPermit {
    let territory = Territory::City(chiyoda());
    let clerk = actor(Kind::City, OrganisationId(Uuid::from_u128(40)), territory);
    access::city(&clerk, Action::OrderVials, chiyoda()).unwrap()
}

fn seller(number: u128) -> Permit {
    let id = wholesaler(number);
    let seller = actor(Kind::Wholesaler, id, Territory::Company(id));
    access::permit(&seller, Action::RegisterDelivery, Place::Company(id)).unwrap()
}

async fn put_in_charge(world: &World, cycle: &Cycle, number: u128) -> PutInCharge {
    let who = (&cycle.product, wholesaler(number));
    let act = (world.id(), world.now());
    deliveries::put_in_charge(&world.db, &clerk(), who, act)
        .await
        .unwrap()
}

async fn to_deliver(world: &World, number: u128) -> Vec<Ordered> {
    deliveries::open_orders(&world.db, &seller(number))
        .await
        .unwrap()
}

async fn charges(world: &World) -> Vec<Charge> {
    let today = world.now().day_in_japan();
    deliveries::charges(&world.db, &clerk(), today)
        .await
        .unwrap()
}

/// 100 units at the city, of which its first venue asked for five.
async fn city_has_units(world: &World) -> Cycle {
    let cycle = begin(world).await;
    found_venues(world, 2).await;
    state(world, &cycle, Kind::Nation, "13", Stated::Population, 100).await;
    state(
        world,
        &cycle,
        Kind::Prefecture,
        CHIYODA,
        Stated::Population,
        10,
    )
    .await;
    world.join_contract(venue_id(1), CHIYODA).await;
    assert_eq!(ask(world, &cycle, Kind::Venue, 5).await, Asked::As(1));
    for giver in [Kind::Nation, Kind::Prefecture] {
        assert_eq!(
            publish(world, &cycle, giver, vec![], 0).await,
            Published::As(1)
        );
    }
    cycle
}

fn by_hand(number: u128, units: u64) -> Override {
    Override {
        node: venue_id(number).to_string(),
        units,
        by: "担当".to_owned(),
        reason: "巡回接種".to_owned(),
    }
}

#[test]
fn what_a_city_gives_its_venues_is_what_its_supplier_has_to_deliver() {
    on_each_engine(async |world| {
        let cycle = city_has_units(&world).await;
        found_wholesalers(&world, 1).await;
        assert_eq!(put_in_charge(&world, &cycle, 1).await, PutInCharge::Now(0));
        assert_eq!(put_in_charge(&world, &cycle, 1).await, PutInCharge::Before);
        assert_eq!(
            put_in_charge(&world, &cycle, 9).await,
            PutInCharge::NotFound
        );
        assert_eq!(
            publish(&world, &cycle, Kind::City, vec![], 0).await,
            Published::As(1)
        );
        let orders = to_deliver(&world, 1).await;
        let [order] = orders.as_slice() else {
            panic!("{orders:?}");
        };
        assert_eq!((order.venue.as_str(), order.vials), ("会場1", 5 * 195));
        let of = order.cycle.unwrap();
        assert_eq!((of.number, of.first_day), (9, day("2021-07-05")));

        // Published again: the order says what the venue gets now, and another venue has one, too.
        let set = vec![by_hand(1, 2), by_hand(2, 0)];
        assert_eq!(
            publish(&world, &cycle, Kind::City, set, 1).await,
            Published::As(2)
        );
        let again = to_deliver(&world, 1).await;
        assert_eq!(again.len(), 1);
        assert_eq!((&again[0].number, again[0].vials), (&order.number, 2 * 195));
        let set = vec![by_hand(1, 0)];
        assert_eq!(
            publish(&world, &cycle, Kind::City, set, 2).await,
            Published::As(3)
        );
        assert_eq!(
            to_deliver(&world, 1).await,
            [],
            "nothing is left to deliver"
        );
        let told = deliveries::orders_of_city(&world.db, &clerk())
            .await
            .unwrap();
        assert_eq!(
            (told.len(), told[0].vials),
            (1, 0),
            "the city still sees it"
        );
    });
}

#[test]
fn orders_wait_until_somebody_is_in_charge_and_stay_with_whom_they_were_placed() {
    on_each_engine(async |world| {
        let cycle = city_has_units(&world).await;
        found_wholesalers(&world, 2).await;
        publish(&world, &cycle, Kind::City, vec![], 0).await;
        let waiting = charges(&world).await;
        assert_eq!(waiting.len(), 1);
        assert_eq!((waiting[0].waiting, &waiting[0].supplier), (1, &None));
        assert_eq!(put_in_charge(&world, &cycle, 1).await, PutInCharge::Now(1));
        assert_eq!(charges(&world).await[0].waiting, 0);
        assert_eq!(put_in_charge(&world, &cycle, 2).await, PutInCharge::Now(0));
        publish(&world, &cycle, Kind::City, vec![by_hand(1, 4)], 1).await;
        assert_eq!(to_deliver(&world, 1).await[0].vials, 4 * 195);
        assert_eq!(to_deliver(&world, 2).await, []);
        // A cycle whose deliveries are over waits for nobody.
        world.set_day("2021-07-19");
        let clerk = clerk();
        let over = deliveries::charges(&world.db, &clerk, day("2021-07-19"));
        let over = over.await.unwrap();
        assert_eq!(over[0].waiting, 0);
        let late = publish(&world, &cycle, Kind::City, vec![], 2).await;
        assert!(matches!(late, Published::Late(_)), "{late:?}");
        let reopening = Reopening {
            cycle: cycle.id,
            place: Place::City(chiyoda()),
            act: Act::Publish,
            until: day("2021-07-20"),
            reason: "災害".to_owned(),
        };
        let above = permit(Kind::Prefecture, Action::Allocate);
        let act = (world.id(), world.now());
        assert!(
            cycles::reopen(&world.db, &above, &reopening, act)
                .await
                .unwrap()
        );
    });
}
