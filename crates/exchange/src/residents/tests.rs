//! Every complaint once, and the laws of reading and writing.

use super::*;
use proptest::prelude::*;
use std::io::Cursor;

const HEADER: &str = "自治体コード,個別宛名番号,個人番号,券番号,氏名漢字,氏名カナ,生年月日,性別,異動区分,異動日,支援措置区分";
const GOOD: &str = "131016,12345,,0000000001,東京 花子,トウキョウ ハナコ,19460503,2,1,,0";

fn city() -> MunicipalityCode {
    MunicipalityCode::parse("131016").unwrap()
}

/// Another good line, so that a file with one of another city is not that city's file.
const NEIGHBOUR: &str = "131016,6,,0000000002,東京 太郎,,19500101,1,1,,0";

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
    fields[item.0] = value;
    check_line(&fields.join(","), expected);
}

fn check_line(line: &str, expected: &str) {
    let residents = read(&format!("{line}\n{NEIGHBOUR}"));
    assert_eq!(residents.lines, 2);
    let complaints = residents.complaints.iter().map(|complaint| {
        assert_eq!(complaint.line, 2);
        format!(
            "{}: {}, ",
            complaint.column.unwrap_or("-"),
            complaint.code()
        )
    });
    let kept = if residents.rows.len() == 1 {
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
    assert_eq!((row.my_number, row.protected), (None, false));
    assert!(row.more == More::default());
}

#[test]
fn the_municipality_code_must_be_right_and_ours() {
    check(CITY, "", "自治体コード: empty, left out");
    check(CITY, "11002", "自治体コード: digit-count, left out");
    check(CITY, "1310１6", "自治体コード: not-digits, left out");
    check(CITY, "131017", "自治体コード: check-digit, left out");
    check(CITY, "011002", "自治体コード: other-city, left out");
}

#[test]
fn the_resident_number_has_one_to_fifteen_characters() {
    check(RESIDENT_NUMBER, "A12345678901234", "kept");
    check(RESIDENT_NUMBER, "          12345", "kept");
    check(RESIDENT_NUMBER, " ", "個別宛名番号: empty, left out");
    check(
        RESIDENT_NUMBER,
        "1234567890123456",
        "個別宛名番号: too-long, left out",
    );
}

#[test]
fn my_number_is_checked_and_shown_to_nobody() {
    check(MY_NUMBER, "983205673214", "kept");
    check(MY_NUMBER, "983205673215", "個人番号: check-digit, left out");
    check(MY_NUMBER, "98320567321", "個人番号: digit-count, left out");
    let residents = read(&GOOD.replace(",,0000000001", ",983205673214,0000000001"));
    assert!(!format!("{residents:?}").contains("983205673214"));
    let row = only_row(residents);
    assert_eq!(row.my_number, MyNumber::parse("983205673214").ok());
    let mut written = Vec::new();
    write_residents(&mut written, [&row], Encoding::Utf8).unwrap();
    assert!(!String::from_utf8(written).unwrap().contains("983205673214"));
}

#[test]
fn the_coupon_number_has_ten_digits() {
    check(COUPON_NUMBER, "", "券番号: empty, left out");
    check(COUPON_NUMBER, "1", "券番号: digit-count, left out");
    check(
        COUPON_NUMBER,
        "00000000001",
        "券番号: digit-count, left out",
    );
    check(COUPON_NUMBER, "00000-0001", "券番号: not-digits, left out");
}

#[test]
fn the_name_is_there_and_not_endless() {
    check(NAME, "\u{3000}", "氏名漢字: empty, left out");
    check(NAME, &"山".repeat(100), "kept");
    check(NAME, &"山".repeat(101), "氏名漢字: too-long, left out");
    check(NAME, &"葛\u{E0100}".repeat(100), "kept");
    check(NAME, "東京\t花子", "氏名漢字: control-character, left out");
    check(NAME, "\"ab\"\"c, d\"", "kept");
}

#[test]
fn a_character_only_the_sender_can_draw_is_told_and_kept() {
    check(NAME, "\u{E000}田", "氏名漢字: gaiji, kept");
    check(NAME, "山\u{FFFD}", "氏名漢字: undecodable, left out");
}

#[test]
fn the_reading_may_be_missing_and_a_strange_one_is_told_and_kept() {
    check(KANA, "", "kept");
    check(KANA, "ﾄｳｷｮｳ ﾊﾅｺ", "kept");
    check(KANA, "ジョン・スミス-ドゥ", "kept");
    check(KANA, "東京", "氏名カナ: not-kana, kept");
    check(KANA, &"ア".repeat(101), "氏名カナ: too-long, left out");
}

#[test]
fn a_birth_date_may_lack_day_or_month() {
    check(BIRTH_DATE, "19460500", "kept");
    check(BIRTH_DATE, "19460000", "kept");
    check(BIRTH_DATE, "", "生年月日: empty, left out");
    check(BIRTH_DATE, "19460431", "生年月日: not-a-day, left out");
    check(BIRTH_DATE, "19461300", "生年月日: not-a-day, left out");
    check(BIRTH_DATE, "19460003", "生年月日: not-a-day, left out");
    check(BIRTH_DATE, "1946-05-03", "生年月日: not-digits, left out");
    check(BIRTH_DATE, "460503", "生年月日: digit-count, left out");
}

#[test]
fn codes_are_those_of_the_layout() {
    for sex in ["0", "1", "2", "9"] {
        check(SEX, sex, "kept");
    }
    check(SEX, "3", "性別: not-a-code, left out");
    check(SEX, "", "性別: empty, left out");
    check(CHANGE_KIND, "6", "異動区分: not-a-code, left out");
    check(PROTECTED, "1", "kept");
    check(PROTECTED, "2", "支援措置区分: not-a-code, left out");
    check(PROTECTED, "", "支援措置区分: empty, left out");
}

#[test]
fn leaving_the_city_needs_a_day() {
    for kind in ["1", "2"] {
        check(CHANGE_KIND, kind, "kept");
    }
    for kind in ["3", "4", "5"] {
        check(CHANGE_KIND, kind, "異動日: change-day-missing, left out");
        check_line(
            &GOOD.replace(",2,1,,", &format!(",2,{kind},20210601,")),
            "kept",
        );
    }
    check(CHANGE_DAY, "20210631", "異動日: not-a-day, left out");
    check(CHANGE_DAY, "20210600", "異動日: not-a-day, left out");
}

#[test]
fn a_line_of_another_shape_is_told_as_a_whole() {
    check_line(&format!("{GOOD},"), "-: column-count, left out");
    check_line("131016,12345", "-: column-count, left out");
    check_line(
        &GOOD.replace("花子", "\"花子\""),
        "-: quote-misplaced, left out",
    );
    check_line(&GOOD.replace("東京", "\"東京"), "-: quote-open, left out");
    check_line(&GOOD.replace("花子", "\0"), "-: nul-byte, left out");
    check_line(
        &GOOD.replace("花子", &"子".repeat(30_000)),
        "-: line-too-long, left out",
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
    assert!(
        residents.complaints[0]
            .text_ja()
            .contains("1文字目が外字(U+E000, 0xF040)")
    );
    assert_eq!(
        file(b"\x93\x63\x93").complaints[0].fault,
        Fault::Undecodable { position: 2 }
    );
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
    let header = LAYOUT.items.join(",");
    let before = format!("{header}\r\n{GOOD},,,,,,,,\r\n");
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
    let more = (
        prop::option::of(name),
        prop::option::of("[A-Z]{1,9}"),
        prop::option::of("[0-9]{7}"),
    )
        .prop_map(|(text, romaji, postal_code)| More {
            former_name: text.clone(),
            former_kana: text.as_ref().map(|_| "スズキ".into()),
            alias: text.clone(),
            alias_kana: None,
            romaji,
            postal_code: postal_code.map(|code| PostalCode::parse(&code).unwrap()),
            address: text.clone(),
            address_extra: text,
            tells_address: true,
        });
    let row = (name, kana, birth, sex, any_change(), any::<bool>(), more);
    prop::collection::vec(row, 0..8).prop_map(|rows| {
        let numbered = (1_u64..).zip(rows);
        let row = |(number, (name, kana, birth, sex, change, protected, more)): (
            u64,
            (String, _, &str, _, _, _, _),
        )| ResidentRow {
            city: city(),
            resident_number: ResidentNumber::parse(&format!("A,{number}\"")).unwrap(),
            my_number: None,
            coupon: CouponNumber::parse(&format!("{number:010}")).unwrap(),
            name,
            kana,
            birth: BirthDate::parse_compact(birth).unwrap(),
            sex,
            change,
            protected,
            more,
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
            let bytes = with_header(&line, encoding);
            if let Ok(residents) = read_residents(&bytes, encoding, city()) {
                prop_assert!(residents.rows.is_empty() || !line.is_empty());
            }
            let _ = read_residents(&line, encoding, city());
        }
    }

    #[test]
    fn however_the_bytes_arrive_the_lines_are_the_same(
        lines in any_lines(), size in 1..50_usize, windows in any::<bool>(),
    ) {
        let encoding = Encoding::ALL[usize::from(windows)];
        let bytes = with_header(&lines, encoding);
        let all = |reader: Reader<Drops<'_>>| -> Vec<_> {
            reader.watching_repeats().map(Result::unwrap).collect()
        };
        let opened = Reader::open(Drops(&bytes, usize::MAX), encoding, city());
        let dripped = Reader::open(Drops(&bytes, size), encoding, city());
        match (opened, dripped) {
            (Ok(one), Ok(other)) => prop_assert_eq!(all(one), all(other)),
            (one, other) => prop_assert_eq!(one.err(), other.err()),
        }
    }

    #[test]
    fn reading_goes_on_from_every_line_as_if_it_had_never_stopped(lines in any_lines()) {
        let bytes = with_header(&lines, Encoding::Utf8);
        let Ok(reader) = Reader::open(bytes.as_slice(), Encoding::Utf8, city()) else {
            return Ok(());
        };
        let begin = reader.place();
        let all: Vec<_> = reader.map(Result::unwrap).collect();
        let places: Vec<_> = [begin].into_iter().chain(all.iter().map(|line| line.next)).collect();
        for (done, place) in places.into_iter().enumerate() {
            let resumed = Reader::resume(Cursor::new(&bytes), Encoding::Utf8, city(), place).unwrap();
            let rest: Vec<_> = resumed.map(Result::unwrap).collect();
            prop_assert_eq!(rest.as_slice(), &all[done..]);
        }
    }
}

/// Hands over a few bytes at a time.
struct Drops<'a>(&'a [u8], usize);

impl Read for Drops<'_> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let got = self.1.min(self.0.len()).min(room.len());
        let (now, later) = self.0.split_at(got);
        room[..got].copy_from_slice(now);
        self.0 = later;
        Ok(got)
    }
}

