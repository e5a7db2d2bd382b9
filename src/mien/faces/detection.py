"""What a detector and a tracker are."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

LANDMARKS = ("left eye", "right eye", "nose tip", "left mouth corner", "right mouth corner")
"""Order of the landmarks. Left and right as in the picture: of an upright face, the left eye is the
one with the smaller x, which is the person's right one."""


@dataclass(frozen=True, eq=False)
class Detections:
    """The faces of one frame.

    boxes: (N, 4) float32, x0 y0 x1 y1 in pixels of the frame. confidence: (N,) float32, 0 to 1.
    landmarks: (N, 5, 2) float32, x y in pixels of the frame, in the order of LANDMARKS; NaN where
    the detector has none, which is also what leaving them out means. They may lie beyond the frame.
    too_small: places that look like faces below the size that was looked for, as far as the
    detector noticed any: a hint that there is more to see, not a count of people.

    Raises ValueError where the shapes do not fit each other.
    """

    boxes: NDArray[np.float32]
    confidence: NDArray[np.float32]
    landmarks: NDArray[np.float32] = None  # type: ignore[assignment]  # never None once made
    too_small: int = 0

    def __post_init__(self) -> None:
        n = len(self.confidence)
        if self.landmarks is None:
            nowhere = np.full((n, len(LANDMARKS), 2), np.nan, np.float32)
            object.__setattr__(self, "landmarks", nowhere)
        shapes = self.boxes.shape, self.confidence.shape, self.landmarks.shape
        if shapes != ((n, 4), (n,), (n, len(LANDMARKS), 2)):
            raise ValueError(f"boxes, confidence and landmarks of shapes {shapes} do not fit")

    def __len__(self) -> int:
        return len(self.confidence)

    def __getitem__(self, faces: Any) -> "Detections":
        """Pick faces by number, numbers, mask or slice; always Detections, of one face too."""
        rows = np.atleast_1d(np.arange(len(self))[faces])
        return Detections(
            self.boxes[rows], self.confidence[rows], self.landmarks[rows], self.too_small
        )

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

    def __call__(
        self, found: Detections, time_s: float, rgb: NDArray[np.uint8] | None = None
    ) -> NDArray[np.intp]:
        """Return one number per face of this frame; -1 for a face to be left out.

        rgb: the frame (H, W, 3), for trackers that look at people; others do without.
        """
