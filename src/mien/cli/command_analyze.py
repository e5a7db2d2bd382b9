"""Say what the faces in videos, photographs and folders show, frame by frame.

example: mien analyze talk.mp4 --model runs/first --out talk.csv --overlay talk-seen.mp4 \\
             --report talk.html
         mien analyze talk.mp4 --model model.onnx --out talk.csv
         mien analyze --crops faces/ --model runs/first --out faces.csv

One row per face per frame, and one for a frame without a face (success 0). Columns: input, frame,
timestamp, face_id, success, confidence, x0, y0, x1, y1; then what the model predicts: valence,
arousal; per unit AU01_p (probability) and AU01_c (presence), or AU01_r (intensity, 0 to 5);
expression, and one probability for each. Cells are empty where the model never learned what they
would say; without --model there are boxes only. Frames are the file's own; --fps resamples. --crops
takes images that are faces already, one row each.

--model: a run, a model file (`mien export model` makes .onnx, which needs no torch) or the name of
weights that come with mien. Faces are cut as the model's training pictures were; where it does not
know how that was, --margin says it.
"""

import argparse
import csv
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from mien.cli.arguments import frame_rate, margin
from mien.cli.output import note, print_json, progress_bar
from mien.errors import InputError

if TYPE_CHECKING:
    from mien.analysis.analyze import AnalyzedFrame, Analyzer

Summary = dict[str, Any]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("inputs", nargs="*", type=Path, metavar="INPUT")
    parser.add_argument("--crops", type=Path, metavar="DIR", help="images that are faces already")
    parser.add_argument("--model", metavar="RUN|FILE|NAME")
    parser.add_argument("--checkpoint", choices=("best", "last"), default="best", help="of a run")
    parser.add_argument("--out", required=True, type=Path, metavar="FILE.csv")
    parser.add_argument("--overlay", type=Path, metavar="FILE.mp4", help="for one video")
    parser.add_argument("--report", type=Path, metavar="FILE.html")
    parser.add_argument("--fps", type=frame_rate, help="resample videos to this rate")
    parser.add_argument(
        "--margin", type=margin, help="room around a face's box (the model's, or 0.05)"
    )
    parser.add_argument("--detector", default="centerface")
    parser.add_argument("--tracker", default="iou")
    parser.add_argument("--json", action="store_true", help="print a summary as JSON")


def run(args: argparse.Namespace) -> int:
    from mien.analysis.table import header
    from mien.atomic import replacing
    from mien.media.images import is_image

    files = _files(args)
    analyzer = _analyzer(args)
    columns = header(analyzer.recogniser.heads if analyzer.recogniser else ())
    summary: list[Summary] = []
    with replacing(args.out) as temporary:
        with temporary.open("w", newline="", encoding="utf-8") as out:
            csv.writer(out).writerow(columns)
            for still, group in groupby(files, key=is_image):
                work = _photographs if still else _videos
                summary += work(args, analyzer, list(group), len(columns), out)
        failed = [entry for entry in summary if "error" in entry]
        if len(failed) == len(summary):
            temporary.unlink()
    if args.report and len(failed) < len(summary):
        from mien.report.analysis_report import write_report

        write_report(args.report, args.out)
    rows = sum(entry["rows"] for entry in summary)
    if args.json:
        print_json({"out": str(args.out), "rows": rows, "inputs": summary, "failed": len(failed)})
    else:
        print(f"{args.out}: {rows} rows from {len(summary) - len(failed)} of {len(summary)} inputs")
    return 2 if failed else 0


def _files(args: argparse.Namespace) -> list[Path]:
    """List the inputs; raises InputError where they and the outputs do not fit together."""
    from mien.analysis.analyze import expand
    from mien.media.images import images_in, is_image

    _check_outputs(args)
    if args.crops is not None:
        if args.inputs or args.overlay:
            raise InputError("--crops goes without other inputs and without --overlay")
        if not args.crops.is_dir():
            raise InputError(f"{args.crops}: is not a folder")
        if args.model is None:
            raise InputError("--crops needs --model: there is nothing else to say of a crop")
        if args.margin is not None:
            raise InputError("--margin goes without --crops: nothing is cut")
        files = images_in(args.crops)
        if not files:
            raise InputError(f"{args.crops}: holds no image")
        return files
    if not args.inputs:
        raise InputError("name at least one video, photograph or folder, or --crops DIR")
    files = expand(args.inputs)
    taken = {path.resolve() for path in files}
    for path in (args.out, args.overlay, args.report):
        if path is not None and path.resolve() in taken:
            raise InputError(f"{path}: is an input, and would be overwritten")
    if args.overlay is not None and (len(files) != 1 or is_image(files[0])):
        raise InputError("--overlay takes exactly one video")
    return files


