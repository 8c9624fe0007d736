//! Supplies, cycles, requests and what was published: from the nation to a venue, on both engines.

use domain::access::{
    self, Action, Actor, OrganisationId, OrganisationKind as Kind, Permit, Place, Role, Territory,
    UserId,
};
use domain::allocation::{Override, Part, Quota, Rule, Why, propose};
use domain::contracts::NoContract;
use domain::cycles::{Act, Draft, Formula, NATION, Stated, Terms, Tier};
use domain::places::{MunicipalityCode, Prefecture};
use domain::vaccines::{Lot, ProductKey};
use store::accounts::{self, NewOrganisation};
use store::allocations::{self, Asked, DraftKept, Published};
use store::cycles::{self, Cycle, Kept, Reopening};
use store::figures::{self, StatedFigure, Stating};
use store::supplies::{self, Supply};
use uuid::Uuid;

use crate::world::{CHIYODA, World, day, on_each_engine};

pub(crate) fn tokyo() -> Prefecture {
    Prefecture::new(13).unwrap()
}

pub(crate) fn chiyoda() -> MunicipalityCode {
    MunicipalityCode::parse(CHIYODA).unwrap()
}

pub(crate) fn venue_id(number: u128) -> OrganisationId {
    OrganisationId(Uuid::from_u128(
        0x0190_0000_0000_7000_8000_0000_0000_0000 + number,
    ))
}

fn actor(kind: Kind, organisation: OrganisationId, territory: Territory) -> Actor {
    Actor {
        user: UserId(Uuid::from_u128(400)),
        organisation,
        kind,
        role: Role::Administrator,
        territory,
    }
}

pub(crate) fn permit(kind: Kind, action: Action) -> Permit {
    let own = OrganisationId(Uuid::from_u128(40));
    let territory = match kind {
        Kind::Nation => Territory::Nation,
        Kind::Prefecture => Territory::Prefecture(tokyo()),
        Kind::City => Territory::City(chiyoda()),
        Kind::Venue => Territory::Venue {
            id: venue_id(1),
            city: chiyoda(),
        },
        _ => Territory::Company(own),
    };
    let organisation = if kind == Kind::Venue {
        venue_id(1)
    } else {
        own
    };
    let actor = actor(kind, organisation, territory);
    access::permit(&actor, action, actor.territory.place()).unwrap()
}

fn product() -> ProductKey {
    ProductKey::parse("comirnaty_12_mono").unwrap()
}

fn supply(units: u64, on: &str) -> Supply {
    Supply {
        product: product(),
        lot: Lot::parse("EY2173").unwrap(),
        available_on: day(on),
        units,
        reason: String::new(),
    }
}

/// Cycle 9, and 1,000 boxes for it; the world stands before every cut-off.
pub(crate) async fn begin(world: &World) -> Cycle {
    world.set_day("2021-06-10");
    let maker = permit(Kind::Maker, Action::KeepSupply);
    let thousand = supply(1_000, "2021-07-01");
    let act = (world.id(), world.now());
    let told = supplies::tell(&world.db, &maker, &thousand, Some(0), act).await;
    assert_eq!(told.unwrap(), supplies::Kept::As(1));
    let cycle = Cycle {
        id: world.id(),
        product: product(),
        terms: Terms::usual(9, day("2021-07-05"), (1_170, 195)),
        revision: 0,
    };
    let nation = permit(Kind::Nation, Action::KeepCycles);
    let kept = cycles::keep(&world.db, &nation, &cycle, (world.id(), world.now()));
    assert_eq!(kept.await.unwrap(), Kept::As(1));
    Cycle {
        revision: 1,
        ..cycle
    }
}

