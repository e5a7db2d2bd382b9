"""`mien.reproduce`: rerun a table of the documents, beside the figures it printed."""

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

from mien.atomic import write_text
from mien.errors import InputError, unknown_name
from mien.extras import need
from mien.metrics.measures import measure
from mien.progress import Progress, say_nothing, silent
from mien.report.table_report import Cell, TablePage, write_table_report
from mien.reproduction.asked import AskedRun
from mien.reproduction.claims import check_claims
from mien.reproduction.figures import LAST, Reached, courses_of, figures_of, read_json
from mien.reproduction.published import figure, published
from mien.reproduction.tables import ALIKE, TABLES
from mien.store import Store
from mien.workflows.report import write_report
from mien.workflows.table_runs import DIVERGED, Plan, is_swept, run_table, steps_of
from mien.workflows.table_timing import steps_for

Row = tuple[str, list[Cell]]


def reproduce(
    table: str,
    *,
    store: str | Path,
    out: str | Path,
    part: str = "test",
    steps: int | None = None,
    budget_s: float | None = None,
    workers: int | None = None,
    seed: int = 0,
    small: bool = False,
    progress: Progress = silent,
    say: Callable[[str], None] = say_nothing,
) -> TablePage:
    """Train and sweep every run of a table that is missing; returns its page, and writes it.

    table: a key of `mien.reproduction.tables.TABLES`. part: of the store, that is scored. steps:
    of every run, instead of the document's; or budget_s: seconds for all of it. workers: runs at
    once; None for all processors. small: with the table's settings for small machines, which its
    title then names. Runs are kept below `out` and shared between tables; a call that
    was broken off goes on. Raises InputError for what does not fit, or where a run fails.
    """
    if table not in TABLES:
        raise unknown_name("table", table, TABLES)
    if steps is not None and budget_s is not None:
        raise InputError("steps and budget both say how long to train: give one")
    if steps is not None and steps < 1:
        raise InputError(f"steps {steps}: give at least 1")
    if small and not TABLES[table].small:
        raise InputError(
            f"{table}: has no settings for small machines; --steps or --budget scale it"
        )
    need("mien reproduce", "torch", "plotly")
    workers = os.cpu_count() or 1 if workers is None else workers
    if workers < 1 or seed < 0:
        raise InputError(f"workers {workers}, seed {seed}: give at least 1 worker, a seed from 0")
    folder = Path(out)
    Store.open(Path(store)).rows(part)
    folder.mkdir(parents=True, exist_ok=True)
    plan = Plan(TABLES[table], Path(store), folder, part, steps, seed, workers, small)
    if budget_s is not None:
        plan = replace(plan, steps=_fitting(plan, budget_s, progress, say))
    page = _page(plan, run_table(plan, progress), steps_of(plan))
    target = page_folder(folder, table)
    target.mkdir(parents=True, exist_ok=True)
    write_table_report(target, page)
    return page


def page_folder(out: Path, table: str) -> Path:
    """Where the page of a table is written."""
    return out / table.replace("/", "-")


def _fitting(plan: Plan, budget_s: float, progress: Progress, say: Callable[[str], None]) -> int:
    """Steps that fit a budget; a table that goes on keeps those of an earlier call."""
    path = plan.folder / "timing" / "steps.json"
    small = ", small" if plan.small else ""
    what = f"{plan.table.name}, {budget_s:g} s, {plan.workers} workers, {plan.split}{small}"
    known = read_json(path) or {}
    steps = known.get(what)
    if not isinstance(steps, int) or steps < 1:
        steps = steps_for(plan, budget_s, progress, say)
    write_text(path, json.dumps({**known, what: steps}) + "\n")
    return steps


def _page(plan: Plan, folders: dict[str, Path], steps: int) -> TablePage:
    """Put the figures of all runs into the table's form."""
    table = plan.table
    last = LAST if table.last else ""
    rows = []
    for row in table.rows:
        found = figures_of(folders[row.row])
        cells = [
            _cell(table.name, row.row, label, found.get(metric + row.suffix + last))
            for label, metric in table.columns
        ]
        rows.append((row.row, cells))
    if not any(row.suffix for row in table.rows):
        rows = _mark_best(rows, [metric for _, metric in table.columns])
    once = _once(folders)
    claims = check_claims(
        {asked: figures_of(folder) for asked, folder in _comparable(plan, folders, steps).items()}
    )
    return TablePage(
        table.name,
        _title(plan, steps),
        _notes(plan, folders),
        [label for label, _ in table.columns],
        rows,
        [(v.claim, v.documents, v.verdict, v.figures) for v in claims],
        _curves(plan, once),
        [(row, grids) for row, folder in once.items() if (grids := _grids(folder))],
        {row: f"../runs/{quote(f.name)}/{write_report(f).name}" for row, f in once.items()},
    )


