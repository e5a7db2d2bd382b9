"""Training the last blocks of a network alone: what is before them stays as it is.

A block is a child of the network, or of a sequence in it, that has weights, with the dropout before
it and the normalisation and activation behind it: a residual block, a convolution with its batch
normalisation, a dense layer.
"""

import tempfile
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

from mien.errors import InputError
from mien.training.data import Batch, Faces

CHUNK = 16
"""Faces whose features are computed together, always the same ones: so they are to the same bits
in every order of batches."""
IN_MEMORY = 2 * 2**30
"""Bytes of features that are kept in memory; more lie in a temporary file."""


def blocks_of(network: nn.Module) -> list[list[nn.Module]]:
    """Blocks of a network in the order of its layers, each a list of modules."""
    blocks: list[list[nn.Module]] = []
    before: list[nn.Module] = []
    for module in _units(network):
        weighs = any(True for _ in module.parameters())
        if isinstance(module, nn.Dropout | nn.Dropout2d):
            before.append(module)
        elif weighs and not isinstance(module, _NormBase | nn.LayerNorm | nn.GroupNorm):
            blocks.append([*before, module])
            before = []
        elif blocks:
            blocks[-1].append(module)
    return blocks


def _units(module: nn.Module) -> Iterator[nn.Module]:
    for child in module.children():
        if isinstance(child, nn.Sequential | nn.ModuleList):
            yield from _units(child)
        else:
            yield child


class FrozenBody:
    """A network of which the last blocks are trained. last: how many.

    Frozen blocks compute as after training: their running statistics stay, nothing drops out.
    Raises InputError where the network has no more blocks than that.
    """

    def __init__(self, network: nn.Module, last: int) -> None:
        blocks = blocks_of(network)
        if last >= len(blocks):
            raise InputError(
                f"method.last_blocks={last}: {type(network).__name__} has {len(blocks)} blocks, "
                "and 0 trains them all"
            )
        self.network = network
        self._still = [module for block in blocks[:-last] for module in block]
        trained = {id(w) for block in blocks[-last:] for m in block for w in m.parameters()}
        trained |= {id(w) for w in network.parameters(recurse=False)}  # of no block: the end's
        for weight in network.parameters():
            weight.requires_grad_(id(weight) in trained)
        self._features: Features | None = None

    def hold(self) -> None:
        """Put frozen blocks into evaluation mode, whatever the network as a whole is in."""
        for module in self._still:
            module.eval()

    def output(self, batch: Batch) -> Tensor:
        """Raw outputs of a batch whose images nothing changes: the body sees each face once."""
        if self._features is None:
            self._features = Features(self.network, batch.all_faces)
        return from_features(self.network, self._features.of(batch.faces))

    def ends_in_features(self, images: Tensor) -> bool:
        """Whether all that is trained comes after the network's `features`."""
        if not hasattr(self.network, "features") or getattr(self.network, "landmarks", False):
            return False
        mode = self.network.training
        self.network.eval()
        found = features_of(self.network, images)
        after = from_features(self.network, found)
        same = torch.equal(after, self.network(images))
        self.network.train(mode)
        return same and not found.requires_grad


def features_of(network: nn.Module, images: Tensor) -> Tensor:
    """What the last layer of a network sees, (N, F)."""
    found: Tensor = network.features(images)  # type: ignore[operator]
    return found


def from_features(network: nn.Module, features: Tensor) -> Tensor:
    """What a network makes of its own features (N, F): its last layers alone."""
    network.features = lambda found: found  # type: ignore[assignment]  # shadows the method
    try:
        outputs: Tensor = network(features)
    finally:
        del network.features
    return outputs


class Features:
    """Features of all training faces, each computed once, when a batch first asks for it."""

    def __init__(self, network: nn.Module, faces: Faces) -> None:
        self.network, self.faces = network, faces
        self._known = np.zeros(-(-len(faces) // CHUNK), bool)
        self._values: Tensor | None = None

    def of(self, faces: np.ndarray[tuple[int], np.dtype[np.intp]]) -> Tensor:
        """Features (N, F) of faces by number, on the network's device; of -1, any."""
        wanted = np.maximum(faces, 0)
        for chunk in np.unique(wanted // CHUNK):
            if not self._known[chunk]:
                self._compute(int(chunk))
        assert self._values is not None
        device = next(self.network.parameters()).device
        return self._values[torch.from_numpy(wanted)].to(device)

    @torch.no_grad()
    def _compute(self, chunk: int) -> None:
        first = chunk * CHUNK
        numbers = np.arange(first, min(first + CHUNK, len(self.faces)))
        mode = self.network.training
        found = features_of(self.network.eval(), self.faces.read(numbers)).float().cpu()
        self.network.train(mode)
        if self._values is None:
            self._values = _room(len(self.faces), found.shape[1])
        self._values[first : first + len(numbers)] = found
        self._known[chunk] = True


def _room(faces: int, width: int) -> Tensor:
    """An uninitialised tensor (faces, width) in memory, or in a file that goes with the process."""
    if 4 * faces * width <= IN_MEMORY:
        return torch.empty(faces, width)
    with tempfile.TemporaryFile(prefix="mien-features-") as file:
        return torch.from_numpy(np.memmap(file, np.float32, "w+", shape=(faces, width)))
