//! A file as lines with their places, and a line as its items, on bytes, before anything is decoded.
//!
//! One line is one record, since no item of the layouts may hold a line break: so whatever is
//! wrong with quotes is wrong with one line, and the next line is read as if nothing had been.
//! The `csv` crate's own parser takes lines apart; what it lets pass and a person has to hear of
//! is asked here.
//!
//! Reading bytes is right for Windows-31J too: its trail bytes begin at 0x40, above quote, comma
//! and line ends.

use std::fmt;
use std::io::{self, Read, Seek, SeekFrom};

use csv::{QuoteStyle, Terminator};
use csv_core::ReadRecordResult;
use serde::{Deserialize, Serialize};
use zeroize::Zeroize;

use crate::complaints::Fault;

/// Bytes of a line at most, without its line end: a hundred times what the longest layout needs.
/// A longer one is complained about and passed over without being held.
pub const LINE_BYTES_MAX: usize = 64 * 1024;
/// Two of the longest lines, so that one always fits behind the rest of another.
const BUFFER_BYTES: usize = 2 * LINE_BYTES_MAX;
/// Items of a line that are told apart; of those beyond only the number is kept.
const ITEMS_MAX: usize = 256;

/// Where a line begins: what a job writes down to go on after a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Bookmark {
    /// Bytes before the line.
    pub offset: u64,
    /// The number of the line, from 1, which is the number an editor shows.
    pub line: u64,
}

impl Bookmark {
    /// Where every file begins.
    pub(crate) const START: Self = Self { offset: 0, line: 1 };
}

/// The lines of a source, one at a time; LF or CRLF ends a line, and the last may lack it.
///
/// Holds a fixed number of bytes whatever the file is, and wipes them in the end, for there are
/// Individual Numbers among them. Debug shows nothing of the file.
pub(crate) struct Lines<R> {
    source: R,
    buffer: Wiped,
    /// What is read and not handed out yet. Invariant: `start ≤ end ≤ buffer.len()`.
    start: usize,
    end: usize,
    /// Where the line handed out last stands in the buffer, if it is there as a whole.
    current: Option<(usize, usize)>,
    ended: bool,
    place: Bookmark,
}

/// A line that was handed out; its bytes are asked of [`Lines::bytes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// Where it begins.
    pub(crate) place: Bookmark,
    /// Where the next one begins.
    pub(crate) next: Bookmark,
}

impl<R: Read> Lines<R> {
    pub(crate) fn new(source: R) -> Self {
        Self {
            source,
            buffer: Wiped::new(BUFFER_BYTES),
            start: 0,
            end: 0,
            current: None,
            ended: false,
            place: Bookmark::START,
        }
    }

    /// What comes next, as much as the buffer holds: the same bytes however the source hands
    /// them over. Nothing is consumed.
    pub(crate) fn front(&mut self) -> io::Result<&[u8]> {
        while !self.ended && self.end - self.start < BUFFER_BYTES {
            self.fill()?;
        }
        Ok(self.held())
    }

    /// Where the next line begins.
    pub(crate) fn place(&self) -> Bookmark {
        self.place
    }

    /// Whether the front is all there is.
    pub(crate) fn front_is_all(&self) -> bool {
        self.ended
    }

    /// Passes over bytes of the front that belong to the line to come, as a byte order mark does.
    pub(crate) fn pass_over(&mut self, bytes: usize) {
        let bytes = bytes.min(self.end - self.start);
        self.start += bytes;
        self.place.offset += bytes as u64;
    }

    /// The next line, `None` at the end of the file. A last line without a byte is none.
    pub(crate) fn advance(&mut self) -> io::Result<Option<Line>> {
        let place = self.place;
        let mut searched = 0;
        let mut passed_over = 0;
        let (length, line_end) = loop {
            let unsearched = self.held().get(searched..).unwrap_or_default();
            if let Some(at) = unsearched.iter().position(|byte| *byte == b'\n') {
                break (searched + at, 1);
            }
            searched = self.end - self.start;
            if self.ended {
                break (searched, 0);
            }
            if searched > LINE_BYTES_MAX {
                passed_over += searched as u64;
                self.start = self.end;
                searched = 0;
            }
            self.fill()?;
        };
        if passed_over == 0 && length == 0 && line_end == 0 {
            return Ok(None);
        }
        let whole = passed_over == 0 && length <= LINE_BYTES_MAX;
        self.current = whole.then_some((self.start, self.start + length));
        self.start += length + line_end;
        self.place = Bookmark {
            offset: place.offset + passed_over + (length + line_end) as u64,
            line: place.line + 1,
        };
        let next = self.place;
        Ok(Some(Line { place, next }))
    }

