"""`mien.write_report`: the page of a run; pages and diagrams of evaluations."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mien.errors import InputError
from mien.runs.run import Run


def write_report(run: str | Path) -> Path:
    """Write the page of a run (curves, warnings, samples over time); returns its path."""
    from mien.report.run_report import write_run_report

    return write_run_report(Run.open(Path(run)))


def write_evaluation(path: str | Path, result: Mapping[str, Any], name: str) -> None:
    """Write the page of a result of `mien.evaluate` (with details) or `evaluate_predictions`."""
    from mien.report.evaluation_report import write_evaluation_report

    write_evaluation_report(Path(path), result, name)


def write_calibration(path: str | Path, details: Mapping[str, Any]) -> None:
    """Draw the reliability of an evaluation's `details` as a PNG.

    Raises InputError where nothing has a probability: then there is nothing to draw.
    """
    from mien.report.evaluation_report import panels_of
    from mien.report.reliability import write_reliability

    panels = panels_of(details)
    if not panels:
        raise InputError(f"{path}: no unit or expression has both probabilities and labels")
    write_reliability(Path(path), panels)
