"""The figures of a finished run, by the names that tables and claims use."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mien.metrics.continuous import course_scores
from mien.runs.run import Run

SWEPT = ("split", "checkpoints", "best", "shown", "last fakes with a face")
"""What a sweep.json has to have."""


LAST = ", last"
"""Behind the name of a measure: of the last checkpoint, not the best of all."""


class Reached(NamedTuple):
    """A score, and the step it was reached at, where that makes sense.

    flat: every checkpoint has the same, so that no step is the best.
    """

    value: float
    step: int | None = None
    flat: bool = False


def figures_of(run: Path) -> dict[str, Reached]:
    """Read a run's sweep and log. Missing things are left out; NaN where nothing was labelled."""
    return _of_log(Run(run).log()) | _of_sweep(sweep_of(run) or {})


def sweep_of(run: Path) -> dict[str, Any] | None:
    """Read a run's sweep; None where there is none, or it is damaged or of another version."""
    return read_json(run / "sweep.json", SWEPT)


def read_json(path: Path, keys: Sequence[str] = ()) -> dict[str, Any] | None:
    """Read an object that has these keys; None where it is not there, damaged or lacks one."""
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and all(key in found for key in keys) else None


def _number(value: Any) -> float:
    return float("nan") if value is None else float(value)


def _of_sweep(sweep: dict[str, Any]) -> dict[str, Reached]:
    if not sweep:
        return {}
    found = {
        name: Reached(_number(best["value"]), best["step"], _is_flat(sweep["checkpoints"], name))
        for name, best in sweep["best"].items()
    }
    for unit, share in sweep["shown"].items():
        found[f"shown AU {int(unit.removeprefix('AU'))}"] = Reached(_number(share))
    last = sweep["checkpoints"][-1]
    found |= {
        f"{name}{LAST}": Reached(_number(value), last["step"])
        for name, value in last.items()
        if name != "step"
    }
    found["fakes with a face"] = Reached(_number(sweep["last fakes with a face"]), last["step"])
    found["accuracy real/fake of real"] = Reached(_number(last["real called real"]), last["step"])
    found["accuracy real/fake of fake"] = Reached(_number(last["fake called fake"]), last["step"])
    both = [_mean_ccc(c) for c in sweep["checkpoints"]]
    known = np.array([value for value in both if np.isfinite(value)])
    if len(known):
        at = sweep["checkpoints"][int(np.nanargmax(both))]["step"]
        found["max CCC"], found["mean CCC"] = (
            Reached(float(known.max()), at),
            Reached(float(known.mean())),
        )
        found |= _statistics("testing 1-CCC", 1 - known)
    return found


def _is_flat(checkpoints: list[dict[str, Any]], name: str) -> bool:
    values = [checkpoint[name] for checkpoint in checkpoints if name in checkpoint]
    return len(values) > 1 and len(set(values)) == 1


LOGGED = {
    "generator loss": ("generator/loss",),
    "discriminator loss": ("discriminator/loss",),
    "training 1-CCC": ("discriminator/real/valence_arousal", "recogniser/valence_arousal"),
}
"""Figures that are statistics of what is logged while training, under one of these keys."""


def courses_of(run: Path, metrics: Sequence[str]) -> dict[str, list[tuple[int, float]]]:
    """Steps and values of columns' metrics over a run; those that have two values at least."""
    checkpoints = (sweep_of(run) or {}).get("checkpoints", [])
    log = Run(run).log()
    courses = {metric: _course(metric, checkpoints, log) for metric in metrics}
    return {metric: course for metric, course in courses.items() if len(course) > 1}


def _course(
    metric: str, checkpoints: list[dict[str, Any]], log: list[dict[str, Any]]
) -> list[tuple[int, float]]:
    if metric in ("max CCC", "mean CCC", "testing 1-CCC"):
        points = [(c["step"], _mean_ccc(c)) for c in checkpoints]
        if metric.startswith("testing"):
            points = [(step, 1 - value) for step, value in points]
    else:
        keys = LOGGED.get(metric, (f"monitor/{metric}",))
        points = [(line["step"], _number(line[k])) for line in log for k in keys if k in line]
        points += [(c["step"], _number(c[metric])) for c in checkpoints if metric in c]
    return [(step, value) for step, value in points if np.isfinite(value)]


def _mean_ccc(checkpoint: dict[str, Any]) -> float:
    return (_number(checkpoint["CCC valence"]) + _number(checkpoint["CCC arousal"])) / 2


def _of_log(lines: list[dict[str, Any]]) -> dict[str, Reached]:
    found: dict[str, Reached] = {}
    for name, keys in LOGGED.items():
        series = np.array([line[k] for line in lines for k in keys if k in line], float)
        if len(series):
            found |= _statistics(name, series)
    for name in ("diversity", "duplicates"):
        key = f"monitor/{name}"
        known = [(line[key], line["step"]) for line in lines if key in line]
        if known:
            found[name] = Reached(*known[-1])
    return found


def _statistics(name: str, series: np.ndarray) -> dict[str, Reached]:
    course = course_scores(series)
    return {
        f"{name}, minimum": Reached(course.minimum),
        f"{name}, mean": Reached(course.mean),
        f"{name}, std deviation": Reached(course.std),
    }
