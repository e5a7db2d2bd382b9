"""Tables for people and spreadsheets, all in one folder; the simulated raters of actors write them.

    talk.r1.va.csv            seconds, valence, arousal
    talk.r1.au.csv            label, first_frame, last_frame, apex_frame, intensity, note, what
    talk.r1.expression.csv    the same

Values lie in [-1000, 1000], frames count from 0. what: `mark`, or `seen`: these frames were looked
through for the label. A table without that column says that all of the video was.
"""

import csv
import io
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from mien.annotation.formats.base import (
    Entry,
    Sheet,
    marks_entry,
    read_text,
    safe_name,
    seen_entry,
    take_entries,
    untangled,
)
from mien.annotation.marks import DIMENSIONS, FULL, Mark
from mien.annotation.project import parse_units
from mien.annotation.state import State
from mien.atomic import write_text
from mien.corpora.table_file import TableFile, number, read_table
from mien.errors import InputError
from mien.labels import expressions

_MARKS = ("label", "first_frame", "last_frame", "apex_frame", "intensity", "note", "what")


class CsvTables:
    """The format `csv`."""

    carries: tuple[str, ...] = ("va", "au", "expression")

    def files(self, folder: Path, sheet: Sheet) -> list[Path]:
        """A table per task, in the order of `carries`."""
        stem = f"{safe_name(sheet.item.name)}.{sheet.annotator}"
        return [folder / f"{stem}.{task}.csv" for task in self.carries]

    def write(self, folder: Path, sheet: Sheet) -> None:
        """Write a table for each task of which anything was said."""
        folder.mkdir(parents=True, exist_ok=True)
        for task, path in zip(self.carries, self.files(folder, sheet), strict=True):
            state = sheet.states.get(task)
            if state is None:
                continue
            header, rows = _affect_rows(sheet, state) if task == "va" else _mark_rows(state)
            if rows:
                write_text(path, _csv([header, *rows]))

    def read(self, folder: Path, sheet: Sheet, notes: list[str]) -> list[Entry]:
        """Read the tables that are there."""
        entries: list[Entry] = []
        for task, path in zip(self.carries, self.files(folder, sheet), strict=True):
            if path.is_file() and task in sheet.labels:
                read = _affect_entries if task == "va" else _mark_entries
                entries += read(path, task, sheet, notes)
        return entries