pub(crate) async fn found_venues(world: &World, count: u128) {
    let city = actor(
        Kind::City,
        OrganisationId(Uuid::from_u128(40)),
        Territory::City(chiyoda()),
    );
    for number in 1..=count {
        let id = venue_id(number);
        let place = Place::Venue {
            id,
            city: chiyoda(),
        };
        let permit = access::permit(&city, Action::ManageAccounts, place).unwrap();
        let new = NewOrganisation {
            id,
            kind: Kind::Venue,
            name: format!("会場{number}"),
            facility_code: None,
        };
        accounts::found_organisation(&world.db, &permit, &new, world.id(), world.now())
            .await
            .unwrap();
    }
}

pub(crate) async fn state(
    world: &World,
    cycle: &Cycle,
    kind: Kind,
    seat: &str,
    figure: Stated,
    value: u64,
) {
    let stated = StatedFigure {
        seat: seat.to_owned(),
        figure,
        value,
        reason: String::new(),
    };
    let permit = permit(kind, Action::Allocate);
    let act = (world.id(), world.now());
    let stated = figures::state_figures(&world.db, &permit, cycle, &[stated], 0, act).await;
    assert!(matches!(stated.unwrap(), Stating::Kept(_)));
}

pub(crate) async fn ask(world: &World, cycle: &Cycle, kind: Kind, units: u64) -> Asked {
    let permit = permit(kind, Action::RequestUnits);
    let act = (world.id(), world.now());
    allocations::ask(&world.db, &permit, cycle, (units, "高齢者施設の接種"), act)
        .await
        .unwrap()
}

/// Publishes what a giver's formula gives, with these numbers set by hand.
pub(crate) async fn publish(
    world: &World,
    cycle: &Cycle,
    kind: Kind,
    set: Vec<Override>,
    seen: i64,
) -> Published {
    let permit = permit(kind, Action::Allocate);
    let tier = Tier::of(permit.place()).unwrap();
    let below = allocations::nodes(&world.db, &permit, cycle).await.unwrap();
    let nodes = below.into_iter().map(|one| one.node).collect();
    let supply = allocations::available(&world.db, &permit, cycle)
        .await
        .unwrap();
    let draft = Draft {
        formula: Formula::usual(tier),
        overrides: set,
    };
    let plan = cycle
        .terms
        .plan(cycle.product.as_str(), tier, supply, nodes, draft);
    let proposal = propose(&plan).unwrap();
    let act = (world.id(), world.now());
    allocations::publish(&world.db, &permit, cycle, (&plan, &proposal), seen, act)
        .await
        .unwrap()
}

async fn received(world: &World, cycle: &Cycle, kind: Kind) -> Option<u64> {
    let permit = permit(kind, Action::SeeAllocations);
    let got = allocations::received(&world.db, &permit, cycle.id)
        .await
        .unwrap();
    got.map(|got| got.units)
}

async fn available(world: &World, cycle: &Cycle, kind: Kind) -> u64 {
    let permit = permit(kind, Action::Allocate);
    allocations::available(&world.db, &permit, cycle)
        .await
        .unwrap()
}

