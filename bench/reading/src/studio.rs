//! The first way to make photographs: print, wear, one view, light, lens, sensor, each by its own few numbers.
//!
//! What is printed: title, issuer, numbers, name, date; mostly NW-7 bars of 5.6 mm (the ticket number, or all 18 digits
//! in a fifth); the line of 18 digits, OCR-B 9 point, 2 mm under the bars and at least 1 mm above the lower edge;
//! mostly a QR code (version 1-M, 10 x 10 mm). As found in the field: line at the left or centred, 35 to 45 mm long,
//! bars 28 to 56 mm, a ruled border close to the line although the guide forbids it.
//!
//! Difficulty, by physics (pixels of the delivered picture):
//!
//! ```text
//!             px/mm   defocus  motion  turned  tilt  light            noise  JPEG   paper
//!   easy      11-27   0-1.0    0-2     +-3     0.04  even             1-3    80-90  as new
//!   medium    9-24    0.8-1.8  0-4     +-7     0.10  gradient/shadow  3-8    60-85  faded, specks
//!   hard      8-21    1.0-3.0  0-8     +-10    0.18  shadow/glare     6-14   40-70  faded, streaks, dirt, fold, pen
//! ```

use crate::canvas::{Canvas, Kernel, View};
use crate::chance::{Chance, Purpose};
use crate::coupon::{
    Coupon, DIGITS, Damage, Difficulty, Framing, Photograph, any_digits, coupon_digits, window,
};
use crate::faces::Type;
use crate::sheet::{Area, Sheet};

mod wear;

pub(crate) const WIDTH: f32 = 63.0;
pub(crate) const HEIGHT: f32 = 34.0;
const PX_PER_MM: f32 = 24.0;

/// Ranges of what can go wrong with a shot; lengths in pixels, angles in degrees.
struct Limits {
    width_of_frame: (f32, f32),
    defocus: (f32, f32),
    motion: (f32, f32),
    turned: f32,
    tilt: f32,
    light: f32,
    /// The darkest shadow; 0 for none.
    shadow: f32,
    glare: f32,
    noise: (f32, f32),
    quality: (f32, f32),
    large_frame: f32,
}

const EASY: Limits = Limits {
    width_of_frame: (0.55, 0.90),
    defocus: (0.0, 1.0),
    motion: (0.0, 2.0),
    turned: 3.0,
    tilt: 0.04,
    light: 0.10,
    shadow: 0.0,
    glare: 0.0,
    noise: (1.0, 3.0),
    quality: (80.0, 91.0),
    large_frame: 0.40,
};
const MEDIUM: Limits = Limits {
    width_of_frame: (0.45, 0.80),
    defocus: (0.8, 1.8),
    motion: (0.0, 4.0),
    turned: 7.0,
    tilt: 0.10,
    light: 0.35,
    shadow: 0.45,
    glare: 0.15,
    noise: (3.0, 8.0),
    quality: (60.0, 86.0),
    large_frame: 0.35,
};
const HARD: Limits = Limits {
    width_of_frame: (0.40, 0.70),
    defocus: (1.0, 3.0),
    motion: (0.0, 8.0),
    turned: 10.0,
    tilt: 0.18,
    light: 0.60,
    shadow: 0.65,
    glare: 0.35,
    noise: (6.0, 14.0),
    quality: (40.0, 71.0),
    large_frame: 0.25,
};

impl Limits {
    fn of(difficulty: Difficulty) -> &'static Limits {
        match difficulty {
            Difficulty::Easy => &EASY,
            Difficulty::Medium | Difficulty::Negative => &MEDIUM,
            Difficulty::Hard => &HARD,
        }
    }
}

/// Why the whole line of a negative is not in view.
#[derive(Clone, Copy, Default, PartialEq)]
enum Hidden {
    #[default]
    NotPrinted,
    Covered,
    CutOff,
}

/// A coupon by its seed. For training its digits may be anything.
pub(crate) fn coupon(
    purpose: Purpose,
    seed: u64,
    difficulty: Difficulty,
    damage: Damage,
) -> Coupon {
    let mut chance = Chance::of(purpose, "studio coupon", seed);
    let digits = match purpose {
        Purpose::Training => any_digits(&mut chance),
        Purpose::Judging => coupon_digits(&mut chance),
    };
    let hidden = difficulty
        .is_negative()
        .then(|| chance.pick(&[Hidden::NotPrinted, Hidden::Covered, Hidden::CutOff]));
    let mut coupon = printed(&mut chance, purpose, digits, hidden);
    coupon.difficulty = difficulty;
    wear::age(&mut chance, &mut coupon);
    wear::damage(&mut chance, &mut coupon, damage);
    if let Some(hidden) = hidden {
        hide(&mut chance, &mut coupon, hidden);
    }
    coupon
}

