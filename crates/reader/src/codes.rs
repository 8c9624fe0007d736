//! The two printed codes: QR and NW-7 (Codabar).

use std::panic::{AssertUnwindSafe, catch_unwind};

use rxing::common::HybridBinarizer;
use rxing::oned::CodaBarReader;
use rxing::qrcode::QRCodeReader;
use rxing::qrcode::cpp_port::QrReader;
use rxing::{BinaryBitmap, DecodeHints, FilteredImageReader, Luma8Source, RXingResult, Reader};

use crate::grey::Grey;

/// The text of a QR code in the picture, however it is turned.
pub fn read_qr(grey: &Grey) -> Option<String> {
    let hints = DecodeHints {
        TryHarder: Some(true),
        ..DecodeHints::default()
    };
    let plain = decode(grey, QRCodeReader, &hints);
    let found = plain.or_else(|| decode(grey, FilteredImageReader::new(QrReader), &hints));
    found.map(|found| found.getText().to_owned())
}

/// The digits of an NW-7 bar code (10 or 18) whose bars stand upright or nearly.
pub fn read_nw7(grey: &Grey) -> Option<String> {
    let hints = DecodeHints {
        TryHarder: Some(true),
        ..DecodeHints::default()
    };
    let found = decode(grey, CodaBarReader::new(), &hints)?;
    let digits = found.getText().to_owned();
    let is_coupon = matches!(digits.len(), 10 | 18) && digits.bytes().all(|c| c.is_ascii_digit());
    is_coupon.then_some(digits)
}

/// Lets a decoder look at the picture. A decoder that panics has read nothing: it is others' code, fed with whatever
/// somebody photographed, and must not take the request down.
fn decode(grey: &Grey, mut reader: impl Reader, hints: &DecodeHints) -> Option<RXingResult> {
    catch_unwind(AssertUnwindSafe(|| {
        let width = u32::try_from(grey.width()).ok()?;
        let height = u32::try_from(grey.height()).ok()?;
        let source = Luma8Source::new_with_slice(grey.pixels(), width, height).ok()?;
        reader
            .decode_with_hints(&mut BinaryBitmap::new(HybridBinarizer::new(source)), hints)
            .ok()
    }))
    .ok()
    .flatten()
}
