"""Which face of a store each row of somebody's table is of, and what became of every row."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from mien.errors import InputError
from mien.evaluation.prediction_table import PredictionTable
from mien.labels.arrays import Predictions
from mien.labels.heads import Head
from mien.store import Store
from mien.store.names import short_names

TOLERANCE_S = 2e-3
"""Times are written with three decimals."""
LEAST_OVERLAP = 0.3
"""Intersection over union of two boxes of one face, where a frame shows several."""
SHOWN = 5
_FRAME_OF = re.compile(r"(.+)/(\d{5,7})\.(?:jpg|png)")
"""A frame as a picture, as the ABAW challenges name it: from 1."""

Boxes = NDArray[np.float64]
Place = tuple[int, int]
"""A picture: a video or image, and the moment in it (0 for an image)."""


@dataclass
class Joined:
    """Row of the table of every face of the store (F,), -1 where there is none; and the account.

    rows: of the table. used: of them joined to a face. no_face: the tool found none. unknown: the
    store holds no such image, video or moment. unpaired: the picture is in the store, and that face
    is not. ambiguous: several rows and faces in one picture, which nothing tells apart. The five
    last add up to the first.
    """

    row: NDArray[np.intp]
    rows: int
    used: int = 0
    no_face: int = 0
    unknown: int = 0
    unpaired: int = 0
    ambiguous: int = 0
    examples: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def account(self) -> dict[str, int]:
        """Counts by name."""
        return {
            "rows": self.rows,
            "used": self.used,
            "no_face": self.no_face,
            "unknown": self.unknown,
            "unpaired": self.unpaired,
            "ambiguous": self.ambiguous,
        }


def join(store: Store, table: PredictionTable) -> Joined:
    """Find the face of every row; InputError where no row fits any face."""
    places = _Places(store, table)
    done = Joined(np.full(len(store), -1, np.intp), len(table), notes=places.notes)
    pictures: dict[Place, list[int]] = {}
    for row in range(len(table)):
        if not table.found[row]:
            done.no_face += 1
        elif (place := places.of(row)) is None:
            done.unknown += 1
            if len(done.examples) < SHOWN:
                done.examples.append(places.words(row))
        else:
            pictures.setdefault(place, []).append(row)
    boxes = np.stack([store.column(c) for c in ("x0", "y0", "x1", "y1")], axis=1)
    tracks = store.column("track")
    for place, rows in pictures.items():
        paired: set[int] = set()
        unclear: set[int] = set()
        for faces in places.faces(place):
            pairs = _paired(table, np.array(rows), tracks[faces], boxes[faces])
            if pairs is None:
                unclear.update(rows)
                continue
            for row, face in pairs:
                done.row[faces[face]] = row
                paired.add(row)
        done.used += len(paired)
        done.ambiguous += len(unclear - paired)
        done.unpaired += len(set(rows) - paired - unclear)
    if places.by_frame:
        done.notes.append(
            "frames are taken for those of the store's grid, from 0; a column timestamp is safer"
        )
    if not done.used:
        told = f": {', '.join(done.examples)}" if done.examples else ""
        raise InputError(f"{table.path}: fits no face of {store.folder}{told}; {_said(done)}")
    return done


def _said(done: Joined) -> str:
    """What became of the rows, in words."""
    words = {
        "used": "joined",
        "no_face": "without a face",
        "unknown": "of pictures that the store has not",
        "unpaired": "of faces that the store has not",
        "ambiguous": "that could be of several faces",
    }
    counts = done.account()
    parts = [f"{counts[key]} {text}" for key, text in words.items() if counts[key]]
    return f"{done.rows} rows: {', '.join(parts)}"


def account_in_words(done: Joined, predicted: int, faces: int, part: str) -> list[str]:
    """Lines on what became of rows and faces, for a person."""
    lines = [_said(done)]
    if done.examples:
        lines.append(f"not in the store: {', '.join(done.examples)}")
    lines.append(f"{predicted} of the {faces} faces of {part} have a prediction")
    return lines + done.notes


def predictions_of(
    joined: Joined, table: PredictionTable, heads: tuple[Head, ...], rows: NDArray[np.intp]
) -> Predictions:
    """What the table says of the faces at `rows`, NaN where nothing. heads: named as the store's,
    in the table's order."""
    at = joined.row[rows]
    values = {}
    for mine, head in zip(table.heads, heads, strict=True):
        found = table.values[mine.name][at].copy()
        found[at < 0] = np.nan
        values[head.name] = found
    return Predictions(heads, values, len(rows))


def _paired(
    table: PredictionTable, rows: NDArray[np.intp], tracks: NDArray[np.int32], boxes: Boxes
) -> list[tuple[int, int]] | None:
    """Pairs of a table's row and a face of one picture; None where nothing tells them apart."""
    overlap = _overlaps(table.box[rows], boxes)
    boxed = not np.isnan(overlap).any()
    if len(rows) == len(tracks) == 1:
        return [(int(rows[0]), 0)] if not boxed or overlap[0, 0] > 0 else []
    if boxed:
        mine, theirs = linear_sum_assignment(-overlap)
        chosen = zip(mine.tolist(), theirs.tolist(), strict=True)
        return [(int(rows[i]), j) for i, j in chosen if overlap[i, j] >= LEAST_OVERLAP]
    ids = table.face[rows]
    if np.isnan(ids).any() or len(set(ids)) < len(ids) or (tracks < 0).any():
        return None
    place = {int(number): row for number, row in zip(ids, rows, strict=True)}
    return [(int(place[t]), j) for j, t in enumerate(tracks.tolist()) if t in place]


