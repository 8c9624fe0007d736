//! 配分数値CSV: figures that formulas use, one line for each place and figure, with where it comes from.
//!
//! The layout is ours \[O\]: in the real programme such figures went round by e-mail.

use std::io::{self, Read};

use domain::allocation::FIGURE_MAX;
use domain::cycles::{REASON_LENGTH_MAX, Stated};

use crate::complaints::{Complaint, Fault};
use crate::encoding::Encoding;
use crate::form::{Form, short};
use crate::structure::{FileLine, Item, Layout, Sheet, StructureRefusal};

/// Longest code of a place: a venue's id.
const PLACE_LENGTH_MAX: usize = 36;

/// A figure of a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FigureRow {
    /// Of whom: `13`, `131016`, or a venue's ten digits or id.
    pub place: String,
    /// Which.
    pub figure: Stated,
    /// How much.
    pub value: u64,
    /// From where, or why it differs from Sesshu's own.
    pub reason: String,
}

/// One line of the file: the figure, or why not.
pub type FigureLine = FileLine<FigureRow>;

/// Reads a file of figures line by line.
#[derive(Debug)]
pub struct Reader<R> {
    sheet: Sheet<R>,
}

impl<R: Read> Reader<R> {
    /// Opens a file of figures.
    ///
    /// # Errors
    /// [`StructureRefusal`] if the file as a whole cannot be right.
    pub fn open(source: R, encoding: Encoding) -> Result<Self, StructureRefusal> {
        Ok(Self {
            sheet: Sheet::open(source, encoding, LAYOUT)?,
        })
    }
}

impl<R: Read> Iterator for Reader<R> {
    type Item = io::Result<FigureLine>;

    fn next(&mut self) -> Option<Self::Item> {
        self.sheet.take(|form, _| read(form))
    }
}

const LAYOUT: Layout = Layout {
    items: &["配分先コード", "項目", "値", "出典・理由"],
    required: 4,
};

const PLACE: Item = Item(0);
const FIGURE: Item = Item(1);
const VALUE: Item = Item(2);
const REASON: Item = Item(3);

/// The words of 項目.
const FIGURES: &[&str] = &[
    "population",
    "stock_doses",
    "expiring_doses",
    "due_doses",
    "supplied_doses",
    "supplied_elsewhere_doses",
    "used_doses",
    "week_doses",
    "cap",
    "minimum",
    "pack",
];

fn read(mut form: Form<'_>) -> (Option<FigureRow>, Vec<Complaint>) {
    let place = form.required(PLACE, |text| short(text, PLACE_LENGTH_MAX));
    let figure = form.required(FIGURE, |text| {
        Stated::parse(text).ok_or(Fault::NotACode { codes: FIGURES })
    });
    let value = form.required(VALUE, |text| {
        let value = text.parse::<u64>().ok();
        value
            .filter(|value| *value <= FIGURE_MAX)
            .ok_or(Fault::NotACount { max: FIGURE_MAX })
    });
    let reason = form.required(REASON, |text| short(text, REASON_LENGTH_MAX));
    let complaints = form.complaints();
    let row = || {
        Some(FigureRow {
            place: place?,
            figure: figure?,
            value: value?,
            reason: reason?,
        })
    };
    let good = complaints.iter().all(Complaint::keeps_row);
    (good.then(row).flatten(), complaints)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(rows: &str) -> Vec<FigureLine> {
        let file = format!("配分先コード,項目,値,出典・理由\r\n{rows}");
        let reader = Reader::open(file.as_bytes(), Encoding::Utf8).unwrap();
        reader.map(Result::unwrap).collect()
    }

    #[test]
    fn the_words_are_those_of_the_plan() {
        let all: Vec<_> = Stated::ALL.iter().map(|one| one.as_str()).collect();
        assert_eq!(all, FIGURES);
    }

    #[test]
    fn a_line_is_a_figure_with_its_source() {
        let read = lines("131016,population,66680,2020年国勢調査\r\n");
        let row = read[0].row.as_ref().unwrap();
        assert_eq!(
            (
                row.place.as_str(),
                row.figure,
                row.value,
                row.reason.as_str()
            ),
            ("131016", Stated::Population, 66_680, "2020年国勢調査")
        );
    }

    #[test]
    fn what_cannot_be_read_is_told_and_the_next_line_is_read() {
        let read = lines("131016,people,-1,\r\n13,cap,0,冷凍庫が満杯\r\n");
        let codes: Vec<_> = read[0].complaints.iter().map(Complaint::code).collect();
        assert_eq!(codes, ["not-a-code", "not-a-count", "empty"]);
        assert!(read[0].row.is_none() && read[1].row.is_some());
    }
}
