"""A bar chart as a PNG, for counts that belong into a paper or a README."""

from collections.abc import Mapping
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from mien.atomic import replacing

_SIZE = (900, 420)
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 20, 30, 70
_BAR, _INK, _GRID = "#3f7cac", "#222222", "#dddddd"


def draw_bars(counts: Mapping[int, float], path: Path, x: str, y: str) -> None:
    """Draw counts by name, in their order, with the count above each bar."""
    image = Image.new("RGB", _SIZE, "white")
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(15)
    width, height = _SIZE[0] - _LEFT - _RIGHT, _SIZE[1] - _TOP - _BOTTOM
    top = max([*counts.values(), 1])
    floor = _TOP + height
    for share in (0.0, 1.0):
        line = floor - share * height
        draw.line((_LEFT, line, _LEFT + width, line), _GRID)
        draw.text((_LEFT - 8, line), f"{share * top:g}", _INK, font, anchor="rm")
    step = width / max(len(counts), 1)
    every = max(1, round(len(counts) * 42 / width))
    for i, (name, count) in enumerate(counts.items()):
        left, right = _LEFT + (i + 0.15) * step, _LEFT + (i + 0.85) * step
        bar = floor - count / top * height
        draw.rectangle((left, bar, right, floor), _BAR)
        middle = (left + right) / 2
        if i % every == 0:
            draw.text((middle, floor + 6), str(name), _INK, font, anchor="mt")
        if count:
            draw.text((middle, bar - 3), f"{count:g}", _INK, font, anchor="mb")
    draw.text((_LEFT + width / 2, _SIZE[1] - 14), x, _INK, font, anchor="mb")
    draw.text((12, 8), y, _INK, font)
    with replacing(path) as temporary:
        image.save(temporary)
