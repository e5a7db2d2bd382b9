"""The conditional GAN (kolbenschlag-2020, second stage): both networks take the expression.

The discriminator calls a real image with its own label real; a generated image, and a real image
with a wrong label, fake ("fake, or the wrong emotion").
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor, nn

from mien.errors import unknown_name
from mien.losses import GENERATOR
from mien.losses.cross_entropy import constant_cross_entropy
from mien.models.heads import OutputSpec
from mien.training.adversarial import AdversarialPair
from mien.training.compute import Compute
from mien.training.data import Batch
from mien.training.log import Log
from mien.training.methods.adversarial_base import CONDITION, Adversarial, AdversarialStep
from mien.training.methods.base import Arguments
from mien.training.settings import Part, Share

if TYPE_CHECKING:
    from mien.training.recipe import Recipe


class Targets(Part):
    """Targets of the fake output, on generated and on real images."""

    fake: Share = 0.9
    real: Share = 0.0


class Conditional(Adversarial):
    """fake_labels: targets. generator_loss: a name of `mien.losses.GENERATOR`."""

    name: Literal["conditional"] = "conditional"
    fake_labels: Targets = Targets()
    generator_loss: str = "saturating"

    @property
    def has_head_loss(self) -> bool:
        """No: what heads it has, it trains in its own way."""
        return False

    def check(self, recipe: "Recipe", spec: OutputSpec, arguments: Arguments) -> None:
        """Refuse what does not fit."""
        self.check_conditional(recipe, arguments, {"generator": True, "discriminator": True})
        self.check_trained(recipe, spec, ())
        super().check(recipe, spec, arguments)
        if self.generator_loss not in GENERATOR:
            raise unknown_name("generator loss", self.generator_loss, GENERATOR)

    def step(
        self,
        recipe: "Recipe",
        networks: Mapping[str, nn.Module],
        spec: OutputSpec,
        compute: Compute,
    ) -> "ConditionalStep":
        """Make the step."""
        pair = self.pair(recipe, networks, spec, compute)
        return ConditionalStep(pair, self.fake_labels, GENERATOR[self.generator_loss])


class ConditionalStep(AdversarialStep):
    """Updates the one or the other network."""

    def __init__(
        self,
        pair: AdversarialPair,
        targets: Targets,
        generator_loss: Callable[[Tensor], Tensor],
    ) -> None:
        super().__init__(pair)
        self.classes = int(pair.generator.network.classes)  # type: ignore[arg-type]
        self.targets, self.generator_loss = targets, generator_loss

    def update_discriminator(self, batch: Batch) -> Log:
        """Update the discriminator on real, generated and wrongly labelled images."""
        pair, real = self.pair, batch.images
        label = batch.labels.values[CONDITION].argmax(1)
        shift = torch.randint(1, max(self.classes, 2), label.shape)
        wrong = (label + pair.compute.put(shift)) % self.classes
        drawn = pair.draw_classes(self.classes, len(label))
        with torch.no_grad():
            fake = pair.generate(len(real), drawn)
        of_real = pair.discriminate(real, label).fake
        of_fake = pair.discriminate_fake(fake, drawn).fake
        of_wrong = pair.discriminate_again(real, wrong).fake
        on_real = constant_cross_entropy(of_real, self.targets.real)
        on_fake = constant_cross_entropy(of_fake, self.targets.fake)
        on_wrong = constant_cross_entropy(of_wrong, self.targets.fake)
        loss = on_real + 0.5 * (on_fake + on_wrong)
        norm = pair.discriminator.update(loss)
        with torch.no_grad():
            return {
                "discriminator/loss": loss,
                "discriminator/real/fake": on_real,
                "discriminator/fake/fake": on_fake,
                "discriminator/wrong/fake": on_wrong,
                "discriminator/gradient_norm": norm,
                "p_real/of_real": torch.sigmoid(-of_real).mean(),
                "p_real/of_fake": torch.sigmoid(-of_fake).mean(),
                "p_real/of_wrong_label": torch.sigmoid(-of_wrong).mean(),
            }

    def draw(self, count: int) -> Tensor:
        """Classes, all alike."""
        return self.pair.draw_classes(self.classes, count)

    def generator_objective(self, fake: Tensor, drawn: Tensor | None) -> tuple[Tensor, Log]:
        """The generator's loss on the discriminator's fake output, given the class."""
        return self.generator_loss(self.pair.discriminate(fake, drawn).fake), {}
