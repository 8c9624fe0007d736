//! One photograph at a time: the line alone, the codes, everything together, and Tesseract beside them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Context;
use reader::check::{Turns, judge};
use reader::{Grey, LineReading};
use reading::{Damage, Difficulty, Framing, Purpose};

use super::{MAKERS, Tally, beside, difficulty_of, in_parallel, median, tesseract, timed};
use crate::Options;

/// One way to read photographs of one kind and difficulty.
#[derive(serde::Serialize)]
pub struct Row {
    pub photographs: &'static str,
    pub difficulty: &'static str,
    /// `line` (alone, gated, one frame), `qr`, `nw7`, `together`, or `tesseract`.
    pub way: &'static str,
    #[serde(flatten)]
    pub tally: Tally,
    /// Of a core, for one photograph; Tesseract's by the clock.
    pub median_ms: Option<f64>,
}

pub struct Photos {
    pub rows: Vec<Row>,
    /// Its version, or why there is none.
    pub tesseract: String,
}

/// What is measured, whoever made it.
struct Subject {
    name: String,
    picture: Grey,
    difficulty: Difficulty,
    digits: Option<String>,
    has_qr: bool,
    bars: Option<String>,
    /// The line's corners, which is a help for Tesseract that our reader does not get.
    line: Vec<(f32, f32)>,
}

struct Answer {
    way: &'static str,
    answer: Option<String>,
    truth: Option<String>,
    ms: Option<f64>,
}

struct Answers {
    name: String,
    difficulty: Difficulty,
    answers: Vec<Answer>,
    strip: Option<Grey>,
}

pub fn measure(options: &Options, remarks: &mut Vec<String>) -> anyhow::Result<Photos> {
    let mut rows = Vec::new();
    let version = tesseract::version();
    let samples = samples(options)?;
    let count = samples.len() as u64;
    let answers = in_parallel(options.threads, count, |number| {
        samples.get(number as usize).map(read)
    });
    tell(
        "samples",
        answers.into_iter().flatten(),
        &mut rows,
        remarks,
        version.is_some(),
    );
    for maker in MAKERS {
        let count = options.photos * Difficulty::ALL.len() as u64;
        let answers = in_parallel(options.threads, count, |number| {
            let seed = options.from + number;
            let difficulty = difficulty_of(seed);
            let coupon = maker.coupon(Purpose::Judging, seed, difficulty, Damage::None);
            let taken = maker.shot(Purpose::Judging, &coupon, seed, 0, Framing::Coupon);
            read(&Subject {
                name: format!("{} {seed}", maker.code()),
                picture: taken.picture,
                difficulty,
                digits: taken.truth.digits,
                has_qr: taken.truth.has_qr,
                bars: taken.truth.bars,
                line: taken.truth.line.to_vec(),
            })
        });
        tell(
            maker.code(),
            answers.into_iter(),
            &mut rows,
            remarks,
            version.is_some(),
        );
    }
    Ok(Photos {
        rows,
        tesseract: version.unwrap_or_else(|| {
            "not on this machine (`apt-get install tesseract-ocr`), so its rows are missing"
                .to_owned()
        }),
    })
}

