"""Drawn pictures with labels that any GAN should manage: digits, and landscapes in four weathers.

au-va-thesis shows that its vanilla GAN can draw digits (figure 3.20), kolbenschlag-2020 that its
conditional one does not collapse every time on landscapes labelled by weather. Neither set may be
shipped, so both are drawn; their labels go into the column `class`.
"""

import csv
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from mien.atomic import replacing_folder

SIDE = 64
WEATHERS = ("cloudy", "rain", "shine", "sunrise")
_SKIES = {
    "cloudy": ((150, 158, 168), (200, 204, 208)),
    "rain": ((70, 78, 90), (120, 126, 134)),
    "shine": ((60, 130, 230), (170, 212, 250)),
    "sunrise": ((60, 50, 110), (250, 150, 70)),
}


def landscape(weather: str, source: np.random.Generator) -> Image.Image:
    """Draw a landscape: sky, sun, clouds, hills, rain, as the weather has it."""
    top, bottom = (np.array(c) + source.normal(0, 12, 3) for c in _SKIES[weather])
    share = np.linspace(0, 1, SIDE)[:, None, None]
    sky = np.clip(top * (1 - share) + bottom * share, 0, 255) + np.zeros((SIDE, SIDE, 3))
    image = Image.fromarray(sky.astype(np.uint8))
    pen = ImageDraw.Draw(image)
    horizon = source.uniform(0.5, 0.75) * SIDE
    if weather in ("shine", "sunrise"):
        x = source.uniform(0.15, 0.85) * SIDE
        y = source.uniform(0.1, 0.3) * SIDE if weather == "shine" else horizon
        r = source.uniform(0.07, 0.13) * SIDE
        pen.ellipse((x - r, y - r, x + r, y + r), fill=(255, 244, 190))
    clouds = {"cloudy": 9, "rain": 7, "shine": 1, "sunrise": 2}[weather]
    for _ in range(int(source.poisson(clouds))):
        x, y = source.uniform(-0.1, 1) * SIDE, source.uniform(0, 0.4) * SIDE
        w, h = source.uniform(0.2, 0.5) * SIDE, source.uniform(0.06, 0.14) * SIDE
        tone = int(source.uniform(90, 140) if weather == "rain" else source.uniform(190, 245))
        pen.ellipse((x, y, x + w, y + h), fill=(tone, tone, tone + 6))
    image = image.filter(ImageFilter.GaussianBlur(1.2))
    pen = ImageDraw.Draw(image)
    for layer in range(3):
        xs = np.linspace(0, SIDE, 20)
        waves = np.sin(xs / SIDE * source.uniform(3, 9) + source.uniform(0, 6))
        ys = horizon + layer * 6 + waves * source.uniform(2, 6)
        light = {"cloudy": 0.7, "rain": 0.5, "shine": 1.0, "sunrise": 0.45}[weather]
        green = np.array([70, 120, 60]) * light * (1 - 0.18 * layer) + source.normal(0, 6, 3)
        edge = [(float(x), float(y)) for x, y in zip(xs, ys, strict=True)]
        pen.polygon([*edge, (SIDE, SIDE), (0, SIDE)], fill=_rgb(green))
    for _ in range(90 if weather == "rain" else 0):
        x, y = source.uniform(0, SIDE, 2)
        pen.line((x, y, x - 1.5, y + 5), fill=(170, 180, 195), width=1)
    return image


def _rgb(colour: NDArray[np.float64]) -> tuple[int, int, int]:
    r, g, b = (int(v) for v in np.clip(colour, 0, 255))
    return r, g, b


def digit(number: int, source: np.random.Generator) -> Image.Image:
    """Draw a digit, white on black: size, place, slant and stroke vary."""
    font = ImageFont.load_default(size=float(source.uniform(40, 54)))
    image = Image.new("L", (SIDE, SIDE), 0)
    pen = ImageDraw.Draw(image)
    place = (SIDE / 2 + source.normal(0, 2), SIDE / 2 + source.normal(0, 2))
    width = int(source.integers(0, 3))
    pen.text(place, str(number), 255, font, anchor="mm", stroke_width=width, stroke_fill=255)
    image = image.rotate(float(source.normal(0, 9)), Image.Resampling.BICUBIC)
    return image.filter(ImageFilter.GaussianBlur(0.8)).convert("RGB")


def draw_toys(kind: str, folder: Path, count: int, seed: int) -> None:
    """Write `count` pictures and labels.csv, as `mien import folder` reads it.

    A fifth of the pictures are of the split val, of every class alike. Raises InputError where the
    folder exists.
    """
    rows = []
    with replacing_folder(folder) as temporary:
        (temporary / "images").mkdir()
        for i in range(count):
            source = np.random.default_rng((seed, i))
            name = f"images/{i:05d}.png"
            if kind == "digits":
                label, picture = str(i % 10), digit(i % 10, source)
            else:
                label = WEATHERS[i % 4]
                picture = landscape(label, source)
            picture.save(temporary / name)
            split = "val" if (i + i // 10) % 5 == 4 else "train"
            rows.append((name, f"picture{i:05d}", split, label))
        with (temporary / "labels.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(("image", "subject", "split", "class"))
            writer.writerows(rows)
