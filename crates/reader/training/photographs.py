#!/usr/bin/env python3
"""An album to measure the reader on: synthetic tablet photographs of coupons (接種券, 63 x 34 mm) and their labels.

    photographs.py ALBUM --count 300 --seed 90000 [--negatives 30] [--fonts a.otf,b.otf]

Each photograph is a function of its seed and difficulty and of nothing else, so that any one can be made again alone.
Writes ALBUM/*.jpg and ALBUM/labels.csv, which `examples/read_folder.rs` reads.

What is printed: title, issuer, numbers, name, date; mostly an NW-7 code of 5.6 mm (the ticket number, or all 18
digits in a fifth); the line of 18 digits, OCR-B 9 point, 2 mm under the bars and at least 1 mm above the lower edge;
mostly a QR code (version 1-M, 10 x 10 mm). As found in the field: line at the left or centred, 35 to 45 mm long, bars
28 to 56 mm, a ruled border close to the line although the guide forbids it.

Difficulty, by physics (pixels of the delivered picture):
            px/mm   defocus  motion  turned  tilt  light            noise  JPEG   paper
  easy      11-27   0-1.0    0-2     +-3     0.04  even             1-3    80-90  as new
  medium    9-24    0.8-1.8  0-4     +-7     0.10  gradient/shadow  3-8    60-85  faded, specks
  hard      8-21    1.0-3.0  0-8     +-10    0.18  shadow/glare     6-14   40-70  faded, streaks, dirt, fold, pen
  negative  like medium, but the whole line is not in view (not printed, covered, or cut off) and no code shows all
            18 digits: the truth is empty, and any answer of 18 digits is wrong.
"""
import argparse
import csv
import math
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import segno
from PIL import Image, ImageDraw

from prints import (DIGITS, GOTHIC, LINE_POINTS, MM_PER_POINT, OCR_B, coupon_digits, disk_kernel, draw_bars, font,
                    motion_kernel, toner_gain)

WIDTH, HEIGHT = 63., 34.
PX_PER_MM = 24
FORM_MM, FORM_PX_PER_MM = (170, 120), 8
NOT_PRINTED, COVERED, CUT_OFF = range(3)


@dataclass(frozen=True)
class Difficulty:
    """Ranges of what can go wrong; lengths in pixels, angles in degrees."""
    width_of_frame: tuple
    defocus: tuple
    motion: tuple
    turned: float
    tilt: float
    light: float
    shadow: float
    glare: float
    noise: tuple
    quality: tuple
    large_frame: float


DIFFICULTIES = {
    'easy': Difficulty((.55, .90), (0, 1.), (0, 2), 3, .04, .10, 0, 0, (1, 3), (80, 91), .40),
    'medium': Difficulty((.45, .80), (.8, 1.8), (0, 4), 7, .10, .35, .45, .15, (3, 8), (60, 86), .35),
    'hard': Difficulty((.40, .70), (1., 3.), (0, 8), 10, .18, .60, .65, .35, (6, 14), (40, 71), .25),
}


@dataclass
class Coupon:
    """The flat print: reflectance (1 is paper) at PX_PER_MM, and where things are, in mm."""
    digits: str
    reflectance: np.ndarray
    line: tuple
    qr: tuple = ()
    bars: tuple = ()
    bar_digits: str = ''
    defects: list = field(default_factory=list)


def box(x, y, width, height):
    return np.float32([[x, y], [x + width, y], [x + width, y + height], [x, y + height]])


def pixels(value):
    return int(value * PX_PER_MM)


