//! Allocation: the prefecture is told why it got its number, tries a formula, sets a number by hand and
//! publishes; the city asks.

use crate::house::{House, as_desk, as_tablet, log_in};
use crate::snapshot::show;
use browser_flows::{Browser, Page, Server};

static HOUSE: House = House::new();

/// Goes to the demonstration's cycle by the list.
fn open_cycle(page: &Page, server: &Server) {
    page.goto(&server.url("/allocations"));
    page.follow(|page| page.click("a.card[href^='/allocations/']"));
    page.wait_for_text("クール");
}

#[test]
fn a_number_is_asked_for_given_and_explained() {
    let (Some(server), Some(browser)) = (HOUSE.open(), Browser::launch()) else {
        return;
    };
    let city = browser.visitor();
    as_tablet(&city);
    log_in(&city, &server, "chiyoda-admin");
    open_cycle(&city, &server);
    city.fill("#units", "4");
    city.fill("#request_reason", "高齢者施設の接種");
    city.follow(|page| page.click("text=希望を提出する"));
    city.wait_for_text("希望を提出しました");
    city.assert_accessible();

    let prefecture = browser.visitor();
    as_desk(&prefecture);
    log_in(&prefecture, &server, "tokyo");
    open_cycle(&prefecture, &server);
    prefecture.wait_for_text("高齢者施設の接種");
    prefecture.assert_accessible();
    show(&prefecture, "allocation-desk");
    the_prefecture_is_told_why(&prefecture);
    the_prefecture_publishes(&prefecture);

    open_cycle(&city, &server);
    city.follow(|page| page.click("text=なぜ"));
    city.wait_for_text("離島の集団接種");
    city.assert_accessible();
    city.assert_clean();
}

fn the_prefecture_is_told_why(page: &Page) {
    page.follow(|page| page.click("section[aria-labelledby='own-title'] a"));
    page.wait_for_text("人口比");
    assert!(page.shows("÷") && page.shows("端数"));
    page.assert_accessible();
    show(page, "allocation-why");
    page.follow(|page| page.click("text=クールに戻る"));
}

fn the_prefecture_publishes(page: &Page) {
    page.select("#rule1", "requests");
    page.fill("#amount0", "90%");
    page.follow(|page| page.click("text=計算する"));
    page.wait_for_text("計算し直しました");
    page.select("#node", "131016");
    page.fill("#set_units", "9");
    page.fill("#set_reason", "離島の集団接種");
    page.follow(|page| page.click("text=この数に決める"));
    page.wait_for_text("手修正");
    page.follow(|page| page.click("text=この案を公表する"));
    page.wait_for_text("配分を公表しました");
    page.assert_accessible();
    show(page, "allocation-published");
    page.assert_clean();
}
