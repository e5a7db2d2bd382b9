"""Labels in the plane of valence and arousal: histograms, density, each unit's place and line."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.curation.collection import Collection, Rows

BINS = 40
"""Bins of valence and of arousal, -1 to 1."""
EDGES = np.linspace(-1, 1, BINS + 1)
CELLS = 8
"""Cells a side, of the plane, that are looked at for what to collect next."""

Counts = NDArray[np.int64]


@dataclass(frozen=True)
class UnitLine:
    """A unit in the plane. au-va-thesis (section 3.1.4) reads off Figure 3.11: y = |x|.

    faces: that show it. valence, arousal: their means. slope, offset: least squares of arousal =
    slope |valence| + offset; the thesis's line is slope 1, offset 0. correlation: of |valence| and
    arousal. distance: root mean square of arousal - |valence|. NaN where there are too few.
    """

    unit: str
    faces: int
    valence: float
    arousal: float
    slope: float
    offset: float
    correlation: float
    distance: float


def affect_of(of: Collection) -> NDArray[np.float32]:
    """Valence and arousal (N, 2), NaN where missing."""
    pair = [of.labels.column("valence_arousal", name) for name in ("valence", "arousal")]
    return np.stack(pair, axis=1)


def histogram(values: NDArray[np.float32]) -> Counts:
    """Faces in each of `BINS` bins (BINS,)."""
    known = values[np.isfinite(values)]
    return np.bincount(_bin(known, BINS), minlength=BINS).astype(np.int64)


def density(affect: NDArray[np.float32], bins: int = BINS) -> Counts:
    """Faces (bins, bins) by arousal, from -1 up, then by valence."""
    known = affect[np.isfinite(affect).all(1)]
    cell = _bin(known[:, 1], bins) * bins + _bin(known[:, 0], bins)
    return np.bincount(cell, minlength=bins * bins).reshape(bins, bins).astype(np.int64)


def _bin(values: NDArray[np.float32], bins: int) -> Rows:
    return np.clip((values + 1) / 2 * bins, 0, bins - 1).astype(np.intp)


def unit_line(unit: str, affect: NDArray[np.float32]) -> UnitLine:
    """Fit the line through the faces (M, 2) that show a unit."""
    known = affect[np.isfinite(affect).all(1)].astype(np.float64)
    x, y = np.abs(known[:, 0]), known[:, 1]
    nan = float("nan")
    if len(known) < 3 or np.ptp(x) < 1e-6:
        means = known.mean(0) if len(known) else np.full(2, nan)
        return UnitLine(unit, len(known), float(means[0]), float(means[1]), nan, nan, nan, nan)
    spread = x - x.mean()
    slope = float(spread @ (y - y.mean()) / (spread @ spread))
    flat = float(y.std()) < 1e-9
    return UnitLine(
        unit,
        len(known),
        float(known[:, 0].mean()),
        float(y.mean()),
        slope,
        float(y.mean() - slope * x.mean()),
        nan if flat else float(np.corrcoef(x, y)[0, 1]),
        float(np.sqrt(np.mean((y - x) ** 2))),
    )


def co_occurrence(shown: NDArray[np.bool_]) -> Counts:
    """Faces (K, K) that show two units together; each unit's own number on the diagonal."""
    found = shown.astype(np.float32)
    together: Counts = np.rint(found.T @ found).astype(np.int64)
    return together
