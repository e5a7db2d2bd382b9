import math

import numpy as np
import pytest
import torch

from mien.labels.kinds import KINDS
from mien.losses import GENERATOR, LOSSES
from mien.losses.adversarial import non_saturating_loss, saturating_loss
from mien.losses.cross_entropy import (
    constant_cross_entropy,
    sigmoid_cross_entropy,
    softmax_cross_entropy,
    uniform_cross_entropy,
)
from mien.losses.heads import ordinal_cross_entropy, towards_constant
from mien.losses.reconstruction import annealed_weight, feature_matching_loss, huber_loss
from mien.losses.valence_arousal import ccc_loss, mse_loss
from mien.losses.wasserstein import gradient_penalty, wasserstein_loss
from mien.metrics.continuous import ccc

VALENCE_AROUSAL = LOSSES["regression"]


def some_va():
    source = torch.Generator().manual_seed(0)
    pred = torch.rand(16, 2, generator=source, dtype=torch.float64) * 2 - 1
    target = torch.rand(16, 2, generator=source, dtype=torch.float64) * 2 - 1
    valid = (torch.rand(16, 2, generator=source) > 0.3).double()
    return pred.requires_grad_(), target, valid


def test_ccc_loss_is_one_minus_the_metric():
    pred, target, valid = some_va()
    hidden = np.where(valid.numpy() > 0, target.numpy(), np.nan)
    expected = np.mean([1 - ccc(pred.detach().numpy()[:, i], hidden[:, i]) for i in (0, 1)])
    assert ccc_loss(pred, target, valid).item() == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("name", VALENCE_AROUSAL)
def test_masked_rows_change_neither_loss_nor_gradient(name):
    loss = VALENCE_AROUSAL[name]
    pred, target, valid = some_va()
    loss(pred, target, valid).backward()
    before, value = pred.grad.clone(), loss(pred, target, valid).item()
    with torch.no_grad():
        pred[valid == 0] = 123.0
    pred.grad = None
    again = loss(pred, torch.where(valid > 0, target, 77.0), valid)
    again.backward()
    assert again.item() == pytest.approx(value, abs=1e-12)
    assert torch.allclose(pred.grad, before)


@pytest.mark.parametrize("name", VALENCE_AROUSAL)
def test_no_labels_give_an_exact_zero(name):
    pred, target, _ = some_va()
    loss = VALENCE_AROUSAL[name](pred, target, torch.zeros_like(target))
    loss.backward()
    assert loss.item() == 0
    assert pred.grad.abs().max() == 0


def test_ccc_loss_against_constant_labels_is_one_without_gradient():
    # au-va-thesis, section 3.2.4: why label smoothing was tried with MSE only.
    pred, _, _ = some_va()
    loss = ccc_loss(pred, torch.full_like(pred, 0.01), torch.ones_like(pred))
    loss.backward()
    assert loss.item() == pytest.approx(1, abs=1e-12)
    assert pred.grad.abs().max() < 1e-12


def test_mse_loss_averages_valence_and_arousal_over_their_own_labels():
    pred, target = torch.tensor([[1.0, 0.0], [3.0, 5.0]]), torch.zeros(2, 2)
    assert mse_loss(pred, target, torch.tensor([[1.0, 1.0], [1.0, 0.0]])).item() == 2.5


def test_sigmoid_cross_entropy_by_hand():
    logits = torch.tensor([[0.0, math.log(3)], [5.0, 0.0]])  # probabilities 1/2, 3/4, ...
    target = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    valid = torch.tensor([[1.0, 1.0], [0.0, 0.0]])
    expected = (math.log(2) + math.log(4)) / 2
    assert sigmoid_cross_entropy(logits, target, valid).item() == pytest.approx(expected)
    assert sigmoid_cross_entropy(logits, target, torch.zeros(2, 2)).item() == 0


