//! The cold chain on both engines: readings in any order, excursions that follow, quarantine, decisions, rescue.

use std::collections::BTreeMap;

use domain::access::{self, Action, OrganisationKind, Permit, Role, Territory, VenuePermit};
use domain::calendar::Instant;
use domain::cold_chain::{CoolerKind, Outcome, Temperature};
use domain::deliveries::Delivery;
use domain::places::Prefecture;
use domain::stock::{Account, Alarm, Goods, Shelf, Waste};
use domain::vaccines::Lot;
use domain::venues::record::{Source, Standing, Storage, Told as Section, VenueType};
use store::cold_chain::{
    self, Cooler, CoolerKept, Decided, Deciding, DecidingMany, Entered, Line, ManyDecided, Near,
    State, Told, Way, Word,
};
use store::stock::{self, Doing, Done};
use store::transfers::{self, Side};
use store::venues::{self, Kept};
use uuid::Uuid;

use crate::stock::{
    FROZEN, LOT, code, delivery, enter_lot, first, founded, goods, organisation, second,
};
use crate::world::{CHIYODA, SAPPORO, World, city, day, on_each_engine};

/// Another lot in the same freezer.
const OTHER_LOT: &str = "FD0349";
const COOLER: Uuid = Uuid::from_u128(77);

fn at(time: &str) -> Instant {
    Instant::parse(&format!("2021-06-{time}:00+09:00")).unwrap()
}

fn degrees(text: &str) -> Temperature {
    Temperature::parse(text).unwrap()
}

fn cooler(kind: CoolerKind, revision: i64, is_in_use: bool) -> Cooler {
    Cooler {
        id: COOLER,
        name: "薬剤部1".to_owned(),
        kind,
        every_minutes: 960,
        is_in_use,
        revision,
        at: at("01T00:00"),
    }
}

impl World {
    async fn tell(&self, permit: &VenuePermit, cooler: &Cooler) -> CoolerKept {
        let act = (self.id(), self.now());
        cold_chain::tell_cooler(&self.db, permit, cooler, act)
            .await
            .unwrap()
    }

    async fn read(&self, time: &str, temperature: &str) -> Entered {
        self.say(time, Some(temperature), None).await
    }

    async fn say(&self, time: &str, temperature: Option<&str>, corrects: Option<i64>) -> Entered {
        let word = Word {
            cooler: COOLER,
            at: at(time),
            temperature: temperature.map(degrees),
            corrects: corrects.map(|seen| (seen, "見間違い".to_owned())),
        };
        cold_chain::enter(&self.db, &first(), &word, Way::Page, self.act())
            .await
            .unwrap()
    }

    async fn warm(&self) -> Vec<Told> {
        cold_chain::open(&self.db, &first(), self.now())
            .await
            .unwrap()
    }

    async fn decide(&self, outcome: Outcome, vials: i64) -> Decided {
        let open = self.warm().await;
        let told = open.first().unwrap();
        let deciding = Deciding {
            excursion: told.listed.id,
            goods: goods(LOT),
            outcome,
            vials,
            seen: told.undecided(),
            facility: Some(code(2)),
            began: None,
            reason: "メーカー回答".to_owned(),
        };
        let act = (self.id(), self.act());
        cold_chain::decide(&self.db, &first(), &deciding, act)
            .await
            .unwrap()
    }

    async fn thaw(&self, vials: i64) -> Done {
        let doing = Doing::Thaw(self.now());
        stock::act(
            &self.db,
            &first(),
            (&goods(LOT), vials),
            &doing,
            "",
            self.act(),
        )
        .await
        .unwrap()
    }
}

/// A first venue with ten vials in a deep freezer that was right at eight. It is the second of June, nine o'clock.
async fn with_freezer(world: &World) {
    world.stocked(10).await;
    assert_eq!(
        world
            .tell(&first(), &cooler(CoolerKind::DeepFreezer, 0, true))
            .await,
        CoolerKept::Now
    );
    world.set_day("2021-06-03");
    assert_eq!(
        world.read("02T08:00", "-75").await,
        Entered::Now { is_outside: false }
    );
}

