"""`mien.review`: a page on which people check what was detected and tracked."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from mien.errors import InputError
from mien.extras import need
from mien.progress import Progress, say_nothing, silent
from mien.store import Store


def review(
    store: str | Path,
    *,
    port: int | None = None,
    say: Callable[[str], None] = say_nothing,
) -> None:
    """Serve the review of a store on this machine until Ctrl-C.

    What is decided is in the store's review.jsonl at once, and counts when it is applied: on the
    page, or by `apply_review`. port: None for one that is free. say: told the link to open, and at
    the end what waits to be applied. Raises InputError for a store without faces, and where another
    process reviews it.
    """
    need("mien review", "starlette", "uvicorn")
    from mien.curation.review import Review
    from mien.curation.review_page import review_application
    from mien.web import Access, serve

    access, opened = Access.alone(), Review(Path(store))
    try:
        serve(review_application(opened, access), access, port=port, say=say)
        if waiting := opened.journal.waiting:
            say(f"{waiting} decisions are not applied: `mien review {store} --apply`")
    finally:
        opened.close()


def apply_review(store: str | Path) -> int:
    """Make a store follow what was decided; returns how many faces it leaves out then."""
    from mien.store.decisions import Journal, apply

    opened = Store.open(Path(store))
    with Journal(opened.folder) as journal:
        return apply(opened, journal)


def review_report(
    store: str | Path, out: str | Path | None = None, *, progress: Progress = silent
) -> dict[str, Any]:
    """Count, per video, frames before and after detection, and sizes of faces, as plain values.

    out: a page to write, .html. Raises InputError for a store without faces, and for another name.
    """
    from mien.curation.losses import losses

    path = None if out is None else Path(out)
    if path is not None and path.suffix.lower() != ".html":
        raise InputError(f"{path}: its name should end in .html")
    opened = Store.open(Path(store))
    if len(opened) == 0:
        raise InputError(f"{store}: holds no face")
    found = losses(opened, progress)
    if path is not None:
        from mien.report.review_report import write_review_report

        write_review_report(path, found, opened.folder.name)
    return found
