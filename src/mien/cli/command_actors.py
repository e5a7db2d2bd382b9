"""Film people who do not exist, with exact ground truth in every frame.

example: mien actors --out cast --people 24 --videos-per-person 2 --seconds 12 --seed 0

Writes MP4 files, truth.parquet (one row per person per frame: box, Action Units 0 to 5, valence,
arousal, expression, head pose, whether something covers the face), the ratings of simulated
annotators and contact-sheet.png. The same seed gives the same videos. What is there whole is kept,
so that an interrupted run goes on when it is run again. `mien import actors` takes it
into a store.
"""

import argparse
from pathlib import Path

from mien.cli.arguments import frame_rate, positive, seed
from mien.cli.output import print_json, progress_bar
from mien.errors import InputError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", required=True, type=Path, metavar="DIR")
    parser.add_argument("--people", type=positive, default=24)
    parser.add_argument("--videos-per-person", type=positive, default=2)
    parser.add_argument("--seconds", type=float, default=12.0)
    parser.add_argument("--seed", type=seed, default=0)
    parser.add_argument(
        "--size", metavar="WxH", help="of all videos; 240p to 1080p where not given"
    )
    parser.add_argument("--fps", type=frame_rate, help="of all videos; 15 to 50 where not given")
    parser.add_argument("--raters", type=positive, default=4, help="simulated annotators (4)")
    parser.add_argument("--workers", type=positive, default=1)
    parser.add_argument("--json", action="store_true")


def run(args: argparse.Namespace) -> int:
    from mien.workflows.film import film

    size = None if args.size is None else parse_size(args.size)
    with progress_bar("actors") as progress:
        rows = film(
            args.out, people=args.people, videos_per_person=args.videos_per_person,
            seconds=args.seconds, seed=args.seed, size=size, fps=args.fps, raters=args.raters,
            workers=args.workers, progress=progress,
        )  # fmt: skip
    videos = args.people * args.videos_per_person
    if args.json:
        found = {"out": str(args.out), "videos": videos, "people": args.people, "rows": rows}
        print_json(found)
    else:
        print(f"{args.out}: {videos} videos of {args.people} people, {rows} rows of truth")
    return 0


def parse_size(text: str) -> tuple[int, int]:
    """Width and height from `640x360`; raises InputError for what no video can be."""
    try:
        width, height = (int(part) for part in text.lower().split("x"))
    except ValueError:
        raise InputError(f"--size {text}: give width and height, as 640x360") from None
    return width, height
