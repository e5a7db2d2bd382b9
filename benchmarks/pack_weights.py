"""Pack a checkpoint of a run as weights that come with mien: half precision, no optimisers.

The last one, or the best by the run's own metric. Every network of the checkpoint is a file
`NAME.safetensors` by its name; where it has a moving average, that is what is packed.

run: python benchmarks/pack_weights.py RUN --out src/mien/weights/NAME [--best] [--without AU09]
     [--labels labels.toml] [--calibration calibration.json]

--without names outputs whose labels were all alike, so that nothing was learned: they then predict
nothing.

--labels and --calibration (`benchmarks/calibrate.py` writes it) are put beside the weights, after a
look whether they fit the network; `mien export model` takes them into the ONNX file
(`mien.recognition.provenance`). What lies there already is looked at too.

The folder's README.md, the card that makes it a start, is written by hand beside it; what `mien
analyze` takes without torch comes from `mien export model NAME --out .../recogniser.onnx`.
"""

import argparse
import json
import shutil
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from mien.errors import InputError
from mien.models.torch_recogniser import TorchRecogniser
from mien.recognition.provenance import CALIBRATION_FILE, LABELS_FILE
from mien.runs.run import Checkpoint, Run
from mien.training.checkpoints import OPTIMISERS


def halve(source: Path, target: Path, without: set[str]) -> None:
    """Copy a network with its header, floating-point numbers in half precision."""
    with safe_open(source, framework="pt") as file:
        header = file.metadata()
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    if without:
        outputs = json.loads(header["outputs"])
        learned = outputs["learned"].items()
        outputs["learned"] = {k: [v for v in names if v not in without] for k, names in learned}
        header["outputs"] = json.dumps(outputs)
    small = {k: v.half() if v.dtype == torch.float32 else v for k, v in tensors.items()}
    save_file(small, target, metadata=header)
    print(target, target.stat().st_size)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--best", action="store_true")
    parser.add_argument("--without", nargs="*", default=[])
    parser.add_argument("--labels", type=Path)
    parser.add_argument("--calibration", type=Path)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    run = Run.open(args.run)
    checkpoint = run.best() if args.best else run.last()
    for file in sorted(checkpoint.folder.glob("*.safetensors")):
        name = file.stem
        if file.name != OPTIMISERS and not name.endswith("_average"):
            halve(
                checkpoint.network(f"{name}_average", name), args.out / file.name, set(args.without)
            )
    for given, name in ((args.labels, LABELS_FILE), (args.calibration, CALIBRATION_FILE)):
        if given is not None and given.resolve() != (args.out / name).resolve():
            shutil.copyfile(given, args.out / name)
    describe(args.out, said=args.labels is not None or args.calibration is not None)


def describe(folder: Path, said: bool) -> None:
    """Say what taught the packed recogniser; a network without heads has nothing to say."""
    try:
        described = TorchRecogniser.load(Checkpoint(folder).recogniser)
    except InputError as error:
        if said or "labels.toml" in str(error) or "calibration.json" in str(error):
            raise
        print(error)
        return
    for head in described.heads:
        sources = {described.provenance.source(head.name, output) for output in head.outputs}
        print(f"{head.name}: taught with {', '.join(sorted(sources))}")


if __name__ == "__main__":
    main()
