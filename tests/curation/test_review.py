"""Reviewing a store, without the page."""

import json
import shutil

import numpy as np
import pytest

from mien.curation.losses import image_size_for, losses
from mien.curation.review import Review, spaced
from mien.errors import InputError
from mien.store import Store
from mien.store.decisions import JOURNAL, Journal

VIDEO = "films/a.mp4"


def make_store(folder, faces: int = 30) -> Store:
    """Two tracks of one video, whose pictures tell them apart, and two photographs of nobody."""
    store = Store.open_or_create(folder, 32)
    n = faces // 2
    pictures = np.random.default_rng(0).integers(0, 255, (faces, 32, 32, 3), np.uint8)
    pictures[:n, :, :, 0], pictures[n:, :, :, 0] = 220, 20
    side = np.linspace(69, 100, faces, dtype=np.float32)
    zero = np.zeros(faces, np.float32)
    with store.new_shard() as shard:
        shard.append(pictures)
        store.commit(
            VIDEO, corpus="films", kind="video", crops=shard,
            faces={
                "video": ["a.mp4"] * faces, "track": np.repeat([0, 1], n).astype(np.int32),
                "frame": np.tile(np.arange(n), 2).astype(np.int32),
                "time_s": np.tile(np.arange(n) / 10, 2),
                "subject": [f"a.mp4#{int(i >= n)}" for i in range(faces)],
                "x0": zero, "y0": zero, "x1": side * 0.8, "y1": side,
                "quality": np.linspace(1, 0, faces, dtype=np.float32),
            },
            summary={"frames": 20}, margin=0.05,
        )  # fmt: skip
    with store.new_shard() as shard:
        shard.append(pictures[:2])
        faces = {"image": ["x.png", "y.png"]}
        store.commit("pics", corpus="pics", kind="test", crops=shard, faces=faces)
    return Store.open(folder)


@pytest.fixture
def review(tmp_path):
    opened = Review(make_store(tmp_path / "s").folder)
    yield opened
    opened.close()


def listed(review, **asked):
    return review.listing(0, 20, asked.pop("shown", 12), **asked)["groups"]


def test_groups_are_tracks_in_time_and_photographs(review):
    first, second, photographs = review.groups
    assert (first.title, first.subject, first.track) == (f"{VIDEO}, track 0", f"{VIDEO}#0", 0)
    assert first.rows.tolist() == list(range(15))
    assert second.rows.tolist() == list(range(15, 30))
    assert (photographs.title, photographs.subject) == ("pics: nobody named", None)
    told = listed(review)[1]
    assert [face["id"] for face in told["shown"]] == [
        15,
        16,
        18,
        19,
        20,
        21,
        23,
        24,
        25,
        26,
        28,
        29,
    ]
    assert (told["from_s"], told["to_s"]) == (0.0, 1.4)
    assert told["sizes"][2] == 100
    assert 0 < told["quality"]["sharpness"] <= 1
    assert told["quality"]["yaw"] is None
    worst = [face["id"] for face in listed(review, shown=3, worst=True)[0]["shown"]]
    assert worst == [14, 13, 12]
    assert len(listed(review, video=VIDEO)) == 2
    assert review.picture(0)[:2] == b"\xff\xd8"
    with pytest.raises(InputError, match="no face 99"):
        review.picture(99)


def test_faces_spans_and_tracks_are_dropped_and_kept(review):
    review.decide({"what": "drop", "faces": [3]})
    review.decide({"what": "drop", "group": 0, "between": [5, 2]})
    assert review.overview()["out"] == 4
    review.decide({"what": "drop", "group": 1})
    assert [g["out"] for g in listed(review)] == [4, 15, 0]
    review.decide({"what": "keep", "group": 1})
    assert [g["out"] for g in listed(review)] == [4, 0, 0]
    for _ in range(3):
        review.undo()
    assert [g["out"] for g in listed(review)] == [1, 0, 0]
    review.redo()
    assert [g["out"] for g in listed(review)] == [4, 0, 0]


