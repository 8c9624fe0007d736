//! Files that come with a form, and small files that go out inside a page.

use axum::extract::multipart::MultipartError;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use exchange::encoding::Encoding;
use exchange::structure::StructureRefusal;

use crate::web::locale::Locale;
use crate::web::problem::Problem;

/// A form with files that could not be received whole.
#[must_use]
pub fn cut_off(error: &MultipartError) -> Problem {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large")
    } else {
        Problem::bad_request("body_incomplete")
    }
}

/// A CSV to save.
#[must_use]
pub fn csv_response(name: &str, encoding: Encoding, file: impl IntoResponse) -> Response {
    let kind = match encoding {
        Encoding::Utf8 => "text/csv; charset=utf-8",
        Encoding::Windows31j => "text/csv; charset=Shift_JIS",
    };
    let headers = [
        (CONTENT_TYPE, kind.to_owned()),
        (
            CONTENT_DISPOSITION,
            format!("attachment; filename=\"{name}\""),
        ),
    ];
    (headers, file).into_response()
}

/// Why nothing of a file is taken in, in the reader's language.
#[must_use]
pub fn refused_text(refusal: &StructureRefusal, locale: Locale) -> String {
    match locale {
        Locale::Ja => refusal.text_ja(),
        Locale::En => refusal.to_string(),
    }
}

/// A file as an address that holds the file itself (`data:`): shown or saved from there, so that
/// no copy lies anywhere.
#[must_use]
pub fn address(kind: &str, bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut address = format!("data:{kind};base64,");
    address.reserve(bytes.len() / 3 * 4 + 4);
    for three in bytes.chunks(3) {
        let bits = (0..3).fold(0_u32, |bits, at| {
            bits << 8 | u32::from(three.get(at).copied().unwrap_or_default())
        });
        for at in 0..4 {
            let letter = LETTERS.get((bits >> (18 - 6 * at) & 63) as usize);
            let letter = letter.filter(|_| at <= three.len());
            address.push(char::from(letter.copied().unwrap_or(b'=')));
        }
    }
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_holds_the_file_in_base64() {
        let check = |bytes: &[u8], expected: &str| {
            assert_eq!(
                address("image/png", bytes),
                format!("data:image/png;base64,{expected}")
            );
        };
        check(b"", "");
        check(b"f", "Zg==");
        check(b"fo", "Zm8=");
        check(b"foo", "Zm9v");
        check(b"foob", "Zm9vYg==");
        check(&[0xfb, 0xff], "+/8=");
    }
}
