"""Cross-entropies of the Action Unit, expression and fake heads, with masks."""

from torch import Tensor
from torch.nn import functional as F


def sigmoid_cross_entropy(logits: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    """Sigmoid cross-entropy averaged over the labelled entries.

    kollias-2018, section IV-C; au-va-thesis, section 3.2.3: of eq. 3.2, since units do not exclude
    each other. logits, target: (N, A), targets in [0, 1]. valid: (N, A), 1 where labelled, else 0.
    """
    loss = F.binary_cross_entropy_with_logits(logits, target, weight=valid, reduction="sum")
    return loss / valid.sum().clamp(min=1)


def softmax_cross_entropy(logits: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    """Softmax cross-entropy (of au-va-thesis, eq. 3.1) averaged over the labelled faces.

    logits: (N, C). target: (N, C) rows that sum to 1: one class, or the shares of several raters'
    votes; any numbers where unlabelled. valid: (N, C), rows of 1 or of 0.
    """
    known = valid[:, 0]
    loss = F.cross_entropy(logits, target, reduction="none")
    return (loss * known).sum() / known.sum().clamp(min=1)


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
