//! Two people for one change, work lists, and misreads found and mended, on both engines.

use domain::access::{
    self, Action, Actor, CityPermit, OrganisationId, OrganisationKind, Role, Territory, UserId,
};
use domain::approvals::{Decision, Matter, Refusal, State, Wanted};
use domain::coupons::CouponLine;
use domain::doses::{ChangeRefusal, DoseId, InputWay, Standing};
use domain::findings::Class;
use domain::misreads::Reason;
use domain::people::Sex;
use store::approvals::{
    self, How, Outcome, ProposalError, Scope, acts, decide, finish_now, proposal, propose_many,
};
use store::doses::{Record, record};
use store::misreads::{self, Pair};
use store::recorder::{Correction, Decision as Act, Receipt, RecordError};
use store::worklists::{self, Item, List};
use uuid::Uuid;

use crate::world::{CHIYODA, SAPPORO, World, city, day, number, on_each_engine, resident};

const MEANT: &str = "0001000001";
const READ_AS: &str = "0004000001";

fn clerk(user: u128, role: Role, code: &str) -> CityPermit {
    let actor = Actor {
        user: UserId(Uuid::from_u128(user)),
        organisation: OrganisationId(Uuid::from_u128(20)),
        kind: OrganisationKind::City,
        role,
        territory: Territory::City(city(code)),
    };
    access::city(&actor, Action::CorrectRecord, city(code)).unwrap()
}

fn first() -> CityPermit {
    clerk(201, Role::Operator, CHIYODA)
}

fn second() -> CityPermit {
    clerk(202, Role::Operator, CHIYODA)
}

fn how(world: &World) -> How {
    How {
        audit: world.id(),
        at: world.now(),
    }
}

async fn want(world: &World, matters: &[Matter]) {
    let wanted = Wanted::for_matters(matters.iter().copied());
    approvals::set_wanted(&world.db, &first(), &wanted, how(world))
        .await
        .unwrap();
}

async fn dose(world: &World, digits: &str, way: InputWay) -> Receipt {
    let mut report = world.report(digits);
    report.input = way;
    world.record(report).await.unwrap()
}

async fn now(world: &World, dose: DoseId) -> Record {
    record(&world.db, &first(), dose).await.unwrap().unwrap()
}

fn correction(world: &World, record: &Record, lot: &str) -> Correction {
    Correction {
        id: world.id(),
        dose: record.id,
        city: record.municipality,
        given_on: record.given_on,
        turn: record.turn,
        product: record.product.clone(),
        lot: lot.into(),
        doctor: record.doctor.clone(),
        reason: "予診票と照合".into(),
        device: "desk".into(),
        seen: Some(record.version()),
    }
}

async fn correct(world: &World, what: Correction) -> Result<Outcome, RecordError> {
    approvals::correct(&world.db, &world.recorder, &first(), what, how(world)).await
}

async fn do_it(world: &World, permit: &CityPermit, id: Uuid) -> bool {
    finish_now(
        &world.db,
        &world.recorder,
        permit,
        id,
        world.id(),
        world.now(),
    )
    .await
    .unwrap()
}

