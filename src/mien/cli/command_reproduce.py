"""Rerun a table of the documents on a store, beside the figures it printed.

example: mien reproduce kollias-2018/table-IX --store faces --out tables/IX --budget 20m

Every run of the table's grid is trained and all its checkpoints scored; the best of each metric
and the step it was reached are set beside the printed figures, and what the documents conclude is
held against them. Runs are kept and shared between tables of the same --out: a broken-off command
goes on when it is run again. --steps or --budget scale the table down, and the title says so.
Without a name, the tables are listed.
"""

import argparse
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from mien.cli.arguments import seed
from mien.cli.output import note, print_json, print_table, progress_bar
from mien.errors import InputError, unknown_name

if TYPE_CHECKING:
    from mien.report.table_report import Cell, TablePage
    from mien.reproduction.runner import Plan


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "table",
        nargs="?",
        help="as au-va-thesis/table-3.15, kollias-2018/table-IX, kolbenschlag-2020/stage-2",
    )
    parser.add_argument("--store", type=Path)
    parser.add_argument("--out", type=Path, metavar="DIR")
    parser.add_argument("--split", default="test", help="that is scored (test)")
    parser.add_argument("--steps", type=int, help="of every run, instead of the document's")
    parser.add_argument("--budget", metavar="TIME", help="of runs and scoring, as 20m, 2h or 90s")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="runs at once")
    parser.add_argument("--seed", type=seed, default=0)
    parser.add_argument("--json", action="store_true")


def run(args: argparse.Namespace) -> int:
    from mien.report.table_report import write_table_report
    from mien.reproduction.runner import Plan, run_table, steps_of
    from mien.reproduction.tables import TABLES
    from mien.store import Store

    if args.table is None:
        tables = TABLES.values()
        if args.json:
            keys = ("table", "rows", "steps", "title")
            cells = ((t.name, len(t.rows), t.steps or None, t.title) for t in tables)
            print_json([dict(zip(keys, row, strict=True)) for row in cells])
            return 0
        rows = [[t.name, len(t.rows), t.steps or "not stated", t.title] for t in tables]
        print_table(["table", "rows", "steps", "title"], rows, "tables of the documents")
        return 0
    if args.table not in TABLES:
        raise unknown_name("table", args.table, TABLES)
    if args.store is None or args.out is None:
        raise InputError("--store and --out are needed to run a table")
    if args.steps is not None and args.steps < 1:
        raise InputError(f"--steps {args.steps}: give at least 1")
    if args.workers < 1:
        raise InputError(f"--workers {args.workers}: give at least 1")
    seconds = _seconds(args.budget)
    if seconds is not None and args.steps is not None:
        raise InputError("--steps and --budget both say how long to train: give one")
    Store.open(args.store).rows(args.split)
    args.out.mkdir(parents=True, exist_ok=True)
    plan = Plan(
        TABLES[args.table], args.store, args.out, args.split, args.steps, args.seed, args.workers
    )
    if seconds is not None:
        memory = args.out / "timing" / "steps.json"
        what = f"{args.table}, {args.budget}, {args.workers} workers, {args.split}"
        steps = _remembered(memory, what) or _fitting(plan, seconds)
        _remember(memory, what, steps)
        plan = Plan(plan.table, plan.store, plan.folder, plan.split, steps, plan.seed, plan.workers)
    with progress_bar(args.table) as progress:
        folders = run_table(plan, progress)
    page = _page(plan, folders, steps_of(plan))
    target = args.out / args.table.replace("/", "-")
    target.mkdir(parents=True, exist_ok=True)
    write_table_report(target, page)
    _show(page, args.json)
    note(f"Open {target / 'index.html'}")
    return 0


def _show(page: "TablePage", as_json: bool) -> None:
    """Print the table, ours beside the printed one, and what became of the claims."""
    if as_json:
        print_json(
            {
                "table": page.name,
                "title": page.title,
                "rows": {
                    row: {
                        column: {"value": cell.ours, "step": cell.step, "printed": cell.printed}
                        for column, cell in zip(page.columns, cells, strict=True)
                    }
                    for row, cells in page.rows
                },
                "claims": [list(claim) for claim in page.claims],
            }
        )
        return
    print_table(
        ["", *page.columns],
        [[row, *(f"{c.text()} | {c.printed_text()}" for c in cells)] for row, cells in page.rows],
        f"{page.name}: {page.title}; ours | printed",
    )
    for claim in page.claims:
        note(f"{claim[2]}: {claim[0]} ({claim[1]}): {claim[3]}")


def _fitting(plan: "Plan", seconds: float) -> int:
    from mien.reproduction.timing import steps_for

    with progress_bar("timing") as progress:
        return steps_for(plan, seconds, progress, note)


def _seconds(budget: str | None) -> float | None:
    """Read 90s, 20m, 2h."""
    if budget is None:
        return None
    units = {"s": 1, "m": 60, "h": 3600}
    try:
        value = float(budget[:-1]) * units[budget[-1]]
    except (ValueError, KeyError, IndexError) as error:
        raise InputError(f"--budget {budget}: give a time as 90s, 20m or 2h") from error
    if not 0 < value < 1e9:
        raise InputError(f"--budget {budget}: give a time above 0")
    return value


