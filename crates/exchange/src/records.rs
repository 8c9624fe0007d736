//! 接種記録CSV: doses typed from paper, one line each (domain paper §2.4).
//!
//! A line that is wrong is complained about and left out. What is merely doubtful about the dose
//! is no matter of the file: it is loaded, and judged like any other report.

use std::collections::HashMap;
use std::collections::hash_map::{DefaultHasher, Entry};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::io::{self, Read, Seek};

use domain::amendments::Order;
use domain::calendar::Day;
use domain::coupons::{Coupon, CouponKind, CouponNumber};
use domain::doses::{DOCTOR_NAME_LENGTH_MAX, VENUE_NAME_LENGTH_MAX};
use domain::places::MunicipalityCode;
use domain::vaccines::{Lot, ProductKey, Vaccines};
use domain::venues::FacilityCode;

use crate::complaints::{Complaint, Fault};
use crate::encoding::Encoding;
use crate::form::{Form, city, coupon_number, day, digits, short};
use crate::lines::{Bookmark, writer};
use crate::residents::{WriteRefusal, encoded};
use crate::structure::{FileLine, Item, Layout, Sheet, StructureRefusal};

/// Characters of a maker's name at most (`CSVDOC`).
pub const MAKER_CHARACTERS_MAX: usize = 20;
/// The largest volume: 9.99 mL, far more than any dose.
const VOLUME_HUNDREDTHS_ML_MAX: u16 = 999;

/// One dose, or one interview, as somebody typed it from the paper. Debug shows none of it.
#[derive(Clone, PartialEq, Eq)]
pub struct RecordRow {
    /// 自治体コード: the city printed on the coupon, which is the one that hands the file in.
    pub city: MunicipalityCode,
    /// 券番号.
    pub number: CouponNumber,
    /// 券種, the digit as printed, whatever it means.
    pub kind_digit: u8,
    /// 回数, the digit as printed; `0` where the coupon leaves it open.
    pub turn_digit: u8,
    /// 接種日.
    pub given_on: Day,
    /// 会場名.
    pub venue_name: Option<String>,
    /// 会場コード; its check digit may fail.
    pub facility: Option<FacilityCode>,
    /// 医師名.
    pub doctor: Option<String>,
    /// メーカー, at most [`MAKER_CHARACTERS_MAX`] characters.
    pub maker: Option<String>,
    /// 製品コード, known or not.
    pub product: Option<ProductKey>,
    /// ロット.
    pub lot: Option<Lot>,
    /// 接種量 in hundredths of a millilitre.
    pub volume_hundredths_ml: Option<u16>,
    /// 取消区分: what is to be done.
    pub order: Order,
}

impl RecordRow {
    /// The coupon whose digits the row gives.
    #[must_use]
    pub fn coupon(&self) -> Coupon {
        Coupon {
            kind: CouponKind::of(self.kind_digit),
            kind_digit: self.kind_digit,
            turn_digit: self.turn_digit,
            municipality: self.city,
            number: self.number,
        }
    }
}

impl fmt::Debug for RecordRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordRow")
            .field("city", &self.city)
            .finish_non_exhaustive()
    }
}

/// One line of the file: the record, or why not, or the record with something to look at.
pub type RecordLine = FileLine<RecordRow>;

/// Reads a file line by line, in memory that does not grow with it; as
/// [`residents::Reader`](crate::residents::Reader) does.
#[derive(Debug)]
pub struct Reader<R> {
    sheet: Sheet<R>,
    expected_city: MunicipalityCode,
    repeats: Option<Repeats>,
}

/// What stood in the lines before, each with its line. Two hashes together stand for a line, so that
/// a file of millions needs some tens of bytes for each.
type Repeats = HashMap<(u64, u64), u64>;

impl<R: Read> Reader<R> {
    /// Opens a file of records of one city's coupons.
    ///
    /// # Errors
    /// [`StructureRefusal`] if the file as a whole cannot be right.
    pub fn open(
        source: R,
        encoding: Encoding,
        expected_city: MunicipalityCode,
    ) -> Result<Self, StructureRefusal> {
        Ok(Self {
            sheet: Sheet::open(source, encoding, LAYOUT)?.belongs_to(expected_city, CITY)?,
            expected_city,
            repeats: None,
        })
    }

