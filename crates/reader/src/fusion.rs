//! One answer out of three channels.
//!
//! The rule above all others: never guess. A wrong number writes a dose into a stranger's record; a number that was
//! not read costs a nurse ten seconds.

use crate::chain::DIGITS;
use crate::check::{Doubt, Turns, judge};
use crate::line::{CONFIDENCE_MIN, HEAD_DIGITS, LineReading};

/// A way by which digits come off a coupon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Channel {
    /// The QR code, protected by Reed–Solomon.
    Qr,
    /// The printed line of 18 digits.
    Ocr,
    /// The bar code NW-7: as a rule only the 10 digits of the ticket number, without a check character.
    Nw7,
}

impl Channel {
    /// A stable name for machines.
    pub fn code(self) -> &'static str {
        match self {
            Channel::Qr => "qr",
            Channel::Ocr => "ocr",
            Channel::Nw7 => "nw7",
        }
    }
}

/// Why nothing is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Why {
    /// Neither code nor line is in the picture, or none is legible.
    NothingFound,
    /// A line was found, but not every digit of it is sure.
    LineUnsure,
    /// Two channels, or two lines, say different things.
    CodesDisagree,
    /// Only the bar code with the ticket number: municipality, kind and turn are missing.
    PartialOnly,
    /// Eighteen digits that cannot be a coupon's.
    BadCheckDigit,
    /// A QR code that says something else.
    NotACouponCode,
}

impl Why {
    /// A stable name for machines.
    pub fn code(self) -> &'static str {
        match self {
            Why::NothingFound => "nothing_found",
            Why::LineUnsure => "line_unsure",
            Why::CodesDisagree => "codes_disagree",
            Why::PartialOnly => "partial_only",
            Why::BadCheckDigit => "bad_check_digit",
            Why::NotACouponCode => "not_a_coupon_code",
        }
    }
}

/// Whether the picture was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Eighteen digits.
    Read,
    /// An honest no.
    No(Why),
}

/// What the three channels gave for one picture.
#[derive(Clone, Debug, Default)]
pub(crate) struct Found {
    /// The text of a QR code, whatever it says.
    pub qr: Option<String>,
    pub line: Option<LineReading>,
    /// 10 or 18 digits.
    pub nw7: Option<String>,
}

/// The answer made of them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Verdict {
    pub outcome: Outcome,
    pub digits: Option<String>,
    pub by: Vec<Channel>,
    pub confidence: f32,
    pub conflict: Vec<(Channel, String)>,
}

/// The length of a ticket number (券番号), which is what most bar codes hold.
pub(crate) const TICKET_DIGITS: usize = 10;
/// The digits that the municipality's check digit is over, and that digit.
const MUNICIPALITY: std::ops::Range<usize> = 2..HEAD_DIGITS;
/// So many digits of a ticket number may rest on the bars alone. All others must be the bars' own: that a line and bars
/// of two coupons agree in so many is out of the question where numbers are given out in order and differ at their end.
const MENDED_MAX: usize = 2;
/// The bars say another digit than the line only where the line's own is less sure than this: less than even.
const CERTAINTY_OVERRULED_MAX: f32 = 0.5;
/// Two channels, printed and decoded independently, say the same.
const CONFIDENCE_OF_TWO: f32 = 0.999;
/// One QR code: its error correction makes a misreading very rare, but nothing else in the picture confirms it.
const CONFIDENCE_OF_QR: f32 = 0.95;

/// Weighs what was found.
pub(crate) fn weigh(found: &Found) -> Verdict {
    let full = full_readings(found);
    let conflict = conflict(found, &full);
    if !conflict.is_empty() {
        return Verdict {
            conflict,
            ..no(Why::CodesDisagree)
        };
    }
    // The bars have no check character: without another channel they are not believed, not even all 18.
    let Some((_, digits)) = full.iter().find(|(channel, _)| *channel != Channel::Nw7) else {
        return no(why_not(found));
    };
    let mut by: Vec<Channel> = full.iter().map(|(channel, _)| *channel).collect();
    if found.nw7.is_some() && !by.contains(&Channel::Nw7) {
        by.push(Channel::Nw7);
    }
    let confidence = match by.as_slice() {
        [Channel::Qr] => CONFIDENCE_OF_QR,
        [_] => found.line.as_ref().map_or(0.0, |line| line.confidence()),
        _ => CONFIDENCE_OF_TWO,
    };
    Verdict {
        outcome: Outcome::Read,
        digits: Some(digits.clone()),
        by,
        confidence,
        conflict: Vec::new(),
    }
}

