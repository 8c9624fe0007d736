//! Inquiries about people who moved in (転入者の照会): the file a city hands in for the night, and the
//! file it gets in the morning (domain paper §2.6).
//!
//! The layouts are ours. \[O\] Asked is by Individual Number with the birth date beside it, so that a
//! mistyped number meets nobody; answered is with doses only, and without the number.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, Read, Seek};

use domain::calendar::Day;
use domain::inquiries::Whereabouts;
use domain::people::{BirthDate, MyNumber};
use domain::places::MunicipalityCode;

use crate::complaints::{Complaint, Fault};
use crate::encoding::Encoding;
use crate::form::{Form, birth_date, digits, my_number, short};
use crate::lines::Bookmark;
use crate::structure::{FileLine, Item, Layout, Sheet, StructureRefusal};
use crate::table::{Exported, Table, for_spreadsheet};

/// Characters of a 照会番号 at most: room for a resident number with a prefix.
pub const REFERENCE_CHARACTERS_MAX: usize = 20;

/// One person who is asked about. Debug shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct InquiryRow {
    /// 照会番号: by which the asking city knows its question again.
    pub reference: String,
    /// 個人番号, wiped when the row goes.
    pub my_number: MyNumber,
    /// 生年月日: only a person with this birth date, too, is answered about.
    pub birth: BirthDate,
    /// 照会先自治体コード: the city that is asked; `None` for all.
    pub asked: Option<MunicipalityCode>,
}

impl fmt::Debug for InquiryRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InquiryRow")
            .field("asked", &self.asked)
            .finish_non_exhaustive()
    }
}

/// One line of the file: the question, or why not.
pub type InquiryLine = FileLine<InquiryRow>;

/// Reads a file of questions line by line, in memory that does not grow with it.
#[derive(Debug)]
pub struct Reader<R> {
    sheet: Sheet<R>,
}

impl<R: Read> Reader<R> {
    /// Opens a file of questions.
    ///
    /// # Errors
    /// [`StructureRefusal`] if the file as a whole cannot be right.
    pub fn open(source: R, encoding: Encoding) -> Result<Self, StructureRefusal> {
        Ok(Self {
            sheet: Sheet::open(source, encoding, LAYOUT)?,
        })
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
        place: Bookmark,
    ) -> Result<Self, StructureRefusal> {
        let mut reader = Self::open(source, encoding)?;
        reader.sheet = reader.sheet.go_to(place)?;
        Ok(reader)
    }
}

impl<R: Read> Iterator for Reader<R> {
    type Item = io::Result<InquiryLine>;

    fn next(&mut self) -> Option<Self::Item> {
        self.sheet.take(|form, _| read(form))
    }
}

const LAYOUT: Layout = Layout {
    items: &["照会番号", "個人番号", "生年月日", "照会先自治体コード"],
    required: 3,
};

const REFERENCE: Item = Item(0);
const MY_NUMBER: Item = Item(1);
const BIRTH_DATE: Item = Item(2);
const ASKED: Item = Item(3);

fn read(mut form: Form<'_>) -> (Option<InquiryRow>, Vec<Complaint>) {
    let reference = form.required(REFERENCE, |text| short(text, REFERENCE_CHARACTERS_MAX));
    let my_number = form.required(MY_NUMBER, my_number);
    let birth = form.required(BIRTH_DATE, birth_date);
    let asked = form.optional(ASKED, |text| {
        digits(text, 6)?;
        MunicipalityCode::parse(text).map_err(|_| Fault::CheckDigit)
    });
    let complaints = form.complaints();
    let row = || {
        Some(InquiryRow {
            reference: reference?,
            my_number: my_number?,
            birth: birth?,
            asked: asked?,
        })
    };
    let good = complaints.iter().all(Complaint::keeps_row);
    (good.then(row).flatten(), complaints)
}

/// A dose that another city answers with.
#[derive(Clone, PartialEq, Eq)]
pub struct AnsweredDose {
    /// 回数.
    pub turn: u8,
    /// 接種日.
    pub given_on: Day,
    /// 券番号, 自治体コード, 接種会場名 and 接種医師名; `None` for a protected person, of whom nothing may
    /// tell where they were.
    pub whereabouts: Option<Whereabouts>,
    /// ワクチンメーカー.
    pub maker: String,
    /// ワクチンロット番号.
    pub lot: String,
}

impl fmt::Debug for AnsweredDose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AnsweredDose(..)")
    }
}

/// The columns of the answers.
const ANSWER_NAMES: [&str; 10] = [
    "照会番号",
    "結果",
    "回数",
    "接種日",
    "券番号",
    "自治体コード",
    "接種会場名",
    "接種医師名",
    "ワクチンメーカー",
    "ワクチンロット番号",
];

/// Writes the file of answers: a line for each dose (結果 1), or one line (結果 2) where there is
/// none. Whether the person is unknown or has no dose is the same answer: the asking city need
/// not learn who lived where.
#[derive(Debug)]
pub struct AnswersExport<W: io::Write>(Table<W>);

