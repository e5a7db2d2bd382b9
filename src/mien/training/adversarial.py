"""What every adversarial step shares: two networks, which one a step updates, and extra losses."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from mien.losses.reconstruction import annealed_weight, feature_matching_loss, huber_loss
from mien.models.heads import HeadOutputs, OutputSpec
from mien.models.sampler import uniform_noise
from mien.training.augmentation import Augmentation
from mien.training.average import MovingAverage
from mien.training.compute import Compute
from mien.training.data import Batch
from mien.training.log import Log
from mien.training.optimisation import Trainee


@dataclass(frozen=True)
class Schedule:
    """Which network a step updates: `updated_more` at all but every (update_rate + 1)th."""

    update_rate: int
    updated_more: Literal["generator", "discriminator"]

    def updates_discriminator(self, step: int) -> bool:
        """Whether step number `step` updates the discriminator; else the generator."""
        if self.updated_more == "generator":
            return step % (self.update_rate + 1) == 0
        return step % (self.update_rate + 1) < self.update_rate


@dataclass(frozen=True)
class Attraction:
    """What pulls generated images towards real ones.

    huber_weight: of the Huber loss in pixels at step 0, falling to 0 over huber_steps. matching:
    weight of the distance between mean features.
    """

    huber_weight: float
    huber_steps: int
    huber_delta: float
    matching: float


class AdversarialPair:
    """A generator and a discriminator, and how each is run while the other is updated.

    noise: length of the generator's input. real_statistics: generated images leave the
    discriminator's running batch statistics alone. augmentation: of every image that the
    discriminator trains on. average: of the generator, which samples are drawn from, if any.
    """

    def __init__(
        self,
        generator: Trainee,
        discriminator: Trainee,
        spec: OutputSpec,
        schedule: Schedule,
        attraction: Attraction,
        compute: Compute,
        *,
        noise: int,
        real_statistics: bool,
        augmentation: Augmentation,
        average: MovingAverage | None,
    ) -> None:
        self.generator, self.discriminator, self.spec = generator, discriminator, spec
        self.schedule, self.attraction, self.compute = schedule, attraction, compute
        self.noise, self.real_statistics = noise, real_statistics
        self.augmentation, self.average = augmentation, average
        modules = discriminator.network.modules()
        self._norms = [m for m in modules if isinstance(m, nn.BatchNorm2d)]

    @property
    def networks(self) -> dict[str, nn.Module]:
        """All networks of a checkpoint, by name."""
        found = {
            "generator": self.generator.network,
            "discriminator": self.discriminator.network,
        }
        return found | ({"generator_average": self.average.network} if self.average else {})

    def update_generator(self, loss: Tensor) -> Tensor:
        """Update the generator, and its average; returns the gradient's norm."""
        norm = self.generator.update(loss)
        if self.average is not None:
            self.average.follow(self.generator.network)
        return norm

    def generate(self, count: int, label: Tensor | None = None) -> Tensor:
        """Draw generated images (N, C, S, S) from fresh noise."""
        noise = self.compute.put(uniform_noise(count, self.noise))
        with self.compute.autocast():
            arguments = (noise,) if label is None else (noise, label)
            images: Tensor = self.generator.network(*arguments)
        return images.float()

    def draw_classes(self, classes: int, count: int) -> Tensor:
        """Draw labels for generated images, (count,)."""
        return self.compute.put(torch.randint(classes, (count,)))

    def discriminate(self, images: Tensor, label: Tensor | None = None) -> HeadOutputs:
        """Run the discriminator on augmented images; its running statistics follow."""
        images = self.augmentation(images)
        with self.compute.autocast():
            arguments = (images,) if label is None else (images, label)
            output: Tensor = self.discriminator.network(*arguments)
        return self.spec.split(output.float())

    def discriminate_fake(self, images: Tensor, label: Tensor | None = None) -> HeadOutputs:
        """Run the discriminator on generated images in an update of its own."""
        with self._still(self.real_statistics):
            return self.discriminate(images, label)

    def discriminate_again(self, images: Tensor, label: Tensor | None = None) -> HeadOutputs:
        """Run the discriminator on images that its running statistics have seen already."""
        with self._still(True):
            return self.discriminate(images, label)

    @contextmanager
    def frozen_discriminator(self) -> Iterator[None]:
        """Hold it as it is: no weight gradients, which nobody would use, and no statistics.

        In the code that the documents build on, its statistics see a real and a fake batch alike
        at every step; following generated images in the generator's updates would let them
        outnumber the real.
        """
        network = self.discriminator.network
        network.requires_grad_(False)
        try:
            with self._still(True):
                yield
        finally:
            network.requires_grad_(True)

    def attract(self, step: int, fake: Tensor, batch: Batch) -> tuple[Tensor, Log]:
        """Loss that pulls generated images towards a batch, in pixels and in features."""
        by = self.attraction
        weight = annealed_weight(step, by.huber_weight, by.huber_steps)
        total = torch.zeros((), device=fake.device)
        log = {"generator/huber_weight": torch.tensor(weight)}
        if weight:
            log["generator/huber"] = huber_loss(fake, batch.images, by.huber_delta)
            total = total + weight * log["generator/huber"]
        if by.matching:
            features, real = self.discriminator.network.features, batch.images
            with self.compute.autocast():
                found, wanted = features(fake), features(real)  # type: ignore[operator]
            log["generator/matching"] = feature_matching_loss(found.float(), wanted.float())
            total = total + by.matching * log["generator/matching"]
        return total, log

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
