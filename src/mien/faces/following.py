"""Find the faces of a video without looking at every frame as a whole.

A face that was found is looked for where it was, in a small window; the whole frame is looked at
now and then, after a cut, and where a face is no longer where it was. Faces that such a look finds
anew are followed back through the frames since the look before. benchmarks/analyze.py measures what
is lost against a look at the whole of every frame.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from mien.faces.boxes import iou, longer_side, suppress
from mien.faces.cuts import Cuts
from mien.faces.detection import Detections

Rgb = NDArray[np.uint8]
Boxes = NDArray[np.float32]
Look = Literal["", "glance", "whole"]

SIDE = 96
"""Pixels of the window's side as the network sees it; a face has about half."""
SURE = 0.5
"""Least confidence of a face in its window; below, the whole frame is looked at."""
WHOLE_EVERY = 32
"""Frames from one look at the whole, at every size of face, to the next: at 640 x 360. In larger
pictures, where it costs more, up to twice as many."""
_USUAL_AREA = 640 * 360
LOOK_EVERY = 16
"""Frames from one look for newcomers, at large faces alone, to the next."""
GLANCE_AREA = 40_000
"""Pixels of such a look."""
STEP_S = 0.25
"""Frames further apart are each looked at as a whole."""
_SAME = 0.3
"""IoU from which two boxes are one face."""


_STRAYED, _GROWN = 0.12, 1.15
"""How far a face may be from the middle of its window, as a share of its size, and how much larger
or smaller than when the window was set, before the window moves. One that went with every box would
make the boxes swing: they lean towards the window's middle by a hair, and the window after them."""
_LEAP = 0.1
"""How far an edge of a face's box may move over two frames, in sizes of the face, for the frame
between to be taken for half way."""
_TRUSTED = 0.3
"""Weight of the latest look at the whole in how boxes of windows are set right."""


class WindowDetector(Protocol):
    """A detector that can also look at a part of a frame; `CenterFace` has the meaning."""

    def __call__(self, rgb: Rgb) -> Detections:
        """Return the faces of a frame (H, W, 3)."""

    def glance(self, rgb: Rgb, area: int) -> Detections:
        """Return the larger faces of a frame, from at most `area` pixels."""

    def near(self, rgb: Rgb, boxes: Boxes, around: Boxes, side: int, least: float) -> Detections:
        """Return one row per box: the face there, confidence 0 where there is none."""


@dataclass(frozen=True)
class _Followed:
    """Faces that are being followed.

    faces: as their windows show them. around: (N, 4) boxes that their windows are set by. shift:
    (N, 4) of a look at the whole from them, in sizes of the face.
    """

    faces: Detections
    around: Boxes
    shift: Boxes

    @classmethod
    def none(cls) -> "_Followed":
        return cls(Detections.none(), np.empty((0, 4), np.float32), np.empty((0, 4), np.float32))

    def __len__(self) -> int:
        return len(self.faces)

    def __getitem__(self, rows: NDArray[Any]) -> "_Followed":
        return _Followed(self.faces[rows], self.around[rows], self.shift[rows])

    def and_(self, more: "_Followed") -> "_Followed":
        if not len(more):
            return self
        around = np.concatenate([self.around, more.around])
        return _Followed(
            joined(self.faces, more.faces), around, np.concatenate([self.shift, more.shift])
        )

    def shown(self) -> Detections:
        """The faces with boxes as a look at the whole frame gives them."""
        boxes = self.faces.boxes + self.shift * longer_side(self.faces.boxes)[:, None]
        return replace(self.faces, boxes=boxes)

    def moved(self, faces: Detections) -> "_Followed":
        """The same faces where they are now; those that are lost are left out."""
        rows = _distinct(faces)
        now, before, shift = faces[rows], self.around[rows], self.shift[rows]
        size, old = longer_side(now.boxes), np.maximum(longer_side(before), 1e-6)
        apart = np.abs(now.boxes + np.roll(now.boxes, 2, 1) - before - np.roll(before, 2, 1))
        strayed = apart[:, :2].max(1) / 2 > _STRAYED * old
        strayed |= np.abs(np.log(np.maximum(size, 1e-6) / old)) > np.log(_GROWN)
        return _Followed(now, np.where(strayed[:, None], now.boxes, before), shift)

    def corrected(self, seen: Detections) -> "_Followed":
        """Set right by faces of a look at the whole, those of most overlap."""
        overlap = iou(self.faces.boxes, seen.boxes)
        wanted = _shift(self.faces.boxes, seen.boxes[overlap.argmax(1)])
        return replace(self, shift=self.shift + np.float32(_TRUSTED) * (wanted - self.shift))


def _shift(boxes: Boxes, wanted: Boxes) -> Boxes:
    return np.asarray((wanted - boxes) / np.maximum(longer_side(boxes), 1e-6)[:, None], np.float32)


