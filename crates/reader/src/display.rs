//! The temperature on a cooler's display (保冷庫の温度表示): digits of seven segments out of a photograph, or an honest
//! no.
//!
//! A segment is dark or lit, and there is no check digit: a segment hidden by a reflection makes another digit. So each
//! segment must be clearly on or clearly off against the two hollows of its own digit, the same number must come out of
//! the picture looked at in at least two ways, and nothing that may be a further digit may stand beside it. The sign is
//! the smallest stroke and the gravest error: it is told only as seen or not seen, and a person says which it is.
#![expect(
    clippy::indexing_slicing,
    reason = "segments and corners are arrays of fixed length; pixels are asked for through `Grey::at`, which repeats the border"
)]

use crate::Strip;
use crate::components::{Blot, blots};
use crate::grey::Grey;
use crate::threshold::{Ink, InkMap, mark_ink};

/// A number on a display.
#[derive(Clone)]
pub struct DisplayReading {
    /// The digits with their point, without a sign: `8.3`, `75`.
    pub magnitude: String,
    /// A minus was seen before the digits. That none was seen does not prove that there is none.
    pub minus: bool,
    /// The photograph, made small, with a frame around the number: a person sees that it is the one that is meant.
    pub picture: Strip,
}

/// Why no number is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DisplayDoubt {
    /// No row of digits is in the picture.
    NothingFound,
    /// There are digits, but not each of their segments is clearly on or off, or more may belong to them.
    Unsure,
    /// Several numbers of one size.
    Several,
}

impl DisplayDoubt {
    /// A stable name for machines.
    pub fn code(self) -> &'static str {
        match self {
            DisplayDoubt::NothingFound => "display_nothing_found",
            DisplayDoubt::Unsure => "display_unsure",
            DisplayDoubt::Several => "display_several",
        }
    }
}

/// The longest side that is looked at, in pixels: the digits of a display are large.
const SIDE_MAX: usize = 640;
/// Heights of digits that are looked for, in pixels of the shrunk picture.
const HEIGHTS: [f32; 12] = [
    24.0, 30.0, 38.0, 48.0, 60.0, 75.0, 94.0, 118.0, 148.0, 185.0, 232.0, 290.0,
];
/// How far segments are grown until they touch, in heights of a digit.
const GROWN: [f32; 4] = [0.0, 0.025, 0.05, 0.08];
/// How far digits lean to the right, in heights for a height: as they are drawn, and as the picture is turned.
const LEANS: std::ops::RangeInclusive<f32> = -0.12..=0.30;
/// How far the lean may be off that of the edges.
const OFF: [f32; 5] = [0.0, -0.04, 0.04, -0.08, 0.08];
/// Digits of a temperature at most: `-88.8`, and a letter for the unit.
const GLYPHS_MAX: usize = 4;
/// A segment is on from this share between hollow and brightest segment, and off up to one less this.
const ON_MIN: f32 = 0.64;
/// A place this much on the other side of the hollows is a reflection, and what it hides is not known.
const REFLECTION: f32 = -0.30;
/// The hollows of a digit differ by no more than this share of its contrast.
const UNEVEN_MAX: f32 = 0.30;
/// Shades between a segment and a hollow at least.
const CONTRAST_MIN: f32 = 28.0;
/// Room on both sides of a number, in heights of a digit: else a digit may be out of the picture.
const MARGIN_MIN: f32 = 0.45;
/// Ink lower than the highest digit by more than this share lacks its head or its foot.
const SHORT: f32 = 0.06;
/// How far beside a number a further digit would stand, in heights.
const BESIDE: f32 = 0.95;
/// So much of the way between two digits must be free of their own feet.
const WAY_MIN: f32 = 0.5;
/// Below this share of the contrast there is no point.
const NO_POINT: f32 = 0.25;
/// How far to the side an upright line may be above and below a leaning cell, in widths of a digit.
const ASIDE: f32 = 0.3;
/// From this share of the contrast a stroke may be one.
const FAINT: f32 = 0.35;
/// How far behind the last digit a point is looked for, in heights.
const LAST_POINT: f32 = 0.2;
/// Room above and below, for the same reason: half a digit may look like another.
const EDGE_MIN: f32 = 0.06;
/// Ways of looking that must agree.
const WITNESSES_MIN: usize = 3;
/// A row is of the same size as another from this share of its height.
const SAME_SIZE: f32 = 0.75;

