//! Leftover doses on both engines: the list, whose turn it is, what becomes of a call, and who sees what of it.

use domain::access::{self, Action, CityPermit, VenuePermit};
use domain::calendar::Instant;
use domain::closings::{Difference, Line, Purpose, Reason};
use domain::coupons::CouponLine;
use domain::findings::FindingCode;
use domain::issues::{Form, ReissueReason};
use domain::leftover_doses::Told;
use domain::people::Sex;
use domain::standby::{ConsentWay, Pass, Rule, Wish, Word};
use store::audit;
use store::closings::{self, Closed};
use store::coupons::{self, Wanted};
use store::imports::Decided;
use store::leftover_doses::{
    self, Answered, Board, Called, Kept, Offer, answer, call, of_city, phone_of_protected,
    thrown_in_city,
};
use store::residents::Resident;
use store::standby::{self, Changed, Desk, Entered, NewEntry, Person, RuleKept, tell_rule};
use uuid::Uuid;

use crate::stock::{LOT, PRODUCT, clerk, first, second};
use crate::world::{CHIYODA, World, city, day, desk, number, on_each_engine, resident};

const LEFTOVER: Uuid = Uuid::from_u128(500);
const PHONE: &str = "03-0000-0001";

fn offering(of: &VenuePermit) -> VenuePermit {
    access::venue(of.actor(), Action::OfferLeftover).unwrap()
}

fn here() -> VenuePermit {
    offering(&first())
}

fn city_desk() -> CityPermit {
    clerk(Action::KeepStandby, CHIYODA)
}

fn at(time: &str) -> Instant {
    Instant::parse(&format!("2021-06-01T{time}:00+09:00")).unwrap()
}

fn wish() -> Wish {
    Wish {
        products: Vec::new(),
        from_minute: 0,
        needs_minutes: 20,
        consent_on: day("2021-05-20"),
        consent_way: ConsentWay::Paper,
        consent_until: day("2021-08-01"),
    }
}

fn told(vials_opened: i64, expected: i64) -> Told {
    Told {
        product: PRODUCT.to_owned(),
        lot: LOT.to_owned(),
        purpose: Purpose::Primary,
        vials_opened,
        opened_at: at("09:30"),
        expected,
        stays_until: None,
    }
}

fn first_dose(person: u64) -> String {
    format!("21131016{person:010}")
}

impl World {
    async fn wait_for(&self, desk: Desk<'_>, line: &str, wish: Wish) -> (Uuid, Entered) {
        let new = NewEntry {
            id: self.id(),
            line: CouponLine::parse(line).unwrap(),
            phone: PHONE.to_owned(),
            wish,
        };
        let entered = standby::enter(&self.db, desk, &new, self.now()).await;
        (new.id, entered.unwrap())
    }

    async fn waits(&self, person: u64) -> Uuid {
        let permit = here();
        let (id, entered) = self
            .wait_for(Desk::Venue(&permit), &first_dose(person), wish())
            .await;
        assert!(matches!(entered, Entered::As(_)), "{entered:?}");
        id
    }

    async fn says(&self, told: &Told, seen: i64) -> Kept {
        let key = ([7; 16], self.now());
        leftover_doses::tell(&self.db, &here(), (LEFTOVER, seen), told, key)
            .await
            .unwrap()
    }

    async fn calls(&self) -> (Uuid, Called) {
        let id = self.id();
        let called = call(&self.db, &here(), (LEFTOVER, id), self.now(), &|| self.id()).await;
        (id, called.unwrap())
    }

    async fn answers(&self, offer: Uuid, seen: i64, word: Word) -> Answered {
        answer(&self.db, &here(), (offer, seen), word, self.now())
            .await
            .unwrap()
    }

    async fn board(&self) -> Board {
        leftover_doses::board(&self.db, &here(), None, self.now(), &|| self.id())
            .await
            .unwrap()
    }

    async fn offer(&self, id: Uuid) -> Offer {
        let board = self.board().await;
        board.offers.into_iter().find(|one| one.id == id).unwrap()
    }

    async fn on_list(&self, desk: Desk<'_>) -> Vec<Person> {
        standby::list(&self.db, desk, self.now(), &|| self.id())
            .await
            .unwrap()
    }

