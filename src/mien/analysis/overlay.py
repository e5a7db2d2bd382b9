"""Draw what was found onto the frames: box, emotion circle, active units, expression."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from mien.analysis.analyze import AnalyzedFrame
from mien.labels.action_units import FACS, parse
from mien.labels.arrays import Predictions
from mien.labels.kinds import LEVELS, THRESHOLD, likeliest

COLOURS = ("#4fc3f7", "#ffb74d", "#aed581", "#f06292", "#ba68c8", "#fff176")
_LEAST_HEIGHT = 480
_TRACE = 1.0
"""Intensity A, a trace: from it on a unit is shown."""
_PANEL = (12, 14, 18, 190)


def draw(analyzed: AnalyzedFrame) -> NDArray[np.uint8]:
    """Return the frame (H', W', 3) with its faces marked; small frames are enlarged to be read."""
    image = Image.fromarray(analyzed.source.rgb)
    factor = max(1, -(-_LEAST_HEIGHT // image.height)) if image.height < _LEAST_HEIGHT else 1
    if factor > 1:
        size = (image.width * factor, image.height * factor)
        image = image.resize(size, Image.Resampling.BICUBIC)
    pen = ImageDraw.Draw(image, "RGBA")
    text = max(13, image.height // 32)
    font = ImageFont.load_default(text)
    panel_top = text // 2
    for i, box in enumerate(analyzed.found.boxes * factor):
        number = int(analyzed.face_id[i])
        colour = COLOURS[number % len(COLOURS)]
        pen.rectangle([tuple(box[:2]), tuple(box[2:])], outline=colour, width=max(2, text // 7))
        pen.text((box[0] + 4, box[1] + 2), f"{number}", fill=colour, font=font)
        if analyzed.predictions is not None and panel_top < image.height - 4 * text:
            panel_top = _panel(pen, font, text, panel_top, colour, analyzed.predictions, i)
    return np.asarray(image)


def _panel(
    pen: ImageDraw.ImageDraw,
    font: ImageFont.ImageFont | ImageFont.FreeTypeFont,
    text: int,
    top: int,
    colour: str,
    found: Predictions,
    face: int,
) -> int:
    """Write one face's panel at the left edge, from `top`; returns where the next one begins."""
    lines = _lines(found, face)
    valence, arousal = (
        float(found.column("valence_arousal", axis)[face]) for axis in ("valence", "arousal")
    )
    circle = 5 * text if not np.isnan(valence) and not np.isnan(arousal) else 0
    width = max([circle, *(int(font.getlength(line)) for line in lines)]) + text
    height = int((len(lines) + 0.5) * text * 1.25) + circle
    left = text // 2
    pen.rectangle((left, top, left + width, top + height), fill=_PANEL, outline=colour)
    if circle:
        _circle(
            pen, (left + text // 2, top + text // 4, circle - text // 2), valence, arousal, colour
        )
    for i, line in enumerate(lines):
        y = top + circle + int((i + 0.25) * text * 1.25)
        pen.text((left + text // 2, y), line, fill="white", font=font)
    return top + height + text // 2


def _lines(found: Predictions, face: int) -> list[str]:
    """In words: the likeliest class of each head of classes, and the units that are present."""
    lines = []
    for head in found.heads:
        values = found[head.name][face]
        if head.kind.classes:
            best = int(likeliest(values[None])[0])
            lines += [f"{head.outputs[best]} {values[best]:.2f}"] if best >= 0 else []
        elif head.type.kind == "binary":
            shown = [i for i, p in enumerate(values) if p >= THRESHOLD]
            lines += [f"{_unit(head.outputs[i])} {values[i]:.2f}" for i in shown]
        elif head.type.kind == "ordinal":
            shown = [i for i, intensity in enumerate(values) if intensity >= _TRACE]
            lines += [f"{_unit(head.outputs[i])} {values[i]:.1f} of {LEVELS}" for i in shown]
    return lines or ["neither unit nor expression"]


def _unit(output: str) -> str:
    number = parse(output)
    return output if number is None else f"{output} {FACS[number]}"


def _circle(
    pen: ImageDraw.ImageDraw,
    place: tuple[int, int, int],
    valence: float,
    arousal: float,
    colour: str,
) -> None:
    """Draw the emotion circle in a square (left, top, side): valence to the right, arousal up."""
    left, top, side = place
    radius, x, y = side / 2, left + side / 2, top + side / 2
    pen.ellipse((left, top, left + side, top + side), outline="#90a4ae")
    pen.line((left, y, left + side, y), fill="#546e7a")
    pen.line((x, top, x, top + side), fill="#546e7a")
    dot = max(3.0, side / 16)
    at_x = x + radius * float(np.clip(valence, -1, 1))
    at_y = y - radius * float(np.clip(arousal, -1, 1))
    pen.ellipse((at_x - dot, at_y - dot, at_x + dot, at_y + dot), fill=colour)
