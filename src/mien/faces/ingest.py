"""Videos into a store: decode, resample, detect, track, crop, append."""

import hashlib
import json
import time
from array import array
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from mien import __version__, ranges
from mien.errors import InputError
from mien.faces import DETECTORS, TRACKERS, smallest_face
from mien.faces.crop import MARGIN, square_crop
from mien.faces.detection import Detections, Detector
from mien.faces.journal import DetectionJournal
from mien.faces.quality import quality
from mien.media.decode import Frame, decode, probe
from mien.media.names import shown
from mien.media.report import DecodeReport
from mien.media.resample import resample, uneven
from mien.progress import Progress, silent
from mien.store import Store
from mien.store.files import fingerprint, lock_file, log_file
from mien.store.schema import LANDMARKS, Source
from mien.store.shards import CropWriter, StagedCrops

VIDEOS = "videos"
"""Corpus of videos that are ingested one by one."""

Columns = dict[str, Any]


@dataclass(frozen=True)
class IngestSettings:
    """What decides the result of ingesting a video, kept in the store with it.

    min_face: size in pixels from which faces are looked for; None: it follows from the picture.
    stream: number of the video stream; None for the main one. strict: refuse damaged files.
    Raises InputError for a number out of range.
    """

    fps: float = 30.0
    detector: str = "centerface"
    tracker: str = "iou"
    margin: float = MARGIN
    min_face: float | None = None
    stream: int | None = None
    strict: bool = False

    def __post_init__(self) -> None:
        ranges.FRAME_RATE.check("fps", self.fps)
        ranges.MARGIN.check("margin", self.margin)
        if self.min_face is not None:
            ranges.FACE_SIZE.check("min_face", self.min_face)
        if self.stream is not None:
            ranges.STREAM.check("stream", self.stream)


@dataclass
class VideoSummary:
    """What came of one input.

    decoded: frames of the file; frames: of the grid. loss: share of these without a face. seconds:
    of video. smallest_face: size in pixels from which faces were looked for. notes: what to know of
    how the file was read. elapsed_s: time it took, of which decode_detect_s to decode and detect.
    status: ingested, or skipped where the store already held it.
    """

    input: str
    video: str
    frames: int = 0
    frames_with_face: int = 0
    faces: int = 0
    tracks: int = 0
    loss: float = float("nan")
    seconds: float = 0.0
    decoded: int = 0
    smallest_face: float = float("nan")
    notes: list[str] = field(default_factory=list)
    elapsed_s: float = 0.0
    decode_detect_s: float = 0.0
    status: str = "ingested"


class Labeller(Protocol):
    """Says more of a video's faces before they are committed."""

    fingerprint: str
    """Changes with what it would say: a video whose labels changed is ingested anew."""

    def __call__(self, faces: Columns) -> tuple[Sequence[str | None], Mapping[str, Columns]]:
        """Return the subject of each face (None: its track), and label columns by layer.

        faces: `time_s`, `x0`, `y0`, `x1`, `y1` of the faces in the store's order.
        """


@dataclass
class _Rows:
    """Columns of the faces seen so far, in order of appearance: some 80 bytes a face."""

    frame: "array[int]" = field(default_factory=lambda: array("i"))
    time_s: "array[float]" = field(default_factory=lambda: array("d"))
    track: "array[int]" = field(default_factory=lambda: array("i"))
    box: "array[float]" = field(default_factory=lambda: array("f"))
    confidence: "array[float]" = field(default_factory=lambda: array("f"))
    landmarks: "array[float]" = field(default_factory=lambda: array("f"))
    quality: "array[float]" = field(default_factory=lambda: array("f"))


@dataclass
class Gathered:
    """A video that was gone through and is to be committed; a skipped one has no crops.

    mark: of the settings and labels that its faces come of.
    """

    path: Path
    digest: str
    mark: str
    summary: VideoSummary
    rows: _Rows
    crops: StagedCrops | None


