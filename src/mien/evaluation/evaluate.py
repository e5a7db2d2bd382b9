"""Score checkpoints of a run on a split: every head, and real against generated."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from mien.atomic import write_text
from mien.errors import InputError
from mien.evaluation.faceness import share_with_a_face
from mien.labels.arrays import LabelArrays
from mien.metrics.affect import DEFINITION, HEADLINE, affect_scores, headline
from mien.models.predictor import AffectPredictor, to_network, to_pixels
from mien.models.sampler import FaceSampler
from mien.progress import Progress, silent
from mien.runs.run import Checkpoint, Run
from mien.store import Store
from mien.store.membership import refuse_trained_on
from mien.store.shards import Pixels
from mien.store.splits import refuse_shared
from mien.text import to_json

BATCH = 256
FAKES = 2048
"""Generated faces whose share called fake is reported."""
LOOKED_AT = 64
"""Pictures in which the detector looks for a face: the share is known to about 0.06."""


def evaluate(
    run: Run, store: Store, split: str, seed: int = 0, progress: Progress = silent
) -> dict[str, Any]:
    """Score the last and the best checkpoint on every face of a split.

    Returns plain values, NaN where nothing is labelled, and adds them to the run's evaluation.json.
    Raises InputError where the split is empty, shares a person or video with another, or holds
    people that the run was trained on.
    """
    refuse_shared(str(store.folder), *(store.names(c) for c in ("split", "subject", "video")))
    rows = store.rows(split)
    if split != "train":
        refuse_trained_on(run.folder, run.info()["data"], store, rows)
    labels = store.labels()[rows]
    result: dict[str, Any] = {
        "run": str(run.folder),
        "store": str(store.folder),
        "split": split,
        "faces": len(rows),
        "definitions": DEFINITION,
        "best_by": f"{HEADLINE}, on the split val while training",
    }
    chosen = {"last": run.last(), "best": run.best()}
    scored: dict[int, dict[str, Any]] = {}
    for name, checkpoint in chosen.items():
        if checkpoint.step not in scored:
            scored[checkpoint.step] = {
                **score_checkpoint(checkpoint, store, rows, labels, seed, progress),
                "fakes_with_a_face": fakes_with_a_face(checkpoint, seed),
            }
        result[name] = {"step": checkpoint.step, **scored[checkpoint.step]}
    spread = rows[np.linspace(0, len(rows) - 1, min(LOOKED_AT, len(rows))).astype(int)]
    size = AffectPredictor.load(chosen["last"].discriminator).image_size
    result["real_with_a_face"] = share_with_a_face(store.pixels(size).gather(spread))
    _remember(run, split, result)
    return result


def fakes_with_a_face(checkpoint: Checkpoint, seed: int) -> float:
    """Share of a checkpoint's generated faces in which the detector finds one."""
    faces = FaceSampler.load(checkpoint.sampler).batches(LOOKED_AT, seed)
    return share_with_a_face(np.concatenate([to_pixels(batch) for batch in faces]))


def score_checkpoint(
    checkpoint: Checkpoint,
    store: Store,
    rows: NDArray[np.intp],
    labels: LabelArrays,
    seed: int,
    progress: Progress,
    generated: int = FAKES,
) -> dict[str, Any]:
    """Score one checkpoint on the faces at `rows`, and on faces that it generates."""
    predictor = AffectPredictor.load(checkpoint.discriminator)
    pixels = store.pixels(predictor.image_size)
    note = f"step {checkpoint.step}"
    batches = _real_batches(pixels, rows, predictor.channels, progress, note)
    predictions = predictor.predict_batches(batches)
    sampler = FaceSampler.load(checkpoint.sampler)
    fakes = predictor.predict_batches(sampler.batches(generated, seed))
    scores = affect_scores(predictions, labels)
    return {
        **scores,
        "headline": headline(scores),
        "real_called_real": _share(predictions.fake_probability, lambda p: p < 0.5),
        "fake_called_fake": _share(fakes.fake_probability, lambda p: p >= 0.5),
        "fakes": len(fakes),
    }


def _share(
    probability: NDArray[np.float32], called: Callable[[NDArray[np.float32]], NDArray[np.bool_]]
) -> float:
    """Share of the faces that are called so; NaN where the network says nothing of them."""
    known = probability[~np.isnan(probability)]
    return float(np.mean(called(known))) if len(known) else float("nan")


def _real_batches(
    pixels: Pixels, rows: NDArray[np.intp], channels: int, progress: Progress, note: str
) -> Iterator[Tensor]:
    for start in range(0, len(rows), BATCH):
        part = rows[start : start + BATCH]
        yield to_network(pixels.gather(part), channels)
        progress(start + len(part), len(rows), note)


def _remember(run: Run, split: str, result: dict[str, Any]) -> None:
    """Keep the result under its split in evaluation.json."""
    path = run.folder / "evaluation.json"
    try:
        known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    except ValueError as error:
        raise InputError(f"{path}: cannot be read, remove it: {error}") from error
    write_text(path, to_json({**known, split: result}))
