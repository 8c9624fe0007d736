//! Disaster packs: who is in them, who may take them out, how long they are kept, on both engines.

use domain::access::{OrganisationId, OrganisationKind, Place};
use domain::calendar::Instant;
use domain::issues::{Form, ReissueReason};
use domain::packs::{KEPT_MAX, PEOPLE_MAX};
use domain::people::{ResidentStanding, Sex};
use store::Error;
use store::accounts;
use store::audit::{self, View};
use store::coupons::{self, Wanted};
use store::imports::Decided;
use store::packs::{self, Asker, Gathered, InHand, Printed, State};
use store::residents::Resident;
use uuid::Uuid;

use crate::people_at_work::{found_city, manage, nation, organisation};
use crate::world::{
    CHIYODA, SAPPORO, World, city, day, desk, number, on_each_engine, resident, venue,
};

const WORKER: Uuid = Uuid::from_u128(0xA);
const OTHER: Uuid = Uuid::from_u128(0xB);

fn later(world: &World, seconds: i64) -> Instant {
    Instant::from_micros(world.now().micros() + seconds * 1_000_000)
}

fn decided(world: &World) -> Decided {
    Decided {
        audit: world.id(),
        at: world.now(),
    }
}

async fn begun(world: &World, asker: Asker<'_>) -> Uuid {
    let id = world.id();
    let today = world.now().day_in_japan();
    let begun = packs::begin(&world.db, asker, id, today, decided(world)).await;
    assert!(begun.unwrap());
    id
}

async fn in_hand(world: &World, worker: Uuid, seconds: i64) -> InHand {
    packs::take_in_hand(&world.db, worker, later(world, seconds))
        .await
        .unwrap()
        .unwrap()
}

async fn gather(world: &World, hand: &mut InHand) -> store::Result<bool> {
    let id = || world.id();
    packs::gather(&world.db, &desk(CHIYODA), hand, world.now(), &id).await
}

/// Gathers and prints the pack that is next; who is in it.
async fn made(world: &World, text: &str) -> Gathered {
    let mut hand = in_hand(world, WORKER, 1).await;
    while gather(world, &mut hand).await.unwrap() {}
    let gathered = packs::gathered(&world.db, &desk(CHIYODA), &hand)
        .await
        .unwrap();
    let printed = Printed::Done {
        pdf: text.as_bytes().to_vec(),
        forms: gathered.people.len() as u64,
        made_blank: 0,
    };
    packs::finish(&world.db, &hand, &printed, world.now())
        .await
        .unwrap();
    gathered
}

fn numbers(gathered: &Gathered) -> Vec<(&str, u8)> {
    let people = gathered.people.iter();
    people
        .map(|one| (one.resident.resident_no.as_str(), one.turn))
        .collect()
}

fn view(world: &World) -> View {
    View {
        id: world.id(),
        at: world.now(),
        number: None,
        view: "pack".into(),
        purpose: "disaster".into(),
    }
}

async fn file(world: &World, asker: Asker<'_>, id: Uuid) -> Option<Vec<u8>> {
    let found = packs::file(&world.db, asker, id, &view(world))
        .await
        .unwrap();
    found.map(|(_, pdf)| pdf)
}

async fn coupon_is_out(world: &World, digits: &str, turn: u8) {
    let wanted = Wanted {
        reason: ReissueReason::Damaged,
        turn,
        form: Form::Questionnaire,
    };
    let permit = desk(CHIYODA);
    let done = coupons::reissue(&world.db, &permit, number(digits), wanted, decided(world));
    done.await.unwrap().unwrap();
}

