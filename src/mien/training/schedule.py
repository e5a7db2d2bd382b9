"""The course of learning rates: a function of the step alone."""

import math
from collections.abc import Mapping

from torch.optim import Optimizer

from mien.training.recipe import Recipe


def rate_factor(recipe: Recipe, step: int) -> float:
    """Factor on every learning rate at step number `step` (from 0), 0 to 1.

    It rises linearly over `warmup` steps; `cosine` then falls to 0 at the last step (Loshchilov &
    Hutter 2017, without restarts).
    """
    if step < recipe.warmup:
        return (step + 1) / recipe.warmup
    if recipe.schedule == "constant":
        return 1.0
    done = (step - recipe.warmup) / max(recipe.steps - recipe.warmup, 1)
    return 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))


def set_rates(
    optimisers: Mapping[str, Optimizer], rates: Mapping[str, float], recipe: Recipe, step: int
) -> None:
    """Set the learning rates of a step. rates: the recipe's, by name of the network."""
    factor = rate_factor(recipe, step)
    for name, optimiser in optimisers.items():
        for group in optimiser.param_groups:
            group["lr"] = rates[name] * factor
