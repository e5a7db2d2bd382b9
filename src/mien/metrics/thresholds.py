"""From which probability on a unit is called present: chosen on one part, used on another."""

import numpy as np
from numpy.typing import ArrayLike

DEFAULT = 0.5


def best_f1_threshold(probability: ArrayLike, target: ArrayLike) -> float:
    """Threshold with the best F1 on these faces; the one nearest to 0.5 of several alike.

    probability: (N,) in [0, 1], NaN left out. target: (N,) 1 present, 0 absent, negative or NaN
    unlabelled. A face is called present at or above it. It lies in the middle between two
    probabilities that occur; 0.5 where no labelled face shows the unit. Exact: every cut is tried.
    """
    p, target = np.asarray(probability, np.float64), np.asarray(target, np.float64)
    known = ~np.isnan(p) & (target >= 0)
    p, true = p[known], target[known] == 1
    if not true.any():
        return DEFAULT
    order = np.argsort(-p, kind="stable")
    p, hits = p[order], np.cumsum(true[order])
    last = np.append(p[1:] < p[:-1], True)  # a cut lies between two values that differ
    said = np.flatnonzero(last)
    f1 = 2 * hits[said] / (said + 1 + true.sum())
    below = np.append(p, 0.0)[said + 1]
    cuts = (p[said] + below) / 2
    best = cuts[f1 >= f1.max() - 1e-12]
    return float(best[np.abs(best - DEFAULT).argmin()])
