//! The reader for a browser: a frame in, an answer out.
//!
//! The module keeps the sessions of the coupons before the camera ([`Sessions`]) and five pieces of memory: the frame
//! and the texts of its codes going in, the answer and the strip coming out. A caller asks for room, writes the pixels
//! there, calls `read`, and reads the answer where `answer_start` says. There is no pointer that Rust follows: all
//! memory is owned by vectors of this module, so that wrong lengths can give a wrong answer but touch nothing else.
//!
//! The answer is lines of `name value`, so that no format has to be brought along:
//!
//! ```text
//! outcome read            or the reason: nothing_found, line_unsure, codes_disagree …
//! digits 211310320000012345
//! by qr ocr
//! confidence 0.99900
//! ocr 211310320000012345
//! ocr_confidence 0.98120
//! conflict qr 211310320000012345
//! strip 640 48            width and height of the strip; its grey pixels begin at `strip_start`
//! session 3               the coupon's session
//! decision auto 211310320000012345        or confirm with digits and channel; looking, conflict, no_read
//! ```

use reader::sessions::{Decision, Sessions, Sighting};
use reader::{Grey, Outcome, Reading, read_frame};

/// A frame and what was decoded in it by others.
pub struct Frame<'a> {
    /// Pixels in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Grey, 8 bits each, row after row.
    pub pixels: Vec<u8>,
    /// The text of a QR code; empty for none.
    pub qr: &'a str,
    /// The digits of a bar code; empty for none.
    pub nw7: &'a str,
    /// When it was taken, in milliseconds of a clock that does not run backwards.
    pub taken_at_ms: u64,
}

/// Reads a frame in the present session: the answer as lines, and the pixels of the strip. What is no frame gives an
/// empty answer.
pub fn answer(sessions: &mut Sessions, frame: Frame<'_>) -> (String, Vec<u8>) {
    let said = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let ticket = sessions.ticket(frame.taken_at_ms);
    let Some(grey) = Grey::new(frame.width, frame.height, frame.pixels) else {
        return (String::new(), Vec::new());
    };
    let reading = read_frame(&grey, said(frame.qr), said(frame.nw7));
    let decision = sessions.see(ticket, &Sighting::from(&reading));
    let (mut lines, strip) = written(&reading);
    lines.push_str(&format!("session {}\n", sessions.session().number()));
    lines.push_str(&match &decision {
        Decision::Confirm(digits, channel) => {
            format!("decision confirm {digits} {}\n", channel.code())
        }
        decided => format!(
            "decision {} {}\n",
            decided.code(),
            decided.digits().unwrap_or_default()
        ),
    });
    (lines, strip)
}

fn written(reading: &Reading) -> (String, Vec<u8>) {
    let outcome = match reading.outcome {
        Outcome::Read => "read",
        Outcome::No(why) => why.code(),
    };
    let mut lines = vec![format!("outcome {outcome}")];
    if let Some(digits) = &reading.digits {
        let by: Vec<&str> = reading.by.iter().map(|channel| channel.code()).collect();
        lines.push(format!("digits {digits}"));
        lines.push(format!("by {}", by.join(" ")));
    }
    lines.push(format!("confidence {:.5}", reading.confidence));
    if let Some(ocr) = &reading.ocr {
        lines.push(format!("ocr {ocr}"));
    }
    lines.push(format!("ocr_confidence {:.5}", reading.ocr_confidence));
    for (channel, digits) in &reading.conflict {
        lines.push(format!("conflict {} {digits}", channel.code()));
    }
    let strip = reading.strip.as_ref().map(reader::Strip::grey);
    if let Some(strip) = strip {
        lines.push(format!("strip {} {}", strip.width(), strip.height()));
    }
    let pixels = strip.map_or_else(Vec::new, |strip| strip.pixels().to_vec());
    (lines.join("\n") + "\n", pixels)
}

/// The calls of the module. Their names are what JavaScript sees. Nowhere else are they there: a symbol `read` in a native
/// program would take the place of the system's own.
#[cfg(target_arch = "wasm32")]
#[expect(
    unsafe_code,
    reason = "a symbol with a plain name could clash with another of that name; this module is linked into nothing but itself"
)]
mod calls {
    use std::cell::RefCell;

    use reader::sessions::{Sessions, Timers};

    use super::{Frame, answer};

    /// Pixels of a frame at most: a camera's 4K. More does not make the print more legible, and memory is not for the
    /// asking.
    const PIXELS_MAX: usize = 3840 * 2160;
    /// Bytes of a code's text at most: a QR code holds 2,953.
    const TEXT_BYTES_MAX: usize = 4096;

    struct Desk {
        sessions: Sessions,
        frame: Vec<u8>,
        qr: Vec<u8>,
        bars: Vec<u8>,
        answer: Vec<u8>,
        strip: Vec<u8>,
    }

    thread_local! {
        static DESK: RefCell<Desk> = RefCell::new(Desk {
            sessions: Sessions::new(Timers::default()),
            frame: Vec::new(),
            qr: Vec::new(),
            bars: Vec::new(),
            answer: Vec::new(),
            strip: Vec::new(),
        });
    }

    fn room(piece: &mut Vec<u8>, bytes: usize, bytes_max: usize) -> *mut u8 {
        piece.clear();
        piece.resize(bytes.min(bytes_max), 0);
        piece.as_mut_ptr()
    }

    /// Room for a frame of so many grey pixels, 8 bits each, row after row; the address is good until the next call.
    #[unsafe(no_mangle)]
    pub extern "C" fn frame_room(pixels: usize) -> *mut u8 {
        DESK.with_borrow_mut(|desk| room(&mut desk.frame, pixels, PIXELS_MAX))
    }

