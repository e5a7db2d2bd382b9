"""Write the page of a run: curves, warnings, and samples over time.

example: mien report runs/first

`mien train` writes it at the end; this writes it any time, of a run that is still training too.
"""

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", type=Path)


def run(args: argparse.Namespace) -> int:
    from mien.workflows.report import write_report

    print(write_report(args.run))
    return 0
