//! 接種対象者CSV: the residents a city registers for vaccination (domain paper §2.4).
//!
//! A row that is wrong is complained about and left out, the others are kept; only a file whose
//! structure is wrong is refused as a whole.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::io;

use domain::calendar::Day;
use domain::coupons::CouponNumber;
use domain::people::{BirthDate, MyNumber, ResidentStanding, Sex};
use domain::places::MunicipalityCode;
use thiserror::Error;

use crate::complaints::{Complaint, Fault};
use crate::encoding::{Encoding, gaiji};
use crate::records::{Records, writer};
use crate::structure::{StructureRefusal, open};

/// Characters of a 個別宛名番号 at most.
pub const RESIDENT_NUMBER_CHARACTERS_MAX: usize = 15;
/// Characters of a name or its reading at most; a coupon prints 20. Variation selectors, which
/// choose the form of the character before them, are not counted.
pub const NAME_CHARACTERS_MAX: usize = 100;
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
    /// Whether a 個人番号 with a right check digit stood there. The number itself is checked and
    /// dropped: there is no sealed place to keep it.
    pub my_number_present: bool,
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
}

impl fmt::Debug for ResidentRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResidentRow")
            .field("city", &self.city)
            .finish_non_exhaustive()
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

/// Reads a whole file of the residents of one city.
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
    for ResidentLine {
        line,
        row,
        complaints,
    } in ResidentReader::new(bytes, encoding, expected_city)?
    {
        residents.lines += 1;
        residents.rows.extend(row.map(|row| (line, row)));
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResidentLine {
    /// The line of the file, the header being line 1.
    pub line: u64,
    /// The resident; `None` if a complaint forbids it.
    pub row: Option<ResidentRow>,
    /// Everything wrong with the line, not only the first.
    pub complaints: Vec<Complaint>,
}

/// Reads a file line by line, so that a city of millions goes in batches into the database.
///
/// The structure of the whole file is looked through before the first line is handed out: what
/// comes is rows and complaints, never a refusal half way. Beside the file it holds the numbers
/// seen, to find those that stand there twice.
#[derive(Debug)]
pub struct ResidentReader<'a> {
    records: Records<'a>,
    columns: Vec<usize>,
    encoding: Encoding,
    expected_city: MunicipalityCode,
    coupons_seen: HashMap<CouponNumber, u64>,
    numbers_seen: HashMap<ResidentNumber, u64>,
}

impl<'a> ResidentReader<'a> {
    /// Opens a file of the residents of one city.
    ///
    /// # Errors
    /// [`StructureRefusal`] if the file as a whole cannot be right.
    pub fn new(
        bytes: &'a [u8],
        encoding: Encoding,
        expected_city: MunicipalityCode,
    ) -> Result<Self, StructureRefusal> {
        let sheet = open(bytes, encoding, &Item::NAMES)?;
        Ok(Self {
            records: sheet.records,
            columns: sheet.columns,
            encoding,
            expected_city,
            coupons_seen: HashMap::new(),
            numbers_seen: HashMap::new(),
        })
    }

    fn read(&mut self, line: u64, fields: &[&[u8]]) -> ResidentLine {
        let mut form = Form {
            line,
            fields,
            columns: &self.columns,
            encoding: self.encoding,
            complaints: Vec::new(),
        };
        let city = form.city(self.expected_city);
        let resident_number = form.required(Item::ResidentNumber, ResidentNumber::parse);
        let my_number = form.optional(Item::MyNumber, |text| {
            digits(text, 12)?;
            MyNumber::parse(text)
                .map(|_| ())
                .map_err(|_| Fault::CheckDigit)
        });
        let coupon = form.required(Item::CouponNumber, |text| {
            digits(text, 10)?;
            CouponNumber::parse(text).map_err(|_| Fault::NotDigits)
        });
        let name = form.required(Item::Name, name);
        let kana = form.kana();
        let birth = form.required(Item::BirthDate, |text| {
            digits(text, 8)?;
            BirthDate::parse_compact(text).ok_or(Fault::NotADay)
        });
        let sex = form.required(Item::Sex, sex);
        let change = form.change();
        let protected = form.required(Item::Protected, protected);
        if let Some(number) = &resident_number {
            form.first(Item::ResidentNumber, number.clone(), &mut self.numbers_seen);
        }
        if let Some(coupon) = &coupon {
            form.first(Item::CouponNumber, *coupon, &mut self.coupons_seen);
        }
        let complaints = form.complaints;
        let row = || {
            Some(ResidentRow {
                city: city?,
                resident_number: resident_number?,
                my_number_present: my_number?.is_some(),
                coupon: coupon?,
                name: name?,
                kana: kana?,
                birth: birth?,
                sex: sex?,
                change: change?,
                protected: protected?,
            })
        };
        let good = complaints.iter().all(Complaint::keeps_row);
        ResidentLine {
            line,
            row: good.then(row).flatten(),
            complaints,
        }
    }
}

