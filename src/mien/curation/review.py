"""Reviewing a store: its tracks, what is shown of them, and decisions about them.

A group is what is judged at once: the faces of one track of a video; of photographs those of one
person, or of one import where nobody is named. The 'manual check' of benroumpi-2018 (section 3.6).
"""

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mien.errors import InputError
from mien.faces.boxes import longer_side
from mien.faces.cover import uncovered
from mien.faces.pose import pose
from mien.faces.quality import quality
from mien.store import Store
from mien.store.decisions import Cell, Decision, Journal, apply, effective
from mien.store.shards import Pixels

Rows = NDArray[np.intp]

STATED = ("person", "sex", "notes")
"""Columns of subjects.csv that a review sets."""
MOST_SHOWN = 600
"""Faces of a group that a page is given at most."""
JUDGED = 12
"""Faces of a group of which each part of the quality is measured."""
LARGEST_ID = 2**62
LONGEST = 1000
"""Characters of a note or a name."""


@dataclass(frozen=True)
class Group:
    """Faces that are judged at once. subject: its id; None where nobody is named.

    rows: of the store's table, in time. track: None of photographs.
    """

    title: str
    video: str | None
    track: int | None
    subject: str | None
    rows: Rows


def groups_of(store: Store) -> list[Group]:
    """Sort a store's faces into groups, by video and track, photographs behind."""
    video, subject, source = store.codes("video"), store.ids(), store.codes("source")
    track = np.where(video.codes < 0, -1, store.column("track"))
    home = np.where((video.codes < 0) & (subject.codes < 0), source.codes, -1)
    keys = (home, subject.codes, track, video.codes)
    order = np.lexsort((np.arange(len(store)), store.column("frame"), *keys))
    key = np.stack([column[order] for column in keys], 1)
    starts = np.flatnonzero(np.append(True, (key[1:] != key[:-1]).any(1)))[: len(order)]
    found = []
    for rows in np.split(order, starts[1:]) if len(order) else []:
        first = int(rows[0])
        film = _name(video.names, video.codes[first])
        who = _name(subject.names, subject.codes[first])
        number = None if film is None else int(track[first])
        place = film or who or f"{source.names[source.codes[first]]}: nobody named"
        found.append(
            Group(place if film is None else f"{film}, track {number}", film, number, who, rows)
        )
    return sorted(found, key=lambda g: (g.video is None, g.video or g.title, g.track or 0))


def _name(names: Sequence[str], code: int) -> str | None:
    return names[code] if code >= 0 else None


