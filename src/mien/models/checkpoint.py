"""A network on disk: its registry name, its arguments and its weights, in one safetensors file.

Loading executes no code from the file, and needs neither the recipe nor the training package.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn

from mien.errors import InputError, unknown_name
from mien.models.heads import HeadLayout

FORMAT = "mien-network-1"


@dataclass(frozen=True)
class LearnedHeads:
    """Which outputs of a discriminator ever saw a label: the others say nothing.

    fake: whether the fake output is of a probability: not left untaught, not a critic's score, not
    of a network that is told the label, which nobody gives it afterwards.
    """

    layout: HeadLayout
    valence: bool
    arousal: bool
    aus: tuple[int, ...]
    expressions: bool
    fake: bool = True

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "LearnedHeads":
        """Read back what `dataclasses.asdict` wrote."""
        layout = dict(values["layout"])
        layout |= {"aus": tuple(layout["aus"]), "expressions": tuple(layout["expressions"])}
        return cls(
            HeadLayout(**layout),
            values["valence"],
            values["arousal"],
            tuple(values["aus"]),
            values["expressions"],
            values.get("fake", True),
        )


def save_network(
    path: Path,
    network: nn.Module,
    name: str,
    arguments: Mapping[str, Any],
    heads: LearnedHeads | None = None,
) -> None:
    """Write weights, registry name, constructor arguments and, for a discriminator, its heads."""
    header = {"format": FORMAT, "name": name, "arguments": json.dumps(dict(arguments))}
    if heads is not None:
        header["heads"] = json.dumps(asdict(heads))
    tensors = {key: value.contiguous() for key, value in network.state_dict().items()}
    save_file(tensors, path, metadata=header)


def load_network(
    path: Path, registry: Mapping[str, type[nn.Module]]
) -> tuple[nn.Module, LearnedHeads | None]:
    """Read what `save_network` wrote, in evaluation mode.

    Raises InputError where the file is not such a file, or names a network the registry lacks.
    """
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise InputError(f"{path}: cannot read the weights: {error}") from error
    if header.get("format") != FORMAT:
        raise InputError(f"{path}: not a network of this version of mien ({FORMAT})")
    if header["name"] not in registry:
        raise unknown_name("network", header["name"], registry)
    try:
        network = registry[header["name"]](**json.loads(header["arguments"]))
        network.load_state_dict(tensors, strict=True)
        heads = json.loads(header["heads"]) if "heads" in header else None
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise InputError(f"{path}: the weights do not fit their network: {error}") from error
    return network.eval(), LearnedHeads.from_dict(heads) if heads else None