#[test]
fn a_reading_outside_opens_an_excursion_and_its_vials_wait() {
    on_each_engine(async |world| {
        with_freezer(&world).await;
        assert_eq!(world.warm().await, []);
        assert_eq!(
            world.read("02T17:00", "-40").await,
            Entered::Now { is_outside: true }
        );
        let open = world.warm().await;
        assert_eq!(open.len(), 1);
        let excursion = open[0].listed.excursion;
        assert_eq!((excursion.since, excursion.over), (at("02T08:00"), None));
        assert_eq!(open[0].undecided(), 10);
        let here = stock::on_hand(&world.db, &first(), world.now())
            .await
            .unwrap();
        assert_eq!(here[0].alarms, [Alarm::Quarantined]);
        assert_eq!(world.thaw(1).await, Done::Held(0));
        let word = transfers::Word {
            other: code(2),
            goods: goods(LOT),
            shelf: Shelf::Frozen,
            vials: 1,
            began: None,
            note: String::new(),
        };
        let sent = transfers::begin(&world.db, &first(), Side::Gives, &word, world.act()).await;
        assert_eq!(sent.unwrap(), Done::Held(0));
        let known = cold_chain::quarantine(&world.db, &first(), &goods(LOT), world.now()).await;
        let known = known.unwrap().unwrap();
        assert_eq!((known.since, known.is_whole), (day("2021-06-02"), true));
        // Another venue's vials of the lot are as good as before.
        let theirs = cold_chain::quarantine(&world.db, &second(), &goods(LOT), world.now()).await;
        assert_eq!(theirs.unwrap(), None);
        // A dose is recorded all the same: what was given was given.
        world.dose(1).await;
        world.settle().await;
        let told = &world.warm().await[0];
        let fate = told.fates[&goods(LOT)];
        assert_eq!((fate.stood, fate.undecided, fate.gone), (10, 9, 1));
        world.proven().await;
    });
}

#[test]
fn late_and_corrected_readings_move_close_and_withdraw_an_excursion() {
    on_each_engine(async |world| {
        with_freezer(&world).await;
        world.read("02T17:00", "-40").await;
        let id = world.warm().await[0].listed.id;
        // An earlier one, entered late, is part of it; a good one ends it.
        world.read("02T12:00", "-58").await;
        world.read("02T18:00", "-75").await;
        let one = cold_chain::one(&world.db, &first(), id, world.now())
            .await
            .unwrap()
            .unwrap();
        let excursion = one.listed.excursion;
        assert_eq!(
            (excursion.first, excursion.last),
            (at("02T12:00"), at("02T17:00"))
        );
        assert_eq!(excursion.over, Some(at("02T18:00")));
        assert_eq!(
            (excursion.lowest, excursion.highest),
            (degrees("-58"), degrees("-40"))
        );
        // A good one in its middle makes two of it.
        world.read("02T15:00", "-70").await;
        let open = world.warm().await;
        assert_eq!(open.len(), 2);
        assert_eq!(open[0].listed.id, id);
        // Both were misread: nothing is in doubt any more, and both words stay.
        let stale = world.say("02T17:00", Some("-74"), Some(9)).await;
        assert!(matches!(stale, Entered::Differs(_)), "{stale:?}");
        let right = world.say("02T17:00", Some("-74"), Some(1)).await;
        assert_eq!(right, Entered::Now { is_outside: false });
        assert_eq!(
            world.say("02T12:00", None, Some(1)).await,
            Entered::Now { is_outside: false }
        );
        assert_eq!(world.warm().await, []);
        let past = cold_chain::past(&world.db, &first()).await.unwrap();
        assert!(
            past.iter().all(|one| one.state == State::Withdrawn),
            "{past:?}"
        );
        let told = cold_chain::latest(&world.db, &first(), 50).await.unwrap();
        assert_eq!(told.len(), 7);
        assert_eq!(told.iter().filter(|one| !one.is_holding).count(), 2);
        assert_eq!(world.thaw(1).await, Done::Now);
    });
}

