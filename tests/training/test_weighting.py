"""Weights of heads that follow from their losses."""

import math

import pytest
import torch

from mien.errors import InputError
from mien.training.weighting import GradientNormWeights, UncertaintyWeights, weighting_of


def losses(**values: float) -> dict[str, torch.Tensor]:
    return {name: torch.tensor(value) for name, value in values.items()}


def test_uncertainty_by_hand():
    weights = UncertaintyWeights()
    first = weights(losses(valence_arousal=2.0, expression=3.0))
    # s = 0: half a squared error, one cross-entropy
    assert [float(v) for v in first.values()] == [1.0, 3.0]
    second = weights(losses(valence_arousal=2.0, expression=3.0))
    # s moved by 0.01 (L c exp(-s) - 1/2): by 0.005 and 0.025
    assert float(second["valence_arousal"]) == pytest.approx(math.exp(-0.005))
    assert float(second["expression"]) == pytest.approx(3 * math.exp(-0.025))


def test_uncertainty_settles_where_every_head_weighs_a_half_and_a_head_without_labels_waits():
    weights = UncertaintyWeights()
    for _ in range(3000):
        found = weights(losses(valence_arousal=0.1, expression=4.0, au=0.0))
    assert float(found["valence_arousal"]) == pytest.approx(0.5, abs=1e-3)
    assert float(found["expression"]) == pytest.approx(0.5, abs=1e-3)
    assert weights.factors["au"] == 1


def two_heads() -> tuple[torch.nn.Linear, GradientNormWeights]:
    """A last layer whose two outputs pull features (1, 1) by 1 and by 4."""
    layer = torch.nn.Linear(1, 2, bias=False)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[1.0], [4.0]]))
    return layer, GradientNormWeights(torch.nn.Sequential(layer))


def test_gradient_norms_by_hand():
    layer, weights = two_heads()
    seen = torch.ones(1, 1, requires_grad=True)
    out = layer(seen)[0]
    used = weights({"au": out[0], "expression": out[1]})
    assert {name: v.item() for name, v in used.items()} == {"au": 1.0, "expression": 4.0}
    # norms 1 and 4, in units of 2.5; targets 2.5 both: 1 + 0.01 and 1 - 0.04, scaled to a sum of 2
    assert weights.factors == pytest.approx({"au": 2.02 / 1.97, "expression": 1.92 / 1.97})
    again = GradientNormWeights(torch.nn.Linear(1, 1))
    again.remember(weights.memory())
    assert again.memory() == weights.memory() != {}


def test_gradient_norms_end_alike():
    layer, weights = two_heads()
    for _ in range(400):
        out = layer(torch.ones(1, 1, requires_grad=True))[0]
        weights({"au": out[0], "expression": out[1]})
    assert 4 * weights.factors["expression"] == pytest.approx(weights.factors["au"], rel=0.15)


def test_gradient_norms_want_a_dense_last_layer():
    with pytest.raises(InputError, match="is not dense"):
        weighting_of("gradient-norm", torch.nn.Conv2d(1, 1, 1), 1)
    with pytest.raises(InputError, match="one process"):
        weighting_of("gradient-norm", torch.nn.Linear(1, 1), 2)
