//! Bursts of up to five frames, decided as on the tablet.

use std::collections::BTreeMap;
use std::path::Path;

use reader::sessions::{Decision, Sessions, Sighting, Timers};
use reader::{Grey, Reading, read_frame};
use reading::{Damage, Difficulty, Framing, Maker, Purpose};

use super::{damage_of, in_parallel, one_of};
use crate::Options;

/// Frames of a burst.
const FRAMES: u64 = 5;
/// From frame to frame.
pub(super) const FRAME_MS: u64 = 200;

/// What became of the sessions with one damage.
#[derive(Default, serde::Serialize)]
pub struct Row {
    pub photographs: &'static str,
    pub damage: &'static str,
    /// Accepted, and right.
    pub auto: u64,
    /// Shown to a person, and right.
    pub confirm: u64,
    pub conflict: u64,
    pub no_read: u64,
    pub wrong_auto: u64,
    /// Shown to a person, who would have to notice.
    pub wrong_confirm: u64,
    /// Frames until the decision, all sessions together.
    pub frames: u64,
}

impl Row {
    pub fn all(&self) -> u64 {
        self.right() + self.conflict + self.no_read + self.wrong_auto + self.wrong_confirm
    }

    pub fn right(&self) -> u64 {
        self.auto + self.confirm
    }
}

/// What one frame shows, as the tablet has it: codes by a library, the line by us.
pub(super) fn sighting(picture: &Grey) -> Sighting {
    Sighting::from(&read(picture))
}

fn read(picture: &Grey) -> Reading {
    let codes = reader::read_qr_texts(picture);
    let is_coupon =
        |text: &&String| text.len() == reading::DIGITS && text.bytes().all(|b| b.is_ascii_digit());
    let qr = codes.iter().find(is_coupon).or(codes.first()).cloned();
    read_frame(picture, qr, reader::read_nw7(picture))
}

fn name(damage: Damage) -> &'static str {
    match damage {
        Damage::None => "none",
        Damage::Pen => "pen",
        Damage::Fold => "fold",
        Damage::Stamp => "stamp",
        Damage::Toner => "toner",
    }
}

pub fn measure(options: &Options, remarks: &mut Vec<String>) -> Vec<Row> {
    let outcomes = in_parallel(options.threads, options.sessions, |number| {
        session(options.from, number, |_, _| {})
    });
    let mut rows: BTreeMap<(Maker, Damage), Row> = BTreeMap::new();
    for outcome in outcomes {
        let row = rows.entry((outcome.maker, outcome.damage)).or_default();
        row.photographs = outcome.maker.code();
        row.damage = name(outcome.damage);
        row.frames += outcome.frames;
        let right = outcome.decision.digits() == Some(outcome.truth.as_str());
        match (&outcome.decision, right) {
            (Decision::Auto(_), true) => row.auto += 1,
            (Decision::Auto(_), false) => row.wrong_auto += 1,
            (Decision::Confirm(..), true) => row.confirm += 1,
            (Decision::Confirm(..), false) => row.wrong_confirm += 1,
            (Decision::Conflict, _) => row.conflict += 1,
            (Decision::Looking | Decision::NoRead, _) => row.no_read += 1,
        }
        if !right {
            remarks.push(format!(
                "session {} {} ({}, {}): {} {}, it is {}",
                outcome.maker.code(),
                outcome.seed,
                outcome.difficulty.code(),
                name(outcome.damage),
                outcome.decision.code(),
                outcome.decision.digits().unwrap_or_default(),
                outcome.truth
            ));
        }
    }
    rows.into_values().collect()
}

/// The frames of one session as files, and what each channel saw in them: to look at one that went wrong.
pub fn keep(from: u64, number: u64, folder: &Path) -> anyhow::Result<()> {
    let mut frames = Vec::new();
    let outcome = session(from, number, |picture, reading| {
        frames.push((picture.clone(), reading.clone()));
    });
    for (frame, (picture, reading)) in frames.iter().enumerate() {
        let told = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
        println!(
            "frame {frame}: code {}, line {} ({:.2}), bars {}",
            told(&reading.qr),
            told(&reading.ocr),
            reading.ocr_confidence,
            told(&reading.nw7)
        );
        crate::save(picture, &folder.join(format!("{number:06}-{frame}.png")))?;
        if let Some(strip) = reader::read_line(picture).and_then(|line| line.picture) {
            crate::save(
                &strip,
                &folder.join(format!("{number:06}-{frame}-strip.png")),
            )?;
        }
    }
    println!(
        "session {number} ({}, {}, {}): {}, it is {}",
        outcome.maker.code(),
        outcome.difficulty.code(),
        name(outcome.damage),
        outcome.decision.code(),
        outcome.truth
    );
    Ok(())
}

/// Both makers in turn.
pub(super) fn maker_of(number: u64) -> Maker {
    if number.is_multiple_of(2) {
        Maker::Studio
    } else {
        Maker::Field
    }
}

struct Outcome {
    maker: Maker,
    seed: u64,
    difficulty: Difficulty,
    damage: Damage,
    truth: String,
    decision: Decision,
    frames: u64,
}

/// The session with this number; `look` is shown each frame.
fn session(from: u64, number: u64, mut look: impl FnMut(&Grey, &Reading)) -> Outcome {
    let seed = from + 1_000_000 + number;
    let maker = maker_of(number);
    let difficulty = one_of(
        &[Difficulty::Easy, Difficulty::Medium, Difficulty::Hard],
        number / 2,
    );
    let damage = damage_of(number / 6);
    let coupon = maker.coupon(Purpose::Judging, seed, difficulty, damage);
    let mut sessions = Sessions::new(Timers::default());
    let mut decision = Decision::Looking;
    let mut frames = 0;
    while frames < FRAMES && matches!(decision, Decision::Looking | Decision::NoRead) {
        let taken = maker.shot(Purpose::Judging, &coupon, seed, frames, Framing::Coupon);
        let ticket = sessions.ticket(frames * FRAME_MS);
        let reading = read(&taken.picture);
        look(&taken.picture, &reading);
        decision = sessions.see(ticket, &Sighting::from(&reading));
        frames += 1;
    }
    Outcome {
        maker,
        seed,
        difficulty,
        damage,
        truth: coupon.digits().to_owned(),
        decision,
        frames,
    }
}

/// Sessions of all kinds together.
pub fn together(rows: &[Row]) -> Row {
    rows.iter().fold(Row::default(), |sum, row| Row {
        auto: sum.auto + row.auto,
        confirm: sum.confirm + row.confirm,
        conflict: sum.conflict + row.conflict,
        no_read: sum.no_read + row.no_read,
        wrong_auto: sum.wrong_auto + row.wrong_auto,
        wrong_confirm: sum.wrong_confirm + row.wrong_confirm,
        frames: sum.frames + row.frames,
        ..sum
    })
}
