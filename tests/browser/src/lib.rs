//! Real Chromium, driven through its own DevTools protocol, for tests that do what a person does.
//!
//! ```no_run
//! use browser_flows::{Browser, Server};
//!
//! let (Some(server), Some(browser)) = (Server::start(), Browser::launch()) else { return };
//! let page = browser.visitor();
//! page.goto(&server.url("/"));
//! page.fill("input[name=login]", "nurse");
//! page.follow(|page| page.click("text=ログイン"));
//! page.wait_for_text("今日の接種");
//! page.assert_clean();
//! ```
//!
//! Every wait polls up to a deadline; no test needs to sleep. What fails, panics: with what was wanted, where the page
//! stood, what it complained of, and a picture of it.
#![expect(
    clippy::panic,
    reason = "this crate serves tests only: here a failure is a failed assertion"
)]
#![expect(
    clippy::indexing_slicing,
    reason = "only JSON is indexed, where what is missing reads as null"
)]

mod accessibility;
mod browser;
mod complaints;
mod connection;
mod keyboard;
mod page;
mod server;

pub use accessibility::Violation;
pub use browser::Browser;
pub use page::Page;
pub use server::Server;

use std::{env, fmt, time::Duration};

/// How long a wait lasts before it fails: long enough for a busy machine of two cores, short enough to be noticed.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The pause between two looks.
const LOOK_AGAIN: Duration = Duration::from_millis(25);

/// Why the browser could not do what was asked.
#[derive(Debug)]
struct Fault(String);

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl Fault {
    fn new(text: impl Into<String>) -> Fault {
        Fault(text.into())
    }
}

/// Something the machine lacks: where all must run (`SESSHU_TEST_REQUIRE=all`) the test fails, else it is skipped aloud.
fn missing<T>(what: &str) -> Option<T> {
    if env::var_os("SESSHU_TEST_REQUIRE").is_some() {
        panic!("{what}");
    }
    eprintln!("SKIPPED: {what}");
    None
}
