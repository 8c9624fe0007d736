//! The monitor of the supply: from the nation's map down to a venue's lots; the files; and what a city sees.

use crate::house::{House, as_desk, as_tablet, log_in};
use crate::snapshot::show;
use browser_flows::{Browser, Page, Server};

static HOUSE: House = House::new();

#[test]
fn the_nation_goes_from_its_map_down_to_a_venue_and_takes_the_files() {
    let (Some(server), Some(browser)) = (HOUSE.open(), Browser::launch()) else {
        return;
    };
    let page = browser.visitor();
    as_desk(&page);
    log_in(&page, &server, "kuni");
    page.goto(&server.url("/lots"));
    page.follow(|page| page.click("nav a[href='/monitor']"));
    page.wait_for_text("在庫週数の地図");
    assert_eq!(page.count(".monitor-map path.land"), 47);
    assert_eq!(page.count(".monitor tfoot th"), 1);
    page.assert_accessible();
    show(&page, "monitor-nation");
    for part in ["map", "table", "report"] {
        page.eval(&format!(
            "document.getElementById('{part}-title').scrollIntoView()"
        ));
        show(&page, &format!("monitor-nation-{part}"));
    }
    page.follow(|page| page.click("th a[href^='/monitor/13?']"));
    page.wait_for_text("市町村ごと");
    page.assert_accessible();
    show(&page, "monitor-prefecture");
    page.follow(|page| page.click("th a[href^='/monitor/131016?']"));
    page.wait_for_text("会場ごと");
    page.wait_for_text("会場の最終登録");
    page.assert_accessible();
    show(&page, "monitor-city");
    page.follow(|page| page.click("text=神田見本クリニック"));
    page.wait_for_text("ロットごと");
    page.assert_accessible();
    show(&page, "monitor-venue");
    files(&page);
    // The way back is above.
    page.follow(|page| page.click("nav[aria-label='上の範囲'] a[href^='/monitor/131016']"));
    page.wait_for_text("会場ごと");
    page.assert_clean();
    the_city_sees_itself_alone(&browser.visitor(), &server);
}

/// Both files, fetched as the forms would.
fn files(page: &Page) {
    for (form, head) in [
        ("/monitor/table", "コード,名称,製品コード"),
        ("/monitor/report", "区分,集計日,コード"),
    ] {
        page.eval(&format!(
            "(async () => {{
                const form = document.querySelector(\"form[action='{form}']\");
                const query = new URLSearchParams(new FormData(form));
                const answer = await fetch(form.action + '?' + query);
                document.body.dataset.file = answer.headers.get('content-disposition') + await answer.text();
            }})()"
        ));
        page.wait_until(&format!(
            "(document.body.dataset.file || '').includes('attachment') && document.body.dataset.file.includes('{head}')"
        ));
    }
}

fn the_city_sees_itself_alone(page: &Page, server: &Server) {
    as_tablet(page);
    log_in(page, server, "chiyoda-admin");
    page.goto(&server.url("/monitor"));
    page.wait_for_text("会場ごと");
    page.assert_accessible();
    show(page, "monitor-city-tablet");
    page.prefer_language("en");
    page.goto(&server.url("/monitor?lang=en"));
    page.wait_for_text("Weeks of cover");
    page.assert_accessible();
    page.assert_clean();
}