#[test]
fn units_go_from_the_maker_to_the_venue_and_none_is_lost() {
    on_each_engine(async |world| {
        let cycle = begin(&world).await;
        found_venues(&world, 2).await;
        state(&world, &cycle, Kind::Nation, "13", Stated::Population, 300).await;
        state(&world, &cycle, Kind::Nation, "27", Stated::Population, 700).await;
        state(
            &world,
            &cycle,
            Kind::Prefecture,
            CHIYODA,
            Stated::Population,
            10,
        )
        .await;
        state(
            &world,
            &cycle,
            Kind::Prefecture,
            "131032",
            Stated::Population,
            20,
        )
        .await;
        let no_contract = Asked::NoContract(NoContract::Never);
        assert_eq!(ask(&world, &cycle, Kind::Venue, 7).await, no_contract);
        world.join_contract(venue_id(1), CHIYODA).await;
        assert_eq!(ask(&world, &cycle, Kind::Venue, 7).await, Asked::As(1));
        assert_eq!(ask(&world, &cycle, Kind::Venue, 5).await, Asked::As(2));

        assert_eq!(
            publish(&world, &cycle, Kind::Nation, vec![], 0).await,
            Published::As(1)
        );
        assert_eq!(received(&world, &cycle, Kind::Prefecture).await, Some(300));
        assert_eq!(
            publish(&world, &cycle, Kind::Prefecture, vec![], 0).await,
            Published::As(1)
        );
        assert_eq!(received(&world, &cycle, Kind::City).await, Some(100));
        assert_eq!(
            publish(&world, &cycle, Kind::City, vec![], 0).await,
            Published::As(1)
        );
        // The venue got what it asked for; the rest stays with the city.
        assert_eq!(received(&world, &cycle, Kind::Venue).await, Some(5));
        let city = permit(Kind::City, Action::SeeAllocations);
        let decision = allocations::decision(&world.db, &city, cycle.id, false)
            .await
            .unwrap();
        let decision = decision.unwrap();
        assert_eq!((decision.revision, decision.supply), (1, 100));
        let again = propose(&decision.plan).unwrap();
        assert_eq!(again.find(CHIYODA).unwrap().kept, 95);
        // The next cycle begins with it.
        let mut next = cycle.clone();
        next.id = world.id();
        next.revision = 0;
        next.terms = Terms::usual(10, day("2021-07-19"), (1_170, 195));
        let nation = permit(Kind::Nation, Action::KeepCycles);
        let act = (world.id(), world.now());
        assert_eq!(
            cycles::keep(&world.db, &nation, &next, act).await.unwrap(),
            Kept::As(1)
        );
        assert_eq!(available(&world, &next, Kind::City).await, 95);
        assert_eq!(available(&world, &next, Kind::Nation).await, 0);
    });
}

#[test]
fn a_venue_without_contract_on_the_first_day_is_given_nothing_and_the_reason_says_so() {
    on_each_engine(async |world| {
        let cycle = begin(&world).await;
        found_venues(&world, 2).await;
        world.join_contract(venue_id(1), CHIYODA).await;
        let own = permit(Kind::City, Action::Allocate);
        let standing = async |cycle: &Cycle| {
            let nodes = allocations::nodes(&world.db, &own, cycle).await.unwrap();
            let venues = nodes.iter().filter(|one| one.node.level == "venue");
            venues
                .map(|one| one.node.without_contract)
                .collect::<Vec<_>>()
        };
        assert_eq!(standing(&cycle).await, [false, true]);
        // Another cycle began before the venue joined.
        let mut earlier = cycle.clone();
        earlier.terms.first_day = day("2021-06-09");
        assert_eq!(standing(&earlier).await, [true, true]);
        for number in 1..=2 {
            let OrganisationId(seat) = venue_id(number);
            let seat = seat.to_string();
            state(&world, &cycle, Kind::City, &seat, Stated::Population, 50).await;
        }
        let below = allocations::nodes(&world.db, &own, &cycle).await.unwrap();
        let nodes: Vec<_> = below.into_iter().map(|one| one.node).collect();
        let draft = Draft {
            formula: Formula {
                parts: vec![Part {
                    name: String::new(),
                    quota: Quota::Rest,
                    rule: Rule::Population,
                    brake: None,
                }],
                requests_limit: false,
            },
            overrides: Vec::new(),
        };
        let plan = cycle
            .terms
            .plan(cycle.product.as_str(), Tier::City, 10, nodes, draft);
        let proposal = propose(&plan).unwrap();
        let given = |number| {
            let OrganisationId(seat) = venue_id(number);
            proposal.find(&seat.to_string()).unwrap()
        };
        assert_eq!((given(1).units, given(2).units), (10, 0));
        assert_eq!(given(2).why, Why::NoContract);
    });
}

