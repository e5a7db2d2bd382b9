"""Write the page of a run: curves, warnings, and samples over time.

example: mien report runs/first

`mien train` writes it at the end; this writes it any time, of a run that is still training too.
"""

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", type=Path)


def run(args: argparse.Namespace) -> int:
    from mien.report.run_report import write_run_report
    from mien.runs.run import Run

    print(write_run_report(Run.open(args.run)))
    return 0
