//! The network goes: a venue works from its disaster pack, and what was written comes back by scanning.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{
    house::{House, answer, as_desk, as_tablet, begin_the_day, coupon, log_in},
    snapshot::show,
};
use browser_flows::{Browser, Page, Server};

static HOUSE: House = House::new();

/// How often the page is opened again until the pack is made: some minutes in all.
const LOOKS_MAX: usize = 200;

#[test]
fn a_pack_is_made_printed_scanned_and_in_the_ledger_once() {
    let (Some(server), Some(browser)) = (HOUSE.open(), Browser::launch()) else {
        return;
    };
    let venue = browser.visitor();
    begin_the_day(&venue, &server, "kanda");
    let pdf = the_venue_makes_its_pack(&venue, &server);
    let folder = tempfile::tempdir().unwrap();
    let Some((picture, draft)) = a_blank_form(folder.path(), &pdf) else {
        return;
    };
    let digits = coupon(&server, "normal", 0).digits;
    let record = a_form_comes_back(&venue, &server, (&picture, &draft), &digits);
    the_city_has_its_own(&browser.visitor(), &server, &record);
}

fn the_venue_makes_its_pack(page: &Page, server: &Server) -> Vec<u8> {
    page.goto(&server.url("/venue/read"));
    page.follow(|page| page.click("nav a[href='/venue/pack']"));
    // In the small hours the program has begun one by itself.
    if page.shows("まだありません") {
        page.assert_accessible();
        show(page, "pack-none");
        page.follow(|page| page.click("text=今作る"));
        show(page, "pack-begun");
    }
    // Some hundred forms are drawn, and this build is not the fast one: the page comes again by itself.
    for _ in 0..LOOKS_MAX {
        if page.count("a[href$='/file']") > 0 {
            break;
        }
        page.wait_until("performance.now() > 1500");
        page.goto(&server.url("/venue/pack"));
    }
    page.wait_for("a[href$='/file']");
    page.assert_accessible();
    show(page, "pack");
    as_desk(page);
    show(page, "pack-desk");
    as_tablet(page);
    // One character for each byte, and two hexadecimal digits for each of those.
    let bytes = page.eval(
        "(() => { const asked = new XMLHttpRequest(); \
         asked.open('GET', document.querySelector(\"a[href$='/file']\").href, false); \
         asked.overrideMimeType('text/plain; charset=x-user-defined'); asked.send(); \
         return Array.from(asked.responseText, one => (one.charCodeAt(0) & 255).toString(16).padStart(2, '0')).join(''); })()",
    );
    page.assert_clean();
    let hex = bytes.as_str().unwrap().as_bytes();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    hex.chunks(2).map(byte).collect()
}

/// The last form of the pack as a picture, with what another program reads out of its code; none
/// without those programs.
fn a_blank_form(folder: &Path, pdf: &[u8]) -> Option<(PathBuf, String)> {
    let file = folder.join("pack.pdf");
    std::fs::write(&file, pdf).unwrap();
    if let Some(shots) = std::env::var_os("SESSHU_SHOTS") {
        std::fs::write(Path::new(&shots).join("pack.pdf"), pdf).unwrap();
    }
    let told = Command::new("pdfinfo").arg(&file).output().ok()?;
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    let pages = told.lines().find_map(|line| line.strip_prefix("Pages:"));
    let last = pages.unwrap().trim();
    let drawn = Command::new("pdftoppm")
        .args(["-r", "150", "-f", last, "-l", last, "-png", "-singlefile"])
        .args([&file, &folder.join("form")])
        .status();
    let picture = folder.join("form.png");
    let read = Command::new("zbarimg")
        .args(["-q", "--raw"])
        .arg(&picture)
        .output();
    let (Ok(drawn), Ok(read)) = (drawn, read) else {
        let required = std::env::var("SESSHU_TEST_REQUIRE").is_ok();
        assert!(!required, "pdftoppm or zbarimg is missing");
        eprintln!("pdftoppm or zbarimg is not installed: the pack was not read back");
        return None;
    };
    assert!(drawn.success());
    let text = String::from_utf8_lossy(&read.stdout);
    let draft = text.lines().find(|line| line.starts_with("SESSHU1/"));
    Some((picture, draft.unwrap().to_owned()))
}

fn a_form_comes_back(
    page: &Page,
    server: &Server,
    (picture, draft): (&Path, &str),
    digits: &str,
) -> String {
    page.goto(&server.url("/venue/drafts"));
    page.assert_accessible();
    show(page, "drafts");
    page.fill("#draft", "SESSHU1/DAMAGED/CODE");
    page.follow(|page| page.click("text=内容の確認へ進む"));
    page.expect_complaint("422");
    page.wait_for("[role=alert]");
    show(page, "drafts-damaged");
    page.upload("#photo", picture);
    page.follow(|page| page.click("form[action='/venue/drafts/photo'] button[type=submit]"));
    page.wait_for("#compared");
    page.assert_accessible();
    show(page, "draft");
    as_desk(page);
    show(page, "draft-desk");
    as_tablet(page);
    page.fill("#line", digits);
    page.fill("#doctor", "見本 医師");
    page.click("#compared");
    page.follow(|page| page.click("form.tall button.large"));
    page.wait_for(".answer-word");
    assert!(!answer(page).is_empty());
    show(page, "draft-registered");
    let registered = page.url();
    page.goto(&server.url("/venue/drafts"));
    page.fill("#draft", draft);
    page.follow(|page| page.click("text=内容の確認へ進む"));
    page.wait_for_text("すでに登録されています");
    assert!(page.url().starts_with(&registered), "{}", page.url());
    show(page, "draft-twice");
    page.assert_clean();
    let id = registered.rsplit('/').next().unwrap_or_default();
    id.to_owned()
}

fn the_city_has_its_own(page: &Page, server: &Server, record: &str) {
    as_desk(page);
    log_in(page, server, "chiyoda");
    page.goto(&server.url("/"));
    page.follow(|page| page.click("main nav a[href='/city/packs']"));
    page.wait_for_text("会場の災害用一式");
    page.assert_accessible();
    show(page, "packs");
    page.goto(&server.url(&format!("/city/records/{record}")));
    page.wait_for_text("紙の様式");
    page.assert_clean();
}
