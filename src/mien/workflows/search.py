"""`mien.search`: train a recipe with several settings, and say which did best on val."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mien.errors import InputError, TrainingDivergedError, check_name
from mien.extras import need
from mien.metrics.measures import OF_CHECKPOINTS, Better, Measure, measure
from mien.progress import Progress, say_nothing, silent
from mien.runs.run import Run
from mien.store import Store
from mien.workflows.search_study import (
    DIVERGED,
    SETTINGS,
    Range,
    combinations,
    count_done,
    draw,
    ended,
    enqueue,
    go_on,
    locked,
    open_study,
    refuse_another,
    written,
)

if TYPE_CHECKING:
    import optuna

HEADLINE = Measure("headline", Better.HIGHER)
LOSS = Measure("training loss", Better.LOWER)
MOST = 1000
"""Settings of a grid."""


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
    need("mien search", "torch", "optuna", "plotly")
    grid, ranges = dict(grid or {}), dict(ranges or {})
    chosen = _measure(by)
    _check(recipe, settings, grid, ranges, trials)
    if chosen is not LOSS and store is not None:
        Store.open(Path(store)).rows("val")  # raises where there is none
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder), open_study(folder, chosen, trials, seed) as study:
        drawn = grid if trials is not None else {}
        refuse_another(study, folder, recipe, store, settings, by, drawn)
        go_on(study)
        work = _Work(recipe, store, folder, chosen, tuple(settings), say)
        asked = combinations(grid) if trials is None else None
        if asked is not None:
            enqueue(study, asked)
        total = trials if asked is None else len(asked)
        while (number := count_done(study, asked)) < (total or 0):
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
    ends = {key: [written(r.low), written(r.high)] for key, r in ranges.items()}
    tried = {**grid, **ends}
    if trials is None and len(combinations(grid)) > MOST:
        raise InputError(f"the grid has more than {MOST} settings; give --trials")
    for key, values in tried.items():
        if len(set(values)) < len(values):
            raise InputError(f"--grid {key}: names a value twice")
        for value in values:
            load_recipe(recipe, [*settings, f"{key}={value}"])


def _within(progress: Progress, number: int, trials: int) -> Progress:
    """The progress of one training as a part of the search's."""

    def inner(done: float, total: float | None, note: str = "") -> None:
        progress(number + done / (total or done), trials, f"step {done:.0f}, {note}")

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
        chosen = trial.user_attrs.get(SETTINGS) or draw(trial, grid, ranges)
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
        for trial in ended(study):
            chosen = trial.user_attrs[SETTINGS]
            run = self._run(chosen)
            value = float("nan") if trial.value is None else trial.value
            said = str(trial.user_attrs.get(DIVERGED, ""))
            trials.append(Trial(chosen, run, value, training_loss(Run(run)), said))
        known = [trial for trial in trials if trial.value == trial.value]
        pick = max if self.measure.better is Better.HIGHER else min
        best = pick(known, key=lambda trial: trial.value) if known else None
        return Found(self.measure, tuple(trials), best)


def training_loss(run: Run) -> float:
    """Mean of the last tenth of the training losses that a run logged; NaN without any."""
    losses = [line["recogniser/loss"] for line in run.log() if "recogniser/loss" in line]
    last = losses[-max(1, len(losses) // 10) :]
    return sum(last) / len(last) if last else float("nan")


def _write(folder: Path, recipe: str, found: Found) -> None:
    from mien.report.search_report import SearchRow, write_search_report

    rows = [
        SearchRow(t.settings, t.value, t.loss, t is found.best, t.diverged, t.run)
        for t in found.trials
    ]
    write_search_report(folder, recipe, found.measure.name, rows)
