"""How many steps fit a budget: every recipe of a table is timed first, its scoring too."""

import json
import shutil
import time
import tomllib
from collections.abc import Callable
from pathlib import Path

from mien.atomic import write_text
from mien.errors import InputError
from mien.progress import Progress, say_nothing, silent
from mien.reproduction.figures import read_json
from mien.reproduction.table import TableRun
from mien.runs.run import Run
from mien.workflows.table_runs import (
    CHECKPOINTS,
    Plan,
    part_of,
    pool_of,
    run_folder,
    settings_of,
    store_of,
)

STEPS = 12
"""Of a timing; the second half is timed: a whole cycle of the documents' update rates."""
COSTLY = ("batch_size=", "image_size=", "method.recogniser.body=", "method.body=")
"""Settings that change what a step costs."""
SPARE = 0.9
"""Share of the budget that is planned: machines waver."""


def steps_for(
    plan: Plan,
    seconds: float,
    progress: Progress = silent,
    warn: Callable[[str], None] = say_nothing,
) -> int:
    """How many steps each run may take for all, timing and scoring too, to fit in a time.

    Never more than the document's, nor fewer than checkpoints: warn is told where those alone take
    longer.
    """
    started = time.perf_counter()
    runs = {run_folder(plan, run, 0): run for run in plan.table.rows}
    costs: list[tuple[float, float]] = []
    for run in runs.values():
        progress(len(costs), len(runs), f"timing {run.recipe}")
        costs.append(_cost(plan, run))
    progress(len(runs), len(runs), "timed")
    seconds -= time.perf_counter() - started
    rounds = -(-len(runs) // plan.workers)
    fixed, step = (sum(part) / len(costs) for part in zip(*costs, strict=True))
    steps = int((SPARE * seconds / rounds - fixed) / step)
    least = rounds * (fixed + CHECKPOINTS * step)
    if least > seconds:
        warn(
            f"the budget is short: the least, {CHECKPOINTS} steps a run, needs about "
            f"{least / 60:.1f} minutes from here, and {max(seconds, 0) / 60:.1f} are left of it"
        )
    return max(min(steps, plan.table.steps or steps), CHECKPOINTS)


def _cost(plan: Plan, run: TableRun) -> tuple[float, float]:
    """Seconds that a run takes whatever its length, with all its checkpoints; and of a step."""
    costly = [s for s in settings_of(plan, run) if s.startswith(COSTLY)]
    folder = plan.folder / "timing" / "_".join([run.recipe, *costly])
    memory = folder / "cost.json"
    known = read_json(memory, ("fixed", "step"))
    if known is None:
        shutil.rmtree(folder, ignore_errors=True)  # a timing that was broken off
        store_of(plan, run)
        started = time.perf_counter()
        with pool_of(1, 1) as pool:  # a process of its own, as every run of the table has
            known = pool.submit(time_run, plan, run, folder).result()
        start = time.perf_counter() - started - known.pop("inside")
        known["fixed"] += start
        write_text(memory, json.dumps(known))
    return known["fixed"], known["step"]


def time_run(plan: Plan, run: TableRun, folder: Path) -> dict[str, float]:
    """Train two checkpoints, and score both, then one of them; seconds of each."""
    from mien.workflows.evaluate import sweep
    from mien.workflows.train import train

    began = time.perf_counter()
    half = STEPS // 2
    settings = (
        *settings_of(plan, run), f"steps={STEPS}", f"log_every={half}",
        f"checkpoint_every={half}", "seed=0", "keep_checkpoints=2",
    )  # fmt: skip

    def seconds(work: Callable[[], object]) -> float:
        started = time.perf_counter()
        work()
        return time.perf_counter() - started

    store, part = store_of(plan, run), part_of(plan, run)
    training = seconds(lambda: train(run.recipe, run=folder, store=store, settings=settings))
    lines = Run(folder).log()
    rates = [line["speed/images_per_s"] for line in lines if "speed/images_per_s" in line]
    saving = [line["speed/checkpoint_s"] for line in lines if "speed/checkpoint_s" in line]
    if len(rates) < 2 or len(saving) < 2:
        raise InputError(f"{folder}: cannot be timed")
    recipe = tomllib.loads(Run(folder).recipe_file.read_text("utf-8"))
    step = recipe["batch_size"] / float(rates[-1])
    both = seconds(lambda: sweep(folder, part=part))
    shutil.rmtree(Run(folder).checkpoints()[0].folder)
    (folder / "sweep.json").unlink()  # or nothing would be left to score
    one = seconds(lambda: sweep(folder, part=part))
    start = max(training - STEPS * step - sum(saving), 0)
    each = max(both - one, 0) + float(saving[-1])
    inside = time.perf_counter() - began
    return {"fixed": start + one + CHECKPOINTS * each, "step": step, "inside": inside}
