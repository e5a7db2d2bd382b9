"""Say what videos hold: frame rate, constant or variable, duration, size, rotation, sound.

example: mien probe footage/ --png rates.png
         mien probe talk.mp4 --json

Videos are files and folders. Rates are counted from the frames' own times, not read from the
header. The second table counts videos near 30 frames per second and others, with their duration.
"""

import argparse
from dataclasses import asdict
from pathlib import Path

from mien.cli.output import note, print_json, print_table, progress_bar


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("videos", nargs="+", type=Path, metavar="VIDEO|FOLDER")
    parser.add_argument("--fps", type=float, default=30.0, help="what others are compared to (30)")
    parser.add_argument("--png", type=Path, metavar="FILE", help="histogram of the rates")
    parser.add_argument("--json", action="store_true")


def run(args: argparse.Namespace) -> int:
    from mien.media.probing import by_rate, histogram
    from mien.workflows.prepare import probe

    with progress_bar("probe") as progress:
        found, failed = probe(args.videos, progress)
    for why in failed.values():
        note(why)
    counts, parts = histogram(found), by_rate(found, args.fps)
    if args.png is not None:
        from mien.report.bars import draw_bars

        draw_bars(counts, args.png, "frames per second", "videos")
    if args.json:
        videos = [asdict(p) for p in found]
        print_json({"videos": videos, "histogram": counts, "by_rate": parts, "failed": failed})
        return 0
    rows = [
        (
            Path(p.path).name, p.frames, _seconds(p.duration_s), _rate(p.fps),
            {True: "constant", False: "variable", None: ""}[p.constant],
            f"{p.width} x {p.height}", f"{p.rotation}°" if p.rotation else "", p.codec,
            p.audio or "none",
        )
        for p in found
    ]  # fmt: skip
    columns = ("video", "frames", "duration", "fps", "rate", "size", "turned", "codec", "sound")
    print_table(columns, rows)
    of = [(name, part["videos"], _seconds(part["seconds"])) for name, part in parts.items()]
    print_table(("rate", "videos", "duration"), of)
    return 0 if found else 2


def _rate(fps: float | None) -> str:
    return "" if fps is None else f"{fps:.3f}".rstrip("0").rstrip(".")


def _seconds(seconds: float | None) -> str:
    if seconds is None:
        return ""
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(int(minutes), 60)
    return f"{hours}:{minutes:02d}:{rest:04.1f}"
