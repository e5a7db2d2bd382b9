"""Aff-Wild2 (Kollias & Zafeiriou 2019) as its challenges (ABAW) distribute it.

    PATH/cropped_aligned/VIDEO[_left|_right]/00001.jpg       frames from 1; missing: no face found
    PATH/.../*new_50_vids*/VIDEO/00001.jpg                   a later part, in a folder of its own
    PATH/VA_Estimation_Challenge/{Train,Validation}_Set/VIDEO.txt
    PATH/EXPR_Classification_Challenge/... (or EXPR_Recognition_Challenge)
    PATH/AU_Detection_Challenge/...

An annotation file has a header; line i after it is frame i. Not labelled: -5 (valence, arousal), -1
(expression, units). The three challenges part the same videos differently: each part is a split of
its own (`va`, `expression`, `au`), and in `official` a video that any of them validates on is val.
Videos that no challenge annotates are those of its test sets: with --test they are in part `test`.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path

from mien.corpora.labelled_pictures import (
    LabelledPictures,
    Picture,
    Read,
    affect,
    folders_in,
    lines_of,
    number_of,
    pictures_in,
    whole_of,
)
from mien.errors import InputError
from mien.media.names import shown

EXPRESSIONS = ("neutral", "anger", "disgust", "fear", "happiness", "sadness", "surprise", "other")
UNITS = (1, 2, 4, 6, 7, 10, 12, 15, 23, 24, 25, 26)
CHALLENGES = {
    "VA_Estimation_Challenge": "va",
    "EXPR_Classification_Challenge": "expression",
    "EXPR_Recognition_Challenge": "expression",
    "AU_Detection_Challenge": "au",
}
SETS = {"Train_Set": "train", "Training_Set": "train", "Validation_Set": "val", "Test_Set": "test"}
NO_AFFECT = -5.0
NO_CLASS = -1
SIDES = ("_left", "_right")
_ORDER = ("val", "test", "train")
"""Where the challenges disagree on a video, the first of these that any says is its part."""

Lines = list[dict[str, float | str]]


class AffWild2(LabelledPictures):
    """The corpus kind `affwild2`."""

    kind = "affwild2"
    citation = "Kollias & Zafeiriou 2019, Expression, Affect, Action Unit Recognition: Aff-Wild2"
    terms = "an agreement with its authors; research only; no redistribution"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add which frames are taken."""
        super().add_arguments(parser)
        parser.add_argument(
            "--unlabelled", action="store_true", help="take frames without any label too"
        )
        parser.add_argument(
            "--test", action="store_true", help="take videos without annotations, as part test"
        )

    def read(self, path: Path, args: argparse.Namespace) -> Read:
        """Read the annotation files, and join them to the crops by frame number."""
        crops = _crop_folders(path)
        labels, splits, notes = _annotations(path)
        pictures: list[Picture] = []
        missing: list[str] = []
        for video, lines in labels.items():
            if video not in crops:
                missing.append(video)
                continue
            pictures += _of_video(video, crops[video], lines, splits[video], args.unlabelled, notes)
        if args.unlabelled or args.test:
            parts = dict.fromkeys(CHALLENGES.values(), "test") if args.test else {}
            for video in sorted(crops.keys() - labels.keys()):
                pictures += _of_video(video, crops[video], [], parts, True, notes)
        if missing:
            notes.append(f"{len(missing)} annotated videos have no crops: {', '.join(missing[:5])}")
        rows = sum(len(lines) for lines in labels.values())
        return Read(pictures, rows, missing=[], notes=notes)


def _crop_folders(path: Path) -> dict[str, Path]:
    """Video to the folder of its frames, wherever a release has put it."""
    roots = [path / "cropped_aligned", path / "cropped_aligned_images"]
    roots += [p for p in path.glob("*") if "50_vid" in p.name and p.is_dir()]
    found: dict[str, Path] = {}
    for root in roots:
        for folder in folders_in(root):
            inner = folders_in(folder)
            for each in inner or [folder]:  # a part of its own nests its videos
                if pictures_in(each):
                    found.setdefault(each.name, each)
    if not found:
        raise InputError(f"{shown(path)}: holds no cropped_aligned/VIDEO/00001.jpg")
    return found


def _annotations(path: Path) -> tuple[dict[str, Lines], dict[str, dict[str, str]], list[str]]:
    labels: dict[str, Lines] = {}
    splits: dict[str, dict[str, str]] = {}
    notes: list[str] = []
    for challenge, name in CHALLENGES.items():
        for folder in folders_in(path / challenge):
            if folder.name not in SETS:
                notes.append(f"{challenge}/{folder.name}: is no set of the challenge: left out")
                continue
            for file in sorted(folder.glob("*.txt")):
                rows = _read_file(file, name)
                lines = labels.setdefault(file.stem, [])
                lines += [{} for _ in range(len(rows) - len(lines))]
                for line, row in zip(lines, rows, strict=False):
                    line.update(row)
                splits.setdefault(file.stem, {})[name] = SETS[folder.name]
    if not labels:
        raise InputError(
            f"{shown(path)}: holds none of {', '.join(CHALLENGES)} with a Train_Set or "
            "Validation_Set of VIDEO.txt"
        )
    return labels, splits, notes


