"""The only place where a recipe becomes objects."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from mien.errors import InputError, check_name, unknown_name
from mien.labels.arrays import Learned
from mien.labels.expressions import CANONICAL, merged
from mien.labels.heads import HEADS, Head, merged_heads, parse_outputs
from mien.labels.kinds import KINDS
from mien.losses import LOSSES
from mien.losses.adjusted import shares_of
from mien.models import channels_of, landmarks_of, takes_size
from mien.models.checkpoint import NetworkCard
from mien.models.heads import HeadLayout, OutputSpec
from mien.models.sequences.base import SequenceNetwork
from mien.progress import say_nothing
from mien.recognition.preprocessing import Preprocessing
from mien.store import Store
from mien.store.membership import Members, describe_split, merged_members
from mien.training.compute import Compute
from mien.training.data import MixedBatches
from mien.training.methods.adversarial_base import CONDITION
from mien.training.methods.base import Arguments, Method, Step
from mien.training.recipe import Recipe
from mien.training.sources import (
    TrainingSource,
    Validation,
    labelled_heads,
    make_batches,
    open_sources,
    validation_of,
)
from mien.training.start import start_from


@dataclass(frozen=True)
class Parts:
    """Everything the loop needs.

    cards: what is kept with every network, by its name. told: what to know of the start, in words.
    """

    recipe: Recipe
    compute: Compute
    step: Step
    batches: MixedBatches
    spec: OutputSpec
    preprocessing: Preprocessing
    validation: tuple[Validation, ...]
    data: dict[str, Any]
    stores: tuple[str, ...]
    cards: Mapping[str, NetworkCard]


def build(
    recipe: Recipe,
    store: Store | None,
    *,
    fresh: bool = True,
    compute: Compute | None = None,
    say: Callable[[str], None] = say_nothing,
) -> Parts:
    """Make networks, losses, optimisers and data; raises InputError where they do not fit.

    store: None where the recipe names its sources. fresh: load the recipe's start; a run that goes
    on has its own checkpoint instead. say: told what does not fit and can be done without.
    """
    compute = compute or Compute.here(recipe.precision)
    method = recipe.method
    _check_names(recipe)
    sources = open_sources(recipe, store)
    known = labelled_heads(sources)
    layout = HeadLayout(_chosen_heads(recipe, known), recipe.scales)
    spec = method.spec(layout, _learned(layout, sources))
    classes = _classes(spec, sources)
    arguments = _with_size(recipe, method.arguments(spec, len(classes)))
    method.check(recipe, spec, arguments)
    if not method.has_head_loss and (recipe.losses or recipe.weights or recipe.adjust):
        raise InputError(
            f"recipe {recipe.name}: method {method.name} reads no losses, weights or adjust"
        )
    networks = _networks(recipe, arguments)
    members = start_from(recipe, networks, spec, say) if fresh else {}
    if method.takes_classes():
        condition = Head(CONDITION, classes)
        sources = [_with_class(recipe, source, condition) for source in sources]
    for network in networks.values():
        network.to(compute.device)
    compute.same_weights(networks.values())
    batch_heads = _batch_heads(layout, classes, method)
    seeing = list(networks.values())[-1]
    channels, points = channels_of(seeing), landmarks_of(seeing)
    if points:
        _check_landmarks(recipe, sources)
    window = _window(recipe, seeing)
    batches = make_batches(recipe, sources, batch_heads, channels, compute, points > 0)
    step = method.step(recipe, networks, spec, compute)
    validation = [validation_of(recipe, source, layout.heads, window) for source in sources]
    if spec.fake is None:
        _say_what_is_missing(spec, any(validation), say)
    preprocessing = Preprocessing(
        recipe.image_size, _margin(sources), channels, window=window or 1, landmarks=points
    )
    return Parts(
        recipe,
        compute,
        step,
        batches,
        spec,
        preprocessing,
        tuple(v for v in validation if v is not None),
        merged_members(_described(sources, batch_heads), members),
        tuple(str(source.store.folder.resolve()) for source in sources),
        _cards(method, step, arguments, spec, preprocessing),
    )


def _check_names(recipe: Recipe) -> None:
    for name, (settings, registry) in recipe.method.roles().items():
        if settings.network not in registry:
            raise unknown_name(name, settings.network, registry)
    for key in ("heads", "scales", "losses", "weights", "adjust"):
        for name in getattr(recipe, key):
            if name not in HEADS:
                raise unknown_name("head", f"{key}.{name}", [f"{key}.{head}" for head in HEADS])
    for name, loss in recipe.losses.items():
        if loss not in LOSSES[HEADS[name].kind]:
            raise unknown_name(f"loss of {name}", loss, LOSSES[HEADS[name].kind])


def _check_classes(head: Head, known: Sequence[Head]) -> None:
    """Raise InputError, with the nearest name, for a class that nobody knows."""
    if not head.kind.classes:
        return
    own = [output for other in known if other.kind.classes for output in other.outputs]
    for output in head.outputs:
        check_name("expression", output, merged(CANONICAL, own))


def _chosen_heads(recipe: Recipe, known: Sequence[Head]) -> tuple[Head, ...]:
    """Heads with outputs, in the order of `HEADS`: as listed, or as the training faces have them.

    Raises InputError for unknown outputs, and for two heads with the same columns in a table.
    """
    chosen: dict[str, Head] = {}
    for name, wanted in recipe.heads.items():
        if isinstance(wanted, bool):
            outputs = _outputs(name, known)
            if wanted and outputs:
                chosen[name] = Head(name, outputs)
        elif wanted:
            chosen[name] = parse_outputs(name, wanted)
            _check_classes(chosen[name], known)
    heads = tuple(chosen[name] for name in HEADS if name in chosen)
    columns: dict[str, str] = {}
    for head in heads:
        for column in head.kind.table_columns(head.name, head.outputs):
            if column in columns:
                raise InputError(
                    f"recipe {recipe.name}: heads {columns[column]} and {head.name} both predict "
                    f"{column}; leave one away"
                )
            columns[column] = head.name
    return heads


def _outputs(name: str, known: Sequence[Head]) -> tuple[str, ...]:
    """Outputs of a head that are labelled, by itself or by the head whose labels stand in."""
    names = (name, KINDS[HEADS[name].kind].fallback)
    found = [head.outputs for head in known if head.name in names]
    return HEADS[name].merged(*found) if found else HEADS[name].outputs


def _learned(layout: HeadLayout, sources: Sequence[TrainingSource]) -> Learned:
    """Outputs that any training face has a label for, and how often each is shown."""
    found, shares = {}, {}
    for head in layout.heads:
        labels = [s.labels.aligned([head])[head.name][s.rows] for s in sources]
        known = np.any([(~np.isnan(values)).any(0) for values in labels], axis=0)
        found[head.name] = tuple(o for o, there in zip(head.outputs, known, strict=True) if there)
        if head.kind.counted:
            shares[head.name] = shares_of(labels, head.kind.classes)
    return Learned(found, shares)


def _say_what_is_missing(spec: OutputSpec, validated: bool, say: Callable[[str], None]) -> None:
    """Tell what a recogniser will not predict, and that nothing chooses its best checkpoint."""
    missing = []
    for head in spec.layout.heads:
        lacks = len(head.outputs) - len(spec.learned.outputs.get(head.name, ()))
        if lacks == len(head.outputs):
            missing.append(head.name)
        elif lacks:
            missing.append(f"{lacks} of {len(head.outputs)} outputs of {head.name}")
    if missing:
        say(f"no training face has a label of {', '.join(missing)}: that is not predicted")
    if not validated:
        say("there is no face of the part val: the last checkpoint counts as the best")


def _classes(spec: OutputSpec, sources: Sequence[TrainingSource]) -> tuple[str, ...]:
    """Classes that conditional networks take: the head's own, or all that the stores have."""
    head = spec.layout.head(CONDITION)
    if head is not None:
        return head.outputs
    heads = merged_heads(*(source.labels.heads for source in sources))
    return next((h.outputs for h in heads if h.name == CONDITION), ())


