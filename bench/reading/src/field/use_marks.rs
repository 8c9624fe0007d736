//! What happens to a coupon between the city's printer and the venue's table.

use crate::canvas::Canvas;
use crate::chance::Chance;
use crate::coupon::{Coupon, Damage, Difficulty};
use crate::field::PX_PER_MM;
use crate::sheet::{Area, Sheet};

/// What comes with the difficulty.
pub(super) fn everyday(chance: &mut Chance, coupon: &mut Coupon) {
    let share = match coupon.difficulty {
        Difficulty::Easy => return,
        Difficulty::Medium | Difficulty::Negative => 0.15,
        Difficulty::Hard => 0.25,
    };
    if chance.is(share) {
        let place = anywhere(chance, coupon);
        coupon.damage(|coupon| seal(chance, coupon, place));
    }
    if chance.is(share) {
        coupon.damage(|coupon| wet(chance, coupon));
    }
    if coupon.difficulty == Difficulty::Hard {
        if chance.is(0.1) {
            let place = anywhere(chance, coupon);
            coupon.damage(|coupon| scribble(chance, coupon, place));
        }
        if chance.is(0.15) {
            let y = chance.within((0.2, 0.95)) * coupon.height;
            coupon.damage(|coupon| crease(chance, coupon, (coupon.width / 2.0, y)));
        }
    }
}

fn anywhere(chance: &mut Chance, coupon: &Coupon) -> (f32, f32) {
    (
        chance.within((0.0, coupon.width)),
        chance.within((0.0, coupon.height)),
    )
}

/// What is done to the line on purpose.
pub(super) fn damage(chance: &mut Chance, coupon: &mut Coupon, damage: Damage) {
    let line = coupon.line;
    let place = (
        chance.within((line.left, line.right())),
        chance.within((line.top, line.foot())),
    );
    match damage {
        Damage::None => {}
        Damage::Pen => coupon.damage(|coupon| scribble(chance, coupon, place)),
        Damage::Fold => coupon.damage(|coupon| crease(chance, coupon, place)),
        Damage::Stamp => coupon.damage(|coupon| seal(chance, coupon, place)),
        Damage::Toner => coupon.damage(|coupon| scratches(chance, coupon, place)),
    }
}

/// A ball pen's tick or loop: a curve of thin, uneven line.
fn scribble(chance: &mut Chance, coupon: &mut Coupon, (x, y): (f32, f32)) {
    let mut sheet = Sheet::new(coupon.width, coupon.height, PX_PER_MM);
    let size = chance.within((0.8, 6.0));
    let mut point = || (x + chance.around(size), y + chance.around(size * 0.6));
    let (from, bend, back, to) = (point(), point(), point(), point());
    let curve = crate::faces::path(|path| {
        path.move_to(from.0, from.1);
        path.cubic_to(bend.0, bend.1, back.0, back.1, to.0, to.1);
    });
    let (width, grey) = (chance.within((0.15, 0.5)), chance.within((0.05, 0.45)));
    sheet.stroke(curve, width, grey);
    let ink = sheet.canvas();
    coupon.paper = fitted(&ink, &coupon.paper, |ink, paper| paper * ink.max(0.02));
}

/// A seal in vermilion, round or with the date: as bright as red is to a camera.
fn seal(chance: &mut Chance, coupon: &mut Coupon, (x, y): (f32, f32)) {
    let mut sheet = Sheet::new(coupon.width, coupon.height, PX_PER_MM);
    let side = chance.within((6.0, 16.0));
    let (left, top) = (x - side * chance.share(), y - side * chance.share());
    let grey = chance.within((0.42, 0.75));
    let width = chance.within((0.2, 0.6));
    if chance.is(0.6) {
        let radius = side / 2.0;
        let circle = tiny_skia::PathBuilder::from_circle(left + radius, top + radius, radius);
        sheet.stroke(circle, width, grey);
    } else {
        let around = Area {
            left,
            top,
            width: side * 1.4,
            height: side * 0.5,
        };
        sheet.frame(around, width, grey);
    }
    let text = chance.pick(&["済", "市長印", "令和3.6.12", "受付", "確認済"]);
    let letters = text.chars().count().max(1) as f32;
    sheet.text(
        (left + side * 0.15, top + side * 0.2),
        text,
        (side * 1.1 / letters).min(side * 0.5),
        grey,
    );
    let uneven = Canvas::hills(chance, coupon.paper.width, coupon.paper.height, (60, 40));
    let ink = sheet.canvas();
    let ink = fitted(&uneven, &ink, |uneven, ink| {
        1.0 - (1.0 - ink) * (0.5 + 0.5 * uneven)
    });
    coupon.paper = fitted(&ink, &coupon.paper, |ink, paper| paper * ink);
}

