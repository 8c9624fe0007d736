//! What the test runners say at the end, as numbers.

use std::{fmt, iter::Sum};

/// How many tests passed and failed. Ignored ones are neither.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Tally {
    pub passed: u64,
    pub failed: u64,
}

impl Tally {
    /// The numbers in one line of output, if it is the summary of a test runner:
    /// `test result: ok. 5 passed; 0 failed; …` (cargo) or `Summary [ 0.1s] 5 tests run: 5 passed, 0 skipped` (nextest).
    pub fn in_line(line: &str) -> Option<Tally> {
        let line = plain(line);
        let line = line.trim();
        if let Some(result) = line.strip_prefix("test result: ") {
            let (_, counts) = result.split_once(". ")?;
            return Some(counted(counts.split(';')));
        }
        if !line.starts_with("Summary [") {
            return None;
        }
        let (_, counts) = line.split_once(" run: ")?;
        Some(counted(without_parentheses(counts).split(',')))
    }
}

/// Sums phrases like `5 passed`, `1 timed out`; what is not known (skipped, measured) counts for nothing.
fn counted<'a>(phrases: impl Iterator<Item = &'a str>) -> Tally {
    let mut tally = Tally::default();
    for phrase in phrases {
        let Some((number, word)) = phrase.trim().split_once(' ') else {
            continue;
        };
        let number = number.parse().unwrap_or(0);
        match word.trim() {
            "passed" => tally.passed += number,
            "failed" | "timed out" | "exec failed" | "failed due to being leaky" => {
                tally.failed += number
            }
            _ => {}
        }
    }
    tally
}

/// `5 passed (1 slow, 1 flaky), 0 skipped` → `5 passed , 0 skipped`: what stands in parentheses is counted already.
fn without_parentheses(text: &str) -> String {
    let mut depth = 0_u32;
    text.chars()
        .filter(|&letter| {
            match letter {
                '(' => depth += 1,
                ')' => depth = depth.saturating_sub(1),
                _ => return depth == 0,
            }
            false
        })
        .collect()
}

/// Without the escape sequences that colour a terminal (`ESC [ … letter`).
fn plain(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        if letter == '\u{1b}' {
            letters.by_ref().find(char::is_ascii_alphabetic);
        } else {
            plain.push(letter);
        }
    }
    plain
}

impl Sum for Tally {
    fn sum<I: Iterator<Item = Tally>>(tallies: I) -> Tally {
        tallies.fold(Tally::default(), |sum, one| Tally {
            passed: sum.passed + one.passed,
            failed: sum.failed + one.failed,
        })
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} passed, {} failed", self.passed, self.failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, passed: u64, failed: u64) {
        assert_eq!(
            Tally::in_line(line),
            Some(Tally { passed, failed }),
            "{line}"
        );
    }

    #[test]
    fn cargo_sums_up_each_binary() {
        check(
            "test result: ok. 5 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s",
            5,
            0,
        );
        check(
            "test result: FAILED. 4 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out",
            4,
            2,
        );
    }

    #[test]
    fn nextest_sums_up_once() {
        check(
            "     Summary [   0.036s] 5 tests run: 5 passed, 0 skipped",
            5,
            0,
        );
        check(
            "     Summary [   1.036s] 1 test run: 1 passed, 7 skipped",
            1,
            0,
        );
        check(
            "     Summary [ 9.1s] 9 tests run: 5 passed (1 slow, 1 flaky), 2 failed, 1 timed out, 1 exec failed, 0 skipped",
            5,
            4,
        );
        check(
            "     Summary [ 9.1s] 3/10 tests run: 2 passed, 1 failed, 0 skipped",
            2,
            1,
        );
    }

    #[test]
    fn colours_are_looked_through() {
        check(
            "\u{1b}[32;1m     Summary\u{1b}[0m [   0.036s] \u{1b}[1m5\u{1b}[0m tests run: \u{1b}[1m5\u{1b}[0m \u{1b}[32;1mpassed\u{1b}[0m, \u{1b}[1m0\u{1b}[0m skipped",
            5,
            0,
        );
        check(
            "test result: \u{1b}[32mok\u{1b}[0m. 5 passed; 0 failed; 0 ignored",
            5,
            0,
        );
    }

    #[test]
    fn other_lines_are_no_summaries() {
        for line in [
            "",
            "running 5 tests",
            "Summary of doses: 5 passed",
            "test result",
            "12 passed, 0 failed",
        ] {
            assert_eq!(Tally::in_line(line), None, "{line}");
        }
    }

    #[test]
    fn the_last_line_has_its_exact_form() {
        let sum: Tally = [
            Tally {
                passed: 12,
                failed: 0,
            },
            Tally {
                passed: 30,
                failed: 1,
            },
        ]
        .into_iter()
        .sum();
        assert_eq!(sum.to_string(), "42 passed, 1 failed");
    }
}
