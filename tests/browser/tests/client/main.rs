//! The browser client itself, proved on a few fixed pages: what the flows rely on must not be taken on trust.
#![expect(
    clippy::unwrap_used,
    reason = "the site is part of the test: what fails there fails it"
)]

mod pages;
mod site;

use browser_flows::{Browser, Page};
use pages::PAGES;
use site::Site;
use std::panic::{AssertUnwindSafe, catch_unwind};

fn on_the_form(test: impl FnOnce(&Page)) {
    on("/", test);
}

fn on(path: &str, test: impl FnOnce(&Page)) {
    let Some(browser) = Browser::launch() else {
        return;
    };
    let site = Site::serve(PAGES);
    let page = browser.visitor();
    page.goto(&site.url(path));
    test(&page);
}

#[test]
fn a_form_is_filled_and_sent() {
    on_the_form(|page| {
        let folder = tempfile::tempdir().unwrap();
        let photo = folder.path().join("coupon.txt");
        std::fs::write(&photo, "a picture, more or less").unwrap();

        page.fill("#coupon", "wrong");
        page.fill("#coupon", "211310160000012345");
        page.fill("input[name=day]", "2021-04-12");
        page.select("select[name=venue]", "b");
        page.upload("input[type=file]", &photo);
        page.click("text=同意する");
        page.follow(|page| page.click("text=登録する"));

        let sent = page.text("pre");
        for part in [
            "211310160000012345",
            "2021-04-12",
            "\nb",
            "a picture, more or less",
            "coupon.txt",
            "\non",
        ] {
            assert!(
                sent.replace("\r\n", "\n").contains(part),
                "{part:?} is not in {sent}"
            );
        }
        assert!(!sent.contains("wrong"));
        assert!(page.url().ends_with("/sent"));
        page.assert_clean();
    });
}

#[test]
fn a_scanner_types_and_ends_with_enter() {
    on_the_form(|page| {
        page.click("#coupon");
        page.type_keys("211310160000012345\n");
        page.wait_for_text("読取 211310160000012345");
        assert_eq!(page.text("#coupon"), "211310160000012345");
        page.press("Backspace");
        page.press("Tab");
        assert_eq!(page.text("#coupon"), "21131016000001234");
        assert_eq!(page.eval("document.activeElement.name"), "day");
        page.press("Shift+Tab");
        assert_eq!(page.eval("document.activeElement.name"), "coupon");
        page.fill("#coupon", "");
        assert_eq!(page.text("#coupon"), "");
    });
}

#[test]
fn a_click_scrolls_waits_and_is_the_persons_own() {
    on_the_form(|page| {
        assert!(!page.shows("後で出る"));
        page.click("#far");
        page.wait_for_text("押された mouse true");
        page.wait_for("#hidden");
        // The board that covers it is taken away a moment after the click.
        page.click("#covered");
        page.wait_until_gone(".over");
        assert_eq!(page.count("li"), 2);
    });
}

#[test]
fn on_a_tablet_a_click_is_a_tap() {
    on_the_form(|page| {
        page.set_viewport(768, 1024, true);
        assert_eq!(
            page.eval("[innerWidth, innerHeight, matchMedia('(pointer: coarse)').matches]"),
            serde_json::json!([768, 1024, true])
        );
        page.click("#far");
        page.wait_for_text("押された touch true");
    });
}

#[test]
fn the_accessibility_tree_reads_like_the_page() {
    on_the_form(|page| {
        page.wait_until("document.readyState === 'complete'");
        insta::assert_snapshot!(page.accessibility_tree());
    });
}

#[test]
fn axe_finds_what_is_wrong_and_nothing_else() {
    on_the_form(Page::assert_accessible);
    on("/wrong", |page| {
        let rules: Vec<String> = page
            .axe()
            .into_iter()
            .map(|violation| violation.rule)
            .collect();
        assert_eq!(
            rules,
            ["document-title", "html-has-lang", "image-alt", "label"]
        );
    });
}