/// Two canvases joined; where one is a pixel smaller, it counts as paper.
fn fitted(over: &Canvas, under: &Canvas, join: impl Fn(f32, f32) -> f32) -> Canvas {
    Canvas::drawn(under.width, under.height, |x, y| {
        let value = |canvas: &Canvas| {
            if x < canvas.width {
                canvas.values.get(y * canvas.width + x).copied()
            } else {
                None
            }
        };
        join(value(over).unwrap_or(1.0), value(under).unwrap_or(1.0))
    })
}

/// A fold in any direction: toner flakes off unevenly, and light changes across.
fn crease(chance: &mut Chance, coupon: &mut Coupon, (x, y): (f32, f32)) {
    let (sine, cosine) = chance.angle().sin_cos();
    let scale = coupon.px_per_mm;
    let (width, height) = (coupon.paper.width, coupon.paper.height);
    let flakes = Canvas::hills(chance, width, height, (width / 4, height / 4));
    let (reach, dark) = (chance.within((0.05, 0.25)), chance.within((0.02, 0.15)));
    let turn = chance.around(0.12);
    coupon.paper.change(|px, py, value| {
        let off = (px as f32 / scale - x) * cosine + (py as f32 / scale - y) * sine;
        let flake = flakes.at(px as f32, py as f32);
        let bare = ((reach * (0.4 + 1.2 * flake) - off.abs()) * 12.0).clamp(0.0, 1.0);
        let shade = 1.0 - dark * (-(off / 0.5).powi(2)).exp() + turn * off.signum() * 0.5;
        (value + (0.9 - value).max(0.0) * bare) * shade
    });
}

/// Scratches by which ink was scraped off, all in one direction.
fn scratches(chance: &mut Chance, coupon: &mut Coupon, (x, y): (f32, f32)) {
    let mut sheet = Sheet::new(coupon.width, coupon.height, PX_PER_MM);
    let angle = chance.angle();
    for _ in 0..2 + chance.below(5) {
        let (x, y) = (x + chance.around(1.6), y + chance.around(0.9));
        let length = chance.within((0.4, 2.2));
        let (sine, cosine) = (angle + chance.around(0.2)).sin_cos();
        let to = (x + length * cosine, y + length * sine);
        sheet.rule(
            (x, y),
            to,
            chance.within((0.08, 0.35)),
            chance.within((0.0, 0.3)),
        );
    }
    let scraped = sheet.canvas();
    let bare = chance.within((0.8, 0.95));
    coupon.paper = fitted(&scraped, &coupon.paper, |kept, paper| {
        paper + (bare - paper).max(0.0) * (1.0 - kept)
    });
}

/// A drop that made ink run and paper dark.
fn wet(chance: &mut Chance, coupon: &mut Coupon) {
    let (x, y) = anywhere(chance, coupon);
    let (radius, depth) = (chance.within((2.0, 9.0)), chance.within((0.04, 0.2)));
    let scale = coupon.px_per_mm;
    let run = coupon.paper.blurred(chance.within((1.5, 3.5)));
    let mixed = coupon
        .paper
        .joined(&run, |sharp, run| 0.35 * sharp + 0.65 * run);
    let inside = |px: usize, py: usize| {
        let off = (px as f32 / scale - x).hypot(py as f32 / scale - y);
        ((radius - off) * 2.0).clamp(0.0, 1.0)
    };
    let width = coupon.paper.width;
    coupon.paper.change(|px, py, value| {
        let share = inside(px, py);
        let run = mixed.values.get(py * width + px).copied().unwrap_or(value);
        (value + (run - value) * share) * (1.0 - depth * share)
    });
}
