"""How late an annotator is: found from what was said, and nothing else.

A trace follows what the face does by the annotator's reaction time, while Action Units and
expressions are marked frame by frame, without any. So the lag is the shift at which the marks of
all annotators explain the trace best (after Mariooryad & Busso 2015, who take the shift at which
features of the face do). Without marks, only the difference between annotators can be found.
"""

from collections.abc import Sequence

import numpy as np

from mien.annotation.items import Floats

STEP_S = 0.04
LONGEST_S = 5.0
_RIDGE = 1.0


def shifts() -> Floats:
    """The lags that are tried, in seconds."""
    return np.arange(round(LONGEST_S / STEP_S) + 1) * STEP_S


def lag_behind(targets: Sequence[Floats], traces: Sequence[Sequence[Floats]]) -> float | None:
    """The shift at which some signals explain an annotator's traces best, by least squares.

    targets: per video (N, K), NaN where unknown. traces: per dimension and video (N, S), its values
    at each time plus each of S shifts, NaN where it says nothing. None where nothing varies.
    """
    inputs = np.concatenate([np.nan_to_num(t) for t in targets])
    inputs = inputs[:, np.ptp(inputs, axis=0) > 0] if len(inputs) else inputs
    if inputs.shape[1] == 0:
        return None
    inputs = np.column_stack([inputs, np.ones(len(inputs))])
    left = []
    for of_dimension in traces:
        values = np.concatenate(list(of_dimension))
        found = np.array([_unexplained(inputs, values[:, i]) for i in range(values.shape[1])])
        if np.isfinite(found).any():
            left.append(found)
    return float(np.nanargmin(np.sum(left, axis=0)) * STEP_S) if left else None


def _unexplained(inputs: Floats, values: Floats) -> float:
    """Share of the variance that a ridge regression leaves; NaN where there is none."""
    known = ~np.isnan(values)
    x, y = inputs[known], values[known]
    if len(y) < 2 * x.shape[1] or np.ptp(y) == 0:
        return float("nan")
    weights = np.linalg.solve(x.T @ x + _RIDGE * np.eye(x.shape[1]), x.T @ y)
    return float(np.mean((y - x @ weights) ** 2) / y.var())
