//! What a session decides, frame by frame; and what must hold whatever the frames are.

use proptest::prelude::*;

use super::*;

const A: &str = "211310320000012345";
const A_BY_PEN: &str = "211310320000912345";
const B: &str = "110110020000067890";
const A_BARS: &str = "0000012345";
const B_BARS: &str = "0000067890";
const FRAME_MS: u64 = 150;

fn qr(digits: &str) -> Sighting {
    Sighting::new(Some(digits), None, None)
}

fn line(digits: &str) -> Sighting {
    Sighting::new(None, Some(digits), None)
}

fn bars(digits: &str) -> Sighting {
    Sighting::new(None, None, Some(digits))
}

fn completed(digits: &str, bars: Option<&str>) -> Sighting {
    Sighting::new(None, None, bars).completing(Some(digits))
}

fn faint(digits: &str) -> Sighting {
    Sighting::default().seeming(Some(digits))
}

fn nothing() -> Sighting {
    Sighting::default()
}

/// Frames one after the other from a moment on; the decision after the last.
fn watch(sessions: &mut Sessions, from_ms: u64, frames: &[Sighting]) -> Decision {
    let mut decision = Decision::Looking;
    for (number, sighting) in (0u64..).zip(frames) {
        let ticket = sessions.ticket(from_ms + number * FRAME_MS);
        decision = sessions.see(ticket, sighting);
    }
    decision
}

fn decided(frames: &[Sighting]) -> Decision {
    watch(&mut Sessions::new(Timers::default()), 0, frames)
}

fn auto(digits: &str) -> Decision {
    Decision::Auto(digits.to_owned())
}

#[test]
fn the_qr_code_is_accepted_with_any_second_witness() {
    assert_eq!(decided(&[qr(A)]), Decision::Looking);
    assert_eq!(decided(&[qr(A), qr(A)]), auto(A));
    assert_eq!(decided(&[qr(A), line(A)]), auto(A));
    assert_eq!(decided(&[bars(A_BARS), qr(A)]), auto(A));
    assert_eq!(
        decided(&[Sighting::new(Some(A), Some(A), Some(A))]),
        auto(A)
    );
}

#[test]
fn the_line_is_accepted_twice_and_with_bars_only() {
    assert_eq!(decided(&[line(A), bars(A_BARS)]), Decision::Looking);
    assert_eq!(decided(&[line(A), bars(A_BARS), line(A)]), auto(A));
    assert_eq!(decided(&[line(A), line(A), bars(A)]), auto(A));
}

#[test]
fn the_line_alone_is_for_a_person_however_often_it_is_read() {
    assert_eq!(decided(&[line(A), line(A)]), Decision::Looking);
    let asked = Decision::Confirm(A.to_owned(), Channel::Ocr);
    assert_eq!(decided(&vec![line(A); 3]), asked);
    assert_eq!(decided(&vec![line(A); 30]), asked);
}

#[test]
fn bars_alone_identify_nobody() {
    assert_eq!(decided(&vec![bars(A_BARS); 9]), Decision::Looking);
    assert_eq!(decided(&vec![bars(A); 9]), Decision::Looking);
    assert_eq!(decided(&vec![bars(A_BARS); 40]), Decision::NoRead);
}

#[test]
fn a_difference_is_a_contradiction_and_stays_one() {
    assert_eq!(decided(&[line(A), line(A_BY_PEN)]), Decision::Conflict);
    assert_eq!(decided(&[qr(A), line(A_BY_PEN)]), Decision::Conflict);
    assert_eq!(decided(&[qr(A), bars(B_BARS)]), Decision::Conflict);
    assert_eq!(decided(&[bars(A_BARS), bars(B)]), Decision::Conflict);
    assert_eq!(
        decided(&[qr(A), qr(A), qr(B), qr(A), qr(A)]),
        Decision::Conflict
    );
}

#[test]
fn a_pen_stroke_that_makes_another_digit_in_every_frame_is_stopped_by_the_bars() {
    let frames = vec![Sighting::new(None, Some(A_BY_PEN), Some(A_BARS)); 4];
    assert_eq!(decided(&frames), Decision::Conflict);
}

