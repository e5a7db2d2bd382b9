"""Actors (`mien actors`): their videos go through the real pipeline, their truth is joined to it.

    DIR/*.mp4 and DIR/truth.parquet

Detection, tracking and cropping are those of any video. A face takes the truth of the person whose
true box it overlaps most, in the very frame that was decoded; one that overlaps nobody stays
unlabelled.
"""

import argparse
import hashlib
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from mien.corpora.imported import ImportOptions, ImportSummary
from mien.errors import InputError
from mien.faces.boxes import iou
from mien.faces.ingest import Columns, Ingester, IngestSettings
from mien.labels import action_units
from mien.labels.heads import heads_in
from mien.media.names import shown
from mien.progress import Progress, silent
from mien.store import Store

PRESENT = 1.0
"""Intensity from which a unit is present: A, a trace."""
OVERLAP = 0.3
NEEDED = {
    **dict.fromkeys(("video", "person", "expression"), pa.string()),
    **dict.fromkeys(("time_s", "x0", "y0", "x1", "y1", "valence", "arousal"), pa.float64()),
}
"""Columns of the truth, with their types."""


class Actors:
    """The corpus kind `actors`."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Describe how the videos are ingested."""
        parser.add_argument(
            "--fps", type=float, default=30.0, help="frame grid, at most as filmed (30)"
        )

    def run(
        self, path: Path, store: Store, args: argparse.Namespace, progress: Progress
    ) -> ImportSummary:
        """Import as `import_actors` does."""
        options = ImportOptions(labels=args.labels, fps=args.fps, corpus=args.corpus_name)
        return import_actors(path, store, options, progress)


def import_actors(
    path: Path, store: Store, options: ImportOptions, progress: Progress = silent
) -> ImportSummary:
    """Ingest every video of a cast with its truth, into a layer of the corpus's name.

    Each video is a source of its own; what the store holds already is skipped, a video that changed
    is replaced, and one that the truth names no more is taken out. One that cannot be read is in
    the summary's `failed`. Raises InputError where truth is missing, and where no video is read.
    """
    started = time.perf_counter()
    truth = _read_truth(path)
    names = pc.unique(truth["video"]).to_pylist()
    for name in names:
        if not (path / name).resolve().is_relative_to(path.resolve()):
            raise InputError(f"{path / 'truth.parquet'}: video {name!r} lies outside {path}")
    corpus, place = options.corpus_of(path), shown(path.resolve())
    store.refuse_other_corpus(corpus, "video", place, options.corpus is not None)
    summary = ImportSummary(corpus, rows=len(truth))
    heads = heads_in(_labels(truth))
    summary.heads = {head.name: head.outputs for head in heads}
    for i, name in enumerate(names):
        mine = truth.filter(pc.equal(truth["video"], name))
        try:
            settings = IngestSettings(min(options.fps, _rate(mine)))
            ingester = Ingester(store, settings, corpus, place)
            done = ingester.ingest(path / name, labeller=Truth(mine, corpus), name=name)
            summary.notes += [f"{name}: {line}" for line in done.notes]
        except InputError as error:
            summary.failed[name] = str(error)
        progress(i + 1, len(names), "videos")
    if len(summary.failed) == len(names):
        raise InputError(next(iter(summary.failed.values()), f"{path}: truth.parquet is empty"))
    _remove_others(store, corpus, names, summary)
    if corpus in store.layers:
        labelled = store.find(store.layer(corpus)["face_id"].to_numpy()) >= 0
        summary.faces = int(labelled.sum())
    summary.seconds = round(time.perf_counter() - started, 3)
    return summary


def _remove_others(store: Store, corpus: str, names: list[str], summary: ImportSummary) -> None:
    """Take out the corpus's videos that the truth names no more."""
    named = {f"{corpus}/{name}" for name in names}
    store.reload()
    for source, entry in list(store.info.sources.items()):
        if entry["corpus"] == corpus and entry.get("path") and source not in named:
            store.remove(source)
            summary.notes.append(f"{source}: is in truth.parquet no more, and was taken out")


