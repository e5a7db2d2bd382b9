"""One person's signals over time, from a table of mien, of OpenFace, or of an annotation."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pyarrow import csv as arrow_csv

from mien.analysis.affect_table import AffectTable
from mien.errors import InputError
from mien.labels import expressions
from mien.labels.action_units import column, parse
from mien.labels.table_columns import AXES, CLASS

Array = NDArray[np.float64]
TIMES = ("timestamp", "time_s", "time", "seconds")


@dataclass(frozen=True)
class Course:
    """name: of its file. time_s: (T,) rising seconds; None for photographs. keys: (T,) what
    photographs are told apart by. numbers, classes: (T,) by column, NaN or None where empty. note:
    what was chosen of several people, if there were several."""

    name: str
    time_s: Array | None
    keys: list[Any]
    numbers: Mapping[str, Array]
    classes: Mapping[str, list[str | None]]
    note: str = ""


def read_course(path: Path, person: int | None = None, input_: str | None = None) -> Course:
    """Read one person's signals.

    person, input_: of a table of mien that holds several; without, the one seen longest. Columns:
    valence, arousal, units and `expression`. A plain `AU12` counts as presence where it is only 0
    and 1, as probability below 1, and as intensity above. Raises InputError where nothing of a
    table can be compared.
    """
    table = _read(path)
    note = ""
    if "input" in table.column_names and "success" in table.column_names:
        table, note = _one_person(path, table, person, input_)
    elif person is not None or input_ is not None:
        raise InputError(f"{path}: has no people or inputs to choose from")
    time_s = _time(path, table)
    numbers, classes = _signals(table)
    if not numbers and not classes:
        raise InputError(f"{path}: no column of valence, arousal, units or expression")
    keys = list(zip(_column(table, "input"), _column(table, "frame"), strict=True))
    return Course(path.name, time_s, keys, numbers, classes, note)


def _read(path: Path) -> pa.Table:
    if not path.is_file():
        raise InputError(f"{path}: does not exist")
    try:
        if path.suffix.lower() == ".parquet":
            return pq.read_table(path)
        options = arrow_csv.ConvertOptions(strings_can_be_null=True)
        table = arrow_csv.read_csv(path, convert_options=options)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read: {str(error).splitlines()[0]}") from error
    return table.rename_columns([name.strip() for name in table.column_names])


def _one_person(
    path: Path, table: pa.Table, person: int | None, input_: str | None
) -> tuple[pa.Table, str]:
    seen = AffectTable(table)
    people = [p for p in seen.people() if input_ in (None, p.input, Path(p.input).name)]
    if not any(p.moving for p in people) and person is None:
        return table.filter(pa.array(seen.floats("success") == 1)), ""
    people = [p for p in people if person is None or p.face_id == person]
    if not people:
        raise InputError(f"{path}: has no such person or input")
    best = max(people, key=lambda p: len(p.rows))
    others = len(people) - 1
    more = f" and {others} more, not compared" if others else ""
    note = f"{path.name}: person {best.face_id} of {Path(best.input).name}{more}"
    return table.take(pa.array(best.rows)), note


def _time(path: Path, table: pa.Table) -> Array | None:
    for name in TIMES:
        if name in table.column_names:
            values = _floats(table[name])
            if not np.isfinite(values).any():
                return None
            if (np.diff(values) <= 0).any() or np.isnan(values).any():
                raise InputError(
                    f"{path}: {name} does not rise from row to row: several people or inputs?"
                )
            return values
    return None


def _floats(values: pa.ChunkedArray) -> Array:
    if pa.types.is_null(values.type):
        return np.full(len(values), np.nan)
    numbers = pc.fill_null(values.cast(pa.float64()), float("nan"))
    return np.asarray(numbers.to_numpy(), np.float64)


def _column(table: pa.Table, name: str) -> list[Any]:
    if name not in table.column_names:
        return [None] * table.num_rows
    values = table[name].to_pylist()
    return [Path(v).name if isinstance(v, str) else v for v in values]


def _signals(table: pa.Table) -> tuple[dict[str, Array], dict[str, list[str | None]]]:
    numbers, classes = dict[str, Array](), dict[str, list[str | None]]()
    for name in table.column_names:
        values = table[name]
        if pa.types.is_string(values.type):
            if name == CLASS:
                said = values.to_pylist()
                classes[name] = [None if v is None else expressions.parse(v) or v for v in said]
            continue
        known = _floats(values) if pa.types.is_primitive(values.type) else None
        if known is not None and np.isfinite(known).any() and (named := _named(name, known)):
            numbers[named] = known
    return numbers, classes


def _named(name: str, values: Array) -> str | None:
    """Name of a signal as mien has it; None for a column that is none."""
    if name.lower() in AXES:
        return name.lower()
    ending = name[-2:] if name[-2:] in ("_p", "_c", "_r") else ""
    unit = parse(name.removesuffix(ending))
    if unit is None:
        return name if expressions.parse(name) == name else None
    if not ending:
        known = values[np.isfinite(values)]
        ending = "_c" if np.isin(known, (0, 1)).all() else "_p" if known.max() <= 1 else "_r"
    return column(unit) + ending
