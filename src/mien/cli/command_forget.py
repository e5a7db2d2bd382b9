"""Take a person out of a store for good: faces, labels, splits, logs, journals, and their pixels.

example: mien forget faces --subject wildfaces/017 --runs runs --verify

The person goes with all ids that subjects.csv says are theirs. --runs names the trainings that saw
them: what these learned stays until they are removed. --verify reads the store again and shows that
none of their pixels and none of their names is in any file. What is interrupted goes on when the
command is given again. Files that the store was made from are not touched: importing them again
would bring the person back.
"""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mien.cli.output import note, print_json
from mien.errors import InputError

if TYPE_CHECKING:
    from mien.store.forget import Forgotten


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("store", type=Path)
    parser.add_argument("--subject", required=True, metavar="ID", help="as in the store: corpus/id")
    parser.add_argument(
        "--runs", type=Path, metavar="DIR", help="name the runs in it that saw them"
    )
    parser.add_argument("--verify", action="store_true", help="look for what is left")
    parser.add_argument("--json", action="store_true")


def run(args: argparse.Namespace) -> int:
    from mien.store import Store
    from mien.store.forget import traces

    if args.runs and not args.runs.is_dir():
        raise InputError(f"{args.runs}: is no folder")
    store = Store.open(args.store)
    whom = store.forget(args.subject)
    result: dict[str, Any] = {
        "store": str(args.store),
        "subject": args.subject,
        "ids": whom.names,
        "faces": whom.faces,
    }
    if args.runs:
        result["runs"] = [str(folder) for folder in _runs_that_saw(args.runs, whom)]
    if args.verify:
        result["traces"] = traces(store, whom)
    if args.json:
        print_json(result)
    else:
        print(f"{whom.faces} faces of {', '.join(whom.names)} are gone from {args.store}")
        for folder in result.get("runs", ()):
            print(f"{folder}: was trained on them")
        if args.verify and not result["traces"]:
            print("verified: none of their pixels and names is in any file")
    for trace in result.get("traces", ()):
        note(f"left: {trace}")
    return 2 if result.get("traces") else 0


def _runs_that_saw(folder: Path, whom: "Forgotten") -> list[Path]:
    """Runs whose run.json names the person among those trained on."""
    found = []
    for path in sorted(folder.rglob("run.json")):
        try:
            trained = json.loads(path.read_text("utf-8"))["data"]["subject"]
            if set(whom.names) & set(trained):
                found.append(path.parent)
        except (OSError, ValueError, LookupError, TypeError) as error:
            note(f"{path}: does not say whom the run was trained on ({error!r})")
    return found
