//! Reports about a dose: begun at a desk, saved, submitted, and seen by nobody else.

use domain::doses::DoseId;
use domain::people::Sex;
use store::reports::{self, Act, Desk, Form, Kind, NewReport, Saved};
use uuid::Uuid;

use crate::world::{CHIYODA, SAPPORO, World, day, desk, on_each_engine, resident, venue};

fn act(world: &World) -> Act {
    Act {
        audit: world.id(),
        at: world.now(),
    }
}

fn form(symptoms: &str) -> Form {
    Form::from([("symptoms".to_owned(), symptoms.to_owned())])
}

async fn dose(world: &World, line: &str) -> DoseId {
    let report = world.report(line);
    let id = report.id;
    world.record(report).await.unwrap();
    id
}

async fn begun(world: &World, desk: &Desk, kind: Kind, dose: DoseId) -> Option<Uuid> {
    let new = NewReport {
        id: world.id(),
        kind,
        dose,
        form: form("発熱"),
    };
    let done = reports::begin(&world.db, desk, &new, act(world))
        .await
        .unwrap();
    done.then_some(new.id)
}

#[test]
fn a_venue_drafts_what_it_recorded_and_the_city_goes_on_and_submits() {
    on_each_engine(async |world| {
        let mut person = resident("1", "0000000001", "19500101", Sex::Female);
        person.protected = true;
        world.load(CHIYODA, &[person]).await;
        let dose = dose(&world, &format!("21{CHIYODA}0000000001")).await;
        let here = Desk::Venue(venue(1, CHIYODA));
        let elsewhere = Desk::Venue(venue(2, CHIYODA));
        let kind = Kind::AdverseReaction;
        assert_eq!(begun(&world, &elsewhere, kind, dose).await, None);
        let id = begun(&world, &here, kind, dose).await.unwrap();
        assert!(
            reports::report(&world.db, &elsewhere, id)
                .await
                .unwrap()
                .is_none()
        );
        assert!(
            reports::list(&world.db, &elsewhere, None)
                .await
                .unwrap()
                .is_empty()
        );
        let city = Desk::City(desk(CHIYODA));
        let shown = reports::list(&world.db, &city, None)
            .await
            .unwrap()
            .remove(0);
        assert_eq!((shown.id, shown.protected, shown.revision), (id, true, 0));

        let save = async |desk: &Desk, revision, text: &str, on| {
            reports::save(
                &world.db,
                desk,
                (id, revision),
                &form(text),
                on,
                act(&world),
            )
            .await
            .unwrap()
        };
        assert_eq!(save(&here, 0, "発熱、頭痛", None).await, Saved::Saved);
        // Who still has the former one before them does not write over it.
        assert_eq!(save(&city, 0, "頭痛", None).await, Saved::Changed);
        assert_eq!(save(&elsewhere, 1, "頭痛", None).await, Saved::NotFound);
        let on = Some(day("2021-06-01"));
        assert_eq!(save(&city, 1, "発熱、頭痛", on).await, Saved::Saved);
        assert_eq!(save(&here, 2, "何もない", None).await, Saved::Changed);
        let done = reports::report(&world.db, &here, id)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(done.report_no.as_deref(), Some("2021-0001"));
        assert_eq!((done.submitted_on, done.form), (on, form("発熱、頭痛")));
    });
}

#[test]
fn numbers_count_by_city_kind_and_year() {
    on_each_engine(async |world| {
        let dose = dose(&world, &format!("21{CHIYODA}0000000001")).await;
        let city = Desk::City(desk(CHIYODA));
        assert_eq!(
            begun(&world, &Desk::City(desk(SAPPORO)), Kind::Mistake, dose).await,
            None
        );
        let mut numbers = Vec::new();
        for (kind, on) in [
            (Kind::Mistake, "2021-06-01"),
            (Kind::Mistake, "2021-12-31"),
            (Kind::AdverseReaction, "2021-12-31"),
            (Kind::Mistake, "2022-01-01"),
        ] {
            let id = begun(&world, &city, kind, dose).await.unwrap();
            let on = Some(day(on));
            reports::save(&world.db, &city, (id, 0), &form("x"), on, act(&world))
                .await
                .unwrap();
            let report = reports::report(&world.db, &city, id)
                .await
                .unwrap()
                .unwrap();
            numbers.push(report.report_no.unwrap());
        }
        assert_eq!(
            numbers,
            ["2021-0001", "2021-0002", "2021-0001", "2022-0001"]
        );
    });
}
