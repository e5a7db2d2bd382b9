"""How much a picture of a face is worth to a recogniser: one number, and what it is made of."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_SIDE = 48
"""Side to which the middle of the crop is resampled before it is measured."""
_MIDDLE = 0.15
"""Share of the crop left out on each side: hair and what is behind."""
_SHARP = 0.25
"""Ratio from which a picture is sharp: about the median of photographs of 128 px."""
_SMALL, _LARGE = 16.0, 128.0
_RANGE = 64.0
_NOSE_DROP = 0.6
"""How far down from eyes to mouth the nose tip is in a level face (the detector's landmarks)."""


@dataclass(frozen=True)
class Quality:
    """Components in [0, 1], 1 best; NaN where landmarks would be needed and are missing.

    sharpness: variance of the Laplacian over that of the luma, in the middle of the crop resampled
    to 48 px; contrast does not count, noise does.
    size: the box's longer side, 0 at 16 px, 1 from 128 px, in between by its logarithm.
    exposure: range of the luma, 1 from 64 of 255 levels, less the share of levels at either end of
    the scale. A range, so that dark skin in good light is not called dark.
    frontality: 1 where the nose is midway between the eyes, and between eyes and mouth as in a
    level head; 0 in profile. Turning in the plane of the picture does not count.
    inside: share of the five landmarks within the frame.
    """

    sharpness: float
    size: float
    exposure: float
    frontality: float
    inside: float

    @property
    def score(self) -> float:
        """Product of the components that are known: in [0, 1], never above the worst of them."""
        parts = (self.sharpness, self.size, self.exposure, self.frontality, self.inside)
        return math.prod(part for part in parts if not math.isnan(part))


def quality(
    crop: NDArray[np.uint8],
    box: NDArray[np.float32],
    landmarks: NDArray[np.float32],
    frame_size: tuple[int, int] | None,
) -> Quality:
    """Judge a face by its crop and where it was found.

    crop: (S, S, 3), as `square_crop` cuts it. box: (4,) x0 y0 x1 y1. landmarks: (5, 2), in the
    order of `detection.LANDMARKS`, NaN where unknown. frame_size: width and height, None where they
    are not known. All in pixels of the frame.
    """
    luma = _middle(crop)
    longer = max(float(box[2] - box[0]), float(box[3] - box[1]), 1e-6)
    points = landmarks.astype(float)
    return Quality(
        sharpness=_sharpness(luma),
        size=_between(math.log(longer / _SMALL) / math.log(_LARGE / _SMALL)),
        exposure=_exposure(luma),
        frontality=_frontality(points),
        inside=_inside(points, frame_size),
    )


def _between(value: float) -> float:
    return min(1.0, max(0.0, value))


def _middle(crop: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Luma of the face without its surroundings, (48, 48), 0 to 255."""
    side = crop.shape[0]
    area = (_MIDDLE * side, _MIDDLE * side, (1 - _MIDDLE) * side, (1 - _MIDDLE) * side)
    grey = Image.fromarray(crop).convert("L")
    return np.asarray(grey.resize((_SIDE, _SIDE), Image.Resampling.BILINEAR, box=area), np.float32)


def _sharpness(luma: NDArray[np.float32]) -> float:
    around = luma[:-2, 1:-1] + luma[2:, 1:-1] + luma[1:-1, :-2] + luma[1:-1, 2:]
    edges = float((around - 4 * luma[1:-1, 1:-1]).var())
    return _between(edges / max(float(luma.var()), 1.0) / _SHARP)


def _exposure(luma: NDArray[np.float32]) -> float:
    levels = np.sort(luma, axis=None)
    low, high = levels[len(levels) // 20], levels[-len(levels) // 20]
    clipped = float(((levels < 4) | (levels > 251)).mean())
    return _between(float(high - low) / _RANGE) * (1 - clipped)


def _frontality(points: NDArray[np.float64]) -> float:
    """Compare distances along and across the line of the eyes; NaN without landmarks."""
    if np.isnan(points).any():
        return math.nan
    left, right, nose = points[:3]
    axis = right - left
    apart = float(np.hypot(*axis))
    mouth = (points[3] + points[4]) / 2 - (left + right) / 2
    if apart < 1e-6:
        return 0.0
    along, across = axis / apart, np.array([-axis[1], axis[0]]) / apart
    tip = nose - (left + right) / 2
    turned = abs(float(tip @ along)) / (apart / 2)
    drop = float(mouth @ across)
    if drop < 1e-6:
        return 0.0
    tilted = abs(float(tip @ across) / drop / _NOSE_DROP - 1)
    return _between(1 - turned) * _between(1 - tilted)


def _inside(points: NDArray[np.float64], frame_size: tuple[int, int] | None) -> float:
    if frame_size is None or np.isnan(points).any():
        return math.nan
    return float(((points >= 0) & (points <= np.array(frame_size))).all(1).mean())
