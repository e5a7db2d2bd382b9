"""Fit LDA, SVM or LSTM per Action Unit on the features of a frozen network, in one table.

example: mien baseline mien-base --store faces --out baselines
         mien baseline runs/first --store faces --out baselines --with svm --split val

The network's last layer is left away and nothing of it is trained. Classifiers are fitted on the
part train and scored on --split. DIR/KIND.safetensors holds the arrays, DIR/baseline.json the
scores. A unit that all or none of the training faces show is left out, and said.
"""

import argparse
from pathlib import Path

from mien.cli.arguments import positive, seed
from mien.cli.output import note, print_json, print_table, progress_bar


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", help="a run, a .safetensors file, or weights that come with mien")
    parser.add_argument("--store", required=True, type=Path)
    parser.add_argument("--out", required=True, type=Path, metavar="DIR")
    parser.add_argument(
        "--with",
        dest="kinds",
        type=lambda text: tuple(text.split(",")),
        default=("lda", "svm", "lstm"),
        metavar="KIND,...",
        help="lda, svm, lstm (all)",
    )
    parser.add_argument("--split", default="test", metavar="PART", help="train, val or test")
    parser.add_argument("--split-name", metavar="NAME", help="of the store's splits; its default")
    parser.add_argument("--lstm-steps", type=positive, default=1000, help="of each unit's LSTM")
    parser.add_argument("--lstm-rate", type=float, default=1e-4, help="its learning rate (0.0001)")
    parser.add_argument("--seed", type=seed, default=0)
    parser.add_argument("--json", action="store_true")


def run(args: argparse.Namespace) -> int:
    from mien.workflows.baseline import baseline

    with progress_bar("baseline") as progress:
        found = baseline(
            args.model, store=args.store, out=args.out, kinds=args.kinds, part=args.split,
            split=args.split_name, steps=args.lstm_steps, rate=args.lstm_rate, seed=args.seed,
            progress=progress, say=note,
        )  # fmt: skip
    if args.json:
        print_json(vars(found))
        return 0
    rows = [
        [unit, *(scores["outputs"][unit]["f1"] for scores in found.scores.values())]
        for unit in found.units
    ]
    for title, key in (("mean F1", "mean_f1"), ("mean accuracy", "mean_accuracy")):
        rows.append([title, *(scores[key] for scores in found.scores.values())])
    title = f"F1 on {found.part}, {found.faces} faces, features of {found.model}"
    print_table(["", *found.scores], rows, title)
    return 0
