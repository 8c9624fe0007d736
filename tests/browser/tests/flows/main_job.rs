//! The main job: from a coupon's photo at the venue to the city's ledger and the nation's count.

use crate::{
    house::{House, answer, as_desk, as_tablet, coupon, log_in, shown_digits},
    snapshot::{assert_page, assert_page_of_counts, assert_with},
};
use browser_flows::{Browser, PATIENCE, Page, Server};
use std::time::Instant;

static HOUSE: House = House::new();

/// A clinic where the demonstration records nothing today, so that its list is only what this test did.
const CLINIC: &str = "kanda";

#[test]
fn a_photographed_coupon_is_registered_seen_by_its_city_and_counted_by_the_nation() {
    let (Some(server), Some(browser)) = (HOUSE.open(), Browser::launch()) else {
        return;
    };
    let nation = browser.visitor();
    as_desk(&nation);
    log_in(&nation, &server, "kuni");
    let before = counted(&nation, &server);

    let venue = browser.visitor();
    as_tablet(&venue);
    the_venue_sets_the_day(&venue, &server);
    the_venue_reads_and_registers(&venue, &server);

    let city = browser.visitor();
    as_desk(&city);
    the_city_sees_it(&city, &server);
    the_nation_counts_it(&nation, &server, before);
}

fn the_venue_sets_the_day(page: &Page, server: &Server) {
    log_in(page, server, CLINIC);
    page.follow(|page| page.click(".cards a[href='/venue/read']"));
    assert!(
        page.url().ends_with("/venue/settings"),
        "a new day asks for its settings first: {}",
        page.url()
    );
    assert_page("settings", page);
    page.assert_accessible();
    page.assert_clean();

    page.select("#product", "comirnaty_lp81");
    page.fill("#lot", "fl4205");
    page.fill("#doctor", "見本 医師");
    page.follow(|page| page.click("text=この設定で始める"));
    assert!(page.url().contains("/venue/read"), "{}", page.url());
    page.wait_for_text("FL4205");
    assert_page("read", page);
    page.assert_accessible();
    page.assert_clean();
}

fn the_venue_reads_and_registers(page: &Page, server: &Server) {
    let coupon = coupon(server, "normal", 0);
    page.follow(|page| page.upload("#photo", &coupon.picture));
    assert_eq!(shown_digits(page, ".line-parts"), coupon.digits);
    assert_eq!(answer(page), "通常");
    assert_page("check", page);
    page.assert_accessible();
    page.assert_clean();

    page.follow(|page| page.click("#register button[type=submit]"));
    assert!(page.url().contains("/venue/result/"), "{}", page.url());
    assert_eq!(answer(page), "通常");
    assert_page_with_entry("result", page);
    page.assert_accessible();
    page.assert_clean();

    page.follow(|page| page.click("text=次の人"));
    assert!(page.url().ends_with("/venue/read"), "{}", page.url());
    page.assert_clean();

    page.follow(|page| page.click("nav a[href='/venue/today']"));
    assert_eq!(page.count(".record"), 1);
    assert_page("today", page);
    page.assert_accessible();
    page.assert_clean();
}

fn the_city_sees_it(page: &Page, server: &Server) {
    let digits = coupon(server, "normal", 0).digits;
    let number = digits.get(8..).unwrap_or_default();
    log_in(page, server, "chiyoda");
    page.follow(|page| page.click("nav a[href='/city/ledger']"));
    page.assert_accessible();
    page.fill("#text", number);
    page.follow(|page| page.click("text=探す"));
    assert_eq!(page.count(".ledger tbody tr"), 4, "three doses and today's");
    assert_page_with_entry("ledger", page);
    page.assert_accessible();
    page.assert_clean();

    page.follow(|page| {
        page.click(&format!(
            ".ledger tbody tr:first-child a[href='/city/people/{number}']"
        ))
    });
    assert_page_with_entry("person", page);
    page.assert_accessible();
    page.assert_clean();

    let newest = ".dose:last-child";
    assert!(page.text(newest).contains("4回目"), "{}", page.text(newest));
    page.follow(|page| page.click(&format!("{newest} .dose-act a")));
    for told in ["登録", "神田見本クリニック", "FL4205", "二次元コード"] {
        assert!(page.text(".story").contains(told), "{told}");
    }
    page.assert_accessible();
    page.assert_clean();
}

fn the_nation_counts_it(page: &Page, server: &Server, before: u64) {
    let deadline = Instant::now() + PATIENCE;
    let mut now = counted(page, server);
    while now == before && Instant::now() < deadline {
        now = counted(page, server);
    }
    assert_eq!(now, before + 1);
    page.wait_for_text("登録された記録はすべて数えています");
    assert_page_of_counts("statistics", page);
    page.assert_accessible();

    // The day the dose was given, as the open data writes it, and where, and which dose.
    let counted = page.eval(
        "fetch('/vaccination/opendata/latest/prefecture.ndjson').then(answer => answer.text()).then(text => {
            const today = new Date().toLocaleDateString('sv-SE');
            return text.trimEnd().split('\\n').map(line => JSON.parse(line))
                .some(row => row.date === today && row.prefecture === '13' && row.status === 4 && row.count >= 1);
        })",
    );
    assert_eq!(counted, true, "the open data has today's line");
    page.assert_clean();
}

/// The number of doses on the nation's page.
fn counted(page: &Page, server: &Server) -> u64 {
    page.goto(&server.url("/statistics"));
    let digits = shown_digits(page, ".totals .whole strong");
    page.assert_clean();
    digits.parse().unwrap_or_default()
}

/// The same as [`assert_page`], but the ledger's numbers grow with the days of the demonstration.
fn assert_page_with_entry(name: &str, page: &Page) {
    assert_with(
        name,
        page,
        &[
            (r#""\d{1,6}""#, r#""〈番号〉""#),
            (r"記録 \d+", "記録 〈番号〉"),
        ],
    );
}
