"""The curves of a search as a picture, as documents print them: a PNG without a browser."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from mien.atomic import replacing
from mien.report.panels import COLOURS, Course

WIDE, HIGH, EDGE, GAP, LINE = 430, 230, 58, 46, 20
"""Pixels of a panel, of the room for its numbers, between panels, and of a line of the legend."""
INK, GREY = "#263238", "#b0bec5"


def write_search_picture(
    path: Path, panels: Mapping[str, Mapping[str, Course]], logarithmic: Sequence[str] = ()
) -> None:
    """Draw two panels in a row, a line for each setting, with one legend beneath.

    panels: by title, the courses by setting. logarithmic: titles of those with such an axis.
    """
    names = list(dict.fromkeys(name for lines in panels.values() for name in lines))
    colours = {name: COLOURS[i % len(COLOURS)] for i, name in enumerate(names)}
    columns, rows = min(2, max(len(panels), 1)), -(-len(panels) // 2)
    size = columns * (WIDE + EDGE) + GAP, rows * (HIGH + 2 * GAP) + len(names) * LINE + GAP // 2
    image = Image.new("RGB", size, "white")
    pen = ImageDraw.Draw(image)
    for i, (title, lines) in enumerate(panels.items()):
        corner = EDGE + i % 2 * (WIDE + EDGE), GAP + i // 2 * (HIGH + 2 * GAP)
        _panel(pen, corner, title, lines, colours, title in logarithmic)
    top = rows * (HIGH + 2 * GAP)
    for i, name in enumerate(names):
        middle = top + i * LINE + 9
        pen.line((EDGE, middle, EDGE + 26, middle), fill=colours[name], width=3)
        pen.text((EDGE + 36, middle), name, fill=INK, font=_font(13), anchor="lm")
    with replacing(path) as temporary:
        image.save(temporary, format="PNG")


def _panel(
    pen: ImageDraw.ImageDraw,
    corner: tuple[int, int],
    title: str,
    lines: Mapping[str, Course],
    colours: Mapping[str, str],
    logarithmic: bool,
) -> None:
    left, top = corner
    steps = [step for course in lines.values() for step, _ in course]
    values = np.array([value for course in lines.values() for _, value in course])
    values = values[np.isfinite(values)]
    low, high = (float(values.min()), float(values.max())) if len(values) else (0.0, 1.0)
    high = high if high > low else low + 1e-3
    first, last = min(steps), max(max(steps), min(steps) + 1)

    def across(step: float) -> float:
        return left + (step - first) / (last - first) * WIDE

    def up(value: float) -> float:
        share = (value - low) / (high - low)
        if logarithmic:
            share = float(np.log(value / low) / np.log(high / low))
        return top + (1 - share) * HIGH

    title += ", logarithmic" if logarithmic else ""
    pen.text((left, top - 26), title, fill=INK, font=_font(15))
    pen.rectangle((left, top, left + WIDE, top + HIGH), outline=GREY)
    for value, anchor in ((low, "rs"), (high, "rt")):
        pen.text((left - 6, up(value)), f"{value:.3g}", fill=INK, font=_font(12), anchor=anchor)
    for step, anchor in ((first, "la"), (last, "ra")):
        told = f"{step:g}" if step == first else f"step {step:g}"
        pen.text((across(step), top + HIGH + 5), told, fill=INK, font=_font(12), anchor=anchor)
    for name, course in lines.items():
        places = [(across(step), up(value)) for step, value in course if np.isfinite(value)]
        if len(places) > 1:
            pen.line(places, fill=colours[name], width=2, joint="curve")


def _font(size: int) -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
    return ImageFont.load_default(size)
