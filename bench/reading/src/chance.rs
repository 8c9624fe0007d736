//! Chance that can be repeated: the same seed gives the same photograph on every machine.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

/// What photographs are made for. It goes into every seed, so that nothing that is judged by was ever trained on,
/// whatever numbers somebody chooses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The net learns from them.
    Training,
    /// The reader is measured by them.
    Judging,
}

/// A stream of chance.
pub struct Chance(ChaCha8Rng);

impl Chance {
    /// The stream of a subject (what is decided by it) and its seed.
    pub fn of(purpose: Purpose, subject: &str, seed: u64) -> Chance {
        let mut key = [0u8; 32];
        let purpose = match purpose {
            Purpose::Training => b"training",
            Purpose::Judging => b"judging.",
        };
        let parts = purpose.iter().chain(subject.as_bytes().iter().take(16));
        for (byte, part) in key.iter_mut().zip(parts) {
            *byte = *part;
        }
        for (byte, part) in key.iter_mut().rev().zip(seed.to_le_bytes()) {
            *byte = part;
        }
        Chance(ChaCha8Rng::from_seed(key))
    }

    /// Evenly from 0 to 1.
    pub fn share(&mut self) -> f32 {
        (self.0.next_u32() >> 8) as f32 / (1u32 << 24) as f32
    }

    /// True in this share of cases.
    pub fn is(&mut self, share: f32) -> bool {
        self.share() < share
    }

    /// Evenly from one number to another.
    pub fn within(&mut self, (from, to): (f32, f32)) -> f32 {
        from + (to - from) * self.share()
    }

    /// Evenly from minus to plus.
    pub fn around(&mut self, most: f32) -> f32 {
        self.within((-most, most))
    }

    /// A whole number below.
    pub fn below(&mut self, count: usize) -> usize {
        (self.0.next_u64() % count.max(1) as u64) as usize
    }

    /// One of some; the first of none is the default.
    pub fn pick<T: Copy + Default>(&mut self, choices: &[T]) -> T {
        choices
            .get(self.below(choices.len()))
            .copied()
            .unwrap_or_default()
    }

    /// A whole turn, in radians.
    pub fn angle(&mut self) -> f32 {
        self.within((0.0, std::f32::consts::TAU))
    }

    /// Nearly normal, deviation 1: the sum of four even numbers, which is quick enough for every pixel.
    pub fn noise(&mut self) -> f32 {
        /// The deviation of the sum of four numbers that are even over 65,536.
        const DEVIATION: f32 = 37_837.2;
        let bits = self.0.next_u64();
        let sum = (0..4)
            .map(|part| (bits >> (16 * part)) as u16)
            .map(f32::from)
            .sum::<f32>();
        (sum - 131_070.0) / DEVIATION
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(purpose: Purpose, subject: &str, seed: u64) -> Vec<f32> {
        let mut chance = Chance::of(purpose, subject, seed);
        (0..8).map(|_| chance.share()).collect()
    }

    #[test]
    fn the_same_seed_gives_the_same_and_another_purpose_never() {
        let one = stream(Purpose::Judging, "coupon", 7);
        assert_eq!(one, stream(Purpose::Judging, "coupon", 7));
        assert_ne!(one, stream(Purpose::Training, "coupon", 7));
        assert_ne!(one, stream(Purpose::Judging, "shot", 7));
        assert_ne!(one, stream(Purpose::Judging, "coupon", 8));
    }

    #[test]
    fn noise_has_no_mean_and_a_deviation_of_one() {
        let mut chance = Chance::of(Purpose::Judging, "noise", 1);
        let values: Vec<f32> = (0..20_000).map(|_| chance.noise()).collect();
        let mean = values.iter().sum::<f32>() / 20_000.0;
        let square = values.iter().map(|value| value * value).sum::<f32>() / 20_000.0;
        assert!(mean.abs() < 0.03, "{mean}");
        assert!((square - 1.0).abs() < 0.05, "{square}");
    }
}
