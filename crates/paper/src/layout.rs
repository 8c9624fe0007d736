//! What stands where on a paper, in millimetres: the one description every output draws.
//!
//! Official forms are given in millimetres, so a layout is a list of marks with places, not a flow
//! of text. `document` writes it as PDF, `picture` as PNG; neither decides where anything goes.

use std::collections::BTreeSet;

use crate::PaperRefusal;
use crate::fonts::{Face, Glyph};

/// Millimetres in a typographic point (1/72 inch).
pub(crate) const MM_PER_POINT: f32 = 25.4 / 72.0;

/// A piece of paper with its marks; x to the right and y downwards from the top left corner.
#[derive(Clone)]
pub(crate) struct Layout {
    pub width_mm: f32,
    pub height_mm: f32,
    pub marks: Vec<Mark>,
    missing: BTreeSet<String>,
    too_long: Vec<&'static str>,
}

/// One thing printed: a line of text, or bars filled as one shape.
#[derive(Clone)]
pub(crate) struct Mark {
    /// What it is, for refusals and for the tests that measure it.
    pub part: &'static str,
    pub ink: Ink,
    pub shape: Shape,
}

/// What a mark looks like.
#[derive(Clone)]
pub(crate) enum Shape {
    Line(Line),
    Bars(Vec<Area>),
}

/// One line of text, shaped and placed.
#[derive(Clone)]
pub(crate) struct Line {
    pub face: Face,
    pub text: String,
    pub glyphs: Vec<Glyph>,
    /// The height of one em.
    pub em_mm: f32,
    /// Where the pen starts.
    pub x_mm: f32,
    pub baseline_mm: f32,
    /// Added to the width of every glyph, in em.
    pub spacing_em: f32,
}

/// How dark a mark is. Forms here are printed in black only.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Ink {
    Black,
    /// For what must not draw the eye or a scanner: labels, hairlines, crop marks.
    Grey,
    /// Behind the labels of a table.
    Shade,
}

/// A rectangle, in millimetres.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Area {
    pub x_mm: f32,
    pub y_mm: f32,
    pub width_mm: f32,
    pub height_mm: f32,
}

/// The look of a text.
#[derive(Clone, Copy)]
pub(crate) struct Style {
    pub face: Face,
    pub size_pt: f32,
    /// How small it may be set to fit its slot, before it is refused as too long.
    pub size_min_pt: f32,
    pub align: Align,
    pub ink: Ink,
}

/// Where a text stands in its slot.
#[derive(Clone, Copy)]
pub(crate) enum Align {
    Left,
    Center,
    Right,
    /// Spread evenly over the whole width (均等割付), as labels of Japanese forms are.
    Spread,
}

/// The room for one line of text.
#[derive(Clone, Copy)]
pub(crate) struct Slot {
    pub x_mm: f32,
    pub width_mm: f32,
    pub baseline_mm: f32,
}

impl Layout {
    /// An empty piece of paper.
    pub(crate) fn new(width_mm: f32, height_mm: f32) -> Self {
        Self {
            width_mm,
            height_mm,
            marks: Vec::new(),
            missing: BTreeSet::new(),
            too_long: Vec::new(),
        }
    }

