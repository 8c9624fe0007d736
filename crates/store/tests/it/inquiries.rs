//! Inquiries about people who moved in: what is told, to whom, and what both cities keep of it.

use domain::access::Action;
use domain::inquiries::ToldDose;
use domain::people::BirthDate;
use store::imports::{Decided, Refusal};
use store::inquiries::files::{
    self, FileAnswer, InHand, Lines, NewFile, QuestionLine, STRETCH_QUESTIONS, State,
};
use store::inquiries::{self, Answered, OfResident};
use store::seals::SealFault;
use store::{Error, Result};
use uuid::Uuid;

use crate::seals::{Office, may, my_number, person};
use crate::world::{CHIYODA, SAPPORO, World, city, desk, number, on_each_engine};

const WORKER: Uuid = Uuid::from_u128(0xA);
const OTHER: Uuid = Uuid::from_u128(0xB);

fn birth() -> BirthDate {
    BirthDate::parse("1946-05-03").unwrap()
}

/// Somebody with two doses in Sapporo, who lives in Chiyoda now and had a third dose there.
async fn moved(world: &World, protected: bool) -> Office {
    let office = Office::new();
    let mut there = person("S-7", 7);
    there.protected = protected;
    world.load(SAPPORO, &[there]).await;
    world.load(CHIYODA, &[person("C-1", 1)]).await;
    for (code, no) in [(SAPPORO, "S-7"), (CHIYODA, "C-1")] {
        let kept = world.keep(&office, code, &[(no, my_number(1))]).await;
        assert_eq!(kept.unwrap().new, 1);
    }
    for (line, on) in [
        (format!("21{SAPPORO}0000000007"), "2021-06-12"),
        (format!("22{SAPPORO}0000000007"), "2021-07-05"),
        (format!("23{CHIYODA}0000000001"), "2022-02-10"),
    ] {
        world.set_day(on);
        world.record(world.report(&line)).await.unwrap();
    }
    world.set_day("2022-03-01");
    office
}

async fn of_resident(world: &World, office: &Office, no: &str) -> Result<OfResident> {
    let permit = may(CHIYODA, Action::FindByNumber);
    let (at, id) = (world.now(), || world.id());
    inquiries::ask_of_resident(&world.db, &office.seals, &permit, number(no), at, &id).await
}

async fn by_number(world: &World, office: &Office, n: u64, birth: BirthDate) -> Answered {
    let permit = may(CHIYODA, Action::FindByNumber);
    let (at, id) = (world.now(), || world.id());
    let person = (&my_number(n), birth);
    inquiries::ask_by_number(&world.db, &office.seals, &permit, person, at, &id)
        .await
        .unwrap()
}

fn told(answered: OfResident) -> Answered {
    match answered {
        OfResident::Answered(answered) => *answered,
        other => panic!("{other:?}"),
    }
}

fn days(doses: &[ToldDose]) -> Vec<String> {
    doses.iter().map(|dose| dose.given_on.to_string()).collect()
}

#[test]
fn the_city_somebody_moved_to_is_told_the_doses_and_both_cities_and_the_person_see_it() {
    on_each_engine(async |world| {
        let office = moved(&world, false).await;
        let answered = told(of_resident(&world, &office, "0000000001").await.unwrap());
        assert_eq!(
            days(&answered.answer.doses),
            ["2021-06-12", "2021-07-05"],
            "not one's own third"
        );
        let place = answered.answer.doses[0].whereabouts.as_ref().unwrap();
        assert_eq!(
            (place.city, place.number, place.venue_name.as_str()),
            (city(SAPPORO), number("0000000007"), "千代田会場")
        );
        assert_eq!(
            (answered.cities, answered.own),
            (1, Some(number("0000000001")))
        );

        let seen =
            |view: &str, no: &str| (view.to_owned(), "moved-in".to_owned(), Some(no.to_owned()));
        assert_eq!(world.logged(CHIYODA).await, [seen("inquiry", "0000000001")]);
        assert_eq!(world.logged(SAPPORO).await, [seen("inquiry", "0000000007")]);
        let asked = inquiries::list(&world.db, &desk(CHIYODA)).await.unwrap();
        assert_eq!(asked.len(), 1);
        assert_eq!(
            (
                asked[0].id,
                asked[0].number,
                asked[0].doses,
                asked[0].cities
            ),
            (answered.id, Some(number("0000000001")), 2, 1)
        );
        let about = inquiries::asked_about(&world.db, &desk(SAPPORO), None)
            .await
            .unwrap();
        assert_eq!(about.len(), 1);
        assert_eq!(
            (about[0].number, about[0].doses, about[0].by_file),
            (number("0000000007"), 2, false)
        );
        assert_eq!(about[0].asking.as_ref().unwrap().0, city(CHIYODA));
        // Neither sees the other's list.
        assert!(
            inquiries::list(&world.db, &desk(SAPPORO))
                .await
                .unwrap()
                .is_empty()
        );
        let about = inquiries::asked_about(&world.db, &desk(CHIYODA), None).await;
        assert!(about.unwrap().is_empty());
        // The records stay where they were made.
        world.verified().await;
    });
}

