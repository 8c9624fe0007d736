//! The golden matrix: every actor, every action, every place seen from the actor.
//!
//! A change of the snapshot is a change of who sees whom: it is read, not accepted.

#![expect(
    clippy::unwrap_used,
    reason = "the whole file is a test, its helpers too"
)]

use std::fmt::Write as _;

use domain::access::{
    self, Action, Actor, NumberPurpose, OrganisationId, OrganisationKind as Kind, Place, Role,
    Territory, UserId, may,
};
use domain::places::{MunicipalityCode, Prefecture};
use proptest::prelude::*;
use uuid::Uuid;

const CHIYODA: &str = "131016";
const MINATO: &str = "131032";
const SAPPORO: &str = "011002";

fn city(code: &str) -> MunicipalityCode {
    MunicipalityCode::parse(code).unwrap()
}

fn prefecture(number: u8) -> Prefecture {
    Prefecture::new(number).unwrap()
}

fn organisation(number: u128) -> OrganisationId {
    OrganisationId(Uuid::from_u128(number))
}

fn venue(number: u128, code: &str) -> Place {
    Place::Venue {
        id: organisation(number),
        city: city(code),
    }
}

fn actor(kind: Kind, role: Role) -> Actor {
    let own = organisation(1);
    let territory = match kind {
        Kind::Nation => Territory::Nation,
        Kind::Prefecture => Territory::Prefecture(prefecture(13)),
        Kind::City => Territory::City(city(CHIYODA)),
        Kind::Venue => Territory::Venue {
            id: own,
            city: city(CHIYODA),
        },
        Kind::Wholesaler | Kind::Maker | Kind::Federation | Kind::Association => {
            Territory::Company(own)
        }
    };
    Actor {
        user: UserId(Uuid::from_u128(9)),
        organisation: own,
        kind,
        role,
        territory,
    }
}

/// A place as seen from an organisation in Tokyo's Chiyoda; `None` where there is no such place.
type View = fn(Kind) -> Option<Place>;

const VIEWS: [(&str, View); 7] = [
    ("own place", |kind| {
        Some(actor(kind, Role::Operator).territory.place())
    }),
    (
        "a sibling (another of the same kind, as near as there is)",
        |kind| match kind {
            Kind::Nation => None,
            Kind::Prefecture => Some(Place::Prefecture(prefecture(1))),
            Kind::City => Some(Place::City(city(MINATO))),
            Kind::Venue => Some(venue(2, CHIYODA)),
            Kind::Wholesaler | Kind::Maker | Kind::Federation | Kind::Association => {
                Some(Place::Company(organisation(2)))
            }
        },
    ),
    ("the place above", |kind| match kind {
        Kind::Nation => None,
        Kind::City => Some(Place::Prefecture(prefecture(13))),
        Kind::Venue => Some(Place::City(city(CHIYODA))),
        Kind::Prefecture
        | Kind::Wholesaler
        | Kind::Maker
        | Kind::Federation
        | Kind::Association => Some(Place::Nation),
    }),
    ("a place below", |kind| match kind {
        Kind::Nation => Some(Place::Prefecture(prefecture(13))),
        Kind::Prefecture => Some(Place::City(city(CHIYODA))),
        Kind::City => Some(venue(2, CHIYODA)),
        Kind::Venue | Kind::Wholesaler | Kind::Maker | Kind::Federation | Kind::Association => None,
    }),
    ("a place two below", |kind| match kind {
        Kind::Nation => Some(Place::City(city(CHIYODA))),
        Kind::Prefecture => Some(venue(2, CHIYODA)),
        _ => None,
    }),
    ("a place below a sibling", |kind| match kind {
        Kind::Prefecture => Some(Place::City(city(SAPPORO))),
        Kind::City => Some(venue(2, MINATO)),
        _ => None,
    }),
    ("a company that is not one's own", |_| {
        Some(Place::Company(organisation(3)))
    }),
];

