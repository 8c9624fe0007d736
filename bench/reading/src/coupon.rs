//! A printed coupon, and a photograph of one with what is truly on it.

use reader::Grey;
use reader::check::municipality_check_digit;

use crate::canvas::{Canvas, View};
use crate::chance::Chance;
use crate::sheet::Area;

/// Digits of a line.
pub const DIGITS: usize = 18;

/// How hard a photograph is to read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Difficulty {
    /// As new, well lit, in focus.
    #[default]
    Easy,
    /// Some of what goes wrong every day.
    Medium,
    /// Much of it at once.
    Hard,
    /// Like medium, but the whole line is not in view and no code shows all 18 digits: any answer is wrong.
    Negative,
}

impl Difficulty {
    /// All of them.
    pub const ALL: [Difficulty; 4] = [
        Difficulty::Easy,
        Difficulty::Medium,
        Difficulty::Hard,
        Difficulty::Negative,
    ];

    /// A stable name for machines.
    pub fn code(self) -> &'static str {
        match self {
            Difficulty::Easy => "easy",
            Difficulty::Medium => "medium",
            Difficulty::Hard => "hard",
            Difficulty::Negative => "negative",
        }
    }

    /// The one of this name.
    pub fn named(code: &str) -> Option<Difficulty> {
        Difficulty::ALL
            .into_iter()
            .find(|difficulty| difficulty.code() == code)
    }

    pub(crate) fn is_negative(self) -> bool {
        self == Difficulty::Negative
    }
}

/// What was done to the line of digits on purpose, besides what the difficulty brings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Damage {
    /// Nothing.
    #[default]
    None,
    /// A pen went over it.
    Pen,
    /// It was folded through the digits.
    Fold,
    /// A stamp lies on it.
    Stamp,
    /// Toner is missing from parts of digits.
    Toner,
}

impl Damage {
    /// All of them.
    pub const ALL: [Damage; 5] = [
        Damage::None,
        Damage::Pen,
        Damage::Fold,
        Damage::Stamp,
        Damage::Toner,
    ];
}

/// The flat print.
pub struct Coupon {
    pub(crate) digits: String,
    /// Reflectance of the paper.
    pub(crate) paper: Canvas,
    pub(crate) px_per_mm: f32,
    pub(crate) width: f32,
    pub(crate) height: f32,
    /// Where the line is, or would be.
    pub(crate) line: Area,
    pub(crate) pitch: f32,
    /// Digits of the line that are printed and not covered.
    pub(crate) visible: [bool; DIGITS],
    /// Digits that are damaged so that nobody should be sure of them.
    pub(crate) doubtful: [bool; DIGITS],
    pub(crate) has_qr: bool,
    pub(crate) bars: Option<String>,
    /// For a negative: digits at an end that the picture's edge cuts off; negative ones at the left.
    pub(crate) cut_off: i32,
    pub(crate) difficulty: Difficulty,
}

impl Coupon {
    /// The part of the paper that a digit's cell takes, as rows and columns.
    fn cell(&self, index: usize) -> (std::ops::Range<usize>, std::ops::Range<usize>) {
        let scale = |mm: f32| (mm.max(0.0) * self.px_per_mm) as usize;
        let left = self.line.left + self.pitch * index as f32;
        (
            scale(self.line.top - 0.1)..scale(self.line.foot() + 0.1).min(self.paper.height),
            scale(left)..scale(left + self.pitch).min(self.paper.width),
        )
    }

