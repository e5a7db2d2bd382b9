"""`mien.evaluate` and `mien.sweep`: score a run on a whole part of its stores."""

import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mien.progress import Progress, silent
from mien.runs.run import Run
from mien.store import Store

if TYPE_CHECKING:
    from mien.evaluation.evaluate import ScoredFaces


def evaluate(
    run: str | Path,
    *,
    store: str | Path | None = None,
    part: str = "test",
    split: str | None = None,
    layers: Sequence[str] | None = None,
    seed: int = 0,
    progress: Progress = silent,
) -> dict[str, dict[str, Any]]:
    """Score a run's last and best checkpoint on every face of a part, store by store.

    store: one to score on instead of those that the run was trained on. part: train, val, test.
    split, layers: of the store; None for those that the run was trained with, else the store's
    default split and all layers. seed: of generated faces. Returns plain scores by name, the part's
    for the only store of the run, else `PART of STORE`, NaN where nothing is labelled; keeps them
    in the run's evaluation.json.

    Raises InputError where a part is empty, shares a person or video with another, or holds people
    that the run was trained on.
    """
    from mien.evaluation.evaluate import evaluate as evaluate_faces
    from mien.evaluation.evaluate import remember

    target = Run.open(Path(run))
    results = {}
    for name, faces in _faces(target, store, part, split, layers):
        results[name] = evaluate_faces(target, faces, part, seed, progress)
        remember(target, name, results[name])
    return results


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
