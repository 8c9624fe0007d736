//! 会場マスタCSV: the venues of an area, in and out by the same layout (`docs/venue_file.md`).
//!
//! The layout is ours \[O\]: that of the real programme was not found. An item that a spreadsheet would run as a formula goes
//! out behind an apostrophe, and the apostrophe is taken off again when the file comes in.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, Read};

use domain::opening_days::Weekdays;
use domain::places::MunicipalityCode;
use domain::venues::FacilityCode;
use domain::venues::codes::CodeKind;
use domain::venues::files::{FileRow, FileSections, Supplier};
use domain::venues::hours::{Hours, WEEK_LETTERS};
use domain::venues::record::{
    ADDRESS_LENGTH_MAX, Band, LEAD_DAYS_MAX, NAME_LENGTH_MAX, PHONE_LENGTH_MAX,
    REFERENCE_LENGTH_MAX, REMARKS_LENGTH_MAX, ROOM_UNITS_MAX, URL_LENGTH_MAX, VenueType,
};

use crate::complaints::{Complaint, Fault};
use crate::encoding::Encoding;
use crate::form::{Form, day, digits, is_kana, short};
use crate::repeats::Repeats;
use crate::structure::{FileLine, Item, Layout, Sheet, StructureRefusal};
use crate::table::{Exported, Table, for_spreadsheet};

/// The layout: the items that must be there, then those that a file may leave out.
const LAYOUT: Layout = Layout {
    items: &[
        "会場コード",
        "市町村コード",
        "会場名",
        "施設類型",
        "適用開始日",
        "コード区分",
        "旧会場コード",
        "会場名カナ",
        "住所",
        "電話番号",
        "供給元会場コード",
        "超低温冷凍庫容量",
        "冷凍庫容量",
        "冷蔵庫容量",
        "診療時間",
        "予約電話番号",
        "予約URL",
        "予約備考",
        "納品曜日",
        "納品時間帯",
        "納品日数",
        "荷下ろし場所",
        "納品備考",
        "口座登録名",
        "閉鎖日",
    ],
    required: 5,
};

const CODE: Item = Item(0);
const CITY: Item = Item(1);
const NAME: Item = Item(2);
const TYPE: Item = Item(3);
const FROM: Item = Item(4);
const CODE_KIND: Item = Item(5);
const FORMER_CODE: Item = Item(6);
const KANA: Item = Item(7);
const ADDRESS: Item = Item(8);
const PHONE: Item = Item(9);
const SUPPLIER: Item = Item(10);
const DEEP_FROZEN: Item = Item(11);
const FROZEN: Item = Item(12);
const REFRIGERATED: Item = Item(13);
const HOURS: Item = Item(14);
const BOOKING_PHONE: Item = Item(15);
const URL: Item = Item(16);
const BOOKING_REMARKS: Item = Item(17);
const WEEKDAYS: Item = Item(18);
const BAND: Item = Item(19);
const LEAD_DAYS: Item = Item(20);
const UNLOADING: Item = Item(21);
const DELIVERY_REMARKS: Item = Item(22);
const ACCOUNT: Item = Item(23);
const CLOSED_FROM: Item = Item(24);

/// How a file says that nobody supplies a venue.
const NOBODY: &str = "なし";

const KINDS: [(CodeKind, &str); 3] = [
    (CodeKind::Medical, "1"),
    (CodeKind::Care, "2"),
    (CodeKind::LookAlike, "3"),
];
const TYPES: [(VenueType, &str); 5] = [
    (VenueType::Basic, "1"),
    (VenueType::Linked, "2"),
    (VenueType::Satellite, "3"),
    (VenueType::Mass, "4"),
    (VenueType::Workplace, "5"),
];
const BANDS: [(Band, &str); 3] = [
    (Band::Any, "0"),
    (Band::Morning, "1"),
    (Band::Afternoon, "2"),
];

