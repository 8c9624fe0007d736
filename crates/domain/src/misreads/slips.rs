//! Numbers one slip away: a digit taken for another, two that changed places.

use crate::coupons::{CouponLine, CouponNumber};
use crate::doses::InputWay;

/// How easily two digits are taken for one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Likeness {
    /// As the readers of the field did (`shiinan`).
    Often,
    /// As printed or written digits suggest. \[U\]
    Seldom,
}

/// Digits that are taken for one another, the smaller first. Only 1 and 4 were reported from the
/// field (`shiinan`); the others are what OCR-B in bad print, or a hand, makes alike. \[U\]
pub const CONFUSIONS: [(u8, u8, Likeness); 11] = [
    (0, 6, Likeness::Seldom),
    (0, 8, Likeness::Seldom),
    (1, 4, Likeness::Often),
    (1, 7, Likeness::Seldom),
    (2, 7, Likeness::Seldom),
    (3, 5, Likeness::Seldom),
    (3, 8, Likeness::Seldom),
    (4, 9, Likeness::Seldom),
    (5, 6, Likeness::Seldom),
    (6, 8, Likeness::Seldom),
    (8, 9, Likeness::Seldom),
];

/// What went wrong on the way from the paper to the digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Slip {
    /// One digit was taken for another.
    Confused {
        /// Which of the digits, from 1.
        position: usize,
        /// How alike they are.
        likeness: Likeness,
    },
    /// Two digits side by side were typed the wrong way round.
    Swapped {
        /// The first of the two, from 1.
        position: usize,
    },
}

impl Slip {
    /// The stable word for programs.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Confused { .. } => "digit_confused",
            Self::Swapped { .. } => "digits_swapped",
        }
    }
}

/// The numbers one slip away, each once, in the order of the place of the slip: what may have
/// stood on the paper. A digit may have been confused however it came in; two can only have been
/// swapped by a hand. A QR code or a hand scanner gives the digits as they were printed, so
/// there is none. On a blank paper form the digits were written by hand, and typed from it.
pub fn neighbours(
    number: &CouponNumber,
    way: InputWay,
) -> impl Iterator<Item = (CouponNumber, Slip)> {
    let text = number.as_str().to_owned();
    slips(&text, way)
        .into_iter()
        .filter_map(|(digits, slip)| Some((CouponNumber::parse(&digits).ok()?, slip)))
}

/// The lines one slip away that may be coupons: the check digit of the municipality code is
/// right. Where it is not right in the line itself, these are the lines that mend it.
pub fn line_neighbours(
    line: &CouponLine,
    way: InputWay,
) -> impl Iterator<Item = (CouponLine, Slip)> {
    let text = line.as_str().to_owned();
    slips(&text, way).into_iter().filter_map(|(digits, slip)| {
        let line = CouponLine::parse(&digits).ok()?;
        line.coupon().ok().map(|_| (line, slip))
    })
}

fn slips(digits: &str, way: InputWay) -> Vec<(String, Slip)> {
    let (confused, swapped) = match way {
        InputWay::Qr | InputWay::Scanner => (false, false),
        InputWay::Ocr | InputWay::System => (true, false),
        InputWay::Keyed | InputWay::Csv | InputWay::Api | InputWay::Paper => (true, true),
    };
    let bytes = digits.as_bytes();
    let mut found = Vec::new();
    for (index, byte) in bytes.iter().enumerate() {
        let digit = byte.wrapping_sub(b'0');
        for (one, other, likeness) in CONFUSIONS.into_iter().filter(|_| confused) {
            let meant = match digit {
                digit if digit == one => other,
                digit if digit == other => one,
                _ => continue,
            };
            let position = index + 1;
            let slip = Slip::Confused { position, likeness };
            found.push((with_digit(bytes, index, b'0' + meant), slip));
        }
        let next = bytes.get(index + 1).filter(|next| swapped && *next != byte);
        if let Some(next) = next {
            let turned = with_digit(bytes, index, *next);
            let turned = with_digit(turned.as_bytes(), index + 1, *byte);
            let position = index + 1;
            found.push((turned, Slip::Swapped { position }));
        }
    }
    found
}

fn with_digit(digits: &[u8], index: usize, digit: u8) -> String {
    let changed =
        |(place, old): (usize, &u8)| char::from(if place == index { digit } else { *old });
    digits.iter().enumerate().map(changed).collect()
}
