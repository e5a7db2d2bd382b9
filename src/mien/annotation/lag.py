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
_COARSE = 5
"""Every so many shifts are tried first; then those around the best of them."""


def shifts() -> Floats:
    """The lags that are tried, in seconds."""
    return np.arange(round(LONGEST_S / STEP_S) + 1, dtype=np.float64) * STEP_S


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
    values = [np.concatenate(list(of_dimension)) for of_dimension in traces]
    values = [v for v in values if np.nanmax(v, initial=-9) > np.nanmin(v, initial=9)]

    def left(shift: int) -> float:
        return sum(_unexplained(inputs, v[:, shift]) for v in values)

    many = values[0].shape[1] if values else 0
    coarse = {i: left(i) for i in range(0, many, _COARSE)}
    if not any(map(np.isfinite, coarse.values())):
        return None
    near = min(coarse, key=lambda i: coarse[i] if np.isfinite(coarse[i]) else np.inf)
    fine = {i: left(i) for i in range(max(near - _COARSE, 0), min(near + _COARSE + 1, many))}
    best = min(fine, key=lambda i: fine[i] if np.isfinite(fine[i]) else np.inf)
    return best * STEP_S


def _unexplained(inputs: Floats, values: Floats) -> float:
    """Share of the variance that a ridge regression leaves; NaN where there is none."""
    known = ~np.isnan(values)
    x, y = inputs[known], values[known]
    if len(y) < 2 * x.shape[1] or np.ptp(y) == 0:
        return float("nan")
    weights = np.linalg.solve(x.T @ x + _RIDGE * np.eye(x.shape[1]), x.T @ y)
    return float(np.mean((y - x @ weights) ** 2) / y.var())
