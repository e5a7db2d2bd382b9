import json
import multiprocessing
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyarrow.parquet as pq
import pytest
from made import add, crops

from mien.errors import InputError
from mien.labels.heads import Head
from mien.store import Store
from mien.store import segments as segment_files
from mien.store import shards as shard_files
from mien.store.statistics import statistics


@pytest.fixture
def store(tmp_path) -> Store:
    return Store.open_or_create(tmp_path / "s", 16)


def test_what_is_written_is_read_back_across_sources(store):
    first, second = crops(5), crops(7, seed=1)
    add(store, "a", first, subject=["x"] * 5, frame=np.arange(5))
    add(store, "b", second, subject=["y"] * 7)
    again = Store.open(store.folder)
    order = np.array([11, 0, 6, 4])
    expected = np.concatenate([first, second])[order]
    assert (again.pixels().gather(order) == expected).all()
    assert again.column("face_id").tolist() == list(range(12))
    assert again.names("subject") == ["a/x"] * 5 + ["b/y"] * 7
    assert again.column("frame").tolist() == [0, 1, 2, 3, 4] + [-1] * 7
    assert np.isnan(again.column("x0")).all()
    assert again.names("video") == [None] * 12
    codes, names = again.codes("corpus")
    assert (codes.tolist(), names) == ([0] * 5 + [1] * 7, ("a", "b"))
    assert len(list(store.folder.glob("pixels/16/*.npy"))) == 1  # packed
    assert not list((store.folder / "partial").iterdir())


def test_rows_of_crops_may_be_in_any_order(store):
    add(store, "a", crops(4), row=[2, 0, 3, 1])
    assert (store.pixels().gather(np.arange(4)) == crops(4)[[2, 0, 3, 1]]).all()


def test_columns_that_do_not_fit_are_refused(store):
    for columns, words in (
        ({"smile": [1, 2]}, "no column 'smile'"),
        ({"subject": ["x"]}, "subject has 1 values for 2 faces"),
        ({"frame": ["a", "b"]}, "frame: does not fit int32"),
    ):
        with pytest.raises(InputError, match=words):
            add(store, "a", crops(2), **columns)
    with pytest.raises(InputError, match="labels smile: no head has"):
        add(store, "a", crops(2), labels={"a": {"smile": [1.0, 2.0]}})
    with pytest.raises(InputError, match="give a name of letters"):
        add(store, "../a", crops(2))
    assert len(Store.open(store.folder)) == 0
    with pytest.raises(InputError, match="unknown column of numbers 'subject'"):
        store.column("subject")


def test_missing_labels_are_null_on_disk_and_nan_in_memory(store):
    labels = {
        "AU12": np.array([1, np.nan, 0], np.float32),
        "valence": np.array([0.5, np.nan, -1], np.float32),
        "expression": ["fear", None, "anger"],
    }
    add(store, "a", crops(3), labels={"a": labels})
    on_disk = pq.read_table(next((store.folder / "labels" / "a").iterdir()))
    assert on_disk["face_id"].to_pylist() == [0, 2]  # nothing is said of the second
    assert on_disk["AU12"].to_pylist() == [1, 0]
    found = Store.open(store.folder).labels()
    assert found.heads == (
        Head("valence_arousal", ("valence", "arousal")),
        Head("au", ("AU12",)),
        Head("expression", ("anger", "fear")),
    )
    assert found["au"].tolist()[0] == [1]
    assert found["expression"].tolist()[::2] == [[0, 1], [1, 0]]
    assert all(np.isnan(found[name][1]).all() for name in found)


def test_new_units_widen_the_heads_and_old_faces_stay_unlabelled(store):
    add(store, "a", crops(1), labels={"a": {"AU12": [1]}})
    add(store, "b", crops(1), labels={"b": {"AU04": [1]}})
    assert store.heads == (Head("au", ("AU04", "AU12")),)
    np.testing.assert_array_equal(
        Store.open(store.folder).labels()["au"], [[np.nan, 1], [1, np.nan]]
    )


# -- layers ---------------------------------------------------------------------------------------