def _batch_heads(layout: HeadLayout, classes: tuple[str, ...], method: Method) -> tuple[Head, ...]:
    """Heads whose labels a batch carries: the layout's, and what conditional networks take."""
    if method.takes_classes() and layout.head(CONDITION) is None:
        return (*layout.heads, Head(CONDITION, classes))
    return layout.heads


def _with_class(recipe: Recipe, source: TrainingSource, condition: Head) -> TrainingSource:
    """Leave out faces whose expression is unknown, or none of those that the networks take."""
    labels = source.labels
    known = np.asarray(~np.isnan(labels.aligned([condition])[CONDITION]).any(1), bool)
    kept = source.rows[known[source.rows]]
    if len(kept) == 0:
        raise InputError(
            f"recipe {recipe.name}: the networks take the expression, and no training face of "
            f"{source.store.folder} has one"
        )
    return TrainingSource(source.settings, source.store, kept, labels)


def _with_size(recipe: Recipe, arguments: Arguments) -> Arguments:
    """Give the recipe's image size to those networks that work at several."""
    several = {"image_size": recipe.image_size}
    return {
        name: {**arguments[name], **(several if takes_size(registry[settings.network]) else {})}
        for name, (settings, registry) in recipe.method.roles().items()
    }


def _check_landmarks(recipe: Recipe, sources: Sequence[TrainingSource]) -> None:
    """Refuse to train a network that takes landmarks where no training face has any."""
    if not any(
        np.isfinite(source.store.landmarks_in_crops(source.rows)).any() for source in sources
    ):
        stores = ", ".join(str(source.store.folder) for source in sources)
        raise InputError(
            f"recipe {recipe.name}: the network takes landmarks, and no training face of {stores} "
            "has any; `mien ingest` finds them, and `mien import folder --find-faces`"
        )