#[test]
fn a_line_with_a_digit_that_others_tell_is_for_a_person_and_never_accepted() {
    let asked = Decision::Confirm(A.to_owned(), Channel::Ocr);
    assert_eq!(decided(&[completed(A, Some(A_BARS))]), Decision::Looking);
    assert_eq!(decided(&vec![completed(A, Some(A_BARS)); 2]), asked);
    assert_eq!(decided(&vec![completed(A, None); 2]), Decision::Looking);
    assert_eq!(decided(&vec![completed(A, None); 30]), asked);
    assert_eq!(
        decided(&[line(A), completed(A, None), completed(A, None)]),
        asked
    );
    // Read well twice beside the bars, it is accepted as before.
    assert_eq!(
        decided(&[completed(A, Some(A_BARS)), line(A), line(A)]),
        auto(A)
    );
}

#[test]
fn a_line_that_is_not_sure_is_a_witness_of_one_that_is() {
    let asked = Decision::Confirm(A.to_owned(), Channel::Ocr);
    assert_eq!(decided(&[faint(A), line(A)]), Decision::Looking);
    assert_eq!(decided(&[faint(A), line(A), faint(A)]), asked);
    assert_eq!(decided(&[faint(B), line(A), faint(B)]), Decision::Looking);
    // By itself it is nothing, however often.
    assert_eq!(decided(&vec![faint(A); 30]), Decision::Looking);
}

#[test]
fn a_line_that_is_never_sure_is_for_a_person_where_the_bars_say_the_same() {
    let asked = Decision::Confirm(A.to_owned(), Channel::Ocr);
    let beside_bars = |digits: &str| bars(A_BARS).seeming(Some(digits));
    assert_eq!(decided(&vec![beside_bars(A); 2]), Decision::Looking);
    assert_eq!(decided(&vec![beside_bars(A); 3]), asked);
    assert_eq!(
        decided(&[beside_bars(A), faint(A), faint(A), faint(B)]),
        Decision::Looking
    );
    assert_eq!(decided(&vec![beside_bars(A_BY_PEN); 9]), Decision::Looking);
}

#[test]
fn a_completed_line_that_differs_from_anything_is_nothing() {
    let mut frames = vec![completed(A, None); 4];
    frames.push(completed(B, None));
    assert_eq!(decided(&frames), Decision::Looking);
    let mut frames = vec![completed(A, None); 4];
    frames.push(bars(B_BARS));
    assert_eq!(decided(&frames), Decision::Looking);
    // It contradicts nobody.
    let mut frames = vec![completed(B, None); 4];
    frames.extend([qr(A), qr(A)]);
    assert_eq!(decided(&frames), auto(A));
}

#[test]
fn what_cannot_be_a_coupons_is_not_seen() {
    let other = Sighting::new(
        Some("https://example.jp"),
        Some("211310340000012345"),
        Some("A12"),
    );
    assert!(other.is_empty());
    assert_eq!(decided(&[qr(A), other, qr(A)]), auto(A));
}

#[test]
fn a_qr_code_seen_once_is_for_a_person_after_three_seconds() {
    let mut sessions = Sessions::new(Timers {
        forgotten_after_ms: 10_000,
        ..Timers::default()
    });
    watch(&mut sessions, 0, &[qr(A)]);
    assert_eq!(sessions.decision(2_999), Decision::Looking);
    let asked = Decision::Confirm(A.to_owned(), Channel::Qr);
    assert_eq!(sessions.decision(3_000), asked);
}

#[test]
fn after_five_seconds_the_digits_are_typed_but_a_late_reading_still_counts() {
    let mut sessions = Sessions::new(Timers::default());
    sessions.next(0);
    assert_eq!(
        watch(&mut sessions, 4_000, &vec![nothing(); 7]),
        Decision::Looking
    );
    assert_eq!(sessions.decision(5_000), Decision::NoRead);
    assert_eq!(watch(&mut sessions, 6_000, &[qr(A), qr(A)]), auto(A));
}

#[test]
fn one_that_comes_and_goes_unread_is_given_up_all_the_same() {
    let mut sessions = Sessions::new(Timers::default());
    for second in 0..4 {
        let frames = [line(A), nothing()];
        assert_eq!(
            watch(&mut sessions, second * 1_500, &frames),
            Decision::Looking
        );
    }
    assert_eq!(watch(&mut sessions, 6_000, &[nothing()]), Decision::NoRead);
}

#[test]
fn a_second_without_any_reading_ends_the_session_and_half_a_second_does_not() {
    let mut sessions = Sessions::new(Timers::default());
    let first = sessions.session();
    watch(&mut sessions, 0, &[line(A), line(A)]);
    assert_eq!(
        watch(&mut sessions, 600, &[nothing(), nothing()]),
        Decision::Looking
    );
    assert_eq!(sessions.session(), first);
    assert_eq!(
        watch(&mut sessions, 1_200, &[line(B), line(B)]),
        Decision::Looking
    );
    assert!(sessions.session() > first);
    assert_eq!(
        watch(&mut sessions, 1_600, &[line(B)]),
        Decision::Confirm(B.to_owned(), Channel::Ocr)
    );
}

