//! Whether a file is what it should be, before any of its lines is believed.

use std::fmt;
use std::io::{self, Read, Seek};

use domain::places::MunicipalityCode;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::complaints::{Complaint, Fault};
use crate::encoding::Encoding;
use crate::form::{Form, trim};
use crate::lines::{Bookmark, Line, Lines, Splitter, is_blank};

/// Why nothing of a file is taken in: not a line is wrong, but the file.
///
/// Holds no text of the file: a first line that is no header is a person. (Display is English.)
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum StructureRefusal {
    /// Nothing in it.
    #[error("The file is empty. Choose the file again.")]
    Empty,
    /// Another kind of file, or another encoding than chosen.
    #[error("The file looks like {}. {}", looks_like.text_en(), looks_like.advice_en())]
    LooksLike {
        /// What it looks like.
        looks_like: LooksLike,
    },
    /// A NUL byte in the header, which no text holds.
    #[error(
        "Line {line} holds a NUL byte, so this is no text file or it was damaged on the way. Export it again."
    )]
    NulByte {
        /// The line.
        line: u64,
    },
    /// Lines end with a bare CR, as on old Macintoshes.
    #[error("The lines end with CR alone. Save the file with CRLF or LF line ends.")]
    LineEnds,
    /// A quote is not closed in the header, or out of place there.
    #[error(
        "A quotation mark in line {line} is not closed. Close it; an item cannot hold a line break."
    )]
    Quotes {
        /// The line.
        line: u64,
    },
    /// The first line names no item at all.
    #[error("The first line must be the header with the item names: {}", items.join(","))]
    HeaderMissing {
        /// The names the header must have.
        items: Vec<&'static str>,
    },
    /// The header lacks items, or has some twice or unknown ones.
    #[error(
        "The header is not as it should be.{}",
        header_en(missing, repeated, unknown)
    )]
    Header {
        /// Names that are missing.
        missing: Vec<&'static str>,
        /// Names that stand there twice.
        repeated: Vec<&'static str>,
        /// Columns, counted from 1, whose names are none of the layout.
        unknown: Vec<usize>,
    },
    /// The file of another city.
    #[error(
        "This is the file of another municipality ({found}). Only the file of {expected} can be loaded here."
    )]
    OtherCity {
        /// The city the file was handed in for.
        expected: MunicipalityCode,
        /// The city whose code stands in it.
        found: MunicipalityCode,
    },
    /// Not the file whose reading was begun: no line begins where the next was to be read.
    #[error(
        "This is not the file that was begun, or it was changed meanwhile. Load it again from the beginning."
    )]
    OtherFile,
    /// The place it comes from failed.
    #[error("The file could not be read ({kind}). Load it again.")]
    Unread {
        /// In which way.
        kind: io::ErrorKind,
    },
}

/// What a refused file looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LooksLike {
    /// Text in the other encoding.
    Text(Encoding),
    /// UTF-16 (the "Unicode text" of spreadsheets).
    Utf16,
    /// A spreadsheet's workbook or another packed file.
    Workbook,
}

impl LooksLike {
    fn text_ja(self) -> &'static str {
        match self {
            Self::Text(Encoding::Utf8) => "UTF-8のファイル",
            Self::Text(Encoding::Windows31j) => "Shift_JISのファイル",
            Self::Utf16 => "UTF-16のファイル",
            Self::Workbook => "表計算ソフトのブック(CSVではないファイル)",
        }
    }

    fn advice_ja(self) -> &'static str {
        match self {
            Self::Text(Encoding::Utf8) => "文字コードで「UTF-8」を選んでください。",
            Self::Text(Encoding::Windows31j) => "文字コードで「Shift_JIS」を選んでください。",
            Self::Utf16 | Self::Workbook => "「CSV UTF-8」の形式で保存し直してください。",
        }
    }

    fn text_en(self) -> &'static str {
        match self {
            Self::Text(Encoding::Utf8) => "UTF-8",
            Self::Text(Encoding::Windows31j) => "Shift_JIS",
            Self::Utf16 => "UTF-16",
            Self::Workbook => "a workbook, not CSV",
        }
    }

    fn advice_en(self) -> &'static str {
        match self {
            Self::Text(Encoding::Utf8) => "Choose UTF-8 as the encoding.",
            Self::Text(Encoding::Windows31j) => "Choose Shift_JIS as the encoding.",
            Self::Utf16 | Self::Workbook => "Save it again as \"CSV UTF-8\".",
        }
    }
}

