"""The part of a recogniser of single images that a sequence network takes its features from."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from mien.errors import InputError, unknown_name
from mien.models import RECOGNISERS, channels_of, takes_size

_NEEDS = {"conditional": "its class", "landmarks": "its landmarks", "frames": "its neighbours"}


class Body(nn.Module):
    """A recogniser without its last layer, or up to one of its fully connected layers.

    image_size, channels: of its images. width: of its features.
    """

    def __init__(self, name: str, fully_connected: int = 0, image_size: int | None = None) -> None:
        """name: in `RECOGNISERS`. fully_connected: 1 for the first, activation included; 0 for all.

        image_size: of a network that works at several; None for its own. Raises InputError for a
        network that is not there, needs more than an image, or has no such layer.
        """
        super().__init__()
        if name not in RECOGNISERS:
            raise unknown_name("body", name, RECOGNISERS)
        kind = RECOGNISERS[name]
        more = next((key for key in _NEEDS if hasattr(kind, key)), None)
        if more:
            raise InputError(f"body {name}: needs more than an image: {_NEEDS[more]}")
        self.name = name
        self._size = {"image_size": image_size} if image_size and takes_size(kind) else {}
        network: Any = self.whole()
        if hasattr(network, "head"):
            network.head = nn.Identity()
        self._cut = fully_connected > 0
        if self._cut:
            network.layers = _up_to(name, network, fully_connected)
        self.network = network
        self.image_size, self.channels = int(network.image_size), channels_of(network)
        self.width = self._width()

    def forward(self, images: Tensor) -> Tensor:
        """Map images (M, C, S, S) to (M, width)."""
        network: Any = self.network
        found: Tensor = network.layers(images) if self._cut else network.features(images)
        return found.flatten(1)

    def whole(self) -> nn.Module:
        """Return a whole network of this part's kind, with weights of its own."""
        return RECOGNISERS[self.name](outputs=1, **self._size)

    @torch.no_grad()
    def _width(self) -> int:
        image = torch.zeros(1, self.channels, self.image_size, self.image_size)
        width: int = self.eval()(image).shape[1]
        self.train()
        return width

    def fits(self, weights: Mapping[str, Tensor]) -> bool:
        """Whether a whole network's weights hold all of this part's, in its shapes."""
        mine = self.network.state_dict()
        return all(k in weights and weights[k].shape == v.shape for k, v in mine.items())

    def load(self, weights: Mapping[str, Tensor]) -> None:
        """Take this part's weights out of a whole network's."""
        self.network.load_state_dict({k: weights[k] for k in self.network.state_dict()})


def _up_to(name: str, network: Any, wanted: int) -> nn.Sequential:
    """Layers up to the fully connected one of this number, from 1, and its activation."""
    layers = list(getattr(network, "layers", ()))
    dense = [place for place, layer in enumerate(layers) if isinstance(layer, nn.Linear)]
    if wanted > len(dense):
        raise InputError(
            f"body {name}: has {len(dense)} fully connected layers before its last; "
            f"fully_connected={wanted} asks for another (0: what its last layer sees)"
        )
    end = dense[wanted - 1] + 1
    if end < len(layers) and isinstance(layers[end], nn.ReLU | nn.LeakyReLU):
        end += 1
    return nn.Sequential(*layers[:end])