#[test]
fn after_the_cut_off_nobody_acts_unless_the_level_above_lets_them() {
    on_each_engine(async |world| {
        let cycle = begin(&world).await;
        found_venues(&world, 1).await;
        world.join_contract(venue_id(1), CHIYODA).await;
        world.set_day("2021-06-15");
        let late = Asked::Late(Some(day("2021-06-14")));
        assert_eq!(ask(&world, &cycle, Kind::Venue, 5).await, late);
        let reopening = Reopening {
            cycle: cycle.id,
            place: Place::Venue {
                id: venue_id(1),
                city: chiyoda(),
            },
            act: Act::Request,
            until: day("2021-06-15"),
            reason: "停電".to_owned(),
        };
        let by = |kind| permit(kind, Action::Allocate);
        let act = || (world.id(), world.now());
        let other = Reopening {
            place: Place::City(MunicipalityCode::parse("011002").unwrap()),
            ..reopening.clone()
        };
        assert!(
            !cycles::reopen(&world.db, &by(Kind::Prefecture), &other, act())
                .await
                .unwrap()
        );
        assert!(
            cycles::reopen(&world.db, &by(Kind::City), &reopening, act())
                .await
                .unwrap()
        );
        assert_eq!(ask(&world, &cycle, Kind::Venue, 5).await, Asked::As(1));
        world.set_day("2021-06-22");
        let late = Published::Late(Some(day("2021-06-21")));
        assert_eq!(publish(&world, &cycle, Kind::Nation, vec![], 0).await, late);
    });
}

#[test]
fn what_was_given_on_is_never_taken_away_unseen() {
    on_each_engine(async |world| {
        let cycle = begin(&world).await;
        state(&world, &cycle, Kind::Nation, "13", Stated::Population, 1).await;
        state(&world, &cycle, Kind::Nation, "27", Stated::Population, 1).await;
        state(
            &world,
            &cycle,
            Kind::Prefecture,
            CHIYODA,
            Stated::Population,
            1,
        )
        .await;
        assert_eq!(
            publish(&world, &cycle, Kind::Nation, vec![], 0).await,
            Published::As(1)
        );
        assert_eq!(
            publish(&world, &cycle, Kind::Nation, vec![], 0).await,
            Published::ChangedMeanwhile(1)
        );
        assert_eq!(
            publish(&world, &cycle, Kind::Prefecture, vec![], 0).await,
            Published::As(1)
        );
        let set = |units| {
            vec![Override {
                node: "13".to_owned(),
                units,
                by: "田中".to_owned(),
                reason: "感染の拡大".to_owned(),
            }]
        };
        let short = publish(&world, &cycle, Kind::Nation, set(400), 1).await;
        let Published::BelowGiven(short) = short else {
            panic!("{short:?}")
        };
        assert_eq!(
            (short[0].seat.as_str(), short[0].given, short[0].has),
            ("13", 500, 400)
        );
        assert_eq!(
            publish(&world, &cycle, Kind::Nation, set(600), 1).await,
            Published::As(2)
        );
        assert_eq!(available(&world, &cycle, Kind::Prefecture).await, 600);
        let nation = permit(Kind::Nation, Action::Allocate);
        let all = allocations::decisions(&world.db, &nation, cycle.id)
            .await
            .unwrap();
        let revisions: Vec<i64> = all.iter().map(|one| one.revision).collect();
        assert_eq!(revisions, [2, 1]);
        assert_eq!(all[0].plan.overrides, set(600));
    });
}

