"""Losses of every kind of head: raw outputs and labels in, scalar out.

raw: (N, width) of the head. target: (N, K), any number where unlabelled. valid: (N, K), 1 where
labelled, else 0. The first of a kind is its default.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from mien.labels.kinds import LEVELS
from mien.losses.cross_entropy import (
    constant_cross_entropy,
    mse_after_softmax,
    mse_before_softmax,
    sigmoid_cross_entropy,
    softmax_cross_entropy,
    softmax_over_units,
)
from mien.losses.valence_arousal import ccc_loss, mse_loss

HeadLossFunction = Callable[[Tensor, Tensor, Tensor], Tensor]


def ordinal_cross_entropy(raw: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    """Cross-entropy of being above 0, 1, 2, 3 and 4 (Niu et al. 2016), averaged over labels.

    raw: (N, 5 K), five logits per output. target: (N, K) in [0, 5]; an intensity between two
    levels, as a mean of raters, is a share of the upper one.
    """
    logits = raw.view(len(raw), -1, LEVELS)
    levels = torch.arange(LEVELS, dtype=raw.dtype, device=raw.device)
    above = (target[:, :, None] - levels).clamp(0, 1)
    each = F.binary_cross_entropy_with_logits(logits, above, reduction="none").mean(2)
    return (each * valid).sum() / valid.sum().clamp(min=1)


_OF_CLASSES: dict[str, HeadLossFunction] = {
    "cross-entropy": softmax_cross_entropy,
    "mse-before-softmax": mse_before_softmax,
    "mse-after-softmax": mse_after_softmax,
}
LOSSES: dict[str, dict[str, HeadLossFunction]] = {
    "regression": {"mse": mse_loss, "ccc": ccc_loss},
    "binary": {"cross-entropy": sigmoid_cross_entropy, "softmax": softmax_over_units},
    "ordinal": {"cross-entropy": ordinal_cross_entropy},
    "exclusive": _OF_CLASSES,
    "votes": _OF_CLASSES,
}
"""By kind, then by the name that a recipe gives."""


def towards_constant(
    kind: str, loss: HeadLossFunction, raw: Tensor, constant: float, learned: Tensor
) -> Tensor:
    """Loss of a head against one constant label, for images whose labels are not known.

    learned: (K,) True for outputs that ever saw a label. For kinds with independent outputs.
    """
    if kind == "binary":
        return constant_cross_entropy(raw[:, learned], constant)
    target = torch.full((len(raw), len(learned)), constant, dtype=raw.dtype, device=raw.device)
    return loss(raw, target, learned.to(raw.dtype).expand_as(target))
