//! CSV as records with their lines, on bytes, before anything is decoded.
//!
//! The `csv` crate reads and writes; what it lets pass and a person has to hear of is asked here.
//! A quote left open makes it read on, to the end of the file if need be: but no item of the
//! layouts may hold a line break, so an item with one gives it away. Text beside a quoted item
//! becomes part of the item: but then the record, written again, is not what stood there.
//!
//! Reading bytes is right for Windows-31J too: its trail bytes begin at 0x40, above quote, comma
//! and line ends.

use std::fmt;
use std::io::{self, Read};

use csv::{ByteRecord, Position, QuoteStyle, Terminator};

use crate::in_memory;

/// The records of a file, read one by one; LF or CRLF ends a line, and the last may lack it.
/// Lines without a byte are passed over and counted. Debug shows nothing of the file.
pub(crate) struct Records<'a> {
    bytes: &'a [u8],
    reader: csv::Reader<io::Chain<&'a [u8], &'static [u8]>>,
}

impl<'a> Records<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        let reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .terminator(Terminator::Any(b'\n')) // the default would end a record at a stray CR too
            .from_reader(bytes.chain(&b"\n"[..])); // so that a quote left open in the last line meets a line break
        Self { bytes, reader }
    }

    fn place(&self, position: &Position) -> usize {
        usize::try_from(position.byte()).map_or(self.bytes.len(), |byte| byte.min(self.bytes.len()))
    }
}

impl fmt::Debug for Records<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Records").finish_non_exhaustive()
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Record<'a>;

    fn next(&mut self) -> Option<Record<'a>> {
        /// Room for a usual row of residents, which saves growing it step by step.
        const ROW_BYTES: usize = 256;
        const ROW_FIELDS: usize = 16;
        let mut fields = ByteRecord::with_capacity(ROW_BYTES, ROW_FIELDS);
        let before = self.reader.position().clone();
        if !in_memory(self.reader.read_byte_record(&mut fields)) {
            return None;
        }
        let places = self.place(&before)..self.place(self.reader.position());
        let mut text = self.bytes.get(places).unwrap_or_default();
        let mut line = before.line();
        while let Some(after) = text.strip_prefix(b"\n") {
            (text, line) = (after, line + 1); // the empty lines before it
        }
        let text = text.strip_suffix(b"\n").unwrap_or(text);
        Some(Record { line, text, fields })
    }
}

/// A record: one line, unless a quote is left open. Debug is left out, since it is a person.
pub(crate) struct Record<'a> {
    /// The line it begins in, from 1, which is the number an editor shows.
    pub(crate) line: u64,
    /// As it stands in the file, without its LF.
    text: &'a [u8],
    /// As read; the last still has the CR of its line end.
    fields: ByteRecord,
}

impl Record<'_> {
    /// The items, without quotes.
    pub(crate) fn fields(&self) -> Vec<&[u8]> {
        let mut fields: Vec<_> = self.fields.iter().collect();
        if let Some(last) = fields.last_mut()
            && self.text.ends_with(b"\r")
        {
            *last = last.strip_suffix(b"\r").unwrap_or(last);
        }
        fields
    }

    /// Whether nothing stands there, or only the commas with which a spreadsheet fills a line.
    pub(crate) fn is_blank(&self) -> bool {
        self.content()
            .iter()
            .all(|byte| matches!(byte, b',' | b' ' | b'\t'))
    }

    /// Whether a quote is not closed on its line.
    pub(crate) fn has_open_quote(&self) -> bool {
        self.fields.iter().any(|field| field.contains(&b'\n'))
    }

    /// Whether quotes stand only around whole items and, twice, inside such.
    pub(crate) fn has_quotes_in_place(&self) -> bool {
        let content = self.content();
        if !content.contains(&b'"') {
            return true;
        }
        let mut writer = csv::WriterBuilder::new()
            .quote_style(QuoteStyle::Always)
            .terminator(Terminator::Any(b'\n'))
            .buffer_capacity(2 * content.len()) // the default is far more than a line
            .from_writer(Vec::new());
        in_memory(writer.write_record(self.fields()));
        let mut quoted = in_memory(writer.into_inner());
        quoted.pop();
        // All items quoted, as the same number of pieces; what was written bare differs by its quotes.
        let comma = |byte: &u8| *byte == b',';
        let mut pieces = content.split(comma).zip(quoted.split(comma));
        pieces.all(|(piece, quoted)| {
            let bare = || quoted.strip_prefix(b"\"")?.strip_suffix(b"\"");
            piece == quoted || bare() == Some(piece)
        })
    }

    fn content(&self) -> &[u8] {
        self.text.strip_suffix(b"\r").unwrap_or(self.text)
    }
}

