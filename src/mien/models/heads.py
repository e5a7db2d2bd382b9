"""The output vector of a network: which number means what."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from mien.labels.arrays import Learned
from mien.labels.heads import Head, head_from_dict, head_to_dict


@dataclass(frozen=True)
class HeadLayout:
    """Raw outputs, head after head, in the order of `heads`.

    The documents' eleven outputs (au-va-thesis, section 3.2.5) are valence, arousal, eight units
    and fake, in this order; what a network has beyond its heads comes last. scales: factors on the
    raw outputs of some heads (docs/joint.md).
    """

    heads: tuple[Head, ...]
    scales: Mapping[str, float] = field(default_factory=dict)

    @property
    def outputs(self) -> int:
        """Number of raw outputs of all heads."""
        return sum(head.width for head in self.heads)

    def head(self, name: str) -> Head | None:
        """The head of this name, or None."""
        return next((head for head in self.heads if head.name == name), None)

    def split(self, output: Tensor) -> dict[str, Tensor]:
        """Cut raw outputs (N, outputs or more) into (N, width) by head's name."""
        found, first = {}, 0
        for head in self.heads:
            part = output[:, first : first + head.width]
            scale = self.scales.get(head.name, 1.0)
            found[head.name] = part if scale == 1 else part * scale
            first += head.width
        return found


@dataclass(frozen=True)
class FakeOutput:
    """The last output of a discriminator: of being generated.

    scale: factor on the raw output. shares: head whose softmax it shares, as the original's K + 1
    classes (au-va-thesis, section 3.2.2): it is then p / (1 - p) of that softmax, as a logit, and
    the head's classes are those of a real face: the K + 1 cross-entropy is the sum of theirs.
    probability: whether it is of a probability: neither untrained, nor a critic's score, nor of a
    network that takes the label, which nobody gives it afterwards.
    """

    scale: float = 1.0
    shares: str | None = None
    probability: bool = True

    def logit(self, output: Tensor, heads: Mapping[str, Tensor]) -> Tensor:
        """Logit of being generated (N,), of raw outputs and heads (`HeadLayout.split`)."""
        last = output[:, -1]
        logit = last if self.scale == 1 else last * self.scale
        if self.shares is not None:
            logit = logit - torch.logsumexp(heads[self.shares], dim=1)
        return logit


@dataclass(frozen=True)
class HeadOutputs:
    """heads: raw outputs (N, width) by head's name. fake: (N,) logit of being generated."""

    heads: Mapping[str, Tensor]
    fake: Tensor


@dataclass(frozen=True)
class OutputSpec:
    """What a network's outputs mean, kept with its weights. fake: None for a plain recogniser."""

    layout: HeadLayout
    learned: Learned
    fake: FakeOutput | None = None

    @property
    def outputs(self) -> int:
        """Number of raw outputs, the fake one included."""
        return self.layout.outputs + (self.fake is not None)

    def split(self, output: Tensor) -> HeadOutputs:
        """Cut raw outputs (N, outputs) of a discriminator."""
        heads = self.layout.split(output)
        assert self.fake is not None
        return HeadOutputs(heads, self.fake.logit(output, heads))

    def to_dict(self) -> dict[str, Any]:
        """Plain values that `from_dict` reads back."""
        fake = self.fake and {
            "scale": self.fake.scale,
            "shares": self.fake.shares,
            "probability": self.fake.probability,
        }
        return {
            "heads": [head_to_dict(head) for head in self.layout.heads],
            "scales": dict(self.layout.scales),
            "learned": {name: list(outputs) for name, outputs in self.learned.outputs.items()},
            "fake": fake,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "OutputSpec":
        """Read back what `to_dict` gave; raises InputError for unknown heads."""
        heads = tuple(head_from_dict(head) for head in values["heads"])
        learned = {name: tuple(outputs) for name, outputs in values["learned"].items()}
        fake = values["fake"]
        return cls(
            HeadLayout(heads, dict(values["scales"])),
            Learned(learned),
            None if fake is None else FakeOutput(**fake),
        )
