"""A folder of face photographs and a CSV of labels: mien's own interchange format.

    PATH/labels.csv (or the only CSV there, or --csv) and PATH/images/... (or PATH/...)

Columns: image (required); subject, split, video, expression, valence and arousal in [-1, 1], and
AU1 ... AU58; any may be absent, any cell may be empty: unlabelled. frame and track, beside video,
say where in it a picture is from: sequences of them can be trained on. A unit's values may be
presence (0 or 1), shares of full intensity (0 to 1) or FACS intensities (0 to 5).
"""

import argparse
import json
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from mien.corpora.imported import ImportOptions, ImportSummary
from mien.corpora.label_table import LabelTable, read_label_table
from mien.corpora.pictures import FaceFinder, read_crops
from mien.errors import InputError
from mien.labels.heads import heads_in
from mien.media.names import shown
from mien.progress import Progress, silent
from mien.store import Store
from mien.store.files import fingerprint, log_file


class Folder:
    """The corpus kind `folder`."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Describe how the CSV is read."""
        parser.add_argument(
            "--au-threshold",
            type=float,
            default=0.5,
            help="a real-valued unit at or above it is present; the intensity is kept too (0.5)",
        )
        parser.add_argument(
            "--au-scale",
            choices=("presence", "share", "facs"),
            help="of the units' values: 0 or 1, 0 to 1, or 0 to 5 (told from the file, and said)",
        )
        parser.add_argument("--csv", help="name of the CSV in the folder (labels.csv)")
        parser.add_argument(
            "--ignore", action="append", default=[], metavar="COLUMN", help="may hold * and ?"
        )
        parser.add_argument(
            "--skip-missing", action="store_true", help="leave out rows whose image does not exist"
        )
        parser.add_argument(
            "--find-faces",
            action="store_true",
            help="cut the images anew, around the detector's box, as faces of videos are",
        )
        parser.add_argument(
            "--follow-links", action="store_true", help="images may be links to files elsewhere"
        )

    def run(
        self, path: Path, store: Store, args: argparse.Namespace, progress: Progress
    ) -> ImportSummary:
        """Import as `import_folder` does."""
        options = ImportOptions(
            au_threshold=args.au_threshold,
            labels=args.labels,
            skip_missing=args.skip_missing,
            ignore=tuple(args.ignore),
            csv=args.csv,
            follow_links=args.follow_links,
            au_scale=args.au_scale,
            corpus=args.corpus_name,
            find_faces=args.find_faces,
        )
        return import_folder(path, store, options, progress)


def import_folder(
    path: Path, store: Store, options: ImportOptions, progress: Progress = silent
) -> ImportSummary:
    """Add every row of the CSV to the store, in its order, as one corpus.

    The whole CSV is checked before a pixel is read: a wrong cell or a missing image raises
    InputError with file and line, and the store is as it was. An image that is there and cannot be
    read is left out and listed in the summary's `failed`.
    """
    started = time.perf_counter()
    csv_file = _label_file(path, options)
    corpus = options.corpus_of(csv_file.parent)
    named = options.corpus is not None
    store.refuse_other_corpus(corpus, "folder", shown(csv_file.resolve()), named)
    table = read_label_table(csv_file, options)
    table.notes += _other_scales(store, corpus, table, options)
    files, missing = _image_files(csv_file, table, options)
    summary = ImportSummary(
        corpus,
        rows=len(table.image),
        missing=missing,
        ignored_columns=table.ignored,
        notes=table.notes,
    )
    chosen = [row for row, file in enumerate(files) if file is not None]
    with store.new_shard() as crops:
        finder = FaceFinder() if options.find_faces else None
        done_crops = read_crops(files, chosen, crops, progress, finder)
        kept, summary.failed = done_crops.rows, done_crops.failed
        if done_crops.not_found:
            summary.notes.append(f"no face found in {len(done_crops.not_found)} images: cut whole")
        if not kept:
            raise InputError(f"{csv_file}: none of its {len(files)} images could be imported")
        labels = table.columns(np.array(kept))
        summary.faces = len(kept)
        summary.heads = {head.name: head.outputs for head in heads_in(labels)}
        summary.seconds = round(time.perf_counter() - started, 3)
        settings = {**asdict(options), "au_full_scale": table.au_full_scale}
        done = store.commit(
            corpus,
            corpus=corpus,
            kind="folder",
            crops=crops,
            faces=_faces(table, kept, done_crops.places()),
            labels={corpus: labels},
            split=[table.names["split"][row] for row in kept] if "split" in table.names else None,
            summary=asdict(summary),
            settings=settings,
            path=shown(csv_file.resolve()),
            margin=finder.margin if finder else None,
            fingerprint=fingerprint(json.dumps(settings, sort_keys=True)),
        )
    summary.note_lost(done.lost)
    return summary


