"""The loss of a batch, head by head: on labelled faces, and on generated ones."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce

import torch
from torch import Tensor

from mien.losses.cross_entropy import constant_cross_entropy, uniform_cross_entropy
from mien.losses.heads import HeadLossFunction, towards_constant
from mien.models.heads import HeadOutputs, OutputSpec
from mien.training.data import LabelBatch
from mien.training.log import Log


@dataclass(frozen=True)
class HeadLoss:
    """Weighted losses of the heads. functions, weights: by head's name; a weight left out is 1."""

    spec: OutputSpec
    functions: Mapping[str, HeadLossFunction]
    weights: Mapping[str, float]

    def __call__(self, raw: Mapping[str, Tensor], labels: LabelBatch) -> Log:
        """Losses of raw outputs by head; heads without any label in training are left out."""
        return {
            name: self.weight(name)
            * self.functions[name](raw[name], labels.values[name], labels.valid[name])
            for name in self.learned
        }

    def weight(self, name: str) -> float:
        """Weight of a head."""
        return self.weights.get(name, 1.0)

    @property
    def learned(self) -> list[str]:
        """Heads that ever saw a label, in the layout's order."""
        known = self.spec.learned.outputs
        return [head.name for head in self.spec.layout.heads if known.get(head.name)]


@dataclass(frozen=True)
class DiscriminatorLoss:
    """Losses of a discriminator's heads and of its fake output.

    fake_weight: of the fake output. fake_target, real_target: its targets on generated and on real
    images. constants: labels of generated images, by head; where there is none, the labels of a
    generated image are left out.
    """

    heads: HeadLoss
    fake_weight: float
    fake_target: float
    real_target: float
    constants: Mapping[str, float]

    def on_real(self, out: HeadOutputs, labels: LabelBatch) -> Log:
        """Losses on a batch of real faces."""
        of_fake = constant_cross_entropy(out.fake, self.real_target)
        return {"fake": self.fake_weight * of_fake, **self.heads(out.heads, labels)}

    def on_fake(self, out: HeadOutputs) -> Log:
        """Losses on generated faces, whose labels nobody knows."""
        spec = self.heads.spec
        of_fake = constant_cross_entropy(out.fake, self.fake_target)
        terms = {"fake": self.fake_weight * of_fake}
        if spec.fake is not None and spec.fake.shares is not None:
            name = spec.fake.shares  # what smoothing leaves goes to the classes, alike
            rest = self.heads.weight(name) * (1 - self.fake_target)
            terms[name] = rest * uniform_cross_entropy(out.heads[name])
        for name in self.heads.learned:
            head = spec.layout.head(name)
            if head is None or name not in self.constants:
                continue
            learned = torch.from_numpy(spec.learned.mask(head)).to(out.fake.device)
            loss = towards_constant(
                head.type.kind,
                self.heads.functions[name],
                out.heads[name],
                self.constants[name],
                learned,
            )
            terms[name] = self.heads.weight(name) * loss
        return terms


def sum_terms(terms: Log) -> Tensor:
    """Sum of weighted losses."""
    return reduce(torch.add, terms.values())
