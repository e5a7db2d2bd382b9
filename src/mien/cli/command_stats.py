"""Count what a store holds: faces per part, and every head's labels.

example: mien stats faces --json
         mien stats faces --html statistics.html

The page has the documents' tables (by collection batch, part, sex and stage), distributions of
labels, each unit in the plane of valence and arousal, videos beside their labels, faces, and what
to collect next. It shows faces: of people who said no to publication (subjects.csv), none.
"""

import argparse
from pathlib import Path
from typing import Any

from mien.cli.arguments import positive
from mien.cli.output import print_json, print_table, progress_bar
from mien.errors import InputError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("store", type=Path)
    parser.add_argument("--split", metavar="NAME", help="split to count by (default, or official)")
    parser.add_argument("--html", type=Path, metavar="PAGE", help="write the page of statistics")
    parser.add_argument(
        "--batches", type=Path, metavar="CSV", help="video and batch; else each corpus is a batch"
    )
    parser.add_argument("--videos", type=positive, default=6, help="graphs on the page (6)")
    parser.add_argument("--json", action="store_true")


def run(args: argparse.Namespace) -> int:
    from mien.labels.heads import HEADS
    from mien.labels.kinds import KINDS
    from mien.workflows.stats import stats

    if args.html is not None:
        return _write_page(args)
    if args.batches is not None:
        raise InputError("--batches: is for the page; name it with --html")
    found = stats(args.store, split=args.split)
    if args.json:
        print_json(found)
        return 0
    parts = {**found["parts"], "all": found["all"]}
    counts = [[n, p["faces"], p["people"], p["videos"]] for n, p in parts.items()]
    print_table(("part", "faces", "people", "videos"), counts, f"{args.store}, {found['size']} px")
    for head in found["all"]["labels"]:
        each = {name: part["labels"][head] for name, part in parts.items()}
        if KINDS[HEADS[head].kind].counted:
            rows = [[o, *(_count(p[o]) for p in each.values())] for o in each["all"]]
            print_table((head, *each), rows, HEADS[head].title)
        else:
            _print_quantiles(head, HEADS[head].title, each)
    return 0


def _write_page(args: argparse.Namespace) -> int:
    from mien.workflows.stats import write_statistics

    with progress_bar("stats") as progress:
        page = write_statistics(
            args.store, args.html, split=args.split, batches=args.batches, videos=args.videos,
            progress=progress,
        )  # fmt: skip
    if args.json:
        print_json({"store": str(args.store), "page": str(page)})
    else:
        print(page)
    return 0


def _print_quantiles(head: str, title: str, parts: dict[str, Any]) -> None:
    rows = [
        [f"{output} of {part}", o["labelled"], o["mean"], *o["quantiles"].values()]
        for output in parts["all"]
        for part, o in ((part, p[output]) for part, p in parts.items())
    ]
    quantiles = next(iter(parts["all"].values()))["quantiles"]
    print_table((head, "labelled", "mean", *quantiles), rows, title)


def _count(found: int | dict[str, int]) -> int | str:
    """Faces with a name; faces that show a unit, of those that are labelled with it."""
    if isinstance(found, int):
        return found
    return f"{found['present']} of {found['present'] + found['absent']}"
