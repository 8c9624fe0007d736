use domain::calendar::Day;
use proptest::prelude::*;

use super::*;

fn lines(file: &[u8], encoding: Encoding) -> Vec<VenueLine> {
    Reader::open(file, encoding)
        .unwrap()
        .map(Result::unwrap)
        .collect()
}

fn codes(line: &VenueLine) -> Vec<&'static str> {
    line.complaints.iter().map(Complaint::code).collect()
}

fn day(text: &str) -> Day {
    Day::parse(text).unwrap()
}

fn clinic() -> FileRow {
    FileRow {
        code: FacilityCode::parse("0110113719").unwrap(),
        kind: Some(CodeKind::Medical),
        former: None,
        city: MunicipalityCode::parse("011002").unwrap(),
        from: day("2021-06-01"),
        closed_from: None,
        name: "札幌見本病院".into(),
        kana: Some("サッポロミホンビョウイン".into()),
        venue_type: VenueType::Basic,
        address: Some("札幌市中央区北1-1".into()),
        phone: Some("+81-11-000-0000".into()),
        supplier: Some(Supplier::Nobody),
        sections: FileSections {
            deep_frozen_units: Some(2),
            frozen_units: Some(0),
            refrigerated_units: Some(10),
            hours: Hours::parse_week("月火 09:00-12:00; 土 10:00-11:00"),
            booking_phone: Some("011-000-0001".into()),
            url: Some(String::new()),
            booking_remarks: Some("=予約は電話だけ".into()),
            weekdays: Weekdays::parse("1010100"),
            band: Some(Band::Morning),
            lead_days: Some(2),
            unloading: Some("裏口".into()),
            delivery_remarks: Some(String::new()),
            account: Some("北海道国保連 登録A".into()),
        },
    }
}

fn file(rows: &[FileRow], encoding: Encoding) -> Vec<u8> {
    let mut writer = Writer::new(encoding).unwrap();
    for row in rows {
        writer.row(row).unwrap();
    }
    writer.take().unwrap()
}

#[test]
fn a_venue_is_one_line_in_words_of_the_layout() {
    let file = String::from_utf8(file(&[clinic()], Encoding::Utf8)).unwrap();
    let (header, line) = file.split_once("\r\n").unwrap();
    assert_eq!(header, ITEMS.join(","));
    assert_eq!(
        line,
        "0110113719,011002,札幌見本病院,1,20210601,1,,サッポロミホンビョウイン,札幌市中央区北1-1,'+81-11-000-0000,なし,2,0,10,月火 09:00-12:00; 土 10:00-11:00,011-000-0001,,'=予約は電話だけ,月水金,1,2,裏口,,北海道国保連 登録A,\r\n"
    );
}

#[test]
fn a_file_comes_in_as_it_went_out_in_every_encoding_and_with_a_byte_order_mark() {
    for encoding in Encoding::ALL {
        let read = lines(&file(&[clinic()], encoding), encoding);
        assert_eq!(read[0].row.as_ref(), Some(&clinic()), "{encoding:?}");
        assert!(read[0].complaints.is_empty());
    }
    let marked = [b"\xEF\xBB\xBF", &file(&[clinic()], Encoding::Utf8)[..]].concat();
    let text = String::from_utf8(marked).unwrap().replace("\r\n", "\n");
    assert_eq!(
        lines(text.as_bytes(), Encoding::Utf8)[0].row,
        Some(clinic())
    );
}

#[test]
fn a_file_may_leave_columns_out_and_then_says_nothing_of_them() {
    let file = "会場名,適用開始日,施設類型,市町村コード,会場コード,予約URL\n札幌見本病院,20210601,1,011002,0110113719,\n";
    let read = lines(file.as_bytes(), Encoding::Utf8);
    let row = read[0].row.clone().unwrap();
    assert_eq!(
        (row.kana, row.address, row.supplier, row.sections),
        (None, None, None, FileSections::default())
    );
}

