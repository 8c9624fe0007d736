//! Printers, each with its own habits, and the stock they print on.

use crate::canvas::Canvas;
use crate::chance::Chance;
use crate::coupon::{Coupon, Difficulty};

#[derive(Clone, Copy, Default, PartialEq)]
enum Printer {
    #[default]
    Laser,
    Inkjet,
    Thermal,
    DotMatrix,
}

/// Prints the flat layout by one of the printers on some stock.
pub(super) fn print(chance: &mut Chance, coupon: &mut Coupon) {
    let wear = match coupon.difficulty {
        Difficulty::Easy => 0.15,
        Difficulty::Medium | Difficulty::Negative => 0.55,
        Difficulty::Hard => 1.0,
    };
    let printer = if wear < 0.3 {
        chance.pick(&[Printer::Laser, Printer::Inkjet])
    } else {
        chance.pick(&[
            Printer::Laser,
            Printer::Laser,
            Printer::Inkjet,
            Printer::Thermal,
            Printer::DotMatrix,
        ])
    };
    let coverage = {
        let mut ink = coupon.paper.clone();
        ink.change(|_, _, value| 1.0 - value);
        ink
    };
    let coverage = match printer {
        Printer::Laser => laser(chance, coverage, wear),
        Printer::Inkjet => inkjet(chance, coverage, wear),
        Printer::Thermal => thermal(chance, coverage, wear),
        Printer::DotMatrix => dot_matrix(chance, coverage, wear, coupon.px_per_mm),
    };
    let blackness = match printer {
        Printer::Laser | Printer::Inkjet => chance.within((0.82, 0.96)),
        Printer::Thermal => chance.within((0.6, 0.85)) - 0.15 * wear,
        Printer::DotMatrix => chance.within((0.65, 0.85)),
    };
    let stock = stock(chance, coupon, wear);
    coupon.paper = coverage.joined(&stock, |ink, stock| stock * (1.0 - ink * blackness));
}

/// Toner: dust around letters, bands across the drum, and too little where the cartridge ends.
fn laser(chance: &mut Chance, ink: Canvas, wear: f32) -> Canvas {
    let (width, height) = (ink.width, ink.height);
    let threshold = 0.5 + chance.around(0.12 * wear + 0.05);
    let mut ink = ink.blurred(1.1);
    ink.change(|_, _, value| ((value - threshold) * 3.0 + 0.5).clamp(0.0, 1.0));
    let dust = ink.blurred(7.0);
    let dustiness = 0.012 * wear * chance.share();
    let period = chance.within((40.0, 140.0));
    let (banding, phase) = (0.25 * wear * chance.share(), chance.angle());
    let empty = (chance.is(0.35 * wear)).then(|| {
        let hills = Canvas::hills(chance, width, height, (5, 3));
        (hills, chance.within((0.1, 0.5)))
    });
    ink.change(|x, y, value| {
        let band =
            1.0 - banding * (0.5 + 0.5 * (y as f32 / period * std::f32::consts::TAU + phase).sin());
        let full = empty.as_ref().map_or(1.0, |(hills, depth)| {
            1.0 - depth * hills.at(x as f32, y as f32)
        });
        let near = dust.at(x as f32, y as f32);
        let speck = near > 0.01 && chance.is(dustiness * near);
        if speck { 0.8 } else { value * band * full }
    });
    ink
}

/// Ink that runs along the fibres, and a nozzle that does not fire.
fn inkjet(chance: &mut Chance, ink: Canvas, wear: f32) -> Canvas {
    let (width, height) = (ink.width, ink.height);
    let fibres = Canvas::hills(chance, width, height, (width / 5, height / 5));
    let run = 0.2 + 0.5 * wear;
    let soft = ink.blurred(chance.within((1.2, 2.4)));
    let mut out = soft.joined(&fibres, |value, fibre| {
        ((value - 0.45 + run * (fibre - 0.5)) * 2.5 + 0.5).clamp(0.0, 1.0)
    });
    let swath = chance.within((70.0, 180.0));
    let (phase, thickness) = (chance.share() * swath, chance.within((0.6, 1.8)));
    let missing = if chance.is(0.5 * wear) {
        chance.within((0.3, 0.9))
    } else {
        0.0
    };
    out.change(|_, y, value| {
        let off = ((y as f32 + phase) % swath - swath / 2.0).abs();
        value * (1.0 - missing * (thickness + 0.5 - off).clamp(0.0, 1.0))
    });
    out
}

