//! The bars above the printed line, drawn together into one row of darkness.
//!
//! The bar code stands some 2 mm above the line and parallel to it, so the line's place tells where to look and in
//! which direction. The bars are 5.6 mm high: the mean along them takes away nearly all noise, so that even bars
//! blurred into each other can be told apart afterwards.
#![expect(
    clippy::indexing_slicing,
    reason = "rows and columns are below those of the patch, whose values are `rows * columns` (invariant of Patch)"
)]

use crate::chain::Place;
use crate::grey::Grey;

/// Samples from digit to digit of the printed line: some five in the narrowest bar.
pub(crate) const SAMPLES_PER_PITCH: usize = 40;
/// How far beyond the line's ends bars are sought, in digits: the bar code may be longer than the line.
const BEYOND: f32 = 6.0;
/// Where bars are sought, in heights of a digit above the middle of the line.
const NEAREST: f32 = 1.2;
const FARTHEST: f32 = 4.0;
/// Rows that are looked at between the two.
const ROWS: usize = 42;
/// Rows that are taken together when it is asked which of them belong to the bars.
const ROWS_PER_BAND: usize = 6;
/// Longest line, in digits, above which bars are sought.
const LENGTH_MAX: f32 = 40.0;

/// Darkness along the line, one value for each sample; larger is darker. Evened out: paper is about 0, ink about 1.
pub(crate) fn above(grey: &Grey, place: &Place) -> Option<Vec<f32>> {
    let patch = Patch::cut(grey, place)?;
    let lean = patch.lean();
    let bands: Vec<Vec<f32>> = (0..ROWS / ROWS_PER_BAND)
        .map(|band| patch.profile(lean, band * ROWS_PER_BAND..(band + 1) * ROWS_PER_BAND))
        .collect();
    Some(evened(&mean_of_alike(&bands)?))
}

/// The place above the line, straightened: `ROWS` rows, the uppermost first.
///
/// Invariant: `values.len() == ROWS * columns`.
struct Patch {
    columns: usize,
    values: Vec<f32>,
    /// Columns by which one row lies from the next if bars lean by one: the sampling is not square.
    columns_per_row: f32,
}

/// By how much bars lean to the right, in sideways over upwards, at the left and the right end of the patch.
#[derive(Clone, Copy)]
struct Lean {
    left: f32,
    right: f32,
}

/// Leans that are tried: 15 degrees each way, steps of one degree.
const LEANS: usize = 31;

fn lean_at(step: usize) -> f32 {
    (step as f32 - (LEANS / 2) as f32) * 0.0175
}

/// Windows in which the lean is measured.
const LEAN_WINDOWS: usize = 6;

impl Patch {
    fn cut(grey: &Grey, place: &Place) -> Option<Patch> {
        let (from, to) = (place.from - BEYOND, place.to + BEYOND);
        if !(to - from).is_finite() || to - from > LENGTH_MAX + 2.0 * BEYOND {
            return None;
        }
        let columns = ((to - from) * SAMPLES_PER_PITCH as f32) as usize;
        let (sine, cosine) = place.down.slope.atan().sin_cos();
        let mut values = vec![0.0; ROWS * columns];
        for column in 0..columns {
            let t = from + column as f32 / SAMPLES_PER_PITCH as f32;
            let x = place.across.at(t);
            let y = place.down.at(x);
            let height = place.height.at(t).max(4.0);
            for row in 0..ROWS {
                let above = height * above_line(row);
                values[row * columns + column] = grey.at(x + sine * above, y - cosine * above);
            }
        }
        let row_pixels = place.height.at(8.5) * (FARTHEST - NEAREST) / (ROWS - 1) as f32;
        let column_pixels = place.across.slope / SAMPLES_PER_PITCH as f32;
        Some(Patch {
            columns,
            values,
            columns_per_row: row_pixels / column_pixels,
        })
    }

