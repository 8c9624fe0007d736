//! The cold chain over the pages: a cooler, a reading outside, the quarantine, the decision.

use axum::http::{Method, StatusCode};
use domain::access::{OrganisationKind, Role};

use crate::web::house::{Answer, FACILITY, House};

type Who = (OrganisationKind, Role);
const CLERK: Who = (OrganisationKind::City, Role::Operator);
const PREFECTURE: Who = (OrganisationKind::Prefecture, Role::Operator);
const NURSE: Who = (OrganisationKind::Venue, Role::Operator);
const SELLER: Who = (OrganisationKind::Wholesaler, Role::Operator);
const FORM: &str = "application/x-www-form-urlencoded";
const GOODS: &str = "product=comirnaty_12_mono&lot=EY2173";
const PATH: &str = "/venue/temperatures";

async fn send(
    house: &House,
    (kind, role): Who,
    method: Method,
    path: &str,
    (content, body): (&str, Vec<u8>),
) -> Answer {
    let (name, token) = house.bearer(house.person(kind, role)).await;
    let headers = [(name, token.as_str()), ("content-type", content)];
    house.send(method, path, &headers, body).await
}

async fn get(house: &House, who: Who, path: &str) -> Answer {
    let answer = send(house, who, Method::GET, path, ("text/plain", Vec::new())).await;
    assert_eq!(answer.status, StatusCode::OK, "{path} {}", answer.text);
    answer
}

async fn post(house: &House, who: Who, path: &str, body: &str) -> Answer {
    let body = (FORM, body.as_bytes().to_vec());
    send(house, who, Method::POST, path, body).await
}

async fn done(house: &House, who: Who, path: &str, body: &str, notice: &str) -> String {
    let answer = post(house, who, path, body).await;
    assert!(
        answer.location().ends_with(&format!("notice={notice}")),
        "{path} {} {}",
        answer.status,
        answer.text
    );
    answer.location().to_owned()
}

fn act(number: u64) -> String {
    format!("act=01890a5d-ac96-774b-bcce-b30209{number:06}")
}

const COOLER: &str = "01890a5d-ac96-774b-bcce-b30209000001";

/// A house whose venue has ten vials in its one freezer. It is 2021-04-12, 13:00.
async fn house() -> House {
    let house = House::build().await;
    let body = format!(
        "slip=D-1&facility={FACILITY}&{GOODS}&expires=2021-09-30&vials=10&delivered_on=2021-04-12&temperature=kept"
    );
    let asked = post(&house, SELLER, "/deliveries", &body).await;
    assert_eq!(asked.status, StatusCode::SEE_OTHER, "{}", asked.text);
    let page = get(&house, NURSE, "/venue/stock").await;
    let of = page.text.split("name=\"of\" value=\"").nth(1).unwrap();
    let of = of.split('"').next().unwrap();
    let body = format!("{}&of={of}&vials=10&shelf=frozen", act(1));
    done(
        &house,
        NURSE,
        "/venue/stock/receive",
        &body,
        "stock-received",
    )
    .await;
    let body = format!(
        "cooler={COOLER}&revision=0&in_use=1&cooler_name=A&cooler_kind=deep_freezer&every=16"
    );
    let path = "/venue/temperatures/coolers";
    done(&house, NURSE, path, &body, "cooler").await;
    house
}

fn reading(number: u64, degrees: &str, at: &str) -> String {
    format!(
        "{}&cooler={COOLER}&degrees={degrees}&at=2021-04-{at}",
        act(number)
    )
}

