"""Smoothing of a finished table over time: no lag, uneven frame times, gaps stay gaps.

A line is fitted around each moment by least squares, weighted with a Gaussian of the distance in
time (Cleveland & Loader 1996, "Smoothing by local regression", degree 1), and its value there is
taken. The weights look back and ahead alike, so that nothing is delayed; a steady rise stays as it
is, up to the first and last frame; distances are the frames' own times, whatever their rate.
"""

import numpy as np
from numpy.typing import NDArray

from mien.analysis.affect_table import AffectTable
from mien.labels.kinds import THRESHOLD
from mien.labels.table_columns import CLASS

Array = NDArray[np.float64]
GAP_S = 0.5
"""A person who is away longer is smoothed anew: before and after do not mix."""
_REACH = 3.0
"""Standard deviations after which weights are 0."""
_HALF_HEIGHT = 2.0 * np.sqrt(2.0 * np.log(2.0))


def smooth(table: AffectTable, width_s: float) -> AffectTable:
    """Smooth everything that the model says of each person of the videos.

    width_s: width of the weights at half their height, in seconds. Presence (`AU12_c`) and the
    likeliest expression are told anew from the smoothed probabilities; probabilities, shares and
    intensities stay in their ranges. Cells that were empty stay empty; photographs stay as they
    are.
    """
    names = list(table.columns.signals)
    values = table.stacked(names)
    for person in table.people():
        if person.moving:
            values[person.rows] = smoothed(person.time_s, values[person.rows], width_s)
    return retold(table, dict(zip(names, values.T, strict=True)))


def smoothed(time_s: Array, values: Array, width_s: float) -> Array:
    """Smooth (T, K) over rising times (T,) in seconds; NaN is left out and stays NaN."""
    found = np.full(values.shape, np.nan)
    starts = np.flatnonzero(np.diff(time_s) > max(GAP_S, width_s)) + 1
    for part in np.split(np.arange(len(time_s)), starts):
        found[part] = _local_lines(time_s[part], values[part], width_s / _HALF_HEIGHT)
    return np.where(np.isnan(values), np.nan, found)


def _local_lines(time_s: Array, values: Array, deviation_s: float) -> Array:
    """Weighted least squares by sums over neighbours, one distance in frames after another."""
    n, known = len(time_s), ~np.isnan(values)
    sums = [np.zeros(values.shape) for _ in range(5)]  # of w, wd, wd², wv, wdv
    ends = np.searchsorted(time_s, time_s + _REACH * deviation_s, "right")
    reach = int((ends - np.arange(n)).max(initial=1)) - 1
    filled = np.where(known, values, 0.0)
    for step in range(-reach, reach + 1):
        here = slice(max(-step, 0), n - max(step, 0))
        there = slice(max(step, 0), n - max(-step, 0))
        apart = (time_s[there] - time_s[here])[:, None]
        weight = np.exp(-0.5 * (apart / deviation_s) ** 2) * known[there]
        weight *= np.abs(apart) <= _REACH * deviation_s
        for total, part in zip(
            sums, (weight, weight * apart, weight * apart**2,
                   weight * filled[there], weight * apart * filled[there]), strict=True,
        ):  # fmt: skip
            total[here] += part
    w, wd, wdd, wv, wdv = sums
    spread = w * wdd - wd**2
    lone = spread <= 1e-9 * np.maximum(w * deviation_s, 1e-300) ** 2  # one neighbour alone: no line
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(lone, wv / w, (wdd * wv - wd * wdv) / spread)


def retold(table: AffectTable, values: dict[str, Array]) -> AffectTable:
    """Put changed signals back: in their ranges, with presence and expression told from them."""
    columns, found = table.columns, dict[str, object]()
    for name in columns.axes:
        found[name] = values[name]
    for name in columns.presence:
        found[name] = np.clip(values[name], 0, 1)
    for name in columns.intensity:
        found[name] = np.clip(values[name], 0, 5)
    for name in columns.presence:
        if (said := name[:-2] + "_c") in table.table.column_names:
            shown = np.asarray(found[name])
            found[said] = [None if np.isnan(p) else int(p >= THRESHOLD) for p in shown]
    if columns.classes:
        shares = np.clip(np.stack([values[name] for name in columns.classes], 1), 0, None)
        with np.errstate(invalid="ignore", divide="ignore"):
            shares = shares / shares.sum(1, keepdims=True)
        known = np.isfinite(shares).all(1)
        best = np.where(known, np.nan_to_num(shares).argmax(1), -1)
        found |= dict(zip(columns.classes, shares.T, strict=True))
        found[CLASS] = [None if i < 0 else columns.classes[i] for i in best]
    return table.with_columns(found)
