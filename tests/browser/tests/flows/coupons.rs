//! A city issues coupons to a cohort and one again; the venue reads the old one and is told.

use crate::{
    house::{House, as_desk, as_tablet, begin_the_day, coupon, log_in, scan},
    snapshot::show,
};
use browser_flows::{Browser, Page, Server};

static HOUSE: House = House::new();

#[test]
fn a_cohort_is_issued_printed_one_coupon_is_replaced_and_the_old_one_is_told_at_the_venue() {
    let (Some(server), Some(browser)) = (HOUSE.open(), Browser::launch()) else {
        return;
    };
    let city = browser.visitor();
    as_desk(&city);
    log_in(&city, &server, "chiyoda");
    let digits = coupon(&server, "normal", 0).digits;
    let number = digits.get(8..).unwrap_or_default();
    let chief = browser.visitor();
    as_desk(&chief);
    log_in(&chief, &server, "chiyoda-admin");
    the_sender_is_said(&chief, &server);
    the_looks_are_printed(&chief, &server, number);
    a_cohort_is_issued(&city, &server);

    one_is_replaced(&city, &server, number);

    let venue = browser.visitor();
    begin_the_day(&venue, &server, "kanda");
    scan(&venue, &digits);
    venue.wait_for_text("無効です");
    as_tablet(&venue);
    show(&venue, "coupon-void-at-venue");
    venue.assert_accessible();
    venue.assert_clean();
}

fn the_sender_is_said(page: &Page, server: &Server) {
    page.goto(&server.url("/city"));
    page.follow(|page| page.click("a[href='/city/sender']"));
    page.wait_for_text("まだ設定されていません");
    page.assert_accessible();
    for (field, typed) in [
        ("office", "千代田区長"),
        ("mayor", "見本 花子"),
        ("desk", "健康推進課 予防接種係"),
        ("phone", "03-0000-0000"),
        ("postal_code", "000-0000"),
        ("address", "東京都千代田区見本町1-1"),
    ] {
        page.fill(&format!("#{field}"), typed);
    }
    page.follow(|page| page.click("text=保存する"));
    page.wait_for_text("今日の差出人");
    show(page, "sender");
    as_tablet(page);
    show(page, "sender-tablet");
    as_desk(page);
    page.assert_accessible();
    page.assert_clean();
}

/// What the server answers to whoever takes out the file of a link.
fn taken_out(page: &Page, ends_with: &str) -> String {
    let asked = format!(
        "(() => {{ const asked = new XMLHttpRequest(); \
         asked.open('GET', document.querySelector(\"a[href$='{ends_with}']\").href, false); \
         asked.send(); return asked.status + ' ' + asked.getResponseHeader('content-type'); }})()"
    );
    page.eval(&asked).as_str().unwrap_or_default().to_owned()
}

fn the_looks_are_printed(page: &Page, server: &Server, number: &str) {
    page.goto(&server.url(&format!("/city/people/{number}/looks")));
    page.wait_for("a[href$='/looks.pdf']");
    show(page, "person-looks-pdf");
    page.assert_accessible();
    assert_eq!(taken_out(page, "/looks.pdf"), "200 application/pdf");
    page.assert_clean();
}

fn a_cohort_is_issued(page: &Page, server: &Server) {
    page.goto(&server.url("/city"));
    page.follow(|page| page.click("nav a[href='/city/coupons']"));
    page.assert_accessible();
    page.fill("#age_from", "65");
    page.click("input[name=order][value=address]");
    show(page, "coupons");
    page.follow(|page| page.click("text=人数を確かめる"));
    page.wait_for_text("承認して発行する");
    show(page, "coupons-ready");
    page.assert_accessible();
    page.follow(|page| page.click("text=承認して発行する"));
    page.wait_for_text("印刷ファイル");
    page.wait_for("a[href$='/files/1']");
    show(page, "coupons-done");
    as_tablet(page);
    show(page, "coupons-done-tablet");
    as_desk(page);
    page.assert_accessible();
    assert_eq!(taken_out(page, "/files/1"), "200 application/pdf");
    page.follow(|page| page.click("a[href$='/unaddressed']"));
    page.wait_for_text("住所の登録がありません");
    show(page, "coupons-unaddressed");
    page.assert_accessible();
    page.assert_clean();
}

fn one_is_replaced(page: &Page, server: &Server, number: &str) {
    page.goto(&server.url(&format!("/city/people/{number}")));
    show(page, "person-address");
    page.follow(|page| page.click(&format!("a[href='/city/people/{number}/coupons']")));
    page.assert_accessible();
    page.click("input[name=reason][value=lost]");
    page.follow(|page| page.click("form[action$='/reissue'] button[type=submit]"));
    page.wait_for_text("再発行しました");
    assert!(page.text("main").contains("紛失"), "{}", page.text("main"));
    show(page, "coupons-reissued");
    as_tablet(page);
    show(page, "coupons-reissued-tablet");
    as_desk(page);
    page.assert_accessible();
    page.assert_clean();
}