def _check_outputs(args: argparse.Namespace) -> None:
    """Raise InputError for an output of the wrong name or in a folder that does not exist."""
    for path, suffixes in (
        (args.out, (".csv",)),
        (args.overlay, (".mp4", ".mov", ".mkv")),
        (args.report, (".html",)),
    ):
        if path is None:
            continue
        if path.suffix.lower() not in suffixes:
            raise InputError(f"{path}: its name should end in {' or '.join(suffixes)}")
        if not path.parent.is_dir():
            raise InputError(f"{path}: the folder {path.parent} does not exist")


def _analyzer(args: argparse.Namespace) -> "Analyzer":
    from mien.analysis.analyze import Analyzer, remarks
    from mien.cli.arguments import check_name
    from mien.faces import DETECTORS, TRACKERS
    from mien.workflows.models import load_recogniser

    check_name("detector", args.detector, DETECTORS)
    check_name("tracker", args.tracker, TRACKERS)
    recogniser = None
    if args.model is not None:
        recogniser = load_recogniser(args.model, args.checkpoint)
    analyzer = Analyzer(recogniser, args.detector, args.tracker, args.margin)
    for line in remarks(recogniser, args.crops is not None) if args.margin is None else ():
        note(line)
    return analyzer


def _videos(
    args: argparse.Namespace, analyzer: "Analyzer", paths: list[Path], width: int, out: TextIO
) -> list[Summary]:
    from mien.analysis.analyze import frames_of

    summaries = []
    for path in paths:
        with progress_bar(path.name) as progress, _guarded(path, out) as (part, summary):
            total, rate = _expected(args, path)
            frames = analyzer.analyze(frames_of(path, args.fps))
            with _overlay(args, rate or 30.0) as draw:
                for analyzed in frames:
                    _add(part, summary, analyzed, width)
                    draw(analyzed)
                    progress(summary["frames"], total, f"{summary['rows']} rows")
        summaries.append(summary)
    return summaries


def _photographs(
    args: argparse.Namespace, analyzer: "Analyzer", paths: list[Path], width: int, out: TextIO
) -> list[Summary]:
    from mien.analysis.analyze import frames_of

    summaries = []
    with progress_bar("photographs") as progress:
        for path in paths:
            with _guarded(path, out) as (part, summary):
                if args.crops is not None:
                    _add(part, summary, analyzer.analyze_crop(path), width)
                else:
                    for analyzed in analyzer.analyze(frames_of(path)):
                        _add(part, summary, analyzed, width)
            summaries.append(summary)
            progress(len(summaries), len(paths))
    return summaries


@contextmanager
def _guarded(path: Path, out: TextIO) -> Iterator[tuple[TextIO, Summary]]:
    """Yield a file for one input's rows and its summary.

    The rows are added to `out` when all are there, or none of them: then the summary has `error`.
    """
    summary: Summary = {"input": str(path), "frames": 0, "frames_with_face": 0, "rows": 0}
    with tempfile.TemporaryFile("w+", newline="", encoding="utf-8") as part:
        try:
            yield part, summary
        except InputError as error:
            note(f"error: {error}")
            summary.update(frames=0, frames_with_face=0, rows=0, error=str(error))
            return
        part.seek(0)
        shutil.copyfileobj(part, out)


def _add(part: TextIO, summary: Summary, analyzed: "AnalyzedFrame", width: int) -> None:
    from mien.analysis.table import rows

    lines = list(rows(summary["input"], analyzed, width))
    csv.writer(part).writerows(lines)
    summary["rows"] += len(lines)
    summary["frames"] += 1
    summary["frames_with_face"] += len(analyzed.found) > 0


@contextmanager
def _overlay(args: argparse.Namespace, rate: float) -> "Iterator[Callable[[AnalyzedFrame], None]]":
    """Yield what draws a frame into the overlay video, which is whole at the end or not there."""
    from mien.analysis.overlay import draw
    from mien.atomic import replacing
    from mien.media.encode import VideoWriter

    if args.overlay is None:
        yield lambda analyzed: None
        return
    with replacing(args.overlay) as temporary, VideoWriter(temporary, rate) as video:
        yield lambda analyzed: video.write(draw(analyzed), analyzed.source.time_s or 0.0)


def _expected(args: argparse.Namespace, path: Path) -> tuple[float | None, float | None]:
    """Number of frames to come and their rate, where the file says so."""
    from mien.media.decode import probe

    info = probe(path)
    rate = args.fps or info.frame_rate
    if args.fps is None and info.declared_frames:
        return info.declared_frames, rate
    return (info.duration_s * rate if info.duration_s and rate else None), rate
