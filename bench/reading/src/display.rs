//! Made photographs of the displays of coolers (保冷庫の温度表示): seven segments, lit or as dark crystal, as a telephone sees
//! them.
//!
//! Lengths are in heights of a digit of the number that is meant; the display lies in a picture of some size, turned and
//! lit in a way that goes with the difficulty. Beside the number there may be a minus, a unit, a smaller row with the
//! least and the greatest temperature, letters of a maker, and the frame. In negatives no number can be read: there is
//! none, or its first or last digits are out of the picture.
#![expect(
    clippy::expect_used,
    reason = "a canvas has a value for each pixel, which is all that a picture asks for"
)]

use reader::Grey;

use crate::canvas::{Canvas, Kernel};
use crate::chance::{Chance, Purpose};
use crate::coupon::Difficulty;

/// A photograph of a display, and what it shows.
pub struct DisplayPhotograph {
    /// What a telephone took.
    pub picture: Grey,
    /// The digits with their point; `None` where no number should be told.
    pub magnitude: Option<String>,
    /// Whether there is a minus before them.
    pub minus: bool,
}

/// Top, upper right, lower right, bottom, lower left, upper left, middle.
const SEGMENTS: [[u8; 7]; 10] = [
    [1, 1, 1, 1, 1, 1, 0],
    [0, 1, 1, 0, 0, 0, 0],
    [1, 1, 0, 1, 1, 0, 1],
    [1, 1, 1, 1, 0, 0, 1],
    [0, 1, 1, 0, 0, 1, 1],
    [1, 0, 1, 1, 0, 1, 1],
    [1, 0, 1, 1, 1, 1, 1],
    [1, 1, 1, 0, 0, 0, 0],
    [1, 1, 1, 1, 1, 1, 1],
    [1, 1, 1, 1, 0, 1, 1],
];

/// How a maker draws digits.
struct Style {
    width: f32,
    thickness: f32,
    gap: f32,
    lean: f32,
    pitch: f32,
    point: f32,
    /// A six without its top, a seven with its left, a nine without its foot.
    is_short: bool,
    minus_width: f32,
}

impl Style {
    fn of(chance: &mut Chance) -> Style {
        let width = chance.within((0.46, 0.62));
        let thickness = chance.within((0.09, 0.17));
        Style {
            width,
            thickness,
            gap: chance.within((0.004, 0.035)),
            lean: if chance.is(0.4) {
                0.0
            } else {
                chance.within((0.03, 0.19))
            },
            pitch: width + thickness * 0.5 + chance.within((0.16, 0.38)),
            point: chance.within((0.05, 0.08)),
            is_short: chance.is(0.2),
            minus_width: chance.within((0.25, 0.5)),
        }
    }

    fn segments(&self, digit: char) -> [u8; 7] {
        let mut segments = digit
            .to_digit(10)
            .and_then(|digit| SEGMENTS.get(digit as usize))
            .copied()
            .unwrap_or([1, 0, 0, 1, 1, 1, 0]);
        if self.is_short {
            match digit {
                '6' => segments[0] = 0,
                '7' => segments[5] = 1,
                '9' => segments[3] = 0,
                _ => {}
            }
        }
        segments
    }
}

/// A bar from one place to another, with pointed ends.
#[derive(Clone, Copy)]
struct Bar {
    from: (f32, f32),
    to: (f32, f32),
    half: f32,
    /// 1 is lit, less is a segment that is off and still seen.
    strength: f32,
}

impl Bar {
    /// How much of it covers a place, 0 to 1, with an edge this soft.
    fn cover(&self, (x, y): (f32, f32), soft: f32) -> f32 {
        let (along_x, along_y) = (self.to.0 - self.from.0, self.to.1 - self.from.1);
        let length = along_x.hypot(along_y).max(1e-6);
        if length < self.half / 2.0 {
            let outside = (x - self.from.0).hypot(y - self.from.1) - self.half;
            return self.strength * (0.5 - outside / soft.max(1e-6)).clamp(0.0, 1.0);
        }
        let (unit_x, unit_y) = (along_x / length, along_y / length);
        let (x, y) = (x - self.from.0, y - self.from.1);
        let (along, off) = (x * unit_x + y * unit_y, (y * unit_x - x * unit_y).abs());
        let past_end = (-along).max(along - length).max(-self.half);
        // Hexagons: the nearer the end, the narrower.
        let outside = (off - self.half).max(off + past_end);
        self.strength * (0.5 - outside / soft.max(1e-6)).clamp(0.0, 1.0)
    }
}

