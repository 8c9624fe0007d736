//! Digits from a row of bars: NW-7 (Codabar), by comparison with what each digit would look like through the blur.
//!
//! A digit is 7 bars and spaces, of which two are wide, so all digits are equally long and the ends of the code tell
//! where each one stands. A decoder that measures single bars fails as soon as blur joins them; here each digit's
//! place is compared with pictures of all ten, equally blurred.
#![expect(
    clippy::indexing_slicing,
    reason = "positions are clamped to the row; tables are indexed by the digits 0 to 9 that they were made for"
)]

/// Wide (1) or narrow (0) for bar, space, bar, … of each digit.
const DIGITS: [[u8; 7]; 10] = [
    [0, 0, 0, 0, 0, 1, 1],
    [0, 0, 0, 0, 1, 1, 0],
    [0, 0, 0, 1, 0, 0, 1],
    [1, 1, 0, 0, 0, 0, 0],
    [0, 0, 1, 0, 0, 1, 0],
    [1, 0, 0, 0, 0, 1, 0],
    [0, 1, 0, 0, 0, 0, 1],
    [0, 1, 0, 0, 1, 0, 0],
    [0, 1, 1, 0, 0, 0, 0],
    [1, 0, 0, 1, 0, 0, 0],
];
/// The four characters that start and stop a code: a, b, c, d.
const STARTS: [[u8; 7]; 4] = [
    [0, 0, 1, 1, 0, 1, 0],
    [0, 1, 0, 1, 0, 0, 1],
    [0, 0, 0, 1, 0, 1, 1],
    [0, 0, 0, 1, 1, 1, 0],
];
/// How many digits a coupon's code may have: the ticket number, or all 18.
const LENGTHS: [usize; 2] = [10, 18];
/// Wide over narrow, as printers choose it.
const RATIOS: [f32; 4] = [2.0, 2.3, 2.6, 3.0];
/// Blur (standard deviation) in narrow bars.
const BLURS: [f32; 3] = [0.4, BLUR_USUAL, 1.1];
/// The blur with which a code is sought before it is read.
const BLUR_USUAL: f32 = 0.7;
/// Samples of a character's picture.
const TEMPLATE: usize = 44;

/// How well the worst character must fit its picture (correlation).
const FIT_MIN: f32 = 0.6;
/// By how much the right digit must fit better than the next one.
const LEAD_MIN: f32 = 0.12;
/// How dark the blank paper on each side may be.
const MARGIN_MAX: f32 = 0.24;

/// What a row of bars says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Bars {
    pub digits: String,
    /// Correlation of the worst character with its picture.
    pub fit: f32,
    /// The smallest lead of a digit over the next likely.
    pub lead: f32,
    /// Mean darkness of what should be blank paper at the darker end: 0 paper, 1 ink.
    pub margin: f32,
}

impl Bars {
    pub(crate) fn is_sure(&self) -> bool {
        self.fit >= FIT_MIN && self.lead >= LEAD_MIN && self.margin <= MARGIN_MAX
    }
}

/// Reads the bars of a row of darkness: finds the characters at both ends, and fits the digits between them.
pub(crate) fn read(row: &[f32]) -> Option<Bars> {
    /// Spans that are worth the fine search.
    const SPANS_MAX: usize = 4;
    let mut spans: Vec<(f32, Span)> = spans(row)
        .into_iter()
        .map(|span| (aligned(row, &span, 1, &[BLUR_USUAL]).0, span))
        .collect();
    spans.sort_by(|a, b| b.0.total_cmp(&a.0));
    spans.truncate(SPANS_MAX);
    let fine = spans.iter().map(|(_, span)| aligned(row, span, 3, &BLURS));
    fine.max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, bars)| bars)
}

/// Where a code may stand, and how it may be made.
#[derive(Clone, Copy, Debug)]
struct Span {
    left: f32,
    right: f32,
    length: usize,
    ratio: f32,
}

impl Span {
    /// Narrow bars in the whole code.
    fn modules(&self) -> f32 {
        self.length as f32 * digit_modules(self.ratio)
            + 2.0 * start_modules(self.ratio)
            + (self.length + 1) as f32
    }
}

/// Narrow bars in a digit.
fn digit_modules(ratio: f32) -> f32 {
    5.0 + 2.0 * ratio
}

/// Narrow bars in a start or stop character.
fn start_modules(ratio: f32) -> f32 {
    4.0 + 3.0 * ratio
}

