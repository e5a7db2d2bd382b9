"""Train a recipe on the part `train` of a store.

example: mien train config1-32 --store faces --run runs/first --set steps=3000

A recipe is a name from `mien recipes` or a .toml file; --set changes any of its keys. Ctrl-C stops
after the step with a checkpoint; --resume goes on from the last one, to the same bits, and takes
recipe and store from the run where they are not given. It takes the processors that are idle, and
OMP_NUM_THREADS where that is set.
"""

import argparse
from pathlib import Path

from mien.cli.output import note, print_json, progress_bar


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("recipe", nargs="?")
    parser.add_argument("--store", type=Path)
    parser.add_argument("--run", required=True, type=Path, metavar="DIR")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", dest="settings")
    parser.add_argument("--resume", action="store_true", help="go on where the run stopped")
    parser.add_argument("--json", action="store_true", help="print run.json at the end")


def run(args: argparse.Namespace) -> int:
    from mien.workflows.report import write_report
    from mien.workflows.train import train

    with progress_bar(args.recipe or args.run.name) as progress:
        target = train(
            args.recipe, run=args.run, store=args.store, settings=args.settings,
            resume=args.resume, progress=progress, say=note,
        )  # fmt: skip
    page = write_report(target.folder)
    info = target.info()
    if args.json:
        print_json(info)
    best = info["best"]
    note(f"{args.run}: {target.last().step} steps" + (f", best at {best['step']}" if best else ""))
    note(f"Open {page}")
    return 0
