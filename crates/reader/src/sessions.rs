//! One coupon before the camera, frame after frame: when a reading is accepted, when a person must look, and when the
//! digits are typed.
//!
//! A session is the time in which one coupon lies before the camera. It ends by a person's word ([`Sessions::next`]) or
//! after a while without any reading ([`Timers::forgotten_after_ms`]), and nothing is carried over to the one that
//! follows: what the camera says of this coupon is never shown for the next. A reading that differs within a session is
//! no new coupon but a contradiction.
//!
//! Votes over frames take blur and noise out, but not damage: a pen stroke that makes a 9 of a 0 makes it in every
//! frame. So a second frame is no second channel, and the line alone is never accepted without a person.
//!
//! Pure: the times come from outside, in milliseconds of one clock that does not run backwards.

use std::collections::BTreeMap;
use std::fmt;

use crate::Reading;
use crate::check::{Doubt, Turns, judge};
use crate::fusion::{Channel, TICKET_DIGITS};
use crate::line::CONFIDENCE_MIN;

/// Frames in which the line must stand before a person is asked to confirm it alone.
const LINE_ALONE_FRAMES: u32 = 3;
/// Frames in which the line must stand where only the bars confirm it, and they only the ticket number.
const LINE_AND_BARS_FRAMES: u32 = 2;
/// Frames in which a line must stand that is not sure in any, where the bars and the municipality's check digit vouch for
/// all of it but its first two digits.
const FAINT_FRAMES: u32 = 3;
/// Frames in which a QR code must stand that nothing else confirms.
const QR_ALONE_FRAMES: u32 = 2;

/// How long things take, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timers {
    /// Without any reading for this long the coupon is gone. Must be longer than two frames take to be read.
    pub forgotten_after_ms: u64,
    /// A QR code that was seen once and never confirmed is shown to a person after this long.
    pub qr_alone_after_ms: u64,
    /// After this long without a decision the digits are typed.
    pub given_up_after_ms: u64,
}

impl Default for Timers {
    fn default() -> Timers {
        Timers {
            forgotten_after_ms: 1_000,
            qr_alone_after_ms: 3_000,
            given_up_after_ms: 5_000,
        }
    }
}

/// Names one coupon's session; each is one more than the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(u64);

impl SessionId {
    /// As a number, for a host that speaks no Rust.
    pub fn number(self) -> u64 {
        self.0
    }
}

/// Given to a frame when it is taken: what it shows is believed only in the session in which it was taken, however
/// late the reader is done with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket {
    session: SessionId,
    taken_at_ms: u64,
}

impl Ticket {
    /// The session in which the frame was taken.
    pub fn session(self) -> SessionId {
        self.session
    }
}

/// What the three channels saw in one frame. Only what may be a coupon's counts as seen.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Sighting {
    qr: Option<String>,
    line: Option<String>,
    /// 10 or 18 digits.
    bars: Option<String>,
    /// A line that is not sure, completed from elsewhere.
    completed: Option<String>,
    /// All 18 digits of a line that is not sure, as they seem to be.
    faint: Option<String>,
    /// The frame shows two lines, or codes, that differ.
    contradictory: bool,
}

impl Sighting {
    /// Of texts as decoders give them: what cannot be a coupon's is dropped. `line` must be sure already.
    pub fn new(qr: Option<&str>, line: Option<&str>, bars: Option<&str>) -> Sighting {
        let plausible = |turns| move |text: &&str| judge(text, turns).is_ok();
        let of_coupon = |text: &&str| {
            matches!(text.len(), TICKET_DIGITS | crate::chain::DIGITS)
                && text.bytes().all(|digit| digit.is_ascii_digit())
        };
        Sighting {
            qr: qr.filter(plausible(Turns::Any)).map(str::to_owned),
            line: line.filter(plausible(Turns::Printed)).map(str::to_owned),
            bars: bars.filter(of_coupon).map(str::to_owned),
            completed: None,
            faint: None,
            contradictory: false,
        }
    }