/// The names of the items, in their order; the first [`REQUIRED`] must be there.
pub const ITEMS: &[&str] = LAYOUT.items;
/// How many items a file must have.
pub const REQUIRED: usize = LAYOUT.required;

/// One line of the file: what it says of a venue, or why not, or both with something to look at.
pub type VenueLine = FileLine<FileRow>;

/// Reads a file line by line, in memory that grows by the codes alone: each must not stand twice.
pub struct Reader<R> {
    sheet: Sheet<R>,
    codes: Repeats,
}

impl<R> fmt::Debug for Reader<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").finish_non_exhaustive()
    }
}

impl<R: Read> Reader<R> {
    /// Opens a file of venues.
    ///
    /// # Errors
    /// [`StructureRefusal`] if the file as a whole cannot be right.
    pub fn open(source: R, encoding: Encoding) -> Result<Self, StructureRefusal> {
        Ok(Self {
            sheet: Sheet::open(source, encoding, LAYOUT)?,
            codes: Repeats::default(),
        })
    }
}

impl<R: Read> Iterator for Reader<R> {
    type Item = io::Result<VenueLine>;

    fn next(&mut self) -> Option<Self::Item> {
        let Self { sheet, codes } = self;
        sheet.take(|form, line| read(form, line, codes))
    }
}

fn read(mut form: Form<'_>, line: u64, codes: &mut Repeats) -> (Option<FileRow>, Vec<Complaint>) {
    let code = form.required(CODE, facility);
    if let Some(code) = &code {
        if !code.check_digit_holds() {
            form.complain(CODE, Fault::FacilityUnusual);
        }
        if let Some(first_line) = codes.first_line(code.as_str(), line) {
            form.complain(CODE, Fault::Repeated { first_line });
        }
    }
    let city = form.required(CITY, municipality);
    let name = form.required(NAME, |text| free(text, NAME_LENGTH_MAX));
    let venue_type = form.required(TYPE, |text| word(text, &TYPES, &["1", "2", "3", "4", "5"]));
    let from = form.required(FROM, day);
    let kind = form.optional(CODE_KIND, |text| word(text, &KINDS, &["1", "2", "3"]));
    let former = form.optional(FORMER_CODE, facility);
    let kana = form.name_of(KANA, NAME_LENGTH_MAX, is_kana, Fault::NotKana);
    let kana = kana.map(|kana| {
        let kana = kana.unwrap_or_default();
        form.has(KANA).then(|| bare(&kana).to_owned())
    });
    let address = told(&mut form, ADDRESS, ADDRESS_LENGTH_MAX);
    let phone = told(&mut form, PHONE, PHONE_LENGTH_MAX);
    let supplier = form.optional(SUPPLIER, supplier);
    let closed_from = form.optional(CLOSED_FROM, day);
    let sections = sections(&mut form);
    let complaints = form.complaints();
    let row = || {
        Some(FileRow {
            code: code?,
            kind: kind?,
            former: former?,
            city: city?,
            from: from?,
            closed_from: closed_from?,
            name: name?,
            kana: kana?,
            venue_type: venue_type?,
            address: address?,
            phone: phone?,
            supplier: supplier?,
            sections: sections?,
        })
    };
    let good = complaints.iter().all(Complaint::keeps_row);
    (good.then(row).flatten(), complaints)
}