def test_layers_stand_beside_each_other_in_order(store):
    said = {"AU12": [1, 1, np.nan], "valence": [0.1, np.nan, np.nan]}
    add(store, "a", crops(3), labels={"a": said})
    before = {p: p.read_bytes() for p in (store.folder / "labels" / "a").iterdir()}
    store.label("rater", [0, 2], {"AU12": [0, 0], "expression": ["fear", None]})
    assert store.layers == ("a", "rater")
    np.testing.assert_array_equal(store.labels()["au"][:, 0], [1, 1, 0])
    np.testing.assert_array_equal(store.labels(["rater"])["au"][:, 0], [0, np.nan, 0])
    np.testing.assert_array_equal(store.labels(["rater", "a"])["au"][:, 0], [0, 1, 0])
    assert store.labels(["rater", "a"]).column("valence_arousal", "valence")[0] == np.float32(0.1)
    store.order_layers(["rater"])
    np.testing.assert_array_equal(Store.open(store.folder).labels()["au"][:, 0], [0, 1, 0])
    assert {p: p.read_bytes() for p in (store.folder / "labels" / "a").iterdir()} == before
    with pytest.raises(InputError, match="unknown layer 'ratr': did you mean 'rater'"):
        store.labels(["ratr"])


def test_relabelling_replaces_the_columns_it_names_of_the_faces_it_names(store):
    add(store, "a", crops(3))
    store.label("r", [0, 1, 2], {"AU12": [1, 1, 1], "valence": [0.5, 0.5, 0.5]})
    store.label("r", [1, 2], {"valence": [np.nan, -0.5]})
    assert store.layer("r")["face_id"].to_pylist() == [0, 1, 2]
    labels = Store.open(store.folder).labels()
    assert labels["au"][:, 0].tolist() == [1, 1, 1]
    np.testing.assert_array_equal(labels["valence_arousal"][:, 0], [0.5, np.nan, -0.5])
    with pytest.raises(InputError, match="holds no face 7"):
        store.label("r", [7], {"valence": [0]})
    with pytest.raises(InputError, match="named twice"):
        store.label("r", [1, 1], {"valence": [0, 0]})


def test_votes_of_a_face_come_from_one_layer(store):
    add(store, "a", crops(2))
    store.label("one", [0], {"fear_votes": [3], "anger_votes": [1]})
    store.label("two", [0, 1], {"fear_votes": [0, 0], "sadness_votes": [4, 2]})
    votes = store.labels()
    head = votes.head("expression_votes")
    assert head.outputs == ("anger", "fear", "sadness")
    assert votes["expression_votes"].tolist() == [[0.25, 0.75, 0], [0, 0, 1]]


# -- importing again ------------------------------------------------------------------------------


def test_an_import_replaces_its_own_faces_only(store):
    add(store, "a", crops(5))
    add(store, "b", crops(3, seed=1))
    add(store, "a", crops(2, seed=2))
    assert store.names("source") == ["b"] * 3 + ["a"] * 2
    assert store.column("face_id").tolist() == [5, 6, 7, 8, 9]
    assert (store.pixels().gather(np.arange(3, 5)) == crops(2, seed=2)).all()
    assert (store.pixels().gather(np.arange(3)) == crops(3, seed=1)).all()


def test_faces_keep_their_split_and_what_others_said_of_them(store):
    images = ["1.png", "2.png", "3.png"]
    add(store, "a", crops(3), image=images, labels={"a": {"AU12": [1, 1, 1]}}, split=["train"] * 3)
    store.set_split("default", [0, 1], ["val", "test"])
    store.label("rater", [0, 2], {"valence": [0.5, -0.5]})
    images = ["3.png", "1.png", "4.png"]
    done = add(store, "a", crops(3, seed=1), image=images, labels={"a": {"AU12": [0, 0, 0]}})
    assert store.split().to_list() == [None, "val", None]
    assert store.split("official").to_list() == ["train", "train", None]
    np.testing.assert_array_equal(store.labels()["valence_arousal"][:, 0], [-0.5, 0.5, np.nan])
    assert store.labels()["au"][:, 0].tolist() == [0, 0, 0]
    assert done.lost == {}
    done = add(store, "a", crops(1), image=["4.png"], labels={"a": {"AU12": [0]}})
    assert done.lost == {"rater": 2}


