"""Networks that follow a face through time; to add one: a file, and a line here.

They are `SequenceNetwork`s; most take a body of `mien.models.RECOGNISERS` by its name.
"""

from mien.models.sequences.base import SequenceNetwork
from mien.models.sequences.cnn_3d import SlidingCnn3d
from mien.models.sequences.cnn_rnn import CnnGru, CnnLstm, CnnReluRnn
from mien.models.sequences.fera import FeraMaskBlstm
from mien.models.sequences.gru_attention import GruAttention

SEQUENCES: dict[str, type[SequenceNetwork]] = {
    "cnn-3d": SlidingCnn3d,
    "cnn-rnn-gru": CnnGru,
    "cnn-rnn-lstm": CnnLstm,
    "cnn-rnn-relu": CnnReluRnn,
    "fera-mask-blstm": FeraMaskBlstm,
    "vggface-gru-attention": GruAttention,
}
