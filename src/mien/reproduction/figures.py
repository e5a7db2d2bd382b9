"""The figures of a finished run, by the names that tables and claims use."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np


class Reached(NamedTuple):
    """A score, and the step it was reached at, where that makes sense."""

    value: float
    step: int | None = None


def figures_of(run: Path) -> dict[str, Reached]:
    """Read a run's sweep and log. Missing things are left out; NaN where nothing was labelled."""
    lines = [json.loads(t) for t in (run / "metrics.jsonl").read_text("utf-8").splitlines()]
    found = _of_log(lines)
    sweep_file = run / "sweep.json"
    if sweep_file.exists():
        found |= _of_sweep(json.loads(sweep_file.read_text("utf-8")))
    return found


def _number(value: Any) -> float:
    return float("nan") if value is None else float(value)


def _of_sweep(sweep: dict[str, Any]) -> dict[str, Reached]:
    found = {n: Reached(_number(b["value"]), b["step"]) for n, b in sweep["best"].items()}
    last = sweep["checkpoints"][-1]
    found["accuracy real/fake of real"] = Reached(_number(last["real called real"]), last["step"])
    found["accuracy real/fake of fake"] = Reached(_number(last["fake called fake"]), last["step"])
    both = [
        (_number(c["CCC valence"]) + _number(c["CCC arousal"])) / 2 for c in sweep["checkpoints"]
    ]
    known = np.array([value for value in both if np.isfinite(value)])
    if len(known):
        at = sweep["checkpoints"][int(np.nanargmax(both))]["step"]
        found["max CCC"], found["mean CCC"] = (
            Reached(float(known.max()), at),
            Reached(float(known.mean())),
        )
        found |= _statistics("testing 1-CCC", 1 - known)
    return found


def _of_log(lines: list[dict[str, Any]]) -> dict[str, Reached]:
    found: dict[str, Reached] = {}
    for name, key in (
        ("generator loss", "generator/loss"),
        ("discriminator loss", "discriminator/loss"),
        ("training 1-CCC", "discriminator/real/valence_arousal"),
    ):
        series = np.array([line[key] for line in lines if key in line], float)
        if len(series):
            found |= _statistics(name, series)
    for name in ("diversity", "duplicates"):
        key = f"monitor/{name}"
        known = [(line[key], line["step"]) for line in lines if key in line]
        if known:
            found[name] = Reached(*known[-1])
    return found


def _statistics(name: str, series: np.ndarray) -> dict[str, Reached]:
    return {
        f"{name}, minimum": Reached(float(series.min())),
        f"{name}, mean": Reached(float(series.mean())),
        f"{name}, std deviation": Reached(float(series.std())),
    }
