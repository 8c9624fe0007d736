//! What a level published, as a file with the reason of every number: for whoever delivers, and for
//! whoever asks why.

use std::borrow::Cow;
use std::io;

use crate::encoding::Encoding;
use crate::table::{Exported, Table, for_spreadsheet};

/// The columns before the items.
const NAMES: [&str; 6] = ["コード", "名称", "希望", "配分", "回数", "理由"];

/// One who gets something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllocationRow {
    /// Its code.
    pub code: String,
    /// Its name.
    pub name: String,
    /// Units asked for.
    pub request: Option<u64>,
    /// Units.
    pub units: u64,
    /// Doses in them.
    pub doses: u64,
    /// Why, in words.
    pub why: String,
    /// Needles, syringes and the like, in the order of the names given.
    pub items: Vec<u64>,
}

/// Writes the whole file; `items` names what goes along, each in a column of its own.
///
/// # Errors
/// Those of the place written to.
pub fn write_allocations<W: io::Write>(
    out: W,
    rows: &[AllocationRow],
    items: &[String],
    encoding: Encoding,
) -> io::Result<Exported> {
    let names = NAMES.into_iter().map(Cow::Borrowed);
    let items_named = items.iter().map(|name| for_spreadsheet(name));
    let mut table = Table::new(out, encoding, names.chain(items_named))?;
    for row in rows {
        let request = row.request.map_or(String::new(), |units| units.to_string());
        let fields: [Cow<'_, str>; 6] = [
            for_spreadsheet(&row.code),
            for_spreadsheet(&row.name),
            request.into(),
            row.units.to_string().into(),
            row.doses.to_string().into(),
            for_spreadsheet(&row.why),
        ];
        let counts = row.items.iter().map(|count| Cow::Owned(count.to_string()));
        table.row(fields.into_iter().chain(counts))?;
    }
    table.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_stands_with_its_reason_and_what_goes_along() {
        let row = AllocationRow {
            code: "131016".into(),
            name: "千代田区".into(),
            request: None,
            units: 3,
            doses: 3_510,
            why: "=人口比".into(),
            items: vec![3_600],
        };
        let mut bytes = Vec::new();
        write_allocations(&mut bytes, &[row], &["needle".into()], Encoding::Utf8).unwrap();
        assert_eq!(
            String::from_utf8(bytes).unwrap(),
            "コード,名称,希望,配分,回数,理由,needle\r\n131016,千代田区,,3,3510,'=人口比,3600\r\n"
        );
    }
}