impl StructureRefusal {
    /// The stable code for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Empty => "file-empty",
            Self::LooksLike {
                looks_like: LooksLike::Text(_),
            } => "file-other-encoding",
            Self::LooksLike { .. } => "file-not-csv",
            Self::NulByte { .. } => "file-nul-byte",
            Self::LineEnds => "file-line-ends",
            Self::Quotes { .. } => "file-quotes",
            Self::HeaderMissing { .. } => "file-header-missing",
            Self::Header { .. } => "file-header",
            Self::OtherCity { .. } => "file-other-city",
            Self::OtherFile => "file-other-file",
            Self::Unread { .. } => "file-unread",
        }
    }

    /// What happened and what to do, in Japanese.
    #[must_use]
    pub fn text_ja(&self) -> String {
        match self {
            Self::Empty => "ファイルが空です。ファイルを選び直してください。".into(),
            Self::LooksLike { looks_like } => {
                format!(
                    "{}のようです。{}",
                    looks_like.text_ja(),
                    looks_like.advice_ja()
                )
            }
            Self::NulByte { line } => format!(
                "{line}行目にNUL文字があります。テキストファイルではないか、途中で壊れています。もう一度出力してください。"
            ),
            Self::LineEnds => "改行がCRだけです。CRLFまたはLFで保存し直してください。".into(),
            Self::Quotes { line } => format!(
                "{line}行目の引用符(\")が閉じられていません。引用符を閉じてください。項目の中で改行することはできません。"
            ),
            Self::HeaderMissing { items } => {
                format!("1行目は項目名の見出しにしてください: {}", items.join(","))
            }
            Self::Header {
                missing,
                repeated,
                unknown,
            } => {
                format!(
                    "見出し(1行目)が正しくありません。{}",
                    header_ja(missing, repeated, unknown)
                )
            }
            Self::OtherCity { expected, found } => format!(
                "ほかの自治体({found})のファイルです。ここで取り込めるのは{expected}のファイルだけです。"
            ),
            Self::OtherFile => {
                "読み込みを始めたファイルと違うか、途中で変更されています。最初から取り込み直してください。".into()
            }
            Self::Unread { .. } => {
                "ファイルを最後まで読み込めませんでした。もう一度取り込んでください。".into()
            }
        }
    }

    /// What happened and what to do, in English.
    #[must_use]
    pub fn text_en(&self) -> String {
        self.to_string()
    }
}

fn header_ja(missing: &[&str], repeated: &[&str], unknown: &[usize]) -> String {
    let mut text = String::new();
    if !missing.is_empty() {
        text += &format!("足りない項目: {}。", missing.join("、"));
    }
    if !repeated.is_empty() {
        text += &format!("2回ある項目: {}。", repeated.join("、"));
    }
    if !unknown.is_empty() {
        text += &format!("項目名がわからない列: {}列目。", numbers(unknown, "、"));
    }
    text + "項目名は様式のとおりに入力してください。"
}

fn header_en(missing: &[&str], repeated: &[&str], unknown: &[usize]) -> String {
    let mut text = String::new();
    if !missing.is_empty() {
        text += &format!(" Missing: {}.", missing.join(", "));
    }
    if !repeated.is_empty() {
        text += &format!(" Twice: {}.", repeated.join(", "));
    }
    if !unknown.is_empty() {
        text += &format!(" Columns with unknown names: {}.", numbers(unknown, ", "));
    }
    text + " Write the item names exactly as in the layout."
}

fn numbers(numbers: &[usize], comma: &str) -> String {
    numbers
        .iter()
        .map(usize::to_string)
        .collect::<Vec<_>>()
        .join(comma)
}

