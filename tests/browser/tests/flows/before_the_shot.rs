//! Before the shot: the seal fills the settings, a recalled lot turns the page red, the check says the
//! colour, the receipt proves, and the day closes.

use crate::house::{House, as_desk, as_tablet, log_in, scan};
use crate::snapshot::show;
use browser_flows::{Browser, Page, Server};

static HOUSE: House = House::new();

/// A coupon that nobody has, of Chiyoda, for a dose without one before it.
const COUPON: &str = "211310160970000001";
const GTIN: &str = "04987123456784";
/// What a hand scanner types, the separator as a printable stand-in.
const SEAL: &str = "010498712345678410SHOT01|17991231";

/// The size of a telephone in the hand.
fn as_telephone(page: &Page) {
    page.set_viewport(360, 740, true);
}

/// Looks at a page in both sizes and both languages; each must be usable, and is shown.
fn look(page: &Page, name: &str) {
    page.assert_accessible();
    show(page, name);
    as_telephone(page);
    page.assert_accessible();
    show(page, &format!("{name}-360"));
    as_tablet(page);
}

#[test]
fn a_seal_a_check_a_receipt_and_a_closing() {
    let (Some(server), Some(browser)) = (HOUSE.open(), Browser::launch()) else {
        return;
    };
    let nation = browser.visitor();
    as_desk(&nation);
    log_in(&nation, &server, "kuni");
    the_nation_enters(&nation, &server, "");
    nation.assert_accessible();
    show(&nation, "lots");

    let venue = browser.visitor();
    as_tablet(&venue);
    log_in(&venue, &server, "kanda");
    the_seal_fills_the_settings(&venue, &server);
    the_check_is_amber_and_the_receipt_proves(&venue, &server);
    the_day_closes(&venue, &server);

    the_nation_enters(&nation, &server, "2021-01-01");
    nation.assert_accessible();
    show(&nation, "lots-recalled");
    a_recalled_lot_is_red(&venue, &server);
}

fn the_nation_enters(page: &Page, server: &Server, recalled: &str) {
    page.goto(&server.url("/lots?product=comirnaty_lp81&lot=SHOT01"));
    page.select("#product", "comirnaty_lp81");
    page.fill("#lot", "shot01");
    page.fill("#expires", "2099-12-31");
    page.fill("#recalled_since", recalled);
    if !recalled.is_empty() {
        page.fill("#reason", "異物の混入");
    }
    page.follow(|page| page.click("#lot-form button[type=submit]"));
    page.wait_for_text("ロットを登録しました");
    page.fill("#gtin", GTIN);
    page.select("#package_product", "comirnaty_lp81");
    page.follow(|page| page.click("form[action='/lots/packages'] button"));
    page.wait_for_text("商品コードを登録しました");
    page.assert_clean();
}

fn the_seal_fills_the_settings(page: &Page, server: &Server) {
    page.goto(&server.url("/venue/settings"));
    page.click("#seal");
    page.follow(|page| page.type_keys(&format!("{SEAL}\n")));
    page.wait_for_text("シールから入力しました");
    assert_eq!(page.eval("document.querySelector('#lot').value"), "SHOT01");
    assert_eq!(
        page.eval("document.querySelector('#product').value"),
        "comirnaty_lp81"
    );
    look(page, "settings-seal");
    page.fill("#seal", "01049871234567881721093010A");
    page.follow(|page| page.click("text=シールを読む"));
    page.expect_complaint("422");
    page.wait_for_text("検査数字が合いません");
    page.assert_accessible();
    page.fill("#doctor", "見本 医師");
    page.follow(|page| page.click("text=この設定で始める"));
    page.wait_for_text("当日の設定を保存しました");
    page.assert_clean();
}

fn the_check_is_amber_and_the_receipt_proves(page: &Page, server: &Server) {
    page.goto(&server.url("/venue/read"));
    scan(page, COUPON);
    assert_eq!(page.text(".before .answer-word"), "確かめてから接種");
    look(page, "check");
    page.click("#compared");
    page.follow(|page| page.click("#register button[type=submit]"));
    let number = page.text("a[href^='/receipts/']");
    look(page, "result");
    page.follow(|page| page.click("a[href^='/receipts/']"));
    page.wait_for_text("台帳の記録と一致しました");
    assert!(
        page.shows("SHOT01") && !page.shows("0970000001"),
        "{number}"
    );
    look(page, "receipt");
    page.goto(&server.url("/receipts?lang=en"));
    page.fill("#number", &number);
    page.follow(|page| page.click("button[type=submit]:not(.quiet)"));
    page.wait_for_text("It agrees with the ledger");
    look(page, "receipt-en");
    page.goto(&server.url("/receipts?lang=ja"));
    page.assert_clean();
}

fn the_day_closes(page: &Page, server: &Server) {
    page.goto(&server.url("/venue/day"));
    page.fill("#vials_opened_0", "1");
    page.follow(|page| page.click("text=閉場する"));
    page.expect_complaint("422");
    page.wait_for_text("理由のない差があります");
    look(page, "day-refused");
    let missing = page.text("#refused_0");
    let doses: String = missing.chars().take_while(char::is_ascii_digit).collect();
    page.fill("#left_over_0", &doses);
    page.follow(|page| page.click("text=閉場する"));
    page.wait_for_text("閉場を記録しました");
    look(page, "day-closed");
    page.goto(&server.url("/venue/day?lang=en"));
    page.wait_for_text("Closed at");
    look(page, "day-en");
    page.goto(&server.url("/venue/day?lang=ja"));
    page.assert_clean();
}

fn a_recalled_lot_is_red(page: &Page, server: &Server) {
    page.goto(&server.url("/venue/read"));
    scan(page, "211310160970000002");
    assert_eq!(page.text(".before .answer-word"), "接種しないでください");
    look(page, "check-red");
    page.goto(&server.url("/venue/settings"));
    page.follow(|page| page.click("text=この設定で始める"));
    page.expect_complaint("422");
    page.wait_for_text("このロットは接種しないでください");
    look(page, "settings-stop");
    page.goto(&server.url("/venue/settings?lang=en"));
    page.assert_accessible();
    page.goto(&server.url("/venue/settings?lang=ja"));
    page.assert_clean();
}
