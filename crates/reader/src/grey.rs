//! A grey picture and the few things that are done to one: shrinking, turning, cutting, looking between pixels.
#![expect(
    clippy::indexing_slicing,
    reason = "pixel arithmetic: every index is below width * height, which is the length of `pixels` (invariant of Grey)"
)]

/// A grey picture, 8 bits a pixel, row after row from the top left; 0 is black.
///
/// Invariant: both sides are at least 1 and `pixels.len() == width * height`.
#[derive(Clone, PartialEq, Eq)]
pub struct Grey {
    width: usize,
    height: usize,
    pixels: Vec<u8>,
}

/// How far a picture is turned clockwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// As it came.
    None,
    /// 90 degrees clockwise.
    Quarter,
    /// Upside down.
    Half,
    /// 270 degrees clockwise.
    ThreeQuarters,
}

impl Grey {
    /// A picture from its pixels; `None` if a side is 0 or the number of pixels is not `width * height`.
    pub fn new(width: usize, height: usize, pixels: Vec<u8>) -> Option<Grey> {
        let count = width.checked_mul(height)?;
        (count > 0 && pixels.len() == count).then_some(Grey {
            width,
            height,
            pixels,
        })
    }

    /// Pixels in a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Number of rows.
    pub fn height(&self) -> usize {
        self.height
    }

    /// All pixels, row after row.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// The pixels, row after row, without a copy.
    pub fn into_pixels(self) -> Vec<u8> {
        self.pixels
    }

    /// The row `y`; rows past the end are the last row, as the border of a picture is repeated outwards.
    pub fn row(&self, y: usize) -> &[u8] {
        let start = y.min(self.height - 1) * self.width;
        &self.pixels[start..start + self.width]
    }

    /// Each square of `factor` x `factor` pixels becomes one pixel, their mean; what is left over at the right and
    /// at the foot is dropped. A factor that would leave nothing is made smaller.
    pub fn shrunk(&self, factor: usize) -> Grey {
        let factor = factor.clamp(1, self.width.min(self.height));
        let (width, height) = (self.width / factor, self.height / factor);
        let area = (factor * factor) as u32;
        let mut pixels = Vec::with_capacity(width * height);
        let mut sums = vec![0u32; width];
        for y in 0..height {
            sums.fill(0);
            for source in y * factor..(y + 1) * factor {
                for (sum, square) in sums.iter_mut().zip(self.row(source).chunks_exact(factor)) {
                    *sum += square.iter().map(|&pixel| u32::from(pixel)).sum::<u32>();
                }
            }
            pixels.extend(sums.iter().map(|sum| ((sum + area / 2) / area) as u8));
        }
        Grey {
            width,
            height,
            pixels,
        }
    }

    /// The mean over the rectangle that reaches `across` pixels to the left and right of each pixel and `down` pixels
    /// up and down; at the border, over what there is of it.
    pub fn blurred(&self, across: usize, down: usize) -> Grey {
        let mut pixels = Vec::with_capacity(self.pixels.len());
        let mut columns = vec![0u32; self.width];
        for y in 0..down.min(self.height) {
            columns
                .iter_mut()
                .zip(self.row(y))
                .for_each(|(sum, &pixel)| *sum += u32::from(pixel));
        }
        for y in 0..self.height {
            if y + down < self.height {
                columns
                    .iter_mut()
                    .zip(self.row(y + down))
                    .for_each(|(sum, &pixel)| *sum += u32::from(pixel));
            }
            if y > down {
                let gone = self.row(y - down - 1);
                columns
                    .iter_mut()
                    .zip(gone)
                    .for_each(|(sum, &pixel)| *sum -= u32::from(pixel));
            }
            let rows = (y + down + 1).min(self.height) - y.saturating_sub(down);
            blur_row(&columns, across, rows, &mut pixels);
        }
        Grey {
            width: self.width,
            height: self.height,
            pixels,
        }
    }

