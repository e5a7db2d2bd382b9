"""What bartissol-2017 learned of softmax on Action Units, section 4.1.3, learned again."""

import torch

from mien.losses import LOSSES

SOFTMAX, RIGHT = LOSSES["binary"]["softmax"], LOSSES["binary"]["cross-entropy"]


def test_the_surer_the_right_answer_the_greater_the_loss():
    """Two units are there and both are called so, ever more surely: softmax sees a contest."""
    there, known = torch.tensor([[1.0, 1.0, 0.0]]), torch.ones(1, 3)
    losses = []
    for sure in (10.0, 1e3, 4e6):
        logits = torch.tensor([[sure, sure / 2, -sure]])
        assert ((logits > 0).float() == there).all()
        assert RIGHT(logits, there, known) < 0.01
        losses.append(float(SOFTMAX(logits, there, known)))
    assert losses == sorted(losses)
    assert losses[-1] > 1e6


def test_it_blows_up_where_cross_entropy_learns():
    """60 units on the features of a frozen body, the document's optimiser and rate."""
    for name, blows_up in (("softmax", True), ("cross-entropy", False)):
        losses = _train(LOSSES["binary"][name])
        untrained, end = losses[0], sum(losses[-20:]) / 20
        assert (end > 5 * untrained) == blows_up, (name, untrained, end)
        assert (end < untrained) != blows_up, (name, untrained, end)


def _train(loss, faces: int = 512, features: int = 256, units: int = 60) -> list[float]:
    """Losses of 120 steps of a layer of outputs; units follow from the features, one in ten."""
    source = torch.Generator().manual_seed(0)
    x = torch.relu(torch.randn(faces, features, generator=source)) * 20
    scores = x @ torch.randn(features, units, generator=source)
    there = (scores > scores.quantile(0.9, dim=0)).float()
    layer = torch.nn.Linear(features, units)
    with torch.no_grad():
        layer.weight.normal_(0, 0.01, generator=source)
        layer.bias.zero_()
    optimiser = torch.optim.RMSprop(
        layer.parameters(), 0.01, alpha=0.9, momentum=0.9, weight_decay=4e-5
    )
    found = []
    for _ in range(120):
        rows = torch.randint(0, faces, (32,), generator=source)
        value = loss(layer(x[rows]), there[rows], torch.ones(32, units))
        optimiser.zero_grad()
        value.backward()
        optimiser.step()
        found.append(value.item())
    return found
