"""Aff-Wild (Zafeiriou et al. 2017), its raw release and the lists that its networks read.

    PATH/annotations/{train,test}/{valence,arousal}/100.txt    a value per frame
    PATH/frames/{train,test}/100/0.jpg ...                     frames from 0, as they were cut
or
    PATH/*.csv                                                 image_path, valence, arousal

Values are -1 to 1 (the raw files of some releases -1000 to 1000: then all are divided by 1000).
"""

import argparse
import csv
from pathlib import Path, PurePosixPath

from mien.corpora.labelled_pictures import (
    LabelledPictures,
    Picture,
    Read,
    affect,
    folders_in,
    inside,
    lines_of,
    number_of,
    pictures_in,
)
from mien.errors import InputError
from mien.media.names import shown

SCALE = 1000.0


class AffWild(LabelledPictures):
    """The corpus kind `affwild`."""

    kind = "affwild"
    citation = "Zafeiriou et al. 2017, Aff-Wild: Valence and Arousal in-the-wild Challenge (CVPRW)"
    terms = "an agreement with its authors; research only; no redistribution"
    verified = False

    def read(self, path: Path, args: argparse.Namespace) -> Read:
        """Read the lists, or the annotations beside folders of frames."""
        found = Read([])
        for table in sorted(path.glob("*.csv")):
            _read_list(path, table, found)
        for part in folders_in(path / "annotations"):
            _read_part(path, part.name, found)
        if not found.rows:
            raise InputError(
                f"{shown(path)}: holds neither a CSV of image_path, valence, arousal nor "
                "annotations/train/valence/VIDEO.txt"
            )
        return found


def _read_list(root: Path, table: Path, found: Read) -> None:
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.reader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{shown(table)}: cannot be read: {error}") from error
    part = next((p for p in ("train", "val", "test") if p in table.stem.lower()), None)
    for number, cells in enumerate(rows, start=1):
        if len(cells) != 3:
            if any(cells):
                raise InputError(f"{shown(table)}, line {number}: is not image, valence, arousal")
            continue
        name = cells[0].strip()
        if number == 1 and name in ("image_path", "image"):
            continue
        found.rows += 1
        try:
            file_of = inside(root, name)
        except InputError as error:
            raise InputError(f"{shown(table)}, line {number}: {error}") from None
        if file_of is None:
            found.missing.append(name)
            continue
        values = [number_of(table, number, cell) for cell in cells[1:]]
        place = PurePosixPath(name)
        frame = int(place.stem) if place.stem.isdigit() else None
        video = place.parent.name or None
        found.pictures.append(
            Picture(
                file_of, affect(table, number, *values), subject=video, split=part,
                **({"video": video, "frame": frame, "track": 0} if video and frame is not None
                   else {"image": name}),
            )
        )  # fmt: skip


def _read_part(root: Path, part: str, found: Read) -> None:
    """Annotations of one part, a value a line, beside frames/PART/VIDEO or frames/VIDEO."""
    folder = root / "annotations" / part
    for file in sorted((folder / "valence").glob("*.txt")):
        other = folder / "arousal" / file.name
        if not other.is_file():
            raise InputError(f"{shown(other)}: is missing")
        pair = [_values(path) for path in (file, other)]
        if len(pair[0]) != len(pair[1]):
            raise InputError(
                f"{shown(file)}: {len(pair[0])} values of valence, {len(pair[1])} of arousal"
            )
        found.rows += len(pair[0])
        frames = pictures_in(root / "frames" / part / file.stem) or pictures_in(
            root / "frames" / file.stem
        )
        if not frames:
            found.missing.append(file.stem)
        for picture in frames:
            if not picture.stem.isdigit():
                raise InputError(f"{shown(picture)}: frames are named by their number, from 0")
            frame = int(picture.stem)
            if frame < len(pair[0]):
                labels = affect(file, frame + 1, pair[0][frame], pair[1][frame])
                found.pictures.append(
                    Picture(
                        picture, labels, subject=file.stem, video=file.stem, frame=frame, track=0,
                        split="test" if part == "test" else "train",
                    )
                )  # fmt: skip


def _values(path: Path) -> list[float]:
    found = [
        number_of(path, n, line.strip()) for n, line in enumerate(lines_of(path), 1) if line.strip()
    ]
    largest = max(map(abs, found), default=0.0)
    return [value / SCALE for value in found] if largest > 1 else found
