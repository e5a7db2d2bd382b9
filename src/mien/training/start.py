"""Where a training starts: from random weights, from weights that come with mien, or from a run."""

from collections.abc import Callable, Mapping
from pathlib import Path

from torch import nn

from mien.errors import InputError
from mien.models.checkpoint import load_network
from mien.models.heads import OutputSpec
from mien.progress import say_nothing
from mien.runs.run import Checkpoint, Run
from mien.store.membership import KEPT, Members
from mien.training.recipe import Recipe
from mien.training.transfer import transfer
from mien.weights import shipped


def start_from(
    recipe: Recipe,
    networks: Mapping[str, nn.Module],
    spec: OutputSpec,
    say: Callable[[str], None] = say_nothing,
) -> Members:
    """Load `recipe.start` into fresh networks; returns whom those weights were trained on.

    A recogniser may have other heads (`transfer.py`): say is told which outputs begin at random.

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
        _load(recipe, checkpoint, name, network, spec, say)
    return members


def _load(
    recipe: Recipe,
    checkpoint: Checkpoint,
    name: str,
    network: nn.Module,
    spec: OutputSpec,
    say: Callable[[str], None],
) -> None:
    """Load one network of the start: its moving average where it has one."""
    _, registry = recipe.method.roles()[name]
    path = checkpoint.network(f"{name}_average") or checkpoint.network(name)
    if path is None:
        raise InputError(f"start={recipe.start}: holds no {name}")
    found, card = load_network(path, registry)
    if name == "recogniser" and type(found) is type(network) and card.spec is not None:
        new = transfer(f"start={recipe.start}", found, card.spec, network, spec).new
        if new:
            say(f"start={recipe.start}: has no {', '.join(new)}: they begin at random")
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
