"""Write what mien holds in a form that others read.

example: mien export model runs/first --out model.onnx
         mien export table talk.csv --out talk.eaf
         mien export store faces --format huggingface --out published
         mien export table talk.csv --out smooth.csv --smooth --summary people.csv

model: the recogniser of a run, of a model file (.safetensors) or of weights that come with mien, as
an ONNX file that `mien analyze --model` takes, and any ONNX runtime. It holds the heads, which of
their outputs were learned, and how crops are cut and turned into numbers; it needs no torch. Its
predictions are compared with the network's before the file is put in place. What labels taught its
outputs (labels.toml) and what its confidence was calibrated on (calibration.json) are taken from
beside the weights.

store: faces and labels of a store, as folder, hdf5, huggingface, thesis, tfrecord, affwild2 or
webdataset. Everybody's consent has to cover it.

table: a table of `mien analyze`, in another format, smoothed or summed up
(docs/analysis-outputs.md).
"""

import argparse
from pathlib import Path

from mien.cli import export_store
from mien.cli.arguments import add_output_arguments
from mien.cli.output import note, print_json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    kinds = parser.add_subparsers(
        dest="what", required=True, metavar="WHAT", help="model, table or store"
    )
    model, table = kinds.add_parser("model"), kinds.add_parser("table")
    model.add_argument("source", metavar="RUN|FILE|NAME")
    model.add_argument(
        "--half", action="store_true", help="weights in half precision: half the size"
    )
    model.add_argument("--checkpoint", choices=("best", "last"), default="best", help="of a run")
    table.add_argument("source", metavar="TABLE")
    add_output_arguments(table)
    for kind in (model, table):
        kind.add_argument("--out", required=True, type=Path, metavar="FILE|DIR")
        kind.add_argument("--json", action="store_true")
    export_store.add_arguments(kinds.add_parser("store"))


def run(args: argparse.Namespace) -> int:
    return {"model": _model, "table": _table, "store": export_store.run}[args.what](args)


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

    done = export_model(args.source, args.out, args.checkpoint, args.half)
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
