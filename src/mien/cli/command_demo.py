"""Go the whole way on actors: film, ingest, split, train, evaluate, sample, analyse, report.

example: mien demo --out demo
         mien demo --quick

Everything is made on this machine: people who do not exist are filmed, found by the real detector,
and split by person; a GAN whose discriminator recognises affect is trained on them for a few
minutes; an actor it has never seen is analysed beside the truth. Training starts from weights that
come with mien and learnt from other actors (--from-scratch: from random ones). Every step is a
command of its own and is shown. --quick takes fewer people and steps. The network has seen actors
only: on photographs of real people it is no better than always saying neutral.
"""

import argparse
import time
from pathlib import Path

from mien.cli.arguments import positive
from mien.cli.output import note, progress_bar


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", type=Path, default=Path("demo"), metavar="DIR")
    parser.add_argument(
        "--quick", action="store_true", help="about a minute instead of three to six"
    )
    parser.add_argument(
        "--from-scratch", action="store_true", help="do not start from mien's weights"
    )
    parser.add_argument("--workers", type=positive, default=2, help="processes that film (2)")


def run(args: argparse.Namespace) -> int:
    from mien.workflows.demo import demo

    started = time.monotonic()
    page = demo(
        args.out, quick=args.quick, from_scratch=args.from_scratch, workers=args.workers,
        progress=progress_bar, say=note,
    )  # fmt: skip
    note(f"done in {time.monotonic() - started:.0f} s. Open {page}")
    print(page)
    print("This network has learnt from actors only: it is no recogniser of real people, on whose")
    print("photographs it does no better than always saying 'neutral' (docs/actors.md).")
    print("For real people: `mien analyze VIDEO --model mien-base --out faces.csv`, or label faces")
    print("of your own (`mien import folder PATH --store STORE`) and train on them.")
    return 0