def test_a_new_official_split_takes_the_place_of_the_old(store):
    add(store, "a", crops(2), image=["1", "2"], split=["train", "val"])
    add(store, "a", crops(2), image=["1", "2"], split=["val", None])
    assert store.split("official").to_list() == ["val", None]


def test_pixels_of_whole_shards_that_were_replaced_go(store, monkeypatch):
    monkeypatch.setattr(shard_files, "SHARD_BYTES", 128 + 4 * 16 * 16 * 3)
    add(store, "a", crops(9))
    assert store.info.shards == {0: 4, 1: 4, 2: 1}
    assert (store.pixels().gather(np.arange(9)) == crops(9)).all()
    add(store, "b", crops(2, seed=1))
    assert store.info.shards == {0: 4, 1: 4, 2: 3}
    add(store, "a", crops(1, seed=2))
    assert store.info.shards == {2: 4}
    assert [p.name for p in store.folder.glob("pixels/16/*")] == ["000002.npy"]
    expected = np.concatenate([crops(2, seed=1), crops(1, seed=2)])
    assert (store.pixels().gather(np.arange(3)) == expected).all()


# -- corpora --------------------------------------------------------------------------------------


def test_two_corpora_with_the_same_ids_keep_apart(store):
    for corpus in ("one", "two"):
        part = "train" if corpus == "one" else "val"
        add(store, corpus, crops(2), subject=["001", "001"], video=["v", "v"], split=[part] * 2)
    assert store.names("subject") == ["one/001"] * 2 + ["two/001"] * 2
    from mien.store.splits import shared_between_splits

    split = store.split()
    assert split.to_list() == ["train"] * 2 + ["val"] * 2
    assert shared_between_splits(split, store.codes("subject"), store.codes("video")) == []
    (store.folder / "subjects.csv").write_text(
        "ID;Person;Age;Research\n\none/001;anna;31,5;yes\ntwo/001;anna;;\n"
    )
    again = Store.open(store.folder)
    assert again.names("subject") == ["anna"] * 4
    assert again.subjects.stated["one/001"].age == 31.5
    assert again.subjects.stated["one/001"].research is True
    shared = shared_between_splits(split, again.codes("subject"), again.codes("video"))
    assert shared == ["person anna (train, val)"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name\nx\n", "has no column id"),
        ("id,age\nx,old\n", "line 2: age is 'old'"),
        ("id,research\n\nx,perhaps\n", "line 3: research is 'perhaps'; write yes, no"),
        ("id,until\nx,31.12.2031\n", "line 2: until is '31.12.2031'"),
        ("id\nx\nx\n", "line 3: x has two lines"),
        ("id,person\na,b\nb,a\n", "a is b is a: a circle"),
        ("id,person\n,b\n", "line 2: has no id"),
    ],
)
def test_subjects_that_cannot_be_read_are_named_with_their_line(store, text, words):
    (store.folder / "subjects.csv").write_text(text)
    with pytest.raises(InputError, match=words):
        _ = store.subjects


def test_a_corpus_of_another_path_is_refused(store, tmp_path):
    (tmp_path / "here").mkdir()
    (tmp_path / "there").mkdir()
    with store.new_shard() as shard:
        shard.append(crops(1))
        store.commit("c", corpus="c", kind="t", crops=shard, faces={}, path=str(tmp_path / "here"))
    with pytest.raises(InputError, match=r"is that of .*here; give this one another name"):
        store.refuse_other_corpus("c", "t", str(tmp_path / "there"))
    with pytest.raises(InputError, match=r"is of another kind \(t\); give this one another name"):
        store.refuse_other_corpus("c", "video")
    store.refuse_other_corpus("c", "t", str(tmp_path / "here"))
    (tmp_path / "here").rmdir()  # or its disk is not mounted
    with pytest.raises(InputError, match="which is not there; --corpus c says it moved"):
        store.refuse_other_corpus("c", "t", str(tmp_path / "there"))
    store.refuse_other_corpus("c", "t", str(tmp_path / "there"), named=True)


# -- files ----------------------------------------------------------------------------------------


