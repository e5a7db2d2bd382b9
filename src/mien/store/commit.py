"""Committing an import: its faces, labels, split and log, all of it or nothing.

Importing again replaces what the source held. Faces that it had before keep their split, and what
other layers say of them.
"""

import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mien.atomic import write_text
from mien.errors import InputError
from mien.store.edit import Edit
from mien.store.files import log_file
from mien.store.layers import labelled_rows, layer_table, to_arrow
from mien.store.schema import (
    FACE_COLUMNS,
    FACE_SCHEMA,
    FACES,
    IN_CORPUS,
    NAME,
    Source,
    check_part_name,
    labels_part,
    split_part,
)
from mien.store.segments import read_part
from mien.store.shards import StagedCrops
from mien.text import to_json

if TYPE_CHECKING:
    from mien.store.store import Store

WORTH = 0.5
"""Shards of which faces hold a smaller share are written again when an import is replaced."""
OFFICIAL = "official"
"""The split that corpora bring with them."""


@dataclass(frozen=True)
class Import:
    """What is committed.

    source: its name in the store. corpus: begins the names of its subjects, videos and images.
    faces: columns of `schema.FACE_COLUMNS` by name, NaN or None where missing; `row` is the row of
    each face among the crops (in their order where it is left out). labels: columns by layer.
    split: part of each face in the official split. settings, log: what the log keeps. margin: that
    the crops were cut with, None where somebody else cut them.
    """

    source: str
    corpus: str
    kind: str
    crops: StagedCrops
    faces: Mapping[str, Any]
    labels: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    split: Sequence[str | None] | None = None
    summary: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    path: str = ""
    digest: str = ""
    fingerprint: str = ""
    margin: float | None = None


@dataclass(frozen=True)
class Committed:
    """What came of it. lost: labels of other layers on faces that the source holds no more."""

    face_ids: NDArray[np.int64]
    lost: dict[str, int]


def commit(store: "Store", new: Import) -> Committed:
    """Make an import true; to be called under the store's lock."""
    check_part_name("corpus", new.corpus)
    n = new.crops.rows if "row" not in new.faces else len(new.faces["row"])
    _check(new, n)
    edit = Edit(store.folder, store.info)
    shard, row = edit.append_crops(new.crops)
    staged = np.asarray(new.faces.get("row", np.arange(n)), np.intp)
    ids = np.arange(edit.next_face, edit.next_face + n)
    faces = _face_table(new, ids, shard[staged], row[staged])
    labels = {layer: layer_table(ids, columns) for layer, columns in new.labels.items()}
    old = _old_faces(edit, new.source)
    carried, lost = _carry(edit, old, faces, new) if len(old) else ({}, {})
    edit.append(FACES, faces)
    for layer, (heads, table) in labels.items():
        add_layer(edit, layer)
        edit.add_heads(heads)
        edit.append(labels_part(layer), labelled_rows(table))
    for part, table in carried.items():
        edit.append(part, table)
    if new.split is not None and any(part is not None for part in new.split):
        edit.append(split_part(OFFICIAL), split_table(ids, new.split))
    edit.next_face += n
    if len(old):
        edit.drop_shards(_used_shards(edit))
        edit.rewrite_shards(WORTH)
    entry = _entry(new, ids)
    edit.set_source(new.source, entry)
    _write_log(store.folder, new, entry, lost)
    store.save(edit)
    return Committed(ids, lost)


def remove(store: "Store", source: str) -> None:
    """Take out an import: its faces, labels, split and log; to be called under the lock."""
    edit = Edit(store.folder, store.info)
    ids = _old_faces(edit, source)["face_id"].to_numpy()
    for part in edit.segments:
        edit.drop(part, ids)
    edit.drop_shards(_used_shards(edit))
    edit.rewrite_shards(WORTH)
    del edit.sources[source]
    store.save(edit)
    log_file(store.folder, source).unlink(missing_ok=True)


def _check(new: Import, n: int) -> None:
    for name, values in new.faces.items():
        if name not in FACE_COLUMNS:
            raise InputError(f"{new.source}: faces have no column {name!r}")
        if len(values) != n:
            raise InputError(f"{new.source}: {name} has {len(values)} values for {n} faces")
    if new.split is not None and len(new.split) != n:
        raise InputError(f"{new.source}: the split has {len(new.split)} values for {n} faces")


def _face_table(
    new: Import, ids: NDArray[np.int64], shard: NDArray[np.int32], row: NDArray[np.int32]
) -> pa.Table:
    n = len(ids)
    given: dict[str, Any] = {
        **{name: values for name, values in new.faces.items() if name not in IN_CORPUS},
        "face_id": ids,
        "shard": shard,
        "row": row,
    }
    for name in IN_CORPUS:
        if name in new.faces:
            plain = pa.array(new.faces[name], pa.string(), from_pandas=True)
            given[name] = pc.binary_join_element_wise(f"{new.corpus}", plain, "/")
    arrays = []
    for column in FACE_SCHEMA:
        if column.name in ("corpus", "source"):
            value = new.corpus if column.name == "corpus" else new.source
            array = pa.DictionaryArray.from_arrays(np.zeros(n, np.int32), [value])
        elif column.name in given:
            array = to_arrow(given[column.name], column.type, f"{new.source}: {column.name}")
        else:
            array = pa.nulls(n, column.type)
        arrays.append(array)
    return pa.Table.from_arrays(arrays, schema=FACE_SCHEMA)