/// The items of a layout: their names as the header spells them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    /// All of them; those that must be there first.
    pub(crate) items: &'static [&'static str],
    /// How many must be there.
    pub(crate) required: usize,
}

/// An item of a layout, by its place there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Item(pub(crate) usize);

impl Layout {
    pub(crate) fn name(&self, item: Item) -> Option<&'static str> {
        self.items.get(item.0).copied()
    }

    fn knows(&self, name: &str) -> bool {
        self.items.contains(&name)
    }
}

/// Where the items of a layout stand in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Columns {
    /// For each item of the layout, in its order, the place of its column; an item that need not
    /// be there may have none.
    places: Vec<Option<usize>>,
    /// How many columns the header has.
    pub(crate) width: usize,
}

impl Columns {
    pub(crate) fn place(&self, item: Item) -> Option<usize> {
        *self.places.get(item.0)?
    }
}

/// A file whose header holds: every line after it can be read or complained about.
pub(crate) struct Sheet<R> {
    layout: Layout,
    encoding: Encoding,
    columns: Columns,
    lines: Lines<R>,
    splitter: Splitter,
    /// Where the first line after the header begins.
    body: Bookmark,
    /// Whether the source has failed: nothing is read from it any more.
    failed: bool,
}

/// One line of a file: what it says, or why it says nothing, or both where there is something to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileLine<T> {
    /// Where the line stands.
    pub place: Bookmark,
    /// Where the next one begins: once this line is safely kept, reading may go on from there.
    pub next: Bookmark,
    /// What it says; `None` if a complaint forbids it.
    pub row: Option<T>,
    /// Everything wrong with the line, not only the first.
    pub complaints: Vec<Complaint>,
}

/// One line of a sheet: its items to be read, or what is wrong with it as a whole.
struct Row<'s> {
    line: Line,
    form: Result<Form<'s>, Complaint>,
}

impl<R: Read> Sheet<R> {
    /// Reads the header. Columns may stand in any order, since they have names.
    ///
    /// # Errors
    /// What shows at the front of the file that nothing behind it can be right.
    pub(crate) fn open(
        source: R,
        encoding: Encoding,
        layout: Layout,
    ) -> Result<Self, StructureRefusal> {
        let mut lines = Lines::new(source);
        let front = lines.front().map_err(unread)?;
        let mark = text_front(front, encoding)?;
        lines.pass_over(mark);
        let line = lines.advance().map_err(unread)?;
        let header = lines.bytes().unwrap_or_default();
        let mut splitter = Splitter::new();
        let names = match splitter.split(header) {
            Ok(items) => items.iter().collect::<Vec<_>>(),
            Err(Fault::NulByte) => return Err(StructureRefusal::NulByte { line: 1 }),
            Err(_) => return Err(StructureRefusal::Quotes { line: 1 }),
        };
        let columns = columns(&names, encoding, layout)?;
        Ok(Self {
            layout,
            encoding,
            columns,
            body: line.map_or(Bookmark::START, |line| line.next),
            lines,
            splitter,
            failed: false,
        })
    }

    /// Refuses a file of another city: where all codes in its front that can be read are others'.
    /// A line of another city in between is complained about when its turn comes.
    pub(crate) fn belongs_to(
        mut self,
        expected: MunicipalityCode,
        code: Item,
    ) -> Result<Self, StructureRefusal> {
        let mut front = self.lines.front().map_err(unread)?.to_vec();
        if !self.lines.front_is_all() {
            // The last line may be cut.
            let whole = front.iter().rposition(|byte| *byte == b'\n').unwrap_or(0);
            front.truncate(whole);
        }
        let front = Zeroizing::new(front);
        let mut other = None;
        for line in front.split(|byte| *byte == b'\n') {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let Ok(items) = self.splitter.split(line) else {
                continue;
            };
            let text = self
                .columns
                .place(code)
                .filter(|_| items.len() == self.columns.width)
                .and_then(|place| self.encoding.decode(items.get(place)?).ok());
            match text.and_then(|text| MunicipalityCode::parse(trim(&text)).ok()) {
                Some(found) if found == expected => return Ok(self),
                Some(found) => other = Some(found),
                None => {}
            }
        }
        match other {
            Some(found) => Err(StructureRefusal::OtherCity { expected, found }),
            None => Ok(self),
        }
    }

