use axum::http::{Method, StatusCode};
use domain::access::{OrganisationKind as Kind, Role};
use domain::calendar::Day;
use domain::cycles::Terms;
use serde_json::{Value, json};

use crate::web::house::{Answer, House};

const JSON: (&str, &str) = ("content-type", "application/json");
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const ENGLISH: (&str, &str) = ("accept-language", "en");
const CYCLE: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

async fn sent(
    house: &House,
    kind: Kind,
    (method, path): (Method, &str),
    (form, body): ((&str, &str), String),
) -> Answer {
    let person = house.person(kind, Role::Administrator);
    let (name, value) = house.bearer(person).await;
    let headers = [(name, value.as_str()), form, ENGLISH];
    house.send(method, path, &headers, body).await
}

async fn post(house: &House, kind: Kind, path: &str, body: Value) -> Answer {
    sent(house, kind, (Method::POST, path), (JSON, body.to_string())).await
}

async fn get(house: &House, kind: Kind, path: &str) -> Answer {
    sent(house, kind, (Method::GET, path), (JSON, String::new())).await
}

/// A cycle in May with 100 boxes; the house's clock stands in April, before every cut-off.
async fn begin(house: &House) -> String {
    let first_day = Day::parse("2021-05-10").unwrap();
    let terms = Terms::usual(9, first_day, (1_170, 195));
    let body = json!({ "product": "comirnaty_12_mono", "terms": terms });
    let path = format!("/api/v1/cycles/{CYCLE}");
    let put = (Method::PUT, path.as_str());
    let answer = sent(house, Kind::Nation, put, (JSON, body.to_string())).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
    let supply = json!({
        "product": "comirnaty_12_mono", "lot": "EY2173", "available_on": "2021-05-01", "units": 100,
    });
    let answer = post(house, Kind::Maker, "/api/v1/supplies", supply).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
    let figures = json!({ "items": [
        { "place": "13", "figure": "population", "value": 260 },
        { "place": "27", "figure": "population", "value": 740 },
    ] });
    let answer = post(house, Kind::Nation, &format!("{path}/figures"), figures).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "{answer:?}");
    path
}

#[tokio::test]
async fn a_prefecture_asks_and_is_given_and_told_why() {
    let house = House::build().await;
    let path = begin(&house).await;
    let request = json!({ "units": 40, "reason": "大規模会場" });
    let answer = post(
        &house,
        Kind::Prefecture,
        &format!("{path}/requests"),
        request,
    )
    .await;
    assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
    let desk = get(&house, Kind::Nation, &format!("/allocations/{CYCLE}")).await;
    assert_eq!(desk.status, StatusCode::OK, "{desk:?}");
    for told in [
        "東京都",
        "大規模会場",
        "<strong>26</strong>",
        "Nothing is published yet",
    ] {
        assert!(desk.text.contains(told), "{told}: {}", desk.text);
    }
    let publish = format!("/allocations/{CYCLE}/publish");
    let form = (FORM, "revision=0".to_owned());
    let answer = sent(&house, Kind::Nation, (Method::POST, &publish), form).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
    let got = get(&house, Kind::Prefecture, &format!("{path}/received")).await;
    let got: Value = serde_json::from_str(&got.text).unwrap();
    assert_eq!((&got["requested"], &got["units"]), (&json!(40), &json!(26)));
    assert_eq!(got["says"][2], "260 × 100 ÷ 1000 = 26.00, whole packs 26");
    let why = get(
        &house,
        Kind::Prefecture,
        &format!("/allocations/{CYCLE}/why"),
    )
    .await;
    assert!(
        why.text.contains("260 × 100 ÷ 1000 = 26.00"),
        "{}",
        why.text
    );
    let file = get(
        &house,
        Kind::Nation,
        &format!("/allocations/{CYCLE}/export"),
    )
    .await;
    assert!(
        file.text.contains("13,東京都,40,26,30420,"),
        "{}",
        file.text
    );
    // Whoever looked before that publishes over nobody.
    let again = json!({ "revision": 0 });
    let answer = post(&house, Kind::Nation, &format!("{path}/decisions"), again).await;
    assert_eq!(answer.code.as_deref(), Some("changed_meanwhile"));
}

#[tokio::test]
async fn a_formula_and_a_number_by_hand_are_tried_beside_what_is_published() {
    let house = House::build().await;
    begin(&house).await;
    let at = |act: &str| format!("/allocations/{CYCLE}/{act}");
    let send = async |act: &str, form: &str| {
        let path = at(act);
        sent(
            &house,
            Kind::Nation,
            (Method::POST, &path),
            (FORM, form.to_owned()),
        )
        .await
    };
    assert_eq!(
        send("publish", "revision=0").await.status,
        StatusCode::SEE_OTHER
    );
    let set = send("override", "node=13&set_units=30&set_reason=island").await;
    assert_eq!(set.status, StatusCode::SEE_OTHER, "{set:?}");
    let desk = get(&house, Kind::Nation, &format!("/allocations/{CYCLE}")).await;
    assert!(
        desk.text.contains("+4") && desk.text.contains("−4"),
        "{}",
        desk.text
    );
    let why = get(&house, Kind::Nation, &format!("{}?of=13", at("why"))).await;
    assert!(why.text.contains("The formula gave 26"), "{}", why.text);
    let too_much = send("override", "node=13&set_units=101&set_reason=island").await;
    assert_eq!(too_much.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        too_much.text.contains("The giver has 100"),
        "{}",
        too_much.text
    );
    let wrong = send("formula", "rule0=highest_usage&amount0=many").await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    // Whoever has not seen the number set by hand changes nothing, and is told whose it is.
    let form = "rule0=population&amount0=50%25&rule1=requests";
    let unseen = send("formula", &format!("{form}&draft=0")).await;
    assert_eq!(unseen.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        unseen.text.contains("changed this draft at"),
        "{}",
        unseen.text
    );
    let tried = send("formula", &format!("{form}&draft=1")).await;
    assert_eq!(tried.status, StatusCode::SEE_OTHER, "{tried:?}");
}

#[tokio::test]
async fn nobody_gives_or_asks_in_the_place_of_another() {
    let house = House::build().await;
    let path = begin(&house).await;
    for (kind, act) in [
        (Kind::Venue, "decisions"),
        (Kind::Maker, "requests"),
        (Kind::Nation, "requests"),
        (Kind::Wholesaler, "figures"),
    ] {
        let answer = post(&house, kind, &format!("{path}/{act}"), json!({})).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{kind:?} {act}");
    }
    let stranger = json!({ "items": [{ "place": "JP", "figure": "cap", "value": 1 }] });
    let answer = post(
        &house,
        Kind::Prefecture,
        &format!("{path}/figures"),
        stranger,
    )
    .await;
    assert_eq!(answer.code.as_deref(), Some("place_not_below"));
}
