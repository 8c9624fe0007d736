//! A telephone's camera: its lens bends, its focus hunts, its rows are read one after the other, and its program
//! smooths, sharpens, zooms and compresses.

use crate::canvas::{Canvas, Kernel, View};
use crate::chance::{Chance, Purpose};
use crate::coupon::{Coupon, Difficulty, Framing, Photograph, window};
use crate::field::sampled;

/// What this shot is like. Lengths in pixels unless said otherwise.
struct Shot {
    view: View,
    px_per_mm: f32,
    left: f32,
    top: f32,
    width: usize,
    height: usize,
    /// Barrel distortion at the frame's corner, as a share.
    barrel: f32,
    /// How far the coupon's middle stands off the table, in mm of shift along y.
    curl: f32,
    /// Rolling shutter: sideways shift for each row, and a shake's swing and rows a turn.
    shear: f32,
    shake: (f32, f32, f32),
}

const FRAME: (f32, f32) = (1280.0, 720.0);

/// One photograph; `number` counts those of a burst, through which the focus hunts.
pub(crate) fn shot(
    purpose: Purpose,
    coupon: &Coupon,
    seed: u64,
    number: u64,
    framing: Framing,
) -> Photograph {
    let mut burst = Chance::of(purpose, "field burst", seed);
    let mut chance = Chance::of(purpose, "field shot", seed * 64 + number);
    let trouble = match coupon.difficulty {
        Difficulty::Easy => 0.2,
        Difficulty::Medium | Difficulty::Negative => 0.55,
        Difficulty::Hard => 1.0,
    };
    let shot = aimed(&mut burst, &mut chance, coupon, trouble, framing);
    let mut light = seen(&mut burst, &mut chance, coupon, &shot, trouble);
    sleeve(&mut burst, &mut chance, &mut light, trouble);
    let light = captured(&mut burst, &mut chance, light, trouble, number);
    let quality = chance.within((88.0 - 45.0 * trouble, 92.0 - 22.0 * trouble)) as u8;
    Photograph::taken(coupon, &light, quality, |x, y| shot.place(coupon, x, y))
}

impl Shot {
    /// From the picture to the coupon, in mm.
    fn coupon_at(&self, coupon: &Coupon, x: f32, y: f32) -> (f32, f32) {
        let (x, y) = self.unbent(x, y);
        let (x, y) = self.view.from(x, y);
        (x, y + self.sag(coupon, x))
    }

    /// From the coupon to the picture.
    fn place(&self, coupon: &Coupon, x: f32, y: f32) -> (f32, f32) {
        let wanted = self.view.to(x, y - self.sag(coupon, x));
        // The lens is bent one way; the other way is found by coming nearer.
        let mut guess = wanted;
        for _ in 0..6 {
            let got = self.unbent(guess.0, guess.1);
            guess = (guess.0 + wanted.0 - got.0, guess.1 + wanted.1 - got.1);
        }
        guess
    }

    fn unbent(&self, x: f32, y: f32) -> (f32, f32) {
        let row = y;
        let (swing, rows, phase) = self.shake;
        let x = x
            + self.shear * (row - self.height as f32 / 2.0)
            + swing * (row / rows * std::f32::consts::TAU + phase).sin();
        let (off_x, off_y) = (x + self.left - FRAME.0 / 2.0, y + self.top - FRAME.1 / 2.0);
        let square = (off_x * off_x + off_y * off_y) / (FRAME.0 * FRAME.0 / 4.0);
        let factor = self.barrel * square;
        (x + off_x * factor, y + off_y * factor)
    }

    /// Paper that does not lie flat is seen bent.
    fn sag(&self, coupon: &Coupon, x: f32) -> f32 {
        let across = 2.0 * x / coupon.width - 1.0;
        self.curl * (1.0 - across * across)
    }
}