    /// Steeper edges: each pixel is moved away from the mean around it by `amount` times the difference.
    pub fn sharpened(&self, radius: usize, amount: f32) -> Grey {
        let around = self.blurred(radius, radius).blurred(radius, radius);
        let steeper = |(&pixel, &mean): (&u8, &u8)| {
            let (pixel, mean) = (f32::from(pixel), f32::from(mean));
            // The cast stops at 0 and 255.
            (pixel + amount * (pixel - mean)) as u8
        };
        let pixels = self
            .pixels
            .iter()
            .zip(&around.pixels)
            .map(steeper)
            .collect();
        Grey {
            width: self.width,
            height: self.height,
            pixels,
        }
    }

    /// Twice as large, linearly between pixels.
    pub fn doubled(&self) -> Grey {
        let mut pixels = Vec::with_capacity(4 * self.pixels.len());
        for y in 0..2 * self.height {
            let near = self.row(y / 2);
            let far = self.row(if y % 2 == 0 {
                (y / 2).saturating_sub(1)
            } else {
                y / 2 + 1
            });
            let column = |x: usize| 3 * u32::from(near[x]) + u32::from(far[x]);
            for x in 0..self.width {
                let (here, before, after) = (
                    column(x),
                    column(x.saturating_sub(1)),
                    column((x + 1).min(self.width - 1)),
                );
                pixels.push(((3 * here + before + 8) / 16) as u8);
                pixels.push(((3 * here + after + 8) / 16) as u8);
            }
        }
        Grey {
            width: 2 * self.width,
            height: 2 * self.height,
            pixels,
        }
    }

    /// The brightness at a place between pixels, linearly between the four around it; outside, the border's.
    pub fn at(&self, x: f32, y: f32) -> f32 {
        let x = x.clamp(0.0, (self.width - 1) as f32);
        let y = y.clamp(0.0, (self.height - 1) as f32);
        let (left, top) = (x as usize, y as usize);
        let right = (left + 1).min(self.width - 1);
        let (upper, lower) = (self.row(top), self.row(top + 1));
        let (right_share, lower_share) = (x - left as f32, y - top as f32);
        let between = |row: &[u8]| {
            let (a, b) = (f32::from(row[left]), f32::from(row[right]));
            a + (b - a) * right_share
        };
        let (a, b) = (between(upper), between(lower));
        a + (b - a) * lower_share
    }

    /// Light for dark: what is lit on a dark ground becomes ink on paper.
    pub fn inverted(&self) -> Grey {
        Grey {
            width: self.width,
            height: self.height,
            pixels: self.pixels.iter().map(|pixel| 255 - pixel).collect(),
        }
    }

    /// The picture with some pixels drawn over, by their place.
    #[cfg(feature = "photographs")]
    pub(crate) fn drawn_over(&self, drawn: impl Fn(usize, usize) -> Option<u8>) -> Grey {
        let pixels = self.pixels.iter().enumerate();
        Grey {
            width: self.width,
            height: self.height,
            pixels: pixels
                .map(|(index, &pixel)| {
                    drawn(index % self.width, index / self.width).unwrap_or(pixel)
                })
                .collect(),
        }
    }

    /// The part of the picture within the given rectangle; `None` where nothing of it lies inside.
    pub fn cropped(&self, left: usize, top: usize, width: usize, height: usize) -> Option<Grey> {
        let right = left.saturating_add(width).min(self.width);
        let foot = top.saturating_add(height).min(self.height);
        if left >= right || top >= foot {
            return None;
        }
        let pixels = (top..foot)
            .flat_map(|y| self.row(y)[left..right].iter().copied())
            .collect();
        Grey::new(right - left, foot - top, pixels)
    }

    /// The picture turned.
    pub fn turned(&self, turn: Turn) -> Grey {
        let (width, height) = match turn {
            Turn::None | Turn::Half => (self.width, self.height),
            Turn::Quarter | Turn::ThreeQuarters => (self.height, self.width),
        };
        let mut pixels = Vec::with_capacity(self.pixels.len());
        for y in 0..height {
            match turn {
                Turn::None => pixels.extend_from_slice(self.row(y)),
                Turn::Half => pixels.extend(self.row(height - 1 - y).iter().rev()),
                Turn::Quarter => pixels.extend((0..width).map(|x| self.row(width - 1 - x)[y])),
                Turn::ThreeQuarters => {
                    pixels.extend((0..width).map(|x| self.row(x)[height - 1 - y]))
                }
            }
        }
        Grey {
            width,
            height,
            pixels,
        }
    }
}

