//! Deliveries: what is told twice, what cannot be right, boxes with fewer vials, and boxes that come before
//! their word.

use domain::access::Action;
use domain::contracts::NoContract;
use domain::deliveries::{Delivery, Question};
use domain::stock::{Account, Shelf};
use domain::vaccines::ProductKey;
use domain::venues::FacilityCode;
use store::deliveries::{self, NewOrder, Placed, Receipt, Registered, Slip, Untold};
use store::stock::Done;
use uuid::Uuid;

use crate::stock::{
    FROZEN, LOT, PRODUCT, clerk, delivery, enter_lot, first, founded, goods, number, organisation,
    second, wholesaler,
};
use crate::world::{CHIYODA, SAPPORO, on_each_engine};

#[test]
fn the_same_delivery_twice_changes_nothing_and_another_story_of_it_is_asked() {
    on_each_engine(async |world| {
        founded(&world).await;
        enter_lot(&world, LOT, "2021-08-31", None).await;
        let told = delivery("D-1", 1, 195);
        assert_eq!(world.register(&told).await, Registered::Booked(vec![]));
        assert_eq!(world.register(&told).await, Registered::Before);
        let other = delivery("D-1", 1, 190);
        assert_eq!(
            world.register(&other).await,
            Registered::Held(Question::Contradicts)
        );
        assert_eq!(
            world.register(&other).await,
            Registered::Held(Question::Contradicts)
        );
        assert_eq!(world.at(&first(), Account::Delivery).await, 195);
        let asked = deliveries::open_questions(&world.db, &wholesaler())
            .await
            .unwrap();
        assert_eq!(asked.len(), 1);
        let answered = deliveries::answer(
            &world.db,
            &wholesaler(),
            asked[0].id,
            "先の195本が正しい",
            (world.id(), world.now()),
        )
        .await
        .unwrap();
        assert_eq!(answered, Done::Now);
        let asked = deliveries::open_questions(&world.db, &wholesaler())
            .await
            .unwrap();
        assert_eq!(asked, []);
        world.proven().await;
    });
}

#[test]
fn what_cannot_be_right_about_a_delivery_is_asked_and_nothing_is_lost() {
    on_each_engine(async |world| {
        founded(&world).await;
        let order = NewOrder {
            supplier: organisation(9),
            number: number("O-1"),
            venue: organisation(1),
            product: ProductKey::parse(PRODUCT).unwrap(),
            vials: 195,
        };
        let place = async |order: &NewOrder, code| {
            let act = (world.id(), world.now());
            deliveries::order(&world.db, &clerk(Action::OrderVials, code), order, act)
                .await
                .unwrap()
        };
        let none = Placed::NoContract(NoContract::Never);
        assert_eq!(place(&order, CHIYODA).await, none);
        world.join_contract(organisation(1), CHIYODA).await;
        assert_eq!(place(&order, CHIYODA).await, Placed::Now);
        assert_eq!(place(&order, CHIYODA).await, Placed::Before);
        assert_eq!(place(&order, SAPPORO).await, Placed::NotFound);
        let more = NewOrder {
            vials: 196,
            ..order.clone()
        };
        assert_eq!(place(&more, CHIYODA).await, Placed::NumberTaken);
        let ordered = |slip: &str, to, vials| Delivery {
            order: Some(number("O-1")),
            ..delivery(slip, to, vials)
        };
        // A lot never shipped; more than ordered; another venue's order; nobody's order.
        assert_eq!(
            world.register(&ordered("D-1", 1, 100)).await,
            Registered::Booked(vec![Question::LotUnknown])
        );
        enter_lot(&world, LOT, "2021-08-31", None).await;
        assert_eq!(
            world.register(&ordered("D-2", 1, 96)).await,
            Registered::Booked(vec![Question::MoreThanOrdered])
        );
        assert_eq!(
            world.register(&ordered("D-3", 2, 1)).await,
            Registered::Booked(vec![Question::OtherVenue, Question::MoreThanOrdered])
        );
        let nobody = Delivery {
            facility: FacilityCode::parse("9999999999").unwrap(),
            ..delivery("D-4", 1, 5)
        };
        assert_eq!(
            world.register(&nobody).await,
            Registered::Held(Question::VenueUnknown)
        );
        deliveries::unreadable(
            &world.db,
            &wholesaler(),
            "D-5,-5",
            "バイアル数",
            world.now(),
        )
        .await
        .unwrap();
        let asked = deliveries::open_questions(&world.db, &wholesaler())
            .await
            .unwrap();
        let asked: Vec<_> = asked.iter().map(|one| one.question).collect();
        assert_eq!(asked.len(), 6, "{asked:?}");
        assert!(asked.contains(&Question::Unreadable) && asked.contains(&Question::VenueUnknown));
        let open = deliveries::open_orders(&world.db, &wholesaler())
            .await
            .unwrap();
        assert_eq!(open, [], "197 of 195 are delivered");
        // A box before the wrong venue: the right one is not named, and the wholesaler is asked.
        let elsewhere = deliveries::slip(&world.db, &second(), &number("D-1"), world.now())
            .await
            .unwrap();
        assert_eq!(elsewhere, Slip::Elsewhere);
        let unknown = deliveries::slip(&world.db, &second(), &number("D-9"), world.now())
            .await
            .unwrap();
        assert_eq!(unknown, Slip::Unknown);
        let asked = deliveries::open_questions(&world.db, &wholesaler())
            .await
            .unwrap();
        assert!(
            asked
                .iter()
                .any(|one| one.question == Question::CameElsewhere)
        );
        world.proven().await;
    });
}

