//! Organisations, accounts, sessions, day settings and the access log, on both engines.

use crate::world::{CHIYODA, SAPPORO, World, city, day, number, on_each_engine, venue};
use domain::access::{
    self, Action, Actor, CityPermit, OrganisationId, OrganisationKind, Permit, Place, Role,
    Territory, UserId,
};
use domain::calendar::Instant;
use store::Error;
use store::accounts::{self, Account, NewAccount, NewOrganisation, NewPassword};
use store::audit::{self, View};
use store::sessions::{self, Session};
use store::settings::{self, DaySetting};
use uuid::Uuid;

pub fn organisation(world: &World, kind: OrganisationKind, name: &str) -> NewOrganisation {
    NewOrganisation {
        id: OrganisationId(world.id()),
        kind,
        name: name.into(),
        facility_code: None,
    }
}

fn person(world: &World, login: &str, role: Role) -> NewAccount {
    NewAccount {
        id: UserId(world.id()),
        login: login.into(),
        name: "山田".into(),
        role,
        password_hash: "$argon2id$".into(),
        password_must_change: true,
    }
}

pub async fn nation(world: &World) -> Actor {
    let new = organisation(world, OrganisationKind::Nation, "国");
    let account = person(world, "first", Role::Administrator);
    let made = accounts::first_administrator(&world.db, &new, &account, world.now()).await;
    made.unwrap().actor()
}

pub fn manage(actor: &Actor, place: Place) -> Permit {
    access::permit(actor, Action::ManageAccounts, place).unwrap()
}

/// Lets a venue of the city in, with an administrator.
pub async fn found_venue(world: &World, boss: &Account) -> Account {
    let Territory::City(city) = boss.organisation.territory else {
        panic!("not a city");
    };
    let at = world.now();
    let new = organisation(world, OrganisationKind::Venue, "会場");
    let place = Place::Venue { id: new.id, city };
    let permit = manage(&boss.actor(), place);
    accounts::found_organisation(&world.db, &permit, &new, world.id(), at)
        .await
        .unwrap();
    let new = person(world, &format!("venue-{}", new.id), Role::Administrator);
    accounts::create_account(&world.db, &permit, &new, world.id(), at)
        .await
        .unwrap()
}

/// Lets a city in, with an administrator.
pub async fn found_city(world: &World, nation: &Actor, code: &str) -> Account {
    let code = city(code);
    let prefecture = code.prefecture().unwrap();
    let at = world.now();
    let permit = manage(nation, Place::Prefecture(prefecture));
    let new = organisation(world, OrganisationKind::Prefecture, "都道府県");
    accounts::found_organisation(&world.db, &permit, &new, world.id(), at)
        .await
        .unwrap();
    let login = format!("prefecture-{prefecture}");
    let new = person(world, &login, Role::Administrator);
    let boss = accounts::create_account(&world.db, &permit, &new, world.id(), at)
        .await
        .unwrap();
    let permit = manage(&boss.actor(), Place::City(code));
    let new = organisation(world, OrganisationKind::City, "市町村");
    accounts::found_organisation(&world.db, &permit, &new, world.id(), at)
        .await
        .unwrap();
    let new = person(world, &format!("city-{code}"), Role::Administrator);
    accounts::create_account(&world.db, &permit, &new, world.id(), at)
        .await
        .unwrap()
}

#[test]
fn the_first_administrator_is_made_once() {
    on_each_engine(async |world| {
        assert!(!accounts::any(&world.db).await.unwrap());
        nation(&world).await;
        assert!(accounts::any(&world.db).await.unwrap());
        let new = organisation(&world, OrganisationKind::Nation, "もう一つの国");
        let account = person(&world, "second", Role::Administrator);
        let again = accounts::first_administrator(&world.db, &new, &account, world.now()).await;
        assert!(matches!(again, Err(Error::Exists)));
        assert_eq!(accounts::by_login(&world.db, "second").await.unwrap(), None);
    });
}

#[test]
fn a_place_has_one_organisation_and_a_login_one_person() {
    on_each_engine(async |world| {
        let nation = nation(&world).await;
        let boss = found_city(&world, &nation, CHIYODA).await;
        let tokyo = manage(
            &nation,
            Place::Prefecture(city(CHIYODA).prefecture().unwrap()),
        );
        let new = organisation(&world, OrganisationKind::Prefecture, "もう一つ");
        let again =
            accounts::found_organisation(&world.db, &tokyo, &new, world.id(), world.now()).await;
        assert!(matches!(again, Err(Error::Exists)));

        let own = manage(&boss.actor(), Place::City(city(CHIYODA)));
        let taken = person(&world, "first", Role::Operator);
        let again =
            accounts::create_account(&world.db, &own, &taken, world.id(), world.now()).await;
        assert!(matches!(again, Err(Error::Exists)));
    });
}