class Follower:
    """The faces of successive frames of one video, a few frames at a time.

    What is found depends on the frames and on how they are grouped, and on nothing else.
    """

    def __init__(self, detect: WindowDetector) -> None:
        self._detect, self._cut = detect, Cuts()
        self._known = _Followed.none()
        self._since_whole = self._since_look = 0
        self._time_s: float | None = None

    def __call__(self, frames: Sequence[Rgb], times: Sequence[float]) -> list[Detections]:
        """Return the faces of each frame (H, W, 3). times: of presentation, in seconds.

        The last frame of a group is where newcomers are looked for, when it is time to.
        """
        new = [self._new_picture(rgb, t) for rgb, t in zip(frames, times, strict=True)]
        found: list[Detections] = []
        first = 0  # of the frames since the last look or cut
        while (i := len(found)) < len(frames):
            if not new[i] and i + 1 < len(frames) and not new[i + 1]:
                between = self._leap(frames[i + 1])
                if between is not None:
                    found.append(between)
                    i += 1
                    look = self._needed(frames[i], 0, last=i == len(frames) - 1)
                    first = self._finished(frames, found, first, look)
                    continue
            if new[i]:
                first, look, self._known = i, "whole", _Followed.none()
            else:
                before, self._known = len(self._known), self._step(frames[i], self._known)
                look = self._needed(frames[i], before - len(self._known), last=i == len(frames) - 1)
            first = self._finished(frames, found, first, look)
        return found

    def _finished(
        self, frames: Sequence[Rgb], found: list[Detections], first: int, look: Look
    ) -> int:
        """Add the known faces of the next frame, after the look that it needs."""
        i = len(found)
        if look:
            self._back(frames[first:i], found, first, self._look(frames[i], look))
        found.append(self._known.shown())
        return i + 1 if look else first

    def _leap(self, rgb: Rgb) -> Detections | None:
        """Follow the faces over a frame that is not looked at, into the one after, `rgb`.

        Returns the faces of the frame between; None, and nothing done, where one moved too much.
        """
        if not len(self._known):
            return None
        after = self._step(rgb, self._known)
        if len(after) < len(self._known):
            return None
        one, other = self._known.shown(), after.shown()
        size = longer_side(one.boxes)[:, None]
        if (np.abs(other.boxes - one.boxes) > _LEAP * size).any():
            return None
        self._known = after
        self._since_whole += 1
        self._since_look += 1
        return Detections(
            np.asarray((one.boxes + other.boxes) / 2, np.float32),
            np.minimum(one.confidence, other.confidence),
            np.asarray((one.landmarks + other.landmarks) / 2, np.float32),
        )

    def _new_picture(self, rgb: Rgb, time_s: float) -> bool:
        far = self._time_s is None or time_s - self._time_s > STEP_S
        self._time_s = time_s
        return self._cut(rgb) or far

    def _needed(self, rgb: Rgb, lost: int, last: bool) -> Look:
        """The look that the next frame needs, its faces followed. lost: number of those lost."""
        dear = min(2.0, max(1.0, (rgb.shape[0] * rgb.shape[1] / _USUAL_AREA) ** 0.5))
        self._since_whole += 1
        self._since_look += 1
        if lost:
            return "whole"
        if last and (not len(self._known) or self._since_whole >= WHOLE_EVERY * dear):
            return "whole"
        return "glance" if last and self._since_look >= LOOK_EVERY else ""

    def _step(self, rgb: Rgb, known: _Followed) -> _Followed:
        if not len(known):
            return known
        return known.moved(self._detect.near(rgb, known.faces.boxes, known.around, SIDE, SURE))

    def _look(self, rgb: Rgb, look: Look) -> _Followed:
        """Look at more of a frame; returns those of its faces that are new.

        A look at the whole has the last word: who is not in it is no longer followed.
        """
        self._since_look = 0
        if look == "glance":
            seen = self._detect.glance(rgb, GLANCE_AREA)
            if not self._strangers(seen).any():
                return _Followed.none()
        self._since_whole = 0
        seen = self._detect(rgb)
        strangers = self._strangers(seen)
        overlap = iou(self._known.faces.boxes, seen.boxes)
        kept = self._known[np.flatnonzero((overlap > _SAME).any(1))]
        new = self._started(rgb, seen[strangers])
        self._known = (kept.corrected(seen) if len(kept) else kept).and_(new)
        return new

    def _strangers(self, seen: Detections) -> NDArray[np.bool_]:
        return np.asarray(~(iou(self._known.faces.boxes, seen.boxes) > _SAME).any(0))

    def _started(self, rgb: Rgb, seen: Detections) -> _Followed:
        """Begin to follow faces of a look at the whole."""
        if not len(seen):
            return _Followed.none()
        near = self._detect.near(rgb, seen.boxes, seen.boxes, SIDE, SURE)
        there = near.confidence > 0
        there[there] = np.diagonal(iou(near.boxes[there], seen.boxes[there])) > _SAME
        boxes = np.where(there[:, None], near.boxes, seen.boxes)
        faces = Detections(
            boxes,
            np.where(there, near.confidence, seen.confidence),
            np.where(there[:, None, None], near.landmarks, seen.landmarks),
            seen.too_small,
        )
        return _Followed(faces, seen.boxes, _shift(boxes, seen.boxes))

    def _back(
        self, frames: Sequence[Rgb], found: list[Detections], first: int, faces: _Followed
    ) -> None:
        """Follow newcomers back through frames that were not looked at, adding to `found`."""
        for i in reversed(range(len(frames))):
            faces = self._step(frames[i], faces)
            if not len(faces):
                return
            known = found[first + i]
            overlap = iou(known.boxes, faces.faces.boxes)
            faces = faces[np.flatnonzero(~(overlap > _SAME).any(0))]
            found[first + i] = joined(known, faces.shown())


def _distinct(faces: Detections) -> NDArray[np.intp]:
    """Rows that are faces, each once: of several that are the same one, the surest."""
    rows = np.flatnonzero(faces.confidence > 0)
    if len(rows) < 2:
        return rows
    return np.sort(rows[suppress(faces.boxes[rows], faces.confidence[rows], _SAME)])


def joined(some: Detections, others: Detections) -> Detections:
    """Faces of one frame, put together."""
    if not len(others):
        return some
    return Detections(
        np.concatenate([some.boxes, others.boxes]),
        np.concatenate([some.confidence, others.confidence]),
        np.concatenate([some.landmarks, others.landmarks]),
        max(some.too_small, others.too_small),
    )
