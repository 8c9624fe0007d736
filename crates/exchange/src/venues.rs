//! Files about venues: a company's own codes for them (自社コード) in and out, and the parties to the collective contract
//! (集合契約) by code, as the governors' and the medical associations hold their lists (domain paper §3.5).
//!
//! The layouts are ours \[O\]: those of the real programme were not found.

use std::borrow::Cow;
use std::io::{self, Read};

use domain::venues::FacilityCode;
use domain::venues::own_codes::{OWN_CODE_LENGTH_MAX, OwnCode};

use crate::complaints::{Complaint, Fault};
use crate::encoding::Encoding;
use crate::form::{Form, day, digits, short};
use crate::structure::{FileLine, Item, Layout, Sheet, StructureRefusal};
use crate::table::{Exported, Table, for_spreadsheet};

/// One line of a file of own codes, or why not.
pub type OwnCodeLine = FileLine<OwnCode>;

/// Reads a file of own codes line by line.
#[derive(Debug)]
pub struct OwnCodes<R> {
    sheet: Sheet<R>,
}

impl<R: Read> OwnCodes<R> {
    /// Opens a file of own codes.
    ///
    /// # Errors
    /// [`StructureRefusal`] if the file as a whole cannot be right.
    pub fn open(source: R, encoding: Encoding) -> Result<Self, StructureRefusal> {
        Ok(Self {
            sheet: Sheet::open(source, encoding, OWN_CODES)?,
        })
    }
}

impl<R: Read> Iterator for OwnCodes<R> {
    type Item = io::Result<OwnCodeLine>;

    fn next(&mut self) -> Option<Self::Item> {
        self.sheet.take(|form, _| own_code(form))
    }
}

const OWN_CODES: Layout = Layout {
    items: &["会場コード", "適用開始日", "自社コード", "会場名"],
    required: 3,
};
const CODE: Item = Item(0);
const FROM: Item = Item(1);
const OWN: Item = Item(2);

fn own_code(mut form: Form<'_>) -> (Option<OwnCode>, Vec<Complaint>) {
    let code = form.required(CODE, facility);
    let from = form.required(FROM, day);
    let own = form.optional(OWN, |text| short(text, OWN_CODE_LENGTH_MAX));
    let complaints = form.complaints();
    let row = || {
        Some(OwnCode {
            code: code?,
            name: String::new(),
            from: from?,
            own: own?.unwrap_or_default(),
        })
    };
    let good = complaints.iter().all(Complaint::keeps_row);
    (good.then(row).flatten(), complaints)
}

fn facility(text: &str) -> Result<FacilityCode, Fault> {
    digits(text, 10)?;
    FacilityCode::parse(text).map_err(|_| Fault::NotDigits)
}

/// Writes own codes in the layout in which they are read.
///
/// # Errors
/// Those of the place written to.
pub fn write_own_codes<W: io::Write>(
    out: W,
    rows: &[OwnCode],
    encoding: Encoding,
) -> io::Result<Exported> {
    let names = OWN_CODES.items.iter().copied().map(Cow::Borrowed);
    let mut table = Table::new(out, encoding, names)?;
    for row in rows {
        let fields: [Cow<'_, str>; 4] = [
            row.code.as_str().into(),
            row.from.to_string().replace('-', "").into(),
            for_spreadsheet(&row.own),
            for_spreadsheet(&row.name),
        ];
        table.row(fields.into_iter())?;
    }
    table.finish()
}

/// A party to the contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartyRow {
    /// Its code on the day of the list; empty if it has none.
    pub code: String,
    /// Its name.
    pub name: String,
    /// Its city's code.
    pub municipality: String,
    /// Its city's name.
    pub city: String,
    /// Its association.
    pub association: String,
    /// Since when, `YYYY-MM-DD`.
    pub since: String,
}

/// Writes the list of the parties.
///
/// # Errors
/// Those of the place written to.
pub fn write_parties<W: io::Write>(
    out: W,
    rows: &[PartyRow],
    encoding: Encoding,
) -> io::Result<Exported> {
    const NAMES: [&str; 6] = [
        "会場コード",
        "会場名",
        "市町村コード",
        "市町村名",
        "郡市医師会",
        "加入日",
    ];
    let mut table = Table::new(out, encoding, NAMES.into_iter().map(Cow::Borrowed))?;
    for row in rows {
        let fields: [Cow<'_, str>; 6] = [
            row.code.as_str().into(),
            for_spreadsheet(&row.name),
            row.municipality.as_str().into(),
            for_spreadsheet(&row.city),
            for_spreadsheet(&row.association),
            row.since.replace('-', "").into(),
        ];
        table.row(fields.into_iter())?;
    }
    table.finish()
}

#[cfg(test)]
mod tests {
    use domain::calendar::Day;

    use super::*;

    fn row(code: &str, own: &str, name: &str) -> OwnCode {
        OwnCode {
            code: FacilityCode::parse(code).unwrap(),
            name: name.into(),
            from: Day::parse("2021-06-01").unwrap(),
            own: own.into(),
        }
    }

    fn read(file: &[u8]) -> Vec<OwnCodeLine> {
        OwnCodes::open(file, Encoding::Utf8)
            .unwrap()
            .map(Result::unwrap)
            .collect()
    }

    #[test]
    fn what_is_written_is_read_again() {
        let rows = [
            row("0110113719", "A-001", "札幌病院"),
            row("1310000015", "", ""),
        ];
        let mut file = Vec::new();
        write_own_codes(&mut file, &rows, Encoding::Utf8).unwrap();
        let text = String::from_utf8(file.clone()).unwrap();
        assert_eq!(
            text,
            "会場コード,適用開始日,自社コード,会場名\r\n0110113719,20210601,A-001,札幌病院\r\n1310000015,20210601,,\r\n"
        );
        let back: Vec<OwnCode> = read(&file)
            .into_iter()
            .filter_map(|line| line.row)
            .collect();
        let nameless = [row("0110113719", "A-001", ""), row("1310000015", "", "")];
        assert_eq!(back, nameless);
    }

    #[test]
    fn a_wrong_line_is_told_with_its_number_and_the_next_is_read() {
        let file = "会場コード,適用開始日,自社コード\n110113719,20210631,X\n0110113719,20210601,123456789012345678901\n0110113719,20210601,A\n";
        let lines = read(file.as_bytes());
        let codes = |line: &OwnCodeLine| -> Vec<_> {
            line.complaints.iter().map(Complaint::code).collect()
        };
        assert_eq!(codes(&lines[0]), ["digit-count", "not-a-day"]);
        assert_eq!(codes(&lines[1]), ["too-long"]);
        assert_eq!((lines[2].place.line, lines[2].row.is_some()), (4, true));
    }

    #[test]
    fn a_name_never_runs_as_a_formula_in_a_list_of_parties() {
        let party = PartyRow {
            code: "1310000015".into(),
            name: "=SUM(A1)".into(),
            municipality: "131016".into(),
            city: "千代田区".into(),
            association: "見本区医師会".into(),
            since: "2021-06-01".into(),
        };
        let mut file = Vec::new();
        write_parties(&mut file, &[party], Encoding::Utf8).unwrap();
        assert_eq!(
            String::from_utf8(file).unwrap(),
            "会場コード,会場名,市町村コード,市町村名,郡市医師会,加入日\r\n1310000015,'=SUM(A1),131016,千代田区,見本区医師会,20210601\r\n"
        );
    }
}
