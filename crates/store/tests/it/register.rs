//! What is past its time of keeping, and what is kept of a person who asks.

use domain::people::Sex;
use store::register::{self, LISTED_MAX};

use crate::seals::{Office, my_number};
use crate::world::{CHIYODA, SAPPORO, day, desk, number, on_each_engine, resident};

#[test]
fn what_was_given_more_than_five_years_ago_is_past_and_nothing_is_erased() {
    on_each_engine(async |world| {
        let mut hidden = resident("2", "0000000002", "19600101", Sex::Male);
        hidden.protected = true;
        let people = [resident("1", "0000000001", "19500101", Sex::Female), hidden];
        world.load(CHIYODA, &people).await;
        for (line, on) in [
            ("211310160000000001", "2021-04-12"),
            ("211310160000000002", "2021-04-13"),
            ("221310160000000001", "2021-05-10"),
        ] {
            world.set_day(on);
            world.record(world.report(line)).await.unwrap();
        }
        let past = async |today: &str| {
            let found = register::past_retention(&world.db, &desk(CHIYODA), day(today), 0).await;
            let found = found.unwrap();
            assert_eq!(found.next, None);
            let pairs = found.items.into_iter();
            pairs
                .map(|one| (one.record.given_on.to_string(), one.name))
                .collect::<Vec<_>>()
        };
        assert_eq!(past("2026-04-12").await, []);
        let first = ("2021-04-12".to_owned(), Some("山田 1".to_owned()));
        assert_eq!(past("2026-04-13").await, std::slice::from_ref(&first));
        // A protected person is not named.
        let second = ("2021-04-13".to_owned(), None);
        assert_eq!(past("2026-04-14").await, [first, second]);
        assert_eq!(past("2030-01-01").await.len(), 3);
        let elsewhere =
            register::past_retention(&world.db, &desk(SAPPORO), day("2030-01-01"), 0).await;
        assert!(elsewhere.unwrap().items.is_empty());
        world.verified().await;
    });
}

#[test]
fn a_long_list_goes_on_where_the_page_before_ended() {
    on_each_engine(async |world| {
        let count = LISTED_MAX + 5;
        for n in 1..=count {
            world
                .record(world.report(&format!("21{CHIYODA}{n:010}")))
                .await
                .unwrap();
        }
        let permit = desk(CHIYODA);
        let today = day("2030-01-01");
        let first = register::past_retention(&world.db, &permit, today, 0)
            .await
            .unwrap();
        let next = register::past_retention(&world.db, &permit, today, first.next.unwrap()).await;
        let next = next.unwrap();
        assert_eq!(
            (first.items.len(), next.items.len(), next.next),
            (100, 5, None)
        );
        assert_eq!(next.items[4].record.seq, count);
    });
}

#[test]
fn a_person_is_told_everything_that_is_kept_of_them_but_the_number_itself() {
    on_each_engine(async |world| {
        let office = Office::new();
        world
            .load(
                CHIYODA,
                &[resident("1", "0000000001", "19500101", Sex::Female)],
            )
            .await;
        // The coupon was issued anew; the first dose stands under the old one.
        world
            .record(world.report("211310160000000001"))
            .await
            .unwrap();
        world
            .load(
                CHIYODA,
                &[resident("1", "0000000005", "19500101", Sex::Female)],
            )
            .await;
        let told = async |digits: &str| {
            register::disclosed(&world.db, &desk(CHIYODA), number(digits))
                .await
                .unwrap()
        };
        assert!(!told("0000000005").await.unwrap().has_individual_number);
        world
            .keep(&office, CHIYODA, &[("1", my_number(1))])
            .await
            .unwrap();
        for (at, digits) in (1..).zip(["0000000001", "0000000005"]) {
            let view = store::audit::View {
                id: world.id(),
                at: world.now(),
                number: Some(number(digits)),
                view: "person".into(),
                purpose: format!("{at}"),
            };
            store::audit::looked(&world.db, &desk(CHIYODA), &view)
                .await
                .unwrap();
        }
        let told_of = told("0000000005").await.unwrap();
        assert!(told_of.has_individual_number);
        assert_eq!(
            told_of.numbers,
            [number("0000000001"), number("0000000005")]
        );
        assert_eq!(told_of.person.records.len(), 1);
        let purposes: Vec<_> = told_of
            .looks
            .iter()
            .map(|one| one.view.purpose.as_str())
            .collect();
        assert_eq!(purposes, ["2", "1"]);
        assert!(told("0000000009").await.is_none());
    });
}
