"""Draw what was found onto frames: box, expression, units as named bars, valence and arousal."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from mien.analysis.analyze import AnalyzedFrame
from mien.labels.action_units import FACS, INTENSITY_MAX, parse
from mien.labels.arrays import Predictions
from mien.labels.kinds import THRESHOLD, likeliest

COLOURS = ("#4fc3f7", "#ffb74d", "#aed581", "#f06292", "#ba68c8", "#fff176")
TRAIL_S = 1.5
"""Seconds of valence and arousal that are drawn behind the point."""
PANELS = 2
"""Faces that get a panel, one at each edge: the largest; others get words at the box."""
NARROW = 1.2
"""A picture less wide than so many times its height gets a column at its right for the panel."""
_LEAST_HEIGHT = 480
_BACK, _RULE, _DIM = (12, 14, 18, 200), "#78909c", "#90a4ae"
_Font = ImageFont.ImageFont | ImageFont.FreeTypeFont
Point = tuple[float, float, float]
"""Time in seconds, valence, arousal."""


@dataclass(frozen=True)
class Bar:
    """A unit. share: of full scale, 0 to 1. present: whether it counts as shown."""

    name: str
    share: float
    present: bool


class Overlay:
    """Draws one frame after another of one video, and remembers where each person came from."""

    def __init__(self) -> None:
        self._trails: dict[int, deque[Point]] = {}
        self._right: dict[int, bool] = {}

    def __call__(self, analyzed: AnalyzedFrame) -> NDArray[np.uint8]:
        """Return the frame (H', W', 3) with its faces marked; small frames are enlarged."""
        image = Image.fromarray(analyzed.source.rgb)
        factor = max(1, -(-_LEAST_HEIGHT // image.height)) if image.height < _LEAST_HEIGHT else 1
        if factor > 1:
            size = (image.width * factor, image.height * factor)
            image = image.resize(size, Image.Resampling.BICUBIC)
        aside = image.width < NARROW * image.height and analyzed.predictions is not None
        if aside:
            wide = Image.new("RGB", (image.width + _column(image.height), image.height), "#0c0e12")
            wide.paste(image, (0, 0))
            image = wide
        canvas = _Canvas.of(image)
        panels = self._sides(analyzed, aside)
        for i, box in enumerate(analyzed.found.boxes * factor):
            number = int(analyzed.face_id[i])
            face = _Face(number, COLOURS[number % len(COLOURS)])
            if analyzed.predictions is not None:
                face.read(analyzed.predictions, i)
                face.trail = self._trail(analyzed.source.time_s or 0.0, face)
            canvas.box(box, face, words=i not in panels)
            if i in panels and analyzed.predictions is not None:
                canvas.panel(face, right=panels[i])
        return np.asarray(image)

    def _sides(self, analyzed: AnalyzedFrame, aside: bool) -> dict[int, bool]:
        """Which faces get a panel, and whether at the right edge.

        The two largest; with a column aside, the largest alone, in it. A face alone has the edge
        away from it, and keeps it; of two, the one further left has the left edge.
        """
        boxes = analyzed.found.boxes
        if not len(boxes):
            return {}
        area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
        chosen = np.argsort(-area, kind="stable")[: 1 if aside else PANELS]
        middle = (boxes[:, 0] + boxes[:, 2]) / 2
        if len(chosen) == 1:
            first = int(chosen[0])
            away = aside or bool(middle[first] < analyzed.source.rgb.shape[1] / 2)
            return {first: self._right.setdefault(int(analyzed.face_id[first]), away)}
        left, right = sorted(map(int, chosen), key=lambda i: float(middle[i]))
        return {left: False, right: True}

    def _trail(self, time_s: float, face: "_Face") -> Sequence[Point]:
        trail = self._trails.setdefault(face.number, deque())
        if face.point is not None:
            trail.append((time_s, *face.point))
        while trail and time_s - trail[0][0] > TRAIL_S:
            trail.popleft()
        return trail


def draw(analyzed: AnalyzedFrame) -> NDArray[np.uint8]:
    """Draw a single frame (H', W', 3), without a past."""
    return Overlay()(analyzed)


def _text(height: int) -> int:
    """Height of letters in a picture."""
    return max(12, height // 42)


def _column(height: int) -> int:
    """Width of the column for a panel, even so that encoders take it."""
    return 22 * _text(height) // 2 * 2


@dataclass
class _Face:
    """What is drawn of one face. point: valence, arousal. trail: with the point as its end."""

    number: int
    colour: str
    expression: str = ""
    bars: list[Bar] = field(default_factory=list)
    point: tuple[float, float] | None = None
    trail: Sequence[Point] = ()

    def read(self, found: Predictions, face: int) -> None:
        shares: dict[str, Bar] = {}
        for head in found.heads:
            values = found[head.name][face]
            if head.kind.classes:
                best = int(likeliest(values[None])[0])
                if best >= 0:
                    self.expression = f"{head.outputs[best]} {values[best]:.2f}"
            elif head.type.kind in ("binary", "ordinal"):
                full = 1.0 if head.type.kind == "binary" else INTENSITY_MAX
                least = THRESHOLD if head.type.kind == "binary" else 1.0
                for output, value in zip(head.outputs, values, strict=True):
                    if not np.isnan(value):
                        known = shares.get(output)  # presence says whether, intensity how much
                        present = known.present if known else bool(value >= least)
                        shares[output] = Bar(_unit(output), float(value) / full, present)
        self.bars = list(shares.values())
        point = [float(found.column("valence_arousal", a)[face]) for a in ("valence", "arousal")]
        self.point = None if np.isnan(point).any() else (point[0], point[1])


def _unit(output: str) -> str:
    number = parse(output)
    return output if number is None else f"AU{number} {FACS[number]}"


@dataclass
class _Canvas:
    """A picture, what draws into it, and its font. text: height of a line's letters."""

    pen: ImageDraw.ImageDraw
    font: _Font
    text: int
    width: int
    height: int

    @classmethod
    def of(cls, image: Image.Image) -> "_Canvas":
        text = _text(image.height)
        return cls(ImageDraw.Draw(image, "RGBA"), ImageFont.load_default(text), text, *image.size)

    def box(self, box: NDArray[np.float32], face: _Face, words: bool) -> None:
        """Draw a face's box with its number, and what it shows where it has no panel."""
        stroke = max(2, self.text // 6)
        self.pen.rectangle([tuple(box[:2]), tuple(box[2:])], outline=face.colour, width=stroke)
        label = f"{face.number}" if face.number >= 0 else ""
        lines = [label]
        if words and face.expression:
            strongest = sorted((b for b in face.bars if b.present), key=lambda b: -b.share)[:3]
            lines = [f"{label} {face.expression}", *(bar.name for bar in strongest)]
        for i, line in enumerate(line for line in lines if line):
            place = (box[0] + 4, box[1] + 3 + i * self.text * 1.2)
            extent = self.pen.textbbox(place, line, font=self.font)
            self.pen.rectangle((extent[0] - 3, extent[1] - 2, extent[2] + 3, extent[3] + 2), _BACK)
            self.pen.text(place, line, fill=face.colour, font=self.font)

    def panel(self, face: _Face, right: bool) -> None:
        """Draw the panel of a face at an edge: as many units as fit, in the model's order."""
        step = round(self.text * 1.3)
        circle = 7 * self.text if face.point is not None else 0
        room = (self.height - circle - 3 * step) // step
        bars = face.bars
        if len(bars) > room:
            kept = sorted(bars, key=lambda bar: -bar.share)[: max(room, 0)]
            bars = [bar for bar in bars if bar in kept]
        names = max((self.font.getlength(bar.name) for bar in bars), default=0.0)
        inner = round(max(circle, names + 4 * self.text, self.font.getlength(face.expression)))
        pad = self.text // 2
        left = self.width - inner - 3 * pad if right else pad
        height = circle + step * (len(bars) + bool(face.expression)) + 2 * pad
        frame = (left, pad, left + inner + 2 * pad, pad + height)
        self.pen.rectangle(frame, fill=_BACK, outline=face.colour)
        x, y = left + pad, 2 * pad
        if face.expression:
            self.pen.text((x, y - pad // 2), face.expression, fill="white", font=self.font)
            y += step
        if circle:
            self.circle((x + (inner - circle) / 2, y), circle - pad, face)
            y += circle
        for bar in bars:
            self.bar(bar, (x, y, inner, names), face.colour)
            y += step

    def bar(self, bar: Bar, place: tuple[float, float, int, float], colour: str) -> None:
        """Draw a unit's name and how much of it there is."""
        x, y, inner, names = place
        self.pen.text((x, y), bar.name, fill="white" if bar.present else _DIM, font=self.font)
        begin, end = x + names + self.text // 2, x + inner
        top, bottom = y + self.text * 0.3, y + self.text * 0.95
        self.pen.rectangle((begin, top, end, bottom), fill=(255, 255, 255, 28))
        reach = begin + (end - begin) * min(max(bar.share, 0.0), 1.0)
        if reach > begin + 1:
            fill = colour if bar.present else _RULE
            self.pen.rectangle((begin, top, reach, bottom), fill=fill)

    def circle(self, corner: tuple[float, float], side: float, face: _Face) -> None:
        """Draw the emotion circle: valence to the right, arousal up, the past behind the point."""
        left, top = corner
        radius, x, y = side / 2, left + side / 2, top + side / 2
        self.pen.ellipse((left, top, left + side, top + side), outline=_RULE)
        self.pen.line((left, y, left + side, y), fill="#546e7a")
        self.pen.line((x, top, x, top + side), fill="#546e7a")
        places = [
            (x + radius * float(np.clip(v, -1, 1)), y - radius * float(np.clip(a, -1, 1)))
            for _, v, a in face.trail
        ]
        if not places:
            return
        for i in range(1, len(places)):
            alpha = 40 + 170 * i // len(places)
            red, green, blue = _rgb(face.colour)
            self.pen.line((places[i - 1], places[i]), fill=(red, green, blue, alpha), width=2)
        dot, (at_x, at_y) = max(3.0, side / 18), places[-1]
        self.pen.ellipse((at_x - dot, at_y - dot, at_x + dot, at_y + dot), fill=face.colour)


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