#[test]
fn what_was_decided_is_not_shown_once_the_coupon_is_gone() {
    let mut sessions = Sessions::new(Timers::default());
    assert_eq!(watch(&mut sessions, 0, &[qr(A), qr(A)]), auto(A));
    assert_eq!(sessions.decision(1_100), auto(A));
    assert_eq!(sessions.decision(1_150), Decision::Looking);
}

#[test]
fn a_frame_of_the_coupon_before_comes_too_late() {
    let mut sessions = Sessions::new(Timers::default());
    let late = sessions.ticket(0);
    sessions.next(100);
    assert_eq!(sessions.see(late, &qr(A)), Decision::Looking);
    assert_eq!(watch(&mut sessions, 200, &[qr(B), qr(B)]), auto(B));

    // Nobody said "next": the frame taken a second before is read after the one that is taken now.
    let mut sessions = Sessions::new(Timers::default());
    let (late, now) = (sessions.ticket(0), sessions.ticket(1_200));
    sessions.see(now, &qr(B));
    sessions.see(late, &qr(A));
    assert_eq!(watch(&mut sessions, 1_300, &[qr(B)]), auto(B));
}

#[test]
fn coupons_in_turn_with_a_hand_between_them_are_told_apart() {
    let mut sessions = Sessions::new(Timers::default());
    for (turn, (digits, ticket)) in [(A, A_BARS), (B, B_BARS), (A, A_BARS), (B, B_BARS)]
        .into_iter()
        .enumerate()
    {
        let start = turn as u64 * 3_000;
        assert_eq!(
            watch(&mut sessions, start, &vec![nothing(); 8]).digits(),
            None
        );
        let frames = vec![Sighting::new(None, Some(digits), Some(ticket)); 2];
        assert_eq!(watch(&mut sessions, start + 1_200, &frames), auto(digits));
    }
}

#[test]
fn typed_digits_are_taken_at_once_unless_the_camera_read_something_else() {
    let mut sessions = Sessions::new(Timers::default());
    assert_eq!(sessions.typed(A), Typed::Accepted(A.to_owned()));
    watch(&mut sessions, 0, &[bars(A_BARS)]);
    assert_eq!(sessions.typed(A), Typed::Accepted(A.to_owned()));
    assert_eq!(sessions.typed(A_BY_PEN), Typed::Again);
    assert_eq!(sessions.typed(A), Typed::Differs);
    assert_eq!(sessions.typed(A_BY_PEN), Typed::Again);
    assert_eq!(
        sessions.typed(A_BY_PEN),
        Typed::Accepted(A_BY_PEN.to_owned())
    );
}

#[test]
fn after_a_contradiction_even_what_the_camera_read_is_typed_twice() {
    let mut sessions = Sessions::new(Timers::default());
    watch(&mut sessions, 0, &[qr(A), line(A_BY_PEN)]);
    assert_eq!(sessions.typed(A), Typed::Again);
    assert_eq!(
        sessions.typed("1"),
        Typed::Refused(Doubt::NotEighteenDigits)
    );
    assert_eq!(sessions.typed(A), Typed::Accepted(A.to_owned()));
}

#[test]
fn a_second_typing_does_not_reach_into_the_next_session() {
    let mut sessions = Sessions::new(Timers::default());
    watch(&mut sessions, 0, &[qr(A), line(A_BY_PEN)]);
    assert_eq!(sessions.typed(A), Typed::Again);
    sessions.next(100);
    watch(&mut sessions, 200, &[qr(B), line(A)]);
    assert_eq!(sessions.typed(A), Typed::Again);
}

#[test]
fn nothing_that_is_logged_holds_digits() {
    let mut sessions = Sessions::new(Timers::default());
    let decision = watch(&mut sessions, 0, &[qr(A), qr(A)]);
    let typed = sessions.typed(A);
    let shown = format!("{sessions:?} {decision:?} {typed:?} {:?}", qr(A));
    assert!(!shown.contains("12345"), "{shown}");
}