    /// Room for the text of a QR code; 0 for none.
    #[unsafe(no_mangle)]
    pub extern "C" fn qr_room(bytes: usize) -> *mut u8 {
        DESK.with_borrow_mut(|desk| room(&mut desk.qr, bytes, TEXT_BYTES_MAX))
    }

    /// Room for the digits of a bar code; 0 for none.
    #[unsafe(no_mangle)]
    pub extern "C" fn bars_room(bytes: usize) -> *mut u8 {
        DESK.with_borrow_mut(|desk| room(&mut desk.bars, bytes, TEXT_BYTES_MAX))
    }

    /// Reads what was put there; the length of the answer in bytes. Frame and texts are gone afterwards: nothing of
    /// a coupon is left for the next one.
    #[unsafe(no_mangle)]
    pub extern "C" fn read(width: usize, height: usize, taken_at_ms: f64) -> usize {
        DESK.with_borrow_mut(|desk| {
            let qr = String::from_utf8(std::mem::take(&mut desk.qr)).unwrap_or_default();
            let nw7 = String::from_utf8(std::mem::take(&mut desk.bars)).unwrap_or_default();
            let frame = Frame {
                width,
                height,
                pixels: std::mem::take(&mut desk.frame),
                qr: &qr,
                nw7: &nw7,
                // JavaScript has no other numbers; the cast stops at 0.
                taken_at_ms: taken_at_ms as u64,
            };
            let (lines, strip) = answer(&mut desk.sessions, frame);
            desk.answer = lines.into_bytes();
            desk.strip = strip;
            desk.answer.len()
        })
    }

    /// Begins with the next coupon: everything of the one before is forgotten.
    #[unsafe(no_mangle)]
    pub extern "C" fn next_coupon(now_ms: f64) {
        DESK.with_borrow_mut(|desk| {
            desk.sessions.next(now_ms as u64);
            desk.answer.clear();
            desk.strip.clear();
        });
    }

    /// Judges digits that somebody typed, written where `qr_room` says, against what the camera read of this coupon;
    /// the length of the answer: `accepted`, `again`, `differs` or `refused`.
    #[unsafe(no_mangle)]
    pub extern "C" fn typed() -> usize {
        DESK.with_borrow_mut(|desk| {
            let digits = String::from_utf8(std::mem::take(&mut desk.qr)).unwrap_or_default();
            desk.answer = desk.sessions.typed(&digits).code().as_bytes().to_vec();
            desk.answer.len()
        })
    }

    /// Where the answer begins.
    #[unsafe(no_mangle)]
    pub extern "C" fn answer_start() -> *const u8 {
        DESK.with_borrow(|desk| desk.answer.as_ptr())
    }

    /// Where the strip's pixels begin.
    #[unsafe(no_mangle)]
    pub extern "C" fn strip_start() -> *const u8 {
        DESK.with_borrow(|desk| desk.strip.as_ptr())
    }
}

#[cfg(test)]
mod tests {
    use reader::sessions::Timers;

    use super::*;

    const MINATO: &str = "211310320000012345";

    fn seen(sessions: &mut Sessions, qr: &str, nw7: &str, taken_at_ms: u64) -> String {
        let frame = Frame {
            width: 40,
            height: 30,
            pixels: vec![255; 1200],
            qr,
            nw7,
            taken_at_ms,
        };
        answer(sessions, frame).0
    }

    #[test]
    fn a_frame_with_two_codes_decides_at_once() {
        let mut sessions = Sessions::new(Timers::default());
        assert_eq!(
            seen(&mut sessions, MINATO, "0000012345", 10),
            "outcome read\ndigits 211310320000012345\nby qr nw7\nconfidence 0.99900\nocr_confidence 0.00000\n\
             session 1\ndecision auto 211310320000012345\n"
        );
    }

    #[test]
    fn codes_that_differ_are_both_told_and_decide_nothing() {
        let mut sessions = Sessions::new(Timers::default());
        let lines = seen(&mut sessions, MINATO, "0000012346", 10);
        assert!(lines.starts_with("outcome codes_disagree\n"), "{lines}");
        assert!(lines.contains("conflict qr 211310320000012345\nconflict nw7 0000012346\n"));
        assert!(lines.ends_with("decision conflict \n"), "{lines}");
    }

    #[test]
    fn the_next_coupon_begins_with_nothing() {
        let mut sessions = Sessions::new(Timers::default());
        seen(&mut sessions, MINATO, "", 10);
        sessions.next(20);
        let lines = seen(&mut sessions, "", "", 30);
        assert!(lines.ends_with("session 2\ndecision looking \n"), "{lines}");
    }

    #[test]
    fn bars_that_are_no_coupons_do_not_count() {
        let mut sessions = Sessions::new(Timers::default());
        let lines = seen(&mut sessions, "", "A12345B", 10);
        assert!(lines.starts_with("outcome nothing_found\n"), "{lines}");
    }

    #[test]
    fn what_is_no_frame_gives_no_answer() {
        let mut sessions = Sessions::new(Timers::default());
        for (width, pixels) in [(0, Vec::new()), (40, vec![0; 7])] {
            let frame = Frame {
                width,
                height: 30,
                pixels,
                qr: "",
                nw7: "",
                taken_at_ms: 10,
            };
            assert_eq!(answer(&mut sessions, frame), (String::new(), Vec::new()));
        }
    }
}
