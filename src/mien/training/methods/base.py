"""What a way to train is: settings of its own in a recipe, and a step that the loop calls."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from torch import Tensor, nn
from torch.optim import Optimizer

from mien.errors import InputError, check_name
from mien.labels.arrays import Learned
from mien.labels.heads import Head
from mien.losses import LOSSES
from mien.losses.adjusted import Adjustment, adjusted
from mien.losses.heads import HeadLossFunction
from mien.models.heads import HeadLayout, OutputSpec
from mien.training.compute import Compute
from mien.training.data import Batch
from mien.training.head_loss import HeadLoss
from mien.training.log import Log
from mien.training.settings import Network, Part

if TYPE_CHECKING:
    from mien.training.recipe import Recipe

Registry = Mapping[str, type[nn.Module]]
Arguments = dict[str, dict[str, Any]]
"""Constructor arguments of every network, by its name."""


class Step(Protocol):
    """One training: its networks, and an update of some of them."""

    @property
    def networks(self) -> dict[str, nn.Module]:
        """All networks of a checkpoint, by name, moving averages included."""

    @property
    def optimisers(self) -> dict[str, Optimizer]:
        """Optimisers by the name of their network."""

    @property
    def recogniser(self) -> nn.Module | None:
        """The network that validation scores; None where none has a head."""

    def update(self, step: int, batch: Batch) -> Log:
        """Run step number `step` (from 0) on real faces and return what to log."""

    def preview(self, count: int, seed: int) -> list[Tensor]:
        """Batches of generated images, the same for the same seed; none of a recogniser."""

    def memory(self) -> Mapping[str, float]:
        """Numbers that a resumed step wants back."""

    def remember(self, memory: Mapping[str, Any]) -> None:
        """Take them back."""


class Method(Part):
    """Settings of a way to train; a subclass adds its own keys."""

    name: str

    @abstractmethod
    def roles(self) -> dict[str, tuple[Network, Registry]]:
        """Networks by name: their settings, and where their names are looked up."""

    def spec(self, layout: HeadLayout, learned: Learned) -> OutputSpec:
        """What the recogniser's or discriminator's outputs mean."""
        return OutputSpec(layout, learned)

    @abstractmethod
    def arguments(self, spec: OutputSpec, classes: int) -> Arguments:
        """Constructor arguments of every network. classes: of expressions in the store."""

    def takes_classes(self) -> bool:
        """Whether a network takes the expression as an input: unlabelled faces are left out."""
        return any(
            hasattr(registry[net.network], "conditional") for net, registry in self.roles().values()
        )

    @property
    def has_head_loss(self) -> bool:
        """Whether recipes may weigh the losses of heads, and choose them."""
        return True

    def check(self, recipe: "Recipe", spec: OutputSpec, arguments: Arguments) -> None:
        """Raise InputError for settings, heads or networks that contradict each other."""

    @abstractmethod
    def step(
        self,
        recipe: "Recipe",
        networks: Mapping[str, nn.Module],
        spec: OutputSpec,
        compute: Compute,
    ) -> Step:
        """Make the step."""


def head_loss_of(recipe: "Recipe", spec: OutputSpec) -> HeadLoss:
    """Losses and weights of a recipe's heads; raises InputError for a loss a head cannot have."""
    functions = {}
    for head in spec.layout.heads:
        known = LOSSES[head.type.kind]
        name = recipe.losses.get(head.name, next(iter(known)))
        if name not in known:
            raise InputError(
                f"recipe {recipe.name}: losses.{head.name}={name}: {head.name} may have "
                f"{', '.join(known)}"
            )
        functions[head.name] = _adjusted(recipe, head, name, known[name], spec)
    return HeadLoss(spec, functions, recipe.weights)


def _adjusted(
    recipe: "Recipe", head: Head, name: str, loss: HeadLossFunction, spec: OutputSpec
) -> HeadLossFunction:
    """The loss with what the recipe asks of it under `adjust`."""
    if head.name not in recipe.adjust:
        return loss
    place, asked = f"recipe {recipe.name}: adjust.{head.name}", recipe.adjust[head.name]
    if not head.kind.counted:
        raise InputError(f"{place}: {head.name} has no classes and no units to adjust")
    if asked.prior and name != "cross-entropy":
        raise InputError(f"{place}.prior: adjusts logits of the cross-entropy, not of {name}")
    for output in asked.class_weights:
        check_name(f"output of {head.name}", output, head.outputs)
    shares = spec.learned.shares[head.name]
    return adjusted(loss, Adjustment(**asked.model_dump()), head.outputs, shares, head.kind.classes)
