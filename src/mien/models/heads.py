"""The output vector of a recogniser or discriminator: which number means what."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class HeadLayout:
    """Order of the outputs: valence, arousal, Action Units, expressions, fake.

    The documents' eleven outputs (au-va-thesis, section 3.2.5) are valence, arousal, eight units
    and fake, in this order. Expressions, which no document's joint GAN has, go between units and
    fake.

    exclusive: expressions and fake share one softmax, as the original's K + 1 classes
    (au-va-thesis, section 3.2.2). The fake output is then p / (1 - p) of that softmax, as a logit,
    and the expressions are those of a real face: the K + 1 cross-entropy is the sum of theirs.
    valence_arousal_scale, fake_scale: what the network's raw outputs are multiplied by.
    """

    valence_arousal: bool
    aus: tuple[int, ...]
    expressions: tuple[str, ...]
    exclusive: bool = False
    valence_arousal_scale: float = 1.0
    fake_scale: float = 1.0

    @property
    def outputs(self) -> int:
        """Number of outputs, the fake one included."""
        return 2 * self.valence_arousal + len(self.aus) + len(self.expressions) + 1

    @property
    def label_outputs(self) -> int:
        """The documents' n: valence, arousal and units, without fake and without expressions."""
        return 2 * self.valence_arousal + len(self.aus)

    def split(self, output: Tensor) -> "HeadOutputs":
        """Cut (N, outputs) into its heads."""
        first = 2 * self.valence_arousal
        second = first + len(self.aus)
        va, au, expression = output[:, :first], output[:, first:second], output[:, second:-1]
        logit = _scaled(output[:, -1], self.fake_scale)
        if self.exclusive:
            logit = logit - torch.logsumexp(expression, dim=1)
        return HeadOutputs(_scaled(va, self.valence_arousal_scale), au, expression, logit)


def _scaled(output: Tensor, scale: float) -> Tensor:
    return output if scale == 1 else output * scale


@dataclass(frozen=True)
class HeadOutputs:
    """Raw outputs; a head the layout lacks has width 0.

    valence_arousal: (N, 2), linear. au: (N, A) logits. expression: (N, E) logits.
    fake: (N,) logit of being generated.
    """

    valence_arousal: Tensor
    au: Tensor
    expression: Tensor
    fake: Tensor
