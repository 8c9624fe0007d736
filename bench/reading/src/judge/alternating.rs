//! Coupons one after the other before the same camera, with a hand between them: nothing of the one before may be
//! shown for the next.

use reader::Grey;
use reader::sessions::{Decision, Sessions, Sighting, Timers};
use reading::{Coupon, Damage, Difficulty, Framing, Maker, Purpose};

use super::sessions::{FRAME_MS, maker_of, sighting};
use super::{in_parallel, one_of};
use crate::Options;

/// Coupons of a stream: A, B, A, B …
const TURNS: u64 = 6;
/// Frames in which a coupon lies before the camera.
const FRAMES: u64 = 4;

/// How the nurse goes on to the next coupon.
#[derive(Clone, Copy, Default)]
enum Between {
    /// By a tap, while a frame of the coupon before is still being read.
    #[default]
    TapWithAFrameOnItsWay,
    /// By a hand before the camera for longer than a coupon is remembered, after one frame of the coupon before.
    LongHand,
    /// By a hand for a moment, after one frame: the camera may still be with the coupon before.
    ShortHand,
}

#[derive(Default, serde::Serialize)]
pub struct Outcome {
    pub coupons: u64,
    /// Decided for the coupon that lay there.
    pub right: u64,
    /// Two coupons in one session, told as a contradiction.
    pub conflict: u64,
    pub undecided: u64,
    /// Digits of the coupon before, decided while the next one lay there.
    pub carried_over: u64,
    /// Any other digits.
    pub wrong: u64,
}

impl Outcome {
    pub fn print(&self) {
        println!(
            "\nalternating: {} coupons, {} right, {} told as a conflict, {} undecided, {} carried over, {} wrong\n",
            self.coupons, self.right, self.conflict, self.undecided, self.carried_over, self.wrong
        );
    }
}

pub fn measure(options: &Options, remarks: &mut Vec<String>) -> Outcome {
    let outcomes = in_parallel(options.threads, options.alternating, |number| {
        stream(options.from + 2_000_000 + 2 * number, number)
    });
    let mut sum = Outcome::default();
    for outcome in outcomes {
        sum.coupons += outcome.coupons;
        sum.right += outcome.right;
        sum.conflict += outcome.conflict;
        sum.undecided += outcome.undecided;
        sum.carried_over += outcome.carried_over;
        sum.wrong += outcome.wrong;
    }
    if sum.carried_over + sum.wrong > 0 {
        remarks.push(format!(
            "alternating: {} carried over, {} wrong",
            sum.carried_over, sum.wrong
        ));
    }
    sum
}

fn stream(seed: u64, number: u64) -> Outcome {
    let maker = maker_of(number);
    let between = one_of(
        &[
            Between::TapWithAFrameOnItsWay,
            Between::LongHand,
            Between::ShortHand,
        ],
        number / 2,
    );
    let difficulty = one_of(
        &[Difficulty::Easy, Difficulty::Medium, Difficulty::Hard],
        number / 6,
    );
    let coupons = [seed, seed + 1].map(|seed| {
        (
            seed,
            maker.coupon(Purpose::Judging, seed, difficulty, Damage::None),
        )
    });
    let mut sessions = Sessions::new(Timers::default());
    let mut outcome = Outcome::default();
    let mut now_ms = 0;
    let mut before: Option<Sighting> = None;
    for turn in 0..TURNS {
        let [(a_seed, a), (b_seed, b)] = &coupons;
        let (here, there) = if turn % 2 == 0 {
            ((a_seed, a), b)
        } else {
            ((b_seed, b), a)
        };
        // A coupon that is taken away after one frame is often not decided on.
        let is_taken_away = turn % 2 == 0 && !matches!(between, Between::TapWithAFrameOnItsWay);
        let count_seen = if is_taken_away { 1 } else { FRAMES };
        let seen = frames(maker, here, turn, count_seen);
        let decision = show(&mut sessions, &seen, before.as_ref(), between, &mut now_ms);
        count(&mut outcome, &decision, here.1.digits(), there.digits());
        before = seen.into_iter().next_back();
    }
    outcome
}

fn frames(maker: Maker, (seed, coupon): (&u64, &Coupon), turn: u64, count: u64) -> Vec<Sighting> {
    (0..count)
        .map(|frame| {
            let shot = (turn / 2) * FRAMES + frame;
            let taken = maker.shot(Purpose::Judging, coupon, *seed, shot, Framing::Coupon);
            sighting(&taken.picture)
        })
        .collect()
}

/// What is decided while the coupon lies there.
fn show(
    sessions: &mut Sessions,
    seen: &[Sighting],
    before: Option<&Sighting>,
    between: Between,
    now_ms: &mut u64,
) -> Decision {
    let hand = Sighting::from(&reader::read_frame(&dark(), None, None));
    match between {
        Between::TapWithAFrameOnItsWay => {
            let late = sessions.ticket(*now_ms);
            sessions.next(*now_ms + 1);
            if let Some(before) = before {
                sessions.see(late, before);
            }
        }
        Between::LongHand => {
            for _ in 0..6 {
                pass(sessions, &hand, now_ms);
            }
        }
        Between::ShortHand => {
            for _ in 0..2 {
                pass(sessions, &hand, now_ms);
            }
        }
    }
    let mut decision = Decision::Looking;
    for sighting in seen {
        decision = pass(sessions, sighting, now_ms);
        if !matches!(decision, Decision::Looking | Decision::NoRead) {
            break;
        }
    }
    // The tablet stops at a decision until it is tapped.
    if !matches!(decision, Decision::Looking | Decision::NoRead) {
        sessions.next(*now_ms + 1);
    }
    decision
}

fn pass(sessions: &mut Sessions, sighting: &Sighting, now_ms: &mut u64) -> Decision {
    *now_ms += FRAME_MS;
    let ticket = sessions.ticket(*now_ms);
    sessions.see(ticket, sighting)
}

/// A hand before the lens.
fn dark() -> Grey {
    const SIDE: usize = 64;
    #[expect(
        clippy::expect_used,
        reason = "there are as many pixels as the sides say"
    )]
    Grey::new(SIDE, SIDE, vec![40; SIDE * SIDE]).expect("a square")
}

fn count(outcome: &mut Outcome, decision: &Decision, here: &str, there: &str) {
    outcome.coupons += 1;
    match decision.digits() {
        Some(digits) if digits == here => outcome.right += 1,
        Some(digits) if digits == there => outcome.carried_over += 1,
        Some(_) => outcome.wrong += 1,
        None if matches!(decision, Decision::Conflict) => outcome.conflict += 1,
        None => outcome.undecided += 1,
    }
}
