//! From the net's columns to 18 digits, or to none.

use crate::chain::DIGITS;
use crate::fit::median;
use crate::net::{BLANK, Column};
use crate::strip::{COLUMNS_PER_ANSWER, PITCH};

/// Columns of answers from digit to digit.
const PITCH_COLUMNS: f32 = PITCH / COLUMNS_PER_ANSWER as f32;

/// Eighteen digits that stand in step.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Eighteen {
    /// ASCII digits.
    pub digits: String,
    /// How sure the net is of each digit, 0 to 1.
    pub certainties: Vec<f32>,
}

impl Eighteen {
    /// How sure both readings together are of each digit: as the less sure of the two; 0 where they differ.
    pub(crate) fn agreed(&self, other: &Eighteen) -> [f32; DIGITS] {
        let ours = self.digits.bytes().zip(&self.certainties);
        let theirs = other.digits.bytes().zip(&other.certainties);
        let mut agreed = [0.0; DIGITS];
        for ((both, (digit, ours)), (other, theirs)) in agreed.iter_mut().zip(ours).zip(theirs) {
            if digit == other {
                *both = ours.min(*theirs);
            }
        }
        agreed
    }
}

/// The one run of exactly 18 digits in step. More than one such run, or one that is longer, is no reading: it would
/// be a guess which 18 are meant.
pub(crate) fn eighteen(columns: &[Column]) -> Option<Eighteen> {
    let seen = seen(columns);
    let runs = runs_in_step(&seen);
    if runs.iter().any(|run| run.len() > DIGITS) {
        return None;
    }
    let mut full = runs.iter().filter(|run| run.len() == DIGITS);
    let (run, None) = (full.next()?, full.next()) else {
        return None;
    };
    Some(Eighteen {
        digits: run.iter().map(|digit| digit.character()).collect(),
        certainties: run.iter().map(|digit| digit.certainty).collect(),
    })
}

/// A digit as it was seen in some neighbouring columns.
#[derive(Clone, Copy, Debug)]
struct Seen {
    class: usize,
    certainty: f32,
    /// Centre, in columns, weighted by certainty.
    column: f32,
    weight: f32,
}

impl Seen {
    fn character(&self) -> char {
        u32::try_from(self.class)
            .ok()
            .and_then(|class| char::from_digit(class, 10))
            .unwrap_or('?')
    }

    fn widen(&mut self, column: usize, certainty: f32) {
        let weight = self.weight + certainty;
        self.column = (self.column * self.weight + column as f32 * certainty) / weight;
        self.weight = weight;
        self.certainty = self.certainty.max(certainty);
    }
}

/// The likeliest class of each column; equal neighbours are one digit.
fn seen(columns: &[Column]) -> Vec<Seen> {
    let mut seen: Vec<Seen> = Vec::new();
    let mut class_before = BLANK;
    for (index, column) in columns.iter().enumerate() {
        let (class, certainty) = likeliest(column);
        match seen.last_mut() {
            _ if class == BLANK => {}
            Some(digit) if class == class_before => digit.widen(index, certainty),
            _ => seen.push(Seen {
                class,
                certainty,
                column: index as f32,
                weight: certainty,
            }),
        }
        class_before = class;
    }
    seen
}

fn likeliest(column: &Column) -> (usize, f32) {
    let mut best = (BLANK, f32::MIN);
    for (class, &share) in column.iter().enumerate() {
        if share > best.1 {
            best = (class, share);
        }
    }
    best
}

/// Parts the digits wherever the step from one to the next is not one pitch: other print beside the line is almost
/// never in step with it.
fn runs_in_step(seen: &[Seen]) -> Vec<&[Seen]> {
    let pitch = measured_pitch(seen);
    seen.chunk_by(|a, b| (0.62..=1.38).contains(&((b.column - a.column) / pitch)))
        .collect()
}

/// The pitch in columns as this strip shows it; the nominal one where there is too little to measure.
fn measured_pitch(seen: &[Seen]) -> f32 {
    /// Steps from which the median is trusted.
    const STEPS_MIN: usize = 8;
    let steps: Vec<f32> = seen
        .iter()
        .zip(seen.iter().skip(1))
        .map(|(a, b)| b.column - a.column)
        .filter(|step| (0.6..1.5).contains(&(step / PITCH_COLUMNS)))
        .collect();
    if steps.len() < STEPS_MIN {
        PITCH_COLUMNS
    } else {
        median(steps).unwrap_or(PITCH_COLUMNS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Columns for print such as `12 3`: a digit takes two columns of four, a space is a digit's place left empty.
    fn columns(print: &str) -> Vec<Column> {
        let column = |class: usize| {
            let mut column = [0.01; crate::net::CLASSES];
            column[class] = 0.9;
            column
        };
        print
            .chars()
            .flat_map(|c| {
                let class = c.to_digit(10).map_or(BLANK, |digit| digit as usize);
                [column(BLANK), column(class), column(class), column(BLANK)]
            })
            .collect()
    }

    fn check(print: &str, expected: Option<&str>) {
        assert_eq!(
            eighteen(&columns(print)).map(|e| e.digits).as_deref(),
            expected,
            "{print}"
        );
    }

    #[test]
    fn eighteen_in_step_are_read() {
        check(" 211310160000012345 ", Some("211310160000012345"));
        check("111111111111111111", Some("111111111111111111"));
    }

    #[test]
    fn seventeen_or_nineteen_are_no_reading() {
        check(" 21131016000001234 ", None);
        check(" 2113101600000123456 ", None);
    }

    #[test]
    fn other_print_apart_from_the_line_does_no_harm() {
        check("7 211310160000012345 88", Some("211310160000012345"));
    }

    #[test]
    fn a_gap_in_the_line_is_no_reading() {
        check("2113101600 00012345", None);
    }

    #[test]
    fn two_lines_in_one_strip_are_no_reading() {
        check("211310160000012345 211310160000012345", None);
    }

    #[test]
    fn of_each_digit_the_less_sure_look_counts() {
        let mut blurred = columns("211310160000012345");
        for column in &mut blurred[4 * 12..4 * 13] {
            column.iter_mut().for_each(|share| *share *= 0.5);
        }
        let (blurred, clear) = (
            eighteen(&blurred).unwrap(),
            eighteen(&columns("211310160000012345")).unwrap(),
        );
        let agreed = clear.agreed(&blurred);
        assert!((agreed[12] - 0.45).abs() < 1e-6);
        assert!((agreed[11] - 0.9).abs() < 1e-6);
    }

    #[test]
    fn readings_that_differ_agree_on_all_other_digits() {
        let (one, other) = (columns("211310160000012345"), columns("211310160000012346"));
        let (one, other) = (eighteen(&one).unwrap(), eighteen(&other).unwrap());
        let agreed = one.agreed(&other);
        assert_eq!(agreed[17], 0.0);
        assert!(agreed[..17].iter().all(|certainty| *certainty > 0.8));
    }

    #[test]
    fn nothing_is_read_from_nothing() {
        assert_eq!(eighteen(&[]), None);
    }
}
