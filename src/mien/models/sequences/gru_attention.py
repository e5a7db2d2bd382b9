"""VGGFACE-GRU-attention (kollias-2018, section IV-B, figure 5).

A body's features, layers of gated recurrent units, attention over the last 32 steps on top, 9
outputs: valence, arousal (linear) and seven expressions (softmax).

Readings where the document leaves a choice: the size of the GRU is not stated, nor what kind of
attention. Two layers of 128 units, as the AffWildNet that it modifies (benroumpi-2018, figure
2.22). Additive attention (Bahdanau et al. 2015) whose query is the present frame and whose keys are
the last `attention` outputs of the recurrent layer, the present one included; the output sees both
the present and what was attended to. That is how TensorFlow's wrapper scores, whose `attn_length`
the document's "attention length" recalls, but on top, as its text says, and not fed back.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mien.models.sequences.base import SequenceNetwork, joined, padded
from mien.models.sequences.body import Body
from mien.models.sequences.recurrent import Recurrent


class Attention(nn.Module):
    """Additive attention of each step over the last `steps`, itself included.

    state_size: of what a track's state holds: the last steps - 1, and which of them there were.
    """

    def __init__(self, width: int, steps: int) -> None:
        super().__init__()
        self.width, self.steps = width, steps
        self.keys = nn.Linear(width, width, bias=False)
        self.query = nn.Linear(width, width)
        self.score = nn.Linear(width, 1, bias=False)
        self.state_size = (steps - 1) * (width + 1)

    def forward(
        self, frames: Tensor, lengths: Tensor | None, state: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Map frames (M, width) to what each attends to, (M, width), and the state after."""
        rows = padded(frames, lengths)
        longest, past = rows.shape[1], self.steps - 1
        if state is None:
            state = rows.new_zeros(len(rows), self.state_size)
        known, there = torch.split(state, [past * self.width, past], 1)
        line = torch.cat([known.reshape(-1, past, self.width), rows], 1)
        there = torch.cat([there, torch.ones_like(rows[:, :, 0])], 1)
        seen = self._attended(line, there, rows)
        return joined(seen, lengths), self._after(line, there, lengths, longest)

    def _attended(self, line: Tensor, there: Tensor, rows: Tensor) -> Tensor:
        """Map (N, past + L, width) and the present (N, L, width) to (N, L, width)."""
        keys = self.keys(line).unfold(1, self.steps, 1).transpose(2, 3)  # (N, L, steps, width)
        score = self.score(torch.tanh(keys + self.query(rows)[:, :, None]))[..., 0]
        score = score.masked_fill(there.unfold(1, self.steps, 1) == 0, -torch.inf)
        share = score.softmax(2)
        past = line.unfold(1, self.steps, 1).transpose(2, 3)
        found: Tensor = (share[:, :, None] @ past)[:, :, 0]
        return found

    def _after(self, line: Tensor, there: Tensor, lengths: Tensor | None, longest: int) -> Tensor:
        """Pick the last steps - 1 of every sequence, each behind its own end."""
        past = self.steps - 1
        if lengths is None:
            return torch.cat([line[:, longest:].flatten(1), there[:, longest:]], 1)
        wanted = lengths[:, None] + torch.arange(past, device=line.device)
        kept = line.gather(1, wanted[:, :, None].expand(-1, -1, self.width))
        return torch.cat([kept.flatten(1), there.gather(1, wanted)], 1)


class GruAttention(SequenceNetwork):
    """Frames of tracks to raw outputs through a body, gated recurrent units and attention."""

    def __init__(
        self,
        outputs: int,
        body: str,
        fully_connected: int = 1,
        layers: Sequence[int] = (128, 128),
        attention: int = 32,
        dropout: float = 0.5,
        image_size: int | None = None,
    ) -> None:
        super().__init__()
        self.body = Body(body, fully_connected, image_size)
        self.image_size, self.channels = self.body.image_size, self.body.channels
        self.dropout = nn.Dropout(dropout)
        self.recurrent = Recurrent(self.body.width, layers, "gru", dropout)
        self.attention = Attention(self.recurrent.width, attention)
        self.head = nn.Linear(2 * self.recurrent.width, outputs)
        self._parts = [self.recurrent.state_size, self.attention.state_size]
        self.state_size = sum(self._parts)

    def describe(self, images: Tensor, lengths: Tensor | None) -> Tensor:
        """Map frames (M, C, S, S) to the body's features (M, width)."""
        found: Tensor = self.body(images)
        return found

    def follow(
        self, features: Tensor, lengths: Tensor | None, state: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Map features to raw outputs (M, outputs) and the state after (`SequenceNetwork`)."""
        before = (None, None) if state is None else torch.split(state, self._parts, 1)
        found, recurrent = self.recurrent(self.dropout(features), lengths, before[0])
        seen, attention = self.attention(found, lengths, before[1])
        return self.head(torch.cat([found, seen], 1)), torch.cat([recurrent, attention], 1)