    async fn given(&self, people: std::ops::Range<u64>) {
        for person in people {
            self.record(self.report(&first_dose(person))).await.unwrap();
        }
    }
}

#[test]
fn one_declines_the_next_comes_and_their_dose_closes_the_call() {
    on_each_engine(async |world| {
        world.stocked(10).await;
        world.given(100..104).await;
        assert_eq!(world.calls().await.1, Called::NotFound);
        assert_eq!(world.says(&told(1, 1), 0).await, Kept::Now);
        assert_eq!(world.says(&told(1, 1), 0).await, Kept::AsItIs);
        assert_eq!(world.says(&told(2, 0), 7).await, Kept::Meanwhile);
        assert_eq!(
            world.calls().await.1,
            Called::Nobody,
            "nobody is on the list"
        );
        let people = [world.waits(1).await, world.waits(2).await];
        let (id, called) = world.calls().await;
        assert_eq!(called, Called::Now);
        let again = call(&world.db, &here(), (LEFTOVER, id), world.now(), &|| {
            world.id()
        })
        .await;
        assert_eq!(again.unwrap(), Called::Before);
        let board = world.board().await;
        assert_eq!(
            (board.surpluses[0].left, board.surpluses[0].promised),
            (1, 1)
        );
        assert_eq!(board.offers[0].phone.as_deref(), Some(PHONE));
        assert_eq!(world.calls().await.1, Called::NoneFree);
        assert_eq!(world.answers(id, 1, Word::Declined).await, Answered::Now);
        assert_eq!(world.answers(id, 1, Word::Declined).await, Answered::Before);
        assert_eq!(
            world.answers(id, 1, Word::Accepted).await,
            Answered::Meanwhile
        );
        let (next, called) = world.calls().await;
        assert_eq!(called, Called::Now);
        let offer = world.offer(next).await;
        let declined = world.offer(id).await;
        assert_ne!(offer.number, declined.number);
        assert_eq!(
            declined.phone, None,
            "a telephone that is not needed is not shown"
        );
        // The dose is promised: the first cannot be asked again meanwhile.
        assert_eq!(world.answers(id, 2, Word::Asked).await, Answered::NoneFree);
        assert_eq!(world.answers(next, 1, Word::Accepted).await, Answered::Now);
        let person = u64::try_from(offer.number.unwrap()).unwrap();
        world.pass_minutes(20);
        world
            .record(world.report(&first_dose(person)))
            .await
            .unwrap();
        assert!(world.offer(next).await.has_come);
        assert_eq!(world.board().await.surpluses[0].left, 0);
        let listed = world.on_list(Desk::Venue(&here())).await;
        assert_eq!(listed.len(), people.len());
        let looks = audit::looks(&world.db, &desk(CHIYODA), None).await.unwrap();
        assert!(looks.iter().any(|look| look.view.purpose == "standby-call"));
        assert!(looks.iter().any(|look| look.view.purpose == "standby-list"));
        world.verified().await;
        world.settle().await;
        world.proven().await;
    });
}

#[test]
fn a_dose_recorded_after_the_call_is_that_somebody_came_and_their_telephone_goes() {
    on_each_engine(async |world| {
        world.waits(1).await;
        world.says(&told(1, 0), 0).await;
        let (id, _) = world.calls().await;
        world.answers(id, 1, Word::Accepted).await;
        world.pass_minutes(30);
        world.given(1..2).await;
        let offer = world.offer(id).await;
        assert!(offer.has_come && !offer.is_open());
        assert_eq!(offer.phone, None);
        assert_eq!(
            world.answers(id, 2, Word::NotCome).await,
            Answered::CannotFollow
        );
        let listed = world.on_list(Desk::Venue(&here())).await;
        assert!(listed[0].is_given);
        assert_eq!(listed[0].phone, None);
        let (_, called) = world.calls().await;
        assert_eq!(called, Called::Nobody);
        let board = world.board().await;
        let passes: Vec<Pass> = board.offers[0].passed.iter().map(|one| one.pass).collect();
        assert_eq!(passes, [Pass::AlreadyGiven]);
    });
}

