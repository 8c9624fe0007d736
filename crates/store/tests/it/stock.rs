//! The stock: deliveries, transfers, counts, vials that follow from doses, the proof, the recall.

use std::collections::BTreeMap;

use domain::access::{
    self, Action, Actor, CityPermit, OrganisationId, OrganisationKind, Permit, Place, Role,
    Territory, UserId, VenuePermit,
};
use domain::calendar::Instant;
use domain::closings::{Difference, Line, Purpose, Reason};
use domain::deliveries::{Delivery, PaperNumber, Question, Temperature};
use domain::lots::{Recall, RegisteredLot};
use domain::people::Sex;
use domain::stock::{Account, Alarm, Goods, Shelf, Waste};
use domain::vaccines::{Lot, ProductKey};
use domain::venues::FacilityCode;
use store::accounts::NewOrganisation;
use store::audit::View;
use store::deliveries::{self, NewOrder, Placed, Receipt, Registered, Slip, Untold};
use store::recorder::{Authority, Correction, Decision};
use store::stock::{self, Act, Counted, Doing, Done};
use store::transfers::{self, Side, Word};
use store::{closings, lots, recalls};
use uuid::Uuid;

use crate::world::{CHIYODA, SAPPORO, World, city, day, on_each_engine, resident};

const PRODUCT: &str = "comirnaty_12_mono";
const LOT: &str = "EY2173";
const FROZEN: Account = Account::Shelf(Shelf::Frozen);
const THAWED: Account = Account::Shelf(Shelf::Thawed);

fn goods(lot: &str) -> Goods {
    Goods {
        product: PRODUCT.to_owned(),
        lot: lot.to_owned(),
    }
}

fn organisation(number: u128) -> OrganisationId {
    OrganisationId(Uuid::from_u128(number))
}

fn actor(number: u128, kind: OrganisationKind, role: Role, territory: Territory) -> Actor {
    Actor {
        user: UserId(Uuid::from_u128(100 + number)),
        organisation: organisation(number),
        kind,
        role,
        territory,
    }
}

fn nation(action: Action, place: Place) -> Permit {
    let nation = actor(
        30,
        OrganisationKind::Nation,
        Role::Administrator,
        Territory::Nation,
    );
    access::permit(&nation, action, place).unwrap()
}

fn clerk(action: Action, code: &str) -> CityPermit {
    let territory = Territory::City(city(code));
    let clerk = actor(20, OrganisationKind::City, Role::Administrator, territory);
    access::city(&clerk, action, city(code)).unwrap()
}

fn venue(number: u128, code: &str) -> VenuePermit {
    let territory = Territory::Venue {
        id: organisation(number),
        city: city(code),
    };
    let venue = actor(number, OrganisationKind::Venue, Role::Operator, territory);
    access::venue(&venue, Action::KeepStock).unwrap()
}

fn first() -> VenuePermit {
    venue(1, CHIYODA)
}

fn second() -> VenuePermit {
    venue(2, SAPPORO)
}

fn wholesaler() -> Permit {
    let id = organisation(9);
    let seller = actor(
        9,
        OrganisationKind::Wholesaler,
        Role::Operator,
        Territory::Company(id),
    );
    access::permit(&seller, Action::RegisterDelivery, Place::Company(id)).unwrap()
}

const CODES: [&str; 2] = ["1310000015", "0110113719"];

fn code(number: usize) -> FacilityCode {
    FacilityCode::parse(CODES.get(number - 1).unwrap()).unwrap()
}

/// Two venues and a wholesaler, as organisations.
async fn founded(world: &World) {
    for (number, code_of_city) in [(1, CHIYODA), (2, SAPPORO)] {
        let id = organisation(number as u128);
        let place = Place::Venue {
            id,
            city: city(code_of_city),
        };
        let territory = Territory::City(city(code_of_city));
        let keeper = actor(20, OrganisationKind::City, Role::Administrator, territory);
        let permit = access::permit(&keeper, Action::ManageAccounts, place).unwrap();
        let new = NewOrganisation {
            id,
            kind: OrganisationKind::Venue,
            name: format!("会場{number}"),
            facility_code: Some(code(number)),
        };
        found(world, &permit, &new).await;
    }
    let place = Place::Company(organisation(9));
    let new = NewOrganisation {
        id: organisation(9),
        kind: OrganisationKind::Wholesaler,
        name: "東卸".to_owned(),
        facility_code: None,
    };
    found(world, &nation(Action::ManageAccounts, place), &new).await;
}

