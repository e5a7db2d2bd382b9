"""All heads at once: the one table of scores that training, evaluation and reports share."""

from collections.abc import Mapping
from typing import Any

from mien.labels.arrays import Labels, Predictions
from mien.labels.heads import HEADS
from mien.metrics.heads import HEAD_SCORES, mean_known

DEFINITION = "CCC: Lin, population variances, whole split; F1 at threshold 0.5"
HEADLINE = (
    "mean over the heads that have labels: CCC of continuous ones, mean F1 of units, macro F1 of "
    "classes"
)


def affect_scores(predictions: Predictions, labels: Labels) -> dict[str, Any]:
    """Score every head over a split.

    Returns nested plain values by head's name, NaN where nothing is labelled or learned. A head
    that predicts what the labels lack is scored too: all NaN.
    """
    truth = labels.aligned(predictions.heads)
    return {
        head.name: HEAD_SCORES[head.type.kind].scores(
            predictions[head.name], truth[head.name], head.outputs
        )
        for head in predictions.heads
    }


def headline(scores: Mapping[str, Any]) -> float:
    """One number to choose a checkpoint by (`HEADLINE` says which); NaN without any label."""
    return mean_known(
        HEAD_SCORES[HEADS[name].kind].headline(found) for name, found in scores.items()
    )


def flat_scores(scores: Mapping[str, Any]) -> dict[str, float]:
    """The scores that are worth a curve, by `head/score`."""
    return {
        f"{name}/{key}": value
        for name, found in scores.items()
        for key, value in HEAD_SCORES[HEADS[name].kind].flat(found).items()
    }