def test_many_small_imports_stay_few_files_and_in_order(store):
    for i in range(170):
        labels = {"x": {"AU12": [1]}} if i % 2 else {"x": {"valence": [0.5]}}
        add(store, f"c{i}", crops(1, seed=i), subject=["p"], labels=labels, split=["train"])
    most = segment_files.MOST
    for part, found in store.info.segments.items():
        assert len(found) <= most, part
        assert sum(s.rows for s in found) == 170
    assert store.column("face_id").tolist() == list(range(170))
    assert store.names("subject")[169] == "c169/p"
    expected = np.concatenate([crops(1, seed=i) for i in range(170)])
    assert (store.pixels().gather(np.arange(170)) == expected).all()
    assert np.isnan(store.labels()["au"][:, 0]).tolist() == [i % 2 == 0 for i in range(170)]
    files = list((store.folder / "faces").iterdir())
    for file in files:
        os.utime(file, (0, 0))
    for i in range(60):  # until the next merging, which removes what was replaced long ago
        add(store, f"d{i}", crops(1))
    left = {path.name for path in (store.folder / "faces").iterdir()}
    assert len(left) < len(files)
    assert left >= {segment.file for segment in store.info.segments["faces"]}
    assert len(Store.open(store.folder).codes("subject").codes) == 230


def test_merging_keeps_large_files_large():
    def segments(*rows):
        return [segment_files.Segment("f", n, 0, 0) for n in rows]

    assert segment_files.to_merge(segments(*[200] * 74)) == 0
    assert segment_files.to_merge(segments(*[200] * 75)) == 75
    assert segment_files.to_merge(segments(10**6, 10**5, *[200] * 73)) == 73
    assert segment_files.to_merge(segments(10**6, 10**4, *[200] * 73)) == 74


def test_temporaries_of_the_living_stay(store):
    add(store, "a", crops(1))
    (store.folder / "pixels" / "8").mkdir()
    young, old = (store.folder / "pixels" / "8" / f".00000{i}.ab12.tmp.npy" for i in range(2))
    strange = store.folder / "pixels" / "8" / ".mine.tmp"
    dead = store.folder / "partial" / ".crops.999999.0-0.tmp"
    for path in (young, old, strange, dead):
        path.touch()
    os.utime(old, (0, 0))
    add(store, "b", crops(1))
    assert young.exists()
    assert strange.exists()
    assert not old.exists()
    assert not dead.exists()


def _stage_then_wait(folder, ready, go_on):
    store = Store.open(folder)
    with store.new_shard() as shard:
        shard.append(crops(1))
        shard.close()
        ready.set()
        go_on.wait()
        store.commit("late", corpus="late", kind="test", crops=shard, faces={})


def test_staged_crops_are_their_writers_whatever_its_process_is_called(store, monkeypatch):
    """Containers on one volume have processes of one number, and know none of each other's."""
    monkeypatch.setattr(os, "getpid", lambda: 7)
    monkeypatch.setattr(os, "kill", lambda *_: (_ for _ in ()).throw(ProcessLookupError))
    context = multiprocessing.get_context("fork")
    ready, go_on = context.Event(), context.Event()
    process = context.Process(target=_stage_then_wait, args=(store.folder, ready, go_on))
    process.start()
    ready.wait()
    add(store, "a", crops(2, seed=1))
    go_on.set()
    process.join()
    assert process.exitcode == 0
    found = Store.open(store.folder)
    expected = np.concatenate([crops(2, seed=1), crops(1)])
    assert (found.pixels().gather(np.arange(3)) == expected).all()
    assert not list((store.folder / "partial").iterdir())


def test_a_reader_keeps_its_state_while_others_append(store):
    add(store, "a", crops(2), subject=["x", "y"])
    reader = Store.open(store.folder)
    for i in range(100):
        add(store, f"b{i}", crops(3, seed=1))
    assert reader.names("subject") == ["a/x", "a/y"]  # read only now
    assert (reader.pixels().gather(np.arange(2)) == crops(2)).all()
    assert len(reader) == 2
    reader.reload()
    assert len(reader) == 302