#[test]
fn a_correction_waits_for_a_second_person_where_the_city_wants_one() {
    on_each_engine(async |world| {
        let receipt = dose(&world, "211310160000000001", InputWay::Qr).await;
        let record = now(&world, receipt.dose).await;
        let done = correct(&world, correction(&world, &record, "FA0001")).await;
        assert!(matches!(done, Ok(Outcome::Done(_))), "nobody wanted two");

        want(&world, &[Matter::Correction]).await;
        let record = now(&world, receipt.dose).await;
        let what = correction(&world, &record, "FA0002");
        let Ok(Outcome::Proposed(id)) = correct(&world, what.clone()).await else {
            panic!("it waits");
        };
        let again = correct(&world, what).await.unwrap();
        assert_eq!(again, Outcome::Proposed(id), "sent twice is proposed once");
        assert_eq!(now(&world, receipt.dose).await.lot, "FA0001");

        let own = decide(&world.db, &first(), id, Decision::Approve, "", how(&world)).await;
        assert!(matches!(
            own,
            Err(ProposalError::Refused(Refusal::OwnProposal))
        ));
        let elsewhere = clerk(9, Role::Administrator, SAPPORO);
        let other = decide(
            &world.db,
            &elsewhere,
            id,
            Decision::Approve,
            "",
            how(&world),
        )
        .await;
        assert!(matches!(other, Err(ProposalError::NotFound)));

        let state = decide(&world.db, &second(), id, Decision::Approve, "", how(&world)).await;
        assert_eq!(state.unwrap(), State::Approved);
        assert!(do_it(&world, &second(), id).await);
        assert_eq!(now(&world, receipt.dose).await.lot, "FA0002");
        let held = proposal(&world.db, &first(), id).await.unwrap().unwrap();
        assert_eq!((held.done, held.passed, held.is_at_work()), (1, 0, false));
        assert_eq!(held.by, first().actor().user);
        assert_eq!(held.decided_by, Some(second().actor().user));
        let story = store::ledger::story(&world.db, &first(), receipt.dose)
            .await
            .unwrap();
        let last = story.last().unwrap();
        assert_eq!(
            approvals::behind(&last.device),
            Some(id),
            "the entry names the proposal"
        );
        let twice = decide(&world.db, &second(), id, Decision::Refuse, "", how(&world)).await;
        let decided = Refusal::Decided {
            state: State::Approved,
        };
        assert!(matches!(twice, Err(ProposalError::Refused(refusal)) if refusal == decided));
        world.verified().await;
    });
}

#[test]
fn a_proposal_is_overtaken_by_who_was_quicker() {
    on_each_engine(async |world| {
        let receipt = dose(&world, "211310160000000001", InputWay::Qr).await;
        want(&world, &[Matter::Void]).await;
        let seen = now(&world, receipt.dose).await;
        let void = Act {
            id: world.id(),
            dose: seen.id,
            city: seen.municipality,
            reason: "接種していない".into(),
            device: "desk".into(),
            seen: Some(seen.version()),
        };
        let proposed = approvals::void(
            &world.db,
            &world.recorder,
            &first(),
            void.clone(),
            how(&world),
        )
        .await;
        let Ok(Outcome::Proposed(id)) = proposed else {
            panic!("it waits");
        };
        // Another clerk corrects it meanwhile, alone.
        correct(&world, correction(&world, &seen, "FA0003"))
            .await
            .unwrap();
        let state = decide(&world.db, &second(), id, Decision::Approve, "", how(&world)).await;
        assert_eq!(state.unwrap(), State::Overtaken);
        assert!(!do_it(&world, &second(), id).await);
        assert_eq!(now(&world, receipt.dose).await.standing, Standing::Counted);
        // And what was seen before is refused at once.
        let late = Act {
            id: world.id(),
            ..void
        };
        let late = approvals::void(&world.db, &world.recorder, &first(), late, how(&world)).await;
        assert!(matches!(
            late,
            Err(RecordError::Refused(ChangeRefusal::ChangedMeanwhile))
        ));
        world.verified().await;
    });
}

#[test]
fn the_last_write_never_wins_silently() {
    on_each_engine(async |world| {
        let receipt = dose(&world, "211310160000000001", InputWay::Qr).await;
        let seen = now(&world, receipt.dose).await;
        let (one, other) = (
            correction(&world, &seen, "FA0001"),
            correction(&world, &seen, "FA0002"),
        );
        correct(&world, one.clone()).await.unwrap();
        let lost = correct(&world, other.clone()).await;
        assert!(matches!(
            lost,
            Err(RecordError::Refused(ChangeRefusal::ChangedMeanwhile))
        ));
        // Sent again, the first gets its first answer; judged again makes no other version.
        assert!(matches!(correct(&world, one).await, Ok(Outcome::Done(_))));
        let version = now(&world, receipt.dose).await.version();
        let r = resident("R1", "0000000001", "19500101", Sex::Female);
        assert_eq!(world.load(CHIYODA, &[r]).await.matched, 1);
        assert_eq!(now(&world, receipt.dose).await.version(), version);
        let afresh = Correction {
            seen: Some(version),
            ..other
        };
        correct(&world, afresh).await.unwrap();
        assert_eq!(now(&world, receipt.dose).await.lot, "FA0002");
        world.verified().await;
    });
}

