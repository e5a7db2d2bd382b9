"""The steps a recipe may name: one function each, from its numbers to what the loop calls."""

from collections.abc import Callable
from typing import Protocol

from mien.losses import GENERATOR, VALENCE_AROUSAL
from mien.models.checkpoint import LearnedHeads
from mien.training.adversarial import Game
from mien.training.categorical_step import CategoricalStep
from mien.training.conditional_step import ConditionalStep
from mien.training.data import Batch
from mien.training.head_loss import HeadLoss, Log
from mien.training.recipe import Recipe
from mien.training.wasserstein_step import WassersteinStep


class Step(Protocol):
    """One update of either network."""

    @property
    def game(self) -> Game:
        """The two networks."""

    def __call__(self, step: int, batch: Batch) -> Log:
        """Run one step on real faces and return what to log."""


def _categorical(recipe: Recipe, game: Game, learned: LearnedHeads) -> Step:
    weights, targets = recipe.loss.weights, recipe.fake_labels
    others: float | str | None = targets.others
    if others == "share":
        others = (1 - targets.fake) / max(learned.layout.label_outputs, 1)
    head_loss = HeadLoss(
        VALENCE_AROUSAL[recipe.loss.valence_arousal],
        weights.valence_arousal,
        weights.au,
        weights.expression,
        weights.fake,
        targets.fake,
        targets.real,
        dict.fromkeys(targets.heads, others) if isinstance(others, float | int) else {},
        learned,
    )
    halve = recipe.loss.real_and_fake == "mean"
    return CategoricalStep(game, head_loss, GENERATOR[recipe.loss.generator], halve=halve)


def _conditional(recipe: Recipe, game: Game, learned: LearnedHeads) -> Step:
    classes = int(game.generator.network.classes)  # type: ignore[arg-type]
    targets = recipe.fake_labels
    loss = GENERATOR[recipe.loss.generator]
    return ConditionalStep(game, classes, loss, targets.fake, targets.real)


def _wasserstein(recipe: Recipe, game: Game, learned: LearnedHeads) -> Step:
    critic = recipe.critic
    classes = getattr(game.generator.network, "classes", 0)
    return WassersteinStep(
        game,
        classes,
        naming=critic.naming,
        clip_weights=critic.clip_weights,
        penalty=critic.gradient_penalty,
    )


STEPS: dict[str, Callable[[Recipe, Game, LearnedHeads], Step]] = {
    "categorical": _categorical,
    "conditional": _conditional,
    "wasserstein": _wasserstein,
}
