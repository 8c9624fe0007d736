//! Figures drawn from the books: what a venue has, got and used, for its city and those above, and what
//! somebody stated instead.

use domain::access::{
    self, Action, OrganisationId, OrganisationKind as Kind, Permit, Role, Territory,
};
use domain::allocation::Entered;
use domain::cycles::{Stated, Terms};
use domain::places::Prefecture;
use domain::vaccines::ProductKey;
use store::allocations;
use store::cycles::Cycle;
use store::figures::{self, Figure, StatedFigure};

use crate::stock::{PRODUCT, actor, organisation};
use crate::world::{CHIYODA, World, city, day, on_each_engine};

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
        figures::state_figures(&world.db, &by, &july, &[stated], act())
            .await
            .unwrap();
        draw(&world, Kind::City, &july).await;
        let before = told(&world, Kind::City, &july).await;
        assert_eq!(value(&before, &venue, Stated::StockDoses), Some(60));
        let one = before
            .iter()
            .find(|one| one.figure == Stated::StockDoses)
            .unwrap();
        assert_eq!(one.drawn.map(|drawn| drawn.value), Some(108));
        assert_eq!(one.stated.as_ref().unwrap().reason, "棚卸し前");
        let of = (venue.as_str(), Stated::StockDoses);
        let forget = async || {
            figures::forget(&world.db, &by, &july, of, act())
                .await
                .unwrap()
        };
        assert!(forget().await);
        assert!(!forget().await);
        let after = told(&world, Kind::City, &july).await;
        assert_eq!(value(&after, &venue, Stated::StockDoses), Some(108));
    });
}