#[test]
fn a_typed_number_finds_the_person_with_the_birth_date_and_nobody_without() {
    on_each_engine(async |world| {
        let office = moved(&world, false).await;
        let right = by_number(&world, &office, 1, birth()).await;
        assert_eq!((right.answer.doses.len(), right.cities), (2, 1));
        assert_eq!(right.own, Some(number("0000000001")));
        let wrong_day = BirthDate::parse("1946-05-04").unwrap();
        let nobody = by_number(&world, &office, 1, wrong_day).await;
        assert_eq!((nobody.answer.doses.len(), nobody.own), (0, None));
        let unknown = by_number(&world, &office, 2, birth()).await;
        assert_eq!(unknown.answer.doses, nobody.answer.doses);
        // Who tries is written down in any case; whom it did not meet is not troubled.
        assert_eq!(world.logged(CHIYODA).await.len(), 3);
        assert_eq!(world.logged(SAPPORO).await.len(), 1);
        let asked = inquiries::list(&world.db, &desk(CHIYODA)).await.unwrap();
        let doses: Vec<i64> = asked.iter().map(|one| one.doses).collect();
        assert_eq!(doses, [0, 0, 2]);
    });
}

#[test]
fn of_a_protected_person_doses_are_told_and_neither_city_learns_of_the_other() {
    on_each_engine(async |world| {
        let office = moved(&world, true).await;
        let answered = told(of_resident(&world, &office, "0000000001").await.unwrap());
        assert_eq!(answered.answer.doses.len(), 2);
        assert!(answered.answer.is_withheld);
        assert!(
            answered
                .answer
                .doses
                .iter()
                .all(|dose| dose.whereabouts.is_none())
        );
        let asked = inquiries::list(&world.db, &desk(CHIYODA)).await.unwrap();
        assert_eq!((asked[0].doses, asked[0].cities), (2, 0));
        let about = inquiries::asked_about(&world.db, &desk(SAPPORO), None)
            .await
            .unwrap();
        assert_eq!((about.len(), about[0].asking.as_ref()), (1, None));
    });
}

#[test]
fn protection_that_comes_later_hides_who_asked_before() {
    on_each_engine(async |world| {
        let office = moved(&world, false).await;
        of_resident(&world, &office, "0000000001").await.unwrap();
        let mut there = person("S-7", 7);
        there.protected = true;
        world.load(SAPPORO, &[there]).await;
        let about = inquiries::asked_about(&world.db, &desk(SAPPORO), None)
            .await
            .unwrap();
        assert_eq!(about[0].asking, None);
    });
}

#[test]
fn who_has_no_number_here_is_not_asked_about() {
    on_each_engine(async |world| {
        let office = moved(&world, false).await;
        world.load(CHIYODA, &[person("C-2", 2)]).await;
        let answered = of_resident(&world, &office, "0000000002").await.unwrap();
        assert_eq!(answered, OfResident::NoNumber);
        let answered = of_resident(&world, &office, "0000000009").await.unwrap();
        assert_eq!(answered, OfResident::NotRegistered);
        assert!(world.logged(SAPPORO).await.is_empty());
    });
}

#[test]
fn a_seal_that_was_turned_to_somebody_else_answers_nothing() {
    on_each_engine(async |world| {
        let office = moved(&world, false).await;
        world
            .meddle(
                "UPDATE individual_number SET lookup = (SELECT lookup FROM individual_number
                     WHERE resident_no = 'C-1'), key_no = 9 WHERE resident_no = 'S-7'",
            )
            .await;
        let answered = told(of_resident(&world, &office, "0000000001").await.unwrap());
        assert!(answered.answer.doses.is_empty());
        world
            .meddle("UPDATE individual_number SET key_no = 9 WHERE resident_no = 'C-1'")
            .await;
        let refused = of_resident(&world, &office, "0000000001")
            .await
            .unwrap_err();
        assert!(matches!(refused, Error::Sealed(SealFault::DoesNotOpen)));
    });
}

