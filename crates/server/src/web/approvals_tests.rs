//! Two clerks and one change: what the pages and the API let each of them do.

use axum::http::{Method, StatusCode};
use domain::access::{OrganisationKind, Role};
use serde_json::{Value, json};

use super::house::{Answer, House};

const CLERK: Role = Role::Operator;
const BOSS: Role = Role::Administrator;
const FORM: &str = "application/x-www-form-urlencoded";

fn id(number: u32) -> String {
    format!("01890a5d-ac96-774b-bcce-b3020{number:07}")
}

async fn ask(
    house: &House,
    who: (OrganisationKind, Role),
    method: Method,
    path: &str,
    body: &Value,
) -> (StatusCode, Value) {
    let (name, token) = house.bearer(house.person(who.0, who.1)).await;
    let headers = [(name, token.as_str()), ("content-type", "application/json")];
    let answer = house.send(method, path, &headers, body.to_string()).await;
    let json = serde_json::from_str(&answer.text).unwrap_or(Value::Null);
    (answer.status, json)
}

async fn city(
    house: &House,
    role: Role,
    method: Method,
    path: &str,
    body: Value,
) -> (StatusCode, Value) {
    ask(house, (OrganisationKind::City, role), method, path, &body).await
}

async fn page(house: &House, role: Role, method: Method, path: &str, form: String) -> Answer {
    let (name, token) = house
        .bearer(house.person(OrganisationKind::City, role))
        .await;
    let headers = [
        (name, token.as_str()),
        ("content-type", FORM),
        ("accept-language", "ja"),
    ];
    house.send(method, path, &headers, form).await
}

/// Registers a dose at the venue; its record's id and version.
async fn dose(house: &House, number: u32, coupon: &str, input: &str) -> (String, String) {
    let body = json!({
        "id": id(number), "coupon": coupon, "given_on": "2021-04-12", "product": "comirnaty_12_mono",
        "lot": "EY2173", "doctor": "鈴木", "device": "tablet-1", "input": input,
    });
    let nurse = (OrganisationKind::Venue, Role::Operator);
    let (status, receipt) = ask(house, nurse, Method::POST, "/api/v1/doses", &body).await;
    assert_eq!(status, StatusCode::CREATED, "{receipt}");
    let path = format!("/api/v1/records/{}", id(number));
    let (_, story) = city(house, CLERK, Method::GET, &path, Value::Null).await;
    (
        id(number),
        story["record"]["version"].as_str().unwrap().to_owned(),
    )
}

async fn load(house: &House) {
    let file = "自治体コード,個別宛名番号,個人番号,券番号,氏名漢字,氏名カナ,生年月日,性別,異動区分,異動日,支援措置区分\r\n\
                131016,A-1,,0001000001,山田 花子,ヤマダ ハナコ,19500101,2,1,,0\r\n";
    let (name, token) = house
        .bearer(house.person(OrganisationKind::City, CLERK))
        .await;
    let headers = [(name, token.as_str()), ("content-type", "text/csv")];
    let answer = house
        .send(Method::POST, "/api/v1/residents", &headers, file)
        .await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
}

fn correction(number: u32, version: &str, lot: &str) -> Value {
    json!({
        "id": id(number), "given_on": "2021-04-12", "turn": 1, "product": "comirnaty_12_mono", "lot": lot,
        "doctor": "鈴木", "reason": "予診票と照合", "version": version,
    })
}

