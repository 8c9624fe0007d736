//! The printed line, read out of a whole picture.

use crate::chain::{DIGITS, Place, places};
use crate::decode::eighteen;
use crate::grey::Grey;
use crate::light::evened;
use crate::net::{self, Net};
use crate::strip::{Pyramid, Strip, cut, picture};
use crate::threshold::Ink;

/// What was made of the printed line (OCRライン).
#[derive(Clone)]
pub struct LineReading {
    /// Eighteen ASCII digits, or none where no 18 stand in step.
    pub digits: Option<String>,
    /// How sure each digit is, 0 to 1; 0 where two looks at the line did not agree.
    pub(crate) certainties: [f32; DIGITS],
    /// A second line in the picture, read as surely but with other digits.
    pub rival: Option<String>,
    /// The line as it was cut out, for a person to compare.
    pub picture: Option<Grey>,
    /// Where it lies in the picture.
    pub(crate) place: Place,
}

/// Below this no line is believed. Measured on some 650 photographs: above it, one in some 600 was wrong, and that
/// one by a pen stroke that made a 9 of a 0.
pub const CONFIDENCE_MIN: f32 = 0.9;

/// Digits before the ticket number: kind, turn and municipality, which most bar codes do not repeat.
pub(crate) const HEAD_DIGITS: usize = 8;

impl LineReading {
    /// As sure as of the least sure digit, 0 to 1.
    pub fn confidence(&self) -> f32 {
        self.certainties.iter().copied().fold(1.0, f32::min)
    }

    /// The same for the digits before the ticket number.
    pub fn head_confidence(&self) -> f32 {
        let head = self.certainties.iter().take(HEAD_DIGITS);
        head.copied().fold(1.0, f32::min)
    }

    /// The digits, if they are sure enough to be believed.
    pub fn sure(&self) -> Option<&str> {
        self.digits
            .as_deref()
            .filter(|_| self.confidence() >= CONFIDENCE_MIN)
    }
}

/// Without the digits: they name a person's coupon and belong in no log.
impl std::fmt::Debug for LineReading {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LineReading")
            .field("certainties", &self.certainties)
            .finish_non_exhaustive()
    }
}

/// One way to search: how often the picture is halved first, and what counts as ink.
#[derive(Clone, Copy)]
pub(crate) struct Pass {
    halvings: usize,
    /// Whether the picture is sharpened first, which parts digits that touch.
    sharpened: bool,
    ink: Ink,
}

impl Pass {
    /// The places where a line may be, best first, in the whole picture.
    pub(crate) fn places(&self, pyramid: &Pyramid) -> Vec<Place> {
        let Some(level) = pyramid.level(self.halvings) else {
            return Vec::new();
        };
        let sharp = self.sharpened.then(|| level.sharpened(4, 2.0));
        places(sharp.as_ref().unwrap_or(level), self.ink)
            .iter()
            .map(|place| place.enlarged(self.halvings))
            .collect()
    }
}

/// Searches from the likeliest to the last resort: dark print on even paper, faint print, print seen from near, small
/// print, and print blurred together.
pub(crate) fn passes(width: usize) -> [Pass; 5] {
    /// Wider pictures are halved first: the digits are large enough, and it is four times quicker.
    const WIDTH_UNHALVED_MAX: usize = 1250;
    let first = usize::from(width > WIDTH_UNHALVED_MAX);
    let pass = |halvings, sharpened, radius, deviations, contrast_min| Pass {
        halvings,
        sharpened,
        ink: Ink {
            radius,
            deviations,
            contrast_min,
        },
    };
    [
        pass(first, false, 22, 0.55, 0.05),
        pass(first, false, 14, 0.35, 0.04),
        pass(first + 1, false, 14, 0.45, 0.03),
        pass(0, false, 30, 0.70, 0.05),
        pass(first, true, 22, 0.55, 0.05),
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
        for place in pass.places(&pyramid) {
            let reading = look_at(net, &pyramid, &place);
            best = Some(match best {
                Some(best) => better(best, reading),
                None => reading,
            });
        }
        if best.as_ref().is_some_and(|best| best.sure().is_some()) {
            break;
        }
    }
    best.map(|best| LineReading {
        picture: picture(&pyramid, &best.place),
        ..best
    })
}

/// Keeps the surer of two readings, and remembers when both are sure but differ.
fn better(one: LineReading, other: LineReading) -> LineReading {
    if one.sure().is_some() && other.sure().is_some() && one.digits != other.digits {
        return LineReading {
            rival: one.rival.or(other.digits),
            ..one
        };
    }
    let (first, second) = if rank(&other) > rank(&one) {
        (other, one)
    } else {
        (one, other)
    };
    LineReading {
        rival: first.rival.or(second.rival),
        ..first
    }
}

fn rank(reading: &LineReading) -> (bool, f32, f32) {
    (
        reading.digits.is_some(),
        reading.confidence(),
        reading.head_confidence(),
    )
}

/// Looks at one place, and where that gives nothing sure, once more with the light evened out. What is read then is not
/// believed against digits that were read before, however unsure those were.
pub(crate) fn look_at(net: &Net, pyramid: &Pyramid, place: &Place) -> LineReading {
    let plain = looked(net, pyramid, place, |strip| strip);
    if plain.sure().is_some() {
        return plain;
    }
    let evened = looked(net, pyramid, place, |strip| evened(&strip));
    let contradicts = plain.digits.is_some() && plain.digits != evened.digits;
    if contradicts || rank(&plain) >= rank(&evened) {
        plain
    } else {
        evened
    }
}

/// Two cuts, a third of a digit and a row apart: noise makes the two looks differ, print does not.
fn looked(
    net: &Net,
    pyramid: &Pyramid,
    place: &Place,
    light: impl Fn(Strip) -> Strip,
) -> LineReading {
    const SECOND_LOOK: (f32, f32) = (5.3, 1.2);
    let look = |(columns, rows): (f32, f32)| {
        let strip = cut(pyramid, place, columns, rows)?;
        eighteen(&net.read(&light(strip))?)
    };
    let one = look((0.0, 0.0));
    let other = one.as_ref().and_then(|_| look(SECOND_LOOK));
    let certainties = match (&one, &other) {
        (Some(one), Some(other)) => one.agreed(other),
        _ => [0.0; DIGITS],
    };
    LineReading {
        certainties,
        digits: one.map(|one| one.digits),
        rival: None,
        picture: None,
        place: *place,
    }
}

#[cfg(test)]
impl LineReading {
    /// A line that was seen but not read, for tests of what is made of lines.
    pub(crate) fn unread() -> LineReading {
        LineReading {
            digits: None,
            certainties: [0.0; DIGITS],
            rival: None,
            picture: None,
            place: Place::level(10.0, 20.0, 15.0, 20.0),
        }
    }
}
