"""`mien.export_store`: a store in a form that others read."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mien.atomic import replacing, replacing_folder
from mien.errors import InputError, unknown_name
from mien.progress import Progress, say_nothing, silent
from mien.store import Store

FILES = {"hdf5": (".h5", ".hdf5")}
"""Formats that are one file, and what its name ends in."""


@dataclass(frozen=True)
class StoreExport:
    """What was written."""

    path: Path
    format: str
    faces: int
    bytes: int


def export_store(
    store: str | Path,
    out: str | Path,
    *,
    format: str,
    part: str | None = None,
    split: str | None = None,
    size: int | None = None,
    purpose: str = "research",
    pseudonymous: bool = False,
    say: Callable[[str], None] = say_nothing,
    progress: Progress = silent,
) -> StoreExport:
    """Export a store's faces and labels.

    format: of `mien.curation.formats.FORMATS`. part, split: which faces, all by default. size: of
    the crops, at most the store's. purpose: research or publication: what everybody's consent has
    to cover. pseudonymous: people, videos and images named anew, notes and paths left out. The
    result is whole or not there. Raises InputError where consent does not cover it.
    """
    from mien.curation.exports import select
    from mien.curation.formats import FORMATS, writer_of

    if format not in FORMATS:
        raise unknown_name("format", format, FORMATS)
    target = Path(out)
    if target.exists():
        raise InputError(f"{target}: exists already; give another name")
    if not target.resolve().parent.is_dir():
        raise InputError(f"{target}: the folder {target.parent} does not exist")
    suffixes = FILES.get(format)
    if suffixes and target.suffix not in suffixes:
        raise InputError(f"{target}: a file of this format ends in {' or '.join(suffixes)}")
    opened = Store.open(Path(store))
    chosen = select(
        opened, part=part, split=split, size=size, purpose=purpose, pseudonymous=pseudonymous
    )
    stated = opened.subjects.stated
    asked = {
        opened.subjects.person(n) for n, s in stated.items() if getattr(s, purpose) is not None
    }
    unknown = set(opened.codes("subject").at(chosen.rows).used()) - asked
    if unknown and purpose == "publication":
        say(f"warning: nothing is stated of the consent of {len(unknown)} people (subjects.csv)")
    write = writer_of(format)
    with replacing(target) if suffixes else replacing_folder(target) as temporary:
        write(chosen, temporary, progress)
    files = [target] if suffixes else [p for p in target.rglob("*") if p.is_file()]
    return StoreExport(target, format, len(chosen.rows), sum(p.stat().st_size for p in files))
