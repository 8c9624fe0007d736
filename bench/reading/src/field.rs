//! The second way to make photographs, independent of the first: other layouts and faces, printers with their own
//! habits, coloured stock, stamps, sleeves, and a telephone's camera with what it does by itself. It shares with the
//! studio what paper and pixels are, but no number and no step of what happens to them, so that the net is not judged
//! by the taste that it was trained on.
//!
//! ```text
//!              printers                     stock           on it                 camera
//!   easy       laser, inkjet                white, tinted   –                     steady, near focus
//!   medium     + thermal, dot matrix,       + recycled,     stamp, sleeve,        shakes, hunts for focus, bends lines,
//!                banding                      pattern         curl                  pumps its exposure
//!   hard       all of it, worn              all             more of it, pen,      all of it, moiré, rolling shutter,
//!                                                             fold, wet spots       digital zoom, hard compression
//! ```

use crate::canvas::Canvas;
use crate::chance::{Chance, Purpose};
use crate::coupon::{Coupon, DIGITS, Damage, Difficulty, any_digits, coupon_digits};
use crate::faces::Type;
use crate::sheet::{Area, Sheet};

mod phone;
mod printers;
mod use_marks;

pub(crate) use phone::shot;

const PX_PER_MM: f32 = 22.0;

/// Why the whole line of a negative is not in view.
#[derive(Clone, Copy, Default, PartialEq)]
enum Instead {
    /// Another slip: digits in step, but 14 to 17 or 19 to 22 of them.
    #[default]
    OtherSlip,
    /// A thumb on one end.
    Thumb,
    /// The picture ends within the line.
    CutOff,
    /// A clip, a staple or a label in the middle.
    Label,
}

/// A coupon by its seed. For training its digits may be anything.
pub(crate) fn coupon(
    purpose: Purpose,
    seed: u64,
    difficulty: Difficulty,
    damage: Damage,
) -> Coupon {
    let mut chance = Chance::of(purpose, "field coupon", seed);
    let digits = match purpose {
        Purpose::Training => any_digits(&mut chance),
        Purpose::Judging => coupon_digits(&mut chance),
    };
    let instead = difficulty.is_negative().then(|| {
        chance.pick(&[
            Instead::OtherSlip,
            Instead::Thumb,
            Instead::CutOff,
            Instead::Label,
        ])
    });
    let mut coupon = laid_out(&mut chance, purpose, digits, instead);
    coupon.difficulty = difficulty;
    printers::print(&mut chance, &mut coupon);
    use_marks::everyday(&mut chance, &mut coupon);
    use_marks::damage(&mut chance, &mut coupon, damage);
    if let Some(instead) = instead {
        conceal(&mut chance, &mut coupon, instead);
    }
    coupon
}

/// Cities lay their coupons out as they like: what is kept is that the line has 1 mm of blank beside it.
fn laid_out(
    chance: &mut Chance,
    purpose: Purpose,
    digits: String,
    instead: Option<Instead>,
) -> Coupon {
    let (width, height) = (chance.within((60.0, 68.0)), chance.within((32.0, 40.0)));
    let mut sheet = Sheet::new(width, height, PX_PER_MM);
    let qr_at_left = chance.is(0.4);
    let has_qr = chance.is(0.8) && instead.is_none();
    let column = if qr_at_left { 14.0 } else { 2.5 };
    write_table(chance, &mut sheet, &digits, column);
    if has_qr {
        let side = chance.within((9.5, 11.0));
        let left = if qr_at_left { 2.0 } else { width - side - 2.0 };
        let top = chance.within((2.0, 5.5));
        sheet.qr(
            &digits,
            Area {
                left,
                top,
                width: side,
                height: side,
            },
        );
    }
    let cut = Type::of_the_field(chance, purpose);
    let pitch = cut.pitch() * chance.within((0.9, 1.12));
    let length = pitch * DIGITS as f32;
    let left = chance.within((1.5, (width - length - 1.5).max(1.6)));
    let foot = height - chance.within((1.2, 3.5));
    let line = Area {
        left,
        top: foot - cut.height(),
        width: length,
        height: cut.height(),
    };
    let (shown, visible) = match instead {
        Some(Instead::OtherSlip) => (other_slip(chance), false),
        _ => (digits.clone(), true),
    };
    sheet.line(&shown, &cut, line, pitch);
    let bars = write_bars(
        chance,
        &mut sheet,
        &digits,
        line,
        (width, instead.is_some()),
    );
    if chance.is(0.3) {
        let inset = chance.within((0.1, 0.9));
        let edge = Area {
            left: inset,
            top: inset,
            width: width - 2.0 * inset,
            height: height - 2.0 * inset,
        };
        sheet.frame(edge, chance.within((0.1, 0.5)), chance.within((0.0, 0.5)));
    }
    Coupon {
        paper: sheet.canvas(),
        px_per_mm: PX_PER_MM,
        width,
        height,
        line,
        pitch,
        visible: [visible; DIGITS],
        doubtful: [false; DIGITS],
        has_qr,
        bars,
        cut_off: 0,
        difficulty: Difficulty::Easy,
        digits,
    }
}

