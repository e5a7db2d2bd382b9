"""Every action of every annotator, in order: a file that only ever grows.

What `append` returned of is on the disk: a process or machine that stops a moment later loses
nothing of it. The database itself refuses to change or remove an action.
"""

import json
import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import RLock
from typing import Any

from mien.errors import InputError

_SCHEMA = """
CREATE TABLE action (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    annotator TEXT NOT NULL CHECK (length(annotator) > 0),
    item TEXT NOT NULL,
    task TEXT NOT NULL,
    pass TEXT NOT NULL,
    key TEXT NOT NULL CHECK (length(key) > 0),
    kind TEXT NOT NULL,
    body TEXT NOT NULL,
    spent_ms INTEGER NOT NULL,
    at REAL NOT NULL,
    UNIQUE (annotator, key)
);
CREATE INDEX place ON action (item, task, pass, annotator, id);
CREATE TRIGGER unchanged BEFORE UPDATE ON action
BEGIN SELECT RAISE(ABORT, 'the journal only grows'); END;
CREATE TRIGGER kept BEFORE DELETE ON action
BEGIN SELECT RAISE(ABORT, 'the journal only grows'); END;
PRAGMA user_version = 1;
"""
_COLUMNS = "id, annotator, item, task, pass, key, kind, body, spent_ms, at"


@dataclass(frozen=True)
class Action:
    """One thing that an annotator did.

    key: the page's own number of it: sent twice, it counts once. kind and body: see `actions`.
    spent_ms: time that went into it. at: seconds since 1970. id: its place, None before it is kept.
    """

    annotator: str
    item: str
    task: str
    round: str
    key: str
    kind: str
    body: dict[str, Any] = field(default_factory=dict)
    spent_ms: int = 0
    at: float = 0.0
    id: int | None = None


class Journal:
    """A journal on disk; may be used by several threads and processes."""

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise InputError(f"{path}: is not there: the project is damaged")
        self.path, self._turn = path, RLock()
        try:
            self._base = sqlite3.connect(path, timeout=30, check_same_thread=False)
            self._base.execute("PRAGMA journal_mode = WAL")
            self._base.execute("PRAGMA synchronous = FULL")
            version = self._base.execute("PRAGMA user_version").fetchone()[0]
        except sqlite3.Error as error:
            raise InputError(f"{path}: cannot be read as a journal: {error}") from error
        if version != 1:
            raise InputError(f"{path}: is no journal that this mien reads (version {version})")

    @classmethod
    def create(cls, path: Path) -> None:
        """Make an empty journal that its owner alone can read."""
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        base = sqlite3.connect(path)
        try:
            base.executescript(_SCHEMA)
        finally:
            base.close()

    def close(self) -> None:
        """Close the file."""
        self._base.close()

    def __del__(self) -> None:
        if base := getattr(self, "_base", None):
            base.close()

    def append(self, actions: Sequence[Action]) -> list[int]:
        """Keep actions, all or none, and return their places once they are on the disk.

        One whose annotator and key are known already is not kept again: its old place is returned.
        Raises InputError where the disk does not take them.
        """
        rows = [
            (a.annotator, a.item, a.task, a.round, a.key, a.kind, _plain(a.body),
             int(a.spent_ms), a.at or time.time())
            for a in actions
        ]  # fmt: skip
        insert = (
            "INSERT INTO action (annotator, item, task, pass, key, kind, body, spent_ms, at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (annotator, key) DO NOTHING"
        )
        with self._turn:
            try:
                with self._base:
                    self._base.execute("BEGIN IMMEDIATE")
                    self._base.executemany(insert, rows)
                    find = "SELECT id FROM action WHERE annotator = ? AND key = ?"
                    return [
                        int(self._base.execute(find, (row[0], row[4])).fetchone()[0])
                        for row in rows
                    ]
            except sqlite3.Error as error:
                raise InputError(f"{self.path}: cannot be written: {error}") from error

    def read(
        self,
        *,
        annotator: str | None = None,
        item: str | None = None,
        task: str | None = None,
        round: str | None = None,
        after: int = 0,
    ) -> Iterator[Action]:
        """Yield actions in order; None: of all. after: only those with a later place."""
        asked = {"annotator": annotator, "item": item, "task": task, "pass": round}
        named = {name: value for name, value in asked.items() if value is not None}
        where = "".join(f" AND {name} = ?" for name in named)
        query = f"SELECT {_COLUMNS} FROM action WHERE id > ?{where} ORDER BY id"
        with self._turn:
            try:
                rows = self._base.execute(query, (after, *named.values())).fetchall()
            except sqlite3.Error as error:
                raise InputError(f"{self.path}: cannot be read: {error}") from error
        for row in rows:
            yield Action(
                row[1], row[2], row[3], row[4], row[5], row[6], json.loads(row[7]), row[8], row[9],
                row[0],
            )  # fmt: skip

    def holds(self, annotator: str, item: str, task: str, round: str) -> bool:
        """Whether there is any action of this annotator, item, task and pass."""
        query = "SELECT 1 FROM action WHERE annotator = ? AND item = ? AND task = ? AND pass = ?"
        with self._turn:
            row = self._base.execute(f"{query} LIMIT 1", (annotator, item, task, round)).fetchone()
        return row is not None

    def items_of(self, annotator: str) -> frozenset[str]:
        """Items of which somebody said anything."""
        query = "SELECT DISTINCT item FROM action WHERE annotator = ?"
        with self._turn:
            return frozenset(row[0] for row in self._base.execute(query, (annotator,)))

    def stage(self) -> str | None:
        """The stage that the project was last put into."""
        with self._turn:
            query = "SELECT body FROM action WHERE item = '' AND task = 'stage' ORDER BY id DESC"
            row = self._base.execute(f"{query} LIMIT 1").fetchone()
        return None if row is None else str(json.loads(row[0])["stage"])


def _plain(body: dict[str, Any]) -> str:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
