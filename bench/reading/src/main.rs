//! How well the coupon reader reads, and what it is trained on.
//!
//! `cargo xtask bench read [--json] [--photos N] [--sessions N] [--alternating N] [--samples FOLDER] [--from SEED]
//! [--net FILE] [--threads N]`: right, none and wrong on photographs made for judging, on the sample photographs, in
//! bursts, and beside Tesseract; and how long a frame takes, natively and as WebAssembly.
//!
//! `… read strips FILE --maker studio|field --count N [--from SEED] [--hard]`: strips to train on (only those that the
//! reader as it is finds hard).
//!
//! `… read album FOLDER --maker studio|field --count N [--from SEED] [--missed]`: photographs with labels, to look at
//! (only those whose line is not read by itself, and their strips).
//!
//! `… read session FOLDER [--from SEED] --number N`: the frames of one burst of the benchmark, and what was seen in each.
//!
//! `… read displays [--count N] [--from SEED]`: photographs of coolers' displays, right, none and wrong; `… read displays
//! FOLDER [--from SEED] --number N`: one of each difficulty as files.
#![expect(
    clippy::print_stdout,
    reason = "a command-line tool says what it measured"
)]

mod judge;

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use reader::Grey;
use reading::{Damage, Difficulty, Framing, Maker, Purpose, records};

/// What is asked for.
struct Options {
    json: bool,
    photos: u64,
    sessions: u64,
    alternating: u64,
    samples: Option<PathBuf>,
    from: u64,
    count: u64,
    number: u64,
    maker: Option<Maker>,
    hard: bool,
    missed: bool,
    threads: usize,
    words: Vec<String>,
}

impl Options {
    fn parse(mut words: impl Iterator<Item = String>) -> anyhow::Result<Options> {
        let mut options = Options {
            json: false,
            photos: 200,
            sessions: 3_000,
            alternating: 60,
            samples: None,
            from: 1,
            count: 20,
            number: 0,
            maker: None,
            hard: false,
            missed: false,
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            words: Vec::new(),
        };
        while let Some(word) = words.next() {
            let mut value = || words.next().context(format!("{word} wants a value"));
            match word.as_str() {
                "--json" => options.json = true,
                "--hard" => options.hard = true,
                "--missed" => options.missed = true,
                "--photos" => options.photos = value()?.parse()?,
                "--sessions" => options.sessions = value()?.parse()?,
                "--alternating" => options.alternating = value()?.parse()?,
                "--samples" => options.samples = Some(value()?.into()),
                "--from" => options.from = value()?.parse()?,
                "--count" => options.count = value()?.parse()?,
                "--number" => options.number = value()?.parse()?,
                "--net" => {
                    let file = value()?;
                    let weights = std::fs::read(&file)?;
                    anyhow::ensure!(reader::training::read_with(&weights), "{file} is no net");
                }
                "--threads" => options.threads = value()?.parse()?,
                "--maker" => {
                    options.maker = Some(match value()?.as_str() {
                        "studio" => Maker::Studio,
                        "field" => Maker::Field,
                        other => bail!("there is no maker {other:?}; there are: studio, field"),
                    });
                }
                other if other.starts_with('-') => bail!("unknown: {other}"),
                _ => options.words.push(word),
            }
        }
        Ok(options)
    }

    fn word(&self, index: usize) -> Option<&str> {
        self.words.get(index).map(String::as_str)
    }
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse(std::env::args().skip(1))?;
    match (options.word(0), options.word(1)) {
        (None, _) => judge::run(&options),
        (Some("strips"), Some(file)) => write_strips(&options, file),
        (Some("album"), Some(folder)) => write_album(&options, folder),
        (Some("session"), Some(folder)) => {
            std::fs::create_dir_all(folder)?;
            judge::keep_session(options.from, options.number, Path::new(folder))
        }
        (Some("displays"), None) => {
            judge::run_displays(&options);
            Ok(())
        }
        (Some("displays"), Some(folder)) => {
            std::fs::create_dir_all(folder)?;
            for difficulty in Difficulty::ALL {
                judge::keep_display(options.from, options.number, difficulty, Path::new(folder))?;
            }
            Ok(())
        }
        _ => bail!("read [OPTIONS] | read strips FILE | read album FOLDER | read session FOLDER"),
    }
}

/// 32 x 336 pixels and 84 targets for each strip, one after the other.
fn write_strips(options: &Options, file: &str) -> anyhow::Result<()> {
    let maker = options.maker.context("--maker is wanted")?;
    let mut out = std::io::BufWriter::new(std::fs::File::create(file)?);
    let (mut strips, mut hard) = (0, 0);
    for seed in options.from..options.from + options.count {
        for record in records(maker, seed) {
            hard += u64::from(record.is_hard);
            if record.is_hard || !options.hard {
                out.write_all(&record.pixels)?;
                out.write_all(&record.targets)?;
                strips += 1;
            }
        }
    }
    out.flush()?;
    println!(
        "{strips} strips from {} photographs, {hard} of them hard",
        options.count
    );
    Ok(())
}

fn write_album(options: &Options, folder: &str) -> anyhow::Result<()> {
    let maker = options.maker.context("--maker is wanted")?;
    std::fs::create_dir_all(folder)?;
    let folder = PathBuf::from(folder);
    let mut labels = csv::Writer::from_path(folder.join("labels.csv"))?;
    labels.write_record(["file", "difficulty", "digits", "has_qr", "nw7"])?;
    for seed in options.from..options.from + options.count {
        let difficulty = judge::difficulty_of(seed);
        let damage = if seed % 8 < 4 {
            Damage::None
        } else {
            judge::damage_of(seed)
        };
        let coupon = maker.coupon(Purpose::Judging, seed, difficulty, damage);
        let taken = maker.shot(Purpose::Judging, &coupon, seed, 0, Framing::Coupon);
        let name = format!("{}-{seed:06}.png", maker.code());
        if options.missed {
            let line = reader::read_line(&taken.picture);
            if judge::believed(line.as_ref()) == taken.truth.digits.as_deref() {
                continue;
            }
            if let Some(strip) = line.and_then(|line| line.picture) {
                save(
                    &strip,
                    &folder.join(format!("{}-{seed:06}-strip.png", maker.code())),
                )?;
            }
        }
        save(&taken.picture, &folder.join(&name))?;
        let truth = taken.truth;
        let has_qr = if truth.has_qr { "1" } else { "0" };
        let (digits, bars) = (
            truth.digits.unwrap_or_default(),
            truth.bars.unwrap_or_default(),
        );
        labels.write_record([&name, Difficulty::code(difficulty), &digits, has_qr, &bars])?;
    }
    labels.flush()?;
    Ok(())
}

fn save(picture: &Grey, file: &Path) -> anyhow::Result<()> {
    let (width, height) = (picture.width() as u32, picture.height() as u32);
    image::GrayImage::from_raw(width, height, picture.pixels().to_vec())
        .context("a picture has pixels")?
        .save(file)?;
    Ok(())
}