def print_coupon(rng, digits, face_path, with_line):
    image = Image.new('L', (pixels(WIDTH), pixels(HEIGHT)), 255)
    draw = ImageDraw.Draw(image)
    print_text(rng, draw, digits)
    qr = print_qr(rng, image, digits) if rng.random() < .75 else ()
    line = print_line(rng, draw, digits, face_path, with_line)
    coupon = Coupon(digits, None, line, qr)
    if rng.random() < .85:
        coupon.bar_digits = digits if rng.random() < .2 else digits[8:]
        width = rng.uniform(30, 40) if len(coupon.bar_digits) == 10 else rng.uniform(46, 56)
        coupon.bars = min(line[0], WIDTH - width - 3), line[1] - 7.6, width, 5.6
        draw_bars(draw, coupon.bar_digits, *coupon.bars, PX_PER_MM)
    print_border(rng, draw, line[1])
    coupon.reflectance = np.asarray(image, np.float32) / 255
    return coupon


def print_text(rng, draw, digits):
    def write(x, y, text, mm):
        draw.text((x * PX_PER_MM, y * PX_PER_MM), text, font=font(GOTHIC, max(4, pixels(mm))), fill=0)

    pick = lambda choices: choices[rng.integers(len(choices))]
    write(1.5, 1.2, '接 種 券', 3.4)
    write(17, 1.4, f'{digits[1]}回目', 2.9)
    issuer = pick('○□△☆') + pick('県府都道') + pick('山川田島') + pick('市町村区')
    write(1.5, 6.4, f'請求先 {issuer}  {digits[2:8]}', 2.2)
    write(1.5, 10.2, '券番号  ' + digits[8:], 2.4)
    family, given = pick(['厚生', '佐藤', '鈴木', '高橋', '渡邉']), pick(['太郎', '花子', '一郎', '美咲', '隆'])
    write(1.5, 14.2, f'氏名  {family}　{given}', 2.8)
    write(25, 14.6, f'生年月日 {rng.integers(1930, 2015)}/{rng.integers(1, 13)}/{rng.integers(1, 29)}', 2.0)
    thickness = max(1, pixels(.15))
    for y in (5.6, 9.6, 13.5, 18.2)[:rng.integers(2, 5)]:
        draw.line([(pixels(1), pixels(y)), (pixels(48), pixels(y))], fill=60, width=thickness)
    if rng.random() < .5:
        draw.rectangle([pixels(.9), pixels(.8), pixels(48), pixels(18.3)], outline=40, width=thickness)


def print_qr(rng, image, digits):
    code = segno.make(digits, mode='numeric', error='m', version=1, micro=False, boost_error=False)
    modules = 255 - 255 * np.array(code.matrix, np.uint8)
    x, y, side = 51 + rng.uniform(-.5, .3), 1.5 + rng.uniform(0, 5), 10.
    picture = Image.fromarray(modules).resize((pixels(side), pixels(side)), Image.NEAREST)
    image.paste(picture, (pixels(x), pixels(y)))
    return x, y, side, side


def print_line(rng, draw, digits, face_path, with_line):
    face = font(face_path, LINE_POINTS * MM_PER_POINT * PX_PER_MM)
    advance = face.getlength('0') * (1 if rng.random() < .6 else rng.uniform(.85, 1.1))
    width = advance * DIGITS / PX_PER_MM
    left = [2., (WIDTH - width) / 2, rng.uniform(1.5, WIDTH - width - 1.5)][rng.integers(3)]
    top_of_glyph, bottom_of_glyph = face.getbbox('0')[1], face.getbbox('0')[3]
    height = (bottom_of_glyph - top_of_glyph) / PX_PER_MM
    top = HEIGHT - rng.uniform(1., 2.) - height
    if with_line:
        for index, digit in enumerate(digits):
            draw.text((left * PX_PER_MM + advance * index, top * PX_PER_MM - top_of_glyph), digit, font=face, fill=0)
    return left, top, width, height


