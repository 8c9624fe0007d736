//! A suspected adverse reaction, and a vaccination error, are reported from the record of the dose.

use crate::house::{House, as_desk, as_tablet, log_in};
use browser_flows::Browser;

static HOUSE: House = House::new();

/// The number of somebody in Chiyoda for whom the demonstration recorded a dose today, at the venue of `kaijo`.
const RECORDED_TODAY: &str = "0001000006";

#[test]
fn a_venue_drafts_a_report_and_the_city_submits_it() {
    let (Some(server), Some(browser)) = (HOUSE.open(), Browser::launch()) else {
        return;
    };
    let venue = browser.visitor();
    as_tablet(&venue);
    log_in(&venue, &server, "kaijo");
    venue.goto(&server.url("/venue/today"));
    let record = format!(".record-act a[aria-label$='{RECORDED_TODAY}']");
    venue.follow(|page| page.click(&record));
    venue.follow(|page| page.click("text=副反応疑い報告を作る"));
    venue.assert_accessible();
    venue.fill("#symptoms", "発熱");
    venue.follow(|page| page.click("text=下書きを保存"));
    venue.wait_for_text("下書きを保存しました");
    venue.assert_clean();

    let city = browser.visitor();
    as_desk(&city);
    log_in(&city, &server, "chiyoda");
    city.follow(|page| page.click("main nav a[href='/city/reports']"));
    city.assert_accessible();
    // The walk beside this one may have reported before.
    city.follow(|page| page.click("tbody tr:has(.soft) a"));
    assert_eq!(city.text("#symptoms"), "発熱");
    city.follow(|page| page.click("button[value=submit]"));
    city.expect_complaint("422");
    city.wait_for_text("入力してください");
    city.assert_accessible();
    for (item, text) in [
        ("#name", "見本 花子"),
        ("#birth", "1946-05-03"),
        ("#reporter_name", "見本 一郎"),
        ("#began_on", "2026-11-26"),
        ("#summary", "接種の翌日に38度の発熱。"),
    ] {
        city.fill(item, text);
    }
    for (item, digit) in [
        ("#sex", "2"),
        ("#reporter_role", "1"),
        ("#causality", "3"),
        ("#gravity", "0"),
        ("#outcome", "1"),
    ] {
        city.select(item, digit);
    }
    city.follow(|page| page.click("button[value=submit]"));
    city.wait_for_text("提出しました");
    city.wait_for("a[href$='/report.pdf']");
    city.assert_accessible();
    city.assert_clean();
}

#[test]
fn a_vaccination_error_is_drafted_from_what_was_found_about_the_dose() {
    let (Some(server), Some(browser)) = (HOUSE.open(), Browser::launch()) else {
        return;
    };
    let city = browser.visitor();
    as_desk(&city);
    log_in(&city, &server, "chiyoda");
    city.goto(&server.url("/city/findings?finding=too_soon"));
    city.follow(|page| page.click(".work > li:first-child .work-head a[href^='/city/records/']"));
    city.follow(|page| page.click("text=間違い接種の報告を作る"));
    city.wait_for_text("接種間隔の誤り");
    city.assert_accessible();
    for (item, text) in [
        ("#what_happened", "前回から12日後に接種した。"),
        ("#cause", "予約の確認漏れ"),
        ("#harm", "なし"),
        ("#explained", "当日、本人に説明した。"),
        ("#measures", "受付で前回の接種日を照合する。"),
    ] {
        city.fill(item, text);
    }
    city.follow(|page| page.click("button[value=submit]"));
    city.wait_for_text("提出しました");
    city.wait_for("a[href$='/report.pdf']");
    city.assert_accessible();
    city.assert_clean();
}
