//! The temperature on a cooler's display (保冷庫の温度表示): digits of seven segments out of a photograph, or an honest
//! no.
//!
//! A segment is dark or lit, and there is no check digit: a segment hidden by a reflection makes another digit. So each
//! segment must be clearly on or clearly off against the two hollows of its own digit, the same number must come out of
//! the picture looked at in at least three ways, and nothing that may be a further digit may stand beside it. The sign is
//! the smallest stroke and the gravest error: it is told only as seen or not seen, and a person says which it is.
#![expect(
    clippy::indexing_slicing,
    reason = "segments and corners are arrays of fixed length; pixels are asked for through `Grey::at`, which repeats the border"
)]

mod cells;
mod number;

use self::cells::{Glyph, Leaning, Sharp, glyph, lean, measured};
use self::number::Number;
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
/// How far the lean may be off that of the edges.
const OFF: [f32; 5] = [0.0, -0.04, 0.04, -0.08, 0.08];
/// Digits of a temperature at most: `-88.8`, and a letter for the unit.
const GLYPHS_MAX: usize = 4;
/// A segment is on from this share between hollow and brightest segment, and off up to one less this.
const ON_MIN: f32 = 0.64;
/// Ways of looking that must agree.
const WITNESSES_MIN: usize = 3;
/// A row is of the same size as another from this share of its height.
const SAME_SIZE: f32 = 0.75;

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
