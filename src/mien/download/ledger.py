"""What became of every URL: a line of JSON each, appended as it is known.

bartissol-2017 (section 3.1.2) keeps erroneous URLs with their error in a text file and counts them
in ten classes; `CLASSES` are those, in its words, and what it has no name for.
"""

import json
import os
import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

OK = "downloaded"
CLASSES = (
    "HTTP 404",
    "HTTP 400, 401, 403, 410",
    "HTTP 500, 502, 503, 504",
    "HTTP 301, 302",
    "name or service not known",
    "connection timed out",
    "connection reset by peer",
    "connection refused",
    "no route to host",
    "certificate verify failed",
)
"""bartissol-2017's classes: 1726, 205, 102, 20, 500, 109, 17, 16, 10 and 14 URLs there."""
OWN_CLASSES = (
    "other HTTP status",
    "other connection error",
    "address not public",
    "not a picture",
    "cut short",
    "too large",
    "not a URL of the web",
)
FLEETING = frozenset(
    {
        "HTTP 500, 502, 503, 504",
        "name or service not known",
        "connection timed out",
        "connection reset by peer",
        "connection refused",
        "no route to host",
        "other connection error",
        "cut short",
    }
)
"""Classes that another try may mend."""


@dataclass(frozen=True)
class Entry:
    """What became of one URL. outcome: `OK` or a class. file: within the folder."""

    url: str
    outcome: str
    detail: str = ""
    file: str = ""
    bytes: int = 0
    attempts: int = 1
    format: str = ""


class Ledger:
    """The file; the last line on a URL counts, and a line cut short by a crash is passed over."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.entries: dict[str, Entry] = {}
        self._lock = threading.Lock()
        whole = 0
        if path.exists():
            data = path.read_bytes()
            whole = data.rfind(b"\n") + 1
            for line in data[:whole].splitlines():
                if entry := _read(line):
                    self.entries[entry.url] = entry
        self._file = path.open("r+b" if path.exists() else "w+b")
        self._file.truncate(whole)
        self._file.seek(whole)

    def add(self, entry: Entry) -> None:
        """Write a line; it is on the disk when this returns."""
        line = json.dumps(asdict(entry), ensure_ascii=False) + "\n"
        with self._lock:
            self._file.write(line.encode("utf-8", "backslashreplace"))
            self._file.flush()
            os.fsync(self._file.fileno())
            self.entries[entry.url] = entry

    def settled(self, url: str, folder: Path, again: bool) -> bool:
        """Whether nothing is left to do: its file is there, or it failed and is not to be tried."""
        entry = self.entries.get(url)
        if entry is None:
            return False
        if entry.outcome == OK:
            return (folder / entry.file).is_file()
        return not again

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _read(line: bytes) -> Entry | None:
    try:
        return Entry(**json.loads(line))
    except (ValueError, TypeError):
        return None


def count(entries: Iterable[Entry]) -> dict[str, int]:
    """Entries by outcome: downloaded, then the classes in their order, without zeros."""
    counts = Counter(entry.outcome for entry in entries)
    return {name: counts[name] for name in (OK, *CLASSES, *OWN_CLASSES) if counts[name]}
