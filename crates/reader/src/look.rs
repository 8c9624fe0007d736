//! The order in which a picture is looked at: what is quick and likely first, patience only where it is needed.

use crate::codes::{Qr, read_nw7, read_qr_patiently, read_qr_quickly};
use crate::fusion::{Found, Outcome, Why, weigh};
use crate::grey::{Grey, Turn};
use crate::line::{LineReading, read_line};

/// Everything that can be found in a picture.
pub(crate) fn look(grey: &Grey) -> Found {
    let mut qr = read_qr_quickly(grey);
    let mut found = Found::default();
    for turn in turns(qr.as_ref()) {
        if turn == Turn::None {
            look_upright(grey, &mut found);
        } else {
            look_upright(&grey.turned(turn), &mut found);
        }
        if found
            .line
            .as_ref()
            .is_some_and(|line| line.confidence() > 0.0)
        {
            break;
        }
    }
    found.qr = qr.as_ref().map(|qr| qr.text.clone());
    if !qr.as_ref().is_some_and(Qr::is_coupon) && wants_confirmation(&found) {
        qr = read_qr_patiently(grey).or(qr);
        found.qr = qr.map(|qr| qr.text);
    }
    found
}

/// A QR code tells how the coupon lies. Else the picture is turned until something is legible.
fn turns(qr: Option<&Qr>) -> Vec<Turn> {
    match qr {
        Some(qr) => vec![qr.turn],
        None => vec![Turn::None, Turn::Quarter, Turn::Half, Turn::ThreeQuarters],
    }
}

/// The line and the bars.
fn look_upright(grey: &Grey, found: &mut Found) {
    let line = read_line(grey);
    let surer = |old: &LineReading, new: &LineReading| {
        new.confidence() > old.confidence() || old.digits.is_none()
    };
    if let Some(line) = line
        && found.line.as_ref().is_none_or(|old| surer(old, &line))
    {
        found.line = Some(line);
    }
    found.nw7 = found.nw7.take().or_else(|| read_nw7(grey));
}

/// Fewer than two channels have spoken, and more could be said.
fn wants_confirmation(found: &Found) -> bool {
    let verdict = weigh(found);
    match verdict.outcome {
        Outcome::Read => verdict.by.len() < 2,
        Outcome::No(why) => why != Why::CodesDisagree,
    }
}
