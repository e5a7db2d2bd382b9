"""Read and check a CSV of labels: after it, what is missing is None or NaN, and all is in range."""

import re
import unicodedata
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from difflib import get_close_matches
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.corpora.imported import ImportOptions
from mien.corpora.table_file import MISSING, TableFile, likely_doubles, number, read_table
from mien.errors import InputError
from mien.labels import action_units, expressions
from mien.labels.heads import HEADS
from mien.store.splits import split_name

NAMES = ("subject", "split", "video", "expression", "class")
PLACES = ("frame", "track")
"""Whole numbers from 0: where in its video a picture is from; kept beside a column video."""
MOST_CLASSES = 100
CONTINUOUS = tuple(o for head in HEADS.values() if head.kind == "regression" for o in head.outputs)
"""Outputs of regression heads, in [-1, 1]."""
VOTES = re.compile(r".+_votes")
"""Columns of raters' votes for an expression: counts or shares."""
MOST_VOTES = 1e6
NOT_LABELS = (
    *("source", "yaw_deg", "pitch_deg", "roll_deg", "bs_*", "landmark_*", "Unnamed: 0"),
    *("input", "frame", "timestamp", "face_id", "success", "confidence"),
    *("x0", "y0", "x1", "y1", "AU*_p"),
    *("pose_*", "gaze_*", "eye_lmk_*", "[xyXYZ]_[0-9]*", "p_[0-9]*", "p_scale", "p_[rt][xyz]"),
    *("FaceRect*", "FaceScore", "Pitch", "Roll", "Yaw", "[XYZ]", "Identity*"),
    *("FrameHeight", "FrameWidth", "approx_time"),
)
"""Known columns that a store does not keep: pose, gaze, landmarks, boxes, scores, an index; those
of mien, of OpenFace and of py-feat."""

_UNIT = re.compile(r"(AU[ _]?\d{1,4})(?:_([cr]))?", re.IGNORECASE)
_IMAGE_COLUMNS = ("input", "file", "filename", "file_name", "path", "image_path", "img", "picture")
_SCALES = {"presence": None, "share": 1.0, "facs": action_units.INTENSITY_MAX}

Values = NDArray[np.float32]


@dataclass
class LabelTable:
    """The checked content of a CSV, one entry per row.

    line: line of the file. au: unit to float32 values as in the file, NaN where missing.
    au_full_scale: the value that means full intensity: 5, 1, or None for bare presence.
    au_present: presence (0 or 1, NaN where missing) of the units that have a column of it; a unit
    that has no intensity beside it has the same array here and in au.
    notes: what a reader should know of how the file was read.
    """

    image: list[str] = field(default_factory=list)
    line: list[int] = field(default_factory=list)
    names: dict[str, list[str | None]] = field(default_factory=dict)
    places: dict[str, list[int | None]] = field(default_factory=dict)
    continuous: dict[str, Values] = field(default_factory=dict)
    au: dict[int, Values] = field(default_factory=dict)
    au_threshold: float = 0.5
    au_full_scale: float | None = None
    ignored: list[str] = field(default_factory=list)
    au_present: dict[int, Values] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    keys: dict[str, list[str]] = field(default_factory=dict)

    def columns(self, rows: NDArray[np.intp] | None = None) -> dict[str, Any]:
        """Columns of a label layer, of some rows (all, if None); NaN or None where unlabelled."""
        chosen = np.arange(len(self.line)) if rows is None else rows
        found: dict[str, Any] = {name: v[chosen] for name, v in self.numeric_columns()}
        if "expression" in self.names:
            found["expression"] = [self.names["expression"][row] for row in chosen]
        return found

    def numeric_columns(self) -> Iterator[tuple[str, Values]]:
        """Yield store columns: valence, arousal, presence (NaN where missing) and intensity."""
        yield from self.continuous.items()
        for au, values in self.au.items():
            told = self.au_present.get(au)
            reached = (values >= self.au_threshold).astype(np.float32)
            present = np.where(np.isnan(values), np.float32(np.nan), reached)
            yield action_units.column(au), present if told is None else told
            if self.au_full_scale is not None and values is not told:
                scale = np.float32(action_units.INTENSITY_MAX / self.au_full_scale)
                yield f"{action_units.column(au)}_r", values * scale