fn printed(
    chance: &mut Chance,
    purpose: Purpose,
    digits: String,
    hidden: Option<Hidden>,
) -> Coupon {
    let mut sheet = Sheet::new(WIDTH, HEIGHT, PX_PER_MM);
    print_text(chance, &mut sheet, &digits);
    let has_qr = chance.is(0.75);
    if has_qr {
        let (left, top) = (51.0 + chance.within((-0.5, 0.3)), chance.within((1.5, 6.5)));
        // A negative's code would tell all 18 digits.
        if hidden.is_none() {
            sheet.qr(
                &digits,
                Area {
                    left,
                    top,
                    width: 10.0,
                    height: 10.0,
                },
            );
        }
    }
    let cut = Type::of_the_studio(chance, purpose);
    let pitch = cut.pitch()
        * if chance.is(0.6) {
            1.0
        } else {
            chance.within((0.85, 1.1))
        };
    let width = pitch * DIGITS as f32;
    let left = match chance.below(3) {
        0 => 2.0,
        1 => (WIDTH - width) / 2.0,
        _ => chance.within((1.5, WIDTH - width - 1.5)),
    };
    let line = Area {
        left,
        top: HEIGHT - chance.within((1.0, 2.0)) - cut.height(),
        width,
        height: cut.height(),
    };
    let is_printed = hidden != Some(Hidden::NotPrinted);
    if is_printed {
        sheet.line(&digits, &cut, line, pitch);
    }
    let bars = print_bars(chance, &mut sheet, &digits, line, hidden.is_some());
    print_border(chance, &mut sheet, line);
    Coupon {
        paper: sheet.canvas(),
        px_per_mm: PX_PER_MM,
        width: WIDTH,
        height: HEIGHT,
        line,
        pitch,
        visible: [is_printed; DIGITS],
        doubtful: [false; DIGITS],
        has_qr: has_qr && hidden.is_none(),
        bars,
        cut_off: 0,
        difficulty: Difficulty::Easy,
        digits,
    }
}

fn print_text(chance: &mut Chance, sheet: &mut Sheet, digits: &str) {
    let (turn, municipality, ticket) = (
        digits.get(1..2).unwrap_or_default(),
        digits.get(2..8).unwrap_or_default(),
        digits.get(8..).unwrap_or_default(),
    );
    sheet.text((1.5, 1.2), "接 種 券", 3.4, 0.0);
    sheet.text((17.0, 1.4), &format!("{turn}回目"), 2.9, 0.0);
    let issuer: String = ["○□△☆", "県府都道", "山川田島", "市町村区"]
        .iter()
        .map(|part| chance.pick(&part.chars().collect::<Vec<char>>()))
        .collect();
    sheet.text(
        (1.5, 6.4),
        &format!("請求先 {issuer}  {municipality}"),
        2.2,
        0.0,
    );
    sheet.text((1.5, 10.2), &format!("券番号  {ticket}"), 2.4, 0.0);
    let family = chance.pick(&["厚生", "佐藤", "鈴木", "高橋", "渡邉"]);
    let given = chance.pick(&["太郎", "花子", "一郎", "美咲", "隆"]);
    sheet.text((1.5, 14.2), &format!("氏名  {family}　{given}"), 2.8, 0.0);
    let (year, month, day) = (
        1930 + chance.below(85),
        1 + chance.below(12),
        1 + chance.below(28),
    );
    sheet.text(
        (25.0, 14.6),
        &format!("生年月日 {year}/{month}/{day}"),
        2.0,
        0.0,
    );
    let rules = 2 + chance.below(3);
    for y in [5.6, 9.6, 13.5, 18.2].into_iter().take(rules) {
        sheet.rule((1.0, y), (48.0, y), 0.15, 0.24);
    }
    if chance.is(0.5) {
        let box_around = Area {
            left: 0.9,
            top: 0.8,
            width: 47.1,
            height: 17.5,
        };
        sheet.frame(box_around, 0.15, 0.16);
    }
}

