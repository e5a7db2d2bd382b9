"""The API: what is whose, what is kept, and nothing that anybody sends is a 500."""

import json
import string
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_projects import make_project, make_store

import mien
from mien.annotation.journal import Journal
from mien.annotation.panel import FIRST, ledger_of
from mien.annotation.project import Project
from mien.annotation.server import access_of, annotation_application
from mien.web import running


class Blank:
    """Pictures of nothing."""

    def __init__(self, frames):
        self.times, self.end_s, self.size = frames.time_s.tolist(), frames.end_s, (64, 64)
        self.sound = None

    def jpeg(self, frame: int) -> bytes:
        if not 0 <= frame < len(self.times):
            raise IndexError(frame)
        return b"jpeg"


class Server:
    """A project that is served, and a client for each person."""

    def __init__(self, project: Project, base: str) -> None:
        self.project, self.base = project, base
        self.clients: dict[str | None, httpx.Client] = {}

    def of(self, who: str | None) -> httpx.Client:
        if who not in self.clients:
            token = self.project.token(who) if who else "x"
            headers = {"Authorization": f"Bearer {token}"} if who else {}
            self.clients[who] = httpx.Client(base_url=self.base, headers=headers, timeout=30)
        return self.clients[who]


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    project = make_project(tmp_path / "p", (60, 40), ("r1", "r2"))
    monkeypatch.setattr(
        "mien.annotation.server.open_pictures",
        lambda project, item, progress: Blank(project.frames(item.id)),
    )
    access = access_of(project)
    with running(annotation_application(project, access)) as base:
        made = Server(project, base)
        yield made
        for client in made.clients.values():
            client.close()
    project.close()


def ranges(key: str, **body: object) -> dict[str, object]:
    return {"actions": [{"key": key, "kind": "ranges", "body": body, "spent_ms": 7}]}


MARK = {"id": "a", "label": "AU12", "first": 3, "last": 9}


def test_labels_are_kept_before_they_are_called_saved(server):
    r1 = server.of("r1")
    told = r1.post("/api/labels/v001/au", json=ranges("k1", add=[MARK]))
    assert told.status_code == 200
    assert told.json() == {"saved": [1], "undoable": 1, "redoable": 0}
    kept = Journal(server.project.folder / "journal.sqlite")  # another reader of the disk
    assert [(a.annotator, a.key) for a in kept.read()] == [("r1", "k1")]
    again = r1.post("/api/labels/v001/au", json=ranges("k1", add=[MARK]))  # the answer was lost
    assert again.json()["saved"] == [1]
    assert r1.get("/api/labels/v001/au").json()["marks"] == [MARK]
    undone = r1.post("/api/labels/v001/au", json={"actions": [{"key": "u", "kind": "undo"}]})
    assert undone.json()["labels"]["marks"] == []
    assert undone.json()["redoable"] == 1


def test_a_refused_edit_keeps_none_of_its_request(server):
    r1 = server.of("r1")
    two = [{"key": "a", "kind": "ranges", "body": {"add": [MARK]}},
           {"key": "b", "kind": "ranges", "body": {"add": [MARK]}}]  # fmt: skip
    told = r1.post("/api/labels/v001/au", json={"actions": two})
    assert told.status_code == 400
    assert "there already" in told.json()["error"]
    assert list(server.project.journal.read()) == []
    assert r1.get("/api/labels/v001/au").json()["marks"] == []


def test_annotators_are_blind_until_the_verification_pass(server):
    r1, r2 = server.of("r1"), server.of("r2")
    r1.post("/api/labels/v001/au", json=ranges("k1", add=[MARK]))
    assert r2.get("/api/labels/v001/au").json()["marks"] == []
    for path in ("/api/others/v001/au", "/api/disputes/v001/au"):
        for client in (r2, server.of("adjudicator")):
            told = client.get(path)
            assert told.status_code == 403
            assert "AU12" not in told.text
    r2.post("/api/labels/v001/au", json={"actions": [
        {"key": "s", "kind": "seen", "body": {"labels": ["AU12"]}}]})  # fmt: skip
    assert mien.set_annotation_stage(server.project.folder, "verification", force=True)
    assert r2.get("/api/others/v001/au").json()["r1"]["marks"] == [MARK]
    (dispute,) = r2.get("/api/disputes/v001/au").json()
    assert dispute == {"label": "AU12", "first": 3, "last": 9, "said": {"r1": True, "r2": False}}
    change = {**MARK, "last": 8}
    assert r1.post("/api/labels/v001/au", json=ranges("k2", change=[change])).status_code == 200
    item = server.project.info.items[0]
    first = ledger_of(server.project, "r1", item, "au", FIRST).state
    assert first.marks["a"].last == 9  # the first pass is closed, and as it was
    judge = server.of("adjudicator")
    assert judge.post("/api/labels/v001/au", json=ranges("k", add=[MARK])).status_code == 403
    mien.set_annotation_stage(server.project.folder, "adjudication", force=True)
    assert judge.post("/api/labels/v001/au", json=ranges("k", add=[MARK])).status_code == 200
    assert r1.post("/api/labels/v001/au", json=ranges("k3", remove=["a"])).status_code == 403