    /// Complains, too, of a dose that stood in an earlier line: the same coupon, turn, day, product and
    /// lot. This alone takes memory for each line, some 40 bytes.
    #[must_use]
    pub fn watching_repeats(mut self) -> Self {
        self.repeats = Some(Repeats::new());
        self
    }

    /// Where the next line begins.
    #[must_use]
    pub fn place(&self) -> Bookmark {
        self.sheet.place()
    }
}

impl<R: Read + Seek> Reader<R> {
    /// Opens a file again and goes on from a place that an earlier reading gave.
    ///
    /// # Errors
    /// As [`Reader::open`], and [`StructureRefusal::OtherFile`] if no line begins there.
    pub fn resume(
        source: R,
        encoding: Encoding,
        expected_city: MunicipalityCode,
        place: Bookmark,
    ) -> Result<Self, StructureRefusal> {
        let mut reader = Self::open(source, encoding, expected_city)?;
        reader.sheet = reader.sheet.go_to(place)?;
        Ok(reader)
    }
}

impl<R: Read> Iterator for Reader<R> {
    type Item = io::Result<RecordLine>;

    fn next(&mut self) -> Option<Self::Item> {
        let Self {
            sheet,
            expected_city,
            repeats,
        } = self;
        sheet.take(|form, line| read(form, line, *expected_city, repeats.as_mut()))
    }
}

const LAYOUT: Layout = Layout {
    items: &[
        "自治体コード",
        "券番号",
        "券種",
        "回数",
        "接種日",
        "会場名",
        "会場コード",
        "医師名",
        "メーカー",
        "製品コード",
        "ロット",
        "接種量",
        "取消区分",
    ],
    required: 13,
};

const CITY: Item = Item(0);
const NUMBER: Item = Item(1);
const KIND: Item = Item(2);
const TURN: Item = Item(3);
const GIVEN_ON: Item = Item(4);
const VENUE_NAME: Item = Item(5);
const FACILITY: Item = Item(6);
const DOCTOR: Item = Item(7);
const MAKER: Item = Item(8);
const PRODUCT: Item = Item(9);
const LOT: Item = Item(10);
const VOLUME: Item = Item(11);
const ORDER: Item = Item(12);

fn read(
    mut form: Form<'_>,
    line: u64,
    expected_city: MunicipalityCode,
    repeats: Option<&mut Repeats>,
) -> (Option<RecordRow>, Vec<Complaint>) {
    let city = form.required(CITY, |text| city(text, expected_city));
    let number = form.required(NUMBER, coupon_number);
    let kind_digit = form.required(KIND, digit);
    let turn_digit = form.required(TURN, digit);
    let given_on = form.required(GIVEN_ON, day);
    let venue_name = form.optional(VENUE_NAME, |text| short(text, VENUE_NAME_LENGTH_MAX));
    let facility = facility(&mut form);
    let doctor = form.optional(DOCTOR, |text| short(text, DOCTOR_NAME_LENGTH_MAX));
    let maker = form.optional(MAKER, |text| short(text, MAKER_CHARACTERS_MAX));
    let product = product(&mut form);
    let lot = form.optional(LOT, |text| Lot::parse(text).map_err(|_| Fault::NotALot));
    let volume = form.optional(VOLUME, volume);
    let order = form.required(ORDER, order);
    if let (Some(repeats), Some(number), Some(day)) = (repeats, number, given_on) {
        let dose = (number, kind_digit, turn_digit, day, &product, &lot, order);
        match repeats.entry((hash(0, &dose), hash(1, &dose))) {
            Entry::Occupied(first) => {
                let first_line = *first.get();
                form.complain(NUMBER, Fault::DoseRepeated { first_line });
            }
            Entry::Vacant(place) => {
                place.insert(line);
            }
        }
    }
    let complaints = form.complaints();
    let row = || {
        Some(RecordRow {
            city: city?,
            number: number?,
            kind_digit: kind_digit?,
            turn_digit: turn_digit?,
            given_on: given_on?,
            venue_name: venue_name?,
            facility: facility?,
            doctor: doctor?,
            maker: maker?,
            product: product?,
            lot: lot?,
            volume_hundredths_ml: volume?,
            order: order?,
        })
    };
    let good = complaints.iter().all(Complaint::keeps_row);
    (good.then(row).flatten(), complaints)
}

