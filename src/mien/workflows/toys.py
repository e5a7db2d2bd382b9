"""`mien.toys`: drawn pictures with labels that any GAN should manage."""

from pathlib import Path

from mien.corpora.toys import draw_toys
from mien.errors import InputError

KINDS = ("digits", "landscapes")


def toys(kind: str, out: str | Path, *, count: int = 2000, seed: int = 0) -> None:
    """Draw digits or landscapes into a new folder, as `mien.import_corpus("folder", ...)` reads.

    Raises InputError for another kind, fewer than 10 pictures, or a folder that exists.
    """
    if kind not in KINDS:
        raise InputError(f"unknown kind {kind!r}: known: {', '.join(KINDS)}")
    if count < 10:
        raise InputError(f"count {count}: give at least 10")
    if Path(out).exists():
        raise InputError(f"{out}: exists already; name another folder")
    draw_toys(kind, Path(out), count, seed)
