"""Small things about files that every part of a store needs."""

import os
import re
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b
from pathlib import Path
from urllib.parse import quote


def flush(path: Path) -> None:
    """Wait until the file's content is on the disk."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def flush_all(paths: Iterable[Path]) -> None:
    """Wait for several files; at once, as a file system writes its journal for all of them."""
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(flush, paths))


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
