//! Allocation: a venue and its city ask; the prefecture is told why it got its number, tries a formula, sets a
//! number by hand and publishes; the city draws its figures from the books and gives to its venue; and the
//! wholesaler has that to deliver.

use crate::house::{House, as_desk, as_tablet, log_in};
use crate::snapshot::show;
use browser_flows::{Browser, Page, Server};

static HOUSE: House = House::new();

/// The reason of one's own number; those below have theirs in the table.
const OWN_WHY: &str = "section[aria-labelledby='own-title'] a";

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
    the_venue_asks(&browser.visitor(), &server);
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
    the_prefecture_counts_its_registers(&prefecture);

    open_cycle(&city, &server);
    city.follow(|page| page.click(OWN_WHY));
    city.wait_for_text("離島の集団接種");
    city.assert_accessible();
    city.follow(|page| page.click("text=← クールに戻る"));
    the_city_gives_to_its_venue(&city, &server);
    the_wholesaler_has_it_to_deliver(&browser.visitor(), &server);
    let other = browser.visitor();
    as_desk(&other);
    log_in(&other, &server, "tokyo");
    the_second_to_state_a_figure_is_told_of_the_first(&prefecture, &other);
}

/// Two clerks have the figures before them, and both state the same one.
fn the_second_to_state_a_figure_is_told_of_the_first(one: &Page, other: &Page) {
    let at = one.url();
    let at = at.split('?').next().unwrap();
    one.goto(at);
    other.goto(at);
    let state = |page: &Page, value: &str, reason: &str| {
        page.select("#place", "131016");
        page.select("#figure", "supplied_elsewhere_doses");
        page.fill("#value", value);
        page.fill("#figure_reason", reason);
        page.follow(|page| page.click("text=値を登録する"));
    };
    state(one, "20", "職域の報告");
    one.wait_for_text("職域の報告");
    state(other, "30", "大規模会場の報告");
    other.expect_complaint("422");
    other.wait_for_text("この画面を開いた後に");
    other.wait_for_text("まだ何も変えていません");
    other.assert_accessible();
    show(other, "allocation-figure-meanwhile");
    other.follow(|page| page.click("text=値を登録する"));
    other.wait_for_text("大規模会場の報告");
    other.assert_clean();
    one.assert_clean();
}

fn the_venue_asks(page: &Page, server: &Server) {
    as_tablet(page);
    log_in(page, server, "kanda");
    open_cycle(page, server);
    page.fill("#units", "3");
    page.fill("#request_reason", "予約が埋まっている");
    page.follow(|page| page.click("text=希望を提出する"));
    page.wait_for_text("希望を提出しました");
    page.assert_clean();
}

fn the_city_gives_to_its_venue(page: &Page, server: &Server) {
    page.follow(|page| page.click("text=値と出どころを見る"));
    page.follow(|page| page.click("text=帳簿から引き直す"));
    page.wait_for_text("帳簿から値を引き");
    page.wait_for_text("在庫帳簿");
    page.assert_accessible();
    show(page, "allocation-figures");
    page.follow(|page| page.click("text=← クールに戻る"));
    page.follow(|page| page.click("text=この案を公表する"));
    page.wait_for_text("配分を公表しました");
    page.goto(&server.url("/city/orders"));
    page.wait_for_text("神田見本クリニック");
    page.wait_for_text("第9クール");
    page.assert_accessible();
    show(page, "orders");
    page.assert_clean();
}

fn the_wholesaler_has_it_to_deliver(page: &Page, server: &Server) {
    as_desk(page);
    log_in(page, server, "oroshi");
    page.goto(&server.url("/deliveries"));
    page.wait_for_text("第9クール");
    // Three units of a cycle are what the venue asked for.
    page.wait_for_text("神田見本クリニック");
    page.assert_accessible();
    show(page, "deliveries-orders");
    page.assert_clean();
}

fn the_prefecture_is_told_why(page: &Page) {
    page.follow(|page| page.click(OWN_WHY));
    page.wait_for_text("人口比");
    assert!(page.shows("÷") && page.shows("端数"));
    page.assert_accessible();
    show(page, "allocation-why");
    page.follow(|page| page.click("text=← クールに戻る"));
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

/// People and due doses are counted beside everything else; whoever waits looks again.
fn the_prefecture_counts_its_registers(page: &Page) {
    page.follow(|page| page.click("text=値と出どころを見る"));
    let at = page.url();
    page.follow(|page| page.click("text=帳簿から引き直す"));
    page.wait_for_text("帳簿から値を引き");
    page.assert_accessible();
    show(page, "allocation-counting");
    for _ in 0..60 {
        if page.shows("市区町村の対象者台帳と接種間隔") {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(250));
        page.goto(&at);
    }
    page.wait_for_text("市区町村の対象者台帳と接種間隔");
    page.assert_accessible();
    show(page, "allocation-counted");
    page.assert_clean();
}