def read_label_table(path: Path, options: ImportOptions, keys: tuple[str, ...] = ()) -> LabelTable:
    """Read a CSV; raises InputError naming file, line and column for the first thing wrong.

    keys: columns that tell the faces apart instead of `image`; kept as text, in `keys`.
    """
    file = read_table(path, keys[0] if keys else "image")
    table = LabelTable(au_threshold=options.au_threshold, notes=file.notes)
    columns = _kept_columns(path, file, table, options, keys)
    rows = list(range(len(file.line)))
    if not keys:
        columns["image"] = _image_names(path, columns["image"], file.line, table.notes)
        rows = _distinct_rows(path, columns, file.line, table.notes)
    columns = {name: [cells[row] for row in rows] for name, cells in columns.items()}
    table.line = [file.line[row] for row in rows]
    table.keys = {name: columns.pop(name) for name in keys}
    table.image = columns.pop("image", [])
    units = _checked(path, columns, table)
    if "success" in file.header and not _matches("success", options.ignore):
        success = file.columns()["success"]
        _forget_lost(units, np.array([number(success[row]) == 0 for row in rows]), table.notes)
    _set_units(path, units, table, options)
    return table


def _kept_columns(
    path: Path,
    file: TableFile,
    table: LabelTable,
    options: ImportOptions,
    keys: tuple[str, ...],
) -> dict[str, list[str]]:
    """Leave out the columns that are known and no labels; refuse the unknown ones."""
    columns = file.columns()
    scores = []
    for name in file.header:
        if name in keys or (name in PLACES and not keys and "video" in file.header):
            continue
        if _matches(name, (*options.ignore, *NOT_LABELS)):
            table.ignored.append(name)
        elif expressions.parse(name) is not None:
            scores.append(name)
        elif VOTES.fullmatch(name):
            if expressions.parse(name.removesuffix("_votes")) is None:
                raise _unknown_column(path, name)
        elif name not in ("image", *NAMES, *CONTINUOUS) and _unit(name) is None:
            raise _unknown_column(path, name)
    for name in (*table.ignored, *scores):
        del columns[name]
    if scores:
        table.ignored += scores
        table.notes.append(
            f"columns {', '.join(scores)}: scores of expressions are no labels and are not kept; a "
            "column 'expression' holds the name of the one that was seen"
        )
    if "image" not in columns and not keys:
        like = [name for name in file.header if name.lower() in _IMAGE_COLUMNS]
        hint = f"; is it {like[0]!r}? Rename it" if like else ": the file name of each face"
        raise InputError(f"{path}: has no column 'image'{hint}")
    if "expression" in columns and "class" in columns:
        raise InputError(f"{path}: has both expression and class; one may be --ignored")
    return columns


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _checked(
    path: Path, columns: dict[str, list[str]], table: LabelTable
) -> dict[tuple[int, str], Values]:
    """Fill in all but the units, which are returned by number and kind of column."""
    units: dict[tuple[int, str], Values] = {}
    numeric = []
    for name, cells in columns.items():
        unit = _unit(name)
        if name == "expression":
            table.names[name] = _expressions(path, cells, table.line)
        elif name == "split":
            table.names[name] = _splits(path, cells, table.line)
        elif name in PLACES:
            table.places[name] = _whole_numbers(path, name, cells, table.line)
        elif name in NAMES:
            if name == "class":
                _check_classes(path, cells, table.line)
            table.names["expression" if name == "class" else name] = [c or None for c in cells]
            table.notes += _doubtful_names(name, cells)
        elif unit is not None:
            if unit in units:
                raise InputError(f"{path}: two columns name AU{unit[0]}")
            high = 1 if unit[1] == "c" else action_units.INTENSITY_MAX
            units[unit] = _numbers(path, name, cells, table.line, 0, high)
            numeric += cells
        elif VOTES.fullmatch(name):
            label = expressions.parse(name.removesuffix("_votes"))
            votes = _numbers(path, name, cells, table.line, 0, MOST_VOTES)
            table.continuous[f"{label}_votes"] = votes
            numeric += cells
        else:
            table.continuous[name] = _numbers(path, name, cells, table.line, -1, 1)
            numeric += cells
    comma = next((cell for cell in numeric if "," in cell), None)
    if comma is not None:
        table.notes.append(f"decimal commas: {comma} is read as {number(comma):g}")
    return units


