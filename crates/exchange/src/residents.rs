//! 接種対象者CSV: the residents a city registers for vaccination (domain paper §2.4).
//!
//! A row that is wrong is complained about and left out, the others are kept; only a file whose
//! structure is wrong is refused as a whole.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, Read, Seek};

use domain::addresses::PostalCode;
use domain::calendar::Day;
use domain::coupons::CouponNumber;
use domain::people::{BirthDate, MyNumber, ResidentStanding, Sex};
use domain::places::MunicipalityCode;
use thiserror::Error;

use crate::complaints::{Complaint, Fault};
use crate::encoding::Encoding;
use crate::form::{
    Form, birth_date, city, coupon_number, day, digits, is_kana, is_romaji, my_number, short, trim,
};
use crate::lines::{Bookmark, writer};
use crate::repeats::Repeats;
use crate::structure::{FileLine, Item, Layout, Sheet, StructureRefusal};

/// Characters of a 個別宛名番号 at most.
pub const RESIDENT_NUMBER_CHARACTERS_MAX: usize = 15;
/// Characters of a name or its reading at most; a coupon prints 20. Variation selectors, which
/// choose the form of the character before them, are not counted.
pub const NAME_CHARACTERS_MAX: usize = 100;
/// Characters of an address, or of the part within a house (方書), at most.
pub const ADDRESS_CHARACTERS_MAX: usize = 200;
/// Complaints that [`read_residents`] keeps: more than a person mends by hand, few enough to hold.
pub const COMPLAINTS_MAX: usize = 100_000;

/// One resident as a city hands them in.
///
/// Texts are as received: never normalised, since that would turn the 神 that is U+FA19 into the
/// other one; only spaces around them are dropped. Debug shows none of it.
#[derive(Clone, PartialEq, Eq)]
pub struct ResidentRow {
    /// 自治体コード: the city that hands in the file.
    pub city: MunicipalityCode,
    /// 個別宛名番号: the city's own key of the person.
    pub resident_number: ResidentNumber,
    /// 個人番号, wiped when the row goes: to be sealed or dropped, never to be shown.
    pub my_number: Option<MyNumber>,
    /// 券番号.
    pub coupon: CouponNumber,
    /// 氏名漢字, not empty, at most [`NAME_CHARACTERS_MAX`] characters.
    pub name: String,
    /// 氏名カナ, at most [`NAME_CHARACTERS_MAX`] characters.
    pub kana: Option<String>,
    /// 生年月日; month or day may be unknown.
    pub birth: BirthDate,
    /// 性別.
    pub sex: Sex,
    /// 異動区分 and 異動日: why this row is in the file.
    pub change: Change,
    /// 支援措置区分: the person is protected from a violent partner or the like (DV等), so nothing
    /// may tell where they are.
    pub protected: bool,
    /// The names and the address for which the layout has columns that a file may leave out.
    pub more: More,
}

/// What a file may tell of a resident beyond the eleven items that must be there.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct More {
    /// 旧氏漢字: the former family name (旧姓) that the register carries beside the name.
    pub former_name: Option<String>,
    /// 旧氏カナ.
    pub former_kana: Option<String>,
    /// 通称漢字: the name a person from elsewhere goes by in Japan.
    pub alias: Option<String>,
    /// 通称カナ.
    pub alias_kana: Option<String>,
    /// 氏名ローマ字: as in the passport or on the residence card.
    pub romaji: Option<String>,
    /// 郵便番号, seven digits.
    pub postal_code: Option<PostalCode>,
    /// 住所, at most [`ADDRESS_CHARACTERS_MAX`] characters.
    pub address: Option<String>,
    /// 方書: house and room, at most [`ADDRESS_CHARACTERS_MAX`] characters.
    pub address_extra: Option<String>,
    /// Whether the file has a column of these three: one that has none says nothing of where people
    /// live, and one that leaves an item empty says that it is not known.
    pub tells_address: bool,
}

impl fmt::Debug for ResidentRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResidentRow")
            .field("city", &self.city)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for More {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("More(..)")
    }
}

