"""The training round: how far a newcomer agrees with answers that are known."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mien.annotation.items import Frames
from mien.annotation.rasters import affect_raster, expression_raster, unit_raster
from mien.annotation.state import State
from mien.metrics.agreement import cohen_kappa, pearson, positive_agreement
from mien.metrics.continuous import ccc


def agreement_with(
    mine: State, answers: State, task: str, labels: Sequence[str], frames: Frames
) -> dict[str, dict[str, float | None]]:
    """By label: CCC and Pearson's r of a trace; kappa and positive agreement of ranges.

    None where a measure says nothing, as of a label that neither marks. A frame without a range
    counts as one without the label, as in the training round everything is looked through.
    """
    found = {}
    for i, label in enumerate(labels):
        if task == "va":
            said, true = (affect_raster(state, frames)[:, i] for state in (mine, answers))
            scores = {"CCC": ccc(said, true), "Pearson": pearson(said, true)}
        else:
            on = [_present(state, task, labels, i, len(frames)) for state in (mine, answers)]
            scores = {"kappa": cohen_kappa(*on), "positive": positive_agreement(*on)}
        found[label] = {name: None if np.isnan(v) else round(v, 3) for name, v in scores.items()}
    return found


def _present(
    state: State, task: str, labels: Sequence[str], i: int, count: int
) -> NDArray[np.int64]:
    if task == "expression":
        on = expression_raster(state, labels, count) == i
    else:
        on = unit_raster(state, labels, count)[0][:, i] == 1
    return np.asarray(on, np.int64)
