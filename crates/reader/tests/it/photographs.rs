//! Photographs that are kept with the code, and what must be read from them.

use std::path::{Path, PathBuf};

use crate::album::Album;
use image::{DynamicImage, GrayImage, ImageFormat, imageops::FilterType};
use reader::{Channel, Grey, Outcome, Reading, Turn, Why};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/photos")
}

fn photo(name: &str) -> Vec<u8> {
    std::fs::read(folder().join(name)).unwrap()
}

fn grey(name: &str) -> Grey {
    reader::decode_photo(&photo(name)).unwrap()
}

fn read(name: &str) -> Reading {
    reader::read(&photo(name)).unwrap()
}

fn image_of(grey: &Grey) -> DynamicImage {
    let pixels = grey.pixels().to_vec();
    GrayImage::from_raw(grey.width() as u32, grey.height() as u32, pixels)
        .unwrap()
        .into()
}

fn file_of(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut file = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut file, format).unwrap();
    file.into_inner()
}

/// A coupon without a QR code; its line and its bars are legible.
const WITHOUT_QR: &str = "001051.jpg";
const WITHOUT_QR_DIGITS: &str = "270931224585678969";

#[test]
fn every_easy_and_medium_photograph_is_read_and_none_is_read_wrong() {
    let table = Album::open(&folder()).unwrap().read_all();
    assert_eq!(table.wrong("all"), 0, "{table}");
    for difficulty in ["easy", "medium"] {
        assert_eq!(table.tally(difficulty, "all").exact, 3, "{table}");
        assert_eq!(table.tally(difficulty, "ocr").exact, 3, "{table}");
    }
    assert_eq!(table.tally("hard", "all").exact, 2, "{table}");
}

#[test]
fn a_photograph_without_the_whole_line_is_not_read() {
    for name in ["001055.jpg", "001056.jpg", "001059.jpg"] {
        let reading = read(name);
        assert_eq!(reading.digits, None, "{name}");
        assert!(matches!(reading.outcome, Outcome::No(_)), "{name}");
        assert_eq!(reading.confidence, 0.0, "{name}");
    }
}

#[test]
fn bars_and_line_that_agree_are_named() {
    let reading = read(WITHOUT_QR);
    assert_eq!(reading.digits.as_deref(), Some(WITHOUT_QR_DIGITS));
    assert_eq!(reading.by, [Channel::Ocr, Channel::Nw7]);
    assert!(reading.confidence > 0.99);
}

#[test]
fn a_pen_stroke_that_makes_another_digit_is_a_contradiction() {
    // The stroke turns a 0 of the line into a 9; the net is sure of it. Only the QR code tells otherwise.
    let reading = read("001053.jpg");
    assert_eq!(reading.outcome, Outcome::No(Why::CodesDisagree));
    let said_by = |channel| {
        reading
            .conflict
            .iter()
            .find(|(by, _)| *by == channel)
            .map(|(_, digits)| digits.as_str())
    };
    assert_eq!(said_by(Channel::Ocr), Some("332730669000319089"));
    assert_eq!(said_by(Channel::Qr), Some("332730660000319089"));
    assert_eq!(reading.digits, None);
}

#[test]
fn a_turned_photograph_is_read() {
    let upright = grey(WITHOUT_QR);
    for turn in [Turn::Quarter, Turn::Half, Turn::ThreeQuarters] {
        let reading = reader::read_grey(&upright.turned(turn));
        assert_eq!(
            reading.digits.as_deref(),
            Some(WITHOUT_QR_DIGITS),
            "{turn:?}"
        );
    }
}

#[test]
fn the_cameras_note_on_orientation_is_followed() {
    // "The picture is to be turned by 90 degrees clockwise to be upright" is 6 in EXIF.
    let lying = grey(WITHOUT_QR).turned(Turn::ThreeQuarters);
    let jpeg = file_of(&image_of(&lying), ImageFormat::Jpeg);
    let decoded = reader::decode_photo(&with_exif_orientation(&jpeg, 6)).unwrap();
    assert_eq!(
        (decoded.width(), decoded.height()),
        (lying.height(), lying.width())
    );
    assert_eq!(
        reader::read_line(&decoded).unwrap().sure(),
        Some(WITHOUT_QR_DIGITS)
    );
}