fn no(why: Why) -> Verdict {
    Verdict {
        outcome: Outcome::No(why),
        digits: None,
        by: Vec::new(),
        confidence: 0.0,
        conflict: Vec::new(),
    }
}

/// The plausible readings of all 18 digits, in the order of their worth.
fn full_readings(found: &Found) -> Vec<(Channel, String)> {
    let qr = found
        .qr
        .as_deref()
        .filter(|text| judge(text, Turns::Any).is_ok());
    let nw7 = found
        .nw7
        .as_deref()
        .filter(|digits| judge(digits, Turns::Any).is_ok());
    let line = believed_line(found)
        .filter(|digits| judge(digits, Turns::Printed).is_ok() || Some(*digits) == qr);
    [(Channel::Qr, qr), (Channel::Ocr, line), (Channel::Nw7, nw7)]
        .into_iter()
        .filter_map(|(channel, digits)| Some((channel, digits?.to_owned())))
        .collect()
}

/// The line's digits: if they are sure in themselves, or if a code that was read independently says the same. That a
/// misread line is by chance what a code says is out of the question.
fn believed_line(found: &Found) -> Option<&str> {
    let line = found.line.as_ref()?;
    let digits = line.digits.as_deref()?;
    let confirmed = |code: &str| match code.len() {
        TICKET_DIGITS => digits.ends_with(code) && line.head_confidence() >= CONFIDENCE_MIN,
        _ => digits == code,
    };
    let believed = line.sure().is_some()
        || found.qr.as_deref().is_some_and(|qr| qr == digits)
        || found.nw7.as_deref().is_some_and(confirmed);
    believed.then_some(digits)
}

/// A line of which not every digit is sure, where each digit that is not is told in another way: of the ticket number by
/// the bars, of the municipality by its check digit. So a pen stroke through one digit does not make a nurse type
/// eighteen. Such a digit has only one witness, and that one without a check of its own or nearly so: all this is for is
/// to be compared by a person ([`crate::sessions`]), never to be accepted.
pub(crate) fn completed(found: &Found) -> Option<String> {
    let line = found.line.as_ref()?;
    let read = line.digits.as_deref().filter(|_| line.rival.is_none())?;
    let bars = found.nw7.as_deref().unwrap_or_default();
    // The bars' digit below each of the line's, if they go that far to the left.
    let told = |place: usize| {
        let from_right = DIGITS.checked_sub(place + 1)?;
        bars.chars().rev().nth(from_right)
    };
    let (mut mended, mut vouched) = (0, 0);
    let mut digits = String::with_capacity(DIGITS);
    for ((place, digit), certainty) in read.chars().enumerate().zip(line.certainties) {
        let is_sure = certainty >= CONFIDENCE_MIN;
        match told(place) {
            Some(told) if told != digit && certainty >= CERTAINTY_OVERRULED_MAX => return None,
            Some(told) => {
                mended += usize::from(!is_sure);
                digits.push(told);
            }
            None => {
                let is_checked = MUNICIPALITY.contains(&place);
                if !is_sure && !is_checked {
                    return None;
                }
                vouched += usize::from(!is_sure);
                digits.push(digit);
            }
        }
    }
    let is_complete = mended <= MENDED_MAX && vouched <= 1 && mended + vouched > 0;
    (is_complete && judge(&digits, Turns::Printed).is_ok()).then_some(digits)
}

/// Everything that was read, if any of it contradicts the rest; else nothing.
fn conflict(found: &Found, full: &[(Channel, String)]) -> Vec<(Channel, String)> {
    let Some((_, digits)) = full.first() else {
        return Vec::new();
    };
    let mut all = full.to_vec();
    if let Some(rival) = found.line.as_ref().and_then(|line| line.rival.clone()) {
        all.push((Channel::Ocr, rival));
    }
    if let Some(bars) = found
        .nw7
        .clone()
        .filter(|_| !full.iter().any(|(channel, _)| *channel == Channel::Nw7))
    {
        all.push((Channel::Nw7, bars));
    }
    let agrees = |(channel, other): &(Channel, String)| match channel {
        Channel::Nw7 if other.len() == TICKET_DIGITS => digits.ends_with(other.as_str()),
        _ => digits == other,
    };
    if all.iter().all(agrees) {
        Vec::new()
    } else {
        all
    }
}

