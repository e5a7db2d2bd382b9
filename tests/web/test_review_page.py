"""The review page in a browser: decide, undo, kill the server, go on."""

import os
import re
import signal
import subprocess
import sys

import numpy as np
import pytest

from mien.store import Store
from pages import until

ENTRY = [sys.executable, "-c", "import sys; from mien.cli.main import main; sys.exit(main())"]


@pytest.fixture
def folder(tmp_path):
    """Return a store of three tracks, of three colours."""
    store = Store.open_or_create(tmp_path / "s", 24)
    pictures = np.full((60, 24, 24, 3), 90, np.uint8)
    for track in range(3):
        pictures[20 * track : 20 * track + 20, :, :, track] = 220
    with store.new_shard() as shard:
        shard.append(pictures)
        store.commit(
            "films/a.mp4", corpus="films", kind="video", crops=shard, summary={"frames": 25},
            faces={
                "video": ["a.mp4"] * 60, "track": np.repeat([0, 1, 2], 20).astype(np.int32),
                "frame": np.tile(np.arange(20), 3).astype(np.int32),
                "time_s": np.tile(np.arange(20) / 10, 3),
                "subject": [f"a.mp4#{i // 20}" for i in range(60)],
            },
        )  # fmt: skip
    return store.folder


class Served:
    """`mien review` in a process of its own."""

    def __init__(self, folder):
        command = [*ENTRY, "review", str(folder)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        self.link = re.search(r"http://127\.0\.0\.1:\d+/\S+", line)[0]

    def end(self, how):
        os.kill(self.process.pid, how)
        self.process.wait(20)
        left = self.process.stdout.read()
        self.process.stdout.close()
        return left


def known_as(tab):
    return tab.locator(".review-who b").all_inner_texts()


def test_decisions_survive_a_kill_and_count_when_applied(chromium, folder):
    served = Served(folder)
    with chromium.new_context() as context:
        tab = context.new_page()
        tab.set_default_timeout(30_000)
        said = []
        tab.on("pageerror", lambda error: said.append(str(error)))
        tab.goto(served.link)
        tracks = tab.locator(".review-track")
        until(tab, "document.querySelectorAll('.review-face img').length === 36")
        until(tab, "[...document.images].every((image) => !image.complete || image.naturalWidth)")
        assert known_as(tab) == [f"films/a.mp4#{i}" for i in range(3)]

        tracks.nth(0).locator(".review-title input").check()
        tracks.nth(1).locator(".review-title input").check()
        tab.click("#merge")
        until(tab, "document.querySelector('#counts').textContent.includes('2 people')")
        assert known_as(tab)[:2] == ["films/a.mp4#0"] * 2
        tracks.nth(2).locator(".review-face").nth(0).click()
        tracks.nth(2).locator(".review-face").nth(2).click(modifiers=["Shift"])
        tracks.nth(2).locator(".span").click()
        until(tab, "document.querySelectorAll('.review-face.out').length === 3")
        tracks.nth(0).locator(".sex").select_option("f")
        until(tab, "document.querySelector('#apply').textContent.includes('3')")
        tracks.nth(1).locator(".drop-track").click()
        until(tab, "document.querySelectorAll('.review-gone').length === 1")
        tab.click("#undo")
        until(tab, "document.querySelectorAll('.review-gone').length === 0")

        before = tab.inner_text("#counts"), tab.locator("#history").inner_text(), known_as(tab)
        served.end(signal.SIGKILL)
        tab.click("#undo")  # says what is wrong, and loses nothing
        until(tab, "document.querySelector('[role=alert]').textContent.includes('still running')")

        served = Served(folder)
        tab.goto(served.link)
        until(tab, "document.querySelectorAll('.review-track').length === 3")
        after = tab.inner_text("#counts"), tab.locator("#history").inner_text(), known_as(tab)
        assert after == before
        assert "2 people" in after[0]
        assert len(Store.open(folder).rows(None)) == 60
        tab.click("#apply")
        until(tab, "document.querySelector('#apply').textContent === 'All applied'")
        store = Store.open(folder)
        assert store.codes("subject").used() == ("films/a.mp4#0", "films/a.mp4#2")
        assert {store.subjects.stated[f"films/a.mp4#{i}"].sex for i in (0, 1)} == {"f"}
        assert set(np.flatnonzero(store.excluded)) == {*range(40, 44)}
        assert len(store.rows(None)) == 56
        tab.locator("h1").click()
        tab.keyboard.press("Control+z")
        until(tab, "document.querySelector('#apply').textContent.includes('1')")
        assert said == []
    assert "1 decisions are not applied" in served.end(signal.SIGINT)
