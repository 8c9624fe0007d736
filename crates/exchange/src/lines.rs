//! CSV split into lines and fields, on bytes, before anything is decoded.
//!
//! Not the `csv` crate, for two reasons: it reads a quote that is never closed as one field up to
//! the end of the file, so that a slip in line 5 swallows the residents after it in silence; and
//! no item of the layouts may hold a line break, so here a record is a line, and the number told
//! to a person is the number their editor shows. The crate is the oracle in the tests.
//!
//! Splitting bytes is right for Windows-31J too: its trail bytes begin at 0x40, above quote,
//! comma and line ends.

use std::borrow::Cow;

/// Why a line cannot be split into fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum QuoteFault {
    /// A field begins with a quote that the line does not close.
    NotClosed,
    /// A quote inside a bare field, or text after a closing quote.
    Misplaced,
}

/// The lines of a file with their numbers from 1; LF or CRLF ends a line, and the last may lack it.
pub(crate) fn lines(bytes: &[u8]) -> Lines<'_> {
    Lines {
        rest: bytes,
        number: 0,
    }
}

/// See [`lines`].
#[derive(Clone, Debug)]
pub(crate) struct Lines<'a> {
    rest: &'a [u8],
    number: u64,
}

impl<'a> Iterator for Lines<'a> {
    type Item = (u64, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let (line, rest) = cut(self.rest, b'\n').unwrap_or((self.rest, b""));
        self.rest = rest;
        self.number += 1;
        Some((self.number, line.strip_suffix(b"\r").unwrap_or(line)))
    }
}

/// Splits a line into its fields, which replace what `fields` held.
pub(crate) fn split<'a>(line: &'a [u8], fields: &mut Vec<Cow<'a, [u8]>>) -> Result<(), QuoteFault> {
    fields.clear();
    let mut rest = line;
    loop {
        let (field, after) = match rest.strip_prefix(b"\"") {
            Some(quoted) => {
                let (field, after) = unquote(quoted)?;
                match after.split_first() {
                    None => (field, None),
                    Some((b',', after)) => (field, Some(after)),
                    Some(_) => return Err(QuoteFault::Misplaced),
                }
            }
            None => match cut(rest, b',') {
                Some((field, after)) => (bare(field)?, Some(after)),
                None => (bare(rest)?, None),
            },
        };
        fields.push(field);
        match after {
            Some(after) => rest = after,
            None => return Ok(()),
        }
    }
}

fn bare(field: &[u8]) -> Result<Cow<'_, [u8]>, QuoteFault> {
    if field.contains(&b'"') {
        Err(QuoteFault::Misplaced)
    } else {
        Ok(Cow::Borrowed(field))
    }
}

/// The field up to its closing quote, a doubled quote standing for one, and what follows.
fn unquote(quoted: &[u8]) -> Result<(Cow<'_, [u8]>, &[u8]), QuoteFault> {
    let (field, mut after) = cut(quoted, b'"').ok_or(QuoteFault::NotClosed)?;
    let mut field = Cow::Borrowed(field);
    while let Some(more) = after.strip_prefix(b"\"") {
        let (part, rest) = cut(more, b'"').ok_or(QuoteFault::NotClosed)?;
        field.to_mut().push(b'"');
        field.to_mut().extend_from_slice(part);
        after = rest;
    }
    Ok((field, after))
}

/// Appends a record as a line with CRLF, quoting only what needs it.
///
/// The fields hold no line breaks: that is what the types they come from promise.
pub(crate) fn push_line<'a>(bytes: &mut Vec<u8>, fields: impl IntoIterator<Item = &'a [u8]>) {
    let mut comma: &[u8] = b"";
    for field in fields {
        debug_assert!(!field.contains(&b'\n'), "a line break would end the record");
        bytes.extend_from_slice(comma);
        if field.iter().any(|byte| matches!(byte, b'"' | b',')) {
            bytes.push(b'"');
            for byte in field {
                bytes.push(*byte);
                bytes.extend((*byte == b'"').then_some(b'"'));
            }
            bytes.push(b'"');
        } else {
            bytes.extend_from_slice(field);
        }
        comma = b",";
    }
    bytes.extend_from_slice(b"\r\n");
}

/// What stands before and after the first `mark`.
fn cut(bytes: &[u8], mark: u8) -> Option<(&[u8], &[u8])> {
    let place = bytes.iter().position(|byte| *byte == mark)?;
    Some((bytes.get(..place)?, bytes.get(place + 1..)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(line: &str, expected: Result<&[&str], QuoteFault>) {
        let mut fields = Vec::new();
        let split = split(line.as_bytes(), &mut fields).map(|()| {
            fields
                .iter()
                .map(|field| String::from_utf8(field.to_vec()).unwrap())
                .collect::<Vec<_>>()
        });
        assert_eq!(
            split,
            expected.map(|fields| fields.iter().map(ToString::to_string).collect())
        );
    }

    #[test]
    fn commas_part_fields() {
        check("", Ok(&[""]));
        check("a,,c", Ok(&["a", "", "c"]));
        check("a,", Ok(&["a", ""]));
    }

    #[test]
    fn quotes_hold_commas_and_doubled_quotes() {
        check(r#""a,b",c"#, Ok(&["a,b", "c"]));
        check(r#""a""b","""""#, Ok(&["a\"b", "\""]));
        check(r#""",x"#, Ok(&["", "x"]));
    }

    #[test]
    fn quotes_that_do_not_pair_are_told_apart() {
        check(r#"a,"b"#, Err(QuoteFault::NotClosed));
        check(r#""a"""#, Err(QuoteFault::NotClosed));
        check(r#"a"b"#, Err(QuoteFault::Misplaced));
        check(r#""a"b"#, Err(QuoteFault::Misplaced));
    }

    #[test]
    fn lines_end_with_lf_or_crlf_or_the_file() {
        let numbered: Vec<_> = lines(b"a\r\nb\n\nc").collect();
        assert_eq!(numbered, [(1, &b"a"[..]), (2, b"b"), (3, b""), (4, b"c")]);
        assert_eq!(lines(b"a\n").count(), 1);
        assert_eq!(lines(b"").count(), 0);
    }

    proptest! {
        /// The `csv` crate writes the oracle.
        #[test]
        fn what_the_csv_crate_writes_is_read_back(record in prop::collection::vec("[a\" ,あ]{0,4}", 2..6)) {
            let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
            writer.write_record(&record).unwrap();
            let bytes = writer.into_inner().unwrap();
            let (_, line) = lines(&bytes).next().unwrap();
            let mut fields = Vec::new();
            split(line, &mut fields).unwrap();
            let read: Vec<_> = fields.iter().map(|field| std::str::from_utf8(field).unwrap()).collect();
            prop_assert_eq!(read, record);
        }

        /// And reads what is written here.
        #[test]
        fn what_is_written_here_the_csv_crate_reads_back(record in prop::collection::vec("[a\" ,あ]{0,4}", 2..6)) {
            let mut bytes = Vec::new();
            push_line(&mut bytes, record.iter().map(String::as_bytes));
            let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(bytes.as_slice());
            let read = reader.records().next().unwrap().unwrap();
            prop_assert_eq!(read.iter().collect::<Vec<_>>(), record);
        }

        #[test]
        fn no_bytes_make_it_fail_otherwise(line in prop::collection::vec(any::<u8>(), 0..40)) {
            let mut fields = Vec::new();
            if split(&line, &mut fields).is_ok() {
                prop_assert!(!fields.is_empty());
            }
        }
    }
}