def _read_file(path: Path, challenge: str) -> Lines:
    """Labels of frame 1, 2, ...; a line without a label is an empty mapping."""
    read = {"va": _affect, "expression": _expression, "au": _units}[challenge]
    lines = lines_of(path)[1:]
    while lines and not lines[-1].strip():
        lines.pop()
    return [read(path, number, line) for number, line in enumerate(lines, start=2)]


def _affect(path: Path, number: int, line: str) -> dict[str, float | str]:
    cells = _cells(path, number, line, 2)
    valence, arousal = (number_of(path, number, cell) for cell in cells)
    if NO_AFFECT in (valence, arousal):
        return {}
    return {**affect(path, number, valence, arousal)}


def _expression(path: Path, number: int, line: str) -> dict[str, float | str]:
    code = whole_of(path, number, _cells(path, number, line, 1)[0])
    if code == NO_CLASS:
        return {}
    if not 0 <= code < len(EXPRESSIONS):
        raise InputError(f"{shown(path)}, line {number}: expression {code} is none of 0 to 7")
    return {"expression": EXPRESSIONS[code]}


def _units(path: Path, number: int, line: str) -> dict[str, float | str]:
    found: dict[str, float | str] = {}
    for unit, cell in zip(UNITS, _cells(path, number, line, len(UNITS)), strict=True):
        value = whole_of(path, number, cell)
        if value not in (NO_CLASS, 0, 1):
            raise InputError(f"{shown(path)}, line {number}: AU{unit} is {value}, not -1, 0 or 1")
        if value != NO_CLASS:
            found[f"AU{unit:02d}"] = float(value)
    return found


def _cells(path: Path, number: int, line: str, count: int) -> list[str]:
    cells = [cell.strip() for cell in line.split(",")]
    if len(cells) != count:
        raise InputError(f"{shown(path)}, line {number}: {len(cells)} values where {count} belong")
    return cells


def _of_video(
    video: str,
    folder: Path,
    lines: Lines,
    splits: Mapping[str, str],
    unlabelled: bool,
    notes: list[str],
) -> list[Picture]:
    files = [file for file in pictures_in(folder) if file.stem.isdigit()]
    beyond = sum(int(file.stem) > len(lines) for file in files) if lines else 0
    if beyond:
        notes.append(f"{video}: {beyond} frames lie behind its {len(lines)} lines of labels")
    side = next((s for s in SIDES if video.endswith(s)), "")
    part = next((p for p in _ORDER if p in splits.values()), None)
    found = []
    for file in files:
        frame = int(file.stem) - 1
        if frame < 0:
            raise InputError(f"{shown(file)}: frames are counted from 1")
        labels = lines[frame] if frame < len(lines) else {}
        if labels or unlabelled:
            found.append(
                Picture(
                    file, labels, subject=video, video=video.removesuffix(side), frame=frame,
                    track=int(side == "_left"), split=part, splits=splits,
                )
            )  # fmt: skip
    return found


class SAffWild2(LabelledPictures):
    """The corpus kind `s-affwild2`: static frames with all three labels (the MTL challenge).

    PATH/train_set.txt, PATH/validation_set.txt    image,valence,arousal,expression,AU1,...
    PATH/cropped_aligned/VIDEO/00001.jpg
    """

    kind = "s-affwild2"
    citation = "Kollias 2022, ABAW: Learning from Synthetic Data & Multi-Task Learning Challenges"
    terms = "an agreement with its authors; research only; no redistribution"

    def read(self, path: Path, args: argparse.Namespace) -> Read:
        """Read the two lists."""
        crops = _crop_folders(path)
        pictures: list[Picture] = []
        missing: list[str] = []
        rows = 0
        for part, names in (("train", ("train_set.txt", "training_set.txt")),
                            ("val", ("validation_set.txt", "val_set.txt"))):  # fmt: skip
            file = next((f for n in names for f in path.rglob(n) if f.is_file()), None)
            if file is None:
                continue
            for number, line in enumerate(lines_of(file)[1:], start=2):
                if not line.strip():
                    continue
                rows += 1
                name, _, rest = line.partition(",")
                picture = _mtl(file, number, name.strip(), rest, crops, part)
                if picture is None:
                    missing.append(name)
                else:
                    pictures.append(picture)
        if not rows:
            raise InputError(f"{shown(path)}: holds no train_set.txt or validation_set.txt")
        return Read(pictures, rows, missing)


def _mtl(
    file: Path, number: int, name: str, rest: str, crops: Mapping[str, Path], part: str
) -> Picture | None:
    video, _, image = name.partition("/")
    stem = Path(image).stem
    if not stem.isdigit() or "/" in image:
        raise InputError(f"{shown(file)}, line {number}: image {name!r} is not VIDEO/00001.jpg")
    cells = _cells(file, number, rest, 3 + len(UNITS))
    labels = {
        **_affect(file, number, ",".join(cells[:2])),
        **_expression(file, number, cells[2]),
        **_units(file, number, ",".join(cells[3:])),
    }
    if video not in crops or not (crops[video] / image).is_file():
        return None
    side = next((s for s in SIDES if video.endswith(s)), "")
    return Picture(
        crops[video] / image, labels, subject=video, video=video.removesuffix(side),
        frame=int(stem) - 1, track=int(side == "_left"), split=part,
    )  # fmt: skip
