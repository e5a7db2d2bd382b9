"""review.jsonl: what somebody decided of a store's faces and people, each decision a line.

    {"n": 1, "at": "2031-01-31T12:00:00+0000", "what": "drop", "drop": [[10, 14]]}
    {"n": 2, "at": ..., "what": "sex", "cells": [["talk/a#0", "sex", "", "f"]]}
    {"n": 3, "at": ..., "undo": 2}
    {"n": 4, "at": ..., "applied": true}

`drop` and `keep` are ranges of face_ids (first, last), of those faces alone that were the other
before; `cells` are cells of subjects.csv: id, column, before, after. So a decision is undone by its
opposite, however many came before it, and lines are only ever added. A decision counts in the store
when it is applied (`apply`), which ends in the line `applied`: dropped faces become rows of the
part `excluded`, cells are written into subjects.csv.
"""

import json
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mien.atomic import write_text
from mien.errors import InputError
from mien.store.edit import Edit
from mien.store.files import lock_file
from mien.store.schema import EXCLUDED
from mien.store.subjects import set_cells

if TYPE_CHECKING:
    from mien.store.store import Store

JOURNAL = "review.jsonl"
LOCK = ".review.lock"

Cell = tuple[str, str, str, str]
"""Of subjects.csv: id, column, before, after."""


@dataclass(frozen=True)
class Decision:
    """One decision. drop, keep: face_ids, (N,). cells: of subjects.csv, as they were and are."""

    number: int
    what: str
    drop: NDArray[np.int64]
    keep: NDArray[np.int64]
    cells: tuple[Cell, ...] = ()
    at: str = ""

    @property
    def opposite(self) -> "Decision":
        """What takes it back."""
        cells = tuple((i, column, after, before) for i, column, before, after in self.cells)
        return Decision(self.number, self.what, self.keep, self.drop, cells, self.at)


@dataclass
class Pending:
    """What decisions change in a store that does not know of them yet.

    dropped: face_id to whether it is left out. cells: value by id and column of subjects.csv.
    """

    dropped: dict[int, bool] = field(default_factory=dict)
    cells: dict[tuple[str, str], str] = field(default_factory=dict)

    def add(self, decision: Decision) -> None:
        """Let a decision follow those there are."""
        self.dropped.update(dict.fromkeys(decision.drop.tolist(), True))
        self.dropped.update(dict.fromkeys(decision.keep.tolist(), False))
        for name, column, _, after in decision.cells:
            self.cells[name, column] = after


class Journal:
    """review.jsonl of a store, open for one process at a time; used as a context manager.

    done: decisions that stand, in order. undone: those that `redo` brings back, the next one last.
    pending: what of them is not applied; waiting: how many lines that took.
    Raises InputError where another process reviews the store, and for a line that is broken. A last
    line that was not written to its end is cut off.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / JOURNAL
        lock = lock_file(folder / LOCK)
        if lock is None:
            raise InputError(f"{folder}: another process reviews it")
        self._lock = lock
        self.done: list[Decision] = []
        self.undone: list[Decision] = []
        self.pending, self.waiting, self._last = Pending(), 0, 0
        try:
            for line, entry in enumerate(_entries(self.path), 1):
                self._replay(line, entry)
        except BaseException:
            lock.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let others review the store."""
        self._lock.close()

    def decide(
        self,
        what: str,
        drop: Iterable[int] = (),
        keep: Iterable[int] = (),
        cells: Sequence[Cell] = (),
    ) -> Decision | None:
        """Add a decision; what was undone before is not redone any more. None: it changes nothing.

        drop, keep: face_ids that are the other now. cells: of which before and after differ.
        """
        entry: dict[str, Any] = {"what": what}
        if ranges := _ranges(drop):
            entry["drop"] = ranges
        if ranges := _ranges(keep):
            entry["keep"] = ranges
        if changed := [list(cell) for cell in cells if cell[2] != cell[3]]:
            entry["cells"] = changed
        if len(entry) == 1:
            return None
        self._write(entry)
        return self.done[-1]

    def undo(self) -> Decision | None:
        """Take back the last decision that stands; None where there is none."""
        if not self.done:
            return None
        self._write({"undo": self.done[-1].number})
        return self.undone[-1]

    def redo(self) -> Decision | None:
        """Bring back what was undone last; None where there is nothing."""
        if not self.undone:
            return None
        self._write({"redo": self.undone[-1].number})
        return self.done[-1]

    def applied(self) -> None:
        """Note that the store knows of every decision."""
        self._write({"applied": True})

    def _write(self, entry: Mapping[str, Any]) -> None:
        at = time.strftime("%Y-%m-%dT%H:%M:%S%z")
        whole = {"n": self._last + 1, "at": at, **entry}
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(whole, ensure_ascii=False) + "\n")
            file.flush()
            os.fsync(file.fileno())
        self._replay(0, whole)

    def _replay(self, line: int, entry: Mapping[str, Any]) -> None:
        try:
            self._last = int(entry["n"])
            if entry.get("applied"):
                self.pending, self.waiting = Pending(), 0
                return
            self.waiting += 1
            if "undo" in entry:
                self._move(self.done, self.undone, entry["undo"])
                self.pending.add(self.undone[-1].opposite)
            elif "redo" in entry:
                self._move(self.undone, self.done, entry["redo"])
                self.pending.add(self.done[-1])
            else:
                self.done.append(_decision(entry))
                self.undone.clear()
                self.pending.add(self.done[-1])
        except (LookupError, TypeError, ValueError) as error:
            raise InputError(f"{self.path}, line {line}: no decision ({error!r})") from error

    @staticmethod
    def _move(source: list[Decision], target: list[Decision], number: int) -> None:
        if not source or source[-1].number != number:
            raise ValueError(f"decision {number} is not the last one")
        target.append(source.pop())


