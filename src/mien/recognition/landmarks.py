"""Landmarks beside a picture: where they are in the crop, and that they are there."""

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError

Points = NDArray[np.float32]


def in_crop(
    points: Points, boxes: NDArray[np.float32], margins: float | NDArray[np.float64]
) -> Points:
    """Landmarks (N, P, 2) in pixels as places in their crops, -1 to 1 from edge to edge; NaN stays.

    boxes: (N, 4), x0 y0 x1 y1 in the same pixels, those of the file where they are not square, as
    stores keep them. margins: as the crops were cut with, one or (N,);
    NaN where it is not known, as the places then are not.
    """
    corners = boxes.astype(np.float64).reshape(-1, 2, 2)
    sides = np.maximum((corners[:, 1] - corners[:, 0]).max(1, initial=-np.inf), 1.0)
    half = sides * (0.5 + np.asarray(margins))
    return np.asarray((points - corners.mean(1)[:, None]) / half[:, None, None], np.float32)


def fitting(landmarks: Points | None, faces: int, wanted: int) -> Points | None:
    """The landmarks as a network takes them, (N, wanted, 2); None for a network that takes none.

    Raises InputError where it does and there are none, or of another number: a face whose landmarks
    are unknown has NaN.
    """
    if not wanted:
        return None
    if landmarks is None or landmarks.shape != (faces, wanted, 2):
        given = "none" if landmarks is None else f"an array {landmarks.shape}"
        raise InputError(
            f"this model takes {wanted} landmarks beside every crop, ({faces}, {wanted}, 2), NaN "
            f"where unknown; it was given {given}"
        )
    return landmarks.astype(np.float32)
