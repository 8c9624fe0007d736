//! 予防接種台帳向け出力 and 接種対象者登録待ちリスト出力: the one layout of VRS that is known exactly
//! (domain paper §2.4, `CSVDOC`), and its extension to seven doses.
//!
//! Both outputs have the same columns: the person, then eight items for each turn. In the list of
//! the pending (登録待ち) the person is blank.

use std::borrow::Cow;
use std::io;

use domain::calendar::{Day, Instant};
use domain::coupons::CouponNumber;
use domain::doses::{DOCTOR_NAME_LENGTH_MAX, VENUE_NAME_LENGTH_MAX};
use domain::places::MunicipalityCode;
use domain::vaccines::LOT_LENGTH_MAX;

use crate::encoding::Encoding;
use crate::records::MAKER_CHARACTERS_MAX;
use crate::table::{Exported, Table};

/// How many turns the layout has columns for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Width {
    /// 17 columns: the first two turns, as published.
    Two,
    /// 57 columns: seven turns, the same eight items for each. How the original was extended was
    /// not found; this is ours. \[O\]
    Seven,
}

impl Width {
    /// Both, in the order a form offers them.
    pub const ALL: [Self; 2] = [Self::Seven, Self::Two];

    /// The width of so many turns.
    #[must_use]
    pub fn of(turns: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|width| width.turns() == turns)
    }

    /// The turns: 1 to this.
    #[must_use]
    pub fn turns(self) -> u8 {
        match self {
            Self::Two => 2,
            Self::Seven => 7,
        }
    }
}

/// The items of a turn, as the header names them after `1回目`.
const ITEMS: [&str; 8] = [
    "接種履歴登録日時",
    "接種日",
    "券番号",
    "接種自治体コード",
    "接種会場名",
    "接種医師名",
    "ワクチンメーカー",
    "ワクチンロット番号",
];

/// A person's line.
#[derive(Clone, PartialEq, Eq)]
pub struct LedgerRow {
    /// 個別宛名番号, as the city registered it; `None` in the list of the pending, which has no
    /// person yet, and for a protected person (支援措置).
    pub resident_number: Option<String>,
    /// The doses that count. Each has a coupon of its own, so a person who moved has doses of
    /// several cities.
    pub doses: Vec<LedgerDose>,
}

/// A dose of that line.
#[derive(Clone, PartialEq, Eq)]
pub struct LedgerDose {
    /// Which turn.
    pub turn: u8,
    /// 接種履歴登録日時: when it was recorded.
    pub recorded_at: Instant,
    /// 接種日.
    pub given_on: Day,
    /// 券番号.
    pub number: CouponNumber,
    /// 接種自治体コード: the city of the coupon.
    pub city: MunicipalityCode,
    /// 接種会場名.
    pub venue_name: String,
    /// 接種医師名.
    pub doctor: String,
    /// ワクチンメーカー, as the record format writes it.
    pub maker: String,
    /// ワクチンロット番号.
    pub lot: String,
}

impl std::fmt::Debug for LedgerRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LedgerRow(..)")
    }
}

impl std::fmt::Debug for LedgerDose {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LedgerDose(..)")
    }
}

/// Writes the file line by line, so that a city of millions needs no memory.
#[derive(Debug)]
pub struct LedgerExport<W: io::Write> {
    table: Table<W>,
    width: Width,
}

impl<W: io::Write> LedgerExport<W> {
    /// Begins a file with its header.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn new(out: W, encoding: Encoding, width: Width) -> io::Result<Self> {
        let turns = (1..=width.turns()).flat_map(|turn| {
            ITEMS
                .iter()
                .map(move |item| Cow::Owned(format!("{turn}回目{item}")))
        });
        let names = std::iter::once(Cow::Borrowed("個別宛名番号")).chain(turns);
        Ok(Self {
            table: Table::new(out, encoding, names)?,
            width,
        })
    }

    /// Adds a line. A dose that the layout has no place for is counted as left off.
    ///
    /// # Errors
    /// Those of the place written to.
    pub fn row(&mut self, row: &LedgerRow) -> io::Result<()> {
        let number = row.resident_number.as_deref().unwrap_or_default();
        let mut fields = vec![Cow::Borrowed(number)];
        let mut written = 0;
        for turn in 1..=self.width.turns() {
            match row.doses.iter().find(|dose| dose.turn == turn) {
                Some(dose) => {
                    fields.extend(self.dose(dose, fields.len()));
                    written += 1;
                }
                None => fields.extend(ITEMS.map(|_| Cow::Borrowed(""))),
            }
        }
        let left_off = row.doses.len().saturating_sub(written);
        self.table.exported.doses_left_off += left_off as u64;
        self.table.row(fields.into_iter())
    }

    fn dose<'d>(&mut self, dose: &'d LedgerDose, columns_before: usize) -> [Cow<'d, str>; 8] {
        let mut fitting = |text, item: usize, max| {
            Cow::Borrowed(self.table.fitting(text, columns_before + item, max))
        };
        [
            dose.recorded_at.compact_japanese().into(),
            dose.given_on.compact().into(),
            dose.number.as_str().into(),
            dose.city.as_str().into(),
            fitting(&dose.venue_name, 5, VENUE_NAME_LENGTH_MAX),
            fitting(&dose.doctor, 6, DOCTOR_NAME_LENGTH_MAX),
            fitting(&dose.maker, 7, MAKER_CHARACTERS_MAX),
            fitting(&dose.lot, 8, LOT_LENGTH_MAX),
        ]
    }

    /// Ends the file, and tells what was written.
    ///
    /// # Errors
    /// Those of the place written to.
    pub fn finish(self) -> io::Result<Exported> {
        self.table.finish()
    }
}

