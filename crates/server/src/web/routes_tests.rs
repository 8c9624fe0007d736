use std::collections::BTreeSet;

use axum::http::StatusCode;
use axum::http::header::COOKIE;

use super::*;
use crate::web::house::House;
use crate::web::me::Way;

/// What nobody needs a login for: no data of persons; everything else asks who calls.
const PUBLIC: &[&str] = &[
    "GET /api/v1/openapi.json",
    "GET /api/v1/places",
    "GET /api/v1/places/{code}",
    "GET /api/v1/products",
    "GET /api/v1/receipts/{receipt}",
    "GET /assets/{print}/{*path}",
    "GET /healthz",
    "GET /livez",
    "GET /login",
    "GET /problems/{code}",
    "GET /receipts",
    "GET /receipts/{receipt}",
    "GET /tablet",
    "GET /tablet/manifest.webmanifest",
    "GET /tablet/texts/{lang}",
    "GET /tablet/worker.js",
    "GET /vaccination/opendata/latest/prefecture.ndjson",
    "GET /vaccination/opendata/latest/summary_by_date.csv",
    "GET /vaccination/opendata/latest/summary_by_prefecture.csv",
    "POST /api/v1/sessions",
    "POST /login",
];

fn name(listed: &Listed) -> String {
    format!("{} {}", listed.method, listed.path)
}

#[test]
fn every_route_is_there_once_and_only_these_are_public() {
    let routes = crate::web::routes();
    let names: BTreeSet<String> = routes.list().iter().map(name).collect();
    assert_eq!(names.len(), routes.list().len());
    let public: Vec<String> = names
        .iter()
        .filter(|found| {
            routes
                .list()
                .iter()
                .any(|listed| name(listed) == **found && listed.guard == Guard::Public)
        })
        .cloned()
        .collect();
    assert_eq!(public, PUBLIC);
}

#[test]
fn the_guards_are_these() {
    let mut lines: Vec<String> = crate::web::routes()
        .list()
        .iter()
        .map(|listed| {
            let guard = match listed.guard {
                Guard::Public => "public".to_owned(),
                Guard::LoggedIn => "logged in".to_owned(),
                Guard::May(action) => action.to_string(),
            };
            format!(
                "{:<22} {:<6} {}",
                guard,
                listed.method.as_str(),
                listed.path
            )
        })
        .collect();
    lines.sort();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn every_way_in_the_head_is_a_route_with_the_same_guard() {
    let routes = crate::web::routes();
    for (path, _, guard) in crate::web::layout::NAVIGATION {
        let listed = Listed {
            method: Method::GET,
            path,
            guard: *guard,
        };
        assert!(routes.list().contains(&listed), "{listed:?}");
    }
}

#[tokio::test]
async fn without_login_only_public_routes_answer() {
    let house = House::build().await;
    for listed in crate::web::routes().list() {
        let answer = house.call(listed, None).await;
        let is_sent_away = if is_api(listed.path) {
            answer.status == StatusCode::UNAUTHORIZED
                && answer.code.as_deref() == Some("not_logged_in")
        } else {
            answer.status == StatusCode::SEE_OTHER && answer.location().starts_with("/login?next=")
        };
        assert_eq!(
            is_sent_away,
            listed.guard != Guard::Public,
            "{} {answer:?}",
            name(listed)
        );
    }
}

#[tokio::test]
async fn every_role_reaches_what_its_guard_says_and_nothing_else() {
    let house = House::build().await;
    for person in &house.people {
        let me = Me::of(person, String::new(), Way::Bearer);
        let mut header = house.bearer(person).await;
        for listed in crate::web::routes().list() {
            let may = match listed.guard {
                Guard::Public | Guard::LoggedIn => true,
                Guard::May(action) => me.may(action),
            };
            let answer = house.call(listed, Some((header.0, &header.1))).await;
            let shown = format!("{} as {}: {answer:?}", name(listed), person.login);
            assert_eq!(answer.is_refused("forbidden"), !may, "{shown}");
            assert!(!answer.status.is_server_error(), "{shown}");
            let is_guarded = listed.guard != Guard::Public;
            assert!(
                !is_guarded || answer.status != StatusCode::UNAUTHORIZED,
                "{shown}"
            );
            if listed.path.ends_with("/logout") || listed.path.ends_with("/sessions/current") {
                header = house.bearer(person).await;
            }
        }
    }
}

#[tokio::test]
async fn a_change_that_comes_by_cookie_needs_the_token() {
    let house = House::build().await;
    for person in &house.people {
        let token = house.app.sessions.open(person.id).await.unwrap().token;
        for listed in crate::web::routes().list() {
            if listed.method == Method::GET || listed.guard == Guard::Public {
                continue;
            }
            let cookie = format!("sesshu={token}");
            let answer = house.call(listed, Some((COOKIE.as_str(), &cookie))).await;
            assert!(
                answer.is_refused("csrf"),
                "{} as {}: {answer:?}",
                name(listed),
                person.login
            );
        }
    }
}
