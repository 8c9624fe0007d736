//! Where a printed line may lie: blots of one height, in one row, at one pitch.
//!
//! OCR-B is a fixed-pitch face, so the 18 digits of a coupon are the most regular thing on it. A chain of blots that
//! keeps height, direction and pitch gives the line's geometry even where some digits are broken or joined.

use crate::components::Blot;
use crate::fit::{Parabola, Straight, median};
use crate::grey::Grey;
use crate::threshold::{Ink, mark_ink};

/// Digits of a coupon line (接種券の18桁).
pub(crate) const DIGITS: usize = 18;
/// Blots a chain must have: with fewer than half of the digits the pitch is a guess.
const MEMBERS_MIN: usize = 9;
/// Guesses that are worth a reading, best first.
const PLACES_MAX: usize = 3;
/// Blots looked at in one picture: a coupon on its form has some 2,000; a picture of gravel must not take minutes.
const BLOTS_MAX: usize = 12_000;
/// Heights of a digit, in pixels of the picture that is searched.
const DIGIT_HEIGHT: std::ops::RangeInclusive<usize> = 11..=75;
/// Digits' worth of picture that is read beyond each end of the chain.
const MARGIN: f32 = 1.7;

/// Where a line of digits lies. `t` counts digits: 0 at the centre of the chain's first, 1 at its second, …
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    /// The x of digit `t`; the bend is the perspective's.
    pub across: Parabola,
    /// The y at x.
    pub down: Straight,
    /// The height of digit `t`.
    pub height: Straight,
    /// Where reading starts: enough before the chain for digits that it may have missed.
    pub from: f32,
    /// Where reading ends.
    pub to: f32,
    /// Blots of the chain that keep step.
    pub members: usize,
    /// How far they are off their steps, as a share of the pitch (root mean square).
    pub unevenness: f32,
}

impl Place {
    /// The same place in the picture from which this one was made by `2^halvings` shrinking.
    pub(crate) fn enlarged(&self, halvings: usize) -> Place {
        let scale = (1u32 << halvings) as f32;
        // The centre of a pixel of the small picture lies between pixels of the large one.
        let shift = (scale - 1.0) / 2.0;
        let across = Parabola {
            start: self.across.start * scale + shift,
            slope: self.across.slope * scale,
            bend: self.across.bend * scale,
        };
        let down = Straight {
            start: self.down.start * scale + shift - self.down.slope * shift,
            slope: self.down.slope,
        };
        // Ink grows by about half a pixel when it is told from paper.
        let height = Straight {
            start: self.height.start * scale - 0.5,
            slope: self.height.slope * scale,
        };
        Place {
            across,
            down,
            height,
            ..*self
        }
    }

    /// Lower is better: many members (but not more than a line has) that keep step.
    fn badness(&self) -> f32 {
        let members = self.members as f32;
        let surplus = (members - DIGITS as f32).max(0.0);
        30.0 * self.unevenness + 0.5 * surplus - members.min(DIGITS as f32)
    }
}

/// The places where a line may be, best first.
pub(crate) fn places(grey: &Grey, ink: Ink) -> Vec<Place> {
    let mut marks: Vec<Mark> = crate::components::blots(&mark_ink(grey, ink))
        .iter()
        .filter(|blot| may_be_a_digit(blot))
        .map(Mark::of)
        .collect();
    marks.truncate(BLOTS_MAX);
    marks.sort_by(|a, b| a.x.total_cmp(&b.x));
    let mut places: Vec<Place> = chains(&marks)
        .iter()
        .filter_map(|chain| place(chain))
        .collect();
    places.sort_by(|a, b| a.badness().total_cmp(&b.badness()));
    places.truncate(PLACES_MAX);
    places
}

/// Centre and height of a blot.
#[derive(Clone, Copy, Debug)]
struct Mark {
    x: f32,
    y: f32,
    height: f32,
}

impl Mark {
    fn of(blot: &Blot) -> Mark {
        Mark {
            x: (blot.left + blot.right) as f32 / 2.0,
            y: (blot.top + blot.bottom) as f32 / 2.0,
            height: blot.height() as f32,
        }
    }
}

fn may_be_a_digit(blot: &Blot) -> bool {
    let (width, height) = (blot.width() as f32, blot.height() as f32);
    DIGIT_HEIGHT.contains(&blot.height())
        && (0.08..=1.15).contains(&(width / height))
        && blot.area as f32 > 0.1 * width * height
}

/// Chains of marks that follow each other to the right; a mark belongs to one chain at most, the first that took it.
fn chains(marks: &[Mark]) -> Vec<Vec<Mark>> {
    let mut taken = vec![false; marks.len()];
    let mut chains = Vec::new();
    for start in 0..marks.len() {
        if taken.get(start).copied().unwrap_or(true) {
            continue;
        }
        let members = grow(marks, start);
        if members.len() < MEMBERS_MIN {
            continue;
        }
        for &member in &members {
            if let Some(taken) = taken.get_mut(member) {
                *taken = true;
            }
        }
        chains.push(
            members
                .iter()
                .filter_map(|&member| marks.get(member).copied())
                .collect(),
        );
    }
    chains
}

