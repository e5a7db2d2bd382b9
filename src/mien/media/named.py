"""Inputs as people name them: patterns, and lists in files."""

import glob
import os
from collections.abc import Iterable
from pathlib import Path

from mien.errors import InputError
from mien.media.names import shown
from mien.media.sequences import is_sequence

_PATTERN = frozenset("*?[")


def expanded(paths: Iterable[Path]) -> list[Path]:
    """Replace patterns (`day*/*.mp4`, `**` for any depth) by the files of such names, sorted.

    A name that is there is taken as it is. Raises InputError for a pattern of nothing.
    """
    found: list[Path] = []
    for path in paths:
        if not _PATTERN & set(str(path)) or os.path.lexists(path):
            found.append(path)
            continue
        matches = sorted(glob.glob(str(path), recursive=True))  # noqa: PTH207  # absolute ones too
        if not matches:
            raise InputError(f"{shown(path)}: no file has such a name")
        found += map(Path, matches)
    return found


def listed(file: Path) -> list[Path]:
    """Read a list of inputs: a name a line, from the list's own folder on, # for remarks.

    Raises InputError where it cannot be read, names nothing, or something outside of its folder.
    """
    try:
        lines = file.read_bytes().decode("utf-8-sig", "surrogateescape").splitlines()
    except OSError as error:
        raise InputError(f"{shown(file)}: cannot be read: {error.strerror}") from error
    home = file.parent.resolve()
    found = []
    for number, line in enumerate(lines, 1):
        name = line.strip()
        if not name or name.startswith("#"):
            continue
        path = file.parent / name
        if "\0" in name or not path.resolve().is_relative_to(home):
            raise InputError(
                f"{shown(file)}, line {number}: {shown(Path(name))} lies outside of the list's "
                "folder; name it on the command line instead"
            )
        if not path.exists() and not is_sequence(path):
            raise InputError(f"{shown(file)}, line {number}: {shown(Path(name))} does not exist")
        found.append(path)
    if not found:
        raise InputError(f"{shown(file)}: names no input")
    return found
