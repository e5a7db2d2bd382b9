"""All heads at once: the one table of scores that training, evaluation and reports share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.labels.action_units import column
from mien.labels.arrays import LabelArrays
from mien.metrics.classification import classification_scores
from mien.metrics.continuous import ccc, mse, rmse
from mien.metrics.detection import detection_scores

DEFINITION = "CCC: Lin, population variances, whole split; F1 at threshold 0.5"


@dataclass(frozen=True)
class Predictions:
    """What a recogniser says of N faces; NaN in the outputs it never learned.

    valence_arousal: (N, 2) float32.
    au_probability: (N, A) float32 in [0, 1].
    expression_probability: (N, E) float32, rows sum to 1.
    fake_probability: (N,) float32 in [0, 1], for a discriminator.
    """

    aus: tuple[int, ...]
    expressions: tuple[str, ...]
    valence_arousal: NDArray[np.float32]
    au_probability: NDArray[np.float32]
    expression_probability: NDArray[np.float32]
    fake_probability: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.fake_probability)

    def __getitem__(self, faces: slice) -> "Predictions":
        """Return the predictions of some of the faces."""
        return Predictions(
            self.aus,
            self.expressions,
            self.valence_arousal[faces],
            self.au_probability[faces],
            self.expression_probability[faces],
            self.fake_probability[faces],
        )

    def expression_index(self) -> NDArray[np.int64]:
        """Return the likeliest expression of each face, (N,); -1 where none was learned."""
        if self.expression_probability.shape[1] == 0:
            return np.full(len(self), -1)
        unknown = np.isnan(self.expression_probability).any(axis=1)
        best = np.nan_to_num(self.expression_probability).argmax(axis=1)
        return np.where(unknown, -1, best)


def affect_scores(predictions: Predictions, labels: LabelArrays) -> dict[str, Any]:
    """Score every head over a split; `labels` must be aligned to the predictions' lists.

    Returns nested plain values, NaN where nothing is labelled or learned.
    """
    truth = labels.aligned(predictions.aus, predictions.expressions)
    continuous = {
        name: {
            "ccc": ccc(predictions.valence_arousal[:, i], truth.valence_arousal[:, i]),
            "mse": mse(predictions.valence_arousal[:, i], truth.valence_arousal[:, i]),
            "rmse": rmse(predictions.valence_arousal[:, i], truth.valence_arousal[:, i]),
            "labelled": int((~np.isnan(truth.valence_arousal[:, i])).sum()),
        }
        for i, name in enumerate(("valence", "arousal"))
    }
    units = {
        column(au): detection_scores(predictions.au_probability[:, i], truth.au[:, i]).as_dict()
        for i, au in enumerate(predictions.aus)
    }
    mean_f1 = mean_known(row["f1"] for row in units.values())
    mean_accuracy = mean_known(row["accuracy"] for row in units.values())
    faces = classification_scores(
        predictions.expression_index(), truth.expression, len(predictions.expressions)
    )
    return {
        **continuous,
        "au": {
            "units": units,
            "mean_f1": mean_f1,
            "weighted_f1": weighted_f1(list(units.values())),
            "mean_accuracy": mean_accuracy,
            "mean": (mean_f1 + mean_accuracy) / 2,
        },
        "expression": {
            "accuracy": faces.accuracy,
            "macro_f1": faces.macro_f1,
            "weighted_f1": faces.weighted_f1,
            "f1": dict(zip(predictions.expressions, faces.f1.tolist(), strict=True)),
            "confusion": faces.confusion.tolist(),
            "labels": list(predictions.expressions),
            "labelled": int((truth.expression >= 0).sum()),
        },
    }


def weighted_f1(units: Sequence[Mapping[str, float | int]]) -> float:
    """Mean of the units' F1, each weighted by how often it is present (kollias-2018, section
    IV-D)."""
    known = [row for row in units if not np.isnan(row["f1"]) and row["positives"]]
    positives = sum(row["positives"] for row in known)
    if not positives:
        return float("nan")
    return float(sum(row["f1"] * row["positives"] for row in known) / positives)


HEADLINE = "mean of VA CCC, AU mean F1 and expression macro F1, over the heads that have labels"


def headline(scores: Mapping[str, Any]) -> float:
    """One number to choose a checkpoint by (`HEADLINE` says which); NaN without any label."""
    va = mean_known((scores["valence"]["ccc"], scores["arousal"]["ccc"]))
    return mean_known((va, scores["au"]["mean_f1"], scores["expression"]["macro_f1"]))


def mean_known(values: Any) -> float:
    """Mean of the values that are not NaN; NaN where there is none."""
    known = [v for v in values if not np.isnan(v)]
    return float(np.mean(known)) if known else float("nan")