/// The indices of the marks that continue the row of the one at `start`.
fn grow(marks: &[Mark], start: usize) -> Vec<usize> {
    /// Steps back over which the row's direction is measured.
    const DIRECTION_STEPS: usize = 5;
    let mut members = vec![start];
    let mut row: Vec<Mark> = marks.get(start).copied().into_iter().collect();
    let mut slope = 0.0;
    while let (Some(&index), Some(&last)) = (members.last(), row.last()) {
        let recent = row.iter().rev().take(DIRECTION_STEPS + 2);
        let height = median(recent.map(|mark| mark.height)).unwrap_or(last.height);
        let Some((next, mark)) = follower(marks, index, last, height, slope, row.len()) else {
            break;
        };
        members.push(next);
        row.push(mark);
        if let Some(before) = row.get(row.len().saturating_sub(DIRECTION_STEPS + 1)) {
            slope = (mark.y - before.y) / (mark.x - before.x);
        }
    }
    members
}

/// The nearest mark to the right that keeps the row's direction and height.
fn follower(
    marks: &[Mark],
    index: usize,
    last: Mark,
    height: f32,
    slope: f32,
    members: usize,
) -> Option<(usize, Mark)> {
    /// With fewer members the direction is not known yet.
    const DIRECTION_KNOWN: usize = 3;
    let mut best: Option<(f32, usize, Mark)> = None;
    for (next, &mark) in marks.iter().enumerate().skip(index + 1) {
        let step = mark.x - last.x;
        if step > 3.1 * height {
            break;
        }
        let off_row = (mark.y - last.y - slope * step).abs();
        let off_row_max = if members < DIRECTION_KNOWN {
            0.34 * step.max(0.6 * height)
        } else {
            0.16 * step + 0.12 * height
        };
        let same_height = (0.72..=1.38).contains(&(mark.height / height));
        if step < 0.45 * height || off_row > off_row_max || !same_height {
            continue;
        }
        let cost = step + 2.0 * off_row + (mark.height - height).abs();
        if best.is_none_or(|(least, ..)| cost < least) {
            best = Some((cost, next, mark));
        }
    }
    best.map(|(_, next, mark)| (next, mark))
}

/// A mark with its number in the line.
#[derive(Clone, Copy)]
struct Numbered {
    t: f32,
    mark: Mark,
}

/// Measures the line that a chain belongs to; `None` where it keeps no pitch.
fn place(chain: &[Mark]) -> Option<Place> {
    let (numbered, pitch) = number(chain)?;
    let first_try = Parabola::through(&positions(&numbered));
    let in_step: Vec<Numbered> = numbered
        .into_iter()
        .filter(|n| (first_try.at(n.t) - n.mark.x).abs() < 0.3 * pitch)
        .collect();
    if in_step.len() < MEMBERS_MIN {
        return None;
    }
    let across = pitch_curve(&in_step);
    let height = digit_height(&in_step)?;
    let middle_height = median(in_step.iter().map(|n| n.mark.height))?;
    if !(0.6..=1.35).contains(&(across.slope / middle_height)) {
        return None;
    }
    let down = Straight::through(
        &in_step
            .iter()
            .map(|n| (n.mark.x, n.mark.y))
            .collect::<Vec<_>>(),
    );
    let squares = in_step
        .iter()
        .map(|n| (across.at(n.t) - n.mark.x).powi(2))
        .sum::<f32>();
    let last = in_step.last()?.t;
    let missing = (DIGITS as f32 - (last + 1.0)).max(0.0);
    Some(Place {
        across,
        down,
        height,
        from: -0.5 - missing - MARGIN,
        to: last + 0.5 + missing + MARGIN,
        members: in_step.len(),
        unevenness: (squares / in_step.len() as f32).sqrt() / across.slope,
    })
}

fn positions(numbered: &[Numbered]) -> Vec<(f32, f32)> {
    numbered.iter().map(|n| (n.t, n.mark.x)).collect()
}

/// Gives each mark its number in the line, and drops those between two numbers. Also the pitch at the end, in pixels.
fn number(chain: &[Mark]) -> Option<(Vec<Numbered>, f32)> {
    let steps = chain
        .iter()
        .zip(chain.iter().skip(1))
        .map(|(a, b)| b.x - a.x);
    let mut pitch = median(steps)?;
    let (&first, rest) = chain.split_first()?;
    let mut numbered = vec![Numbered {
        t: 0.0,
        mark: first,
    }];
    let mut last = numbered.first().copied()?;
    for &mark in rest {
        let step = (mark.x - last.mark.x) / pitch;
        let whole = step.round().max(1.0);
        if (step - whole).abs() > 0.38 {
            continue;
        }
        // The perspective changes the pitch a little from digit to digit.
        pitch = 0.85 * pitch + 0.15 * (mark.x - last.mark.x) / whole;
        last = Numbered {
            t: last.t + whole,
            mark,
        };
        numbered.push(last);
    }
    (numbered.len() >= MEMBERS_MIN).then_some((numbered, pitch))
}

