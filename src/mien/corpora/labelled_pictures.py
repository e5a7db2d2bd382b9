"""What corpora of labelled pictures share: each is a file that turns its layout into `Pictures`."""

import argparse
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from mien.corpora.imported import ImportOptions, ImportSummary
from mien.corpora.pictures import FaceFinder, read_crops
from mien.errors import InputError
from mien.labels.heads import heads_in
from mien.media.names import shown
from mien.progress import Progress
from mien.store import Store

PICTURES = frozenset({".jpg", ".jpeg", ".png", ".bmp"})


@dataclass
class Picture:
    """A face of a corpus.

    file: its picture. labels: by columns of a label layer, what is missing left out. frame: from 0.
    splits: parts in splits of other names than the official one.
    """

    file: Path
    labels: Mapping[str, float | str] = field(default_factory=dict)
    subject: str | None = None
    image: str | None = None
    video: str | None = None
    frame: int | None = None
    track: int | None = None
    split: str | None = None
    splits: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Read:
    """What a layout holds. rows: labels that it names, with a picture or without."""

    pictures: list[Picture]
    rows: int = 0
    missing: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class LabelledPictures(ABC):
    """A kind of corpus whose faces are pictures on disk.

    kind: its name in `CORPORA`. citation, terms: whom to cite, under what terms it is had.
    verified: whether the layout is known from the corpus's own files or from code that reads them;
    otherwise from memory, and every import says so.
    """

    kind: ClassVar[str]
    citation: ClassVar[str]
    terms: ClassVar[str]
    verified: ClassVar[bool] = True

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Describe the arguments; kinds add their own."""
        parser.add_argument(
            "--find-faces",
            action="store_true",
            help="cut the pictures anew, around the detector's box, as faces of videos are",
        )

    @abstractmethod
    def read(self, path: Path, args: argparse.Namespace) -> Read:
        """Read the layout; raises InputError for the first thing wrong in it."""

    def run(
        self, path: Path, store: Store, args: argparse.Namespace, progress: Progress
    ) -> ImportSummary:
        """Import every picture as one corpus: checked whole before a pixel is read."""
        started = time.perf_counter()
        if not path.exists():
            raise InputError(f"{path}: does not exist")
        options = ImportOptions(
            labels=args.labels, corpus=args.corpus_name, find_faces=args.find_faces
        )
        corpus, place = options.corpus_of(path), shown(path.resolve())
        store.refuse_other_corpus(corpus, self.kind, place, options.corpus is not None)
        found = self.read(path, args)
        if not found.pictures:
            missing = f" ({len(found.missing)} named pictures are missing)" if found.missing else ""
            raise InputError(f"{shown(path)}: holds no picture of {self.kind}'s layout{missing}")
        summary = ImportSummary(
            corpus, rows=found.rows or len(found.pictures), missing=found.missing, notes=found.notes
        )
        summary.notes.append(f"cite: {self.citation}. Terms: {self.terms}")
        if not self.verified:
            summary.notes.append(
                f"warning: the layout of {self.kind} is known from memory, not from the corpus: "
                "check labels and counts before you trust them"
            )
        self._commit(store, corpus, place, found, options, summary, progress)
        summary.seconds = round(time.perf_counter() - started, 3)
        return summary

    def _commit(
        self,
        store: Store,
        corpus: str,
        place: str,
        found: Read,
        options: ImportOptions,
        summary: ImportSummary,
        progress: Progress,
    ) -> None:
        finder = FaceFinder() if options.find_faces else None
        files = [picture.file for picture in found.pictures]
        with store.new_shard() as crops:
            done = read_crops(files, range(len(files)), crops, progress, finder)
            summary.failed = done.failed
            if done.not_found:
                summary.notes.append(f"no face found in {len(done.not_found)} pictures: cut whole")
            if not done.rows:
                raise InputError(f"{place}: none of its {len(files)} pictures could be read")
            chosen = [found.pictures[row] for row in done.rows]
            labels = label_columns(chosen)
            summary.faces = len(chosen)
            summary.heads = {head.name: head.outputs for head in heads_in(labels)}
            committed = store.commit(
                corpus,
                corpus=corpus,
                kind=self.kind,
                crops=crops,
                faces={**_faces(chosen), **done.places()},
                labels={corpus: labels} if labels else {},
                split=[picture.split for picture in chosen],
                summary=asdict(summary),
                settings=asdict(options),
                path=place,
                margin=finder.margin if finder else None,
            )
        summary.note_lost(committed.lost)
        _other_splits(store, chosen, committed.face_ids)


def label_columns(pictures: Iterable[Picture]) -> dict[str, Any]:
    """Labels by column: NaN or None where a picture has none."""
    pictures = list(pictures)
    names = dict.fromkeys(name for picture in pictures for name in picture.labels)
    found: dict[str, Any] = {}
    for name in names:
        cells = [picture.labels.get(name) for picture in pictures]
        if any(isinstance(cell, str) for cell in cells):
            found[name] = cells
        else:
            found[name] = np.array([np.nan if c is None else c for c in cells], np.float32)
    return found


def _faces(pictures: list[Picture]) -> dict[str, Any]:
    columns: dict[str, Any] = {
        name: [getattr(picture, name) for picture in pictures]
        for name in ("subject", "image", "video", "frame", "track")
    }
    return {n: v for n, v in columns.items() if any(cell is not None for cell in v)}


def _other_splits(store: Store, pictures: list[Picture], face_ids: Any) -> None:
    """Splits by other names than the official one, faces of other corpora kept in theirs."""
    for name in dict.fromkeys(name for picture in pictures for name in picture.splits):
        parts: list[str | None] = [None] * len(store)
        if name in store.splits:
            parts = store.assigned(name).to_list()
        for row, picture in zip(store.find(face_ids), pictures, strict=True):
            parts[row] = picture.splits.get(name)
        store.set_split(name, store.column("face_id"), parts)


def inside(root: Path, name: str) -> Path | None:
    """A file below `root`; None where it is not there. InputError where the name leads out."""
    if Path(name).is_absolute() or ".." in Path(name).parts or "\\" in name:
        raise InputError(f"{name!r} lies outside {root}")
    path = root / name
    try:
        if not path.is_file():
            return None
        if not path.resolve().is_relative_to(root.resolve()):
            raise InputError(f"{name!r} is a link out of {root}")
    except (OSError, ValueError) as error:
        raise InputError(f"{name!r} is no file name ({error})") from error
    return path


def lines_of(path: Path) -> list[str]:
    """Lines of a text file without their ends; raises InputError where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{shown(path)}: cannot be read ({error})") from error