fn aimed(
    burst: &mut Chance,
    chance: &mut Chance,
    coupon: &Coupon,
    trouble: f32,
    framing: Framing,
) -> Shot {
    // The hand holds the telephone for all of a burst, and moves a little.
    let share = burst.within((0.78 - 0.3 * trouble, 0.95 - 0.2 * trouble));
    let px_per_mm = share * FRAME.0 / coupon.width * (1.0 + 0.03 * chance.noise());
    let turned = burst.around(2.0 + 8.0 * trouble) + chance.around(1.0);
    let (sine, cosine) = turned.to_radians().sin_cos();
    let tilt = (
        burst.around(0.12 * trouble) + chance.around(0.02),
        burst.around(0.12 * trouble) + chance.around(0.02),
    );
    let (x, y) = (coupon.width / 2.0, coupon.height / 2.0);
    let rows = [
        [cosine, -sine, -cosine * x + sine * y],
        [sine, cosine, -sine * x - cosine * y],
    ];
    let [[a, b, c], [d, e, f]] = rows.map(|row| row.map(|value| value * px_per_mm));
    let (tilt_x, tilt_y) = (tilt.0 / coupon.width, tilt.1 / coupon.height);
    let view = View::of([
        a,
        b,
        c,
        d,
        e,
        f,
        tilt_x,
        tilt_y,
        1.0 - tilt_x * x - tilt_y * y,
    ]);
    let mut centre = (
        FRAME.0 / 2.0 + 30.0 * chance.noise(),
        FRAME.1 / 2.0 + 30.0 * chance.noise(),
    );
    if coupon.cut_off != 0 {
        let lost = coupon.cut_off.unsigned_abs() as f32 * coupon.pitch;
        let (edge, border) = if coupon.cut_off > 0 {
            (coupon.line.right() - lost, FRAME.0)
        } else {
            (coupon.line.left + lost, 0.0)
        };
        centre.0 = border - view.to(edge, coupon.line.top).0;
    }
    let view = view.moved(centre.0, centre.1);
    let (left, top, width, height) = window(chance, coupon, &view, FRAME, framing);
    let hard = trouble > 0.9;
    Shot {
        view: view.moved(-left, -top),
        px_per_mm,
        left,
        top,
        width,
        height,
        barrel: if coupon.cut_off == 0 {
            burst.around(0.05 * trouble)
        } else {
            0.0
        },
        curl: burst.around(0.9 * trouble),
        shear: if hard { chance.around(0.03) } else { 0.0 },
        shake: (
            chance.share() * trouble * trouble * 1.6,
            chance.within((60.0, 240.0)),
            chance.angle(),
        ),
    }
}

/// The coupon on a dark or light table, in linear light.
fn seen(
    burst: &mut Chance,
    chance: &mut Chance,
    coupon: &Coupon,
    shot: &Shot,
    trouble: f32,
) -> Canvas {
    // The optics see less than is printed; without this, fine print would turn into patterns.
    let paper = coupon
        .paper
        .blurred(0.42 * coupon.px_per_mm / shot.px_per_mm);
    let table = burst.within((0.05, 0.9));
    let grain = Canvas::hills(burst, shot.width, shot.height, (40, 9));
    let lamp = (burst.around(0.6), burst.around(0.6));
    let fall = trouble * burst.within((0.2, 0.9));
    let exposure = 0.9 + 0.25 * trouble * chance.around(0.8);
    let edge = 0.6 / shot.px_per_mm;
    Canvas::drawn(shot.width, shot.height, |x, y| {
        let (across, down) = shot.coupon_at(coupon, x as f32, y as f32);
        let outside = (-across)
            .max(across - coupon.width)
            .max(-down)
            .max(down - coupon.height);
        let on_paper = ((edge - outside) / (2.0 * edge)).clamp(0.0, 1.0);
        let wood = table * (0.85 + 0.15 * grain.at(x as f32, y as f32));
        let print = if on_paper > 0.0 {
            sampled(&paper, coupon.px_per_mm, across, down)
        } else {
            0.0
        };
        let reflected = wood * (1.0 - on_paper) + print * on_paper;
        let off_x = (x as f32 + shot.left) / FRAME.0 - 0.5 - lamp.0;
        let off_y = (y as f32 + shot.top) / FRAME.1 - 0.5 - lamp.1;
        let lamp = 1.0 - fall * (off_x * off_x + off_y * off_y).min(1.0);
        // What is printed is given as it looks; light adds up before that.
        exposure * reflected.powf(2.2) * lamp
    })
}

