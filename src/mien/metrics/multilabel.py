"""Several units of one face at once: the measures of bartissol-2017, section 2.4.6.

"Total accuracy" has two readings: the text defines a face as right where all of its units are
(`exact_match`, section 2.4.6.3), and prints the share of all decisions that are right (Tables 3 and
5, whose total and partial accuracies agree to six digits; eq. 17 over Table 4's counts).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from mien.metrics.detection import Counts
from mien.metrics.ranking import roc_auc

NAN = float("nan")


@dataclass(frozen=True)
class MultilabelScores:
    """Scores over the decisions on all units together; NaN where nothing is labelled.

    exact_match: share of faces all of whose labelled units are right ("total accuracy" as defined).
    pooled_accuracy: share of decisions that are right ("total accuracy" as printed).
    partial_accuracy: mean over faces of the share of its units that are right (eq. 18).
    auc: of the probabilities; auc_thresholded: of the decisions.
    """

    exact_match: float
    pooled_accuracy: float
    partial_accuracy: float
    recall: float
    specificity: float
    precision: float
    f1: float
    auc: float
    auc_thresholded: float
    true_positives: int
    false_positives: int
    true_negatives: int
    false_negatives: int


def multilabel_scores(
    probability: ArrayLike, target: ArrayLike, threshold: float = 0.5
) -> MultilabelScores:
    """Compare probabilities (N, K) in [0, 1] with presence (N, K): 1, 0, NaN unlabelled.

    A pair with a NaN is left out; a face with no pair left counts for nothing.
    """
    probability, target = np.asarray(probability, np.float64), np.asarray(target, np.float64)
    known = ~np.isnan(probability) & ~np.isnan(target)
    said, true = probability >= threshold, target == 1
    found = Counts.of(said[known], true[known])
    each = known.sum(1)
    right = ((said == true) & known).sum(1)[each > 0]
    each = each[each > 0]
    return MultilabelScores(
        exact_match=float((right == each).mean()) if len(each) else NAN,
        pooled_accuracy=found.accuracy,
        partial_accuracy=float((right / each).mean()) if len(each) else NAN,
        recall=found.recall,
        specificity=found.specificity,
        precision=found.precision,
        f1=found.f1,
        auc=roc_auc(probability[known], target[known]),
        auc_thresholded=found.auc_thresholded,
        true_positives=found.tp,
        false_positives=found.fp,
        true_negatives=found.tn,
        false_negatives=found.fn,
    )