/// The segments in their usual order: top, upper right, lower right, bottom, lower left, upper left, middle.
type Segments = [bool; 7];

/// What a pattern of segments says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Glyph {
    Digit(char),
    /// The C of Celsius.
    Unit,
}

/// With the two ways in which 6, 7 and 9 are drawn.
const GLYPHS: [(&str, Glyph); 14] = [
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

fn glyph(segments: Segments) -> Option<Glyph> {
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

/// Reads the temperature off a photograph of a display, held upright.
///
/// # Errors
/// Why no number is told.
pub fn read_display(grey: &Grey) -> Result<DisplayReading, DisplayDoubt> {
    let factor = grey.width().max(grey.height()).div_ceil(SIDE_MAX);
    let small = grey.shrunk(factor);
    let mut rows = Vec::new();
    for ink_is_dark in [true, false] {
        // From here on, what tells is dark.
        let picture = if ink_is_dark {
            small.clone()
        } else {
            small.inverted()
        };
        for height in HEIGHTS {
            if height < 0.9 * picture.height() as f32 {
                look(&picture, height, &mut rows);
            }
        }
    }
    let told = told(&rows)?;
    Ok(DisplayReading {
        magnitude: told.magnitude.clone().unwrap_or_default(),
        minus: rows.iter().any(|row| row.is_place_of(told) && row.minus),
        picture: Strip(told.framed(&small)),
    })
}

/// A row of blots that may be digits, as it looked in one way.
struct Row {
    left: f32,
    right: f32,
    top: f32,
    bottom: f32,
    /// If every blot is a digit and nothing is left open.
    magnitude: Option<String>,
    minus: bool,
    digits: usize,
    /// Shades between segments and hollows; nothing where the blots are not like digits, or the light is too uneven.
    contrast: Option<f32>,
}

impl Row {
    fn height(&self) -> f32 {
        self.bottom - self.top
    }

    fn is_place_of(&self, other: &Row) -> bool {
        let middle = |row: &Row| (row.top + row.bottom) / 2.0;
        (middle(self) - middle(other)).abs() < 0.3 * other.height()
            && self.left < other.right
            && other.left < self.right
            && self.height() > SAME_SIZE * other.height()
            && other.height() > SAME_SIZE * self.height()
    }

    /// The picture with a frame around the number, dark and light so that it shows on either.
    fn framed(&self, picture: &Grey) -> Grey {
        let room = 0.3 * self.height();
        // A minus is within the frame, not under it.
        let before = 1.4 * self.height();
        let distance = |x: f32, y: f32| {
            let across = (self.left - before - x).max(x - self.right - room);
            let down = (self.top - room - y).max(y - self.bottom - room);
            across.max(down)
        };
        picture.drawn_over(|x, y| match distance(x as f32, y as f32) {
            away if (0.0..2.0).contains(&away) => Some(0),
            away if (2.0..4.0).contains(&away) => Some(255),
            _ => None,
        })
    }
}

/// The number that all ways of looking agree on, if it is the largest in the picture.
fn told(rows: &[Row]) -> Result<&Row, DisplayDoubt> {
    let read = rows.iter().filter(|row| row.magnitude.is_some());
    let Some(largest) = read
        .clone()
        .max_by(|one, other| one.height().total_cmp(&other.height()))
    else {
        let found = rows.is_empty();
        return Err(if found {
            DisplayDoubt::NothingFound
        } else {
            DisplayDoubt::Unsure
        });
    };
    let same_size = |row: &&Row| row.height() > SAME_SIZE * largest.height();
    if read
        .clone()
        .filter(same_size)
        .any(|row| !row.is_place_of(largest))
    {
        return Err(DisplayDoubt::Several);
    }
    // Something larger and as clear that is not understood may be the number that is meant.
    let is_larger = |row: &Row| {
        row.magnitude.is_none()
            && row.height() * SAME_SIZE > largest.height()
            && (row.digits > 1 || row.contrast.is_some())
            && row
                .contrast
                .is_none_or(|contrast| contrast > 0.3 * largest.contrast.unwrap_or_default())
    };
    if rows.iter().any(is_larger) {
        return Err(DisplayDoubt::Unsure);
    }
    let here = || read.clone().filter(|row| row.is_place_of(largest));
    // Where one way of looking sees a digit less, what it sees must be in what the others see.
    let longest = here()
        .max_by_key(|row| row.magnitude.as_ref().map_or(0, String::len))
        .unwrap_or(largest);
    let whole = longest.magnitude.as_deref().unwrap_or_default();
    let is_within = |row: &Row| {
        row.magnitude
            .as_deref()
            .is_some_and(|text| whole.contains(text))
    };
    let witnesses = here().filter(|row| row.magnitude == longest.magnitude);
    if here().all(is_within) && witnesses.count() >= WITNESSES_MIN {
        Ok(longest)
    } else {
        Err(DisplayDoubt::Unsure)
    }
}

/// Looks for rows of digits of about this height.
fn look(picture: &Grey, height: f32, rows: &mut Vec<Row>) {
    let map = mark_ink(
        picture,
        Ink {
            radius: ((0.45 * height) as usize).clamp(8, 127),
            deviations: 0.35,
            contrast_min: 0.04,
        },
    );
    let (points, strokes) = points_apart(&map, height);
    for grown_by in GROWN {
        let grown = grown(&strokes, (grown_by * height).round() as usize);
        let all = blots(&grown);
        for row in in_rows(&all, height) {
            rows.push(understood(picture, &map, &all, &points, &row));
        }
    }
}

/// The blots as small as a point, and the map without them: a point between two digits would join them.
fn points_apart(map: &InkMap, height: f32) -> (Vec<Blot>, InkMap) {
    let most = 0.22 * height;
    let points: Vec<Blot> = blots(map)
        .into_iter()
        .filter(|blot| (blot.width() as f32) < most && (blot.height() as f32) < most)
        .collect();
    let mut ink = map.ink.clone();
    for point in &points {
        for y in point.top..=point.bottom {
            let row = &mut ink[y * map.width..][point.left..=point.right];
            row.fill(false);
        }
    }
    let width = map.width;
    (points, InkMap { width, ink })
}

/// The map with all ink grown to each side by so many pixels.
fn grown(map: &InkMap, by: usize) -> InkMap {
    let (width, height) = (map.width, map.ink.len() / map.width.max(1));
    if by == 0 {
        return InkMap {
            width,
            ink: map.ink.clone(),
        };
    }
    let mut across = vec![false; map.ink.len()];
    for (row, out) in map
        .ink
        .chunks_exact(width)
        .zip(across.chunks_exact_mut(width))
    {
        for (x, _) in row.iter().enumerate().filter(|(_, ink)| **ink) {
            out[x.saturating_sub(by)..(x + by + 1).min(width)].fill(true);
        }
    }
    let mut ink = vec![false; map.ink.len()];
    for y in 0..height {
        for source in y.saturating_sub(by)..(y + by + 1).min(height) {
            let out = &mut ink[y * width..][..width];
            for (out, &set) in out.iter_mut().zip(&across[source * width..][..width]) {
                *out |= set;
            }
        }
    }
    InkMap { width, ink }
}

/// Blots side by side that may be the digits of one number, from left to right.
fn in_rows(all: &[Blot], height: f32) -> Vec<Vec<Blot>> {
    let may_be_digit = |blot: &&Blot| {
        let (across, down) = (blot.width() as f32, blot.height() as f32);
        (0.7 * height..1.28 * height).contains(&down) && (0.05 * down..1.0 * down).contains(&across)
    };
    let mut candidates: Vec<Blot> = all.iter().filter(may_be_digit).copied().collect();
    candidates.sort_by_key(|blot| (blot.left, blot.top));
    let mut rows: Vec<Vec<Blot>> = Vec::new();
    for blot in candidates {
        let continued = rows
            .iter_mut()
            .find(|row| row.last().is_some_and(|last| follows(last, &blot)));
        match continued {
            Some(row) => row.push(blot),
            None => rows.push(vec![blot]),
        }
    }
    rows.retain(|row| row.len() <= GLYPHS_MAX);
    rows
}

fn follows(last: &Blot, next: &Blot) -> bool {
    let height = last.height().max(next.height()) as f32;
    let near =
        |one: usize, other: usize, share: f32| (one as f32 - other as f32).abs() < share * height;
    let gap = next.left as f32 - last.right as f32;
    near(last.top, next.top, 0.18)
        && near(last.bottom, next.bottom, 0.18)
        && near(last.height(), next.height(), 0.3)
        && (-0.15 * height..0.75 * height).contains(&gap)
}

/// The place of one digit: a parallelogram that leans to the right.
#[derive(Clone, Copy)]
struct Cell {
    left: f32,
    width: f32,
    top: f32,
    height: f32,
    lean: f32,
}

impl Cell {
    /// The place at these shares across and down.
    fn at(&self, across: f32, down: f32) -> (f32, f32) {
        let y = self.top + down * self.height;
        let x = self.left + across * self.width + self.lean * self.height * (1.0 - down);
        (x, y)
    }

    /// The darkness (0 to 255) on a line between two places of the cell.
    fn darkness(&self, picture: &Grey, from: (f32, f32), to: (f32, f32)) -> f32 {
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
    fn darkest(&self, picture: &Grey, band: Band) -> f32 {
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
struct Band {
    is_level: bool,
    from: f32,
    to: f32,
    start: f32,
    end: f32,
}

const fn level(from: f32, to: f32) -> Band {
    Band {
        is_level: true,
        from,
        to,
        start: 0.36,
        end: 0.64,
    }
}

const fn upright(from: f32, to: f32, start: f32, end: f32) -> Band {
    Band {
        is_level: false,
        from,
        to,
        start,
        end,
    }
}

const BANDS: [Band; 7] = [
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
struct Measured {
    segments: Segments,
    /// How clear the least clear segment is: 0 is as much on as off, 0.5 is beyond doubt.
    clarity: f32,
    hollow: f32,
    contrast: f32,
}

fn measure(picture: &Grey, cell: Cell) -> Option<Measured> {
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

/// Makes a number of a row, if each of its blots is clear and nothing else may belong to it.
fn understood(picture: &Grey, map: &InkMap, all: &[Blot], points: &[Blot], row: &[Blot]) -> Row {
    let edge = |of: fn(&Blot) -> usize, least: bool| {
        let places = row.iter().map(of);
        (if least { places.min() } else { places.max() }).unwrap_or_default() as f32
    };
    let mut result = Row {
        left: edge(|blot| blot.left, true),
        right: edge(|blot| blot.right, false),
        top: edge(|blot| blot.top, true),
        bottom: edge(|blot| blot.bottom, false),
        magnitude: None,
        minus: false,
        digits: row.len(),
        contrast: None,
    };
    let boxes: Vec<Sharp> = row.iter().map(|blot| Sharp::of(map, blot)).collect();
    // Digits without long edges (2, 5) tell the lean only nearly; ones and sevens are clear however they are taken to
    // lean, so what their edges say counts.
    let score = |one: &(f32, Leaning)| one.1.clarity - one.0.abs();
    let leaning = lean(map, &boxes)
        .into_iter()
        .flat_map(|lean| {
            OFF.map(|off| measured(picture, &boxes, lean + off).map(|leaning| (off, leaning)))
        })
        .flatten()
        .max_by(|one, other| score(one).total_cmp(&score(other)))
        .map(|(_, leaning)| leaning);
    let Some(leaning) = leaning else {
        return result;
    };
    if let [single] = leaning.measured.as_slice() {
        // One digit is no number that is told, but a part of one that is cut off or otherwise not understood. A line is
        // no digit.
        let is_digit = leaning.clarity >= ON_MIN - 0.5
            && matches!(glyph(single.segments), Some(Glyph::Digit(digit)) if digit != '1');
        result.contrast = is_digit.then_some(leaning.contrast);
        return result;
    }
    result.contrast = Some(leaning.contrast);
    let number = Number {
        picture,
        all,
        points,
        row,
        cells: &leaning.cells,
        measured: &leaning.measured,
    };
    result.minus = number.minus();
    if leaning.clarity >= ON_MIN - 0.5 {
        result.magnitude = number.magnitude();
    }
    result
}

/// The ink of a blot without what it was grown by, and without a point at its lower right.
#[derive(Clone, Copy)]
struct Sharp {
    left: f32,
    right: f32,
    top: f32,
    bottom: f32,
}

impl Sharp {
    fn of(map: &InkMap, blot: &Blot) -> Sharp {
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

    fn height(&self) -> f32 {
        self.bottom - self.top
    }

    fn width(&self) -> f32 {
        self.right - self.left
    }
}

impl Sharp {
    /// The cells that the ink may fill: a one is the right edge of its cell, and has neither head nor foot; a four, a
    /// seven, and a six without its head lack one or both.
    fn cells(&self, height: f32, usual: f32, lean: f32) -> Vec<Cell> {
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
fn lean(map: &InkMap, boxes: &[Sharp]) -> Option<f32> {
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

struct Leaning {
    cells: Vec<Cell>,
    measured: Vec<Measured>,
    clarity: f32,
    contrast: f32,
}

/// The row as digits that lean so much.
fn measured(picture: &Grey, boxes: &[Sharp], lean: f32) -> Option<Leaning> {
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

/// A row of digits with what stands around it.
struct Number<'a> {
    picture: &'a Grey,
    all: &'a [Blot],
    points: &'a [Blot],
    row: &'a [Blot],
    cells: &'a [Cell],
    measured: &'a [Measured],
}

impl Number<'_> {
    fn magnitude(&self) -> Option<String> {
        if self.has_neighbour() {
            return None;
        }
        let mut glyphs = self
            .measured
            .iter()
            .map(|one| glyph(one.segments))
            .peekable();
        let mut text = String::new();
        let mut index = 0;
        while let Some(glyph) = glyphs.next() {
            match glyph? {
                Glyph::Digit(digit) => text.push(digit),
                Glyph::Unit if glyphs.peek().is_none() => break,
                Glyph::Unit => return None,
            }
            if self.point_after(index)? {
                text.push('.');
            }
            index += 1;
        }
        let points = text.matches('.').count();
        let digits = text.len() - points;
        // One decimal or none, as coolers show it; no zero before another digit.
        let has_form = match text.split_once('.') {
            Some((whole, decimal)) => points == 1 && !whole.is_empty() && decimal.len() == 1,
            None => true,
        };
        let leads_with_zero = text.starts_with('0') && !text.starts_with("0.");
        (has_form && (2..=3).contains(&digits) && !leads_with_zero).then_some(text)
    }

    /// Whether there is a point after the digit; nothing where that is not clear.
    ///
    /// On the way from the digit to the next one, at the foot: first nothing, then the point, then nothing again. What is
    /// dark from the start, or to the end, is the foot of a digit that leans otherwise than the row.
    fn point_after(&self, index: usize) -> Option<bool> {
        let measured = self.measured.get(index)?;
        let share = |level: f32| (level - measured.hollow) / measured.contrast;
        let foot = self.profile(index, (0.88, 1.02));
        let levels = foot.iter().map(|&level| share(level));
        let mut between: Vec<f32> = levels.skip_while(|level| *level > NO_POINT).collect();
        while between.last().is_some_and(|level| *level > NO_POINT) {
            between.pop();
        }
        let darkest = between.iter().copied().fold(0.0, f32::max);
        if self.cells.get(index + 1).is_none() {
            // A unit may stand close behind the last digit; only a point would mean that a digit is missing.
            return match darkest {
                darkest if darkest < FAINT => Some(false),
                darkest if darkest > ON_MIN => Some(true),
                _ => None,
            };
        }
        // The way must be long enough for a point to be seen on it.
        let is_short = (between.len() as f32) < WAY_MIN * foot.len() as f32;
        let lightest = between.iter().copied().fold(0.0, f32::min);
        // What stands above as well is no point.
        let above = self.profile(index, (0.45, 0.7));
        let above = above.get(above.len() / 3..above.len() - above.len() / 3)?;
        let is_alone = above.iter().all(|&level| share(level) < 0.5);
        if is_short || lightest < REFLECTION || !is_alone {
            return None;
        }
        match darkest {
            darkest if darkest > ON_MIN => Some(true),
            darkest if darkest < NO_POINT && !self.has_speck(index) => Some(false),
            _ => None,
        }
    }

    /// The darkness on the way from a digit to the next one, leaning as they do: at each step the darkest patch of a
    /// stretch of its height.
    fn profile(&self, index: usize, down: (f32, f32)) -> Vec<f32> {
        const STEPS: u16 = 32;
        const LEVELS: u16 = 5;
        let Some(cell) = self.cells.get(index) else {
            return Vec::new();
        };
        let side = 0.03 * cell.height;
        let darkness = |x: f32, y: f32| {
            let corners = [
                (-side, -side),
                (side, -side),
                (-side, side),
                (side, side),
                (0.0, 0.0),
            ];
            let around =
                corners.map(|(across, down)| 255.0 - self.picture.at(x + across, y + down));
            around.iter().sum::<f32>() / 5.0
        };
        (0..=STEPS)
            .map(|step| {
                (0..LEVELS)
                    .map(|level| {
                        let share =
                            down.0 + (down.1 - down.0) * f32::from(level) / f32::from(LEVELS - 1);
                        let (from, y) = cell.at(1.0, share);
                        let to = match self.cells.get(index + 1) {
                            Some(next) => next.at(0.0, share).0,
                            None => from + LAST_POINT * cell.height,
                        };
                        darkness(from + (to - from) * f32::from(step) / f32::from(STEPS), y)
                    })
                    .fold(0.0, f32::max)
            })
            .collect()
    }

    /// Whether a blot as small as a point stands at the foot between the digit and the next one.
    fn has_speck(&self, index: usize) -> bool {
        let (Some(cell), Some(next)) = (self.cells.get(index), self.cells.get(index + 1)) else {
            return false;
        };
        let (from, to) = (cell.at(1.0, 1.0).0, next.at(0.0, 1.0).0);
        self.points.iter().any(|point| {
            let middle = (point.left + point.right) as f32 / 2.0;
            (from..to).contains(&middle)
                && point.width().min(point.height()) as f32 > 0.05 * cell.height
                && (point.bottom as f32 - cell.top - cell.height).abs() < 0.15 * cell.height
        })
    }

    /// Whether a further digit may stand before or after the row.
    fn has_neighbour(&self) -> bool {
        let (Some(first), Some(last)) = (self.cells.first(), self.cells.last()) else {
            return true;
        };
        let height = first.height;
        // What is at the edge of the picture may go on beyond it.
        let end = last.at(1.0, 0.0).0;
        let is_cut = first.left < MARGIN_MIN * height
            || end > self.picture.width() as f32 - MARGIN_MIN * height
            || first.top < EDGE_MIN * height
            || first.top + (1.0 + EDGE_MIN) * height > self.picture.height() as f32;
        if is_cut {
            return true;
        }
        let beside = |blot: &&Blot| {
            let (left, right) = (blot.left as f32, blot.right as f32);
            let is_before = right < first.left && right > first.left - 0.8 * height;
            let is_after = left > end && left < end + 0.7 * height;
            is_before || is_after
        };
        let crosses = |blot: &&Blot| {
            (blot.top as f32) < first.top + 0.35 * height
                && (blot.bottom as f32) > first.top + 0.65 * height
                && blot.height() as f32 > 0.7 * height
        };
        // The edge of the display is a line that goes on above and below.
        let is_edge = |blot: &&Blot| {
            let goes_on = blot.left == 0
                || blot.top == 0
                || blot.right + 1 == self.picture.width()
                || blot.bottom + 1 == self.picture.height();
            blot.height() as f32 > 1.35 * height
                && (goes_on || (blot.width() as f32) < 0.3 * height)
        };
        let is_in_row = |blot: &&Blot| self.row.contains(blot);
        let blots = self.all.iter().filter(beside).filter(crosses);
        blots
            .filter(|blot| !is_edge(blot) && !is_in_row(blot))
            .count()
            > 0
            || self.is_inked_beside()
    }

    /// An upright stroke before the first digit or after the last, in its upper half and in its lower: a digit that ran
    /// into the frame, or that is fainter than the rest. A unit is lower than the digits, or one of them.
    fn is_inked_beside(&self) -> bool {
        let (Some(first), Some(last)) = (self.cells.first(), self.cells.last()) else {
            return true;
        };
        let (Some(left), Some(right)) = (self.measured.first(), self.measured.last()) else {
            return true;
        };
        let reach = BESIDE * first.height;
        let is_inked = |cell: &Cell, measured: &Measured, from: f32, to: f32| {
            let steps = (40.0 * (to - from)).ceil().max(8.0);
            (0..=steps as u16).any(|step| {
                let across = from + (to - from) * f32::from(step) / steps;
                let stroke = |start: f32, end: f32| {
                    let darkness = cell.darkness(self.picture, (across, start), (across, end));
                    (darkness - measured.hollow) / measured.contrast > FAINT
                };
                // The edge of the display goes on above and below, upright where digits lean; a digit does not.
                let goes_on = [(-0.2, -0.1), (1.1, 1.2)].into_iter().all(|(start, end)| {
                    let band = upright(across - ASIDE, across + ASIDE, start, end);
                    let darkest = cell.darkest(self.picture, band);
                    (darkest - measured.hollow) / measured.contrast > FAINT
                });
                (stroke(0.14, 0.40) || stroke(0.60, 0.86)) && !goes_on
            })
        };
        let halves = |cell: &Cell, measured: &Measured, from: f32, to: f32| {
            let half = |start: f32, end: f32| {
                let band = upright(from, to, start, end);
                (cell.darkest(self.picture, band) - measured.hollow) / measured.contrast > FAINT
            };
            half(0.14, 0.40) && half(0.60, 0.86)
        };
        let before = (-reach / first.width, -0.16);
        let after = (1.16, 1.0 + reach / last.width);
        [(first, left, before), (last, right, after)]
            .into_iter()
            .any(|(cell, measured, (from, to))| {
                halves(cell, measured, from, to) && is_inked(cell, measured, from, to)
            })
    }

    /// Whether a level stroke stands before the first digit, at half its height.
    fn minus(&self) -> bool {
        let Some(first) = self.cells.first() else {
            return false;
        };
        let height = first.height;
        self.all.iter().any(|blot| {
            let (across, down) = (blot.width() as f32, blot.height() as f32);
            let middle = (blot.top + blot.bottom) as f32 / 2.0 - first.top;
            let gap = first.left - blot.right as f32;
            (0.15 * height..0.75 * height).contains(&across)
                && down < 0.35 * height
                && down < 0.8 * across
                && (0.36 * height..0.64 * height).contains(&middle)
                && (-0.1 * height..0.8 * height).contains(&gap)
        })
    }
}
