import json
import shutil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made import add, crops

import mien
from mien.errors import InputError
from mien.labels.arrays import Labels
from mien.labels.heads import Head
from mien.store import Store
from mien.store.membership import describe_split, members, refuse_trained_on
from mien.store.names import Names, pairs, short_names
from mien.store.splits import (
    assign,
    independent_groups,
    refuse_shared,
    shared_between_splits,
)
from mien.workflows.split import split


def no_labels(n: int) -> Labels:
    return Labels((), {}, n)


names = st.one_of(st.none(), st.sampled_from([f"n{i}" for i in range(12)]))


@settings(deadline=None, max_examples=100)
@given(st.lists(st.tuples(names, names, names), min_size=8, max_size=60), st.integers(0, 5))
def test_no_person_video_or_image_is_ever_shared(rows, seed):
    subject, video, image = (Names.of(column) for column in zip(*rows, strict=True))
    group = independent_groups(subject, video, image)
    assert sorted(set(group.tolist())) == list(range(group.max() + 1))
    if group.max() < 2:
        return
    split = assign(group, no_labels(len(rows)), (0.7, 0.15, 0.15), seed)
    parts = Names.of(map(str, split))
    assert shared_between_splits(parts, subject, video) == []
    assert shared_between_splits(parts, image, image) == []
    assert set(split.tolist()) == {0, 1, 2}


@settings(deadline=None, max_examples=100)
@given(st.lists(st.tuples(names, names), min_size=1, max_size=40))
def test_groups_are_no_larger_than_they_must_be(rows):
    """Against joining one pair of faces after the other."""
    group = independent_groups(*(Names.of(column) for column in zip(*rows, strict=True)))
    joined = list(range(len(rows)))
    for i, one in enumerate(rows):
        for j, other in enumerate(rows[:i]):
            if any(a is not None and a == b for a, b in zip(one, other, strict=True)):
                joined = [joined[j] if g == joined[i] else g for g in joined]
    for i in range(len(rows)):
        for j in range(i):
            assert (group[i] == group[j]) == (joined[i] == joined[j])


@settings(deadline=None)
@given(st.lists(st.tuples(*[st.integers(-1, 4)] * 3), max_size=40))
def test_pairs_are_the_distinct_rows(rows):
    columns = np.array(rows, np.int32).reshape(-1, 3).T
    found = [tuple(row) for row in pairs(*columns).tolist()]
    assert len(found) == len(set(found))
    assert set(found) == set(rows)


def test_names_as_codes():
    found = Names.of(["b", None, "a", "b"])
    assert found.codes.tolist() == [0, -1, 1, 0]
    assert found.to_list() == ["b", None, "a", "b"]
    assert found.counts().tolist() == [2, 1]
    assert found.where("b").tolist() == [True, False, False, True]
    assert found.where("c").tolist() == [False] * 4
    assert found.at(np.array([1, 2])).used() == ("a",)
    assert found.renamed(lambda name: "x").codes.tolist() == [0, -1, 0, 0]
    short = short_names(["one/001", "two/001", "two/007"])
    assert short == {"007": "two/007", "one/001": "one/001", "two/001": "two/001"} | {
        "two/007": "two/007"
    }


def test_people_who_share_a_video_stay_together():
    subject = Names.of(["a", "b", "b", "c", None])
    group = independent_groups(subject, Names.of(["v", "v", "w", None, None]))
    assert group[0] == group[1] == group[2]
    assert len({int(g) for g in group}) == 3


def test_ratios_are_met_by_faces_and_labels():
    source = np.random.default_rng(0)
    n = 4000
    group = source.integers(0, 300, n)
    rare = (group % 29 == 0).astype(np.float32)[:, None]
    labels = Labels((Head("au", ("AU12",)),), {"au": rare}, n)
    split = assign(group, labels, (0.7, 0.15, 0.15), seed=1)
    shares = np.bincount(split) / n
    assert np.abs(shares - [0.7, 0.15, 0.15]).max() < 0.02
    rare_shares = np.bincount(split, weights=rare[:, 0]) / rare.sum()
    assert np.abs(rare_shares - [0.7, 0.15, 0.15]).max() < 0.08


def test_the_seed_decides(faces):
    store = Store.open(faces)
    group = independent_groups(store.codes("subject"), store.codes("video"))
    labels = store.labels()
    once, again, other = (assign(group, labels, (0.5, 0.5), s) for s in (0, 0, 3))
    assert (once == again).all()
    assert (once != other).any()


def test_too_few_people_are_refused():
    with pytest.raises(InputError, match="2 independent group"):
        assign(np.array([0, 0, 1]), no_labels(3), (0.7, 0.15, 0.15), 0)


def test_a_shared_person_is_refused_by_name():
    nobody = Names.of([None, None])
    with pytest.raises(InputError, match=r"person anna \(train, val\)"):
        refuse_shared("s", Names.of(["train", "val"]), Names.of(["anna"] * 2), nobody)
    with pytest.raises(InputError, match=r"video clip \(test, train\)"):
        refuse_shared(
            "s", Names.of(["train", "test"]), Names.of(["a", "b"]), Names.of(["clip", "clip"])
        )


