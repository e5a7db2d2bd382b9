"""Anybody's table of predictions: mien's, OpenFace 2's, py-feat's, LibreFace's, one's own.

Read by the names of its columns, in any order, whatever else it holds: valence, arousal; `AU12_p`
(probability), `AU12_c` (presence), `AU12_r` or `au_12_intensity` (0 to 5), `AU12` (a probability,
or an intensity where values go beyond 1); a column per expression, `Happy` or `happiness`; or one
of names, `expression` or `emotion`. Whom a row is of: `image`, `video`, `input` and the like,
`timestamp` or `frame`, `face_id` or a box; a table without a name is of the video that it is named
after, as OpenFace's are.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.corpora.table_file import MISSING, TableFile, number, read_table
from mien.errors import InputError
from mien.labels import action_units, expressions
from mien.labels.heads import VALENCE_AROUSAL, Head

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

NAMES = ("image", "video", "input", "image_path", "image_location", "file", "filename", "path")
TIMES = ("time_s", "timestamp")
IDS = ("track", "face_id", "face")
BOXES = (("x0", "y0", "x1", "y1"), ("FaceRectX", "FaceRectY", "FaceRectWidth", "FaceRectHeight"))
"""mien's, by corners; py-feat's, by a corner and sizes."""
EXPRESSION = ("expression", "emotion", "facial_expression", "dominant_emotion")
MOST_VALENCE = 2.0
"""A linear output may leave [-1, 1]; beyond this the table has another scale."""

_UNIT = re.compile(r"(AU[ _]?\d{1,4})(?:_(p|c|r|intensity))?", re.IGNORECASE)


@dataclass
class PredictionTable:
    """N rows. heads: what is predicted. values: by head (N, K), NaN where nothing is said.

    name: image or video, or None for the table's own. time_s: seconds from the first frame; frame:
    from 0 or as the tool counts; face: its number in the frame; each NaN where not given. box:
    (N, 4) corners, NaN where not given. found: (N,) whether the tool found a face at all.
    """

    path: Path
    name: list[str | None]
    name_kind: str
    time_s: Doubles
    frame: Doubles
    face: Doubles
    box: Doubles
    found: NDArray[np.bool_]
    heads: tuple[Head, ...] = ()
    values: dict[str, Floats] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.name)


def read_prediction_table(path: Path) -> PredictionTable:
    """Read it; InputError names file, line and column of a cell that is no number, or a scale."""
    file = read_table(path, "frame")
    columns = _Columns(path, file)
    kind = next((name for name in NAMES if name in file.header), "")
    names: list[str | None] = [None] * len(file.rows)
    if kind:
        names = [cell or None for cell in columns.text(kind)]
    found = columns.first(("success",), default=1.0) != 0
    table = PredictionTable(
        path, names, kind, columns.first(TIMES), columns.first(("frame",)), columns.first(IDS),
        _boxes(columns), found, notes=file.notes,
    )  # fmt: skip
    _add_affect(table, columns)
    _add_units(table, columns)
    _add_expressions(table, columns)
    if not table.heads:
        raise InputError(
            f"{path}: holds no predictions: no column valence, arousal, AU12_p, AU12_c, AU12_r, "
            "happiness or expression"
        )
    said = np.zeros(len(table), bool)
    for values in table.values.values():
        values[~table.found] = np.nan
        said |= ~np.isnan(values).all(1)
    table.found &= said
    return table


class _Columns:
    """Cells by column, as numbers where they are asked for."""

    def __init__(self, path: Path, file: TableFile) -> None:
        self.path, self.header, self._file = path, file.header, file
        self._place = {name: i for i, name in enumerate(file.header)}

    def text(self, name: str) -> list[str]:
        """Cells as written."""
        return [row[self._place[name]] for row in self._file.rows]

    def numbers(self, name: str) -> Doubles:
        """Numbers (N,), NaN where a cell says that it is missing."""
        cells = self.text(name)
        try:
            return np.array(cells, np.float64)  # the plain ones, at once
        except ValueError:
            pass
        found = np.full(len(cells), np.nan)
        for i, cell in enumerate(cells):
            value = number(cell)
            if value is not None:
                found[i] = value
            elif cell.lower() not in MISSING:
                line = self._file.line[i]
                raise InputError(f"{self.path}, line {line}: {name} is {cell!r}, not a number")
        return found

    def first(self, names: tuple[str, ...], default: float = np.nan) -> Doubles:
        """The first of these columns that there is, as numbers."""
        name = next((name for name in names if name in self._place), None)
        return np.full(len(self._file.rows), default) if name is None else self.numbers(name)

    def line(self, row: int) -> int:
        """Line of the file that a row begins in."""
        return self._file.line[row]


def _boxes(columns: _Columns) -> Doubles:
    """Corners (N, 4): of a box that is written, or around 68 landmarks (OpenFace's x_0 ...)."""
    for names in BOXES:
        if set(names) <= set(columns.header):
            box = np.stack([columns.numbers(name) for name in names], axis=1)
            if names[2] == "FaceRectWidth":
                box[:, 2:] += box[:, :2]
            return box
    n = len(columns.first(()))
    places = [name for name in columns.header if re.fullmatch(r"x_\d+", name)]
    if len(places) < 3 or not all(f"y_{name[2:]}" in columns.header for name in places):
        return np.full((n, 4), np.nan)
    x = np.stack([columns.numbers(name) for name in places], axis=1)
    y = np.stack([columns.numbers(f"y_{name[2:]}") for name in places], axis=1)
    return np.stack([x.min(1), y.min(1), x.max(1), y.max(1)], axis=1)


def _add(table: PredictionTable, name: str, outputs: list[str], columns: list[Doubles]) -> None:
    table.heads = (*table.heads, Head(name, tuple(outputs)))
    table.values[name] = np.stack(columns, axis=1).astype(np.float32)


def _add_affect(table: PredictionTable, columns: _Columns) -> None:
    named = {name.lower(): name for name in reversed(columns.header)}
    if not any(axis in named for axis in VALENCE_AROUSAL):
        return
    both = [columns.first((named.get(axis, ""),)) for axis in VALENCE_AROUSAL]
    for axis, values in zip(VALENCE_AROUSAL, both, strict=True):
        far = np.flatnonzero(np.abs(values) > MOST_VALENCE)
        if len(far):
            raise InputError(
                f"{table.path}, line {columns.line(int(far[0]))}: {axis} is {values[far[0]]:g}; it "
                "runs from -1 to 1: divide a table on -10 to 10 by 10"
            )
    _add(table, "valence_arousal", list(VALENCE_AROUSAL), both)


def _add_units(table: PredictionTable, columns: _Columns) -> None:
    found: dict[str, dict[int, Doubles]] = {"p": {}, "c": {}, "r": {}, "": {}}
    for name in columns.header:
        match = _UNIT.fullmatch(name)
        unit = action_units.parse(match[1]) if match else None
        if match is None or unit is None:
            continue
        kind = (match[2] or "").lower().replace("intensity", "r")
        if unit in found[kind]:
            raise InputError(f"{table.path}: two columns name {name}")
        found[kind][unit] = columns.numbers(name)
    bare = found.pop("")
    if bare:
        largest = max(float(np.nanmax(v, initial=0)) for v in bare.values())
        kind = "p" if largest <= 1 else "r"
        found[kind] = {**bare, **found[kind]}
        taken = "probabilities" if kind == "p" else "intensities, 0 to 5"
        table.notes.append(f"columns AU..: up to {largest:g}, taken for {taken}")
    for kind, high in (("p", 1.0), ("c", 1.0), ("r", action_units.INTENSITY_MAX)):
        for unit, values in found[kind].items():
            wrong = np.flatnonzero((values < 0) | (values > high))
            if len(wrong):
                raise InputError(
                    f"{table.path}, line {columns.line(int(wrong[0]))}: AU{unit} is "
                    f"{values[wrong[0]]:g}, not within 0 and {high:g}"
                )
    present = {**found["c"], **found["p"]}
    only = sorted(set(found["c"]) - set(found["p"]))
    if only:
        table.notes.append(
            f"{len(only)} units are told as 0 or 1 alone: their AUC is of decisions, and they have "
            "no calibration or threshold"
        )
    for head, units in (("au", present), ("au_intensity", found["r"])):
        if units:
            order = sorted(units)
            _add(table, head, list(map(action_units.column, order)), [units[u] for u in order])


def _add_expressions(table: PredictionTable, columns: _Columns) -> None:
    """Shares per expression, each row scaled to 1; or one name per row."""
    shares: dict[str, Doubles] = {}
    for name in columns.header:
        label = expressions.parse(name)
        if label is not None and label not in shares:
            shares[label] = columns.numbers(name)
    if len(shares) > 1:
        outputs = list(expressions.merged(shares))
        stacked = np.stack([shares[o] for o in outputs], axis=1)
        if np.nanmin(stacked, initial=0) < 0:
            raise InputError(f"{table.path}: a share of an expression is negative: not shares")
        total = stacked.sum(1, keepdims=True)
        with np.errstate(invalid="ignore", divide="ignore"):
            scaled = np.where(total > 0, stacked / total, np.nan)
        _add(table, "expression", outputs, list(scaled.T))
        return
    column = next((name for name in EXPRESSION if name in columns.header), None)
    if column is None:
        return
    cells = columns.text(column)
    labels = [expressions.parse(cell) for cell in cells]
    for row, (cell, label) in enumerate(zip(cells, labels, strict=True)):
        if label is None and cell.lower() not in MISSING:
            raise InputError(
                f"{table.path}, line {columns.line(row)}: unknown expression {cell!r}; known: "
                f"{', '.join(expressions.CANONICAL)}"
            )
    outputs = list(expressions.merged({label for label in labels if label}))
    if outputs:
        hot = [
            np.array([np.nan if label is None else float(label == o) for label in labels])
            for o in outputs
        ]
        _add(table, "expression", outputs, hot)
        table.notes.append("expressions are told by name alone: they have no calibration")
