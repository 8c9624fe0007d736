use axum::http::{Method, StatusCode};
use domain::access::{OrganisationKind as Kind, Role};
use domain::calendar::Day;
use domain::cycles::Terms;
use serde_json::{Value, json};

use crate::web::house::{Answer, FACILITY, House};

const CYCLE: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
const MANDATE: &str = "01890a5d-ac96-774b-bcce-b302099a8058";

async fn sent(house: &House, kind: Kind, method: Method, path: &str, body: Value) -> Answer {
    let person = house.person(kind, Role::Operator);
    let (name, value) = house.bearer(person).await;
    let json = ("content-type", "application/json");
    let headers = [(name, value.as_str()), json, ("accept-language", "en")];
    house.send(method, path, &headers, body.to_string()).await
}

async fn get(house: &House, kind: Kind, path: &str) -> Value {
    let answer = sent(house, kind, Method::GET, path, Value::Null).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    serde_json::from_str(&answer.text).unwrap()
}

fn told(answer: &Answer) -> Value {
    serde_json::from_str(&answer.text).unwrap()
}

async fn asks_for_units(house: &House) -> Answer {
    let path = format!("/api/v1/cycles/{CYCLE}/requests");
    let request = json!({ "units": 2, "reason": "高齢者施設" });
    sent(house, Kind::Venue, Method::POST, &path, request).await
}

#[tokio::test]
async fn a_venue_without_contract_is_told_why_and_asks_again_once_it_has_joined() {
    let house = House::build().await;
    let terms = Terms::usual(9, Day::parse("2021-05-10").unwrap(), (1_170, 195));
    let cycle = json!({ "product": "comirnaty_12_mono", "terms": terms });
    let path = format!("/api/v1/cycles/{CYCLE}");
    let kept = sent(&house, Kind::Nation, Method::PUT, &path, cycle).await;
    assert_eq!(kept.status, StatusCode::CREATED, "{kept:?}");

    let refused = asks_for_units(&house).await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "{refused:?}");
    let problem = told(&refused);
    assert_eq!(
        (&problem["code"], &problem["reason"]),
        (&json!("no_contract"), &json!("never"))
    );
    let words = problem["ja"]["detail"].as_str().unwrap();
    assert!(words.contains("集合契約に加入していません"), "{words}");

    let association = house
        .person(Kind::Association, Role::Operator)
        .organisation
        .id;
    let mandate = json!({
        "id": MANDATE, "association": association, "act": "join", "asked_from": "2021-04-01",
        "signatory": "院長 見本 一郎",
    });
    let made = sent(
        &house,
        Kind::Venue,
        Method::POST,
        "/api/v1/mandates",
        mandate,
    )
    .await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    let again = json!({
        "id": CYCLE, "association": association, "act": "leave", "asked_from": "2021-04-01",
        "signatory": "院長 見本 一郎",
    });
    let waiting = sent(&house, Kind::Venue, Method::POST, "/api/v1/mandates", again).await;
    assert_eq!(told(&waiting)["reason"], "mandate_waiting", "{waiting:?}");
    assert_eq!(
        asks_for_units(&house).await.code.as_deref(),
        Some("no_contract")
    );

    let list = get(&house, Kind::Association, "/api/v1/association/mandates").await;
    assert_eq!(list["items"][0]["code"], FACILITY);
    let decision = format!("/api/v1/association/mandates/{MANDATE}/decision");
    let mute = json!({ "confirm": false });
    let mute = sent(&house, Kind::Association, Method::POST, &decision, mute).await;
    assert_eq!(mute.status, StatusCode::UNPROCESSABLE_ENTITY, "{mute:?}");
    let yes = json!({ "confirm": true });
    let confirmed = sent(&house, Kind::Association, Method::POST, &decision, yes).await;
    let today = house.app.today().to_string();
    assert_eq!(
        told(&confirmed)["valid_from"],
        json!(today),
        "{confirmed:?}"
    );
    let asked = asks_for_units(&house).await;
    assert_eq!(asked.status, StatusCode::CREATED, "{asked:?}");
    let list = get(&house, Kind::Prefecture, "/api/v1/venues?q=venue").await;
    assert_eq!(list["items"][0]["is_party"], json!(true), "{list}");
}

#[tokio::test]
async fn what_is_told_of_a_venue_is_read_back_and_never_overwritten_unseen() {
    let house = House::build().await;
    let path = "/api/v1/venue-record/contact";
    let contact = |phone: &str, seen: i64| {
        json!({
            "valid_from": "2021-04-01", "seen": seen,
            "told": { "phone": phone, "url": "https://example.jp/", "remarks": "" },
        })
    };
    let put = async |kind, path: &str, body| sent(&house, kind, Method::PUT, path, body).await;
    let first = put(Kind::Venue, path, contact("0120-000-000", 0)).await;
    assert_eq!(told(&first)["revision"], json!(1), "{first:?}");
    let same = put(Kind::Venue, path, contact("0120-000-000", 1)).await;
    assert_eq!(told(&same)["revision"], Value::Null);
    let unseen = put(Kind::Venue, path, contact("0120-999-999", 0)).await;
    assert_eq!(unseen.code.as_deref(), Some("venue_changed_meanwhile"));
    assert_eq!(told(&unseen)["revision"], json!(1));

    let account = json!({
        "valid_from": "2021-04-01", "seen": 0, "told": { "reference": "普通 1234567" },
    });
    let account = put(Kind::Venue, "/api/v1/venue-record/account", account).await;
    assert_eq!(
        told(&account)["fields"][0]["code"],
        "account_number",
        "{account:?}"
    );
    let standing = json!({ "valid_from": "2021-04-01", "seen": 0, "told": { "name": "x" } });
    let shapeless = put(Kind::Venue, "/api/v1/venue-record/standing", standing).await;
    assert_eq!(shapeless.code.as_deref(), Some("venue_section_shape"));

    let id = house.person(Kind::Venue, Role::Operator).organisation.id;
    let found = get(
        &house,
        Kind::City,
        &format!("/api/v1/venue-codes/{FACILITY}"),
    )
    .await;
    assert_eq!(found["venue"], json!(id));
    let seen = get(&house, Kind::City, &format!("/api/v1/venues/{id}")).await;
    assert_eq!(
        seen["sections"]["contact"][0]["told"]["phone"], "0120-000-000",
        "{seen}"
    );
    assert_eq!(seen["contract"]["standing"], "never");
    let page = sent(
        &house,
        Kind::City,
        Method::GET,
        &format!("/venues/{id}"),
        Value::Null,
    )
    .await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text.contains("0120-000-000"), "{}", page.text);
}
