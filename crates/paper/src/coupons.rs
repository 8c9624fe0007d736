//! The coupon (接種券): a seal of 63 × 34 mm that a person, a scanner and a tablet read.
//!
//! ```text
//! 接種券                              1回目
//! ─────────────────────────────────────────
//! 請求先  東京都千代田区             131016
//! 券番号  0000012345
//! 氏　名  厚生　太郎
//!
//! ║█║█║║█║█║█║║█║█║║█║║█║         █▀█ ▄ █▀█   NW-7: the number      QR: the 18 digits
//! 2 1 1 3 1 0 1 6 0 0 0 0 …         █▄█ ▀ ▀▄▀   OCR-B: the 18 digits
//! ```

use domain::coupons::{Coupon, CouponKind, turns};
use domain::places::Places;

use crate::PaperRefusal;
use crate::fonts::Face;
use crate::layout::{Align, Area, Ink, Layout, MM_PER_POINT, Slot, Style};
use crate::picture::png;
use crate::symbols::{nw7_bars, qr_bars};

/// Draws one coupon as a PNG picture of the seal alone, `px_per_mm` pixels to a millimetre.
///
/// # Errors
/// When the coupon means nothing printable, the name or the city has a character no typeface has,
/// or the picture would be too coarse or too large.
pub fn coupon_png(
    coupon: &Coupon,
    city_name: &str,
    recipient_name: &str,
    px_per_mm: u32,
) -> Result<Vec<u8>, PaperRefusal> {
    png(
        &coupon_layout(coupon, city_name, recipient_name)?.finish()?,
        px_per_mm,
    )
}

/// The columns of a name that are printed, in full-width characters (TB/130); the rest is cut.
pub const NAME_COLUMNS_MAX: usize = 20;

/// The seal (TB/62).
pub(crate) const WIDTH_MM: f32 = 63.0;
/// 33 to 35 mm are allowed (TB/62).
pub(crate) const HEIGHT_MM: f32 = 34.0;

/// More than the 1 mm the handbook keeps clear inside the frame (TB/130): also the quiet zone of
/// the barcode on its left and of the QR code on its right.
const LEFT_MM: f32 = 3.0;
const RIGHT_MM: f32 = WIDTH_MM - LEFT_MM;
const CONTENT_MM: f32 = RIGHT_MM - LEFT_MM;
const LABEL_WIDTH_MM: f32 = 8.0;
const VALUE_X_MM: f32 = 13.0;
/// Room for the six digits of the city and a gap before them.
const CITY_CODE_MM: f32 = 13.0;

const TITLE_BASELINE_MM: f32 = 6.1;
const RULE_Y_MM: f32 = 7.7;
const ISSUER_BASELINE_MM: f32 = 11.4;
const NUMBER_BASELINE_MM: f32 = 15.3;
const NAME_BASELINE_MM: f32 = 19.3;
const LINE_BASELINE_MM: f32 = 32.0;

/// OCR-B at 9 pt (TB/130).
const LINE_SIZE_PT: f32 = 9.0;
/// The height of the embedded face's digits, in em.
const LINE_DIGIT_EM: f32 = 0.75;
/// The blank left of an OCR-B digit, taken back so that the line stands flush with the barcode.
const LINE_BEARING_MM: f32 = 0.25;
/// Blank between barcode and OCR line (TB/130).
const LINE_GAP_MM: f32 = 2.0;

/// 37.21 × 5.6 mm (TB/130).
const BARCODE: Area = Area {
    x_mm: LEFT_MM,
    y_mm: LINE_BASELINE_MM - LINE_SIZE_PT * MM_PER_POINT * LINE_DIGIT_EM - LINE_GAP_MM - 5.6,
    width_mm: 37.21,
    height_mm: 5.6,
};

/// 10 × 10 mm (TB/130), flush with the margin and the foot of the OCR line. The 11 × 11 mm reserved
/// for it, and the four modules of quiet zone around, are clear.
const QR: Area = Area {
    x_mm: RIGHT_MM - 10.0,
    y_mm: LINE_BASELINE_MM - 10.0,
    width_mm: 10.0,
    height_mm: 10.0,
};

const TITLE: Style = Style {
    face: Face::ProportionalGothic,
    size_pt: 12.0,
    size_min_pt: 12.0,
    align: Align::Left,
    ink: Ink::Black,
};
const TURN: Style = Style {
    align: Align::Right,
    ..TITLE
};
const LABEL: Style = Style {
    face: Face::ProportionalGothic,
    size_pt: 6.0,
    size_min_pt: 6.0,
    align: Align::Spread,
    ink: Ink::Grey,
};
const VALUE: Style = Style {
    face: Face::ProportionalGothic,
    size_pt: 8.0,
    size_min_pt: 5.5,
    align: Align::Left,
    ink: Ink::Black,
};
const CITY_CODE: Style = Style {
    align: Align::Right,
    ..VALUE
};
/// Half-width letters are half an em here, so what fits 20 columns always fits the slot.
const NAME: Style = Style {
    face: Face::Gothic,
    size_pt: 9.5,
    size_min_pt: 6.5,
    ..VALUE
};
const LINE: Style = Style {
    face: Face::OcrB,
    size_pt: LINE_SIZE_PT,
    size_min_pt: LINE_SIZE_PT,
    ..TITLE
};