#[test]
fn a_city_expects_who_has_a_coupon_or_had_a_dose_and_a_venue_who_had_the_last_one_there() {
    on_each_engine(async |world| {
        let gone = Resident {
            standing: ResidentStanding::MovedOut(day("2021-05-20")),
            ..resident("5", "0000000005", "19300401", Sex::Male)
        };
        let residents = [
            resident("1", "0000000001", "19400401", Sex::Female),
            resident("2", "0000000002", "19350401", Sex::Female),
            resident("3", "0000000003", "19350401", Sex::Male),
            resident("4", "0000000004", "19360401", Sex::Male),
            gone,
        ];
        world.set_day("2021-05-01");
        world.load(CHIYODA, &residents).await;
        for digits in ["211310160000000001", "211310160000000005"] {
            world.record(world.report(digits)).await.unwrap();
        }
        // Another venue of the city gave this one.
        let other = venue(2, CHIYODA);
        let elsewhere = world
            .recorder
            .report(&other, world.report("211310160000000004"));
        elsewhere.await.unwrap();
        world.set_day("2021-06-01");
        coupon_is_out(&world, "0000000003", 1).await;

        begun(&world, Asker::City(&desk(CHIYODA))).await;
        let all = made(&world, "city").await;
        assert_eq!(numbers(&all), [("1", 2), ("4", 2), ("3", 1)]);
        assert_eq!(all.people[0].last, Some(day("2021-05-01")));
        let ids: std::collections::BTreeSet<Uuid> = all.people.iter().map(|one| one.form).collect();
        assert_eq!(ids.len(), 3);

        begun(&world, Asker::Venue(&venue(1, CHIYODA))).await;
        assert_eq!(numbers(&made(&world, "one").await), [("1", 2)]);
        begun(&world, Asker::Venue(&venue(2, CHIYODA))).await;
        assert_eq!(numbers(&made(&world, "two").await), [("4", 2)]);
        world.verified().await;
    });
}

#[test]
fn only_the_first_are_in_a_pack_and_any_server_goes_on_with_it() {
    on_each_engine(async |world| {
        let many = u32::from(PEOPLE_MAX) + 250;
        let residents: Vec<Resident> = (1..=many)
            .map(|serial| {
                let digits = format!("{serial:010}");
                resident(&format!("{serial:04}"), &digits, "19400401", Sex::Female)
            })
            .collect();
        world.set_day("2021-04-30");
        world.load(CHIYODA, &residents).await;
        for serial in 1..=many {
            // The later ones have waited longest.
            let mut report = world.report(&format!("2113101600{serial:08}"));
            report.given_on = day("2021-04-12").plus_days(i64::from((many - serial) / 100));
            world.record(report).await.unwrap();
        }
        world.set_day("2021-06-01");
        let id = begun(&world, Asker::City(&desk(CHIYODA))).await;
        let mut first = in_hand(&world, WORKER, 1).await;
        assert!(gather(&world, &mut first).await.unwrap());
        assert_eq!(first.pack.looked, 500);
        // It falls silent, and another goes on where it was.
        let nobody = packs::take_in_hand(&world.db, OTHER, later(&world, 200)).await;
        assert_eq!(nobody.unwrap().map(|hand| hand.pack.id), None);
        let mut second = in_hand(&world, OTHER, 400).await;
        assert_eq!((second.pack.id, second.pack.looked), (id, 500));
        assert!(matches!(gather(&world, &mut first).await, Err(Error::Busy)));
        while gather(&world, &mut second).await.unwrap() {}
        assert_eq!(second.pack.state, State::Printing);
        assert_eq!(second.pack.expected, u64::from(many));
        assert_eq!(second.pack.left_out(), 250);
        let gathered = packs::gathered(&world.db, &desk(CHIYODA), &second)
            .await
            .unwrap();
        assert_eq!(gathered.people.len(), usize::from(PEOPLE_MAX));
        let waited_longest = gathered.people.first().unwrap();
        assert_eq!(waited_longest.last, Some(day("2021-04-12")));
        assert!(
            gathered
                .people
                .iter()
                .all(|one| one.last <= Some(day("2021-04-15")))
        );
    });
}

#[test]
fn a_pack_is_opened_by_its_venue_and_its_city_alone_and_the_look_is_written_down_before() {
    on_each_engine(async |world| {
        let (own, other) = (venue(1, CHIYODA), venue(2, CHIYODA));
        let (here, there) = (desk(CHIYODA), desk(SAPPORO));
        let of_venue = begun(&world, Asker::Venue(&own)).await;
        made(&world, "venue").await;
        let of_city = begun(&world, Asker::City(&here)).await;
        made(&world, "city").await;
        for (asker, id, text) in [
            (Asker::Venue(&own), of_venue, Some("venue")),
            (Asker::Venue(&own), of_city, None),
            (Asker::Venue(&other), of_venue, None),
            (Asker::City(&here), of_venue, Some("venue")),
            (Asker::City(&here), of_city, Some("city")),
            (Asker::City(&there), of_city, None),
            (Asker::City(&there), of_venue, None),
        ] {
            let found = file(&world, asker, id).await;
            assert_eq!(found.as_deref(), text.map(str::as_bytes), "{asker:?}");
        }
        let looks = audit::looks(&world.db, &here, None).await.unwrap();
        assert_eq!(
            looks.iter().filter(|look| look.view.view == "pack").count(),
            3
        );
        assert!(
            audit::looks(&world.db, &there, None)
                .await
                .unwrap()
                .is_empty()
        );
        let listed = packs::list(&world.db, Asker::Venue(&own), world.now())
            .await
            .unwrap();
        assert_eq!(listed.len(), 1);
        assert_eq!(listed[0].state, State::Done);
    });
}

