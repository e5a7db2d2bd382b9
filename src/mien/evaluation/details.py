"""What a score does not say by itself: how sure it is, for whom it holds, what could be chosen."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien.evaluation.judged import JudgedFaces
from mien.evaluation.post_processing import choose, choose_median
from mien.evaluation.traces import Traces
from mien.labels.heads import Head
from mien.labels.kinds import likeliest
from mien.metrics.calibration import Reliability, reliability
from mien.metrics.continuous import ccc, mse
from mien.metrics.detection import detection_scores
from mien.metrics.heads import mean_known
from mien.metrics.resampling import LEVEL, REPEATS, Scores, differences, intervals
from mien.metrics.sums import SUMS
from mien.metrics.thresholds import best_f1_threshold


@dataclass(frozen=True)
class Details:
    """What is asked for beside the scores.

    intervals: of every score. by: `person`, `video`. thresholds, post_process: the part on which
    thresholds of units, or the steps of post-processing, are chosen. repeats: of resampling.
    """

    intervals: bool = False
    by: tuple[str, ...] = ()
    thresholds: str | None = None
    post_process: str | None = None
    repeats: int = REPEATS

    @property
    def chosen_on(self) -> set[str]:
        """Parts that something is chosen on."""
        return {part for part in (self.thresholds, self.post_process) if part}


def refuse_choosing_on(details: Details, part: str) -> None:
    """Raise InputError where something would be chosen on the part that is scored."""
    if part in details.chosen_on:
        raise InputError(
            f"thresholds and post-processing cannot be chosen on {part!r}, which is "
            "scored: choose on val, score on test"
        )


def with_intervals(faces: JudgedFaces, repeats: int = REPEATS, seed: int = 0) -> dict[str, Any]:
    """Scores by head with intervals over people; see `resampling.intervals`."""
    group, names, drawn = faces.grouped()
    found = {}
    for head in faces.scored_heads():
        sums = _sums(faces, head, group, len(names))
        told = intervals(sums, _scores_of(head), repeats, seed)
        found[head.name] = {name: asdict(interval) for name, interval in told.items()}
    how = {"drawn": drawn, "number": len(names), "level": LEVEL, "repeats": repeats}
    return {**how, "heads": found}


def compared(
    first: JudgedFaces, second: JudgedFaces, repeats: int = REPEATS, seed: int = 0
) -> dict[str, Any]:
    """Two recognisers on the faces and outputs that both predict, paired by person.

    Raises InputError where there is no such output.
    """
    group, names, drawn = first.grouped()
    found = {}
    for head in first.scored_heads():
        other = second.predictions.head(head.name)
        if other is None:
            continue
        shared = tuple(o for o in head.outputs if o in other.outputs)
        if not shared or (head.kind.classes and set(head.outputs) != set(other.outputs)):
            continue
        both = Head(head.name, shared)
        mine = head.kind.align(first.predictions[head.name], head.outputs, shared)
        theirs = other.kind.align(second.predictions[head.name], other.outputs, shared)
        truth = head.kind.align(first.truth[head.name], head.outputs, shared)
        unknown = np.isnan(mine) | np.isnan(theirs)
        mine, theirs = (np.where(unknown, np.nan, v).astype(np.float32) for v in (mine, theirs))
        if (np.isnan(mine) | np.isnan(truth)).all():
            continue
        kind = SUMS[head.type.kind]
        one, two = (kind.sums(values, truth, group, len(names)) for values in (mine, theirs))
        told = differences(one, two, _scores_of(both), repeats, seed)
        found[head.name] = {name: asdict(difference) for name, difference in told.items()}
    if not found:
        raise InputError(f"{second.name}: predicts nothing that {first.name} does on these faces")
    how = {"drawn": drawn, "number": len(names), "level": LEVEL, "repeats": repeats}
    return {"first": first.name, "second": second.name, **how, "heads": found}


def per_group(faces: JudgedFaces, grouping: str) -> dict[str, Any]:
    """Scores of each person or video by itself: faces, and by head its scores."""
    group, names = faces.by(grouping)
    named = group >= 0
    found: dict[str, Any] = {
        name: {"faces": int(count)}
        for name, count in zip(names, np.bincount(group[named], minlength=len(names)), strict=True)
    }
    for head in faces.scored_heads():
        # A face without a group is summed behind the others, and left out.
        sums = _sums(faces, head, np.where(named, group, len(names)), len(names) + 1)
        for score, values in _scores_of(head)(sums[: len(names)]).items():
            for name, value in zip(names, values, strict=True):
                found[name].setdefault(head.name, {})[score] = float(value)
    return found


def calibrated(faces: JudgedFaces) -> dict[str, dict[str, Reliability]]:
    """Reliability by head: of each unit and of all (`all`); of a class head's likeliest class."""
    found: dict[str, dict[str, Reliability]] = {}
    for head in faces.scored_heads():
        said, truth = faces.predictions[head.name], faces.truth[head.name]
        if head.kind.classes:
            best, true = likeliest(said), likeliest(truth)
            known = (best >= 0) & (true >= 0)
            share = said[known].max(1) if known.any() else np.empty(0)
            found[head.name] = {"all": reliability(share, best[known] == true[known])}
        elif head.kind.counted and not np.isin(said[~np.isnan(said)], (0, 1)).all():
            found[head.name] = {
                "all": reliability(said.ravel(), truth.ravel()),
                **{
                    output: reliability(said[:, i], truth[:, i])
                    for i, output in enumerate(head.outputs)
                },
            }
    return found


