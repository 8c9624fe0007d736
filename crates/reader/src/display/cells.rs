//! One digit of seven segments: its place, which of its segments are on, and how clear that is.

use crate::components::Blot;
use crate::grey::Grey;
use crate::threshold::InkMap;

/// How far digits lean to the right, in heights for a height: as they are drawn, and as the picture is turned.
pub(super) const LEANS: std::ops::RangeInclusive<f32> = -0.12..=0.30;
/// A place this much on the other side of the hollows is a reflection, and what it hides is not known.
pub(super) const REFLECTION: f32 = -0.30;
/// The hollows of a digit differ by no more than this share of its contrast.
pub(super) const UNEVEN_MAX: f32 = 0.30;
/// Shades between a segment and a hollow at least.
pub(super) const CONTRAST_MIN: f32 = 28.0;
/// Ink lower than the highest digit by more than this share lacks its head or its foot.
pub(super) const SHORT: f32 = 0.06;

/// The segments in their usual order: top, upper right, lower right, bottom, lower left, upper left, middle.
pub(super) type Segments = [bool; 7];

/// What a pattern of segments says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Glyph {
    Digit(char),
    /// The C of Celsius.
    Unit,
}

/// With the two ways in which 6, 7 and 9 are drawn.
pub(super) const GLYPHS: [(&str, Glyph); 14] = [
    ("1111110", Glyph::Digit('0')),
    ("0110000", Glyph::Digit('1')),
    ("1101101", Glyph::Digit('2')),
    ("1111001", Glyph::Digit('3')),
    ("0110011", Glyph::Digit('4')),
    ("1011011", Glyph::Digit('5')),
    ("1011111", Glyph::Digit('6')),
    ("0011111", Glyph::Digit('6')),
    ("1110000", Glyph::Digit('7')),
    ("1110010", Glyph::Digit('7')),
    ("1111111", Glyph::Digit('8')),
    ("1111011", Glyph::Digit('9')),
    ("1110011", Glyph::Digit('9')),
    ("1001110", Glyph::Unit),
];

pub(super) fn glyph(segments: Segments) -> Option<Glyph> {
    let is_it = |pattern: &str| {
        pattern
            .bytes()
            .zip(segments)
            .all(|(wanted, is_on)| (wanted == b'1') == is_on)
    };
    GLYPHS
        .iter()
        .find(|(pattern, _)| is_it(pattern))
        .map(|&(_, glyph)| glyph)
}

/// The place of one digit: a parallelogram that leans to the right.
#[derive(Clone, Copy)]
pub(super) struct Cell {
    pub(super) left: f32,
    pub(super) width: f32,
    pub(super) top: f32,
    pub(super) height: f32,
    pub(super) lean: f32,
}

impl Cell {
    /// The place at these shares across and down.
    pub(super) fn at(&self, across: f32, down: f32) -> (f32, f32) {
        let y = self.top + down * self.height;
        let x = self.left + across * self.width + self.lean * self.height * (1.0 - down);
        (x, y)
    }

    /// The darkness (0 to 255) on a line between two places of the cell.
    pub(super) fn darkness(&self, picture: &Grey, from: (f32, f32), to: (f32, f32)) -> f32 {
        const STEPS: u16 = 7;
        let sum: f32 = (0..STEPS)
            .map(|step| {
                let share = f32::from(step) / f32::from(STEPS - 1);
                let between = |from: f32, to: f32| from + (to - from) * share;
                let (x, y) = self.at(between(from.0, to.0), between(from.1, to.1));
                255.0 - picture.at(x, y)
            })
            .sum();
        sum / f32::from(STEPS)
    }

    /// The darkest of the lines that lie side by side in a band.
    pub(super) fn darkest(&self, picture: &Grey, band: Band) -> f32 {
        let lines = (40.0 * (band.to - band.from)).ceil().max(8.0);
        (0..=lines as u16)
            .map(|line| {
                let place = band.from + (band.to - band.from) * f32::from(line) / lines;
                let (from, to) = if band.is_level {
                    ((band.start, place), (band.end, place))
                } else {
                    ((place, band.start), (place, band.end))
                };
                self.darkness(picture, from, to)
            })
            .fold(0.0, f32::max)
    }
}