/// Heat that was too little, and elements of the head that are dead: pale stripes along the feed.
fn thermal(chance: &mut Chance, ink: Canvas, wear: f32) -> Canvas {
    let dots = 8.0;
    let step = 22.0 / dots;
    let width = ink.width;
    let dead: Vec<bool> = (0..(width as f32 / step) as usize + 2)
        .map(|_| chance.is(0.006 * wear))
        .collect();
    let (slope, level) = (chance.around(0.3 * wear), chance.within((0.85, 1.0)));
    let mut out = ink.blurred(1.6);
    out.change(|x, _, value| {
        let element = dead.get((x as f32 / step) as usize).copied() == Some(true);
        let fading = level + slope * (x as f32 / width as f32 - 0.5);
        if element {
            value * 0.1
        } else {
            value * fading.min(1.0)
        }
    });
    out
}

/// Pins through a ribbon: round dots on a grid, paler from line to line of the ribbon.
fn dot_matrix(chance: &mut Chance, ink: Canvas, wear: f32, px_per_mm: f32) -> Canvas {
    let step = px_per_mm * 25.4 / 180.0;
    let radius = step * chance.within((0.62, 0.85));
    let jitter = 0.25 * wear;
    let level = ink.blurred(step * 0.3);
    let mut out = Canvas::filled(ink.width, ink.height, 0.0);
    let (columns, rows) = (
        (ink.width as f32 / step) as usize,
        (ink.height as f32 / step) as usize,
    );
    for row in 0..rows {
        for column in 0..columns {
            let (x, y) = ((column as f32 + 0.5) * step, (row as f32 + 0.5) * step);
            if level.at(x, y) < 0.5 {
                continue;
            }
            let strength = 1.0 - 0.35 * wear * chance.share();
            let (x, y) = (x + jitter * chance.noise(), y + jitter * chance.noise());
            dot(&mut out, (x, y), radius, strength);
        }
    }
    out
}

fn dot(out: &mut Canvas, (x, y): (f32, f32), radius: f32, strength: f32) {
    let reach = radius.ceil() + 1.0;
    let width = out.width;
    for row in (y - reach).max(0.0) as usize..((y + reach) as usize + 1).min(out.height) {
        for column in (x - reach).max(0.0) as usize..((x + reach) as usize + 1).min(width) {
            let off = (column as f32 - x).hypot(row as f32 - y);
            let ink = strength * (radius + 0.5 - off).clamp(0.0, 1.0);
            if let Some(value) = out.values.get_mut(row * width + column) {
                *value = value.max(ink);
            }
        }
    }
}

/// White or tinted paper, fibres of recycled paper, or a pattern against copying. As bright as a camera that sees no
/// colours has it.
fn stock(chance: &mut Chance, coupon: &Coupon, wear: f32) -> Canvas {
    let (width, height) = (coupon.paper.width, coupon.paper.height);
    // The luma of pastel yellow, green, blue and pink, and of white.
    let tint = chance.pick(&[0.97, 0.95, 0.93, 0.88, 0.82, 0.77]);
    let mut stock = Canvas::filled(width, height, tint - 0.06 * wear * chance.share());
    if chance.is(0.5 * wear) {
        let fibres = Canvas::hills(chance, width, height, (width / 9, height / 9));
        let depth = chance.within((0.04, 0.14));
        stock = stock.joined(&fibres, |stock, fibre| stock * (1.0 - depth * fibre));
    }
    if chance.is(0.35 * wear) {
        let (depth, period) = (chance.within((0.04, 0.16)), chance.within((9.0, 26.0)));
        let (swing, length) = (chance.within((6.0, 30.0)), chance.within((60.0, 200.0)));
        stock.change(|x, y, value| {
            let wave = y as f32 + swing * (x as f32 / length).sin();
            value
                * (1.0
                    - depth * (0.5 + 0.5 * (wave / period * std::f32::consts::TAU).sin()).powi(4))
        });
    }
    stock
}
