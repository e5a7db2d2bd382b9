"""The page of a store's statistics: the documents' tables and figures, and what to collect next."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from plotly.offline import get_plotlyjs

from mien.curation.chosen import (
    Chosen,
    challenging,
    frames_of,
    may_be_shown,
    of_every_label,
    of_every_person,
    tracks_to_show,
)
from mien.curation.collection import Collection, Rows
from mien.curation.document_tables import Table, document_tables
from mien.curation.plane import (
    CELLS,
    EDGES,
    UnitLine,
    affect_of,
    co_occurrence,
    density,
    histogram,
    unit_line,
)
from mien.curation.wanted import empty_regions, scarce
from mien.labels.kinds import likeliest
from mien.progress import Progress, silent
from mien.report import charts
from mien.report.charts import Chart, chart_json
from mien.report.pages import write_page

SIDE = 96
"""Pixels of a face on the page."""
SMALL_SIDE = 56
MOST_PEOPLE = 600
MOST_CHALLENGING = 24
MOST_REGIONS = 12
LETTERS = "abcdefghijkl"


@dataclass(frozen=True)
class Face:
    """A face on the page: a URL that holds it, and what stands below it."""

    url: str
    text: str


@dataclass(frozen=True)
class VideoPanel:
    """A video's graph, frames out of it and their labels (au-va-thesis, Tables 3.5 to 3.8)."""

    name: str
    chart: str
    frames: Sequence[Face]
    rows: Sequence[Sequence[str]]


def write_statistics(
    path: Path, of: Collection, videos: int = 6, progress: Progress = silent
) -> None:
    """Write the page. videos: how many graphs beside their frames.

    People who said no to publication, or whose consent has ended, are counted and not shown.
    """
    steps = ("tables", "figures", "faces", "advice")
    page: dict[str, object] = {}
    drawn: dict[str, Chart] = {}
    allowed = may_be_shown(of)
    for number, step in enumerate(steps):
        progress(number, len(steps), step)
        if step == "tables":
            page |= {"tables": [_shown(table) for table in document_tables(of)]}
        elif step == "figures":
            page |= _figures(of, drawn)
        elif step == "faces":
            page |= _faces(of, allowed, videos, drawn)
        else:
            page |= _advice(of, drawn)
    progress(len(steps), len(steps), "")
    write_page(
        path,
        "statistics.html",
        name=of.store.folder.name,
        facts=_facts(of, int((~allowed).sum())),
        plotly=get_plotlyjs() if drawn else "",
        charts=chart_json(drawn),
        **page,
    )


def _facts(of: Collection, hidden: int) -> str:
    people = int(np.count_nonzero(of.people.counts()))
    videos = int(np.count_nonzero(of.videos.counts()))
    text = f"{len(of.store):,} faces of {people:,} people in {videos:,} videos"
    if hidden:
        text += f"; {hidden:,} faces are counted and not shown, as consent does not cover it"
    return text


def _shown(table: Table) -> Table:
    rows = [[_cell(cell) for cell in row] for row in table.rows]
    return Table(table.title, table.source, table.columns, rows, table.note)


def _cell(cell: str | int | float) -> str:
    if isinstance(cell, float):
        return "–" if np.isnan(cell) else f"{cell:.2f}"
    return f"{cell:,}" if isinstance(cell, int) else cell


def _figures(of: Collection, drawn: dict[str, Chart]) -> dict[str, object]:
    everything = np.arange(len(of.store))
    parts = {"all": everything, **of.parts}
    affect = affect_of(of)
    if np.isfinite(affect).any():
        for axis, name in enumerate(("valence", "arousal")):
            counts = {part: histogram(affect[rows, axis]) for part, rows in parts.items()}
            drawn[name] = charts.histograms(EDGES, counts)
        drawn["density"] = charts.plane(density(affect))
    names, shown, _ = of.units
    lines = []
    pies: list[tuple[str, str]] = []
    if names:
        for part, rows in parts.items():
            counts = shown[rows].sum(0).tolist()
            if any(counts):
                drawn[f"pie-{part}"] = charts.pie(names, counts)
                pies.append((f"pie-{part}", part))
        drawn["together"] = charts.together(names, co_occurrence(shown))
        lines = [_unit(names[i], affect[shown[:, i]], drawn) for i in range(len(names))]
    head = of.labels.head("expression")
    if head is not None:
        best = likeliest(of.labels["expression"])
        series = {
            part: np.bincount(best[rows][best[rows] >= 0], minlength=len(head.outputs)).tolist()
            for part, rows in parts.items()
        }
        drawn["expressions"] = charts.bars(head.outputs, series, "faces")
    return {"pies": pies, "lines": [_line_cells(line) for line in lines if line.faces]}