#[test]
fn many_are_confirmed_in_stretches_and_opened_again_by_an_administrator() {
    on_each_engine(async |world| {
        let people: Vec<_> = (1..=205_u32)
            .map(|n| resident(&format!("R{n}"), &format!("{n:010}"), "19500101", Sex::Male))
            .collect();
        world.load(CHIYODA, &people).await;
        let mut last = None;
        for n in 1..=205 {
            last = Some(
                dose(&world, &format!("21131016{n:010}"), InputWay::Qr)
                    .await
                    .dose,
            );
        }
        // One that waits for its person is left out.
        dose(&world, "211310160000009999", InputWay::Qr).await;
        let scope = Scope::Clean {
            until: day("2021-06-01"),
        };
        let id = world.id();
        let (state, count) = propose_many(
            &world.db,
            &first(),
            (id, Matter::Confirmation, ""),
            scope,
            how(&world),
        )
        .await
        .unwrap();
        assert_eq!((state, count), (State::Approved, 205));
        // The clerk's page does one stretch; then the server is gone, and another one goes on.
        assert!(!do_it(&world, &first(), id).await);
        let half = proposal(&world.db, &first(), id).await.unwrap().unwrap();
        assert!(half.is_at_work() && half.done >= 200, "{half:?}");
        let worker = world.id();
        let mut hand = approvals::take_in_hand(&world.db, worker, world.now())
            .await
            .unwrap()
            .unwrap();
        assert_eq!(hand.proposal.id, id);
        while approvals::stretch(&world.db, &world.recorder, &first(), &mut hand, world.now())
            .await
            .unwrap()
        {}
        let ended = proposal(&world.db, &first(), id).await.unwrap().unwrap();
        assert_eq!(
            (ended.done, ended.passed, ended.is_at_work()),
            (205, 0, false)
        );
        assert!(now(&world, last.unwrap()).await.confirmed);
        assert!(
            approvals::take_in_hand(&world.db, worker, world.now())
                .await
                .unwrap()
                .is_none()
        );

        let (venue, today) = (OrganisationId(Uuid::from_u128(1)), day("2021-06-01"));
        let scope = Scope::Session { venue, day: today };
        let reopen = (world.id(), Matter::Reopening, "予診票の綴りが違った");
        let denied = propose_many(&world.db, &first(), reopen, scope, how(&world)).await;
        assert!(matches!(
            denied,
            Err(ProposalError::Refused(Refusal::Denied))
        ));
        let boss = clerk(203, Role::Administrator, CHIYODA);
        let (_, count) = propose_many(&world.db, &boss, reopen, scope, how(&world))
            .await
            .unwrap();
        assert_eq!(count, 205);
        while !do_it(&world, &boss, reopen.0).await {}
        assert!(!now(&world, last.unwrap()).await.confirmed);
        let none = (world.id(), Matter::Reopening, "もう一度");
        let none = propose_many(&world.db, &boss, none, scope, how(&world)).await;
        assert!(matches!(none, Err(ProposalError::Size(0))));
        world.verified().await;
    });
}

/// A venue reads 1 as 4: the number leads to nobody, and the person who was there lacks the dose.
async fn misread(world: &World) -> (Receipt, Vec<misreads::Suspect>) {
    let mut hidden = resident("R3", "0001000007", "19500101", Sex::Male);
    hidden.protected = true;
    let people = [
        resident("R1", MEANT, "19500101", Sex::Female),
        // One slip away too, but this person has the dose.
        resident("R2", "0004000004", "19500101", Sex::Male),
        hidden,
        resident("R4", "0001000002", "19500101", Sex::Male),
    ];
    world.load(CHIYODA, &people).await;
    dose(world, "211310160004000004", InputWay::Ocr).await;
    dose(world, "211310160001000002", InputWay::Ocr).await;
    let wrong = dose(world, &format!("21131016{READ_AS}"), InputWay::Ocr).await;
    let record = now(world, wrong.dose).await;
    assert!(record.pending);
    let found = misreads::suspects(&world.db, &first(), vec![record])
        .await
        .unwrap();
    (wrong, found)
}

