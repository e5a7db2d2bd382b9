"""Losses of a critic whose score has no bounds (kolbenschlag-2020, second and third stage)."""

from collections.abc import Callable

import torch
from torch import Tensor


def wasserstein_loss(score_real: Tensor, score_fake: Tensor) -> Tensor:
    """Mean score of fakes minus that of real images (Arjovsky et al. 2017, eq. 2)."""
    return score_fake.mean() - score_real.mean()


def gradient_penalty(score: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor) -> Tensor:
    """Mean of (norm of the score's gradient - 1) squared between real and fake images.

    Gulrajani et al. 2017, eq. 3, at one random point between each pair (N, C, H, W).
    """
    mix = torch.rand(len(real), 1, 1, 1).to(real.device)
    between = (mix * real + (1 - mix) * fake).requires_grad_()
    (slope,) = torch.autograd.grad(score(between).sum(), between, create_graph=True)
    excess: Tensor = slope.flatten(1).norm(dim=1) - 1
    return (excess**2).mean()
