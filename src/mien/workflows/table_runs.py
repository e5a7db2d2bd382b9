"""Run what is behind a table: every training and its sweep, resumable, some side by side."""

import os
import shutil
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from mien.atomic import write_text
from mien.errors import InputError, TrainingDivergedError
from mien.processors import idle_processors
from mien.progress import Progress, silent
from mien.reproduction.asked import KEY, AskedRun
from mien.reproduction.figures import read_json, sweep_of
from mien.reproduction.table import Table, TableRun
from mien.runs.run import Run

CHECKPOINTS = 10
"""Checkpoints of a scaled-down run; at full length the table says how many steps lie between two.

Every checkpoint is scored on all faces of the split, where benroumpi-2018 draws 1,000; au-va-thesis
scores step 0 too, which is not done here."""
ROUND = 50
"""Checkpoints that are trained, then scored, before the next: no more lie on the disk."""
DIVERGED = "diverged.txt"
"""File of a run whose training diverged: what it said. Its checkpoints up to there are scored."""


@dataclass(frozen=True)
class Plan:
    """How a table is run. steps: None for the document's. split: part that the scores are of.

    small: with the table's settings for small machines.
    """

    table: Table
    store: Path
    folder: Path
    split: str
    steps: int | None
    seed: int
    workers: int
    small: bool = False


def settings_of(plan: Plan, run: TableRun) -> tuple[str, ...]:
    """Settings of a row's recipe."""
    return (*run.settings, *((run.small or plan.table.small) if plan.small else ()))


def asked_run(plan: Plan, run: TableRun, steps: int) -> AskedRun:
    """What a row asks for: rows and tables that ask the same share a run."""
    return AskedRun(run.recipe, settings_of(plan, run), run.pictures, plan.seed, steps)


def run_folder(plan: Plan, run: TableRun, steps: int) -> Path:
    """Where a row's run lies."""
    return plan.folder / "runs" / asked_run(plan, run, steps).folder_name


def steps_of(plan: Plan) -> int:
    """Steps of every run of the plan; raises InputError where neither plan nor document says."""
    steps = plan.steps or plan.table.steps
    if not steps:
        raise InputError(
            f"{plan.table.name}: the document does not say how long it trained; give --steps or "
            "--budget"
        )
    return steps


def run_table(plan: Plan, progress: Progress = silent) -> dict[str, Path]:
    """Train and sweep all runs that are missing; returns the folder of every row.

    Raises InputError where a run fails, when all others are done. One that diverges after a
    checkpoint is scored up to there, and says so in a file of its own.
    """
    steps = steps_of(plan)
    lengths = {run.row: min(steps, run.steps or steps) for run in plan.table.rows}
    folders = {run.row: run_folder(plan, run, lengths[run.row]) for run in plan.table.rows}
    todo = {
        folder: run
        for run in plan.table.rows
        if not _done(plan, run, folder := folders[run.row], lengths[run.row])
    }
    if not todo:
        return folders
    for run in todo.values():
        store_of(plan, run)  # drawn before several ask for it
    workers = min(plan.workers, len(todo))
    done, failed = 0, []
    progress(done, len(todo), "runs")
    with pool_of(workers, threads_of_each(workers)) as pool:
        started = [
            pool.submit(train_and_sweep, plan, run, folder, lengths[run.row])
            for folder, run in todo.items()
        ]
        try:
            for finished in as_completed(started):
                try:
                    finished.result()
                except InputError as error:
                    failed.append(str(error))
                done += 1
                progress(done, len(todo), "runs")
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    if failed:
        raise InputError(
            f"{len(failed)} of {len(todo)} runs failed, the others are kept: {failed[0]}"
        )
    return folders


def _done(plan: Plan, run: TableRun, folder: Path, steps: int) -> bool:
    """Whether a run is there, swept on the part asked for; InputError for another store's."""
    info = read_json(folder / "run.json", ("stores",))
    if info is None:
        return False
    if not run.pictures and info["stores"] != [str(plan.store.resolve())]:
        raise InputError(
            f"{plan.folder}: holds runs of {', '.join(info['stores'])}; give another --out for "
            "another store"
        )
    return is_swept(folder, part_of(plan, run), steps)


