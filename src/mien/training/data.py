"""Batches of real faces and their labels, a pure function of (seed, step)."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mien.labels.arrays import LabelArrays
from mien.models.predictor import to_network
from mien.store.shards import Pixels

DECODED_BYTES = 64 * 2**20
"""Of a split whose images are decoded once and kept: 5,000 faces at 32 px, 20,000 grey at 28 px.

To a network of two dense layers, reading a batch is a tenth of a step.
"""


@dataclass(frozen=True)
class LabelBatch:
    """Labels of N faces as tensors; `valid` tensors are 1 where labelled, else 0.

    valence_arousal: (N, 2). au: (N, A) 0 or 1. expression: (N,) index. Unlabelled entries hold 0.
    """

    valence_arousal: Tensor
    valence_arousal_valid: Tensor
    au: Tensor
    au_valid: Tensor
    expression: Tensor
    expression_valid: Tensor

    @classmethod
    def of(cls, labels: LabelArrays) -> "LabelBatch":
        """Turn label arrays into tensors and masks."""
        va, au = torch.from_numpy(labels.valence_arousal), torch.from_numpy(labels.au)
        expression = torch.from_numpy(labels.expression)
        return cls(
            va.nan_to_num(0.0),
            (~va.isnan()).float(),
            au.clamp(min=0).float(),
            (au >= 0).float(),
            expression.clamp(min=0).long(),
            (expression >= 0).float(),
        )

    def __getitem__(self, rows: Tensor) -> "LabelBatch":
        """Pick faces."""
        return LabelBatch(
            self.valence_arousal[rows],
            self.valence_arousal_valid[rows],
            self.au[rows],
            self.au_valid[rows],
            self.expression[rows],
            self.expression_valid[rows],
        )


class Batch:
    """N real faces, read when somebody looks: a generator's turn may not need them at all."""

    def __init__(
        self, size: int, images: Callable[[], Tensor], labels: Callable[[], LabelBatch]
    ) -> None:
        self._size, self._images, self._labels = size, images, labels

    def __len__(self) -> int:
        return self._size

    @cached_property
    def images(self) -> Tensor:
        """Images (N, channels, S, S) in [-1, 1]."""
        return self._images()

    @cached_property
    def labels(self) -> LabelBatch:
        """Their labels."""
        return self._labels()


class FaceBatches:
    """Shuffled batches of one split, epoch after epoch, every face once an epoch."""

    def __init__(
        self,
        pixels: Pixels,
        rows: NDArray[np.intp],
        labels: LabelArrays,
        batch_size: int,
        seed: int,
        channels: int = 3,
    ) -> None:
        """pixels: of the whole store; rows: the split's faces; labels: of those, in that order."""
        self.batch_size, self.seed, self.channels = batch_size, seed, channels
        self._pixels, self._rows, self._labels = pixels, rows, LabelBatch.of(labels)
        self._epoch, self._order = -1, np.empty(0, np.intp)

    def __len__(self) -> int:
        return len(self._rows)

    def batch(self, step: int) -> Batch:
        """Return the faces of a step, a function of it alone."""
        chosen = self._positions(step)
        return Batch(
            len(chosen),
            lambda: self._images(chosen),
            lambda: self._labels[torch.from_numpy(chosen)],
        )

    def _images(self, chosen: NDArray[np.intp]) -> Tensor:
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

    def _positions(self, step: int) -> NDArray[np.intp]:
        n = len(self._rows)
        chosen = np.empty(self.batch_size, np.intp)
        first = step * self.batch_size
        filled = 0
        while filled < self.batch_size:
            epoch, offset = divmod(first + filled, n)
            if epoch != self._epoch:
                self._order = np.random.default_rng((self.seed, epoch)).permutation(n)
                self._epoch = epoch
            part = self._order[offset : offset + self.batch_size - filled]
            chosen[filled : filled + len(part)] = part
            filled += len(part)
        return chosen
