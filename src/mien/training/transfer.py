"""Take over weights of a recogniser with other heads: the body whole, the last layer by name."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from mien.errors import InputError
from mien.models.heads import OutputSpec

ALIKE = {"expression": "expression_votes", "expression_votes": "expression"}
"""Heads whose raw outputs mean the same, logits of the same classes."""


@dataclass(frozen=True)
class Transfer:
    """What of the new network's outputs came from where. new: those that begin at random."""

    kept: tuple[str, ...]
    new: tuple[str, ...]


def transfer(
    where: str, found: nn.Module, known: OutputSpec, network: nn.Module, wanted: OutputSpec
) -> Transfer:
    """Load weights of `found`, whose outputs are `known`, into `network`, of `wanted` outputs.

    Tensors of one shape are taken as they are; those with a row per raw output are taken row by
    row, of the outputs of the same name (`expression` and `expression_votes` have the same). where:
    begins the message. Raises InputError where another tensor differs, and names it.
    """
    rows = _rows(known, wanted)
    have, state = found.state_dict(), network.state_dict()
    if have.keys() != state.keys():
        odd = sorted(have.keys() ^ state.keys())[0]
        raise InputError(f"{where}: {odd} is in one of the two networks alone")
    last = _last_layer(network)
    with torch.no_grad():
        for name, tensor in state.items():
            mine = have[name]
            outputs = name in last and len(mine) == known.outputs
            if outputs and len(tensor) == wanted.outputs and mine.shape[1:] == tensor.shape[1:]:
                _copy_rows(mine, tensor, rows, known, wanted)
            elif mine.shape == tensor.shape and not outputs:
                tensor.copy_(mine)
            else:
                shapes = f"{tuple(mine.shape)}, the recipe's {tuple(tensor.shape)}"
                raise InputError(f"{where}: its {name} is {shapes}")
    return Transfer(*_names(rows, wanted))


def _last_layer(network: nn.Module) -> set[str]:
    """Names of the tensors of the last module with weights of its own: the raw outputs."""
    weighing = [
        name
        for name, module in network.named_modules()
        if any(True for _ in module.parameters(recurse=False))
    ]
    own = network.get_submodule(weighing[-1]).named_parameters(recurse=False)
    return {f"{weighing[-1]}.{name}".removeprefix(".") for name, _ in own}


def _places(spec: OutputSpec) -> Iterator[tuple[tuple[str, str, int], int]]:
    """Every raw output: (head, output, number within the output), and its place."""
    place = 0
    for head in spec.layout.heads:
        each = head.width // len(head.outputs)
        for output in head.outputs:
            for number in range(each):
                yield (head.name, output, number), place
                place += 1


def _rows(known: OutputSpec, wanted: OutputSpec) -> dict[int, int | None]:
    """Place in the new outputs to place in the old ones; None for what the old ones lack."""
    learned = known.learned.outputs
    old = {key: place for key, place in _places(known) if key[1] in learned.get(key[0], ())}
    found: dict[int, int | None] = {}
    for (head, output, number), place in _places(wanted):
        alike = (ALIKE.get(head, head), output, number)
        found[place] = old.get((head, output, number), old.get(alike))
    return found


def _copy_rows(
    mine: Tensor,
    tensor: Tensor,
    rows: dict[int, int | None],
    known: OutputSpec,
    wanted: OutputSpec,
) -> None:
    """Take rows over; factors on raw outputs (`scales`) are evened out."""
    before, after = _scales(known), _scales(wanted)
    for place, old in rows.items():
        if old is not None:
            tensor[place] = mine[old] * (before(old) / after(place))


def _scales(spec: OutputSpec) -> Callable[[int], float]:
    factors = [spec.layout.scales.get(key[0], 1.0) for key, _ in _places(spec)]
    return factors.__getitem__


def _names(
    rows: dict[int, int | None], wanted: OutputSpec
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Outputs that were taken over, and those that begin anew, as `head.output`."""
    kept: dict[str, None] = {}
    new: dict[str, None] = {}
    for (head, output, _), place in _places(wanted):
        (new if rows[place] is None else kept)[f"{head}.{output}"] = None
    return tuple(kept), tuple(new)
