//! The QR code, and bar codes of the kind NW-7 (Codabar), by a decoder that searches the whole picture.

use std::panic::{AssertUnwindSafe, catch_unwind};

use rxing::common::HybridBinarizer;
use rxing::multi::MultipleBarcodeReader;
use rxing::oned::CodaBarReader;
use rxing::qrcode::QRCodeReader;
use rxing::qrcode::cpp_port::QrReader;
use rxing::{BarcodeFormat, BinaryBitmap, DecodeHints, Luma8Source, Point, RXingResult, Reader};

use crate::check;
use crate::grey::{Grey, Turn};

/// What a QR code says, and how it lies.
#[derive(Clone, PartialEq, Eq)]
pub struct Qr {
    /// Its text.
    pub text: String,
    /// How the picture is to be turned to put the code upright.
    pub turn: Turn,
}

/// The QR code of the picture, however it is turned; of several, one whose text can be a coupon's.
pub fn read_qr(grey: &Grey) -> Option<Qr> {
    let quickly = read_qr_quickly(grey);
    if quickly.as_ref().is_some_and(Qr::is_coupon) {
        return quickly;
    }
    read_qr_patiently(grey).or(quickly)
}

/// The text of every QR code that one look finds, in the order they were found: on paper that carries more codes
/// than a coupon's.
pub fn read_qr_texts(grey: &Grey) -> Vec<String> {
    let looks: [&dyn Fn() -> Vec<Qr>; 3] = [
        &|| qr_codes(grey, Ink::AsItIs),
        &|| qr_codes(&sharp(grey), Ink::AsItIs),
        &|| qr_codes(&sharp(grey).shrunk(2), Ink::AsItIs),
    ];
    let found = looks
        .iter()
        .map(|look| look())
        .find(|codes| !codes.is_empty());
    found
        .unwrap_or_default()
        .into_iter()
        .map(|code| code.text)
        .collect()
}

/// Looks at the picture as it is, then sharpened, then sharpened and halved: on blurred photographs each finds some
/// that the others miss.
pub(crate) fn read_qr_quickly(grey: &Grey) -> Option<Qr> {
    seek(&[
        &|| qr_codes(grey, Ink::AsItIs),
        &|| qr_codes(&sharp(grey), Ink::AsItIs),
        &|| qr_codes(&sharp(grey).shrunk(2), Ink::AsItIs),
    ])
}

/// Looks at the picture doubled, and with the gaps in the ink closed: finds a quarter more of the badly blurred
/// codes, but takes ten times as long. For when nothing else confirms a reading.
pub(crate) fn read_qr_patiently(grey: &Grey) -> Option<Qr> {
    /// A larger picture is not doubled: its codes are large enough, and memory is not for the asking.
    const PIXELS_DOUBLED_MAX: usize = 4_000_000;
    let doubled = || match grey.width() * grey.height() {
        ..=PIXELS_DOUBLED_MAX => qr_codes(&grey.doubled(), Ink::AsItIs),
        _ => Vec::new(),
    };
    seek(&[
        &doubled,
        &|| qr_codes(&sharp(grey), Ink::GapsClosed),
        &|| qr_codes(grey, Ink::GapsClosed),
        &|| qr_code_by_runs(grey),
    ])
}

impl Qr {
    /// Whether the text can be a coupon's.
    pub(crate) fn is_coupon(&self) -> bool {
        check::judge(&self.text, check::Turns::Any).is_ok()
    }
}

/// Without the text: it names a person's coupon and belongs in no log.
impl std::fmt::Debug for Qr {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Qr")
            .field("turn", &self.turn)
            .finish_non_exhaustive()
    }
}

/// The first coupon's code that one of the looks finds; failing that, the first code of any kind.
fn seek(looks: &[&dyn Fn() -> Vec<Qr>]) -> Option<Qr> {
    let mut other = None;
    for look in looks {
        for code in look() {
            if code.is_coupon() {
                return Some(code);
            }
            other = other.or(Some(code));
        }
    }
    other
}

/// Blur undone as far as noise allows.
fn sharp(grey: &Grey) -> Grey {
    grey.blurred(1, 1).sharpened(4, 2.0)
}

/// The digits of an NW-7 bar code whose bars stand upright or nearly: 10 or 18.
///
/// The second try draws the bars out in their own direction, which takes noise away, and sharpens them.
pub fn read_nw7(grey: &Grey) -> Option<String> {
    nw7_twice(grey).or_else(|| nw7_twice(&grey.blurred(0, 3).sharpened(3, 2.0)))
}