impl<W: io::Write> AnswersExport<W> {
    /// Begins a file with its header.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn new(out: W, encoding: Encoding) -> io::Result<Self> {
        let names = ANSWER_NAMES.into_iter().map(Cow::Borrowed);
        Table::new(out, encoding, names).map(Self)
    }

    /// Adds the answer to one question.
    ///
    /// # Errors
    /// Those of the place written to.
    pub fn answer(&mut self, reference: &str, doses: &[AnsweredDose]) -> io::Result<()> {
        let reference = for_spreadsheet(reference);
        if doses.is_empty() {
            let nothing = [reference, "2".into()].into_iter();
            let blank = (2..ANSWER_NAMES.len()).map(|_| Cow::Borrowed(""));
            return self.0.row(nothing.chain(blank));
        }
        for dose in doses {
            let [number, city, venue_name, doctor] = match &dose.whereabouts {
                Some(place) => [
                    place.number.as_str(),
                    place.city.as_str(),
                    place.venue_name.as_str(),
                    place.doctor.as_str(),
                ],
                None => [""; 4],
            };
            let fields = [
                reference.clone(),
                "1".into(),
                dose.turn.to_string().into(),
                dose.given_on.compact().into(),
                number.into(),
                city.into(),
                for_spreadsheet(venue_name),
                for_spreadsheet(doctor),
                dose.maker.as_str().into(),
                for_spreadsheet(&dose.lot),
            ];
            self.0.row(fields.into_iter())?;
        }
        Ok(())
    }

    /// Ends the file, and tells what was written.
    ///
    /// # Errors
    /// Those of the place written to.
    pub fn finish(self) -> io::Result<Exported> {
        self.0.finish()
    }
}

#[cfg(test)]
mod tests {
    use domain::coupons::CouponNumber;
    use proptest::prelude::*;
    use std::io::Cursor;

    use super::*;

    const HEADER: &str = "照会番号,個人番号,生年月日,照会先自治体コード";
    const GOOD: &str = "A-12345,983205673214,19460503,011002";

    fn read(lines: &str) -> Vec<InquiryLine> {
        let file = format!("{HEADER}\r\n{lines}\r\n");
        let reader = Reader::open(file.as_bytes(), Encoding::Utf8).unwrap();
        reader.map(Result::unwrap).collect()
    }

    fn check(line: &str, expected: &str) {
        let mut lines = read(line);
        let line = lines.remove(0);
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
        assert_eq!(complaints.collect::<String>() + kept, expected);
    }

    #[test]
    fn a_question_is_read_as_it_stands() {
        let row = read(GOOD).remove(0).row.unwrap();
        assert_eq!(row.reference, "A-12345");
        assert_eq!(row.my_number.as_str(), "983205673214");
        assert_eq!(row.birth.compact(), "19460503");
        assert_eq!(row.asked.unwrap().as_str(), "011002");
        assert!(!format!("{row:?}").contains("98320"));
        let all = "照会番号,個人番号,生年月日\n1,983205673214,19460500\n";
        let reader = Reader::open(all.as_bytes(), Encoding::Utf8).unwrap();
        let rows: Vec<_> = reader.filter_map(|line| line.unwrap().row).collect();
        assert_eq!(rows.iter().map(|row| row.asked).collect::<Vec<_>>(), [None]);
    }

    #[test]
    fn what_cannot_be_asked_is_told() {
        check(",983205673214,19460503,", "照会番号: empty, left out");
        check(
            &GOOD.replace("A-12345", &"1".repeat(21)),
            "照会番号: too-long, left out",
        );
        check(
            "1,983205673215,19460503,",
            "個人番号: check-digit, left out",
        );
        check("1,,19460503,", "個人番号: empty, left out");
        check("1,983205673214,,", "生年月日: empty, left out");
        check(
            "1,983205673214,19460503,011003",
            "照会先自治体コード: check-digit, left out",
        );
        check("1,983205673214", "-: column-count, left out");
    }

    fn dose(protected: bool) -> AnsweredDose {
        AnsweredDose {
            turn: 1,
            given_on: Day::parse("2021-06-12").unwrap(),
            whereabouts: (!protected).then(|| Whereabouts {
                city: MunicipalityCode::parse("011002").unwrap(),
                number: CouponNumber::parse("0000000077").unwrap(),
                venue_name: "札幌会場".into(),
                doctor: "山田".into(),
            }),
            maker: "ファイザー".into(),
            lot: "EY0573".into(),
        }
    }

    #[test]
    fn the_answer_is_doses_only() {
        let mut bytes = Vec::new();
        let mut export = AnswersExport::new(&mut bytes, Encoding::Utf8).unwrap();
        export
            .answer(
                "A-1",
                &[
                    dose(false),
                    AnsweredDose {
                        turn: 2,
                        ..dose(false)
                    },
                ],
            )
            .unwrap();
        export.answer("A-2", &[dose(true)]).unwrap();
        export.answer("=A", &[]).unwrap();
        assert_eq!(export.finish().unwrap().rows, 4);
        assert_eq!(
            String::from_utf8(bytes).unwrap(),
            "照会番号,結果,回数,接種日,券番号,自治体コード,接種会場名,接種医師名,ワクチンメーカー,ワクチンロット番号\r\n\
             A-1,1,1,20210612,0000000077,011002,札幌会場,山田,ファイザー,EY0573\r\n\
             A-1,1,2,20210612,0000000077,011002,札幌会場,山田,ファイザー,EY0573\r\n\
             A-2,1,1,20210612,,,,,ファイザー,EY0573\r\n\
             '=A,2,,,,,,,,\r\n"
        );
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_fail_otherwise(line in prop::collection::vec(any::<u8>(), 0..200)) {
            for encoding in Encoding::ALL {
                let mut bytes = encoding.encode(HEADER).unwrap().into_owned();
                bytes.push(b'\n');
                bytes.extend_from_slice(&line);
                let all: Vec<_> = Reader::open(bytes.as_slice(), encoding).unwrap().map(Result::unwrap).collect();
                for (done, line) in (1..).zip(&all) {
                    let rest = Reader::resume(Cursor::new(&bytes), encoding, line.next).unwrap();
                    prop_assert_eq!(rest.map(Result::unwrap).collect::<Vec<_>>(), &all[done..]);
                }
            }
        }
    }
}
