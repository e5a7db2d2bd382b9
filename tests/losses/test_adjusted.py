"""Losses of Table XI, of the softmax on units, and what `adjust` changes, worked by hand."""

import math

import numpy as np
import pytest
import torch

from mien.losses import LOSSES
from mien.losses.adjusted import Adjustment, adjusted, shares_of

BINARY, CLASSES = LOSSES["binary"], LOSSES["exclusive"]
LN2 = math.log(2)
ONES = torch.ones(1, 2)


def test_mse_before_and_after_the_softmax_by_hand():
    logits = torch.tensor([[0.0, math.log(3)], [9.0, 9.0]])  # shares 1/4, 3/4
    target = torch.tensor([[0.0, 1.0], [5.0, 5.0]])
    valid = torch.tensor([[1.0, 1.0], [0.0, 0.0]])
    before = CLASSES["mse-before-softmax"](logits, target, valid).item()
    assert before == pytest.approx((math.log(3) - 1) ** 2 / 2)
    assert CLASSES["mse-after-softmax"](logits, target, valid).item() == pytest.approx(1 / 16)


@pytest.mark.parametrize("kind", sorted(LOSSES))
def test_every_loss_ignores_what_is_masked_and_an_empty_mask_gives_an_exact_zero(kind):
    for name, loss in LOSSES[kind].items():
        width = 10 if kind == "ordinal" else 2
        raw = torch.linspace(-1, 2, 3 * width).reshape(3, width).requires_grad_()
        target = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]])
        none = loss(raw, target, torch.zeros(3, 2))
        none.backward()
        assert none.item() == 0, name
        assert raw.grad is not None
        assert raw.grad.abs().max() == 0, name
        valid = torch.tensor([[1.0, 1.0], [1.0, 1.0], [0.0, 0.0]])
        other = torch.where(valid > 0, target, 77.0)
        assert loss(raw, other, valid).item() == loss(raw, target, valid).item(), name


def test_the_softmax_on_units_is_the_lesson_of_the_document():
    """bartissol-2017, section 4.1.3: units do not exclude each other."""
    fault, right = BINARY["softmax"], BINARY["cross-entropy"]
    both = torch.ones(1, 2)
    # two present units, alike: log 2 each, and nothing is lower
    assert fault(torch.zeros(1, 2), both, ONES).item() == pytest.approx(2 * LN2)
    assert fault(torch.tensor([[9.0, 9.0]]), both, ONES).item() == pytest.approx(2 * LN2)
    assert right(torch.tensor([[9.0, 9.0]]), both, ONES).item() < 1e-3
    # one that is sure of one unit is punished without bound for the other
    assert fault(torch.tensor([[2e7, 0.0]]), both, ONES).item() > 10e6
    # a face without any unit says nothing: all of them may be said to be present
    raw = torch.tensor([[9.0, 9.0]], requires_grad=True)
    fault(raw, torch.zeros(1, 2), ONES).backward()
    assert raw.grad is not None
    assert raw.grad.abs().max() == 0
    assert right(raw, torch.zeros(1, 2), ONES).item() > 9
    # a unit without a label takes no part in the softmax
    half = torch.tensor([[1.0, 0.0]])
    assert fault(torch.tensor([[3.0, 50.0]]), both, half).item() == 0


def of_classes(**asked) -> float:
    """Loss of a face of class 0 with shares 1/2, 1/2, and one of class 1 with 1/4, 3/4."""
    logits = torch.tensor([[0.0, 0.0], [0.0, math.log(3)]])
    shares = np.array([0.8, 0.2], np.float32)
    names = ("neutral", "anger")
    loss = adjusted(CLASSES["cross-entropy"], Adjustment(**asked), names, shares, exclusive=True)
    return loss(logits, torch.eye(2), torch.ones(2, 2)).item()


def test_nothing_asked_is_the_loss_itself():
    loss = CLASSES["cross-entropy"]
    assert adjusted(loss, Adjustment(), ("a", "b"), np.full(2, 0.5, np.float32), True) is loss
    assert of_classes() == pytest.approx((LN2 + math.log(4 / 3)) / 2)


def test_label_smoothing_by_hand():
    first = LN2
    second = -(0.9 * math.log(3 / 4) + 0.1 * math.log(1 / 4))
    assert of_classes(smoothing=0.2) == pytest.approx((first + second) / 2)


def test_logit_adjustment_by_hand():
    """Menon et al. 2021, eq. 10: shares are of exp(logit) times the prior."""
    whole = (-math.log(0.8) - math.log(0.6 / (0.8 + 0.6))) / 2
    assert of_classes(prior=1.0) == pytest.approx(whole)
    root = [0.8**0.5, 0.2**0.5]
    half = -math.log(root[0] / sum(root)) - math.log(3 * root[1] / (root[0] + 3 * root[1]))
    assert of_classes(prior=0.5) == pytest.approx(half / 2)


def test_class_weights_by_hand():
    common, rare = 0.5 / 0.8, 0.5 / 0.2
    wanted = (common * LN2 + rare * math.log(4 / 3)) / (common + rare)
    assert of_classes(inverse_frequency=1.0) == pytest.approx(wanted)
    wanted = (LN2 + 3 * math.log(4 / 3)) / 4
    assert of_classes(class_weights={"anger": 3.0}) == pytest.approx(wanted)


def test_units_are_adjusted_each_by_itself():
    shares = np.array([0.2, 0.5], np.float32)
    logits, target = torch.zeros(2, 2), torch.tensor([[1.0, 0.0], [0.0, 0.0]])
    valid = torch.tensor([[1.0, 0.0], [1.0, 1.0]])

    def of(**asked) -> float:
        loss = adjusted(
            BINARY["cross-entropy"], Adjustment(**asked), ("AU01", "AU02"), shares, False
        )
        return loss(logits, target, valid).item()

    # logit 0 and prior odds 1 : 4 give 1/5
    assert of(prior=1.0) == pytest.approx((math.log(5) + math.log(5 / 4) + LN2) / 3)
    assert of(inverse_frequency=1.0) == pytest.approx(LN2)  # all losses are alike
    logits[0, 0] = math.log(3)  # present at 3/4, weighs 4; two absent ones at 1/2
    wanted = (4 * math.log(4 / 3) + 2 * LN2) / 6
    assert of(class_weights={"AU01": 4.0}) == pytest.approx(wanted)


def test_shares_count_one_more_of_each_so_that_none_is_nought():
    classes = np.array([[1, 0, 0], [1, 0, 0], [np.nan] * 3], np.float32)
    assert shares_of([classes], True) == pytest.approx([3 / 5, 1 / 5, 1 / 5])
    units = [np.array([[1, np.nan], [1, 0]], np.float32), np.array([[0, np.nan]], np.float32)]
    assert shares_of(units, False) == pytest.approx([3 / 5, 1 / 3])
