"""A recogniser that follows faces through time, trained on windows of consecutive frames."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field
from torch import Tensor, nn

from mien.errors import InputError
from mien.models.heads import OutputSpec
from mien.models.sequences import SEQUENCES
from mien.models.sequences.base import SequenceNetwork
from mien.training.augmentation import Augmentation
from mien.training.average import MovingAverage
from mien.training.compute import Compute
from mien.training.data import Batch
from mien.training.frozen import Features
from mien.training.head_loss import HeadLoss
from mien.training.methods.base import Arguments, Method, Registry, head_loss_of
from mien.training.methods.recognition import (
    Mixup,
    RecognitionStep,
    check_recogniser,
    recogniser_parts,
)
from mien.training.optimisation import Trainee
from mien.training.settings import Count, Decay, Network
from mien.training.weighting import Weighting, weighting_of

if TYPE_CHECKING:
    from mien.training.recipe import Recipe


class FollowingNetwork(Network):
    """A network of `mien.models.sequences`; it takes those of these that its kind has.

    body: of `mien.models.RECOGNISERS`. fully_connected: of the body, whose output is the features:
    1 or 2, or 0 for what its last layer sees. layers: sizes of the recurrent ones. attention:
    steps. reach: frames on either side of the present one. region: of the crop.
    """

    body: str | None = None
    fully_connected: Annotated[int, Field(ge=0)] | None = None
    layers: tuple[Count, ...] | None = None
    dropout: Decay | None = None
    bidirectional: bool | None = None
    attention: Annotated[int, Field(ge=2)] | None = None
    reach: Annotated[int, Field(ge=1)] | None = None
    region: str | None = None

    def arguments(self) -> dict[str, Any]:
        """What the recipe says of its constructor."""
        told = self.model_dump(exclude=set(Network.model_fields), exclude_none=True)
        return {key: list(v) if isinstance(v, tuple) else v for key, v in told.items()}


class Sequence(Method):
    """recogniser: any of `mien.models.sequences.SEQUENCES`.

    body: `trained` with the rest, or `frozen`: weights and running statistics stay, and it sees
    each frame once where nothing changes the images. weighting: of heads' losses
    (`training/weighting.py`). Batches are windows of `data.window` frames, which count as they are
    labelled; where a frame shows no face, what is remembered is held.
    """

    name: Literal["sequence"] = "sequence"
    recogniser: FollowingNetwork
    body: Literal["trained", "frozen"] = "trained"
    weighting: Literal["fixed", "uncertainty", "gradient-norm"] = "fixed"

    def roles(self) -> dict[str, tuple[Network, Registry]]:
        """One network."""
        return {"recogniser": (self.recogniser, SEQUENCES)}

    def arguments(self, spec: OutputSpec, classes: int) -> Arguments:
        """As many outputs as the heads have, and what the recipe says of the network."""
        return {"recogniser": {"outputs": spec.outputs, **self.recogniser.arguments()}}

    def check(self, recipe: "Recipe", spec: OutputSpec, arguments: Arguments) -> None:
        """Refuse a recipe without heads or labels, and one whose batches are no windows."""
        check_recogniser(recipe, spec)
        if recipe.data.sampling != "windowed":
            raise InputError(
                f"recipe {recipe.name}: sequences are windows of a track: data.sampling=windowed"
            )

    def step(
        self,
        recipe: "Recipe",
        networks: Mapping[str, nn.Module],
        spec: OutputSpec,
        compute: Compute,
    ) -> "SequenceStep":
        """Make the step."""
        network = networks["recogniser"].train()
        assert isinstance(network, SequenceNetwork)
        if self.body == "frozen":
            network.freeze_body()
        trainee, augmentation = recogniser_parts(recipe, network, self.recogniser, compute)
        average = MovingAverage(network, recipe.average) if recipe.average else None
        weighting = weighting_of(self.weighting, network, compute.world)
        loss = head_loss_of(recipe, spec)
        return SequenceStep(trainee, loss, augmentation, average, weighting, recipe.data.window)


class SequenceStep(RecognitionStep):
    """One update on windows of frames, one after the other in the batch."""

    def __init__(
        self,
        trainee: Trainee,
        head_loss: HeadLoss,
        augmentation: Augmentation,
        average: MovingAverage | None,
        weighting: Weighting,
        window: int,
    ) -> None:
        mixup = Mixup(0.0, 0)
        super().__init__(trainee, head_loss, augmentation, average, weighting, mixup, None)
        self.window = window
        assert isinstance(trainee.network, SequenceNetwork)
        self.network = trainee.network
        self._kept: Features | None = None

    def output(self, batch: Batch, share: float = 1.0) -> Tensor:
        """Raw outputs (N, outputs) of every frame, zeros where there is no face."""
        present = batch.there.to(next(self.network.parameters()).device)
        lengths = present.view(-1, self.window).sum(1)
        lengths = lengths[lengths > 0]
        if self._knows_features():
            if self._kept is None:
                body = self.network.get_submodule("body")
                self._kept = Features(self.network, batch.all_faces, body)
            found, _ = self.network.follow(self._kept.of(batch.faces)[present], lengths)
        else:
            # All frames of a window change alike: as channels of one image.
            shape = batch.images.shape
            whole = batch.images.reshape(-1, self.window * shape[1], *shape[2:])
            images = self.augmentation(whole).reshape(shape)[present]
            found, _ = self.network(images, lengths)
        output: Tensor = found.new_zeros(len(batch), found.shape[1])
        output[present] = found
        return output

    def _knows_features(self) -> bool:
        """Whether the body says the same of a frame in every step."""
        return self.network.frozen and self.augmentation == Augmentation()
