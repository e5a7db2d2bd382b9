"""`mien.selftest`: can a small network learn a few faces of a store by heart?"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien.extras import need
from mien.labels.arrays import Labels
from mien.progress import Progress, silent
from mien.ranges import SEED
from mien.store import Store

SIZE = 32
LIMIT_S = 25.0
"""Seconds of processor time for the labels, and as many for the shuffled ones."""
SHOWN = 10


@dataclass(frozen=True)
class SelfTest:
    """What came of it.

    learned: whether every head was. scores: by head, share of labels that are right, or CCC. steps,
    steps_shuffled: until all was known of the labels, and of the same ones shuffled among the
    faces; None where that never was. steps_made: at the end. stuck: face_ids that it could not
    learn, worst first.
    """

    faces: int
    learned: bool
    scores: dict[str, float]
    steps: int | None
    steps_made: int
    steps_shuffled: int | None
    stuck: tuple[int, ...]


def selftest(
    store: str | Path,
    *,
    faces: int = 64,
    steps: int = 1500,
    seed: int = 0,
    progress: Progress = silent,
) -> SelfTest:
    """Train a small CNN on a few labelled faces alone, as benroumpi-2018 (section 4.3) did.

    faces: how many, people in turns. Takes a minute of one processor at most. Raises InputError for
    a store without labels, fewer than 8 faces and where torch is not installed.
    """
    need("mien selftest", "torch")
    from mien.training.memorising import memorise

    SEED.check("seed", seed)
    if faces < 8 or steps < 1:
        raise InputError(f"faces {faces}, steps {steps}: give at least 8 faces and 1 step")
    opened = Store.open(Path(store))
    rows = _in_turns(opened, faces, seed)
    if len(rows) < 8:
        raise InputError(f"{store}: has {len(rows)} labelled faces; at least 8 are needed")
    pixels = opened.pixels(min(SIZE, opened.info.size)).gather(rows)
    labels = _known(opened.labels().at(rows))
    found = memorise(pixels, labels, steps=steps, limit_s=LIMIT_S, seed=seed, progress=progress)
    other = _known(labels.at(np.random.default_rng(seed).permutation(len(rows))))
    shuffled = memorise(pixels, other, steps=steps, limit_s=LIMIT_S, seed=seed, progress=progress)
    ids = opened.column("face_id")[rows]
    return SelfTest(
        len(rows),
        found.steps is not None,
        dict(found.scores),
        found.steps,
        found.done,
        shuffled.steps,
        tuple(int(ids[i]) for i in found.stuck[:SHOWN]),
    )


def _in_turns(store: Store, count: int, seed: int) -> NDArray[np.intp]:
    """Labelled faces drawn at random, a face of every person before a second one of any."""
    labels = store.labels()
    known = np.zeros(labels.n, bool)
    for values in labels.values():
        known |= ~np.isnan(values).all(1)
    rows = np.random.default_rng(seed).permutation(np.flatnonzero(known))
    people = store.codes("subject").codes[rows]
    order = np.argsort(people, kind="stable")
    first = np.searchsorted(people[order], people[order])
    turn = np.empty(len(rows), np.intp)
    turn[order] = np.arange(len(rows)) - first
    turn[people < 0] = 0
    return np.sort(rows[np.argsort(turn, kind="stable")[:count]])


def _known(labels: Labels) -> Labels:
    """Leave out heads that say nothing of any of the faces."""
    heads = [head for head in labels.heads if not np.isnan(labels[head.name]).all()]
    return Labels(heads, {head.name: labels[head.name] for head in heads}, labels.n)
