"""`mien.analyze`: what the faces in videos and photographs show, frame by frame."""

import csv
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, TextIO

import pyarrow as pa

from mien import ranges
from mien.analysis.analyze import AnalyzedFrame, Analyzer, SourceFrame, frames_of, remarks
from mien.analysis.table import header, rows
from mien.atomic import replacing
from mien.errors import InputError, check_name
from mien.extras import need
from mien.faces import DETECTORS, TRACKERS, smallest_face
from mien.media.decode import VideoInfo, probe
from mien.media.encode import SUFFIXES
from mien.media.images import images_in
from mien.media.kinds import find_inputs, kind_of, nothing_found
from mien.media.names import reason, shown
from mien.media.report import DecodeReport
from mien.media.resample import uneven
from mien.progress import Progress, say_nothing, silent
from mien.recognition.provenance import Provenance
from mien.workflows.models import DEFAULT_MODEL, load_recogniser
from mien.workflows.outputs import Converted, OutputOptions, finish, model_facts, raw_table


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
class Analysis:
    """Tables of an analysis.

    path: of the table; None where none was to be written. skipped: files of folders that were left
    out, with the reason. converted: what was made of the raw table; None where there is none.
    """

    path: Path | None
    inputs: list[InputSummary]
    skipped: list[tuple[str, str]]
    converted: Converted | None = None

    @property
    def failed(self) -> list[InputSummary]:
        """Inputs without rows."""
        return [entry for entry in self.inputs if entry.error is not None]

    @property
    def table(self) -> pa.Table:
        """One row per face per frame, and one for a frame without a face (docs/formats.md).

        Raises InputError where no input could be read.
        """
        if self.converted is None:
            name = "the table" if self.path is None else shown(self.path)
            raise InputError(f"{name}: was not written, no input could be read")
        return self.converted.table.table

    def to_pandas(self) -> Any:
        """The table as a pandas data frame, where pandas is installed."""
        return self.table.to_pandas()

    def to_polars(self) -> Any:
        """The table as a polars data frame, where polars is installed."""
        try:
            import polars
        except ModuleNotFoundError as error:
            raise InputError("to_polars needs polars: pip install polars") from error
        return polars.from_arrow(self.table)


def analyze(
    inputs: str | Path | Iterable[str | Path],
    *,
    out: str | Path | None = None,
    model: str | Path | None = DEFAULT_MODEL,
    checkpoint: Literal["best", "last"] = "best",
    crops: bool = False,
    overlay: str | Path | None = None,
    report: str | Path | None = None,
    fps: float | None = None,
    margin: float | None = None,
    min_face: float | None = None,
    detector: str = "centerface",
    tracker: str = "iou",
    stream: int | None = None,
    strict: bool = False,
    recursive: bool = False,
    format: str | None = None,
    smooth: float | None = None,
    neutral: Literal["auto"] | None = None,
    rules: bool = False,
    confidence: bool = False,
    summary: str | Path | None = None,
    faces: bool = True,
    progress: Callable[[str], AbstractContextManager[Progress]] = lambda name: nullcontext(silent),
    say: Callable[[str], None] = say_nothing,
) -> Analysis:
    """Detect, follow and recognise the faces of videos, photographs and folders.

    out: table to write, CSV or Parquet or as `format` says; None: in memory alone. model: a run, a
    model file or weights that come with mien; None: boxes alone. crops: the inputs are folders of images that are faces already. overlay: video to write, of one
    video. report: HTML page to write. fps: of a grid; None: the files' own frames. margin: where
    the model does not know its own. min_face: pixels from which faces are looked for; None: it
    follows from the picture. stream, strict: as for `mien.ingest`. recursive: subfolders too.
    format, smooth, neutral, rules, confidence, summary: what becomes of the raw values
    (`workflows.outputs.OutputOptions`). faces: False keeps pictures of faces out of the report.

    An input that cannot be read has no rows, and the others keep theirs; where none can be read,
    nothing is written. What is interrupted leaves the rows of the inputs that were done, as
    FILE.partial.csv. Raises InputError where options do not fit together.
    """
    if report is not None:
        need("mien analyze --report", "plotly")
    named = [Path(p) for p in ([inputs] if isinstance(inputs, str | Path) else inputs)]
    options = OutputOptions(format, smooth, neutral, rules, confidence, _path(summary))
    _check_ranges(fps, margin, min_face, stream)
    if crops:
        _check_crops(model, margin)
        unused = {"--fps": fps, "--min-face": min_face, "--stream": stream, "--strict": strict}
        for option in (name for name, value in unused.items() if value not in (None, False)):
            say(f"{option} has no effect with --crops")
    files, skipped = _files(named, crops, recursive)
    outputs = _Outputs(_path(out), _path(overlay), _path(report))
    _check(outputs, options, files, crops)
    check_name("detector", detector, DETECTORS)
    check_name("tracker", tracker, TRACKERS)
    recogniser = None if model is None else load_recogniser(model, checkpoint)
    analyzer = Analyzer(recogniser, detector, tracker, margin, min_face)
    for line in remarks(recogniser, crops) if margin is None else ():
        say(line)
    provenance = Provenance() if recogniser is None else recogniser.provenance
    options.check(outputs.table, bool(provenance.calibrations))
    about = model_facts(model, recogniser) | {"analysis": {
        "crops": crops, "fps": fps, "margin": analyzer.margin, "min_face": min_face,
        "detector": detector, "tracker": tracker, "stream": stream, "strict": strict,
    }}  # fmt: skip
    left_out = [(shown(path), why) for path, why in skipped]
    with raw_table(outputs.table, options, say) as raw:
        work = _Work(analyzer, raw, outputs.overlay, fps, stream, strict, crops, say)
        _write_table(work, files, header(recogniser.heads if recogniser else ()), progress)
        if all(entry.error is not None for entry in work.done):
            return Analysis(outputs.table, work.done, left_out)
        about |= _came_of(work.done, left_out)
        converted = finish(raw, outputs.table, options, about=about, provenance=provenance)
    if outputs.report:
        from mien.report.analysis_report import write_report

        write_report(outputs.report, converted.table, faces=faces, about=about)
    return Analysis(outputs.table, work.done, left_out, converted)


