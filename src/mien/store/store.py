"""Open, read and append to a store.

    store.json        what is there: segments, shards and how far they count, sources, heads, layers
    faces/            one row per face
    labels/LAYER/     labels by face_id
    splits/NAME/      part by face_id
    excluded/         face_ids that a review left out
    review.jsonl      what was decided in reviews
    subjects.csv      what is stated of people, edited by people
    pixels/SIZE/      shards of crops
    log/              what every import found, missed, refused
    partial/          what is being imported

A change writes new files and then store.json, which names them: whatever is interrupted before
leaves a state that no reader sees. Only committing holds the store's lock.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from threading import RLock
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mien.errors import InputError, unknown_name
from mien.labels.arrays import Labels
from mien.labels.heads import Head
from mien.ranges import PIXEL_SIZE
from mien.recognition.landmarks import in_crop
from mien.store import commit as committing
from mien.store import forget as forgetting
from mien.store.commit import OFFICIAL, Committed, Import
from mien.store.edit import Edit
from mien.store.empty import create_store, remove_empty
from mien.store.files import locked
from mien.store.layers import labelled_rows, layer_table, read_labels, replaced_rows
from mien.store.names import Names
from mien.store.schema import (
    EXCLUDED,
    FACE_COLUMNS,
    FACE_SCHEMA,
    FACES,
    LANDMARKS,
    NAME,
    StoreInfo,
    check_part_name,
    labels_part,
    split_part,
)
from mien.store.segments import read_part
from mien.store.shards import CropWriter, Pixels, StagedCrops, derive_shard, shard_file
from mien.store.subjects import Subjects, read_subjects
from mien.store.windows import track_numbers, track_windows

DEFAULT = "default"
"""The split that `mien split` makes."""


class Store:
    """A store on disk, as it was when it was opened; `reload` reads what others changed.

    Columns are read when they are asked for, and kept.
    """

    lock_wait_s: ClassVar[float] = 60.0
    """How long a writer waits for another one."""

    def __init__(self, folder: Path, info: StoreInfo) -> None:
        self.folder, self.info = folder, info
        self._stamp: tuple[int, ...] = ()
        self._cache: dict[str, Any] = {}
        self._held, self._turn = 0, RLock()

    @classmethod
    def open(cls, folder: Path) -> "Store":
        """Open an existing store; raises InputError where there is none or it cannot be read."""
        folder = Path(folder)
        if not (folder / "store.json").is_file():
            raise InputError(f"{folder}: not a store (no store.json in it)")
        return cls(folder, StoreInfo.read(folder / "store.json"))

    @classmethod
    def open_or_create(cls, folder: Path, size: int | None, default_size: int = 96) -> "Store":
        """Open a store, or start an empty one with crops of `size` pixels.

        Raises InputError for a size out of range, and where the store has crops of another one.
        """
        folder = Path(folder)
        if size is not None:
            PIXEL_SIZE.check("size", size)
        if not (folder / "store.json").is_file():
            create_store(folder, size or default_size, cls.lock_wait_s)
        store = cls.open(folder)
        if size not in (None, store.info.size):
            raise InputError(
                f"{folder}: holds {store.info.size} px crops, not {size} px; leave --size away "
                "(smaller sizes are derived where a recipe needs them) or use another store"
            )
        return store

    def __len__(self) -> int:
        """Number of faces."""
        return self.info.faces

    @property
    def heads(self) -> tuple[Head, ...]:
        """What the layers label, each head with all outputs that any layer names."""
        return self.info.heads

    @property
    def layers(self) -> tuple[str, ...]:
        """Label layers, in order of precedence."""
        return self.info.layers

    @property
    def splits(self) -> tuple[str, ...]:
        """Names of the splits."""
        return self.info.splits

    def reload(self) -> None:
        """Read what others changed; raises InputError where the store was removed."""
        stamp = _stamp(self.folder / "store.json")
        if stamp != self._stamp:
            self.info = StoreInfo.read(self.folder / "store.json")
        self._stamp = stamp
        self._cache.clear()

    # -- reading ---------------------------------------------------------------------------------

    def table(self, columns: Sequence[str] | None = None) -> pa.Table:
        """Columns (all, if None) of every face, as stored: see `schema.FACE_COLUMNS`."""
        return self._part(FACES, columns)

    def _part(self, part: str, columns: Sequence[str] | None = None) -> pa.Table:
        schema = FACE_SCHEMA if part == FACES else None
        return read_part(self.folder / part, self.info.segments.get(part, ()), columns, schema)

    def _kept(self, name: str, kind: str) -> pa.ChunkedArray:
        known = [n for n, (t, _) in FACE_COLUMNS.items() if (t == NAME) == (kind == "names")]
        if name not in known:
            raise unknown_name(f"column of {kind}", name, known)
        return self.table([name])[name]

    def column(self, name: str) -> NDArray[Any]:
        """A column of numbers (N,); where missing, NaN, or -1 in a column of whole numbers."""
        if name not in self._cache:
            values = self._kept(name, "numbers")
            missing = np.nan if pa.types.is_floating(values.type) else -1
            filled = pc.fill_null(values, pa.scalar(missing, values.type))
            self._cache[name] = filled.to_numpy()
        found: NDArray[Any] = self._cache[name]
        return found

    def codes(self, name: str) -> Names:
        """A column of names as codes and names. A subject is the person that subjects.csv says."""
        if name not in self._cache:
            found = Names.of_arrow(self._kept(name, "names"))
            if name == "subject" and self.subjects.aliases:
                found = found.renamed(self.subjects.person)
            self._cache[name] = found
        names: Names = self._cache[name]
        return names

    def ids(self) -> Names:
        """Return the subjects as the corpora name them, whoever subjects.csv says they are."""
        return Names.of_arrow(self._kept("subject", "names"))

    def names(self, column: str) -> list[str | None]:
        """A column of names as Python strings, None for null."""
        return self.codes(column).to_list()

    @property
    def subjects(self) -> Subjects:
        """What subjects.csv states; raises InputError where it is wrong."""
        if "subjects.csv" not in self._cache:
            self._cache["subjects.csv"] = read_subjects(self.folder / "subjects.csv")
        found: Subjects = self._cache["subjects.csv"]
        return found

    def find(self, face_ids: NDArray[np.int64]) -> NDArray[np.intp]:
        """Rows of the table by face_id; -1 for faces that the store does not hold."""
        mine, wanted = self.column("face_id"), np.asarray(face_ids, np.int64)
        if len(mine) == 0:
            return np.full(len(wanted), -1, np.intp)
        if mine[-1] - mine[0] == len(mine) - 1:  # no gap: the row follows from the number
            rows = (wanted - mine[0]).astype(np.intp)
            return np.where((rows >= 0) & (rows < len(mine)), rows, -1)
        rows = np.minimum(np.searchsorted(mine, wanted), len(mine) - 1)
        return np.where(mine[rows] == wanted, rows, -1).astype(np.intp)

    @property
    def excluded(self) -> NDArray[np.bool_]:
        """(N,) True where a review left a face out."""
        if EXCLUDED not in self._cache:
            out = np.zeros(len(self), bool)
            rows = self.find(self._part(EXCLUDED, ["face_id"])["face_id"].to_numpy())
            out[rows[rows >= 0]] = True
            self._cache[EXCLUDED] = out
        found: NDArray[np.bool_] = self._cache[EXCLUDED]
        return found

    def split(self, name: str | None = None) -> Names:
        """Part of every face in a split (`default` for None, else `official`, else the only one).

        Faces that a review left out are in none. Raises InputError where there is no such split.
        """
        parts = self.assigned(name)
        if not self.excluded.any():
            return parts
        return Names(np.where(self.excluded, -1, parts.codes).astype(np.int32), parts.names)

    def assigned(self, name: str | None = None) -> Names:
        """Part of every face in a split, of those too that a review left out: as it is stored."""
        name = self._split_name(name)
        if f"split {name}" not in self._cache:
            table = self._part(split_part(name), ["face_id", "part"])
            rows = self.find(table["face_id"].to_numpy())
            parts = Names.of_arrow(table["part"])
            codes = np.full(len(self), -1, np.int32)
            codes[rows[rows >= 0]] = parts.codes[rows >= 0]
            self._cache[f"split {name}"] = Names(codes, parts.names)
        found: Names = self._cache[f"split {name}"]
        return found

    def _split_name(self, name: str | None) -> str:
        if not self.splits:
            raise InputError(f"{self.folder}: has no split; `mien split {self.folder}` makes one")
        if name is None:
            name = next((n for n in (DEFAULT, OFFICIAL) if n in self.splits), None)
        if name is None and len(self.splits) == 1:
            name = self.splits[0]
        if name is None:
            raise InputError(f"{self.folder}: name one of its splits: {', '.join(self.splits)}")
        if name not in self.splits:
            raise InputError(
                f"{self.folder}: has no split {name!r}; it has {', '.join(self.splits)}"
            )
        return name

    def rows(self, part: str | None, split: str | None = None) -> NDArray[np.intp]:
        """Rows of the table in a part of a split; None: all. InputError where there is none.

        Faces that a review left out are not among them.
        """
        if part is None:
            return np.flatnonzero(~self.excluded)
        parts = self.split(split)
        found = np.flatnonzero(parts.where(part))
        if len(found) == 0:
            known = ", ".join(sorted(parts.used())) or "no part at all"
            raise InputError(
                f"{self.folder}: no face in part {part!r} of split {self._split_name(split)!r}; "
                f"it has {known}"
            )
        return found

    def labels(self, layers: Sequence[str] | None = None) -> Labels:
        """Labels of every face, in table order, from these layers, the first with precedence.

        None: all layers, in the store's order. Raises InputError for a layer that is not there.
        """
        chosen = self.layers if layers is None else tuple(layers)
        for layer in chosen:
            if layer not in self.layers:
                raise unknown_name("layer", layer, self.layers)
        tables = (self._part(labels_part(layer)) for layer in chosen)
        return read_labels(self.heads, tables, self.find, len(self))

    def layer(self, layer: str) -> pa.Table:
        """What one layer holds, as stored: face_id and its columns."""
        if layer not in self.layers:
            raise unknown_name("layer", layer, self.layers)
        return self._part(labels_part(layer))

    def margins(self, rows: NDArray[np.intp]) -> set[float | None]:
        """Margins that the crops at `rows` were cut with; None for those that others cut."""
        sources = self.codes("source").at(rows).used()
        return {self.info.sources[source].get("margin") for source in sources}

    def landmarks(self, rows: NDArray[np.intp] | None = None) -> NDArray[np.float32]:
        """Five landmarks (N, 5, 2) of every face in source pixels; NaN where unknown.

        rows: of the faces that are wanted; None: all.
        """
        chosen = slice(None) if rows is None else rows
        flat = np.stack([self.column(name)[chosen] for name in LANDMARKS], axis=1)
        return np.asarray(flat.reshape(-1, 5, 2), np.float32)

    def landmarks_in_crops(self, rows: NDArray[np.intp]) -> NDArray[np.float32]:
        """Five landmarks (N, 5, 2) of the faces at `rows`, -1 to 1 from edge to edge of the crop.

        NaN where they, the box or the crop's margin are unknown.
        """
        boxes = np.stack([self.column(name)[rows] for name in ("x0", "y0", "x1", "y1")], axis=1)
        sources = self.codes("source").at(rows)
        margins = [self.info.sources.get(name, {}).get("margin") for name in sources.names]
        known = np.array([np.nan if m is None else m for m in margins], np.float64)
        return in_crop(self.landmarks(rows), boxes, known[sources.codes])

    def windows(self, length: int, stride: int) -> NDArray[np.intp]:
        """Rows (W, length) of the faces of one track in `length` frames one after the other.

        A track's windows begin every `stride` frames of the grid, from its first; -1 where a frame
        shows no face of the track, and behind its end. Photographs are in no window.
        """
        columns = (self.codes("video").codes, self.column("track"), self.column("frame"))
        return track_windows(*columns, length, stride)

    def tracks(self) -> NDArray[np.intp]:
        """Number of every face's track, (N,), unlike in all videos; -1 of a photograph."""
        columns = (self.codes("video").codes, self.column("track"), self.column("frame"))
        return track_numbers(*columns)

    def pixels(self, size: int | None = None) -> Pixels:
        """Return the crops at `size` pixels (as imported, if None), deriving a smaller size once.

        Raises InputError for a size above the store's own: pixels are not invented.
        """
        size = self.info.size if size is None else size
        PIXEL_SIZE.check("size", size)
        if size > self.info.size:
            raise InputError(
                f"{self.folder}: holds {self.info.size} px crops, {size} px were asked for; "
                f"import again into a store with --size {size}"
            )
        if size < self.info.size:
            for number, rows in self.info.shards.items():
                source = shard_file(self.folder, self.info.size, number)
                target = shard_file(self.folder, size, number)
                naming = partial(self._naming, number)
                derive_shard(source, target, (self.info.size, size), rows, naming)
        shard, row = self.column("shard"), self.column("row")
        return Pixels(self.folder, size, shard, row, self.info.shards)

    @contextmanager
    def _naming(self, shard: int) -> Iterator[bool]:
        """Hold the lock while something derived from a shard gets its name: is it still there?"""
        with self._turn, nullcontext() if self._held else locked(self.folder, self.lock_wait_s):
            yield shard in StoreInfo.read(self.folder / "store.json").shards

    # -- writing ---------------------------------------------------------------------------------

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the store for writing, and read what others changed; may be held within itself.

        Raises InputError where another process goes on writing for `lock_wait_s` seconds.
        """
        with self._turn:  # of this process's threads
            if self._held:
                yield
                return
            with locked(self.folder, self.lock_wait_s):
                self._held += 1
                try:
                    self.reload()
                    yield
                finally:
                    self._held -= 1

    def discard_if_empty(self) -> None:
        """Remove a store that nothing was ever added to, unless somebody writes to it.

        What is kept to go on with an interrupted import keeps the store.
        """
        try:
            with self.writing():
                if not self.info.sources:
                    remove_empty(self.folder)
        except (InputError, OSError):
            return

    def new_shard(self) -> CropWriter:
        """Where the crops of an import go, at the store's size, until it is committed."""
        return CropWriter(self.folder / "partial", self.info.size)

    def commit(
        self,
        source: str,
        *,
        corpus: str,
        kind: str,
        crops: StagedCrops,
        faces: Mapping[str, Any],
        labels: Mapping[str, Mapping[str, Any]] | None = None,
        split: Sequence[str | None] | None = None,
        **about: Any,
    ) -> Committed:
        """Add an import's faces, whole or not at all, replacing what the source held before.

        The arguments are those of `commit.Import`; about: its `summary`, `settings`, `path`,
        `digest`, `fingerprint` and `margin`. Raises InputError for columns that do not fit, and for
        a corpus of another kind or path.
        """
        new = Import(source, corpus, kind, crops, faces, labels or {}, split, **about)
        with self.writing():
            self.refuse_other_corpus(corpus, kind, new.path, named=True)
            return committing.commit(self, new)

    def refuse_other_corpus(
        self, corpus: str, kind: str, path: str = "", named: bool = False
    ) -> None:
        """Raise InputError where another corpus has the name: of another kind or path.

        named: somebody gave the name, and so says that a corpus whose path is not there was moved.
        """
        check_part_name("corpus", corpus)
        for entry in self.info.sources.values():
            other = entry.get("path", "")
            if entry["corpus"] != corpus:
                continue
            if entry["kind"] != kind:
                what = f"is of another kind ({entry['kind']})"
            elif not path or other in ("", path) or (named and not Path(other).exists()):
                continue
            elif Path(other).exists():
                what = f"is that of {other}"
            else:
                what = f"is that of {other}, which is not there; --corpus {corpus} says it moved"
            raise InputError(
                f"{self.folder}: its corpus {corpus!r} {what}; "
                "give this one another name with --corpus NAME"
            )

    def remove(self, source: str) -> None:
        """Take out an import: its faces, labels, split and log."""
        with self.writing():
            if source not in self.info.sources:
                raise unknown_name("source", source, self.info.sources)
            committing.remove(self, source)

    def label(
        self, layer: str, face_ids: NDArray[np.int64] | Sequence[int], columns: Mapping[str, Any]
    ) -> None:
        """Say something of faces in one layer, made where it does not exist; in no other one.

        columns: of `Head.columns`, a value per face; they replace what the layer said in these
        columns of these faces, missing values included. Raises InputError for faces that the store
        does not hold or that are named twice, and for columns of no head.
        """
        ids = np.asarray(face_ids, np.int64)
        with self.writing():
            self._check_faces(f"layer {layer}", ids)
            heads, table = layer_table(ids, columns)
            for name in columns:  # a column of names without any takes names away
                if name not in table.column_names:
                    table = table.append_column(name, pa.nulls(len(ids)))
            edit, part = Edit(self.folder, self.info), labels_part(layer)
            committing.add_layer(edit, layer)
            edit.add_heads(heads)
            table = replaced_rows(edit.rows_of(part, ids), table)
            edit.drop(part, ids)
            edit.append(part, labelled_rows(table))
            self.save(edit)

    def order_layers(self, layers: Sequence[str]) -> None:
        """Set the precedence of the layers, the first wins; those not named follow as they were."""
        with self.writing():
            for layer in layers:
                if layer not in self.layers:
                    raise unknown_name("layer", layer, self.layers)
            edit = Edit(self.folder, self.info)
            edit.layers = list(dict.fromkeys((*layers, *self.layers)))
            self.save(edit)

    def set_split(
        self,
        name: str,
        face_ids: NDArray[np.int64] | Sequence[int],
        parts: Sequence[str | None],
    ) -> None:
        """Make or replace a split; faces that are not named, or whose part is None, are in none.

        Raises InputError for faces that the store does not hold or that are named twice, for
        another number of parts than of faces, and for a part's name that is not fit for one.
        """
        check_part_name("split", name)
        ids = np.asarray(face_ids, np.int64)
        if len(parts) != len(ids):
            raise InputError(f"split {name}: {len(parts)} parts for {len(ids)} faces")
        for part in dict.fromkeys(parts):
            if part is not None:
                check_part_name("part", part)
        with self.writing():
            self._check_faces(f"split {name}", ids)
            edit = Edit(self.folder, self.info)
            edit.replace(split_part(name), committing.split_table(ids, parts))
            self.save(edit)

    def _check_faces(self, what: str, ids: NDArray[np.int64]) -> None:
        if len(np.unique(ids)) < len(ids):
            raise InputError(f"{what}: a face is named twice")
        if (gone := self.find(ids) < 0).any():
            raise InputError(f"{self.folder}: holds no face {ids[gone][0]}")

    def save(self, edit: Edit) -> None:
        """Make a change true; to be called under the lock."""
        self.info = edit.save()
        self._stamp = _stamp(self.folder / "store.json")
        self._cache.clear()

    def forget(self, subject: str) -> forgetting.Forgotten:
        """Take a person out for good: see `forget.forget`."""
        with self.writing():
            return forgetting.forget(self, subject)


def _stamp(path: Path) -> tuple[int, ...]:
    """Changes when a file is replaced."""
    try:
        stat = path.stat()
    except FileNotFoundError:
        raise InputError(f"{path.parent}: is no store any more; it was removed") from None
    return stat.st_ino, stat.st_mtime_ns, stat.st_size
