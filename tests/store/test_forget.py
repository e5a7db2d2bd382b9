import json

import numpy as np
import pytest
from made import add, crops

from mien.errors import InputError
from mien.store import Store
from mien.store import forget as forgetting
from mien.store import shards as shard_files
from mien.store.files import log_file
from mien.store.shards import SHARD_BYTES

PEOPLE = ["anna", "ben", "anna", "carl"]


@pytest.fixture
def store(tmp_path) -> Store:
    """Two corpora with the same person, of whom one has been imported twice."""
    store = Store.open_or_create(tmp_path / "s", 16)
    pictures = crops(4)
    for corpus, seed in (("one", 0), ("two", 1), ("one", 0)):
        pictures = crops(4, seed=seed)
        images = [f"{name}/{i}.png" for i, name in enumerate(PEOPLE)]
        labels = {corpus: {"AU12": [1, 0, 1, 0], "expression": ["fear", "anger", "fear", "anger"]}}
        add(store, corpus, pictures, labels, ["train"] * 4, subject=PEOPLE, image=images)
    films = {"video": ["f.mp4"] * 2, "track": [0, 0], "frame": [0, 1]}
    add(store, "film", crops(2, seed=3), subject=["f.mp4#0"] * 2, corpus="film", **films)
    store.label("rater", [5, 6, 8], {"valence": [0.1, 0.2, 0.3]})
    (store.folder / "subjects.csv").write_text("id,person\none/anna,A\ntwo/anna,A\none/ben,\n")
    log = log_file(store.folder, "one")
    content = json.loads(log.read_text())
    content["summary"] = {
        "faces": 4,
        "failed": {"anna/9.png": "broken", "annabel/1.png": "broken"},
        "missing": ["x/anna_2.png", "ben/3.png", "anna/7.png"],
    }
    log.write_text(json.dumps(content))
    store.reload()
    store.pixels(8)
    return store


def everything(folder):
    return {p: p.read_bytes() for p in folder.rglob("*") if p.is_file() and p.name != ".lock"}


def check_gone(store: Store) -> None:
    store = Store.open(store.folder)
    assert set(store.names("subject")) == {"one/ben", "one/carl", "two/ben", "two/carl"} | {
        "film/f.mp4#0"
    }
    hashes = {crop.tobytes() for seed in (0, 1) for crop in crops(4, seed=seed)[[0, 2]]}
    for file in store.folder.glob("pixels/16/*.npy"):
        for crop in np.load(file):
            assert crop.tobytes() not in hashes
    rows = [row for row, name in enumerate(store.names("subject")) if name == "one/ben"]
    assert (store.pixels().gather(np.array(rows))[0] == crops(4)[1]).all()
    assert (store.pixels(8).gather(np.arange(6))).shape == (6, 8, 8, 3)
    assert len(store.rows("train")) == 4
    assert len(store.layer("rater")) == 1
    assert len(store.layer("one")) == 2
    assert {n: e["faces"] for n, e in store.info.sources.items()} == {"one": 2, "two": 2, "film": 2}
    for path, content in everything(store.folder).items():
        if path.suffix in (".json", ".csv"):
            assert b'anna"' not in content, path
            assert b"/anna" not in content, path
    log = json.loads(log_file(store.folder, "one").read_text())["summary"]
    assert log == {"faces": 4, "failed": {"annabel/1.png": "broken"}} | {"missing": ["ben/3.png"]}
    assert (store.folder / "subjects.csv").read_text() == "id,person\none/ben,\n"
    assert not list(store.folder.glob("partial/*"))


def test_a_person_goes_with_all_ids_from_every_file(store, tmp_path, cli):
    for name, people in (("saw", ["one/anna"]), ("did-not", ["one/ben"])):
        (tmp_path / "runs" / name).mkdir(parents=True)
        info = {"data": {"subject": people}}
        (tmp_path / "runs" / name / "run.json").write_text(json.dumps(info))
    found = cli(
        *("forget", store.folder, "--subject", "one/anna"),
        *("--runs", tmp_path / "runs", "--verify", "--json"),
    )
    assert found.code == 0, found.err
    told = json.loads(found.out)
    assert told["ids"] == ["A", "one/anna", "two/anna"]
    assert told["faces"] == 4
    assert told["runs"] == [str(tmp_path / "runs" / "saw")]
    assert told["traces"] == []
    check_gone(store)
    again = cli("forget", store.folder, "--subject", "one/anna")
    assert again.code == 2
    assert "unknown subject 'one/anna'" in again.err


def test_the_only_person_of_an_import_takes_it_along(store):
    store.forget("film/f.mp4#0")
    assert "film" not in store.info.sources
    assert not log_file(store.folder, "film").exists()
    assert "film/f.mp4" not in store.codes("video").names


def test_verifying_finds_what_is_left(store):
    before = everything(store.folder)
    whom = store.forget("A")
    assert forgetting.traces(store, whom) == []
    for path, content in before.items():
        if not path.exists():
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)
    found = "\n".join(forgetting.traces(store, whom))
    assert "pixels/16/000000.npy: 6 crops with the pixels of theirs" in found  # two of them twice
    assert "pixels/8/000000.npy: derived" in found
    assert ".parquet: names them" in found