    /// The same frame, in which a line that is not sure seems to say this.
    #[must_use]
    pub fn seeming(self, line: Option<&str>) -> Sighting {
        let plausible = |text: &&str| judge(text, Turns::Printed).is_ok();
        Sighting {
            faint: line.filter(plausible).map(str::to_owned),
            ..self
        }
    }

    /// The same frame, in which the line was read with a digit or two that others had to tell
    /// ([`Reading::completed`]).
    #[must_use]
    pub fn completing(self, line: Option<&str>) -> Sighting {
        let plausible = |text: &&str| judge(text, Turns::Printed).is_ok();
        Sighting {
            completed: line.filter(plausible).map(str::to_owned),
            ..self
        }
    }

    /// Whether the frame showed nothing of a coupon.
    pub fn is_empty(&self) -> bool {
        !self.contradictory
            && [
                &self.qr,
                &self.line,
                &self.bars,
                &self.completed,
                &self.faint,
            ]
            .iter()
            .all(|seen| seen.is_none())
    }
}

impl From<&Reading> for Sighting {
    fn from(reading: &Reading) -> Sighting {
        let sure = reading.ocr_confidence >= CONFIDENCE_MIN || reading.by.contains(&Channel::Ocr);
        let seen = Sighting::new(
            reading.qr.as_deref(),
            reading.ocr.as_deref().filter(|_| sure),
            reading.nw7.as_deref(),
        );
        Sighting {
            contradictory: !reading.conflict.is_empty(),
            ..seen
                .completing(reading.completed.as_deref().filter(|_| !sure))
                .seeming(reading.ocr.as_deref().filter(|_| !sure))
        }
    }
}

/// Without the digits: they name a person's coupon and belong in no log.
impl fmt::Debug for Sighting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sighting")
            .field("qr", &self.qr.is_some())
            .field("line", &self.line.is_some())
            .field("bars", &self.bars.is_some())
            .field("completed", &self.completed.is_some())
            .field("faint", &self.faint.is_some())
            .field("contradictory", &self.contradictory)
            .finish()
    }
}

/// What is to be done with the coupon now.
#[derive(Clone, PartialEq, Eq)]
pub enum Decision {
    /// Nothing yet: go on looking.
    Looking,
    /// Two channels that were printed and decoded independently agree, or the QR code twice: these are the digits.
    Auto(String),
    /// A person compares the digits with the picture of the line, the name and the date of birth; the default answer
    /// is "no". The channel is the only one that says so.
    Confirm(String, Channel),
    /// Two readings differ. Never accepted: the digits are typed, twice ([`Sessions::typed`]).
    Conflict,
    /// It takes too long: the digits are typed. Should the camera still read them, that counts.
    NoRead,
}

impl Decision {
    /// A stable name for machines.
    pub fn code(&self) -> &'static str {
        match self {
            Decision::Looking => "looking",
            Decision::Auto(_) => "auto",
            Decision::Confirm(..) => "confirm",
            Decision::Conflict => "conflict",
            Decision::NoRead => "no_read",
        }
    }

    /// The digits that are accepted, or proposed to a person.
    pub fn digits(&self) -> Option<&str> {
        match self {
            Decision::Auto(digits) | Decision::Confirm(digits, _) => Some(digits),
            Decision::Looking | Decision::Conflict | Decision::NoRead => None,
        }
    }

    fn is_made(&self) -> bool {
        !matches!(self, Decision::Looking | Decision::NoRead)
    }
}

/// Without the digits.
impl fmt::Debug for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// What becomes of typed digits.
#[derive(Clone, PartialEq, Eq)]
pub enum Typed {
    /// These are the digits.
    Accepted(String),
    /// They differ from what the camera read, or the camera contradicts itself: to be typed once more from the paper.
    Again,
    /// The second typing differs from the first: both are forgotten.
    Differs,
    /// They cannot be a coupon's.
    Refused(Doubt),
}