/// One of two coupons, seen by any of the channels, now and then wrong.
fn any_sighting() -> impl Strategy<Value = Sighting> {
    let digits = || {
        prop::option::weighted(
            0.5,
            prop_oneof![8 => Just(A), 1 => Just(A_BY_PEN), 1 => Just(B)],
        )
    };
    let bars = prop::option::weighted(
        0.5,
        prop_oneof![8 => Just(A_BARS), 1 => Just(A), 1 => Just(B_BARS)],
    );
    (digits(), digits(), bars, digits(), digits()).prop_map(|(qr, line, bars, completed, faint)| {
        Sighting::new(qr, line, bars)
            .completing(completed.filter(|_| line.is_none()))
            .seeming(faint.filter(|_| line.is_none()))
    })
}

fn sighting_of_b() -> impl Strategy<Value = Sighting> {
    let digits = || prop::option::of(Just(B));
    (digits(), digits(), prop::option::of(Just(B_BARS)))
        .prop_map(|(qr, line, bars)| Sighting::new(qr, line, bars))
}

fn frames() -> impl Strategy<Value = Vec<Sighting>> {
    prop::collection::vec(any_sighting(), 0..9)
}

/// All taken at one moment, so that only what they show can matter.
fn decided_at_once(frames: &[Sighting]) -> Decision {
    let mut sessions = Sessions::new(Timers::default());
    let ticket = sessions.ticket(0);
    for sighting in frames {
        sessions.see(ticket, sighting);
    }
    sessions.decision(0)
}

proptest! {
    #[test]
    fn the_order_of_the_frames_does_not_matter(
        (frames, shuffled) in frames().prop_flat_map(|frames| (Just(frames.clone()), Just(frames).prop_shuffle()))
    ) {
        prop_assert_eq!(decided_at_once(&frames), decided_at_once(&shuffled));
    }

    #[test]
    fn what_is_accepted_is_contradicted_by_no_frame_and_has_two_witnesses(frames in frames()) {
        if let Decision::Auto(digits) = decided_at_once(&frames) {
            let mut witnesses = 0;
            for frame in &frames {
                prop_assert!(frame.qr.as_ref().is_none_or(|qr| *qr == digits));
                prop_assert!(frame.line.as_ref().is_none_or(|line| *line == digits));
                prop_assert!(frame.bars.as_ref().is_none_or(|bars| digits.ends_with(bars.as_str())));
                witnesses += usize::from(frame.qr.is_some())
                    + usize::from(frame.line.is_some())
                    + usize::from(frame.bars.is_some());
            }
            prop_assert!(witnesses >= 2);
            let beyond_the_line = frames.iter().any(|frame| frame.qr.is_some() || frame.bars.is_some());
            prop_assert!(beyond_the_line);
        }
    }

    #[test]
    fn a_contradiction_is_never_taken_back_within_a_session(frames in frames(), more in frames()) {
        let whole: Vec<Sighting> = frames.iter().chain(&more).cloned().collect();
        if decided_at_once(&frames) == Decision::Conflict {
            prop_assert_eq!(decided_at_once(&whole), Decision::Conflict);
        }
    }

    #[test]
    fn nothing_is_carried_over_after_next(before in frames(), after in prop::collection::vec(sighting_of_b(), 0..6)) {
        let mut sessions = Sessions::new(Timers::default());
        watch(&mut sessions, 0, &before);
        let late = sessions.ticket(2_000);
        sessions.next(2_000);
        sessions.see(late, &qr(A));
        let mut fresh = Sessions::new(Timers::default());
        fresh.next(2_000);
        prop_assert_eq!(watch(&mut sessions, 2_000, &after), watch(&mut fresh, 2_000, &after));
    }

    #[test]
    fn nothing_is_carried_over_after_a_second_without_reading(
        before in frames(),
        after in prop::collection::vec(sighting_of_b(), 1..6),
    ) {
        let mut sessions = Sessions::new(Timers::default());
        watch(&mut sessions, 0, &before);
        let start = before.len() as u64 * FRAME_MS + 1_000;
        let decision = watch(&mut sessions, start, &after);
        prop_assert!(decision.digits().is_none_or(|digits| digits == B));
        prop_assert!(decision != Decision::Conflict);
    }

    #[test]
    fn whatever_the_clock_says_nothing_panics_and_the_line_alone_is_never_accepted(
        moments in prop::collection::vec((any::<u64>(), prop::bool::ANY), 0..12)
    ) {
        let mut sessions = Sessions::new(Timers::default());
        for (moment, is_next) in moments {
            if is_next {
                sessions.next(moment);
            }
            let ticket = sessions.ticket(moment);
            let decision = sessions.see(ticket, &line(A));
            prop_assert!(!matches!(decision, Decision::Auto(_)));
        }
    }
}
