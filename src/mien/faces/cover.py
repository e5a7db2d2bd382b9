"""Whether something of another colour lies over a face: a mask, a cup, hair, a microphone.

Told from the colour of six places that landmarks find: cheeks, nose, forehead, chin and mouth. A
hand is skin and is not told, nor is anything in a grey picture.
"""

import math

import numpy as np
from numpy.typing import NDArray

_RADIUS = 0.05
"""Of a place, as a share of the crop's side."""
_SAME, _OTHER = 0.05, 0.15
"""Difference of colour from which something begins to be another material, and surely is one."""
_TO_CHROMA = np.array([[-0.169, 0.5], [-0.331, -0.419], [0.5, -0.081]])
_GREY = 0.005


def uncovered(crop: NDArray[np.uint8], points: NDArray[np.float32]) -> float:
    """Tell from 1, all of one skin, to 0, a place of quite another colour.

    crop: (S, S, 3). points: (5, 2), landmarks in it, -1 to 1 from edge to edge, in the order of
    `detection.LANDMARKS`. NaN without landmarks, and for a grey picture.
    """
    side = crop.shape[0]
    chroma = crop.astype(np.float64) / 255 @ _TO_CHROMA
    if np.isnan(points).any() or np.abs(chroma).mean() < _GREY:
        return math.nan
    radius = max(1, round(_RADIUS * side))
    found = []
    for x, y in (_places(points.astype(np.float64)) + 1) / 2 * side:
        column, row = (int(min(max(v, radius), side - 1 - radius)) for v in (x, y))
        part = chroma[row - radius : row + radius + 1, column - radius : column + radius + 1]
        found.append(np.median(part.reshape(-1, 2), 0))
    colours = np.stack(found)
    apart = float(np.linalg.norm(colours - np.median(colours, 0), axis=1).max())
    return min(1.0, max(0.0, (_OTHER - apart) / (_OTHER - _SAME)))


def _places(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cheeks, nose, forehead, chin and mouth, (6, 2)."""
    left, right = points[:2]
    eyes, mouth = (left + right) / 2, (points[3] + points[4]) / 2
    down, across = mouth - eyes, right - left
    return np.stack(
        [
            left + 0.6 * down - 0.1 * across,
            right + 0.6 * down + 0.1 * across,
            eyes + 0.45 * down,
            eyes - 0.45 * down,
            mouth + 0.4 * down,
            mouth,
        ]
    )
