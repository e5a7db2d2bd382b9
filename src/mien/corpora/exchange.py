"""A store's faces with everything it says of them, as one table that exports write.

A row per face. Columns: those of the store's faces without its own numbers; `LAYER:COLUMN` for what
each label layer says; `split:NAME` for the part of each split. Names begin with their corpus. The
table is a file of its own beside the crops (`faces.parquet`), or in the format that holds both.
"""

import argparse
import io
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray
from PIL import Image

from mien.corpora.imported import ImportSummary
from mien.errors import InputError
from mien.labels.heads import heads_in
from mien.progress import Progress, silent
from mien.store import Store
from mien.store.commit import OFFICIAL
from mien.store.schema import FACE_COLUMNS, IN_CORPUS, NAME
from mien.store.subjects import add_subjects

OWN = ("face_id", "source", "shard", "row")
"""Columns that mean something in one store alone."""
COLUMNS = tuple(name for name in FACE_COLUMNS if name not in OWN)
SPLIT = "split"
KEY = b"mien"
"""Of the schema's metadata: JSON with `version`, `size`, `layers` in order, `margins` by corpus,
and `subjects`, the lines of subjects.csv, left out of a pseudonymous export."""
VERSION = 1

Crops = NDArray[np.uint8]
Reader = Callable[[Sequence[int]], Crops]
"""Crops (N, S, S, 3) of rows of the table."""


def check_table(table: pa.Table, where: str) -> dict[str, Any]:
    """Return what the schema's metadata says; InputError where the table is no export of mien."""
    try:
        about: dict[str, Any] = json.loads((table.schema.metadata or {})[KEY])
        version = about["version"]
    except (KeyError, ValueError, TypeError):
        raise InputError(f"{where}: is no table that `mien export store` wrote") from None
    if version != VERSION:
        raise InputError(f"{where}: is of version {version}; this mien reads {VERSION}")
    if missing := [name for name in ("corpus", "image") if name not in table.column_names]:
        raise InputError(f"{where}: lacks the columns {', '.join(missing)}")
    return about


def take_in(
    store: Store,
    table: pa.Table,
    crops: Reader,
    kind: str,
    where: str,
    progress: Progress = silent,
) -> ImportSummary:
    """Commit every row of an exported table, a source for each of its corpora.

    Raises InputError where the table is none, or its corpora are in the store from elsewhere.
    """  # fmt: skip
    about = check_table(table, where)
    corpora = table["corpus"].to_pylist()
    summary = ImportSummary(Path(where).name, rows=len(table))
    for corpus in dict.fromkeys(corpora):
        if corpus is None:
            raise InputError(f"{where}: a row has no corpus")
        store.refuse_other_corpus(corpus, kind, where, named=True)
    for corpus in dict.fromkeys(corpora):
        rows = [i for i, name in enumerate(corpora) if name == corpus]
        _commit(store, table.take(rows), rows, corpus, crops, kind, where, about, progress)
        summary.faces += len(rows)
    layers = [layer for layer in about.get("layers", ()) if layer in store.layers]
    if layers:
        store.order_layers(layers)
    add_subjects(store.folder / "subjects.csv", about.get("subjects", []))
    summary.heads = {head.name: head.outputs for head in store.heads}
    return summary


def _commit(
    store: Store,
    table: pa.Table,
    rows: Sequence[int],
    corpus: str,
    crops: Reader,
    kind: str,
    where: str,
    about: dict[str, Any],
    progress: Progress,
) -> None:
    faces = {
        name: _own_name(table[name], corpus) if name in IN_CORPUS else table[name].to_pylist()
        for name in COLUMNS
        if name != "corpus" and name in table.column_names
    }
    with store.new_shard() as shard:
        for start in range(0, len(rows), 256):
            shard.append(crops(rows[start : start + 256]))
            progress(start, len(rows), corpus)
        done = store.commit(
            corpus, corpus=corpus, kind=kind, crops=shard, faces=faces,
            labels=_layers(table), split=_parts(table, OFFICIAL), path=where,
            margin=about.get("margins", {}).get(corpus), summary={"faces": len(rows)},
        )  # fmt: skip
    for column in table.column_names:
        prefix, _, name = column.partition(":")
        if prefix != SPLIT or name == OFFICIAL:
            continue
        parts = _parts(table, name)
        if parts is None:
            continue
        known: list[str | None] = [None] * len(store)
        if name in store.splits:
            known = store.assigned(name).to_list()
        for row, part in zip(store.find(done.face_ids), parts, strict=True):
            known[row] = part
        store.set_split(name, store.column("face_id"), known)


def _own_name(column: pa.ChunkedArray, corpus: str) -> list[str | None]:
    """Names without the corpus in front, which the store adds."""
    return [None if v is None else v.removeprefix(f"{corpus}/") for v in column.to_pylist()]


