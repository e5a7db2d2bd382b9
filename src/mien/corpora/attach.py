"""Labels for faces that a store holds already, from a CSV: another layer beside the import's own.

The CSV names each face by `image`, or by `video` and `time_s` (or `timestamp`, from the first
frame), or by `video` and `frame` of the store's grid (and `track`, where a frame shows several
people); `a.png` may stand for `corpus/a.png` where only one corpus has such a name. Its label
columns are those of `mien import folder`.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from mien.corpora.imported import ImportOptions
from mien.corpora.label_table import LabelTable, read_label_table
from mien.corpora.table_file import number, read_table
from mien.errors import InputError
from mien.labels.heads import heads_in
from mien.store import Store
from mien.store.files import log_file
from mien.store.names import short_names

Key = tuple[str | float, ...]

TIMES = ("time_s", "timestamp")
TOLERANCE_S = 2e-3
"""Times are written with three decimals."""


@dataclass
class Attached:
    """What came of it. unmatched: faces that the store has not, or has several of, as written."""

    layer: str
    rows: int
    labelled: int
    heads: dict[str, tuple[str, ...]]
    unmatched: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def attach_labels(store: Store, path: Path, layer: str, options: ImportOptions) -> Attached:
    """Put a CSV's labels into a layer of the store, replacing what it said of these faces.

    Raises InputError for a table that cannot be read, names a face twice, or fits no face at all.
    """
    keys = _keys(path)
    table = read_label_table(path, options, keys)
    cells = _written(path, table, keys)
    faces = _Faces(store, keys)
    found: dict[int, int] = {}
    unmatched = []
    for row, cell in enumerate(cells):
        matching = faces.of(cell)
        if not matching:
            unmatched.append(" ".join(map(str, cell)))
        for face in matching:
            if found.setdefault(face, row) != row:
                told = " ".join(map(str, cell))
                raise InputError(f"{path}, line {table.line[row]}: {told} is named twice")
    if not found:
        raise InputError(
            f"{path}: fits no face of {store.folder}: it has no {keys[0]} "
            f"{' '.join(map(str, cells[0]))!r}"
        )
    columns = table.columns(np.fromiter(found.values(), np.intp))
    heads = {head.name: head.outputs for head in heads_in(columns)}
    if not heads:
        raise InputError(f"{path}: has no column of labels")
    store.label(layer, store.column("face_id")[np.fromiter(found, np.intp)], columns)
    notes = [*table.notes, *_not_kept(table)]
    if keys[0] == "video":
        notes += _of_grids(store, keys, {store.names("video")[face] for face in found})
    return Attached(layer, len(cells), len(found), heads, unmatched, notes)


def _not_kept(table: LabelTable) -> list[str]:
    left = sorted({*table.ignored, *table.names} - {"expression"})
    return [f"columns not kept, labels alone are: {', '.join(left)}"] if left else []


def _of_grids(store: Store, keys: tuple[str, ...], videos: set[str | None]) -> list[str]:
    """What frames mean, and where they are not the file's own: other tools number those."""
    if keys[1] in TIMES:
        return [f"frames were found by {keys[1]}"]
    notes = []
    for video in sorted(name for name in videos if name):
        try:
            log = json.loads(log_file(store.folder, video).read_text("utf-8"))
            told = (log["settings"]["fps"], log["summary"]["frames"], log["summary"]["decoded"])
        except (OSError, ValueError, LookupError, TypeError):
            continue
        if told[1] != told[2]:
            notes.append(
                f"warning: {video}: frames were taken for those of the store's grid ({told[0]:g} a "
                f"second, {told[1]}), the file has {told[2]} of its own; a column time_s is safer"
            )
    return notes


def _keys(path: Path) -> tuple[str, ...]:
    header = read_table(path, "image").header
    if "image" in header:
        return ("image",)
    when = next((name for name in (*TIMES, "frame") if name in header), None)
    if "video" not in header or when is None:
        raise InputError(f"{path}: needs the column image, or the columns video and frame")
    return ("video", when, "track") if "track" in header else ("video", when)


def _written(path: Path, table: LabelTable, keys: tuple[str, ...]) -> list[Key]:
    """The key of each row: a name, then numbers."""
    columns: list[Sequence[str | float]] = [table.keys[keys[0]]]
    for name in keys[1:]:
        numbers = []
        for cell, line in zip(table.keys[name], table.line, strict=True):
            value = number(cell)
            whole = name not in TIMES
            if value is None or value < 0 or (whole and value != int(value)):
                what = "a whole number" if whole else "a time in seconds"
                raise InputError(f"{path}, line {line}: {name} is {cell!r}, not {what}")
            numbers.append(int(value) if whole else value)
        columns.append(numbers)
    return list(zip(*columns, strict=True))


class _Faces:
    """Finds rows of the store's table by what a CSV says of a face."""

    def __init__(self, store: Store, keys: tuple[str, ...]) -> None:
        self._names = short_names(store.codes(keys[0]).names)
        self._by_time = len(keys) > 1 and keys[1] in TIMES
        self._tracks, self._times = store.column("track"), store.column("time_s")
        self._rows: dict[Key, list[int]] = {}
        names = store.names(keys[0])
        columns = [self._places() if k in TIMES else store.column(k).tolist() for k in keys[1:]]
        for row, (name, *where) in enumerate(zip(names, *columns, strict=True)):
            if name is not None:
                self._rows.setdefault((name, *where), []).append(row)

    def _places(self) -> list[int]:
        """Times as whole steps of the tolerance; -1 where there is none."""
        places: list[int] = np.nan_to_num(self._times // TOLERANCE_S, nan=-1).astype(int).tolist()
        return places

    def of(self, cell: Key) -> list[int]:
        """Return the rows of the one face that is meant; none where there is none, or several.

        By time it has several rows where the grid repeats a decoded frame.
        """
        name = self._names.get(str(cell[0]), "")
        if not self._by_time:
            rows = self._rows.get((name, *cell[1:]), [])
            return rows if len(rows) == 1 else []
        time_s, place = float(cell[1]), int(float(cell[1]) // TOLERANCE_S)
        found = [
            row
            for step in (place - 1, place, place + 1)
            for row in self._rows.get((name, step, *cell[2:]), ())
            if abs(self._times[row] - time_s) <= TOLERANCE_S
        ]
        return found if len({int(self._tracks[row]) for row in found}) == 1 else []