/// Where the line of a segment may lie: lines from `start` to `end`, side by side between `from` and `to`.
pub(super) struct Band {
    pub(super) is_level: bool,
    pub(super) from: f32,
    pub(super) to: f32,
    pub(super) start: f32,
    pub(super) end: f32,
}

pub(super) const fn level(from: f32, to: f32) -> Band {
    Band {
        is_level: true,
        from,
        to,
        start: 0.36,
        end: 0.64,
    }
}

pub(super) const fn upright(from: f32, to: f32, start: f32, end: f32) -> Band {
    Band {
        is_level: false,
        from,
        to,
        start,
        end,
    }
}

pub(super) const BANDS: [Band; 7] = [
    level(0.0, 0.18),
    upright(0.76, 1.0, 0.2, 0.38),
    upright(0.76, 1.0, 0.62, 0.8),
    level(0.82, 1.0),
    upright(0.0, 0.24, 0.62, 0.8),
    upright(0.0, 0.24, 0.2, 0.38),
    level(0.41, 0.59),
];

/// One digit, measured.
#[derive(Clone, Copy)]
pub(super) struct Measured {
    pub(super) segments: Segments,
    /// How clear the least clear segment is: 0 is as much on as off, 0.5 is beyond doubt.
    pub(super) clarity: f32,
    pub(super) hollow: f32,
    pub(super) contrast: f32,
}

pub(super) fn measure(picture: &Grey, cell: Cell) -> Option<Measured> {
    let hollow_at = |down: f32| cell.darkness(picture, (0.5, down - 0.05), (0.5, down + 0.05));
    let (upper, lower) = (hollow_at(0.3), hollow_at(0.7));
    let hollow = (upper + lower) / 2.0;
    let levels = BANDS.map(|band| cell.darkest(picture, band));
    let darkest = levels.iter().copied().fold(0.0, f32::max);
    let contrast = darkest - hollow;
    if contrast < CONTRAST_MIN || (upper - lower).abs() > UNEVEN_MAX * contrast {
        return None;
    }
    let shares = levels.map(|level| (level - hollow) / contrast);
    let clarity = shares
        .iter()
        .map(|share| {
            if *share < REFLECTION {
                0.0
            } else {
                (share - 0.5).abs().min(0.5)
            }
        })
        .fold(0.5, f32::min);
    Some(Measured {
        segments: shares.map(|share| share > 0.5),
        clarity,
        hollow,
        contrast,
    })
}

/// The ink of a blot without what it was grown by, and without a point at its lower right.
#[derive(Clone, Copy)]
pub(super) struct Sharp {
    pub(super) left: f32,
    pub(super) right: f32,
    pub(super) top: f32,
    pub(super) bottom: f32,
}

impl Sharp {
    pub(super) fn of(map: &InkMap, blot: &Blot) -> Sharp {
        let inked = |x: usize, y: usize| map.ink.get(y * map.width + x).is_some_and(|ink| *ink);
        let column = |x: usize, from: usize| (from..=blot.bottom).any(|y| inked(x, y));
        let line = |y: usize| (blot.left..=blot.right).any(|x| inked(x, y));
        let top = (blot.top..=blot.bottom)
            .find(|&y| line(y))
            .unwrap_or(blot.top);
        let bottom = (blot.top..=blot.bottom)
            .rev()
            .find(|&y| line(y))
            .unwrap_or(blot.bottom);
        let left = (blot.left..=blot.right)
            .find(|&x| column(x, blot.top))
            .unwrap_or(blot.left);
        // Where there is ink only at the foot, it is a point.
        let foot = top + (bottom - top) * 3 / 4;
        let right = (blot.left..=blot.right)
            .rev()
            .find(|&x| (blot.top..foot).any(|y| inked(x, y)))
            .unwrap_or(blot.right);
        Sharp {
            left: left as f32,
            right: right as f32 + 1.0,
            top: top as f32,
            bottom: bottom as f32 + 1.0,
        }
    }

