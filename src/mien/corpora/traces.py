"""Traces of valence and arousal as a joystick leaves them, turned into a value per frame.

benroumpi-2018 (section 3.7, Table 3.3): two files per video, one per dimension, each with a clock
of its own: lines of seconds and a value in [-1000, 1000], at irregular times. Frames are numbered
1, 2, ... and a value of frame x is interpolated linearly between the samples at seconds * rate; the
result is divided by 1000. au-va-thesis (section 3.1.3): what is a frame or two short is extended,
what is too long is cropped.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.corpora.labelled_pictures import lines_of, number_of
from mien.errors import InputError
from mien.labels.heads import VALENCE_AROUSAL
from mien.media.names import shown

Floats = NDArray[np.float64]

SCALE = 1000.0
"""What the tool of benroumpi-2018 writes for 1."""
EXTENDED = 2
"""Frames by which a trace is extended at either end (au-va-thesis: 'if needed')."""


@dataclass(frozen=True)
class Trace:
    """One dimension as rated. seconds: (T,) ascending. values: (T,) in [-1, 1]."""

    path: Path
    seconds: Floats
    values: Floats

    def at_frames(self, frames: Floats, rate: float) -> Floats:
        """Values at frames (F,) numbered from 1; NaN where the trace does not reach.

        It reaches `EXTENDED` frames beyond its first and its last sample, with their values.
        """
        places = self.seconds * rate
        found = np.interp(frames, places, self.values)
        outside = (frames < places[0] - EXTENDED) | (frames > places[-1] + EXTENDED)
        return np.where(outside, np.nan, found)

    def fit(self, frames: int, rate: float) -> str:
        """Say by how many frames it was extended or cropped for a video of so many; '' for none."""
        last = int(self.seconds[-1] * rate)
        name = shown(Path(self.path.name))
        if last > frames:
            far = " (is it of another cut, or another rate?)" if last - frames > EXTENDED else ""
            return f"{name}: cropped by {last - frames} frames, it is longer than the video{far}"
        if last < frames:
            extended = min(frames - last, EXTENDED)
            left = frames - last - extended
            rest = f"; the last {left} frames stay unlabelled" if left else ""
            return f"{name}: extended by {extended} frames{rest}"
        return ""


def read_traces(path: Path, dimension: str | None, scale: float = SCALE) -> dict[str, Trace]:
    """Read a file of seconds and one value, or of seconds, valence and arousal.

    dimension: valence or arousal, of a file with one value a line. A header may be there. Raises
    InputError, with the line, for what is no trace: times that go back, values beyond the scale, a
    file of the scale -1 to 1 where another is expected.
    """
    rows = list(_rows(path))
    widths = {len(cells) for _, cells in rows}
    if widths not in ({2}, {3}):
        raise InputError(
            f"{shown(path)}: lines hold {' or '.join(map(str, sorted(widths))) or 'no'} numbers; a "
            "trace has seconds and a value, or seconds, valence and arousal"
        )
    if widths == {2} and dimension is None:
        raise InputError(
            f"{shown(path)}: one value a line, but is it valence or arousal? Name the file "
            "VIDEO_valence.txt or VIDEO_arousal.txt"
        )
    numbers = np.array([cells for _, cells in rows], np.float64)
    lines = [line for line, _ in rows]
    _check(path, lines, numbers, scale)
    names = (str(dimension),) if widths == {2} else VALENCE_AROUSAL
    return {
        name: Trace(path, numbers[:, 0], numbers[:, i] / scale) for i, name in enumerate(names, 1)
    }


def _rows(path: Path) -> list[tuple[int, list[float]]]:
    """Line number and numbers of every line; a header above the first of them is passed over."""
    found: list[tuple[int, list[float]]] = []
    for number, line in enumerate(lines_of(path), start=1):
        cells = cells_of(line)
        if not cells:
            continue
        if not found and all(cell[:1].isalpha() for cell in cells):
            continue
        found.append((number, [number_of(path, number, cell) for cell in cells]))
    if not found:
        raise InputError(f"{shown(path)}: holds no sample")
    return found


def cells_of(line: str) -> list[str]:
    """Cells of a line, parted by tabs, semicolons, commas or spaces.

    A comma is the point of a number where semicolons or tabs part the cells.
    """
    for mark in ("\t", ";"):
        if mark in line:
            return [cell.strip().replace(",", ".") for cell in line.split(mark) if cell.strip()]
    return line.replace(",", " ").split()


def _check(path: Path, lines: Sequence[int], numbers: Floats, scale: float) -> None:
    for (before, after), line in zip(pairwise(numbers[:, 0].tolist()), lines[1:], strict=True):
        if after < before:
            raise InputError(f"{shown(path)}, line {line}: time goes back from {before:g} s")
    if numbers[0, 0] < 0:
        raise InputError(f"{shown(path)}, line {lines[0]}: a time before 0")
    values = np.abs(numbers[:, 1:])
    if (far := values > scale).any():
        at = int(np.flatnonzero(far.any(1))[0])
        raise InputError(
            f"{shown(path)}, line {lines[at]}: {numbers[at, 1:].max():g} is beyond {scale:g}"
        )
    if scale > 1 and values.max() <= 1 and (values % 1).any():
        raise InputError(
            f"{shown(path)}: no value is beyond 1, and the scale is {scale:g}; say --scale 1"
        )
