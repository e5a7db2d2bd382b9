"""What actions add up to: labels, undo, redo, what the app enforces, and rasters of frames."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.annotation.items import Frames
from mien.annotation.journal import Action
from mien.annotation.rasters import affect_raster, expression_raster, trace, unit_raster
from mien.annotation.state import Ledger, Place, State, folded
from mien.errors import InputError

AUS = Place(100, ("AU06", "AU12"))
NAMES = Place(100, ("neutral", "happiness"), exclusive=True)
TRACES = Place(100, ("valence", "arousal"))
NAN = float("nan")


def act(kind: str, **body: object) -> Action:
    act.number += 1
    number = act.number
    return Action("r1", "v001", "au", "first", f"k{number}", kind, dict(body), 10, id=number)


act.number = 0


def mark(name: str, label: str, first: int, last: int, **more: object) -> dict[str, object]:
    return {"id": name, "label": label, "first": first, "last": last, **more}


def add(*marks: dict[str, object]) -> Action:
    return act("ranges", add=list(marks))


def test_ranges_and_undo():
    ledger = Ledger(AUS)
    ledger.add(add(mark("a", "AU12", 10, 20, intensity="C", apex=15)))
    ledger.add(act("ranges", change=[mark("a", "AU12", 12, 20)], add=[mark("b", "AU06", 5, 5)]))
    assert (ledger.state.marks["a"].first, set(ledger.state.marks)) == (12, {"a", "b"})
    ledger.add(act("undo"))
    assert (ledger.state.marks["a"].first, set(ledger.state.marks)) == (10, {"a"})
    assert ledger.state.marks["a"].intensity == "C"
    ledger.add(act("undo"))
    assert ledger.state.marks == {}
    with pytest.raises(InputError, match="nothing to undo"):
        ledger.add(act("undo"))
    ledger.add(act("redo"))
    ledger.add(act("redo"))
    assert set(ledger.state.marks) == {"a", "b"}
    ledger.add(act("undo"))
    ledger.add(add(mark("c", "AU06", 1, 2)))
    assert (ledger.undoable, ledger.redoable) == (2, 0)
    assert ledger.state.spent_ms == 80  # work that was undone took time too


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"add": [mark("x", "AU99", 1, 2)]}, "is none of"),
        ({"add": [mark("x", "AU12", 2, 1)]}, "ends before"),
        ({"add": [mark("x", "AU12", 1, 100)]}, "from 0 to 99"),
        ({"add": [mark("x", "AU12", 30, 40)]}, "have AU12"),
        ({"add": [mark("a", "AU06", 1, 2)]}, "there already"),
        ({"add": [mark("x", "AU06", 1, 2, intensity="F")]}, "A, B, C"),
        ({"add": [mark("x", "AU06", 1, 2, apex=9)]}, "outside"),
        ({"add": [mark("x", "AU06", True, 2)]}, "give a frame"),
        ({"remove": ["nothing"]}, "not there"),
        ({"change": [mark("nothing", "AU12", 1, 2)]}, "not there"),
        ({"add": "x"}, "give a list"),
        ({"add": [mark("x", "AU06", 1, 2, colour="red")]}, "give id"),
    ],
)
def test_edits_that_do_not_fit_change_nothing(body, says):
    ledger = Ledger(AUS)
    ledger.add(add(mark("a", "AU12", 35, 50)))
    before = ledger.state.to_dict()
    with pytest.raises(InputError, match=says):
        ledger.add(act("ranges", **body))
    assert ledger.state.to_dict() == before
    assert ledger.undoable == 1


def test_a_frame_has_one_expression_at_the_most():
    ledger = Ledger(NAMES)
    ledger.add(add(mark("a", "happiness", 10, 20)))
    with pytest.raises(InputError, match="have happiness"):
        ledger.add(add(mark("b", "neutral", 20, 30)))
    ledger.add(act("ranges", change=[mark("a", "happiness", 10, 19)],
                   add=[mark("b", "neutral", 20, 30)]))  # fmt: skip
    found = expression_raster(ledger.state, NAMES.labels, 100)
    assert found[[9, 10, 19, 20, 30, 31]].tolist() == [-1, 1, 1, 0, 0, -1]


def test_units_are_unknown_until_they_are_looked_for():
    ledger = Ledger(AUS)
    ledger.add(add(mark("a", "AU12", 10, 20, intensity="D")))
    ledger.add(act("seen", labels=["AU12"], first=0, last=50))
    present, level = unit_raster(ledger.state, AUS.labels, 100)
    assert np.isnan(present[:, 0]).all()
    assert present[[0, 10, 20, 21, 50], 1].tolist() == [0, 1, 1, 0, 0]
    assert np.isnan(present[51:, 1]).all()
    assert level[[0, 15], 1].tolist() == [0, 4]
    ledger.add(act("seen", labels=["AU12"], first=5, last=8, seen=False))
    assert ledger.state.seen["AU12"] == [(0, 4), (9, 50)]
    ledger.add(act("seen", labels=["AU12"], first=5, last=8))
    assert ledger.state.seen["AU12"] == [(0, 50)]


def test_takes_replace_what_they_cover_and_stay():
    ledger = Ledger(TRACES)
    ledger.add(act("take", take="one", dimension="both", device="gamepad"))
    rows = [[i / 10, i, -i] for i in range(11)]
    ledger.add(act("samples", take="one", samples=rows[:5]))
    ledger.add(act("samples", take="one", samples=rows[5:]))
    ledger.add(act("take", take="two", dimension="valence"))
    ledger.add(act("samples", take="two", samples=[[0.35, 500], [0.55, 600]]))
    (valence,) = trace(ledger.state, "valence")
    wanted = [  # the old take goes on to the edges of the new one
        [0, 0], [0.1, 1], [0.2, 2], [0.3, 3], [0.35, 3.5], [0.35, 500], [0.55, 600],
        [0.55, 5.5], [0.6, 6], [0.7, 7], [0.8, 8], [0.9, 9], [1.0, 10],
    ]  # fmt: skip
    np.testing.assert_allclose(valence, wanted, atol=2e-5)
    (arousal,) = trace(ledger.state, "arousal")
    assert arousal[:, 1].tolist() == [-i for i in range(11)]
    ledger.add(act("nudge", dimension="valence", from_s=0.85, to_s=1.0, by=995))
    (valence,) = trace(ledger.state, "valence")
    assert valence[-2:, 1].tolist() == [1000, 1000]
    assert ledger.state.takes[0].samples[-1].tolist() == [1.0, 10, -10]  # raw, as it was
    for _ in range(2):
        ledger.add(act("undo"))
    (valence,) = trace(ledger.state, "valence")
    assert valence[:, 1].tolist() == list(range(11))
    with pytest.raises(InputError, match="was undone"):
        ledger.add(act("samples", take="two", samples=[[1, 1]]))
    ledger.add(act("redo"))
    (valence,) = trace(ledger.state, "valence")
    assert 600 in valence[:, 1]


@pytest.mark.parametrize(
    "samples",
    [[], [[0.5]], [[0.5, 1001]], [[0.5, 1], [0.4, 1]], [[-1, 0]], [["a", 1]], [[None, 1]], "x",
     [[0.5, 10**400]], [[True, False]], [[0.5, 1], [0.6, 1, 2]], [[float("inf"), 0]]],
)  # fmt: skip
def test_samples_that_do_not_fit(samples):
    ledger = Ledger(TRACES)
    ledger.add(act("take", take="one", dimension="valence"))
    with pytest.raises(InputError):
        ledger.add(act("samples", take="one", samples=samples))
    assert len(ledger.state.takes[0].samples) == 0


def test_traces_at_frames():
    frames = Frames(np.arange(0, 4, 0.5), 4.0, np.full((8, 4), np.nan, np.float32), 64, 64)
    ledger = Ledger(TRACES)
    for name, rows in (("one", [[0.1, 100], [1.1, 300]]), ("two", [[2.4, -500], [2.6, -500]])):
        ledger.add(act("take", take=name, dimension="valence"))
        ledger.add(act("samples", take=name, samples=rows))
    found = affect_raster(ledger.state, frames)
    expected = [0.1, 0.18, 0.28, 0.3, -0.5, -0.5, -0.5, NAN]
    np.testing.assert_allclose(found[:, 0], expected)
    assert np.isnan(found[:, 1]).all()
    late = affect_raster(ledger.state, frames, lag_s=0.5)
    np.testing.assert_allclose(late[:7, 0], expected[1:])


def test_a_second_look_starts_from_the_first_and_leaves_it():
    first = folded([add(mark("a", "AU12", 1, 5)), add(mark("b", "AU12", 9, 9))], AUS)
    second = Ledger(AUS, first.state)
    second.add(act("ranges", remove=["a"]))
    assert set(second.state.marks) == {"b"}
    assert set(first.state.marks) == {"a", "b"}
    second.add(act("undo"))
    assert set(second.state.marks) == {"a", "b"}
    assert second.undoable == 0


EDITS = st.one_of(
    st.tuples(st.just("add"), st.integers(0, 9), st.integers(0, 99), st.integers(0, 99)),
    st.tuples(st.just("remove"), st.integers(0, 9)),
    st.just(("undo",)),
    st.just(("redo",)),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(EDITS, max_size=30))
def test_the_journal_alone_gives_the_state(edits):
    """Folding what was accepted, from the start, is what the page saw; all of it can be undone."""
    ledger, kept = Ledger(NAMES), []
    for edit in edits:
        if edit[0] == "add":
            action = add(mark(f"m{edit[1]}", "neutral", min(edit[2:]), max(edit[2:])))
        else:
            body = {"remove": [f"m{edit[1]}"]} if edit[0] == "remove" else {}
            action = act("ranges" if body else edit[0], **body)
        try:
            ledger.add(action)
        except InputError:
            continue
        kept.append(action)
        spans = sorted((m.first, m.last) for m in ledger.state.marks.values())
        assert all(a[1] < b[0] for a, b in pairwise(spans))
    again = folded(kept, NAMES)
    assert again.state == ledger.state
    for _ in range(again.undoable):
        again.add(act("undo"))
    assert again.state.marks == State().marks
