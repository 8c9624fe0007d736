//! The open data of the vaccination record (オープンデータ), byte for byte as its readers know it.
//!
//! Three files were published each day, and every day all past days anew:
//! `prefecture.ndjson` (都道府県別接種回数詳細), `summary_by_date.csv` (接種日別サマリー) and
//! `summary_by_prefecture.csv` (都道府県別累積サマリー). Their readers split bytes with awk, Perl
//! and R, so key order, the absence of spaces, the sorting and the line ends are the interface.

use std::collections::BTreeMap;
use std::io;

use domain::calendar::Day;
use domain::people::Sex;
use domain::places::{Places, Prefecture};
use domain::statistics::{AgeBand, Count};
use encoding_rs::SHIFT_JIS;
use flate2::{Compression, GzBuilder};
use serde::Deserialize;
use thiserror::Error;

use crate::in_memory;

/// The words of the column names, for the turns 1 to 7; the layout knows no further.
const TURNS: [&str; 7] = [
    "first", "second", "third", "fourth", "fifth", "sixth", "seventh",
];

/// `prefecture.ndjson`: a compact JSON object for each cell, LF after each, sorted by all keys in
/// the order they stand. Cells that come twice are added up; cells without doses are left out.
///
/// `medical_worker` is false throughout, as in the original: the early doses of medical workers
/// were never told apart there.
#[must_use]
pub fn prefecture_ndjson(counts: &[Count]) -> Vec<u8> {
    let mut bytes = Vec::new();
    in_memory(write_prefecture_ndjson(&mut bytes, counts));
    bytes
}

/// [`prefecture_ndjson`] as gzip, the form in which it is served whatever the reader accepts.
/// The same counts give the same bytes on every day and machine: no time, no name, no system.
#[must_use]
pub fn prefecture_ndjson_gz(counts: &[Count]) -> Vec<u8> {
    /// "Unknown" among the operating systems of RFC 1952.
    const NO_SYSTEM: u8 = 255;
    let mut gzip = GzBuilder::new()
        .mtime(0)
        .operating_system(NO_SYSTEM)
        .write(Vec::new(), Compression::default());
    in_memory(write_prefecture_ndjson(&mut gzip, counts));
    in_memory(gzip.finish())
}

/// Writes `prefecture.ndjson` out line by line, for a nation's file that need not be in memory twice.
///
/// # Errors
/// Those of `out`.
pub fn write_prefecture_ndjson(mut out: impl io::Write, counts: &[Count]) -> io::Result<()> {
    let mut cells = BTreeMap::new();
    for Count {
        day,
        prefecture,
        sex,
        age,
        turn,
        count,
    } in counts
    {
        // Sorted by what is written, not by how our enums happen to be ordered: F comes before M.
        let cell = (*day, *prefecture, sex.open_data(), age.open_data(), *turn);
        *cells.entry(cell).or_insert(0_i64) += count;
    }
    for ((day, prefecture, sex, age, turn), count) in
        cells.into_iter().filter(|(_, count)| *count > 0)
    {
        let line = format!(
            "{{\"date\":\"{day}\",\"prefecture\":\"{prefecture}\",\"gender\":\"{sex}\",\"age\":\"{age}\",\
             \"medical_worker\":false,\"status\":{turn},\"count\":{count}}}\n"
        );
        out.write_all(line.as_bytes())?; // one write a line: the compressor dislikes crumbs
    }
    Ok(())
}

/// `summary_by_date.csv` in the layout of 2022: doses of each day by turn, UTF-8, LF, no quotes.
///
/// Every day from the first to the last stands there, with zeros where nobody came. The columns
/// of the fourth and later turns appear once there are such doses. Doses of a turn the layout
/// does not know (0, 8, 9) are not in it.
#[must_use]
pub fn summary_by_date_csv(counts: &[Count]) -> Vec<u8> {
    let days = by_turn(counts, |count| count.day);
    let columns = columns(&days, 3);
    let mut text = format!("date{}\n", headings(columns));
    let (first, last) = (days.first_key_value(), days.last_key_value());
    if let (Some((first, _)), Some((last, _))) = (first, last) {
        for day in (0..=first.days_until(*last)).map(|days| first.plus_days(days)) {
            let turns = days.get(&day).copied().unwrap_or_default();
            text += &format!("{day}{}\n", numbers(&turns, columns));
        }
    }
    text.into_bytes()
}

