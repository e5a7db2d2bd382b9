"""Cut videos by a list: leave out ads, intros and outros, split by person or scene.

example: mien trim footage/ --cuts cuts.csv --out trimmed --fps 30 --labels video45.csv

The list has the columns video, start_s, end_s, and part and half where a video becomes several:

    video,start_s,end_s,part,half
    video1.mp4,0,4.5,,                  left out
    video45.mp4,10,42,video45_1,        a video of its own
    video55.mp4,,,video55_left,left     one half of the picture

A video without a row stays whole. Beside each new video is NAME.times.csv, the old frame and time
of every new frame. A CSV of --labels named as its video (video45.csv, video45.rater1.csv) with a
column of seconds or of frames becomes one for each part, its times and frames the part's.
"""

import argparse
from dataclasses import asdict
from pathlib import Path

from mien.cli.output import note, print_json, progress_bar


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("videos", nargs="+", type=Path, metavar="VIDEO|FOLDER")
    parser.add_argument("--cuts", type=Path, required=True, metavar="CUTS.csv")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    parser.add_argument("--fps", type=float, help="an even rate; the videos' own times otherwise")
    parser.add_argument("--labels", nargs="+", type=Path, default=[], metavar="CSV")
    parser.add_argument("--first-frame", type=int, choices=(0, 1), default=0, help="in them (0)")
    parser.add_argument("--json", action="store_true")


def run(args: argparse.Namespace) -> int:
    from mien.workflows.prepare import trim

    with progress_bar("trim") as progress:
        done = trim(
            args.videos, args.cuts, args.out, fps=args.fps, labels=args.labels,
            first_frame=args.first_frame, progress=progress,
        )  # fmt: skip
    for text in (*done.notes, *done.failed.values()):
        note(text)
    if args.json:
        print_json({"out": str(args.out), **asdict(done)})
    else:
        print(f"{len(done.made)} made, {done.kept} kept, {len(done.failed)} failed in {args.out}")
    return 0 if done.made or done.kept else 2
