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
const LINE_DIGIT_EM: f32 = 0.766;
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

#[cfg(test)]
mod tests {
    use domain::calendar::Day;
    use domain::coupons::CouponLine;
    use proptest::prelude::*;

    use super::*;
    use crate::layout::{Mark, Shape};
    use crate::symbols::NW7_QUIET;

    const LINE_DIGITS: &str = "211310160000012345";
    /// Sizes are asserted to a hundredth of a millimetre.
    const EXACT_MM: f32 = 0.01;

    fn read(line: &str) -> Coupon {
        CouponLine::parse(line).unwrap().coupon().unwrap()
    }

    fn laid_out(line: &str, city: &str, name: &str) -> Result<Layout, PaperRefusal> {
        coupon_layout(&read(line), city, name)?.finish()
    }

    fn sample() -> Layout {
        laid_out(LINE_DIGITS, "千代田区", "厚生　太郎").unwrap()
    }

    fn extent(seal: &Layout, part: &str) -> Area {
        seal.parts(part).next().unwrap().extent().unwrap()
    }

    fn text(seal: &Layout, part: &str) -> Option<String> {
        seal.parts(part).next()?.text().map(str::to_owned)
    }

    /// Asserts that nothing but `part` itself stands in `area`.
    fn assert_clear(seal: &Layout, part: &str, area: Area) {
        let others = seal.marks.iter().filter(|mark| mark.part != part);
        let inside: Vec<&str> = others
            .filter(|mark| mark.extent().is_some_and(|extent| extent.touches(&area)))
            .map(|mark| mark.part)
            .collect();
        assert_eq!(inside, Vec::<&str>::new(), "around {part}");
    }

    #[test]
    fn a_seal_is_63_by_33_to_35_mm() {
        let seal = sample();
        assert_eq!(seal.width_mm, 63.0);
        assert!((33.0..=35.0).contains(&seal.height_mm));
    }

    #[test]
    fn the_barcode_is_37_21_by_5_6_mm_with_its_quiet_zones() {
        let seal = sample();
        let barcode = extent(&seal, "barcode");
        assert!((barcode.width_mm - 37.21).abs() < EXACT_MM);
        assert!((barcode.height_mm - 5.6).abs() < EXACT_MM);
        let Shape::Bars(bars) = &seal.parts("barcode").next().unwrap().shape else {
            panic!("no bars");
        };
        let narrow_mm = bars.iter().map(|bar| bar.width_mm).fold(f32::MAX, f32::min);
        let quiet_mm = NW7_QUIET * narrow_mm;
        assert!(barcode.x_mm >= quiet_mm, "left of the barcode");
        let with_quiet = Area {
            x_mm: barcode.x_mm - quiet_mm,
            width_mm: barcode.width_mm + 2.0 * quiet_mm,
            ..barcode
        };
        assert_clear(&seal, "barcode", with_quiet);
    }

    #[test]
    fn two_millimetres_are_blank_between_barcode_and_ocr_line_whatever_the_digits() {
        for line in [LINE_DIGITS, "110110020123456789", "271310168888888888"] {
            let seal = laid_out(line, "千代田区", "厚生　太郎").unwrap();
            let gap_mm = extent(&seal, "line").y_mm - extent(&seal, "barcode").bottom_mm();
            assert!((2.0..2.1).contains(&gap_mm), "{line}: {gap_mm}");
        }
    }

    #[test]
    fn a_millimetre_is_blank_below_the_ocr_line_and_inside_the_frame() {
        let seal = sample();
        assert!(extent(&seal, "line").bottom_mm() <= HEIGHT_MM - 1.0);
        let inside = Area {
            x_mm: 0.0,
            y_mm: 0.0,
            width_mm: WIDTH_MM,
            height_mm: HEIGHT_MM,
        }
        .grown(-1.0);
        for mark in &seal.marks {
            let extent = mark.extent().unwrap();
            assert!(inside.holds(&extent), "{}: {extent:?}", mark.part);
        }
    }

    #[test]
    fn the_ocr_line_is_18_digits_of_ocr_b_at_9_points() {
        let seal = sample();
        let Shape::Line(line) = &seal.parts("line").next().unwrap().shape else {
            panic!("no text");
        };
        assert_eq!((line.face, line.text.as_str()), (Face::OcrB, LINE_DIGITS));
        assert!((line.em_mm - 3.175).abs() < EXACT_MM);
        assert_clear(&seal, "line", extent(&seal, "line").grown(1.0));
    }

    #[test]
    fn the_qr_code_is_10_mm_in_11_mm_of_its_own_and_four_modules_of_quiet() {
        let seal = sample();
        let qr = extent(&seal, "qr");
        assert!((qr.width_mm - 10.0).abs() < EXACT_MM && (qr.height_mm - 10.0).abs() < EXACT_MM);
        assert_clear(&seal, "qr", qr.grown(0.5));
        let quiet = qr.grown(4.0 * 10.0 / 21.0);
        assert_clear(&seal, "qr", quiet);
        assert!(quiet.right_mm() <= WIDTH_MM && quiet.bottom_mm() <= HEIGHT_MM);
    }

