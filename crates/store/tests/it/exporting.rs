//! A city's records on their way into a file, on both engines.

use domain::people::Sex;
use store::audit::View;
use store::exports::{Export, Kind, Line, PAGE_PEOPLE};

use crate::world::{CHIYODA, SAPPORO, World, desk, on_each_engine, resident};

async fn begun(world: &World, city: &str, kind: Kind) -> Export {
    let view = View {
        id: world.id(),
        at: world.now(),
        number: None,
        view: "export".into(),
        purpose: "other".into(),
    };
    Export::begin(&world.db, &desk(city), kind, &view)
        .await
        .unwrap()
}

/// All lines, and by how many statements they were read.
async fn whole(world: &World, city: &str, kind: Kind) -> (Vec<Line>, usize) {
    let mut export = begun(world, city, kind).await;
    let (mut lines, mut statements) = (Vec::new(), 0);
    while let Some(page) = export.page().await.unwrap() {
        assert!(page.len() <= PAGE_PEOPLE);
        lines.extend(page);
        statements += 1;
    }
    (lines, statements)
}

/// Each line as its person and, for every dose, turn and coupon.
fn told(lines: &[Line]) -> Vec<String> {
    let dose = |line: &Line| {
        let doses = line.doses.iter();
        doses
            .map(|one| {
                format!(
                    " {}:{}",
                    one.turn,
                    one.number.as_str().trim_start_matches('0')
                )
            })
            .collect::<String>()
    };
    lines
        .iter()
        .map(|line| {
            format!(
                "{}{}",
                line.resident_no.as_deref().unwrap_or("-"),
                dose(line)
            )
        })
        .collect()
}

#[test]
fn a_person_is_one_line_with_the_doses_of_every_coupon_and_a_protected_one_has_no_number() {
    on_each_engine(async |world| {
        let mut hidden = resident("15", "0000000004", "19500101", Sex::Female);
        hidden.protected = true;
        world
            .load(
                CHIYODA,
                &[
                    resident("20", "0000000001", "19500101", Sex::Female),
                    resident("10", "0000000002", "19600101", Sex::Male),
                    hidden,
                    resident("30", "0000000005", "19600101", Sex::Male),
                ],
            )
            .await;
        for digits in [
            "211310160000000001",
            "211310160000000002",
            "211310160000000004",
        ] {
            world.record(world.report(digits)).await.unwrap();
        }
        // The coupon was lost, and a new one issued.
        let again = resident("20", "0000000009", "19500101", Sex::Female);
        world.load(CHIYODA, &[again]).await;
        world.set_day("2021-06-29");
        world
            .record(world.report("221310160000000009"))
            .await
            .unwrap();
        // An interview is no dose, and the same dose told again is not another one.
        world
            .record(world.report("121310160000000002"))
            .await
            .unwrap();
        let (lines, statements) = whole(&world, CHIYODA, Kind::Ledger).await;
        assert_eq!(told(&lines), ["10 1:2", "20 1:1 2:9", "- 1:4"]);
        assert_eq!(statements, 2);
        assert_eq!(whole(&world, SAPPORO, Kind::Ledger).await.0, []);
        let looks = store::audit::looks(&world.db, &desk(CHIYODA), None)
            .await
            .unwrap();
        assert_eq!(looks[0].view.view, "export");
    });
}

#[test]
fn a_coupon_that_waits_is_one_line_without_a_person() {
    on_each_engine(async |world| {
        world
            .load(
                CHIYODA,
                &[resident("1", "0000000001", "19500101", Sex::Female)],
            )
            .await;
        for digits in [
            "211310160000000007",
            "211310160000000001",
            "211310160000000006",
        ] {
            world.record(world.report(digits)).await.unwrap();
        }
        world.set_day("2021-06-29");
        world
            .record(world.report("221310160000000007"))
            .await
            .unwrap();
        let (lines, statements) = whole(&world, CHIYODA, Kind::Pending).await;
        assert_eq!(told(&lines), ["- 1:7 2:7", "- 1:6"]);
        assert_eq!(statements, 1);
    });
}

#[test]
fn a_page_holds_so_many_people_and_the_statements_are_as_many_as_the_pages() {
    on_each_engine(async |world| {
        let people = PAGE_PEOPLE * 2 + 1;
        let residents: Vec<_> = (1..=people)
            .map(|number| {
                let mut one = resident(
                    &format!("{number:05}"),
                    &format!("{number:010}"),
                    "19500101",
                    Sex::Female,
                );
                one.protected = number % 2 == 0;
                one
            })
            .collect();
        world.load(CHIYODA, &residents).await;
        for number in [1, 2, people - 1, people] {
            let digits = format!("21{CHIYODA}{number:010}");
            world.record(world.report(&digits)).await.unwrap();
        }
        let (lines, statements) = whole(&world, CHIYODA, Kind::Ledger).await;
        assert_eq!(
            told(&lines),
            ["00001 1:1", "01001 1:1001", "- 1:2", "- 1:1000"]
        );
        // 501 who may be named: two pages. 500 who may not: one that is full, and one that is empty.
        assert_eq!(statements, 4);

        let reports = (0..=PAGE_PEOPLE).map(|number| {
            let digits = format!("21{CHIYODA}{:010}", 5_000 + number);
            world.record(world.report(&digits))
        });
        for report in reports {
            report.await.unwrap();
        }
        let (lines, statements) = whole(&world, CHIYODA, Kind::Pending).await;
        assert_eq!((lines.len(), statements), (PAGE_PEOPLE + 1, 2));
    });
}
