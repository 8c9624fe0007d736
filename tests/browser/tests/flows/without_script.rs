//! The main job where no script runs, by touch and by keyboard alone.

use crate::house::{
    House, answer, as_desk, begin_the_day, compare_and_register, coupon, password, shown_digits,
};
use browser_flows::{Browser, Page};

static HOUSE: House = House::new();

/// Elements of a page that Tab reaches, at most: more would be a page that nobody can use by keyboard.
const STOPS_MAX: usize = 60;

#[test]
fn a_tablet_without_scripts_reads_and_registers() {
    let (Some(server), Some(browser)) = (HOUSE.open(), Browser::launch()) else {
        return;
    };
    let page = browser.visitor();
    page.run_scripts(false);
    begin_the_day(&page, &server, "kaijo");
    page.wait_for_text("この端末ではカメラをそのまま使えません");

    let typed = coupon(&server, "normal", 0);
    page.fill("#line", &typed.digits);
    page.follow(|page| page.click("text=確認へ進む"));
    assert_eq!(shown_digits(&page, ".line-parts"), typed.digits);
    compare_and_register(&page);
    assert_eq!(answer(&page), "通常");
    page.follow(|page| page.click("text=次の人"));

    let photographed = coupon(&server, "interview_only", 0);
    page.upload("#photo", &photographed.picture);
    page.follow(|page| page.click("text=この写真を読み取る"));
    assert_eq!(shown_digits(&page, ".line-parts"), photographed.digits);
    page.follow(|page| page.click("#register button[type=submit]"));
    assert_eq!(answer(&page), "予診のみ");

    page.follow(|page| page.click("nav a[href='/venue/today']"));
    let list = shown_digits(&page, ".records");
    assert!(list.contains(&typed.digits) && list.contains(&photographed.digits));
    page.assert_clean();
}

#[test]
fn a_keyboard_without_scripts_reads_and_registers() {
    let (Some(server), Some(browser)) = (HOUSE.open(), Browser::launch()) else {
        return;
    };
    let page = browser.visitor();
    page.run_scripts(false);
    as_desk(&page);
    page.goto(&server.url("/login"));
    tab_to(&page, "#login");
    page.type_keys("kanda");
    page.press("Tab");
    page.type_keys(&password(&server, "kanda"));
    page.follow(|page| page.press("Enter"));

    tab_to(&page, ".cards a[href='/venue/read']");
    page.follow(|page| page.press("Enter"));
    tab_to(&page, "#product");
    while page.text("#product") != "comirnaty_lp81" {
        page.press("ArrowDown");
    }
    tab_to(&page, "#lot");
    page.type_keys("fl4205");
    tab_to(&page, "#doctor");
    page.type_keys("Mihon");
    page.follow(|page| page.press("Enter"));
    page.wait_for_text("当日の設定を保存しました");

    let digits = coupon(&server, "normal", 1).digits;
    page.follow(|page| page.type_keys(&format!("{digits}\n")));
    assert_eq!(shown_digits(&page, ".line-parts"), digits);
    tab_to(&page, "#compared");
    page.press("Space");
    tab_to(&page, "#register button[type=submit]");
    page.follow(|page| page.press("Enter"));
    assert_eq!(answer(&page), "通常");
    // The way on has the focus already.
    page.follow(|page| page.press("Enter"));
    assert!(page.url().ends_with("/venue/read"), "{}", page.url());

    tab_to(&page, "nav a[href='/venue/today']");
    page.follow(|page| page.press("Enter"));
    assert_eq!(
        shown_digits(&page, ".record .record-what > .digits"),
        digits
    );
    page.assert_clean();
}

/// Presses Tab until the element has the focus; it must be seen to have it.
fn tab_to(page: &Page, selector: &str) {
    let focused = format!("document.activeElement.matches({selector:?})");
    for _ in 0..STOPS_MAX {
        if page.eval(&focused) == true {
            let seen = "(style => style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2)(getComputedStyle(document.activeElement))";
            assert_eq!(page.eval(seen), true, "the focus on {selector} is seen");
            return;
        }
        page.press("Tab");
    }
    assert_eq!(page.eval(&focused), true, "Tab never reaches {selector}");
}