#[test]
fn a_maker_changes_its_own_lots_and_the_nation_every_one() {
    on_each_engine(async |world| {
        let cycle = begin(&world).await;
        let tell = async |kind: Kind, other: bool, units: u64, seen: Option<i64>| {
            let mut permit = permit(kind, Action::KeepSupply);
            if other {
                let id = OrganisationId(Uuid::from_u128(41));
                let actor = actor(Kind::Maker, id, Territory::Company(id));
                permit =
                    access::permit(&actor, Action::KeepSupply, actor.territory.place()).unwrap();
            }
            let supply = supply(units, "2021-07-01");
            let act = (world.id(), world.now());
            supplies::tell(&world.db, &permit, &supply, seen, act)
                .await
                .unwrap()
        };
        assert_eq!(
            tell(Kind::Maker, true, 5, None).await,
            supplies::Kept::OfAnother
        );
        assert_eq!(
            tell(Kind::Maker, false, 1_000, None).await,
            supplies::Kept::AsItIs(1)
        );
        assert_eq!(
            tell(Kind::Nation, false, 900, Some(0)).await,
            supplies::Kept::ChangedMeanwhile(1)
        );
        assert_eq!(
            tell(Kind::Nation, false, 900, Some(1)).await,
            supplies::Kept::As(2)
        );
        assert_eq!(
            tell(Kind::Maker, false, 800, Some(2)).await,
            supplies::Kept::As(3)
        );
        assert_eq!(available(&world, &cycle, Kind::Nation).await, 800);
        let own = permit(Kind::Maker, Action::KeepSupply);
        let told = supplies::supplies(&world.db, &own).await.unwrap();
        assert_eq!((told.len(), told[0].revision), (1, 3));
    });
}

#[test]
fn a_number_is_one_cycle_and_a_draft_is_kept_for_its_giver() {
    on_each_engine(async |world| {
        let cycle = begin(&world).await;
        let twin = Cycle {
            id: world.id(),
            revision: 0,
            ..cycle.clone()
        };
        let nation = permit(Kind::Nation, Action::KeepCycles);
        let act = || (world.id(), world.now());
        assert_eq!(
            cycles::keep(&world.db, &nation, &twin, act())
                .await
                .unwrap(),
            Kept::NumberTaken
        );
        assert_eq!(
            cycles::keep(&world.db, &nation, &cycle, act())
                .await
                .unwrap(),
            Kept::AsItIs(1)
        );
        assert_eq!(
            cycles::cycles(&world.db).await.unwrap(),
            std::slice::from_ref(&cycle)
        );
        let draft = Draft {
            formula: Formula::usual(Tier::City),
            overrides: Vec::new(),
        };
        let own = permit(Kind::City, Action::Allocate);
        let keep = async |draft: &Draft, seen| {
            let (db, now) = (&world.db, world.now());
            let kept = allocations::keep_draft(db, &own, cycle.id, (draft, seen), now).await;
            kept.unwrap()
        };
        assert_eq!(keep(&draft, 0).await, DraftKept::Now);
        let kept = allocations::draft(&world.db, &own, cycle.id).await.unwrap();
        let kept = kept.unwrap();
        assert_eq!((&kept.draft, kept.revision), (&draft, 1));
        // Somebody else at the desk has not seen it: theirs is not kept, and they are told of it.
        let other_draft = Draft {
            formula: Formula::usual(Tier::Nation),
            overrides: Vec::new(),
        };
        for unseen in [0, 2] {
            let told = DraftKept::ChangedMeanwhile(Box::new(kept.clone()));
            assert_eq!(keep(&other_draft, unseen).await, told);
        }
        assert_eq!(keep(&other_draft, 1).await, DraftKept::Now);
        let kept = allocations::draft(&world.db, &own, cycle.id).await.unwrap();
        assert_eq!(
            kept.map(|kept| (kept.draft, kept.revision)),
            Some((other_draft, 2))
        );
        let other = permit(Kind::Nation, Action::Allocate);
        assert_eq!(
            allocations::draft(&world.db, &other, cycle.id)
                .await
                .unwrap(),
            None
        );
        let stranger = StatedFigure {
            seat: NATION.to_owned(),
            figure: Stated::Cap,
            value: 1,
            reason: String::new(),
        };
        let strange = figures::state_figures(&world.db, &own, &cycle, &[stranger], 0, act()).await;
        assert_eq!(strange.unwrap(), Stating::NotBelow(vec![NATION.to_owned()]));
    });
}
