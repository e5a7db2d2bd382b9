"""Detection of one Action Unit: precision, recall, F1, accuracy (au-va-thesis, eq. 3.3 to 3.6)."""

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import ArrayLike

NAN = float("nan")


@dataclass(frozen=True)
class DetectionScores:
    """Scores of one binary label. All NaN where nothing is labelled.

    precision, recall and f1 are NaN as well where no face has the unit and none is said to; a
    precision of nothing found, where there was something to find, is 0.
    """

    precision: float
    recall: float
    f1: float
    accuracy: float
    positives: int
    labelled: int

    def as_dict(self) -> dict[str, float | int]:
        """Return the fields by name."""
        return asdict(self)


def detection_scores(
    probability: ArrayLike, target: ArrayLike, threshold: float = 0.5
) -> DetectionScores:
    """Compare probabilities with presence.

    probability: (N,) in [0, 1]; NaN counts as not predicted and is left out.
    target: (N,) 1 present, 0 absent, anything negative unlabelled.
    threshold: a probability at or above it says present.
    """
    probability, target = np.asarray(probability, np.float64), np.asarray(target)
    known = (target >= 0) & ~np.isnan(probability)
    said, true = probability[known] >= threshold, target[known] == 1
    labelled, positives = int(known.sum()), int(true.sum())
    if labelled == 0:
        return DetectionScores(NAN, NAN, NAN, NAN, 0, 0)
    hits, claims = int((said & true).sum()), int(said.sum())
    if claims + positives == 0:
        precision = recall = f1 = NAN
    else:
        precision = hits / claims if claims else 0.0
        recall = hits / positives if positives else NAN
        f1 = 2 * hits / (claims + positives)
    return DetectionScores(precision, recall, f1, float(np.mean(said == true)), positives, labelled)
