//! Toner, paper, and what people do to them.

use crate::canvas::Canvas;
use crate::chance::Chance;
use crate::coupon::{Coupon, Damage, Difficulty};

/// Toner and paper as the difficulty has them, with a smear, a fold or a pen on some that are hard.
pub(super) fn age(chance: &mut Chance, coupon: &mut Coupon) {
    let (easy, hard) = (
        coupon.difficulty == Difficulty::Easy,
        coupon.difficulty == Difficulty::Hard,
    );
    let gain = chance.within((-0.05, 0.10)) * if easy { 1.0 } else { 1.6 };
    let ink = chance.within((0.04, 0.2))
        + if easy {
            0.0
        } else {
            chance.within((0.0, 0.15))
        };
    let mut paper = coupon.paper.blurred(1.6);
    paper.change(|_, _, value| ((value - 0.5 - gain) * 2.2 + 0.5).clamp(0.0, 1.0));
    let faded = !easy && chance.is(if hard { 0.5 } else { 0.35 });
    if faded {
        let fade = if hard {
            chance.within((0.2, 0.55))
        } else {
            chance.within((0.1, 0.3))
        };
        fade_toner(chance, &mut paper, fade);
    }
    paper.change(|_, _, value| 1.0 - (1.0 - value) * (1.0 - ink));
    coupon.paper = paper;
    if !easy {
        let specks = chance.below(if hard { 40 } else { 12 });
        for _ in 0..specks {
            speck(chance, &mut coupon.paper);
        }
    }
    if hard && chance.is(0.3) {
        coupon.damage(|coupon| smear(chance, coupon));
    }
    if hard && chance.is(0.3) {
        let place = chance.within((0.1, 0.9));
        coupon.damage(|coupon| fold(chance, coupon, place * coupon.width));
    }
    if hard && chance.is(0.12) {
        coupon.damage(|coupon| {
            let reach = 1.7;
            pen(chance, coupon, reach, 6.7);
        });
    }
}

/// Patches, grain, and streaks of the drum.
fn fade_toner(chance: &mut Chance, paper: &mut Canvas, fade: f32) {
    let (width, height) = (paper.width, paper.height);
    let patches = Canvas::hills(chance, width, height, (16, 9));
    let grain = Canvas::drawn(width / 3 + 2, height / 3 + 2, |_, _| chance.share());
    let mut streaks = vec![1.0f32; height];
    for _ in 0..chance.below(3) {
        let (top, rows) = (chance.below(height), 2 + chance.below(5));
        let depth = chance.within((0.2, 0.7));
        streaks
            .iter_mut()
            .skip(top)
            .take(rows)
            .for_each(|row| *row *= depth);
    }
    let patches = |x: usize, y: usize| patches.at(x as f32, y as f32);
    paper.change(|x, y, value| {
        let streak = streaks.get(y).copied().unwrap_or(1.0);
        let grain = grain.at(x as f32 / 3.0, y as f32 / 3.0);
        let grain = if grain < fade * 0.35 { 0.25 } else { 1.0 };
        let density = (1.0 - fade) * (0.75 + 0.5 * patches(x, y)) * streak * grain;
        1.0 - (1.0 - value) * density.clamp(0.0, 1.0)
    });
}

fn speck(chance: &mut Chance, paper: &mut Canvas) {
    let (x, y) = (
        chance.within((0.0, paper.width as f32)),
        chance.within((0.0, paper.height as f32)),
    );
    let (radius, level) = (chance.within((1.0, 4.5)), chance.within((0.2, 0.9)));
    near(paper, (x, y), radius + 1.0, |off_x, off_y, value| {
        let share = (radius + 0.5 - off_x.hypot(off_y)).clamp(0.0, 1.0);
        value + (level - value) * share
    });
}

/// Changes what lies within a distance of a place; lengths in pixels.
fn near(paper: &mut Canvas, (x, y): (f32, f32), reach: f32, change: impl Fn(f32, f32, f32) -> f32) {
    let rows = (y - reach).max(0.0) as usize..((y + reach).max(0.0) as usize + 1).min(paper.height);
    let columns =
        (x - reach).max(0.0) as usize..((x + reach).max(0.0) as usize + 1).min(paper.width);
    let width = paper.width;
    for row in rows {
        let start = row * width;
        let Some(values) = paper.values.get_mut(start..start + width) else {
            continue;
        };
        for (column, value) in values
            .iter_mut()
            .enumerate()
            .take(columns.end)
            .skip(columns.start)
        {
            *value = change(column as f32 - x, row as f32 - y, *value);
        }
    }
}

fn smear(chance: &mut Chance, coupon: &mut Coupon) {
    let scale = coupon.px_per_mm;
    let (x, y) = (
        chance.within((0.0, coupon.width)) * scale,
        chance.within((0.5, 1.0)) * coupon.height * scale,
    );
    let axes = (chance.within((60.0, 250.0)), chance.within((20.0, 70.0)));
    let (sine, cosine) = chance.around(0.5).sin_cos();
    let depth = chance.within((0.1, 0.4));
    near(&mut coupon.paper, (x, y), 320.0, |off_x, off_y, value| {
        let along = (off_x * cosine + off_y * sine) / axes.0;
        let across = (off_y * cosine - off_x * sine) / axes.1;
        let inside = 1.0 / (1.0 + ((along.hypot(across) - 1.0) * 6.0).exp());
        value * (1.0 - inside * depth)
    });
}

