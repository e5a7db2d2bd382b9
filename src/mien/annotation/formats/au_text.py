"""Action Units as au-va-thesis's tool writes them: a line per frame.

    ANNOTATOR/video6.txt    12 1 1 0 0 ...

The frame's number, then of each unit whether it is there (1 or 0) and its intensity, 1 for A to 5
for E (section 3.1.2; there intensities are always 1 and say nothing). Frames count from 1, or from
0 in a file that has a frame 0. `nan nan`: not judged. The units are the project's, in its order.
"""

import re
from itertools import groupby
from pathlib import Path

import numpy as np

from mien.annotation.formats.base import Entry, Sheet, marks_entry, read_text, safe_name
from mien.annotation.items import Floats
from mien.annotation.marks import LETTERS, Mark
from mien.annotation.rasters import unit_raster
from mien.annotation.state import State
from mien.atomic import write_text
from mien.errors import InputError

_PARTED = re.compile(r"[,;\s]+")
_WORDS = {"true": 1.0, "false": 0.0, "yes": 1.0, "no": 0.0, "nan": float("nan"), "-1": float("nan")}


class AuText:
    """The format `au-text`."""

    carries: tuple[str, ...] = ("au",)

    def files(self, folder: Path, sheet: Sheet) -> list[Path]:
        """One file."""
        return [folder / sheet.annotator / f"{safe_name(sheet.item.name)}.txt"]

    def write(self, folder: Path, sheet: Sheet) -> None:
        """Write a line for every frame of which anything is known."""
        units = sheet.labels.get("au", ())
        present, level = unit_raster(sheet.states.get("au", State()), units, len(sheet.frames))
        if not (level > 0).any():  # as in au-va-thesis, where 1 says nothing
            level = present
        lines = []
        for frame in np.flatnonzero((~np.isnan(present)).any(1)).tolist():
            cells = (_cells(*pair) for pair in zip(present[frame], level[frame], strict=True))
            lines.append(f"{frame + 1} {' '.join(cells)}\n")
        if lines:
            (path,) = self.files(folder, sheet)
            path.parent.mkdir(parents=True, exist_ok=True)
            write_text(path, "".join(lines))

    def read(self, folder: Path, sheet: Sheet, notes: list[str]) -> list[Entry]:
        """Marks of frames in a row with the same intensity, and what was looked through."""
        (path,) = self.files(folder, sheet)
        units = sheet.labels.get("au", ())
        if not path.is_file() or not units:
            return []
        present, level = _rasters(path, units, len(sheet.frames))
        if (level[present == 1] == 1).all():
            level[:] = np.nan
            notes.append(f"{path}: every intensity is 1: taken for not given")
        entries, marks = [], []
        for u, unit in enumerate(units):
            for first, last, known in _runs(np.where(np.isnan(present[:, u]), np.nan, 1)):
                if not np.isnan(known):
                    entries.append(Entry("au", "seen", {"labels": [unit], "first": first,
                                                        "last": last}))  # fmt: skip
            strength = np.where(present[:, u] == 1, np.nan_to_num(level[:, u], nan=9), np.nan)
            for first, last, value in _runs(strength):
                if not np.isnan(value):
                    letter = LETTERS[int(value) - 1] if value < 9 else None
                    name = f"text-{unit}-{first}"
                    marks.append(Mark(name, unit, first, last, None, letter,
                                      source="import:au-text"))  # fmt: skip
        return [*marks_entry("au", marks), *entries]


def _cells(present: float, level: float) -> str:
    if np.isnan(present):
        return "nan nan"
    if np.isnan(level):
        return "1 nan"
    return f"{int(present)} {int(level)}"


def _runs(values: Floats) -> list[tuple[int, int, float]]:
    """First and last place, and value, of each run of equal values."""
    found, at = [], 0
    for value, run in groupby(np.nan_to_num(values, nan=-1).tolist()):
        size = len(list(run))
        found.append((at, at + size - 1, float("nan") if value == -1 else value))
        at += size
    return found


def _rasters(path: Path, units: tuple[str, ...], frames: int) -> tuple[Floats, Floats]:
    rows: dict[int, list[float]] = {}
    lines: dict[int, int] = {}
    for number, line in enumerate(read_text(path).splitlines(), 1):
        cells = [cell for cell in _PARTED.split(line.strip()) if cell]
        if not cells:
            continue
        if len(cells) != 1 + 2 * len(units):
            raise InputError(
                f"{path}, line {number}: {len(cells)} cells, not {1 + 2 * len(units)}: give the "
                f"frame, then presence and intensity of {', '.join(units)}"
            )
        try:
            values = [_WORDS.get(cell.lower()) for cell in cells[1:]]
            row = [float(c) if v is None else v for c, v in zip(cells[1:], values, strict=True)]
            frame = int(cells[0])
        except ValueError:
            if not rows and number == 1:
                continue  # a header
            raise InputError(f"{path}, line {number}: holds a cell that is no number") from None
        if frame in rows:
            raise InputError(f"{path}, line {number}: frame {frame} is named twice")
        _check(path, number, row)
        rows[frame], lines[frame] = row, number
    start = 0 if 0 in rows else 1
    found = np.full((frames, 2 * len(units)), np.nan)
    for frame, row in rows.items():
        if not 0 <= frame - start < frames:
            raise InputError(
                f"{path}, line {lines[frame]}: frame {frame}: the video has {frames}, from {start}"
            )
        found[frame - start] = row
    if not rows:
        raise InputError(f"{path}: holds no frame")
    return found[:, ::2], found[:, 1::2]


def _check(path: Path, number: int, row: list[float]) -> None:
    for present, level in zip(row[::2], row[1::2], strict=True):
        whole = np.isnan(level) or level == int(level)
        if present not in (0, 1) and not np.isnan(present):
            raise InputError(f"{path}, line {number}: presence {present:g}: give 0 or 1")
        if present == 1 and (not whole or not (np.isnan(level) or 1 <= level <= 5)):
            raise InputError(f"{path}, line {number}: intensity {level:g}: give 1 to 5")
