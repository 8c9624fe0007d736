//! `cargo xtask test`: set-up, every step, the timing table, and one line that a machine can read.

use crate::{
    midnight, packages,
    postgres::Cluster,
    steps::{Setting, Step},
    summary::Tally,
    timing::{self, Row},
};
use std::time::Instant;

/// Runs the steps asked for (all, unless `--only` names some) and tells whether all passed.
///
/// A failing step does not stop the ones after it: one run shows everything that is wrong.
pub fn test(arguments: &[&str]) -> Result<bool, String> {
    let steps = steps_asked_for(arguments)?;
    let begun = Instant::now();
    let mut rows = Vec::new();

    packages::provide(&steps)?;
    let cluster = steps
        .iter()
        .any(|step| step.needs_postgres())
        .then(Cluster::start)
        .transpose()?;
    rows.push(Row {
        name: "set-up",
        took: begun.elapsed(),
        passed: true,
        tally: Tally::default(),
    });
    let setting = Setting {
        postgres_url: cluster.as_ref().map(Cluster::url),
    };

    for step in steps {
        println!("\n=== {}: {}", step.name(), step.purpose());
        if step == Step::Browser {
            midnight::let_it_pass();
        }
        let begun = Instant::now();
        let (passed, tally) = step.run(&setting);
        rows.push(Row {
            name: step.name(),
            took: begun.elapsed(),
            passed,
            tally,
        });
    }
    drop(cluster);

    println!("\n{}", timing::table(&rows, begun.elapsed()));
    println!("{}", rows.iter().map(|row| row.tally).sum::<Tally>());
    Ok(rows.iter().all(|row| row.passed))
}

/// `--only STEP`, any number of times; the steps keep their own order.
fn steps_asked_for(arguments: &[&str]) -> Result<Vec<Step>, String> {
    let mut only = Vec::new();
    let mut words = arguments.iter();
    while let Some(&word) = words.next() {
        if word != "--only" {
            return Err(format!(
                "`cargo xtask test` does not know `{word}`. Try `cargo xtask help`."
            ));
        }
        let name = words.next().copied().unwrap_or_default();
        only.push(
            Step::named(name)
                .ok_or_else(|| format!("There is no step `{name}`. Try `cargo xtask help`."))?,
        );
    }
    Ok(Step::ALL
        .into_iter()
        .filter(|step| only.is_empty() || only.contains(step))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_choice_every_step_runs() {
        assert_eq!(steps_asked_for(&[]), Ok(Step::ALL.to_vec()));
    }

    #[test]
    fn chosen_steps_run_in_their_own_order() {
        let steps = steps_asked_for(&["--only", "browser", "--only", "format"]);
        assert_eq!(steps, Ok(vec![Step::Format, Step::Browser]));
    }

    #[test]
    fn an_unknown_word_is_told() {
        assert!(steps_asked_for(&["--fast"]).is_err());
        assert!(steps_asked_for(&["--only", "nonsense"]).is_err());
        assert!(steps_asked_for(&["--only"]).is_err());
    }
}
