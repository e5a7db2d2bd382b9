"""List public corpora of facial affect: what they hold, and which `mien import` reads.

example: mien corpora
         mien corpora --importable

Nothing is downloaded: corpora are had from their authors, under their terms. Those of
au-va-thesis's Tables 2.1 and 2.2 are listed with the figures printed there.
"""

import argparse
from typing import Any

from mien.cli.output import print_json, print_table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--importable", action="store_true", help="those with an importer alone")
    parser.add_argument("--json", action="store_true")


def run(args: argparse.Namespace) -> int:
    from mien.corpora import CORPORA
    from mien.corpora.catalogue import CATALOGUE

    found = [known for known in CATALOGUE if known.kind or not args.importable]
    kinds: dict[str | None, Any] = {
        known.kind: CORPORA[known.kind].load() for known in found if known.kind
    }
    if args.json:
        told = [
            known._asdict()
            | {
                "citation": getattr(kinds.get(known.kind), "citation", None),
                "terms": getattr(kinds.get(known.kind), "terms", None),
                "verified": getattr(kinds.get(known.kind), "verified", None),
            }
            for known in found
        ]
        print_json({"corpora": told})
        return 0
    rows = [
        (
            known.name, known.labels, known.subjects, known.amount, known.environment,
            str(known.year or ""), known.table,
            _import(known.kind, getattr(kinds.get(known.kind), "verified", True)),
        )
        for known in found
    ]  # fmt: skip
    columns = ("corpus", "labels", "people", "amount", "environment", "year", "table", "import")
    print_table(columns, rows)
    return 0


def _import(kind: str | None, verified: bool) -> str:
    if kind is None:
        return ""
    return kind if verified else f"{kind} (layout from memory)"
