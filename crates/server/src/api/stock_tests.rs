//! A vial's way over the API, everything sent twice.

use axum::http::{Method, StatusCode};
use domain::access::{OrganisationKind as Kind, Role};
use serde_json::{Value, json};

use crate::web::house::{Answer, FACILITY, House};

const PRODUCT: &str = "comirnaty_12_mono";
const LOT: &str = "EY2173";

fn id(number: u32) -> String {
    format!("01890a5d-ac96-774b-bcce-b30209{number:06}")
}

async fn send(house: &House, kind: Kind, (method, path): (Method, &str), body: &Value) -> Answer {
    let (name, token) = house.bearer(house.person(kind, Role::Operator)).await;
    let headers = [(name, token.as_str()), ("content-type", "application/json")];
    let path = format!("/api/v1{path}");
    house.send(method, &path, &headers, body.to_string()).await
}

async fn get(house: &House, kind: Kind, path: &str) -> Value {
    let answer = send(house, kind, (Method::GET, path), &Value::Null).await;
    assert_eq!(answer.status, StatusCode::OK, "{path} {}", answer.text);
    serde_json::from_str(&answer.text).unwrap()
}

/// Sends it, and again: it is done once.
async fn twice(house: &House, kind: Kind, path: &str, body: &Value) -> Answer {
    let first = send(house, kind, (Method::POST, path), body).await;
    assert_eq!(first.status, StatusCode::CREATED, "{path} {}", first.text);
    let again = send(house, kind, (Method::POST, path), body).await;
    assert_eq!(again.status, StatusCode::OK, "{path} {}", again.text);
    first
}

async fn refused(house: &House, path: &str, body: &Value, (status, code): (StatusCode, &str)) {
    let answer = send(house, Kind::Venue, (Method::POST, path), body).await;
    assert_eq!(answer.status, status, "{path} {}", answer.text);
    let told: Value = serde_json::from_str(&answer.text).unwrap();
    assert_eq!(told["code"], code, "{told}");
}

fn delivery(vials: i64) -> Value {
    json!({
        "slip": "D-1", "facility": FACILITY, "product": PRODUCT, "lot": LOT,
        "expires": "2021-09-30", "vials": vials, "delivered_on": "2021-04-12", "temperature": "kept",
    })
}

fn moved(number: u32, doing: &str, vials: i64) -> Value {
    json!({
        "id": id(number), "doing": doing, "product": PRODUCT, "lot": LOT, "shelf": "frozen",
        "vials": vials, "began": "2021-04-12T08:00:00+09:00",
    })
}

/// Ten vials that were delivered and received.
async fn stocked() -> House {
    let house = House::build().await;
    let seller = Kind::Wholesaler;
    twice(&house, seller, "/deliveries", &delivery(10)).await;
    let other = (Method::POST, "/deliveries");
    let held = send(&house, seller, other, &delivery(9)).await;
    assert_eq!(held.status, StatusCode::ACCEPTED, "{}", held.text);
    let asked = get(&house, seller, "/deliveries/questions").await;
    assert!(asked["items"].as_array().unwrap().len() >= 2, "{asked}");
    let waiting = get(&house, Kind::Venue, "/stock/arrivals").await;
    let delivery = waiting["items"][0]["id"].as_str().unwrap();
    let path = format!("/stock/arrivals/{delivery}/receipts");
    let body = json!({ "id": id(1), "vials": 10, "shelf": "frozen" });
    twice(&house, Kind::Venue, &path, &body).await;
    let other = json!({ "id": id(1), "vials": 9, "shelf": "frozen" });
    let conflict = (StatusCode::CONFLICT, "stock_sent_otherwise");
    refused(&house, &path, &other, conflict).await;
    house
}

#[tokio::test]
async fn a_vial_is_delivered_received_thawed_and_counted_once() {
    let house = stocked().await;
    twice(
        &house,
        Kind::Venue,
        "/stock/movements",
        &moved(2, "thaw", 4),
    )
    .await;
    let told = get(&house, Kind::Venue, "/stock").await;
    let accounts = &told["lots"][0]["vials"];
    assert_eq!(
        (&accounts["frozen"], &accounts["thawed"]),
        (&json!(6), &json!(4))
    );
    assert_eq!(told["on_hand"].as_array().unwrap().len(), 2, "{told}");
    let story = format!("/stock/movements?product={PRODUCT}&lot={LOT}");
    let story = get(&house, Kind::Venue, &story).await;
    let kinds: Vec<_> = story["items"].as_array().unwrap().iter().collect();
    let kinds: Vec<_> = kinds.iter().map(|one| &one["kind"]).collect();
    assert_eq!(kinds, ["thawed", "received", "shipped"]);

    let count = |number: u32, seen: i64, note: &str| {
        json!({
            "id": id(number), "product": PRODUCT, "lot": LOT, "shelf": "frozen", "seen": seen, "vials": 5,
            "note": note,
        })
    };
    let changed = (StatusCode::CONFLICT, "stock_books_changed");
    refused(&house, "/stock/counts", &count(3, 7, "破損"), changed).await;
    let fields = (StatusCode::UNPROCESSABLE_ENTITY, "fields_refused");
    refused(&house, "/stock/counts", &count(3, 6, ""), fields).await;
    twice(&house, Kind::Venue, "/stock/counts", &count(3, 6, "破損")).await;
    let told = get(&house, Kind::Venue, "/stock").await;
    assert_eq!(told["lots"][0]["vials"]["difference"], 1);
}

#[tokio::test]
async fn what_cannot_be_is_told_field_by_field_and_changes_nothing() {
    let house = stocked().await;
    let fields = (StatusCode::UNPROCESSABLE_ENTITY, "fields_refused");
    for wrong in [
        moved(4, "freeze", 1),
        moved(4, "lose", 1),
        moved(4, "discard", 1),
        moved(4, "thaw", 0),
    ] {
        refused(&house, "/stock/movements", &wrong, fields).await;
    }
    let transfer = |facility: &str| {
        json!({
            "id": id(5), "side": "gives", "facility": facility, "product": PRODUCT, "lot": LOT,
            "shelf": "frozen", "vials": 2,
        })
    };
    let way = (StatusCode::UNPROCESSABLE_ENTITY, "stock_refused");
    refused(&house, "/transfers", &transfer(FACILITY), way).await;
    let nobody = (StatusCode::NOT_FOUND, "not_found");
    refused(&house, "/transfers", &transfer("9999999999"), nobody).await;
    let told = get(&house, Kind::Venue, "/stock").await;
    assert_eq!(told["lots"][0]["vials"]["frozen"], 10, "{told}");
}
