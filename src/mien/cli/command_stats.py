"""Count what a store holds: faces per part, and every head's labels.

example: mien stats faces --json
"""

import argparse
from pathlib import Path
from typing import Any

from mien.cli.output import print_json, print_table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("store", type=Path)
    parser.add_argument("--split", metavar="NAME", help="split to count by (default, or official)")
    parser.add_argument("--json", action="store_true")


def run(args: argparse.Namespace) -> int:
    from mien.labels.heads import HEADS
    from mien.labels.kinds import KINDS
    from mien.workflows.stats import stats

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
