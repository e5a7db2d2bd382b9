"""Where a training starts: from random weights, from weights that come with mien, or from a run."""

from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from torch import nn

from mien.errors import InputError
from mien.models import DISCRIMINATORS, GENERATORS
from mien.models.checkpoint import LearnedHeads, load_network
from mien.runs.run import Checkpoint, Run
from mien.training.recipe import Recipe

Members = dict[str, list[str]]
"""People, videos and images by kind, as `mien.store.membership` names them."""


def shipped() -> dict[str, Path]:
    """Folders of the weights that come with mien, by name."""
    with resources.as_file(resources.files("mien.weights")) as folder:
        return {card.parent.name: card.parent for card in sorted(folder.glob("*/README.md"))}


def start_from(
    recipe: Recipe, generator: nn.Module, discriminator: nn.Module, learned: LearnedHeads
) -> Members:
    """Load `recipe.start` into fresh networks; returns whom those weights were trained on.

    Raises InputError where there is no such start, or its networks or heads are not the recipe's.
    The people of weights that come with mien are nobody else: actors of a cast of their own.
    """
    if not recipe.start:
        return {}
    known = shipped()
    members: Members = {}
    if recipe.start in known:
        checkpoint = Checkpoint(known[recipe.start])
    elif (Path(recipe.start) / "run.json").is_file():
        run = Run.open(Path(recipe.start))
        checkpoint = run.best()
        data = run.info()["data"]
        members = {kind: list(data.get(kind, ())) for kind in ("subject", "video", "image")}
    else:
        raise InputError(
            f"start={recipe.start}: neither a run's folder nor weights that come with mien "
            f"({', '.join(known)})"
        )
    made, _ = load_network(checkpoint.sampler, GENERATORS)
    judge, heads = load_network(checkpoint.discriminator, DISCRIMINATORS)
    _check(recipe, {"generator": (made, generator), "discriminator": (judge, discriminator)})
    if heads is None or heads.layout != learned.layout:
        raise InputError(
            f"start={recipe.start}: its heads are not this recipe's: {heads and heads.layout}; "
            "set heads.aus and heads.expressions alike"
        )
    generator.load_state_dict(made.state_dict())
    discriminator.load_state_dict(judge.state_dict())
    return members


def _check(recipe: Recipe, pairs: Mapping[str, tuple[nn.Module, nn.Module]]) -> None:
    for name, (found, wanted) in pairs.items():
        shapes = [{k: v.shape for k, v in net.state_dict().items()} for net in (found, wanted)]
        if type(found) is not type(wanted) or shapes[0] != shapes[1]:
            raise InputError(
                f"start={recipe.start}: its {name} is a {type(found).__name__}, and does not fit "
                f"the recipe's {type(wanted).__name__} with its outputs"
            )


def with_members(data: dict[str, Any], members: Members) -> dict[str, Any]:
    """Add whom the start was trained on to what a run remembers of its training faces."""
    merged = {kind: sorted({*data[kind], *names}) for kind, names in members.items()}
    return {**data, **merged}
