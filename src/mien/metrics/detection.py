"""Detection of one Action Unit: counts, precision, recall, F1, accuracy (au-va-thesis, eq. 3.3 to
3.6; bartissol-2017, eq. 17 to 21) and the area under the ROC curve."""

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import ArrayLike

from mien.metrics.ranking import roc_auc, thresholded_auc

NAN = float("nan")


@dataclass(frozen=True)
class Counts:
    """Decisions on presence. tp: said and there; fp: said, not there; tn: neither; fn: missed."""

    tp: int
    fp: int
    tn: int
    fn: int

    @classmethod
    def of(cls, said: ArrayLike, true: ArrayLike) -> "Counts":
        """Count decisions; both (N,) of truth values."""
        said, true = np.asarray(said, bool), np.asarray(true, bool)
        tp, fp = int((said & true).sum()), int((said & ~true).sum())
        return cls(tp, fp, int((~said & ~true).sum()), int((~said & true).sum()))

    @property
    def accuracy(self) -> float:
        """Share of decisions that are right (bartissol-2017, eq. 17); NaN of none."""
        return _share(self.tp + self.tn, self.tp + self.fp + self.tn + self.fn)

    @property
    def recall(self) -> float:
        """Share of what is there that is found (eq. 19); NaN where nothing is there."""
        return _share(self.tp, self.tp + self.fn)

    @property
    def specificity(self) -> float:
        """Share of what is absent that is called absent; NaN where nothing is."""
        return _share(self.tn, self.tn + self.fp)

    @property
    def precision(self) -> float:
        """Share of what is said that is there (eq. 20).

        0 where nothing is said and something was there; NaN where neither.
        """
        if self.tp + self.fp == 0:
            return 0.0 if self.fn else NAN
        return self.tp / (self.tp + self.fp)

    @property
    def f1(self) -> float:
        """Harmonic mean of recall and precision (eq. 21); NaN where nothing is said nor there."""
        return _share(2 * self.tp, 2 * self.tp + self.fp + self.fn)

    @property
    def auc_thresholded(self) -> float:
        """Area under the curve of decisions: what bartissol-2017 prints as AUC."""
        return thresholded_auc(self.recall, self.specificity)


@dataclass(frozen=True)
class DetectionScores:
    """Scores of one binary label. All NaN where nothing is labelled.

    precision, recall and f1 are NaN as well where no face has the unit and none is said to; a
    precision of nothing found, where there was something to find, is 0. auc: of the probabilities;
    auc_thresholded: of the decisions.
    """

    precision: float
    recall: float
    f1: float
    accuracy: float
    positives: int
    labelled: int
    specificity: float
    auc: float
    auc_thresholded: float
    true_positives: int
    false_positives: int
    true_negatives: int
    false_negatives: int

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
    counts = Counts.of(probability[known] >= threshold, target[known] == 1)
    return DetectionScores(
        precision=counts.precision,
        recall=counts.recall,
        f1=counts.f1,
        accuracy=counts.accuracy,
        positives=counts.tp + counts.fn,
        labelled=int(known.sum()),
        specificity=counts.specificity,
        auc=roc_auc(probability[known], target[known]),
        auc_thresholded=counts.auc_thresholded,
        true_positives=counts.tp,
        false_positives=counts.fp,
        true_negatives=counts.tn,
        false_negatives=counts.fn,
    )


def _share(part: int, whole: int) -> float:
    return part / whole if whole else NAN
