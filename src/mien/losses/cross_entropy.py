"""Cross-entropies of the Action Unit, expression and fake heads, with masks.

valid is 1 where labelled and 0 elsewhere, or a weight in place of 1 (`losses/adjusted.py`): means
are weighted means then.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

_TINY = 1e-12
"""Divides where nothing is labelled: 0 / _TINY is an exact 0."""


def sigmoid_cross_entropy(logits: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    """Sigmoid cross-entropy averaged over the labelled entries.

    kollias-2018, section IV-C; au-va-thesis, section 3.2.3: of eq. 3.2, since units do not exclude
    each other. logits, target: (N, A), targets in [0, 1]. valid: (N, A), 1 where labelled, else 0.
    """
    loss = F.binary_cross_entropy_with_logits(logits, target, weight=valid, reduction="sum")
    return loss / valid.sum().clamp(min=_TINY)


def softmax_cross_entropy(logits: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    """Softmax cross-entropy (of au-va-thesis, eq. 3.1) averaged over the labelled faces.

    logits: (N, C). target: (N, C) rows that sum to 1: one class, or the shares of several raters'
    votes; any numbers where unlabelled. valid: (N, C), rows of 1 or of 0.
    """
    known = valid[:, 0]
    loss = F.cross_entropy(logits, target, reduction="none")
    return (loss * known).sum() / known.sum().clamp(min=_TINY)


def softmax_over_units(logits: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    """Softmax cross-entropy of units that do not exclude each other: a fault, kept as a lesson.

    Minus the sum over a face's present units of log softmax, averaged over the labelled faces: what
    `softmax_cross_entropy_with_logits` computes of several ones in a row. k present units cannot go
    below k log k, each pulls the others down, faces without any pull nothing, and since only
    differences of logits count, the sigmoids that are read afterwards may all say present. The
    document saw losses beyond 10e6 (bartissol-2017, section 4.1.3); `cross-entropy` is right.
    """
    lowest = torch.finfo(logits.dtype).min / 2  # of units whose label is missing
    shares = F.log_softmax(logits.masked_fill(valid == 0, lowest), dim=1)
    each = -(shares.masked_fill(valid == 0, 0.0) * target * valid).sum(1)
    known = (valid > 0).any(1).to(each.dtype)
    return (each * known).sum() / known.sum().clamp(min=_TINY)


def mse_before_softmax(logits: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    """Mean squared error of raw outputs against shares (kollias-2018, Table XI), over classes.

    Shapes as of `softmax_cross_entropy`. The largest output is still the likeliest class.
    """
    known = valid[:, 0]
    return (((logits - target) ** 2).mean(1) * known).sum() / known.sum().clamp(min=_TINY)


def mse_after_softmax(logits: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    """Mean squared error of softmax shares against the labels' (kollias-2018, Table XI)."""
    return mse_before_softmax(F.softmax(logits, dim=1), target, valid)


def constant_cross_entropy(logits: Tensor, target: float) -> Tensor:
    """Sigmoid cross-entropy against one constant target, averaged over all entries.

    With target 0 on real and 1 on generated images the fake output's part of the discriminator's
    loss (benroumpi-2018, section 4.4.4, L_unsupervised, its class K + 1; kollias-2018, eq. 3).
    Written out (softplus(x) - target x) because no target tensor needs to be filled.
    """
    return (F.softplus(logits) - target * logits).mean()


def uniform_cross_entropy(logits: Tensor) -> Tensor:
    """Softmax cross-entropy of (N, C) against all classes alike, averaged over faces."""
    return -F.log_softmax(logits, dim=1).mean()
