"""Write what mien holds in a form that others read.

example: mien export model runs/first --out model.onnx
         mien export table talk.csv --out talk.eaf
         mien export table talk.csv --out smooth.csv --smooth --summary people.csv

model: the recogniser of a run, of a model file (.safetensors) or of weights that come with mien, as
an ONNX file that `mien analyze --model` takes, and any ONNX runtime. It holds the heads, which of
their outputs were learned, and how crops are cut and turned into numbers; it needs no torch. Its
predictions are compared with the network's before the file is put in place. What labels taught its
outputs (labels.toml) and what its confidence was calibrated on (calibration.json) are taken from
beside the weights.

table: a table of `mien analyze`, in another format, smoothed or summed up
(docs/analysis-outputs.md).
"""

import argparse
from pathlib import Path

from mien.cli.arguments import add_output_arguments
from mien.cli.output import note, print_json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", choices=("model", "table"))
    parser.add_argument("source", metavar="RUN|FILE|NAME")
    parser.add_argument("--out", required=True, type=Path, metavar="FILE|DIR")
    parser.add_argument("--checkpoint", choices=("best", "last"), default="best", help="of a run")
    add_output_arguments(parser)
    parser.add_argument("--json", action="store_true")


def run(args: argparse.Namespace) -> int:
    return _table(args) if args.what == "table" else _model(args)


def _table(args: argparse.Namespace) -> int:
    from mien.workflows.outputs import convert

    done = convert(
        args.source, args.out, format=args.format, smooth=args.smooth, neutral=args.neutral,
        rules=args.rules, summary=args.summary,
    )  # fmt: skip
    for entry in done.baselines:
        if not entry.frames:
            note(f"{entry.input}: person {entry.face_id}: too few neutral frames, left as it was")
    if args.json:
        print_json({"out": [str(path) for path in done.files], "rows": done.table.table.num_rows})
    else:
        print(f"{', '.join(map(str, done.files))}: from {done.table.table.num_rows} rows")
    return 0


def _model(args: argparse.Namespace) -> int:
    from mien.workflows.models import export_model

    done = export_model(args.source, args.out, args.checkpoint)
    if args.json:
        print_json(
            {
                "out": str(done.path),
                "source": str(done.source),
                "bytes": done.bytes,
                "sha256": done.sha256,
                "difference": done.difference,
            }
        )
    else:
        print(
            f"{done.path}: {done.bytes / 1e6:.1f} MB from {done.source}; predictions at most "
            f"{done.difference:.1e} from the network's"
        )
    return 0