def test_strangers_and_other_sites_are_refused(server):
    no = server.of(None)
    assert no.get("/api/me").status_code == 401
    assert no.get("/api/me", headers={"Authorization": "Bearer x"}).status_code == 401
    body = ranges("k", add=[MARK])
    r1 = server.of("r1")
    for headers in (
        {"Origin": "http://evil.example"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://evil.example"},
        {"Host": "evil.example"},
        {"Host": "127.0.0.1.evil.example:8720"},
    ):
        assert r1.post("/api/labels/v001/au", json=body, headers=headers).status_code == 403
    assert list(server.project.journal.read()) == []


def test_two_at_once_lose_nothing(server):
    def work(who: str) -> None:
        client = server.of(who)
        for n in range(20):
            mark = {"id": f"m{n}", "label": "AU12", "first": n * 2, "last": n * 2}
            told = client.post("/api/labels/v001/au", json=ranges(f"k{n}", add=[mark]))
            assert told.status_code == 200

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, ("r1", "r2")))
    for who in ("r1", "r2"):
        assert len(server.of(who).get("/api/labels/v001/au").json()["marks"]) == 20


def test_lag_sound_boxes_and_frames(server):
    r1 = server.of("r1")
    assert r1.post("/api/lag", json={"key": "l", "lag_s": 0.42}).status_code == 200
    assert r1.get("/api/me").json()["lag"] == 0.42
    assert r1.post("/api/lag", json={"key": "m", "lag_s": 50}).status_code == 400
    assert r1.get("/videos/v001/sound").status_code == 404
    assert r1.get("/api/boxes/v001").json()[0] == [10, 10, 50, 50]
    assert r1.get("/videos/v001/frames/59").headers["X-Frame"] == "59"
    assert r1.get("/videos/v001/frames/60").status_code == 404
    home = r1.get("/")
    assert "Content-Security-Policy" in home.headers


NAMES = st.text(string.printable + "./\\é\0", max_size=12)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 70) | st.floats(allow_nan=False) | NAMES
    | st.sampled_from(["AU12", "valence", "both", "a", "neutral", "E", 10**30]),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(
        st.sampled_from(["id", "label", "first", "last", "add", "change", "remove", "take", "text",
                         "dimension", "samples", "labels", "frame", "from_s", "to_s", "by",
                         "annotator", "source", "intensity", "apex", "seen", "lag_s", "key"]),
        inner, max_size=6,
    ),
    max_leaves=12,
)  # fmt: skip
KINDS = ["ranges", "take", "samples", "nudge", "point", "seen", "note", "undo", "redo", "stage", ""]
ACTIONS = st.fixed_dictionaries(
    {"kind": st.sampled_from(KINDS) | NAMES},
    optional={"key": st.sampled_from(["a", "b", "c"]) | NAMES, "body": VALUES,
              "spent_ms": st.integers(-1, 10**12) | VALUES, "annotator": st.just("r2")},
)  # fmt: skip
BODIES = st.fixed_dictionaries({"actions": st.lists(ACTIONS, max_size=3)}) | VALUES


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    item=st.sampled_from(["v001", "v002", "v999"]) | NAMES,
    task=st.sampled_from(["va", "au", "expression", "lag"]) | NAMES,
    body=BODIES,
)
def test_whatever_is_sent_is_answered_in_a_line(server, item, task, body):
    r1 = server.of("r1")
    place = f"{quote(item, safe='')}/{quote(task, safe='')}"
    told = [
        r1.post(f"/api/labels/{place}", content=json.dumps(body),
                headers={"Content-Type": "application/json"}),
        r1.post("/api/lag", content=json.dumps(body), headers={"Content-Type": "application/json"}),
        *(r1.get(f"/api/{what}/{place}") for what in ("labels", "others", "disputes")),
        r1.get(f"/api/boxes/{quote(item, safe='')}"),
        r1.get(f"/videos/{quote(item, safe='')}/frames"),
        r1.get(f"/annotate/{quote(item)}"),
    ]  # fmt: skip
    for answer in told:
        assert answer.status_code < 500, answer.text
        assert "Traceback" not in answer.text
        assert "root:" not in answer.text
    for action in server.project.journal.read():
        assert action.annotator == "r1"
        assert action.item in ("v001", "v002", "")
        assert action.kind != "stage"


@pytest.mark.parametrize(
    "path",
    ["/annotate/../server.py", "/annotate/%2e%2e/server.py", "/annotate/..%2fserver.py",
     "/videos/..%2f..%2ftokens.json/frames", "/videos/..%2ftokens.json/sound"],
)  # fmt: skip
def test_no_path_leads_out(server, path):
    answer = server.of("r1").get(path)
    assert answer.status_code in (404, 400)
    assert server.project.token("r2") not in answer.text


def test_the_training_round(server, tmp_path):
    answers = "label,first_frame,last_frame\nAU12,10,19\nAU01,30,39\n"
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "vid2.answers.au.csv").write_text(answers)
    folder = server.project.folder
    mien.import_annotation(folder, tmp_path / "in", format="csv", annotators=["answers"])
    r1 = server.of("r1")
    first, second = r1.get("/api/me").json()["items"]
    assert (first["id"], first["training"], second["training"]) == ("v002", True, False)
    mark = {"id": "m", "label": "AU12", "first": 10, "last": 14}
    r1.post("/api/labels/v002/au", json=ranges("k", add=[mark]))
    told = r1.get("/api/check/v002/au").json()
    assert told["agreement"]["AU12"]["positive"] == pytest.approx(2 * 5 / 15, abs=1e-3)
    assert told["agreement"]["AU01"] == {"kappa": 0.0, "positive": 0.0}
    assert told["agreement"]["AU04"] == {"kappa": None, "positive": None}
    assert len(told["answers"]) == 2
    assert r1.get("/api/check/v001/au").status_code == 403
    r1.post("/api/labels/v001/au", json=ranges("j", add=[MARK]))
    make_store(folder / "store", server.project)
    found = mien.consensus(folder)
    assert found["items"] == ["vid1"]  # what is known already is no data
