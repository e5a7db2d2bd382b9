"""The work of an analysis, input by input: rows as they come, resumed where it was broken off."""

import csv
import io
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from mien import __version__
from mien.analysis.analyze import AnalyzedChunk, AnalyzedFrame, Analyzer, SourceFrame, frames_of
from mien.analysis.selection import ALL, Selection
from mien.analysis.table import header, rows
from mien.atomic import replacing
from mien.errors import InputError
from mien.faces import smallest_face
from mien.media.decode import VideoInfo, probe
from mien.media.kinds import kind_of
from mien.media.names import reason, shown
from mien.media.report import DecodeReport
from mien.media.resample import uneven
from mien.media.sequences import RATE as SEQUENCE_RATE
from mien.media.sequences import sequence_files
from mien.media.streams import STDIN
from mien.progress import Progress
from mien.workflows.analysis_part import OutputFailed, Part, Progressed, Recording, writing
from mien.workflows.models import load_recogniser


@dataclass
class InputSummary:
    """What came of one input.

    decoded: frames of the file; frames: in the table. smallest_face: size in pixels from which
    faces were looked for. start_s: the file's own time of its first frame, from which timestamps
    count. notes: what to know of how the file was read. error: why it has no rows, if it has none.
    """

    input: str
    frames: int = 0
    frames_with_face: int = 0
    rows: int = 0
    decoded: int = 0
    smallest_face: float = float("nan")
    start_s: float | None = None
    notes: list[str] = field(default_factory=list)
    error: str | None = None


@dataclass(frozen=True)
class Request:
    """How inputs are to be analysed. It travels to other processes as it is.

    model: a path or name, None for boxes alone; the other fields are those of `mien.analyze`.
    """

    model: str | Path | None = None
    checkpoint: str = "best"
    detector: str = "centerface"
    tracker: str = "people"
    margin: float | None = None
    min_face: float | None = None
    exact: bool = False
    fps: float | None = None
    selection: Selection = ALL
    stream: int | None = None
    strict: bool = False
    crops: bool = False
    people: tuple[int, ...] = ()

    def analyzer(self) -> Analyzer:
        """Load what it takes."""
        recogniser = None
        if self.model is not None:
            recogniser = load_recogniser(self.model, self.checkpoint, threads=1)
        return Analyzer(
            recogniser,
            self.detector,
            self.tracker,
            self.margin,
            self.min_face,
            self.exact,
            self.people,
        )

    def facts(self, files: Iterable[Path], sha256: str | None) -> dict[str, Any]:
        """What must not change between an analysis and its resumption."""
        options = {**asdict(self), "model": None if self.model is None else str(self.model)}
        return {
            "mien": __version__,
            "options": options,
            "weights": sha256,
            "inputs": [_identity(f) for f in files],
        }


def _identity(path: Path) -> list[Any]:
    try:
        found = path.stat()
    except OSError:
        return [shown(path)]
    return [shown(path), found.st_size, found.st_mtime_ns]


