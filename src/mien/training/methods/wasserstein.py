"""The Wasserstein GAN (kolbenschlag-2020): plain, conditional, or with an expression head.

The critic's score of authenticity has no bounds; it is kept as minus the fake output, so that
larger means more real. Arjovsky et al. 2017 clip the critic's weights; Gulrajani et al. 2017 punish
gradients whose norm is not 1 instead. With an expression head (acwgan) critic and generator also
minimise the cross-entropy of the emotion, on real and on generated images (as AC-GAN, Odena et al.
2017).
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mien.errors import InputError
from mien.losses.cross_entropy import softmax_cross_entropy
from mien.losses.wasserstein import gradient_penalty, wasserstein_loss
from mien.models.heads import OutputSpec
from mien.training.adversarial import AdversarialPair
from mien.training.compute import Compute
from mien.training.data import Batch
from mien.training.log import Log
from mien.training.methods.adversarial_base import CONDITION, Adversarial, AdversarialStep
from mien.training.methods.base import Arguments
from mien.training.settings import NotNegative

if TYPE_CHECKING:
    from mien.training.recipe import Recipe


class Wasserstein(Adversarial):
    """The critic's weights are bounded by clip_weights, or its gradients held to norm 1.

    Either is 0. naming: weight of the emotion's cross-entropy, for critic and generator.
    """

    name: Literal["wasserstein"] = "wasserstein"
    clip_weights: NotNegative = 0.0
    gradient_penalty: NotNegative = 0.0
    naming: NotNegative = 0.0

    @property
    def has_head_loss(self) -> bool:
        """No: what heads it has, it trains in its own way."""
        return False

    def check(self, recipe: "Recipe", spec: OutputSpec, arguments: Arguments) -> None:
        """Refuse what does not fit."""
        generator, critic = ("classes" in arguments[n] for n in ("generator", "discriminator"))
        self.check_conditional(
            recipe, arguments, {"generator": generator, "discriminator": generator and critic}
        )
        names = self.naming > 0 and generator
        self.check_trained(recipe, spec, (CONDITION,) if names else ())
        super().check(recipe, spec, arguments)
        if self.clip_weights and self.gradient_penalty:
            raise InputError(
                f"recipe {recipe.name}: method.clip_weights and method.gradient_penalty are two "
                "ways to one end; set one of them to 0"
            )
        if self.naming and not generator:
            raise InputError(
                f"recipe {recipe.name}: method.naming needs a generator that takes the expression"
            )
        head = spec.layout.head(CONDITION)
        named = len(head.outputs) if head else 0
        if self.naming and generator and named != arguments["generator"]["classes"]:
            raise InputError(
                f"recipe {recipe.name}: method.naming needs an expression head of the "
                f"{arguments['generator']['classes']} classes that the generator takes, "
                f"heads.expression has {named}"
            )

    def step(
        self,
        recipe: "Recipe",
        networks: Mapping[str, nn.Module],
        spec: OutputSpec,
        compute: Compute,
    ) -> "WassersteinStep":
        """Make the step."""
        return WassersteinStep(self.pair(recipe, networks, spec, compute), self)


class WassersteinStep(AdversarialStep):
    """Updates critic or generator.

    A critic that takes the label gets the same of real and of generated images: one that gets
    others would know generated images by labels that are rarer among real faces.
    """

    def __init__(self, pair: AdversarialPair, settings: Wasserstein) -> None:
        super().__init__(pair)
        self.settings = settings
        self.classes = int(getattr(pair.generator.network, "classes", 0))
        self.conditional_critic = hasattr(pair.discriminator.network, "conditional")

    def draw(self, count: int) -> Tensor | None:
        """Classes where the generator takes them."""
        return self.pair.draw_classes(self.classes, count) if self.classes else None

    def update_discriminator(self, batch: Batch) -> Log:
        """Update the critic."""
        pair, real = self.pair, batch.images
        label = None
        if self.conditional_critic:
            label = batch.labels.values[CONDITION].argmax(1)
        drawn = self.draw(len(real)) if label is None else label
        with torch.no_grad():
            fake = pair.generate(len(real), drawn)
        out_real, out_fake = pair.discriminate(real, label), pair.discriminate_fake(fake, label)
        distance = wasserstein_loss(-out_real.fake, -out_fake.fake)
        log: Log = {"critic/distance": -distance.detach()}
        loss = distance
        if self.settings.gradient_penalty:

            def score(images: Tensor) -> Tensor:
                return -pair.discriminate_fake(images, label).fake

            log["critic/penalty"] = gradient_penalty(score, real, fake)
            loss = loss + self.settings.gradient_penalty * log["critic/penalty"]
        if self.settings.naming and drawn is not None:
            log["discriminator/real/expression"] = softmax_cross_entropy(
                out_real.heads[CONDITION],
                batch.labels.values[CONDITION],
                batch.labels.valid[CONDITION],
            )
            named = F.cross_entropy(out_fake.heads[CONDITION], drawn)
            log["discriminator/fake/expression"] = named
            loss = loss + self.settings.naming * (log["discriminator/real/expression"] + named)
        norm = pair.discriminator.update(loss)
        if self.settings.clip_weights:
            bound = self.settings.clip_weights
            with torch.no_grad():
                for weight in pair.discriminator.network.parameters():
                    weight.clamp_(-bound, bound)
        return {"discriminator/loss": loss, "discriminator/gradient_norm": norm, **log}

    def generator_objective(self, fake: Tensor, drawn: Tensor | None) -> tuple[Tensor, Log]:
        """Minus the critic's mean score, and the cross-entropy of the class that was drawn."""
        out = self.pair.discriminate(fake, drawn if self.conditional_critic else None)
        if not self.settings.naming or drawn is None:
            return out.fake.mean(), {}
        named = F.cross_entropy(out.heads[CONDITION], drawn)
        return out.fake.mean(), {"generator/expression": self.settings.naming * named}
