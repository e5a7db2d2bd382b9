"""What the generator minimises, given the discriminator's fake logit on its images.

p = sigmoid(fake logit) is the probability that an image is fake: real is 0, fake is 1.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

EPSILON = 1e-7
"""Keeps log p finite where the generator wins outright; the documents' code had none."""


def saturating_loss(fake_logit: Tensor) -> Tensor:
    """Mean of log p (kollias-2018, eq. 2; au-va-thesis, section 3.2.2): minimax, never positive."""
    return torch.log(torch.sigmoid(fake_logit) + EPSILON).mean()


def non_saturating_loss(fake_logit: Tensor) -> Tensor:
    """Mean of -log(1 - p) (benroumpi-2018, section 4.4.4, L_G1; Goodfellow et al. 2014).

    Its gradients do not fade where the discriminator is sure.
    """
    return F.softplus(fake_logit).mean()
