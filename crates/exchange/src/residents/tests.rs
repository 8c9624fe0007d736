//! Every complaint once, and the laws of reading and writing.

use super::*;
use proptest::prelude::*;

const HEADER: &str = "自治体コード,個別宛名番号,個人番号,券番号,氏名漢字,氏名カナ,生年月日,性別,異動区分,異動日,支援措置区分";
const GOOD: &str = "131016,12345,,0000000001,東京 花子,トウキョウ ハナコ,19460503,2,1,,0";

fn city() -> MunicipalityCode {
    MunicipalityCode::parse("131016").unwrap()
}

fn read(lines: &str) -> Residents {
    read_residents(
        format!("{HEADER}\n{lines}\n").as_bytes(),
        Encoding::Utf8,
        city(),
    )
    .unwrap()
}

/// Changes one item of the good row and tells what the reader says: `item: code`, and `kept`
/// or `left out`.
fn check(item: Item, value: &str, expected: &str) {
    let mut fields: Vec<_> = GOOD.split(',').collect();
    fields[item as usize] = value;
    check_line(&fields.join(","), expected);
}

fn check_line(line: &str, expected: &str) {
    let residents = read(line);
    assert_eq!(residents.lines, 1);
    let complaints = residents.complaints.iter().map(|complaint| {
        assert_eq!(complaint.line, 2);
        format!(
            "{}: {}, ",
            complaint.column.unwrap_or("-"),
            complaint.code()
        )
    });
    let kept = if residents.rows.is_empty() {
        "left out"
    } else {
        "kept"
    };
    assert_eq!(complaints.collect::<String>() + kept, expected, "{line}");
}

fn only_row(residents: Residents) -> ResidentRow {
    assert_eq!(residents.complaints, []);
    let [(_, row)] = residents.rows.as_slice() else {
        panic!("one row")
    };
    row.clone()
}

#[test]
fn a_good_row_is_read_as_it_stands() {
    let row = only_row(read(GOOD));
    assert_eq!(row.city, city());
    assert_eq!(row.resident_number.as_str(), "12345");
    assert_eq!(row.coupon, CouponNumber::parse("0000000001").unwrap());
    assert_eq!(
        (row.name.as_str(), row.kana.as_deref()),
        ("東京 花子", Some("トウキョウ ハナコ"))
    );
    assert_eq!(row.birth, BirthDate::parse_compact("19460503").unwrap());
    assert_eq!(
        (row.sex, row.change),
        (Sex::Female, Change::New { on: None })
    );
    assert_eq!((row.my_number_present, row.protected), (false, false));
}

#[test]
fn the_municipality_code_must_be_right_and_ours() {
    check(Item::MunicipalityCode, "", "自治体コード: empty, left out");
    check(
        Item::MunicipalityCode,
        "11002",
        "自治体コード: digit-count, left out",
    );
    check(
        Item::MunicipalityCode,
        "1310１6",
        "自治体コード: not-digits, left out",
    );
    check(
        Item::MunicipalityCode,
        "131017",
        "自治体コード: check-digit, left out",
    );
    check(
        Item::MunicipalityCode,
        "011002",
        "自治体コード: other-city, left out",
    );
}

#[test]
fn the_resident_number_has_one_to_fifteen_characters() {
    check(Item::ResidentNumber, "A12345678901234", "kept");
    check(Item::ResidentNumber, "          12345", "kept");
    check(Item::ResidentNumber, " ", "個別宛名番号: empty, left out");
    check(
        Item::ResidentNumber,
        "1234567890123456",
        "個別宛名番号: too-long, left out",
    );
}

#[test]
fn my_number_is_checked_and_dropped() {
    check(Item::MyNumber, "983205673214", "kept");
    check(
        Item::MyNumber,
        "983205673215",
        "個人番号: check-digit, left out",
    );
    check(
        Item::MyNumber,
        "98320567321",
        "個人番号: digit-count, left out",
    );
    let residents = read(&GOOD.replace(",,0000000001", ",983205673214,0000000001"));
    assert!(!format!("{residents:?}").contains("983205673214"));
    assert!(only_row(residents).my_number_present);
}

#[test]
fn the_coupon_number_has_ten_digits() {
    check(Item::CouponNumber, "", "券番号: empty, left out");
    check(Item::CouponNumber, "1", "券番号: digit-count, left out");
    check(
        Item::CouponNumber,
        "00000000001",
        "券番号: digit-count, left out",
    );
    check(
        Item::CouponNumber,
        "00000-0001",
        "券番号: not-digits, left out",
    );
}

#[test]
fn the_name_is_there_and_not_endless() {
    check(Item::Name, "\u{3000}", "氏名漢字: empty, left out");
    check(Item::Name, &"山".repeat(100), "kept");
    check(
        Item::Name,
        &"山".repeat(101),
        "氏名漢字: too-long, left out",
    );
    check(Item::Name, &"葛\u{E0100}".repeat(100), "kept");
    check(
        Item::Name,
        "東京\t花子",
        "氏名漢字: control-character, left out",
    );
    check(Item::Name, "\"ab\"\"c, d\"", "kept");
}