@dataclass
class Work:
    """Analyses inputs into a part folder, one after the other."""

    analyzer: Analyzer
    request: Request
    part: Part
    say: Callable[[str], None]
    overlay: Path | None = None

    def add(self, number: int, path: Path, bar: Progress) -> InputSummary:
        """Write the rows of an input: all of them, or none and the reason."""
        known = self.part.summary(number)
        if known is not None and self.overlay is None:
            return InputSummary(**known)
        summary = InputSummary(shown(path))
        try:
            self._analyze(number, path, summary, bar)
        except OutputFailed:
            raise
        except Exception as error:  # whatever one input does, the others keep their rows
            told = str(error)
            if not isinstance(error, InputError):
                told = f"{summary.input}: {type(error).__name__}: {reason(error)}"
            self.say(f"error: {told}")
            summary = InputSummary(summary.input, error=told)
            self.part.drop(number)
        for line in summary.notes:
            self.say(f"{summary.input}: {line}")
        self.part.finish(number, asdict(summary))
        return summary

    def _analyze(self, number: int, path: Path, summary: InputSummary, bar: Progress) -> None:
        since = self.part.progressed(number)
        if self.overlay is not None or self.request.crops:  # made anew, from what was found
            since = Progressed(looks=since.looks)
        done, counts = since.frames, {k: v for k, v in since.counts.items() if v is not None}
        summary.__dict__.update(counts)
        with self.part.recording(number, since) as recording:
            if self.request.crops:
                chunk = AnalyzedChunk(1, [self.analyzer.analyze_crop(path)], [])
                self._record(recording, summary, chunk, 1)
                summary.decoded = summary.frames
                return
            reading = Reading(path, self.request, self.analyzer.min_face)
            chunks = self.analyzer.chunks(reading.frames(), since.looks, done)
            with _overlay(self.overlay, reading.rate or 30.0, path, reading.info) as draw:
                passed = 0
                for chunk in chunks:
                    passed += chunk.frames
                    for analyzed in chunk.analyzed:
                        draw(analyzed)
                    if chunk.analyzed:
                        summary.smallest_face = reading.smallest_face
                        self._record(recording, summary, chunk, passed)
                    bar(passed, reading.total, f"{summary.rows} rows")
        reading.settle(summary)

    def _record(
        self, recording: Recording, summary: InputSummary, chunk: AnalyzedChunk, passed: int
    ) -> None:
        text = io.StringIO(newline="")
        out, recogniser = csv.writer(text), self.analyzer.recogniser
        width = len(header(recogniser.heads if recogniser else ()))
        for analyzed in chunk.analyzed:
            lines = list(rows(summary.input, analyzed, width))
            out.writerows(lines)
            summary.rows += len(lines)
            summary.frames += 1
            summary.frames_with_face += len(analyzed.found) > 0
        counts = {k: getattr(summary, k) for k in ("rows", "frames", "frames_with_face")}
        recording.add(text.getvalue(), passed, chunk.looks, counts)


class Reading:
    """The frames of one input, and what is known of it."""

    def __init__(self, path: Path, request: Request, min_face: float | None) -> None:
        self.path, self._request, self._min_face = path, request, min_face
        self._kind = kind_of(path)
        known = self._kind == "video" and path != STDIN
        self.info = probe(path, request.stream) if known else None
        self.total, self.rate = _expected(self.info, request)
        if self._kind == "sequence":
            self.rate = request.fps or SEQUENCE_RATE
            self.total = sequence_files(path)[-1][0] + 1
        self._report, self._times = DecodeReport(), set[float | None]()
        self._frames = 0
        self._start_s: float | None = None
        self.smallest_face = float("nan")

    def frames(self) -> Iterator[SourceFrame]:
        """Yield the frames that were asked for."""
        request = self._request
        for frame in frames_of(
            self.path, request.fps, report=self._report, stream=request.stream,
            strict=request.strict, selection=request.selection,
        ):  # fmt: skip
            if self._request.fps is not None:
                self._times.add(frame.time_s)
            if self._frames == 0:
                self._start_s = frame.container_s
            self._frames += 1
            height, width = frame.rgb.shape[:2]
            self.smallest_face = round(smallest_face(width, height, self._min_face), 1)
            yield frame

    def settle(self, summary: InputSummary) -> None:
        """Write down what came of reading, once all frames are read."""
        summary.smallest_face = self.smallest_face
        if self._kind != "video":
            summary.decoded = summary.frames
            if self._kind == "sequence" and self._request.fps is None:
                summary.notes = [
                    f"taken for {SEQUENCE_RATE:g} pictures a second; --fps says others"
                ]
            return
        report, fps = self._report, self._request.fps
        summary.decoded, summary.notes = report.decoded, report.notes
        summary.start_s = self._start_s if self.info is None else self.info.start_s
        if fps is not None:
            summary.notes += uneven(summary.decoded, len(self._times), summary.frames, fps)


