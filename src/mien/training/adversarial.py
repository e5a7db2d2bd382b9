"""What every adversarial step shares: two players, whose turn it is, and the generator's extras."""

import math
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from mien.errors import InputError
from mien.losses.reconstruction import annealed_weight, feature_matching_loss, huber_loss
from mien.models.heads import HeadLayout, HeadOutputs
from mien.models.sampler import uniform_noise
from mien.training.augmentation import Augmentation
from mien.training.data import Batch
from mien.training.head_loss import Log


class Diverged(InputError):
    """A loss or gradient is no longer finite."""


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
        if not math.isfinite(norm.item()) or not math.isfinite(loss.item()):
            raise Diverged(f"loss {loss.item():g}, gradient norm {norm.item():g}")
        self.optimiser.step()
        return norm


@dataclass(frozen=True)
class Rules:
    """Numbers of the game.

    updated_more: who is updated at all but every (update_rate + 1)th step. real_statistics:
    generated images leave the discriminator's running batch statistics alone. huber_*, matching:
    weights of what pulls generated images towards real ones. bfloat16: networks compute in it.
    augmentation: changes every image that the discriminator trains on.
    """

    noise: int
    update_rate: int
    updated_more: Literal["generator", "discriminator"]
    clip_norm: float
    real_statistics: bool
    huber_weight: float
    huber_steps: int
    huber_delta: float
    matching: float
    bfloat16: bool
    augmentation: Augmentation

    def trains_discriminator(self, step: int) -> bool:
        """Whose turn a step is."""
        if self.updated_more == "generator":
            return step % (self.update_rate + 1) == 0
        return step % (self.update_rate + 1) < self.update_rate


class Game:
    """The two networks under the rules: how each is run in the other's turn."""

    def __init__(
        self, generator: Player, discriminator: Player, layout: HeadLayout, rules: Rules
    ) -> None:
        self.generator, self.discriminator = generator, discriminator
        self.layout, self.rules = layout, rules
        modules = discriminator.network.modules()
        self._norms = [m for m in modules if isinstance(m, nn.BatchNorm2d)]

    def generate(self, count: int, label: Tensor | None = None) -> Tensor:
        """Draw generated images (N, C, S, S) from fresh noise."""
        noise = uniform_noise(count, self.rules.noise)
        with self._precision():
            arguments = (noise,) if label is None else (noise, label)
            images: Tensor = self.generator.network(*arguments)
        return images.float()

    def judge(self, images: Tensor, label: Tensor | None = None) -> HeadOutputs:
        """Run the discriminator, its running statistics following along, on images as augmented."""
        images = self.rules.augmentation(images)
        with self._precision():
            arguments = (images,) if label is None else (images, label)
            output: Tensor = self.discriminator.network(*arguments)
        return self.layout.split(output.float())

    def judge_fake(self, images: Tensor, label: Tensor | None = None) -> HeadOutputs:
        """Run the discriminator on generated images in its own turn."""
        with self._still(self.rules.real_statistics):
            return self.judge(images, label)

    def judge_apart(self, images: Tensor, label: Tensor | None = None) -> HeadOutputs:
        """Run the discriminator, its running statistics standing still: they saw these before."""
        with self._still(True):
            return self.judge(images, label)

    @contextmanager
    def frozen_discriminator(self) -> Iterator[None]:
        """Hold it as it is: no weight gradients, which nobody would use, and no statistics.

        In the code that the documents build on, its statistics see a real and a fake batch alike
        at every step; following fakes in the generator's turns would let them outnumber the real.
        """
        network = self.discriminator.network
        network.requires_grad_(False)
        try:
            with self._still(True):
                yield
        finally:
            network.requires_grad_(True)

    def pull(self, step: int, fake: Tensor, batch: Batch) -> tuple[Tensor, Log]:
        """Loss that pulls generated images towards a batch, in pixels and in features."""
        rules = self.rules
        weight = annealed_weight(step, rules.huber_weight, rules.huber_steps)
        total, log = torch.zeros(()), {"generator/huber_weight": torch.tensor(weight)}
        if weight:
            log["generator/huber"] = huber_loss(fake, batch.images, rules.huber_delta)
            total = total + weight * log["generator/huber"]
        if rules.matching:
            features, real = self.discriminator.network.features, batch.images
            with self._precision():
                found, wanted = features(fake), features(real)  # type: ignore[operator]
            log["generator/matching"] = feature_matching_loss(found.float(), wanted.float())
            total = total + rules.matching * log["generator/matching"]
        return total, log

    def _precision(self) -> AbstractContextManager[object]:
        return torch.autocast("cpu", torch.bfloat16) if self.rules.bfloat16 else nullcontext()

    @contextmanager
    def _still(self, still: bool) -> Iterator[None]:
        norms = self._norms if still else []
        momenta = [norm.momentum for norm in norms]
        for norm in norms:
            norm.momentum = 0.0
        try:
            yield
        finally:
            for norm, momentum in zip(norms, momenta, strict=True):
                norm.momentum = momentum
