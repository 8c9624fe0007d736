//! Two people for one change: whatever anybody tries, nobody approves their own proposal, and
//! nothing that was overtaken happens.

#![expect(
    clippy::unwrap_used,
    reason = "the whole file is a test, its helpers too"
)]

use domain::access::{Actor, OrganisationId, OrganisationKind, Role, Territory, UserId};
use domain::approvals::{
    Decision, FileOfRecords, Matter, Proposal, Refusal, State, Wanted, decide, may_propose,
};
use domain::calendar::Day;
use domain::coupons::CouponLine;
use domain::doses::{DoseId, Facts, Version};
use domain::places::MunicipalityCode;
use proptest::prelude::*;
use uuid::Uuid;

const CHIYODA: &str = "131016";
const SAPPORO: &str = "011002";

fn city(code: &str) -> MunicipalityCode {
    MunicipalityCode::parse(code).unwrap()
}

fn clerk(user: u128, role: Role, code: &str) -> Actor {
    Actor {
        user: UserId(Uuid::from_u128(user)),
        organisation: OrganisationId(Uuid::from_u128(1)),
        kind: OrganisationKind::City,
        role,
        territory: Territory::City(city(code)),
    }
}

fn version(dose: u128, lot: &str) -> (DoseId, Version) {
    let id = DoseId(Uuid::from_u128(dose));
    let facts = Facts {
        doctor: "鈴木".into(),
        given_on: Day::parse("2021-06-01").unwrap(),
        line: CouponLine::parse("211310160000000001").unwrap(),
        lot: lot.into(),
        product: "comirnaty_12_mono".into(),
        turn: 1,
        venue: OrganisationId(Uuid::from_u128(2)),
        venue_name: "会場".into(),
    };
    (id, Version::of(id, &facts, false, false))
}

fn proposal(by: u128, matter: Matter) -> Proposal {
    Proposal {
        city: city(CHIYODA),
        matter,
        by: UserId(Uuid::from_u128(by)),
        state: State::Proposed,
        seen: vec![version(1, "A"), version(2, "B")],
    }
}

#[test]
fn a_second_clerk_of_the_city_approves() {
    let asked = proposal(1, Matter::Correction);
    let now = [version(2, "B"), version(1, "A")];
    let second = clerk(2, Role::Operator, CHIYODA);
    assert_eq!(
        decide(&asked, &second, Decision::Approve, &now),
        Ok(State::Approved)
    );
    assert_eq!(
        decide(&asked, &second, Decision::Refuse, &now),
        Ok(State::Refused)
    );
    assert_eq!(
        decide(&asked, &second, Decision::Withdraw, &now),
        Err(Refusal::NotYours)
    );
}

#[test]
fn who_proposed_may_only_take_it_back() {
    let asked = proposal(1, Matter::Repair);
    let now = [version(1, "A"), version(2, "B")];
    for role in Role::ALL {
        let same = clerk(1, role, CHIYODA);
        for decision in [Decision::Approve, Decision::Refuse] {
            assert_eq!(
                decide(&asked, &same, decision, &now),
                Err(Refusal::OwnProposal)
            );
        }
        assert_eq!(
            decide(&asked, &same, Decision::Withdraw, &now),
            Ok(State::Withdrawn)
        );
    }
}

#[test]
fn a_record_that_says_something_else_or_is_gone_overtakes_the_proposal() {
    let asked = proposal(1, Matter::Void);
    let second = clerk(2, Role::Operator, CHIYODA);
    for now in [
        vec![version(1, "A"), version(2, "C")],
        vec![version(1, "A")],
    ] {
        assert_eq!(
            decide(&asked, &second, Decision::Approve, &now),
            Ok(State::Overtaken)
        );
    }
}

#[test]
fn many_records_are_opened_again_by_administrators_alone() {
    let boss = clerk(1, Role::Administrator, CHIYODA);
    let second = clerk(2, Role::Operator, CHIYODA);
    assert_eq!(may_propose(&boss, city(CHIYODA), Matter::Reopening), Ok(()));
    assert_eq!(
        may_propose(&second, city(CHIYODA), Matter::Reopening),
        Err(Refusal::Denied)
    );
    let asked = Proposal {
        seen: vec![],
        ..proposal(1, Matter::Reopening)
    };
    assert_eq!(
        decide(&asked, &second, Decision::Approve, &[]),
        Err(Refusal::Denied)
    );
}