/// All pairs of ends between which there is room for 10 or for 18 digits.
fn spans(row: &[f32]) -> Vec<Span> {
    /// By how much the room may differ from what the ends' narrow bars promise: blur makes those hard to measure.
    const ROOM: std::ops::RangeInclusive<f32> = 0.85..=1.18;
    let lefts = ends(row, STARTS);
    let mirrored: Vec<f32> = row.iter().rev().copied().collect();
    let rights = ends(
        &mirrored,
        STARTS.map(|[a, b, c, d, e, f, g]| [g, f, e, d, c, b, a]),
    );
    let last = row.len() as f32 - 1.0;
    let mut spans = Vec::new();
    for left in &lefts {
        for right in &rights {
            for length in LENGTHS {
                for ratio in RATIOS {
                    let span = Span {
                        left: left.at,
                        right: last - right.at,
                        length,
                        ratio,
                    };
                    let module = (span.right - span.left) / span.modules();
                    if ROOM.contains(&(2.0 * module / (left.module + right.module))) {
                        spans.push(span);
                    }
                }
            }
        }
    }
    spans
}

/// A character that may start or stop a code.
#[derive(Clone, Copy, Debug)]
struct End {
    /// Its outer edge, in samples.
    at: f32,
    /// Samples of a narrow bar.
    module: f32,
}

/// Narrow bars, in samples: 0.2 to 0.3 mm, the pitch of the line being 2 to 2.5 mm.
const MODULES: [f32; 9] = [3.1, 3.4, 3.7, 4.1, 4.5, 4.9, 5.4, 5.9, 6.4];
/// Wide over narrow, when ends are sought.
const RATIOS_OF_ENDS: [f32; 2] = [2.2, 2.7];

/// The likeliest places of a code's left end, best first: a start character, and blank paper before it.
fn ends(row: &[f32], patterns: [[u8; 7]; 4]) -> Vec<End> {
    const ENDS_MAX: usize = 6;
    const END_FIT_MIN: f32 = 0.6;
    /// Ends nearer to each other than this, in samples, are one.
    const APART: f32 = 8.0;
    let shapes: Vec<(f32, Vec<[f32; TEMPLATE]>)> = RATIOS_OF_ENDS
        .iter()
        .map(|&ratio| {
            (
                ratio,
                patterns
                    .iter()
                    .map(|pattern| end_picture(pattern, ratio))
                    .collect(),
            )
        })
        .collect();
    let mut found: Vec<(f32, End)> = Vec::new();
    for at in (0..row.len()).step_by(2).filter(|&at| rises(row, at)) {
        // Inside a code there are places that look like a start with a wide space before it, but no wider one.
        let darkness = mean(row, at as f32 - QUIET_SAMPLES, at as f32 - MODULES[0]);
        for module in MODULES {
            for (ratio, pictures) in &shapes {
                let length = QUIET + start_modules(*ratio);
                let seen = window(row, at as f32 - QUIET * module, length * module);
                let fit = likeliest(&seen, pictures).fit;
                if fit >= END_FIT_MIN {
                    found.push((
                        fit - darkness,
                        End {
                            at: at as f32,
                            module,
                        },
                    ));
                }
            }
        }
    }
    found.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut best: Vec<End> = Vec::new();
    for (_, end) in found {
        if best.len() < ENDS_MAX && best.iter().all(|other| (other.at - end.at).abs() > APART) {
            best.push(end);
        }
    }
    best
}

/// The mean of the row from one place to another; 0 where the row has nothing there.
fn mean(row: &[f32], from: f32, to: f32) -> f32 {
    let from = (from.max(0.0) as usize).min(row.len());
    let to = (to.max(0.0) as usize).clamp(from, row.len());
    let part = &row[from..to];
    part.iter().sum::<f32>() / part.len().max(1) as f32
}

fn rises(row: &[f32], at: usize) -> bool {
    let after = row.get(at + 3).copied().unwrap_or(0.0);
    let before = row.get(at.saturating_sub(3)).copied().unwrap_or(0.0);
    after - before > 0.1
}

/// Pictures of all characters, blurred, of mean 0 and length 1.
struct Pictures {
    digits: Vec<[f32; TEMPLATE]>,
    starts: Vec<[f32; TEMPLATE]>,
}

impl Pictures {
    fn of(ratio: f32, blur: f32) -> Pictures {
        Pictures {
            digits: DIGITS
                .iter()
                .map(|pattern| picture(pattern, ratio, blur))
                .collect(),
            starts: STARTS
                .iter()
                .map(|pattern| picture(pattern, ratio, blur))
                .collect(),
        }
    }
}

/// Blank paper that is compared along with an end, in narrow bars.
const QUIET: f32 = 5.0;
/// Blank paper before an end, in samples: 1.5 mm, what the narrowest print leaves.
const QUIET_SAMPLES: f32 = 26.0;

/// A start character with the blank paper before it.
fn end_picture(pattern: &[u8; 7], ratio: f32) -> [f32; TEMPLATE] {
    let (mut bars, length) = bars_of(pattern, ratio);
    bars.push((length + 1.0, length + 1.0 + middle_bar(ratio)));
    drawn(&bars, -QUIET, length, BLUR_USUAL)
}