def test_a_writer_killed_before_the_end_leaves_what_was(store, monkeypatch):
    add(store, "a", crops(3), subject=["x"] * 3)

    def die(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("mien.store.edit.StoreInfo.write", die)
        with pytest.raises(KeyboardInterrupt):
            add(store, "b", crops(5, seed=1), subject=["y"] * 5)
    again = Store.open(store.folder)
    assert len(again) == 3
    assert (again.pixels().gather(np.arange(3)) == crops(3)).all()
    assert len(np.load(store.folder / "pixels/16/000000.npy")) == 8  # 5 of them do not count
    add(again, "c", crops(2, seed=2), subject=["z"] * 2)
    assert again.names("subject") == ["a/x"] * 3 + ["c/z"] * 2
    assert (again.pixels().gather(np.arange(3, 5)) == crops(2, seed=2)).all()
    assert (np.load(store.folder / "pixels/16/000000.npy")[3:] == crops(2, seed=2)).all()


def _append_for_ever(folder):
    store = Store.open(folder)
    for i in range(10_000):
        add(store, f"s{os.getpid()}-{i}", crops(3, seed=i), subject=["x"] * 3, split=["train"] * 3)


def test_kill_9_at_any_time_leaves_a_whole_store_that_goes_on(store):
    context = multiprocessing.get_context("fork")
    for round_ in range(4):
        process = context.Process(target=_append_for_ever, args=(store.folder,))
        process.start()
        time.sleep(0.15 + 0.05 * round_)
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        found = Store.open(store.folder)
        pixels = found.pixels().gather(np.arange(len(found)))
        for source, entry in found.info.sources.items():
            rows = found.find(np.arange(*entry["ids"]))
            assert (pixels[rows] == crops(3, seed=int(source.split("-")[1]))).all()
        assert len(found) == 3 * len(found.info.sources) > 0
        assert len(found.rows("train")) == len(found)
    add(store, "last", crops(1))
    left = [p for p in store.folder.rglob(".*.tmp*") if str(os.getpid()) not in p.name]
    assert left == []


def _append_some(folder, name):
    store = Store.open_or_create(folder, 16)
    for i in range(20):
        add(store, f"{name}{i}", crops(2, seed=i), subject=[name] * 2)


def test_two_writers_take_turns(tmp_path):
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_append_some, args=(tmp_path / "s", n)) for n in ("a", "b")]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    store = Store.open(tmp_path / "s")
    assert (len(store), len(store.info.sources)) == (80, 40)
    pixels = store.pixels().gather(np.arange(80))
    for source, entry in store.info.sources.items():
        rows = store.find(np.arange(*entry["ids"]))
        assert (pixels[rows] == crops(2, seed=int(source[1:]))).all()


def test_a_store_that_is_held_is_refused_after_a_while_and_read_at_once(store, monkeypatch):
    add(store, "a", crops(2))
    monkeypatch.setattr(Store, "lock_wait_s", 0.05)
    with store.writing():
        other = Store.open(store.folder)
        assert len(other) == 2
        with pytest.raises(InputError, match="another process"), other.writing():
            pass


def test_a_store_adds_at_most_five_percent_to_its_pixels(tmp_path):
    store = Store.open_or_create(tmp_path / "s", 32)
    n = 2000
    add(
        store,
        "a",
        crops(n, 32),
        labels={"a": {"valence": np.random.default_rng(0).random(n, np.float32)}},
        subject=[f"p{i // 40}" for i in range(n)],
        frame=np.arange(n, dtype=np.int32),
        time_s=np.arange(n) / 29.97,
        x0=np.random.default_rng(0).random(n, np.float32),
    )
    used = sum(f.stat().st_size for f in (tmp_path / "s").rglob("*") if f.is_file())
    assert used <= 1.05 * n * 32 * 32 * 3