#[test]
fn the_last_three_that_came_out_well_are_kept_and_none_longer_than_three_days() {
    on_each_engine(async |world| {
        let permit = desk(CHIYODA);
        let asker = Asker::City(&permit);
        let mut ids = Vec::new();
        for text in ["1", "2", "3", "4"] {
            ids.push(begun(&world, asker).await);
            made(&world, text).await;
        }
        // What fails takes no room away from what can be used.
        for _ in 0..KEPT_MAX {
            begun(&world, asker).await;
            let hand = in_hand(&world, WORKER, 1).await;
            let failed = Printed::Failed("paper_count".into());
            packs::finish(&world.db, &hand, &failed, world.now())
                .await
                .unwrap();
        }
        assert_eq!(file(&world, asker, ids[0]).await, None);
        assert_eq!(
            file(&world, asker, ids[1]).await.as_deref(),
            Some(&b"2"[..])
        );
        let listed = packs::list(&world.db, asker, world.now()).await.unwrap();
        assert_eq!(listed[0].failure.as_deref(), Some("paper_count"));
        world.set_day("2021-06-05");
        assert_eq!(file(&world, asker, ids[3]).await, None, "too old");
        assert!(
            packs::list(&world.db, asker, world.now())
                .await
                .unwrap()
                .is_empty()
        );
        packs::sweep(&world.db, world.now()).await.unwrap();
        world.set_day("2021-06-01");
        assert_eq!(
            file(&world, asker, ids[3]).await,
            None,
            "it is gone for good"
        );
    });
}

#[test]
fn a_night_makes_one_for_every_city_and_venue_and_somebody_who_waits_comes_first() {
    on_each_engine(async |world| {
        let nation = nation(&world).await;
        let boss = found_city(&world, &nation, CHIYODA).await;
        let new = organisation(&world, OrganisationKind::Venue, "千代田会場");
        let place = Place::Venue {
            id: new.id,
            city: city(CHIYODA),
        };
        let permit = manage(&boss.actor(), place);
        accounts::found_organisation(&world.db, &permit, &new, world.id(), world.now())
            .await
            .unwrap();
        let (night, id) = (day("2021-06-01"), || world.id());
        let begin = async || {
            packs::begin_night(&world.db, night, world.now(), &id)
                .await
                .unwrap()
        };
        assert_eq!(begin().await, 2);
        assert_eq!(begin().await, 0);
        // One that nobody founded here: its city asks for it, and it goes before those of the night.
        let asked = begun(&world, Asker::Venue(&venue(9, CHIYODA))).await;
        assert_eq!(in_hand(&world, WORKER, 1).await.pack.id, asked);
        let city = desk(CHIYODA);
        let again = packs::begin(
            &world.db,
            Asker::City(&city),
            world.id(),
            night,
            decided(&world),
        );
        assert!(!again.await.unwrap(), "the night's is being made");
        for _ in 0..2 {
            made(&world, "night").await;
        }
        assert_eq!(begin().await, 0, "once a night");
        let venues = packs::begin_of_venues(&world.db, &city, night, world.now(), &id);
        assert_eq!(venues.await.unwrap(), 1);
        let named = packs::list_of_venues(&world.db, &desk(CHIYODA), world.now())
            .await
            .unwrap();
        let named: Vec<(&str, Option<OrganisationId>, State)> = named
            .iter()
            .map(|(name, pack)| (name.as_str(), pack.venue, pack.state))
            .collect();
        assert_eq!(
            named,
            [
                ("千代田会場", Some(new.id), State::Gathering),
                ("千代田会場", Some(new.id), State::Done),
            ]
        );
    });
}