def test_which_split_is_meant(tmp_path):
    store = Store.open_or_create(tmp_path / "s", 16)
    add(store, "a", crops(4))
    store.set_split("folds", [0, 1, 3], ["one", "two", None])
    assert store.rows("one").tolist() == [0]  # the only one
    store.set_split("other", [2], ["one"])
    with pytest.raises(InputError, match="name one of its splits: folds, other"):
        store.rows("one")
    add(store, "b", crops(1), split=["one"])
    assert store.rows("one").tolist() == [4]  # the official one
    store.set_split("default", [3], ["one"])
    assert store.rows("one").tolist() == [3]
    assert store.rows("one", "other").tolist() == [2]
    assert store.rows(None).tolist() == [0, 1, 2, 3, 4]
    assert store.splits == ("default", "folds", "official", "other")
    assert store.split("folds").to_list() == ["one", "two", None, None, None]
    with pytest.raises(InputError, match="no face in part 'val' of split 'folds'; it has one, two"):
        store.rows("val", "folds")
    with pytest.raises(InputError, match="has no split 'fold'; it has default, folds"):
        store.rows("val", "fold")


def test_a_digest_follows_faces_and_labels_and_members_are_named(tmp_path):
    store = Store.open_or_create(tmp_path / "s", 16)
    columns = {"subject": ["x", None, None], "image": ["1", "2", "3"], "video": [None, "v", None]}
    add(store, "a", crops(3), labels={"a": {"AU12": [1, 0, 1]}}, **columns)
    rows = np.arange(3)
    first = describe_split(store, rows, store.labels())
    assert first["subject"] == ["a/x"]
    assert first["video"] == ["a/v"]
    assert first["image"] == ["a/3"]
    assert describe_split(store, rows, store.labels()) == first
    assert describe_split(store, rows[:2], store.labels())["digest"] != first["digest"]
    with pytest.raises(
        InputError, match=r"trained on 2 of these people or videos.* a/x, image a/3"
    ):
        refuse_trained_on("run", {"subject": ["a/x"], "image": ["a/3"]}, store, rows)
    refuse_trained_on("run", {"subject": ["a/x"], "image": ["a/2"]}, store, rows[1:])
    store.label("r", [0], {"valence": [0.5]})
    assert describe_split(store, rows, store.labels())["digest"] != first["digest"]
    (store.folder / "subjects.csv").write_text("id,person\na/x,p\nb/y,p\n")
    store.reload()
    with pytest.raises(InputError, match="subject p"):
        refuse_trained_on("run", {"subject": ["b/y"]}, store, rows)  # the same person


def test_splitting_writes_no_pixels_and_leaves_the_official_split(faces, tmp_path, cli):
    shutil.copytree(faces, tmp_path / "s")
    before = {p: p.stat().st_mtime_ns for p in (tmp_path / "s" / "pixels").rglob("*.npy")}
    result = cli("split", tmp_path / "s", "--ratios", "0.5,0.25,0.25", "--json")
    assert result.code == 0
    found = json.loads(result.out)["splits"]
    assert sum(part["people"] for part in found.values()) == 12
    assert {name: part["faces"] for name, part in found.items()} == {
        name: len(Store.open(tmp_path / "s").rows(name)) for name in ("train", "val", "test")
    }
    after = {p: p.stat().st_mtime_ns for p in (tmp_path / "s" / "pixels").rglob("*.npy")}
    assert before == after
    assert len(Store.open(tmp_path / "s").rows("train", "official")) == 80
    assert cli("split", tmp_path / "s", "--ratios", "0.9,0.1", "--name", "other").code == 0
    assert Store.open(tmp_path / "s").splits == ("default", "official", "other")
    assert len(Store.open(tmp_path / "s").rows("train")) == found["train"]["faces"]


def test_a_split_of_ones_own_is_checked(faces, tmp_path, cli):
    shutil.copytree(faces, tmp_path / "s")
    people = [f"person{i:02d}" for i in range(12)]
    lines = [f"{p},{'train' if i < 8 else 'val'}" for i, p in enumerate(people)]
    lines[0] = f"corpus/{lines[0]}"
    (tmp_path / "ok.csv").write_text("subject,split\n" + "\n".join(lines) + "\n")
    assert cli("split", tmp_path / "s", "--from", tmp_path / "ok.csv").code == 0
    assert len(Store.open(tmp_path / "s").rows("train")) == 80
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


def test_people_of_several_ids_may_be_named_by_any_of_them(tmp_path):
    store = Store.open_or_create(tmp_path / "s", 16)
    add(store, "c", crops(3), subject=["1", "2", "3"])
    (store.folder / "subjects.csv").write_text("id,person\nc/1,anna\nc/2,anna\nc/3,1\n")
    given, told = tmp_path / "g.csv", []
    given.write_text("subject,split\nc/1,train\n2,train\nc/3,val\n")
    parts = split(store.folder, given=given, say=told.append)
    assert {name: part.faces for name, part in parts.items()} == {"train": 2, "val": 1}
    assert "'1' is a person, and not c/1" in told[0]
    given.write_text("subject,split\nc/1,train\nc/2,val\n")
    with pytest.raises(InputError, match="anna is in two splits"):
        split(store.folder, given=given)


def test_whom_a_run_saw_is_kept_by_id_too(tmp_path):
    store = Store.open_or_create(tmp_path / "s", 16)
    add(store, "c", crops(2), subject=["1", "2"])
    (store.folder / "subjects.csv").write_text("id,person\nc/1,anna\n")
    store.reload()
    seen = members(store, np.array([0]))
    assert (seen["subject"], seen["subject_id"]) == (["anna"], ["c/1"])
    (store.folder / "subjects.csv").write_text("id\n")
    store.reload()
    with pytest.raises(InputError, match="subject c/1"):
        refuse_trained_on("run", seen, store, np.array([0]))
    refuse_trained_on("run", seen, store, np.array([1]))
    (tmp_path / "runs" / "r").mkdir(parents=True)
    (tmp_path / "runs" / "r" / "run.json").write_text(json.dumps({"data": seen}))
    found = mien.forget(store.folder, "c/1", runs=tmp_path / "runs")
    assert found.runs == [str(tmp_path / "runs" / "r")]