/// Lays out one coupon. What has no glyph is told by [`Layout::finish`].
pub(crate) fn coupon_layout(
    coupon: &Coupon,
    city_name: &str,
    recipient_name: &str,
) -> Result<Layout, PaperRefusal> {
    let mut seal = Layout::new(WIDTH_MM, HEIGHT_MM);
    write_heading(&mut seal, coupon)?;

    let value = |baseline_mm| Slot {
        x_mm: VALUE_X_MM,
        width_mm: RIGHT_MM - VALUE_X_MM,
        baseline_mm,
    };
    let issuer = value(ISSUER_BASELINE_MM);
    let beside_code = Slot {
        width_mm: issuer.width_mm - CITY_CODE_MM,
        ..issuer
    };
    label(&mut seal, "請求先", ISSUER_BASELINE_MM);
    seal.write(
        "issuer",
        &issuer_name(coupon, city_name),
        VALUE,
        beside_code,
    );
    seal.write("city code", coupon.municipality.as_str(), CITY_CODE, issuer);
    label(&mut seal, "券番号", NUMBER_BASELINE_MM);
    seal.write(
        "number",
        coupon.number.as_str(),
        VALUE,
        value(NUMBER_BASELINE_MM),
    );
    label(&mut seal, "氏名", NAME_BASELINE_MM);
    let name = first_columns(recipient_name, NAME_COLUMNS_MAX);
    seal.write("name", name, NAME, value(NAME_BASELINE_MM));

    draw_codes(&mut seal, coupon)?;
    Ok(seal)
}

/// 券種 and 回数, above a hairline.
fn write_heading(seal: &mut Layout, coupon: &Coupon) -> Result<(), PaperRefusal> {
    let slot = Slot {
        x_mm: LEFT_MM,
        width_mm: CONTENT_MM,
        baseline_mm: TITLE_BASELINE_MM,
    };
    let meaningless = PaperRefusal::Meaningless {
        kind_digit: coupon.kind_digit,
        turn_digit: coupon.turn_digit,
    };
    let title = match coupon.kind {
        CouponKind::Dose => "接種券",
        CouponKind::InterviewOnly => "予診のみ",
        CouponKind::Local => "その他の券種",
        CouponKind::Unknown => return Err(meaningless),
    };
    seal.write("title", title, TITLE, slot);
    let turn = turns()
        .iter()
        .find(|turn| turn.digit == coupon.turn_digit)
        .ok_or(meaningless)?;
    // A coupon that fixes no turn says nothing rather than "none".
    if turn.digit != 0 {
        seal.write("turn", &turn.meaning_ja, TURN, slot);
    }
    seal.fill(
        "rule",
        Ink::Grey,
        vec![Area::horizontal(LEFT_MM, RULE_Y_MM, CONTENT_MM)],
    );
    Ok(())
}

fn label(seal: &mut Layout, text: &str, baseline_mm: f32) {
    let slot = Slot {
        x_mm: LEFT_MM,
        width_mm: LABEL_WIDTH_MM,
        baseline_mm,
    };
    seal.write("label", text, LABEL, slot);
}

/// Who pays for the dose (請求先): prefecture and city.
fn issuer_name(coupon: &Coupon, city_name: &str) -> String {
    let prefecture = coupon.municipality.prefecture().map_or("", |prefecture| {
        Places::bundled().prefecture_name(prefecture)
    });
    format!("{prefecture}{city_name}")
}

/// What machines read: the number as NW-7, all 18 digits as OCR line and as QR code.
fn draw_codes(seal: &mut Layout, coupon: &Coupon) -> Result<(), PaperRefusal> {
    let line = coupon.line();
    let barcode = nw7_bars(coupon.number.as_str(), BARCODE)
        .ok_or_else(|| PaperRefusal::unwritten("ten digits make no barcode"))?;
    seal.fill("barcode", Ink::Black, barcode);
    let x_mm = LEFT_MM - LINE_BEARING_MM;
    let slot = Slot {
        x_mm,
        width_mm: QR.x_mm - x_mm,
        baseline_mm: LINE_BASELINE_MM,
    };
    seal.write("line", line.as_str(), LINE, slot);
    let qr = qr_bars(line.as_str(), QR)
        .ok_or_else(|| PaperRefusal::unwritten("eighteen digits make no QR code"))?;
    seal.fill("qr", Ink::Black, qr);
    Ok(())
}

/// The beginning of a text that fits so many full-width columns.
pub(crate) fn first_columns(text: &str, columns_max: usize) -> &str {
    let mut halves = 0;
    for (start, character) in text.char_indices() {
        halves += match character {
            // Selects the shape of the kanji before it.
            '\u{FE00}'..='\u{FE0F}' | '\u{E0100}'..='\u{E01EF}' => 0,
            // ASCII and half-width kana.
            ' '..='~' | '\u{FF61}'..='\u{FF9F}' => 1,
            _ => 2,
        };
        if halves > 2 * columns_max {
            return text.get(..start).unwrap_or(text);
        }
    }
    text
}
