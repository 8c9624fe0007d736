//! The net that reads a strip: seven small convolutions, written out by hand so that it runs wherever Rust does.
//!
//! Each column of four strip pixels gets eleven probabilities: the ten digits, and "between digits". The net has no
//! idea of what numbers are likely: each digit is read for itself.
#![expect(
    clippy::indexing_slicing,
    reason = "`parse` checks that weights, biases and channels of neighbouring layers fit together; `convolve` makes its buffers from the same sizes"
)]

use std::sync::OnceLock;

use crate::strip::{ROWS, Strip};

/// Answers for one column.
pub(crate) const CLASSES: usize = 11;
/// The class of what is no digit.
pub(crate) const BLANK: usize = 10;
/// Probabilities of the eleven classes.
pub(crate) type Column = [f32; CLASSES];

/// The trained weights; `model/MODEL_CARD.md` says where they come from.
static WEIGHTS: &[u8] = include_bytes!("../model/line.bin");

/// The net of `model/line.bin`; a test holds that it parses.
pub(crate) fn trained() -> Option<&'static Net> {
    NET.get_or_init(|| Net::parse(WEIGHTS)).as_ref()
}

static NET: OnceLock<Option<Net>> = OnceLock::new();

/// Takes other weights, before anything is read; false if they are none, or it is too late.
#[cfg(feature = "training")]
pub(crate) fn take(weights: &[u8]) -> bool {
    Net::parse(weights).is_some_and(|net| NET.set(Some(net)).is_ok())
}

/// Layers, each feeding the next.
///
/// Invariant: the first takes one channel, the last gives `CLASSES`, each takes as many channels as the one before
/// gives, and strides and kernels are at least 1.
pub(crate) struct Net {
    layers: Vec<Layer>,
}

/// A convolution, then perhaps "negative becomes zero", then perhaps the largest of each small rectangle.
struct Layer {
    channels_in: usize,
    channels_out: usize,
    kernel: Size,
    stride: usize,
    padding: Size,
    rectified: bool,
    pool: Size,
    /// For each output channel, for each input channel, the kernel row after row.
    weights: Vec<f32>,
    biases: Vec<f32>,
}

#[derive(Clone, Copy)]
struct Size {
    height: usize,
    width: usize,
}

/// Channels of equal size, one after the other, each row after row.
struct Planes {
    channels: usize,
    size: Size,
    values: Vec<f32>,
}

impl Net {
    /// Reads the file format: all little-endian; a u32 count of layers; then for each ten u32 (channels in, out,
    /// kernel height, width, stride, padding height, width, rectified 0/1, pool height, width), the weights and the
    /// biases as f32. `None` if anything does not fit.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Net> {
        const LAYERS_MAX: u32 = 32;
        let mut words = bytes
            .chunks_exact(4)
            .map(|word| word.try_into().map(u32::from_le_bytes).unwrap_or(0));
        let count = words
            .next()
            .filter(|count| (1..=LAYERS_MAX).contains(count))?;
        let layers = (0..count)
            .map(|_| Layer::parse(&mut words))
            .collect::<Option<Vec<_>>>()?;
        let fits = layers.first()?.channels_in == 1
            && layers.last()?.channels_out == CLASSES
            && layers
                .windows(2)
                .all(|pair| pair[0].channels_out == pair[1].channels_in)
            && words.next().is_none();
        fits.then_some(Net { layers })
    }

    /// The probabilities for each column of `COLUMNS_PER_ANSWER` pixels; `None` for a strip too narrow for the net.
    pub(crate) fn read(&self, strip: &Strip) -> Option<Vec<Column>> {
        let mut planes = standardised(strip);
        for layer in &self.layers {
            planes = layer.apply(&planes)?;
        }
        let row = planes.size.height * planes.size.width;
        Some(
            (0..planes.size.width)
                .map(|x| softmax(std::array::from_fn(|class| planes.values[class * row + x])))
                .collect(),
        )
    }
}

/// Brightness and contrast taken out, as in training.
fn standardised(strip: &Strip) -> Planes {
    /// Added to the deviation, in grey levels, so that bare paper stays bare.
    const DEVIATION_FLOOR: f32 = 2.0;
    let count = strip.values.len().max(2) as f32;
    let mean = strip.values.iter().sum::<f32>() / count;
    let squares = strip
        .values
        .iter()
        .map(|value| (value - mean).powi(2))
        .sum::<f32>();
    let deviation = (squares / (count - 1.0)).sqrt() + DEVIATION_FLOOR;
    Planes {
        channels: 1,
        size: Size {
            height: ROWS,
            width: strip.width,
        },
        values: strip
            .values
            .iter()
            .map(|value| (value - mean) / deviation)
            .collect(),
    }
}

