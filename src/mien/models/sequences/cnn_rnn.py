"""CNN-RNN (benroumpi-2018, section 2.4.3, figure 2.22; au-va-thesis, section 2.4.4).

block  layer              units
1      CNN's conv & pooling parts
2      fully connected 1  4096
       dropout
3      RNN layer 1        128
       dropout
4      RNN layer 2        128
       dropout
5      fully connected 2  2

The recurrent layers see the first or the second fully connected layer of the body; they are one to
three, of 100 to 150 units (2 x 256, 100/100/50, 200, 300 elsewhere in the documents).
"""

from collections.abc import Sequence

from torch import Tensor, nn

from mien.models.sequences.base import SequenceNetwork
from mien.models.sequences.body import Body
from mien.models.sequences.recurrent import Recurrent


class CnnRnn(SequenceNetwork):
    """Frames of tracks to raw outputs through a body and recurrent layers.

    With `bidirectional`, it sees whole windows and does not stream.
    """

    cell: str

    def __init__(
        self,
        outputs: int,
        body: str,
        fully_connected: int = 1,
        layers: Sequence[int] = (128, 128),
        dropout: float = 0.5,
        bidirectional: bool = False,
        image_size: int | None = None,
    ) -> None:
        super().__init__()
        self.body = Body(body, fully_connected, image_size)
        self.image_size, self.channels = self.body.image_size, self.body.channels
        self.dropout = nn.Dropout(dropout)
        self.recurrent = Recurrent(self.body.width, layers, self.cell, dropout, bidirectional)
        self.head = nn.Linear(self.recurrent.width, outputs)
        self.streams, self.state_size = not bidirectional, self.recurrent.state_size

    def describe(self, images: Tensor, lengths: Tensor | None) -> Tensor:
        """Map frames (M, C, S, S) to the body's features (M, width)."""
        found: Tensor = self.body(images)
        return found

    def follow(
        self, features: Tensor, lengths: Tensor | None, state: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Map features to raw outputs (M, outputs) and the state after (`SequenceNetwork`)."""
        found, state = self.recurrent(self.dropout(features), lengths, state)
        return self.head(found), state


class CnnLstm(CnnRnn):
    """With LSTM cells (Hochreiter and Schmidhuber 1997)."""

    cell = "lstm"


class CnnGru(CnnRnn):
    """With gated recurrent units (Cho et al. 2014): in the documents the better ones."""

    cell = "gru"


class CnnReluRnn(CnnRnn):
    """With plain recurrent units and ReLU (au-va-thesis, section 2.4.4: 100, 100 and 50)."""

    cell = "relu"