impl LedgerExport<Vec<u8>> {
    /// The bytes written since the last time, so that a file leaves piece by piece.
    ///
    /// # Errors
    /// None that memory does not give.
    pub fn take(&mut self) -> io::Result<Vec<u8>> {
        self.table.take()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::table::{Alteration, Remark};

    fn dose(turn: u8, on: &str, city: &str, number: &str) -> LedgerDose {
        LedgerDose {
            turn,
            recorded_at: Instant::parse(&format!("{on}T15:04:05+09:00")).unwrap(),
            given_on: Day::parse(on).unwrap(),
            number: CouponNumber::parse(number).unwrap(),
            city: MunicipalityCode::parse(city).unwrap(),
            venue_name: "千代田,会場".into(),
            doctor: "𠮷田 髙志".into(),
            maker: "武田/モデルナ".into(),
            lot: "3002618".into(),
        }
    }

    fn rows() -> Vec<LedgerRow> {
        let moved = vec![
            dose(1, "2021-06-12", "011002", "0000000077"),
            dose(2, "2021-07-10", "131016", "0000012345"),
            dose(3, "2022-02-26", "131016", "0000012345"),
        ];
        vec![
            LedgerRow {
                resident_number: Some("12345".into()),
                doses: moved,
            },
            LedgerRow {
                resident_number: None,
                doses: vec![dose(2, "2021-07-10", "131016", "0000099999")],
            },
        ]
    }

    fn written(rows: &[LedgerRow], encoding: Encoding, width: Width) -> (Vec<u8>, Exported) {
        let mut bytes = Vec::new();
        let mut export = LedgerExport::new(&mut bytes, encoding, width).unwrap();
        for row in rows {
            export.row(row).unwrap();
        }
        let exported = export.finish().unwrap();
        (bytes, exported)
    }

    const GOLDEN_TWO: &str = "個別宛名番号,\
1回目接種履歴登録日時,1回目接種日,1回目券番号,1回目接種自治体コード,1回目接種会場名,1回目接種医師名,1回目ワクチンメーカー,1回目ワクチンロット番号,\
2回目接種履歴登録日時,2回目接種日,2回目券番号,2回目接種自治体コード,2回目接種会場名,2回目接種医師名,2回目ワクチンメーカー,2回目ワクチンロット番号\r\n\
12345,20210612150405,20210612,0000000077,011002,\"千代田,会場\",𠮷田 髙志,武田/モデルナ,3002618,\
20210710150405,20210710,0000012345,131016,\"千代田,会場\",𠮷田 髙志,武田/モデルナ,3002618\r\n\
,,,,,,,,,20210710150405,20210710,0000099999,131016,\"千代田,会場\",𠮷田 髙志,武田/モデルナ,3002618\r\n";

    #[test]
    fn the_seventeen_columns_are_byte_for_byte_those_of_the_guide() {
        let (bytes, exported) = written(&rows(), Encoding::Utf8, Width::Two);
        assert_eq!(String::from_utf8(bytes).unwrap(), GOLDEN_TWO);
        assert_eq!((exported.rows, exported.doses_left_off), (2, 1));
        assert_eq!(exported.remarks, []);
    }

    #[test]
    fn what_shift_jis_lacks_is_replaced_and_told() {
        let (bytes, exported) = written(&rows(), Encoding::Windows31j, Width::Two);
        let golden = GOLDEN_TWO.replace('𠮷', "〓");
        assert_eq!(
            bytes,
            Encoding::Windows31j.encode(&golden).unwrap().as_ref()
        );
        let replaced = |line, column| Remark {
            line,
            column,
            change: Alteration::Replaced {
                character: '𠮷',
                position: 1,
            },
        };
        assert_eq!(
            exported.remarks,
            [replaced(2, 7), replaced(2, 15), replaced(3, 15)]
        );
        assert_eq!(
            exported.remarks[0].text_ja(),
            "2行7列の1文字目「𠮷」(U+20BB7)はこの文字コードにないため、「〓」にしました。正しい文字が必要なときはUTF-8で出力してください。"
        );
        assert!(
            exported.remarks[0]
                .text_en()
                .starts_with("Line 2, column 7: character 1 (U+20BB7)")
        );
    }

    #[test]
    fn seven_turns_have_fifty_seven_columns() {
        let (bytes, exported) = written(&rows(), Encoding::Utf8, Width::Seven);
        let text = String::from_utf8(bytes).unwrap();
        let mut reader = csv::ReaderBuilder::new().from_reader(text.as_bytes());
        let header = reader.headers().unwrap().clone();
        assert_eq!(header.len(), 57);
        assert_eq!(header.get(56), Some("7回目ワクチンロット番号"));
        let first = reader.records().next().unwrap().unwrap();
        assert_eq!(first.get(18), Some("20220226"));
        assert_eq!(exported.doses_left_off, 0);
        let (two, _) = written(&[], Encoding::Utf8, Width::Two);
        assert!(text.starts_with(String::from_utf8(two).unwrap().trim_end()));
    }

    #[test]
    fn what_is_too_long_is_cut_and_told() {
        let mut row = rows().remove(1);
        row.doses[0].venue_name = "会".repeat(31);
        row.doses[0].lot = "L".repeat(20);
        let (bytes, exported) = written(&[row], Encoding::Utf8, Width::Two);
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.contains(&format!(",{},", "会".repeat(30))));
        let cut = Alteration::Cut { max: 30 };
        assert_eq!(
            exported.remarks,
            [Remark {
                line: 2,
                column: 14,
                change: cut
            }]
        );
        assert_eq!(exported.remarks[0].code(), "cut");
    }

