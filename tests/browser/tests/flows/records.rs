//! Records from paper, by a file: taken in, corrected and taken back by two people; what leaves the city as a
//! file; and a dose of a day on which its venue does not work.

use crate::{
    house::{
        House, answer, as_desk, as_tablet, begin_the_day, compare_and_register, coupon, log_in,
        scan,
    },
    snapshot::show,
};
use browser_flows::{Browser, Page, Server};
use tempfile::TempDir;

static HOUSE: House = House::new();

const HEADER: &str = "自治体コード,券番号,券種,回数,接種日,会場名,会場コード,医師名,メーカー,製品コード,ロット,接種量,取消区分";

/// A line about a dose on a day of June 2021; `order` is its 取消区分.
fn line(person: u8, day: u8, lot: &str, order: u8) -> String {
    format!(
        "131016,000999990{person},2,1,202106{day:02},千代田会場,,見本 医師,ファイザー,comirnaty_12_mono,{lot},30,{order}"
    )
}

/// Hands the lines in, and waits until they were looked through; the page of the import is open then.
fn hand_in(page: &Page, server: &Server, lines: &[String]) {
    let folder = TempDir::with_prefix("sesshu-records-").unwrap();
    let file = folder.path().join("records.csv");
    std::fs::write(&file, format!("{HEADER}\r\n{}\r\n", lines.join("\r\n"))).unwrap();
    page.goto(&server.url("/city/records"));
    page.assert_accessible();
    page.click("text=UTF-8");
    page.upload("#file", &file);
    page.follow(|page| page.click("text=送って確かめる"));
    page.wait_for("form[action$='/discard']");
}

#[test]
fn a_file_that_corrects_and_takes_back_is_approved_and_undone_by_a_second_person() {
    let (Some(server), Some(browser)) = (HOUSE.open(), Browser::launch()) else {
        return;
    };
    let second = browser.visitor();
    as_desk(&second);
    log_in(&second, &server, "chiyoda-admin");
    second.goto(&server.url("/city/approvals"));
    second.click("text=接種記録CSVの取込");
    second.follow(|page| page.click("text=保存する"));
    second.wait_for_text("二人承認の設定を保存しました");

    let first = browser.visitor();
    as_desk(&first);
    log_in(&first, &server, "chiyoda");
    let recorded = [1, 2, 3].map(|person| line(person, 1, "EY2173", 0));
    hand_in(&first, &server, &recorded);
    first.wait_for_text("ファイルを送った人とは別の人が");
    assert_eq!(first.count("form[action$='/approve']"), 0);
    first.assert_accessible();
    approve(&second, &first.url());

    let amended = [
        line(1, 2, "EY5420", 1),
        line(2, 1, "EY2173", 2),
        line(3, 9, "EY2173", 2),
        line(9, 1, "EY2173", 2),
    ];
    hand_in(&first, &server, &amended);
    first.wait_for_text("訂正 1件、取消 1件");
    first.wait_for_text("訂正・削除する記録がありません");
    first.wait_for_text("接種日・製品・ロットのどれかが違います");
    show(&first, "records-amended");
    as_tablet(&first);
    show(&first, "records-amended-tablet");
    as_desk(&first);
    first.assert_accessible();
    first.assert_clean();
    approve(&second, &first.url());

    let import = first.url();
    first.goto(&import);
    first.click("text=この登録を取り消す");
    first.follow(|page| page.click("text=取り消して元に戻す"));
    first.wait_for_text("別の人がこの画面を開いて承認してください");
    show(&first, "records-undo-asked");
    first.assert_accessible();
    first.assert_clean();
    second.goto(&import);
    second.assert_accessible();
    second.follow(|page| page.click("text=取り消すことを承認する"));
    second.wait_for_text("元に戻した記録");
    second.wait_for_text("取消済み");
    second.assert_accessible();
    second.assert_clean();
}

fn approve(page: &Page, import: &str) {
    page.goto(import.split('?').next().unwrap_or_default());
    page.follow(|page| page.click("text=承認して登録する"));
    page.wait_for_text("この登録を取り消す");
    page.assert_accessible();
    page.assert_clean();
}

#[test]
fn a_dose_of_a_day_without_work_is_told_at_the_venue_and_is_on_the_citys_list() {
    let (Some(server), Some(browser)) = (HOUSE.open(), Browser::launch()) else {
        return;
    };
    let venue = browser.visitor();
    begin_the_day(&venue, &server, "kaijo");
    venue.follow(|page| page.click("nav a[href='/venue/day']"));
    venue.follow(|page| page.click("main a[href='/venue/opening-days']"));
    venue.wait_for_text("まだ設定されていません");
    venue.assert_accessible();
    venue.fill("#not", "1月1日");
    venue.follow(|page| page.click("text=保存する"));
    venue.expect_complaint("422");
    venue.wait_for_text("日付として読めません");
    venue.assert_accessible();
    // No day of the week is ticked: it works on the days that are told, and today is none of them.
    venue.fill("#not", "");
    venue.fill("#also", "2021-05-23\n2021-05-30");
    venue.follow(|page| page.click("text=保存する"));
    venue.wait_for_text("開設日を保存しました");
    show(&venue, "opening-days");
    venue.assert_accessible();
    venue.assert_clean();

    venue.goto(&server.url("/venue/read"));
    scan(&venue, &coupon(&server, "normal", 0).digits);
    venue.wait_for_text("この会場が接種を行わない日です");
    venue.assert_accessible();
    compare_and_register(&venue);
    assert_eq!(answer(&venue), "通常");
    venue.assert_clean();

    let city = browser.visitor();
    as_desk(&city);
    log_in(&city, &server, "chiyoda");
    city.goto(&server.url("/city"));
    city.follow(|page| page.click("main a[href='/city/worklists/findings']"));
    city.follow(|page| page.click("a[href*='venue_closed']"));
    city.wait_for_text("会場の開設日でない");
    show(&city, "findings-venue-closed");
    city.assert_accessible();
    city.assert_clean();
}

#[test]
fn the_ledger_leaves_as_a_file_by_its_purpose() {
    let (Some(server), Some(browser)) = (HOUSE.open(), Browser::launch()) else {
        return;
    };
    let page = browser.visitor();
    as_desk(&page);
    log_in(&page, &server, "chiyoda-admin");
    page.goto(&server.url("/city/exports"));
    page.assert_accessible();
    for (kind, turns, columns) in [("ledger", 7, 57), ("ledger", 2, 17), ("pending", 2, 17)] {
        let asked = format!(
            "(() => {{ const asked = new XMLHttpRequest(); \
             asked.open('GET', '/city/exports/file?kind={kind}&encoding=utf-8&turns={turns}&purpose=' + \
             document.querySelector('#purpose').value, false); asked.send(); \
             return asked.status + ' ' + asked.responseText.split('\\r\\n')[0].split(',').length; }})()"
        );
        let answered = page.eval(&asked);
        assert_eq!(answered, format!("200 {columns}"), "{kind} {turns}");
    }
    page.assert_clean();
}
