"""Ways to draw a subject-independent split, by name; they place whole groups of people.

`PROCEDURES`: to add one, a function here or in a file of its own and a line there.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien.labels.arrays import Labels
from mien.labels.kinds import THRESHOLD
from mien.store.splits import Groups, assign

Counts = NDArray[np.float64]

DRAWS = 200
"""How often the thesis's procedure is repeated; it says 'several times'."""
VA_BINS = 5
"""Bins of valence and of arousal that the stratified search balances."""
MOVES = 2000


@dataclass(frozen=True)
class Drawn:
    """part: (N,) index of each face's part. gaps: unit to the gap of its share between the parts,
    in percentage points, by the measure of au-va-thesis's Table 3.4; of a procedure that has it.
    """

    part: NDArray[np.intp]
    gaps: dict[str, float] = field(default_factory=dict)


def greedy(group: Groups, labels: Labels, ratios: Sequence[float], seed: int) -> Drawn:
    """Large groups first, each where it helps most (`mien.store.splits.assign`)."""
    part = assign(group, labels, ratios, seed)
    return Drawn(part, unit_gaps(labels, part))


def thesis(group: Groups, labels: Labels, ratios: Sequence[float], seed: int) -> Drawn:
    """au-va-thesis (section 3.1.4): random people until a part is full, repeated, the likest kept.

    Groups are drawn at random into the first part until it has its share of the faces, then into
    the next. Of `DRAWS` draws the one whose parts differ least in their units is kept; which
    measure of likeness the thesis used it does not say: here the largest gap of its Table 3.4, then
    the sum of gaps.
    """
    sizes = np.bincount(group).astype(float)
    wanted = [i for i, ratio in enumerate(ratios) if ratio > 0]
    if len(sizes) < len(wanted):
        raise InputError(
            f"{len(sizes)} independent group(s) of people cannot fill {len(wanted)} parts"
        )
    shown = _unit_counts(group, labels)
    random = np.random.default_rng(seed)
    best: tuple[tuple[float, float], NDArray[np.intp]] | None = None
    for _ in range(DRAWS):
        chosen = _filled(random.permutation(len(sizes)), sizes, ratios, wanted)
        gaps = _gaps(shown, chosen)
        key = (float(gaps.max(initial=0.0)), float(gaps.sum()))
        if best is None or key < best[0]:
            best = key, chosen
    assert best is not None
    part = best[1][group]
    return Drawn(part, unit_gaps(labels, part))


def _filled(
    order: NDArray[np.intp], sizes: Counts, ratios: Sequence[float], wanted: Sequence[int]
) -> NDArray[np.intp]:
    """Fill part after part in this order of groups; every wanted part gets one at least."""
    chosen = np.empty(len(order), np.intp)
    at = 0
    for i, part in enumerate(wanted):
        target, filled = ratios[part] * sizes.sum(), 0.0
        last = len(order) - (len(wanted) - 1 - i)
        start = at
        while at < last and (at == start or filled < target or i == len(wanted) - 1):
            chosen[order[at]] = part
            filled += sizes[order[at]]
            at += 1
    return chosen


def stratified(group: Groups, labels: Labels, ratios: Sequence[float], seed: int) -> Drawn:
    """Balance units, classes and the plane of valence and arousal: greedy, then moved and swapped.

    A group moves to another part wherever that most reduces the squared distance of all counts,
    each feature weighted alike, to the ratios; until no move helps.
    """
    start = assign(group, labels, ratios, seed)
    counts = features(group, labels)
    share = counts / np.maximum(counts.sum(0), 1)
    first = np.zeros(len(counts), np.intp)
    first[group] = start
    chosen = _improved(share, first, np.asarray(ratios, float))
    part = chosen[group]
    return Drawn(part, unit_gaps(labels, part))


