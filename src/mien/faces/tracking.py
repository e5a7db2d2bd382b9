"""Follow people through a video, from boxes alone."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.faces.boxes import iou
from mien.faces.detection import Detections


@dataclass
class _Person:
    number: int
    box: NDArray[np.float32]
    seen_s: float


class IouTracker:
    """Joins boxes of successive frames by overlap, one to one, and bridges gaps.

    A person not seen for up to `gap_s` seconds is still looked for, at first by overlap with the
    last box, then by nearness: a centre within `reach` box widths, and a size within a factor of
    two, of where the person was.
    """

    def __init__(self, overlap: float = 0.3, gap_s: float = 1.5, reach: float = 0.75) -> None:
        self.overlap, self.gap_s, self.reach = overlap, gap_s, reach
        self._people: list[_Person] = []
        self._next = 0

    def __call__(
        self, found: Detections, time_s: float, rgb: NDArray[np.uint8] | None = None
    ) -> NDArray[np.intp]:
        """Return the person of each face; every face gets one."""
        self._people = [p for p in self._people if time_s - p.seen_s <= self.gap_s]
        numbers = np.full(len(found), -1, np.intp)
        if len(found) and self._people:
            last = np.stack([p.box for p in self._people])
            self._join(numbers, found, iou(last, found.boxes), self.overlap, time_s)
            self._join(numbers, found, _nearness(last, found.boxes, self.reach), 0.0, time_s)
        for face in np.flatnonzero(numbers < 0):
            self._people.append(_Person(self._next, found.boxes[face], time_s))
            numbers[face] = self._next
            self._next += 1
        return numbers

    def _join(
        self,
        numbers: NDArray[np.intp],
        found: Detections,
        score: NDArray[np.float32],
        least: float,
        time_s: float,
    ) -> None:
        """Match unmatched people with unmatched faces so that the scores add up to most."""
        from scipy.optimize import linear_sum_assignment

        taken = set(numbers[numbers >= 0].tolist())
        score = score.copy()
        score[:, numbers >= 0] = -1
        score[[p.number in taken for p in self._people]] = -1
        for person, face in zip(*linear_sum_assignment(-score), strict=True):
            if score[person, face] > least:
                known = self._people[person]
                known.box, known.seen_s = found.boxes[face], time_s
                numbers[face] = known.number


def _nearness(
    last: NDArray[np.float32], boxes: NDArray[np.float32], reach: float
) -> NDArray[np.float32]:
    """1 at the same place, 0 and below out of reach or at another size: (people, faces)."""
    width = np.maximum(last[:, None, 2] - last[:, None, 0], 1e-6)
    size = np.maximum(boxes[None, :, 2] - boxes[None, :, 0], 1e-6)
    distance = np.linalg.norm(_centres(last)[:, None] - _centres(boxes)[None], axis=2) / width
    near = np.where(np.abs(np.log2(size / width)) <= 1, 1 - distance / reach, -1)
    return np.asarray(near, np.float32)


class NearestCentreTracker:
    """One person a video: the face whose centre is nearest to the previous one's is kept.

    The rule of au-va-thesis (section 3.1.3). In the first frame with faces the most confident is
    kept.
    """

    def __init__(self) -> None:
        self._last: NDArray[np.float32] | None = None

    def __call__(
        self, found: Detections, time_s: float, rgb: NDArray[np.uint8] | None = None
    ) -> NDArray[np.intp]:
        """Return 0 for the face that is kept and -1 for the others."""
        numbers = np.full(len(found), -1, np.intp)
        if len(found) == 0:
            return numbers
        centres = _centres(found.boxes)
        if self._last is None:
            kept = int(found.confidence.argmax())
        else:
            kept = int(np.linalg.norm(centres - self._last, axis=1).argmin())
        self._last = centres[kept]
        numbers[kept] = 0
        return numbers


def _centres(boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray((boxes[:, :2] + boxes[:, 2:]) / 2, np.float32)
