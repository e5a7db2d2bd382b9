"""Labels frame by frame: what a State says of each frame of an item. Missing is NaN or -1."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mien.annotation.items import Floats, Frames
from mien.annotation.marks import FULL, LETTERS
from mien.annotation.state import State

EDGE_S = 1e-6
HELD_S = 0.5
"""A trace holds so long before its first and behind its last sample; two takes join across it."""


def unit_raster(state: State, units: Sequence[str], frames: int) -> tuple[Floats, Floats]:
    """Presence (N, U), 0, 1 or NaN, and intensity (N, U), 0 to 5 or NaN.

    A unit is absent where its annotator looked through the frames and marked nothing, and unknown
    where nobody says so. Its intensity is known where a letter was given, and 0 where it is absent.
    """
    present = np.full((frames, len(units)), np.nan)
    level = np.full((frames, len(units)), np.nan)
    for i, unit in enumerate(units):
        for first, last in state.seen.get(unit, ()):
            present[first : last + 1, i] = level[first : last + 1, i] = 0
        for mark in state.of_label(unit):
            here = slice(mark.first, mark.last + 1)
            present[here, i] = float(mark.present)
            letter = LETTERS.index(mark.intensity) + 1.0 if mark.intensity else np.nan
            level[here, i] = letter if mark.present else 0.0
    return present, level


def expression_raster(state: State, names: Sequence[str], frames: int) -> NDArray[np.int64]:
    """Index of the expression of each frame (N,), -1 where none was marked."""
    found = np.full(frames, -1, np.int64)
    for mark in state.marks.values():
        if mark.present and mark.label in names:
            found[mark.first : mark.last + 1] = names.index(mark.label)
    return found


def trace(state: State, dimension: str) -> list[Floats]:
    """The stretches (M, 2) of seconds and values that count, in order of time.

    A later take replaces what earlier ones say between its first and last sample; nudges move what
    was there when they were made. Takes that follow each other within HELD_S are one stretch.
    """
    parts: list[Floats] = []
    for number, take in enumerate(state.takes):
        parts = _nudged(parts, state, dimension, number)
        samples = take.of(dimension) if take.covers(dimension) else np.empty((0, 2))
        if len(samples):
            cut = (_outside(part, samples[0, 0], samples[-1, 0]) for part in parts)
            parts = [piece for pieces in cut for piece in pieces]
            parts.append(samples)
            parts.sort(key=lambda part: float(part[0, 0]))
    parts = _nudged(parts, state, dimension, len(state.takes))
    return _joined(parts)


def _nudged(parts: list[Floats], state: State, dimension: str, after: int) -> list[Floats]:
    for nudge in state.nudges:
        if nudge.after != after or nudge.dimension != dimension:
            continue
        parts = [part.copy() for part in parts]
        for part in parts:
            inside = (part[:, 0] >= nudge.from_s) & (part[:, 0] <= nudge.to_s)
            part[inside, 1] = np.clip(part[inside, 1] + nudge.by, -FULL, FULL)
    return parts


def _outside(part: Floats, start: float, end: float) -> list[Floats]:
    """What is left of a stretch without a span, up to its very edges, however few its samples."""
    seconds = part[:, 0]
    sides = [part[seconds < start], part[seconds > end]]
    for i, at in enumerate((start - EDGE_S, end + EDGE_S)):
        if len(sides[i]) and seconds[0] < at < seconds[-1]:
            edge = np.array([[at, np.interp(at, seconds, part[:, 1])]])
            sides[i] = np.concatenate([sides[i], edge] if i == 0 else [edge, sides[i]])
    return [side for side in sides if len(side)]


def _joined(parts: list[Floats]) -> list[Floats]:
    found: list[Floats] = []
    for part in parts:
        if found and part[0, 0] - found[-1][-1, 0] <= HELD_S:
            found[-1] = np.concatenate([found[-1], part])
        else:
            found.append(part)
    return found


def at_times(parts: Sequence[Floats], seconds: Floats) -> Floats:
    """Values in [-1, 1] at some times, between samples by a straight line; NaN off the trace."""
    found = np.full(len(seconds), np.nan)
    for part in parts:
        low, high = part[0, 0] - HELD_S, part[-1, 0] + HELD_S
        inside = (seconds >= low) & (seconds <= high) & np.isnan(found)
        found[inside] = np.interp(seconds[inside], part[:, 0], part[:, 1] / FULL)
    return found


def affect_raster(state: State, frames: Frames, lag_s: float = 0.0) -> Floats:
    """Valence and arousal (N, 2) in [-1, 1] of each frame, NaN where nothing was recorded.

    lag_s: by how much the annotator is late; a frame takes what was said that much later.
    """
    found = np.full((len(frames), 2), np.nan)
    if frames.names:
        for frame, values in state.points.items():
            found[frame] = np.array(values) / FULL
        return found
    for i, dimension in enumerate(("valence", "arousal")):
        found[:, i] = at_times(trace(state, dimension), frames.time_s + lag_s)
    return found
