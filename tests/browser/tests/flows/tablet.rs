//! The tablet: the reader in the browser, the outbox, and what becomes of it without network and without tablet.

use crate::camera::{film, video};
use crate::house::{House, as_desk, as_tablet, coupon, log_in, password, shown_digits};
use crate::snapshot::show;
use browser_flows::{Browser, PATIENCE, Page, Server};
use domain::calendar::Day;
use domain::coupons::CouponLine;
use domain::drafts::Draft;
use domain::places::MunicipalityCode;
use domain::vaccines::{Lot, ProductKey};
use domain::venues::FacilityCode;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

static HOUSE: House = House::new();

/// Records that are made without network.
const OFFLINE_RECORDS: u64 = 200;
/// As many at once as one question to the browser may take.
const RECORDS_TOGETHER: u64 = 20;

#[test]
fn a_coupon_before_the_camera_is_recorded_in_two_taps() {
    let Some(server) = HOUSE.open() else { return };
    let coupon = coupon(&server, "normal", 0);
    let folder = tempfile::tempdir().unwrap();
    let seen = video(folder.path(), Some(&coupon.picture));
    let Some(browser) = Browser::with_camera(&seen) else {
        return;
    };
    let page = browser.visitor();
    as_tablet(&page);
    begin(&page, &server, "kaijo", "受付1");
    page.wait_for("#view-check:not([hidden])");
    assert_eq!(shown_digits(&page, "#check-parts"), coupon.digits);
    page.wait_for_text("2つ以上の読み取りが一致しました");
    page.wait_for_text("通常");
    page.assert_accessible();
    show(&page, "tablet-check");
    page.click("#register");
    page.wait_for_text("登録しました。受領番号 ");
    assert_eq!(page.text("#result-answer .answer-word"), "通常");
    page.assert_accessible();
    show(&page, "tablet-result");
    page.click("#next-person");
    page.wait_for("#view-check:not([hidden])");
    page.wait_for_text("この端末で登録済み");
    page.assert_clean();
}

#[test]
fn nothing_of_one_coupon_is_shown_for_the_next() {
    let Some(server) = HOUSE.open() else { return };
    let (one, other) = (coupon(&server, "normal", 0), coupon(&server, "pending", 0));
    let folder = tempfile::tempdir().unwrap();
    let (a, b) = (Some(one.picture.as_path()), Some(other.picture.as_path()));
    // Two frames a second: each coupon lies there for two, and the desk is empty for two.
    let seen = film(
        folder.path(),
        2,
        &[
            a, a, a, a, None, None, None, None, b, b, b, b, None, None, None, None,
        ],
    );
    let Some(browser) = Browser::with_camera(&seen) else {
        return;
    };
    let page = browser.visitor();
    as_tablet(&page);
    begin(&page, &server, "kaijo", "受付3");
    let mut shown = Vec::new();
    let changes = |shown: &[String]| {
        shown
            .windows(2)
            .filter(|two| two.first() != two.last())
            .count()
    };
    let deadline = Instant::now() + 3 * PATIENCE;
    while changes(&shown) < 3 {
        assert!(Instant::now() < deadline, "{} readings", shown.len());
        page.wait_for("#view-check:not([hidden])");
        let digits = shown_digits(&page, "#check-parts");
        assert!([&one.digits, &other.digits].contains(&&digits), "{digits}");
        shown.push(digits);
        page.click("#leave");
        let left = page.eval(
            "document.querySelector('#view-scan').hidden ? '' : document.querySelector('#line').value + \
             document.querySelector('#typed-trouble').textContent",
        );
        assert_eq!(left, "");
    }
    page.assert_clean();
}

