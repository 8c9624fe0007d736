//! The city's desk: residents come in by a file, findings are worked through, records are corrected and confirmed.

use crate::{
    house::{House, as_desk, as_tablet, log_in, residents},
    snapshot::assert_page,
};
use browser_flows::{Browser, Page};

static HOUSE: House = House::new();

/// The number of somebody in Chiyoda for whom the demonstration recorded a dose today, at the venue of `kaijo`.
const RECORDED_TODAY: &str = "0001000006";

#[test]
fn a_file_of_residents_is_taken_with_its_complaints_and_the_waiting_are_found() {
    let (Some(server), Some(browser)) = (HOUSE.open(), Browser::launch()) else {
        return;
    };
    let page = browser.visitor();
    as_desk(&page);
    log_in(&page, &server, "chiyoda-admin");
    page.follow(|page| page.click("nav a[href='/city/pending']"));
    assert!(page.count(".ledger tbody tr") > 0);
    page.assert_accessible();
    page.assert_clean();

    page.follow(|page| page.click("text=接種対象者CSVを取り込む"));
    page.assert_accessible();
    page.click("text=UTF-8");
    page.upload("#file", &residents(&server));
    page.follow(|page| page.click("text=取り込む"));
    assert_page("loaded", &page);
    page.assert_accessible();
    page.assert_clean();

    page.follow(|page| page.click("nav a[href='/city/pending']"));
    page.wait_for_text("登録待ちの記録はありません");
    page.assert_clean();
}

#[test]
fn findings_are_listed_by_weight_and_by_kind() {
    let (Some(server), Some(browser)) = (HOUSE.open(), Browser::launch()) else {
        return;
    };
    let page = browser.visitor();
    as_desk(&page);
    log_in(&page, &server, "chiyoda");
    page.follow(|page| page.click("nav a[href='/city/findings']"));
    page.assert_accessible();
    let all = page.count(".work > li");
    page.select("#finding", "future_date");
    page.follow(|page| page.click("text=表示"));
    let some = page.count(".work > li");
    assert!(0 < some && some < all, "{some} of {all}");
    page.wait_for_text("会場に接種日を確かめ、訂正してください");
    page.assert_accessible();
    page.assert_clean();
}

#[test]
fn what_the_city_corrected_and_confirmed_the_venue_can_no_longer_change() {
    let (Some(server), Some(browser)) = (HOUSE.open(), Browser::launch()) else {
        return;
    };
    // The venue has the record open while the city works on it.
    let venue = browser.visitor();
    as_tablet(&venue);
    log_in(&venue, &server, "kaijo");
    venue.goto(&server.url("/venue/today"));
    let record = format!(".record-act a[aria-label$='{RECORDED_TODAY}']");
    venue.follow(|page| page.click(&record));
    venue.click("text=接種しなかった");

    let city = browser.visitor();
    as_desk(&city);
    log_in(&city, &server, "chiyoda");
    city.goto(&server.url(&format!("/city/people/{RECORDED_TODAY}")));
    city.follow(|page| page.click(".dose:last-child .dose-act a"));
    the_city_corrects_and_confirms(&city);

    venue.follow(|page| page.click("text=取り消す"));
    venue.expect_complaint("422");
    venue.wait_for_text("この記録は確定済みのため変更できません。市町村に連絡してください。");
    venue.assert_accessible();
    venue.goto(&server.url("/venue/today"));
    assert_eq!(venue.text(&record), "詳しく");
    venue.assert_clean();
}

fn the_city_corrects_and_confirms(page: &Page) {
    page.click("text=訂正");
    page.fill("#lot", "fl7777");
    page.fill("#reason", "予診票と照合");
    page.follow(|page| page.click("text=訂正する"));
    page.wait_for_text("訂正しました");
    for told in ["FL7777", "予診票と照合"] {
        assert!(page.text(".story").contains(told), "{told}");
    }
    page.follow(|page| page.click("text=確定する"));
    page.wait_for_text("確定しました");
    page.assert_accessible();
    page.assert_clean();
}

#[test]
fn the_language_is_switched_and_stays() {
    let (Some(server), Some(browser)) = (HOUSE.open(), Browser::launch()) else {
        return;
    };
    let page = browser.visitor();
    as_desk(&page);
    log_in(&page, &server, "minato");
    page.follow(|page| page.click("text=English"));
    assert_eq!(page.eval("document.documentElement.lang"), "en");
    page.follow(|page| page.click("nav a[href='/city/ledger']"));
    assert_eq!(page.text("nav a[href='/city/ledger']"), "Ledger");
    assert_eq!(page.eval("document.documentElement.lang"), "en");
    page.assert_accessible();
    page.follow(|page| page.click("text=日本語"));
    assert_eq!(page.text("h1"), "予防接種台帳");
    page.assert_clean();
}