#[test]
fn a_character_only_the_sender_can_draw_is_told_and_kept() {
    check(Item::Name, "\u{E000}田", "氏名漢字: gaiji, kept");
    check(Item::Name, "山\u{FFFD}", "氏名漢字: undecodable, left out");
}

#[test]
fn the_reading_may_be_missing_and_a_strange_one_is_told_and_kept() {
    check(Item::Kana, "", "kept");
    check(Item::Kana, "ﾄｳｷｮｳ ﾊﾅｺ", "kept");
    check(Item::Kana, "ジョン・スミス-ドゥ", "kept");
    check(Item::Kana, "東京", "氏名カナ: not-kana, kept");
    check(
        Item::Kana,
        &"ア".repeat(101),
        "氏名カナ: too-long, left out",
    );
}

#[test]
fn a_birth_date_may_lack_day_or_month() {
    check(Item::BirthDate, "19460500", "kept");
    check(Item::BirthDate, "19460000", "kept");
    check(Item::BirthDate, "", "生年月日: empty, left out");
    check(Item::BirthDate, "19460431", "生年月日: not-a-day, left out");
    check(Item::BirthDate, "19461300", "生年月日: not-a-day, left out");
    check(Item::BirthDate, "19460003", "生年月日: not-a-day, left out");
    check(
        Item::BirthDate,
        "1946-05-03",
        "生年月日: not-digits, left out",
    );
    check(Item::BirthDate, "460503", "生年月日: digit-count, left out");
}

#[test]
fn codes_are_those_of_the_layout() {
    for sex in ["0", "1", "2", "9"] {
        check(Item::Sex, sex, "kept");
    }
    check(Item::Sex, "3", "性別: not-a-code, left out");
    check(Item::Sex, "", "性別: empty, left out");
    check(Item::ChangeKind, "6", "異動区分: not-a-code, left out");
    check(Item::Protected, "1", "kept");
    check(Item::Protected, "2", "支援措置区分: not-a-code, left out");
    check(Item::Protected, "", "支援措置区分: empty, left out");
}

#[test]
fn leaving_the_city_needs_a_day() {
    for kind in ["1", "2"] {
        check(Item::ChangeKind, kind, "kept");
    }
    for kind in ["3", "4", "5"] {
        check(
            Item::ChangeKind,
            kind,
            "異動日: change-day-missing, left out",
        );
        check_line(
            &GOOD.replace(",2,1,,", &format!(",2,{kind},20210601,")),
            "kept",
        );
    }
    check(Item::ChangeDay, "20210631", "異動日: not-a-day, left out");
    check(Item::ChangeDay, "20210600", "異動日: not-a-day, left out");
}

#[test]
fn a_line_of_another_shape_is_told_as_a_whole() {
    check_line(&format!("{GOOD},"), "-: column-count, left out");
    check_line("131016,12345", "-: column-count, left out");
    check_line(
        &GOOD.replace("花子", "\"花子\""),
        "-: quote-misplaced, left out",
    );
}

#[test]
fn everything_wrong_with_a_line_is_told_at_once() {
    check_line(
        "131017,,,1,,,19460431,3,3,,",
        "自治体コード: check-digit, 個別宛名番号: empty, 券番号: digit-count, 氏名漢字: empty, \
             生年月日: not-a-day, 性別: not-a-code, 異動日: change-day-missing, 支援措置区分: empty, left out",
    );
}

#[test]
fn a_bad_row_does_not_take_its_neighbours_with_it() {
    let other = GOOD
        .replace("12345", "6")
        .replace("0000000001", "0000000002");
    let residents = read(&format!("{GOOD}\n\n131016,7\n,,,,,,,,,,\n{other}"));
    assert_eq!(
        residents
            .rows
            .iter()
            .map(|(line, _)| *line)
            .collect::<Vec<_>>(),
        [2, 6]
    );
    assert_eq!((residents.complaints.len(), residents.lines), (1, 3));
}

#[test]
fn a_number_that_stands_there_twice_is_told_with_the_first_line() {
    let residents = read(&format!("{GOOD}\n{GOOD}"));
    assert_eq!(residents.rows.len(), 1);
    let faults: Vec<_> = residents
        .complaints
        .iter()
        .map(|complaint| (complaint.line, complaint.column, complaint.fault))
        .collect();
    let repeated = Fault::Repeated { first_line: 2 };
    assert_eq!(
        faults,
        [
            (3, Some("個別宛名番号"), repeated),
            (3, Some("券番号"), repeated)
        ]
    );
}

#[test]
fn complaints_beyond_the_limit_are_counted() {
    let residents = read(&"x\n".repeat(COMPLAINTS_MAX + 3));
    assert_eq!(
        (residents.complaints.len(), residents.complaints_left_off),
        (COMPLAINTS_MAX, 3)
    );
}