def numbered(lines: Iterable[str], first: int = 1) -> Iterator[tuple[int, list[str]]]:
    """Line number and cells, parted by commas, tabs or spaces, of every line that has any."""
    for number, line in enumerate(lines, start=first):
        cells = line.replace(",", " ").split()
        if cells:
            yield number, cells


def number_of(path: Path, line: int, cell: str) -> float:
    """A number; raises InputError with file and line."""
    try:
        value = float(cell)
    except ValueError:
        value = float("nan")
    if value != value or value in (float("inf"), float("-inf")):
        raise InputError(f"{shown(path)}, line {line}: {cell!r} is no number")
    return value


def whole_of(path: Path, line: int, cell: str) -> int:
    """A whole number; raises InputError with file and line."""
    value = number_of(path, line, cell)
    if value != int(value):
        raise InputError(f"{shown(path)}, line {line}: {cell!r} is no whole number")
    return int(value)


def pictures_in(folder: Path) -> list[Path]:
    """Pictures of a folder by name; links out of it are left alone."""
    if not folder.is_dir():
        return []
    root = folder.resolve()
    return sorted(
        p for p in folder.iterdir()
        if p.suffix.lower() in PICTURES and p.is_file() and p.resolve().is_relative_to(root)
    )  # fmt: skip


def folders_in(folder: Path) -> list[Path]:
    """Folders of a folder by name; links are left alone."""
    if not folder.is_dir():
        return []
    return sorted(p for p in folder.iterdir() if p.is_dir() and not p.is_symlink())


def affect(path: Path, line: int, valence: float, arousal: float) -> dict[str, float]:
    """Valence and arousal of [-1, 1]; InputError where they are outside."""
    for name, value in (("valence", valence), ("arousal", arousal)):
        if not -1 <= value <= 1:
            raise InputError(f"{shown(path)}, line {line}: {name} {value:g} is outside -1 to 1")
    return {"valence": valence, "arousal": arousal}


def unit_columns(unit: int, intensity: float, present: float) -> dict[str, float]:
    """A unit's columns from an intensity of 0 to 5; present from `present` on."""
    return {f"AU{unit:02d}": float(intensity >= present), f"AU{unit:02d}_r": intensity}
