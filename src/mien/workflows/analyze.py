"""`mien.analyze`: what the faces in videos and photographs show, frame by frame."""

import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from mien import ranges
from mien.analysis.analyze import remarks
from mien.analysis.selection import Selection
from mien.analysis.table import header
from mien.errors import InputError, check_name
from mien.extras import need
from mien.faces import DETECTORS, TRACKERS
from mien.media.encode import SUFFIXES
from mien.media.images import images_in
from mien.media.kinds import find_inputs, kind_of, nothing_found
from mien.media.named import expanded, listed
from mien.media.names import shown
from mien.media.streams import STDIN
from mien.progress import Progress, say_nothing, silent
from mien.recognition.provenance import Provenance
from mien.workflows.analysis_part import Part
from mien.workflows.analysis_work import InputSummary, Request, Work, analyze_inputs, assemble
from mien.workflows.models import DEFAULT_MODEL
from mien.workflows.outputs import (
    Converted,
    OutputOptions,
    check_apart,
    finish,
    model_facts,
    raw_table,
)

__all__ = ["Analysis", "InputSummary", "analyze"]


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
            polars = import_module("polars")
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
    tracker: str = "people",
    exact: bool = False,
    stream: int | None = None,
    strict: bool = False,
    recursive: bool = False,
    lists: Iterable[str | Path] = (),
    start: float | None = None,
    end: float | None = None,
    every: float | None = None,
    jobs: int = 1,
    resume: bool = False,
    person: Iterable[int] = (),
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
    model file or weights that come with mien; None: boxes alone. crops: the inputs are folders of
    images that are faces already. overlay: video to write, of one video. report: HTML page to
    write. fps: of a grid; None: the files' own frames. margin: where the model does not know its
    own. min_face: pixels from which faces are looked for; None: it follows from the picture.
    stream, strict: as for `mien.ingest`. recursive: subfolders too. format, smooth, neutral, rules,
    confidence, summary: what becomes of the raw values (`workflows.outputs.OutputOptions`). faces:
    False keeps pictures of faces out of the report.

    Inputs are files, folders, patterns (`*.mp4`), numbered pictures (`frame_%04d.png`, fps their
    rate) and `-`, a video on standard input; lists: files that name more. exact: look for faces in
    the whole of every frame. start, end, every: seconds, of videos (`analysis.Selection`). jobs:
    inputs at a time, in processes of their own. person: only these, by their face_id.

    An input that cannot be read has no rows, and the others keep theirs; where none can be read,
    nothing is written. What is interrupted stays in OUT.part; resume: go on there, which gives the
    same table. Raises InputError where options do not fit together.
    """
    if report is not None:
        need("mien analyze --report", "plotly")
    elif not faces:
        say("--no-faces has no effect without --report")
    person = tuple(person)
    named = [Path(p) for p in ([inputs] if isinstance(inputs, str | Path) else inputs)]
    options = OutputOptions(format, smooth, neutral, rules, confidence, _path(summary))
    _check_ranges(fps, margin, min_face, stream, start, end, every, jobs)
    if crops:
        _check_crops(model, margin)
        _say_unused(
            say, fps=fps, min_face=min_face, stream=stream, strict=strict, start=start, end=end,
            every=every, exact=exact, person=person or None,
        )  # fmt: skip
    files, skipped = _files(named + [f for p in lists for f in listed(Path(p))], crops, recursive)
    outputs = _Outputs(_path(out), _path(overlay), _path(report))
    _check(outputs, options, files, crops)
    _check_goes_on(outputs, files, resume, jobs)
    check_name("detector", detector, DETECTORS)
    check_name("tracker", tracker, TRACKERS)
    request = Request(
        model, checkpoint, detector, tracker, margin, min_face, exact, fps,
        Selection(start, end, every), stream, strict, crops, person,
    )  # fmt: skip
    analyzer = request.analyzer()
    recogniser = analyzer.recogniser
    for line in remarks(recogniser, crops) if margin is None else ():
        say(line)
    provenance = Provenance() if recogniser is None else recogniser.provenance
    options.check(outputs.table, bool(provenance.calibrations))
    about = model_facts(model, recogniser) | {"analysis": {
        "crops": crops, "fps": fps, "start": start, "end": end, "every": every,
        "margin": analyzer.margin, "min_face": min_face, "detector": detector, "exact": exact,
        "tracker": tracker, "person": list(request.people), "stream": stream, "strict": strict,
    }}  # fmt: skip
    left_out = [(shown(path), why) for path, why in skipped]
    facts = request.facts(files, getattr(recogniser, "sha256", None))
    with raw_table(outputs.table, options, say) as raw:
        with _part(outputs.table, facts, resume, say) as part:
            work = Work(analyzer, request, part, say, outputs.overlay)
            done = analyze_inputs(work, files, jobs, progress)
            if any(entry.error is None for entry in done):
                assemble(part, done, header(recogniser.heads if recogniser else ()), raw)
        if all(entry.error is not None for entry in done):
            return Analysis(outputs.table, done, left_out)
        about |= _came_of(done, left_out)
        converted = finish(raw, outputs.table, options, about=about, provenance=provenance)
    if outputs.report:
        from mien.workflows.pages import write_analysis_page

        write_analysis_page(outputs.report, converted.table, about, faces)
    return Analysis(outputs.table, done, left_out, converted)


def _say_unused(say: Callable[[str], None], **options: object) -> None:
    """Say which options are given though crops make no use of them."""
    for name, value in options.items():
        if value not in (None, False):
            say(f"--{name.replace('_', '-')} has no effect with --crops")


@contextmanager
def _part(
    out: Path | None, facts: dict[str, Any], resume: bool, say: Callable[[str], None]
) -> Iterator[Part]:
    """Yield the folder of what is done so far, which stays where work breaks off."""
    if out is None:
        with (
            tempfile.TemporaryDirectory(prefix="mien-") as scratch,
            Part.opened(Path(scratch) / "part", facts, resume=False) as part,
        ):
            yield part
        return
    folder = out / "table.part" if out.is_dir() else out.with_name(f"{out.name}.part")
    with Part.opened(folder, facts, resume) as part:
        try:
            yield part
        except BaseException:
            say(f"{shown(folder)}: keeps what is done; the same command with --resume goes on")
            raise
        part.remove()


def _check_goes_on(outputs: "_Outputs", files: list[Path], resume: bool, jobs: int) -> None:
    if resume and outputs.table is None:
        raise InputError("--resume needs the table's name, beside which the work was kept")
    if STDIN in files and (resume or jobs > 1):
        raise InputError("-: what is piped in goes without --resume and without --jobs")
    if outputs.overlay is not None and jobs > 1:
        raise InputError("--overlay goes without --jobs: it is of one video")


def _came_of(done: list[InputSummary], left_out: list[tuple[str, str]]) -> dict[str, Any]:
    """What the JSON beside the table says of the inputs."""
    return {
        "inputs": [asdict(entry) for entry in done],
        "skipped": [{"input": name, "reason": why} for name, why in left_out],
    }


def _check_ranges(
    fps: float | None,
    margin: float | None,
    min_face: float | None,
    stream: int | None,
    start: float | None,
    end: float | None,
    every: float | None,
    jobs: int,
) -> None:
    for name, asked, value in (
        ("fps", ranges.FRAME_RATE, fps),
        ("margin", ranges.MARGIN, margin),
        ("min_face", ranges.FACE_SIZE, min_face),
        ("stream", ranges.STREAM, stream),
        ("start", ranges.TIME, start),
        ("end", ranges.TIME, end),
        ("every", ranges.STEP, every),
        ("jobs", ranges.JOBS, jobs),
    ):
        if value is not None:
            asked.check(name, value)
    if end is not None and end <= (start or 0.0):
        raise InputError(f"end {end:g}: give a time after the start, {start or 0.0:g} s")
    if every is not None and fps is not None:
        raise InputError("every and fps: give one of them")


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
    inputs = expanded(inputs)
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


def _check(outputs: _Outputs, options: OutputOptions, files: list[Path], crops: bool) -> None:
    """Raise InputError for outputs of wrong names or places, or that cannot hold the inputs."""
    options.check(outputs.table)
    if outputs.table is not None:
        options.check_inputs(outputs.table, len(files), lambda: any(map(_still, files)))
    wanted = (
        (outputs.table, None),
        (options.summary, None),
        (outputs.overlay, SUFFIXES),
        (outputs.report, (".html",)),
    )
    for path, suffixes in wanted:
        if path is None:
            continue
        if suffixes is not None and path.suffix.lower() not in suffixes:
            raise InputError(f"{path}: its name should end in {' or '.join(suffixes)}")
        if not path.parent.is_dir():
            raise InputError(f"{path}: the folder {path.parent} does not exist")
    check_apart(files, *(path for path, _ in wanted))
    if outputs.overlay is not None and (
        crops or len(files) != 1 or kind_of(files[0]) in ("image", "pages")
    ):
        raise InputError("--overlay takes exactly one video")


def _still(path: Path) -> bool:
    return kind_of(path) in ("image", "pages")
