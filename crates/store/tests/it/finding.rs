//! People found by number, birth date and name, on both engines.

use crate::world::{CHIYODA, SAPPORO, World, desk, number, on_each_engine, resident};
use domain::coupons::CouponNumber;
use domain::people::{BirthDate, Question, Sex};
use store::audit::{self, View};
use store::people::{self, Found};
use store::residents::{OtherNames, Resident, make_keys};
use store::worklists::{self, List};

fn named(no: &str, number: u32, name: &str, kana: &str, birth: &str) -> Resident {
    Resident {
        name: name.into(),
        kana: kana.into(),
        birth: BirthDate::parse_compact(birth).unwrap(),
        ..resident(no, &format!("{number:010}"), "19460503", Sex::Female)
    }
}

fn town() -> Vec<Resident> {
    vec![
        named("100", 1, "佐藤 花子", "サトウ ハナコ", "19500301"),
        named("101", 2, "佐藤 華子", "ｻﾄｳ ﾊﾅｺ", "19620710"),
        Resident {
            other_names: OtherNames {
                former_name: "齋藤".into(),
                former_kana: "サイトウ".into(),
                ..OtherNames::default()
            },
            ..named("102", 3, "髙橋 恵", "タカハシ メグミ", "19500301")
        },
        Resident {
            other_names: OtherNames {
                alias: "山本 一郎".into(),
                alias_kana: "ヤマモト イチロウ".into(),
                romaji: "PARK ILHO".into(),
                ..OtherNames::default()
            },
            ..named("103", 4, "PARK ILHO", "パク イルホ", "19500300")
        },
        Resident {
            protected: true,
            ..named("104", 5, "佐藤 守", "サトウ マモル", "19500301")
        },
    ]
}

async fn find(world: &World, typed: &str) -> Found {
    let question = Question::read(typed).unwrap();
    people::search(&world.db, &desk(CHIYODA), &question, None, 50)
        .await
        .unwrap()
}

/// The people's numbers: by number, then by name.
async fn found(world: &World, typed: &str) -> String {
    let found = find(world, typed).await;
    assert_eq!(found.by_name.next, None);
    let all = found.by_number.iter().chain(&found.by_name.items);
    let numbers: Vec<&str> = all.map(|one| one.resident_no.as_str()).collect();
    numbers.join(" ")
}

#[test]
fn people_are_found_by_what_the_clerk_knows() {
    on_each_engine(async |world| {
        world.load(CHIYODA, &town()).await;
        let elsewhere = named("900", 9, "佐藤 花子", "サトウ ハナコ", "19500301");
        world.load(SAPPORO, &[elsewhere]).await;
        for (typed, expected) in [
            ("0000000001", "100"),
            ("221310160000000003", "102"),
            ("210110020000000009", ""),
            ("100", "100"),
            ("0000000009", ""),
            ("さとう S25.3.1", "100"),
            ("サトウハナコ 昭和25年3月1日", "100"),
            ("サトウ", "100 101"),
            ("sato hanako", "100 101"),
            ("佐藤", "100 101"),
            ("佐藤華", "101"),
            ("高橋 恵", "102"),
            ("さいとう", "102"),
            ("斎藤恵", "102"),
            ("斎藤 1950-03-01", "102"),
            ("ヤマモト", "103"),
            ("山本一郎", "103"),
            ("Park", "103"),
            ("Ilho Park", "103"),
            // The day the person was born on is not known.
            ("ぱく S25.3.1", "103"),
            ("19500301", "103 100 102"),
            ("サトウ S26.3.1", ""),
            ("、", ""),
            ("", ""),
        ] {
            assert_eq!(found(&world, typed).await, expected, "{typed}");
        }
    });
}

#[test]
fn a_protected_person_is_found_by_a_number_alone() {
    on_each_engine(async |world| {
        world.load(CHIYODA, &town()).await;
        for (typed, expected) in [
            ("0000000005", "104"),
            ("104", "104"),
            ("サトウ マモル", ""),
            ("佐藤守", ""),
            ("サトウ マモル S25.3.1", ""),
        ] {
            assert_eq!(found(&world, typed).await, expected, "{typed}");
        }
        let all = find(&world, "S25.3.1").await.by_name.items;
        assert!(all.iter().all(|one| !one.protected));
    });
}