    /// Writes one line of text into its slot, smaller if it must be.
    ///
    /// What cannot be written is remembered and refused by [`Layout::finish`], so that one look
    /// tells everything that is wrong with a paper.
    pub(crate) fn write(&mut self, part: &'static str, text: &str, style: Style, slot: Slot) {
        let glyphs = match style.face.shape(text) {
            Ok(glyphs) => glyphs,
            Err(missing) => {
                self.missing.extend(missing);
                return;
            }
        };
        let width_em: f32 = glyphs.iter().map(|glyph| glyph.advance_em).sum();
        let size_pt = style
            .size_pt
            .min(slot.width_mm / MM_PER_POINT / width_em.max(f32::EPSILON));
        // A hair of tolerance: twenty columns set to exactly their slot are not too long.
        if size_pt < style.size_min_pt * 0.999 {
            self.too_long.push(part);
            return;
        }
        let em_mm = size_pt * MM_PER_POINT;
        let room_mm = (slot.width_mm - width_em * em_mm).max(0.0);
        let gaps = glyphs.len().saturating_sub(1);
        let (start_mm, spacing_em) = match style.align {
            Align::Left => (0.0, 0.0),
            Align::Center => (room_mm / 2.0, 0.0),
            Align::Right => (room_mm, 0.0),
            Align::Spread if gaps == 0 => (room_mm / 2.0, 0.0),
            Align::Spread => (0.0, room_mm / em_mm / gaps as f32),
        };
        let line = Line {
            face: style.face,
            text: text.to_owned(),
            glyphs,
            em_mm,
            x_mm: slot.x_mm + start_mm,
            baseline_mm: slot.baseline_mm,
            spacing_em,
        };
        self.marks.push(Mark {
            part,
            ink: style.ink,
            shape: Shape::Line(line),
        });
    }

    /// Fills bars as one shape.
    pub(crate) fn fill(&mut self, part: &'static str, ink: Ink, bars: Vec<Area>) {
        self.marks.push(Mark {
            part,
            ink,
            shape: Shape::Bars(bars),
        });
    }

    /// Puts a smaller piece of paper on this one.
    pub(crate) fn place(&mut self, piece: Self, x_mm: f32, y_mm: f32) {
        self.marks
            .extend(piece.marks.into_iter().map(|mark| mark.moved(x_mm, y_mm)));
        self.missing.extend(piece.missing);
        self.too_long.extend(piece.too_long);
    }

    /// Remembers that a part does not fit.
    pub(crate) fn refuse_too_long(&mut self, part: &'static str) {
        self.too_long.push(part);
    }

    /// Remembers what cannot be written.
    pub(crate) fn refuse_missing(&mut self, characters: Vec<String>) {
        self.missing.extend(characters);
    }

    /// The layout, if everything could be written and stands on the paper.
    ///
    /// # Errors
    /// [`PaperRefusal::MissingGlyphs`] with every character no typeface has, then
    /// [`PaperRefusal::TooLong`] with every part that does not fit.
    pub(crate) fn finish(mut self) -> Result<Self, PaperRefusal> {
        if !self.missing.is_empty() {
            return Err(PaperRefusal::MissingGlyphs {
                characters: self.missing.into_iter().collect(),
            });
        }
        let paper = Area {
            x_mm: 0.0,
            y_mm: 0.0,
            width_mm: self.width_mm,
            height_mm: self.height_mm,
        };
        let beyond = |mark: &&Mark| mark.extent().is_some_and(|extent| !paper.holds(&extent));
        self.too_long
            .extend(self.marks.iter().filter(beyond).map(|mark| mark.part));
        if !self.too_long.is_empty() {
            return Err(PaperRefusal::TooLong {
                parts: self.too_long,
            });
        }
        Ok(self)
    }
}

impl Mark {
    fn moved(mut self, x_mm: f32, y_mm: f32) -> Self {
        match &mut self.shape {
            Shape::Line(line) => {
                line.x_mm += x_mm;
                line.baseline_mm += y_mm;
            }
            Shape::Bars(bars) => {
                for bar in bars {
                    bar.x_mm += x_mm;
                    bar.y_mm += y_mm;
                }
            }
        }
        self
    }

    /// The smallest rectangle around its ink; `None` for blanks.
    pub(crate) fn extent(&self) -> Option<Area> {
        match &self.shape {
            Shape::Line(line) => line.inked().reduce(Area::around),
            Shape::Bars(bars) => bars.iter().copied().reduce(Area::around),
        }
    }
}