def _overlaps(a: Boxes, b: Boxes) -> Boxes:
    """Intersection over union (A, B); NaN where a box is not known."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    shared = np.clip(high - low, 0, None).prod(2)
    areas = [(box[:, 2:] - box[:, :2]).prod(1) for box in (a, b)]
    return np.asarray(shared / (areas[0][:, None] + areas[1][None, :] - shared), np.float64)


class _Places:
    """Finds the picture of a row, and the faces of a picture."""

    def __init__(self, store: Store, table: PredictionTable) -> None:
        self._table, self.notes = table, list[str]()
        self._names: dict[str, dict[str, str]] = {}
        self._codes: dict[str, dict[str, int]] = {}
        self._stems: dict[str, dict[str, list[str]]] = {}
        for kind in ("video", "image"):
            names = store.codes(kind).names
            self._names[kind] = short_names(names)
            self._codes[kind] = {name: i for i, name in enumerate(names)}
            self._stems[kind] = _by_stem(names)
        self._base = len(store.codes("video").names)
        self._by_time = bool((~np.isnan(table.time_s)).any())
        video, image = store.codes("video").codes, store.codes("image").codes
        self._times, frames = store.column("time_s"), store.column("frame")
        self._frames = frames
        moment = frames.copy()
        if self._by_time:
            moment = np.nan_to_num(self._times // TOLERANCE_S, nan=-1).astype(np.int64)
        self._faces: dict[Place, list[int]] = {}
        for face, (v, i, m) in enumerate(zip(video, image, moment, strict=True)):
            place = (int(v), int(m)) if v >= 0 else (self._base + int(i), 0)
            self._faces.setdefault(place, []).append(face)
        self._known: dict[tuple[str, tuple[str, ...]], tuple[str, int] | None] = {}
        if any(name is None for name in table.name):
            self.notes.append(f"rows without a name are taken for those of {table.path.stem!r}")
        self.by_frame = False

    def of(self, row: int) -> Place | None:
        """The picture that a row is of, None where the store has none."""
        name = self._table.name[row]
        found = self._named(self._table.path.stem if name is None else name)
        frame = self._table.frame[row]
        if found is None and name and (match := _FRAME_OF.fullmatch(name)):
            found, frame = self._named(match[1], ("video",)), float(match[2]) - 1
        if found is None:
            return None
        kind, code = found
        if kind == "image":
            return (self._base + code, 0)
        if not self._by_time:
            place = (code, -1 if np.isnan(frame) else int(frame))
            self.by_frame |= place in self._faces
            return place if place in self._faces else None
        time_s = self._table.time_s[row]
        if np.isnan(time_s):
            return None
        middle = int(time_s // TOLERANCE_S)
        near = ((code, middle + step) for step in (0, -1, 1))
        known = [
            (abs(self._times[self._faces[place][0]] - time_s), place)
            for place in near
            if place in self._faces
        ]
        apart, place = min(known, default=(np.inf, (0, 0)))
        return place if apart <= TOLERANCE_S else None

    def faces(self, place: Place) -> Iterator[NDArray[np.intp]]:
        """Faces of a picture: of each frame of the grid that repeats it."""
        found = np.array(self._faces[place], np.intp)
        frames = self._frames[found]
        for frame in np.unique(frames):
            yield found[frames == frame]

    def words(self, row: int) -> str:
        """A row's picture, as written."""
        name = self._table.name[row] or self._table.path.stem
        when = self._table.time_s[row] if self._by_time else self._table.frame[row]
        return name if np.isnan(when) else f"{name} at {when:g}"

    def _named(self, name: str, kinds: tuple[str, ...] = ()) -> tuple[str, int] | None:
        """Kind and code of a name; kinds: those that it may be of, the table's own by default."""
        if not kinds:
            kinds = ("video",) if self._table.name_kind == "video" else ("image", "video")
            if self._table.name_kind in ("image", "image_path", "image_location"):
                kinds = ("image",)
        if (name, kinds) not in self._known:
            self._known[name, kinds] = self._look_up(name, kinds)
        return self._known[name, kinds]

    def _look_up(self, name: str, kinds: tuple[str, ...]) -> tuple[str, int] | None:
        """Kind and code of a name, in full or without folders in front; videos without suffix."""
        parts = PurePosixPath(name.replace("\\", "/")).parts
        for start in range(len(parts)):
            short = "/".join(parts[start:])
            for kind in kinds:
                full = self._names[kind].get(short)
                if full is not None:
                    return kind, self._codes[kind][full]
        last = PurePosixPath(parts[-1] if parts else name)
        for kind in kinds:
            for stem in (last.name, last.stem):
                if len(alike := self._stems[kind].get(stem, [])) == 1:
                    return kind, self._codes[kind][alike[0]]
        return None


def _by_stem(names: Iterable[str]) -> dict[str, list[str]]:
    """Names by what they are without folders and suffix."""
    found: dict[str, list[str]] = {}
    for name in names:
        found.setdefault(PurePosixPath(name).stem, []).append(name)
    return found
