//! `sesshu read IMAGE…`: the 18 digits out of pictures, without any database.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use reader::{Channel, Outcome, Reading};
use serde::Serialize;

use crate::api::coupons::municipality_known;
use crate::cli::say;

/// What `read` is told.
#[derive(Args)]
pub(super) struct Options {
    /// 写真（JPEG・PNG・WebP） / pictures (JPEG, PNG, WebP)
    #[arg(required = true, value_name = "IMAGE")]
    images: Vec<PathBuf>,
}

/// One line of the output; others script against it.
#[derive(Serialize)]
struct Line {
    file: String,
    result: &'static str,
    digits: Option<String>,
    by: Vec<&'static str>,
    municipality_known: bool,
    confidence: f32,
    reason: Option<&'static str>,
    ms: u64,
}

/// Prints one JSON line for each picture. A picture that cannot be read is an answer, not a failure.
pub(super) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    for image in &options.images {
        say(&serde_json::to_string(&line(image))?);
    }
    Ok(ExitCode::SUCCESS)
}

fn line(image: &Path) -> Line {
    let begun = std::time::Instant::now();
    let (reading, refused) = match std::fs::read(image) {
        Ok(bytes) => match reader::read(&bytes) {
            Ok(reading) => (Some(reading), None),
            Err(refusal) => (None, Some(refusal.code())),
        },
        Err(_) => (None, Some("file_unreadable")),
    };
    let digits = reading.as_ref().and_then(|reading| reading.digits.clone());
    let reason = match reading.as_ref().map(|reading| &reading.outcome) {
        Some(Outcome::Read) => None,
        Some(Outcome::No(why)) => Some(why.code()),
        None => refused,
    };
    Line {
        file: image.display().to_string(),
        result: if digits.is_some() { "read" } else { "no" },
        municipality_known: digits.as_deref().is_some_and(municipality_known),
        by: reading.as_ref().map(channels).unwrap_or_default(),
        confidence: reading.as_ref().map_or(0.0, |reading| reading.confidence),
        digits,
        reason,
        ms: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
    }
}

fn channels(reading: &Reading) -> Vec<&'static str> {
    reading
        .by
        .iter()
        .map(|channel: &Channel| channel.code())
        .collect()
}