#[test]
fn a_box_with_fewer_vials_is_on_both_lists_until_the_wholesaler_puts_it_right() {
    on_each_engine(async |world| {
        founded(&world).await;
        enter_lot(&world, LOT, "2021-08-31", None).await;
        world.register(&delivery("D-1", 1, 10)).await;
        assert_eq!(world.receive(9, Shelf::Frozen).await, Done::Now);
        assert_eq!(world.at(&first(), FROZEN).await, 9);
        assert_eq!(world.at(&first(), Account::Delivery).await, 1);
        let open = deliveries::open_at_supplier(&world.db, &wholesaler())
            .await
            .unwrap();
        assert_eq!((open[0].shipped, open[0].received), (10, Some(9)));
        let act = world.act();
        let right = async || {
            deliveries::put_right(&world.db, &wholesaler(), (open[0].id, 9), "1本不足", act)
                .await
                .unwrap()
        };
        assert_eq!(right().await, Done::Now);
        assert_eq!(right().await, Done::Before);
        assert_eq!(world.at(&first(), Account::Delivery).await, 0);
        let open = deliveries::open_at_venue(&world.db, &first())
            .await
            .unwrap();
        assert_eq!(open, []);
        assert_eq!(world.proven().await.nation.shipped, 9);
    });
}

#[test]
fn a_box_may_be_taken_in_before_its_wholesaler_has_told_of_it() {
    on_each_engine(async |world| {
        founded(&world).await;
        enter_lot(&world, LOT, "2021-08-31", None).await;
        let untold = Untold {
            supplier: organisation(9),
            slip: number("D-1"),
            goods: goods(LOT),
            receipt: Receipt {
                delivery: Uuid::nil(),
                vials: 10,
                shelf: Shelf::Frozen,
                began: None,
                note: String::new(),
            },
        };
        let act = world.act();
        let take = async |act| {
            deliveries::receive_untold(&world.db, &first(), &untold, act)
                .await
                .unwrap()
        };
        assert_eq!(take(act).await, Done::Now);
        assert_eq!(take(act).await, Done::Before);
        assert_eq!(take(world.act()).await, Done::BooksChanged(10));
        assert_eq!(world.at(&first(), Account::Delivery).await, -10);
        world.proven().await;
        assert_eq!(
            world.register(&delivery("D-1", 1, 10)).await,
            Registered::Booked(vec![])
        );
        assert_eq!(world.at(&first(), Account::Delivery).await, 0);
        let open = deliveries::open_at_supplier(&world.db, &wholesaler())
            .await
            .unwrap();
        assert_eq!(open, []);
        world.proven().await;
    });
}
