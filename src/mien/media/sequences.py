"""Numbered pictures that make up a film: `shot/frame_%04d.png`."""

import re
from pathlib import Path

from mien.errors import InputError
from mien.media.names import shown

RATE = 25.0
"""Pictures a second where nothing else is said."""

_PLACE = re.compile(r"%(0\d+)?d")


def is_sequence(path: Path) -> bool:
    """Whether a name stands for numbered pictures: %d or %04d in it, and no file of the name."""
    return len(_PLACE.findall(path.name)) == 1 and not path.exists()


def sequence_files(path: Path) -> list[tuple[int, Path]]:
    """List the pictures by their number, counted from the first's; gaps stay gaps.

    Raises InputError where there are none, or two have one number.
    """
    place = _PLACE.search(path.name)
    if place is None:
        raise InputError(f"{shown(path)}: has no %d for the number of a picture")
    least = int(place[1] or 0)
    before, after = path.name[: place.start()], path.name[place.end() :]
    form = re.compile(re.escape(before) + r"(\d+)" + re.escape(after))
    found: dict[int, Path] = {}
    for entry in path.parent.iterdir() if path.parent.is_dir() else ():
        match = form.fullmatch(entry.name)
        if match is None or len(match[1]) < least or not entry.is_file():
            continue
        number = int(match[1])
        if number in found:
            raise InputError(f"{shown(entry)}: has the number of {shown(found[number])}")
        found[number] = entry
    if not found:
        raise InputError(f"{shown(path)}: no picture has such a name")
    first = min(found)
    return [(number - first, found[number]) for number in sorted(found)]
