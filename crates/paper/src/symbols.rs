//! The two symbols of a coupon as bars: the QR code (二次元コード) and the NW-7 barcode.

use qrcode::{EcLevel, QrCode, Version};

use crate::layout::Area;

/// A QR model 2 code of the digits, as horizontal bars that fill `area`.
///
/// Version 1 at level M: 34 digits fit, 18 are needed, and at 10 mm its 21 modules are as large as
/// the space allows. `None` if the text does not fit.
pub(crate) fn qr_bars(digits: &str, area: Area) -> Option<Vec<Area>> {
    let code = QrCode::with_version(digits, Version::Normal(1), EcLevel::M).ok()?;
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
    Some(bars)
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
    let widths = nw7_widths(digits)?;
    let narrow_mm = area.width_mm / widths.iter().sum::<f32>();
    let mut bars = Vec::new();
    let mut x_mm = area.x_mm;
    for (element, width) in widths.into_iter().enumerate() {
        let width_mm = width * narrow_mm;
        // Seven elements and a gap to a character: the even ones are bars, the odd ones spaces.
        if element % 2 == 0 {
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

/// Bars and spaces in turn, in narrow elements, without the gap after the last character.
fn nw7_widths(digits: &str) -> Option<Vec<f32>> {
    let mut widths = Vec::new();
    for character in ['A'].into_iter().chain(digits.chars()).chain(['A']) {
        if !widths.is_empty() {
            widths.push(1.0);
        }
        let wide = nw7_pattern(character)?;
        widths.extend(
            (0..7)
                .rev()
                .map(|bit| if wide >> bit & 1 == 1 { NW7_WIDE } else { 1.0 }),
        );
    }
    Some(widths)
}

/// The seven elements of a character, bar first; 1 is wide (JIS X 0506).
fn nw7_pattern(character: char) -> Option<u8> {
    Some(match character {
        '0' => 0b000_0011,
        '1' => 0b000_0110,
        '2' => 0b000_1001,
        '3' => 0b110_0000,
        '4' => 0b001_0010,
        '5' => 0b100_0010,
        '6' => 0b010_0001,
        '7' => 0b010_0100,
        '8' => 0b011_0000,
        '9' => 0b100_1000,
        'A' => 0b001_1010,
        _ => return None,
    })
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
        assert_eq!(nw7_bars("12a", UNIT), None);
    }
}
