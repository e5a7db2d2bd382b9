"""DISFA (Mavadati et al. 2013) and DISFA+ (Mavadati et al. 2016): units by intensity, 0 to 5.

DISFA:
    PATH/ActionUnit_Labels/SN001/SN001_au1.txt    a line `frame,intensity`, frames from 1
    PATH/Images/SN001/1.jpg (or 00001.png)        frames taken from its videos, numbered alike
DISFA+:
    PATH/Labels/SN001/TRIAL/AU1.txt               a header line, then `frame intensity`
    PATH/Images/SN001/TRIAL/000.jpg

A unit is present from intensity 2 on, as the literature on DISFA has it; `--present 1` counts a
trace too. The three folds that papers use (those of JAA-Net's code) are splits `fold1` to `fold3`:
that part tests, the other two train.
"""

import argparse
import re
from pathlib import Path

from mien.corpora.labelled_pictures import (
    LabelledPictures,
    Picture,
    Read,
    folders_in,
    lines_of,
    numbered,
    pictures_in,
    unit_columns,
    whole_of,
)
from mien.errors import InputError
from mien.labels.action_units import column
from mien.media.names import shown

PRESENT = 2.0
FOLDS = (
    frozenset({2, 10, 1, 26, 27, 32, 30, 9, 16}),
    frozenset({13, 18, 11, 28, 12, 6, 31, 21, 24}),
    frozenset({3, 29, 23, 25, 8, 5, 7, 17, 4}),
)
"""Numbers of the people in each part."""
_UNIT_FILE = re.compile(r"(?:SN\d+_)?AU(\d+)\.txt", re.IGNORECASE)
_NUMBER = re.compile(r"(\d+)$")

Values = dict[int, dict[int, int]]
"""Frame as numbered in the files to unit to intensity."""


class Disfa(LabelledPictures):
    """The corpus kind `disfa`."""

    kind = "disfa"
    citation = "Mavadati et al. 2013, DISFA: A Spontaneous Facial Action Intensity Database"
    terms = "an agreement with its authors; research only"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add from which intensity a unit is present."""
        super().add_arguments(parser)
        parser.add_argument(
            "--present", type=float, default=PRESENT, help="intensity from which a unit is present"
        )

    def read(self, path: Path, args: argparse.Namespace) -> Read:
        """Join the units' files to the frames by number."""
        root = path / "ActionUnit_Labels"
        if not root.is_dir():
            raise InputError(f"{shown(path)}: holds no ActionUnit_Labels")
        found = Read([])
        for folder in folders_in(root):
            values = _read_units(folder)
            pictures = pictures_in(path / "Images" / folder.name)
            if not pictures:
                found.missing.append(folder.name)
            _join(found, pictures, values, folder.name, folder.name, args.present, first=1)
        return found


class DisfaPlus(Disfa):
    """The corpus kind `disfaplus`."""

    kind = "disfaplus"
    citation = "Mavadati, Sanger & Mahoor 2016, Extended DISFA Dataset (CVPRW)"
    terms = "an agreement with its authors; research only"

    def read(self, path: Path, args: argparse.Namespace) -> Read:
        """Join the units' files to the frames of every trial."""
        if not (path / "Labels").is_dir():
            raise InputError(f"{shown(path)}: holds no Labels")
        found = Read([])
        for person in folders_in(path / "Labels"):
            for trial in folders_in(person):
                values = _read_units(trial)
                name = f"{person.name}/{trial.name}"
                pictures = pictures_in(path / "Images" / person.name / trial.name)
                if not pictures:
                    found.missing.append(name)
                _join(found, pictures, values, name, person.name, args.present, first=0)
        return found


def _read_units(folder: Path) -> Values:
    found: Values = {}
    for file in sorted(folder.glob("*.txt")):
        named = _UNIT_FILE.fullmatch(file.name)
        if named is None:
            continue
        for number, cells in numbered(lines_of(file)):
            frame = cells[0].rpartition("/")[2].partition(".")[0]
            if len(cells) != 2 or not frame.isdigit():
                if number <= 2 and not found.get(-1):
                    continue  # a header
                raise InputError(f"{shown(file)}, line {number}: is not `frame intensity`")
            intensity = whole_of(file, number, cells[1])
            if not 0 <= intensity <= 5:
                raise InputError(f"{shown(file)}, line {number}: intensity {intensity}, not 0 to 5")
            found.setdefault(int(frame), {})[int(named[1])] = intensity
    if not found:
        raise InputError(f"{shown(folder)}: holds no AU files that can be read")
    return found


def _join(
    found: Read,
    pictures: list[Path],
    values: Values,
    video: str,
    person: str,
    present: float,
    first: int,
) -> None:
    found.rows += len(values)
    for file in pictures:
        number = _NUMBER.search(file.stem)
        if number is None:
            raise InputError(f"{shown(file)}: its name does not end in a frame's number")
        frame = int(number[1])
        labels: dict[str, float | str] = {}
        for unit, intensity in values.get(frame, {}).items():
            if column(unit):
                labels |= unit_columns(unit, float(intensity), present)
        if labels:
            found.pictures.append(
                Picture(
                    file, labels, subject=person, video=video, frame=frame - first, track=0,
                    splits=_folds(person),
                )
            )  # fmt: skip


def _folds(person: str) -> dict[str, str]:
    """Part of a person in each fold; none for a person that the folds do not name."""
    number = _NUMBER.search(person)
    if number is None or not any(int(number[1]) in part for part in FOLDS):
        return {}
    return {
        f"fold{i}": "test" if int(number[1]) in part else "train"
        for i, part in enumerate(FOLDS, start=1)
    }