/// Toner cracks along the fold, and one side lies in shade.
fn fold(chance: &mut Chance, coupon: &mut Coupon, x_mm: f32) {
    let (x_fold, slope) = (x_mm * coupon.px_per_mm, chance.around(0.25));
    let (half, bare) = (chance.within((1.0, 4.0)), chance.within((0.6, 0.95)));
    let shade = chance.within((0.8, 0.97));
    let middle = coupon.paper.height as f32 / 2.0;
    coupon.paper.change(|x, y, value| {
        let off = x as f32 - x_fold - slope * (y as f32 - middle);
        let cracked = if off.abs() < half {
            value.max(bare)
        } else {
            value
        };
        let side = if off > 0.0 { 1.0 } else { shade };
        cracked * (side - 0.18 * (-(off / 14.0).powi(2)).exp())
    });
}

/// A stroke that begins within `reach` of the line and goes up to `length` mm along and a third of it down.
fn pen(chance: &mut Chance, coupon: &mut Coupon, reach: f32, length: f32) {
    let line = coupon.line;
    let from = (
        chance.within((line.left, line.right())),
        chance.within((line.top - reach, line.foot() + reach / 2.0)),
    );
    let to = (
        from.0 + chance.around(length),
        from.1 + chance.around(length * 0.375),
    );
    let half = chance.within((2.0, 4.5)) * coupon.px_per_mm / 24.0;
    let darkness = chance.within((0.45, 0.9));
    stroke(coupon, from, to, half, darkness);
}

/// A straight stroke of a pen: `half` its width in pixels, `darkness` from 0 to 1.
fn stroke(coupon: &mut Coupon, from: (f32, f32), to: (f32, f32), half: f32, darkness: f32) {
    let scale = coupon.px_per_mm;
    let ((x0, y0), (x1, y1)) = (
        (from.0 * scale, from.1 * scale),
        (to.0 * scale, to.1 * scale),
    );
    let (dx, dy) = (x1 - x0, y1 - y0);
    let length = dx.hypot(dy).max(1e-3);
    let middle = ((x0 + x1) / 2.0, (y0 + y1) / 2.0);
    let reach = length / 2.0 + half + 2.0;
    near(&mut coupon.paper, middle, reach, |off_x, off_y, value| {
        let along = (off_x * dx + off_y * dy) / length;
        let across = (off_y * dx - off_x * dy) / length;
        let beyond = (along.abs() - length / 2.0).max(0.0);
        let share = (half + 0.5 - across.hypot(beyond)).clamp(0.0, 1.0);
        value.min(1.0 - share * darkness)
    });
}

/// Damages the line on purpose.
pub(super) fn damage(chance: &mut Chance, coupon: &mut Coupon, damage: Damage) {
    let line = coupon.line;
    match damage {
        Damage::None => {}
        Damage::Pen => {
            let strokes = 1 + chance.below(2);
            for _ in 0..strokes {
                let length = if chance.is(0.5) { 2.0 } else { 7.0 };
                coupon.damage(|coupon| pen(chance, coupon, 0.3, length));
            }
        }
        Damage::Fold => {
            let x = chance.within((line.left, line.right()));
            coupon.damage(|coupon| fold(chance, coupon, x));
        }
        Damage::Stamp => coupon.damage(|coupon| stamp(chance, coupon)),
        Damage::Toner => {
            let holes = 1 + chance.below(3);
            for _ in 0..holes {
                coupon.damage(|coupon| hole(chance, coupon));
            }
        }
    }
}

/// A round stamp whose ring, and some of its middle, lie on the digits.
fn stamp(chance: &mut Chance, coupon: &mut Coupon) {
    let (line, scale) = (coupon.line, coupon.px_per_mm);
    let centre = (
        chance.within((line.left, line.right())) * scale,
        chance.within((line.top - 5.0, line.foot() + 3.0)) * scale,
    );
    let radius = chance.within((3.0, 7.0)) * scale;
    let half = chance.within((0.1, 0.35)) * scale;
    let (depth, filling) = (chance.within((0.15, 0.6)), chance.within((0.0, 0.12)));
    near(
        &mut coupon.paper,
        centre,
        radius + half + 2.0,
        |x, y, value| {
            let off = x.hypot(y) - radius;
            let ring = (half + 0.5 - off.abs()).clamp(0.0, 1.0);
            let inside = if off < 0.0 { filling } else { 0.0 };
            value * (1.0 - (ring * depth).max(inside))
        },
    );
}

/// A spot or a streak where the toner did not hold.
fn hole(chance: &mut Chance, coupon: &mut Coupon) {
    let (line, scale) = (coupon.line, coupon.px_per_mm);
    let centre = (
        chance.within((line.left, line.right())) * scale,
        chance.within((line.top, line.foot())) * scale,
    );
    let (long, short) = (
        chance.within((0.3, 1.4)) * scale,
        chance.within((0.15, 0.45)) * scale,
    );
    let (sine, cosine) = chance.angle().sin_cos();
    let left_over = chance.within((0.0, 0.35));
    near(&mut coupon.paper, centre, long + 2.0, |x, y, value| {
        let (along, across) = (
            (x * cosine + y * sine) / long,
            (y * cosine - x * sine) / short,
        );
        let inside = ((1.15 - along.hypot(across)) * 6.0).clamp(0.0, 1.0);
        value + (1.0 - value) * inside * (1.0 - left_over)
    });
}
