"""Score checkpoints of a run on a split: every head, and real against generated."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.atomic import write_text
from mien.errors import InputError
from mien.evaluation.faceness import share_with_a_face
from mien.labels.arrays import Labels, Predictions
from mien.metrics.affect import DEFINITION, HEADLINE, affect_scores, headline
from mien.models.images import to_pixels
from mien.models.sampler import FaceSampler
from mien.models.sequence_recogniser import open_recogniser
from mien.progress import Progress, silent
from mien.runs.run import Checkpoint, Run
from mien.store import Store
from mien.store.following import predict_faces
from mien.store.membership import refuse_leaks, refuse_trained_on
from mien.text import to_json

FAKES = 2048
"""Generated faces whose share called fake is reported."""
LOOKED_AT = 64
"""Pictures in which the detector looks for a face: the share is known to about 0.06."""


@dataclass(frozen=True)
class ScoredFaces:
    """The faces of one part of a store that a run may be tested on, with their labels.

    split, layers: those of the store that were asked for.
    """

    store: Store
    rows: NDArray[np.intp]
    labels: Labels
    split: str | None = None
    layers: Sequence[str] | None = None

    @classmethod
    def of(
        cls,
        run: Run,
        store: Store,
        part: str,
        split: str | None = None,
        layers: Sequence[str] | None = None,
    ) -> "ScoredFaces":
        """Choose them. split: None for the store's default. layers: None for all.

        Raises InputError where the part is empty, shares a person or video with another, or holds
        people that the run was trained on (but for the part train itself).
        """
        refuse_leaks(store, split)
        rows = store.rows(part, split)
        if part != "train":
            refuse_trained_on(run.folder, run.info()["data"], store, rows)
        return cls(store, rows, store.labels(layers).at(rows), split, layers)


def evaluate(
    run: Run, faces: ScoredFaces, part: str, seed: int = 0, progress: Progress = silent
) -> dict[str, Any]:
    """Score the last and the best checkpoint; plain values, NaN where nothing is labelled."""
    result: dict[str, Any] = {
        "run": str(run.folder),
        "store": str(faces.store.folder),
        "split": part,
        "faces": len(faces.rows),
        "definitions": DEFINITION,
        "best_by": f"{HEADLINE}, on the part val while training",
    }
    chosen = {"last": run.last(), "best": run.best()}
    scored: dict[int, dict[str, Any]] = {}
    for name, checkpoint in chosen.items():
        if checkpoint.step not in scored:
            scored[checkpoint.step] = {
                **score_checkpoint(checkpoint, faces, seed, progress),
                "fakes_with_a_face": fakes_with_a_face(checkpoint, seed),
            }
        result[name] = {"step": checkpoint.step, **scored[checkpoint.step]}
    if chosen["last"].sampler is not None:
        spread = np.linspace(0, len(faces.rows) - 1, min(LOOKED_AT, len(faces.rows))).astype(int)
        size = open_recogniser(chosen["last"].recogniser).preprocessing.size
        crops = faces.store.pixels(size).gather(faces.rows[spread])
        result["real_with_a_face"] = share_with_a_face(crops)
    return result


def fakes_with_a_face(checkpoint: Checkpoint, seed: int) -> float:
    """Share of a checkpoint's generated faces in which the detector finds one; NaN without any."""
    if checkpoint.sampler is None:
        return float("nan")
    faces = FaceSampler.load(checkpoint.sampler).batches(LOOKED_AT, seed)
    return share_with_a_face(np.concatenate([to_pixels(batch) for batch in faces]))


def score_checkpoint(
    checkpoint: Checkpoint,
    faces: ScoredFaces,
    seed: int,
    progress: Progress,
    generated: int = FAKES,
) -> dict[str, Any]:
    """Score one checkpoint on faces, and on faces that it generates, if it does."""
    recogniser = open_recogniser(checkpoint.recogniser)
    note = f"step {checkpoint.step}"
    predictions = predict_faces(recogniser, faces.store, faces.rows, progress, note)
    scores = affect_scores(predictions, faces.labels)
    fake = np.empty(0, np.float32)
    if checkpoint.sampler is not None:
        images = FaceSampler.load(checkpoint.sampler).batches(generated, seed)
        fake = recogniser.predict_batches(images).fake
    return {
        **scores,
        "headline": headline(scores),
        "real_called_real": _share(predictions.fake, lambda p: p < 0.5),
        "fake_called_fake": _share(fake, lambda p: p >= 0.5),
        "fakes": len(fake),
    }


def predictions_of(
    checkpoint: Checkpoint, faces: ScoredFaces, progress: Progress = silent
) -> Predictions:
    """What one checkpoint says of the faces."""
    recogniser = open_recogniser(checkpoint.recogniser)
    note = f"step {checkpoint.step}"
    return predict_faces(recogniser, faces.store, faces.rows, progress, note)


def _share(
    probability: NDArray[np.float32], called: Callable[[NDArray[np.float32]], NDArray[np.bool_]]
) -> float:
    """Share of the faces that are called so; NaN where the network says nothing of them."""
    known = probability[~np.isnan(probability)]
    return float(np.mean(called(known))) if len(known) else float("nan")


def remember(run: Run, name: str, result: dict[str, Any]) -> None:
    """Keep a result under a name in evaluation.json."""
    path = run.folder / "evaluation.json"
    try:
        known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    except ValueError as error:
        raise InputError(f"{path}: cannot be read, remove it: {error}") from error
    write_text(path, to_json({**known, name: result}))
