//! The camera of the venue's tablet, which here always sees the same picture.

use crate::house::{House, answer, begin_the_day, coupon, shown_digits};
use browser_flows::Browser;
use std::{
    fs,
    path::{Path, PathBuf},
};

static HOUSE: House = House::new();

/// Pixels of the camera's picture; a coupon of the demonstration has 1008 × 544 of them.
const WIDTH: u32 = 1280;
const HEIGHT: u32 = 720;
/// Brightness in a video: a desk, black, and from there to white.
const DESK: u8 = 120;
const BLACK: u8 = 16;
const BLACK_TO_WHITE: u32 = 219;
/// No colour, in a video.
const COLOURLESS: u8 = 128;

#[test]
fn a_coupon_held_to_the_camera_is_read_without_another_touch() {
    let Some(server) = HOUSE.open() else { return };
    let coupon = coupon(&server, "normal", 0);
    let folder = tempfile::tempdir().unwrap();
    let seen = video(folder.path(), Some(&coupon.picture));
    let Some(browser) = Browser::with_camera(&seen) else {
        return;
    };
    let page = browser.visitor();
    begin_the_day(&page, &server, "kaijo");
    page.follow(|page| page.click("text=カメラで読み取る"));
    assert_eq!(shown_digits(&page, ".line-parts"), coupon.digits);
    page.follow(|page| page.click("#register button[type=submit]"));
    assert_eq!(answer(&page), "通常");
    page.assert_clean();
}

#[test]
fn a_camera_that_sees_no_coupon_says_so_and_can_be_stopped() {
    let Some(server) = HOUSE.open() else { return };
    let folder = tempfile::tempdir().unwrap();
    let seen = video(folder.path(), None);
    let Some(browser) = Browser::with_camera(&seen) else {
        return;
    };
    let page = browser.visitor();
    begin_the_day(&page, &server, "kanda");
    page.click("text=カメラで読み取る");
    page.wait_for_text("接種券が写っていないか、ぼやけています");
    page.assert_accessible();
    page.click("text=カメラを止める");
    page.wait_for("text=カメラで読み取る");
    page.wait_until_gone("video");
    assert!(page.url().contains("/venue/read"), "{}", page.url());
    page.assert_clean();
}

#[test]
fn without_a_camera_the_page_says_what_to_do_instead() {
    let (Some(server), Some(browser)) = (HOUSE.open(), Browser::launch()) else {
        return;
    };
    let page = browser.visitor();
    begin_the_day(&page, &server, "minato-byoin");
    page.click("text=カメラで読み取る");
    // There may be a camera here that a browser without a window must not use; it is the same to do.
    page.wait_for_text("写真を選ぶか、18桁を入力してください");
    page.assert_accessible();
    page.assert_clean();
}

/// A video of one frame: a desk, and in its middle the picture, if there is one.
pub fn video(folder: &Path, picture: Option<&Path>) -> PathBuf {
    film(folder, 10, &[picture])
}

/// A video of some frames, so many a second.
pub fn film(folder: &Path, frames_per_second: u32, pictures: &[Option<&Path>]) -> PathBuf {
    let mut bytes =
        format!("YUV4MPEG2 W{WIDTH} H{HEIGHT} F{frames_per_second}:1 Ip A1:1 C420jpeg\n")
            .into_bytes();
    for picture in pictures {
        bytes.extend(b"FRAME\n");
        bytes.extend(frame(*picture));
        bytes.extend(vec![COLOURLESS; (WIDTH * HEIGHT / 2) as usize]);
    }
    let file = folder.join("seen.y4m");
    fs::write(&file, bytes).unwrap();
    file
}

/// The brightness of a desk, and in its middle the picture, if there is one.
fn frame(picture: Option<&Path>) -> Vec<u8> {
    let mut desk = image::GrayImage::from_pixel(WIDTH, HEIGHT, image::Luma([DESK]));
    if let Some(picture) = picture {
        let mut coupon = image::open(picture).unwrap().into_luma8();
        for image::Luma([light]) in coupon.pixels_mut() {
            let brightness = u32::from(BLACK) + u32::from(*light) * BLACK_TO_WHITE / 255;
            *light = u8::try_from(brightness).unwrap_or(u8::MAX);
        }
        let left = (WIDTH - coupon.width()) / 2;
        let top = (HEIGHT - coupon.height()) / 2;
        image::imageops::replace(&mut desk, &coupon, left.into(), top.into());
    }
    desk.into_raw()
}