    /// The lean that makes the sharpest profile. It may change evenly from left to right: perspective fans the bars.
    fn lean(&self) -> Lean {
        let sharpness: Vec<[f32; LEAN_WINDOWS]> = (0..LEANS)
            .map(|step| self.sharpness(lean_at(step)))
            .collect();
        // A window with a dark edge in it is no more worth than one with bars.
        let means: [f32; LEAN_WINDOWS] = std::array::from_fn(|window| {
            sharpness
                .iter()
                .map(|windows| windows[window])
                .sum::<f32>()
                .max(1e-6)
                / LEANS as f32
        });
        let mut best = (
            f32::MIN,
            Lean {
                left: 0.0,
                right: 0.0,
            },
        );
        for left in 0..LEANS {
            for right in 0..LEANS {
                let total: f32 = (0..LEAN_WINDOWS)
                    .map(|window| {
                        let rest = LEAN_WINDOWS - 1 - window;
                        let step = (left * rest + right * window + (LEAN_WINDOWS - 1) / 2)
                            / (LEAN_WINDOWS - 1);
                        sharpness[step][window] / means[window]
                    })
                    .sum();
                if total > best.0 {
                    best = (
                        total,
                        Lean {
                            left: lean_at(left),
                            right: lean_at(right),
                        },
                    );
                }
            }
        }
        best.1
    }

    /// How sharp the profile is in each window if all bars lean so.
    fn sharpness(&self, lean: f32) -> [f32; LEAN_WINDOWS] {
        let profile = self.profile(
            Lean {
                left: lean,
                right: lean,
            },
            (0..ROWS).step_by(2),
        );
        let mut sums = [0.0; LEAN_WINDOWS];
        for (sum, window) in sums
            .iter_mut()
            .zip(profile.chunks(self.columns.div_ceil(LEAN_WINDOWS)))
        {
            *sum = window.windows(4).map(|w| (w[3] - w[0]).powi(2)).sum();
        }
        sums
    }

    /// The mean of some rows, each moved as the lean says.
    fn profile(&self, lean: Lean, rows: impl ExactSizeIterator<Item = usize>) -> Vec<f32> {
        let middle_row = (ROWS - 1) as f32 / 2.0;
        let count = rows.len() as f32;
        let mut sums = vec![0.0; self.columns];
        let last = (self.columns - 1) as f32;
        for row in rows {
            let up = (middle_row - row as f32) * self.columns_per_row;
            let values = &self.values[row * self.columns..(row + 1) * self.columns];
            for (column, sum) in sums.iter_mut().enumerate() {
                let share = column as f32 / last;
                let shift = up * (lean.left + (lean.right - lean.left) * share);
                let place = (column as f32 + shift).clamp(0.0, last);
                let left = place as usize;
                let right = (left + 1).min(self.columns - 1);
                *sum +=
                    (values[left] + (values[right] - values[left]) * (place - left as f32)) / count;
            }
        }
        sums
    }
}

/// Heights of a digit from the middle of the line up to a row of the patch.
fn above_line(row: usize) -> f32 {
    FARTHEST - (FARTHEST - NEAREST) * row as f32 / (ROWS - 1) as f32
}

/// The mean of the bands that show the same bars; other print has nothing in common from band to band.
fn mean_of_alike(bands: &[Vec<f32>]) -> Option<Vec<f32>> {
    const ALIKE: f32 = 0.6;
    let friends = |one: &Vec<f32>| -> Vec<&Vec<f32>> {
        bands
            .iter()
            .filter(|other| alikeness(one, other) > ALIKE)
            .collect()
    };
    let largest = bands.iter().map(friends).max_by_key(Vec::len)?;
    if largest.len() < 2 {
        return None;
    }
    let columns = largest.first()?.len();
    let count = largest.len() as f32;
    Some(
        (0..columns)
            .map(|column| largest.iter().map(|band| band[column]).sum::<f32>() / count)
            .collect(),
    )
}

