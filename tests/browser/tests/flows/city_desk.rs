//! The city's desk: residents come in by a file, findings are worked through, records are corrected and confirmed.

use crate::{
    house::{House, as_desk, as_tablet, log_in, residents},
    snapshot::assert_page,
};
use browser_flows::{Browser, Page};

static HOUSE: House = House::new();

/// The number of somebody in Chiyoda for whom the demonstration recorded a dose today, at the venue of `kaijo`.
const RECORDED_TODAY: &str = "0001000006";

#[test]
fn a_file_of_residents_is_taken_with_its_complaints_and_the_waiting_are_found() {
    let (Some(server), Some(browser)) = (HOUSE.open(), Browser::launch()) else {
        return;
    };
    let page = browser.visitor();
    as_desk(&page);
    log_in(&page, &server, "chiyoda-admin");
    page.follow(|page| page.click("nav a[href='/city/pending']"));
    assert!(page.count(".ledger tbody tr") > 0);
    page.assert_accessible();
    page.assert_clean();

    page.follow(|page| page.click("text=接種対象者CSVを取り込む"));
    page.assert_accessible();
    page.click("text=UTF-8");
    page.upload("#file", &residents(&server));
    page.follow(|page| page.click("text=送って確かめる"));
    page.wait_for("form[action$='/approve']");
    assert_page("import", &page);
    page.assert_accessible();
    page.assert_clean();
    page.follow(|page| page.click("text=承認して登録する"));
    page.wait_for_text("この登録を取り消す");
    assert_page("loaded", &page);
    page.assert_accessible();
    page.assert_clean();

    page.follow(|page| page.click("nav a[href='/city/pending']"));
    page.wait_for_text("登録待ちの記録はありません");
    page.assert_clean();

    // Taken back: whoever came by the file is gone, and their doses wait again.
    page.follow(|page| page.click("text=接種対象者CSVを取り込む"));
    page.follow(|page| page.click("tbody a[href^='/city/imports/']"));
    page.click("text=この登録を取り消す");
    page.follow(|page| page.click("text=取り消して元に戻す"));
    page.wait_for_text("元に戻した人");
    page.wait_for_text("取消済み");
    page.assert_accessible();
    page.follow(|page| page.click("nav a[href='/city/pending']"));
    assert!(page.count(".ledger tbody tr") > 0);
    page.assert_clean();
}

#[test]
fn findings_are_listed_by_weight_and_by_kind() {
    let (Some(server), Some(browser)) = (HOUSE.open(), Browser::launch()) else {
        return;
    };
    let page = browser.visitor();
    as_desk(&page);
    log_in(&page, &server, "chiyoda");
    page.follow(|page| page.click("nav a[href='/city/findings']"));
    page.assert_accessible();
    let all = page.count(".work > li");
    page.select("#finding", "future_date");
    page.follow(|page| page.click("text=表示"));
    let some = page.count(".work > li");
    assert!(0 < some && some < all, "{some} of {all}");
    page.wait_for_text("会場に接種日を確かめ、訂正してください");
    page.assert_accessible();
    page.assert_clean();
}

#[test]
fn what_the_city_corrected_and_confirmed_the_venue_can_no_longer_change() {
    let (Some(server), Some(browser)) = (HOUSE.open(), Browser::launch()) else {
        return;
    };
    // The venue has the record open while the city works on it.
    let venue = browser.visitor();
    as_tablet(&venue);
    log_in(&venue, &server, "kaijo");
    venue.goto(&server.url("/venue/today"));
    let record = format!(".record-act a[aria-label$='{RECORDED_TODAY}']");
    venue.follow(|page| page.click(&record));
    venue.click("text=接種しなかった");

    let city = browser.visitor();
    as_desk(&city);
    log_in(&city, &server, "chiyoda");
    city.goto(&server.url(&format!("/city/people/{RECORDED_TODAY}")));
    city.follow(|page| page.click(".dose:last-child .dose-act a"));
    the_city_corrects_and_confirms(&city);

    venue.follow(|page| page.click("text=取り消す"));
    venue.expect_complaint("422");
    venue.wait_for_text("この記録は確定済みのため変更できません。市町村に連絡してください。");
    venue.assert_accessible();
    venue.goto(&server.url("/venue/today"));
    assert_eq!(venue.text(&record), "詳しく");
    venue.assert_clean();
}