/// One character between two others.
fn picture(pattern: &[u8; 7], ratio: f32, blur: f32) -> [f32; TEMPLATE] {
    let (mut bars, length) = bars_of(pattern, ratio);
    bars.push((-1.0 - middle_bar(ratio), -1.0));
    bars.push((length + 1.0, length + 1.0 + middle_bar(ratio)));
    drawn(&bars, 0.0, length, blur)
}

/// What stands in for the neighbour's bar, which may be narrow or wide.
fn middle_bar(ratio: f32) -> f32 {
    (1.0 + ratio) / 2.0
}

/// The bars of a character from its first edge on, and its length, in narrow bars.
fn bars_of(pattern: &[u8; 7], ratio: f32) -> (Vec<(f32, f32)>, f32) {
    let mut bars = Vec::with_capacity(6);
    let mut at = 0.0;
    for (index, &wide) in pattern.iter().enumerate() {
        let width = if wide == 1 { ratio } else { 1.0 };
        if index % 2 == 0 {
            bars.push((at, at + width));
        }
        at += width;
    }
    (bars, at)
}

/// The darkness from one place to another, blurred.
fn drawn(bars: &[(f32, f32)], from: f32, to: f32, blur: f32) -> [f32; TEMPLATE] {
    normalised(std::array::from_fn(|index| {
        let x = from + (to - from) * (index as f32 + 0.5) / TEMPLATE as f32;
        bars.iter()
            .map(|&(left, right)| below((right - x) / blur) - below((left - x) / blur))
            .sum()
    }))
}

/// The share of a normal distribution below `deviations`, by the logistic curve that is nearest to it.
fn below(deviations: f32) -> f32 {
    1.0 / (1.0 + (-1.702 * deviations).exp())
}

fn normalised(mut values: [f32; TEMPLATE]) -> [f32; TEMPLATE] {
    let mean = values.iter().sum::<f32>() / TEMPLATE as f32;
    values.iter_mut().for_each(|value| *value -= mean);
    let length = values
        .iter()
        .map(|value| value * value)
        .sum::<f32>()
        .sqrt()
        .max(1e-6);
    values.iter_mut().for_each(|value| *value /= length);
    values
}

/// The reading at the best of the alignments around a span, with its score (mean correlation). Each end is moved by
/// up to so many steps of a third of a narrow bar each way.
fn aligned(row: &[f32], span: &Span, steps: i32, blurs: &[f32]) -> (f32, Bars) {
    let third = (span.right - span.left) / span.modules() / 3.0;
    let mut best = (
        f32::MIN,
        Bars {
            digits: String::new(),
            fit: 0.0,
            lead: 0.0,
            margin: 1.0,
        },
    );
    for &blur in blurs {
        let pictures = Pictures::of(span.ratio, blur);
        for left_step in -steps..=steps {
            for right_step in -steps..=steps {
                let moved = Span {
                    left: span.left + left_step as f32 * third,
                    right: span.right + right_step as f32 * third,
                    ..*span
                };
                let candidate = compared(row, &moved, &pictures);
                if candidate.0 > best.0 {
                    best = candidate;
                }
            }
        }
    }
    best
}

/// Compares each character's place with all pictures.
fn compared(row: &[f32], span: &Span, pictures: &Pictures) -> (f32, Bars) {
    let module = (span.right - span.left) / span.modules();
    let mut at = span.left;
    let mut sum = 0.0;
    let margin = margin(row, span, module);
    let mut bars = Bars {
        digits: String::with_capacity(span.length),
        fit: 1.0,
        lead: 1.0,
        margin,
    };
    for index in 0..span.length + 2 {
        let is_end = index == 0 || index == span.length + 1;
        let modules = if is_end {
            start_modules(span.ratio)
        } else {
            digit_modules(span.ratio)
        };
        let seen = window(row, at, modules * module);
        let fit = if is_end {
            likeliest(&seen, &pictures.starts).fit
        } else {
            let likeliest = likeliest(&seen, &pictures.digits);
            bars.digits.extend(char::from_digit(likeliest.value, 10));
            bars.lead = bars.lead.min(likeliest.lead);
            likeliest.fit
        };
        bars.fit = bars.fit.min(fit);
        sum += fit;
        at += (modules + 1.0) * module;
    }
    (sum / (span.length + 2) as f32, bars)
}

/// The darker of the two margins, which a code has and a piece of one has not. A narrow bar is left out for the blur.
fn margin(row: &[f32], span: &Span, module: f32) -> f32 {
    let left = mean(row, span.left - QUIET * module, span.left - module);
    let right = mean(row, span.right + module, span.right + QUIET * module);
    left.max(right)
}

