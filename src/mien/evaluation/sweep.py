"""Every checkpoint of a run on one split: the best score of each metric, and when it was reached.

That is how the documents report (au-va-thesis, section 3.3). Choosing the best on the split that is
reported flatters it: `mien evaluate` without --sweep does not.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.atomic import write_text
from mien.errors import InputError
from mien.evaluation.evaluate import fakes_with_a_face, score_checkpoint
from mien.labels.action_units import column
from mien.progress import Progress, silent
from mien.runs.run import Run
from mien.store import Store
from mien.store.membership import describe_split, refuse_trained_on
from mien.store.splits import refuse_shared
from mien.text import to_json

FAKES = 512
"""Generated faces of each checkpoint."""
KEPT_EVERY = 20
"""Checkpoints scored from one writing of the scores to the next."""
LOWER_IS_BETTER = ("MSE valence", "MSE arousal")


def sweep(
    run: Run, store: Store, split: str, seed: int = 0, progress: Progress = silent
) -> dict[str, Any]:
    """Score all checkpoints; keeps and returns scores by step, and best value and step by metric.

    With them: the share of the last checkpoint's samples that are faces to the detector, and how
    often each unit is shown on the split. What an earlier sweep of the same faces, labels and seed
    scored stays, though its checkpoint be gone since: so a long run may be swept as it grows.

    Raises InputError as `evaluate` does, where there is no checkpoint, or where scores of other
    faces would be lost whose checkpoints are gone.
    """
    refuse_shared(str(store.folder), *(store.names(c) for c in ("split", "subject", "video")))
    rows = store.rows(split)
    if split != "train":
        refuse_trained_on(run.folder, run.info()["data"], store, rows)
    digest = describe_split(store, rows, store.labels())["digest"]
    of = {"split": split, "seed": seed, "faces": len(rows), "digest": digest}
    labels = store.labels()[rows]
    found = run.checkpoints()
    if not found:
        raise InputError(f"{run.folder}: the run has no checkpoint yet")
    scored = _scored(run, of)
    todo = [checkpoint for checkpoint in found if checkpoint.step not in scored]
    for i, checkpoint in enumerate(todo):
        scores = score_checkpoint(checkpoint, store, rows, labels, seed, silent, FAKES)
        scored[checkpoint.step] = {"step": checkpoint.step, **by_name(scores)}
        if (i + 1) % KEPT_EVERY == 0:
            write_text(_unfinished(run), to_json({**of, "checkpoints": list(scored.values())}))
        progress(i + 1, len(todo), f"step {checkpoint.step}")
    steps = [scored[step] for step in sorted(scored)]
    result = {
        **of,
        "checkpoints": steps,
        "best": {name: _best(name, steps) for name in steps[0] if name != "step"},
        "last fakes with a face": fakes_with_a_face(found[-1], seed),
        "shown": {column(au): _shown(labels.au[:, i]) for i, au in enumerate(labels.aus)},
    }
    write_text(run.folder / "sweep.json", to_json(result))
    _unfinished(run).unlink(missing_ok=True)
    return result


def _unfinished(run: Run) -> Path:
    return run.folder / "sweep-unfinished.json"


def _scored(run: Run, of: dict[str, Any]) -> dict[int, dict[str, Any]]:
    """Scores by step of earlier sweeps, finished or not, of the same faces and seed."""
    found: dict[int, dict[str, Any]] = {}
    saved = {checkpoint.step for checkpoint in run.checkpoints()}
    for path in (run.folder / "sweep.json", _unfinished(run)):
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


def by_name(scores: dict[str, Any]) -> dict[str, float]:
    """Name the figures as the documents' tables do (reproduction/published.csv, column metric)."""
    units = {
        f"F1 AU {int(name.removeprefix('AU'))}": row["f1"]
        for name, row in scores["au"]["units"].items()
    }
    return {
        "mean F1": scores["au"]["mean_f1"],
        "mean accuracy": scores["au"]["mean_accuracy"],
        "mean of F1 and accuracy": scores["au"]["mean"],
        "weighted F1": scores["au"]["weighted_f1"],
        "macro F1": scores["au"]["mean_f1"],
        "total accuracy": scores["au"]["mean_accuracy"],
        **units,
        **{f"CCC {d}": scores[d]["ccc"] for d in ("valence", "arousal")},
        **{f"MSE {d}": scores[d]["mse"] for d in ("valence", "arousal")},
        "expression accuracy": scores["expression"]["accuracy"],
        "real called real": scores["real_called_real"],
        "fake called fake": scores["fake_called_fake"],
    }


def _shown(unit: NDArray[np.int8]) -> float:
    """Share of the faces that are labelled with a unit which show it; NaN where none is."""
    known = unit[unit >= 0]
    return float((known == 1).mean()) if len(known) else float("nan")


def _best(name: str, steps: list[dict[str, Any]]) -> dict[str, Any]:
    known = [s for s in steps if s[name] == s[name]]
    if not known:
        return {"value": float("nan"), "step": None}
    choose = min if name in LOWER_IS_BETTER else max
    best = choose(known, key=lambda s: s[name])
    return {"value": best[name], "step": best["step"]}
