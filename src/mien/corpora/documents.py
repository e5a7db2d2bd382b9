"""The folders that the documents write: frames of a video in a folder, a text file of labels each.

benroumpi-2018 (section 3.6 to 3.8), six folders:
    PATH/frames/video45/0000001.png           seven digits, from 1, a frame without a face missing
    PATH/labels/video45.txt                   a line per frame that is there: valence arousal
    PATH/extra_frames, extra_labels           the videos of the second round
    PATH/test_frames, test_labels             the test

au-va-thesis and `mien export store --format thesis`:
    PATH/frames/video45/0000001.png, PATH/labels/video45.txt (frame valence arousal),
    PATH/labels_au/video45.txt (frame, then presence and intensity of each unit)

Lines of three cells begin with the frame's number; lines of two go with the frames in their order.
"""

import argparse
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
from mien.labels.action_units import DOCUMENT_AUS, column
from mien.media.names import shown

Labels = dict[int, dict[str, float | str]]
"""Number of the frame, from 1, to labels."""


class Benroumpi(LabelledPictures):
    """The corpus kind `benroumpi`: the six folders of benroumpi-2018."""

    kind = "benroumpi"
    citation = "benroumpi-2018"
    terms = "not published"
    parts = (
        ("frames", "labels", "train"), ("extra_frames", "extra_labels", "train"),
        ("test_frames", "test_labels", "test"),
    )  # fmt: skip

    def read(self, path: Path, args: argparse.Namespace) -> Read:
        """Read the folders that are there; both rounds are splits of their own too."""
        found = Read([])
        for frames, labels, part in self.parts:
            batch = "second" if frames.startswith("extra") else "first"
            for video in folders_in(path / frames):
                files = _numbered(video)
                own = _read_affect(path / labels / f"{video.name}.txt", files)
                found.rows += len(own)
                splits = {"round": batch} if part == "train" else {}
                found.pictures += _pictures(files, own, video.name, part, splits)
        if not found.pictures:
            raise InputError(f"{shown(path)}: holds no frames/VIDEO with labels/VIDEO.txt")
        return found


class Thesis(LabelledPictures):
    """The corpus kind `thesis`: frames and text files of au-va-thesis."""

    kind = "thesis"
    citation = "au-va-thesis"
    terms = "not published"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add which units the columns are."""
        super().add_arguments(parser)
        parser.add_argument(
            "--units", default=",".join(map(str, DOCUMENT_AUS)), metavar="N,N,...",
            help="of labels_au, in the order of its columns (those of the documents)",
        )  # fmt: skip

    def read(self, path: Path, args: argparse.Namespace) -> Read:
        """Read frames, valence-arousal and units."""
        try:
            units = tuple(int(text) for text in args.units.split(","))
        except ValueError:
            raise InputError(f"--units {args.units}: give numbers, as 1,2,4,6") from None
        found = Read([])
        for video in folders_in(path / "frames"):
            files = _numbered(video)
            own = _read_affect(path / "labels" / f"{video.name}.txt", files)
            for frame, labels in _read_units(
                path / "labels_au" / f"{video.name}.txt", units
            ).items():
                own.setdefault(frame, {}).update(labels)
            found.rows += len(own)
            found.pictures += _pictures(files, own, video.name, None, {})
        if not found.pictures:
            raise InputError(f"{shown(path)}: holds no frames/VIDEO with labels/VIDEO.txt")
        return found


def _numbered(video: Path) -> dict[int, Path]:
    """Frames by number, in order."""
    files = {}
    for file in pictures_in(video):
        if not file.stem.isdigit() or int(file.stem) < 1:
            raise InputError(f"{shown(file)}: frames are named by their number, from 1")
        files[int(file.stem)] = file
    return dict(sorted(files.items()))


def _read_affect(path: Path, files: dict[int, Path]) -> Labels:
    if not path.is_file():
        return {}
    rows = [(n, line.replace(",", " ").split()) for n, line in enumerate(lines_of(path), 1)]
    rows = [(n, cells) for n, cells in rows if cells]
    widths = {len(cells) for _, cells in rows}
    if not widths <= {2} and not widths <= {3}:
        raise InputError(f"{shown(path)}: lines are neither all of two numbers nor all of three")
    if widths == {2} and len(rows) != len(files):
        raise InputError(
            f"{shown(path)}: {len(rows)} lines for {len(files)} frames; without frame numbers "
            "there has to be a line for each"
        )
    found: Labels = {}
    for (number, cells), frame in zip(rows, files if widths == {2} else rows, strict=True):
        at = frame if isinstance(frame, int) else whole_of(path, number, cells[0])
        valence, arousal = (number_of(path, number, cell) for cell in cells[-2:])
        found[at] = {**affect(path, number, valence, arousal)}
    return found


def _read_units(path: Path, units: tuple[int, ...]) -> Labels:
    """A line per frame: its number, then presence and intensity of each unit; - where missing."""
    if not path.is_file():
        return {}
    found: Labels = {}
    for number, line in enumerate(lines_of(path), start=1):
        if not line.strip():
            continue
        cells = line.split(",") if "," in line else line.split(" ")
        if len(cells) != 1 + 2 * len(units):
            raise InputError(
                f"{shown(path)}, line {number}: {len(cells)} values where {1 + 2 * len(units)} "
                f"belong: the frame, then presence and intensity of {len(units)} units"
            )
        labels: dict[str, float | str] = {}
        for unit, shown_cell, strength in zip(units, cells[1::2], cells[2::2], strict=True):
            if shown_cell not in ("", "-"):
                presence = whole_of(path, number, shown_cell)
                if presence not in (0, 1):
                    raise InputError(f"{shown(path)}, line {number}: presence is {presence}")
                labels[column(unit)] = float(presence)
            if strength not in ("", "-"):
                intensity = number_of(path, number, strength)
                if not 0 <= intensity <= 5:
                    raise InputError(f"{shown(path)}, line {number}: intensity is {intensity:g}")
                labels[f"{column(unit)}_r"] = intensity
        found[whole_of(path, number, cells[0])] = labels
    return found


def _pictures(
    files: dict[int, Path], labels: Labels, video: str, part: str | None, splits: dict[str, str]
) -> list[Picture]:
    person = video.removesuffix("_left")
    return [
        Picture(
            files[frame], own, subject=video, video=person, frame=frame - 1,
            track=int(person != video), split=part, splits=splits,
        )
        for frame, own in sorted(labels.items())
        if frame in files and own
    ]  # fmt: skip
