"""Settings and step that all adversarial methods share."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field
from torch import Tensor, nn
from torch.optim import Optimizer

from mien.errors import InputError
from mien.labels.arrays import Learned
from mien.models import DISCRIMINATORS, GENERATORS
from mien.models.heads import FakeOutput, HeadLayout, OutputSpec
from mien.models.sampler import FaceSampler
from mien.training.adversarial import AdversarialPair, Attraction, Schedule
from mien.training.augmentation import Augmentation
from mien.training.average import MovingAverage
from mien.training.compute import Compute
from mien.training.data import Batch
from mien.training.log import Log
from mien.training.methods.base import Arguments, Method, Registry
from mien.training.optimisation import Trainee, make_optimiser
from mien.training.settings import Count, Network, NotNegative, Part, Positive

if TYPE_CHECKING:
    from mien.training.recipe import Recipe

CONDITION = "expression"
"""The head whose classes conditional networks take."""


class Reconstruction(Part):
    """Huber loss between real and generated images, its weight falling from `weight` to 0."""

    weight: NotNegative = 10.0
    steps: Annotated[int, Field(ge=0)] = 1500
    delta: Positive = 1.0


class Adversarial(Method):
    """generator, discriminator: the networks. noise: length of the generator's input.

    update_rate, updated_more: all but every (update_rate + 1)th step update this network, the other
    steps the other one. batch_norm_statistics: which images the discriminator's running statistics,
    used for prediction, are of: real and generated ones, as in the documents' code, or real ones
    only. feature_matching: weight of the distance between mean features. fake_scale: factor on the
    raw fake output (docs/joint.md).
    """

    generator: Network
    discriminator: Network
    noise: Count = 100
    update_rate: Count = 5
    updated_more: Literal["generator", "discriminator"] = "generator"
    batch_norm_statistics: Literal["both", "real"] = "both"
    reconstruction: Reconstruction = Reconstruction()
    feature_matching: NotNegative = 0.0
    fake_scale: Positive = 1.0

    def roles(self) -> dict[str, tuple[Network, Registry]]:
        """Generator first: weights are drawn in this order."""
        return {
            "generator": (self.generator, GENERATORS),
            "discriminator": (self.discriminator, DISCRIMINATORS),
        }

    def spec(self, layout: HeadLayout, learned: Learned) -> OutputSpec:
        """The heads, then a fake output that is no probability, unless a method says so."""
        return OutputSpec(layout, learned, FakeOutput(self.fake_scale, probability=False))

    def arguments(self, spec: OutputSpec, classes: int) -> Arguments:
        """Conditional networks get the number of classes."""
        found: Arguments = {
            "generator": {"noise": self.noise},
            "discriminator": {"outputs": spec.outputs},
        }
        for name, (net, registry) in self.roles().items():
            if hasattr(registry[net.network], "conditional"):
                found[name]["classes"] = classes
        return found

    def check(self, recipe: "Recipe", spec: OutputSpec, arguments: Arguments) -> None:
        """Refuse networks of different colours, windows, and fewer than two classes."""
        if recipe.data.sampling == "windowed":
            raise InputError(
                f"recipe {recipe.name}: windows hold frames without a face, which are no real "
                "images: data.sampling=windowed is for recognisers"
            )
        classes = min((a["classes"] for a in arguments.values() if "classes" in a), default=2)
        if classes < 2:
            raise InputError(
                f"recipe {recipe.name}: needs at least two expressions in the store, as classes"
            )
        kinds = [registry[net.network] for net, registry in self.roles().values()]
        if len({getattr(kind, "channels", 3) for kind in kinds}) > 1:
            raise InputError(f"recipe {recipe.name}: one network is grey and the other is not")

    def check_conditional(
        self, recipe: "Recipe", arguments: Arguments, wanted: Mapping[str, bool]
    ) -> None:
        """Refuse networks that take the expression, or do not, otherwise than wanted."""
        for name, needs in wanted.items():
            if ("classes" in arguments[name]) != needs:
                raise InputError(
                    f"recipe {recipe.name}: method {self.name} needs a {name} that "
                    f"{'takes' if needs else 'does not take'} the expression"
                )

    def check_trained(self, recipe: "Recipe", spec: OutputSpec, trained: tuple[str, ...]) -> None:
        """Refuse heads that a method does not train."""
        for head in spec.layout.heads:
            if head.name not in trained:
                raise InputError(
                    f"recipe {recipe.name}: method {self.name} trains no head {head.name}; set "
                    f"heads.{head.name}=false"
                )

    def pair(
        self,
        recipe: "Recipe",
        networks: Mapping[str, nn.Module],
        spec: OutputSpec,
        compute: Compute,
    ) -> AdversarialPair:
        """The two networks with their optimisers."""
        trainees = {}
        for name, (settings, _) in self.roles().items():
            optimiser = make_optimiser(
                networks[name], recipe.optimiser, settings.learning_rate, recipe.beta1,
                recipe.beta2, recipe.weight_decay, recipe.momentum, recipe.rms_decay,
            )  # fmt: skip
            network = networks[name].train()
            trainees[name] = Trainee(network, optimiser, recipe.clip_norm, compute)
        pull = self.reconstruction
        average = MovingAverage(networks["generator"], recipe.average) if recipe.average else None
        return AdversarialPair(
            trainees["generator"],
            trainees["discriminator"],
            spec,
            Schedule(self.update_rate, self.updated_more),
            Attraction(pull.weight, pull.steps, pull.delta, self.feature_matching),
            compute,
            noise=self.noise,
            real_statistics=self.batch_norm_statistics == "real",
            augmentation=Augmentation(**recipe.augmentation.model_dump()),
            average=average,
        )


class AdversarialStep(ABC):
    """Updates the one or the other network, as the schedule says."""

    def __init__(self, pair: AdversarialPair) -> None:
        self.pair = pair

    @property
    def networks(self) -> dict[str, nn.Module]:
        """All networks by name."""
        return self.pair.networks

    @property
    def optimisers(self) -> dict[str, Optimizer]:
        """Optimisers by the name of their network."""
        pair = self.pair
        return {
            "generator": pair.generator.optimiser,
            "discriminator": pair.discriminator.optimiser,
        }

    @property
    def recogniser(self) -> nn.Module | None:
        """The discriminator, where it has heads."""
        return self.pair.discriminator.network if self.pair.spec.layout.heads else None

    def update(self, step: int, batch: Batch) -> Log:
        """Run one step on real faces and return what to log."""
        if self.pair.schedule.updates_discriminator(step):
            return self.update_discriminator(batch)
        return self.update_generator(step, batch)

    @abstractmethod
    def update_discriminator(self, batch: Batch) -> Log:
        """Update the discriminator."""

    def draw(self, count: int) -> Tensor | None:
        """Classes for generated images, of conditional networks; None of others."""
        return None

    @abstractmethod
    def generator_objective(self, fake: Tensor, drawn: Tensor | None) -> tuple[Tensor, Log]:
        """What the generator minimises against the discriminator, and more to add and to log."""

    def update_generator(self, step: int, batch: Batch) -> Log:
        """Update the generator against the discriminator as it is."""
        pair = self.pair
        drawn = self.draw(len(batch))
        with pair.frozen_discriminator():
            fake = pair.generate(len(batch), drawn)
            adversarial, more = self.generator_objective(fake, drawn)
            attraction, log = pair.attract(step, fake, batch)
            loss = adversarial + attraction
            for name, term in more.items():
                loss = loss + term
                log[name] = term
            norm = pair.update_generator(loss)
        return {
            "generator/loss": loss,
            "generator/adversarial": adversarial,
            **log,
            "generator/gradient_norm": norm,
        }

    def preview(self, count: int, seed: int) -> list[Tensor]:
        """Generated images, of the moving average where there is one."""
        pair = self.pair
        source = pair.average.network if pair.average else pair.generator.network
        images = list(FaceSampler(source).batches(count, seed))
        pair.generator.network.train()
        return images

    def memory(self) -> dict[str, int]:
        """Updates of the average."""
        average = self.pair.average
        return {"averaged_updates": average.updates} if average else {}

    def remember(self, memory: Mapping[str, int]) -> None:
        """Take them back."""
        if self.pair.average is not None:
            self.pair.average.updates = memory["averaged_updates"]
