"""What a network that follows faces through time is, and how sequences lie in tensors.

Frames of N sequences lie one after the other, (M, ...), beside `lengths`, (N,), which are at least
1 and add up to M. A frame without a face is not among them: what is remembered is held over it.
`lengths` of None is one frame of each: a step of streaming.
"""

from abc import abstractmethod

import torch
from torch import Tensor, nn

from mien.errors import InputError


class SequenceNetwork(nn.Module):
    """Frames of tracks to raw outputs, of each frame.

    streams: whether a frame's outputs need no later frame: a state, (N, state_size), then goes from
    one call to the next. Others see a window whole, and begin each anew. frozen: whether the body
    stays as it is: `describe` then says the same of a frame whenever it is asked.
    """

    image_size: int
    channels: int = 3
    streams: bool = True
    state_size: int = 0
    frozen: bool = False

    @abstractmethod
    def describe(self, images: Tensor, lengths: Tensor | None) -> Tensor:
        """Map frames (M, C, S, S) in [-1, 1] to features (M, F)."""

    @abstractmethod
    def follow(
        self, features: Tensor, lengths: Tensor | None, state: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Map features (M, F) to raw outputs (M, outputs) and the state (N, state_size) after.

        state: before the first frame; None where nothing was seen.
        """

    def forward(
        self, images: Tensor, lengths: Tensor | None = None, state: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Map frames (M, C, S, S) to raw outputs (M, outputs) and the state after the last."""
        return self.follow(self.describe(images, lengths), lengths, state)

    def freeze_body(self) -> None:
        """Leave the body as it is: weights and running statistics; InputError where none is."""
        body = getattr(self, "body", None)
        if body is None:
            raise InputError(f"{type(self).__name__} has no body that could be frozen")
        body.requires_grad_(False).eval()
        self.frozen = True

    def train(self, mode: bool = True) -> "SequenceNetwork":
        """Switch between training and evaluation; a frozen body stays in the latter."""
        super().train(mode)
        if self.frozen:
            self.get_submodule("body").eval()
        return self


def padded(frames: Tensor, lengths: Tensor | None) -> Tensor:
    """Put frames (M, F) into rows (N, longest, F), zeros behind the end of a sequence."""
    if lengths is None:
        return frames[:, None]
    longest = int(lengths.max())
    if longest * len(lengths) == len(frames):
        return frames.view(len(lengths), longest, -1)
    rows = frames.new_zeros(len(lengths), longest, frames.shape[1])
    rows[inside(lengths)] = frames
    return rows


def joined(rows: Tensor, lengths: Tensor | None) -> Tensor:
    """Undo `padded`: (N, longest, F) to (M, F)."""
    if lengths is None:
        return rows[:, 0]
    if int(lengths.sum()) == rows.shape[0] * rows.shape[1]:
        return rows.flatten(0, 1)
    return rows[inside(lengths)]


def inside(lengths: Tensor) -> Tensor:
    """Which places of rows (N, longest) are frames."""
    return torch.arange(int(lengths.max()), device=lengths.device) < lengths[:, None]


def neighbours(lengths: Tensor | None, count: int, offsets: range, device: torch.device) -> Tensor:
    """Places (M, len(offsets)) of each of `count` frames' neighbours in its own sequence.

    Before its first frame and behind its last, those repeat.
    """
    place = torch.arange(count, device=device)
    lengths = torch.ones_like(place) if lengths is None else lengths
    last = lengths.cumsum(0) - 1
    first, last = ((x.repeat_interleave(lengths))[:, None] for x in (last - lengths + 1, last))
    wanted = place[:, None] + torch.tensor(list(offsets), device=device)
    return torch.minimum(torch.maximum(wanted, first), last)
