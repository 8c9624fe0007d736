//! A nurse enters a temperature out of range, sees which vaccine waits and where it could go, and decides; the city sees it.

use std::path::{Path, PathBuf};

use crate::house::{House, as_desk, as_tablet, log_in};
use crate::snapshot::show;
use browser_flows::{Browser, Page, Server};

static HOUSE: House = House::new();

#[test]
fn a_freezer_gets_warm_and_its_vials_are_quarantined_rescued_and_thrown_away() {
    let (Some(server), Some(browser)) = (HOUSE.open(), Browser::launch()) else {
        return;
    };
    let nurse = browser.visitor();
    as_tablet(&nurse);
    log_in(&nurse, &server, "kanda");
    nurse.goto(&server.url("/venue/temperatures"));
    nurse.wait_for_text("ディープフリーザー1");
    nurse.assert_accessible();
    show(&nurse, "temperatures");
    a_reading_outside_is_asked_about_first(&nurse);

    nurse.wait_for_text("続いています");
    nurse.wait_for_text("隔離中");
    nurse.wait_for_text("FL4205");
    nurse.assert_accessible();
    show(&nurse, "excursion");
    let excursion = nurse.url();
    let excursion = excursion.split('?').next().unwrap().to_owned();
    the_day_cannot_be_set_with_it(&nurse, &server);
    the_city_sees_it(&browser, &server);
    some_are_brought_to_the_venue_with_room(&nurse, &excursion);
    one_is_thrown_away(&nurse, &excursion);
    all_others_are_thrown_away_at_once(&nurse, &server, &excursion);
}

fn a_reading_outside_is_asked_about_first(page: &Page) {
    page.click("fieldset#cooler label:first-of-type");
    page.fill("#degrees", "75");
    page.follow(|page| page.click("form[action='/venue/temperatures'] button[type=submit]"));
    page.expect_complaint("422");
    page.wait_for_text("「−」が抜けていないか");
    page.assert_accessible();
    page.fill("#degrees", "−41.5");
    page.follow(|page| page.click("form[action='/venue/temperatures'] button[type=submit]"));
    page.expect_complaint("422");
    page.wait_for_text("まだ登録していません");
    page.assert_accessible();
    show(page, "temperature-asked");
    page.follow(|page| page.click("text=この温度で登録する"));
    page.wait_for_text("範囲外の温度を登録しました");
}

fn the_day_cannot_be_set_with_it(page: &Page, server: &Server) {
    page.goto(&server.url("/venue/settings"));
    page.select("#product", "comirnaty_lp81");
    page.fill("#lot", "fl4205");
    page.fill("#doctor", "見本 医師");
    page.follow(|page| page.click("text=この設定で始める"));
    page.expect_complaint("422");
    page.wait_for_text("温度逸脱で隔離中です");
    page.assert_accessible();
    page.goto(&server.url("/venue/stock"));
    page.wait_for_text("隔離中(温度逸脱): 使用禁止");
    page.assert_accessible();
    show(page, "stock-quarantined");
}

fn the_city_sees_it(browser: &Browser, server: &Server) {
    let city = browser.visitor();
    as_desk(&city);
    log_in(&city, server, "chiyoda");
    city.goto(&server.url("/city"));
    city.wait_for_text("会場の温度逸脱");
    city.assert_accessible();
    city.goto(&server.url("/venues/temperatures"));
    city.wait_for_text("神田見本クリニック");
    city.wait_for_text("FL4205");
    city.wait_for_text("記録がとぎれている保冷庫はありません");
    city.assert_accessible();
    show(&city, "excursions-of-city");
    city.assert_clean();
}

fn some_are_brought_to_the_venue_with_room(page: &Page, excursion: &str) {
    page.goto(&format!("{excursion}?product=comirnaty_lp81&lot=FL4205"));
    page.follow(|page| page.click("text=移せる会場を探す"));
    page.wait_for_text("千代田区集団接種会場");
    page.wait_for_text("供給元・供給先");
    page.assert_accessible();
    show(page, "excursion-rooms");
    page.follow(|page| page.click("tbody tr:first-child a.button"));
    page.fill("#vials", "5");
    page.fill("#reason", "メーカーに確認、使用可。10時に移送");
    page.follow(|page| page.click("text=内容を確かめる"));
    page.wait_for_text("融通に出します");
    page.assert_accessible();
    show(page, "excursion-confirm");
    page.follow(|page| page.click("text=この判断を登録する"));
    page.wait_for_text("判断を登録しました");
}