#[test]
fn vials_are_kept_thrown_away_and_rescued_once_each() {
    on_each_engine(async |world| {
        with_freezer(&world).await;
        world.read("02T17:00", "-40").await;
        assert_eq!(world.decide(Outcome::Kept, 2).await, Decided::NotOver);
        assert_eq!(world.decide(Outcome::Rescued, 3).await, Decided::Now);
        assert_eq!(world.decide(Outcome::Discarded, 8).await, Decided::Vials);
        assert_eq!(world.decide(Outcome::Discarded, 4).await, Decided::Now);
        world.read("02T18:00", "-75").await;
        assert_eq!(world.decide(Outcome::Kept, 3).await, Decided::Now);
        assert_eq!(world.warm().await, []);
        let past = cold_chain::past(&world.db, &first()).await.unwrap();
        assert_eq!(past[0].state, State::Settled);
        let told = cold_chain::one(&world.db, &first(), past[0].id, world.now()).await;
        let told = told.unwrap().unwrap();
        let fate = told.fates[&goods(LOT)];
        assert_eq!((fate.kept, fate.discarded, fate.rescued), (3, 4, 3));
        assert_eq!((fate.stood, fate.undecided, fate.gone), (10, 0, 0));
        assert_eq!(told.decisions.len(), 3);
        assert_eq!(world.at(&first(), FROZEN).await, 3);
        let gone = Account::Discarded(Waste::Temperature);
        assert_eq!(world.at(&first(), gone).await, 4);
        assert_eq!(world.at(&second(), Account::Transfer).await, 3);
        let open = transfers::open(&world.db, &second()).await.unwrap();
        assert_eq!(open[0].sent_note, "メーカー回答");
        assert_eq!(world.thaw(3).await, Done::Now);
        world.proven().await;
    });
}

#[test]
fn a_decision_is_made_by_what_was_seen_and_sent_again_it_is_made_once() {
    on_each_engine(async |world| {
        with_freezer(&world).await;
        world.read("02T17:00", "-40").await;
        let deciding = Deciding {
            excursion: world.warm().await[0].listed.id,
            goods: goods(LOT),
            outcome: Outcome::Discarded,
            vials: 2,
            seen: 9,
            facility: None,
            began: None,
            reason: "x".to_owned(),
        };
        let act = world.act();
        let decide = async |permit: VenuePermit, deciding: Deciding| {
            let audit = world.id();
            cold_chain::decide(&world.db, &permit, &deciding, (audit, act))
                .await
                .unwrap()
        };
        assert_eq!(
            decide(first(), deciding.clone()).await,
            Decided::Changed(10)
        );
        let seen = Deciding {
            seen: 10,
            ..deciding
        };
        assert_eq!(decide(second(), seen.clone()).await, Decided::NotFound);
        assert_eq!(decide(first(), seen.clone()).await, Decided::Now);
        assert_eq!(decide(first(), seen.clone()).await, Decided::Before);
        let other = Deciding { vials: 3, ..seen };
        assert_eq!(decide(first(), other).await, Decided::OtherContent);
        assert_eq!(world.at(&first(), FROZEN).await, 8);
    });
}

/// A first venue with ten vials of one lot and four of another in a freezer that was too warm and is right again.
async fn with_two_lots(world: &World) -> Uuid {
    with_freezer(world).await;
    enter_lot(world, OTHER_LOT, "2021-08-31", None).await;
    let other = Delivery {
        lot: Lot::parse(OTHER_LOT).unwrap(),
        ..delivery("D-1", 1, 4)
    };
    world.register(&other).await;
    assert_eq!(world.receive(4, Shelf::Frozen).await, Done::Now);
    world.read("03T08:00", "-75").await;
    world.read("03T09:00", "-40").await;
    world.set_day("2021-06-04");
    world.warm().await.first().unwrap().listed.id
}

