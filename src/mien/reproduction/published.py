"""Every figure that the documents' result tables print, from one data file.

`published.csv`: document, table, title, row, column, metric, value, iteration (steps), bold, note.
An empty value is one the document lost or never had; the note says why. Where bold print did not
survive, `derived` marks the best of a column, as the captions define bold.
"""

import csv
from dataclasses import dataclass
from functools import cache
from importlib import resources


@dataclass(frozen=True)
class Figure:
    """One printed figure. iteration: steps at which it was reached, where the table says."""

    row: str
    column: str
    metric: str
    value: float | None
    iteration: int | None
    best: bool
    note: str


@cache
def published() -> dict[str, tuple[Figure, ...]]:
    """All figures by table, `au-va-thesis/table-3.15`, in the order of print."""
    text = resources.files("mien.reproduction").joinpath("published.csv").read_text("utf-8")
    found: dict[str, list[Figure]] = {}
    for line in csv.DictReader(text.splitlines()):
        own = line["table"]  # stage-1, figure-2.24, equations-22-25; else the number of a table
        name = own if own[0].islower() else f"table-{own}"
        found.setdefault(f"{line['document']}/{name}", []).append(
            Figure(
                line["row"],
                line["column"],
                line["metric"],
                float(line["value"]) if line["value"] else None,
                int(line["iteration"]) if line["iteration"] else None,
                bool(line["bold"]),
                line["note"],
            )
        )
    return {name: tuple(figures) for name, figures in found.items()}


def figure(table: str, row: str, column: str) -> Figure | None:
    """One printed figure, or None where the table has no such cell."""
    matches = (f for f in published().get(table, ()) if (f.row, f.column) == (row, column))
    return next(matches, None)