/// Correlation of the changes of two rows, -1 to 1; changes, because light falls unevenly.
fn alikeness(one: &[f32], other: &[f32]) -> f32 {
    let changes = |row: &[f32]| -> Vec<f32> { row.windows(5).map(|w| w[4] - w[0]).collect() };
    let (one, other) = (changes(one), changes(other));
    let product = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    product(&one, &other)
        / (product(&one, &one) * product(&other, &other))
            .sqrt()
            .max(1e-6)
}

/// Paper to 0 and ink to 1, by the lightest and the darkest within reach.
fn evened(brightness: &[f32]) -> Vec<f32> {
    /// Wide enough for a wide bar and a wide space, whichever character stands there.
    const REACH: usize = SAMPLES_PER_PITCH;
    /// Grey levels between ink and paper below which there is nothing but noise.
    const CONTRAST_MIN: f32 = 12.0;
    let lightest = extreme(brightness, REACH, f32::max);
    let darkest = extreme(brightness, REACH, f32::min);
    brightness
        .iter()
        .zip(lightest.iter().zip(&darkest))
        .map(|(value, (light, dark))| (light - value) / (light - dark).max(CONTRAST_MIN))
        .collect()
}

fn extreme(values: &[f32], reach: usize, more: fn(f32, f32) -> f32) -> Vec<f32> {
    (0..values.len())
        .map(|at| {
            let around = &values[at.saturating_sub(reach)..(at + reach + 1).min(values.len())];
            around.iter().copied().fold(values[at], more)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDTH: usize = 700;

    /// Bars of random-looking widths above a level line at y = 120, leaning by `lean`.
    fn fence(lean: f32) -> Grey {
        let dark = |x: f32| {
            (170.0..520.0).contains(&x) && [0, 1, 4, 6, 7, 8, 11].contains(&(x as usize / 5 % 13))
        };
        let pixels = (0..WIDTH * 160)
            .map(|i| {
                let (x, y) = ((i % WIDTH) as f32, (i / WIDTH) as f32);
                let is_bar = (40.0..95.0).contains(&y) && dark(x - lean * (70.0 - y));
                if is_bar { 40 } else { 210 }
            })
            .collect();
        Grey::new(WIDTH, 160, pixels).unwrap()
    }

    fn place() -> Place {
        Place::level(170.0, 120.0, 20.0, 20.0)
    }

    #[test]
    fn paper_is_0_and_ink_is_1() {
        let row = above(&fence(0.0), &place()).unwrap();
        let middle = &row[row.len() / 3..row.len() / 2];
        assert!(middle.iter().any(|&darkness| darkness > 0.9));
        assert!(middle.iter().any(|&darkness| darkness < 0.1));
    }

    #[test]
    fn bars_that_lean_are_put_upright() {
        let upright = above(&fence(0.0), &place()).unwrap();
        for lean in [-0.15, 0.1, 0.2] {
            let leaning = above(&fence(lean), &place()).unwrap();
            let steps = |row: &[f32]| row.windows(4).filter(|w| (w[3] - w[0]).abs() > 0.5).count();
            assert!(steps(&leaning) * 10 > steps(&upright) * 7, "lean {lean}");
        }
    }

    #[test]
    fn where_there_are_no_bars_there_is_no_profile() {
        let mut state = 1u32;
        let noise = std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            150 + (state >> 26) as u8
        });
        let noise = noise.take(WIDTH * 160).collect();
        assert!(above(&Grey::new(WIDTH, 160, noise).unwrap(), &place()).is_none());
    }

    #[test]
    fn a_line_without_end_is_not_followed() {
        assert!(above(&fence(0.0), &Place { to: 1e9, ..place() }).is_none());
        assert!(
            above(
                &fence(0.0),
                &Place {
                    to: f32::NAN,
                    ..place()
                }
            )
            .is_none()
        );
    }
}