#[test]
fn several_lots_are_decided_in_one_act_or_none_of_them_is() {
    on_each_engine(async |world| {
        let excursion = with_two_lots(&world).await;
        let both = BTreeMap::from([(goods(LOT), 10), (goods(OTHER_LOT), 4)]);
        let many = |outcome, lots: &BTreeMap<Goods, i64>| DecidingMany {
            excursion,
            lots: lots.clone(),
            outcome,
            facility: Some(code(2)),
            reason: "メーカー回答".to_owned(),
        };
        let act = world.act();
        let decide = async |many: &DecidingMany, act| {
            cold_chain::decide_many(&world.db, &first(), many, (world.id(), act))
                .await
                .unwrap()
        };
        let none = BTreeMap::new();
        assert_eq!(
            decide(&many(Outcome::Discarded, &none), act).await,
            ManyDecided::Lots
        );
        assert_eq!(
            decide(&many(Outcome::Kept, &both), act).await,
            ManyDecided::Stopped(goods(LOT), Decided::NotOver)
        );
        // One lot has fewer vials than were seen: the other one is not decided either.
        let stale = BTreeMap::from([(goods(LOT), 10), (goods(OTHER_LOT), 5)]);
        let stopped = decide(&many(Outcome::Discarded, &stale), act).await;
        assert!(
            matches!(stopped, ManyDecided::Stopped(_, Decided::Changed(_))),
            "{stopped:?}"
        );
        assert_eq!(world.warm().await[0].undecided(), 14);
        assert_eq!(world.warm().await[0].decisions, []);
        let right = many(Outcome::Discarded, &both);
        assert_eq!(decide(&right, act).await, ManyDecided::Now);
        assert_eq!(decide(&right, act).await, ManyDecided::Before);
        let part = BTreeMap::from([(goods(LOT), 10)]);
        assert_eq!(
            decide(&many(Outcome::Discarded, &part), act).await,
            ManyDecided::Stopped(goods(LOT), Decided::OtherContent)
        );
        let told = cold_chain::one(&world.db, &first(), excursion, world.now()).await;
        let told = told.unwrap().unwrap();
        assert_eq!((told.undecided(), told.decisions.len()), (0, 2));
        assert_eq!(told.fates[&goods(LOT)].discarded, 10);
        assert_eq!(told.fates[&goods(OTHER_LOT)].discarded, 4);
        assert_eq!(world.at(&first(), FROZEN).await, 0);
        world.proven().await;
    });
}

#[test]
fn several_lots_are_brought_to_another_venue_each_by_a_transfer_of_its_own() {
    on_each_engine(async |world| {
        let excursion = with_two_lots(&world).await;
        let many = DecidingMany {
            excursion,
            lots: BTreeMap::from([(goods(LOT), 10), (goods(OTHER_LOT), 4)]),
            outcome: Outcome::Rescued,
            facility: Some(code(2)),
            reason: "使用可".to_owned(),
        };
        let act = (world.id(), world.act());
        let decided = cold_chain::decide_many(&world.db, &first(), &many, act).await;
        assert_eq!(decided.unwrap(), ManyDecided::Now);
        let open = transfers::open(&world.db, &second()).await.unwrap();
        let mut vials: Vec<_> = open.iter().filter_map(|one| one.sent).collect();
        vials.sort_unstable();
        assert_eq!(vials, [4, 10]);
        world.proven().await;
    });
}

/// The right of a city, a prefecture or the nation to see its venues.
fn seeing(territory: Territory) -> Permit {
    let kind = match territory {
        Territory::City(_) => OrganisationKind::City,
        Territory::Prefecture(_) => OrganisationKind::Prefecture,
        _ => OrganisationKind::Nation,
    };
    let actor = crate::stock::actor(20, kind, Role::Administrator, territory);
    access::permit(&actor, Action::SeeVenues, territory.place()).unwrap()
}