def print_border(rng, draw, line_top):
    kind = rng.random()
    if kind < .35:
        corners = [pixels(.15), pixels(.15), pixels(WIDTH - .15), pixels(HEIGHT - .2)]
        draw.rectangle(corners, outline=int(rng.integers(30, 140)), width=max(1, pixels(rng.uniform(.1, .35))))
    elif kind < .5:
        y = pixels(line_top - .7)
        draw.line([(0, y), (pixels(WIDTH), y)], fill=int(rng.integers(30, 150)), width=max(1, pixels(rng.uniform(.08, .2))))


def age(rng, coupon, difficulty):
    """Toner and paper. Changes the coupon, and notes what was done."""
    easy, hard = difficulty == 'easy', difficulty == 'hard'
    paper = toner_gain(coupon.reflectance, rng.uniform(-.05, .10) * (1 if easy else 1.6), 1.6)
    ink = rng.uniform(.04, .2) + (0 if easy else rng.uniform(0, .15))
    density = np.ones_like(paper)
    if not easy and rng.random() < (.5 if hard else .35):
        fade = rng.uniform(.2, .55) if hard else rng.uniform(.1, .3)
        density = faded(rng, density, fade)
        coupon.defects.append('fade')
    paper = 1 - (1 - paper) * np.clip(density, 0, 1) * (1 - ink)
    rows, columns = paper.shape
    if not easy:
        for _ in range(rng.integers(0, 40 if hard else 12)):
            centre = int(rng.integers(columns)), int(rng.integers(rows))
            cv2.circle(paper, centre, int(rng.integers(1, 5)), float(rng.uniform(.2, .9)), -1)
    for name, damage, share in [('smear', smear, .3), ('fold', fold, .3), ('pen', pen, .12)]:
        if hard and rng.random() < share:
            paper = damage(rng, paper, coupon.line)
            coupon.defects.append(name)
    coupon.reflectance = paper.astype(np.float32)


