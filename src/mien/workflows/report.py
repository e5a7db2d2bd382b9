"""`mien.write_report`: the page of a run."""

from pathlib import Path

from mien.runs.run import Run


def write_report(run: str | Path) -> Path:
    """Write the page of a run (curves, warnings, samples over time); returns its path."""
    from mien.report.run_report import write_run_report

    return write_run_report(Run.open(Path(run)))
