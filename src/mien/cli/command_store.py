"""Make a store of what others hold.

example: mien store merge first second --out both
         mien store select faces --out women --people corpus/p03 corpus/p07
         mien store filter faces --out good --quality 0.3 --side 48 --labelled valence_arousal

merge: all faces of several stores, which may share no corpus. select: faces by name. filter: faces
by value, and by consent. Labels of all layers, splits and the lines of subjects.csv go along; the
stores themselves stay as they are.
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from mien.cli.output import print_json, progress_bar

if TYPE_CHECKING:
    from mien.curation.copying import Wanted


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(
        dest="action", required=True, metavar="ACTION", help="merge, select or filter"
    )
    merge = actions.add_parser("merge")
    merge.add_argument("stores", nargs="+", type=Path, metavar="STORE")
    select, chosen = actions.add_parser("select"), actions.add_parser("filter")
    select.add_argument("store", type=Path)
    select.add_argument("--people", nargs="+", default=[], metavar="NAME")
    select.add_argument("--without-people", nargs="+", default=[], metavar="NAME")
    select.add_argument("--videos", nargs="+", default=[], metavar="NAME")
    select.add_argument("--corpora", nargs="+", default=[], metavar="NAME")
    select.add_argument("--part", help="train, val or test")
    select.add_argument("--split", metavar="NAME")
    chosen.add_argument("store", type=Path)
    chosen.add_argument("--quality", type=float, help="at least, 0 to 1")
    chosen.add_argument("--confidence", type=float, help="of the detector, at least, 0 to 1")
    chosen.add_argument("--side", type=float, help="of the face's box in pixels, at least")
    chosen.add_argument("--labelled", nargs="+", default=[], metavar="HEAD")
    chosen.add_argument(
        "--consent", nargs="+", default=[], choices=("research", "publication"),
        help="leave out who refused it",
    )  # fmt: skip
    for action in (merge, select, chosen):
        action.add_argument("--out", required=True, type=Path, metavar="STORE")
        action.add_argument("--json", action="store_true")


def run(args: argparse.Namespace) -> int:
    from mien.workflows.stores import merge_stores, select_store

    with progress_bar(args.action) as progress:
        if args.action == "merge":
            faces = merge_stores(args.stores, args.out, progress=progress)
        else:
            faces = select_store(args.store, args.out, _wanted(args), progress=progress)
    if args.json:
        print_json({"out": str(args.out), "faces": faces})
    else:
        print(f"{args.out}: {faces} faces")
    return 0


def _wanted(args: argparse.Namespace) -> "Wanted":
    from mien.curation.copying import Wanted

    if args.action == "select":
        return Wanted(
            people=args.people, without_people=args.without_people, videos=args.videos,
            corpora=args.corpora, part=args.part, split=args.split,
        )  # fmt: skip
    return Wanted(
        quality=args.quality, confidence=args.confidence, side=args.side, labelled=args.labelled,
        consent=args.consent,
    )  # fmt: skip
