"""Why a row of the table says what it says: a face that can be read, or what stands against it."""

import numpy as np
from numpy.typing import NDArray

from mien.faces.detection import Detections

FACE, NO_FACE, TOO_SMALL, TURNED = "face", "no face", "too small", "turned away"
SMALLEST = 24.0
"""Pixels of a face's longer side below which nothing about it is to be believed."""
PROFILE = 1.0
"""How far off the middle between the eyes the nose tip is, as a share of half their distance, from
which a face is turned away: 1 is above an eye. benchmarks/breakdown.py says what yaw that is."""


def statuses(found: Detections) -> list[str]:
    """Status of each of N faces; detectors without landmarks tell no pose."""
    longer = np.maximum(
        found.boxes[:, 2] - found.boxes[:, 0], found.boxes[:, 3] - found.boxes[:, 1]
    )
    turned = off_middle(found.landmarks) >= PROFILE
    return [
        TOO_SMALL if size < SMALLEST else TURNED if away else FACE
        for size, away in zip(longer, turned, strict=True)
    ]


def status_without_face(found: Detections) -> str:
    """Status of a frame without a face: too small, where the detector noticed such ones."""
    return TOO_SMALL if found.too_small else NO_FACE


def off_middle(landmarks: NDArray[np.float32]) -> NDArray[np.float64]:
    """Offset of the nose tip along the line of the eyes, (N,), 0 straight ahead; NaN unknown.

    landmarks: (N, 5, 2) in the order of `detection.LANDMARKS`.
    """
    points = landmarks.astype(np.float64)
    left, right, nose = points[:, 0], points[:, 1], points[:, 2]
    axis = right - left
    apart = np.maximum(np.hypot(axis[:, 0], axis[:, 1]), 1e-6)
    along = ((nose - (left + right) / 2) * axis).sum(1) / apart
    return np.asarray(np.abs(along) / (apart / 2), np.float64)