/// `summary_by_prefecture.csv`: all doses of each prefecture by turn, in Shift_JIS, LF, no quotes;
/// all 47 stand there.
///
/// The name and place of `total` are ours, since no sample of the original third column was
/// found; its readers take the turns by position, from the fourth column on, so the fifth and
/// later turns, once there are any, follow the fourth.
#[must_use]
pub fn summary_by_prefecture_csv(counts: &[Count]) -> Vec<u8> {
    let prefectures = by_turn(counts, |count| count.prefecture);
    let columns = columns(&prefectures, 4);
    let mut text = format!("prefecture,prefecture_name,total{}\n", headings(columns));
    for prefecture in Prefecture::all() {
        let name = Places::bundled().prefecture_name(prefecture);
        let turns = prefectures.get(&prefecture).copied().unwrap_or_default();
        let total: i64 = turns.iter().sum();
        text += &format!("{prefecture},{name},{total}{}\n", numbers(&turns, columns));
    }
    SHIFT_JIS.encode(&text).0.into_owned()
}

fn by_turn<K: Ord>(counts: &[Count], key: impl Fn(&Count) -> K) -> BTreeMap<K, [i64; TURNS.len()]> {
    let mut sums = BTreeMap::new();
    for count in counts.iter().filter(|count| count.count != 0) {
        let place = usize::from(count.turn)
            .checked_sub(1)
            .filter(|place| *place < TURNS.len());
        let Some(place) = place else { continue };
        let turns = sums.entry(key(count)).or_insert([0; TURNS.len()]);
        if let Some(sum) = turns.get_mut(place) {
            *sum += count.count;
        }
    }
    sums
}

/// How many turns get a column: up to the last that was given, and `least` in any case.
fn columns<K>(sums: &BTreeMap<K, [i64; TURNS.len()]>, least: usize) -> usize {
    let last_given = |turns: &[i64; TURNS.len()]| {
        turns
            .iter()
            .rposition(|sum| *sum != 0)
            .map_or(0, |place| place + 1)
    };
    sums.values().map(last_given).max().unwrap_or(0).max(least)
}

fn headings(columns: usize) -> String {
    TURNS
        .iter()
        .take(columns)
        .map(|turn| format!(",count_{turn}_shot_general"))
        .collect()
}

fn numbers(turns: &[i64], columns: usize) -> String {
    turns
        .iter()
        .take(columns)
        .map(|sum| format!(",{sum}"))
        .collect()
}

/// Why a line is not one of `prefecture.ndjson`.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum OpenDataRefusal {
    /// No JSON object with the keys and types of the file.
    #[error("line {line} is no JSON object of prefecture.ndjson")]
    NotTheObject {
        /// The line.
        line: u64,
    },
    /// A key whose value the file cannot hold.
    #[error("line {line}: the value of \"{key}\" is none the file can hold")]
    Value {
        /// The line.
        line: u64,
        /// The key.
        key: &'static str,
    },
}

/// Reads `prefecture.ndjson` as it is written here, and as it was published.
///
/// Keys beyond those of a [`Count`] are passed over: `medical_worker`, and `deceased`, which the
/// later originals had before `status`. A cell they split in two comes as two counts that add up.
///
/// # Errors
/// [`OpenDataRefusal`] with the first line that does not belong there.
pub fn parse_prefecture_ndjson(bytes: &[u8]) -> Result<Vec<Count>, OpenDataRefusal> {
    let lines = bytes
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty());
    (1..)
        .zip(lines)
        .map(|(line, content)| parse_line(line, content))
        .collect()
}

#[derive(Deserialize)]
struct Cell<'a> {
    date: &'a str,
    prefecture: &'a str,
    gender: &'a str,
    age: &'a str,
    status: u8,
    count: i64,
}