async fn found(world: &World, permit: &Permit, new: &NewOrganisation) {
    store::accounts::found_organisation(&world.db, permit, new, world.id(), world.now())
        .await
        .unwrap();
}

async fn enter_lot(world: &World, lot: &str, expires: &str, recalled: Option<&str>) {
    let lot = RegisteredLot {
        product: ProductKey::parse(PRODUCT).unwrap(),
        lot: Lot::parse(lot).unwrap(),
        expires: day(expires),
        recall: recalled.map(|since| Recall {
            since: day(since),
            reason: "異物混入".to_owned(),
        }),
    };
    let permit = nation(Action::KeepLots, Place::Nation);
    lots::keep(&world.db, &permit, &lot, None, (world.id(), world.now()))
        .await
        .unwrap();
}

fn number(text: &str) -> PaperNumber {
    PaperNumber::parse(text).unwrap()
}

fn delivery(slip: &str, to: usize, vials: i64) -> Delivery {
    Delivery {
        slip: number(slip),
        facility: code(to),
        order: None,
        product: ProductKey::parse(PRODUCT).unwrap(),
        lot: Lot::parse(LOT).unwrap(),
        expires: day("2021-08-31"),
        vials,
        delivered_on: day("2021-06-01"),
        temperature: Temperature::Kept,
        note: String::new(),
    }
}

impl World {
    fn act(&self) -> Act {
        Act {
            id: self.id(),
            at: self.now(),
        }
    }

    async fn register(&self, delivery: &Delivery) -> Registered {
        deliveries::register(&self.db, &wholesaler(), delivery, self.now())
            .await
            .unwrap()
    }

    async fn receive(&self, vials: i64, shelf: Shelf) -> Done {
        let open = deliveries::open_at_venue(&self.db, &first()).await.unwrap();
        let waiting = open.iter().find(|one| one.received.is_none()).unwrap();
        let receipt = Receipt {
            delivery: waiting.id,
            vials,
            shelf,
            began: None,
            note: String::new(),
        };
        deliveries::receive(&self.db, &first(), &receipt, self.act())
            .await
            .unwrap()
    }

    /// So many vials on the first venue's freezer shelf.
    async fn stocked(&self, vials: i64) {
        founded(self).await;
        enter_lot(self, LOT, "2021-08-31", None).await;
        assert_eq!(
            self.register(&delivery("D-0", 1, vials)).await,
            Registered::Booked(vec![])
        );
        assert_eq!(self.receive(vials, Shelf::Frozen).await, Done::Now);
    }

    async fn settle(&self) {
        stock::project(&self.db, self.recorder.recent(), self.now())
            .await
            .unwrap();
    }

    async fn at(&self, permit: &VenuePermit, account: Account) -> i64 {
        let balances = stock::balances(&self.db, permit).await.unwrap();
        let of_lot = balances.get(&goods(LOT)).cloned().unwrap_or_default();
        of_lot.get(&account).copied().unwrap_or_default()
    }

    async fn proven(&self) -> stock::Proof {
        let proof = stock::prove(&self.db, self.now()).await.unwrap();
        assert_eq!(proof.difference, None);
        proof
    }

    async fn dose(&self, person: u64) -> store::recorder::Receipt {
        let digits = format!("21131016{person:010}");
        self.record(self.report(&digits)).await.unwrap()
    }
}

#[test]
fn a_vial_goes_from_the_wholesaler_to_the_arm_and_nobody_types_what_was_used() {
    on_each_engine(async |world| {
        world.stocked(10).await;
        for person in 1..=13 {
            world.dose(person).await;
        }
        world.settle().await;
        // Six doses from a vial: two are empty, the third is open.
        assert_eq!(world.at(&first(), FROZEN).await, 7);
        assert_eq!(world.at(&first(), Account::Used).await, 2);
        assert_eq!(world.at(&first(), Account::Opened).await, 1);
        world.settle().await;
        let proof = world.proven().await;
        assert_eq!((proof.lag, proof.unsettled, proof.days), (0, 0, 1));
        assert_eq!((proof.nation.shipped, proof.nation.on_hand), (10, 7));
        // The day is over: the last vial was used, too.
        world.set_day("2021-06-02");
        world.settle().await;
        assert_eq!(world.at(&first(), Account::Opened).await, 0);
        assert_eq!(world.at(&first(), Account::Used).await, 3);
        world.proven().await;
        world.verified().await;
    });
}