fn with_exif_orientation(jpeg: &[u8], orientation: u8) -> Vec<u8> {
    let mut exif = b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01".to_vec();
    exif.extend([
        0x01,
        0x12,
        0,
        3,
        0,
        0,
        0,
        1,
        0,
        orientation,
        0,
        0,
        0,
        0,
        0,
        0,
    ]);
    let length = u16::try_from(exif.len() + 2).unwrap().to_be_bytes();
    [&jpeg[..2], &[0xff, 0xe1], &length, &exif, &jpeg[2..]].concat()
}

#[test]
fn png_and_webp_are_read_like_jpeg() {
    let picture = image_of(&grey(WITHOUT_QR));
    for format in [ImageFormat::Png, ImageFormat::WebP] {
        let reading = reader::read(&file_of(&picture, format)).unwrap();
        assert_eq!(
            reading.digits.as_deref(),
            Some(WITHOUT_QR_DIGITS),
            "{format:?}"
        );
    }
}

#[test]
fn a_photograph_of_forty_megapixels_is_read() {
    let large = image_of(&grey(WITHOUT_QR)).resize_exact(7600, 5300, FilterType::Nearest);
    let reading = reader::read(&file_of(&large, ImageFormat::Jpeg)).unwrap();
    assert_eq!(reading.digits.as_deref(), Some(WITHOUT_QR_DIGITS));
}

#[test]
fn the_strip_shows_the_line_and_is_the_same_each_time() {
    let strip = || read(WITHOUT_QR).strip.unwrap();
    let shown = image::load_from_memory(&strip().png())
        .unwrap()
        .into_luma8();
    let shown = Grey::new(
        shown.width() as usize,
        shown.height() as usize,
        shown.into_raw(),
    )
    .unwrap();
    assert_eq!(&shown, strip().grey());
    assert_eq!(
        reader::read_line(&shown).unwrap().digits.as_deref(),
        Some(WITHOUT_QR_DIGITS)
    );
}

#[test]
fn a_qr_code_alone_is_read_and_says_that_it_is_alone() {
    let reading = read("qr_alone.png");
    assert_eq!(reading.digits.as_deref(), Some("211310320000012345"));
    assert_eq!(reading.by, [Channel::Qr]);
    assert!(reading.strip.is_none());
}

#[test]
fn a_qr_code_with_other_content_is_no_coupon() {
    let reading = read("other_code.png");
    assert_eq!(reading.outcome, Outcome::No(Why::NotACouponCode));
    assert_eq!(reading.qr.as_deref(), Some("https://www.example.jp/"));
}

#[test]
fn a_wrong_check_digit_is_named() {
    assert_eq!(
        read("wrong_check_digit.png").outcome,
        Outcome::No(Why::BadCheckDigit)
    );
}

#[test]
fn two_coupons_in_one_picture_are_not_chosen_between() {
    let (one, other) = (grey(WITHOUT_QR), grey("001006.jpg"));
    let width = one.width().min(other.width());
    let part = |grey: &Grey| {
        grey.cropped(0, 0, width, grey.height())
            .unwrap()
            .into_pixels()
    };
    let both = Grey::new(
        width,
        one.height() + other.height(),
        [part(&one), part(&other)].concat(),
    )
    .unwrap();
    let reading = reader::read_grey(&both);
    assert_eq!(reading.digits, None);
    assert_eq!(reading.outcome, Outcome::No(Why::CodesDisagree));
}

#[test]
fn a_debug_line_names_nobody() {
    let text = format!("{:?}", read(WITHOUT_QR));
    assert!(
        !text.contains(WITHOUT_QR_DIGITS) && !text.contains("4585678969"),
        "{text}"
    );
}
