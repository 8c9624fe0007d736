//! The stock: counts, vials that follow from doses, the proof, the recall; and the organisations and acts
//! with which deliveries, transfers and storms are tried, too.

use domain::access::{
    self, Action, Actor, CityPermit, OrganisationId, OrganisationKind, Permit, Place, Role,
    Territory, UserId, VenuePermit,
};
use domain::closings::{Difference, Line, Purpose, Reason};
use domain::deliveries::{Delivery, PaperNumber, Temperature};
use domain::lots::{Recall, RegisteredLot};
use domain::people::Sex;
use domain::replacements::Source;
use domain::stock::{Account, Alarm, Goods, Shelf, Waste};
use domain::vaccines::{Lot, ProductKey};
use domain::venues::FacilityCode;
use store::accounts::NewOrganisation;
use store::audit::View;
use store::deliveries::{self, Receipt, Registered};
use store::recorder::{Authority, Correction, Decision};
use store::stock::{self, Act, Counted, Done};
use store::{closings, lots, recalls};
use uuid::Uuid;

use crate::world::{CHIYODA, SAPPORO, World, city, day, on_each_engine, resident};

pub(crate) const PRODUCT: &str = "comirnaty_12_mono";
pub(crate) const LOT: &str = "EY2173";
pub(crate) const FROZEN: Account = Account::Shelf(Shelf::Frozen);
const THAWED: Account = Account::Shelf(Shelf::Thawed);

pub(crate) fn goods(lot: &str) -> Goods {
    Goods {
        product: PRODUCT.to_owned(),
        lot: lot.to_owned(),
    }
}

pub(crate) fn organisation(number: u128) -> OrganisationId {
    OrganisationId(Uuid::from_u128(number))
}

pub(crate) fn actor(
    number: u128,
    kind: OrganisationKind,
    role: Role,
    territory: Territory,
) -> Actor {
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

pub(crate) fn clerk(action: Action, code: &str) -> CityPermit {
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

pub(crate) fn first() -> VenuePermit {
    venue(1, CHIYODA)
}

pub(crate) fn second() -> VenuePermit {
    venue(2, SAPPORO)
}

pub(crate) fn wholesaler() -> Permit {
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

pub(crate) fn code(number: usize) -> FacilityCode {
    FacilityCode::parse(CODES.get(number - 1).unwrap()).unwrap()
}

/// Two venues and a wholesaler, as organisations.
pub(crate) async fn founded(world: &World) {
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

pub(crate) async fn enter_lot(world: &World, lot: &str, expires: &str, recalled: Option<&str>) {
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

pub(crate) fn number(text: &str) -> PaperNumber {
    PaperNumber::parse(text).unwrap()
}

pub(crate) fn delivery(slip: &str, to: usize, vials: i64) -> Delivery {
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
    pub(crate) fn act(&self) -> Act {
        Act {
            id: self.id(),
            at: self.now(),
        }
    }

    pub(crate) async fn register(&self, delivery: &Delivery) -> Registered {
        deliveries::register(&self.db, &wholesaler(), delivery, self.now())
            .await
            .unwrap()
    }

    pub(crate) async fn receive(&self, vials: i64, shelf: Shelf) -> Done {
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
    pub(crate) async fn stocked(&self, vials: i64) {
        founded(self).await;
        enter_lot(self, LOT, "2021-08-31", None).await;
        assert_eq!(
            self.register(&delivery("D-0", 1, vials)).await,
            Registered::Booked(vec![])
        );
        assert_eq!(self.receive(vials, Shelf::Frozen).await, Done::Now);
    }

    pub(crate) async fn settle(&self) {
        stock::project(&self.db, self.recorder.recent(), self.now())
            .await
            .unwrap();
    }

    pub(crate) async fn at(&self, permit: &VenuePermit, account: Account) -> i64 {
        let balances = stock::balances(&self.db, permit).await.unwrap();
        let of_lot = balances.get(&goods(LOT)).cloned().unwrap_or_default();
        of_lot.get(&account).copied().unwrap_or_default()
    }

    pub(crate) async fn proven(&self) -> stock::Proof {
        let proof = stock::prove(&self.db, self.now()).await.unwrap();
        assert_eq!(proof.difference, None);
        proof
    }

    pub(crate) async fn dose(&self, person: u64) -> store::recorder::Receipt {
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
        let view = View {
            id: world.id(),
            ..view
        };
        let all = recalls::addressees(&world.db, &trace, &lot, &view)
            .await
            .unwrap();
        let named: Vec<&str> = all.named.iter().map(|one| &*one.resident_no).collect();
        assert_eq!((&*named, all.protected, all.pending), (&["1"][..], 0, 0));
        let wrong = recalls::addressees(&world.db, &reader, &lot, &view).await;
        assert!(wrong.is_err(), "nor writes letters about it");
    });
}

#[test]
fn what_was_stopped_is_replaced_by_other_good_lots_and_the_rest_is_ordered() {
    on_each_engine(async |world| {
        world.stocked(20).await;
        for (slip, lot, expires, vials) in [
            ("D-1", "GOOD1", "2021-08-31", 8),
            ("D-2", "SOON1", "2021-06-20", 5),
        ] {
            enter_lot(&world, lot, expires, None).await;
            let told = Delivery {
                lot: Lot::parse(lot).unwrap(),
                expires: day(expires),
                ..delivery(slip, 1, vials)
            };
            world.register(&told).await;
            assert_eq!(world.receive(vials, Shelf::Frozen).await, Done::Now);
        }
        let keeper = nation(Action::KeepLots, Place::Nation);
        let lot = Lot::parse(LOT).unwrap();
        let today = world.now().day_in_japan();
        let found = recalls::whereabouts(&world.db, &keeper, &lot)
            .await
            .unwrap();
        let proposed =
            store::replacements::proposed(&world.db, &keeper, (&lot, &found.vials), today)
                .await
                .unwrap();
        let told: Vec<_> = proposed
            .iter()
            .map(|one| (&*one.to.name, one.source, one.vials))
            .collect();
        assert_eq!(
            told,
            [("会場1", Source::Itself, 8), ("会場1", Source::Order, 12)]
        );
        let reader = nation(Action::SeeStatistics, Place::Nation);
        let what = (&lot, &*found.vials);
        let wrong = store::replacements::proposed(&world.db, &reader, what, today).await;
        assert!(wrong.is_err(), "a permit for counts recalls nothing");
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
