"""What a detector and a tracker are."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Detections:
    """The faces of one frame.

    boxes: (N, 4) float32, x0 y0 x1 y1 in pixels of the frame. confidence: (N,) float32, 0 to 1.
    """

    boxes: NDArray[np.float32]
    confidence: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.confidence)

    @classmethod
    def none(cls) -> "Detections":
        """No face."""
        return cls(np.empty((0, 4), np.float32), np.empty(0, np.float32))


class Detector(Protocol):
    """Finds faces in one upright RGB frame."""

    def __call__(self, rgb: NDArray[np.uint8]) -> Detections:
        """Return the faces of a frame (H, W, 3)."""


class Tracker(Protocol):
    """Gives the faces of successive frames the number of their person, from 0."""

    def __call__(self, found: Detections, time_s: float) -> NDArray[np.intp]:
        """Return one number per face of this frame; -1 for a face to be left out."""
