"""Where a training starts: from random weights, weights that come with mien, a run, or a file."""

from collections.abc import Callable, Mapping
from pathlib import Path

from torch import nn

from mien.errors import InputError
from mien.models import RECOGNISERS
from mien.models.checkpoint import load_network, read_card
from mien.models.heads import OutputSpec
from mien.models.pretrained import WEIGHT_FILES, load_pretrained
from mien.models.sequences.body import Body
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

    A recogniser may have other heads (`transfer.py`). say: told which outputs begin at random, and
    what to know of a file's weights.

    Raises InputError where there is no such start, or its networks or heads are not the recipe's.
    Of a file of weights, whoever made it, the outputs may be others: they begin anew then.
    The people of weights that come with mien are nobody else: actors of a cast of their own.
    """
    if not recipe.start:
        return {}
    known, path = shipped(), Path(recipe.start)
    if path.suffix.lower() in WEIGHT_FILES:
        return _from_file(recipe, path, networks, spec, say)
    members: Members = {}
    if recipe.start in known:
        checkpoint = Checkpoint(known[recipe.start])
    elif (path / "run.json").is_file():
        run = Run.open(path)
        checkpoint = run.best()
        members = _members(run)
    else:
        raise InputError(
            f"start={recipe.start}: neither a run's folder, nor a file of weights "
            f"({', '.join(WEIGHT_FILES)}), nor weights that come with mien ({', '.join(known)})"
        )
    for name, network in networks.items():
        _load(recipe, checkpoint, name, network, spec, say)
    return members


def _members(run: Run) -> Members:
    """Whom a run was trained on."""
    data = run.info()["data"]
    return {kind: list(data.get(kind, ())) for kind in KEPT}


def _from_file(
    recipe: Recipe,
    path: Path,
    networks: Mapping[str, nn.Module],
    spec: OutputSpec,
    say: Callable[[str], None],
) -> Members:
    """Load a file of weights into the recipe's one network."""
    if len(networks) > 1:
        raise InputError(
            f"start={recipe.start}: a file holds one network, and the recipe has "
            f"{', '.join(networks)}; name a run's folder"
        )
    if not path.is_file():
        raise InputError(f"start={recipe.start}: there is no such file; mien fetches no weights")
    card = read_card(path)
    same = card is not None and card.spec is not None and card.spec.layout == spec.layout
    (network,) = networks.values()
    body = getattr(network, "body", None)
    if isinstance(body, Body) and (card is None or card.name == body.name):
        whole = body.whole()
        say(load_pretrained(path, whole))
        body.load(whole.state_dict())
    else:
        say(load_pretrained(path, network, with_outputs=same))
    folder = path.resolve().parent.parent.parent  # RUN/checkpoints/STEP/recogniser.safetensors
    if (folder / "run.json").is_file():
        return _members(Run.open(folder))
    say(f"{path}: whom its weights were trained on is not known: keep them out of your tests")
    return {}


def _load(
    recipe: Recipe,
    checkpoint: Checkpoint,
    name: str,
    network: nn.Module,
    spec: OutputSpec,
    say: Callable[[str], None],
) -> None:
    """Load one network of the start: its moving average where it has one.

    Of a recogniser of single images, the body of a sequence network is taken, whatever its heads.
    """
    _, registry = recipe.method.roles()[name]
    path = checkpoint.network(f"{name}_average") or checkpoint.network(name)
    if path is None:
        raise InputError(f"start={recipe.start}: holds no {name}")
    found, card = load_network(path, {**RECOGNISERS, **registry})
    body = getattr(network, "body", None)
    if isinstance(body, Body) and isinstance(found, type(body.network)):
        if not body.fits(found.state_dict()):
            raise InputError(
                f"start={recipe.start}: its {name}'s layers do not fit the recipe's body"
            )
        body.load(found.state_dict())
        return
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