#[test]
fn a_long_list_is_paged_and_nobody_is_left_out_or_named_twice() {
    on_each_engine(async |world| {
        let mut many: Vec<Resident> = (0..23)
            .map(|n| {
                named(
                    &format!("{n:03}"),
                    n,
                    "鈴木 一",
                    "スズキ ハジメ",
                    "19700101",
                )
            })
            .collect();
        for one in many.iter_mut().step_by(3) {
            // Found by either name, once.
            one.other_names.former_name = "鈴".into();
            one.other_names.former_kana = "スズ".into();
        }
        for one in many.iter_mut().skip(1).step_by(3) {
            one.kana = "タナカ ハジメ".into();
            one.name = "田中 一".into();
            one.other_names.former_name = "鈴木".into();
            one.other_names.former_kana = "スズキ".into();
        }
        world.load(CHIYODA, &many).await;
        for typed in [
            "すず",
            "鈴",
            "すず 1970-01-01",
            "鈴 1970-01-01",
            "1970-01-01",
        ] {
            let question = Question::read(typed).unwrap();
            let (mut after, mut seen) = (None, Vec::new());
            loop {
                let page = people::search(&world.db, &desk(CHIYODA), &question, after.as_ref(), 5)
                    .await
                    .unwrap()
                    .by_name;
                seen.extend(page.items.into_iter().map(|one| one.resident_no));
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
            seen.sort();
            let all: Vec<String> = (0..23).map(|n| format!("{n:03}")).collect();
            assert_eq!(seen, all, "{typed}");
        }
    });
}

#[test]
fn who_is_called_otherwise_now_is_found_by_the_new_names_only() {
    on_each_engine(async |world| {
        world.load(CHIYODA, &town()).await;
        let mut changed = town().remove(3);
        changed.other_names = OtherNames {
            alias: "金子 一郎".into(),
            alias_kana: "カネコ イチロウ".into(),
            ..OtherNames::default()
        };
        assert_eq!(world.load(CHIYODA, &[changed]).await.changed, 1);
        for (typed, expected) in [("かねこ", "103"), ("ヤマモト", ""), ("Ilho", "")] {
            assert_eq!(found(&world, typed).await, expected, "{typed}");
        }
    });
}

#[test]
fn keys_of_an_earlier_kind_are_made_anew_in_stretches() {
    on_each_engine(async |world| {
        let many: Vec<Resident> = (0..1200)
            .map(|n| Resident {
                other_names: OtherNames {
                    former_kana: "オカ".into(),
                    ..OtherNames::default()
                },
                ..named(&format!("{n:04}"), n, "東 京", "アズマ ケイ", "19700101")
            })
            .collect();
        world.load(CHIYODA, &many).await;
        assert_eq!(make_keys(&world.db).await.unwrap(), 0);
        for forget in [
            "UPDATE resident SET keyed = 0, kana_key = kana",
            "DELETE FROM resident_key",
        ] {
            let mut tx = world.db.begin().await.unwrap();
            tx.query(forget).run().await.unwrap();
            tx.commit().await.unwrap();
        }
        assert_eq!(found(&world, "あずまけい 1970-1-1").await, "");
        assert_eq!(make_keys(&world.db).await.unwrap(), 1000);
        assert_eq!(make_keys(&world.db).await.unwrap(), 200);
        assert_eq!(make_keys(&world.db).await.unwrap(), 0);
        let page = find(&world, "あずま").await.by_name;
        assert_eq!(page.items.len(), 50);
        assert_eq!(page.items.first(), many.first());
        assert_eq!(find(&world, "おか").await.by_name.items.len(), 50);
    });
}

#[test]
fn the_desk_counts_each_kind_of_work_with_its_age() {
    on_each_engine(async |world| {
        world.load(CHIYODA, &town()).await;
        // In order: nothing wrong; the same dose again, otherwise; a second dose too soon; waiting.
        let first = world.now();
        for (digits, product, days) in [
            ("211310160000000001", "comirnaty_12_mono", 0),
            ("211310160000000001", "spikevax_mono", 1),
            ("221310160000000001", "comirnaty_12_mono", 3),
            ("211310160000009999", "comirnaty_12_mono", 0),
        ] {
            let mut report = world.report(digits);
            report.product = product.into();
            report.given_on = report.given_on.plus_days(days - 5);
            world.record(report).await.unwrap();
        }
        let today = world.now().day_in_japan();
        let lists = worklists::counts(&world.db, &desk(CHIYODA), today)
            .await
            .unwrap();
        let waiting: Vec<(List, i64)> = lists
            .iter()
            .filter(|one| one.count > 0)
            .map(|one| (one.list, one.count))
            .collect();
        assert_eq!(
            waiting,
            [
                (List::Pending, 1),
                (List::Clashes, 1),
                (List::Findings, 2),
                (List::Misreads, 2),
            ]
        );
        for one in &lists {
            assert_eq!(one.oldest, (one.count > 0).then_some(first), "{one:?}");
            assert!(!one.or_more);
        }
        let none = worklists::counts(&world.db, &desk(SAPPORO), today)
            .await
            .unwrap();
        assert!(none.iter().all(|one| one.count == 0));
    });
}

#[test]
fn the_log_of_a_person_holds_the_looks_under_every_coupon() {
    on_each_engine(async |world| {
        let mut person = town().remove(0);
        world.load(CHIYODA, std::slice::from_ref(&person)).await;
        let looked = async |number: CouponNumber| {
            let view = View {
                id: world.id(),
                at: world.now(),
                number: Some(number),
                view: "person".into(),
                purpose: "phone".into(),
            };
            audit::looked(&world.db, &desk(CHIYODA), &view)
                .await
                .unwrap();
            view.id
        };
        let old = looked(person.number).await;
        person.number = number("0000000077");
        world.load(CHIYODA, std::slice::from_ref(&person)).await;
        let new = looked(person.number).await;
        looked(number("0000000078")).await;
        for asked in ["0000000001", "0000000077"] {
            let log = audit::looks_at_person(&world.db, &desk(CHIYODA), number(asked), None)
                .await
                .unwrap();
            let ids: Vec<_> = log.iter().map(|look| look.view.id).collect();
            assert_eq!(ids, [new, old], "{asked}");
            let older = audit::looks_at_person(&world.db, &desk(CHIYODA), number(asked), Some(new))
                .await
                .unwrap();
            assert_eq!(older.len(), 1);
            let coupons = people::coupons(&world.db, &desk(CHIYODA), number(asked))
                .await
                .unwrap();
            assert_eq!(coupons, [number("0000000001"), number("0000000077")]);
        }
    });
}
