//! What is demanded, and whether it holds. No bar is ever lowered to what is measured.

use super::photos::Row;
use super::speed::Speed;
use super::{alternating, sessions};

/// What is demanded of a figure.
#[derive(serde::Serialize)]
pub struct Bar {
    pub what: String,
    pub measured: f64,
    /// The least or the most there may be.
    pub bar: f64,
    pub holds: bool,
}

impl Bar {
    fn least(what: impl Into<String>, measured: f64, bar: f64) -> Bar {
        Bar {
            what: what.into(),
            measured,
            bar,
            holds: measured >= bar,
        }
    }

    fn most(what: impl Into<String>, measured: f64, bar: f64) -> Bar {
        Bar {
            what: what.into(),
            measured,
            bar,
            holds: measured <= bar,
        }
    }

    pub fn print(&self) {
        let sign = if self.holds { "holds" } else { "FAILS" };
        println!(
            "{sign}  {:<52} {:>8.2}  (bar {})",
            self.what, self.measured, self.bar
        );
    }
}

/// Percent of the lines that must be read by themselves in one frame, and of all photographs that may be read wrong.
const LINE: [(&str, f64, f64); 4] = [
    ("easy", 99.5, 0.0),
    ("medium", 99.0, 0.0),
    ("hard", 90.0, 0.3),
    ("negative", 0.0, 0.0),
];

pub fn held(
    photos: &[Row],
    sessions: &[sessions::Row],
    alternating: &alternating::Outcome,
    speed: &Speed,
) -> Vec<Bar> {
    let mut bars = Vec::new();
    for maker in super::MAKERS {
        let maker = maker.code();
        let tally = |difficulty: &str, way: &str| {
            let is_it = |row: &&Row| {
                row.photographs == maker && row.difficulty == difficulty && row.way == way
            };
            photos.iter().find(is_it).map(|row| row.tally)
        };
        for (difficulty, read_least, wrong_most) in LINE {
            let Some(line) = tally(difficulty, "line") else {
                continue;
            };
            if read_least > 0.0 {
                let what = format!("{maker}: line alone, {difficulty}, % read");
                bars.push(Bar::least(what, line.exact_percent(), read_least));
            }
            let what = format!("{maker}: line alone, {difficulty}, % wrong");
            bars.push(Bar::most(what, line.wrong_percent(), wrong_most));
        }
        let wrong: u64 = photos
            .iter()
            .filter(|row| row.photographs == maker && row.way == "together")
            .map(|row| row.tally.wrong)
            .sum();
        let what = format!("{maker}: all channels of one photograph, wrong");
        bars.push(Bar::most(what, wrong as f64, 0.0));
    }
    let all = sessions::together(sessions);
    let count = all.all();
    let right = 100.0 * all.right() as f64 / count.max(1) as f64;
    bars.push(Bar::least("sessions", count as f64, 3_000.0));
    bars.push(Bar::least("sessions, % right", right, 99.5));
    bars.push(Bar::most(
        "sessions, wrong and accepted",
        all.wrong_auto as f64,
        0.0,
    ));
    let carried = alternating.carried_over + alternating.wrong;
    bars.push(Bar::most(
        "alternating coupons, carried over or wrong",
        carried as f64,
        0.0,
    ));
    bars.push(Bar::most("ms a frame, native", speed.native_ms, 50.0));
    if let Some(ms) = speed.wasm_ms {
        bars.push(Bar::most("ms a frame, WebAssembly", ms, 150.0));
    }
    if let Some(differing) = speed.differing {
        bars.push(Bar::most(
            "answers of WebAssembly that differ",
            differing as f64,
            0.0,
        ));
    }
    bars
}
