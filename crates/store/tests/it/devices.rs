//! The tablets of a venue and what they sent, and the coupons already used, on both engines.

use crate::people_at_work::{found_city, found_venue, manage, nation};
use crate::world::{CHIYODA, SAPPORO, World, number, on_each_engine, venue};
use domain::access::{self, Action, Place, VenuePermit};
use domain::calendar::Instant;
use domain::doses::DoseId;
use store::Error;
use store::devices::{self, NewDevice, Taken};
use store::doses::used_in_city;
use store::queue_keys;
use uuid::Uuid;
use zeroize::Zeroizing;

fn tablet(world: &World, name: &str, key: u8) -> NewDevice {
    NewDevice {
        id: world.id(),
        name: name.into(),
        public_key: vec![key; devices::PUBLIC_KEY_BYTES],
    }
}

async fn register(world: &World, permit: &VenuePermit, device: &NewDevice) -> devices::Device {
    devices::register(&world.db, permit, device, world.id(), world.now())
        .await
        .unwrap()
}

fn taken(sequence: i64, dose: Uuid) -> Taken {
    Taken {
        sequence,
        dose: DoseId(dose),
        made_at: Instant::from_micros(1_000),
        basis: "codes",
        statement_hash: [7; 32],
        signature: vec![9; 64],
    }
}

#[test]
fn a_tablet_is_known_where_it_was_made_known_and_nowhere_else() {
    on_each_engine(async |world| {
        let (here, there) = (venue(1, CHIYODA), venue(2, CHIYODA));
        let one = tablet(&world, "受付1", 1);
        register(&world, &here, &one).await;
        let found = devices::find(&world.db, &here, one.id).await.unwrap();
        assert_eq!(found.unwrap().name, "受付1");
        let elsewhere = devices::find(&world.db, &there, one.id).await.unwrap();
        assert_eq!(elsewhere, None);
    });
}

#[test]
fn the_key_for_queues_that_leave_as_files_is_made_once() {
    on_each_engine(async |world| {
        assert_eq!(queue_keys::kept(&world.db).await.unwrap(), None);
        let (first, second) = (Zeroizing::new([1; 32]), Zeroizing::new([2; 32]));
        for fresh in [&first, &second] {
            let kept = queue_keys::kept_or(&world.db, fresh, world.now()).await;
            assert_eq!(*kept.unwrap(), [1; 32]);
        }
    });
}

#[test]
fn making_a_tablet_known_again_changes_nothing_but_another_key_is_refused() {
    on_each_engine(async |world| {
        let here = venue(1, CHIYODA);
        let one = tablet(&world, "受付1", 1);
        register(&world, &here, &one).await;
        let renamed = NewDevice {
            name: "別の名前".into(),
            ..one.clone()
        };
        assert_eq!(register(&world, &here, &renamed).await.name, "受付1");
        let forged = NewDevice {
            public_key: vec![2; devices::PUBLIC_KEY_BYTES],
            ..one
        };
        let refused = devices::register(&world.db, &here, &forged, world.id(), world.now()).await;
        assert!(matches!(refused, Err(Error::Exists)));
    });
}

#[test]
fn whoever_answers_for_a_venue_sees_its_tablets_and_ends_a_lost_one() {
    on_each_engine(async |world| {
        let nation = nation(&world).await;
        let city = found_city(&world, &nation, CHIYODA).await;
        let other = found_city(&world, &nation, SAPPORO).await;
        let boss = found_venue(&world, &city).await;
        let here = access::venue(&boss.actor(), Action::RecordDose).unwrap();
        let one = tablet(&world, "受付1", 1);
        register(&world, &here, &one).await;
        let own = manage(&boss.actor(), boss.organisation.territory.place());
        let above = manage(&city.actor(), city.organisation.territory.place());
        let far = manage(&other.actor(), other.organisation.territory.place());
        for permit in [&own, &above] {
            let listed = devices::list(&world.db, permit).await.unwrap();
            assert_eq!(listed.len(), 1);
            assert_eq!(listed[0].device.id, one.id);
            assert_eq!(listed[0].registered_by, boss.name);
        }
        assert_eq!(devices::list(&world.db, &far).await.unwrap(), []);
        let end = async |permit| {
            devices::revoke(&world.db, permit, one.id, world.id(), world.now())
                .await
                .unwrap()
        };
        assert!(!end(&far).await, "another city's tablet is not there");
        assert!(end(&own).await);
        let first = devices::find(&world.db, &here, one.id)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(first.revoked_at, Some(world.now()));
        world.set_day("2021-06-02");
        assert!(end(&above).await);
        let again = register(&world, &here, &one).await;
        assert_eq!(
            again.revoked_at, first.revoked_at,
            "it stays as it was ended first"
        );
    });
}

#[test]
fn what_is_missing_and_what_came_twice_is_counted() {
    on_each_engine(async |world| {
        let nation = nation(&world).await;
        let city = found_city(&world, &nation, CHIYODA).await;
        let boss = found_venue(&world, &city).await;
        let here = access::venue(&boss.actor(), Action::RecordDose).unwrap();
        let one = tablet(&world, "受付1", 1);
        register(&world, &here, &one).await;
        let (first, fourth, clone) = (world.id(), world.id(), world.id());
        let took = async |taken: &[Taken], skew| {
            devices::took(&world.db, &here, one.id, taken, skew, world.now())
                .await
                .unwrap();
        };
        took(&[taken(1, first)], Some(-90_000)).await;
        took(&[taken(1, first), taken(4, fourth)], Some(5)).await;
        took(&[taken(4, clone)], None).await;
        let permit = manage(&boss.actor(), boss.organisation.territory.place());
        let listed = devices::list(&world.db, &permit).await.unwrap().remove(0);
        assert_eq!((listed.received, listed.missing, listed.doubled), (3, 2, 1));
        assert_eq!(listed.skew_millis, 5, "a file tells nothing of the clock");
        assert!(matches!(permit.place(), Place::Venue { .. }));
    });
}

#[test]
fn used_coupons_are_told_in_order_and_those_taken_back_are_not() {
    on_each_engine(async |world| {
        let permit = venue(1, CHIYODA);
        for digits in [
            "211310160000000002",
            "221310160000000001",
            "211310160000000001",
            "210110020000000009",
        ] {
            world.record(world.report(digits)).await.unwrap();
        }
        let void = store::recorder::Decision {
            id: world.id(),
            dose: world
                .record(world.report("211310160000000003"))
                .await
                .unwrap()
                .dose,
            city: crate::world::city(CHIYODA),
            reason: "読み違い".into(),
            device: String::new(),
            seen: None,
        };
        let by = store::recorder::Authority::Venue(permit.clone());
        world.recorder.void(&by, void).await.unwrap();
        let all = used_in_city(&world.db, &permit, None).await.unwrap();
        let expected = [
            (number("0000000001"), 1),
            (number("0000000001"), 2),
            (number("0000000002"), 1),
        ];
        assert_eq!(all, expected);
        let rest = used_in_city(&world.db, &permit, Some(expected[1]))
            .await
            .unwrap();
        assert_eq!(rest, expected[2..]);
    });
}
