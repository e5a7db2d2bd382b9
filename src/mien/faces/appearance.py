"""What a person looks like in one film: colours of hair, face and clothes. Nothing that lasts.

A description tells people of one film apart for as long as it runs. It is made of a few hundred
pixels, lives in memory, and is neither written anywhere nor meant to know anybody again elsewhere.
"""

import numpy as np
from numpy.typing import NDArray

_REGIONS = np.array(
    [[0.0, -0.40, 1.0, 0.02], [0.15, 0.2, 0.85, 0.85], [-0.25, 1.12, 1.25, 1.75]], np.float32
)
"""Hair, face and clothes: corners in sizes of the box, from its upper left corner."""
_WEIGHTS = np.array([0.3, 0.3, 0.4], np.float32)
_POINTS = 14
"""Points across a region, and down it."""
_BINS = 6
_SPREAD = 36.0
"""Difference of two colours, of 255, that the outer bins of colour begin at."""

Look = NDArray[np.float32]
"""(3, 2 * 36): for each region, shares of its points by colour and by brightness; NaN where it lies
outside of the frame."""


def look_of(rgb: NDArray[np.uint8], box: NDArray[np.float32]) -> Look:
    """Describe who is in a box (x0 y0 x1 y1) of a frame (H, W, 3)."""
    height, width = rgb.shape[:2]
    size = box[2:] - box[:2]
    found = np.full((len(_REGIONS), 2 * _BINS**2), np.nan, np.float32)
    for i, region in enumerate(_REGIONS):
        x0, y0, x1, y1 = np.tile(box[:2], 2) + region * np.tile(size, 2)
        x = np.linspace(x0, x1, _POINTS).astype(int)
        y = np.linspace(y0, y1, _POINTS).astype(int)
        x, y = x[(x >= 0) & (x < width)], y[(y >= 0) & (y < height)]
        if len(x) * len(y) < _POINTS:
            continue
        found[i] = _colours(rgb[y[:, None], x].reshape(-1, 3).astype(np.float32))
    return found


def _colours(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    red, green, blue = pixels.T
    luma = 0.3 * red + 0.6 * green + 0.1 * blue
    level = np.maximum(luma, 24.0) / 128
    warm, cold = (red - green) / level, (blue - green) / level
    bright, by = luma / 256 * _BINS - 0.5, np.hypot(warm, cold) / _SPREAD * 2
    colour = _shares(_scaled(warm), _scaled(cold))
    return np.concatenate([colour, _shares(bright, by)])


def _scaled(difference: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray((difference / _SPREAD + 1) / 2 * (_BINS - 1), np.float32)


def _shares(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32]:
    """Share of points by two values in bins, each point spread over the four that are nearest."""
    a, b = (np.clip(v, 0, _BINS - 1.001) for v in (a, b))
    i, j = a.astype(int), b.astype(int)
    over, right = a - i, b - j
    counts = np.zeros(_BINS * _BINS)
    for down, across, weight in (
        (0, 0, (1 - over) * (1 - right)), (0, 1, (1 - over) * right),
        (1, 0, over * (1 - right)), (1, 1, over * right),
    ):  # fmt: skip
        place = (i + down) * _BINS + j + across
        counts += np.bincount(place, weight, minlength=_BINS * _BINS)
    return np.asarray(counts / max(len(a), 1), np.float32)


def likeness(some: Look, others: NDArray[np.float32]) -> NDArray[np.float32]:
    """How alike one description and several (N, 3, 72) are: (N,), 1 alike, 0 nothing in common.

    Bhattacharyya coefficients of regions that both have, averaged.
    """
    shared = np.sqrt(np.clip(some[None] * others, 0, None)).sum(2) / 2
    weight = np.where(np.isnan(shared), 0, _WEIGHTS)
    total = np.maximum(weight.sum(1), 1e-6)
    return np.asarray((np.nan_to_num(shared) * weight).sum(1) / total, np.float32)


def blended(before: Look, now: Look, weight: float) -> Look:
    """Move a description towards a newer one, region by region."""
    mixed = before + np.float32(weight) * (now - before)
    return np.where(np.isnan(before), now, np.where(np.isnan(now), before, mixed))