#[tokio::test]
async fn a_clerk_proposes_and_another_one_approves() {
    let house = House::build().await;
    let (record, version) = dose(&house, 1, "211310160001000001", "qr").await;
    let wanted = json!({ "matters": ["correction"] });
    let settings = "/api/v1/approval-settings";
    let (status, _) = city(&house, CLERK, Method::PUT, settings, wanted.clone()).await;
    assert_eq!(status, StatusCode::FORBIDDEN, "the administrator sets it");
    let (status, set) = city(&house, BOSS, Method::PUT, settings, wanted).await;
    assert_eq!(
        (status, &set["matters"]),
        (StatusCode::OK, &json!(["correction", "repair"]))
    );

    let path = format!("/api/v1/records/{record}/corrections");
    let (status, body) = city(
        &house,
        CLERK,
        Method::POST,
        &path,
        correction(2, &version, "FA0001"),
    )
    .await;
    assert_eq!(status, StatusCode::ACCEPTED, "{body}");
    let proposal = body["proposal"].as_str().unwrap();
    assert_eq!(proposal, id(2));

    let approve = format!("/api/v1/proposals/{proposal}/approvals");
    let (status, problem) = city(&house, CLERK, Method::POST, &approve, json!({})).await;
    assert_eq!(
        (status, &problem["code"]),
        (StatusCode::CONFLICT, &json!("own_proposal"))
    );
    // The page says the same, and has no button for it.
    let shown = page(
        &house,
        CLERK,
        Method::GET,
        &format!("/city/proposals/{proposal}"),
        String::new(),
    )
    .await;
    assert!(
        shown.text.contains("自分の提案は、自分では承認できません")
            && !shown.text.contains("/approve\"")
    );
    let tried = page(
        &house,
        CLERK,
        Method::POST,
        &format!("/city/proposals/{proposal}/approve"),
        String::new(),
    )
    .await;
    assert_eq!(tried.status, StatusCode::UNPROCESSABLE_ENTITY);

    let shown = page(
        &house,
        BOSS,
        Method::GET,
        &format!("/city/proposals/{proposal}"),
        String::new(),
    )
    .await;
    for told in ["EY2173", "FA0001", "予診票と照合", "/approve\""] {
        assert!(shown.text.contains(told), "{told}");
    }
    let done = page(
        &house,
        BOSS,
        Method::POST,
        &format!("/city/proposals/{proposal}/approve"),
        String::new(),
    )
    .await;
    assert!(
        done.location().ends_with("notice=proposal-approved"),
        "{done:?}"
    );
    let (_, story) = city(
        &house,
        CLERK,
        Method::GET,
        &format!("/api/v1/records/{record}"),
        Value::Null,
    )
    .await;
    assert_eq!(story["record"]["lot"], "FA0001");
    let (status, problem) = city(&house, BOSS, Method::POST, &approve, json!({})).await;
    assert_eq!(
        (status, &problem["code"]),
        (StatusCode::CONFLICT, &json!("proposal_decided"))
    );
}

#[tokio::test]
async fn who_was_slower_is_shown_what_the_other_did() {
    let house = House::build().await;
    let (record, version) = dose(&house, 1, "211310160001000001", "qr").await;
    let path = format!("/api/v1/records/{record}/corrections");
    let (status, _) = city(
        &house,
        BOSS,
        Method::POST,
        &path,
        correction(2, &version, "FA0001"),
    )
    .await;
    assert_eq!(status, StatusCode::CREATED);
    let (status, problem) = city(
        &house,
        CLERK,
        Method::POST,
        &path,
        correction(3, &version, "FA0002"),
    )
    .await;
    assert_eq!(
        (status, &problem["code"]),
        (StatusCode::CONFLICT, &json!("record_changed_meanwhile"))
    );

    let form = format!(
        "id={}&version={version}&given_on=2021-04-12&turn=1&product=comirnaty_12_mono&lot=FA0003&doctor=a&reason=b",
        id(4)
    );
    let path = format!("/city/records/{record}/correct");
    let answer = page(&house, CLERK, Method::POST, &path, form).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    let (_, panel) = answer.text.split_once("meanwhile-title").unwrap();
    for told in ["EY2173", "FA0001", "value=\"FA0003\""] {
        assert!(panel.contains(told), "{told}");
    }
    // With what it says now before them, they may.
    let after = answer
        .text
        .split_once("name=\"version\" value=\"")
        .unwrap()
        .1;
    let now = after.split('"').next().unwrap();
    let form = format!(
        "id={}&version={now}&given_on=2021-04-12&turn=1&product=comirnaty_12_mono&lot=FA0003&doctor=a&reason=b",
        id(5)
    );
    let answer = page(&house, CLERK, Method::POST, &path, form).await;
    assert!(
        answer.location().ends_with("notice=city-corrected"),
        "{answer:?}"
    );
}