#[test]
fn whatever_a_page_should_not_do_is_complained_about() {
    on("/wrong", |page| {
        let complaints = page.complaints().join("\n");
        for expected in [
            "request to another host: http://elsewhere.example/spy.png",
            "console: it broke 7",
            "exception: Error: thrown on purpose",
            "content security policy: ",
            "404",
        ] {
            assert!(
                complaints.contains(expected),
                "{expected:?} is not in:\n{complaints}"
            );
        }
        assert_ne!(page.eval("document.title"), "inline");
        let told = catch_unwind(AssertUnwindSafe(|| page.assert_clean())).unwrap_err();
        let told = told.downcast_ref::<String>().unwrap();
        assert!(
            told.contains("elsewhere.example") && told.contains(".png"),
            "{told}"
        );

        for provoked in [
            "elsewhere.example",
            "it broke",
            "thrown on purpose",
            "content security policy",
            "404",
        ] {
            page.expect_complaint(provoked);
        }
        page.assert_clean();
    });
}

#[test]
fn offline_reaches_the_page_and_its_service_worker() {
    on("/worker", |page| {
        let fetched =
            "fetch('/language', { cache: 'no-store' }).then(() => 'reached', () => 'not reached')";
        page.wait_for_text("worker is ready");
        assert_eq!(
            (page.eval(fetched), page.eval("ask()")),
            ("reached".into(), "reached".into())
        );
        page.offline(true);
        assert_eq!(
            (page.eval(fetched), page.eval("ask()")),
            ("not reached".into(), "not reached".into())
        );
        page.offline(false);
        assert_eq!(
            (page.eval(fetched), page.eval("ask()")),
            ("reached".into(), "reached".into())
        );
    });
}

#[test]
fn visitors_share_no_cookies_and_speak_their_language() {
    let Some(browser) = Browser::launch() else {
        return;
    };
    let site = Site::serve(PAGES);
    let (one, other) = (browser.visitor(), browser.visitor());
    one.goto(&site.url("/"));
    other.goto(&site.url("/"));
    one.eval("document.cookie = 'session=1'");
    assert_eq!(
        (one.eval("document.cookie"), other.eval("document.cookie")),
        ("session=1".into(), "".into())
    );

    assert_eq!(one.eval("new Date(0).getHours()"), 9);
    one.goto(&site.url("/language"));
    assert!(one.text("body").starts_with("ja"), "{}", one.text("body"));
    other.prefer_language("en");
    other.goto(&site.url("/language"));
    assert_eq!(other.text("body"), "en");
}

#[test]
fn the_camera_shows_the_given_picture() {
    let folder = tempfile::tempdir().unwrap();
    let video = folder.path().join("grey.y4m");
    let mut frame = b"YUV4MPEG2 W320 H240 F10:1 Ip A1:1 C420jpeg\nFRAME\n".to_vec();
    frame.extend([128; 320 * 240 * 3 / 2]);
    std::fs::write(&video, frame).unwrap();

    let Some(browser) = Browser::with_camera(&video) else {
        return;
    };
    let site = Site::serve(PAGES);
    let page = browser.visitor();
    page.goto(&site.url("/camera"));
    page.wait_until("document.title === '320 x 240'");
}

#[test]
fn a_picture_of_the_page_is_a_png_of_its_size() {
    on_the_form(|page| {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("form.png");
        page.set_viewport(800, 600, false);
        page.screenshot(&file);
        let bytes = std::fs::read(file).unwrap();
        assert_eq!(&bytes[..8], b"\x89PNG\r\n\x1a\n");
        // The header tells width and height, 4 bytes each from the 16th on.
        assert_eq!(
            (&bytes[16..20], &bytes[20..24]),
            (&800_u32.to_be_bytes()[..], &600_u32.to_be_bytes()[..])
        );
    });
}
