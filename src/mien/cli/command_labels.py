"""Add labels to faces that a store holds, in a layer of their own; list and order the layers.

example: mien labels add faces second-rater.csv --layer rater2
         mien labels list faces
         mien labels order faces consensus rater2

The table names each face by a column image, or by video and time_s (or timestamp), or by video and
frame of the store's grid (and track, where a frame shows several people); corpus/ may be left away.
Its other columns are those of `mien import folder`. What another layer says stays; where two layers
speak of one face, the first in the order counts. Adding to a layer again replaces what it said of
these faces.
"""

import argparse
from dataclasses import asdict
from pathlib import Path

from mien.cli.output import note, print_json, print_table

SHOWN = 20
"""Faces that fit nothing, listed by name."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(
        dest="action", required=True, metavar="ACTION", help="add, list or order"
    )
    add = actions.add_parser("add")
    add.add_argument("store", type=Path)
    add.add_argument("table", type=Path)
    add.add_argument("--layer", required=True, metavar="NAME")
    add.add_argument("--au-threshold", type=float, default=0.5, help="as for `mien import folder`")
    add.add_argument("--au-scale", choices=("presence", "share", "facs"))
    add.add_argument("--ignore", action="append", default=[], metavar="COLUMN")
    listing = actions.add_parser("list")
    listing.add_argument("store", type=Path)
    order = actions.add_parser("order")
    order.add_argument("store", type=Path)
    order.add_argument("layers", nargs="+", metavar="LAYER", help="the first counts first")
    for action in (add, listing, order):
        action.add_argument("--json", action="store_true")


def run(args: argparse.Namespace) -> int:
    from mien.workflows.labels import order_layers

    if args.action == "add":
        return _add(args)
    if args.action == "order":
        order_layers(args.store, args.layers)
    return _list(args)


def _add(args: argparse.Namespace) -> int:
    from mien.workflows.labels import add_labels

    found = add_labels(
        args.store, args.table, layer=args.layer, au_threshold=args.au_threshold,
        au_scale=args.au_scale, ignore=args.ignore,
    )  # fmt: skip
    for line in found.notes:
        note(line)
    for name in found.unmatched[:SHOWN]:
        note(f"fits no face, or several: {name}")
    if len(found.unmatched) > SHOWN:
        note(f"... and {len(found.unmatched) - SHOWN} more")
    if args.json:
        print_json({"store": str(args.store), **asdict(found)})
    else:
        heads = "; ".join(f"{name}: {' '.join(outputs)}" for name, outputs in found.heads.items())
        print(f"{found.labelled} of {found.rows} rows into layer {found.layer}; {heads}")
    return 0


def _list(args: argparse.Namespace) -> int:
    from mien.workflows.labels import list_layers

    found = list_layers(args.store)
    if args.json:
        print_json({"store": str(args.store), "layers": found})
    else:
        rows = [
            [layer, of["faces"], ", ".join(f"{n} ({len(o)})" for n, o in of["heads"].items())]
            for layer, of in found.items()
        ]
        print_table(("layer", "faces", "labels"), rows, "the first counts first")
    return 0
