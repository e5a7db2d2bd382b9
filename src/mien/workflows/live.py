"""`mien.live`: a page that shows what a camera or a film shows, while it runs."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Literal

from mien import ranges
from mien.analysis.analyze import remarks
from mien.analysis.live import Onlooker
from mien.errors import InputError, check_name
from mien.extras import need
from mien.faces import DETECTORS, TRACKERS
from mien.media.decode import probe
from mien.media.kinds import kind_of
from mien.media.names import shown
from mien.progress import say_nothing
from mien.workflows.models import load_recogniser


def live(
    source: str | Path | None = None,
    *,
    model: str | Path = "mien-base",
    checkpoint: Literal["best", "last"] = "best",
    out: str | Path | None = None,
    margin: float | None = None,
    min_face: float | None = None,
    detector: str = "centerface",
    tracker: str = "people",
    port: int | None = None,
    say: Callable[[str], None] = say_nothing,
) -> None:
    """Serve a page on this machine until Ctrl-C; pictures go no further than this process.

    source: a video; None: the camera of the browser that opens the page. model, checkpoint, margin,
    min_face, detector, tracker: as for `mien.analyze`. out: CSV that recordings go to, numbered
    where it exists; None: named by the time, in the current folder. port: None for one that is
    free. say: told the link to open. Raises InputError where options do not fit together.
    """
    need("mien live", "starlette", "uvicorn")
    from mien.analysis.live_page import LiveSettings, live_application
    from mien.web import Access, serve

    for name, asked, value in (
        ("margin", ranges.MARGIN, margin),
        ("min_face", ranges.FACE_SIZE, min_face),
    ):
        if value is not None:
            asked.check(name, value)
    check_name("detector", detector, DETECTORS)
    check_name("tracker", tracker, TRACKERS)
    film = None if source is None else Path(source)
    if film is not None:
        if kind_of(film) in ("image", "pages"):
            raise InputError(f"{shown(film)}: is a photograph; `mien analyze` looks at those")
        probe(film)
    table = _table(out)
    recogniser = load_recogniser(model, checkpoint)
    for line in remarks(recogniser) if margin is None else ():
        say(line)
    onlooker = partial(Onlooker, recogniser, detector, tracker, margin, min_face)
    onlooker()  # what cannot work says so now
    access = Access.alone()
    settings = LiveSettings(recogniser, onlooker, film, table, str(model))
    app, close = live_application(settings, access)
    try:
        serve(app, access, port=port, say=say)
    finally:
        close()


def _table(out: str | Path | None) -> Path | None:
    if out is None:
        return None
    path = Path(out)
    if path.suffix.lower() != ".csv":
        raise InputError(f"{shown(path)}: its name should end in .csv")
    if not path.parent.is_dir():
        raise InputError(f"{shown(path)}: the folder {shown(path.parent)} does not exist")
    return path
