//! The monitors of the supply: sums that the books keep, what a proof finds in them, who sees which, and the
//! cumulative reports.

use domain::access::{
    self, Action, OrganisationId, OrganisationKind as Kind, Permit, Place, Role, Territory,
};
use domain::monitors::{Cover, Sums, doses_in};
use domain::places::Prefecture;
use domain::stock::{Shelf, Waste};
use store::cumulative_reports::{Given, Received, report};
use store::monitors::{self, Asked, Supply, lots, of_venue, overview, venues};
use store::recorder::{Authority, Decision};
use store::stock::{self, Counted, Doing, Done};
use store::transfers::{self, Side};

use crate::stock::{
    LOT, PRODUCT, actor, code, delivery, enter_lot, first, founded, goods, organisation, second,
};
use crate::transferring::word;
use crate::world::{CHIYODA, SAPPORO, World, city, day, on_each_engine};

fn tokyo() -> Place {
    Place::Prefecture(Prefecture::new(13).unwrap())
}

/// The right of a kind of organisation, in Tokyo or Chiyoda, to see a place.
fn seeing(kind: Kind, place: Place) -> Permit {
    let territory = match kind {
        Kind::Nation => Territory::Nation,
        Kind::Prefecture => Territory::Prefecture(Prefecture::new(13).unwrap()),
        _ => Territory::City(city(CHIYODA)),
    };
    let actor = actor(40, kind, Role::Operator, territory);
    access::permit(&actor, Action::SeeSupply, place).unwrap()
}

fn nation(place: Place) -> Permit {
    seeing(Kind::Nation, place)
}

fn at_venue(number: u128, code: &str) -> Place {
    Place::Venue {
        id: organisation(number),
        city: city(code),
    }
}

impl World {
    fn asked(&self) -> Asked<'static> {
        Asked {
            product: PRODUCT,
            now: self.now(),
        }
    }

    async fn supply(&self, permit: &Permit) -> Vec<(Option<Place>, Supply)> {
        let parts = overview(&self.db, permit, self.asked()).await.unwrap();
        let parts = parts.into_iter();
        parts.map(|one| (one.place, one.supply)).collect()
    }

    async fn venues_of(&self, city_code: &str) -> Vec<monitors::VenueSupply> {
        let permit = nation(Place::City(city(city_code)));
        venues(&self.db, &permit, self.asked(), None).await.unwrap()
    }

    /// Every sum is that of what is in it, down to the lots of a venue; gives the nation's.
    async fn added_up(&self) -> Sums {
        let prefectures = self.supply(&nation(Place::Nation)).await;
        for (place, of_prefecture) in &prefectures {
            let cities = self.supply(&nation(place.unwrap())).await;
            assert_eq!(
                Supply::total(cities.iter().map(|(_, one)| one)),
                *of_prefecture
            );
            for (place, of_city) in &cities {
                let Some(Place::City(city)) = *place else {
                    panic!("{place:?} is no city")
                };
                let venues = self.venues_of(city.as_str()).await;
                let sum = Supply::total(venues.iter().map(|one| &one.supply));
                assert_eq!(sum, *of_city);
                for venue in venues {
                    let permit = nation(Place::Venue { id: venue.id, city });
                    let lots = lots(&self.db, &permit, self.asked(), "").await.unwrap();
                    let sum: Sums = lots.iter().map(|one| one.sums).sum();
                    assert_eq!(sum, venue.supply.sums);
                }
            }
        }
        let total = Supply::total(prefectures.iter().map(|(_, one)| one));
        assert!(total.sums.holds(), "{total:?}");
        total.sums
    }

    async fn thrown_away(&self, vials: i64, waste: Waste) {
        let doing = Doing::Discard(Shelf::Frozen, waste);
        let (of_lot, venue) = (goods(LOT), first());
        let done = stock::act(&self.db, &venue, (&of_lot, vials), &doing, "", self.act());
        assert_eq!(done.await.unwrap(), Done::Now);
    }

    /// Thirty vials for the first venue, six of them for the second, seven doses, two thrown away.
    async fn supplied(&self) {
        self.stocked(30).await;
        let (giver, taker, six) = (first(), second(), word(2, 6, None));
        let given = transfers::begin(&self.db, &giver, Side::Gives, &six, self.act());
        assert_eq!(given.await.unwrap(), Done::Now);
        let open = transfers::open(&self.db, &taker).await.unwrap();
        let took = (open.first().unwrap().id, 5);
        let taken = transfers::take(&self.db, &taker, took, "", self.act());
        assert_eq!(taken.await.unwrap(), Done::Now);
        self.thrown_away(2, Waste::Temperature).await;
        for person in 1..=7 {
            self.dose(person).await;
        }
        self.settle().await;
    }
}

