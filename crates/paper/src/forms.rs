//! What forms are made of: cells, paragraphs, frames.
//!
//! A text in a cell is broken into lines where the language allows it, set smaller if it must be,
//! and refused if it does not fit at its smallest size; nothing ever stands outside its cell.

use std::ops::Range;

use unicode_linebreak::{BreakOpportunity, linebreaks};

use crate::fonts::{Face, Glyph};
use crate::layout::{Align, Area, Ink, Layout, MM_PER_POINT, Slot, Style};

/// A4, and the margin every office printer leaves free.
pub(crate) const A4_WIDTH_MM: f32 = 210.0;
pub(crate) const A4_HEIGHT_MM: f32 = 297.0;
pub(crate) const MARGIN_MM: f32 = 10.0;
pub(crate) const A4_INNER_MM: f32 = A4_WIDTH_MM - 2.0 * MARGIN_MM;

/// The name of a paper.
pub(crate) const TITLE: Style = Style {
    face: Face::ProportionalGothic,
    size_pt: 14.0,
    size_min_pt: 9.0,
    align: Align::Left,
    ink: Ink::Black,
};
/// What is printed on every copy of a form.
pub(crate) const TEXT: Style = Style {
    size_pt: 8.5,
    size_min_pt: 6.5,
    ..TITLE
};
/// The name of a cell.
pub(crate) const LABEL: Style = Style {
    size_pt: 8.0,
    size_min_pt: 5.5,
    align: Align::Center,
    ..TITLE
};
/// What is filled in for one person.
pub(crate) const FILLED: Style = Style {
    face: Face::Gothic,
    size_pt: 10.0,
    size_min_pt: 5.0,
    ..TITLE
};
/// What explains, and needs no eye.
pub(crate) const NOTE: Style = Style {
    size_pt: 6.5,
    size_min_pt: 5.0,
    ink: Ink::Grey,
    ..TITLE
};

/// From one baseline to the next, in em.
const LEADING_EM: f32 = 1.3;
/// The middle of a kanji above its baseline, in em.
const MIDDLE_EM: f32 = 0.38;
/// Between a cell's frame and its text.
const PADDING_MM: f32 = 1.0;
/// How much smaller a text is tried, until it fits.
const SIZE_STEP_PT: f32 = 0.5;

impl Layout {
    /// An empty sheet of A4.
    pub(crate) fn a4() -> Self {
        Self::new(A4_WIDTH_MM, A4_HEIGHT_MM)
    }

    /// One line from `x_mm` on.
    pub(crate) fn line(
        &mut self,
        part: &'static str,
        text: &str,
        style: Style,
        [x_mm, baseline_mm, width_mm]: [f32; 3],
    ) {
        let slot = Slot {
            x_mm,
            width_mm,
            baseline_mm,
        };
        self.write(part, text, style, slot);
    }

    /// Writes into an area, line under line, in its middle.
    pub(crate) fn cell(&mut self, part: &'static str, text: &str, style: Style, area: Area) {
        let inner = area.inset(PADDING_MM, 0.2);
        self.set(part, text, style, inner, |room_mm| room_mm / 2.0);
    }

    /// Writes into an area, line under line, from its top.
    pub(crate) fn paragraph(&mut self, part: &'static str, text: &str, style: Style, area: Area) {
        self.set(part, text, style, area, |_| 0.0);
    }

    /// A cell that says what the one beside it holds.
    pub(crate) fn label(&mut self, text: &str, area: Area) {
        self.fill("shade", Ink::Shade, vec![area]);
        self.frame(area);
        self.cell("label", text, LABEL, area);
    }

    /// A framed cell with its label to the left.
    pub(crate) fn field(
        &mut self,
        part: &'static str,
        label: &str,
        text: &str,
        area: Area,
        label_mm: f32,
    ) {
        let [name, value] = area.columns([label_mm, area.width_mm - label_mm]);
        self.label(label, name);
        self.frame(value);
        self.cell(part, text, FILLED, value);
    }

    /// Four hairlines around an area.
    pub(crate) fn frame(&mut self, area: Area) {
        let hair = Area::HAIRLINE_MM;
        let sides = vec![
            Area::horizontal(area.x_mm, area.y_mm, area.width_mm),
            Area::horizontal(area.x_mm, area.bottom_mm() - hair, area.width_mm),
            Area::vertical(area.x_mm, area.y_mm, area.height_mm),
            Area::vertical(area.right_mm() - hair, area.y_mm, area.height_mm),
        ];
        self.fill("frame", Ink::Black, sides);
    }

