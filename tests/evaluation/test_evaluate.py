import json
import shutil

import numpy as np
import pytest

from mien.errors import InputError
from mien.evaluation.evaluate import (
    ScoredFaces,  # pytest would collect a Test...
    evaluate,
)
from mien.models.torch_recogniser import TorchRecogniser
from mien.runs.run import Run
from mien.store import Store


@pytest.fixture(autouse=True)
def few_pictures(monkeypatch):
    """The detector looks at few pictures here: what it finds is tested in test_faceness."""
    monkeypatch.setattr("mien.evaluation.evaluate.LOOKED_AT", 4)


def test_the_whole_split_is_scored_as_by_hand(run_folder, faces):
    run, store = Run.open(run_folder), Store.open(faces)
    result = evaluate(run, ScoredFaces.of(run, store, "test"), "test")
    rows = store.rows("test")
    recogniser = TorchRecogniser.load(run.last().recogniser)
    found = recogniser.predict(store.pixels(32).gather(rows))
    labels = store.labels().at(rows)
    unit = result["last"]["au"]["outputs"]["AU12"]
    said, true = found.column("au", "AU12") >= 0.5, labels.column("au", "AU12") == 1
    assert unit["recall"] == pytest.approx((said & true).sum() / true.sum())
    assert unit["labelled"] == 20
    truth = labels.column("valence_arousal", "valence")
    error = (found.column("valence_arousal", "valence") - truth)[~np.isnan(truth)]
    valence = result["last"]["valence_arousal"]["outputs"]["valence"]
    assert valence["mse"] == pytest.approx(float(np.mean(error**2)), rel=1e-5)
    assert valence["rmse"] ** 2 == pytest.approx(valence["mse"])
    assert valence["labelled"] == len(error)
    said, true = found["expression"].argmax(1), labels["expression"].argmax(1)
    assert result["last"]["expression"]["accuracy"] == np.mean(said == true)
    assert np.sum(result["last"]["expression"]["confusion"]) == 20
    assert result["last"]["real_called_real"] == np.mean(found.fake < 0.5)
    assert result["faces"] == 20
    assert result["last"]["step"] == 8
    assert result["best"]["step"] == run.info()["best"]["step"]


def test_json_has_null_where_nothing_is_labelled(run_folder, faces, tmp_path, cli):
    shutil.copytree(faces, tmp_path / "s")
    store = Store.open(tmp_path / "s")
    store.label("corpus", store.column("face_id"), {"arousal": np.full(len(store), np.nan)})
    shown = cli("evaluate", run_folder, "--store", tmp_path / "s", "--split", "val", "--json")
    assert shown.code == 0
    result = json.loads(shown.out)
    outputs = result["last"]["valence_arousal"]["outputs"]
    assert outputs["arousal"] == {"ccc": None, "mse": None, "rmse": None, "labelled": 0}
    assert -1 <= outputs["valence"]["ccc"] <= 1
    kept = json.loads((run_folder / "evaluation.json").read_text())
    assert kept["val of s"]["last"] == result["last"]


def test_the_table_for_people(run_folder, cli):
    shown = cli("evaluate", run_folder, "--split", "test")
    assert shown.code == 0
    for words in ("AU12 F1", "valence CCC", "expression macro F1", "fake called fake", "step 8"):
        assert words in shown.out


def test_what_cannot_be_evaluated_is_said(run_folder, faces, tmp_path, cli):
    assert "not a run" in cli("evaluate", tmp_path, "--split", "val").err
    nothing = cli("evaluate", run_folder, "--split", "holdout")
    assert nothing.code == 2
    assert "no face in part 'holdout' of split 'official'; it has test, train, val" in nothing.err
    with pytest.raises(InputError, match="not a store"):
        ScoredFaces.of(Run.open(run_folder), Store.open(tmp_path), "val")


