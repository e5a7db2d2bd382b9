"""AffectNet (Mollahosseini et al. 2017), in its two layouts.

    PATH/training.csv, PATH/validation.csv     subDirectory_filePath, face_x, face_y, face_width,
                                               face_height, facial_landmarks, expression, valence,
                                               arousal; pictures in PATH or Manually_Annotated...
    PATH/{train,val}_set/images/N.jpg          cut faces, with annotations/N_exp.npy, N_aro.npy,
                                               N_val.npy, N_lnd.npy

Expressions are numbered 0 neutral, 1 happiness, 2 sadness, 3 surprise, 4 fear, 5 disgust, 6 anger,
7 contempt, 8 none, 9 uncertain, 10 no face; the last three are no labels. Valence and arousal of -2
are missing. Other people's code renumbers the classes by the alphabet: `--classes alphabetical`
reads such copies, and nothing is guessed.
"""

import argparse
import csv
from pathlib import Path
from typing import Any

import numpy as np

from mien.corpora.labelled_pictures import (
    LabelledPictures,
    Picture,
    Read,
    affect,
    inside,
    number_of,
    pictures_in,
)
from mien.errors import InputError
from mien.media.names import shown

OFFICIAL = (
    "neutral", "happiness", "sadness", "surprise", "fear", "disgust", "anger", "contempt",
)  # fmt: skip
CLASSES = {"official": OFFICIAL, "alphabetical": tuple(sorted(OFFICIAL))}
NO_CLASS = (8, 9, 10)
NO_AFFECT = -2.0
TABLES = {"training.csv": "train", "validation.csv": "val"}
SETS = {"train_set": "train", "val_set": "val"}
PLACES = ("", "Manually_Annotated_Images", "Manually_Annotated", "images")
NEEDED = ("subDirectory_filePath", "expression", "valence", "arousal")


class AffectNet(LabelledPictures):
    """The corpus kind `affectnet`."""

    kind = "affectnet"
    citation = "Mollahosseini, Hasani & Mahoor 2017, AffectNet (IEEE TAFFC)"
    terms = "an agreement with its authors; research only; no redistribution"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add the order of the classes."""
        super().add_arguments(parser)
        parser.add_argument(
            "--classes", choices=tuple(CLASSES), default="official", help="order of the numbers"
        )

    def read(self, path: Path, args: argparse.Namespace) -> Read:
        """Read whichever layout is there."""
        classes = CLASSES[args.classes]
        found = Read([])
        for table, part in TABLES.items():
            if (path / table).is_file():
                _read_table(path, path / table, part, classes, found)
        for name, part in SETS.items():
            if (path / name / "annotations").is_dir():
                _read_arrays(path / name, part, classes, found)
        if not found.rows:
            raise InputError(
                f"{shown(path)}: holds neither training.csv or validation.csv nor "
                "train_set/annotations or val_set/annotations"
            )
        return found


def _read_table(root: Path, table: Path, part: str, classes: tuple[str, ...], found: Read) -> None:
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            rows = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{shown(table)}: cannot be read: {error}") from error
    if rows and (absent := [name for name in NEEDED if name not in rows[0]]):
        raise InputError(f"{shown(table)}: has no column {', '.join(absent)}")
    for number, row in enumerate(rows, start=2):
        name = (row["subDirectory_filePath"] or "").strip()
        found.rows += 1
        try:
            file_of = next((f for p in PLACES if (f := inside(root / p, name))), None)
        except InputError as error:
            raise InputError(f"{shown(table)}, line {number}: {error}") from None
        if file_of is None:
            found.missing.append(name)
            continue
        values = [number_of(table, number, str(row[c] or "")) for c in NEEDED[1:]]
        labels = _labels(table, number, values, classes)
        found.pictures.append(Picture(file_of, labels, image=name, split=part))


def _read_arrays(folder: Path, part: str, classes: tuple[str, ...], found: Read) -> None:
    for file in pictures_in(folder / "images"):
        found.rows += 1
        stem = folder / "annotations" / file.stem
        values = [
            _scalar(stem.with_name(f"{stem.name}_{kind}.npy")) for kind in ("exp", "val", "aro")
        ]
        labels = _labels(stem, 0, values, classes)
        name = f"{folder.name}/{file.name}"
        found.pictures.append(Picture(file, labels, image=name, split=part))


def _scalar(path: Path) -> float:
    """The number of a 0-d array of text or numbers; NaN where the file is not there."""
    if not path.is_file():
        return float("nan")
    try:
        value: Any = np.load(path, allow_pickle=False)
        return float(value.item())
    except Exception as error:
        raise InputError(f"{shown(path)}: is no array of one number ({error})") from error


def _labels(
    path: Path, number: int, values: list[float], classes: tuple[str, ...]
) -> dict[str, float | str]:
    code, valence, arousal = values
    found: dict[str, float | str] = {}
    if code == code and int(code) not in NO_CLASS:
        if not (code == int(code) and 0 <= code < len(classes)):
            raise InputError(
                f"{shown(path)}, line {number}: expression {code:g} is none of 0 to 10"
            )
        found["expression"] = classes[int(code)]
    known = valence == valence and arousal == arousal
    if known and NO_AFFECT not in (valence, arousal):
        found |= affect(path, number, valence, arousal)
    return found