#[test]
fn a_place_shows_what_it_got_has_and_used_and_every_sum_is_that_of_its_parts() {
    on_each_engine(async |world| {
        world.supplied().await;
        let parts = world.supply(&nation(Place::Nation)).await;
        let sapporo = Place::Prefecture(Prefecture::new(1).unwrap());
        assert_eq!(
            parts.iter().map(|(place, _)| *place).collect::<Vec<_>>(),
            [Some(sapporo), Some(tokyo())]
        );
        let (_, of_tokyo) = &parts[1];
        let expected = Sums {
            shipped: 30,
            received: 30,
            sent: 6,
            on_hand: 20,
            opened: 1,
            used: 1,
            wasted_temperature: 2,
            ..Sums::default()
        };
        assert_eq!(of_tokyo.sums, expected);
        assert_eq!((parts[0].1.sums.taken, parts[0].1.sums.on_hand), (5, 5));
        assert_eq!(parts[0].1.sums.on_the_way(), 1);
        // Today is not over: its doses are no pace yet.
        assert_eq!(of_tokyo.given, 0);
        world.added_up().await;
        world.set_day("2021-06-02");
        world.settle().await;
        let parts = world.supply(&nation(tokyo())).await;
        assert_eq!(parts[0].0, Some(Place::City(city(CHIYODA))));
        assert_eq!(parts[0].1.given, 7);
        let doses = doses_in(PRODUCT, 20, day("2021-06-02"));
        // 120 doses, 7 in two weeks.
        assert_eq!(Cover::of(doses, parts[0].1.given), Cover::Tenths(342));
        let sums = world.added_up().await;
        assert_eq!((sums.used, sums.opened), (2, 0));
        assert!(world.proven().await.sums > 0);
    });
}

#[test]
fn what_ends_soon_is_told_by_the_register_and_where_it_knows_nothing_by_the_supplier() {
    on_each_engine(async |world| {
        founded(&world).await;
        world.register(&delivery("D-0", 1, 10)).await;
        assert_eq!(world.receive(10, Shelf::Frozen).await, Done::Now);
        let ending = async || world.supply(&nation(Place::Nation)).await[0].1.ending;
        // The slip says the end of August.
        world.set_day("2021-08-10");
        let told = ending().await;
        assert_eq!(
            (told.before_long, told.soon, told.untold, told.ended),
            (10, 0, 0, 0)
        );
        enter_lot(&world, LOT, "2021-08-20", None).await;
        assert_eq!(ending().await.soon, 10);
        assert_eq!(world.venues_of(CHIYODA).await[0].supply.ending.soon, 10);
        world.set_day("2021-08-21");
        assert_eq!(ending().await.ended, 10);
        let permit = nation(at_venue(1, CHIYODA));
        let lots = lots(&world.db, &permit, world.asked(), "").await.unwrap();
        assert_eq!(lots[0].last_day, Some(day("2021-08-20")));
    });
}

#[test]
fn a_venue_that_tells_nothing_grows_stale_until_it_counts_closes_or_records() {
    on_each_engine(async |world| {
        world.stocked(10).await;
        let silent = async || world.supply(&nation(Place::Nation)).await[0].1.silent;
        assert_eq!(silent().await, 0);
        world.set_day("2021-06-15");
        assert_eq!(silent().await, 0);
        world.set_day("2021-06-16");
        assert_eq!(silent().await, 1);
        assert_eq!(world.venues_of(CHIYODA).await[0].supply.silent, 1);
        // A count that finds nothing is a word, too.
        let counted = Counted {
            goods: goods(LOT),
            shelf: Shelf::Frozen,
            seen: 10,
            vials: 10,
            note: String::new(),
        };
        let venue = first();
        let done = stock::count(&world.db, &venue, &counted, (world.id(), world.act()));
        assert_eq!(done.await.unwrap(), Done::Now);
        assert_eq!(silent().await, 0);
        assert_eq!(
            world.venues_of(CHIYODA).await[0].told,
            Some(world.now()),
            "now"
        );
        world.set_day("2021-07-02");
        world.dose(1).await;
        world.settle().await;
        assert_eq!(
            world.venues_of(CHIYODA).await[0].told,
            Some(world.now()),
            "by a dose"
        );
        world.set_day("2021-07-20");
        world.settle().await;
        assert_eq!(silent().await, 1, "what follows from records is no word");
        let act = (world.id(), world.now());
        store::closings::close(&world.db, &first(), day("2021-07-20"), &[], 0, act)
            .await
            .unwrap();
        assert_eq!(silent().await, 0);
        // Taking everything again forgets no word.
        stock::rebuild(&world.db, world.now()).await.unwrap();
        assert_eq!(silent().await, 0);
    });
}