#[tokio::test]
async fn a_misread_is_found_previewed_proposed_approved_and_undone() {
    let house = House::build().await;
    load(&house).await;
    let (record, version) = dose(&house, 1, "211310160004000001", "ocr").await;
    let candidates = format!("/api/v1/records/{record}/candidates");
    let (_, found) = city(&house, CLERK, Method::GET, &candidates, Value::Null).await;
    assert_eq!(found[0]["coupon"], "211310160001000001", "{found}");
    assert_eq!(found[0]["name"], "山田 花子");
    assert!(
        found[0]["reasons"]
            .as_array()
            .unwrap()
            .contains(&json!("often_confused"))
    );
    let shown = page(
        &house,
        CLERK,
        Method::GET,
        "/city/worklists/misreads",
        String::new(),
    )
    .await;
    assert!(
        shown.text.contains("山田 花子") && shown.text.contains(&format!("{record}:{version}:"))
    );

    let pairs = json!([{ "record": record, "version": version, "coupon": "211310160001000001" }]);
    let preview = json!({ "pairs": pairs });
    let (_, preview) = city(
        &house,
        CLERK,
        Method::POST,
        "/api/v1/repairs/previews",
        preview,
    )
    .await;
    assert_eq!(
        (&preview["fits"], &preview["people"]),
        (&json!(true), &json!(1)),
        "{preview}"
    );
    assert_eq!(preview["effects"].as_array().unwrap().len(), 2);
    let form = format!("pair={record}:{version}:211310160001000001");
    let shown = page(&house, CLERK, Method::POST, "/city/repairs", form.clone()).await;
    assert_eq!(shown.status, StatusCode::OK);
    let sent = format!("{form}&id={}&reason=%E7%85%A7%E5%90%88", id(7));
    let answer = page(&house, CLERK, Method::POST, "/city/repairs/propose", sent).await;
    assert!(answer.location().contains(&id(7)), "{answer:?}");

    let own = format!("/api/v1/proposals/{}/approvals", id(7));
    let (status, problem) = city(&house, CLERK, Method::POST, &own, json!({})).await;
    assert_eq!(
        (status, &problem["code"]),
        (StatusCode::CONFLICT, &json!("own_proposal"))
    );
    let (status, body) = city(&house, BOSS, Method::POST, &own, json!({})).await;
    assert_eq!(
        (status, &body["state"], &body["done"]),
        (StatusCode::OK, &json!("approved"), &json!(1))
    );
    let (_, person) = city(
        &house,
        CLERK,
        Method::GET,
        "/api/v1/persons/0001000001",
        Value::Null,
    )
    .await;
    assert_eq!(person["records"][0]["standing"], "counted");

    let undo = format!("/api/v1/proposals/{}/undoings", id(7));
    let body = json!({ "id": id(8), "reason": "別の人だった" });
    let (status, _) = city(&house, BOSS, Method::POST, &undo, body).await;
    assert_eq!(status, StatusCode::CREATED);
    let approve = format!("/city/proposals/{}/approve", id(8));
    page(&house, CLERK, Method::POST, &approve, String::new()).await;
    let (_, person) = city(
        &house,
        CLERK,
        Method::GET,
        "/api/v1/persons/0001000001",
        Value::Null,
    )
    .await;
    assert_eq!(person["records"][0]["standing"], "void");
    let report = store::verify::verify(&house.app.db).await.unwrap();
    assert_eq!(report.difference, None);
}