fn softmax(scores: Column) -> Column {
    let highest = scores.iter().copied().fold(f32::MIN, f32::max);
    let powers = scores.map(|score| (score - highest).exp());
    let sum: f32 = powers.iter().sum();
    powers.map(|power| power / sum)
}

impl Layer {
    fn parse(words: &mut impl Iterator<Item = u32>) -> Option<Layer> {
        /// Far above any size in the file; keeps a broken file from asking for gigabytes.
        const SIZE_MAX: usize = 256;
        let mut sizes = [0usize; 10];
        for size in &mut sizes {
            *size = usize::try_from(words.next()?)
                .ok()
                .filter(|&size| size <= SIZE_MAX)?;
        }
        let [
            channels_in,
            channels_out,
            kernel_h,
            kernel_w,
            stride,
            pad_h,
            pad_w,
            rectified,
            pool_h,
            pool_w,
        ] = sizes;
        if [
            channels_in,
            channels_out,
            kernel_h,
            kernel_w,
            stride,
            pool_h,
            pool_w,
        ]
        .contains(&0)
        {
            return None;
        }
        let mut floats = |count: usize| -> Option<Vec<f32>> {
            let values: Vec<f32> = words.take(count).map(f32::from_bits).collect();
            (values.len() == count).then_some(values)
        };
        Some(Layer {
            channels_in,
            channels_out,
            kernel: Size {
                height: kernel_h,
                width: kernel_w,
            },
            stride,
            padding: Size {
                height: pad_h,
                width: pad_w,
            },
            rectified: rectified == 1,
            pool: Size {
                height: pool_h,
                width: pool_w,
            },
            weights: floats(channels_in * channels_out * kernel_h * kernel_w)?,
            biases: floats(channels_out)?,
        })
    }

    fn apply(&self, input: &Planes) -> Option<Planes> {
        let mut output = self.convolve(input)?;
        if self.rectified {
            output
                .values
                .iter_mut()
                .for_each(|value| *value = value.max(0.0));
        }
        Some(if self.pool.height * self.pool.width == 1 {
            output
        } else {
            self.largest(&output)
        })
    }

    /// Four output channels at a time: each input value that is fetched is used four times.
    fn convolve(&self, input: &Planes) -> Option<Planes> {
        const AT_ONCE: usize = 4;
        let padded = Padded::of(input, self.padding, self.stride);
        let size = Size {
            height: padded.size.height.checked_sub(self.kernel.height)? / self.stride + 1,
            width: padded.size.width.checked_sub(self.kernel.width)? / self.stride + 1,
        };
        let mut values = vec![0.0; self.channels_out * size.height * size.width];
        let mut rows = vec![0.0; AT_ONCE * size.width];
        for first in (0..self.channels_out).step_by(AT_ONCE) {
            let channels = AT_ONCE.min(self.channels_out - first);
            for y in 0..size.height {
                for (row, channel) in rows.chunks_exact_mut(size.width).zip(first..) {
                    row.fill(self.biases.get(channel).copied().unwrap_or(0.0));
                }
                self.add_row(&padded, first, y * self.stride, &mut rows, size.width);
                for (row, channel) in rows.chunks_exact(size.width).take(channels).zip(first..) {
                    let start = (channel * size.height + y) * size.width;
                    values[start..start + size.width].copy_from_slice(row);
                }
            }
        }
        Some(Planes {
            channels: self.channels_out,
            size,
            values,
        })
    }

    /// Adds the kernel's products for one output row of four channels; `top` is the first input row.
    fn add_row(&self, input: &Padded, first: usize, top: usize, rows: &mut [f32], width: usize) {
        let taps = self.channels_in * self.kernel.height * self.kernel.width;
        let (row0, rest) = rows.split_at_mut(width);
        let (row1, rest) = rest.split_at_mut(width);
        let (row2, row3) = rest.split_at_mut(width);
        let mut tap = 0;
        for channel in 0..self.channels_in {
            for dy in 0..self.kernel.height {
                for dx in 0..self.kernel.width {
                    let source = input.every_stride(channel, top + dy, dx, width);
                    let [w0, w1, w2, w3] = std::array::from_fn(|offset| {
                        self.weights
                            .get((first + offset) * taps + tap)
                            .copied()
                            .unwrap_or(0.0)
                    });
                    let sums = row0
                        .iter_mut()
                        .zip(row1.iter_mut())
                        .zip(row2.iter_mut())
                        .zip(row3.iter_mut());
                    for (value, (((sum0, sum1), sum2), sum3)) in source.iter().zip(sums) {
                        *sum0 += w0 * value;
                        *sum1 += w1 * value;
                        *sum2 += w2 * value;
                        *sum3 += w3 * value;
                    }
                    tap += 1;
                }
            }
        }
    }