#[test]
fn a_question_by_telephone_is_answered_on_one_screen_and_the_log_is_handed_over() {
    let (Some(server), Some(browser)) = (HOUSE.open(), Browser::launch()) else {
        return;
    };
    let page = browser.visitor();
    as_desk(&page);
    log_in(&page, &server, "chiyoda-admin");
    page.goto(&server.url(&format!("/city/people/{RECORDED_TODAY}")));
    let told = |place: u8| page.text(&format!(".person-head .across > :nth-child({place}) dd"));
    let (name, kana, birth) = (told(1), told(2), told(4));

    page.follow(|page| page.click("nav a[href='/city']"));
    page.assert_accessible();
    page.fill("#q", &format!("{kana}　{birth}"));
    page.follow(|page| page.click("form[action='/city/people'] button"));
    page.wait_for_text("次のように読み取りました");
    assert!(page.text(".understood").contains(&birth));
    assert_eq!(page.count(".people tbody tr"), 1);
    page.assert_accessible();
    page.follow(|page| page.click(".people tbody a"));
    assert_eq!(page.text(".person-name"), name);
    for answered in ["次の接種", "記録のある場所", "確かめることと、すること"]
    {
        page.wait_for_text(answered);
    }
    page.wait_for_text("この閲覧は記録されました(目的:電話での問い合わせ)");
    page.assert_accessible();
    page.assert_clean();

    page.follow(|page| page.click("text=この人の閲覧記録"));
    let log = page.text(".looks tbody");
    for looked in [
        "電話での問い合わせ",
        "窓口の業務",
        "本人への開示",
        RECORDED_TODAY,
    ] {
        assert!(log.contains(looked), "{looked} in {log}");
    }
    assert!(
        !page.shows(&name),
        "the log tells of looks, not of the person"
    );
    page.assert_accessible();
    page.assert_clean();
}

#[test]
fn a_search_that_finds_nobody_or_cannot_be_read_says_what_to_do() {
    let (Some(server), Some(browser)) = (HOUSE.open(), Browser::launch()) else {
        return;
    };
    let page = browser.visitor();
    as_tablet(&page);
    log_in(&page, &server, "chiyoda");
    page.follow(|page| page.click("main nav a[href='/city/people']"));
    assert_page("people", &page);
    page.assert_accessible();
    for (typed, answer) in [
        ("ンンン S25.3.1", "当てはまる人はいません"),
        ("2101100200000000019", "数字を読み取れません"),
        ("9832-0567-3214", "個人番号では探せません"),
        ("210110020000000001", "この接種券は"),
    ] {
        page.fill("#q", typed);
        page.follow(|page| page.click("form[action='/city/people'] button"));
        if answer.ends_with("せん") && page.count(".problem") > 0 {
            page.expect_complaint("422");
        }
        page.wait_for_text(answer);
        page.assert_accessible();
    }
    page.assert_clean();
}

fn the_city_corrects_and_confirms(page: &Page) {
    page.click("text=訂正");
    page.fill("#lot", "fl7777");
    page.fill("#reason", "予診票と照合");
    page.follow(|page| page.click("text=訂正する"));
    page.wait_for_text("訂正しました");
    for told in ["FL7777", "予診票と照合"] {
        assert!(page.text(".story").contains(told), "{told}");
    }
    page.follow(|page| page.click("text=確定する"));
    page.wait_for_text("確定しました");
    page.assert_accessible();
    page.assert_clean();
}

#[test]
fn the_language_is_switched_and_stays() {
    let (Some(server), Some(browser)) = (HOUSE.open(), Browser::launch()) else {
        return;
    };
    let page = browser.visitor();
    as_desk(&page);
    log_in(&page, &server, "minato");
    page.follow(|page| page.click("text=English"));
    assert_eq!(page.eval("document.documentElement.lang"), "en");
    page.follow(|page| page.click("nav a[href='/city/ledger']"));
    assert_eq!(page.text("nav a[href='/city/ledger']"), "Ledger");
    assert_eq!(page.eval("document.documentElement.lang"), "en");
    page.assert_accessible();
    page.follow(|page| page.click("text=日本語"));
    assert_eq!(page.text("h1"), "予防接種台帳");
    page.assert_clean();
}
