"""Subject-independent splits: no person and no video in two of them (kollias-2018, section
II-D)."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from mien.errors import InputError, unknown_name
from mien.labels.arrays import LabelArrays

SPLITS = ("train", "val", "test")

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


def shared_between_splits(
    split: Sequence[str | None], subject: Sequence[str | None], video: Sequence[str | None]
) -> list[str]:
    """Describe every person and video that has faces in two splits: empty for a sound split."""
    found = []
    for kind, names in (("person", subject), ("video", video)):
        where: dict[str, set[str]] = defaultdict(set)
        for name, part in zip(names, split, strict=True):
            if name is not None and part is not None:
                where[name].add(part)
        found += [
            f"{kind} {name} ({', '.join(sorted(parts))})"
            for name, parts in sorted(where.items())
            if len(parts) > 1
        ]
    return found


def refuse_shared(
    what: str,
    split: Sequence[str | None],
    subject: Sequence[str | None],
    video: Sequence[str | None],
) -> None:
    """Raise InputError, with the names, where a split shares a person or a video."""
    shared = shared_between_splits(split, subject, video)
    if shared:
        shown = "; ".join(shared[:10]) + (f"; and {len(shared) - 10} more" if shared[10:] else "")
        raise InputError(
            f"{what}: the split is not subject-independent, {len(shared)} shared: {shown}; "
            "`mien split STORE --ratios 0.7,0.15,0.15` makes one that is"
        )


def independent_groups(
    subject: Sequence[str | None],
    video: Sequence[str | None],
    image: Sequence[str | None] = (),
) -> NDArray[np.intp]:
    """Number the groups of faces that must stay together, (N,).

    Faces of one person, one video or one image belong together, and so do two people who share a
    video. A face without any of these is a group of its own.
    """
    n = len(subject)
    nodes: dict[tuple[str, str], int] = {}
    edges: list[tuple[int, int]] = []
    for kind, names in (("subject", subject), ("video", video), ("image", image)):
        for face, name in enumerate(names):
            if name is not None:
                node = nodes.setdefault((kind, name), n + len(nodes))
                edges.append((face, node))
    ends = np.array(edges, np.intp).reshape(-1, 2)
    size = n + len(nodes)
    graph = coo_matrix((np.ones(len(ends), bool), (ends[:, 0], ends[:, 1])), (size, size))
    _, component = connected_components(graph, directed=False)
    _, group = np.unique(component[:n], return_inverse=True)
    return np.asarray(group, np.intp)


def assign(
    group: NDArray[np.intp], labels: LabelArrays, ratios: Sequence[float], seed: int
) -> NDArray[np.intp]:
    """Assign whole groups to splits so that faces and labels come near the ratios.

    group: (N,) group of each face. ratios: share of each split, summing to 1.
    Large groups are placed first, ties in seeded order, each where it most reduces the squared
    distance to the target counts of faces, active units and expressions, all weighted alike.
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


def _group_counts(group: NDArray[np.intp], labels: LabelArrays) -> NDArray[np.float64]:
    """Faces, faces per active unit and faces per expression of every group, (G, F)."""
    columns = [np.ones(len(group))]
    columns += [labels.au[:, i] == 1 for i in range(len(labels.aus))]
    columns += [labels.expression == i for i in range(len(labels.expressions))]
    return np.stack([np.bincount(group, weights=c) for c in columns], axis=1)
