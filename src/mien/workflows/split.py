"""`mien.split` and `mien.check_split`: subject-independent parts of a store."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mien.corpora.given_split import read_given_split
from mien.curation.fixed_lists import fixed
from mien.curation.splitting import PROCEDURES, folds, unit_gaps
from mien.errors import InputError, unknown_name
from mien.progress import say_nothing
from mien.ranges import SEED
from mien.store import Store
from mien.store.commit import OFFICIAL
from mien.store.names import Names
from mien.store.splits import SPLITS, independent_groups, refuse_shared
from mien.store.store import DEFAULT

RATIOS = (0.7, 0.15, 0.15)


@dataclass(frozen=True)
class Part:
    """A part of a split: its faces, its people, and its share of all faces."""

    faces: int
    people: int
    share: float


def split(
    store: str | Path,
    *,
    ratios: Sequence[float] = RATIOS,
    seed: int = 0,
    given: str | Path | None = None,
    procedure: str = "greedy",
    fixed_list: str | None = None,
    name: str = DEFAULT,
    say: Callable[[str], None] = say_nothing,
) -> dict[str, Part]:
    """Make a split in which no person and no video is in two parts; returns its parts by name.

    ratios: of train, val and, if three, test, adding up to 1. given: a CSV with a split of one's
    own (columns subject or video, and split) instead. procedure: a name of
    `mien.curation.splitting.PROCEDURES`. fixed_list: a split that a document prints. name: of the
    split in the store. say: called with warnings. Raises InputError for ratios, a procedure or a
    CSV of no use, and for a split that shares.
    """
    if name == OFFICIAL:
        raise InputError(f"split {name!r}: is the one that corpora bring; give another name")
    SEED.check("seed", seed)
    opened = _open(store)
    subject, video = opened.codes("subject"), opened.codes("video")
    if given is not None:
        person_of = {name: opened.subjects.person(name) for name in opened.ids().names}
        for name_of_id, person in person_of.items():
            if name_of_id.partition("/")[2] in set(person_of.values()) - {person}:
                say(f"warning: {name_of_id.partition('/')[2]!r} is a person, and not {name_of_id}")
        rows = read_given_split(Path(given), subject.to_list(), video.to_list(), person_of)
        found = Names.of(rows)
    elif fixed_list is not None:
        found = Names(fixed(fixed_list, video.to_list()).astype(np.int32), SPLITS)
    else:
        _check(ratios)
        if procedure not in PROCEDURES:
            raise unknown_name("procedure", procedure, PROCEDURES)
        group = independent_groups(subject, video, opened.codes("image"))
        drawn = PROCEDURES[procedure](group, opened.labels(), ratios, seed)
        found = Names(drawn.part.astype(np.int32), SPLITS)
        nameless = int(((subject.codes < 0) & (video.codes < 0)).sum())
        if nameless:
            say(
                f"warning: {nameless} of {len(opened)} faces name neither person nor video; each "
                "counts as a person of its own"
            )
    refuse_shared(str(given or store), found, subject, video)
    opened.set_split(name, opened.column("face_id"), found.to_list())
    return _parts(found, subject)


def split_folds(
    store: str | Path, count: int, *, seed: int = 0, name: str = "fold"
) -> dict[str, dict[str, Part]]:
    """Make `count` splits NAME0, NAME1, ...: each person is in the test part of exactly one.

    Fold i tests on the i-th part, chooses (val) on the next and trains on the rest. Raises
    InputError for fewer than three folds or fewer people than folds.
    """
    SEED.check("seed", seed)
    opened = _open(store)
    subject, video = opened.codes("subject"), opened.codes("video")
    group = independent_groups(subject, video, opened.codes("image"))
    made = {}
    for i, part in enumerate(folds(group, opened.labels(), count, seed)):
        found = Names(part.astype(np.int32), SPLITS)
        refuse_shared(str(store), found, subject, video)
        opened.set_split(f"{name}{i}", opened.column("face_id"), found.to_list())
        made[f"{name}{i}"] = _parts(found, subject)
    return made


def gaps(store: str | Path, *, name: str | None = None) -> dict[str, float]:
    """Gap of each unit between the parts of a split, in points (au-va-thesis, Table 3.4)."""
    opened = _open(store)
    part = opened.split(name).codes
    rows = np.flatnonzero(part >= 0)
    return unit_gaps(opened.labels().at(rows), part[rows].astype(np.intp))


def check_split(store: str | Path, *, name: str | None = None) -> dict[str, Part]:
    """Describe a split (None: the default); InputError, with the names, where it shares."""
    opened = _open(store)
    found, subject = opened.split(name), opened.codes("subject")
    refuse_shared(str(store), found, subject, opened.codes("video"))
    return _parts(found, subject)


def _open(store: str | Path) -> Store:
    opened = Store.open(Path(store))
    if len(opened) == 0:
        raise InputError(f"{store}: holds no face to split")
    return opened


def _check(ratios: Sequence[float]) -> None:
    sound = len(ratios) in (2, 3) and all(0 <= ratio <= 1 for ratio in ratios)
    if not sound or abs(sum(ratios) - 1) > 1e-6:
        shown = ",".join(f"{ratio:g}" for ratio in ratios)
        raise InputError(f"--ratios {shown}: give two or three shares that add up to 1")


def _parts(found: Names, subject: Names) -> dict[str, Part]:
    parts = {}
    names: list[str | None] = [*sorted(found.used())]
    if (found.codes < 0).any():
        names.append(None)
    for name in names:
        mine = np.flatnonzero(found.codes < 0 if name is None else found.where(name))
        people = subject.at(mine)
        parts[name or "unassigned"] = Part(
            len(mine),
            len(people.used()) + bool((people.codes < 0).any()),
            len(mine) / len(found.codes),
        )
    return parts
