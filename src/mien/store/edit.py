"""A change of a store in the making: new files that no reader sees until store.json names them."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mien.labels.heads import Head, merged_heads
from mien.store.files import GRACE_S, flush_all, remove_leftovers
from mien.store.schema import FACE_SCHEMA, FACES, Segment, Source, StoreInfo
from mien.store.segments import discard_unnamed, filtered, read_part, to_merge, write_segment
from mien.store.shards import (
    StagedCrops,
    append_rows,
    capacity,
    copy_rows,
    rows_in,
    shard_file,
    shards_in,
)


class Edit:
    """Collects what a change writes; `save` makes it true. To be made under the store's lock."""

    def __init__(self, folder: Path, info: StoreInfo) -> None:
        self.folder = folder
        self.heads, self.layers = info.heads, list(info.layers)
        self.segments = {part: list(found) for part, found in info.segments.items()}
        self.shards, self.sources = dict(info.shards), dict(info.sources)
        self.next_face, self.next_shard = info.next_face, info.next_shard
        self._info, self._next_segment = info, info.next_segment
        self._written: list[Path] = []

    # -- tables ----------------------------------------------------------------------------------

    def append(self, part: str, table: pa.Table) -> None:
        """Add rows to a part (`faces`, `labels/LAYER`, `splits/NAME`)."""
        segments = self.segments.setdefault(part, [])
        if len(table):
            segments.append(self._write(part, table))
        if many := to_merge(segments):
            whole = read_part(self.folder / part, segments[-many:])
            segments[-many:] = [self._write(part, whole)]

    def replace(self, part: str, table: pa.Table) -> None:
        """Make a part hold this table alone."""
        self.segments[part] = []
        self.append(part, table)

    def change(
        self, part: str, ids: tuple[int, int], change: Callable[[pa.Table], pa.Table]
    ) -> None:
        """Write the segments again that may hold a face_id in [ids[0], ids[1]), changed."""
        kept: list[Segment] = []
        for segment in self.segments[part]:
            if segment.last < ids[0] or segment.first >= ids[1]:
                kept.append(segment)
                continue
            table = read_part(self.folder / part, [segment])
            changed = change(table)
            if changed is table:
                kept.append(segment)
            elif len(changed):
                kept.append(self._write(part, changed))
        self.segments[part] = kept

    def drop(self, part: str, ids: NDArray[np.int64]) -> None:
        """Take out the rows of some faces."""
        if len(ids) == 0:
            return

        def without(table: pa.Table) -> pa.Table:
            gone = pc.is_in(table["face_id"], pa.array(ids))
            return filtered(table, pc.invert(gone)) if pc.any(gone).as_py() else table

        self.change(part, (int(ids.min()), int(ids.max()) + 1), without)

    def rows_of(self, part: str, ids: NDArray[np.int64]) -> pa.Table:
        """What a part says of some faces."""
        if len(ids) == 0:
            return read_part(self.folder / part, [])
        low, high = int(ids.min()), int(ids.max())
        near = [s for s in self.segments.get(part, ()) if s.last >= low and s.first <= high]
        table = read_part(self.folder / part, near)
        return table.filter(pc.is_in(table["face_id"], pa.array(ids)))

    def _write(self, part: str, table: pa.Table) -> Segment:
        self._next_segment += 1
        segment = write_segment(self.folder / part, self._next_segment - 1, table)
        self._written.append(self.folder / part / segment.file)
        return segment

    def add_heads(self, heads: tuple[Head, ...]) -> None:
        """Note that a layer labels these."""
        self.heads = merged_heads(self.heads, heads)

    # -- pixels ----------------------------------------------------------------------------------

    def append_crops(self, crops: StagedCrops) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Move staged crops into shards; returns shard and row of each, (N,).

        A staged file that fills a shard becomes one; a smaller one is copied to the end of the
        last shard that has room for it.
        """
        crops.close()
        shard = np.empty(crops.rows, np.int32)
        row = np.empty(crops.rows, np.int32)
        done, full, size = 0, capacity(crops.size), crops.size
        for staged in crops.files:
            n = rows_in(staged, size)
            room = [s for s, used in self.shards.items() if used + n <= full]
            if room:
                number, used = max(room), self.shards[max(room)]
                append_rows(shard_file(self.folder, size, number), size, used, staged)
            else:
                number, used = self._new_shard(), 0
                self._fill(shard_file(self.folder, size, number), size, staged, n == full)
            self._written.append(shard_file(self.folder, size, number))
            shard[done : done + n] = number
            row[done : done + n] = np.arange(used, used + n)
            self.shards[number] = used + n
            done += n
        return shard, row

    def _fill(self, target: Path, size: int, staged: Path, whole: bool) -> None:
        if whole:
            target.parent.mkdir(parents=True, exist_ok=True)
            staged.replace(target)
        else:
            append_rows(target, size, 0, staged)

    def _new_shard(self) -> int:
        self.next_shard += 1
        return self.next_shard - 1

    def rewrite_shards(self, share: float) -> bool:
        """Write shards again, under new numbers, of which faces hold less than a share.

        share: of the rows that are in the file; with 1 nothing but faces' crops is left. Returns
        whether there was such a shard.
        """
        faces = self.segments.setdefault(FACES, [])
        table = read_part(self.folder / FACES, faces, ["shard", "row"], FACE_SCHEMA)
        shard, row = table["shard"].to_numpy(), table["row"].to_numpy()
        size, before = self._info.size, dict(self.shards)
        moved: dict[int, tuple[int, NDArray[np.intp]]] = {}
        for number, used in before.items():
            rows = np.unique(row[shard == number]).astype(np.intp)
            source = shard_file(self.folder, size, number)
            if len(rows) >= share * max(used, rows_in(source, size)):
                continue
            del self.shards[number]
            if len(rows):
                new, target = self.new_shard_file()
                copy_rows(source, target, size, rows, used)
                self.shards[new] = len(rows)
                moved[number] = (new, rows)
        self.change(FACES, (0, self.next_face), _moving(moved))
        return self.shards != before

    def new_shard_file(self) -> tuple[int, Path]:
        """Number and file of a shard that was never there."""
        number = self._new_shard()
        self._written.append(shard_file(self.folder, self._info.size, number))
        return number, self._written[-1]

    def drop_shards(self, used: NDArray[np.intp]) -> None:
        """Forget the shards in which no face is any more. used: those in which there are."""
        kept = set(used.tolist())
        self.shards = {number: rows for number, rows in self.shards.items() if number in kept}

    # -- the end ---------------------------------------------------------------------------------

    def set_source(self, name: str, source: Source) -> None:
        """Say what the store holds of an import."""
        self.sources[name] = source

    def save(self) -> StoreInfo:
        """Write store.json, and then remove what it names no more."""
        info = replace(
            self._info,
            heads=self.heads,
            layers=tuple(self.layers),
            segments={part: tuple(found) for part, found in self.segments.items()},
            shards=self.shards,
            next_face=self.next_face,
            next_shard=self.next_shard,
            next_segment=self._next_segment,
            sources=self.sources,
        )
        flush_all(dict.fromkeys(self._written))
        info.write(self.folder / "store.json")
        self._clean(info)
        return info

    def _clean(self, info: StoreInfo) -> None:
        before = self._info.segments
        for part, found in before.items():
            named = info.segments.get(part, ())
            released = {s.file for s in found} - {s.file for s in named}
            if released:  # rarely: to list folders at each commit would take longer than it
                discard_unnamed(self.folder / part, named, released)
        for _, number, path in shards_in(self.folder):
            if number not in info.shards:
                path.unlink(missing_ok=True)
        for folder in (self.folder, self.folder / "partial", self.folder / "log"):
            remove_leftovers(folder)
        for folder in (self.folder / "pixels").glob("*"):
            remove_leftovers(folder, GRACE_S)


def _moving(moved: dict[int, tuple[int, NDArray[np.intp]]]) -> Callable[[pa.Table], pa.Table]:
    """Let faces name the shards and rows that their crops were moved to."""

    def change(table: pa.Table) -> pa.Table:
        shard, row = table["shard"].to_numpy().copy(), table["row"].to_numpy().copy()
        before = shard.copy()
        for number, (new, rows) in moved.items():
            mine = before == number
            shard[mine] = new
            row[mine] = np.searchsorted(rows, row[mine])
        if (shard == before).all():
            return table
        for name, values in (("shard", shard), ("row", row)):
            at = table.schema.get_field_index(name)
            table = table.set_column(at, name, pa.array(values, pa.int32()))
        return table

    return change
