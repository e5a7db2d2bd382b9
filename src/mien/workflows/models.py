"""Load a model that a person names, list what there is, and make files that need no torch."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from mien.errors import InputError
from mien.recognition.onnx_recogniser import SHIPPED, OnnxRecogniser
from mien.recognition.protocol import Recogniser
from mien.recognition.resolve import find_model, local_folder, models_in, pinned
from mien.runs.run import Checkpoint, Run
from mien.weights import shipped
from mien.workflows.face_reader import FaceReader

if TYPE_CHECKING:
    from mien.models.torch_recogniser import TorchRecogniser

CHECKPOINTS = ("best", "last")
DEFAULT_MODEL = "mien-base"
"""What reads real faces where nobody names a model."""


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
) -> FaceReader:
    """Load a run, a model file (.onnx, .safetensors) or weights that come with mien.

    model: `NAME@SHA256` refuses another content than that. checkpoint: of a run, `best` or `last`.
    threads: of an ONNX file; 0 for one per core. Only ONNX files do without torch. Raises
    InputError where there is no such model, its content is another, or torch is missing.
    """
    named, wanted = pinned(model)
    path = _file_of(find_model(named), checkpoint)
    recogniser = _loaded(path, threads)
    sha256 = _sha256(path, recogniser)
    if wanted is not None and not sha256.startswith(wanted):
        raise InputError(f"{named}: its SHA-256 is {sha256}, not {wanted}")
    return FaceReader(recogniser, sha256)


def _loaded(path: Path, threads: int = 0) -> Recogniser:
    if path.suffix.lower() == ".onnx":
        return OnnxRecogniser.load(path, threads)
    return _in_torch(path)


def _file_of(found: Path, checkpoint: str = "best") -> Path:
    """Of what `find_model` found, the file that is loaded."""
    path = found / SHIPPED
    if (found / "run.json").is_file() or not path.is_file():
        return _network_file(found, checkpoint)
    return path


def _sha256(path: Path, recogniser: Recogniser) -> str:
    """Of the content: what an ONNX file says of itself, and was checked; of others, of the file."""
    if isinstance(recogniser, OnnxRecogniser):
        return recogniser.sha256
    return hashlib.sha256(path.read_bytes()).hexdigest()


@dataclass(frozen=True)
class ListedModel:
    """A model at hand. origin: `mien` or the folder. sources: what labels taught which head, by
    head and output (`recognition.provenance.SOURCES`). error: why it cannot be used, if it cannot.
    """

    name: str
    origin: str
    path: Path
    bytes: int
    sha256: str = ""
    heads: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    sources: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    calibrated: Mapping[str, str] = field(default_factory=dict)
    features: int | None = None
    error: str | None = None


def list_models(folder: str | Path | None = None) -> list[ListedModel]:
    """List what comes with mien and what a folder holds; executes no code from any file.

    folder: of one's own; None: the one that MIEN_MODELS names, if it does. Raises InputError where
    it is none.
    """
    own = local_folder() if folder is None else Path(folder)
    if own is not None and not own.is_dir():
        raise InputError(f"{own}: is not a folder")
    found = [_listed(name, "mien", path) for name, path in shipped().items()]
    if own is not None:
        found += [_listed(name, str(own), path) for name, path in models_in(own).items()]
    return found


def _listed(name: str, origin: str, found: Path) -> ListedModel:
    path = found
    try:
        path = _file_of(found)
        size = path.stat().st_size
        if path.suffix.lower() != ".onnx" and find_spec("torch") is None:
            sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
            return ListedModel(name, origin, path, size, sha256, error="needs torch")
        recogniser = (
            OnnxRecogniser.load(path) if path.suffix.lower() == ".onnx" else _in_torch(path)
        )
        known = recogniser.provenance
        heads = {head.name: head.outputs for head in recogniser.heads}
        return ListedModel(
            name, origin, path, size, _sha256(path, recogniser), heads,
            {h: {o: known.source(h, o) for o in outputs} for h, outputs in heads.items()},
            {column: calibration.on for column, calibration in known.calibrations.items()},
            recogniser.card.features if isinstance(recogniser, OnnxRecogniser) else None,
        )  # fmt: skip
    except InputError as error:
        return ListedModel(name, origin, path, path.stat().st_size, error=str(error))


def load_torch_recogniser(model: str | Path, checkpoint: str = "best") -> "TorchRecogniser":
    """Load the network of a run, a .safetensors file or weights that come with mien, in torch.

    Raises InputError where there is no such model, it is ONNX alone, or torch is missing.
    """
    path = _network_file(find_model(model), checkpoint)
    if path.suffix.lower() == ".onnx":
        raise InputError(f"{path}: an ONNX file has no layers to take apart; name a run or weights")
    return _in_torch(path)


def export_model(
    model: str | Path, out: str | Path, checkpoint: str = "best", half: bool = False
) -> ExportedModel:
    """Write the recogniser of a run, of a .safetensors file or of weights as an ONNX file.

    Its predictions equal the network's to 1e-4, or nothing is written: InputError, as where the
    model is none, is ONNX already, or what the export needs is not installed. half: weights are
    rounded to half precision: half the size, and predictions to 1e-2.
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

    difference = export_onnx(recogniser, out, half)
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
    from mien.models.sequence_recogniser import open_recogniser

    return open_recogniser(path)
