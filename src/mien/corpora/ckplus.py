"""CK+ (Lucey et al. 2010): posed sequences from neutral to a peak, coded at the peak.

    PATH/cohn-kanade-images/S005/001/S005_001_00000011.png
    PATH/Emotion/S005/001/S005_001_00000011_emotion.txt     one number; absent for many sequences
    PATH/FACS/S005/001/S005_001_00000011_facs.txt           lines `unit intensity`; 0: not judged

Labels are of the last frame. `--neutral` takes the first frame of each sequence as neutral, as many
papers do: that is their assumption, not a coder's word.
"""

import argparse
from pathlib import Path

from mien.corpora.labelled_pictures import (
    LabelledPictures,
    Picture,
    Read,
    folders_in,
    lines_of,
    number_of,
    numbered,
    pictures_in,
)
from mien.errors import InputError
from mien.labels.action_units import FACS, column
from mien.media.names import shown

CLASSES = (
    "neutral", "anger", "contempt", "disgust", "fear", "happiness", "sadness", "surprise",
)  # fmt: skip


class CkPlus(LabelledPictures):
    """The corpus kind `ck+`."""

    kind = "ck+"
    citation = "Lucey et al. 2010, The Extended Cohn-Kanade Dataset (CVPRW)"
    terms = "an agreement with its authors; research only"
    verified = False

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add what is made of the first frames."""
        super().add_arguments(parser)
        parser.add_argument("--neutral", action="store_true", help="first frames are neutral")

    def read(self, path: Path, args: argparse.Namespace) -> Read:
        """Read the peak of every sequence."""
        found = Read([])
        for person in folders_in(path / "cohn-kanade-images"):
            for sequence in folders_in(person):
                frames = pictures_in(sequence)
                if not frames:
                    continue
                name = f"{person.name}/{sequence.name}"
                labels = _of_peak(path, name)
                found.rows += bool(labels)
                common = {"subject": person.name, "video": name, "track": 0}
                if labels:
                    frame = len(frames) - 1
                    found.pictures.append(Picture(frames[-1], labels, frame=frame, **common))  # type: ignore[arg-type]
                if args.neutral and len(frames) > 1:
                    neutral = {"expression": "neutral"}
                    found.pictures.append(Picture(frames[0], neutral, frame=0, **common))  # type: ignore[arg-type]
        if not found.pictures:
            raise InputError(f"{shown(path)}: holds no labelled cohn-kanade-images/S005/001")
        return found


def _of_peak(path: Path, sequence: str) -> dict[str, float | str]:
    labels: dict[str, float | str] = {}
    for file in sorted((path / "Emotion" / sequence).glob("*_emotion.txt")):
        for number, cells in numbered(lines_of(file)):
            code = number_of(file, number, cells[0])
            if not (code == int(code) and 0 <= code < len(CLASSES)):
                raise InputError(f"{shown(file)}, line {number}: class {code:g} is none of 0 to 7")
            labels["expression"] = CLASSES[int(code)]
    coded = sorted((path / "FACS" / sequence).glob("*_facs.txt"))
    for file in coded:
        for number, cells in numbered(lines_of(file)):
            unit = int(number_of(file, number, cells[0]))
            if unit not in FACS or len(cells) != 2:
                continue
            labels[column(unit)] = 1.0
            intensity = number_of(file, number, cells[1])
            if 1 <= intensity <= 5:
                labels[f"{column(unit)}_r"] = intensity
    if coded:
        for unit in (1, 2, 4, 5, 6, 7, 9, 12, 15, 17, 20, 23, 24, 25, 26, 27):
            labels.setdefault(column(unit), 0.0)
    return labels