def _unit(name: str) -> tuple[int, str] | None:
    """Return (12, "") for AU12, (12, "c") for AU12_c, (12, "r") for AU12_r."""
    match = _UNIT.fullmatch(name)
    unit = action_units.parse(match[1]) if match else None
    return None if match is None or unit is None else (unit, (match[2] or "").lower())


def _unknown_column(path: Path, name: str) -> InputError:
    known = ("image", *NAMES, *CONTINUOUS, "neutral_votes")
    near = get_close_matches(name.lower(), known, n=1, cutoff=0.7)
    if near:
        hint = f"did you mean {near[0]!r}?"
    elif re.fullmatch(r"(?i)au[ _]?\d+.*", name):
        hint = (
            "no such Action Unit in FACS; a unit's column is named AU and its number, with _c for "
            "presence or _r for intensity"
        )
    elif re.search(r"(?i)\.(jpe?g|png|bmp|webp|tiff?)$", name):
        hint = "the first line holds the columns' names, image first"
    else:
        hint = f"known: {', '.join(known)}, AU1 ... AU58"
    return InputError(f"{path}, line 1: unknown column {name!r}: {hint}; or --ignore {name!r}")


def _forget_lost(
    units: dict[tuple[int, str], Values], lost: NDArray[np.bool_], notes: list[str]
) -> None:
    """Take away the units of faces that a tracker did not find: it writes zeros for them."""
    if units and lost.any():
        text = f"{lost.sum()} rows have success 0: their units are unlabelled"
        notes.append(f"{text}; --ignore success keeps them")
        for values in units.values():
            values[lost] = np.nan


def _set_units(
    path: Path, units: dict[tuple[int, str], Values], table: LabelTable, options: ImportOptions
) -> None:
    """Tell presence from intensities, and of these the scale: by option, by name, or by value."""
    named = any(kind == "r" for _, kind in units)
    intensity = {au: values for (au, kind), values in units.items() if kind == "r"}
    present = {au: values for (au, kind), values in units.items() if kind == "c"}
    for (au, kind), values in units.items():
        if kind == "" and (au in present or (au in intensity and not _binary(values))):
            raise InputError(f"{path}: two columns name AU{au}; --ignore one of them")
        if kind == "":
            (present if named and _binary(values) else intensity)[au] = values
    for au, values in present.items():
        if not _binary(values):
            raise _out_of_scale(path, table, au, values, ~np.isin(values, (0, 1)), "presence")
    table.au_present = present
    table.au = {au: intensity[au] if au in intensity else present[au] for au, _ in units}
    if intensity:
        table.au_full_scale = _full_scale(path, intensity, named, table, options)
    if set(intensity) & set(present):
        table.notes.append("Action Units: presence as the file tells it, not by --au-threshold")


def _binary(values: Values) -> bool:
    return bool((np.isnan(values) | np.isin(values, (0, 1))).all())