class Review:
    """A store that somebody reviews: one process at a time; used by threads one after the other.

    Raises InputError for a store without faces, and where another process reviews it.
    """

    def __init__(self, folder: Path) -> None:
        self.store = Store.open(folder)
        if len(self.store) == 0:
            raise InputError(f"{folder}: holds no face to review")
        self.groups = groups_of(self.store)
        self.journal = Journal(folder)
        self._lock = Lock()
        self._pixels = self.store.pixels()

    def close(self) -> None:
        """Let others review it."""
        self.journal.close()

    # -- what is shown ---------------------------------------------------------------------------

    def overview(self) -> dict[str, Any]:
        """Counts, videos, and what was decided last, as plain values."""
        with self._lock:
            return self._overview()

    def _overview(self) -> dict[str, Any]:
        out = effective(self.store, self.journal.pending)
        done, undone = self.journal.done, self.journal.undone
        return {
            "faces": len(out),
            "out": int(out.sum()),
            "groups": len(self.groups),
            "people": len({self.person(g.subject) for g in self.groups if g.subject}),
            "videos": list(dict.fromkeys(g.video for g in self.groups if g.video)),
            "waiting": self.journal.waiting,
            "undo": _told(done[-1]) if done else None,
            "redo": _told(undone[-1]) if undone else None,
            "history": [_told(decision) for decision in done[:-11:-1]],
        }

    def listing(
        self, start: int, count: int, shown: int, worst: bool = False, video: str | None = None
    ) -> dict[str, Any]:
        """Tell of `count` groups from the `start`-th, each with `shown` faces, as plain values.

        worst: the faces of least quality, else evenly spaced ones. video: groups of that one alone.
        """
        with self._lock:
            chosen = [i for i, g in enumerate(self.groups) if video in (None, g.video)]
            out = effective(self.store, self.journal.pending)
            page = chosen[start : start + count]
            told = [self._group(i, min(shown, MOST_SHOWN), worst, out) for i in page]
            return {"total": len(chosen), "groups": told, "overview": self._overview()}

    def _group(self, key: int, shown: int, worst: bool, out: NDArray[np.bool_]) -> dict[str, Any]:
        group, ids = self.groups[key], self.store.column("face_id")
        rows, score = group.rows, self.store.column("quality")
        sides = longer_side(boxes_of(self.store, rows))
        some = _worst(rows, score, shown) if worst else spaced(rows, shown)
        times = self.store.column("time_s")[rows]
        stated = {c: self.stated(group.subject, c) for c in STATED} if group.subject else {}
        return {
            "key": key,
            "title": group.title,
            "subject": group.subject,
            "known_as": self.person(group.subject) if group.subject else None,
            **stated,
            "faces": len(rows),
            "out": int(out[rows].sum()),
            "from_s": _plain(times[0]),
            "to_s": _plain(times[-1]),
            "sizes": [_plain(f(sides)) for f in (np.min, np.mean, np.max)],
            "quality": self.judged(rows),
            "shown": [
                {"id": int(ids[row]), "out": bool(out[row]), "quality": _plain(score[row])}
                for row in some
            ],
        }

    def judged(self, rows: Rows) -> dict[str, float | None]:
        """Mean of each part of the quality over some faces; None where it cannot be told."""
        return mean_quality(self.store, spaced(rows, JUDGED), self._pixels)

    def picture(self, face_id: int) -> bytes:
        """Return a face's crop as JPEG; raises InputError for a face that is not there."""
        with self._lock:
            row = self.store.find(np.array([min(face_id, LARGEST_ID)]))
            if row[0] < 0:
                raise InputError(f"there is no face {face_id}")
            file = io.BytesIO()
            Image.fromarray(self._pixels.gather(row)[0]).save(file, "JPEG", quality=90)
            return file.getvalue()

    # -- people ----------------------------------------------------------------------------------

    def stated(self, subject: str, column: str) -> str:
        """Return a cell of subjects.csv as it is with the decisions that wait."""
        if (subject, column) in self.journal.pending.cells:
            return self.journal.pending.cells[subject, column]
        known = self.store.subjects.stated.get(subject)
        return str(getattr(known, column) or "") if known else ""

    def person(self, subject: str) -> str:
        """Return the name under which a subject's person is known, with the decisions that wait."""
        seen = {subject}
        while (named := self.stated(subject, "person")) and named not in seen:
            seen.add(named)
            subject = named
        return subject

    def _ids_of(self, people: Iterable[str]) -> list[str]:
        pending = {name for name, _ in self.journal.pending.cells}
        known = {*self.store.ids().used(), *self.store.subjects.stated, *pending}
        people = set(people)
        return sorted(name for name in known if self.person(name) in people)

    # -- decisions -------------------------------------------------------------------------------

    def decide(self, asked: Mapping[str, Any]) -> None:
        """Take a decision: `what`, and what it is about; raises InputError for one that is none.

        drop, keep: `faces` (ids), or `group` (key), or `group` with `between` (ids of its faces:
        these and all between). merge: `groups`. person, sex, notes: `group` and `value`.
        """
        with self._lock:
            what = asked.get("what")
            if what in ("drop", "keep"):
                self._leave_out(what, self._named(asked))
            elif what == "merge":
                self._merge([self._subject(key) for key in _list(asked, "groups")])
            elif what in STATED:
                self._state(what, self._subject(asked.get("group")), _text(asked.get("value")))
            else:
                raise InputError(f"{what!r}: is no decision")

    def _named(self, asked: Mapping[str, Any]) -> Rows:
        if "faces" in asked:
            rows = self.store.find(np.array(_list(asked, "faces"), np.int64))
            if (rows < 0).any():
                raise InputError("a face is not there: load the page again")
            return rows
        rows = self._of(asked.get("group")).rows
        if "between" not in asked:
            return rows
        ends = self.store.find(np.array(_list(asked, "between"), np.int64))
        places = np.flatnonzero(np.isin(rows, ends))
        if not len(places):
            raise InputError("these faces are not of this track")
        return rows[places[0] : places[-1] + 1]

    def _leave_out(self, what: str, rows: Rows) -> None:
        out = effective(self.store, self.journal.pending)[rows]
        changed = self.store.column("face_id")[rows[~out if what == "drop" else out]].tolist()
        drop, keep = (changed, []) if what == "drop" else ([], changed)
        self.journal.decide(what, drop=drop, keep=keep)

    def _merge(self, subjects: Sequence[str]) -> None:
        if len(set(subjects)) < 2:
            raise InputError("choose two tracks at least, of people who are not one yet")
        people = list(dict.fromkeys(map(self.person, subjects)))
        self._name_all("merge", people, people[0])

    def _state(self, column: str, subject: str, value: str) -> None:
        person = self.person(subject)
        if column == "person" and value:
            self._name_all("rename", [person], value)
        elif column == "person":  # to be somebody of its own again
            self._write("rename", [(subject, value)], column)
        else:
            self._write(column, [(name, value) for name in self._ids_of([person])], column)

    def _name_all(self, what: str, people: Sequence[str], name: str) -> None:
        ids = self._ids_of(people)
        self._write(what, [(i, "" if i == name else name) for i in ids], "person")

    def _write(self, what: str, values: Sequence[tuple[str, str]], column: str) -> None:
        cells: list[Cell] = [
            (name, column, self.stated(name, column), value) for name, value in values
        ]
        self.journal.decide(what, cells=cells)

    def undo(self) -> None:
        """Take back the last decision."""
        with self._lock:
            self.journal.undo()

    def redo(self) -> None:
        """Bring back what was undone last."""
        with self._lock:
            self.journal.redo()

    def apply(self) -> None:
        """Make the store follow."""
        with self._lock:
            apply(self.store, self.journal)
            self.groups, self._pixels = groups_of(self.store), self.store.pixels()

    def _of(self, key: Any) -> Group:
        if type(key) is not int or not 0 <= key < len(self.groups):
            raise InputError(f"{key!r}: is no track of this store")
        return self.groups[key]

    def _subject(self, key: Any) -> str:
        subject = self._of(key).subject
        if subject is None:
            raise InputError(
                f"{self._of(key).title}: nobody is named there, so nobody can be named"
            )
        return subject