/// A city's own key of a person (個別宛名番号): 1 to 15 characters, no space around, no control
/// character. Means nothing outside the city.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResidentNumber(String);

impl ResidentNumber {
    /// Reads a number; spaces around it, by which some systems align it, are dropped.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let text = trim(text);
        let got = text.chars().count();
        if text.is_empty() {
            Err(Fault::Empty)
        } else if got > RESIDENT_NUMBER_CHARACTERS_MAX {
            Err(Fault::TooLong {
                max: RESIDENT_NUMBER_CHARACTERS_MAX,
                got,
            })
        } else if text.chars().any(char::is_control) {
            Err(Fault::ControlCharacter)
        } else {
            Ok(Self(text.to_owned()))
        }
    }

    /// The number as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ResidentNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResidentNumber(…)")
    }
}

/// What happened to the resident (異動区分), and when (異動日).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Change {
    /// 1 新規: registered for the first time.
    New {
        /// The day, if given.
        on: Option<Day>,
    },
    /// 2 変更: something of the row changed.
    Amended {
        /// The day, if given.
        on: Option<Day>,
    },
    /// 3 転出: moved to another city.
    MovedOut {
        /// The day.
        on: Day,
    },
    /// 4 死亡: died.
    Died {
        /// The day.
        on: Day,
    },
    /// 5 職権消除/その他: removed from the register for another reason.
    Removed {
        /// The day.
        on: Day,
    },
}

impl Change {
    const CODES: &[&str] = &["1", "2", "3", "4", "5"];

    /// Whether the person lives in the city after the change.
    #[must_use]
    pub fn standing(self) -> ResidentStanding {
        match self {
            Self::New { .. } | Self::Amended { .. } => ResidentStanding::Resident,
            Self::MovedOut { on } => ResidentStanding::MovedOut(on),
            Self::Died { on } => ResidentStanding::Dead(on),
            Self::Removed { on } => ResidentStanding::Removed(on),
        }
    }

    fn read(code: &str, on: Option<Day>) -> Result<Self, Fault> {
        let day = on.ok_or(Fault::ChangeDayMissing);
        match code {
            "1" => Ok(Self::New { on }),
            "2" => Ok(Self::Amended { on }),
            "3" => Ok(Self::MovedOut { on: day? }),
            "4" => Ok(Self::Died { on: day? }),
            "5" => Ok(Self::Removed { on: day? }),
            _ => Err(Fault::NotACode { codes: Self::CODES }),
        }
    }

    fn written(self) -> (&'static str, Option<Day>) {
        match self {
            Self::New { on } => ("1", on),
            Self::Amended { on } => ("2", on),
            Self::MovedOut { on } => ("3", Some(on)),
            Self::Died { on } => ("4", Some(on)),
            Self::Removed { on } => ("5", Some(on)),
        }
    }
}

/// What [`read_residents`] found in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Residents {
    /// The good rows with their lines, in the order of the file.
    pub rows: Vec<(u64, ResidentRow)>,
    /// What is wrong, in the order of the file, at most [`COMPLAINTS_MAX`].
    pub complaints: Vec<Complaint>,
    /// Complaints beyond that, counted only.
    pub complaints_left_off: u64,
    /// Lines read: rows kept and rows left out, without the header and blank lines.
    pub lines: u64,
}

/// Reads a whole file of the residents of one city, and complains of numbers that stand twice.
///
/// # Errors
/// [`StructureRefusal`] if the file as a whole cannot be right; then nothing of it is kept.
pub fn read_residents(
    bytes: &[u8],
    encoding: Encoding,
    expected_city: MunicipalityCode,
) -> Result<Residents, StructureRefusal> {
    let mut residents = Residents {
        rows: Vec::new(),
        complaints: Vec::new(),
        complaints_left_off: 0,
        lines: 0,
    };
    let reader = Reader::open(bytes, encoding, expected_city)?.watching_repeats();
    for answer in reader {
        let ResidentLine {
            place,
            row,
            complaints,
            ..
        } = answer.map_err(|error| StructureRefusal::Unread { kind: error.kind() })?;
        residents.lines += 1;
        residents.rows.extend(row.map(|row| (place.line, row)));
        for complaint in complaints {
            if residents.complaints.len() < COMPLAINTS_MAX {
                residents.complaints.push(complaint);
            } else {
                residents.complaints_left_off += 1;
            }
        }
    }
    Ok(residents)
}

