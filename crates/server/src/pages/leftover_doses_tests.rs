//! Leftover doses over pages and API: the list, the next one to call, the answers, what the city sees, and who may not.

use axum::http::{Method, StatusCode};
use domain::access::{OrganisationKind, Role};
use serde_json::{Value, json};

use crate::web::house::{Answer, House};

type Who = (OrganisationKind, Role);
const CLERK: Who = (OrganisationKind::City, Role::Operator);
const NURSE: Who = (OrganisationKind::Venue, Role::Operator);
const FORM: &str = "application/x-www-form-urlencoded";
const PATH: &str = "/venue/leftover";
const WISH: &str =
    "from=00%3A00&needs=20&consent_on=2021-04-10&consent_way=paper&consent_until=2021-06-01";

async fn send(
    house: &House,
    (kind, role): Who,
    (method, path): (Method, &str),
    (content, body): (&str, String),
) -> Answer {
    let (name, token) = house.bearer(house.person(kind, role)).await;
    let headers = [(name, token.as_str()), ("content-type", content)];
    house.send(method, path, &headers, body).await
}

async fn get(house: &House, who: Who, path: &str) -> String {
    let nothing = ("text/plain", String::new());
    let answer = send(house, who, (Method::GET, path), nothing).await;
    assert_eq!(answer.status, StatusCode::OK, "{path} {}", answer.text);
    answer.text
}

async fn post(house: &House, who: Who, path: &str, body: &str) -> Answer {
    send(house, who, (Method::POST, path), (FORM, body.to_owned())).await
}

async fn done(house: &House, who: Who, path: &str, body: &str, notice: &str) {
    let answer = post(house, who, path, body).await;
    let told = answer.location().ends_with(&format!("notice={notice}"));
    assert!(told, "{path} {} {}", answer.status, answer.text);
}

async fn call(house: &House, (method, path): (Method, &str), body: &Value) -> (StatusCode, Value) {
    let path = format!("/api/v1{path}");
    let body = ("application/json", body.to_string());
    let answer = send(house, NURSE, (method, &path), body).await;
    (
        answer.status,
        serde_json::from_str(&answer.text).unwrap_or_default(),
    )
}

fn id(number: u64) -> String {
    format!("01890a5d-ac96-774b-bcce-b30209{number:06}")
}

/// Puts a person on the venue's list.
async fn waits(house: &House, person: u64) {
    let id = id(person);
    let body = format!("id={id}&coupon=21131016{person:010}&phone=03-0000-{person:04}&{WISH}");
    done(house, NURSE, "/venue/standby", &body, "standby-entered").await;
}

const TELL: &str = "seen=0&product=comirnaty_12_mono&lot=EY2173&purpose=primary&vials_opened=1&opened=12%3A30&stays=";

#[tokio::test]
async fn a_venue_calls_one_after_the_other_until_nothing_is_left() {
    let house = House::build().await;
    assert!(
        get(&house, NURSE, PATH)
            .await
            .contains("余剰の登録はまだありません")
    );
    for person in 1..=2 {
        waits(&house, person).await;
    }
    let body = format!("id={}&expected=4&{TELL}", id(10));
    done(&house, NURSE, PATH, &body, "leftover-told").await;
    let page = get(&house, NURSE, PATH).await;
    assert!(page.contains("残り 1 回分 — 18:30 まで"), "{page}");
    let calls = format!("{PATH}/{}/calls", id(10));
    let body = format!("id={}", id(11));
    done(&house, NURSE, &calls, &body, "leftover-call").await;
    let page = get(&house, NURSE, PATH).await;
    assert!(page.contains("03-0000-000"), "{page}");
    let one = format!("{PATH}/calls/{}", id(11));
    done(
        &house,
        NURSE,
        &one,
        "seen=1&word=declined",
        "leftover-answered",
    )
    .await;
    let body = format!("id={}", id(12));
    done(&house, NURSE, &calls, &body, "leftover-call").await;
    let refused = post(&house, NURSE, &calls, &format!("id={}", id(13))).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let two = format!("{PATH}/calls/{}", id(12));
    done(
        &house,
        NURSE,
        &two,
        "seen=1&word=accepted",
        "leftover-answered",
    )
    .await;
    let page = get(&house, NURSE, PATH).await;
    assert!(page.contains("来る予定の方"), "{page}");
    let stale = post(&house, NURSE, &two, "seen=1&word=declined").await;
    assert!(
        stale.text.contains("ほかの人が先に変更しました"),
        "{}",
        stale.text
    );
    // The city sees that two were called, and no person.
    let page = get(&house, CLERK, "/city/leftover").await;
    assert!(
        page.contains("EY2173") && !page.contains("03-0000"),
        "{page}"
    );
    let other = get(&house, CLERK, "/city/standby").await;
    assert!(!other.contains("03-0000"), "a venue's list is its own");
    for path in [PATH, "/venue/standby"] {
        let nothing = ("text/plain", String::new());
        let answer = send(&house, CLERK, (Method::GET, path), nothing).await;
        assert!(answer.is_refused("forbidden"), "{path}");
    }
}

