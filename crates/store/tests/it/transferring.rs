//! Transfers: two venues that have to say the same, the clock that goes with thawed vials, and the papers that
//! tell where vials had come from.

use domain::access::VenuePermit;
use domain::calendar::Instant;
use domain::stock::{Account, Alarm, Shelf};
use store::stock::{self, Doing, Done};
use store::transfers::{self, Side, Word};

use crate::stock::{FROZEN, LOT, code, first, goods, second};
use crate::world::{day, on_each_engine};

pub(crate) fn word(to: usize, vials: i64, began: Option<Instant>) -> Word {
    Word {
        other: code(to),
        goods: goods(LOT),
        shelf: if began.is_some() {
            Shelf::Thawed
        } else {
            Shelf::Frozen
        },
        vials,
        began,
        note: String::new(),
    }
}

#[test]
fn a_transfer_is_on_both_lists_until_both_say_the_same() {
    on_each_engine(async |world| {
        world.stocked(20).await;
        let (one, other) = (first(), second());
        let begin = async |permit: &VenuePermit, side, word: Word| {
            transfers::begin(&world.db, permit, side, &word, world.act())
                .await
                .unwrap()
        };
        let open = async |permit: &VenuePermit| transfers::open(&world.db, permit).await.unwrap();
        assert_eq!(begin(&one, Side::Gives, word(2, 6, None)).await, Done::Now);
        let waiting = open(&other).await;
        assert_eq!((waiting[0].sent, waiting[0].taken), (Some(6), None));
        assert_eq!(open(&one).await.len(), 1);
        let id = waiting[0].id;
        let take = transfers::take(&world.db, &other, (id, 5), "1本破損", world.act());
        assert_eq!(take.await.unwrap(), Done::Now);
        assert_eq!(world.at(&other, FROZEN).await, 5);
        assert_eq!(world.at(&other, Account::Transfer).await, 1);
        // Nobody else answers for it.
        let stranger = transfers::put_right(&world.db, &other, (id, 5), "", world.act());
        assert_eq!(stranger.await.unwrap(), Done::NotFound);
        let right = transfers::put_right(&world.db, &one, (id, 5), "1本を戻した", world.act());
        assert_eq!(right.await.unwrap(), Done::Now);
        assert_eq!(world.at(&one, FROZEN).await, 15);
        assert_eq!((open(&one).await, open(&other).await), (vec![], vec![]));
        // The other one speaks first.
        assert_eq!(begin(&other, Side::Got, word(1, 3, None)).await, Done::Now);
        assert_eq!(world.at(&other, Account::Transfer).await, -3);
        let claimed = open(&one).await;
        assert_eq!((claimed[0].sent, claimed[0].taken), (None, Some(3)));
        let right = transfers::put_right(&world.db, &one, (claimed[0].id, 3), "", world.act());
        assert_eq!(right.await.unwrap(), Done::Now);
        assert_eq!(world.at(&one, FROZEN).await, 12);
        let itself = begin(&one, Side::Gives, word(1, 3, None)).await;
        assert!(matches!(itself, Done::Refused(_)));
        world.proven().await;
    });
}

#[test]
fn the_clock_of_a_thawed_vial_goes_with_it() {
    on_each_engine(async |world| {
        world.stocked(20).await;
        let began = Instant::parse("2021-06-01T09:00:00+09:00").unwrap();
        let thaw = async |vials, act| {
            let doing = Doing::Thaw(began);
            stock::act(&world.db, &first(), (&goods(LOT), vials), &doing, "", act)
                .await
                .unwrap()
        };
        let act = world.act();
        assert_eq!(thaw(8, act).await, Done::Now);
        assert_eq!(thaw(8, act).await, Done::Before);
        assert_eq!(thaw(9, act).await, Done::OtherContent);
        let sent = transfers::begin(
            &world.db,
            &first(),
            Side::Gives,
            &word(2, 3, Some(began)),
            world.act(),
        )
        .await
        .unwrap();
        assert_eq!(sent, Done::Now);
        let id = transfers::open(&world.db, &second()).await.unwrap()[0].id;
        transfers::take(&world.db, &second(), (id, 3), "", world.act())
            .await
            .unwrap();
        let here = stock::on_hand(&world.db, &second(), world.now())
            .await
            .unwrap();
        let end = here[0].batch.use_by.unwrap();
        assert_eq!(end.japanese(), "2021-07-02 09:00");
        assert_eq!(here[0].alarms, []);
        world.set_day("2021-07-02");
        let here = stock::on_hand(&world.db, &second(), world.now())
            .await
            .unwrap();
        assert_eq!(here[0].alarms, [Alarm::ClockRanOut]);
        world.proven().await;
    });
}

#[test]
fn what_is_given_on_a_second_time_names_where_it_had_come_from() {
    on_each_engine(async |world| {
        world.stocked(20).await;
        let give = async |permit: &VenuePermit, to, vials| {
            let act = world.act();
            let word = word(to, vials, None);
            let told = transfers::begin(&world.db, permit, Side::Gives, &word, act).await;
            assert_eq!(told.unwrap(), Done::Now);
            act.id
        };
        let today = world.now().day_in_japan();
        let once = give(&first(), 2, 6).await;
        let taken = transfers::take(&world.db, &second(), (once, 5), "", world.act()).await;
        assert_eq!(taken.unwrap(), Done::Now);
        world.set_day("2021-06-02");
        let again = give(&second(), 1, 2).await;

        let given = transfers::given(&world.db, &first(), today).await.unwrap();
        let told: Vec<_> = given
            .iter()
            .map(|one| (one.id, one.sent, one.taken, one.came.len()))
            .collect();
        assert_eq!(told, [(once, Some(6), Some(5), 0)]);
        assert_eq!(given[0].last_day, Some(day("2021-08-31")));
        // Both sides may print the sheet that goes with the box.
        for side in [first(), second()] {
            let one = transfers::one(&world.db, &side, again, today)
                .await
                .unwrap();
            let came = one.unwrap().came;
            let came: Vec<_> = came
                .iter()
                .map(|came| (came.from.name.as_str(), came.vials))
                .collect();
            assert_eq!(came, [("会場1", 5)]);
        }
        let unknown = transfers::one(&world.db, &first(), world.id(), today).await;
        assert_eq!(unknown.unwrap(), None);
    });
}
