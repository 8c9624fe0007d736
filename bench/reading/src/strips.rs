//! Strips to train on, with what is truly in each of their columns.

use reader::training::{Strip, strips};

use crate::Maker;
use crate::chance::{Chance, Purpose};
use crate::coupon::{Damage, Difficulty, Framing, Truth};

/// Columns of every record.
const COLUMNS: usize = 336;
/// Columns for which the net gives one answer.
const COLUMNS_PER_ANSWER: usize = 4;
/// The target of columns between digits.
const BLANK: u8 = 10;
/// Added to a digit that is damaged: the net is to see it, and not to be sure.
const DOUBTFUL: u8 = 20;
/// The target of columns that do not count.
const IGNORE: u8 = 255;
/// Fewer of the line's digits in a strip, and it shows something else.
const SEEN_MIN: usize = 9;

/// One strip: its pixels, and a target for every four columns.
pub struct Record {
    /// 32 rows of 336 grey values.
    pub pixels: Vec<u8>,
    /// 84 targets: a digit; 10 for none; 20 and the digit for a damaged one; 255 for what does not count.
    pub targets: Vec<u8>,
    /// Whether the net as it is reads something wrong here, or nothing surely.
    pub is_hard: bool,
}

/// The strips that the reader cuts out of the training photograph of a seed.
pub fn records(maker: Maker, seed: u64) -> Vec<Record> {
    /// Searches of the reader.
    const SEARCHES: usize = 5;
    let mut chance = Chance::of(Purpose::Training, "which", seed);
    let difficulty = chance.pick(&[
        Difficulty::Easy,
        Difficulty::Medium,
        Difficulty::Medium,
        Difficulty::Hard,
        Difficulty::Hard,
        Difficulty::Hard,
        Difficulty::Hard,
        Difficulty::Negative,
    ]);
    let damage = if chance.is(0.45) {
        Damage::None
    } else {
        chance.pick(&Damage::ALL)
    };
    let coupon = maker.coupon(Purpose::Training, seed, difficulty, damage);
    let photograph = maker.shot(Purpose::Training, &coupon, seed, 0, Framing::Line);
    let first = strips(&photograph.picture, 0);
    // The later searches place the line a little otherwise.
    let later = strips(&photograph.picture, 1 + chance.below(SEARCHES - 1));
    [first, later]
        .iter()
        .filter_map(|found| {
            let shows_the_line = |strip: &&Strip| places(strip, &photograph.truth).is_some();
            let strip = found.iter().find(shows_the_line)?;
            record(&mut chance, strip, &photograph.truth, coupon.digits())
        })
        .collect()
}

/// The column of each digit, if the strip shows enough of them.
fn places(strip: &Strip, truth: &Truth) -> Option<Vec<f32>> {
    /// Rows that a digit may be off the middle.
    const OFF_MAX: f32 = 6.0;
    let seen: Vec<(f32, f32)> = truth
        .centres
        .iter()
        .map(|&(x, y)| strip.seen_at(x, y))
        .collect();
    let middle = (Strip::ROWS - 1) as f32 / 2.0;
    let shown = seen
        .iter()
        .zip(&truth.visible)
        .filter(|((column, row), visible)| {
            **visible
                && (row - middle).abs() < OFF_MAX
                && (0.0..strip.width as f32).contains(column)
        });
    (shown.count() >= SEEN_MIN).then(|| seen.into_iter().map(|place| place.0).collect())
}

fn record(chance: &mut Chance, strip: &Strip, truth: &Truth, digits: &str) -> Option<Record> {
    let columns = places(strip, truth)?;
    let mut targets = vec![BLANK; strip.width / COLUMNS_PER_ANSWER];
    for (index, (&centre, digit)) in columns.iter().zip(digits.bytes()).enumerate() {
        let is = |list: &[bool]| list.get(index).copied().unwrap_or(false);
        let value = (digit - b'0') + if is(&truth.doubtful) { DOUBTFUL } else { 0 };
        mark(&mut targets, centre, is(&truth.visible).then_some(value));
    }
    let all_visible = truth.visible.iter().all(|visible| *visible);
    let is_hard = match &strip.digits {
        Some(read) => !all_visible || read != digits || strip.confidence < reader::CONFIDENCE_MIN,
        None => all_visible,
    };
    Some(fitted(chance, strip, &targets, is_hard))
}

/// Writes a digit into the columns around its centre, or blank where it is hidden.
fn mark(targets: &mut [u8], centre: f32, value: Option<u8>) {
    /// Shares of the pitch within which a column shows the digit, and within which it may.
    const SHOWS: f32 = 0.27;
    const MAY_SHOW: f32 = 0.42;
    let middle = |index: usize| (index * COLUMNS_PER_ANSWER + COLUMNS_PER_ANSWER / 2) as f32;
    let off = |index: usize| (middle(index) - centre).abs() / Strip::PITCH;
    let nearest = (0..targets.len()).min_by(|one, other| off(*one).total_cmp(&off(*other)));
    for (index, target) in targets.iter_mut().enumerate() {
        match value {
            Some(value) if off(index) < SHOWS => *target = value,
            Some(value) if nearest == Some(index) && off(index) < 0.3 => *target = value,
            Some(_) if off(index) < MAY_SHOW => *target = IGNORE,
            _ => {}
        }
    }
}

/// Brought to one width: a longer strip is cut somewhere, a shorter one repeats its last column.
fn fitted(chance: &mut Chance, strip: &Strip, targets: &[u8], is_hard: bool) -> Record {
    let answers = COLUMNS / COLUMNS_PER_ANSWER;
    let surplus = targets.len().saturating_sub(answers);
    let first = if surplus > 0 {
        chance.below(surplus + 1)
    } else {
        0
    };
    let left = first * COLUMNS_PER_ANSWER;
    let pixels = strip
        .pixels
        .chunks_exact(strip.width)
        .flat_map(|row| {
            let last = row.last().copied().unwrap_or_default();
            row.iter()
                .copied()
                .skip(left)
                .chain(std::iter::repeat(last))
                .take(COLUMNS)
        })
        .collect();
    let targets = targets
        .iter()
        .copied()
        .skip(first)
        .chain(std::iter::repeat(IGNORE))
        .take(answers)
        .collect();
    Record {
        pixels,
        targets,
        is_hard,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spelled(bytes: impl Iterator<Item = u8>) -> Vec<u8> {
        let mut told: Vec<u8> = bytes
            .filter(|byte| *byte != IGNORE && *byte != BLANK)
            .collect();
        // Equal neighbours may have no blank between them.
        told.dedup();
        told
    }

    #[test]
    fn a_training_photograph_gives_strips_whose_targets_spell_its_digits() {
        let mut compared = 0;
        for seed in 1..12 {
            let coupon =
                Maker::Studio.coupon(Purpose::Training, seed, Difficulty::Easy, Damage::None);
            let shot = Maker::Studio.shot(Purpose::Training, &coupon, seed, 0, Framing::Line);
            let mut chance = Chance::of(Purpose::Training, "test", seed);
            for strip in strips(&shot.picture, 0) {
                let Some(record) = record(&mut chance, &strip, &shot.truth, coupon.digits()) else {
                    continue;
                };
                assert_eq!(record.pixels.len(), Strip::ROWS * COLUMNS);
                assert_eq!(record.targets.len(), COLUMNS / COLUMNS_PER_ANSWER);
                let told = spelled(record.targets.iter().copied());
                let truth = spelled(coupon.digits().bytes().map(|digit| digit - b'0'));
                assert_eq!(told, truth, "{seed}");
                compared += 1;
            }
        }
        assert!(compared > 5, "{compared}");
    }
}
