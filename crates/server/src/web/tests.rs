use axum::http::header::{COOKIE, RETRY_AFTER, SET_COOKIE};
use axum::http::{Method, StatusCode};
use domain::access::{Action, OrganisationKind, Role};
use serde_json::{Value, json};
use store::accounts::{self, NewPassword};

use super::house::{Answer, House, PASSWORD};
use super::*;

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const JSON: (&str, &str) = ("content-type", "application/json");
const HOUR: i64 = 3_600_000_000;

async fn log_in(house: &House, login: &str, password: &str) -> Answer {
    let form = format!(
        "login={login}&password={}&next=/accounts",
        password.replace(' ', "+")
    );
    house.send(Method::POST, "/login", &[FORM], form).await
}

/// The cookie of an answer, as a browser sends it back.
fn cookie(answer: &Answer) -> String {
    let set = answer.headers.get(SET_COOKIE).unwrap().to_str().unwrap();
    set.split(';').next().unwrap().to_owned()
}

/// The token in a page's first form.
fn token(page: &Answer) -> String {
    let after = page.text.split("name=\"csrf\" value=\"").nth(1).unwrap();
    after.split('"').next().unwrap().to_owned()
}

async fn page(house: &House, path: &str, cookie: &str) -> Answer {
    house
        .send(Method::GET, path, &[(COOKIE.as_str(), cookie)], "")
        .await
}

#[tokio::test]
async fn a_browser_logs_in_and_out() {
    let house = House::build().await;
    let answer = log_in(&house, "city-administrator", PASSWORD).await;
    assert_eq!(
        (answer.status, answer.location()),
        (StatusCode::SEE_OTHER, "/accounts")
    );
    let set = answer.headers.get(SET_COOKIE).unwrap().to_str().unwrap();
    assert!(
        set.contains("HttpOnly") && set.contains("SameSite=Lax") && set.contains("Path=/"),
        "{set}"
    );

    let cookie = cookie(&answer);
    let home = page(&house, "/", &cookie).await;
    assert_eq!(home.status, StatusCode::OK);

    let form = format!("csrf={}", token(&home));
    let answer = house
        .send(
            Method::POST,
            "/logout",
            &[FORM, (COOKIE.as_str(), &cookie)],
            form,
        )
        .await;
    assert_eq!(answer.location(), "/login?notice=logged-out");
    assert_eq!(page(&house, "/", &cookie).await.location(), "/login?next=/");
}

#[tokio::test]
async fn a_session_that_was_planted_before_the_login_is_worth_nothing() {
    let house = House::build().await;
    let planted = cookie(&log_in(&house, "city-operator", PASSWORD).await);
    let form = format!(
        "login=city-administrator&password={}",
        PASSWORD.replace(' ', "+")
    );
    let headers = [FORM, (COOKIE.as_str(), planted.as_str())];
    let answer = house.send(Method::POST, "/login", &headers, form).await;
    // Whoever is logged in already shows it by the token; without it nothing happens.
    assert!(answer.is_refused("csrf"));
    let form = format!(
        "csrf={}&login=city-administrator&password={}",
        token(&page(&house, "/", &planted).await),
        PASSWORD.replace(' ', "+")
    );
    let answer = house.send(Method::POST, "/login", &headers, form).await;
    assert_ne!(cookie(&answer), planted);
    assert_eq!(
        page(&house, "/", &planted).await.location(),
        "/login?next=/"
    );
}

#[tokio::test]
async fn an_unknown_login_and_a_wrong_password_get_the_same_answer() {
    let house = House::build().await;
    let wrong = log_in(&house, "city-operator", "not the password").await;
    let unknown = log_in(&house, "nobody-at-all", "not the password").await;
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
    assert_eq!(unknown.status, StatusCode::UNAUTHORIZED);
    assert_eq!(
        wrong.text.replace("city-operator", ""),
        unknown.text.replace("nobody-at-all", "")
    );
}