    #[test]
    fn a_file_taken_piece_by_piece_is_the_same_file() {
        let (whole, told) = written(&rows(), Encoding::Windows31j, Width::Seven);
        let mut export = LedgerExport::new(Vec::new(), Encoding::Windows31j, Width::Seven).unwrap();
        let mut pieces = vec![export.take().unwrap()];
        for row in rows() {
            export.row(&row).unwrap();
            pieces.push(export.take().unwrap());
        }
        assert!(pieces.iter().all(|piece| piece.ends_with(b"\r\n")));
        assert_eq!(pieces.concat(), whole);
        assert_eq!(export.finish().unwrap(), told);
    }

    #[test]
    fn a_second_dose_of_a_turn_and_an_open_turn_have_no_place() {
        let mut row = rows().remove(1);
        row.doses
            .push(dose(2, "2021-07-11", "131016", "0000099999"));
        row.doses
            .push(dose(0, "2021-07-12", "131016", "0000099999"));
        let (_, exported) = written(&[row], Encoding::Utf8, Width::Seven);
        assert_eq!(exported.doses_left_off, 2);
    }

    proptest! {
        #[test]
        fn every_item_stands_in_its_column_in_both_encodings(
            turns in prop::collection::btree_set(1..=7_u8, 0..7),
            text in "[亜髙﨑ｱ～\",表a-z]{0,20}",
            windows in any::<bool>(),
        ) {
            let encoding = Encoding::ALL[usize::from(windows)];
            let doses = turns.iter().map(|turn| LedgerDose { doctor: text.clone(), ..dose(*turn, "2021-06-12", "131016", "0000000001") });
            let row = LedgerRow { resident_number: Some("1".into()), doses: doses.map(|dose| LedgerDose { venue_name: "会場".into(), ..dose }).collect() };
            let (bytes, exported) = written(&[row], encoding, Width::Seven);
            prop_assert_eq!((exported.remarks, exported.doses_left_off), (vec![], 0));
            let mut reader = csv::ReaderBuilder::new().from_reader(bytes.as_slice());
            let record = reader.byte_records().next().unwrap().unwrap();
            prop_assert_eq!(record.len(), 57);
            for turn in 1..=7_u8 {
                let column = |item: usize| encoding.decode(record.get(8 * usize::from(turn - 1) + item).unwrap()).unwrap();
                let given = turns.contains(&turn);
                prop_assert_eq!(column(6), if given { text.as_str() } else { "" });
                prop_assert_eq!(column(2), if given { "20210612" } else { "" });
            }
        }
    }
}