    /// The bytes of the line handed out last, without its line end; `None` if it was too long.
    pub(crate) fn bytes(&self) -> Option<&[u8]> {
        let (start, end) = self.current?;
        let bytes = self.buffer.bytes.get(start..end)?;
        Some(bytes.strip_suffix(b"\r").unwrap_or(bytes))
    }

    fn held(&self) -> &[u8] {
        self.buffer
            .bytes
            .get(self.start..self.end)
            .unwrap_or_default()
    }

    /// Reads once behind what is held.
    fn fill(&mut self) -> io::Result<()> {
        if self.start > 0 {
            self.buffer.bytes.copy_within(self.start..self.end, 0);
            (self.start, self.end, self.current) = (0, self.end - self.start, None);
        }
        match self.source.read(self.buffer.room(self.end)) {
            Ok(0) => self.ended = true,
            // A source that claims more than it was given room for is not believed.
            Ok(got) => {
                self.end = (self.end + got).min(BUFFER_BYTES);
                self.buffer.used_to(self.end);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

impl<R: Read + Seek> Lines<R> {
    /// Goes on from the beginning of a line; `false` if no line of this file begins there.
    pub(crate) fn go_to(&mut self, place: Bookmark) -> io::Result<bool> {
        let Some(before) = place.offset.checked_sub(1) else {
            return Ok(false);
        };
        self.source.seek(SeekFrom::Start(before))?;
        (self.start, self.end, self.current) = (0, 0, None);
        (self.ended, self.place) = (false, place);
        let front = self.front()?;
        // The last line may lack its LF: then the place behind it is the end of the file.
        let begins = front.first() == Some(&b'\n') || front.len() == 1;
        self.start = 1.min(self.end);
        Ok(begins)
    }
}

impl<R> fmt::Debug for Lines<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lines")
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}

/// Memory of a fixed size, of which what was used is wiped in the end.
struct Wiped {
    bytes: Vec<u8>,
    used: usize,
}

impl Wiped {
    fn new(size: usize) -> Self {
        Self {
            bytes: vec![0; size],
            used: 0,
        }
    }

    fn room(&mut self, from: usize) -> &mut [u8] {
        self.bytes.get_mut(from..).unwrap_or_default()
    }

    fn used_to(&mut self, end: usize) {
        self.used = self.used.max(end);
    }
}

impl Drop for Wiped {
    fn drop(&mut self) {
        let used = self.used.min(self.bytes.len());
        self.bytes.get_mut(..used).unwrap_or_default().zeroize();
    }
}

/// Takes lines apart, always in the same memory.
pub(crate) struct Splitter {
    parser: csv_core::Reader,
    /// The items one behind the other, without quotes.
    output: Wiped,
    /// Where each ends.
    ends: Vec<usize>,
}

/// The items of a line.
#[derive(Clone, Copy)]
pub(crate) struct Items<'l> {
    bytes: &'l [u8],
    ends: &'l [usize],
    /// How many there are; beyond [`ITEMS_MAX`] they are counted only.
    count: usize,
}

impl Splitter {
    pub(crate) fn new() -> Self {
        Self {
            parser: csv_core::ReaderBuilder::new()
                .terminator(csv_core::Terminator::Any(b'\n')) // the default would end a record at a stray CR too
                .build(),
            output: Wiped::new(LINE_BYTES_MAX + 1),
            ends: vec![0; ITEMS_MAX],
        }
    }

    /// The items of a line without its line end, or what is wrong with it as a whole.
    pub(crate) fn split(&mut self, line: &[u8]) -> Result<Items<'_>, Fault> {
        if line.contains(&0) {
            return Err(Fault::NulByte);
        }
        self.parser.reset();
        let (mut written, mut items, mut beyond) = (0, 0, 0);
        for mut rest in [line, b"\n"] {
            loop {
                let output = self.output.room(written);
                let ends = self.ends.get_mut(items..).unwrap_or_default();
                let (result, read, wrote, ended) = self.parser.read_record(rest, output, ends);
                written += wrote;
                items += ended;
                rest = rest.get(read..).unwrap_or_default();
                match result {
                    ReadRecordResult::OutputEndsFull => {
                        beyond += items;
                        items = 0;
                    }
                    _ => break,
                }
            }
        }
        self.output.used_to(written);
        // A quote left open takes the line end for a part of the item.
        let output = self.output.bytes.get(..written).unwrap_or_default();
        if output.last() == Some(&b'\n') {
            return Err(Fault::QuoteOpen);
        }
        let items = Items {
            bytes: output,
            ends: self.ends.get(..items).unwrap_or_default(),
            count: beyond + items,
        };
        if beyond == 0 && line.contains(&b'"') && !items.stand_so_in(line) {
            return Err(Fault::QuoteMisplaced);
        }
        Ok(items)
    }
}

impl<'l> Items<'l> {
    pub(crate) fn len(self) -> usize {
        self.count
    }