    fn set(
        &mut self,
        part: &'static str,
        text: &str,
        style: Style,
        area: Area,
        above: impl Fn(f32) -> f32,
    ) {
        let Some((size_pt, lines)) = self.broken(part, text, style, area) else {
            return;
        };
        let em_mm = size_pt * MM_PER_POINT;
        let leading_mm = em_mm * LEADING_EM;
        // Less than nothing in a cell lower than a line's leading: its letters still stand in the middle.
        let room_mm = area.height_mm - leading_mm * lines.len() as f32;
        let first_mm = area.y_mm + above(room_mm) + leading_mm / 2.0 + em_mm * MIDDLE_EM;
        let style = Style {
            size_pt,
            size_min_pt: size_pt * 0.98,
            ..style
        };
        for (row, line) in lines.into_iter().enumerate() {
            let baseline_mm = first_mm + leading_mm * row as f32;
            self.line(part, line, style, [area.x_mm, baseline_mm, area.width_mm]);
        }
    }

    /// The largest size at which a text fits an area, and its lines at that size.
    fn broken<'a>(
        &mut self,
        part: &'static str,
        text: &'a str,
        style: Style,
        area: Area,
    ) -> Option<(f32, Vec<&'a str>)> {
        let mut missing = Vec::new();
        let shaped: Vec<(&str, Vec<Glyph>)> = text
            .lines()
            .map(|line| {
                let glyphs = style.face.shape(line).unwrap_or_else(|lacking| {
                    missing.extend(lacking);
                    Vec::new()
                });
                (line, glyphs)
            })
            .collect();
        if !missing.is_empty() {
            self.refuse_missing(missing);
            return None;
        }
        let mut size_pt = style.size_pt;
        // A hair of tolerance: what fills its area exactly is not too long.
        while size_pt > style.size_min_pt - 0.01 {
            let em_mm = size_pt * MM_PER_POINT;
            let width_em = area.width_mm / em_mm + 0.001;
            let lines: Vec<&str> = shaped
                .iter()
                .flat_map(|(line, glyphs)| wrapped(line, glyphs, width_em))
                .collect();
            // A single line may be as high as its letters.
            let height_em = LEADING_EM * (lines.len() as f32 - 1.0) + 1.0;
            if lines.is_empty() || height_em * em_mm <= area.height_mm + 0.001 {
                return Some((size_pt, lines));
            }
            size_pt -= SIZE_STEP_PT;
        }
        self.refuse_too_long(part);
        None
    }
}

/// How high a text is at its full size over a width, in millimetres. What cannot be written counts
/// as one line; [`Layout::finish`] tells it when it is.
pub(crate) fn height_mm(text: &str, style: Style, width_mm: f32) -> f32 {
    let em_mm = style.size_pt * MM_PER_POINT;
    let rows: usize = text
        .lines()
        .map(|line| {
            style
                .face
                .shape(line)
                .map_or(1, |glyphs| wrapped(line, &glyphs, width_mm / em_mm).len())
        })
        .sum();
    rows as f32 * LEADING_EM * em_mm
}

/// The lines of a text, none wider than `width_em`.
///
/// A word too long for a line of its own is broken anywhere, for an address without a blank is
/// better in two lines than not at all.
fn wrapped<'a>(text: &'a str, glyphs: &[Glyph], width_em: f32) -> Vec<&'a str> {
    let breaks: Vec<usize> = linebreaks(text)
        .filter(|(_, kind)| *kind == BreakOpportunity::Allowed)
        .map(|(at, _)| at)
        .collect();
    let mut lines = Vec::new();
    let mut line = Pending::default();
    for glyph in glyphs {
        if glyph.text.start > line.start && breaks.binary_search(&glyph.text.start).is_ok() {
            line.last_break = Some((glyph.text.start, line.width_em));
        }
        line.width_em += glyph.advance_em;
        // A blank may hang over the edge: nobody sees it.
        if line.width_em <= width_em || glyph.ink_em.is_none() {
            continue;
        }
        let (end, width_before_em) = match line.last_break {
            Some(last) => last,
            None if glyph.text.start > line.start => {
                (glyph.text.start, line.width_em - glyph.advance_em)
            }
            None => continue,
        };
        lines.push(line.start..end);
        line = Pending {
            start: end,
            width_em: line.width_em - width_before_em,
            last_break: None,
        };
    }
    if line.start < text.len() {
        lines.push(line.start..text.len());
    }
    let cut = |range: Range<usize>| text.get(range).unwrap_or_default().trim_end();
    lines.into_iter().map(cut).collect()
}

