"""`mien.search`: train a recipe with several settings, and say which did best on val."""

import itertools
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mien.errors import InputError, TrainingDivergedError, check_name
from mien.metrics.measures import OF_CHECKPOINTS, Better, Measure, measure
from mien.progress import Progress, say_nothing, silent
from mien.runs.run import Run
from mien.store import Store

if TYPE_CHECKING:
    import optuna

HEADLINE = Measure("headline", Better.HIGHER)
LOSS = Measure("training loss", Better.LOWER)
MOST = 1000
"""Settings of a grid."""
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


@dataclass(frozen=True)
class Trial:
    """One training. settings: key to value, as written. value: NaN where it diverged or runs yet.

    loss: mean of the last tenth of the logged training losses. diverged: what was said of it.
    """

    settings: Mapping[str, str]
    run: Path
    value: float
    loss: float
    diverged: str


@dataclass(frozen=True)
class Found:
    """Trials in the order they were made; best: the best of those that ended, None without any."""

    measure: Measure
    trials: tuple[Trial, ...]
    best: Trial | None


def search(
    recipe: str,
    *,
    out: str | Path,
    store: str | Path | None = None,
    grid: Mapping[str, Sequence[str]] | None = None,
    ranges: Mapping[str, Range] | None = None,
    trials: int | None = None,
    by: str = "headline",
    settings: Sequence[str] = (),
    seed: int = 0,
    progress: Progress = silent,
    say: Callable[[str], None] = say_nothing,
) -> Found:
    """Train a recipe once per setting into `out/runs`, score it on val, and write `out/index.html`.

    grid: recipe's key to values, as --set has them; without `trials` all combinations are trained.
    ranges, trials: with `trials`, so many settings are drawn from ranges and grid by a
    tree-structured Parzen estimator (Bergstra et al. 2011; Optuna). by: name of a measure of the
    best checkpoint on val (`mien.metrics.measures`), `headline` or `training loss`. settings: of
    all trainings.

    The state is `out/search.db` (Optuna, SQLite): what was broken off goes on, what is done stays,
    and a longer list of values or more trials adds to it. Raises InputError for settings that the
    recipe does not take, and where `out` holds another search.
    """
    grid, ranges = dict(grid or {}), dict(ranges or {})
    chosen = _measure(by)
    _check(recipe, settings, grid, ranges, trials)
    if chosen is not LOSS and store is not None:
        Store.open(Path(store)).rows("val")  # raises where there is none
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder), _study(folder, chosen, trials, seed) as study:
        drawn = grid if trials is not None else {}
        _same(study, folder, recipe, store, settings, by, drawn)
        _go_on(study)
        work = _Work(recipe, store, folder, chosen, tuple(settings), say)
        asked = _combinations(grid) if trials is None else None
        if asked is not None:
            _enqueue(study, asked)
        total = trials if asked is None else len(asked)
        while (number := _done(study, asked)) < (total or 0):
            work.one(study, grid, ranges, _within(progress, number, total or 0))
            _write(folder, recipe, work.found(study))
        found = work.found(study)
        _write(folder, recipe, found)
    return found


def _measure(name: str) -> Measure:
    own = {HEADLINE.name: HEADLINE, LOSS.name: LOSS}
    if name in own:
        return own[name]
    if not name.startswith("F1 AU "):
        check_name("measure", name, [*own, *(m.name for m in OF_CHECKPOINTS), "F1 AU 12"])
    try:
        return measure(name)
    except (KeyError, ValueError) as error:
        raise InputError(f"--by {name}: no such measure; a unit's is written 'F1 AU 12'") from error


def _combinations(grid: Mapping[str, Sequence[str]]) -> list[dict[str, str]]:
    return [dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())]


def _check(
    recipe: str,
    settings: Sequence[str],
    grid: Mapping[str, Sequence[str]],
    ranges: Mapping[str, Range],
    trials: int | None,
) -> None:
    """Raise InputError for anything that could not be trained, before anything is."""
    from mien.training.recipe import load_recipe

    if not grid and not ranges:
        raise InputError("name what to try: --grid KEY=VALUE,VALUE or --range KEY=LOW:HIGH")
    if ranges and trials is None:
        raise InputError("--range needs --trials, how many settings to draw")
    if double := grid.keys() & ranges.keys():
        raise InputError(f"{sorted(double)[0]}: is in --grid and in --range")
    ends = {key: [_text(r.low), _text(r.high)] for key, r in ranges.items()}
    tried = {**grid, **ends}
    if trials is None and len(_combinations(grid)) > MOST:
        raise InputError(f"the grid has more than {MOST} settings; give --trials")
    for key, values in tried.items():
        if len(set(values)) < len(values):
            raise InputError(f"--grid {key}: names a value twice")
        for value in values:
            load_recipe(recipe, [*settings, f"{key}={value}"])


def _text(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.6g}"


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    from mien.store.files import try_lock

    with (folder / "search.lock").open("w") as file:
        if not try_lock(file):
            raise InputError(f"{folder}: another `mien search` works there")
        yield