#[test]
fn everybody_who_is_passed_over_keeps_the_reason() {
    on_each_engine(async |world| {
        let permit = here();
        let desk = Desk::Venue(&permit);
        world.set_day("2021-05-31");
        world.given(1..2).await;
        world.set_day("2021-06-01");
        // The second dose, a day after the first.
        let too_soon = world.wait_for(desk, "221310160000000001", wish()).await.1;
        assert_eq!(too_soon, Entered::As(1));
        let other = Wish {
            products: vec!["nuvaxovid".to_owned()],
            ..wish()
        };
        world.wait_for(desk, &first_dose(2), other).await;
        let far = Wish {
            needs_minutes: 400,
            ..wish()
        };
        world.wait_for(desk, &first_dose(3), far).await;
        world.says(&told(1, 0), 0).await;
        let (id, called) = world.calls().await;
        assert_eq!(called, Called::Nobody);
        let mut passed: Vec<(i64, Pass)> = world
            .offer(id)
            .await
            .passed
            .iter()
            .map(|one| (one.number, one.pass))
            .collect();
        passed.sort();
        let wanted = [
            (1, Pass::NotDue(FindingCode::TooSoon)),
            (2, Pass::OtherProduct),
            (3, Pass::TooLate),
        ];
        assert_eq!(passed, wanted);
        world.waits(4).await;
        let (_, called) = world.calls().await;
        assert_eq!(called, Called::Now);
        world.pass_minutes(6 * 60);
        assert_eq!(world.calls().await.1, Called::Over);
    });
}

#[test]
fn telephones_go_even_if_nobody_looks() {
    on_each_engine(async |world| {
        world.waits(1).await;
        world.waits(2).await;
        let today = world.now().day_in_japan();
        let sweep = async |day| standby::sweep(&world.db, day).await.unwrap();
        assert_eq!(sweep(today).await, 0, "both wait");
        world.pass_minutes(30);
        world.given(1..2).await;
        assert_eq!(sweep(today).await, 1, "whoever got a dose");
        assert_eq!(sweep(today).await, 0);
        let after = wish().consent_until.plus_days(1);
        assert_eq!(sweep(after).await, 1, "whose consent has ended");
        let listed = world.on_list(Desk::Venue(&here())).await;
        assert!(listed.iter().all(|one| one.phone.is_none()));
    });
}

/// The person's coupon is lost and issued again; answers the new number.
async fn reissued(world: &World, digits: &str) -> String {
    let wanted = Wanted {
        reason: ReissueReason::Lost,
        turn: 1,
        form: Form::Questionnaire,
    };
    let how = Decided {
        audit: world.id(),
        at: world.now(),
    };
    let new = coupons::reissue(&world.db, &desk(CHIYODA), number(digits), wanted, how).await;
    new.unwrap().unwrap().as_str().to_owned()
}

#[test]
fn whoever_got_a_new_number_stays_on_the_list_under_it_and_is_called_once() {
    on_each_engine(async |world| {
        let own = resident("R1", "0000000001", "19400101", Sex::Female);
        world.load(CHIYODA, &[own]).await;
        let id = world.waits(1).await;
        let new = reissued(&world, "0000000001").await;
        let newer = reissued(&world, &new).await;
        let permit = here();
        let listed = world.on_list(Desk::Venue(&permit)).await;
        assert_eq!(listed.len(), 1, "nobody is lost");
        let line = format!("21131016{newer}");
        assert_eq!(listed[0].line.as_str(), line);
        assert!(listed[0].is_reissued && listed[0].phone.is_some());
        // With the old paper, the one after it or the new one: they wait already.
        for digits in ["0000000001", &new, &newer] {
            let line = format!("21131016{digits}");
            let (_, entered) = world.wait_for(Desk::Venue(&permit), &line, wish()).await;
            assert_eq!(entered, Entered::Twice(1), "{digits}");
        }
        world.says(&told(1, 0), 0).await;
        let (offer, called) = world.calls().await;
        assert_eq!(called, Called::Now);
        assert_eq!(world.calls().await.1, Called::Nobody, "nor called twice");
        world.pass_minutes(30);
        let report = world.report(&line);
        world.record(report).await.unwrap();
        assert!(world.offer(offer).await.has_come);
        let listed = world.on_list(Desk::Venue(&permit)).await;
        assert!(listed.iter().any(|one| one.id == id && one.is_given));
    });
}

