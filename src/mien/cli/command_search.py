"""Train a recipe with several settings; say which does best on the part val.

example: mien search cnn-m-64 --store faces --out searches/rate \
             --grid batch_size=32,64,128 --grid method.recogniser.learning_rate=0.01,0.001
         mien search fine-tune --store faces --out searches/many --trials 20 \
             --range method.recogniser.learning_rate=1e-5:1e-2:log --grid method.mixup=0,0.2

--grid alone trains every combination; with --trials, so many are drawn, guided by what did well
(Optuna). A broken-off search goes on when it is run again. DIR/index.html has every setting's
score and curves, DIR/curves.png the curves as a picture, DIR/runs the trainings, DIR/search.db
Optuna's state.
"""

import argparse
from pathlib import Path

from mien.cli.arguments import positive, seed
from mien.cli.output import note, print_json, print_table, progress_bar


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("recipe")
    parser.add_argument("--store", type=Path)
    parser.add_argument("--out", required=True, type=Path, metavar="DIR")
    parser.add_argument("--grid", action="append", default=[], metavar="KEY=VALUE,VALUE")
    parser.add_argument("--range", action="append", default=[], metavar="KEY=LOW:HIGH[:log]")
    parser.add_argument("--trials", type=positive, help="how many settings to draw")
    parser.add_argument(
        "--by",
        default="headline",
        metavar="MEASURE",
        help="on val, as 'CCC valence', 'mean F1', 'F1 AU 12', 'expression accuracy'; headline; "
        "or 'training loss'",
    )
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", dest="settings")
    parser.add_argument("--seed", type=seed, default=0, help="of what is drawn")
    parser.add_argument("--json", action="store_true")


def run(args: argparse.Namespace) -> int:
    from mien.workflows.search import search
    from mien.workflows.search_study import parse_range, parse_values

    with progress_bar(f"search {args.recipe}") as progress:
        found = search(
            args.recipe, out=args.out, store=args.store,
            grid=dict(map(parse_values, args.grid)), ranges=dict(map(parse_range, args.range)),
            trials=args.trials, by=args.by, settings=args.settings, seed=args.seed,
            progress=progress, say=note,
        )  # fmt: skip
    if args.json:
        rows = [
            {"settings": dict(t.settings), "value": t.value, "training loss": t.loss,
             "diverged": t.diverged or None, "run": str(t.run), "best": t is found.best}
            for t in found.trials
        ]  # fmt: skip
        print_json({"measure": found.measure.name, "trials": rows})
        return 0
    keys = list(dict.fromkeys(key for trial in found.trials for key in trial.settings))
    table = [
        [*(t.settings.get(key, "") for key in keys), t.value, f"{t.loss:.4g}",
         "diverged" if t.diverged else "best" if t is found.best else ""]
        for t in found.trials
    ]  # fmt: skip
    print_table([*keys, found.measure.name, "last training loss", ""], table, str(args.out))
    if found.best is not None:
        words = " ".join(f"--set {key}={value}" for key, value in found.best.settings.items())
        note(f"best: {words} ({found.best.run})")
    note(f"Open {args.out / 'index.html'}")
    return 0
