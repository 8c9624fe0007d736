//! The access log (閲覧記録) as a file: who looked at a record, when, and what for.
//!
//! The person may have it, so there is nothing in it but the looks themselves.

use std::borrow::Cow;
use std::io;

use domain::calendar::Instant;
use domain::coupons::CouponNumber;

use crate::encoding::Encoding;
use crate::table::{Exported, Table, for_spreadsheet};

/// The columns.
const NAMES: [&str; 6] = ["日時", "組織", "利用者", "画面", "券番号", "目的"];

/// One look.
#[derive(Clone, PartialEq, Eq)]
pub struct Look {
    /// When.
    pub at: Instant,
    /// For which organisation.
    pub organisation_name: String,
    /// Who; empty if the account is gone.
    pub by_name: String,
    /// Which page or call.
    pub view: String,
    /// Whose record; none for a list.
    pub number: Option<CouponNumber>,
    /// What for, in the words of the person who looked.
    pub purpose: String,
}

impl std::fmt::Debug for Look {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Look")
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}

/// Writes the file line by line.
#[derive(Debug)]
pub struct AccessLogExport<W: io::Write>(Table<W>);

impl<W: io::Write> AccessLogExport<W> {
    /// Begins a file with its header.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn new(out: W, encoding: Encoding) -> io::Result<Self> {
        let names = NAMES.into_iter().map(Cow::Borrowed);
        Table::new(out, encoding, names).map(Self)
    }

    /// Adds a look.
    ///
    /// # Errors
    /// Those of the place written to.
    pub fn row(&mut self, look: &Look) -> io::Result<()> {
        let number = look.number.as_ref().map_or("", CouponNumber::as_str);
        let fields = [
            look.at.japanese().into(),
            for_spreadsheet(&look.organisation_name),
            for_spreadsheet(&look.by_name),
            for_spreadsheet(&look.view),
            number.into(),
            for_spreadsheet(&look.purpose),
        ];
        self.0.row(fields.into_iter())
    }

    /// Ends the file, and tells what was written.
    ///
    /// # Errors
    /// Those of the place written to.
    pub fn finish(self) -> io::Result<Exported> {
        self.0.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(purpose: &str) -> Look {
        Look {
            at: Instant::parse("2021-07-10T15:04:05+09:00").unwrap(),
            organisation_name: "千代田区".into(),
            by_name: "𠮷田".into(),
            view: "person".into(),
            number: CouponNumber::parse("0000012345").ok(),
            purpose: purpose.into(),
        }
    }

    fn written(looks: &[Look], encoding: Encoding) -> (Vec<u8>, Exported) {
        let mut bytes = Vec::new();
        let mut export = AccessLogExport::new(&mut bytes, encoding).unwrap();
        for look in looks {
            export.row(look).unwrap();
        }
        let exported = export.finish().unwrap();
        (bytes, exported)
    }

    #[test]
    fn a_look_is_a_line() {
        let golden = "日時,組織,利用者,画面,券番号,目的\r\n\
            2021-07-10 15:04,千代田区,𠮷田,person,0000012345,電話の問い合わせ\r\n\
            2021-07-10 15:04,千代田区,𠮷田,ledger,,一覧\r\n";
        let list = Look {
            number: None,
            view: "ledger".into(),
            ..look("一覧")
        };
        let looks = [look("電話の問い合わせ"), list];
        let (bytes, exported) = written(&looks, Encoding::Utf8);
        assert_eq!(String::from_utf8(bytes).unwrap(), golden);
        assert_eq!((exported.rows, exported.remarks.len()), (2, 0));
        let (bytes, exported) = written(&looks, Encoding::Windows31j);
        let golden = golden.replace('𠮷', "〓");
        assert_eq!(
            bytes,
            Encoding::Windows31j.encode(&golden).unwrap().as_ref()
        );
        assert_eq!(exported.remarks.len(), 2);
    }

    #[test]
    fn what_somebody_wrote_is_no_formula() {
        let (bytes, _) = written(&[look("=1+1")], Encoding::Utf8);
        assert!(String::from_utf8(bytes).unwrap().ends_with(",'=1+1\r\n"));
    }

    #[test]
    fn nothing_of_a_person_shows_in_debug() {
        let shown = format!("{:?}", look("電話"));
        assert!(
            !shown.contains("12345") && !shown.contains("電話"),
            "{shown}"
        );
    }
}
