"""`mien.merge_stores` and `mien.select_store`: new stores of what others hold."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mien.errors import InputError
from mien.progress import Progress, silent
from mien.store import Store

if TYPE_CHECKING:
    from mien.curation.copying import Wanted


def merge_stores(
    stores: Sequence[str | Path], out: str | Path, *, progress: Progress = silent
) -> int:
    """Put the faces of several stores into a new one; returns their number.

    Its crops are of the smallest size of all; faces that a review left out stay behind. Layers and
    splits of one name become one. Raises InputError where two stores have a corpus of one name.
    """
    opened = [Store.open(Path(store)) for store in stores]
    if len(opened) < 2:
        raise InputError("merge: name two stores at least")
    holder: dict[str, Path] = {}
    for store in opened:
        for corpus in store.codes("corpus").used():
            if corpus in holder:
                raise InputError(
                    f"merge: {holder[corpus]} and {store.folder} both hold a corpus {corpus!r}; "
                    "import one of them again under another name"
                )
            holder[corpus] = store.folder
    size = min(store.info.size for store in opened)

    def fill(target: Store) -> int:
        from mien.curation.copying import copy

        return sum(copy(s, s.rows(None), target, progress) for s in opened if len(s))

    return _made(Path(out), size, fill)


def select_store(
    store: str | Path, out: str | Path, wanted: "Wanted", *, progress: Progress = silent
) -> int:
    """Put the faces of a store that fulfil conditions into a new one; returns their number."""
    from mien.curation.copying import chosen_rows, copy

    opened = Store.open(Path(store))
    rows = chosen_rows(opened, wanted)
    return _made(Path(out), opened.info.size, lambda target: copy(opened, rows, target, progress))


def _made(out: Path, size: int, fill: Callable[[Store], int]) -> int:
    """Make a store, whole or not at all."""
    if out.exists():
        raise InputError(f"{out}: exists already; give another name")
    partial = out.with_name(f".{out.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        faces = fill(Store.open_or_create(partial, size))
        partial.rename(out)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return faces