    /// Does something to the paper, and remembers which digits it touched so much that they may be others now.
    pub(crate) fn damage(&mut self, change: impl FnOnce(&mut Coupon)) {
        /// A change of reflectance that is seen.
        const SEEN: f32 = 0.15;
        /// Share of a digit's cell; a stroke of the digit itself takes some 30 %.
        const TOUCHED: f32 = 0.075;
        let before = self.paper.clone();
        change(self);
        let changed = before.joined(&self.paper, |one, other| {
            if (one - other).abs() > SEEN { 1.0 } else { 0.0 }
        });
        for index in 0..DIGITS {
            let (rows, columns) = self.cell(index);
            let cells = (rows.len() * columns.len()).max(1) as f32;
            let width = changed.width;
            let touched: f32 = rows
                .flat_map(|row| changed.values.get(row * width..(row + 1) * width))
                .flat_map(|row| row.get(columns.clone()))
                .flatten()
                .sum();
            if let Some(doubtful) = self.doubtful.get_mut(index) {
                *doubtful |= touched / cells > TOUCHED;
            }
        }
    }

    /// The 18 digits, whether or not they can be seen.
    pub fn digits(&self) -> &str {
        &self.digits
    }
}

/// What is truly in a photograph.
#[derive(Clone, Debug)]
pub struct Truth {
    /// How hard it is.
    pub difficulty: Difficulty,
    /// The 18 digits; `None` for a negative.
    pub digits: Option<String>,
    /// Whether a QR code is in view.
    pub has_qr: bool,
    /// The digits of the bars in view.
    pub bars: Option<String>,
    /// The corners of the line, clockwise from the upper left, in pixels.
    pub line: [(f32, f32); 4],
    /// The centre of each digit of the line, in pixels, whether or not it is in view.
    pub centres: Vec<(f32, f32)>,
    /// Which of them are printed, not covered, and in view.
    pub visible: Vec<bool>,
    /// Which of them are damaged so that nobody should be sure of them.
    pub doubtful: Vec<bool>,
}

/// A photograph.
pub struct Photograph {
    /// As the reader gets it.
    pub picture: Grey,
    /// What is on it.
    pub truth: Truth,
}

impl Photograph {
    /// Of the picture's light and where the camera sees what; `place` leads from the coupon, in mm, to the picture.
    pub(crate) fn taken(
        coupon: &Coupon,
        light: &Canvas,
        quality: u8,
        place: impl Fn(f32, f32) -> (f32, f32),
    ) -> Photograph {
        let negative = coupon.difficulty.is_negative();
        let middle = coupon.line.top + coupon.line.height / 2.0;
        let centres: Vec<(f32, f32)> = (0..DIGITS)
            .map(|index| coupon.line.left + coupon.pitch * (index as f32 + 0.5))
            .map(|x| place(x, middle))
            .collect();
        let in_view = |&(x, y): &(f32, f32)| {
            (0.0..light.width as f32).contains(&x) && (0.0..light.height as f32).contains(&y)
        };
        let visible = coupon.visible.iter().zip(&centres);
        Photograph {
            picture: stored(light, quality),
            truth: Truth {
                difficulty: coupon.difficulty,
                digits: (!negative).then(|| coupon.digits.clone()),
                has_qr: coupon.has_qr,
                bars: coupon.bars.clone(),
                line: coupon.line.corners().map(|(x, y)| place(x, y)),
                visible: visible
                    .map(|(&printed, centre)| printed && in_view(centre))
                    .collect(),
                doubtful: coupon.doubtful.to_vec(),
                centres,
            },
        }
    }
}

/// As it comes out of a file: cameras store JPEG, and its blocks are part of what is read.
#[expect(
    clippy::expect_used,
    reason = "a canvas has as many values as its sides say, and never none"
)]
fn stored(light: &Canvas, quality: u8) -> Grey {
    let mut file = Vec::new();
    let bytes = light.bytes();
    let written = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut file, quality).encode(
        &bytes,
        light.width as u32,
        light.height as u32,
        image::ExtendedColorType::L8,
    );
    let read = written.ok().and_then(|()| reader::decode_photo(&file).ok());
    read.or_else(|| Grey::new(light.width, light.height, bytes))
        .expect("the picture is as large as its canvas")
}

/// How much of a frame is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// The coupon with some of what is around it.
    Coupon,
    /// Only a band around the line, which is all that training looks at.
    Line,
}

