//! A vial's way: what the wholesaler delivered is confirmed at the door, counted, and found again by the
//! nation, which rehearses the recall of its lot.

use crate::{
    house::{House, as_desk, as_tablet, log_in},
    snapshot::show,
};
use browser_flows::{Browser, Page, Server};

static HOUSE: House = House::new();

/// The lot of the demonstration that waits at every venue's door.
const LOT: &str = "FL4205";

#[test]
fn a_box_is_confirmed_at_the_door_counted_and_found_again() {
    let (Some(server), Some(browser)) = (HOUSE.open(), Browser::launch()) else {
        return;
    };
    the_wholesaler_sees_what_is_open(&browser.visitor(), &server);
    the_venue_confirms_and_counts(&browser.visitor(), &server);
    let nation = browser.visitor();
    the_nation_rehearses(&nation, &server);
    the_nation_asks_for_replacements(&nation);
}

fn the_wholesaler_sees_what_is_open(page: &Page, server: &Server) {
    log_in(page, server, "oroshi");
    page.follow(|page| page.click("main nav a[href='/deliveries']"));
    page.wait_for_text("会場と一致していない配送");
    page.wait_for_text("U-00001");
    page.assert_accessible();
    show(page, "deliveries");
    page.assert_clean();
}

fn the_venue_confirms_and_counts(page: &Page, server: &Server) {
    log_in(page, server, "kanda");
    page.follow(|page| page.click("main nav a[href='/venue/stock']"));
    page.wait_for_text("受領の確認を待つ配送");
    page.assert_accessible();
    show(page, "stock");
    as_desk(page);
    show(page, "stock-desk");
    as_tablet(page);
    page.follow(|page| page.click("form[action='/venue/stock/receive'] button"));
    page.wait_for_text("受領を登録しました。");
    page.wait_for_text("確認を待つ配送はありません。");
    let lot = format!("a[href$='lot={LOT}']");
    page.follow(|page| page.click(&lot));
    page.wait_for_text("出入りの記録");
    page.assert_accessible();
    show(page, "stock-lot");
    // 20 before, 20 now.
    page.wait_for_text("帳簿では40本");
    page.fill("#count-frozen", "39");
    page.fill("#count-note-frozen", "破損");
    page.follow(|page| page.click("form:has(#count-frozen) button"));
    page.wait_for_text("棚卸差");
    page.assert_clean();
}

fn the_nation_rehearses(page: &Page, server: &Server) {
    log_in(page, server, "kuni");
    page.follow(|page| page.click("main nav a[href='/lots/recall']"));
    page.fill("#lot", LOT);
    page.follow(|page| page.click("form[role='search'] button"));
    page.wait_for_text("神田見本クリニック");
    page.assert_accessible();
    page.follow(|page| page.click("form[action='/lots/recall/rehearsals'] button"));
    page.wait_for_text("これは訓練です。");
    page.assert_accessible();
    show(page, "recall");
    as_desk(page);
    page.eval("document.getElementById('replacements-title').scrollIntoView()");
    show(page, "recall-replacements");
    page.assert_clean();
}

/// The lot is stopped; what takes its place is asked for once, however often somebody presses.
fn the_nation_asks_for_replacements(page: &Page) {
    page.fill("#reason", "異物混入の報告");
    page.follow(|page| page.click("form[action='/lots/recall'][method='post'] button"));
    page.wait_for_text("代替を依頼する");
    page.assert_accessible();
    page.follow(|page| page.click("text=融通の依頼と発注をする"));
    page.wait_for_text("代替を依頼しました");
    page.assert_accessible();
    show(page, "recall-replacements-asked");
    page.follow(|page| page.click("text=融通の依頼と発注をする"));
    page.wait_for_text("すべて依頼済みです");
    page.assert_clean();
}
