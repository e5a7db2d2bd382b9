"""Losses of the valence-arousal head."""

import torch
from torch import Tensor


def _masked_mean(values: Tensor, valid: Tensor) -> Tensor:
    return (values * valid).sum(0) / valid.sum(0).clamp(min=1)


def mse_loss(pred: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    """Mean squared error of valence and arousal, averaged (kollias-2018, after eq. 5).

    pred, target: (N, 2). valid: (N, 2), 1 where labelled, else 0 (the target there is ignored).
    """
    return _masked_mean((pred - target) ** 2, valid).mean()


def ccc_loss(pred: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    """1 - (CCC of valence + CCC of arousal) / 2 over the batch (kollias-2018, eq. 4 and 5).

    Population variances. A dimension with fewer than two labelled faces contributes 0. Against
    constant targets it is 1 with no gradient, as au-va-thesis (section 3.2.4) remarks of fake
    labels.
    """
    mean_x, mean_y = _masked_mean(pred, valid), _masked_mean(target, valid)
    dx, dy = (pred - mean_x), (target - mean_y)
    covariance = _masked_mean(dx * dy, valid)
    spread = _masked_mean(dx**2, valid) + _masked_mean(dy**2, valid) + (mean_x - mean_y) ** 2
    concordance = 2 * covariance / spread.clamp(min=1e-12)
    return torch.where(valid.sum(0) >= 2, 1 - concordance, 0.0).mean()
