"""Score a run's last and best checkpoint on a whole split.

example: mien evaluate runs/first --split val --json

For every head: per-unit precision, recall, F1, accuracy and their means; CCC, MSE and RMSE of
valence and arousal; expression accuracy, macro and weighted F1, confusion matrix (row = label); and
the shares of real faces called real, of generated ones called fake, and of generated ones in which
the face detector finds a face (beside how many real ones it finds). Null where nothing is labelled.
The result is kept in the run's evaluation.json. --sweep scores every checkpoint that the run kept
(--set keep_checkpoints=1000 while training); those of an earlier sweep stay.
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mien.cli.arguments import seed
from mien.cli.output import print_json, print_table, progress_bar

if TYPE_CHECKING:
    from mien.runs.run import Run
    from mien.store import Store


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", type=Path)
    parser.add_argument("--store", type=Path, help="the run's own where not given")
    parser.add_argument("--split", default="test")
    parser.add_argument("--seed", type=seed, default=0, help="of the generated faces")
    parser.add_argument(
        "--sweep",
        action="store_true",
        help="score every checkpoint; give each metric's best and its step, as the documents do",
    )
    parser.add_argument("--json", action="store_true")


def run(args: argparse.Namespace) -> int:
    from mien.evaluation.evaluate import evaluate
    from mien.runs.run import Run
    from mien.store import Store

    target = Run.open(args.run)
    store = Store.open(args.store or Path(target.info()["store"]))
    if args.sweep:
        return _sweep(args, target, store)
    with progress_bar(f"evaluate {args.split}") as progress:
        result = evaluate(target, store, args.split, args.seed, progress)
    if args.json:
        print_json(result)
        return 0
    both = {name: result[name] for name in ("last", "best")}
    title = (
        f"{args.run} on {args.split}: {result['faces']} faces, the detector finds one "
        f"in {result['real_with_a_face']:.0%} of a sample; {result['definitions']}"
    )
    columns = ["", *(f"{name} (step {scores['step']})" for name, scores in both.items())]
    rows = zip(*(_lines(scores) for scores in both.values()), strict=True)
    print_table(columns, [[pair[0][0], *(value for _, value in pair)] for pair in rows], title)
    return 0


def _sweep(args: argparse.Namespace, target: "Run", store: "Store") -> int:
    from mien.evaluation.sweep import sweep

    with progress_bar(f"sweep {args.split}") as progress:
        result = sweep(target, store, args.split, args.seed, progress)
    if args.json:
        print_json(result)
        return 0
    title = f"{args.run} on {args.split}: best of {len(result['checkpoints'])} checkpoints"
    rows = [
        [name, best["value"], best["step"]]
        for name, best in result["best"].items()
        if best["step"] is not None
    ]
    print_table(["", "best", "at step"], rows, title)
    return 0


def _lines(scores: dict[str, Any]) -> list[tuple[str, float]]:
    """Name the figures of one checkpoint, in the order of the table."""
    lines = [
        (f"{name} {metric.upper()}", scores[name][metric])
        for name in ("valence", "arousal")
        for metric in ("ccc", "mse", "rmse")
    ]
    lines += [(f"{unit} F1", row["f1"]) for unit, row in scores["au"]["units"].items()]
    lines += [
        ("AU mean F1", scores["au"]["mean_f1"]),
        ("AU weighted F1", scores["au"]["weighted_f1"]),
        ("AU mean accuracy", scores["au"]["mean_accuracy"]),
        ("AU mean of the two", scores["au"]["mean"]),
        ("expression accuracy", scores["expression"]["accuracy"]),
        ("expression macro F1", scores["expression"]["macro_f1"]),
        ("expression weighted F1", scores["expression"]["weighted_f1"]),
        ("real called real", scores["real_called_real"]),
        ("fake called fake", scores["fake_called_fake"]),
        ("fakes with a face in them", scores["fakes_with_a_face"]),
    ]
    return lines
