"""`mien.people`: who is in a store, and who may be one person."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError, check_name
from mien.progress import Progress, silent
from mien.store import Store

if TYPE_CHECKING:
    from mien.curation.likeness import Pair

MOST = 2000
"""People of whom pairs are suggested at most."""
LOOKED_AT = 12
"""Faces of a person that are looked at."""


@dataclass(frozen=True)
class Person:
    """One person of a store. ids: that are theirs by subjects.csv. sex: None where it is not said.

    faces: that no review left out. videos, tracks: they are in.
    """

    name: str
    ids: tuple[str, ...]
    sex: str | None
    faces: int
    videos: int
    tracks: int


@dataclass(frozen=True)
class People:
    """Who is in a store. pairs: who may be one person, the most alike first; note: how surely."""

    people: list[Person]
    pairs: "list[Pair]" = field(default_factory=list)
    note: str = ""


def people(store: str | Path, *, suggest: str | None = None, progress: Progress = silent) -> People:
    """List the people of a store, and say which of them may be one.

    suggest: by what (`appearance`, `dlib`); None: no suggestions. People who are in one frame
    together are never suggested. What faces are told apart by is computed in memory and not kept.
    Raises InputError where no one is named, for an unknown way, and for one that is not installed.
    """
    opened = Store.open(Path(store))
    who = opened.codes("subject")
    rows = np.flatnonzero((who.codes >= 0) & ~opened.excluded)
    if not len(rows):
        raise InputError(f"{store}: no face of it has a person's name")
    names = who.at(rows).used()
    found = [
        _person(opened, name, rows[who.codes[rows] == who.names.index(name)]) for name in names
    ]
    if suggest is None:
        return People(found)
    return _suggested(opened, found, suggest, progress)


def _person(store: Store, name: str, rows: NDArray[np.intp]) -> Person:
    ids = store.ids().at(rows).used()
    stated = store.subjects.stated
    sexes = [stated[i].sex for i in (name, *ids) if i in stated and stated[i].sex]
    tracks = store.tracks()[rows]
    return Person(
        name,
        ids,
        sexes[0] if sexes else None,
        len(rows),
        len(store.codes("video").at(rows).used()),
        len(np.unique(tracks[tracks >= 0])),
    )


def _suggested(store: Store, found: list[Person], by: str, progress: Progress) -> People:
    from mien.curation.likeness import DESCRIBERS, suggest
    from mien.curation.review import spaced

    check_name("suggestion", by, DESCRIBERS)
    if len(found) > MOST:
        raise InputError(f"{store.folder}: {len(found)} people; suggestions are for at most {MOST}")
    who, quality, kept = store.codes("subject"), store.column("quality"), ~store.excluded
    pixels, describer = store.pixels(), DESCRIBERS[by]
    vectors, owner = [], []
    for i, person in enumerate(found):
        rows = np.flatnonzero(who.where(person.name) & kept)
        judged = np.nan_to_num(quality[rows], nan=1.0)
        some = spaced(rows[judged >= np.median(judged)], LOOKED_AT)
        vectors.append(describer.describe(pixels.gather(some), store.landmarks_in_crops(some)))
        owner += [i] * len(some)
        progress(i + 1, len(found), person.name)
    pairs = suggest(
        [person.name for person in found],
        np.concatenate(vectors),
        np.array(owner, np.intp),
        _together(store, [person.name for person in found]),
        describer.alike,
    )
    return People(found, pairs, describer.note)


def _together(store: Store, names: Sequence[str]) -> set[frozenset[int]]:
    """Pairs of people, by their place among `names`, who are in one frame of a video."""
    who, video, frame = store.codes("subject"), store.codes("video").codes, store.column("frame")
    rows = np.flatnonzero((who.codes >= 0) & (video >= 0) & ~store.excluded)
    place = {who.names.index(name): i for i, name in enumerate(names)}
    order = rows[np.lexsort((who.codes[rows], frame[rows], video[rows]))]
    key = np.stack([video[order], frame[order]], 1)
    found: set[frozenset[int]] = set()
    step = 1
    while step < len(order) and (same := (key[step:] == key[:-step]).all(1)).any():
        first, second = who.codes[order[:-step]][same], who.codes[order[step:]][same]
        for a, b in np.unique(np.stack([first, second], 1), axis=0).tolist():
            if a != b:
                found.add(frozenset((place[a], place[b])))
        step += 1
    return found
