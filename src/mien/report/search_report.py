"""The page of a search: every setting's score, and the curves of its training side by side."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from mien.atomic import write_text
from mien.report.figures import PLOTLY_SCRIPT
from mien.report.pages import write_page
from mien.report.panels import COLOURS, Course, Panels
from mien.report.search_picture import write_search_picture
from mien.runs.run import Run

CURVES = (
    ("training loss", ("recogniser/loss",)),
    ("score on val (headline)", ("val/headline",)),
    ("accuracy on val", ("val/*/accuracy", "val/*/mean_accuracy")),
    ("mean CCC on val", ("val/*/ccc/*",)),
    ("mean F1 and macro F1 on val", ("val/*/mean_f1", "val/*/macro_f1")),
)
"""Panels, each the mean of what the patterns match in a logged line; those of the documents'
figures of a search (bartissol-2017, Figures 13 to 16) first."""


WIDE = 100
"""Largest over smallest value from which a panel is logarithmic."""


@dataclass(frozen=True)
class SearchRow:
    """One setting: key to value, its score, its last training loss, and where its run lies."""

    settings: Mapping[str, str]
    value: float
    loss: float
    best: bool
    diverged: str
    run: Path

    @property
    def name(self) -> str:
        """The setting in words, short."""
        short = {key.rsplit(".", 1)[-1]: value for key, value in self.settings.items()}
        return ", ".join(f"{key} {value}" for key, value in short.items())


def write_search_report(folder: Path, recipe: str, measure: str, rows: Sequence[SearchRow]) -> None:
    """Write index.html, curves.png and trials.csv into a search's folder."""
    keys = list(dict.fromkeys(key for row in rows for key in row.settings))
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow([*keys, measure, "last training loss", "diverged", "run"])
    for row in rows:
        run = row.run.relative_to(folder)
        numbers = [("" if v != v else f"{v:.6g}") for v in (row.value, row.loss)]
        settings = [row.settings.get(key, "") for key in keys]
        table.writerow([*settings, *numbers, row.diverged, run])
    write_text(folder / "trials.csv", text.getvalue())
    panels = _panels(rows)
    if panels:
        wide = [title for title, lines in panels.items() if _is_wide(lines)]
        write_search_picture(folder / "curves.png", panels, wide)
    write_page(
        folder / "index.html",
        "search.html",
        recipe=recipe,
        measure=measure,
        keys=keys,
        rows=rows,
        links={row.name: (row.run.relative_to(folder) / "report.html").as_posix() for row in rows},
        figure=_curves(panels),
        plotly=PLOTLY_SCRIPT,
    )


def _course(run: Path, patterns: Sequence[str]) -> Course:
    """Steps and means of what matches the patterns in the lines of a run's log."""
    course = []
    for line in Run(run).log():
        found = [v for name, v in line.items() if any(fnmatchcase(name, p) for p in patterns)]
        if found:
            course.append((int(line["step"]), sum(found) / len(found)))
    return course


def _panels(rows: Sequence[SearchRow]) -> dict[str, dict[str, Course]]:
    """The courses by setting of each of `CURVES` that any run has."""
    panels: dict[str, dict[str, Course]] = {}
    for title, patterns in CURVES:
        lines = {row.name: _course(row.run, patterns) for row in rows}
        lines = {name: course for name, course in lines.items() if len(course) > 1}
        if lines:
            panels[title] = lines
    return panels


def _is_wide(lines: Mapping[str, Course]) -> bool:
    """Whether values are so far apart that one that diverges would hide the rest."""
    values = [value for course in lines.values() for _, value in course]
    return min(values) > 0 and max(values) > WIDE * min(values)


def _curves(panels: Mapping[str, Mapping[str, Course]]) -> str:
    """Draw a panel for each title, a line for each setting, as HTML."""
    if not panels:
        return ""
    names = list(dict.fromkeys(name for lines in panels.values() for name in lines))
    colours = {name: COLOURS[i % len(COLOURS)] for i, name in enumerate(names)}
    figure, listed = Panels(list(panels)), set[str]()
    for i, lines in enumerate(panels.values()):
        if _is_wide(lines):
            figure.logarithmic(i)
        for name, course in lines.items():
            first = name not in listed
            listed.add(name)
            figure.line(i, name, course, colours[name], legendgroup=name, showlegend=first)
    return figure.html(60 + 20 * len(names), legend={"orientation": "h", "y": -0.15})
