//! A venue has doses left at the end of its day: it calls its standby list, one declines, the next comes, and the city
//! sees it.

use crate::house::{House, as_desk, begin_the_day, compare_and_register, coupon, log_in, scan};
use crate::snapshot::show;
use browser_flows::{Browser, Page, Server};

static HOUSE: House = House::new();

const VENUE: &str = "kanda";

#[test]
fn what_is_left_over_is_offered_in_turn_until_nothing_is_left() {
    let (Some(server), Some(browser)) = (HOUSE.open(), Browser::launch()) else {
        return;
    };
    let venue = browser.visitor();
    begin_the_day(&venue, &server, VENUE);
    let people = [0, 2, 3].map(|place| coupon(&server, "normal", place).digits);
    for digits in &people {
        put_on_the_list(&venue, &server, digits);
    }
    venue.assert_accessible();
    show(&venue, "standby");
    register(&venue, &server, &coupon(&server, "normal", 1).digits);
    let left = close_the_day(&venue, &server);
    tell(&venue, &server, left - 1);
    let called = one_declines_and_the_next_accepts(&venue, &server);
    register(&venue, &server, &people[called - 1]);
    nothing_is_left(&venue, &server);

    let city = browser.visitor();
    as_desk(&city);
    log_in(&city, &server, "chiyoda");
    city.goto(&server.url("/city/leftover"));
    city.wait_for_text("神田見本クリニック");
    city.wait_for_text("余り");
    city.assert_accessible();
    show(&city, "leftover-city");
    city.goto(&server.url("/city/standby"));
    city.wait_for_text("名簿にはまだだれもいません");
    city.assert_accessible();
    city.assert_clean();
}

fn put_on_the_list(page: &Page, server: &Server, digits: &str) {
    page.goto(&server.url("/venue/standby"));
    page.fill("#coupon", digits);
    page.fill("#phone", "03-0000-0001");
    // The demonstration may run close to midnight: nobody needs long.
    page.fill("#needs", "0");
    page.select("#consent_way", "paper");
    page.follow(|page| page.click("text=登録する"));
    page.wait_for_text("名簿に登録しました");
}

fn register(page: &Page, server: &Server, digits: &str) {
    page.goto(&server.url("/venue/read"));
    scan(page, digits);
    compare_and_register(page);
    page.wait_for_text("次の人");
}

/// Closes with one vial opened; gives how many doses are left over.
fn close_the_day(page: &Page, server: &Server) -> usize {
    page.goto(&server.url("/venue/day"));
    page.fill("#vials_opened_0", "1");
    page.follow(|page| page.click("text=閉場する"));
    page.expect_complaint("422");
    let missing = page.text("#refused_0");
    let doses: String = missing.chars().take_while(char::is_ascii_digit).collect();
    page.fill("#left_over_0", &doses);
    page.follow(|page| page.click("text=閉場する"));
    page.wait_for_text("閉場を記録しました");
    doses.parse().unwrap()
}

fn tell(page: &Page, server: &Server, expected: usize) {
    page.goto(&server.url("/venue/leftover"));
    page.assert_accessible();
    page.fill("[id^='expected-']", &expected.to_string());
    page.follow(|page| page.click("text=余剰として登録する"));
    page.wait_for_text("残り 1 回分");
}

/// Gives the number on the list of whoever accepts.
fn one_declines_and_the_next_accepts(page: &Page, server: &Server) -> usize {
    page.follow(|page| page.click("text=次の人を呼び出す"));
    page.wait_for_text("03-0000-0001");
    page.assert_accessible();
    show(page, "leftover-call");
    as_desk(page);
    show(page, "leftover-call-desk");
    crate::house::as_tablet(page);
    page.follow(|page| page.click("text=断られた"));
    page.follow(|page| page.click("text=次の人を呼び出す"));
    let who = page.text(".calling h3");
    let number = (1..=3).find(|number| who.contains(&format!("名簿 {number} 番")));
    page.follow(|page| page.click("button[value='accepted']"));
    page.wait_for_text("来る予定の方");
    page.assert_accessible();
    show(page, "leftover-coming");
    assert_eq!(page.count("button.large[value='declined']"), 0);
    page.goto(&server.url("/venue/leftover"));
    number.unwrap()
}

fn nothing_is_left(page: &Page, server: &Server) {
    page.goto(&server.url("/venue/leftover"));
    page.wait_for_text("残りはありません");
    page.wait_for_text("接種済み");
    page.assert_accessible();
    show(page, "leftover-none");
    page.assert_clean();
}
