"""What is behind actors: rooms and gardens, out of focus."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter
from scipy.ndimage import gaussian_filter

from mien.actors.identity import rgb
from mien.actors.skin import to_linear

Pen = ImageDraw.ImageDraw
Thing = Callable[[np.random.Generator, Pen, int, int], None]
WOODS = np.array([(96, 66, 44), (134, 98, 66), (62, 44, 34), (176, 146, 108), (210, 206, 198)])


def background(source: np.random.Generator, width: int, height: int) -> NDArray[np.float32]:
    """Paint what is behind, in linear light (H, W, 3): a furnished wall, now and then a garden."""
    w, h = max(width // 2, 32), max(height // 2, 24)
    image = Image.new("RGB", (w, h), _muted(source, 70, 205, 10))
    pen = ImageDraw.Draw(image)
    outside = source.random() < 0.2
    if outside:
        _garden(source, pen, w, h)
    else:
        for _ in range(int(source.integers(1, 6))):
            thing = THINGS[int(source.integers(len(THINGS)))]
            thing(source, pen, w, h)
    focus = float(source.uniform(3.5 if outside else 0.5, 6)) * h / 180  # trees are further
    image = image.filter(ImageFilter.GaussianBlur(focus)).resize((width, height))
    shade = gaussian_filter(source.normal(size=(9, 9)), 1.5)
    soft = np.asarray(Image.fromarray(shade.astype(np.float32)).resize((width, height)))
    scene = to_linear(np.asarray(image, float)) * (1 + 0.7 * soft[..., None])
    return np.clip(scene, 0, 1.2).astype(np.float32)


def _muted(source: np.random.Generator, low: int, high: int, tint: float) -> tuple[int, int, int]:
    return rgb(source.uniform(low, high) + source.normal(0, tint, 3))


def _wood(source: np.random.Generator) -> NDArray[np.float64]:
    return WOODS[int(source.integers(len(WOODS)))] * source.uniform(0.8, 1.1)


def _shelf(source: np.random.Generator, pen: Pen, w: int, h: int) -> None:
    left, long = source.uniform(-0.2, 0.8) * w, source.uniform(0.2, 0.6) * w
    tall, wood = source.uniform(0.13, 0.2) * h, rgb(_wood(source))
    foot = source.uniform(0.15, 0.4) * h
    for _ in range(int(source.integers(1, 4))):
        x = left + 0.01 * w
        while x < left + 0.92 * long:  # books
            thick, high = source.uniform(0.01, 0.028) * w, tall * source.uniform(0.55, 0.9)
            if source.random() < 0.85:
                pen.rectangle((x, foot - high, x + thick, foot), fill=_muted(source, 40, 180, 24))
            x += thick + 1
        pen.rectangle((left, foot, left + long, foot + 0.02 * h), fill=wood)
        foot += tall + 0.03 * h


def _window(source: np.random.Generator, pen: Pen, w: int, h: int) -> None:
    x, y = source.uniform(-0.1, 0.85) * w, source.uniform(-0.1, 0.15) * h
    wide, high = source.uniform(0.18, 0.34) * w, source.uniform(0.45, 0.75) * h
    frame, bar = _muted(source, 190, 240, 4), 0.012 * w
    pen.rectangle((x - bar, y - bar, x + wide + bar, y + high + bar), fill=frame)
    pen.rectangle((x, y, x + wide, y + high), fill=rgb(source.uniform(205, 250) + np.arange(3.0)))
    pen.rectangle((x + wide / 2 - bar / 2, y, x + wide / 2 + bar / 2, y + high), fill=frame)
    cloth = _muted(source, 90, 220, 22)
    for side in (x - 0.25 * wide, x + 0.95 * wide):
        pen.rectangle((side, y - 2 * bar, side + 0.3 * wide, y + 1.15 * high), fill=cloth)


def _picture(source: np.random.Generator, pen: Pen, w: int, h: int) -> None:
    x, y = source.uniform(0, 0.85) * w, source.uniform(0.02, 0.4) * h
    wide, high = source.uniform(0.08, 0.22) * w, source.uniform(0.14, 0.34) * h
    pen.rectangle((x, y, x + wide, y + high), fill=rgb(_wood(source)))
    edge = 0.012 * w
    inner = (x + edge, y + edge, x + wide - edge, y + high - edge)
    if inner[2] > inner[0] and inner[3] > inner[1]:
        pen.rectangle(inner, fill=_muted(source, 60, 235, 25))


def _cupboard(source: np.random.Generator, pen: Pen, w: int, h: int) -> None:
    x, y = source.uniform(-0.15, 0.85) * w, source.uniform(0.05, 0.55) * h
    wide, wood = source.uniform(0.15, 0.4) * w, _wood(source)
    pen.rectangle((x, y, x + wide, h), fill=rgb(wood))
    pen.rectangle((x + wide / 2 - 1, y, x + wide / 2 + 1, h), fill=rgb(wood * 0.6))


def _lamp(source: np.random.Generator, pen: Pen, w: int, h: int) -> None:
    x, y, size = source.uniform(0, 1) * w, source.uniform(0, 0.5) * h, source.uniform(0.05, 0.1) * w
    pen.line((x, y, x, h), fill=_muted(source, 30, 90, 5), width=max(1, w // 120))
    corners = ((x - 0.5 * size, y - size), (x + 0.5 * size, y - size), (x + size, y), (x - size, y))
    pen.polygon(corners, fill=rgb(np.array([255, 236, 196]) * source.uniform(0.8, 1)))


def _plant(source: np.random.Generator, pen: Pen, w: int, h: int) -> None:
    x, y = source.uniform(0, 1) * w, source.uniform(0.3, 0.8) * h
    for _ in range(24):
        _leaf(source, pen, x + source.normal(0, 0.05) * w, y + source.normal(0, 0.1) * h, 0.03 * w)


def _leaf(source: np.random.Generator, pen: Pen, x: float, y: float, size: float) -> None:
    a, b = source.uniform(0.4, 1.2, 2) * size
    green = np.array([72, 98, 56]) * source.uniform(0.6, 1.3) + source.normal(0, 9, 3)
    pen.ellipse((x - a, y - b, x + a, y + b), fill=rgb(green))


def _garden(source: np.random.Generator, pen: Pen, w: int, h: int) -> None:
    pen.rectangle((0, 0, w, h), fill=rgb(np.array([176, 198, 222]) * source.uniform(0.7, 1.1)))
    top = source.uniform(0.1, 0.5)
    trees = source.uniform(-0.1, 1.1, (9, 2)) * [1, 0.4] + [0, top]
    for _ in range(1500):
        x, y = trees[int(source.integers(len(trees)))] + source.normal(0, 0.16, 2)
        if y < 0.95:
            _leaf(source, pen, x * w, max(y, 0.4 * top) * h, source.uniform(0.008, 0.04) * w)
    grass = np.array([92, 112, 66]) * source.uniform(0.7, 1.2)
    pen.rectangle((0, 0.88 * h, w, h), fill=rgb(grass))


THINGS: tuple[Thing, ...] = (_shelf, _window, _picture, _picture, _cupboard, _lamp, _plant)
"""What stands or hangs before a wall; pictures twice as often."""
