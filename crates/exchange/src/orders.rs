//! 発注一覧CSV: what a supplier still has to deliver, one line for each order. Its numbers and codes are those
//! that 配送結果CSV (`deliveries`) takes back.
//!
//! The layout is ours \[O\]: that of the real programme was not found.

use std::borrow::Cow;
use std::io;

use domain::calendar::Day;

use crate::encoding::Encoding;
use crate::table::{Exported, Table, for_spreadsheet};

const NAMES: [&str; 10] = [
    "発注番号",
    "会場コード",
    "会場名",
    "製品コード",
    "バイアル数",
    "配送済み",
    "クール",
    "配送開始日",
    "配送終了日",
    "自社コード",
];

/// An order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderLine {
    /// Its number.
    pub number: String,
    /// The venue's ten digits.
    pub facility: String,
    /// The venue's name.
    pub venue: String,
    /// The product's key.
    pub product: String,
    /// Vials ordered.
    pub vials: i64,
    /// Vials delivered of it.
    pub delivered: i64,
    /// The cycle's number, if it follows from one.
    pub cycle: Option<i64>,
    /// The cycle's first and last day of delivery.
    pub days: Option<(Day, Day)>,
    /// What the supplier calls the venue (自社コード); empty if it told nothing.
    pub own: String,
}

/// Writes the whole file.
///
/// # Errors
/// Those of the place written to.
pub fn write_orders<W: io::Write>(
    out: W,
    lines: &[OrderLine],
    encoding: Encoding,
) -> io::Result<Exported> {
    let mut table = Table::new(out, encoding, NAMES.into_iter().map(Cow::Borrowed))?;
    let eight = |day: Day| Cow::Owned(day.compact());
    for line in lines {
        let cycle = line
            .cycle
            .map_or_else(String::new, |number| number.to_string());
        let (first, last) = line
            .days
            .map_or((Cow::Borrowed(""), Cow::Borrowed("")), |(first, last)| {
                (eight(first), eight(last))
            });
        let fields: [Cow<'_, str>; 10] = [
            for_spreadsheet(&line.number),
            for_spreadsheet(&line.facility),
            for_spreadsheet(&line.venue),
            for_spreadsheet(&line.product),
            line.vials.to_string().into(),
            line.delivered.to_string().into(),
            cycle.into(),
            first,
            last,
            for_spreadsheet(&line.own),
        ];
        table.row(fields.into_iter())?;
    }
    table.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_stands_with_its_days_of_delivery() {
        let day = |text| Day::parse(text).unwrap();
        let line = OrderLine {
            number: "20210705-1310000015-9A8057".into(),
            facility: "1310000015".into(),
            venue: "会場1".into(),
            product: "comirnaty_12_mono".into(),
            vials: 585,
            delivered: 195,
            cycle: Some(9),
            days: Some((day("2021-07-05"), day("2021-07-18"))),
            own: "A-001".into(),
        };
        let own = OrderLine {
            cycle: None,
            days: None,
            own: String::new(),
            ..line.clone()
        };
        let mut bytes = Vec::new();
        write_orders(&mut bytes, &[line, own], Encoding::Utf8).unwrap();
        assert_eq!(
            String::from_utf8(bytes).unwrap(),
            "発注番号,会場コード,会場名,製品コード,バイアル数,配送済み,クール,配送開始日,配送終了日,自社コード\r\n\
             20210705-1310000015-9A8057,1310000015,会場1,comirnaty_12_mono,585,195,9,20210705,20210718,A-001\r\n\
             20210705-1310000015-9A8057,1310000015,会場1,comirnaty_12_mono,585,195,,,,\r\n"
        );
    }
}
