//! The two symbols of a coupon as bars: the QR code (二次元コード) and the NW-7 barcode.

use barcoders::sym::codabar::Codabar;
use qrcode::{EcLevel, QrCode, Version};

use crate::layout::Area;

/// A QR model 2 code of the digits, as horizontal bars that fill `area`.
///
/// Version 1 at level M: 34 digits fit, 18 are needed, and at 10 mm its 21 modules are as large as
/// the space allows. `None` if the text does not fit.
pub(crate) fn qr_bars(digits: &str, area: Area) -> Option<Vec<Area>> {
    let code = QrCode::with_version(digits, Version::Normal(1), EcLevel::M).ok()?;
    Some(modules_in(&code, area))
}

/// A QR model 2 code of any text at level M, in the smallest version that holds it.
///
/// Level M repairs 15 %: a form is folded, stapled and written on. `None` beyond what the largest
/// version holds.
pub(crate) fn draft_bars(text: &str, area: Area) -> Option<Vec<Area>> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
    Some(modules_in(&code, area))
}

fn modules_in(code: &QrCode, area: Area) -> Vec<Area> {
    let modules = code.width();
    let (width_mm, height_mm) = (
        area.width_mm / modules as f32,
        area.height_mm / modules as f32,
    );
    let colors = code.to_colors();
    let mut bars = Vec::new();
    for (row, line) in colors.chunks(modules).enumerate() {
        let mut column = 0;
        for run in line.chunk_by(|left, right| left == right) {
            if run.first() == Some(&qrcode::Color::Dark) {
                bars.push(Area {
                    x_mm: area.x_mm + column as f32 * width_mm,
                    y_mm: area.y_mm + row as f32 * height_mm,
                    width_mm: run.len() as f32 * width_mm,
                    height_mm,
                });
            }
            column += run.len();
        }
    }
    bars
}

/// How many narrow elements a wide one is as wide as: the middle of what NW-7 allows (2 to 3), the
/// best for cameras because bars stay tellable when blurred and the symbol stays coarse.
const NW7_WIDE: f32 = 2.5;

/// The clear space an NW-7 symbol wants on both sides, in narrow elements.
#[cfg(test)]
pub(crate) const NW7_QUIET: f32 = 10.0;

/// An NW-7 (Codabar) symbol of the digits between two `A`, as bars that fill `area`.
///
/// `None` if there is anything but digits.
pub(crate) fn nw7_bars(digits: &str, area: Area) -> Option<Vec<Area>> {
    // The code has signs and letters too; inside ours a letter would be taken for its end.
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let modules = Codabar::new(format!("A{digits}A")).ok()?.encode();
    // The crate draws a wide element as two modules; only which ones are wide is taken from it.
    let width = |run: &[u8]| if run.len() > 1 { NW7_WIDE } else { 1.0 };
    let runs = || modules.chunk_by(|left, right| left == right);
    let narrow_mm = area.width_mm / runs().map(width).sum::<f32>();
    let mut bars = Vec::new();
    let mut x_mm = area.x_mm;
    for run in runs() {
        let width_mm = width(run) * narrow_mm;
        if run.first() == Some(&1) {
            bars.push(Area {
                x_mm,
                width_mm,
                ..area
            });
        }
        x_mm += width_mm;
    }
    Some(bars)
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNIT: Area = Area {
        x_mm: 0.0,
        y_mm: 0.0,
        width_mm: 21.0,
        height_mm: 21.0,
    };

    #[test]
    fn eighteen_digits_fit_a_version_1_code_with_its_three_finders() {
        let bars = qr_bars("211310160000012345", UNIT).unwrap();
        let finder = |x: f32, y: f32| {
            bars.iter().any(|bar| {
                (bar.x_mm - x).abs() < 1e-4 && (bar.y_mm - y).abs() < 1e-4 && bar.width_mm >= 6.999
            })
        };
        assert!(finder(0.0, 0.0) && finder(14.0, 0.0) && finder(0.0, 14.0));
        assert!(
            bars.iter()
                .all(|bar| bar.right_mm() <= 21.001 && bar.bottom_mm() <= 21.001)
        );
    }

    #[test]
    fn more_than_a_version_1_code_holds_is_not_drawn() {
        assert_eq!(qr_bars(&"1".repeat(35), UNIT), None);
    }

    #[test]
    fn a_barcode_fills_its_width_and_keeps_wide_at_two_and_a_half() {
        let area = Area {
            x_mm: 3.0,
            y_mm: 0.0,
            width_mm: 37.21,
            height_mm: 5.6,
        };
        let bars = nw7_bars("0000012345", area).unwrap();
        assert_eq!(bars.len(), 12 * 4);
        assert_eq!(bars.first().map(|bar| bar.x_mm), Some(3.0));
        assert!((bars.last().unwrap().right_mm() - 40.21).abs() < 1e-3);
        let narrow = bars.iter().map(|bar| bar.width_mm).fold(f32::MAX, f32::min);
        assert!(bars.iter().all(|bar| {
            let ratio = bar.width_mm / narrow;
            (ratio - 1.0).abs() < 1e-3 || (ratio - NW7_WIDE).abs() < 1e-3
        }));
        assert!(narrow > 0.25, "a narrow bar is at least 0.25 mm: {narrow}");
    }

    #[test]
    fn only_digits_become_a_barcode() {
        for text in ["12a", "12A4", "12-4", "１２"] {
            assert_eq!(nw7_bars(text, UNIT), None, "{text}");
        }
    }
}
