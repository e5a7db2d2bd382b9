"""Simulated annotators: the truth of a video as N people would have rated it.

Each rater has a reaction lag, gain, bias, smoothing and noise of their own, and misses things.
Files per video and rater: `NAME.rNN.va.csv` (`seconds, valence, arousal` in [-1000, 1000], sampled
irregularly as a joystick is, benroumpi-2018, Table 3.3), `NAME.rNN.au.csv` and
`NAME.rNN.expression.csv` (`label, first_frame, last_frame`, from 0). The documents' own forms
beside them: `NAME.rNN.valence.txt` and `NAME.rNN.arousal.txt`, each with a clock of its own, and
`NAME.rNN.au.txt`, a line per frame from 1: its number, then presence and intensity of each unit,
the intensity always 1 as theirs (au-va-thesis, section 3.1.2). `raters.json`: what each rater is
like, to test against, and whom each video was rated for.
"""

import csv
import json
import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from mien.actors.action_units import UNITS
from mien.atomic import replacing, write_text
from mien.labels.action_units import DOCUMENT_AUS

Array = NDArray[np.float64]
SEEN = 1.0
"""Intensity from which a unit counts as shown: A, a trace."""


@dataclass(frozen=True)
class Rater:
    """lag_s: reaction time. smooth_s: of the hand. miss: share of events not marked."""

    number: int
    lag_s: float
    bias: float
    gain: float
    smooth_s: float
    noise: float
    miss: float


def sample_raters(count: int, seed: int) -> list[Rater]:
    """Draw raters, the same for the same seed."""
    source = np.random.default_rng((seed, 0x8A7E))
    return [
        Rater(
            i,
            float(np.clip(source.lognormal(-0.1, 0.6), 0.3, 4.0)),
            float(source.normal(0, 0.06)),
            float(np.clip(source.normal(0.9, 0.2), 0.4, 1.4)),
            float(source.uniform(0.1, 0.5)),
            float(source.uniform(0.01, 0.06)),
            float(source.beta(1.5, 12)),
        )
        for i in range(count)
    ]


def joystick(
    rater: Rater, time_s: Array, truth: Array, source: np.random.Generator
) -> tuple[Array, Array]:
    """Rate one dimension: times of irregular samples, and values in [-1000, 1000]."""
    step = float(time_s[1] - time_s[0]) if len(time_s) > 1 else 1 / 30
    moved = gaussian_filter1d(truth, max(rater.smooth_s / step, 0.5)) * rater.gain + rater.bias
    wobble = gaussian_filter1d(source.normal(size=len(truth)), 0.3 / step)
    wobble *= rater.noise / max(float(wobble.std()), 1e-9)
    times = np.cumsum(source.gamma(1.2, 0.03, size=int(time_s[-1] / 0.02) + 4))
    times = np.concatenate([[0.0], times[times <= time_s[-1]]])
    values = np.interp(times - rater.lag_s, time_s, moved + wobble, left=0.0)
    return times, np.clip(np.round(values * 1000), -1000, 1000)


def ranges(
    rater: Rater, shown: NDArray[np.bool_], source: np.random.Generator
) -> list[tuple[int, int]]:
    """Mark what is shown: first and last frame of each stretch, some missed or a bit off."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], shown.astype(int), [0]])))
    marked = []
    for first, end in edges.reshape(-1, 2):
        if source.random() < rater.miss:
            continue
        off = source.normal(0, 1.5 + 8 * rater.noise, 2).round().astype(int)
        low, high = max(int(first + off[0]), 0), min(int(end - 1 + off[1]), len(shown) - 1)
        if high >= low:
            marked.append((low, high))
    return marked


def write_ratings(folder: Path, name: str, truth: pa.Table, raters: list[Rater], seed: int) -> None:
    """Write all raters' files for one person's truth in one video."""
    time_s = truth["time_s"].to_numpy()
    expression = np.array(truth["expression"].to_pylist())
    for rater in raters:
        source = np.random.default_rng((seed, rater.number, zlib.crc32(name.encode())))
        stem = f"{Path(name).stem}.r{rater.number:02d}"
        rated = {
            d: joystick(rater, time_s, truth[d].to_numpy(), source) for d in ("valence", "arousal")
        }
        times = np.union1d(*(t for t, _ in rated.values()))
        both = [np.interp(times, *rated[d]).round().astype(int) for d in ("valence", "arousal")]
        rows = [(f"{t:.3f}", v, a) for t, v, a in zip(times, *both, strict=True)]
        _write(folder / f"{stem}.va.csv", ("seconds", "valence", "arousal"), rows)
        for dimension, (own, values) in rated.items():
            _write_trace(folder / f"{stem}.{dimension}.txt", own, values)
        header = ("label", "first_frame", "last_frame")
        units = [
            (f"AU{unit}", *mark)
            for unit in UNITS
            for mark in ranges(rater, truth[f"AU{unit}"].to_numpy() >= SEEN, source)
        ]
        _write_frames(folder / f"{stem}.au.txt", units, len(time_s))
        _write(folder / f"{stem}.au.csv", header, units)
        names = [
            (label, *mark)
            for label in sorted(set(expression.tolist()) - {"neutral"})
            for mark in ranges(rater, expression == label, source)
        ]
        names.sort(key=_first_frame)
        _write(folder / f"{stem}.expression.csv", header, names)


def _write_trace(path: Path, seconds: Array, values: Array) -> None:
    lines = [f"{t:.3f}\t{round(v)}" for t, v in zip(seconds, values, strict=True)]
    write_text(path, "\n".join(["Seconds\tValues", *lines]) + "\n")


def _write_frames(path: Path, marks: list[tuple[str, int, int]], frames: int) -> None:
    """Write a line per frame for the documents' eight units."""
    shown = np.zeros((frames, len(DOCUMENT_AUS)), int)
    for label, first, last in marks:
        if (unit := int(label.removeprefix("AU"))) in DOCUMENT_AUS:
            shown[first : last + 1, DOCUMENT_AUS.index(unit)] = 1
    lines = [
        " ".join([str(frame), *(f"{present} {present}" for present in row)])
        for frame, row in enumerate(shown.tolist(), start=1)
    ]
    write_text(path, "\n".join(lines) + "\n")


def write_raters(folder: Path, raters: list[Rater], rated: dict[str, str]) -> None:
    """Write raters.json. rated: the person that each video was rated for."""
    known = {"raters": [asdict(rater) for rater in raters], "rated": rated}
    write_text(folder / "raters.json", json.dumps(known, indent=1) + "\n")


def _first_frame(mark: tuple[str, int, int]) -> int:
    return mark[1]


def _write(path: Path, header: tuple[str, ...], rows: Sequence[tuple[object, ...]]) -> None:
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)