#[test]
fn a_permit_to_see_a_number_asks_nothing() {
    on_each_engine(async |world| {
        let office = moved(&world, false).await;
        let permit = may(CHIYODA, Action::OpenNumber);
        let (at, id) = (world.now(), || world.id());
        let (db, seals) = (&world.db, &office.seals);
        let refused =
            inquiries::ask_of_resident(db, seals, &permit, number("0000000001"), at, &id).await;
        assert!(matches!(refused, Err(Error::Sealed(SealFault::Denied(_)))));
        let person = (&my_number(1), birth());
        let refused = inquiries::ask_by_number(db, seals, &permit, person, at, &id).await;
        assert!(matches!(refused, Err(Error::Sealed(SealFault::Denied(_)))));
        assert!(world.logged(CHIYODA).await.is_empty());
    });
}

fn decided(world: &World) -> Decided {
    Decided {
        audit: world.id(),
        at: world.now(),
    }
}

fn question(line: u64, n: u64) -> QuestionLine {
    QuestionLine {
        line,
        reference: format!("R-{line}"),
        number: my_number(n),
        birth: birth(),
        asked: None,
    }
}

async fn handed_in(world: &World, office: &Office, questions: Vec<QuestionLine>) -> Uuid {
    let permit = may(CHIYODA, Action::FindByNumber);
    let new = NewFile {
        id: world.id(),
        file_name: "moved.csv".into(),
        not_before: domain::inquiries::tonight(world.now()),
    };
    files::begin(&world.db, &permit, &new, world.now())
        .await
        .unwrap();
    let lines = Lines {
        upto: questions.last().map_or(1, |one| one.line),
        questions,
        rejected: 1,
        remarks: Vec::new(),
    };
    files::take(
        &world.db,
        &office.seals,
        &permit,
        new.id,
        &lines,
        world.now(),
    )
    .await
    .unwrap();
    let how = decided(world);
    assert!(
        files::complete(&world.db, &permit, new.id, how)
            .await
            .unwrap()
    );
    new.id
}

fn at_night(world: &World, minutes: i64) -> domain::calendar::Instant {
    let night = domain::inquiries::tonight(world.now());
    domain::calendar::Instant::from_micros(night.micros() + minutes * 60_000_000)
}

async fn in_hand(world: &World, worker: Uuid, minutes: i64) -> Option<InHand> {
    files::take_in_hand(&world.db, worker, at_night(world, minutes))
        .await
        .unwrap()
}

async fn stretch(world: &World, office: &Office, hand: &mut InHand, minutes: i64) -> Result<bool> {
    let permit = may(CHIYODA, Action::FindByNumber);
    let (now, id) = (at_night(world, minutes), || world.id());
    files::ask_stretch(&world.db, &office.seals, &permit, hand, now, &id).await
}

async fn all_answers(world: &World, id: Uuid) -> Vec<FileAnswer> {
    let (mut all, mut after) = (Vec::new(), 0);
    while let Some((upto, answers)) = files::answers(&world.db, &desk(CHIYODA), id, after)
        .await
        .unwrap()
    {
        (all, after) = ([all, answers].concat(), upto);
    }
    all
}

