"""Raters' files of units and expressions: a line per frame, or ranges of frames.

au-frames (au-va-thesis, section 3.1.2): the frame, then presence and intensity of each unit.
au-ranges, expression-ranges (kollias-2018, section III-B): what is shown, first and last frame.
mien's actors write ranges under the header `label,first_frame,last_frame`, counted from 0 as mien
counts; files without it are counted from 1, as the documents count.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.corpora.labelled_pictures import lines_of, number_of, whole_of
from mien.corpora.traces import cells_of
from mien.errors import InputError
from mien.labels import action_units, expressions
from mien.labels.action_units import DOCUMENT_AUS, INTENSITY_MAX, column
from mien.labels.heads import VALENCE_AROUSAL
from mien.media.names import shown

OWN_HEADER = ["label", "first_frame", "last_frame"]
SIDES = ("left", "right")
_KINDS = (*VALENCE_AROUSAL, "va", "au", "aus", "expression", "expr")
_TAIL = re.compile(rf"[._-]({'|'.join(_KINDS)})$", re.IGNORECASE)
_RATER = re.compile(r"[._-]r\d{2}$", re.IGNORECASE)


@dataclass(frozen=True)
class RatedName:
    """What a file's name says. video: without ending. side: left or right of two people.

    dimension: valence or arousal, where the name or its folder says one. person: who is rated,
    where raters.json beside the file says it, as beside those of actors.
    """

    video: str
    side: str | None
    dimension: str | None
    person: str | None = None


def rated_name(path: Path) -> RatedName:
    """Read `video89_valence.txt`, `valence/video89.txt`, `video55_left.txt`, `talk.r00.va.csv`."""
    stem, dimension = path.stem, None
    if path.parent.name.lower() in VALENCE_AROUSAL:
        dimension = path.parent.name.lower()
    if found := _TAIL.search(stem):
        stem = stem[: found.start()]
        dimension = found[1].lower() if found[1].lower() in VALENCE_AROUSAL else dimension
    stem = _RATER.sub("", stem)
    side = next((s for s in SIDES if stem.endswith(f"_{s}")), None)
    person = _rated(path.parent).get(stem)
    return RatedName(stem.removesuffix(f"_{side}") if side else stem, side, dimension, person)


@cache
def _rated(folder: Path) -> dict[str, str]:
    """Person by video, as the raters.json of a cast says; nothing where there is none."""
    try:
        known = json.loads((folder / "raters.json").read_text("utf-8"))["rated"]
        return {Path(str(video)).stem: str(person) for video, person in known.items()}
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return {}


@dataclass(frozen=True)
class UnitFrames:
    """Units by frame. frames: (F,) from 0. presence, intensity: (F, K), NaN where not said."""

    units: tuple[int, ...]
    frames: NDArray[np.int64]
    presence: NDArray[np.float32]
    intensity: NDArray[np.float32]


def read_unit_frames(
    path: Path, units: Sequence[int] = (), first_frame: int | None = None
) -> UnitFrames:
    """Read a line per frame: its number, then presence and intensity of each unit.

    units: in the file's order; those of a header, or else the documents' eight. first_frame: what
    the first is called (1). Raises InputError for another number of cells, a frame named twice, a
    presence that is neither 0 nor 1 and an intensity outside 0 to 5.
    """
    lines = [(n, cells_of(line)) for n, line in enumerate(lines_of(path), 1) if cells_of(line)]
    named = _header_units(lines[0][1]) if lines else ()
    lines = lines[1:] if named else lines
    units = tuple(units) or named or DOCUMENT_AUS
    base = 1 if first_frame is None else first_frame
    frames: dict[int, int] = {}
    values = np.full((len(lines), 2 * len(units)), np.nan, np.float32)
    for at, (line, cells) in enumerate(lines):
        if len(cells) != 1 + 2 * len(units):
            raise InputError(
                f"{shown(path)}, line {line}: {len(cells)} cells, where the frame and presence and "
                f"intensity of {len(units)} units are {1 + 2 * len(units)}; --units names them"
            )
        frame = _frame(path, line, cells[0], base)
        if frame in frames:
            raise InputError(f"{shown(path)}, line {line}: frame {cells[0]} is there twice")
        frames[frame] = at
        values[at] = [_value(path, line, cell, i % 2) for i, cell in enumerate(cells[1:])]
    if not frames:
        raise InputError(f"{shown(path)}: holds no frame")
    return UnitFrames(units, np.array(list(frames), np.int64), values[:, 0::2], values[:, 1::2])


def _header_units(cells: Sequence[str]) -> tuple[int, ...]:
    """Units that a header names, in order; none where the line is no header."""
    found = [action_units.parse(re.sub(r"_[a-z]+$", "", cell, flags=re.I)) for cell in cells]
    return tuple(dict.fromkeys(unit for unit in found if unit is not None))


def _value(path: Path, line: int, cell: str, strength: int) -> float:
    if cell in ("-", ""):
        return float("nan")
    value = number_of(path, line, cell)
    if strength and not 0 <= value <= INTENSITY_MAX:
        raise InputError(f"{shown(path)}, line {line}: intensity is {value:g}, not 0 to 5")
    if not strength and value not in (0, 1):
        raise InputError(f"{shown(path)}, line {line}: presence is {value:g}, neither 0 nor 1")
    return value


def _frame(path: Path, line: int, cell: str, base: int) -> int:
    frame = whole_of(path, line, cell) - base
    if frame < 0:
        more = "; is it counted from 0? say --first-frame 0" if frame == -1 and base == 1 else ""
        raise InputError(f"{shown(path)}, line {line}: frame {cell} is before the first{more}")
    return frame


@dataclass(frozen=True)
class Range:
    """What is shown from frame `first` to frame `last`, both in it, from 0."""

    label: str
    first: int
    last: int


def read_ranges(path: Path, units: bool, first_frame: int | None = None) -> tuple[list[Range], int]:
    """Read lines of a label, its first and its last frame; returns what the first frame is called.

    units: labels are Action Units (`AU12`, or 12), else expressions. Raises InputError for a label
    that is none, and for a range that ends before it begins.
    """
    found: list[Range] = []
    base = 1 if first_frame is None else first_frame
    for line, text in enumerate(lines_of(path), start=1):
        cells = cells_of(text)
        if not cells:
            continue
        if not found and not any(cell.isdigit() for cell in cells[1:]):
            own = [cell.lower() for cell in cells] == OWN_HEADER
            base = 0 if own and first_frame is None else base
            continue
        if len(cells) != 3:
            raise InputError(
                f"{shown(path)}, line {line}: {len(cells)} cells, not a label, first and last frame"
            )
        first, last = (_frame(path, line, cell, base) for cell in cells[1:])
        if last < first:
            raise InputError(f"{shown(path)}, line {line}: ends before it begins")
        found.append(Range(_label(path, line, cells[0], units), first, last))
    return found, base


def _label(path: Path, line: int, text: str, units: bool) -> str:
    if not units:
        if (name := expressions.parse(text)) is None:
            raise InputError(f"{shown(path)}, line {line}: {text!r} is no expression")
        return name
    unit = action_units.parse(text if text.lower().startswith("au") else f"AU{text}")
    if unit is None:
        raise InputError(f"{shown(path)}, line {line}: {text!r} is no Action Unit")
    return column(unit)
