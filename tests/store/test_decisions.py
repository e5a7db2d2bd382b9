import json

import numpy as np
import pytest
from made import add, crops

from mien.errors import InputError
from mien.store import Store
from mien.store.commit import OFFICIAL
from mien.store.decisions import JOURNAL, Journal, apply, effective


@pytest.fixture
def store(tmp_path):
    made = Store.open_or_create(tmp_path / "s", 16)
    faces = {
        "video": ["a.mp4"] * 6,
        "track": np.repeat([0, 1], 3).astype(np.int32),
        "frame": np.tile([0, 1, 2], 2).astype(np.int32),
        "time_s": np.tile([0.0, 0.1, 0.2], 2),
        "subject": ["a#0"] * 3 + ["a#1"] * 3,
        **{c: np.full(6, 9.0, np.float32) for c in ("x0", "y0", "x1", "y1")},
    }
    split = ["train"] * 4 + ["val"] * 2
    add(made, "films", crops(6), {"films": {"valence": [0.1] * 6}}, split, **faces)
    return made


def test_what_is_applied_is_left_out_of_rows_and_splits_and_can_be_undone(store):
    with Journal(store.folder) as journal:
        journal.decide("drop", drop=[1, 2, 4])
        journal.decide("sex", cells=[("films/a#0", "sex", "", "f")])
        assert effective(store, journal.pending).tolist() == [False, True, True, False, True, False]
        assert len(store.rows(None)) == 6  # not applied yet
        assert apply(store, journal) == 3
        assert store.rows(None).tolist() == [0, 3, 5]
        assert store.rows("train").tolist() == [0, 3]
        assert store.rows("val").tolist() == [5]
        assert len(store) == 6
        assert store.subjects.stated["films/a#0"].sex == "f"
        assert journal.waiting == 0
        assert journal.undo().what == "sex"
        assert journal.undo().what == "drop"
        assert journal.undo() is None
        assert journal.waiting == 2
        assert apply(store, journal) == 0
    assert store.rows("train").tolist() == [0, 1, 2, 3]  # parts are remembered
    assert store.subjects.stated["films/a#0"].sex is None


def test_a_journal_is_the_same_when_it_is_opened_again(store):
    with Journal(store.folder) as journal:
        for face in range(4):
            journal.decide("drop", drop=[face])
        journal.undo()
        journal.undo()
        journal.redo()
        journal.decide("keep", keep=[0])
        assert journal.redo() is None  # there is nothing to bring back after a new decision
        assert journal.decide("nothing", cells=[("x/y", "sex", "f", "f")]) is None
        before = (journal.pending, [d.number for d in journal.done])
        with pytest.raises(InputError, match="another process reviews it"):
            Journal(store.folder)
    path = store.folder / JOURNAL
    with path.open("a") as file:
        file.write('{"n": 99, "what": "dr')  # killed within a line
    with Journal(store.folder) as again:
        assert (again.pending, [d.number for d in again.done]) == before
        assert again.pending.dropped == {0: False, 1: True, 2: True, 3: False}
        again.decide("drop", drop=[5])
    assert [json.loads(line)["n"] for line in path.read_text().splitlines()] == list(range(1, 10))


def test_a_broken_line_is_named_and_nothing_is_taken(store):
    path = store.folder / JOURNAL
    for wrong in (
        "nonsense",
        '{"n": 1}',
        '{"n": 1, "undo": 7}',
        '{"n": 1, "what": "x", "drop": 3}',
    ):
        path.write_text(wrong + "\n")
        with pytest.raises(InputError, match=r"review.jsonl, line 1"):
            Journal(store.folder)


def test_a_circle_of_persons_is_refused_and_nothing_applied(store):
    with Journal(store.folder) as journal:
        journal.decide("drop", drop=[0])
        cells = [("films/a#0", "person", "", "films/a#1"), ("films/a#1", "person", "", "films/a#0")]
        journal.decide("merge", cells=cells)
        with pytest.raises(InputError, match="circle"):
            apply(store, journal)
        assert len(store.rows(None)) == 6
        journal.undo()
        assert apply(store, journal) == 1


def test_applying_again_after_a_broken_off_one_gives_the_same(store, monkeypatch):
    with Journal(store.folder) as journal:
        journal.decide("drop", drop=[1])
        monkeypatch.setattr(journal, "applied", lambda: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            apply(store, journal)
    with Journal(store.folder) as journal:
        assert journal.waiting == 1
        apply(store, journal)
        assert store.rows(None).tolist() == [0, 2, 3, 4, 5]


def test_a_face_left_out_stays_out_when_its_video_is_imported_again(store):
    with Journal(store.folder) as journal:
        journal.decide("drop", drop=[1])
        apply(store, journal)
    faces = {
        "video": ["a.mp4"] * 3, "track": np.zeros(3, np.int32), "subject": ["a#0"] * 3,
        "frame": np.arange(3, dtype=np.int32), "time_s": [0.0, 0.1, 0.2],
        **{c: np.full(3, 9.0, np.float32) for c in ("x0", "y0", "x1", "y1")},
    }  # fmt: skip
    done = add(store, "films", crops(3), **faces)
    assert store.column("face_id").tolist() == done.face_ids.tolist() == [6, 7, 8]
    assert store.rows(None).tolist() == [0, 2]


def test_a_split_written_again_keeps_the_parts_of_faces_left_out(store):
    with Journal(store.folder) as journal:
        journal.decide("drop", drop=[0])
        apply(store, journal)
    assert store.split(OFFICIAL).to_list()[0] is None
    assert store.assigned(OFFICIAL).to_list()[0] == "train"


def test_forgetting_takes_a_person_out_of_the_journal(store):
    from mien.store.forget import traces

    with Journal(store.folder) as journal:
        cells = [("films/a#0", "notes", "", "wears a hat"), ("films/a#1", "sex", "", "m")]
        journal.decide("notes", cells=cells)
        with pytest.raises(InputError, match="reviews it"):
            store.forget("films/a#0")
    gone = store.forget("films/a#0")
    assert traces(store, gone) == []
    assert "wears" not in (store.folder / JOURNAL).read_text()
    with Journal(store.folder) as journal:
        apply(store, journal)
    assert store.subjects.stated["films/a#1"].sex == "m"
    assert "films/a#0" not in store.subjects.stated
