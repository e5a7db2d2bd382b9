"""Subject-independent splits: no person and no video in two of them (kollias-2018, section
II-D)."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from mien.errors import InputError, unknown_name
from mien.labels.arrays import Labels
from mien.labels.kinds import THRESHOLD
from mien.store.names import Names, pairs

SPLITS = ("train", "val", "test")

Groups = NDArray[np.intp]

_SPELLINGS = {
    "training": "train",
    "validation": "val",
    "valid": "val",
    "dev": "val",
    "testing": "test",
}


def split_name(text: str) -> str:
    """Return train, val or test for a spelling of it; raises InputError for anything else."""
    name = _SPELLINGS.get(text.strip().lower(), text.strip().lower())
    if name not in SPLITS:
        raise unknown_name("split", text, SPLITS)
    return name


def shared_between_splits(split: Names, subject: Names, video: Names) -> list[str]:
    """Describe every person and video that has faces in two parts: empty for a sound split."""
    found = []
    for kind, names in (("person", subject), ("video", video)):
        both = pairs(names.codes, split.codes)
        both = both[(both >= 0).all(1)]
        parts_of: dict[str, set[str]] = {}
        twice = np.flatnonzero(np.bincount(both[:, 0], minlength=1) > 1)
        for code, part in both[np.isin(both[:, 0], twice)].tolist():
            parts_of.setdefault(names.names[code], set()).add(split.names[part])
        found += [
            f"{kind} {name} ({', '.join(sorted(parts))})"
            for name, parts in sorted(parts_of.items())
        ]
    return found


def refuse_shared(what: str, split: Names, subject: Names, video: Names) -> None:
    """Raise InputError, with the names, where a split shares a person or a video."""
    shared = shared_between_splits(split, subject, video)
    if shared:
        shown = "; ".join(shared[:10]) + (f"; and {len(shared) - 10} more" if shared[10:] else "")
        raise InputError(
            f"{what}: the split is not subject-independent, {len(shared)} shared: {shown}; "
            "`mien split STORE --ratios 0.7,0.15,0.15` makes one that is"
        )


def independent_groups(subject: Names, video: Names, image: Names | None = None) -> Groups:
    """Number the groups of faces that must stay together, (N,).

    Faces of one person, one video or one image belong together, and so do two people who share a
    video. A face without any of these is a group of its own.
    """
    kinds = [subject, video, *([] if image is None else [image])]
    counts = [len(names.names) for names in kinds]
    first = np.cumsum([0, *counts])
    size = int(first[-1])
    edges = []
    for i, j in combinations(range(len(kinds)), 2):
        both = pairs(kinds[i].codes, kinds[j].codes)
        both = both[(both >= 0).all(1)]
        edges.append(both + first[[i, j]])
    ends = np.concatenate(edges)
    graph = coo_matrix((np.ones(len(ends), bool), (ends[:, 0], ends[:, 1])), (size, size))
    of_name = connected_components(graph, directed=False)[1] if size else np.empty(0, np.int32)
    group = np.full(len(subject.codes), -1, np.intp)
    for names, start in zip(kinds, first, strict=False):
        free = np.flatnonzero((group < 0) & (names.codes >= 0))
        group[free] = of_name[start + names.codes[free]]
    alone = np.flatnonzero(group < 0)
    group[alone] = size + np.arange(len(alone))
    used = np.bincount(group, minlength=1) > 0
    return np.asarray((np.cumsum(used) - 1)[group], np.intp)


def assign(group: Groups, labels: Labels, ratios: Sequence[float], seed: int) -> NDArray[np.intp]:
    """Assign whole groups to splits so that faces and labels come near the ratios.

    group: (N,) group of each face. ratios: share of each split, summing to 1.
    Large groups are placed first, ties in seeded order, each where it most reduces the squared
    distance to the target counts of faces, of units shown and of expressions, weighted alike.
    Returns the split index of each face, (N,). InputError where there are fewer groups than splits.
    """
    counts = _group_counts(group, labels)
    wanted = [i for i, ratio in enumerate(ratios) if ratio > 0]
    if len(counts) < len(wanted):
        raise InputError(
            f"{len(counts)} independent group(s) of people cannot fill {len(wanted)} splits; "
            "add people, or give a ratio of 0 to the splits you can do without"
        )
    share = counts / np.maximum(counts.sum(0), 1)
    target = np.outer(ratios, share.sum(0))
    filled = np.zeros_like(target)
    shuffled = np.random.default_rng(seed).permutation(len(counts))
    order = shuffled[np.argsort(-counts[shuffled, 0], kind="stable")]
    chosen = np.empty(len(counts), np.intp)
    empty = set(wanted)
    for position, index in enumerate(order):
        allowed = wanted if len(order) - position > len(empty) else sorted(empty)
        excess = (2 * (filled[allowed] - target[allowed]) + share[index]) * share[index]
        split = allowed[int(excess.sum(1).argmin())]
        filled[split] += share[index]
        chosen[index] = split
        empty.discard(split)
    return chosen[group]


def _group_counts(group: Groups, labels: Labels) -> NDArray[np.float64]:
    """Faces, and faces that show each output of heads of presence or choice, by group: (G, F)."""
    columns = [np.ones(len(group))]
    for head in labels.heads:
        if head.kind.counted:
            columns += list((labels[head.name] >= THRESHOLD).astype(float).T)
    return np.stack([np.bincount(group, weights=c) for c in columns], axis=1)
