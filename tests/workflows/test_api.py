"""Every verb as a function: what `import mien` offers, without the command line."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import mien
from conftest import read_labels, write_corpus
from mien.errors import InputError

QUICK = ("steps=4", "log_every=2", "checkpoint_every=2", "batch_size=8", "method.update_rate=1")


def test_every_name_that_is_offered_exists_and_is_documented():
    for name in mien.__all__:
        found = getattr(mien, name)
        assert name == "__version__" or found.__doc__, name
    with pytest.raises(AttributeError, match="no attribute 'analyse'"):
        mien.analyse  # noqa: B018


def test_importing_mien_loads_nothing_of_it():
    code = "import sys, mien; print([m for m in sys.modules if m.startswith('mien.')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_corpus_is_imported_described_split_and_relabelled(tmp_path):
    corpus, store = write_corpus(tmp_path / "corpus", splits=False), tmp_path / "store"
    done = mien.import_corpus("folder", corpus, store=store, size=32, au_threshold=0.4)
    assert (done.faces, done.rows) == (120, 120)
    assert mien.stats(store)["all"]["people"] == 12
    parts = mien.split(store, ratios=(0.5, 0.5), seed=1)
    assert {name: part.people for name, part in parts.items()} == {"train": 6, "val": 6}
    assert mien.check_split(store) == parts
    table = tmp_path / "second.csv"
    names = [row["image"] for row in read_labels(corpus)][:5]
    table.write_text("image,AU12\n" + "".join(f"{name},1\n" for name in names))
    added = mien.add_labels(store, table, layer="rater2")
    assert (added.labelled, added.unmatched) == (5, [])
    assert mien.list_layers(store)["rater2"] == {"faces": 5, "heads": {"au": ["AU12"]}}
    labels = mien.Store.open(store).labels(["rater2"])
    assert np.nansum(labels.column("au", "AU12")) == 5


def test_options_of_a_corpus_are_checked_by_name(tmp_path):
    corpus = write_corpus(tmp_path / "corpus")
    with pytest.raises(InputError, match="no option 'au_treshold'; it has au_scale"):
        mien.import_corpus("folder", corpus, store=tmp_path / "store", au_treshold=1)
    with pytest.raises(InputError, match="unknown corpus kind"):
        mien.import_corpus("folders", corpus, store=tmp_path / "store")
    assert not (tmp_path / "store").exists()


def test_a_person_is_forgotten(tmp_path):
    corpus, store = write_corpus(tmp_path / "corpus"), tmp_path / "store"
    mien.import_corpus("folder", corpus, store=store, size=32)
    done = mien.forget(store, "corpus/person00", verify=True)
    assert (done.faces, done.traces, done.runs) == (10, [], None)
    assert mien.stats(store)["all"]["people"] == 11


def test_a_video_is_ingested_and_analysed(clip, tmp_path):
    done = mien.ingest([clip], store=tmp_path / "store", size=32, fps=2)
    assert done.failed == {}
    assert done.videos[0].faces == len(mien.Store.open(tmp_path / "store")) > 0
    found = mien.analyze(clip, out=tmp_path / "faces.csv", model="joint-32-actors", fps=1)
    assert found.failed == []
    assert {"valence", "AU12_p", "expression"} <= set(found.table.column_names)
    assert found.table.num_rows == found.inputs[0].rows > 0


def test_a_training_is_scored_sampled_reported_and_exported(faces, tmp_path):
    run = mien.train("config1-32", store=faces, run=tmp_path / "run", settings=QUICK)
    assert run.last().step == 4
    scores = mien.evaluate(run.folder, part="val")["val"]["last"]
    assert 0 <= scores["au"]["mean_accuracy"] <= 1
    assert mien.sweep(run.folder, part="val")["val"]["best"]["mean F1"]["step"] in (2, 4, None)
    samples = mien.sample(run.folder, count=4, out=tmp_path / "grid.png")
    assert samples.pixels.shape == (4, 32, 32, 3)
    assert (tmp_path / "grid.csv").exists()
    assert mien.write_report(run.folder) == run.folder / "report.html"
    model = mien.export_model(run.folder, tmp_path / "model.onnx")
    recogniser = mien.load_recogniser(model.path)
    seen = recogniser.predict(samples.pixels)
    assert np.allclose(
        seen["au"], samples.predictions["au"], atol=1e-2, equal_nan=True
    )  # bytes are rounded
    with pytest.raises(InputError, match="holds a run"):
        mien.train("config1-32", store=faces, run=tmp_path / "run")


def test_a_table_is_reproduced(faces, tmp_path):
    page = mien.reproduce(
        "kolbenschlag-2020/stage-1", store=faces, out=tmp_path, part="val", steps=2, workers=1
    )
    assert page.title == "Random faces (scaled down: 2 of 9,400 steps)"
    assert (tmp_path / "kolbenschlag-2020-stage-1" / "index.html").exists()


def test_recipes_are_listed():
    found = mien.list_recipes()
    assert found["cnn-m-64"].method.name == "recognition"
    assert found["config1-32"].image_size == 32


def test_actors_are_filmed_and_toys_drawn(tmp_path):
    rows = mien.film(
        tmp_path / "cast", people=1, videos_per_person=1, seconds=1, size=(128, 96), fps=4
    )
    assert rows == 4
    mien.toys("digits", tmp_path / "toys", count=10)
    assert len(list((tmp_path / "toys" / "images").glob("*.png"))) == 10


def test_paths_may_be_text(faces):
    assert mien.stats(str(faces))["all"]["faces"] == mien.stats(Path(faces))["all"]["faces"] == 120


def test_options_out_of_range_are_refused(tmp_path):
    corpus, store = write_corpus(tmp_path / "corpus"), tmp_path / "store"
    for options, words in (
        ({"au_scale": "FACS"}, "au_scale 'FACS': known: facs"),
        ({"au_threshold": "0.5"}, "au_threshold '0.5'"),
        ({"size": -8}, "size -8: give 8 to 1024"),
    ):
        with pytest.raises(InputError, match=words):
            mien.import_corpus("folder", corpus, store=store, **options)
        assert not store.exists()
    mien.import_corpus("folder", corpus, store=store, size=32)
    with pytest.raises(InputError, match="seed -1"):
        mien.split(store, seed=-1)
    with pytest.raises(InputError, match="'official': is the one that corpora bring"):
        mien.split(store, name="official")
