"""Train a recipe on the split `train` of a store.

example: mien train config1-32 --store faces --run runs/first --set steps=3000

A recipe is a name from `mien recipes` or a .toml file; --set changes any of its keys. Ctrl-C stops
after the step with a checkpoint; --resume goes on from the last one, to the same bits, and takes
recipe and store from the run where they are not given. It takes the processors that are idle, and
OMP_NUM_THREADS where that is set.
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from mien.cli.output import note, print_json, progress_bar
from mien.errors import InputError

if TYPE_CHECKING:
    from mien.runs.run import Run
    from mien.training.recipe import Recipe


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("recipe", nargs="?")
    parser.add_argument("--store", type=Path)
    parser.add_argument("--run", required=True, type=Path, metavar="DIR")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", dest="settings")
    parser.add_argument("--resume", action="store_true", help="go on where the run stopped")
    parser.add_argument("--json", action="store_true", help="print run.json at the end")


def run(args: argparse.Namespace) -> int:
    from mien.report.run_report import write_run_report
    from mien.runs.run import Run
    from mien.store import Store
    from mien.training.loop import train
    from mien.training.precision import computes_bfloat16
    from mien.training.threads import choose_threads

    target = Run(args.run)
    exists = target.info_file.exists()
    if exists and not args.resume:
        raise InputError(f"{args.run}: holds a run; --resume goes on with it, or name another")
    recipe = _recipe(args, target, exists)
    folder = args.store
    if folder is None and exists and not recipe.data.sources:
        folder = Path(target.info()["stores"][0])
    store = None if folder is None else Store.open(folder)
    if recipe.precision == "bfloat16" and not computes_bfloat16():
        note("this processor only emulates bfloat16, many times slower: --set precision=float32")
    kept = target.info().get("machine", {}).get("threads") if exists else None
    choose_threads(kept, note)
    with progress_bar(recipe.name) as progress:
        info = train(recipe, store, target, args.resume, progress, note)
    page = write_run_report(target)
    if args.json:
        print_json(info)
    best = info["best"]
    note(f"{args.run}: {target.last().step} steps" + (f", best at {best['step']}" if best else ""))
    note(f"Open {page}")
    return 0


def _recipe(args: argparse.Namespace, target: "Run", exists: bool) -> "Recipe":
    """Load the recipe asked for; a resumed run may differ from its own in length and logs only."""
    from mien.training.recipe import load_recipe

    own = str(target.recipe_file)
    if not exists:
        if args.recipe is None:
            raise InputError("name a recipe; `mien recipes` lists them")
        return load_recipe(args.recipe, args.settings)
    if args.recipe is None:
        asked = load_recipe(own, args.settings)
    else:
        asked = load_recipe(args.recipe, args.settings)
    free = {"steps", "log_every", "checkpoint_every", "keep_checkpoints"}
    was, now = load_recipe(own).model_dump(), asked.model_dump()
    changed = [key for key in was if key not in free and was[key] != now[key]]
    if changed:
        raise InputError(
            f"{args.run}: was started with another {', '.join(changed)}; a resumed run keeps its "
            "recipe, but for steps and logging: start a new run, or leave the recipe away"
        )
    return asked