impl Typed {
    /// A stable name for machines.
    pub fn code(&self) -> &'static str {
        match self {
            Typed::Accepted(_) => "accepted",
            Typed::Again => "again",
            Typed::Differs => "differs",
            Typed::Refused(_) => "refused",
        }
    }
}

/// Without the digits.
impl fmt::Debug for Typed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// What one session has seen so far.
///
/// Invariant: unless `contradictory`, the bars are the end of `digits` and of each other. The order in which frames
/// came does not show.
#[derive(Clone, Default)]
struct Evidence {
    /// What QR code and line say.
    digits: Option<String>,
    qr_frames: u32,
    line_frames: u32,
    ticket_bars: Option<String>,
    whole_bars: Option<String>,
    /// What unsure lines come to with the help of others: once they differ nothing is made of them any more.
    completed: Option<String>,
    completed_frames: u32,
    completed_differ: bool,
    /// What unsure lines seem to say, and in how many frames.
    faint: BTreeMap<String, u32>,
    contradictory: bool,
    first_qr_at_ms: Option<u64>,
    last_at_ms: Option<u64>,
}

impl Evidence {
    fn add(&mut self, sighting: &Sighting, at_ms: u64) {
        if sighting.is_empty() {
            return;
        }
        self.last_at_ms = self.last_at_ms.max(Some(at_ms));
        self.contradictory |= sighting.contradictory;
        for digits in [&sighting.qr, &sighting.line].into_iter().flatten() {
            self.contradictory |= self.digits.as_ref().is_some_and(|other| other != digits);
            self.digits.get_or_insert_with(|| digits.clone());
        }
        if let Some(completed) = &sighting.completed {
            let before = self.completed.get_or_insert_with(|| completed.clone());
            self.completed_differ |= before != completed;
            self.completed_frames = self.completed_frames.saturating_add(1);
        }
        if let Some(faint) = &sighting.faint {
            // One that was completed to the same is counted there.
            let frames = self.faint.entry(faint.clone()).or_default();
            let is_new = sighting.completed.as_ref() != Some(faint);
            *frames = frames.saturating_add(u32::from(is_new));
        }
        if let Some(bars) = &sighting.bars {
            let seat = if bars.len() == TICKET_DIGITS {
                &mut self.ticket_bars
            } else {
                &mut self.whole_bars
            };
            self.contradictory |= seat.as_ref().is_some_and(|other| other != bars);
            seat.get_or_insert_with(|| bars.clone());
        }
        self.contradictory |= self.channels_differ();
        if sighting.qr.is_some() {
            self.qr_frames = self.qr_frames.saturating_add(1);
            let earliest = self.first_qr_at_ms.map_or(at_ms, |first| first.min(at_ms));
            self.first_qr_at_ms = Some(earliest);
        }
        if sighting.line.is_some() {
            self.line_frames = self.line_frames.saturating_add(1);
        }
    }

    fn channels_differ(&self) -> bool {
        let ends_otherwise = |whole: &String| {
            self.ticket_bars
                .as_ref()
                .is_some_and(|ticket| !whole.ends_with(ticket.as_str()))
        };
        let bars_differ = match (&self.digits, &self.whole_bars) {
            (Some(digits), Some(bars)) => digits != bars,
            _ => false,
        };
        bars_differ
            || [&self.digits, &self.whole_bars]
                .into_iter()
                .flatten()
                .any(ends_otherwise)
    }