#[test]
fn who_was_meant_is_found_with_reasons_and_nobody_who_has_the_dose() {
    on_each_engine(async |world| {
        let (_, found) = misread(&world).await;
        let [suspect] = found.as_slice() else {
            panic!("one")
        };
        let numbers: Vec<_> = suspect.candidates.iter().map(|one| one.number).collect();
        assert_eq!(numbers, [number(MEANT)]);
        let best = &suspect.candidates[0];
        assert_eq!(best.line.as_str(), &format!("21131016{MEANT}"));
        assert_eq!(best.name.as_deref(), Some("山田 R1"));
        for reason in [
            Reason::OftenConfused,
            Reason::LacksTheDose,
            Reason::AgeFits,
            Reason::VenueInCity,
            Reason::NumberNearSession,
        ] {
            assert!(
                best.score.reasons.contains(&reason),
                "{reason:?} of {:?}",
                best.score
            );
        }
        assert_eq!(suspect.around.len(), 2, "the device's other readings");
        // Of a protected person nothing but the number is told.
        let wrong = dose(&world, "211310160004000007", InputWay::Ocr).await;
        let record = now(&world, wrong.dose).await;
        let found = misreads::suspects(&world.db, &first(), vec![record])
            .await
            .unwrap();
        assert_eq!(found[0].candidates[0].number, number("0001000007"));
        assert_eq!(found[0].candidates[0].name, None);
        // What a QR code says was printed so.
        let printed = dose(&world, "211310160004000009", InputWay::Qr).await;
        let record = now(&world, printed.dose).await;
        let found = misreads::suspects(&world.db, &first(), vec![record])
            .await
            .unwrap();
        assert!(found[0].candidates.is_empty());
    });
}

#[test]
fn a_repair_moves_the_dose_by_two_people_and_is_undone_by_its_opposite() {
    on_each_engine(async |world| {
        let (wrong, found) = misread(&world).await;
        let pair = Pair {
            dose: wrong.dose,
            seen: found[0].record.version(),
            line: found[0].candidates[0].line,
        };
        let fresh = || world.id();
        let preview = misreads::preview(
            &world.db,
            &first(),
            std::slice::from_ref(&pair),
            world.now(),
            &fresh,
        )
        .await
        .unwrap();
        assert!(preview.fits);
        let cells: Vec<_> = preview
            .rehearsal
            .effects
            .iter()
            .map(|one| (one.sex, one.n))
            .collect();
        assert_eq!(cells.len(), 2);
        assert!(cells.contains(&(Sex::Unknown, -1)) && cells.contains(&(Sex::Female, 1)));
        assert!(
            now(&world, wrong.dose).await.pending,
            "a preview changes nothing"
        );

        let id = world.id();
        let pairs = std::slice::from_ref(&pair);
        let state = misreads::propose(
            &world.db,
            &first(),
            (id, "1を4と読んだ"),
            pairs,
            how(&world),
            &fresh,
        )
        .await
        .unwrap();
        assert_eq!(state, State::Proposed, "whatever the city wants");
        decide(&world.db, &second(), id, Decision::Approve, "", how(&world))
            .await
            .unwrap();
        assert!(do_it(&world, &second(), id).await);

        let old = now(&world, wrong.dose).await;
        assert_eq!((old.standing, old.pending), (Standing::Void, false));
        let acts_done = acts(&world.db, &first(), id).await.unwrap();
        assert_eq!(acts_done[0].outcome, "done");
        let new = now(&world, acts_done[0].new_dose.unwrap()).await;
        assert_eq!(
            (new.standing, new.number),
            (Standing::Counted, Some(number(MEANT)))
        );
        assert_eq!(
            (new.venue, new.lot.as_str(), new.turn),
            (old.venue, "EY2173", 1)
        );
        let story = store::ledger::story(&world.db, &first(), new.id)
            .await
            .unwrap();
        let reason = story[0].personal.as_ref().unwrap().reason.clone().unwrap();
        assert!(reason.contains(&wrong.dose.to_string()), "{reason}");
        let story = store::ledger::story(&world.db, &first(), old.id)
            .await
            .unwrap();
        let reason = story
            .last()
            .unwrap()
            .personal
            .as_ref()
            .unwrap()
            .reason
            .clone()
            .unwrap();
        assert!(reason.contains(&new.id.to_string()), "{reason}");
        let linked = approvals::about(&world.db, &first(), new.id).await.unwrap();
        assert_eq!(linked[0].id, id);

        // The same repair again would give the person the dose twice.
        let back = (world.id(), id, "やはり別の人だった");
        misreads::undo(&world.db, &second(), back, how(&world), &fresh)
            .await
            .unwrap();
        decide(
            &world.db,
            &first(),
            back.0,
            Decision::Approve,
            "",
            how(&world),
        )
        .await
        .unwrap();
        assert!(do_it(&world, &first(), back.0).await);
        assert_eq!(now(&world, new.id).await.standing, Standing::Void);
        let undone = acts(&world.db, &first(), back.0).await.unwrap();
        let again = now(&world, undone[0].new_dose.unwrap()).await;
        assert_eq!(
            again.line,
            CouponLine::parse(&format!("21131016{READ_AS}")).unwrap()
        );
        assert!(again.pending);
        world.verified().await;
    });
}