fn hash(which: u8, value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    (which, value).hash(&mut hasher);
    hasher.finish()
}

fn facility(form: &mut Form<'_>) -> Option<Option<FacilityCode>> {
    let code = form.optional(FACILITY, |text| {
        digits(text, 10)?;
        FacilityCode::parse(text).map_err(|_| Fault::NotDigits)
    })?;
    if code.is_some_and(|code| !code.check_digit_holds()) {
        form.complain(FACILITY, Fault::FacilityUnusual);
    }
    Some(code)
}

fn product(form: &mut Form<'_>) -> Option<Option<ProductKey>> {
    let key = form.optional(PRODUCT, |text| {
        ProductKey::parse(text).ok_or(Fault::NotAProduct)
    })?;
    let known = |key: &ProductKey| Vaccines::bundled().find(key.as_str()).is_some();
    if key.as_ref().is_some_and(|key| !known(key)) {
        form.complain(PRODUCT, Fault::ProductUnknown);
    }
    Some(key)
}

fn order(code: &str) -> Result<Order, Fault> {
    Order::of_code(code).ok_or(Fault::NotACode {
        codes: Order::CODES,
    })
}

fn digit(text: &str) -> Result<u8, Fault> {
    digits(text, 1)?;
    text.parse().map_err(|_| Fault::NotDigits)
}

fn volume(text: &str) -> Result<u16, Fault> {
    const MAX: u16 = VOLUME_HUNDREDTHS_ML_MAX;
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
    let volume = text
        .parse()
        .ok()
        .filter(|volume| is_plain && (1..=MAX).contains(volume));
    volume.ok_or(Fault::NotANumber { max: MAX })
}