def test_smaller_sizes_are_derived_and_grow_with_the_store(store):
    flat = np.full((3, 16, 16, 3), [[[200, 100, 50]]], np.uint8)
    add(store, "a", flat)
    small = store.pixels(8)
    file = store.folder / "pixels" / "8" / "000000.npy"
    first = file.read_bytes()
    add(store, "b", flat[:1] // 2)
    store.pixels(8)
    assert file.read_bytes()[128 : len(first)] == first[128:]
    both = store.pixels(8).gather(np.arange(4))
    assert both.shape == (4, 8, 8, 3)
    assert (both[:3] == [200, 100, 50]).all()
    assert (both[3] == [100, 50, 25]).all()
    assert (small.gather(np.arange(3)) == [200, 100, 50]).all()
    assert len(np.load(file)) == 4
    with pytest.raises(InputError, match="32 px were asked for"):
        store.pixels(32)


def test_damaged_files_are_named(store):
    add(store, "a", crops(3))
    file = store.folder / "pixels/16/000000.npy"
    whole = file.read_bytes()
    file.write_bytes(whole[:-1])
    with pytest.raises(InputError, match=r"000000\.npy: damaged pixels: holds fewer than 3"):
        store.pixels()
    file.unlink()
    with pytest.raises(InputError, match="missing or unreadable pixels"):
        store.pixels()
    segment = next((store.folder / "faces").iterdir())
    pq.write_table(pq.read_table(segment).drop_columns(["x0"]), segment)
    with pytest.raises(InputError, match="faces: lacks the columns x0"):
        Store.open(store.folder).column("x0")
    segment.write_bytes(b"PAR1")
    with pytest.raises(InputError, match="cannot be read"):
        Store.open(store.folder).column("x0")
    segment.unlink()
    with pytest.raises(InputError, match="is gone; the store was changed"):
        Store.open(store.folder).column("x0")


def test_bad_stores_are_refused(tmp_path, cli):
    with pytest.raises(InputError, match="not a store"):
        Store.open(tmp_path)
    store = Store.open_or_create(tmp_path / "s", 16)
    with pytest.raises(InputError, match="holds 16 px crops, not 32 px"):
        Store.open_or_create(tmp_path / "s", 32)
    old = {"schema": 1, "size": 96, "next_shard": 0, "aus": [], "expressions": [], "sources": {}}
    (store.folder / "store.json").write_text(json.dumps(old))
    result = cli("stats", tmp_path / "s")
    assert result.code == 2
    assert "store schema 1, this mien reads schema 2" in result.err
    assert result.err.count("\n") == 1
    (store.folder / "store.json").write_text("{")
    with pytest.raises(InputError, match="cannot be read as a store"):
        Store.open(tmp_path / "s")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "file").write_text("x")
    with pytest.raises(InputError, match="exists and is not a store"):
        Store.open_or_create(tmp_path / "other", None)


def test_an_empty_store_can_be_asked_anything(store):
    assert len(store) == 0
    assert store.labels().n == 0
    assert store.codes("subject").to_list() == []
    assert store.windows(4, 2).shape == (0, 4)
    assert store.pixels().gather(np.arange(0)).shape == (0, 16, 16, 3)
    with pytest.raises(InputError, match="has no split; `mien split"):
        store.rows("train")
    assert statistics(store)["all"]["faces"] == 0


def test_statistics_count_what_is_there(faces):
    found = statistics(Store.open(faces))
    assert found["all"]["faces"] == 120
    assert found["all"]["people"] == 12
    parts = {name: part["faces"] for name, part in found["parts"].items()}
    assert parts == {"train": 80, "val": 20, "test": 20}
    labels = found["all"]["labels"]
    unit = labels["au"]["AU25"]
    assert unit["unlabelled"] == 60
    assert unit["present"] + unit["absent"] == 60
    assert labels["valence_arousal"]["valence"]["labelled"] == 72
    assert labels["expression"]["unlabelled"] == 0
    assert sum(labels["expression"].values()) == 120
    assert found["faces_per_person"]["corpus/person00"] == 10
    assert labels["au_intensity"]["AU12"]["quantiles"]["1"] <= 5


# -- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [-8, 0, -3, 4000, "96", 16.0, True])
def test_sizes_that_are_none_are_refused(tmp_path, store, size):
    with pytest.raises(InputError, match="size"):
        Store.open_or_create(tmp_path / "new", size)
    assert not (tmp_path / "new").exists()
    with pytest.raises(InputError, match="size"):
        store.pixels(size)


