"""The corpus `actors`, with a real clip and a made truth in place of films."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mien.store import Store


@pytest.fixture
def cast(clip, tmp_path):
    """Two copies of one clip whose man is `actor000`, beside somebody in a corner."""
    folder = tmp_path / "cast"
    folder.mkdir()
    rows = []
    for video in ("a.mp4", "b.mp4"):
        (folder / video).write_bytes(clip.read_bytes() + video.encode())  # two files to a digest
        for frame in range(120):
            time_s = frame * 1001 / 30000
            here = {"video": video, "time_s": time_s, "AU12": frame / 24, "AU4": np.nan}
            said = {"valence": frame / 120, "arousal": -0.5, "expression": "fear"}
            box = dict(zip(("x0", "y0", "x1", "y1"), (60.0, 35.0, 115.0, 105.0), strict=True))
            corner = dict.fromkeys(("x0", "y0"), 0.0) | dict.fromkeys(("x1", "y1"), 8.0)
            rows.append({**here, **said, **box, "person": "actor000"})
            rows.append({**here, **said, **corner, "person": "actor001", "valence": -1.0})
    pq.write_table(pa.Table.from_pylist(rows), folder / "truth.parquet")
    return folder


def test_truth_is_joined_by_frame_and_box(cast, tmp_path, cli):
    words = ("import", "actors", cast, "--store", tmp_path / "s", "--size", 32)
    words = (*words, "--fps", 2, "--json")
    result = cli(*words)
    assert result.code == 0, result.err
    summary = json.loads(result.out)
    assert summary["heads"]["au_intensity"] == ["AU04", "AU12"]
    store = Store.open(tmp_path / "s")
    assert sorted(store.info.sources) == ["cast/a.mp4", "cast/b.mp4"]
    assert store.layers == ("cast",)
    assert summary["faces"] == len(store) == 16  # eight grid points in each
    assert set(store.names("subject")) == {"cast/actor000"}
    labels = store.labels()
    frames = np.round(store.column("time_s") * 30000 / 1001)
    valence = labels.column("valence_arousal", "valence")
    assert valence == pytest.approx(frames / 120, abs=1e-6)
    assert labels.column("au_intensity", "AU12") == pytest.approx(frames / 24, abs=1e-6)
    assert (labels.column("au", "AU12") == (frames >= 24)).all()
    assert np.isnan(labels.column("au", "AU04")).all()
    assert (labels.column("expression", "fear") == 1).all()
    assert cli(*words).code == 0
    assert Store.open(tmp_path / "s").info.next_face == 16  # nothing was ingested anew
    assert cli(*words, "--corpus", "other").code == 0
    store = Store.open(tmp_path / "s")
    assert set(store.names("subject")) == {"cast/actor000", "other/actor000"}


def test_a_truth_that_changed_is_taken_over(cast, tmp_path, cli):
    words = ("import", "actors", cast, "--store", tmp_path / "s", "--size", 32, "--fps", 2)
    assert cli(*words).code == 0
    truth = pq.read_table(cast / "truth.parquet")
    changed = truth.set_column(
        truth.schema.get_field_index("arousal"), "arousal", pa.array([0.25] * len(truth))
    )
    pq.write_table(changed, cast / "truth.parquet")
    assert cli(*words).code == 0
    arousal = Store.open(tmp_path / "s").labels().column("valence_arousal", "arousal")
    assert arousal.tolist() == [0.25] * 16


def test_what_is_no_cast_is_refused(cast, tmp_path, cli):
    words = ("import", "actors", "--store", tmp_path / "s")
    assert "holds no truth.parquet" in cli(*words, tmp_path).err
    truth = pq.read_table(cast / "truth.parquet")
    pq.write_table(truth.drop_columns(["expression"]), cast / "truth.parquet")
    assert "has no column expression" in cli(*words, cast).err
    pq.write_table(
        truth.set_column(0, "video", pa.array(["../a.mp4"] * len(truth))), cast / "truth.parquet"
    )
    assert "'../a.mp4' lies outside" in cli(*words, cast).err
    assert not (tmp_path / "s").exists()


def change(cast, *columns, rows=None):
    """Write the truth again with columns (name, values), and of it only some rows."""
    truth = pq.read_table(cast / "truth.parquet")
    for name, values in columns:
        truth = truth.set_column(truth.schema.get_field_index(name), name, pa.array(values))
    pq.write_table(truth if rows is None else truth.slice(*rows), cast / "truth.parquet")


def test_videos_that_changed_are_replaced_and_those_named_no_more_go(cast, tmp_path, cli):
    words = ("import", "actors", cast, "--store", tmp_path / "s", "--size", 32, "--fps", 2)
    assert cli(*words).code == 0
    with (cast / "a.mp4").open("ab") as file:
        file.write(b"rendered again")
    change(cast, rows=(0, 240))
    result = cli(*words)
    assert result.code == 0
    assert "cast/b.mp4: is in truth.parquet no more" in result.err
    store = Store.open(tmp_path / "s")
    assert list(store.info.sources) == ["cast/a.mp4"]
    assert set(store.names("video")) == {"cast/a.mp4"}
    assert len(store) == len(store.layer("cast")) == 8


def test_a_video_that_cannot_be_read_is_listed_and_the_rest_goes_on(cast, tmp_path, cli):
    (cast / "a.mp4").write_bytes(b"no video")
    words = ("import", "actors", cast, "--store", tmp_path / "s", "--size", 32, "--fps", 2)
    result = cli(*words, "--json")
    assert result.code == 2
    assert list(json.loads(result.out)["failed"]) == ["a.mp4"]
    assert list(Store.open(tmp_path / "s").info.sources) == ["cast/b.mp4"]
    (cast / "b.mp4").write_bytes(b"no video")
    assert cli(*words[:4], tmp_path / "t").code == 2
    assert not (tmp_path / "t").exists()


@pytest.mark.parametrize(
    ("name", "values", "words"),
    [
        ("video", [None] * 480, "video is empty in 480 rows"),
        ("time_s", ["soon"] * 480, "time_s is not double"),
        ("AU12", ["much"] * 480, "AU12 is not float"),
    ],
)
def test_truth_of_other_types_is_refused(cast, tmp_path, cli, name, values, words):
    change(cast, (name, values))
    result = cli("import", "actors", cast, "--store", tmp_path / "s")
    assert result.code == 2
    assert words in result.err
