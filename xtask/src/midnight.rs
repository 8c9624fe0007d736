//! The flows of one run belong to one day: the demonstration's records are of "today", and a run over midnight in Japan
//! looks for them on the next day's list.

use std::{
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

const DAY: u64 = 24 * 60 * 60;

/// Japan keeps one time, nine hours before Greenwich, and no summer time.
const AHEAD: u64 = 9 * 60 * 60;

/// More than the flows take on a slow machine.
const RUN: u64 = 15 * 60;

/// Waits until midnight is over in Japan, where the flows would not be done before it.
#[expect(
    clippy::disallowed_methods,
    reason = "the flows run by the machine's clock, as their server does"
)]
pub fn let_it_pass() {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let wait = before_a_run(since.as_secs());
    if wait > 0 {
        println!(
            "Midnight in Japan comes in {wait} s, in the middle of the flows: they wait for it."
        );
        thread::sleep(Duration::from_secs(wait));
    }
}

/// How many seconds to wait before a run that begins at `unix` seconds, so that no midnight falls into it.
fn before_a_run(unix: u64) -> u64 {
    let left = DAY - (unix + AHEAD) % DAY;
    if left < RUN { left } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_would_see_midnight_waits_for_it_and_no_other_does() {
        // 2026-11-28 15:00:00 UTC, the 29th in Japan.
        let midnight = 1_795_878_000;
        assert_eq!(before_a_run(midnight), 0);
        assert_eq!(before_a_run(midnight - 1), 1);
        assert_eq!(before_a_run(midnight - RUN + 1), RUN - 1);
        assert_eq!(before_a_run(midnight - RUN), 0);
        assert_eq!(before_a_run(midnight + DAY / 2), 0);
    }
}