def test_labels_out_of_range_are_refused(store):
    add(store, "a", crops(2))
    for columns, words in (
        ({"valence": [0.5, 7]}, "labels valence: 7 is outside -1 to 1"),
        ({"AU12": [0, 3]}, "labels AU12: 3 is outside 0 to 1"),
        ({"AU12_r": [-1, 5]}, "labels AU12_r: -1 is outside 0 to 5"),
        ({"fear_votes": [1, -2]}, "labels fear_votes: -2 is outside 0"),
    ):
        with pytest.raises(InputError, match=words):
            store.label("r", [0, 1], columns)
    assert store.layers == ()
    store.label("r", [0, 1], {"valence": [-1, 1], "AU12_r": [0, 5], "fear_votes": [30, np.nan]})


def test_splits_and_rows_that_do_not_fit_are_refused(store):
    add(store, "a", crops(2))
    for ids, parts, words in (
        ([0, 7], ["train", "val"], "holds no face 7"),
        ([0, 0], ["train", "val"], "a face is named twice"),
        ([0, 1], ["train"], "1 parts for 2 faces"),
        ([0, 1], ["train", "../x"], "part '../x': give a name"),
    ):
        with pytest.raises(InputError, match=words):
            store.set_split("mine", ids, parts)
    assert store.splits == ()
    with pytest.raises(InputError, match="row -1: is none of a face"):
        store.pixels().gather(np.array([0, -1]))


def test_unknown_names_are_told_a_few_of_those_known():
    from mien.errors import unknown_name

    told = str(unknown_name("subject", "zzz", [f"c/{i}" for i in range(50_000)]))
    assert told.endswith("and 49990 more")
    assert len(told) < 200


def test_paths_of_any_letters_are_written_and_read(store, tmp_path):
    path = str(tmp_path / 'odd}, "name')
    with store.new_shard() as shard:
        shard.append(crops(1))
        store.commit("c}, ", corpus="c", kind="t", crops=shard, faces={}, path=path)
    add(store, "d", crops(1))
    assert Store.open(store.folder).info.sources["c}, "]["path"] == path


def test_threads_of_one_store_take_turns(store):
    inside = []

    def write():
        with store.writing():
            inside.append(1)
            time.sleep(0.02)
            assert len(inside) == 1
            inside.pop()

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(write) for _ in range(8)]:
            done.result()


def test_a_folder_that_became_a_store_meanwhile_is_opened(store):
    """Between looking for store.json and looking for anything strange."""
    add(store, "a", crops(1))
    from mien.store.empty import create_store

    create_store(store.folder, 16, 1.0)
    assert len(Store.open(store.folder)) == 1


def test_faces_of_a_frame_that_the_grid_repeats_keep_their_labels(store):
    film = {"video": ["v"] * 3, "time_s": [0.0, 0.0, 0.5], "frame": [0, 1, 2], "x0": [1, 1, 2]}
    add(store, "a", crops(3), **film)
    store.label("rater", [0, 1, 2], {"valence": [0.1, 0.2, 0.3]})
    assert add(store, "a", crops(3), **film).lost == {}
    valence = store.labels().column("valence_arousal", "valence")
    assert valence.tolist() == pytest.approx([0.1, 0.2, 0.3])


def test_an_import_is_taken_out(store):
    add(store, "a", crops(2), labels={"l": {"AU12": [1, 0]}}, split=["train", "val"])
    add(store, "b", crops(1, seed=1), labels={"l": {"AU12": [1]}}, split=["test"])
    store.remove("a")
    found = Store.open(store.folder)
    assert list(found.info.sources) == ["b"]
    assert found.split().to_list() == ["test"]
    assert found.layer("l")["face_id"].to_pylist() == [2]
    assert (found.pixels().gather(np.arange(1)) == crops(1, seed=1)).all()
    with pytest.raises(InputError, match="unknown source 'a'"):
        store.remove("a")


def test_shards_of_which_little_is_left_are_written_again(store):
    add(store, "kept", crops(2), subject=["x", "y"])
    for seed in range(1, 9):
        add(store, "again", crops(3, seed=seed), subject=["z"] * 3)
    found = Store.open(store.folder)
    expected = np.concatenate([crops(2), crops(3, seed=8)])
    assert (found.pixels().gather(np.arange(5)) == expected).all()
    assert sum(len(np.load(file)) for file in store.folder.glob("pixels/16/*.npy")) <= 10
