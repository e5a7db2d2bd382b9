import json
import shutil

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.errors import InputError
from mien.labels.arrays import LabelArrays
from mien.store import Store
from mien.store.shards import ShardWriter
from mien.store.splits import (
    assign,
    independent_groups,
    refuse_shared,
    shared_between_splits,
)
from mien.store.statistics import statistics


def add(store: Store, source: str, crops: np.ndarray, **columns) -> None:
    with store.writing():
        number, writer = store.new_shard()
        with writer:
            writer.append(crops)
            writer.finish()
        n = len(crops)
        base = {"shard": np.full(n, number, np.int32), "row": np.arange(n, dtype=np.int32)}
        store.commit(source, {"kind": "test"}, {**base, **columns})


def crops(n: int, size: int = 16, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (n, size, size, 3), np.uint8)


def test_what_is_written_is_read_back_across_shards(tmp_path):
    store = Store.open_or_create(tmp_path / "s", 16)
    first, second = crops(5), crops(7, seed=1)
    add(store, "a", first, subject=["x"] * 5)
    add(store, "b", second, subject=["y"] * 7)
    again = Store.open(tmp_path / "s")
    order = np.array([11, 0, 6, 4])
    expected = np.concatenate([first, second])[order]
    assert (again.pixels().gather(order) == expected).all()
    assert again.table["face_id"].to_pylist() == list(range(12))
    assert again.names("subject") == ["x"] * 5 + ["y"] * 7


def test_missing_labels_are_null_on_disk_and_marked_in_memory(tmp_path):
    store = Store.open_or_create(tmp_path / "s", 16)
    present = np.array([1, np.nan, 0], np.float32)
    columns = {"AU12": present, "valence": np.array([0.5, np.nan, -1], np.float32)}
    with store.writing():
        number, writer = store.new_shard()
        with writer:
            writer.append(crops(3))
            writer.finish()
        rows = {"shard": [number] * 3, "row": [0, 1, 2], "expression": ["fear", None, "anger"]}
        store.commit("a", {}, {**rows, **columns}, (12,), ("anger", "fear"))
    on_disk = pq.read_table(tmp_path / "s" / "faces.parquet")
    assert on_disk["AU12"].to_pylist() == [1, None, 0]
    labels = Store.open(tmp_path / "s").labels()
    assert labels.au[:, 0].tolist() == [1, -1, 0]
    assert labels.expressions == ("anger", "fear")
    assert labels.expression.tolist() == [1, -1, 0]
    assert np.isnan(labels.valence_arousal[1, 0])
    assert np.isnan(labels.valence_arousal[:, 1]).all()


def test_an_import_replaces_its_own_rows_only(tmp_path):
    store = Store.open_or_create(tmp_path / "s", 16)
    add(store, "a", crops(5))
    add(store, "b", crops(3, seed=1))
    add(store, "a", crops(2, seed=2))
    assert store.names("source") == ["b"] * 3 + ["a"] * 2
    assert len(set(store.table["face_id"].to_pylist())) == 5
    assert (store.pixels().gather(np.arange(3, 5)) == crops(2, seed=2)).all()
    assert len(list((tmp_path / "s" / "pixels" / "16").iterdir())) == 2  # the old shard is gone


def test_new_units_widen_the_table_and_old_rows_stay_unlabelled(tmp_path):
    store = Store.open_or_create(tmp_path / "s", 16)
    for source, unit in (("a", 12), ("b", 4)):
        with store.writing():
            number, writer = store.new_shard()
            with writer:
                writer.append(crops(1))
                writer.finish()
            rows = {"shard": [number], "row": [0], f"AU{unit:02d}": [1]}
            store.commit(source, {}, rows, (unit,))
    assert store.info.aus == (4, 12)
    assert Store.open(tmp_path / "s").labels().au.tolist() == [[-1, 1], [1, -1]]


def test_an_interrupted_shard_is_never_seen(tmp_path):
    path = tmp_path / "000000.npy"
    with ShardWriter(path, 16) as writer:
        writer.append(crops(3))
        assert not path.exists()
    assert list(tmp_path.iterdir()) == []