def test_softmax_cross_entropy_by_hand():
    logits = torch.tensor([[0.0, 0.0], [9.0, 0.0]])
    target = torch.tensor([[0.0, 1.0], [7.0, 7.0]])  # unlabelled: any number
    valid = torch.tensor([[1.0, 1.0], [0.0, 0.0]])
    assert softmax_cross_entropy(logits, target, valid).item() == pytest.approx(math.log(2))
    assert softmax_cross_entropy(logits, target, torch.zeros(2, 2)).item() == 0


def test_softmax_cross_entropy_of_votes_by_hand():
    """Shares 1/4, 3/4 of votes against probabilities 1/3, 2/3; and 1, 0 against 1/2, 1/2."""
    logits = torch.tensor([[0.0, math.log(2)], [3.0, 3.0]])
    votes = torch.tensor([[0.25, 0.75], [1.0, 0.0]])
    first = 0.25 * math.log(3) + 0.75 * math.log(1.5)
    found = softmax_cross_entropy(logits, votes, torch.ones(2, 2)).item()
    assert found == pytest.approx((first + math.log(2)) / 2)
    assert LOSSES["votes"]["cross-entropy"] is LOSSES["exclusive"]["cross-entropy"]


def test_ordinal_cross_entropy_by_hand():
    """All logits 0 but one: the five cross-entropies are ln 2, but of that one."""
    raw = torch.zeros(1, 10)
    raw[0, 1] = math.log(3)  # of the first unit being above 1: probability 3/4
    target, valid = torch.tensor([[2.0, 0.0]]), torch.ones(1, 2)
    first = (4 * math.log(2) - math.log(3 / 4)) / 5  # 2 is above 1
    found = ordinal_cross_entropy(raw, target, valid).item()
    assert found == pytest.approx((first + math.log(2)) / 2)
    below = (4 * math.log(2) - math.log(1 / 4)) / 5  # 1 is not
    found = ordinal_cross_entropy(raw, torch.tensor([[1.0, 0.0]]), valid).item()
    assert found == pytest.approx((below + math.log(2)) / 2)
    half = (4 * math.log(2) - 0.5 * math.log(3 / 4) - 0.5 * math.log(1 / 4)) / 5  # 1.5: both
    only_first = torch.tensor([[1.0, 0.0]])
    found = ordinal_cross_entropy(raw, torch.tensor([[1.5, 99.0]]), only_first).item()
    assert found == pytest.approx(half)


@pytest.mark.parametrize("intensity", [0.0, 1.0, 2.5, 5.0])
def test_the_least_ordinal_loss_decodes_to_the_intensity(intensity):
    raw = torch.zeros(1, 5, requires_grad=True)
    optimiser = torch.optim.LBFGS([raw], lr=1, max_iter=100, line_search_fn="strong_wolfe")

    def closure():
        optimiser.zero_grad()
        loss = ordinal_cross_entropy(raw, torch.tensor([[intensity]]), torch.ones(1, 1))
        loss.backward()
        return loss

    optimiser.step(closure)
    decoded = KINDS["ordinal"].decode(raw.detach().numpy())
    assert decoded[0, 0] == pytest.approx(intensity, abs=0.02)


EVERY = [(kind, name) for kind, losses in LOSSES.items() for name in losses]


@pytest.mark.parametrize(("kind", "name"), EVERY, ids=str)
def test_unlabelled_outputs_change_neither_loss_nor_gradient(kind, name):
    loss, outputs, n = LOSSES[kind][name], ("a", "b", "c"), 6
    source = torch.Generator().manual_seed(1)
    raw = torch.randn(n, KINDS[kind].width(outputs), generator=source, requires_grad=True)
    target = torch.rand(n, 3, generator=source)
    valid = (torch.arange(n) % 2).float()[:, None].expand(n, 3)  # whole faces, as votes have it
    value = loss(raw, target, valid)
    (gradient,) = torch.autograd.grad(value, raw)
    assert gradient[::2].abs().max() == 0
    assert gradient[1::2].abs().max() > 0
    spoilt = torch.where(valid > 0, target, 77.0)
    assert loss(raw, spoilt, valid).item() == pytest.approx(value.item())
    assert loss(raw, spoilt, torch.zeros(n, 3)).item() == 0


