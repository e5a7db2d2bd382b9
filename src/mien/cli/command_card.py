"""Write the data card of a store: what it holds, how it came about, what it is not good for.

example: mien card faces --out CARD.md

Motivation, composition, collection, consent, labelling, agreement, splits, licence and limits, as
far as the store knows, in blocks between marks. Write around the blocks: run again, the command
fills them anew and keeps every other word. A block that was changed by hand is refused.
"""

import argparse
from pathlib import Path

from mien.cli.output import print_json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("store", type=Path)
    parser.add_argument("--out", type=Path, required=True, metavar="CARD.md")
    parser.add_argument("--split", metavar="NAME", help="split to tell of (default, or official)")
    parser.add_argument(
        "--batches", type=Path, metavar="CSV", help="video and batch; else each corpus is a batch"
    )
    parser.add_argument("--json", action="store_true")


def run(args: argparse.Namespace) -> int:
    from mien.workflows.card import card

    written = card(args.store, args.out, split=args.split, batches=args.batches)
    if args.json:
        print_json({"store": str(args.store), "card": str(written)})
    else:
        print(written)
    return 0