def test_shards_open_without_mien_and_add_little(tmp_path):
    with ShardWriter(tmp_path / "0.npy", 32) as writer:
        writer.append(crops(100, 32))
        writer.finish(np.arange(100)[::-1])
    assert (np.load(tmp_path / "0.npy") == crops(100, 32)[::-1]).all()


def test_a_store_adds_at_most_five_percent_to_its_pixels(tmp_path):
    store = Store.open_or_create(tmp_path / "s", 32)
    n = 2000
    add(
        store,
        "a",
        crops(n, 32),
        subject=[f"p{i // 40}" for i in range(n)],
        frame=np.arange(n, dtype=np.int32),
        time_s=np.arange(n) / 29.97,
        x0=np.random.default_rng(0).random(n, np.float32),
        valence=np.random.default_rng(0).random(n, np.float32),
    )
    used = sum(f.stat().st_size for f in (tmp_path / "s").rglob("*") if f.is_file())
    assert used <= 1.05 * n * 32 * 32 * 3


def test_smaller_sizes_are_derived_once_and_larger_ones_refused(tmp_path):
    store = Store.open_or_create(tmp_path / "s", 16)
    flat = np.full((3, 16, 16, 3), [[[200, 100, 50]]], np.uint8)
    add(store, "a", flat)
    small = store.pixels(8).gather(np.arange(3))
    assert small.shape == (3, 8, 8, 3)
    assert (small == [200, 100, 50]).all()
    assert (tmp_path / "s" / "pixels" / "8" / "000000.npy").exists()
    with pytest.raises(InputError, match="32 px were asked for"):
        store.pixels(32)


def test_bad_stores_are_refused(tmp_path):
    with pytest.raises(InputError, match="not a store"):
        Store.open(tmp_path)
    store = Store.open_or_create(tmp_path / "s", 16)
    with pytest.raises(InputError, match="holds 16 px crops, not 32 px"):
        Store.open_or_create(tmp_path / "s", 32)
    content = json.loads((store.folder / "store.json").read_text())
    (store.folder / "store.json").write_text(json.dumps({**content, "schema": 9}))
    with pytest.raises(InputError, match="store schema 9, this mien reads schema 1"):
        Store.open(tmp_path / "s")
    (store.folder / "store.json").write_text("{")
    with pytest.raises(InputError, match="cannot be read as a store"):
        Store.open(tmp_path / "s")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "file").write_text("x")
    with pytest.raises(InputError, match="exists and is not a store"):
        Store.open_or_create(tmp_path / "other", None)


def test_two_writers_exclude_each_other_and_readers_go_on(tmp_path):
    store = Store.open_or_create(tmp_path / "s", 16)
    add(store, "a", crops(2))
    with store.writing():
        other = Store.open(tmp_path / "s")
        assert len(other) == 2
        with pytest.raises(InputError, match="another process"), other.writing():
            pass


def test_a_reader_keeps_its_state_while_others_append(tmp_path):
    store = Store.open_or_create(tmp_path / "s", 16)
    add(store, "a", crops(2))
    reader = Store.open(tmp_path / "s")
    pixels = reader.pixels()
    add(store, "b", crops(3, seed=1))
    assert (pixels.gather(np.arange(2)) == crops(2)).all()
    assert len(reader) == 2
    reader.reload()
    assert len(reader) == 5


def test_statistics_count_what_is_there(faces):
    found = statistics(Store.open(faces))
    assert found["all"]["faces"] == 120
    assert found["all"]["people"] == 12
    assert {name: part["faces"] for name, part in found["splits"].items()} == {
        "train": 80,
        "val": 20,
        "test": 20,
    }
    unit = found["all"]["au"]["AU25"]
    assert unit["unlabelled"] == 60
    assert unit["present"] + unit["absent"] == 60
    assert found["all"]["valence"]["labelled"] == 72
    assert found["faces_per_person"]["person00"] == 10


# -- splits ---------------------------------------------------------------------------------------


def no_labels(n: int) -> LabelArrays:
    return LabelArrays(
        (),
        (),
        np.full((n, 2), np.nan, np.float32),
        np.empty((n, 0), np.int8),
        np.full(n, -1, np.int8),
        np.empty((n, 0), np.float32),
    )