impl Line {
    /// Each glyph with the place of its pen, in millimetres.
    pub(crate) fn pens(&self) -> impl Iterator<Item = (f32, &Glyph)> {
        self.glyphs.iter().scan(self.x_mm, |x_mm, glyph| {
            let pen_mm = *x_mm;
            *x_mm += (glyph.advance_em + self.spacing_em) * self.em_mm;
            Some((pen_mm, glyph))
        })
    }

    /// Where the ink of each glyph is.
    fn inked(&self) -> impl Iterator<Item = Area> {
        self.pens().filter_map(|(x_mm, glyph)| {
            let [left, bottom, right, top] = glyph.ink_em?;
            Some(Area {
                x_mm: x_mm + left * self.em_mm,
                y_mm: self.baseline_mm - top * self.em_mm,
                width_mm: (right - left) * self.em_mm,
                height_mm: (top - bottom) * self.em_mm,
            })
        })
    }
}

impl Ink {
    /// 0 is black, 255 is paper. The grey is dark enough to read at 6 pt (contrast 7:1).
    pub(crate) const fn lightness(self) -> u8 {
        match self {
            Self::Black => 0,
            Self::Grey => 0x59,
            Self::Shade => 0xec,
        }
    }
}

impl Area {
    /// As thin as office printers hold without breaks.
    pub(crate) const HAIRLINE_MM: f32 = 0.12;

    pub(crate) const fn new(x_mm: f32, y_mm: f32, width_mm: f32, height_mm: f32) -> Self {
        Self {
            x_mm,
            y_mm,
            width_mm,
            height_mm,
        }
    }

    /// A thin line to the right of the given point.
    pub(crate) const fn horizontal(x_mm: f32, y_mm: f32, width_mm: f32) -> Self {
        Self {
            x_mm,
            y_mm,
            width_mm,
            height_mm: Self::HAIRLINE_MM,
        }
    }

    /// A thin line down from the given point.
    pub(crate) const fn vertical(x_mm: f32, y_mm: f32, height_mm: f32) -> Self {
        Self {
            x_mm,
            y_mm,
            width_mm: Self::HAIRLINE_MM,
            height_mm,
        }
    }

    pub(crate) fn right_mm(&self) -> f32 {
        self.x_mm + self.width_mm
    }

    pub(crate) fn bottom_mm(&self) -> f32 {
        self.y_mm + self.height_mm
    }

    /// The smallest rectangle around both.
    fn around(self, other: Self) -> Self {
        let (x_mm, y_mm) = (self.x_mm.min(other.x_mm), self.y_mm.min(other.y_mm));
        Self {
            x_mm,
            y_mm,
            width_mm: self.right_mm().max(other.right_mm()) - x_mm,
            height_mm: self.bottom_mm().max(other.bottom_mm()) - y_mm,
        }
    }

    pub(crate) fn holds(&self, other: &Self) -> bool {
        self.x_mm <= other.x_mm
            && self.y_mm <= other.y_mm
            && other.right_mm() <= self.right_mm()
            && other.bottom_mm() <= self.bottom_mm()
    }
}

#[cfg(test)]
pub(crate) mod measure {
    //! What tests measure on a layout.

    use super::*;

    impl Area {
        /// The area with `by_mm` more on every side.
        pub(crate) fn grown(self, by_mm: f32) -> Self {
            Self {
                x_mm: self.x_mm - by_mm,
                y_mm: self.y_mm - by_mm,
                width_mm: self.width_mm + 2.0 * by_mm,
                height_mm: self.height_mm + 2.0 * by_mm,
            }
        }

        pub(crate) fn touches(&self, other: &Self) -> bool {
            self.x_mm < other.right_mm()
                && other.x_mm < self.right_mm()
                && self.y_mm < other.bottom_mm()
                && other.y_mm < self.bottom_mm()
        }
    }

    impl Mark {
        pub(crate) fn text(&self) -> Option<&str> {
            match &self.shape {
                Shape::Line(line) => Some(&line.text),
                Shape::Bars(_) => None,
            }
        }
    }