#[tokio::test]
async fn work_is_taken_counted_and_confirmed_by_the_day() {
    let house = House::build().await;
    load(&house).await;
    let (record, _) = dose(&house, 1, "211310160004000001", "ocr").await;
    let (right, _) = dose(&house, 2, "211310160001000001", "qr").await;
    let owner = format!("/api/v1/worklists/items/dose:{record}/owner");
    let (status, _) = city(&house, CLERK, Method::PUT, &owner, Value::Null).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    let (status, problem) = city(&house, BOSS, Method::PUT, &owner, Value::Null).await;
    assert_eq!(
        (status, &problem["code"]),
        (StatusCode::CONFLICT, &json!("work_taken"))
    );
    let (_, counts) = city(&house, CLERK, Method::GET, "/api/v1/worklists", Value::Null).await;
    let pending = &counts[1];
    assert_eq!(
        (&pending["list"], &pending["count"], &pending["owned"]),
        (&json!("pending"), &json!(1), &json!(1))
    );
    let back = "item=dose:x&back=https://elsewhere.example/";
    let answer = page(
        &house,
        CLERK,
        Method::POST,
        "/city/worklists/take",
        back.to_owned(),
    )
    .await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    let back = format!("item=dose:{record}&back=https://elsewhere.example/");
    let answer = page(
        &house,
        CLERK,
        Method::POST,
        "/city/worklists/give-back",
        back,
    )
    .await;
    assert_eq!(answer.location(), "/city?notice=work-given");

    let form = format!("id={}&until=2021-04-12", id(9));
    let answer = page(&house, CLERK, Method::POST, "/city/locks", form).await;
    assert!(
        answer.location().ends_with("notice=locks-begun"),
        "{answer:?}"
    );
    let (_, body) = city(
        &house,
        CLERK,
        Method::GET,
        &format!("/api/v1/proposals/{}", id(9)),
        Value::Null,
    )
    .await;
    assert_eq!(
        (&body["proposal"]["records"], &body["proposal"]["done"]),
        (&json!(1), &json!(1))
    );
    let (_, story) = city(
        &house,
        CLERK,
        Method::GET,
        &format!("/api/v1/records/{right}"),
        Value::Null,
    )
    .await;
    assert_eq!(story["record"]["confirmed"], true);
    let venue = house.person(OrganisationKind::Venue, CLERK).organisation.id;
    let reopen = json!({ "id": id(10), "venue": venue.0, "day": "2021-04-12", "reopen": true, "reason": "綴り違い" });
    let (status, _) = city(
        &house,
        CLERK,
        Method::POST,
        "/api/v1/confirmations",
        reopen.clone(),
    )
    .await;
    assert_eq!(status, StatusCode::FORBIDDEN, "for administrators");
    let (status, body) = city(&house, BOSS, Method::POST, "/api/v1/confirmations", reopen).await;
    assert_eq!(
        (status, &body["done"]),
        (StatusCode::CREATED, &json!(1)),
        "{body}"
    );
}

#[tokio::test]
async fn a_day_that_was_set_up_and_never_entered_is_on_the_list_the_day_after() {
    let house = House::build().await;
    let nurse = (OrganisationKind::Venue, Role::Operator);
    let setting = json!({
        "given_on": "2021-04-12", "venue_name": "会場", "doctor": "鈴木", "product": "comirnaty_12_mono",
        "lot": "EY2173",
    });
    let (status, body) = ask(&house, nurse, Method::PUT, "/api/v1/day-setting", &setting).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    let sessions = "/api/v1/worklists/sessions";
    let (_, today) = city(&house, CLERK, Method::GET, sessions, Value::Null).await;
    assert_eq!(today, json!([]), "the day is not over");
    house.wait(24 * 3_600_000_000);
    let (_, found) = city(&house, CLERK, Method::GET, sessions, Value::Null).await;
    assert_eq!(
        (&found[0]["day"], &found[0]["recorded"]),
        (&json!("2021-04-12"), &json!(0)),
        "{found}"
    );
    let shown = page(
        &house,
        CLERK,
        Method::GET,
        "/city/worklists/sessions",
        String::new(),
    )
    .await;
    assert!(shown.text.contains("設定だけで登録がありません"));
}