/// One line of the file: the resident, or why not, or the resident with something to look at.
pub type ResidentLine = FileLine<ResidentRow>;

/// Reads a file line by line, in memory that does not grow with it.
///
/// A file whose header or city cannot be right is refused when it is opened. After that every
/// line is a resident or a complaint, whatever stands there; the only other end is a source that
/// fails, and then reading can [go on](Reader::resume) from the last line that was kept.
#[derive(Debug)]
pub struct Reader<R> {
    sheet: Sheet<R>,
    expected_city: MunicipalityCode,
    repeats: Option<Seen>,
}

impl<R: Read> Reader<R> {
    /// Opens a file of the residents of one city.
    ///
    /// # Errors
    /// [`StructureRefusal`] if the file as a whole cannot be right.
    pub fn open(
        source: R,
        encoding: Encoding,
        expected_city: MunicipalityCode,
    ) -> Result<Self, StructureRefusal> {
        let sheet = Sheet::open(source, encoding, LAYOUT)?.belongs_to(expected_city, CITY)?;
        Ok(Self {
            sheet,
            expected_city,
            repeats: None,
        })
    }

    /// Complains, too, of a 個別宛名番号 or 券番号 that stood in an earlier line. This alone takes
    /// memory for each line, some 46 bytes; who keeps the rows in a table can ask the table.
    #[must_use]
    pub fn watching_repeats(mut self) -> Self {
        self.repeats = Some(Seen::default());
        self
    }

    /// Where the next line begins.
    #[must_use]
    pub fn place(&self) -> Bookmark {
        self.sheet.place()
    }
}

impl<R: Read + Seek> Reader<R> {
    /// Opens a file again and goes on from a place that an earlier reading gave. Numbers seen
    /// before that place are not known any more.
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
    type Item = io::Result<ResidentLine>;

    fn next(&mut self) -> Option<Self::Item> {
        let Self {
            sheet,
            expected_city,
            repeats,
        } = self;
        sheet.take(|form, line| read(form, line, *expected_city, repeats.as_mut()))
    }
}

/// The numbers that stood in earlier lines.
#[derive(Debug, Default)]
struct Seen {
    people: Repeats,
    coupons: Repeats,
}

/// The layout: the eleven items of the domain paper's §2.4, then ours that a file may leave out.
const LAYOUT: Layout = Layout {
    items: &[
        "自治体コード",
        "個別宛名番号",
        "個人番号",
        "券番号",
        "氏名漢字",
        "氏名カナ",
        "生年月日",
        "性別",
        "異動区分",
        "異動日",
        "支援措置区分",
        "旧氏漢字",
        "旧氏カナ",
        "通称漢字",
        "通称カナ",
        "氏名ローマ字",
        "郵便番号",
        "住所",
        "方書",
    ],
    required: 11,
};

const CITY: Item = Item(0);
const RESIDENT_NUMBER: Item = Item(1);
const MY_NUMBER: Item = Item(2);
const COUPON_NUMBER: Item = Item(3);
const NAME: Item = Item(4);
const KANA: Item = Item(5);
const BIRTH_DATE: Item = Item(6);
const SEX: Item = Item(7);
const CHANGE_KIND: Item = Item(8);
const CHANGE_DAY: Item = Item(9);
const PROTECTED: Item = Item(10);
const FORMER_NAME: Item = Item(11);
const FORMER_KANA: Item = Item(12);
const ALIAS: Item = Item(13);
const ALIAS_KANA: Item = Item(14);
const ROMAJI: Item = Item(15);
const POSTAL_CODE: Item = Item(16);
const ADDRESS: Item = Item(17);
const ADDRESS_EXTRA: Item = Item(18);

