//! A layout as a PNG picture.

use skrifa::outline::OutlinePen;
use tiny_skia::{Color, FillRule, Paint, PathBuilder, Pixmap, Rect, Transform};

use crate::PaperRefusal;
use crate::layout::{Layout, Line, Mark, Shape};

/// Fewer pixels to a millimetre and a narrow bar of a coupon is hardly two pixels wide.
pub const PX_PER_MM_MIN: u32 = 8;
/// About 1,000 dots per inch: more than any printer shows, and 14 MB while a coupon is drawn.
pub const PX_PER_MM_MAX: u32 = 40;

/// Draws a layout in greys on white, `px_per_mm` pixels to a millimetre.
///
/// # Errors
/// [`PaperRefusal::PixelsPerMillimetre`] outside of 8 to 40; [`PaperRefusal::Unwritten`] if the
/// picture could not be encoded.
pub(crate) fn png(layout: &Layout, px_per_mm: u32) -> Result<Vec<u8>, PaperRefusal> {
    if !(PX_PER_MM_MIN..=PX_PER_MM_MAX).contains(&px_per_mm) {
        return Err(PaperRefusal::PixelsPerMillimetre {
            got: px_per_mm,
            least: PX_PER_MM_MIN,
            most: PX_PER_MM_MAX,
        });
    }
    let scale = px_per_mm as f32;
    let (width, height) = (
        (layout.width_mm * scale).round() as u32,
        (layout.height_mm * scale).round() as u32,
    );
    let mut pixels = Pixmap::new(width, height)
        .ok_or_else(|| PaperRefusal::unwritten("a picture without width or height"))?;
    pixels.fill(Color::WHITE);
    for mark in &layout.marks {
        draw(&mut pixels, mark, scale);
    }
    // Every mark is grey on white, so red, green and blue are the same byte and one is the picture.
    let greys: Vec<u8> = pixels.pixels().iter().map(|pixel| pixel.red()).collect();
    encode(&greys, width, height, px_per_mm).map_err(PaperRefusal::unwritten)
}

fn draw(pixels: &mut Pixmap, mark: &Mark, scale: f32) {
    let path = match &mark.shape {
        Shape::Line(line) => line_path(line),
        Shape::Bars(bars) => {
            let mut path = PathBuilder::new();
            for bar in bars {
                if let Some(rect) = Rect::from_xywh(bar.x_mm, bar.y_mm, bar.width_mm, bar.height_mm)
                {
                    path.push_rect(rect);
                }
            }
            path.finish()
        }
    };
    let lightness = mark.ink.lightness();
    let mut paint = Paint {
        anti_alias: true,
        ..Paint::default()
    };
    paint.set_color_rgba8(lightness, lightness, lightness, u8::MAX);
    if let Some(path) = path {
        let transform = Transform::from_scale(scale, scale);
        pixels.fill_path(&path, &paint, FillRule::Winding, transform, None);
    }
}

/// All outlines of a line as one path, in millimetres.
fn line_path(line: &Line) -> Option<tiny_skia::Path> {
    let mut pen = Pen {
        path: PathBuilder::new(),
        x_mm: line.x_mm,
        baseline_mm: line.baseline_mm,
    };
    for (x_mm, glyph) in line.pens() {
        pen.x_mm = x_mm;
        line.face.outline(glyph, line.em_mm, &mut pen);
    }
    pen.path.finish()
}

/// Takes outlines that grow upwards from their origin to their place on the paper.
struct Pen {
    path: PathBuilder,
    x_mm: f32,
    baseline_mm: f32,
}

impl OutlinePen for Pen {
    fn move_to(&mut self, x: f32, y: f32) {
        self.path.move_to(self.x_mm + x, self.baseline_mm - y);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        self.path.line_to(self.x_mm + x, self.baseline_mm - y);
    }

    fn quad_to(&mut self, cx: f32, cy: f32, x: f32, y: f32) {
        let (left, base) = (self.x_mm, self.baseline_mm);
        self.path.quad_to(left + cx, base - cy, left + x, base - y);
    }

    fn curve_to(&mut self, cx0: f32, cy0: f32, cx1: f32, cy1: f32, x: f32, y: f32) {
        let (left, base) = (self.x_mm, self.baseline_mm);
        self.path.cubic_to(
            left + cx0,
            base - cy0,
            left + cx1,
            base - cy1,
            left + x,
            base - y,
        );
    }

    fn close(&mut self) {
        self.path.close();
    }
}

fn encode(
    greys: &[u8],
    width: u32,
    height: u32,
    px_per_mm: u32,
) -> Result<Vec<u8>, png::EncodingError> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    // Told to whoever prints the picture, so that it comes out at its real size.
    let px_per_metre = px_per_mm * 1000;
    encoder.set_pixel_dims(Some(png::PixelDimensions {
        xppu: px_per_metre,
        yppu: px_per_metre,
        unit: png::Unit::Meter,
    }));
    let mut writer = encoder.write_header()?;
    writer.write_image_data(greys)?;
    writer.finish()?;
    Ok(bytes)
}
