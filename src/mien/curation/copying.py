"""Stores made of parts of others: the same faces, labels, splits and people, numbered anew."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.corpora.exchange import take_in
from mien.curation.exports import Selection
from mien.errors import InputError
from mien.progress import Progress, silent
from mien.store import Store

KIND = "copy"


@dataclass(frozen=True)
class Wanted:
    """Which faces of a store; every condition has to hold, one that is empty or None holds.

    Faces that a review left out are never among them.

    people, videos, corpora: names, in full or without the corpus. part, split: of a split. quality,
    confidence: at least. side: of the box in pixels, at least. labelled: heads that say something
    of the face. consent: purposes that the person did not refuse (research, publication).
    """

    people: Sequence[str] = ()
    without_people: Sequence[str] = ()
    videos: Sequence[str] = ()
    corpora: Sequence[str] = ()
    part: str | None = None
    split: str | None = None
    quality: float | None = None
    confidence: float | None = None
    side: float | None = None
    labelled: Sequence[str] = ()
    consent: Sequence[str] = ()


def chosen_rows(store: Store, wanted: Wanted) -> NDArray[np.intp]:
    """Rows that fulfil every condition; raises InputError for names that the store has not."""
    keep = np.zeros(len(store), bool)
    keep[store.rows(wanted.part, wanted.split)] = True
    for column, names in (
        ("subject", wanted.people), ("video", wanted.videos), ("corpus", wanted.corpora),
    ):  # fmt: skip
        if names:
            keep &= _named(store, column, names)
    if wanted.without_people:
        keep &= ~_named(store, "subject", wanted.without_people)
    for column, least in (("quality", wanted.quality), ("confidence", wanted.confidence)):
        if least is not None:
            keep &= store.column(column) >= least
    if wanted.side is not None:
        sides = [store.column(b) - store.column(a) for a, b in (("x0", "x1"), ("y0", "y1"))]
        keep &= np.maximum(*sides) >= wanted.side
    labels = store.labels() if wanted.labelled else None
    for head in wanted.labelled:
        if labels is None or labels.head(head) is None:
            raise InputError(f"{store.folder}: has no labels of {head!r}")
        keep &= np.isfinite(labels[head]).any(1)
    for purpose in wanted.consent:
        keep &= ~_refused(store, purpose)
    rows = np.flatnonzero(keep)
    if not len(rows):
        raise InputError(f"{store.folder}: no face fulfils all conditions")
    return rows


def _named(store: Store, column: str, names: Sequence[str]) -> NDArray[np.bool_]:
    codes = store.codes(column)
    found = np.zeros(len(codes.codes), bool)
    for name in names:
        full = [n for n in codes.names if name in (n, n.partition("/")[2])]
        if not full:
            raise InputError(f"{store.folder}: holds no {column} {name!r}")
        for one in full:
            found |= codes.where(one)
    return found


def _refused(store: Store, purpose: str) -> NDArray[np.bool_]:
    if purpose not in ("research", "publication"):
        raise InputError(f"consent {purpose!r}: research or publication")
    subjects = store.subjects
    refused = {
        subjects.person(name)
        for name, stated in subjects.stated.items()
        if getattr(stated, purpose) is False
    }
    codes = store.codes("subject")
    found = np.zeros(len(codes.codes), bool)
    for name in codes.used():
        if name in refused:
            found |= codes.where(name)
    return found


def copy(store: Store, rows: NDArray[np.intp], target: Store, progress: Progress = silent) -> int:
    """Copy faces into another store; returns their number. InputError where a corpus is there."""
    selection = Selection(store, rows, target.info.size)
    where = str(store.folder.resolve())
    taken = take_in(target, selection.table, selection.crops, KIND, where, progress)
    return taken.faces
