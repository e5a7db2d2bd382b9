"""The same as a picture: both courses over time, and Bland-Altman, of the signals most used."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from mien.atomic import replacing
from mien.report.comparison_page import OFF, A, B, Compared, Signal, told_once

Array = NDArray[np.float64]
MOST = 8
_ROW, _LEFT, _WIDE, _NARROW, _PAD = 210, 70, 760, 300, 46
_INK, _LINE = "#263238", "#cfd8dc"
_Frame = tuple[float, float, float, float]


def write_comparison_picture(path: Path, found: Compared) -> None:
    """Write a PNG of up to eight signals, those that vary most on their scales first."""
    drawn = sorted(
        (c for c in told_once(found.continuous) if c.n > 1), key=lambda c: -float(np.std(c.a))
    )
    drawn = drawn[:MOST]
    width = _LEFT + _WIDE + _PAD + _NARROW + 20
    image = Image.new("RGB", (width, 50 + _ROW * max(len(drawn), 1)), "white")
    pen, font = ImageDraw.Draw(image), ImageFont.load_default(14)
    pen.text((_LEFT, 14), f"A {found.a}", fill=A, font=font)
    pen.text((_LEFT + _WIDE / 2, 14), f"B {found.b}", fill=B, font=font)
    pen.text((_LEFT + _WIDE + _PAD, 14), "B - A against the mean", fill=_INK, font=font)
    for i, one in enumerate(drawn):
        _row(pen, font, one, 50 + i * _ROW)
    with replacing(path) as temporary:
        image.save(temporary, "PNG")


def _row(
    pen: ImageDraw.ImageDraw, font: ImageFont.ImageFont | ImageFont.FreeTypeFont, one: Signal,
    top: int,
) -> None:  # fmt: skip
    scores = one.numbers()
    said = f"{one.signal}   r {scores['r']:.2f}, CCC {scores['ccc']:.2f}"
    if np.isfinite(scores["lag_s"]):
        said += f", lag {scores['lag_s']:+.2f} s"
    pen.text((_LEFT, top), said, fill=_INK, font=font)
    frame = (_LEFT, top + 22, _LEFT + _WIDE, top + _ROW - 30)
    timed = bool(np.isfinite(one.time_s).any())
    across = one.time_s if timed else np.arange(one.n, dtype=np.float64)
    low, high = _ends(np.concatenate([one.a, one.b]))
    ends = (float(np.nanmin(across)), float(np.nanmax(across)))
    _axes(pen, font, frame, ends, (low, high))
    for values, colour in ((one.a, A), (one.b, B)):
        places = _places(frame, across, values, ends, (low, high))
        pen.line(places, fill=colour, width=2)
    frame = (_LEFT + _WIDE + _PAD, top + 22, _LEFT + _WIDE + _PAD + _NARROW, top + _ROW - 30)
    mean, apart = (one.a + one.b) / 2, one.b - one.a
    spread = _ends(np.append(apart, [scores["low"], scores["high"]]))
    _axes(pen, font, frame, _ends(mean), spread)
    for x, y in _places(frame, mean, apart, _ends(mean), spread):
        pen.ellipse((x - 1.5, y - 1.5, x + 1.5, y + 1.5), fill=OFF)
    for name in ("bias", "low", "high"):
        ((_, y),) = _places(frame, np.zeros(1), np.array([scores[name]]), (0, 1), spread)
        pen.line((frame[0], y, frame[2], y), fill=B, width=1)


def _ends(values: Array) -> tuple[float, float]:
    known = values[np.isfinite(values)]
    low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
    room = 0.04 * (high - low) or 0.5
    return low - room, high + room


def _places(
    frame: _Frame, x: Array, y: Array, across: tuple[float, float], up: tuple[float, float]
) -> list[tuple[float, float]]:
    left, top, right, bottom = frame
    at_x = left + (x - across[0]) / (across[1] - across[0]) * (right - left)
    at_y = bottom - (y - up[0]) / (up[1] - up[0]) * (bottom - top)
    return list(zip(at_x.tolist(), at_y.tolist(), strict=True))


def _axes(
    pen: ImageDraw.ImageDraw, font: ImageFont.ImageFont | ImageFont.FreeTypeFont, frame: _Frame,
    across: tuple[float, float], up: tuple[float, float],
) -> None:  # fmt: skip
    left, top, right, bottom = frame
    pen.rectangle(frame, outline=_LINE)
    for value, y in ((up[1], top), (up[0], bottom - 14)):
        pen.text((left - 6, y), f"{value:.2f}", fill=_INK, font=font, anchor="ra")
    pen.text((left, bottom + 3), f"{across[0]:.2f}", fill=_INK, font=font)
    pen.text((right, bottom + 3), f"{across[1]:.2f}", fill=_INK, font=font, anchor="ra")