@contextmanager
def _study(
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


def _same(
    study: "optuna.Study",
    folder: Path,
    recipe: str,
    store: str | Path | None,
    settings: Sequence[str],
    by: str,
    drawn: Mapping[str, Sequence[str]],
) -> None:
    where = None if store is None else str(Path(store).resolve())
    asked = {"recipe": recipe, "store": where, "settings": list(settings), "by": by}
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


def _go_on(study: "optuna.Study") -> None:
    """Enqueue again what was broken off: its run goes on from its last checkpoint."""
    from optuna.trial import TrialState

    for trial in study.get_trials(states=(TrialState.RUNNING,)):
        study.tell(trial.number, state=TrialState.FAIL)
        attrs = {SETTINGS: trial.user_attrs[SETTINGS]} if SETTINGS in trial.user_attrs else {}
        study.enqueue_trial(trial.params, user_attrs=attrs)


def _enqueue(study: "optuna.Study", combinations: Sequence[dict[str, str]]) -> None:
    """Enqueue the combinations that are neither done nor waiting."""
    from optuna.trial import TrialState

    waiting = study.get_trials(states=(TrialState.WAITING,))
    known = [trial.user_attrs.get(SETTINGS) for trial in (*_ended(study), *waiting)]
    for combination in combinations:
        if combination not in known:
            study.enqueue_trial({}, user_attrs={SETTINGS: combination})


def _done(study: "optuna.Study", asked: Sequence[dict[str, str]] | None) -> int:
    """How many trials have ended: of the combinations asked for, or of all."""
    ended = _ended(study)
    if asked is None:
        return len(ended)
    return sum(trial.user_attrs.get(SETTINGS) in asked for trial in ended)


def _ended(study: "optuna.Study") -> "list[optuna.trial.FrozenTrial]":
    """Trials that were trained to their end, or diverged."""
    from optuna.trial import TrialState

    return [
        trial
        for trial in study.get_trials(deepcopy=False)
        if trial.state is TrialState.COMPLETE or DIVERGED in trial.user_attrs
    ]


def _within(progress: Progress, number: int, total: int) -> Progress:
    """The progress of one training as a part of the search's."""

    def inner(done: float, steps: float | None, note: str = "") -> None:
        progress(number + done / (steps or done), total, f"step {done:.0f}, {note}")

    return inner


@dataclass(frozen=True)
class _Work:
    recipe: str
    store: str | Path | None
    folder: Path
    measure: Measure
    settings: tuple[str, ...]
    say: Callable[[str], None]

    def one(
        self,
        study: "optuna.Study",
        grid: Mapping[str, Sequence[str]],
        ranges: Mapping[str, Range],
        progress: Progress,
    ) -> None:
        """Train and score the next trial."""
        from optuna.trial import TrialState

        from mien.workflows.train import train

        trial = study.ask()
        chosen = trial.user_attrs.get(SETTINGS) or _drawn(trial, grid, ranges)
        trial.set_user_attr(SETTINGS, chosen)
        run = self._run(chosen)
        told = ", ".join(f"{key}={value}" for key, value in chosen.items())
        try:
            train(
                self.recipe,
                run=run,
                store=self.store,
                settings=[*self.settings, *(f"{key}={value}" for key, value in chosen.items())],
                resume=(run / "run.json").exists(),
                progress=progress,
            )
        except TrainingDivergedError as error:
            trial.set_user_attr(DIVERGED, str(error))
            study.tell(trial, state=TrialState.FAIL)
            self.say(f"{told}: diverged")
            return
        value = self._value(run)
        if value != value:
            raise InputError(f"{run}: val says nothing of {self.measure.name}; choose another --by")
        study.tell(trial, value)
        self.say(f"{told}: {self.measure.name} {value:.4f}")

    def _run(self, chosen: Mapping[str, str]) -> Path:
        """Folder of a setting's run."""
        name = ",".join(f"{key}={value}" for key, value in chosen.items())
        plain = "".join(c if c.isalnum() or c in "=,._-" else "_" for c in name)
        return self.folder / "runs" / plain

    def _value(self, run: Path) -> float:
        target = Run.open(run)
        if self.measure is LOSS:
            return training_loss(target)
        if self.measure is HEADLINE:
            best = target.info()["best"]
            return float("nan") if best is None else float(best["value"])
        from mien.workflows.evaluate import evaluate

        assert self.measure.read is not None
        scores = evaluate(run, part="val").values()
        values = [self.measure.read(result["best"]) for result in scores]
        return sum(values) / len(values)

    def found(self, study: "optuna.Study") -> Found:
        """All trials so far."""
        trials = []
        for trial in _ended(study):
            chosen = trial.user_attrs[SETTINGS]
            run = self._run(chosen)
            value = float("nan") if trial.value is None else trial.value
            said = str(trial.user_attrs.get(DIVERGED, ""))
            trials.append(Trial(chosen, run, value, training_loss(Run(run)), said))
        known = [trial for trial in trials if trial.value == trial.value]
        pick = max if self.measure.better is Better.HIGHER else min
        best = pick(known, key=lambda trial: trial.value) if known else None
        return Found(self.measure, tuple(trials), best)


def _drawn(
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
        chosen[key] = _text(value)
    return chosen


def training_loss(run: Run) -> float:
    """Mean of the last tenth of the training losses that a run logged; NaN without any."""
    losses = [line["recogniser/loss"] for line in run.log() if "recogniser/loss" in line]
    last = losses[-max(1, len(losses) // 10) :]
    return sum(last) / len(last) if last else float("nan")


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


def _write(folder: Path, recipe: str, found: Found) -> None:
    from mien.report.search_report import SearchRow, write_search_report

    rows = [
        SearchRow(t.settings, t.value, t.loss, t is found.best, t.diverged, t.run)
        for t in found.trials
    ]
    write_search_report(folder, recipe, found.measure.name, rows)
