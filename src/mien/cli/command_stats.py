"""Count what a store holds: faces per split, person, Action Unit, expression; VA quantiles.

example: mien stats faces --json
"""

import argparse
from pathlib import Path

from mien.cli.output import print_json, print_table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("store", type=Path)
    parser.add_argument("--json", action="store_true")


def run(args: argparse.Namespace) -> int:
    from mien.store import Store
    from mien.store.statistics import statistics

    found = statistics(Store.open(args.store))
    if args.json:
        print_json(found)
        return 0
    parts = {**found["splits"], "all": found["all"]}
    counts = [[n, p["faces"], p["people"], p["videos"]] for n, p in parts.items()]
    print_table(("split", "faces", "people", "videos"), counts, f"{args.store}, {found['size']} px")
    units = [
        [au, *(f"{p['au'][au]['present']} of {_labelled(p['au'][au])}" for p in parts.values())]
        for au in found["all"]["au"]
    ]
    print_table(("unit present", *parts), units)
    names = [
        [name, *(p["expression"][name] for p in parts.values())]
        for name in found["all"]["expression"]
    ]
    print_table(("expression", *parts), names)
    continuous = [
        [f"{name} of {part}", p[name]["labelled"], p[name]["mean"], *p[name]["quantiles"].values()]
        for name in ("valence", "arousal")
        for part, p in parts.items()
    ]
    print_table(("", "labelled", "mean", *found["all"]["valence"]["quantiles"]), continuous)
    return 0


def _labelled(unit: dict[str, int]) -> int:
    return unit["present"] + unit["absent"]
