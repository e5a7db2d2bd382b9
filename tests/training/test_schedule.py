"""The course of learning rates."""

import pytest
import torch

from mien.training.recipe import load_recipe
from mien.training.schedule import rate_factor, set_rates


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        ([], {0: 1, 99: 1}),
        (["warmup=4"], {0: 0.25, 1: 0.5, 3: 1, 4: 1, 99: 1}),
        (["schedule=cosine"], {0: 1, 25: 0.5 + 0.125**0.5, 50: 0.5, 100: 0, 200: 0}),
        (["schedule=cosine", "warmup=20"], {0: 0.05, 19: 1, 20: 1, 60: 0.5, 100: 0}),
    ],
)
def test_factors_by_hand(settings, wanted):
    recipe = load_recipe("cnn-m-64", ["steps=100", *settings])
    found = {step: rate_factor(recipe, step) for step in wanted}
    assert found == pytest.approx(wanted, abs=1e-12)


def test_rates_fall_every_two_epochs_as_the_document_has_it():
    """bartissol-2017, section 4.2.1: 0.94 every 2 epochs; 15,000 images by 32 are 469 steps."""
    recipe = load_recipe("cnn-m-64", ["schedule=exponential", "batch_size=32"])
    found = [rate_factor(recipe, step, 15_000) for step in (0, 937, 938, 1875, 5000)]
    assert found == pytest.approx([1, 1, 0.94, 0.94**2, 0.94**5])


def test_a_schedule_longer_than_the_training_is_no_division_by_nought():
    recipe = load_recipe("cnn-m-64", ["steps=5", "warmup=5", "schedule=cosine"])
    assert [rate_factor(recipe, step) for step in (0, 4, 5)] == pytest.approx([0.2, 1, 1])


def test_every_optimiser_has_its_rate_times_the_factor():
    recipe = load_recipe("config1-32", ["steps=100", "warmup=4"])
    weights = {name: [torch.zeros(1, requires_grad=True)] for name in ("generator", "critic")}
    optimisers = {name: torch.optim.SGD(w, 9.0) for name, w in weights.items()}
    set_rates(optimisers, {"generator": 0.4, "critic": 0.8}, recipe, 1)
    found = {name: optimiser.param_groups[0]["lr"] for name, optimiser in optimisers.items()}
    assert found == pytest.approx({"generator": 0.2, "critic": 0.4})
