"""Many pictures by their URLs, into a folder: concurrent, resumable, polite."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from PIL import Image

from mien.atomic import replacing
from mien.download.addresses import Addresses
from mien.download.client import make_client
from mien.download.fetch import Failed, Limits, fetch
from mien.download.hosts import Politeness, Turns
from mien.download.ledger import OK, Entry, Ledger, count
from mien.errors import InputError
from mien.media.images import picture_format, read_image
from mien.progress import Progress, silent

KEPT = {"JPEG": ".jpg", "PNG": ".png"}
"""Formats kept as they came; every other that can be read becomes a PNG, without loss."""


@dataclass(frozen=True)
class Wanted:
    """A picture: where it may be had, first choice first, and its file's name without a suffix."""

    urls: tuple[str, ...]
    name: str

    @property
    def url(self) -> str:
        """What the ledger calls it."""
        return self.urls[0]


@dataclass
class Downloaded:
    """What came of it. counts: pictures by outcome, over all that were wanted."""

    wanted: int
    fetched: int = 0
    kept: int = 0
    counts: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Options:
    """jobs: pictures at once. again: try those too that failed for good in an earlier run."""

    jobs: int = 16
    again: bool = False
    limits: Limits = field(default_factory=Limits)
    politeness: Politeness = field(default_factory=Politeness)
    addresses: Addresses = field(default_factory=Addresses)


def download_pictures(
    wanted: Sequence[Wanted], folder: Path, options: Options, progress: Progress = silent
) -> Downloaded:
    """Fetch what the folder has not yet; `folder/ledger.jsonl` has a line for every try.

    A picture that is there, and one that failed, are left alone (`options.again` tries the failed
    ones). Killed at any moment and run again, the folder ends as if nothing had happened. Raises
    InputError where two pictures would have one name.
    """
    _refuse_doubles(wanted)
    folder.mkdir(parents=True, exist_ok=True)
    ledger = Ledger(folder / "ledger.jsonl")
    try:
        left = [w for w in wanted if not ledger.settled(w.url, folder, options.again)]
        result = Downloaded(len(wanted), kept=len(wanted) - len(left))
        with make_client(options.addresses, options.limits.timeout, options.jobs) as client:
            work = _Work(client, folder, ledger, options)
            result.fetched = work.run(left, len(wanted), progress)
        result.counts = count(ledger.entries[w.url] for w in wanted if w.url in ledger.entries)
    finally:
        ledger.close()
    return result


def _refuse_doubles(wanted: Sequence[Wanted]) -> None:
    seen: dict[str, str] = {}
    for picture in wanted:
        other = seen.setdefault(picture.name.lower(), picture.url)
        if other != picture.url:
            raise InputError(f"{other} and {picture.url} would both be named {picture.name}")


class _Work:
    """The threads of one download."""

    def __init__(
        self, client: httpx.Client, folder: Path, ledger: Ledger, options: Options
    ) -> None:
        self.client, self.folder, self.ledger, self.options = client, folder, ledger, options
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._done = self._fetched = 0

    def run(self, left: Sequence[Wanted], total: int, progress: Progress) -> int:
        """Fetch them; returns how many came."""
        turns = Turns([(w.url, w) for w in left], self.options.politeness)
        self._done = total - len(left)

        def worker() -> None:
            while (turn := turns.take()) is not None:
                host, wanted = turn
                try:
                    entry = self._fetch(wanted)
                    self.ledger.add(entry)
                except BaseException:
                    turns.stop()
                    raise
                finally:
                    turns.done(host)
                with self._lock:
                    self._done += 1
                    self._fetched += entry.outcome == OK
                    progress(self._done, total, f"{self._fetched} new")

        with ThreadPoolExecutor(self.options.jobs, "download") as pool:
            futures = [pool.submit(worker) for _ in range(min(self.options.jobs, len(left)))]
            try:
                for future in futures:
                    future.result()
            finally:
                self._stopping.set()
                turns.stop()
        return self._fetched

    def _fetch(self, wanted: Wanted) -> Entry:
        """Try its addresses one after the other; the first's error is told where none has it."""
        failures: list[Entry] = []
        for url in wanted.urls:
            try:
                return self._fetch_one(wanted, url)
            except Failed as failure:
                tries = failure.args[1] if len(failure.args) > 1 else 1
                failures.append(Entry(wanted.url, failure.outcome, failure.detail, attempts=tries))
        return failures[0]

    def _fetch_one(self, wanted: Wanted, url: str) -> Entry:
        with replacing(self.folder / f"{wanted.name}.part") as part:
            tries = fetch(
                self.client, url, part, self.options.limits, _check_picture, self._stopping.wait
            )
            size, kind = part.stat().st_size, picture_format(part) or _other_format(part)
            suffix = KEPT.get(kind, ".png")
            target = self.folder / f"{wanted.name}{suffix}"
            if kind in KEPT:
                part.replace(target)
            else:
                with replacing(target) as png:
                    Image.fromarray(read_image(part)).save(png)
                part.unlink()
        detail = "" if url == wanted.url else f"from {url}"
        return Entry(wanted.url, OK, detail, target.name, size, tries, kind)


def _check_picture(path: Path) -> None:
    """Decode it whole: a page of HTML and a body cut short are told apart."""
    try:
        read_image(path)
    except InputError as error:
        head = path.read_bytes()[:512].lstrip().lower()
        detail = str(error).partition(": ")[2].replace(str(path), "").strip()
        if head.startswith((b"<!doctype", b"<html", b"<?xml", b"<")):
            raise Failed("not a picture", "a page of HTML or XML") from None
        if picture_format(path) is not None:
            raise Failed("cut short", detail) from None
        raise Failed("not a picture", detail) from None


def _other_format(path: Path) -> str:
    try:
        with Image.open(path) as image:
            return image.format or "other"
    except Exception:
        return "other"