/// The reason that helps most: what is nearest to a reading comes first.
fn why_not(found: &Found) -> Why {
    let impossible = |digits: &str, turns| {
        !matches!(judge(digits, turns), Ok(()) | Err(Doubt::NotEighteenDigits))
    };
    let bad_qr = found
        .qr
        .as_deref()
        .is_some_and(|text| impossible(text, Turns::Any));
    let bad_line = believed_line(found).is_some_and(|digits| impossible(digits, Turns::Printed));
    if bad_qr || bad_line {
        Why::BadCheckDigit
    } else if found
        .line
        .as_ref()
        .is_some_and(|line| line.digits.is_some())
    {
        Why::LineUnsure
    } else if found.nw7.is_some() {
        Why::PartialOnly
    } else if found.qr.is_some() {
        Why::NotACouponCode
    } else {
        Why::NothingFound
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINATO: &str = "211310320000012345";
    const MINATO_OTHER: &str = "211310320000012346";
    const WRONG_CHECK_DIGIT: &str = "211310340000012345";

    fn line(digits: &str, confidence: f32) -> LineReading {
        LineReading {
            digits: Some(digits.to_owned()),
            certainties: [confidence; DIGITS],
            ..LineReading::unread()
        }
    }

    fn found(qr: Option<&str>, line: Option<LineReading>, nw7: Option<&str>) -> Found {
        Found {
            qr: qr.map(str::to_owned),
            line,
            nw7: nw7.map(str::to_owned),
        }
    }

    fn check_read(found: Found, by: &[Channel]) {
        let verdict = weigh(&found);
        assert_eq!(verdict.outcome, Outcome::Read, "{found:?}");
        assert_eq!(verdict.digits.as_deref(), Some(MINATO));
        assert_eq!(verdict.by, by);
        assert!(verdict.confidence >= CONFIDENCE_MIN && verdict.conflict.is_empty());
    }

    fn check_no(found: Found, why: Why) {
        let verdict = weigh(&found);
        assert_eq!(verdict.outcome, Outcome::No(why), "{found:?}");
        assert_eq!((verdict.digits, verdict.confidence), (None, 0.0));
        assert!(verdict.by.is_empty());
        assert_eq!(verdict.conflict.is_empty(), why != Why::CodesDisagree);
    }

    #[test]
    fn a_qr_code_alone_is_read_but_says_so() {
        check_read(found(Some(MINATO), None, None), &[Channel::Qr]);
    }

    #[test]
    fn a_sure_line_alone_is_read_but_says_so() {
        check_read(found(None, Some(line(MINATO, 0.93)), None), &[Channel::Ocr]);
    }

    #[test]
    fn channels_that_agree_are_all_named() {
        let all = found(Some(MINATO), Some(line(MINATO, 0.97)), Some("0000012345"));
        check_read(all, &[Channel::Qr, Channel::Ocr, Channel::Nw7]);
        check_read(
            found(Some(MINATO), None, Some(MINATO)),
            &[Channel::Qr, Channel::Nw7],
        );
    }

    #[test]
    fn an_unsure_line_alone_is_not_read() {
        check_no(found(None, Some(line(MINATO, 0.89)), None), Why::LineUnsure);
    }

    #[test]
    fn an_unsure_line_is_believed_where_a_code_says_the_same() {
        check_read(
            found(Some(MINATO), Some(line(MINATO, 0.0)), None),
            &[Channel::Qr, Channel::Ocr],
        );
        check_read(
            found(None, Some(line(MINATO, 0.0)), Some(MINATO)),
            &[Channel::Ocr, Channel::Nw7],
        );
    }

    #[test]
    fn the_bars_vouch_for_the_ticket_number_and_for_nothing_else() {
        let mut sure_head = line(MINATO, 0.3);
        sure_head.certainties[..HEAD_DIGITS].fill(0.95);
        check_read(
            found(None, Some(sure_head), Some("0000012345")),
            &[Channel::Ocr, Channel::Nw7],
        );
        check_no(
            found(None, Some(line(MINATO, 0.3)), Some("0000012345")),
            Why::LineUnsure,
        );
    }

    /// A line with some digits that are not sure.
    fn damaged(digits: &str, places: &[usize], certainty: f32) -> LineReading {
        let mut damaged = line(digits, 0.97);
        for &place in places {
            damaged.certainties[place] = certainty;
        }
        damaged
    }

    #[test]
    fn the_bars_tell_a_digit_of_the_ticket_number_that_the_line_does_not() {
        let check = |line: LineReading, bars: &str, expected: Option<&str>| {
            let found = found(None, Some(line), Some(bars));
            assert_eq!(completed(&found).as_deref(), expected, "{found:?}");
        };
        let by_pen = "211310320000912345";
        check(damaged(by_pen, &[12], 0.3), "0000012345", Some(MINATO));
        check(damaged(by_pen, &[12], 0.3), MINATO, Some(MINATO));
        check(damaged(MINATO, &[12, 13], 0.7), "0000012345", Some(MINATO));
        // The line is rather sure of another digit.
        check(damaged(by_pen, &[12], 0.7), "0000012345", None);
        // Another sure digit is not the bars': they are another coupon's.
        check(damaged(by_pen, &[12], 0.3), "0000012346", None);
        check(damaged(MINATO, &[10, 12, 13], 0.3), "0000012345", None);
        // Kind and turn are told by nobody else.
        check(damaged(MINATO, &[1], 0.7), "0000012345", None);
        check(damaged(MINATO, &[1], 0.7), MINATO, Some(MINATO));
    }

    #[test]
    fn one_digit_of_the_municipality_is_told_by_its_check_digit() {
        let check = |line: LineReading, expected: Option<&str>| {
            assert_eq!(
                completed(&found(None, Some(line), None)).as_deref(),
                expected
            );
        };
        check(damaged(MINATO, &[5], 0.6), Some(MINATO));
        check(damaged(MINATO, &[4, 5], 0.6), None);
        check(damaged(WRONG_CHECK_DIGIT, &[5], 0.6), None);
        check(damaged(MINATO, &[12], 0.6), None);
        // Nothing to complete: the line is a reading of its own.
        check(line(MINATO, 0.97), None);
        let with_rival = LineReading {
            rival: Some(MINATO_OTHER.to_owned()),
            ..damaged(MINATO, &[5], 0.6)
        };
        check(with_rival, None);
    }

    #[test]
    fn what_is_completed_is_not_read() {
        let line = damaged("211310320000912345", &[12], 0.3);
        check_no(found(None, Some(line), Some("0000012345")), Why::LineUnsure);
    }

    #[test]
    fn readings_that_differ_are_shown_and_not_chosen_between() {
        check_no(
            found(Some(MINATO), Some(line(MINATO_OTHER, 0.95)), None),
            Why::CodesDisagree,
        );
        check_no(
            found(Some(MINATO), None, Some("0000012346")),
            Why::CodesDisagree,
        );
        check_no(
            found(None, Some(line(MINATO, 0.95)), Some(MINATO_OTHER)),
            Why::CodesDisagree,
        );
        let shown = weigh(&found(Some(MINATO), Some(line(MINATO_OTHER, 0.95)), None)).conflict;
        assert_eq!(
            shown,
            [
                (Channel::Qr, MINATO.to_owned()),
                (Channel::Ocr, MINATO_OTHER.to_owned())
            ]
        );
    }

    #[test]
    fn an_unsure_line_contradicts_nobody() {
        check_read(
            found(Some(MINATO), Some(line(MINATO_OTHER, 0.5)), None),
            &[Channel::Qr],
        );
    }

    #[test]
    fn two_sure_lines_in_one_picture_are_a_contradiction() {
        let two = LineReading {
            rival: Some(MINATO_OTHER.to_owned()),
            ..line(MINATO, 0.99)
        };
        check_no(found(None, Some(two), None), Why::CodesDisagree);
    }

    #[test]
    fn bars_alone_are_never_enough() {
        check_no(found(None, None, Some("0000012345")), Why::PartialOnly);
        check_no(found(None, None, Some(MINATO)), Why::PartialOnly);
    }

    #[test]
    fn digits_that_cannot_be_a_coupons_are_not_read_however_sure() {
        check_no(
            found(Some(WRONG_CHECK_DIGIT), None, None),
            Why::BadCheckDigit,
        );
        check_no(
            found(None, Some(line(WRONG_CHECK_DIGIT, 1.0)), None),
            Why::BadCheckDigit,
        );
        check_no(
            found(
                Some(WRONG_CHECK_DIGIT),
                Some(line(WRONG_CHECK_DIGIT, 1.0)),
                Some("0000012345"),
            ),
            Why::BadCheckDigit,
        );
    }

    #[test]
    fn a_qr_code_with_other_content_does_not_hinder_the_line() {
        let link = Some("https://www.example.jp/");
        check_read(found(link, Some(line(MINATO, 0.95)), None), &[Channel::Ocr]);
        check_no(found(link, None, None), Why::NotACouponCode);
    }

    #[test]
    fn nothing_is_nothing() {
        check_no(Found::default(), Why::NothingFound);
        check_no(
            found(None, Some(LineReading::unread()), None),
            Why::NothingFound,
        );
    }

    #[test]
    fn every_reason_has_a_name_of_its_own() {
        let reasons = [
            Why::NothingFound,
            Why::LineUnsure,
            Why::CodesDisagree,
            Why::PartialOnly,
            Why::BadCheckDigit,
            Why::NotACouponCode,
        ];
        let names: std::collections::BTreeSet<_> = reasons.iter().map(|why| why.code()).collect();
        assert_eq!(names.len(), reasons.len());
    }
}