def _label_file(path: Path, options: ImportOptions) -> Path:
    if path.is_file() and path.suffix.lower() == ".csv":
        return path
    if not path.is_dir():
        raise InputError(f"{path}: is neither a folder nor a CSV file")
    if options.csv:
        if not (path / options.csv).is_file():
            raise InputError(f"{path / options.csv}: does not exist")
        return path / options.csv
    if (path / "labels.csv").is_file():
        return path / "labels.csv"
    found = sorted(path.glob("*.csv"))
    if len(found) != 1:
        raise InputError(f"{path}: holds {len(found)} CSV files; name one with --csv")
    return found[0]


def _other_scales(
    store: Store, corpus: str, table: LabelTable, options: ImportOptions
) -> list[str]:
    """Say which corpora of the store had their units read on another scale than was guessed."""
    own, others = table.au_full_scale, []
    if own is None or options.au_scale is not None:
        return []
    for name, entry in store.info.sources.items():
        if entry["kind"] == "folder" and name != corpus:
            with suppress(OSError, ValueError, LookupError, TypeError):  # its log is lost
                told = json.loads(log_file(store.folder, name).read_text("utf-8"))
                if told["settings"]["au_full_scale"] not in (None, own):
                    others.append(name)
    if not others:
        return []
    return [
        f"warning: Action Units of {', '.join(others)} in this store were taken on another scale "
        "than these; where they belong together, --au-scale says which it is"
    ]


def _image_files(
    csv_file: Path, table: LabelTable, options: ImportOptions
) -> tuple[list[Path | None], list[str]]:
    """Find each row's image below the CSV's folder; None (and listed) where it may be missing."""
    root = csv_file.parent.resolve()
    files: list[Path | None] = []
    missing = []
    for name, line in zip(table.image, table.line, strict=True):
        try:
            file = _inside(root, name, options.follow_links)
        except (InputError, OSError, ValueError) as error:
            raise InputError(f"{csv_file}, line {line}: image {name!r} {error}") from error
        if file is None and not options.skip_missing:
            raise InputError(
                f"{csv_file}, line {line}: image {name!r} does not exist; "
                "--skip-missing leaves such rows out"
            )
        if file is None:
            missing.append(name)
        files.append(file)
    return files, missing


def _inside(root: Path, name: str, follow_links: bool) -> Path | None:
    """Find an image below root or root/images; None where it is not there.

    Raises InputError where the name, or a link on the way, leads out of root.
    """
    if Path(name).is_absolute() or ".." in Path(name).parts:
        raise InputError(f"lies outside {root}")
    for candidate in (root / name, root / "images" / name):
        if candidate.is_file():
            if not follow_links and not candidate.resolve().is_relative_to(root):
                raise InputError(f"is a link out of {root}; --follow-links allows that")
            return candidate
    return None


def _faces(table: LabelTable, rows: list[int], places: Mapping[str, Any]) -> dict[str, Any]:
    names = {name: table.names[name] for name in ("subject", "video") if name in table.names}
    return {
        **{name: [values[row] for row in rows] for name, values in names.items()},
        **{name: [values[row] for row in rows] for name, values in table.places.items()},
        "image": [table.image[row] for row in rows],
        **places,
    }