class Ingester:
    """Ingests videos into one corpus of a store, one after the other.

    Only committing a video holds the store's lock: several processes may ingest into one store.
    path: of the corpus, where it has one. threads: of the detector; 0 for one per core.
    """

    def __init__(
        self,
        store: Store,
        settings: IngestSettings,
        corpus: str = VIDEOS,
        path: str = "",
        threads: int = 0,
    ) -> None:
        store.refuse_other_corpus(corpus, "video", path, named=True)
        self.store, self.settings, self.corpus, self.path = store, settings, corpus, path
        self.threads = threads
        self._detector: Detector | None = None

    def ingest(
        self,
        path: Path,
        progress: Progress = silent,
        labeller: Labeller | None = None,
        name: str | None = None,
    ) -> VideoSummary:
        """Add a video; skip it where the store holds it whole, resume it where it was cut off.

        name: in the corpus, where it replaces another video; None: that of the file, with a digest
        where another video has it when this one is committed.
        Raises InputError where the file cannot be read to its end, then nothing of it is added, and
        where another process is ingesting it.
        """
        with self.gather(path, progress, labeller.fingerprint if labeller else "", name) as found:
            self.commit(found, labeller, name)
        return found.summary

    @contextmanager
    def gather(
        self, path: Path, progress: Progress = silent, told: str = "", name: str | None = None
    ) -> Iterator[Gathered]:
        """Go through a video, and keep others from it until it is committed.

        told: fingerprint of what will be said of its faces. name, errors: as for `ingest`.
        """
        info = probe(path, self.settings.stream)
        content = content_digest(path)
        mark = fingerprint(json.dumps([asdict(self.settings), told], sort_keys=True))
        with _alone(self.store.folder / "partial" / f"{content}.lock", path):
            self._reload()
            known = self._known(content, mark, name)
            if known is not None:
                self._journal_file(content).unlink(missing_ok=True)  # killed after the commit
                known = replace(known, input=shown(path), status="skipped")
                yield Gathered(path, content, mark, known, _Rows(), None)
                return
            summary = VideoSummary(shown(path), "")
            least = smallest_face(info.width, info.height, self.settings.min_face)
            summary.smallest_face = round(least, 1)
            total = info.duration_s * self.settings.fps if info.duration_s else None
            journal = DetectionJournal(self._journal_file(content), self._detections())
            with journal, self.store.new_shard() as crops:
                try:
                    rows = self._collect(path, journal, crops, summary, progress, total)
                except InputError:
                    journal.remove()  # of no use: a mended file is another file
                    raise
                yield Gathered(path, content, mark, summary, rows, crops.staged())

    def commit(
        self, found: Gathered, labeller: Labeller | None = None, name: str | None = None
    ) -> None:
        """Add what was gathered; labeller, name: as for `ingest`. Says in the summary where."""
        if found.crops is None:
            return
        with self.store.writing():
            self._add(name or self._name(found.path, found.digest), found, labeller)
        self._journal_file(found.digest).unlink(missing_ok=True)

    def _journal_file(self, digest: str) -> Path:
        return self.store.folder / "partial" / f"{digest}.jsonl"

    def _reload(self) -> None:
        """Read what others changed, and make the store again where one found it empty."""
        if not (self.store.folder / "store.json").exists():
            Store.open_or_create(self.store.folder, self.store.info.size)
        self.store.reload()

    def _detections(self) -> str:
        """What decides the detections of a file: those of anything else do not count."""
        asked = self.settings
        versions = f"mien {__version__}, av {version('av')}"
        return f"{asked.detector}, min_face {asked.min_face}, stream {asked.stream}, {versions}"

    def _add(self, video: str, found: Gathered, labeller: Labeller | None) -> None:
        """Add what was gathered under the video's name; to be called under the store's lock."""
        assert found.crops is not None
        found.summary.video = f"{self.corpus}/{video}"
        faces = _columns(found.rows, video)
        subjects, labels = labeller(faces) if labeller else ([], {})
        for i, name in enumerate(subjects):
            faces["subject"][i] = faces["subject"][i] if name is None else name
        self.store.commit(
            found.summary.video,
            corpus=self.corpus,
            kind="video",
            crops=found.crops,
            faces=faces,
            labels=labels,
            summary=asdict(found.summary),
            path=self.path,
            margin=self.settings.margin,
            settings={**asdict(self.settings), "path": shown(found.path.resolve())},
            digest=found.digest,
            fingerprint=found.mark,
        )

    def _known(self, digest: str, mark: str, video: str | None) -> VideoSummary | None:
        """What came of the video when it was ingested with the same settings, if it was.

        video: the name that it must have; None: any.
        """
        for name, entry in self.store.info.sources.items():
            same = entry["corpus"] == self.corpus and entry.get("settings") == mark
            same = same and video in (None, name.removeprefix(f"{self.corpus}/"))
            if same and entry.get("digest") == digest:
                return _logged_summary(self.store.folder, name, entry)
        return None

    def _name(self, path: Path, digest: str) -> str:
        """Name the video after its file; a digest tells two files of one name apart."""
        name = shown(Path(path.name))
        taken = self.store.info.sources.get(f"{self.corpus}/{name}")
        if taken is None or taken.get("digest") == digest:
            return name
        return shown(Path(f"{path.stem}-{digest[:8]}{path.suffix}"))

    def _collect(
        self,
        path: Path,
        journal: DetectionJournal,
        writer: CropWriter,
        summary: VideoSummary,
        progress: Progress,
        total: float | None,
    ) -> _Rows:
        """Go through the video once, writing crops in order of appearance."""
        tracker = TRACKERS[self.settings.tracker]()
        rows, started, kept_frames = _Rows(), time.perf_counter(), 0
        latest: Frame | None = None
        found, numbers, crops = Detections.none(), np.empty(0, np.intp), np.empty(0, np.uint8)
        report = DecodeReport()
        stream, strict = self.settings.stream, self.settings.strict
        frames = resample(decode(path, report, stream=stream, strict=strict), self.settings.fps)
        while True:
            before = time.perf_counter()
            k, frame = next(frames, (-1, None))
            if frame is None:
                break
            if frame is not latest:
                found = self._detect(frame, journal)
                summary.decode_detect_s += time.perf_counter() - before
                numbers = tracker(found, frame.time_s)
                kept = numbers >= 0
                found, numbers = found[kept], numbers[kept]
                crops = self._crop(frame, found)
                scores = _scores(frame, found, crops)
                boxes = frame.to_file_pixels(found.boxes)
                points = frame.to_file_pixels(found.landmarks)
                latest = frame
                kept_frames += 1
            summary.frames += 1
            if len(found):
                summary.frames_with_face += 1
                writer.append(crops)
            for i, track in enumerate(numbers.tolist()):
                rows.frame.append(k)
                rows.time_s.append(frame.time_s)
                rows.track.append(track)
                rows.box.extend(boxes[i].tolist())
                rows.confidence.append(float(found.confidence[i]))
                rows.landmarks.extend(points[i].ravel().tolist())
                rows.quality.append(scores[i])
            progress(k + 1, total, f"{len(rows.frame)} faces")
        summary.decoded, summary.notes = report.decoded, report.notes
        summary.notes += uneven(report.decoded, kept_frames, summary.frames, self.settings.fps)
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
            make = DETECTORS[self.settings.detector]
            self._detector = make(self.settings.min_face, threads=self.threads)
        found = self._detector(frame.rgb)
        journal.add(frame.index, found)
        return found

    def _crop(self, frame: Frame, found: Detections) -> Any:
        size, margin = self.store.info.size, self.settings.margin
        crops = [square_crop(frame.rgb, box, size, margin) for box in found.boxes]
        return np.stack(crops) if crops else np.empty((0, size, size, 3), np.uint8)


