"""Add videos to a store: decode with exact times, resample, detect, track, crop.

example: mien ingest talk.mp4 interview.mov --store faces

What the store already holds is skipped; what was interrupted is resumed. Frames without a face are
counted, not lost. One bad file does not stop the rest: it is listed, and the exit code is 2.
Videos are gone through side by side, one per core (--jobs); the store is the same as one by one.
Several such commands may ingest into one store, too. In the store the videos are
`videos/talk.mp4`, or `NAME/talk.mp4` with --corpus NAME.
"""

import argparse
from dataclasses import asdict
from pathlib import Path

from mien.cli.arguments import face_size, frame_rate, margin, pixel_size, positive, stream
from mien.cli.output import note, print_json, print_table, progress_bar


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("videos", nargs="+", type=Path, metavar="VIDEO", help="or a folder")
    parser.add_argument("--store", required=True, type=Path, help="made where it does not exist")
    parser.add_argument("--corpus", default="videos", metavar="NAME", help="of the videos (videos)")
    parser.add_argument("--size", type=pixel_size, help="side of the crops in pixels (96)")
    parser.add_argument("--fps", type=frame_rate, default=30.0, help="frame-rate grid (30)")
    parser.add_argument(
        "--margin", type=margin, default=0.05, help="room around a face's box, as a share (0.05)"
    )
    parser.add_argument(
        "--min-face",
        type=face_size,
        metavar="PX",
        help="look for faces from this size (1/30 of the shorter side, 24 at least)",
    )
    parser.add_argument("--stream", type=stream, help="number of the video stream (the main one)")
    parser.add_argument("--strict", action="store_true", help="refuse damaged files")
    parser.add_argument("--recursive", action="store_true", help="folders with their subfolders")
    parser.add_argument("--jobs", type=positive, help="videos at once (one per core)")
    parser.add_argument("--detector", default="centerface")
    parser.add_argument(
        "--tracker", default="iou", help="iou, people, or nearest-centre (au-va-thesis's rule)"
    )
    parser.add_argument("--json", action="store_true", help="print the summary as JSON")


def run(args: argparse.Namespace) -> int:
    from mien.workflows.ingest import ingest

    done = ingest(
        args.videos, store=args.store, size=args.size, corpus=args.corpus, fps=args.fps,
        margin=args.margin, min_face=args.min_face, detector=args.detector, tracker=args.tracker,
        stream=args.stream, strict=args.strict, recursive=args.recursive, jobs=args.jobs,
        progress=progress_bar,
    )  # fmt: skip
    for name, why in done.skipped:
        note(f"skipped: {name}: {why}")
    for video in done.videos:
        for line in video.notes:
            note(f"{video.input}: {line}")
    for reason in done.failed.values():
        note(f"error: {reason}")
    if args.json:
        videos = [asdict(video) for video in done.videos]
        failed = [{"input": name, "error": why} for name, why in done.failed.items()]
        skipped = [{"input": name, "reason": why} for name, why in done.skipped]
        print_json({"store": str(args.store), "videos": videos, "failed": failed,
                    "skipped": skipped})  # fmt: skip
    else:
        shown = ("input", "status", "decoded", "frames", "frames_with_face", "faces", "tracks",
                 "loss", "smallest_face")  # fmt: skip
        print_table(shown, [[getattr(row, name) for name in shown] for row in done.videos])
    return 2 if done.failed else 0
