//! Storms: random acts of everybody, after which the books hold.

use std::collections::BTreeMap;

use domain::stock::{Shelf, Waste};
use store::deliveries::{self, Receipt};
use store::recorder::{Authority, Decision};
use store::stock::{self, Counted, Doing};
use store::transfers::{self, Side};

use crate::stock::{FROZEN, LOT, delivery, first, founded, goods, second, wholesaler};
use crate::transferring::word;
use crate::world::{CHIYODA, World, on_each_engine};

/// A small generator, the same on every machine.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

#[test]
fn the_books_hold_after_any_storm_of_operations() {
    on_each_engine(async |world| {
        for seed in 1..=3 {
            storm(&world, Dice(seed)).await;
        }
    });
}

/// Random acts of everybody, some of them sent twice, some with numbers that cannot be right.
async fn storm(world: &World, mut dice: Dice) {
    if deliveries::suppliers(&world.db).await.unwrap().is_empty() {
        founded(world).await;
    }
    let mut people: BTreeMap<u64, store::recorder::Receipt> = BTreeMap::new();
    for step in 0..120_u64 {
        let vials = i64::try_from(dice.roll(12)).unwrap() - 1;
        let (own, to) = if dice.roll(2) == 0 {
            (first(), 2)
        } else {
            (second(), 1)
        };
        let act = world.act();
        match dice.roll(11) {
            0 | 1 => {
                let slip = format!("S-{}-{}", dice.0 % 97, step % 7);
                world
                    .register(&delivery(&slip, to, vials.max(1) * 10))
                    .await;
            }
            2 | 3 => {
                for told in deliveries::open_at_venue(&world.db, &own).await.unwrap() {
                    let receipt = Receipt {
                        delivery: told.id,
                        vials: told.shipped - i64::from(dice.roll(4) == 0),
                        shelf: Shelf::Frozen,
                        began: None,
                        note: String::new(),
                    };
                    for _ in 0..2 {
                        deliveries::receive(&world.db, &own, &receipt, act)
                            .await
                            .unwrap();
                    }
                }
            }
            4 => {
                for told in deliveries::open_at_supplier(&world.db, &wholesaler())
                    .await
                    .unwrap()
                {
                    let Some(received) = told.received else {
                        continue;
                    };
                    let act = world.act();
                    deliveries::put_right(&world.db, &wholesaler(), (told.id, received), "", act)
                        .await
                        .unwrap();
                }
            }
            5 => {
                let side = if dice.roll(2) == 0 {
                    Side::Gives
                } else {
                    Side::Got
                };
                let word = word(to, vials, None);
                for _ in 0..2 {
                    transfers::begin(&world.db, &own, side, &word, act)
                        .await
                        .unwrap();
                }
            }
            6 => {
                for told in transfers::open(&world.db, &own).await.unwrap() {
                    let act = world.act();
                    if told.is_ours {
                        let right = (told.id, told.taken.unwrap_or(0));
                        transfers::put_right(&world.db, &own, right, "", act)
                            .await
                            .unwrap();
                    } else {
                        let took = (told.id, told.sent.unwrap_or(0) + vials.min(1));
                        transfers::take(&world.db, &own, took, "", act)
                            .await
                            .unwrap();
                    }
                }
            }
            7 => {
                let doing = match dice.roll(3) {
                    0 => Doing::Thaw(world.now()),
                    1 => Doing::Discard(Shelf::Frozen, Waste::Temperature),
                    _ => Doing::Lose(Shelf::Thawed),
                };
                stock::act(&world.db, &own, (&goods(LOT), vials), &doing, "", act)
                    .await
                    .unwrap();
            }
            8 => {
                let seen = world.at(&own, FROZEN).await;
                let counted = Counted {
                    goods: goods(LOT),
                    shelf: Shelf::Frozen,
                    seen,
                    vials: seen + vials,
                    note: "棚卸し".to_owned(),
                };
                stock::count(&world.db, &own, &counted, (world.id(), act))
                    .await
                    .unwrap();
            }
            9 => {
                if let Some((_, receipt)) = people.pop_first() {
                    let decision = Decision {
                        id: world.id(),
                        dose: receipt.dose,
                        city: receipt.municipality,
                        reason: "二重".into(),
                        device: String::new(),
                        seen: None,
                    };
                    let authority = Authority::Venue(crate::world::venue(1, CHIYODA));
                    world.recorder.void(&authority, decision).await.unwrap();
                }
            }
            _ => {
                for _ in 0..=dice.roll(9) {
                    let person = dice.0 % 9_999_999_999;
                    people.insert(person, world.dose(person).await);
                    dice.roll(2);
                }
            }
        }
        if dice.roll(6) == 0 {
            world.settle().await;
            world.proven().await;
        }
    }
    // Before and after the last of it is settled.
    world.proven().await;
    world.settle().await;
    let proof = world.proven().await;
    assert_eq!((proof.lag, proof.unsettled), (0, 0));
}
