"""Do two courses agree: two people, two models, or a model and an annotation?"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.analysis.courses import Course
from mien.errors import InputError
from mien.metrics.continuous import ccc, rmse

Array = NDArray[np.float64]
GAP_S = 0.5
"""Values are not interpolated over longer gaps."""
NAN = float("nan")


@dataclass(frozen=True)
class Agreement:
    """Of one signal, over the `n` moments in which both say something.

    r: Pearson. ccc: Lin. bias: mean of B - A; low, high: its 95 % limits of agreement (Bland &
    Altman 1986: bias ∓ 1.96 standard deviations). lag_s: by how much B comes after A where they
    correlate best, lag_r that correlation; NaN of photographs. a, b: (n,) the values; time_s: (n,).
    """

    signal: str
    n: int
    r: float
    ccc: float
    rmse: float
    bias: float
    low: float
    high: float
    lag_s: float
    lag_r: float
    time_s: Array
    a: Array
    b: Array

    def numbers(self) -> dict[str, float | int]:
        """The scores by name."""
        names = ("n", "r", "ccc", "rmse", "bias", "low", "high", "lag_s", "lag_r")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True)
class NominalAgreement:
    """Of presences or classes: share of agreement, Cohen's kappa, counts by pair of names."""

    signal: str
    n: int
    agreement: float
    kappa: float
    counts: Mapping[tuple[str, str], int]


@dataclass(frozen=True)
class Comparison:
    """a, b: the names. notes: what was chosen of several."""

    a: str
    b: str
    continuous: list[Agreement]
    nominal: list[NominalAgreement]
    notes: list[str]


def compare_courses(a: Course, b: Course, most_lag_s: float = 2.0) -> Comparison:
    """Compare every signal that both have; raises InputError where there is none in common.

    Videos are compared at A's moments, B interpolated between its own; photographs by their names.
    """
    names = [name for name in a.numbers if name in b.numbers]
    classes = [name for name in a.classes if name in b.classes]
    if not names and not classes:
        raise InputError(
            f"{a.name} and {b.name} have no signal in common: "
            f"{', '.join([*a.numbers, *a.classes])} against {', '.join([*b.numbers, *b.classes])}"
        )
    rows, times = _paired(a, b)
    found, nominal = [], []
    for name in names:
        if a.time_s is not None and b.time_s is not None:
            other = interpolated(a.time_s, b.time_s, b.numbers[name])
            mine = a.numbers[name]
        else:
            mine, other = a.numbers[name][rows[0]], b.numbers[name][rows[1]]
        if name.endswith("_c"):
            other = np.round(other)  # of two frames a presence is the nearer one's
            nominal.append(_nominal(name, _words(mine), _words(other)))
            continue
        lag = best_lag(a, b, name, most_lag_s)
        found.append(_agreement(name, times, mine, other, lag))
    for name in classes:
        said = [a.classes[name][i] for i in rows[0]], [b.classes[name][i] for i in rows[1]]
        nominal.append(_nominal(name, *said))
    notes = [course.note for course in (a, b) if course.note]
    return Comparison(a.name, b.name, found, nominal, notes)


def _paired(a: Course, b: Course) -> tuple[tuple[list[int], list[int]], Array]:
    """Rows that belong together, and the times at which numbers are compared."""
    if a.time_s is not None and b.time_s is not None:
        near = np.clip(np.searchsorted(b.time_s, a.time_s), 1, max(len(b.time_s) - 1, 1))
        left = np.abs(b.time_s[near - 1] - a.time_s) <= np.abs(
            b.time_s[np.minimum(near, len(b.time_s) - 1)] - a.time_s
        )
        nearest = np.where(left, near - 1, np.minimum(near, len(b.time_s) - 1))
        close = np.abs(b.time_s[nearest] - a.time_s) <= GAP_S / 2
        both = np.flatnonzero(close)
        return (both.tolist(), nearest[both].tolist()), a.time_s
    if (a.time_s is None) != (b.time_s is None):
        raise InputError(f"{a.name} and {b.name}: one has times and the other none")
    places = {key: i for i, key in enumerate(b.keys)}
    twice = len(places) < len(b.keys) or len(set(a.keys)) < len(a.keys)
    if twice:
        raise InputError("photographs with several faces cannot be told apart; name --person")
    rows = [(i, places[key]) for i, key in enumerate(a.keys) if key in places]
    if not rows:
        raise InputError(f"{a.name} and {b.name} have no photograph in common")
    mine, other = zip(*rows, strict=True)
    return (list(mine), list(other)), np.full(len(rows), np.nan)