    /// The decision, but for giving up.
    fn decision(&self, timers: Timers, now_ms: u64) -> Decision {
        if self.contradictory {
            return Decision::Conflict;
        }
        let Some(digits) = self.digits.clone() else {
            return self.completed_decision();
        };
        let has_bars = self.ticket_bars.is_some() || self.whole_bars.is_some();
        let qr_confirmed = self.qr_frames >= QR_ALONE_FRAMES || self.line_frames > 0 || has_bars;
        if self.qr_frames > 0 && qr_confirmed {
            return Decision::Auto(digits);
        }
        if self.line_frames >= LINE_AND_BARS_FRAMES && has_bars {
            return Decision::Auto(digits);
        }
        let line_frames = self.line_frames + self.unsure_frames_of(&digits);
        if line_frames >= LINE_ALONE_FRAMES && self.line_frames > 0 {
            return Decision::Confirm(digits, Channel::Ocr);
        }
        let qr_waits = self
            .first_qr_at_ms
            .is_some_and(|first| now_ms.saturating_sub(first) >= timers.qr_alone_after_ms);
        if qr_waits {
            return Decision::Confirm(digits, Channel::Qr);
        }
        Decision::Looking
    }

    /// Of a line of which no frame showed every digit well: as of the line alone, for a person.
    fn completed_decision(&self) -> Decision {
        let has_bars = self.ticket_bars.is_some() || self.whole_bars.is_some();
        let frames_wanted = if has_bars {
            LINE_AND_BARS_FRAMES
        } else {
            LINE_ALONE_FRAMES
        };
        let completed = self.completed.as_deref();
        let completed = completed.filter(|digits| self.unsure_frames_of(digits) >= frames_wanted);
        match completed.or_else(|| self.faint_alone()) {
            Some(digits) => Decision::Confirm(digits.to_owned(), Channel::Ocr),
            None => Decision::Looking,
        }
    }

    /// What the unsure lines of all frames seem to say, where the bars say the same.
    fn faint_alone(&self) -> Option<&str> {
        let has_bars = self.ticket_bars.is_some() || self.whole_bars.is_some();
        let digits = self.faint.keys().next()?;
        let is_only = self.faint.len() == 1
            && !self.completed_differ
            && self.completed.as_ref().is_none_or(|other| other == digits);
        let stands = self.unsure_frames_of(digits) >= FAINT_FRAMES;
        (has_bars && is_only && stands).then_some(digits.as_str())
    }

    /// Whether the bars, as far as they were seen, are the end of these digits.
    fn bars_end(&self, digits: &str) -> bool {
        [&self.ticket_bars, &self.whole_bars]
            .into_iter()
            .flatten()
            .all(|bars| digits.ends_with(bars.as_str()))
    }

    /// Frames in which an unsure line came to these digits or seems to say them; of those that were completed none
    /// where others came to something else.
    fn unsure_frames_of(&self, digits: &str) -> u32 {
        if !self.bars_end(digits) {
            return 0;
        }
        let is_completed = !self.completed_differ && self.completed.as_deref() == Some(digits);
        let completed = if is_completed {
            self.completed_frames
        } else {
            0
        };
        let faint = self.faint.get(digits).copied().unwrap_or_default();
        completed.saturating_add(faint)
    }

    /// Whether what was read, whole or in part, says something else.
    fn contradicts(&self, typed: &str) -> bool {
        let differs = |other: &Option<String>| other.as_ref().is_some_and(|other| other != typed);
        let ends_otherwise = |ticket: &String| !typed.ends_with(ticket.as_str());
        self.contradictory
            || differs(&self.digits)
            || differs(&self.whole_bars)
            || self.ticket_bars.as_ref().is_some_and(ends_otherwise)
    }
}

/// The camera's sessions, one after the other.
///
/// A host takes a [`Ticket`] with each frame, hands in what the reader made of it, and shows the [`Decision`]. When one
/// is made it stops the camera and shows that one; [`Sessions::next`] begins with the next coupon.
#[derive(Clone)]
pub struct Sessions {
    timers: Timers,
    session: SessionId,
    evidence: Evidence,
    /// Since when there is no decision; known from the first frame on.
    undecided_since_ms: Option<u64>,
    typed_once: Option<String>,
}