    pub(crate) fn get(&self, place: usize) -> Option<&'l [u8]> {
        let start = match place.checked_sub(1) {
            Some(before) => *self.ends.get(before)?,
            None => 0,
        };
        self.bytes.get(start..*self.ends.get(place)?)
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = &'l [u8]> {
        (0..self.ends.len()).filter_map(move |place| self.get(place))
    }

    /// Whether quotes stand only around whole items and, twice, inside such: text beside a quoted
    /// item becomes part of the item, but then the items, written again, are not what stood there.
    fn stand_so_in(self, line: &[u8]) -> bool {
        let mut rest = Some(line);
        for (place, item) in (0..).zip(self.iter()) {
            let begun = match (place, rest) {
                (0, rest) => rest,
                (_, rest) => rest.and_then(|rest| rest.strip_prefix(b",")),
            };
            rest = begun.and_then(|rest| match rest.strip_prefix(b"\"") {
                Some(quoted) => after_quoted(quoted, item),
                None => rest.strip_prefix(item).filter(|_| !item.contains(&b'"')),
            });
        }
        rest == Some(b"")
    }
}

/// What follows an item whose opening quote was read, if it stands there as it must.
fn after_quoted<'r>(mut rest: &'r [u8], item: &[u8]) -> Option<&'r [u8]> {
    let mut pieces = item.split(|byte| *byte == b'"');
    rest = rest.strip_prefix(pieces.next()?)?;
    for piece in pieces {
        rest = rest.strip_prefix(b"\"\"")?.strip_prefix(piece)?;
    }
    rest.strip_prefix(b"\"")
}