#[tokio::test]
async fn what_cannot_be_entered_comes_back_as_it_was_typed() {
    let house = House::build().await;
    let body = format!("id={}&coupon=123&phone=12&{WISH}", id(1));
    let refused = post(&house, NURSE, "/venue/standby", &body).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        refused.text.contains("接種券の下段の18桁"),
        "{}",
        refused.text
    );
    assert!(
        refused.text.contains("電話番号を10桁以上"),
        "{}",
        refused.text
    );
    let body = format!("id={}&expected=0&{TELL}", id(10)).replace("12%3A30", "23%3A30");
    let refused = post(&house, NURSE, PATH, &body).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.text.contains("今までの時刻"), "{}", refused.text);
    let past = "valid_from=2021-04-01&first_from_age=&seen=0";
    let refused = post(&house, CLERK, "/city/leftover/rules", past).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let rule = "valid_from=2021-04-12&first_from_age=65&shares_list=1&seen=0";
    done(&house, CLERK, "/city/leftover/rules", rule, "leftover-rule").await;
    let page = get(&house, CLERK, "/city/leftover").await;
    assert!(
        page.contains("65歳以上") && page.contains("会場に共有"),
        "{page}"
    );
}

#[tokio::test]
async fn a_protected_person_is_named_on_no_list_and_called_by_a_second_step() {
    let house = House::build().await;
    let file = "自治体コード,個別宛名番号,個人番号,券番号,氏名漢字,氏名カナ,生年月日,性別,異動区分,異動日,支援措置区分,郵便番号,住所,方書\r\n\
                131016,SECRET-77,,0000000001,秘密 守,ヒミツ マモル,19310719,1,1,,1,,,\r\n";
    let body = ("text/csv", file.to_owned());
    let loaded = send(&house, CLERK, (Method::POST, "/api/v1/residents"), body).await;
    assert_eq!(loaded.status, StatusCode::OK, "{}", loaded.text);
    waits(&house, 1).await;
    let page = get(&house, NURSE, "/venue/standby").await;
    assert!(page.contains("支援措置の対象の方"), "{page}");
    assert!(
        !page.contains("0000000001") && !page.contains("03-0000-0001"),
        "{page}"
    );
    let body = format!("id={}&expected=0&{TELL}", id(10));
    done(&house, NURSE, PATH, &body, "leftover-told").await;
    let calls = format!("{PATH}/{}/calls", id(10));
    done(
        &house,
        NURSE,
        &calls,
        &format!("id={}", id(11)),
        "leftover-call",
    )
    .await;
    let page = get(&house, NURSE, PATH).await;
    assert!(!page.contains("03-0000-0001"), "{page}");
    let (_, told) = call(&house, (Method::GET, "/leftovers"), &Value::Null).await;
    assert_eq!(told["calls"][0]["phone"], Value::Null);
    let path = format!("{PATH}/calls/{}/phone", id(11));
    let shown = post(&house, NURSE, &path, "").await;
    assert_eq!(shown.status, StatusCode::OK);
    assert!(shown.text.contains("03-0000-0001"), "{}", shown.text);
    let looks = send(
        &house,
        (OrganisationKind::City, Role::Administrator),
        (Method::GET, "/city/looks"),
        ("text/plain", String::new()),
    );
    let looks = looks.await.text;
    assert!(looks.contains("キャンセル待ち"), "{looks}");
}

