"""The journal only grows, and holds what it said it holds, whatever happens then."""

import os
import signal
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from mien.annotation.journal import Action, Journal
from mien.errors import InputError

WRITER = """
import sys
from contextlib import closing
from pathlib import Path
from mien.annotation.journal import Action, Journal
journal = Journal(Path(sys.argv[1]))
for number in range(100000):
    body = {"take": "a", "samples": [[number / 60, number % 1000]]}
    journal.append([Action("r1", "v001", "va", "first", f"k{number}", "samples", body)])
    print(number, flush=True)
"""


def action(key: str, annotator: str = "r1", **body: object) -> Action:
    return Action(annotator, "v001", "au", "first", key, "note", dict(body), 12)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    Journal.create(tmp_path / "journal.sqlite")
    return Journal(tmp_path / "journal.sqlite")


def test_what_was_kept_is_read_in_order(journal):
    assert journal.append([action("a", text="1"), action("b", text="2")]) == [1, 2]
    assert [a.body["text"] for a in journal.read(annotator="r1")] == ["1", "2"]
    assert [a.key for a in journal.read(after=1)] == ["b"]
    assert list(journal.read(annotator="r2")) == []
    assert journal.holds("r1", "v001", "au", "first")
    assert not journal.holds("r1", "v001", "va", "first")
    again = Journal(journal.path)
    assert [a.spent_ms for a in again.read()] == [12, 12]


def test_an_action_that_is_sent_twice_counts_once(journal):
    (first,) = journal.append([action("a", text="1")])
    again, second = journal.append([action("a", text="other"), action("b")])
    assert again == first < second
    (third,) = journal.append([action("a", "r2")])  # another's key is another
    assert third > second
    assert [a.body.get("text") for a in journal.read(annotator="r1")] == ["1", None]


def test_it_only_grows_and_is_its_owners(journal):
    journal.append([action("a")])
    for statement in ("UPDATE action SET body = '{}'", "DELETE FROM action"):
        refused = pytest.raises(sqlite3.IntegrityError, match="only grows")
        with closing(sqlite3.connect(journal.path)) as base, refused:
            base.execute(statement)
    for annotator in ("", None):
        with pytest.raises(InputError):
            journal.append([Action(annotator, "v001", "au", "first", "x", "note", {})])
    for file in journal.path.parent.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file


def test_nothing_that_was_acknowledged_is_lost_by_kill_9(journal):
    for at in (3, 40):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(journal.path)], stdout=subprocess.PIPE, text=True
        )
        assert writer.stdout is not None
        told = [int(writer.stdout.readline()) for _ in range(at)]
        os.kill(writer.pid, signal.SIGKILL)
        told += [int(line) for line in writer.stdout.read().split()]
        writer.wait()
        writer.stdout.close()
        kept = {a.key for a in journal.read()}
        assert {f"k{number}" for number in told} <= kept
    assert journal.append([action("after")])


def test_a_damaged_journal_says_so(tmp_path):
    with pytest.raises(InputError, match="is not there"):
        Journal(tmp_path / "none.sqlite")
    (tmp_path / "bad.sqlite").write_bytes(b"no database" * 100)
    with pytest.raises(InputError, match="cannot be read"):
        Journal(tmp_path / "bad.sqlite")
