//! The cold chain over the API: everything sent twice, and what cannot be told field by field.

use axum::http::{Method, StatusCode};
use domain::access::{OrganisationKind as Kind, Role};
use domain::calendar::Instant;
use domain::cold_chain::CoolerKind;
use serde_json::{Value, json};
use store::cold_chain::{Cooler, CoolerKept, tell_cooler};
use uuid::Uuid;

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

async fn get(house: &House, path: &str) -> Value {
    let answer = send(house, Kind::Venue, (Method::GET, path), &Value::Null).await;
    assert_eq!(answer.status, StatusCode::OK, "{path} {}", answer.text);
    serde_json::from_str(&answer.text).unwrap()
}

async fn post(house: &House, path: &str, body: &Value) -> (StatusCode, Value) {
    let answer = send(house, Kind::Venue, (Method::POST, path), body).await;
    (answer.status, serde_json::from_str(&answer.text).unwrap())
}

/// A house whose venue has ten vials in a freezer.
async fn house() -> House {
    let house = House::build().await;
    let delivery = json!({
        "slip": "D-1", "facility": FACILITY, "product": PRODUCT, "lot": LOT,
        "expires": "2021-09-30", "vials": 10, "delivered_on": "2021-04-12", "temperature": "kept",
    });
    send(
        &house,
        Kind::Wholesaler,
        (Method::POST, "/deliveries"),
        &delivery,
    )
    .await;
    let waiting = get(&house, "/stock/arrivals").await;
    let delivery = waiting["items"][0]["id"].as_str().unwrap();
    let body = json!({ "id": id(1), "vials": 10, "shelf": "frozen" });
    post(
        &house,
        &format!("/stock/arrivals/{delivery}/receipts"),
        &body,
    )
    .await;
    let venue = house.person(Kind::Venue, Role::Operator);
    let permit = domain::access::venue(&venue.actor(), domain::access::Action::KeepStock).unwrap();
    let cooler = Cooler {
        id: Uuid::parse_str(&id(2)).unwrap(),
        name: "A".to_owned(),
        kind: CoolerKind::DeepFreezer,
        every_minutes: 960,
        is_in_use: true,
        revision: 0,
        at: Instant::from_micros(0),
    };
    let act = (house.app.fresh_id(), house.app.now());
    let told = tell_cooler(&house.app.db, &permit, &cooler, act).await;
    assert_eq!(told.unwrap(), CoolerKept::Now);
    house
}

fn reading(number: u32, time: &str, tenths: i64) -> Value {
    json!({ "id": id(number), "cooler": id(2), "at": format!("2021-04-12T{time}:30+09:00"), "tenths": tenths })
}

#[tokio::test]
async fn a_reading_is_entered_once_and_another_value_is_a_question() {
    let house = house().await;
    assert_eq!(
        get(&house, "/coolers").await["items"][0]["kind"],
        "deep_freezer"
    );
    let warm = reading(3, "12:00", -400);
    let (status, told) = post(&house, "/temperatures", &warm).await;
    assert_eq!(
        (status, &told["is_outside"]),
        (StatusCode::CREATED, &json!(true))
    );
    let (status, told) = post(&house, "/temperatures", &warm).await;
    assert_eq!((status, &told["replayed"]), (StatusCode::OK, &json!(true)));
    let other =
        json!({ "id": id(4), "cooler": id(2), "at": "2021-04-12T12:00:01+09:00", "tenths": -750 });
    let (status, told) = post(&house, "/temperatures", &other).await;
    assert_eq!(
        (status, &told["code"]),
        (StatusCode::CONFLICT, &json!("reading_differs"))
    );
    assert_eq!(
        (&told["kept"], &told["revision"]),
        (&json!(-400), &json!(1))
    );
    let open = get(&house, "/excursions").await;
    assert_eq!(open["items"][0]["lots"][0]["undecided"], 10, "{open}");
    let mut right = other.clone();
    right["corrects"] = json!(1);
    let (status, told) = post(&house, "/temperatures", &right).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{told}");
    right["reason"] = json!("another cooler's display");
    let (status, told) = post(&house, "/temperatures", &right).await;
    assert_eq!(
        (status, &told["is_outside"]),
        (StatusCode::CREATED, &json!(false))
    );
    let told = get(&house, "/temperatures").await;
    assert_eq!(told["items"].as_array().unwrap().len(), 2, "{told}");
    assert_eq!(get(&house, "/excursions").await["items"], json!([]));
}

#[tokio::test]
async fn what_cannot_be_is_told() {
    let house = house().await;
    let with = |name: &str, value: Value| {
        let mut body = reading(5, "12:00", -750);
        body[name] = value;
        body
    };
    for (body, code) in [
        (with("tenths", json!(8_000)), "temperature_beyond"),
        (with("tenths", Value::Null), "missing"),
        (
            with("at", json!("2021-04-12T23:00:00+09:00")),
            "in_the_future",
        ),
        (
            with("at", json!("2020-04-12T23:00:00+09:00")),
            "too_long_ago",
        ),
        (with("at", json!("12:00")), "not_a_moment"),
    ] {
        let (status, told) = post(&house, "/temperatures", &body).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{told}");
        assert_eq!(told["fields"][0]["code"], code, "{told}");
    }
    let (status, _) = post(&house, "/temperatures", &with("cooler", json!(id(9)))).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn vials_are_decided_once_and_kept_only_when_it_is_over() {
    let house = house().await;
    // The vials came before it got warm.
    house.wait(60 * 60 * 1_000_000);
    post(&house, "/temperatures", &reading(3, "13:20", -400)).await;
    let open = get(&house, "/excursions").await;
    let path = format!(
        "/excursions/{}/decisions",
        open["items"][0]["id"].as_str().unwrap()
    );
    let decision = |number: u32, outcome: &str, vials: i64, seen: i64| {
        json!({
            "id": id(number), "product": PRODUCT, "lot": LOT, "outcome": outcome, "vials": vials, "seen": seen,
            "reason": "the maker said so",
        })
    };
    let (status, told) = post(&house, &path, &decision(10, "kept", 10, 10)).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{told}");
    assert_eq!(told["reason"], "not_over");
    let thaw = json!({
        "id": id(11), "doing": "thaw", "product": PRODUCT, "lot": LOT, "vials": 1, "began": "2021-04-12T13:30:00+09:00",
    });
    let (status, told) = post(&house, "/stock/movements", &thaw).await;
    assert_eq!(
        (status, &told["code"]),
        (StatusCode::CONFLICT, &json!("stock_held"))
    );
    let discard = decision(12, "discarded", 4, 10);
    assert_eq!(post(&house, &path, &discard).await.0, StatusCode::CREATED);
    assert_eq!(post(&house, &path, &discard).await.0, StatusCode::OK);
    let (status, told) = post(&house, &path, &decision(13, "discarded", 4, 10)).await;
    assert_eq!((status, &told["vials"]), (StatusCode::CONFLICT, &json!(6)));
    let (_, told) = post(&house, &path, &decision(14, "discarded", 7, 6)).await;
    assert_eq!(told["reason"], "vials");
    post(&house, "/temperatures", &reading(15, "13:40", -750)).await;
    assert_eq!(
        post(&house, &path, &decision(16, "kept", 6, 6)).await.0,
        StatusCode::CREATED
    );
    assert_eq!(get(&house, "/excursions").await["items"], json!([]));
    let (status, told) = post(&house, "/stock/movements", &thaw).await;
    assert_eq!(status, StatusCode::CREATED, "{told}");
}