fn with_header(lines: &[u8], encoding: Encoding) -> Vec<u8> {
    let mut bytes = encoding.encode(HEADER).unwrap().into_owned();
    bytes.extend_from_slice(b"\n");
    bytes.extend_from_slice(lines);
    bytes
}

/// Good lines, bad lines, blank lines, with every end, the last perhaps without.
fn any_lines() -> impl Strategy<Value = Vec<u8>> {
    let line = prop::sample::select(vec![
        GOOD.as_bytes(),
        NEIGHBOUR.as_bytes(),
        b"",
        b",,,",
        b"131016,\"7",
        b"131016,7,\0",
        b"011002,7,,0000000007,a,,19500101,1,1,,0",
        b"131016,\x81\xff,,1,\x93,,,,,,",
    ]);
    let end = prop::sample::select(vec![&b"\n"[..], b"\r\n"]);
    (prop::collection::vec((line, end), 0..8), any::<bool>()).prop_map(|(lines, ended)| {
        let mut bytes: Vec<u8> = lines
            .iter()
            .flat_map(|(line, end)| [*line, *end].concat())
            .collect();
        if !ended {
            while bytes.last().is_some_and(|byte| b"\r\n".contains(byte)) {
                bytes.pop();
            }
        }
        bytes
    })
}

