//! A vial's way over the pages: ordered, delivered, disputed, put right, given, counted, recalled.

use axum::http::{Method, StatusCode};
use domain::access::{OrganisationKind, Role};
use serde_json::json;

use crate::web::house::{Answer, FACILITY, House};

type Who = (OrganisationKind, Role);
const NATION: Who = (OrganisationKind::Nation, Role::Operator);
const CLERK: Who = (OrganisationKind::City, Role::Operator);
const NURSE: Who = (OrganisationKind::Venue, Role::Operator);
const SELLER: Who = (OrganisationKind::Wholesaler, Role::Operator);
const FORM: &str = "application/x-www-form-urlencoded";
const LOT_PAGE: &str = "/venue/stock/lot?product=comirnaty_12_mono&lot=EY2173";
const GOODS: &str = "product=comirnaty_12_mono&lot=EY2173";

async fn send(
    house: &House,
    (kind, role): Who,
    method: Method,
    path: &str,
    (content, body): (&str, String),
) -> Answer {
    let (name, token) = house.bearer(house.person(kind, role)).await;
    let headers = [(name, token.as_str()), ("content-type", content)];
    house.send(method, path, &headers, body).await
}

async fn get(house: &House, who: Who, path: &str) -> Answer {
    let answer = send(house, who, Method::GET, path, ("text/plain", String::new())).await;
    assert_eq!(answer.status, StatusCode::OK, "{path} {}", answer.text);
    answer
}

async fn post(house: &House, who: Who, path: &str, body: &str) -> Answer {
    send(house, who, Method::POST, path, (FORM, body.to_owned())).await
}

/// A form that is done sends on, with this notice.
async fn done(house: &House, who: Who, path: &str, body: &str, notice: &str) {
    let answer = post(house, who, path, body).await;
    assert!(
        answer.location().ends_with(&format!("notice={notice}")),
        "{path} {} {}",
        answer.status,
        answer.text
    );
}

/// A fresh id for an act, and the first hidden field of this name on a page.
fn act(number: u64) -> String {
    format!("act=01890a5d-ac96-774b-bcce-b30209{number:06}")
}

fn hidden(page: &str, name: &str) -> String {
    let mark = format!("name=\"{name}\" value=\"");
    let rest = page.split(&mark).nth(1).unwrap();
    rest.split('"').next().unwrap().to_owned()
}

fn delivery(slip: &str, vials: &str) -> String {
    format!(
        "slip={slip}&facility={FACILITY}&{GOODS}&expires=2021-09-30&vials={vials}&delivered_on=2021-04-12&temperature=kept"
    )
}

async fn house() -> House {
    let house = House::build().await;
    let lot = format!("{GOODS}&expires=2021-09-30&revision=0");
    done(&house, NATION, "/lots", &lot, "lot").await;
    house
}