fn blur_row(columns: &[u32], across: usize, rows: usize, pixels: &mut Vec<u8>) {
    let width = columns.len();
    let mut sum: u32 = columns.iter().take(across).sum();
    for x in 0..width {
        if x + across < width {
            sum += columns[x + across];
        }
        if x > across {
            sum -= columns[x - across - 1];
        }
        let count = rows * ((x + across + 1).min(width) - x.saturating_sub(across));
        pixels.push((sum as f32 / count as f32 + 0.5) as u8);
    }
}

/// Only the size: the pixels show a person's coupon and belong in no log.
impl std::fmt::Debug for Grey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Grey({} x {})", self.width, self.height)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grey(width: usize, pixels: &[u8]) -> Grey {
        Grey::new(width, pixels.len() / width, pixels.to_vec()).unwrap()
    }

    #[test]
    fn a_picture_without_pixels_or_with_too_few_is_none() {
        assert!(Grey::new(0, 3, vec![]).is_none());
        assert!(Grey::new(2, 2, vec![0; 3]).is_none());
        assert!(Grey::new(usize::MAX, 2, vec![0; 3]).is_none());
    }

    #[test]
    fn shrinking_takes_the_mean_and_drops_the_rest() {
        let shrunk = grey(3, &[0, 10, 99, 20, 30, 99, 99, 99, 99]).shrunk(2);
        assert_eq!(
            (shrunk.width(), shrunk.height(), shrunk.pixels()),
            (1, 1, &[15][..])
        );
    }

    #[test]
    fn a_picture_is_never_shrunk_to_nothing() {
        assert_eq!(grey(2, &[1, 2]).shrunk(9), grey(2, &[1, 2]));
    }

    #[test]
    fn between_pixels_the_brightness_is_between() {
        let picture = grey(2, &[0, 100, 100, 200]);
        assert_eq!(picture.at(0.5, 0.5), 100.0);
        assert_eq!(picture.at(-5.0, 9.0), 100.0);
        assert_eq!(grey(1, &[7]).at(3.0, 3.0), 7.0);
    }

    #[test]
    fn a_quarter_turn_puts_the_left_column_on_top() {
        let picture = grey(2, &[1, 2, 3, 4, 5, 6]);
        assert_eq!(picture.turned(Turn::Quarter), grey(3, &[5, 3, 1, 6, 4, 2]));
        assert_eq!(
            picture.turned(Turn::ThreeQuarters),
            grey(3, &[2, 4, 6, 1, 3, 5])
        );
        assert_eq!(picture.turned(Turn::Half), grey(2, &[6, 5, 4, 3, 2, 1]));
    }

    #[test]
    fn blurring_takes_the_mean_of_what_there_is() {
        let picture = grey(3, &[0, 30, 60, 30, 60, 90]);
        assert_eq!(picture.blurred(1, 0), grey(3, &[15, 30, 45, 45, 60, 75]));
        assert_eq!(picture.blurred(0, 5), grey(3, &[15, 45, 75, 15, 45, 75]));
        assert_eq!(picture.blurred(9, 9), grey(3, &[45; 6]));
    }

    #[test]
    fn sharpening_leaves_paper_alone_and_deepens_ink() {
        assert_eq!(grey(3, &[200; 9]).sharpened(1, 4.0), grey(3, &[200; 9]));
        let line = grey(5, &[200, 200, 100, 200, 200]).sharpened(1, 2.0);
        assert!(line.row(0)[2] < 100 && line.row(0)[1] > 200);
    }

    #[test]
    fn doubling_puts_new_pixels_between() {
        assert_eq!(grey(2, &[0, 160]).doubled().row(0), [0, 40, 120, 160]);
        assert_eq!(grey(1, &[7]).doubled(), grey(2, &[7; 4]));
    }

    #[test]
    fn a_cut_outside_the_picture_is_none() {
        let picture = grey(2, &[1, 2, 3, 4]);
        assert_eq!(picture.cropped(1, 0, 9, 9), Some(grey(1, &[2, 4])));
        assert_eq!(picture.cropped(2, 0, 1, 1), None);
        assert_eq!(picture.cropped(usize::MAX, 0, 2, 2), None);
    }
}
