"""FER+ (Barsoum et al. 2016): FER2013's photographs with the votes of ten raters each.

    PATH/fer2013new.csv                      Usage, Image name, votes for ten categories
    PATH/data/FER2013Train/fer0000000.png    (Valid, Test; or without data/)

Usage Training, PublicTest and PrivateTest are train, val and test. Votes for the eight expressions
are kept as they are, as soft labels; 'unknown' and 'NF' (not a face) are no expressions: a picture
that most raters call no face, or that no rater gives an expression, stays unlabelled. A part whose
folder is missing is left out and said. FER2013's parts share pictures: a training picture whose
pixels are those of one in val or test is left out and counted.
"""

import argparse
import csv
import hashlib
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mien.corpora.imported import ImportOptions, ImportSummary
from mien.corpora.pictures import FaceFinder, read_crops
from mien.errors import InputError
from mien.labels.heads import heads_in
from mien.media.names import shown
from mien.progress import Progress, silent
from mien.store import Store

TABLE = "fer2013new.csv"
EXPRESSIONS = (
    "neutral",
    "happiness",
    "surprise",
    "sadness",
    "anger",
    "disgust",
    "fear",
    "contempt",
)
"""In the order of the table's columns."""
PARTS = {
    "Training": ("FER2013Train", "train"),
    "PublicTest": ("FER2013Valid", "val"),
    "PrivateTest": ("FER2013Test", "test"),
}
"""Usage to folder and part."""


class FerPlus:
    """The corpus kind `ferplus`."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Describe how pictures are cut."""
        parser.add_argument(
            "--find-faces",
            action="store_true",
            help="cut the pictures anew, around the detector's box, as faces of videos are",
        )

    def run(
        self, path: Path, store: Store, args: argparse.Namespace, progress: Progress
    ) -> ImportSummary:
        """Import as `import_ferplus` does."""
        options = ImportOptions(
            labels=args.labels, corpus=args.corpus_name, find_faces=args.find_faces
        )
        return import_ferplus(path, store, options, progress)


@dataclass(frozen=True)
class Row:
    """A picture of the table. votes: (8,) of `EXPRESSIONS`, NaN where nobody gave one."""

    name: str
    file: Path
    part: str
    votes: np.ndarray


def import_ferplus(
    path: Path, store: Store, options: ImportOptions, progress: Progress = silent
) -> ImportSummary:
    """Add the pictures that are there; raises InputError for a table that is not FER+'s."""
    started = time.perf_counter()
    corpus = options.corpus_of(path)
    place = shown(path.resolve())
    store.refuse_other_corpus(corpus, "ferplus", place, options.corpus is not None)
    rows, summary = _read_table(path, corpus)
    kept = _without_doubles(rows, summary)
    finder = FaceFinder() if options.find_faces else None
    with store.new_shard() as crops:
        done = read_crops([r.file for r in kept], range(len(kept)), crops, progress, finder)
        summary.failed = done.failed
        if done.not_found:
            summary.notes.append(f"no face found in {len(done.not_found)} pictures: cut whole")
        if not done.rows:
            raise InputError(f"{shown(path)}: none of its pictures could be read")
        chosen = [kept[i] for i in done.rows]
        labels = _labels(chosen)
        summary.faces = len(chosen)
        summary.heads = {head.name: head.outputs for head in heads_in(labels)}
        summary.seconds = round(time.perf_counter() - started, 3)
        store.commit(
            corpus,
            corpus=corpus,
            kind="ferplus",
            crops=crops,
            faces={"image": [row.name for row in chosen], **done.places()},
            labels={corpus: labels},
            split=[row.part for row in chosen],
            summary=asdict(summary),
            settings=asdict(options),
            path=place,
            margin=finder.margin if finder else None,
        )
    return summary


def _read_table(path: Path, corpus: str) -> tuple[list[Row], ImportSummary]:
    """Rows whose pictures are there; names without a picture are counted."""
    table = path / TABLE
    if not table.is_file():
        raise InputError(f"{shown(path)}: holds no {TABLE}: not FER+")
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            lines = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{shown(table)}: cannot be read: {error}") from error
    rows, missing = [], []
    for number, line in enumerate(lines, start=2):
        name = (line.get("Image name") or "").strip()
        if not name:
            continue  # the authors left these pictures out
        folder, part, votes = _checked(f"{shown(table)}, line {number}", name, line)
        places = (path / "data" / folder / name, path / folder / name)
        found = next((place for place in places if place.is_file()), None)
        if found is None:
            missing.append(name)
        else:
            rows.append(Row(name, found, part, votes))
    if not rows:
        raise InputError(f"{shown(path)}: none of the {len(missing)} pictures of {TABLE} is there")
    summary = ImportSummary(corpus, rows=len(rows) + len(missing), missing=missing)
    return rows, summary


def _checked(where: str, name: str, line: Mapping[str, Any]) -> tuple[str, str, np.ndarray]:
    if Path(name).name != name:
        raise InputError(f"{where}: {name!r} is no file name")
    usage = (line.get("Usage") or "").strip()
    if usage not in PARTS:
        raise InputError(f"{where}: Usage is {usage!r}; known: {', '.join(PARTS)}")
    try:
        counts = [int(line[column]) for column in (*EXPRESSIONS, "unknown", "NF")]
    except (KeyError, TypeError, ValueError):
        raise InputError(f"{where}: votes must be ten whole numbers") from None
    if min(counts) < 0:
        raise InputError(f"{where}: a number of votes is negative")
    votes = np.array(counts[:8], np.float32)
    if votes.sum() == 0 or counts[9] > sum(counts) / 2:
        votes[:] = np.nan
    return *PARTS[usage], votes


def _without_doubles(rows: list[Row], summary: ImportSummary) -> list[Row]:
    """Leave training pictures out whose files are, to the byte, those of val or test."""
    digests = [hashlib.blake2b(row.file.read_bytes(), digest_size=16).digest() for row in rows]
    held_out = {d for row, d in zip(rows, digests, strict=True) if row.part != "train"}
    pairs = zip(rows, digests, strict=True)
    kept = [row for row, d in pairs if row.part != "train" or d not in held_out]
    if len(kept) < len(rows):
        summary.notes.append(
            f"{len(rows) - len(kept)} training pictures are in val or test too: left out"
        )
    return kept


def _labels(rows: list[Row]) -> dict[str, np.ndarray]:
    votes = np.stack([row.votes for row in rows])
    return {f"{name}_votes": votes[:, i] for i, name in enumerate(EXPRESSIONS)}
