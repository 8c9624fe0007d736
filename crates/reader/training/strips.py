#!/usr/bin/env python3
"""Strips to train on: pictures of one line, 32 rows, as the reader cuts them out, with what is truly in each column.

    strips.py OUT.npz --count 20000 --seed 1

The same seed and count give the same strips. A strip is rendered flat at 9 pixels/mm, aged, soiled and covered as
paper is, cut out with the errors that the locator makes, and then lit and photographed.
"""
import argparse
import math
from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image, ImageDraw

from prints import (DIGITS, GOTHIC, LINE_POINTS, MM_PER_POINT, OCR_B, coupon_digits, disk_kernel, draw_bars, font,
                    motion_kernel, toner_gain)

ROWS, COLUMNS, COLUMNS_PER_ANSWER = 32, 336, 4
PAPER_MM = (66., 14.)
PX_PER_MM = 9.
# The strip is photographed at this multiple of its size, then shrunk.
FINENESS = 1.5
BLANK, IGNORE = 10, 255


@dataclass
class Line:
    """Where the line stands on the flat paper, in mm."""
    left: float
    top: float
    pitch: float
    height: float

    @property
    def right(self):
        return self.left + DIGITS * self.pitch

    @property
    def middle(self):
        return self.top + self.height / 2

    def centres(self):
        return self.left + self.pitch * (np.arange(DIGITS) + .5)


def random_digits(rng):
    """A third are coupons', the rest anything: the net is to have no notion of likely numbers."""
    digits = coupon_digits(rng) if rng.random() < .35 else ''.join(map(str, rng.integers(0, 10, DIGITS)))
    if rng.random() < .15:
        # Long runs of one digit are the hardest to count.
        start = rng.integers(0, DIGITS - 1)
        end = rng.integers(start + 1, DIGITS + 1)
        digits = digits[:start] + str(rng.integers(0, 10)) * (end - start) + digits[end:]
    return digits


def print_line(rng, digits, printed):
    """The flat print (reflectance, 1 is paper) and the line's place. Without `printed`, other writing or none."""
    size = tuple(int(mm * PX_PER_MM) for mm in PAPER_MM)
    image = Image.new('L', size, 255)
    draw = ImageDraw.Draw(image)
    face = font(OCR_B[rng.integers(len(OCR_B))], LINE_POINTS * MM_PER_POINT * PX_PER_MM * rng.uniform(.95, 1.05))
    advance = face.getlength('0') * (1 if rng.random() < .5 else rng.uniform(.85, 1.1))
    box = face.getbbox('0')
    pitch, height = advance / PX_PER_MM, (box[3] - box[1]) / PX_PER_MM
    line = Line((PAPER_MM[0] - DIGITS * pitch) / 2, 7., pitch, height)
    if printed:
        for index, digit in enumerate(digits):
            place = line.left * PX_PER_MM + advance * index, line.top * PX_PER_MM - box[1]
            draw.text(place, digit, font=face, fill=0)
    elif rng.random() < .6:
        letters = [other_letter(rng) for _ in range(rng.integers(3, 16))]
        place = (rng.uniform(0, 10) * PX_PER_MM, (line.top + rng.uniform(-.3, .3)) * PX_PER_MM)
        draw.text(place, ''.join(letters), font=font(GOTHIC, rng.uniform(2, 3.2) * PX_PER_MM), fill=0)
    if rng.random() < .8:
        bottom = line.top - rng.uniform(1.2, 2.5)
        draw_bars(draw, digits[:10], rng.uniform(-2, 12), 0, rng.uniform(28, 45), bottom, PX_PER_MM, rng.uniform(2, 3))
    if rng.random() < .35:
        beside = line.top - rng.uniform(.4, 1) if rng.random() < .4 else line.top + height + rng.uniform(.4, 1.8)
        y = beside * PX_PER_MM
        thickness = max(1, int(rng.uniform(.08, .35) * PX_PER_MM))
        draw.line([(0, y), (size[0], y)], fill=int(rng.integers(20, 150)), width=thickness)
    return np.asarray(image, np.float32) / 255, line


def other_letter(rng):
    return chr(rng.integers(0x3042, 0x3090)) if rng.random() < .5 else '接種券請求先市町村氏名生年月日'[rng.integers(15)]


def reshape(rng, paper, line):
    """Other printers' OCR-B: taller or flatter against its pitch."""
    if rng.random() < .5:
        return paper, line
    factor = rng.uniform(.92, 1.08)
    middle = line.middle * PX_PER_MM
    matrix = np.float32([[1, 0, 0], [0, factor, middle * (1 - factor)]])
    height = line.height * factor
    stretched = cv2.warpAffine(paper, matrix, paper.shape[::-1], borderMode=cv2.BORDER_REPLICATE)
    return stretched, Line(line.left, line.middle - height / 2, line.pitch, height)


