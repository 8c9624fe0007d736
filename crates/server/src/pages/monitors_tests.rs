//! The monitor over the pages and the API: from the nation down to a lot, by whoever may see it.

use axum::http::{Method, StatusCode};
use domain::access::{OrganisationKind, Role};
use serde_json::Value;

use crate::web::house::{Answer, FACILITY, House};

type Who = (OrganisationKind, Role);
const NATION: Who = (OrganisationKind::Nation, Role::Operator);
const PREFECTURE: Who = (OrganisationKind::Prefecture, Role::Operator);
const CLERK: Who = (OrganisationKind::City, Role::Operator);
const NURSE: Who = (OrganisationKind::Venue, Role::Operator);
const SELLER: Who = (OrganisationKind::Wholesaler, Role::Operator);
const MAKER: Who = (OrganisationKind::Maker, Role::Operator);
const FORM: &str = "application/x-www-form-urlencoded";

async fn send(house: &House, (kind, role): Who, method: Method, path: &str, body: &str) -> Answer {
    let (name, token) = house.bearer(house.person(kind, role)).await;
    let headers = [(name, token.as_str()), ("content-type", FORM)];
    house.send(method, path, &headers, body.to_owned()).await
}

async fn get(house: &House, who: Who, path: &str) -> Answer {
    send(house, who, Method::GET, path, "").await
}

async fn page(house: &House, who: Who, path: &str) -> String {
    let answer = get(house, who, path).await;
    assert_eq!(answer.status, StatusCode::OK, "{path} {}", answer.text);
    answer.text
}

async fn json(house: &House, who: Who, path: &str) -> Value {
    serde_json::from_str(&page(house, who, path).await).unwrap()
}

/// Ten vials were delivered to the venue, and received.
async fn supplied() -> House {
    let house = House::build().await;
    let delivery = format!(
        "slip=D-1&facility={FACILITY}&product=comirnaty_12_mono&lot=EY2173&expires=2021-04-20&vials=10\
         &delivered_on=2021-04-12&temperature=kept"
    );
    let answer = send(&house, SELLER, Method::POST, "/deliveries", &delivery).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    let stock = page(&house, NURSE, "/venue/stock").await;
    let of = stock.split("name=\"of\" value=\"").nth(1).unwrap();
    let of = of.split('"').next().unwrap();
    let receipt =
        format!("act=01890a5d-ac96-774b-bcce-b30209000001&of={of}&vials=9&shelf=frozen&note=1");
    let answer = send(
        &house,
        NURSE,
        Method::POST,
        "/venue/stock/receive",
        &receipt,
    )
    .await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    house
}

fn venue(house: &House) -> String {
    let nurse = house.person(NURSE.0, NURSE.1);
    nurse.organisation.id.to_string()
}

#[tokio::test]
async fn where_nothing_moved_the_page_says_so() {
    let house = House::build().await;
    let text = page(&house, NATION, "/monitor").await;
    assert!(text.contains("まだ一つも登録されていません"), "{text}");
    assert_eq!(
        json(&house, NATION, "/api/v1/monitor").await["items"],
        Value::Array(vec![])
    );
}

#[tokio::test]
async fn the_nation_goes_down_to_the_lots_of_a_venue() {
    let house = supplied().await;
    let nation = page(&house, NATION, "/monitor").await;
    assert!(nation.contains("<title>東京都 使用なし</title>"));
    assert!(nation.contains("/monitor/13?product=comirnaty_12_mono"));
    let prefecture = page(&house, NATION, "/monitor/13").await;
    assert!(prefecture.contains("/monitor/131016?product=comirnaty_12_mono"));
    assert!(!prefecture.contains("monitor-map"));
    let city = page(&house, NATION, "/monitor/131016").await;
    let id = venue(&house);
    assert!(city.contains(&format!("/monitor/{id}?product=")), "{city}");
    assert!(city.contains("新しい"));
    let lots = page(&house, NATION, &format!("/monitor/{id}")).await;
    assert!(
        lots.contains("EY2173") && lots.contains("14日以内"),
        "{lots}"
    );
    // A week later nobody has said a word, and three weeks later the page says so.
    house.wait(20 * 86_400_000_000);
    let city = page(&house, CLERK, "/monitor").await;
    assert!(city.contains("2週間を超えて登録なし"), "{city}");
    assert!(city.contains("期限切れ"));
}

