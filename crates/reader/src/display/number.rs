//! A row of digits with what stands around it: its number, its points, what may belong to it, its minus.

use super::ON_MIN;
use super::cells::{Cell, Glyph, Measured, REFLECTION, glyph, upright};
use crate::components::Blot;
use crate::grey::Grey;

/// Room on both sides of a number, in heights of a digit: else a digit may be out of the picture.
pub(super) const MARGIN_MIN: f32 = 0.45;
/// How far beside a number a further digit would stand, in heights.
pub(super) const BESIDE: f32 = 0.95;
/// So much of the way between two digits must be free of their own feet.
pub(super) const WAY_MIN: f32 = 0.5;
/// Below this share of the contrast there is no point.
pub(super) const NO_POINT: f32 = 0.25;
/// How far to the side an upright line may be above and below a leaning cell, in widths of a digit.
pub(super) const ASIDE: f32 = 0.3;
/// From this share of the contrast a stroke may be one.
pub(super) const FAINT: f32 = 0.35;
/// How far behind the last digit a point is looked for, in heights.
pub(super) const LAST_POINT: f32 = 0.2;
/// Room above and below, for the same reason: half a digit may look like another.
pub(super) const EDGE_MIN: f32 = 0.06;

/// A row of digits with what stands around it.
pub(super) struct Number<'a> {
    pub(super) picture: &'a Grey,
    pub(super) all: &'a [Blot],
    pub(super) points: &'a [Blot],
    pub(super) row: &'a [Blot],
    pub(super) cells: &'a [Cell],
    pub(super) measured: &'a [Measured],
}

impl Number<'_> {
    pub(super) fn magnitude(&self) -> Option<String> {
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
    pub(super) fn point_after(&self, index: usize) -> Option<bool> {
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
    pub(super) fn profile(&self, index: usize, down: (f32, f32)) -> Vec<f32> {
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
    pub(super) fn has_speck(&self, index: usize) -> bool {
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
    pub(super) fn has_neighbour(&self) -> bool {
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
    pub(super) fn is_inked_beside(&self) -> bool {
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
    pub(super) fn minus(&self) -> bool {
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
