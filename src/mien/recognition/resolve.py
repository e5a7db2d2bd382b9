"""Find the model that a person names."""

import os
import re
from pathlib import Path

from mien.errors import InputError
from mien.weights import shipped

MODEL_FILES = (".onnx", ".safetensors")


FOLDER = "MIEN_MODELS"
"""Variable of the environment that names a folder of models of one's own."""
_PINNED = re.compile(r"(.+)@([0-9a-fA-F]{8,64})")


def pinned(model: str | Path) -> tuple[str | Path, str | None]:
    """Split `NAME@SHA256` into the two; the hash, or its first eight digits or more, is optional.

    A file that is really called so comes before.
    """
    found = None if Path(model).exists() else _PINNED.fullmatch(str(model))
    return (model, None) if found is None else (found[1], found[2].lower())


def local_folder() -> Path | None:
    """The folder that MIEN_MODELS names; raises InputError where it is none."""
    named = os.environ.get(FOLDER)
    if not named:
        return None
    if not Path(named).is_dir():
        raise InputError(f"{FOLDER}={named}: is not a folder")
    return Path(named)


def models_in(folder: Path) -> dict[str, Path]:
    """Model files and runs of a folder by name: a file's without its suffix, .onnx first."""
    found = {path.name: path for path in sorted(folder.iterdir()) if (path / "run.json").is_file()}
    for suffix in MODEL_FILES:
        for path in sorted(folder.glob(f"*{suffix}")):
            found.setdefault(path.stem, path)
    return found


def find_model(model: str | Path) -> Path:
    """Return a model file, the folder of a run, or the folder of weights that come with mien.

    model: a path, or the name of such weights or of a model in the folder MIEN_MODELS. A path that
    is a file or a run comes before a name, and what comes with mien before one's own.
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
    own = models_in(folder) if (folder := local_folder()) else {}
    known = {**own, **known}
    if str(model) in known:
        return known[str(model)]
    if path.is_dir():
        raise InputError(f"{path}: not a run (no run.json in it); `mien train` makes one")
    raise InputError(
        f"{model}: neither a run, nor a model file ({', '.join(MODEL_FILES)}), nor weights that "
        f"come with mien ({', '.join(known)})"
    )
