"""A reproduced table as a page and as Markdown: ours in the document's form, then the printed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mien.atomic import write_text
from mien.report.pages import write_page
from mien.report.pictures import data_url

if TYPE_CHECKING:
    from mien.report.panels import Course


COUNT = 1000
"""A figure from here on is a count, as a whole one above 1: no decimals."""


@dataclass(frozen=True)
class Cell:
    """One figure of ours beside the printed one; steps where they were reached."""

    ours: float
    step: int | None
    printed: float | None
    printed_step: int | None
    best: bool
    printed_best: bool
    note: str

    def text(self) -> str:
        """Ours, with the step it was reached at."""
        return shown(self.ours, self.step)

    def printed_text(self) -> str:
        """The document's, with the iteration it names."""
        return "–" if self.printed is None else shown(self.printed, self.printed_step)


@dataclass(frozen=True)
class TablePage:
    """Everything a table's page shows.

    curves: by column, of each row its course, (step, value). grids: of each row its samples over
    time. pages: of a row the page of its run, relative to the table's.
    """

    name: str
    title: str
    notes: Sequence[str]
    columns: Sequence[str]
    rows: Sequence[tuple[str, Sequence[Cell]]]
    claims: Sequence[tuple[str, str, str, str]]
    curves: "Sequence[tuple[str, Sequence[tuple[str, Course]]]]"
    grids: Sequence[tuple[str, Sequence[Path]]]
    pages: Mapping[str, str]


def shown(value: float, step: int | None) -> str:
    """A score with its step in brackets, a dash where there is none."""
    if not np.isfinite(value):
        return "–"
    count = abs(value) >= COUNT or (abs(value) > 1 and float(value).is_integer())
    text = f"{value:,.0f}" if count else f"{value:.3f}"
    return text + (f" ({step:,})" if step is not None else "")


def write_table_report(folder: Path, page: TablePage) -> None:
    """Write table.md and index.html."""
    from mien.report.figures import PLOTLY_SCRIPT

    write_text(folder / "table.md", markdown(page))
    grids = [
        (title, [(int(path.stem.split("-")[1]), data_url(path)) for path in paths])
        for title, paths in page.grids
    ]
    write_page(
        folder / "index.html",
        "table.html",
        page=page,
        grids=grids,
        figure=_curves(page),
        plotly=PLOTLY_SCRIPT,
    )


def _curves(page: TablePage) -> str:
    """Draw a panel for each column that has courses, a line for each row, as HTML."""
    if not page.curves:
        return ""
    from mien.report.panels import COLOURS, Panels

    names, listed = [row for row, _ in page.rows], set[str]()
    panels = Panels([column for column, _ in page.curves])
    for i, (_, courses) in enumerate(page.curves):
        for row, course in courses:
            colour = COLOURS[names.index(row) % len(COLOURS)]
            first = row not in listed
            panels.line(i, row, course, colour, legendgroup=row, showlegend=first)
            listed.add(row)
    return panels.html(60 + 20 * len(names), legend={"orientation": "h", "y": -0.12})


def markdown(page: TablePage) -> str:
    """The table in Markdown: bold is the best of a column; in brackets the step it was reached."""
    lines = [f"# {page.name}: {page.title}", "", *page.notes, ""]
    for heading, printed in (("Ours", False), ("Printed", True)):
        lines += [f"## {heading}", "", f"| | {' | '.join(page.columns)} |"]
        lines.append("| --- |" + " --- |" * len(page.columns))
        for row, cells in page.rows:
            texts = [_bold(cell, printed) for cell in cells]
            lines.append(f"| {row} | {' | '.join(texts)} |")
        lines.append("")
    if page.claims:
        lines += ["## Claims, on this data", "", "| claim | of | verdict | figures |"]
        lines.append("| --- | --- | --- | --- |")
        lines += [f"| {' | '.join(claim)} |" for claim in page.claims]
    return "\n".join(lines) + "\n"


def _bold(cell: Cell, printed: bool) -> str:
    text = cell.printed_text() if printed else cell.text()
    best = cell.printed_best if printed else cell.best
    return f"**{text}**" if best and text != "–" else text
