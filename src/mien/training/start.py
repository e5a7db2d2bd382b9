"""Where a training starts: from random weights, from weights that come with mien, or from a run."""

from collections.abc import Mapping
from pathlib import Path

from torch import nn

from mien.errors import InputError
from mien.models import RECOGNISERS
from mien.models.checkpoint import load_network
from mien.models.heads import OutputSpec
from mien.models.sequences.body import Body
from mien.runs.run import Checkpoint, Run
from mien.store.membership import KEPT, Members
from mien.training.recipe import Recipe
from mien.weights import shipped


def start_from(recipe: Recipe, networks: Mapping[str, nn.Module], spec: OutputSpec) -> Members:
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
        members = {kind: list(data.get(kind, ())) for kind in KEPT}
    else:
        raise InputError(
            f"start={recipe.start}: neither a run's folder nor weights that come with mien "
            f"({', '.join(known)})"
        )
    for name, network in networks.items():
        _load(recipe, checkpoint, name, network, spec)
    return members


def _load(
    recipe: Recipe, checkpoint: Checkpoint, name: str, network: nn.Module, spec: OutputSpec
) -> None:
    """Load one network of the start: its moving average where it has one.

    Of a recogniser of single images, the body of a sequence network is taken, whatever its heads.
    """
    _, registry = recipe.method.roles()[name]
    path = checkpoint.network(f"{name}_average") or checkpoint.network(name)
    if path is None:
        raise InputError(f"start={recipe.start}: holds no {name}")
    found, card = load_network(path, {**registry, **RECOGNISERS})
    body = getattr(network, "body", None)
    if isinstance(body, Body) and isinstance(found, type(body.network)):
        if not body.fits(found.state_dict()):
            raise InputError(
                f"start={recipe.start}: its {name}'s layers do not fit the recipe's body"
            )
        body.load(found.state_dict())
        return
    shapes = [{k: v.shape for k, v in net.state_dict().items()} for net in (found, network)]
    if type(found) is not type(network) or shapes[0] != shapes[1]:
        raise InputError(
            f"start={recipe.start}: its {name} is a {type(found).__name__}, and does not fit "
            f"the recipe's {type(network).__name__} with its outputs"
        )
    if card.spec is not None and card.spec.layout != spec.layout:
        raise InputError(
            f"start={recipe.start}: its heads are not this recipe's: {card.spec.to_dict()}; set "
            "the recipe's heads alike"
        )
    network.load_state_dict(found.state_dict())
