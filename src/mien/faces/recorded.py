"""A detector whose findings are on record, so that work that was broken off repeats none."""

import base64
import struct
from collections import deque
from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from mien.faces.detection import LANDMARKS, Detections
from mien.faces.following import Boxes, WindowDetector

_HEAD = struct.Struct("<ii")
_WIDTH = 5 + 2 * len(LANDMARKS)


class RecordedDetector:
    """Gives what is on record first, in the order it was found; then asks the detector.

    known: lines of an earlier `taken`. The same calls as then have to be made. Raises ValueError
    for lines that are damaged.
    """

    def __init__(self, detect: WindowDetector, known: Iterable[str] = ()) -> None:
        self._detect, self._known = detect, deque(known)
        self._made: list[str] = []

    def __call__(self, rgb: NDArray[np.uint8]) -> Detections:
        """As the detector's."""
        return self._once(lambda: self._detect(rgb))

    def glance(self, rgb: NDArray[np.uint8], area: int) -> Detections:
        """As the detector's."""
        return self._once(lambda: self._detect.glance(rgb, area))

    def near(
        self, rgb: NDArray[np.uint8], boxes: Boxes, around: Boxes, side: int, least: float
    ) -> Detections:
        """As the detector's."""
        return self._once(lambda: self._detect.near(rgb, boxes, around, side, least))

    def taken(self) -> list[str]:
        """What was found since this was last asked, a line per call, exact to the last bit."""
        made, self._made = self._made, []
        return made

    def _once(self, find: Callable[[], Detections]) -> Detections:
        found = read(self._known.popleft()) if self._known else find()
        self._made.append(written(found))
        return found


def written(found: Detections) -> str:
    """Detections as a line of text."""
    flat = found.landmarks.reshape(len(found), 2 * len(LANDMARKS))
    values = np.column_stack([found.boxes, found.confidence, flat]).astype("<f4")
    content = _HEAD.pack(len(found), found.too_small) + values.tobytes()
    return base64.b64encode(content).decode("ascii")


def read(line: str) -> Detections:
    """Read back `written`; raises ValueError where the line is none."""
    content = base64.b64decode(line, validate=True)
    if len(content) < _HEAD.size:
        raise ValueError("a line of detections is too short")
    n, too_small = _HEAD.unpack_from(content)
    values = np.frombuffer(content, "<f4", offset=_HEAD.size).astype(np.float32)
    values = values.reshape(n, _WIDTH)
    landmarks = values[:, 5:].reshape(n, len(LANDMARKS), 2)
    return Detections(values[:, :4].copy(), values[:, 4].copy(), landmarks.copy(), too_small)
