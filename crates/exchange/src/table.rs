//! A CSV that goes out: written line by line, with a word about everything that is not as it was.

use std::borrow::Cow;
use std::fmt;
use std::io;

use crate::encoding::{Encoding, STAND_IN};
use crate::lines::writer;

/// Remarks that an [`Exported`] keeps; those beyond are counted.
pub const REMARKS_MAX: usize = 10_000;

/// Where a file that was written says something else than the ledger does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remark {
    /// The line of the file, the header being line 1.
    pub line: u64,
    /// The column, from 1.
    pub column: usize,
    /// What is not as it was.
    pub change: Alteration,
}

/// What is not as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alteration {
    /// The encoding lacks a character; 〓 stands for it.
    Replaced {
        /// The character.
        character: char,
        /// Which character of the item, from 1.
        position: usize,
    },
    /// The item was longer than the layout has room for, and was cut.
    Cut {
        /// Characters there is room for.
        max: usize,
    },
}

impl Remark {
    /// The stable code for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self.change {
            Alteration::Replaced { .. } => "replaced",
            Alteration::Cut { .. } => "cut",
        }
    }

    /// What happened and what to do, in Japanese.
    #[must_use]
    pub fn text_ja(&self) -> String {
        let Self { line, column, .. } = self;
        match self.change {
            Alteration::Replaced {
                character,
                position,
            } => format!(
                "{line}行{column}列の{position}文字目「{character}」(U+{:04X})はこの文字コードにないため、「{STAND_IN}」にしました。正しい文字が必要なときはUTF-8で出力してください。",
                u32::from(character)
            ),
            Alteration::Cut { max } => {
                format!("{line}行{column}列は{max}文字を超えるため、{max}文字で切りました。")
            }
        }
    }

    /// What happened and what to do, in English.
    #[must_use]
    pub fn text_en(&self) -> String {
        let Self { line, column, .. } = self;
        match self.change {
            Alteration::Replaced {
                character,
                position,
            } => format!(
                "Line {line}, column {column}: character {position} (U+{:04X}) is not in this encoding; {STAND_IN} stands for it. Write UTF-8 if the right character is needed.",
                u32::from(character)
            ),
            Alteration::Cut { max } => format!(
                "Line {line}, column {column}: longer than {max} characters, and cut there."
            ),
        }
    }
}

/// What was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exported {
    /// Lines, without the header.
    pub rows: u64,
    /// What is not as it was, at most [`REMARKS_MAX`].
    pub remarks: Vec<Remark>,
    /// Remarks beyond that, counted only.
    pub remarks_left_off: u64,
    /// Doses that the layout has no place for: of a turn beyond it, or a second one of a turn.
    pub doses_left_off: u64,
}

/// A table while it is written: CRLF, quotes only where needed, no byte order mark.
pub(crate) struct Table<W: io::Write> {
    writer: csv::Writer<W>,
    encoding: Encoding,
    line: u64,
    pub(crate) exported: Exported,
}

impl<W: io::Write> Table<W> {
    /// Begins with the header, whose names every encoding has.
    pub(crate) fn new<'n>(
        out: W,
        encoding: Encoding,
        names: impl Iterator<Item = Cow<'n, str>>,
    ) -> io::Result<Self> {
        let mut table = Self {
            writer: writer(out),
            encoding,
            line: 0,
            exported: Exported::default(),
        };
        table.write(names)?;
        Ok(table)
    }

    pub(crate) fn row<'f>(&mut self, fields: impl Iterator<Item = Cow<'f, str>>) -> io::Result<()> {
        self.write(fields)?;
        self.exported.rows += 1;
        Ok(())
    }

    fn write<'f>(&mut self, fields: impl Iterator<Item = Cow<'f, str>>) -> io::Result<()> {
        self.line += 1;
        for (column, field) in (1..).zip(fields) {
            let (bytes, lost) = self.encoding.encode_with_stand_ins(&field);
            self.writer.write_field(bytes)?;
            for (position, character) in lost {
                self.remark(
                    column,
                    Alteration::Replaced {
                        character,
                        position,
                    },
                );
            }
        }
        self.writer.write_record(None::<&[u8]>)?;
        Ok(())
    }

    /// The text as far as there is room for it in the column of the row to come.
    pub(crate) fn fitting<'t>(&mut self, text: &'t str, column: usize, max: usize) -> &'t str {
        match text.char_indices().nth(max) {
            None => text,
            Some((end, _)) => {
                self.line += 1;
                self.remark(column, Alteration::Cut { max });
                self.line -= 1;
                text.get(..end).unwrap_or_default()
            }
        }
    }

    fn remark(&mut self, column: usize, change: Alteration) {
        if self.exported.remarks.len() < REMARKS_MAX {
            let line = self.line;
            self.exported.remarks.push(Remark {
                line,
                column,
                change,
            });
        } else {
            self.exported.remarks_left_off += 1;
        }
    }

    pub(crate) fn finish(mut self) -> io::Result<Exported> {
        self.writer.flush()?;
        Ok(self.exported)
    }
}

impl Table<Vec<u8>> {
    /// What was written since the last time.
    pub(crate) fn take(&mut self) -> io::Result<Vec<u8>> {
        let written = std::mem::replace(&mut self.writer, writer(Vec::new()));
        written
            .into_inner()
            .map_err(csv::IntoInnerError::into_error)
    }
}

impl<W: io::Write> fmt::Debug for Table<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table")
            .field("encoding", &self.encoding)
            .field("line", &self.line)
            .finish_non_exhaustive()
    }
}

/// A text that people wrote, for a file that people open in a spreadsheet: one that begins like a
/// formula gets an apostrophe in front, for else opening the file would run it.
pub(crate) fn for_spreadsheet(text: &str) -> Cow<'_, str> {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        Cow::Owned(format!("'{text}"))
    } else {
        Cow::Borrowed(text)
    }
}
