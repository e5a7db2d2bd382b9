"""The only place where a recipe becomes objects."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from mien.errors import InputError, unknown_name
from mien.labels.action_units import DOCUMENT_AUS, FACS
from mien.labels.arrays import LabelArrays
from mien.labels.expressions import CANONICAL, merged
from mien.losses import GENERATOR, VALENCE_AROUSAL
from mien.models import DISCRIMINATORS, GENERATORS, channels_of
from mien.models.checkpoint import LearnedHeads
from mien.models.heads import HeadLayout
from mien.store import Store
from mien.store.membership import describe_split
from mien.store.shards import Pixels
from mien.store.splits import refuse_shared
from mien.training.adversarial import Game, Player, Rules
from mien.training.augmentation import Augmentation
from mien.training.average import MovingAverage
from mien.training.data import FaceBatches
from mien.training.recipe import Network, Recipe
from mien.training.start import start_from, with_members
from mien.training.steps import STEPS, Step

Rows = NDArray[np.intp]


@dataclass(frozen=True)
class Validation:
    """The faces a run chooses its best checkpoint by."""

    pixels: Pixels
    rows: Rows
    labels: LabelArrays


@dataclass(frozen=True)
class Parts:
    """Everything the loop needs. arguments: of the two networks' constructors. average: if any."""

    recipe: Recipe
    step: Step
    batches: FaceBatches
    learned: LearnedHeads
    validation: Validation | None
    data: dict[str, Any]
    arguments: dict[str, dict[str, int]]
    average: MovingAverage | None


def build(recipe: Recipe, store: Store, *, fresh: bool = True) -> Parts:
    """Make networks, losses, optimisers and data; raises InputError where they do not fit.

    fresh: load the recipe's start; a run that goes on has its own checkpoint instead.
    """
    labels = store.labels()
    _check_names(recipe, labels.expressions)
    refuse_shared(str(store.folder), *(store.names(c) for c in ("split", "subject", "video")))
    rows = _share(store, recipe)
    learned = learned_heads(recipe, labels[rows])
    layout = learned.layout
    told = layout.expressions or labels.expressions
    arguments = _arguments(recipe, layout, len(told))
    _check_step(recipe, layout, arguments)
    torch.manual_seed(recipe.seed)
    generator = GENERATORS[recipe.generator.network](**arguments["generator"])
    discriminator = DISCRIMINATORS[recipe.discriminator.network](**arguments["discriminator"])
    for network in (generator, discriminator):
        if network.image_size != recipe.image_size:
            raise InputError(
                f"recipe {recipe.name}: image_size {recipe.image_size} does not fit "
                f"{type(network).__name__}, which is for {network.image_size} px"
            )
    members = start_from(recipe, generator, discriminator, learned) if fresh else {}
    pixels = store.pixels(recipe.image_size)
    aligned = labels.aligned(layout.aus, told)
    rows = _usable(recipe, arguments, rows, aligned)
    channels = channels_of(discriminator)
    batches = FaceBatches(pixels, rows, aligned[rows], recipe.batch_size, recipe.seed, channels)
    game = Game(
        _player(generator, recipe.generator, recipe),
        _player(discriminator, recipe.discriminator, recipe),
        layout,
        _rules(recipe),
    )
    return Parts(
        recipe,
        STEPS[recipe.step](recipe, game, learned),
        batches,
        learned,
        _validation(store, pixels, aligned, recipe),
        with_members(describe_split(store, rows, aligned), members),
        arguments,
        MovingAverage(generator, recipe.average) if recipe.average else None,
    )


def _arguments(recipe: Recipe, layout: HeadLayout, classes: int) -> dict[str, dict[str, int]]:
    """Constructor arguments of the networks; those told the label learn how many there are."""
    given = {"generator": {"noise": recipe.noise}, "discriminator": {"outputs": layout.outputs}}
    kinds = (GENERATORS[recipe.generator.network], DISCRIMINATORS[recipe.discriminator.network])
    for part, kind in zip(given.values(), kinds, strict=True):
        if hasattr(kind, "told"):
            part["classes"] = classes
    return given


def _check_step(recipe: Recipe, layout: HeadLayout, arguments: dict[str, dict[str, int]]) -> None:
    """Refuse a step with networks or heads that it cannot train."""
    told = {name: "classes" in given for name, given in arguments.items()}
    wanted = {
        "categorical": {"generator": False, "discriminator": False},
        "conditional": {"generator": True, "discriminator": True},
        "wasserstein": {
            "generator": told["generator"],
            "discriminator": told["generator"] and told["discriminator"],
        },
    }[recipe.step]
    for name, tells in told.items():
        if tells != wanted[name]:
            raise InputError(
                f"recipe {recipe.name}: step {recipe.step} needs a {name} that is "
                f"{'' if wanted[name] else 'not '}told the expression"
            )
    if recipe.step != "categorical" and (layout.valence_arousal or layout.aus):
        raise InputError(
            f"recipe {recipe.name}: step {recipe.step} trains no units and no valence-arousal; set "
            "heads.aus=[] and heads.valence_arousal=false"
        )
    classes = min((g["classes"] for g in arguments.values() if "classes" in g), default=2)
    if classes < 2 or (layout.exclusive and len(layout.expressions) < 2):
        raise InputError(
            f"recipe {recipe.name}: needs at least two expressions in the store, as classes"
        )
    if recipe.critic.clip_weights and recipe.critic.gradient_penalty:
        raise InputError(
            f"recipe {recipe.name}: critic.clip_weights and critic.gradient_penalty are two ways "
            "to one end; set one of them to 0"
        )
    if recipe.critic.naming and told["generator"] and len(layout.expressions) != classes:
        raise InputError(
            f"recipe {recipe.name}: critic.naming needs an expression head of the {classes} "
            f"classes that the generator is told, heads.expressions has {len(layout.expressions)}"
        )
    kinds = (GENERATORS[recipe.generator.network], DISCRIMINATORS[recipe.discriminator.network])
    if len({getattr(kind, "channels", 3) for kind in kinds}) > 1:
        raise InputError(f"recipe {recipe.name}: one network is grey and the other is not")


