//! The typefaces of the print, and how one printer's copy of a face differs from another's.

use skrifa::instance::{LocationRef, Size};
use skrifa::outline::{DrawSettings, OutlinePen};
use skrifa::{FontRef, MetadataProvider};
use tiny_skia::{Path, PathBuilder};

use crate::chance::{Chance, Purpose};

/// What a digit of the line is printed with. All lengths in millimetres.
#[derive(Clone)]
pub(crate) struct Type {
    face: Face,
    em: f32,
    /// How much wider and taller than drawn.
    wider: f32,
    taller: f32,
    /// Rightwards for each step upwards.
    slant: f32,
    /// Hills by which outlines are bent: `(most, waves across, waves up, phase)`.
    waves: [(f32, f32, f32, f32); 2],
    /// Added to the stroke all around.
    pub(crate) bolder: f32,
    /// Whether the 1 stands on a foot, as some cuts of OCR-B have it.
    foot: bool,
}

/// A typeface.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Face {
    /// The free OCR-B with round ends, as our own coupons are printed.
    #[default]
    OcrB,
    /// The free OCR-B with sharp ends. For judging alone.
    OcrBSharp,
    /// A plotter's OCR-B: the standard's skeletons as we draw them, with a pen's width. For judging alone.
    Plotted,
    /// Everything but the line.
    Gothic,
}

/// The size of the line: 9 points (TB/130).
const LINE_EM: f32 = 9.0 / 72.0 * 25.4;
/// From digit to digit in em, as OCR-B has it.
const ADVANCE: f32 = 0.723;
/// A plotted digit's box, and the pen.
const PLOTTED_WIDTH: f32 = 1.42;
const PLOTTED_HEIGHT: f32 = 2.32;
pub(crate) const PLOTTED_PEN: f32 = 0.31;

impl Face {
    fn file(self) -> &'static [u8] {
        match self {
            Face::OcrBSharp => include_bytes!("../fonts/OCRBS.otf"),
            Face::Gothic => {
                include_bytes!("../../../crates/paper/fonts/BIZUDGothic-Regular.ttf")
            }
            Face::OcrB | Face::Plotted => include_bytes!("../../../crates/paper/fonts/OCRB.otf"),
        }
    }

    /// Writes one character with its pen position at `(x, y)`; returns how far the next one is.
    pub(crate) fn write(
        self,
        character: char,
        em: f32,
        (x, y): (f32, f32),
        path: &mut PathBuilder,
    ) -> f32 {
        let mut pen = Pen {
            path,
            place: &|glyph_x, glyph_y| (x + glyph_x, y - glyph_y),
        };
        draw(self.file(), character, em, &mut pen).unwrap_or(em)
    }
}

impl Type {
    /// What the studio prints lines with: the plain face; for training, bent by each printer in its own way.
    pub(crate) fn of_the_studio(chance: &mut Chance, purpose: Purpose) -> Type {
        match purpose {
            Purpose::Training => Type::bent(chance, Face::OcrB),
            Purpose::Judging => Type::plain(chance.pick(&[Face::OcrB, Face::OcrBSharp])),
        }
    }

    /// What the field prints lines with: for judging, faces and cuts that nothing was trained on.
    pub(crate) fn of_the_field(chance: &mut Chance, purpose: Purpose) -> Type {
        match purpose {
            Purpose::Training => Type::bent(chance, Face::OcrB),
            Purpose::Judging => {
                let face = chance.pick(&[Face::Plotted, Face::Plotted, Face::OcrBSharp]);
                Type {
                    wider: chance.within((0.93, 1.07)),
                    taller: chance.within((0.95, 1.06)),
                    slant: chance.around(0.05),
                    foot: face == Face::Plotted && chance.is(0.15),
                    bolder: chance.within((-0.03, 0.05)),
                    ..Type::plain(face)
                }
            }
        }
    }

    fn plain(face: Face) -> Type {
        Type {
            face,
            em: LINE_EM,
            wider: 1.0,
            taller: 1.0,
            slant: 0.0,
            waves: [(0.0, 0.0, 0.0, 0.0); 2],
            bolder: 0.0,
            foot: false,
        }
    }

    fn bent(chance: &mut Chance, face: Face) -> Type {
        if chance.is(0.25) {
            return Type::plain(face);
        }
        let most = chance.within((0.0, 0.09));
        let mut wave = || {
            let turns = (0.5, 2.2);
            (
                most,
                chance.within(turns),
                chance.within(turns),
                chance.angle(),
            )
        };
        let waves = [wave(), wave()];
        Type {
            wider: chance.within((0.86, 1.12)),
            taller: chance.within((0.92, 1.08)),
            slant: 0.06 * chance.noise(),
            waves,
            bolder: chance.within((-0.05, 0.07)),
            foot: chance.is(0.12),
            ..Type::plain(face)
        }
    }

    /// The usual distance from digit to digit.
    pub(crate) fn pitch(&self) -> f32 {
        self.em * ADVANCE
    }

