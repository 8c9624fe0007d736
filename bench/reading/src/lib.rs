//! Made photographs of coupons (接種券), by seeds: what the line reader is trained on, and what it is judged by.
//!
//! There are two ways to make them, independent of each other ([`Maker`]). Seeds of training and of judging give
//! nothing in common ([`Purpose`]), and the faces that judge print with are not those that were trained on. No
//! photograph shows a person's coupon.

mod canvas;
mod chance;
mod coupon;
mod display;
mod faces;
mod field;
mod sheet;
mod strips;
mod studio;

pub use chance::Purpose;
pub use coupon::{Coupon, DIGITS, Damage, Difficulty, Framing, Photograph, Truth};
pub use display::{DisplayPhotograph, display};
pub use strips::{Record, records};

/// Who makes photographs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Maker {
    /// Simple optics, each fault by itself.
    Studio,
    /// Other printers, paper, faults, and a telephone's camera.
    Field,
}

impl Maker {
    /// A stable name for machines.
    pub fn code(self) -> &'static str {
        match self {
            Maker::Studio => "studio",
            Maker::Field => "field",
        }
    }

    /// The coupon of a seed.
    pub fn coupon(
        self,
        purpose: Purpose,
        seed: u64,
        difficulty: Difficulty,
        damage: Damage,
    ) -> Coupon {
        match self {
            Maker::Studio => studio::coupon(purpose, seed, difficulty, damage),
            Maker::Field => field::coupon(purpose, seed, difficulty, damage),
        }
    }

    /// A photograph of it: number `shot` (below 64) of the burst of this seed.
    pub fn shot(
        self,
        purpose: Purpose,
        coupon: &Coupon,
        seed: u64,
        shot: u64,
        framing: Framing,
    ) -> Photograph {
        match self {
            Maker::Studio => studio::shot(purpose, coupon, seed, shot, framing),
            Maker::Field => field::shot(purpose, coupon, seed, shot, framing),
        }
    }
}