/// The picture that fits best, and by how much better than the next.
struct Likeliest {
    value: u32,
    fit: f32,
    lead: f32,
}

fn likeliest(seen: &[f32; TEMPLATE], pictures: &[[f32; TEMPLATE]]) -> Likeliest {
    let mut best = Likeliest {
        value: 0,
        fit: -1.0,
        lead: 0.0,
    };
    for (value, picture) in (0..).zip(pictures) {
        let fit = product(seen, picture);
        if fit > best.fit {
            best = Likeliest {
                value,
                fit,
                lead: fit - best.fit,
            };
        } else {
            best.lead = best.lead.min(best.fit - fit);
        }
    }
    best
}

/// `TEMPLATE` values of the row from `from` on, over `width` samples; of mean 0 and length 1.
fn window(row: &[f32], from: f32, width: f32) -> [f32; TEMPLATE] {
    let last = row.len().saturating_sub(1);
    normalised(std::array::from_fn(|index| {
        let at = (from + width * (index as f32 + 0.5) / TEMPLATE as f32).clamp(0.0, last as f32);
        let left = at as usize;
        let right = (left + 1).min(last);
        row[left] + (row[right] - row[left]) * (at - left as f32)
    }))
}

fn product(one: &[f32; TEMPLATE], other: &[f32; TEMPLATE]) -> f32 {
    one.iter().zip(other).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A row of paper with a code on it: each bar's width in samples, blurred by a mean over `blur` samples.
    fn row(digits: &str, module: f32, ratio: f32, blur: usize) -> Vec<f32> {
        let mut bars = Vec::new();
        let mut at = 120.0;
        let starts = [STARTS[0], STARTS[3]];
        let characters = digits
            .bytes()
            .map(|digit| DIGITS[usize::from(digit - b'0')]);
        for pattern in starts
            .into_iter()
            .take(1)
            .chain(characters)
            .chain(starts.into_iter().skip(1))
        {
            let (of_character, length) = bars_of(&pattern, ratio);
            bars.extend(
                of_character
                    .iter()
                    .map(|(from, to)| (at + from * module, at + to * module)),
            );
            at += (length + 1.0) * module;
        }
        let sharp: Vec<f32> = (0..(at + 120.0) as usize)
            .map(|x| {
                f32::from(u8::from(
                    bars.iter()
                        .any(|&(from, to)| (from..to).contains(&(x as f32))),
                ))
            })
            .collect();
        let around = |x: usize| &sharp[x.saturating_sub(blur)..(x + blur + 1).min(sharp.len())];
        (0..sharp.len())
            .map(|x| around(x).iter().sum::<f32>() / around(x).len() as f32)
            .collect()
    }

    fn check(digits: &str, module: f32, ratio: f32, blur: usize) {
        let bars = read(&row(digits, module, ratio, blur)).unwrap();
        assert_eq!(
            bars.digits, digits,
            "module {module}, ratio {ratio}, blur {blur}"
        );
        assert!(
            bars.is_sure(),
            "module {module}, ratio {ratio}, blur {blur}: {bars:?}"
        );
    }

    #[test]
    fn every_digit_is_told_from_every_other() {
        check("0123456789", 5.0, 2.5, 1);
        check("9876543210", 5.0, 2.5, 1);
        check("012345678998765432", 4.0, 2.5, 1);
    }

    #[test]
    fn printers_may_choose_their_widths() {
        for ratio in [2.0, 2.25, 2.5, 2.75, 3.0] {
            for module in [3.3, 4.6, 6.0] {
                check("0000130091", module, ratio, 1);
            }
        }
    }

    #[test]
    fn bars_that_run_into_each_other_are_still_read() {
        // A mean over 9 samples, where a narrow bar has 5.
        check("4765844931", 5.0, 2.5, 4);
    }

    #[test]
    fn a_piece_of_a_code_is_not_a_code() {
        let whole = row("252831690000063915", 4.0, 2.5, 1);
        for (from, to) in [
            (0, whole.len() * 6 / 10),
            (whole.len() * 4 / 10, whole.len()),
        ] {
            assert!(!read(&whole[from..to]).is_some_and(|bars| bars.is_sure()));
        }
    }

    #[test]
    fn blank_paper_and_a_fence_are_no_codes() {
        assert_eq!(read(&[0.0; 800]), None);
        assert_eq!(read(&[]), None);
        let fence: Vec<f32> = (0..800).map(|x| f32::from(u8::from(x % 10 < 5))).collect();
        assert!(!read(&fence).is_some_and(|bars| bars.is_sure()));
    }

    proptest::proptest! {
        #[test]
        fn any_ticket_number_is_read(digits in "[0-9]{10}") {
            check(&digits, 4.5, 2.5, 2);
        }
    }
}
