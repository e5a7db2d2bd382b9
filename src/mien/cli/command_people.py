"""List the people of a store; say which of them may be one person.

example: mien people faces
         mien people faces --suggest appearance

--suggest compares faces, which identifies people: it happens when you ask, in memory, and nothing
of it is kept. `appearance` is weak and needs nothing; `dlib` is a network for this (pip install
dlib-bin face_recognition_models). People who are in one frame together are never suggested. What
is right you say in `mien review`, or in the store's subjects.csv.
"""

import argparse
import dataclasses
from pathlib import Path

from mien.cli.output import note, print_json, print_table, progress_bar


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("store", type=Path)
    parser.add_argument("--suggest", metavar="appearance|dlib", help="who may be one person")
    parser.add_argument("--json", action="store_true")


def run(args: argparse.Namespace) -> int:
    from mien.workflows.people import people

    with progress_bar("people") as progress:
        found = people(args.store, suggest=args.suggest, progress=progress)
    if args.json:
        print_json(dataclasses.asdict(found))
        return 0
    columns = ("person", "ids", "sex", "faces", "videos", "tracks")
    rows = [(p.name, len(p.ids), p.sex or "–", p.faces, p.videos, p.tracks) for p in found.people]
    print_table(columns, rows, str(args.store))
    if args.suggest:
        pairs = [(pair.first, pair.second, pair.likeness) for pair in found.pairs]
        print_table(("may be", "the same as", "likeness"), pairs, f"suggestions ({found.note})")
        note("nothing of this is kept; `mien review` merges people")
    return 0
