"""The annealed Huber loss between real and generated images."""

from torch import Tensor
from torch.nn import functional as F


def huber_loss(fake: Tensor, real: Tensor, delta: float = 1.0) -> Tensor:
    """Huber loss, mean over all pixels (seed 000, eq. 2.15; seed 003, eq. 2 with delta 1).

    The two batches are unrelated images: it pulls towards the mean face and is annealed away.
    """
    return F.huber_loss(fake, real, delta=delta)


def annealed_weight(step: int, start: float, steps: int) -> float:
    """Return the weight at `step`: linear from `start` at step 0 to 0 at `steps` and after."""
    return start * max(steps - step, 0) / steps if steps else 0.0
