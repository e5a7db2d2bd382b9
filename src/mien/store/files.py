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
from urllib.parse import quote

from mien.errors import InputError


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
    with (folder / ".lock").open("w") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise InputError(f"{folder}: another process writes to it") from None
                time.sleep(0.01)
        yield


def log_file(folder: Path, source: str) -> Path:
    """Where the log of a source lies: its name, with what a file name cannot hold as %XX."""
    name = quote(source, safe=" ()+@,#=")
    if len(name) > 200:
        name = f"{name[:180]}-{fingerprint(source)}"
    return folder / "log" / f"{name}.json"


def fingerprint(text: str) -> str:
    """16 hexadecimal digits that stand for a text."""
    return blake2b(text.encode(), digest_size=8).hexdigest()


def remove_leftovers(folder: Path) -> None:
    """Remove temporary files, named by their process, of processes that are no more."""
    for path in folder.glob(".*.tmp*"):
        process = re.match(r"\..*?\.(\d+)\.", path.name)
        if process and not _is_running(int(process[1])):
            path.unlink(missing_ok=True)


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
