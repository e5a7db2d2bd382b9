"""Read and check a CSV of labels: after it, what is missing is None or NaN, and all is in range."""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.corpora.imported import ImportOptions
from mien.errors import InputError
from mien.labels import action_units, expressions
from mien.store.splits import split_name

NAMES = ("subject", "split", "video", "expression", "class")
MOST_CLASSES = 100
CONTINUOUS = ("valence", "arousal")
NOT_LABELS = ("source", "yaw_deg", "pitch_deg", "roll_deg", "bs_*", "landmark_*", "Unnamed: 0")
"""Known columns that a store does not keep: pose, blendshape scores, landmarks, an index."""

MISSING = frozenset({"", "nan", "na", "null", "none"})


@dataclass
class LabelTable:
    """The checked content of a CSV, one entry per row.

    line: line of the file. au: unit to float32 values as in the file, NaN where missing.
    au_full_scale: the value that means full intensity: 5, 1, or None for bare presence.
    """

    image: list[str] = field(default_factory=list)
    line: list[int] = field(default_factory=list)
    names: dict[str, list[str | None]] = field(default_factory=dict)
    continuous: dict[str, NDArray[np.float32]] = field(default_factory=dict)
    au: dict[int, NDArray[np.float32]] = field(default_factory=dict)
    au_threshold: float = 0.5
    au_full_scale: float | None = None
    ignored: list[str] = field(default_factory=list)

    def au_names(self) -> list[str]:
        """Column names of the units, in order."""
        return [action_units.column(au) for au in sorted(self.au)]

    def expression_names(self) -> list[str]:
        """Expressions that occur, in canonical order."""
        return list(expressions.merged(n for n in self.names.get("expression", []) if n))

    def numeric_columns(self) -> Iterator[tuple[str, NDArray[np.float32]]]:
        """Yield store columns: valence, arousal, presence (NaN where missing) and intensity."""
        yield from self.continuous.items()
        for au, values in self.au.items():
            known = ~np.isnan(values)
            present = (values >= self.au_threshold).astype(np.float32)
            yield action_units.column(au), np.where(known, present, np.float32(np.nan))
            if self.au_full_scale is not None:
                scale = np.float32(action_units.INTENSITY_MAX / self.au_full_scale)
                yield f"{action_units.column(au)}_r", values * scale


