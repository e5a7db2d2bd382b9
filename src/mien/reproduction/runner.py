"""Run what is behind a table: every training and its sweep, resumable, some side by side."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from mien.atomic import write_text
from mien.errors import InputError
from mien.processors import idle_processors
from mien.progress import Progress, silent
from mien.reproduction.figures import read_json, sweep_of
from mien.reproduction.tables import Table, TableRun
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
    """How a table is run. steps: None for the document's. split: that the scores are of."""

    table: Table
    store: Path
    folder: Path
    split: str
    steps: int | None
    seed: int
    workers: int


def run_folder(plan: Plan, run: TableRun, steps: int) -> Path:
    """Where a row's run lies: rows and tables with the same settings share it."""
    words = [run.recipe, run.pictures, *run.settings, f"seed={plan.seed}", f"steps={steps}"]
    name = "_".join(word for word in words if word)
    return plan.folder / "runs" / "".join(c if c.isalnum() or c in "_.=" else "-" for c in name)


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

    Raises InputError, with its last words, where a run fails, when all others are done. One that
    diverges after a checkpoint is scored up to there, and says so in a file of its own.
    """
    steps = steps_of(plan)
    lengths = {run.row: min(steps, run.steps or steps) for run in plan.table.rows}
    folders = {run.row: run_folder(plan, run, lengths[run.row]) for run in plan.table.rows}
    todo = {
        folder: run
        for run in plan.table.rows
        if not _done(plan, run, folder := folders[run.row], lengths[run.row])
    }
    for run in todo.values():
        store_of(plan, run)  # drawn before several ask for it
    threads = threads_of_each(min(plan.workers, len(todo))) if todo else 1
    done, failed = 0, []
    progress(done, len(todo), "runs")
    with ThreadPoolExecutor(plan.workers) as pool:
        started = [
            pool.submit(_one, plan, run, folder, lengths[run.row], threads)
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
    """Whether a run is there, swept on the split asked for; InputError for another store's."""
    info = read_json(folder / "run.json", ("store",))
    if info is None:
        return False
    if not run.pictures and Path(info["store"]) != plan.store.resolve():
        raise InputError(
            f"{plan.folder}: holds runs of {info['store']}; give another --out for another store"
        )
    return is_swept(folder, split_of(plan, run), steps)


def is_swept(folder: Path, split: str, steps: int) -> bool:
    """Whether a run is scored on a split to its last step, or to where it diverged."""
    sweep = sweep_of(folder)
    if sweep is None or sweep["split"] != split:
        return False
    last = sweep["checkpoints"][-1]["step"]
    saved = Run(folder).checkpoints()
    ended = last >= steps or (folder / DIVERGED).exists()
    return ended and (not saved or last >= saved[-1].step)


def split_of(plan: Plan, run: TableRun) -> str:
    """Which split a row is scored on: that of drawn pictures has a name of its own."""
    return "val" if run.pictures else plan.split


def threads_of_each(runs: int) -> int:
    """Threads for each of several runs at once: what OMP_NUM_THREADS says, or of the idle share."""
    asked = os.environ.get("OMP_NUM_THREADS", "")
    return max(1, int(asked) if asked.isdigit() else idle_processors() // runs)


def _one(plan: Plan, run: TableRun, folder: Path, steps: int, threads: int) -> None:
    """Train and sweep a row's run, in rounds: a sweep keeps what it scored before."""
    every = max(1, min(run.every or plan.table.every, steps // CHECKPOINTS))
    if read_json(folder / "run.json") is None:  # not begun, or damaged: it is trained anew
        shutil.rmtree(folder, ignore_errors=True)
    sweep = ["evaluate", str(folder), "--split", split_of(plan, run), "--sweep"]
    saved = Run(folder).checkpoints()
    until = saved[-1].step if saved else 0
    if saved:  # of a round that was broken off: the next would drop what is not scored
        run_command(sweep, threads)
    while until < steps and not (folder / DIVERGED).exists():
        until = min((until // every + ROUND) * every, steps)  # Ctrl-C saves between two
        _train(plan, run, folder, until, every, threads)
        run_command(sweep, threads)


def _train(plan: Plan, run: TableRun, folder: Path, until: int, every: int, threads: int) -> None:
    """Train a run on to a step; one that diverges after a checkpoint says so in a file."""
    settings = (
        *run.settings, f"steps={until}", f"seed={plan.seed}", f"checkpoint_every={every}",
        f"keep_checkpoints={ROUND}", f"log_every={max(1, min(50, every))}",
    )  # fmt: skip
    words = [word for setting in settings for word in ("--set", setting)]
    command = ["train", run.recipe, "--store", str(store_of(plan, run)), "--run", str(folder)]
    resume = ["--resume"] if (folder / "run.json").exists() else []
    try:
        run_command([*command, *words, *resume], threads)
    except InputError as error:
        if "diverged" not in str(error) or not any(folder.glob("checkpoints/step-*")):
            raise
        write_text(folder / DIVERGED, f"{error}\n")


def store_of(plan: Plan, run: TableRun) -> Path:
    """The store of a row: the one given, or one of drawn pictures, made where it is missing."""
    if not run.pictures:
        return plan.store
    pictures, store = plan.folder / run.pictures, plan.folder / f"{run.pictures}-store"
    if not (store / "faces.parquet").exists():
        shutil.rmtree(store, ignore_errors=True)  # an import that was broken off
        if not (pictures / "labels.csv").exists():
            run_command(["toys", run.pictures, "--out", str(pictures)], 1)
        run_command(["import", "folder", str(pictures), "--store", str(store), "--size", "32"], 1)
    return store


def run_command(words: Sequence[str], threads: int) -> None:
    """Run a command of mien's; raises InputError with its last words where it fails."""
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    command = [sys.executable, "-m", "mien", *words]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode == 130:
        raise KeyboardInterrupt
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no word"])[-1]
        why = last.removeprefix("mien: ").removeprefix("error: ")
        raise InputError(f"`mien {words[0]} {words[1]}` failed: {why}")
