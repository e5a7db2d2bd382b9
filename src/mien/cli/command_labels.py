"""Add labels to faces that a store holds, in a layer of their own; list and order the layers.

example: mien labels add faces second-rater.csv --layer rater2
         mien labels add faces v1_valence.txt v1_arousal.txt --layer rater1 --format traces
         mien labels list faces
         mien labels order faces consensus rater2

The table names each face by a column image, or by video and time_s (or timestamp), or by video and
frame of the store's grid (and track, where a frame shows several people); corpus/ may be left away.
Its other columns are those of `mien import folder`. What another layer says stays; where two layers
speak of one face, the first in the order counts. Adding to a layer again replaces what it said of
these faces.

Raters' files are named by their videos (video89_valence.txt, valence/video89.txt; video55_left.txt:
the left of two people). traces: seconds and values of -1000 to 1000, interpolated to frames.
au-frames: the frame, then presence and intensity of each unit. au-ranges, expression-ranges: what
is shown, first and last frame.
"""

import argparse
from dataclasses import asdict
from pathlib import Path

from mien.cli.arguments import frame_rate, seed
from mien.cli.output import note, print_json, print_table

FORMATS = ("table", "traces", "au-frames", "au-ranges", "expression-ranges")

SHOWN = 20
"""Faces that fit nothing, listed by name."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(
        dest="action", required=True, metavar="ACTION", help="add, list or order"
    )
    add = actions.add_parser("add")
    add.add_argument("store", type=Path)
    add.add_argument("files", type=Path, nargs="+")
    add.add_argument("--layer", required=True, metavar="NAME")
    add.add_argument("--format", choices=FORMATS, default="table")
    add.add_argument("--au-threshold", type=float, default=0.5, help="as for `mien import folder`")
    add.add_argument("--au-scale", choices=("presence", "share", "facs"))
    add.add_argument("--ignore", action="append", default=[], metavar="COLUMN")
    _add_rated_arguments(add)
    listing = actions.add_parser("list")
    listing.add_argument("store", type=Path)
    order = actions.add_parser("order")
    order.add_argument("store", type=Path)
    order.add_argument("layers", nargs="+", metavar="LAYER", help="the first counts first")
    for action in (add, listing, order):
        action.add_argument("--json", action="store_true")


def _add_rated_arguments(add: argparse.ArgumentParser) -> None:
    rated = add.add_argument_group("raters' files")
    rated.add_argument("--fps", type=frame_rate, help="frames a second they count in (the store's)")
    rated.add_argument(
        "--first-frame", type=int, choices=(0, 1), help="what the first frame is called (1)"
    )
    rated.add_argument("--scale", type=float, default=1000.0, help="a trace's value for 1 (1000)")
    rated.add_argument(
        "--units", nargs="+", type=int, default=[], metavar="AU",
        help="of au-frames in their order (1 2 4 6 12 15 20 25); of ranges those looked for",
    )  # fmt: skip
    empty = rated.add_mutually_exclusive_group()
    empty.add_argument(
        "--keep-empty", type=int, nargs="?", metavar="N",
        help="faces that show no unit: all (as where nothing is said), or N of them at random",
    )  # fmt: skip
    empty.add_argument("--drop-empty", action="store_true", help="leave them unlabelled")
    rated.add_argument("--outside", metavar="EXPRESSION", help="of frames in no range (unlabelled)")
    rated.add_argument("--video", metavar="NAME", help="where the files' names do not say it")
    rated.add_argument("--track", type=int, help="which of several people in it")
    rated.add_argument("--seed", type=seed, default=0)


def run(args: argparse.Namespace) -> int:
    from mien.workflows.labels import order_layers

    if args.action == "add":
        return _add(args)
    if args.action == "order":
        order_layers(args.store, args.layers)
    return _list(args)


def _add(args: argparse.Namespace) -> int:
    from mien.corpora.rated import RatedOptions
    from mien.workflows.labels import add_labels

    rated = RatedOptions(
        rate=args.fps, first_frame=args.first_frame, scale=args.scale, units=tuple(args.units),
        keep_empty=0 if args.drop_empty else args.keep_empty, outside=args.outside,
        video=args.video, track=args.track, seed=args.seed,
    )  # fmt: skip
    found = add_labels(
        args.store, args.files, layer=args.layer, format=args.format,
        au_threshold=args.au_threshold, au_scale=args.au_scale, ignore=args.ignore, rated=rated,
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
        what = "rows" if args.format == "table" else "faces"
        print(f"{found.labelled} of {found.rows} {what} into layer {found.layer}; {heads}")
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