#[test]
fn user_defined_characters_of_windows_31j_survive_and_broken_bytes_are_told() {
    let file = |name: &[u8]| {
        let text = format!("{HEADER}\r\n{GOOD}\r\n");
        let (before, after) = text.split_once("東京 花子").unwrap();
        let [before, after] =
            [before, after].map(|part| Encoding::Windows31j.encode(part).unwrap());
        let bytes = [before.as_ref(), name, after.as_ref()].concat();
        read_residents(&bytes, Encoding::Windows31j, city()).unwrap()
    };
    let residents = file(b"\xF0\x40\x93\x63");
    assert_eq!(residents.rows[0].1.name, "\u{E000}田");
    assert!(residents.complaints[0].text_ja().contains("U+E000, 0xF040"));
    assert_eq!(file(b"\x93").complaints[0].fault, Fault::Undecodable);
    assert_eq!(only_row(file(b"\xED\x95\xFA\xB1")).name, "\u{FA11}\u{FA11}"); // one character, two cells
}

#[test]
fn nothing_of_a_person_shows_in_debug() {
    let shown = format!("{:?}", read(GOOD));
    for secret in ["12345", "0000000001", "東京", "トウキョウ", "1946"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[test]
fn a_name_windows_31j_cannot_hold_is_not_written_as_something_else() {
    let good = only_row(read(GOOD));
    let row = ResidentRow {
        name: "𠮷田".into(),
        ..good.clone()
    };
    let mut written = Vec::new();
    let refusal = write_residents(&mut written, [&good, &row], Encoding::Windows31j).unwrap_err();
    assert!(matches!(
        refusal,
        WriteRefusal::Unencodable {
            line: 3,
            character: '𠮷'
        }
    ));
    let before = format!("{HEADER}\r\n{GOOD}\r\n");
    assert_eq!(
        written,
        Encoding::Windows31j.encode(&before).unwrap().as_ref()
    );
}

fn any_change() -> impl Strategy<Value = Change> {
    let day = (0..40_000_i64).prop_map(|days| Day::parse("1930-01-01").unwrap().plus_days(days));
    (0..5, day, any::<bool>()).prop_map(|(kind, on, given)| match kind {
        0 => Change::New {
            on: given.then_some(on),
        },
        1 => Change::Amended {
            on: given.then_some(on),
        },
        2 => Change::MovedOut { on },
        3 => Change::Died { on },
        _ => Change::Removed { on },
    })
}

/// Rows with different numbers, as a city's are, and names in the characters given.
fn any_rows(name: &'static str) -> impl Strategy<Value = Vec<ResidentRow>> {
    let kana = prop::option::of("[ァ-ヴー・]{1,20}");
    let birth = prop::sample::select(vec!["19460503", "19460500", "19460000", "20240229"]);
    let sex = prop::sample::select(vec![Sex::Male, Sex::Female, Sex::Unknown]);
    let row = (name, kana, birth, sex, any_change(), any::<bool>());
    prop::collection::vec(row, 0..8).prop_map(|rows| {
        let numbered = (1_u64..).zip(rows);
        let row = |(number, (name, kana, birth, sex, change, protected)): (
            u64,
            (String, _, &str, _, _, _),
        )| ResidentRow {
            city: city(),
            resident_number: ResidentNumber::parse(&format!("A,{number}\"")).unwrap(),
            my_number_present: false,
            coupon: CouponNumber::parse(&format!("{number:010}")).unwrap(),
            name,
            kana,
            birth: BirthDate::parse_compact(birth).unwrap(),
            sex,
            change,
            protected,
        };
        numbered.map(row).collect()
    })
}

fn read_back(rows: &[ResidentRow], encoding: Encoding) -> Vec<ResidentRow> {
    let mut bytes = Vec::new();
    write_residents(&mut bytes, rows, encoding).unwrap();
    let residents = read_residents(&bytes, encoding, city()).unwrap();
    residents.rows.into_iter().map(|(_, row)| row).collect()
}

proptest! {
    #[test]
    fn written_rows_are_read_back_in_utf_8(rows in any_rows("[一-鿿ぁ-ん\u{E000}-\u{E0FF}\u{20BB7}\",a-z]{1,30}")) {
        prop_assert_eq!(read_back(&rows, Encoding::Utf8), rows);
    }

    #[test]
    fn written_rows_are_read_back_in_windows_31j(rows in any_rows("[亜哀愛神髙﨑\u{FA10}ァ-ヴｱ-ﾝ～－表能ソ\u{E000}-\u{E757}\",a-z]{1,30}")) {
        prop_assert_eq!(read_back(&rows, Encoding::Windows31j), rows);
    }

    #[test]
    fn no_bytes_make_the_reader_fail_otherwise(line in prop::collection::vec(any::<u8>(), 0..200)) {
        for encoding in Encoding::ALL {
            let mut bytes = encoding.encode(HEADER).unwrap().into_owned();
            bytes.extend_from_slice(b"\n");
            bytes.extend_from_slice(&line);
            if let Ok(residents) = read_residents(&bytes, encoding, city()) {
                prop_assert!(residents.rows.is_empty() || !line.is_empty());
            }
        }
    }
}
