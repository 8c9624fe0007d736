//! Ink or paper: each pixel is compared with the paper around it, so shadows and faded toner do not matter.
#![expect(
    clippy::indexing_slicing,
    reason = "pixel arithmetic: x and y are clamped to the picture's sides, and every buffer here has a place for each pixel or column"
)]

use crate::grey::Grey;

/// What counts as ink.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ink {
    /// How many pixels to each side are looked at.
    pub radius: usize,
    /// Ink is darker than the mean around it by this many standard deviations.
    pub deviations: f32,
    /// Below this contrast (standard deviation / mean) there is only paper.
    pub contrast_min: f32,
}

/// A picture of ink (`true`) and paper.
pub(crate) struct InkMap {
    pub width: usize,
    /// Row after row; length `width` times the number of rows.
    pub ink: Vec<bool>,
}

/// Marks the ink of a picture.
///
/// The sums over the window slide along: one column of sums for each x, moved down a row at a time, so the cost does
/// not depend on the radius.
pub(crate) fn mark_ink(grey: &Grey, rule: Ink) -> InkMap {
    // The sensor's noise goes, the strokes stay.
    let smooth = grey.blurred(1, 1);
    let (width, height, radius) = (grey.width(), grey.height(), rule.radius);
    let mut columns = vec![Sums::default(); width];
    for y in 0..radius.min(height) {
        add_row(&mut columns, smooth.row(y));
    }
    let mut ink = Vec::with_capacity(width * height);
    for y in 0..height {
        if y + radius < height {
            add_row(&mut columns, smooth.row(y + radius));
        }
        if y > radius {
            remove_row(&mut columns, smooth.row(y - radius - 1));
        }
        let rows = (y + radius + 1).min(height) - y.saturating_sub(radius);
        mark_row(smooth.row(y), &columns, rows, rule, &mut ink);
    }
    InkMap { width, ink }
}

/// Sum of brightness and of its square over some pixels. A window of at most 255 x 255 pixels fits in 32 bits.
#[derive(Clone, Copy, Default)]
struct Sums {
    plain: u32,
    squared: u32,
}

impl Sums {
    fn add(&mut self, other: Sums) {
        self.plain += other.plain;
        self.squared += other.squared;
    }

    fn remove(&mut self, other: Sums) {
        self.plain -= other.plain;
        self.squared -= other.squared;
    }
}

fn of_pixel(pixel: u8) -> Sums {
    let value = u32::from(pixel);
    Sums {
        plain: value,
        squared: value * value,
    }
}

fn add_row(columns: &mut [Sums], row: &[u8]) {
    for (column, &pixel) in columns.iter_mut().zip(row) {
        column.add(of_pixel(pixel));
    }
}

fn remove_row(columns: &mut [Sums], row: &[u8]) {
    for (column, &pixel) in columns.iter_mut().zip(row) {
        column.remove(of_pixel(pixel));
    }
}

fn mark_row(row: &[u8], columns: &[Sums], rows: usize, rule: Ink, ink: &mut Vec<bool>) {
    let (width, radius) = (row.len(), rule.radius);
    let mut window = Sums::default();
    for &column in columns.iter().take(radius) {
        window.add(column);
    }
    for (x, &pixel) in row.iter().enumerate() {
        if x + radius < width {
            window.add(columns[x + radius]);
        }
        if x > radius {
            window.remove(columns[x - radius - 1]);
        }
        let across = (x + radius + 1).min(width) - x.saturating_sub(radius);
        ink.push(is_ink(pixel, window, (rows * across) as f32, rule));
    }
}

/// Compares squares, which spares a root for each pixel.
fn is_ink(pixel: u8, window: Sums, count: f32, rule: Ink) -> bool {
    let mean = window.plain as f32 / count;
    let variance = window.squared as f32 / count - mean * mean;
    let darker_by = mean - f32::from(pixel);
    darker_by > 0.0
        && variance > (rule.contrast_min * mean).powi(2)
        && darker_by.powi(2) > rule.deviations.powi(2) * variance
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: Ink = Ink {
        radius: 22,
        deviations: 0.55,
        contrast_min: 0.05,
    };

    fn page(side: usize, brightness: impl Fn(usize, usize) -> u8) -> Grey {
        let pixels = (0..side * side)
            .map(|i| brightness(i % side, i / side))
            .collect();
        Grey::new(side, side, pixels).unwrap()
    }

    #[test]
    fn bare_paper_has_no_ink() {
        let map = mark_ink(&page(60, |_, _| 200), RULE);
        assert!(map.ink.iter().all(|&ink| !ink));
    }

    #[test]
    fn a_stroke_in_the_shadow_is_ink_and_the_shadow_is_not() {
        let stroke = |x: usize| (20..26).contains(&x);
        let map = mark_ink(
            &page(60, |x, _| if stroke(x) { 30 } else { 80 + x as u8 }),
            RULE,
        );
        let row = &map.ink[30 * 60..31 * 60];
        assert!(row[21..25].iter().all(|&ink| ink));
        assert!(row[40..].iter().all(|&ink| !ink));
    }

    #[test]
    fn one_pixel_is_a_picture_too() {
        assert_eq!(mark_ink(&page(1, |_, _| 0), RULE).ink, [false]);
    }
}