#[test]
fn a_file_is_asked_in_the_night_stretch_by_stretch_and_goes_on_where_another_server_stopped() {
    on_each_engine(async |world| {
        let office = moved(&world, false).await;
        // The first, one in the middle and the last are the person; all others are nobody.
        let count = STRETCH_QUESTIONS as u64 + 3;
        let known = [2, 100, count + 1];
        let questions = (2..count + 2)
            .map(|line| {
                question(
                    line,
                    if known.contains(&line) {
                        1
                    } else {
                        1000 + line
                    },
                )
            })
            .collect();
        let id = handed_in(&world, &office, questions).await;
        assert!(
            in_hand(&world, WORKER, -1).await.is_none(),
            "it is not night yet"
        );

        let mut hand = in_hand(&world, WORKER, 0).await.unwrap();
        assert!(
            in_hand(&world, OTHER, 0).await.is_none(),
            "one has it in hand"
        );
        assert!(stretch(&world, &office, &mut hand, 0).await.unwrap());
        // That server stops here, and another goes on.
        let mut other = in_hand(&world, OTHER, 5).await.unwrap();
        let late = stretch(&world, &office, &mut hand, 5).await;
        assert!(matches!(late, Err(Error::Busy)), "{late:?}");
        assert!(stretch(&world, &office, &mut other, 5).await.unwrap());
        assert!(!stretch(&world, &office, &mut other, 5).await.unwrap());

        let file = files::file(&world.db, &desk(CHIYODA), id)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(file.state, State::Done);
        assert_eq!(
            (
                file.questions,
                file.answered,
                file.found,
                file.doses,
                file.rejected
            ),
            (count, count, 3, 6, 1)
        );
        let answers = all_answers(&world, id).await;
        let references: Vec<_> = answers.iter().map(|one| one.reference.clone()).collect();
        let expected: Vec<_> = (2..count + 2).map(|line| format!("R-{line}")).collect();
        assert_eq!(references, expected);
        let found = answers.iter().filter(|one| !one.doses.is_empty());
        assert!(found.map(|one| one.doses.len()).eq([2, 2, 2]));
        // Each answer is in the person's access log, each question in that of the city.
        assert_eq!(world.logged(SAPPORO).await.len(), 3);
        assert!(world.logged(CHIYODA).await.len() >= 200);
        // Nothing is left of the questions.
        assert_eq!(world.meddle("DELETE FROM inquiry_question").await, 0);
    });
}

#[test]
fn a_file_that_is_thrown_away_leaves_no_answer_and_what_was_asked_stays_written_down() {
    on_each_engine(async |world| {
        let office = moved(&world, false).await;
        let id = handed_in(&world, &office, vec![question(2, 1)]).await;
        let mut hand = in_hand(&world, WORKER, 0).await.unwrap();
        stretch(&world, &office, &mut hand, 0).await.unwrap();
        let own = desk(CHIYODA);
        let discarded = |how| files::discard(&world.db, &own, id, how);
        // Another city has no hand in it.
        let other = files::discard(&world.db, &desk(SAPPORO), id, decided(&world)).await;
        assert!(!other.unwrap());
        assert!(discarded(decided(&world)).await.unwrap());
        assert!(!discarded(decided(&world)).await.unwrap());
        assert!(all_answers(&world, id).await.is_empty());
        assert!(matches!(
            stretch(&world, &office, &mut hand, 1).await,
            Err(Error::Busy)
        ));
        let about = inquiries::asked_about(&world.db, &desk(SAPPORO), None)
            .await
            .unwrap();
        assert!(about.len() == 1 && about[0].by_file);
        // A file's inquiries are not among those of the desk.
        assert!(
            inquiries::list(&world.db, &desk(CHIYODA))
                .await
                .unwrap()
                .is_empty()
        );
    });
}

#[test]
fn a_file_that_is_refused_is_asked_no_more_and_says_why() {
    on_each_engine(async |world| {
        let office = moved(&world, false).await;
        let id = handed_in(&world, &office, vec![question(2, 1)]).await;
        let refusal = Refusal {
            code: "header".into(),
            ja: "見出しが違います".into(),
            en: "The header is another".into(),
        };
        assert!(
            files::refuse(&world.db, (city(CHIYODA), id), &refusal)
                .await
                .unwrap()
        );
        assert!(in_hand(&world, WORKER, 1).await.is_none());
        let file = files::list(&world.db, &desk(CHIYODA))
            .await
            .unwrap()
            .remove(0);
        assert_eq!((file.state, file.refusal), (State::Refused, Some(refusal)));
        assert_eq!(world.meddle("DELETE FROM inquiry_question").await, 0);
    });
}

#[test]
fn the_questions_that_wait_hold_no_number() {
    on_each_engine(async |world| {
        let office = moved(&world, false).await;
        handed_in(&world, &office, vec![question(2, 1)]).await;
        let rows: Vec<(String, Vec<u8>)> = world
            .db
            .query("SELECT reference, lookup FROM inquiry_question")
            .all()
            .await
            .unwrap();
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0].1.len(), 16);
        let number = my_number(1);
        assert!(
            !rows[0].1.windows(8).any(|part| number
                .as_str()
                .as_bytes()
                .windows(8)
                .any(|one| one == part))
        );
    });
}