def interpolated(at_s: Array, time_s: Array, values: Array) -> Array:
    """Values (T,) at other times; NaN outside, and across gaps longer than `GAP_S`."""
    known = np.isfinite(values)
    if not known.any():
        return np.full(len(at_s), np.nan)
    times, values = time_s[known], values[known]
    found = np.interp(at_s, times, values, left=np.nan, right=np.nan)
    after = np.clip(np.searchsorted(times, at_s), 0, len(times) - 1)
    before = np.clip(np.searchsorted(times, at_s, "right") - 1, 0, len(times) - 1)
    return np.where(times[after] - times[before] > GAP_S, np.nan, found)


def best_lag(a: Course, b: Course, name: str, most_s: float) -> tuple[float, float]:
    """By how many seconds B comes after A where their correlation is highest, and that."""
    if a.time_s is None or b.time_s is None or len(a.time_s) < 3:
        return NAN, NAN
    step = float(np.median(np.diff(a.time_s)))
    steps = int(min(most_s / step, 500))
    best = (NAN, NAN)
    for lag in sorted(range(-steps, steps + 1), key=abs):
        other = interpolated(a.time_s + lag * step, b.time_s, b.numbers[name])
        r = pearson(a.numbers[name], other)
        if np.isfinite(r) and not r <= best[1] + 1e-9:
            best = (lag * step, r)
    return best


def pearson(a: Array, b: Array) -> float:
    """Correlation over the pairs without NaN; NaN of fewer than three, or of constants."""
    known = np.isfinite(a) & np.isfinite(b)
    if known.sum() < 3 or a[known].std() < 1e-12 or b[known].std() < 1e-12:
        return NAN
    return float(np.corrcoef(a[known], b[known])[0, 1])


def _agreement(name: str, time_s: Array, a: Array, b: Array, lag: tuple[float, float]) -> Agreement:
    known = np.isfinite(a) & np.isfinite(b)
    a, b, time_s = a[known], b[known], time_s[known]
    apart = b - a
    bias = float(apart.mean()) if len(apart) else NAN
    spread = 1.96 * float(apart.std(ddof=1)) if len(apart) > 1 else NAN
    return Agreement(
        name, len(a), pearson(a, b), ccc(b, a), rmse(b, a), bias, bias - spread, bias + spread,
        *lag, time_s, a, b,
    )  # fmt: skip


def _words(values: Array) -> list[str | None]:
    return [None if np.isnan(v) else "present" if v >= 0.5 else "absent" for v in values]


def _nominal(name: str, a: list[str | None], b: list[str | None]) -> NominalAgreement:
    counts: dict[tuple[str, str], int] = {}
    for one, other in zip(a, b, strict=True):
        if one is not None and other is not None:
            counts[one, other] = counts.get((one, other), 0) + 1
    n = sum(counts.values())
    if not n:
        return NominalAgreement(name, 0, NAN, NAN, counts)
    same = sum(c for (one, other), c in counts.items() if one == other) / n
    names = {name for pair in counts for name in pair}
    chance = (
        sum(
            sum(c for (one, _), c in counts.items() if one == k)
            * sum(c for (_, other), c in counts.items() if other == k)
            for k in names
        )
        / n**2
    )
    kappa = (same - chance) / (1 - chance) if chance < 1 else NAN
    return NominalAgreement(name, n, same, kappa, counts)
