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

    Intensity: what is above the person's median in neutral frames, stretched to 0 to 5 again.
    Presence: the log-odds, lowered so that the neutral median is at most 0.1. Valence and arousal:
    less the neutral median. People with too few neutral frames stay as they are, and are listed.
    """
    columns = table.columns
    names = [*columns.axes, *columns.presence, *columns.intensity]
    values = table.stacked(names)
    done = []
    for person in table.people():
        rows = person.rows
        neutral = _neutral_rows(table, rows)
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


def _stretched(values: Array, rest: float) -> Array:
    room = max(INTENSITY_MAX - rest, 0.5)
    return np.clip((values - rest) * INTENSITY_MAX / room, 0, INTENSITY_MAX)


def _less_likely(values: Array, rest: float) -> Array:
    lower = max(_logit(np.array(rest)) - _logit(np.array(RESTING)), 0.0)
    return np.asarray(1 / (1 + np.exp(lower - _logit(values))), np.float64)


def _shifted(values: Array, rest: float) -> Array:
    return values - rest


def _logit(p: Array) -> Array:
    clipped = np.clip(p, 1e-6, 1 - 1e-6)
    return np.asarray(np.log(clipped / (1 - clipped)), np.float64)


_CHANGES = {"_r": _stretched, "_p": _less_likely}
