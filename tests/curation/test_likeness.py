import json

import numpy as np
import pytest

from conftest import draw_face
from mien.curation import likeness
from mien.curation.likeness import DESCRIBERS, appearance, suggest
from mien.errors import InputError
from mien.store import Store


def faces_of(brightness: int, shift: int, n: int = 4) -> np.ndarray:
    """Draw one person: a face somewhere in the picture, smiling more or less."""
    pictures = [np.asarray(draw_face(s, brightness, 64)) for s in np.linspace(-0.5, 0.5, n)]
    return np.roll(np.stack(pictures), shift, 2)


def make_store(folder) -> Store:
    """Three people: #0 and #1 look alike; #2 does not, and is in the frames of #0."""
    store = Store.open_or_create(folder, 64)
    pictures = np.concatenate([faces_of(200, 0), faces_of(205, 1), 255 - faces_of(120, 24)])
    with store.new_shard() as shard:
        shard.append(pictures)
        store.commit(
            "films/a.mp4", corpus="films", kind="video", crops=shard,
            faces={
                "video": ["a.mp4"] * 12, "track": np.repeat([0, 1, 2], 4).astype(np.int32),
                "frame": [*range(4), *range(10, 14), *range(4)],
                "subject": [f"a.mp4#{i // 4}" for i in range(12)],
            },
        )  # fmt: skip
    return store


def test_people_are_listed_and_those_who_look_alike_suggested(tmp_path, cli):
    store = make_store(tmp_path / "s")
    before = sorted((p, p.stat().st_mtime_ns) for p in store.folder.rglob("*"))
    plain = json.loads(cli("people", store.folder, "--json").out)
    assert [(p["name"], p["faces"], p["tracks"]) for p in plain["people"]] == [
        (f"films/a.mp4#{i}", 4, 1) for i in range(3)
    ]
    assert plain["pairs"] == []
    found = json.loads(cli("people", store.folder, "--suggest", "appearance", "--json").out)
    (pair,) = found["pairs"]
    assert (pair["first"], pair["second"]) == ("films/a.mp4#0", "films/a.mp4#1")
    assert pair["likeness"] > 0.9
    assert (
        sorted((p, p.stat().st_mtime_ns) for p in store.folder.rglob("*")) == before
    )  # kept nothing
    told = cli("people", store.folder, "--suggest", "looks")
    assert (told.code, told.err.count("\n")) == (2, 1)


def test_merged_people_are_one_line(tmp_path, cli):
    store = make_store(tmp_path / "s")
    (store.folder / "subjects.csv").write_text(
        "id,person,sex\nfilms/a.mp4#0,anna,f\nfilms/a.mp4#1,anna,\n"
    )
    first, _ = json.loads(cli("people", store.folder, "--json").out)["people"]
    assert (first["name"], first["sex"], first["faces"], first["tracks"]) == ("anna", "f", 8, 2)


def test_people_of_one_frame_are_never_one(tmp_path):
    vectors = np.ones((4, 3), np.float32) / np.sqrt(3)
    owner = np.array([0, 0, 1, 2])
    names = ["a", "b", "c"]
    pairs = suggest(names, vectors, owner, {frozenset((0, 1))}, 0.5)
    assert [(p.first, p.second) for p in pairs] == [("a", "c"), ("b", "c")]
    from mien.workflows.people import _together

    store = make_store(tmp_path / "s")
    assert _together(store, store.codes("subject").used()) == {frozenset((0, 2))}


def test_descriptions_have_length_one_and_a_person_is_most_like_themselves():
    points = np.full((4, 5, 2), np.nan, np.float32)
    one, two = appearance(faces_of(200, 0), points), appearance(faces_of(120, 20), points)
    assert np.linalg.norm(one, axis=1) == pytest.approx(1, abs=1e-5)
    assert (one @ one.T).min() > (one @ two.T).max()
    flat = np.full((1, 64, 64, 3), 90, np.uint8)
    assert np.isfinite(appearance(flat, points[:1])).all()


def test_dlib_says_what_to_install(monkeypatch):
    monkeypatch.setattr(likeness, "find_spec", lambda name: None)
    with pytest.raises(InputError, match="pip install dlib-bin face_recognition_models"):
        DESCRIBERS["dlib"].describe(faces_of(200, 0), np.zeros((4, 5, 2), np.float32))


def test_a_chip_brings_eyes_and_mouth_into_place():
    crop = np.zeros((100, 100, 3), np.uint8)
    marks = np.array([(30, 40), (70, 40), (50, 63), (32, 82), (68, 82)], np.float32)
    for (x, y), colour in zip(
        marks.astype(int), np.eye(3, dtype=np.uint8)[[0, 1, 2, 0, 1]], strict=True
    ):
        crop[y - 2 : y + 3, x - 2 : x + 3] = 255 * colour
    chip = likeness._chip(crop, marks / 50 - 1)
    assert chip.shape == (150, 150, 3)
    for (x, y), channel in zip(
        likeness._CHIP_POINTS.round().astype(int), (0, 1, 2, 0, 1), strict=True
    ):
        around = chip[y - 4 : y + 5, x - 4 : x + 5, channel]
        assert around.max() > 150
