"""The benchmarks that docs cite still run: once, small, for their content and not their speed."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from mien.evaluation.evaluate import (
    ScoredFaces,  # pytest would collect a Test...
    score_checkpoint,
)
from mien.metrics.measures import of_checkpoint
from mien.models.torch_recogniser import TorchRecogniser
from mien.progress import silent
from mien.runs.run import Checkpoint, Run
from mien.store import Store
from mien.training.build import build
from mien.training.head_loss import sum_terms
from mien.training.loop import train
from mien.training.recipe import load_recipe


@pytest.fixture(autouse=True)
def benchmarks(monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path, str(Path(__file__).parents[1] / "benchmarks")])


@pytest.mark.parametrize("recipe", ["vanilla-28", "cgan", "cwgan", "cnn-m-64"])
def test_a_step_is_timed_against_bare_ones(recipe):
    from train_step import measure

    times, work = measure(load_recipe(recipe, ["batch_size=8"]), 1, 2, 1.0, [])
    assert set(times) == {"mien", "bare", "plain"}
    assert all(len(rounds) == 1 and rounds[0] > 0 for rounds in times.values())
    assert work > 0


def test_heads_gradients_add_up_to_that_of_the_loss(faces):
    from joint_gradients import of_heads

    parts = build(load_recipe("config1-32", ["batch_size=8"]), Store.open(faces))
    step, batch = parts.step, parts.batches.batch(0)
    found = of_heads(step, batch)
    shared = list(step.networks["discriminator"].parameters())[:-2]
    out = step.pair.discriminate_again(batch.images)
    loss = sum_terms(step.loss.on_real(out, batch.labels))
    whole = torch.cat([part.flatten() for part in torch.autograd.grad(loss, shared)])
    assert {"fake/au", "fake/fake", "fake/valence_arousal"} < found.keys()
    real = [vector for name, vector in found.items() if name.startswith("real/")]
    assert len(real) == 3
    assert torch.allclose(torch.stack(real).sum(0), whole, rtol=1e-3, atol=1e-5)


def test_weights_are_packed_by_name_in_half_precision(run_folder, tmp_path, monkeypatch):
    import pack_weights

    packed = tmp_path / "weights"
    monkeypatch.setattr(sys, "argv", ["pack_weights", str(run_folder), "--out", str(packed)])
    pack_weights.main()
    assert {p.name for p in packed.iterdir()} == {
        "generator.safetensors", "discriminator.safetensors",
    }  # fmt: skip
    last, small = Run.open(run_folder).last(), Checkpoint(packed)
    whole, half = load_file(last.recogniser), load_file(small.recogniser)
    for name, value in whole.items():
        narrow = value.half() if value.dtype == torch.float32 else value
        assert torch.equal(half[name], narrow)
    one, other = (TorchRecogniser.load(c.recogniser) for c in (last, small))
    assert one.spec == other.spec
    assert next(other.network.parameters()).dtype == torch.float32


def test_a_moving_average_is_packed_as_what_it_follows(tmp_path, monkeypatch):
    import pack_weights

    folder = tmp_path / "run" / "checkpoints" / "step-00000003"
    folder.mkdir(parents=True)
    Run(tmp_path / "run").write_info(stores=[], data={}, best=None)
    for name, value in (("recogniser", 1.0), ("recogniser_average", 2.0), ("optimisers", 3.0)):
        save_file({"w": torch.full((1,), value)}, folder / f"{name}.safetensors")
    words = ["pack_weights", str(tmp_path / "run"), "--out", str(tmp_path / "out")]
    monkeypatch.setattr(sys, "argv", words)
    pack_weights.main()
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["recogniser.safetensors"]
    assert load_file(tmp_path / "out" / "recogniser.safetensors")["w"].item() == 2


@pytest.mark.parametrize("name", ["GAN joint (kollias-2018)", "joint-32", "plain AU"])
def test_an_ablation_is_trained_and_scored(faces, tmp_path, monkeypatch, name):
    import joint_ablation

    quick = ("batch_size=8", "checkpoint_every=3", "log_every=1", "precision=float32", "seed=0")
    base = joint_ablation.OWN if name in joint_ablation.RECIPES else joint_ablation.BASE
    settings = [*base, *joint_ablation.VARIANTS[name], *quick, "steps=3"]
    recipe = load_recipe(joint_ablation.RECIPES.get(name, "config1-32"), settings)
    run, store = Run(tmp_path / "run"), Store.open(faces)
    train(recipe, store, run)
    found = joint_ablation.score(faces, run.folder)
    val = ScoredFaces.of(run, store, "val")
    wanted = of_checkpoint(score_checkpoint(run.last(), val, 0, silent, generated=2))
    assert found["F1"] == wanted["mean F1"]
    assert found["real called real"] == pytest.approx(wanted["real called real"], nan_ok=True)
    assert np.isnan(found["CCC V"]) == (name == "plain AU")
    assert 0 <= found["AUC"] <= 1


def test_the_transfer_to_real_faces_is_printed(run_folder, faces, capsys):
    from actors_realism import transfer

    transfer(run_folder, faces)
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in lines] == [
        "AU12", "AU15", "AU25", "20 faces", "expressions",
    ]  # fmt: skip
