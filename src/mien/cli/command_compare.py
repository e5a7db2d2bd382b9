"""Compare two tables: two people, two models, or a model and an annotation.

example: mien compare talk.csv rated.csv --out agreement.html
         mien compare talk.csv talk.csv --person-a 0 --person-b 1

A and B are tables of `mien analyze` or of OpenFace, or CSV with a column timestamp (seconds) and
any of valence, arousal, AU12_r, AU12_c, AU12, expression. Of every signal that both have: Pearson's
r, CCC, the mean difference B - A with its 95 % limits of agreement (Bland-Altman), and by how much
B comes after A where they correlate best; of presences and expressions agreement and Cohen's kappa.
Videos are compared at A's moments; photographs by their names.
"""

import argparse
from pathlib import Path

from mien.cli.arguments import smoothing
from mien.cli.output import note, print_json, print_table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("a", type=Path, metavar="A.csv")
    parser.add_argument("b", type=Path, metavar="B.csv")
    for side in "ab":
        parser.add_argument(
            f"--person-{side}", type=int, metavar="N", help="face_id (longest seen)"
        )
        parser.add_argument(f"--input-{side}", metavar="NAME", help="of a table of several inputs")
    parser.add_argument("--max-lag", type=smoothing, default=2.0, metavar="S", help="seconds (2)")
    parser.add_argument("--out", type=Path, metavar="FILE.html|FILE.png", help="curves and plots")
    parser.add_argument("--json", action="store_true")


def run(args: argparse.Namespace) -> int:
    from mien.workflows.compare import compare

    found = compare(
        args.a, args.b, person_a=args.person_a, person_b=args.person_b, input_a=args.input_a,
        input_b=args.input_b, max_lag=args.max_lag, out=args.out,
    )  # fmt: skip
    for line in found.notes:
        note(line)
    if args.json:
        nominal = {
            c.signal: {"n": c.n, "agreement": c.agreement, "kappa": c.kappa,
                       "counts": [[*pair, count] for pair, count in c.counts.items()]}
            for c in found.nominal
        }  # fmt: skip
        print_json({"a": found.a, "b": found.b, "nominal": nominal,
                    "continuous": {c.signal: c.numbers() for c in found.continuous}})  # fmt: skip
        return 0
    if found.continuous:
        columns = ("", "n", "r", "CCC", "RMSE", "B - A", "from", "to", "lag s", "r at lag")
        rows = [(c.signal, *c.numbers().values()) for c in found.continuous]
        print_table(columns, rows, f"A {found.a}, B {found.b}")
    if found.nominal:
        rows = [(c.signal, c.n, c.agreement, c.kappa) for c in found.nominal]
        print_table(("", "n", "agreement", "kappa"), rows)
    return 0