def split_table(face_ids: NDArray[np.int64], parts: Sequence[str | None]) -> pa.Table:
    """Rows of a split; faces in no part are left out."""
    table = pa.table(
        {"face_id": pa.array(face_ids, pa.int64()), "part": to_arrow(parts, NAME, "split")}
    )
    return table.filter(pc.is_valid(table["part"]))


def add_layer(edit: Edit, layer: str) -> None:
    """Note a layer, behind those there are."""
    check_part_name("layer", layer)
    if layer not in edit.layers:
        edit.layers.append(layer)
        edit.segments.setdefault(labels_part(layer), [])


def _entry(new: Import, ids: NDArray[np.int64]) -> Source:
    entry: Source = {
        "kind": new.kind,
        "corpus": new.corpus,
        "faces": len(ids),
        "ids": [int(ids[0]), int(ids[-1]) + 1] if len(ids) else [0, 0],
        "added": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
    }
    if new.path:
        entry["path"] = new.path
    if new.digest:
        entry["digest"] = new.digest
    if new.fingerprint:
        entry["settings"] = new.fingerprint
    if new.margin is not None:
        entry["margin"] = new.margin
    return entry


def _write_log(folder: Path, new: Import, entry: Source, lost: Mapping[str, int]) -> None:
    path = log_file(folder, new.source)
    path.parent.mkdir(exist_ok=True)
    content = {
        "source": new.source,
        **entry,
        "settings": new.settings,
        "summary": new.summary,
        "labels_lost": lost,
    }
    write_text(path, to_json(content))


# -- importing again -----------------------------------------------------------------------------


def _old_faces(edit: Edit, source: str) -> pa.Table:
    """Faces that the source has held until now."""
    entry = edit.sources.get(source)
    if entry is None or entry["faces"] == 0:
        return FACE_SCHEMA.empty_table()
    faces = edit.rows_of(FACES, np.arange(*entry["ids"]))
    return faces.filter(pc.equal(faces["source"].cast(pa.string()), source))


def _carry(
    edit: Edit, old: pa.Table, faces: pa.Table, new: Import
) -> tuple[dict[str, pa.Table], dict[str, int]]:
    """Take the source's old faces out of every part; returns what their successors inherit.

    A face succeeds one of the same image, or of the same box in the same decoded frame. The split
    follows the image or the video as a whole, unless the import brings its own.
    """
    ids = old["face_id"].to_numpy()
    successors: dict[Any, deque[int]] = {}  # several where the grid repeats a decoded frame
    for key, face in zip(_keys(faces, exact=True), faces["face_id"].to_pylist(), strict=True):
        successors.setdefault(key, deque()).append(face)
    heirs = (successors.get(key) for key in _keys(old, exact=True))
    new_id = [ids_of_key.popleft() if ids_of_key else None for ids_of_key in heirs]
    table = pa.table({"old": ids, "new": pa.array(new_id, pa.int64())})
    carried: dict[str, pa.Table] = {}
    lost: dict[str, int] = {}
    for part in edit.segments:
        if part == FACES:
            edit.drop(part, ids)
            continue
        said = edit.rows_of(part, ids)
        edit.drop(part, ids)
        kind, _, name = part.partition("/")
        if len(said) == 0 or (kind == "labels" and name in new.labels):
            continue
        if kind == "splits":
            if name != OFFICIAL or new.split is None:
                carried[part] = _carried_split(old, faces, said)
            continue
        place = pc.index_in(said["face_id"], table["old"].combine_chunks())
        at = said.schema.get_field_index("face_id")
        said = said.set_column(at, "face_id", table["new"].combine_chunks().take(place))
        carried[part] = said.filter(pc.is_valid(said["face_id"]))
        if len(carried[part]) < len(said):
            lost[name or kind] = len(said) - len(carried[part])
    return carried, lost


def _carried_split(old: pa.Table, faces: pa.Table, said: pa.Table) -> pa.Table:
    known = dict(zip(said["face_id"].to_pylist(), said["part"].to_pylist(), strict=True))
    keys = zip(_keys(old, exact=False), old["face_id"].to_pylist(), strict=True)
    parts = {key: known[face] for key, face in keys if face in known and key is not None}
    return split_table(
        faces["face_id"].to_numpy(), [parts.get(key) for key in _keys(faces, exact=False)]
    )


def _keys(faces: pa.Table, exact: bool) -> list[Any]:
    """What tells a face from others of its import; of its image or video alone unless exact."""
    images, videos = faces["image"].to_pylist(), faces["video"].to_pylist()
    if not exact:
        return [v if i is None else i for i, v in zip(images, videos, strict=True)]
    where = [faces[name].to_pylist() for name in ("time_s", "x0", "y0", "x1", "y1")]
    places = zip(videos, *where, strict=True)
    return [p if i is None else i for i, p in zip(images, places, strict=True)]


def _used_shards(edit: Edit) -> NDArray[np.intp]:
    table = read_part(edit.folder / FACES, edit.segments[FACES], ["shard"], FACE_SCHEMA)
    return np.unique(table["shard"].to_numpy()).astype(np.intp)
