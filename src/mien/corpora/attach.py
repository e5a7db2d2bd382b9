"""Labels for faces that a store holds already, from a CSV: another layer beside the import's own.

The CSV names each face by `image`, or by `video` and `frame` (and `track`, where a frame shows
several people); `a.png` may stand for `corpus/a.png` where only one corpus has such a name. Its
label columns are those of `mien import folder`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from mien.corpora.imported import ImportOptions
from mien.corpora.label_table import LabelTable, read_label_table
from mien.corpora.table_file import number, read_table
from mien.errors import InputError
from mien.labels.heads import heads_in
from mien.store import Store
from mien.store.names import short_names

Key = tuple[str, ...]


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
    faces = _faces(store, keys)
    names = short_names(store.codes(keys[0]).names)
    found: dict[int, int] = {}
    unmatched = []
    for row, cell in enumerate(cells):
        matching = faces.get((names.get(cell[0], ""), *cell[1:]), [])
        if len(matching) != 1:
            unmatched.append(" ".join(cell))
        elif found.setdefault(matching[0], row) != row:
            raise InputError(f"{path}, line {table.line[row]}: {' '.join(cell)} is named twice")
    if not found:
        raise InputError(
            f"{path}: fits no face of {store.folder}: it has no {keys[0]} {' '.join(cells[0])!r}"
        )
    columns = table.columns(np.fromiter(found.values(), np.intp))
    heads = {head.name: head.outputs for head in heads_in(columns)}
    if not heads:
        raise InputError(f"{path}: has no column of labels")
    store.label(layer, store.column("face_id")[np.fromiter(found, np.intp)], columns)
    return Attached(layer, len(cells), len(found), heads, unmatched, table.notes)


def _keys(path: Path) -> tuple[str, ...]:
    header = read_table(path, "image").header
    if "image" in header:
        return ("image",)
    if not {"video", "frame"} <= set(header):
        raise InputError(f"{path}: needs the column image, or the columns video and frame")
    return ("video", "frame", "track") if "track" in header else ("video", "frame")


def _written(path: Path, table: LabelTable, keys: tuple[str, ...]) -> list[Key]:
    """The key of each row, whole numbers as such."""
    columns = [table.keys[keys[0]]]
    for name in keys[1:]:
        numbers = []
        for cell, line in zip(table.keys[name], table.line, strict=True):
            value = number(cell)
            if value is None or value < 0 or value != int(value):
                raise InputError(f"{path}, line {line}: {name} is {cell!r}, not a whole number")
            numbers.append(str(int(value)))
        columns.append(numbers)
    return list(zip(*columns, strict=True))


def _faces(store: Store, keys: tuple[str, ...]) -> dict[Key, list[int]]:
    """Rows of the store's table by key."""
    columns: list[Iterable[str | None]] = [store.names(keys[0])]
    columns += [map(str, store.column(name).tolist()) for name in keys[1:]]
    found: dict[Key, list[int]] = {}
    for row, key in enumerate(zip(*columns, strict=True)):
        if key[0] is not None:
            found.setdefault(key, []).append(row)
    return found