/// Writes rows as [`Reader`] reads them: header, CRLF, quotes only where needed, no byte order mark.
///
/// # Errors
/// [`WriteRefusal`]; what was written before stands.
pub fn write_records<'a>(
    out: impl io::Write,
    rows: impl IntoIterator<Item = &'a RecordRow>,
    encoding: Encoding,
) -> Result<(), WriteRefusal> {
    let mut writer = writer(out);
    writer.write_record(encoded(LAYOUT.items.iter().copied(), encoding, 1)?)?;
    for (line, row) in (2..).zip(rows) {
        let volume = row.volume_hundredths_ml.map(|volume| volume.to_string());
        let (kind, turn) = (row.kind_digit.to_string(), row.turn_digit.to_string());
        let given_on = row.given_on.compact();
        let fields = [
            row.city.as_str(),
            row.number.as_str(),
            kind.as_str(),
            turn.as_str(),
            given_on.as_str(),
            row.venue_name.as_deref().unwrap_or_default(),
            row.facility.as_ref().map_or("", FacilityCode::as_str),
            row.doctor.as_deref().unwrap_or_default(),
            row.maker.as_deref().unwrap_or_default(),
            row.product.as_ref().map_or("", ProductKey::as_str),
            row.lot.as_ref().map_or("", Lot::as_str),
            volume.as_deref().unwrap_or_default(),
            row.order.code(),
        ];
        writer.write_record(encoded(fields.into_iter(), encoding, line)?)?;
    }
    Ok(writer.flush()?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use std::io::Cursor;

    use super::*;

    const GOOD: &str = "131016,0000000001,2,1,20210612,千代田会場,1391000013,山田太郎,ファイザー,comirnaty_12_mono,EY0573,30,0";
    const NEIGHBOUR: &str = "131016,0000000002,1,0,20210612,,,,,,,,2";

    fn city() -> MunicipalityCode {
        MunicipalityCode::parse("131016").unwrap()
    }

    fn file(lines: &str) -> String {
        format!("{}\r\n{lines}\r\n", LAYOUT.items.join(","))
    }

    fn read(lines: &str) -> Vec<RecordLine> {
        let file = file(lines);
        let reader = Reader::open(file.as_bytes(), Encoding::Utf8, city()).unwrap();
        reader.map(Result::unwrap).collect()
    }

    /// Changes one item of the good row and tells what the reader says.
    fn check(item: Item, value: &str, expected: &str) {
        let mut fields: Vec<_> = GOOD.split(',').collect();
        fields[item.0] = value;
        let lines = read(&format!("{}\n{NEIGHBOUR}", fields.join(",")));
        let [line, neighbour] = lines.as_slice() else {
            panic!("two lines")
        };
        assert!(neighbour.row.is_some() && neighbour.complaints.is_empty());
        let complaints = line.complaints.iter().map(|complaint| {
            format!(
                "{}: {}, ",
                complaint.column.unwrap_or("-"),
                complaint.code()
            )
        });
        let kept = if line.row.is_some() {
            "kept"
        } else {
            "left out"
        };
        assert_eq!(complaints.collect::<String>() + kept, expected, "{value}");
    }

    #[test]
    fn a_good_row_is_read_as_it_stands() {
        let row = read(GOOD).remove(0).row.unwrap();
        assert_eq!(row.coupon().line().as_str(), "211310160000000001");
        assert_eq!(row.given_on, Day::parse("2021-06-12").unwrap());
        assert_eq!(row.venue_name.as_deref(), Some("千代田会場"));
        assert_eq!(row.facility.unwrap().as_str(), "1391000013");
        assert_eq!(row.doctor.as_deref(), Some("山田太郎"));
        assert_eq!(row.maker.as_deref(), Some("ファイザー"));
        assert_eq!(row.product.unwrap().as_str(), "comirnaty_12_mono");
        assert_eq!(row.lot.unwrap().as_str(), "EY0573");
        assert_eq!(
            (row.volume_hundredths_ml, row.order),
            (Some(30), Order::Record)
        );
    }

    #[test]
    fn what_the_paper_leaves_open_may_be_empty() {
        for item in [VENUE_NAME, FACILITY, DOCTOR, MAKER, PRODUCT, LOT, VOLUME] {
            check(item, "", "kept");
        }
        check(NUMBER, "", "券番号: empty, left out");
        check(KIND, "", "券種: empty, left out");
        check(TURN, "", "回数: empty, left out");
        check(GIVEN_ON, "", "接種日: empty, left out");
        check(ORDER, "", "取消区分: empty, left out");
    }

    #[test]
    fn what_cannot_be_read_is_left_out_and_told() {
        check(CITY, "131017", "自治体コード: check-digit, left out");
        check(CITY, "011002", "自治体コード: other-city, left out");
        check(NUMBER, "1", "券番号: digit-count, left out");
        check(KIND, "22", "券種: digit-count, left out");
        check(TURN, "一", "回数: not-digits, left out");
        check(GIVEN_ON, "20210631", "接種日: not-a-day, left out");
        check(VENUE_NAME, &"会".repeat(31), "会場名: too-long, left out");
        check(FACILITY, "139100001", "会場コード: digit-count, left out");
        check(DOCTOR, &"山".repeat(21), "医師名: too-long, left out");
        check(MAKER, &"フ".repeat(21), "メーカー: too-long, left out");
        check(PRODUCT, "コミナティ", "製品コード: not-a-product, left out");
        check(LOT, &"1".repeat(21), "ロット: not-a-lot, left out");
        check(ORDER, "3", "取消区分: not-a-code, left out");
        for volume in ["0", "+30", "0.3", "1000"] {
            check(VOLUME, volume, "接種量: not-a-number, left out");
        }
    }

    #[test]
    fn a_dose_that_stands_twice_is_left_out_the_second_time() {
        let other_day = GOOD.replace("20210612", "20210703");
        let file = file(&format!("{GOOD}\n{other_day}\n{GOOD}"));
        let reader = Reader::open(file.as_bytes(), Encoding::Utf8, city()).unwrap();
        let lines: Vec<_> = reader.watching_repeats().map(Result::unwrap).collect();
        let kept: Vec<bool> = lines.iter().map(|line| line.row.is_some()).collect();
        assert_eq!(kept, [true, true, false]);
        assert_eq!(lines[2].complaints[0].code(), "dose-repeated");
    }

    #[test]
    fn what_is_only_unusual_is_kept_and_told() {
        check(KIND, "9", "kept");
        check(TURN, "9", "kept");
        check(GIVEN_ON, "29991231", "kept"); // judged later, like every report
        check(FACILITY, "1391000014", "会場コード: facility-unusual, kept");
        check(PRODUCT, "comirnaty_13", "製品コード: product-unknown, kept");
    }

    #[test]
    fn the_file_of_another_city_is_refused_as_a_whole() {
        let file = file(&GOOD.replace("131016", "011002"));
        let refusal = Reader::open(file.as_bytes(), Encoding::Utf8, city()).unwrap_err();
        assert_eq!(refusal.code(), "file-other-city");
    }

    #[test]
    fn nothing_of_a_person_shows_in_debug() {
        let shown = format!("{:?}", read(GOOD));
        for secret in ["0000000001", "千代田", "山田", "EY0573"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }

    fn any_row(text: &'static str) -> impl Strategy<Value = RecordRow> {
        let named = prop::option::of(text);
        let facility = prop::option::of("[0-9]{10}");
        let lot = prop::option::of("[A-Z0-9]{1,20}");
        let order = prop::sample::select(vec![Order::Record, Order::Correct, Order::Void]);
        let digits = ("[0-9]{10}", 0..10_u8, 0..10_u8, 0..9000_i64);
        let volume = prop::option::of(1..=VOLUME_HUNDREDTHS_ML_MAX);
        (digits, named.clone(), named, facility, lot, volume, order).prop_map(
            |(
                (number, kind_digit, turn_digit, days),
                venue_name,
                maker,
                facility,
                lot,
                volume,
                order,
            )| {
                RecordRow {
                    city: city(),
                    number: CouponNumber::parse(&number).unwrap(),
                    kind_digit,
                    turn_digit,
                    given_on: Day::parse("2021-02-17").unwrap().plus_days(days),
                    venue_name: venue_name.clone(),
                    facility: facility.map(|code| FacilityCode::parse(&code).unwrap()),
                    doctor: venue_name,
                    maker,
                    product: lot
                        .as_ref()
                        .map(|_| ProductKey::parse("spikevax_mono").unwrap()),
                    lot: lot.map(|lot| Lot::parse(&lot).unwrap()),
                    volume_hundredths_ml: volume,
                    order,
                }
            },
        )
    }

    fn read_back(rows: &[RecordRow], encoding: Encoding) -> Vec<RecordRow> {
        let mut bytes = Vec::new();
        write_records(&mut bytes, rows, encoding).unwrap();
        let reader = Reader::open(bytes.as_slice(), encoding, city()).unwrap();
        reader.filter_map(|line| line.unwrap().row).collect()
    }

    proptest! {
        #[test]
        fn written_rows_are_read_back_in_utf_8(rows in prop::collection::vec(any_row("[一-鿿\",a-z]{1,20}"), 0..6)) {
            prop_assert_eq!(read_back(&rows, Encoding::Utf8), rows);
        }

        #[test]
        fn written_rows_are_read_back_in_windows_31j(rows in prop::collection::vec(any_row("[髙﨑ｱ-ﾝ～表能ソ\",a-z]{1,20}"), 0..6)) {
            prop_assert_eq!(read_back(&rows, Encoding::Windows31j), rows);
        }

        #[test]
        fn reading_goes_on_from_every_line(rows in prop::collection::vec(any_row("[a-z]{1,9}"), 1..6)) {
            let mut bytes = Vec::new();
            write_records(&mut bytes, &rows, Encoding::Utf8).unwrap();
            let all: Vec<_> = Reader::open(bytes.as_slice(), Encoding::Utf8, city()).unwrap().map(Result::unwrap).collect();
            for (done, line) in (1..).zip(&all) {
                let rest = Reader::resume(Cursor::new(&bytes), Encoding::Utf8, city(), line.next).unwrap();
                prop_assert_eq!(rest.map(Result::unwrap).collect::<Vec<_>>(), &all[done..]);
            }
        }

        #[test]
        fn no_bytes_make_the_reader_fail_otherwise(line in prop::collection::vec(any::<u8>(), 0..200)) {
            for encoding in Encoding::ALL {
                let mut bytes = encoding.encode(&file("")).unwrap().into_owned();
                bytes.extend_from_slice(&line);
                if let Ok(reader) = Reader::open(bytes.as_slice(), encoding, city()) {
                    prop_assert!(reader.filter(Result::is_ok).count() <= 1 + line.len());
                }
            }
        }
    }
}