def _remembered(path: Path, table: str) -> int | None:
    """Steps that an earlier call with a budget came to: a table that goes on keeps them."""
    from mien.reproduction.figures import read_json

    steps = (read_json(path) or {}).get(table)
    return steps if isinstance(steps, int) and steps > 0 else None


def _remember(path: Path, table: str, steps: int) -> None:
    from mien.atomic import write_text
    from mien.reproduction.figures import read_json

    write_text(path, json.dumps({**(read_json(path) or {}), table: steps}) + "\n")


def _comparable(plan: "Plan", folder: Path, steps: int) -> bool:
    """Whether claims may hold another table's run against this one's: same data, length, seed."""
    from mien.reproduction.figures import read_json
    from mien.reproduction.runner import is_swept

    if not folder.name.endswith(f"_seed={plan.seed}_steps={steps}"):
        return False
    store = (read_json(folder / "run.json", ("store",)) or {}).get("store")
    return store == str(plan.store.resolve()) and is_swept(folder, plan.split, steps)


def _page(plan: "Plan", folders: dict[str, Path], steps: int) -> "TablePage":
    """Put the figures of all runs into the table's form."""
    from mien.report.table_report import Cell, TablePage
    from mien.reproduction.claims import check_claims
    from mien.reproduction.figures import Reached, figures_of
    from mien.reproduction.published import figure

    table = plan.table
    runs = {
        folder.name: figures_of(folder)
        for folder in sorted((plan.folder / "runs").iterdir())
        if folder in folders.values() or _comparable(plan, folder, steps)
    }
    rows = []
    for run_ in table.rows:
        found = runs[folders[run_.row].name]
        cells = []
        for label, metric in table.columns:
            ours = found.get(metric + run_.suffix, Reached(float("nan")))
            printed = figure(table.name, run_.row, label)
            cells.append(
                Cell(
                    ours.value,
                    ours.step,
                    printed.value if printed else None,
                    printed.iteration if printed else None,
                    False,
                    bool(printed and printed.best),
                    printed.note if printed else "",
                )
            )
        rows.append((run_.row, cells))
    scaled = f"{steps:,} steps"
    if table.steps:
        way = "down" if steps < table.steps else "up"
        scaled = f"scaled {way}: {steps:,} of {table.steps:,} steps"
    title = table.title if steps == table.steps else f"{table.title} ({scaled})"
    once = _once(folders)
    claims = [(v.claim, v.documents, v.verdict, v.figures) for v in check_claims(runs)]
    return TablePage(
        table.name,
        title,
        _notes(plan, folders),
        [label for label, _ in table.columns],
        rows
        if any(run_.suffix for run_ in table.rows)
        else _mark_best(rows, [metric for _, metric in table.columns]),
        claims,
        _curves(plan, once),
        [(row, grids) for row, folder in once.items() if (grids := _grids(folder))],
        {row: _run_page(folder) for row, folder in once.items()},
    )


def _notes(plan: "Plan", folders: dict[str, Path]) -> list[str]:
    """Say what the table is of, what the document saw in words, and which rows diverged."""
    from mien.reproduction.published import published
    from mien.reproduction.runner import DIVERGED
    from mien.reproduction.tables import ALIKE

    return [
        "Samples of the last checkpoint; in brackets its step."
        if plan.table.columns == ALIKE
        else f"Scored on the split {plan.split} of {plan.store.name}; best over all checkpoints on "
        "that same split, as the documents do, which flatters; in brackets the step.",
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


def _once(folders: dict[str, Path]) -> dict[str, Path]:
    """The first row of each run: several rows of a table may be figures of one."""
    first = {folder: row for row, folder in reversed(folders.items())}
    return {row: folder for row, folder in folders.items() if first[folder] == row}


def _curves(
    plan: "Plan", once: dict[str, Path]
) -> list[tuple[str, list[tuple[str, list[tuple[int, float]]]]]]:
    """Of each column, the course of its metric in every run that has one."""
    from mien.reproduction.figures import courses_of

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


def _run_page(folder: Path) -> str:
    """Write the page of a run; returns where it is, seen from the table's."""
    from mien.report.run_report import write_run_report
    from mien.runs.run import Run

    page = write_run_report(Run.open(folder))
    return f"../runs/{quote(folder.name)}/{page.name}"


def _mark_best(
    rows: list[tuple[str, list["Cell"]]], metrics: list[str]
) -> list[tuple[str, list["Cell"]]]:
    """Mark the best of each column, where there is one; the lowest for errors."""
    from dataclasses import replace

    for column, metric in enumerate(metrics):
        values = [cells[column].ours for _, cells in rows]
        known = [value for value in values if value == value]
        if len(set(known)) < 2 or "loss" in metric:
            continue
        lower = metric.startswith(("MSE", "training 1-CCC", "testing 1-CCC", "duplicates"))
        if metric == "diversity":  # that of real faces is best: noise lies further apart
            best = min(known, key=lambda value: abs(value - 1))
        else:
            best = min(known) if lower else max(known)
        for _, cells in rows:
            cells[column] = replace(cells[column], best=cells[column].ours == best)
    return rows
