"""How sure a score is: people drawn again and again, and two recognisers on the same people.

Faces of one person are alike, so people are drawn, not faces (a cluster bootstrap; Field and Welsh
2007): an interval over faces would be far too narrow.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]
Scores = Callable[[Doubles], Mapping[str, Doubles]]
"""Scores by name, each (R,), of sums (R, S): see `sums.KindSums`."""

REPEATS = 1000
LEVEL = 0.95
_AT_ONCE = 2**21
"""Weights drawn at once: memory stays small where groups are many."""


@dataclass(frozen=True)
class Interval:
    """A score with its percentile interval at `LEVEL`; NaN where fewer than two groups know it."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Difference:
    """Two recognisers' scores on the same faces. first, second: their scores.

    low, high: interval of first - second. p: two-sided, of a permutation test in which each group's
    predictions are exchanged between the two with even chance; the least possible is
    1 / (repeats + 1).
    """

    first: float
    second: float
    difference: float
    low: float
    high: float
    p: float


def intervals(
    sums: Doubles, scores: Scores, repeats: int = REPEATS, seed: int = 0
) -> dict[str, Interval]:
    """Interval of every score. sums: (G, S) of groups, which are drawn with replacement.

    Groups of which nothing is known are not drawn; of one group alone there is no interval.
    """
    sums = sums[_known(sums)]
    values = scores(sums.sum(0, keepdims=True))
    drawn = _stacked(scores(weights @ sums) for weights in _draws(len(sums), repeats, seed))
    enough = len(sums) > 1
    found = {}
    for name, value in values.items():
        low, high = _bounds(drawn[name]) if enough else (np.nan, np.nan)
        found[name] = Interval(float(value[0]), low, high)
    return found


def differences(
    first: Doubles, second: Doubles, scores: Scores, repeats: int = REPEATS, seed: int = 0
) -> dict[str, Difference]:
    """Compare two recognisers, whose sums (G, S) are of the same groups and faces."""
    known = _known(np.concatenate([first, second], 1))
    first, second = first[known], second[known]
    one, two = (scores(sums.sum(0, keepdims=True)) for sums in (first, second))
    drawn = _stacked(
        _apart(scores(w @ first), scores(w @ second)) for w in _draws(len(first), repeats, seed)
    )
    swapped = _stacked(
        _apart(scores(s @ first + (1 - s) @ second), scores((1 - s) @ first + s @ second))
        for s in _swaps(len(first), repeats, seed)
    )
    found = {}
    for name in one:
        a, b = float(one[name][0]), float(two[name][0])
        low, high = _bounds(drawn[name]) if len(first) > 1 else (np.nan, np.nan)
        found[name] = Difference(a, b, a - b, low, high, _p_value(a - b, swapped[name]))
    return found


def _known(sums: Doubles) -> NDArray[np.intp]:
    """Numbers of the groups of which anything is known; the first where it is none."""
    found = np.flatnonzero((sums != 0).any(1))
    return found if len(found) else np.arange(len(sums))[:1]


def _p_value(seen: float, swapped: Doubles) -> float:
    known = swapped[~np.isnan(swapped)]
    if np.isnan(seen) or len(known) == 0:
        return float("nan")
    return float((1 + (np.abs(known) >= abs(seen) - 1e-12).sum()) / (1 + len(known)))


def _bounds(values: Doubles) -> tuple[float, float]:
    known = values[~np.isnan(values)]
    if len(known) == 0:
        return float("nan"), float("nan")
    rest = 50 * (1 - LEVEL)
    low, high = np.percentile(known, [rest, 100 - rest])
    return float(low), float(high)


def _apart(first: Mapping[str, Doubles], second: Mapping[str, Doubles]) -> dict[str, Doubles]:
    return {name: first[name] - second[name] for name in first}


def _stacked(parts: Iterator[Mapping[str, Doubles]]) -> dict[str, Doubles]:
    found: dict[str, list[Doubles]] = {}
    for part in parts:
        for name, values in part.items():
            found.setdefault(name, []).append(values)
    return {name: np.concatenate(values) for name, values in found.items()}


def _draws(groups: int, repeats: int, seed: int) -> Iterator[Doubles]:
    """How often each group is drawn (R, G), a part of the repeats at a time."""
    source = np.random.default_rng((seed, 0))
    for rows in _portions(groups, repeats):
        yield source.multinomial(groups, np.full(groups, 1 / groups), rows).astype(np.float64)


def _swaps(groups: int, repeats: int, seed: int) -> Iterator[Doubles]:
    """1 where a group's predictions are exchanged (R, G)."""
    source = np.random.default_rng((seed, 1))
    for rows in _portions(groups, repeats):
        yield source.integers(0, 2, (rows, groups)).astype(np.float64)


def _portions(groups: int, repeats: int) -> Iterator[int]:
    most = max(1, _AT_ONCE // max(groups, 1))
    for start in range(0, repeats, most):
        yield min(most, repeats - start)
