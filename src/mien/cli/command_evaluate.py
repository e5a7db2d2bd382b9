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
from typing import Any

from mien.cli.arguments import seed
from mien.cli.output import print_json, print_table, progress_bar


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", type=Path)
    parser.add_argument("--store", type=Path, help="the run's own where not given")
    parser.add_argument("--split", default="test", metavar="PART", help="train, val or test")
    parser.add_argument("--split-name", metavar="NAME", help="of the store's splits; its default")
    parser.add_argument(
        "--layers",
        type=lambda text: text.split(","),
        metavar="LAYER,...",
        help="of labels, in order of precedence; all where not given",
    )
    parser.add_argument("--seed", type=seed, default=0, help="of the generated faces")
    parser.add_argument(
        "--sweep",
        action="store_true",
        help="score every checkpoint; give each metric's best and its step, as the documents do",
    )
    parser.add_argument("--json", action="store_true")


def run(args: argparse.Namespace) -> int:
    from mien.workflows.evaluate import evaluate, sweep

    work = sweep if args.sweep else evaluate
    with progress_bar(f"{'sweep' if args.sweep else 'evaluate'} {args.split}") as progress:
        results = work(
            args.run, store=args.store, part=args.split, split=args.split_name, layers=args.layers,
            seed=args.seed, progress=progress,
        )  # fmt: skip
    if args.json:
        print_json(next(iter(results.values())) if len(results) == 1 else results)
        return 0
    for name, result in results.items():
        (_show_sweep if args.sweep else _show)(args, name, result)
    return 0


def _show(args: argparse.Namespace, name: str, result: dict[str, Any]) -> None:
    both = {kept: result[kept] for kept in ("last", "best")}
    seen = ""
    if "real_with_a_face" in result:
        seen = f", the detector finds one in {result['real_with_a_face']:.0%} of a sample"
    title = f"{args.run} on {name}: {result['faces']} faces{seen}; {result['definitions']}"
    columns = ["", *(f"{kept} (step {scores['step']})" for kept, scores in both.items())]
    rows = zip(*(_lines(scores) for scores in both.values()), strict=True)
    print_table(columns, [[pair[0][0], *(value for _, value in pair)] for pair in rows], title)


def _show_sweep(args: argparse.Namespace, name: str, result: dict[str, Any]) -> None:
    title = f"{args.run} on {name}: best of {len(result['checkpoints'])} checkpoints"
    rows = [
        [measure, best["value"], best["step"]]
        for measure, best in result["best"].items()
        if best["step"] is not None
    ]
    print_table(["", "best", "at step"], rows, title)


def _lines(scores: dict[str, Any]) -> list[tuple[str, float]]:
    """Name the figures of one checkpoint, in the order of the table."""
    from mien.labels.heads import HEADS
    from mien.metrics.heads import HEAD_SCORES

    lines = [
        line
        for name, head in HEADS.items()
        if name in scores
        for line in HEAD_SCORES[head.kind].lines(head.short, scores[name])
    ]
    if scores["fakes"]:
        lines += [
            ("real called real", scores["real_called_real"]),
            ("fake called fake", scores["fake_called_fake"]),
            ("fakes with a face in them", scores["fakes_with_a_face"]),
        ]
    return lines
