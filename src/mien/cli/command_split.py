"""Split a store so that no person and no video is in two parts.

example: mien split faces --ratios 0.7,0.15,0.15 --seed 0

People who share a video stay together. Faces, active units and expressions come as near to the
ratios as whole people allow. --check changes nothing and refuses, with the names, a split that
shares a person or a video; --from FILE.csv (columns subject or video, and split) takes over a split
of yours, under the same condition.
"""

import argparse
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mien.cli.arguments import seed
from mien.cli.output import note, print_json, print_table
from mien.errors import InputError

if TYPE_CHECKING:
    from mien.store import Store


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("store", type=Path)
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--ratios", default="0.7,0.15,0.15", help="train,val[,test] (0.7,0.15,0.15)")
    how.add_argument("--check", action="store_true", help="only check the split that is there")
    how.add_argument("--from", dest="given", type=Path, metavar="CSV", help="take over a split")
    parser.add_argument("--seed", type=seed, default=0)
    parser.add_argument("--json", action="store_true")


def run(args: argparse.Namespace) -> int:
    import pyarrow as pa

    from mien.store import Store
    from mien.store.splits import SPLITS, assign, independent_groups, refuse_shared

    store = Store.open(args.store)
    if len(store) == 0:
        raise InputError(f"{args.store}: holds no face to split")
    subject, video = store.names("subject"), store.names("video")
    split: list[str | None]
    if args.check:
        split = store.names("split")
        if not any(split):
            raise InputError(f"{args.store}: has no split to check")
        refuse_shared(str(args.store), split, subject, video)
        return _report(args, split, subject)
    if args.given:
        from mien.corpora.given_split import read_given_split

        split = read_given_split(args.given, subject, video)
        refuse_shared(str(args.given), split, subject, video)
    else:
        ratios = _ratios(args.ratios)
        group = independent_groups(subject, video, _images(store))
        chosen = assign(group, store.labels(), ratios, args.seed)
        if nameless := sum(s is None and v is None for s, v in zip(subject, video, strict=True)):
            note(
                f"warning: {nameless} of {len(store)} faces name neither person nor video; each "
                "counts as a person of its own"
            )
        split = [SPLITS[i] for i in chosen]
        refuse_shared(str(args.store), split, subject, video)
    with store.writing():
        store.set_column("split", pa.array(split, pa.string()))
    return _report(args, split, subject)


def _ratios(text: str) -> list[float]:
    try:
        ratios = [float(part) for part in text.split(",")]
    except ValueError:
        raise InputError(f"--ratios {text}: give two or three numbers, as 0.7,0.15,0.15") from None
    sound = len(ratios) in (2, 3) and all(0 <= ratio <= 1 for ratio in ratios)
    if not sound or abs(sum(ratios) - 1) > 1e-6:
        raise InputError(f"--ratios {text}: give two or three shares that add up to 1")
    return ratios


def _images(store: "Store") -> list[str | None]:
    """Name each photograph by import and file; None for faces of videos."""
    named = zip(store.names("source"), store.names("image"), strict=True)
    return [f"{source}/{image}" if image is not None else None for source, image in named]


def _report(args: argparse.Namespace, split: list[str | None], subject: list[str | None]) -> int:
    faces = Counter(part or "unassigned" for part in split)
    people: Counter[str] = Counter(
        part or "unassigned" for part, _ in set(zip(split, subject, strict=True))
    )
    found: dict[str, Any] = {
        name: {"faces": n, "people": people[name], "share": n / len(split)}
        for name, n in sorted(faces.items())
    }
    if args.json:
        print_json({"store": str(args.store), "seed": args.seed, "splits": found})
    else:
        rows = [[name, *row.values()] for name, row in found.items()]
        print_table(("split", "faces", "people", "share"), rows)
    return 0