fn table(view: View) -> String {
    let short = ["nat", "pref", "city", "ven", "whol", "mak", "fed", "ass"];
    let mut text = format!("{:18}", "");
    for name in short {
        write!(text, "{name:^7}").unwrap();
    }
    write!(text, "\n{:18}", "").unwrap();
    text.push_str(&" A  O  ".repeat(short.len()));
    for action in Action::ALL {
        write!(text, "\n{:18}", action.as_str()).unwrap();
        for kind in Kind::ALL {
            for role in Role::ALL {
                let mark = match view(kind) {
                    None => ' ',
                    Some(place) if may(&actor(kind, role), *action, &place) => '✔',
                    Some(_) => '·',
                };
                write!(text, " {mark} ").unwrap();
            }
            text.push(' ');
        }
    }
    text.lines()
        .map(str::trim_end)
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn who_may_do_what() {
    let mut text = String::from(
        "✔ may, · may not, blank: there is no such place. A administrator, O operator.\n\
         nation, prefecture (Tokyo), city (Chiyoda), venue (in Chiyoda), wholesaler, maker, federation, association.\n",
    );
    for (name, view) in VIEWS {
        write!(text, "\n## {name}\n{}\n", table(view)).unwrap();
    }
    insta::assert_snapshot!(text);
}

#[test]
fn an_account_whose_tables_contradict_each_other_may_do_nothing() {
    let mut actor = actor(Kind::City, Role::Administrator);
    actor.kind = Kind::Wholesaler;
    let mut stray = self::actor(Kind::Venue, Role::Administrator);
    stray.organisation = organisation(2);
    for action in Action::ALL {
        assert!(!may(&actor, *action, &actor.territory.place()), "{action}");
        assert!(!may(&stray, *action, &stray.territory.place()), "{action}");
    }
}

#[test]
fn a_prefecture_that_opens_accounts_in_its_city_gets_no_permit_for_the_citys_people() {
    let actor = actor(Kind::Prefecture, Role::Administrator);
    let place = Place::City(city(CHIYODA));
    assert!(access::permit(&actor, Action::ManageAccounts, place).is_ok());
    for action in Action::ALL {
        let denied = access::city(&actor, *action, city(CHIYODA)).unwrap_err();
        assert_eq!(denied.action, *action);
    }
}

#[test]
fn a_permit_names_who_asked_for_what_and_where() {
    let clerk = actor(Kind::City, Role::Operator);
    let permit = access::city(&clerk, Action::SeeLedger, city(CHIYODA)).unwrap();
    assert_eq!(
        (permit.city(), permit.action()),
        (city(CHIYODA), Action::SeeLedger)
    );
    assert_eq!(permit.actor(), &clerk);
    let nurse = actor(Kind::Venue, Role::Operator);
    let permit = access::venue(&nurse, Action::RecordDose).unwrap();
    assert_eq!(
        (permit.venue(), permit.city()),
        (organisation(1), city(CHIYODA))
    );
    assert!(access::venue(&clerk, Action::RecordDose).is_err());
    assert!(access::venue(&nurse, Action::SeeHome).is_err());
    let home = access::permit(&nurse, Action::SeeHome, nurse.territory.place()).unwrap();
    assert_eq!(home.place(), &nurse.territory.place());
}

#[test]
fn individual_numbers_have_a_permit_of_their_own_with_a_purpose() {
    let clerk = actor(Kind::City, Role::Operator);
    let chief = actor(Kind::City, Role::Administrator);
    let here = city(CHIYODA);
    let find = access::number(&clerk, Action::FindByNumber, here, NumberPurpose::MovedIn).unwrap();
    assert_eq!(
        (find.city(), find.purpose(), find.actor()),
        (here, NumberPurpose::MovedIn, &clerk)
    );
    assert!(find.allows(Action::FindByNumber).is_ok());
    let denied = find.allows(Action::OpenNumber).unwrap_err();
    assert_eq!(denied.action, Action::OpenNumber);
    let open = |actor: &Actor, at| {
        access::number(actor, Action::OpenNumber, at, NumberPurpose::OwnRequest).is_ok()
    };
    assert!(open(&chief, here));
    assert!(!open(&clerk, here));
    assert!(!open(&chief, city(MINATO)));
    // The permits of the two desks do not stand for each other.
    assert!(access::city(&chief, Action::OpenNumber, here).is_err());
    assert!(access::number(&chief, Action::SeeLedger, here, NumberPurpose::OwnRequest).is_err());
}

#[test]
fn words_of_actions_kinds_and_roles_are_read_back() {
    for action in Action::ALL {
        assert_eq!(Action::parse(action.as_str()), Some(*action));
        assert_eq!(serde_json::to_value(action).unwrap(), action.as_str());
    }
    for kind in Kind::ALL {
        assert_eq!(Kind::parse(kind.as_str()), Some(kind));
        assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
    }
    for role in Role::ALL {
        assert_eq!(Role::parse(role.as_str()), Some(role));
        assert_eq!(serde_json::to_value(role).unwrap(), role.as_str());
    }
    for purpose in NumberPurpose::ALL {
        assert_eq!(NumberPurpose::parse(purpose.as_str()), Some(purpose));
        assert_eq!(serde_json::to_value(purpose).unwrap(), purpose.as_str());
    }
}

fn any_city() -> impl Strategy<Value = MunicipalityCode> {
    prop::sample::select(vec![CHIYODA, MINATO, SAPPORO]).prop_map(city)
}

fn any_territory() -> impl Strategy<Value = Territory> {
    prop_oneof![
        Just(Territory::Nation),
        (1..=47_u8).prop_map(|number| Territory::Prefecture(prefecture(number))),
        any_city().prop_map(Territory::City),
        (1..4_u128, any_city()).prop_map(|(id, city)| Territory::Venue {
            id: organisation(id),
            city
        }),
        (1..4_u128).prop_map(|id| Territory::Company(organisation(id))),
    ]
}

prop_compose! {
    fn any_actor()(
        kind in prop::sample::select(Kind::ALL.to_vec()),
        role in prop::sample::select(Role::ALL.to_vec()),
        territory in any_territory(),
        own in 1..4_u128,
    ) -> Actor {
        Actor { user: UserId(Uuid::nil()), organisation: organisation(own), kind, role, territory }
    }
}

proptest! {
    /// The law of tenancy: whatever the tables say, people are met at home or not at all.
    #[test]
    fn nobody_gets_a_permit_for_people_outside_their_own_place(
        actor in any_actor(), asked in any_city(), action in prop::sample::select(Action::ALL),
    ) {
        if let Ok(permit) = access::city(&actor, action, asked) {
            prop_assert_eq!(actor.kind, Kind::City);
            prop_assert_eq!(actor.territory, Territory::City(asked));
            prop_assert_eq!(permit.city(), asked);
        }
        if let Ok(permit) = access::number(&actor, action, asked, NumberPurpose::MovedIn) {
            prop_assert_eq!(actor.kind, Kind::City);
            prop_assert_eq!(actor.territory, Territory::City(asked));
            prop_assert_eq!(permit.city(), asked);
        }
        if let Ok(permit) = access::venue(&actor, action) {
            prop_assert_eq!(actor.kind, Kind::Venue);
            prop_assert_eq!(permit.venue(), actor.organisation);
        }
    }

    #[test]
    fn an_operator_may_nothing_that_the_administrator_may_not(
        actor in any_actor(), place in any_territory(), action in prop::sample::select(Action::ALL),
    ) {
        let operator = Actor { role: Role::Operator, ..actor };
        let administrator = Actor { role: Role::Administrator, ..actor };
        if may(&operator, action, &place.place()) {
            prop_assert!(may(&administrator, action, &place.place()));
        }
    }
}