def _unit(name: str, affect: NDArray[np.float32], drawn: dict[str, Chart]) -> UnitLine:
    line = unit_line(name, affect)
    if line.faces:
        both = {"y = |x|": (1.0, 0.0), "fitted": (line.slope, line.offset)}
        drawn[f"unit-{name}"] = charts.plane(density(affect), both)
    return line


def _line_cells(line: UnitLine) -> list[str]:
    numbers = (line.valence, line.arousal, line.slope, line.offset, line.correlation, line.distance)
    return [line.unit, f"{line.faces:,}", *("–" if np.isnan(n) else f"{n:.2f}" for n in numbers)]


def _faces(
    of: Collection, allowed: NDArray[np.bool_], videos: int, drawn: dict[str, Chart]
) -> dict[str, object]:
    train = of.parts.get("train", np.arange(len(of.store)))
    people = of_every_person(of, train, allowed)
    names = of.people
    sheet = [Chosen(int(row), names.names[names.codes[row]]) for row in people[:MOST_PEOPLE]]
    return {
        "representative": _pictures(of, of_every_label(of, allowed)),
        "challenging": _pictures(of, challenging(of, allowed, MOST_CHALLENGING)),
        "people": _pictures(of, sheet, SMALL_SIDE),
        "people_left": len(people) - len(sheet),
        "people_of": "training" if "train" in of.parts else "whole store",
        "videos": [
            _video(of, rows, f"video-{i}", drawn)
            for i, rows in enumerate(tracks_to_show(of, allowed, videos))
        ],
    }


def _pictures(of: Collection, chosen: Sequence[Chosen], side: int = SIDE) -> list[Face]:
    if not chosen:
        return []
    crops = of.store.pixels().gather(np.array([c.row for c in chosen], np.intp))
    return [Face(_url(crop, side), c.why) for crop, c in zip(crops, chosen, strict=True)]


def _url(crop: NDArray[np.uint8], side: int) -> str:
    picture = Image.fromarray(crop)
    if picture.width > side:
        picture = picture.resize((side, side), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    picture.save(out, "WEBP", quality=80)
    return f"data:image/webp;base64,{base64.b64encode(out.getvalue()).decode()}"


def _video(of: Collection, rows: Rows, key: str, drawn: dict[str, Chart]) -> VideoPanel:
    chosen = frames_of(of, rows)
    seconds = of.store.column("time_s")[rows]
    if not np.isfinite(seconds).all():
        seconds = of.store.column("frame")[rows].astype(np.float64)
    at = dict(zip(rows.tolist(), seconds.tolist(), strict=True))
    letters = LETTERS[: len(chosen)]
    marks = {letter: at[row] for letter, row in zip(letters, chosen.tolist(), strict=True)}
    affect = affect_of(of)
    step = -(-len(rows) // 2000)
    drawn[key] = charts.course(seconds[::step], affect[rows[::step]], marks)
    faces = [Chosen(int(row), letter) for letter, row in zip(letters, chosen, strict=True)]
    table = [
        ["valence", *(f"{affect[r, 0]:.2f}" for r in chosen)],
        ["arousal", *(f"{affect[r, 1]:.2f}" for r in chosen)],
    ]
    head = of.labels.head("expression")
    if head is not None:
        best = likeliest(of.labels["expression"][chosen])
        table.append(["expression", *(head.outputs[b] if b >= 0 else "" for b in best)])
    names, shown, _ = of.units
    for i, unit in enumerate(names):
        if shown[rows, i].any():
            table.append([unit, *("×" if shown[r, i] else "" for r in chosen)])
    person, video = of.people.codes[rows[0]], of.videos.names[of.videos.codes[rows[0]]]
    name = f"{video}, {of.people.names[person]}" if person >= 0 else video
    return VideoPanel(name, key, _pictures(of, faces), table)


def _advice(of: Collection, drawn: dict[str, Chart]) -> dict[str, object]:
    rows = []
    for wanted in scarce(of).values():
        rows += [
            [s.name, f"{s.faces:,}", str(s.people), s.why, f"{s.missing:,}", ", ".join(s.videos)]
            for s in wanted
            if s.why
        ]
    regions: list[list[str]] = []
    empty = 0
    if np.isfinite(affect_of(of)).any():
        counts, found = empty_regions(of)
        empty = len(found)
        drawn["cells"] = charts.plane(counts)
        regions = [
            [f"{r.valence[0]:g} to {r.valence[1]:g}", f"{r.arousal[0]:g} to {r.arousal[1]:g}",
             f"{r.faces:,}"]
            for r in found[:MOST_REGIONS]
        ]  # fmt: skip
    return {"wanted": rows, "regions": regions, "empty": empty, "cells": CELLS}