#[test]
fn coolers_nobody_read_are_told_to_the_area_the_longest_silent_first() {
    on_each_engine(async |world| {
        with_freezer(&world).await;
        let unread = async |territory| {
            cold_chain::unread_in_area(&world.db, &seeing(territory), world.now())
                .await
                .unwrap()
        };
        let own = Territory::City(city(CHIYODA));
        let found = unread(own).await;
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].since, found[0].was_read), (at("02T08:00"), true));
        assert_eq!(
            (found[0].venue, found[0].cooler.as_str()),
            (organisation(1), "薬剤部1")
        );
        let tokyo = Territory::Prefecture(Prefecture::new(13).unwrap());
        assert_eq!(unread(tokyo).await, found);
        assert_eq!(unread(Territory::Nation).await, found);
        assert_eq!(unread(Territory::City(city(SAPPORO))).await, []);
        // A cooler that was never read counts from when it was put in use; a reading taken back is none.
        let other = Cooler {
            id: Uuid::from_u128(78),
            name: "薬剤部2".to_owned(),
            ..cooler(CoolerKind::DeepFreezer, 0, true)
        };
        assert_eq!(world.tell(&first(), &other).await, CoolerKept::Now);
        world.read("03T08:00", "-75").await;
        assert_eq!(unread(own).await, []);
        assert!(matches!(
            world.say("03T08:00", None, Some(1)).await,
            Entered::Now { .. }
        ));
        assert_eq!(unread(own).await[0].since, at("02T08:00"));
        world.set_day("2021-06-05");
        let found = unread(own).await;
        let told: Vec<_> = found
            .iter()
            .map(|one| (one.cooler.as_str(), one.was_read))
            .collect();
        assert_eq!(told, [("薬剤部1", true), ("薬剤部2", false)]);
        // Whoever takes a cooler out of use is not asked about it any more.
        let told = world
            .tell(&first(), &cooler(CoolerKind::DeepFreezer, 1, false))
            .await;
        assert_eq!(told, CoolerKept::Now);
        assert_eq!(unread(own).await.len(), 1);
    });
}

#[test]
fn a_broken_freezer_is_emptied_and_its_excursion_ends() {
    on_each_engine(async |world| {
        with_freezer(&world).await;
        world.read("02T17:00", "-40").await;
        let told = world
            .tell(&first(), &cooler(CoolerKind::DeepFreezer, 1, false))
            .await;
        assert_eq!(told, CoolerKept::Now);
        let over = world.warm().await[0].listed.excursion.over;
        assert!(over.is_some_and(|over| over > at("02T17:00")), "{over:?}");
        assert_eq!(world.decide(Outcome::Kept, 10).await, Decided::Now);
        assert_eq!(world.warm().await, []);
    });
}

#[test]
fn a_cooler_is_told_by_what_was_seen_and_keeps_its_kind() {
    on_each_engine(async |world| {
        founded(&world).await;
        let new = cooler(CoolerKind::Freezer, 0, true);
        assert_eq!(world.tell(&first(), &new).await, CoolerKept::Now);
        assert_eq!(world.tell(&first(), &new).await, CoolerKept::AsItIs);
        let other = Cooler {
            every_minutes: 60,
            ..new.clone()
        };
        assert_eq!(
            world.tell(&first(), &other).await,
            CoolerKept::ChangedMeanwhile
        );
        let kind = Cooler {
            kind: CoolerKind::Refrigerator,
            revision: 1,
            ..new.clone()
        };
        assert_eq!(
            world.tell(&first(), &kind).await,
            CoolerKept::ChangedMeanwhile
        );
        let twin = Cooler {
            id: Uuid::from_u128(78),
            ..new.clone()
        };
        assert_eq!(world.tell(&first(), &twin).await, CoolerKept::NameTaken);
        let gone = Cooler {
            id: Uuid::from_u128(79),
            revision: 3,
            ..new
        };
        assert_eq!(world.tell(&first(), &gone).await, CoolerKept::NotFound);
        assert_eq!(cold_chain::coolers(&world.db, &second()).await.unwrap(), []);
    });
}

