"""Split a store so that no person and no video is in two parts.

example: mien split faces --ratios 0.7,0.15,0.15 --seed 0

People who share a video stay together. Faces, active units and expressions come as near to the
ratios as whole people allow. The split is called `default`, and goes before the `official` one that
corpora bring; --name keeps several beside each other. --check changes nothing and refuses, with the
names, a split that shares a person or a video; --from FILE.csv (columns subject or video, and
split) takes over a split of yours, under the same condition.
"""

import argparse
from dataclasses import asdict
from pathlib import Path

from mien.cli.arguments import seed
from mien.cli.output import note, print_json, print_table
from mien.errors import InputError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("store", type=Path)
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--ratios", default="0.7,0.15,0.15", help="train,val[,test] (0.7,0.15,0.15)")
    how.add_argument("--check", action="store_true", help="only check the split that is there")
    how.add_argument("--from", dest="given", type=Path, metavar="CSV", help="take over a split")
    parser.add_argument("--name", help="of the split (default; with --check, the one that is used)")
    parser.add_argument("--seed", type=seed, default=0)
    parser.add_argument("--json", action="store_true")


def run(args: argparse.Namespace) -> int:
    from mien.store.store import DEFAULT
    from mien.workflows.split import check_split, split

    if args.check:
        parts = check_split(args.store, name=args.name)
    else:
        parts = split(
            args.store, ratios=_ratios(args.ratios), seed=args.seed, given=args.given,
            name=args.name or DEFAULT, say=note,
        )  # fmt: skip
    found = {name: asdict(part) for name, part in parts.items()}
    if args.json:
        print_json({"store": str(args.store), "seed": args.seed, "splits": found})
    else:
        rows = [[name, *row.values()] for name, row in found.items()]
        print_table(("split", "faces", "people", "share"), rows)
    return 0


def _ratios(text: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise InputError(f"--ratios {text}: give two or three numbers, as 0.7,0.15,0.15") from None