#[test]
fn the_pages_of_the_tablet_can_be_used_by_everybody_at_every_size() {
    let (Some(server), Some(browser)) = (HOUSE.open(), Browser::launch()) else {
        return;
    };
    let page = browser.visitor();
    page.set_viewport(360, 740, true);
    page.goto(&server.url("/tablet"));
    page.wait_for_text("ログインしていません");
    page.expect_complaint("401");
    page.assert_accessible();
    log_in(&page, &server, "sapporo-byoin");
    page.goto(&server.url("/tablet"));
    page.wait_for("#view-name:not([hidden])");
    page.assert_accessible();
    name_it(&page, "受付2");
    page.wait_for("#view-settings:not([hidden])");
    page.assert_accessible();
    show(&page, "tablet-settings-360");
    set_the_day(&page, "comirnaty_lp81");
    for (width, height) in [(360, 740), (740, 360), (820, 1180), (1280, 800)] {
        page.set_viewport(width, height, true);
        let wide = page.eval("document.documentElement.scrollWidth").as_u64();
        assert!(wide <= Some(u64::from(width)), "{wide:?} of {width} pixels");
        page.assert_accessible();
        show(&page, &format!("tablet-scan-{width}"));
    }
    page.click("text=English");
    page.wait_for_text("All sent");
    page.wait_for("#view-scan:not([hidden])");
    page.assert_accessible();
    page.click("text=日本語");
    page.wait_for_text("すべて送信済み");
    page.click("#open-queue");
    page.wait_for_text("送信待ちの記録");
    page.assert_accessible();
    page.assert_clean();
}

#[test]
fn two_hundred_records_made_without_network_outlive_the_browser_and_arrive_once() {
    let Some(server) = HOUSE.open() else { return };
    let folder = tempfile::tempdir().unwrap();
    let Some(browser) = Browser::in_profile(folder.path()) else {
        return;
    };
    let page = browser.page();
    as_tablet(&page);
    begin(&page, &server, "kanda", "診察室");
    page.eval("navigator.serviceWorker.ready.then(() => true)");
    page.offline(true);
    let mut made = 0;
    while made < OFFLINE_RECORDS {
        record_by_hand(&page, made, RECORDS_TOGETHER);
        made += RECORDS_TOGETHER;
    }
    page.wait_for_text(&format!("送信待ち{OFFLINE_RECORDS}件"));
    browser.kill();

    let Some(browser) = Browser::in_profile(folder.path()) else {
        return;
    };
    let page = browser.page();
    as_tablet(&page);
    page.offline(true);
    page.goto(&server.url("/tablet"));
    page.wait_for_text(&format!("送信待ち{OFFLINE_RECORDS}件"));
    page.wait_for("#view-scan:not([hidden])");
    assert_eq!(recorded_by_hand(&page_of(&browser, &server, "kanda")), 0);
    page.offline(false);
    page.click("#open-queue");
    page.click("text=いま送る");
    // Whether a killed browser keeps its login is the browser's affair; what waits is there in either case.
    page.wait_until("/ログインし直すと送信されます|すべて送信済み/.test(document.body.innerText)");
    if page.shows("ログインし直すと送信されます") {
        log_in_again(&page, &server, "kanda");
    }
    page.wait_for_text("すべて送信済み");
    assert_eq!(
        recorded_by_hand(&page_of(&browser, &server, "kanda")),
        OFFLINE_RECORDS
    );
    let (holds, told) = server.verify();
    assert!(holds, "{told}");
}

#[test]
fn two_tablets_without_network_that_record_one_person_meet_in_the_citys_list() {
    let (Some(server), Some(browser)) = (HOUSE.open(), Browser::launch()) else {
        return;
    };
    let coupon = coupon(&server, "normal", 1);
    let (one, other) = (browser.visitor(), browser.visitor());
    for (page, login, product) in [
        (&one, "minato-byoin", "comirnaty_lp81"),
        (&other, "kaijo-admin", "spikevax_lp81"),
    ] {
        as_tablet(page);
        log_in(page, &server, login);
        page.goto(&server.url("/tablet"));
        page.wait_for("#view-name:not([hidden])");
        name_it(page, login);
        set_the_day(page, product);
        page.eval("navigator.serviceWorker.ready.then(() => true)");
        page.offline(true);
        page.fill("#line", &coupon.digits);
        page.click("text=確認へ進む");
        // The filter takes one coupon in 256 for used, and is salted anew each time: both answers may stand here.
        page.wait_until("/通信なし|登録済みの可能性/.test(document.body.innerText)");
        page.click("#register");
        page.wait_for_text("端末に保存しました");
    }
    one.offline(false);
    one.wait_for_text("登録しました。受領番号 ");
    other.offline(false);
    other.wait_for_text("登録しました。受領番号 ");
    assert_eq!(other.text("#result-answer .answer-word"), "別の記録あり");
    let city = browser.visitor();
    as_desk(&city);
    log_in(&city, &server, "chiyoda");
    city.goto(&server.url("/city/findings"));
    city.wait_for_text(&coupon.digits[8..]);
    city.wait_for_text("すでに同じ接種回の別の記録があります");
    // Both stories stand beside each other on the person's page.
    let person = format!("/city/people/{}?purpose=desk", &coupon.digits[8..]);
    city.goto(&server.url(&person));
    city.wait_for_text("コミナティ(LP.8.1・2025年度定期)");
    city.wait_for_text("スパイクバックス(LP.8.1・2025年度定期)");
}