#[test]
fn a_repair_onto_a_dose_that_is_there_is_refused_and_overtaken() {
    on_each_engine(async |world| {
        let (wrong, found) = misread(&world).await;
        let fresh = || world.id();
        let pair = |line: &str| Pair {
            dose: wrong.dose,
            seen: found[0].record.version(),
            line: CouponLine::parse(line).unwrap(),
        };
        let taken = [pair("211310160004000004")];
        let refused = misreads::propose(
            &world.db,
            &first(),
            (world.id(), "x"),
            &taken,
            how(&world),
            &fresh,
        )
        .await;
        assert!(matches!(refused, Err(ProposalError::WouldClash)));
        let elsewhere = [pair("210110020001000001")];
        let refused = misreads::propose(
            &world.db,
            &first(),
            (world.id(), "x"),
            &elsewhere,
            how(&world),
            &fresh,
        )
        .await;
        assert!(
            matches!(refused, Err(ProposalError::WouldClash)),
            "another city's ledger"
        );

        let id = world.id();
        let right = [pair(&format!("21131016{MEANT}"))];
        misreads::propose(&world.db, &first(), (id, "x"), &right, how(&world), &fresh)
            .await
            .unwrap();
        // Before anybody approves it, the venue enters the form again.
        dose(&world, &format!("21131016{MEANT}"), InputWay::Keyed).await;
        let state = decide(&world.db, &second(), id, Decision::Approve, "", how(&world)).await;
        assert_eq!(state.unwrap(), State::Overtaken);
        assert!(now(&world, wrong.dose).await.pending);
        world.verified().await;
    });
}

#[test]
fn an_item_is_taken_by_one_and_given_back() {
    on_each_engine(async |world| {
        let receipt = dose(&world, "211310160000000001", InputWay::Qr).await;
        let item = Item::Dose(receipt.dose);
        assert_eq!(Item::parse(&item.to_string()), Some(item));
        let take = async |permit: &CityPermit| {
            worklists::take(&world.db, permit, item, how(&world))
                .await
                .unwrap()
        };
        assert!(take(&first()).await);
        assert!(!take(&second()).await, "somebody has it");
        let page = worklists::page(&world.db, &first(), List::Pending, 0, 10)
            .await
            .unwrap();
        assert_eq!(
            page.items[0].owner.as_ref().unwrap().user,
            first().actor().user
        );
        let give = async |permit: &CityPermit| {
            worklists::give_back(&world.db, permit, item, how(&world))
                .await
                .unwrap()
        };
        assert!(!give(&second()).await, "it is not theirs");
        let counts = worklists::counts(&world.db, &first(), day("2021-06-01"))
            .await
            .unwrap();
        let pending = counts.iter().find(|one| one.list == List::Pending).unwrap();
        assert_eq!((pending.count, pending.owned), (1, 1));
        assert!(give(&clerk(203, Role::Administrator, CHIYODA)).await);
        assert!(take(&second()).await);
        // Another city has a list of its own.
        let there = clerk(9, Role::Operator, SAPPORO);
        let page = worklists::page(&world.db, &there, List::Pending, 0, 10)
            .await
            .unwrap();
        assert!(page.items.is_empty());
    });
}