@pytest.mark.parametrize(
    "point",
    [
        "mien.store.forget._finish",
        "mien.store.edit.Edit.rewrite_shards",
        "mien.store.edit.StoreInfo.write",
        "mien.store.edit.Edit._clean",
        "mien.store.forget._scrub",
        "mien.store.forget.remove_subjects",
    ],
)
def test_what_was_interrupted_goes_on(store, monkeypatch, point):
    def die(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(point, die)
        with pytest.raises(KeyboardInterrupt):
            store.forget("A")
    again = Store.open(store.folder)
    again.pixels().gather(np.arange(len(again)))
    whom = again.forget("A")
    assert forgetting.traces(again, whom) == []
    assert len(whom.crops) == 4
    check_gone(again)


def test_pixels_that_no_face_names_any_more_go_too(store):
    """Those of the first import of `one`, which the second replaced."""
    with (store.folder / "pixels/16/000000.npy").open("ab") as shard:
        shard.write(crops(1, seed=9).tobytes())
    store.forget("one/ben")
    left = [crop for file in store.folder.glob("pixels/16/*.npy") for crop in np.load(file)]
    assert len(left) == len(store) == 9
    assert SHARD_BYTES > 2**20  # all of it was one shard


def test_pixels_and_tables_of_an_earlier_import_go_too(store, cli):
    """The person is in no import any more; what the earlier one wrote lies in the shard."""
    images = ["ben/1.png", "carl/3.png"]
    add(store, "one", crops(4)[[1, 3]], subject=["ben", "carl"], image=images)
    add(store, "two", crops(4, seed=1)[[1, 3]], subject=["ben", "carl"], image=images)
    assert forgetting.traces(store, forgetting.Forgotten(["one/anna"]))
    found = cli("forget", store.folder, "--subject", "one/anna", "--verify")
    assert found.code == 0, found.err
    left = [crop for file in store.folder.glob("pixels/16/*.npy") for crop in np.load(file)]
    assert len(left) == len(Store.open(store.folder))
    found = cli("forget", store.folder, "--subject", "one/anna")
    assert found.code == 2
    assert "pixels that no face has" not in found.err


def test_somebody_unknown_may_have_left_pixels(store, cli):
    with (store.folder / "pixels/16/000000.npy").open("ab") as shard:
        shard.write(crops(1, seed=9).tobytes())
    found = cli("forget", store.folder, "--subject", "one/zoe")
    assert found.code == 2
    assert "pixels that no face has any more were removed" in found.err
    store.reload()
    assert forgetting.traces(store, forgetting.Forgotten(["one/zoe"])) == []
    empty = Store.open_or_create(store.folder.with_name("empty"), 16)
    with pytest.raises(InputError, match="unknown subject"):
        empty.forget("x")


def test_short_lines_of_subjects_are_no_hindrance(store):
    file = store.folder / "subjects.csv"
    file.write_text("id,person,age\none/ben\none/carl,,31\none/anna,A\ntwo/anna,A\n")
    store.reload()
    store.forget("A")
    assert file.read_text() == "id,person,age\none/ben,,\none/carl,,31\n"


def test_strange_files_among_the_pixels_stay(store):
    names = [".000000.77.tmp.npy", "0copy.npy"]
    for name in names:
        (store.folder / "pixels/8" / name).touch()
    whom = store.forget("A")
    assert forgetting.traces(store, whom) == []
    assert [name for name in names if (store.folder / "pixels/8" / name).exists()] == names


def test_pixels_derived_meanwhile_do_not_come_back(store, monkeypatch):
    reader = Store.open(store.folder)
    resize = shard_files.resize_crops

    def forget_meanwhile(*args):
        monkeypatch.setattr(shard_files, "resize_crops", resize)
        store.forget("A")
        return resize(*args)

    monkeypatch.setattr(shard_files, "resize_crops", forget_meanwhile)
    with pytest.raises(InputError, match="open it again"):
        reader.pixels(12)
    assert not list(store.folder.glob("pixels/12/*.npy"))
    assert len(Store.open(store.folder).pixels(12)) == 6


def test_letters_beyond_ascii_and_staged_pixels_are_found(store):
    log = store.folder / "log" / "stray.json"
    log.write_text(json.dumps({"note": "Zo\u00eb"}))
    whom = forgetting.Forgotten(["Zo\u00eb"], crops=[forgetting._digest(crops(1)[0])])
    with store.new_shard() as staged:
        staged.append(crops(1))
        staged.close()
        found = "\n".join(forgetting.traces(store, whom))
    assert "stray.json: names them" in found
    assert ".tmp: 1 crops with the pixels of theirs" in found


def test_logs_of_imports_without_a_face_stay(store):
    add(store, "nobody", crops(0))
    assert log_file(store.folder, "nobody").exists()
    store.forget("A")
    assert log_file(store.folder, "nobody").exists()


def test_a_note_that_was_cut_off_is_named(store):
    (store.folder / "partial").mkdir(exist_ok=True)
    (store.folder / "partial" / "forget-1.json").write_text("")
    with pytest.raises(InputError, match=r"forget-1\.json: an unfinished forgetting"):
        store.forget("A")


def test_a_number_for_a_name_leaves_the_notes_alone(store):
    add(store, "three", crops(2), subject=["1", "2"], image=["1.png", "2.png"])
    log = log_file(store.folder, "three")
    content = json.loads(log.read_text())
    content["summary"] = {
        "notes": ["1 of 30 rows"],
        "missing": ["1/my 9.png", "a b/1.png", "2/9.png"],
    }
    log.write_text(json.dumps(content))
    store.forget("three/1")
    kept = json.loads(log.read_text())["summary"]
    assert kept == {"notes": ["1 of 30 rows"], "missing": ["2/9.png"]}
