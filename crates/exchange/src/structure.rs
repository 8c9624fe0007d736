//! Whether a file is what it should be, before any of its lines is believed.

use thiserror::Error;

use crate::encoding::Encoding;
use crate::records::Records;

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
    /// A NUL byte, which no text holds.
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
    /// A quote is not closed on its line; in the header, or out of place there.
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

/// A file whose structure holds: every line after the header can be read or complained about.
#[derive(Debug)]
pub(crate) struct Sheet<'a> {
    /// The records after the header.
    pub(crate) records: Records<'a>,
    /// For each item of the layout, in its order, the place of its column in this file.
    pub(crate) columns: Vec<usize>,
}

/// Reads the header and looks through the whole file once, so that a refusal comes before the
/// first row and never in the middle. Columns may stand in any order, since they have names.
pub(crate) fn open<'a>(
    bytes: &'a [u8],
    encoding: Encoding,
    items: &[&'static str],
) -> Result<Sheet<'a>, StructureRefusal> {
    let bytes = text_of(bytes, encoding)?;
    let mut records = Records::new(bytes);
    let header = records.next().filter(|record| record.line == 1);
    let columns = match &header {
        Some(header) if header.has_open_quote() || !header.has_quotes_in_place() => {
            return Err(StructureRefusal::Quotes { line: 1 });
        }
        Some(header) => columns(&header.fields(), encoding, items)?,
        None => columns(&[], encoding, items)?,
    };
    match Records::new(bytes).find(|record| record.has_open_quote()) {
        Some(record) => Err(StructureRefusal::Quotes { line: record.line }),
        None => Ok(Sheet { records, columns }),
    }
}

/// The bytes without byte order mark, if they can be text in this encoding.
fn text_of(bytes: &[u8], encoding: Encoding) -> Result<&[u8], StructureRefusal> {
    const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";
    let looks_like = |looks_like| Err(StructureRefusal::LooksLike { looks_like });
    if bytes.starts_with(b"\xFF\xFE") || bytes.starts_with(b"\xFE\xFF") {
        return looks_like(LooksLike::Utf16);
    }
    if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"\xD0\xCF\x11\xE0") {
        return looks_like(LooksLike::Workbook);
    }
    let bytes = match (bytes.strip_prefix(BYTE_ORDER_MARK), encoding) {
        (None, _) => bytes,
        (Some(marked), Encoding::Utf8) => marked,
        (Some(_), Encoding::Windows31j) => return looks_like(LooksLike::Text(Encoding::Utf8)),
    };
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(StructureRefusal::Empty);
    }
    if let Some(nul) = bytes.iter().position(|byte| *byte == 0) {
        let before = bytes.get(..nul).unwrap_or_default();
        let line = before
            .iter()
            .fold(1, |line, byte| line + u64::from(*byte == b'\n'));
        return Err(StructureRefusal::NulByte { line });
    }
    let bare_cr = || bytes.trim_ascii_end().contains(&b'\r');
    if !bytes.contains(&b'\n') && bare_cr() {
        return Err(StructureRefusal::LineEnds);
    }
    Ok(bytes)
}

/// Where each item stands. The header also tells whether the encoding was chosen rightly: its
/// names are known words, so there is nothing to guess.
fn columns(
    fields: &[&[u8]],
    encoding: Encoding,
    items: &[&'static str],
) -> Result<Vec<usize>, StructureRefusal> {
    let names = names(fields, encoding);
    let known = |names: &[Option<String>]| {
        names
            .iter()
            .flatten()
            .any(|name| items.contains(&name.as_str()))
    };
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
            items: items.to_vec(),
        });
    }
    let places: Vec<(&'static str, Vec<usize>)> = items
        .iter()
        .map(|item| {
            let named = (0..).zip(&names);
            let places = named.filter(|(_, name)| name.as_deref() == Some(item));
            (*item, places.map(|(place, _)| place).collect())
        })
        .collect();
    let missing: Vec<_> = places
        .iter()
        .filter_map(|(item, places)| places.is_empty().then_some(*item))
        .collect();
    let repeated: Vec<_> = places
        .iter()
        .filter_map(|(item, places)| (places.len() > 1).then_some(*item))
        .collect();
    let unknown: Vec<_> = (1..)
        .zip(&names)
        .filter(|(_, name)| !name.as_deref().is_some_and(|name| items.contains(&name)))
        .map(|(column, _)| column)
        .collect();
    if missing.is_empty() && repeated.is_empty() && unknown.is_empty() {
        Ok(places.into_iter().flat_map(|(_, places)| places).collect())
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
        .map(|field| encoding.decode(field).map(|name| name.trim().to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ITEMS: [&str; 3] = ["券番号", "氏名漢字", "性別"];

    fn check(bytes: impl AsRef<[u8]>, encoding: Encoding, expected: &str) {
        let answer = match open(bytes.as_ref(), encoding, &ITEMS) {
            Ok(sheet) => format!("{:?}, {} lines", sheet.columns, sheet.records.count()),
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
            "[0, 1, 2], 2 lines",
        );
        check(
            "\u{FEFF}性別,\"券番号\",氏名漢字 \n",
            Encoding::Utf8,
            "[1, 2, 0], 0 lines",
        );
        check(
            shift_jis("券番号,氏名漢字,性別\r\n"),
            Encoding::Windows31j,
            "[0, 1, 2], 0 lines",
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
            "券番号,氏名漢字,性別\n1,\0,2\n",
            Encoding::Utf8,
            "file-nul-byte: 2行目にNUL文字があります。テキストファイルではないか、途中で壊れています。もう一度出力してください。",
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
    fn a_quote_left_open_refuses_the_file_and_names_the_line() {
        check(
            "券番号,氏名漢字,性別\n1,山,2\n2,\"川,1\n3,\"谷\",1\n",
            Encoding::Utf8,
            "file-quotes: 3行目の引用符(\")が閉じられていません。引用符を閉じてください。項目の中で改行することはできません。",
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
                items: ITEMS.to_vec(),
            },
            StructureRefusal::Header {
                missing: vec!["性別"],
                repeated: vec!["券番号"],
                unknown: vec![3, 4],
            },
        ];
        insta::assert_snapshot!(refusals.map(|refusal| refusal.text_en()).join("\n"));
    }
}
