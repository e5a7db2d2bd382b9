"""One row per input and person: means, shares of time, events a minute (`--summary`)."""

from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from mien.analysis.affect_table import AffectTable, Person, write_csv
from mien.analysis.segments import presences, unit_segments
from mien.atomic import replacing, write_text
from mien.labels.table_columns import CLASS, unit_title
from mien.text import to_json

SUFFIXES = (".csv", ".json", ".parquet")
Row = dict[str, Any]


def summarise(table: AffectTable) -> list[Row]:
    """Describe each person of each input; an input without a face has one row, of no person.

    `frames`: with the person; `seconds` that they last together (None for photographs); `read`:
    share of frames that are neither too small nor turned away, which alone enter the rest.
    `NAME_mean`, `NAME_sd`: of every signal. `AU12_share`: of time present (`AU12_per_minute`:
    events a minute, of 0.1 s and more). `dominant`: the expression shown longest, `NAME_share`: of
    time that each is likeliest.
    """
    shown = presences(table)
    people = list(table.people())
    rows = [_person(table, person, shown) for person in people]
    seen = {person.input for person in people}
    order = {name: i for i, name in enumerate(table.inputs)}
    rows += [_nobody(table, name) for name in table.inputs if name not in seen]
    return sorted(rows, key=lambda row: order[row["input"]])


def _nobody(table: AffectTable, name: str) -> Row:
    frames = len(np.unique(table.floats("frame")[table.rows_of(name)]))
    return {"input": name, "face_id": None, "input_frames": frames, "frames": 0}


def _person(table: AffectTable, person: Person, shown: dict[str, NDArray[np.bool_]]) -> Row:
    rows = person.rows[table.readable[person.rows]]
    weight = person.length_s[table.readable[person.rows]]
    seconds = float(np.nansum(person.length_s)) if person.moving else None
    minutes = float(np.nansum(weight)) / 60 if person.moving else None
    weight = np.where(np.isfinite(weight), weight, 0.0) if minutes else np.ones(len(rows))
    found: Row = {
        "input": person.input,
        "face_id": person.face_id,
        "input_frames": len(np.unique(table.floats("frame")[table.rows_of(person.input)])),
        "frames": len(person.rows),
        "seconds": seconds,
        "read": len(rows) / len(person.rows),
    }
    for name in table.columns.signals:
        found |= _moments(name, table.floats(name)[rows], weight)
    events = unit_segments(table, person) if minutes else {}
    for name, present in shown.items():
        unit = name[:-2]
        known = np.isfinite(table.floats(name)[rows])
        found[f"{unit}_share"] = _share(present[rows][known], weight[known])
        if minutes:
            found[f"{unit}_per_minute"] = len(events.get(str(unit_title(name)), ())) / minutes
    return found | _expressions(table, rows, weight)


def _moments(name: str, values: NDArray[np.float64], weight: NDArray[np.float64]) -> Row:
    known = np.isfinite(values)
    if not known.any() or not weight[known].sum():
        return {f"{name}_mean": None, f"{name}_sd": None}
    mean = float(np.average(values[known], weights=weight[known]))
    variance = float(np.average((values[known] - mean) ** 2, weights=weight[known]))
    return {f"{name}_mean": mean, f"{name}_sd": variance**0.5}


def _share(present: NDArray[np.bool_], weight: NDArray[np.float64]) -> float | None:
    total = float(weight.sum())
    return float(weight[present].sum()) / total if total else None


def _expressions(table: AffectTable, rows: NDArray[np.intp], weight: NDArray[np.float64]) -> Row:
    if not table.columns.classes or CLASS not in table.table.column_names:
        return {}
    names = table.table[CLASS].to_pylist()
    times: dict[str, float] = defaultdict(float)
    for row, length in zip(rows, weight, strict=True):
        if names[row] is not None:
            times[names[row]] += float(length)
    total = sum(times.values())
    shares = {
        f"{c}_share": times.get(c, 0.0) / total if total else None for c in table.columns.classes
    }
    return {"dominant": max(times, key=lambda name: times[name]) if total else None, **shares}


def write_summary(path: Path, rows: list[Row]) -> None:
    """Write a summary as CSV, JSON or Parquet, by the suffix, whole or not at all."""
    if path.suffix.lower() == ".json":
        write_text(path, to_json({"people": rows}))
        return
    names = list(dict.fromkeys(name for row in rows for name in row))
    table = pa.table({name: [row.get(name) for row in rows] for name in names})
    with replacing(path) as temporary:
        if path.suffix.lower() == ".parquet":
            pq.write_table(table, temporary)
        else:
            write_csv(temporary, table)