def test_there_is_a_loss_for_every_kind():
    assert LOSSES.keys() == KINDS.keys()


def test_losses_towards_a_constant_by_hand():
    learned = torch.tensor([True, False])
    raw = torch.tensor([[0.5, 9.0], [0.1, -9.0]])
    found = towards_constant("regression", LOSSES["regression"]["mse"], raw, 0.1, learned)
    assert found.item() == pytest.approx(0.16 / 2 / 2)  # over two faces; over two axes, one nought
    loss = LOSSES["binary"]["cross-entropy"]
    found = towards_constant("binary", loss, torch.tensor([[0.0, 5.0]]), 0.3, learned)
    assert found.item() == pytest.approx(math.log(2))
    raw = torch.cat([torch.zeros(1, 5), torch.full((1, 5), 4.0)], 1)
    loss = LOSSES["ordinal"]["cross-entropy"]
    found = towards_constant("ordinal", loss, raw, 0.0, learned)
    assert found.item() == pytest.approx(math.log(2))


def test_constant_cross_entropy_is_the_sigmoid_one():
    logits = torch.tensor([[-2.0, 0.5], [3.0, 0.0]])
    full = torch.full((2, 2), 0.9)
    expected = sigmoid_cross_entropy(logits, full, torch.ones(2, 2))
    assert constant_cross_entropy(logits, 0.9).item() == pytest.approx(expected.item())


def test_generator_losses_by_hand():
    even = torch.zeros(3)
    assert saturating_loss(even).item() == pytest.approx(-math.log(2), abs=1e-6)
    assert non_saturating_loss(even).item() == pytest.approx(math.log(2))


@pytest.mark.parametrize("name", sorted(GENERATOR))
def test_a_generator_loss_is_finite_and_pushes_the_fake_logit_down(name):
    logits = torch.tensor([-200.0, 0.3, 200.0], requires_grad=True)
    loss = GENERATOR[name](logits)
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(logits.grad).all()
    assert logits.grad[1] > 0


def test_huber_by_hand():
    # 0.5 * 0.5^2 = 0.125 inside, 1 * (2 - 0.5) = 1.5 outside.
    assert huber_loss(torch.tensor([0.5, 2.0]), torch.zeros(2)).item() == pytest.approx(0.8125)


def test_annealing_as_in_the_thesis():
    weights = [annealed_weight(s, 10, 1500) for s in (0, 750, 1500, 9000)]
    assert weights == [10, 5, 0, 0]
    assert annealed_weight(0, 10, 0) == 0


def test_wasserstein_loss_by_hand():
    real, fake = torch.tensor([1.0, 3.0]), torch.tensor([-1.0, 0.0])
    assert wasserstein_loss(real, fake).item() == -2.5


def test_gradient_penalty_of_a_slope_by_hand():
    """score = 3 x over one pixel has gradient norm 3: (3 - 1) squared, wherever it is taken."""
    real, fake = torch.rand(4, 1, 1, 1), torch.rand(4, 1, 1, 1)
    penalty = gradient_penalty(lambda x: 3 * x.flatten(), real, fake)
    assert penalty.item() == pytest.approx(4)


def test_feature_matching_compares_means():
    fake, real = torch.tensor([[0.0, 2.0], [2.0, 2.0]]), torch.tensor([[1.0, 0.0], [1.0, 1.0]])
    assert feature_matching_loss(fake, real).item() == pytest.approx((0 + 1.5) / 2)


def test_uniform_cross_entropy_is_least_where_all_are_alike():
    assert uniform_cross_entropy(torch.zeros(3, 4)).item() == pytest.approx(math.log(4))
    assert uniform_cross_entropy(torch.randn(3, 4)).item() > math.log(4)
