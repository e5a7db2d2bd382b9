import json
import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from mien.errors import InputError
from mien.models.sampler import FaceSampler
from mien.models.torch_recogniser import TorchRecogniser
from mien.runs.run import Checkpoint, Run
from mien.store import Store
from mien.training.build import build
from mien.training.loop import train
from mien.training.recipe import load_recipe
from mien.weights import shipped

HEADS = "heads.expression=true"  # as run_folder has it


def test_a_training_goes_on_from_another_run(run_folder, faces):
    recipe = load_recipe("config1-32", ["batch_size=16", f"start={run_folder}", HEADS])
    parts = build(recipe, Store.open(faces))
    best = Run.open(run_folder).best()
    for name, file in (("generator", best.sampler), ("discriminator", best.recogniser)):
        network = parts.step.networks[name]
        saved = load_file(file)
        assert all(torch.equal(value, saved[key]) for key, value in network.state_dict().items())
    trained = json.loads((run_folder / "run.json").read_text())["data"]
    assert set(trained["subject"]) <= set(parts.data["subject"])


def test_whom_the_start_was_trained_on_is_remembered(run_folder, faces, monkeypatch):
    info = Run.open(run_folder).info()
    info["data"]["subject"] = [*info["data"]["subject"], "somebody else"]
    monkeypatch.setattr(Run, "info", lambda self: info)
    parts = build(load_recipe("config1-32", [f"start={run_folder}", HEADS]), Store.open(faces))
    assert "somebody else" in parts.data["subject"]


def test_a_run_goes_on_when_its_start_is_gone(run_folder, faces, tmp_path):
    shutil.copytree(run_folder, tmp_path / "start")
    words = [f"start={tmp_path / 'start'}", HEADS, "batch_size=16", "steps=2", "checkpoint_every=1"]
    train(load_recipe("config1-32", words), Store.open(faces), Run(tmp_path / "run"))
    shutil.rmtree(tmp_path / "start")
    longer = load_recipe("config1-32", [*words, "steps=3"])
    train(longer, Store.open(faces), Run(tmp_path / "run"), resume=True)
    assert Run.open(tmp_path / "run").last().step == 3


@pytest.mark.parametrize(
    ("recipe", "settings", "words"),
    [
        ("config1-32", ["start=nowhere"], "neither a run's folder nor weights that come with mien"),
        ("config1-32", ["start=RUN", HEADS, "heads.au=[12]"], "does not fit"),
        (
            "config1-32",
            ["start=RUN", HEADS, "heads.au=[1, 2, 4, 5, 6, 9, 12, 15]"],
            "heads are not this recipe's",
        ),
        ("joint-32", ["start=RUN"], "generator is a Config1Generator"),
    ],
)
def test_a_start_that_does_not_fit_is_refused(run_folder, faces, recipe, settings, words):
    settings = [word.replace("RUN", str(run_folder)) for word in settings]
    with pytest.raises(InputError, match=words):
        build(load_recipe(recipe, settings), Store.open(faces))


@pytest.mark.parametrize("name", sorted(shipped()))
def test_weights_that_come_with_mien_have_a_card(name):
    folder = shipped()[name]
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert "**What they saw**" in card
    assert "**What they are not**" in card
    assert "Licence: " in card


def test_generators_that_come_with_mien_make_faces():
    checkpoint = Checkpoint(shipped()["joint-32-actors"])
    faces = next(iter(FaceSampler.load(checkpoint.sampler).batches(64, 0)))
    assert faces.std(0).mean() > 0.1  # not one face, 64 times
    seen = TorchRecogniser.load(checkpoint.recogniser).predict_batches([faces])
    assert [head.name for head in seen.heads] == ["valence_arousal", "au", "expression"]
    assert all(np.isfinite(values).all() for values in seen.values())
    assert np.allclose(seen["expression"].sum(1), 1, atol=1e-5)


def test_there_are_weights_that_come_with_mien():
    assert {"joint-32-actors", "mien-base"} <= set(shipped())
