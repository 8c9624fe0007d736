//! What the venue is answered, what it is refused, and what it can put right on the same day.

use crate::house::{
    House, answer, begin_the_day, compare_and_register, coupon, scan, shown_digits,
};
use browser_flows::{Browser, Page, Server};
use std::sync::Arc;

static HOUSE: House = House::new();

/// The coupons' answers: the word in large type, and what the sentence below it begins with.
const ANSWERS: &[(&str, &str, &str)] = &[
    ("normal", "通常", "接種の記録を登録しました"),
    (
        "out_of_residence",
        "住所地外",
        "接種券の市町村の台帳に登録しました",
    ),
    ("interview_only", "予診のみ", "予診の記録を登録しました"),
    (
        "pending",
        "登録待ち",
        "接種対象者が未登録のため、登録待ちとして保存しました",
    ),
    ("already_recorded", "記録済み", "すでに同じ記録があります"),
    ("clash", "別の記録あり", "同じ回に別の記録があります"),
];

/// What is typed, what is said about it, and what to do.
const REFUSED: &[(&str, &str, &str)] = &[
    (
        "24131016000100000",
        "数字が17桁です",
        "接種券を見ながら、数字を入力し直してください",
    ),
    (
        "2413l0160001000001",
        "5文字目が数字ではありません",
        "接種券を見ながら、数字を入力し直してください",
    ),
    (
        "241310170001000001",
        "自治体コードが正しくありません",
        "3桁目から8桁目(6桁の自治体コード)を接種券と見比べて",
    ),
    (
        "0001000001",
        "10桁(券番号)だけでは、市町村と回数が分かりません",
        "下段の18桁を入力してください",
    ),
];

/// Pixels of a letter that can be read at arm's length; the words around it have 16 to 20.
const LARGE_PIXELS: u64 = 64;

/// A venue's day has begun. Each test has a venue of its own: who works there would else see the other's changes.
fn at_work(login: &str) -> Option<(Arc<Server>, Browser, Page)> {
    let (server, browser) = (HOUSE.open()?, Browser::launch()?);
    let page = browser.visitor();
    begin_the_day(&page, &server, login);
    Some((server, browser, page))
}

#[test]
fn every_coupon_gets_its_answer_in_large_type_and_leaves_nothing_for_the_next_person() {
    let Some((server, _browser, page)) = at_work("kaijo") else {
        return;
    };
    for (expect, word, done) in ANSWERS {
        let digits = coupon(&server, expect, 0).digits;
        scan(&page, &digits);
        assert_eq!(shown_digits(&page, ".line-parts"), digits);
        assert_eq!(answer(&page), *word);
        page.assert_clean();

        compare_and_register(&page);
        assert_eq!(answer(&page), *word);
        assert!(page.text(".answer-done").starts_with(done), "{expect}");
        let size = "parseInt(getComputedStyle(document.querySelector('.answer-word')).fontSize)";
        assert!(page.eval(size).as_u64() >= Some(LARGE_PIXELS), "{expect}");
        page.assert_accessible();
        page.assert_clean();

        page.follow(|page| page.click("text=次の人"));
        assert_nothing_is_left(&page, &digits);
        page.assert_clean();
    }
}

/// Neither the page nor its fields, nor what is hidden in it, tells the digits or an answer.
fn assert_nothing_is_left(page: &Page, digits: &str) {
    let number = digits.get(8..).unwrap_or_default();
    let everything = page.eval(
        "document.documentElement.outerHTML + [...document.querySelectorAll('input')].map(field => field.value)",
    );
    let everything = everything.as_str().unwrap_or_default();
    let squeezed: String = everything.split_whitespace().collect();
    assert!(!squeezed.contains(number), "{number} is still there");
    assert_eq!(page.count(".answer"), 0);
}

