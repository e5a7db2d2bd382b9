"""Run what is behind a table: every training and its sweep, resumable, some side by side."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from mien.errors import InputError
from mien.progress import Progress, silent
from mien.reproduction.tables import Table, TableRun

CHECKPOINTS = 10
"""Checkpoints of a scaled-down run; the documents' have one every 1,000 steps (001: every 60)."""
TIMED_STEPS = 24


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


def steps_for(plan: Plan, seconds: float) -> int:
    """How many steps each run may take for all to fit in a time: every recipe is timed first."""
    total = 0.0
    runs = {run_folder(plan, run, 0): run for run in plan.table.rows}
    for run in runs.values():
        folder = plan.folder / "timing" / run.recipe
        if not (folder / "metrics.jsonl").exists():
            words = (f"steps={TIMED_STEPS}", f"log_every={TIMED_STEPS // 2}", "seed=0")
            _mien(["train", run.recipe, "--store", str(_store(plan, run)), "--run", str(folder),
                   *(w for word in words for w in ("--set", word))], 1)  # fmt: skip
        lines = [json.loads(t) for t in (folder / "metrics.jsonl").read_text("utf-8").splitlines()]
        rate = [line["speed/images_per_s"] for line in lines if "speed/images_per_s" in line][-1]
        total += 64 / rate
    return max(int(0.8 * seconds * plan.workers / total), CHECKPOINTS)


def run_table(plan: Plan, progress: Progress = silent) -> dict[str, Path]:
    """Train and sweep all runs that are missing; returns the folder of every row.

    Raises InputError, with its last words, where a run fails; what is done stays.
    """
    steps = steps_of(plan)
    folders = {run.row: run_folder(plan, run, steps) for run in plan.table.rows}
    todo = {folder: run for run in plan.table.rows if not _done(folder := folders[run.row])}
    for run in todo.values():
        _store(plan, run)  # drawn before several ask for it
    threads = max(1, (os.cpu_count() or 1) // max(plan.workers, 1))
    done = 0
    progress(done, len(todo), "runs")
    with ThreadPoolExecutor(plan.workers) as pool:
        started = [pool.submit(_one, plan, run, f, steps, threads) for f, run in todo.items()]
        try:
            for finished in as_completed(started):
                finished.result()
                done += 1
                progress(done, len(todo), "runs")
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return folders


def _done(folder: Path) -> bool:
    return (folder / "sweep.json").exists()


def _one(plan: Plan, run: TableRun, folder: Path, steps: int, threads: int) -> None:
    every = max(1, min(1000, steps // CHECKPOINTS))
    settings = (
        *run.settings, f"steps={steps}", f"seed={plan.seed}", f"checkpoint_every={every}",
        "keep_checkpoints=1000000", f"log_every={max(1, min(50, every))}",
    )  # fmt: skip
    words = [word for setting in settings for word in ("--set", setting)]
    command = ["train", run.recipe, "--store", str(_store(plan, run)), "--run", str(folder)]
    resume = ["--resume"] if (folder / "run.json").exists() else []
    _mien([*command, *words, *resume], threads)
    split = plan.split if not run.pictures else "val"
    _mien(["evaluate", str(folder), "--split", split, "--sweep"], threads)


def _store(plan: Plan, run: TableRun) -> Path:
    """The store of a row: the one given, or one of drawn pictures, made where it is missing."""
    if not run.pictures:
        return plan.store
    pictures, store = plan.folder / run.pictures, plan.folder / f"{run.pictures}-store"
    if not store.exists():
        if not (pictures / "labels.csv").exists():
            _mien(["toys", run.pictures, "--out", str(pictures)], 1)
        _mien(["import", "folder", str(pictures), "--store", str(store), "--size", "32"], 1)
    return store


def _mien(words: Sequence[str], threads: int) -> None:
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    command = [sys.executable, "-m", "mien", *words]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode == 130:
        raise KeyboardInterrupt
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no word"])[-1]
        raise InputError(f"`mien {words[0]} {words[1]}` failed: {last.removeprefix('mien: ')}")