fn parse_line(line: u64, content: &[u8]) -> Result<Count, OpenDataRefusal> {
    let cell: Cell<'_> =
        serde_json::from_slice(content).map_err(|_| OpenDataRefusal::NotTheObject { line })?;
    let value = |key| OpenDataRefusal::Value { line, key };
    Ok(Count {
        day: Day::parse(cell.date).ok_or_else(|| value("date"))?,
        prefecture: Prefecture::parse(cell.prefecture).ok_or_else(|| value("prefecture"))?,
        sex: Sex::from_open_data(cell.gender).ok_or_else(|| value("gender"))?,
        age: AgeBand::parse(cell.age).ok_or_else(|| value("age"))?,
        turn: cell.status,
        count: Some(cell.count)
            .filter(|count| *count > 0)
            .ok_or_else(|| value("count"))?,
    })
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;
    use proptest::prelude::*;

    fn count(day: &str, prefecture: u8, sex: Sex, age: AgeBand, turn: u8, count: i64) -> Count {
        let (day, prefecture) = (
            Day::parse(day).unwrap(),
            Prefecture::new(prefecture).unwrap(),
        );
        Count {
            day,
            prefecture,
            sex,
            age,
            turn,
            count,
        }
    }

    /// Out of order, with a cell in two parts, an empty cell, and a day on which nobody came.
    fn counts() -> Vec<Count> {
        vec![
            count("2021-04-14", 13, Sex::Unknown, AgeBand::Unknown, 1, 3),
            count("2021-04-12", 1, Sex::Male, AgeBand::From65, 1, 5),
            count("2021-04-12", 1, Sex::Female, AgeBand::Unknown, 1, 1),
            count("2021-04-12", 1, Sex::Female, AgeBand::From65, 2, 2),
            count("2021-04-12", 1, Sex::Female, AgeBand::From65, 1, 9),
            count("2021-04-12", 1, Sex::Female, AgeBand::Under65, 1, 100),
            count("2021-04-12", 1, Sex::Female, AgeBand::Under65, 1, 9),
            count("2021-04-12", 47, Sex::Female, AgeBand::Under65, 1, 0),
        ]
    }

    #[test]
    fn the_cells_stand_as_the_readers_of_the_original_expect_them() {
        let expected = r#"{"date":"2021-04-12","prefecture":"01","gender":"F","age":"-64","medical_worker":false,"status":1,"count":109}
{"date":"2021-04-12","prefecture":"01","gender":"F","age":"65-","medical_worker":false,"status":1,"count":9}
{"date":"2021-04-12","prefecture":"01","gender":"F","age":"65-","medical_worker":false,"status":2,"count":2}
{"date":"2021-04-12","prefecture":"01","gender":"F","age":"UNK","medical_worker":false,"status":1,"count":1}
{"date":"2021-04-12","prefecture":"01","gender":"M","age":"65-","medical_worker":false,"status":1,"count":5}
{"date":"2021-04-14","prefecture":"13","gender":"U","age":"UNK","medical_worker":false,"status":1,"count":3}
"#;
        assert_eq!(
            String::from_utf8(prefecture_ndjson(&counts())).unwrap(),
            expected
        );
        assert_eq!(prefecture_ndjson(&[]), b"");
    }

    #[test]
    fn the_gzip_is_the_same_file_and_carries_no_time() {
        let gzip = prefecture_ndjson_gz(&counts());
        assert_eq!(
            gzip.get(..10).unwrap(),
            [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255]
        );
        let mut plain = Vec::new();
        flate2::read::GzDecoder::new(gzip.as_slice())
            .read_to_end(&mut plain)
            .unwrap();
        assert_eq!(plain, prefecture_ndjson(&counts()));
    }

    #[test]
    fn each_day_stands_in_the_summary_even_if_nobody_came() {
        let expected = "date,count_first_shot_general,count_second_shot_general,count_third_shot_general\n\
                        2021-04-12,124,2,0\n2021-04-13,0,0,0\n2021-04-14,3,0,0\n";
        assert_eq!(
            String::from_utf8(summary_by_date_csv(&counts())).unwrap(),
            expected
        );
    }

    #[test]
    fn without_doses_the_summary_is_its_header() {
        let expected =
            "date,count_first_shot_general,count_second_shot_general,count_third_shot_general\n";
        assert_eq!(
            String::from_utf8(summary_by_date_csv(&[])).unwrap(),
            expected
        );
    }

    #[test]
    fn a_fifth_dose_brings_the_columns_up_to_the_fifth() {
        let counts = [count("2022-11-08", 13, Sex::Male, AgeBand::From65, 5, 7)];
        let expected = "date,count_first_shot_general,count_second_shot_general,count_third_shot_general,\
                        count_fourth_shot_general,count_fifth_shot_general\n2022-11-08,0,0,0,0,7\n";
        assert_eq!(
            String::from_utf8(summary_by_date_csv(&counts)).unwrap(),
            expected
        );
    }

    #[test]
    fn a_turn_without_a_column_is_in_no_summary() {
        let counts =
            [0, 8].map(|turn| count("2022-11-08", 13, Sex::Male, AgeBand::From65, turn, 7));
        assert_eq!(summary_by_date_csv(&counts), summary_by_date_csv(&[]));
    }

    #[test]
    fn the_prefectures_are_summed_up_in_shift_jis() {
        let bytes = summary_by_prefecture_csv(&counts());
        assert!(std::str::from_utf8(&bytes).is_err());
        let text = SHIFT_JIS.decode(&bytes).0.into_owned();
        assert_eq!(text.lines().count(), 48);
        let expected = "prefecture,prefecture_name,total,count_first_shot_general,count_second_shot_general,\
                        count_third_shot_general,count_fourth_shot_general\n\
                        01,北海道,126,124,2,0,0\n02,青森県,0,0,0,0,0\n";
        assert!(text.starts_with(expected), "{text}");
        assert!(text.contains("\n13,東京都,3,3,0,0,0\n"), "{text}");
    }

    #[test]
    fn the_later_original_with_its_further_key_is_read() {
        let line = br#"{"date":"2022-04-12","prefecture":"01","gender":"F","age":"-64","medical_worker":false,"deceased":true,"status":3,"count":7}"#;
        let expected = [count("2022-04-12", 1, Sex::Female, AgeBand::Under65, 3, 7)];
        assert_eq!(parse_prefecture_ndjson(line).unwrap(), expected);
    }

    #[test]
    fn a_line_that_does_not_belong_there_is_named() {
        let good = r#"{"date":"2021-04-12","prefecture":"01","gender":"F","age":"-64","medical_worker":false,"status":1,"count":1}"#;
        let read = |bad: &str| parse_prefecture_ndjson(format!("{good}\n{bad}\n").as_bytes());
        assert_eq!(read("{"), Err(OpenDataRefusal::NotTheObject { line: 2 }));
        for (key, right, wrong) in [
            ("date", "2021-04-12", "2021-04-31"),
            ("prefecture", "\"01\"", "\"48\""),
            ("gender", "\"F\"", "\"W\""),
            ("age", "-64", "64-"),
            ("count", "\"count\":1", "\"count\":0"),
        ] {
            assert_eq!(
                read(&good.replace(right, wrong)),
                Err(OpenDataRefusal::Value { line: 2, key })
            );
        }
    }

    fn any_count() -> impl Strategy<Value = Count> {
        let sex = prop::sample::select(Sex::ALL.to_vec());
        let age = prop::sample::select(AgeBand::ALL.to_vec());
        (0..1000_i64, 1..=47_u8, sex, age, 1..=7_u8, 0..9999_i64).prop_map(
            |(days, prefecture, sex, age, turn, count)| {
                let day = Day::parse("2021-04-12").unwrap().plus_days(days);
                Count {
                    day,
                    prefecture: Prefecture::new(prefecture).unwrap(),
                    sex,
                    age,
                    turn,
                    count,
                }
            },
        )
    }

    proptest! {
        #[test]
        fn what_is_read_back_is_written_as_the_same_bytes(counts in prop::collection::vec(any_count(), 0..60)) {
            let bytes = prefecture_ndjson(&counts);
            let read = parse_prefecture_ndjson(&bytes).unwrap();
            prop_assert_eq!(prefecture_ndjson(&read), bytes);
            let doses = |counts: &[Count]| counts.iter().map(|count| count.count).sum::<i64>();
            prop_assert_eq!(doses(&read), doses(&counts));
        }

        #[test]
        fn the_order_of_the_counts_does_not_show(counts in prop::collection::vec(any_count(), 0..60)) {
            let mut reversed = counts.clone();
            reversed.reverse();
            prop_assert_eq!(prefecture_ndjson_gz(&reversed), prefecture_ndjson_gz(&counts));
            prop_assert_eq!(summary_by_date_csv(&reversed), summary_by_date_csv(&counts));
            prop_assert_eq!(summary_by_prefecture_csv(&reversed), summary_by_prefecture_csv(&counts));
        }

        #[test]
        fn both_summaries_hold_every_dose(counts in prop::collection::vec(any_count(), 0..60)) {
            let doses: i64 = counts.iter().map(|count| count.count).sum();
            let sum = |csv: &[u8], skip: usize| -> i64 {
                let text = SHIFT_JIS.decode(csv).0.into_owned();
                text.lines().skip(1).flat_map(|line| line.split(',').skip(skip).map(|sum| sum.parse::<i64>().unwrap()).collect::<Vec<_>>()).sum()
            };
            prop_assert_eq!(sum(&summary_by_date_csv(&counts), 1), doses);
            prop_assert_eq!(sum(&summary_by_prefecture_csv(&counts), 3), doses);
        }
    }
}