fn tell(
    photographs: &'static str,
    read: impl Iterator<Item = Answers>,
    rows: &mut Vec<Row>,
    remarks: &mut Vec<String>,
    with_tesseract: bool,
) {
    let mut read: Vec<Answers> = read.collect();
    if with_tesseract {
        add_tesseract(&mut read);
    }
    let mut tallies: BTreeMap<(Difficulty, &'static str), (Tally, Vec<f64>)> = BTreeMap::new();
    for subject in &read {
        for Answer {
            way,
            answer,
            truth,
            ms,
        } in &subject.answers
        {
            let (tally, times) = tallies.entry((subject.difficulty, *way)).or_default();
            let wrong = tally.wrong;
            tally.count(answer.as_deref(), truth.as_deref());
            times.extend(ms);
            if tally.wrong > wrong && *way != "tesseract" {
                remarks.push(format!(
                    "{} ({}): {way} says {}, it is {}",
                    subject.name,
                    subject.difficulty.code(),
                    answer.as_deref().unwrap_or("-"),
                    truth.as_deref().unwrap_or("not in view"),
                ));
            }
        }
    }
    rows.extend(
        tallies
            .into_iter()
            .map(|((difficulty, way), (tally, times))| Row {
                photographs,
                difficulty: difficulty.code(),
                way,
                tally,
                median_ms: median(times),
            }),
    );
}

fn read(subject: &Subject) -> Answers {
    let (line, line_ms) = timed(|| line_alone(&subject.picture));
    let (reading, together_ms) = timed(|| reader::read_grey(&subject.picture));
    // Once two channels agree, the reader spares itself the third; here each is asked.
    let qr = reading
        .qr
        .clone()
        .or_else(|| reader::read_qr(&subject.picture).map(|qr| qr.text));
    let mut answers = vec![
        Answer {
            way: "line",
            answer: line,
            truth: subject.digits.clone(),
            ms: Some(line_ms),
        },
        Answer {
            way: "together",
            answer: reading.digits.clone(),
            truth: subject.digits.clone(),
            ms: Some(together_ms),
        },
    ];
    if subject.has_qr || qr.is_some() {
        answers.push(Answer {
            way: "qr",
            answer: qr,
            truth: subject.digits.clone(),
            ms: None,
        });
    }
    if subject.bars.is_some() || reading.nw7.is_some() {
        answers.push(Answer {
            way: "nw7",
            answer: reading.nw7.clone(),
            truth: subject.bars.clone(),
            ms: None,
        });
    }
    Answers {
        name: subject.name.clone(),
        difficulty: subject.difficulty,
        answers,
        strip: tesseract::strip(&subject.picture, &subject.line),
    }
}

/// The line of one frame, where it is believed by itself.
fn line_alone(picture: &Grey) -> Option<String> {
    believed(reader::read_line(picture).as_ref()).map(str::to_owned)
}

/// What is believed of a line by itself: sure, a coupon's, and no second line that says otherwise.
pub fn believed(line: Option<&LineReading>) -> Option<&str> {
    let line = line.filter(|line| line.rival.is_none())?;
    line.sure()
        .filter(|digits| judge(digits, Turns::Printed).is_ok())
}

fn add_tesseract(read: &mut [Answers]) {
    let strips: Vec<(usize, &Grey)> = read
        .iter()
        .enumerate()
        .filter_map(|(index, subject)| Some((index, subject.strip.as_ref()?)))
        .collect();
    let pictures: Vec<&Grey> = strips.iter().map(|(_, strip)| *strip).collect();
    let Some(texts) = tesseract::read(&pictures) else {
        return;
    };
    let said: Vec<(usize, String, f64)> = strips
        .iter()
        .zip(texts.lines)
        .map(|((index, _), text)| (*index, text, texts.ms_each))
        .collect();
    for (index, text, ms) in said {
        let Some(subject) = read.get_mut(index) else {
            continue;
        };
        let truth = subject
            .answers
            .iter()
            .find(|answer| answer.way == "line")
            .and_then(|answer| answer.truth.clone());
        subject.answers.push(Answer {
            way: "tesseract",
            answer: (judge(&text, Turns::Printed).is_ok()).then_some(text),
            truth,
            ms: Some(ms),
        });
    }
}

/// The sample photographs, where there are any.
fn samples(options: &Options) -> anyhow::Result<Vec<Subject>> {
    let folder: PathBuf = options
        .samples
        .clone()
        .or_else(|| std::env::var_os("SESSHU_COUPON_SAMPLES").map(PathBuf::from))
        .unwrap_or_else(|| beside("../shared/coupon-samples"));
    let labels = folder.join("labels.csv");
    if !labels.exists() && options.samples.is_none() {
        return Ok(Vec::new());
    }
    let mut rows = csv::Reader::from_path(&labels)
        .with_context(|| format!("{} could not be read", labels.display()))?;
    let headers = rows.headers()?.clone();
    let mut subjects = Vec::new();
    for row in rows.records() {
        let row = row?;
        let field = |name: &str| {
            let column = headers.iter().position(|header| header == name);
            column
                .and_then(|column| row.get(column))
                .unwrap_or_default()
        };
        let said = |name: &str| Some(field(name).to_owned()).filter(|text| !text.is_empty());
        let file = folder.join(field("file"));
        let bytes =
            std::fs::read(&file).with_context(|| format!("{} is missing", file.display()))?;
        let numbers: Vec<f32> = field("ocr_quad")
            .split_whitespace()
            .filter_map(|number| number.parse().ok())
            .collect();
        subjects.push(Subject {
            name: field("file").to_owned(),
            picture: reader::decode_photo(&bytes)?,
            difficulty: Difficulty::named(field("difficulty")).unwrap_or_default(),
            digits: said("digits"),
            has_qr: field("has_qr") == "1",
            bars: said("nw7"),
            line: numbers
                .chunks_exact(2)
                .filter_map(|pair| Some((*pair.first()?, *pair.get(1)?)))
                .collect(),
        });
    }
    Ok(subjects)
}