#[test]
fn a_tablet_that_was_shut_out_sends_no_more_and_loses_nothing() {
    let (Some(server), Some(browser)) = (HOUSE.open(), Browser::launch()) else {
        return;
    };
    let page = browser.visitor();
    as_tablet(&page);
    begin(&page, &server, "kaijo", "紛失した端末");
    page.offline(true);
    record_by_hand(&page, 500, 2);
    let admin = browser.visitor();
    as_desk(&admin);
    log_in(&admin, &server, "kaijo-admin");
    admin.goto(&server.url("/tablets"));
    admin.assert_accessible();
    show(&admin, "tablets");
    admin.follow(|page| page.click("[aria-label='送信を止める: 紛失した端末']"));
    admin.wait_for_text("端末の送信を止めました");
    admin.assert_clean();

    page.offline(false);
    page.click("#open-queue");
    page.click("text=いま送る");
    page.wait_for_text("この端末は送信を止められています");
    page.wait_for_text("送信待ち2件");
    page.assert_accessible();
    show(&page, "tablet-queue-revoked");
    let file = queue_file(&page);
    // Nobody on the way reads a coupon in it.
    assert!(
        !file.contains("2113") || !file.contains("statement"),
        "{file}"
    );
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("queue.json");
    let mut damaged: Value = serde_json::from_str(&file).unwrap();
    let sealed = text(&damaged["sealed"]);
    damaged["sealed"] = Value::from(sealed[..sealed.len() - 2].to_owned());
    let mut elsewhere: Value = serde_json::from_str(&file).unwrap();
    elsewhere["key"] = Value::from("0011223344556677");
    for (file, told) in [
        (
            damaged.to_string(),
            "ファイルが壊れているか、書き換えられています",
        ),
        (elsewhere.to_string(), "別のサーバーのファイルです"),
    ] {
        fs::write(&path, file).unwrap();
        admin.goto(&server.url("/venue/queue"));
        admin.upload("#file", &path);
        admin.follow(|page| page.click("text=読み込んで登録する"));
        admin.expect_complaint("422");
        admin.wait_for_text(told);
        admin.assert_accessible();
    }
    fs::write(&path, file).unwrap();
    for told in [
        "登録 2件、登録済みだったもの 0件",
        "登録 0件、登録済みだったもの 2件",
    ] {
        admin.goto(&server.url("/venue/queue"));
        admin.assert_accessible();
        admin.upload("#file", &path);
        admin.follow(|page| page.click("text=読み込んで登録する"));
        admin.wait_for_text(told);
    }
    show(&admin, "tablet-queue-desk");
    admin.assert_clean();
}