    /// The next line as its items are read; `None` at the end, and once the source has failed. The number
    /// is the line's, the header being 1.
    pub(crate) fn take<T>(
        &mut self,
        read: impl FnOnce(Form<'_>, u64) -> (Option<T>, Vec<Complaint>),
    ) -> Option<io::Result<FileLine<T>>> {
        if self.failed {
            return None;
        }
        let taken = self.next().map(|row| {
            row.map(|Row { line, form }| {
                let (row, complaints) = match form {
                    Ok(form) => read(form, line.place.line),
                    Err(complaint) => (None, vec![complaint]),
                };
                FileLine {
                    place: line.place,
                    next: line.next,
                    row,
                    complaints,
                }
            })
        });
        self.failed = taken.is_err();
        taken.transpose()
    }

    /// The next line that is not blank; `None` at the end.
    fn next(&mut self) -> io::Result<Option<Row<'_>>> {
        let line = loop {
            let Some(line) = self.lines.advance()? else {
                return Ok(None);
            };
            if !self.lines.bytes().is_some_and(is_blank) {
                break line;
            }
        };
        let number = line.place.line;
        let columns = &self.columns;
        let form = match self.lines.bytes() {
            None => Err(Fault::LineTooLong),
            Some(bytes) => self.splitter.split(bytes),
        };
        let form = form
            .and_then(|items| {
                if items.len() == columns.width {
                    let (layout, encoding) = (self.layout, self.encoding);
                    Ok(Form::new(number, items, columns, layout, encoding))
                } else {
                    let (expected, got) = (columns.width, items.len());
                    Err(Fault::ColumnCount { expected, got })
                }
            })
            .map_err(|fault| Complaint {
                line: number,
                column: None,
                fault,
            });
        Ok(Some(Row { line, form }))
    }

    /// Where the next line begins.
    pub(crate) fn place(&self) -> Bookmark {
        self.lines.place()
    }
}

impl<R: Read + Seek> Sheet<R> {
    /// Goes on from a place where an earlier reading of the same file stood.
    pub(crate) fn go_to(mut self, place: Bookmark) -> Result<Self, StructureRefusal> {
        let begins = place >= self.body && self.lines.go_to(place).map_err(unread)?;
        if begins {
            Ok(self)
        } else {
            Err(StructureRefusal::OtherFile)
        }
    }
}

impl<R> fmt::Debug for Sheet<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sheet")
            .field("encoding", &self.encoding)
            .field("lines", &self.lines)
            .finish_non_exhaustive()
    }
}

fn unread(error: io::Error) -> StructureRefusal {
    StructureRefusal::Unread { kind: error.kind() }
}

/// The bytes of the byte order mark, if the front can be that of a text in this encoding.
fn text_front(front: &[u8], encoding: Encoding) -> Result<usize, StructureRefusal> {
    const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";
    let looks_like = |looks_like| Err(StructureRefusal::LooksLike { looks_like });
    if front.starts_with(b"\xFF\xFE") || front.starts_with(b"\xFE\xFF") {
        return looks_like(LooksLike::Utf16);
    }
    if front.starts_with(b"PK\x03\x04") || front.starts_with(b"\xD0\xCF\x11\xE0") {
        return looks_like(LooksLike::Workbook);
    }
    let (mark, text) = match (front.strip_prefix(BYTE_ORDER_MARK), encoding) {
        (None, _) => (0, front),
        (Some(text), Encoding::Utf8) => (BYTE_ORDER_MARK.len(), text),
        (Some(_), Encoding::Windows31j) => return looks_like(LooksLike::Text(Encoding::Utf8)),
    };
    if text.iter().all(u8::is_ascii_whitespace) {
        return Err(StructureRefusal::Empty);
    }
    let header = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    // A CR inside the header is the end of a line, or of all lines.
    if header
        .strip_suffix(b"\r")
        .unwrap_or(header)
        .contains(&b'\r')
    {
        return Err(StructureRefusal::LineEnds);
    }
    Ok(mark)
}

