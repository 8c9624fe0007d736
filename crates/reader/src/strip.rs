//! The strip: the line cut out of the picture, straightened, at the size that the net was trained on.

use crate::chain::Place;
use crate::grey::Grey;

/// Rows of a strip.
pub(crate) const ROWS: usize = 32;
/// Columns of a strip from digit to digit.
pub(crate) const PITCH: f32 = 15.2;
/// Rows of a strip that a digit fills.
pub(crate) const DIGIT_ROWS: f32 = 16.8;
/// A strip's width is a multiple of this, as the net gives one answer for as many columns.
pub(crate) const COLUMNS_PER_ANSWER: usize = 4;
/// Longest line that is cut, in digits: a chain may run on into other print.
const LENGTH_MAX: f32 = 60.0;
/// How much finer the picture for people is than the net's.
const FINENESS_FOR_PEOPLE: usize = 3;

/// The picture and its halves, quarters … so that a strip is taken from the size nearest to its own.
pub(crate) struct Pyramid {
    levels: Vec<Grey>,
}

impl Pyramid {
    /// Width at which halving stops: a coupon line is not legible below.
    const WIDTH_MIN: usize = 500;

    pub(crate) fn of(grey: Grey) -> Pyramid {
        let mut levels = vec![grey];
        while let Some(last) = levels
            .last()
            .filter(|last| last.width() > Self::WIDTH_MIN && last.height() > 1)
        {
            let half = last.shrunk(2);
            levels.push(half);
        }
        Pyramid { levels }
    }

    /// The picture halved `halvings` times.
    pub(crate) fn level(&self, halvings: usize) -> Option<&Grey> {
        self.levels.get(halvings)
    }

    /// The smallest level in which a digit still has the rows of a strip, and its halvings.
    fn level_for(&self, digit_height: f32, rows: f32) -> Option<(usize, &Grey)> {
        self.levels
            .iter()
            .enumerate()
            .take_while(|(halvings, _)| {
                *halvings == 0 || digit_height / (1u32 << (halvings - 1)) as f32 > 2.0 * rows
            })
            .last()
    }
}

/// Grey values (0 to 255) of a cut line, `ROWS` rows of `width`.
pub(crate) struct Strip {
    pub width: usize,
    pub values: Vec<f32>,
}

/// Cuts the strip at a place, moved by some columns and rows of the strip: two cuts that differ a little are two
/// looks at the same line.
pub(crate) fn cut(
    pyramid: &Pyramid,
    place: &Place,
    shift_columns: f32,
    shift_rows: f32,
) -> Option<Strip> {
    let columns = (place.to - place.from).min(LENGTH_MAX) * PITCH;
    let width = columns as usize / COLUMNS_PER_ANSWER * COLUMNS_PER_ANSWER;
    let values = sample(pyramid, place, width, 1, (shift_columns, shift_rows))?;
    Some(Strip { width, values })
}

/// The same cut for a person's eyes, finer.
pub(crate) fn picture(pyramid: &Pyramid, place: &Place) -> Option<Grey> {
    let columns = (place.to - place.from).min(LENGTH_MAX) * PITCH;
    let width = columns as usize * FINENESS_FOR_PEOPLE;
    let values = sample(pyramid, place, width, FINENESS_FOR_PEOPLE, (0.0, 0.0))?;
    Grey::new(
        width,
        ROWS * FINENESS_FOR_PEOPLE,
        values.iter().map(|value| value.round() as u8).collect(),
    )
}

fn sample(
    pyramid: &Pyramid,
    place: &Place,
    width: usize,
    fineness: usize,
    (shift_columns, shift_rows): (f32, f32),
) -> Option<Vec<f32>> {
    let middle_height = place.height.at((crate::chain::DIGITS - 1) as f32 / 2.0);
    let fine = fineness as f32;
    let (halvings, level) = pyramid.level_for(middle_height, DIGIT_ROWS * fine)?;
    let scale = 1.0 / (1u32 << halvings) as f32;
    let (sine, cosine) = place.down.slope.atan().sin_cos();
    let (rows, middle_row) = (ROWS * fineness, (ROWS * fineness - 1) as f32 / 2.0);
    let mut values = vec![0.0; rows * width];
    for column in 0..width {
        let t = place.from + (column as f32 / fine + shift_columns) / PITCH;
        let x = place.across.at(t);
        let y = place.down.at(x);
        let row_height = place.height.at(t).max(4.0) / (DIGIT_ROWS * fine);
        for (row, value) in values.iter_mut().skip(column).step_by(width).enumerate() {
            let off = (row as f32 - middle_row + shift_rows * fine) * row_height;
            *value = level.at(
                (x - sine * off + 0.5) * scale - 0.5,
                (y + cosine * off + 0.5) * scale - 0.5,
            );
        }
    }
    Some(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A page that is dark within the digits' height of a level line, and paper elsewhere.
    fn band(scale: usize) -> Pyramid {
        let (width, height) = (400 * scale, 60 * scale);
        let dark = |i: usize| (i / width).abs_diff(30 * scale) < 10 * scale;
        Pyramid::of(
            Grey::new(
                width,
                height,
                (0..width * height)
                    .map(|i| if dark(i) { 0 } else { 250 })
                    .collect(),
            )
            .unwrap(),
        )
    }

    fn place(scale: f32) -> Place {
        Place::level(40.0 * scale, 30.0 * scale, 18.0 * scale, 20.0 * scale)
    }

    #[test]
    fn digits_fill_half_of_the_strip_whatever_their_size() {
        for scale in [1usize, 2, 5] {
            let strip = cut(&band(scale), &place(scale as f32), 0.0, 0.0).unwrap();
            assert_eq!(strip.width % COLUMNS_PER_ANSWER, 0);
            assert_eq!(strip.values.len(), ROWS * strip.width);
            let column: Vec<f32> = strip
                .values
                .iter()
                .skip(strip.width / 2)
                .step_by(strip.width)
                .copied()
                .collect();
            let dark_rows = column.iter().filter(|&&value| value < 125.0).count();
            assert!((15..=18).contains(&dark_rows), "{scale}: {dark_rows}");
            assert!(column[0] > 240.0 && column[ROWS - 1] > 240.0 && column[ROWS / 2] < 10.0);
        }
    }

    #[test]
    fn the_picture_for_people_is_finer() {
        let picture = picture(&band(1), &place(1.0)).unwrap();
        assert_eq!(picture.height(), ROWS * FINENESS_FOR_PEOPLE);
        assert!(picture.width() > 17 * FINENESS_FOR_PEOPLE * PITCH as usize);
    }

    #[test]
    fn a_chain_that_runs_on_and_on_is_cut_at_a_limit() {
        let endless = Place {
            to: 1e6,
            ..place(1.0)
        };
        let strip = cut(&band(1), &endless, 0.0, 0.0).unwrap();
        assert!(strip.width <= (LENGTH_MAX * PITCH) as usize);
    }
}