    fn largest(&self, input: &Planes) -> Planes {
        let size = Size {
            height: input.size.height / self.pool.height,
            width: input.size.width / self.pool.width,
        };
        let mut values = Vec::with_capacity(input.channels * size.height * size.width);
        for channel in 0..input.channels {
            for y in 0..size.height {
                for x in 0..size.width {
                    let mut highest = f32::MIN;
                    for dy in 0..self.pool.height {
                        let row = channel * input.size.height + y * self.pool.height + dy;
                        let start = row * input.size.width + x * self.pool.width;
                        highest = input.values[start..start + self.pool.width]
                            .iter()
                            .copied()
                            .fold(highest, f32::max);
                    }
                    values.push(highest);
                }
            }
        }
        Planes {
            channels: input.channels,
            size,
            values,
        }
    }
}

/// Planes with a border of zeros. The columns are sorted by their rest after division by the stride, so that every
/// stride-th column lies side by side.
struct Padded {
    size: Size,
    stride: usize,
    columns_per_phase: usize,
    values: Vec<f32>,
}

impl Padded {
    fn of(input: &Planes, padding: Size, stride: usize) -> Padded {
        let size = Size {
            height: input.size.height + 2 * padding.height,
            width: input.size.width + 2 * padding.width,
        };
        let columns_per_phase = size.width.div_ceil(stride);
        let mut values = vec![0.0; input.channels * size.height * stride * columns_per_phase];
        for channel in 0..input.channels {
            for y in 0..input.size.height {
                let row = &input.values[(channel * input.size.height + y) * input.size.width..]
                    [..input.size.width];
                let target = (channel * size.height + y + padding.height) * stride;
                for (x, value) in row.iter().enumerate() {
                    let column = x + padding.width;
                    values[(target + column % stride) * columns_per_phase + column / stride] =
                        *value;
                }
            }
        }
        Padded {
            size,
            stride,
            columns_per_phase,
            values,
        }
    }

    /// `count` values of a row, from column `x` on, each a stride further.
    fn every_stride(&self, channel: usize, y: usize, x: usize, count: usize) -> &[f32] {
        let phase = (channel * self.size.height + y) * self.stride + x % self.stride;
        &self.values[phase * self.columns_per_phase + x / self.stride..][..count]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blank_strip(width: usize) -> Strip {
        Strip {
            width,
            values: vec![200.0; ROWS * width],
        }
    }

    #[test]
    fn the_committed_weights_parse() {
        assert!(trained().is_some());
    }

    #[test]
    fn cut_off_or_lengthened_weights_do_not_parse() {
        assert!(Net::parse(&[]).is_none());
        assert!(Net::parse(&WEIGHTS[..WEIGHTS.len() - 4]).is_none());
        assert!(Net::parse(&[WEIGHTS, &[0; 4]].concat()).is_none());
        assert!(Net::parse(&[0xff; 400]).is_none());
    }

    #[test]
    fn there_is_one_answer_for_four_columns_and_its_shares_add_up_to_one() {
        let columns = trained().unwrap().read(&blank_strip(320)).unwrap();
        assert_eq!(columns.len(), 320 / crate::strip::COLUMNS_PER_ANSWER);
        for column in columns {
            assert!((column.iter().sum::<f32>() - 1.0).abs() < 1e-5);
        }
    }

    #[test]
    fn bare_paper_has_no_digits() {
        let columns = trained().unwrap().read(&blank_strip(320)).unwrap();
        assert!(columns.iter().all(|column| column[BLANK] > 0.5));
    }

    #[test]
    fn a_convolution_by_hand_comes_out_the_same() {
        let layer = Layer {
            channels_in: 1,
            channels_out: 1,
            kernel: Size {
                height: 1,
                width: 3,
            },
            stride: 2,
            padding: Size {
                height: 0,
                width: 1,
            },
            rectified: true,
            pool: Size {
                height: 1,
                width: 1,
            },
            weights: vec![1.0, 10.0, -100.0],
            biases: vec![0.5],
        };
        let input = Planes {
            channels: 1,
            size: Size {
                height: 1,
                width: 4,
            },
            values: vec![1.0, 0.0, 2.0, 3.0],
        };
        // 0·1 + 1·10 - 0·100 + .5, and 0·1 + 2·10 - 3·100 + .5, which is negative.
        assert_eq!(layer.apply(&input).unwrap().values, [10.5, 0.0]);
    }
}