/// A plastic sleeve: a grey veil, and streaks where it mirrors a lamp.
fn sleeve(burst: &mut Chance, chance: &mut Chance, light: &mut Canvas, trouble: f32) {
    if !burst.is(0.3 * trouble) {
        return;
    }
    let veil = burst.within((0.02, 0.14));
    let (width, height) = (light.width as f32, light.height as f32);
    let streaks: Vec<(f32, f32, f32, f32)> = (0..1 + burst.below(3))
        .map(|_| {
            let slope = burst.around(0.7);
            (
                burst.share() * width + 25.0 * chance.noise(),
                slope,
                burst.within((4.0, 40.0)),
                burst.within((0.1, 0.9)) * trouble,
            )
        })
        .collect();
    light.change(|x, y, value| {
        let mirrored: f32 = streaks
            .iter()
            .map(|&(start, slope, reach, strength)| {
                let off = x as f32 - start - slope * (y as f32 - height / 2.0);
                strength * (-(off / reach).powi(2)).exp()
            })
            .sum();
        value * (1.0 - veil) + veil * 0.6 + mirrored
    });
}

/// Lens, sensor and program.
fn captured(
    burst: &mut Chance,
    chance: &mut Chance,
    light: Canvas,
    trouble: f32,
    number: u64,
) -> Canvas {
    // The focus swings around the right distance and comes to rest, or does not.
    let (swing, step, rest) = (
        burst.within((0.3, 1.0 + 2.6 * trouble)),
        burst.within((0.6, 1.6)),
        burst.within((0.0, 0.9 * trouble)),
    );
    let start = burst.angle();
    let hunting = swing * (-0.25 * number as f32).exp() * (start + step * number as f32).sin();
    let blur = (hunting.abs() + rest).min(3.0);
    let mut light = if blur > 0.3 {
        light.through(&Kernel::disk(blur))
    } else {
        light
    };
    if chance.is(0.5 * trouble) {
        let length = chance.within((1.0, 1.0 + 5.0 * trouble));
        light = light.through(&Kernel::motion(length, chance.angle()));
    }
    // Digital zoom: fewer pixels than are delivered.
    let zoom = if chance.is(0.3 * trouble) {
        chance.within((1.15, 1.6))
    } else {
        1.0
    };
    let (width, height) = (light.width, light.height);
    if zoom > 1.0 {
        let (small_width, small_height) = (
            (width as f32 / zoom) as usize,
            (height as f32 / zoom) as usize,
        );
        light = light
            .blurred(0.35 * zoom)
            .seen(small_width, small_height, |x, y| (x * zoom, y * zoom));
    }
    // Photons are counted in linear light; the program smooths what it takes for noise.
    let strength = chance.within((0.006, 0.012 + 0.045 * trouble));
    light.change(|_, _, value| {
        let value = value.max(0.0);
        value + strength * chance.noise() * (value + 0.01).sqrt()
    });
    let gamma = 1.0 / chance.within((2.0, 2.35));
    light.change(|_, _, value| value.clamp(0.0, 1.0).powf(gamma));
    let smoothing = chance.within((0.3, 0.5 + 0.6 * trouble));
    light = light.blurred(smoothing);
    let halo = chance.within((0.2, 1.3));
    light = light.joined(&light.blurred(1.6), |value, around| {
        value + halo * (value - around)
    });
    if zoom > 1.0 {
        light = light.seen(width, height, |x, y| (x / zoom, y / zoom));
    }
    if chance.is(0.3 * trouble * trouble) {
        moire(chance, &mut light);
    }
    light
}

/// The beat of a printed raster or a lamp's flicker against the sensor's grid.
fn moire(chance: &mut Chance, light: &mut Canvas) {
    let (sine, cosine) = chance.angle().sin_cos();
    let (period, depth) = (chance.within((3.0, 26.0)), chance.within((0.03, 0.12)));
    let bend = chance.around(0.0012);
    light.change(|x, y, value| {
        let (x, y) = (x as f32, y as f32);
        let along = x * cosine + y * sine + bend * (x * sine - y * cosine).powi(2);
        value * (1.0 - depth * (0.5 + 0.5 * (along / period * std::f32::consts::TAU).sin()))
    });
}
