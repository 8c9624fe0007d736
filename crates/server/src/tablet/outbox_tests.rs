//! What a tablet sends, and what of it is believed.

use axum::http::{Method, StatusCode};
use domain::access::{OrganisationKind, Role};
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::tablet::sealed::sealed_to;
use crate::web::house::House;

const DEVICE: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
const OPERATOR: (OrganisationKind, Role) = (OrganisationKind::Venue, Role::Operator);
const ADMINISTRATOR: (OrganisationKind, Role) = (OrganisationKind::Venue, Role::Administrator);

/// A tablet with its key.
struct Tablet {
    key: SigningKey,
}

impl Tablet {
    fn new(seed: u8) -> Self {
        let key = SigningKey::from_slice(&[seed; 32]).unwrap();
        Self { key }
    }

    fn public_key(&self) -> String {
        hex::encode(self.key.verifying_key().to_sec1_point(false).as_bytes())
    }

    fn signed(&self, statement: &Value) -> Value {
        let statement = statement.to_string();
        let signature: Signature = self.key.sign(statement.as_bytes());
        json!({ "statement": statement, "signature": hex::encode(signature.to_bytes()) })
    }
}

fn id(number: u32) -> String {
    Uuid::from_u128(0x0189_0a5d_ac96_774b_bcce_b302_0000_0000 + u128::from(number)).to_string()
}

/// A dose as a tablet states it, its first.
fn statement(house: &House, number: u32) -> Value {
    let account = house.person(OPERATOR.0, OPERATOR.1).id.0;
    json!({
        "id": id(number), "device": DEVICE, "sequence": number, "account": account, "made_at": 1_618_200_000_000_i64,
        "coupon": "211310160000000001", "given_on": "2021-04-12", "product": "comirnaty_12_mono", "lot": "EY2173",
        "doctor": "鈴木", "venue_name": "千代田会場", "input": "qr", "basis": "codes",
    })
}

async fn post(
    house: &House,
    who: (OrganisationKind, Role),
    path: &str,
    body: &Value,
) -> (StatusCode, Value) {
    let bearer = house.bearer(house.person(who.0, who.1)).await;
    let headers = [
        (bearer.0, bearer.1.as_str()),
        ("content-type", "application/json"),
    ];
    let answer = house
        .send(Method::POST, path, &headers, body.to_string())
        .await;
    let told = serde_json::from_str(&answer.text).unwrap_or_default();
    (answer.status, told)
}

async fn register(house: &House, tablet: &Tablet) {
    let body = json!({ "id": DEVICE, "name": "受付1", "public_key": tablet.public_key() });
    let (status, told) = post(house, OPERATOR, "/api/v1/tablet/devices", &body).await;
    assert_eq!(status, StatusCode::OK, "{told}");
}

async fn send(
    house: &House,
    who: (OrganisationKind, Role),
    records: Vec<Value>,
) -> (StatusCode, Value) {
    let body = json!({ "device": DEVICE, "sent_at": 1_618_200_000_000_i64, "records": records });
    post(house, who, "/api/v1/tablet/records", &body).await
}

/// The code of the problem that a record was answered with.
fn code(told: &Value, place: usize) -> &str {
    told["records"][place]["problem"]["code"]
        .as_str()
        .unwrap_or_default()
}

#[tokio::test]
async fn what_a_known_tablet_signed_is_recorded_once_however_often_it_is_sent() {
    let house = House::build().await;
    let tablet = Tablet::new(7);
    register(&house, &tablet).await;
    let record = tablet.signed(&statement(&house, 1));
    let (status, first) = send(&house, OPERATOR, vec![record.clone(), record.clone()]).await;
    assert_eq!(status, StatusCode::OK, "{first}");
    let (_, again) = send(&house, OPERATOR, vec![record]).await;
    let seq = |told: &Value, place: usize| told["records"][place]["receipt"]["seq"].clone();
    assert_eq!(seq(&first, 0), 1);
    assert_eq!(seq(&first, 1), 1);
    assert_eq!(seq(&again, 0), 1);
    assert_eq!(again["records"][0]["receipt"]["replayed"], true);
}

#[tokio::test]
async fn one_bad_record_does_not_hold_up_its_neighbours() {
    let house = House::build().await;
    let tablet = Tablet::new(7);
    register(&house, &tablet).await;
    let mut broken = statement(&house, 2);
    broken["lot"] = json!("あ\u{0}");
    let records = vec![
        json!({ "statement": "{}", "signature": "" }),
        tablet.signed(&broken),
        tablet.signed(&statement(&house, 3)),
    ];
    let (_, told) = send(&house, OPERATOR, records).await;
    assert_eq!(code(&told, 0), "statement_unreadable");
    assert_eq!(code(&told, 1), "fields_refused");
    assert_eq!(told["records"][2]["receipt"]["act"], "recorded");
}

