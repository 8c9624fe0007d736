//! Where the time went.

use crate::summary::Tally;
use std::time::Duration;

/// One line of the table: a step that ran.
pub struct Row {
    pub name: &'static str,
    pub took: Duration,
    pub passed: bool,
    pub tally: Tally,
}

/// The table at the end of a run, seconds right-aligned so that the eye finds the long ones.
pub fn table(rows: &[Row], whole: Duration) -> String {
    let mut table = format!(
        "{:<9} {:>8}  {:<7} {}\n",
        "step", "seconds", "result", "tests"
    );
    for row in rows {
        let result = if row.passed { "passed" } else { "FAILED" };
        let tests = if row.tally == Tally::default() {
            String::new()
        } else {
            row.tally.to_string()
        };
        let line = format!(
            "{:<9} {:>8.1}  {result:<7} {tests}",
            row.name,
            row.took.as_secs_f64()
        );
        table.push_str(line.trim_end());
        table.push('\n');
    }
    table.push_str(&format!("{:<9} {:>8.1}\n", "together", whole.as_secs_f64()));
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_shows_each_step_and_the_whole() {
        let rows = [
            Row {
                name: "format",
                took: Duration::from_millis(1_250),
                passed: true,
                tally: Tally::default(),
            },
            Row {
                name: "test",
                took: Duration::from_millis(612_300),
                passed: false,
                tally: Tally {
                    passed: 511,
                    failed: 1,
                },
            },
        ];
        let expected = "\
step       seconds  result  tests
format         1.2  passed
test         612.3  FAILED  511 passed, 1 failed
together     614.0
";
        assert_eq!(table(&rows, Duration::from_secs(614)), expected);
    }
}
