"""Batches of real faces and their labels, a pure function of (seed, step, rank)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mien.labels.kinds import Floats
from mien.models.images import to_network
from mien.store.shards import Pixels
from mien.training.compute import Compute
from mien.training.sampling import Sampler

LANDMARKS = "landmarks"
"""Name, beside those of heads, under which a batch carries places of landmarks."""
DECODED_BYTES = 64 * 2**20
"""Of a split whose images are decoded once and kept: 5,000 faces at 32 px, 20,000 grey at 28 px.

To a network of two dense layers, reading a batch is a tenth of a step.
"""


@dataclass(frozen=True)
class LabelBatch:
    """Labels of N faces as tensors, by head's name.

    values: (N, K), 0 where unlabelled. valid: (N, K), 1 where labelled, else 0. What a network
    takes beside an image is here too: the class (`CONDITION`), or `LANDMARKS`, (N, 2 P).
    """

    values: Mapping[str, Tensor]
    valid: Mapping[str, Tensor]

    @classmethod
    def of(cls, labels: Mapping[str, Floats]) -> "LabelBatch":
        """Turn label arrays into tensors and masks."""
        tensors = {name: torch.from_numpy(array) for name, array in labels.items()}
        return cls(
            {name: tensor.nan_to_num(0.0) for name, tensor in tensors.items()},
            {name: (~tensor.isnan()).float() for name, tensor in tensors.items()},
        )

    def __getitem__(self, rows: Tensor) -> "LabelBatch":
        """Pick faces; a negative row is a face without any label."""
        there = (rows >= 0).float()[:, None]
        picked = rows.clamp(min=0)
        return LabelBatch(
            {name: tensor[picked] * there for name, tensor in self.values.items()},
            {name: tensor[picked] * there for name, tensor in self.valid.items()},
        )

    def mapped(self, change: Callable[[Tensor], Tensor]) -> "LabelBatch":
        """Apply a function to every tensor."""
        return LabelBatch(
            {name: change(tensor) for name, tensor in self.values.items()},
            {name: change(tensor) for name, tensor in self.valid.items()},
        )

    @property
    def landmarks(self) -> Tensor:
        """Landmarks (N, P, 2) in the crops, NaN where unknown; KeyError where none are carried."""
        known = self.valid[LANDMARKS] > 0
        places = torch.where(known, self.values[LANDMARKS], torch.nan)
        return places.view(len(places), -1, 2)

    @classmethod
    def joined(cls, parts: Sequence["LabelBatch"]) -> "LabelBatch":
        """Labels of several batches, one after the other."""
        first = parts[0]
        return cls(
            {name: torch.cat([part.values[name] for part in parts]) for name in first.values},
            {name: torch.cat([part.valid[name] for part in parts]) for name in first.valid},
        )


class Faces(Protocol):
    """All training faces, by their numbers from 0."""

    def __len__(self) -> int:
        """How many there are."""

    def read(self, faces: NDArray[np.intp]) -> Tensor:
        """Images (N, channels, S, S) of faces, their numbers ascending, as batches have them."""


class Batch:
    """N real faces, read when somebody looks: a generator's update may not need them at all.

    faces: (N,) numbers among all training faces, -1 for a frame without a face.
    """

    def __init__(
        self,
        images: Callable[[], Tensor],
        labels: Callable[[], LabelBatch],
        faces: NDArray[np.intp],
        all_faces: "Faces",
    ) -> None:
        self._images, self._labels = images, labels
        self.faces, self.all_faces = faces, all_faces

    @cached_property
    def there(self) -> Tensor:
        """(N,) False for a frame of a window that shows no face."""
        return torch.from_numpy(self.faces >= 0)

    def __len__(self) -> int:
        return len(self.faces)

    @cached_property
    def images(self) -> Tensor:
        """Images (N, channels, S, S) in [-1, 1]."""
        return self._images()

    @cached_property
    def labels(self) -> LabelBatch:
        """Their labels."""
        return self._labels()


class FaceBatches:
    """Batches of one source, in the order of its sampler."""

    def __init__(
        self,
        pixels: Pixels,
        rows: NDArray[np.intp],
        labels: Mapping[str, Floats],
        sampler: Sampler,
        channels: int = 3,
    ) -> None:
        """pixels: of the whole store; rows: the split's faces; labels: of those, in that order."""
        self.sampler, self.channels = sampler, channels
        self._pixels, self._rows, self._labels = pixels, rows, LabelBatch.of(labels)

    def __len__(self) -> int:
        return len(self._rows)

    def batch(self, step: int) -> Batch:
        """Return the faces of a step, a function of it alone."""
        chosen = self.sampler.positions(step)
        return Batch(
            lambda: self._images(chosen),
            lambda: self._labels[torch.from_numpy(chosen)],
            chosen,
            self,
        )

    def _images(self, chosen: NDArray[np.intp]) -> Tensor:
        missing = chosen < 0  # frames of a window that have no face
        if missing.any():
            images = self.read(np.where(missing, 0, chosen))
            images[torch.from_numpy(missing)] = 0
            return images
        return self.read(chosen)

    def read(self, faces: NDArray[np.intp]) -> Tensor:
        """Read images of faces by number."""
        chosen = faces
        if self._decoded is not None:
            images = self._decoded.index_select(0, torch.from_numpy(chosen))
            if self.channels == 1:  # or strides, and with them roundings, would differ
                return images.view(len(chosen), 1, *images.shape[1:3])
            return images.permute(0, 3, 1, 2)
        return to_network(self._pixels.gather(self._rows[chosen]), self.channels)

    @cached_property
    def _decoded(self) -> Tensor | None:
        """All images as networks take them, (N, S, S, channels), where they need little memory."""
        if 4 * len(self._rows) * self.channels * self._pixels.size**2 > DECODED_BYTES:
            return None
        parts = np.array_split(self._rows, max(1, len(self._rows) // 256))
        images = [to_network(self._pixels.gather(part), self.channels) for part in parts]
        return torch.cat([part.permute(0, 2, 3, 1) for part in images])


class MixedBatches:
    """Batches that join a fixed number of faces of each of several sources."""

    def __init__(self, sources: Sequence[FaceBatches], compute: Compute) -> None:
        self.sources, self.compute = tuple(sources), compute
        self._firsts = np.cumsum([0, *map(len, sources)])

    def __len__(self) -> int:
        return sum(len(source) for source in self.sources)

    def batch(self, step: int) -> Batch:
        """Return the faces of a step, a function of it alone, on the device."""
        parts = [source.batch(step) for source in self.sources]
        put = self.compute.put
        if len(parts) == 1:
            images = lambda: put(parts[0].images)  # noqa: E731
            labels = lambda: parts[0].labels.mapped(put)  # noqa: E731
        else:
            images = lambda: put(torch.cat([part.images for part in parts]))  # noqa: E731
            labels = lambda: LabelBatch.joined([p.labels for p in parts]).mapped(put)  # noqa: E731
        numbers = [
            np.where(part.faces < 0, -1, part.faces + first)
            for part, first in zip(parts, self._firsts, strict=False)
        ]
        return Batch(images, labels, np.concatenate(numbers), self)

    def read(self, faces: NDArray[np.intp]) -> Tensor:
        """Read images of faces by number, ascending, on the device."""
        ends = np.searchsorted(faces, self._firsts)
        parts = [
            source.read(faces[first:end] - number)
            for source, number, first, end in zip(
                self.sources, self._firsts, ends, ends[1:], strict=False
            )
            if end > first
        ]
        return self.compute.put(torch.cat(parts))
