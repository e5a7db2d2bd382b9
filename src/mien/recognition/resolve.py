"""Find the model that a person names."""

from pathlib import Path

from mien.errors import InputError
from mien.weights import shipped

MODEL_FILES = (".onnx", ".safetensors")


def find_model(model: str | Path) -> Path:
    """Return a model file, the folder of a run, or the folder of weights that come with mien.

    model: a path, or the name of such weights. A path that is a file or a run comes before a name.
    Raises InputError where there is no such thing, and says what there is.
    """
    path = Path(model)
    if path.is_file():
        if path.suffix.lower() not in MODEL_FILES:
            raise InputError(f"{path}: a model file ends in {' or '.join(MODEL_FILES)}")
        return path
    if (path / "run.json").is_file():
        return path
    known = shipped()
    if str(model) in known:
        return known[str(model)]
    if path.is_dir():
        raise InputError(f"{path}: not a run (no run.json in it); `mien train` makes one")
    raise InputError(
        f"{model}: neither a run, nor a model file ({', '.join(MODEL_FILES)}), nor weights that "
        f"come with mien ({', '.join(known)})"
    )
