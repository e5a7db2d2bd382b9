"""The page of an evaluation: scores, how sure they are, for whom they hold, calibration."""

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from mien.labels.heads import HEADS
from mien.metrics.calibration import Reliability
from mien.report.evaluation_tables import detail_tables, score_lines
from mien.report.pages import write_page
from mien.report.pictures import data_url
from mien.report.reliability import write_reliability


def panels_of(details: Mapping[str, Any]) -> dict[str, Reliability]:
    """The panel of each head, by title, of an evaluation's details."""
    return {
        HEADS[head].title.partition(",")[0]: _read(parts["all"])
        for head, parts in details["calibration"].items()
    }


def write_evaluation_report(path: Path, result: Mapping[str, Any], name: str) -> None:
    """Write a page of one result of `mien.evaluate` or `mien.evaluate_predictions`, which has
    `details`."""
    scored = {"score": result["scores"]} if "scores" in result else {}
    for kept in ("last", "best"):
        if kept in result:
            scored[f"{kept} (step {result[kept]['step']})"] = result[kept]
    lines = zip(*(score_lines(scores) for scores in scored.values()), strict=True)
    known = [pair for pair in lines if any(value == value for _, value in pair)]
    rows = [[_cell(v) for v in (pair[0][0], *(value for _, value in pair))] for pair in known]
    tables = [("scores", ["", *scored], rows)]
    for title, (columns, cells) in detail_tables(result["details"]):
        tables.append((title, columns, [[_cell(v) for v in row] for row in cells]))
    panels = panels_of(result["details"])
    write_page(
        path,
        "evaluation.html",
        name=name,
        facts=_facts(result),
        notes=result.get("notes", ()),
        tables=tables,
        diagram=_diagram(panels) if panels else "",
    )


def _facts(result: Mapping[str, Any]) -> list[tuple[str, str]]:
    faces = f"{result['faces']:,}"
    if "predicted" in result:
        faces += f", of which {result['predicted']:,} have a prediction"
    return [
        ("store", Path(result["store"]).name),
        ("part", result["split"]),
        ("faces", faces),
        ("definitions", result["definitions"]),
    ]


def _diagram(panels: Mapping[str, Reliability]) -> str:
    with TemporaryDirectory() as folder:
        picture = Path(folder) / "reliability.png"
        write_reliability(picture, panels)
        return data_url(picture)


def _read(values: Mapping[str, Any]) -> Reliability:
    return Reliability(
        np.array(values["said"], float),
        np.array(values["came_true"], float),
        np.array(values["faces"], int),
        values["expected_error"],
        values["largest_error"],
        values["brier"],
    )


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return "–" if np.isnan(value) else f"{value:.3f}"
    return str(value)
