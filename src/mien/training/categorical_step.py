"""One step of the documents' categorical GAN: an update of either network.

Seed 000, sections 3.2.2 and 3.2.5; seed 003, section IV-C, equations 1 to 3. The discriminator
sees real and fake images in two separate passes, as the code the documents build on has it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from mien.errors import InputError
from mien.losses.cross_entropy import (
    constant_cross_entropy,
    sigmoid_cross_entropy,
    softmax_cross_entropy,
)
from mien.losses.reconstruction import annealed_weight, huber_loss
from mien.models.checkpoint import LearnedHeads
from mien.models.heads import HeadOutputs
from mien.models.sampler import uniform_noise
from mien.training.data import LabelBatch

Log = dict[str, Tensor]


class Diverged(InputError):
    """A loss or gradient is no longer finite."""


@dataclass(frozen=True)
class HeadLoss:
    """The discriminator's loss on one batch, real or fake, head by head.

    valence_arousal, au, expression, fake: weights. fake_target: target of the fake output on fake
    images (on real ones it is 0). other_target: target of the label outputs on fake images.
    """

    valence_arousal_loss: Callable[[Tensor, Tensor, Tensor], Tensor]
    valence_arousal: float
    au: float
    expression: float
    fake: float
    fake_target: float
    other_target: float
    learned: LearnedHeads

    def on_real(self, out: HeadOutputs, labels: LabelBatch) -> Log:
        """Weighted losses of the heads on real faces; heads without any label are left out."""
        terms = {"fake": self.fake * constant_cross_entropy(out.fake, 0.0)}
        if self._learns_va:
            terms["valence_arousal"] = self.valence_arousal * self.valence_arousal_loss(
                out.valence_arousal, labels.valence_arousal, labels.valence_arousal_valid
            )
        if self.learned.aus:
            terms["au"] = self.au * sigmoid_cross_entropy(out.au, labels.au, labels.au_valid)
        if self.learned.expressions:
            terms["expression"] = self.expression * softmax_cross_entropy(
                out.expression, labels.expression, labels.expression_valid
            )
        return terms

    def on_fake(self, out: HeadOutputs) -> Log:
        """Weighted losses on generated faces, whose labels can only be guessed."""
        terms = {"fake": self.fake * constant_cross_entropy(out.fake, self.fake_target)}
        if self._learns_va:
            target = torch.full_like(out.valence_arousal, self.other_target)
            valid = torch.tensor([float(self.learned.valence), float(self.learned.arousal)])
            terms["valence_arousal"] = self.valence_arousal * self.valence_arousal_loss(
                out.valence_arousal, target, valid.expand_as(target)
            )
        if self.learned.aus:
            chosen = [self.learned.layout.aus.index(au) for au in self.learned.aus]
            terms["au"] = self.au * constant_cross_entropy(out.au[:, chosen], self.other_target)
        return terms

    @property
    def _learns_va(self) -> bool:
        return self.learned.valence or self.learned.arousal


@dataclass(frozen=True)
class Player:
    """A network with its optimiser."""

    network: nn.Module
    optimiser: Optimizer

    def update(self, loss: Tensor, clip_norm: float) -> Tensor:
        """Backward, clip by global norm, step. Returns the norm before clipping.

        Raises Diverged, the weights as they were, where loss or gradient is not finite.
        """
        self.optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), clip_norm)
        if not torch.isfinite(norm) or not torch.isfinite(loss.detach()):
            raise Diverged(f"loss {loss.item():g}, gradient norm {norm.item():g}")
        self.optimiser.step()
        return norm


class CategoricalStep:
    """Updates the discriminator at every (k + 1)th step and the generator at all others.

    With updated_more="discriminator" it is the other way round.
    """

    def __init__(
        self,
        generator: Player,
        discriminator: Player,
        head_loss: HeadLoss,
        generator_loss: Callable[[Tensor], Tensor],
        *,
        noise: int,
        real_statistics: bool,
        update_rate: int,
        updated_more: Literal["generator", "discriminator"],
        halve: bool,
        clip_norm: float,
        huber_weight: float,
        huber_steps: int,
        huber_delta: float,
    ) -> None:
        """Take the parts and the numbers.

        halve: the discriminator's loss is the mean, not the sum, of its losses on real and on fake.
        real_statistics: generated images leave its running batch statistics alone.
        """
        self.generator, self.discriminator = generator, discriminator
        self.head_loss, self.generator_loss = head_loss, generator_loss
        self.noise, self.update_rate, self.updated_more = noise, update_rate, updated_more
        norms = [m for m in discriminator.network.modules() if isinstance(m, nn.BatchNorm2d)]
        self._still = norms if real_statistics else []
        self.scale = 0.5 if halve else 1.0
        self.clip_norm = clip_norm
        self.huber = (huber_weight, huber_steps)
        self.huber_delta = huber_delta
        self.layout = head_loss.learned.layout

    def trains_discriminator(self, step: int) -> bool:
        """Whose turn a step is."""
        lone_turn = step % (self.update_rate + 1) == 0
        return lone_turn == (self.updated_more == "generator")

    def __call__(self, step: int, real: Tensor, labels: LabelBatch) -> Log:
        """Run one step on real images (N, 3, S, S) and return what to log."""
        noise = uniform_noise(len(real), self.noise)
        if self.trains_discriminator(step):
            return self._update_discriminator(real, labels, noise)
        return self._update_generator(step, real, noise)

    def _update_discriminator(self, real: Tensor, labels: LabelBatch, noise: Tensor) -> Log:
        network = self.discriminator.network
        with torch.no_grad():
            fake = self.generator.network(noise)
        out_real = self.layout.split(network(real))
        out_fake = self._judge_fake(fake)
        on_real, on_fake = (
            self.head_loss.on_real(out_real, labels),
            self.head_loss.on_fake(out_fake),
        )
        loss = self.scale * (sum_terms(on_real) + sum_terms(on_fake))
        norm = self.discriminator.update(loss, self.clip_norm)
        with torch.no_grad():
            return {
                "discriminator/loss": loss,
                **{f"discriminator/real/{name}": term for name, term in on_real.items()},
                **{f"discriminator/fake/{name}": term for name, term in on_fake.items()},
                "discriminator/gradient_norm": norm,
                "p_real/of_real": torch.sigmoid(-out_real.fake).mean(),
                "p_real/of_fake": torch.sigmoid(-out_fake.fake).mean(),
            }

    def _judge_fake(self, fake: Tensor) -> HeadOutputs:
        """Run the discriminator on generated images."""
        momenta = [norm.momentum for norm in self._still]
        for norm in self._still:
            norm.momentum = 0.0
        try:
            return self.layout.split(self.discriminator.network(fake))
        finally:
            for norm, momentum in zip(self._still, momenta, strict=True):
                norm.momentum = momentum

    def _update_generator(self, step: int, real: Tensor, noise: Tensor) -> Log:
        network = self.discriminator.network
        network.requires_grad_(False)  # its weight gradients would be computed for nothing
        try:
            fake = self.generator.network(noise)
            out = self._judge_fake(fake)
            adversarial = self.generator_loss(out.fake)
            weight = annealed_weight(step, *self.huber)
            reconstruction = huber_loss(fake, real, self.huber_delta) if weight else torch.zeros(())
            loss = adversarial + weight * reconstruction
            norm = self.generator.update(loss, self.clip_norm)
        finally:
            network.requires_grad_(True)
        return {
            "generator/loss": loss,
            "generator/adversarial": adversarial,
            "generator/huber": reconstruction,
            "generator/huber_weight": torch.tensor(weight),
            "generator/gradient_norm": norm,
        }


def sum_terms(terms: Log) -> Tensor:
    """Sum of the heads' weighted losses."""
    return torch.stack(list(terms.values())).sum()
