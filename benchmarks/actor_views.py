"""Frames of a cast of actors in which a face is in full view: what every judge looks at."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pyarrow.parquet as pq

Face = dict[str, Any]  # a row of the truth, with its box
Faces = dict[int, list[Face]]  # by frame


def in_full_view(face: Face, width: int, height: int) -> bool:
    """Tell whether a face is large, uncovered, inside the picture and not turned too far."""
    if face["occluded"] or None in face["box"] or abs(face["yaw_deg"]) > 30:
        return False
    x0, y0, x1, y1 = face["box"]
    inside = max(min(x1, width) - max(x0, 0), 0) * max(min(y1, height) - max(y0, 0), 0)
    return y1 - y0 >= 48 and inside / ((x1 - x0) * (y1 - y0)) >= 0.95


def films(cast: Path) -> Iterator[tuple[Path, Faces]]:
    """Yield the videos of a cast with the faces in full view."""
    videos = defaultdict(list)
    for face in pq.read_table(cast / "truth.parquet").to_pylist():
        face["box"] = tuple(face[corner] for corner in ("x0", "y0", "x1", "y1"))
        videos[face["video"]].append(face)
    for name, rows in sorted(videos.items()):
        with av.open(str(cast / name)) as film:
            size = film.streams.video[0].width, film.streams.video[0].height
        faces = defaultdict(list)
        for face in rows:
            if in_full_view(face, *size):
                faces[face["frame"]].append(face)
        yield cast / name, faces


def spread(groups: Iterable[list[Face]], each: int) -> Faces:
    """Choose up to `each` faces of every group, evenly from first to last; by frame."""
    chosen = defaultdict(list)
    for group in groups:
        for i in np.unique(np.linspace(0, len(group) - 1, each).astype(int)):
            chosen[group[i]["frame"]].append(group[i])
    return chosen


def pictures(video: Path, faces: Faces, every: int = 1) -> Iterator[tuple[np.ndarray, list[Face]]]:
    """Yield every n-th frame of a video that shows faces in full view, with these."""
    with av.open(str(video)) as film:
        film.streams.video[0].thread_count = 1
        for number, frame in enumerate(film.decode(video=0)):
            if number % every == 0 and number in faces:
                yield frame.to_ndarray(format="rgb24"), faces[number]