fn refused(lines: &str) -> &'static str {
    let bytes = format!("{HEADER}\n{lines}\n");
    read_residents(bytes.as_bytes(), Encoding::Utf8, city())
        .unwrap_err()
        .code()
}

#[test]
fn the_file_of_another_city_is_refused_as_a_whole() {
    let other = GOOD.replace("131016", "011002");
    assert_eq!(refused(&other), "file-other-city");
    assert_eq!(
        refused(&format!(
            "131017,x\n\n{other}\n{}",
            other.replace("12345", "7")
        )),
        "file-other-city"
    );
    // Among our own lines it is one bad line.
    let residents = read(&format!("{other}\n{NEIGHBOUR}"));
    assert_eq!((residents.rows.len(), residents.complaints.len()), (1, 1));
}

#[test]
fn columns_beyond_the_eleven_are_read_where_they_are() {
    let file = "住所,旧氏漢字,氏名ローマ字,郵便番号,".to_owned() + HEADER;
    let line = "千代田区千代田1-1,鈴木,TOKYO HANAKO,100-0001,".to_owned() + GOOD;
    let read = |text: &str| read_residents(text.as_bytes(), Encoding::Utf8, city()).unwrap();
    let more = only_row(read(&format!("{file}\n{line}\n"))).more;
    assert_eq!(more.address.as_deref(), Some("千代田区千代田1-1"));
    assert_eq!(more.former_name.as_deref(), Some("鈴木"));
    assert_eq!(more.romaji.as_deref(), Some("TOKYO HANAKO"));
    assert_eq!(more.postal_code.unwrap().as_str(), "1000001");
    assert_eq!((more.alias, more.address_extra), (None, None));
    assert!(more.tells_address);
    let codes = |line: String| -> Vec<_> {
        let residents = read(&format!("{file}\n{line}\n"));
        residents.complaints.iter().map(Complaint::code).collect()
    };
    assert_eq!(codes(line.replace("TOKYO", "東京")), ["not-romaji"]);
    assert_eq!(codes(line.replace("100-0001", "100000")), ["digit-count"]);
    assert_eq!(codes(line.replace("100-0001", "1000-001")), ["not-digits"]);
}