def faded(rng, density, fade):
    """Patches, grain, and streaks of the drum."""
    rows, columns = density.shape
    patches = cv2.resize(rng.random((9, 16)).astype(np.float32), (columns, rows), interpolation=cv2.INTER_CUBIC)
    density = density * (1 - fade) * (.75 + .5 * patches)
    for _ in range(rng.integers(0, 3)):
        y = rng.integers(0, rows)
        density[y:y + rng.integers(2, 7)] *= rng.uniform(.2, .7)
    grain = cv2.resize(rng.random((rows // 3, columns // 3)).astype(np.float32), (columns, rows))
    return density * np.where(grain < fade * .35, .25, 1)


def smear(rng, paper, _line):
    rows, columns = paper.shape
    patch = np.zeros_like(paper)
    centre = int(rng.integers(columns)), int(rng.uniform(.5, 1) * rows)
    axes = int(rng.integers(60, 250)), int(rng.integers(20, 70))
    cv2.ellipse(patch, centre, axes, float(rng.uniform(-30, 30)), 0, 360, 1., -1)
    return paper * (1 - cv2.GaussianBlur(patch, (0, 0), 18) * rng.uniform(.1, .4))


def fold(rng, paper, _line):
    """Toner cracks along the fold, and one side lies in shade."""
    rows, columns = paper.shape
    yy, xx = np.mgrid[:rows, :columns].astype(np.float32)
    off = xx - rng.uniform(.1, .9) * columns - rng.uniform(-.25, .25) * (yy - rows / 2)
    cracked = np.where(np.abs(off) < rng.uniform(1, 4), np.maximum(paper, rng.uniform(.6, .95)), paper)
    return cracked * (np.where(off > 0, 1, rng.uniform(.8, .97)) - .18 * np.exp(-(off / 14) ** 2))


def pen(rng, paper, line):
    left, top, width, height = (value * PX_PER_MM for value in line)
    x, y = rng.uniform(left, left + width), rng.uniform(top - 40, top + height + 20)
    end = int(x + rng.uniform(-160, 160)), int(y + rng.uniform(-60, 60))
    cv2.line(paper, (int(x), int(y)), end, .3, int(rng.integers(4, 9)), cv2.LINE_AA)
    return paper


def hide(rng, coupon, how):
    """Makes a negative: no code shows 18 digits, and the line is not whole."""
    coupon.defects = [('not printed', 'covered', 'cut off')[how]]
    paper = coupon.reflectance
    if coupon.qr:
        x, y, side, _ = (pixels(value) for value in coupon.qr)
        paper[max(0, y - 8):y + side + 10, max(0, x - 8):x + side + 10] = .93
        coupon.qr = ()
    if len(coupon.bar_digits) == DIGITS:
        x, y, _, height = (pixels(value) for value in coupon.bars)
        paper[max(0, y - 4):y + height + 5, max(0, x - 4):] = .93
        coupon.bars, coupon.bar_digits = (), ''
    if how == COVERED:
        left, top, width, _ = coupon.line
        hidden = rng.integers(2, 10) / DIGITS * width
        columns = slice(pixels(left + width - hidden), None) if rng.random() < .5 else slice(0, pixels(left + hidden))
        paper[max(0, pixels(top) - 40):, columns] = rng.uniform(.35, .95)


def surroundings(rng):
    """The form (予診票) under the sticker, or a desk."""
    size = FORM_MM[1] * FORM_PX_PER_MM, FORM_MM[0] * FORM_PX_PER_MM
    brightness = rng.uniform(.75, 1) if rng.random() < .75 else rng.uniform(.15, .6)
    image = Image.fromarray(np.full(size, brightness * 255, np.uint8))
    draw = ImageDraw.Draw(image)
    scale, (width, height) = FORM_PX_PER_MM, FORM_MM
    if brightness > .7:
        for y in np.arange(4, 118, rng.uniform(7, 11)):
            draw.line([(0, y * scale), (width * scale, y * scale)], fill=90, width=2)
            if rng.random() < .6:
                numbers = ''.join(str(value) for value in rng.integers(0, 10, rng.integers(3, 14)))
                place = rng.uniform(0, 60) * scale, (y + 1.5) * scale
                question = 'あなたの症状 はい いいえ 医師記入欄 ' + numbers
                draw.text(place, question, font=font(GOTHIC, 3 * scale), fill=40)
        for x in rng.uniform(0, width, 4):
            draw.line([(x * scale, 0), (x * scale, height * scale)], fill=90, width=2)
    return np.asarray(image, np.float32) / 255


@dataclass
class View:
    """How the camera sees the coupon: mm on it to pixels of the frame."""
    matrix: np.ndarray
    px_per_mm: float
    frame: tuple
    corners: np.ndarray

    def of(self, rectangle):
        return cv2.perspectiveTransform(box(*rectangle)[None], self.matrix)[0]


def aim(rng, limits, cut_off, line):
    """Distance, turn and tilt; for a line that is cut off, the frame's edge goes through it."""
    frame = (1920, 1080) if rng.random() < limits.large_frame else (1280, 720)
    px_per_mm = rng.uniform(*limits.width_of_frame) * frame[0] / WIDTH
    turned = math.radians(rng.uniform(-limits.turned, limits.turned))
    flat = box(0, 0, WIDTH, HEIGHT)
    turn = np.float32([[math.cos(turned), -math.sin(turned)], [math.sin(turned), math.cos(turned)]])
    corners = (flat - np.float32([WIDTH / 2, HEIGHT / 2])) @ turn.T
    tilt_x, tilt_y = rng.uniform(-limits.tilt, limits.tilt, 2)
    corners = corners / (1 + (corners[:, :1] * tilt_x / WIDTH + corners[:, 1:] * tilt_y / HEIGHT) * 2) * px_per_mm
    low, high, pad = corners.min(0), corners.max(0), 6
    centre = np.array([rng.uniform(pad - low[i], max(frame[i] - pad - high[i], pad - low[i] + 1)) for i in (0, 1)])
    if cut_off:
        left, top, width, height = line
        lost, at_right = rng.integers(2, 10) / DIGITS, rng.random() < .5
        edge = np.float32([[[left + width * (1 - lost if at_right else lost), top + height / 2]]])
        seen = cv2.perspectiveTransform(edge, cv2.getPerspectiveTransform(flat, np.float32(corners + centre)))
        centre[0] += (frame[0] if at_right else 0) - seen[0, 0, 0]
    corners = np.float32(corners + centre)
    return View(cv2.getPerspectiveTransform(flat, corners), px_per_mm, frame, corners)


def compose(rng, coupon, view):
    """The coupon on what lies under it, with the shadow of its edge; still in perfect light."""
    scale = FORM_PX_PER_MM
    offset = (FORM_MM[0] - WIDTH) * rng.uniform(.2, .8), (FORM_MM[1] - HEIGHT) * rng.uniform(.2, .8)
    form_to_coupon = np.array([[1 / scale, 0, -offset[0]], [0, 1 / scale, -offset[1]], [0, 0, 1]])
    under = cv2.warpPerspective(surroundings(rng), view.matrix @ form_to_coupon, view.frame, flags=cv2.INTER_AREA,
                                borderMode=cv2.BORDER_REFLECT)
    to_frame = view.matrix @ np.diag([1 / PX_PER_MM, 1 / PX_PER_MM, 1.])
    # Blurred before it is shrunk, else fine print turns into patterns that no camera sees.
    softened = cv2.GaussianBlur(coupon.reflectance, (0, 0), max(.3, .45 * PX_PER_MM / view.px_per_mm))
    over = cv2.warpPerspective(softened * rng.uniform(.85, 1), to_frame, view.frame, flags=cv2.INTER_LINEAR)
    shape = cv2.warpPerspective(np.ones_like(coupon.reflectance), to_frame, view.frame, flags=cv2.INTER_LINEAR)
    shadow = cv2.GaussianBlur(shape, (0, 0), view.px_per_mm * .25)
    return under * (1 - .25 * shadow * (1 - shape)) * (1 - shape) + over * shape


def light(rng, picture, limits, view, defects):
    width, height = view.frame
    yy, xx = np.mgrid[:height, :width].astype(np.float32)
    xx, yy = xx / width - .5, yy / height - .5
    angle = rng.uniform(0, 2 * math.pi)
    level = 1 - limits.light * rng.uniform(.3, 1) * (.5 + xx * math.cos(angle) + yy * math.sin(angle))
    if limits.shadow and rng.random() < .45:
        angle = rng.uniform(0, 2 * math.pi)
        off = xx * math.cos(angle) + yy * math.sin(angle) - rng.uniform(-.25, .25)
        level *= 1 - rng.uniform(.25, limits.shadow) / (1 + np.exp(-off * rng.uniform(15, 80)))
        defects.append('shadow')
    picture = picture * level * rng.uniform(.75, 1.02)
    if rng.random() < limits.glare:
        x, y = view.corners.mean(0) / view.frame - .5 + rng.uniform(-.25, .25, 2)
        spread = rng.uniform(.04, .14)
        picture = picture + rng.uniform(.3, .9) * np.exp(-((xx - x) ** 2 + ((yy - y) * .56) ** 2) / (2 * spread ** 2))
        defects.append('glare')
    return picture


def expose(rng, picture, limits, frame):
    """Lens, sensor, and the camera's own processing; returns the colour picture and the blurs."""
    # Blur grows with the number of pixels, but less.
    enlarged = 1 + (frame[0] / 1280 - 1) * .5
    defocus, motion = rng.uniform(*limits.defocus) * enlarged, rng.uniform(*limits.motion) * enlarged
    if defocus > .3:
        picture = cv2.filter2D(picture, -1, disk_kernel(defocus))
    if motion > 1:
        picture = cv2.filter2D(picture, -1, motion_kernel(motion, rng.uniform(0, math.pi)))
    # Neighbouring pixels share their noise, because colours are computed from neighbours.
    noise = cv2.GaussianBlur(rng.normal(0, 1, picture.shape).astype(np.float32), (0, 0), .6) * 1.7
    picture = picture + noise * rng.uniform(*limits.noise) / 255 * np.sqrt(np.clip(picture, .05, 1))
    picture = picture + rng.uniform(0, .8) * (picture - cv2.GaussianBlur(picture, (0, 0), 1.2))
    tint = 1 + rng.uniform(-.06, .06, 3).astype(np.float32)
    colours = (np.clip(picture, 0, 1) ** (1 / rng.uniform(.9, 1.25)))[..., None] * 255 * tint
    return np.clip(colours + rng.normal(0, 1.2, (*picture.shape, 1)), 0, 255).astype(np.uint8), defocus, motion


def photograph(seed, difficulty, faces):
    """(picture, JPEG quality, label) of one coupon."""
    of_coupon, of_shot = np.random.default_rng([1, seed]), np.random.default_rng([2, seed])
    negative = difficulty == 'negative'
    physics = 'medium' if negative else difficulty
    face = faces[of_coupon.integers(len(faces))]
    digits, how = coupon_digits(of_coupon), of_coupon.integers(3)
    coupon = print_coupon(of_coupon, digits, face, not (negative and how == NOT_PRINTED))
    age(of_coupon, coupon, physics)
    if negative:
        hide(of_coupon, coupon, how)
    limits = DIFFICULTIES[physics]
    view = aim(of_shot, limits, negative and how == CUT_OFF, coupon.line)
    picture = light(of_shot, compose(of_coupon, coupon, view), limits, view, coupon.defects)
    picture, defocus, motion = expose(of_shot, picture, limits, view.frame)
    low, high = view.corners.min(0), view.corners.max(0)
    margins = of_shot.uniform(.03, .12, 4)
    left, top = np.maximum(0, low - margins[:2] * (high - low)).astype(int)
    right, bottom = np.minimum(view.frame, high + margins[2:] * (high - low)).astype(int)

    def corners(rectangle):
        if not rectangle or negative:
            return ''
        return ' '.join(f'{value:.1f}' for value in (view.of(rectangle) - [left, top]).ravel())

    label = {
        'difficulty': difficulty, 'digits': '' if negative else digits, 'font': Path(face).name,
        'has_qr': int(bool(coupon.qr)), 'nw7': coupon.bar_digits, 'px_per_mm': f'{view.px_per_mm:.1f}',
        'blur': f'{defocus:.2f}', 'motion': f'{motion:.1f}', 'defects': '+'.join(coupon.defects),
        'ocr_quad': corners(coupon.line), 'qr_quad': corners(coupon.qr), 'nw7_quad': corners(coupon.bars), 'seed': seed,
    }
    return np.ascontiguousarray(picture[top:bottom, left:right]), int(of_shot.integers(*limits.quality)), label


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('album', type=Path)
    parser.add_argument('--count', type=int, default=60)
    parser.add_argument('--negatives', type=int, default=0)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--fonts', default=','.join(OCR_B))
    options = parser.parse_args()
    options.album.mkdir(parents=True, exist_ok=True)
    labels = []
    for index in range(options.count + options.negatives):
        difficulty = list(DIFFICULTIES)[index % 3] if index < options.count else 'negative'
        seed = options.seed + index
        picture, quality, label = photograph(seed, difficulty, options.fonts.split(','))
        name = f'{seed:06d}.jpg'
        settings = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_OPTIMIZE, 1]
        cv2.imwrite(str(options.album / name), picture, settings)
        labels.append({'file': name, **label})
    with open(options.album / 'labels.csv', 'w', newline='') as file:
        writer = csv.DictWriter(file, list(labels[0]))
        writer.writeheader()
        writer.writerows(labels)


if __name__ == '__main__':
    main()