#[tokio::test]
async fn a_vial_is_delivered_disputed_put_right_counted_and_recalled() {
    let house = house().await;
    done(
        &house,
        SELLER,
        "/deliveries",
        &delivery("D-1", "10"),
        "delivery",
    )
    .await;
    let again = "delivery-before";
    done(&house, SELLER, "/deliveries", &delivery("D-1", "10"), again).await;
    let wrong = post(&house, SELLER, "/deliveries", &delivery("D-2", "-5")).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);

    // Nine are in the box.
    let page = get(&house, NURSE, "/venue/stock").await;
    assert!(page.text.contains("D-1") && page.text.contains("10本"));
    let of = hidden(&page.text, "of");
    let body = format!("{}&of={of}&vials=9&shelf=frozen&note=1", act(1));
    let path = "/venue/stock/receive";
    done(&house, NURSE, path, &body, "stock-received").await;
    done(&house, NURSE, path, &body, "stock-received").await;
    let page = get(&house, NURSE, "/venue/stock").await;
    assert!(
        page.text.contains("この会場の確認は9本です"),
        "{}",
        page.text
    );
    let page = get(&house, SELLER, "/deliveries").await;
    assert_eq!(hidden(&page.text, "of"), of);
    let right = format!("{}&of={of}&vials=9", act(2));
    done(&house, SELLER, "/deliveries/right", &right, "stock-right").await;
    let page = get(&house, NURSE, "/venue/stock").await;
    assert!(!page.text.contains("D-1"), "both say the same");

    // One is thrown away; somebody counted before that.
    let body = format!(
        "{}&{GOODS}&doing=discard&shelf=frozen&vials=1&waste=temperature",
        act(3)
    );
    done(&house, NURSE, "/venue/stock/lot", &body, "stock-booked").await;
    let count = |number, seen| {
        let act = act(number);
        format!("{act}&{GOODS}&doing=count&shelf=frozen&seen={seen}&vials=7&note=1")
    };
    let late = post(&house, NURSE, "/venue/stock/lot", &count(4, 9)).await;
    assert_eq!(late.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(late.text.contains("帳簿は今8本です"), "{}", late.text);
    done(
        &house,
        NURSE,
        "/venue/stock/lot",
        &count(5, 8),
        "stock-booked",
    )
    .await;
    let page = get(&house, NURSE, LOT_PAGE).await;
    for word in ["廃棄(温度逸脱)", "棚卸差", "wholesaler"] {
        assert!(page.text.contains(word), "{word} {}", page.text);
    }

    // The nation rehearses, then stops the lot.
    let page = get(&house, NATION, "/lots/recall?lot=ey2173").await;
    assert!(page.text.contains(FACILITY) && page.text.contains("使用できます"));
    // Nobody else has any: what stands here is to be ordered anew.
    assert!(page.text.contains("代替の案"), "{}", page.text);
    assert!(page.text.contains("新しい発注(市町村が"), "{}", page.text);
    let page = post(&house, NATION, "/lots/recall/rehearsals", "lot=EY2173").await;
    assert!(page.text.contains("これは訓練です"), "{}", page.text);
    let page = get(&house, NURSE, "/venue/stock").await;
    assert!(!page.text.contains("使用中止・回収中"));
    let body = "lot=EY2173&reason=foreign+matter";
    done(&house, NATION, "/lots/recall", body, "recalled").await;
    let page = get(&house, NURSE, "/venue/stock").await;
    assert!(page.text.contains("使用中止・回収中"), "{}", page.text);
    let proof = store::stock::prove(&house.app.db, house.app.now())
        .await
        .unwrap();
    assert_eq!((proof.difference, proof.nation.on_hand), (None, 7));
}

#[tokio::test]
async fn a_page_may_lead_to_the_form_of_a_transfer_filled_in_and_nothing_is_done_by_it() {
    let house = house().await;
    let slip = delivery("D-1", "10");
    done(&house, SELLER, "/deliveries", &slip, "delivery").await;
    let filled = format!("{LOT_PAGE}&doing=send&shelf=thawed&vials=3&facility={FACILITY}");
    let page = get(&house, NURSE, &filled).await.text;
    let form = page
        .split("<details")
        .find(|one| one.contains("id=\"send\""));
    let form = form.unwrap();
    for told in [
        " open>",
        &format!("value=\"{FACILITY}\""),
        "value=\"3\"",
        "<option value=\"thawed\" selected>",
    ] {
        assert!(form.contains(told), "{told}: {form}");
    }
    let moving = get(&house, NURSE, "/venue/stock/transfers").await.text;
    assert!(!moving.contains("EY2173"), "{moving}");
}

