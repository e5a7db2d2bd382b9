"""Bring videos to one frame rate, as MP4, with the exact time map kept.

example: mien standardise footage/ --out standard --fps 30

OUT/NAME.mp4 shows at every k / fps the frame that is on screen then; sound goes along.
OUT/NAME.times.csv has, for every new frame, the old one and its time. What is there is kept:
a broken-off run goes on.
"""

import argparse
from dataclasses import asdict
from pathlib import Path

from mien.cli.output import note, print_json, progress_bar


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("videos", nargs="+", type=Path, metavar="VIDEO|FOLDER")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    parser.add_argument("--fps", type=float, default=30.0, help="frames per second (30)")
    parser.add_argument("--json", action="store_true")


def run(args: argparse.Namespace) -> int:
    from mien.workflows.prepare import standardise

    with progress_bar("standardise") as progress:
        done = standardise(args.videos, args.out, fps=args.fps, progress=progress)
    for text in (*done.notes, *done.failed.values()):
        note(text)
    if args.json:
        print_json({"out": str(args.out), **asdict(done)})
    else:
        print(f"{len(done.made)} made, {done.kept} kept, {len(done.failed)} failed in {args.out}")
    return 0 if done.made or done.kept else 2
