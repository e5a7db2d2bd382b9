"""A reliability diagram as a PNG: what was said against what came true, a panel per head."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from mien.atomic import replacing
from mien.metrics.calibration import Reliability

SIDE, EDGE, GAP = 300, 58, 34
"""Pixels of a panel's square, of the room for its words, and between panels."""
COLOUR, PALE, INK, GREY = "#00897b", "#d5ebe8", "#263238", "#b0bec5"


def write_reliability(path: Path, panels: Mapping[str, Reliability]) -> None:
    """Draw a panel for each: share that came true over the probability, faces as bars behind.

    panels: by title; those without a face are left out. On the dashed line is what comes true as
    it is said.
    """
    known = [(title, found) for title, found in panels.items() if found.faces.sum()]
    wide = len(known) * (SIDE + EDGE + GAP) + GAP
    image = Image.new("RGB", (max(wide, SIDE), SIDE + 2 * EDGE + 24), "white")
    for i, (title, found) in enumerate(known):
        _panel(ImageDraw.Draw(image), (GAP + EDGE + i * (SIDE + EDGE + GAP), EDGE), title, found)
    with replacing(path) as temporary:
        image.save(temporary, format="PNG")


def _panel(
    pen: ImageDraw.ImageDraw, corner: tuple[int, int], title: str, found: Reliability
) -> None:
    left, top = corner
    words, small = ImageFont.load_default(15), ImageFont.load_default(12)

    def at(x: float, y: float) -> tuple[float, float]:
        return left + x * SIDE, top + (1 - y) * SIDE

    bins, most = len(found.faces), found.faces.max()
    for i, faces in enumerate(found.faces):
        high = faces / most
        pen.rectangle((*at(i / bins, high), *at((i + 1) / bins, 0)), fill=PALE)
    pen.rectangle((*at(0, 1), *at(1, 0)), outline=GREY)
    _dashed(pen, at(0, 0), at(1, 1))
    points = [
        at(x, y)
        for x, y in zip(found.said, found.came_true, strict=True)
        if np.isfinite([x, y]).all()
    ]
    if len(points) > 1:
        pen.line(points, fill=COLOUR, width=3, joint="curve")
    for x, y in points:
        pen.ellipse((x - 4, y - 4, x + 4, y + 4), fill=COLOUR)
    pen.text((left, top - 46), title, fill=INK, font=words)
    told = f"calibration error {found.expected_error:.3f}, {int(found.faces.sum()):,} decisions"
    pen.text((left, top - 24), told, fill=INK, font=small)
    for tick in (0, 0.5, 1):
        x, y = at(tick, 0)
        pen.text((x, y + 6), f"{tick:g}", fill=INK, font=small, anchor="ma")
        x, y = at(0, tick)
        pen.text((x - 8, y), f"{tick:g}", fill=INK, font=small, anchor="rm")
    x, y = at(0.5, 0)
    pen.text((x, y + 26), "probability said (bars: faces)", fill=INK, font=small, anchor="ma")
    _upright(pen, (left - 44, top + SIDE // 2), "share that came true", small)


def _upright(
    pen: ImageDraw.ImageDraw,
    middle: tuple[int, int],
    text: str,
    font: ImageFont.ImageFont | ImageFont.FreeTypeFont,
) -> None:
    """Write upwards, around a point."""
    width = int(pen.textlength(text, font=font)) + 2
    word = Image.new("L", (width, 18), 0)
    ImageDraw.Draw(word).text((0, 1), text, fill=255, font=font)
    turned = word.rotate(90, expand=True)
    pen.bitmap((middle[0] - turned.width // 2, middle[1] - turned.height // 2), turned, fill=INK)


def _dashed(
    pen: ImageDraw.ImageDraw, start: Sequence[float], end: Sequence[float], dashes: int = 25
) -> None:
    for i in range(dashes):
        a, b = i / dashes, (i + 0.5) / dashes
        pen.line(
            [
                (start[0] + (end[0] - start[0]) * t, start[1] + (end[1] - start[1]) * t)
                for t in (a, b)
            ],
            fill=GREY,
        )
