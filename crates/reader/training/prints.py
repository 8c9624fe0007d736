"""What is printed on a coupon, and what blurs it: shared by the pictures of whole coupons and of single lines."""
import math

import cv2
import numpy as np
from PIL import ImageFont

cv2.setNumThreads(1)

OCR_B = ['/usr/share/fonts/opentype/ocr-b/OCRB.otf', '/usr/share/fonts/opentype/ocr-b/OCRBS.otf']
GOTHIC = '/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc'
DIGITS = 18
LINE_POINTS = 9
MM_PER_POINT = 25.4 / 72

# Wide (1) or narrow (0) for bar, space, bar ... of each character of NW-7.
NW7 = {
    '0': '0000011', '1': '0000110', '2': '0001001', '3': '1100000', '4': '0010010', '5': '1000010', '6': '0100001',
    '7': '0100100', '8': '0110000', '9': '1001000', 'a': '0011010', 'b': '0101001', 'c': '0001011', 'd': '0001110',
}


def check_digit(five):
    """Of a municipality's code (JIS X 0402): weights 6 to 2, modulus 11."""
    total = sum(int(digit) * weight for digit, weight in zip(five, (6, 5, 4, 3, 2)))
    return str((11 - total % 11) % 10)


def municipalities():
    """Codes with the shape of the real list: 47 prefectures, cities from 201, towns from 301."""
    codes = []
    for prefecture in range(1, 48):
        count = 60 if prefecture == 1 else 37
        cities, towns = count // 2, count - count // 2
        for number in [100, *range(201, 201 + cities), *range(301, 301 + towns)]:
            five = f'{prefecture:02d}{number:03d}'
            codes.append(five + check_digit(five))
    return codes


MUNICIPALITIES = municipalities()


def coupon_digits(rng):
    """Kind, turn, municipality, ticket number. Municipalities number from 1 upwards, or by their own long numbers."""
    kind = rng.choice(['2', '3', '1'], p=[.8, .1, .1])
    ticket = rng.integers(1, 400_000) if rng.random() < .6 else rng.integers(10 ** 9, 10 ** 10)
    return f'{kind}{rng.integers(1, 8)}{MUNICIPALITIES[rng.integers(len(MUNICIPALITIES))]}{ticket:010d}'


_fonts = {}


def font(path, pixels):
    key = (path, round(pixels * 2) / 2)
    if key not in _fonts:
        _fonts[key] = ImageFont.truetype(path, key[1])
    return _fonts[key]


def draw_bars(draw, text, left, top, width, height, px_per_mm, ratio=2.5):
    """An NW-7 code from a to a; all lengths in mm."""
    elements = [wide for character in f'a{text}a' for wide in NW7[character] + '0'][:-1]
    widths = [ratio if wide == '1' else 1 for wide in elements]
    narrow = width / sum(widths)
    x = left
    for index, units in enumerate(widths):
        # Each character has 7 elements and a gap, so bars are the even ones.
        if index % 2 == 0:
            corners = [x * px_per_mm, top * px_per_mm, (x + units * narrow) * px_per_mm - 1, (top + height) * px_per_mm]
            draw.rectangle(corners, fill=0)
        x += units * narrow


def disk_kernel(radius):
    """Defocus."""
    n = int(math.ceil(radius)) * 2 + 3
    y, x = np.mgrid[:n, :n] - n // 2
    kernel = np.clip(radius + .5 - np.hypot(x, y), 0, 1).astype(np.float32)
    return kernel / kernel.sum()


def motion_kernel(length, angle):
    n = max(int(math.ceil(length)) | 1, 3) + 2
    kernel = np.zeros((n * 4, n * 4), np.float32)
    centre = n * 2
    dx, dy = math.cos(angle) * length * 2, math.sin(angle) * length * 2
    ends = (int(centre - dx), int(centre - dy)), (int(centre + dx), int(centre + dy))
    cv2.line(kernel, *ends, 1., 4, cv2.LINE_AA)
    kernel = cv2.resize(kernel, (n, n), interpolation=cv2.INTER_AREA)
    return kernel / kernel.sum()


def toner_gain(reflectance, gain, blur):
    """Ink that spreads (gain > 0) or shrinks by a fraction of a dot; reflectance 1 is paper."""
    return np.clip((cv2.GaussianBlur(reflectance, (0, 0), blur) - .5 - gain) * 2.2 + .5, 0, 1)
