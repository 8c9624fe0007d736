//! The pieces of a mailing that have no address in their window, as a file: what a clerk takes to the
//! register of residents before anything is printed.

use std::borrow::Cow;
use std::io;

use domain::coupons::CouponNumber;

use crate::encoding::Encoding;
use crate::table::{Exported, Table, for_spreadsheet};

/// The columns.
const NAMES: [&str; 4] = ["券番号", "個別宛名番号", "氏名漢字", "理由"];

/// One piece.
#[derive(Clone, PartialEq, Eq)]
pub struct UnaddressedRow {
    /// The number printed on it.
    pub number: CouponNumber,
    /// The city's own number of the person.
    pub resident_no: String,
    /// The name.
    pub name: String,
    /// Why there is no address, in words.
    pub why: String,
}

impl std::fmt::Debug for UnaddressedRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("UnaddressedRow(..)")
    }
}

/// Writes the whole file.
///
/// # Errors
/// Those of the place written to.
pub fn write_unaddressed<W: io::Write>(
    out: W,
    rows: &[UnaddressedRow],
    encoding: Encoding,
) -> io::Result<Exported> {
    let mut table = Table::new(out, encoding, NAMES.into_iter().map(Cow::Borrowed))?;
    for row in rows {
        let fields = [
            row.number.as_str().into(),
            for_spreadsheet(&row.resident_no),
            for_spreadsheet(&row.name),
            for_spreadsheet(&row.why),
        ];
        table.row(fields.into_iter())?;
    }
    table.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_is_a_line_with_its_reason() {
        let row = UnaddressedRow {
            number: CouponNumber::parse("0000012345").unwrap(),
            resident_no: "77".into(),
            name: "=厚生".into(),
            why: "住所がありません".into(),
        };
        let mut bytes = Vec::new();
        let done = write_unaddressed(&mut bytes, &[row], Encoding::Utf8).unwrap();
        assert_eq!(done.rows, 1);
        assert_eq!(
            String::from_utf8(bytes).unwrap(),
            "券番号,個別宛名番号,氏名漢字,理由\r\n0000012345,77,'=厚生,住所がありません\r\n"
        );
    }
}