#[test]
fn a_falsified_sum_is_found_and_rebuilding_mends_it() {
    on_each_engine(async |world| {
        world.supplied().await;
        world.proven().await;
        for (spoiled, what) in [
            (
                "UPDATE supply_at_venue SET on_hand = on_hand + 1",
                "sum_of_venue",
            ),
            (
                "UPDATE supply_at_venue SET municipality = '131032'",
                "home_of_venue",
            ),
            ("DELETE FROM supply_at_venue", "sum_of_venue"),
            ("UPDATE supply_at_city SET used = used + 1", "sum_of_city"),
            ("DELETE FROM supply_at_city", "sum_of_city"),
            (
                "UPDATE supply_of_lot SET on_hand = on_hand - 1",
                "sum_of_lot",
            ),
            (
                "INSERT INTO supply_of_lot (product, lot, municipality, on_hand) VALUES ('p', 'l', '131016', 0)",
                "sums_of_lots",
            ),
            (
                "UPDATE supply_counted SET wasted = wasted + 1",
                "counted_vials",
            ),
            (
                "UPDATE supply_counted SET counted_on = counted_on + 1",
                "counted_vials",
            ),
            (
                "UPDATE dose_given SET doses = doses + 1 WHERE place = '13'",
                "given_doses",
            ),
            (
                "UPDATE dose_counted SET doses = doses + 1 WHERE place = 'JP'",
                "counted_doses",
            ),
            (
                "DELETE FROM dose_counted WHERE LENGTH(place) > 6",
                "counted_doses",
            ),
        ] {
            world.spoil(spoiled).await;
            let proof = stock::prove(&world.db, world.now()).await.unwrap();
            assert_eq!(
                proof.difference.map(|one| one.what),
                Some(what),
                "{spoiled}"
            );
            stock::rebuild(&world.db, world.now()).await.unwrap();
            world.proven().await;
        }
        world.added_up().await;
    });
}

#[test]
fn nobody_sees_what_is_not_below_them() {
    let may = |kind: Kind, territory: Territory, place: Place| {
        let actor = actor(9, kind, Role::Administrator, territory);
        access::permit(&actor, Action::SeeSupply, place).is_ok()
    };
    let own = Territory::City(city(CHIYODA));
    assert!(may(Kind::City, own, at_venue(1, CHIYODA)));
    assert!(!may(Kind::City, own, at_venue(2, SAPPORO)));
    assert!(!may(Kind::City, own, tokyo()));
    assert!(!may(Kind::City, own, Place::Nation));
    let prefecture = Territory::Prefecture(Prefecture::new(13).unwrap());
    assert!(may(
        Kind::Prefecture,
        prefecture,
        Place::City(city(CHIYODA))
    ));
    assert!(!may(
        Kind::Prefecture,
        prefecture,
        Place::City(city(SAPPORO))
    ));
    let company = OrganisationId(organisation(9).0);
    for kind in [Kind::Wholesaler, Kind::Maker] {
        let territory = Territory::Company(company);
        for place in [Place::Nation, Place::Company(company), at_venue(1, CHIYODA)] {
            assert!(!may(kind, territory, place), "{kind:?} {place:?}");
        }
    }
}

#[test]
fn a_permit_for_something_else_or_elsewhere_opens_nothing() {
    on_each_engine(async |world| {
        world.supplied().await;
        let asked = world.asked();
        // A city's permit shows that city, whatever is asked.
        let own = seeing(Kind::City, Place::City(city(CHIYODA)));
        let parts = overview(&world.db, &own, asked).await.unwrap();
        assert_eq!(parts.len(), 1);
        assert_eq!(parts[0].place, Some(Place::City(city(CHIYODA))));
        let venues = venues(&world.db, &own, asked, None).await.unwrap();
        assert_eq!(venues.len(), 1);
        assert_eq!(venues[0].code, code(1).to_string());
        assert!(of_venue(&world.db, &own, asked).await.is_err());
        let other = crate::world::nation();
        assert!(overview(&world.db, &other, asked).await.is_err());
        assert!(report(&world.db, &other, day("2021-06-01")).await.is_err());
        let of_prefecture = seeing(Kind::Prefecture, tokyo());
        assert!(
            monitors::venues(&world.db, &of_prefecture, asked, None)
                .await
                .is_err()
        );
    });
}

