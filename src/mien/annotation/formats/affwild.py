"""Traces as Aff-Wild's tool writes them: a file per dimension, each with a clock of its own.

    ANNOTATOR/valence/video89.txt    0.010 0
    ANNOTATOR/arousal/video89.txt    0.016 0

Lines of seconds and a value in [-1000, 1000], at uneven times (benroumpi-2018, Table 3.3). Of two
people in a video the one on the left is `video55_left.txt`, the other `video55.txt` (section 3.4).
"""

import re
from pathlib import Path

from mien.annotation.formats.base import Entry, Sheet, read_text, safe_name, take_entries
from mien.annotation.marks import DIMENSIONS, FULL
from mien.atomic import write_text
from mien.errors import InputError

_PARTED = re.compile(r"[,;\s]+")


class AffWild:
    """The format `affwild`."""

    carries: tuple[str, ...] = ("va",)

    def files(self, folder: Path, sheet: Sheet) -> list[Path]:
        """Valence, then arousal."""
        name = safe_name(sheet.item.name.removesuffix("_right"))
        return [folder / sheet.annotator / d / f"{name}.txt" for d in DIMENSIONS]

    def write(self, folder: Path, sheet: Sheet) -> None:
        """Write the traces that there are."""
        for dimension, path in zip(DIMENSIONS, self.files(folder, sheet), strict=True):
            rows = sheet.trace(dimension)
            if len(rows):
                path.parent.mkdir(parents=True, exist_ok=True)
                write_text(path, "".join(f"{s:.4f} {v:.0f}\n" for s, v in rows))

    def read(self, folder: Path, sheet: Sheet, notes: list[str]) -> list[Entry]:
        """One take per dimension."""
        entries = []
        for dimension, path in zip(DIMENSIONS, self.files(folder, sheet), strict=True):
            if path.is_file():
                samples = _samples(path, notes)
                entries += take_entries(f"affwild-{dimension}", dimension, samples)
        return entries


def _samples(path: Path, notes: list[str]) -> list[list[float]]:
    found: list[list[float]] = []
    for number, line in enumerate(read_text(path).splitlines(), 1):
        cells = [cell for cell in _PARTED.split(line) if cell]
        if not cells:
            continue
        try:
            seconds, value = map(float, cells)
        except ValueError:
            if not found and number <= 2 and not cells[0][:1].isdigit():
                continue  # a header
            raise InputError(f"{path}, line {number}: {line!r}: give seconds and a value") from None
        if not 0 <= seconds < 1e6 or not abs(value) <= FULL:
            raise InputError(
                f"{path}, line {number}: {line!r}: give seconds from 0 and a value from -{FULL} to "
                f"{FULL}"
            )
        if found and seconds < found[-1][0]:
            raise InputError(f"{path}, line {number}: goes back in time, from {found[-1][0]:g}")
        found.append([seconds, value])
    if not found:
        raise InputError(f"{path}: holds no sample")
    if max(abs(value) for _, value in found) <= 1 < len(found):
        notes.append(f"{path}: values lie in [-1, 1] and were taken for thousandths")
    return found