def mean_quality(store: Store, rows: Rows, pixels: Pixels) -> dict[str, float | None]:
    """Mean of each part of the quality over faces; None where it cannot be told.

    Parts as of `faces.quality`, yaw and roll in degrees as of `faces.pose`, `uncovered` as of
    `faces.cover`, and the detector's `confidence`.
    """
    crops, boxes, points = pixels.gather(rows), boxes_of(store, rows), store.landmarks(rows)
    inside = store.landmarks_in_crops(rows)
    parts = [
        {
            **vars(quality(crop, box, marks, None)),
            **pose(marks)._asdict(),
            "uncovered": uncovered(crop, here),
        }
        for crop, box, marks, here in zip(crops, boxes, points, inside, strict=True)
    ]
    columns = {name: np.array([part[name] for part in parts], float) for name in parts[0]}
    columns["confidence"] = np.asarray(store.column("confidence")[rows], float)
    return {name: _mean(values) for name, values in columns.items()}


def _mean(values: NDArray[np.float64]) -> float | None:
    known = values[~np.isnan(values)]
    return _plain(known.mean()) if len(known) else None


def boxes_of(store: Store, rows: Rows) -> NDArray[np.float32]:
    """Boxes (N, 4) of the faces at `rows`, NaN where unknown."""
    return np.stack([store.column(name)[rows] for name in ("x0", "y0", "x1", "y1")], 1)


def spaced(rows: Rows, count: int) -> Rows:
    """At most `count` of them, evenly spaced, first and last among them."""
    if len(rows) <= count:
        return rows
    return rows[np.linspace(0, len(rows) - 1, count).round().astype(np.intp)]


def _worst(rows: Rows, score: NDArray[Any], count: int) -> Rows:
    """At most `count` of least quality, the worst first; unjudged ones behind."""
    order = np.argsort(np.nan_to_num(score[rows], nan=np.inf), kind="stable")
    return rows[order[:count]]


def _told(decision: Decision) -> dict[str, Any]:
    about = list(dict.fromkeys(cell[0] for cell in decision.cells))
    faces = len(decision.drop) + len(decision.keep)
    values = list(dict.fromkeys(cell[3] for cell in decision.cells if cell[3]))
    return {
        "what": decision.what, "at": decision.at, "faces": faces, "about": about, "values": values,
    }  # fmt: skip


def _plain(value: Any) -> float | None:
    return None if np.isnan(value) else round(float(value), 4)


def _list(asked: Mapping[str, Any], name: str) -> list[int]:
    found = asked.get(name)
    if not isinstance(found, list) or not all(
        type(v) is int and 0 <= v < LARGEST_ID for v in found
    ):
        raise InputError(f"{name}: a list of numbers is needed")
    return found


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > LONGEST:
        raise InputError(f"write at most {LONGEST} characters")
    return " ".join(value.split())