/// The bars, or none; the digits they show. A negative's never show all 18.
fn print_bars(
    chance: &mut Chance,
    sheet: &mut Sheet,
    digits: &str,
    line: Area,
    negative: bool,
) -> Option<String> {
    if !chance.is(0.85) {
        return None;
    }
    let whole = chance.is(0.2);
    let width = if whole {
        chance.within((46.0, 56.0))
    } else {
        chance.within((30.0, 40.0))
    };
    if whole && negative {
        return None;
    }
    let shown = if whole {
        digits
    } else {
        digits.get(8..).unwrap_or_default()
    };
    let area = Area {
        left: line.left.min(WIDTH - width - 3.0),
        top: line.top - 7.6,
        width,
        height: 5.6,
    };
    sheet.bars(shown, area, 2.5);
    Some(shown.to_owned())
}

fn print_border(chance: &mut Chance, sheet: &mut Sheet, line: Area) {
    let kind = chance.share();
    if kind < 0.35 {
        let edge = Area {
            left: 0.15,
            top: 0.15,
            width: WIDTH - 0.3,
            height: HEIGHT - 0.35,
        };
        sheet.frame(
            edge,
            chance.within((0.1, 0.35)),
            chance.within((0.12, 0.55)),
        );
    } else if kind < 0.5 {
        let y = line.top - 0.7;
        sheet.rule(
            (0.0, y),
            (WIDTH, y),
            chance.within((0.08, 0.2)),
            chance.within((0.12, 0.6)),
        );
    }
}

/// Makes a negative's line incomplete.
fn hide(chance: &mut Chance, coupon: &mut Coupon, hidden: Hidden) {
    let count = 2 + chance.below(8);
    let at_right = chance.is(0.5);
    match hidden {
        Hidden::NotPrinted => {}
        Hidden::CutOff => {
            coupon.cut_off = if at_right {
                count as i32
            } else {
                -(count as i32)
            };
        }
        Hidden::Covered => {
            let edge = coupon.pitch
                * if at_right {
                    (DIGITS - count) as f32
                } else {
                    count as f32
                };
            let edge = (coupon.line.left + edge) * coupon.px_per_mm;
            let top = (coupon.line.top - 1.7) * coupon.px_per_mm;
            let cover = chance.within((0.35, 0.95));
            coupon.paper.change(|x, y, value| {
                let beyond = if at_right {
                    x as f32 > edge
                } else {
                    (x as f32) < edge
                };
                if beyond && y as f32 > top {
                    cover
                } else {
                    value
                }
            });
            let shown = DIGITS - count;
            for (index, visible) in coupon.visible.iter_mut().enumerate() {
                *visible = if at_right {
                    index < shown
                } else {
                    index >= count
                };
            }
        }
    }
}

/// One photograph of a coupon; `shot` counts the photographs of a burst.
pub(crate) fn shot(
    purpose: Purpose,
    coupon: &Coupon,
    seed: u64,
    shot: u64,
    framing: Framing,
) -> Photograph {
    let mut chance = Chance::of(purpose, "studio shot", seed * 64 + shot);
    let limits = Limits::of(coupon.difficulty);
    let frame = if chance.is(limits.large_frame) {
        (1920.0, 1080.0)
    } else {
        (1280.0, 720.0)
    };
    let aim = aim(&mut chance, limits, coupon, frame);
    let (left, top, width, height) = window(&mut chance, coupon, &aim.view, frame, framing);
    let seen = Frame {
        view: aim.view.moved(-left, -top),
        px_per_mm: aim.px_per_mm,
        left,
        top,
        whole: frame,
        width,
        height,
    };
    let mut light = compose(&mut chance, coupon, &seen);
    lit(&mut chance, &mut light, limits, &seen);
    let light = exposed(&mut chance, light, limits, frame.0);
    let quality = chance.within(limits.quality) as u8;
    Photograph::taken(coupon, &light, quality, |x, y| seen.view.to(x, y))
}

struct Aim {
    view: View,
    px_per_mm: f32,
}

/// The part of a frame that is made.
struct Frame {
    view: View,
    px_per_mm: f32,
    left: f32,
    top: f32,
    whole: (f32, f32),
    width: usize,
    height: usize,
}

impl Frame {
    /// A pixel's place in the whole frame, from -1/2 to 1/2.
    fn place(&self, x: usize, y: usize) -> (f32, f32) {
        (
            (x as f32 + self.left) / self.whole.0 - 0.5,
            (y as f32 + self.top) / self.whole.1 - 0.5,
        )
    }
}

