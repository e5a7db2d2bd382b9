"""The course of learning rates: a function of the step alone."""

import math
from collections.abc import Mapping

from torch.optim import Optimizer

from mien.training.recipe import Recipe


def rate_factor(recipe: Recipe, step: int, faces: int = 0) -> float:
    """Factor on every learning rate at step number `step` (from 0), 0 to 1. faces: of an epoch.

    It rises linearly over `warmup` steps; `cosine` then falls to 0 at the last step (Loshchilov &
    Hutter 2017, without restarts). `exponential` is a staircase: times `rate_decay` after every
    `decay_epochs` epochs (bartissol-2017, section 4.2.1: 0.94, 2).
    """
    if step < recipe.warmup:
        return (step + 1) / recipe.warmup
    if recipe.schedule == "constant":
        return 1.0
    if recipe.schedule == "exponential":
        epochs = step * recipe.batch_size / max(faces, 1)
        return float(recipe.rate_decay ** math.floor(epochs / recipe.decay_epochs))
    done = (step - recipe.warmup) / max(recipe.steps - recipe.warmup, 1)
    return 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))


def set_rates(
    optimisers: Mapping[str, Optimizer],
    rates: Mapping[str, float],
    recipe: Recipe,
    step: int,
    faces: int = 0,
) -> None:
    """Set the learning rates of a step. rates: the recipe's, by name of the network."""
    factor = rate_factor(recipe, step, faces)
    for name, optimiser in optimisers.items():
        for group in optimiser.param_groups:
            group["lr"] = rates[name] * factor
