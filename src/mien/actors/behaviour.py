"""What an actor does over time: episodes of expressions, blinks, talk, head and eye motion.

An Action Unit goes neutral, onset, apex, offset, neutral (bartissol-2017, figure 2). Valence and
arousal follow from the displayed units by `affect_of`, a fixed, documented rule: no annotator's
opinion.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from mien.labels.expressions import BASIC

Array = NDArray[np.float64]

PROTOTYPES: dict[str, tuple[Mapping[int, float], Mapping[int, float]]] = {
    "happiness": ({6: 0.75, 12: 1.0}, {25: 0.8, 26: 0.2}),
    "sadness": ({1: 0.85, 4: 0.4}, {15: 0.75, 14: 0.4, 17: 0.5}),
    "surprise": ({1: 0.95, 2: 0.95, 5: 0.5, 26: 0.85}, {25: 0.9}),
    "fear": ({1: 0.85, 2: 0.6, 4: 0.35, 5: 0.85, 20: 0.95}, {7: 0.5, 26: 0.5, 25: 0.85}),
    "anger": ({4: 0.95, 5: 0.45, 7: 0.75}, {23: 0.7, 24: 0.4, 10: 0.25, 17: 0.3}),
    "disgust": ({9: 0.95}, {15: 0.4, 16: 0.5, 10: 0.6, 17: 0.4, 4: 0.3}),
}
"""Units of each expression after bartissol-2017, Table 2: those always shown, with their share of
the episode's strength, and those often shown, with that probability. Where the table lists AU 14
for sadness and 15 and 16 for disgust, the manual's 15 (sadness), 10 and 17 (disgust) may come too;
lips part with a smile, and wherever the jaw drops (`LIPS_WITH_JAW`)."""

SHARE = {
    "happiness": 0.60,
    "surprise": 0.16,
    "sadness": 0.12,
    "anger": 0.10,
    "disgust": 0.08,
    "fear": 0.08,
}
"""Weights of an episode's expression: positive more often, AU 15 and 20 rare."""

SIGNALS: dict[tuple[int, ...], float] = {
    (1, 2): 0.26, (4,): 0.10, (9,): 0.03, (10,): 0.03, (12,): 0.06, (14,): 0.06, (15,): 0.05,
    (15, 17): 0.18, (17,): 0.05, (18,): 0.05, (20,): 0.14, (20, 25): 0.08, (24,): 0.06,
}  # fmt: skip
"""What faces do between expressions, and how often: brows that flash, a mouth that shrugs (15 + 17)
or is stretched (20). They are signals of talk rather than expressions, which stay neutral."""
ONE_SIDED = (12, 14)
"""Units that also come on one side alone."""

VALENCE = {
    1: -0.05, 2: 0.05, 4: -0.36, 5: 0.02, 6: 0.18, 7: -0.10, 9: -0.45, 10: -0.22, 12: 0.80,
    14: -0.05, 15: -0.52, 16: -0.12, 17: -0.16, 18: -0.02, 20: -0.42, 23: -0.16, 24: -0.18,
    25: 0.03,
}  # fmt: skip
AROUSAL = {
    1: 0.14, 2: 0.20, 4: 0.20, 5: 0.42, 6: 0.10, 7: 0.22, 9: 0.20, 10: 0.12, 12: 0.20, 14: 0.02,
    15: -0.30, 17: 0.02, 18: 0.04, 20: 0.34, 23: 0.14, 24: 0.12, 25: 0.16, 26: 0.26, 27: 0.4,
    43: -0.25,
}  # fmt: skip
RESTING_AROUSAL = 0.05
LIPS_WITH_JAW = 0.7
"""Intensity of AU25 that comes with one of AU26 at least: the jaw parts the lips as it drops, and
the manual scores parted lips too."""


def affect_of(intensity: Mapping[int, Array]) -> tuple[Array, Array]:
    """Valence and arousal in [-1, 1] of displayed units.

    intensity: unit to (T,) in 0 to 5, the stronger side. Each unit pulls by its weight in `VALENCE`
    and `AROUSAL` times the square root of its share of full intensity (slight displays are seen);
    the sum goes through tanh, and the point is drawn into the emotion circle.
    """
    length = len(next(iter(intensity.values())))
    valence, arousal = np.zeros(length), np.full(length, RESTING_AROUSAL)
    for unit, values in intensity.items():
        share = np.sqrt(np.clip(values, 0, 5) / 5)
        valence += VALENCE.get(unit, 0.0) * share
        arousal += AROUSAL.get(unit, 0.0) * share
    valence, arousal = np.tanh(1.15 * valence), np.tanh(1.15 * arousal)
    radius = np.maximum(np.hypot(valence, arousal), 1.0)
    return valence / radius, arousal / radius


