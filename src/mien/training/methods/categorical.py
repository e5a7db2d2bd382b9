"""The documents' categorical GAN: a discriminator with heads and a fake output.

au-va-thesis, sections 3.2.2 to 3.2.5; benroumpi-2018, section 4.4.4; kollias-2018, section IV-C,
equations 1 to 3. The discriminator sees real and fake images in two separate passes, as the code
the documents build on has it. Without heads it is the plain GAN of au-va-thesis (section 3.2.1) and
kolbenschlag-2020.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor, nn

from mien.errors import InputError, check_name, unknown_name
from mien.labels.arrays import Learned
from mien.labels.heads import HEADS
from mien.losses import GENERATOR
from mien.models.heads import FakeOutput, HeadLayout, HeadOutputs, OutputSpec
from mien.training.adversarial import AdversarialPair
from mien.training.compute import Compute
from mien.training.data import Batch
from mien.training.head_loss import DiscriminatorLoss, sum_terms
from mien.training.log import Log
from mien.training.methods.adversarial_base import CONDITION, Adversarial, AdversarialStep
from mien.training.methods.base import Arguments, head_loss_of
from mien.training.settings import NotNegative, Part, Share

if TYPE_CHECKING:
    from mien.training.recipe import Recipe


class FakeLabels(Part):
    """Targets: on generated images `fake` of the fake output, `others` of the other outputs.

    real: of the fake output on real images; 0.1 is the one-sided smoothing of Salimans et al. 2016.
    others: a number, "share" for (1 - fake) / n over the n outputs that are no classes
    (au-va-thesis), or "none": the other outputs learn nothing from generated images. heads: those
    that `others` is for.
    """

    fake: Share = 0.9
    real: Share = 0.0
    others: Share | Literal["share", "none"] = "share"
    heads: tuple[str, ...] = ("valence_arousal", "au")


class Categorical(Adversarial):
    """fake_labels: targets. fake_weight: of the fake output in the discriminator's loss.

    real_and_fake: the discriminator's loss is the mean or the sum of that on real and on fake
    images. generator_loss: a name of `mien.losses.GENERATOR`. exclusive: expressions and fake are
    one softmax of K + 1 classes.
    """

    name: Literal["categorical"] = "categorical"
    fake_labels: FakeLabels = FakeLabels()
    fake_weight: NotNegative = 1.0
    real_and_fake: Literal["mean", "sum"] = "mean"
    generator_loss: str = "saturating"
    exclusive: bool = False

    def spec(self, layout: HeadLayout, learned: Learned) -> OutputSpec:
        """The heads, then fake."""
        shares = CONDITION if self.exclusive and layout.head(CONDITION) else None
        fake = FakeOutput(self.fake_scale, shares, probability=self.fake_weight > 0)
        return OutputSpec(layout, learned, fake)

    def check(self, recipe: "Recipe", spec: OutputSpec, arguments: Arguments) -> None:
        """Refuse what does not fit."""
        super().check(recipe, spec, arguments)
        if self.generator_loss not in GENERATOR:
            raise unknown_name("generator loss", self.generator_loss, GENERATOR)
        self.check_conditional(recipe, arguments, {"generator": False, "discriminator": False})
        head = spec.layout.head(CONDITION)
        if self.exclusive and (head is None or len(head.outputs) < 2):
            raise InputError(
                f"recipe {recipe.name}: needs at least two expressions in the store, as classes"
            )
        for name in self.fake_labels.heads:
            check_name("head", name, HEADS)
            found = spec.layout.head(name)
            if found is not None and found.kind.classes:
                raise InputError(f"method.fake_labels.heads: {name} takes no constant label")

    def constants(self, layout: HeadLayout) -> dict[str, float]:
        """Labels of generated images, by head."""
        others: float | str = self.fake_labels.others
        if others == "none":
            return {}
        if others == "share":
            outputs = [h.width for h in layout.heads if not h.kind.classes]
            others = (1 - self.fake_labels.fake) / max(sum(outputs), 1)
        return dict.fromkeys(self.fake_labels.heads, float(others))

    def step(
        self,
        recipe: "Recipe",
        networks: Mapping[str, nn.Module],
        spec: OutputSpec,
        compute: Compute,
    ) -> "CategoricalStep":
        """Make the step."""
        loss = DiscriminatorLoss(
            head_loss_of(recipe, spec),
            self.fake_weight,
            self.fake_labels.fake,
            self.fake_labels.real,
            self.constants(spec.layout),
        )
        return CategoricalStep(
            self.pair(recipe, networks, spec, compute),
            loss,
            GENERATOR[self.generator_loss],
            0.5 if self.real_and_fake == "mean" else 1.0,
        )


class CategoricalStep(AdversarialStep):
    """scale: of the discriminator's loss on real and on fake images, each."""

    def __init__(
        self,
        pair: AdversarialPair,
        loss: DiscriminatorLoss,
        generator_loss: Callable[[Tensor], Tensor],
        scale: float,
    ) -> None:
        super().__init__(pair)
        self.loss, self.generator_loss, self.scale = loss, generator_loss, scale

    def update_discriminator(self, batch: Batch) -> Log:
        """Update the discriminator on real and on generated images."""
        pair = self.pair
        out_real = self._gathered(pair.discriminate(batch.images))
        on_real = self.loss.on_real(out_real, batch.labels.mapped(pair.compute.gather))
        with torch.no_grad():
            fake = pair.generate(len(batch))
        out_fake = self._gathered(pair.discriminate_fake(fake))
        on_fake = self.loss.on_fake(out_fake)
        loss = self.scale * sum_terms(on_real) + self.scale * sum_terms(on_fake)
        norm = pair.discriminator.update(loss)
        return {
            "discriminator/loss": loss,
            "discriminator/gradient_norm": norm,
            **{f"discriminator/real/{name}": term.detach() for name, term in on_real.items()},
            "p_real/of_real": torch.sigmoid(-out_real.fake.detach()).mean(),
            **{f"discriminator/fake/{name}": term.detach() for name, term in on_fake.items()},
            "p_real/of_fake": torch.sigmoid(-out_fake.fake.detach()).mean(),
        }

    def _gathered(self, out: HeadOutputs) -> HeadOutputs:
        compute = self.pair.compute
        return HeadOutputs(compute.gather_all(out.heads), compute.gather(out.fake))

    def generator_objective(self, fake: Tensor, drawn: Tensor | None) -> tuple[Tensor, Log]:
        """The generator's loss on the discriminator's fake output."""
        return self.generator_loss(self.pair.discriminate(fake).fake), {}