/// Members from which a bend or a change of height can be told from chance.
const MEMBERS_FOR_A_TREND: usize = 12;

fn pitch_curve(in_step: &[Numbered]) -> Parabola {
    let positions = positions(in_step);
    let curve = Parabola::through(&positions);
    let bend_over_half_a_line = curve.bend.abs() * 81.0;
    if in_step.len() < MEMBERS_FOR_A_TREND && bend_over_half_a_line > 0.5 * curve.slope.abs() {
        return Straight::through(&positions).into();
    }
    curve
}

/// The height along the line, from the marks near the median: specks that stick to a digit make it taller.
fn digit_height(in_step: &[Numbered]) -> Option<Straight> {
    let middle = median(in_step.iter().map(|n| n.mark.height))?;
    let usual: Vec<(f32, f32)> = in_step
        .iter()
        .map(|n| (n.t, n.mark.height))
        .filter(|(_, height)| (height / middle - 1.0).abs() < 0.2)
        .collect();
    if usual.len() < MEMBERS_FOR_A_TREND {
        return Some(Straight {
            start: middle,
            slope: 0.0,
        });
    }
    Some(Straight::through(&usual))
}

#[cfg(test)]
impl Place {
    /// A level line of 18 digits: the first one's centre, the pitch, and the digits' height, in pixels.
    pub(crate) fn level(x: f32, y: f32, pitch: f32, height: f32) -> Place {
        Place {
            across: Straight {
                start: x,
                slope: pitch,
            }
            .into(),
            down: Straight {
                start: y,
                slope: 0.0,
            },
            height: Straight {
                start: height,
                slope: 0.0,
            },
            from: -0.5 - MARGIN,
            to: DIGITS as f32 - 0.5 + MARGIN,
            members: DIGITS,
            unevenness: 0.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INK: Ink = Ink {
        radius: 22,
        deviations: 0.55,
        contrast_min: 0.05,
    };

    /// Blocks of 12 x 20 pixels, as digits stand, at the given centres.
    fn blocks(centres: &[(f32, f32)]) -> Grey {
        const WIDTH: usize = 600;
        let inside = |x: f32, y: f32| {
            centres
                .iter()
                .any(|c| (x - c.0).abs() < 6.0 && (y - c.1).abs() < 10.0)
        };
        let pixels = (0..WIDTH * 160)
            .map(|i| {
                if inside((i % WIDTH) as f32, (i / WIDTH) as f32) {
                    30
                } else {
                    220
                }
            })
            .collect();
        Grey::new(WIDTH, 160, pixels).unwrap()
    }

    fn row(count: usize, slope: f32) -> Vec<(f32, f32)> {
        (0..count)
            .map(|t| 40.0 + 25.0 * t as f32)
            .map(|x| (x, 60.0 + slope * x))
            .collect()
    }

    #[test]
    fn a_row_of_blocks_is_a_line() {
        let place = places(&blocks(&row(18, 0.1)), INK)[0];
        assert!((place.across.slope - 25.0).abs() < 0.3, "{place:?}");
        assert!((place.down.slope - 0.1).abs() < 0.01, "{place:?}");
        assert!((place.height.at(9.0) - 20.0).abs() < 3.0, "{place:?}");
        assert!(place.from < -1.0 && place.to > 18.0, "{place:?}");
    }

    #[test]
    fn a_line_with_gaps_keeps_its_count() {
        let mut centres = row(18, 0.0);
        centres.remove(9);
        centres.remove(4);
        let place = places(&blocks(&centres), INK)[0];
        assert!(
            (place.across.at(17.0) - (40.0 + 25.0 * 17.0)).abs() < 3.0,
            "{place:?}"
        );
    }

    #[test]
    fn where_half_the_digits_are_missing_the_picture_is_read_far_enough_on_both_sides() {
        let place = places(&blocks(&row(10, 0.0)), INK)[0];
        assert!(place.from < -8.5 && place.to > 17.5, "{place:?}");
    }

    #[test]
    fn eight_blocks_are_no_line_and_neither_are_scattered_ones() {
        assert!(places(&blocks(&row(8, 0.0)), INK).is_empty());
        let scattered: Vec<_> = (0..18)
            .map(|i| (30.0 + 31.0 * i as f32, (20 + i * 53 % 120) as f32))
            .collect();
        assert!(places(&blocks(&scattered), INK).is_empty());
    }

    #[test]
    fn a_place_found_in_the_halved_picture_is_the_same_place_in_the_whole_one() {
        let whole = places(&blocks(&row(18, 0.1)), INK)[0];
        let doubled = places(&blocks(&row(18, 0.1)).doubled(), Ink { radius: 44, ..INK })[0];
        let enlarged = whole.enlarged(1);
        assert!(
            (enlarged.across.at(9.0) - doubled.across.at(9.0)).abs() < 1.5,
            "{enlarged:?} {doubled:?}"
        );
        let (x, height) = (enlarged.across.at(9.0), enlarged.height.at(9.0));
        assert!((enlarged.down.at(x) - doubled.down.at(x)).abs() < 1.5);
        assert!((height - doubled.height.at(9.0)).abs() < 3.0);
    }
}