/// Where each item stands. The header also tells whether the encoding was chosen rightly: its
/// names are known words, so there is nothing to guess.
fn columns(
    fields: &[&[u8]],
    encoding: Encoding,
    layout: Layout,
) -> Result<Columns, StructureRefusal> {
    let names = names(fields, encoding);
    let known = |names: &[Option<String>]| names.iter().flatten().any(|name| layout.knows(name));
    if !known(&names) {
        let others = Encoding::ALL.into_iter().filter(|other| *other != encoding);
        for other in others {
            if known(&self::names(fields, other)) {
                return Err(StructureRefusal::LooksLike {
                    looks_like: LooksLike::Text(other),
                });
            }
        }
        return Err(StructureRefusal::HeaderMissing {
            items: layout
                .items
                .get(..layout.required)
                .unwrap_or_default()
                .to_vec(),
        });
    }
    let places: Vec<(&'static str, Vec<usize>)> = layout
        .items
        .iter()
        .map(|item| {
            let named = (0..).zip(&names);
            let places = named.filter(|(_, name)| name.as_deref() == Some(item));
            (*item, places.map(|(place, _)| place).collect())
        })
        .collect();
    let missing: Vec<_> = places
        .iter()
        .take(layout.required)
        .filter_map(|(item, places)| places.is_empty().then_some(*item))
        .collect();
    let repeated: Vec<_> = places
        .iter()
        .filter_map(|(item, places)| (places.len() > 1).then_some(*item))
        .collect();
    let unknown: Vec<_> = (1..)
        .zip(&names)
        .filter(|(_, name)| !name.as_deref().is_some_and(|name| layout.knows(name)))
        .map(|(column, _)| column)
        .collect();
    if missing.is_empty() && repeated.is_empty() && unknown.is_empty() {
        Ok(Columns {
            places: places
                .iter()
                .map(|(_, places)| places.first().copied())
                .collect(),
            width: names.len(),
        })
    } else {
        Err(StructureRefusal::Header {
            missing,
            repeated,
            unknown,
        })
    }
}

fn names(fields: &[&[u8]], encoding: Encoding) -> Vec<Option<String>> {
    fields
        .iter()
        .map(|field| {
            encoding
                .decode(field)
                .ok()
                .map(|name| name.trim().to_owned())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAYOUT: Layout = Layout {
        items: &["券番号", "氏名漢字", "性別", "住所"],
        required: 3,
    };

    fn check(bytes: impl AsRef<[u8]>, encoding: Encoding, expected: &str) {
        let answer = match Sheet::open(bytes.as_ref(), encoding, LAYOUT) {
            Ok(mut sheet) => {
                let mut lines = 0;
                while sheet.next().unwrap().is_some() {
                    lines += 1;
                }
                let places = sheet.columns.places.iter().map(|place| match place {
                    Some(place) => place.to_string(),
                    None => "-".to_owned(),
                });
                format!("{}, {lines} lines", places.collect::<Vec<_>>().join(" "))
            }
            Err(refusal) => format!("{}: {}", refusal.code(), refusal.text_ja()),
        };
        assert_eq!(answer, expected);
    }

    fn shift_jis(text: &str) -> Vec<u8> {
        Encoding::Windows31j.encode(text).unwrap().into_owned()
    }

    #[test]
    fn a_right_header_is_found_in_any_order_with_and_without_byte_order_mark() {
        check(
            "券番号,氏名漢字,性別\r\na\r\nb",
            Encoding::Utf8,
            "0 1 2 -, 2 lines",
        );
        check(
            "\u{FEFF}性別,\"券番号\",氏名漢字 \n",
            Encoding::Utf8,
            "1 2 0 -, 0 lines",
        );
        check(
            shift_jis("券番号,氏名漢字,性別\r\n"),
            Encoding::Windows31j,
            "0 1 2 -, 0 lines",
        );
    }

    #[test]
    fn an_item_that_need_not_be_there_may_be_there() {
        check(
            "住所,券番号,氏名漢字,性別\n",
            Encoding::Utf8,
            "1 2 3 0, 0 lines",
        );
    }

    #[test]
    fn the_other_encoding_is_recognised_by_the_header() {
        let (utf8, sjis) = (
            "file-other-encoding: UTF-8のファイルのようです。文字コードで「UTF-8」を選んでください。",
            "file-other-encoding: Shift_JISのファイルのようです。文字コードで「Shift_JIS」を選んでください。",
        );
        check(shift_jis("券番号,氏名漢字,性別\n"), Encoding::Utf8, sjis);
        check("券番号,氏名漢字,性別\n", Encoding::Windows31j, utf8);
        check("\u{FEFF}券番号,氏名漢字,性別\n", Encoding::Windows31j, utf8);
    }

    #[test]
    fn what_is_no_csv_is_recognised() {
        let save = "「CSV UTF-8」の形式で保存し直してください。";
        check(
            b"\xFF\xFEx\x00",
            Encoding::Utf8,
            &format!("file-not-csv: UTF-16のファイルのようです。{save}"),
        );
        let workbook =
            format!("file-not-csv: 表計算ソフトのブック(CSVではないファイル)のようです。{save}");
        check(b"PK\x03\x04", Encoding::Utf8, &workbook);
        check(
            "",
            Encoding::Utf8,
            "file-empty: ファイルが空です。ファイルを選び直してください。",
        );
        check(
            "\u{FEFF}\r\n",
            Encoding::Utf8,
            "file-empty: ファイルが空です。ファイルを選び直してください。",
        );
        check(
            "券番号,\0,性別\n",
            Encoding::Utf8,
            "file-nul-byte: 1行目にNUL文字があります。テキストファイルではないか、途中で壊れています。もう一度出力してください。",
        );
        check(
            "券番号,氏名漢字,性別\r1,山,2\r",
            Encoding::Utf8,
            "file-line-ends: 改行がCRだけです。CRLFまたはLFで保存し直してください。",
        );
    }

    #[test]
    fn the_header_says_what_is_missing_twice_or_unknown() {
        check(
            "券番号,券番号,氏名\n",
            Encoding::Utf8,
            "file-header: 見出し(1行目)が正しくありません。足りない項目: 氏名漢字、性別。2回ある項目: 券番号。項目名がわからない列: 3列目。項目名は様式のとおりに入力してください。",
        );
        check(
            "0000000001,山田,1\n",
            Encoding::Utf8,
            "file-header-missing: 1行目は項目名の見出しにしてください: 券番号,氏名漢字,性別",
        );
    }

    #[test]
    fn a_quote_left_open_in_the_header_refuses_the_file() {
        check(
            "券番号,\"氏名漢字,性別\n",
            Encoding::Utf8,
            "file-quotes: 1行目の引用符(\")が閉じられていません。引用符を閉じてください。項目の中で改行することはできません。",
        );
    }

    #[test]
    fn every_refusal_speaks_english_too() {
        let refusals = [
            StructureRefusal::Empty,
            StructureRefusal::LooksLike {
                looks_like: LooksLike::Text(Encoding::Utf8),
            },
            StructureRefusal::LooksLike {
                looks_like: LooksLike::Text(Encoding::Windows31j),
            },
            StructureRefusal::LooksLike {
                looks_like: LooksLike::Utf16,
            },
            StructureRefusal::LooksLike {
                looks_like: LooksLike::Workbook,
            },
            StructureRefusal::NulByte { line: 2 },
            StructureRefusal::LineEnds,
            StructureRefusal::Quotes { line: 3 },
            StructureRefusal::HeaderMissing {
                items: LAYOUT.items.to_vec(),
            },
            StructureRefusal::Header {
                missing: vec!["性別"],
                repeated: vec!["券番号"],
                unknown: vec![3, 4],
            },
            StructureRefusal::OtherCity {
                expected: MunicipalityCode::parse("131016").unwrap(),
                found: MunicipalityCode::parse("011002").unwrap(),
            },
            StructureRefusal::OtherFile,
            StructureRefusal::Unread {
                kind: io::ErrorKind::TimedOut,
            },
        ];
        insta::assert_snapshot!(refusals.map(|refusal| refusal.text_en()).join("\n"));
    }
}
