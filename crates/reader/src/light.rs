//! Even light: what a lamp's reflection, the edge of a shadow or a veil does to some digits of a line is taken back, as
//! far as the print is still there.

use crate::strip::{PITCH, ROWS, Strip};

/// Rows and columns to each side in which there is paper somewhere: more than half of a stroke is thick.
const PAPER_REACH: usize = 4;
/// Columns to each side over which contrast is measured: one digit and its neighbours.
const CONTRAST_REACH: usize = (1.5 * PITCH) as usize;
/// How much faint print is strengthened at most. Where more would be needed there is next to no print, and noise must
/// not become digits.
const GAIN_MAX: f32 = 2.5;

/// The strip as it would look if all of its paper were equally bright, and all of its print equally strong.
pub(crate) fn evened(strip: &Strip) -> Strip {
    let Strip { width, values } = strip;
    let paper = paper(values, *width);
    let level = middle(&paper).max(1.0);
    // Ink takes away a share of the light that falls on it.
    let ink: Vec<f32> = values
        .iter()
        .zip(&paper)
        .map(|(value, paper)| level * (1.0 - value / paper.max(1.0)))
        .collect();
    let gains = gains(&ink, *width);
    let row = |row: &[f32]| -> Vec<f32> {
        let strengthened = row.iter().zip(&gains).map(|(ink, gain)| level - ink * gain);
        strengthened.collect()
    };
    Strip {
        width: *width,
        values: ink.chunks_exact((*width).max(1)).flat_map(row).collect(),
    }
}

/// The paper's brightness everywhere, strokes filled with what is around them.
fn paper(values: &[f32], width: usize) -> Vec<f32> {
    let most = |window: &[f32]| window.iter().copied().fold(f32::MIN, f32::max);
    let least = |window: &[f32]| window.iter().copied().fold(f32::MAX, f32::min);
    let mean = |window: &[f32]| window.iter().sum::<f32>() / window.len().max(1) as f32;
    // The noise of single pixels goes first, else the paper would be as bright as its brightest grain.
    let smooth = over_windows(values, width, 1, mean);
    let filled = over_windows(&smooth, width, PAPER_REACH, most);
    let closed = over_windows(&filled, width, PAPER_REACH, least);
    over_windows(&closed, width, PAPER_REACH / 2, mean)
}

/// Something of each square window, rows and columns one after the other.
fn over_windows(
    values: &[f32],
    width: usize,
    reach: usize,
    of: impl Fn(&[f32]) -> f32,
) -> Vec<f32> {
    let across = along(values, width, reach, &of);
    let down = along(&turned(&across, width), ROWS, reach, &of);
    turned(&down, ROWS)
}

fn along(values: &[f32], width: usize, reach: usize, of: &impl Fn(&[f32]) -> f32) -> Vec<f32> {
    let window = |row: &[f32], at: usize| {
        let until = (at + reach + 1).min(row.len());
        row.get(at.saturating_sub(reach)..until).map_or(0.0, of)
    };
    let rows = values.chunks_exact(width.max(1));
    rows.flat_map(|row| (0..row.len()).map(|at| window(row, at)).collect::<Vec<_>>())
        .collect()
}

/// Columns as rows.
fn turned(values: &[f32], width: usize) -> Vec<f32> {
    let column = |column: usize| values.iter().skip(column).step_by(width.max(1)).copied();
    (0..width).flat_map(column).collect()
}

/// By how much the print of each column is strengthened, so that it is as strong as in the strip's middle column by
/// strength.
fn gains(ink: &[f32], width: usize) -> Vec<f32> {
    let column = |column: usize| ink.iter().skip(column).step_by(width.max(1));
    let squares: Vec<f32> = (0..width)
        .map(|index| column(index).map(|ink| ink * ink).sum())
        .collect();
    let mean = |window: &[f32]| window.iter().sum::<f32>() / (window.len() * ROWS).max(1) as f32;
    let strengths: Vec<f32> = along(&squares, width, CONTRAST_REACH, &mean)
        .into_iter()
        .map(|square| square.sqrt().max(0.5))
        .collect();
    let usual = middle(&strengths);
    let gain = |strength: f32| (usual / strength).clamp(1.0, GAIN_MAX);
    strengths.into_iter().map(gain).collect()
}

fn middle(values: &[f32]) -> f32 {
    crate::fit::median(values.iter().copied()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDTH: usize = 304;

    /// A strip with an upright stroke in each digit's place: `paper` and the share of light that ink takes, by column.
    fn strokes(paper: impl Fn(usize) -> f32, ink: impl Fn(usize) -> f32) -> Strip {
        let is_ink = |row: usize, column: usize| {
            (8..24).contains(&row) && column as f32 % PITCH > 6.0 && column as f32 % PITCH < 9.5
        };
        let value = |index: usize| {
            let (row, column) = (index / WIDTH, index % WIDTH);
            let share = if is_ink(row, column) {
                ink(column)
            } else {
                0.0
            };
            paper(column) * (1.0 - share)
        };
        Strip {
            width: WIDTH,
            values: (0..ROWS * WIDTH).map(value).collect(),
        }
    }

    /// Paper less ink in the middle row around a column.
    fn contrast(strip: &Strip, column: usize) -> f32 {
        let start = ROWS / 2 * WIDTH + column;
        let around = strip.values.get(start..start + PITCH as usize + 1).unwrap();
        around.iter().copied().fold(f32::MIN, f32::max)
            - around.iter().copied().fold(f32::MAX, f32::min)
    }

    #[test]
    fn even_light_stays_as_it_is() {
        const TENTH_OF_CONTRAST: f32 = 0.1 * 0.7 * 200.0;
        let strip = strokes(|_| 200.0, |_| 0.7);
        for (index, (one, other)) in strip.values.iter().zip(evened(&strip).values).enumerate() {
            // Near its ends there is less of the strip to measure contrast by.
            let is_inside = (CONTRAST_REACH..WIDTH - CONTRAST_REACH).contains(&(index % WIDTH));
            let off = (one - other).abs();
            assert!(!is_inside || off < TENTH_OF_CONTRAST, "{one} {other}");
        }
    }

    #[test]
    fn a_shadow_over_half_of_the_line_is_taken_away() {
        let shaded = strokes(
            |column| if column < WIDTH / 2 { 220.0 } else { 60.0 },
            |_| 0.7,
        );
        assert!(contrast(&shaded, 30) > 3.0 * contrast(&shaded, 240));
        let (bright, dark) = (
            contrast(&evened(&shaded), 30),
            contrast(&evened(&shaded), 240),
        );
        assert!((bright / dark - 1.0).abs() < 0.15, "{bright} {dark}");
    }

    #[test]
    fn print_under_a_veil_is_as_strong_as_the_rest() {
        let veiled = strokes(|_| 200.0, |column| if column < 200 { 0.7 } else { 0.35 });
        let (plain, under) = (
            contrast(&evened(&veiled), 30),
            contrast(&evened(&veiled), 260),
        );
        assert!((under / plain - 1.0).abs() < 0.15, "{plain} {under}");
    }

    #[test]
    fn where_print_is_gone_nothing_is_made_of_noise() {
        let grain = |column: usize| 200.0 + (column * 7 % 5) as f32;
        let washed_out = strokes(grain, |column| if column < 200 { 0.7 } else { 0.0 });
        assert!(contrast(&evened(&washed_out), 270) < 5.0 * GAIN_MAX);
    }
}
