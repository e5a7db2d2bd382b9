"""`mien.download_videos` and `mien.download_images`: what a list names, into a folder."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mien.errors import InputError
from mien.progress import Progress, say_nothing, silent

if TYPE_CHECKING:
    from mien.download.addresses import Addresses
    from mien.download.pictures import Downloaded

MEBIBYTE = 1 << 20


def download_images(
    table: str | Path,
    out: str | Path,
    *,
    jobs: int = 16,
    per_host: int = 2,
    interval: float = 0.2,
    seconds: float = 60.0,
    mebibytes: float = 32.0,
    retries: int = 2,
    again: bool = False,
    allow: Sequence[str] = (),
    say: Callable[[str], None] = say_nothing,
    progress: Progress = silent,
) -> "Downloaded":
    """Download every picture that a list of URLs names (see `mien.download.links`).

    jobs: at once; per_host: of them to one host, interval: seconds between two requests to it.
    seconds, mebibytes: limits of one picture. retries: after failures that may pass. again: try
    those that failed in an earlier run. allow: `host:port` that may be reached though not public.
    Raises InputError for a list of no use; single failures are in the ledger.
    """
    from mien.download.fetch import Limits
    from mien.download.hosts import Politeness
    from mien.download.links import picture_name, read_links
    from mien.download.pictures import Options, Wanted, download_pictures

    _positive(jobs=jobs, per_host=per_host, seconds=seconds, mebibytes=mebibytes)
    if interval < 0 or retries < 0:
        raise InputError("interval and retries may not be negative")
    links, notes = read_links(Path(table))
    for text in notes:
        say(text)
    limits = Limits(seconds=seconds, bytes=int(mebibytes * MEBIBYTE), retries=retries)
    options = Options(jobs, again, limits, Politeness(per_host, interval), _addresses(allow))
    wanted = [Wanted(link.urls, picture_name(link.urls[0])) for link in links]
    return download_pictures(wanted, Path(out), options, progress)


def download_videos(
    links: str | Path,
    out: str | Path,
    *,
    rate: float | None = None,
    longest: float | None = None,
    cookies: str | Path | None = None,
    again: bool = False,
    allow: Sequence[str] = (),
    say: Callable[[str], None] = say_nothing,
    progress: Progress = silent,
) -> "Downloaded":
    """Download every video that a list names, one link to a line, a name behind it if wanted.

    rate: mebibytes a second at most. longest: seconds of a video at most. cookies: a file, only
    where given. again, allow: as `download_images`. Raises InputError for a list of no use.
    """
    from mien.download.videos import VideoOptions, download_videos

    if rate is not None:
        _positive(rate=rate)
    if longest is not None:
        _positive(longest=longest)
    named, notes = read_named_links(Path(links))
    for text in notes:
        say(text)
    options = VideoOptions(
        int(rate * MEBIBYTE) if rate else None, Path(cookies) if cookies else None, longest, again,
        _addresses(allow),
    )  # fmt: skip
    return download_videos(named, Path(out), options, progress)


def read_named_links(path: Path) -> tuple[list[tuple[str, str]], list[str]]:
    """Read lines of a link and, if wanted, a name (letters, digits, - and _); names are unique."""
    from mien.download.links import read_links

    if not path.is_file():
        raise InputError(f"{path}: {'is not a file' if path.exists() else 'does not exist'}")
    named: list[tuple[str, str]] = []
    names: dict[str, int] = {}
    links, notes = read_links(path)
    for link in links:
        words = [*link.urls[0].split(), *(cell for cell in link.cells if cell)]
        url, name = words[0], words[1] if len(words) > 1 else ""
        if name and not name.replace("-", "").replace("_", "").isalnum():
            raise InputError(f"{path}, line {link.line}: name {name!r}: letters, digits, - and _")
        if name and names.setdefault(name.lower(), link.line) != link.line:
            line = names[name.lower()]
            raise InputError(f"{path}, line {link.line}: {name} is named in line {line} too")
        named.append((url, name))
    return named, notes


def _addresses(allow: Sequence[str]) -> "Addresses":
    from mien.download.addresses import Addresses, parse_allowed

    try:
        return Addresses(parse_allowed(allow))
    except ValueError as error:
        raise InputError(str(error)) from None


def _positive(**values: float) -> None:
    for name, value in values.items():
        if not value > 0:
            raise InputError(f"{name.replace('_', '-')}={value:g}: must be above 0")
