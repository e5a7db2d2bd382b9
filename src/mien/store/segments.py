"""The tables of a store: each part is a folder of Parquet files, immutable, in order.

Appending writes one small file. When there are too many, the last ones become one, together with
those before them that are not much larger: about ten large files and 64 small ones at most.
"""

import os
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mien.errors import InputError
from mien.store.files import GRACE_S
from mien.store.schema import NAME, Segment

SMALL = 64
"""Small files that are merged at once."""
MOST = SMALL + 10


def read_part(
    folder: Path,
    segments: Sequence[Segment],
    columns: Sequence[str] | None = None,
    schema: pa.Schema | None = None,
) -> pa.Table:
    """Read segments of one part into one table.

    folder: of the part. columns: those that are wanted; a file may lack some: null there. schema:
    of a table without a row. Raises InputError where a file is missing or damaged, or a column in
    all of them.
    """
    tables = []
    for segment in segments:
        path = folder / segment.file
        try:
            file = pq.ParquetFile(path, memory_map=True)
            there = file.schema_arrow.names
            tables.append(file.read([c for c in columns or there if c in there]))
        except FileNotFoundError as error:
            raise InputError(
                f"{path}: is gone; the store was changed since it was opened, open it again"
            ) from error
        except (OSError, pa.ArrowException) as error:
            raise InputError(f"{path}: cannot be read: {error}") from error
    if not tables:
        empty = schema or pa.schema([("face_id", pa.int64()), ("part", NAME)])
        return empty.empty_table() if columns is None else empty.empty_table().select(columns)
    whole = pa.concat_tables(tables, promote_options="default")
    needed = columns or (schema.names if schema else ["face_id"])
    if lacking := [name for name in needed if name not in whole.column_names]:
        raise InputError(f"{folder}: lacks the columns {', '.join(lacking)}")
    return whole


def write_segment(folder: Path, number: int, table: pa.Table) -> Segment:
    """Write a table, which has at least one row, as a new file; it is not flushed yet."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{number:06d}.parquet"
    pq.write_table(table.unify_dictionaries(), path, compression="zstd")
    ids = pc.min_max(table["face_id"])
    return Segment(path.name, len(table), ids["min"].as_py(), ids["max"].as_py())


def to_merge(segments: Sequence[Segment]) -> int:
    """Return how many segments at the end should become one; 0 for none."""
    if len(segments) <= MOST:
        return 0
    start = len(segments) - SMALL
    rows = sum(segment.rows for segment in segments[start:])
    while start > 0 and segments[start - 1].rows < 2 * rows:
        start -= 1
        rows += segments[start].rows
    return len(segments) - start


def filtered(table: pa.Table, keep: pa.Array) -> pa.Table:
    """Keep some rows, and of the names only those that these rows hold."""
    table = table.filter(keep)
    for i, column in enumerate(table.schema):
        if pa.types.is_dictionary(column.type):
            plain = table[column.name].cast(column.type.value_type)
            table = table.set_column(i, column.name, plain.dictionary_encode())
    return table


def discard_unnamed(folder: Path, named: Sequence[Segment], released: set[str]) -> None:
    """Remove files that no segment names, those of old; note the time of those just `released`.

    Readers that opened the store a moment ago may still want them.
    """
    known = {segment.file for segment in named}
    for name in released:
        with suppress(FileNotFoundError):
            os.utime(folder / name)
    with os.scandir(folder) as files:
        free = [f for f in files if f.name not in known and f.name not in released]
        old = [f.name for f in free if f.stat().st_mtime < time.time() - GRACE_S]
    for name in old[: 2 * SMALL]:  # the rest next time
        (folder / name).unlink(missing_ok=True)
