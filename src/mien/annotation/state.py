"""What an annotator's actions on one item and task add up to: labels now, undo and redo.

Kinds of actions, and their bodies:

    ranges    add: [mark], change: [mark], remove: [id]   one edit, whatever it holds
    take      take, dimension, device, speed, shown       a recording begins
    samples   take, samples: [[seconds, value], ...]      it goes on; undone with its take
    nudge     dimension, from_s, to_s, by                 a stretch of a trace, up or down
    point     frame, valence, arousal                     of a picture
    seen      labels, seen, first, last                   the rest of these frames lacks the label
    reject    of                                          a model's suggestion, by its id
    note      text                                        on the whole item
    undo, redo
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from mien.annotation.journal import Action
from mien.annotation.marks import (
    DIMENSIONS,
    FULL,
    Mark,
    Take,
    name_in,
    number_in,
    rows_of_samples,
    samples_in,
    text_in,
    whole_in,
)
from mien.errors import InputError


@dataclass(frozen=True)
class Nudge:
    """A stretch of a trace that was moved up or down. after: how many takes came before it."""

    dimension: str
    from_s: float
    to_s: float
    by: float
    after: int


@dataclass(frozen=True)
class Place:
    """What the actions are about: how many frames, which labels, whether these exclude another."""

    frames: int
    labels: tuple[str, ...]
    exclusive: bool = False


@dataclass
class State:
    """Labels of one annotator, item, task and pass, as they are now.

    seen: by label the stretches (first, last) that were looked through for it. spent_ms: time that
    went into all of it, undone work included.
    """

    marks: dict[str, Mark] = field(default_factory=dict)
    takes: list[Take] = field(default_factory=list)
    nudges: list[Nudge] = field(default_factory=list)
    points: dict[int, tuple[float, float]] = field(default_factory=dict)
    seen: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    rejected: tuple[str, ...] = ()
    note: str = ""
    spent_ms: int = 0

    def copy(self) -> "State":
        """A State that may change without this one."""
        return State(
            dict(self.marks), [replace(take, chunks=list(take.chunks)) for take in self.takes],
            list(self.nudges), dict(self.points), dict(self.seen), self.rejected, self.note,
            self.spent_ms,
        )  # fmt: skip

    def of_label(self, label: str) -> list[Mark]:
        """Marks of one label, in order of time."""
        found = [mark for mark in self.marks.values() if mark.label == label]
        return sorted(found, key=lambda mark: (mark.first, mark.last, mark.id))

    def to_dict(self) -> dict[str, Any]:
        """Plain values for the page."""
        marks = sorted(self.marks.values(), key=lambda m: (m.first, m.last, m.id))
        return {
            "marks": [mark.to_dict() for mark in marks],
            "takes": [
                take.to_dict() | {"samples": rows_of_samples(take.samples)} for take in self.takes
            ],
            "nudges": [vars(nudge) for nudge in self.nudges],
            "points": [[frame, *values] for frame, values in sorted(self.points.items())],
            "seen": {label: spans for label, spans in self.seen.items() if spans},
            "rejected": list(self.rejected),
            "note": self.note,
            "spent_ms": self.spent_ms,
        }


class Ledger:
    """Folds actions into a State, one after the other. base: what a second pass starts from."""

    def __init__(self, place: Place, base: State | None = None) -> None:
        self.place, self._base = place, base or State()
        self.state = self._base.copy()
        self.state.spent_ms = 0
        self._done: list[list[Action]] = []  # each edit, with the samples that belong to it
        self._undone: list[list[Action]] = []
        self.last = 0

    @property
    def undoable(self) -> int:
        """How many edits can be undone."""
        return len(self._done)

    @property
    def redoable(self) -> int:
        """How many can be done again."""
        return len(self._undone)

    def edits(self) -> list[Action]:
        """The edits that count, in order."""
        return [edit[0] for edit in self._done]

    def add(self, action: Action) -> None:
        """Take one action in; raises InputError where it does not fit, and nothing is changed."""
        if action.kind in ("undo", "redo"):
            self._turn_back(action.kind)
        elif action.kind == "samples":
            self._edit_of(action).append(action)
        elif action.kind in EDITS:
            EDITS[action.kind](self.state, self.place, action.body)
            self._done.append([action])
            self._undone.clear()
        else:
            raise InputError(f"action {action.kind!r}: known are {', '.join(KINDS)}")
        self.state.spent_ms += action.spent_ms
        self.last = max(self.last, action.id or 0)

    def _edit_of(self, action: Action) -> list[Action]:
        name = action.body.get("take")
        take = next((t for t in self.state.takes if t.id == name), None)
        edit = next((e for e in self._done if e[0].body.get("take") == name), None)
        if take is None or edit is None or not isinstance(name, str):
            raise InputError("samples: their take is not there, or was undone")
        take.chunks.append(samples_in(action.body, take))
        return edit

    def _turn_back(self, kind: str) -> None:
        here, there = (self._done, self._undone) if kind == "undo" else (self._undone, self._done)
        if not here:
            raise InputError(f"{kind}: there is nothing to {kind}")
        there.append(here.pop())
        spent = self.state.spent_ms
        self.state = self._base.copy()
        for edit in self._done:
            EDITS[edit[0].kind](self.state, self.place, edit[0].body)
            for samples in edit[1:]:
                take = self.state.takes[-1]
                take.chunks.append(np.array(samples.body["samples"], np.float64))
        self.state.spent_ms = spent


def folded(actions: Iterable[Action], place: Place, base: State | None = None) -> Ledger:
    """Fold actions that were kept; one that does not fit any more is passed over."""
    ledger = Ledger(place, base)
    for action in actions:
        try:
            ledger.add(action)
        except InputError:
            continue
    return ledger


Body = Mapping[str, Any]


def _ranges(state: State, place: Place, body: Body) -> None:
    marks = dict(state.marks)
    for name in _list_in(body, "remove"):
        if not isinstance(name, str) or marks.pop(name, None) is None:
            raise InputError(f"range {name!r}: is not there")
    for values in _list_in(body, "change"):
        mark = Mark.from_dict(values, place.frames)
        if mark.id not in marks:
            raise InputError(f"range {mark.id!r}: is not there")
        marks[mark.id] = mark
    for values in _list_in(body, "add"):
        mark = Mark.from_dict(values, place.frames)
        if mark.id in marks:
            raise InputError(f"range {mark.id!r}: is there already")
        marks[mark.id] = mark
    _check_marks(marks, place)
    state.marks = marks


def _check_marks(marks: Mapping[str, Mark], place: Place) -> None:
    ordered = sorted(marks.values(), key=lambda m: (m.first, m.last))
    latest: dict[str, Mark] = {}
    for mark in ordered:
        if mark.label not in place.labels:
            raise InputError(f"label {mark.label!r}: is none of {', '.join(place.labels)}")
        lane = "" if place.exclusive else mark.label
        before = latest.get(lane)
        if before is not None and mark.first <= before.last:
            what = f"{before.label} ({before.first}-{before.last})"
            raise InputError(f"frames {mark.first}-{mark.last}: have {what} already")
        latest[lane] = mark


def _list_in(body: Body, key: str) -> Sequence[Any]:
    found = body.get(key, [])
    if not isinstance(found, list) or len(found) > 10_000:
        raise InputError(f"{key}: give a list")
    return found


def _take(state: State, place: Place, body: Body) -> None:
    take = Take.from_dict(body)
    if any(t.id == take.id for t in state.takes):
        raise InputError(f"take {take.id!r}: is there already")
    if set(DIMENSIONS) - set(place.labels):
        raise InputError("take: this task has no traces")
    state.takes.append(take)


def _nudge(state: State, place: Place, body: Body) -> None:
    dimension = name_in(body, "dimension")
    if dimension not in DIMENSIONS:
        raise InputError("dimension: give valence or arousal")
    start, end = number_in(body, "from_s", 0, 1e6), number_in(body, "to_s", 0, 1e6)
    if end < start:
        raise InputError("nudge: ends before it begins")
    by = number_in(body, "by", -2 * FULL, 2 * FULL)
    state.nudges.append(Nudge(dimension, start, end, by, len(state.takes)))


def _point(state: State, place: Place, body: Body) -> None:
    frame = whole_in(body, "frame", place.frames - 1)
    state.points[frame] = (
        number_in(body, "valence", -FULL, FULL),
        number_in(body, "arousal", -FULL, FULL),
    )


def _seen(state: State, place: Place, body: Body) -> None:
    first = whole_in(body, "first", place.frames - 1) if "first" in body else 0
    last = whole_in(body, "last", place.frames - 1) if "last" in body else place.frames - 1
    if last < first:
        raise InputError("seen: ends before it begins")
    labels = _list_in(body, "labels")
    for label in labels:
        if label not in place.labels:
            raise InputError(f"label {label!r}: is none of {', '.join(place.labels)}")
    for label in labels:
        spans = _without(state.seen.get(label, []), first, last)
        if body.get("seen", True):
            spans = _joined([*spans, (first, last)])
        state.seen[label] = spans


def _without(spans: list[tuple[int, int]], first: int, last: int) -> list[tuple[int, int]]:
    found = []
    for begin, end in spans:
        found += [(a, b) for a, b in ((begin, min(end, first - 1)), (max(begin, last + 1), end))
                  if a <= b]  # fmt: skip
    return found


def _joined(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for first, last in sorted(spans):
        if found and first <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(found[-1][1], last))
        else:
            found.append((first, last))
    return found


def _reject(state: State, place: Place, body: Body) -> None:
    name = name_in(body, "of")
    if name not in state.rejected:
        state.rejected = (*state.rejected, name)


def _note(state: State, place: Place, body: Body) -> None:
    state.note = text_in(body, "text")


EDITS: dict[str, Callable[[State, Place, Body], None]] = {
    "ranges": _ranges,
    "take": _take,
    "nudge": _nudge,
    "point": _point,
    "seen": _seen,
    "reject": _reject,
    "note": _note,
}
"""What can be undone, by kind of action."""
KINDS = (*EDITS, "samples", "undo", "redo")