#[test]
fn logging_out_keeps_what_waits_for_the_one_who_entered_it() {
    let (Some(server), Some(browser)) = (HOUSE.open(), Browser::launch()) else {
        return;
    };
    let page = browser.visitor();
    as_tablet(&page);
    begin(&page, &server, "osaka-kaijo", "大阪1");
    page.eval("navigator.serviceWorker.ready.then(() => true)");
    page.offline(true);
    record_by_hand(&page, 700, 3);
    page.click("#next-person");
    page.wait_for("#view-scan:not([hidden])");
    page.click("text=ログアウト");
    page.wait_for_text("送信待ちの記録が3件あります");
    page.wait_for_text("利用者ID:osaka-kaijo");
    // The server did not hear of it, and hears it first.
    page.offline(false);
    page.click("text=もう一度確かめる");
    page.wait_for_text("送信待ちの記録が3件あります");
    page.wait_until("fetch('/api/v1/tablet/day').then((answer) => answer.status === 401)");
    log_in_again(&page, &server, "osaka-kaijo");
    page.wait_for_text("すべて送信済み");
}

#[test]
fn a_form_filled_in_without_network_comes_back_before_the_camera_once() {
    let Some(server) = HOUSE.open() else { return };
    let mut form = draft(0x2a);
    form.coupon = CouponLine::parse("211310168000000800").ok();
    form.venue = FacilityCode::parse("1391000013").ok();
    let folder = tempfile::tempdir().unwrap();
    let seen = video(folder.path(), Some(&code_picture(folder.path(), &form)));
    let Some(browser) = Browser::with_camera(&seen) else {
        return;
    };
    let page = browser.visitor();
    as_tablet(&page);
    begin(&page, &server, "kanda", "紙1");
    page.wait_for("#view-draft:not([hidden])");
    page.eval("navigator.serviceWorker.ready.then(() => true)");
    page.offline(true);
    assert_eq!(shown_digits(&page, "#draft-parts"), "211310168000000800");
    page.wait_for_text("この予診票は別の会場(会場コード 1391000013)のために印刷されたものです");
    assert_eq!(
        page.eval("document.querySelector('#draft-lot').value"),
        "FL4205"
    );
    page.wait_until("document.querySelector('#draft-product').value === 'comirnaty_lp81'");
    page.assert_accessible();
    show(&page, "tablet-draft");
    page.fill("#draft-doctor", "紙の 医師");
    page.click("text=登録する");
    assert!(page.eval("document.querySelector('#view-result').hidden") == true);
    page.click("#draft-compared");
    page.click("text=登録する");
    page.wait_for_text("端末に保存しました");
    page.click("#next-person");
    page.wait_for_text("この予診票は、この端末で登録済みです");
    page.assert_accessible();
    page.offline(false);
    page.click("#open-queue");
    page.click("text=いま送る");
    page.wait_for_text("すべて送信済み");
    let recorded = page.eval(&format!(
        "fetch('/api/v1/doses/{}').then((answer) => answer.json())",
        form.form
    ));
    assert_eq!(recorded["input"], "paper", "{recorded}");
    assert_eq!(recorded["doctor"], "紙の 医師", "{recorded}");
}

#[test]
fn a_form_s_code_that_cannot_be_read_says_why_and_one_that_can_fills_the_page() {
    let (Some(server), Some(browser)) = (HOUSE.open(), Browser::launch()) else {
        return;
    };
    let page = browser.visitor();
    as_tablet(&page);
    begin(&page, &server, "kanda", "紙2");
    page.eval("navigator.serviceWorker.ready.then(() => true)");
    page.offline(true);
    let form = draft(0x2b);
    let text = form.text();
    for (typed, told) in [
        (
            text.replace("FL4205", "FL4206"),
            "正しく読み取れませんでした",
        ),
        // The check of another example: of a version that is not there yet.
        (vector("a newer form"), "この用紙は新しい様式です(2)"),
        (vector("no such day"), "予診票の接種日が正しくありません"),
        ("SESSHU".to_owned(), "予診票の二次元コードではありません"),
    ] {
        page.fill("#line", &typed);
        page.click("text=確認へ進む");
        page.wait_for_text(told);
        page.assert_accessible();
    }
    // A blank form: the coupon is stuck on it, and is scanned or typed.
    page.fill("#line", &text);
    page.click("text=確認へ進む");
    page.wait_for("#view-draft:not([hidden])");
    assert!(page.eval("document.querySelector('#draft-other-venue').hidden") == true);
    page.fill("#draft-line", "21131016800000080");
    page.fill("#draft-doctor", "紙の 医師");
    page.click("#draft-compared");
    page.click("text=登録する");
    page.wait_for_text("17桁です");
    page.fill("#draft-line", "211310168000000801");
    page.assert_accessible();
    page.click("text=登録する");
    page.wait_for_text("端末に保存しました");
    page.offline(false);
    page.wait_for_text("登録しました。受領番号 ");
}

