//! 累計報告CSV: what V-SYS asked of every venue (❽ 接種実績, ❾ 在庫; domain paper 3.8), as one file of lines for whoever needs
//! that shape. Every figure is a total up to 17:00 of the day.
//!
//! The blocks are those of the original's screen; that they stand in one table is ours \[O\]: no file of the
//! original was found.

use std::borrow::Cow;
use std::io;

use domain::calendar::Day;

use crate::encoding::Encoding;
use crate::table::{Exported, Table, for_spreadsheet};

const NAMES: [&str; 10] = [
    "区分",
    "集計日",
    "コード",
    "名称",
    "製品コード",
    "回数",
    "ロット",
    "受取元",
    "受取日",
    "数",
];

/// A line of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReportLine {
    /// Doses of a turn in all (接種実績).
    Given {
        /// The product's key.
        product: String,
        /// Which dose of the person.
        turn: u8,
        /// How many doses.
        doses: i64,
    },
    /// Vials of a lot received (受け取ったワクチン).
    Received {
        /// The product's key.
        product: String,
        /// The lot.
        lot: String,
        /// From whom.
        giver: String,
        /// On which day; none where several receipts are one line.
        on: Option<Day>,
        /// How many vials.
        vials: i64,
    },
    /// Vials thrown away of which nobody got a dose (未使用のまま廃棄した本数).
    Wasted {
        /// The product's key.
        product: String,
        /// How many vials.
        vials: i64,
    },
    /// Vials on hand (在庫).
    OnHand {
        /// The product's key.
        product: String,
        /// How many vials.
        vials: i64,
    },
}

/// Of whom, and up to which day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportHead {
    /// The day.
    pub day: Day,
    /// The place's code.
    pub code: String,
    /// Its name.
    pub name: String,
}

/// Writes the whole file.
///
/// # Errors
/// Those of the place written to.
pub fn write_report<W: io::Write>(
    out: W,
    head: &ReportHead,
    lines: &[ReportLine],
    encoding: Encoding,
) -> io::Result<Exported> {
    let mut table = Table::new(out, encoding, NAMES.into_iter().map(Cow::Borrowed))?;
    let day = head.day.compact();
    for line in lines {
        let nothing = || Cow::Borrowed("");
        let number = |figure: i64| Cow::Owned(figure.to_string());
        let (block, product, [turn, lot, giver, on], count) = match line {
            ReportLine::Given {
                product,
                turn,
                doses,
            } => {
                let turn = number(i64::from(*turn));
                let rest = [turn, nothing(), nothing(), nothing()];
                ("接種実績", product, rest, doses)
            }
            ReportLine::Received {
                product,
                lot,
                giver,
                on,
                vials,
            } => {
                let on = on.map_or_else(nothing, |on| Cow::Owned(on.compact()));
                let rest = [nothing(), for_spreadsheet(lot), for_spreadsheet(giver), on];
                ("受取", product, rest, vials)
            }
            ReportLine::Wasted { product, vials } => {
                ("廃棄", product, [(); 4].map(|()| nothing()), vials)
            }
            ReportLine::OnHand { product, vials } => {
                ("在庫", product, [(); 4].map(|()| nothing()), vials)
            }
        };
        let fields: [Cow<'_, str>; 10] = [
            Cow::Borrowed(block),
            Cow::Borrowed(&day),
            for_spreadsheet(&head.code),
            for_spreadsheet(&head.name),
            for_spreadsheet(product),
            turn,
            lot,
            giver,
            on,
            number(*count),
        ];
        table.row(fields.into_iter())?;
    }
    table.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(encoding: Encoding) -> Vec<u8> {
        let day = |text| Day::parse(text).unwrap();
        let head = ReportHead {
            day: day("2021-06-07"),
            code: "1310000015".into(),
            name: "会場1".into(),
        };
        let product = || "comirnaty_12_mono".to_owned();
        let lines = [
            ReportLine::Given {
                product: product(),
                turn: 1,
                doses: 120,
            },
            ReportLine::Received {
                product: product(),
                lot: "EY2173".into(),
                giver: "東卸".into(),
                on: Some(day("2021-06-01")),
                vials: 30,
            },
            ReportLine::Received {
                product: product(),
                lot: "FC9880".into(),
                giver: "=1+1".into(),
                on: None,
                vials: 5,
            },
            ReportLine::Wasted {
                product: product(),
                vials: 2,
            },
            ReportLine::OnHand {
                product: product(),
                vials: 13,
            },
        ];
        let mut bytes = Vec::new();
        write_report(&mut bytes, &head, &lines, encoding).unwrap();
        bytes
    }

    #[test]
    fn every_block_of_the_original_has_its_lines() {
        assert_eq!(
            String::from_utf8(written(Encoding::Utf8)).unwrap(),
            "区分,集計日,コード,名称,製品コード,回数,ロット,受取元,受取日,数\r\n\
             接種実績,20210607,1310000015,会場1,comirnaty_12_mono,1,,,,120\r\n\
             受取,20210607,1310000015,会場1,comirnaty_12_mono,,EY2173,東卸,20210601,30\r\n\
             受取,20210607,1310000015,会場1,comirnaty_12_mono,,FC9880,'=1+1,,5\r\n\
             廃棄,20210607,1310000015,会場1,comirnaty_12_mono,,,,,2\r\n\
             在庫,20210607,1310000015,会場1,comirnaty_12_mono,,,,,13\r\n"
        );
    }

    #[test]
    fn the_other_encoding_says_the_same() {
        let bytes = written(Encoding::Windows31j);
        let text = encoding_rs::SHIFT_JIS.decode(&bytes).0.into_owned();
        assert_eq!(text.into_bytes(), written(Encoding::Utf8));
    }
}