def age(rng, paper, line):
    """Toner: too much, too little, patchy, streaked, or a pattern of dots."""
    paper = toner_gain(paper, rng.uniform(-.14, .22), rng.uniform(.7, 1.3))
    ink = rng.uniform(.04, .4)
    if rng.random() < .35:
        patches = cv2.resize(rng.random((3, 12)).astype(np.float32), paper.shape[::-1], interpolation=cv2.INTER_CUBIC)
        fade = rng.uniform(.1, .55)
        density = np.clip((1 - fade) * (.75 + .5 * patches), 0, 1)
        grain = cv2.resize(rng.random((paper.shape[0] // 2, paper.shape[1] // 2)).astype(np.float32), paper.shape[::-1])
        density = density * np.where(grain < fade * .35, .25, 1)
        if rng.random() < .4:
            y = int(rng.uniform(line.top - .3, line.top + line.height) * PX_PER_MM)
            density[y:y + rng.integers(1, 5)] *= rng.uniform(.2, .7)
        paper = 1 - (1 - paper) * density
    return 1 - (1 - paper) * (1 - ink)


def soil(rng, paper, line):
    """Specks, a fold, a stamp, and a pen, which is most often on the digits because there is where people tick."""
    rows, columns = paper.shape
    if rng.random() < .5:
        for _ in range(rng.integers(0, 14)):
            centre = int(rng.integers(columns)), int(rng.integers(rows))
            cv2.circle(paper, centre, int(rng.integers(1, 3)), float(rng.uniform(.1, .9)), -1)
    if rng.random() < .12:
        paper = fold(rng, paper)
    if rng.random() < .08:
        centre = rng.uniform(line.left, line.right) * PX_PER_MM, rng.uniform(0, line.top + 6) * PX_PER_MM
        ring = np.ones_like(paper)
        radius, thickness = int(rng.uniform(3, 7) * PX_PER_MM), int(rng.integers(2, 6))
        cv2.circle(ring, tuple(map(int, centre)), radius, 0., thickness, cv2.LINE_AA)
        paper = paper * (1 - (1 - ring) * rng.uniform(.15, .55))
    if rng.random() < .12:
        paper = pen(rng, paper, line)
    return np.ascontiguousarray(paper, np.float32)


def fold(rng, paper):
    x, slope = rng.uniform(0, paper.shape[1]), rng.uniform(-.3, .3)
    yy, xx = np.mgrid[:paper.shape[0], :paper.shape[1]].astype(np.float32)
    off = xx - x - slope * (yy - 90)
    cracked = np.where(np.abs(off) < rng.uniform(.6, 2.4), np.maximum(paper, rng.uniform(.6, .95)), paper)
    return cracked * (np.where(off > 0, 1, rng.uniform(.8, .97)) - .18 * np.exp(-(off / 8) ** 2))


def pen(rng, paper, line):
    reach = .4 if rng.random() < .6 else 1.5
    x = rng.uniform(line.left, line.right) * PX_PER_MM
    y = rng.uniform(line.top - reach, line.top + line.height + reach) * PX_PER_MM
    length = 30 if rng.random() < .5 else 90
    end = int(x + rng.uniform(-length, length)), int(y + rng.uniform(-35, 35))
    stroke = np.ones_like(paper)
    cv2.line(stroke, (int(x), int(y)), end, 0., int(rng.integers(2, 5)), cv2.LINE_AA)
    return np.minimum(paper, 1 - (1 - stroke) * rng.uniform(.35, .85))


def cover(rng, paper, line):
    """A finger or other paper over some digits at one end; returns which digits can still be seen."""
    hidden = int(rng.integers(1, 12))
    visible = np.ones(DIGITS, bool)
    brightness = rng.uniform(.2, .97)
    if rng.random() < .5:
        paper[:, :int((line.left + line.pitch * hidden) * PX_PER_MM)] = brightness
        visible[:hidden] = False
    else:
        paper[:, int((line.right - line.pitch * hidden) * PX_PER_MM):] = brightness
        visible[DIGITS - hidden:] = False
    return visible


def surroundings(rng, paper, line):
    """The coupon's edges, and what lies beyond them."""
    yy, xx = np.mgrid[:paper.shape[0], :paper.shape[1]].astype(np.float32)
    if rng.random() < .6:
        y, slope = line.top + line.height + rng.uniform(.8, 2.2), rng.uniform(-.01, .01)
        beyond = yy > y * PX_PER_MM + slope * (xx - xx.mean())
        paper = np.where(beyond, rng.uniform(.05, 1.) * (.6 + .4 * paper), paper)
    for is_right in (False, True):
        if rng.random() < .5:
            continue
        x = line.right + rng.uniform(.6, 4.5) if is_right else line.left - rng.uniform(.6, 4.5)
        slope = rng.uniform(-.18, .18)
        off = (xx - x * PX_PER_MM - slope * (yy - line.middle * PX_PER_MM)) * (1 if is_right else -1)
        if rng.random() < .7:
            paper = np.where(off > 0, rng.uniform(.05, 1.), paper)
        if rng.random() < .6:
            rule = np.abs(off - rng.uniform(-1, .3) * PX_PER_MM) < rng.uniform(.4, 1.8)
            paper = np.where(rule, np.minimum(paper, rng.uniform(.1, .8)), paper)
        if rng.random() < .4:
            shadow = rng.uniform(.1, .4) * np.exp(-np.maximum(off, 0) / (rng.uniform(.3, 2) * PX_PER_MM))
            paper = np.where(off > 0, paper * (1 - shadow), paper)
    return np.ascontiguousarray(paper, np.float32)


def cut_out(rng, paper, line, moved):
    """The strip, with the locator's errors; `moved` shifts it along the line, in mm. Also each digit's column."""
    margin_x, margin_y = 2.05 * line.pitch, .45 * line.height
    errors = (.10, .09) if rng.random() < .75 else (.25, .16)
    corners = np.float32([
        [line.left - margin_x, line.top - margin_y],
        [line.right + margin_x, line.top - margin_y],
        [line.right + margin_x, line.top + line.height + margin_y],
        [line.left - margin_x, line.top + line.height + margin_y],
    ])
    corners += rng.normal(0, 1, (4, 2)) * np.array(errors) * line.height
    corners[:2, 0] += rng.normal(0, .1) * line.height
    corners[:, 0] += moved
    size = int(FINENESS * COLUMNS), int(FINENESS * ROWS)
    target = np.float32([[0, 0], [size[0], 0], [size[0], size[1]], [0, size[1]]])
    matrix = cv2.getPerspectiveTransform((corners * PX_PER_MM).astype(np.float32), target)
    strip = cv2.warpPerspective(paper, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    centres = np.stack([line.centres(), np.full(DIGITS, line.middle)], 1).astype(np.float32)[None] * PX_PER_MM
    return strip, cv2.perspectiveTransform(centres, matrix)[0, :, 0] / FINENESS


def light(rng, strip):
    x = np.linspace(-.5, .5, strip.shape[1], dtype=np.float32)[None]
    y = np.linspace(-.5, .5, strip.shape[0], dtype=np.float32)[:, None]
    level = 1 + rng.uniform(-.1, .1) * y
    if rng.random() < .7:
        level = level + rng.uniform(-.4, .4) * x
    if rng.random() < .3:
        edge = x + y * rng.uniform(-.6, .6) - rng.uniform(-.5, .5)
        level = level * (1 - rng.uniform(.2, .65) / (1 + np.exp(-edge * rng.uniform(8, 60))))
    strip = strip * level * rng.uniform(.35, 1.05)
    if rng.random() < .2:
        spot = (x - rng.uniform(-.6, .6)) ** 2 / (2 * rng.uniform(.05, .3) ** 2) + (y - rng.uniform(-2, 2)) ** 2 / 2
        strip = strip + rng.uniform(.2, .9) * np.exp(-spot)
    if rng.random() < .08:
        # A glossy sleeve: a narrow bright streak across.
        streak = x + y * rng.uniform(-.2, .2) - rng.uniform(-.5, .5)
        strip = strip + rng.uniform(.1, .5) * np.exp(-(streak / rng.uniform(.01, .04)) ** 2)
    return strip


def photograph(rng, strip):
    """Lens, sensor and the camera's own processing. The blur is that of a camera with 8 to 24 pixels/mm."""
    camera = rng.uniform(8, 24) if rng.random() < .6 else rng.uniform(8, 13)
    scale = 6.75 * FINENESS / camera
    defocus = (rng.uniform(0, 3.2) if rng.random() < .6 else rng.uniform(0, 1.2)) * scale
    if rng.random() < .06:
        strip = rolling_shutter(rng, strip)
    if defocus > .4:
        strip = cv2.filter2D(strip, -1, disk_kernel(defocus))
    if rng.random() < .6 and (motion := rng.uniform(0, 8) * scale) > 1.2:
        strip = cv2.filter2D(strip, -1, motion_kernel(motion, rng.uniform(0, math.pi)))
    if scale > 1:
        strip = cv2.GaussianBlur(strip, (0, 0), .45 * scale)
    if rng.random() < .08:
        strip = strip * moire(rng, strip.shape)
    noise = cv2.GaussianBlur(rng.standard_normal(strip.shape, dtype=np.float32), (0, 0), max(.5, .6 * scale))
    noise /= noise.std() + 1e-6
    strip = strip + noise * rng.uniform(1, 14) / 255 * (1 if scale > .8 else .8) * np.sqrt(np.clip(strip, .05, 1))
    strip = strip + rng.uniform(0, .8) * (strip - cv2.GaussianBlur(strip, (0, 0), 1.2 * scale))
    pixels = (np.clip(strip, 0, 1) ** (1 / rng.uniform(.85, 1.3)) * 255).astype(np.uint8)
    if rng.random() < .7:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(40, 92))]
        pixels = cv2.imdecode(cv2.imencode('.jpg', pixels, quality)[1], cv2.IMREAD_GRAYSCALE)
    return cv2.resize(pixels, (COLUMNS, ROWS), interpolation=cv2.INTER_AREA)


def rolling_shutter(rng, strip):
    """A hand that shakes while the rows are read out one after the other."""
    rows, columns = strip.shape
    yy, xx = np.mgrid[:rows, :columns].astype(np.float32)
    shift = rng.uniform(.5, 2.5) * np.sin(yy / rows * rng.uniform(2, 9) + rng.uniform(0, 6))
    return cv2.remap(strip, xx + shift, yy, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def moire(rng, shape):
    """The beat of a screen or a printed raster against the sensor's grid."""
    yy, xx = np.mgrid[:shape[0], :shape[1]].astype(np.float32)
    angle, period = rng.uniform(0, math.pi), rng.uniform(4, 30)
    return 1 + rng.uniform(.02, .10) * np.sin((xx * math.cos(angle) + yy * math.sin(angle)) * 2 * math.pi / period)


def column_targets(centres, digits, visible):
    """For each answer a digit, blank, or (between the two) nothing that counts."""
    columns = np.arange(COLUMNS // COLUMNS_PER_ANSWER) * COLUMNS_PER_ANSWER + COLUMNS_PER_ANSWER / 2
    targets = np.full(len(columns), BLANK, np.uint8)
    pitch = np.median(np.diff(centres))
    for index, centre in enumerate(centres):
        distance = np.abs(columns - centre)
        if visible[index]:
            targets[distance < .42 * pitch] = IGNORE
            targets[distance < .27 * pitch] = int(digits[index])
            nearest = distance.argmin()
            if distance[nearest] < .3 * pitch:
                targets[nearest] = int(digits[index])
        else:
            in_view = 4 < centre < COLUMNS - 4
            targets[distance < .5 * pitch] = BLANK if in_view else IGNORE
    return targets


def strip(rng):
    """One strip: its pixels, the visible digits, and the target of each answer."""
    digits = random_digits(rng)
    view = rng.choice(['whole', 'covered', 'cut off', 'other'], p=[.84, .07, .05, .04])
    paper, line = print_line(rng, digits, view != 'other')
    paper, line = reshape(rng, paper, line)
    paper = soil(rng, age(rng, paper, line), line)
    visible = np.full(DIGITS, view != 'other')
    if view == 'covered':
        visible = cover(rng, paper, line)
    paper = surroundings(rng, paper, line)
    moved = 0.
    if view == 'cut off':
        lost = int(rng.integers(1, 12))
        moved = 2.05 * line.pitch + lost * line.pitch
        if rng.random() < .5:
            visible[:lost] = False
        else:
            visible[DIGITS - lost:] = False
            moved = -moved
    pixels, centres = cut_out(rng, paper, line, moved)
    pixels = photograph(rng, light(rng, pixels))
    seen = ''.join(digit for digit, is_visible in zip(digits, visible) if is_visible)
    return pixels, seen, column_targets(centres, digits, visible)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('out')
    parser.add_argument('--count', type=int, default=20_000)
    parser.add_argument('--seed', type=int, default=1)
    options = parser.parse_args()
    rng = np.random.default_rng([7, options.seed])
    pixels = np.empty((options.count, ROWS, COLUMNS), np.uint8)
    digits = np.full((options.count, DIGITS), IGNORE, np.uint8)
    targets = np.empty((options.count, COLUMNS // COLUMNS_PER_ANSWER), np.uint8)
    for index in range(options.count):
        pixels[index], seen, targets[index] = strip(rng)
        digits[index, :len(seen)] = [int(digit) for digit in seen]
    np.savez(options.out, pixels=pixels, digits=digits, targets=targets)


if __name__ == '__main__':
    main()
