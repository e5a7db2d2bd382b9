"""`mien.train`: train a recipe, or go on with a run."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mien.errors import InputError
from mien.progress import Progress, say_nothing, silent
from mien.runs.run import Run
from mien.store import Store

if TYPE_CHECKING:
    from mien.training.recipe import Recipe

_FREE = {"steps", "log_every", "checkpoint_every", "keep_checkpoints"}
"""Keys in which a resumed run may differ from its own recipe."""


def train(
    recipe: str | None = None,
    *,
    run: str | Path,
    store: str | Path | None = None,
    settings: Sequence[str] = (),
    resume: bool = False,
    notes: Mapping[str, Any] | None = None,
    progress: Progress = silent,
    say: Callable[[str], None] = say_nothing,
) -> Run:
    """Train a recipe on the part `train` of a store, into the folder `run`.

    recipe: a name of `mien recipes` or a .toml file; None to go on with the run's own. store: None
    for the run's own, or where the recipe names `data.sources`. settings: `key=value`, as --set.
    resume: go on where the run stopped, to the same bits. notes: plain values kept in run.json.
    say: called with warnings, in words.

    Ctrl-C finishes the step, writes a checkpoint and raises KeyboardInterrupt. Raises InputError
    for anything that does not fit, TrainingDivergedError where a loss stops being finite.
    """
    from mien.training.loop import train as train_loop
    from mien.training.precision import computes_bfloat16
    from mien.training.threads import choose_threads

    target = Run(Path(run))
    exists = target.info_file.exists()
    if exists and not resume:
        raise InputError(f"{run}: holds a run; --resume goes on with it, or name another")
    chosen = _recipe(recipe, settings, target, exists)
    folder = None if store is None else Path(store)
    if folder is None and exists and not chosen.data.sources:
        folder = Path(target.info()["stores"][0])
    opened = None if folder is None else Store.open(folder)
    if chosen.precision == "bfloat16" and not computes_bfloat16():
        say("this processor only emulates bfloat16, many times slower: --set precision=float32")
    choose_threads(target.info().get("machine", {}).get("threads") if exists else None, say)
    train_loop(chosen, opened, target, resume, progress, say, notes)
    return target


def _recipe(name: str | None, settings: Sequence[str], target: Run, exists: bool) -> "Recipe":
    """Load the recipe asked for; a resumed run may differ from its own in length and logs only."""
    from mien.training.recipe import load_recipe

    own = str(target.recipe_file)
    if not exists:
        if name is None:
            raise InputError("name a recipe; `mien recipes` lists them")
        return load_recipe(name, settings)
    asked = load_recipe(own if name is None else name, settings)
    was, now = load_recipe(own).model_dump(), asked.model_dump()
    free = _FREE - {"steps"} if asked.schedule == "cosine" else _FREE  # rates follow the length
    changed = [key for key in was if key not in free and was[key] != now[key]]
    if changed:
        raise InputError(
            f"{target.folder}: was started with another {', '.join(changed)}; a resumed run keeps "
            "its recipe, but for steps and logging: start a new run, or leave the recipe away"
        )
    return asked
