"""Download what a list names: videos by their links, pictures by their URLs.

example: mien download videos links.txt --out videos --rate 2
         mien download images emotionet.xlsx --out pictures

videos: a link to a line, and behind it, if wanted, the name of the file. The best quality that
yt-dlp finds; cookies are used only where a file of them is given.

images: a list of URLs, a CSV or an Excel sheet; a URL (or a URL and the original one) in front of
any labels. JPEG and PNG are kept as they come, other formats become PNG; a name follows from the
URL and is nobody else's.

What failed is in DIR/ledger.jsonl with its reason. Run again, a download goes on: what is there and
what failed for good is left alone. Only public addresses are reached, after redirects too.
"""

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mien.cli.output import note, print_json, print_table, progress_bar


def add_arguments(parser: argparse.ArgumentParser) -> None:
    kinds = parser.add_subparsers(dest="kind", required=True, metavar="KIND", help="videos, images")
    videos, images = kinds.add_parser("videos"), kinds.add_parser("images")
    videos.add_argument("list", type=Path, metavar="LINKS.txt")
    videos.add_argument("--rate", type=float, metavar="MIB", help="mebibytes a second at most")
    videos.add_argument("--longest", type=float, metavar="S", help="leave longer videos out")
    videos.add_argument("--cookies", type=Path, metavar="FILE", help="in Netscape's format")
    images.add_argument("list", type=Path, metavar="TABLE")
    images.add_argument("--jobs", type=int, default=16, help="pictures at once (16)")
    images.add_argument("--per-host", type=int, default=2, help="of them to one host (2)")
    images.add_argument("--interval", type=float, default=0.2, help="seconds between two (0.2)")
    images.add_argument("--seconds", type=float, default=60.0, help="for one picture (60)")
    images.add_argument("--mebibytes", type=float, default=32.0, help="of one picture (32)")
    images.add_argument("--retries", type=int, default=2, help="after what may pass (2)")
    for kind in (videos, images):
        kind.add_argument("--out", type=Path, required=True, metavar="DIR")
        kind.add_argument("--again", action="store_true", help="try those that failed, too")
        kind.add_argument(
            "--allow-address", action="append", default=[], metavar="HOST:PORT",
            help="a server of one's own that is not public",
        )  # fmt: skip
        kind.add_argument("--json", action="store_true")


def run(args: argparse.Namespace) -> int:
    from mien.workflows.download import download_images, download_videos

    common: dict[str, Any] = {"again": args.again, "allow": args.allow_address, "say": note}
    with progress_bar(f"download {args.kind}") as progress:
        if args.kind == "videos":
            found = download_videos(
                args.list, args.out, rate=args.rate, longest=args.longest, cookies=args.cookies,
                progress=progress, **common,
            )  # fmt: skip
        else:
            found = download_images(
                args.list, args.out, jobs=args.jobs, per_host=args.per_host,
                interval=args.interval, seconds=args.seconds, mebibytes=args.mebibytes,
                retries=args.retries, progress=progress, **common,
            )  # fmt: skip
    if args.json:
        print_json({"out": str(args.out), **asdict(found)})
        return 0
    title = f"{found.wanted} wanted, {found.fetched} new in {args.out}"
    print_table(("outcome", args.kind), [list(item) for item in found.counts.items()], title)
    return 0