#[test]
fn a_file_without_the_columns_says_nothing_of_where_people_live() {
    let more = only_row(read(GOOD)).more;
    assert!(!more.tells_address && more.address.is_none());
    let file = format!("{HEADER},方書\n{GOOD},\n");
    let read = read_residents(file.as_bytes(), Encoding::Utf8, city()).unwrap();
    assert!(only_row(read).more.tells_address);
}

#[test]
fn another_file_or_another_place_is_not_gone_on_with() {
    let bytes = format!("{HEADER}\n{GOOD}\n{NEIGHBOUR}\n");
    let resume = |offset| {
        let place = Bookmark { offset, line: 2 };
        Reader::resume(Cursor::new(&bytes), Encoding::Utf8, city(), place)
            .map(|_| ())
            .map_err(|refusal| refusal.code())
    };
    let header = HEADER.len() as u64 + 1;
    assert_eq!(resume(header), Ok(()));
    assert_eq!(resume(header + 1), Err("file-other-file"));
    assert_eq!(resume(0), Err("file-other-file"));
    assert_eq!(resume(1), Err("file-other-file"));
    assert_eq!(resume(bytes.len() as u64), Ok(()));
    assert_eq!(resume(bytes.len() as u64 + 1), Err("file-other-file"));
}

#[test]
fn a_source_that_fails_ends_the_reading_with_its_error() {
    #[derive(Debug)]
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::TimedOut.into())
        }
    }
    let front = format!("{HEADER}\n{}", format!("{GOOD}\n").repeat(2000));
    let reader = Reader::open(front.as_bytes().chain(Broken), Encoding::Utf8, city()).unwrap();
    let (lines, errors): (Vec<_>, Vec<_>) = reader.partition(Result::is_ok);
    assert!(lines.len() > 1900);
    assert_eq!(errors.len(), 1);
    let early = Reader::open(Broken, Encoding::Utf8, city()).unwrap_err();
    assert_eq!(early.code(), "file-unread");
}
