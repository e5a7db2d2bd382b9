"""Train a small network on a few faces alone: if it cannot learn them by heart, data are torn.

example: mien selftest faces

The usability test of benroumpi-2018 (section 4.3), a minute of a processor at most. Learned:
nothing is torn, no more; what a face shows is learned in fewer steps than the same labels shuffled
among the faces, or in as many where there are few.
Exit code 1 where a head is not learned.
"""

import argparse
from dataclasses import asdict
from pathlib import Path

from mien.cli.arguments import positive, seed
from mien.cli.output import print_json, print_table, progress_bar


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("store", type=Path)
    parser.add_argument("--faces", type=positive, default=64, help="how many (64)")
    parser.add_argument("--steps", type=positive, default=1500, help="at most (1500)")
    parser.add_argument("--seed", type=seed, default=0)
    parser.add_argument("--json", action="store_true")


def run(args: argparse.Namespace) -> int:
    from mien.workflows.selftest import selftest

    with progress_bar("selftest") as progress:
        found = selftest(
            args.store, faces=args.faces, steps=args.steps, seed=args.seed, progress=progress
        )
    if args.json:
        print_json({"store": str(args.store), **asdict(found)})
        return int(not found.learned)
    rows = [[head, f"{score:.3f}"] for head, score in found.scores.items()]
    print_table(("head", "right, or CCC"), rows, f"{found.faces} faces by heart")
    if found.learned:
        other = f"{found.steps_shuffled} steps" if found.steps_shuffled else "not in the time given"
        print(f"learned in {found.steps} steps; the same labels shuffled: {other}")
    else:
        ids = ", ".join(map(str, found.stuck)) or "none"
        print(f"not learned in {found.steps_made} steps; faces it could not learn (face_id): {ids}")
    return int(not found.learned)