#[test]
fn what_was_told_twice_or_was_an_interview_opens_no_vial() {
    on_each_engine(async |world| {
        world.stocked(10).await;
        world.dose(1).await;
        world.dose(1).await;
        let interview = world.report("111310160000000003");
        world.record(interview).await.unwrap();
        world.settle().await;
        assert_eq!(world.at(&first(), Account::Opened).await, 1);
        let balances = stock::balances(&world.db, &first()).await.unwrap();
        assert_eq!(balances[&goods(LOT)].get(&Account::Used), None);
        assert_eq!(world.proven().await.days, 1);
    });
}

#[test]
fn a_corrected_lot_moves_the_vial_and_a_voided_dose_gives_it_back() {
    on_each_engine(async |world| {
        world.stocked(10).await;
        let receipt = world.dose(1).await;
        world.settle().await;
        assert_eq!(world.at(&first(), FROZEN).await, 9);
        let authority = Authority::Venue(crate::world::venue(1, CHIYODA));
        let correction = Correction {
            id: world.id(),
            dose: receipt.dose,
            city: receipt.municipality,
            given_on: day("2021-06-01"),
            turn: 1,
            product: PRODUCT.into(),
            lot: "FC9880".into(),
            doctor: "鈴木".into(),
            reason: "ロットの読み違い".into(),
            device: String::new(),
            seen: None,
        };
        world
            .recorder
            .correct(&authority, correction)
            .await
            .unwrap();
        world.settle().await;
        // The vial of the other lot was never received: its balance asks.
        let balances = stock::balances(&world.db, &first()).await.unwrap();
        assert_eq!(balances[&goods("FC9880")][&THAWED], -1);
        assert_eq!(world.at(&first(), Account::Opened).await, 0);
        assert_eq!(world.proven().await.negative, 1);
        let here = stock::on_hand(&world.db, &first(), world.now())
            .await
            .unwrap();
        let asked = here
            .iter()
            .find(|one| one.batch.goods.lot == "FC9880")
            .unwrap();
        assert_eq!(asked.alarms, [Alarm::Negative]);
        let decision = Decision {
            id: world.id(),
            dose: receipt.dose,
            city: receipt.municipality,
            reason: "二重".into(),
            device: String::new(),
            seen: None,
        };
        world.recorder.void(&authority, decision).await.unwrap();
        world.settle().await;
        let proof = world.proven().await;
        assert_eq!((proof.negative, proof.nation.opened), (0, 0));
        assert_eq!(proof.nation.on_hand, 10);
    });
}

fn line(opened: i64, recorded: i64, left_over: i64, discarded: i64) -> Line {
    Line {
        product: PRODUCT.into(),
        lot: LOT.into(),
        purpose: Purpose::Primary,
        vials_opened: opened,
        vials_discarded: discarded,
        doses_recorded: recorded,
        differences: vec![Difference {
            reason: Reason::LeftOver,
            doses: left_over,
        }],
        words: String::new(),
    }
}

#[test]
fn the_closing_says_how_many_vials_were_opened_and_may_say_it_again() {
    on_each_engine(async |world| {
        world.stocked(10).await;
        world.dose(1).await;
        let close = async |line: Line, seen| {
            let act = (world.id(), world.now());
            let today = world.now().day_in_japan();
            closings::close(&world.db, &first(), today, &[line], seen, act)
                .await
                .unwrap()
        };
        assert_eq!(close(line(2, 1, 11, 1), 0).await, closings::Closed::As(1));
        world.settle().await;
        // One gave a dose, one gave none, one was thrown away unopened.
        let none = Account::Discarded(Waste::OpenedNone);
        let unopened = Account::Discarded(Waste::Unused);
        let told = async || {
            let here = first();
            let of = |account| world.at(&here, account);
            [
                of(FROZEN).await,
                of(Account::Used).await,
                of(none).await,
                of(unopened).await,
            ]
        };
        assert_eq!(told().await, [7, 1, 1, 1]);
        world.proven().await;
        assert_eq!(close(line(1, 1, 5, 0), 1).await, closings::Closed::As(2));
        world.settle().await;
        let [_, used, none, unopened] = told().await;
        assert_eq!([used, none, unopened], [1, 0, 0]);
        assert_eq!(world.proven().await.nation.on_hand, 9);
    });
}

