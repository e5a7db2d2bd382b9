"""Follow people through occlusion, cuts and returns: by place, motion and looks."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mien.faces.appearance import Look, blended, likeness, look_of
from mien.faces.boxes import iou, longer_side
from mien.faces.cuts import Cuts
from mien.faces.detection import Detections

_OVERLAP = 0.25
"""IoU with where a person should be, from which a face may be theirs."""
_CROWDED = 0.02
"""IoU of two boxes from which either person may be mistaken for the other."""
_LINGER_S = 1.5
"""Seconds for which a person who is not seen is looked for near where they were."""
_REACH = 0.9
"""How far from there, in sizes of the face, besides what they may have moved."""
_LOOK_EVERY_S = 0.4
_BLEND = 0.25
_KNOWN, _AHEAD = 0.86, 0.03
"""Likeness from which a newcomer is somebody who was there before, and by how much more than the
next likely person."""
_OTHER = 0.62
"""Likeness below which two faces at one place are two people."""
_MOST = 64
"""People who are remembered; those seen longest ago are forgotten first."""


@dataclass
class _Person:
    number: int
    box: NDArray[np.float32]
    seen_s: float
    pace: NDArray[np.float32] = field(default_factory=lambda: np.zeros(2, np.float32))
    look: Look | None = None
    looked_s: float = float("-inf")

    def expected(self, time_s: float) -> NDArray[np.float32]:
        """Box where they should be by now; motion is believed for a third of a second."""
        return self.box + np.tile(self.pace * min(time_s - self.seen_s, 0.33), 2)

    def see(self, box: NDArray[np.float32], time_s: float) -> None:
        passed = time_s - self.seen_s
        if 0 < passed < _LINGER_S:
            centre = (box[:2] + box[2:] - self.box[:2] - self.box[2:]) / 2
            self.pace = np.asarray(0.6 * self.pace + 0.4 * centre / passed, np.float32)
        else:
            self.pace = np.zeros(2, np.float32)
        self.box, self.seen_s = box, time_s


class PeopleTracker:
    """Numbers people so that the same one keeps their number for the whole film.

    Successive frames are joined by overlap with where each person should be; where several are
    close, by looks as well. Who was covered or out of the picture, and everybody after a cut, is
    known again by looks (`faces.appearance`). Without pixels there are place and motion alone.
    """

    def __init__(self) -> None:
        self._cut = Cuts()
        self._people: list[_Person] = []
        self._next = 0

    def __call__(
        self, found: Detections, time_s: float, rgb: NDArray[np.uint8] | None = None
    ) -> NDArray[np.intp]:
        """Return the person of each face; every face gets one. rgb: the frame (H, W, 3)."""
        cut = rgb is not None and self._cut(rgb)
        numbers = np.full(len(found), -1, np.intp)
        if not len(found):
            return numbers
        faces = _Faces(found.boxes, rgb)
        near = [] if cut else [p for p in self._people if time_s - p.seen_s <= _LINGER_S]
        self._join(numbers, near, self._by_place(near, faces, time_s), time_s, faces)
        if near and (numbers < 0).any():
            self._join(numbers, near, self._by_nearness(near, faces, time_s), time_s, faces)
        if rgb is not None and (numbers < 0).any():
            self._know_again(numbers, faces, time_s)
        for face in np.flatnonzero(numbers < 0):
            self._add(numbers, int(face), faces, time_s)
        self._remember(numbers, faces, time_s)
        return numbers

    def _by_place(self, near: list[_Person], faces: "_Faces", time_s: float) -> NDArray[np.float32]:
        """Score (people, faces) by overlap, and by looks where people are close."""
        if not near:
            return np.empty((0, len(faces)), np.float32)
        expected = np.stack([person.expected(time_s) for person in near])
        overlap = iou(expected, faces.boxes)
        score = np.where(overlap > _OVERLAP, overlap, -1)
        crowded = (iou(expected, expected) > _CROWDED).sum(1) > 1
        crowded |= (overlap > _CROWDED).sum(1) > 1
        for row in np.flatnonzero(crowded):
            self._weigh_looks(score[row], near[row], faces)
        return np.asarray(score, np.float32)

    def _by_nearness(
        self, near: list[_Person], faces: "_Faces", time_s: float
    ) -> NDArray[np.float32]:
        if not near:
            return np.empty((0, len(faces)), np.float32)
        expected = np.stack([person.expected(time_s) for person in near])
        size, now = longer_side(expected)[:, None], longer_side(faces.boxes)[None]
        middle = (expected[:, :2] + expected[:, 2:]) / 2
        there = (faces.boxes[:, :2] + faces.boxes[:, 2:]) / 2
        apart = np.linalg.norm(middle[:, None] - there[None], axis=2) / np.maximum(size, 1e-6)
        alike = np.abs(np.log2(np.maximum(now, 1e-6) / np.maximum(size, 1e-6))) <= 1
        score = np.where(alike & (apart < _REACH), 1 - apart / _REACH, -1)
        for row, person in enumerate(near):
            self._weigh_looks(score[row], person, faces)
        return np.asarray(score, np.float32)

    def _weigh_looks(self, score: NDArray[np.float32], person: _Person, faces: "_Faces") -> None:
        """Add likeness to the scores of one person's faces; those too unlike are none."""
        if person.look is None:
            return
        for face in np.flatnonzero(score > 0):
            look = faces.look(int(face))
            if look is None:
                continue
            alike = float(likeness(look, person.look[None])[0])
            score[face] = score[face] + 2 * alike if alike > _OTHER else -1

    def _join(
        self,
        numbers: NDArray[np.intp],
        people: list[_Person],
        score: NDArray[np.float32],
        time_s: float,
        faces: "_Faces",
    ) -> None:
        """Match unmatched people with unmatched faces so that the scores add up to most."""
        taken = set(numbers[numbers >= 0].tolist())
        score = score.copy()
        score[:, numbers >= 0] = -1
        score[[person.number in taken for person in people]] = -1
        for row, face in _matched(score):
            people[row].see(faces.boxes[face], time_s)
            numbers[face] = people[row].number

    def _know_again(self, numbers: NDArray[np.intp], faces: "_Faces", time_s: float) -> None:
        """Give unmatched faces the number of the absent person whom they look most like."""
        taken = set(numbers[numbers >= 0].tolist())
        absent = [p for p in self._people if p.number not in taken and p.look is not None]
        if not absent:
            return
        looks = np.stack([p.look for p in absent if p.look is not None])
        score = np.full((len(absent), len(faces)), -1, np.float32)
        for face in np.flatnonzero(numbers < 0):
            look = faces.look(int(face))
            if look is not None:
                alike = likeness(look, looks)
                second = np.partition(alike, -2)[-2] if len(alike) > 1 else 0.0
                sure = (alike > _KNOWN) & ((alike == alike.max()) & (alike > second + _AHEAD))
                score[:, face] = np.where(sure, alike, -1)
        self._join(numbers, absent, score, time_s, faces)

    def _add(self, numbers: NDArray[np.intp], face: int, faces: "_Faces", time_s: float) -> None:
        self._people.append(_Person(self._next, faces.boxes[face], time_s))
        numbers[face] = self._next
        self._next += 1
        if len(self._people) > _MOST:
            self._people.remove(min(self._people, key=lambda person: person.seen_s))

    def _remember(self, numbers: NDArray[np.intp], faces: "_Faces", time_s: float) -> None:
        """Look at people now and then, where nobody else is in the way."""
        overlap = iou(faces.boxes, faces.boxes)
        people = {person.number: person for person in self._people}
        for face, number in enumerate(numbers.tolist()):
            person = people[number]
            alone = (overlap[face] > _CROWDED).sum() <= 1
            if time_s - person.looked_s < _LOOK_EVERY_S or not (alone or person.look is None):
                continue
            look = faces.look(face)
            if look is not None:
                weight = 1.0 if person.look is None else _BLEND
                person.look = look if person.look is None else blended(person.look, look, weight)
                person.looked_s = time_s


class _Faces:
    """The faces of one frame; their looks are made when they are asked for."""

    def __init__(self, boxes: NDArray[np.float32], rgb: NDArray[np.uint8] | None) -> None:
        self.boxes, self._rgb = boxes, rgb
        self._looks: dict[int, Look] = {}

    def __len__(self) -> int:
        return len(self.boxes)

    def look(self, face: int) -> Look | None:
        """Description of a face; None without pixels."""
        if self._rgb is None:
            return None
        if face not in self._looks:
            self._looks[face] = look_of(self._rgb, self.boxes[face])
        return self._looks[face]


def _matched(score: NDArray[np.float32]) -> list[tuple[int, int]]:
    """Pairs (row, column), one to one, whose positive scores add up to most."""
    rows, columns = np.nonzero(score > 0)
    if len(rows) <= 1 or (len(set(rows)) == len(rows) and len(set(columns)) == len(columns)):
        return list(zip(rows.tolist(), columns.tolist(), strict=True))
    from scipy.optimize import linear_sum_assignment

    pairs = zip(*linear_sum_assignment(-np.maximum(score, 0)), strict=True)
    return [(int(row), int(column)) for row, column in pairs if score[row, column] > 0]
