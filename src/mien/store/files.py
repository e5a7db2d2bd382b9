"""Small things about files that every part of a store needs."""

import fcntl
import os
import re
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import IO, Any, BinaryIO, TextIO
from urllib.parse import quote

from mien.errors import InputError

GRACE_S = 600.0
"""How long a file stays that readers or writers may still want, and nothing says so."""


def flush(path: Path) -> None:
    """Wait until the file's content is on the disk."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def flush_all(paths: Iterable[Path]) -> None:
    """Wait for several files; at once, as a file system writes its journal for all of them."""
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(flush, paths))


@contextmanager
def locked(folder: Path, wait_s: float) -> Iterator[None]:
    """Hold a store's lock; raises InputError where another process goes on holding it."""
    deadline = time.monotonic() + wait_s
    while (lock := lock_file(folder / ".lock")) is None:
        if time.monotonic() >= deadline:
            raise InputError(f"{folder}: another process writes to it")
        time.sleep(0.01)
    with lock:
        yield


def lock_file(path: Path) -> TextIO | None:
    """Open a file and lock it until it is closed; None where another holds it.

    A file that was removed in the meantime locks nothing. Raises InputError where its folder is
    gone.
    """
    try:
        file = path.open("w")
    except FileNotFoundError:
        raise InputError(f"{path.parent}: is gone; another process removed it") from None
    if try_lock(file) and _is_named(path, file):
        return file
    file.close()
    return None


def try_lock(file: IO[Any]) -> bool:
    """Lock an open file until it is closed; False where another holds it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def new_locked(path: Path) -> BinaryIO:
    """Make a file that was not there, and lock it until it is closed."""
    while True:
        file = path.open("xb")
        if try_lock(file) and _is_named(path, file):
            return file
        file.close()  # somebody took it for left over before it was locked, and removes it
        while path.exists():
            time.sleep(0.001)


def _is_named(path: Path, file: IO[Any]) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False


def log_file(folder: Path, source: str) -> Path:
    """Where the log of a source lies: its name, with what a file name cannot hold as %XX."""
    name = quote(source, safe=" ()+@,#=")
    if len(name) > 200:
        name = f"{name[:180]}-{fingerprint(source)}"
    return folder / "log" / f"{name}.json"


def fingerprint(text: str) -> str:
    """16 hexadecimal digits that stand for a text."""
    return blake2b(text.encode(), digest_size=8).hexdigest()


_TEMPORARY = re.compile(r"\.(?:(crops)\.[0-9a-f.-]+|.+\.[0-9a-f]+)\.tmp(?:\.\w+)?")


def remove_leftovers(folder: Path, grace_s: float = 0.0) -> None:
    """Remove temporary files of processes that are no more; to be called under the store's lock.

    Staged crops go where nobody has locked the first file of theirs; others where nobody has
    written to them for `grace_s` seconds, which are for those made without the lock.
    """
    for path in folder.glob(".*.tmp*"):
        match = _TEMPORARY.fullmatch(path.name)
        if match and (_is_free(path) if match[1] else _is_old(path, grace_s)):
            path.unlink(missing_ok=True)


def _is_free(staged: Path) -> bool:
    try:
        with staged.with_name(f"{staged.name.rpartition('-')[0]}-0.tmp").open("r+b") as first:
            return try_lock(first)
    except FileNotFoundError:
        return True


def _is_old(path: Path, seconds: float) -> bool:
    try:
        return path.stat().st_mtime <= time.time() - seconds
    except FileNotFoundError:
        return False
