"""`mien.stream`: faces frame by frame, as they come, without a table."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.analysis.analyze import AnalyzedFrame, Analyzer, SourceFrame, frames_of
from mien.analysis.status import statuses
from mien.errors import InputError
from mien.labels.kinds import likeliest
from mien.recognition.protocol import Recogniser
from mien.workflows.models import DEFAULT_MODEL, load_recogniser

Picture = NDArray[np.uint8]


@dataclass(frozen=True)
class StreamedFace:
    """face_id: the person within the stream. box: x0 y0 x1 y1 in pixels of the picture. status:
    `face`, `too small` or `turned away`. values: by column as in the table of `mien analyze`
    (valence, AU12_p, AU12_r, neutral ...), without those that the model never learned. expression:
    the likeliest; None where there is none."""

    face_id: int
    box: tuple[float, float, float, float]
    confidence: float
    status: str
    values: dict[str, float]
    expression: str | None


@dataclass(frozen=True)
class StreamedFrame:
    """frame: number from 0. time_s: seconds from the first; None of photographs. rgb: the picture,
    (H, W, 3). faces: those in it, which may be none."""

    frame: int
    time_s: float | None
    rgb: Picture
    faces: list[StreamedFace]


def stream(
    source: str | Path | Iterable[Picture] | Iterable[tuple[float, Picture]],
    *,
    model: str | Path | Recogniser = DEFAULT_MODEL,
    fps: float | None = None,
    detector: str = "centerface",
    tracker: str = "people",
    min_face: float | None = None,
) -> Iterator[StreamedFrame]:
    """Yield each frame with its faces, a few frames after it came; memory does not grow.

    source: a file, or pictures as RGB bytes (H, W, 3), alone or each with its time in seconds
    (rising). fps: of pictures without times, 30 where not given; of a file, resample to it. model:
    a name or file, or what `mien.load_recogniser` returned. Raises InputError for what cannot be
    read.
    """
    recogniser = load_recogniser(model) if isinstance(model, str | Path) else model
    analyzer = Analyzer(recogniser, detector, tracker, min_face=min_face)
    if isinstance(source, str | Path):
        frames: Iterable[SourceFrame] = frames_of(Path(source), fps)
    else:
        frames = _frames(source, fps or 30.0)
    for analyzed in analyzer.analyze(frames):
        yield _streamed(analyzed)


def _frames(source: Iterable[Any], fps: float) -> Iterator[SourceFrame]:
    last = -np.inf
    for i, item in enumerate(source):
        time_s, rgb = item if isinstance(item, tuple) else (i / fps, item)
        if not isinstance(rgb, np.ndarray) or rgb.dtype != np.uint8 or rgb.shape[2:] != (3,):
            raise InputError(f"picture {i}: give RGB bytes, uint8 (H, W, 3)")
        if not time_s > last:
            raise InputError(f"picture {i}: its time {time_s} does not come after {last}")
        last = time_s
        yield SourceFrame(i, float(time_s), rgb)


def _streamed(analyzed: AnalyzedFrame) -> StreamedFrame:
    said = statuses(analyzed.found)
    faces = []
    for i, box in enumerate(analyzed.found.boxes):
        values, expression = _values(analyzed, i)
        x0, y0, x1, y1 = map(float, box)
        faces.append(
            StreamedFace(int(analyzed.face_id[i]), (x0, y0, x1, y1),
                         float(analyzed.found.confidence[i]), said[i], values, expression)
        )  # fmt: skip
    source = analyzed.source
    return StreamedFrame(source.frame, source.time_s, source.rgb, faces)


def _values(analyzed: AnalyzedFrame, face: int) -> tuple[dict[str, float], str | None]:
    values: dict[str, float] = {}
    expression = None
    found = analyzed.predictions
    if found is None:
        return values, None
    for head in found.heads:
        numbers = found[head.name][[face]]
        columns = head.kind.table_columns(head.name, head.outputs)
        cells = head.kind.table_values(numbers, head.outputs)
        for name, cell in zip(columns, cells, strict=True):
            if isinstance(cell[0], float):
                values[name] = cell[0]
        if head.kind.classes:
            best = int(likeliest(numbers)[0])
            expression = head.outputs[best] if best >= 0 else expression
    return values, expression