/// Distance, turn and tilt; for a line that is cut off, the frame's edge goes through it.
fn aim(chance: &mut Chance, limits: &Limits, coupon: &Coupon, frame: (f32, f32)) -> Aim {
    let px_per_mm = chance.within(limits.width_of_frame) * frame.0 / WIDTH;
    let (sine, cosine) = chance.around(limits.turned).to_radians().sin_cos();
    let (tilt_x, tilt_y) = (chance.around(limits.tilt), chance.around(limits.tilt));
    // Turned about the coupon's middle, then tilted, then moved.
    let (middle_x, middle_y) = (WIDTH / 2.0, HEIGHT / 2.0);
    let turned = [
        [cosine, -sine, -cosine * middle_x + sine * middle_y],
        [sine, cosine, -sine * middle_x - cosine * middle_y],
    ];
    let depth = |column: usize| -> f32 {
        let [[a, b, c], [d, e, f]] = turned;
        let (across, down) = match column {
            0 => (a, d),
            1 => (b, e),
            _ => (c, f),
        };
        let rest = if column == 2 { 1.0 } else { 0.0 };
        2.0 * (across * tilt_x / WIDTH + down * tilt_y / HEIGHT) + rest
    };
    let [[a, b, c], [d, e, f]] = turned.map(|row| row.map(|value| value * px_per_mm));
    let view = View::of([a, b, c, d, e, f, depth(0), depth(1), depth(2)]);
    let corners = Area {
        width: WIDTH,
        height: HEIGHT,
        ..Area::default()
    }
    .corners()
    .map(|(x, y)| view.to(x, y));
    const PAD: f32 = 6.0;
    let mut room = |low: f32, high: f32, side: f32| {
        let nearest = PAD - low;
        chance.within((nearest, (side - PAD - high).max(nearest + 1.0)))
    };
    let (xs, ys) = (
        corners.map(|corner| corner.0),
        corners.map(|corner| corner.1),
    );
    let low = |values: [f32; 4]| values.into_iter().fold(f32::MAX, f32::min);
    let high = |values: [f32; 4]| values.into_iter().fold(f32::MIN, f32::max);
    let mut x = room(low(xs), high(xs), frame.0);
    let y = room(low(ys), high(ys), frame.1);
    if coupon.cut_off != 0 {
        let lost = coupon.cut_off.unsigned_abs() as f32 * coupon.pitch;
        let (edge, border) = if coupon.cut_off > 0 {
            (coupon.line.right() - lost, frame.0)
        } else {
            (coupon.line.left + lost, 0.0)
        };
        x = border - view.to(edge, coupon.line.top + coupon.line.height / 2.0).0;
    }
    Aim {
        view: view.moved(x, y),
        px_per_mm,
    }
}

/// The coupon on what lies under it, with the shadow of its edge; still in perfect light.
fn compose(chance: &mut Chance, coupon: &Coupon, seen: &Frame) -> Canvas {
    const FORM: (f32, f32) = (170.0, 120.0);
    const FORM_PX_PER_MM: f32 = 8.0;
    let form = surroundings(chance, FORM, FORM_PX_PER_MM);
    let offset = (
        (FORM.0 - WIDTH) * chance.within((0.2, 0.8)),
        (FORM.1 - HEIGHT) * chance.within((0.2, 0.8)),
    );
    // Blurred before it is shrunk, else fine print turns into patterns that no camera sees.
    let softness = (0.45 * coupon.px_per_mm / seen.px_per_mm).max(0.3);
    let paper = coupon.paper.blurred(softness);
    let whiteness = chance.within((0.85, 1.0));
    let edge = 0.5 / seen.px_per_mm;
    let reach = 0.4;
    Canvas::drawn(seen.width, seen.height, |x, y| {
        let (x, y) = seen.view.from(x as f32, y as f32);
        // How far outside the coupon, in mm; negative inside.
        let outside = (-x).max(x - WIDTH).max(-y).max(y - HEIGHT);
        let over = || whiteness * paper.at(x * coupon.px_per_mm - 0.5, y * coupon.px_per_mm - 0.5);
        if outside < -edge {
            return over();
        }
        let scale = FORM_PX_PER_MM;
        let under = form.at((x + offset.0) * scale - 0.5, (y + offset.1) * scale - 0.5);
        let shadow = 0.13 * (-(outside / reach).max(0.0).powi(2)).exp();
        let share = ((outside + edge) / (2.0 * edge)).clamp(0.0, 1.0);
        under * (1.0 - shadow) * share + over() * (1.0 - share)
    })
}