#[test]
fn an_account_comes_back_as_it_was_made() {
    on_each_engine(async |world| {
        let nation = nation(&world).await;
        let boss = found_city(&world, &nation, CHIYODA).await;
        let found = accounts::by_login(&world.db, &boss.login)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(found, boss);
        assert_eq!(
            accounts::by_id(&world.db, boss.id).await.unwrap().unwrap(),
            boss
        );
        let own = manage(&boss.actor(), Place::City(city(CHIYODA)));
        assert_eq!(
            accounts::list(&world.db, &own).await.unwrap(),
            vec![boss.clone()]
        );
        let there = accounts::organisation(&world.db, boss.organisation.id)
            .await
            .unwrap();
        assert_eq!(there, Some(boss.organisation));
    });
}

#[test]
fn one_sees_the_organisations_one_lets_in_and_no_others() {
    on_each_engine(async |world| {
        let nation = nation(&world).await;
        let chiyoda = found_city(&world, &nation, CHIYODA).await;
        found_city(&world, &nation, SAPPORO).await;
        let id = OrganisationId(world.id());
        let place = Place::Venue {
            id,
            city: city(CHIYODA),
        };
        let new = NewOrganisation {
            id,
            ..organisation(&world, OrganisationKind::Venue, "会場")
        };
        let permit = manage(&chiyoda.actor(), place);
        accounts::found_organisation(&world.db, &permit, &new, world.id(), world.now())
            .await
            .unwrap();

        let kinds = async |actor: &Actor| {
            let found = accounts::organisations_under(&world.db, actor)
                .await
                .unwrap();
            found
                .iter()
                .map(|organisation| organisation.kind.as_str())
                .collect::<Vec<_>>()
        };
        assert_eq!(kinds(&nation).await, ["nation", "prefecture", "prefecture"]);
        assert_eq!(kinds(&chiyoda.actor()).await, ["city", "venue"]);
        let sapporo = accounts::by_login(&world.db, "city-011002")
            .await
            .unwrap()
            .unwrap();
        assert_eq!(kinds(&sapporo.actor()).await, ["city"]);
    });
}

#[test]
fn a_permit_reaches_the_people_of_its_own_place_only() {
    on_each_engine(async |world| {
        let nation = nation(&world).await;
        let chiyoda = found_city(&world, &nation, CHIYODA).await;
        let sapporo = found_city(&world, &nation, SAPPORO).await;
        let permit = manage(&chiyoda.actor(), Place::City(city(CHIYODA)));
        let (db, at) = (&world.db, world.now());
        let password = NewPassword {
            hash: "x".into(),
            must_change: true,
        };
        let set = accounts::set_password(db, &permit, sapporo.id, password, world.id(), at).await;
        let closed = accounts::set_active(db, &permit, sapporo.id, false, world.id(), at).await;
        let out = accounts::log_out_everywhere(db, &permit, sapporo.id, world.id(), at).await;
        assert!(matches!(set, Err(Error::Rows { .. })));
        assert!(matches!(closed, Err(Error::Rows { .. })));
        assert!(matches!(out, Err(Error::Rows { .. })));
        assert_eq!(
            accounts::by_id(db, sapporo.id).await.unwrap(),
            Some(sapporo)
        );
    });
}

fn later(world: &World, seconds: i64) -> Instant {
    Instant::from_micros(world.now().micros() + seconds * 1_000_000)
}

async fn open(world: &World, token: u8, account: Option<UserId>) -> Session {
    let session = Session {
        account,
        record: "{}".into(),
        expires_at: later(world, 60),
    };
    sessions::open(&world.db, &[token; 32], &session)
        .await
        .unwrap();
    session
}

#[test]
fn a_session_is_there_until_it_ends() {
    on_each_engine(async |world| {
        let session = open(&world, 1, Some(UserId(world.id()))).await;
        let load = async |at| sessions::load(&world.db, &[1; 32], at).await.unwrap();
        assert!(load(world.now()).await == Some(session));
        assert!(load(later(&world, 60)).await.is_none());
        assert_eq!(sessions::sweep(&world.db, world.now()).await.unwrap(), 0);
        assert_eq!(
            sessions::sweep(&world.db, later(&world, 60)).await.unwrap(),
            1
        );
        assert!(load(world.now()).await.is_none());
    });
}

#[test]
fn a_session_that_was_closed_does_not_come_back() {
    on_each_engine(async |world| {
        let session = open(&world, 1, None).await;
        assert!(sessions::keep(&world.db, &[1; 32], &session).await.unwrap());
        sessions::close(&world.db, &[1; 32]).await.unwrap();
        sessions::close(&world.db, &[1; 32]).await.unwrap();
        assert!(!sessions::keep(&world.db, &[1; 32], &session).await.unwrap());
        assert!(
            sessions::load(&world.db, &[1; 32], world.now())
                .await
                .unwrap()
                .is_none()
        );
    });
}

#[test]
fn a_session_is_kept_by_many_at_once() {
    on_each_engine(async |world| {
        let session = open(&world, 1, None).await;
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..100 {
            let (db, session) = (world.db.clone(), session.clone());
            tasks.spawn(async move { sessions::keep(&db, &[1; 32], &session).await });
        }
        while let Some(done) = tasks.join_next().await {
            assert!(done.unwrap().unwrap());
        }
    });
}

