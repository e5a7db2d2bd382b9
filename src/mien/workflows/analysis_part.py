"""What an analysis has so far, kept beside its table so that it goes on after any end.

`talk.csv.part` holds of every input its rows (NUMBER.csv, which grow as frames are done), a
journal (NUMBER.jsonl, a line per chunk of frames: how many are done, how long the rows are then,
and what the detector found) and, once it is done, its summary (NUMBER.json). Rows are written
before the line that counts them, so a kill leaves at most rows that no line counts.
"""

import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from mien.atomic import write_text
from mien.errors import InputError
from mien.media.names import reason, shown

REQUEST = "request.json"


class OutputFailed(InputError):
    """The disk is full or the place cannot be written: it is no fault of any input."""


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn an OSError within into OutputFailed, which names the path."""
    try:
        yield
    except OSError as error:
        raise OutputFailed(f"{shown(path)}: cannot be written: {reason(error)}") from error


@dataclass
class Progressed:
    """How far an input came. frames: done. offset: length of their rows in bytes. looks: what the
    detector found in them. counts: the summary's numbers by then."""

    frames: int = 0
    offset: int = 0
    looks: list[str] = field(default_factory=list)
    counts: dict[str, Any] = field(default_factory=dict)


class Part:
    """The folder of one analysis. Use as a context: no other process has it meanwhile."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    @contextmanager
    def opened(cls, folder: Path, request: Mapping[str, Any], resume: bool) -> Iterator[Self]:
        """Make the folder, or go on in one of the same request.

        Raises InputError where another process has it, or where it is another request's and
        `resume` is set.
        """
        with writing(folder):
            folder.mkdir(exist_ok=True)
            lock = (folder / ".lock").open("w")
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise InputError(f"{shown(folder)}: another process is writing there") from None
            part = cls(folder)
            part._begin(json.loads(json.dumps(request)), resume)
            yield part

    def _begin(self, request: Any, resume: bool) -> None:
        place = self.folder / REQUEST
        try:
            known = json.loads(place.read_text("utf-8"))
        except (OSError, ValueError):
            known = None
        if resume and known is not None and known != request:
            changed = [k for k in request if known.get(k) != request[k]]
            raise InputError(
                f"{shown(self.folder)}: was begun with other {', '.join(changed) or 'options'}: "
                "ask for the same again, or leave --resume away to start anew"
            )
        with writing(self.folder):
            if known is None or not resume:
                for file in self.folder.iterdir():
                    if file.name == REQUEST or file.suffix in (".csv", ".jsonl", ".json"):
                        file.unlink()
                write_text(place, json.dumps(request))

    def rows(self, number: int) -> Path:
        """Where the rows of an input are."""
        return self.folder / f"{number:05d}.csv"

    def summary(self, number: int) -> dict[str, Any] | None:
        """Summary of an input that is done; None where it is not."""
        try:
            found = json.loads(self._path(number, ".json").read_text("utf-8"))
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) else None

    def finish(self, number: int, summary: Mapping[str, Any]) -> None:
        """Say that an input is done."""
        with writing(self.folder):
            write_text(self._path(number, ".json"), json.dumps(summary))
            self._path(number, ".jsonl").unlink(missing_ok=True)

    def progressed(self, number: int) -> Progressed:
        """How far an input came, by the whole lines of its journal whose rows are there."""
        found = Progressed()
        try:
            lines = self._path(number, ".jsonl").read_bytes().split(b"\n")[:-1]
            length = self.rows(number).stat().st_size
        except OSError:
            return found
        for line in lines:
            try:
                entry = json.loads(line)
                if entry["offset"] > length:
                    break
                found.frames, found.offset = int(entry["frames"]), int(entry["offset"])
                found.looks += entry["looks"]
                found.counts = entry["counts"]
            except (ValueError, KeyError, TypeError):
                break
        return found

    @contextmanager
    def recording(self, number: int, since: Progressed) -> Iterator["Recording"]:
        """Yield what adds to an input's rows and journal after what is there."""
        rows, journal = self.rows(number), self._path(number, ".jsonl")
        with writing(self.folder):
            _cut(rows, since.offset)
            _cut(journal, _length_of(journal, since.frames))
            with rows.open("ab") as out, journal.open("ab") as lines:
                yield Recording(out, lines, self.folder)

    def drop(self, number: int) -> None:
        """Forget an input's rows: it cannot be read."""
        for suffix in (".csv", ".jsonl"):
            self._path(number, suffix).unlink(missing_ok=True)

    def remove(self) -> None:
        """Delete the folder: the table is written."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _path(self, number: int, suffix: str) -> Path:
        return self.folder / f"{number:05d}{suffix}"


class Recording:
    """Adds rows and then the line that counts them."""

    def __init__(self, rows: Any, journal: Any, folder: Path) -> None:
        self._rows, self._journal, self._folder = rows, journal, folder

    def add(self, rows: str, frames: int, looks: list[str], counts: Mapping[str, Any]) -> None:
        """Add the rows of a chunk; frames: done with it. Raises OutputFailed."""
        with writing(self._folder):
            self._rows.write(rows.encode("utf-8", "surrogateescape"))
            self._rows.flush()
            line = {"frames": frames, "offset": self._rows.tell(), "looks": looks, "counts": counts}
            self._journal.write(json.dumps(line, separators=(",", ":")).encode() + b"\n")
            self._journal.flush()


def _cut(path: Path, length: int) -> None:
    if not path.exists():
        path.touch()
    os.truncate(path, length)


def _length_of(journal: Path, frames: int) -> int:
    """Bytes of a journal up to the line of that many frames."""
    length = 0
    if frames and journal.exists():
        for line in journal.read_bytes().splitlines(keepends=True):
            length += len(line)
            if json.loads(line)["frames"] == frames:
                return length
    return 0
