//! The codes on a vaccine's seal, vial or box: DataMatrix, GS1-128, DataBar and QR, by the library.
//!
//! What they say is not understood here: elements of GS1 are `domain`'s. Of a composite the library reads
//! the linear half only; the lot is then typed.

use std::collections::HashSet;

use rxing::multi::{GenericMultipleBarcodeReader, MultipleBarcodeReader};
use rxing::{
    BarcodeFormat, DecodeHints, MultiFormatReader, RXingResult, RXingResultMetadataType,
    RXingResultMetadataValue,
};

use crate::codes::{Bitmap, guarded};
use crate::grey::Grey;
use crate::photo::{PictureRefusal, decode};

/// Codes of one picture that are looked at; a box has some, and what is more is another picture.
const CODES_MAX: usize = 8;

/// The texts of the codes in a JPEG, PNG or WebP photograph, each once, those that name their kind of
/// symbol with its prefix (`]d2`); empty if there is none.
///
/// # Errors
/// As [`crate::read`].
pub fn read_seals(bytes: &[u8]) -> Result<Vec<String>, PictureRefusal> {
    Ok(read_seals_grey(&decode(bytes)?))
}

/// The same for a grey picture.
pub fn read_seals_grey(grey: &Grey) -> Vec<String> {
    let looks: [&dyn Fn() -> Vec<String>; 3] = [
        &|| codes(grey),
        &|| codes(&grey.blurred(1, 1).sharpened(4, 2.0)),
        &|| codes(&grey.shrunk(2)),
    ];
    let found = looks.into_iter().map(|look| look());
    found
        .into_iter()
        .find(|texts| !texts.is_empty())
        .unwrap_or_default()
}

fn codes(grey: &Grey) -> Vec<String> {
    let hints = DecodeHints {
        TryHarder: Some(true),
        PossibleFormats: Some(HashSet::from([
            BarcodeFormat::DATA_MATRIX,
            BarcodeFormat::QR_CODE,
            BarcodeFormat::CODE_128,
            BarcodeFormat::RSS_14,
            BarcodeFormat::RSS_EXPANDED,
            BarcodeFormat::EAN_13,
        ])),
        // Brackets or FNC1 would be swallowed otherwise.
        AssumeGs1: Some(true),
        ..DecodeHints::default()
    };
    let found = guarded(grey, |bitmap: &mut Bitmap| {
        GenericMultipleBarcodeReader::new(MultiFormatReader::default())
            .decode_multiple_with_hints(bitmap, &hints)
            .ok()
    });
    let mut texts: Vec<String> = Vec::new();
    for one in found.unwrap_or_default().iter().take(CODES_MAX) {
        let text = text(one);
        if !text.is_empty() && !texts.contains(&text) {
            texts.push(text);
        }
    }
    texts
}

/// The text with the prefix that names the symbol, where the decoder knows it and the text has none.
fn text(found: &RXingResult) -> String {
    let text = found.getText().trim_matches([' ', '\n', '\r']);
    let named = found
        .getRXingResultMetadata()
        .get(&RXingResultMetadataType::SYMBOLOGY_IDENTIFIER);
    match named {
        Some(RXingResultMetadataValue::SymbologyIdentifier(name)) if !text.starts_with(']') => {
            format!("{name}{text}")
        }
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is read, with the separator made visible. The pictures were made by another program (zint 2.11).
    fn read(picture: &[u8]) -> Vec<String> {
        let texts = read_seals(picture).unwrap();
        texts
            .iter()
            .map(|text| text.replace('\u{1d}', "|"))
            .collect()
    }

    #[test]
    fn a_data_matrix_is_read_with_its_separators() {
        let read = read(include_bytes!("../tests/seals/data_matrix.png"));
        assert_eq!(read, ["]d2010498712345678410EY2173|17210930"]);
    }

    #[test]
    fn a_bar_code_of_gs1_is_read_with_its_separators() {
        let read = read(include_bytes!("../tests/seals/gs1_128.png"));
        assert_eq!(read, ["]C1010498712345678410EY2173|17210930"]);
    }

    #[test]
    fn a_qr_code_of_gs1_is_read_with_its_separators() {
        let read = read(include_bytes!("../tests/seals/qr.png"));
        assert_eq!(read, ["]Q3010498712345678410EY2173|17210930"]);
    }

    #[test]
    fn data_bars_are_read() {
        let linear = read(include_bytes!("../tests/seals/databar.png"));
        assert_eq!(linear, ["]e004987123456784"]);
        let expanded = read(include_bytes!("../tests/seals/databar_expanded.png"));
        assert_eq!(expanded, ["]e0(01)04987123456784(17)210930(10)EY2173"]);
    }

    #[test]
    fn where_there_is_no_code_nothing_is_read() {
        let white = Grey::new(300, 200, vec![255; 300 * 200]).unwrap();
        assert_eq!(read_seals_grey(&white), Vec::<String>::new());
        assert!(read_seals(b"no picture").is_err());
    }
}
