"""Say what the faces in videos, photographs and folders show, frame by frame.

example: mien analyze talk.mp4 --model runs/first --out talk.csv --overlay talk-seen.mp4 \\
             --report talk.html
         mien analyze talk.mp4 --out talk.csv
         mien analyze 'day*/*.mp4' --every 0.2s --jobs 4 --out days.csv --resume
         ffmpeg -i rtsp://camera -f matroska - | mien analyze - --out live.csv
         mien analyze --crops faces/ --model runs/first --out faces.csv

One row per face per frame, and one for a frame without a face (success 0). Columns: input, frame,
timestamp, face_id, success, confidence, status (face, no face, too small, turned away), x0, y0, x1,
y1; then what the model predicts: valence, arousal; per unit AU01_p (probability) and AU01_c
(presence), or AU01_r (intensity, 0 to 5); expression, and one probability for each. Cells are empty
where the model never learned what they would say; with --model none there are boxes only. Frames
are the file's own; --fps resamples. Timestamps count from the first frame; --json says when the
file's own clock has that. Boxes are in the file's own pixels, upright. --crops takes images that
are faces already, one row each. Damaged parts of a video are skipped and said; --strict refuses
instead.

--out: CSV or Parquet; .eaf (ELAN), .TextGrid (Praat) and .vtt (subtitles) hold stretches of time,
and --format openface or pyfeat the columns of those. A folder gets a file per input. Values are
raw; --smooth, --neutral auto and --rules change or add some (docs/analysis-outputs.md). Beside each
table lies NAME.json: model and its SHA-256, options, what was skipped and why. `mien export table`
does all this to a table afterwards.

Inputs: videos, photographs, folders, patterns, lists (--list), numbered pictures (frame_%04d.png)
and -, a video on standard input. Faces that are known are followed in small windows, and the whole
frame is looked at now and then; --exact looks at all of every frame. FILE.part holds what is done
until all is, so that --resume can go on after any end.

--model: none for boxes alone; otherwise a run, a model file (`mien export model` makes .onnx, which
needs no torch) or the name of weights that come with mien. Faces are cut as the model's training
pictures were; where it does not know how that was, --margin says it.
"""

import argparse
from dataclasses import asdict
from pathlib import Path

from mien.cli.arguments import (
    add_output_arguments,
    face_size,
    frame_rate,
    jobs,
    margin,
    moment,
    person,
    step,
    stream,
)
from mien.cli.output import note, print_json, progress_bar
from mien.errors import InputError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("inputs", nargs="*", type=Path, metavar="INPUT")
    parser.add_argument("--crops", type=Path, metavar="DIR", help="images that are faces already")
    parser.add_argument(
        "--list",
        type=Path,
        metavar="FILE",
        action="append",
        default=[],
        help="names inputs, one a line",
    )
    parser.add_argument(
        "--model", metavar="RUN|FILE|NAME|none", default="mien-base", help="(mien-base)"
    )
    parser.add_argument("--checkpoint", choices=("best", "last"), default="best", help="of a run")
    parser.add_argument("--out", required=True, type=Path, metavar="FILE|DIR")
    add_output_arguments(parser)
    parser.add_argument("--confidence", action="store_true", help="where the model is calibrated")
    parser.add_argument("--overlay", type=Path, metavar="FILE.mp4|FILE.webm", help="for one video")
    parser.add_argument("--report", type=Path, metavar="FILE.html")
    parser.add_argument("--no-faces", action="store_true", help="a report without pictures")
    parser.add_argument("--fps", type=frame_rate, help="resample videos to this rate")
    parser.add_argument("--every", type=step, metavar="TIME", help="one frame in so long (0.2s)")
    parser.add_argument("--start", type=moment, metavar="TIME", help="of videos (90, 1:30)")
    parser.add_argument("--end", type=moment, metavar="TIME", help="of videos")
    parser.add_argument("--jobs", type=jobs, default=1, help="inputs at a time (1)")
    parser.add_argument("--resume", action="store_true", help="go on where it was broken off")
    parser.add_argument(
        "--exact", action="store_true", help="look for faces in the whole of every frame (slower)"
    )
    parser.add_argument(
        "--margin", type=margin, help="room around a face's box (the model's, or 0.05)"
    )
    parser.add_argument(
        "--min-face",
        type=face_size,
        metavar="PX",
        help="look for faces from this size (1/30 of the shorter side, 24 at least)",
    )
    parser.add_argument("--detector", default="centerface")
    parser.add_argument("--tracker", default="people")
    parser.add_argument(
        "--person",
        type=person,
        action="append",
        default=[],
        metavar="N",
        help="only the person of this face_id; may be given again",
    )
    parser.add_argument("--stream", type=stream, help="number of the video stream (the main one)")
    parser.add_argument("--strict", action="store_true", help="refuse damaged videos")
    parser.add_argument("--recursive", action="store_true", help="folders with their subfolders")
    parser.add_argument("--json", action="store_true", help="print a summary as JSON")


def run(args: argparse.Namespace) -> int:
    from mien.media.names import shown
    from mien.workflows.analyze import analyze

    if args.crops is not None and (args.inputs or args.list or args.overlay):
        raise InputError("--crops goes without other inputs and without --overlay")
    done = analyze(
        args.inputs if args.crops is None else [args.crops],
        out=args.out, model=None if args.model == "none" else args.model,
        checkpoint=args.checkpoint, crops=args.crops is not None,
        overlay=args.overlay, report=args.report, fps=args.fps, margin=args.margin,
        min_face=args.min_face, detector=args.detector, tracker=args.tracker, stream=args.stream,
        strict=args.strict, recursive=args.recursive, lists=args.list, start=args.start,
        end=args.end, every=args.every, jobs=args.jobs, resume=args.resume, exact=args.exact,
        person=args.person, format=args.format, smooth=args.smooth,
        neutral=args.neutral, rules=args.rules, confidence=args.confidence, summary=args.summary,
        faces=not args.no_faces, progress=progress_bar, say=note,
    )  # fmt: skip
    for name, why in done.skipped:
        note(f"skipped: {name}: {why}")
    rows = sum(entry.rows for entry in done.inputs)
    read = len(done.inputs) - len(done.failed)
    written = shown(args.out) if read else None
    if not read:
        stays = "; the older file of this name stays" if args.out.exists() else ""
        note(f"{shown(args.out)}: was not written, no input could be read{stays}")
    if args.json:
        inputs = [asdict(entry) for entry in done.inputs]
        skipped = [{"input": name, "reason": why} for name, why in done.skipped]
        print_json({"out": written, "rows": rows, "inputs": inputs,
                    "skipped": skipped, "failed": len(done.failed)})  # fmt: skip
    elif read:
        print(f"{shown(args.out)}: {rows} rows from {read} of {len(done.inputs)} inputs")
    return 2 if done.failed else 0
