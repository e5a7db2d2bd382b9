import json

import numpy as np
import pytest

from conftest import write_corpus
from mien.cli.main import main
from mien.store import Store


@pytest.fixture
def store(tmp_path) -> Store:
    corpus = write_corpus(tmp_path / "corpus", people=2, each=3)
    assert main(["import", "folder", str(corpus), "--store", str(tmp_path / "s")]) == 0
    store = Store.open(tmp_path / "s")
    with store.new_shard() as crops:
        crops.append(np.zeros((4, 96, 96, 3), np.uint8))
        store.commit(
            "film",
            corpus="film",
            kind="test",
            crops=crops,
            faces={"video": ["v.mp4"] * 4, "frame": [0, 1, 2, 2], "track": [0, 0, 0, 1]},
        )
    return store


def test_labels_are_added_by_image(store, tmp_path, cli):
    lines = ["corpus/p00_00.png,0.5,1", "p01_02.png,-0.5,", "p99_00.png,0,0"]
    (tmp_path / "r.csv").write_text("image,valence,AU12\n" + "\n".join(lines) + "\n")
    found = cli("labels", "add", store.folder, tmp_path / "r.csv", "--layer", "rater", "--json")
    assert found.code == 0, found.err
    told = json.loads(found.out)
    assert (told["labelled"], told["rows"], told["unmatched"]) == (2, 3, ["p99_00.png"])
    assert "fits no face, or several: p99_00.png" in found.err
    store.reload()
    assert store.layers == ("corpus", "rater")
    mine = store.labels(["rater"])
    assert mine.column("valence_arousal", "valence")[[0, 5]].tolist() == [0.5, -0.5]
    assert np.isnan(mine.column("valence_arousal", "valence")[1:5]).all()
    assert mine.column("au", "AU12")[0] == 1
    assert (
        store.labels().column("au", "AU12")[5] == store.labels(["corpus"]).column("au", "AU12")[5]
    )
    listed = json.loads(cli("labels", "list", store.folder, "--json").out)["layers"]
    assert list(listed) == ["corpus", "rater"]
    assert listed["rater"] == {
        "faces": 2,
        "heads": {"valence_arousal": ["valence", "arousal"], "au": ["AU12"]},
    }
    assert cli("labels", "order", store.folder, "rater").code == 0
    assert Store.open(store.folder).layers == ("rater", "corpus")


def test_labels_are_added_by_video_and_frame(store, tmp_path, cli):
    (tmp_path / "r.csv").write_text("video,frame,expression\nv.mp4,1,happy\nfilm/v.mp4,2,fear\n")
    found = cli("labels", "add", store.folder, tmp_path / "r.csv", "--layer", "r", "--json")
    assert json.loads(found.out)["unmatched"] == ["film/v.mp4 2"]  # two people in it
    assert Store.open(store.folder).layer("r")["face_id"].to_pylist() == [7]
    (tmp_path / "t.csv").write_text(
        "video,frame,track,expression\nv.mp4,2,1,fear\nv.mp4,9,0,fear\n"
    )
    found = cli("labels", "add", store.folder, tmp_path / "t.csv", "--layer", "r")
    assert "1 of 2 rows into layer r" in found.out
    assert Store.open(store.folder).layer("r")["face_id"].to_pylist() == [7, 9]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("picture,valence\na,0\n", "needs the column image, or the columns video and frame"),
        ("image,valence\nx.png,0\n", "fits no face of"),
        ("image,subject\np00_00.png,0\n", "has no column of labels"),
        ("video,frame,valence\nv.mp4,first,0\n", "line 2: frame is 'first', not a whole number"),
        ("video,frame,valence\nv.mp4,1,0\nv.mp4,1,1\n", "line 3: v.mp4 1 is named twice"),
        ("image,valence\np00_00.png,7\n", "line 2: valence is 7, outside"),
    ],
)
def test_tables_that_fit_nothing_are_refused(store, tmp_path, cli, text, words):
    (tmp_path / "r.csv").write_text(text)
    found = cli("labels", "add", store.folder, tmp_path / "r.csv", "--layer", "r")
    assert found.code == 2
    assert words in found.err
    assert Store.open(store.folder).layers == ("corpus",)


def test_labels_are_added_by_video_and_time(store, tmp_path, cli):
    """Other tools number the file's frames; a grid that is denser repeats them."""
    with store.new_shard() as crops:
        crops.append(np.zeros((4, 96, 96, 3), np.uint8))
        store.commit(
            "talk/t.mp4",
            corpus="talk",
            kind="video",
            crops=crops,
            faces={
                "video": ["t.mp4"] * 4,
                "frame": [0, 1, 2, 3],
                "time_s": [0.0, 0.0, 1 / 15, 2 / 15],
                "track": [0, 0, 0, 0],
            },
            settings={"fps": 30.0},
            summary={"frames": 4, "decoded": 3},
        )
    (tmp_path / "r.csv").write_text(
        "video,frame,timestamp,valence,split\nt.mp4,1,0.000,0.1,train\nt.mp4,2,0.067,0.2,train\n"
        "t.mp4,9,0.500,0.3,train\n"
    )
    found = cli("labels", "add", store.folder, tmp_path / "r.csv", "--layer", "r", "--json")
    assert found.code == 0, found.err
    told = json.loads(found.out)
    assert told["unmatched"] == ["t.mp4 0.5"]
    assert told["notes"][-1] == "frames were found by timestamp"
    assert any("columns not kept" in note and "split" in note for note in told["notes"])
    layer = Store.open(store.folder).layer("r")
    assert layer["face_id"].to_pylist() == [10, 11, 12]
    assert layer["valence"].to_pylist() == pytest.approx([0.1, 0.1, 0.2])
    (tmp_path / "f.csv").write_text("video,frame,valence\nt.mp4,1,0.5\n")
    found = cli("labels", "add", store.folder, tmp_path / "f.csv", "--layer", "f")
    assert "the store's grid (30 a second, 4), the file has 3 of its own" in found.err