/// The window of a frame that is made: left, top, width, height in pixels.
pub(crate) fn window(
    chance: &mut Chance,
    coupon: &Coupon,
    view: &View,
    (width, height): (f32, f32),
    framing: Framing,
) -> (f32, f32, usize, usize) {
    /// Millimetres above and below the line.
    const BAND: f32 = 5.5;
    let whole = Area {
        width: coupon.width,
        height: coupon.height,
        ..Area::default()
    };
    let area = match framing {
        Framing::Coupon => whole,
        Framing::Line => Area {
            top: coupon.line.top - BAND,
            height: coupon.line.height + 2.0 * BAND,
            ..whole
        },
    };
    let corners = area.corners().map(|(x, y)| view.to(x, y));
    let low = corners.iter().fold((f32::MAX, f32::MAX), |low, corner| {
        (low.0.min(corner.0), low.1.min(corner.1))
    });
    let high = corners.iter().fold((f32::MIN, f32::MIN), |high, corner| {
        (high.0.max(corner.0), high.1.max(corner.1))
    });
    let (across, down) = (high.0 - low.0, high.1 - low.1);
    let margins = [0.0; 4].map(|_: f32| chance.within((0.03, 0.12)));
    let [before, above, after, below] = margins;
    let left = (low.0 - before * across).clamp(0.0, width - 64.0).floor();
    let top = (low.1 - above * down).clamp(0.0, height - 64.0).floor();
    let right = (high.0 + after * across).clamp(left + 64.0, width);
    let foot = (high.1 + below * down).clamp(top + 64.0, height);
    (left, top, (right - left) as usize, (foot - top) as usize)
}

/// Kind, turn, municipality, ticket number. The codes have the shape of the real list and right check digits;
/// municipalities number from 1 upwards, or by long numbers of their own.
pub(crate) fn coupon_digits(chance: &mut Chance) -> String {
    let kind = chance.pick(&['2', '2', '2', '2', '2', '2', '2', '2', '3', '1']);
    let turn = 1 + chance.below(7);
    let prefecture = 1 + chance.below(47) as u8;
    let number = match chance.below(3) {
        0 => 100 + chance.below(8) as u16,
        1 => 201 + chance.below(40) as u16,
        _ => 301 + chance.below(60) as u16,
    };
    let five = [
        prefecture / 10,
        prefecture % 10,
        (number / 100) as u8,
        (number / 10 % 10) as u8,
        (number % 10) as u8,
    ];
    let check = municipality_check_digit(five);
    let ticket = if chance.is(0.6) {
        1 + chance.below(400_000) as u64
    } else {
        1_000_000_000 + chance.below(9_000_000_000) as u64
    };
    format!("{kind}{turn}{prefecture:02}{number:03}{check}{ticket:010}")
}

/// Digits that teach no notion of likely numbers: a third are a coupon's, the rest anything, some with long runs.
pub(crate) fn any_digits(chance: &mut Chance) -> String {
    if chance.is(0.35) {
        return coupon_digits(chance);
    }
    let mut digits: Vec<char> = (0..DIGITS)
        .map(|_| char::from(b'0' + chance.below(10) as u8))
        .collect();
    if chance.is(0.2) {
        let start = chance.below(DIGITS - 1);
        let length = 2 + chance.below(DIGITS - start);
        let same = char::from(b'0' + chance.below(10) as u8);
        digits
            .iter_mut()
            .skip(start)
            .take(length)
            .for_each(|digit| *digit = same);
    }
    digits.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chance::Purpose;
    use reader::check::{Turns, judge};

    #[test]
    fn made_digits_may_be_a_coupons() {
        let mut chance = Chance::of(Purpose::Judging, "digits", 1);
        for _ in 0..300 {
            let digits = coupon_digits(&mut chance);
            assert_eq!(judge(&digits, Turns::Printed), Ok(()), "{digits}");
        }
    }
}
