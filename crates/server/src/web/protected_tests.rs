//! People under 支援措置 (a violent partner looks for them): every way into the program is tried with
//! such a person, as everybody who may take it, and none tells who they are.
//!
//! The ways are those of `web/routes.rs`, so a new one is tried without anybody thinking of it.

use std::collections::BTreeSet;

use axum::http::{Method, StatusCode};
use domain::access::{self, Action, OrganisationKind, Role};
use serde_json::{Value, json};

use super::house::{House, filled};
use super::routes::{Guard, Listed};

const NUMBER: &str = "0000000001";
const LINES: [&str; 2] = ["211310160000000001", "221310160000000001"];
/// A number one slip away from the person's, of a dose the person lacks, and what it should have been.
const MISREAD: &str = "231310160000000004";
const MEANT: &str = "231310160000000001";
/// What tells who somebody is, in each form it may be written.
const SECRETS: [&str; 12] = [
    "秘密 守",
    "秘密　守",
    "ヒミツ マモル",
    "SECRET-77",
    "19310719",
    "1931-07-19",
    "1931年7月19日",
    "983205673214",
    PLACE,
    HOUSE,
    "9990077",
    "999-0077",
];
/// Where the person lives, as a register might send it.
const PLACE: &str = "秘匿町9-9";
const HOUSE: &str = "秘匿荘9号室";
/// Questions put to every way that can be asked something.
const QUERIES: [&str; 8] = [
    "",
    "text=0000000001",
    "text=%E7%A7%98%E5%AF%86",
    "number=0000000001",
    "q=0000000001",
    "q=%E7%A7%98%E5%AF%86",
    "day=2021-04-12",
    "digits=211310160000000001&coupon=211310160000000001&line=211310160000000001",
];
/// The only ways on which such a person is opened, by a second step with a purpose.
const OPENED: [&str; 3] = [
    "/city/people/0000000001?open=yes&purpose=desk",
    "/city/people/0000000001/disclosure?purpose=own-request",
    "/api/v1/persons/0000000001?purpose=desk",
];

fn residents(birth: &str) -> String {
    format!(
        "自治体コード,個別宛名番号,個人番号,券番号,氏名漢字,氏名カナ,生年月日,性別,異動区分,異動日,支援措置区分,郵便番号,住所,方書\r\n\
         131016,SECRET-77,983205673214,{NUMBER},秘密 守,ヒミツ マモル,{birth},1,1,,1,999-0077,{PLACE},{HOUSE}\r\n"
    )
}

