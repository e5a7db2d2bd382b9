"""The table of an analysis in memory: by column, by person, on disk as CSV or Parquet."""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pyarrow import csv as arrow_csv

from mien.analysis.status import FACE
from mien.atomic import replacing
from mien.errors import InputError
from mien.labels.table_columns import CLASS, RULE, AffectColumns

Array = NDArray[np.float64]
NEEDED = ("input", "frame", "timestamp", "success")
SUFFIXES = (".csv", ".parquet")
_DECIMALS = {"timestamp": 6, "x0": 2, "y0": 2, "x1": 2, "y1": 2}
_NAMES = {"input": pa.string(), "status": pa.string(), CLASS: pa.string()}


@dataclass(frozen=True)
class Person:
    """One person of one input.

    face_id: number within the input; None for crops. rows: (T,) rows of the table, by time.
    time_s: (T,) seconds; NaN for photographs. length_s: (T,) how long each frame is shown, until
    the input's next one; NaN for photographs.
    """

    input: str
    face_id: int | None
    rows: NDArray[np.intp]
    time_s: Array
    length_s: Array

    @property
    def moving(self) -> bool:
        """Whether there are times."""
        return bool(np.isfinite(self.time_s).any())


class AffectTable:
    """One row per face per frame, one for a frame without a face (docs/formats.md)."""

    def __init__(self, table: pa.Table) -> None:
        """Take an Arrow table; raises InputError where it is not of an analysis."""
        missing = [name for name in NEEDED if name not in table.column_names]
        if missing:
            raise InputError(f"is not a table of `mien analyze`: no column {', '.join(missing)}")
        self.table = table
        self.columns = AffectColumns.of(table.column_names)

    def floats(self, name: str) -> Array:
        """One column (N,), NaN where empty."""
        values = self.table[name]
        if pa.types.is_null(values.type):
            return np.full(len(values), np.nan)
        numbers = pc.fill_null(values.cast(pa.float64()), float("nan"))
        return np.asarray(numbers.to_numpy(), np.float64)

    def stacked(self, names: tuple[str, ...] | list[str]) -> Array:
        """Several columns (N, K)."""
        return np.stack([self.floats(n) for n in names], 1) if names else self._nothing()

    def _nothing(self) -> Array:
        return np.empty((self.table.num_rows, 0))

    @cached_property
    def readable(self) -> NDArray[np.bool_]:
        """(N,) True for faces of a size and pose that the model reads (`analysis.status`)."""
        seen = self.floats("success") == 1
        if "status" in self.table.column_names:
            said = np.array(self.table["status"].to_pylist(), object)
            seen &= (said == FACE) | (said == None)  # noqa: E711  # of object arrays
        return np.asarray(seen, np.bool_)

    @cached_property
    def inputs(self) -> list[str]:
        """Names of the inputs, in order."""
        return [str(name) for name in self.table["input"].unique().to_pylist()]

    def rows_of(self, name: str) -> NDArray[np.intp]:
        """Rows of an input."""
        return np.flatnonzero(pc.equal(self.table["input"], name).to_numpy()).astype(np.intp)

    def of(self, name: str) -> "AffectTable":
        """The part of one input."""
        return AffectTable(self.table.take(pa.array(self.rows_of(name))))

    def people(self) -> Iterator[Person]:
        """The people of every input, by number."""
        ids = self.floats("face_id") if "face_id" in self.table.column_names else None
        seen, time_s, frame = self.floats("success") == 1, self.floats("timestamp"), self._frame
        for name in self.inputs:
            rows = self.rows_of(name)
            lengths = _lengths(frame[rows], time_s[rows])
            mine = seen[rows]
            numbers = np.full(len(rows), np.nan) if ids is None else ids[rows]
            for number in [*np.unique(numbers[mine & np.isfinite(numbers)]), None]:
                own = mine & (np.isnan(numbers) if number is None else numbers == number)
                if own.any():
                    yield Person(name, None if number is None else int(number),
                                 rows[own], time_s[rows[own]], lengths[own])  # fmt: skip

    @property
    def _frame(self) -> Array:
        return self.floats("frame")

    def with_columns(self, values: Mapping[str, Any]) -> "AffectTable":
        """Replace columns, or add them at the end. values: (N,) arrays or lists by name."""
        table = self.table
        for name, column in values.items():
            made = _column(column)
            at = table.schema.get_field_index(name)
            table = table.append_column(name, made) if at < 0 else table.set_column(at, name, made)
        return AffectTable(table)


def _column(values: Any) -> pa.Array:
    if isinstance(values, np.ndarray) and values.dtype.kind == "f":
        return pa.array(values.astype(np.float64), mask=np.isnan(values))
    return pa.array(values)


def _lengths(frame: Array, time_s: Array) -> Array:
    """Until the next frame's time, the last one as long as the median; NaN without times."""
    frames, first, back = np.unique(frame, return_index=True, return_inverse=True)
    times = time_s[first]
    if len(frames) < 2:
        return np.full(len(frame), np.nan)
    lengths = np.diff(times)
    lengths = np.append(lengths, np.median(lengths))
    return np.asarray(lengths[back], np.float64)


def read_table(path: Path) -> AffectTable:
    """Read a table that `mien analyze` wrote, CSV or Parquet; raises InputError for another."""
    if not path.is_file():
        raise InputError(f"{path}: does not exist")
    try:
        if path.suffix.lower() == ".parquet":
            return AffectTable(pq.read_table(path))
        return AffectTable(_read_csv(path))
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    except (pa.ArrowException, OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read: {str(error).splitlines()[0]}") from error


def _read_csv(path: Path) -> pa.Table:
    with path.open(encoding="utf-8", errors="replace") as file:
        names = file.readline().rstrip("\r\n").split(",")
    types = {n: pa.string() for n in names if n in _NAMES or n == f"{RULE}{CLASS}"}
    options = arrow_csv.ConvertOptions(
        strings_can_be_null=True,
        null_values=[""],  # not NA and the like, which may be names of files
        column_types=types,
    )
    return arrow_csv.read_csv(path, convert_options=options)


def write_table(path: Path, table: AffectTable) -> None:
    """Write CSV or Parquet, by the suffix, whole or not at all."""
    with replacing(path) as temporary:
        if path.suffix.lower() == ".parquet":
            pq.write_table(table.table, temporary)
        else:
            write_csv(temporary, table.table)


def write_csv(path: Path, table: pa.Table) -> None:
    """Write numbers with four decimals (times six, boxes two), empty cells for nulls."""
    with path.open("w", newline="", encoding="utf-8", errors="surrogateescape") as file:
        write_csv_text(file, table)


def write_csv_text(file: TextIO, table: pa.Table) -> None:
    """Write the same to an open file."""
    columns = [_cells(table[name], _DECIMALS.get(name, 4)) for name in table.column_names]
    writer = csv.writer(file)
    writer.writerow(table.column_names)
    writer.writerows(zip(*columns, strict=True))


def _cells(column: pa.ChunkedArray, places: int) -> list[Any]:
    values = column.to_pylist()
    if pa.types.is_floating(column.type):
        return ["" if v is None or v != v else f"{v:.{places}f}" for v in values]
    return ["" if v is None else v for v in values]
