"""The annotation app in a browser, from the first mark to the consensus, compared frame by frame.

No joystick was at hand: `getGamepads` is overridden, and a mouse is scripted.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_projects import make_store

import mien
from conftest import draw_face
from mien.annotation.items import Frames, Item
from mien.annotation.panel import FIRST, latest, ledger_of
from mien.annotation.prepare import read_video
from mien.annotation.project import Project, ProjectInfo, drawn_orders, parse_units
from mien.annotation.rasters import affect_raster
from mien.labels.expressions import BASIC
from mien.store import Store
from numbered import write_numbered
from pages import until

SOURCE = str(Path(mien.__file__).parents[1])
FPS, COUNT = 25, 250
PLAYER = "window.mien?.desk?.player"


def make(folder: Path) -> Project:
    """A project of one clip of 10 s whose frames show their numbers, for two annotators."""
    folder.mkdir()
    film = folder / "clip.mp4"
    write_numbered(film, [600 // FPS * n for n in range(COUNT)], group=25, b_frames=2)
    pictures = read_video(folder, film)
    times = np.array(pictures.times)
    box = np.tile(np.array([60, 20, 120, 90], np.float32), (len(times), 1))
    item = Item("v001", "clip", "video", str(film), "videos/clip.mp4")
    info = ProjectInfo(
        "e2e", ("r1", "r2"), ("va", "au", "expression"), parse_units([1, 2, 12]), BASIC, (item,),
        drawn_orders(("r1", "r2"), (item,), 0), 0, sound=False,
    )  # fmt: skip
    frames = Frames(times, pictures.end_s, box, *pictures.size)
    project = Project.create(folder, info, {"v001": frames})
    make_store(folder / "store", project)
    pictures.close()
    return project


class Served:
    """`mien annotate` in a process of its own, which can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.links: dict[str, str] = {}
        self.start()

    def start(self) -> None:
        words = [sys.executable, "-m", "mien", "annotate", str(self.folder), "--port", self.port]
        self.process = subprocess.Popen(
            list(map(str, words)), env=os.environ | {"PYTHONPATH": SOURCE},
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        assert self.process.stdout is not None
        for line in iter(self.process.stdout.readline, ""):
            if line.startswith("Ctrl-C"):
                return
            who, link = line.split()
            self.links[who.removesuffix(":")] = link
        raise AssertionError("the server did not start")

    def kill(self, how: int = signal.SIGKILL) -> None:
        self.process.send_signal(how)
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    make(tmp_path / "project").close()
    server = Served(tmp_path / "project")
    yield server
    server.kill(signal.SIGINT)


@pytest.fixture
def tabs(chromium: Any) -> Iterator[Any]:
    opened = []

    def tab(link: str) -> Any:
        context = chromium.new_context(viewport={"width": 1280, "height": 720})
        opened.append(context)
        page = context.new_page()
        page.errors = []
        page.on("pageerror", lambda error: page.errors.append(str(error)))
        page.goto(link)
        until(page, "!!document.querySelector('.overview')")
        return page

    yield tab
    for context in opened:
        context.close()


def enter(tab: Any, task: str) -> None:
    tab.get_by_role("button", name=f"{task} of clip").click()
    until(tab, f"{PLAYER}?.frame === 0")


def leave(tab: Any) -> None:
    until(tab, "window.mien.outbox.state === 'saved' && !window.mien.outbox.waiting.length")
    tab.get_by_role("button", name="All videos").click()
    until(tab, "!!document.querySelector('.overview')")


def seek(tab: Any, frame: int) -> None:
    tab.evaluate(f"{PLAYER}.seek({frame})")
    until(tab, f"{PLAYER}.frame === {frame}")


def span(tab: Any, lane: int, first: int, last: int) -> None:
    """Mark a range by keys, from its lane's number: begin, end."""
    tab.evaluate(f"window.mien.desk.marker.lane(window.mien.desk.names[{lane - 1}])")
    seek(tab, first)
    tab.keyboard.press("i")
    seek(tab, last)
    tab.keyboard.press("o")


def marks(folder: Path, who: str, task: str) -> list[tuple[Any, ...]]:
    project = Project(folder)
    state = latest(project, who, project.info.items[0], task)
    project.close()
    found = [] if state is None else state.marks.values()
    return sorted((m.label, m.first, m.last, m.intensity, m.apex) for m in found)


def units_by_keys(tab: Any) -> None:
    enter(tab, "Action Units")
    span(tab, 1, 10, 30)
    tab.keyboard.press("c")  # intensity
    seek(tab, 20)
    tab.keyboard.press("p")
    span(tab, 2, 50, 60)
    seek(tab, 100)
    tab.keyboard.press("3")  # a single frame
    span(tab, 3, 120, 140)
    seek(tab, 130)
    tab.keyboard.press("s")
    tab.keyboard.press("Control+z")
    tab.keyboard.press("Control+y")
    span(tab, 1, 200, 210)
    tab.keyboard.press("Control+z")
    for _ in "123":
        tab.keyboard.press("t")
        tab.keyboard.press("k")
    tab.keyboard.press("j")
    tab.keyboard.press("t")
    tab.keyboard.press("j")
    tab.keyboard.press("t")


UNITS = [
    ("AU01", 10, 30, "C", 20), ("AU02", 50, 60, None, None), ("AU12", 100, 100, None, None),
    ("AU12", 120, 129, None, None), ("AU12", 130, 140, None, None),
]  # fmt: skip


def test_the_whole_way(served, tabs):
    r1 = tabs(served.links["r1"])
    units_by_keys(r1)
    leave(r1)
    assert marks(served.folder, "r1", "au") == UNITS

    enter(r1, "Expressions")
    happy, sad = BASIC.index("happiness") + 1, BASIC.index("sadness") + 1
    span(r1, happy, 20, 80)
    span(r1, sad, 60, 90)  # takes the frames that it shares
    leave(r1)
    expressions = [("happiness", 20, 59, None, None), ("sadness", 60, 90, None, None)]
    assert marks(served.folder, "r1", "expression") == expressions

    # The server is killed in the middle, and started again: what was done meanwhile arrives.
    enter(r1, "Action Units")
    for frame in (180, 190):  # pictures that were seen are still at hand
        seek(r1, frame)
    served.kill()
    span(r1, 2, 180, 190)
    until(r1, "document.querySelector('.saved').dataset.state === 'unreachable'")
    served.start()
    leave(r1)
    assert marks(served.folder, "r1", "au") == sorted([*UNITS, ("AU02", 180, 190, None, None)])
    r1.reload()
    enter(r1, "Action Units")
    assert r1.evaluate("window.mien.desk.labels.marks.size") == 6
    r1.keyboard.press("Control+z")  # also what was done before the reload
    leave(r1)
    assert marks(served.folder, "r1", "au") == UNITS

    # A second annotator sees nothing of the first, and says it a little otherwise.
    r2 = tabs(served.links["r2"])
    units_by_keys(r2)
    until(r2, "window.mien.desk.labels.marks.size === 5")
    assert r2.evaluate("fetch('/api/others/v001/au').then((a) => a.status)") == 403
    span(r2, 2, 50, 64)
    leave(r2)
    enter(r2, "Expressions")
    span(r2, happy, 20, 59)
    leave(r2)

    mien.set_annotation_stage(served.folder, "verification", force=True)
    mien.set_annotation_stage(served.folder, "adjudication", force=True)
    judge = tabs(served.links["adjudicator"])
    enter(judge, "Action Units")
    queue = "window.mien.desk.marker.queue.map((d) => [d.label, d.first, d.last])"
    assert judge.evaluate(queue) == [["AU02", 61, 64]]
    judge.keyboard.press("n")
    until(judge, f"{PLAYER}.frame === 61")
    judge.keyboard.press("x")
    leave(judge)

    report = mien.consensus(served.folder)
    assert report["units"]["AU02"]["frames"] == COUNT
    labels = Store.open(served.folder / "store").labels(["consensus"])
    expected = {"AU01": {*range(10, 31)}, "AU02": {*range(50, 61)},
                "AU12": {100, *range(120, 141)}}  # fmt: skip
    for unit, active in expected.items():
        column = labels.column("au", unit)
        assert set(np.flatnonzero(column == 1).tolist()) == active
        assert (column[[n for n in range(COUNT) if n not in active]] == 0).all()
    named = labels["expression"][:, labels.head("expression").outputs.index("happiness")]
    assert set(np.flatnonzero(named == 1).tolist()) == {*range(20, 60)}
    for tab in (r1, r2, judge):
        assert tab.errors == []


GAMEPAD = """
window.stick = [0, 0];
navigator.getGamepads = () => [{ connected: true, axes: window.stick, buttons: [] }];
"""


def recorded(served: Served, who: str) -> Any:
    project = Project(served.folder)
    item = project.info.items[0]
    state = ledger_of(project, who, item, "va", FIRST).state
    found = affect_raster(state, project.frames("v001"))
    project.close()
    return state, found


def test_valence_by_mouse_and_both_by_gamepad(served, tabs):
    """What the hand does at a frame is what is kept of that frame."""
    r1 = tabs(served.links["r1"])
    enter(r1, "Valence and arousal")
    box = r1.locator(".plane").bounding_box()
    side = min(box["width"], box["height"])
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    r1.mouse.move(*middle)
    r1.evaluate("""
        window.script = [];
        const { player } = window.mien.desk;
        const note = () => window.script.push([player.frame, ...window.mien.hand.at]);
        player.addEventListener("frame", note);
    """)
    r1.keyboard.press("r")
    moves = 0
    while r1.evaluate(f"{PLAYER}.playing") or not moves:
        x = np.sin(time.monotonic() * 2) * side * 0.4
        r1.mouse.move(middle[0] + x, middle[1])
        moves += 1
    leave(r1)
    state, found = recorded(served, "r1")
    (take,) = state.takes
    assert (take.device, take.dimension) == ("mouse", "valence")
    script: dict[int, float] = {}
    for frame, x, _ in r1.evaluate("window.script"):
        script.setdefault(frame, x)  # as it was first seen
    assert len(script) > 10  # of 250 on a busy machine; each that was drawn counts
    begun = np.searchsorted(np.arange(COUNT) / FPS, take.samples[0, 0])  # the take's first frame
    errors = [abs(found[frame, 0] - x) for frame, x in script.items() if frame > begun]
    assert max(errors) < 0.002  # values are whole thousandths
    assert take.samples[-1, 0] > 9.5
    assert (np.diff(take.samples[:, 0]) > 0).all()
    assert np.isnan(found[:, 1]).all()

    # A second take, by gamepad, over a loop alone: the first one stays.
    r1.add_init_script(GAMEPAD)
    r1.reload()
    enter(r1, "Valence and arousal")
    r1.get_by_role("radio", name="both").click()
    r1.evaluate(f"{PLAYER}.setLoop(50, 99)")
    r1.evaluate("window.stick = [0.54, -0.54]")
    r1.keyboard.press("r")
    until(r1, "window.mien.desk.recorder.take !== null")
    until(r1, "window.mien.desk.recorder.take === null")
    leave(r1)
    state, again = recorded(served, "r1")
    assert state.takes[0].device == "mouse"
    assert state.takes[1].dimension == "both"
    inside = again[55:95]
    assert np.allclose(np.nanmedian(inside, axis=0), [0.527, 0.527], atol=0.06)  # dead zone of 0.08
    np.testing.assert_allclose(again[:48, 0], found[:48, 0])
    enter(r1, "Valence and arousal")
    r1.keyboard.press("Control+z")
    leave(r1)
    _, undone = recorded(served, "r1")
    np.testing.assert_allclose(undone, found)
    assert r1.errors == []


@pytest.mark.slow  # of a machine that does nothing else
def test_sixty_samples_a_second_and_few_gaps(served, tabs):
    r1 = tabs(served.links["r1"])
    enter(r1, "Valence and arousal")
    r1.keyboard.press("r")
    until(r1, "window.mien.desk.recorder.take !== null")
    until(r1, "window.mien.desk.recorder.take === null")
    leave(r1)
    state, _ = recorded(served, "r1")
    seconds = state.takes[0].samples[:, 0]
    assert len(seconds) / (seconds[-1] - seconds[0]) >= 60
    assert (np.diff(seconds) > 0.05).mean() < 0.005


def test_pictures_one_after_the_other(tmp_path, tabs):
    (tmp_path / "faces").mkdir()
    for i in range(5):
        draw_face(i / 4, 200, 160).save(tmp_path / "faces" / f"f{i}.png")
    made = mien.init_annotation(
        tmp_path / "project", [tmp_path / "faces"], annotators=["r1"], tasks=["expression", "va"]
    )
    assert made.items == ["faces"]
    names = [1, 5, 5, None, 6]
    server = Served(tmp_path / "project")
    try:
        r1 = tabs(server.links["r1"])
        name_pictures(r1, names)
    finally:
        server.kill(signal.SIGINT)
    mien.consensus(tmp_path / "project")
    labels = Store.open(tmp_path / "project" / "store").labels(["consensus"])
    outputs = labels.head("expression").outputs
    rows = labels["expression"]
    said = [None if np.isnan(row).any() else outputs[row.argmax()] for row in rows]
    assert said == [BASIC[n - 1] if n else None for n in names]
    valence = labels.column("valence_arousal", "valence")
    assert valence[0] == pytest.approx(0.5, abs=0.02)
    assert np.isnan(valence[1:]).all()
    assert r1.errors == []


def name_pictures(tab: Any, names: list[int | None]) -> None:
    """Give every picture its expression by a number, and click where the first one lies."""
    tab.get_by_role("button", name="Expressions of faces").click()
    until(tab, f"{PLAYER}?.frame === 0")
    for i, number in enumerate(names):
        until(tab, f"{PLAYER}.frame === {i}")
        tab.keyboard.press(str(number) if number else "Enter")
    leave(tab)
    tab.get_by_role("button", name="Valence and arousal of faces").click()
    until(tab, f"{PLAYER}?.frame === 0")
    box = tab.locator(".plane").bounding_box()
    side = min(box["width"], box["height"])
    tab.mouse.click(box["x"] + box["width"] / 2 + side / 4.8, box["y"] + box["height"] / 2)
    until(tab, f"{PLAYER}.frame === 1")
    leave(tab)


def test_the_lag_of_who_follows_the_dot(served, tabs):
    """The calibration clip's own arithmetic, on a hand that is late by 0.42 s and shakes."""
    r1 = tabs(served.links["r1"])
    found = r1.evaluate("""async () => {
        const { bestLag } = await import("/annotate/affect.js");
        const dot = (s) => (Math.sin(1.4 * s) + Math.sin(2.6 * s + 1) + Math.sin(4.2 * s + 2)) / 3;
        const rows = [], still = [];
        for (let s = 0; s < 20; s += 1 / 60) {
            rows.push([s, dot(s), 0.8 * dot(s - 0.42) + 0.05 * Math.sin(97 * s)]);
            still.push([s, dot(s), 0]);
        }
        return [bestLag(rows), bestLag(still)];
    }""")
    assert found[0] == pytest.approx(0.42, abs=0.04)
    assert found[1] is None