#[test]
fn a_recalled_lot_turns_the_tablet_red_without_network() {
    let (Some(server), Some(browser)) = (HOUSE.open(), Browser::launch()) else {
        return;
    };
    let nation = browser.visitor();
    log_in(&nation, &server, "kuni");
    let told = nation.eval(
        "(async () => {
            const token = document.querySelector('input[name=csrf]').value;
            const body = { product: 'comirnaty_lp81', lot: 'RC0001', expires: '2030-01-31', recalled_since: '2020-01-01', recall_reason: '異物混入のおそれ', revision: 0 };
            const headers = { 'content-type': 'application/json', 'x-csrf-token': token };
            return (await fetch('/api/v1/lots', { method: 'POST', headers, body: JSON.stringify(body) })).status;
        })()",
    );
    assert_eq!(told, 201);
    let page = browser.visitor();
    as_tablet(&page);
    begin(&page, &server, "kanda", "ロット");
    page.eval("navigator.serviceWorker.ready.then(() => true)");
    page.wait_until(
        "new Promise((resolve) => { const opening = indexedDB.open('sesshu-tablet'); opening.onsuccess = () => { \
           const keys = opening.result.transaction('things').objectStore('things').getAllKeys(); \
           keys.onsuccess = () => { opening.result.close(); resolve(keys.result.some((name) => String(name).startsWith('lots:'))); }; }; })",
    );
    page.offline(true);
    page.click("#change-settings");
    page.wait_for("#view-settings:not([hidden])");
    page.fill("#lot", "rc0001");
    page.click("text=この設定で始める");
    page.wait_for_text("このロット(RC0001)は2020-01-01から使用中止です。接種しないでください。理由:異物混入のおそれ");
    page.assert_accessible();
    show(&page, "tablet-stop");
    page.click("text=別のロットを選ぶ");
    page.wait_for("#view-settings:not([hidden])");
    assert_eq!(page.eval("document.querySelector('#lot').value"), "");
    page.fill("#lot", "zz9999");
    page.click("text=この設定で始める");
    page.wait_for_text("このロット(ZZ9999)は会場の在庫にありません");
    page.assert_accessible();
    page.fill("#line", "211310168000000810");
    page.click("text=確認へ進む");
    page.wait_for("#view-check:not([hidden])");
    page.wait_for_text("このロット(ZZ9999)は会場の在庫にありません");
    page.assert_accessible();
    page.click("#leave");
    // What is carried is gone with the login.
    page.click("text=ログアウト");
    page.wait_for_text("ログインしていません");
    let left = page.eval(
        "new Promise((resolve) => { const opening = indexedDB.open('sesshu-tablet'); opening.onsuccess = () => { \
           const keys = opening.result.transaction('things').objectStore('things').getAllKeys(); \
           keys.onsuccess = () => { opening.result.close(); resolve(keys.result.filter((name) => String(name).startsWith('lots:')).length); }; }; })",
    );
    assert_eq!(left, 0);
}