def _networks(recipe: Recipe, arguments: Arguments) -> dict[str, nn.Module]:
    torch.manual_seed(recipe.seed)
    networks = {}
    for name, (settings, registry) in recipe.method.roles().items():
        kind = registry[settings.network]
        network = _made(recipe, kind, name, arguments[name])
        if network.image_size != recipe.image_size:
            raise InputError(
                f"recipe {recipe.name}: image_size {recipe.image_size} does not fit "
                f"{type(network).__name__}, which is for {network.image_size} px"
            )
        networks[name] = network
    return networks


def _window(recipe: Recipe, network: nn.Module) -> int | None:
    """Frames that a network sees together, 1 where it streams; None where it follows nobody."""
    if not isinstance(network, SequenceNetwork):
        return None
    if not network.streams and recipe.data.window == 1:
        raise InputError(
            f"recipe {recipe.name}: data.window=1: {type(network).__name__} sees frames together"
        )
    return 1 if network.streams else recipe.data.window


def _made(
    recipe: Recipe, kind: type[nn.Module], role: str, arguments: Mapping[str, Any]
) -> nn.Module:
    """Make a network; InputError for a setting that its kind does not take, or one it lacks."""
    known = inspect.signature(kind).parameters
    more = next((key for key in arguments if key not in known), None)
    less = next((k for k, p in known.items() if p.default is p.empty and k not in arguments), None)
    if more or less:
        told = f"takes no {more}" if more else f"needs {less}"
        raise InputError(
            f"recipe {recipe.name}: method.{role}.{more or less}: {kind.__name__} {told}"
        )
    return kind(**arguments)


def _described(sources: Sequence[TrainingSource], heads: Sequence[Head]) -> dict[str, Any]:
    parts = [
        describe_split(source.store, source.rows, source.labels.of(heads)) for source in sources
    ]
    if len(parts) == 1:
        return parts[0]
    together = {
        "faces": sum(part["faces"] for part in parts),
        "digest": "+".join(part["digest"] for part in parts),
    }
    members: Members = {}
    for part in parts:
        members = merged_members(members, {k: v for k, v in part.items() if k not in together})
    return {**together, **members}


def _margin(sources: Sequence[TrainingSource]) -> float | None:
    """Margin that all training crops were cut with; None where it is not known of some.

    Raises InputError where it differs: no single way to cut would be right afterwards.
    """
    margins = set().union(*(source.store.margins(source.rows) for source in sources))
    if len(margins - {None}) > 1:
        shown = ", ".join(f"{m:g}" for m in sorted(m for m in margins if m is not None))
        raise InputError(f"the training crops were cut with different margins: {shown}")
    return margins.pop() if len(margins) == 1 else None


def _cards(
    method: Method,
    step: Step,
    arguments: Arguments,
    spec: OutputSpec,
    preprocessing: Preprocessing,
) -> dict[str, NetworkCard]:
    """What is kept with each network; a moving average is kept as what it follows."""
    cards = {}
    for name in step.networks:
        role = name.removesuffix("_average")
        kept = (None, None) if role == "generator" else (spec, preprocessing)
        cards[name] = NetworkCard(method.roles()[role][0].network, arguments[role], *kept)
    return cards
