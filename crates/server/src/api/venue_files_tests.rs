use axum::http::{Method, StatusCode};
use domain::access::{OrganisationKind as Kind, Role};
use serde_json::{Value, json};

use crate::jobs::imports::Imports;
use crate::web::house::{Answer, House};

const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8059";
const FILE: &str = "会場コード,市町村コード,会場名,施設類型,適用開始日,住所,供給元会場コード\r\n\
    1310000098,131016,外神田見本医院,1,20210401,千代田区外神田9-9,なし\r\n\
    1310000106,131016,内神田見本医院,2,20210401,千代田区内神田8-8,1310009999\r\n";

async fn sent(
    house: &House,
    kind: Kind,
    (method, path): (Method, &str),
    (content, body): (&str, String),
) -> Answer {
    let person = house.person(kind, Role::Administrator);
    let (name, value) = house.bearer(person).await;
    let headers = [
        (name, value.as_str()),
        ("content-type", content),
        ("accept-language", "en"),
    ];
    house.send(method, path, &headers, body).await
}

async fn called(house: &House, kind: Kind, method: Method, path: &str) -> (StatusCode, Value) {
    let json = ("application/json", "null".to_owned());
    let answer = sent(house, kind, (method, path), json).await;
    let told = serde_json::from_str(&answer.text).unwrap_or_default();
    (answer.status, told)
}

async fn hands_in(house: &House, kind: Kind) -> StatusCode {
    let path = format!("/api/v1/venue-files?id={ID}&name=venues.csv");
    let body = ("text/csv", FILE.to_owned());
    sent(house, kind, (Method::POST, &path), body).await.status
}

fn work(house: &House) -> Imports {
    let app = &house.app;
    Imports::new(
        app.db.clone(),
        app.recorder.clone(),
        app.outside.clone(),
        app.seals.clone(),
    )
}

/// Hands the file in, looks it through, approves and applies it.
async fn loads(house: &House, kind: Kind) {
    assert_eq!(hands_in(house, kind).await, StatusCode::CREATED);
    let work = work(house);
    assert!(work.turn().await.unwrap(), "looked through");
    let path = format!("/api/v1/venue-files/{ID}/approvals");
    let (status, import) = called(house, kind, Method::POST, &path).await;
    assert_eq!(
        (status, &import["state"]),
        (StatusCode::OK, &json!("applying"))
    );
    assert!(work.turn().await.unwrap(), "applied");
}

#[tokio::test]
async fn a_file_goes_its_way_by_the_steps_of_the_api() {
    for kind in [Kind::City, Kind::Prefecture, Kind::Nation] {
        let house = House::build().await;
        loads(&house, kind).await;
        let one = format!("/api/v1/venue-files/{ID}");
        let (_, import) = called(&house, kind, Method::GET, &one).await;
        assert_eq!(
            (
                &import["state"],
                &import["kind"],
                &import["done"]["new"],
                &import["found"]["rejected"]
            ),
            (&json!("done"), &json!("venues"), &json!(1), &json!(1)),
            "{import}"
        );
        // Both codes have a check digit that does not fit; the line that is left out is nobody's to look at for that.
        assert_eq!(import["found"]["suspicious"], json!(1), "{import}");
        let (_, remarks) = called(&house, kind, Method::GET, &format!("{one}/remarks")).await;
        let unknown = json!("venue_supplier_unknown");
        let mut items = remarks["items"].as_array().into_iter().flatten();
        assert!(items.any(|item| item["code"] == unknown), "{remarks}");
        let (_, found) = called(&house, kind, Method::GET, "/api/v1/venue-codes/1310000098").await;
        assert!(found["venue"].is_string(), "{found}");
        // Sent again, the file is not taken a second time.
        assert_eq!(hands_in(&house, kind).await, StatusCode::OK);
        let undo = format!("{one}/undoings");
        let (status, _) = called(&house, kind, Method::POST, &undo).await;
        assert_eq!(status, StatusCode::OK);
        assert!(work(&house).turn().await.unwrap(), "undone");
        let (status, _) = called(&house, kind, Method::GET, "/api/v1/venue-codes/1310000098").await;
        assert_eq!(status, StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn another_areas_file_is_not_found_and_a_venue_loads_none() {
    let house = House::build().await;
    assert_eq!(
        hands_in(&house, Kind::Prefecture).await,
        StatusCode::CREATED
    );
    let one = format!("/api/v1/venue-files/{ID}");
    for kind in [Kind::City, Kind::Nation] {
        let (status, _) = called(&house, kind, Method::GET, &one).await;
        assert_eq!(status, StatusCode::NOT_FOUND);
    }
    // Nor is it among the files of the city's people.
    let (status, _) = called(
        &house,
        Kind::City,
        Method::GET,
        &format!("/api/v1/imports/{ID}"),
    )
    .await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert_eq!(hands_in(&house, Kind::Venue).await, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn what_was_loaded_goes_out_in_the_same_layout() {
    let house = House::build().await;
    loads(&house, Kind::City).await;
    let json = ("application/json", String::new());
    let path = "/venues/venues.csv?on=2021-06-01";
    let answer = sent(&house, Kind::City, (Method::GET, path), json).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let line =
        "1310000098,131016,外神田見本医院,1,20210601,1,,,千代田区外神田9-9,,なし,,,,,,,,,,,,,,\r\n";
    assert!(answer.text.contains(line), "{}", answer.text);
}
