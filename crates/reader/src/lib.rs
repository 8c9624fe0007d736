//! The 18 digits of a coupon (接種券) out of a photograph, or an honest no.
//!
//! Three channels look at the same picture: the QR code, the printed line of digits, and the bar code NW-7. What
//! they say is weighed by fixed rules ([`Outcome`]); where they contradict each other, or where not every digit is
//! sure, the answer is "no" with a reason. Nothing here knows which municipalities or coupons exist: form and check
//! digit are all that is judged.
//!
//! Without the feature `photographs` the crate depends on no other, so that it can run wherever a camera is: a browser
//! decodes picture and codes by itself, and hands both to [`read_frame`].

mod chain;
pub mod check;
#[cfg(feature = "photographs")]
mod codes;
mod components;
mod decode;
#[cfg(feature = "photographs")]
mod display;
mod fit;
mod fusion;
mod grey;
mod light;
mod line;
#[cfg(feature = "photographs")]
mod look;
mod net;
#[cfg(feature = "photographs")]
mod photo;
#[cfg(feature = "photographs")]
mod seals;
pub mod sessions;
mod strip;
mod threshold;
#[cfg(feature = "training")]
pub mod training;

#[cfg(feature = "photographs")]
pub use codes::{Qr, read_nw7, read_qr, read_qr_texts};
#[cfg(feature = "photographs")]
pub use display::{DisplayDoubt, DisplayReading, read_display};
pub use fusion::{Channel, Outcome, Why};
pub use grey::{Grey, Turn};
pub use line::{CONFIDENCE_MIN, LineReading, read_line};
#[cfg(feature = "photographs")]
pub use photo::{
    DECODED_BYTES_MAX, FILE_BYTES_MAX, PIXELS_MAX, PictureRefusal, SIDE_READ_MAX,
    decode as decode_photo,
};
#[cfg(feature = "photographs")]
pub use seals::{read_seals, read_seals_grey};

use fusion::{Found, completed, weigh};

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
    /// The printed line, where each digit that is not sure is told by the bars or by the municipality's check digit. No
    /// reading: it is for a person to compare with the picture.
    pub completed: Option<String>,
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
    #[cfg(feature = "photographs")]
    pub fn png(&self) -> Vec<u8> {
        photo::png(&self.0)
    }
}

/// Reads a camera's frame in which somebody else has looked for codes: the text of a QR code, whatever it says, and
/// the digits of a bar code NW-7. The printed line is read here, and all three are weighed as in a photograph.
///
/// A frame is not turned: whoever holds a camera sees how the coupon lies.
pub fn read_frame(grey: &Grey, qr: Option<String>, nw7: Option<String>) -> Reading {
    // Bars of another length, or with the letters that Codabar knows, are not a coupon's.
    let nw7 = nw7.filter(|digits| {
        matches!(digits.len(), 10 | 18) && digits.bytes().all(|digit| digit.is_ascii_digit())
    });
    let found = Found {
        qr,
        line: read_line(grey),
        nw7,
    };
    reading(weigh(&found), found)
}

/// Reads a JPEG, PNG or WebP photograph.
///
/// # Errors
/// Refuses what is no picture, or one above the limits [`FILE_BYTES_MAX`] and [`PIXELS_MAX`].
#[cfg(feature = "photographs")]
pub fn read(bytes: &[u8]) -> Result<Reading, PictureRefusal> {
    Ok(read_grey(&decode_photo(bytes)?))
}

/// Reads a grey picture, however it is turned.
#[cfg(feature = "photographs")]
pub fn read_grey(grey: &Grey) -> Reading {
    let found = look::look(grey);
    reading(weigh(&found), found)
}

fn reading(verdict: fusion::Verdict, found: Found) -> Reading {
    let completed = completed(&found);
    let ocr_confidence = found.line.as_ref().map_or(0.0, LineReading::confidence);
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
        completed,
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
