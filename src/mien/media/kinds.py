"""What a file is, by its content where the name is not enough, and what a folder holds."""

import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

from mien.errors import InputError
from mien.media import streams
from mien.media.decode import is_video
from mien.media.images import is_image, opened_image, page_count, picture_format, quiet
from mien.media.names import shown
from mien.media.sequences import is_sequence
from mien.media.streams import STDIN

Kind = Literal["video", "image", "pages", "sequence", "other"]

_MOVING = frozenset({"WEBP", "PNG", "GIF", "AVIF"})


def kind_of(path: Path) -> Kind:
    """Tell what a file is: a video, one photograph, several pages, or something else.

    `-` is a video on standard input; a name with %04d in it, numbered pictures (`media.sequences`).

    Pictures are told by their first bytes, whatever their name; animated ones (WebP, PNG, GIF,
    AVIF) are videos, a TIFF of several pages is 'pages'. Other files go by their name where it
    says video, and by their content where it does not. A file that cannot be read goes by its
    name: reading it says what is wrong.
    """
    if path == STDIN:
        return "video"
    if is_sequence(path):
        return "sequence"
    named: Kind = "video" if is_video(path) else "image" if is_image(path) else "other"
    if not path.is_file():
        return named
    picture = picture_format(path)
    if picture is not None:
        return _kind_of_picture(path, picture)
    if named == "video":
        return named
    try:
        with streams.opened(path) as container:
            streams.choose_stream(container, path)
            return "video"
    except InputError:
        return named


def _kind_of_picture(path: Path, picture: str) -> Kind:
    try:
        if picture == "TIFF":
            return "pages" if page_count(path) > 1 else "image"
        if picture in _MOVING:
            with opened_image(path) as image, quiet():
                return "video" if getattr(image, "n_frames", 1) > 1 else "image"
    except InputError:
        pass
    return "image"


def find_inputs(
    paths: Iterable[Path], recursive: bool = False
) -> tuple[list[Path], list[tuple[Path, str]]]:
    """Replace folders by the videos and photographs in them, told by their names, sorted.

    recursive: look into subfolders too, never through links. Files that are named stay as they
    are. Returns the files, each once, and what was skipped, with the reason in a few words.
    """
    files: list[Path] = []
    skipped: list[tuple[Path, str]] = []
    known: set[str] = set()
    for path in paths:
        found = _inside(path, recursive, skipped) if _is_folder(path) else [path]
        for file in found:
            place = os.path.realpath(file)
            if place in known:
                skipped.append((file, "named twice"))
            else:
                known.add(place)
                files.append(file)
    return files, skipped


def nothing_found(paths: list[Path], what: str, skipped: list[tuple[Path, str]]) -> InputError:
    """Say that inputs hold nothing of a kind ('video'), and what they hold instead."""
    names = ", ".join(map(shown, paths[:3])) + (", ..." if paths[3:] else "")
    instead = "; ".join(f"{shown(path)}: {why}" for path, why in skipped[:3])
    more = f"; and {len(skipped) - 3} more" if skipped[3:] else ""
    folders = any(why == "a subfolder" for _, why in skipped)
    hint = "; --recursive looks into subfolders" if folders else ""
    left = f" (skipped: {instead}{more}{hint})" if skipped else ""
    return InputError(f"{names}: holds no {what}{left}")


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # reading it says what is wrong
        return False


def _inside(folder: Path, recursive: bool, skipped: list[tuple[Path, str]]) -> Iterator[Path]:
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        skipped.append((folder, f"cannot be listed ({error.strerror})"))
        return
    for entry in entries:
        why = _why_skipped(entry, recursive)
        if why is not None:
            skipped.append((entry, why))
        elif entry.is_dir():
            yield from _inside(entry, recursive, skipped)
        else:
            yield entry


def _why_skipped(entry: Path, recursive: bool) -> str | None:
    if entry.name.startswith("."):
        return "hidden"
    try:
        mode = entry.stat().st_mode
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    if stat.S_ISDIR(mode):
        if not recursive:
            return "a subfolder"
        return "a link to a folder" if entry.is_symlink() else None
    if not stat.S_ISREG(mode):
        return "no file"
    if not (is_video(entry) or is_image(entry)):
        return "neither a video nor a photograph by its name"
    return None