impl Iterator for ResidentReader<'_> {
    type Item = ResidentLine;

    fn next(&mut self) -> Option<ResidentLine> {
        let record = self.records.find(|record| !record.is_blank())?;
        let (line, fields) = (record.line, record.fields());
        let expected = self.columns.len();
        let fault = if !record.has_quotes_in_place() {
            Fault::QuoteMisplaced
        } else if fields.len() != expected {
            Fault::ColumnCount {
                expected,
                got: fields.len(),
            }
        } else {
            return Some(self.read(line, &fields));
        };
        let complaints = vec![Complaint {
            line,
            column: None,
            fault,
        }];
        Some(ResidentLine {
            line,
            row: None,
            complaints,
        })
    }
}

/// The items of the layout, in its order.
#[derive(Clone, Copy, Debug)]
enum Item {
    MunicipalityCode,
    ResidentNumber,
    MyNumber,
    CouponNumber,
    Name,
    Kana,
    BirthDate,
    Sex,
    ChangeKind,
    ChangeDay,
    Protected,
}

impl Item {
    const NAMES: [&str; 11] = [
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
    ];

    fn name(self) -> Option<&'static str> {
        Self::NAMES.get(self as usize).copied()
    }
}

/// One line while it is read: takes items out and collects what is wrong with them.
struct Form<'l> {
    line: u64,
    fields: &'l [&'l [u8]],
    columns: &'l [usize],
    encoding: Encoding,
    complaints: Vec<Complaint>,
}

impl<'l> Form<'l> {
    fn complain(&mut self, item: Item, fault: Fault) {
        self.complaints.push(Complaint {
            line: self.line,
            column: item.name(),
            fault,
        });
    }

    fn keep<T>(&mut self, item: Item, answer: Result<T, Fault>) -> Option<T> {
        answer.map_err(|fault| self.complain(item, fault)).ok()
    }

