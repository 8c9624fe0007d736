//! The vials of a lot that stood in a cooler while it was outside, and what becomes of each.

use serde::{Deserialize, Serialize};

use super::Excursion;
use crate::calendar::Instant;

/// What is decided about vials in doubt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// They may be used here: the maker said so, or they stood in another cooler (使用可).
    Kept,
    /// They are thrown away (廃棄).
    Discarded,
    /// They may be used and were brought to another venue's cooler (救済・融通).
    Rescued,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Self; 3] = [Self::Kept, Self::Discarded, Self::Rescued];

    /// The word in tables, forms and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::Discarded => "discarded",
            Self::Rescued => "rescued",
        }
    }

    /// Reads that word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == word)
    }
}

/// What happened to the vials of one lot on the cooler's shelf since the excursion may have begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// Vials came onto the shelf or left it.
    Moved {
        /// When.
        at: Instant,
        /// How many more.
        change: i64,
        /// Whether they had left it before: opened and not opened after all, sent and not arrived.
        is_back: bool,
    },
    /// Somebody decided; thrown away or rescued they leave the shelf by this alone.
    Decided {
        /// When.
        at: Instant,
        /// What.
        outcome: Outcome,
        /// About how many.
        vials: i64,
    },
}

impl Event {
    /// When it happened.
    #[must_use]
    pub fn at(&self) -> Instant {
        match self {
            Self::Moved { at, .. } | Self::Decided { at, .. } => *at,
        }
    }
}

/// What became of the vials of one lot, in vials.
///
/// Invariant: `stood` is the sum of all others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fate {
    /// Stood in the cooler at some time of the excursion.
    pub stood: i64,
    /// Still there and in doubt: held until somebody decides.
    pub undecided: i64,
    /// Gone before anybody decided: given, opened, sent, lost.
    pub gone: i64,
    /// Kept.
    pub kept: i64,
    /// Thrown away.
    pub discarded: i64,
    /// Rescued.
    pub rescued: i64,
}

/// Follows the vials of one lot through an excursion: `before` were on the shelf when it may have begun, and the events
/// are those since then in order of time.
///
/// Which vial of a lot left the shelf nobody knows; a vial that was never in doubt is taken to have left first, so
/// that none in doubt is let go. To keep vials holds only if it was decided when the excursion was over.
#[must_use]
pub fn fate(excursion: &Excursion, before: i64, events: &[Event]) -> Fate {
    let mut balance = before;
    let mut fate = Fate {
        stood: before.max(0),
        undecided: before.max(0),
        ..Fate::default()
    };
    for event in events {
        match *event {
            Event::Moved {
                at,
                change,
                is_back,
            } if change > 0 => {
                // Of a balance below nothing, what comes first only fills the gap in the books.
                let more = (balance + change).max(0) - balance.max(0);
                balance += change;
                let back = if is_back { more.min(fate.gone) } else { 0 };
                fate.gone -= back;
                fate.undecided += back;
                if excursion.over.is_none_or(|over| at <= over) {
                    fate.stood += more - back;
                    fate.undecided += more - back;
                }
            }
            Event::Moved { change, .. } => {
                balance += change;
                let left = (fate.undecided - balance.max(0)).max(0);
                fate.undecided -= left;
                fate.gone += left;
            }
            // Who said so did not know what was still to come.
            Event::Decided {
                at,
                outcome: Outcome::Kept,
                ..
            } if excursion.over.is_none_or(|over| at < over) => {}
            Event::Decided { outcome, vials, .. } => {
                let vials = vials.clamp(0, fate.undecided);
                fate.undecided -= vials;
                match outcome {
                    Outcome::Kept => fate.kept += vials,
                    Outcome::Discarded => fate.discarded += vials,
                    Outcome::Rescued => fate.rescued += vials,
                }
                if outcome != Outcome::Kept {
                    balance -= vials;
                }
            }
        }
    }
    fate
}