def _came_of(done: list[InputSummary], left_out: list[tuple[str, str]]) -> dict[str, Any]:
    """What the JSON beside the table says of the inputs."""
    return {
        "inputs": [asdict(entry) for entry in done],
        "skipped": [{"input": name, "reason": why} for name, why in left_out],
    }


def _check_ranges(
    fps: float | None, margin: float | None, min_face: float | None, stream: int | None
) -> None:
    for name, asked, value in (
        ("fps", ranges.FRAME_RATE, fps),
        ("margin", ranges.MARGIN, margin),
        ("min_face", ranges.FACE_SIZE, min_face),
        ("stream", ranges.STREAM, stream),
    ):
        if value is not None:
            asked.check(name, value)


def _write_table(
    work: "_Work",
    files: list[Path],
    columns: list[str],
    progress: Callable[[str], AbstractContextManager[Progress]],
) -> None:
    """Write the rows of all files; where none can be read, or what is cut off, no table."""
    with replacing(work.raw) as temporary:
        with temporary.open("w", newline="", encoding="utf-8", errors="surrogateescape") as file:
            csv.writer(file).writerow(columns)
            try:
                for path in files:
                    whole = file.tell()
                    with progress(shown(Path(path.name))) as bar:
                        work.add(path, len(columns), file, bar)
            except BaseException:
                file.seek(whole)
                file.truncate()
                file.close()
                work.keep(temporary)
                raise
        if all(entry.error is not None for entry in work.done):
            temporary.unlink()


def _path(given: str | Path | None) -> Path | None:
    return None if given is None else Path(given)


@dataclass(frozen=True)
class _Outputs:
    table: Path | None
    overlay: Path | None
    report: Path | None


def _files(
    inputs: list[Path], crops: bool, recursive: bool
) -> tuple[list[Path], list[tuple[Path, str]]]:
    if not inputs:
        raise InputError("name at least one video, photograph or folder, or --crops DIR")
    if not crops:
        files, skipped = find_inputs(inputs, recursive)
        if not files:
            raise nothing_found(inputs, "photograph and no video", skipped)
        return files, skipped
    files = []
    for folder in inputs:
        if not folder.is_dir():
            raise InputError(f"{shown(folder)}: is not a folder")
        files += images_in(folder)
    if not files:
        raise InputError(f"{shown(inputs[0])}: holds no image")
    return files, []


def _check_crops(model: str | Path | None, margin: float | None) -> None:
    if model is None:
        raise InputError("--crops needs --model: there is nothing else to say of a crop")
    if margin is not None:
        raise InputError("--margin goes without --crops: nothing is cut")


def _check(
    outputs: _Outputs, options: OutputOptions, files: list[Path], crops: bool
) -> None:
    """Raise InputError for outputs of wrong names or places, or that cannot hold the inputs."""
    options.check(outputs.table)
    if outputs.table is not None:
        options.check_inputs(outputs.table, [kind_of(path) for path in files])
    wanted = (
        (outputs.table, None),
        (options.summary, None),
        (outputs.overlay, SUFFIXES),
        (outputs.report, (".html",)),
    )
    taken = {path.resolve() for path in files}
    for path, suffixes in wanted:
        if path is None:
            continue
        if suffixes is not None and path.suffix.lower() not in suffixes:
            raise InputError(f"{path}: its name should end in {' or '.join(suffixes)}")
        if not path.parent.is_dir():
            raise InputError(f"{path}: the folder {path.parent} does not exist")
        if path.resolve() in taken:
            raise InputError(f"{path}: is an input, and would be overwritten")
    if outputs.overlay is not None and (
        crops or len(files) != 1 or kind_of(files[0]) in ("image", "pages")
    ):
        raise InputError("--overlay takes exactly one video")


