"""Split a store so that no person and no video is in two parts.

example: mien split faces --ratios 0.7,0.15,0.15 --seed 0

People who share a video stay together. Faces, active units and expressions come as near to the
ratios as whole people allow. The split is called `default`, and goes before the `official` one that
corpora bring; --name keeps several beside each other. --check changes nothing and refuses, with the
names, a split that shares a person or a video; --from FILE.csv (columns subject or video, and
split) takes over a split of yours, under the same condition.
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from mien.cli.arguments import seed
from mien.cli.output import note, print_json, print_table
from mien.errors import InputError

if TYPE_CHECKING:
    from mien.store import Store
    from mien.store.names import Names


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("store", type=Path)
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--ratios", default="0.7,0.15,0.15", help="train,val[,test] (0.7,0.15,0.15)")
    how.add_argument("--check", action="store_true", help="only check the split that is there")
    how.add_argument("--from", dest="given", type=Path, metavar="CSV", help="take over a split")
    parser.add_argument("--name", help="of the split (default; with --check, the one that is used)")
    parser.add_argument("--seed", type=seed, default=0)
    parser.add_argument("--json", action="store_true")


def run(args: argparse.Namespace) -> int:
    from mien.store import Store
    from mien.store.names import Names
    from mien.store.splits import refuse_shared
    from mien.store.store import DEFAULT

    store = Store.open(args.store)
    if len(store) == 0:
        raise InputError(f"{args.store}: holds no face to split")
    subject, video = store.codes("subject"), store.codes("video")
    if args.check:
        split = store.split(args.name)
        refuse_shared(str(args.store), split, subject, video)
        return _report(args, split, subject)
    if args.given:
        from mien.corpora.given_split import read_given_split

        split = Names.of(read_given_split(args.given, subject.to_list(), video.to_list()))
    else:
        split = _made(store, _ratios(args.ratios), args.seed)
    refuse_shared(str(args.given or args.store), split, subject, video)
    store.set_split(args.name or DEFAULT, store.column("face_id"), split.to_list())
    return _report(args, split, subject)


def _made(store: "Store", ratios: list[float], seed: int) -> "Names":
    import numpy as np

    from mien.store.names import Names
    from mien.store.splits import SPLITS, assign, independent_groups

    subject, video = store.codes("subject"), store.codes("video")
    group = independent_groups(subject, video, store.codes("image"))
    chosen = assign(group, store.labels(), ratios, seed)
    nameless = int(((subject.codes < 0) & (video.codes < 0)).sum())
    if nameless:
        note(
            f"warning: {nameless} of {len(store)} faces name neither person nor video; each "
            "counts as a person of its own"
        )
    return Names(chosen.astype(np.int32), SPLITS)


def _ratios(text: str) -> list[float]:
    try:
        ratios = [float(part) for part in text.split(",")]
    except ValueError:
        raise InputError(f"--ratios {text}: give two or three numbers, as 0.7,0.15,0.15") from None
    sound = len(ratios) in (2, 3) and all(0 <= ratio <= 1 for ratio in ratios)
    if not sound or abs(sum(ratios) - 1) > 1e-6:
        raise InputError(f"--ratios {text}: give two or three shares that add up to 1")
    return ratios


def _report(args: argparse.Namespace, split: "Names", subject: "Names") -> int:
    import numpy as np

    found = {}
    names = sorted(split.used())
    for name in [*names, None] if (split.codes < 0).any() else names:
        mine = np.flatnonzero(split.codes < 0 if name is None else split.where(name))
        people = subject.at(mine)
        found[name or "unassigned"] = {
            "faces": len(mine),
            "people": len(people.used()) + bool((people.codes < 0).any()),
            "share": len(mine) / len(split.codes),
        }
    if args.json:
        print_json({"store": str(args.store), "seed": args.seed, "splits": found})
    else:
        rows = [[name, *row.values()] for name, row in found.items()]
        print_table(("split", "faces", "people", "share"), rows)
    return 0
