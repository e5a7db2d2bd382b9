"""Scores of every kind of head, over a whole split."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mien.labels.kinds import likeliest
from mien.metrics.classification import classification_scores
from mien.metrics.continuous import TEN, ccc, mse, pooled_mse, rmse
from mien.metrics.detection import detection_scores
from mien.metrics.multilabel import multilabel_scores

Floats = NDArray[np.float32]
Scores = dict[str, Any]
NAN = float("nan")


class KindScores(Protocol):
    """Scores of one kind of head."""

    def scores(self, predicted: Floats, truth: Floats, outputs: Sequence[str]) -> Scores:
        """Score predictions (N, K) against labels (N, K): `outputs` by name, and means."""

    def headline(self, scores: Scores) -> float:
        """The one number that a checkpoint is chosen by; NaN where nothing is labelled."""

    def flat(self, scores: Scores) -> dict[str, float]:
        """The numbers that are worth a curve."""

    def lines(self, short: str, scores: Scores) -> list[tuple[str, float]]:
        """The numbers of a table for people, in words. short: the head's."""


def mean_known(values: Iterable[float]) -> float:
    """Mean of the values that are not NaN; NaN where there is none."""
    known = [v for v in values if not np.isnan(v)]
    return float(np.mean(known)) if known else NAN


class ContinuousScores:
    """CCC, MSE and RMSE of each output (regression, ordinal); `mean_ccc` of those that have one.

    mse, rmse: over all outputs together.
    """

    def scores(self, predicted: Floats, truth: Floats, outputs: Sequence[str]) -> Scores:
        """As the class says."""
        found = {
            output: {
                "ccc": ccc(predicted[:, i], truth[:, i]),
                "mse": mse(predicted[:, i], truth[:, i]),
                "rmse": rmse(predicted[:, i], truth[:, i]),
                "labelled": int((~np.isnan(truth[:, i])).sum()),
            }
            for i, output in enumerate(outputs)
        }
        error = pooled_mse(predicted, truth)
        return {
            "outputs": found,
            "mean_ccc": mean_known([row["ccc"] for row in found.values()]),
            "mse": error,
            "rmse": float(np.sqrt(error)),
        }

    def headline(self, scores: Scores) -> float:
        """Mean CCC."""
        return float(scores["mean_ccc"])

    def flat(self, scores: Scores) -> dict[str, float]:
        """CCC of each output."""
        return {f"ccc/{output}": row["ccc"] for output, row in scores["outputs"].items()}

    def lines(self, short: str, scores: Scores) -> list[tuple[str, float]]:
        """CCC, MSE and RMSE of each output."""
        of = f"{short} " if short else ""
        return [
            (f"{of}{output} {name.upper()}", row[name])
            for output, row in scores["outputs"].items()
            for name in ("ccc", "mse", "rmse")
        ]


class AffectScores(ContinuousScores):
    """The same of valence and arousal, with both errors on [-10, 10] too.

    mse_ten, rmse_ten: over both outputs (bartissol-2017, eq. 22 to 25).
    """

    def scores(self, predicted: Floats, truth: Floats, outputs: Sequence[str]) -> Scores:
        """As the class says."""
        found = super().scores(predicted, truth, outputs)
        error = pooled_mse(predicted, truth, TEN)
        return {**found, "mse_ten": error, "rmse_ten": float(np.sqrt(error))}


