"""A plain recogniser: one network, trained on the labels of real faces."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from torch import Tensor, nn
from torch.optim import Optimizer

from mien.errors import InputError
from mien.models import RECOGNISERS, frames_of, landmarks_of
from mien.models.heads import OutputSpec
from mien.training.augmentation import Augmentation
from mien.training.average import MovingAverage
from mien.training.compute import Compute
from mien.training.data import Batch
from mien.training.head_loss import HeadLoss, sum_terms
from mien.training.log import Log
from mien.training.methods.base import Arguments, Method, Registry, head_loss_of
from mien.training.optimisation import Trainee, make_optimiser
from mien.training.settings import Network

if TYPE_CHECKING:
    from mien.training.recipe import Recipe


class Recognition(Method):
    """recogniser: the network, any of `mien.models.RECOGNISERS`."""

    name: Literal["recognition"] = "recognition"
    recogniser: Network

    def roles(self) -> dict[str, tuple[Network, Registry]]:
        """One network."""
        return {"recogniser": (self.recogniser, RECOGNISERS)}

    def arguments(self, spec: OutputSpec, classes: int) -> Arguments:
        """As many outputs as the heads have."""
        return {"recogniser": {"outputs": spec.outputs}}

    def check(self, recipe: "Recipe", spec: OutputSpec, arguments: Arguments) -> None:
        """Refuse a recipe without heads, and networks that take a class."""
        check_recogniser(recipe, spec)
        if self.takes_classes():
            raise InputError(f"recipe {recipe.name}: a recogniser takes no expression as an input")
        kind = RECOGNISERS[self.recogniser.network]
        if frames_of(kind) > 1:
            raise InputError(
                f"recipe {recipe.name}: {self.recogniser.network} takes windows of "
                f"{frames_of(kind)} frames; method recognition shows it single faces, method "
                "sequence windows"
            )
        if landmarks_of(kind) and (change := recipe.augmentation.moves):
            raise InputError(
                f"recipe {recipe.name}: augmentation.{change} moves the face and not its "
                "landmarks, which this network takes"
            )

    def step(
        self,
        recipe: "Recipe",
        networks: Mapping[str, nn.Module],
        spec: OutputSpec,
        compute: Compute,
    ) -> "RecognitionStep":
        """Make the step."""
        network = networks["recogniser"]
        trainee, augmentation = recogniser_parts(recipe, network, self.recogniser, compute)
        average = MovingAverage(network, recipe.average) if recipe.average else None
        return RecognitionStep(trainee, head_loss_of(recipe, spec), augmentation, average)


def check_recogniser(recipe: "Recipe", spec: OutputSpec) -> None:
    """Raise InputError for a recipe without heads, or without a label of any of them."""
    if not spec.layout.heads:
        raise InputError(f"recipe {recipe.name}: a recogniser needs at least one head")
    if not any(spec.learned.outputs.values()):
        heads = ", ".join(head.name for head in spec.layout.heads)
        raise InputError(
            f"recipe {recipe.name}: no training face has a label of {heads}; `mien stats` shows "
            "what the store has"
        )


def recogniser_parts(
    recipe: "Recipe", network: nn.Module, settings: Network, compute: Compute
) -> tuple[Trainee, Augmentation]:
    """Set a network to training, with its optimiser, and the changes of its images."""
    optimiser = make_optimiser(
        network.train(), recipe.optimiser, settings.learning_rate, recipe.beta1, recipe.beta2,
        recipe.weight_decay,
    )  # fmt: skip
    trainee = Trainee(network, optimiser, recipe.clip_norm, compute)
    return trainee, Augmentation(**recipe.augmentation.model_dump())


class RecognitionStep:
    """One update of a recogniser on a batch of labelled faces."""

    def __init__(
        self,
        trainee: Trainee,
        head_loss: HeadLoss,
        augmentation: Augmentation,
        average: MovingAverage | None,
    ) -> None:
        self.trainee, self.head_loss = trainee, head_loss
        self.augmentation, self.average = augmentation, average

    @property
    def networks(self) -> dict[str, nn.Module]:
        """The network and its moving average."""
        average = {"recogniser_average": self.average.network} if self.average else {}
        return {"recogniser": self.trainee.network, **average}

    @property
    def optimisers(self) -> dict[str, Optimizer]:
        """Its optimiser."""
        return {"recogniser": self.trainee.optimiser}

    @property
    def recogniser(self) -> nn.Module:
        """The moving average where there is one: that is what is used afterwards."""
        return self.average.network if self.average else self.trainee.network

    def output(self, batch: Batch) -> Tensor:
        """Raw outputs (N, outputs) of a batch's faces, changed at random."""
        images = self.augmentation(batch.images)
        points = [batch.labels.landmarks] if landmarks_of(self.trainee.network) else []
        found: Tensor = self.trainee.network(images, *points)
        return found

    def update(self, step: int, batch: Batch) -> Log:
        """Run one step and return what to log."""
        compute = self.trainee.compute
        with compute.autocast():
            output = self.output(batch)
        raw = self.head_loss.spec.layout.split(compute.gather(output.float()))
        terms = self.head_loss(raw, batch.labels.mapped(compute.gather))
        loss = sum_terms(terms)
        norm = self.trainee.update(loss)
        if self.average is not None:
            self.average.follow(self.trainee.network)
        log = {f"recogniser/{name}": term.detach() for name, term in terms.items()}
        return {"recogniser/loss": loss, "recogniser/gradient_norm": norm, **log}

    def preview(self, count: int, seed: int) -> list[Tensor]:
        """Nothing: a recogniser generates no images."""
        return []

    def memory(self) -> dict[str, int]:
        """Updates of the average."""
        return {"averaged_updates": self.average.updates} if self.average else {}

    def remember(self, memory: Mapping[str, int]) -> None:
        """Take them back."""
        if self.average is not None:
            self.average.updates = memory["averaged_updates"]