    pub(super) fn height(&self) -> f32 {
        self.bottom - self.top
    }

    pub(super) fn width(&self) -> f32 {
        self.right - self.left
    }
}

impl Sharp {
    /// The cells that the ink may fill: a one is the right edge of its cell, and has neither head nor foot; a four, a
    /// seven, and a six without its head lack one or both.
    pub(super) fn cells(&self, height: f32, usual: f32, lean: f32) -> Vec<Cell> {
        let across = self.width() - lean * self.height();
        let width = if across < 0.6 * usual { usual } else { across };
        let missing = height - self.height();
        let of = |top: f32, height: f32| {
            // The ink leans by its own height, the cell by all of it.
            let above = (self.top - top).max(0.0);
            Cell {
                left: self.right + lean * above - lean * height - width,
                width,
                top,
                height,
                lean,
            }
        };
        if missing < SHORT * height {
            return vec![of(self.top, self.height())];
        }
        [1.0, 0.5, 0.0]
            .map(|share| of(self.top - share * missing, height))
            .to_vec()
    }
}

/// How much the digits lean, by the upright edges of their ink: that of the upper half against that of the lower. A two
/// or a five has edges that are no line; they lie far off, and the middle of all is another's.
pub(super) fn lean(map: &InkMap, boxes: &[Sharp]) -> Option<f32> {
    let mut leans: Vec<f32> = boxes
        .iter()
        .flat_map(|one| {
            let edge = |down: f32, is_right: bool| {
                let y = (one.top + down * one.height()) as usize;
                let inked =
                    |x: &usize| map.ink.get(y * map.width + x).is_some_and(|is_ink| *is_ink);
                let mut columns = one.left as usize..one.right as usize;
                let x = if is_right {
                    columns.rev().find(inked)
                } else {
                    columns.find(inked)
                };
                x.map(|x| x as f32)
            };
            let slope = move |(upper, lower): (f32, f32), is_right| {
                Some(
                    (edge(upper, is_right)? - edge(lower, is_right)?)
                        / ((lower - upper) * one.height()),
                )
            };
            [
                ((0.25, 0.75), false),
                ((0.25, 0.75), true),
                ((0.33, 0.67), false),
                ((0.33, 0.67), true),
            ]
            .map(|(places, is_right)| slope(places, is_right))
            .into_iter()
            .flatten()
            .collect::<Vec<f32>>()
        })
        .filter(|lean| LEANS.contains(lean))
        .collect();
    leans.sort_by(f32::total_cmp);
    leans.get(leans.len() / 2).copied()
}

pub(super) struct Leaning {
    pub(super) cells: Vec<Cell>,
    pub(super) measured: Vec<Measured>,
    pub(super) clarity: f32,
    pub(super) contrast: f32,
}

/// The row as digits that lean so much.
pub(super) fn measured(picture: &Grey, boxes: &[Sharp], lean: f32) -> Option<Leaning> {
    let height = boxes.iter().map(Sharp::height).fold(0.0, f32::max);
    let upright = |one: &Sharp| one.width() - lean * one.height();
    let widest = boxes.iter().map(upright).fold(0.0, f32::max);
    // A row of ones tells nothing of how wide the other digits are.
    let usual = if widest < 0.38 * height {
        0.55 * height
    } else {
        widest
    };
    let mut cells = Vec::new();
    let mut measured = Vec::new();
    for one in boxes {
        let (cell, clear) = one
            .cells(height, usual, lean)
            .into_iter()
            .filter_map(|cell| Some((cell, measure(picture, cell)?)))
            .max_by(|one, other| one.1.clarity.total_cmp(&other.1.clarity))?;
        cells.push(cell);
        measured.push(clear);
    }
    let contrasts = || measured.iter().map(|one| one.contrast);
    let (least, most) = (
        contrasts().fold(f32::MAX, f32::min),
        contrasts().fold(0.0, f32::max),
    );
    let clarity = measured.iter().map(|one| one.clarity).fold(0.5, f32::min);
    (least > 0.5 * most).then_some(Leaning {
        clarity,
        contrast: least,
        cells,
        measured,
    })
}