#[test]
fn a_dose_under_the_new_number_takes_the_telephone_of_the_old_one() {
    on_each_engine(async |world| {
        let own = resident("R1", "0000000001", "19400101", Sex::Female);
        world.load(CHIYODA, &[own]).await;
        world.waits(1).await;
        let new = reissued(&world, "0000000001").await;
        world.pass_minutes(30);
        let line = format!("21131016{new}");
        world.record(world.report(&line)).await.unwrap();
        let today = world.now().day_in_japan();
        assert_eq!(standby::sweep(&world.db, today).await.unwrap(), 1);
    });
}

#[test]
fn a_withdrawn_consent_takes_the_telephone_and_nobody_overwrites_another_s_word() {
    on_each_engine(async |world| {
        let permit = here();
        let list = Desk::Venue(&permit);
        let id = world.waits(1).await;
        let (_, twice) = world.wait_for(list, &first_dose(1), wish()).await;
        assert_eq!(twice, Entered::Twice(1));
        let (_, astray) = world.wait_for(list, "219999990000000001", wish()).await;
        assert_eq!(astray, Entered::Astray);
        let later = Wish {
            from_minute: 900,
            ..wish()
        };
        let what = (&later, None);
        let told = standby::tell(&world.db, list, (id, 1), what, world.now()).await;
        assert_eq!(told.unwrap(), Changed::Now);
        let stale = (&wish(), None);
        let told = standby::tell(&world.db, list, (id, 1), stale, world.now()).await;
        assert_eq!(told.unwrap(), Changed::Meanwhile);
        let act = (world.id(), world.now());
        let gone = standby::withdraw(&world.db, list, (id, 1), act).await;
        assert_eq!(gone.unwrap(), Changed::Meanwhile);
        // Another venue has another list.
        let other = offering(&second());
        let theirs = standby::withdraw(&world.db, Desk::Venue(&other), (id, 2), act).await;
        assert_eq!(theirs.unwrap(), Changed::NotFound);
        assert_eq!(world.on_list(Desk::Venue(&other)).await.len(), 0);
        let gone = standby::withdraw(&world.db, list, (id, 2), act).await;
        assert_eq!(gone.unwrap(), Changed::Now);
        let gone = standby::withdraw(&world.db, list, (id, 2), act).await;
        assert_eq!(gone.unwrap(), Changed::AsItIs);
        let listed = world.on_list(list).await;
        assert!(listed[0].is_withdrawn && listed[0].phone.is_none());
        let (_, again) = world.wait_for(list, &first_dose(1), wish()).await;
        assert_eq!(again, Entered::As(2), "a number is never given again");
        let (keeper, entry) = (
            first(),
            NewEntry {
                id: world.id(),
                line: CouponLine::parse(&first_dose(9)).unwrap(),
                phone: PHONE.to_owned(),
                wish: wish(),
            },
        );
        let refused = standby::enter(&world.db, Desk::Venue(&keeper), &entry, world.now());
        assert!(refused.await.is_err(), "a permit for stock keeps no list");
    });
}

#[test]
fn a_city_s_list_is_called_only_where_it_is_shared_and_by_its_rule() {
    on_each_engine(async |world| {
        let clerk = city_desk();
        let residents: Vec<Resident> = [("0000000001", "19800101"), ("0000000002", "19400101")]
            .map(|(number, birth)| resident(number, number, birth, Sex::Female))
            .to_vec();
        world.load(CHIYODA, &residents).await;
        let mine = Desk::City(&clerk);
        for person in [1, 2] {
            world.wait_for(mine, &first_dose(person), wish()).await;
        }
        world.says(&told(1, 0), 0).await;
        assert_eq!(world.calls().await.1, Called::Nobody);
        let rule = Rule {
            first_from_age: Some(65),
            shares_list: true,
        };
        let tell = async |valid_from: &str, seen| {
            let act = (world.id(), world.now());
            let from = (day(valid_from), rule);
            tell_rule(&world.db, &clerk, from, seen, act).await.unwrap()
        };
        assert_eq!(tell("2021-05-31", 0).await, RuleKept::Past);
        assert_eq!(tell("2021-06-01", 1).await, RuleKept::Meanwhile);
        assert_eq!(tell("2021-06-01", 0).await, RuleKept::Now);
        let (id, called) = world.calls().await;
        assert_eq!(called, Called::Now);
        let offer = world.offer(id).await;
        assert_eq!((offer.number, offer.is_of_city), (Some(2), true));
        assert_eq!(standby::rules(&world.db, &clerk).await.unwrap().len(), 1);
    });
}

