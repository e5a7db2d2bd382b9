"""`mien.people`: who is in a store, and who may be one person."""

from collections.abc import Mapping, Sequence
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
    rows_of = _rows_by_person(opened)
    if not rows_of:
        raise InputError(f"{store}: no face of it has a person's name")
    tracks, video, ids = opened.tracks(), opened.codes("video"), opened.ids()
    found = []
    for name, rows in rows_of.items():
        mine = ids.at(rows).used()
        followed = tracks[rows]
        in_tracks = len(np.unique(followed[followed >= 0]))
        videos = len(np.unique(video.codes[rows][video.codes[rows] >= 0]))
        found.append(Person(name, mine, _sex(opened, (name, *mine)), len(rows), videos, in_tracks))
    if suggest is None:
        return People(found)
    return _suggested(opened, rows_of, found, suggest, progress)


def _rows_by_person(store: Store) -> dict[str, NDArray[np.intp]]:
    """Rows of everybody's faces that no review left out, in the order of the store."""
    who = store.codes("subject")
    rows = np.flatnonzero((who.codes >= 0) & ~store.excluded)
    order = rows[np.argsort(who.codes[rows], kind="stable")]
    starts = np.flatnonzero(np.diff(who.codes[order], prepend=-1))
    parts = np.split(order, starts[1:]) if len(order) else []
    return {who.names[who.codes[part[0]]]: part for part in parts}


def _sex(store: Store, names: Sequence[str]) -> str | None:
    stated = store.subjects.stated
    return next((s.sex for s in (stated[n] for n in names if n in stated) if s.sex), None)


def _suggested(
    store: Store,
    rows_of: Mapping[str, NDArray[np.intp]],
    found: list[Person],
    by: str,
    progress: Progress,
) -> People:
    from mien.curation.likeness import DESCRIBERS, suggest
    from mien.curation.review import spaced

    check_name("suggestion", by, DESCRIBERS)
    if len(found) > MOST:
        raise InputError(f"{store.folder}: {len(found)} people; suggestions are for at most {MOST}")
    quality = store.column("quality")
    pixels, describer = store.pixels(), DESCRIBERS[by]
    vectors, owner = [], []
    for i, person in enumerate(found):
        rows = rows_of[person.name]
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