#[test]
fn a_repair_is_wanted_always() {
    assert!(Wanted::default().needs(Matter::Repair));
    assert!(!Wanted::default().needs(Matter::Correction));
    let wanted = Wanted::for_matters([Matter::Void]);
    assert_eq!(
        wanted.matters().collect::<Vec<_>>(),
        [Matter::Void, Matter::Repair]
    );
}

#[test]
fn a_file_needs_a_second_person_where_one_of_its_lines_would() {
    let by = UserId(Uuid::from_u128(1));
    let other = UserId(Uuid::from_u128(2));
    let file = |corrects, voids| FileOfRecords {
        by,
        corrects,
        voids,
    };
    let own = Err(Refusal::OwnProposal);
    let none = Wanted::default();
    assert_eq!(file(true, true).may_approve(&none, by), Ok(()));
    let files = Wanted::for_matters([Matter::File]);
    assert_eq!(file(false, false).may_approve(&files, by), own);
    assert_eq!(file(false, false).may_approve(&files, other), Ok(()));
    let voids = Wanted::for_matters([Matter::Void]);
    assert_eq!(file(true, false).may_approve(&voids, by), Ok(()));
    assert_eq!(file(true, true).may_approve(&voids, by), own);
    let corrections = Wanted::for_matters([Matter::Correction]);
    assert_eq!(file(true, false).may_approve(&corrections, by), own);
}

#[test]
fn words_are_read_back() {
    for matter in Matter::ALL {
        assert_eq!(Matter::parse(matter.as_str()), Some(matter));
        assert_eq!(serde_json::to_value(matter).unwrap(), matter.as_str());
    }
    for state in State::ALL {
        assert_eq!(State::parse(state.as_str()), Some(state));
        assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
    }
    let (_, version) = version(1, "A");
    assert_eq!(Version::parse(&version.to_string()), Some(version));
}

#[test]
fn a_version_is_another_when_anybody_changed_anything() {
    let id = DoseId(Uuid::from_u128(1));
    let facts = Facts {
        doctor: "鈴木".into(),
        given_on: Day::parse("2021-06-01").unwrap(),
        line: CouponLine::parse("211310160000000001").unwrap(),
        lot: "A".into(),
        product: "p".into(),
        turn: 1,
        venue: OrganisationId(Uuid::from_u128(2)),
        venue_name: "会場".into(),
    };
    let all = [
        Version::of(id, &facts, false, false),
        Version::of(id, &facts, true, false),
        Version::of(id, &facts, false, true),
        Version::of(
            id,
            &Facts {
                turn: 2,
                ..facts.clone()
            },
            false,
            false,
        ),
        Version::of(DoseId(Uuid::from_u128(2)), &facts, false, false),
    ];
    let different: std::collections::BTreeSet<_> = all.iter().collect();
    assert_eq!(different.len(), all.len());
}

prop_compose! {
    fn any_clerk()(
        user in 1..4_u128,
        role in prop::sample::select(Role::ALL.to_vec()),
        code in prop::sample::select(vec![CHIYODA, SAPPORO]),
    ) -> Actor {
        clerk(user, role, code)
    }
}

proptest! {
    /// Many people decide one after the other: it is decided at most once, by somebody of the city,
    /// approved by another than who proposed it, and only while the records say what they said.
    #[test]
    fn it_is_decided_once_and_by_two(
        by in 1..4_u128,
        matter in prop::sample::select(Matter::ALL.to_vec()),
        tries in prop::collection::vec(
            (any_clerk(), prop::sample::select(Decision::ALL.to_vec()), any::<bool>()), 1..12),
    ) {
        let mut asked = proposal(by, matter);
        let mut decided = 0;
        for (actor, decision, changed) in tries {
            let lot = if changed { "C" } else { "B" };
            let now = [version(1, "A"), version(2, lot)];
            let before = asked.state;
            match decide(&asked, &actor, decision, &now) {
                Ok(state) => {
                    prop_assert_eq!(before, State::Proposed);
                    prop_assert_ne!(state, State::Proposed);
                    prop_assert_eq!(actor.territory, Territory::City(asked.city));
                    let own = actor.user == asked.by;
                    prop_assert_eq!(state == State::Withdrawn, own);
                    prop_assert_eq!(state == State::Overtaken, decision == Decision::Approve && changed);
                    asked.state = state;
                    decided += 1;
                }
                Err(Refusal::Decided { state }) => prop_assert_eq!(state, before),
                Err(_) => prop_assert_eq!(asked.state, before),
            }
        }
        prop_assert!(decided <= 1);
    }
}
