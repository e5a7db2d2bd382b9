"""What `mien search` tries, and what it has tried: an Optuna study in SQLite."""

import itertools
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mien.errors import InputError
from mien.metrics.measures import Better, Measure

if TYPE_CHECKING:
    import optuna

STUDY, DIVERGED, ASKED, SETTINGS = "search", "diverged", "asked", "settings"


@dataclass(frozen=True)
class Range:
    """Values between two numbers, both included; whole ones where both are whole.

    log: drawn evenly in the logarithm.
    """

    low: float
    high: float
    log: bool = False

    @property
    def whole(self) -> bool:
        """Whether it holds whole numbers alone."""
        return isinstance(self.low, int) and isinstance(self.high, int)


def parse_values(text: str) -> tuple[str, list[str]]:
    """Read KEY=VALUE,VALUE: values as TOML writes them; lists keep their commas.

    Raises InputError where it is written otherwise.
    """
    key, equals, rest = text.partition("=")
    if not equals or not key.strip() or not rest.strip():
        raise InputError(f"--grid {text}: give KEY=VALUE,VALUE, as batch_size=32,64")
    try:
        found = tomllib.loads(f"v = [{rest}]")["v"]
        plain = all(isinstance(v, bool | int | float) for v in found)
    except tomllib.TOMLDecodeError:
        plain = False
    if plain or "[" not in rest:
        return key.strip(), [value.strip() for value in rest.split(",")]
    raise InputError(f"--grid {text}: lists cannot be tried")


def parse_range(text: str) -> tuple[str, Range]:
    """Read KEY=LOW:HIGH or KEY=LOW:HIGH:log; raises InputError where it is written otherwise."""
    key, _, rest = text.partition("=")
    parts = rest.split(":")
    try:
        low, high = (_number(part) for part in parts[:2])
    except ValueError:
        low, high = 1.0, 0.0
    log = parts[2:] == ["log"]
    if not key.strip() or not low < high or (parts[2:] and not log) or (log and low <= 0):
        raise InputError(f"--range {text}: give KEY=LOW:HIGH, or KEY=LOW:HIGH:log with LOW above 0")
    return key.strip(), Range(low, high, log)


def _number(text: str) -> float:
    try:
        return int(text)
    except ValueError:
        return float(text)


def combinations(grid: Mapping[str, Sequence[str]]) -> list[dict[str, str]]:
    """Every combination of a grid's values."""
    return [dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())]


def written(value: float) -> str:
    """A number as a setting has it: what is trained is what is written."""
    return str(value) if isinstance(value, int) else f"{value:.6g}"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a search's folder; raises InputError where another process does."""
    from mien.store.files import try_lock

    with (folder / "search.lock").open("w") as file:
        if not try_lock(file):
            raise InputError(f"{folder}: another `mien search` works there")
        yield


@contextmanager
def open_study(
    folder: Path, chosen: Measure, trials: int | None, seed: int
) -> "Iterator[optuna.Study]":
    """Open or make the study; raises InputError where the file is none."""
    import optuna
    from sqlalchemy import URL

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    path = folder / "search.db"
    try:
        url = URL.create("sqlite", database=str(path.resolve()))
        storage = optuna.storages.RDBStorage(url.render_as_string(hide_password=False))
        study = optuna.create_study(
            storage=storage,
            study_name=STUDY,
            direction="maximize" if chosen.better is Better.HIGHER else "minimize",
            load_if_exists=True,
        )
        before = len(study.get_trials(deepcopy=False))  # the same seed would repeat its draws
        study.sampler = optuna.samplers.TPESampler(seed=seed + before)
    except Exception as error:  # of other people's parsers: anything
        reason = str(error).splitlines()[0]
        raise InputError(f"{path}: is no search ({reason}); move it away") from error
    try:
        yield study
    finally:
        storage.engine.dispose()


def refuse_another(
    study: "optuna.Study",
    folder: Path,
    recipe: str,
    store: str | Path | None,
    settings: Sequence[str],
    by: str,
    drawn: Mapping[str, Sequence[str]],
) -> None:
    """Raise InputError where the study was asked for something else; else note what is asked."""
    where = None if store is None else str(Path(store).resolve())
    asked: dict[str, Any] = {"recipe": recipe, "store": where, "settings": list(settings), "by": by}
    if drawn:  # Optuna's estimator takes no list of values that grows
        asked["grid"] = {key: list(values) for key, values in drawn.items()}
    known = study.user_attrs.get(ASKED)
    if known is None:
        study.set_user_attr(ASKED, asked)
    elif odd := [key for key in asked.keys() | known.keys() if asked.get(key) != known.get(key)]:
        key = sorted(odd)[0]
        raise InputError(
            f"{folder}: holds a search with another {key} ({known.get(key)}); give another --out"
        )


def go_on(study: "optuna.Study") -> None:
    """Enqueue again what was broken off: its run goes on from its last checkpoint."""
    from optuna.trial import TrialState

    for trial in study.get_trials(states=(TrialState.RUNNING,)):
        study.tell(trial.number, state=TrialState.FAIL)
        attrs = {SETTINGS: trial.user_attrs[SETTINGS]} if SETTINGS in trial.user_attrs else {}
        study.enqueue_trial(trial.params, user_attrs=attrs)


def enqueue(study: "optuna.Study", combinations: Sequence[dict[str, str]]) -> None:
    """Enqueue the combinations that are neither done nor waiting."""
    from optuna.trial import TrialState

    waiting = study.get_trials(states=(TrialState.WAITING,))
    known = [trial.user_attrs.get(SETTINGS) for trial in (*ended(study), *waiting)]
    for combination in combinations:
        if combination not in known:
            study.enqueue_trial({}, user_attrs={SETTINGS: combination})


def count_done(study: "optuna.Study", asked: Sequence[dict[str, str]] | None) -> int:
    """How many trials have ended: of the combinations asked for, or of all."""
    found = ended(study)
    if asked is None:
        return len(found)
    return sum(trial.user_attrs.get(SETTINGS) in asked for trial in found)


def ended(study: "optuna.Study") -> "list[optuna.trial.FrozenTrial]":
    """Trials that were trained to their end, or diverged."""
    from optuna.trial import TrialState

    return [
        trial
        for trial in study.get_trials(deepcopy=False)
        if trial.state is TrialState.COMPLETE or DIVERGED in trial.user_attrs
    ]


def draw(
    trial: "optuna.Trial", grid: Mapping[str, Sequence[str]], ranges: Mapping[str, Range]
) -> dict[str, str]:
    """Draw a setting, guided by the trials so far."""
    chosen: dict[str, str] = {}
    for key, values in grid.items():
        chosen[key] = trial.suggest_categorical(key, list(values))
    for key, span in ranges.items():
        if span.whole:
            value: float = trial.suggest_int(key, int(span.low), int(span.high), log=span.log)
        else:
            value = trial.suggest_float(key, span.low, span.high, log=span.log)
        chosen[key] = written(value)
    return chosen
