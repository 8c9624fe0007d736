//! 需給一覧CSV: a monitor's table as a file, one line for each place and a last one for all of them.
//!
//! The layout is ours \[O\]: the original had none that could be taken out.

use std::borrow::Cow;
use std::io;

use domain::calendar::Instant;
use domain::monitors::{Cover, Ending, Sums};

use crate::encoding::Encoding;
use crate::table::{Exported, Table, for_spreadsheet};

const NAMES: [&str; 24] = [
    "コード",
    "名称",
    "製品コード",
    "供給",
    "受領",
    "輸送中",
    "融通受入",
    "融通払出",
    "在庫",
    "在庫回数",
    "在庫週数",
    "接種回数14日",
    "開封中",
    "使用",
    "廃棄未使用",
    "廃棄期限切れ",
    "廃棄温度逸脱",
    "廃棄開封未接種",
    "紛失・棚卸差",
    "期限14日以内",
    "期限28日以内",
    "期限切れ・期限不明",
    "登録の古い会場",
    "最終登録",
];
/// Tenths of a week in a week.
const TENTHS: i64 = 10;

/// A place, a venue, or a lot of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MonitorRow {
    /// Its code: of a prefecture, a city or a venue; empty for all together.
    pub code: String,
    /// Its name.
    pub name: String,
    /// The product's key.
    pub product: String,
    /// Vials.
    pub sums: Sums,
    /// Doses in the vials on hand.
    pub doses: i64,
    /// For how long they last.
    pub cover: Cover,
    /// Doses given within the last days.
    pub given: i64,
    /// What ends when.
    pub ending: Ending,
    /// Venues that told nothing for long.
    pub silent: i64,
    /// When a venue last told something; none of other places.
    pub told: Option<Instant>,
}

/// Weeks with one decimal; empty where nothing was used.
fn weeks(cover: Cover) -> String {
    match cover {
        Cover::NothingUsed => String::new(),
        Cover::Tenths(tenths) => format!("{}.{}", tenths / TENTHS, tenths % TENTHS),
    }
}

/// Writes the whole file.
///
/// # Errors
/// Those of the place written to.
pub fn write_monitor<W: io::Write>(
    out: W,
    rows: &[MonitorRow],
    encoding: Encoding,
) -> io::Result<Exported> {
    let mut table = Table::new(out, encoding, NAMES.into_iter().map(Cow::Borrowed))?;
    for row in rows {
        let MonitorRow { sums, ending, .. } = row;
        let words = [&row.code, &row.name, &row.product].map(|text| for_spreadsheet(text));
        let before = [
            sums.shipped,
            sums.received,
            sums.on_the_way(),
            sums.taken,
            sums.sent,
            sums.on_hand,
            row.doses,
        ];
        let after = [
            row.given,
            sums.opened,
            sums.used,
            sums.wasted_unused,
            sums.wasted_expired,
            sums.wasted_temperature,
            sums.wasted_opened_none,
            sums.missing(),
            ending.soon,
            ending.soon + ending.before_long,
            ending.ended + ending.untold,
            row.silent,
        ];
        let number = |figure: i64| Cow::Owned(figure.to_string());
        let fields = words
            .into_iter()
            .chain(before.into_iter().map(number))
            .chain([Cow::Owned(weeks(row.cover))])
            .chain(after.into_iter().map(number))
            .chain([Cow::Owned(
                row.told.map_or_else(String::new, Instant::japanese),
            )]);
        table.row(fields)?;
    }
    table.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> MonitorRow {
        MonitorRow {
            code: "13".into(),
            name: "東京都".into(),
            product: "comirnaty_12_mono".into(),
            sums: Sums {
                shipped: 30,
                received: 20,
                on_hand: 12,
                opened: 1,
                used: 4,
                wasted_temperature: 1,
                lost: 1,
                difference: 1,
                ..Sums::default()
            },
            doses: 72,
            cover: Cover::Tenths(105),
            given: 24,
            ending: Ending {
                soon: 2,
                before_long: 3,
                ended: 1,
                untold: 4,
            },
            silent: 1,
            told: Instant::parse("2021-06-01T10:00:00+09:00"),
        }
    }

    #[test]
    fn a_place_is_a_line_with_its_weeks_and_its_endings() {
        let unused = MonitorRow {
            cover: Cover::NothingUsed,
            told: None,
            ..row()
        };
        let mut bytes = Vec::new();
        write_monitor(&mut bytes, &[row(), unused], Encoding::Utf8).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        let lines: Vec<&str> = text.split("\r\n").collect();
        assert_eq!(lines[0].split(',').count(), NAMES.len());
        assert_eq!(
            lines[1],
            "13,東京都,comirnaty_12_mono,30,20,10,0,0,12,72,10.5,24,1,4,0,0,1,0,2,2,5,5,1,2021-06-01 10:00"
        );
        assert_eq!(
            lines[2],
            "13,東京都,comirnaty_12_mono,30,20,10,0,0,12,72,,24,1,4,0,0,1,0,2,2,5,5,1,"
        );
    }
}
