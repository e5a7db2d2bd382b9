"""One face's analysis as arrays over time, and the moments at which it turns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.signal import find_peaks

from mien.labels.table_columns import span

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Trace:
    """A face over time. time_s: (T,). signals: name to (T,), NaN where nothing is said."""

    time_s: Array
    signals: Mapping[str, Array]

    def known(self, names: Sequence[str]) -> list[str]:
        """Those of the names that have at least one value."""
        return [n for n in names if n in self.signals and np.isfinite(self.signals[n]).any()]


@dataclass(frozen=True)
class TurningPoint:
    """A moment at which a signal turns. prominence: by how much it stands out."""

    time_s: float
    signal: str
    value: float
    rising: bool
    prominence: float


def turning_points(
    trace: Trace,
    names: Sequence[str],
    most: int = 8,
    apart_s: float = 0.8,
    smooth_s: float = 0.25,
    least: float = 0.1,
) -> list[TurningPoint]:
    """Find the peaks and valleys that stand out most, in order of time.

    Signals are smoothed over `smooth_s`; a turn stands out by at least `least` of its column's
    scale (`columns.span`). Two turns kept are `apart_s` apart.
    """
    if len(trace.time_s) < 3:
        return []
    step = float(np.median(np.diff(trace.time_s))) or 1 / 30
    found = []
    for name in trace.known(names):
        values = _interpolated(trace.signals[name])
        smooth = gaussian_filter1d(values, max(smooth_s / step, 0.5), mode="nearest")
        scale = span(name)
        for sign in (1, -1):
            peaks, about = find_peaks(sign * smooth, prominence=least * scale)
            for peak, prominence in zip(peaks, about["prominences"], strict=True):
                found.append(
                    TurningPoint(
                        float(trace.time_s[peak]),
                        name,
                        float(smooth[peak]),
                        sign > 0,
                        float(prominence) / scale,
                    )
                )
    kept: list[TurningPoint] = []
    for point in sorted(found, key=lambda p: -p.prominence):
        if len(kept) < most and all(abs(point.time_s - k.time_s) >= apart_s for k in kept):
            kept.append(point)
    return sorted(kept, key=lambda p: p.time_s)


def _interpolated(values: Array) -> Array:
    known = np.flatnonzero(np.isfinite(values))
    return np.interp(np.arange(len(values)), known, values[known])


def thinned(trace: Trace, most: int = 2000) -> Trace:
    """Average neighbouring frames so that at most `most` points are left."""
    n = len(trace.time_s)
    if n <= most:
        return trace
    edges = np.linspace(0, n, most + 1).astype(int)[:-1]
    counts = np.diff([*edges, n])
    signals = {}
    for name, values in trace.signals.items():
        known = np.isfinite(values)
        sums = np.add.reduceat(np.where(known, values, 0), edges)
        with np.errstate(invalid="ignore"):
            signals[name] = sums / np.add.reduceat(known, edges)
    times = np.add.reduceat(trace.time_s, edges) / counts
    return Trace(times, signals)
