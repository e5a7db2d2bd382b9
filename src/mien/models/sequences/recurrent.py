"""Recurrent layers over sequences of different lengths, with a state that can be carried on."""

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from mien.errors import InputError
from mien.models.sequences.base import joined, padded

CELLS: dict[str, Callable[..., nn.RNNBase]] = {
    "lstm": nn.LSTM,
    "gru": nn.GRU,
    "relu": partial(nn.RNN, nonlinearity="relu"),
}


class Recurrent(nn.Module):
    """Layers of any sizes one on the other, dropout behind each.

    width: of its output. state_size: numbers that a track's state has; of both directions there is
    none to carry, as the past would need the future. Begins as TensorFlow's cells do: Glorot's
    weights from below, orthogonal ones in time, no bias but 1 at the LSTM's forget gate.
    """

    def __init__(
        self,
        inputs: int,
        layers: Sequence[int],
        cell: str,
        dropout: float = 0.0,
        bidirectional: bool = False,
    ) -> None:
        """cell: a key of `CELLS`; `relu` is the plain one. Raises InputError without a layer."""
        super().__init__()
        if not layers:
            raise InputError("layers: name the size of at least one recurrent layer, as [128, 128]")
        ways = 2 if bidirectional else 1
        self.layers = nn.ModuleList()
        for width in layers:
            made = CELLS[cell](inputs, width, batch_first=True, bidirectional=bidirectional)
            self.layers.append(made)
            inputs = width * ways
        self.dropout = nn.Dropout(dropout)
        self.width, self.bidirectional = inputs, bidirectional
        self._parts = [] if bidirectional else [w for w in layers for _ in range(_kept(cell))]
        self.state_size = sum(self._parts)
        _initialise(self)

    def forward(
        self, frames: Tensor, lengths: Tensor | None, state: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Map frames (M, F) to (M, width) and the state (N, state_size) after the last."""
        rows = padded(frames, lengths)
        ragged = lengths is not None and rows.shape[0] * rows.shape[1] != len(frames)
        if state is None:
            state = rows.new_zeros(len(rows), self.state_size)
        before = list(torch.split(state, self._parts, 1)) if self._parts else []
        after: list[Tensor] = []
        for layer in self.layers:
            kept = [before.pop(0)[None].contiguous() for _ in range(self._kept_by(layer))]
            start = tuple(kept) if len(kept) > 1 else kept[0] if kept else None
            if lengths is not None and ragged:
                packed = pack_padded_sequence(rows, lengths.cpu(), True, enforce_sorted=False)
                found, end = layer(packed, start)
                rows = pad_packed_sequence(found, batch_first=True)[0]
            else:
                rows, end = layer(rows, start)
            if not self.bidirectional:
                after += [part[0] for part in (end if isinstance(end, tuple) else (end,))]
            rows = self.dropout(rows)
        state = torch.cat(after, 1) if after else rows.new_zeros(len(rows), 0)
        return joined(rows, lengths), state

    def _kept_by(self, layer: nn.Module) -> int:
        return 0 if self.bidirectional else 2 if isinstance(layer, nn.LSTM) else 1


def _kept(cell: str) -> int:
    """Vectors that a cell hands on: an LSTM its output and its cell."""
    return 2 if cell == "lstm" else 1


@torch.no_grad()
def _initialise(network: Recurrent) -> None:
    for layer in network.layers:
        for name, weight in layer.named_parameters():
            if name.startswith("weight_ih"):
                nn.init.xavier_uniform_(weight)
            elif name.startswith("weight_hh"):
                nn.init.orthogonal_(weight)
            else:
                nn.init.zeros_(weight)
                if isinstance(layer, nn.LSTM) and name.startswith("bias_ih"):
                    weight[layer.hidden_size : 2 * layer.hidden_size] = 1