def _full_scale(
    path: Path,
    intensity: dict[int, Values],
    named: bool,
    table: LabelTable,
    options: ImportOptions,
) -> float | None:
    """Return the value of full intensity, None where the units are presence; and note it.

    named: a column is named AU12_r, which is 0 to 5 in OpenFace and in mien.
    """
    highest = max(float(np.nanmax(v, initial=0)) for v in intensity.values())
    if options.au_scale is not None:
        for au, values in intensity.items():
            wrong = values > 1 if options.au_scale == "share" else np.zeros(len(values), bool)
            if options.au_scale == "presence":
                wrong = ~np.isin(values, (0, 1))
            if (wrong & ~np.isnan(values)).any():
                raise _out_of_scale(path, table, au, values, wrong, options.au_scale)
        text = f"Action Units: scale {options.au_scale}, as told"
        scale = options.au_scale
    elif named:
        scale, text = "facs", "Action Units: intensities of 0 to 5, as columns AU.._r are"
    elif all(map(_binary, intensity.values())):
        scale, text = "presence", "Action Units: only 0 and 1, taken for presence"
        text += "; --au-scale facs or share, where they are intensities"
    elif highest > 1:
        scale, text = "facs", f"Action Units: up to {highest:g}, taken for FACS intensities, 0 to 5"
    else:
        scale, text = "share", "Action Units: none above 1, taken for shares of full intensity"
        text += f" ({highest:g} is {5 * highest:g} of 5)"
        text += "; --au-scale facs, where they are intensities of 0 to 5"
    table.notes.append(text)
    return _SCALES[scale]


def _out_of_scale(
    path: Path, table: LabelTable, au: int, values: Values, wrong: NDArray[np.bool_], scale: str
) -> InputError:
    row = int(np.flatnonzero(wrong & ~np.isnan(values))[0])
    allowed = "0 or 1: presence" if scale == "presence" else "0 to 1: a share of full intensity"
    return InputError(
        f"{path}, line {table.line[row]}: {action_units.column(au)} is {values[row]:g}, not "
        f"{allowed}"
    )


def _image_names(path: Path, cells: list[str], lines: list[int], notes: list[str]) -> list[str]:
    """Return the images' names below the CSV's folder, as the files there are spelled."""
    root = path.parent
    found = []
    absolute = 0
    for cell, line in zip(cells, lines, strict=True):
        if not cell:
            raise InputError(f"{path}, line {line}: image is empty")
        name = _below(root, cell) if Path(cell).is_absolute() else cell
        absolute += name != cell
        found.append(name if name.isascii() and "\\" not in name else _spelled(root, name))
    if absolute:
        notes.append(f"{absolute} absolute paths of images are taken as paths below {root}")
    return found


def _below(root: Path, name: str) -> str:
    """Return an absolute path relative to root; unchanged where it lies elsewhere."""
    places = [(root.absolute(), Path(name))]
    with suppress(OSError, RuntimeError):  # links in a circle
        places.append((root.resolve(), Path(name).parent.resolve() / Path(name).name))
    for folder, file in places:
        if file.is_relative_to(folder) and ".." not in file.parts:
            return file.relative_to(folder).as_posix()
    return name


def _spelled(root: Path, name: str) -> str:
    """Return the name in the normal form of Unicode, and with the slashes, that a file has."""
    forms = [unicodedata.normalize(form, name) for form in ("NFC", "NFD")]
    forms = [name, *forms, *(form.replace("\\", "/") for form in forms)]
    for form in forms:
        if ".." in Path(form).parts or Path(form).is_absolute():
            continue
        try:
            if (root / form).is_file() or (root / "images" / form).is_file():
                return form
        except OSError:
            continue
    return name


def _distinct_rows(
    path: Path, columns: dict[str, list[str]], lines: list[int], notes: list[str]
) -> list[int]:
    """Return the rows to keep: the first of those that are alike; refuse those that contradict."""
    first: dict[PurePosixPath, int] = {}
    kept = []
    for row, image in enumerate(columns["image"]):
        before = first.setdefault(PurePosixPath(image), row)
        if before == row:
            kept.append(row)
            continue
        for name, cells in columns.items():
            if name != "image" and cells[row] != cells[before]:
                raise InputError(
                    f"{path}, line {lines[row]}: image {image!r} has {name} {cells[row]!r}, and "
                    f"{cells[before]!r} in line {lines[before]}; keep one of the two rows"
                )
    if len(kept) < len(lines):
        notes.append(f"{len(lines) - len(kept)} rows repeat an earlier one and are left out")
    return kept


