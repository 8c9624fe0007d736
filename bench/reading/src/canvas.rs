//! A picture of light or of ink, and what optics do to it.
#![expect(
    clippy::indexing_slicing,
    reason = "arithmetic over pixels whose bounds are those of the loops; a canvas never has fewer values than width times height"
)]

use crate::chance::Chance;

/// Values row after row; 1 is paper or full light, 0 is ink or darkness.
///
/// Invariant: there are `width * height` values, and neither is 0.
#[derive(Clone)]
pub struct Canvas {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) values: Vec<f32>,
}

/// Weights around a pixel: `(across, down, weight)`, adding up to 1.
pub(crate) struct Kernel(Vec<(isize, isize, f32)>);

impl Kernel {
    /// Defocus: a disk of this radius, in pixels.
    pub(crate) fn disk(radius: f32) -> Kernel {
        let reach = radius.ceil() as isize + 1;
        Kernel::weighed(reach, |x, y| (radius + 0.5 - x.hypot(y)).clamp(0.0, 1.0))
    }

    /// A camera that moved this far during the exposure, in pixels.
    pub(crate) fn motion(length: f32, angle: f32) -> Kernel {
        let reach = (length / 2.0).ceil() as isize + 1;
        let (sine, cosine) = angle.sin_cos();
        Kernel::weighed(reach, |x, y| {
            let (along, off) = (x * cosine + y * sine, y * cosine - x * sine);
            (length / 2.0 + 0.5 - along.abs()).clamp(0.0, 1.0) * (1.0 - off.abs()).max(0.0)
        })
    }

    fn weighed(reach: isize, weight: impl Fn(f32, f32) -> f32) -> Kernel {
        let mut taps = Vec::new();
        for y in -reach..=reach {
            for x in -reach..=reach {
                let weight = weight(x as f32, y as f32);
                if weight > 0.0 {
                    taps.push((x, y, weight));
                }
            }
        }
        let sum: f32 = taps.iter().map(|tap| tap.2).sum();
        taps.iter_mut().for_each(|tap| tap.2 /= sum);
        Kernel(taps)
    }
}

impl Canvas {
    /// All of one value.
    pub(crate) fn filled(width: usize, height: usize, value: f32) -> Canvas {
        let (width, height) = (width.max(1), height.max(1));
        Canvas {
            width,
            height,
            values: vec![value; width * height],
        }
    }

    /// A value for each pixel.
    pub(crate) fn drawn(
        width: usize,
        height: usize,
        mut value: impl FnMut(usize, usize) -> f32,
    ) -> Canvas {
        let mut canvas = Canvas::filled(width, height, 0.0);
        for y in 0..canvas.height {
            for x in 0..canvas.width {
                canvas.values[y * canvas.width + x] = value(x, y);
            }
        }
        canvas
    }

    /// Changes each value, which is given with its place.
    pub(crate) fn change(&mut self, mut change: impl FnMut(usize, usize, f32) -> f32) {
        for (y, row) in self.values.chunks_exact_mut(self.width).enumerate() {
            for (x, value) in row.iter_mut().enumerate() {
                *value = change(x, y, *value);
            }
        }
    }

    /// Joins two canvases of one size, value by value.
    pub(crate) fn joined(&self, other: &Canvas, join: impl Fn(f32, f32) -> f32) -> Canvas {
        let values = self.values.iter().zip(&other.values);
        Canvas {
            values: values.map(|(&one, &other)| join(one, other)).collect(),
            ..*self
        }
    }

    /// A row; beyond the border, the border's.
    fn row(&self, y: isize) -> &[f32] {
        let y = y.clamp(0, self.height as isize - 1) as usize;
        &self.values[y * self.width..][..self.width]
    }

    /// Between the four pixels around a place; beyond the border, the border's.
    pub(crate) fn at(&self, x: f32, y: f32) -> f32 {
        let (right, foot) = ((self.width - 1) as f32, (self.height - 1) as f32);
        let (x, y) = (x.clamp(0.0, right), y.clamp(0.0, foot));
        let (left, top) = (x as usize, y as usize);
        let next = (left + 1).min(self.width - 1);
        let (upper, lower) = (self.row(top as isize), self.row(top as isize + 1));
        let (x, y) = (x - left as f32, y - top as f32);
        let above = upper[left] + (upper[next] - upper[left]) * x;
        let below = lower[left] + (lower[next] - lower[left]) * x;
        above + (below - above) * y
    }

    /// What is seen at each pixel of another picture, when `source` says which place of this one it shows.
    pub(crate) fn seen(
        &self,
        width: usize,
        height: usize,
        source: impl Fn(f32, f32) -> (f32, f32),
    ) -> Canvas {
        Canvas::drawn(width, height, |x, y| {
            let (x, y) = source(x as f32, y as f32);
            self.at(x, y)
        })
    }

