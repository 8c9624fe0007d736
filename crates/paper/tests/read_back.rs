//! What was printed is what is read: by the coupon reader, from the picture and from the PDF.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests fail as tests do"
)]

use std::io::Read;

use domain::coupons::CouponLine;
use flate2::read::ZlibDecoder;
use paper::{CouponSheet, coupon_png, coupon_sheet_pdf};
use reader::{Grey, decode_photo, read_line, read_nw7, read_qr};

const LINES: [&str; 3] = [
    "211310160000012345",
    "110110020000000001",
    "271310169876543210",
];

#[test]
fn a_picture_is_read_by_all_three_channels_at_every_resolution() {
    for line in LINES {
        for px_per_mm in [8, 12, 24] {
            let coupon = CouponLine::parse(line).unwrap().coupon().unwrap();
            let png = coupon_png(&coupon, "千代田区", "厚生　太郎", px_per_mm).unwrap();
            check(
                &decode_photo(&png).unwrap(),
                line,
                &format!("{px_per_mm} px/mm"),
            );
        }
    }
}

#[test]
fn the_codes_in_a_pdf_are_read_from_its_drawing_commands() {
    for line in LINES {
        let page = bars_of(&sheet(line));
        assert_eq!(read_qr(&page).map(|qr| qr.text).as_deref(), Some(line));
        assert_eq!(read_nw7(&page).as_deref(), Some(&line[8..]));
    }
}

#[test]
fn a_pdf_drawn_by_another_program_is_read_by_all_three_channels() {
    let poppler = std::process::Command::new("pdftoppm").arg("-v").output();
    if poppler.is_err() {
        let required = std::env::var_os("SESSHU_TEST_REQUIRE").is_some();
        assert!(!required, "poppler's pdftoppm is missing");
        return eprintln!("pdftoppm is not installed: no other program drew the PDF");
    }
    for line in LINES {
        check(&first_seal_by_poppler(&sheet(line)), line, "poppler");
    }
}

fn check(picture: &Grey, line: &str, what: &str) {
    assert_eq!(
        read_qr(picture).map(|qr| qr.text).as_deref(),
        Some(line),
        "QR, {what}"
    );
    assert_eq!(
        read_nw7(picture).as_deref(),
        Some(&line[8..]),
        "NW-7, {what}"
    );
    let reading = read_line(picture).unwrap();
    assert_eq!(reading.sure(), Some(line), "OCR line, {what}");
}

fn sheet(line: &str) -> Vec<u8> {
    let coupon = CouponLine::parse(line).unwrap().coupon().unwrap();
    coupon_sheet_pdf(&[CouponSheet {
        city_name: "千代田区".to_owned(),
        city_code: coupon.municipality,
        recipient_name: "厚生　太郎".to_owned(),
        postal_code: None,
        address_lines: Vec::new(),
        coupons: vec![coupon],
    }])
    .unwrap()
}

/// The page with everything it fills in black but text, 4 pixels to a point (11.3 to a millimetre).
///
/// Knows the few commands our PDFs use: `m` and `l` give the corners of upright rectangles, `g` the
/// ink, `f` fills.
fn bars_of(pdf: &[u8]) -> Grey {
    const PX_PER_POINT: f32 = 4.0;
    let (width, height) = (596 * 4, 842 * 4);
    let mut pixels = vec![u8::MAX; width * height];
    let (mut operands, mut corners, mut shapes) = (Vec::new(), Vec::new(), Vec::new());
    let mut ink = 0.0;
    for token in page_commands(pdf).split_ascii_whitespace() {
        if let Ok(number) = token.parse::<f32>() {
            operands.push(number * PX_PER_POINT);
            continue;
        }
        match token {
            "m" | "l" => corners.push((operands[0], operands[1])),
            "h" => shapes.push(std::mem::take(&mut corners)),
            "g" => ink = operands[operands.len() - 1],
            "f" if ink == 0.0 => {
                for shape in &shapes {
                    fill(&mut pixels, width, shape);
                }
            }
            _ => {}
        }
        if token == "f" {
            shapes.clear();
        }
        operands.clear();
    }
    Grey::new(width, height, pixels).unwrap()
}

fn fill(pixels: &mut [u8], width: usize, corners: &[(f32, f32)]) {
    let span = |of: fn(&(f32, f32)) -> f32| {
        let least = corners.iter().map(of).fold(f32::MAX, f32::min);
        let most = corners.iter().map(of).fold(f32::MIN, f32::max);
        least.round() as usize..most.round() as usize
    };
    for y in span(|corner| corner.1) {
        pixels[y * width..][span(|corner| corner.0)].fill(0);
    }
}

/// The one content stream that fills shapes.
fn page_commands(pdf: &[u8]) -> String {
    let after = |from: usize, word: &[u8]| {
        pdf[from..]
            .windows(word.len())
            .position(|bytes| bytes == word)
            .map(|at| from + at + word.len())
    };
    let mut from = 0;
    while let Some(start) = after(from, b"stream\n") {
        let mut commands = String::new();
        let read = ZlibDecoder::new(&pdf[start..]).read_to_string(&mut commands);
        if read.is_ok() && commands.contains("\nf\n") {
            return commands;
        }
        from = after(start, b"endstream").unwrap();
    }
    panic!("no page in the PDF");
}

/// The first seal with some paper around it, at 300 dots per inch: 11.8 px to a millimetre.
fn first_seal_by_poppler(pdf: &[u8]) -> Grey {
    let folder = tempfile::tempdir().unwrap();
    let (file, picture) = (folder.path().join("sheet.pdf"), folder.path().join("sheet"));
    std::fs::write(&file, pdf).unwrap();
    let status = std::process::Command::new("pdftoppm")
        .args(["-r", "300", "-png", "-singlefile"])
        .args(["-x", "400", "-y", "1270", "-W", "830", "-H", "490"])
        .args([&file, &picture])
        .status()
        .unwrap();
    assert!(status.success());
    decode_photo(&std::fs::read(picture.with_extension("png")).unwrap()).unwrap()
}