/// The form (予診票) under the sticker, or a desk.
fn surroundings(chance: &mut Chance, (width, height): (f32, f32), px_per_mm: f32) -> Canvas {
    let mut sheet = Sheet::new(width, height, px_per_mm);
    let whole = Area {
        width,
        height,
        ..Area::default()
    };
    let is_form = chance.is(0.75);
    let level = if is_form {
        chance.within((0.75, 1.0))
    } else {
        chance.within((0.15, 0.6))
    };
    sheet.block(whole, level);
    if is_form {
        let step = chance.within((7.0, 11.0));
        let mut y = 4.0;
        while y < height - 2.0 {
            sheet.rule((0.0, y), (width, y), 0.25, 0.35);
            if chance.is(0.6) {
                let numbers: String = (0..3 + chance.below(11))
                    .map(|_| char::from(b'0' + chance.below(10) as u8))
                    .collect();
                let place = (chance.within((0.0, 60.0)), y + 1.5);
                let question = format!("あなたの症状 はい いいえ 医師記入欄 {numbers}");
                sheet.text(place, &question, 3.0, 0.16);
            }
            y += step;
        }
        for _ in 0..4 {
            let x = chance.within((0.0, width));
            sheet.rule((x, 0.0), (x, height), 0.25, 0.35);
        }
    }
    sheet.canvas()
}

fn lit(chance: &mut Chance, light: &mut Canvas, limits: &Limits, seen: &Frame) {
    let (sine, cosine) = chance.angle().sin_cos();
    let gradient = limits.light * chance.within((0.3, 1.0));
    let shadow = (limits.shadow > 0.0 && chance.is(0.45)).then(|| {
        let (sine, cosine) = chance.angle().sin_cos();
        let edge = chance.around(0.25);
        let depth = chance.within((0.25, limits.shadow.max(0.26)));
        (sine, cosine, edge, depth, chance.within((15.0, 80.0)))
    });
    let gain = chance.within((0.75, 1.02));
    let glare = chance.is(limits.glare).then(|| {
        let (x, y) = seen.view.to(WIDTH / 2.0, HEIGHT / 2.0);
        let (x, y) = seen.place(x.max(0.0) as usize, y.max(0.0) as usize);
        let (x, y) = (x + chance.around(0.25), y + chance.around(0.25));
        (x, y, chance.within((0.04, 0.14)), chance.within((0.3, 0.9)))
    });
    light.change(|x, y, value| {
        let (x, y) = seen.place(x, y);
        let mut level = 1.0 - gradient * (0.5 + x * cosine + y * sine);
        if let Some((sine, cosine, edge, depth, steepness)) = shadow {
            let off = x * cosine + y * sine - edge;
            level *= 1.0 - depth / (1.0 + (-off * steepness).exp());
        }
        let spot = glare.map_or(0.0, |(spot_x, spot_y, spread, strength)| {
            let off = (x - spot_x).powi(2) + ((y - spot_y) * 0.56).powi(2);
            strength * (-off / (2.0 * spread * spread)).exp()
        });
        value * level * gain + spot
    });
}

/// Lens, sensor, and the camera's own processing.
fn exposed(chance: &mut Chance, light: Canvas, limits: &Limits, frame_width: f32) -> Canvas {
    // Blur grows with the number of pixels, but less.
    let enlarged = 1.0 + (frame_width / 1280.0 - 1.0) * 0.5;
    let defocus = chance.within(limits.defocus) * enlarged;
    let motion = chance.within(limits.motion) * enlarged;
    let angle = chance.within((0.0, std::f32::consts::PI));
    let mut light = light;
    if defocus > 0.3 {
        light = light.through(&Kernel::disk(defocus));
    }
    if motion > 1.0 {
        light = light.through(&Kernel::motion(motion, angle));
    }
    // Neighbouring pixels share their noise, because colours are computed from neighbours.
    let noise = Canvas::drawn(light.width, light.height, |_, _| chance.noise()).blurred(0.6);
    let strength = 1.7 * chance.within(limits.noise) / 255.0;
    light = light.joined(&noise, |value, noise| {
        value + noise * strength * value.clamp(0.05, 1.0).sqrt()
    });
    let sharpening = chance.within((0.0, 0.8));
    light = light.joined(&light.blurred(1.2), |value, around| {
        value + sharpening * (value - around)
    });
    let gamma = 1.0 / chance.within((0.9, 1.25));
    light.change(|_, _, value| value.clamp(0.0, 1.0).powf(gamma));
    light
}
