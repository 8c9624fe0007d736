//! Photographs of coolers' displays: right, none and wrong, by difficulty; and the sign, which the reader only hints at.

use reader::read_display;
use reading::{Difficulty, DisplayPhotograph, display};

use super::{Tally, in_parallel};
use crate::Options;

/// What became of the photographs of one difficulty.
struct Row {
    difficulty: &'static str,
    /// Of the digits and their point.
    tally: Tally,
    /// A minus that is there and was not seen, among those whose digits were read.
    minus_missed: u64,
    /// A minus seen where there is none.
    minus_wrong: u64,
}

/// Measures so many of each difficulty, and prints it.
pub fn run(options: &Options) {
    let mut remarks = Vec::new();
    println!("displays    photos  exact %   none  wrong  minus missed  minus wrong");
    for row in measure(options, &mut remarks) {
        println!(
            "{:<10}  {:>6}  {:>7.1}  {:>5}  {:>5}  {:>12}  {:>11}",
            row.difficulty,
            row.tally.all(),
            row.tally.exact_percent(),
            row.tally.none,
            row.tally.wrong,
            row.minus_missed,
            row.minus_wrong
        );
    }
    for remark in remarks {
        println!("wrong: {remark}");
    }
}

fn measure(options: &Options, remarks: &mut Vec<String>) -> Vec<Row> {
    Difficulty::ALL
        .into_iter()
        .map(|difficulty| {
            let outcomes = in_parallel(options.threads, options.count, |number| {
                let seed = options.from + 3_000_000 + number;
                let DisplayPhotograph {
                    picture,
                    magnitude,
                    minus,
                } = display(seed, difficulty);
                (seed, read_display(&picture), magnitude, minus)
            });
            let mut row = Row {
                difficulty: difficulty.code(),
                tally: Tally::default(),
                minus_missed: 0,
                minus_wrong: 0,
            };
            for (seed, read, truth, minus) in outcomes {
                let told = read.as_ref().ok();
                let answer = told.map(|told| told.magnitude.as_str());
                row.tally.count(answer, truth.as_deref());
                if let Some(told) = told {
                    row.minus_missed += u64::from(minus && !told.minus);
                    row.minus_wrong += u64::from(told.minus && !minus);
                    if answer != truth.as_deref() {
                        remarks.push(format!(
                            "display {seed} ({}): {}, it is {}",
                            difficulty.code(),
                            told.magnitude,
                            truth.as_deref().unwrap_or("none to read")
                        ));
                    }
                }
            }
            row
        })
        .collect()
}

/// The photograph of a seed as a file, and what is read of it.
pub fn keep(
    from: u64,
    number: u64,
    difficulty: Difficulty,
    folder: &std::path::Path,
) -> anyhow::Result<()> {
    let seed = from + 3_000_000 + number;
    let taken = display(seed, difficulty);
    crate::save(
        &taken.picture,
        &folder.join(format!("display-{seed:07}-{}.png", difficulty.code())),
    )?;
    let read = match read_display(&taken.picture) {
        Ok(read) => format!("{}{}", if read.minus { "-" } else { "" }, read.magnitude),
        Err(doubt) => doubt.code().to_owned(),
    };
    println!(
        "display {seed} ({}): {read}, it is {}{}",
        difficulty.code(),
        if taken.minus { "-" } else { "" },
        taken.magnitude.as_deref().unwrap_or("none to read")
    );
    Ok(())
}