#[tokio::test]
async fn a_file_is_taken_in_line_by_line_and_its_bad_lines_are_on_the_list() {
    let house = house().await;
    let file = format!(
        "伝票番号,会場コード,製品コード,ロット,有効期限,バイアル数,配送日\r\n\
         D-1,{FACILITY},comirnaty_12_mono,EY2173,20210930,10,20210412\r\n\
         D-2,{FACILITY},comirnaty_12_mono,EY2173,20210930,-5,20210412\r\n\
         D-3,{FACILITY},comirnaty_12_mono,FC9880,20210930,5,20210412\r\n"
    );
    let body = format!(
        "--x\r\ncontent-disposition: form-data; name=\"encoding\"\r\n\r\nutf-8\r\n\
         --x\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.csv\"\r\n\r\n{file}\r\n--x--\r\n"
    );
    for (booked, before) in [(2, 0), (0, 2)] {
        let content = "multipart/form-data; boundary=x";
        let sent = (content, body.clone());
        let page = send(&house, SELLER, Method::POST, "/deliveries/file", sent).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.text);
        for (word, count) in [("登録した行", booked), ("登録済みだった行", before)] {
            let told = format!("<span>{word}</span> <strong>{count}</strong>");
            assert!(page.text.contains(&told), "{told} {}", page.text);
        }
        assert!(page.text.contains("3行目"), "{}", page.text);
        // The negative count once, and the lot that is not in the register once, however often it is sent.
        assert_eq!(
            page.text.matches("action=\"/deliveries/answers\"").count(),
            2
        );
        assert!(page.text.contains("D-2") && page.text.contains("-5"));
    }
    let page = get(&house, SELLER, "/deliveries").await;
    let of = hidden(&page.text, "of");
    let body = format!("of={of}&note=ok");
    let path = "/deliveries/answers";
    done(&house, SELLER, path, &body, "delivery-answered").await;
    let page = get(&house, SELLER, "/deliveries").await;
    assert_eq!(
        page.text.matches("action=\"/deliveries/answers\"").count(),
        1
    );
}

#[tokio::test]
async fn a_city_sees_its_own_people_of_a_lot_and_the_look_is_logged() {
    let house = house().await;
    let dose = json!({
        "id": "01890a5d-ac96-774b-bcce-b302099a8061", "coupon": "211310160000000014",
        "given_on": "2021-04-12", "product": "comirnaty_12_mono", "lot": "EY2173", "doctor": "鈴木",
        "device": "test",
    });
    let body = ("application/json", dose.to_string());
    let answer = send(&house, NURSE, Method::POST, "/api/v1/doses", body).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
    store::stock::project(&house.app.db, &store::Recent::default(), house.app.now())
        .await
        .unwrap();
    let page = get(&house, CLERK, "/city/recall").await;
    assert!(
        !page.text.contains("登録待ち"),
        "nothing before it is logged"
    );
    let page = post(&house, CLERK, "/city/recall", "lot=ey2173").await;
    assert!(page.text.contains("1件"), "{}", page.text);
    let auditor = (OrganisationKind::City, Role::Administrator);
    let page = get(&house, auditor, "/city/looks").await;
    assert!(page.text.contains("ロットの接種者の一覧"), "{}", page.text);
    // More was given than came in: a question, not a refusal.
    let page = get(&house, NURSE, "/venue/stock").await;
    assert!(page.text.contains("受け取った数より多く"), "{}", page.text);
}

