"""`mien.evaluate`, `evaluate_predictions` and `sweep`: score a run, or anybody's table."""

import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mien.evaluation.prediction_table import read_prediction_table
from mien.metrics.affect import DEFINITION
from mien.progress import Progress, silent
from mien.runs.run import Run
from mien.store import Store
from mien.workflows.judges import Judge, RunJudge, TableJudge, Where, details_of, judge_of

if TYPE_CHECKING:
    from mien.evaluation.details import Details
    from mien.evaluation.evaluate import ScoredFaces
    from mien.evaluation.judged import JudgedFaces


def evaluate(
    run: str | Path,
    *,
    store: str | Path | None = None,
    part: str = "test",
    split: str | None = None,
    layers: Sequence[str] | None = None,
    seed: int = 0,
    details: "Details | None" = None,
    against: str | Path | None = None,
    submission: str | Path | None = None,
    progress: Progress = silent,
) -> dict[str, dict[str, Any]]:
    """Score a run's last and best checkpoint on every face of a part, store by store.

    store: one to score on instead of those that the run was trained on. part: train, val, test.
    split, layers: of the store; None for those that the run was trained with, else the store's
    default split and all layers. seed: of generated faces, and of people drawn. details: what else
    is wanted of the best checkpoint (`details` of the result): intervals, tables per person,
    thresholds, post-processing. against: another run or table, compared face by face. submission: a
    folder for the files of the ABAW challenges. Returns plain scores by name, the part's for the
    only store of the run, else `PART of STORE`, NaN where nothing is labelled; keeps them in the
    run's evaluation.json.

    Raises InputError where a part is empty, shares a person or video with another, or holds people
    that the run was trained on.
    """
    from mien.evaluation.evaluate import evaluate as evaluate_faces
    from mien.evaluation.evaluate import remember

    target = Run.open(Path(run))
    judge = RunJudge(target)
    other = None if against is None else judge_of(against)
    results = {}
    for name, faces in _faces(target, store, part, split, layers):
        results[name] = evaluate_faces(target, faces, part, seed, progress)
        if details is not None or other is not None or submission is not None:
            where = Where(faces.store, part, faces.split, faces.layers)
            judged = judge.judged(where, progress)
            results[name]["details"] = _details(
                judge, judged, where, details, other, seed, progress
            )
            _submit(submission, judged, results[name])
        remember(target, name, results[name])
    return results


def evaluate_predictions(
    predictions: str | Path,
    *,
    store: str | Path,
    part: str = "test",
    split: str | None = None,
    layers: Sequence[str] | None = None,
    seed: int = 0,
    details: "Details | None" = None,
    against: str | Path | None = None,
    submission: str | Path | None = None,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Score a table of predictions, whoever wrote it, on a part of a store by the same measures.

    predictions: a table of mien, OpenFace 2 or py-feat, or any with such columns; rows are joined
    to faces by image, or video and time (or frame), and box. part: train, val, test, or `all`.
    details, against, submission: as for `evaluate`. Returns plain values: `scores` by head, `rows`
    (what became of every row), `predicted` (faces that have a prediction: the others are in no
    score), `notes`, `details`.

    Raises InputError for a table that cannot be read or fits no face of the part, and where the
    part shares a person or video with another.
    """
    judge = TableJudge(read_prediction_table(Path(predictions)))
    where = Where(Store.open(Path(store)), part, split, layers)
    other = None if against is None else judge_of(against)
    faces = judge.judged(where, progress)
    result = {
        "predictions": str(predictions),
        "store": str(where.store.folder),
        "split": part,
        "definitions": DEFINITION,
        **judge.account(faces, part),
        "scores": faces.scores(),
        "details": _details(judge, faces, where, details, other, seed, progress),
    }
    _submit(submission, faces, result)
    return result


def _submit(folder: str | Path | None, faces: "JudgedFaces", result: dict[str, Any]) -> None:
    if folder is not None:
        from mien.evaluation.submission import write_submission

        result["submission"] = write_submission(Path(folder), faces)


def _details(
    judge: Judge,
    faces: "JudgedFaces",
    where: Where,
    details: "Details | None",
    other: Judge | None,
    seed: int,
    progress: Progress,
) -> dict[str, Any]:
    from mien.evaluation.details import Details

    return details_of(judge, faces, where, details or Details(), other, seed, progress)


def sweep(
    run: str | Path,
    *,
    store: str | Path | None = None,
    part: str = "test",
    split: str | None = None,
    layers: Sequence[str] | None = None,
    seed: int = 0,
    progress: Progress = silent,
) -> dict[str, dict[str, Any]]:
    """Score every checkpoint of a run: best value and step of each measure, as the documents do.

    Arguments, names and errors as for `evaluate`. Choosing the best on the part that is reported
    flatters it.
    """
    from mien.evaluation.sweep import SWEEP
    from mien.evaluation.sweep import sweep as sweep_faces

    target = Run.open(Path(run))
    results = {}
    for name, faces in _faces(target, store, part, split, layers):
        file = SWEEP if name == part else f"sweep-{faces.store.folder.name}.json"
        results[name] = sweep_faces(target, faces, part, seed, progress, file)
    return results


def _faces(
    run: Run,
    store: str | Path | None,
    part: str,
    split: str | None,
    layers: Sequence[str] | None,
) -> "Iterator[tuple[str, ScoredFaces]]":
    from mien.evaluation.evaluate import ScoredFaces

    own = {Path(name): settings for name, settings in _own_stores(run)}
    folders = [Path(store).resolve()] if store else list(own)
    for folder in folders:
        settings = own.get(folder, {})
        faces = ScoredFaces.of(
            run,
            Store.open(folder),
            part,
            split or settings.get("split") or None,
            layers or settings.get("layers") or None,
        )
        alone = len(own) == 1 and folder in own
        yield (part if alone else f"{part} of {folder.name}"), faces


def _own_stores(run: Run) -> Iterator[tuple[str, dict[str, Any]]]:
    """Stores that a run was trained on, each with the split and layers that its recipe names."""
    stores = run.info()["stores"]
    recipe = tomllib.loads(run.recipe_file.read_text(encoding="utf-8"))
    sources = recipe.get("data", {}).get("sources") or [{}] * len(stores)
    yield from zip(stores, sources, strict=True)