#[tokio::test]
async fn who_guesses_has_to_wait_and_is_told_how_long() {
    let house = House::build().await;
    let credentials = json!({ "login": "nobody", "password": "x" }).to_string();
    let mut last = None;
    for _ in 0..11 {
        last = Some(
            house
                .send(
                    Method::POST,
                    "/api/v1/sessions",
                    &[JSON],
                    credentials.clone(),
                )
                .await,
        );
    }
    let last = last.unwrap();
    assert_eq!(last.status, StatusCode::TOO_MANY_REQUESTS);
    let seconds = last.headers.get(RETRY_AFTER).unwrap().to_str().unwrap();
    assert!(last.text.contains(&format!("{seconds}秒")), "{}", last.text);
    // Others are not held up by it.
    assert_eq!(
        log_in(&house, "city-operator", PASSWORD).await.status,
        StatusCode::SEE_OTHER
    );
}

#[tokio::test]
async fn a_program_logs_in_and_out() {
    let house = House::build().await;
    let credentials = json!({ "login": "venue-operator", "password": PASSWORD }).to_string();
    let answer = house
        .send(Method::POST, "/api/v1/sessions", &[JSON], credentials)
        .await;
    assert_eq!(answer.status, StatusCode::CREATED);
    assert!(answer.headers.get(SET_COOKIE).is_none());
    let opened: Value = serde_json::from_str(&answer.text).unwrap();
    assert_eq!(opened["role"], "operator");
    assert_eq!(opened["organisation"]["kind"], "venue");

    let header = format!("Bearer {}", opened["token"].as_str().unwrap());
    let headers = [("authorization", header.as_str())];
    let current = "/api/v1/sessions/current";
    assert_eq!(
        house.send(Method::GET, current, &headers, "").await.status,
        StatusCode::OK
    );
    let ended = house.send(Method::DELETE, current, &headers, "").await;
    assert_eq!(ended.status, StatusCode::NO_CONTENT);
    let after = house.send(Method::GET, current, &headers, "").await;
    assert_eq!(after.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_session_ends_when_nobody_uses_it_and_when_it_is_old() {
    let house = House::build().await;
    let person = house.person(OrganisationKind::City, Role::Operator);
    let reach = async |header: &str| {
        let headers = [("authorization", header)];
        house
            .send(Method::GET, "/api/v1/sessions/current", &headers, "")
            .await
            .status
    };
    let (_, idle) = house.bearer(person).await;
    house.wait(2 * HOUR);
    assert_eq!(reach(&idle).await, StatusCode::UNAUTHORIZED);

    let (_, busy) = house.bearer(person).await;
    for _ in 0..11 {
        house.wait(HOUR - HOUR / 20);
        assert_eq!(reach(&busy).await, StatusCode::OK);
    }
    // Used within the two hours, and still past twelve.
    house.wait(2 * HOUR - HOUR / 5);
    assert_eq!(reach(&busy).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_disabled_person_is_out_at_once() {
    let house = House::build().await;
    let person = house.person(OrganisationKind::City, Role::Operator).clone();
    let boss = house
        .person(OrganisationKind::City, Role::Administrator)
        .clone();
    let cookie_of_boss = cookie(&log_in(&house, &boss.login, PASSWORD).await);
    let (name, header) = house.bearer(&person).await;
    let at = format!(
        "/accounts/{}/{}/active",
        boss.organisation.id.0, person.id.0
    );
    let csrf = token(&page(&house, "/accounts", &cookie_of_boss).await);
    let form = format!("csrf={csrf}&active=false");
    let headers = [FORM, (COOKIE.as_str(), cookie_of_boss.as_str())];
    let done = house.send(Method::POST, &at, &headers, form).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER);
    let after = house
        .send(
            Method::GET,
            "/api/v1/sessions/current",
            &[(name, &header)],
            "",
        )
        .await;
    assert_eq!(after.status, StatusCode::UNAUTHORIZED);
    assert_eq!(
        log_in(&house, &person.login, PASSWORD).await.status,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn a_password_that_somebody_else_chose_must_be_changed_first() {
    let house = House::build().await;
    let person = house
        .person(OrganisationKind::Venue, Role::Operator)
        .clone();
    let boss = house
        .person(OrganisationKind::Venue, Role::Administrator)
        .actor();
    let place = boss.territory.place();
    let permit = domain::access::permit(&boss, Action::ManageAccounts, place).unwrap();
    let new = NewPassword {
        hash: person.password_hash.clone(),
        must_change: true,
    };
    let app = &house.app;
    accounts::set_password(&app.db, &permit, person.id, new, app.fresh_id(), app.now())
        .await
        .unwrap();

    let cookie_now = cookie(&log_in(&house, &person.login, PASSWORD).await);
    assert_eq!(page(&house, "/", &cookie_now).await.location(), "/password");
    let csrf = token(&page(&house, "/password", &cookie_now).await);
    let change = async |again: &str| {
        let form = format!(
            "csrf={csrf}&current={}&new=one+only+I+know&again={again}",
            PASSWORD.replace(' ', "+")
        );
        house
            .send(
                Method::POST,
                "/password",
                &[FORM, (COOKIE.as_str(), &cookie_now)],
                form,
            )
            .await
    };
    assert_eq!(
        change("another").await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    assert_eq!(
        change("one+only+I+know").await.location(),
        "/login?notice=password-changed"
    );
    assert_eq!(
        log_in(&house, &person.login, PASSWORD).await.status,
        StatusCode::UNAUTHORIZED
    );
    let again = cookie(&log_in(&house, &person.login, "one only I know").await);
    assert_eq!(page(&house, "/", &again).await.status, StatusCode::OK);
}

#[tokio::test]
async fn another_site_cannot_send_forms() {
    let house = House::build().await;
    let form = format!(
        "login=city-operator&password={}",
        PASSWORD.replace(' ', "+")
    );
    let host = ("host", "127.0.0.1");
    for foreign in [
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
    ] {
        let answer = house
            .send(Method::POST, "/login", &[FORM, host, foreign], form.clone())
            .await;
        assert!(
            answer.is_refused("foreign_origin"),
            "{foreign:?} {answer:?}"
        );
    }
    for ours in [
        ("origin", "http://127.0.0.1"),
        ("sec-fetch-site", "same-origin"),
    ] {
        let answer = house
            .send(Method::POST, "/login", &[FORM, host, ours], form.clone())
            .await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{ours:?}");
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_told_with_a_code() {
    let house = House::build().await;
    let check = async |headers: &[(&str, &str)], body: String, status: u16, code: &str| {
        let answer = house
            .send(Method::POST, "/api/v1/sessions", headers, body)
            .await;
        assert_eq!(
            (answer.status.as_u16(), answer.code.as_deref()),
            (status, Some(code))
        );
        let problem: Value = serde_json::from_str(&answer.text).unwrap();
        for language in ["ja", "en"] {
            for part in ["title", "detail", "todo"] {
                assert!(
                    problem[language][part]
                        .as_str()
                        .is_some_and(|text| !text.is_empty()),
                    "{code}"
                );
            }
        }
    };
    check(&[JSON], "{\"login\":".to_owned(), 400, "json_cut_off").await;
    check(&[JSON], "{\"login\" 1}".to_owned(), 400, "json_syntax").await;
    check(&[JSON], "{\"login\": 1}".to_owned(), 422, "json_shape").await;
    check(&[FORM], "login=x".to_owned(), 415, "not_json").await;
    check(
        &[JSON],
        format!("\"{}\"", "x".repeat(BODY_BYTES_MAX)),
        413,
        "body_too_large",
    )
    .await;
}

#[tokio::test]
async fn every_answer_carries_the_headers_that_keep_people_safe() {
    let house = House::build().await;
    for path in ["/login", "/nothing", "/api/v1/nothing", "/healthz"] {
        let answer = house.send(Method::GET, path, &[], "").await;
        let header = |name| {
            answer
                .headers
                .get(name)
                .and_then(|value| value.to_str().ok())
                .unwrap_or("")
        };
        let policy = header("content-security-policy");
        assert!(
            policy.contains("default-src 'self'") && !policy.contains("unsafe-inline"),
            "{path}"
        );
        assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header("referrer-policy"), "no-referrer", "{path}");
        assert_eq!(header("cache-control"), "no-store", "{path}");
    }
}

#[tokio::test]
async fn a_mistake_of_ours_is_a_page_and_not_an_end() {
    let house = House::build().await;
    let broken = Router::new()
        .route("/broken", axum::routing::get(broken))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(house.app.clone(), problem::render));
    let request = axum::http::Request::get("/broken")
        .body(axum::body::Body::empty())
        .unwrap();
    let response = tower::ServiceExt::oneshot(broken, request).await.unwrap();
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
}

async fn broken() -> &'static str {
    panic!("as a mistake would")
}

#[test]
fn an_address_from_outside_is_spelled_for_a_query() {
    assert_eq!(percent_encoded("/a?b=1&c=ü"), "/a%3Fb%3D1%26c%3D%C3%BC");
}

const RESIDENT_WITH_A_NUMBER: &str = "自治体コード,個別宛名番号,個人番号,券番号,氏名漢字,氏名カナ,生年月日,性別,異動区分,異動日,支援措置区分\r\n\
     131016,A1,983205673214,0000000001,試験 花子,シケン ハナコ,19460503,2,1,,0\r\n";

#[tokio::test]
async fn an_individual_number_is_sealed_or_dropped_and_the_answer_says_which() {
    for (house, sealed, dropped) in [
        (House::build().await, 1, 0),
        (House::without_keys().await, 0, 1),
    ] {
        let clerk = house.person(OrganisationKind::City, Role::Operator);
        let (name, token) = house.bearer(clerk).await;
        let headers = [("content-type", "text/csv"), (name, token.as_str())];
        let answer = house
            .send(
                Method::POST,
                "/api/v1/residents",
                &headers,
                RESIDENT_WITH_A_NUMBER,
            )
            .await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        let loaded: Value = serde_json::from_str(&answer.text).unwrap();
        assert_eq!(
            (
                &loaded["new"],
                &loaded["numbers_sealed"],
                &loaded["numbers_dropped"]
            ),
            (&json!(1), &json!(sealed), &json!(dropped)),
            "{loaded}"
        );
        let kept = store::seals::Seals::count(&house.app.db).await.unwrap();
        assert_eq!(kept, sealed);

        let form = format!(
            "--b\r\ncontent-disposition: form-data; name=\"encoding\"\r\n\r\nutf-8\r\n\
             --b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"r.csv\"\r\n\r\n\
             {}\r\n--b--\r\n",
            RESIDENT_WITH_A_NUMBER.replace("花子", "華子")
        );
        let headers = |content| {
            [
                ("content-type", content),
                ("accept-language", "en"),
                (name, token.as_str()),
            ]
        };
        let content = headers("multipart/form-data; boundary=b");
        let sent = house
            .send(Method::POST, "/city/residents/load", &content, form)
            .await;
        let import = sent.location();
        let app = &house.app;
        let imports = crate::jobs::imports::Imports::new(
            app.db.clone(),
            app.recorder.clone(),
            app.outside.clone(),
            app.seals.clone(),
        );
        assert!(imports.turn().await.unwrap(), "looked through");
        let content = headers("application/x-www-form-urlencoded");
        let approve = format!("{import}/approve");
        let approved = house.send(Method::POST, &approve, &content, "").await;
        assert_eq!(approved.status, StatusCode::SEE_OTHER, "{approved:?}");
        assert!(imports.turn().await.unwrap(), "applied");
        let page = house.send(Method::GET, import, &content, "").await;
        assert_eq!(page.status, StatusCode::OK, "{page:?}");
        let says = |text: &str| page.text.contains(text);
        assert_eq!(says("Individual Numbers under seal"), sealed == 1);
        assert_eq!(says("they were checked and dropped"), dropped == 1);
        assert!(!says("983205673214"));
    }
}
