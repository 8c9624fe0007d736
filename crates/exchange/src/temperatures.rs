//! 温度記録CSV: what a logger wrote, one line for each reading of a cooler (保冷庫).
//!
//! The layout is ours \[O\]: every maker of loggers has one of their own.

use std::io::{self, Read};

use domain::calendar::{Day, Instant};
use domain::cold_chain::{COOLER_NAME_LENGTH_MAX, Temperature};

use crate::complaints::{Complaint, Fault};
use crate::encoding::Encoding;
use crate::form::{Form, short};
use crate::structure::{FileLine, Item, Layout, Sheet, StructureRefusal};

/// A reading as it stands in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logged {
    /// What the venue calls the cooler.
    pub cooler: String,
    /// When, on Japan's clock.
    pub at: Instant,
    /// What.
    pub temperature: Temperature,
}

/// One line of the file: the reading, or why not.
pub type LoggedLine = FileLine<Logged>;

/// Reads a file of temperatures line by line.
#[derive(Debug)]
pub struct Reader<R> {
    sheet: Sheet<R>,
}

impl<R: Read> Reader<R> {
    /// Opens a file of temperatures.
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
    type Item = io::Result<LoggedLine>;

    fn next(&mut self) -> Option<Self::Item> {
        self.sheet.take(|form, _| read(form))
    }
}

const LAYOUT: Layout = Layout {
    items: &["保冷庫", "日時", "温度"],
    required: 3,
};

const COOLER: Item = Item(0);
const AT: Item = Item(1);
const TEMPERATURE: Item = Item(2);

fn read(mut form: Form<'_>) -> (Option<Logged>, Vec<Complaint>) {
    let cooler = form.required(COOLER, |text| short(text, COOLER_NAME_LENGTH_MAX));
    let at = form.required(AT, |text| moment(text).ok_or(Fault::NotAMoment));
    let temperature = form.required(TEMPERATURE, |text| {
        Temperature::parse(text).map_err(Fault::NotATemperature)
    });
    let complaints = form.complaints();
    let row = || {
        Some(Logged {
            cooler: cooler?,
            at: at?,
            temperature: temperature?,
        })
    };
    let good = complaints.iter().all(Complaint::keeps_row);
    (good.then(row).flatten(), complaints)
}

/// A date and time as loggers and spreadsheets write them: `2021-06-01 08:30`, `2021/6/1 8:30:15`, or with a `T`.
fn moment(text: &str) -> Option<Instant> {
    let (day, time) = text.split_once([' ', 'T'])?;
    let mut parts = day.split(['-', '/']);
    let (year, month, of_month) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let day = Day::new(number(year, 4)?, number(month, 2)?, number(of_month, 2)?)?;
    let mut parts = time.trim().split(':');
    let (hour, minute) = (parts.next()?, parts.next()?);
    let second = parts.next().unwrap_or("0");
    let (hour, minute, second): (u8, u8, u8) =
        (number(hour, 2)?, number(minute, 2)?, number(second, 2)?);
    if parts.next().is_some() {
        return None;
    }
    Instant::parse(&format!("{day}T{hour:02}:{minute:02}:{second:02}+09:00"))
}

fn number<T: std::str::FromStr>(text: &str, digits_max: usize) -> Option<T> {
    let is_number = text.len() <= digits_max && text.bytes().all(|one| one.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(rows: &str) -> Vec<LoggedLine> {
        let file = format!("保冷庫,日時,温度\r\n{rows}");
        Reader::open(file.as_bytes(), Encoding::Utf8)
            .unwrap()
            .map(Result::unwrap)
            .collect()
    }

    fn codes(line: &LoggedLine) -> Vec<&'static str> {
        line.complaints.iter().map(Complaint::code).collect()
    }

    #[test]
    fn a_line_is_a_reading_however_its_logger_writes_the_time() {
        let read = lines(
            "薬剤部1,2021-06-01 08:30,-75.2\r\n薬剤部1,2021/6/1 8:30:59,-75\r\n薬剤部1,2021-06-01T08:30,−75.2℃\r\n",
        );
        let at = Instant::parse("2021-06-01T08:30:00+09:00").unwrap();
        let first = read[0].row.clone().unwrap();
        assert_eq!((first.cooler.as_str(), first.at), ("薬剤部1", at));
        assert_eq!(first.temperature.tenths(), -752);
        let second = read[1].row.clone().unwrap();
        assert_eq!(
            domain::cold_chain::minute(second.at),
            domain::cold_chain::minute(at)
        );
        assert_eq!(read[2].row, Some(first));
    }

    #[test]
    fn what_cannot_be_is_told_and_the_next_line_is_read() {
        let read = lines(
            "薬剤部1,2021-02-30 08:30,800\n,2021-06-01,\"-75,2\"\n薬剤部1,2021-06-01 24:30,4.25\n薬剤部1,2021-06-01 08:31,4\n",
        );
        assert_eq!(codes(&read[0]), ["not-a-moment", "not-a-temperature"]);
        assert_eq!(
            codes(&read[1]),
            ["empty", "not-a-moment", "not-a-temperature"]
        );
        assert!(read[1].complaints[2].text_ja().contains("ピリオド"));
        assert!(read[1].complaints[2].text_en().starts_with("Use a point"));
        assert_eq!(codes(&read[2]), ["not-a-moment", "not-a-temperature"]);
        assert!(read[3].row.is_some());
    }
}
