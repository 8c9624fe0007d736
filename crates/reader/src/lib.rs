//! The 18 digits of a coupon (接種券) out of a photograph, or an honest no.
//!
//! Three channels look at the same picture: the QR code, the printed line of digits, and the bar code NW-7. What
//! they say is weighed by fixed rules ([`Outcome`]); where they contradict each other, or where not every digit is
//! sure, the answer is "no" with a reason. Nothing here knows which municipalities or coupons exist: form and check
//! digit are all that is judged.
//!
//! The line reader depends on no other crate, so that it can run wherever a camera is.

mod chain;
pub mod check;
mod codes;
mod components;
mod decode;
mod fit;
mod fusion;
mod grey;
mod line;
mod look;
mod net;
mod photo;
mod strip;
mod threshold;

pub use codes::{Qr, read_nw7, read_qr};
pub use fusion::{Channel, Outcome, Why};
pub use grey::{Grey, Turn};
pub use line::{CONFIDENCE_MIN, LineReading, read_line};
pub use photo::{
    DECODED_BYTES_MAX, FILE_BYTES_MAX, PIXELS_MAX, PictureRefusal, SIDE_READ_MAX,
    decode as decode_photo,
};

use fusion::{Found, weigh};

/// What was read from one photograph.
#[derive(Clone)]
pub struct Reading {
    /// Read, or why not.
    pub outcome: Outcome,
    /// The 18 digits; present exactly when `outcome` is `Read`.
    pub digits: Option<String>,
    /// The channels that say so. A single one is for a person to confirm.
    pub by: Vec<Channel>,
    /// 0 to 1; 0 when nothing was read.
    pub confidence: f32,
    /// What was read by whom, when the answer is "codes disagree"; else empty.
    pub conflict: Vec<(Channel, String)>,
    /// The printed line cut out of the photograph, so that a person can compare; also when it could not be read.
    pub strip: Option<Strip>,
    /// The text of the QR code, whatever it says.
    pub qr: Option<String>,
    /// The printed line as read, sure or not.
    pub ocr: Option<String>,
    /// How sure the line reader is of its least sure digit, 0 to 1.
    pub ocr_confidence: f32,
    /// The digits of the bar code: 10 or 18.
    pub nw7: Option<String>,
}

/// A picture of the printed line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Strip(Grey);

impl Strip {
    /// The picture itself.
    pub fn grey(&self) -> &Grey {
        &self.0
    }

    /// The picture as a PNG file; the same strip gives the same bytes.
    pub fn png(&self) -> Vec<u8> {
        photo::png(&self.0)
    }
}

/// Reads a JPEG, PNG or WebP photograph.
///
/// # Errors
/// Refuses what is no picture, or one above the limits [`FILE_BYTES_MAX`] and [`PIXELS_MAX`].
pub fn read(bytes: &[u8]) -> Result<Reading, PictureRefusal> {
    Ok(read_grey(&decode_photo(bytes)?))
}

/// Reads a grey picture, however it is turned.
pub fn read_grey(grey: &Grey) -> Reading {
    let found = look::look(grey);
    reading(weigh(&found), found)
}

fn reading(verdict: fusion::Verdict, found: Found) -> Reading {
    let ocr_confidence = found.line.as_ref().map_or(0.0, |line| line.confidence);
    let (ocr, picture) = found
        .line
        .map_or((None, None), |line| (line.digits, line.picture));
    Reading {
        outcome: verdict.outcome,
        digits: verdict.digits,
        by: verdict.by,
        confidence: verdict.confidence,
        conflict: verdict.conflict,
        strip: picture.map(Strip),
        qr: found.qr,
        ocr,
        ocr_confidence,
        nw7: found.nw7,
    }
}

/// Without the digits: they name a person's coupon and belong in no log.
impl std::fmt::Debug for Reading {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reading")
            .field("outcome", &self.outcome)
            .field("by", &self.by)
            .field("confidence", &self.confidence)
            .finish_non_exhaustive()
    }
}