def _improved(share: Counts, chosen: NDArray[np.intp], ratios: Counts) -> NDArray[np.intp]:
    parts = np.flatnonzero(ratios > 0)
    target = np.outer(ratios, share.sum(0))
    chosen = chosen.copy()
    filled = np.stack([share[chosen == p].sum(0) for p in range(len(ratios))])
    own = (share**2).sum(1)
    for _ in range(MOVES):
        excess = filled - target
        pull = share @ excess.T  # (G, P): how a group adds to each part's excess
        leave = own - 2 * pull[np.arange(len(chosen)), chosen]
        gain = np.full((len(chosen), len(ratios)), np.inf)
        for p in parts:
            gain[:, p] = leave + own + 2 * pull[:, p]
        gain[np.arange(len(chosen)), chosen] = np.inf
        alone = np.bincount(chosen, minlength=len(ratios))[chosen] <= 1
        gain[alone] = np.inf
        mover, part = np.unravel_index(int(gain.argmin()), gain.shape)
        if not gain[mover, part] < -1e-12:
            break
        filled[chosen[mover]] -= share[mover]
        filled[part] += share[mover]
        chosen[mover] = part
    return chosen


def folds(group: Groups, labels: Labels, count: int, seed: int) -> list[NDArray[np.intp]]:
    """Draw `count` folds; fold i tests on part i, chooses on the next and trains on the rest.

    Returns, for each fold, the part of every face: 0 train, 1 val, 2 test.
    """
    if count < 3:
        raise InputError(f"--folds {count}: at least 3, to train, to choose and to test")
    part = stratified(group, labels, [1 / count] * count, seed).part
    return [
        np.select([part == i, part == (i + 1) % count], [2, 1], 0).astype(np.intp)
        for i in range(count)
    ]


Procedure = Callable[[Groups, Labels, Sequence[float], int], Drawn]

PROCEDURES: dict[str, Procedure] = {"greedy": greedy, "stratified": stratified, "thesis": thesis}
"""Name to what draws a split from groups, labels, ratios and a seed."""


def features(group: Groups, labels: Labels) -> Counts:
    """Count by group faces, units shown, classes, and faces in bins of continuous labels (G, F)."""
    columns = [np.ones(len(group))]
    for head in labels.heads:
        values = labels[head.name]
        if head.kind.counted:
            columns += list((values >= THRESHOLD).astype(float).T)
            continue
        low, high = head.kind.bounds
        known = np.asarray(np.isfinite(values).all(1))
        place = np.clip((values - low) / (high - low) * VA_BINS, 0, VA_BINS - 1)
        bins = np.where(known[:, None], np.nan_to_num(place), -1).astype(np.intp)
        if len(head.outputs) == 2:
            cell = np.where(known, bins[:, 0] * VA_BINS + bins[:, 1], -1)
            columns += [(cell == c).astype(float) for c in np.unique(cell[cell >= 0])]
        else:
            columns += [(b == i).astype(float) for b in bins.T for i in range(1, VA_BINS)]
    return np.stack([np.bincount(group, weights=c) for c in columns], axis=1)


def _unit_counts(group: Groups, labels: Labels) -> Counts:
    """Faces of each group that show each unit, (G, U)."""
    head = labels.head("au")
    if head is None:
        return np.zeros((int(group.max()) + 1, 0))
    shown = (labels["au"] >= THRESHOLD).astype(float)
    return np.stack([np.bincount(group, weights=column) for column in shown.T], axis=1)


def _gaps(shown: Counts, chosen: NDArray[np.intp]) -> Counts:
    """Largest difference between parts of a unit's share of all units shown, in points, (U,)."""
    parts = np.unique(chosen)
    totals = np.stack([shown[chosen == part].sum(0) for part in parts])
    shares = 100 * totals / np.maximum(totals.sum(1, keepdims=True), 1)
    return np.asarray(shares.max(0) - shares.min(0))


def unit_gaps(labels: Labels, part: NDArray[np.intp]) -> dict[str, float]:
    """Gap of each unit between the parts (au-va-thesis, Table 3.4): AU04 4.91, AU20 1.09 there."""
    head = labels.head("au")
    if head is None:
        return {}
    shown = _unit_counts(part, labels)
    gaps = _gaps(shown, np.arange(len(shown)))
    return {unit: float(gap) for unit, gap in zip(head.outputs, gaps, strict=True)}
