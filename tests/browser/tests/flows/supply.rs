//! The whole way of the supply (domain paper §3.2, ❶–❾): from the maker's lot by way of the nation, the prefecture, the
//! city, the wholesaler and the venue into an arm, with nothing typed twice, and the books proven after it.

use crate::house::{House, answer, as_desk, as_tablet, coupon, log_in};
use crate::snapshot::show;
use browser_flows::{Browser, Page, Server};
use std::fs;

static HOUSE: House = House::new();

const PRODUCT: &str = "comirnaty_lp81";
/// A lot that nobody has heard of before this walk.
const LOT: &str = "WALK01";
const VENUE: &str = "神田見本クリニック";
/// What the wholesaler calls that venue.
const OWN_CODE: &str = "W-0007";
/// Vials that the wholesaler says it handed over.
const HANDED_OVER: i64 = 30;
/// Vials that were in the box.
const IN_THE_BOX: i64 = 29;

#[test]
fn a_lot_goes_from_its_maker_into_an_arm() {
    let (Some(server), Some(browser)) = (HOUSE.open(), Browser::launch()) else {
        return;
    };
    // ❶
    the_maker_tells_what_it_can_ship(&browser.visitor(), &server);
    let nation = browser.visitor();
    as_desk(&nation);
    log_in(&nation, &server, "kuni");
    the_nation_registers_the_lot(&nation, &server);
    // ❷ ❸ ❹
    the_nation_gives_on_what_came(&nation, &server);
    let venue = browser.visitor();
    as_tablet(&venue);
    log_in(&venue, &server, "kanda");
    the_venue_asks(&venue, &server);
    the_prefecture_gives_on(&browser.visitor(), &server);
    the_city_gives_to_its_venue(&browser.visitor(), &server);
    // ❺ ❻ ❼
    let wholesaler = browser.visitor();
    as_desk(&wholesaler);
    log_in(&wholesaler, &server, "oroshi");
    the_wholesaler_delivers_what_was_ordered(&wholesaler, &server);
    the_venue_finds_one_vial_missing(&venue, &server);
    the_wholesaler_puts_its_word_right(&wholesaler, &server);
    // ❽ ❾
    the_venue_gives_a_dose(&venue, &server);
    the_venue_closes_the_day(&venue, &server);
    the_nation_finds_every_vial(&nation, &server);
    the_nation_watches_the_venue(&nation, &server);
    let (holds, told) = server.prove_stock();
    assert!(holds, "{told}");
    let (holds, told) = server.verify();
    assert!(holds, "{told}");
}

fn the_maker_tells_what_it_can_ship(page: &Page, server: &Server) {
    as_desk(page);
    log_in(page, server, "maker");
    page.follow(|page| page.click("main nav a[href='/supplies']"));
    page.select("#product", PRODUCT);
    page.fill("#lot", LOT);
    page.eval("document.querySelector('#available_on').valueAsDate = new Date()");
    page.fill("#units", "100");
    page.follow(|page| page.click("form[action='/supplies'] button[type=submit]"));
    page.wait_for_text(LOT);
    page.assert_accessible();
    show(page, "supply-1-maker");
    page.assert_clean();
}

fn the_nation_registers_the_lot(page: &Page, server: &Server) {
    page.goto(&server.url("/lots"));
    page.select("#product", PRODUCT);
    page.fill("#lot", LOT);
    page.fill("#expires", "2099-12-31");
    page.follow(|page| page.click("#lot-form button[type=submit]"));
    page.wait_for_text("ロットを登録しました");
    page.assert_clean();
}

/// Goes to the demonstration's cycle by the list.
fn open_cycle(page: &Page, server: &Server) {
    page.goto(&server.url("/allocations"));
    page.follow(|page| page.click("a.card[href^='/allocations/']"));
    page.wait_for_text("クール");
}

fn publish(page: &Page, name: &str) {
    page.follow(|page| page.click("text=この案を公表する"));
    page.wait_for_text("配分を公表しました");
    page.assert_accessible();
    show(page, name);
    page.assert_clean();
}

/// The cycle was published before the maker had told of its lot: the nation gives the rest on.
fn the_nation_gives_on_what_came(page: &Page, server: &Server) {
    open_cycle(page, server);
    // 8,000 boxes of the demonstration, and those 100.
    page.wait_for_text("8,100");
    publish(page, "supply-2-nation");
}

fn the_venue_asks(page: &Page, server: &Server) {
    open_cycle(page, server);
    page.fill("#units", "3");
    page.fill("#request_reason", "予約が埋まっている");
    page.follow(|page| page.click("text=希望を提出する"));
    page.wait_for_text("希望を提出しました");
    page.assert_clean();
}

fn the_prefecture_gives_on(page: &Page, server: &Server) {
    as_desk(page);
    log_in(page, server, "tokyo");
    open_cycle(page, server);
    publish(page, "supply-3-prefecture");
}

fn the_city_gives_to_its_venue(page: &Page, server: &Server) {
    as_desk(page);
    log_in(page, server, "chiyoda-admin");
    open_cycle(page, server);
    publish(page, "supply-4-city");
}

