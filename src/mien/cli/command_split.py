"""Split a store so that no person and no video is in two parts.

example: mien split faces --ratios 0.7,0.15,0.15 --seed 0

People who share a video stay together. Faces, active units and expressions come as near to the
ratios as whole people allow. --procedure stratified also balances the plane of valence and
arousal; --procedure thesis draws people at random until a part is full, repeats that and keeps the
draw whose units differ least (au-va-thesis, 3.1.4). --folds K makes K splits, fold0 and on. --list
KEY is a split that a document prints. The split is called `default`, and goes before the
`official` one that corpora bring; --name keeps several beside each other. --check changes nothing
and refuses, with the names, a split that shares a person or a video; --from FILE.csv (columns
subject or video, and split) takes over a split of yours, under the same condition.
"""

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mien.cli.arguments import seed
from mien.cli.output import note, print_json, print_table
from mien.errors import InputError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("store", type=Path)
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--ratios", default="0.7,0.15,0.15", help="train,val[,test] (0.7,0.15,0.15)")
    how.add_argument("--check", action="store_true", help="only check the split that is there")
    how.add_argument("--folds", type=int, metavar="K", help="K splits for cross-validation")
    how.add_argument("--list", metavar="KEY", help="au-va-thesis or benroumpi-2018")
    how.add_argument("--from", dest="given", type=Path, metavar="CSV", help="take over a split")
    parser.add_argument(
        "--procedure", default="greedy", metavar="NAME", help="greedy, stratified or thesis"
    )
    parser.add_argument("--name", help="of the split (default; with --check, the one that is used)")
    parser.add_argument("--seed", type=seed, default=0)
    parser.add_argument("--json", action="store_true")


def run(args: argparse.Namespace) -> int:
    from mien.store.store import DEFAULT
    from mien.workflows.split import check_split, gaps, split, split_folds

    if args.folds is not None:
        return _folds(args, split_folds(args.store, args.folds, seed=args.seed,
                                        name=args.name or "fold"))  # fmt: skip
    if args.check:
        parts = check_split(args.store, name=args.name)
    else:
        parts = split(
            args.store, ratios=_ratios(args.ratios), seed=args.seed, given=args.given,
            procedure=args.procedure, fixed_list=args.list, name=args.name or DEFAULT, say=note,
        )  # fmt: skip
    found = {name: asdict(part) for name, part in parts.items()}
    apart = gaps(args.store, name=args.name)
    if args.json:
        print_json(
            {"store": str(args.store), "seed": args.seed, "splits": found, "unit_gaps": apart}
        )
    else:
        rows = [[name, *row.values()] for name, row in found.items()]
        print_table(("split", "faces", "people", "share"), rows)
        if apart:
            print_table(("unit", "gap, points"), list(apart.items()))
    return 0


def _folds(args: argparse.Namespace, made: dict[str, Any]) -> int:
    if args.json:
        splits = {
            name: {part: asdict(of) for part, of in parts.items()} for name, parts in made.items()
        }
        print_json({"store": str(args.store), "seed": args.seed, "folds": splits})
        return 0
    rows = [
        (name, *(of.faces for of in parts.values()), sum(of.people for of in parts.values()))
        for name, parts in made.items()
    ]
    print_table(("split", *next(iter(made.values())), "people"), rows)
    return 0


def _ratios(text: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise InputError(f"--ratios {text}: give two or three numbers, as 0.7,0.15,0.15") from None