/// Digits from a place on, `scale` high.
fn draw(
    style: &Style,
    text: &str,
    (left, top): (f32, f32),
    scale: f32,
    ghost: f32,
    bars: &mut Vec<Bar>,
) -> f32 {
    let half = style.thickness / 2.0;
    let (w, gap) = (style.width, style.gap);
    let mut x = left;
    let mut put = |x: f32, from: (f32, f32), to: (f32, f32), half: f32, strength: f32| {
        let place = |(across, down): (f32, f32)| {
            (
                x + scale * (across + style.lean * (1.0 - down)),
                top + scale * down,
            )
        };
        bars.push(Bar {
            from: place(from),
            to: place(to),
            half: half * scale,
            strength,
        });
    };
    for letter in text.chars() {
        match letter {
            '.' => {
                let place = (w + (style.pitch - w) / 2.0 - style.pitch, 1.0 - style.point);
                put(x, place, (place.0 + 0.002, place.1), style.point, 1.0);
            }
            '-' => {
                let from = w - half - style.minus_width;
                put(x, (from, 0.5), (w - half, 0.5), half, 1.0);
                x += scale * style.pitch;
            }
            _ => {
                let (l, r, t, m, b) = (half, w - half, half, 0.5, 1.0 - half);
                let ends = [
                    ((l + gap, t), (r - gap, t)),
                    ((r, t + gap), (r, m - gap)),
                    ((r, m + gap), (r, b - gap)),
                    ((l + gap, b), (r - gap, b)),
                    ((l, m + gap), (l, b - gap)),
                    ((l, t + gap), (l, m - gap)),
                    ((l + gap, m), (r - gap, m)),
                ];
                for ((from, to), is_on) in ends.into_iter().zip(style.segments(letter)) {
                    let strength = if is_on == 1 { 1.0 } else { ghost };
                    put(x, from, to, half, strength);
                }
                x += scale * style.pitch;
            }
        }
    }
    x
}

/// What can go wrong, by difficulty.
struct Faults {
    height: (f32, f32),
    turned: f32,
    blur: (f32, f32),
    motion: f32,
    uneven: f32,
    glare: f32,
    noise: (f32, f32),
    contrast: (f32, f32),
    ghost: f32,
}

fn faults(difficulty: Difficulty) -> Faults {
    match difficulty {
        Difficulty::Easy => Faults {
            height: (70.0, 220.0),
            turned: 1.5,
            blur: (0.0, 1.2),
            motion: 0.0,
            uneven: 0.1,
            glare: 0.0,
            noise: (0.004, 0.012),
            contrast: (0.45, 0.8),
            ghost: 0.04,
        },
        Difficulty::Medium | Difficulty::Negative => Faults {
            height: (50.0, 200.0),
            turned: 3.5,
            blur: (0.5, 2.5),
            motion: 3.0,
            uneven: 0.3,
            glare: 0.2,
            noise: (0.01, 0.03),
            contrast: (0.3, 0.7),
            ghost: 0.12,
        },
        Difficulty::Hard => Faults {
            height: (36.0, 180.0),
            turned: 6.0,
            blur: (1.0, 4.0),
            motion: 6.0,
            uneven: 0.5,
            glare: 0.5,
            noise: (0.02, 0.05),
            contrast: (0.2, 0.55),
            ghost: 0.25,
        },
    }
}