#[test]
fn how_a_carried_lot_stands_is_held_against_the_day() {
    let (Some(server), Some(browser)) = (HOUSE.open(), Browser::launch()) else {
        return;
    };
    let page = browser.visitor();
    page.goto(&server.url("/tablet"));
    page.expect_complaint("401");
    let address = module(&page, &server, "lots.js");
    let told = page.eval(&format!(
        "(async () => {{
            const {{ standingOf }} = await import('{address}');
            const plain = {{ product: 'p', vials: 1, state: 'good', last_day: null, recalled_since: null, recall_reason: null, quarantined_since: null }};
            const carried = [
                {{ ...plain, lot: 'GOOD', last_day: '2025-10-20' }},
                {{ ...plain, lot: 'ENDED', last_day: '2025-10-19' }},
                {{ ...plain, lot: 'RECALLED', last_day: '2025-10-19', recalled_since: '2025-10-20' }},
                {{ ...plain, lot: 'LATER', recalled_since: '2025-10-21' }},
                {{ ...plain, lot: 'WARM', quarantined_since: '2025-10-20' }},
                {{ ...plain, lot: 'GONE', vials: 0 }},
            ];
            const of = (lots, lot, product = 'p') => standingOf(lots, {{ product, lot, given_on: '2025-10-20' }}).is;
            return [...carried.map(({{ lot }}) => of(carried, lot)), of(carried, 'GOOD', 'q'), of([], 'GOOD'), of(null, 'GOOD')].join(' ');
        }})()"
    ));
    assert_eq!(
        told,
        "good expired recalled good quarantined not_on_hand not_on_hand not_carried not_carried"
    );
}

#[test]
fn the_tablet_reads_the_codes_of_forms_as_the_server_does() {
    let (Some(server), Some(browser)) = (HOUSE.open(), Browser::launch()) else {
        return;
    };
    let page = browser.visitor();
    page.goto(&server.url("/tablet"));
    page.expect_complaint("401");
    let address = module(&page, &server, "draft.js");
    for example in vectors() {
        let mut expected = example.clone();
        let members = expected.as_object_mut().unwrap();
        members.remove("about");
        members.remove("text");
        let told = page.eval(&format!(
            "(async () => (await import('{address}')).parseDraft({}))()",
            example["text"]
        ));
        assert_eq!(told, expected, "{}", example["about"]);
    }
}

#[test]
fn the_filter_of_used_coupons_is_read_by_the_tablet_as_it_was_written() {
    let (Some(server), Some(browser)) = (HOUSE.open(), Browser::launch()) else {
        return;
    };
    let page = browser.visitor();
    log_in(&page, &server, "kaijo-admin");
    let used = coupon(&server, "already_recorded", 0);
    let address = module(&page, &server, "filter.js");
    let (city, turn, number) = (&used.digits[2..8], &used.digits[1..2], &used.digits[8..]);
    let asked = page.eval(&format!(
        "(async () => {{
            const {{ readFilter, contains }} = await import('{address}');
            const bytes = await (await fetch('/api/v1/tablet/used-coupons')).arrayBuffer();
            const filter = readFilter(bytes);
            let wrong = 0;
            for (let n = 0; n < 2000; n += 1) {{
                if (await contains(filter, '{city}{turn}' + String(7000000000 + n))) wrong += 1;
            }}
            return {{ used: await contains(filter, '{city}{turn}{number}'), wrong, count: filter.count }};
        }})()"
    ));
    assert_eq!(asked["used"], true, "{asked}");
    assert!(asked["count"].as_u64() > Some(10), "{asked}");
    assert!(asked["wrong"].as_u64() < Some(40), "{asked}");
}