@dataclass
class _Work:
    """One analysis: its inputs so far."""

    analyzer: Analyzer
    raw: Path
    overlay: Path | None
    fps: float | None
    stream: int | None
    strict: bool
    crops: bool
    say: Callable[[str], None]
    done: list[InputSummary] = field(default_factory=list)

    def add(self, path: Path, width: int, out: TextIO, bar: Progress) -> None:
        """Add the rows of an input to the table: all of them, or none and the reason."""
        summary = InputSummary(shown(path))
        self.done.append(summary)
        with tempfile.TemporaryFile(
            "w+", newline="", encoding="utf-8", errors="surrogateescape"
        ) as part:
            try:
                if self.crops:
                    _write(part, summary, self.analyzer.analyze_crop(path), width)
                    summary.decoded = summary.frames
                else:
                    self._frames(path, summary, part, width, bar)
            except Exception as error:  # whatever one input does, the others keep their rows
                told = str(error)
                if not isinstance(error, InputError):
                    told = f"{summary.input}: {type(error).__name__}: {reason(error)}"
                self.say(f"error: {told}")
                self.done[-1] = InputSummary(summary.input, error=told)
                return
            part.seek(0)
            shutil.copyfileobj(part, out)
        for line in summary.notes:
            self.say(f"{summary.input}: {line}")

    def keep(self, table: Path) -> None:
        """Keep what an interrupted analysis has of inputs that were whole, beside the output."""
        if rows := sum(entry.rows for entry in self.done[:-1]):
            name = self.raw.name.removeprefix(".").removesuffix(".csv").removesuffix(".raw")
            kept = self.raw.with_name(f"{name}.partial.csv")
            table.replace(kept)
            self.say(f"{shown(kept)}: {rows} rows of the inputs that were done")

    def _frames(
        self, path: Path, summary: InputSummary, part: TextIO, width: int, bar: Progress
    ) -> None:
        still = kind_of(path) in ("image", "pages")
        info = None if still else probe(path, self.stream)
        total, rate = _expected(info, self.fps)
        report, times = DecodeReport(), set[float | None]()
        frames = frames_of(path, self.fps, report=report, stream=self.stream, strict=self.strict)
        with _overlay(self.overlay, rate or 30.0, path, info) as draw:
            for analyzed in self.analyzer.analyze(self._sized(frames, summary, times)):
                _write(part, summary, analyzed, width)
                draw(analyzed)
                bar(summary.frames, total, f"{summary.rows} rows")
        if info is None:
            summary.decoded = summary.frames
            return
        summary.decoded, summary.notes = report.decoded, report.notes
        summary.start_s = info.start_s
        if self.fps is not None:
            summary.notes += uneven(summary.decoded, len(times), summary.frames, self.fps)

    def _sized(
        self, frames: Iterable[SourceFrame], summary: InputSummary, times: set[float | None]
    ) -> Iterator[SourceFrame]:
        for frame in frames:
            times.add(frame.time_s)
            height, width = frame.rgb.shape[:2]
            least = smallest_face(width, height, self.analyzer.min_face)
            summary.smallest_face = round(least, 1)
            yield frame


def _write(part: TextIO, summary: InputSummary, analyzed: AnalyzedFrame, width: int) -> None:
    lines = list(rows(summary.input, analyzed, width))
    csv.writer(part).writerows(lines)
    summary.rows += len(lines)
    summary.frames += 1
    summary.frames_with_face += len(analyzed.found) > 0


@contextmanager
def _overlay(
    out: Path | None, rate: float, source: Path, info: VideoInfo | None
) -> Iterator[Callable[[AnalyzedFrame], None]]:
    """Yield what draws a frame into the overlay video, which is whole at the end or not there."""
    from mien.analysis.overlay import Overlay
    from mien.media.encode import VideoWriter
    from mien.media.sound import Sound

    if out is None:
        yield lambda analyzed: None
        return
    draw = Overlay()
    with replacing(out) as temporary:
        sound = Sound(source, (info and info.start_s) or 0.0)
        with VideoWriter(temporary, rate, sound=sound) as video:
            yield lambda analyzed: video.write(draw(analyzed), analyzed.source.time_s or 0.0)


def _expected(info: VideoInfo | None, fps: float | None) -> tuple[float | None, float | None]:
    """Number of frames to come and their rate, where the file says so."""
    if info is None:
        return None, None
    rate = fps or info.frame_rate
    if fps is None and info.declared_frames:
        return info.declared_frames, rate
    return (info.duration_s * rate if info.duration_s and rate else None), rate