    impl Layout {
        /// The marks of one part.
        pub(crate) fn parts<'a>(&'a self, part: &'a str) -> impl Iterator<Item = &'a Mark> {
            self.marks.iter().filter(move |mark| mark.part == part)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STYLE: Style = Style {
        face: Face::Gothic,
        size_pt: 10.0,
        size_min_pt: 5.0,
        align: Align::Left,
        ink: Ink::Black,
    };
    const SLOT: Slot = Slot {
        x_mm: 10.0,
        width_mm: 40.0,
        baseline_mm: 20.0,
    };

    fn written(text: &str, style: Style) -> Result<Layout, PaperRefusal> {
        let mut layout = Layout::new(100.0, 100.0);
        layout.write("text", text, style, SLOT);
        layout.finish()
    }

    fn em_mm(layout: &Layout) -> f32 {
        match &layout.marks[0].shape {
            Shape::Line(line) => line.em_mm,
            Shape::Bars(_) => panic!("not a text"),
        }
    }

    #[test]
    fn a_short_text_keeps_its_size_and_a_long_one_shrinks_into_its_slot() {
        let short = written("山田", STYLE).unwrap();
        assert!((em_mm(&short) - 10.0 * MM_PER_POINT).abs() < 1e-4);
        let long = written(&"国".repeat(20), STYLE).unwrap();
        assert!((em_mm(&long) - 2.0).abs() < 1e-4);
        assert!(long.marks[0].extent().unwrap().right_mm() <= 50.0);
    }

    #[test]
    fn a_text_too_long_for_its_smallest_size_is_refused() {
        assert_eq!(
            written(&"国".repeat(30), STYLE).err(),
            Some(PaperRefusal::TooLong {
                parts: vec!["text"]
            })
        );
    }

    #[test]
    fn every_unknown_character_is_told_once_and_at_once() {
        let mut layout = Layout::new(100.0, 100.0);
        layout.write("name", "𠮷田", STYLE, SLOT);
        layout.write("address", "槗𠮷", STYLE, SLOT);
        assert_eq!(
            layout.finish().err(),
            Some(PaperRefusal::MissingGlyphs {
                characters: vec!["槗".into(), "𠮷".into()]
            })
        );
    }

    #[test]
    fn right_is_right_and_spread_fills_the_slot() {
        let ink = |align| {
            written("口口", Style { align, ..STYLE }).unwrap().marks[0]
                .extent()
                .unwrap()
        };
        let em = 10.0 * MM_PER_POINT;
        let (left, right) = (ink(Align::Left), ink(Align::Right));
        assert!((right.x_mm - left.x_mm - (40.0 - 2.0 * em)).abs() < 1e-3);
        let spread = ink(Align::Spread);
        assert!((spread.x_mm - left.x_mm).abs() < 1e-3);
        assert!((spread.right_mm() - right.right_mm()).abs() < 1e-3);
    }

    #[test]
    fn nothing_may_stand_beyond_the_paper() {
        let mut layout = Layout::new(30.0, 30.0);
        layout.fill("rule", Ink::Grey, vec![Area::horizontal(10.0, 10.0, 25.0)]);
        assert_eq!(
            layout.finish().err(),
            Some(PaperRefusal::TooLong {
                parts: vec!["rule"]
            })
        );
    }

    #[test]
    fn a_placed_piece_moves_with_all_its_marks() {
        let mut piece = written("口", STYLE).unwrap();
        piece.fill("rule", Ink::Grey, vec![Area::horizontal(1.0, 2.0, 3.0)]);
        let mut paper = Layout::new(200.0, 200.0);
        paper.place(piece, 100.0, 50.0);
        let rule = paper.parts("rule").next().unwrap().extent().unwrap();
        assert_eq!((rule.x_mm, rule.y_mm), (101.0, 52.0));
        assert!(paper.marks[0].extent().unwrap().x_mm > 110.0);
    }
}
