"""Look for what makes results wrong: leaks, near-duplicates, impossible labels, noise.

example: mien check faces --out findings
         mien check faces --only leaks duplicates

leaks: a person or a video in two parts of the split. duplicates: nearly the same picture (PDQ
hashes of photographs and of one frame a second) in two parts, or under two names. impossible:
labels out of range. counts: a source that promises other faces than the table has. baselines: what
the usual label scores. noise: candidates for wrong labels.

Exit code 1 where an error is found, for CI; with --out, each finding has a CSV of its rows and a
picture of its faces.
"""

import argparse
from pathlib import Path

from mien.cli.output import print_json, print_table, progress_bar


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("store", type=Path)
    parser.add_argument("--only", nargs="+", default=[], metavar="CHECK")
    parser.add_argument("--split", metavar="NAME")
    parser.add_argument("--out", type=Path, metavar="DIR")
    parser.add_argument("--json", action="store_true")


def run(args: argparse.Namespace) -> int:
    from mien.curation.findings import ERROR
    from mien.workflows.check import check

    with progress_bar("check") as progress:
        found = check(
            args.store, checks=args.only, split=args.split, out=args.out, progress=progress
        )
    if args.json:
        told = [
            {"check": f.check, "level": f.level, "text": f.text, "count": f.count,
             "rows": f.rows.tolist(), "facts": f.facts}
            for f in found
        ]  # fmt: skip
        print_json({"store": str(args.store), "findings": told})
    else:
        print_table(("level", "check", "finding"), [(f.level, f.check, f.text) for f in found])
    return int(any(f.level == ERROR for f in found))