#[tokio::test]
async fn a_place_that_is_not_ones_own_is_not_there() {
    let house = supplied().await;
    for path in ["JP", "13", "131032", "01", "999999", "nothing"] {
        for call in [
            format!("/monitor/{path}"),
            format!("/monitor/table?place={path}"),
            format!("/monitor/report?place={path}"),
            format!("/api/v1/monitor?place={path}"),
            format!("/api/v1/monitor/report?place={path}"),
        ] {
            let answer = get(&house, CLERK, &call).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{call}");
        }
    }
    let id = venue(&house);
    for (who, place, status) in [
        (CLERK, id.as_str(), StatusCode::OK),
        (PREFECTURE, id.as_str(), StatusCode::OK),
        (PREFECTURE, "131032", StatusCode::OK),
        (PREFECTURE, "011002", StatusCode::NOT_FOUND),
        (PREFECTURE, "01", StatusCode::NOT_FOUND),
        (PREFECTURE, "JP", StatusCode::NOT_FOUND),
    ] {
        let answer = get(&house, who, &format!("/monitor/{place}")).await;
        assert_eq!(answer.status, status, "{who:?} {place}");
    }
    for who in [SELLER, MAKER, NURSE] {
        for call in [
            "/monitor",
            "/monitor/JP",
            "/monitor/report",
            "/api/v1/monitor",
        ] {
            let answer = get(&house, who, call).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{who:?} {call}");
        }
    }
}

#[tokio::test]
async fn the_table_and_the_report_are_files_in_both_encodings() {
    let house = supplied().await;
    let file = page(&house, NATION, "/monitor/table?place=131016").await;
    let lines: Vec<&str> = file.split("\r\n").collect();
    assert_eq!(lines.len(), 4, "{file}");
    assert!(lines[1].starts_with(&format!("{FACILITY},")), "{file}");
    assert!(lines[1].contains(",comirnaty_12_mono,10,9,1,0,0,9,45,,0,0,0,"));
    assert!(lines[2].starts_with(",合計,comirnaty_12_mono,10,9,1,"));
    let id = venue(&house);
    let path = format!("/monitor/report?place={id}&day=2021-04-12");
    let report = page(&house, CLERK, &path).await;
    let head = format!("20210412,{FACILITY},");
    assert!(report.contains(&format!("受取,{head}")), "{report}");
    assert!(report.contains("EY2173,"), "{report}");
    assert!(
        report.ends_with(",9\r\n") && report.contains("在庫,20210412"),
        "{report}"
    );
    let answer = get(&house, CLERK, &format!("{path}&encoding=windows-31j")).await;
    assert_eq!(
        answer.headers["content-type"],
        "text/csv; charset=Shift_JIS"
    );
    let api = format!("/api/v1/monitor/report?place={id}&day=2021-04-12");
    assert_eq!(page(&house, CLERK, &api).await, report);
    let bad = get(&house, CLERK, "/api/v1/monitor/report?day=2021-04-31").await;
    assert_eq!(bad.status, StatusCode::UNPROCESSABLE_ENTITY);
    // Before it was told there is nothing.
    let before = page(&house, CLERK, "/monitor/report?day=2021-04-09").await;
    assert!(!before.contains("受取,"), "{before}");
}

#[tokio::test]
async fn a_program_reads_the_same_sums() {
    let house = supplied().await;
    let nation = json(&house, NATION, "/api/v1/monitor").await;
    assert_eq!(nation["product"], "comirnaty_12_mono");
    assert_eq!(nation["total"]["vials"]["on_hand"], 9);
    assert_eq!(nation["items"][0]["place"], "13");
    assert_eq!(nation["items"][0]["cover_tenths_of_week"], Value::Null);
    let city = json(&house, CLERK, "/api/v1/monitor").await;
    assert_eq!(city["total"]["place"], "131016");
    assert_eq!(city["items"][0]["age"], "fresh");
    assert_eq!(city["items"][0]["ending"]["within_14_days"], 9);
    let id = venue(&house);
    let lots = json(&house, CLERK, &format!("/api/v1/monitor?place={id}")).await;
    assert_eq!(lots["items"][0]["name"], "EY2173");
    assert_eq!(lots["items"][0]["vials"], nation["total"]["vials"]);
    assert_eq!(lots["items"][0]["doses_given"], Value::Null);
}