def read_label_table(path: Path, options: ImportOptions) -> LabelTable:
    """Read a CSV; raises InputError naming file, line and column for the first thing wrong."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file)
            rows = [(reader.line_num, row) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read as CSV: {error}") from error
    if not rows:
        raise InputError(f"{path}: is empty")
    header = [name.strip() for name in rows[0][1]]
    body = [(line, row) for line, row in rows[1:] if any(cell.strip() for cell in row)]
    if not body:
        raise InputError(f"{path}: has a header and no rows")
    for line, row in body:
        if len(row) != len(header):
            raise InputError(f"{path}, line {line}: {len(row)} cells where {len(header)} belong")
    columns = {name: [row[i].strip() for _, row in body] for i, name in enumerate(header)}
    if len(columns) != len(header):
        raise InputError(f"{path}: two columns have the same name")
    return _checked(path, columns, [line for line, _ in body], options)


def _checked(
    path: Path, columns: dict[str, list[str]], lines: list[int], options: ImportOptions
) -> LabelTable:
    table = LabelTable(line=lines, au_threshold=options.au_threshold)
    for name, cells in columns.items():
        unit = action_units.parse(name)
        if any(fnmatchcase(name, pattern) for pattern in (*options.ignore, *NOT_LABELS)):
            table.ignored.append(name)
        elif name == "image":
            table.image = _required(path, name, cells, lines)
        elif name in ("expression", "class"):
            if "expression" in table.names:
                raise InputError(f"{path}: has both expression and class; one may be --ignored")
            read = _expressions if name == "expression" else _classes
            table.names["expression"] = read(path, cells, lines)
        elif name == "split":
            table.names[name] = _splits(path, cells, lines)
        elif name in NAMES:
            table.names[name] = [None if cell.lower() in MISSING else cell for cell in cells]
        elif name in CONTINUOUS:
            table.continuous[name] = _numbers(path, name, cells, lines, -1, 1)
        elif unit is not None:
            if unit in table.au:
                raise InputError(f"{path}: two columns name AU{unit}")
            full = action_units.INTENSITY_MAX
            table.au[unit] = _numbers(path, name, cells, lines, 0, full)
        else:
            raise _unknown_column(path, name)
    if not table.image:
        raise InputError(f"{path}: has no column 'image'")
    table.au_full_scale = _full_scale(table.au)
    return table


def _unknown_column(path: Path, name: str) -> InputError:
    known = ("image", *NAMES, *CONTINUOUS)
    near = get_close_matches(name.lower(), known, n=1, cutoff=0.7)
    if near:
        hint = f"did you mean {near[0]!r}?"
    elif re.fullmatch(r"(?i)au[ _]?\d+.*", name):
        hint = "no such Action Unit in FACS; a unit's column is named AU and its number"
    else:
        hint = f"known: {', '.join(known)}, AU1 ... AU46"
    return InputError(f"{path}, line 1: unknown column {name!r}: {hint}; or --ignore {name!r}")


def _full_scale(au: dict[int, NDArray[np.float32]]) -> float | None:
    """Tell presence (None) from shares of full intensity (1) and FACS intensities (5)."""
    known = [values[~np.isnan(values)] for values in au.values()]
    values = np.concatenate(known) if known else np.empty(0, np.float32)
    if np.isin(values, (0, 1)).all():
        return None
    return 1.0 if values.max() <= 1 else action_units.INTENSITY_MAX


def _required(path: Path, name: str, cells: list[str], lines: list[int]) -> list[str]:
    for cell, line in zip(cells, lines, strict=True):
        if not cell:
            raise InputError(f"{path}, line {line}: {name} is empty")
    return cells


def _expressions(path: Path, cells: list[str], lines: list[int]) -> list[str | None]:
    found: list[str | None] = []
    for cell, line in zip(cells, lines, strict=True):
        name = None if cell.lower() in MISSING else expressions.parse(cell)
        if name is None and cell.lower() not in MISSING:
            raise InputError(
                f"{path}, line {line}: unknown expression {cell!r}; "
                f"known: {', '.join(expressions.CANONICAL)}; other names go into a column 'class'"
            )
        found.append(name)
    return found


def _classes(path: Path, cells: list[str], lines: list[int]) -> list[str | None]:
    """Names of anything, for pictures that are no faces; they name columns of what is predicted."""
    taken = {"image", *NAMES, *CONTINUOUS}
    for cell, line in zip(cells, lines, strict=True):
        if cell in taken or action_units.parse(cell) is not None:
            raise InputError(f"{path}, line {line}: class {cell!r} has the name of a column")
    found = [None if cell.lower() in MISSING else cell for cell in cells]
    if len(set(found)) > MOST_CLASSES:
        raise InputError(f"{path}: more than {MOST_CLASSES} classes")
    return found


def _splits(path: Path, cells: list[str], lines: list[int]) -> list[str | None]:
    found: list[str | None] = []
    for cell, line in zip(cells, lines, strict=True):
        try:
            found.append(None if cell.lower() in MISSING else split_name(cell))
        except InputError as error:
            raise InputError(f"{path}, line {line}: {error}") from error
    return found


def _numbers(
    path: Path, name: str, cells: list[str], lines: list[int], low: float, high: float
) -> NDArray[np.float32]:
    values = np.full(len(cells), np.nan, np.float32)
    for i, cell in enumerate(cells):
        if cell.lower() in MISSING:
            continue
        try:
            values[i] = float(cell)
        except ValueError:
            raise InputError(f"{path}, line {lines[i]}: {name} is {cell!r}, not a number") from None
        if not low <= values[i] <= high:
            raise InputError(
                f"{path}, line {lines[i]}: {name} is {cell}, outside {low:g} to {high:g}; "
                "leave the cell empty where it is unlabelled"
            )
    return values
