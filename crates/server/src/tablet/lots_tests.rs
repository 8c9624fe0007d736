//! What a tablet carries of lots, over the API.

use axum::http::{Method, StatusCode};
use domain::access::{OrganisationKind, Role};
use serde_json::{Value, json};

use crate::web::house::House;

async fn call(
    house: &House,
    who: (OrganisationKind, Role),
    (method, path): (Method, &str),
    body: &Value,
) -> (StatusCode, Value) {
    let bearer = house.bearer(house.person(who.0, who.1)).await;
    let headers = [
        (bearer.0, bearer.1.as_str()),
        ("content-type", "application/json"),
    ];
    let answer = house.send(method, path, &headers, body.to_string()).await;
    let told = serde_json::from_str(&answer.text).unwrap_or_default();
    (answer.status, told)
}

#[tokio::test]
async fn a_lot_that_must_not_be_given_is_carried_though_the_venue_has_none() {
    let house = House::build().await;
    let nation = (OrganisationKind::Nation, Role::Administrator);
    let venue = (OrganisationKind::Venue, Role::Operator);
    for (lot, recalled_since) in [
        ("GOOD1", None),
        ("BAD1", Some("2021-04-01")),
        ("LATER1", Some("2021-05-01")),
    ] {
        let body = json!({
            "product": "comirnaty_12_mono", "lot": lot, "expires": "2021-12-31", "recalled_since": recalled_since,
            "recall_reason": "異物混入のおそれ", "revision": 0,
        });
        let way = (Method::POST, "/api/v1/lots");
        let (status, told) = call(&house, nation, way, &body).await;
        assert_eq!(status, StatusCode::CREATED, "{told}");
    }
    let way = || (Method::GET, "/api/v1/tablet/lots");
    let (status, told) = call(&house, venue, way(), &Value::Null).await;
    assert_eq!(status, StatusCode::OK, "{told}");
    let carried = told.as_array().unwrap();
    assert_eq!(carried.len(), 1, "{told}");
    assert_eq!(carried[0]["lot"], "BAD1");
    assert_eq!(carried[0]["state"], "recalled");
    assert_eq!(carried[0]["vials"], 0);
    assert_eq!(carried[0]["recall_reason"], "異物混入のおそれ");
    let (status, _) = call(&house, nation, way(), &Value::Null).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
}