#[tokio::test]
async fn what_another_key_signed_or_somebody_changed_is_not_recorded() {
    let house = House::build().await;
    let tablet = Tablet::new(7);
    register(&house, &tablet).await;
    let mut changed = tablet.signed(&statement(&house, 1));
    let text = changed["statement"]
        .as_str()
        .unwrap()
        .replace("EY2173", "EY2174");
    changed["statement"] = json!(text);
    let mut other_device = statement(&house, 2);
    other_device["device"] = json!(id(900));
    let records = vec![
        changed,
        Tablet::new(8).signed(&statement(&house, 3)),
        tablet.signed(&other_device),
    ];
    let (_, told) = send(&house, OPERATOR, records).await;
    for place in 0..3 {
        assert_eq!(code(&told, place), "signature_wrong", "{told}");
    }
}

#[tokio::test]
async fn what_a_colleague_entered_is_not_sent_under_another_name_but_can_be_handed_in() {
    let house = House::build().await;
    let tablet = Tablet::new(7);
    register(&house, &tablet).await;
    let record = tablet.signed(&statement(&house, 1));
    let (_, told) = send(&house, ADMINISTRATOR, vec![record.clone()]).await;
    assert_eq!(code(&told, 0), "statement_of_another");
    let page = hand_in(&house, &file(vec![record])).await;
    assert!(page.contains("登録 1件、登録済みだったもの 0件"), "{page}");
}

#[tokio::test]
async fn a_tablet_that_was_shut_out_is_refused_and_its_file_is_taken() {
    let house = House::build().await;
    let tablet = Tablet::new(7);
    register(&house, &tablet).await;
    let path = format!("/tablets/{DEVICE}/revoke");
    let (status, _) = post(&house, ADMINISTRATOR, &path, &Value::Null).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    let record = tablet.signed(&statement(&house, 1));
    let (status, told) = send(&house, OPERATOR, vec![record.clone()]).await;
    assert_eq!(
        (status, told["code"].as_str()),
        (StatusCode::FORBIDDEN, Some("device_revoked"))
    );
    let page = hand_in(&house, &file(vec![record])).await;
    assert!(page.contains("登録 1件、登録済みだったもの 0件"), "{page}");
}

#[tokio::test]
async fn a_sealed_file_is_taken_once_and_a_changed_or_strange_one_not_at_all() {
    let house = House::build().await;
    let tablet = Tablet::new(7);
    register(&house, &tablet).await;
    let bearer = house.bearer(house.person(OPERATOR.0, OPERATOR.1)).await;
    let headers = [(bearer.0, bearer.1.as_str())];
    let day = house.send(Method::GET, "/api/v1/tablet/day", &headers, String::new());
    let day: Value = serde_json::from_str(&day.await.text).unwrap();
    let key = day["queue_key"].as_str().unwrap();
    let opened = file(vec![tablet.signed(&statement(&house, 1))]);
    let sealed = sealed_to(key, &opened, [9; 32]);
    let mut changed = sealed.clone();
    changed["ephemeral"] = sealed_to(key, &opened, [8; 32])["ephemeral"].clone();
    // A sealed file within a sealed file is nothing that a tablet makes.
    let nested = sealed_to(key, &sealed.to_string(), [9; 32]);
    let other = Tablet::new(5).public_key();
    for (file, told) in [
        (changed, "ファイルが壊れているか、書き換えられています"),
        (
            sealed_to(&other, &opened, [9; 32]),
            "別のサーバーのファイルです",
        ),
        (nested, "端末のファイルではありません"),
        (sealed.clone(), "登録 1件、登録済みだったもの 0件"),
        (sealed, "登録 0件、登録済みだったもの 1件"),
    ] {
        let page = hand_in(&house, &file.to_string()).await;
        assert!(page.contains(told), "{told}: {page}");
    }
}

#[tokio::test]
async fn a_tablet_that_nobody_registered_is_not_known() {
    let house = House::build().await;
    let record = Tablet::new(7).signed(&statement(&house, 1));
    let (status, told) = send(&house, OPERATOR, vec![record]).await;
    assert_eq!(
        (status, told["code"].as_str()),
        (StatusCode::NOT_FOUND, Some("device_unknown"))
    );
}

#[tokio::test]
async fn a_key_that_is_none_and_a_file_that_is_none_are_refused_with_words() {
    let house = House::build().await;
    let body = json!({ "id": DEVICE, "name": "受付1", "public_key": "04".repeat(65) });
    let (status, told) = post(&house, OPERATOR, "/api/v1/tablet/devices", &body).await;
    assert_eq!(
        (status, told["code"].as_str()),
        (StatusCode::UNPROCESSABLE_ENTITY, Some("device_refused"))
    );
    let page = hand_in(&house, "{\"sesshu\":\"something else\"}").await;
    assert!(page.contains("端末のファイルではありません"), "{page}");
}

fn file(records: Vec<Value>) -> String {
    json!({ "sesshu": "tablet-queue", "version": 1, "device": DEVICE, "device_name": "受付1", "records": records })
        .to_string()
}

/// The page that answers a file handed in at the desk by the administrator.
async fn hand_in(house: &House, file: &str) -> String {
    let bearer = house
        .bearer(house.person(ADMINISTRATOR.0, ADMINISTRATOR.1))
        .await;
    let body = format!(
        "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"q.json\"\r\n\r\n{file}\r\n--b--\r\n"
    );
    let headers = [
        (bearer.0, bearer.1.as_str()),
        ("content-type", "multipart/form-data; boundary=b"),
    ];
    house
        .send(Method::POST, "/venue/queue", &headers, body)
        .await
        .text
}