def _layers(table: pa.Table) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for column in table.column_names:
        layer, colon, name = column.partition(":")
        if colon and layer != SPLIT and table[column].null_count < len(table):
            values = table[column]
            plain = pa.types.is_dictionary(values.type) or pa.types.is_string(values.type)
            found.setdefault(layer, {})[name] = (
                values.to_pylist()
                if plain
                else pc.cast(values, pa.float32()).fill_null(float("nan")).to_numpy()
            )
    for layer, columns in found.items():
        heads_in(columns)  # raises where a column is of no head
        found[layer] = dict(columns)
    return found


def _parts(table: pa.Table, name: str) -> list[str | None] | None:
    column = f"{SPLIT}:{name}"
    return table[column].to_pylist() if column in table.column_names else None


def read_parquet(path: Path) -> pa.Table:
    """Read an exported table; raises InputError where it cannot."""
    try:
        return pq.read_table(path)
    except Exception as error:
        raise InputError(f"{path}: cannot be read ({error})") from error


def plain_names(table: pa.Table) -> pa.Table:
    """The table with names as plain text: for formats that know no dictionaries."""
    for i, field in enumerate(table.schema):
        if field.type == NAME:
            table = table.set_column(i, field.name, pc.cast(table[field.name], pa.string()))
    return table


class MienFolder:
    """The corpus kind `mien-folder`: PNG crops and faces.parquet, by `mien export store`."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Take none."""

    def run(
        self, path: Path, store: Store, args: argparse.Namespace, progress: Progress
    ) -> ImportSummary:
        """Import a folder."""
        table = read_parquet(path / "faces.parquet")
        files = table["file"].to_pylist() if "file" in table.column_names else None
        if files is None:
            raise InputError(f"{path}: its faces.parquet has no column file")

        def crops(rows: Sequence[int]) -> Crops:
            return np.stack([_png(_within(path, files[row]).read_bytes()) for row in rows])

        return take_in(store, table, crops, "mien-folder", str(path.resolve()), progress)


class Hdf5:
    """The corpus kind `hdf5`: a file by `mien export store --format hdf5`."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Take none."""

    def run(
        self, path: Path, store: Store, args: argparse.Namespace, progress: Progress
    ) -> ImportSummary:
        """Import a file."""
        import h5py

        try:
            file = h5py.File(path, "r")
        except Exception as error:
            raise InputError(f"{path}: is no HDF5 file that can be read ({error})") from error
        with file:
            if "faces.parquet" not in file or "images" not in file:
                raise InputError(f"{path}: is no HDF5 file that `mien export store` wrote")
            data = np.asarray(file["faces.parquet"]).tobytes()
            table = pq.read_table(io.BytesIO(data))
            images = file["images"]

            def crops(rows: Sequence[int]) -> Crops:
                found = np.empty((len(rows), *images.shape[1:]), np.uint8)
                for i, row in enumerate(rows):
                    found[i] = images[row]
                return found

            return take_in(store, table, crops, "hdf5", str(path.resolve()), progress)


class HuggingFace:
    """The corpus kind `huggingface`: a folder of Parquet shards with images inside."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Take none."""

    def run(
        self, path: Path, store: Store, args: argparse.Namespace, progress: Progress
    ) -> ImportSummary:
        """Import a folder."""
        files = sorted((path / "data").glob("*.parquet"))
        if not files:
            raise InputError(f"{path}: holds no data/*.parquet")
        table = pa.concat_tables([read_parquet(file) for file in files], promote_options="none")
        if "picture" not in table.column_names:
            raise InputError(f"{path}: its tables have no column picture")
        pictures = table["picture"]

        def crops(rows: Sequence[int]) -> Crops:
            return np.stack([_png(pictures[row].as_py()["bytes"]) for row in rows])

        plain = table.drop_columns(["picture"])
        return take_in(store, plain, crops, "huggingface", str(path.resolve()), progress)


def _png(data: bytes) -> Crops:
    try:
        with Image.open(io.BytesIO(data), formats=("PNG",)) as image:
            return np.asarray(image.convert("RGB"))
    except Exception as error:
        raise InputError(f"a crop cannot be read ({error})") from error


def _within(folder: Path, name: str) -> Path:
    """A file below the folder; InputError where the name leads elsewhere."""
    path = folder / str(name)
    if not path.resolve().is_relative_to(folder.resolve()) or not path.is_file():
        raise InputError(f"{folder}: {name!r} is no file in it")
    return path


def batches(count: int, size: int = 256) -> Iterator[range]:
    """Rows in order, some at a time."""
    for start in range(0, count, size):
        yield range(start, min(start + size, count))
