//! An album: a folder of photographs and what is truly on them, read and counted.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use reader::{Channel, Outcome, Reading};

/// Photographs and their labels.
pub struct Album {
    folder: PathBuf,
    labels: Vec<Label>,
}

/// What is truly on a photograph.
#[derive(Clone)]
pub struct Label {
    /// Name of the file in the album's folder.
    pub file: String,
    /// `easy`, `medium`, `hard`, or `negative`: the full line is not in view.
    pub difficulty: String,
    /// The 18 digits; empty for a negative.
    pub digits: String,
    /// Whether a QR code is printed and in view.
    pub has_qr: bool,
    /// The digits of the bar code; empty if there is none.
    pub nw7: String,
}

impl Album {
    /// Opens a folder with a `labels.csv`.
    pub fn open(folder: &Path) -> Result<Album, csv::Error> {
        let mut rows = csv::Reader::from_path(folder.join("labels.csv"))?;
        let headers = rows.headers()?.clone();
        let mut labels = Vec::new();
        for row in rows.records() {
            let row = row?;
            let field = |name: &str| {
                let column = headers.iter().position(|header| header == name);
                column
                    .and_then(|column| row.get(column))
                    .unwrap_or_default()
                    .to_owned()
            };
            labels.push(Label {
                file: field("file"),
                difficulty: field("difficulty"),
                digits: field("digits"),
                has_qr: field("has_qr") == "1",
                nw7: field("nw7"),
            });
        }
        Ok(Album {
            folder: folder.to_owned(),
            labels,
        })
    }

    /// Reads every photograph.
    pub fn read_all(&self) -> Table {
        let mut table = Table::default();
        for label in &self.labels {
            let bytes = std::fs::read(self.folder.join(&label.file)).unwrap_or_default();
            let start = Instant::now();
            match reader::read(&bytes) {
                Ok(reading) => {
                    let time = start.elapsed();
                    // Once two channels agree, the reader spares itself the third; here each is asked.
                    let qr = reader::decode_photo(&bytes)
                        .ok()
                        .and_then(|grey| reader::read_qr(&grey));
                    table.count(
                        label,
                        &reading,
                        qr.as_ref().map(|qr| qr.text.as_str()),
                        time,
                    );
                }
                Err(refusal) => table.remarks.push(format!("{}: {refusal}", label.file)),
            }
        }
        table
    }
}

/// Right, none and wrong.
#[derive(Clone, Copy, Default, Debug)]
pub struct Tally {
    pub exact: usize,
    pub no: usize,
    pub wrong: usize,
}

impl Tally {
    fn count(&mut self, answer: Option<&str>, truth: &str) {
        match answer {
            Some(answer) if answer == truth => self.exact += 1,
            Some(_) => self.wrong += 1,
            None => self.no += 1,
        }
    }

    /// Photographs counted.
    pub fn all(&self) -> usize {
        self.exact + self.no + self.wrong
    }

    /// Share that was read right, in percent.
    pub fn exact_percent(&self) -> f64 {
        100.0 * self.exact as f64 / self.all().max(1) as f64
    }
}

/// The counts, by difficulty and by channel (`all` is the answer as a whole).
#[derive(Default)]
pub struct Table {
    tallies: BTreeMap<(String, &'static str), Tally>,
    times: BTreeMap<String, Vec<Duration>>,
    /// Whatever a person should look at: wrong answers, photographs that were refused.
    pub remarks: Vec<String>,
}

impl Table {
    /// The count of a difficulty and a channel (`all`, `qr`, `ocr`, `nw7`).
    pub fn tally(&self, difficulty: &str, channel: &'static str) -> Tally {
        self.tallies
            .get(&(difficulty.to_owned(), channel))
            .copied()
            .unwrap_or_default()
    }

    /// Wrong answers of a channel over all difficulties.
    pub fn wrong(&self, channel: &str) -> usize {
        self.tallies
            .iter()
            .filter(|((_, of), _)| *of == channel)
            .map(|(_, tally)| tally.wrong)
            .sum()
    }

    fn count(&mut self, label: &Label, reading: &Reading, qr: Option<&str>, time: Duration) {
        self.times
            .entry(label.difficulty.clone())
            .or_default()
            .push(time);
        let sure_line = reading
            .ocr
            .as_deref()
            .filter(|_| reading.ocr_confidence >= reader::CONFIDENCE_MIN);
        let mut count = |channel, answer: Option<&str>, truth: &str| {
            let tally = self
                .tallies
                .entry((label.difficulty.clone(), channel))
                .or_default();
            tally.count(answer, truth);
            if answer.is_some_and(|answer| answer != truth) {
                self.remarks.push(format!(
                    "{}: {channel} says {answer:?}, truth is {truth}",
                    label.file
                ));
            }
        };
        count("all", reading.digits.as_deref(), &label.digits);
        count("ocr", sure_line, &label.digits);
        if label.has_qr || qr.is_some() {
            count(Channel::Qr.code(), qr, &label.digits);
        }
        if !label.nw7.is_empty() || reading.nw7.is_some() {
            count(Channel::Nw7.code(), reading.nw7.as_deref(), &label.nw7);
        }
        if let (Outcome::No(why), false) = (reading.outcome, label.digits.is_empty()) {
            self.remarks.push(format!(
                "{} ({}): no, {}",
                label.file,
                label.difficulty,
                why.code()
            ));
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "difficulty  channel  photos  exact  no  wrong  exact %  median ms"
        )?;
        for (difficulty, channel) in self.tallies.keys() {
            let time = if *channel == "all" {
                self.median_ms(difficulty)
            } else {
                String::new()
            };
            let tally = self.tally(difficulty, channel);
            let Tally { exact, no, wrong } = tally;
            let percent = tally.exact_percent();
            let all = tally.all();
            writeln!(
                f,
                "{difficulty:<10}  {channel:<7}  {all:>6}  {exact:>5}  {no:>2}  {wrong:>5}  {percent:>7.1}  {time:>9}"
            )?;
        }
        for remark in &self.remarks {
            writeln!(f, "{remark}")?;
        }
        Ok(())
    }
}

impl Table {
    fn median_ms(&self, difficulty: &str) -> String {
        let mut times = self.times.get(difficulty).cloned().unwrap_or_default();
        times.sort();
        times
            .get(times.len() / 2)
            .map_or_else(String::new, |time| time.as_millis().to_string())
    }
}