/// The photograph of a seed.
pub fn display(seed: u64, difficulty: Difficulty) -> DisplayPhotograph {
    let mut chance = Chance::of(Purpose::Judging, "display", seed);
    let faults = faults(difficulty);
    let style = Style::of(&mut chance);
    let (magnitude, minus) = temperature(&mut chance);
    let ghost = if chance.is(0.5) {
        chance.within((0.0, faults.ghost))
    } else {
        0.0
    };
    let hidden = difficulty
        .is_negative()
        .then(|| chance.pick(&[0_usize, 1, 2]));
    let mut bars = Vec::new();
    let text = if minus {
        format!("-{magnitude}")
    } else {
        magnitude.clone()
    };
    let shown = if hidden == Some(0) { "" } else { text.as_str() };
    // The first digit stands at 0, a minus before it.
    let start = if minus { -style.pitch } else { 0.0 };
    let end = draw(&style, shown, (start, 0.0), 1.0, ghost, &mut bars);
    let width = if shown.is_empty() {
        end
    } else {
        beside_the_number(&mut chance, &style, end, ghost, &mut bars)
    };
    let height = chance.within(faults.height);
    // A number that is cut off loses its first digits or its last.
    let (mut left, mut right) = (
        chance.within((0.5, 1.3)) + if minus { style.pitch } else { 0.0 },
        chance.within((0.3, 1.2)) + width,
    );
    match hidden {
        Some(1) => left = -chance.within((0.35, 0.6)) * (end - 0.2),
        Some(2) => right = chance.within((0.35, 0.7)) * (end - 0.2),
        _ => {}
    }
    let (above, below) = (chance.within((0.1, 0.8)), chance.within((0.2, 1.6)));
    let pixels_across = ((left + right) * height).clamp(24.0, 1_600.0) as usize;
    let pixels_down = ((above + 1.0 + below) * height) as usize;
    let turned = chance.around(faults.turned).to_radians();
    let (sine, cosine) = turned.sin_cos();
    let place = |x: usize, y: usize| {
        let (x, y) = (x as f32 / height - left, y as f32 / height - above);
        (x * cosine + y * sine, y * cosine - x * sine)
    };
    let soft = 1.0 / height;
    let drawn = Canvas::drawn(pixels_across, pixels_down, |x, y| {
        let place = place(x, y);
        bars.iter()
            .map(|bar| bar.cover(place, soft))
            .fold(0.0, f32::max)
    });
    let frame = frame(&mut chance, width);
    let is_lit = chance.is(0.5);
    let contrast = chance.within(faults.contrast);
    let ground = if is_lit {
        chance.within((0.03, 0.2))
    } else {
        chance.within((0.12, 0.2)) + contrast
    };
    let mut picture = Canvas::drawn(pixels_across, pixels_down, |x, y| {
        let share = drawn
            .values
            .get(y * drawn.width + x)
            .copied()
            .unwrap_or_default();
        let on_panel = ground + if is_lit { contrast } else { -contrast } * share;
        frame.over(place(x, y), soft, on_panel)
    });
    light(&mut chance, &faults, &mut picture);
    let blur = chance.within(faults.blur) * (height / 120.0).clamp(0.4, 1.0);
    let mut picture = picture.through(&Kernel::disk(blur));
    if faults.motion > 0.0 {
        let length = chance.within((0.0, faults.motion)) * (height / 120.0).clamp(0.3, 1.0);
        picture = picture.through(&Kernel::motion(length, chance.angle()));
    }
    let noise = chance.within(faults.noise);
    picture.change(|_, _, value| value + noise * chance.noise());
    let bytes = picture.bytes();
    DisplayPhotograph {
        picture: Grey::new(picture.width, picture.height, bytes)
            .expect("a canvas has a value for each pixel"),
        magnitude: hidden.is_none().then_some(magnitude),
        minus,
    }
}

/// As coolers show it: a refrigerator's with a decimal, a freezer's with or without.
fn temperature(chance: &mut Chance) -> (String, bool) {
    let tenths = chance.below(10);
    match chance.below(5) {
        0 | 1 => (format!("{}.{tenths}", 1 + chance.below(12)), false),
        2 => (format!("{}.{tenths}", 10 + chance.below(19)), true),
        3 => (format!("{}", 15 + chance.below(75)), true),
        _ => (format!("{}.{tenths}", chance.below(10)), chance.is(0.5)),
    }
}