def test_a_recogniser_is_scored_without_generated_faces(recogniser_run, large_faces, cli):
    shown = cli("evaluate", recogniser_run, "--split", "val", "--json")
    assert shown.code == 0, shown.err
    result = json.loads(shown.out)
    assert "real_with_a_face" not in result
    last = result["last"]
    assert (last["fakes"], last["fakes_with_a_face"]) == (0, None)
    assert (last["real_called_real"], last["fake_called_fake"]) == (None, None)
    rows = Store.open(large_faces).rows("val")
    crops = Store.open(large_faces).pixels(64).gather(rows)
    found = TorchRecogniser.load(Run.open(recogniser_run).last().recogniser).predict(crops)
    truth = Store.open(large_faces).labels().at(rows).column("valence_arousal", "arousal")
    error = (found.column("valence_arousal", "arousal") - truth)[~np.isnan(truth)]
    arousal = last["valence_arousal"]["outputs"]["arousal"]
    assert arousal["mse"] == pytest.approx(float(np.mean(error**2)), rel=1e-5)
    swept = cli("evaluate", recogniser_run, "--split", "val", "--sweep", "--json")
    found = json.loads(swept.out)
    assert [row["step"] for row in found["checkpoints"]] == [2, 3]
    assert found["best"]["fake called fake"] == {"value": None, "step": None}
    errors = {row["step"]: row["MSE arousal"] for row in found["checkpoints"]}
    assert errors[found["best"]["MSE arousal"]["step"]] == min(errors.values())
    table = cli("evaluate", recogniser_run, "--split", "val")
    assert "arousal CCC" in table.out
    assert "called" not in table.out


def test_a_sweep_gives_each_metrics_best_and_when(faces, tmp_path, cli):
    run = tmp_path / "swept"
    settings = ("steps=9", "checkpoint_every=3", "keep_checkpoints=9", "batch_size=16")
    words = [word for setting in settings for word in ("--set", setting)]
    assert cli("train", "joint-32", "--store", faces, "--run", run, *words).code == 0
    done = cli("evaluate", run, "--split", "val", "--sweep", "--json")
    assert done.code == 0, done.err
    found = json.loads(done.out)
    steps = [row["step"] for row in found["checkpoints"]]
    assert steps == [3, 6, 9]
    for name, pick in (("mean accuracy", max), ("MSE valence", min)):
        best = found["best"][name]
        values = {row["step"]: row[name] for row in found["checkpoints"]}
        assert best["value"] == pick(values.values())
        assert values[best["step"]] == best["value"]
    last = json.loads(cli("evaluate", run, "--split", "val", "--json").out)["last"]
    assert (
        found["checkpoints"][-1]["CCC valence"]
        == last["valence_arousal"]["outputs"]["valence"]["ccc"]
    )
    shutil.rmtree(run / "checkpoints/step-00000003")
    (run / "sweep.json").rename(run / "unfinished-sweep.json")  # as one that was broken off
    again = json.loads(cli("evaluate", run, "--split", "val", "--sweep", "--json").out)
    assert again["checkpoints"] == found["checkpoints"]  # scored then, gone since
    other = cli("evaluate", run, "--split", "test", "--sweep")
    assert other.code == 2
    assert "holds scores of checkpoints that are gone, on val" in other.err
    assert not (run / "unfinished-sweep.json").exists()
    assert (run / "sweep.json").exists()
    page = (run / "report.html").read_text("utf-8")
    assert page.count('alt="samples at step') == 3
    assert "joint-32" in page


def test_a_run_is_asked_everything_that_a_table_is(run_folder, faces, tmp_path, cli):
    page = tmp_path / "page.html"
    words = ("evaluate", run_folder, "--part", "test", "--intervals", "--by", "person")
    more = ("--thresholds", "val", "--post-process", "val", "--against", run_folder)
    done = cli(*words, *more, "--report", page, "--json")
    assert done.code == 0, done.err
    result = json.loads(done.out)
    details = result["details"]
    best = result["best"]["valence_arousal"]["outputs"]["valence"]["ccc"]
    interval = details["intervals"]["heads"]["valence_arousal"]["valence CCC"]
    assert interval["value"] == pytest.approx(best, abs=1e-6)
    same = details["against"]["heads"]["valence_arousal"]["valence CCC"]
    assert (same["difference"], same["p"]) == (0, 1)  # against itself
    assert set(details["by"]["person"]) == {"corpus/person10", "corpus/person11"}
    assert set(details["thresholds"]["units"]) == set(result["best"]["au"]["outputs"])
    assert "Reliability" in page.read_text("utf-8")
    kept = json.loads((run_folder / "evaluation.json").read_text())
    assert kept["test"]["details"]["intervals"]["number"] == 2
    assert "goes with no other question" in cli(*words, "--sweep").err