/// A line that is not full yet.
#[derive(Default)]
struct Pending {
    /// The byte it begins at.
    start: usize,
    width_em: f32,
    /// Where it may end, and its width up to there.
    last_break: Option<(usize, f32)>,
}

impl Area {
    /// The area with so much less at the sides, and above and below.
    pub(crate) fn inset(self, sides_mm: f32, ends_mm: f32) -> Self {
        Self {
            x_mm: self.x_mm + sides_mm,
            y_mm: self.y_mm + ends_mm,
            width_mm: (self.width_mm - 2.0 * sides_mm).max(0.0),
            height_mm: (self.height_mm - 2.0 * ends_mm).max(0.0),
        }
    }

    /// Cells side by side, from the left.
    pub(crate) fn columns<const COUNT: usize>(self, widths_mm: [f32; COUNT]) -> [Self; COUNT] {
        let mut x_mm = self.x_mm;
        widths_mm.map(|width_mm| {
            let cell = Self {
                x_mm,
                width_mm,
                ..self
            };
            x_mm += width_mm;
            cell
        })
    }

    /// Cells one below the other, from the top.
    pub(crate) fn rows<const COUNT: usize>(self, heights_mm: [f32; COUNT]) -> [Self; COUNT] {
        let mut y_mm = self.y_mm;
        heights_mm.map(|height_mm| {
            let cell = Self {
                y_mm,
                height_mm,
                ..self
            };
            y_mm += height_mm;
            cell
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::PaperRefusal;

    fn lines(text: &str, columns: f32) -> Vec<&str> {
        let glyphs = Face::Gothic.shape(text).unwrap();
        wrapped(text, &glyphs, columns)
    }

    #[test]
    fn a_line_ends_where_the_language_allows_it() {
        assert_eq!(
            lines("接種日、会場、医師", 4.0),
            ["接種日、", "会場、医", "師"]
        );
        // No line begins with a comma, nor ends with an opening bracket.
        assert_eq!(lines("接種日は、今日", 4.0), ["接種日", "は、今日"]);
        assert_eq!(lines("接種日「本日」", 4.0), ["接種日", "「本日」"]);
        assert_eq!(lines("Dose of today", 4.0), ["Dose of", "today"]);
    }

    #[test]
    fn a_word_too_long_for_a_line_is_broken_anyway() {
        assert_eq!(lines("ABCDEFGHIJ", 2.0), ["ABCD", "EFGH", "IJ"]);
    }

    #[test]
    fn a_cell_sets_a_long_text_smaller_and_refuses_a_longer_one() {
        let cell = Area::new(10.0, 10.0, 30.0, 6.0);
        let written = |count| {
            let mut page = Layout::a4();
            page.cell("address", &"国".repeat(count), FILLED, cell);
            page.finish()
        };
        let marks = written(20).unwrap().marks;
        assert_eq!(marks.len(), 2);
        assert!(marks.iter().all(|mark| cell.holds(&mark.extent().unwrap())));
        assert_eq!(
            written(100).err(),
            Some(PaperRefusal::TooLong {
                parts: vec!["address"]
            })
        );
    }

    proptest! {
        #[test]
        fn no_text_leaves_its_cell(
            text in "[ -~ぁ-んァ-ヶ一-十、。「」()〓 ]{0,80}",
            width_mm in 8.0..120.0_f32,
            height_mm in 3.0..30.0_f32,
        ) {
            let cell = Area::new(20.0, 20.0, width_mm, height_mm);
            let mut page = Layout::a4();
            page.cell("name", &text, FILLED, cell);
            match page.finish() {
                Ok(page) => for mark in &page.marks {
                    let inside = mark.extent().is_none_or(|ink| cell.grown(0.3).holds(&ink));
                    prop_assert!(inside, "{:?}", mark.extent());
                },
                Err(PaperRefusal::MissingGlyphs { .. } | PaperRefusal::TooLong { .. }) => {}
                Err(other) => prop_assert!(false, "{other}"),
            }
        }

        #[test]
        fn lines_hold_every_letter_in_its_order(text in "[A-Za-z一-十、。 ]{0,60}", columns in 1.0..20.0_f32) {
            let glyphs = match Face::Gothic.shape(&text) {
                Ok(glyphs) => glyphs,
                Err(_) => return Ok(()),
            };
            let together: String = wrapped(&text, &glyphs, columns).concat();
            let letters = |text: &str| text.chars().filter(|c| *c != ' ').collect::<String>();
            prop_assert_eq!(letters(&together), letters(&text));
        }
    }
}