@dataclass(frozen=True)
class Performance:
    """Everything an actor does in T frames.

    left, right: unit to (T,) intensity 0 to 5 on the actor's left and right. expression: (T,) name.
    yaw, pitch, roll: (T,) degrees. gaze: (T, 2) degrees. shift: (T, 2) head lengths.
    """

    time_s: Array
    left: dict[int, Array]
    right: dict[int, Array]
    expression: list[str]
    valence: Array
    arousal: Array
    yaw: Array
    pitch: Array
    roll: Array
    gaze: Array
    shift: Array

    def displayed(self) -> dict[int, Array]:
        """Unit to the intensity of its stronger side."""
        return {unit: np.maximum(self.left[unit], self.right[unit]) for unit in self.left}

    def intensity(self, frame: int) -> dict[tuple[int, str], float]:
        """Return both sides' units at one frame, for drawing."""
        found = {}
        for side, values in (("L", self.left), ("R", self.right)):
            for unit, track in values.items():
                if track[frame] > 0:
                    found[unit, side] = float(track[frame])
        return found


def envelope(time_s: Array, start: float, onset: float, apex: float, offset: float) -> Array:
    """Return 0 to 1: smooth onset from `start`, apex, smooth offset; durations in seconds."""
    rise = np.clip((time_s - start) / onset, 0, 1)
    fall = np.clip((time_s - start - onset - apex) / offset, 0, 1)
    return rise * rise * (3 - 2 * rise) * (1 - fall * fall * (3 - 2 * fall))


def perform(
    seconds: float, fps: float, source: np.random.Generator, units: tuple[int, ...]
) -> Performance:
    """Draw a performance: episodes, signals and rests between, blinks, talk, head motion."""
    n = max(1, round(seconds * fps))
    time_s = np.arange(n) / fps
    sides = [{unit: np.zeros(n) for unit in units} for _ in range(2)]
    strength = {name: np.zeros(n) for name in BASIC}
    start = float(source.uniform(0.1, 0.8))
    while start < seconds - 0.4:
        start = _episode(time_s, start, sides, strength, source) + float(source.gamma(1.6, 0.35))
        if source.random() < 0.45:
            start = _signal(time_s, start, sides, source) + float(source.gamma(1.6, 0.25))
    if source.random() < 0.4:
        _talk(time_s, sides, source, seconds)
    _blinks(time_s, sides, source, seconds)
    for values in sides:
        if 25 in values and 26 in values:
            values[25] = np.maximum(values[25], LIPS_WITH_JAW * values[26])
        for unit in values:
            values[unit] = np.clip(values[unit], 0, 5)
    shown = {unit: np.maximum(sides[0][unit], sides[1][unit]) for unit in units}
    valence, arousal = affect_of(shown)
    names = np.array(BASIC)
    table = np.stack([strength[name] for name in BASIC])
    table[0] = 0.22
    expression = names[table.argmax(0)].tolist()

    def drift(spread: float, smooth_s: float) -> Array:
        noise = gaussian_filter1d(source.normal(size=n + 200), smooth_s * fps)[100 : 100 + n]
        return np.asarray(spread * noise / max(float(noise.std()), 1e-6) * min(1.0, n / fps / 3))

    busy = float(source.choice([0.4, 1.0, 1.8]))
    yaw = float(np.clip(source.normal(0, 9), -32, 32)) + drift(7 * busy, 0.7)
    pitch = float(source.normal(0, 3.5)) + drift(3.5 * busy, 0.6) - 2.0 * (shown[1] + shown[2]) / 10
    roll = float(source.normal(0, 2.5)) + drift(2.5 * busy, 0.8)
    gaze = np.stack([_saccades(n, fps, source, 10) - 0.4 * (yaw - yaw.mean()),
                     _saccades(n, fps, source, 5)], -1)  # fmt: skip
    shift = np.stack([drift(0.06 * busy, 0.9), drift(0.025 * busy, 0.9)], -1)
    return Performance(
        time_s, sides[0], sides[1], expression, valence, arousal,
        np.clip(yaw, -45, 45), np.clip(pitch, -25, 25), np.clip(roll, -20, 20), gaze, shift,
    )  # fmt: skip


