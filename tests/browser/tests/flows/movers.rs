//! Somebody moves: the clerk of the city they moved to asks the others, and each city sees it.

use crate::{
    house::{House, as_desk, as_tablet, log_in, residents},
    snapshot::assert_page,
};
use browser_flows::{Browser, Page, Server};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

static HOUSE: House = House::new();

/// Somebody of Chiyoda with a dose there, who has the only Individual Number of the demonstration.
struct Mover {
    my_number: String,
    number: String,
    birth: String,
    /// The file of residents, with the number in this person's line.
    file: PathBuf,
    /// Where it lies, until it is taken in.
    _folder: TempDir,
}

/// The number of somebody whom the file of residents brings and whose dose waits for them.
const WAITED_FOR: &str = "0001900003";

fn mover(server: &Server) -> Mover {
    let text = std::fs::read_to_string(residents(server)).unwrap();
    let item = |line: &str, at: usize| line.split(',').nth(at).unwrap_or_default().to_owned();
    let has_number = |line: &&str| item(line, 2).parse::<u64>().is_ok();
    let numbered = text.lines().find(has_number).unwrap();
    let waited_for = text
        .lines()
        .find(|line| item(line, 3) == WAITED_FOR)
        .unwrap();
    let my_number = item(numbered, 2);
    let (number, birth) = (item(waited_for, 3), item(waited_for, 6));
    // The number goes from the one line to the other.
    let without = numbered.replace(&my_number, "");
    let with = waited_for.replacen(",,", &format!(",{my_number},"), 1);
    let text = text.replace(numbered, &without).replace(waited_for, &with);
    let folder = TempDir::with_prefix("sesshu-movers-").unwrap();
    let file = folder.path().join("residents.csv");
    std::fs::write(&file, text).unwrap();
    Mover {
        my_number,
        number,
        birth,
        file,
        _folder: folder,
    }
}

#[test]
fn a_city_asks_about_somebody_who_moved_in_and_the_other_sees_who_asked() {
    let (Some(server), Some(browser)) = (HOUSE.open(), Browser::launch()) else {
        return;
    };
    let mover = mover(&server);
    let old = browser.visitor();
    as_desk(&old);
    log_in(&old, &server, "chiyoda-admin");
    take_the_file_in(&old, &server, &mover.file);

    let new = browser.visitor();
    as_tablet(&new);
    log_in(&new, &server, "minato");
    new.follow(|page| page.click("main nav a[href='/city/people']"));
    new.follow(|page| page.click("nav a[href='/city/inquiries']"));
    new.assert_accessible();
    new.fill("#my-number", &mover.my_number);
    new.fill("#birth", &mover.birth);
    new.select("#purpose-number", "moved-in");
    new.follow(|page| page.click("form:has(#my-number) button[type=submit]"));
    new.wait_for_text("他の市町村に接種の記録が");
    assert!(new.text("table").contains("千代田区"));
    assert!(!new.text("main").contains(&mover.my_number));
    assert_page("inquiry", &new);
    new.assert_accessible();
    new.assert_clean();

    old.goto(&server.url("/city/inquiries/asked"));
    let row = old.text("tbody tr");
    assert!(row.contains("港区") && row.contains(&mover.number), "{row}");
    old.assert_accessible();
    old.goto(&server.url(&format!("/city/looks?number={}", mover.number)));
    assert!(old.text("table").contains("他の市町村の照会への答え"));
    old.assert_clean();
    old.goto(&server.url(&format!(
        "/city/people/{}/disclosure?purpose=own-request",
        mover.number
    )));
    old.assert_accessible();
    old.goto(&server.url("/city/register"));
    old.assert_accessible();
    old.assert_clean();
    the_night_asks(&new, &server, &mover);
}

fn take_the_file_in(page: &Page, server: &Server, file: &Path) {
    page.goto(&server.url("/city/residents"));
    page.click("text=UTF-8");
    page.upload("#file", file);
    page.follow(|page| page.click("text=送って確かめる"));
    page.wait_for("form[action$='/approve']");
    page.follow(|page| page.click("text=承認して登録する"));
    page.wait_for_text("この登録を取り消す");
    page.assert_clean();
}

fn the_night_asks(page: &Page, server: &Server, mover: &Mover) {
    let folder = TempDir::with_prefix("sesshu-questions-").unwrap();
    let file = folder.path().join("questions.csv");
    let text = format!(
        "照会番号,個人番号,生年月日\r\nA-1,{},{}\r\nA-2,{},19000101\r\n",
        mover.my_number, mover.birth, mover.my_number
    );
    std::fs::write(&file, text).unwrap();
    page.goto(&server.url("/city/inquiries"));
    page.click("text=すぐに");
    page.select("#purpose-file", "moved-in");
    page.upload("#file", &file);
    page.follow(|page| page.click("text=送って照会する"));
    page.wait_for_text("答えをCSVで保存");
    assert_page("inquiry_file", page);
    page.assert_accessible();
    page.click("summary");
    page.follow(|page| page.click("details button"));
    page.wait_for_text("破棄しました");
    page.assert_clean();
}
