"""How a video is taken: size, rate, light, camera, and what comes between."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from mien.actors.render import Light
from mien.actors.skin import to_linear

Array = NDArray[np.float64]

RATES = (24000 / 1001, 25.0, 30000 / 1001, 30.0, 15.0, 50.0)
SIZES = ((426, 240), (640, 360), (640, 480), (854, 480), (1280, 720), (1920, 1080))


@dataclass(frozen=True)
class Cover:
    """A hand or a cup before the face, from `start_s` to `end_s`; place in head widths."""

    kind: str
    start_s: float
    end_s: float
    right: float
    up: float


@dataclass(frozen=True)
class Shot:
    """The taking of one video. blur, noise: of the camera. quality: of H.264 (larger is worse)."""

    width: int
    height: int
    fps: float
    light: Light
    blur: float
    noise: float
    quality: int
    grey: bool
    cover: Cover | None
    leaves: bool


def sample_shot(source: np.random.Generator, size: tuple[int, int] | None, seconds: float) -> Shot:
    """Draw how a video is taken; a given size is kept."""
    if size is None:
        size = SIZES[int(source.choice(len(SIZES), p=[0.2, 0.35, 0.15, 0.15, 0.12, 0.03]))]
    fps = float(source.choice(RATES, p=[0.12, 0.18, 0.22, 0.38, 0.06, 0.04]))
    cover = None
    if source.random() < 0.25 and seconds > 3:
        start = float(source.uniform(0.3, seconds * 0.6))
        cover = Cover(
            str(source.choice(["hand", "cup"])),
            start,
            start + float(source.uniform(0.6, 2.2)),
            float(source.uniform(-0.35, 0.35)),
            float(source.uniform(-0.75, -0.15)),
        )
    return Shot(
        *size,
        fps,
        sample_light(source),
        blur=float(max(0, source.normal(0.2, 0.5))) * size[1] / 480,
        noise=float(source.gamma(1.5, 0.006)),
        quality=int(source.integers(18, 31)),
        grey=bool(source.random() < 0.05),
        cover=cover,
        leaves=bool(seconds > 4 and source.random() < 0.12),
    )


def sample_light(source: np.random.Generator) -> Light:
    """Draw a light: direction, warmth, hardness, exposure."""
    side = float(source.normal(0, 0.6))
    warm = float(source.normal(0, 0.10))
    hard = float(source.uniform(0.45, 1.25))
    ambient = float(source.uniform(0.75, 1.5))
    tint = np.array([1 + warm, 1.0, 1 - warm])
    base = np.array([0.30, 0.31, 0.33])
    cool = np.array([1 - warm * 0.6, 1.0, 1 + warm * 0.6])
    return Light(
        key=(side, float(source.uniform(0.15, 0.9)), float(source.uniform(0.5, 1.0))),
        key_colour=_triple(tint * hard),
        fill=(-side + 0.1, 0.1, 0.6),
        fill_colour=_triple(cool * 0.22 * ambient),
        sky=_triple(base * cool * ambient),
        ground=_triple(base * tint * 0.5 * ambient),
        exposure=float(np.clip(source.normal(1.05, 0.16), 0.7, 1.5)),
    )


def _triple(values: Array) -> tuple[float, float, float]:
    r, g, b = (float(max(v, 0)) for v in values)
    return r, g, b


def draw_cover(
    cover: Cover, skin: Array, width: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Draw a hand or a cup about `width` pixels wide: linear colour, premultiplied, and alpha."""
    k = 3
    side = max(width * k, 24)
    image = Image.new("RGBA", (side, int(side * 1.5)), (0, 0, 0, 0))
    pen = ImageDraw.Draw(image)
    if cover.kind == "cup":
        tone: tuple[int, ...] = (205, 60, 50, 255)
        pen.rounded_rectangle(
            (side * 0.1, side * 0.1, side * 0.8, side * 1.2), side // 9, fill=tone
        )
        pen.ellipse((side * 0.1, side * 0.02, side * 0.8, side * 0.2), fill=(120, 34, 30, 255))
        pen.arc((side * 0.65, side * 0.35, side * 0.99, side * 0.9), 270, 90, tone, side // 14)
    else:
        tone = (*(int(v) for v in np.clip(skin * 0.92, 0, 255)), 255)
        dark = (*(int(v * 0.72) for v in tone[:3]), 255)
        pen.rounded_rectangle(
            (side * 0.12, side * 0.62, side * 0.88, side * 1.5), side // 6, fill=tone
        )
        for i, (x, top) in enumerate(((0.12, 0.22), (0.31, 0.06), (0.50, 0.04), (0.69, 0.16))):
            box = (side * x, side * top, side * (x + 0.185), side * 0.95)
            pen.rounded_rectangle(box, side // 11, fill=tone)
            if i:
                pen.line(
                    (side * x, side * (top + 0.12), side * x, side * 0.8),
                    fill=dark,
                    width=side // 60,
                )
    small = image.resize((side // k, int(side * 1.5) // k), Image.Resampling.LANCZOS)
    pixels = np.asarray(small, float)
    alpha = (pixels[..., 3] / 255).astype(np.float32)
    ramp = np.linspace(1.05, 0.75, pixels.shape[1])[None, :, None]
    colour = to_linear(pixels[..., :3]) * ramp * 0.75
    return (colour * alpha[..., None]).astype(np.float32), alpha
