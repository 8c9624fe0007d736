//! The venues of a city by a file: a mistake is told by its line, the corrected file is approved, the venue is there, and
//! the file is taken back.

use crate::house::{House, as_desk, as_tablet, log_in};
use crate::snapshot::show;
use browser_flows::{Browser, Page, Server};
use tempfile::TempDir;

static HOUSE: House = House::new();

const HEADER: &str =
    "会場コード,市町村コード,会場名,施設類型,適用開始日,住所,診療時間,供給元会場コード,納品曜日";
const GOOD: &str = "1310000094,131016,外神田見本医院,3,20210401,千代田区外神田9-9,月火木 09:00-12:00; 土 09:00-12:00,なし,月水";
/// A supplier that nobody knows, and hours that are none.
const BAD: &str = "1310000102,131016,内神田見本医院,2,20210401,千代田区内神田8-8,月火木 09:00-12:00,1310009999,月水\r\n\
     1310000110,131016,東神田見本医院,3,20210401,千代田区東神田7-7,9時から,なし,月水";

/// Hands the lines in, and waits until they were looked through.
fn hand_in(page: &Page, server: &Server, lines: &str) {
    let folder = TempDir::with_prefix("sesshu-venues-").unwrap();
    let file = folder.path().join("venues.csv");
    std::fs::write(&file, format!("{HEADER}\r\n{lines}\r\n")).unwrap();
    page.goto(&server.url("/venues/files"));
    page.upload("#file", &file);
    page.follow(|page| page.click("text=送って確かめる"));
    page.wait_for("form[action$='/discard']");
}

#[test]
fn a_city_loads_its_venues_mends_a_mistake_and_takes_the_file_back() {
    let (Some(server), Some(browser)) = (HOUSE.open(), Browser::launch()) else {
        return;
    };
    let page = browser.visitor();
    as_desk(&page);
    log_in(&page, &server, "chiyoda-admin");
    page.goto(&server.url("/venues"));
    page.follow(|page| page.click("a[href='/venues/files']"));
    page.wait_for_text("まだファイルはありません");
    page.assert_accessible();
    show(&page, "venue-files");

    hand_in(&page, &server, &format!("{GOOD}\r\n{BAD}"));
    page.wait_for_text("供給元会場コードの会場がありません");
    page.wait_for_text("診療時間が正しくありません");
    page.assert_accessible();
    show(&page, "venue-file-complaints");
    as_tablet(&page);
    show(&page, "venue-file-complaints-tablet");
    as_desk(&page);
    page.follow(|page| page.click("form[action$='/discard'] button"));
    page.wait_for_text("破棄しました");

    hand_in(&page, &server, GOOD);
    page.wait_for_text("誤りのある行はありません");
    page.follow(|page| page.click("form[action$='/approve'] button"));
    page.wait_for_text("登録済み");
    show(&page, "venue-file-done");
    let import = page.url();
    finds(&page, &server);
    page.wait_for_text("外神田見本医院");
    page.follow(|page| page.click("text=外神田見本医院"));
    page.wait_for_text("取込: venues.csv");
    page.assert_accessible();

    page.goto(&import);
    page.click("summary");
    page.follow(|page| page.click("form[action$='/undo'] button"));
    page.wait_for_text("取消済み");
    finds(&page, &server);
    page.wait_for_text("会場が見つかりません");
    page.assert_clean();
}

/// Looks for the venue of the file.
fn finds(page: &Page, server: &Server) {
    page.goto(&server.url("/venues"));
    page.fill("#q", "外神田");
    page.follow(|page| page.click("form[role=search] button[type=submit]"));
}