def _scores(frame: Frame, found: Detections, crops: Any) -> list[float]:
    """Quality of each face of a frame, 0 to 1."""
    size = (frame.rgb.shape[1], frame.rgb.shape[0])
    parts = zip(crops, found.boxes, found.landmarks, strict=True)
    return [quality(crop, box, points, size).score for crop, box, points in parts]


def content_digest(path: Path) -> str:
    """Stand-in for the content of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


@contextmanager
def _alone(place: Path, path: Path) -> Iterator[None]:
    """Keep other processes from ingesting the same video; raises InputError where one does."""
    place.parent.mkdir(parents=True, exist_ok=True)
    lock = lock_file(place)
    if lock is None:
        raise InputError(f"{shown(path)}: another process is ingesting it")
    with lock:
        try:
            yield
        finally:
            place.unlink(missing_ok=True)


def _logged_summary(folder: Path, source: str, entry: Source) -> VideoSummary:
    """The summary in the source's log; of the log's absence no more than the store says."""
    try:
        known = json.loads(log_file(folder, source).read_text("utf-8"))["summary"]
        return VideoSummary(**{**known, "loss": _number(known["loss"])})
    except (OSError, ValueError, LookupError, TypeError):
        return VideoSummary("", source, faces=entry["faces"])


def _number(value: float | None) -> float:
    return float("nan") if value is None else value


def _columns(rows: _Rows, video: str) -> Columns:
    """Columns for the store, in order of track and frame; `row` is that of the crop."""
    n = len(rows.frame)
    order = np.lexsort((rows.frame, rows.track))
    box = np.array(rows.box, np.float32).reshape(-1, 4)[order]
    points = np.array(rows.landmarks, np.float32).reshape(-1, len(LANDMARKS))[order]
    track = np.array(rows.track, np.int32)[order]
    columns: Columns = {
        "video": [video] * n,
        "frame": np.array(rows.frame, np.int32)[order],
        "time_s": np.array(rows.time_s, np.float64)[order],
        "track": track,
        "subject": [f"{video}#{number}" for number in track],
        **dict(zip(("x0", "y0", "x1", "y1"), box.T, strict=True)),
        "confidence": np.array(rows.confidence, np.float32)[order],
        **dict(zip(LANDMARKS, points.T, strict=True)),
        "quality": np.array(rows.quality, np.float32)[order],
        "row": order,
    }
    return columns