#[test]
fn wrong_digits_are_refused_with_what_to_do_and_the_next_scan_replaces_them() {
    let Some((server, _browser, page)) = at_work("kaijo-admin") else {
        return;
    };
    for (typed, why, todo) in REFUSED {
        scan(&page, typed);
        page.expect_complaint("422");
        let said = page.text(".problem");
        assert!(said.contains(why) && said.contains(todo), "{typed}: {said}");
        assert_eq!(page.text("#line"), *typed, "what was typed is kept");
        page.assert_accessible();
        page.assert_clean();
    }
    let digits = coupon(&server, "clash", 0).digits;
    scan(&page, &digits);
    assert_eq!(shown_digits(&page, ".line-parts"), digits);
    page.assert_clean();

    page.follow(|page| page.click("text=やめる"));
    assert_nothing_is_left(&page, &digits);
    page.assert_clean();
}

#[test]
fn a_record_is_taken_back_or_corrected_on_the_same_day() {
    let Some((server, _browser, page)) = at_work("kanda") else {
        return;
    };
    scan(&page, &coupon(&server, "normal", 1).digits);
    compare_and_register(&page);
    page.follow(|page| page.click("text=取消・訂正"));
    page.assert_accessible();
    page.click("text=番号の読み違い");
    page.follow(|page| page.click("text=取り消す"));
    page.wait_for_text("記録を取り消しました");
    page.assert_clean();

    page.goto(&server.url("/venue/read"));
    scan(&page, &coupon(&server, "normal", 2).digits);
    compare_and_register(&page);
    page.follow(|page| page.click("nav a[href='/venue/today']"));
    assert_eq!((page.count(".record"), page.count(".record.gone")), (2, 1));

    // What was taken back can only be looked at; the other one is corrected.
    assert_eq!(page.count("text=詳しく"), 1);
    page.follow(|page| page.click("text=取消・訂正"));
    page.fill("#reason", "打ち間違い");
    page.follow(|page| page.click("text=訂正する"));
    page.expect_complaint("422");
    page.wait_for_text("変わったところがありません");
    page.fill("#lot", "fl9999");
    page.follow(|page| page.click("text=訂正する"));
    page.wait_for_text("記録を訂正しました");
    page.assert_clean();
    page.goto(&server.url("/venue/today"));
    assert!(page.text(".record:not(.gone)").contains("FL9999"));
    page.assert_clean();
}

/// Sends the form of the check as it stands, twice at once; answers where each sending led.
const SENT_TWICE: &str = "(() => {
    const form = document.querySelector('#register');
    const send = () => fetch(form.action, { method: 'POST', body: new URLSearchParams(new FormData(form)) });
    return Promise.all([send(), send()]).then(answers => answers.map(answer => answer.url));
})()";

#[test]
fn a_form_that_is_sent_again_records_once() {
    let Some((server, _browser, page)) = at_work("minato-byoin") else {
        return;
    };
    scan(&page, &coupon(&server, "normal", 3).digits);
    page.click("#compared");
    let led_to = page.eval(SENT_TWICE);
    page.follow(|page| page.click("#register button[type=submit]"));
    let result = page.url();
    assert!(result.contains("/venue/result/"), "{result}");
    assert_eq!(led_to, serde_json::json!([result, result]));

    page.follow(|page| page.click("nav a[href='/venue/today']"));
    assert_eq!(page.count(".record"), 1);
    page.assert_clean();
}

#[test]
fn other_digits_under_the_same_id_are_kept_and_told() {
    let Some((server, _browser, page)) = at_work("sapporo-byoin") else {
        return;
    };
    let digits = coupon(&server, "out_of_residence", 1).digits;
    scan(&page, &digits);
    page.click("#compared");
    page.eval(SENT_TWICE);
    let other = coupon(&server, "pending", 1).digits;
    page.eval(&format!(
        "document.querySelector('#register [name=line]').value = '{other}'"
    ));
    page.follow(|page| page.click("#register button[type=submit]"));
    page.expect_complaint("409");
    page.wait_for_text("同じ受付番号で");
    page.assert_accessible();

    page.follow(|page| page.click("text=先の記録を見る"));
    assert!(shown_digits(&page, ".facts").contains(&digits));
    page.assert_clean();
}
