"""Open, read and append to a store.

    store.json        what the columns mean, what was imported
    faces.parquet     one row per face; replaced whole, so that a reader sees one state
    pixels/<size>/    immutable shards of crops

An import writes its shard, then the table, then its entry in store.json; whatever is interrupted
before the last leaves rows that no reader sees and that the next import drops.
"""

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from mien.atomic import replacing
from mien.errors import InputError
from mien.labels import action_units, expressions
from mien.labels.arrays import UNLABELLED, LabelArrays
from mien.store.schema import FACE_COLUMNS, StoreInfo, face_schema
from mien.store.shards import Pixels, ShardWriter, derive_shard, shard_file


class Store:
    """A store on disk. `table` is read once, lazily; `reload` reads what others appended."""

    def __init__(self, folder: Path, info: StoreInfo) -> None:
        self.folder, self.info = folder, info
        self._table: pa.Table | None = None

    @classmethod
    def open(cls, folder: Path) -> "Store":
        """Open an existing store; raises InputError where there is none or it cannot be read."""
        if not (folder / "store.json").is_file():
            raise InputError(f"{folder}: not a store (no store.json in it)")
        return cls(folder, StoreInfo.read(folder / "store.json"))

    @classmethod
    def open_or_create(cls, folder: Path, size: int | None, default_size: int = 96) -> "Store":
        """Open a store, or start an empty one with crops of `size` pixels.

        Raises InputError where the store exists with crops of another size.
        """
        if (folder / "store.json").is_file():
            store = cls.open(folder)
            if size not in (None, store.info.size):
                raise InputError(
                    f"{folder}: holds {store.info.size} px crops, not {size} px; leave --size away "
                    "(smaller sizes are derived where a recipe needs them) or use another store"
                )
            return store
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise InputError(f"{folder}: exists and is not a store; give an empty or new folder")
        folder.mkdir(parents=True, exist_ok=True)
        info = StoreInfo(size or default_size)
        info.write(folder / "store.json")
        return cls(folder, info)

    @property
    def table(self) -> pa.Table:
        """All faces, one row each (see `schema.FACE_COLUMNS`)."""
        if self._table is None:
            self._table = self._read_table()
        return self._table

    def _read_table(self) -> pa.Table:
        path = self.folder / "faces.parquet"
        schema = face_schema(self.info.aus)
        if not path.exists():
            return schema.empty_table()
        try:
            table = pq.read_table(path, memory_map=True)
        except (OSError, pa.ArrowInvalid) as error:
            raise InputError(f"{path}: cannot be read: {error}") from error
        if lacking := set(schema.names) - set(table.column_names):
            raise InputError(f"{path}: lacks the columns {', '.join(sorted(lacking))}")
        complete = pa.array(list(self.info.sources), pa.string())
        owned = pc.is_in(table["source"].cast(pa.string()), complete)
        return table if pc.all(owned).as_py() else table.filter(owned)

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def reload(self) -> None:
        """Read store.json and the table again."""
        self.info = StoreInfo.read(self.folder / "store.json")
        self._table = None

    # -- reading ---------------------------------------------------------------------------------

    def names(self, column: str) -> list[str | None]:
        """Return a column of names (video, subject, split, ...) as Python strings or None."""
        values: list[str | None] = self.table[column].to_pylist()
        return values

    def rows(self, split: str | None) -> NDArray[np.intp]:
        """Rows of the table in a split; all of them for None. InputError where it is empty."""
        if split is None:
            return np.arange(len(self))
        found = np.flatnonzero(np.array([s == split for s in self.names("split")], bool))
        if len(found) == 0:
            known = sorted({s for s in self.names("split") if s})
            have = f"it has {', '.join(known)}" if known else "`mien split` makes one"
            raise InputError(f"{self.folder}: no face in split {split!r}; {have}")
        return found

    def labels(self) -> LabelArrays:
        """Return the labels of every face, in table order."""
        aus, names, n = self.info.aus, self.info.expressions, len(self)
        present = [self._filled(action_units.column(au), UNLABELLED, np.int8) for au in aus]
        intensity = [self._filled(f"{action_units.column(au)}_r", np.nan, np.float32) for au in aus]
        va = [self._filled(name, np.nan, np.float32) for name in ("valence", "arousal")]
        codes = pc.index_in(
            self.table["expression"].cast(pa.string()), pa.array(names, pa.string())
        )
        return LabelArrays(
            aus,
            names,
            np.stack(va, axis=1),
            np.stack(present, axis=1) if aus else np.empty((n, 0), np.int8),
            pc.fill_null(codes, UNLABELLED).to_numpy().astype(np.int8),
            np.stack(intensity, axis=1) if aus else np.empty((n, 0), np.float32),
        )

    def _filled(self, column: str, missing: float, kind: type[np.generic]) -> NDArray[Any]:
        values = self.table[column]
        filled = pc.fill_null(values, pa.scalar(missing, values.type))
        return np.asarray(filled.to_numpy(), kind)

    def pixels(self, size: int | None = None) -> Pixels:
        """Return the crops at `size` pixels (as imported, if None), deriving a smaller size once.

        Raises InputError for a size above the store's own: pixels are not invented.
        """
        size = size or self.info.size
        if size > self.info.size:
            raise InputError(
                f"{self.folder}: holds {self.info.size} px crops, {size} px were asked for; "
                f"import again into a store with --size {size}"
            )
        shard = self.table["shard"].to_numpy()
        for number in np.unique(shard):
            target = shard_file(self.folder, size, int(number))
            if not target.exists():
                derive_shard(shard_file(self.folder, self.info.size, int(number)), target, size)
        return Pixels(self.folder, size, shard, self.table["row"].to_numpy())

    # -- writing ---------------------------------------------------------------------------------

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the store for writing; raises InputError while another process does."""
        with (self.folder / ".lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise InputError(f"{self.folder}: another process is writing to it") from None
            self.reload()
            yield

    def discard_if_empty(self) -> None:
        """Remove a store that nothing was ever added to, unless somebody writes to it."""
        try:
            with self.writing():
                if self.info.sources:
                    return
                for name in ("store.json", ".lock"):
                    (self.folder / name).unlink(missing_ok=True)
                for inner in sorted(self.folder.rglob("*"), reverse=True):
                    inner.rmdir()
                self.folder.rmdir()
        except (InputError, OSError):
            return

    def new_shard(self) -> tuple[int, ShardWriter]:
        """Start a shard of crops at the store's size, under a number that was never used."""
        size = self.info.size
        files = shard_file(self.folder, size, 0).parent.glob("[0-9]*.npy")
        number = max([self.info.next_shard, *(int(file.stem) + 1 for file in files)])
        return number, ShardWriter(shard_file(self.folder, size, number), size)

    def commit(
        self,
        source: str,
        entry: Mapping[str, Any],
        columns: Mapping[str, Any],
        aus: tuple[int, ...] = (),
        expression_names: tuple[str, ...] = (),
    ) -> None:
        """Add an import's faces and say that it is complete, replacing what it had before.

        columns: name to array or list, all of one length; columns left out are null, but for the
        split: faces of images or videos that the import had before keep theirs.
        aus, expression_names: what the import's labels name, added to the store's own lists.
        """
        info = replace(
            self.info,
            next_shard=max([self.info.next_shard, *(int(s) + 1 for s in columns["shard"])]),
            aus=action_units.merged(self.info.aus, aus),
            expressions=expressions.merged(self.info.expressions, expression_names),
            sources={**self.info.sources, source: dict(entry)},
        )
        mine = pc.equal(self.table["source"].cast(pa.string()), source)
        kept = self.table.filter(pc.invert(mine))
        first = int(pc.max(self.table["face_id"]).as_py() + 1) if len(self) else 0
        carried = _carried_split(self.table.filter(mine), columns)
        added = _rows(source, first, {**carried, **columns}, info.aus)
        table = pa.concat_tables([kept, added], promote_options="default").unify_dictionaries()
        order = [name for name in face_schema(info.aus).names if name in table.column_names]
        self._write_table(table.select(order))
        info.write(self.folder / "store.json")
        self.info = info
        self._drop_unused_shards()

    def relabel(
        self,
        rows: NDArray[np.intp],
        columns: Mapping[str, Any],
        aus: tuple[int, ...] = (),
        expression_names: tuple[str, ...] = (),
    ) -> None:
        """Replace columns of the faces at `rows`; pixels stay untouched.

        columns: name to one value per row, NaN or None where unknown. aus, expression_names: as for
        `commit`.
        """
        info = replace(
            self.info,
            aus=action_units.merged(self.info.aus, aus),
            expressions=expressions.merged(self.info.expressions, expression_names),
        )
        table = self.table
        for field in face_schema(info.aus):
            if field.name not in table.column_names:
                table = table.append_column(field, pa.nulls(len(table), field.type))
        for name, values in columns.items():
            index = table.schema.get_field_index(name)
            kind = table.schema.field(index).type
            plain = kind.value_type if pa.types.is_dictionary(kind) else kind
            mixed = np.array(table[name].cast(plain).to_pylist(), object)
            mixed[rows] = np.array(pa.array(values, plain, from_pandas=True).to_pylist(), object)
            table = table.set_column(index, name, pa.array(mixed, plain).cast(kind))
        self._write_table(table.select(face_schema(info.aus).names))
        info.write(self.folder / "store.json")
        self.info = info

    def set_column(self, name: str, values: pa.Array) -> None:
        """Replace one column of the table (a split, a relabelling); pixels stay untouched."""
        index = self.table.schema.get_field_index(name)
        kind = FACE_COLUMNS[name][0]
        self._write_table(self.table.set_column(index, name, values.cast(kind)))

    def _write_table(self, table: pa.Table) -> None:
        with replacing(self.folder / "faces.parquet") as temporary:
            pq.write_table(table, temporary, compression="zstd")
        self._table = table

    def _drop_unused_shards(self) -> None:
        """Remove shards that no row names: an interrupted or replaced import's."""
        used = {int(s) for s in np.unique(self.table["shard"].to_numpy())}
        for path in (self.folder / "pixels").glob("*/[0-9]*.npy"):
            if int(path.stem) not in used:
                path.unlink()
        for path in (self.folder / "pixels").glob("*/.*.tmp"):
            if not _is_running(int(path.name.split(".")[2])):
                path.unlink(missing_ok=True)


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _carried_split(old: pa.Table, columns: Mapping[str, Any]) -> dict[str, Any]:
    """Find the split of faces whose image, or video, the import had before."""
    key = "image" if "image" in columns else "video"
    if "split" in columns or old.num_rows == 0 or key not in columns:
        return {}
    known = dict(zip(old[key].to_pylist(), old["split"].to_pylist(), strict=True))
    return {"split": [known.get(name) for name in columns[key]]}


def _rows(source: str, first: int, columns: Mapping[str, Any], aus: tuple[int, ...]) -> pa.Table:
    """Build a face table from columns, with `source`, new face ids, and nulls for the rest."""
    schema = face_schema(aus)
    n = len(columns["shard"])
    filled: dict[str, Any] = {
        **columns,
        "source": pa.array([source] * n, pa.string()),
        "face_id": np.arange(first, first + n),
    }
    arrays = []
    for field in schema:
        values = filled.get(field.name)
        if values is None:
            arrays.append(pa.nulls(n, field.type))
            continue
        plain = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
        arrays.append(pa.array(values, plain, from_pandas=True).cast(field.type))
    return pa.Table.from_arrays(arrays, schema=schema)