#[test]
fn a_file_is_taken_in_once_in_any_order_and_another_value_is_not_written_over() {
    on_each_engine(async |world| {
        with_freezer(&world).await;
        let line = |time: &str, temperature: &str| Line {
            cooler: "薬剤部1".to_owned(),
            at: at(time),
            temperature: degrees(temperature),
        };
        let lines = [
            line("02T18:00", "-75"),
            line("02T16:00", "-50"),
            line("02T17:00", "-45"),
            line("02T16:00", "-60"),
            line("02T08:00", "-70"),
            Line {
                cooler: "知らない".to_owned(),
                ..line("02T18:00", "-75")
            },
        ];
        let take_in = async || {
            cold_chain::take_in(&world.db, &first(), &lines, world.now())
                .await
                .unwrap()
        };
        let became = take_in().await;
        assert_eq!(became[0], Entered::Now { is_outside: false });
        assert_eq!(became[1..3], [Entered::Now { is_outside: true }; 2]);
        assert!(matches!(
            became[3..5],
            [Entered::Differs(_), Entered::Differs(_)]
        ));
        assert_eq!(became[5], Entered::NotFound);
        let excursion = world.warm().await[0].listed.excursion;
        assert_eq!(
            (excursion.first, excursion.over),
            (at("02T16:00"), Some(at("02T18:00")))
        );
        let again = take_in().await;
        assert_eq!(again[..3], [Entered::Before; 3]);
        assert_eq!(again[3..], became[3..]);
        let told = cold_chain::latest(&world.db, &first(), 50).await.unwrap();
        assert_eq!(told.len(), 4);
    });
}

#[test]
fn vials_go_to_the_nearest_venue_with_room() {
    on_each_engine(async |world| {
        founded(&world).await;
        let today = world.now().day_in_japan();
        // The two venues stand in different prefectures: nobody is near.
        let kind = CoolerKind::DeepFreezer;
        let rooms = async || {
            cold_chain::rooms(&world.db, &first(), kind, today)
                .await
                .unwrap()
        };
        assert_eq!(rooms().await, []);
        let near = neighbour(&world, 3).await;
        let tell = async |told: Section| {
            let kept = venues::tell(
                &world.db,
                &near,
                organisation(3),
                (&told, day("2021-05-01")),
                0,
                (world.id(), world.now()),
            );
            assert!(matches!(kept.await.unwrap(), Kept::As(_)));
        };
        tell(Section::Storage(Storage {
            deep_frozen_units: 2,
            ..Storage::default()
        }))
        .await;
        tell(Section::Standing(Standing {
            name: "隣の診療所".to_owned(),
            kana: String::new(),
            venue_type: VenueType::Satellite,
            address: String::new(),
            phone: "03-0000-0003".to_owned(),
        }))
        .await;
        let found = rooms().await;
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].near, found[0].free_units), (Near::City, 2));
        assert_eq!(found[0].phone, "03-0000-0003");
        tell(Section::Source(Source {
            supplier: Some(organisation(1)),
        }))
        .await;
        assert_eq!(rooms().await[0].near, Near::Supply);
        let none = cold_chain::rooms(&world.db, &first(), CoolerKind::Refrigerator, today).await;
        assert_eq!(none.unwrap(), []);
    });
}

/// A third venue, in the city of the first; and the city's right to tell of it.
async fn neighbour(world: &World, number: u128) -> domain::access::Permit {
    use domain::access::{self, Action, OrganisationKind, Place, Role, Territory};
    let city = crate::world::city(crate::world::CHIYODA);
    let id = organisation(number);
    let territory = Territory::City(city);
    let clerk = crate::stock::actor(20, OrganisationKind::City, Role::Administrator, territory);
    let place = Place::Venue { id, city };
    let permit = access::permit(&clerk, Action::ManageAccounts, place).unwrap();
    let new = store::accounts::NewOrganisation {
        id,
        kind: OrganisationKind::Venue,
        name: "隣の診療所".to_owned(),
        facility_code: Some(domain::venues::FacilityCode::parse("1391000013").unwrap()),
    };
    store::accounts::found_organisation(&world.db, &permit, &new, world.id(), world.now())
        .await
        .unwrap();
    access::permit(&clerk, Action::KeepVenues, Place::City(city)).unwrap()
}
