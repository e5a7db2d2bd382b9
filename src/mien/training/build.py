"""The only place where a recipe becomes objects."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from mien.errors import InputError, unknown_name
from mien.labels.action_units import DOCUMENT_AUS, FACS
from mien.labels.arrays import LabelArrays
from mien.labels.expressions import CANONICAL
from mien.losses import GENERATOR, VALENCE_AROUSAL
from mien.models import DISCRIMINATORS, GENERATORS
from mien.models.checkpoint import LearnedHeads
from mien.models.heads import HeadLayout
from mien.store import Store
from mien.store.membership import describe_split
from mien.store.shards import Pixels
from mien.store.splits import refuse_shared
from mien.training.categorical_step import CategoricalStep, HeadLoss, Player
from mien.training.data import FaceBatches
from mien.training.recipe import Recipe

VALIDATION_LIMIT = 4096
"""Faces of the validation split that are scored while training; `mien evaluate` takes them all."""


@dataclass(frozen=True)
class Validation:
    """The faces a run chooses its best checkpoint by."""

    pixels: Pixels
    rows: NDArray[np.intp]
    labels: LabelArrays


@dataclass(frozen=True)
class Parts:
    """Everything the loop needs."""

    recipe: Recipe
    step: CategoricalStep
    batches: FaceBatches
    learned: LearnedHeads
    validation: Validation | None
    data: dict[str, Any]

    @property
    def arguments(self) -> dict[str, dict[str, Any]]:
        """Constructor arguments of the two networks."""
        return {
            "generator": {"noise": self.recipe.noise},
            "discriminator": {"outputs": self.learned.layout.outputs},
        }


def build(recipe: Recipe, store: Store) -> Parts:
    """Make networks, losses, optimisers and data; raises InputError where they do not fit."""
    _check_names(recipe)
    refuse_shared(str(store.folder), *(store.names(c) for c in ("split", "subject", "video")))
    rows = store.rows("train")
    labels = store.labels()
    learned = learned_heads(recipe, labels[rows])
    layout = learned.layout
    torch.manual_seed(recipe.seed)
    generator = GENERATORS[recipe.generator.network](noise=recipe.noise)
    discriminator = DISCRIMINATORS[recipe.discriminator.network](outputs=layout.outputs)
    for network in (generator, discriminator):
        if network.image_size != recipe.image_size:
            raise InputError(
                f"recipe {recipe.name}: image_size {recipe.image_size} does not fit "
                f"{type(network).__name__}, which is for {network.image_size} px"
            )
    pixels = store.pixels(recipe.image_size)
    aligned = labels.aligned(layout.aus, layout.expressions)
    batches = FaceBatches(pixels, rows, aligned[rows], recipe.batch_size, recipe.seed)
    step = _step(recipe, _player(generator, recipe), _player(discriminator, recipe), learned)
    validation = _validation(store, pixels, aligned, recipe.seed)
    return Parts(recipe, step, batches, learned, validation, describe_split(store, rows, aligned))


def _check_names(recipe: Recipe) -> None:
    for kind, name, known in (
        ("generator", recipe.generator.network, GENERATORS),
        ("discriminator", recipe.discriminator.network, DISCRIMINATORS),
        ("valence-arousal loss", recipe.loss.valence_arousal, VALENCE_AROUSAL),
        ("generator loss", recipe.loss.generator, GENERATOR),
    ):
        if name not in known:
            raise unknown_name(kind, name, known)
    for au in recipe.heads.aus or ():
        if au not in FACS:
            raise unknown_name("Action Unit", str(au), map(str, FACS))
    for name in recipe.heads.expressions or ():
        if name not in CANONICAL:
            raise unknown_name("expression", name, CANONICAL)


def learned_heads(recipe: Recipe, labels: LabelArrays) -> LearnedHeads:
    """Decide the outputs, and which of them the training split has any label for."""
    aus = recipe.heads.aus
    if aus is None:
        aus = labels.aus or DOCUMENT_AUS
    expressions = recipe.heads.expressions
    if expressions is None:
        expressions = labels.expressions if (labels.expression >= 0).any() else ()
    layout = HeadLayout(recipe.heads.valence_arousal, tuple(aus), tuple(expressions))
    truth = labels.aligned(layout.aus, layout.expressions)
    va = layout.valence_arousal & ~np.isnan(truth.valence_arousal)
    return LearnedHeads(
        layout,
        valence=bool(va[:, 0].any()),
        arousal=bool(va[:, 1].any()),
        aus=tuple(au for i, au in enumerate(layout.aus) if (truth.au[:, i] >= 0).any()),
        expressions=bool((truth.expression >= 0).any()),
    )


def _player(network: torch.nn.Module, recipe: Recipe) -> Player:
    settings = recipe.generator if type(network) in GENERATORS.values() else recipe.discriminator
    adam = torch.optim.Adam(
        network.parameters(), settings.learning_rate, (recipe.beta1, recipe.beta2)
    )
    return Player(network.train(), adam)


def _step(
    recipe: Recipe, generator: Player, discriminator: Player, learned: LearnedHeads
) -> CategoricalStep:
    weights, targets = recipe.loss.weights, recipe.fake_labels
    others = targets.others
    if others == "share":
        others = (1 - targets.fake) / max(learned.layout.label_outputs, 1)
    head_loss = HeadLoss(
        VALENCE_AROUSAL[recipe.loss.valence_arousal],
        weights.valence_arousal,
        weights.au,
        weights.expression,
        weights.fake,
        targets.fake,
        others,
        learned,
    )
    return CategoricalStep(
        generator,
        discriminator,
        head_loss,
        GENERATOR[recipe.loss.generator],
        noise=recipe.noise,
        real_statistics=recipe.batch_norm_statistics == "real",
        update_rate=recipe.update_rate,
        updated_more=recipe.updated_more,
        halve=recipe.loss.real_and_fake == "mean",
        clip_norm=recipe.clip_norm,
        huber_weight=recipe.reconstruction.weight,
        huber_steps=recipe.reconstruction.steps,
        huber_delta=recipe.reconstruction.delta,
    )


def _validation(store: Store, pixels: Pixels, aligned: LabelArrays, seed: int) -> Validation | None:
    """Pick at most VALIDATION_LIMIT faces of the split val; None where it has no face."""
    if "val" not in store.names("split"):
        return None
    rows = store.rows("val")
    if len(rows) > VALIDATION_LIMIT:
        picked = np.random.default_rng(seed).choice(rows, VALIDATION_LIMIT, replace=False)
        rows = np.sort(picked)
    return Validation(pixels, rows, aligned[rows])
