//! Layouts as a PDF document.

use std::sync::LazyLock;

use krilla::Document;
use krilla::color::luma;
use krilla::geom::{PathBuilder, Point, Rect};
use krilla::metadata::Metadata;
use krilla::num::NormalizedF32;
use krilla::page::PageSettings;
use krilla::paint::Fill;
use krilla::surface::Surface;
use krilla::text::{Font, GlyphId, KrillaGlyph};

use crate::PaperRefusal;
use crate::fonts::Face;
use crate::layout::{Layout, Line, MM_PER_POINT, Mark, Shape};

/// A PDF while it is written.
///
/// Fonts are embedded with only the glyphs used. There is no date and no random id in it, so the
/// same pages are the same bytes. A page is drawn when it is added; what is kept of it is a fraction
/// of its layout.
pub(crate) struct Pdf {
    document: Document,
}

impl Pdf {
    /// A document without pages.
    pub(crate) fn new(title: &str) -> Self {
        let mut document = Document::new();
        document.set_metadata(
            Metadata::new()
                .title(title.to_owned())
                .language("ja".to_owned())
                .creator("Sesshu".to_owned()),
        );
        Self { document }
    }

    /// Draws a layout as the next page.
    ///
    /// # Errors
    /// [`PaperRefusal::Unwritten`] for a page without width or height.
    pub(crate) fn add(&mut self, layout: &Layout) -> Result<(), PaperRefusal> {
        let settings = PageSettings::from_wh(points(layout.width_mm), points(layout.height_mm))
            .ok_or_else(|| PaperRefusal::unwritten("a page without width or height"))?;
        let mut page = self.document.start_page_with(settings);
        let mut surface = page.surface();
        for mark in &layout.marks {
            draw(&mut surface, mark);
        }
        surface.finish();
        page.finish();
        Ok(())
    }

    /// The file.
    ///
    /// # Errors
    /// [`PaperRefusal::Unwritten`] if the document could not be assembled.
    pub(crate) fn finish(self) -> Result<Vec<u8>, PaperRefusal> {
        self.document.finish().map_err(PaperRefusal::unwritten)
    }
}

fn draw(surface: &mut Surface<'_>, mark: &Mark) {
    let lightness = mark.ink.lightness();
    surface.set_fill(Some(Fill {
        paint: luma::Color::new(lightness).into(),
        opacity: NormalizedF32::ONE,
        rule: Default::default(),
    }));
    match &mark.shape {
        Shape::Line(line) => draw_line(surface, line),
        Shape::Bars(bars) => {
            let mut path = PathBuilder::new();
            for bar in bars {
                let rect = Rect::from_xywh(
                    points(bar.x_mm),
                    points(bar.y_mm),
                    points(bar.width_mm),
                    points(bar.height_mm),
                );
                if let Some(rect) = rect {
                    path.push_rect(rect);
                }
            }
            if let Some(path) = path.finish() {
                surface.draw_path(&path);
            }
        }
    }
}

fn draw_line(surface: &mut Surface<'_>, line: &Line) {
    let glyphs: Vec<KrillaGlyph> = line
        .glyphs
        .iter()
        .map(|glyph| {
            let advance_em = glyph.advance_em + line.spacing_em;
            KrillaGlyph::new(
                GlyphId::new(glyph.id),
                advance_em,
                0.0,
                0.0,
                0.0,
                glyph.text.clone(),
                None,
            )
        })
        .collect();
    let start = Point::from_xy(points(line.x_mm), points(line.baseline_mm));
    surface.draw_glyphs(
        start,
        &glyphs,
        font(line.face),
        &line.text,
        points(line.em_mm),
        false,
    );
}

/// The faces as the PDF writer wants them, opened once: it hashes each whole file to tell fonts apart.
fn font(face: Face) -> Font {
    static GOTHIC: LazyLock<Font> = LazyLock::new(|| opened(Face::Gothic));
    static PROPORTIONAL_GOTHIC: LazyLock<Font> = LazyLock::new(|| opened(Face::ProportionalGothic));
    static OCR_B: LazyLock<Font> = LazyLock::new(|| opened(Face::OcrB));
    match face {
        Face::Gothic => GOTHIC.clone(),
        Face::ProportionalGothic => PROPORTIONAL_GOTHIC.clone(),
        Face::OcrB => OCR_B.clone(),
    }
}

#[expect(
    clippy::expect_used,
    reason = "the file is part of the program and a test writes with each of the three"
)]
fn opened(face: Face) -> Font {
    Font::new(face.bytes().into(), 0).expect("an embedded font opens")
}

fn points(mm: f32) -> f32 {
    mm / MM_PER_POINT
}