def _read_truth(path: Path) -> pa.Table:
    """Read truth.parquet, its columns of the types of `NEEDED`, Action Units as numbers."""
    truth_file = path / "truth.parquet"
    if not truth_file.is_file():
        raise InputError(f"{path}: holds no truth.parquet; `mien actors --out {path}` makes one")
    try:
        truth = pq.read_table(truth_file)
    except Exception as error:
        raise InputError(f"{truth_file}: cannot be read: {error}") from error
    absent = [column for column in NEEDED if column not in truth.column_names]
    if absent:
        raise InputError(f"{truth_file}: has no column {', '.join(absent)}")
    units = {c: pa.float32() for c in truth.column_names if action_units.parse(c) is not None}
    for at, name in enumerate(truth.column_names):
        kind = {**units, **NEEDED}.get(name)
        if kind is None:
            continue
        try:
            truth = truth.set_column(at, name, truth[name].cast(kind))
        except (pa.ArrowException, NotImplementedError) as error:
            raise InputError(f"{truth_file}: {name} is not {kind}: {error}") from error
        if name in ("video", "time_s") and truth[name].null_count:
            raise InputError(f"{truth_file}: {name} is empty in {truth[name].null_count} rows")
    return truth


def _rate(truth: pa.Table) -> float:
    """Frames a second that a video was filmed at: more would only repeat them."""
    times = np.unique(truth["time_s"].to_numpy())
    return float(1 / np.median(np.diff(times))) if len(times) > 1 else float("inf")


class Truth:
    """The truth of one video, joined to its faces by time and box."""

    def __init__(self, truth: pa.Table, layer: str) -> None:
        self._truth, self._layer = truth, layer
        content = hashlib.blake2b(digest_size=8)
        for column in truth.column_names:
            content.update(repr((column, truth[column].to_pylist())).encode())
        self.fingerprint = content.hexdigest()

    def __call__(self, faces: Columns) -> tuple[Sequence[str | None], Mapping[str, Columns]]:
        """Return the person of each face, and the truth in a layer; None and NaN for nobody."""
        match = _matches(faces, self._truth)
        chosen = self._truth.take(pa.array(match, pa.int64(), mask=match < 0))
        return chosen["person"].to_pylist(), {self._layer: _labels(chosen)}


def _labels(truth: pa.Table) -> dict[str, Any]:
    """Columns of a label layer."""
    columns: dict[str, Any] = {
        "expression": truth["expression"].to_pylist(),
        "valence": truth["valence"].to_numpy(),
        "arousal": truth["arousal"].to_numpy(),
    }
    for name in truth.column_names:
        unit = action_units.parse(name)
        if unit is not None:
            level = truth[name].to_numpy().astype(np.float32)
            present = np.where(np.isnan(level), np.nan, level >= PRESENT)
            columns[action_units.column(unit)] = present
            columns[f"{action_units.column(unit)}_r"] = level
    return columns


def _matches(faces: Columns, truth: pa.Table) -> NDArray[np.intp]:
    """Row of the truth for each face, -1 where no true box overlaps it."""
    corners = ("x0", "y0", "x1", "y1")
    boxes = np.stack([faces[c] for c in corners], 1).astype(np.float32)
    true_boxes = np.stack([truth[c].to_numpy() for c in corners], 1).astype(np.float32)
    times, true_times = np.asarray(faces["time_s"]), truth["time_s"].to_numpy()
    order = np.argsort(true_times, kind="stable")
    first, end = (np.searchsorted(true_times[order], times + by) for by in (-2e-3, 2e-3))
    out = np.full(len(boxes), -1, np.intp)
    for i, (low, high) in enumerate(zip(first, end, strict=True)):
        candidates = order[low:high]
        candidates = candidates[np.isfinite(true_boxes[candidates]).all(1)]
        if len(candidates):
            overlap = iou(boxes[i][None], true_boxes[candidates])[0]
            best = int(overlap.argmax())
            if overlap[best] >= OVERLAP:
                out[i] = candidates[best]
    return out
