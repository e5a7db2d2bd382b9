"""How far label layers agree on the faces that two of them speak of."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.labels.heads import Head
from mien.labels.kinds import THRESHOLD, Floats, likeliest
from mien.metrics.continuous import ccc
from mien.store import Store

LEAST = 20
"""Faces below which nothing is said of two layers."""


@dataclass(frozen=True)
class Agreement:
    """Two layers on one head. measure: CCC, or Cohen's kappa. value: its mean over the outputs.

    faces: that both speak of.
    """

    head: str
    layers: tuple[str, str]
    faces: int
    measure: str
    value: float


def agreements(store: Store) -> Iterator[Agreement]:
    """Compare every two layers on every head that both have."""
    for i, one in enumerate(store.layers[:-1]):
        a = store.labels([one])
        for other in store.layers[i + 1 :]:
            b = store.labels([other])
            for head in a.heads:
                found = _compared(head, (one, other), a[head.name], b[head.name])
                if found is not None:
                    yield found


def _compared(head: Head, layers: tuple[str, str], a: Floats, b: Floats) -> Agreement | None:
    values: list[float] = []
    seen = np.zeros(len(a), bool)
    if head.kind.classes:
        one, two = likeliest(a), likeliest(b)
        seen = (one >= 0) & (two >= 0)
        if seen.sum() >= LEAST:
            values.append(kappa(one[seen], two[seen]))
    else:
        for x, y in zip(a.T, b.T, strict=True):
            both = np.isfinite(x) & np.isfinite(y)
            seen |= both
            if both.sum() < LEAST:
                continue
            if head.kind.counted:
                values.append(kappa(x[both] >= THRESHOLD, y[both] >= THRESHOLD))
            else:
                values.append(float(ccc(x[both], y[both])))
    known = [value for value in values if np.isfinite(value)]
    if not known:
        return None
    measure = "kappa" if head.kind.counted else "CCC"
    return Agreement(head.name, layers, int(seen.sum()), measure, float(np.mean(known)))


def kappa(a: NDArray[np.generic], b: NDArray[np.generic]) -> float:
    """Cohen's kappa (1960) of two raters' classes (N,); NaN where both name one class alone."""
    classes = np.union1d(a, b)
    agreed = float(np.mean(a == b))
    chance = float(sum(np.mean(a == c) * np.mean(b == c) for c in classes))
    return (agreed - chance) / (1 - chance) if chance < 1 else float("nan")
