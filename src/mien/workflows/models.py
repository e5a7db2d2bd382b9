"""Load a model that a person names, and make a file of it that needs no torch."""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from mien.errors import InputError
from mien.recognition.onnx_recogniser import OnnxRecogniser
from mien.recognition.protocol import Recogniser
from mien.recognition.resolve import find_model
from mien.runs.run import Checkpoint, Run

if TYPE_CHECKING:
    from mien.models.torch_recogniser import TorchRecogniser

CHECKPOINTS = ("best", "last")
DEFAULT_MODEL = "mien-base"
"""What reads real faces where nobody names a model."""
SHIPPED = "recogniser.onnx"
"""Of weights that come with mien: the file that is used where there is one."""


@dataclass(frozen=True)
class ExportedModel:
    """A file that was written. difference: largest between its predictions and the network's."""

    path: Path
    source: Path
    bytes: int
    sha256: str
    difference: float


def load_recogniser(
    model: str | Path = DEFAULT_MODEL, checkpoint: str = "best", threads: int = 0
) -> Recogniser:
    """Load a run, a model file (.onnx, .safetensors) or weights that come with mien.

    checkpoint: of a run, `best` or `last`. threads: of an ONNX file; 0 for one per core. Only ONNX files do without torch. Raises InputError
    where there is no such model, or torch is missing.
    """
    found = find_model(model)
    path = found / SHIPPED
    if (found / "run.json").is_file() or not path.is_file():
        path = _network_file(found, checkpoint)
    if path.suffix.lower() == ".onnx":
        return OnnxRecogniser.load(path, threads)
    return _in_torch(path)


def export_model(model: str | Path, out: str | Path, checkpoint: str = "best") -> ExportedModel:
    """Write the recogniser of a run, of a .safetensors file or of weights as an ONNX file.

    Its predictions equal the network's to 1e-4, or nothing is written: InputError, as where the
    model is none, is ONNX already, or what the export needs is not installed.
    """
    out = Path(out)
    if out.suffix.lower() != ".onnx":
        raise InputError(f"{out}: its name should end in .onnx")
    source = _network_file(find_model(model), checkpoint)
    if source.suffix.lower() == ".onnx":
        raise InputError(f"{source}: is an ONNX file already")
    if find_spec("onnxscript") is None:
        raise InputError("the export needs onnxscript: pip install 'mien[export]'")
    recogniser = _in_torch(source)
    from mien.models.onnx_export import export_onnx

    difference = export_onnx(recogniser, out)
    sha256 = OnnxRecogniser.load(out).sha256
    return ExportedModel(out, source, out.stat().st_size, sha256, difference)


def _network_file(found: Path, checkpoint: str) -> Path:
    """File of the network that recognises affect, of what `find_model` found."""
    if checkpoint not in CHECKPOINTS:
        raise InputError(f"checkpoint {checkpoint!r}: {' or '.join(CHECKPOINTS)}")
    if (found / "run.json").is_file():
        run = Run.open(found)
        return (run.best() if checkpoint == "best" else run.last()).recogniser
    return found if found.is_file() else Checkpoint(found).recogniser


def _in_torch(path: Path) -> "TorchRecogniser":
    if find_spec("torch") is None:
        raise InputError(
            f"{path}: needs torch: pip install 'mien[train]' (a model exported to ONNX does not)"
        )
    from mien.models.torch_recogniser import TorchRecogniser

    return TorchRecogniser.load(path)