class PresenceScores:
    """Counts, precision, recall, F1, accuracy and AUC of each output, and their means.

    weighted_f1: each output's F1 weighted by how often it is present (kollias-2018, section IV-D).
    mean: of mean F1 and mean accuracy (au-va-thesis). pooled: over all decisions together
    (bartissol-2017, section 2.4.6).
    """

    def scores(self, predicted: Floats, truth: Floats, outputs: Sequence[str]) -> Scores:
        """As the class says."""
        found = {}
        for i, output in enumerate(outputs):
            labels = np.nan_to_num(truth[:, i], nan=-1.0)
            found[output] = detection_scores(predicted[:, i], labels).as_dict()
        mean_f1 = mean_known([row["f1"] for row in found.values()])
        mean_accuracy = mean_known([row["accuracy"] for row in found.values()])
        return {
            "outputs": found,
            "mean_f1": mean_f1,
            "weighted_f1": weighted_f1(list(found.values())),
            "mean_accuracy": mean_accuracy,
            "mean": (mean_f1 + mean_accuracy) / 2,
            "mean_auc": mean_known([row["auc"] for row in found.values()]),
            "pooled": asdict(multilabel_scores(predicted, truth)),
        }

    def headline(self, scores: Scores) -> float:
        """Mean F1."""
        return float(scores["mean_f1"])

    def flat(self, scores: Scores) -> dict[str, float]:
        """Means, and F1 of each output."""
        units = {f"f1/{output}": row["f1"] for output, row in scores["outputs"].items()}
        return {"mean_f1": scores["mean_f1"], "mean_accuracy": scores["mean_accuracy"], **units}

    def lines(self, short: str, scores: Scores) -> list[tuple[str, float]]:
        """F1 of each output, and the means."""
        return [
            *((f"{output} F1", row["f1"]) for output, row in scores["outputs"].items()),
            (f"{short} mean F1", scores["mean_f1"]),
            (f"{short} weighted F1", scores["weighted_f1"]),
            (f"{short} mean accuracy", scores["mean_accuracy"]),
            (f"{short} mean of the two", scores["mean"]),
            (f"{short} mean AUC", scores["mean_auc"]),
            (f"{short} F1, pooled", scores["pooled"]["f1"]),
            (f"{short} all right in a face", scores["pooled"]["exact_match"]),
        ]


class ClassScores:
    """Accuracy, F1 and confusion of classes; labels that are votes count as their largest.

    cross_entropy: mean of -log of the predicted share against the labels' shares, in nats.
    """

    def scores(self, predicted: Floats, truth: Floats, outputs: Sequence[str]) -> Scores:
        """As the class says."""
        target = likeliest(truth)
        faces = classification_scores(likeliest(predicted), target, len(outputs))
        both = ~(np.isnan(predicted).any(1) | np.isnan(truth).any(1))
        logs = np.log(np.clip(predicted[both].astype(np.float64), 1e-12, None))
        each = -(truth[both] * logs).sum(1)
        return {
            "accuracy": faces.accuracy,
            "macro_f1": faces.macro_f1,
            "weighted_f1": faces.weighted_f1,
            "cross_entropy": float(each.mean()) if len(each) else NAN,
            "f1": dict(zip(outputs, faces.f1.tolist(), strict=True)),
            "confusion": faces.confusion.tolist(),
            "labels": list(outputs),
            "labelled": int((target >= 0).sum()),
        }

    def headline(self, scores: Scores) -> float:
        """Macro F1."""
        return float(scores["macro_f1"])

    def flat(self, scores: Scores) -> dict[str, float]:
        """Accuracy and macro F1."""
        return {"accuracy": scores["accuracy"], "macro_f1": scores["macro_f1"]}

    def lines(self, short: str, scores: Scores) -> list[tuple[str, float]]:
        """Accuracy and the means of F1."""
        return [
            (f"{short} accuracy", scores["accuracy"]),
            (f"{short} macro F1", scores["macro_f1"]),
            (f"{short} weighted F1", scores["weighted_f1"]),
        ]


HEAD_SCORES: dict[str, KindScores] = {
    "regression": AffectScores(),
    "binary": PresenceScores(),
    "ordinal": ContinuousScores(),
    "exclusive": ClassScores(),
    "votes": ClassScores(),
}
"""By kind (`mien.labels.kinds.KINDS`)."""


def weighted_f1(units: Sequence[Mapping[str, float | int]]) -> float:
    """Mean of the units' F1, each weighted by how often it is present (kollias-2018, IV-D)."""
    known = [row for row in units if not np.isnan(row["f1"]) and row["positives"]]
    positives = sum(row["positives"] for row in known)
    if not positives:
        return NAN
    return float(sum(row["f1"] * row["positives"] for row in known) / positives)
