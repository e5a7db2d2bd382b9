"""Agreement between raters: chance-corrected, per class, and of continuous traces. numpy only.

Ratings of names are integers; below 0 is missing. Continuous ratings are floats, NaN is missing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.errors import InputError

Level = Literal["nominal", "ordinal", "interval"]
_NAN = float("nan")


def _both(a: ArrayLike, b: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    x, y = np.asarray(a, np.int64), np.asarray(b, np.int64)
    known = (x >= 0) & (y >= 0)
    return x[known], y[known]


def cohen_kappa(a: ArrayLike, b: ArrayLike) -> float:
    """Cohen's kappa (Cohen 1960) of two raters' classes (N,), in [-1, 1].

    NaN where they share no item, or both only ever say one and the same class.
    """
    x, y = _both(a, b)
    if len(x) == 0:
        return _NAN
    classes = int(max(x.max(), y.max())) + 1
    chance = float(np.bincount(x, minlength=classes) @ np.bincount(y, minlength=classes))
    chance /= len(x) ** 2
    return float((np.mean(x == y) - chance) / (1 - chance)) if chance < 1 else _NAN


def positive_agreement(a: ArrayLike, b: ArrayLike) -> float:
    """Specific agreement on presence, 2a / (2a + b + c), of ratings of 0 and 1 (N,).

    The share of one rater's positives that the other finds too (Cicchetti & Feinstein 1990); it is
    the F1 of one against the other. NaN where neither rater ever says 1.
    """
    return _specific(a, b, 1)


def negative_agreement(a: ArrayLike, b: ArrayLike) -> float:
    """Specific agreement on absence, as `positive_agreement`."""
    return _specific(a, b, 0)


def _specific(a: ArrayLike, b: ArrayLike, of: int) -> float:
    x, y = _both(a, b)
    said = int((x == of).sum() + (y == of).sum())
    return 2 * int(((x == of) & (y == of)).sum()) / said if said else _NAN


def class_counts(ratings: ArrayLike, classes: int) -> NDArray[np.int64]:
    """How many of R raters chose each class for each of N items: (R, N) to (N, classes)."""
    found = np.asarray(ratings, np.int64)
    return np.stack([(found == c).sum(0) for c in range(classes)], axis=1)


def fleiss_kappa(counts: ArrayLike) -> float:
    """Fleiss' kappa (Fleiss 1971) of counts (N, K): how many raters chose each class of an item.

    Items that not all raters judged are left out. NaN where fewer than two raters or no item are
    left, or only one class ever occurs.
    """
    table = np.asarray(counts, np.float64)
    raters = table.sum(1).max(initial=0.0)
    table = table[table.sum(1) == raters]
    if raters < 2 or len(table) == 0:
        return _NAN
    chance = float(((table.sum(0) / table.sum()) ** 2).sum())
    agreed = float(((table * (table - 1)).sum(1) / (raters * (raters - 1))).mean())
    return (agreed - chance) / (1 - chance) if chance < 1 else _NAN


def krippendorff_alpha(ratings: ArrayLike, level: Level = "nominal") -> float:
    """Krippendorff's alpha (Krippendorff 2011, "Computing Krippendorff's alpha-reliability").

    ratings: (R, N) of R raters, NaN where one did not judge an item; items with fewer than two
    judgements are left out. level: what differences of values mean. NaN where nothing is left, or
    only one value ever occurs.
    """
    table = np.asarray(ratings, np.float64)
    table = table[:, (~np.isnan(table)).sum(0) > 1]
    if table.size == 0:
        return _NAN
    if level == "interval":
        return _interval_alpha(table)
    values = np.unique(table[~np.isnan(table)])
    counts = np.stack([(table == v).sum(0) for v in values], axis=1).astype(np.float64)
    paired = counts / (counts.sum(1, keepdims=True) - 1)
    together = counts.T @ paired - np.diag(paired.sum(0))  # pairs within an item
    total = counts.sum(0)
    if level == "nominal":
        apart = 1.0 - np.eye(len(values))
    else:
        rank = np.cumsum(total) - total / 2  # differences: how many judgements lie between
        apart = np.subtract.outer(rank, rank) ** 2
    expected = float(total @ apart @ total) / (total.sum() - 1)
    return 1 - float((together * apart).sum()) / expected if expected > 0 else _NAN


def _interval_alpha(table: NDArray[np.float64]) -> float:
    """In closed form: sums of squared differences follow from sums and sums of squares."""
    many = (~np.isnan(table)).sum(0)
    total, squares = np.nansum(table, 0), np.nansum(table**2, 0)
    observed = float((2 * (many * squares - total**2) / (many - 1)).sum())
    n = float(many.sum())
    expected = 2 * (n * float(squares.sum()) - float(total.sum()) ** 2) / (n - 1)
    return 1 - observed / expected if expected > 1e-12 * max(float(squares.sum()), 1e-300) else _NAN


@dataclass(frozen=True)
class Icc:
    """Intraclass correlations (Shrout & Fleiss 1979; McGraw & Wong 1996) of N items, R raters.

    single: ICC(1,1), each item has raters of its own. absolute: ICC(2,1), raters' offsets count.
    consistent: ICC(3,1), they do not. The rest: of the mean of all R raters.
    """

    single: float
    absolute: float
    consistent: float
    mean_single: float
    mean_absolute: float
    mean_consistent: float


def icc(ratings: ArrayLike) -> Icc:
    """Intraclass correlations of ratings (R, N); items that not all raters judged are left out.

    NaN where fewer than two raters or items are left, or no rating varies.
    """
    table = np.asarray(ratings, np.float64)
    table = table[:, ~np.isnan(table).any(0)].T
    n, k = table.shape
    if n < 2 or k < 2 or np.ptp(table) == 0:
        return Icc(*[_NAN] * 6)
    mean = table.mean()
    rows = k * float(((table.mean(1) - mean) ** 2).sum()) / (n - 1)
    columns = n * float(((table.mean(0) - mean) ** 2).sum()) / (k - 1)
    total = float(((table - mean) ** 2).sum())
    within = (total - rows * (n - 1)) / (n * (k - 1))
    error = max(total - rows * (n - 1) - columns * (k - 1), 0.0) / ((n - 1) * (k - 1))
    return Icc(
        _ratio(rows - within, rows + (k - 1) * within),
        _ratio(rows - error, rows + (k - 1) * error + k * (columns - error) / n),
        _ratio(rows - error, rows + (k - 1) * error),
        _ratio(rows - within, rows),
        _ratio(rows - error, rows + (columns - error) / n),
        _ratio(rows - error, rows),
    )


def _ratio(above: float, below: float) -> float:
    return above / below if below > 0 else _NAN


def pearson(x: ArrayLike, y: ArrayLike) -> float:
    """Correlation of two (N,) arrays; NaN with fewer than two pairs, or where one is constant."""
    a, b = np.asarray(x, np.float64), np.asarray(y, np.float64)
    known = ~(np.isnan(a) | np.isnan(b))
    a, b = a[known], b[known]
    if len(a) < 2 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return _NAN
    return float(np.corrcoef(a, b)[0, 1])


def signed_differential_agreement(x: ArrayLike, y: ArrayLike) -> float:
    """How far two traces (N,) rise, fall and rest at the same times, in [-1, 1].

    The mean over steps of 1 where the signs of both differences are equal, else -1 (Booth &
    Narayanan 2020, doi 10.1145/3382507.3418860). No monotone distortion changes it. Steps
    with a NaN at either end are left out; NaN where none is left.
    """
    a, b = np.diff(np.asarray(x, np.float64)), np.diff(np.asarray(y, np.float64))
    known = ~(np.isnan(a) | np.isnan(b))
    if not known.any():
        return _NAN
    return float(2 * np.mean(np.sign(a[known]) == np.sign(b[known])) - 1)


def pairwise(
    measure: Callable[[NDArray[np.float64], NDArray[np.float64]], float], ratings: ArrayLike
) -> NDArray[np.float64]:
    """A measure of every two of R raters, ratings (R, N): symmetric (R, R), NaN on the diagonal."""
    table = np.asarray(ratings)
    found = np.full((len(table), len(table)), np.nan)
    for i in range(len(table)):
        for j in range(i):
            found[i, j] = found[j, i] = measure(table[i], table[j])
    return found


@dataclass(frozen=True)
class DawidSkene:
    """What the model of Dawid & Skene found of N items, R raters, K classes.

    posterior: (N, K); NaN where nobody judged an item. prevalence: (K,). confusion: (R, K, K), the
    chance that a rater says the second class where the first is true.
    """

    posterior: NDArray[np.float64]
    prevalence: NDArray[np.float64]
    confusion: NDArray[np.float64]


def dawid_skene(votes: ArrayLike, rounds: int = 200, tolerance: float = 1e-7) -> DawidSkene:
    """Estimate classes and raters' errors together by EM (Dawid & Skene 1979).

    votes: (N, R, K), how often a rater said each class of an item. It starts from the shares of
    votes, and ends where the posterior moves by less than `tolerance`. Raises InputError for
    another shape.
    """
    table = np.asarray(votes, np.float64)
    if table.ndim != 3:
        raise InputError(f"votes of shape {table.shape}: give items, raters and classes")
    said = table.sum((1, 2)) > 0
    table = table[said]
    first, inverse, many = _patterns(table)  # frames of a video repeat a few
    distinct, weight = table[first], many[:, None].astype(np.float64)
    shares = distinct.sum(1)
    belief = shares / shares.sum(1, keepdims=True)
    prevalence, confusion = _maximised(distinct, belief * weight)
    for _ in range(rounds):
        before = belief
        log = np.log(prevalence + 1e-300) + np.einsum(
            "nrk,rjk->nj", distinct, np.log(confusion + 1e-300)
        )
        belief = np.exp(log - log.max(1, keepdims=True))
        belief /= belief.sum(1, keepdims=True)
        prevalence, confusion = _maximised(distinct, belief * weight)
        if np.abs(belief - before).max(initial=0.0) < tolerance:
            break
    posterior = np.full((len(said), np.shape(votes)[2]), np.nan)
    posterior[said] = belief[inverse]
    return DawidSkene(posterior, prevalence, confusion)


def _patterns(table: NDArray[np.float64]) -> tuple[NDArray[np.intp], ...]:
    """First place of each distinct entry of `table`, which of them each is, and how many."""
    key = np.zeros(len(table), np.int64)
    for column in table.reshape(len(table), -1).T:
        values, code = np.unique(column, return_inverse=True)
        if len(values) < 2:
            continue
        key = key * len(values) + code
        if key.max(initial=0) > 2**40:
            key = np.unique(key, return_inverse=True)[1]
    return np.unique(key, return_index=True, return_inverse=True, return_counts=True)[1:]


def _maximised(
    votes: NDArray[np.float64], belief: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    confusion = np.einsum("nj,nrk->rjk", belief, votes)
    total = confusion.sum(2, keepdims=True)
    confusion = np.where(total > 0, confusion / np.where(total > 0, total, 1), 1 / votes.shape[2])
    return belief.sum(0) / max(belief.sum(), 1e-300), confusion
