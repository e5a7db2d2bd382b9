"""Class weights, logit adjustment, label smoothing: for heads with classes or units.

Each changes what goes into a head's own loss, (raw, target, valid), and nothing else: masks stay
masks. Nothing is changed where nothing is asked.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mien.losses.heads import HeadLossFunction


@dataclass(frozen=True)
class Adjustment:
    """What a recipe asks of a head. All may be combined.

    smoothing: share of each label that is spread evenly over the classes (over present and absent).
    prior: strength of logit adjustment (Menon et al. 2021, "Long-tail learning via logit
    adjustment", eq. 10): this times the log of a class's share is added to its logit while
    training; 1 is theirs, 0.5 half of it. inverse_frequency: faces of a class weigh as (1 / share)
    to this power; 1 balances classes wholly. class_weights: factors by output on top; of a unit, on
    the faces that show it.
    """

    smoothing: float = 0.0
    prior: float = 0.0
    inverse_frequency: float = 0.0
    class_weights: Mapping[str, float] = field(default_factory=dict)


def adjusted(
    loss: HeadLossFunction,
    asked: Adjustment,
    outputs: Sequence[str],
    shares: NDArray[np.float32],
    exclusive: bool,
) -> HeadLossFunction:
    """Return the loss with what is asked.

    shares: (K,) of the labelled training faces that show each output, above 0 and below 1.
    exclusive: whether the outputs are classes of one softmax, else independent units.
    """
    if asked == Adjustment():
        return loss
    share = torch.from_numpy(np.asarray(shares, np.float32))
    odds = share.log() if exclusive else share.logit()
    power, factors = asked.inverse_frequency, [asked.class_weights.get(o, 1.0) for o in outputs]
    rest = 1.0 / len(outputs) if exclusive else 0.5
    present = torch.tensor(factors) * (rest / share) ** power
    absent = (0.5 / (1 - share)) ** power
    weighs = bool(asked.inverse_frequency or asked.class_weights)

    def changed(raw: Tensor, target: Tensor, valid: Tensor) -> Tensor:
        if weighs and exclusive:
            valid = valid * (target * present.to(raw.device)).sum(1, keepdim=True)
        elif weighs:
            shown = target * present.to(raw.device)
            valid = valid * (shown + (1 - target) * absent.to(raw.device))
        if asked.smoothing:
            target = target * (1 - asked.smoothing) + asked.smoothing * rest
        if asked.prior:
            raw = raw + asked.prior * odds.to(raw.device)
        return loss(raw, target, valid)

    return changed


def shares_of(labels: Sequence[NDArray[np.float32]], exclusive: bool) -> NDArray[np.float32]:
    """Share of the labelled faces that show each output (K,), of arrays (N, K), NaN unlabelled.

    One face more of each is counted (Laplace), so that a class that never occurs has a small share
    in place of none, whose logarithm nobody could add.
    """
    shown = np.sum([np.nansum(part, 0, dtype=np.float64) for part in labels], axis=0) + 1.0
    seen = np.sum([(~np.isnan(part)).sum(0) for part in labels], axis=0)
    seen = seen + (len(shown) if exclusive else 2)
    return np.asarray(shown / seen, np.float32)