/// Writes records with CRLF, quoting only what needs it.
pub(crate) fn writer<W: io::Write>(out: W) -> csv::Writer<W> {
    csv::WriterBuilder::new()
        .terminator(Terminator::CRLF)
        .quote_style(QuoteStyle::Necessary)
        .from_writer(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The first line's fields between bars, or what is wrong with its quotes.
    fn check(line: &str, expected: &str) {
        for end in ["", "\n", "\r\n"] {
            let bytes = format!("{line}{end}");
            let record = Records::new(bytes.as_bytes()).next().unwrap();
            let fields = record.fields();
            let fields: Vec<_> = fields
                .iter()
                .map(|field| String::from_utf8_lossy(field))
                .collect();
            let answer = match (record.has_open_quote(), record.has_quotes_in_place()) {
                (true, _) => "open".to_owned(),
                (false, false) => "misplaced".to_owned(),
                (false, true) => fields.join("|"),
            };
            assert_eq!(answer, expected, "{bytes:?}");
        }
    }

    #[test]
    fn commas_part_fields() {
        check("a", "a");
        check("a,,c", "a||c");
        check("a,", "a|");
    }

    #[test]
    fn quotes_hold_commas_and_doubled_quotes() {
        check(r#""a,b",c"#, "a,b|c");
        check(r#""a""b","""""#, "a\"b|\"");
        check(r#""",x"#, "|x");
        check(r#"a,"b""#, "a|b");
    }

    #[test]
    fn quotes_that_do_not_pair_are_told_apart() {
        check(r#"a,"b"#, "open");
        check(r#""a"""#, "open");
        check(r#"a"b"#, "misplaced");
        check(r#"a""b"#, "misplaced");
        check(r#""a"b"#, "misplaced");
        check(r#""a" ,b"#, "misplaced");
        check(r#""a,"b",c"#, "misplaced");
    }

    #[test]
    fn lines_end_with_lf_or_crlf_or_the_file() {
        let numbered = |bytes| {
            Records::new(bytes)
                .map(|record| (record.line, record.fields().concat()))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            numbered(b"a\r\nb\n\n\nc\r\n\r\nd"),
            [
                (1, b"a".to_vec()),
                (2, b"b".to_vec()),
                (5, b"c".to_vec()),
                (6, vec![]),
                (7, b"d".to_vec())
            ]
        );
        assert_eq!(numbered(b"a\rb\n"), [(1, b"a\rb".to_vec())]);
        assert_eq!(numbered(b"\"a\r\"\r\n"), [(1, b"a\r".to_vec())]);
        assert_eq!(numbered(b"\n"), []);
        assert_eq!(numbered(b""), []);
    }

    #[test]
    fn a_quote_left_open_is_told_where_it_was_opened() {
        let open = Records::new(b"a\n\n\"b\nc\",d\ne\n\"f\n").filter(Record::has_open_quote);
        assert_eq!(open.map(|record| record.line).collect::<Vec<_>>(), [3, 6]);
    }

    #[test]
    fn nothing_of_the_file_shows_in_debug() {
        assert_eq!(format!("{:?}", Records::new(b"a")), "Records { .. }");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back_with_its_quotes_in_place(record in prop::collection::vec("[a\" ,あ]{0,4}", 2..6)) {
            for style in [QuoteStyle::Necessary, QuoteStyle::Always, QuoteStyle::NonNumeric] {
                let mut writer = csv::WriterBuilder::new().quote_style(style).from_writer(Vec::new());
                writer.write_record(&record).unwrap();
                let bytes = writer.into_inner().unwrap();
                let read = Records::new(&bytes).next().unwrap();
                prop_assert!(read.has_quotes_in_place() && !read.has_open_quote());
                prop_assert_eq!(read.fields(), record.iter().map(String::as_bytes).collect::<Vec<_>>());
            }
        }

        /// Quoted or bare, whichever each item likes.
        #[test]
        fn only_whole_items_are_quoted(line in "([a ]{0,2}|\"([a ,]|\"\"){0,3}\")(,([a ]{0,2}|\"([a ,]|\"\"){0,3}\")){1,3}") {
            prop_assert!(Records::new(line.as_bytes()).all(|record| record.has_quotes_in_place()), "{}", line);
        }
    }
}
