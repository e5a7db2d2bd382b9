"""Turn several annotators' labels into one layer of a store, and say how far they agree.

example: mien consensus PROJECT --store STORE --au unanimous --expression unanimous --va mean
         mien consensus PROJECT --va lag-compensated --report agreement.html --json

Every annotator's labels go into a layer of their own; the consensus goes first in the order. A
frame of which some say that a unit is active and some that it is not stays unlabelled, unless
--disputed absent says otherwise. --truth measures every rule against a layer that is known to be
true, as films of actors have one.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mien.cli.command_annotate import names
from mien.cli.output import note, print_json, print_table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("project", type=Path)
    parser.add_argument("--store", type=Path, help="with the same videos; the project's by default")
    parser.add_argument("--layer", default="consensus", metavar="NAME", help="(consensus)")
    parser.add_argument("--au", default="unanimous", help="unanimous, majority or dawid-skene")
    parser.add_argument("--expression", default="unanimous", help="the same")
    parser.add_argument(
        "--va", default="mean", help="mean, median, evaluator-weighted or lag-compensated"
    )
    parser.add_argument("--disputed", default="dropped", help="units: dropped (default) or absent")
    parser.add_argument("--annotators", type=names, metavar="NAMES", help="all by default")
    parser.add_argument("--truth", metavar="LAYER", help="to measure every rule against")
    parser.add_argument("--report", type=Path, metavar="PAGE.html")
    parser.add_argument("--json", action="store_true")


def run(args: argparse.Namespace) -> int:
    from mien.workflows.consensus import consensus

    found = consensus(
        args.project, store=args.store, layer=args.layer, au=args.au, expression=args.expression,
        va=args.va, disputed=args.disputed, annotators=args.annotators, truth=args.truth,
        report=args.report,
    )  # fmt: skip
    if args.json:
        print_json(found)
    else:
        _print(found)
    return 0


def _print(found: Mapping[str, Any]) -> None:
    from mien.report.agreement_report import agreement_tables

    for table in agreement_tables(found):
        print_table(table.columns, table.rows, table.title)
        if table.note:
            print(table.note)
    written = found["written"]
    note(f"{written['faces']} faces; layers {', '.join(written['layers'])} of {written['store']}")
    if written["shifted_s"]:
        told = ", ".join(f"{name} {lag:.2f} s" for name, lag in written["shifted_s"].items())
        note(f"traces were taken earlier: {told}")
