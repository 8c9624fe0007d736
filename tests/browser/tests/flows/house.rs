//! The demonstration that a file's tests share, and the ways into it that every flow begins with.

use browser_flows::{Page, Server};
use serde_json::Value;
use std::{
    path::PathBuf,
    sync::{Arc, Mutex, Weak},
};

/// One demonstration for all tests of a file, as long as any of them runs.
///
/// A static is never dropped, and the program would outlive the tests: so only the tests themselves hold it.
pub struct House(Mutex<Weak<Server>>);

impl House {
    pub const fn new() -> House {
        House(Mutex::new(Weak::new()))
    }

    /// The running server; `None` where it may be skipped.
    pub fn open(&self) -> Option<Arc<Server>> {
        let mut shared = self.0.lock().unwrap();
        if let Some(running) = shared.upgrade() {
            return Some(running);
        }
        let server = Arc::new(Server::start()?);
        *shared = Arc::downgrade(&server);
        Some(server)
    }
}

/// A coupon of the demonstration.
pub struct Coupon {
    pub digits: String,
    pub picture: PathBuf,
}

/// The coupons that are answered so: the one at `place`, from 0.
pub fn coupon(server: &Server, expect: &str, place: usize) -> Coupon {
    let coupons = server.demo()["coupons"].as_array().unwrap();
    let mut answered_so = coupons.iter().filter(|coupon| coupon["expect"] == expect);
    let found = answered_so.nth(place).unwrap();
    Coupon {
        digits: text(&found["digits"]),
        picture: PathBuf::from(text(&found["path"])),
    }
}

/// The file of residents to try the import on.
pub fn residents(server: &Server) -> PathBuf {
    PathBuf::from(text(&server.demo()["residents_csv"]))
}

/// The password of an account.
pub fn password(server: &Server, login: &str) -> String {
    let accounts = server.demo()["accounts"].as_array().unwrap();
    let found = accounts.iter().find(|account| account["login"] == login);
    text(&found.unwrap()["password"])
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// The size of the venue's tablet, held upright.
pub fn as_tablet(page: &Page) {
    page.set_viewport(820, 1180, true);
}

/// The size of an office's screen.
pub fn as_desk(page: &Page) {
    page.set_viewport(1280, 800, false);
}

/// Logs in with an account of the demonstration.
pub fn log_in(page: &Page, server: &Server, login: &str) {
    page.goto(&server.url("/login"));
    page.fill("#login", login);
    page.fill("#password", &password(server, login));
    page.follow(|page| page.click("text=ログインする"));
    page.wait_for("text=ログアウト");
    page.assert_clean();
}

/// Fills in the day's settings, which a new day sends everybody to, and ends on the page that reads.
pub fn set_the_day(page: &Page, server: &Server) {
    page.goto(&server.url("/venue/read"));
    assert!(page.url().ends_with("/venue/settings"), "{}", page.url());
    page.select("#product", "comirnaty_lp81");
    page.fill("#lot", "fl4205");
    page.fill("#doctor", "見本 医師");
    page.follow(|page| page.click("text=この設定で始める"));
    page.wait_for_text("当日の設定を保存しました");
    page.assert_clean();
}

/// Logs in at a venue whose day is not set yet, and sets it.
pub fn begin_the_day(page: &Page, server: &Server, login: &str) {
    as_tablet(page);
    log_in(page, server, login);
    set_the_day(page, server);
}

/// Types the digits as a scanner does, with the Enter that it ends with; the page has the field ready for it.
pub fn scan(page: &Page, digits: &str) {
    page.follow(|page| page.type_keys(&format!("{digits}\n")));
}

/// Compares the digits that are shown with those that were meant, and registers.
pub fn compare_and_register(page: &Page) {
    page.click("#compared");
    page.follow(|page| page.click("#register button[type=submit]"));
}

/// The large word of the answer.
pub fn answer(page: &Page) -> String {
    // Not the colour of the check before the shot.
    page.text(".answer:not(.before) .answer-word")
}

/// The digits on the page, without the blanks between their parts.
pub fn shown_digits(page: &Page, selector: &str) -> String {
    let text = page.text(selector);
    text.chars().filter(char::is_ascii_digit).collect()
}
