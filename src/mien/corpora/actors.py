"""Actors (`mien actors`): their videos go through the real pipeline, their truth is joined to it.

    DIR/*.mp4 and DIR/truth.parquet

Detection, tracking and cropping are those of any video. A face takes the truth of the person whose
true box it overlaps most, in the very frame that was decoded; one that overlaps nobody stays
unlabelled.
"""

import time
from dataclasses import replace
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
from mien.faces.ingest import Ingester, IngestSettings
from mien.labels import action_units, expressions
from mien.progress import Progress, silent
from mien.store import Store

PRESENT = 1.0
"""Intensity from which a unit is present: A, a trace."""
OVERLAP = 0.3
NEEDED = ("video", "time_s", "person", "x0", "y0", "x1", "y1", "expression", "valence", "arousal")


def import_actors(
    path: Path, store: Store, options: ImportOptions, progress: Progress = silent
) -> ImportSummary:
    """Ingest every video of a cast and label its faces; InputError where truth is missing."""
    started = time.perf_counter()
    truth_file = path / "truth.parquet"
    if not truth_file.is_file():
        raise InputError(f"{path}: holds no truth.parquet; `mien actors --out {path}` makes one")
    try:
        truth = pq.read_table(truth_file)
    except (OSError, pa.ArrowInvalid) as error:
        raise InputError(f"{truth_file}: cannot be read: {error}") from error
    absent = [column for column in NEEDED if column not in truth.column_names]
    if absent:
        raise InputError(f"{truth_file}: has no column {', '.join(absent)}")
    names = pc.unique(truth["video"]).to_pylist()
    units = tuple(au for au in map(action_units.parse, truth.column_names) if au is not None)
    summary = ImportSummary(
        f"actors:{path.resolve()}", rows=len(truth), aus=[action_units.column(au) for au in units]
    )
    ingester = Ingester(store, IngestSettings(options.fps))
    videos: dict[str, str] = {}
    for i, name in enumerate(names):
        if not (path / name).resolve().is_relative_to(path.resolve()):
            raise InputError(f"{truth_file}: video {name!r} lies outside {path}")
        mine = truth.filter(pc.equal(truth["video"], name))
        ingester.settings = replace(ingester.settings, fps=min(options.fps, _rate(mine)))
        videos[name] = ingester.ingest(path / name).video
        progress(i + 1, len(names), "videos")
    cast = _other_cast(videos)
    for name, video in videos.items():
        mine = truth.filter(pc.equal(truth["video"], name))
        summary.faces += _label(store, video, mine, units, cast)
    summary.expressions = list(store.info.expressions)
    summary.seconds = round(time.perf_counter() - started, 3)
    return summary


def _other_cast(videos: dict[str, str]) -> str:
    """What to add to people's names: nothing, unless another cast of the store has them too.

    videos: the store's name of each; one that was taken got a part of the file's digest.
    """
    for name, video in videos.items():
        if video != name:
            return Path(video).stem.removeprefix(Path(name).stem)
    return ""


def _rate(truth: pa.Table) -> float:
    """Frames a second that a video was filmed at: more would only repeat them."""
    times = np.unique(truth["time_s"].to_numpy())
    return float(1 / np.median(np.diff(times))) if len(times) > 1 else float("inf")


def _label(store: Store, video: str, truth: pa.Table, units: tuple[int, ...], cast: str) -> int:
    """Join truth to the faces of one video by time and box; returns how many were labelled."""
    rows = np.flatnonzero(np.array([v == video for v in store.names("video")], bool))
    faces = store.table.take(rows)
    match = _matches(faces, truth)
    rows, match = rows[match >= 0], match[match >= 0]
    if len(rows) == 0:
        return 0
    chosen = truth.take(match)
    columns: dict[str, Any] = {
        "subject": [f"{person}{cast}" for person in chosen["person"].to_pylist()],
        "expression": chosen["expression"].to_pylist(),
        "valence": chosen["valence"].to_numpy(),
        "arousal": chosen["arousal"].to_numpy(),
    }
    for au in units:
        level = chosen[f"AU{au}"].to_numpy()
        columns[action_units.column(au)] = (level >= PRESENT).astype(np.int8)
        columns[f"{action_units.column(au)}_r"] = level
    names = expressions.merged(n for n in columns["expression"] if n)
    store.relabel(rows, columns, units, names)
    return len(rows)


def _matches(faces: pa.Table, truth: pa.Table) -> NDArray[np.intp]:
    """Row of the truth for each face, -1 where no true box overlaps it."""
    corners = ("x0", "y0", "x1", "y1")
    boxes, true_boxes = (
        np.stack([t[c].to_numpy() for c in corners], 1).astype(np.float32) for t in (faces, truth)
    )
    times, true_times = faces["time_s"].to_numpy(), truth["time_s"].to_numpy()
    order = np.argsort(true_times, kind="stable")
    out = np.full(len(faces), -1, np.intp)
    for i, time_s in enumerate(times):
        low, high = np.searchsorted(true_times[order], [time_s - 2e-3, time_s + 2e-3])
        candidates = order[low:high]
        candidates = candidates[np.isfinite(true_boxes[candidates]).all(1)]
        if len(candidates):
            overlap = iou(boxes[i][None], true_boxes[candidates])[0]
            best = int(overlap.argmax())
            if overlap[best] >= OVERLAP:
                out[i] = candidates[best]
    return out
