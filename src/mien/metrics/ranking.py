"""Area under the ROC curve: of scores, and, as bartissol-2017 prints it, of decisions."""

import numpy as np
from numpy.typing import ArrayLike

NAN = float("nan")


def roc_auc(score: ArrayLike, target: ArrayLike) -> float:
    """Probability that a face with the unit scores above one without, ties counted half.

    score: (N,), NaN left out. target: (N,) 1 present, 0 absent, negative or NaN unlabelled. NaN
    where one of the two does not occur. Equals the area under the curve by trapezoids (Hanley and
    McNeil 1982).
    """
    score, target = np.asarray(score, np.float64), np.asarray(target, np.float64)
    known = ~np.isnan(score) & (target >= 0)
    values, true = score[known], target[known] == 1
    present, absent = int(true.sum()), int((~true).sum())
    if not present or not absent:
        return NAN
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    ranks = (last - (counts - 1) / 2)[place]  # from 1; the middle one of those that are equal
    wins = ranks[true].sum() - present * (present + 1) / 2
    return float(wins / (present * absent))


def thresholded_auc(recall: float, specificity: float) -> float:
    """Area under the curve of decisions, which has one corner: (recall + specificity) / 2.

    What bartissol-2017 prints as AUC (Tables 3 and 5); it is balanced accuracy.
    """
    return (recall + specificity) / 2