#[test]
fn the_reader_in_the_browser_answers_as_the_one_on_the_server() {
    let (Some(server), Some(browser)) = (HOUSE.open(), Browser::launch()) else {
        return;
    };
    let page = browser.visitor();
    page.goto(&server.url("/tablet"));
    page.expect_complaint("401");
    let address = module(&page, &server, "reader.wasm");
    page.eval(&format!(
        "(async () => {{
            const made = await WebAssembly.instantiateStreaming(fetch('{address}'));
            window.calls = made.instance.exports;
            return true;
        }})()"
    ));
    let photos = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../crates/reader/tests/photos"
    );
    let mut compared = 0;
    for entry in fs::read_dir(photos).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|kind| kind != "jpg") {
            continue;
        }
        let grey = reader::decode_photo(&fs::read(&path).unwrap()).unwrap();
        let mut sessions = reader::sessions::Sessions::new(reader::sessions::Timers::default());
        let frame = reader_wasm::Frame {
            width: grey.width(),
            height: grey.height(),
            pixels: grey.pixels().to_vec(),
            qr: "",
            nw7: "",
            taken_at_ms: 10,
        };
        let (lines, strip) = reader_wasm::answer(&mut sessions, frame);
        let told = page.eval(&format!(
            "(() => {{
                const raw = Uint8Array.from('{}'.match(/../g), (digits) => parseInt(digits, 16));
                calls.next_coupon(0);
                const start = calls.frame_room(raw.length);
                new Uint8Array(calls.memory.buffer, start, raw.length).set(raw);
                calls.qr_room(0);
                calls.bars_room(0);
                const length = calls.read({}, {}, 10);
                const lines = new TextDecoder().decode(new Uint8Array(calls.memory.buffer, calls.answer_start(), length));
                const found = /strip (\\d+) (\\d+)/.exec(lines);
                let sum = 0;
                if (found) for (const light of new Uint8Array(calls.memory.buffer, calls.strip_start(), found[1] * found[2])) sum += light;
                return {{ lines, sum }};
            }})()",
            hex(grey.pixels()),
            grey.width(),
            grey.height(),
        ));
        let same = |lines: &str| {
            let all = lines.lines().filter(|line| !line.starts_with("session "));
            all.map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(
            same(told["lines"].as_str().unwrap()),
            same(&lines),
            "{}",
            path.display()
        );
        let sum: u64 = strip.iter().map(|&light| u64::from(light)).sum();
        assert_eq!(told["sum"].as_u64(), Some(sum), "{}", path.display());
        compared += 1;
    }
    assert!(compared >= 10, "{compared}");
}

/// Logs in, opens the tablet's page for the first time and sets the day; ends before the first coupon.
fn begin(page: &Page, server: &Server, login: &str, name: &str) {
    log_in(page, server, login);
    page.goto(&server.url("/tablet"));
    page.wait_for("#view-name:not([hidden])");
    name_it(page, name);
    page.wait_until(
        "['settings', 'scan', 'check'].some((view) => !document.querySelector(`#view-${view}`).hidden)",
    );
    // Another test may have set the day of the same login.
    if page.eval("document.querySelector('#view-settings').hidden") == false {
        set_the_day(page, "comirnaty_lp81");
    }
}

/// Logs in once more in a browser that complained of what it was refused meanwhile.
fn log_in_again(page: &Page, server: &Server, login: &str) {
    page.goto(&server.url("/login?next=/tablet"));
    page.fill("#login", login);
    page.fill("#password", &password(server, login));
    page.follow(|page| page.click("text=ログインする"));
}

fn name_it(page: &Page, name: &str) {
    page.fill("#device-name", name);
    page.click("text=この名前で使う");
}

fn set_the_day(page: &Page, product: &str) {
    page.wait_for("#view-settings:not([hidden])");
    page.wait_until(&format!(
        "document.querySelector('#product option[value={product}]') !== null"
    ));
    page.select("#product", product);
    page.fill("#lot", "fl4205");
    page.fill("#doctor", "見本 医師");
    page.click("text=この設定で始める");
    page.wait_until("document.querySelector('#view-settings').hidden");
    // Without a camera its place is taken away; what is clicked before would not be what was meant.
    page.wait_until(
        "document.querySelector('#finder').hidden || document.querySelector('#video').readyState > 1",
    );
}

/// Types coupons of the city one after the other and records each, as quickly as the page follows.
fn record_by_hand(page: &Page, from: u64, count: u64) {
    page.eval(&format!(
        "(async () => {{
            const until = async (is) => {{ while (!is()) await new Promise((resolve) => setTimeout(resolve, 5)); }};
            const shown = (id) => !document.getElementById(id).hidden;
            for (let n = {from}; n < {from} + {count}; n += 1) {{
                if (shown('view-result')) document.getElementById('next-person').click();
                await until(() => shown('view-scan'));
                document.getElementById('line').value = '21131016' + String(9000000000 + n);
                document.getElementById('typed-form').requestSubmit();
                await until(() => shown('view-check'));
                document.getElementById('register').click();
                await until(() => shown('view-result'));
            }}
            return true;
        }})()"
    ));
}

