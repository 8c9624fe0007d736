//! The collective contract: mandates, who confirms them, and who is on the lists.

use domain::access::{
    self, Action, Actor, OrganisationId, OrganisationKind, Permit, Place, Role, Territory, UserId,
};
use domain::contracts::{Act, MandateRefusal, Standing, State};
use domain::venues::FacilityCode;
use store::accounts::{self, NewOrganisation};
use store::contracts::{self, Decided, Decision, Made};
use uuid::Uuid;

use crate::world::{CHIYODA, SAPPORO, World, city, confirming, day, mandating, on_each_engine};

fn organisation(number: u128) -> OrganisationId {
    OrganisationId(Uuid::from_u128(number))
}

fn of_city(code: &str, action: Action, place: Place) -> Permit {
    let actor = Actor {
        user: UserId(Uuid::from_u128(9)),
        organisation: organisation(20),
        kind: OrganisationKind::City,
        role: Role::Administrator,
        territory: Territory::City(city(code)),
    };
    access::permit(&actor, action, place).unwrap()
}

async fn found(world: &World, number: u128, city_code: &str, code: &str) -> OrganisationId {
    let id = organisation(number);
    let place = Place::Venue {
        id,
        city: city(city_code),
    };
    let new = NewOrganisation {
        id,
        kind: OrganisationKind::Venue,
        name: format!("会場{number}"),
        facility_code: Some(FacilityCode::parse(code).unwrap()),
    };
    let permit = of_city(city_code, Action::ManageAccounts, place);
    accounts::found_organisation(&world.db, &permit, &new, world.id(), world.now())
        .await
        .unwrap();
    id
}

async fn make(
    world: &World,
    venue: OrganisationId,
    act: Act,
    association: OrganisationId,
) -> (Uuid, Made) {
    let mandate = world.mandate(association, act);
    let act = (world.id(), world.now());
    let made = contracts::make(&world.db, &mandating(venue, CHIYODA), &mandate, act).await;
    (mandate.id, made.unwrap())
}

async fn decide(
    world: &World,
    id: Uuid,
    association: OrganisationId,
    decision: Decision<'_>,
) -> Decided {
    let act = (world.id(), world.now());
    contracts::decide(&world.db, &confirming(association), id, decision, act)
        .await
        .unwrap()
}

async fn is_party(world: &World, venue: OrganisationId, on: &str) -> bool {
    let standing = contracts::standing(&world.db, venue, day(on)).await;
    standing.unwrap().is_party()
}

#[test]
fn a_venue_is_a_party_once_its_association_has_the_paper_in_hand() {
    on_each_engine(async |world| {
        let venue = found(&world, 1, CHIYODA, "1310000015").await;
        let (association, other) = (
            world.found_association().await,
            world.found_association().await,
        );
        let (id, made) = make(&world, venue, Act::Join, association).await;
        assert_eq!(made, Made::Now);
        assert!(!is_party(&world, venue, "2021-06-01").await);
        // One at a time, and only the association it was given to says anything about it.
        let again = make(&world, venue, Act::Join, association).await.1;
        assert_eq!(again, Made::Refused(MandateRefusal::Waiting));
        assert_eq!(
            decide(&world, id, other, Decision::Confirm).await,
            Decided::TooLate
        );
        // The paper comes three days later: what holds begins then, not before.
        world.set_day("2021-06-04");
        let confirmed = decide(&world, id, association, Decision::Confirm).await;
        assert_eq!(confirmed, Decided::Confirmed(day("2021-06-04")));
        assert_eq!(
            decide(&world, id, association, Decision::Confirm).await,
            Decided::TooLate
        );
        assert!(!is_party(&world, venue, "2021-06-03").await);
        assert!(is_party(&world, venue, "2021-06-04").await);
        let permit = mandating(venue, CHIYODA);
        let act = (world.id(), world.now());
        let withdrawn = contracts::withdraw(&world.db, &permit, id, act).await;
        assert!(!withdrawn.unwrap(), "what is confirmed stays");
    });
}

#[test]
fn what_is_given_back_or_withdrawn_changes_nothing_and_another_may_follow() {
    on_each_engine(async |world| {
        let venue = found(&world, 1, CHIYODA, "1310000015").await;
        let association = world.found_association().await;
        let leaving = make(&world, venue, Act::Leave, association).await.1;
        assert_eq!(leaving, Made::Refused(MandateRefusal::NotParty));
        let unknown = make(&world, venue, Act::Join, organisation(77)).await.1;
        assert_eq!(unknown, Made::NoAssociation);
        let (id, _) = make(&world, venue, Act::Join, association).await;
        let refused = decide(&world, id, association, Decision::Refuse("押印がない")).await;
        assert_eq!(refused, Decided::Refused);
        let (id, made) = make(&world, venue, Act::Join, association).await;
        assert_eq!(made, Made::Now);
        let permit = mandating(venue, CHIYODA);
        let act = (world.id(), world.now());
        assert!(
            contracts::withdraw(&world.db, &permit, id, act)
                .await
                .unwrap()
        );
        assert!(!is_party(&world, venue, "2021-06-01").await);
        let told = contracts::mandates(&world.db, &permit).await.unwrap();
        let states: Vec<(State, &str)> = told
            .iter()
            .map(|one| (one.state, one.answer.as_str()))
            .collect();
        assert_eq!(
            states,
            [(State::Withdrawn, ""), (State::Refused, "押印がない")]
        );
    });
}

#[test]
fn the_list_of_a_day_has_each_party_once_under_the_code_of_that_day() {
    on_each_engine(async |world| {
        let venue = found(&world, 1, CHIYODA, "1310000015").await;
        let far = found(&world, 2, SAPPORO, "0110113719").await;
        world.join_contract(venue, CHIYODA).await;
        world.join_contract(far, SAPPORO).await;
        world.set_day("2021-07-01");
        let second = world.found_association().await;
        let (id, _) = make(&world, venue, Act::Change, second).await;
        decide(&world, id, second, Decision::Confirm).await;
        world.set_day("2021-08-01");
        let (id, _) = make(&world, venue, Act::Leave, second).await;
        decide(&world, id, second, Decision::Confirm).await;
        let own = of_city(CHIYODA, Action::SeeVenues, Place::City(city(CHIYODA)));
        let on = async |on: &str| {
            let parties = contracts::parties(&world.db, &own, day(on)).await.unwrap();
            let short = |one: contracts::Party| (one.code, one.since.to_string());
            parties.into_iter().map(short).collect::<Vec<_>>()
        };
        let once = vec![("1310000015".to_owned(), "2021-06-01".to_owned())];
        assert_eq!(on("2021-05-31").await, vec![]);
        assert_eq!(on("2021-06-01").await, once);
        assert_eq!(on("2021-07-31").await, once);
        assert_eq!(on("2021-08-01").await, vec![]);
        let list = contracts::parties(&world.db, &confirming(second), day("2021-07-01")).await;
        assert_eq!(list.unwrap().len(), 1);
        let left = contracts::standing(&world.db, venue, day("2021-08-02")).await;
        let since = day("2021-08-01");
        assert_eq!(left.unwrap(), Standing::Left { since });
    });
}
