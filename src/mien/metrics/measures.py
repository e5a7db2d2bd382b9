"""The measures that tables, sweeps and claims name, and in which direction each is better."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

NAN = float("nan")


class Better(Enum):
    """Which of two values of a measure is better."""

    HIGHER = "higher"
    LOWER = "lower"
    NEAREST_ONE = "nearest to 1"
    NEITHER = "neither"


@dataclass(frozen=True)
class Measure:
    """A number of a checkpoint or of a run.

    name: as `reproduction/published.csv` has it. read: from the scores of a checkpoint
    (`evaluation.score_checkpoint`), NaN where they lack it; None for measures of a run.
    """

    name: str
    better: Better
    read: Callable[[Mapping[str, Any]], float] | None = None

    def best(self, values: list[float]) -> float:
        """The best of values without NaN; NaN where none is better than another, or of none."""
        if not values or self.better is Better.NEITHER:
            return NAN
        if self.better is Better.NEAREST_ONE:
            return min(values, key=lambda value: abs(value - 1))
        return min(values) if self.better is Better.LOWER else max(values)


def _at(*path: str) -> Callable[[Mapping[str, Any]], float]:
    def read(scores: Mapping[str, Any]) -> float:
        found: Any = scores
        for key in path:
            if not isinstance(found, Mapping) or key not in found:
                return NAN
            found = found[key]
        return float(found)

    return read


def unit_f1(unit: str) -> Measure:
    """F1 of one unit (`AU12`), named as the documents do: `F1 AU 12`."""
    number = int(unit.removeprefix("AU"))
    return Measure(f"F1 AU {number}", Better.HIGHER, _at("au", "outputs", unit, "f1"))


def _of_axis(axis: str) -> list[Measure]:
    place = ("valence_arousal", "outputs", axis)
    return [
        Measure(f"CCC {axis}", Better.HIGHER, _at(*place, "ccc")),
        Measure(f"MSE {axis}", Better.LOWER, _at(*place, "mse")),
    ]


_POOLED = {
    "accuracy, pooled": ("pooled_accuracy", Better.HIGHER),
    "all right in a face": ("exact_match", Better.HIGHER),
    "partial accuracy": ("partial_accuracy", Better.HIGHER),
    "recall, pooled": ("recall", Better.HIGHER),
    "precision, pooled": ("precision", Better.HIGHER),
    "F1, pooled": ("f1", Better.HIGHER),
    "AUC": ("auc", Better.HIGHER),
    "AUC of decisions": ("auc_thresholded", Better.HIGHER),
    "true positives": ("true_positives", Better.HIGHER),
    "false positives": ("false_positives", Better.LOWER),
    "true negatives": ("true_negatives", Better.HIGHER),
    "false negatives": ("false_negatives", Better.LOWER),
}
"""bartissol-2017's measures, over the decisions on all units."""


def _pooled() -> list[Measure]:
    return [
        Measure(name, better, _at("au", "pooled", key)) for name, (key, better) in _POOLED.items()
    ]


OF_CHECKPOINTS: tuple[Measure, ...] = (
    Measure("mean F1", Better.HIGHER, _at("au", "mean_f1")),
    Measure("mean accuracy", Better.HIGHER, _at("au", "mean_accuracy")),
    Measure("mean of F1 and accuracy", Better.HIGHER, _at("au", "mean")),
    Measure("weighted F1", Better.HIGHER, _at("au", "weighted_f1")),
    Measure("macro F1", Better.HIGHER, _at("au", "mean_f1")),
    Measure("total accuracy", Better.HIGHER, _at("au", "mean_accuracy")),
    *_pooled(),
    *_of_axis("valence"),
    *_of_axis("arousal"),
    Measure("MSE on ten", Better.LOWER, _at("valence_arousal", "mse_ten")),
    Measure("RMSE on ten", Better.LOWER, _at("valence_arousal", "rmse_ten")),
    Measure("mean CCC of intensities", Better.HIGHER, _at("au_intensity", "mean_ccc")),
    Measure("votes accuracy", Better.HIGHER, _at("expression_votes", "accuracy")),
    Measure("votes macro F1", Better.HIGHER, _at("expression_votes", "macro_f1")),
    Measure("expression macro F1", Better.HIGHER, _at("expression", "macro_f1")),
    Measure("expression weighted F1", Better.HIGHER, _at("expression", "weighted_f1")),
    Measure("expression accuracy", Better.HIGHER, _at("expression", "accuracy")),
    Measure("real called real", Better.HIGHER, _at("real_called_real")),
    Measure("fake called fake", Better.HIGHER, _at("fake_called_fake")),
)
"""What every checkpoint of a sweep is scored by, with `unit_f1` of each unit."""

OF_RUNS: tuple[Measure, ...] = (
    Measure("max CCC", Better.HIGHER),
    Measure("mean CCC", Better.HIGHER),
    Measure("training 1-CCC", Better.LOWER),
    Measure("testing 1-CCC", Better.LOWER),
    Measure("generator loss", Better.NEITHER),
    Measure("discriminator loss", Better.NEITHER),
    Measure("diversity", Better.NEAREST_ONE),  # that of real faces: noise lies further apart
    Measure("duplicates", Better.LOWER),
    Measure("fakes with a face", Better.HIGHER),
    Measure("accuracy real/fake", Better.HIGHER),
)
"""What is computed from a run's log or from all its checkpoints."""

_KNOWN = {measure.name: measure for measure in (*OF_CHECKPOINTS, *OF_RUNS)}


def measure(name: str) -> Measure:
    """The measure of this name; KeyError where there is none."""
    if name.startswith("F1 AU "):
        return unit_f1(f"AU{int(name.removeprefix('F1 AU ')):02d}")
    return _KNOWN[name]


def of_checkpoint(scores: Mapping[str, Any]) -> dict[str, float]:
    """Every measure of a checkpoint's scores, by name."""
    units = [unit_f1(unit) for unit in scores.get("au", {}).get("outputs", {})]
    return {m.name: m.read(scores) for m in (*OF_CHECKPOINTS, *units) if m.read is not None}
