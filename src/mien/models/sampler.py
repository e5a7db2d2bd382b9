"""From noise to faces: a trained generator."""

from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor, nn

from mien.models import GENERATORS
from mien.models.checkpoint import load_network


def uniform_noise(count: int, size: int, source: torch.Generator | None = None) -> Tensor:
    """Draw noise (count, size), uniform in [-1, 1] as in every document."""
    return torch.rand(count, size, generator=source).mul_(2).sub_(1)


class FaceSampler:
    """A generator in evaluation mode: each face depends on its noise alone."""

    def __init__(self, network: nn.Module, batch_size: int = 256) -> None:
        self.network, self.batch_size = network.eval(), batch_size
        self.noise = int(network.noise)  # type: ignore[arg-type]
        self.classes = int(getattr(network, "classes", 0))

    @classmethod
    def load(cls, path: Path) -> "FaceSampler":
        """Load a generator's safetensors file; raises InputError where it is none."""
        return cls(load_network(path, GENERATORS)[0])

    @torch.inference_mode()
    def batches(self, count: int, seed: int) -> Iterator[Tensor]:
        """Yield `count` faces in batches (N, 3, S, S) in [-1, 1], the same for the same seed."""
        source = torch.Generator().manual_seed(seed)
        device = next(self.network.parameters()).device
        for start in range(0, count, self.batch_size):
            size = min(self.batch_size, count - start)
            noise = uniform_noise(size, self.noise, source)
            label = (self.labels(start, size).to(device),) if self.classes else ()
            faces: Tensor = self.network(noise.to(device), *label)
            yield faces

    def labels(self, start: int, count: int) -> Tensor:
        """Classes for a conditional generator: all in turn."""
        return torch.arange(start, start + count) % self.classes