    /// The height of the digits.
    pub(crate) fn height(&self) -> f32 {
        PLOTTED_HEIGHT * self.taller
    }

    /// Whether the digits are strokes of a pen rather than outlines to be filled.
    pub(crate) fn is_stroked(&self) -> bool {
        self.face == Face::Plotted
    }

    /// Draws a digit with its centre at `x` and its foot at `y`.
    pub(crate) fn digit(&self, digit: char, (x, y): (f32, f32), path: &mut PathBuilder) {
        let half = self.pitch() / 2.0;
        let place = |glyph_x: f32, glyph_y: f32| {
            let (mut across, mut up) = (glyph_x - half, glyph_y);
            for (most, waves_across, waves_up, phase) in self.waves {
                let hill = (glyph_x * waves_across + glyph_y * waves_up + phase).sin();
                across += most * hill;
                up += most * (glyph_y * waves_across - glyph_x * waves_up + phase).sin();
            }
            (
                x + across * self.wider + up * self.slant,
                y - up * self.taller,
            )
        };
        let mut pen = Pen {
            path,
            place: &place,
        };
        if self.face == Face::Plotted {
            plot(digit, self.foot, half, &mut pen);
            return;
        }
        // Every digit is in the file; a test draws each.
        let _drawn = draw(self.face.file(), digit, self.em, &mut pen);
        if digit == '1' && self.foot {
            let (left, right) = (half - 0.45, half + 0.65);
            pen.move_to(left, 0.0);
            pen.line_to(left, 0.32);
            pen.line_to(right, 0.32);
            pen.line_to(right, 0.0);
            pen.close();
        }
    }
}

/// Draws a glyph of a font file, upwards from its pen position; returns its advance. `None` if the file lacks it.
fn draw(file: &[u8], character: char, em: f32, pen: &mut impl OutlinePen) -> Option<f32> {
    let font = FontRef::new(file).ok()?;
    let glyph = font.charmap().map(character)?;
    let settings = DrawSettings::unhinted(Size::new(em), LocationRef::default());
    font.outline_glyphs().get(glyph)?.draw(settings, pen).ok()?;
    let metrics = font.glyph_metrics(Size::new(em), LocationRef::default());
    metrics.advance_width(glyph)
}

/// Takes outlines that grow upwards to where they belong.
struct Pen<'a> {
    path: &'a mut PathBuilder,
    place: &'a dyn Fn(f32, f32) -> (f32, f32),
}

impl OutlinePen for Pen<'_> {
    fn move_to(&mut self, x: f32, y: f32) {
        let (x, y) = (self.place)(x, y);
        self.path.move_to(x, y);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        let (x, y) = (self.place)(x, y);
        self.path.line_to(x, y);
    }

    fn quad_to(&mut self, cx: f32, cy: f32, x: f32, y: f32) {
        let ((cx, cy), (x, y)) = ((self.place)(cx, cy), (self.place)(x, y));
        self.path.quad_to(cx, cy, x, y);
    }

    fn curve_to(&mut self, ax: f32, ay: f32, bx: f32, by: f32, x: f32, y: f32) {
        let ((ax, ay), (bx, by)) = ((self.place)(ax, ay), (self.place)(bx, by));
        let (x, y) = (self.place)(x, y);
        self.path.cubic_to(ax, ay, bx, by, x, y);
    }

    fn close(&mut self) {
        self.path.close();
    }
}

/// A step of a plotted digit, in a box that is 1 wide and 1.7 high, downwards from its upper left corner.
#[derive(Clone, Copy)]
enum Step {
    To(f32, f32),
    Line(f32, f32),
    Curve(f32, f32, f32, f32, f32, f32),
}

use Step::{Curve, Line, To};