/// The sections that a line may be silent about: freezers, hours, booking, delivery, account.
fn sections(form: &mut Form<'_>) -> Option<FileSections> {
    let deep_frozen = form.optional(DEEP_FROZEN, |text| count(text, ROOM_UNITS_MAX));
    let frozen = form.optional(FROZEN, |text| count(text, ROOM_UNITS_MAX));
    let refrigerated = form.optional(REFRIGERATED, |text| count(text, ROOM_UNITS_MAX));
    let hours = form.optional(HOURS, |text| Hours::parse_week(text).ok_or(Fault::NotHours));
    let booking_phone = told(form, BOOKING_PHONE, PHONE_LENGTH_MAX);
    let url = told(form, URL, URL_LENGTH_MAX);
    let booking_remarks = told(form, BOOKING_REMARKS, REMARKS_LENGTH_MAX);
    let weekdays = form.optional(WEEKDAYS, weekdays);
    let band = form.optional(BAND, |text| word(text, &BANDS, &["0", "1", "2"]));
    let lead_days = form.optional(LEAD_DAYS, |text| count(text, u32::from(LEAD_DAYS_MAX)));
    let unloading = told(form, UNLOADING, REMARKS_LENGTH_MAX);
    let delivery_remarks = told(form, DELIVERY_REMARKS, REMARKS_LENGTH_MAX);
    let account = form.optional(ACCOUNT, |text| free(text, REFERENCE_LENGTH_MAX));
    let [booking_phone, url, booking_remarks] =
        unless_silent([booking_phone?, url?, booking_remarks?], false);
    let (weekdays, band, lead_days) = (weekdays?, band?, lead_days?);
    let speaks = weekdays.is_some() || band.is_some() || lead_days.is_some();
    let [unloading, delivery_remarks] = unless_silent([unloading?, delivery_remarks?], speaks);
    Some(FileSections {
        deep_frozen_units: deep_frozen?,
        frozen_units: frozen?,
        refrigerated_units: refrigerated?,
        hours: hours?,
        booking_phone,
        url,
        booking_remarks,
        weekdays,
        band,
        lead_days: lead_days.map(|days| u8::try_from(days).unwrap_or(u8::MAX)),
        unloading,
        delivery_remarks,
        account: account?,
    })
}

/// Texts that count as said where the line says anything of their section, since an empty one then means none.
fn unless_silent<const N: usize>(texts: [Option<String>; N], speaks: bool) -> [Option<String>; N] {
    let is_said = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.is_empty());
    if speaks || texts.iter().any(is_said) {
        texts
    } else {
        texts.map(|_| None)
    }
}

/// A text: none if the file lacks its column, an empty one if nothing stands there.
fn told(form: &mut Form<'_>, item: Item, max: usize) -> Option<Option<String>> {
    let text = form.optional(item, |text| free(text, max))?;
    Some(form.has(item).then(|| text.unwrap_or_default()))
}

/// A text that people wrote behind an apostrophe if a spreadsheet would run it, or if it begins with such an apostrophe.
fn guarded(text: &str) -> Cow<'_, str> {
    match text.strip_prefix('\'') {
        Some(bare) if guarded(bare) != bare => Cow::Owned(format!("'{text}")),
        _ => for_spreadsheet(text),
    }
}

/// A text that people wrote, without the apostrophe that keeps a spreadsheet from running it.
fn bare(text: &str) -> &str {
    text.strip_prefix('\'')
        .filter(|bare| guarded(bare) != *bare)
        .unwrap_or(text)
}

fn free(text: &str, max: usize) -> Result<String, Fault> {
    short(bare(text), max)
}

fn facility(text: &str) -> Result<FacilityCode, Fault> {
    digits(text, 10)?;
    FacilityCode::parse(text).map_err(|_| Fault::NotDigits)
}

fn municipality(text: &str) -> Result<MunicipalityCode, Fault> {
    digits(text, 6)?;
    MunicipalityCode::parse(text).map_err(|_| Fault::CheckDigit)
}

fn supplier(text: &str) -> Result<Supplier, Fault> {
    if text == NOBODY {
        Ok(Supplier::Nobody)
    } else {
        facility(text).map(Supplier::Venue)
    }
}

fn word<T: Copy>(
    text: &str,
    words: &[(T, &str)],
    codes: &'static [&'static str],
) -> Result<T, Fault> {
    let found = words.iter().find(|(_, word)| *word == text);
    found.map(|(one, _)| *one).ok_or(Fault::NotACode { codes })
}