#[test]
fn taking_the_ledgers_again_from_the_first_entry_books_nothing_new() {
    on_each_engine(async |world| {
        world.stocked(10).await;
        world
            .load(
                CHIYODA,
                &[resident("1", "0000000001", "19500101", Sex::Female)],
            )
            .await;
        for person in 1..=8 {
            world.dose(person).await;
        }
        world.settle().await;
        let before = world.proven().await;
        let taken = stock::rebuild(&world.db, world.now()).await.unwrap();
        assert!(taken >= 8, "{taken}");
        assert_eq!(world.proven().await, before);
    });
}

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

fn word(to: usize, vials: i64, began: Option<Instant>) -> Word {
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
fn a_count_books_the_difference_unless_the_books_moved_meanwhile() {
    on_each_engine(async |world| {
        world.stocked(20).await;
        let count = async |seen, vials| {
            let counted = Counted {
                goods: goods(LOT),
                shelf: Shelf::Frozen,
                seen,
                vials,
                note: "棚卸し".to_owned(),
            };
            stock::count(&world.db, &first(), &counted, (world.id(), world.act()))
                .await
                .unwrap()
        };
        assert_eq!(count(20, 18).await, Done::Now);
        assert_eq!(world.at(&first(), Account::Difference).await, 2);
        assert_eq!(count(20, 18).await, Done::BooksChanged(18));
        assert_eq!(count(18, 18).await, Done::Now);
        assert_eq!(count(18, 19).await, Done::Now);
        assert_eq!(world.at(&first(), Account::Difference).await, 1);
        assert!(matches!(count(19, -1).await, Done::Refused(_)));
        let story = stock::story(&world.db, &first(), &goods(LOT))
            .await
            .unwrap();
        let changes: Vec<i64> = story.iter().map(|one| one.change).collect();
        assert_eq!(changes.iter().sum::<i64>(), 19);
        assert!(story.iter().any(|one| one.other == "東卸"), "{story:?}");
        world.proven().await;
    });
}

#[test]
fn a_recall_finds_every_vial_and_each_city_its_own_people() {
    on_each_engine(async |world| {
        world.stocked(20).await;
        world
            .load(
                CHIYODA,
                &[resident("1", "0000000001", "19500101", Sex::Female)],
            )
            .await;
        world.dose(1).await;
        world
            .record(world.report("210110020000000002"))
            .await
            .unwrap();
        world.settle().await;
        let keeper = nation(Action::KeepLots, Place::Nation);
        let lot = Lot::parse(LOT).unwrap();
        let found = recalls::whereabouts(&world.db, &keeper, &lot)
            .await
            .unwrap();
        assert_eq!((found.to_stop(), found.dosed()), (20, 2));
        let cities: Vec<_> = found
            .doses
            .iter()
            .map(|one| one.municipality.to_string())
            .collect();
        assert_eq!(cities, [SAPPORO, CHIYODA]);
        recalls::rehearse(&world.db, &keeper, &lot, &found, (world.id(), world.now()))
            .await
            .unwrap();
        let view = View {
            id: world.id(),
            at: world.now(),
            number: None,
            view: "recall".to_owned(),
            purpose: "recall".to_owned(),
        };
        let trace = clerk(Action::TraceLot, CHIYODA);
        let people = recalls::dosed(&world.db, &trace, &lot, None, &view)
            .await
            .unwrap();
        assert_eq!(people.len(), 1);
        assert!(people[0].number.is_some());
        let auditor = clerk(Action::SeeAccessLog, CHIYODA);
        let looks = store::audit::looks(&world.db, &auditor, None)
            .await
            .unwrap();
        assert_eq!(looks[0].view.view, "recall");
        let reader = clerk(Action::SeeLedger, CHIYODA);
        let wrong = recalls::dosed(&world.db, &reader, &lot, None, &view).await;
        assert!(wrong.is_err(), "a permit for the ledger traces no lot");
    });
}

#[test]
fn a_movement_changed_by_hand_is_found_by_the_proof() {
    on_each_engine(async |world| {
        world.stocked(20).await;
        world.dose(1).await;
        world.settle().await;
        world.proven().await;
        world
            .spoil("UPDATE stock_balance SET vials = vials + 1 WHERE account = 'frozen'")
            .await;
        let proof = stock::prove(&world.db, world.now()).await.unwrap();
        assert_eq!(proof.difference.unwrap().what, "balance");
        world
            .spoil("UPDATE stock_balance SET vials = vials - 1 WHERE account = 'frozen'")
            .await;
        world.proven().await;
        world.spoil("UPDATE stock_use SET doses_primary = 2").await;
        let proof = stock::prove(&world.db, world.now()).await.unwrap();
        assert_eq!(proof.difference.unwrap().what, "doses");
    });
}

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
