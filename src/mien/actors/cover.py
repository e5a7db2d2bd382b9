"""What comes before a face: a hand, a cup. Reliefs of rounded parts, lit from above."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from mien.actors.skin import to_linear

Array = NDArray[np.float64]

FINE = 3
"""Samples a pixel, each way."""
FINGERS = (  # knuckle x, y; tip x, y; thickness there
    (0.26, 0.62, 0.13, 0.25, 0.062, 0.050),
    (0.40, 0.60, 0.34, 0.08, 0.074, 0.060),
    (0.55, 0.60, 0.57, 0.05, 0.076, 0.061),
    (0.69, 0.63, 0.79, 0.15, 0.072, 0.058),
)
THUMB = (0.68, 1.02, 0.92, 0.66, 0.095, 0.066)
PALM = (
    (0.40, 1.06, 0.27, 0.68, 0.130, 0.085),
    (0.46, 1.06, 0.40, 0.66, 0.130, 0.092),
    (0.52, 1.06, 0.55, 0.66, 0.130, 0.092),
    (0.58, 1.06, 0.68, 0.69, 0.130, 0.085),
    (0.49, 1.05, 0.49, 1.70, 0.190, 0.170),
)
LAMP = np.array([-0.35, -0.55, 0.76])


@lru_cache(maxsize=4)  # the same in every frame of a film
def draw_cover(
    kind: str, skin: tuple[float, ...], width: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Draw a hand or a cup about `width` pixels wide: linear colour, premultiplied, and alpha.

    skin: sRGB of a hand's. What is returned is kept: it is not to be written to.
    """
    wide = max(width, 8)
    tall = int(1.5 * wide)
    step = 1 / (wide * FINE)
    y, x = (np.mgrid[: tall * FINE, : wide * FINE] + 0.5) * step
    height, colour = _hand(x, y, to_linear(np.array(skin))) if kind == "hand" else _cup(x, y)
    down, right = np.gradient(gaussian_filter(height, 0.008 / step), step)
    facing = (LAMP[2] - right * LAMP[0] - down * LAMP[1]) / np.sqrt(1 + right**2 + down**2)
    seen = (height > 0).astype(float)
    lit = colour * (seen * (0.35 + 0.55 * facing.clip(0)))[..., None]
    both = np.concatenate([lit, seen[..., None]], -1).reshape(tall, FINE, wide, FINE, 4)
    out = both.mean((1, 3)).astype(np.float32)
    return out[..., :3], out[..., 3]


def _rod(x: Array, y: Array, part: tuple[float, ...]) -> tuple[Array, Array, Array]:
    """A rod with round ends, thick as it says at either: height, place along and across it."""
    x0, y0, x1, y1, first, last = part
    ahead = np.hypot(x1 - x0, y1 - y0)
    along = ((x - x0) * (x1 - x0) + (y - y0) * (y1 - y0)) / ahead**2
    t = along.clip(0, 1)
    away = (x - x0 - t * (x1 - x0)) ** 2 + (y - y0 - t * (y1 - y0)) ** 2
    thick = first + (last - first) * t
    across = ((x - x0) * (y1 - y0) - (y - y0) * (x1 - x0)) / ahead
    return np.sqrt((thick**2 - away).clip(0)), along, across / thick


def _hand(x: Array, y: Array, skin: Array) -> tuple[Array, Array]:
    """The back of a hand, fingers up: height, and linear colour."""
    palm = np.sum([_rod(x, y, part)[0] ** 3 for part in PALM], 0)
    height, colour = 0.5 * np.cbrt(palm), np.broadcast_to(skin, (*x.shape, 3)).copy()
    for part in (*FINGERS, THUMB):
        rod, along, across = _rod(x, y, part)
        front = rod > height
        height = np.maximum(height, rod)
        joints = np.sum([np.exp(-(((along - at) / 0.035) ** 2)) for at in (0.02, 0.4, 0.7)], 0)
        nail = front & (np.hypot((along - 0.94) / 0.10, across / 0.62) < 1)
        fold = 1 - 0.22 * joints[..., None] * np.array([0.7, 1.0, 1.0])
        colour = np.where(front[..., None], skin * fold, colour)
        colour = np.where(nail[..., None], 0.7 * skin + np.array([0.16, 0.10, 0.09]), colour)
    return height, colour


def _cup(x: Array, y: Array) -> tuple[Array, Array]:
    """A cup with its handle: height, and linear colour."""
    across = (x - 0.42) / 0.34
    end = 0.09 * np.sqrt((1 - across**2).clip(0))  # its rim and foot are round
    body = (np.abs(across) < 1) & (y > 0.12 - end) & (y < 1.12 + end)
    inside = body & (y < 0.12 + end)
    ring = np.hypot((x - 0.76) / 0.17, (y - 0.6) / 0.27)
    handle = 0.05 * np.sqrt((1 - ((ring - 1) / 0.22) ** 2).clip(0))
    height = np.where(body, 0.30 * np.sqrt((1 - across**2).clip(0)) + 0.05, handle)
    red, dark = to_linear(np.array([205, 60, 50])), to_linear(np.array([96, 30, 26]))
    return height, np.where(inside[..., None], dark, red)
