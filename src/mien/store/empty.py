"""Stores without a face: how they begin, and how they go where nothing came of them."""

import re
from pathlib import Path

from mien.errors import InputError
from mien.store.files import locked
from mien.store.schema import StoreInfo
from mien.store.subjects import create

OWN = ("subjects.csv", "store.json", ".lock")


def create_store(folder: Path, size: int, wait_s: float) -> None:
    """Start an empty store, unless another process has done so in the meantime."""
    begun = re.compile(r"store\.json|subjects\.csv|\.lock|\..*\.tmp\..*|partial|log")
    strange = folder.exists() and not folder.is_dir()
    if strange or not all(begun.fullmatch(name) for name in _names_in(folder)):
        if (folder / "store.json").is_file():  # another process was faster, and went on
            return
        raise InputError(f"{folder}: exists and is not a store; give an empty or new folder")
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder, wait_s):
        if not (folder / "store.json").is_file():
            create(folder / "subjects.csv")
            StoreInfo(size).write(folder / "store.json")


def _names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()] if folder.is_dir() else []


def remove_empty(folder: Path) -> None:
    """Remove a store that holds nothing; to be called under its lock. OSError where it does."""
    for inner in sorted(folder.rglob("*"), reverse=True):
        if inner.name not in OWN or inner.parent != folder:
            inner.rmdir()  # raises, before anything is gone, where there is more
    for name in OWN:
        (folder / name).unlink(missing_ok=True)
    folder.rmdir()
