"""How long an action takes from the page to the disk, with two annotators and a 30-minute video.

    python benchmarks/annotation_speed.py

Both edit ranges and record traces at once (a request of samples every 50 ms each), over HTTP, while
the median and the 95th percentile of the time to an answer are taken: an answer means that it is on
the disk. The journal holds 2,000 ranges and ten minutes of traces of each before. Prints the memory
of the process too.
"""

import resource
import statistics
import tempfile
import threading
import time
from pathlib import Path

import httpx
import numpy as np

from mien.annotation.items import Frames, Item
from mien.annotation.journal import Action
from mien.annotation.project import Project, ProjectInfo, drawn_orders, parse_units
from mien.annotation.server import access_of, annotation_application
from mien.labels.action_units import DOCUMENT_AUS
from mien.labels.expressions import BASIC
from mien.web import running

FPS, MINUTES, EDITS = 30, 30, 300
PEOPLE = ("r1", "r2")


class Blank:
    """Pictures of nothing: frames are no matter here."""

    sound = None

    def __init__(self, frames: Frames) -> None:
        self.times, self.end_s, self.size = frames.time_s.tolist(), frames.end_s, (64, 64)

    def jpeg(self, frame: int) -> bytes:
        return b""


def make(folder: Path) -> Project:
    n = FPS * 60 * MINUTES
    frames = Frames(np.arange(n) / FPS, n / FPS, np.full((n, 4), np.nan, np.float32), 64, 64)
    item = Item("v001", "long", "video", "/nowhere/long.mp4", "videos/long.mp4")
    info = ProjectInfo(
        "speed", PEOPLE, ("va", "au", "expression"), parse_units(DOCUMENT_AUS), BASIC, (item,),
        drawn_orders(PEOPLE, (item,), 0), 0,
    )  # fmt: skip
    project = Project.create(folder, info, {"v001": frames})
    for who in PEOPLE:
        marks = [{"id": f"old{i}", "label": f"AU{DOCUMENT_AUS[i % 8]:02d}", "first": 20 * (i // 8),
                  "last": 20 * (i // 8) + 9} for i in range(2000)]  # fmt: skip
        rows = [[i / 100, i % 1000] for i in range(60_000)]
        begun = {"take": "t", "dimension": "valence"}
        project.journal.append(
            [Action(who, "v001", "au", "first", f"m{i}", "ranges", {"add": [mark]})
             for i, mark in enumerate(marks)]
            + [Action(who, "v001", "va", "first", "t", "take", begun),
               Action(who, "v001", "va", "first", "s", "samples", {"take": "t", "samples": rows})]
        )  # fmt: skip
    return project


def annotate(base: str, token: str, took: list[float], stop: threading.Event) -> None:
    with httpx.Client(base_url=base, headers={"Authorization": f"Bearer {token}"}) as client:
        begun = {"key": "n", "kind": "take", "body": {"take": "n", "dimension": "arousal"}}
        client.post("/api/labels/v001/va", json={"actions": [begun]}).raise_for_status()
        for n in range(EDITS):
            first = 20_000 + 20 * n
            mark = {"id": f"n{n}", "label": "AU12", "first": first, "last": first + 9}
            rows = [[n / 20 + i / 200, i] for i in range(10)]
            for task, kind, body in (
                ("au", "ranges", {"add": [mark]}),
                ("va", "samples", {"take": "n", "samples": rows}),
            ):
                action = {"key": f"{task}{n}", "kind": kind, "body": body, "spent_ms": 50}
                begin = time.perf_counter()
                told = client.post(f"/api/labels/v001/{task}", json={"actions": [action]})
                told.raise_for_status()
                took.append(time.perf_counter() - begin)
            stop.wait(0.05)


def main() -> None:
    import mien.annotation.server as server

    server.open_pictures = lambda project, item, progress: Blank(project.frames(item.id))
    with tempfile.TemporaryDirectory() as folder:
        project = make(Path(folder) / "project")
        took: list[float] = []
        with running(annotation_application(project, access_of(project))) as base:
            for who in PEOPLE:  # as the page does before anything is marked
                for task in ("au", "va"):
                    headers = {"Authorization": f"Bearer {project.token(who)}"}
                    httpx.get(f"{base}/api/labels/v001/{task}", headers=headers, timeout=60)
            stop = threading.Event()
            threads = [
                threading.Thread(target=annotate, args=(base, project.token(who), took, stop))
                for who in PEOPLE
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        project.close()
    cuts = statistics.quantiles(took, n=100)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    told = ", ".join(f"{cuts[p - 1] * 1e3:.1f} ms (p{p})" for p in (50, 95, 99))
    print(f"{len(took)} actions: {told}; {memory:.0f} MB at the most")


if __name__ == "__main__":
    main()
