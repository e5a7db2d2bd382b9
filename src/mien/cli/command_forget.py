"""Take a person out of a store for good: faces, labels, splits, logs, journals, and their pixels.

example: mien forget faces --subject wildfaces/017 --runs runs --verify

The person goes with all ids that subjects.csv says are theirs. --runs names the trainings that saw
them: what these learned stays until they are removed. --verify reads the store again and shows that
none of their pixels and none of their names is in any file. What is interrupted goes on when the
command is given again. Files that the store was made from are not touched: importing them again
would bring the person back.
"""

import argparse
from dataclasses import asdict
from pathlib import Path

from mien.cli.output import note, print_json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("store", type=Path)
    parser.add_argument("--subject", required=True, metavar="ID", help="as in the store: corpus/id")
    parser.add_argument(
        "--runs", type=Path, metavar="DIR", help="name the runs in it that saw them"
    )
    parser.add_argument("--verify", action="store_true", help="look for what is left")
    parser.add_argument("--json", action="store_true")


def run(args: argparse.Namespace) -> int:
    from mien.workflows.forget import forget

    done = forget(args.store, args.subject, runs=args.runs, verify=args.verify, say=note)
    if args.json:
        print_json({"store": str(args.store), "subject": args.subject, **asdict(done)})
    else:
        print(f"{done.faces} faces of {', '.join(done.ids)} are gone from {args.store}")
        for folder in done.runs or ():
            print(f"{folder}: was trained on them")
        if done.traces == []:
            print("verified: none of their pixels and names is in any file")
    for trace in done.traces or ():
        note(f"left: {trace}")
    return 2 if done.traces else 0