/// The unit, a smaller row below and a maker's name; gives how far to the right it reaches.
fn beside_the_number(
    chance: &mut Chance,
    style: &Style,
    end: f32,
    ghost: f32,
    bars: &mut Vec<Bar>,
) -> f32 {
    let mut right = end;
    if chance.is(0.6) {
        // The ring of the degree, and a C as high as the digits or smaller.
        let ring = 0.09;
        let x = end + ring;
        for part in 0..8 {
            let at = |part: f32| {
                let (sine, cosine) = (part * std::f32::consts::TAU / 8.0).sin_cos();
                (
                    x + ring * cosine + style.lean * 0.9,
                    ring + 0.02 + ring * sine,
                )
            };
            bars.push(Bar {
                from: at(part as f32),
                to: at(part as f32 + 1.0),
                half: 0.025,
                strength: 1.0,
            });
        }
        let scale = chance.pick(&[1.0, 0.55, 0.45]);
        let top = if chance.is(0.5) { 0.0 } else { 1.0 - scale };
        right = draw(style, "C", (x + 0.16, top), scale, 0.0, bars);
    }
    if chance.is(0.3) {
        let scale = chance.within((0.3, 0.55));
        let (low, high) = (1 + chance.below(4), 5 + chance.below(5));
        let row = 1.25 + chance.within((0.0, 0.2));
        let next = draw(style, &format!("{low}.3"), (0.1, row), scale, ghost, bars);
        draw(
            style,
            &format!("{high}.1"),
            (next + 0.5, row),
            scale,
            ghost,
            bars,
        );
    }
    if chance.is(0.3) {
        let top = 1.2 + chance.within((0.0, 0.3));
        for letter in 0..6 {
            let x = 0.3 + letter as f32 * 0.12;
            bars.push(Bar {
                from: (x, top),
                to: (x + chance.around(0.05), top + 0.14),
                half: 0.012,
                strength: 0.7,
            });
        }
    }
    right
}

/// The edge of the display and what lies beyond it.
struct Frame {
    left: f32,
    right: f32,
    top: f32,
    bottom: f32,
    beyond: f32,
    line: f32,
}

impl Frame {
    fn over(&self, (x, y): (f32, f32), soft: f32, panel: f32) -> f32 {
        let outside = (self.left - x)
            .max(x - self.right)
            .max(self.top - y)
            .max(y - self.bottom);
        let share = (0.5 + outside / soft).clamp(0.0, 1.0);
        let on_line = (0.5 - (outside.abs() - 0.03) / soft).clamp(0.0, 1.0);
        let value = panel + (self.beyond - panel) * share;
        value + (self.line - value) * on_line
    }
}

fn frame(chance: &mut Chance, width: f32) -> Frame {
    Frame {
        left: -chance.within((0.9, 1.6)),
        right: width + chance.within((0.2, 0.9)),
        top: -chance.within((0.2, 0.6)),
        bottom: 1.0 + chance.within((0.2, 1.2)),
        beyond: chance.within((0.1, 0.9)),
        line: chance.within((0.05, 0.6)),
    }
}

/// Light that is uneven over the picture, and a reflection.
fn light(chance: &mut Chance, faults: &Faults, picture: &mut Canvas) {
    let hills = Canvas::hills(chance, picture.width, picture.height, (3, 3));
    let uneven = chance.within((0.0, faults.uneven));
    let lit = picture.joined(&hills, |value, hill| value * (1.0 - uneven * hill));
    *picture = lit;
    if chance.is(faults.glare) {
        let (width, height) = (picture.width as f32, picture.height as f32);
        let (x, y) = (chance.share() * width, chance.share() * height);
        let (across, down) = (
            chance.within((0.1, 0.5)) * height,
            chance.within((0.1, 0.5)) * height,
        );
        let bright = chance.within((0.2, 0.9));
        picture.change(|column, row, value| {
            let (dx, dy) = ((column as f32 - x) / across, (row as f32 - y) / down);
            value + bright * (-(dx * dx + dy * dy)).exp()
        });
    }
}
