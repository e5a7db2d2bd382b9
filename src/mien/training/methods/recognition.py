"""A plain recogniser: one network, trained on the labels of real faces."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn
from torch.optim import Optimizer

from mien.errors import InputError
from mien.models import RECOGNISERS, frames_of, landmarks_of
from mien.models.heads import OutputSpec
from mien.training.augmentation import Augmentation
from mien.training.average import MovingAverage
from mien.training.compute import Compute
from mien.training.data import Batch
from mien.training.frozen import FrozenBody
from mien.training.head_loss import HeadLoss, sum_terms
from mien.training.log import Log
from mien.training.methods.base import Arguments, Method, Registry, head_loss_of
from mien.training.optimisation import Trainee, make_optimiser
from mien.training.settings import Network, NotNegative
from mien.training.weighting import Weighting, weighting_of

if TYPE_CHECKING:
    from mien.training.recipe import Recipe


class Recognition(Method):
    """recogniser: the network, any of `mien.models.RECOGNISERS`.

    last_blocks: how many of its last blocks are trained, the others staying as `start` has them
    (`training/frozen.py`); 0 for all. weighting: of heads' losses, on top of the recipe's weights
    (`training/weighting.py`). mixup: alpha of the share that pairs of images are mixed by, drawn
    from Beta(alpha, alpha) (Zhang et al. 2018, "mixup"); 0 for none.
    """

    name: Literal["recognition"] = "recognition"
    recogniser: Network
    last_blocks: Annotated[int, Field(ge=0)] = 0
    weighting: Literal["fixed", "uncertainty", "gradient-norm"] = "fixed"
    mixup: NotNegative = 0.0

    def roles(self) -> dict[str, tuple[Network, Registry]]:
        """One network."""
        return {"recogniser": (self.recogniser, RECOGNISERS)}

    def arguments(self, spec: OutputSpec, classes: int) -> Arguments:
        """As many outputs as the heads have."""
        return {"recogniser": {"outputs": spec.outputs}}

    def check(self, recipe: "Recipe", spec: OutputSpec, arguments: Arguments) -> None:
        """Refuse a recipe without heads, and networks that take a class."""
        check_recogniser(recipe, spec)
        if self.last_blocks and not recipe.start:
            raise InputError(
                f"recipe {recipe.name}: method.last_blocks={self.last_blocks} keeps the body as it "
                "starts: name its weights, as start=mien-base"
            )
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
        if landmarks_of(kind) and (self.mixup or self.last_blocks):
            raise InputError(
                f"recipe {recipe.name}: method.mixup and method.last_blocks are for networks that "
                "take no landmarks"
            )

    def step(
        self,
        recipe: "Recipe",
        networks: Mapping[str, nn.Module],
        spec: OutputSpec,
        compute: Compute,
    ) -> "RecognitionStep":
        """Make the step."""
        network = networks["recogniser"].train()
        body = FrozenBody(network, self.last_blocks) if self.last_blocks else None
        trainee, augmentation = recogniser_parts(recipe, network, self.recogniser, compute)
        return RecognitionStep(
            trainee,
            head_loss_of(recipe, spec),
            augmentation,
            MovingAverage(network, recipe.average) if recipe.average else None,
            weighting_of(self.weighting, network, compute.world),
            Mixup(self.mixup, recipe.seed),
            body,
        )


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
    """A network with its optimiser, and the changes of its images."""
    optimiser = make_optimiser(
        network, recipe.optimiser, settings.learning_rate, recipe.beta1, recipe.beta2,
        recipe.weight_decay, recipe.momentum, recipe.rms_decay,
    )  # fmt: skip
    trainee = Trainee(network, optimiser, recipe.clip_norm, compute)
    return trainee, Augmentation(**recipe.augmentation.model_dump())


@dataclass(frozen=True)
class Mixup:
    """Mix each image with another of its batch, and the losses of both labels by the same share.

    A pair's loss is share L(label) + (1 - share) L(other label), each masked by what is known of
    its own face: where one of the two has no label, the other counts by its share alone. Of
    cross-entropy and squared error that is the loss of mixed labels, but for a constant.
    """

    alpha: float
    seed: int

    def share(self, step: int) -> float:
        """Share of the image itself at a step, alike in all processes; 1 without mixing."""
        if not self.alpha:
            return 1.0
        return float(np.random.default_rng((self.seed, step, 0x313)).beta(self.alpha, self.alpha))


class RecognitionStep:
    """One update of a recogniser on a batch of labelled faces."""

    def __init__(
        self,
        trainee: Trainee,
        head_loss: HeadLoss,
        augmentation: Augmentation,
        average: MovingAverage | None,
        weighting: Weighting,
        mixup: Mixup,
        body: FrozenBody | None,
    ) -> None:
        self.trainee, self.head_loss = trainee, head_loss
        self.augmentation, self.average = augmentation, average
        self.weighting, self.mixup, self.body = weighting, mixup, body
        self._keeps_features: bool | None = None if body is not None else False

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

    def update(self, step: int, batch: Batch) -> Log:
        """Run one step and return what to log."""
        share = self.mixup.share(step)
        with self.trainee.compute.autocast():
            output = self.output(batch, share)
        terms = self._terms(output.float(), batch, share)
        loss = sum_terms(self.weighting(terms))
        norm = self.trainee.update(loss)
        if self.average is not None:
            self.average.follow(self.trainee.network)
        log = {f"recogniser/{name}": term.detach() for name, term in terms.items()}
        for name, factor in self.weighting.factors.items():
            log[f"recogniser/weight/{name}"] = torch.tensor(factor)
        return {"recogniser/loss": loss, "recogniser/gradient_norm": norm, **log}

    def output(self, batch: Batch, share: float = 1.0) -> Tensor:
        """Raw outputs of the batch: of its images, or of the kept features of a frozen body."""
        if self.body is not None:
            self.body.hold()
        if self._features_are_kept(batch):
            assert self.body is not None
            return self.body.output(batch)
        images = self.augmentation(batch.images)
        if share < 1:
            images = share * images + (1 - share) * images.flip(0)
        points = [batch.labels.landmarks] if landmarks_of(self.trainee.network) else []
        output: Tensor = self.trainee.network(images, *points)
        return output

    def _features_are_kept(self, batch: Batch) -> bool:
        """Whether the same face has the same features in every step."""
        if self._keeps_features is None:
            assert self.body is not None
            same = self.augmentation == Augmentation() and not self.mixup.alpha
            self._keeps_features = same and self.body.ends_in_features(batch.images[:2])
            self.body.hold()
        return self._keeps_features

    def _terms(self, output: Tensor, batch: Batch, share: float) -> Log:
        """Losses by head; of mixed images, of both labels by their shares."""
        gather = self.trainee.compute.gather
        raw = self.head_loss.spec.layout.split(gather(output))
        terms = self.head_loss(raw, batch.labels.mapped(gather))
        if share == 1:
            return terms
        others = self.head_loss(raw, batch.labels.mapped(lambda t: gather(t.flip(0))))
        return {name: share * term + (1 - share) * others[name] for name, term in terms.items()}

    def preview(self, count: int, seed: int) -> list[Tensor]:
        """Nothing: a recogniser generates no images."""
        return []

    def memory(self) -> dict[str, float]:
        """Updates of the average, and what the weighting has learned."""
        average = {"averaged_updates": self.average.updates} if self.average else {}
        return {**average, **self.weighting.memory()}

    def remember(self, memory: Mapping[str, float]) -> None:
        """Take them back."""
        if self.average is not None:
            self.average.updates = int(memory["averaged_updates"])
        self.weighting.remember(memory)
