//! The number on a cooler's display, out of made photographs.
#![cfg(feature = "photographs")]

use reader::{DisplayDoubt, DisplayReading, Grey, decode_photo, read_display};

fn photograph(name: &str) -> Option<Grey> {
    let path = format!("{}/tests/displays/{name}.png", env!("CARGO_MANIFEST_DIR"));
    decode_photo(&std::fs::read(path).ok()?).ok()
}

/// Of a photograph that is not there nothing is read.
fn read(name: &str) -> Option<Result<DisplayReading, DisplayDoubt>> {
    photograph(name).map(|photo| read_display(&photo))
}

fn check(name: &str, magnitude: &str, minus: bool) {
    let read = read(name).and_then(Result::ok);
    let told = read
        .as_ref()
        .map(|read| (read.magnitude.as_str(), read.minus));
    assert_eq!(told, Some((magnitude, minus)), "{name}");
    // The frame around the number is there to be seen.
    let framed = read.is_some_and(|read| {
        let pixels = read.picture.grey().pixels().to_vec();
        pixels.contains(&0) && pixels.contains(&255)
    });
    assert!(framed, "{name}");
}

#[test]
fn digits_point_and_minus_are_read() {
    check("minus-9.8", "9.8", true);
    check("5.0", "5.0", false);
    check("minus-57", "57", true);
}

#[test]
fn a_number_that_is_cut_off_is_not_read_nor_the_smaller_one_below_it() {
    let doubt = read("cut-off").and_then(Result::err);
    assert_eq!(doubt, Some(DisplayDoubt::Unsure));
}

#[test]
fn a_segment_under_a_reflection_is_no_other_digit() {
    let photo = photograph("5.0").unwrap();
    let (width, height) = (photo.width(), photo.height());
    let mut misread = Vec::new();
    // A patch as light as the lightest place, or as dark as the darkest, over each part of the picture in turn.
    let side = height / 4;
    for shade in [0_u8, 255] {
        for top in (0..height).step_by(side) {
            for left in (0..width).step_by(side) {
                let mut pixels = photo.pixels().to_vec();
                for (index, pixel) in pixels.iter_mut().enumerate() {
                    let (x, y) = (index % width, index / width);
                    if (left..left + side).contains(&x) && (top..top + side).contains(&y) {
                        *pixel = shade;
                    }
                }
                let covered = Grey::new(width, height, pixels).unwrap();
                let read = read_display(&covered).ok().map(|read| read.magnitude);
                if read.as_deref().is_some_and(|read| read != "5.0") {
                    misread.push((shade, left, top, read));
                }
            }
        }
    }
    assert!(misread.is_empty(), "{misread:?}");
}

#[test]
fn a_picture_without_digits_has_none() {
    for (width, height) in [(1, 1), (3, 400), (400, 3), (300, 200)] {
        let even = Grey::new(width, height, vec![128; width * height]).unwrap();
        assert_eq!(
            read_display(&even).err(),
            Some(DisplayDoubt::NothingFound),
            "{width} x {height}"
        );
        let noise = (0..width * height).map(|i| (i * 2_654_435_761 % 251) as u8);
        let noisy = Grey::new(width, height, noise.collect()).unwrap();
        assert!(read_display(&noisy).is_err(), "{width} x {height}");
    }
}
