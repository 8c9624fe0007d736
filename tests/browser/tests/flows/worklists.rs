//! The work of mending wrong records: a venue misreads a digit, a clerk finds who was meant and proposes to mend it,
//! a second clerk approves, and the person's page shows the dose.

use crate::{
    house::{House, answer, as_desk, begin_the_day, compare_and_register, log_in},
    snapshot::assert_with,
};
use browser_flows::{Browser, Page, Server};

static HOUSE: House = House::new();

/// Somebody in Chiyoda who waits for the fourth dose, and how the venue reads the number: a 1 as a 4.
const MEANT: &str = "0001000003";
const READ_AS: &str = "241310160004000003";

/// What moves on these pages besides days: entries count up as the demonstration grows.
const MOVING: &[(&str, &str)] = &[
    (r"(記録|No\.) \d+", "$1 〈番号〉"),
    (r"確からしさ \d+点", "確からしさ 〈点〉"),
];

#[test]
fn a_misread_is_found_by_a_clerk_and_mended_by_two() {
    let (Some(server), Some(browser)) = (HOUSE.open(), Browser::launch()) else {
        return;
    };
    the_venue_misreads(&browser, &server);

    let first = browser.visitor();
    as_desk(&first);
    log_in(&first, &server, "chiyoda");
    first.follow(|page| page.click("main nav a[href='/city']"));
    first.assert_accessible();
    let proposal = the_clerk_proposes(&first);

    // Nobody approves what they proposed.
    assert_eq!(first.count("form[action$='/approve']"), 0);
    first.wait_for_text("自分の提案は、自分では承認できません");

    let second = browser.visitor();
    as_desk(&second);
    log_in(&second, &server, "chiyoda-admin");
    second.goto(&server.url("/city/proposals"));
    second.assert_accessible();
    second.goto(&proposal);
    assert_with("proposal", &second, MOVING);
    second.assert_accessible();
    second.follow(|page| page.click("text=承認する"));
    second.wait_for_text("承認しました");
    second.wait_for_text("反映済み");
    second.assert_accessible();
    second.assert_clean();

    second.goto(&server.url(&format!("/city/people/{MEANT}")));
    assert!(second.text(".dose:last-child .dose-turn").contains('4'));
    second.follow(|page| page.click(".dose:last-child .dose-act a"));
    second.wait_for_text("元の記録");
    second.wait_for("a[href^='/city/proposals/']");
    second.assert_accessible();
    second.assert_clean();
}

/// Typed by hand, and without script, so that it is not taken for a scanner's.
fn the_venue_misreads(browser: &Browser, server: &Server) {
    let venue = browser.visitor();
    begin_the_day(&venue, server, "kaijo");
    venue.run_scripts(false);
    venue.goto(&server.url("/venue/read"));
    venue.fill("#line", READ_AS);
    venue.follow(|page| page.click("text=確認へ進む"));
    compare_and_register(&venue);
    assert_eq!(answer(&venue), "登録待ち");
    venue.assert_clean();
}

/// From the work list to the proposal; gives its address.
fn the_clerk_proposes(page: &Page) -> String {
    page.follow(|page| page.click("a[href='/city/worklists/misreads']"));
    page.assert_accessible();
    // The list shows the oldest first; the one just read is the last.
    page.follow(|page| page.click(".work > li:last-child form button"));
    page.wait_for_text("引き受けました");
    let why = ".work > li:last-child a[href^='/city/worklists/misreads/']";
    page.follow(|page| page.click(why));
    assert_eq!(page.text(".candidate .digits"), MEANT);
    for reason in ["読み間違えやすい数字です", "この回の記録がありません"] {
        assert!(page.text(".reasons").contains(reason), "{reason}");
    }
    assert_with("misread", page, MOVING);
    page.assert_accessible();
    page.follow(|page| page.click("text=選んだものの変化を確かめる"));
    assert_with("repair", page, MOVING);
    page.assert_accessible();
    page.fill("#reason", "予診票と照合し、1を4と読み違えていた");
    page.follow(|page| page.click("text=提案する"));
    page.wait_for_text("提案しました");
    page.assert_accessible();
    page.assert_clean();
    let url = page.url();
    url.split('?').next().unwrap_or_default().to_owned()
}

#[test]
fn lists_locks_and_settings_can_be_used_by_everybody() {
    let (Some(server), Some(browser)) = (HOUSE.open(), Browser::launch()) else {
        return;
    };
    let page = browser.visitor();
    as_desk(&page);
    log_in(&page, &server, "chiyoda-admin");
    for path in [
        "/city",
        "/city/worklists/pending",
        "/city/worklists/clashes",
        "/city/worklists/findings",
        "/city/worklists/sessions",
        "/city/locks",
        "/city/approvals",
    ] {
        page.goto(&server.url(path));
        page.assert_accessible();
        page.assert_clean();
    }
    page.click("text=取消");
    page.follow(|page| page.click("text=保存する"));
    page.wait_for_text("二人承認の設定を保存しました");
    assert_eq!(
        page.eval("document.querySelector(\"[value='void']\").checked"),
        true
    );
    page.click("text=取消");
    page.follow(|page| page.click("text=保存する"));
    page.wait_for_text("二人承認の設定を保存しました");
    page.assert_clean();
}
