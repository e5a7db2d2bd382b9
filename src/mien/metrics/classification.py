"""Exclusive classes: accuracy, F1 and the confusion matrix."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class ClassificationScores:
    """Scores of an expression head over the labelled faces; NaN where there is none.

    macro_f1: mean of the per-class F1 over the classes that occur in the labels.
    weighted_f1: the same, weighted by how often each occurs (kollias-2018, section IV-D).
    confusion: (C, C) counts, row = label, column = prediction.
    """

    accuracy: float
    macro_f1: float
    weighted_f1: float
    f1: NDArray[np.float64]
    confusion: NDArray[np.int64]


def classification_scores(pred: ArrayLike, target: ArrayLike, classes: int) -> ClassificationScores:
    """Compare class indices.

    pred, target: (N,) integers below `classes`; a negative one (in either) is left out.
    """
    pred, target = np.asarray(pred, np.int64), np.asarray(target, np.int64)
    known = (target >= 0) & (pred >= 0)
    cells = target[known] * classes + pred[known]
    confusion = np.bincount(cells, minlength=classes * classes).reshape(classes, classes)
    support, said, hits = confusion.sum(1), confusion.sum(0), confusion.diagonal()
    present = support > 0
    f1 = np.full(classes, np.nan)
    f1[present] = 2 * hits[present] / (support + said)[present]
    total = int(support.sum())
    if total == 0:
        nan = float("nan")
        return ClassificationScores(nan, nan, nan, f1, confusion)
    return ClassificationScores(
        accuracy=float(hits.sum() / total),
        macro_f1=float(f1[present].mean()),
        weighted_f1=float((f1[present] * support[present]).sum() / total),
        f1=f1,
        confusion=confusion,
    )
