"""`mien.stats` and `mien.write_statistics`: what a store holds, as values and as a page."""

from pathlib import Path
from typing import Any

from mien.errors import InputError
from mien.progress import Progress, silent
from mien.store import Store
from mien.store.statistics import statistics


def stats(store: str | Path, *, split: str | None = None) -> dict[str, Any]:
    """Count faces, people and videos per part, and every head's labels, as plain values.

    split: to count by; None for the default. Raises InputError where there is no such store or
    split.
    """
    return statistics(Store.open(Path(store)), split)


def write_statistics(
    store: str | Path,
    page: str | Path,
    *,
    split: str | None = None,
    batches: str | Path | None = None,
    videos: int = 6,
    progress: Progress = silent,
) -> Path:
    """Write the page of a store's statistics: the documents' tables and figures, faces, advice.

    page: an HTML file that needs nothing else; it shows faces. batches: a CSV of `video` and
    `batch`; None: each corpus is one. videos: graphs beside their frames. Raises InputError for a
    store without faces, a split that is not there and a table of batches of no use.
    """
    from mien.curation.collection import Collection
    from mien.report.statistics_report import write_statistics as write

    opened = Store.open(Path(store))
    if len(opened) == 0:
        raise InputError(f"{store}: holds no face")
    target = Path(page)
    if target.is_dir() or not target.resolve().parent.is_dir():
        raise InputError(f"{target}: is no file that can be written; name one, as statistics.html")
    of = Collection.of(opened, split, None if batches is None else Path(batches))
    write(target, of, videos, progress)
    return target
