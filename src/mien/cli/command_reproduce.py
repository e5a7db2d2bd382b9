"""Rerun a table of the documents on a store, beside the figures it printed.

example: mien reproduce kollias-2018/table-IX --store faces --out tables/IX --budget 20m

Every run of the table's grid is trained and all its checkpoints scored; the best of each metric
and the step it was reached are set beside the printed figures, and what the documents conclude is
held against them. Runs are kept and shared between tables of the same --out: a broken-off command
goes on when it is run again. --steps or --budget scale the table down, and the title says so.
Without a name, the tables are listed.
"""

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from mien.cli.arguments import positive, seconds, seed
from mien.cli.output import note, print_json, print_table, progress_bar
from mien.errors import InputError, check_name

if TYPE_CHECKING:
    from mien.report.table_report import TablePage


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "table", nargs="?", help="as au-va-thesis/table-3.15, kollias-2018/table-IX"
    )
    parser.add_argument("--store", type=Path)
    parser.add_argument("--out", type=Path, metavar="DIR")
    parser.add_argument("--split", default="test", help="part of the store that is scored (test)")
    parser.add_argument("--steps", type=positive, help="of every run, instead of the document's")
    parser.add_argument(
        "--budget", type=seconds, metavar="TIME", help="of runs and scoring, as 20m, 2h or 90s"
    )
    parser.add_argument(
        "--workers", type=positive, default=os.cpu_count() or 1, help="runs at once"
    )
    parser.add_argument("--seed", type=seed, default=0)
    parser.add_argument(
        "--small",
        action="store_true",
        help="smaller pictures or frozen features, where end to end takes days; the title says so",
    )
    parser.add_argument("--json", action="store_true")


def run(args: argparse.Namespace) -> int:
    if args.table is None:
        return _list(args.json)
    from mien.reproduction.tables import TABLES

    check_name("table", args.table, TABLES)
    if args.store is None or args.out is None:
        raise InputError("--store and --out are needed to run a table")
    from mien.workflows.reproduce import page_folder, reproduce

    with progress_bar(args.table) as progress:
        page = reproduce(
            args.table, store=args.store, out=args.out, part=args.split, steps=args.steps,
            budget_s=args.budget, workers=args.workers, seed=args.seed, small=args.small,
            progress=progress, say=note,
        )  # fmt: skip
    _show(page, args.json)
    note(f"Open {page_folder(args.out, args.table) / 'index.html'}")
    return 0


def _list(as_json: bool) -> int:
    from mien.reproduction.tables import TABLES

    tables = TABLES.values()
    if as_json:
        keys = ("table", "rows", "steps", "title")
        cells = ((t.name, len(t.rows), t.steps or None, t.title) for t in tables)
        print_json([dict(zip(keys, row, strict=True)) for row in cells])
        return 0
    rows = [[t.name, len(t.rows), t.steps or "not stated", t.title] for t in tables]
    print_table(["table", "rows", "steps", "title"], rows, "tables of the documents")
    return 0


def _show(page: "TablePage", as_json: bool) -> None:
    """Print the table, ours beside the printed one, and what became of the claims."""
    if as_json:
        rows = {
            row: {
                column: {"value": cell.ours, "step": cell.step, "printed": cell.printed}
                for column, cell in zip(page.columns, cells, strict=True)
            }
            for row, cells in page.rows
        }
        claims = [list(claim) for claim in page.claims]
        print_json({"table": page.name, "title": page.title, "rows": rows, "claims": claims})
        return
    print_table(
        ["", *page.columns],
        [[row, *(f"{c.text()} | {c.printed_text()}" for c in cells)] for row, cells in page.rows],
        f"{page.name}: {page.title}; ours | printed",
    )
    for claim in page.claims:
        note(f"{claim[2]}: {claim[0]} ({claim[1]}): {claim[3]}")
