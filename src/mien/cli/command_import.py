"""Import a corpus into a store.

example: mien import folder wildfaces --store faces --labels "silver: MediaPipe blendshapes"
         mien import actors cast --store faces --fps 6

folder: photographs of faces and a CSV with the columns image, subject, split, video, expression,
valence, arousal, AU1 ... AU58, all but the first optional. Pictures that are no faces may have a
column class, of any names, instead of expression. Empty cells stay unlabelled. The CSV is checked
whole first: a wrong cell or a missing image is named with its line and nothing is added.
actors: the films of `mien actors`, detected, tracked and cropped as any video, with their truth.
emotionet: EmotioNet's annotated list (URLs and 60 units; 999 is missing) and a folder of what
`mien download images` could fetch of it; --units 11 keeps the annotated units alone.

`mien import folder --help` lists the options of each. A corpus has its folder's name, or that of
--corpus: in the store its people are `name/person`, its labels the layer `name`, and its split
part of the split `official`. Importing it again replaces it.
"""

import argparse
from dataclasses import asdict
from pathlib import Path

from mien.cli.arguments import pixel_size
from mien.cli.output import note, print_json, progress_bar
from mien.errors import check_name


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("kind", help="folder, actors, ferplus, emotionet, ...")
    parser.add_argument(
        "arguments",
        nargs=argparse.REMAINDER,
        metavar="PATH --store STORE ...",
        help="`mien import KIND --help` describes them",
    )


def parser_of(kind: str) -> argparse.ArgumentParser:
    """The arguments of one kind of corpus."""
    from mien.cli.main import Parser
    from mien.corpora import CORPORA

    parser = Parser(prog=f"mien import {kind}")
    parser.add_argument("path", type=Path)
    parser.add_argument("--store", required=True, type=Path, help="made where it does not exist")
    parser.add_argument(
        "--corpus", dest="corpus_name", metavar="NAME", help="in the store (the folder's name)"
    )
    parser.add_argument("--size", type=pixel_size, help="side of the crops in pixels (96)")
    parser.add_argument("--labels", default="", help="a word on where the labels come from")
    parser.add_argument("--json", action="store_true", help="print the summary as JSON")
    CORPORA[kind].add_arguments(parser)
    return parser


def run(args: argparse.Namespace) -> int:
    from mien.corpora import CORPORA
    from mien.workflows.import_corpus import import_corpus

    kind = args.kind
    check_name("corpus kind", kind, CORPORA)
    args = parser_of(kind).parse_args(args.arguments)
    own = ("path", "store", "corpus_name", "size", "labels", "json")
    options = {name: value for name, value in vars(args).items() if name not in own}
    with progress_bar(f"import {kind}") as progress:
        summary = import_corpus(
            kind, args.path, store=args.store, size=args.size, corpus=args.corpus_name,
            labels=args.labels, progress=progress, **options,
        )  # fmt: skip
    for line in summary.notes:
        note(line)
    for file, reason in summary.failed.items():
        note(f"left out: {reason if file in reason else f'{file}: {reason}'}")
    if summary.missing:
        note(f"left out: {len(summary.missing)} rows whose image does not exist")
    if summary.ignored_columns:
        note(f"columns not kept: {', '.join(_shortened(summary.ignored_columns))}")
    _warn_of_shared(args.store)
    if args.json:
        print_json({"store": str(args.store), **asdict(summary)})
    else:
        heads = "; ".join(f"{name}: {' '.join(found)}" for name, found in summary.heads.items())
        print(f"{summary.faces} of {summary.rows} faces in {summary.seconds:.1f} s; {heads}")
    return 2 if summary.failed else 0


def _warn_of_shared(folder: Path) -> None:
    from mien.store import Store
    from mien.store.commit import OFFICIAL
    from mien.store.splits import shared_between_splits

    store = Store.open(folder)
    if OFFICIAL not in store.splits:
        return
    split = store.split(OFFICIAL)
    if shared := shared_between_splits(split, store.codes("subject"), store.codes("video")):
        note(f"warning: the split is not subject-independent ({len(shared)}: {shared[0]}, ...)")


def _shortened(names: list[str], shown: int = 6) -> list[str]:
    more = len(names) - shown
    return names if more <= 0 else [*names[:shown], f"and {more} more"]