def _csv(rows: Sequence[Sequence[object]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def _affect_rows(sheet: Sheet, state: State) -> tuple[Sequence[str], list[Sequence[object]]]:
    if sheet.frames.names:
        rows: list[Sequence[object]] = [
            (sheet.frames.names[f], *(f"{v:g}" for v in values))
            for f, values in sorted(state.points.items())
        ]
        return ("image", "valence", "arousal"), rows
    cells: dict[tuple[float, int], dict[str, str]] = {}  # two samples of a time are two rows
    for dimension in DIMENSIONS:
        before, again = -1.0, 0
        for seconds, value in sheet.trace(dimension).tolist():
            again = again + 1 if seconds == before else 0
            cells.setdefault((seconds, again), {})[dimension] = f"{value:g}"
            before = seconds
    rows = [
        (f"{place[0]:.4f}", *(cells[place].get(d, "") for d in DIMENSIONS))
        for place in sorted(cells)
    ]
    return ("seconds", *DIMENSIONS), rows


def _mark_rows(state: State) -> tuple[Sequence[str], list[Sequence[object]]]:
    marks = sorted(state.marks.values(), key=lambda m: (m.first, m.last, m.label))
    rows: list[Sequence[object]] = [
        (m.label, m.first, m.last, "" if m.apex is None else m.apex, m.intensity or "", m.note,
         "mark")
        for m in marks
    ]  # fmt: skip
    rows += [
        (label, first, last, "", "", "", "seen")
        for label, spans in sorted(state.seen.items())
        for first, last in spans
    ]
    return _MARKS, rows


def _affect_entries(path: Path, task: str, sheet: Sheet, notes: list[str]) -> list[Entry]:
    key = "image" if sheet.frames.names else "seconds"
    table = read_table(path, key)
    _need(path, table, (key, "valence", "arousal"))
    columns = table.columns()
    if key == "image":
        return _points(path, table, sheet)
    entries: list[Entry] = []
    traces: dict[str, list[list[float]]] = {"valence": [], "arousal": []}
    for line, *cells in zip(table.line, *(columns[c] for c in (key, *traces)), strict=True):
        seconds = _value(path, line, key, cells[0], 0, 1e6)
        for dimension, cell in zip(traces, cells[1:], strict=True):
            if cell:
                value = _value(path, line, dimension, cell, -FULL, FULL)
                traces[dimension].append([seconds, value])
    for dimension, samples in traces.items():
        if any(a[0] > b[0] for a, b in pairwise(samples)):
            raise InputError(f"{path}: seconds go back in time")
        entries += take_entries(f"csv-{dimension}", dimension, samples)
    return entries


def _points(path: Path, table: TableFile, sheet: Sheet) -> list[Entry]:
    columns, entries = table.columns(), []
    place = {name: i for i, name in enumerate(sheet.frames.names)}
    for line, name, *cells in zip(
        table.line, columns["image"], columns["valence"], columns["arousal"], strict=True
    ):
        if name not in place:
            raise InputError(f"{path}, line {line}: image {name!r} is not in the project")
        valence, arousal = (_value(path, line, "value", cell, -FULL, FULL) for cell in cells)
        body = {"frame": place[name], "valence": valence, "arousal": arousal}
        entries.append(Entry("va", "point", body))
    return entries


def _mark_entries(path: Path, task: str, sheet: Sheet, notes: list[str]) -> list[Entry]:
    lines = [line for line in read_text(path).splitlines() if line.strip()]
    if len(lines) < 2:  # nothing was seen in it
        return [seen_entry(task, sheet.labels[task])]
    table = read_table(path, "label")
    _need(path, table, _MARKS[:3])
    entries, marks, last = [], [], len(sheet.frames) - 1
    others: dict[str, int] = {}
    for line, cells in zip(table.line, table.rows, strict=True):
        row = dict(zip(table.header, cells, strict=True))
        label = _label(task, row["label"])
        if label not in sheet.labels[task]:
            others[row["label"]] = others.get(row["label"], 0) + 1
            continue
        first, end = (int(_value(path, line, c, row[c], 0, last)) for c in _MARKS[1:3])
        if row.get("what") == "seen":
            body = {"labels": [label], "first": first, "last": end}
            entries.append(Entry(task, "seen", body))
            continue
        apex = row.get("apex_frame")
        mark = {
            "id": f"csv-{line}", "label": label, "first": first, "last": end,
            "apex": int(_value(path, line, "apex_frame", apex, 0, last)) if apex else None,
            "intensity": row.get("intensity") or None, "note": row.get("note", ""),
            "source": "import:csv",
        }  # fmt: skip
        try:
            marks.append(Mark.from_dict(mark, len(sheet.frames)))
        except InputError as error:
            raise InputError(f"{path}, line {line}: {error}") from error
    if others:
        told = ", ".join(f"{name} ({n})" for name, n in sorted(others.items()))
        notes.append(f"{path}: labels that the project has not were left out: {told}")
    if "what" not in table.header:
        entries.append(seen_entry(task, sheet.labels[task]))
    marks = untangled(marks, task == "expression", str(path), notes)
    return [*marks_entry(task, marks), *entries]


def _label(task: str, text: str) -> str | None:
    if task == "expression":
        return expressions.parse(text) or text
    try:
        return parse_units([text])[0]
    except InputError:
        return None


def _need(path: Path, table: TableFile, names: Sequence[str]) -> None:
    if missing := [name for name in names if name not in table.header]:
        raise InputError(f"{path}, line 1: lacks the column {missing[0]}")


def _value(path: Path, line: int, name: str, cell: str, low: float, high: float) -> float:
    value = number(cell)
    if value is None or not low <= value <= high:
        raise InputError(f"{path}, line {line}: {name} is {cell!r}: give {low:g} to {high:g}")
    return value