#[test]
fn venues_and_lots_are_read_page_by_page() {
    on_each_engine(async |world| {
        world.supplied().await;
        let permit = nation(Place::City(city(CHIYODA)));
        let all = world.venues_of(CHIYODA).await;
        let last = all.last().map(|one| (one.code.clone(), one.id));
        let rest = venues(&world.db, &permit, world.asked(), last).await;
        assert_eq!(rest.unwrap(), []);
        let permit = nation(at_venue(1, CHIYODA));
        let rest = lots(&world.db, &permit, world.asked(), LOT).await;
        assert_eq!(rest.unwrap(), []);
        assert_eq!(monitors::products(&world.db).await.unwrap(), [PRODUCT]);
        let missing = Asked {
            product: "nuvaxovid",
            ..world.asked()
        };
        assert_eq!(of_venue(&world.db, &permit, missing).await.unwrap(), None);
    });
}

#[test]
fn a_report_tells_the_totals_up_to_five_in_the_afternoon_of_its_day() {
    on_each_engine(async |world| {
        // A Tuesday.
        world.supplied().await;
        let venue = nation(at_venue(1, CHIYODA));
        let of =
            async |permit: &Permit, on: &str| report(&world.db, permit, day(on)).await.unwrap();
        // On Friday one dose more, on Saturday one of Tuesday is taken back, and one vial is thrown away.
        world.set_day("2021-06-04");
        let friday = world.dose(8).await;
        world.settle().await;
        world.set_day("2021-06-05");
        let decision = Decision {
            id: world.id(),
            dose: friday.dose,
            city: friday.municipality,
            reason: "二重".into(),
            device: String::new(),
            seen: None,
        };
        let authority = Authority::City(crate::world::desk(CHIYODA));
        world.recorder.void(&authority, decision).await.unwrap();
        world.thrown_away(1, Waste::Unused).await;
        world.settle().await;
        let doses = |doses| {
            vec![Given {
                product: PRODUCT.into(),
                turn: 1,
                doses,
            }]
        };
        for permit in [
            &venue,
            &nation(Place::City(city(CHIYODA))),
            &nation(tokyo()),
            &nation(Place::Nation),
        ] {
            assert_eq!(of(permit, "2021-05-31").await.given, []);
            assert_eq!(of(permit, "2021-06-01").await.given, doses(7));
            assert_eq!(of(permit, "2021-06-04").await.given, doses(8));
            // A weekend has Friday's totals; what was told on it counts on Monday.
            assert_eq!(of(permit, "2021-06-06").await.given, doses(8));
            assert_eq!(of(permit, "2021-06-07").await.given, doses(7));
            let wasted = async |on| of(permit, on).await.wasted;
            assert_eq!(wasted("2021-06-04").await, [(PRODUCT.to_owned(), 2)]);
            assert_eq!(wasted("2021-06-07").await, [(PRODUCT.to_owned(), 3)]);
        }
        let told = of(&venue, "2021-06-07").await;
        // Of twenty one was thrown away; the vial of Friday's dose is back, thawed.
        assert_eq!(told.on_hand, [(PRODUCT.to_owned(), 19)]);
        // However the ledgers are read again, every day has what it had.
        stock::rebuild(&world.db, world.now()).await.unwrap();
        assert_eq!(of(&venue, "2021-06-07").await, told);
        assert_eq!(of(&venue, "2021-06-04").await.given, doses(8));
        world.proven().await;
    });
}

#[test]
fn a_report_tells_what_was_received_and_above_the_venues_only_what_came_from_outside() {
    on_each_engine(async |world| {
        world.supplied().await;
        let of = async |place| {
            let found = report(&world.db, &nation(place), day("2021-06-01")).await;
            found.unwrap().received
        };
        assert_eq!(
            of(at_venue(1, CHIYODA)).await,
            [Received {
                product: PRODUCT.into(),
                lot: LOT.into(),
                giver: "東卸".into(),
                on: Some(day("2021-06-01")),
                vials: 30,
            }]
        );
        // Sapporo had its vials of a venue outside; to the nation they are among the thirty.
        assert_eq!(of(at_venue(2, SAPPORO)).await[0].giver, "会場1");
        let outside = of(Place::City(city(SAPPORO))).await;
        assert_eq!((outside[0].on, outside[0].vials), (None, 5));
        let whole = of(Place::Nation).await;
        assert_eq!(whole.iter().map(|one| one.vials).collect::<Vec<_>>(), [30]);
    });
}