#[test]
fn a_new_password_and_a_disabled_account_close_the_sessions() {
    on_each_engine(async |world| {
        let nation = nation(&world).await;
        let boss = found_city(&world, &nation, CHIYODA).await;
        let permit = manage(&boss.actor(), Place::City(city(CHIYODA)));
        let (db, at) = (&world.db, world.now());
        let new = person(&world, "clerk", Role::Operator);
        let clerk = accounts::create_account(db, &permit, &new, world.id(), at)
            .await
            .unwrap();
        let is_open = async |token: u8| {
            sessions::load(db, &[token; 32], at)
                .await
                .unwrap()
                .is_some()
        };

        open(&world, 9, Some(boss.id)).await;
        open(&world, 1, Some(clerk.id)).await;
        let password = NewPassword {
            hash: "other".into(),
            must_change: true,
        };
        accounts::set_password(db, &permit, clerk.id, password, world.id(), at)
            .await
            .unwrap();
        assert!(!is_open(1).await);

        open(&world, 2, Some(clerk.id)).await;
        accounts::change_own_password(db, &clerk.actor(), "own".into(), world.id(), at)
            .await
            .unwrap();
        assert!(!is_open(2).await);
        let found = accounts::by_id(db, clerk.id).await.unwrap().unwrap();
        assert_eq!(
            (found.password_hash.as_str(), found.password_must_change),
            ("own", false)
        );

        open(&world, 3, Some(clerk.id)).await;
        accounts::set_active(db, &permit, clerk.id, false, world.id(), at)
            .await
            .unwrap();
        assert!(!is_open(3).await);
        assert!(!accounts::by_id(db, clerk.id).await.unwrap().unwrap().active);

        open(&world, 4, Some(clerk.id)).await;
        open(&world, 5, Some(clerk.id)).await;
        let closed = accounts::log_out_everywhere(db, &permit, clerk.id, world.id(), at).await;
        assert_eq!(closed.unwrap(), 2);
        assert!(is_open(9).await);
    });
}

fn setting(world: &World, lot: &str) -> DaySetting {
    DaySetting {
        given_on: world.now().day_in_japan(),
        venue_name: "千代田会場".into(),
        doctor: "鈴木".into(),
        product: "comirnaty_12_mono".into(),
        lot: lot.into(),
        set_at: world.now(),
    }
}

#[test]
fn a_new_day_has_no_settings_and_suggests_the_last() {
    on_each_engine(async |world| {
        let (db, permit) = (&world.db, venue(1, CHIYODA));
        let user = permit.actor().user;
        let today = day("2021-06-01");
        assert_eq!(settings::day(db, &permit, user, today).await.unwrap(), None);
        settings::set(db, &permit, today, &setting(&world, "A"))
            .await
            .unwrap();
        let second = setting(&world, "B");
        settings::set(db, &permit, today, &second).await.unwrap();
        assert_eq!(
            settings::day(db, &permit, user, today).await.unwrap(),
            Some(second.clone())
        );

        let tomorrow = day("2021-06-02");
        assert_eq!(
            settings::day(db, &permit, user, tomorrow).await.unwrap(),
            None
        );
        assert_eq!(
            settings::last_before(db, &permit, tomorrow).await.unwrap(),
            Some(second)
        );
        assert_eq!(
            settings::last_before(db, &permit, today).await.unwrap(),
            None
        );
        // Another venue's and another person's day is their own.
        let other = venue(2, CHIYODA);
        assert_eq!(
            settings::last_before(db, &other, tomorrow).await.unwrap(),
            None
        );
        let nobody = UserId(Uuid::nil());
        assert_eq!(
            settings::day(db, &permit, nobody, today).await.unwrap(),
            None
        );
    });
}

fn reads_the_log(boss: &Account, code: &str) -> CityPermit {
    access::city(&boss.actor(), Action::SeeAccessLog, city(code)).unwrap()
}

#[test]
fn every_look_at_a_person_is_written_down_with_who_and_why() {
    on_each_engine(async |world| {
        let nation = nation(&world).await;
        let chiyoda = found_city(&world, &nation, CHIYODA).await;
        let sapporo = found_city(&world, &nation, SAPPORO).await;
        let view = |digits: &str| View {
            id: world.id(),
            at: world.now(),
            number: Some(number(digits)),
            view: "person".into(),
            purpose: "照会".into(),
        };
        let permit = reads_the_log(&chiyoda, CHIYODA);
        let (first, second) = (view("0000000001"), view("0000000002"));
        audit::looked(&world.db, &permit, &first).await.unwrap();
        audit::looked(&world.db, &permit, &second).await.unwrap();

        let all = audit::looks(&world.db, &permit, None).await.unwrap();
        let views: Vec<_> = all.iter().map(|looked| looked.view.clone()).collect();
        assert_eq!(views, [second, first.clone()]);
        assert_eq!(all[0].by_name, "山田");
        assert_eq!(all[0].organisation_name, "市町村");
        let one = audit::looks(&world.db, &permit, first.number.as_ref())
            .await
            .unwrap();
        assert_eq!(one.len(), 1);
        let elsewhere = reads_the_log(&sapporo, SAPPORO);
        assert_eq!(audit::looks(&world.db, &elsewhere, None).await.unwrap(), []);
    });
}
