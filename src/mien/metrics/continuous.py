"""Agreement of continuous predictions with labels: CCC, MSE, RMSE."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


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