def with_thresholds(faces: JudgedFaces, chosen_on: JudgedFaces) -> dict[str, Any]:
    """F1 of each unit at 0.5 and at the threshold with the best F1 on other faces."""
    head, other = faces.predictions.head("au"), chosen_on.predictions.head("au")
    if head is None or other is None:
        raise InputError(f"{faces.name}: predicts no units: there is no threshold to choose")
    units = {}
    for i, unit in enumerate(head.outputs):
        j = other.outputs.index(unit)
        threshold = best_f1_threshold(
            chosen_on.predictions["au"][:, j], chosen_on.truth["au"][:, j]
        )
        said = faces.predictions["au"][:, i]
        true = np.nan_to_num(faces.truth["au"][:, i], nan=-1.0)
        plain, chosen = (detection_scores(said, true, at) for at in (0.5, threshold))
        units[unit] = {
            "threshold": threshold,
            "f1_at_half": plain.f1,
            "f1": chosen.f1,
            "accuracy_at_half": plain.accuracy,
            "accuracy": chosen.accuracy,
        }
    keys = ("f1_at_half", "f1", "accuracy_at_half", "accuracy")
    means = {f"mean_{key}": mean_known([u[key] for u in units.values()]) for key in keys}
    return {**means, "units": units}


def post_processed(faces: JudgedFaces, chosen_on: JudgedFaces) -> dict[str, Any]:
    """Scores of outputs without and with post-processing that is chosen on other faces.

    By head and output: the steps; `without` and `with`: CCC and MSE of continuous outputs, F1 of
    units, on these faces; and the same on those it was chosen on.
    """
    here, there = (Traces.of(f.store, f.rows) for f in (faces, chosen_on))
    found: dict[str, Any] = {}
    for head in faces.predictions.heads:
        if head.kind.classes:
            continue
        for i, output in enumerate(head.outputs):
            said, true = _column(faces, head.name, i), _truth(faces, head.name, i)
            other, known = _column(chosen_on, head.name, i), _truth(chosen_on, head.name, i)
            if not (~np.isnan(said) & ~np.isnan(true)).any():
                continue
            judge = _f1 if head.kind.counted else _error
            chosen = choose_median if head.kind.counted else choose
            steps = chosen(other, known, there)
            found.setdefault(head.name, {})[output] = {
                "steps": steps.to_dict(),
                "without": judge(said, true),
                "with": judge(steps.apply(said, here), true),
                "chosen_on": {
                    "without": judge(other, known),
                    "with": judge(steps.apply(other, there), known),
                },
            }
    return found


def _error(said: NDArray[np.float64], true: NDArray[np.float64]) -> dict[str, float]:
    return {"CCC": ccc(said, true), "MSE": mse(said, true)}


def _f1(said: NDArray[np.float64], true: NDArray[np.float64]) -> dict[str, float]:
    return {"F1": detection_scores(said, np.nan_to_num(true, nan=-1.0)).f1}


def _column(faces: JudgedFaces, head: str, i: int) -> NDArray[np.float64]:
    return faces.predictions[head][:, i].astype(np.float64)


def _truth(faces: JudgedFaces, head: str, i: int) -> NDArray[np.float64]:
    return faces.truth[head][:, i].astype(np.float64)


def _sums(
    faces: JudgedFaces, head: Head, group: NDArray[np.intp], groups: int
) -> NDArray[np.float64]:
    kind = SUMS[head.type.kind]
    return kind.sums(faces.predictions[head.name], faces.truth[head.name], group, groups)


def _scores_of(head: Head) -> Scores:
    kind, outputs = SUMS[head.type.kind], head.outputs

    def scores(sums: NDArray[np.float64]) -> Mapping[str, NDArray[np.float64]]:
        return kind.scores(sums, outputs)

    return scores