/// Whether nothing stands there, or only the commas with which a spreadsheet fills a line.
pub(crate) fn is_blank(line: &[u8]) -> bool {
    line.iter().all(|byte| matches!(byte, b',' | b' ' | b'\t'))
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

    /// A line's items between bars, or what is wrong with it.
    fn check(line: &str, expected: &str) {
        let mut splitter = Splitter::new();
        let answer = match splitter.split(line.as_bytes()) {
            Ok(items) => items
                .iter()
                .map(|item| String::from_utf8_lossy(item))
                .collect::<Vec<_>>()
                .join("|"),
            Err(fault) => fault.code().to_owned(),
        };
        assert_eq!(answer, expected, "{line:?}");
    }

    #[test]
    fn commas_part_items() {
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
        check(r#"a,"b"#, "quote-open");
        check(r#""a"""#, "quote-open");
        check(r#"a"b"#, "quote-misplaced");
        check(r#"a""b"#, "quote-misplaced");
        check(r#""a"b"#, "quote-misplaced");
        check(r#""a" ,b"#, "quote-misplaced");
        check(r#""a,"b",c"#, "quote-misplaced");
    }

    #[test]
    fn a_nul_byte_and_items_without_end_are_told() {
        check("a\0,b", "nul-byte");
        let mut splitter = Splitter::new();
        for commas in [0, ITEMS_MAX - 1, ITEMS_MAX, 10 * ITEMS_MAX] {
            let line = format!("a{}", ",".repeat(commas));
            assert_eq!(splitter.split(line.as_bytes()).unwrap().len(), commas + 1);
        }
    }

    fn numbered(bytes: &[u8]) -> Vec<(u64, Vec<u8>)> {
        let mut lines = Lines::new(bytes);
        let mut all = Vec::new();
        while let Some(line) = lines.advance().unwrap() {
            all.push((line.place.line, lines.bytes().unwrap().to_vec()));
        }
        all
    }

    #[test]
    fn lines_end_with_lf_or_crlf_or_the_file() {
        let bytes = |texts: &[&str]| -> Vec<_> {
            (1..)
                .zip(texts.iter().map(|text| text.as_bytes().to_vec()))
                .collect()
        };
        assert_eq!(
            numbered(b"a\r\nb\n\nc\r\n\r\nd"),
            bytes(&["a", "b", "", "c", "", "d"])
        );
        assert_eq!(numbered(b"a\rb\n"), bytes(&["a\rb"]));
        assert_eq!(numbered(b"\n"), bytes(&[""]));
        assert_eq!(numbered(b""), []);
    }

    /// Gives a few bytes at a time, and stumbles.
    struct Drops<'a>(&'a [u8], usize, bool);

    impl Read for Drops<'_> {
        fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
            self.2 = !self.2;
            if self.2 {
                return Err(io::ErrorKind::Interrupted.into());
            }
            let got = self.1.min(self.0.len()).min(room.len());
            let (now, later) = self.0.split_at(got);
            room[..got].copy_from_slice(now);
            self.0 = later;
            Ok(got)
        }
    }

    #[test]
    fn a_line_too_long_is_passed_over_and_its_neighbours_are_read() {
        let long = "x".repeat(LINE_BYTES_MAX + 1);
        let fitting = "y".repeat(LINE_BYTES_MAX);
        let endless = "z".repeat(5 * BUFFER_BYTES);
        let text = format!("a\n{long}\nb\n{fitting}\n{endless}\nc\n{endless}");
        for size in [1000, BUFFER_BYTES, usize::MAX] {
            let mut lines = Lines::new(Drops(text.as_bytes(), size, false));
            let mut lengths = Vec::new();
            let mut offsets = Vec::new();
            while let Some(line) = lines.advance().unwrap() {
                lengths.push(lines.bytes().map(<[u8]>::len));
                offsets.push(line.place.offset as usize);
            }
            assert_eq!(
                lengths,
                [
                    Some(1),
                    None,
                    Some(1),
                    Some(LINE_BYTES_MAX),
                    None,
                    Some(1),
                    None
                ]
            );
            let starts = text.match_indices('\n').map(|(at, _)| at + 1);
            assert_eq!(offsets, [0].into_iter().chain(starts).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_source_that_fails_is_told() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::ErrorKind::ConnectionReset.into())
            }
        }
        let error = Lines::new(b"a\nb".chain(Broken))
            .front()
            .map(<[u8]>::len)
            .unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    }

    #[test]
    fn nothing_of_the_file_shows_in_debug() {
        let mut lines = Lines::new(&b"secret"[..]);
        lines.front().unwrap();
        assert_eq!(
            format!("{lines:?}"),
            "Lines { place: Bookmark { offset: 0, line: 1 }, .. }"
        );
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back_with_its_quotes_in_place(record in prop::collection::vec("[a\" ,あ]{0,4}", 2..6)) {
            for style in [QuoteStyle::Necessary, QuoteStyle::Always, QuoteStyle::NonNumeric] {
                let mut writer = csv::WriterBuilder::new().quote_style(style).from_writer(Vec::new());
                writer.write_record(&record).unwrap();
                let bytes = writer.into_inner().unwrap();
                let mut splitter = Splitter::new();
                let items = splitter.split(bytes.strip_suffix(b"\n").unwrap()).unwrap();
                prop_assert_eq!(items.iter().collect::<Vec<_>>(), record.iter().map(String::as_bytes).collect::<Vec<_>>());
            }
        }

        /// Quoted or bare, whichever each item likes.
        #[test]
        fn only_whole_items_are_quoted(line in "([a ]{0,2}|\"([a ,]|\"\"){0,3}\")(,([a ]{0,2}|\"([a ,]|\"\"){0,3}\")){1,3}") {
            prop_assert!(Splitter::new().split(line.as_bytes()).is_ok(), "{}", line);
        }

        #[test]
        fn no_line_makes_the_splitter_fail_otherwise(line in "[\",a\r\0 ]{0,12}") {
            let mut splitter = Splitter::new();
            if let Ok(items) = splitter.split(line.as_bytes()) {
                prop_assert!(!line.contains('\0') && items.len() <= 1 + line.matches(',').count());
            }
        }

        #[test]
        fn lines_are_the_same_however_the_bytes_arrive(text in "[a\r\n]{0,40}", size in 1..9_usize) {
            let mut lines = Lines::new(Drops(text.as_bytes(), size, false));
            let mut all = Vec::new();
            while let Some(line) = lines.advance().unwrap() {
                all.push((line.place.line, lines.bytes().unwrap().to_vec()));
            }
            prop_assert_eq!(all, numbered(text.as_bytes()));
        }
    }
}
