"""Draw labelled pictures that any GAN should manage: digits, or landscapes in four weathers.

example: mien toys landscapes --out landscapes --count 2000

Writes PNGs and labels.csv for `mien import folder`, labelled 0 to 9, or cloudy, rain, shine and
sunrise. The vanilla GAN of au-va-thesis draws digits (figure 3.20), its categorical one any
classes, and kolbenschlag-2020 tells collapse on landscapes from collapse on faces.
"""

import argparse
from pathlib import Path

from mien.cli.arguments import seed
from mien.cli.output import note


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("kind", choices=("digits", "landscapes"))
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=seed, default=0)


def run(args: argparse.Namespace) -> int:
    from mien.workflows.toys import toys

    toys(args.kind, args.out, count=args.count, seed=args.seed)
    note(f"{args.out}: {args.count} {args.kind}; next: mien import folder {args.out} --store STORE")
    return 0
