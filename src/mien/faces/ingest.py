"""Videos into a store: decode, resample, detect, track, crop, append."""

import hashlib
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from mien.errors import InputError
from mien.faces import DETECTORS, TRACKERS
from mien.faces.crop import MARGIN, square_crop
from mien.faces.detection import Detections, Detector
from mien.faces.journal import DetectionJournal
from mien.media.decode import Frame, decode, probe
from mien.media.resample import resample
from mien.progress import Progress, silent
from mien.store import Store
from mien.store.shards import ShardWriter


@dataclass(frozen=True)
class IngestSettings:
    """What decides the result of ingesting a video, kept in the store with it."""

    fps: float = 30.0
    detector: str = "centerface"
    tracker: str = "iou"
    margin: float = MARGIN


@dataclass
class VideoSummary:
    """What came of one input. loss: share of frames without a face. seconds: of video.

    elapsed_s: time it took, of which decode_detect_s to decode and detect. status: ingested, or
    skipped where the store already held it.
    """

    input: str
    video: str
    frames: int = 0
    frames_with_face: int = 0
    faces: int = 0
    tracks: int = 0
    loss: float = float("nan")
    seconds: float = 0.0
    elapsed_s: float = 0.0
    decode_detect_s: float = 0.0
    status: str = "ingested"


@dataclass
class _Rows:
    """Columns of the faces seen so far, in order of appearance."""

    frame: list[int] = field(default_factory=list)
    time_s: list[float] = field(default_factory=list)
    track: list[int] = field(default_factory=list)
    box: list[Any] = field(default_factory=list)
    confidence: list[float] = field(default_factory=list)


class Ingester:
    """Ingests videos into one store, one after the other."""

    def __init__(self, store: Store, settings: IngestSettings) -> None:
        self.store, self.settings = store, settings
        self._detector: Detector | None = None

    def ingest(self, path: Path, progress: Progress = silent) -> VideoSummary:
        """Add a video; skip it where the store holds it whole, resume it where it was cut off.

        Raises InputError where the file cannot be read to its end: then nothing of it is added.
        """
        info = probe(path)
        digest = _digest(path)
        settings = asdict(self.settings)
        for entry in self.store.info.sources.values():
            if entry.get("digest") == digest and entry.get("settings") == settings:
                known = VideoSummary(**entry["summary"])
                known.input, known.status = str(path), "skipped"
                return known
        video = self._name(path, digest)
        summary = VideoSummary(str(path), video)
        journal_file = self.store.folder / "partial" / f"{digest}.jsonl"
        number, writer = self.store.new_shard()
        total = info.duration_s * self.settings.fps if info.duration_s else None
        with DetectionJournal(journal_file, self.settings.detector) as journal, writer:
            try:
                rows = self._collect(path, journal, writer, summary, progress, total)
            except InputError:
                journal.remove()  # of no use: a mended file is another file
                raise
            order = np.lexsort((rows.frame, rows.track))
            if writer.rows:
                writer.finish(order)
            entry = {
                "kind": "video",
                "path": str(path.resolve()),
                "digest": digest,
                "settings": settings,
                "added": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
                "summary": asdict(summary),
            }
            self.store.commit(video, entry, _columns(rows, order, video, number))
            journal.remove()
        return summary

    def _name(self, path: Path, digest: str) -> str:
        """Name the video after its file; a digest tells two files of one name apart."""
        taken = self.store.info.sources.get(path.name)
        if taken is None or taken.get("digest") == digest:
            return path.name
        return f"{path.stem}-{digest[:8]}{path.suffix}"

    def _collect(
        self,
        path: Path,
        journal: DetectionJournal,
        writer: ShardWriter,
        summary: VideoSummary,
        progress: Progress,
        total: float | None,
    ) -> _Rows:
        """Go through the video once, writing crops in order of appearance."""
        tracker = TRACKERS[self.settings.tracker]()
        rows, started = _Rows(), time.perf_counter()
        shown: Frame | None = None
        found, numbers, crops = Detections.none(), np.empty(0, np.intp), np.empty(0, np.uint8)
        frames = resample(decode(path), self.settings.fps)
        while True:
            before = time.perf_counter()
            k, frame = next(frames, (-1, None))
            if frame is None:
                break
            if frame is not shown:
                found = self._detect(frame, journal)
                summary.decode_detect_s += time.perf_counter() - before
                numbers = tracker(found, frame.time_s)
                kept = numbers >= 0
                found, numbers = (
                    Detections(found.boxes[kept], found.confidence[kept]),
                    numbers[kept],
                )
                crops = self._crop(frame, found)
                shown = frame
            summary.frames += 1
            if len(found):
                summary.frames_with_face += 1
                writer.append(crops)
            for box, confidence, track in zip(found.boxes, found.confidence, numbers, strict=True):
                rows.frame.append(k)
                rows.time_s.append(frame.time_s)
                rows.track.append(int(track))
                rows.box.append(box)
                rows.confidence.append(float(confidence))
            progress(k + 1, total, f"{len(rows.frame)} faces")
        summary.faces, summary.tracks = len(rows.frame), len(set(rows.track))
        summary.loss = round(1 - summary.frames_with_face / summary.frames, 6)
        summary.seconds = round(summary.frames / self.settings.fps, 3)
        summary.elapsed_s = round(time.perf_counter() - started, 3)
        summary.decode_detect_s = round(summary.decode_detect_s, 3)
        return rows

    def _detect(self, frame: Frame, journal: DetectionJournal) -> Detections:
        known = journal.get(frame.index)
        if known is not None:
            return known
        if self._detector is None:
            self._detector = DETECTORS[self.settings.detector]()
        found = self._detector(frame.rgb)
        journal.add(frame.index, found)
        return found

    def _crop(self, frame: Frame, found: Detections) -> Any:
        size, margin = self.store.info.size, self.settings.margin
        crops = [square_crop(frame.rgb, box, size, margin) for box in found.boxes]
        return np.stack(crops) if crops else np.empty((0, size, size, 3), np.uint8)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def _columns(rows: _Rows, order: Any, video: str, shard: int) -> dict[str, Any]:
    n = len(rows.frame)
    box = np.array(rows.box, np.float32).reshape(-1, 4)[order]
    track = np.array(rows.track, np.int32)[order]
    return {
        "video": [video] * n,
        "frame": np.array(rows.frame, np.int32)[order],
        "time_s": np.array(rows.time_s, np.float64)[order],
        "track": track,
        "subject": [f"{video}#{number}" for number in track],
        "x0": box[:, 0],
        "y0": box[:, 1],
        "x1": box[:, 2],
        "y1": box[:, 3],
        "confidence": np.array(rows.confidence, np.float32)[order],
        "shard": np.full(n, shard, np.int32),
        "row": np.arange(n, dtype=np.int32),
    }