/// By files, in the wholesaler's own codes.
fn the_wholesaler_delivers_what_was_ordered(page: &Page, server: &Server) {
    page.goto(&server.url("/deliveries"));
    page.wait_for_text("第9クール");
    show(page, "supply-5-orders");
    let facility = page.eval(&format!(
        "[...document.querySelectorAll('tbody tr')].find((row) => row.textContent.includes('{VENUE}'))
             .querySelector('td.digits').textContent"
    ));
    let facility = facility.as_str().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let codes = folder.path().join("codes.csv");
    let told = format!("会場コード,適用開始日,自社コード\n{facility},20210601,{OWN_CODE}\n");
    fs::write(&codes, told).unwrap();
    page.goto(&server.url("/own-codes"));
    page.upload("#file", &codes);
    page.follow(|page| page.click("form[enctype] button[type=submit]"));
    page.wait_for_text("1行を登録しました");
    page.assert_accessible();
    show(page, "supply-5-own-codes");

    let orders = page.eval("fetch('/deliveries/orders').then((answer) => answer.text())");
    let orders = orders.as_str().unwrap();
    let ordered = orders
        .lines()
        .find(|line| line.ends_with(OWN_CODE))
        .unwrap();
    let order = ordered.split(',').next().unwrap();
    let today = page.eval("new Date().toLocaleDateString('sv-SE', { timeZone: 'Asia/Tokyo' })");
    let today = today.as_str().unwrap().replace('-', "");
    let results = folder.path().join("results.csv");
    let told = format!(
        "伝票番号,会場コード,製品コード,ロット,有効期限,バイアル数,配送日,発注番号,温度記録,自社コード\n\
         WALK-1,,{PRODUCT},{LOT},20991231,{HANDED_OVER},{today},{order},1,{OWN_CODE}\n"
    );
    fs::write(&results, told).unwrap();
    page.goto(&server.url("/deliveries"));
    page.upload("#file", &results);
    page.click("input[name=encoding][value=utf-8]");
    page.follow(|page| page.click("form[action='/deliveries/file'] button[type=submit]"));
    page.wait_for_text("確認事項はありません");
    page.wait_for_text("WALK-1");
    page.assert_accessible();
    show(page, "supply-6-delivered");
    page.assert_clean();
}

fn the_venue_finds_one_vial_missing(page: &Page, server: &Server) {
    page.goto(&server.url("/venue/stock"));
    page.fill("#slip", "WALK-1");
    page.follow(|page| page.click("form[action='/venue/stock/slip'] button"));
    let form = "form[action='/venue/stock/receive']";
    page.fill(
        &format!("{form} input[name=vials]"),
        &IN_THE_BOX.to_string(),
    );
    page.fill(&format!("{form} input[name=note]"), "1本 破損");
    page.follow(|page| page.click(&format!("{form} button")));
    page.goto(&server.url("/venue/stock"));
    page.wait_for_text("WALK-1");
    page.assert_accessible();
    show(page, "supply-6-disputed");
    page.assert_clean();
}

fn the_wholesaler_puts_its_word_right(page: &Page, server: &Server) {
    page.goto(&server.url("/deliveries"));
    let section = "section[aria-label*='WALK-1']";
    page.wait_for(section);
    page.fill(
        &format!("{section} input[name=vials]"),
        &IN_THE_BOX.to_string(),
    );
    page.fill(&format!("{section} input[name=note]"), "積込時に破損");
    page.follow(|page| page.click(&format!("{section} button")));
    page.wait_until_gone(section);
    show(page, "supply-7-agreed");
    page.assert_clean();
}

fn the_venue_gives_a_dose(page: &Page, server: &Server) {
    page.goto(&server.url("/venue/settings"));
    page.select("#product", PRODUCT);
    page.fill("#lot", LOT);
    page.fill("#doctor", "見本 医師");
    page.follow(|page| page.click("text=この設定で始める"));
    let coupon = coupon(server, "normal", 0);
    page.follow(|page| page.upload("#photo", &coupon.picture));
    page.follow(|page| page.click("#register button[type=submit]"));
    assert_eq!(answer(page), "通常");
    page.assert_clean();
}

/// One vial for one dose: what was left in it has a name.
fn the_venue_closes_the_day(page: &Page, server: &Server) {
    page.goto(&server.url("/venue/day"));
    page.fill("#vials_opened_0", "1");
    page.follow(|page| page.click("text=閉場する"));
    page.expect_complaint("422");
    let missing = page.text("#refused_0");
    let doses: String = missing.chars().take_while(char::is_ascii_digit).collect();
    page.fill("#left_over_0", &doses);
    page.follow(|page| page.click("text=閉場する"));
    page.wait_for_text("閉場を記録しました");
    show(page, "supply-8-closed");
    page.goto(&server.url("/venue/stock"));
    page.wait_for_text(LOT);
    page.follow(|page| page.click(&format!("a[href$='lot={LOT}']")));
    // What was delivered less the one that was opened; nobody typed it.
    page.wait_for_text(&format!("帳簿では{}本", IN_THE_BOX - 1));
    page.assert_accessible();
    show(page, "supply-9-stock");
    page.assert_clean();
}

fn the_nation_finds_every_vial(page: &Page, server: &Server) {
    page.goto(&server.url(&format!("/lots/recall?lot={LOT}")));
    assert_row(page, VENUE, IN_THE_BOX - 1);
    page.assert_accessible();
    show(page, "supply-9-lot");
    page.assert_clean();
}

/// The monitor comes down to the venue, where the lot stands with what is left of it.
fn the_nation_watches_the_venue(page: &Page, server: &Server) {
    page.goto(&server.url(&format!("/monitor/131016?product={PRODUCT}")));
    page.follow(|page| page.click(&format!("text={VENUE}")));
    page.wait_for_text("ロットごと");
    assert_row(page, LOT, IN_THE_BOX - 1);
    page.assert_accessible();
    show(page, "supply-9-monitor");
    page.assert_clean();
}

/// That a table has a row of this name with this number in a cell of its own.
fn assert_row(page: &Page, name: &str, number: i64) {
    page.wait_until(&format!(
        "[...document.querySelectorAll('tbody tr')].some((row) => row.textContent.includes('{name}')
             && [...row.querySelectorAll('td.number')].some((cell) => cell.textContent.trim() === '{number}'))"
    ));
}