/// Enters a reading outside, as somebody who looked twice; gives the excursion's page.
async fn outside(house: &House, number: u64, degrees: &str, at: &str) -> String {
    let body = reading(number, degrees, at);
    let asked = post(house, NURSE, PATH, &body).await;
    assert_eq!(asked.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        asked.text.contains("まだ登録していません"),
        "{}",
        asked.text
    );
    let confirmed = asked
        .text
        .split("name=\"confirmed\" value=\"")
        .nth(1)
        .unwrap();
    let confirmed = confirmed.split('"').next().unwrap();
    let body = format!("{body}&confirmed={confirmed}");
    let to = done(house, NURSE, PATH, &body, "temperature-outside").await;
    to.split('?').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_freezer_gets_warm_its_vials_wait_and_are_thrown_away_in_two_steps() {
    let house = house().await;
    let page = get(&house, NURSE, PATH).await;
    assert!(page.text.contains("まだ記録がありません"));
    done(
        &house,
        NURSE,
        PATH,
        &reading(2, "-75.2", "12T09:00"),
        "temperature",
    )
    .await;
    let excursion = outside(&house, 3, "-40", "12T12:30").await;
    let page = get(&house, NURSE, &excursion).await;
    for word in [
        "続いています",
        "−40.0℃",
        "隔離中 10",
        "2021-04-12 09:00",
        "EY2173",
    ] {
        assert!(page.text.contains(word), "{word} {}", page.text);
    }
    assert!(!page.text.contains("value=\"kept\""), "nothing is kept yet");

    // The lot is stopped where it is used, and above.
    let stock = get(&house, NURSE, "/venue/stock").await;
    assert!(stock.text.contains("隔離中(温度逸脱): 使用禁止"));
    let thaw = format!(
        "{}&{GOODS}&doing=thaw&vials=1&began=2021-04-12T12:40",
        act(4)
    );
    let held = post(&house, NURSE, "/venue/stock/lot", &thaw).await;
    assert_eq!(held.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        held.text.contains("隔離中のため、今出せるのは0本です"),
        "{}",
        held.text
    );
    let setting = format!("given_on=2021-04-12&venue_name=x&doctor=y&{GOODS}");
    let stopped = post(&house, NURSE, "/venue/settings", &setting).await;
    assert_eq!(stopped.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        stopped.text.contains("温度逸脱で隔離中です"),
        "{}",
        stopped.text
    );
    for who in [CLERK, PREFECTURE] {
        let page = get(&house, who, "/venues/temperatures").await;
        assert!(page.text.contains("EY2173 10本"), "{}", page.text);
    }
    let desk = get(&house, CLERK, "/city").await;
    assert!(desk.text.contains("会場の温度逸脱"));

    // In two steps, and once however often it is sent.
    let decision = format!("{}&{GOODS}&outcome=discarded&vials=10&seen=10", act(5));
    let empty = post(&house, NURSE, &excursion, &decision).await;
    assert_eq!(empty.status, StatusCode::UNPROCESSABLE_ENTITY);
    let decision = format!("{decision}&reason=maker+said+no");
    let first = post(&house, NURSE, &excursion, &decision).await;
    assert_eq!(first.status, StatusCode::OK);
    assert!(first.text.contains("元には戻せません") && first.text.contains("maker said no"));
    let stock = get(&house, NURSE, "/venue/stock").await;
    assert!(stock.text.contains("手元のバイアル 10本"), "{}", stock.text);
    let second = format!("{decision}&confirmed=1");
    done(&house, NURSE, &excursion, &second, "excursion-decided").await;
    done(&house, NURSE, &excursion, &second, "excursion-decided").await;
    let lot = get(&house, NURSE, &format!("/venue/stock/lot?{GOODS}")).await;
    assert!(lot.text.contains("廃棄(温度逸脱)"), "{}", lot.text);
    done(
        &house,
        NURSE,
        PATH,
        &reading(6, "-70", "12T12:50"),
        "temperature",
    )
    .await;
    let page = get(&house, NURSE, &excursion).await;
    assert!(page.text.contains("対応済み"), "{}", page.text);
    let page = get(&house, CLERK, "/venues/temperatures").await;
    assert!(page.text.contains("対応が済んでいない温度逸脱はありません"));
    let proof = store::stock::prove(&house.app.db, house.app.now()).await;
    let proof = proof.unwrap();
    assert_eq!((proof.difference, proof.nation.on_hand), (None, 0));
}

#[tokio::test]
async fn what_cannot_be_read_is_told_and_nothing_is_written_over() {
    let house = house().await;
    for (degrees, at, word) in [
        ("800", "12T09:00", "−120から60の間"),
        ("75", "12T09:00", "「−」が抜けていないか"),
        ("-75,2", "12T09:00", "カンマではなく"),
        ("x", "12T09:00", "数字で入力"),
        ("-75", "12T23:00", "まだ来ていない日時です"),
        ("-75", "x", "日時を入力してください"),
    ] {
        let answer = post(&house, NURSE, PATH, &reading(10, degrees, at)).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{degrees}");
        assert!(answer.text.contains(word), "{word} {}", answer.text);
    }
    let strange = format!(
        "{}&cooler={}&degrees=-75&at=2021-04-12T09:00",
        act(11),
        COOLER.replace('1', "2")
    );
    let answer = post(&house, NURSE, PATH, &strange).await;
    assert!(
        answer.text.contains("この会場の保冷庫を選んで"),
        "{}",
        answer.text
    );
    // Full-width digits are digits.
    done(
        &house,
        NURSE,
        PATH,
        &reading(12, "−７５．２", "12T09:00"),
        "temperature",
    )
    .await;
    let other = post(&house, NURSE, PATH, &reading(13, "-76", "12T09:00")).await;
    assert_eq!(other.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(other.text.contains("−75.2℃で登録済み"), "{}", other.text);
    let right = format!("{}&seen=1&reason=typo", reading(14, "-76", "12T09:00"));
    done(
        &house,
        NURSE,
        "/venue/temperatures/right",
        &right,
        "temperature",
    )
    .await;
    let page = get(&house, NURSE, PATH).await;
    for word in ["<s>−75.2℃</s>", "−76.0℃", "訂正の理由: typo"] {
        assert!(page.text.contains(word), "{word} {}", page.text);
    }
}

fn file(rows: &[u8]) -> (&'static str, Vec<u8>) {
    let mut body = b"--x\r\ncontent-disposition: form-data; name=\"encoding\"\r\n\r\nutf-8\r\n\
        --x\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.csv\"\r\n\r\n"
        .to_vec();
    body.extend_from_slice(rows);
    body.extend_from_slice(b"\r\n--x--\r\n");
    ("multipart/form-data; boundary=x", body)
}

async fn loaded(house: &House, rows: &[u8]) -> Answer {
    let path = "/venue/temperatures/file";
    let answer = send(house, NURSE, Method::POST, path, file(rows)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    answer
}

#[tokio::test]
async fn a_loggers_file_is_taken_in_once_and_what_differs_is_asked() {
    let house = house().await;
    let rows = "保冷庫,日時,温度\r\nA,2021-04-12 08:00,-75.2\r\nA,2021/4/12 9:00,-50\r\nB,2021-04-12 08:00,-75\r\n\
        A,2021-04-12 08:00,-60\r\nA,2021-04-13 08:00,-75\r\nA,2021-04-12 10:00,\"-75,2\"\r\n";
    for (new, before) in [(2, 0), (0, 2)] {
        let page = loaded(&house, rows.as_bytes()).await;
        for (word, count) in [
            ("登録した記録", new),
            ("登録済みだった記録", before),
            ("登録済みと違う温度(登録していません)", 1),
            ("読めなかった行", 3),
        ] {
            let told = format!("<span>{word}</span> <strong>{count}</strong>");
            assert!(page.text.contains(&told), "{told} {}", page.text);
        }
        for word in [
            "「B」という保冷庫",
            "まだ来ていない日時",
            "カンマではなく",
            "−75.2℃で登録済み",
        ] {
            assert!(page.text.contains(word), "{word} {}", page.text);
        }
    }
    let page = get(&house, NURSE, PATH).await;
    assert!(page.text.contains("判断待ち10本"), "{}", page.text);
    for rows in [
        &b""[..],
        "保冷庫,日時,温度\r\n".as_bytes(),
        b"\x93\xfa\x8e\x9e,x\r\n",
    ] {
        let page = loaded(&house, rows).await;
        assert!(
            page.text.contains("このファイルは取り込めません"),
            "{}",
            page.text
        );
    }
}

#[tokio::test]
async fn a_venue_without_anybody_near_is_told_whom_to_call() {
    let house = house().await;
    let excursion = outside(&house, 3, "-40", "12T12:30").await;
    let page = get(&house, NURSE, &format!("{excursion}/rooms")).await;
    assert!(
        page.text.contains("市町村または都道府県に電話"),
        "{}",
        page.text
    );
    let unknown = format!(
        "{}&{GOODS}&outcome=rescued&vials=3&seen=10&facility=1310000015&reason=x&confirmed=1",
        act(20)
    );
    let answer = post(&house, NURSE, &excursion, &unknown).await;
    assert!(
        answer.text.contains("この会場コードの会場へは移せません"),
        "{}",
        answer.text
    );
    let gone = format!("/venue/temperatures/excursions/{COOLER}");
    let (name, token) = house.bearer(house.person(NURSE.0, NURSE.1)).await;
    let headers = [(name, token.as_str())];
    let answer = house.send(Method::GET, &gone, &headers, "").await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
}