#[test]
fn everything_wrong_with_a_line_is_told_and_the_next_is_read() {
    let file = "会場コード,市町村コード,会場名,施設類型,適用開始日,旧会場コード,供給元会場コード,超低温冷凍庫容量,診療時間,納品曜日,納品日数\n\
        110113719,011003,,6,20210631,1,あ,10000,9時から,祝,31\n\
        0110113719,011002,札幌見本病院,1,20210601,,,,,,\n\
        0110113719,011002,札幌見本病院,1,20210601,,,,,,\n\
        0110113718,011002,別の病院,1,20210601,,,,,,\n";
    let read = lines(file.as_bytes(), Encoding::Utf8);
    assert_eq!(
        codes(&read[0]),
        [
            "digit-count",
            "check-digit",
            "empty",
            "not-a-code",
            "not-a-day",
            "digit-count",
            "not-digits",
            "not-a-count",
            "not-hours",
            "not-weekdays",
            "not-a-count"
        ]
    );
    assert!(read[1].row.is_some());
    assert_eq!(
        (codes(&read[2]), read[2].row.is_some()),
        (vec!["repeated"], false)
    );
    // A check digit that does not fit is a question, no refusal.
    assert_eq!(
        (codes(&read[3]), read[3].row.is_some()),
        (vec!["facility-unusual"], true)
    );
}

#[test]
fn a_column_that_nobody_knows_is_told() {
    let file = "会場コード,市町村コード,会場名,施設類型,適用開始日,電話\n";
    let refused = Reader::open(file.as_bytes(), Encoding::Utf8).unwrap_err();
    assert_eq!(refused.code(), "file-header");
    assert!(refused.text_ja().contains("6列目"), "{}", refused.text_ja());
}

#[test]
fn a_character_of_ones_own_is_told_and_the_line_is_kept() {
    let file = "会場コード,市町村コード,会場名,施設類型,適用開始日\n0110113719,011002,\u{E000}病院,1,20210601\n";
    let read = lines(file.as_bytes(), Encoding::Utf8);
    assert_eq!(
        (codes(&read[0]), read[0].row.is_some()),
        (vec!["gaiji"], true)
    );
}

fn words() -> impl Strategy<Value = String> {
    proptest::string::string_regex("[=+@'\\-あ髙\",a][=+@'\\-あ髙\",a ]{0,5}[あa]").unwrap()
}

prop_compose! {
    fn any_row()(
        texts in proptest::collection::vec(words(), 9), empty in any::<[bool; 9]>(), kinds in (0..3_usize, 0..5_usize, 0..3_usize),
        units in any::<[Option<u8>; 3]>(), lead_days in proptest::option::of(0..30_u8), week in any::<[bool; 7]>(),
        from in 0..3_000_i64, supplier in 0..3_u8, former in any::<bool>(), closes in any::<bool>(), hours in any::<bool>(),
    ) -> FileRow {
        let text = |at: usize| Some(if empty[at] { String::new() } else { texts[at].clone() });
        let from = day("2021-01-01").plus_days(from);
        let code = clinic().code;
        FileRow {
            kind: Some(KINDS[kinds.0].0),
            former: former.then_some(code),
            from,
            closed_from: closes.then_some(from),
            name: texts[0].clone(),
            kana: text(1),
            venue_type: TYPES[kinds.1].0,
            address: text(2),
            phone: text(3),
            supplier: [None, Some(Supplier::Nobody), Some(Supplier::Venue(code))][usize::from(supplier)],
            sections: FileSections {
                deep_frozen_units: units[0].map(u32::from),
                frozen_units: units[1].map(u32::from),
                refrigerated_units: units[2].map(u32::from),
                hours: hours.then(|| clinic().sections.hours).flatten(),
                booking_phone: Some(texts[4].clone()),
                url: text(5),
                booking_remarks: text(6),
                weekdays: Some(Weekdays::of(week)).filter(|_| week.contains(&true)),
                band: Some(BANDS[kinds.2].0),
                lead_days,
                unloading: text(7),
                delivery_remarks: text(8),
                account: Some(texts[8].clone()),
            },
            ..clinic()
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn what_is_written_is_read_again(rows in proptest::collection::vec(any_row(), 1..4)) {
        let written = file(&rows, Encoding::Utf8);
        // The codes repeat here, which is complained about; what the lines say is read all the same.
        for (place, row) in rows.iter().enumerate() {
            let one = file(std::slice::from_ref(row), Encoding::Utf8);
            let read = lines(&one, Encoding::Utf8);
            prop_assert_eq!(read[0].row.as_ref(), Some(row), "{}", place);
        }
        prop_assert_eq!(lines(&written, Encoding::Utf8).len(), rows.len());
    }

    #[test]
    fn no_bytes_make_reading_fail(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
        let mut file = format!("{}\n", ITEMS.join(",")).into_bytes();
        file.extend(bytes);
        let _ = lines(&file, Encoding::Utf8);
    }
}
