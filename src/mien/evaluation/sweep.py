"""Every checkpoint of a run on one split: the best score of each metric, and when it was reached.

That is how the documents report (au-va-thesis, section 3.3). Choosing the best on the split that is
reported flatters it: `mien evaluate` without --sweep does not.
"""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from mien.atomic import write_text
from mien.errors import InputError
from mien.evaluation.evaluate import ScoredFaces, fakes_with_a_face, score_checkpoint
from mien.labels.arrays import Labels
from mien.metrics.measures import measure, of_checkpoint
from mien.progress import Progress, silent
from mien.runs.run import Run
from mien.store.membership import digest_of
from mien.text import to_json

FAKES = 512
"""Generated faces of each checkpoint."""
SWEEP = "sweep.json"
"""File of the sweep of a run's only store."""
KEPT_EVERY = 20
"""Checkpoints scored from one writing of the scores to the next."""


def sweep(
    run: Run,
    faces: ScoredFaces,
    part: str,
    seed: int = 0,
    progress: Progress = silent,
    file: str = SWEEP,
) -> dict[str, Any]:
    """Score all checkpoints; keeps and returns scores by step, and best value and step by measure.

    file: of the run's folder that they are kept in.
    With them: the share of the last checkpoint's samples that are faces to the detector, and how
    often each unit is shown on the split. What an earlier sweep of the same faces, labels and seed
    scored stays, though its checkpoint be gone since: so a long run may be swept as it grows.

    Raises InputError where there is no checkpoint, or where scores of other faces would be lost
    whose checkpoints are gone.
    """
    digest = digest_of(faces.store, faces.rows, faces.labels)
    of = {"split": part, "seed": seed, "faces": len(faces.rows), "digest": digest}
    found = run.checkpoints()
    if not found:
        raise InputError(f"{run.folder}: the run has no checkpoint yet")
    scored = _scored(run, of, file)
    todo = [checkpoint for checkpoint in found if checkpoint.step not in scored]
    for i, checkpoint in enumerate(todo):
        scores = score_checkpoint(checkpoint, faces, seed, silent, FAKES)
        scored[checkpoint.step] = {"step": checkpoint.step, **of_checkpoint(scores)}
        if (i + 1) % KEPT_EVERY == 0:
            write_text(
                _unfinished(run, file), to_json({**of, "checkpoints": list(scored.values())})
            )
        progress(i + 1, len(todo), f"step {checkpoint.step}")
    steps = [scored[step] for step in sorted(scored)]
    result = {
        **of,
        "checkpoints": steps,
        "best": {name: _best(name, steps) for name in steps[0] if name != "step"},
        "last fakes with a face": fakes_with_a_face(found[-1], seed),
        "shown": _shown(faces.labels),
    }
    write_text(run.folder / file, to_json(result))
    _unfinished(run, file).unlink(missing_ok=True)
    return result


def _unfinished(run: Run, file: str) -> Path:
    return run.folder / f"unfinished-{file}"


def _scored(run: Run, of: dict[str, Any], file: str) -> dict[int, dict[str, Any]]:
    """Scores by step of earlier sweeps, finished or not, of the same faces and seed."""
    found: dict[int, dict[str, Any]] = {}
    saved = {checkpoint.step for checkpoint in run.checkpoints()}
    for path in (run.folder / file, _unfinished(run, file)):
        try:
            known = json.loads(path.read_text("utf-8"))
            rows = {row["step"]: _read_back(row) for row in known["checkpoints"]}
            same = all(known[key] == value for key, value in of.items())
        except (OSError, ValueError, LookupError, TypeError):
            continue  # not there, damaged, or of another version: scored anew
        if same:
            found |= rows
        elif rows.keys() - saved:
            raise InputError(
                f"{path}: holds scores of checkpoints that are gone, on {known['split']}, seed "
                f"{known['seed']}, or before labels changed; move it away to score these faces"
            )
    return found


def _read_back(row: dict[str, Any]) -> dict[str, Any]:
    """JSON has no NaN: what is null was one."""
    return {name: float("nan") if value is None else value for name, value in row.items()}


def _shown(labels: Labels) -> dict[str, float]:
    """Share of the faces labelled with a unit which show it; NaN where none is."""
    head = labels.head("au")
    if head is None:
        return {}
    columns = zip(head.outputs, labels["au"].T, strict=True)
    known = ((unit, column[~np.isnan(column)]) for unit, column in columns)
    return {unit: float((c == 1).mean()) if len(c) else float("nan") for unit, c in known}


def _best(name: str, steps: list[dict[str, Any]]) -> dict[str, Any]:
    known = [s for s in steps if s.get(name, math.nan) == s.get(name)]  # NaN is not itself
    if not known:
        return {"value": float("nan"), "step": None}
    value = measure(name).best([s[name] for s in known])
    return {"value": value, "step": next(s["step"] for s in known if s[name] == value)}