def _cell(table: str, row: str, label: str, ours: Reached | None) -> Cell:
    found = ours or Reached(float("nan"))
    printed = figure(table, row, label)
    return Cell(
        found.value,
        found.step,
        printed.value if printed else None,
        printed.iteration if printed else None,
        False,
        bool(printed and printed.best),
        printed.note if printed else "",
    )


def _title(plan: Plan, steps: int) -> str:
    """The table's, and what was done otherwise than in the document."""
    told = [_scaled(plan, steps)] if steps != plan.table.steps else []
    told += [plan.table.small_words] if plan.small else []
    return f"{plan.table.title} ({'; '.join(told)})" if told else plan.table.title


def _scaled(plan: Plan, steps: int) -> str:
    if not plan.table.steps:
        return f"{steps:,} steps"
    way = "down" if steps < plan.table.steps else "up"
    return f"scaled {way}: {steps:,} of {plan.table.steps:,} steps"


def _comparable(plan: Plan, folders: dict[str, Path], steps: int) -> dict[AskedRun, Path]:
    """Runs that claims may hold against each other: this table's, and others of the same data,
    length and seed."""
    found = {}
    for folder in sorted((plan.folder / "runs").iterdir()):
        info = read_json(folder / "run.json", ("stores",)) or {}
        asked = AskedRun.of(info)
        if asked is None:
            continue
        alike = (
            (asked.seed, asked.steps) == (plan.seed, steps)
            and info["stores"] == [str(plan.store.resolve())]
            and is_swept(folder, plan.split, steps)
        )
        if alike or folder in folders.values():
            found[asked] = folder
    return found


def _notes(plan: Plan, folders: dict[str, Path]) -> list[str]:
    """Say what the table is of, what the document saw in words, and which rows diverged."""
    return [
        _what_is_scored(plan),
        *([plan.table.note] if plan.table.note else []),
        *(
            f"In print, {seen.row}: {seen.note.removeprefix('no figure: ')}."
            for seen in published()[plan.table.name]
            if seen.metric == "qualitative"
        ),
        *(
            f"{row}: {(folder / DIVERGED).read_text('utf-8').strip()}"
            for row, folder in folders.items()
            if (folder / DIVERGED).exists()
        ),
    ]


def _what_is_scored(plan: Plan) -> str:
    if plan.table.columns == ALIKE:
        return "Samples of the last checkpoint; in brackets its step."
    where = f"Scored on the split {plan.split} of {plan.store.name}"
    if plan.table.last:
        return f"{where} at the end of the training, as the document does; in brackets the step."
    return (
        f"{where}; best over all checkpoints on that same split, as the documents do, which "
        "flatters; in brackets the step."
    )


def _once(folders: dict[str, Path]) -> dict[str, Path]:
    """The first row of each run: several rows of a table may be figures of one."""
    first = {folder: row for row, folder in reversed(folders.items())}
    return {row: folder for row, folder in folders.items() if first[folder] == row}


def _curves(
    plan: Plan, once: dict[str, Path]
) -> list[tuple[str, list[tuple[str, list[tuple[int, float]]]]]]:
    """Of each column, the course of its metric in every run that has one."""
    metrics = [metric for _, metric in plan.table.columns]
    courses = {row: courses_of(folder, metrics) for row, folder in once.items()}
    columns = (
        (label, [(row, found[metric]) for row, found in courses.items() if metric in found])
        for label, metric in plan.table.columns
    )
    return [(label, known) for label, known in columns if known]


def _grids(folder: Path) -> list[Path]:
    """The first, the middle and the last grid of samples."""
    found = sorted((folder / "samples").glob("step-*.png"))
    return [found[i] for i in sorted({0, (len(found) - 1) // 2, len(found) - 1})] if found else []


def _mark_best(rows: Sequence[Row], metrics: Sequence[str]) -> list[Row]:
    """Mark the best of each column, where one value is better than another."""
    best = []
    for column, metric in enumerate(metrics):
        values = [cells[column].ours for _, cells in rows]
        known = [value for value in values if value == value]
        best.append(measure(metric).best(known) if len(set(known)) > 1 else float("nan"))
    return [
        (row, [replace(cell, best=cell.ours == b) for cell, b in zip(cells, best, strict=True)])
        for row, cells in rows
    ]
