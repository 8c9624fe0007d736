//! From the bytes of a photograph to a grey picture, within limits.

use std::io::Cursor;

use image::codecs::png::PngEncoder;
use image::metadata::Orientation;
use image::{
    DynamicImage, ExtendedColorType, ImageDecoder, ImageEncoder, ImageFormat, ImageReader, Limits,
};

use crate::grey::Grey;

/// Largest file, in bytes: a 108-megapixel telephone writes some 40 MB.
pub const FILE_BYTES_MAX: usize = 64 << 20;
/// Largest picture, in pixels: above the largest telephones (108 megapixels), below what would fill the memory.
pub const PIXELS_MAX: u64 = 120_000_000;
/// Memory for one decoded picture, in bytes: `PIXELS_MAX` at three bytes, and room for the decoder itself.
pub const DECODED_BYTES_MAX: u64 = 480 << 20;
/// Longest side that is read, in pixels. More does not make the print more legible, only slower to read.
pub const SIDE_READ_MAX: usize = 2600;

/// Why a picture was not looked at.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PictureRefusal {
    /// No bytes at all.
    #[error("the file is empty")]
    Empty,
    /// The file is larger than `FILE_BYTES_MAX`.
    #[error("the file has {bytes} bytes; at most {max} are read")]
    FileTooLarge {
        /// Bytes of the file.
        bytes: usize,
        /// The limit.
        max: usize,
    },
    /// Neither JPEG nor PNG nor WebP.
    #[error("the file is not a JPEG, PNG or WebP picture")]
    NotAPicture,
    /// More pixels than `PIXELS_MAX`, or more memory than `DECODED_BYTES_MAX`.
    #[error("the picture has {width} x {height} pixels, which is more than can be read")]
    TooManyPixels {
        /// Pixels in a row.
        width: u32,
        /// Rows.
        height: u32,
    },
    /// It says that it is a picture, but its pixels cannot be decoded.
    #[error("the picture is damaged or incomplete")]
    Damaged,
}

impl PictureRefusal {
    /// A stable name for machines.
    pub fn code(&self) -> &'static str {
        match self {
            PictureRefusal::Empty => "picture_empty",
            PictureRefusal::FileTooLarge { .. } => "picture_file_too_large",
            PictureRefusal::NotAPicture => "not_a_picture",
            PictureRefusal::TooManyPixels { .. } => "picture_too_many_pixels",
            PictureRefusal::Damaged => "picture_damaged",
        }
    }
}

/// Decodes a JPEG, PNG or WebP photograph to grey, upright as its camera says, and small enough to be read.
pub fn decode(bytes: &[u8]) -> Result<Grey, PictureRefusal> {
    if bytes.is_empty() {
        return Err(PictureRefusal::Empty);
    }
    if bytes.len() > FILE_BYTES_MAX {
        return Err(PictureRefusal::FileTooLarge {
            bytes: bytes.len(),
            max: FILE_BYTES_MAX,
        });
    }
    let (picture, orientation) = decoded(bytes)?;
    let grey = picture.into_luma8();
    let (width, height) = (grey.width() as usize, grey.height() as usize);
    let grey = Grey::new(width, height, grey.into_raw()).ok_or(PictureRefusal::Damaged)?;
    let small = grey.shrunk(width.max(height).div_ceil(SIDE_READ_MAX));
    oriented(small, orientation).ok_or(PictureRefusal::Damaged)
}

fn decoded(bytes: &[u8]) -> Result<(DynamicImage, Orientation), PictureRefusal> {
    let format = image::guess_format(bytes).map_err(|_| PictureRefusal::NotAPicture)?;
    if !matches!(
        format,
        ImageFormat::Jpeg | ImageFormat::Png | ImageFormat::WebP
    ) {
        return Err(PictureRefusal::NotAPicture);
    }
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(DECODED_BYTES_MAX);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits.clone());
    let mut decoder = reader.into_decoder().map_err(|_| PictureRefusal::Damaged)?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > PIXELS_MAX
        || decoder.total_bytes() > DECODED_BYTES_MAX
    {
        return Err(PictureRefusal::TooManyPixels { width, height });
    }
    // A picture without a word on its orientation, or with a broken one, is taken as it lies.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let picture = DynamicImage::from_decoder(decoder).map_err(|_| PictureRefusal::Damaged)?;
    Ok((picture, orientation))
}

fn oriented(grey: Grey, orientation: Orientation) -> Option<Grey> {
    if orientation == Orientation::NoTransforms {
        return Some(grey);
    }
    let (width, height) = (
        u32::try_from(grey.width()).ok()?,
        u32::try_from(grey.height()).ok()?,
    );
    let mut picture = DynamicImage::ImageLuma8(image::GrayImage::from_raw(
        width,
        height,
        grey.into_pixels(),
    )?);
    picture.apply_orientation(orientation);
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    Grey::new(width, height, picture.into_luma8().into_raw())
}

/// A grey picture as a PNG file. Writing to memory does not fail; should it, the file is empty.
pub(crate) fn png(grey: &Grey) -> Vec<u8> {
    let mut file = Vec::new();
    let (width, height) = (grey.width() as u32, grey.height() as u32);
    let written =
        PngEncoder::new(&mut file).write_image(grey.pixels(), width, height, ExtendedColorType::L8);
    if written.is_err() {
        file.clear();
    }
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    fn png_of(width: usize, height: usize) -> Vec<u8> {
        png(&Grey::new(
            width,
            height,
            (0..width * height).map(|i| (i % 251) as u8).collect(),
        )
        .unwrap())
    }

    #[test]
    fn a_grey_picture_comes_back_as_it_was() {
        let decoded = decode(&png_of(7, 3)).unwrap();
        assert_eq!((decoded.width(), decoded.height()), (7, 3));
        assert_eq!(decoded.pixels()[..5], [0, 1, 2, 3, 4]);
    }

    #[test]
    fn a_large_picture_is_shrunk_by_a_whole_number() {
        let decoded = decode(&png_of(2 * SIDE_READ_MAX + 2, 30)).unwrap();
        assert_eq!((decoded.width(), decoded.height()), (1734, 10));
        let decoded = decode(&png_of(30, SIDE_READ_MAX)).unwrap();
        assert_eq!((decoded.width(), decoded.height()), (30, SIDE_READ_MAX));
    }

    #[test]
    fn a_ribbon_is_not_shrunk_to_nothing() {
        let decoded = decode(&png_of(20_000, 1)).unwrap();
        assert_eq!((decoded.width(), decoded.height()), (20_000, 1));
    }

    #[test]
    fn every_refusal_has_a_name_and_a_sentence() {
        let refusals = [
            PictureRefusal::Empty,
            PictureRefusal::FileTooLarge { bytes: 2, max: 1 },
            PictureRefusal::NotAPicture,
            PictureRefusal::TooManyPixels {
                width: 1,
                height: 2,
            },
            PictureRefusal::Damaged,
        ];
        let names: std::collections::BTreeSet<_> =
            refusals.iter().map(PictureRefusal::code).collect();
        assert_eq!(names.len(), refusals.len());
        assert!(
            refusals
                .iter()
                .all(|refusal| refusal.to_string().len() > 10)
        );
    }
}
