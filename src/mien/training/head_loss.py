"""The discriminator's loss on one batch, real or fake, head by head."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce

import torch
from torch import Tensor

from mien.losses.cross_entropy import (
    constant_cross_entropy,
    sigmoid_cross_entropy,
    softmax_cross_entropy,
    uniform_cross_entropy,
)
from mien.models.checkpoint import LearnedHeads
from mien.models.heads import HeadOutputs
from mien.training.data import Batch

Log = dict[str, Tensor]


@dataclass(frozen=True)
class HeadLoss:
    """Weighted losses of the heads.

    valence_arousal, au, expression, fake: weights. fake_target, real_target: targets of the fake
    output on fake and on real images. other_targets: of label outputs, by head, on fake images;
    where there is none, the labels of a generated face are nobody's business.
    """

    valence_arousal_loss: Callable[[Tensor, Tensor, Tensor], Tensor]
    valence_arousal: float
    au: float
    expression: float
    fake: float
    fake_target: float
    real_target: float
    other_targets: Mapping[str, float]
    learned: LearnedHeads

    def on_real(self, out: HeadOutputs, batch: Batch) -> Log:
        """Losses on a batch of real faces; heads without any label are left out."""
        terms = {"fake": self.fake * constant_cross_entropy(out.fake, self.real_target)}
        if self._learns_va:
            terms["valence_arousal"] = self.valence_arousal * self.valence_arousal_loss(
                out.valence_arousal,
                batch.labels.valence_arousal,
                batch.labels.valence_arousal_valid,
            )
        if self.learned.aus:
            terms["au"] = self.au * sigmoid_cross_entropy(
                out.au, batch.labels.au, batch.labels.au_valid
            )
        if self.learned.expressions:
            terms["expression"] = self.expression * softmax_cross_entropy(
                out.expression, batch.labels.expression, batch.labels.expression_valid
            )
        return terms

    def on_fake(self, out: HeadOutputs) -> Log:
        """Losses on generated faces, whose labels can only be guessed."""
        terms = {"fake": self.fake * constant_cross_entropy(out.fake, self.fake_target)}
        if self.learned.layout.exclusive:  # what smoothing leaves goes to the classes, alike
            rest = self.expression * (1 - self.fake_target)
            terms["expression"] = rest * uniform_cross_entropy(out.expression)
        if self._learns_va and "valence_arousal" in self.other_targets:
            constant = self.other_targets["valence_arousal"]
            target = torch.full_like(out.valence_arousal, constant)
            valid = torch.tensor([float(self.learned.valence), float(self.learned.arousal)])
            terms["valence_arousal"] = self.valence_arousal * self.valence_arousal_loss(
                out.valence_arousal, target, valid.expand_as(target)
            )
        if self.learned.aus and "au" in self.other_targets:
            chosen = [self.learned.layout.aus.index(au) for au in self.learned.aus]
            constant = self.other_targets["au"]
            terms["au"] = self.au * constant_cross_entropy(out.au[:, chosen], constant)
        return terms

    @property
    def ignores_fakes(self) -> bool:
        """Whether generated images teach nothing: then this is a plain recogniser."""
        return self.fake == 0 and not self.other_targets

    @property
    def _learns_va(self) -> bool:
        return self.learned.valence or self.learned.arousal


def sum_terms(terms: Log) -> Tensor:
    """Sum of the heads' weighted losses."""
    return reduce(torch.add, terms.values())
