//! The printed line, read out of a whole picture.

use crate::chain::{Place, places};
use crate::decode::{Eighteen, eighteen};
use crate::grey::Grey;
use crate::net;
use crate::strip::{Pyramid, cut, picture};
use crate::threshold::Ink;

/// What was made of the printed line (OCRライン).
#[derive(Clone, Debug)]
pub struct LineReading {
    /// Eighteen ASCII digits, or none where no 18 stand in step.
    pub digits: Option<String>,
    /// As sure as of the least sure digit, 0 to 1; 0 where two looks at the line did not agree.
    pub confidence: f32,
    /// A second line in the picture, read as surely but with other digits.
    pub rival: Option<String>,
    /// The line as it was cut out, for a person to compare.
    pub picture: Option<Grey>,
}

/// Below this no line is believed. Measured on some 650 photographs: above it, one in some 600 was wrong, and that
/// one by a pen stroke that made a 9 of a 0.
pub const CONFIDENCE_MIN: f32 = 0.9;

impl LineReading {
    /// The digits, if they are sure enough to be believed.
    pub fn sure(&self) -> Option<&str> {
        self.digits
            .as_deref()
            .filter(|_| self.confidence >= CONFIDENCE_MIN)
    }
}

/// One way to search: how often the picture is halved first, and what counts as ink.
#[derive(Clone, Copy)]
struct Pass {
    halvings: usize,
    ink: Ink,
}

/// Searches from the likeliest to the last resort: dark print on even paper, faint print, print seen from near, and
/// small print.
fn passes(width: usize) -> [Pass; 4] {
    /// Wider pictures are halved first: the digits are large enough, and it is four times quicker.
    const WIDTH_UNHALVED_MAX: usize = 1250;
    let first = usize::from(width > WIDTH_UNHALVED_MAX);
    let pass = |halvings, radius, deviations, contrast_min| Pass {
        halvings,
        ink: Ink {
            radius,
            deviations,
            contrast_min,
        },
    };
    [
        pass(first, 22, 0.55, 0.05),
        pass(first, 14, 0.35, 0.04),
        pass(first + 1, 14, 0.45, 0.03),
        pass(0, 30, 0.70, 0.05),
    ]
}

/// Reads the coupon line of a picture whose print is upright, give or take 15 degrees. `None` where there is nothing
/// like a line of digits.
///
/// The first search that gives a sure reading ends it. The check digit is not asked here: it is to judge a reading,
/// and would be worth less if readings were made until one passes.
pub fn read_line(grey: &Grey) -> Option<LineReading> {
    let net = net::trained()?;
    let pyramid = Pyramid::of(grey.clone());
    let mut best: Option<LineReading> = None;
    for pass in passes(grey.width()) {
        let Some(level) = pyramid.level(pass.halvings) else {
            continue;
        };
        for place in places(level, pass.ink) {
            let looked = look(net, &pyramid, &place.enlarged(pass.halvings));
            best = Some(match best {
                Some(best) => better(best, looked),
                None => looked,
            });
        }
        if best.as_ref().is_some_and(|best| best.sure().is_some()) {
            break;
        }
    }
    best
}

/// Keeps the surer of two readings, and remembers when both are sure but differ.
fn better(mut one: LineReading, mut other: LineReading) -> LineReading {
    if one.sure().is_some() && other.sure().is_some() && one.digits != other.digits {
        one.rival = one.rival.or(other.digits);
        return one;
    }
    if rank(&other) > rank(&one) {
        other.rival = other.rival.or(one.rival);
        return other;
    }
    one
}

fn rank(reading: &LineReading) -> (bool, f32) {
    (reading.digits.is_some(), reading.confidence)
}

/// Looks at one place twice, a third of a digit and a row apart: noise makes the two looks differ, print does not.
fn look(net: &net::Net, pyramid: &Pyramid, place: &Place) -> LineReading {
    const SECOND_LOOK: (f32, f32) = (5.3, 1.2);
    let one = look_once(net, pyramid, place, (0.0, 0.0));
    let other = one
        .as_ref()
        .and_then(|_| look_once(net, pyramid, place, SECOND_LOOK));
    let confidence = match (&one, &other) {
        (Some(one), Some(other)) if one.digits == other.digits => {
            one.confidence().min(other.confidence())
        }
        _ => 0.0,
    };
    LineReading {
        digits: one.map(|one| one.digits),
        confidence,
        rival: None,
        picture: picture(pyramid, place),
    }
}

fn look_once(
    net: &net::Net,
    pyramid: &Pyramid,
    place: &Place,
    (columns, rows): (f32, f32),
) -> Option<Eighteen> {
    let strip = cut(pyramid, place, columns, rows)?;
    eighteen(&net.read(&strip)?)
}
