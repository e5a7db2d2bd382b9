"""FER2013 (Goodfellow et al. 2013): one CSV with the pixels in it.

    PATH/fer2013.csv (or PATH itself)     emotion, pixels (48 x 48 numbers), Usage

Usage Training, PublicTest and PrivateTest are train, val and test. Its parts share pictures: a
training picture whose pixels are those of one in val or test is left out and counted.
"""

import argparse
import csv
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np

from mien.corpora.imported import ImportSummary
from mien.errors import InputError
from mien.labels.heads import heads_in
from mien.media.names import shown
from mien.progress import Progress
from mien.store import Store
from mien.store.shards import resize_crops

CLASSES = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
SIDE = 48
PARTS = {"Training": "train", "PublicTest": "val", "PrivateTest": "test"}
_BATCH = 256


class Fer2013:
    """The corpus kind `fer2013`."""

    kind = "fer2013"
    citation = "Goodfellow et al. 2013, Challenges in Representation Learning"
    terms = "the competition's rules; its photographs carry no licence"
    verified = False

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add whether doubles are kept."""
        parser.add_argument(
            "--keep-doubles", action="store_true", help="training pictures of val and test too"
        )

    def run(
        self, path: Path, store: Store, args: argparse.Namespace, progress: Progress
    ) -> ImportSummary:
        """Import the table."""
        started = time.perf_counter()
        table = path / "fer2013.csv" if path.is_dir() else path
        corpus = args.corpus_name or path.resolve().stem
        place = shown(path.resolve())
        store.refuse_other_corpus(corpus, self.kind, place, args.corpus_name is not None)
        classes, pixels, parts = _read(table)
        summary = ImportSummary(corpus, rows=len(classes))
        kept = np.arange(len(classes)) if args.keep_doubles else _distinct(pixels, parts)
        if len(kept) < len(classes):
            summary.notes.append(
                f"{len(classes) - len(kept)} training pictures are in val or test too: left out"
            )
        summary.notes.append(f"cite: {self.citation}. Terms: {self.terms}")
        summary.notes.append("warning: the layout of fer2013 is known from memory: check counts")
        labels = {"expression": [CLASSES[classes[i]] for i in kept]}
        summary.faces, summary.heads = len(kept), {h.name: h.outputs for h in heads_in(labels)}
        with store.new_shard() as crops:
            for start in range(0, len(kept), _BATCH):
                grey = pixels[kept[start : start + _BATCH]]
                colour = np.repeat(grey[..., None], 3, axis=3)
                crops.append(resize_crops(colour, crops.size))
                progress(start, len(kept), "pictures")
            summary.seconds = round(time.perf_counter() - started, 3)
            store.commit(
                corpus, corpus=corpus, kind=self.kind, crops=crops,
                faces={"image": [f"{i:05d}" for i in kept]}, labels={corpus: labels},
                split=[parts[i] for i in kept], summary=asdict(summary), path=place,
            )  # fmt: skip
        return summary


def _read(table: Path) -> tuple[list[int], np.ndarray, list[str]]:
    if not table.is_file():
        raise InputError(f"{shown(table)}: does not exist")
    classes, pixels, parts = [], [], []
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            names = {(name or "").strip(): name for name in reader.fieldnames or ()}
            if absent := [n for n in ("emotion", "pixels", "Usage") if n not in names]:
                raise InputError(f"{shown(table)}: has no column {', '.join(absent)}")
            for number, row in enumerate(reader, start=2):
                where = f"{shown(table)}, line {number}"
                classes.append(_class(where, row[names["emotion"]]))
                pixels.append(_pixels(where, row[names["pixels"]]))
                usage = (row[names["Usage"]] or "").strip()
                if usage not in PARTS:
                    raise InputError(f"{where}: Usage is {usage!r}; known: {', '.join(PARTS)}")
                parts.append(PARTS[usage])
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{shown(table)}: cannot be read: {error}") from error
    if not classes:
        raise InputError(f"{shown(table)}: holds no picture")
    return classes, np.stack(pixels), parts


def _class(where: str, cell: str | None) -> int:
    text = (cell or "").strip()
    if not text.isdigit() or int(text) >= len(CLASSES):
        raise InputError(f"{where}: emotion is {text!r}, none of 0 to 6")
    return int(text)


def _pixels(where: str, cell: str | None) -> np.ndarray:
    try:
        values = np.array((cell or "").split(), np.int64)
    except ValueError:
        values = np.empty(0, np.int64)
    if len(values) != SIDE * SIDE or values.min() < 0 or values.max() > 255:
        raise InputError(f"{where}: pixels are not {SIDE} x {SIDE} numbers of 0 to 255")
    return values.astype(np.uint8).reshape(SIDE, SIDE)


def _distinct(pixels: np.ndarray, parts: list[str]) -> np.ndarray:
    held_out = {p.tobytes() for p, part in zip(pixels, parts, strict=True) if part != "train"}
    return np.array(
        [
            i for i, (p, part) in enumerate(zip(pixels, parts, strict=True))
            if part != "train" or p.tobytes() not in held_out
        ]
    )  # fmt: skip
