"""A model's suggestions: kept apart, partly hidden, and counted."""

import numpy as np
import pytest
from made_projects import make_project, make_store

import mien
from mien.annotation.desk import Desk
from mien.annotation.suggest import help_report, suggest, suggestions
from mien.labels.arrays import Predictions
from mien.labels.heads import parse_outputs
from mien.recognition.preprocessing import Preprocessing


class Sure:
    """Sees AU12 in the second third of what it is given, and says happiness there."""

    heads = (
        parse_outputs("au", [1, 12]),
        parse_outputs("expression", ["neutral", "happiness"]),
        parse_outputs("valence_arousal", ["valence", "arousal"]),
    )
    preprocessing = Preprocessing(size=8)

    def predict(self, crops, tracks=None, time_s=None):
        n = len(crops)
        on = (np.arange(n) >= n // 3) & (np.arange(n) < 2 * n // 3)
        values = {
            "au": np.stack([np.full(n, 0.1), np.where(on, 0.8, 0.2)], 1).astype(np.float32),
            "expression": np.stack([1.0 - on, on], 1).astype(np.float32),
            "valence_arousal": np.stack([on * 0.5, on * 0.25], 1).astype(np.float32),
        }
        return Predictions(self.heads, values, n)


@pytest.fixture
def helped(tmp_path):
    project = make_project(tmp_path / "p", (60, 90), ("r1", "r2"))
    store = make_store(tmp_path / "p" / "store", project)
    done = suggest(project, store, Sure(), "sure")
    return project, store, done


def test_ranges_and_traces(helped):
    project, store, done = helped
    item = project.info.items[0]
    shown, hidden, _ = suggestions(project, item, "au")
    (mark,) = [*shown, *hidden]
    assert (mark.label, mark.first, mark.last, mark.source) == ("AU12", 20, 39, "model:sure")
    assert mark.confidence == pytest.approx(0.8, abs=0.05)
    *_, state = suggestions(project, item, "va")
    assert {t.dimension for t in state.takes} == {"valence", "arousal"}
    assert state.takes[0].samples[30].tolist() == [1.0, 500]
    assert done.ranges == {"au": 2, "expression": 6}
    again = len(list(project.journal.read()))
    suggest(project, store, Sure(), "sure")
    assert len(list(project.journal.read())) == again  # the same once more adds nothing


def test_they_count_as_nobodys_labels_until_they_are_accepted(helped):
    project, _, _ = helped
    with pytest.raises(mien.InputError, match="nothing was annotated"):
        mien.consensus(project.folder)
    desk = Desk(project)
    told = [(i, t, m) for i in ("v001", "v002") for t in ("au", "expression")
            for m in desk.suggestions("r1", i, t)["marks"]]  # fmt: skip
    hidden = sum(len(suggestions(project, i, t)[1]) for i in project.info.items
                 for t in ("au", "expression"))  # fmt: skip
    assert len(told) == 8 - hidden
    (item, task, mark), (other, its, bad) = told[0], told[-1]
    desk.add("r1", item, task, {"actions": [
        {"key": "a", "kind": "ranges", "body": {"add": [mark]}}]})  # fmt: skip
    desk.add("r1", other, its, {"actions": [
        {"key": "b", "kind": "reject", "body": {"of": bad["id"]}}]})  # fmt: skip
    left = [m["id"] for i, t, _ in told for m in desk.suggestions("r1", i, t)["marks"]]
    assert mark["id"] not in left
    assert bad["id"] not in left
    assert len(desk.suggestions("r2", item, task)["marks"]) > 0
    report = help_report(project, ("r1", "r2"))
    assert (report["r1"]["accepted"], report["r1"]["refused"]) == (1, 1)
    kept = desk.labels("r1", item, task)["marks"]
    assert kept[0]["source"] == "model:sure"  # where it came from stays with it


def test_the_control_is_shown_to_nobody_and_found_by_hand(tmp_path):
    project = make_project(tmp_path / "p", (90,) * 12, ("r1",))
    store = make_store(tmp_path / "p" / "store", project)
    done = suggest(project, store, Sure(), "sure")
    assert 0 < done.hidden < sum(done.ranges.values()) / 2
    desk = Desk(project)
    found = 0
    for item in project.info.items:
        shown, hidden, _ = suggestions(project, item, "au")
        ids = {m["id"] for m in desk.suggestions("r1", item.id, "au")["marks"]}
        assert ids == {m.id for m in shown}
        for mark in hidden:  # marked by hand, a frame off
            own = {"id": "own", "label": "AU12", "first": mark.first + 1, "last": mark.last}
            body = {"actions": [{"key": item.id, "kind": "ranges", "body": {"add": [own]}}]}
            desk.add("r1", item.id, "au", body)
            found += 1
        if not hidden:
            desk.add("r1", item.id, "au", {"actions": [
                {"key": item.id, "kind": "note", "body": {"text": "seen"}}]})  # fmt: skip
    report = help_report(project, ("r1",))["r1"]
    assert found > 0
    assert report["hidden"] >= report["hidden_found"] == found
