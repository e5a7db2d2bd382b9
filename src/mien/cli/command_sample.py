"""Generate faces, and say what the discriminator sees in each.

example: mien sample runs/first --count 64 --out grid.png

Writes the grid and, beside it, grid.csv: one row per face, in the order of the grid.
"""

import argparse
from pathlib import Path

from mien.cli.arguments import positive, seed
from mien.cli.output import print_json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", type=Path)
    parser.add_argument("--count", type=positive, default=64)
    parser.add_argument("--out", required=True, type=Path, help="a picture: .png, .jpg, ...")
    parser.add_argument("--seed", type=seed, default=0)
    parser.add_argument("--checkpoint", choices=("last", "best"), default="last")
    parser.add_argument("--json", action="store_true")


def run(args: argparse.Namespace) -> int:
    from mien.workflows.sample import sample

    made = sample(
        args.run, count=args.count, seed=args.seed, checkpoint=args.checkpoint, out=args.out
    )
    table = args.out.with_suffix(".csv")
    if args.json:
        print_json({"grid": str(args.out), "predictions": str(table), "step": made.step})
    else:
        print(f"{args.out} and {table}: {args.count} faces of step {made.step}")
    return 0