def test_merged_people_are_one_and_are_named_together(review):
    review.decide({"what": "merge", "groups": [0, 1]})
    assert {g["known_as"] for g in listed(review)[:2]} == {f"{VIDEO}#0"}
    assert review.overview()["people"] == 1
    review.decide({"what": "person", "group": 1, "value": " anna "})
    review.decide({"what": "sex", "group": 1, "value": "f"})
    first, second, _ = listed(review)
    assert (first["person"], first["sex"], second["sex"]) == ("anna", "f", "f")
    review.apply()
    subjects = Store.open(review.store.folder).subjects
    assert subjects.person(f"{VIDEO}#0") == subjects.person(f"{VIDEO}#1") == "anna"
    review.undo()
    review.undo()
    review.undo()
    assert review.overview()["people"] == 2
    assert [g["sex"] for g in listed(review)[:2]] == ["", ""]
    review.apply()
    assert Store.open(review.store.folder).codes("subject").used() == (f"{VIDEO}#0", f"{VIDEO}#1")


def test_a_person_can_take_the_name_of_another_id_and_leave_it_again(review):
    review.decide({"what": "person", "group": 0, "value": f"{VIDEO}#1"})
    review.decide({"what": "person", "group": 1, "value": f"{VIDEO}#0"})
    assert {g["known_as"] for g in listed(review)[:2]} == {f"{VIDEO}#0"}
    review.apply()  # no circle
    review.decide({"what": "person", "group": 1, "value": ""})
    assert review.overview()["people"] == 2


@pytest.mark.parametrize(
    "asked",
    [
        {}, {"what": "explode"}, {"what": "drop", "group": 9}, {"what": "drop", "faces": "all"},
        {"what": "drop", "faces": [77]}, {"what": "merge", "groups": [0]}, {"what": "drop"},
        {"what": "merge", "groups": [0, 2]}, {"what": "sex", "group": 0}, {"what": "drop", "group": True},
        {"what": "notes", "group": 0, "value": "x" * 1001}, {"what": "drop", "faces": [2**70]},
        {"what": "drop", "group": 0, "between": [20, 21]},
        {"what": "drop", "group": 0, "between": ["a", None]},
    ],
)  # fmt: skip
def test_what_is_no_decision_is_refused_and_leaves_nothing(review, asked):
    with pytest.raises(InputError):
        review.decide(asked)
    assert review.overview()["history"] == []
    assert not (review.store.folder / JOURNAL).exists()


def test_spaced_faces_begin_and_end_with_the_track():
    rows = np.arange(100)
    assert spaced(rows, 3).tolist() == [0, 50, 99]
    assert spaced(rows[:2], 3).tolist() == [0, 1]
    assert spaced(rows, 1).tolist() == [0]


def test_losses_and_sizes_are_counted_before_and_after(tmp_path, cli):
    store = make_store(tmp_path / "s")
    with Journal(store.folder) as journal:
        journal.decide("drop", drop=[*range(0, 5), *range(15, 20)])  # frames 0 to 4, both tracks
    told = json.loads(cli("review", store.folder, "--json").out)
    assert (told["videos"][0]["kept"], told["all"]["left_out"]) == (15, 0)
    assert cli("review", store.folder, "--apply").out.endswith("10 faces are left out\n")
    (video,) = losses(Store.open(store.folder))["videos"]
    assert (video["frames"], video["detected"], video["kept"]) == (20, 15, 10)
    assert (video["loss"], video["loss_kept"]) == (0.25, 0.5)
    assert (video["faces"], video["left_out"], video["tracks"]) == (30, 10, 2)
    assert video["height"] == [pytest.approx(74.3, abs=0.1), pytest.approx(87, abs=1), 100]
    assert video["width"][2] == 80
    assert video["image_size"] == 64
    page = tmp_path / "losses.html"
    assert cli("review", store.folder, "--report", page).code == 0
    text = page.read_text()
    assert "20 → 10, −50.0 %" in text
    assert "64 × 64" in text
    assert "http" not in text
    assert cli("review", store.folder, "--report", tmp_path / "x.txt").code == 2


def test_the_image_size_is_the_largest_power_of_two_within_the_smallest_face():
    sizes = (69, 64, 63.9, 1, 0.5, None)
    assert [image_size_for(v) for v in sizes] == [64, 64, 32, 1, None, None]


def test_a_store_that_cannot_be_reviewed_is_told(tmp_path, cli):
    made = cli("review", tmp_path / "absent")
    assert (made.code, made.err.count("\n")) == (2, 1)
    Store.open_or_create(tmp_path / "empty", 32)
    assert "no face" in cli("review", tmp_path / "empty").err
    store = make_store(tmp_path / "s")
    with Journal(store.folder):
        assert "another process reviews it" in cli("review", store.folder, "--apply").err
    shutil.rmtree(store.folder)