    #[test]
    fn no_mark_touches_another() {
        let seal = sample();
        let extents: Vec<(&Mark, Area)> = seal
            .marks
            .iter()
            .filter_map(|mark| Some((mark, mark.extent()?)))
            .collect();
        for (index, (mark, area)) in extents.iter().enumerate() {
            for (other, other_area) in &extents[index + 1..] {
                assert!(
                    !area.touches(other_area),
                    "{} and {}",
                    mark.part,
                    other.part
                );
            }
        }
    }

    #[test]
    fn every_city_that_issues_coupons_can_print_its_name() {
        let on = Day::new(2021, 4, 12).unwrap();
        let mut printed = 0;
        for place in Places::bundled().municipalities(on) {
            let coupon = Coupon {
                municipality: place.code,
                ..read(LINE_DIGITS)
            };
            let name = "国".repeat(NAME_COLUMNS_MAX);
            let seal = coupon_layout(&coupon, &place.name, &name).and_then(Layout::finish);
            assert!(seal.is_ok(), "{}: {:?}", place.name, seal.err());
            printed += 1;
        }
        assert!(printed > 1_700, "{printed}");
    }

    #[test]
    fn the_title_says_the_kind_and_the_turn() {
        let seal = sample();
        assert_eq!(text(&seal, "title").as_deref(), Some("接種券"));
        assert_eq!(text(&seal, "turn").as_deref(), Some("1回目"));
        assert_eq!(text(&seal, "issuer").as_deref(), Some("東京都千代田区"));
        let interview = laid_out("101310160000012345", "千代田区", "厚生　太郎").unwrap();
        assert_eq!(text(&interview, "title").as_deref(), Some("予診のみ"));
        assert_eq!(text(&interview, "turn"), None);
    }

    #[test]
    fn a_coupon_that_means_nothing_is_not_printed() {
        for (line, kind_digit, turn_digit) in
            [("911310160000012345", 9, 1), ("281310160000012345", 2, 8)]
        {
            let refused = laid_out(line, "千代田区", "厚生　太郎").err();
            assert_eq!(
                refused,
                Some(PaperRefusal::Meaningless {
                    kind_digit,
                    turn_digit
                })
            );
        }
    }

    #[test]
    fn a_name_no_font_can_write_is_refused_with_its_characters() {
        assert_eq!(
            laid_out(LINE_DIGITS, "千代田区", "𠮷田　槗子").err(),
            Some(PaperRefusal::MissingGlyphs {
                characters: vec!["槗".into(), "𠮷".into()]
            })
        );
    }

    #[test]
    fn a_name_is_cut_after_20_full_width_columns() {
        check_cut("厚生　太郎", "厚生　太郎");
        check_cut(&"国".repeat(21), &"国".repeat(20));
        check_cut(&"W".repeat(41), &"W".repeat(40));
        check_cut(
            &format!("{}ﾏﾘｱ国", "国".repeat(18)),
            &format!("{}ﾏﾘｱ", "国".repeat(18)),
        );
        let with_variant = format!("{}葛\u{E0100}", "国".repeat(19));
        check_cut(&format!("{with_variant}国"), &with_variant);
    }

    fn check_cut(name: &str, printed: &str) {
        assert_eq!(first_columns(name, NAME_COLUMNS_MAX), printed);
    }

    #[test]
    fn a_picture_too_coarse_or_too_large_is_refused() {
        for px_per_mm in [0, 7, 41] {
            let refused = coupon_png(&read(LINE_DIGITS), "千代田区", "厚生　太郎", px_per_mm).err();
            assert_eq!(
                refused.map(|refusal| refusal.code()),
                Some("paper_pixels_per_millimetre")
            );
        }
    }

    #[test]
    fn the_same_coupon_is_the_same_picture() {
        let picture = || coupon_png(&read(LINE_DIGITS), "千代田区", "厚生　太郎", 12).unwrap();
        assert_eq!(picture(), picture());
    }

    proptest! {
        #[test]
        fn whatever_is_typed_as_a_name_is_printed_in_its_place_or_refused(name in ".{0,60}") {
            match laid_out(LINE_DIGITS, "千代田区", &name) {
                Ok(seal) => prop_assert!(seal.parts("name").count() == 1),
                Err(refusal) => prop_assert_eq!(refusal.code(), "paper_missing_glyphs"),
            }
        }

        #[test]
        fn half_and_full_width_names_always_fit(name in "[A-Za-zア-ヶｱ-ﾝ一二三 　・ー-]{1,60}") {
            prop_assert!(laid_out(LINE_DIGITS, "千代田区", &name).is_ok());
        }
    }
}
