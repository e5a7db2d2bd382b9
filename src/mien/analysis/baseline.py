"""Each person's own neutral face, taken off what is said of them (`--neutral auto`).

A resting face is not blank: drooping corners of the mouth or lids read as units all along. Two
passes: first everything is recognised, then the frames in which a person is likeliest neutral say
where that person's zero is. This is wrong for somebody who is never neutral in the recording, so it
is never done unasked.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.analysis.affect_table import AffectTable
from mien.analysis.smoothing import retold
from mien.labels.action_units import INTENSITY_MAX

Array = NDArray[np.float64]
NEUTRAL = "neutral"
SHARE, LEAST = 0.2, 10
"""Of a person's frames, those likeliest neutral; how many they must be at least."""
SURE = 0.5
"""Probability of neutral below which a frame never counts."""
MOST_INTENSITY, MOST_LOG_ODDS, MOST_AFFECT = 1.0, 1.0, 0.2
"""What is taken off at most."""
RESTING = 0.1
"""Probability of a unit that a person's neutral face is brought down to, where it is higher."""


@dataclass(frozen=True)
class Baseline:
    """What was taken off one person. frames: neutral ones; 0 where they were too few."""

    input: str
    face_id: int | None
    frames: int


def take_off_neutral(table: AffectTable) -> tuple[AffectTable, list[Baseline]]:
    """Take each person's neutral face off units, valence and arousal; expressions stay.

    Intensity: less the person's median in neutral frames, of which at most a trace (1 of 5) counts:
    more is no resting face. Presence: the log-odds, lowered by at most 1 towards a neutral median
    of 0.1. Valence and arousal: less the neutral median, 0.2 at most. People with too few neutral
    frames stay as they are, and are listed; photographs are never changed: there it was measured to
    lose agreement (benchmarks/neutral_faces.py).
    """
    columns = table.columns
    names = [*columns.axes, *columns.presence, *columns.intensity]
    values = table.stacked(names)
    done = []
    for person in table.people():
        rows = person.rows
        neutral = _neutral_rows(table, rows) if person.moving else np.empty(0, np.intp)
        done.append(Baseline(person.input, person.face_id, len(neutral)))
        if not len(neutral):
            continue
        for i, name in enumerate(names):
            rest = values[neutral, i]
            if np.isfinite(rest).any():
                change = _CHANGES.get(name[-2:], _shifted)
                values[rows, i] = change(values[rows, i], float(np.nanmedian(rest)))
    kept = {name: table.floats(name) for name in columns.classes}
    return retold(table, {**kept, **dict(zip(names, values.T, strict=True))}), done


def _neutral_rows(table: AffectTable, rows: NDArray[np.intp]) -> NDArray[np.intp]:
    """Rows in which a person is likeliest neutral; none where they are too few."""
    if NEUTRAL not in table.columns.classes:
        return np.empty(0, np.intp)
    share = np.where(table.readable[rows], table.floats(NEUTRAL)[rows], np.nan)
    sure = rows[np.nan_to_num(share) >= SURE]
    wanted = max(LEAST, int(SHARE * len(rows)))
    if len(sure) < LEAST:
        return np.empty(0, np.intp)
    order = np.argsort(-table.floats(NEUTRAL)[sure], kind="stable")
    return np.asarray(sure[order[:wanted]], np.intp)


def _less(values: Array, rest: float) -> Array:
    return np.clip(values - min(rest, MOST_INTENSITY), 0, INTENSITY_MAX)


def _less_likely(values: Array, rest: float) -> Array:
    lower = float(_logit(np.array(rest)) - _logit(np.array(RESTING)))
    lower = min(max(lower, 0.0), MOST_LOG_ODDS)
    return np.asarray(1 / (1 + np.exp(lower - _logit(values))), np.float64)


def _shifted(values: Array, rest: float) -> Array:
    return values - float(np.clip(rest, -MOST_AFFECT, MOST_AFFECT))


def _logit(p: Array) -> Array:
    clipped = np.clip(p, 1e-6, 1 - 1e-6)
    return np.asarray(np.log(clipped / (1 - clipped)), np.float64)


_CHANGES = {"_r": _less, "_p": _less_likely}