#[tokio::test]
async fn programs_do_the_same_once_each() {
    let house = House::build().await;
    let entry = json!({
        "id": id(1), "coupon": "211310160000000001", "phone": "03-0000-0001", "needs_minutes": 20,
        "consent_on": "2021-04-10", "consent_way": "phone", "consent_until": "2021-06-01",
    });
    let (status, told) = call(&house, (Method::POST, "/standby"), &entry).await;
    assert_eq!(
        (status, &told["number"]),
        (StatusCode::CREATED, &json!(1)),
        "{told}"
    );
    let (status, told) = call(&house, (Method::POST, "/standby"), &entry).await;
    assert_eq!((status, &told["replayed"]), (StatusCode::OK, &json!(true)));
    let mut twice = entry.clone();
    twice["id"] = json!(id(2));
    let (status, told) = call(&house, (Method::POST, "/standby"), &twice).await;
    assert_eq!(
        (status, &told["reason"]),
        (StatusCode::CONFLICT, &json!("twice"))
    );
    twice["phone"] = json!("12");
    let (status, _) = call(&house, (Method::POST, "/standby"), &twice).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    let left = json!({
        "id": id(10), "product": "comirnaty_12_mono", "lot": "EY2173", "purpose": "primary", "vials_opened": 1,
        "opened_at": "2021-04-12T12:30:00+09:00", "expected": 4,
    });
    let (status, told) = call(&house, (Method::POST, "/leftovers"), &left).await;
    assert_eq!(status, StatusCode::CREATED, "{told}");
    let (status, _) = call(&house, (Method::POST, "/leftovers"), &left).await;
    assert_eq!(status, StatusCode::OK);
    let calls = format!("/leftovers/{}/calls", id(10));
    let next = json!({ "id": id(11) });
    let (status, told) = call(&house, (Method::POST, &calls), &next).await;
    assert_eq!(
        (status, &told["number"]),
        (StatusCode::CREATED, &json!(1)),
        "{told}"
    );
    assert_eq!(told["phone"], "03-0000-0001");
    let (status, _) = call(&house, (Method::POST, &calls), &next).await;
    assert_eq!(status, StatusCode::OK);
    let (_, told) = call(&house, (Method::POST, &calls), &json!({ "id": id(12) })).await;
    assert_eq!(told["reason"], "none_free");
    let words = format!("/leftovers/calls/{}/words", id(11));
    let word = json!({ "word": "no_answer", "seen": 1 });
    let (status, _) = call(&house, (Method::POST, &words), &word).await;
    assert_eq!(status, StatusCode::CREATED);
    let (status, told) = call(
        &house,
        (Method::POST, &words),
        &json!({ "word": "not_come", "seen": 2 }),
    )
    .await;
    assert_eq!(
        (status, &told["reason"]),
        (StatusCode::CONFLICT, &json!("cannot_follow"))
    );
    the_consent_is_withdrawn_and_the_city_sees(&house).await;
}

async fn the_consent_is_withdrawn_and_the_city_sees(house: &House) {
    let withdrawals = format!("/standby/{}/withdrawals", id(1));
    let (status, _) = call(house, (Method::POST, &withdrawals), &json!({ "seen": 1 })).await;
    assert_eq!(status, StatusCode::CREATED);
    let (_, told) = call(house, (Method::GET, "/leftovers"), &Value::Null).await;
    assert_eq!(told["items"][0]["left"], 1, "{told}");
    let answer = send(
        house,
        CLERK,
        (Method::GET, "/api/v1/city/leftovers"),
        ("text/plain", String::new()),
    );
    let told: Value = serde_json::from_str(&answer.await.text).unwrap();
    assert_eq!(
        (&told["items"][0]["calls"], &told["items"][0]["no_answer"]),
        (&json!(1), &json!(1))
    );
}
