"""Scores from sums over faces: of a person, of a video, and of people drawn again and again.

CCC, errors, F1, accuracy: each follows from sums over faces. So the sums of every group are taken
once, and scores of any weighted mix of groups are one matrix product. The area under a ROC curve
and calibration do not follow from sums, and have none here.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]
Floats = NDArray[np.float32]
Groups = NDArray[np.intp]
"""Number of each face's group (N,), from 0."""


class KindSums(Protocol):
    """What is summed for one kind of head, and what follows from it."""

    def sums(self, predicted: Floats, truth: Floats, group: Groups, groups: int) -> Doubles:
        """Sums (G, S) over the faces of each group, of predictions and labels (N, K)."""

    def scores(self, sums: Doubles, outputs: Sequence[str]) -> dict[str, Doubles]:
        """Scores by name, each (...), of sums (..., S); NaN where nothing is labelled."""


class ContinuousSums:
    """CCC, MSE and RMSE of each output, and mean CCC."""

    def sums(self, predicted: Floats, truth: Floats, group: Groups, groups: int) -> Doubles:
        """Count, x, y, xx, yy, xy of each output, in double precision."""
        both = ~(np.isnan(predicted) | np.isnan(truth))
        x = np.where(both, predicted, 0).astype(np.float64)
        y = np.where(both, truth, 0).astype(np.float64)
        terms = np.stack([both.astype(np.float64), x, y, x * x, y * y, x * y], axis=2)
        return _by_group(terms.reshape(len(terms), -1), group, groups)

    def scores(self, sums: Doubles, outputs: Sequence[str]) -> dict[str, Doubles]:
        """As the class says."""
        n, x, y, xx, yy, xy = np.moveaxis(sums.reshape(*sums.shape[:-1], len(outputs), 6), -1, 0)
        with np.errstate(invalid="ignore", divide="ignore"):
            mx, my = x / n, y / n
            apart = xx / n - mx**2 + yy / n - my**2 + (mx - my) ** 2
            ccc = np.where((n >= 2) & (apart > 1e-12), 2 * (xy / n - mx * my) / apart, np.nan)
            mse = np.maximum((xx - 2 * xy + yy) / n, 0)
        found = {}
        for i, output in enumerate(outputs):
            found[f"{output} CCC"] = ccc[..., i]
            found[f"{output} MSE"] = mse[..., i]
            found[f"{output} RMSE"] = np.sqrt(mse[..., i])
        return {**found, "mean CCC": _mean_known(ccc)}


class PresenceSums:
    """F1, precision, recall and accuracy of each output, their means, and the pooled ones."""

    def sums(self, predicted: Floats, truth: Floats, group: Groups, groups: int) -> Doubles:
        """Hits, false alarms, correct absences, misses of each output; faces, faces all right."""
        known = ~(np.isnan(predicted) | np.isnan(truth))
        said, true = (predicted >= 0.5) & known, (truth == 1) & known
        absent = known & ~true
        four = (said & true, said & absent, ~said & absent, ~said & true)
        terms = np.stack([part.astype(np.float64) for part in four], axis=2)
        any_known = known.any(1)
        whole = any_known & ((said == true) | ~known).all(1)
        faces = np.stack([any_known, whole], axis=1).astype(np.float64)
        return _by_group(np.hstack([terms.reshape(len(terms), -1), faces]), group, groups)

    def scores(self, sums: Doubles, outputs: Sequence[str]) -> dict[str, Doubles]:
        """As the class says."""
        tp, fp, tn, fn = np.moveaxis(
            sums[..., :-2].reshape(*sums.shape[:-1], len(outputs), 4), -1, 0
        )
        f1, accuracy = _f1(tp, fp, fn), _divided(tp + tn, tp + fp + tn + fn)
        there = np.where(np.isnan(f1), 0, tp + fn)
        pooled = tp.sum(-1), fp.sum(-1), fn.sum(-1)
        found = {f"{output} F1": f1[..., i] for i, output in enumerate(outputs)}
        found |= {f"{output} accuracy": accuracy[..., i] for i, output in enumerate(outputs)}
        return {
            **found,
            "mean F1": _mean_known(f1),
            "weighted F1": _divided((np.nan_to_num(f1) * there).sum(-1), there.sum(-1)),
            "mean accuracy": _mean_known(accuracy),
            "recall, pooled": _divided(pooled[0], pooled[0] + pooled[2]),
            "precision, pooled": _divided(pooled[0], pooled[0] + pooled[1]),
            "F1, pooled": _f1(*pooled),
            "all right in a face": _divided(sums[..., -1], sums[..., -2]),
        }


class ClassSums:
    """Accuracy, macro and weighted F1, and F1 of each class."""

    def sums(self, predicted: Floats, truth: Floats, group: Groups, groups: int) -> Doubles:
        """The confusion matrix, row = label; votes count as their largest."""
        from mien.labels.kinds import likeliest

        classes = truth.shape[1]
        said, true = likeliest(predicted), likeliest(truth)
        known = (said >= 0) & (true >= 0)
        cell = (group[known] * classes + true[known]) * classes + said[known]
        counts = np.bincount(cell, minlength=groups * classes * classes)
        return counts.reshape(groups, classes * classes).astype(np.float64)

    def scores(self, sums: Doubles, outputs: Sequence[str]) -> dict[str, Doubles]:
        """As the class says."""
        table = sums.reshape(*sums.shape[:-1], len(outputs), len(outputs))
        support, said = table.sum(-1), table.sum(-2)
        hits = np.diagonal(table, axis1=-2, axis2=-1)
        f1 = np.where(support > 0, _divided(2 * hits, support + said), np.nan)
        total = support.sum(-1)
        return {
            "accuracy": _divided(hits.sum(-1), total),
            "macro F1": _mean_known(f1),
            "weighted F1": _divided((np.nan_to_num(f1) * support).sum(-1), total),
            **{f"{output} F1": f1[..., i] for i, output in enumerate(outputs)},
        }


SUMS: Mapping[str, KindSums] = {
    "regression": ContinuousSums(),
    "binary": PresenceSums(),
    "ordinal": ContinuousSums(),
    "exclusive": ClassSums(),
    "votes": ClassSums(),
}
"""By kind (`mien.labels.kinds.KINDS`)."""


def _by_group(terms: Doubles, group: Groups, groups: int) -> Doubles:
    """Sum the rows (N, S) of each group: (G, S)."""
    found = np.zeros((groups, terms.shape[1]))
    np.add.at(found, group, terms)
    return found


def _divided(part: Doubles, whole: Doubles) -> Doubles:
    """Quotient, NaN where the whole is nothing."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(whole > 0, part / whole, np.nan)


def _f1(tp: Doubles, fp: Doubles, fn: Doubles) -> Doubles:
    return _divided(2 * tp, 2 * tp + fp + fn)


def _mean_known(values: Doubles) -> Doubles:
    """Mean over the last axis of what is not NaN; NaN where nothing is."""
    known = ~np.isnan(values)
    return _divided(np.where(known, values, 0).sum(-1), known.sum(-1))