impl Sessions {
    /// Before the first coupon.
    pub fn new(timers: Timers) -> Sessions {
        Sessions {
            timers,
            session: SessionId(1),
            evidence: Evidence::default(),
            undecided_since_ms: None,
            typed_once: None,
        }
    }

    /// The present session.
    pub fn session(&self) -> SessionId {
        self.session
    }

    /// The next coupon, by a person's word. Everything of the one before is forgotten.
    pub fn next(&mut self, now_ms: u64) -> SessionId {
        self.forget();
        self.undecided_since_ms = Some(now_ms);
        self.session
    }

    /// For a frame that is taken now.
    pub fn ticket(&mut self, now_ms: u64) -> Ticket {
        self.forget_what_is_gone(now_ms);
        self.undecided_since_ms.get_or_insert(now_ms);
        Ticket {
            session: self.session,
            taken_at_ms: now_ms,
        }
    }

    /// What the reader saw in a frame. A frame of a session that is over changes nothing.
    pub fn see(&mut self, ticket: Ticket, sighting: &Sighting) -> Decision {
        let at_ms = ticket.taken_at_ms;
        if ticket.session == self.session && !self.is_overtaken(at_ms) {
            // Frames are read side by side: only now may it be known that nothing was read for long before this one.
            self.forget_what_is_gone(at_ms);
            self.evidence.add(sighting, at_ms);
        }
        self.decision(at_ms)
    }

    /// The decision as it stands now. It changes by time as well as by frames.
    pub fn decision(&self, now_ms: u64) -> Decision {
        if self.is_gone(now_ms) {
            return Decision::Looking;
        }
        let decision = self.evidence.decision(self.timers, now_ms);
        let gives_up = self
            .undecided_since_ms
            .is_some_and(|since| now_ms.saturating_sub(since) >= self.timers.given_up_after_ms);
        if decision == Decision::Looking && gives_up {
            return Decision::NoRead;
        }
        decision
    }

    /// Digits that a person typed for the coupon of this session. After a contradiction, and where the camera read
    /// something else, they are typed twice.
    pub fn typed(&mut self, digits: &str) -> Typed {
        if let Err(doubt) = judge(digits, Turns::Any) {
            return Typed::Refused(doubt);
        }
        match self.typed_once.take() {
            Some(first) if first == digits => Typed::Accepted(digits.to_owned()),
            Some(_) => Typed::Differs,
            None if self.evidence.contradicts(digits) => {
                self.typed_once = Some(digits.to_owned());
                Typed::Again
            }
            None => Typed::Accepted(digits.to_owned()),
        }
    }

    fn is_gone(&self, now_ms: u64) -> bool {
        self.evidence
            .last_at_ms
            .is_some_and(|last| now_ms.saturating_sub(last) >= self.timers.forgotten_after_ms)
    }

    /// Taken so long before the last reading that it may show the coupon before.
    fn is_overtaken(&self, taken_at_ms: u64) -> bool {
        self.evidence
            .last_at_ms
            .is_some_and(|last| last.saturating_sub(taken_at_ms) >= self.timers.forgotten_after_ms)
    }

    fn forget_what_is_gone(&mut self, now_ms: u64) {
        if !self.is_gone(now_ms) {
            return;
        }
        // One that comes and goes, and is never read well enough, is given up like one that is not read at all.
        let last_at_ms = self.evidence.last_at_ms.unwrap_or(now_ms);
        if self.evidence.decision(self.timers, last_at_ms).is_made() {
            self.undecided_since_ms = Some(now_ms);
        }
        self.forget();
    }

    fn forget(&mut self) {
        self.session = SessionId(self.session.0.wrapping_add(1));
        self.evidence = Evidence::default();
        self.typed_once = None;
    }
}

/// Without the digits.
impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions")
            .field("session", &self.session)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "sessions_tests.rs"]
mod tests;
