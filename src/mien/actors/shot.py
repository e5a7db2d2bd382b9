"""How a video is taken: size, rate, light, camera, and what comes between."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.actors.render import Light

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