#[tokio::test]
async fn a_city_saves_whom_to_write_to_about_a_lot_but_no_protected_person() {
    let house = house().await;
    let file = "自治体コード,個別宛名番号,個人番号,券番号,氏名漢字,氏名カナ,生年月日,性別,異動区分,異動日,支援措置区分,郵便番号,住所,方書\r\n\
         131016,1,,0000000011,見本 一郎,ミホン イチロウ,19500401,1,1,,0,100-0001,千代田区千代田1-1,\r\n\
         131016,2,,0000000012,見本 二郎,ミホン ジロウ,19500401,1,1,,0,,,\r\n\
         131016,3,,0000000013,秘密 守,ヒミツ マモル,19500401,1,1,,1,,,\r\n";
    let body = ("text/csv", file.to_owned());
    let answer = send(&house, CLERK, Method::POST, "/api/v1/residents", body).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    for number in 11..=14 {
        let dose = json!({
            "id": format!("01890a5d-ac96-774b-bcce-b3020{number:07}"),
            "coupon": format!("2113101600000000{number}"),
            "given_on": "2021-04-12", "product": "comirnaty_12_mono", "lot": "EY2173", "doctor": "鈴木",
            "device": "test",
        });
        let body = ("application/json", dose.to_string());
        let answer = send(&house, NURSE, Method::POST, "/api/v1/doses", body).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
    }
    store::stock::project(&house.app.db, &store::Recent::default(), house.app.now())
        .await
        .unwrap();
    let page = post(&house, CLERK, "/city/recall", "lot=EY2173").await;
    assert!(page.text.contains("回収通知の宛先"), "{}", page.text);
    let saved = post(&house, CLERK, "/city/recall/letters", "lot=EY2173").await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.text);
    let lines: Vec<&str> = saved.text.lines().skip(1).collect();
    assert_eq!(
        lines,
        [
            "1,0000000011,見本 一郎,ミホン イチロウ,1000001,千代田区千代田1-1,20210412,comirnaty_12_mono,EY2173,venue,",
            "2,0000000012,見本 二郎,ミホン ジロウ,,,20210412,comirnaty_12_mono,EY2173,venue,住所の登録がありません",
        ]
    );
    let auditor = (OrganisationKind::City, Role::Administrator);
    let page = get(&house, auditor, "/city/looks").await;
    assert_eq!(page.text.matches("ロットの接種者の一覧").count(), 2);
}

#[tokio::test]
async fn a_file_in_the_senders_own_codes_reaches_the_venue() {
    let house = house().await;
    let sent = |path: &'static str, file: String| {
        let body = format!(
            "--x\r\ncontent-disposition: form-data; name=\"encoding\"\r\n\r\nutf-8\r\n\
             --x\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.csv\"\r\n\r\n{file}\r\n--x--\r\n"
        );
        let body = ("multipart/form-data; boundary=x", body);
        send(&house, SELLER, Method::POST, path, body)
    };
    let codes = format!("会場コード,適用開始日,自社コード\r\n{FACILITY},20210401,W-7\r\n");
    let page = sent("/own-codes/file", codes).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    let deliveries = "伝票番号,会場コード,製品コード,ロット,有効期限,バイアル数,配送日,自社コード\r\n\
         D-1,,comirnaty_12_mono,EY2173,20210930,10,20210412,W-7\r\n\
         D-2,,comirnaty_12_mono,EY2173,20210930,10,20210412,W-8\r\n";
    let page = sent("/deliveries/file", deliveries.to_owned()).await;
    let told = "<span>登録した行</span> <strong>1</strong>";
    assert!(page.text.contains(told), "{}", page.text);
    assert!(page.text.contains("この自社コードの会場はありません"));
    let page = get(&house, NURSE, "/venue/stock").await;
    assert!(page.text.contains("D-1"), "{}", page.text);
}

#[tokio::test]
async fn a_box_of_another_venue_or_of_nobody_is_told_at_the_door() {
    let house = house().await;
    let page = post(&house, NURSE, "/venue/stock/slip", "slip=D-9").await;
    assert!(
        page.text.contains("まだ登録されていません"),
        "{}",
        page.text
    );
    let supplier = house.person(SELLER.0, SELLER.1).organisation.id;
    let body = format!(
        "{}&slip=D-9&supplier={supplier}&{GOODS}&shelf=frozen&vials=5",
        act(1)
    );
    done(&house, NURSE, "/venue/stock/box", &body, "stock-received").await;
    let page = get(&house, SELLER, "/deliveries").await;
    assert!(page.text.contains("まだ登録がありません"), "{}", page.text);
    done(
        &house,
        SELLER,
        "/deliveries",
        &delivery("D-9", "5"),
        "delivery",
    )
    .await;
    let page = get(&house, SELLER, "/deliveries").await;
    assert!(!page.text.contains("D-9"), "both say the same");
    // A claim names a venue that is there.
    let body = format!(
        "{}&facility=9999999999&{GOODS}&shelf=frozen&vials=5",
        act(2)
    );
    let page = post(&house, NURSE, "/venue/stock/transfers", &body).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
}