def _expected(info: VideoInfo | None, request: Request) -> tuple[float | None, float | None]:
    """Number of frames to come and their rate, where the file says so."""
    if info is None:
        return None, None
    chosen, rate = request.selection, request.fps or info.frame_rate
    if chosen == ALL and request.fps is None and info.declared_frames:
        return info.declared_frames, rate
    if not info.duration_s or not rate:
        return None, rate
    seconds = min(info.duration_s, chosen.end_s or info.duration_s) - (chosen.start_s or 0.0)
    return max(seconds, 0.0) / (chosen.every_s or 1 / rate), rate


@contextmanager
def _overlay(
    out: Path | None, rate: float, source: Path, info: VideoInfo | None
) -> Iterator[Callable[[AnalyzedFrame], None]]:
    """Yield what draws a frame into the overlay video, which is whole at the end or not there."""
    if out is None:
        yield lambda analyzed: None
        return
    from mien.analysis.overlay import Overlay
    from mien.media.encode import VideoWriter
    from mien.media.sound import Sound

    draw = Overlay()
    with replacing(out) as temporary:
        sound = Sound(source, (info and info.start_s) or 0.0)
        with VideoWriter(temporary, rate, sound=sound) as video:

            def add(analyzed: AnalyzedFrame) -> None:
                picture = draw(analyzed)
                with writing(out):
                    video.write(picture, analyzed.source.time_s or 0.0)

            yield add


def analyze_inputs(
    work: Work,
    files: list[Path],
    jobs: int,
    progress: Callable[[str], AbstractContextManager[Progress]],
) -> list[InputSummary]:
    """Analyse all inputs, `jobs` at a time in processes of their own."""
    if jobs > 1 and len(files) > 1:
        return _in_processes(work, files, min(jobs, len(files)), progress)
    done = []
    for number, path in enumerate(files):
        with progress(shown(Path(path.name))) as bar:
            done.append(work.add(number, path, bar))
    return done


def _in_processes(
    work: Work,
    files: list[Path],
    jobs: int,
    progress: Callable[[str], AbstractContextManager[Progress]],
) -> list[InputSummary]:
    from concurrent.futures import ProcessPoolExecutor, as_completed
    from multiprocessing import get_context

    found: dict[int, InputSummary] = {}
    with (
        progress(f"{len(files)} inputs") as bar,
        ProcessPoolExecutor(jobs, get_context("spawn")) as pool,
    ):
        asked = {
            pool.submit(_one, work.request, work.part.folder, number, path): number
            for number, path in enumerate(files)
        }
        try:
            for ready in as_completed(asked):
                summary, told = ready.result()
                found[asked[ready]] = summary
                for line in told:
                    work.say(line)
                bar(len(found), len(files), f"{sum(s.rows for s in found.values())} rows")
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return [found[number] for number in range(len(files))]


_LOADED: dict[Request, Analyzer] = {}
"""Of a process that analyses several inputs."""


def _one(request: Request, folder: Path, number: int, path: Path) -> tuple[InputSummary, list[str]]:
    """Analyse one input in a process of its own; returns its summary and what there is to say."""
    from mien.progress import silent

    told: list[str] = []
    if request not in _LOADED:
        _LOADED[request] = request.analyzer()
    work = Work(_LOADED[request], request, Part(folder), told.append)
    return work.add(number, path, silent), told


def assemble(part: Part, done: list[InputSummary], columns: list[str], raw: Path) -> None:
    """Put the rows of all inputs together, in their order, whole or not at all."""
    with writing(raw), replacing(raw) as temporary, temporary.open("wb") as out:
        text = io.StringIO(newline="")
        csv.writer(text).writerow(columns)
        out.write(text.getvalue().encode())
        for number, summary in enumerate(done):
            if summary.error is None:
                with part.rows(number).open("rb") as source:
                    shutil.copyfileobj(source, out)
