"""Do probabilities mean what they say: reliability and calibration error."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

BINS = 10
NAN = float("nan")


@dataclass(frozen=True)
class Reliability:
    """Probabilities in bins of equal width over [0, 1]; NaN in bins without a face.

    said: (B,) mean probability. came_true: (B,) share that came true. faces: (B,) in each bin.
    expected_error: mean of |said - came true|, each bin weighted by its faces (ECE; Naeini et al.
    2015, Guo et al. 2017). largest_error: the largest of a bin. brier: mean squared error of the
    probabilities (Brier 1950).
    """

    said: NDArray[np.float64]
    came_true: NDArray[np.float64]
    faces: NDArray[np.int64]
    expected_error: float
    largest_error: float
    brier: float


def reliability(probability: ArrayLike, came_true: ArrayLike, bins: int = BINS) -> Reliability:
    """Compare probabilities (N,) in [0, 1] with what came true (N,): 1, 0, NaN unknown.

    Pairs with a NaN are left out; errors are NaN of none. A probability of 1 is in the last bin.
    """
    p, true = np.asarray(probability, np.float64), np.asarray(came_true, np.float64)
    known = ~np.isnan(p) & ~np.isnan(true)
    p, true = p[known], true[known]
    place = np.clip((p * bins).astype(int), 0, bins - 1)
    faces = np.bincount(place, minlength=bins)
    with np.errstate(invalid="ignore"):
        said = np.bincount(place, p, bins) / faces
        share = np.bincount(place, true, bins) / faces
    gaps = np.abs(said - share)[faces > 0]
    if len(p) == 0:
        return Reliability(said, share, faces, NAN, NAN, NAN)
    expected = float((gaps * faces[faces > 0]).sum() / len(p))
    return Reliability(
        said, share, faces, expected, float(gaps.max()), float(((p - true) ** 2).mean())
    )