/// The kind of a body, and the body.
type Body = (&'static str, String);

/// The house with the person in it and two records, one of them with a finding; the later record, and
/// its receipt number.
async fn house() -> (House, String, String) {
    let house = House::build().await;
    let clerk = (OrganisationKind::City, Role::Operator);
    let file = ("text/csv", residents("19310719"));
    let (status, text) = send(&house, clerk, Method::POST, "/api/v1/residents", file).await;
    assert_eq!(status, StatusCode::OK, "{text}");
    let (mut dose, mut number) = (String::new(), String::new());
    for (turn, line) in LINES.iter().enumerate() {
        let nurse = (OrganisationKind::Venue, Role::Operator);
        let body = ("application/json", reported(turn, line).to_string());
        let (status, text) = send(&house, nurse, Method::POST, "/api/v1/doses", body).await;
        assert_eq!(status, StatusCode::CREATED, "{text}");
        let receipt: Value = serde_json::from_str(&text).unwrap();
        receipt["dose"].as_str().unwrap().clone_into(&mut dose);
        let proves = receipt["receipt_number"].as_str().unwrap();
        proves.clone_into(&mut number);
    }
    propose_a_repair(&house).await;
    (house, dose, number)
}

/// A record that is probably the person's, and a proposal to make it so.
async fn propose_a_repair(house: &House) {
    let (nurse, clerk) = (
        (OrganisationKind::Venue, Role::Operator),
        (OrganisationKind::City, Role::Administrator),
    );
    let json = |value: Value| ("application/json", value.to_string());
    let mut misread = reported(MISREAD_ID, MISREAD);
    misread["input"] = json!("ocr");
    // What a device has read rightly around that time is nobody it misread.
    misread["device"] = json!("another");
    let body = json(misread);
    let (status, text) = send(house, nurse, Method::POST, "/api/v1/doses", body).await;
    assert_eq!(status, StatusCode::CREATED, "{text}");
    let path = format!("/api/v1/records/{}", id(MISREAD_ID));
    let nothing = ("text/plain", String::new());
    let (_, text) = send(house, clerk, Method::GET, &path, nothing).await;
    let story: Value = serde_json::from_str(&text).unwrap();
    let pair = json!({
        "record": id(MISREAD_ID), "coupon": MEANT, "version": story["record"]["version"],
    });
    let repair = json!({ "id": id(PROPOSAL_ID), "reason": "読み違い", "pairs": [pair] });
    let (status, text) = send(house, clerk, Method::POST, "/api/v1/repairs", json(repair)).await;
    assert_eq!(status, StatusCode::CREATED, "{text}");
}

const MISREAD_ID: usize = 2;
const PROPOSAL_ID: usize = 5;

/// The repair as a form of ours sends it; what the record said is not asked for a preview.
fn pair() -> String {
    format!("{}:{}:{MEANT}", id(MISREAD_ID), "0".repeat(64))
}

fn id(number: usize) -> String {
    format!("01890a5d-ac96-774b-bcce-b302099a805{number}")
}

fn reported(turn: usize, line: &str) -> Value {
    json!({
        "id": id(turn), "coupon": line, "given_on": "2021-04-12", "product": "comirnaty_12_mono",
        "lot": "EY2173", "doctor": "鈴木", "device": "test", "input": "api",
    })
}

/// What is sent to a way that takes something, so that it has the person's record to answer about.
fn body_for(listed: &Listed) -> Body {
    let json = |value: Value| ("application/json", value.to_string());
    match listed.path {
        _ if listed.method == Method::GET => ("text/plain", String::new()),
        "/api/v1/doses" => json(reported(0, LINES[0])),
        "/api/v1/checks" => json(json!({
            "coupon": LINES[0], "product": "comirnaty_12_mono", "lot": "EY2173",
        })),
        "/api/v1/residents" | "/api/v1/imports" => ("text/csv", residents("19310231")),
        "/city/inquiries/load" => (
            "multipart/form-data; boundary=b",
                "--b\r\ncontent-disposition: form-data; name=\"purpose\"\r\n\r\nmoved-in\r\n\
                 --b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"q.csv\"\r\n\r\n\
                 照会番号,個人番号,生年月日\r\n1,983205673214,19310231\r\n2,983205673215,19310719\r\n--b--\r\n"
                .to_owned(),
        ),
        "/api/v1/inquiries" => json(json!({ "purpose": "moved-in", "number": NUMBER })),
        "/city/inquiries/ask" => (
            "application/x-www-form-urlencoded",
            format!("number={NUMBER}&purpose=moved-in"),
        ),
        "/city/residents/load" | "/city/records/load" => (
            "multipart/form-data; boundary=b",
            format!(
                "--b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"r.csv\"\r\n\r\n{}\r\n--b--\r\n",
                residents("19310231")
            ),
        ),
        "/venue/drafts" | "/venue/drafts/entries" => (
            "application/x-www-form-urlencoded",
            format!("draft={}&act=products", crate::web::percent_encoded(&draft())),
        ),
        path if path.ends_with("/records/{dose}/reports") => (
            "application/x-www-form-urlencoded",
            "kind=adverse_reaction".to_owned(),
        ),
        path if path.ends_with("/corrections") => {
            let mut body = reported(7, LINES[1]);
            body["turn"] = json!(2);
            body["lot"] = json!("EY2174");
            body["reason"] = json!("読み違い");
            json(body)
        }
        path if path.starts_with("/api/v1/repairs") => json(json!({
            "id": id(6), "reason": "読み違い", "pairs": [
                { "record": id(MISREAD_ID), "version": "0".repeat(64), "coupon": MEANT }],
        })),
        "/api/v1/approval-settings" => json(json!({ "matters": [] })),
        "/api/v1/confirmations" => json(json!({ "id": id(7), "until": "2021-04-12" })),
        path if path.starts_with("/api/v1/") => json(json!({ "id": id(8), "reason": "読み違い" })),
        _ => (
            "application/x-www-form-urlencoded",
            format!(
                "line={0}&digits={0}&coupon={0}&id={1}&given_on=2021-04-12&turn=2&product=comirnaty_12_mono\
                 &lot=EY2175&doctor=a&reason=b&venue_name=c&compared=yes&pair={2}&item=dose:{3}\
                 &until=2021-04-12&answer=d",
                LINES[1],
                id(9),
                pair(),
                id(MISREAD_ID),
            ),
        ),
    }
}

/// The code of a form that was printed for the person.
fn draft() -> String {
    domain::drafts::Draft {
        form: id(4).parse().unwrap(),
        city: domain::places::MunicipalityCode::parse("131016").unwrap(),
        coupon: domain::coupons::CouponLine::parse(LINES[1]).ok(),
        venue: None,
        on: domain::calendar::Day::parse("2021-04-12"),
        product: None,
        lot: None,
    }
    .text()
}

async fn send(
    house: &House,
    (kind, role): (OrganisationKind, Role),
    method: Method,
    path: &str,
    (content, body): Body,
) -> (StatusCode, String) {
    let (name, token) = house.bearer(house.person(kind, role)).await;
    let headers = [(name, token.as_str()), ("content-type", content)];
    let answer = house.send(method, path, &headers, body).await;
    let told = format!("{}{}", answer.text, answer.location());
    (answer.status, told)
}

fn addresses(listed: &Listed, dose: &str, receipt: &str) -> Vec<String> {
    let path = listed
        .path
        .replace("{number}", NUMBER)
        .replace("{digits}", LINES[1])
        .replace("{proposal}", &id(PROPOSAL_ID))
        .replace("{item}", &format!("dose:{}", id(MISREAD_ID)))
        .replace("{list}", "misreads")
        .replace("{receipt}", receipt)
        .replace("{dose}", dose);
    let path = if path.contains("/misreads/") || path.ends_with("/candidates") {
        path.replace(dose, &id(MISREAD_ID))
    } else {
        path
    };
    let path = filled(&path);
    if listed.method == Method::GET {
        let with = |query: &&str| format!("{path}?{query}");
        QUERIES.iter().map(with).collect()
    } else {
        vec![path]
    }
}

/// Whether somebody is let in at all; that all others are not is a test of its own.
fn may_take(house: &House, (kind, role): (OrganisationKind, Role), guard: Guard) -> bool {
    let actor = house.person(kind, role).actor();
    match guard {
        Guard::Public | Guard::LoggedIn => true,
        Guard::May(action) => access::may(&actor, action, &actor.territory.place()),
    }
}

fn secret_in(text: &str) -> Option<&'static str> {
    SECRETS.into_iter().find(|secret| text.contains(secret))
}

