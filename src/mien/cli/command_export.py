"""Write what mien holds in a form that others read.

example: mien export model runs/first --out model.onnx

model: the recogniser of a run, of a model file (.safetensors) or of weights that come with mien, as
an ONNX file that `mien analyze --model` takes, and any ONNX runtime. It holds the heads, which of
their outputs were learned, and how crops are cut and turned into numbers; it needs no torch. Its
predictions are compared with the network's before the file is put in place.
"""

import argparse
from pathlib import Path

from mien.cli.output import print_json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", choices=("model",))
    parser.add_argument("model", metavar="RUN|FILE|NAME")
    parser.add_argument("--out", required=True, type=Path, metavar="FILE.onnx")
    parser.add_argument("--checkpoint", choices=("best", "last"), default="best", help="of a run")
    parser.add_argument("--json", action="store_true")


def run(args: argparse.Namespace) -> int:
    from mien.workflows.models import export_model

    done = export_model(args.model, args.out, args.checkpoint)
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
