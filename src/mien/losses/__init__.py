"""Losses: tensors in, scalar tensor out. A masked row changes nothing, an empty mask gives 0."""

from collections.abc import Callable

from torch import Tensor

from mien.losses.adversarial import non_saturating_loss, saturating_loss
from mien.losses.heads import LOSSES

GENERATOR: dict[str, Callable[[Tensor], Tensor]] = {
    "saturating": saturating_loss,
    "non-saturating": non_saturating_loss,
}

__all__ = ["GENERATOR", "LOSSES"]