#[tokio::test]
async fn no_way_in_tells_who_a_protected_person_is() {
    let (house, dose, receipt) = house().await;
    let mut shown = BTreeSet::new();
    let mut list: Vec<Listed> = crate::web::routes().list().to_vec();
    // First those that only read, while the records are as they were.
    list.sort_by_key(|listed| listed.method != Method::GET);
    for listed in &list {
        for kind in OrganisationKind::ALL {
            for role in Role::ALL {
                let who = (kind, role);
                if !may_take(&house, who, listed.guard) {
                    continue;
                }
                for address in addresses(listed, &dose, &receipt) {
                    let method = listed.method.clone();
                    let body = body_for(listed);
                    let (status, text) = send(&house, who, method, &address, body).await;
                    let leak = secret_in(&text);
                    assert!(leak.is_none(), "{who:?} {listed:?} {address}: {leak:?}");
                    if !status.is_success() {
                        // It asks for what this person has not; another question helps it no more.
                        break;
                    }
                    let tells = |part: &&str| text.contains(part);
                    if [NUMBER, LINES[0], LINES[1]].iter().any(tells) {
                        shown.insert(format!("{} {}", listed.method, listed.path));
                    }
                }
            }
        }
    }
    // These had the person's coupon before them and hid the person: the test means something.
    let shown: Vec<&str> = shown.iter().map(String::as_str).collect();
    assert_eq!(shown, SHOWN);
}

