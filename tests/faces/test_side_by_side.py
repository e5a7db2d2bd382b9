"""Videos ingested side by side: the same store as one by one."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import mien
from mien.errors import InputError
from mien.faces.ingest import Ingester, IngestSettings
from mien.faces.side_by_side import ingest_side_by_side
from mien.store import Store


@pytest.fixture
def videos(clip, tmp_path):
    """Two clips, one of them twice under two names, and a file that is no video."""
    folder = tmp_path / "in"
    (folder / "sub").mkdir(parents=True)
    for name, source in {
        "a.mp4": "pristine",
        "b.mp4": "pristine",
        "sub/a.mp4": "distorted",
    }.items():
        (folder / name).write_bytes(clip.with_name(f"carphone_{source}.mp4").read_bytes())
    (folder / "bad.mp4").write_text("no video")
    return [folder / name for name in ("a.mp4", "bad.mp4", "b.mp4", "sub/a.mp4")]


def test_the_store_is_the_same_as_one_by_one(videos, tmp_path):
    heard = []

    @contextlib.contextmanager
    def progress(label):
        yield lambda done, total, note="": heard.append((label, done, total))

    many = mien.ingest(videos, store=tmp_path / "many", size=32, fps=2, jobs=2, progress=progress)
    alone = mien.ingest(videos, store=tmp_path / "alone", size=32, fps=2)
    assert [v.status for v in many.videos] == ["ingested", "skipped", "ingested"]
    assert many.failed == alone.failed
    assert [v.input for v in many.videos] == [v.input for v in alone.videos]
    one, other = Store.open(tmp_path / "many"), Store.open(tmp_path / "alone")
    assert one.table().equals(other.table())
    assert len(one) == 16
    assert sorted(one.info.sources) == sorted(other.info.sources)
    rows = np.arange(16)
    assert (one.pixels().gather(rows) == other.pixels().gather(rows)).all()
    assert not list((tmp_path / "many" / "partial").iterdir())
    assert {label for label, _, _ in heard} <= {"3 videos, 2 at once", "b.mp4"}


def test_jobs_out_of_range_are_refused(videos, tmp_path):
    with pytest.raises(InputError, match="jobs 0"):
        mien.ingest(videos, store=tmp_path / "s", jobs=0)
    assert not (tmp_path / "s").exists()


@pytest.mark.slow
def test_a_process_that_is_killed_fails_its_video_alone(videos, tmp_path):
    store = Store.open_or_create(tmp_path / "s", 32)
    ingester = Ingester(store, IngestSettings(fps=4.0))
    shot = []

    def shoot(number, done, total, note):  # as the system does where memory is short
        if number == 0 and not shot:
            shot.append(_child_that_has(videos[0]))
            os.kill(shot[0], signal.SIGKILL)

    first, last = ingest_side_by_side(ingester, [videos[0], videos[3]], 2, shoot)
    assert isinstance(first, InputError)
    assert "was ended" in str(first)
    assert last.faces == 16
    assert ingester.ingest(videos[0]).faces == 16
    assert not list((tmp_path / "s" / "partial").iterdir())


def _wait_for_the_end_of(group):
    for _ in range(500):  # multiprocessing's own helper goes a moment after the others
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return
        time.sleep(0.02)
    raise AssertionError("processes are left")


def _child_that_has(video):
    """Return the process of ours that has the file open."""
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            opened = [str(link.readlink()) for link in (folder / "fd").iterdir()]
            if int(folder.name) != os.getpid() and str(video) in opened:
                return int(folder.name)
    raise AssertionError(f"nobody has {video} open")


def test_ctrl_c_ends_all_processes_and_keeps_what_they_found(videos, tmp_path):
    command = [sys.executable, "-m", "mien", "ingest", str(videos[0]), str(videos[3])]
    command += ["--size", "32", "--fps", "8", "--jobs", "2", "--store", str(tmp_path / "s")]
    process = subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        journals = list((tmp_path / "s").glob("partial/*.jsonl"))
        if len(journals) == 2 and all(j.read_text().count("\n") > 3 for j in journals):
            break
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to all of them
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err.decode().splitlines()[-1]) == (130, "mien: interrupted")
    assert "Traceback" not in err.decode()
    _wait_for_the_end_of(process.pid)
    left = [path.suffix for path in (tmp_path / "s" / "partial").iterdir()]
    assert left == [".jsonl", ".jsonl"]
    done = subprocess.run([*command, "--fps", "2", "--json"], capture_output=True, check=True)
    assert [v["faces"] for v in json.loads(done.stdout)["videos"]] == [8, 8]
    assert not list((tmp_path / "s" / "partial").iterdir())
