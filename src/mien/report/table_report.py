"""A reproduced table as a page and as Markdown: ours in the document's form, then the printed."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jinja2 import Environment, PackageLoader, select_autoescape

from mien.atomic import write_text
from mien.report.pictures import data_url


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
    """Everything a table's page shows. grids: title and picture of a row's samples."""

    name: str
    title: str
    notes: Sequence[str]
    columns: Sequence[str]
    rows: Sequence[tuple[str, Sequence[Cell]]]
    claims: Sequence[tuple[str, str, str, str]]
    grids: Sequence[tuple[str, Path]]


def shown(value: float, step: int | None) -> str:
    """A score with its step in brackets, a dash where there is none."""
    if not np.isfinite(value):
        return "–"
    return f"{value:.3f}" + (f" ({step:,})" if step is not None else "")


def write_table_report(folder: Path, page: TablePage) -> None:
    """Write table.md and index.html."""
    write_text(folder / "table.md", markdown(page))
    environment = Environment(
        loader=PackageLoader("mien.report"), autoescape=select_autoescape(default=True)
    )
    grids = [(title, data_url(path)) for title, path in page.grids if path.exists()]
    text = environment.get_template("table.html").render(page=page, grids=grids)
    write_text(folder / "index.html", text)


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
