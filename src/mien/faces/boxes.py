"""Geometry of boxes: overlap, and which of several that overlap stays."""

import numpy as np
from numpy.typing import NDArray


def iou(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32]:
    """Intersection over union of every box of a (N, 4) with every box of b (M, 4): (N, M)."""
    low, high = (
        np.maximum(a[:, None, :2], b[None, :, :2]),
        np.minimum(a[:, None, 2:], b[None, :, 2:]),
    )
    inside = np.clip(high - low, 0, None).prod(2)
    area_a, area_b = (np.clip(box[:, 2:] - box[:, :2], 0, None).prod(1) for box in (a, b))
    union = area_a[:, None] + area_b[None] - inside
    return np.asarray(inside / np.maximum(union, 1e-9), np.float32)


def suppress(
    boxes: NDArray[np.float32], confidence: NDArray[np.float32], overlap: float
) -> NDArray[np.intp]:
    """Non-maximum suppression: rows to keep, strongest first."""
    order = np.argsort(-confidence, kind="stable")
    keep = []
    while len(order):
        best, rest = order[0], order[1:]
        keep.append(best)
        order = rest[iou(boxes[best][None], boxes[rest])[0] < overlap]
    return np.array(keep, np.intp)


def longer_side(boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Size of faces: the longer side of every box (N, 4), in its unit: (N,)."""
    return np.asarray((boxes[:, 2:] - boxes[:, :2]).max(1), np.float32)