fn one_is_thrown_away(page: &Page, excursion: &str) {
    page.goto(&format!("{excursion}?product=comirnaty_lp81&lot=FL4205"));
    page.click("label[for='outcome-discarded']");
    page.fill("#vials", "1");
    page.fill("#reason", "1本は破損");
    page.follow(|page| page.click("text=内容を確かめる"));
    page.wait_for_text("元には戻せません");
    page.follow(|page| page.click("text=この判断を登録する"));
    page.wait_for_text("判断を登録しました");
}

/// Every lot that still waits, by one decision: chosen, looked at, made.
fn all_others_are_thrown_away_at_once(page: &Page, server: &Server, excursion: &str) {
    page.goto(excursion);
    page.follow(|page| page.click("text=複数のロットをまとめて判断する"));
    page.wait_for_text("すべて選ぶ");
    assert_eq!(page.count("input[type=checkbox]:checked"), 0);
    page.follow(|page| page.click("text=すべて選ぶ"));
    let lots = page.count("input[type=checkbox]");
    assert!(lots > 1, "{lots} lots wait");
    assert_eq!(page.count("input[type=checkbox]:checked"), lots);
    page.assert_accessible();
    show(page, "excursion-lots");
    page.click("label[for='outcome-discarded']");
    page.fill("#reason", "使用不可の回答");
    page.follow(|page| page.click("text=内容を確かめる"));
    page.wait_for_text(&format!("{lots}ロット"));
    page.wait_for_text("元には戻せません");
    page.assert_accessible();
    show(page, "excursion-lots-confirm");
    page.follow(|page| page.click("text=すべてに登録する"));
    page.wait_for_text("判断を登録しました");
    assert!(!page.shows("まとめて判断する"), "nothing waits any more");
    page.assert_accessible();
    show(page, "excursion-decided");
    page.goto(&server.url("/venue/stock/lot?product=comirnaty_lp81&lot=FL4205"));
    page.wait_for_text("廃棄(温度逸脱)");
    page.wait_for_text("使用不可の回答");
    page.assert_accessible();
    page.assert_clean();
}

#[test]
fn a_display_is_photographed_and_its_sign_is_chosen_by_a_person() {
    let (Some(server), Some(browser)) = (HOUSE.open(), Browser::launch()) else {
        return;
    };
    let nurse = browser.visitor();
    as_tablet(&nurse);
    log_in(&nurse, &server, "kanda");
    let photo = |name: &str| display_photograph(name);
    nurse.goto(&server.url("/venue/temperatures"));
    nurse.upload("#photo", &photo("cut-off"));
    nurse.follow(|page| page.click("text=写真を読み取る"));
    nurse.expect_complaint("422");
    nurse.wait_for_text("確実には読み取れませんでした");
    nurse.assert_accessible();
    nurse.upload("#photo", &photo("minus-9.8"));
    nurse.follow(|page| page.click("text=写真を読み取る"));
    nurse.wait_for_text("枠で囲んだ数字を読みました");
    nurse.assert_accessible();
    show(&nurse, "temperature-photograph");
    // Without the minus that is on the picture it is asked about, and nothing is entered.
    nurse.click("fieldset#cooler label:nth-of-type(2)");
    nurse.click("label[for='sign-plus']");
    nurse.follow(|page| page.click("form[action='/venue/temperatures'] button[type=submit]"));
    nurse.expect_complaint("422");
    nurse.wait_for_text("「−」が見えますが");
    nurse.assert_accessible();
    nurse.upload("#photo", &photo("5.0"));
    nurse.follow(|page| page.click("text=写真を読み取る"));
    nurse.wait_for_text("枠で囲んだ数字を読みました");
    nurse.click("fieldset#cooler label:nth-of-type(2)");
    nurse.click("label[for='sign-plus']");
    nurse.follow(|page| page.click("form[action='/venue/temperatures'] button[type=submit]"));
    nurse.wait_for_text("見本 担当者 写真");
    nurse.assert_accessible();
    nurse.assert_clean();
}

/// A made photograph of a display, from those the reader is tested with.
fn display_photograph(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../crates/reader/tests/displays")
        .join(format!("{name}.png"))
}
