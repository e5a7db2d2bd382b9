"""The generator's moving average: samples drawn from it waver less from step to step."""

import copy

import torch
from torch import nn


class MovingAverage:
    """A copy of a network whose weights follow it (Yazici et al. 2019): w <- d w + (1 - d) new.

    Early on, the decay d is at most (1 + n) / (10 + n) after n updates, so that the first weights
    are soon forgotten. Running statistics are the network's own.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.network = copy.deepcopy(network).eval().requires_grad_(False)
        self.decay, self.updates = decay, 0

    @torch.no_grad()
    def follow(self, network: nn.Module) -> None:
        """Take in the network's weights after an update of it."""
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        self.updates += 1
        pairs = zip(self.network.parameters(), network.parameters(), strict=True)
        for mine, new in pairs:
            if new.requires_grad:  # what is frozen stays what it was copied from
                mine.lerp_(new, 1 - decay)
        for kept, buffer in zip(self.network.buffers(), network.buffers(), strict=True):
            kept.copy_(buffer)