fn other_slip(chance: &mut Chance) -> String {
    let counts = [14, 15, 16, 17, 19, 20, 21, 22];
    (0..chance.pick(&counts))
        .map(|_| char::from(b'0' + chance.below(10) as u8))
        .collect()
}

fn write_table(chance: &mut Chance, sheet: &mut Sheet, digits: &str, left: f32) {
    let (municipality, ticket) = (
        digits.get(2..8).unwrap_or_default(),
        digits.get(8..).unwrap_or_default(),
    );
    let size = chance.within((1.9, 2.6));
    let name = chance.pick(&[
        "田中 実",
        "小林 さくら",
        "斎藤 久美子",
        "中村 健",
        "井上 悠斗",
    ]);
    let lines = [
        format!("新型コロナワクチン接種券 {}回目", 1 + chance.below(7)),
        format!("市町村コード {municipality}"),
        format!("券番号 {ticket}"),
        name.to_owned(),
        format!(
            "{}年{}月{}日生",
            1 + chance.below(64),
            1 + chance.below(12),
            1 + chance.below(28)
        ),
    ];
    let step = chance.within((3.0, 3.9));
    for (row, text) in lines.iter().enumerate() {
        sheet.text((left, 1.6 + row as f32 * step), text, size, 0.0);
    }
    if chance.is(0.5) {
        for row in 1..=lines.len() {
            let y = 1.2 + row as f32 * step;
            sheet.rule((left - 0.5, y), (left + 32.0, y), 0.12, 0.3);
        }
    }
}

/// Bars above the line or nowhere; all 18 digits in a third, but never on a negative.
fn write_bars(
    chance: &mut Chance,
    sheet: &mut Sheet,
    digits: &str,
    line: Area,
    (width, negative): (f32, bool),
) -> Option<String> {
    let whole = chance.is(0.33) && !negative;
    if !chance.is(0.8) {
        return None;
    }
    let shown = if whole {
        digits
    } else {
        digits.get(8..).unwrap_or_default()
    };
    let length = if whole {
        chance.within((47.0, 54.0))
    } else {
        chance.within((28.0, 42.0))
    };
    let height = chance.within((5.0, 6.5));
    let area = Area {
        left: chance.within((3.0, (width - length - 3.0).max(3.1))),
        top: line.top - chance.within((1.8, 3.0)) - height,
        width: length,
        height,
    };
    sheet.bars(shown, area, chance.within((2.1, 3.0)));
    Some(shown.to_owned())
}

/// Makes a negative's line incomplete.
fn conceal(chance: &mut Chance, coupon: &mut Coupon, instead: Instead) {
    let (count, at_right) = (1 + chance.below(8), chance.is(0.5));
    let scale = coupon.px_per_mm;
    match instead {
        Instead::OtherSlip => {}
        Instead::CutOff => {
            coupon.cut_off = if at_right {
                count as i32
            } else {
                -(count as i32)
            };
        }
        Instead::Thumb => {
            let reach = coupon.pitch * (count as f32 + 0.2);
            let (x, way) = if at_right {
                (coupon.line.right() - reach, 1.0)
            } else {
                (coupon.line.left + reach, -1.0)
            };
            let y = coupon.line.top + coupon.line.height / 2.0;
            let skin = chance.within((0.25, 0.7));
            coupon.paper.change(|px, py, value| {
                // A round tip, then as wide as a thumb to the edge.
                let (along, off) = ((px as f32 / scale - x) * way, (py as f32 / scale - y) / 8.0);
                if along > 2.5 * off * off && off.abs() < 1.0 {
                    skin
                } else {
                    value
                }
            });
            let hidden = |index: usize| {
                if at_right {
                    index + count >= DIGITS
                } else {
                    index < count
                }
            };
            for (index, visible) in coupon.visible.iter_mut().enumerate() {
                *visible = !hidden(index);
            }
        }
        Instead::Label => {
            let first = 1 + chance.below(DIGITS - 2 - count);
            let left = coupon.line.left + coupon.pitch * first as f32;
            let right = left + coupon.pitch * count as f32;
            let level = chance.within((0.3, 1.0));
            let (top, foot) = (coupon.line.top - 1.0, coupon.line.foot() + 1.0);
            coupon.paper.change(|px, py, value| {
                let (x, y) = (px as f32 / scale, py as f32 / scale);
                let under = (left..right).contains(&x) && (top..foot).contains(&y);
                if under { level } else { value }
            });
            for visible in coupon.visible.iter_mut().skip(first).take(count) {
                *visible = false;
            }
        }
    }
}

/// A value of a canvas at a place in millimetres.
fn sampled(canvas: &Canvas, px_per_mm: f32, x: f32, y: f32) -> f32 {
    canvas.at(x * px_per_mm - 0.5, y * px_per_mm - 0.5)
}
