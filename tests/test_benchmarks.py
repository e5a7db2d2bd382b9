"""The benchmarks that docs cite still run: once, small, for their content and not their speed."""

import sys
from pathlib import Path

import pytest
import torch

from mien.store import Store
from mien.training.build import build
from mien.training.head_loss import sum_terms
from mien.training.recipe import load_recipe


@pytest.fixture(autouse=True)
def benchmarks(monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path, str(Path(__file__).parents[1] / "benchmarks")])


@pytest.mark.parametrize("recipe", ["vanilla-28", "cwgan"])
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
    network = step.game.discriminator.network
    shared = list(network.parameters())[:-2]
    loss = sum_terms(step.head_loss.on_real(step.game.judge_apart(batch.images), batch))
    whole = torch.cat([part.flatten() for part in torch.autograd.grad(loss, shared)])
    real = [vector for name, vector in found.items() if name.startswith("real/")]
    assert len(real) == 4
    assert torch.allclose(torch.stack(real).sum(0), whole, rtol=1e-3, atol=1e-5)
    assert any(name.startswith("fake/") for name in found)