/// A form of today with the day's product and lot, and nobody's yet.
fn draft(number: u128) -> Draft {
    Draft {
        form: uuid::Uuid::from_u128((0x0197_e5f0_0000_7000_8000 << 48) | number),
        city: MunicipalityCode::parse("131016").unwrap(),
        coupon: None,
        venue: None,
        on: Day::parse("2025-10-20"),
        product: ProductKey::parse("comirnaty_lp81"),
        lot: Lot::parse("FL4205").ok(),
    }
}

/// A form's code as it is printed, alone on white.
fn code_picture(folder: &Path, form: &Draft) -> PathBuf {
    const MODULE_PIXELS: usize = 10;
    const QUIET_MODULES: usize = 4;
    let code = qrcode::QrCode::new(form.text()).unwrap();
    let (width, colours) = (code.width(), code.to_colors());
    let side = u32::try_from((width + 2 * QUIET_MODULES) * MODULE_PIXELS).unwrap();
    let at =
        |pixel: u32| (usize::try_from(pixel).unwrap() / MODULE_PIXELS).checked_sub(QUIET_MODULES);
    let picture = image::GrayImage::from_fn(side, side, |x, y| {
        let dark = match (at(x), at(y)) {
            (Some(x), Some(y)) if x < width && y < width => {
                colours.get(y * width + x) == Some(&qrcode::Color::Dark)
            }
            _ => false,
        };
        image::Luma([if dark { 0 } else { 255 }])
    });
    let path = folder.join("form.png");
    picture.save(&path).unwrap();
    path
}

/// The examples of codes of forms that hold for every parser.
fn vectors() -> Vec<Value> {
    serde_json::from_str(include_str!(
        "../../../../crates/domain/tests/draft_codes.json"
    ))
    .unwrap()
}

fn vector(about: &str) -> String {
    let all = vectors();
    let found = all.iter().find(|example| example["about"] == about);
    text(&found.unwrap()["text"])
}

/// A page of the same login, to ask the server by.
fn page_of(browser: &Browser, server: &Server, login: &str) -> Page {
    let page = browser.visitor();
    log_in(&page, server, login);
    page
}

/// How many different coupons of `record_by_hand` the venue has recorded, each once.
fn recorded_by_hand(page: &Page) -> u64 {
    let deadline = Instant::now() + PATIENCE;
    let mut found = Vec::new();
    let mut before = String::new();
    loop {
        let list = page.eval(&format!(
            "fetch('/api/v1/doses?limit=100{before}').then((answer) => answer.json())"
        ));
        let items = list.pointer("/items").and_then(Value::as_array).unwrap();
        found.extend(
            items
                .iter()
                .map(|item| text(item.pointer("/coupon").unwrap())),
        );
        let Some(next) = list.pointer("/next").and_then(Value::as_str) else {
            break;
        };
        before = format!("&before={next}");
        assert!(Instant::now() < deadline, "the list has no end");
    }
    found.retain(|coupon| coupon.starts_with("211310169000000"));
    let different: BTreeSet<&String> = found.iter().collect();
    assert_eq!(different.len(), found.len(), "a coupon was recorded twice");
    u64::try_from(found.len()).unwrap()
}

/// The file that the page saves, taken from it before it reaches a folder.
fn queue_file(page: &Page) -> String {
    page.eval(
        "(async () => {
            const made = URL.createObjectURL;
            const blob = await new Promise((resolve) => {
                URL.createObjectURL = (blob) => { resolve(blob); return made.call(URL, blob); };
                HTMLAnchorElement.prototype.click = () => {};
                document.getElementById('queue-file').click();
            });
            return blob.text();
        })()",
    )
    .as_str()
    .unwrap()
    .to_owned()
}

/// The address of one of the tablet's files, which changes with every version.
fn module(page: &Page, server: &Server, name: &str) -> String {
    let worker = page.eval(&format!(
        "fetch('{}').then((answer) => answer.text())",
        server.url("/tablet/worker.js")
    ));
    let worker = worker.as_str().unwrap().to_owned();
    let end = format!("/tablet/{name}\"");
    let line = worker.lines().find(|line| line.contains(&end)).unwrap();
    line.trim().trim_matches([',', '"']).to_owned()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}