names = st.one_of(st.none(), st.sampled_from([f"n{i}" for i in range(12)]))


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(names, names), min_size=8, max_size=60), st.integers(0, 5))
def test_no_person_and_no_video_is_ever_shared(pairs, seed):
    subject, video = [p[0] for p in pairs], [p[1] for p in pairs]
    group = independent_groups(subject, video)
    if len(set(group.tolist())) < 3:
        return
    split = assign(group, no_labels(len(pairs)), (0.7, 0.15, 0.15), seed)
    assert shared_between_splits([str(s) for s in split], subject, video) == []
    assert set(split.tolist()) == {0, 1, 2}


def test_people_who_share_a_video_stay_together():
    group = independent_groups(["a", "b", "b", "c", None], ["v", "v", "w", None, None])
    assert group[0] == group[1] == group[2]
    assert len({int(g) for g in group}) == 3


def test_ratios_are_met_by_faces_and_labels():
    source = np.random.default_rng(0)
    n = 4000
    group = source.integers(0, 300, n)
    rare = (group % 29 == 0).astype(np.int8)[:, None]
    labels = no_labels(n)
    labels = LabelArrays((12,), (), labels.valence_arousal, rare, labels.expression, rare * 1.0)
    split = assign(group, labels, (0.7, 0.15, 0.15), seed=1)
    shares = np.bincount(split) / n
    assert np.abs(shares - [0.7, 0.15, 0.15]).max() < 0.02
    rare_shares = np.bincount(split, weights=rare[:, 0]) / rare.sum()
    assert np.abs(rare_shares - [0.7, 0.15, 0.15]).max() < 0.08


def test_the_seed_decides(faces):
    store = Store.open(faces)
    group = independent_groups(store.names("subject"), store.names("video"))
    labels = store.labels()
    once, again, other = (assign(group, labels, (0.5, 0.5), s) for s in (0, 0, 3))
    assert (once == again).all()
    assert (once != other).any()


def test_too_few_people_are_refused():
    with pytest.raises(InputError, match="2 independent group"):
        assign(np.array([0, 0, 1]), no_labels(3), (0.7, 0.15, 0.15), 0)


def test_a_shared_person_is_refused_by_name():
    with pytest.raises(InputError, match=r"person anna \(train, val\)"):
        refuse_shared("s", ["train", "val"], ["anna", "anna"], [None, None])
    with pytest.raises(InputError, match=r"video clip \(test, train\)"):
        refuse_shared("s", ["train", "test"], ["a", "b"], ["clip", "clip"])


def test_splitting_writes_no_pixels(faces, tmp_path, cli):
    shutil.copytree(faces, tmp_path / "s")
    before = {p: p.stat().st_mtime_ns for p in (tmp_path / "s" / "pixels").rglob("*.npy")}
    result = cli("split", tmp_path / "s", "--ratios", "0.5,0.25,0.25", "--json")
    assert result.code == 0
    found = json.loads(result.out)["splits"]
    assert sum(part["people"] for part in found.values()) == 12
    after = {p: p.stat().st_mtime_ns for p in (tmp_path / "s" / "pixels").rglob("*.npy")}
    assert before == after


def test_a_split_of_ones_own_is_checked(faces, tmp_path, cli):
    shutil.copytree(faces, tmp_path / "s")
    people = [f"person{i:02d}" for i in range(12)]
    lines = [f"{p},{'train' if i < 8 else 'val'}" for i, p in enumerate(people)]
    (tmp_path / "ok.csv").write_text("subject,split\n" + "\n".join(lines) + "\n")
    assert cli("split", tmp_path / "s", "--from", tmp_path / "ok.csv").code == 0
    assert cli("split", tmp_path / "s", "--check").code == 0
    (tmp_path / "bad.csv").write_text("subject,split\nperson00,train\nperson00,val\n")
    refused = cli("split", tmp_path / "s", "--from", tmp_path / "bad.csv")
    assert refused.code == 2
    assert "person00 is in two splits" in refused.err
    (tmp_path / "who.csv").write_text("subject,split\nnobody,train\n")
    assert (
        "line 2: the store knows no subject 'nobody'"
        in cli("split", tmp_path / "s", "--from", tmp_path / "who.csv").err
    )