fn written<T: PartialEq>(one: &T, words: &[(T, &'static str)]) -> &'static str {
    let found = words.iter().find(|(known, _)| known == one);
    found.map_or("", |(_, word)| *word)
}

fn count(text: &str, max: u32) -> Result<u32, Fault> {
    let is_digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let read = text.parse().ok().filter(|read| is_digits && *read <= max);
    read.ok_or(Fault::NotACount {
        max: u64::from(max),
    })
}

/// The letters of the days on which the venue takes deliveries in: `月水金`.
fn weekdays(text: &str) -> Result<Weekdays, Fault> {
    let mut days = [false; 7];
    for letter in text
        .chars()
        .filter(|one| !matches!(one, '・' | '、' | ' ' | '\u{3000}'))
    {
        let place = WEEK_LETTERS.iter().position(|one| *one == letter);
        let day = place.and_then(|place| days.get_mut(place));
        *day.ok_or(Fault::NotWeekdays)? = true;
    }
    Ok(Weekdays::of(days))
}

/// A file of venues while it is written.
#[derive(Debug)]
pub struct Writer {
    table: Table<Vec<u8>>,
}

impl Writer {
    /// Begins with the header.
    ///
    /// # Errors
    /// None: it is written to memory.
    pub fn new(encoding: Encoding) -> io::Result<Self> {
        let names = ITEMS.iter().copied().map(Cow::Borrowed);
        Ok(Self {
            table: Table::new(Vec::new(), encoding, names)?,
        })
    }

    /// Adds a venue.
    ///
    /// # Errors
    /// None: it is written to memory.
    pub fn row(&mut self, row: &FileRow) -> io::Result<()> {
        self.table.row(record(row).into_iter())
    }

    /// What was written since the last time.
    ///
    /// # Errors
    /// None: it is written to memory.
    pub fn take(&mut self) -> io::Result<Vec<u8>> {
        self.table.take()
    }

    /// What was written in all.
    ///
    /// # Errors
    /// None: it is written to memory.
    pub fn finish(self) -> io::Result<Exported> {
        self.table.finish()
    }
}

fn text(text: &Option<String>) -> Cow<'_, str> {
    text.as_deref().map_or(Cow::Borrowed(""), guarded)
}

fn number<N: ToString>(number: Option<N>) -> Cow<'static, str> {
    number.map_or(Cow::Borrowed(""), |number| number.to_string().into())
}

fn record(row: &FileRow) -> [Cow<'_, str>; 25] {
    let more = &row.sections;
    [
        row.code.to_string().into(),
        row.city.to_string().into(),
        guarded(&row.name),
        written(&row.venue_type, &TYPES).into(),
        row.from.compact().into(),
        row.kind.map_or("", |kind| written(&kind, &KINDS)).into(),
        number(row.former),
        text(&row.kana),
        text(&row.address),
        text(&row.phone),
        match row.supplier {
            None => "".into(),
            Some(Supplier::Nobody) => NOBODY.into(),
            Some(Supplier::Venue(code)) => code.to_string().into(),
        },
        number(more.deep_frozen_units),
        number(more.frozen_units),
        number(more.refrigerated_units),
        more.hours
            .as_ref()
            .map_or(Cow::Borrowed(""), |hours| hours.week_text().into()),
        text(&more.booking_phone),
        text(&more.url),
        text(&more.booking_remarks),
        more.weekdays.map_or(Cow::Borrowed(""), |days| {
            let days = WEEK_LETTERS.into_iter().zip(days.each());
            let days = days.filter(|(_, works)| *works).map(|(letter, _)| letter);
            days.collect::<String>().into()
        }),
        more.band.map_or("", |band| written(&band, &BANDS)).into(),
        number(more.lead_days),
        text(&more.unloading),
        text(&more.delivery_remarks),
        text(&more.account),
        row.closed_from
            .map_or(Cow::Borrowed(""), |closed| closed.compact().into()),
    ]
}

#[cfg(test)]
#[path = "venue_master_tests.rs"]
mod tests;