    /// The weighted mean around each pixel.
    pub(crate) fn through(&self, kernel: &Kernel) -> Canvas {
        let mut out = Canvas::filled(self.width, self.height, 0.0);
        for y in 0..self.height {
            let target = &mut out.values[y * self.width..][..self.width];
            for &(across, down, weight) in &kernel.0 {
                let source = self.row(y as isize + down);
                let width = self.width as isize;
                let (first, last) = ((-across).clamp(0, width), (width - across).clamp(0, width));
                for (x, value) in target.iter_mut().enumerate().take(first as usize) {
                    *value += weight * source[(x as isize + across).clamp(0, width - 1) as usize];
                }
                if first < last {
                    let inner = &source[(first + across) as usize..(last + across) as usize];
                    for (value, source) in target[first as usize..].iter_mut().zip(inner) {
                        *value += weight * source;
                    }
                }
                for value in target.iter_mut().skip(last.max(first) as usize) {
                    *value += weight * source[self.width - 1];
                }
            }
        }
        out
    }

    /// Blurred by a bell curve of this deviation, in pixels.
    pub(crate) fn blurred(&self, deviation: f32) -> Canvas {
        if deviation < 0.2 {
            return self.clone();
        }
        let reach = (deviation * 2.6).ceil() as isize;
        let bell = |offset: isize| (-0.5 * (offset as f32 / deviation).powi(2)).exp();
        let sum: f32 = (-reach..=reach).map(bell).sum();
        let line = |vertical: bool| {
            Kernel(
                (-reach..=reach)
                    .map(|offset| {
                        let (x, y) = if vertical { (0, offset) } else { (offset, 0) };
                        (x, y, bell(offset) / sum)
                    })
                    .collect(),
            )
        };
        self.through(&line(false)).through(&line(true))
    }

    /// A smooth random field with so many hills across and down, from 0 to 1.
    pub(crate) fn hills(
        chance: &mut Chance,
        width: usize,
        height: usize,
        (across, down): (usize, usize),
    ) -> Canvas {
        let coarse = Canvas::drawn(across, down, |_, _| chance.share());
        let (x_step, y_step) = (
            across.saturating_sub(1) as f32 / width.max(1) as f32,
            down.saturating_sub(1) as f32 / height.max(1) as f32,
        );
        let smooth = |share: f32| share * share * (3.0 - 2.0 * share);
        coarse.seen(width, height, |x, y| {
            let (x, y) = (x * x_step, y * y_step);
            (x.floor() + smooth(x.fract()), y.floor() + smooth(y.fract()))
        })
    }

    /// As a camera's 8 bits.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        // The cast stops at 0 and 255.
        self.values
            .iter()
            .map(|value| (value * 255.0 + 0.5) as u8)
            .collect()
    }
}

/// A view of a flat thing by a camera, and back: places on the one are places on the other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View {
    /// From the flat thing to the picture, row after row.
    to: [f32; 9],
    from: [f32; 9],
}

impl View {
    /// Of a matrix that can be inverted; one that cannot shows everything at one place.
    pub(crate) fn of(to: [f32; 9]) -> View {
        let [a, b, c, d, e, f, g, h, i] = to;
        let minors = [
            e * i - f * h,
            c * h - b * i,
            b * f - c * e,
            f * g - d * i,
            a * i - c * g,
            c * d - a * f,
            d * h - e * g,
            b * g - a * h,
            a * e - b * d,
        ];
        let determinant = a * minors[0] + b * minors[3] + c * minors[6];
        View {
            to,
            from: minors.map(|minor| minor / determinant),
        }
    }

    /// Where a place of the flat thing is seen.
    pub(crate) fn to(&self, x: f32, y: f32) -> (f32, f32) {
        apply(&self.to, x, y)
    }

    /// What place is seen there.
    pub(crate) fn from(&self, x: f32, y: f32) -> (f32, f32) {
        apply(&self.from, x, y)
    }

    /// The same view with the picture's origin moved.
    pub(crate) fn moved(&self, x: f32, y: f32) -> View {
        let [a, b, c, d, e, f, g, h, i] = self.to;
        View::of([
            a + x * g,
            b + x * h,
            c + x * i,
            d + y * g,
            e + y * h,
            f + y * i,
            g,
            h,
            i,
        ])
    }
}

fn apply(matrix: &[f32; 9], x: f32, y: f32) -> (f32, f32) {
    let [a, b, c, d, e, f, g, h, i] = *matrix;
    let depth = g * x + h * y + i;
    ((a * x + b * y + c) / depth, (d * x + e * y + f) / depth)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernels_leave_even_light_even() {
        let even = Canvas::filled(9, 7, 0.5);
        for kernel in [Kernel::disk(1.7), Kernel::motion(4.0, 0.6)] {
            let seen = even.through(&kernel);
            assert!(seen.values.iter().all(|value| (value - 0.5).abs() < 1e-5));
        }
        let blurred = even.blurred(1.5);
        assert!(
            blurred
                .values
                .iter()
                .all(|value| (value - 0.5).abs() < 1e-5)
        );
    }

    #[test]
    fn a_view_leads_there_and_back() {
        let view = View::of([2.0, 0.3, 5.0, -0.2, 1.8, 7.0, 0.001, 0.002, 1.0]).moved(-3.0, 4.0);
        let (x, y) = view.to(20.0, 10.0);
        let (x, y) = view.from(x, y);
        assert!(
            (x - 20.0).abs() < 1e-3 && (y - 10.0).abs() < 1e-3,
            "{x} {y}"
        );
    }
}
