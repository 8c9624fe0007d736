//! Paper that is printed on: lengths in millimetres from the upper left corner, ink as reflectance.

use tiny_skia::{
    Color, FillRule, LineCap, LineJoin, Paint, Path, PathBuilder, Pixmap, Rect, Stroke, Transform,
};

use barcoders::sym::codabar::Codabar;
use qrcode::{EcLevel, QrCode, Version};

use crate::canvas::Canvas;
use crate::faces::{Face, PLOTTED_PEN, Type, path};

/// A rectangle in millimetres.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Area {
    pub(crate) left: f32,
    pub(crate) top: f32,
    pub(crate) width: f32,
    pub(crate) height: f32,
}

impl Area {
    pub(crate) fn right(&self) -> f32 {
        self.left + self.width
    }

    pub(crate) fn foot(&self) -> f32 {
        self.top + self.height
    }

    /// Clockwise from the upper left.
    pub(crate) fn corners(&self) -> [(f32, f32); 4] {
        let (right, foot) = (self.right(), self.foot());
        [
            (self.left, self.top),
            (right, self.top),
            (right, foot),
            (self.left, foot),
        ]
    }
}

/// White paper.
pub(crate) struct Sheet {
    pixels: Option<Pixmap>,
    px_per_mm: f32,
}

impl Sheet {
    pub(crate) fn new(width: f32, height: f32, px_per_mm: f32) -> Sheet {
        let mut pixels = Pixmap::new((width * px_per_mm) as u32, (height * px_per_mm) as u32);
        if let Some(pixels) = &mut pixels {
            pixels.fill(Color::WHITE);
        }
        Sheet { pixels, px_per_mm }
    }

    fn ink(grey: f32) -> Paint<'static> {
        let mut paint = Paint {
            anti_alias: true,
            ..Paint::default()
        };
        let level = (grey.clamp(0.0, 1.0) * 255.0) as u8;
        paint.set_color_rgba8(level, level, level, u8::MAX);
        paint
    }

    pub(crate) fn fill(&mut self, path: Option<Path>, grey: f32) {
        let scale = Transform::from_scale(self.px_per_mm, self.px_per_mm);
        if let (Some(pixels), Some(path)) = (&mut self.pixels, path) {
            pixels.fill_path(&path, &Sheet::ink(grey), FillRule::Winding, scale, None);
        }
    }

    pub(crate) fn stroke(&mut self, path: Option<Path>, width: f32, grey: f32) {
        let stroke = Stroke {
            width,
            line_cap: LineCap::Round,
            line_join: LineJoin::Round,
            ..Stroke::default()
        };
        let scale = Transform::from_scale(self.px_per_mm, self.px_per_mm);
        if let (Some(pixels), Some(path)) = (&mut self.pixels, path) {
            pixels.stroke_path(&path, &Sheet::ink(grey), &stroke, scale, None);
        }
    }

    pub(crate) fn block(&mut self, area: Area, grey: f32) {
        let rect = Rect::from_xywh(area.left, area.top, area.width, area.height);
        self.fill(rect.map(PathBuilder::from_rect), grey);
    }

    pub(crate) fn rule(&mut self, from: (f32, f32), to: (f32, f32), width: f32, grey: f32) {
        let line = path(|path| {
            path.move_to(from.0, from.1);
            path.line_to(to.0, to.1);
        });
        self.stroke(line, width, grey);
    }

    pub(crate) fn frame(&mut self, area: Area, width: f32, grey: f32) {
        let rect = Rect::from_xywh(area.left, area.top, area.width, area.height);
        self.stroke(rect.map(PathBuilder::from_rect), width, grey);
    }

    /// Text in the gothic, `size` high, its upper left corner at a place.
    pub(crate) fn text(&mut self, (left, top): (f32, f32), text: &str, size: f32, grey: f32) {
        let written = path(|path| {
            let mut x = left;
            for character in text.chars() {
                x += Face::Gothic.write(character, size, (x, top + 0.88 * size), path);
            }
        });
        self.fill(written, grey);
    }

    /// The digits of a line, `pitch` apart; the area begins half a pitch before the first digit's centre.
    pub(crate) fn line(&mut self, digits: &str, cut: &Type, area: Area, pitch: f32) {
        let drawn = path(|path| {
            for (index, digit) in digits.chars().enumerate() {
                let centre = area.left + pitch * (index as f32 + 0.5);
                cut.digit(digit, (centre, area.foot()), path);
            }
        });
        if cut.is_stroked() {
            self.stroke(drawn, PLOTTED_PEN + 2.0 * cut.bolder, 0.0);
            return;
        }
        self.fill(drawn.clone(), 0.0);
        if cut.bolder > 0.0 {
            self.stroke(drawn, 2.0 * cut.bolder, 0.0);
        } else if cut.bolder < 0.0 {
            self.stroke(drawn, -2.0 * cut.bolder, 1.0);
        }
    }

    /// A QR code of model 2, version 1 at level M, as coupons have it.
    pub(crate) fn qr(&mut self, digits: &str, area: Area) {
        let Ok(code) = QrCode::with_version(digits, Version::Normal(1), EcLevel::M) else {
            return;
        };
        let module = area.width / code.width() as f32;
        let dark = path(|path| {
            let colours = code.to_colors();
            for (row, line) in colours.chunks(code.width()).enumerate() {
                for (column, colour) in line.iter().enumerate() {
                    let (x, y) = (column as f32 * module, row as f32 * module);
                    let square = Rect::from_xywh(
                        area.left + x,
                        area.top + y,
                        module + 0.004,
                        module + 0.004,
                    );
                    if let (qrcode::Color::Dark, Some(square)) = (colour, square) {
                        path.push_rect(square);
                    }
                }
            }
        });
        self.fill(dark, 0.0);
    }

    /// An NW-7 code between two `A`, wide bars `ratio` times as wide as narrow ones.
    pub(crate) fn bars(&mut self, digits: &str, area: Area, ratio: f32) {
        let Ok(code) = Codabar::new(format!("A{digits}A")) else {
            return;
        };
        let modules = code.encode();
        let width = |run: &[u8]| if run.len() > 1 { ratio } else { 1.0 };
        let runs = || modules.chunk_by(|left, right| left == right);
        let narrow = area.width / runs().map(width).sum::<f32>();
        let mut x = area.left;
        let drawn = path(|path| {
            for run in runs() {
                let across = width(run) * narrow;
                let bar = Rect::from_xywh(x, area.top, across, area.height);
                if let (Some(1), Some(bar)) = (run.first(), bar) {
                    path.push_rect(bar);
                }
                x += across;
            }
        });
        self.fill(drawn, 0.0);
    }

    /// The paper as reflectance.
    pub(crate) fn canvas(self) -> Canvas {
        let Some(pixels) = self.pixels else {
            return Canvas::filled(1, 1, 1.0);
        };
        Canvas {
            width: pixels.width() as usize,
            height: pixels.height() as usize,
            values: pixels
                .pixels()
                .iter()
                .map(|pixel| f32::from(pixel.red()) / 255.0)
                .collect(),
        }
    }
}