const ZERO: &[Step] = &[
    To(0.5, 0.0),
    Curve(0.95, 0.0, 1.0, 0.4, 1.0, 0.85),
    Curve(1.0, 1.3, 0.95, 1.7, 0.5, 1.7),
    Curve(0.05, 1.7, 0.0, 1.3, 0.0, 0.85),
    Curve(0.0, 0.4, 0.05, 0.0, 0.5, 0.0),
];
const ONE: &[Step] = &[To(0.14, 0.44), Line(0.6, 0.0), Line(0.6, 1.7)];
const TWO: &[Step] = &[
    To(0.06, 0.32),
    Curve(0.15, 0.05, 0.35, 0.0, 0.5, 0.0),
    Curve(0.8, 0.0, 0.98, 0.2, 0.98, 0.48),
    Curve(0.98, 0.95, 0.05, 1.1, 0.02, 1.7),
    Line(1.0, 1.7),
];
const THREE: &[Step] = &[
    To(0.08, 0.0),
    Line(0.95, 0.0),
    Line(0.42, 0.66),
    Curve(0.8, 0.66, 1.0, 0.88, 1.0, 1.17),
    Curve(1.0, 1.5, 0.75, 1.7, 0.45, 1.7),
    Curve(0.25, 1.7, 0.1, 1.64, 0.0, 1.55),
];
const FOUR: &[Step] = &[
    To(0.58, 0.0),
    Line(0.0, 1.2),
    Line(1.0, 1.2),
    To(0.72, 0.74),
    Line(0.72, 1.7),
];
const FIVE: &[Step] = &[
    To(0.92, 0.0),
    Line(0.14, 0.0),
    Line(0.1, 0.7),
    Curve(0.25, 0.62, 0.4, 0.6, 0.5, 0.6),
    Curve(0.8, 0.6, 1.0, 0.83, 1.0, 1.14),
    Curve(1.0, 1.5, 0.75, 1.7, 0.42, 1.7),
    Curve(0.25, 1.7, 0.1, 1.66, 0.02, 1.6),
];
const SIX: &[Step] = &[
    To(0.72, 0.0),
    Curve(0.35, 0.35, 0.02, 0.75, 0.02, 1.15),
    Curve(0.02, 1.5, 0.22, 1.7, 0.5, 1.7),
    Curve(0.8, 1.7, 1.0, 1.48, 1.0, 1.17),
    Curve(1.0, 0.87, 0.8, 0.66, 0.5, 0.66),
    Curve(0.3, 0.66, 0.12, 0.78, 0.05, 0.95),
];
const SEVEN: &[Step] = &[
    To(0.02, 0.0),
    Line(1.0, 0.0),
    Curve(0.7, 0.55, 0.42, 1.0, 0.4, 1.7),
];
const EIGHT: &[Step] = &[
    To(0.5, 0.78),
    Curve(0.2, 0.7, 0.08, 0.55, 0.08, 0.38),
    Curve(0.08, 0.15, 0.25, 0.0, 0.5, 0.0),
    Curve(0.75, 0.0, 0.92, 0.15, 0.92, 0.38),
    Curve(0.92, 0.55, 0.8, 0.7, 0.5, 0.78),
    Curve(0.15, 0.88, 0.0, 1.05, 0.0, 1.27),
    Curve(0.0, 1.53, 0.2, 1.7, 0.5, 1.7),
    Curve(0.8, 1.7, 1.0, 1.53, 1.0, 1.27),
    Curve(1.0, 1.05, 0.85, 0.88, 0.5, 0.78),
];

/// Draws the skeleton of a digit whose centre is at `middle`.
fn plot(digit: char, foot: bool, middle: f32, pen: &mut Pen<'_>) {
    // A 9 is a 6 that stands on its head.
    let (steps, turned) = match digit {
        '0' => (ZERO, false),
        '1' => (ONE, false),
        '2' => (TWO, false),
        '3' => (THREE, false),
        '4' => (FOUR, false),
        '5' => (FIVE, false),
        '6' => (SIX, false),
        '7' => (SEVEN, false),
        '8' => (EIGHT, false),
        _ => (SIX, true),
    };
    // The pen adds half its width on each side.
    let (wide, high) = (
        PLOTTED_WIDTH - PLOTTED_PEN,
        (PLOTTED_HEIGHT - PLOTTED_PEN) / 1.7,
    );
    let place = |x: f32, y: f32| {
        let (x, y) = if turned { (1.0 - x, 1.7 - y) } else { (x, y) };
        (
            middle + (x - 0.5) * wide,
            (1.7 - y) * high + PLOTTED_PEN / 2.0,
        )
    };
    for step in steps {
        match *step {
            To(x, y) => {
                let (x, y) = place(x, y);
                pen.move_to(x, y);
            }
            Line(x, y) => {
                let (x, y) = place(x, y);
                pen.line_to(x, y);
            }
            Curve(ax, ay, bx, by, x, y) => {
                let ((ax, ay), (bx, by)) = (place(ax, ay), place(bx, by));
                let (x, y) = place(x, y);
                pen.curve_to(ax, ay, bx, by, x, y);
            }
        }
    }
    if digit == '1' && foot {
        let ((left, y), (right, _)) = (place(0.2, 1.7), place(1.0, 1.7));
        pen.move_to(left, y);
        pen.line_to(right, y);
    }
}

/// A path of what was drawn, if anything was.
pub(crate) fn path(draw: impl FnOnce(&mut PathBuilder)) -> Option<Path> {
    let mut builder = PathBuilder::new();
    draw(&mut builder);
    builder.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_face_draws_every_digit_about_as_large_as_the_standard_has_it() {
        for face in [Face::OcrB, Face::OcrBSharp, Face::Plotted] {
            for digit in '0'..='9' {
                let drawn = path(|path| Type::plain(face).digit(digit, (0.0, 0.0), path)).unwrap();
                let bounds = drawn.bounds();
                let pen = if face == Face::Plotted {
                    PLOTTED_PEN
                } else {
                    0.0
                };
                let height = bounds.height() + pen;
                assert!((2.1..2.6).contains(&height), "{face:?} {digit}: {height}");
                assert!(
                    bounds.left() > -0.95 && bounds.right() < 0.95,
                    "{face:?} {digit}"
                );
            }
        }
    }
}
