//! 回収通知の宛先CSV: whom a city writes to because of a lot that is recalled, one line for each dose.
//!
//! The layout is ours \[O\].

use std::borrow::Cow;
use std::io;

use domain::addresses::{Address, PostalCode};
use domain::calendar::Day;
use domain::coupons::CouponNumber;
use domain::vaccines::Lot;

use crate::encoding::Encoding;
use crate::table::{Exported, Table, for_spreadsheet};

const NAMES: [&str; 11] = [
    "個別宛名番号",
    "券番号",
    "氏名漢字",
    "氏名カナ",
    "郵便番号",
    "住所",
    "接種日",
    "製品コード",
    "ロット",
    "会場名",
    "備考",
];

/// A dose, and whom to write to about it.
#[derive(Clone, PartialEq, Eq)]
pub struct LetterRow {
    /// The city's own number of the person.
    pub resident_no: String,
    /// The coupon's number.
    pub number: CouponNumber,
    /// The name.
    pub name: String,
    /// Its kana.
    pub kana: String,
    /// Where letters go, if it is known.
    pub address: Option<Address>,
    /// The day of the dose.
    pub given_on: Day,
    /// The product's key.
    pub product: String,
    /// The lot.
    pub lot: Lot,
    /// The venue's name on the day.
    pub venue: String,
    /// What a clerk should know before a letter goes out, in words.
    pub note: String,
}

impl std::fmt::Debug for LetterRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LetterRow(..)")
    }
}

/// Writes the whole file.
///
/// # Errors
/// Those of the place written to.
pub fn write_letters<W: io::Write>(
    out: W,
    rows: &[LetterRow],
    encoding: Encoding,
) -> io::Result<Exported> {
    let mut table = Table::new(out, encoding, NAMES.into_iter().map(Cow::Borrowed))?;
    for row in rows {
        let address = row.address.as_ref();
        let postal_code = address.and_then(|address| address.postal_code.as_ref());
        let place = address.map(Address::in_one_line).unwrap_or_default();
        let fields: [Cow<'_, str>; 11] = [
            for_spreadsheet(&row.resident_no),
            row.number.as_str().into(),
            for_spreadsheet(&row.name),
            for_spreadsheet(&row.kana),
            postal_code.map_or("", PostalCode::as_str).into(),
            for_spreadsheet(&place),
            row.given_on.compact().into(),
            for_spreadsheet(&row.product),
            for_spreadsheet(row.lot.as_str()),
            for_spreadsheet(&row.venue),
            for_spreadsheet(&row.note),
        ];
        table.row(fields.into_iter())?;
    }
    table.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dose_stands_with_where_the_letter_goes() {
        let row = LetterRow {
            resident_no: "77".into(),
            number: CouponNumber::parse("0000012345").unwrap(),
            name: "=厚生 花子".into(),
            kana: "コウセイ ハナコ".into(),
            address: Address::of(
                PostalCode::parse("100-0001").ok(),
                "千代田区千代田1-1".into(),
                "見本荘1号".into(),
            ),
            given_on: Day::parse("2021-06-01").unwrap(),
            product: "comirnaty_12_mono".into(),
            lot: Lot::parse("EY2173").unwrap(),
            venue: "会場1".into(),
            note: String::new(),
        };
        let gone = LetterRow {
            address: None,
            note: "転出".into(),
            ..row.clone()
        };
        let mut bytes = Vec::new();
        write_letters(&mut bytes, &[row, gone], Encoding::Utf8).unwrap();
        assert_eq!(
            String::from_utf8(bytes).unwrap(),
            "個別宛名番号,券番号,氏名漢字,氏名カナ,郵便番号,住所,接種日,製品コード,ロット,会場名,備考\r\n\
             77,0000012345,'=厚生 花子,コウセイ ハナコ,1000001,千代田区千代田1-1 見本荘1号,20210601,comirnaty_12_mono,EY2173,会場1,\r\n\
             77,0000012345,'=厚生 花子,コウセイ ハナコ,,,20210601,comirnaty_12_mono,EY2173,会場1,転出\r\n"
        );
    }
}
