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
        ("config1-32", ["start=nowhere"], "neither a run's folder, nor a file of weights"),
        ("config1-32", ["start=RUN", HEADS, "heads.au=[12]"], "does not fit"),
        (
            "config1-32",
            ["start=RUN", HEADS, "heads.au=[1, 2, 4, 5, 6, 9, 12, 15]"],
            "heads are not this recipe's",
        ),
        ("joint-32", ["start=RUN"], "generator is a Config1Generator"),
        (
            "joint-32",
            ["start=body.pth"],
            "a file holds one network, and the recipe has generator, ",
        ),
        ("cnn-m-64", ["start=body.pth"], "there is no such file; mien fetches no weights"),
    ],
)
def test_a_start_that_does_not_fit_is_refused(run_folder, faces, recipe, settings, words):
    settings = [word.replace("RUN", str(run_folder)) for word in settings]
    with pytest.raises(InputError, match=words):
        build(load_recipe(recipe, settings), Store.open(faces))


def test_a_file_of_a_run_gives_its_body_to_other_heads(recogniser_run, large_faces):
    run = Run.open(recogniser_run)
    file = run.last().recogniser
    settings = [f"start={file}", "batch_size=4"]
    said: list[str] = []
    other = load_recipe("cnn-m-64", ["heads.au=[12, 15]", *settings])
    parts = build(other, Store.open(large_faces), say=said.append)
    saved = load_file(file)
    mine = parts.step.networks["recogniser"].state_dict()
    assert all(torch.equal(mine[k], v) for k, v in saved.items() if not k.startswith("head."))
    assert mine["head.weight"].shape == (4, 4096)
    assert said[0].endswith(
        "left out: head.weight, head.bias; from random numbers: head.weight, head.bias"
    )
    assert set(run.info()["data"]["subject"]) <= set(parts.data["subject"])
    said.clear()
    same = build(load_recipe("cnn-m-64", settings), Store.open(large_faces), say=said.append)
    assert torch.equal(same.step.networks["recogniser"].head.weight, saved["head.weight"])
    assert "left out" not in said[0]


def test_weights_of_others_start_a_training_and_say_what_they_are(large_faces, tmp_path, cli):
    from mien.models.recognition.resnet50 import ResNet50

    given = {k: v for k, v in ResNet50(outputs=2).state_dict().items() if k.split(".")[0] not in
             ("head", "range")}  # fmt: skip
    given |= {"fc.weight": torch.zeros(1000, 2048), "fc.bias": torch.zeros(1000)}
    torch.save(given, tmp_path / "resnet50.pth")
    words = ("train", "resnet-50", "--store", large_faces, "--set", "image_size=32")
    short = ("--set", "steps=1", "--set", "batch_size=8")
    file = ("--set", f"start={tmp_path / 'resnet50.pth'}")
    result = cli(*words, "--run", tmp_path / "run", *short, *file)
    assert result.code == 0, result.err
    assert "by torchvision and timm's names; left out: fc.weight, fc.bias" in result.err
    assert "whom its weights were trained on is not known" in result.err
    kept = load_file(Run.open(tmp_path / "run").last().recogniser)
    assert kept["range.scale"].tolist() == pytest.approx([0.5 / d for d in (0.229, 0.224, 0.225)])
    del given["layer3.0.bn1.bias"]
    torch.save(given, tmp_path / "resnet50.pth")
    result = cli(*words, "--run", tmp_path / "other", *short, *file)
    assert result.code == 2
    assert "lacks layer3.0.bn1.bias" in result.err
    assert not (tmp_path / "other").exists()


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