#[test]
fn a_protected_person_s_telephone_is_shown_by_a_second_step_alone() {
    on_each_engine(async |world| {
        let protected = Resident {
            protected: true,
            ..resident("R1", "0000000001", "19400101", Sex::Female)
        };
        world.load(CHIYODA, &[protected]).await;
        world.waits(1).await;
        world.says(&told(1, 0), 0).await;
        let (id, called) = world.calls().await;
        assert_eq!(called, Called::Now);
        let offer = world.offer(id).await;
        assert!(offer.is_protected && offer.phone.is_none());
        assert_eq!(world.on_list(Desk::Venue(&here())).await[0].phone, None);
        let look = (world.id(), world.now());
        let phone = phone_of_protected(&world.db, &here(), id, look).await;
        assert_eq!(phone.unwrap().as_deref(), Some(PHONE));
        let own = number("0000000001");
        let looks = audit::looks(&world.db, &desk(CHIYODA), Some(&own)).await;
        let step = "standby-call-protected";
        assert!(looks.unwrap().iter().any(|look| look.view.purpose == step));
        let theirs = offering(&second());
        let look = (world.id(), world.now());
        let phone = phone_of_protected(&world.db, &theirs, id, look).await;
        assert_eq!(phone.unwrap(), None);
    });
}

#[test]
fn the_city_sees_what_was_offered_and_what_was_thrown_away() {
    on_each_engine(async |world| {
        world.stocked(10).await;
        world.given(100..104).await;
        let line = Line {
            product: PRODUCT.to_owned(),
            lot: LOT.to_owned(),
            purpose: Purpose::Primary,
            vials_opened: 1,
            vials_discarded: 0,
            doses_recorded: 4,
            differences: vec![Difference {
                reason: Reason::LeftOver,
                doses: 2,
            }],
            words: String::new(),
        };
        let act = (world.id(), world.now());
        let today = day("2021-06-01");
        let closed = closings::close(&world.db, &here(), today, &[line], 0, act).await;
        assert_eq!(closed.unwrap(), Closed::As(1));
        let openable = world.board().await.openable;
        assert_eq!((openable[0].vials_opened, openable[0].left), (1, 2));
        world.waits(1).await;
        world.says(&told(1, 0), 0).await;
        let (id, _) = world.calls().await;
        world.answers(id, 1, Word::Accepted).await;
        world.pass_minutes(10);
        world.given(1..2).await;
        let since = day("2021-05-01");
        let outcomes = of_city(&world.db, &city_desk(), since).await.unwrap();
        assert_eq!(outcomes.len(), 1);
        let calls = outcomes[0].calls;
        assert_eq!((calls.made, calls.came, calls.open), (1, 1, 0));
        assert_eq!(outcomes[0].left, 1);
        let thrown = thrown_in_city(&world.db, &city_desk(), since)
            .await
            .unwrap();
        assert_eq!(thrown[0].reasons, [(Reason::LeftOver, 1)]);
        // The dose given after the closing came out of the same vial.
        world.settle().await;
        world.proven().await;
        let elsewhere = access::city(
            crate::world::desk(crate::world::SAPPORO).actor(),
            Action::KeepStandby,
            city(crate::world::SAPPORO),
        );
        let theirs = of_city(&world.db, &elsewhere.unwrap(), since).await;
        assert_eq!(theirs.unwrap(), []);
    });
}