fn read(
    mut form: Form<'_>,
    line: u64,
    expected_city: MunicipalityCode,
    seen: Option<&mut Seen>,
) -> (Option<ResidentRow>, Vec<Complaint>) {
    let city = form.required(CITY, |text| city(text, expected_city));
    let resident_number = form.required(RESIDENT_NUMBER, ResidentNumber::parse);
    let my_number = form.optional(MY_NUMBER, my_number);
    let coupon = form.required(COUPON_NUMBER, coupon_number);
    let name = form.required(NAME, |text| short(text, NAME_CHARACTERS_MAX));
    let kana = kana(&mut form, KANA);
    let birth = form.required(BIRTH_DATE, birth_date);
    let sex = form.required(SEX, sex);
    let change = change(&mut form);
    let protected = form.required(PROTECTED, protected);
    let more = more(&mut form);
    if let Some(seen) = seen {
        if let Some(number) = &resident_number {
            first(
                &mut form,
                RESIDENT_NUMBER,
                line,
                number.as_str(),
                &mut seen.people,
            );
        }
        if let Some(coupon) = &coupon {
            first(
                &mut form,
                COUPON_NUMBER,
                line,
                coupon.as_str(),
                &mut seen.coupons,
            );
        }
    }
    let complaints = form.complaints();
    let row = || {
        Some(ResidentRow {
            city: city?,
            resident_number: resident_number?,
            my_number: my_number?,
            coupon: coupon?,
            name: name?,
            kana: kana?,
            birth: birth?,
            sex: sex?,
            change: change?,
            protected: protected?,
            more: more?,
        })
    };
    let good = complaints.iter().all(Complaint::keeps_row);
    (good.then(row).flatten(), complaints)
}

fn kana(form: &mut Form<'_>, item: Item) -> Option<Option<String>> {
    form.name_of(item, NAME_CHARACTERS_MAX, is_kana, Fault::NotKana)
}

fn more(form: &mut Form<'_>) -> Option<More> {
    let name = |text: &str| short(text, NAME_CHARACTERS_MAX);
    let address = |text: &str| short(text, ADDRESS_CHARACTERS_MAX);
    // Each is read before any is asked for, so that everything wrong is told at once.
    let former_name = form.optional(FORMER_NAME, name);
    let former_kana = kana(form, FORMER_KANA);
    let alias = form.optional(ALIAS, name);
    let alias_kana = kana(form, ALIAS_KANA);
    let romaji = form.name_of(ROMAJI, NAME_CHARACTERS_MAX, is_romaji, Fault::NotRomaji);
    let postal_code = form.optional(POSTAL_CODE, postal_code);
    let place = form.optional(ADDRESS, address);
    let extra = form.optional(ADDRESS_EXTRA, address);
    Some(More {
        former_name: former_name?,
        former_kana: former_kana?,
        alias: alias?,
        alias_kana: alias_kana?,
        romaji: romaji?,
        postal_code: postal_code?,
        address: place?,
        address_extra: extra?,
        tells_address: [POSTAL_CODE, ADDRESS, ADDRESS_EXTRA]
            .into_iter()
            .any(|item| form.has(item)),
    })
}

fn postal_code(text: &str) -> Result<PostalCode, Fault> {
    PostalCode::parse(text).or_else(|_| {
        digits(text, 7)?;
        Err(Fault::NotDigits)
    })
}

fn change(form: &mut Form<'_>) -> Option<Change> {
    let on = form.optional(CHANGE_DAY, day);
    let code = form.required(CHANGE_KIND, |text| Ok(text.to_owned()))?;
    let change = Change::read(&code, on?);
    let item = match change {
        Err(Fault::ChangeDayMissing) => CHANGE_DAY,
        _ => CHANGE_KIND,
    };
    form.keep(item, change)
}

