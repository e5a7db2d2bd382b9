"""Convolution into time (`models/recognition/cnn_3d.py`), slid along tracks of any length.

Each frame is the middle one of seven: outputs need three later frames, so whole windows are seen
and nothing streams. Before the first frame of a window and behind its last, those repeat. Every
layer runs along the sequence once, not once per window of seven: the same numbers.
"""

import torch
from torch import Tensor

from mien.models.recognition.cnn_3d import Cnn3d
from mien.models.sequences.base import SequenceNetwork, inside


class SlidingCnn3d(SequenceNetwork):
    """Frames of tracks, whole windows of them, to raw outputs."""

    image_size = Cnn3d.image_size
    streams = False

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.network = Cnn3d(outputs)

    def describe(self, images: Tensor, lengths: Tensor | None) -> Tensor:
        """Map frames (M, 3, 64, 64) to (M, 128)."""
        if lengths is None:
            lengths = torch.ones(len(images), dtype=torch.long, device=images.device)
        reach, longest = self.network.frames // 2, int(lengths.max())
        along = torch.arange(-reach, longest + reach, device=images.device)
        wanted = torch.minimum(along.clamp(min=0), lengths[:, None] - 1)
        rows = images[wanted + (lengths.cumsum(0) - lengths)[:, None]]  # (N, longest + 6, 3, S, S)
        maps = self.network.layers[:-1](rows.transpose(1, 2))[..., 0, 0]  # without Flatten
        found: Tensor = maps.transpose(1, 2)[inside(lengths)]
        return found

    def follow(
        self, features: Tensor, lengths: Tensor | None, state: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Map features to raw outputs (M, outputs) and no state (`SequenceNetwork`)."""
        count = len(features) if lengths is None else len(lengths)
        return self.network.head(features), features.new_zeros(count, 0)
