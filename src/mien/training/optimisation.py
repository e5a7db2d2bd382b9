"""A network with its optimiser, and one update of it."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from mien.training.compute import Compute


class Diverged(Exception):
    """A loss or gradient is no longer finite."""


@dataclass(frozen=True)
class Trainee:
    """A network that is trained, its optimiser, and the bound of its gradient's norm."""

    network: nn.Module
    optimiser: Optimizer
    clip_norm: float
    compute: Compute

    def update(self, loss: Tensor) -> Tensor:
        """Backward, clip by global norm, step. Returns the norm before clipping.

        Raises Diverged, the weights as they were, where loss or gradient is not finite.
        """
        self.optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        self.compute.average_gradients(self.network)
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), self.clip_norm)
        if not math.isfinite(norm.item()) or not math.isfinite(loss.item()):
            raise Diverged(f"loss {loss.item():g}, gradient norm {norm.item():g}")
        self.optimiser.step()
        return norm


def make_optimiser(
    network: nn.Module,
    name: str,
    rate: float,
    beta1: float,
    beta2: float,
    weight_decay: float,
    momentum: float = 0.0,
    rms_decay: float = 0.99,
) -> Optimizer:
    """Adam (in one kernel), AdamW, SGD with momentum beta1, or RMSprop, by a recipe's name.

    Weights that are frozen are left out. momentum, rms_decay: of RMSprop.
    """
    weights = [weight for weight in network.parameters() if weight.requires_grad]
    if name == "rmsprop":
        return torch.optim.RMSprop(
            weights, rate, rms_decay, weight_decay=weight_decay, momentum=momentum
        )
    if name == "sgd":
        return torch.optim.SGD(weights, rate, momentum=beta1, weight_decay=weight_decay)
    if name == "adamw":
        betas = (beta1, beta2)
        return torch.optim.AdamW(weights, rate, betas, weight_decay=weight_decay, fused=True)
    return torch.optim.Adam(weights, rate, (beta1, beta2), weight_decay=weight_decay, fused=True)