#[test]
fn each_list_has_what_belongs_to_it_the_oldest_first() {
    on_each_engine(async |world| {
        let people = [
            resident("R1", "0000000001", "19500101", Sex::Female),
            resident("R2", "0000000002", "19500101", Sex::Male),
        ];
        world.load(CHIYODA, &people).await;
        let told = dose(&world, "211310160000000001", InputWay::Qr).await;
        world.set_day("2021-06-20");
        let clash = dose(&world, "211310160000000001", InputWay::Qr).await;
        assert_eq!(clash.standing, Standing::Clash);
        let waiting = dose(&world, "211310160000000077", InputWay::Qr).await;
        let astray = dose(&world, "219999990000000001", InputWay::Qr).await;
        let soon = dose(&world, "221310160000000002", InputWay::Qr).await;
        let ids = async |list| {
            let page = worklists::page(&world.db, &first(), list, 0, 10)
                .await
                .unwrap();
            page.items
                .iter()
                .map(|one| one.record.id)
                .collect::<Vec<_>>()
        };
        assert_eq!(ids(List::Pending).await, [waiting.dose]);
        assert_eq!(ids(List::Clashes).await, [clash.dose]);
        assert_eq!(
            ids(List::Misreads).await,
            [clash.dose, waiting.dose, astray.dose]
        );
        let shown = now(&world, clash.dose).await;
        let rival = worklists::rival(&world.db, &first(), &shown).await.unwrap();
        assert_eq!(rival.unwrap().id, told.dose);
        let classes = worklists::classes(&world.db, &first()).await.unwrap();
        let counts: Vec<_> = classes.iter().map(|one| (one.class, one.count)).collect();
        assert_eq!(
            counts,
            [
                (Class::EarlierMissing, 1),
                (Class::Twice, 1),
                (Class::NotIssued, 1),
                (Class::Misread, 1),
            ]
        );
        let of = async |class| {
            let page = worklists::page_of_class(&world.db, &first(), class, 0, 10)
                .await
                .unwrap();
            page.items
                .iter()
                .map(|one| one.record.id)
                .collect::<Vec<_>>()
        };
        assert_eq!(of(Class::EarlierMissing).await, [soon.dose]);
        assert_eq!(of(Class::Twice).await, [clash.dose]);
        assert_eq!(of(Class::NotIssued).await, [waiting.dose]);
        // A page ends where it was asked to, and the next begins there.
        let page = worklists::page(&world.db, &first(), List::Misreads, 0, 2)
            .await
            .unwrap();
        assert_eq!(page.items.len(), 2);
        let rest = worklists::page(&world.db, &first(), List::Misreads, page.next.unwrap(), 2)
            .await
            .unwrap();
        assert_eq!((rest.items.len(), rest.next), (1, None));
        let here = (OrganisationId(Uuid::from_u128(1)), day("2021-06-20"));
        let page = worklists::page_of_session(&world.db, &first(), here, 0, 10)
            .await
            .unwrap();
        assert_eq!(page.items.len(), 4);
        // A session is listed once its day is over.
        let today = worklists::sessions(&world.db, &first(), day("2021-06-20"))
            .await
            .unwrap();
        assert!(today.is_empty());
        let sessions = worklists::sessions(&world.db, &first(), day("2021-06-21"))
            .await
            .unwrap();
        assert_eq!(sessions.len(), 1);
        assert_eq!(
            (sessions[0].recorded, sessions[0].open, sessions[0].day),
            (4, 4, day("2021-06-20"))
        );
    });
}
