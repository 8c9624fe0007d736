//! Whatever is sent, the reader answers; it never panics and never invents a number.

use std::path::Path;

use proptest::prelude::*;
use reader::{Grey, PictureRefusal};

fn photo() -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/photos/001055.jpg")).unwrap()
}

fn grey(width: usize, height: usize, brightness: impl Fn(usize) -> u8) -> Grey {
    Grey::new(width, height, (0..width * height).map(brightness).collect()).unwrap()
}

#[test]
fn nothing_is_refused_as_empty_and_text_as_no_picture() {
    assert_eq!(reader::read(b"").unwrap_err(), PictureRefusal::Empty);
    assert_eq!(
        reader::read(b"hello").unwrap_err(),
        PictureRefusal::NotAPicture
    );
    assert_eq!(
        reader::read(b"GIF89a\x01\0\x01\0").unwrap_err(),
        PictureRefusal::NotAPicture
    );
}

#[test]
fn a_picture_cut_off_in_the_middle_is_answered() {
    let photo = photo();
    for share in 1..20 {
        if let Ok(reading) = reader::read(&photo[..photo.len() * share / 20]) {
            assert_eq!(reading.digits, None);
        }
    }
}

#[test]
fn a_file_above_the_limit_is_refused_unread() {
    let mut file = photo();
    file.resize(reader::FILE_BYTES_MAX + 1, 0);
    let refusal = reader::read(&file).unwrap_err();
    assert_eq!(refusal.code(), "picture_file_too_large");
}

#[test]
fn a_header_that_promises_too_many_pixels_is_refused_before_they_are_made() {
    let refusal = reader::read(&png_header(60_000, 60_000)).unwrap_err();
    assert_eq!(
        refusal,
        PictureRefusal::TooManyPixels {
            width: 60_000,
            height: 60_000
        }
    );
    let refusal = reader::read(&jpeg_header(65_500, 65_500)).unwrap_err();
    assert_eq!(
        refusal,
        PictureRefusal::TooManyPixels {
            width: 65_500,
            height: 65_500
        }
    );
}

/// The first 33 bytes of a grey PNG, and an empty chunk of pixels.
fn png_header(width: u32, height: u32) -> Vec<u8> {
    let mut ihdr = b"IHDR".to_vec();
    ihdr.extend(width.to_be_bytes());
    ihdr.extend(height.to_be_bytes());
    ihdr.extend([8, 0, 0, 0, 0]);
    let mut file = b"\x89PNG\r\n\x1a\n\0\0\0\x0d".to_vec();
    file.extend(&ihdr);
    file.extend(crc(&ihdr).to_be_bytes());
    file.extend(b"\0\0\0\0IDAT");
    file.extend(crc(b"IDAT").to_be_bytes());
    file
}

fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0u32, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg())
        })
    })
}

/// The photograph's own header with another size written into it.
fn jpeg_header(width: u16, height: u16) -> Vec<u8> {
    let mut file = photo();
    let frame = file
        .windows(2)
        .position(|marker| matches!(marker, [0xff, 0xc0..=0xc2]))
        .unwrap();
    file[frame + 5..frame + 7].copy_from_slice(&height.to_be_bytes());
    file[frame + 7..frame + 9].copy_from_slice(&width.to_be_bytes());
    file
}

#[test]
fn odd_pictures_are_answered() {
    for (width, height) in [(1, 1), (1, 3000), (3000, 1), (2, 2), (39, 41), (640, 33)] {
        for brightness in [0, 128, 255] {
            assert_eq!(
                reader::read_grey(&grey(width, height, |_| brightness)).digits,
                None
            );
        }
        assert_eq!(
            reader::read_grey(&grey(width, height, |i| (i * 37 % 256) as u8)).digits,
            None
        );
    }
}

#[test]
fn a_fence_is_no_coupon() {
    // Bars at the pitch of digits, which make perfect chains and nothing to read.
    let fence = grey(800, 60, |i| {
        if (i % 800) % 20 < 9 && (10..40).contains(&(i / 800)) {
            20
        } else {
            230
        }
    });
    assert_eq!(reader::read_grey(&fence).digits, None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn random_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        if let Ok(reading) = reader::read(&bytes) {
            prop_assert_eq!(reading.digits, None);
        }
    }

    #[test]
    fn a_photograph_with_random_damage_is_answered(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20),
    ) {
        let mut file = photo();
        for (place, byte) in damage {
            let place = place.index(file.len());
            file[place] = byte;
        }
        if let Ok(reading) = reader::read(&file) {
            prop_assert_eq!(reading.digits, None);
        }
    }

    #[test]
    fn random_pictures_are_answered(
        width in 1usize..90,
        pixels in prop::collection::vec(any::<u8>(), 90..4000),
    ) {
        let height = pixels.len() / width;
        let grey = Grey::new(width, height, pixels[..width * height].to_vec()).unwrap();
        prop_assert_eq!(reader::read_grey(&grey).digits, None);
    }
}
