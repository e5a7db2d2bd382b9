"""Agreement of continuous predictions with labels: CCC, MSE, RMSE; courses of an error."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

TEN = 10.0
"""Valence and arousal are in [-1, 1] here and in [-10, 10] in bartissol-2017 and AFEW-VA."""


def _labelled(pred: ArrayLike, target: ArrayLike) -> tuple[NDArray[np.float64], ...]:
    pred, target = np.asarray(pred, np.float64), np.asarray(target, np.float64)
    known = ~(np.isnan(pred) | np.isnan(target))
    return pred[known], target[known]


def ccc(pred: ArrayLike, target: ArrayLike) -> float:
    """Concordance correlation coefficient (Lin 1989), population variances (kollias-2018, eq. 5).

    pred, target: (N,); pairs with a NaN are left out.
    Returns a value in [-1, 1]; NaN where fewer than two pairs are left or both are constant and
    equal. A constant prediction of varying labels scores 0.
    """
    x, y = _labelled(pred, target)
    if len(x) < 2:
        return float("nan")
    covariance = np.mean((x - x.mean()) * (y - y.mean()))
    denominator = x.var() + y.var() + (x.mean() - y.mean()) ** 2
    return float(2 * covariance / denominator) if denominator > 0 else float("nan")


def mse(pred: ArrayLike, target: ArrayLike) -> float:
    """Mean squared error over the labelled pairs of two (N,) arrays; NaN where there is none."""
    x, y = _labelled(pred, target)
    return float(np.mean((x - y) ** 2)) if len(x) else float("nan")


def rmse(pred: ArrayLike, target: ArrayLike) -> float:
    """Square root of `mse`."""
    return float(np.sqrt(mse(pred, target)))


def pooled_mse(pred: ArrayLike, target: ArrayLike, scale: float = 1.0) -> float:
    """Mean squared error over all known entries of (N, K), both times `scale`; NaN of none.

    bartissol-2017's is of valence and arousal together, on [-10, 10] (`TEN`), not halved as its
    eq. 8 has it: its printed RMSE (eq. 23, 25) is the root of its printed MSE (eq. 22, 24).
    """
    return scale**2 * mse(np.ravel(pred), np.ravel(target))


@dataclass(frozen=True)
class CourseScores:
    """Of an error over a training: as benroumpi-2018 reports it (Tables 6.1 to 6.6)."""

    minimum: float
    mean: float
    std: float


def course_scores(values: ArrayLike) -> CourseScores:
    """Minimum, mean and population standard deviation of (T,) values; all NaN where none is known.

    A minimum is of the values given: of an error logged every 50 steps it is too high.
    """
    values = np.asarray(values, np.float64)
    known = values[~np.isnan(values)]
    if len(known) == 0:
        return CourseScores(float("nan"), float("nan"), float("nan"))
    return CourseScores(float(known.min()), float(known.mean()), float(known.std()))