/// The ways on which a protected person's records are worked with, under the coupon's number alone.
const SHOWN: &[&str] = &[
    "GET /api/v1/doses",
    "GET /api/v1/doses/{dose}",
    "GET /api/v1/ledger/entries",
    "GET /api/v1/persons",
    "GET /api/v1/persons/{number}/coupons",
    "GET /api/v1/proposals/{proposal}",
    "GET /api/v1/records",
    "GET /api/v1/records/{dose}",
    "GET /api/v1/records/{dose}/candidates",
    "GET /city/exports/file",
    "GET /city/findings",
    "GET /city/inquiries",
    "GET /city/ledger",
    "GET /city/looks",
    "GET /city/people",
    "GET /city/people/{number}",
    "GET /city/people/{number}/coupons",
    "GET /city/people/{number}/disclosure",
    "GET /city/people/{number}/looks",
    "GET /city/people/{number}/looks.csv",
    "GET /city/proposals/{proposal}",
    "GET /city/records/{dose}",
    "GET /city/worklists/findings",
    "GET /city/worklists/misreads",
    "GET /city/worklists/misreads/{dose}",
    "GET /city/worklists/pending",
    "GET /venue/records/{dose}",
    "GET /venue/result/{dose}",
    "GET /venue/today",
    // It shows again what was searched for.
    "GET /venues",
    "POST /api/v1/checks",
    "POST /api/v1/inquiries",
    "POST /city/inquiries/ask",
    "POST /city/repairs",
    "POST /venue/check",
    "POST /venue/drafts",
    "POST /venue/drafts/entries",
];

#[tokio::test]
async fn a_search_by_name_does_not_lead_to_a_protected_person() {
    let (house, _, _) = house().await;
    let clerk = (OrganisationKind::City, Role::Administrator);
    for (address, leads) in [
        ("/city/ledger?text=0000000001", true),
        ("/city/ledger?text=%E7%A7%98%E5%AF%86", false),
        ("/city/ledger?text=%E3%83%92%E3%83%9F%E3%83%84", false),
        ("/city/people?q=0000000001", true),
        ("/city/people?q=211310160000000001", true),
        ("/city/people?q=SECRET-77", true),
        ("/city/people?q=%E7%A7%98%E5%AF%86", false),
        ("/city/people?q=%E3%83%92%E3%83%9F%E3%83%84", false),
        ("/city/people?q=S6.7.19", false),
        ("/api/v1/persons?q=0000000001", true),
        ("/api/v1/persons?q=%E7%A7%98%E5%AF%86", false),
        (
            "/api/v1/persons?q=%E3%83%92%E3%83%9F%E3%83%84+19310719",
            false,
        ),
        ("/api/v1/records?text=0000000001", true),
        ("/api/v1/records?text=%E7%A7%98%E5%AF%86", false),
        ("/api/v1/records?text=%E3%83%92%E3%83%9F%E3%83%84", false),
    ] {
        let nothing = ("text/plain", String::new());
        let (status, text) = send(&house, clerk, Method::GET, address, nothing).await;
        assert_eq!(status, StatusCode::OK, "{text}");
        // The pages link to records and people, the API names lines and numbers.
        let marks = [
            "/city/records/0",
            "/city/people/0000000001",
            "\"number\":\"0000000001\"",
        ];
        let is_in_api = address.starts_with("/api/v1/records") && text.contains(LINES[0]);
        let found = is_in_api || marks.into_iter().any(|mark| text.contains(mark));
        assert_eq!(found, leads, "{address}");
    }
}

#[tokio::test]
async fn a_protected_person_is_opened_by_a_second_step_whose_purpose_is_logged() {
    let (house, _, _) = house().await;
    let clerk = (OrganisationKind::City, Role::Operator);
    let nothing = || ("text/plain", String::new());
    for address in OPENED {
        let (status, text) = send(&house, clerk, Method::GET, address, nothing()).await;
        assert_eq!(status, StatusCode::OK, "{text}");
        assert_eq!(secret_in(&text), Some("秘密 守"), "{address}");
        for never in ["983205673214", PLACE, HOUSE, "9990077", "999-0077"] {
            assert!(!text.contains(never), "not even there: {never}");
        }
        for (kind, role) in [
            (OrganisationKind::Venue, Role::Administrator),
            (OrganisationKind::Prefecture, Role::Administrator),
            (OrganisationKind::Nation, Role::Administrator),
        ] {
            let (status, _) = send(&house, (kind, role), Method::GET, address, nothing()).await;
            assert_eq!(status, StatusCode::FORBIDDEN, "{address}");
        }
    }
    let boss = house.person(OrganisationKind::City, Role::Administrator);
    let actor = boss.actor();
    let city = domain::places::MunicipalityCode::parse("131016").unwrap();
    let permit = access::city(&actor, Action::SeeAccessLog, city).unwrap();
    let looks = store::audit::looks(&house.app.db, &permit, None)
        .await
        .unwrap();
    let purposes: Vec<&str> = looks
        .iter()
        .filter(|look| ["person", "disclosure"].contains(&look.view.view.as_str()))
        .map(|look| look.view.purpose.as_str())
        .collect();
    assert_eq!(purposes, ["desk", "own-request", "desk"]);
}
