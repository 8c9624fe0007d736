//! A venue without contract is told why it gets nothing, joins by a mandate on paper, and then may ask; and what is told of
//! a venue is changed with its story.

use crate::house::{House, as_desk, as_tablet, log_in};
use crate::snapshot::show;
use browser_flows::{Browser, Page, Server};

static HOUSE: House = House::new();

#[test]
fn a_venue_joins_the_contract_by_a_paper_that_its_association_has_in_hand() {
    let (Some(server), Some(browser)) = (HOUSE.open(), Browser::launch()) else {
        return;
    };
    let venue = browser.visitor();
    as_tablet(&venue);
    log_in(&venue, &server, "osaka-kaijo");
    asks_for_units(&venue, &server);
    venue.expect_complaint("409");
    venue.wait_for_text("集合契約に加入していません");
    venue.wait_for_text("no_contract");
    venue.assert_accessible();
    show(&venue, "contract-missing");
    let number = the_venue_makes_a_mandate(&venue, &server);

    let association = browser.visitor();
    as_desk(&association);
    log_in(&association, &server, "ishikai");
    association.goto(&server.url("/mandates"));
    association.wait_for_text(&number);
    association.assert_accessible();
    show(&association, "mandates");
    association.follow(|page| page.click("button[value=confirm]"));
    association.wait_for_text("委任状を確認しました");
    association.assert_accessible();
    association.assert_clean();

    venue.goto(&server.url("/venue/contract"));
    venue.wait_for_text("から加入しています");
    show(&venue, "contract-party");
    asks_for_units(&venue, &server);
    venue.wait_for_text("希望");
    assert!(!venue.shows("no_contract"));
    venue.assert_clean();
}

fn asks_for_units(page: &Page, server: &Server) {
    page.goto(&server.url("/allocations"));
    page.follow(|page| page.click("a.card[href^='/allocations/']"));
    page.fill("#units", "2");
    page.fill("#request_reason", "高齢者施設の接種");
    page.follow(|page| page.click("form[action$='/request'] button[type=submit]"));
}

fn the_venue_makes_a_mandate(page: &Page, server: &Server) -> String {
    page.goto(&server.url("/venue/contract"));
    page.wait_for_text("加入していません");
    page.assert_accessible();
    show(page, "contract-none");
    page.fill("#signatory", "院長　見本 一郎");
    page.follow(|page| page.click("form[action='/venue/contract'] button[type=submit]"));
    page.wait_for_text("委任状を作成しました");
    page.assert_accessible();
    show(page, "contract-made");
    let kind = page.eval(
        "(() => { const asked = new XMLHttpRequest(); \
         asked.open('GET', document.querySelector(\"a[href$='/mandate.pdf']\").href, false); asked.send(); \
         return asked.getResponseHeader('content-type'); })()",
    );
    assert_eq!(kind, "application/pdf");
    page.text("h3 .digits")
}

#[test]
fn a_city_tells_of_its_venue_and_the_prefecture_issues_a_code() {
    let (Some(server), Some(browser)) = (HOUSE.open(), Browser::launch()) else {
        return;
    };
    let city = browser.visitor();
    as_desk(&city);
    log_in(&city, &server, "chiyoda-admin");
    city.goto(&server.url("/venues"));
    city.assert_accessible();
    show(&city, "venues");
    city.fill("#q", "神田");
    city.follow(|page| page.click("form[role=search] button[type=submit]"));
    city.follow(|page| page.click("text=神田見本クリニック"));
    city.wait_for_text("サテライト型");
    city.assert_accessible();
    show(&city, "venue-record");
    city.follow(|page| page.click("a[href*='edit=hours']"));
    city.fill("#thu", "9-12");
    city.follow(|page| page.click("#hours button[type=submit]"));
    city.expect_complaint("422");
    city.wait_for_text("09:00-12:00 14:00-17:30」の形で");
    city.assert_accessible();
    city.fill("#thu", "09:00-12:00 15:00-18:00");
    city.follow(|page| page.click("#hours button[type=submit]"));
    city.wait_for_text("登録しました");
    city.wait_for_text("09:00-12:00 15:00-18:00");
    city.click("text=類似コードの新規付番を申請する");
    city.fill("#apply_reason", "集団接種会場になるため");
    city.follow(|page| page.click("form[action$='/applications'] button[type=submit]"));
    city.wait_for_text("申請しました");
    city.assert_accessible();
    city.assert_clean();

    let prefecture = browser.visitor();
    as_desk(&prefecture);
    log_in(&prefecture, &server, "tokyo");
    prefecture.goto(&server.url("/code-applications"));
    prefecture.wait_for_text("神田見本クリニック");
    prefecture.assert_accessible();
    show(&prefecture, "code-applications");
    prefecture.follow(|page| page.click("button[value=issue]"));
    prefecture.wait_for_text("コードを付番しました");
    prefecture.wait_for_text("1391000013");
    prefecture.assert_accessible();
    prefecture.assert_clean();

    let wholesaler = browser.visitor();
    as_desk(&wholesaler);
    log_in(&wholesaler, &server, "oroshi");
    wholesaler.goto(&server.url("/own-codes"));
    wholesaler.assert_accessible();
    show(&wholesaler, "own-codes");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("own.csv");
    let today = wholesaler.eval("document.querySelector('#on').value.replaceAll('-', '')");
    let today = today.as_str().unwrap();
    let lines = format!(
        "会場コード,適用開始日,自社コード\n1391000013,{today},K-001\n1399999999,{today},K-002\n"
    );
    std::fs::write(&file, lines).unwrap();
    wholesaler.upload("#file", &file);
    wholesaler.follow(|page| page.click("form[enctype] button[type=submit]"));
    wholesaler.wait_for_text("1行を登録しました");
    wholesaler.wait_for_text("3行目");
    wholesaler.assert_accessible();
    wholesaler.assert_clean();
}
