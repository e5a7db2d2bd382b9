"""Show what the camera shows, while it runs: a page in the browser, on this machine alone.

example: mien live
         mien live talk.mp4 --model runs/first --out watched.csv

Open the link that is printed. Over the picture: a box per face with its expression; beside it
valence and arousal, Action Units and expressions of the person chosen; below, their traces. Record
writes the table of `mien analyze`, row by row, from then on. Pictures go from the browser to this
process and no further; nothing is kept but what is recorded. Ctrl-C stops it.
"""

import argparse
from pathlib import Path

from mien.cli.arguments import face_size, margin


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", nargs="?", type=Path, metavar="VIDEO", help="instead of a camera")
    parser.add_argument("--model", default="mien-base", metavar="RUN|FILE|NAME")
    parser.add_argument("--checkpoint", choices=("best", "last"), default="best", help="of a run")
    parser.add_argument("--out", type=Path, metavar="FILE.csv", help="for what is recorded")
    parser.add_argument("--margin", type=margin, help="room around a face's box (the model's)")
    parser.add_argument("--min-face", type=face_size, metavar="PX", help="look from this size")
    parser.add_argument("--detector", default="centerface")
    parser.add_argument("--tracker", default="iou")
    parser.add_argument("--port", type=int, help="to listen on (one that is free)")


def run(args: argparse.Namespace) -> int:
    from mien.workflows.live import live

    live(
        args.source, model=args.model, checkpoint=args.checkpoint, out=args.out,
        margin=args.margin, min_face=args.min_face, detector=args.detector, tracker=args.tracker,
        port=args.port, say=lambda line: print(line, flush=True),
    )  # fmt: skip
    return 0
