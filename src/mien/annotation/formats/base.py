"""What every format of exchange is told and gives back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from mien.annotation.items import Floats, Frames, Item
from mien.annotation.marks import Mark
from mien.annotation.rasters import trace
from mien.annotation.state import State
from mien.errors import InputError


class Entry(NamedTuple):
    """An action to come: its task, kind and body; see `state`."""

    task: str
    kind: str
    body: dict[str, Any]


@dataclass(frozen=True)
class Sheet:
    """One annotator's labels of one item.

    states: by task. labels: by task what there is to say. shift_s: by how much traces are written
    earlier. spent: whether the annotator's own data go along: how long labels took.
    """

    annotator: str
    item: Item
    frames: Frames
    labels: Mapping[str, tuple[str, ...]]
    states: Mapping[str, State] = field(default_factory=dict)
    shift_s: float = 0.0
    spent: bool = False

    def trace(self, dimension: str) -> Floats:
        """Seconds and values (M, 2), all stretches one after the other, shifted."""
        state = self.states.get("va")
        parts = trace(state, dimension) if state is not None else []
        whole = np.concatenate([np.empty((0, 2)), *parts])
        whole[:, 0] -= self.shift_s
        return whole[whole[:, 0] >= 0]


class Format(Protocol):
    """A kind of file. carries: the tasks that it can hold."""

    carries: tuple[str, ...]

    def files(self, folder: Path, sheet: Sheet) -> list[Path]:
        """Where a sheet's files lie, or would."""

    def write(self, folder: Path, sheet: Sheet) -> None:
        """Write a sheet's files, each whole; folders are made."""

    def read(self, folder: Path, sheet: Sheet, notes: list[str]) -> list[Entry]:
        """Read a sheet's files: what is there of them. notes: what a person should know.

        Raises InputError with file and line for what does not fit.
        """


def marks_entry(task: str, marks: Sequence[Mark]) -> list[Entry]:
    """Marks as one edit; none for no mark."""
    return [Entry(task, "ranges", {"add": [mark.to_dict() for mark in marks]})] if marks else []


def untangled(marks: Sequence[Mark], exclusive: bool, what: str, notes: list[str]) -> list[Mark]:
    """Marks as mien keeps them, from files that let two of a lane share frames.

    The earlier one ends where the next begins; one that lies wholly under another is left out.
    exclusive: all labels share a lane. what: the file, for the note that says so.
    """
    lanes: dict[str, list[Mark]] = {}
    changed = 0
    for mark in sorted(marks, key=lambda m: (m.first, -m.last)):
        lane = lanes.setdefault("" if exclusive else mark.label, [])
        if lane and mark.last <= lane[-1].last:
            changed += 1
            continue
        if lane and mark.first <= lane[-1].last:
            changed += 1
            before = lane[-1]
            if before.first == mark.first:
                lane.pop()
            else:
                end = mark.first - 1
                apex = before.apex if before.apex is not None and before.apex <= end else None
                lane[-1] = replace(before, last=end, apex=apex)
        lane.append(mark)
    if changed:
        notes.append(f"{what}: {changed} ranges shared frames with another and were cut")
    return [mark for lane in lanes.values() for mark in lane]


def take_entries(name: str, dimension: str, samples: list[list[float]]) -> list[Entry]:
    """A recording as it is imported; none for no sample."""
    if not samples:
        return []
    begun = {"take": name, "dimension": dimension, "device": "import"}
    return [Entry("va", "take", begun), Entry("va", "samples", {"take": name, "samples": samples})]


def seen_entry(task: str, labels: Sequence[str]) -> Entry:
    """All frames were looked through for these labels."""
    return Entry(task, "seen", {"labels": list(labels)})


def read_text(path: Path) -> str:
    """Read UTF-8; raises InputError where it cannot be read."""
    try:
        return path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read: {error}") from error


def safe_name(text: str) -> str:
    """A name that is fit for a file: `/` and what begins with a point are changed."""
    found = text.replace("/", "_").replace("\\", "_").replace("\0", "_")
    return f"_{found}" if found.startswith(".") else found