def is_swept(folder: Path, part: str, steps: int) -> bool:
    """Whether a run is scored on a part to its last step, or to where it diverged."""
    sweep = sweep_of(folder)
    if sweep is None or sweep["split"] != part:
        return False
    last = sweep["checkpoints"][-1]["step"]
    saved = Run(folder).checkpoints()
    ended = last >= steps or (folder / DIVERGED).exists()
    return ended and (not saved or last >= saved[-1].step)


def part_of(plan: Plan, run: TableRun) -> str:
    """Which part a row is scored on: that of drawn pictures has a name of its own."""
    return "val" if run.pictures else plan.split


def threads_of_each(runs: int) -> int:
    """Threads for each of several runs at once: what OMP_NUM_THREADS says, or of the idle share."""
    asked = os.environ.get("OMP_NUM_THREADS", "")
    return max(1, int(asked) if asked.isdigit() else idle_processors() // runs)


def pool_of(workers: int, threads: int) -> ProcessPoolExecutor:
    """Fresh processes, each of which computes with so many threads."""
    return ProcessPoolExecutor(
        workers, get_context("spawn"), initializer=_set_threads, initargs=(threads,)
    )


def _set_threads(threads: int) -> None:
    os.environ["OMP_NUM_THREADS"] = str(threads)  # before torch is loaded


def train_and_sweep(plan: Plan, run: TableRun, folder: Path, steps: int) -> None:
    """Train and sweep a row's run, in rounds: a sweep keeps what it scored before."""
    from mien.workflows.evaluate import sweep

    every = max(1, min(run.every or plan.table.every, steps // CHECKPOINTS))
    part = part_of(plan, run)
    if read_json(folder / "run.json") is None:  # not begun, or damaged: it is trained anew
        shutil.rmtree(folder, ignore_errors=True)
    saved = Run(folder).checkpoints()
    until = saved[-1].step if saved else 0
    if saved:  # of a round that was broken off: the next would drop what is not scored
        sweep(folder, part=part)
    while until < steps and not (folder / DIVERGED).exists():
        until = min((until // every + ROUND) * every, steps)  # Ctrl-C saves between two
        train_until(plan, run, folder, until, steps, every)
        sweep(folder, part=part)


def train_until(
    plan: Plan, run: TableRun, folder: Path, until: int, steps: int, every: int
) -> None:
    """Train a run on to a step; one that diverges after a checkpoint says so in a file."""
    from mien.workflows.train import train

    settings = (
        *settings_of(plan, run), f"steps={until}", f"seed={plan.seed}", f"checkpoint_every={every}",
        f"keep_checkpoints={ROUND}", f"log_every={max(1, min(plan.table.log_every, every))}",
    )  # fmt: skip
    try:
        train(
            run.recipe,
            run=folder,
            store=store_of(plan, run),
            settings=settings,
            resume=(folder / "run.json").exists(),
            notes={KEY: asked_run(plan, run, steps).to_dict()},
        )
    except TrainingDivergedError as error:
        if not Run(folder).checkpoints():
            raise
        write_text(folder / DIVERGED, f"{error}\n")


def store_of(plan: Plan, run: TableRun) -> Path:
    """The store of a row: the one given, or one of drawn pictures, made where it is missing."""
    if not run.pictures:
        return plan.store
    from mien.workflows.import_corpus import import_corpus
    from mien.workflows.toys import toys

    pictures, store = plan.folder / run.pictures, plan.folder / f"{run.pictures}-store"
    if not (store / "store.json").exists():
        shutil.rmtree(store, ignore_errors=True)  # an import that was broken off
        if not (pictures / "labels.csv").exists():
            toys(run.pictures, pictures)
        import_corpus("folder", pictures, store=store, size=32)
    return store