/// A decoder of bars looks at one row of pixels, and bars have no check character: a speck of dirt makes another
/// digit. So the rows above and below are asked too; one of them must say the same, and none something else.
fn nw7_twice(grey: &Grey) -> Option<String> {
    /// Rows that are asked on each side: a third of the bars' height when they are as small as can be read.
    const ROWS: usize = 14;
    let (digits, row) = nw7_digits(grey)?;
    let ask = |top: usize| nw7_digits(&grey.cropped(0, top, grey.width(), ROWS)?);
    let others: Vec<String> = [row.checked_sub(ROWS + 2).and_then(ask), ask(row + 3)]
        .into_iter()
        .flatten()
        .map(|(other, _)| other)
        .collect();
    (!others.is_empty() && others.iter().all(|other| *other == digits)).then_some(digits)
}

/// Whether gaps in the ink, as faint toner leaves them, are filled.
#[derive(Clone, Copy, PartialEq)]
enum Ink {
    AsItIs,
    GapsClosed,
}

fn qr_codes(grey: &Grey, ink: Ink) -> Vec<Qr> {
    let hints = DecodeHints {
        TryHarder: Some(true),
        PossibleFormats: Some([BarcodeFormat::QR_CODE].into()),
        ..DecodeHints::default()
    };
    let found = guarded(grey, |bitmap| {
        if ink == Ink::GapsClosed {
            bitmap.close().ok()?;
        }
        QrReader.decode_multiple_with_hints(bitmap, &hints).ok()
    });
    found.unwrap_or_default().iter().map(qr).collect()
}

/// The library's older detector: less often right, but right on others.
fn qr_code_by_runs(grey: &Grey) -> Vec<Qr> {
    let hints = DecodeHints {
        TryHarder: Some(true),
        ..DecodeHints::default()
    };
    let found = guarded(grey, |bitmap| {
        QRCodeReader.decode_with_hints(bitmap, &hints).ok()
    });
    found
        .iter()
        .map(|found| Qr {
            text: found.getText().trim().to_owned(),
            turn: Turn::None,
        })
        .collect()
}

fn qr(found: &RXingResult) -> Qr {
    Qr {
        text: found.getText().trim().to_owned(),
        turn: upright(found.getPoints()),
    }
}

/// The corners come in the order of the code itself: top left, top right, …
fn upright(corners: &[Point]) -> Turn {
    let [top_left, top_right, ..] = corners else {
        return Turn::None;
    };
    let (right, down) = (top_right.x - top_left.x, top_right.y - top_left.y);
    match (right.abs() >= down.abs(), right >= 0.0, down >= 0.0) {
        (true, true, _) => Turn::None,
        (true, false, _) => Turn::Half,
        (false, _, true) => Turn::ThreeQuarters,
        (false, _, false) => Turn::Quarter,
    }
}

/// The digits, and the row in which they were read.
fn nw7_digits(grey: &Grey) -> Option<(String, usize)> {
    let hints = DecodeHints {
        TryHarder: Some(true),
        ..DecodeHints::default()
    };
    let found = guarded(grey, |bitmap| {
        CodaBarReader::new().decode_with_hints(bitmap, &hints).ok()
    })?;
    let digits = found.getText();
    let is_coupon = matches!(digits.len(), 10 | 18) && digits.bytes().all(|c| c.is_ascii_digit());
    let row = found.getPoints().first()?.y.max(0.0) as usize;
    is_coupon.then(|| (digits.to_owned(), row))
}

pub(crate) type Bitmap<'a> = BinaryBitmap<HybridBinarizer<Luma8Source<'a>>>;

/// Lets a decoder look at the picture. A decoder that panics has read nothing: it is others' code, fed with whatever
/// somebody photographed, and must not take the request down.
pub(crate) fn guarded<T>(grey: &Grey, decode: impl FnOnce(&mut Bitmap) -> Option<T>) -> Option<T> {
    catch_unwind(AssertUnwindSafe(|| {
        let width = u32::try_from(grey.width()).ok()?;
        let height = u32::try_from(grey.height()).ok()?;
        let source = Luma8Source::new_with_slice(grey.pixels(), width, height).ok()?;
        decode(&mut BinaryBitmap::new(HybridBinarizer::new(source)))
    }))
    .ok()
    .flatten()
}