def _episode(
    time_s: Array,
    start: float,
    sides: list[dict[int, Array]],
    strength: dict[str, Array],
    source: np.random.Generator,
) -> float:
    """Add one episode from `start`; returns when it ends."""
    names, share = list(SHARE), np.array(list(SHARE.values()))
    name = str(source.choice(names, p=share / share.sum()))
    level = float(np.clip(source.beta(2.2, 1.4) * 1.1, 0.18, 1.0))  # subtle ones too
    onset = float(source.uniform(0.18, 0.9))
    apex, offset = float(source.gamma(2.2, 0.55) + 0.3), float(source.uniform(0.3, 1.3))
    always, often = PROTOTYPES[name]
    chosen = dict(always)
    for unit, chance in often.items():
        if source.random() < chance:
            chosen[unit] = float(source.uniform(0.5, 1.0))
    if source.random() < 0.18:  # a mixed display: one unit of another expression
        other = str(source.choice(names))
        unit = int(source.choice(list(PROTOTYPES[other][0])))
        chosen[unit] = max(chosen.get(unit, 0.0), float(source.uniform(0.3, 0.8)))
    skew = float(np.clip(source.normal(0, 0.08), -0.3, 0.3))
    for unit, weight in chosen.items():
        if unit not in sides[0]:
            continue
        lag = float(source.normal(0, 0.06))
        course = envelope(
            time_s, start + max(lag, 0), onset * source.uniform(0.8, 1.2), apex, offset
        )
        peak = 5 * level * weight * source.uniform(0.75, 1.15)
        for side, values in enumerate(sides):
            tilt = 1 + skew * (1 if side == 0 else -1) if unit != 26 else 1
            values[unit] = np.maximum(values[unit], peak * tilt * course)
    strength[name] = np.maximum(
        strength[name], level * envelope(time_s, start, onset, apex, offset)
    )
    if name == "happiness" and chosen.get(6):
        for values in sides:
            if 6 in values and 12 in values:
                values[6] = np.maximum(values[6], 0.75 * values[12] * (values[12] > 2))
    return start + onset + apex + offset


def _signal(
    time_s: Array, start: float, sides: list[dict[int, Array]], source: np.random.Generator
) -> float:
    """Add one of `SIGNALS` from `start`; returns when it ends."""
    share = np.array(list(SIGNALS.values()))
    units = list(SIGNALS)[source.choice(len(share), p=share / share.sum())]
    onset, apex = float(source.uniform(0.15, 0.35)), float(source.gamma(2.0, 0.3) + 0.1)
    offset, level = float(source.uniform(0.2, 0.5)), float(source.uniform(2.5, 5.0))
    shown = sides
    if len(units) == 1 and units[0] in ONE_SIDED and source.random() < 0.5:
        shown = [sides[int(source.integers(2))]]
    for unit in units:
        course = level * source.uniform(0.8, 1.1) * envelope(time_s, start, onset, apex, offset)
        for values in shown:
            if unit in values:
                values[unit] = np.maximum(values[unit], course)
    return start + onset + apex + offset


def _talk(
    time_s: Array, sides: list[dict[int, Array]], source: np.random.Generator, seconds: float
) -> None:
    begin = float(source.uniform(0, seconds * 0.6))
    end = begin + float(source.uniform(1.0, 4.0))
    open_ = (time_s > begin) & (time_s < end)
    beat = 0.5 + 0.5 * np.sin(2 * np.pi * source.uniform(3.2, 4.6) * time_s + source.uniform(0, 6))
    word = 0.5 + 0.5 * np.sin(2 * np.pi * source.uniform(0.7, 1.3) * time_s + source.uniform(0, 6))
    for values in sides:
        for unit, size in ((25, 2.2), (26, 1.5), (18, 0.9)):
            if unit in values:
                course = size * beat * word if unit != 18 else size * (1 - beat) * word
                values[unit] = np.maximum(values[unit], course * open_)
    at = begin + float(source.uniform(0, 0.8))
    while at < end:  # what is said is underlined: brows up, or drawn together
        units, level = ((1, 2), 3.0) if source.random() < 0.55 else ((4,), 3.2)
        course = level * source.uniform(0.5, 1.4) * envelope(time_s, at, 0.2, 0.35, 0.3)
        for values in sides:
            for unit in units:
                if unit in values:
                    values[unit] = np.maximum(values[unit], course)
        at += 0.9 + float(source.exponential(0.9))


def _blinks(
    time_s: Array, sides: list[dict[int, Array]], source: np.random.Generator, seconds: float
) -> None:
    if 45 not in sides[0]:
        return
    at = float(source.exponential(1.5))
    while at < seconds:
        course = 5 * envelope(time_s, at, 0.1, 0.04 + float(source.gamma(1.5, 0.06)), 0.18)
        for values in sides:
            values[45] = np.maximum(values[45], course)
        at += 0.35 + float(source.exponential(2.6))


def _saccades(n: int, fps: float, source: np.random.Generator, spread: float) -> Array:
    """Gaze that rests and jumps, in degrees."""
    out = np.zeros(n)
    at, level = 0, 0.0
    while at < n:
        stay = int(fps * source.uniform(0.4, 2.0)) + 1
        out[at : at + stay] = level
        at += stay
        level = float(np.clip(source.normal(0, spread), -22, 22)) if source.random() < 0.5 else 0.0
    return np.asarray(gaussian_filter1d(out, 0.02 * fps))
