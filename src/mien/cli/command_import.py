"""Import a corpus into a store.

example: mien import folder wildfaces --store faces --labels "silver: MediaPipe blendshapes"

folder: photographs of faces and a CSV with the columns image, subject, split, video, expression,
valence, arousal, AU1 ... AU46, all but the first optional. Pictures that are no faces may have a
column class, of any names, instead of expression. Empty cells stay unlabelled. The CSV is checked
whole first: a wrong cell or a missing image is named with its line and nothing is added.
"""

import argparse
from dataclasses import asdict
from pathlib import Path

from mien.cli.arguments import frame_rate, pixel_size, threshold
from mien.cli.output import note, print_json, progress_bar


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("corpus", help="folder or actors")
    parser.add_argument("path", type=Path)
    parser.add_argument("--store", required=True, type=Path, help="made where it does not exist")
    parser.add_argument("--size", type=pixel_size, help="side of the crops in pixels (96)")
    parser.add_argument(
        "--au-threshold",
        type=threshold,
        default=0.5,
        help="a real-valued unit at or above it is present; the intensity is kept too (0.5)",
    )
    parser.add_argument(
        "--au-scale",
        choices=("presence", "share", "facs"),
        help="of the units' values: 0 or 1, 0 to 1, or 0 to 5 (told from the file, and said)",
    )
    parser.add_argument("--labels", default="", help="a word on where the labels come from")
    parser.add_argument("--csv", help="name of the CSV in the folder (labels.csv)")
    parser.add_argument(
        "--ignore", action="append", default=[], metavar="COLUMN", help="may hold * and ?"
    )
    parser.add_argument(
        "--skip-missing", action="store_true", help="leave out rows whose image does not exist"
    )
    parser.add_argument(
        "--follow-links", action="store_true", help="images may be links to files elsewhere"
    )
    parser.add_argument(
        "--fps", type=frame_rate, default=30.0, help="actors: frame grid, at most as filmed (30)"
    )
    parser.add_argument(
        "--through-pipeline",
        action="store_true",
        help="actors: detect, track and crop as in any video (they know no other way)",
    )
    parser.add_argument("--json", action="store_true", help="print the summary as JSON")


def run(args: argparse.Namespace) -> int:
    from mien.cli.arguments import check_name
    from mien.corpora import CORPORA
    from mien.corpora.imported import ImportOptions
    from mien.store import Store
    from mien.store.splits import shared_between_splits

    check_name("corpus", args.corpus, CORPORA)
    options = ImportOptions(
        args.au_threshold,
        args.labels,
        args.skip_missing,
        tuple(args.ignore),
        args.csv,
        args.follow_links,
        args.fps,
        args.au_scale,
    )
    existed = (args.store / "store.json").exists()
    store = Store.open_or_create(args.store, args.size)
    try:
        with store.writing(), progress_bar(f"import {args.corpus}") as progress:
            summary = CORPORA[args.corpus](args.path, store, options, progress)
    except BaseException:
        if not existed:
            store.discard_if_empty()
        raise
    for line in summary.notes:
        note(line)
    for file, reason in summary.failed.items():
        note(f"left out: {reason if file in reason else f'{file}: {reason}'}")
    if summary.missing:
        note(f"left out: {len(summary.missing)} rows whose image does not exist")
    if summary.ignored_columns:
        note(f"columns not kept: {', '.join(_shortened(summary.ignored_columns))}")
    names = [store.names(column) for column in ("split", "subject", "video")]
    if shared := shared_between_splits(*names):
        note(f"warning: the split is not subject-independent ({len(shared)}: {shared[0]}, ...)")
    if args.json:
        print_json({"store": str(args.store), **asdict(summary)})
    else:
        units = f", units {' '.join(summary.aus)}" if summary.aus else ""
        print(f"{summary.faces} of {summary.rows} faces in {summary.seconds:.1f} s{units}")
    return 2 if summary.failed else 0


def _shortened(names: list[str], shown: int = 6) -> list[str]:
    more = len(names) - shown
    return names if more <= 0 else [*names[:shown], f"and {more} more"]
