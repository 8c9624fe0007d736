//! The measurements, and the bars they are held against.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use reading::{Damage, Difficulty, Maker};

use crate::Options;

mod alternating;
mod bars;
mod displays;
mod photos;
mod sessions;
mod speed;
mod tesseract;

pub use displays::{keep as keep_display, run as run_displays};
pub use photos::believed;
pub use sessions::keep as keep_session;

/// The difficulty of a seed: each of four, one after the other.
pub fn difficulty_of(seed: u64) -> Difficulty {
    one_of(&Difficulty::ALL, seed)
}

/// The damage of a seed: each of five, one after the other.
pub fn damage_of(seed: u64) -> Damage {
    one_of(&Damage::ALL, seed)
}

fn one_of<T: Copy + Default>(choices: &[T], number: u64) -> T {
    let index = number % choices.len().max(1) as u64;
    choices.get(index as usize).copied().unwrap_or_default()
}

/// Both makers.
const MAKERS: [Maker; 2] = [Maker::Studio, Maker::Field];

/// Right, none and wrong.
#[derive(Clone, Copy, Default, Debug, serde::Serialize)]
struct Tally {
    exact: u64,
    none: u64,
    wrong: u64,
}

impl Tally {
    fn count(&mut self, answer: Option<&str>, truth: Option<&str>) {
        match (answer, truth) {
            (Some(answer), Some(truth)) if answer == truth => self.exact += 1,
            (Some(_), _) => self.wrong += 1,
            (None, _) => self.none += 1,
        }
    }

    fn all(&self) -> u64 {
        self.exact + self.none + self.wrong
    }

    fn exact_percent(&self) -> f64 {
        100.0 * self.exact as f64 / self.all().max(1) as f64
    }

    fn wrong_percent(&self) -> f64 {
        100.0 * self.wrong as f64 / self.all().max(1) as f64
    }
}

/// Everything that was measured.
#[derive(serde::Serialize)]
struct Report {
    /// Seeds begin here; another number gives other photographs.
    from: u64,
    photos: Vec<photos::Row>,
    tesseract: String,
    sessions: Vec<sessions::Row>,
    alternating: alternating::Outcome,
    speed: speed::Speed,
    /// What was read wrong: where, by which way, and what.
    wrong: Vec<String>,
    bars: Vec<bars::Bar>,
}

/// Measures everything, and prints it.
pub fn run(options: &Options) -> anyhow::Result<()> {
    let mut remarks = Vec::new();
    let photos = photos::measure(options, &mut remarks)?;
    let sessions = sessions::measure(options, &mut remarks);
    let alternating = alternating::measure(options, &mut remarks);
    let speed = speed::measure(options)?;
    let bars = bars::held(&photos.rows, &sessions, &alternating, &speed);
    let report = Report {
        from: options.from,
        photos: photos.rows,
        tesseract: photos.tesseract,
        sessions,
        alternating,
        speed,
        wrong: remarks,
        bars,
    };
    if options.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        report.print();
    }
    Ok(())
}

impl Report {
    fn print(&self) {
        println!("photographs   difficulty  way        photos  exact %   none  wrong     ms");
        for row in &self.photos {
            println!(
                "{:<12}  {:<10}  {:<9}  {:>6}  {:>7.1}  {:>5}  {:>5}  {}",
                row.photographs,
                row.difficulty,
                row.way,
                row.tally.all(),
                row.tally.exact_percent(),
                row.tally.none,
                row.tally.wrong,
                row.median_ms
                    .map_or_else(String::new, |ms| format!("{ms:>6.1}")),
            );
        }
        println!("Tesseract: {}\n", self.tesseract);
        println!(
            "sessions      damage   sessions   auto  confirm  conflict  no read  wrong auto  wrong confirm"
        );
        for row in &self.sessions {
            println!(
                "{:<12}  {:<7}  {:>8}  {:>5}  {:>7}  {:>8}  {:>7}  {:>10}  {:>13}",
                row.photographs,
                row.damage,
                row.all(),
                row.auto,
                row.confirm,
                row.conflict,
                row.no_read,
                row.wrong_auto,
                row.wrong_confirm
            );
        }
        self.alternating.print();
        self.speed.print();
        for remark in &self.wrong {
            println!("wrong: {remark}");
        }
        for bar in &self.bars {
            bar.print();
        }
    }
}

/// Does something for each number below `count` in as many threads, and gathers what comes out in order.
fn in_parallel<T: Send>(threads: usize, count: u64, work: impl Fn(u64) -> T + Sync) -> Vec<T> {
    let next = AtomicU64::new(0);
    let done = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count {
                        break;
                    }
                    let result = work(number);
                    if let Ok(mut done) = done.lock() {
                        done.push((number, result));
                    }
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_default();
    done.sort_by_key(|(number, _)| *number);
    done.into_iter().map(|(_, result)| result).collect()
}

/// How long this thread has worked, in milliseconds: what it would have taken on an idle core. Where the system does not
/// tell, the time that went by since `start`.
fn worked_ms(start: Instant) -> f64 {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanoseconds = told.and_then(|told| told.split(' ').next()?.parse::<f64>().ok());
    nanoseconds.map_or_else(
        || start.elapsed().as_secs_f64() * 1000.0,
        |nanoseconds| nanoseconds / 1e6,
    )
}

/// What a piece of work gives, and how many milliseconds of a core it took.
fn timed<T>(work: impl FnOnce() -> T) -> (T, f64) {
    let start = Instant::now();
    let before = worked_ms(start);
    let result = work();
    (result, worked_ms(start) - before)
}

/// The middle of some times in milliseconds.
fn median(mut times: Vec<f64>) -> Option<f64> {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied()
}

/// A folder of the workspace or beside it.
fn beside(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(path)
}