def apply(store: "Store", journal: Journal) -> int:
    """Make the store follow the decisions that wait; returns how many faces it leaves out then.

    Raises InputError, and changes nothing, where subjects.csv would say that somebody is somebody
    else in a circle. May be interrupted: called again, it goes on.
    """
    with store.writing():
        set_cells(store.folder / "subjects.csv", journal.pending.cells)
        left_out = store.column("face_id")[effective(store, journal.pending)]
        if journal.pending.dropped:
            edit = Edit(store.folder, store.info)
            edit.replace(EXCLUDED, pa.table({"face_id": pa.array(left_out, pa.int64())}))
            store.save(edit)
        store.reload()
        if journal.waiting:
            journal.applied()
    return len(left_out)


def effective(store: "Store", pending: Pending) -> NDArray[np.bool_]:
    """Faces (N,) that are left out once the decisions that wait are applied."""
    dropped = store.excluded.copy()
    if pending.dropped:
        rows = store.find(np.fromiter(pending.dropped, np.int64))
        values = np.fromiter(pending.dropped.values(), bool)
        dropped[rows[rows >= 0]] = values[rows >= 0]
    return dropped


def forget_decisions(folder: Path, names: set[str]) -> None:
    """Take what names these people out of the journal; their decisions are empty then.

    Raises InputError where somebody reviews the store at this moment.
    """
    path = folder / JOURNAL
    if not path.exists():
        return
    with Journal(folder):
        lines = []
        for entry in _entries(path):
            if "cells" in entry:
                entry["cells"] = [cell for cell in entry["cells"] if not names & set(cell)]
            lines.append(json.dumps(entry, ensure_ascii=False) + "\n")
        write_text(path, "".join(lines))


def _entries(path: Path) -> list[dict[str, Any]]:
    """Lines of the journal; one that was broken off at the end is cut away."""
    try:
        whole = path.read_bytes()
    except FileNotFoundError:
        return []
    ends = whole.rfind(b"\n") + 1
    if ends < len(whole):
        with path.open("r+b") as file:
            file.truncate(ends)
    found = []
    for line, text in enumerate(whole[:ends].splitlines(), 1):
        try:
            entry = json.loads(text)
        except ValueError:
            entry = None
        if not isinstance(entry, dict):
            raise InputError(f"{path}, line {line}: no decision; remove the line")
        found.append(entry)
    return found


def _decision(entry: Mapping[str, Any]) -> Decision:
    cells = []
    for name, column, before, after in entry.get("cells", ()):
        cells.append((str(name), str(column), str(before), str(after)))
    drop, keep = (_faces(entry.get(key, ())) for key in ("drop", "keep"))
    return Decision(
        int(entry["n"]), str(entry["what"]), drop, keep, tuple(cells), str(entry.get("at", ""))
    )


def _faces(ranges: Iterable[Sequence[int]]) -> NDArray[np.int64]:
    parts = [np.arange(int(first), int(last) + 1, dtype=np.int64) for first, last in ranges]
    return np.concatenate([np.empty(0, np.int64), *parts])


def _ranges(faces: Iterable[int]) -> list[list[int]]:
    ids = np.unique(np.array(list(faces), np.int64))
    parts = np.split(ids, np.flatnonzero(np.diff(ids) > 1) + 1)
    return [[int(part[0]), int(part[-1])] for part in parts if len(part)]