    /// The item's text without the spaces around it; `None` if it cannot be read.
    fn text(&mut self, item: Item) -> Option<Cow<'l, str>> {
        let field = self
            .columns
            .get(item as usize)
            .and_then(|column| self.fields.get(*column))?;
        let Some(text) = self.encoding.decode(field) else {
            self.complain(item, Fault::Undecodable);
            return None;
        };
        let text = match text {
            Cow::Borrowed(text) => Cow::Borrowed(trim(text)),
            Cow::Owned(text) => Cow::Owned(trim(&text).to_owned()),
        };
        if text.chars().any(char::is_control) {
            self.complain(item, Fault::ControlCharacter);
            return None;
        }
        if let Some(character) = gaiji(&text) {
            self.complain(item, Fault::Gaiji { character });
        }
        Some(text)
    }

    fn required<T>(
        &mut self,
        item: Item,
        read: impl FnOnce(&str) -> Result<T, Fault>,
    ) -> Option<T> {
        let text = self.text(item)?;
        self.keep(
            item,
            if text.is_empty() {
                Err(Fault::Empty)
            } else {
                read(&text)
            },
        )
    }

    /// `Some(None)` if the item is empty, which is no fault.
    fn optional<T>(
        &mut self,
        item: Item,
        read: impl FnOnce(&str) -> Result<T, Fault>,
    ) -> Option<Option<T>> {
        let text = self.text(item)?;
        self.keep(
            item,
            if text.is_empty() {
                Ok(None)
            } else {
                read(&text).map(Some)
            },
        )
    }

    fn city(&mut self, expected: MunicipalityCode) -> Option<MunicipalityCode> {
        self.required(Item::MunicipalityCode, |text| {
            digits(text, 6)?;
            let city = MunicipalityCode::parse(text).map_err(|_| Fault::CheckDigit)?;
            if city == expected {
                Ok(city)
            } else {
                Err(Fault::OtherCity { expected })
            }
        })
    }

    fn kana(&mut self) -> Option<Option<String>> {
        let kana = self.optional(Item::Kana, name)?;
        if kana
            .as_deref()
            .is_some_and(|kana| !kana.chars().all(is_kana))
        {
            self.complain(Item::Kana, Fault::NotKana);
        }
        Some(kana)
    }

    fn change(&mut self) -> Option<Change> {
        let on = self.optional(Item::ChangeDay, |text| {
            digits(text, 8)?;
            Day::parse_compact(text).ok_or(Fault::NotADay)
        });
        let code = self.required(Item::ChangeKind, |text| Ok(text.to_owned()));
        let change = Change::read(&code?, on?);
        let item = if change == Err(Fault::ChangeDayMissing) {
            Item::ChangeDay
        } else {
            Item::ChangeKind
        };
        self.keep(item, change)
    }

    /// Complains if the number was seen before, whatever became of that line: which of the two is
    /// right only the city can say.
    fn first<N: Eq + std::hash::Hash>(
        &mut self,
        item: Item,
        number: N,
        seen: &mut HashMap<N, u64>,
    ) {
        let first_line = *seen.entry(number).or_insert(self.line);
        if first_line != self.line {
            self.complain(item, Fault::Repeated { first_line });
        }
    }
}

fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\u{3000}'])
}

/// Exactly so many half-width digits.
fn digits(text: &str, expected: usize) -> Result<(), Fault> {
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        Err(Fault::NotDigits)
    } else if text.len() != expected {
        Err(Fault::DigitCount {
            expected,
            got: text.len(),
        })
    } else {
        Ok(())
    }
}

fn name(text: &str) -> Result<String, Fault> {
    let selector =
        |character: &char| matches!(character, '\u{FE00}'..='\u{FE0F}' | '\u{E0100}'..='\u{E01EF}');
    let got = text
        .chars()
        .filter(|character| !selector(character))
        .count();
    if got > NAME_CHARACTERS_MAX {
        Err(Fault::TooLong {
            max: NAME_CHARACTERS_MAX,
            got,
        })
    } else {
        Ok(text.to_owned())
    }
}

/// Kana of either width and kind, and what stands between the names of people from elsewhere.
fn is_kana(character: char) -> bool {
    matches!(
        character,
        'ぁ'..='ゟ' | '゠'..='ヿ' | 'ㇰ'..='ㇿ' | '･'..='ﾟ' | ' ' | '\u{3000}' | '-' | '－' | '‐' | '.' | '．' | '\'' | '’'
    )
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

/// Writes rows as [`read_residents`] reads them: header, CRLF, quotes only where needed, no byte
/// order mark. 個人番号 stays empty, since a row does not carry it.
///
/// # Errors
/// [`WriteRefusal`]; what was written before stands.
pub fn write_residents<'a>(
    out: impl io::Write,
    rows: impl IntoIterator<Item = &'a ResidentRow>,
    encoding: Encoding,
) -> Result<(), WriteRefusal> {
    let header = Item::NAMES.map(Cow::Borrowed);
    let records = rows.into_iter().map(record);
    let mut writer = writer(out);
    for (line, record) in (1..).zip(std::iter::once(header).chain(records)) {
        let fields: Result<Vec<_>, _> = record.iter().map(|field| encoding.encode(field)).collect();
        let fields = fields.map_err(|character| WriteRefusal::Unencodable { line, character })?;
        writer.write_record(fields.iter().map(AsRef::as_ref))?;
    }
    Ok(writer.flush()?)
}

fn record(row: &ResidentRow) -> [Cow<'_, str>; 11] {
    let (change, on) = row.change.written();
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
    ]
}

#[cfg(test)]
mod tests;