def _doubtful_names(column: str, cells: list[str]) -> list[str]:
    """Say which names look like a missing value, and which like one name in two spellings."""
    names = {cell for cell in cells if cell}
    notes = []
    words = sorted(name for name in names if name.lower() in MISSING)
    if words:
        notes.append(
            f"warning: {column} {', '.join(map(repr, words))}: taken as a name; where it means "
            "missing, leave the cell empty"
        )
    doubles = likely_doubles(names)
    if doubles:
        shown = "; ".join(", ".join(map(repr, group)) for group in doubles[:3])
        more = f"; and {len(doubles) - 3} more" if doubles[3:] else ""
        notes.append(
            f"warning: {column} {shown}{more}: kept apart; where they are one, spell them alike"
        )
    return notes


def _expressions(path: Path, cells: list[str], lines: list[int]) -> list[str | None]:
    found: list[str | None] = []
    for cell, line in zip(cells, lines, strict=True):
        missing = cell.lower() in MISSING
        name = None if missing else expressions.parse(cell)
        if name is None and not missing:
            known = ", ".join(expressions.CANONICAL)
            if number(cell) is not None:
                raise InputError(
                    f"{path}, line {line}: expression is {cell!r}; a number means other "
                    f"expressions in other corpora: write the names ({known}), or name the column "
                    "'class' to keep the numbers as classes"
                )
            raise InputError(
                f"{path}, line {line}: unknown expression {cell!r}; known: {known}; other names go "
                "into a column 'class'"
            )
        found.append(name)
    return found


def _check_classes(path: Path, cells: list[str], lines: list[int]) -> None:
    """Names of anything, for pictures that are no faces; they name columns of what is predicted."""
    taken = {"image", *NAMES, *CONTINUOUS}
    for cell, line in zip(cells, lines, strict=True):
        if cell in taken or _unit(cell) is not None:
            raise InputError(f"{path}, line {line}: class {cell!r} has the name of a column")
    if len(set(cells) - {""}) > MOST_CLASSES:
        raise InputError(f"{path}: more than {MOST_CLASSES} classes")


def _splits(path: Path, cells: list[str], lines: list[int]) -> list[str | None]:
    found: list[str | None] = []
    for cell, line in zip(cells, lines, strict=True):
        try:
            found.append(split_name(cell) if cell else None)
        except InputError as error:
            raise InputError(f"{path}, line {line}: {error}") from error
    return found


def _whole_numbers(path: Path, name: str, cells: list[str], lines: list[int]) -> list[int | None]:
    values = _numbers(path, name, cells, lines, 0, 2**24)
    for value, cell, line in zip(values, cells, lines, strict=True):
        if (value != value and cell.lower() not in MISSING) or value % 1 > 0:
            raise InputError(f"{path}, line {line}: {name} is {cell}, not a whole number")
    return [None if value != value else int(value) for value in values]


def _numbers(
    path: Path, name: str, cells: list[str], lines: list[int], low: float, high: float
) -> Values:
    values = np.full(len(cells), np.nan, np.float32)
    for i, cell in enumerate(cells):
        if cell.lower() in MISSING:
            continue
        value = number(cell)
        if value is None:
            raise InputError(f"{path}, line {lines[i]}: {name} is {cell!r}, not a number")
        if not low <= value <= high:
            raise InputError(
                f"{path}, line {lines[i]}: {name} is {cell}, outside {low:g} to {high:g}; "
                "leave the cell empty where it is unlabelled"
            )
        values[i] = value
    return values
