//! How long the module that the tablet runs takes for a frame: natively, and as WebAssembly under Node.

use std::io::Write;
use std::process::{Command, Stdio};

use anyhow::Context;
use reader::{Grey, read_frame};
use reading::{Damage, Framing, Purpose};

use super::{MAKERS, beside, difficulty_of, median, timed};
use crate::Options;

/// Frames of each maker.
const FRAMES: u64 = 24;
/// The committed module.
const MODULE: &str = "crates/server/assets/tablet/reader.wasm";
/// Reads a list of frames with the module, and says for each how long it took and what was answered.
const SCRIPT: &str = include_str!("wasm.mjs");

/// Milliseconds of a core, one frame after the other.
#[derive(serde::Serialize)]
pub struct Speed {
    pub frames: usize,
    pub native_ms: f64,
    pub native_p90_ms: f64,
    /// `None` where there is no Node.
    pub wasm_ms: Option<f64>,
    pub wasm_p90_ms: Option<f64>,
    /// Frames for which the module answers otherwise than the native reader.
    pub differing: Option<u64>,
    /// Of the module, as it is committed.
    pub module_bytes: u64,
}

impl Speed {
    pub fn print(&self) {
        let wasm = match (self.wasm_ms, self.wasm_p90_ms, self.differing) {
            (Some(ms), Some(p90), Some(differing)) => {
                format!("WebAssembly {ms:.1} (p90 {p90:.1}), {differing} answers differ")
            }
            _ => "WebAssembly not measured: no Node on this machine".to_owned(),
        };
        println!(
            "ms of a core for a frame, line and weighing, {} frames: native {:.1} (p90 {:.1}); {wasm}; module of {} bytes\n",
            self.frames, self.native_ms, self.native_p90_ms, self.module_bytes
        );
    }
}

pub fn measure(options: &Options) -> anyhow::Result<Speed> {
    let frames = frames(options.from + 3_000_000);
    let mut times = Vec::new();
    let mut answers = Vec::new();
    for frame in &frames {
        let (reading, ms) = timed(|| read_frame(frame, None, None));
        times.push(ms);
        answers.push(reading.digits.unwrap_or_default());
    }
    let module = beside(MODULE);
    let wasm = by_node(&frames, &module)?;
    let differing = wasm.as_ref().map(|told| {
        let pairs = told.iter().zip(&answers);
        pairs.filter(|((_, said), native)| said != *native).count() as u64
    });
    let wasm_times = || Some(wasm.as_ref()?.iter().map(|(ms, _)| *ms).collect());
    Ok(Speed {
        frames: frames.len(),
        native_ms: median(times.clone()).unwrap_or_default(),
        native_p90_ms: p90(times).unwrap_or_default(),
        wasm_ms: wasm_times().and_then(median),
        wasm_p90_ms: wasm_times().and_then(p90),
        differing,
        module_bytes: std::fs::metadata(&module).map_or(0, |file| file.len()),
    })
}

fn p90(mut times: Vec<f64>) -> Option<f64> {
    times.sort_by(f64::total_cmp);
    times.get(times.len() * 9 / 10).copied()
}

/// A quarter of each difficulty, negatives too: those take longest.
fn frames(from: u64) -> Vec<Grey> {
    let of_one = |maker: reading::Maker| {
        (from..from + FRAMES).map(move |seed| {
            let difficulty = difficulty_of(seed);
            let coupon = maker.coupon(Purpose::Judging, seed, difficulty, Damage::None);
            let taken = maker.shot(Purpose::Judging, &coupon, seed, 0, Framing::Coupon);
            taken.picture
        })
    };
    MAKERS.into_iter().flat_map(of_one).collect()
}

/// Milliseconds and digits of each frame; `None` without Node.
fn by_node(
    frames: &[Grey],
    module: &std::path::Path,
) -> anyhow::Result<Option<Vec<(f64, String)>>> {
    let folder = tempfile::tempdir()?;
    let (script, data) = (folder.path().join("wasm.mjs"), folder.path().join("frames"));
    std::fs::write(&script, SCRIPT)?;
    let mut file = std::io::BufWriter::new(std::fs::File::create(&data)?);
    for frame in frames {
        for side in [frame.width(), frame.height()] {
            file.write_all(&(side as u32).to_le_bytes())?;
        }
        file.write_all(frame.pixels())?;
    }
    file.flush()?;
    let told = Command::new("node")
        .args([script.as_path(), module, data.as_path()])
        .stderr(Stdio::inherit())
        .output();
    let Ok(told) = told else {
        return Ok(None);
    };
    anyhow::ensure!(told.status.success(), "the module could not be run by Node");
    let said: Vec<(f64, String)> =
        serde_json::from_slice(&told.stdout).context("the script told something else")?;
    Ok(Some(said))
}