/// Complains if the number was seen before, whatever became of that line: which of the two is
/// right only the city can say.
fn first(form: &mut Form<'_>, item: Item, line: u64, number: &str, seen: &mut Repeats) {
    if let Some(first_line) = seen.first_line(number, line) {
        form.complain(item, Fault::Repeated { first_line });
    }
}

fn sex(text: &str) -> Result<Sex, Fault> {
    Sex::from_form_digit(text).ok_or(Fault::NotACode {
        codes: &["1", "2", "0", "9"],
    })
}

/// An empty item is a fault here: read as "no", it would show where a protected person is.
fn protected(text: &str) -> Result<bool, Fault> {
    match text {
        "0" => Ok(false),
        "1" => Ok(true),
        _ => Err(Fault::NotACode { codes: &["0", "1"] }),
    }
}

/// Why a file of residents could not be written.
#[derive(Debug, Error)]
pub enum WriteRefusal {
    /// A name has a character that the encoding lacks: write UTF-8, or replace the character.
    #[error(
        "line {line}: {character} cannot be written in this encoding; write UTF-8 or replace it"
    )]
    Unencodable {
        /// The line that would have held it.
        line: u64,
        /// The character.
        character: char,
    },
    /// The place written to failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl From<csv::Error> for WriteRefusal {
    fn from(error: csv::Error) -> Self {
        Self::Io(match error.into_kind() {
            csv::ErrorKind::Io(error) => error,
            other => io::Error::other(format!("{other:?}")),
        })
    }
}

/// Writes rows as [`Reader`] reads them: header, CRLF, quotes only where needed, no byte order
/// mark. 個人番号 stays empty, whatever the row carries: what leaves here is read by anyone.
///
/// # Errors
/// [`WriteRefusal`]; what was written before stands.
pub fn write_residents<'a>(
    out: impl io::Write,
    rows: impl IntoIterator<Item = &'a ResidentRow>,
    encoding: Encoding,
) -> Result<(), WriteRefusal> {
    let mut writer = writer(out);
    writer.write_record(encoded(LAYOUT.items.iter().copied(), encoding, 1)?)?;
    for (line, row) in (2..).zip(rows) {
        let record = record(row);
        let fields = record.iter().map(AsRef::as_ref);
        writer.write_record(encoded(fields, encoding, line)?)?;
    }
    Ok(writer.flush()?)
}

pub(crate) fn encoded<'t>(
    fields: impl Iterator<Item = &'t str>,
    encoding: Encoding,
    line: u64,
) -> Result<Vec<Cow<'t, [u8]>>, WriteRefusal> {
    fields
        .map(|field| encoding.encode(field))
        .collect::<Result<_, _>>()
        .map_err(|character| WriteRefusal::Unencodable { line, character })
}

fn record(row: &ResidentRow) -> [Cow<'_, str>; 19] {
    let (change, on) = row.change.written();
    let more = &row.more;
    let postal_code = more.postal_code.as_ref().map(PostalCode::as_str);
    [
        row.city.to_string().into(),
        row.resident_number.as_str().into(),
        "".into(),
        row.coupon.as_str().to_owned().into(),
        row.name.as_str().into(),
        row.kana.as_deref().unwrap_or_default().into(),
        row.birth.compact().into(),
        match row.sex {
            Sex::Male => "1",
            Sex::Female => "2",
            Sex::Unknown => "9",
        }
        .into(),
        change.into(),
        on.map(|day| day.compact()).unwrap_or_default().into(),
        if row.protected { "1" } else { "0" }.into(),
        more.former_name.as_deref().unwrap_or_default().into(),
        more.former_kana.as_deref().unwrap_or_default().into(),
        more.alias.as_deref().unwrap_or_default().into(),
        more.alias_kana.as_deref().unwrap_or_default().into(),
        more.romaji.as_deref().unwrap_or_default().into(),
        postal_code.unwrap_or_default().into(),
        more.address.as_deref().unwrap_or_default().into(),
        more.address_extra.as_deref().unwrap_or_default().into(),
    ]
}

#[cfg(test)]
mod tests;
