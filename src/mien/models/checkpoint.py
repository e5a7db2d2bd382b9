"""A network on disk: its registry name, its arguments and its weights, in one safetensors file.

Loading executes no code from the file, and needs neither the recipe nor the training package. A
recogniser's file holds its heads and its preprocessing too.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn

from mien.errors import InputError, unknown_name
from mien.models.heads import OutputSpec
from mien.recognition.preprocessing import Preprocessing

FORMAT = "mien-network-2"


@dataclass(frozen=True)
class NetworkCard:
    """What a file says of its network.

    name: in the registry. arguments: of its constructor. spec, preprocessing: of a recogniser or
    discriminator; None for a generator.
    """

    name: str
    arguments: Mapping[str, Any]
    spec: OutputSpec | None = None
    preprocessing: Preprocessing | None = None

    def header(self) -> dict[str, str]:
        """The file's metadata."""
        parts: dict[str, Any] = {"arguments": dict(self.arguments)}
        if self.spec is not None:
            parts["outputs"] = self.spec.to_dict()
        if self.preprocessing is not None:
            parts["preprocessing"] = self.preprocessing.to_dict()
        texts = {key: json.dumps(value) for key, value in parts.items()}
        return {"format": FORMAT, "name": self.name, **texts}

    @classmethod
    def of(cls, header: Mapping[str, str]) -> "NetworkCard":
        """Read back `header`; raises KeyError, TypeError or ValueError for what it is not."""
        read = {key: json.loads(header[key]) for key in ("arguments", "outputs", "preprocessing")
                if key in header}  # fmt: skip
        return cls(
            header["name"],
            read["arguments"],
            OutputSpec.from_dict(read["outputs"]) if "outputs" in read else None,
            Preprocessing.from_dict(read["preprocessing"]) if "preprocessing" in read else None,
        )


def save_network(path: Path, network: nn.Module, card: NetworkCard) -> None:
    """Write weights and card."""
    tensors = {key: value.cpu().contiguous() for key, value in network.state_dict().items()}
    save_file(tensors, path, metadata=card.header())


def read_card(path: Path) -> NetworkCard | None:
    """Read what a file that `save_network` wrote says of its network; None of any other file."""
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
        return NetworkCard.of(header) if header.get("format") == FORMAT else None
    except (OSError, SafetensorError, KeyError, TypeError, ValueError):
        return None


def load_network(
    path: Path, registry: Mapping[str, type[nn.Module]]
) -> tuple[nn.Module, NetworkCard]:
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
    try:
        card = NetworkCard.of(header)
        if card.name not in registry:
            raise unknown_name("network", card.name, registry)
        network = registry[card.name](**card.arguments)
        network.load_state_dict(tensors, strict=True)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise InputError(f"{path}: the weights do not fit their network: {error}") from error
    return network.eval(), card