def _share(store: Store, recipe: Recipe) -> Rows:
    """Rows of the split train; of a share of its people where the recipe asks for one."""
    rows = store.rows("train")
    if recipe.train_share == 1:
        return rows
    people = np.array([name or f"#{i}" for i, name in enumerate(store.names("subject"))])[rows]
    names = np.unique(people)
    order = np.random.default_rng((recipe.seed, 0x5A)).permutation(len(names))
    kept = names[order[: max(1, round(recipe.train_share * len(names)))]]
    return rows[np.isin(people, kept)]


def _usable(
    recipe: Recipe, arguments: dict[str, dict[str, int]], rows: Rows, labels: LabelArrays
) -> Rows:
    """Leave out faces without an expression where the networks are told it."""
    if not any("classes" in part for part in arguments.values()):
        return rows
    kept = rows[labels.expression[rows] >= 0]
    if len(kept) == 0:
        raise InputError(
            f"recipe {recipe.name}: the networks are told the expression, and no face of the "
            "split train has one"
        )
    return kept


def _rules(recipe: Recipe) -> Rules:
    return Rules(
        noise=recipe.noise,
        update_rate=recipe.update_rate,
        updated_more=recipe.updated_more,
        clip_norm=recipe.clip_norm,
        real_statistics=recipe.batch_norm_statistics == "real",
        huber_weight=recipe.reconstruction.weight,
        huber_steps=recipe.reconstruction.steps,
        huber_delta=recipe.reconstruction.delta,
        matching=recipe.feature_matching,
        bfloat16=recipe.precision == "bfloat16",
        augmentation=Augmentation(**recipe.augmentation.model_dump()),
    )


def _check_names(recipe: Recipe, classes: tuple[str, ...]) -> None:
    for kind, name, known in (
        ("generator", recipe.generator.network, GENERATORS),
        ("discriminator", recipe.discriminator.network, DISCRIMINATORS),
        ("valence-arousal loss", recipe.loss.valence_arousal, VALENCE_AROUSAL),
        ("generator loss", recipe.loss.generator, GENERATOR),
        ("step", recipe.step, STEPS),
    ):
        if name not in known:
            raise unknown_name(kind, name, known)
    for au in recipe.heads.aus or ():
        if au not in FACS:
            raise unknown_name("Action Unit", str(au), map(str, FACS))
    expressions = merged(CANONICAL, classes)
    for name in recipe.heads.expressions or ():
        if name not in expressions:
            raise unknown_name("expression", name, expressions)
    for head in (recipe.heads.aus or (), recipe.heads.expressions or ()):
        twice = [name for i, name in enumerate(head) if name in head[:i]]
        if twice:
            raise InputError(f"recipe {recipe.name}: heads name {twice[0]} twice")


def learned_heads(recipe: Recipe, labels: LabelArrays) -> LearnedHeads:
    """Decide the outputs, and which of them the training split has any label for."""
    aus = recipe.heads.aus
    if aus is None:
        aus = labels.aus or DOCUMENT_AUS
    expressions = recipe.heads.expressions
    if expressions is None:
        expressions = labels.expressions if (labels.expression >= 0).any() else ()
    layout = HeadLayout(
        recipe.heads.valence_arousal,
        tuple(aus),
        tuple(expressions),
        recipe.heads.exclusive,
        recipe.heads.valence_arousal_scale,
        recipe.heads.fake_scale,
    )
    truth = labels.aligned(layout.aus, layout.expressions)
    va = layout.valence_arousal & ~np.isnan(truth.valence_arousal)
    return LearnedHeads(
        layout,
        valence=bool(va[:, 0].any()),
        arousal=bool(va[:, 1].any()),
        aus=tuple(au for i, au in enumerate(layout.aus) if (truth.au[:, i] >= 0).any()),
        expressions=bool((truth.expression >= 0).any()),
        fake=recipe.step == "categorical" and recipe.loss.weights.fake > 0,
    )


def _player(network: torch.nn.Module, settings: Network, recipe: Recipe) -> Player:
    weights, rate = network.parameters(), settings.learning_rate
    optimiser: torch.optim.Optimizer
    if recipe.optimiser == "rmsprop":
        optimiser = torch.optim.RMSprop(weights, rate)
    else:
        optimiser = torch.optim.Adam(weights, rate, (recipe.beta1, recipe.beta2), fused=True)
    return Player(network.train(), optimiser)


def _validation(
    store: Store, pixels: Pixels, aligned: LabelArrays, recipe: Recipe
) -> Validation | None:
    """Pick at most `validation_faces` of the split val; None where it has no face."""
    if "val" not in store.names("split"):
        return None
    rows = store.rows("val")
    if len(rows) > recipe.validation_faces:
        source = np.random.default_rng(recipe.seed)
        picked = source.choice(rows, recipe.validation_faces, replace=False)
        rows = np.sort(picked)
    return Validation(pixels, rows, aligned[rows])
